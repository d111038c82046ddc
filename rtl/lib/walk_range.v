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
    output reg  signed [63:0] first_low_o,
    output reg  signed [63:0] first_high_o,
    output reg  signed [63:0] last_low_o,
    output reg  signed [63:0] last_high_o,
    output reg  signed [63:0] low_o,
    output reg  signed [63:0] high_o,
    output reg                revisit_o
);
    wire [159:0] stride = {outer_stride_i, stride_i};
    wire [79:0]  n      = {outer_n_i, n_i};

    reg signed [63:0] reach [0:4];   // stride * (count - 1)
    reg [63:0]        size  [0:4];   // |stride|
    reg [63:0]        span  [0:4];   // |reach|
    reg [4:0]         active;
    reg [63:0]        sum;
    integer k;
    integer j;

    always @* begin
        first_low_o  = 64'sd0;
        first_high_o = 64'sd0;
        last_low_o   = 64'sd0;
        last_high_o  = 64'sd0;
        low_o        = 64'sd0;
        high_o       = 64'sd0;
        revisit_o    = 1'b0;
        active       = 5'd0;
        sum          = 64'd0;
        for (k = 0; k < 5; k = k + 1) begin
            reach[k] = 64'sd0;
            size[k]  = 64'd0;
            span[k]  = 64'd0;
        end
        if (en_i) begin
            for (k = 0; k < 5; k = k + 1) begin
                active[k] = n[k*16 +: 16] > 16'd1;
                reach[k]  = $signed({{32{stride[k*32+31]}}, stride[k*32 +: 32]}) * $signed({48'd0, n[k*16 +: 16] - 16'd1});
                size[k]   = stride[k*32+31] ? {32'd0, -stride[k*32 +: 32]} : {32'd0, stride[k*32 +: 32]};
                span[k]   = reach[k] < 64'sd0 ? -reach[k] : reach[k];
            end
            first_low_o  = $signed({32'd0, base_i});
            first_high_o = $signed({32'd0, base_i});
            for (k = 0; k < 4; k = k + 1) begin
                if (reach[k] < 64'sd0) begin
                    first_low_o = first_low_o + reach[k];
                end else begin
                    first_high_o = first_high_o + reach[k];
                end
            end
            last_low_o  = first_low_o + reach[4];
            last_high_o = first_high_o + reach[4];
            low_o       = reach[4] < 64'sd0 ? last_low_o : first_low_o;
            high_o      = reach[4] < 64'sd0 ? first_high_o : last_high_o;
            for (k = 0; k < 5; k = k + 1) begin
                sum = 64'd0;
                for (j = 0; j < 5; j = j + 1) begin
                    if (j != k && active[j] && size[j] <= size[k]) begin
                        sum = sum + span[j];
                    end
                end
                if (active[k] && size[k] <= sum) begin
                    revisit_o = 1'b1;
                end
            end
        end
    end
endmodule
`default_nettype wire
