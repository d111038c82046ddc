// deskew.v -- puts a row together whose lane j comes j cycles after lane 0.
//
// Function : valid_i marks lane 0 of a row; D - 1 cycles later the whole row stands on row_o with valid_o.
// Latency  : D - 1 cycles from lane 0, 0 from lane D - 1.
// Reset    : the valid bits.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module deskew #(
    parameter D      = 4,
    parameter W_LANE = 32
) (
    input  wire                clk,
    input  wire                rst_n,
    input  wire                valid_i,
    input  wire [D*W_LANE-1:0] lanes_i,
    output wire                valid_o,
    output wire [D*W_LANE-1:0] row_o
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

    // Stage k has the lanes 0..k of the row whose lane 0 came k cycles ago.
    genvar k;
    generate
        for (k = 0; k < D; k = k + 1) begin : g_stage
            wire [(k+1)*W_LANE-1:0] lanes;
            if (k == 0) begin : g_first
                assign lanes = lanes_i[W_LANE-1:0];
            end else begin : g_next
                reg [k*W_LANE-1:0] lanes_q;
                always @(posedge clk) begin
                    if (valid[k-1]) begin
                        lanes_q <= g_stage[k-1].lanes;
                    end
                end
                assign lanes = {lanes_i[k*W_LANE +: W_LANE], lanes_q};
            end
        end
    endgenerate

    assign valid_o = valid[D-1];
    assign row_o   = g_stage[D-1].lanes;
endmodule
`default_nettype wire
