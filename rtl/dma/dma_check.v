// dma_check.v -- the checks of LOAD and STORE (timing.md section 9) and the rows they touch.
//
// Function : error_o is the first check that fails, in the order of isa/errors.def; range and banks hold if none does. The
//            registers of LD and ST have the same numbers, but fill, which ST does not have.
// Latency  : combinational over the check_cycles that the slot stands still; only with en_i.
// C twin   : simulator/check.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module dma_check #(
    parameter IS_LOAD    = 1,
    parameter D          = 4,
    parameter W_EL       = 8,    // bits of an element
    parameter DRAM_MIB   = 16,
    parameter SPM_BANKS  = 8,
    parameter SPM_ROWS   = 2048,
    parameter W_SPM      = 11,
    parameter ACC_BANKS  = 4,
    parameter ACC_ROWS   = 256,
    parameter W_ACC      = 8,
    parameter W_ROW      = 11
) (
    input  wire                         en_i,
    input  wire [`SY_LD_N_PAIRS*64-1:0] regs_i,
    output reg  [7:0]                   error_o,
    output wire [4*W_ROW-1:0]           range_o,     // first low, first high, last low, last high from the low bits up; by m3
    output wire [SPM_BANKS-1:0]         spm_banks_o,
    output wire [ACC_BANKS-1:0]         acc_banks_o
);
    localparam [63:0] LOG_ROW_SPM = 64'd1 * $clog2(D * W_EL / 8);
    localparam [63:0] LOG_ROW_ACC = 64'd1 * $clog2(4*D);
    localparam [31:0] FILL_MOST = (32'd1 << W_EL) - 32'd1;
    localparam signed [63:0] SPM_ROWS64 = 64'sd1 * SPM_ROWS;
    localparam signed [63:0] ACC_ROWS64 = 64'sd1 * ACC_ROWS;
    localparam signed [63:0] DRAM_BYTES = 64'sd1048576 * DRAM_MIB;

    wire [31:0] flags   = regs_i[`SY_LD_FLAGS*32 +: 32];
    wire [31:0] fill    = regs_i[`SY_LD_FILL*32 +: 32];
    wire [31:0] addr_hi = regs_i[`SY_LD_ADDR_HI*32 +: 32];
    wire [31:0] addr_lo = regs_i[`SY_LD_ADDR_LO*32 +: 32];
    wire [31:0] n0      = regs_i[`SY_LD_N0*32 +: 32];
    wire [31:0] n1      = regs_i[`SY_LD_N1*32 +: 32];
    wire [31:0] n2      = regs_i[`SY_LD_N2*32 +: 32];
    wire [31:0] n3      = regs_i[`SY_LD_N3*32 +: 32];
    wire [31:0] m0      = regs_i[`SY_LD_M0*32 +: 32];
    wire [31:0] m1      = regs_i[`SY_LD_M1*32 +: 32];
    wire [31:0] m2      = regs_i[`SY_LD_M2*32 +: 32];
    wire [31:0] m3      = regs_i[`SY_LD_M3*32 +: 32];
    wire [1:0]  close   = flags[`SY_LD_FLAGS_CLOSE_BITS];
    wire        in_acc  = flags[`SY_LD_FLAGS_ACC_BITS];

    // ------------------------------------------------------------------ rows
    wire signed [63:0] fl, fh, ll, lh, low, high;
    wire               revisit;
    walk_range u_rows (
        .en_i (en_i), .base_i (regs_i[`SY_LD_ROW_BASE*32 +: 32]),
        .stride_i ({32'd0, regs_i[`SY_LD_T0*32 +: 96]}), .n_i ({16'd1, m2[15:0], m1[15:0], m0[15:0]}),
        .outer_stride_i (regs_i[`SY_LD_T3*32 +: 32]), .outer_n_i (m3[15:0]),
        .first_low_o (fl), .first_high_o (fh), .last_low_o (ll), .last_high_o (lh),
        .low_o (low), .high_o (high), .revisit_o (revisit)
    );
    wire [SPM_BANKS-1:0] spm_banks;
    wire [ACC_BANKS-1:0] acc_banks;
    bank_span #(.N_BANKS(SPM_BANKS), .W_ROW(W_SPM)) u_spm (
        .low_i (low[W_SPM-1:0]), .high_i (high[W_SPM-1:0]), .banks_o (spm_banks)
    );
    bank_span #(.N_BANKS(ACC_BANKS), .W_ROW(W_ACC)) u_acc (
        .low_i (low[W_ACC-1:0]), .high_i (high[W_ACC-1:0]), .banks_o (acc_banks)
    );
    assign range_o     = {lh[W_ROW-1:0], ll[W_ROW-1:0], fh[W_ROW-1:0], fl[W_ROW-1:0]};
    assign spm_banks_o = in_acc ? {SPM_BANKS{1'b0}} : spm_banks;
    assign acc_banks_o = in_acc ? acc_banks : {ACC_BANKS{1'b0}};

    // ------------------------------------------------------------------ the checks
    reg               bad_field, bad_count, bad_range, any_valid;
    reg        [63:0] rows, closings, bytes, row_bytes_log, per_closing;
    reg signed [63:0] first, last, at_first, at_last, lowest, highest;
    reg        [31:0] n_k, lo_k, hi_k, s_k;
    integer k;
    always @* begin
        error_o       = `SY_ERROR_NONE;
        bad_field     = 1'b0;
        bad_count     = 1'b0;
        bad_range     = 1'b0;
        any_valid     = 1'b0;
        rows          = 64'd0;
        closings      = 64'd0;
        bytes         = 64'd0;
        row_bytes_log = 64'd0;
        per_closing   = 64'd0;
        first         = 64'sd0;
        last          = 64'sd0;
        at_first      = 64'sd0;
        at_last       = 64'sd0;
        lowest        = 64'sd0;
        highest       = 64'sd0;
        n_k           = 32'd0;
        lo_k          = 32'd0;
        hi_k          = 32'd0;
        s_k           = 32'd0;
        if (en_i) begin
            bad_field = `SY_LD_FLAGS_INVALID(flags) || addr_hi > 32'd255 || (IS_LOAD != 0 && fill > FILL_MOST);

            bad_count = n0 - 32'd1 > 32'd16777214 || n1 - 32'd1 > 32'd65534 || n2 - 32'd1 > 32'd65534 ||
                        n3 - 32'd1 > 32'd65534 || m0 - 32'd1 > 32'd65534 || m1 - 32'd1 > 32'd65534 ||
                        m2 - 32'd1 > 32'd65534 || m3 - 32'd1 > 32'd65534;
            rows      = {48'd0, m0[15:0]} * {48'd0, m1[15:0]} * {48'd0, m2[15:0]} * {48'd0, m3[15:0]};
            bytes     = {40'd0, n0[23:0]};
            closings  = 64'd1;
            if (close > 2'd0) begin
                bytes = bytes * {48'd0, n1[15:0]};
            end else begin
                closings = closings * {48'd0, n1[15:0]};
            end
            if (close > 2'd1) begin
                bytes = bytes * {48'd0, n2[15:0]};
            end else begin
                closings = closings * {48'd0, n2[15:0]};
            end
            bad_count = bad_count || bytes > 64'd16777215;
            if (close > 2'd2) begin
                bytes = bytes * {48'd0, n3[15:0]};
            end else begin
                closings = closings * {48'd0, n3[15:0]};
            end
            row_bytes_log = in_acc ? LOG_ROW_ACC : LOG_ROW_SPM;
            per_closing   = (bytes + (64'd1 << row_bytes_log) - 64'd1) >> row_bytes_log;
            bad_count = bad_count || bytes > 64'd16777215 || rows > 64'h7FFF_FFFF || closings > 64'h7FFF_FFFF ||
                        closings * per_closing != rows;

            lowest    = $signed({24'd0, addr_hi[7:0], addr_lo});
            highest   = lowest;
            any_valid = 1'b1;
            for (k = 0; k < 4; k = k + 1) begin
                n_k  = regs_i[(`SY_LD_N0+k)*32 +: 32];
                lo_k = regs_i[(`SY_LD_LO0+2*k)*32 +: 32];
                hi_k = regs_i[(`SY_LD_HI0+2*k)*32 +: 32];
                s_k  = k == 0 ? 32'd1 : regs_i[(`SY_LD_S1-1+k)*32 +: 32];
                if (hi_k > n_k) begin
                    hi_k = n_k;
                end
                any_valid = any_valid && lo_k < hi_k;
                first     = $signed({32'd0, lo_k});
                last      = $signed({32'd0, hi_k}) - 64'sd1;
                at_first  = first * $signed({{32{s_k[31]}}, s_k});
                at_last   = last * $signed({{32{s_k[31]}}, s_k});
                lowest    = lowest + (at_first < at_last ? at_first : at_last);
                highest   = highest + (at_first < at_last ? at_last : at_first);
            end
            bad_range = low < 64'sd0 || high >= (in_acc ? ACC_ROWS64 : SPM_ROWS64) ||
                        (any_valid && (lowest < 64'sd0 || highest >= DRAM_BYTES));
            if (bad_field) begin
                error_o = `SY_ERROR_FIELD;
            end else if (bad_count) begin
                error_o = `SY_ERROR_COUNT;
            end else if (bad_range) begin
                error_o = `SY_ERROR_RANGE;
            end else if (IS_LOAD != 0 && revisit) begin
                error_o = `SY_ERROR_REVISIT;
            end
        end
    end
endmodule
`default_nettype wire
