// fn_unit.v -- the elementary functions: one piecewise polynomial for all of them.
//
// Function : numerics.md, "Elementary functions"; the function is one of isa.vh's SY_FN_*. Stages:
//              1 reduce: segment, place t within it, factor m, exponent e; or a kind of result that needs no polynomial
//              2 coefficients; the inner two steps of the polynomial   3 its last step; combine with m and e   4 round once
// Latency  : 4. v_i is presented in the cycle in which s1_valid_i is high, y_o holds the result from 4 cycles later until the
//            next one.
// Protocol : sK_valid_i: something that wants a function is in stage K; without it the stage keeps its registers. s1_fn_i and
//            s3_fn_i: the function that what is in stages 1 and 3 wants. Both are the same for all lanes.
// Reset    : none.
// C twin   : isa/fn/fn.c.   Tests: tests/rtl/fn.sh.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module fn_unit (
    input  wire        clk,
    input  wire        s1_valid_i,
    input  wire [3:0]  s1_fn_i,
    input  wire [31:0] v_i,
    input  wire        s2_valid_i,
    input  wire        s3_valid_i,
    input  wire [3:0]  s3_fn_i,
    input  wire        s4_valid_i,
    output wire [31:0] y_o
);
    // results without polynomial: the sign, then
    localparam [2:0] NUMBER = 3'd0, ZERO = 3'd1, HALF = 3'd2, ONE = 3'd3, INFINITE = 3'd4, NOT = 3'd5;
    localparam [63:0] LOG2_E = 64'd198282496599;    // 37 bits after the point

    // ------------------------------------------------------------------ 1: reduce
    reg [23:0]        mantissa;         // |v| = mantissa * 2^(e - 23), its leading one at bit 23
    reg signed [11:0] e;
    reg signed [11:0] shift;
    reg               beyond;           // infinite, or so large that the function is at its limit
    reg signed [42:0] x;                // exp2: v in fixed point, 31 bits after the point
    reg [63:0]        y1;               // sigmoid, tanh: |v| log2(e) so, 40 bits of it
    reg [33:0]        at;               // |v| in segments of 1/32: 27 bits after the point
    reg [2:0]         kind1;
    reg               sign1;
    reg [9:0]         row1;
    reg [26:0]        t1;
    reg signed [24:0] m1;
    reg signed [11:0] e1;
    reg [1:0]         region1;          // erf, phi: |v| without fraction; tanh: 1 if by sigmoid

    reg [2:0]         kind1_q;
    reg               sign1_q;
    reg [9:0]         row1_q;
    reg [26:0]        t1_q;
    reg signed [24:0] m1_q;
    reg signed [11:0] e1_q;
    reg [1:0]         region1_q;

    always @* begin
        mantissa = 24'd0;
        e        = 12'sd0;
        shift    = 12'sd0;
        beyond   = 1'b0;
        x        = 43'sd0;
        y1       = 64'd0;
        at       = 34'd0;
        kind1    = NUMBER;
        sign1    = v_i[31];
        row1     = 10'd0;
        t1       = 27'd0;
        m1       = 25'sd0;
        e1       = 12'sd0;
        region1  = 2'd0;
        if (s1_valid_i) begin
            mantissa = {v_i[30:23] != 8'd0, v_i[22:0]};
            e        = {4'd0, v_i[30:23]} - 12'sd127;
            if (v_i[30:23] == 8'd0) begin
                e = -12'sd126;
                if (mantissa[23:8] == 16'd0)  begin mantissa = mantissa << 16; e = e - 12'sd16; end
                if (mantissa[23:16] == 8'd0)  begin mantissa = mantissa << 8;  e = e - 12'sd8;  end
                if (mantissa[23:20] == 4'd0)  begin mantissa = mantissa << 4;  e = e - 12'sd4;  end
                if (mantissa[23:22] == 2'd0)  begin mantissa = mantissa << 2;  e = e - 12'sd2;  end
                if (!mantissa[23])            begin mantissa = mantissa << 1;  e = e - 12'sd1;  end
            end
            e1    = e;
            m1    = {1'b0, mantissa};
            beyond = v_i[30:23] == 8'hFF;
            shift = e + 12'sd9;
            at    = shift >= 12'sd0 ? {10'd0, mantissa} << shift[3:0] : {10'd0, mantissa} >> (shift < -12'sd31 ? 5'd31 : -shift[4:0]);
            y1    = {40'd0, mantissa} * LOG2_E;
            case (s1_fn_i)
                `SY_FN_EXP2: begin
                    if (beyond || e > 12'sd7) begin
                        kind1 = v_i[31] ? ZERO : INFINITE;
                    end else if (v_i[30:0] == 31'd0) begin
                        kind1 = ONE;
                    end
                    sign1 = 1'b0;
                    x     = v_i[31] ? -{19'd0, mantissa} : {19'd0, mantissa};
                    shift = e + 12'sd8;
                    if (shift >= 12'sd0) begin
                        x = x << shift[3:0];
                    end else begin
                        x = x >>> (shift < -12'sd31 ? 5'd31 : -shift[4:0]);
                    end
                    row1  = `SY_FN_ROM_EXP2 + {5'd0, x[30:26]};
                    t1    = {x[25:0], 1'b0};
                    e1    = x[42:31];
                end
                `SY_FN_LOG2: begin
                    if (v_i[30:0] == 31'd0) begin
                        kind1 = INFINITE;
                        sign1 = 1'b1;
                    end else if (beyond || v_i[31]) begin
                        kind1 = v_i[31] ? NOT : INFINITE;
                    end
                    row1 = `SY_FN_ROM_LOG2 + {5'd0, mantissa[22:18]};
                    t1   = {mantissa[17:0], 9'd0};
                    if (mantissa[22]) begin
                        m1 = {1'b0, mantissa} - 25'h1000000;
                        e1 = e + 12'sd1;
                    end else begin
                        m1 = {2'd0, mantissa[21:0], 1'b0};
                    end
                end
                `SY_FN_RECIP: begin
                    if (beyond) begin
                        kind1 = ZERO;
                    end else if (v_i[30:0] == 31'd0) begin
                        kind1 = INFINITE;
                    end
                    row1 = `SY_FN_ROM_RECIP + {4'd0, mantissa[22:17]};
                    t1   = {mantissa[16:0], 10'd0};
                    e1   = -e;
                end
                `SY_FN_RSQRT: begin
                    if (v_i[30:0] == 31'd0) begin
                        kind1 = INFINITE;
                    end else if (beyond || v_i[31]) begin
                        kind1 = v_i[31] ? NOT : ZERO;
                    end
                    row1 = `SY_FN_ROM_RSQRT + {4'd0, e[0], mantissa[22:18]};
                    t1   = {mantissa[17:0], 9'd0};
                    e1   = -(e >>> 1);
                end
                `SY_FN_SQRT: begin
                    if (v_i[30:0] == 31'd0) begin
                        kind1 = ZERO;
                    end else if (beyond || v_i[31]) begin
                        kind1 = v_i[31] ? NOT : INFINITE;
                    end
                    row1 = `SY_FN_ROM_SQRT + {5'd0, e[0], mantissa[22:19]};
                    t1   = {mantissa[18:0], 8'd0};
                    e1   = e >>> 1;
                end
                `SY_FN_TANH, `SY_FN_SIGMOID: begin
                    if (beyond || e > (s1_fn_i == `SY_FN_TANH ? 12'sd3 : 12'sd7)) begin
                        kind1 = s1_fn_i == `SY_FN_SIGMOID && v_i[31] ? ZERO : ONE;
                    end else if (v_i[30:0] == 31'd0) begin
                        kind1 = s1_fn_i == `SY_FN_TANH ? ZERO : HALF;
                    end
                    if (kind1 != NUMBER && s1_fn_i == `SY_FN_SIGMOID) begin
                        sign1 = 1'b0;
                    end
                    if (s1_fn_i == `SY_FN_TANH && e < -12'sd1) begin
                        row1  = `SY_FN_ROM_TANH + {6'd0, at[30:27]};
                        t1    = at[26:0];
                    end else begin
                        region1 = 2'd1;
                        shift   = (s1_fn_i == `SY_FN_TANH ? 12'sd28 : 12'sd29) - e;
                        y1      = y1 >> (shift > 12'sd63 ? 6'd63 : shift[5:0]);
                        row1    = `SY_FN_ROM_SIGMOID + {2'd0, y1[39:31] > 9'd15 ? 4'd15 : y1[34:31], y1[30:27]};
                        t1      = y1[26:0];
                        e1      = {3'd0, y1[39:31]};
                    end
                end
                `SY_FN_ERF, `SY_FN_PHI: begin
                    if (beyond || e > 12'sd1) begin
                        kind1 = s1_fn_i == `SY_FN_PHI && v_i[31] ? ZERO : ONE;
                    end else if (v_i[30:0] == 31'd0) begin
                        kind1 = s1_fn_i == `SY_FN_PHI ? HALF : ZERO;
                    end
                    if (kind1 != NUMBER && s1_fn_i == `SY_FN_PHI) begin
                        sign1 = 1'b0;
                    end
                    row1    = `SY_FN_ROM_ERF + {3'd0, at[33:27]};
                    t1      = at[26:0];
                    region1 = at[33:32];
                end
                default: begin
                    kind1 = NOT;
                end
            endcase
            if (v_i[30:0] > 31'h7F80_0000) begin
                kind1 = NOT;
            end
        end
    end
    always @(posedge clk) begin
        if (s1_valid_i) begin
            kind1_q   <= kind1;
            sign1_q   <= sign1;
            row1_q    <= row1;
            t1_q      <= t1;
            m1_q      <= m1;
            e1_q      <= e1;
            region1_q <= region1;
        end
    end

    // ------------------------------------------------------------------ 2: coefficients, r = c1 + (c2 + c3 t) t
    wire        [31:0] c0;
    wire signed [29:0] c1;
    wire signed [25:0] c2;
    wire signed [21:0] c3;
    fn_rom u_rom (.row_i (row1_q), .c0_o (c0), .c1_o (c1), .c2_o (c2), .c3_o (c3));

    reg signed [63:0] t2, q2;           // products need 59 bits
    reg signed [26:0] inner2;           // c2 + c3 t
    reg signed [30:0] r2;

    reg [2:0]         kind2_q;
    reg               sign2_q;
    reg [26:0]        t2_q;
    reg signed [30:0] r2_q;
    reg [31:0]        c2_0_q;
    reg signed [24:0] m2_q;
    reg signed [11:0] e2_q;
    reg [1:0]         region2_q;

    always @* begin
        t2     = 64'sd0;
        q2     = 64'sd0;
        inner2 = 27'sd0;
        r2     = 31'sd0;
        if (s2_valid_i) begin
            t2     = {37'd0, t1_q};
            q2     = $signed({{42{c3[21]}}, c3}) * t2;
            inner2 = {c2[25], c2} + q2[53:27];
            q2     = $signed({{37{inner2[26]}}, inner2}) * t2;
            r2     = {c1[29], c1} + q2[57:27];
        end
    end
    always @(posedge clk) begin
        if (s2_valid_i) begin
            kind2_q   <= kind1_q;
            sign2_q   <= sign1_q;
            t2_q      <= t1_q;
            r2_q      <= r2;
            c2_0_q    <= c0;
            m2_q      <= m1_q;
            e2_q      <= e1_q;
            region2_q <= region1_q;
        end
    end

    // ------------------------------------------------------------------ 3: p = c0 + r t; the number before rounding
    reg signed [63:0] q3;
    reg signed [32:0] p;                // 31 bits after the point
    reg signed [63:0] product;          // m p
    reg [33:0]        square;
    reg [55:0]        less;             // what is taken from one
    reg [5:0]         k;
    reg               sign3;
    reg [63:0]        magnitude3;       // below 2^63; the number is magnitude3 * 2^e3
    reg signed [11:0] e3;

    reg [2:0]         kind3_q;
    reg               sign3_q;
    reg [63:0]        magnitude3_q;
    reg signed [11:0] e3_q;

    always @* begin
        q3         = 64'sd0;
        p          = 33'sd0;
        product    = 64'sd0;
        square     = 34'd0;
        less       = 56'd0;
        k          = 6'd0;
        sign3      = sign2_q;
        magnitude3 = 64'd0;
        e3         = 12'sd0;
        if (s3_valid_i) begin
            q3      = $signed({{33{r2_q[30]}}, r2_q}) * $signed({37'd0, t2_q});
            p       = {1'b0, c2_0_q} + q3[59:27];
            product = $signed({{39{m2_q[24]}}, m2_q}) * $signed({31'd0, p});
            case (s3_fn_i)
                `SY_FN_LOG2: begin
                    product    = product + {e2_q[8:0], 55'd0};
                    sign3      = kind2_q == NUMBER ? product[63] : sign2_q;
                    magnitude3 = product[63] ? -product : product;
                    e3         = -12'sd55;
                end
                `SY_FN_TANH, `SY_FN_SIGMOID: begin
                    if (region2_q == 2'd0) begin
                        magnitude3 = product;
                        e3         = e2_q - 12'sd54;
                    end else begin
                        // from row 15 on the ROM has z alone: less z^2
                        square = {17'd0, p[31:15]} * {17'd0, p[31:15]};
                        k      = e2_q > 12'sd62 ? 6'd63 : e2_q[5:0];
                        p      = e2_q < 12'sd15 || e2_q > 12'sd62 ? p : p - (square[33:1] >> k);
                        less   = e2_q > 12'sd63 ? 56'd0 : {20'd0, s3_fn_i == `SY_FN_TANH ? {p, 3'd0} : {1'b0, p, 2'd0}} >> e2_q[5:0];
                        if (s3_fn_i == `SY_FN_SIGMOID && sign2_q) begin
                            magnitude3 = {31'd0, p};
                            e3         = -12'sd31 - e2_q;
                            sign3      = 1'b0;
                        end else begin
                            magnitude3 = 64'h2_0000_0000 - {8'd0, less};
                            e3         = -12'sd33;
                        end
                    end
                end
                `SY_FN_ERF, `SY_FN_PHI: begin
                    k    = region2_q == 2'd1 ? 6'd2 : region2_q == 2'd2 ? 6'd7 : 6'd15;
                    less = {21'd0, p, 2'd0} >> k;
                    if (region2_q == 2'd0) begin
                        k    = e2_q < -12'sd64 ? 6'd63 : ~e2_q[5:0];        // -1 - e
                        less = product[55:0] >> k;
                    end
                    if (s3_fn_i == `SY_FN_ERF) begin
                        magnitude3 = region2_q == 2'd0 ? product : 64'h2_0000_0000 - {8'd0, less};
                        e3         = region2_q == 2'd0 ? e2_q - 12'sd54 : -12'sd33;
                    end else if (region2_q == 2'd0) begin
                        magnitude3 = sign2_q ? 64'h0080_0000_0000_0000 - {8'd0, less} : 64'h0080_0000_0000_0000 + {8'd0, less};
                        e3         = -12'sd56;
                    end else begin
                        magnitude3 = sign2_q ? {31'd0, p} : 64'h4_0000_0000 - {8'd0, less};
                        e3         = sign2_q ? -12'sd32 - {6'd0, k} : -12'sd34;
                    end
                    if (s3_fn_i == `SY_FN_PHI) begin
                        sign3 = 1'b0;
                    end
                end
                default: begin
                    magnitude3 = {31'd0, p};
                    e3         = e2_q - 12'sd31;
                end
            endcase
        end
    end
    always @(posedge clk) begin
        if (s3_valid_i) begin
            kind3_q      <= kind2_q;
            sign3_q      <= sign3;
            magnitude3_q <= magnitude3;
            e3_q         <= e3;
        end
    end

    // ------------------------------------------------------------------ 4: round
    reg [63:0]        n;                // leading one at bit 62
    reg signed [11:0] biased;
    reg [5:0]         down;
    reg               up;
    reg [31:0]        y4;
    reg [31:0]        y4_q;
    always @* begin
        n      = magnitude3_q;
        biased = 12'sd0;
        down   = 6'd39;
        up     = 1'b0;
        y4     = 32'd0;
        if (s4_valid_i) begin
            case (kind3_q)
                ZERO:     y4 = {sign3_q, 31'd0};
                HALF:     y4 = {sign3_q, 31'h3F00_0000};
                ONE:      y4 = {sign3_q, 31'h3F80_0000};
                INFINITE: y4 = {sign3_q, 31'h7F80_0000};
                NOT:      y4 = 32'h7FC0_0000;
                default: begin
                    biased = e3_q + 12'sd189;
                    if (n[62:31] == 32'd0) begin n = n << 32; biased = biased - 12'sd32; end
                    if (n[62:47] == 16'd0) begin n = n << 16; biased = biased - 12'sd16; end
                    if (n[62:55] == 8'd0)  begin n = n << 8;  biased = biased - 12'sd8;  end
                    if (n[62:59] == 4'd0)  begin n = n << 4;  biased = biased - 12'sd4;  end
                    if (n[62:61] == 2'd0)  begin n = n << 2;  biased = biased - 12'sd2;  end
                    if (!n[62])            begin n = n << 1;  biased = biased - 12'sd1;  end
                    if (!n[62] || biased < -12'sd23) begin
                        y4 = {sign3_q, 31'd0};
                    end else if (biased > 12'sd254) begin
                        y4 = {sign3_q, 31'h7F80_0000};
                    end else begin
                        if (biased < 12'sd1) begin
                            down   = 6'd40 - biased[5:0];
                            biased = 12'sd1;
                        end
                        up = (n & ((64'd1 << (down - 6'd1)) - 64'd1)) != 64'd0;
                        n  = n >> (down - 6'd1);
                        up = n[0] && (up || n[1]);
                        y4 = {sign3_q, 31'd0} | (({20'd0, biased - 12'sd1} << 23) + {7'd0, n[25:1]} + {31'd0, up});
                    end
                end
            endcase
        end
    end
    always @(posedge clk) begin
        if (s4_valid_i) begin
            y4_q <= y4;
        end
    end
    assign y_o = y4_q;
endmodule
`default_nettype wire
