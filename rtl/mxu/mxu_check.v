// mxu_check.v -- the checks of a MATMUL (timing.md section 9) and the ranges of its streams.
//
// Function : error_o is the first check that fails, in the order of isa/errors.def; ranges and banks hold if none does.
// Latency  : combinational over the check_cycles that the slot stands still; only with en_i.
// C twin   : simulator/check.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module mxu_check #(
    parameter D         = 4,
    parameter ELEMENT   = 0,    // 0 int8, 1 bf16
    parameter SPM_BANKS = 8,
    parameter SPM_ROWS  = 2048,
    parameter W_SPM     = 11,
    parameter ACC_BANKS = 4,
    parameter ACC_ROWS  = 256,
    parameter W_ACC     = 8
) (
    input  wire                          en_i,
    input  wire [`SY_MXU_N_PAIRS*64-1:0] regs_i,
    output reg  [7:0]                    error_o,
    // first low, first high, last low, last high from the low bits up; by planes
    output wire [4*W_SPM-1:0]            a_range_o,
    output wire [4*W_SPM-1:0]            w_range_o,
    output wire [SPM_BANKS-1:0]          a_banks_o,
    output wire [SPM_BANKS-1:0]          w_banks_o,
    output wire [W_ACC-1:0]              c_low_o,
    output wire [W_ACC-1:0]              c_high_o,
    output wire [ACC_BANKS-1:0]          c_banks_o
);
    localparam signed [63:0] SPM_ROWS64 = 64'sd1 * SPM_ROWS;
    localparam signed [63:0] ACC_ROWS64 = 64'sd1 * ACC_ROWS;

    wire [31:0] flags  = regs_i[`SY_MXU_FLAGS*32 +: 32];
    wire [31:0] a_zero = regs_i[`SY_MXU_A_ZERO*32 +: 32];
    wire [31:0] w_zero = regs_i[`SY_MXU_W_ZERO*32 +: 32];
    wire [31:0] planes = regs_i[`SY_MXU_PLANES*32 +: 32];
    wire [31:0] n0     = regs_i[`SY_MXU_N0*32 +: 32];
    wire [31:0] n1     = regs_i[`SY_MXU_N1*32 +: 32];
    wire [31:0] n2     = regs_i[`SY_MXU_N2*32 +: 32];
    wire [31:0] n3     = regs_i[`SY_MXU_N3*32 +: 32];
    wire [63:0] n      = {n3[15:0], n2[15:0], n1[15:0], n0[15:0]};

    wire signed [63:0] a_fl, a_fh, a_ll, a_lh, a_low, a_high;
    wire signed [63:0] w_fl, w_fh, w_ll, w_lh, w_low, w_high;
    wire signed [63:0] c_fl, c_fh, c_ll, c_lh, c_low, c_high;
    wire               a_revisit, w_revisit, c_revisit;
    walk_range u_a (
        .en_i (en_i), .base_i (regs_i[`SY_MXU_A_BASE*32 +: 32]), .stride_i (regs_i[`SY_MXU_A_S0*32 +: 128]), .n_i (n),
        .outer_stride_i (regs_i[`SY_MXU_A_PLANE*32 +: 32]), .outer_n_i (planes[15:0]),
        .first_low_o (a_fl), .first_high_o (a_fh), .last_low_o (a_ll), .last_high_o (a_lh),
        .low_o (a_low), .high_o (a_high), .revisit_o (a_revisit)
    );
    walk_range u_w (
        .en_i (en_i), .base_i (regs_i[`SY_MXU_W_BASE*32 +: 32]), .stride_i (128'd1), .n_i ({48'h0001_0001_0001, 16'd0 | D[15:0]}),
        .outer_stride_i (regs_i[`SY_MXU_W_PLANE*32 +: 32]), .outer_n_i (planes[15:0]),
        .first_low_o (w_fl), .first_high_o (w_fh), .last_low_o (w_ll), .last_high_o (w_lh),
        .low_o (w_low), .high_o (w_high), .revisit_o (w_revisit)
    );
    walk_range u_c (
        .en_i (en_i), .base_i (regs_i[`SY_MXU_C_BASE*32 +: 32]), .stride_i (regs_i[`SY_MXU_C_S0*32 +: 128]), .n_i (n),
        .outer_stride_i (32'd0), .outer_n_i (16'd1),
        .first_low_o (c_fl), .first_high_o (c_fh), .last_low_o (c_ll), .last_high_o (c_lh),
        .low_o (c_low), .high_o (c_high), .revisit_o (c_revisit)
    );

    bank_span #(.N_BANKS(SPM_BANKS), .W_ROW(W_SPM)) u_a_banks (
        .low_i (a_low[W_SPM-1:0]), .high_i (a_high[W_SPM-1:0]), .banks_o (a_banks_o)
    );
    bank_span #(.N_BANKS(SPM_BANKS), .W_ROW(W_SPM)) u_w_banks (
        .low_i (w_low[W_SPM-1:0]), .high_i (w_high[W_SPM-1:0]), .banks_o (w_banks_o)
    );
    bank_span #(.N_BANKS(ACC_BANKS), .W_ROW(W_ACC)) u_c_banks (
        .low_i (c_low[W_ACC-1:0]), .high_i (c_high[W_ACC-1:0]), .banks_o (c_banks_o)
    );

    reg        bad_field;
    reg        bad_count;
    reg        bad_range;
    reg [63:0] rows;
    always @* begin
        error_o   = `SY_ERROR_NONE;
        bad_field = 1'b0;
        bad_count = 1'b0;
        bad_range = 1'b0;
        rows      = 64'd0;
        if (en_i) begin
            bad_field = `SY_MXU_FLAGS_INVALID(flags) ||
                        (flags[`SY_MXU_FLAGS_A_UNSIGNED_BITS] ? a_zero > 32'd255 : a_zero + 32'd128 > 32'd255) ||
                        (flags[`SY_MXU_FLAGS_W_UNSIGNED_BITS] ? w_zero > 32'd255 : w_zero + 32'd128 > 32'd255) ||
                        (ELEMENT != 0 && (flags[`SY_MXU_FLAGS_A_UNSIGNED_BITS] || flags[`SY_MXU_FLAGS_W_UNSIGNED_BITS] ||
                                          a_zero != 32'd0 || w_zero != 32'd0));
            rows      = {48'd0, n0[15:0]} * {48'd0, n1[15:0]} * {48'd0, n2[15:0]} * {48'd0, n3[15:0]};
            bad_count = n0 - 32'd1 > 32'd65534 || n1 - 32'd1 > 32'd65534 || n2 - 32'd1 > 32'd65534 ||
                        n3 - 32'd1 > 32'd65534 || planes - 32'd1 > 32'd65534 ||
                        rows > 64'h7FFF_FFFF || rows * {48'd0, planes[15:0]} > 64'h7FFF_FFFF;
            bad_range = a_low < 64'sd0 || a_high >= SPM_ROWS64 || w_low < 64'sd0 || w_high >= SPM_ROWS64 ||
                        c_low < 64'sd0 || c_high >= ACC_ROWS64;
            if (bad_field) begin
                error_o = `SY_ERROR_FIELD;
            end else if (bad_count) begin
                error_o = `SY_ERROR_COUNT;
            end else if (bad_range) begin
                error_o = `SY_ERROR_RANGE;
            end else if (c_revisit) begin
                error_o = `SY_ERROR_REVISIT;
            end else if ((a_banks_o & w_banks_o) != {SPM_BANKS{1'b0}}) begin
                error_o = `SY_ERROR_SELF_CONFLICT;
            end
        end
    end

    assign a_range_o = {a_lh[W_SPM-1:0], a_ll[W_SPM-1:0], a_fh[W_SPM-1:0], a_fl[W_SPM-1:0]};
    assign w_range_o = {w_lh[W_SPM-1:0], w_ll[W_SPM-1:0], w_fh[W_SPM-1:0], w_fl[W_SPM-1:0]};
    assign c_low_o   = c_low[W_ACC-1:0];
    assign c_high_o  = c_high[W_ACC-1:0];
    wire unused = &{1'b0, a_revisit, w_revisit, c_fl, c_fh, c_ll, c_lh, a_fl, a_fh, a_ll, a_lh, w_fl, w_fh, w_ll, w_lh};
endmodule
`default_nettype wire
