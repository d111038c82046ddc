// vpu_fp.v -- one lane of the VPU's chain, stages 5 to 10: fp32 arithmetic before the function.
//
// Function : 5 add1   6 mul1   7 round and clamp, or round to bf16   8 back to fp32   9 mul2   10 add2.
//            sK_* control stage K in the cycle in which a row is in it; a skipped stage hands its bits on. sK_op_i: 0 skip, 1
//            immediate, 2 row register, 3 B. Row registers are written by rows that come down the chain (sK_row_we_i).
// Latency  : pre_o after stage 8, v_o after stage 10.
// Reset    : the row registers, to 0.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/fp.sh, tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module vpu_fp (
    input  wire        clk,
    input  wire        rst_n,
    input  wire [31:0] v_i,             // in stage 5's cycle
    input  wire [31:0] b4_i,            // B in the cycles of stages 5 and 10
    input  wire [31:0] b9_i,
    input  wire        s5_valid_i,
    input  wire [1:0]  s5_op_i,
    input  wire [31:0] s5_imm_i,
    input  wire        s5_row_we_i,
    input  wire        s6_valid_i,
    input  wire [1:0]  s6_op_i,
    input  wire [31:0] s6_imm_i,
    input  wire        s6_row_we_i,
    input  wire        s7_valid_i,
    input  wire [1:0]  s7_mid_i,
    input  wire [31:0] s7_lo_i,
    input  wire [31:0] s7_hi_i,
    input  wire        s8_valid_i,
    input  wire [1:0]  s8_mid_i,
    input  wire        s9_valid_i,
    input  wire [1:0]  s9_op_i,
    input  wire [31:0] s9_imm_i,
    input  wire        s9_row_we_i,
    input  wire        s10_valid_i,
    input  wire [1:0]  s10_op_i,
    input  wire [31:0] s10_imm_i,
    input  wire        s10_row_we_i,
    output wire [31:0] pre_o,
    output wire [31:0] v_o
);
    localparam [1:0] SKIP = 2'd0, IMM = 2'd1, ROW = 2'd2;
    function [31:0] clamp(input [31:0] x, input [31:0] lo, input [31:0] hi);
        begin
            clamp = $signed(x) < $signed(lo) ? lo : x;
            clamp = $signed(clamp) > $signed(hi) ? hi : clamp;
        end
    endfunction
    reg [31:0] row_add1_q, row_mul1_q, row_mul2_q, row_add2_q;

    // ------------------------------------------------------------------ 5: add1
    reg  [31:0] v5_q, b5_q;
    wire [31:0] v5_fp;
    fp_add u_v5 (
        .en_i (s5_valid_i && s5_op_i != SKIP), .a_i (v_i),
        .b_i (s5_op_i == IMM ? s5_imm_i : s5_op_i == ROW ? row_add1_q : b4_i), .y_o (v5_fp)
    );
    always @(posedge clk) begin
        if (s5_valid_i) begin
            v5_q <= s5_op_i != SKIP ? v5_fp : v_i;
            b5_q <= b4_i;
        end
    end

    // ------------------------------------------------------------------ 6: mul1
    reg  [31:0] v6_q;
    wire [31:0] v6_fp;
    fp_mul u_v6 (
        .en_i (s6_valid_i && s6_op_i != SKIP), .a_i (v5_q),
        .b_i (s6_op_i == IMM ? s6_imm_i : s6_op_i == ROW ? row_mul1_q : b5_q), .y_o (v6_fp)
    );
    always @(posedge clk) begin
        if (s6_valid_i) begin
            v6_q <= s6_op_i != SKIP ? v6_fp : v5_q;
        end
    end

    // ------------------------------------------------------------------ 7: round and clamp, or to bf16; 8: back to fp32
    reg  [31:0] v7_q, v8_q;
    wire [31:0] v7_int, v8_fp;
    wire [15:0] v7_bf16;
    fp_to_int u_v7 (.en_i (s7_valid_i && s7_mid_i == `SY_VPU_CHAIN_FP_MID_CLAMP), .a_i (v6_q), .y_o (v7_int));
    fp_to_bf16 u_v7_bf16 (.en_i (s7_valid_i && s7_mid_i == `SY_VPU_CHAIN_FP_MID_BF16), .a_i (v6_q), .y_o (v7_bf16));
    int_to_fp u_v8 (.en_i (s8_valid_i && s8_mid_i == `SY_VPU_CHAIN_FP_MID_CLAMP), .a_i (v7_q), .y_o (v8_fp));
    always @(posedge clk) begin
        if (s7_valid_i) begin
            v7_q <= s7_mid_i == `SY_VPU_CHAIN_FP_MID_CLAMP ? clamp(v7_int, s7_lo_i, s7_hi_i) :
                    s7_mid_i == `SY_VPU_CHAIN_FP_MID_BF16 ? {v7_bf16, 16'd0} : v6_q;
        end
        if (s8_valid_i) begin
            v8_q <= s8_mid_i == `SY_VPU_CHAIN_FP_MID_CLAMP ? v8_fp : v7_q;
        end
    end

    // ------------------------------------------------------------------ 9: mul2
    reg  [31:0] v9_q;
    wire [31:0] v9_fp;
    fp_mul u_v9 (
        .en_i (s9_valid_i && s9_op_i != SKIP), .a_i (v8_q), .b_i (s9_op_i == IMM ? s9_imm_i : row_mul2_q), .y_o (v9_fp)
    );
    always @(posedge clk) begin
        if (s9_valid_i) begin
            v9_q <= s9_op_i != SKIP ? v9_fp : v8_q;
        end
    end

    // ------------------------------------------------------------------ 10: add2
    reg  [31:0] v10_q;
    wire [31:0] v10_fp;
    fp_add u_v10 (
        .en_i (s10_valid_i && s10_op_i != SKIP), .a_i (v9_q),
        .b_i (s10_op_i == IMM ? s10_imm_i : s10_op_i == ROW ? row_add2_q : b9_i), .y_o (v10_fp)
    );
    always @(posedge clk) begin
        if (s10_valid_i) begin
            v10_q <= s10_op_i != SKIP ? v10_fp : v9_q;
        end
    end

    // ------------------------------------------------------------------ row registers
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            row_add1_q <= 32'd0;
            row_mul1_q <= 32'd0;
            row_mul2_q <= 32'd0;
            row_add2_q <= 32'd0;
        end else begin
            if (s5_row_we_i) begin
                row_add1_q <= v_i;
            end
            if (s6_row_we_i) begin
                row_mul1_q <= v5_q;
            end
            if (s9_row_we_i) begin
                row_mul2_q <= v8_q;
            end
            if (s10_row_we_i) begin
                row_add2_q <= v9_q;
            end
        end
    end
    assign pre_o = v8_q;
    assign v_o   = v10_q;
endmodule
`default_nettype wire
