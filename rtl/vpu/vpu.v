// vpu.v -- the vector unit: one row per cycle through a chain of constant depth W = D + STAGES.
//
// Function : the sequencer (vpu_sequence.v) reads rows of A and B; operands are aligned after D cycles (ACC is skewed by lane, SPM
//            waits, or is transposed meanwhile); the stages follow (vpu_chain.v); rows are written W cycles after they were read.
//            Constants (ROWS, TAPS, TABLE) travel the same way.
// Latency  : timing.md section 6.
// Protocol : start_i only when own_ok_o and own_bank_ok_o; the first row is read in that very cycle.
// Reset    : idle, constants 0.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module vpu #(
    parameter D         = 4,
    parameter W_EL      = 8,    // bits of an element of SPM: 8 int8, 16 bf16
    parameter STAGES    = 32,   // at least 25 + log2 D
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
    localparam ELEMENT = W_EL == 16 ? 1 : 0;  // 0 int8, 1 bf16
    localparam W_IDX   = N > 1 ? $clog2(N) : 1;
    localparam W_WRITE = 5 + W_IDX + 2 * W_ROW;
    localparam SECOND  = 25 + $clog2(D);      // the second output's last stage
    genvar s;
    genvar j;

    // ------------------------------------------------------------------ checks
    wire [16*W_ROW-1:0]    range;
    wire [4*SPM_BANKS-1:0] spm_banks;
    wire [4*ACC_BANKS-1:0] acc_banks;
    vpu_check #(
        .D(D), .W_EL(W_EL), .SPM_BANKS(SPM_BANKS), .SPM_ROWS(SPM_ROWS), .W_SPM(W_SPM),
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

    // ------------------------------------------------------------------ which rows
    wire [3:0]         src = {|acc_banks_q[ACC_BANKS +: ACC_BANKS], |spm_banks_q[SPM_BANKS +: SPM_BANKS],
                              |acc_banks_q[0 +: ACC_BANKS], |spm_banks_q[0 +: SPM_BANKS]};
    wire [W_IDX-1:0]   start_idx, idx;
    wire [3:0]         read, src_now;
    wire [2*W_ROW-1:0] rows, out_rows;
    wire [1:0]         kind;
    wire [7:0]         constant;
    wire [15:0]        window_control;
    wire               row_read, transpose, iteration, read_last, emit, red_first, red_last, row_tail, window;
    wire               out_iteration, out_last, last;
    vpu_sequence #(.D(D), .ELEMENT(ELEMENT), .N(N), .W_IDX(W_IDX), .W_ROW(W_ROW)) u_sequence (
        .clk              (clk),
        .rst_n            (rst_n),
        .regs_i           (regs_i),
        .funct7_i         (funct7_i),
        .start_i          (start_i),
        .src_i            (src),
        .n_in_flight_i    (n_in_flight_i),
        .own_ok_o         (own_ok_o),
        .start_idx_o      (start_idx),
        .row_o            (row_read),
        .src_o            (src_now),
        .read_o           (read),
        .transpose_o      (transpose),
        .rows_o           (rows),
        .iteration_o      (iteration),
        .read_last_o      (read_last),
        .idx_o            (idx),
        .kind_o           (kind),
        .constant_o       (constant),
        .emit_o           (emit),
        .red_first_o      (red_first),
        .red_last_o       (red_last),
        .tail_o           (row_tail),
        .window_o         (window),
        .window_control_o (window_control),
        .out_iteration_o  (out_iteration),
        .out_last_o       (out_last),
        .last_o           (last),
        .out_rows_o       (out_rows)
    );
    assign busy_o     = row_read;
    assign spm_re_o   = {read[2], read[0]};
    assign acc_re_o   = {read[3], read[1]};
    assign spm_rrow_o = {rows[W_ROW +: W_SPM], rows[0 +: W_SPM]};
    assign acc_rrow_o = {rows[W_ROW +: W_ACC], rows[0 +: W_ACC]};

    // ------------------------------------------------------------------ alignment: D cycles from the read
    reg [1:0] spm_read_q, acc_read_q;
    reg       transpose_q;
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            spm_read_q  <= 2'd0;
            acc_read_q  <= 2'd0;
            transpose_q <= 1'b0;
        end else begin
            spm_read_q  <= spm_re_o;
            acc_read_q  <= acc_re_o;
            transpose_q <= read[0] && transpose;
        end
    end
    wire [2*D*W_EL-1:0] spm_row;
    wire [2*D*32-1:0]   acc_row;
    wire [D*W_EL-1:0]   transposed;
    wire [1:0]          spm_valid, spm_busy, acc_valid;
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
    transposer #(.D(D), .W_EL(W_EL)) u_transposer (
        .clk     (clk),
        .rst_n   (rst_n),
        .valid_i (transpose_q),
        .row_i   (spm_rdata_i[0 +: D*W_EL]),
        .row_o   (transposed)
    );

    // ------------------------------------------------------------------ the chain
    wire             chain_valid, second_valid;
    wire [D*32-1:0]  chain_row, second_row;
    wire [W_IDX-1:0] w_idx;
    wire [31:0]      w_kind;
    vpu_chain #(.D(D), .ELEMENT(ELEMENT), .W_EL(W_EL), .N(N), .W_IDX(W_IDX)) u_chain (
        .clk              (clk),
        .rst_n            (rst_n),
        .start_i          (start_i),
        .start_idx_i      (start_idx),
        .regs_i           (regs_i),
        .is_vec_i         (funct7_i == `SY_F7_VPU_VEC),
        .row_i            (row_read),
        .idx_i            (idx),
        .kind_i           (kind),
        .constant_i       (constant),
        .emit_i           (emit),
        .red_first_i      (red_first),
        .red_last_i       (red_last),
        .tail_i           (row_tail),
        .window_i         (window),
        .window_control_i (window_control),
        .a_spm_i          (spm_row[0 +: D*W_EL]),
        .a_transposed_i   (transposed),
        .a_acc_i          (acc_row[0 +: D*32]),
        .b_spm_i          (spm_row[D*W_EL +: D*W_EL]),
        .b_acc_i          (acc_row[D*32 +: D*32]),
        .out_valid_o      (chain_valid),
        .out_row_o        (chain_row),
        .red_valid_o      (second_valid),
        .red_row_o        (second_row),
        .w_idx_i          (w_idx),
        .w_chain_out_o    (w_kind)
    );

    // ------------------------------------------------------------------ to the write, STAGES after the alignment
    wire [D*32-1:0]    out_row, red_row;
    wire               out_valid, out_busy, red_valid, red_busy, w_valid, w_busy;
    wire [W_WRITE-1:0] w_token;
    delay_line #(.N(STAGES-17), .W_DATA(D*32)) u_out (
        .clk     (clk),
        .rst_n   (rst_n),
        .valid_i (chain_valid),
        .data_i  (chain_row),
        .valid_o (out_valid),
        .busy_o  (out_busy),
        .data_o  (out_row)
    );
    delay_line #(.N(STAGES-SECOND), .W_DATA(D*32)) u_red (
        .clk     (clk),
        .rst_n   (rst_n),
        .valid_i (second_valid),
        .data_i  (second_row),
        .valid_o (red_valid),
        .busy_o  (red_busy),
        .data_o  (red_row)
    );
    delay_line #(.N(D+STAGES), .W_DATA(W_WRITE)) u_write (
        .clk     (clk),
        .rst_n   (rst_n),
        .valid_i (row_read),
        .data_i  ({idx, emit, red_last, out_iteration, out_last, last, out_rows}),
        .valid_o (w_valid),
        .busy_o  (w_busy),
        .data_o  (w_token)
    );
    wire [W_ROW-1:0] w_out_row   = w_token[0 +: W_ROW];
    wire [W_ROW-1:0] w_red_row   = w_token[W_ROW +: W_ROW];
    wire             w_last      = w_valid && w_token[2*W_ROW];
    wire             w_out_last  = w_valid && w_token[2*W_ROW + 1];
    wire             w_iteration = w_valid && w_token[2*W_ROW + 2];
    wire             w_red       = w_valid && w_token[2*W_ROW + 3];
    wire             w_emit      = w_valid && w_token[2*W_ROW + 4];
    wire [2:0]       w_out       = w_kind[`SY_VPU_CHAIN_OUT_OUT_BITS];
    wire             w_out_spm   = w_emit && w_out == `SY_VPU_CHAIN_OUT_OUT_SPM;
    wire             w_out_acc   = w_emit && w_out != `SY_VPU_CHAIN_OUT_OUT_SPM && w_out != `SY_VPU_CHAIN_OUT_OUT_NONE;
    wire             w_red_spm   = w_red && w_kind[`SY_VPU_CHAIN_OUT_RED_OUT_BITS] == `SY_VPU_CHAIN_OUT_RED_OUT_SPM;
    assign w_idx      = w_token[2*W_ROW + 5 +: W_IDX];
    assign end_o      = w_last;
    assign spm_we_o   = {w_red_spm, w_out_spm};
    assign acc_we_o   = {w_red && !w_red_spm, w_out_acc};
    assign spm_wrow_o = {w_red_row[W_SPM-1:0], w_out_row[W_SPM-1:0]};
    assign acc_wrow_o = {w_red_row[W_ACC-1:0], w_out_row[W_ACC-1:0]};
    generate
        for (j = 0; j < D; j = j + 1) begin : g_element
            assign spm_wdata_o[j*W_EL +: W_EL]     = out_row[j*32 +: W_EL];
            assign spm_wdata_o[(D+j)*W_EL +: W_EL] = red_row[j*32 +: W_EL];
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
    wire [31:0] chain_out = regs_i[`SY_VPU_CHAIN_OUT*32 +: 32];
    wire [31:0] a_step    = regs_i[`SY_VPU_A_S3*32 +: 32];      // of loop 3
    wire [31:0] b_step    = regs_i[`SY_VPU_B_S3*32 +: 32];
    wire [31:0] o_step    = regs_i[`SY_VPU_O_S3*32 +: 32];
    wire [31:0] r_step    = chain_out[`SY_VPU_CHAIN_OUT_RED_LOOPS_BITS] == `SY_VPU_CHAIN_OUT_RED_LOOPS_FOUR ? 32'd0 :
                            regs_i[`SY_VPU_R_S3*32 +: 32];
    wire [SPM_BANKS-1:0] live_a_spm, live_b_spm, live_out_spm;
    wire [ACC_BANKS-1:0] live_a_acc, live_b_acc, live_out_acc;
    stream_range #(.N_BANKS(SPM_BANKS), .W_ROW(W_SPM)) u_a_spm (
        .clk (clk), .rst_n (rst_n), .load_i (start_i && src[0]),
        .first_low_i (range_q[0 +: W_SPM]), .first_high_i (range_q[W_ROW +: W_SPM]),
        .last_low_i (range_q[2*W_ROW +: W_SPM]), .last_high_i (range_q[3*W_ROW +: W_SPM]),
        .step_i (a_step[W_SPM-1:0]), .banks_i (spm_banks_q[0 +: SPM_BANKS]),
        .advance_i (iteration && src_now[0]), .clear_i (read_last), .banks_o (live_a_spm)
    );
    stream_range #(.N_BANKS(ACC_BANKS), .W_ROW(W_ACC)) u_a_acc (
        .clk (clk), .rst_n (rst_n), .load_i (start_i && src[1]),
        .first_low_i (range_q[0 +: W_ACC]), .first_high_i (range_q[W_ROW +: W_ACC]),
        .last_low_i (range_q[2*W_ROW +: W_ACC]), .last_high_i (range_q[3*W_ROW +: W_ACC]),
        .step_i (a_step[W_ACC-1:0]), .banks_i (acc_banks_q[0 +: ACC_BANKS]),
        .advance_i (iteration && src_now[1]), .clear_i (read_last), .banks_o (live_a_acc)
    );
    stream_range #(.N_BANKS(SPM_BANKS), .W_ROW(W_SPM)) u_b_spm (
        .clk (clk), .rst_n (rst_n), .load_i (start_i && src[2]),
        .first_low_i (range_q[4*W_ROW +: W_SPM]), .first_high_i (range_q[5*W_ROW +: W_SPM]),
        .last_low_i (range_q[6*W_ROW +: W_SPM]), .last_high_i (range_q[7*W_ROW +: W_SPM]),
        .step_i (b_step[W_SPM-1:0]), .banks_i (spm_banks_q[SPM_BANKS +: SPM_BANKS]),
        .advance_i (iteration && src_now[2]), .clear_i (read_last), .banks_o (live_b_spm)
    );
    stream_range #(.N_BANKS(ACC_BANKS), .W_ROW(W_ACC)) u_b_acc (
        .clk (clk), .rst_n (rst_n), .load_i (start_i && src[3]),
        .first_low_i (range_q[4*W_ROW +: W_ACC]), .first_high_i (range_q[5*W_ROW +: W_ACC]),
        .last_low_i (range_q[6*W_ROW +: W_ACC]), .last_high_i (range_q[7*W_ROW +: W_ACC]),
        .step_i (b_step[W_ACC-1:0]), .banks_i (acc_banks_q[ACC_BANKS +: ACC_BANKS]),
        .advance_i (iteration && src_now[3]), .clear_i (read_last), .banks_o (live_b_acc)
    );
    command_banks #(
        .N(N), .W_IDX(W_IDX), .SPM_BANKS(SPM_BANKS), .W_SPM(W_SPM), .ACC_BANKS(ACC_BANKS), .W_ACC(W_ACC), .W_ROW(W_ROW)
    ) u_out_banks (
        .clk        (clk),
        .rst_n      (rst_n),
        .load_i     (start_i),
        .load_idx_i (start_idx),
        .range_i    (range_q[8*W_ROW +: 8*W_ROW]),
        .step_i     ({r_step[W_ROW-1:0], o_step[W_ROW-1:0]}),
        .spm_i      (spm_banks_q[2*SPM_BANKS +: 2*SPM_BANKS]),
        .acc_i      (acc_banks_q[2*ACC_BANKS +: 2*ACC_BANKS]),
        .advance_i  (w_iteration && !w_out_last),
        .clear_i    (w_out_last),
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
    wire unused = &{1'b0, spm_valid, spm_busy, acc_valid, out_valid, out_busy, red_valid, red_busy, w_busy,
                    skew_valid, w_kind, chain_out, a_step, b_step, o_step, r_step};
endmodule
`default_nettype wire
