// tcm.v -- a tightly coupled memory of 32-bit words: IMEM and DMEM.
//
// Function : a read port and a write port with byte enables; a read returns the word as it was before the cycle.
// Latency  : rdata_o holds the word from the cycle after re_i until the next read.
// Reset    : none; contents survive START.
// C twin   : simulator/core.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module tcm #(
    parameter N_BYTES = 16384
) (
    input  wire                          clk,
    input  wire                          re_i,
    input  wire [$clog2(N_BYTES / 4)-1:0] raddr_i,
    input  wire [3:0]                    we_i,
    input  wire [$clog2(N_BYTES / 4)-1:0] waddr_i,
    input  wire [31:0]                   wdata_i,
    output wire [31:0]                   rdata_o
);
    reg [31:0] mem_q [0:N_BYTES/4-1];
    reg [31:0] rdata_q;
    integer b;
    always @(posedge clk) begin
        if (re_i) begin
            rdata_q <= mem_q[raddr_i];
        end
        if (we_i != 4'h0) begin
            for (b = 0; b < 4; b = b + 1) begin
                if (we_i[b]) begin
                    mem_q[waddr_i][b*8 +: 8] <= wdata_i[b*8 +: 8];
                end
            end
        end
    end

    assign rdata_o = rdata_q;
endmodule
`default_nettype wire
