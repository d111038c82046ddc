// mxu_array.v -- D x D cells with their skewed edges.
//
// Function : rows of A enter with row_valid_i (swap_i: row 0 of a plane), weight rows with weight_valid_i, the last row of the plane
//            first; both are rows of D lanes, of nine-bit integers or of bf16. The i-th weight row of a plane pushes those before it one
//            cell further: it moves the first i + 1 cells of its column (or row, when transposed).
// Latency  : column j of psum_o has the row that entered in cycle t in cycle t + D + j; psum_i brings what it starts from in t + j.
// Reset    : valid bits.
// C twin   : simulator/mxu.c.   Tests: tests/rtl/array.sh.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module mxu_array #(
    parameter D       = 4,
    parameter ELEMENT = 0,                      // 0 int8, 1 bf16
    parameter W_OP    = ELEMENT != 0 ? 16 : 9   // bits of an operand
) (
    input  wire              clk,
    input  wire              rst_n,
    input  wire              row_valid_i,
    input  wire              swap_i,
    input  wire [D*W_OP-1:0] row_i,
    input  wire              weight_valid_i,
    input  wire              weight_first_i,   // first weight row of a plane
    input  wire              transposed_i,
    input  wire [D*W_OP-1:0] weight_i,
    input  wire [D*32-1:0]   psum_i,
    output wire [D*32-1:0]   psum_o
);
    // ------------------------------------------------------------------ what is inside
    reg [2*D-1:0] rows_q;    // a row entered that many cycles ago, and one
    reg [2*D-2:1] swap_q;    // the swap's diagonals
    wire [2*D-2:0] swap = {swap_q, swap_i};
    wire [2*D-2:0] valid = {rows_q[2*D-3:0], row_valid_i};  // by diagonal
    wire run = row_valid_i || (|rows_q);
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            rows_q <= {2*D{1'b0}};
            swap_q <= {(2*D-2){1'b0}};
        end else begin
            rows_q <= {rows_q[2*D-2:0], row_valid_i};
            swap_q <= swap[2*D-3:0];
        end
    end

    // ------------------------------------------------------------------ edges
    wire [D*W_OP-1:0] a_lanes;
    wire [D*W_OP-1:0] w_lanes;
    wire [D-1:0]   a_valid;
    wire [D-1:0]   w_valid;
    skew #(.D(D), .W_LANE(W_OP)) u_skew_a (
        .clk     (clk),
        .rst_n   (rst_n),
        .valid_i (row_valid_i),
        .row_i   (row_i),
        .valid_o (a_valid),
        .lanes_o (a_lanes)
    );
    skew #(.D(D), .W_LANE(W_OP)) u_skew_w (
        .clk     (clk),
        .rst_n   (rst_n),
        .valid_i (weight_valid_i),
        .row_i   (weight_i),
        .valid_o (w_valid),
        .lanes_o (w_lanes)
    );

    // ------------------------------------------------------------------ reach of each weight row: cells 0..i
    reg  [D-1:0] reach_q;
    wire [D-1:0] reach = weight_first_i ? {{(D-1){1'b0}}, 1'b1} : {reach_q[D-2:0], 1'b1};
    always @(posedge clk) begin
        if (weight_valid_i) begin
            reach_q <= reach;
        end
    end
    wire load = |w_valid;

    genvar j;
    genvar k;
    generate
        for (j = 0; j < D; j = j + 1) begin : g_reach
            wire [D-1:0] reach_j;      // of the weight row that is at lane j
            wire         transposed_j;
            if (j == 0) begin : g_first
                assign reach_j      = reach;
                assign transposed_j = transposed_i;
            end else begin : g_next
                reg [D-1:0] reach_jq;
                reg         transposed_jq;
                always @(posedge clk) begin
                    if (w_valid[j-1]) begin
                        reach_jq      <= g_reach[j-1].reach_j;
                        transposed_jq <= g_reach[j-1].transposed_j;
                    end
                end
                assign reach_j      = reach_jq;
                assign transposed_j = transposed_jq;
            end
            wire [D-1:0] vertical   = w_valid[j] && !transposed_j ? reach_j : {D{1'b0}};
            wire [D-1:0] horizontal = w_valid[j] && transposed_j ? reach_j : {D{1'b0}};
        end

        // ------------------------------------------------------------------ cells
        for (k = 0; k < D; k = k + 1) begin : g_row
            for (j = 0; j < D; j = j + 1) begin : g_col
                wire [W_OP-1:0] a_in, a_out, above, left, shadow;
                wire [31:0]     psum_in, psum_out;
                if (j == 0) begin : g_west
                    assign a_in = a_lanes[k*W_OP +: W_OP];
                    assign left = w_lanes[k*W_OP +: W_OP];
                end else begin : g_inner
                    assign a_in = g_row[k].g_col[j-1].a_out;
                    assign left = g_row[k].g_col[j-1].shadow;
                end
                if (k == 0) begin : g_north
                    assign psum_in = psum_i[j*32 +: 32];
                    assign above   = w_lanes[j*W_OP +: W_OP];
                end else begin : g_below
                    assign psum_in = g_row[k-1].g_col[j].psum_out;
                    assign above   = g_row[k-1].g_col[j].shadow;
                end
                if (ELEMENT == 0) begin : g_int8
                    pe u_pe (
                        .clk          (clk),
                        .run_i        (run),
                        .load_i       (load),
                        .swap_i       (swap[k+j]),
                        .a_i          (a_in),
                        .a_o          (a_out),
                        .psum_i       (psum_in),
                        .psum_o       (psum_out),
                        .vertical_i   (g_reach[j].vertical[k]),
                        .above_i      (above),
                        .horizontal_i (g_reach[k].horizontal[j]),
                        .left_i       (left),
                        .shadow_o     (shadow)
                    );
                end else begin : g_bf16
                    pe_bf16 u_pe (
                        .clk          (clk),
                        .run_i        (run),
                        .load_i       (load),
                        .valid_i      (valid[k+j]),
                        .swap_i       (swap[k+j]),
                        .a_i          (a_in),
                        .a_o          (a_out),
                        .psum_i       (psum_in),
                        .psum_o       (psum_out),
                        .vertical_i   (g_reach[j].vertical[k]),
                        .above_i      (above),
                        .horizontal_i (g_reach[k].horizontal[j]),
                        .left_i       (left),
                        .shadow_o     (shadow)
                    );
                end
            end
        end
        for (j = 0; j < D; j = j + 1) begin : g_out
            assign psum_o[j*32 +: 32] = g_row[D-1].g_col[j].psum_out;
        end
    endgenerate
    wire unused = &{1'b0, a_valid, valid};
endmodule
`default_nettype wire
