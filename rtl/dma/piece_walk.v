// piece_walk.v -- cuts a byte walk into pieces: what LD puts together and ST takes apart, one per cycle.
//
// Function : a piece is the longest sequence of bytes that is all valid or all not and lies in one run, one row and, valid, one
//            beat of a burst. load_i takes a command's registers; step_i goes to the next piece.
// Latency  : the first piece stands from the cycle after load_i; everything about it is a function of registers.
// Reset    : none; load_i sets everything.
// C twin   : simulator/dma.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module piece_walk #(
    parameter D           = 4,
    parameter W_EL        = 8,    // bits of an element
    parameter BEAT_BYTES  = 4,
    parameter BURST_BYTES = 64
) (
    input  wire                         clk,
    input  wire                         en_i,       // someone looks at the outputs
    input  wire                         load_i,
    input  wire [`SY_LD_N_PAIRS*64-1:0] regs_i,
    input  wire                         step_i,
    output reg                          valid_o,
    output reg  [23:0]                  bytes_o,
    output wire [39:0]                  addr_o,     // of the piece's first byte
    output wire [$clog2(4*D)-1:0]       at_o,       // byte of the row
    output reg                          beat_end_o,
    output reg                          burst_end_o,
    output reg                          row_end_o,
    output reg                          command_end_o
);
    localparam W_AT = $clog2(4*D);
    localparam W_BEAT = $clog2(BEAT_BYTES);
    localparam W_BURST = $clog2(BURST_BYTES);
    localparam [31:0] SPM_BYTES = D * W_EL / 8;     // of a row
    localparam [31:0] ACC_BYTES = 4 * D;
    localparam [31:0] BEAT32 = BEAT_BYTES;

    wire        run_valid;
    wire [23:0] run_bytes, run_first, run_end;
    wire [39:0] run_addr;
    wire [2:0]  run_last;
    reg         run_done;
    run_walk u_runs (
        .clk     (clk),
        .load_i  (load_i),
        .regs_i  (regs_i),
        .step_i  (step_i && run_done),
        .valid_o (run_valid),
        .bytes_o (run_bytes),
        .first_o (run_first),
        .end_o   (run_end),
        .addr_o  (run_addr),
        .last_o  (run_last)
    );

    reg [23:0]     byte_q;      // of the run
    reg [W_AT-1:0] at_q;
    reg [1:0]      close_q;
    reg            acc_q;
    assign addr_o = run_addr + {16'd0, byte_q};
    assign at_o   = at_q;

    reg [23:0] limit;
    reg [23:0] row_rest, beat_rest;
    reg [39:0] addr_end;
    reg        closes;
    always @* begin
        valid_o       = 1'b0;
        bytes_o       = 24'd0;
        beat_end_o    = 1'b0;
        burst_end_o   = 1'b0;
        row_end_o     = 1'b0;
        command_end_o = 1'b0;
        run_done      = 1'b0;
        limit         = 24'd0;
        row_rest      = 24'd0;
        beat_rest     = 24'd0;
        addr_end      = 40'd0;
        closes        = 1'b0;
        if (en_i) begin
            valid_o   = run_valid && byte_q >= run_first && byte_q < run_end;
            limit     = valid_o ? run_end : run_valid && byte_q < run_first ? run_first : run_bytes;
            bytes_o   = limit - byte_q;
            row_rest  = (acc_q ? ACC_BYTES[23:0] : SPM_BYTES[23:0]) - {{(24-W_AT){1'b0}}, at_q};
            beat_rest = BEAT32[23:0] - {{(24-W_BEAT){1'b0}}, addr_o[W_BEAT-1:0]};
            if (bytes_o > row_rest) begin
                bytes_o = row_rest;
            end
            if (valid_o && bytes_o > beat_rest) begin
                bytes_o = beat_rest;
            end
            addr_end      = addr_o + {16'd0, bytes_o};
            run_done      = byte_q + bytes_o == run_bytes;
            closes        = run_done && (close_q == 2'd0 || (close_q == 2'd1 && run_last[0]) ||
                                         (close_q == 2'd2 && run_last[1]) || run_last[2]);
            beat_end_o    = valid_o && (addr_end[W_BEAT-1:0] == {W_BEAT{1'b0}} || byte_q + bytes_o == run_end);
            burst_end_o   = valid_o && (addr_end[W_BURST-1:0] == {W_BURST{1'b0}} || byte_q + bytes_o == run_end);
            row_end_o     = bytes_o == row_rest || closes;
            command_end_o = run_done && run_last[2];
        end
    end

    always @(posedge clk) begin
        if (load_i) begin
            byte_q  <= 24'd0;
            at_q    <= {W_AT{1'b0}};
            close_q <= regs_i[`SY_LD_FLAGS*32 + `SY_LD_FLAGS_CLOSE_LOW +: 2];
            acc_q   <= regs_i[`SY_LD_FLAGS*32 + `SY_LD_FLAGS_ACC_LOW];
        end else if (step_i) begin
            byte_q <= run_done ? 24'd0 : byte_q + bytes_o;
            at_q   <= row_end_o ? {W_AT{1'b0}} : at_q + bytes_o[W_AT-1:0];
        end
    end
endmodule
`default_nettype wire
