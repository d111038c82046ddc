// walk_count.v -- the indices of four nested loops.
//
// Function : step_i handles one iteration; with start_i it is the first of a new walk with the counts n_i (loop 0 in the
//            low bits), which may also begin later. end_o[k] says that the current iteration is the last of loop k and of all loops inside it.
// Latency  : end_o combinational from start_i and n_i; the next iteration stands from the next cycle.
// Reset    : none; start_i sets everything.
// C twin   : simulator/vpu.c, simulator/dma.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module walk_count (
    input  wire        clk,
    input  wire        start_i,
    input  wire        step_i,
    input  wire [63:0] n_i,
    output reg  [3:0]  end_o
);
    reg [63:0] n_q;      // counts
    reg [63:0] left_q;   // iterations left after this one
    reg [63:0] n;
    reg [63:0] left;

    always @* begin
        n     = n_q;
        left  = left_q;
        end_o = 4'd0;
        if (start_i) begin
            n    = n_i;
            left = {n_i[63:48] - 16'd1, n_i[47:32] - 16'd1, n_i[31:16] - 16'd1, n_i[15:0] - 16'd1};
        end
        if (step_i) begin
            end_o[0] = left[15:0] == 16'd0;
            end_o[1] = left[31:0] == 32'd0;
            end_o[2] = left[47:0] == 48'd0;
            end_o[3] = left[63:0] == 64'd0;
        end
    end

    always @(posedge clk) begin
        if (start_i) begin
            n_q <= n_i;
        end
        if (step_i) begin
            left_q <= left;
            if (!end_o[0]) begin
                left_q[15:0] <= left[15:0] - 16'd1;
            end else if (!end_o[1]) begin
                left_q[31:0] <= {left[31:16] - 16'd1, n[15:0] - 16'd1};
            end else if (!end_o[2]) begin
                left_q[47:0] <= {left[47:32] - 16'd1, n[31:16] - 16'd1, n[15:0] - 16'd1};
            end else begin
                left_q <= {left[63:48] - 16'd1, n[47:32] - 16'd1, n[31:16] - 16'd1, n[15:0] - 16'd1};
            end
        end else if (start_i) begin
            left_q <= left;
        end
    end
    wire unused = &{1'b0, n[63:48]};
endmodule
`default_nettype wire
