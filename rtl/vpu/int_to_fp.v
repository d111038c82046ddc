// int_to_fp.v -- a signed integer of W bits (32 or more) to fp32, round to nearest even.
//
// Latency  : combinational; 0 unless en_i.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/fp.sh.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module int_to_fp #(
    parameter W = 32
) (
    input  wire         en_i,
    input  wire [W-1:0] a_i,
    output reg  [31:0]  y_o
);
    reg [W-1:0] m;     // magnitude, its leading one brought to bit W - 1
    reg [7:0]   e;     // biased exponent of bit W - 1
    integer     k;
    localparam [31:0] TOP = 126 + W;
    always @* begin
        y_o = 32'd0;
        m   = {W{1'b0}};
        e   = TOP[7:0];
        if (en_i && a_i != {W{1'b0}}) begin
            m = a_i[W-1] ? -a_i : a_i;
            for (k = $clog2(W) - 1; k >= 0; k = k - 1) begin
                if ((m >> (W - (1 << k))) == {W{1'b0}}) begin
                    m = m << (1 << k);
                    e = e - (8'd1 << k);
                end
            end
            y_o = {a_i[W-1], 31'd0} | ({1'b0, e, 23'd0} + {9'd0, m[W-2 -: 23]}
                  + {31'd0, m[W-25] && (m[W-26:0] != {(W-25){1'b0}} || m[W-24])});
        end
    end
endmodule
`default_nettype wire
