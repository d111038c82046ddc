// bank_span.v -- the banks from that of the lowest row to that of the highest.
//
// Function : one bit per bank.   Latency: combinational.
// C twin   : simulator/banks.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module bank_span #(
    parameter N_BANKS = 8,
    parameter W_ROW   = 11
) (
    input  wire [W_ROW-1:0]   low_i,
    input  wire [W_ROW-1:0]   high_i,
    output wire [N_BANKS-1:0] banks_o
);
    localparam W_BANK = $clog2(N_BANKS);
    wire [W_BANK-1:0]  low  = low_i[W_ROW-1 -: W_BANK];
    wire [W_BANK-1:0]  high = high_i[W_ROW-1 -: W_BANK];
    wire [N_BANKS-1:0] ones = {N_BANKS{1'b1}};
    assign banks_o = (ones << low) & ~((ones << 1) << high);
endmodule
`default_nettype wire
