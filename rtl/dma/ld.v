// ld.v -- the load unit: DRAM bytes to rows of SPM or ACC.
//
// Function : the address unit requests bursts; R beats wait in the load buffer; the assembler puts pieces of them, and fill, into
//            rows and writes each finished row. Commands in flight stand in a table: the address unit is ahead of the assembler.
// Latency  : timing.md section 7.
// Protocol : AXI4 master, reads only: one ID, INCR, in order; RREADY is always 1. start_i only when own_ok_o.
// Reset    : idle.
// C twin   : simulator/ld.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module ld #(
    parameter D           = 4,
    parameter W_EL        = 8,    // bits of an element
    parameter N           = 4,    // commands in flight
    parameter BEAT_BYTES  = 4,
    parameter BURST_BYTES = 64,
    parameter OUTSTANDING = 8,
    parameter N_BEATS     = 64,
    parameter DRAM_MIB    = 16,
    parameter SPM_BANKS   = 8,
    parameter SPM_ROWS    = 2048,
    parameter W_SPM       = 11,
    parameter ACC_BANKS   = 4,
    parameter ACC_ROWS    = 256,
    parameter W_ACC       = 8,
    parameter W_ROW       = 11
) (
    input  wire                         clk,
    input  wire                         rst_n,
    // slot
    input  wire [`SY_LD_N_PAIRS*64-1:0] regs_i,
    input  wire                         check_now_i,
    output wire [7:0]                   check_error_o,
    input  wire                         start_i,
    input  wire [4:0]                   n_in_flight_i,
    output wire                         own_ok_o,
    output wire                         end_o,
    output wire [SPM_BANKS+ACC_BANKS-1:0] need_o,
    output wire [SPM_BANKS+ACC_BANKS-1:0] held_o,
    output wire                         busy_o,
    output wire                         beat_o,      // a beat moves on the bus
    output wire                         quiet_o,
    output wire                         axi_err_o,
    // AXI4 read channels
    output wire                         arvalid_o,
    input  wire                         arready_i,
    output wire [39:0]                  araddr_o,
    output wire [7:0]                   arlen_o,
    input  wire                         rvalid_i,
    output wire                         rready_o,
    input  wire [BEAT_BYTES*8-1:0]      rdata_i,
    input  wire [1:0]                   rresp_i,
    input  wire                         rlast_i,
    // rows; ACC data skewed by lane
    output wire                         spm_we_o,
    output wire [W_SPM-1:0]             spm_row_o,
    output wire [D*W_EL-1:0]            spm_data_o,
    output wire                         acc_we_o,
    output wire [W_ACC-1:0]             acc_row_o,
    output wire [D*32-1:0]              acc_data_o
);
    localparam W_REGS = `SY_LD_N_PAIRS * 64;
    localparam W_AT   = $clog2(4*D);
    localparam W_BEAT = $clog2(BEAT_BYTES);
    localparam W_IDX  = N > 1 ? $clog2(N) : 1;
    localparam [31:0] N32 = N;
    localparam [31:0] LAST32 = N - 1;
    localparam [W_IDX-1:0] LAST = LAST32[W_IDX-1:0];

    // ------------------------------------------------------------------ checks
    wire [4*W_ROW-1:0]   range;
    wire [SPM_BANKS-1:0] spm_banks;
    wire [ACC_BANKS-1:0] acc_banks;
    reg  [4*W_ROW-1:0]   range_q;
    reg  [SPM_BANKS-1:0] spm_banks_q;
    reg  [ACC_BANKS-1:0] acc_banks_q;
    dma_check #(
        .IS_LOAD(1), .D(D), .W_EL(W_EL), .DRAM_MIB(DRAM_MIB), .SPM_BANKS(SPM_BANKS), .SPM_ROWS(SPM_ROWS), .W_SPM(W_SPM),
        .ACC_BANKS(ACC_BANKS), .ACC_ROWS(ACC_ROWS), .W_ACC(W_ACC), .W_ROW(W_ROW)
    ) u_check (
        .en_i        (check_now_i),
        .regs_i      (regs_i),
        .error_o     (check_error_o),
        .range_o     (range),
        .spm_banks_o (spm_banks),
        .acc_banks_o (acc_banks)
    );
    always @(posedge clk) begin
        if (check_now_i) begin
            range_q     <= range;
            spm_banks_q <= spm_banks;
            acc_banks_q <= acc_banks;
        end
    end

    // ------------------------------------------------------------------ requests
    wire address_free, beat_free;
    ld_address #(
        .BEAT_BYTES(BEAT_BYTES), .BURST_BYTES(BURST_BYTES), .OUTSTANDING(OUTSTANDING), .N_BEATS(N_BEATS)
    ) u_address (
        .clk         (clk),
        .rst_n       (rst_n),
        .load_i      (start_i),
        .regs_i      (regs_i),
        .free_o      (address_free),
        .arvalid_o   (arvalid_o),
        .arready_i   (arready_i),
        .araddr_o    (araddr_o),
        .arlen_o     (arlen_o),
        .burst_end_i (rvalid_i && rlast_i),
        .beat_free_i (beat_free),
        .quiet_o     (quiet_o)
    );
    assign own_ok_o  = address_free && n_in_flight_i < N32[4:0];
    assign rready_o  = 1'b1;
    assign beat_o    = rvalid_i;
    assign axi_err_o = rvalid_i && rresp_i[1];

    // ------------------------------------------------------------------ load buffer
    wire                    have_beat, buffer_full;
    wire [BEAT_BYTES*8-1:0] beat;
    queue #(.N(N_BEATS), .W_DATA(BEAT_BYTES*8)) u_buffer (
        .clk     (clk),
        .rst_n   (rst_n),
        .push_i  (rvalid_i),
        .data_i  (rdata_i),
        .full_o  (buffer_full),
        .pop_i   (beat_free),
        .valid_o (have_beat),
        .data_o  (beat)
    );

    // ------------------------------------------------------------------ commands between address unit and assembler
    reg [W_REGS-1:0] table_q [0:N-1];
    reg [W_IDX-1:0]  next_idx_q, take_idx_q, idx_q;   // of the next to start, of the next to assemble, under assembly
    reg [4:0]        n_waiting_q;
    reg              active_q;                        // the assembler has a command
    wire             finish;
    wire             idle     = !active_q || finish;
    wire             waiting  = n_waiting_q != 5'd0;
    wire             take     = idle && (waiting || start_i);
    reg [W_REGS-1:0] taken;
    always @* begin
        taken = regs_i;
        if (waiting) begin
            taken = table_q[take_idx_q];
        end
    end
    always @(posedge clk) begin
        if (start_i) begin
            table_q[next_idx_q] <= regs_i;
        end
        if (take) begin
            idx_q <= take_idx_q;
        end
    end
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            next_idx_q  <= {W_IDX{1'b0}};
            take_idx_q  <= {W_IDX{1'b0}};
            n_waiting_q <= 5'd0;
            active_q    <= 1'b0;
        end else begin
            if (start_i) begin
                next_idx_q <= next_idx_q == LAST ? {W_IDX{1'b0}} : next_idx_q + 1'b1;
            end
            if (take) begin
                take_idx_q <= take_idx_q == LAST ? {W_IDX{1'b0}} : take_idx_q + 1'b1;
            end
            if (start_i && !take) begin
                n_waiting_q <= n_waiting_q + 5'd1;
            end else if (take && !start_i) begin
                n_waiting_q <= n_waiting_q - 5'd1;
            end
            active_q <= take || (active_q && !finish);
        end
    end

    // ------------------------------------------------------------------ pieces
    wire            piece_valid, beat_end, burst_end, row_end, command_end;
    wire [23:0]     piece_bytes;
    wire [39:0]     piece_addr;
    wire [W_AT-1:0] piece_at;
    wire            piece = active_q && (!piece_valid || have_beat);
    piece_walk #(.D(D), .W_EL(W_EL), .BEAT_BYTES(BEAT_BYTES), .BURST_BYTES(BURST_BYTES)) u_pieces (
        .clk           (clk),
        .en_i          (active_q),
        .load_i        (take),
        .regs_i        (taken),
        .step_i        (piece),
        .valid_o       (piece_valid),
        .bytes_o       (piece_bytes),
        .addr_o        (piece_addr),
        .at_o          (piece_at),
        .beat_end_o    (beat_end),
        .burst_end_o   (burst_end),
        .row_end_o     (row_end),
        .command_end_o (command_end)
    );
    assign finish    = piece && command_end;
    assign beat_free = piece && beat_end;
    assign end_o     = finish;
    assign busy_o    = piece || rvalid_i;

    // ------------------------------------------------------------------ the row under assembly: fill, and valid pieces put in
    reg [D*32-1:0] row_q, row, mask, bytes;
    reg [W_EL-1:0] fill_q;
    reg            in_acc_q, first_row_q;
    reg [4*W_ROW-1:0] stride_q;
    reg [W_ROW-1:0]   base_q;
    reg [63:0]        count_q;
    generate
        if (BEAT_BYTES > 4*D) begin : g_wide_beat
            wire [BEAT_BYTES*8-1:0] shifted = beat >> {piece_addr[W_BEAT-1:0], 3'd0};
            always @* begin
                bytes = shifted[D*32-1:0] << {piece_at, 3'd0};
            end
            wire unused_beat = &{1'b0, shifted};
        end else begin : g_narrow_beat
            wire [BEAT_BYTES*8-1:0] shifted = beat >> {piece_addr[W_BEAT-1:0], 3'd0};
            reg  [D*32-1:0] wide;
            always @* begin
                wide = {D*32{1'b0}};
                wide[BEAT_BYTES*8-1:0] = shifted;
                bytes = wide << {piece_at, 3'd0};
            end
        end
    endgenerate
    always @* begin
        row  = row_q;
        mask = {D*32{1'b0}};
        if (piece && piece_valid) begin
            mask = ~({D*32{1'b1}} << {piece_bytes[W_AT:0], 3'd0}) << {piece_at, 3'd0};
            row  = (row_q & ~mask) | (bytes & mask);
        end
    end
    always @(posedge clk) begin
        if (take) begin
            fill_q      <= taken[`SY_LD_FILL*32 +: W_EL];
            row_q       <= {32*D/W_EL{taken[`SY_LD_FILL*32 +: W_EL]}};
            in_acc_q    <= taken[`SY_LD_FLAGS*32 + `SY_LD_FLAGS_ACC_LOW];
            first_row_q <= 1'b1;
            base_q      <= taken[`SY_LD_ROW_BASE*32 +: W_ROW];
            stride_q    <= {taken[`SY_LD_T3*32 +: W_ROW], taken[`SY_LD_T2*32 +: W_ROW],
                            taken[`SY_LD_T1*32 +: W_ROW], taken[`SY_LD_T0*32 +: W_ROW]};
            count_q     <= {taken[`SY_LD_M3*32 +: 16], taken[`SY_LD_M2*32 +: 16],
                            taken[`SY_LD_M1*32 +: 16], taken[`SY_LD_M0*32 +: 16]};
        end else if (piece) begin
            row_q <= row_end ? {32*D/W_EL{fill_q}} : row;
            if (row_end) begin
                first_row_q <= 1'b0;
            end
        end
    end

    // ------------------------------------------------------------------ where it goes
    wire             row_write = piece && row_end;
    wire [3:0]       walk_end;
    wire [W_ROW-1:0] row_at;
    walk_count u_count (
        .clk     (clk),
        .start_i (row_write && first_row_q),
        .step_i  (row_write),
        .n_i     (count_q),
        .end_o   (walk_end)
    );
    walk_addr #(.W(W_ROW)) u_walk (
        .clk      (clk),
        .start_i  (row_write && first_row_q),
        .step_i   (row_write),
        .end_i    (walk_end[2:0]),
        .base_i   (base_q),
        .stride_i (stride_q),
        .row_o    (row_at)
    );
    assign spm_we_o   = row_write && !in_acc_q;
    assign spm_row_o  = row_at[W_SPM-1:0];
    assign spm_data_o = row[D*W_EL-1:0];
    assign acc_we_o   = row_write && in_acc_q;
    assign acc_row_o  = row_at[W_ACC-1:0];
    wire [D-1:0] skew_valid;
    skew #(.D(D), .W_LANE(32)) u_skew (
        .clk     (clk),
        .rst_n   (rst_n),
        .valid_i (acc_we_o),
        .row_i   (row),
        .valid_o (skew_valid),
        .lanes_o (acc_data_o)
    );

    // ------------------------------------------------------------------ banks: one stream per command
    wire [SPM_BANKS-1:0] live_spm;
    wire [ACC_BANKS-1:0] live_acc;
    command_banks #(
        .N(N), .W_IDX(W_IDX), .SPM_BANKS(SPM_BANKS), .W_SPM(W_SPM), .ACC_BANKS(ACC_BANKS), .W_ACC(W_ACC), .W_ROW(W_ROW)
    ) u_banks (
        .clk        (clk),
        .rst_n      (rst_n),
        .load_i     (start_i),
        .load_idx_i (next_idx_q),
        .range_i    ({{4*W_ROW{1'b0}}, range_q}),
        .step_i     ({{W_ROW{1'b0}}, regs_i[`SY_LD_T3*32 +: W_ROW]}),
        .spm_i      ({{SPM_BANKS{1'b0}}, spm_banks_q}),
        .acc_i      ({{ACC_BANKS{1'b0}}, acc_banks_q}),
        .advance_i  (row_write && walk_end[2] && !finish),
        .clear_i    (finish),
        .idx_i      (idx_q),
        .spm_o      (live_spm),
        .acc_o      (live_acc)
    );
    assign need_o = {acc_banks_q, spm_banks_q};
    assign held_o = {live_acc, live_spm};
    wire unused = &{1'b0, buffer_full, burst_end, skew_valid, walk_end, rresp_i[0], piece_addr, piece_bytes, row_at, taken};
endmodule
`default_nettype wire
