// fp_mul.v -- the product of two fp32 numbers.
//
// Function : IEEE 754 binary32, round to nearest even, subnormals kept; a NaN is always 0x7FC00000.
// Latency  : combinational; 0 unless en_i.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/fp.sh.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module fp_mul (
    input  wire        en_i,
    input  wire [31:0] a_i,
    input  wire [31:0] b_i,
    output reg  [31:0] y_o
);
    // in a function, so that a simulator has nothing to do while en_i is low
    function [31:0] product(input [31:0] fa, input [31:0] fb);
        reg               sign;
        reg [23:0]        ma, mb;
        reg [63:0]        p;          // the product, its leading one brought to bit 47
        reg signed [11:0] e;          // biased exponent of bit 47
        reg [11:0]        shift;
        reg               sticky;
        reg [31:0]        packed_y;
        begin
            sticky = 1'b0;
            sign = fa[31] ^ fb[31];
            ma   = {fa[30:23] != 8'd0, fa[22:0]};
            mb   = {fb[30:23] != 8'd0, fb[22:0]};
            if (fa[30:0] > 31'h7F80_0000 || fb[30:0] > 31'h7F80_0000) begin
                product = 32'h7FC0_0000;
            end else if (fa[30:0] == 31'h7F80_0000 || fb[30:0] == 31'h7F80_0000) begin
                product = ma == 24'd0 || mb == 24'd0 ? 32'h7FC0_0000 : {sign, 31'h7F80_0000};
            end else if (ma == 24'd0 || mb == 24'd0) begin
                product = {sign, 31'd0};
            end else begin
                p = {40'd0, ma} * {40'd0, mb};
                e = {4'd0, fa[30:23]} + {11'd0, fa[30:23] == 8'd0} + {4'd0, fb[30:23]} + {11'd0, fb[30:23] == 8'd0}
                    - 12'd126;
                if (p[47:46] == 2'd0) begin
                    // only with a subnormal factor
                    if (p[47:24] == 24'd0) begin p = p << 24; e = e - 12'sd24; end
                    if (p[47:36] == 12'd0) begin p = p << 12; e = e - 12'sd12; end
                    if (p[47:42] == 6'd0)  begin p = p << 6;  e = e - 12'sd6;  end
                    if (p[47:45] == 3'd0)  begin p = p << 3;  e = e - 12'sd3;  end
                    if (p[47:46] == 2'd0)  begin p = p << 2;  e = e - 12'sd2;  end
                end
                if (!p[47]) begin
                    p = p << 1;
                    e = e - 12'sd1;
                end
                if (e < 12'sd1) begin
                    shift  = 12'sd1 - e;
                    sticky = shift > 12'd47 || (p & ((64'd1 << shift[5:0]) - 64'd1)) != 64'd0;
                    p      = shift > 12'd47 ? 64'd0 : p >> shift[5:0];
                    e      = 12'sd1;
                end
                sticky   = sticky || p[22:0] != 23'd0;
                packed_y = ({20'd0, e - 12'sd1} << 23) + {8'd0, p[47:24]} + {31'd0, p[23] && (sticky || p[24])};
                product  = {sign, e > 12'sd254 || packed_y >= 32'h7F80_0000 ? 31'h7F80_0000 : packed_y[30:0]};
            end
        end
    endfunction
    always @* begin
        y_o = 32'd0;
        if (en_i) begin
            y_o = product(a_i, b_i);
        end
    end
endmodule
`default_nettype wire
