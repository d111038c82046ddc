// acc_bank.v -- one lane of one bank of the accumulator: 32-bit words, one read port, one write port.
//
// Latency  : rdata_o holds the word from the cycle after re_i until the next read; a write is seen by reads of later cycles.
// Reset    : none; contents survive START.
// C twin   : simulator/banks.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module acc_bank #(
    parameter N_ROWS = 64,
    parameter W_ADDR = 6
) (
    input  wire               clk,
    input  wire               re_i,
    input  wire [W_ADDR-1:0]  raddr_i,
    output wire [31:0]        rdata_o,
    input  wire               we_i,
    input  wire [W_ADDR-1:0]  waddr_i,
    input  wire [31:0]        wdata_i
);
    reg [31:0] mem_q [0:N_ROWS-1];
    reg [31:0] rdata_q;

    always @(posedge clk) begin
        if (re_i) begin
            rdata_q <= mem_q[raddr_i];
        end
        if (we_i) begin
            mem_q[waddr_i] <= wdata_i;
        end
    end

    assign rdata_o = rdata_q;
endmodule
`default_nettype wire
