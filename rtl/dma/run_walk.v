// run_walk.v -- the runs of a byte walk: loops 1 to 3.
//
// Function : load_i takes a command's registers; step_i goes to the next run. valid_o: the run has bytes [first_o, end_o) that are
//            fetched or written; addr_o is the DRAM address of its byte 0.
// Latency  : the first run stands from the cycle after load_i.
// Reset    : none; load_i sets everything.
// C twin   : simulator/dma.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module run_walk (
    input  wire                         clk,
    input  wire                         load_i,
    input  wire [`SY_LD_N_PAIRS*64-1:0] regs_i,
    input  wire                         step_i,
    output wire                         valid_o,
    output wire [23:0]                  bytes_o,   // n0
    output wire [23:0]                  first_o,
    output wire [23:0]                  end_o,
    output wire [39:0]                  addr_o,
    output wire [2:0]                   last_o     // the last run of loop 1; of loops 1 and 2; of all
);
    reg [23:0] bytes_q, first_q, end_q;
    reg        some_q;                             // loop 0 has valid bytes
    reg [15:0] i1_q, i2_q, i3_q, n1_q, n2_q, n3_q; // indices; counts - 1
    reg [31:0] lo1_q, lo2_q, lo3_q, hi1_q, hi2_q, hi3_q;
    reg [39:0] a1_q, a2_q, a3_q, s1_q, s2_q, s3_q; // where the current iteration of each loop began; strides

    wire [31:0] n0  = regs_i[`SY_LD_N0*32 +: 32];
    wire [31:0] lo0 = regs_i[`SY_LD_LO0*32 +: 32];
    wire [31:0] hi0 = regs_i[`SY_LD_HI0*32 +: 32];
    wire [31:0] end0 = hi0 < n0 ? hi0 : n0;
    wire [39:0] addr = {regs_i[`SY_LD_ADDR_HI*32 +: 8], regs_i[`SY_LD_ADDR_LO*32 +: 32]};

    assign last_o  = {i1_q == n1_q && i2_q == n2_q && i3_q == n3_q, i1_q == n1_q && i2_q == n2_q, i1_q == n1_q};
    assign valid_o = some_q && {16'd0, i1_q} >= lo1_q && {16'd0, i1_q} < hi1_q && {16'd0, i2_q} >= lo2_q &&
                     {16'd0, i2_q} < hi2_q && {16'd0, i3_q} >= lo3_q && {16'd0, i3_q} < hi3_q;
    assign bytes_o = bytes_q;
    assign first_o = first_q;
    assign end_o   = end_q;
    assign addr_o  = a1_q;

    always @(posedge clk) begin
        if (load_i) begin
            bytes_q <= n0[23:0];
            first_q <= lo0[23:0];
            end_q   <= end0[23:0];
            some_q  <= lo0 < end0;
            i1_q    <= 16'd0;
            i2_q    <= 16'd0;
            i3_q    <= 16'd0;
            n1_q    <= regs_i[`SY_LD_N1*32 +: 16] - 16'd1;
            n2_q    <= regs_i[`SY_LD_N2*32 +: 16] - 16'd1;
            n3_q    <= regs_i[`SY_LD_N3*32 +: 16] - 16'd1;
            lo1_q   <= regs_i[`SY_LD_LO1*32 +: 32];
            hi1_q   <= regs_i[`SY_LD_HI1*32 +: 32];
            lo2_q   <= regs_i[`SY_LD_LO2*32 +: 32];
            hi2_q   <= regs_i[`SY_LD_HI2*32 +: 32];
            lo3_q   <= regs_i[`SY_LD_LO3*32 +: 32];
            hi3_q   <= regs_i[`SY_LD_HI3*32 +: 32];
            a1_q    <= addr;
            a2_q    <= addr;
            a3_q    <= addr;
            s1_q    <= {{8{regs_i[`SY_LD_S1*32 + 31]}}, regs_i[`SY_LD_S1*32 +: 32]};
            s2_q    <= {{8{regs_i[`SY_LD_S2*32 + 31]}}, regs_i[`SY_LD_S2*32 +: 32]};
            s3_q    <= {{8{regs_i[`SY_LD_S3*32 + 31]}}, regs_i[`SY_LD_S3*32 +: 32]};
        end else if (step_i) begin
            if (!last_o[0]) begin
                i1_q <= i1_q + 16'd1;
                a1_q <= a1_q + s1_q;
            end else if (!last_o[1]) begin
                i1_q <= 16'd0;
                i2_q <= i2_q + 16'd1;
                a1_q <= a2_q + s2_q;
                a2_q <= a2_q + s2_q;
            end else begin
                i1_q <= 16'd0;
                i2_q <= 16'd0;
                i3_q <= i3_q + 16'd1;
                a1_q <= a3_q + s3_q;
                a2_q <= a3_q + s3_q;
                a3_q <= a3_q + s3_q;
            end
        end
    end
endmodule
`default_nettype wire
