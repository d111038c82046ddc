// unit_counters.v -- what a unit does in each cycle, counted (isa/counters.def).
//
// Function : adds one to the counter of the first cause that holds in every cycle of a run.
// Latency  : value_o is the state at the start of the cycle.
// Reset    : all zero.
// C twin   : simulator/counters.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module unit_counters (
    input  wire        clk,
    input  wire        rst_n,
    input  wire        run_i,
    input  wire        busy_i,
    input  wire        load_i,
    input  wire        dram_bw_i,
    input  wire        dram_lat_i,
    input  wire        bank_i,
    input  wire        sem_i,
    input  wire        drain_i,
    input  wire        decode_i,
    input  wire        halted_i,
    input  wire [3:0]  sel_i,
    output wire [63:0] value_o
);
    reg [63:0] count_q [0:`SY_N_COUNTERS-1];
    wire [3:0] cause = busy_i     ? `SY_COUNTER_BUSY :
                       load_i     ? `SY_COUNTER_LOAD :
                       dram_bw_i  ? `SY_COUNTER_DRAM_BW :
                       dram_lat_i ? `SY_COUNTER_DRAM_LAT :
                       bank_i     ? `SY_COUNTER_BANK :
                       sem_i      ? `SY_COUNTER_SEM :
                       drain_i    ? `SY_COUNTER_DRAIN :
                       decode_i   ? `SY_COUNTER_DECODE :
                       halted_i   ? `SY_COUNTER_HALTED : `SY_COUNTER_EMPTY;
    integer i;
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            for (i = 0; i < `SY_N_COUNTERS; i = i + 1) begin
                count_q[i] <= 64'd0;
            end
        end else if (run_i) begin
            count_q[cause] <= count_q[cause] + 64'd1;
        end
    end
    assign value_o = sel_i < `SY_N_COUNTERS ? count_q[sel_i] : 64'd0;
endmodule
`default_nettype wire
