// transposer.v -- turns blocks of D rows into their D columns, D - 1 cycles after a row came in.
//
// Function : an array of D x D elements into which rows enter at the bottom of one block and at the right of the next. While a block
//            enters along one direction, the one before leaves along the other: column i of a block stands on row_o D - 1 + i
//            cycles after its first row stood on row_i.
// Latency  : D - 1 cycles from the first row to the first column, with the last row still on row_i.
// Protocol : valid_i: a row; a block's rows come in D cycles in a row. What a later block pushes out is gone.
// Reset    : the counters.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module transposer #(
    parameter D    = 4,
    parameter W_EL = 8
) (
    input  wire              clk,
    input  wire              rst_n,
    input  wire              valid_i,
    input  wire [D*W_EL-1:0] row_i,
    output wire [D*W_EL-1:0] row_o
);
    localparam LOG_D = $clog2(D);
    reg              rightward_q;     // blocks enter as columns, at the right
    reg [LOG_D-1:0]  at_q;            // rows of the block under way
    reg [LOG_D-1:0]  leaving_q;       // columns of the block before that have not left
    wire             full = valid_i && at_q == {LOG_D{1'b1}};
    wire             move = valid_i || leaving_q != {LOG_D{1'b0}};

    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            rightward_q <= 1'b0;
            at_q        <= {LOG_D{1'b0}};
            leaving_q   <= {LOG_D{1'b0}};
        end else begin
            if (valid_i) begin
                at_q <= at_q + 1'b1;
            end
            if (full) begin
                rightward_q <= !rightward_q;
                leaving_q   <= {LOG_D{1'b1}};
            end else if (leaving_q != {LOG_D{1'b0}}) begin
                leaving_q <= leaving_q - 1'b1;
            end
        end
    end

    reg [D*D*W_EL-1:0] array_q, array;    // row by row; array: moved, with the new row in it
    reg [D*W_EL-1:0]   column;
    integer r;
    always @* begin
        array  = array_q;
        column = {D*W_EL{1'b0}};
        if (move) begin
            if (rightward_q) begin
                for (r = 0; r < D; r = r + 1) begin
                    array[r*D*W_EL +: D*W_EL] = {row_i[r*W_EL +: W_EL], array_q[r*D*W_EL + W_EL +: (D-1)*W_EL]};
                end
            end else begin
                array = {row_i, array_q[D*D*W_EL-1:D*W_EL]};
            end
            for (r = 0; r < D; r = r + 1) begin
                column[r*W_EL +: W_EL] = array[r*D*W_EL +: W_EL];
            end
        end
    end
    always @(posedge clk) begin
        if (move) begin
            array_q <= array;
        end
    end
    // what leaves lies across the direction in which it entered
    assign row_o = rightward_q != full ? column : array[0 +: D*W_EL];
endmodule
`default_nettype wire
