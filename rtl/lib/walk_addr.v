// walk_addr.v -- the row of one stream of a four-loop walk.
//
// Function : row_o is the row of the current iteration; step_i moves to the next by end_i of walk_count (bits 0 to 2; the
//            last iteration of all needs no successor). start_i without step_i: the first iteration comes later. Rows are taken modulo 2^W: the checks have seen to the rest.
// Latency  : row_o combinational from start_i and base_i in the first iteration.
// Reset    : none; start_i sets everything.
// C twin   : simulator/vpu.c, simulator/dma.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module walk_addr #(
    parameter W = 8
) (
    input  wire           clk,
    input  wire           start_i,
    input  wire           step_i,
    input  wire [2:0]     end_i,
    input  wire [W-1:0]   base_i,
    input  wire [4*W-1:0] stride_i,   // loop 0 in the low bits
    output wire [W-1:0]   row_o
);
    reg [4*W-1:0] stride_q;
    reg [W-1:0]   p0_q, p1_q, p2_q, p3_q;   // where the current iteration of each loop began

    wire [W-1:0] p0 = start_i ? base_i : p0_q;
    wire [W-1:0] p1 = start_i ? base_i : p1_q;
    wire [W-1:0] p2 = start_i ? base_i : p2_q;
    wire [W-1:0] p3 = start_i ? base_i : p3_q;
    assign row_o = p0;

    wire [4*W-1:0] stride = start_i ? stride_i : stride_q;
    reg  [W-1:0]   next;
    always @* begin
        next = p0;
        if (step_i) begin
            if (!end_i[0]) begin
                next = p0 + stride[0 +: W];
            end else if (!end_i[1]) begin
                next = p1 + stride[W +: W];
            end else if (!end_i[2]) begin
                next = p2 + stride[2*W +: W];
            end else begin
                next = p3 + stride[3*W +: W];
            end
        end
    end

    always @(posedge clk) begin
        if (start_i) begin
            stride_q <= stride_i;
        end
        if (start_i || step_i) begin
            p0_q <= next;
            p1_q <= end_i[0] ? next : p1;
            p2_q <= end_i[1] ? next : p2;
            p3_q <= end_i[2] ? next : p3;
        end
    end
endmodule
`default_nettype wire
