// vpu_window.v -- the depthwise window's columns: which of a lane's slots take part, and when an output is complete.
//
// Function : the rows come kernel row by kernel row, column by column, line by line. live follows the lanes' slots: bit k says that
//            slot k holds an output under way. An output is complete at the last kernel row of a column at which the last slot is
//            live; what is under way after the last line goes on in columns without reads (the trail).
// Latency  : all outputs combinational, for the row that is read in this cycle (step_i).
// Reset    : no trail; start_i sets the rest.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module vpu_window (
    input  wire                          clk,
    input  wire                          rst_n,
    input  wire [`SY_VPU_N_PAIRS*64-1:0] regs_i,
    input  wire                          start_i,
    input  wire                          step_i,
    input  wire [3:0]                    end_i,       // of kernel rows, columns, lines, all
    output wire                          valid_o,     // the row lies in the plane and is read
    output wire                          trail_o,
    output wire                          emit_o,
    output wire                          last_o,      // of the command
    output wire [15:0]                   control_o    // first weight row, add, fresh, shift
);
    wire [31:0] chain_in = regs_i[`SY_VPU_CHAIN_IN*32 +: 32];

    // ------------------------------------------------------------------ the command's fields
    reg         five_q, stride2_q;
    reg  [2:0]  pad_q;
    reg  [4:0]  first_q;          // its first weight row
    reg  [15:0] n_out_q, n_rows_q, top_q;
    wire        five    = start_i ? chain_in[`SY_VPU_CHAIN_IN_WINDOW_BITS] == `SY_VPU_CHAIN_IN_WINDOW_TAPS5 : five_q;
    wire        stride2 = start_i ? chain_in[`SY_VPU_CHAIN_IN_STRIDE2_BITS] : stride2_q;
    wire [2:0]  pad     = start_i ? chain_in[`SY_VPU_CHAIN_IN_WIN_PAD_BITS] : pad_q;
    wire [4:0]  row_1st = chain_in[`SY_VPU_CHAIN_IN_WIN_FIRST_BITS];
    wire [4:0]  first   = start_i ? (five ? {row_1st[2:0], 2'd0} + row_1st : {row_1st[3:0], 1'd0} + row_1st) : first_q;
    wire [15:0] n_out   = start_i ? regs_i[`SY_VPU_WIN_OUT*32 +: 16] : n_out_q;
    wire [15:0] n_rows  = start_i ? regs_i[`SY_VPU_WIN_ROWS*32 +: 16] : n_rows_q;
    wire [15:0] top     = start_i ? regs_i[`SY_VPU_WIN_TOP*32 +: 16] : top_q;

    // ------------------------------------------------------------------ where it stands
    reg         trail_q, shift_q, line_q;            // trail; a new column, a new line begin
    reg  [4:0]  tap_q;
    reg signed [19:0] line_row_q, row_q;             // row of A's plane: of the line's kernel row 0, and of this one
    reg  [2:0]  reach_q;                             // the column plus the padding, up to 7
    reg  [16:0] out_q;                               // outputs of the line begun before this column
    reg         phase_q;                             // with stride 2: the column plus the padding is odd
    reg  [4:0]  live_q;
    wire        trail = !start_i && trail_q;
    wire        shift = start_i || shift_q;
    wire        line  = start_i || (line_q && !trail);
    wire [4:0]  tap   = start_i ? first : tap_q;
    wire signed [19:0] line_row = start_i ? -$signed({4'd0, top}) : line_row_q;
    wire signed [19:0] row      = start_i ? line_row : row_q;
    wire [2:0]  reach = line ? pad : reach_q;
    wire        phase = line ? pad[0] && stride2 : phase_q;

    // ------------------------------------------------------------------ slots
    // at a line's first column output o begins in slot pad - o * stride
    reg  [4:0]  begun, live, add, fresh;
    reg  [2:0]  back;
    reg         begins;
    integer     k;
    always @* begin
        begun  = 5'd0;
        fresh  = 5'd1;
        add    = 5'd0;
        live   = live_q;
        back   = 3'd0;
        begins = 1'b0;
        if (step_i) begin
            for (k = 0; k < 5; k = k + 1) begin
                if (k[2:0] <= pad) begin
                    back     = pad - k[2:0];
                    begun[k] = stride2 ? !back[0] && {14'd0, back[2:1]} < n_out : {13'd0, back} < n_out;
                    fresh[k] = fresh[k] || line;
                end
                add[k] = k[2:0] <= reach && (five || k < 3) && valid_o;
            end
            begins = !line && !trail && !phase && out_q < {1'b0, n_out};
            if (line) begin
                live = ((start_i ? 5'd0 : {live_q[3:0], 1'b0}) & ~fresh) | begun;
            end else if (shift) begin
                live = {live_q[3:0], begins};
            end
            if (!five) begin
                live = live & 5'b00111;
            end
        end
    end
    wire column_end = step_i && end_i[0];
    wire pending    = five ? live[3:0] != 4'd0 : live[1:0] != 2'd0;
    assign trail_o   = trail;
    assign valid_o   = !trail && row >= 20'sd0 && row < $signed({4'd0, n_rows});
    assign emit_o    = column_end && (five ? live[4] : live[2]);
    assign last_o    = column_end && (end_i[3] || trail) && !pending;
    assign control_o = {tap, add, fresh, shift};

    wire signed [19:0] next_line = end_i[2] ? -$signed({4'd0, top}) : line_row + (stride2 ? 20'sd2 : 20'sd1);
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            trail_q <= 1'b0;
        end else if (step_i) begin
            trail_q <= column_end && (end_i[3] || trail) ? pending : trail;
        end
    end
    always @(posedge clk) begin
        if (start_i) begin
            five_q    <= five;
            stride2_q <= stride2;
            pad_q     <= pad;
            first_q   <= first;
            n_out_q   <= n_out;
            n_rows_q  <= n_rows;
            top_q     <= top;
        end
        if (step_i) begin
            shift_q <= end_i[0];
            line_q  <= end_i[1];
            tap_q   <= end_i[0] ? first : tap + (five ? 5'd5 : 5'd3);
            live_q  <= live;
            if (end_i[1]) begin
                line_row_q <= next_line;
                row_q      <= next_line;
            end else begin
                line_row_q <= line_row;
                row_q      <= end_i[0] ? line_row : row + 20'sd1;
            end
            if (shift) begin
                out_q <= line ? (stride2 ? {15'd0, pad[2:1]} : {14'd0, pad}) + 17'd1 : out_q + {16'd0, begins};
            end
            if (end_i[0]) begin
                reach_q <= reach == 3'd7 ? 3'd7 : reach + 3'd1;
                phase_q <= stride2 && !phase;
            end else begin
                reach_q <= reach;
                phase_q <= phase;
            end
        end
    end
    wire unused = &{1'b0, chain_in};
endmodule
`default_nettype wire
