// lane_tree.v -- the reduction across lanes: log2(D) levels, in level l lane i takes in lane i + D / 2^l.
//
// Function : sum or maximum of D values, integer or fp32, in the order of numerics.md; of the maximum also the place, row * D + lane,
//            the lowest of equal ones.
// Latency  : levels 1 to LOG_D - 1 end in registers, the last is combinational: y_o stands LOG_D - 1 cycles after lanes_i.
// Protocol : level l works in the cycle in which en_i[l]; max_i, fp_i and index_i belong to the same cycle.
// Reset    : none.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module lane_tree #(
    parameter D     = 4,
    parameter LOG_D = 2
) (
    input  wire               clk,
    input  wire [LOG_D:1]     en_i,
    input  wire [LOG_D:1]     max_i,
    input  wire [LOG_D:1]     fp_i,
    input  wire [LOG_D:1]     index_i,
    input  wire [D*32-1:0]    lanes_i,
    input  wire [D*31-1:0]    rows_i,     // of each lane's maximum
    output wire [31:0]        y_o,
    output wire [30+LOG_D:0]  place_o
);
    localparam W_PLACE = 31 + LOG_D;
    genvar l;
    genvar j;
    generate
        for (l = 0; l <= LOG_D; l = l + 1) begin : g_level
            localparam N = D >> l;           // lanes after this level
            wire [N*32-1:0]      values;
            wire [N*W_PLACE-1:0] places;
            if (l == 0) begin : g_in
                assign values = lanes_i;
                for (j = 0; j < D; j = j + 1) begin : g_lane
                    localparam [31:0] J = j;
                    assign places[j*W_PLACE +: W_PLACE] = {rows_i[j*31 +: 31], J[LOG_D-1:0]};
                end
            end else begin : g_op
                wire [N*32-1:0]      value;
                wire [N*W_PLACE-1:0] place;
                for (j = 0; j < N; j = j + 1) begin : g_lane
                    wire [W_PLACE-1:0] a_place = g_level[l-1].places[j*W_PLACE +: W_PLACE];
                    wire [W_PLACE-1:0] b_place = g_level[l-1].places[(j+N)*W_PLACE +: W_PLACE];
                    wire               above, equal;
                    reduce_op u_op (
                        .en_i    (en_i[l]),
                        .max_i   (max_i[l]),
                        .fp_i    (fp_i[l]),
                        .a_i     (g_level[l-1].values[j*32 +: 32]),
                        .b_i     (g_level[l-1].values[(j+N)*32 +: 32]),
                        .y_o     (value[j*32 +: 32]),
                        .above_o (above),
                        .equal_o (equal)
                    );
                    reg [W_PLACE-1:0] chosen;
                    always @* begin
                        chosen = a_place;
                        if (en_i[l] && index_i[l] && (above || (equal && b_place < a_place))) begin
                            chosen = b_place;
                        end
                    end
                    assign place[j*W_PLACE +: W_PLACE] = chosen;
                end
                if (l < LOG_D) begin : g_register
                    reg [N*32-1:0]      value_q;
                    reg [N*W_PLACE-1:0] place_q;
                    always @(posedge clk) begin
                        if (en_i[l]) begin
                            value_q <= value;
                        end
                        if (en_i[l] && index_i[l]) begin
                            place_q <= place;
                        end
                    end
                    assign values = value_q;
                    assign places = place_q;
                end else begin : g_last
                    assign values = value;
                    assign places = place;
                end
            end
        end
    endgenerate
    assign y_o     = g_level[LOG_D].values;
    assign place_o = g_level[LOG_D].places;
endmodule
`default_nettype wire
