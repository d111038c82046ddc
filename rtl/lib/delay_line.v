// delay_line.v -- delays a word by N cycles, with its valid bit; from 2 on in a ring of memory.
//
// Function : valid_o and data_o are valid_i and data_i of N cycles ago; data_o means nothing without valid_o.
// Latency  : N cycles.
// Reset    : the valid bits; the ring stands still while it holds nothing.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module delay_line #(
    parameter N      = 4,
    parameter W_DATA = 8
) (
    input  wire              clk,
    input  wire              rst_n,
    input  wire              valid_i,
    input  wire [W_DATA-1:0] data_i,
    output wire              valid_o,
    output wire              busy_o,     // something is inside
    output wire [W_DATA-1:0] data_o
);
    generate
        if (N == 0) begin : g_wires
            assign valid_o = valid_i;
            assign busy_o  = 1'b0;
            assign data_o  = data_i;
            wire unused = &{1'b0, clk, rst_n};
        end else if (N == 1) begin : g_register
            reg              valid_q;
            reg [W_DATA-1:0] data_q;
            always @(posedge clk or negedge rst_n) begin
                if (!rst_n) begin
                    valid_q <= 1'b0;
                end else begin
                    valid_q <= valid_i;
                end
            end
            always @(posedge clk) begin
                if (valid_i) begin
                    data_q <= data_i;
                end
            end
            assign busy_o  = valid_q;
            assign valid_o = valid_q;
            assign data_o  = data_q;
        end else begin : g_ring
            localparam W_PTR = $clog2(N);
            localparam [31:0] LAST32 = N - 1;
            localparam [W_PTR-1:0] LAST = LAST32[W_PTR-1:0];
            reg [N-1:0]      valid_q;
            reg [W_PTR-1:0]  ptr_q;     // the slot of N cycles ago: read, then overwritten
            reg [W_DATA-1:0] ring_q [0:N-1];
            always @(posedge clk or negedge rst_n) begin
                if (!rst_n) begin
                    valid_q <= {N{1'b0}};
                    ptr_q   <= {W_PTR{1'b0}};
                end else if (valid_i || busy_o) begin
                    ptr_q <= ptr_q == LAST ? {W_PTR{1'b0}} : ptr_q + 1'b1;
                    valid_q <= {valid_q[N-2:0], valid_i};
                end
            end
            always @(posedge clk) begin
                if (valid_i) begin
                    ring_q[ptr_q] <= data_i;
                end
            end
            assign busy_o  = |valid_q;
            assign valid_o = valid_q[N-1];
            assign data_o  = ring_q[ptr_q];
        end
    endgenerate
endmodule
`default_nettype wire
