// fp_fma.v -- a * b + c for fp32 numbers, rounded once.
//
// Function : IEEE 754 binary32 fused multiply-add, round to nearest even, subnormals kept; a NaN is always 0x7FC00000.
// How      : both addends in a frame of 64 bits, the one with the larger exponent at the top (bit 62); what leaves the frame stays
//            as one sticky bit. A product with the larger exponent has at most one subnormal factor, so at most 24 leading zeros,
//            and the addend loses bits only where it is 39 places down; an addend with the larger exponent is normalised or has
//            the last place of all results, 2^-149, at bit 39.
// Latency  : combinational; 0 unless en_i.
// C twin   : isa/fn/fma.c (isa_fp_fma).   Tests: tests/rtl/fp.sh.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module fp_fma (
    input  wire        en_i,
    input  wire [31:0] a_i,
    input  wire [31:0] b_i,
    input  wire [31:0] c_i,
    output reg  [31:0] y_o
);
    reg               sign;       // of the product, then of the sum
    reg [47:0]        p;          // the product of the significands
    reg signed [11:0] e;          // biased exponent of the frame's bit 62, then 63
    reg signed [11:0] ec;
    reg signed [11:0] d;
    reg [63:0]        x, z;       // product and addend in the frame
    reg [63:0]        s;
    reg [31:0]        packed_y;

    always @* begin
        y_o      = 32'd0;
        sign     = 1'b0;
        p        = 48'd0;
        e        = 12'sd0;
        ec       = 12'sd0;
        d        = 12'sd0;
        x        = 64'd0;
        z        = 64'd0;
        s        = 64'd0;
        packed_y = 32'd0;
        if (en_i) begin
            sign = a_i[31] ^ b_i[31];
            p    = {24'd0, a_i[30:23] != 8'd0, a_i[22:0]} * {24'd0, b_i[30:23] != 8'd0, b_i[22:0]};
            if (a_i[30:23] == 8'hFF || b_i[30:23] == 8'hFF || c_i[30:23] == 8'hFF) begin
                if (a_i[30:0] > 31'h7F80_0000 || b_i[30:0] > 31'h7F80_0000 || c_i[30:0] > 31'h7F80_0000) begin
                    y_o = 32'h7FC0_0000;
                end else if (a_i[30:23] == 8'hFF || b_i[30:23] == 8'hFF) begin
                    y_o = p == 48'd0 || (c_i[30:23] == 8'hFF && c_i[31] != sign) ? 32'h7FC0_0000 : {sign, 31'h7F80_0000};
                end else begin
                    y_o = c_i;
                end
            end else if (p == 48'd0) begin
                y_o = c_i[30:0] == 31'd0 ? {sign && c_i[31], 31'd0} : c_i;
            end else begin
                e  = {4'd0, a_i[30:23]} + {11'd0, a_i[30:23] == 8'd0} + {4'd0, b_i[30:23]} + {11'd0, b_i[30:23] == 8'd0} - 12'd126;
                ec = {4'd0, c_i[30:23]} + {11'd0, c_i[30:23] == 8'd0};
                x  = {1'b0, p, 15'd0};
                z  = {1'b0, c_i[30:23] != 8'd0, c_i[22:0], 39'd0};
                d  = e - ec;
                if (d >= 12'sd0) begin
                    z = d > 12'sd62 ? {63'd0, z != 64'd0} :
                        (z >> d[5:0]) | {63'd0, (z & ((64'd1 << d[5:0]) - 64'd1)) != 64'd0};
                end else begin
                    e = ec;
                    d = -d;
                    x = d > 12'sd62 ? 64'd1 :
                        (x >> d[5:0]) | {63'd0, (x & ((64'd1 << d[5:0]) - 64'd1)) != 64'd0};
                end
                if (sign == c_i[31]) begin
                    s = x + z;
                end else if (x >= z) begin
                    s = x - z;
                end else begin
                    s    = z - x;
                    sign = c_i[31];
                end
                if (s != 64'd0) begin
                    e = e + 12'sd1;
                    if (s[63:32] == 32'd0) begin s = s << 32; e = e - 12'sd32; end
                    if (s[63:48] == 16'd0) begin s = s << 16; e = e - 12'sd16; end
                    if (s[63:56] == 8'd0)  begin s = s << 8;  e = e - 12'sd8;  end
                    if (s[63:60] == 4'd0)  begin s = s << 4;  e = e - 12'sd4;  end
                    if (s[63:62] == 2'd0)  begin s = s << 2;  e = e - 12'sd2;  end
                    if (!s[63])            begin s = s << 1;  e = e - 12'sd1;  end
                    if (e < 12'sd1) begin
                        d = 12'sd1 - e;            // at most 63: the frame's top had an exponent of 1 or more
                        s = (s >> d[5:0]) | {63'd0, (s & ((64'd1 << d[5:0]) - 64'd1)) != 64'd0};
                        e = 12'sd1;
                    end
                    packed_y = ({20'd0, e - 12'sd1} << 23) + {8'd0, s[63:40]} + {31'd0, s[39] && (s[38:0] != 39'd0 || s[40])};
                    y_o      = {sign, e > 12'sd254 || packed_y >= 32'h7F80_0000 ? 31'h7F80_0000 : packed_y[30:0]};
                end
            end
        end
    end
endmodule
`default_nettype wire
