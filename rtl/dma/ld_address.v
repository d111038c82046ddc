// ld_address.v -- LD's address unit: the bursts of one command after the other.
//
// Function : one step per cycle: a run without valid bytes, or one burst of a run. A burst ends at the end of the valid bytes and
//            at each multiple of BURST_BYTES. It is requested when the buffer has room for its beats and fewer
//            than OUTSTANDING bursts are in flight.
// Latency  : the first step is in the cycle after load_i at the earliest.
// Protocol : AXI4 AR: valid stays until ready and does not depend on it. free_o: idle, or doing its last step in this cycle.
// Reset    : idle.
// C twin   : simulator/ld.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module ld_address #(
    parameter BEAT_BYTES  = 4,
    parameter BURST_BYTES = 64,
    parameter OUTSTANDING = 8,
    parameter N_BEATS     = 64
) (
    input  wire                         clk,
    input  wire                         rst_n,
    input  wire                         load_i,
    input  wire [`SY_LD_N_PAIRS*64-1:0] regs_i,
    output wire                         free_o,
    // AXI
    output wire                         arvalid_o,
    input  wire                         arready_i,
    output wire [39:0]                  araddr_o,
    output wire [7:0]                   arlen_o,
    input  wire                         burst_end_i,   // the last R beat of a burst
    input  wire                         beat_free_i,   // the assembler is done with a beat
    output wire                         quiet_o        // no burst in flight
);
    localparam W_BEAT = $clog2(BEAT_BYTES);
    localparam W_BURST = $clog2(BURST_BYTES);
    localparam [31:0] BURST32 = BURST_BYTES;
    localparam [31:0] OUT32 = OUTSTANDING;
    localparam [31:0] BEATS32 = N_BEATS;

    reg         active_q;
    reg         at_first_q;       // the run's first step
    reg  [23:0] at_q;
    reg  [9:0]  in_flight_q;
    reg  [12:0] reserved_q;

    wire        run_valid;
    wire [23:0] run_bytes, run_first, run_end;
    wire [39:0] run_addr;
    wire [2:0]  run_last;
    reg         step, run_done;
    run_walk u_runs (
        .clk     (clk),
        .load_i  (load_i),
        .regs_i  (regs_i),
        .step_i  (step && run_done),
        .valid_o (run_valid),
        .bytes_o (run_bytes),
        .first_o (run_first),
        .end_o   (run_end),
        .addr_o  (run_addr),
        .last_o  (run_last)
    );

    reg  [23:0] at, bytes, boundary;
    reg  [39:0] addr;
    reg  [23:0] beats;
    reg         want;
    always @* begin
        at       = at_first_q ? run_first : at_q;
        addr     = run_addr + {16'd0, at};
        bytes    = 24'd0;
        boundary = 24'd0;
        beats    = 24'd0;
        want     = 1'b0;
        step     = 1'b0;
        run_done = 1'b1;
        if (active_q) begin
            if (run_valid) begin
                bytes    = run_end - at;
                boundary = BURST32[23:0] - {{(24-W_BURST){1'b0}}, addr[W_BURST-1:0]};
                if (bytes > boundary) begin
                    bytes    = boundary;
                    run_done = 1'b0;
                end
                beats = (({{(24-W_BEAT){1'b0}}, addr[W_BEAT-1:0]} + bytes - 24'd1) >> W_BEAT) + 24'd1;
                want  = in_flight_q < OUT32[9:0] && {11'd0, reserved_q} + beats <= BEATS32[23:0];
                step  = want && arready_i;
            end else begin
                step = 1'b1;
            end
        end
    end
    wire last_step = step && run_done && run_last[2];
    wire request   = want && arready_i;
    assign free_o    = !active_q || last_step;
    assign arvalid_o = want;
    assign araddr_o  = {addr[39:W_BEAT], {W_BEAT{1'b0}}};
    assign arlen_o   = beats[7:0] - 8'd1;
    assign quiet_o   = in_flight_q == 10'd0;

    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            active_q    <= 1'b0;
            in_flight_q <= 10'd0;
            reserved_q  <= 13'd0;
        end else begin
            if (load_i) begin
                active_q <= 1'b1;
            end else if (last_step) begin
                active_q <= 1'b0;
            end
            if (request != burst_end_i) begin
                in_flight_q <= request ? in_flight_q + 10'd1 : in_flight_q - 10'd1;
            end
            if (request || beat_free_i) begin
                reserved_q <= reserved_q + (request ? beats[12:0] : 13'd0) - {12'd0, beat_free_i};
            end
        end
    end
    always @(posedge clk) begin
        if (load_i) begin
            at_first_q <= 1'b1;
        end else if (step) begin
            at_first_q <= run_done;
            at_q       <= at + bytes;
        end
    end
    wire unused = &{1'b0, run_bytes};
endmodule
`default_nettype wire
