// st.v -- the store unit: rows of SPM or ACC to DRAM bytes.
//
// Function : the disassembler reads rows and cuts them into pieces; st_write collects valid pieces into bursts and writes them. A
//            command is over for the disassembler after its last piece, and ends with its last B.
// Latency  : timing.md section 8.
// Protocol : AXI4 master, writes only. start_i only when own_ok_o; the first row is read in that very cycle.
// Reset    : idle.
// C twin   : simulator/st.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module st #(
    parameter D           = 4,
    parameter W_EL        = 8,    // bits of an element
    parameter N           = 4,    // commands in flight
    parameter BEAT_BYTES  = 4,
    parameter BURST_BYTES = 64,
    parameter OUTSTANDING = 8,
    parameter N_BEATS     = 32,
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
    input  wire [`SY_ST_N_PAIRS*64-1:0] regs_i,
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
    // rows
    output wire                         spm_re_o,
    output wire [W_SPM-1:0]             spm_row_o,
    input  wire [D*W_EL-1:0]            spm_data_i,
    output wire                         acc_re_o,
    output wire [W_ACC-1:0]             acc_row_o,
    input  wire [D*32-1:0]              acc_data_i,   // skewed by lane
    // AXI4 write channels
    output wire                         awvalid_o,
    input  wire                         awready_i,
    output wire [39:0]                  awaddr_o,
    output wire [7:0]                   awlen_o,
    output wire                         wvalid_o,
    input  wire                         wready_i,
    output wire [BEAT_BYTES*8-1:0]      wdata_o,
    output wire [BEAT_BYTES-1:0]        wstrb_o,
    output wire                         wlast_o,
    input  wire                         bvalid_i,
    output wire                         bready_o,
    input  wire [1:0]                   bresp_i
);
    localparam W_AT   = $clog2(4*D);
    localparam W_BEAT = $clog2(BEAT_BYTES);
    localparam [31:0] N32 = N;
    localparam [31:0] D32 = D;

    // ------------------------------------------------------------------ checks
    wire [4*W_ROW-1:0]   range;
    wire [SPM_BANKS-1:0] spm_banks;
    wire [ACC_BANKS-1:0] acc_banks;
    reg  [4*W_ROW-1:0]   range_q;
    reg  [SPM_BANKS-1:0] spm_banks_q;
    reg  [ACC_BANKS-1:0] acc_banks_q;
    dma_check #(
        .IS_LOAD(0), .D(D), .W_EL(W_EL), .DRAM_MIB(DRAM_MIB), .SPM_BANKS(SPM_BANKS), .SPM_ROWS(SPM_ROWS), .W_SPM(W_SPM),
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

    // ------------------------------------------------------------------ pieces
    reg             active_q;        // a command is being taken apart
    reg             in_acc_q;
    reg [W_AT-1:0]  wait_q;          // cycles until the row that was read is whole
    reg             fresh_q;         // the row was read in the cycle before
    wire            piece_valid, beat_end, burst_end, row_end, command_end, room;
    wire [23:0]     piece_bytes;
    wire [39:0]     piece_addr;
    wire [W_AT-1:0] piece_at;
    wire            row_ready = active_q && wait_q == {W_AT{1'b0}};
    wire            piece     = row_ready && (!piece_valid || room);
    wire            finish    = piece && command_end;
    piece_walk #(.D(D), .W_EL(W_EL), .BEAT_BYTES(BEAT_BYTES), .BURST_BYTES(BURST_BYTES)) u_pieces (
        .clk           (clk),
        .en_i          (row_ready),
        .load_i        (start_i),
        .regs_i        (regs_i),
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
    assign own_ok_o = !active_q && n_in_flight_i < N32[4:0];

    // ------------------------------------------------------------------ rows: the first at the start, others with the piece before
    wire             to_acc   = start_i ? regs_i[`SY_ST_FLAGS*32 + `SY_ST_FLAGS_ACC_LOW] : in_acc_q;
    wire             row_read = start_i || (piece && row_end && !command_end);
    wire [3:0]       walk_end;
    wire [W_ROW-1:0] row_at;
    walk_count u_count (
        .clk     (clk),
        .start_i (start_i),
        .step_i  (row_read),
        .n_i     ({regs_i[`SY_ST_M3*32 +: 16], regs_i[`SY_ST_M2*32 +: 16],
                   regs_i[`SY_ST_M1*32 +: 16], regs_i[`SY_ST_M0*32 +: 16]}),
        .end_o   (walk_end)
    );
    walk_addr #(.W(W_ROW)) u_walk (
        .clk      (clk),
        .start_i  (start_i),
        .step_i   (row_read),
        .end_i    (walk_end[2:0]),
        .base_i   (regs_i[`SY_ST_ROW_BASE*32 +: W_ROW]),
        .stride_i ({regs_i[`SY_ST_T3*32 +: W_ROW], regs_i[`SY_ST_T2*32 +: W_ROW],
                    regs_i[`SY_ST_T1*32 +: W_ROW], regs_i[`SY_ST_T0*32 +: W_ROW]}),
        .row_o    (row_at)
    );
    assign spm_re_o  = row_read && !to_acc;
    assign spm_row_o = row_at[W_SPM-1:0];
    assign acc_re_o  = row_read && to_acc;
    assign acc_row_o = row_at[W_ACC-1:0];

    reg acc_read_q;
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            active_q   <= 1'b0;
            wait_q     <= {W_AT{1'b0}};
            fresh_q    <= 1'b0;
            acc_read_q <= 1'b0;
        end else begin
            if (start_i) begin
                active_q <= 1'b1;
            end else if (finish) begin
                active_q <= 1'b0;
            end
            if (row_read) begin
                wait_q <= to_acc ? D32[W_AT-1:0] - 1'b1 : {W_AT{1'b0}};
            end else if (wait_q != {W_AT{1'b0}}) begin
                wait_q <= wait_q - 1'b1;
            end
            fresh_q    <= spm_re_o;
            acc_read_q <= acc_re_o;
        end
    end

    wire            acc_whole;
    wire [D*32-1:0] acc_row;
    deskew #(.D(D), .W_LANE(32)) u_deskew (
        .clk     (clk),
        .rst_n   (rst_n),
        .valid_i (acc_read_q),
        .lanes_i (acc_data_i),
        .valid_o (acc_whole),
        .row_o   (acc_row)
    );
    reg [D*32-1:0] row_q, row;
    always @* begin
        row = row_q;
        if (fresh_q) begin
            row[D*W_EL-1:0] = spm_data_i;
        end
        if (acc_whole) begin
            row = acc_row;
        end
    end
    always @(posedge clk) begin
        if (start_i) begin
            in_acc_q <= to_acc;
        end
        if (fresh_q || acc_whole) begin
            row_q <= row;
        end
    end

    // ------------------------------------------------------------------ bytes to their place in the beat
    wire            put = piece && piece_valid;
    reg  [BEAT_BYTES*8-1:0] data;
    reg  [BEAT_BYTES-1:0]   strobe;
    wire [D*32-1:0] low = row >> {piece_at, 3'd0};
    generate
        if (BEAT_BYTES > 4*D) begin : g_wide_beat
            reg [BEAT_BYTES*8-1:0] wide;
            always @* begin
                wide = {BEAT_BYTES*8{1'b0}};
                wide[D*32-1:0] = low;
                data = wide << {piece_addr[W_BEAT-1:0], 3'd0};
            end
        end else begin : g_narrow_beat
            always @* begin
                data = low[BEAT_BYTES*8-1:0] << {piece_addr[W_BEAT-1:0], 3'd0};
            end
            wire unused_row = &{1'b0, low};
        end
    endgenerate
    always @* begin
        strobe = {BEAT_BYTES{1'b0}};
        if (put) begin
            strobe = ~({BEAT_BYTES{1'b1}} << piece_bytes[W_BEAT:0]) << piece_addr[W_BEAT-1:0];
        end
    end

    wire [31:0] bursts, answered;
    st_write #(.BEAT_BYTES(BEAT_BYTES), .OUTSTANDING(OUTSTANDING), .N_BEATS(N_BEATS)) u_write (
        .clk         (clk),
        .rst_n       (rst_n),
        .piece_i     (put),
        .data_i      (data),
        .strobe_i    (strobe),
        .addr_i      (piece_addr),
        .beat_end_i  (beat_end),
        .burst_end_i (burst_end),
        .ready_o     (room),
        .bursts_o    (bursts),
        .answered_o  (answered),
        .quiet_o     (quiet_o),
        .beat_o      (beat_o),
        .axi_err_o   (axi_err_o),
        .awvalid_o   (awvalid_o),
        .awready_i   (awready_i),
        .awaddr_o    (awaddr_o),
        .awlen_o     (awlen_o),
        .wvalid_o    (wvalid_o),
        .wready_i    (wready_i),
        .wdata_o     (wdata_o),
        .wstrb_o     (wstrb_o),
        .wlast_o     (wlast_o),
        .bvalid_i    (bvalid_i),
        .bready_o    (bready_o),
        .bresp_i     (bresp_i)
    );
    assign busy_o = piece || beat_o;

    // ------------------------------------------------------------------ ends, in order, one per cycle: each command waits for the answers
    // to all bursts that were complete at its last piece
    wire        waiting, waiting_full;
    wire [31:0] target;
    wire [31:0] behind = answered - (waiting ? target : bursts);
    wire        pass   = finish && !waiting && !behind[31];      // ends with its last piece
    assign end_o = waiting ? !behind[31] : pass;
    queue #(.N(N), .W_DATA(32)) u_ends (
        .clk     (clk),
        .rst_n   (rst_n),
        .push_i  (finish && !pass),
        .data_i  (bursts),
        .full_o  (waiting_full),
        .pop_i   (waiting && end_o),
        .valid_o (waiting),
        .data_o  (target)
    );

    // ------------------------------------------------------------------ banks
    wire [SPM_BANKS-1:0] live_spm;
    wire [ACC_BANKS-1:0] live_acc;
    wire iteration = row_read && walk_end[2] && !walk_end[3];
    wire last      = row_read && walk_end[3];
    stream_range #(.N_BANKS(SPM_BANKS), .W_ROW(W_SPM)) u_spm_banks (
        .clk (clk), .rst_n (rst_n), .load_i (start_i && !to_acc),
        .first_low_i (range_q[0 +: W_SPM]), .first_high_i (range_q[W_ROW +: W_SPM]),
        .last_low_i (range_q[2*W_ROW +: W_SPM]), .last_high_i (range_q[3*W_ROW +: W_SPM]),
        .step_i (regs_i[`SY_ST_T3*32 +: W_SPM]), .banks_i (spm_banks_q),
        .advance_i (iteration && !to_acc), .clear_i (last), .banks_o (live_spm)
    );
    stream_range #(.N_BANKS(ACC_BANKS), .W_ROW(W_ACC)) u_acc_banks (
        .clk (clk), .rst_n (rst_n), .load_i (start_i && to_acc),
        .first_low_i (range_q[0 +: W_ACC]), .first_high_i (range_q[W_ROW +: W_ACC]),
        .last_low_i (range_q[2*W_ROW +: W_ACC]), .last_high_i (range_q[3*W_ROW +: W_ACC]),
        .step_i (regs_i[`SY_ST_T3*32 +: W_ACC]), .banks_i (acc_banks_q),
        .advance_i (iteration && to_acc), .clear_i (last), .banks_o (live_acc)
    );
    assign need_o = {acc_banks_q, spm_banks_q};
    assign held_o = {live_acc, live_spm};
    wire unused = &{1'b0, waiting_full, walk_end, row_at, piece_bytes};
endmodule
`default_nettype wire
