// vpu_check.v -- the checks of the vector unit's commands (timing.md section 9) and the ranges of their streams.
//
// Function : error_o is the first check that fails, in the order of isa/errors.def; ranges and banks hold if none does. Streams:
//            0 A, 1 B, 2 output, 3 second output; a stream that does not exist has no banks.
// Latency  : combinational over the check_cycles that the slot stands still; only with en_i.
// C twin   : simulator/check.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module vpu_check #(
    parameter D         = 4,
    parameter W_EL      = 8,    // bits of an element of SPM
    parameter SPM_BANKS = 8,
    parameter SPM_ROWS  = 2048,
    parameter W_SPM     = 11,
    parameter ACC_BANKS = 4,
    parameter ACC_ROWS  = 256,
    parameter W_ACC     = 8,
    parameter W_ROW     = 11     // the wider of both
) (
    input  wire                          en_i,
    input  wire [6:0]                    funct7_i,
    input  wire [`SY_VPU_N_PAIRS*64-1:0] regs_i,
    output reg  [7:0]                    error_o,
    // per stream: first low, first high, last low, last high from the low bits up; by loop 3
    output wire [16*W_ROW-1:0]           range_o,
    output wire [4*SPM_BANKS-1:0]        spm_banks_o,
    output wire [4*ACC_BANKS-1:0]        acc_banks_o
);
    localparam [31:0] D32 = D;
    localparam [31:0] TABLE_ROWS = 2048 / (D * W_EL);
    localparam signed [63:0] SPM_ROWS64 = 64'sd1 * SPM_ROWS;
    localparam signed [63:0] ACC_ROWS64 = 64'sd1 * ACC_ROWS;

    wire [31:0] chain_in  = regs_i[`SY_VPU_CHAIN_IN*32 +: 32];
    wire [31:0] chain_fp  = regs_i[`SY_VPU_CHAIN_FP*32 +: 32];
    wire [31:0] chain_out = regs_i[`SY_VPU_CHAIN_OUT*32 +: 32];
    wire [31:0] rows      = regs_i[`SY_VPU_ROWS*32 +: 32];
    wire [31:0] n0        = regs_i[`SY_VPU_N0*32 +: 32];
    wire [31:0] n1        = regs_i[`SY_VPU_N1*32 +: 32];
    wire [31:0] n2        = regs_i[`SY_VPU_N2*32 +: 32];
    wire [31:0] n3        = regs_i[`SY_VPU_N3*32 +: 32];
    wire [31:0] taps      = regs_i[`SY_VPU_TAPS*32 +: 32];
    wire [31:0] tail      = regs_i[`SY_VPU_TAIL*32 +: 32];
    wire [31:0] a_zero    = regs_i[`SY_VPU_A_ZERO*32 +: 32];
    wire        is_vec    = funct7_i == `SY_F7_VPU_VEC;
    wire        is_rows   = funct7_i == `SY_F7_VPU_ROWS;
    wire        is_taps   = funct7_i == `SY_F7_VPU_TAPS;
    wire        transpose = chain_in[`SY_VPU_CHAIN_IN_TRANSPOSE_BITS];
    wire [2:0]  first     = rows[`SY_VPU_ROWS_FIRST_BITS];
    wire [2:0]  count     = rows[`SY_VPU_ROWS_COUNT_BITS];
    wire [4:0]  tap_first = taps[`SY_VPU_TAPS_TAP_FIRST_BITS];
    wire [4:0]  tap_count = taps[`SY_VPU_TAPS_TAP_COUNT_BITS];
    wire [1:0]  a_src     = chain_in[`SY_VPU_CHAIN_IN_A_SRC_BITS];
    wire [1:0]  b_src     = chain_in[`SY_VPU_CHAIN_IN_B_SRC_BITS];
    wire [2:0]  out       = chain_out[`SY_VPU_CHAIN_OUT_OUT_BITS];
    wire [1:0]  red       = chain_out[`SY_VPU_CHAIN_OUT_RED_BITS];
    wire [2:0]  red_loops = chain_out[`SY_VPU_CHAIN_OUT_RED_LOOPS_BITS];
    wire [1:0]  red_out   = chain_out[`SY_VPU_CHAIN_OUT_RED_OUT_BITS];

    // ------------------------------------------------------------------ the window
    wire        window    = is_vec && chain_in[`SY_VPU_CHAIN_IN_WINDOW_BITS] != `SY_VPU_CHAIN_IN_WINDOW_OFF;
    wire        five      = chain_in[`SY_VPU_CHAIN_IN_WINDOW_BITS] == `SY_VPU_CHAIN_IN_WINDOW_TAPS5;
    wire        stride2   = chain_in[`SY_VPU_CHAIN_IN_STRIDE2_BITS];
    wire [2:0]  win_pad   = chain_in[`SY_VPU_CHAIN_IN_WIN_PAD_BITS];
    wire [4:0]  win_first = chain_in[`SY_VPU_CHAIN_IN_WIN_FIRST_BITS];
    wire [31:0] win_out   = regs_i[`SY_VPU_WIN_OUT*32 +: 32];
    wire [31:0] win_top   = regs_i[`SY_VPU_WIN_TOP*32 +: 32];
    wire [31:0] win_rows  = regs_i[`SY_VPU_WIN_ROWS*32 +: 32];
    // counts and win_top are below 2^16 where these are looked at
    wire [19:0] lines     = {4'd0, n2[15:0]} - 20'd1;
    wire signed [19:0] reach = $signed((stride2 ? lines << 1 : lines) + {4'd0, n0[15:0]} - {4'd0, win_top[15:0]});
    wire [19:0] last_out  = {4'd0, win_out[15:0]} - 20'd1;
    wire [19:0] tap_rows  = {4'd0, n0[15:0]} + {15'd0, win_first};
    wire [15:0] rows_read = reach < $signed({4'd0, win_rows[15:0]}) ? reach[15:0] : win_rows[15:0];

    // ------------------------------------------------------------------ streams: where, and their walks
    wire [3:0] in_spm = {is_vec && red != `SY_VPU_CHAIN_OUT_RED_NONE && red_out == `SY_VPU_CHAIN_OUT_RED_OUT_SPM,
                         is_vec && out == `SY_VPU_CHAIN_OUT_OUT_SPM,
                         is_vec && b_src == `SY_VPU_CHAIN_IN_B_SRC_SPM,
                         !is_vec || a_src == `SY_VPU_CHAIN_IN_A_SRC_SPM};
    wire [3:0] in_acc = {is_vec && red != `SY_VPU_CHAIN_OUT_RED_NONE && red_out != `SY_VPU_CHAIN_OUT_RED_OUT_SPM,
                         is_vec && out != `SY_VPU_CHAIN_OUT_OUT_NONE && out != `SY_VPU_CHAIN_OUT_OUT_SPM,
                         is_vec && b_src[1],
                         is_vec && a_src[1]};
    wire [63:0]  n     = {n3[15:0], n2[15:0], n1[15:0], n0[15:0]};
    wire [15:0]  n_constant = is_rows ? (W_EL == 16 ? {12'd0, count, 1'b0} : {11'd0, count, 2'b00}) :
                              is_taps ? {11'd0, tap_count} : TABLE_ROWS[15:0];
    wire [63:0]  n_a   = !is_vec ? {16'd1, 16'd1, 16'd1, n_constant} : window ? {n3[15:0], 16'd1, n1[15:0], rows_read} : n;
    wire [63:0]  n_o   = window ? {n3[15:0], n2[15:0], win_out[15:0], 16'd1} : n;
    wire [63:0]  n_r   = {red_loops > 3'd3 ? 16'd1 : n3[15:0], red_loops > 3'd2 ? 16'd1 : n2[15:0],
                          red_loops > 3'd1 ? 16'd1 : n1[15:0], red_loops > 3'd0 ? 16'd1 : n0[15:0]};
    wire [255:0] counts = {n_r, n_o, n, n_a};
    wire [127:0] bases  = {regs_i[`SY_VPU_R_BASE*32 +: 32], regs_i[`SY_VPU_O_BASE*32 +: 32],
                           regs_i[`SY_VPU_B_BASE*32 +: 32], regs_i[`SY_VPU_A_BASE*32 +: 32]};
    wire [511:0] strides = {regs_i[`SY_VPU_R_S0*32 +: 128], regs_i[`SY_VPU_O_S0*32 +: 128],
                            regs_i[`SY_VPU_B_S0*32 +: 128], !is_vec ? 128'd1 : regs_i[`SY_VPU_A_S0*32 +: 128]};

    wire [255:0] low, high;
    wire [3:0]   revisit;
    genvar s;
    generate
        for (s = 0; s < 4; s = s + 1) begin : g_stream
            wire signed [63:0] fl, fh, ll, lh, lo, hi;
            walk_range u_range (
                .en_i           (en_i && (in_spm[s] || in_acc[s])),
                .base_i         (bases[s*32 +: 32]),
                .stride_i       ({32'd0, strides[s*128 +: 96]}),
                .n_i            ({16'd1, counts[s*64 +: 48]}),
                .outer_stride_i (strides[s*128 + 96 +: 32]),
                .outer_n_i      (counts[s*64 + 48 +: 16]),
                .first_low_o    (fl),
                .first_high_o   (fh),
                .last_low_o     (ll),
                .last_high_o    (lh),
                .low_o          (lo),
                .high_o         (hi),
                .revisit_o      (revisit[s])
            );
            wire [SPM_BANKS-1:0] spm_banks;
            wire [ACC_BANKS-1:0] acc_banks;
            bank_span #(.N_BANKS(SPM_BANKS), .W_ROW(W_SPM)) u_spm (
                .low_i (lo[W_SPM-1:0]), .high_i (hi[W_SPM-1:0]), .banks_o (spm_banks)
            );
            bank_span #(.N_BANKS(ACC_BANKS), .W_ROW(W_ACC)) u_acc (
                .low_i (lo[W_ACC-1:0]), .high_i (hi[W_ACC-1:0]), .banks_o (acc_banks)
            );
            assign range_o[s*4*W_ROW +: 4*W_ROW] = {lh[W_ROW-1:0], ll[W_ROW-1:0], fh[W_ROW-1:0], fl[W_ROW-1:0]};
            assign spm_banks_o[s*SPM_BANKS +: SPM_BANKS] = in_spm[s] ? spm_banks : {SPM_BANKS{1'b0}};
            assign acc_banks_o[s*ACC_BANKS +: ACC_BANKS] = in_acc[s] ? acc_banks : {ACC_BANKS{1'b0}};
            assign low[s*64 +: 64]  = lo;
            assign high[s*64 +: 64] = hi;
            wire unused = &{1'b0, fl, fh, ll, lh};
        end
    endgenerate

    // ------------------------------------------------------------------ the checks
    reg        bad_field, unbuilt, bad_count, bad_range, bad_revisit, bad_overlap, bad_conflict;
    reg [63:0] total;
    reg        apart, same_walk;
    integer    i;
    integer    o;
    always @* begin
        error_o      = `SY_ERROR_NONE;
        bad_field    = 1'b0;
        unbuilt      = 1'b0;
        bad_count    = 1'b0;
        bad_range    = 1'b0;
        bad_revisit  = 1'b0;
        bad_overlap  = 1'b0;
        bad_conflict = 1'b0;
        total        = 64'd0;
        apart        = 1'b0;
        same_walk    = 1'b0;
        if (en_i) begin
            if (is_vec) begin
                bad_field = `SY_VPU_CHAIN_IN_INVALID(chain_in) || `SY_VPU_CHAIN_FP_INVALID(chain_fp) ||
                            `SY_VPU_CHAIN_OUT_INVALID(chain_out) || tail > D32 ||
                            ((transpose || window) && a_src != `SY_VPU_CHAIN_IN_A_SRC_SPM) ||
                            (window && (transpose || b_src != `SY_VPU_CHAIN_IN_B_SRC_NONE || red != `SY_VPU_CHAIN_OUT_RED_NONE ||
                                        tail != 32'd0 || win_pad >= (five ? 3'd5 : 3'd3) ||
                                        (W_EL == 8 && ($signed(a_zero) < -32'sd128 || $signed(a_zero) > 32'sd127))));
                unbuilt   = `SY_VPU_CHAIN_IN_UNBUILT(chain_in) || `SY_VPU_CHAIN_FP_UNBUILT(chain_fp) ||
                            `SY_VPU_CHAIN_OUT_UNBUILT(chain_out);
                total     = {48'd0, n0[15:0]} * {48'd0, n1[15:0]} * {48'd0, n2[15:0]} * {48'd0, n3[15:0]};
                bad_count = n0 - 32'd1 > 32'd65534 || n1 - 32'd1 > 32'd65534 || n2 - 32'd1 > 32'd65534 ||
                            n3 - 32'd1 > 32'd65534 || total > 64'h7FFF_FFFF ||
                            (transpose && !window && (total & {32'd0, D32 - 32'd1}) != 64'd0);
                if (window) begin
                    bad_count = bad_count || tap_rows > (five ? 20'd5 : 20'd8) || win_out - 32'd1 > 32'd65534 ||
                                win_rows - 32'd1 > 32'd65534 || win_top > 32'd65535 || reach < 20'sd1 ||
                                (stride2 ? last_out << 1 : last_out) > {4'd0, n1[15:0]} - 20'd1;
                end
            end else if (is_rows) begin
                bad_field = `SY_VPU_ROWS_INVALID(rows) || first > 3'd5 || count == 3'd0 ||
                            {1'b0, first} + {1'b0, count} > 4'd6;
            end else if (is_taps) begin
                bad_field = `SY_VPU_TAPS_INVALID(taps) || tap_count == 5'd0 || {1'b0, tap_first} + {1'b0, tap_count} > 6'd25;
            end
            if (`SY_XSYSTOLE_UNBUILT(`SY_UNIT_VPU, funct7_i)) begin
                bad_field = 1'b0;
                unbuilt   = 1'b1;
            end
            for (i = 0; i < 4; i = i + 1) begin
                if (in_spm[i] || in_acc[i]) begin
                    bad_range = bad_range || $signed(low[i*64 +: 64]) < 64'sd0 ||
                                $signed(high[i*64 +: 64]) >= (in_spm[i] ? SPM_ROWS64 : ACC_ROWS64);
                end
            end
            bad_revisit = revisit[2] && (in_spm[2] || in_acc[2]) || revisit[3] && (in_spm[3] || in_acc[3]);
            // an output against a source, or against the other output: in one memory
            for (o = 2; o < 4; o = o + 1) begin
                for (i = 0; i < o; i = i + 1) begin
                    if ((in_spm[o] && in_spm[i]) || (in_acc[o] && in_acc[i])) begin
                        apart     = $signed(high[i*64 +: 64]) < $signed(low[o*64 +: 64]) ||
                                    $signed(high[o*64 +: 64]) < $signed(low[i*64 +: 64]);
                        same_walk = i < 2 && !window && bases[i*32 +: 32] == bases[o*32 +: 32] &&
                                    strides[i*128 +: 128] == strides[o*128 +: 128] && (o == 2 || red_loops == 3'd0);
                        bad_overlap = bad_overlap || !(apart || same_walk);
                    end
                end
            end
            bad_conflict = (spm_banks_o[0 +: SPM_BANKS] & spm_banks_o[SPM_BANKS +: SPM_BANKS]) != {SPM_BANKS{1'b0}} ||
                           (acc_banks_o[0 +: ACC_BANKS] & acc_banks_o[ACC_BANKS +: ACC_BANKS]) != {ACC_BANKS{1'b0}} ||
                           (spm_banks_o[2*SPM_BANKS +: SPM_BANKS] & spm_banks_o[3*SPM_BANKS +: SPM_BANKS]) != {SPM_BANKS{1'b0}} ||
                           (acc_banks_o[2*ACC_BANKS +: ACC_BANKS] & acc_banks_o[3*ACC_BANKS +: ACC_BANKS]) != {ACC_BANKS{1'b0}};
            if (bad_field) begin
                error_o = `SY_ERROR_FIELD;
            end else if (unbuilt) begin
                error_o = `SY_ERROR_UNIMPLEMENTED;
            end else if (bad_count) begin
                error_o = `SY_ERROR_COUNT;
            end else if (bad_range) begin
                error_o = `SY_ERROR_RANGE;
            end else if (bad_revisit) begin
                error_o = `SY_ERROR_REVISIT;
            end else if (bad_overlap) begin
                error_o = `SY_ERROR_OVERLAP;
            end else if (bad_conflict) begin
                error_o = `SY_ERROR_SELF_CONFLICT;
            end
        end
    end
endmodule
`default_nettype wire
