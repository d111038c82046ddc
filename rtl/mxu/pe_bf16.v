// pe_bf16.v -- one cell of the weight-stationary array, bf16.
//
// Function : psum_o = a_i * weight + psum_i, fused, in fp32. Otherwise as pe.v: the next plane's weight waits in a shadow register, and
//            swap_i, with row 0 of its stream, makes it the weight.
// Latency  : 1 cycle from a_i and psum_i to a_o and psum_o, 1 from above or left to shadow_o.
// Protocol : psum_o is a row's only if valid_i came with it; without a row the adder stands still.
// Reset    : none; the valid bits are the edges'.
// C twin   : isa/fn/fma.c (isa_bf16_fma).   Tests: tests/rtl/array.sh.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module pe_bf16 (
    input  wire        clk,
    input  wire        run_i,         // some row is in the array
    input  wire        load_i,        // some weight moves
    input  wire        valid_i,       // a row is in this cell
    input  wire        swap_i,
    input  wire [15:0] a_i,
    output wire [15:0] a_o,
    input  wire [31:0] psum_i,
    output wire [31:0] psum_o,
    input  wire        vertical_i,
    input  wire [15:0] above_i,
    input  wire        horizontal_i,
    input  wire [15:0] left_i,
    output wire [15:0] shadow_o
);
    reg [15:0] a_q;
    reg [15:0] weight_q;
    reg [15:0] shadow_q;
    reg [31:0] psum_q;

    wire [15:0] weight = swap_i ? shadow_q : weight_q;
    wire [31:0] sum;
    bf16_fma u_fma (
        .en_i (valid_i),
        .a_i  (a_i),
        .w_i  (weight),
        .c_i  (psum_i),
        .y_o  (sum)
    );

    always @(posedge clk) begin
        if (run_i) begin
            a_q      <= a_i;
            weight_q <= weight;
            psum_q   <= sum;
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
