// vpu_out.v -- one lane of the VPU's chain, stages 16 and 17: the output's rounding, and the reduction over rows.
//
// Function : 16 round to int32 or bf16; square   17 zero point and clamp; reduce. A masked lane gives 0 and leaves the row out of its
//            reduction. The integers to reduce, or to put out raw, come in stage 16's cycle.
// Latency  : out_o and red_o after stage 17.
// Reset    : none; the first row of a reduction starts anew.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module vpu_out #(
    parameter ELEMENT = 0
) (
    input  wire        clk,
    input  wire [31:0] v_i,             // in stage 16's cycle
    input  wire [31:0] i_i,
    input  wire        s16_valid_i,
    input  wire [2:0]  s16_out_i,
    input  wire        s16_sumsq_i,
    input  wire        s16_red_int_i,   // the integers are reduced
    input  wire        s16_mask_i,
    input  wire        s17_valid_i,
    input  wire        s17_clamp_i,     // an integer output
    input  wire [31:0] s17_zero_i,
    input  wire [31:0] s17_lo_i,
    input  wire [31:0] s17_hi_i,
    input  wire        s17_red_i,       // a row that is reduced
    input  wire        s17_max_i,
    input  wire        s17_fp_i,
    input  wire        s17_index_i,
    input  wire        s17_first_i,
    input  wire        s17_mask_i,
    input  wire [30:0] s17_place_i,     // its number in the reduction
    output wire [31:0] out_o,
    output wire [31:0] red_o,
    output wire [30:0] place_o
);
    localparam [31:0] NAN = 32'h7FC0_0000;
    function is_nan(input [30:0] x);
        is_nan = x > 31'h7F80_0000;
    endfunction

    // ------------------------------------------------------------------ 16: round; square
    reg  [31:0] o16_q, x16_q;
    wire [31:0] o16_int, x16_square;
    wire [15:0] o16_bf16;
    wire        o16_spm = s16_out_i == `SY_VPU_CHAIN_OUT_OUT_SPM;
    wire        o16_to_bf16 = ELEMENT != 0 && o16_spm;
    wire        o16_to_int = s16_out_i == `SY_VPU_CHAIN_OUT_OUT_I32 || (ELEMENT == 0 && o16_spm);
    fp_to_int u_int (.en_i (s16_valid_i && o16_to_int), .a_i (v_i), .y_o (o16_int));
    fp_to_bf16 u_bf16 (.en_i (s16_valid_i && o16_to_bf16), .a_i (v_i), .y_o (o16_bf16));
    fp_mul u_square (.en_i (s16_valid_i && s16_sumsq_i), .a_i (v_i), .b_i (v_i), .y_o (x16_square));
    always @(posedge clk) begin
        if (s16_valid_i) begin
            o16_q <= o16_to_int ? o16_int : o16_to_bf16 ? {16'd0, o16_bf16} :
                     s16_out_i == `SY_VPU_CHAIN_OUT_OUT_RAW ? (s16_mask_i ? 32'd0 : i_i) : is_nan(v_i[30:0]) ? NAN : v_i;
            x16_q <= s16_sumsq_i ? x16_square : s16_red_int_i ? i_i : v_i;
        end
    end

    // ------------------------------------------------------------------ 17: output done
    reg  [31:0] o17_q;
    wire [31:0] o17_int;
    clamp_sum u_clamp (
        .en_i (s17_valid_i && s17_clamp_i), .a_i (o16_q), .zero_i (s17_zero_i), .lo_i (s17_lo_i), .hi_i (s17_hi_i), .y_o (o17_int)
    );
    always @(posedge clk) begin
        if (s17_valid_i) begin
            o17_q <= s17_clamp_i ? o17_int : o16_q;
        end
    end
    assign out_o = o17_q;

    // ------------------------------------------------------------------ 17: reduce
    reg  [31:0] red_q;
    reg  [30:0] place_q;
    reg  [31:0] before17;
    wire [31:0] red17;
    wire        newer17, equal17;
    always @* begin
        before17 = red_q;
        if (s17_red_i && s17_first_i) begin
            before17 = !s17_max_i ? 32'd0 : s17_fp_i ? 32'hFF80_0000 : 32'h8000_0000;
        end
    end
    reduce_op u_op (
        .en_i (s17_red_i && !s17_mask_i), .max_i (s17_max_i), .fp_i (s17_fp_i), .a_i (before17), .b_i (x16_q),
        .y_o (red17), .above_o (newer17), .equal_o (equal17)
    );
    always @(posedge clk) begin
        if (s17_red_i) begin
            red_q <= s17_mask_i ? before17 : red17;
        end
        if (s17_red_i && s17_index_i) begin
            if (newer17 && !s17_mask_i) begin
                place_q <= s17_place_i;
            end else if (s17_first_i) begin
                place_q <= 31'd0;
            end
        end
    end
    assign red_o   = red_q;
    assign place_o = place_q;
    wire unused = &{1'b0, equal17};
endmodule
`default_nettype wire
