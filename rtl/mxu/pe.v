// pe.v -- one cell of the weight-stationary array.
//
// Function : psum_o = psum_i + a_i * weight (9-bit operands, wraps in 32 bits). The next plane's weight waits in a shadow register;
//            swap_i comes with row 0 of its stream and makes it the weight, already for that row. Shadows move down the
//            column (vertical_i) or along the row (horizontal_i: transposed planes), one cell per cycle.
// Latency  : 1 cycle from a_i and psum_i to a_o and psum_o, 1 from above or left to shadow_o.
// Reset    : none; the valid bits are the edges'.
// C twin   : simulator/mxu.c.   Tests: tests/rtl/array.sh.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module pe (
    input  wire               clk,
    input  wire               run_i,         // some row is in the array
    input  wire               load_i,        // some weight moves
    input  wire               swap_i,
    input  wire signed [8:0]  a_i,
    output wire signed [8:0]  a_o,
    input  wire signed [31:0] psum_i,
    output wire signed [31:0] psum_o,
    input  wire               vertical_i,
    input  wire signed [8:0]  above_i,
    input  wire               horizontal_i,
    input  wire signed [8:0]  left_i,
    output wire signed [8:0]  shadow_o
);
    reg signed [8:0]  a_q;
    reg signed [8:0]  weight_q;
    reg signed [8:0]  shadow_q;
    reg signed [31:0] psum_q;

    wire signed [8:0] weight = swap_i ? shadow_q : weight_q;
    // both operands are 32 bits wide before the product: 9 x 9 bits in a 9-bit context would lose its top
    wire signed [31:0] a32 = {{23{a_i[8]}}, a_i};
    wire signed [31:0] w32 = {{23{weight[8]}}, weight};

    always @(posedge clk) begin
        if (run_i) begin
            a_q      <= a_i;
            weight_q <= weight;
            psum_q   <= psum_i + a32 * w32;
        end
        if (load_i) begin
            if (vertical_i) begin
                shadow_q <= above_i;
            end else if (horizontal_i) begin
                shadow_q <= left_i;
            end
        end
    end

    assign a_o      = a_q;
    assign psum_o   = psum_q;
    assign shadow_o = shadow_q;
endmodule
`default_nettype wire
