// queue.v -- the in-order queue between the core and a unit.
//
// Function : the core pushes when not full; the unit sees the head and pops it.
// Latency  : an entry is at the head from the cycle after its push at the earliest; full_o and the head are the state at
//            the start of the cycle, so a pop makes room for a push in the next cycle.
// Reset    : empties it.
// C twin   : simulator/queue.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module queue #(
    parameter N      = 4,
    parameter W_DATA = 71
) (
    input  wire              clk,
    input  wire              rst_n,
    input  wire              push_i,
    input  wire [W_DATA-1:0] data_i,
    output wire              full_o,
    input  wire              pop_i,
    output wire              valid_o,
    output wire [W_DATA-1:0] data_o
);
    localparam W_PTR = N > 1 ? $clog2(N) : 1;
    localparam W_CNT = $clog2(N + 1);

    reg [W_CNT-1:0]  count_q;
    reg [W_PTR-1:0]  head_q;
    reg [W_PTR-1:0]  tail_q;
    reg [W_DATA-1:0] mem_q [0:N-1];
    localparam [31:0] LAST32 = N - 1;
    localparam [31:0] N32    = N;
    localparam [W_PTR-1:0] LAST = LAST32[W_PTR-1:0];

    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            count_q <= {W_CNT{1'b0}};
            head_q  <= {W_PTR{1'b0}};
            tail_q  <= {W_PTR{1'b0}};
        end else if (push_i || pop_i) begin
            if (push_i && !pop_i) begin
                count_q <= count_q + 1'b1;
            end else if (pop_i && !push_i) begin
                count_q <= count_q - 1'b1;
            end
            if (push_i) begin
                tail_q <= tail_q == LAST ? {W_PTR{1'b0}} : tail_q + 1'b1;
            end
            if (pop_i) begin
                head_q <= head_q == LAST ? {W_PTR{1'b0}} : head_q + 1'b1;
            end
        end
    end

    always @(posedge clk) begin
        if (push_i) begin
            mem_q[tail_q] <= data_i;
        end
    end

    assign full_o  = count_q == N32[W_CNT-1:0];
    assign valid_o = count_q != {W_CNT{1'b0}};
    assign data_o  = mem_q[head_q];
endmodule
`default_nettype wire
