// stream_range.v -- the banks that one stream of a command in flight still needs.
//
// Function : load_i takes the full range of a walk (row ranges of the first and of the last iteration of its outermost loop);
//            advance_i says that one iteration is complete; clear_i that the last is.
// Latency  : banks_o changes in the cycle after.
// Reset    : no banks.
// C twin   : simulator/banks.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module stream_range #(
    parameter N_BANKS = 8,
    parameter W_ROW   = 11
) (
    input  wire               clk,
    input  wire               rst_n,
    input  wire               load_i,
    input  wire [W_ROW-1:0]   first_low_i,
    input  wire [W_ROW-1:0]   first_high_i,
    input  wire [W_ROW-1:0]   last_low_i,
    input  wire [W_ROW-1:0]   last_high_i,
    input  wire [W_ROW-1:0]   step_i,
    input  wire [N_BANKS-1:0] banks_i,      // of the full range
    input  wire               advance_i,
    input  wire               clear_i,
    output wire [N_BANKS-1:0] banks_o
);
    reg [W_ROW-1:0]   low_q, high_q;               // the iteration under way
    reg [W_ROW-1:0]   last_low_q, last_high_q, step_q;
    reg [N_BANKS-1:0] banks_q;

    // load_i and advance_i together: the first iteration is complete in the cycle in which the stream starts
    wire [W_ROW-1:0] next_low  = (load_i ? first_low_i : low_q) + (load_i ? step_i : step_q);
    wire [W_ROW-1:0] next_high = (load_i ? first_high_i : high_q) + (load_i ? step_i : step_q);
    wire [W_ROW-1:0] last_low  = load_i ? last_low_i : last_low_q;
    wire [W_ROW-1:0] last_high = load_i ? last_high_i : last_high_q;
    wire [N_BANKS-1:0] next_banks;
    bank_span #(.N_BANKS(N_BANKS), .W_ROW(W_ROW)) u_span (
        .low_i   (next_low < last_low ? next_low : last_low),
        .high_i  (next_high > last_high ? next_high : last_high),
        .banks_o (next_banks)
    );

    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            banks_q <= {N_BANKS{1'b0}};
        end else if (clear_i) begin
            banks_q <= {N_BANKS{1'b0}};
        end else if (advance_i) begin
            banks_q <= next_banks;
        end else if (load_i) begin
            banks_q <= banks_i;
        end
    end
    always @(posedge clk) begin
        if (load_i || advance_i) begin
            low_q  <= advance_i ? next_low : first_low_i;
            high_q <= advance_i ? next_high : first_high_i;
        end
        if (load_i) begin
            last_low_q  <= last_low_i;
            last_high_q <= last_high_i;
            step_q      <= step_i;
        end
    end
    assign banks_o = banks_q;
endmodule
`default_nettype wire
