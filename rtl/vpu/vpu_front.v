// vpu_front.v -- one lane of the VPU's chain, stages 1 to 4: integers, the window, and the way to fp32.
//
// Function : 1 subtract zero points   2 window   3 iadd; B to fp32   4 A to fp32; B scaled.
//            sK_* control stage K in the cycle in which a row is in it (sK_valid_i); what a stage makes is in its register in the
//            next cycle. Row register iadd and the weights are written by rows that come down the chain: after the rows before
//            them, before the rows behind them.
// Latency  : i_o after stage 3, v_o and b_o after stage 4.
// Reset    : row register iadd, to 0.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module vpu_front #(
    parameter ELEMENT = 0      // 0 int8, 1 bf16
) (
    input  wire        clk,
    input  wire        rst_n,
    input  wire [31:0] a_i,             // aligned operands, in stage 1's cycle; bf16 widened
    input  wire [31:0] b_i,
    input  wire        s1_valid_i,
    input  wire        s1_a_fp_i,
    input  wire [31:0] s1_a_zero_i,
    input  wire [1:0]  s1_b_kind_i,     // 0 none, 1 integer, 2 fp32
    input  wire [31:0] s1_b_zero_i,
    input  wire        s2_valid_i,
    input  wire        s2_window_i,
    input  wire [4:0]  s2_add_i,        // window: see window_lane.v
    input  wire [4:0]  s2_fresh_i,
    input  wire        s2_shift_i,
    input  wire        s2_five_i,
    input  wire [4:0]  s2_tap_i,        // window: its first weight row; TAPS: the row to write
    input  wire [4:0]  s2_tap_known_i,  // the weight row of tap k has been loaded since START
    input  wire        s2_tap_we_i,
    input  wire        s3_valid_i,
    input  wire [1:0]  s3_iadd_i,
    input  wire [31:0] s3_imm_i,
    input  wire        s3_b_int_i,
    input  wire        s3_row_we_i,
    input  wire        s4_valid_i,
    input  wire        s4_a_fp_i,
    input  wire        s4_b_on_i,
    input  wire [31:0] s4_b_scale_i,
    output wire [31:0] i_o,
    output wire [31:0] v_o,
    output wire [31:0] b_o
);
    // ------------------------------------------------------------------ 1: zero points
    reg [31:0] i1_q, b1_q;
    always @(posedge clk) begin
        if (s1_valid_i) begin
            i1_q <= s1_a_fp_i ? a_i : a_i - s1_a_zero_i;
            b1_q <= s1_b_kind_i == 2'd0 ? 32'd0 : s1_b_kind_i == 2'd1 ? b_i - s1_b_zero_i : b_i;
        end
    end

    // ------------------------------------------------------------------ 2: window
    reg  [31:0] i2_q, b2_q;
    wire [31:0] window_sum;
    window_lane #(.ELEMENT(ELEMENT)) u_window (
        .clk         (clk),
        .en_i        (s2_valid_i && s2_window_i),
        .add_i       (s2_add_i),
        .fresh_i     (s2_fresh_i),
        .shift_i     (s2_shift_i),
        .five_i      (s2_five_i),
        .x_i         (i1_q),
        .tap_i       (s2_tap_i),
        .tap_known_i (s2_tap_known_i),
        .tap_we_i    (s2_tap_we_i),
        .sum_o       (window_sum)
    );
    always @(posedge clk) begin
        if (s2_valid_i) begin
            i2_q <= s2_window_i ? window_sum : i1_q;
            b2_q <= b1_q;
        end
    end

    // ------------------------------------------------------------------ 3: iadd; B to fp32
    reg  [31:0] row_iadd_q, i3_q, b3_q;
    wire [31:0] b3_fp;
    int_to_fp u_b3 (.en_i (s3_valid_i && s3_b_int_i), .a_i (b2_q), .y_o (b3_fp));
    always @(posedge clk) begin
        if (s3_valid_i) begin
            i3_q <= s3_iadd_i == `SY_VPU_CHAIN_IN_IADD_IMM ? i2_q + s3_imm_i :
                    s3_iadd_i == `SY_VPU_CHAIN_IN_IADD_ROW ? i2_q + row_iadd_q : i2_q;
            b3_q <= s3_b_int_i ? b3_fp : b2_q;
        end
    end
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            row_iadd_q <= 32'd0;
        end else if (s3_row_we_i) begin
            row_iadd_q <= i2_q;
        end
    end

    // ------------------------------------------------------------------ 4: A to fp32; B scaled
    reg  [31:0] v4_q, b4_q;
    wire [31:0] v4_fp, b4_fp;
    int_to_fp u_v4 (.en_i (s4_valid_i && !s4_a_fp_i), .a_i (i3_q), .y_o (v4_fp));
    fp_mul u_b4 (.en_i (s4_valid_i && s4_b_on_i), .a_i (b3_q), .b_i (s4_b_scale_i), .y_o (b4_fp));
    always @(posedge clk) begin
        if (s4_valid_i) begin
            v4_q <= s4_a_fp_i ? i3_q : v4_fp;
            b4_q <= b4_fp;
        end
    end
    assign i_o = i3_q;
    assign v_o = v4_q;
    assign b_o = b4_q;
endmodule
`default_nettype wire
