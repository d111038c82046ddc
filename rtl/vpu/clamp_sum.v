// clamp_sum.v -- min(max(a + zero, lo), hi) of signed integers; the addition does not wrap.
//
// Latency  : combinational; 0 unless en_i.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module clamp_sum (
    input  wire        en_i,
    input  wire [31:0] a_i,
    input  wire [31:0] zero_i,
    input  wire [31:0] lo_i,
    input  wire [31:0] hi_i,
    output reg  [31:0] y_o
);
    reg signed [63:0] sum;
    always @* begin
        sum = 64'sd0;
        if (en_i) begin
            sum = $signed({{32{a_i[31]}}, a_i}) + $signed({{32{zero_i[31]}}, zero_i});
            if (sum < $signed({{32{lo_i[31]}}, lo_i})) begin
                sum = $signed({{32{lo_i[31]}}, lo_i});
            end
            if (sum > $signed({{32{hi_i[31]}}, hi_i})) begin
                sum = $signed({{32{hi_i[31]}}, hi_i});
            end
        end
        y_o = sum[31:0];
    end
endmodule
`default_nettype wire
