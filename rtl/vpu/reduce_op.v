// reduce_op.v -- one step of a reduction: the sum or the maximum of two values, integer or fp32.
//
// Function : y_o = a + b (int32 wrapping, or fp32), or b > a ? b : a; an fp32 maximum with a NaN is the canonical NaN. above_o: b is
//            above a in the order of the maximum, where a NaN is above all numbers and equal to another, and the two zeros are
//            equal; equal_o: neither is above the other. Both are for the maximum alone.
// Latency  : combinational; 0 unless en_i.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module reduce_op (
    input  wire        en_i,
    input  wire        max_i,
    input  wire        fp_i,
    input  wire [31:0] a_i,
    input  wire [31:0] b_i,
    output reg  [31:0] y_o,
    output reg         above_o,
    output reg         equal_o
);
    wire [31:0] sum;
    fp_add u_add (.en_i (en_i && fp_i && !max_i), .a_i (a_i), .b_i (b_i), .y_o (sum));

    // fp32 as integers of the same order, the zeros alike
    function [31:0] ordered(input [31:0] x);
        ordered = x[31] ? -{1'b0, x[30:0]} : x;
    endfunction
    reg        a_nan, b_nan;
    reg [31:0] a, b;
    always @* begin
        y_o     = 32'd0;
        above_o = 1'b0;
        equal_o = 1'b0;
        a_nan   = 1'b0;
        b_nan   = 1'b0;
        a       = a_i;
        b       = b_i;
        if (en_i && max_i) begin
            if (fp_i) begin
                a_nan = a_i[30:0] > 31'h7F80_0000;
                b_nan = b_i[30:0] > 31'h7F80_0000;
                a     = ordered(a_i);
                b     = ordered(b_i);
            end
            above_o = !a_nan && (b_nan || $signed(b) > $signed(a));
            equal_o = a_nan == b_nan && (a_nan || a == b);
            y_o     = a_nan || b_nan ? 32'h7FC0_0000 : above_o ? b_i : a_i;
        end else if (en_i) begin
            y_o = fp_i ? sum : a_i + b_i;
        end
    end
endmodule
`default_nettype wire
