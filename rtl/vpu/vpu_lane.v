// vpu_lane.v -- one lane of the VPU's chain: integer stages, fp32 stages, output and reduction.
//
// Function : the stages of isa/spec/numerics.md, one cycle each. sK_* control stage K in the cycle in which a row is in it
//            (sK_valid_i); what a stage makes is in its register in the next cycle. A skipped stage hands its bits on. The lane's
//            part of the constant rows is written by rows that come down the chain (sK_row_we_i): after the rows before
//            them, before the rows behind them.
//              1 subtract zero points   2 iadd; B to fp32   3 A to fp32; B scaled   4 add1   5 mul1   6 round and clamp   7 back to fp32
//              8 mul2   9 add2   10 function   11 mul3   12 round; reduce   13 output done; reduced to fp32   14 r_mul   15 r_add
//              16 round   17 second output done
// Latency  : out_o after stage 13, red_o after stage 17.
// Reset    : the constant rows, to 0.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/fp.sh, tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module vpu_lane (
    input  wire        clk,
    input  wire        rst_n,
    input  wire [31:0] a_i,             // aligned operands, in stage 1's cycle
    input  wire [31:0] b_i,
    input  wire        s1_valid_i,
    input  wire        s1_a_fp_i,
    input  wire [31:0] s1_a_zero_i,
    input  wire [1:0]  s1_b_src_i,
    input  wire [31:0] s1_b_zero_i,
    input  wire        s2_valid_i,
    input  wire [1:0]  s2_iadd_i,
    input  wire [31:0] s2_imm_i,
    input  wire [1:0]  s2_b_src_i,
    input  wire        s2_row_we_i,
    input  wire        s3_valid_i,
    input  wire        s3_a_fp_i,
    input  wire [1:0]  s3_b_src_i,
    input  wire [31:0] s3_b_scale_i,
    input  wire        s4_valid_i,
    input  wire [1:0]  s4_add1_i,
    input  wire [31:0] s4_imm_i,
    input  wire        s4_row_we_i,
    input  wire        s5_valid_i,
    input  wire [1:0]  s5_mul1_i,
    input  wire [31:0] s5_imm_i,
    input  wire        s5_row_we_i,
    input  wire        s6_valid_i,
    input  wire [1:0]  s6_mid_i,
    input  wire [31:0] s6_lo_i,
    input  wire [31:0] s6_hi_i,
    input  wire        s7_valid_i,
    input  wire        s7_mid_i,
    input  wire        s8_valid_i,
    input  wire [1:0]  s8_mul2_i,
    input  wire [31:0] s8_imm_i,
    input  wire        s8_row_we_i,
    input  wire        s9_valid_i,
    input  wire [1:0]  s9_add2_i,
    input  wire [31:0] s9_imm_i,
    input  wire        s9_row_we_i,
    input  wire        s10_valid_i,
    input  wire [4:0]  s10_fn_i,
    input  wire [31:0] s10_clip_lo_i,
    input  wire [31:0] s10_clip_hi_i,
    input  wire        s11_valid_i,
    input  wire [1:0]  s11_mul3_i,
    input  wire        s11_row_we_i,
    input  wire        s12_valid_i,
    input  wire [2:0]  s12_out_i,
    input  wire [1:0]  s12_red_i,
    input  wire        s12_red_fp_i,
    input  wire        s12_red_first_i,
    input  wire        s13_valid_i,
    input  wire [2:0]  s13_out_i,
    input  wire [31:0] s13_zero_i,
    input  wire [31:0] s13_lo_i,
    input  wire [31:0] s13_hi_i,
    input  wire        s13_red_valid_i,
    input  wire        s13_red_fp_i,
    input  wire        s14_valid_i,
    input  wire [31:0] s14_mul_i,
    input  wire        s15_valid_i,
    input  wire [31:0] s15_add_i,
    input  wire        s16_valid_i,
    input  wire [1:0]  s16_out_i,
    input  wire        s17_valid_i,
    input  wire [1:0]  s17_out_i,
    input  wire [31:0] s17_zero_i,
    input  wire [31:0] s17_lo_i,
    input  wire [31:0] s17_hi_i,
    input  wire [11:2] row_lane_valid_i, // per stage: the row of constants in it has a word for this lane
    output wire [31:0] out_o,
    output wire [31:0] red_o
);
    localparam [31:0] NAN = 32'h7FC0_0000;

    function is_nan(input [31:0] x);
        is_nan = x[30:0] > 31'h7F80_0000;
    endfunction
    // x > y for numbers that are not NaN; the two zeros are equal
    function greater(input [31:0] x, input [31:0] y);
        greater = $signed(x[31] ? -{1'b0, x[30:0]} : {1'b0, x[30:0]}) > $signed(y[31] ? -{1'b0, y[30:0]} : {1'b0, y[30:0]});
    endfunction
    function [31:0] clamp(input [31:0] x, input [31:0] lo, input [31:0] hi);
        begin
            clamp = $signed(x) < $signed(lo) ? lo : x;
            clamp = $signed(clamp) > $signed(hi) ? hi : clamp;
        end
    endfunction
    // clamp(x + zero): the addition does not wrap
    function [31:0] clamp_sum(input [31:0] x, input [31:0] zero, input [31:0] lo, input [31:0] hi);
        reg signed [63:0] sum;
        begin
            sum = $signed({{32{x[31]}}, x}) + $signed({{32{zero[31]}}, zero});
            if (sum < $signed({{32{lo[31]}}, lo})) begin
                sum = $signed({{32{lo[31]}}, lo});
            end
            if (sum > $signed({{32{hi[31]}}, hi})) begin
                sum = $signed({{32{hi[31]}}, hi});
            end
            clamp_sum = sum[31:0];
        end
    endfunction

    reg [31:0] row_iadd_q, row_mul1_q, row_add1_q, row_mul2_q, row_add2_q, row_mul3_q;

    // ------------------------------------------------------------------ 1: zero points
    reg [31:0] i1_q, b1_q;
    always @(posedge clk) begin
        if (s1_valid_i) begin
            i1_q <= s1_a_fp_i ? a_i : a_i - s1_a_zero_i;
            b1_q <= s1_b_src_i == `SY_VPU_CHAIN_IN_B_SRC_NONE ? 32'd0 :
                    s1_b_src_i == `SY_VPU_CHAIN_IN_B_SRC_ACC_F32 ? b_i : b_i - s1_b_zero_i;
        end
    end

    // ------------------------------------------------------------------ 2: iadd; B to fp32
    reg  [31:0] i2_q, b2_q;
    wire        b2_int = s2_b_src_i == `SY_VPU_CHAIN_IN_B_SRC_SPM || s2_b_src_i == `SY_VPU_CHAIN_IN_B_SRC_ACC_I32;
    wire [31:0] b2_fp;
    int_to_fp u_b2 (.en_i (s2_valid_i && b2_int), .a_i (b1_q), .y_o (b2_fp));
    always @(posedge clk) begin
        if (s2_valid_i) begin
            i2_q <= s2_iadd_i == `SY_VPU_CHAIN_IN_IADD_IMM ? i1_q + s2_imm_i :
                    s2_iadd_i == `SY_VPU_CHAIN_IN_IADD_ROW ? i1_q + row_iadd_q : i1_q;
            b2_q <= b2_int ? b2_fp : b1_q;
        end
    end

    // ------------------------------------------------------------------ 3: A to fp32; B scaled
    reg  [31:0] i3_q, v3_q, b3_q;
    wire [31:0] v3_fp, b3_fp;
    wire        b3_on = s3_b_src_i != `SY_VPU_CHAIN_IN_B_SRC_NONE;
    int_to_fp u_v3 (.en_i (s3_valid_i && !s3_a_fp_i), .a_i (i2_q), .y_o (v3_fp));
    fp_mul u_b3 (.en_i (s3_valid_i && b3_on), .a_i (b2_q), .b_i (s3_b_scale_i), .y_o (b3_fp));
    always @(posedge clk) begin
        if (s3_valid_i) begin
            i3_q <= i2_q;
            v3_q <= s3_a_fp_i ? i2_q : v3_fp;
            b3_q <= b3_on ? b3_fp : 32'd0;
        end
    end

    // ------------------------------------------------------------------ 4: add1
    reg  [31:0] i4_q, v4_q, b4_q;
    wire [31:0] v4_fp;
    wire        v4_on = s4_add1_i != `SY_VPU_CHAIN_FP_ADD1_NONE;
    wire [31:0] v4_x = s4_add1_i == `SY_VPU_CHAIN_FP_ADD1_IMM ? s4_imm_i :
                       s4_add1_i == `SY_VPU_CHAIN_FP_ADD1_ROW ? row_add1_q : b3_q;
    fp_add u_v4 (.en_i (s4_valid_i && v4_on), .a_i (v3_q), .b_i (v4_x), .y_o (v4_fp));
    always @(posedge clk) begin
        if (s4_valid_i) begin
            i4_q <= i3_q;
            v4_q <= v4_on ? v4_fp : v3_q;
            b4_q <= b3_q;
        end
    end

    // ------------------------------------------------------------------ 5: mul1
    reg  [31:0] i5_q, v5_q, b5_q;
    wire [31:0] v5_fp;
    wire        v5_on = s5_mul1_i != `SY_VPU_CHAIN_FP_MUL1_NONE;
    wire [31:0] v5_x = s5_mul1_i == `SY_VPU_CHAIN_FP_MUL1_IMM ? s5_imm_i :
                       s5_mul1_i == `SY_VPU_CHAIN_FP_MUL1_ROW ? row_mul1_q : b4_q;
    fp_mul u_v5 (.en_i (s5_valid_i && v5_on), .a_i (v4_q), .b_i (v5_x), .y_o (v5_fp));
    always @(posedge clk) begin
        if (s5_valid_i) begin
            i5_q <= i4_q;
            v5_q <= v5_on ? v5_fp : v4_q;
            b5_q <= b4_q;
        end
    end

    // ------------------------------------------------------------------ 6: round and clamp, 7: back to fp32
    reg  [31:0] i6_q, v6_q, b6_q, i7_q, v7_q, b7_q;
    wire [31:0] v6_int, v7_fp;
    wire [15:0] v6_bf16;
    fp_to_int u_v6 (.en_i (s6_valid_i && s6_mid_i == `SY_VPU_CHAIN_FP_MID_CLAMP), .a_i (v5_q), .y_o (v6_int));
    fp_to_bf16 u_v6_bf16 (.en_i (s6_valid_i && s6_mid_i == `SY_VPU_CHAIN_FP_MID_BF16), .a_i (v5_q), .y_o (v6_bf16));
    int_to_fp u_v7 (.en_i (s7_valid_i && s7_mid_i), .a_i (v6_q), .y_o (v7_fp));
    always @(posedge clk) begin
        if (s6_valid_i) begin
            i6_q <= i5_q;
            v6_q <= s6_mid_i == `SY_VPU_CHAIN_FP_MID_CLAMP ? clamp(v6_int, s6_lo_i, s6_hi_i) :
                    s6_mid_i == `SY_VPU_CHAIN_FP_MID_BF16 ? {v6_bf16, 16'd0} : v5_q;
            b6_q <= b5_q;
        end
        if (s7_valid_i) begin
            i7_q <= i6_q;
            v7_q <= s7_mid_i ? v7_fp : v6_q;
            b7_q <= b6_q;
        end
    end

    // ------------------------------------------------------------------ 8: mul2
    reg  [31:0] i8_q, v8_q, b8_q, pre8_q;
    wire [31:0] v8_fp;
    wire        v8_on = s8_mul2_i != `SY_VPU_CHAIN_FP_MUL2_NONE;
    fp_mul u_v8 (
        .en_i (s8_valid_i && v8_on), .a_i (v7_q),
        .b_i (s8_mul2_i == `SY_VPU_CHAIN_FP_MUL2_IMM ? s8_imm_i : row_mul2_q), .y_o (v8_fp)
    );
    always @(posedge clk) begin
        if (s8_valid_i) begin
            i8_q <= i7_q;
            v8_q <= v8_on ? v8_fp : v7_q;
            pre8_q <= v7_q;
            b8_q <= b7_q;
        end
    end

    // ------------------------------------------------------------------ 9: add2
    reg  [31:0] i9_q, v9_q, b9_q, pre9_q;
    wire [31:0] v9_fp;
    wire        v9_on = s9_add2_i != `SY_VPU_CHAIN_FP_ADD2_NONE;
    wire [31:0] v9_x = s9_add2_i == `SY_VPU_CHAIN_FP_ADD2_IMM ? s9_imm_i :
                       s9_add2_i == `SY_VPU_CHAIN_FP_ADD2_ROW ? row_add2_q : b8_q;
    fp_add u_v9 (.en_i (s9_valid_i && v9_on), .a_i (v8_q), .b_i (v9_x), .y_o (v9_fp));
    always @(posedge clk) begin
        if (s9_valid_i) begin
            i9_q <= i8_q;
            v9_q <= v9_on ? v9_fp : v8_q;
            pre9_q <= pre8_q;
            b9_q <= b8_q;
        end
    end

    // ------------------------------------------------------------------ 10: function
    reg [31:0] i10_q, v10_q, pre10_q;
    reg [31:0] f10;
    always @* begin
        f10 = v9_q;
        if (s10_valid_i) begin
            case (s10_fn_i)
                `SY_VPU_CHAIN_FP_FN_RELU: f10 = is_nan(v9_q) ? NAN : greater(v9_q, 32'd0) ? v9_q : 32'd0;
                `SY_VPU_CHAIN_FP_FN_CLIP: f10 = is_nan(v9_q) ? NAN :
                                                !is_nan(s10_clip_lo_i) && greater(s10_clip_lo_i, v9_q) ? s10_clip_lo_i :
                                                !is_nan(s10_clip_hi_i) && greater(v9_q, s10_clip_hi_i) ? s10_clip_hi_i : v9_q;
                `SY_VPU_CHAIN_FP_FN_MAX:  f10 = is_nan(v9_q) || is_nan(b9_q) ? NAN : greater(v9_q, b9_q) ? v9_q : b9_q;
                default:                  f10 = v9_q;
            endcase
        end
    end
    always @(posedge clk) begin
        if (s10_valid_i) begin
            i10_q   <= i9_q;
            v10_q   <= f10;
            pre10_q <= pre9_q;
        end
    end

    // ------------------------------------------------------------------ 11: mul3
    reg  [31:0] i11_q, v11_q;
    wire [31:0] v11_fp;
    wire        v11_on = s11_mul3_i != `SY_VPU_CHAIN_FP_MUL3_ONE;
    fp_mul u_v11 (
        .en_i (s11_valid_i && v11_on), .a_i (v10_q),
        .b_i (s11_mul3_i == `SY_VPU_CHAIN_FP_MUL3_PRE ? pre10_q : row_mul3_q), .y_o (v11_fp)
    );
    always @(posedge clk) begin
        if (s11_valid_i) begin
            i11_q <= i10_q;
            v11_q <= v11_on ? v11_fp : v10_q;
        end
    end

    // ------------------------------------------------------------------ 12: round; reduce
    reg  [31:0] o12_q, red_q;
    wire [31:0] o12_int, red_sum;
    wire        o12_on = s12_out_i == `SY_VPU_CHAIN_OUT_OUT_SPM || s12_out_i == `SY_VPU_CHAIN_OUT_OUT_I32;
    fp_to_int u_o12 (.en_i (s12_valid_i && o12_on), .a_i (v11_q), .y_o (o12_int));
    fp_add u_red (
        .en_i (s12_valid_i && s12_red_fp_i && s12_red_i == `SY_VPU_CHAIN_OUT_RED_SUM),
        .a_i (s12_red_first_i ? 32'd0 : red_q), .b_i (v11_q), .y_o (red_sum)
    );
    reg [31:0] red12;
    always @* begin
        red12 = red_sum;
        if (s12_valid_i) begin
            if (s12_red_fp_i && s12_red_i == `SY_VPU_CHAIN_OUT_RED_MAX) begin
                red12 = is_nan(v11_q) || (!s12_red_first_i && is_nan(red_q)) ? NAN :
                        s12_red_first_i || greater(v11_q, red_q) ? v11_q : red_q;
            end else if (!s12_red_fp_i && s12_red_i == `SY_VPU_CHAIN_OUT_RED_SUM) begin
                red12 = (s12_red_first_i ? 32'd0 : red_q) + i11_q;
            end else if (!s12_red_fp_i) begin
                red12 = !s12_red_first_i && $signed(red_q) > $signed(i11_q) ? red_q : i11_q;
            end
        end
    end
    always @(posedge clk) begin
        if (s12_valid_i) begin
            o12_q <= o12_on ? o12_int : s12_out_i == `SY_VPU_CHAIN_OUT_OUT_RAW ? i11_q : is_nan(v11_q) ? NAN : v11_q;
            if (s12_red_i != `SY_VPU_CHAIN_OUT_RED_NONE) begin
                red_q <= red12;
            end
        end
    end

    // ------------------------------------------------------------------ 13: output done; reduced value to fp32
    reg  [31:0] o13_q, r13_q;
    wire [31:0] r13_fp;
    int_to_fp u_r13 (.en_i (s13_red_valid_i && !s13_red_fp_i), .a_i (red_q), .y_o (r13_fp));
    always @(posedge clk) begin
        if (s13_valid_i) begin
            o13_q <= s13_out_i == `SY_VPU_CHAIN_OUT_OUT_SPM || s13_out_i == `SY_VPU_CHAIN_OUT_OUT_I32 ?
                     clamp_sum(o12_q, s13_zero_i, s13_lo_i, s13_hi_i) : o12_q;
        end
        if (s13_red_valid_i) begin
            r13_q <= s13_red_fp_i ? red_q : r13_fp;
        end
    end

    // ------------------------------------------------------------------ 14 to 17: the second output
    reg  [31:0] r14_q, r15_q, r16_q, r17_q;
    wire [31:0] r14_fp, r15_fp, r16_int;
    wire        r16_on = s16_out_i != `SY_VPU_CHAIN_OUT_RED_OUT_F32;
    fp_mul u_r14 (.en_i (s14_valid_i), .a_i (r13_q), .b_i (s14_mul_i), .y_o (r14_fp));
    fp_add u_r15 (.en_i (s15_valid_i), .a_i (r14_q), .b_i (s15_add_i), .y_o (r15_fp));
    fp_to_int u_r16 (.en_i (s16_valid_i && r16_on), .a_i (r15_q), .y_o (r16_int));
    always @(posedge clk) begin
        if (s14_valid_i) begin
            r14_q <= r14_fp;
        end
        if (s15_valid_i) begin
            r15_q <= r15_fp;
        end
        if (s16_valid_i) begin
            r16_q <= r16_on ? r16_int : r15_q;
        end
        if (s17_valid_i) begin
            r17_q <= s17_out_i != `SY_VPU_CHAIN_OUT_RED_OUT_F32 ? clamp_sum(r16_q, s17_zero_i, s17_lo_i, s17_hi_i) : r16_q;
        end
    end

    // ------------------------------------------------------------------ constant rows
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            row_iadd_q <= 32'd0;
            row_mul1_q <= 32'd0;
            row_add1_q <= 32'd0;
            row_mul2_q <= 32'd0;
            row_add2_q <= 32'd0;
            row_mul3_q <= 32'd0;
        end else begin
            if (s2_row_we_i && row_lane_valid_i[2]) begin
                row_iadd_q <= i1_q;
            end
            if (s4_row_we_i && row_lane_valid_i[4]) begin
                row_add1_q <= v3_q;
            end
            if (s5_row_we_i && row_lane_valid_i[5]) begin
                row_mul1_q <= v4_q;
            end
            if (s8_row_we_i && row_lane_valid_i[8]) begin
                row_mul2_q <= v7_q;
            end
            if (s9_row_we_i && row_lane_valid_i[9]) begin
                row_add2_q <= v8_q;
            end
            if (s11_row_we_i && row_lane_valid_i[11]) begin
                row_mul3_q <= v10_q;
            end
        end
    end

    assign out_o = o13_q;
    assign red_o = r17_q;
endmodule
`default_nettype wire
