// vpu_second.v -- one lane of the VPU's second output: what follows the reduction, in stages 1 to 8 of its own.
//
// Function : 1 r_mul   2 r_add   3 to 6 red_fn   7 round to int32 or bf16   8 zero point and clamp.
// Latency  : out_o after stage 8.
// Reset    : none.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module vpu_second #(
    parameter ELEMENT = 0
) (
    input  wire        clk,
    input  wire [31:0] r_i,             // in stage 1's cycle
    input  wire [8:1]  valid_i,         // a reduced row is in the stage
    input  wire [31:0] s1_mul_i,
    input  wire [31:0] s2_add_i,
    input  wire [6:3]  unit_i,          // it wants a function
    input  wire [3:0]  s3_fn_i,
    input  wire [3:0]  s5_fn_i,
    input  wire        s7_unit_i,
    input  wire [1:0]  s7_out_i,
    input  wire        s8_clamp_i,      // an integer output
    input  wire [31:0] s8_zero_i,
    input  wire [31:0] s8_lo_i,
    input  wire [31:0] s8_hi_i,
    output wire [31:0] out_o
);
    // ------------------------------------------------------------------ 1: r_mul, 2: r_add
    reg  [31:0] r1_q, r2_q;
    wire [31:0] r1_fp, r2_fp;
    fp_mul u_r1 (.en_i (valid_i[1]), .a_i (r_i), .b_i (s1_mul_i), .y_o (r1_fp));
    fp_add u_r2 (.en_i (valid_i[2]), .a_i (r1_q), .b_i (s2_add_i), .y_o (r2_fp));
    always @(posedge clk) begin
        if (valid_i[1]) begin
            r1_q <= r1_fp;
        end
        if (valid_i[2]) begin
            r2_q <= r2_fp;
        end
    end

    // ------------------------------------------------------------------ 3 to 6: red_fn, or as it is
    reg  [31:0] r3_q, r4_q, r5_q, r6_q;
    wire [31:0] f6;
    fn_unit u_fn (
        .clk        (clk),
        .s1_valid_i (unit_i[3]),
        .s1_fn_i    (s3_fn_i),
        .v_i        (r2_q),
        .s2_valid_i (unit_i[4]),
        .s3_valid_i (unit_i[5]),
        .s3_fn_i    (s5_fn_i),
        .s4_valid_i (unit_i[6]),
        .y_o        (f6)
    );
    always @(posedge clk) begin
        if (valid_i[3]) begin
            r3_q <= r2_q;
        end
        if (valid_i[4]) begin
            r4_q <= r3_q;
        end
        if (valid_i[5]) begin
            r5_q <= r4_q;
        end
        if (valid_i[6]) begin
            r6_q <= r5_q;
        end
    end

    // ------------------------------------------------------------------ 7: round, 8: done
    reg  [31:0] r7_q, r8_q;
    wire [31:0] r7 = s7_unit_i ? f6 : r6_q;
    wire [31:0] r7_int, r8_int;
    wire [15:0] r7_bf16;
    wire        to_bf16 = ELEMENT != 0 && s7_out_i == `SY_VPU_CHAIN_OUT_RED_OUT_SPM;
    wire        to_int  = s7_out_i == `SY_VPU_CHAIN_OUT_RED_OUT_I32 || (ELEMENT == 0 && s7_out_i == `SY_VPU_CHAIN_OUT_RED_OUT_SPM);
    fp_to_int u_int (.en_i (valid_i[7] && to_int), .a_i (r7), .y_o (r7_int));
    fp_to_bf16 u_bf16 (.en_i (valid_i[7] && to_bf16), .a_i (r7), .y_o (r7_bf16));
    clamp_sum u_clamp (
        .en_i (valid_i[8] && s8_clamp_i), .a_i (r7_q), .zero_i (s8_zero_i), .lo_i (s8_lo_i), .hi_i (s8_hi_i), .y_o (r8_int)
    );
    always @(posedge clk) begin
        if (valid_i[7]) begin
            r7_q <= to_int ? r7_int : to_bf16 ? {16'd0, r7_bf16} : r7;
        end
        if (valid_i[8]) begin
            r8_q <= s8_clamp_i ? r8_int : r7_q;
        end
    end
    assign out_o = r8_q;
endmodule
`default_nettype wire
