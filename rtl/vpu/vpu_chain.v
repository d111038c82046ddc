// vpu_chain.v -- the vector unit's lanes and what controls them, stage by stage.
//
// Function : a row enters stage 1 D cycles after it was read and moves on by a stage per cycle. With it goes its token: the entry of
//            its command in the table of descriptors, from which every stage takes what it needs, and what it is (a row of constants,
//            the last of a reduction, ...). Rows that make no output end in stage 2.
//              1 to 4 vpu_front.v   5 to 10 vpu_fp.v   11 to 15 vpu_fn.v   16, 17 vpu_out.v
//              18 to 17 + log2 D lane_tree.v, at its end fp32   then eight stages of vpu_second.v
//            Values that are wanted again some stages later wait in rings.
// Latency  : out_row_o after stage 17, red_row_o after stage 25 + log2 D.
// Reset    : empty; row registers, weights and table 0.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module vpu_chain #(
    parameter D       = 4,
    parameter ELEMENT = 0,
    parameter W_EL    = 8,
    parameter N       = 4,    // commands in flight
    parameter W_IDX   = 2
) (
    input  wire                          clk,
    input  wire                          rst_n,
    // a command starts
    input  wire                          start_i,
    input  wire [W_IDX-1:0]              start_idx_i,
    input  wire [`SY_VPU_N_PAIRS*64-1:0] regs_i,
    input  wire                          is_vec_i,
    // a row is read: what it carries
    input  wire                          row_i,
    input  wire [W_IDX-1:0]              idx_i,
    input  wire [1:0]                    kind_i,
    input  wire [7:0]                    constant_i,
    input  wire                          emit_i,
    input  wire                          red_first_i,
    input  wire                          red_last_i,
    input  wire                          tail_i,
    input  wire                          window_i,
    input  wire [15:0]                   window_control_i,
    // D cycles later: its operands
    input  wire [D*W_EL-1:0]             a_spm_i,
    input  wire [D*W_EL-1:0]             a_transposed_i,
    input  wire [D*32-1:0]               a_acc_i,
    input  wire [D*W_EL-1:0]             b_spm_i,
    input  wire [D*32-1:0]               b_acc_i,
    // after stage 17, and after the last
    output wire                          out_valid_o,
    output wire [D*32-1:0]               out_row_o,
    output wire                          red_valid_o,
    output wire [D*32-1:0]               red_row_o,
    // of the command in an entry: where its outputs go
    input  wire [W_IDX-1:0]              w_idx_i,
    output wire [31:0]                   w_chain_out_o
);
    localparam LOG_D   = $clog2(D);
    localparam W_TOKEN = W_IDX + 14;         // constant, kind, red last, red first, tail, emit, index
    localparam TREE    = 17 + LOG_D;         // the stage of the tree's last level
    localparam LAST    = TREE + 9;           // one behind the last stage
    localparam PART    = ELEMENT != 0 ? D / 2 : D / 4;   // words in a row of constants
    localparam [6:0] F7_ROWS  = `SY_F7_VPU_ROWS;
    localparam [6:0] F7_TABLE = `SY_F7_VPU_TABLE;
    localparam [6:0] F7_TAPS  = `SY_F7_VPU_TAPS;
    localparam [31:0] A_RAW   = {30'd0, `SY_VPU_CHAIN_IN_A_SRC_ACC_F32};
    genvar t;
    genvar j;

    // ------------------------------------------------------------------ rows in the stages
    wire [W_TOKEN-1:0] token_1;
    wire               valid_1, token_busy;
    delay_line #(.N(D), .W_DATA(W_TOKEN)) u_token (
        .clk     (clk),
        .rst_n   (rst_n),
        .valid_i (row_i),
        .data_i  ({idx_i, emit_i, tail_i, red_first_i, red_last_i, kind_i, constant_i}),
        .valid_o (valid_1),
        .busy_o  (token_busy),
        .data_o  (token_1)
    );
    reg  [LAST:2]      valid_q;
    reg  [W_TOKEN-1:0] token_q [2:LAST];
    wire [LAST:1]      valid = {valid_q, valid_1};
    reg                out_valid_q;
    integer k;
    wire emit_2, red_last_17;
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            valid_q     <= {(LAST-1){1'b0}};
            out_valid_q <= 1'b0;
        end else begin
            valid_q     <= valid[LAST-1:1];
            valid_q[3]  <= valid[2] && emit_2;
            valid_q[18] <= valid[17] && red_last_17;
            out_valid_q <= valid[17];
        end
    end
    always @(posedge clk) begin
        if (valid[1]) begin
            token_q[2] <= token_1;
        end
        for (k = 3; k <= LAST; k = k + 1) begin
            if (valid[k-1]) begin
                token_q[k] <= token_q[k-1];
            end
        end
    end
    assign out_valid_o = out_valid_q;
    assign red_valid_o = valid[LAST];

    wire [W_IDX-1:0] idx_at      [1:LAST];
    wire [7:0]       constant_at [1:LAST];
    wire [1:0]       kind_at     [1:LAST];
    wire [LAST:1]    is_rows, red_first_at, red_last_at, tail_at, emit_at;
    generate
        for (t = 1; t <= LAST; t = t + 1) begin : g_token
            wire [W_TOKEN-1:0] token;
            if (t == 1) begin : g_first
                assign token = token_1;
            end else begin : g_next
                assign token = token_q[t];
            end
            assign constant_at[t]  = token[7:0];
            assign kind_at[t]      = token[9:8];
            assign red_last_at[t]  = token[10];
            assign red_first_at[t] = token[11];
            assign tail_at[t]      = token[12];
            assign emit_at[t]      = token[13];
            assign idx_at[t]       = token[14 +: W_IDX];
            assign is_rows[t]      = valid[t] && token[9:8] == F7_ROWS[1:0];
        end
    endgenerate
    assign emit_2      = emit_at[2];
    assign red_last_17 = red_last_at[17];

    // ------------------------------------------------------------------ descriptors of the commands in flight
    reg [31:0]  d_in_q [0:N-1], d_fp_q [0:N-1], d_out_q [0:N-1];
    reg [31:0]  d_a_zero_q [0:N-1], d_b_zero_q [0:N-1], d_iadd_q [0:N-1], d_add1_q [0:N-1], d_mul1_q [0:N-1];
    reg [31:0]  d_mul2_q [0:N-1], d_mid_lo_q [0:N-1], d_mid_hi_q [0:N-1], d_add2_q [0:N-1], d_b_scale_q [0:N-1];
    reg [31:0]  d_clip_lo_q [0:N-1], d_clip_hi_q [0:N-1], d_o_lo_q [0:N-1], d_o_hi_q [0:N-1], d_o_zero_q [0:N-1];
    reg [31:0]  d_r_lo_q [0:N-1], d_r_hi_q [0:N-1], d_r_zero_q [0:N-1], d_r_mul_q [0:N-1], d_r_add_q [0:N-1];
    reg [D-1:0] d_mask_q [0:N-1];      // lanes from the tail on
    wire [31:0] tail = regs_i[`SY_VPU_TAIL*32 +: 32];
    always @(posedge clk) begin
        if (start_i) begin
            d_in_q[start_idx_i]      <= is_vec_i ? regs_i[`SY_VPU_CHAIN_IN*32 +: 32] : A_RAW;
            d_fp_q[start_idx_i]      <= is_vec_i ? regs_i[`SY_VPU_CHAIN_FP*32 +: 32] : 32'd0;
            d_out_q[start_idx_i]     <= is_vec_i ? regs_i[`SY_VPU_CHAIN_OUT*32 +: 32] : 32'd0;
            d_mask_q[start_idx_i]    <= !is_vec_i || tail == 32'd0 ? {D{1'b0}} : {D{1'b1}} << tail[LOG_D:0];
            d_a_zero_q[start_idx_i]  <= regs_i[`SY_VPU_A_ZERO*32 +: 32];
            d_b_zero_q[start_idx_i]  <= regs_i[`SY_VPU_B_ZERO*32 +: 32];
            d_iadd_q[start_idx_i]    <= regs_i[`SY_VPU_IADD_IMM*32 +: 32];
            d_add1_q[start_idx_i]    <= regs_i[`SY_VPU_ADD1_IMM*32 +: 32];
            d_mul1_q[start_idx_i]    <= regs_i[`SY_VPU_MUL1_IMM*32 +: 32];
            d_mul2_q[start_idx_i]    <= regs_i[`SY_VPU_MUL2_IMM*32 +: 32];
            d_mid_lo_q[start_idx_i]  <= regs_i[`SY_VPU_MID_LO*32 +: 32];
            d_mid_hi_q[start_idx_i]  <= regs_i[`SY_VPU_MID_HI*32 +: 32];
            d_add2_q[start_idx_i]    <= regs_i[`SY_VPU_ADD2_IMM*32 +: 32];
            d_b_scale_q[start_idx_i] <= regs_i[`SY_VPU_B_SCALE*32 +: 32];
            d_clip_lo_q[start_idx_i] <= regs_i[`SY_VPU_CLIP_LO*32 +: 32];
            d_clip_hi_q[start_idx_i] <= regs_i[`SY_VPU_CLIP_HI*32 +: 32];
            d_o_lo_q[start_idx_i]    <= regs_i[`SY_VPU_O_LO*32 +: 32];
            d_o_hi_q[start_idx_i]    <= regs_i[`SY_VPU_O_HI*32 +: 32];
            d_o_zero_q[start_idx_i]  <= regs_i[`SY_VPU_O_ZERO*32 +: 32];
            d_r_lo_q[start_idx_i]    <= regs_i[`SY_VPU_R_LO*32 +: 32];
            d_r_hi_q[start_idx_i]    <= regs_i[`SY_VPU_R_HI*32 +: 32];
            d_r_zero_q[start_idx_i]  <= regs_i[`SY_VPU_R_ZERO*32 +: 32];
            d_r_mul_q[start_idx_i]   <= regs_i[`SY_VPU_R_MUL*32 +: 32];
            d_r_add_q[start_idx_i]   <= regs_i[`SY_VPU_R_ADD*32 +: 32];
        end
    end
    assign w_chain_out_o = d_out_q[w_idx_i];

    // the source fields of chain_in
    function a_is_fp(input [31:0] chain_in);
        a_is_fp = chain_in[`SY_VPU_CHAIN_IN_A_SRC_BITS] == `SY_VPU_CHAIN_IN_A_SRC_ACC_F32 ||
                  (ELEMENT != 0 && chain_in[`SY_VPU_CHAIN_IN_A_SRC_BITS] == `SY_VPU_CHAIN_IN_A_SRC_SPM);
    endfunction
    function b_is_fp(input [31:0] chain_in);
        b_is_fp = chain_in[`SY_VPU_CHAIN_IN_B_SRC_BITS] == `SY_VPU_CHAIN_IN_B_SRC_ACC_F32 ||
                  (ELEMENT != 0 && chain_in[`SY_VPU_CHAIN_IN_B_SRC_BITS] == `SY_VPU_CHAIN_IN_B_SRC_SPM);
    endfunction
    function b_is_on(input [31:0] chain_in);
        b_is_on = chain_in[`SY_VPU_CHAIN_IN_B_SRC_BITS] != `SY_VPU_CHAIN_IN_B_SRC_NONE;
    endfunction
    function is_elementary(input [31:0] chain_fp);
        is_elementary = chain_fp[`SY_VPU_CHAIN_FP_FN_BITS] >= `SY_VPU_CHAIN_FP_FN_EXP2 &&
                        chain_fp[`SY_VPU_CHAIN_FP_FN_BITS] <= `SY_VPU_CHAIN_FP_FN_PHI;
    endfunction
    function is_table(input [31:0] chain_fp);
        is_table = chain_fp[`SY_VPU_CHAIN_FP_FN_BITS] == `SY_VPU_CHAIN_FP_FN_TABLE;
    endfunction
    // integers are reduced
    function red_is_int(input [31:0] chain_out);
        red_is_int = chain_out[`SY_VPU_CHAIN_OUT_RED_SRC_BITS] == `SY_VPU_CHAIN_OUT_RED_SRC_INT &&
                     (chain_out[`SY_VPU_CHAIN_OUT_RED_BITS] == `SY_VPU_CHAIN_OUT_RED_SUM ||
                      chain_out[`SY_VPU_CHAIN_OUT_RED_BITS] == `SY_VPU_CHAIN_OUT_RED_MAX);
    endfunction
    function red_is_max(input [31:0] chain_out);
        red_is_max = chain_out[`SY_VPU_CHAIN_OUT_RED_BITS] == `SY_VPU_CHAIN_OUT_RED_MAX;
    endfunction
    function red_is_index(input [31:0] chain_out);
        red_is_index = red_is_max(chain_out) && chain_out[`SY_VPU_CHAIN_OUT_RED_INDEX_BITS];
    endfunction
    function red_has_fn(input [31:0] chain_out);
        red_has_fn = chain_out[`SY_VPU_CHAIN_OUT_RED_FN_BITS] != `SY_VPU_CHAIN_OUT_RED_FN_NONE;
    endfunction
    // the function's number in fn_unit
    function [3:0] unit_fn(input [31:0] chain_fp);
        reg [4:0] number;
        begin
            number  = chain_fp[`SY_VPU_CHAIN_FP_FN_BITS] - `SY_VPU_CHAIN_FP_FN_EXP2;
            unit_fn = number[3:0];
        end
    endfunction
    function [3:0] red_unit_fn(input [31:0] chain_out);
        red_unit_fn = chain_out[`SY_VPU_CHAIN_OUT_RED_FN_BITS] == `SY_VPU_CHAIN_OUT_RED_FN_RECIP ? `SY_FN_RECIP : `SY_FN_RSQRT;
    endfunction

    wire [31:0] in_1  = d_in_q[idx_at[1]];
    wire [31:0] in_2  = d_in_q[idx_at[2]];
    wire [31:0] in_3  = d_in_q[idx_at[3]];
    wire [31:0] in_4  = d_in_q[idx_at[4]];
    wire [31:0] in_5  = d_in_q[idx_at[5]];
    wire [31:0] in_10 = d_in_q[idx_at[10]];
    wire [31:0] in_11 = d_in_q[idx_at[11]];
    wire [31:0] in_15 = d_in_q[idx_at[15]];
    wire [31:0] fp_5  = d_fp_q[idx_at[5]];
    wire [31:0] fp_6  = d_fp_q[idx_at[6]];
    wire [31:0] fp_7  = d_fp_q[idx_at[7]];
    wire [31:0] fp_8  = d_fp_q[idx_at[8]];
    wire [31:0] fp_9  = d_fp_q[idx_at[9]];
    wire [31:0] fp_10 = d_fp_q[idx_at[10]];
    wire [31:0] fp_11 = d_fp_q[idx_at[11]];
    wire [31:0] fp_12 = d_fp_q[idx_at[12]];
    wire [31:0] fp_13 = d_fp_q[idx_at[13]];
    wire [31:0] fp_14 = d_fp_q[idx_at[14]];
    wire [31:0] fp_15 = d_fp_q[idx_at[15]];
    wire [31:0] out_4  = d_out_q[idx_at[4]];
    wire [31:0] out_16 = d_out_q[idx_at[16]];
    wire [31:0] out_17 = d_out_q[idx_at[17]];

    // ------------------------------------------------------------------ the window's control, and which weights have been loaded
    wire        window_valid, window_busy;
    wire [15:0] window_1;
    reg  [15:0] window_2_q;
    reg  [31:0] tap_known_q;
    reg         table_known_q;
    delay_line #(.N(D), .W_DATA(16)) u_window_token (
        .clk     (clk),
        .rst_n   (rst_n),
        .valid_i (row_i && window_i),
        .data_i  (window_control_i),
        .valid_o (window_valid),
        .busy_o  (window_busy),
        .data_o  (window_1)
    );
    wire       tap_we   = valid[2] && kind_at[2] == F7_TAPS[1:0];
    wire       table_we = valid[12] && kind_at[12] == F7_TABLE[1:0];
    wire [4:0] tap_2    = tap_we ? constant_at[2][4:0] : window_2_q[15:11];
    wire [31:0] tap_known = tap_known_q >> tap_2;
    always @(posedge clk) begin
        if (window_valid) begin
            window_2_q <= window_1;
        end
    end
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            tap_known_q   <= 32'd0;
            table_known_q <= 1'b0;
        end else begin
            if (tap_we) begin
                tap_known_q[tap_2] <= 1'b1;
            end
            if (table_we) begin
                table_known_q <= 1'b1;
            end
        end
    end

    // ------------------------------------------------------------------ tail, and the row's place in its reduction
    reg  [D-1:0] mask_16_q, mask_17_q;
    reg  [30:0]  place_q;
    wire [D-1:0] mask_15  = tail_at[15] ? d_mask_q[idx_at[15]] : {D{1'b0}};
    wire [30:0]  place_17 = red_first_at[17] ? 31'd0 : place_q;
    always @(posedge clk) begin
        if (valid[15]) begin
            mask_16_q <= mask_15;
        end
        if (valid[16]) begin
            mask_17_q <= mask_16_q;
        end
        if (valid[17]) begin
            place_q <= place_17 + 31'd1;
        end
    end

    // ------------------------------------------------------------------ rings
    wire [D*32-1:0] i_3, b_4, b_9, pre_8, s11, i_15, pre_14, s14, b_14;
    reg  [D*32-1:0] b_10_q;
    wire [4:0]      ring_valid, ring_busy;
    delay_line #(.N(12), .W_DATA(D*32)) u_i (
        .clk (clk), .rst_n (rst_n),
        .valid_i (valid[4] && (out_4[`SY_VPU_CHAIN_OUT_OUT_BITS] == `SY_VPU_CHAIN_OUT_OUT_RAW || red_is_int(out_4))),
        .data_i (i_3), .valid_o (ring_valid[0]), .busy_o (ring_busy[0]), .data_o (i_15)
    );
    delay_line #(.N(5), .W_DATA(D*32)) u_b9 (
        .clk (clk), .rst_n (rst_n), .valid_i (valid[5] && b_is_on(in_5)),
        .data_i (b_4), .valid_o (ring_valid[1]), .busy_o (ring_busy[1]), .data_o (b_9)
    );
    delay_line #(.N(6), .W_DATA(D*32)) u_pre (
        .clk (clk), .rst_n (rst_n), .valid_i (valid[9] && fp_9[`SY_VPU_CHAIN_FP_MUL3_BITS] == `SY_VPU_CHAIN_FP_MUL3_PRE),
        .data_i (pre_8), .valid_o (ring_valid[2]), .busy_o (ring_busy[2]), .data_o (pre_14)
    );
    delay_line #(.N(3), .W_DATA(D*32)) u_s11 (
        .clk (clk), .rst_n (rst_n), .valid_i (valid[12]),
        .data_i (s11), .valid_o (ring_valid[3]), .busy_o (ring_busy[3]), .data_o (s14)
    );
    delay_line #(.N(4), .W_DATA(D*32)) u_b14 (
        .clk (clk), .rst_n (rst_n), .valid_i (valid[11] && fp_11[`SY_VPU_CHAIN_FP_MUL3_BITS] == `SY_VPU_CHAIN_FP_MUL3_B),
        .data_i (b_10_q), .valid_o (ring_valid[4]), .busy_o (ring_busy[4]), .data_o (b_14)
    );
    always @(posedge clk) begin
        if (valid[10] && b_is_on(in_10)) begin
            b_10_q <= b_9;
        end
    end

    // ------------------------------------------------------------------ lanes
    wire [D*W_EL-1:0] a_spm = in_1[`SY_VPU_CHAIN_IN_TRANSPOSE_BITS] ? a_transposed_i : a_spm_i;
    wire [1:0]        a_src = in_1[`SY_VPU_CHAIN_IN_A_SRC_BITS];
    wire [1:0]        b_src = in_1[`SY_VPU_CHAIN_IN_B_SRC_BITS];
    wire [D*32-1:0]   red_lanes, own;
    wire [D*31-1:0]   red_places, own_places;
    reg  [D*W_EL-1:0] table_row;
    integer e;
    always @* begin
        table_row = {D*W_EL{1'b0}};
        if (table_we) begin
            for (e = 0; e < D; e = e + 1) begin
                table_row[e*W_EL +: W_EL] = s11[e*32 +: W_EL];
            end
        end
    end

    // second output: stages TREE + 1 to TREE + 8
    wire [31:0] red_t  = d_out_q[idx_at[TREE]];
    wire [31:0] red_3  = d_out_q[idx_at[TREE+3]];
    wire [31:0] red_4  = d_out_q[idx_at[TREE+4]];
    wire [31:0] red_5  = d_out_q[idx_at[TREE+5]];
    wire [31:0] red_6  = d_out_q[idx_at[TREE+6]];
    wire [31:0] red_7  = d_out_q[idx_at[TREE+7]];
    wire [31:0] red_8  = d_out_q[idx_at[TREE+8]];
    wire        red_over_lanes = red_t[`SY_VPU_CHAIN_OUT_RED_LANES_BITS];
    wire        red_convert    = valid[TREE] && (red_is_int(red_t) || red_is_index(red_t));
    wire [31:0] tree, tree_fp;
    reg  [D*32-1:0] red_t_q;

    // what is the same for all lanes
    wire       b_on_10        = b_is_on(in_10);
    wire       b_on_11        = b_is_on(in_11);
    wire       b_on_15        = b_is_on(in_15);
    wire       red_index_t    = red_is_index(red_t);
    wire       own_convert    = red_convert && !red_over_lanes;
    wire       c_s1_a_fp      = a_is_fp(in_1);
    wire [1:0] c_s1_b_kind    = {b_is_fp(in_1), b_is_on(in_1) && !b_is_fp(in_1)};
    wire       c_s2_window    = in_2[`SY_VPU_CHAIN_IN_WINDOW_BITS] != `SY_VPU_CHAIN_IN_WINDOW_OFF;
    wire       c_s2_five      = in_2[`SY_VPU_CHAIN_IN_WINDOW_BITS] == `SY_VPU_CHAIN_IN_WINDOW_TAPS5;
    wire [1:0] c_s3_iadd      = a_is_fp(in_3) ? `SY_VPU_CHAIN_IN_IADD_NONE : in_3[`SY_VPU_CHAIN_IN_IADD_BITS];
    wire       c_s3_b_int     = b_is_on(in_3) && !b_is_fp(in_3);
    wire       c_s4_a_fp      = a_is_fp(in_4);
    wire       c_s4_b_on      = b_is_on(in_4);
    wire       c_s11_unit     = valid[11] && is_elementary(fp_11);
    wire       c_s12_unit     = valid[12] && is_elementary(fp_12);
    wire       c_s13_unit     = valid[13] && is_elementary(fp_13);
    wire       c_s14_unit     = valid[14] && is_elementary(fp_14);
    wire [3:0] c_s11_unit_fn  = unit_fn(fp_11);
    wire [3:0] c_s13_unit_fn  = unit_fn(fp_13);
    wire       c_s12_table    = valid[12] && is_table(fp_12);
    wire       c_s13_table    = valid[13] && is_table(fp_13);
    wire       c_s14_table    = valid[14] && is_table(fp_14);
    wire [1:0] c_s15_from     = {is_table(fp_15), is_elementary(fp_15)};
    wire       c_s16_sumsq    = out_16[`SY_VPU_CHAIN_OUT_RED_BITS] == `SY_VPU_CHAIN_OUT_RED_SUMSQ;
    wire       c_s16_red_int  = red_is_int(out_16);
    wire       c_s17_clamp    = out_17[`SY_VPU_CHAIN_OUT_OUT_BITS] == `SY_VPU_CHAIN_OUT_OUT_I32 ||
                                (ELEMENT == 0 && out_17[`SY_VPU_CHAIN_OUT_OUT_BITS] == `SY_VPU_CHAIN_OUT_OUT_SPM);
    wire       c_s17_red      = valid[17] && out_17[`SY_VPU_CHAIN_OUT_RED_BITS] != `SY_VPU_CHAIN_OUT_RED_NONE;
    wire       c_s17_max      = red_is_max(out_17);
    wire       c_s17_fp       = !red_is_int(out_17);
    wire       c_s17_index    = red_is_index(out_17);
    wire [3:0] r_unit         = {valid[TREE+6] && red_has_fn(red_6), valid[TREE+5] && red_has_fn(red_5),
                                 valid[TREE+4] && red_has_fn(red_4), valid[TREE+3] && red_has_fn(red_3)};
    wire [3:0] r_s3_fn        = red_unit_fn(red_3);
    wire [3:0] r_s5_fn        = red_unit_fn(red_5);
    wire       r_s7_unit      = red_has_fn(red_7);
    wire       r_s8_clamp     = red_8[`SY_VPU_CHAIN_OUT_RED_OUT_BITS] == `SY_VPU_CHAIN_OUT_RED_OUT_I32 ||
                                (ELEMENT == 0 && red_8[`SY_VPU_CHAIN_OUT_RED_OUT_BITS] == `SY_VPU_CHAIN_OUT_RED_OUT_SPM);
    // a row of constants is in the stage that keeps it
    wire [15:3] row_we = {is_rows[15] && constant_at[15][4:2] == 3'd5, 4'd0, is_rows[10] && constant_at[10][4:2] == 3'd4,
                          is_rows[9] && constant_at[9][4:2] == 3'd3, 2'd0, is_rows[6] && constant_at[6][4:2] == 3'd1,
                          is_rows[5] && constant_at[5][4:2] == 3'd2, 1'b0, is_rows[3] && constant_at[3][4:2] == 3'd0};

    generate
        for (j = 0; j < D; j = j + 1) begin : g_lane
            localparam WORD = j % PART;        // of a row of constants
            localparam [31:0] PART32 = j / PART;
            localparam [1:0]  MY_PART = PART32[1:0];
            reg [31:0] a, b;
            always @* begin
                a = 32'd0;
                b = 32'd0;
                if (valid_1) begin
                    if (kind_at[1] == F7_ROWS[1:0]) begin
                        a = a_spm_i[WORD*32 +: 32];
                    end else if (kind_at[1] == F7_TABLE[1:0] || kind_at[1] == F7_TAPS[1:0]) begin
                        a = {{(32-W_EL){1'b0}}, a_spm_i[j*W_EL +: W_EL]};
                    end else if (a_src == `SY_VPU_CHAIN_IN_A_SRC_SPM) begin
                        a = ELEMENT != 0 ? {a_spm[j*W_EL +: W_EL], {(32-W_EL){1'b0}}} :
                                           {{(32-W_EL){a_spm[j*W_EL+W_EL-1]}}, a_spm[j*W_EL +: W_EL]};
                    end else if (a_src[1]) begin
                        a = a_acc_i[j*32 +: 32];
                    end
                    if (b_src == `SY_VPU_CHAIN_IN_B_SRC_SPM) begin
                        b = ELEMENT != 0 ? {b_spm_i[j*W_EL +: W_EL], {(32-W_EL){1'b0}}} :
                                           {{(32-W_EL){b_spm_i[j*W_EL+W_EL-1]}}, b_spm_i[j*W_EL +: W_EL]};
                    end else if (b_src[1]) begin
                        b = b_acc_i[j*32 +: 32];
                    end
                end
            end
            wire [31:0] v_4, v_10, v_15;
            vpu_front #(.ELEMENT(ELEMENT)) u_front (
                .clk            (clk),
                .rst_n          (rst_n),
                .a_i            (a),
                .b_i            (b),
                .s1_valid_i     (valid[1]),
                .s1_a_fp_i      (c_s1_a_fp),
                .s1_a_zero_i    (d_a_zero_q[idx_at[1]]),
                .s1_b_kind_i    (c_s1_b_kind),
                .s1_b_zero_i    (d_b_zero_q[idx_at[1]]),
                .s2_valid_i     (valid[2]),
                .s2_window_i    (c_s2_window),
                .s2_add_i       (window_2_q[10:6]),
                .s2_fresh_i     (window_2_q[5:1]),
                .s2_shift_i     (window_2_q[0]),
                .s2_five_i      (c_s2_five),
                .s2_tap_i       (tap_2),
                .s2_tap_known_i (tap_known[4:0]),
                .s2_tap_we_i    (tap_we),
                .s3_valid_i     (valid[3]),
                .s3_iadd_i      (c_s3_iadd),
                .s3_imm_i       (d_iadd_q[idx_at[3]]),
                .s3_b_int_i     (c_s3_b_int),
                .s3_row_we_i    (row_we[3] && constant_at[3][1:0] == MY_PART),
                .s4_valid_i     (valid[4]),
                .s4_a_fp_i      (c_s4_a_fp),
                .s4_b_on_i      (c_s4_b_on),
                .s4_b_scale_i   (d_b_scale_q[idx_at[4]]),
                .i_o            (i_3[j*32 +: 32]),
                .v_o            (v_4),
                .b_o            (b_4[j*32 +: 32])
            );
            vpu_fp u_fp (
                .clk          (clk),
                .rst_n        (rst_n),
                .v_i          (v_4),
                .b4_i         (b_4[j*32 +: 32]),
                .b9_i         (b_9[j*32 +: 32] & {32{b_on_10}}),
                .s5_valid_i   (valid[5]),
                .s5_op_i      (fp_5[`SY_VPU_CHAIN_FP_ADD1_BITS]),
                .s5_imm_i     (d_add1_q[idx_at[5]]),
                .s5_row_we_i  (row_we[5] && constant_at[5][1:0] == MY_PART),
                .s6_valid_i   (valid[6]),
                .s6_op_i      (fp_6[`SY_VPU_CHAIN_FP_MUL1_BITS]),
                .s6_imm_i     (d_mul1_q[idx_at[6]]),
                .s6_row_we_i  (row_we[6] && constant_at[6][1:0] == MY_PART),
                .s7_valid_i   (valid[7]),
                .s7_mid_i     (fp_7[`SY_VPU_CHAIN_FP_MID_BITS]),
                .s7_lo_i      (d_mid_lo_q[idx_at[7]]),
                .s7_hi_i      (d_mid_hi_q[idx_at[7]]),
                .s8_valid_i   (valid[8]),
                .s8_mid_i     (fp_8[`SY_VPU_CHAIN_FP_MID_BITS]),
                .s9_valid_i   (valid[9]),
                .s9_op_i      (fp_9[`SY_VPU_CHAIN_FP_MUL2_BITS]),
                .s9_imm_i     (d_mul2_q[idx_at[9]]),
                .s9_row_we_i  (row_we[9] && constant_at[9][1:0] == MY_PART),
                .s10_valid_i  (valid[10]),
                .s10_op_i     (fp_10[`SY_VPU_CHAIN_FP_ADD2_BITS]),
                .s10_imm_i    (d_add2_q[idx_at[10]]),
                .s10_row_we_i (row_we[10] && constant_at[10][1:0] == MY_PART),
                .pre_o        (pre_8[j*32 +: 32]),
                .v_o          (v_10)
            );
            vpu_fn #(.W_TABLE_ROW(D*W_EL), .N_TABLE_ROWS(2048/(D*W_EL))) u_fn (
                .clk           (clk),
                .rst_n         (rst_n),
                .v_i           (v_10),
                .b_i           (b_10_q[j*32 +: 32] & {32{b_on_11}}),
                .s11_valid_i   (valid[11]),
                .s11_fn_i      (fp_11[`SY_VPU_CHAIN_FP_FN_BITS]),
                .s11_clip_lo_i (d_clip_lo_q[idx_at[11]]),
                .s11_clip_hi_i (d_clip_hi_q[idx_at[11]]),
                .s11_unit_i    (c_s11_unit),
                .s12_unit_i    (c_s12_unit),
                .s13_unit_i    (c_s13_unit),
                .s14_unit_i    (c_s14_unit),
                .s11_unit_fn_i (c_s11_unit_fn),
                .s13_unit_fn_i (c_s13_unit_fn),
                .s12_table_i   (c_s12_table),
                .s13_table_i   (c_s13_table),
                .s14_table_i   (c_s14_table),
                .table_known_i (table_known_q),
                .table_we_i    (table_we),
                .table_row_i   (constant_at[12]),
                .table_data_i  (table_row),
                .s11_o         (s11[j*32 +: 32]),
                .s15_valid_i   (valid[15]),
                .s15_v_i       (s14[j*32 +: 32]),
                .s15_from_i    (c_s15_from),
                .s15_mul3_i    (fp_15[`SY_VPU_CHAIN_FP_MUL3_BITS]),
                .s15_pre_i     (pre_14[j*32 +: 32]),
                .s15_b_i       (b_14[j*32 +: 32] & {32{b_on_15}}),
                .s15_mask_i    (mask_15[j]),
                .s15_row_we_i  (row_we[15] && constant_at[15][1:0] == MY_PART),
                .v_o           (v_15)
            );
            vpu_out #(.ELEMENT(ELEMENT)) u_out (
                .clk           (clk),
                .v_i           (v_15),
                .i_i           (i_15[j*32 +: 32]),
                .s16_valid_i   (valid[16]),
                .s16_out_i     (out_16[`SY_VPU_CHAIN_OUT_OUT_BITS]),
                .s16_sumsq_i   (c_s16_sumsq),
                .s16_red_int_i (c_s16_red_int),
                .s16_mask_i    (mask_16_q[j]),
                .s17_valid_i   (valid[17]),
                .s17_clamp_i   (c_s17_clamp),
                .s17_zero_i    (d_o_zero_q[idx_at[17]]),
                .s17_lo_i      (d_o_lo_q[idx_at[17]]),
                .s17_hi_i      (d_o_hi_q[idx_at[17]]),
                .s17_red_i     (c_s17_red),
                .s17_max_i     (c_s17_max),
                .s17_fp_i      (c_s17_fp),
                .s17_index_i   (c_s17_index),
                .s17_first_i   (red_first_at[17]),
                .s17_mask_i    (mask_17_q[j]),
                .s17_place_i   (place_17),
                .out_o         (out_row_o[j*32 +: 32]),
                .red_o         (red_lanes[j*32 +: 32]),
                .place_o       (red_places[j*31 +: 31])
            );

            // TREE: the lane's own reduction to fp32, or that of all lanes
            wire [31:0] own_fp;
            int_to_fp u_own (
                .en_i (own_convert),
                .a_i  (red_index_t ? {1'b0, own_places[j*31 +: 31]} : own[j*32 +: 32]),
                .y_o  (own_fp)
            );
            always @(posedge clk) begin
                if (valid[TREE]) begin
                    red_t_q[j*32 +: 32] <= red_over_lanes ? tree_fp : red_convert ? own_fp : own[j*32 +: 32];
                end
            end
            vpu_second #(.ELEMENT(ELEMENT)) u_second (
                .clk        (clk),
                .r_i        (red_t_q[j*32 +: 32]),
                .valid_i    (valid[TREE+8:TREE+1]),
                .s1_mul_i   (d_r_mul_q[idx_at[TREE+1]]),
                .s2_add_i   (d_r_add_q[idx_at[TREE+2]]),
                .unit_i     (r_unit),
                .s3_fn_i    (r_s3_fn),
                .s5_fn_i    (r_s5_fn),
                .s7_unit_i  (r_s7_unit),
                .s7_out_i   (red_7[`SY_VPU_CHAIN_OUT_RED_OUT_BITS]),
                .s8_clamp_i (r_s8_clamp),
                .s8_zero_i  (d_r_zero_q[idx_at[TREE+8]]),
                .s8_lo_i    (d_r_lo_q[idx_at[TREE+8]]),
                .s8_hi_i    (d_r_hi_q[idx_at[TREE+8]]),
                .out_o      (red_row_o[j*32 +: 32])
            );
        end
    endgenerate

    // ------------------------------------------------------------------ 18 to TREE: across lanes, or past them
    wire [LOG_D:1] tree_en, tree_max, tree_fp_on, tree_index;
    generate
        for (t = 1; t <= LOG_D; t = t + 1) begin : g_tree
            wire [31:0] kind = d_out_q[idx_at[17+t]];
            assign tree_en[t]    = valid[17+t] && kind[`SY_VPU_CHAIN_OUT_RED_LANES_BITS];
            assign tree_max[t]   = red_is_max(kind);
            assign tree_fp_on[t] = !red_is_int(kind);
            assign tree_index[t] = red_is_index(kind);
        end
    endgenerate
    wire [30+LOG_D:0] tree_place;
    lane_tree #(.D(D), .LOG_D(LOG_D)) u_tree (
        .clk     (clk),
        .en_i    (tree_en),
        .max_i   (tree_max),
        .fp_i    (tree_fp_on),
        .index_i (tree_index),
        .lanes_i (red_lanes),
        .rows_i  (red_places),
        .y_o     (tree),
        .place_o (tree_place)
    );
    wire [31:0] tree_int_fp;
    int_to_fp #(.W(32+LOG_D)) u_tree_fp (
        .en_i (red_convert && red_over_lanes),
        .a_i  (red_is_index(red_t) ? {1'b0, tree_place} : {{LOG_D{tree[31]}}, tree}),
        .y_o  (tree_int_fp)
    );
    assign tree_fp = red_convert ? tree_int_fp : tree;
    wire [31:0] red_18 = d_out_q[idx_at[18]];
    wire        past   = valid[18] && !red_18[`SY_VPU_CHAIN_OUT_RED_LANES_BITS];
    wire [1:0]  past_valid, past_busy;
    delay_line #(.N(LOG_D-1), .W_DATA(D*32)) u_past (
        .clk (clk), .rst_n (rst_n), .valid_i (past),
        .data_i (red_lanes), .valid_o (past_valid[0]), .busy_o (past_busy[0]), .data_o (own)
    );
    delay_line #(.N(LOG_D-1), .W_DATA(D*31)) u_past_place (
        .clk (clk), .rst_n (rst_n), .valid_i (past && red_is_index(red_18)),
        .data_i (red_places), .valid_o (past_valid[1]), .busy_o (past_busy[1]), .data_o (own_places)
    );
    wire unused = &{1'b0, token_busy, window_busy, ring_valid, ring_busy, past_valid, past_busy, regs_i, tail, tap_known,
                    in_1, in_2, in_3, in_4, in_5, in_10, in_11, in_15, fp_5, fp_6, fp_7, fp_8, fp_9, fp_10, fp_11, fp_12, fp_13,
                    fp_14, fp_15, out_4, out_16, out_17, red_t, red_3, red_4, red_5, red_6, red_7, red_8, red_18, is_rows,
                    red_first_at, red_last_at, tail_at, emit_at, row_we};
endmodule
`default_nettype wire
