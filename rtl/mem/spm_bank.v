// spm_bank.v -- one bank of the scratchpad: one read port, one write port.
//
// Function : rows of words; a write may leave out words (the host writes single words).
// Latency  : rdata_o holds the row from the cycle after re_i until the next read; a write is seen by reads of later cycles.
// Reset    : none; contents survive START.
// C twin   : simulator/banks.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module spm_bank #(
    parameter N_WORDS = 1,  // 32-bit words of a row
    parameter N_ROWS  = 256,
    parameter W_ADDR  = 8
) (
    input  wire                  clk,
    input  wire                  re_i,
    input  wire [W_ADDR-1:0]     raddr_i,
    output wire [N_WORDS*32-1:0] rdata_o,
    input  wire [N_WORDS-1:0]    we_i,     // by 32-bit word
    input  wire [W_ADDR-1:0]     waddr_i,
    input  wire [N_WORDS*32-1:0] wdata_i
);
    reg [N_WORDS*32-1:0] mem_q [0:N_ROWS-1];
    reg [N_WORDS*32-1:0] rdata_q;
    integer w;

    always @(posedge clk) begin
        if (re_i) begin
            rdata_q <= mem_q[raddr_i];
        end
        if (we_i != {N_WORDS{1'b0}}) begin
            if (we_i == {N_WORDS{1'b1}}) begin
                mem_q[waddr_i] <= wdata_i;
            end else begin
                for (w = 0; w < N_WORDS; w = w + 1) begin
                    if (we_i[w]) begin
                        mem_q[waddr_i][w*32 +: 32] <= wdata_i[w*32 +: 32];
                    end
                end
            end
        end
    end

    assign rdata_o = rdata_q;
endmodule
`default_nettype wire
