// bf16_fma.v -- a * w + c for bf16 factors and an fp32 addend, rounded once: the arithmetic of one bf16 cell.
//
// Function : IEEE 754 fused multiply-add of the widened factors, round to nearest even, subnormals kept on all three operands and the
//            result; a NaN is always 0x7FC00000. The product has 16 bits and is never rounded, however small it is.
// How      : both addends in a frame of 48 bits, the one with the larger exponent at the top; what leaves the frame stays as one
//            sticky bit. That is enough although neither is normalised: a product with the larger exponent has at most one
//            subnormal factor, so at most 8 leading zeros; and the result's last place is never below 2^-149, which an addend with
//            exponent 1 has at bit 23.
// Latency  : combinational; 0 unless en_i.
// C twin   : isa/fn/fma.c (isa_bf16_fma).   Tests: tests/rtl/fp.sh.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module bf16_fma (
    input  wire        en_i,
    input  wire [15:0] a_i,
    input  wire [15:0] w_i,
    input  wire [31:0] c_i,
    output reg  [31:0] y_o
);
    reg               sign;       // of the product, then of the sum
    reg [15:0]        p;          // the product of the significands
    reg signed [11:0] e;          // biased exponent of the frame's bit 46, then 47
    reg signed [11:0] ec;
    reg signed [11:0] d;
    reg [47:0]        x, z;       // product and addend in the frame
    reg [47:0]        s;
    reg [31:0]        packed_y;

    always @* begin
        y_o      = 32'd0;
        sign     = 1'b0;
        p        = 16'd0;
        e        = 12'sd0;
        ec       = 12'sd0;
        d        = 12'sd0;
        x        = 48'd0;
        z        = 48'd0;
        s        = 48'd0;
        packed_y = 32'd0;
        if (en_i) begin
            sign = a_i[15] ^ w_i[15];
            p    = {8'd0, a_i[14:7] != 8'd0, a_i[6:0]} * {8'd0, w_i[14:7] != 8'd0, w_i[6:0]};
            if (a_i[14:7] == 8'hFF || w_i[14:7] == 8'hFF || c_i[30:23] == 8'hFF) begin
                if (a_i[14:0] > 15'h7F80 || w_i[14:0] > 15'h7F80 || c_i[30:0] > 31'h7F80_0000) begin
                    y_o = 32'h7FC0_0000;
                end else if (a_i[14:7] == 8'hFF || w_i[14:7] == 8'hFF) begin
                    y_o = p == 16'd0 || (c_i[30:23] == 8'hFF && c_i[31] != sign) ? 32'h7FC0_0000 : {sign, 31'h7F80_0000};
                end else begin
                    y_o = c_i;
                end
            end else if (p == 16'd0) begin
                y_o = c_i[30:0] == 31'd0 ? {sign && c_i[31], 31'd0} : c_i;
            end else begin
                e  = {4'd0, a_i[14:7]} + {11'd0, a_i[14:7] == 8'd0} + {4'd0, w_i[14:7]} + {11'd0, w_i[14:7] == 8'd0} - 12'd126;
                ec = {4'd0, c_i[30:23]} + {11'd0, c_i[30:23] == 8'd0};
                x  = {1'b0, p, 31'd0};
                z  = {1'b0, c_i[30:23] != 8'd0, c_i[22:0], 23'd0};
                d  = e - ec;
                if (d >= 12'sd0) begin
                    z = d > 12'sd46 ? {47'd0, z != 48'd0} :
                        (z >> d[5:0]) | {47'd0, (z & ((48'd1 << d[5:0]) - 48'd1)) != 48'd0};
                end else begin
                    e = ec;
                    d = -d;
                    x = d > 12'sd46 ? 48'd1 :
                        (x >> d[5:0]) | {47'd0, (x & ((48'd1 << d[5:0]) - 48'd1)) != 48'd0};
                end
                if (sign == c_i[31]) begin
                    s = x + z;
                end else if (x >= z) begin
                    s = x - z;
                end else begin
                    s    = z - x;
                    sign = c_i[31];
                end
                if (s != 48'd0) begin
                    e = e + 12'sd1;
                    if (s[47:16] == 32'd0) begin s = s << 32; e = e - 12'sd32; end
                    if (s[47:32] == 16'd0) begin s = s << 16; e = e - 12'sd16; end
                    if (s[47:40] == 8'd0)  begin s = s << 8;  e = e - 12'sd8;  end
                    if (s[47:44] == 4'd0)  begin s = s << 4;  e = e - 12'sd4;  end
                    if (s[47:46] == 2'd0)  begin s = s << 2;  e = e - 12'sd2;  end
                    if (!s[47])            begin s = s << 1;  e = e - 12'sd1;  end
                    if (e < 12'sd1) begin
                        d = 12'sd1 - e;            // at most 47: the frame's top had an exponent of 1 or more
                        s = (s >> d[5:0]) | {47'd0, (s & ((48'd1 << d[5:0]) - 48'd1)) != 48'd0};
                        e = 12'sd1;
                    end
                    packed_y = ({20'd0, e - 12'sd1} << 23) + {8'd0, s[47:24]} + {31'd0, s[23] && (s[22:0] != 23'd0 || s[24])};
                    y_o      = {sign, e > 12'sd254 || packed_y >= 32'h7F80_0000 ? 31'h7F80_0000 : packed_y[30:0]};
                end
            end
        end
    end
endmodule
`default_nettype wire
