// vpu.v -- the vector unit: one row per cycle through a chain of constant depth W = D + STAGES.
//
// Function : the read sequencer takes rows of A and B; operands are aligned after D cycles (ACC is skewed by lane, SPM waits);
//            the lanes' stages follow; rows are written W cycles after they were read. Descriptors of the commands in flight
//            stay in a table, and each row carries its index. Constant rows (ROWS) travel the same way.
// Latency  : timing.md section 6.
// Protocol : start_i only when own_ok_o and own_bank_ok_o; the first row is read in that very cycle.
// Reset    : idle, constant rows 0.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module vpu #(
    parameter D         = 4,
    parameter W_EL      = 8,    // bits of an element of SPM: 8 int8, 16 bf16
    parameter STAGES    = 24,
    parameter N         = 4,    // commands in flight
    parameter SPM_BANKS = 8,
    parameter SPM_ROWS  = 2048,
    parameter W_SPM     = 11,
    parameter ACC_BANKS = 4,
    parameter ACC_ROWS  = 256,
    parameter W_ACC     = 8,
    parameter W_ROW     = 11
) (
    input  wire                          clk,
    input  wire                          rst_n,
    // slot
    input  wire [`SY_VPU_N_PAIRS*64-1:0] regs_i,
    input  wire [6:0]                    funct7_i,
    input  wire                          check_now_i,
    output wire [7:0]                    check_error_o,
    input  wire                          start_i,
    input  wire [4:0]                    n_in_flight_i,
    output wire                          own_ok_o,
    output wire                          own_bank_ok_o,
    output wire                          end_o,
    // banks: SPM in the low bits, ACC above
    output wire [SPM_BANKS+ACC_BANKS-1:0] need_o,
    output wire [SPM_BANKS+ACC_BANKS-1:0] held_o,
    output wire                          busy_o,
    // sources: A in the low half, B in the high half
    output wire [1:0]                    spm_re_o,
    output wire [2*W_SPM-1:0]            spm_rrow_o,
    input  wire [2*D*W_EL-1:0]           spm_rdata_i,
    output wire [1:0]                    acc_re_o,
    output wire [2*W_ACC-1:0]            acc_rrow_o,
    input  wire [2*D*32-1:0]             acc_rdata_i,
    // outputs: output in the low half, second output in the high half; ACC data skewed by lane
    output wire [1:0]                    spm_we_o,
    output wire [2*W_SPM-1:0]            spm_wrow_o,
    output wire [2*D*W_EL-1:0]           spm_wdata_o,
    output wire [1:0]                    acc_we_o,
    output wire [2*W_ACC-1:0]            acc_wrow_o,
    output wire [2*D*32-1:0]             acc_wdata_o
);
    localparam W_IDX   = N > 1 ? $clog2(N) : 1;
    localparam W_TOKEN = 8 + W_IDX;          // index, red_last, red_first, quarter, register, is_rows
    localparam W_WRITE = 3 + W_IDX + 2 * W_ROW; // index, red_we, end of iteration, of command, rows
    localparam LOG_SHARE = W_EL == 16 ? 1 : 0;
    localparam SHARE   = (D / 4) << LOG_SHARE; // words of a row of constants
    localparam [1:0] PARTS = W_EL == 16 ? 2'd1 : 2'd3;
    localparam LAST    = 18;                 // stages 1 to 17, and where the second output leaves

    // ------------------------------------------------------------------ checks
    wire [16*W_ROW-1:0]    range;
    wire [4*SPM_BANKS-1:0] spm_banks;
    wire [4*ACC_BANKS-1:0] acc_banks;
    vpu_check #(
        .W_EL(W_EL), .SPM_BANKS(SPM_BANKS), .SPM_ROWS(SPM_ROWS), .W_SPM(W_SPM),
        .ACC_BANKS(ACC_BANKS), .ACC_ROWS(ACC_ROWS), .W_ACC(W_ACC), .W_ROW(W_ROW)
    ) u_check (
        .en_i        (check_now_i),
        .funct7_i    (funct7_i),
        .regs_i      (regs_i),
        .error_o     (check_error_o),
        .range_o     (range),
        .spm_banks_o (spm_banks),
        .acc_banks_o (acc_banks)
    );
    reg [16*W_ROW-1:0]    range_q;
    reg [4*SPM_BANKS-1:0] spm_banks_q;
    reg [4*ACC_BANKS-1:0] acc_banks_q;
    always @(posedge clk) begin
        if (check_now_i) begin
            range_q     <= range;
            spm_banks_q <= spm_banks;
            acc_banks_q <= acc_banks;
        end
    end

    // ------------------------------------------------------------------ the slot's fields
    wire        is_rows   = funct7_i == `SY_F7_VPU_ROWS;
    wire [31:0] rows      = regs_i[`SY_VPU_ROWS*32 +: 32];
    // the lanes have bf16 rows as fp32
    reg  [31:0] chain_in;
    always @* begin
        chain_in = is_rows ? {30'd0, `SY_VPU_CHAIN_IN_A_SRC_ACC_F32} : regs_i[`SY_VPU_CHAIN_IN*32 +: 32];
        if (W_EL == 16 && chain_in[`SY_VPU_CHAIN_IN_A_SRC_BITS] == `SY_VPU_CHAIN_IN_A_SRC_SPM) begin
            chain_in[`SY_VPU_CHAIN_IN_A_SRC_BITS] = `SY_VPU_CHAIN_IN_A_SRC_ACC_F32;
        end
        if (W_EL == 16 && chain_in[`SY_VPU_CHAIN_IN_B_SRC_BITS] == `SY_VPU_CHAIN_IN_B_SRC_SPM) begin
            chain_in[`SY_VPU_CHAIN_IN_B_SRC_BITS] = `SY_VPU_CHAIN_IN_B_SRC_ACC_F32;
        end
    end
    function [2:0] lane_out(input [2:0] out);
        lane_out = W_EL == 16 && out == `SY_VPU_CHAIN_OUT_OUT_SPM ? `SY_VPU_CHAIN_OUT_OUT_F32 : out;
    endfunction
    function [1:0] lane_red_out(input [1:0] out);
        lane_red_out = W_EL == 16 && out == `SY_VPU_CHAIN_OUT_RED_OUT_SPM ? `SY_VPU_CHAIN_OUT_RED_OUT_F32 : out;
    endfunction
    wire [31:0] chain_fp  = is_rows ? 32'd0 : regs_i[`SY_VPU_CHAIN_FP*32 +: 32];
    wire [31:0] chain_out = is_rows ? 32'd0 : regs_i[`SY_VPU_CHAIN_OUT*32 +: 32];
    wire [2:0]  red_loops = chain_out[`SY_VPU_CHAIN_OUT_RED_LOOPS_BITS];
    wire        red_any   = chain_out[`SY_VPU_CHAIN_OUT_RED_BITS] != `SY_VPU_CHAIN_OUT_RED_NONE;

    // ------------------------------------------------------------------ read sequencer
    reg        reading_q;
    reg [W_IDX-1:0] next_idx_q, idx_q;
    reg        is_rows_q;
    reg [2:0]  rows_first_q;
    reg [4:0]  rows_count_q;
    reg [2:0]  red_loops_q;
    reg        red_any_q;
    reg        red_first_q;
    reg [3:0]  src_q;            // A in SPM, A in ACC, B in SPM, B in ACC
    localparam [31:0] N32 = N;
    localparam [31:0] LAST32 = N - 1;
    localparam [W_IDX-1:0] LAST_IDX = LAST32[W_IDX-1:0];

    wire [3:0] row_end;
    wire       row_read = start_i || reading_q;
    assign own_ok_o = !reading_q && n_in_flight_i < N32[4:0];
    assign busy_o   = row_read;

    wire [3:0] src     = start_i ? {|acc_banks_q[ACC_BANKS +: ACC_BANKS], |spm_banks_q[SPM_BANKS +: SPM_BANKS],
                                    |acc_banks_q[0 +: ACC_BANKS], |spm_banks_q[0 +: SPM_BANKS]} : src_q;
    wire [W_IDX-1:0] idx = start_i ? next_idx_q : idx_q;
    wire       rows_on = start_i ? is_rows : is_rows_q;
    wire [4:0] rows_at = start_i ? 5'd0 : rows_count_q;
    wire [2:0] rows_1st = start_i ? rows[`SY_VPU_ROWS_FIRST_BITS] : rows_first_q;
    wire       red_on  = start_i ? red_any : red_any_q;
    wire [2:0] loops   = start_i ? red_loops : red_loops_q;
    wire       red_first = start_i || red_first_q;
    wire       red_last  = loops == 3'd0 || (loops == 3'd1 && row_end[0]) || (loops == 3'd2 && row_end[1]) ||
                           (loops == 3'd3 && row_end[2]) || row_end[3];

    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            reading_q  <= 1'b0;
            next_idx_q <= {W_IDX{1'b0}};
        end else begin
            reading_q <= row_read && !row_end[3];
            if (start_i) begin
                next_idx_q <= next_idx_q == LAST_IDX ? {W_IDX{1'b0}} : next_idx_q + 1'b1;
            end
        end
    end
    always @(posedge clk) begin
        if (start_i) begin
            idx_q        <= next_idx_q;
            is_rows_q    <= is_rows;
            rows_first_q <= rows[`SY_VPU_ROWS_FIRST_BITS];
            red_loops_q  <= red_loops;
            red_any_q    <= red_any;
            src_q        <= src;
        end
        if (row_read) begin
            rows_count_q <= rows_at + 5'd1;
            red_first_q  <= red_last;
        end
    end

    walk_count u_count (
        .clk     (clk),
        .start_i (start_i),
        .step_i  (row_read),
        .n_i     (is_rows ? {16'd1, 16'd1, 16'd1, {11'd0, rows[`SY_VPU_ROWS_COUNT_BITS], 2'b00} >> LOG_SHARE} :
                  {regs_i[`SY_VPU_N3*32 +: 16], regs_i[`SY_VPU_N2*32 +: 16],
                   regs_i[`SY_VPU_N1*32 +: 16], regs_i[`SY_VPU_N0*32 +: 16]}),
        .end_o   (row_end)
    );

    // ------------------------------------------------------------------ walks: A, B, output, second output
    wire [511:0] stride32 = {
        red_loops > 3'd3 ? 32'd0 : regs_i[`SY_VPU_R_S3*32 +: 32], red_loops > 3'd2 ? 32'd0 : regs_i[`SY_VPU_R_S2*32 +: 32],
        red_loops > 3'd1 ? 32'd0 : regs_i[`SY_VPU_R_S1*32 +: 32], red_loops > 3'd0 ? 32'd0 : regs_i[`SY_VPU_R_S0*32 +: 32],
        regs_i[`SY_VPU_O_S0*32 +: 128], regs_i[`SY_VPU_B_S0*32 +: 128],
        is_rows ? 128'd1 : regs_i[`SY_VPU_A_S0*32 +: 128]};
    wire [127:0] base32 = {regs_i[`SY_VPU_R_BASE*32 +: 32], regs_i[`SY_VPU_O_BASE*32 +: 32],
                           regs_i[`SY_VPU_B_BASE*32 +: 32], regs_i[`SY_VPU_A_BASE*32 +: 32]};
    wire [4*W_ROW-1:0] row;
    genvar s;
    generate
        for (s = 0; s < 4; s = s + 1) begin : g_walk
            walk_addr #(.W(W_ROW)) u_walk (
                .clk      (clk),
                .start_i  (start_i),
                .step_i   (row_read),
                .end_i    (row_end[2:0]),
                .base_i   (base32[s*32 +: W_ROW]),
                .stride_i ({stride32[s*128 + 96 +: W_ROW], stride32[s*128 + 64 +: W_ROW],
                            stride32[s*128 + 32 +: W_ROW], stride32[s*128 +: W_ROW]}),
                .row_o    (row[s*W_ROW +: W_ROW])
            );
        end
    endgenerate
    assign spm_re_o   = {row_read && src[2], row_read && src[0]};
    assign acc_re_o   = {row_read && src[3], row_read && src[1]};
    assign spm_rrow_o = {row[W_ROW +: W_SPM], row[0 +: W_SPM]};
    assign acc_rrow_o = {row[W_ROW +: W_ACC], row[0 +: W_ACC]};

    // ------------------------------------------------------------------ alignment: D cycles from the read
    reg [1:0] spm_read_q, acc_read_q;
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            spm_read_q <= 2'd0;
            acc_read_q <= 2'd0;
        end else begin
            spm_read_q <= spm_re_o;
            acc_read_q <= acc_re_o;
        end
    end
    wire [2*D*W_EL-1:0] spm_row;
    wire [2*D*32-1:0] acc_row;
    wire [1:0]        spm_valid, spm_busy, acc_valid;
    generate
        for (s = 0; s < 2; s = s + 1) begin : g_source
            delay_line #(.N(D-1), .W_DATA(D*W_EL)) u_spm (
                .clk     (clk),
                .rst_n   (rst_n),
                .valid_i (spm_read_q[s]),
                .data_i  (spm_rdata_i[s*D*W_EL +: D*W_EL]),
                .valid_o (spm_valid[s]),
                .busy_o  (spm_busy[s]),
                .data_o  (spm_row[s*D*W_EL +: D*W_EL])
            );
            deskew #(.D(D), .W_LANE(32)) u_acc (
                .clk     (clk),
                .rst_n   (rst_n),
                .valid_i (acc_read_q[s]),
                .lanes_i (acc_rdata_i[s*D*32 +: D*32]),
                .valid_o (acc_valid[s]),
                .row_o   (acc_row[s*D*32 +: D*32])
            );
        end
    endgenerate

    // a row of constants is a quarter (bf16: a half) of a row register
    wire [4:0] rows_reg = {2'd0, rows_1st} + (rows_at >> (2 - LOG_SHARE));
    wire [W_TOKEN-1:0] token_1;
    wire               valid_1, token_busy;
    delay_line #(.N(D), .W_DATA(W_TOKEN)) u_token (
        .clk     (clk),
        .rst_n   (rst_n),
        .valid_i (row_read),
        .data_i  ({idx, red_on && red_last, red_first, rows_at[1:0], rows_reg[2:0], rows_on}),
        .valid_o (valid_1),
        .busy_o  (token_busy),
        .data_o  (token_1)
    );

    // ------------------------------------------------------------------ rows in the stages
    reg  [LAST:2]      valid_q;
    reg  [W_TOKEN-1:0] token_q [2:LAST];
    wire [LAST:1]      valid = {valid_q, valid_1};
    integer k;
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            valid_q <= {(LAST-1){1'b0}};
        end else begin
            valid_q <= valid[LAST-1:1];
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

    // index, reduction marks and constant register of the row in each stage
    wire [W_IDX-1:0] idx_at [1:LAST];
    wire [2:0]    reg_at [1:LAST];
    wire [LAST:1] red_first_at, red_last_at, rows_at_stage;
    wire [D-1:0]  quarter_at [1:LAST];     // the lanes whose words a row of constants has
    genvar t;
    generate
        for (t = 1; t <= LAST; t = t + 1) begin : g_token
            wire [W_TOKEN-1:0] token;
            if (t == 1) begin : g_first
                assign token = token_1;
            end else begin : g_next
                assign token = token_q[t];
            end
            assign idx_at[t]        = token[8 +: W_IDX];
            assign rows_at_stage[t] = valid[t] && token[0];
            assign reg_at[t]        = token[3:1];
            assign quarter_at[t]    = {{(D-SHARE){1'b0}}, {SHARE{1'b1}}} << ({30'd0, token[5:4] & PARTS} * SHARE);
            assign red_first_at[t]  = token[6];
            assign red_last_at[t]   = valid[t] && token[7];
        end
    endgenerate

    // ------------------------------------------------------------------ descriptors of the commands in flight
    reg [31:0] d_in_q [0:N-1], d_fp_q [0:N-1], d_out_q [0:N-1];
    reg [31:0] d_a_zero_q [0:N-1], d_b_zero_q [0:N-1], d_iadd_q [0:N-1], d_add1_q [0:N-1], d_mul1_q [0:N-1];
    reg [31:0] d_mul2_q [0:N-1], d_mid_lo_q [0:N-1], d_mid_hi_q [0:N-1], d_add2_q [0:N-1], d_b_scale_q [0:N-1];
    reg [31:0] d_clip_lo_q [0:N-1], d_clip_hi_q [0:N-1], d_o_lo_q [0:N-1], d_o_hi_q [0:N-1], d_o_zero_q [0:N-1];
    reg [31:0] d_r_lo_q [0:N-1], d_r_hi_q [0:N-1], d_r_zero_q [0:N-1], d_r_mul_q [0:N-1], d_r_add_q [0:N-1];
    always @(posedge clk) begin
        if (start_i) begin
            d_in_q[next_idx_q]      <= chain_in;
            d_fp_q[next_idx_q]      <= chain_fp;
            d_out_q[next_idx_q]     <= chain_out;
            d_a_zero_q[next_idx_q]  <= regs_i[`SY_VPU_A_ZERO*32 +: 32];
            d_b_zero_q[next_idx_q]  <= regs_i[`SY_VPU_B_ZERO*32 +: 32];
            d_iadd_q[next_idx_q]    <= regs_i[`SY_VPU_IADD_IMM*32 +: 32];
            d_add1_q[next_idx_q]    <= regs_i[`SY_VPU_ADD1_IMM*32 +: 32];
            d_mul1_q[next_idx_q]    <= regs_i[`SY_VPU_MUL1_IMM*32 +: 32];
            d_mul2_q[next_idx_q]    <= regs_i[`SY_VPU_MUL2_IMM*32 +: 32];
            d_mid_lo_q[next_idx_q]  <= regs_i[`SY_VPU_MID_LO*32 +: 32];
            d_mid_hi_q[next_idx_q]  <= regs_i[`SY_VPU_MID_HI*32 +: 32];
            d_add2_q[next_idx_q]    <= regs_i[`SY_VPU_ADD2_IMM*32 +: 32];
            d_b_scale_q[next_idx_q] <= regs_i[`SY_VPU_B_SCALE*32 +: 32];
            d_clip_lo_q[next_idx_q] <= regs_i[`SY_VPU_CLIP_LO*32 +: 32];
            d_clip_hi_q[next_idx_q] <= regs_i[`SY_VPU_CLIP_HI*32 +: 32];
            d_o_lo_q[next_idx_q]    <= regs_i[`SY_VPU_O_LO*32 +: 32];
            d_o_hi_q[next_idx_q]    <= regs_i[`SY_VPU_O_HI*32 +: 32];
            d_o_zero_q[next_idx_q]  <= regs_i[`SY_VPU_O_ZERO*32 +: 32];
            d_r_lo_q[next_idx_q]    <= regs_i[`SY_VPU_R_LO*32 +: 32];
            d_r_hi_q[next_idx_q]    <= regs_i[`SY_VPU_R_HI*32 +: 32];
            d_r_zero_q[next_idx_q]  <= regs_i[`SY_VPU_R_ZERO*32 +: 32];
            d_r_mul_q[next_idx_q]   <= regs_i[`SY_VPU_R_MUL*32 +: 32];
            d_r_add_q[next_idx_q]   <= regs_i[`SY_VPU_R_ADD*32 +: 32];
        end
    end

    // ------------------------------------------------------------------ lanes
    wire [31:0] in_1   = d_in_q[idx_at[1]];
    wire [31:0] in_2   = d_in_q[idx_at[2]];
    wire [31:0] in_3   = d_in_q[idx_at[3]];
    wire [31:0] fp_4   = d_fp_q[idx_at[4]];
    wire [31:0] fp_5   = d_fp_q[idx_at[5]];
    wire [31:0] fp_6   = d_fp_q[idx_at[6]];
    wire [31:0] fp_7   = d_fp_q[idx_at[7]];
    wire [31:0] fp_8   = d_fp_q[idx_at[8]];
    wire [31:0] fp_9   = d_fp_q[idx_at[9]];
    wire [31:0] fp_10  = d_fp_q[idx_at[10]];
    wire [31:0] fp_11  = d_fp_q[idx_at[11]];
    wire [31:0] out_12 = d_out_q[idx_at[12]];
    wire [31:0] out_13 = d_out_q[idx_at[13]];
    wire [31:0] out_16 = d_out_q[idx_at[16]];
    wire [31:0] out_17 = d_out_q[idx_at[17]];
    wire [1:0]  a_src  = in_1[`SY_VPU_CHAIN_IN_A_SRC_BITS];
    wire [1:0]  b_src  = in_1[`SY_VPU_CHAIN_IN_B_SRC_BITS];

    wire [D*32-1:0] out_lanes;
    wire [D*32-1:0] red_lanes;
    genvar j;
    generate
        for (j = 0; j < D; j = j + 1) begin : g_lane
            // a row of constants: SHARE words, each for one lane of its part of the row register
            localparam WORD = j % SHARE;
            reg [31:0] a, b;
            always @* begin
                a = 32'd0;
                b = 32'd0;
                if (valid_1) begin
                    if (token_1[0]) begin
                        a = spm_row[WORD*32 +: 32];
                    end else if (spm_valid[0]) begin
                        a = W_EL == 16 ? {spm_row[j*W_EL +: W_EL], {(32-W_EL){1'b0}}} :
                            {{(32-W_EL){spm_row[j*W_EL+W_EL-1]}}, spm_row[j*W_EL +: W_EL]};
                    end else if (a_src[1]) begin
                        a = acc_row[j*32 +: 32];
                    end
                    if (spm_valid[1]) begin
                        b = W_EL == 16 ? {spm_row[(D+j)*W_EL +: W_EL], {(32-W_EL){1'b0}}} :
                            {{(32-W_EL){spm_row[(D+j)*W_EL+W_EL-1]}}, spm_row[(D+j)*W_EL +: W_EL]};
                    end else if (b_src[1]) begin
                        b = acc_row[(D+j)*32 +: 32];
                    end
                end
            end
            vpu_lane u_lane (
                .clk              (clk),
                .rst_n            (rst_n),
                .a_i              (a),
                .b_i              (b),
                .s1_valid_i       (valid[1]),
                .s1_a_fp_i        (a_src == `SY_VPU_CHAIN_IN_A_SRC_ACC_F32),
                .s1_a_zero_i      (d_a_zero_q[idx_at[1]]),
                .s1_b_src_i       (b_src),
                .s1_b_zero_i      (d_b_zero_q[idx_at[1]]),
                .s2_valid_i       (valid[2]),
                .s2_iadd_i        (in_2[`SY_VPU_CHAIN_IN_A_SRC_BITS] == `SY_VPU_CHAIN_IN_A_SRC_ACC_F32 ?
                                   `SY_VPU_CHAIN_IN_IADD_NONE : in_2[`SY_VPU_CHAIN_IN_IADD_BITS]),
                .s2_imm_i         (d_iadd_q[idx_at[2]]),
                .s2_b_src_i       (in_2[`SY_VPU_CHAIN_IN_B_SRC_BITS]),
                .s2_row_we_i      (rows_at_stage[2] && reg_at[2] == 3'd0),
                .s3_valid_i       (valid[3]),
                .s3_a_fp_i        (in_3[`SY_VPU_CHAIN_IN_A_SRC_BITS] == `SY_VPU_CHAIN_IN_A_SRC_ACC_F32),
                .s3_b_src_i       (in_3[`SY_VPU_CHAIN_IN_B_SRC_BITS]),
                .s3_b_scale_i     (d_b_scale_q[idx_at[3]]),
                .s4_valid_i       (valid[4]),
                .s4_add1_i        (fp_4[`SY_VPU_CHAIN_FP_ADD1_BITS]),
                .s4_imm_i         (d_add1_q[idx_at[4]]),
                .s4_row_we_i      (rows_at_stage[4] && reg_at[4] == 3'd2),
                .s5_valid_i       (valid[5]),
                .s5_mul1_i        (fp_5[`SY_VPU_CHAIN_FP_MUL1_BITS]),
                .s5_imm_i         (d_mul1_q[idx_at[5]]),
                .s5_row_we_i      (rows_at_stage[5] && reg_at[5] == 3'd1),
                .s6_valid_i       (valid[6]),
                .s6_mid_i         (fp_6[`SY_VPU_CHAIN_FP_MID_BITS]),
                .s6_lo_i          (d_mid_lo_q[idx_at[6]]),
                .s6_hi_i          (d_mid_hi_q[idx_at[6]]),
                .s7_valid_i       (valid[7]),
                .s7_mid_i         (fp_7[`SY_VPU_CHAIN_FP_MID_BITS] == `SY_VPU_CHAIN_FP_MID_CLAMP),
                .s8_valid_i       (valid[8]),
                .s8_mul2_i        (fp_8[`SY_VPU_CHAIN_FP_MUL2_BITS]),
                .s8_imm_i         (d_mul2_q[idx_at[8]]),
                .s8_row_we_i      (rows_at_stage[8] && reg_at[8] == 3'd3),
                .s9_valid_i       (valid[9]),
                .s9_add2_i        (fp_9[`SY_VPU_CHAIN_FP_ADD2_BITS]),
                .s9_imm_i         (d_add2_q[idx_at[9]]),
                .s9_row_we_i      (rows_at_stage[9] && reg_at[9] == 3'd4),
                .s10_valid_i      (valid[10]),
                .s10_fn_i         (fp_10[`SY_VPU_CHAIN_FP_FN_BITS]),
                .s10_clip_lo_i    (d_clip_lo_q[idx_at[10]]),
                .s10_clip_hi_i    (d_clip_hi_q[idx_at[10]]),
                .s11_valid_i      (valid[11]),
                .s11_mul3_i       (fp_11[`SY_VPU_CHAIN_FP_MUL3_BITS]),
                .s11_row_we_i     (rows_at_stage[11] && reg_at[11] == 3'd5),
                .s12_valid_i      (valid[12]),
                .s12_out_i        (lane_out(out_12[`SY_VPU_CHAIN_OUT_OUT_BITS])),
                .s12_red_i        (out_12[`SY_VPU_CHAIN_OUT_RED_BITS]),
                .s12_red_fp_i     (out_12[`SY_VPU_CHAIN_OUT_RED_SRC_BITS]),
                .s12_red_first_i  (red_first_at[12]),
                .s13_valid_i      (valid[13]),
                .s13_out_i        (lane_out(out_13[`SY_VPU_CHAIN_OUT_OUT_BITS])),
                .s13_zero_i       (d_o_zero_q[idx_at[13]]),
                .s13_lo_i         (d_o_lo_q[idx_at[13]]),
                .s13_hi_i         (d_o_hi_q[idx_at[13]]),
                .s13_red_valid_i  (red_last_at[13]),
                .s13_red_fp_i     (out_13[`SY_VPU_CHAIN_OUT_RED_SRC_BITS]),
                .s14_valid_i      (red_last_at[14]),
                .s14_mul_i        (d_r_mul_q[idx_at[14]]),
                .s15_valid_i      (red_last_at[15]),
                .s15_add_i        (d_r_add_q[idx_at[15]]),
                .s16_valid_i      (red_last_at[16]),
                .s16_out_i        (lane_red_out(out_16[`SY_VPU_CHAIN_OUT_RED_OUT_BITS])),
                .s17_valid_i      (red_last_at[17]),
                .s17_out_i        (lane_red_out(out_17[`SY_VPU_CHAIN_OUT_RED_OUT_BITS])),
                .s17_zero_i       (d_r_zero_q[idx_at[17]]),
                .s17_lo_i         (d_r_lo_q[idx_at[17]]),
                .s17_hi_i         (d_r_hi_q[idx_at[17]]),
                .row_lane_valid_i ({quarter_at[11][j], quarter_at[10][j], quarter_at[9][j], quarter_at[8][j], quarter_at[7][j],
                                    quarter_at[6][j], quarter_at[5][j], quarter_at[4][j], quarter_at[3][j], quarter_at[2][j]}),
                .out_o            (out_lanes[j*32 +: 32]),
                .red_o            (red_lanes[j*32 +: 32])
            );
        end
    endgenerate

    // ------------------------------------------------------------------ to the write, STAGES after the alignment
    wire [D*32-1:0]    out_row, red_row;
    wire               out_valid, out_busy, red_valid, red_busy, w_valid, w_busy;
    wire [W_WRITE-1:0] w_token;
    delay_line #(.N(STAGES-13), .W_DATA(D*32)) u_out (
        .clk     (clk),
        .rst_n   (rst_n),
        .valid_i (valid[14]),
        .data_i  (out_lanes),
        .valid_o (out_valid),
        .busy_o  (out_busy),
        .data_o  (out_row)
    );
    delay_line #(.N(STAGES-17), .W_DATA(D*32)) u_red (
        .clk     (clk),
        .rst_n   (rst_n),
        .valid_i (red_last_at[LAST]),
        .data_i  (red_lanes),
        .valid_o (red_valid),
        .busy_o  (red_busy),
        .data_o  (red_row)
    );
    delay_line #(.N(D+STAGES), .W_DATA(W_WRITE)) u_write (
        .clk     (clk),
        .rst_n   (rst_n),
        .valid_i (row_read),
        .data_i  ({idx, red_on && red_last, row_end[2], row_end[3], row[3*W_ROW +: W_ROW], row[2*W_ROW +: W_ROW]}),
        .valid_o (w_valid),
        .busy_o  (w_busy),
        .data_o  (w_token)
    );
    wire [W_ROW-1:0] w_out_row   = w_token[0 +: W_ROW];
    wire [W_ROW-1:0] w_red_row   = w_token[W_ROW +: W_ROW];
    wire [W_IDX-1:0] w_idx       = w_token[2*W_ROW + 3 +: W_IDX];
    wire             w_last      = w_valid && w_token[2*W_ROW];
    wire             w_iteration = w_valid && w_token[2*W_ROW + 1];
    wire             w_red       = w_valid && w_token[2*W_ROW + 2];
    wire [31:0]      w_kind      = d_out_q[w_idx];
    wire [2:0]       w_out       = w_kind[`SY_VPU_CHAIN_OUT_OUT_BITS];
    wire             w_out_spm   = w_valid && w_out == `SY_VPU_CHAIN_OUT_OUT_SPM;
    wire             w_out_acc   = w_valid && w_out != `SY_VPU_CHAIN_OUT_OUT_SPM && w_out != `SY_VPU_CHAIN_OUT_OUT_NONE;
    wire             w_red_spm   = w_red && w_kind[`SY_VPU_CHAIN_OUT_RED_OUT_BITS] == `SY_VPU_CHAIN_OUT_RED_OUT_SPM;
    assign end_o      = w_last;
    assign spm_we_o   = {w_red_spm, w_out_spm};
    assign acc_we_o   = {w_red && !w_red_spm, w_out_acc};
    assign spm_wrow_o = {w_red_row[W_SPM-1:0], w_out_row[W_SPM-1:0]};
    assign acc_wrow_o = {w_red_row[W_ACC-1:0], w_out_row[W_ACC-1:0]};
    generate
        for (j = 0; j < D; j = j + 1) begin : g_element
            if (W_EL == 16) begin : g_bf16
                fp_to_bf16 u_out (.en_i (w_out_spm), .a_i (out_row[j*32 +: 32]), .y_o (spm_wdata_o[j*16 +: 16]));
                fp_to_bf16 u_red (.en_i (w_red_spm), .a_i (red_row[j*32 +: 32]), .y_o (spm_wdata_o[(D+j)*16 +: 16]));
            end else begin : g_int8
                assign spm_wdata_o[j*8 +: 8]     = out_row[j*32 +: 8];
                assign spm_wdata_o[(D+j)*8 +: 8] = red_row[j*32 +: 8];
            end
        end
    endgenerate
    wire [2*D-1:0] skew_valid;
    skew #(.D(D), .W_LANE(32)) u_skew_out (
        .clk     (clk),
        .rst_n   (rst_n),
        .valid_i (w_out_acc),
        .row_i   (out_row),
        .valid_o (skew_valid[0 +: D]),
        .lanes_o (acc_wdata_o[0 +: D*32])
    );
    skew #(.D(D), .W_LANE(32)) u_skew_red (
        .clk     (clk),
        .rst_n   (rst_n),
        .valid_i (acc_we_o[1]),
        .row_i   (red_row),
        .valid_o (skew_valid[D +: D]),
        .lanes_o (acc_wdata_o[D*32 +: D*32])
    );

    // ------------------------------------------------------------------ banks
    wire [SPM_BANKS-1:0] live_a_spm, live_b_spm, live_out_spm;
    wire [ACC_BANKS-1:0] live_a_acc, live_b_acc, live_out_acc;
    wire iteration = row_read && row_end[2] && !row_end[3];
    wire last      = row_read && row_end[3];
    stream_range #(.N_BANKS(SPM_BANKS), .W_ROW(W_SPM)) u_a_spm (
        .clk (clk), .rst_n (rst_n), .load_i (start_i && src[0]),
        .first_low_i (range_q[0 +: W_SPM]), .first_high_i (range_q[W_ROW +: W_SPM]),
        .last_low_i (range_q[2*W_ROW +: W_SPM]), .last_high_i (range_q[3*W_ROW +: W_SPM]),
        .step_i (stride32[96 +: W_SPM]), .banks_i (spm_banks_q[0 +: SPM_BANKS]),
        .advance_i (iteration && src[0]), .clear_i (last), .banks_o (live_a_spm)
    );
    stream_range #(.N_BANKS(ACC_BANKS), .W_ROW(W_ACC)) u_a_acc (
        .clk (clk), .rst_n (rst_n), .load_i (start_i && src[1]),
        .first_low_i (range_q[0 +: W_ACC]), .first_high_i (range_q[W_ROW +: W_ACC]),
        .last_low_i (range_q[2*W_ROW +: W_ACC]), .last_high_i (range_q[3*W_ROW +: W_ACC]),
        .step_i (stride32[96 +: W_ACC]), .banks_i (acc_banks_q[0 +: ACC_BANKS]),
        .advance_i (iteration && src[1]), .clear_i (last), .banks_o (live_a_acc)
    );
    stream_range #(.N_BANKS(SPM_BANKS), .W_ROW(W_SPM)) u_b_spm (
        .clk (clk), .rst_n (rst_n), .load_i (start_i && src[2]),
        .first_low_i (range_q[4*W_ROW +: W_SPM]), .first_high_i (range_q[5*W_ROW +: W_SPM]),
        .last_low_i (range_q[6*W_ROW +: W_SPM]), .last_high_i (range_q[7*W_ROW +: W_SPM]),
        .step_i (stride32[224 +: W_SPM]), .banks_i (spm_banks_q[SPM_BANKS +: SPM_BANKS]),
        .advance_i (iteration && src[2]), .clear_i (last), .banks_o (live_b_spm)
    );
    stream_range #(.N_BANKS(ACC_BANKS), .W_ROW(W_ACC)) u_b_acc (
        .clk (clk), .rst_n (rst_n), .load_i (start_i && src[3]),
        .first_low_i (range_q[4*W_ROW +: W_ACC]), .first_high_i (range_q[5*W_ROW +: W_ACC]),
        .last_low_i (range_q[6*W_ROW +: W_ACC]), .last_high_i (range_q[7*W_ROW +: W_ACC]),
        .step_i (stride32[224 +: W_ACC]), .banks_i (acc_banks_q[ACC_BANKS +: ACC_BANKS]),
        .advance_i (iteration && src[3]), .clear_i (last), .banks_o (live_b_acc)
    );
    command_banks #(
        .N(N), .W_IDX(W_IDX), .SPM_BANKS(SPM_BANKS), .W_SPM(W_SPM), .ACC_BANKS(ACC_BANKS), .W_ACC(W_ACC), .W_ROW(W_ROW)
    ) u_out_banks (
        .clk        (clk),
        .rst_n      (rst_n),
        .load_i     (start_i),
        .load_idx_i (next_idx_q),
        .range_i    (range_q[8*W_ROW +: 8*W_ROW]),
        .step_i     ({stride32[480 +: W_ROW], stride32[352 +: W_ROW]}),
        .spm_i      (spm_banks_q[2*SPM_BANKS +: 2*SPM_BANKS]),
        .acc_i      (acc_banks_q[2*ACC_BANKS +: 2*ACC_BANKS]),
        .advance_i  (w_iteration && !w_last),
        .clear_i    (w_last),
        .idx_i      (w_idx),
        .spm_o      (live_out_spm),
        .acc_o      (live_out_acc)
    );
    wire [SPM_BANKS-1:0] read_spm = spm_banks_q[0 +: SPM_BANKS] | spm_banks_q[SPM_BANKS +: SPM_BANKS];
    wire [ACC_BANKS-1:0] read_acc = acc_banks_q[0 +: ACC_BANKS] | acc_banks_q[ACC_BANKS +: ACC_BANKS];
    assign need_o = {read_acc | acc_banks_q[2*ACC_BANKS +: ACC_BANKS] | acc_banks_q[3*ACC_BANKS +: ACC_BANKS],
                     read_spm | spm_banks_q[2*SPM_BANKS +: SPM_BANKS] | spm_banks_q[3*SPM_BANKS +: SPM_BANKS]};
    assign held_o = {live_a_acc | live_b_acc | live_out_acc, live_a_spm | live_b_spm | live_out_spm};
    assign own_bank_ok_o = (read_spm & live_out_spm) == {SPM_BANKS{1'b0}} && (read_acc & live_out_acc) == {ACC_BANKS{1'b0}};
    wire unused = &{1'b0, spm_busy, acc_valid, token_busy, out_valid, out_busy, red_valid, red_busy, w_busy,
                    skew_valid, base32, stride32, rows, rows_reg, in_1, in_2, in_3, fp_4, fp_5, fp_6, fp_7, fp_8, fp_9,
                    fp_10, fp_11, out_12, out_13, out_16, out_17, w_kind, spm_banks, row_end};
endmodule
`default_nettype wire
