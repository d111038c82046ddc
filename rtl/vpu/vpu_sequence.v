// vpu_sequence.v -- which rows the vector unit reads in each cycle, and what they carry down the chain.
//
// Function : one row per cycle from start_i on, of VEC in walk order, of ROWS, TAPS and TABLE one after the other. The rows of the
//            outputs are walked along and travel with the row that produces them. A command with a window reads column by column
//            (vpu_window.v) and its output walk moves by outputs.
// Latency  : timing.md section 6; the first row is read in start_i's cycle.
// Protocol : start_i only when own_ok_o.
// Reset    : idle.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module vpu_sequence #(
    parameter D       = 4,
    parameter ELEMENT = 0,
    parameter N       = 4,    // commands in flight
    parameter W_IDX   = 2,
    parameter W_ROW   = 11
) (
    input  wire                          clk,
    input  wire                          rst_n,
    input  wire [`SY_VPU_N_PAIRS*64-1:0] regs_i,
    input  wire [6:0]                    funct7_i,
    input  wire                          start_i,
    input  wire [3:0]                    src_i,           // A in SPM, A in ACC, B in SPM, B in ACC
    input  wire [4:0]                    n_in_flight_i,
    output wire                          own_ok_o,
    output wire [W_IDX-1:0]              start_idx_o,     // entry of the command that starts
    // reads
    output wire                          row_o,           // the unit is busy
    output wire [3:0]                    src_o,           // src_i of its command
    output wire [3:0]                    read_o,          // what it reads now
    output wire                          transpose_o,
    output wire [2*W_ROW-1:0]            rows_o,          // A, B
    output wire                          iteration_o,     // one of loop 3 of the sources is complete, not the last
    output wire                          read_last_o,
    // what the row carries
    output wire [W_IDX-1:0]              idx_o,
    output wire [1:0]                    kind_o,          // funct7's low bits: VEC, ROWS, TABLE, TAPS
    output wire [7:0]                    constant_o,      // ROWS: register, part; TABLE, TAPS: row
    output wire                          emit_o,          // it makes an output
    output wire                          red_first_o,
    output wire                          red_last_o,
    output wire                          tail_o,
    output wire                          window_o,
    output wire [15:0]                   window_control_o, // first weight row, add, fresh, shift
    // what is written when it has passed
    output wire                          out_iteration_o,
    output wire                          out_last_o,
    output wire                          last_o,          // of the command
    output wire [2*W_ROW-1:0]            out_rows_o       // output, second output
);
    localparam [31:0] N32 = N;
    localparam [31:0] LAST32 = N - 1;
    localparam [W_IDX-1:0] LAST_IDX = LAST32[W_IDX-1:0];
    localparam [31:0] TABLE32 = ELEMENT != 0 ? 128 / D : 256 / D;
    localparam LOG_PARTS = ELEMENT != 0 ? 1 : 2;   // rows of one row register: 2 or 4
    localparam [6:0] F7_ROWS = `SY_F7_VPU_ROWS;
    localparam [6:0] F7_TAPS = `SY_F7_VPU_TAPS;

    // ------------------------------------------------------------------ the slot's fields
    wire [31:0] chain_in  = regs_i[`SY_VPU_CHAIN_IN*32 +: 32];
    wire [31:0] chain_out = regs_i[`SY_VPU_CHAIN_OUT*32 +: 32];
    wire [31:0] rows      = regs_i[`SY_VPU_ROWS*32 +: 32];
    wire [31:0] taps      = regs_i[`SY_VPU_TAPS*32 +: 32];
    wire        is_vec    = funct7_i == `SY_F7_VPU_VEC;
    wire        is_window = is_vec && chain_in[`SY_VPU_CHAIN_IN_WINDOW_BITS] != `SY_VPU_CHAIN_IN_WINDOW_OFF;
    wire        stride2   = chain_in[`SY_VPU_CHAIN_IN_STRIDE2_BITS];
    wire [2:0]  red_loops = chain_out[`SY_VPU_CHAIN_OUT_RED_LOOPS_BITS];
    wire        red_any   = is_vec && chain_out[`SY_VPU_CHAIN_OUT_RED_BITS] != `SY_VPU_CHAIN_OUT_RED_NONE;
    reg  [15:0] n_constant;
    reg  [4:0]  first;
    always @* begin
        n_constant = TABLE32[15:0];
        first      = 5'd0;
        if (funct7_i == `SY_F7_VPU_ROWS) begin
            n_constant = {13'd0, rows[`SY_VPU_ROWS_COUNT_BITS]} << LOG_PARTS;
            first      = {2'd0, rows[`SY_VPU_ROWS_FIRST_BITS]};
        end else if (funct7_i == `SY_F7_VPU_TAPS) begin
            n_constant = {11'd0, taps[`SY_VPU_TAPS_TAP_COUNT_BITS]};
            first      = taps[`SY_VPU_TAPS_TAP_FIRST_BITS];
        end
    end

    // ------------------------------------------------------------------ one row per cycle
    reg             reading_q;
    reg [W_IDX-1:0] next_idx_q, idx_q;
    reg [1:0]       kind_q;
    reg [4:0]       first_q;
    reg [5:0]       constant_q;
    reg [2:0]       red_loops_q;
    reg             red_any_q, red_first_q, transpose_q, window_q;
    reg [3:0]       src_q;

    wire            row_read = start_i || reading_q;
    wire [3:0]      row_end;
    wire [3:0]      src      = start_i ? src_i : src_q;
    wire            red_on   = start_i ? red_any : red_any_q;
    wire [2:0]      loops    = start_i ? red_loops : red_loops_q;
    wire            red_end  = loops == 3'd0 || (loops == 3'd1 && row_end[0]) || (loops == 3'd2 && row_end[1]) ||
                               (loops == 3'd3 && row_end[2]) || row_end[3];
    wire [5:0]      constant = start_i ? 6'd0 : constant_q;
    wire [4:0]      from     = start_i ? first : first_q;
    wire [4:0]      register_at = from + {1'b0, constant[LOG_PARTS +: 4]};
    wire            win_valid, win_trail, win_emit, win_last;
    assign own_ok_o    = !reading_q && n_in_flight_i < N32[4:0];
    assign start_idx_o = next_idx_q;
    assign row_o       = row_read;
    assign window_o    = start_i ? is_window : window_q;
    assign idx_o       = start_i ? next_idx_q : idx_q;
    assign kind_o      = start_i ? funct7_i[1:0] : kind_q;
    assign constant_o  = kind_o == F7_ROWS[1:0] ? {3'd0, register_at[2:0], constant[1] && ELEMENT == 0, constant[0]} :
                         kind_o == F7_TAPS[1:0] ? {3'd0, from + constant[4:0]} : {2'd0, constant};
    assign emit_o      = window_o ? win_emit : kind_o != F7_TAPS[1:0];
    assign red_first_o = start_i || red_first_q;
    assign red_last_o  = red_on && red_end;
    assign tail_o      = row_end[0];
    assign transpose_o = start_i ? is_vec && chain_in[`SY_VPU_CHAIN_IN_TRANSPOSE_BITS] : transpose_q;
    assign last_o      = window_o ? win_last : row_end[3];
    assign iteration_o = row_read && !win_trail && row_end[2] && !row_end[3];
    assign read_last_o = row_read && !win_trail && row_end[3];
    assign src_o       = src;
    assign read_o      = row_read && (!window_o || win_valid) ? src : 4'd0;

    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            reading_q  <= 1'b0;
            next_idx_q <= {W_IDX{1'b0}};
        end else begin
            reading_q <= row_read && !last_o;
            if (start_i) begin
                next_idx_q <= next_idx_q == LAST_IDX ? {W_IDX{1'b0}} : next_idx_q + 1'b1;
            end
        end
    end
    always @(posedge clk) begin
        if (start_i) begin
            idx_q       <= next_idx_q;
            kind_q      <= kind_o;
            first_q     <= first;
            red_loops_q <= red_loops;
            red_any_q   <= red_any;
            transpose_q <= transpose_o;
            window_q    <= is_window;
            src_q       <= src_i;
        end
        if (row_read) begin
            constant_q  <= constant + 6'd1;
            red_first_q <= red_end;
        end
    end
    walk_count u_count (
        .clk     (clk),
        .start_i (start_i),
        .step_i  (row_read),
        .n_i     (!is_vec ? {16'd1, 16'd1, 16'd1, n_constant} :
                  {regs_i[`SY_VPU_N3*32 +: 16], regs_i[`SY_VPU_N2*32 +: 16],
                   regs_i[`SY_VPU_N1*32 +: 16], regs_i[`SY_VPU_N0*32 +: 16]}),
        .end_o   (row_end)
    );

    // ------------------------------------------------------------------ the window's columns, and its outputs
    wire [3:0] out_end;
    vpu_window u_window (
        .clk       (clk),
        .rst_n     (rst_n),
        .regs_i    (regs_i),
        .start_i   (start_i && is_window),
        .step_i    (row_read && window_o),
        .end_i     (row_end),
        .valid_o   (win_valid),
        .trail_o   (win_trail),
        .emit_o    (win_emit),
        .last_o    (win_last),
        .control_o (window_control_o)
    );
    walk_count u_out_count (
        .clk     (clk),
        .start_i (start_i && is_window),
        .step_i  (row_read && window_o && win_emit),
        .n_i     ({regs_i[`SY_VPU_N3*32 +: 16], regs_i[`SY_VPU_N2*32 +: 16], regs_i[`SY_VPU_WIN_OUT*32 +: 16], 16'd1}),
        .end_o   (out_end)
    );
    assign out_iteration_o = window_o ? out_end[2] : row_end[2];
    assign out_last_o      = window_o ? out_end[3] : row_end[3];

    // ------------------------------------------------------------------ walks: A, B, output, second output
    // a window walks A by kernel row, column, line and loop 3, from the first padding row on
    wire [127:0] a_stride = {regs_i[`SY_VPU_A_S3*32 +: 32], stride2 ? {regs_i[`SY_VPU_A_S0*32 +: 31], 1'b0} : regs_i[`SY_VPU_A_S0*32 +: 32],
                             regs_i[`SY_VPU_A_S1*32 +: 32], regs_i[`SY_VPU_A_S0*32 +: 32]};
    reg  [W_ROW-1:0] a_base;
    always @* begin
        a_base = regs_i[`SY_VPU_A_BASE*32 +: W_ROW];
        if (start_i && is_window) begin
            a_base = a_base - regs_i[`SY_VPU_WIN_TOP*32 +: W_ROW] * regs_i[`SY_VPU_A_S0*32 +: W_ROW];
        end
    end
    wire [511:0] stride32 = {
        red_loops > 3'd3 ? 32'd0 : regs_i[`SY_VPU_R_S3*32 +: 32], red_loops > 3'd2 ? 32'd0 : regs_i[`SY_VPU_R_S2*32 +: 32],
        red_loops > 3'd1 ? 32'd0 : regs_i[`SY_VPU_R_S1*32 +: 32], red_loops > 3'd0 ? 32'd0 : regs_i[`SY_VPU_R_S0*32 +: 32],
        regs_i[`SY_VPU_O_S0*32 +: 128], regs_i[`SY_VPU_B_S0*32 +: 128],
        !is_vec ? 128'd1 : is_window ? a_stride : regs_i[`SY_VPU_A_S0*32 +: 128]};
    wire [4*W_ROW-1:0] base = {regs_i[`SY_VPU_R_BASE*32 +: W_ROW], regs_i[`SY_VPU_O_BASE*32 +: W_ROW],
                               regs_i[`SY_VPU_B_BASE*32 +: W_ROW], a_base};
    wire [4*W_ROW-1:0] row;
    genvar s;
    generate
        for (s = 0; s < 4; s = s + 1) begin : g_walk
            walk_addr #(.W(W_ROW)) u_walk (
                .clk      (clk),
                .start_i  (start_i),
                .step_i   (s >= 2 && window_o ? row_read && win_emit : row_read),
                .end_i    (s >= 2 && window_o ? out_end[2:0] : row_end[2:0]),
                .base_i   (base[s*W_ROW +: W_ROW]),
                .stride_i ({stride32[s*128 + 96 +: W_ROW], stride32[s*128 + 64 +: W_ROW],
                            stride32[s*128 + 32 +: W_ROW], stride32[s*128 +: W_ROW]}),
                .row_o    (row[s*W_ROW +: W_ROW])
            );
        end
    endgenerate
    assign rows_o     = row[0 +: 2*W_ROW];
    assign out_rows_o = row[2*W_ROW +: 2*W_ROW];
    wire unused = &{1'b0, chain_in, chain_out, rows, taps, stride32, register_at};
endmodule
`default_nettype wire
