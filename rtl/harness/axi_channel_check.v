// axi_channel_check.v -- what AXI asks of every channel: VALID and its payload stay until READY, nothing is unknown, VALID
// is low in reset.
//
// Function : rule_o names the rule that is broken in this cycle (axi_rules.vh), 0 if none.
// Protocol : looks on; simulation only.
// Reset    : VALID is to be low at the second clock edge of a reset and later ones (the first may be the one that drops it).
// C twin   : none.   Tests: tests/rtl/axi.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "axi_rules.vh"
module axi_channel_check #(
    parameter W_PAYLOAD = 8
) (
    input  wire                 clk,
    input  wire                 rst_n,
    input  wire                 valid_i,
    input  wire                 ready_i,
    input  wire [W_PAYLOAD-1:0] payload_i,
    output reg  [4:0]           rule_o
);
    reg                 waiting_q;
    reg                 in_reset_q;
    reg [W_PAYLOAD-1:0] payload_q;
    always @* begin
        rule_o = `AXI_NO_RULE;
        if (!rst_n) begin
            if (in_reset_q && valid_i !== 1'b0) begin
                rule_o = `AXI_VALID_IN_RESET;
            end
        end else if ((valid_i ^ valid_i) !== 1'b0 || (ready_i ^ ready_i) !== 1'b0) begin
            rule_o = `AXI_UNKNOWN;
        end else if (waiting_q && !valid_i) begin
            rule_o = `AXI_VALID_DROPPED;
        end else if (valid_i && ((^payload_i) ^ (^payload_i)) !== 1'b0) begin
            rule_o = `AXI_UNKNOWN;
        end else if (waiting_q && payload_i != payload_q) begin
            rule_o = `AXI_PAYLOAD_CHANGED;
        end
    end
    initial in_reset_q = 1'b0;
    always @(posedge clk) begin
        in_reset_q <= !rst_n;
        waiting_q  <= rst_n && valid_i && !ready_i;
        payload_q  <= payload_i;
    end
endmodule
`default_nettype wire
