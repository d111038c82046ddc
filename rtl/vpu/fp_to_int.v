// fp_to_int.v -- rne: fp32 to the nearest int32, ties to even, saturated; NaN gives 0.
//
// Latency  : combinational; 0 unless en_i.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/fp.sh.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module fp_to_int (
    input  wire        en_i,
    input  wire [31:0] a_i,
    output reg  [31:0] y_o
);
    reg [63:0] w;     // 32 bits before the point, 32 after
    reg [7:0]  e;
    always @* begin
        y_o = 32'd0;
        w   = 64'd0;
        e   = a_i[30:23];
        if (en_i && a_i[30:0] <= 31'h7F80_0000 && e >= 8'd126) begin
            if (e >= 8'd158) begin
                y_o = a_i[31] ? 32'h8000_0000 : 32'h7FFF_FFFF;
            end else begin
                w = {1'b1, a_i[22:0], 40'd0} >> (8'd158 - e);
                if (w[31] && (w[30:0] != 31'd0 || w[32])) begin
                    w = w + 64'h1_0000_0000;
                end
                y_o = a_i[31] ? -w[63:32] : w[63:32];
            end
        end
    end
endmodule
`default_nettype wire
