// walk_range.v -- the rows that a walk touches, exactly, for the checks and for bank ownership.
//
// Function : for base + four inner loops + one outer loop (signed strides, counts 1..65535): the range of the outer loop's
//            first and last iteration, of the whole walk, and whether an output walk may visit a row twice.
// Latency  : combinational, over the check_cycles that the slot stands still; zero unless en_i.
// C twin   : simulator/check.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module walk_range (
    input  wire               en_i,
    input  wire [31:0]        base_i,
    input  wire [127:0]       stride_i,        // inner loops, loop 0 in the low bits
    input  wire [63:0]        n_i,
    input  wire [31:0]        outer_stride_i,
    input  wire [15:0]        outer_n_i,
    output wire signed [63:0] first_low_o,
    output wire signed [63:0] first_high_o,
    output wire signed [63:0] last_low_o,
    output wire signed [63:0] last_high_o,
    output wire signed [63:0] low_o,
    output wire signed [63:0] high_o,
    output reg                revisit_o
);
    // A loop reaches less than 2^47 rows, five of them and the base less than 2^50: a sign more.
    localparam W = 51;

    wire [159:0] stride = {outer_stride_i, stride_i};
    wire [79:0]  n      = {outer_n_i, n_i};

    reg signed [W-1:0] reach [0:4];  // stride * (count - 1)
    reg [31:0]         size  [0:4];  // |stride|
    reg [46:0]         span  [0:4];  // |reach|
    reg [4:0]          active;
    reg [48:0]         sum;          // of four spans
    reg signed [W-1:0] first_low, first_high, last_low, last_high;
    integer k;
    integer j;

    always @* begin
        first_low  = {W{1'b0}};
        first_high = {W{1'b0}};
        revisit_o  = 1'b0;
        active     = 5'd0;
        sum        = 49'd0;
        for (k = 0; k < 5; k = k + 1) begin
            reach[k] = {W{1'b0}};
            size[k]  = 32'd0;
            span[k]  = 47'd0;
        end
        if (en_i) begin
            for (k = 0; k < 5; k = k + 1) begin
                active[k] = n[k*16 +: 16] > 16'd1;
                size[k]   = stride[k*32+31] ? -stride[k*32 +: 32] : stride[k*32 +: 32];
                span[k]   = {15'd0, size[k]} * {31'd0, n[k*16 +: 16] - 16'd1};
                reach[k]  = $signed({{(W-47){1'b0}}, span[k]});
                reach[k]  = stride[k*32+31] ? -reach[k] : reach[k];
            end
            first_low  = $signed({{(W-32){1'b0}}, base_i});
            first_high = $signed({{(W-32){1'b0}}, base_i});
            for (k = 0; k < 4; k = k + 1) begin
                if (stride[k*32+31]) begin
                    first_low = first_low + reach[k];
                end else begin
                    first_high = first_high + reach[k];
                end
            end
            for (k = 0; k < 5; k = k + 1) begin
                sum = 49'd0;
                for (j = 0; j < 5; j = j + 1) begin
                    if (j != k && active[j] && size[j] <= size[k]) begin
                        sum = sum + {2'd0, span[j]};
                    end
                end
                if (active[k] && {17'd0, size[k]} <= sum) begin
                    revisit_o = 1'b1;
                end
            end
        end
        last_low  = first_low + reach[4];
        last_high = first_high + reach[4];
    end
    wire signed [W-1:0] low  = stride[159] ? last_low : first_low;
    wire signed [W-1:0] high = stride[159] ? first_high : last_high;
    assign first_low_o  = {{(64-W){first_low[W-1]}}, first_low};
    assign first_high_o = {{(64-W){first_high[W-1]}}, first_high};
    assign last_low_o   = {{(64-W){last_low[W-1]}}, last_low};
    assign last_high_o  = {{(64-W){last_high[W-1]}}, last_high};
    assign low_o        = {{(64-W){low[W-1]}}, low};
    assign high_o       = {{(64-W){high[W-1]}}, high};
endmodule
`default_nettype wire
