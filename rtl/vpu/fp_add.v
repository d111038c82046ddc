// fp_add.v -- the sum of two fp32 numbers.
//
// Function : IEEE 754 binary32, round to nearest even, subnormals kept; a NaN is always 0x7FC00000.
// Latency  : combinational; 0 unless en_i.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/fp.sh.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module fp_add (
    input  wire        en_i,
    input  wire [31:0] a_i,
    input  wire [31:0] b_i,
    output reg  [31:0] y_o
);
    // in a function, so that a simulator has nothing to do while en_i is low
    function [31:0] added(input [31:0] fa, input [31:0] fb);
        reg [31:0]        x, y;       // the larger and the smaller magnitude
        reg [7:0]         ex, ey;
        reg [7:0]         shift;
        reg [63:0]        mx, my;     // hidden bit at bit 49
        reg [63:0]        s;          // the sum, its leading one brought to bit 50
        reg signed [11:0] e;          // biased exponent of bit 50
        reg [31:0]        packed_y;
        begin
            x  = fa[30:0] >= fb[30:0] ? fa : fb;
            y  = fa[30:0] >= fb[30:0] ? fb : fa;
            ex = x[30:23] == 8'd0 ? 8'd1 : x[30:23];
            ey = y[30:23] == 8'd0 ? 8'd1 : y[30:23];
            if (x[30:0] > 31'h7F80_0000 || (y[30:0] == 31'h7F80_0000 && x[31] != y[31])) begin
                added = 32'h7FC0_0000;
            end else if (x[30:0] == 31'h7F80_0000) begin
                added = x;
            end else begin
                mx    = {14'd0, x[30:23] != 8'd0, x[22:0], 26'd0};
                my    = {14'd0, y[30:23] != 8'd0, y[22:0], 26'd0};
                shift = ex - ey;
                // what falls out stays as one sticky bit
                my    = shift > 8'd50 ? {63'd0, my != 64'd0} :
                        (my >> shift) | {63'd0, (my & ((64'd1 << shift) - 64'd1)) != 64'd0};
                s     = x[31] == y[31] ? mx + my : mx - my;
                e     = {4'd0, ex} + 12'sd1;
                if (s == 64'd0) begin
                    added = {x[31] && y[31], 31'd0};
                end else begin
                    if (s[50:19] == 32'd0) begin s = s << 32; e = e - 12'sd32; end
                    if (s[50:35] == 16'd0) begin s = s << 16; e = e - 12'sd16; end
                    if (s[50:43] == 8'd0)  begin s = s << 8;  e = e - 12'sd8;  end
                    if (s[50:47] == 4'd0)  begin s = s << 4;  e = e - 12'sd4;  end
                    if (s[50:49] == 2'd0)  begin s = s << 2;  e = e - 12'sd2;  end
                    if (!s[50])            begin s = s << 1;  e = e - 12'sd1;  end
                    if (e < 12'sd1) begin
                        s = s >> (12'sd1 - e);     // exact: sums of subnormals lose nothing
                        e = 12'sd1;
                    end
                    packed_y = ({20'd0, e - 12'sd1} << 23) + {8'd0, s[50:27]}
                               + {31'd0, s[26] && (s[25:0] != 26'd0 || s[27])};
                    added    = {x[31], e > 12'sd254 || packed_y >= 32'h7F80_0000 ? 31'h7F80_0000 : packed_y[30:0]};
                end
            end
        end
    endfunction
    always @* begin
        y_o = 32'd0;
        if (en_i) begin
            y_o = added(a_i, b_i);
        end
    end
endmodule
`default_nettype wire
