// skew.v -- delays lane j of a row by j cycles.
//
// Function : lane j of lanes_o in cycle t is lane j of the row given with valid_i in cycle t - j; bits beside a
//            valid row are whatever was there.
// Latency  : j cycles in lane j.
// Reset    : the valid bits.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module skew #(
    parameter D      = 4,
    parameter W_LANE = 8
) (
    input  wire                clk,
    input  wire                rst_n,
    input  wire                valid_i,
    input  wire [D*W_LANE-1:0] row_i,
    output wire [D-1:0]        valid_o,   // lane j: delayed by j
    output wire [D*W_LANE-1:0] lanes_o
);
    reg  [D-1:1] valid_q;
    wire [D-1:0] valid = {valid_q, valid_i};

    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            valid_q <= {(D-1){1'b0}};
        end else begin
            valid_q <= valid[D-2:0];
        end
    end

    // Stage k holds the lanes k..D-1 of the row that entered k cycles ago.
    genvar k;
    generate
        for (k = 0; k < D; k = k + 1) begin : g_stage
            wire [(D-k)*W_LANE-1:0] lanes;
            if (k == 0) begin : g_first
                assign lanes = row_i;
            end else begin : g_next
                reg [(D-k)*W_LANE-1:0] lanes_q;
                always @(posedge clk) begin
                    if (valid[k-1]) begin
                        lanes_q <= g_stage[k-1].lanes[(D-k+1)*W_LANE-1:W_LANE];
                    end
                end
                assign lanes = lanes_q;
            end
            assign lanes_o[k*W_LANE +: W_LANE] = lanes[W_LANE-1:0];
        end
    endgenerate

    assign valid_o = valid;
endmodule
`default_nettype wire
