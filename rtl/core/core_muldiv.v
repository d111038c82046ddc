// core_muldiv.v -- multiplication in 2 cycles, division in 18, whatever the operands.
//
// Function : with the operands steady from cycle 0 of the instruction, result_o is valid in its last cycle
//            (isa/core.def, MUL and DIV). Division: two quotient bits in each of the cycles 1 to 16.
// Protocol : en_i in all cycles of a mul or div; cycle_i counts them from 0.
// Reset    : none needed; cycle 0 sets everything.
// C twin   : simulator/core.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module core_muldiv (
    input  wire        clk,
    input  wire        en_i,
    input  wire [4:0]  cycle_i,
    input  wire [2:0]  funct3_i,
    input  wire [31:0] a_i,
    input  wire [31:0] b_i,
    output reg  [31:0] result_o
);
    // ------------------------------------------------------------------ multiplication: unsigned, the signs corrected after
    reg  [63:0] product_q;
    wire        a_signed = funct3_i == 3'd1 || funct3_i == 3'd2;
    wire        b_signed = funct3_i == 3'd1;
    wire [31:0] high = product_q[63:32] - (a_signed && a_i[31] ? b_i : 32'd0) - (b_signed && b_i[31] ? a_i : 32'd0);

    // ------------------------------------------------------------------ division: restoring, on magnitudes
    reg  [31:0] rem_q;
    reg  [31:0] quo_q;       // dividend bits leave at the top, quotient bits enter at the bottom
    reg  [31:0] div_q;
    wire        is_signed = !funct3_i[0];
    wire [31:0] a_abs = is_signed && a_i[31] ? -a_i : a_i;
    wire [31:0] b_abs = is_signed && b_i[31] ? -b_i : b_i;
    wire [32:0] shift1 = {rem_q, quo_q[31]};
    wire        bit1   = shift1 >= {1'b0, div_q};
    wire [32:0] rest1  = bit1 ? shift1 - {1'b0, div_q} : shift1;
    wire [32:0] shift2 = {rest1[31:0], quo_q[30]};
    wire        bit2   = shift2 >= {1'b0, div_q};
    wire [32:0] rest2  = bit2 ? shift2 - {1'b0, div_q} : shift2;

    always @(posedge clk) begin
        if (en_i) begin
            if (!funct3_i[2]) begin
                product_q <= {32'd0, a_i} * {32'd0, b_i};
            end else if (cycle_i == 5'd0) begin
                rem_q <= 32'd0;
                quo_q <= a_abs;
                div_q <= b_abs;
            end else if (cycle_i <= 5'd16) begin
                rem_q <= rest2[31:0];
                quo_q <= {quo_q[29:0], bit1, bit2};
            end
        end
    end

    always @* begin
        result_o = 32'd0;
        if (en_i) begin
            if (!funct3_i[2]) begin
                result_o = funct3_i == 3'd0 ? product_q[31:0] : high;
            end else if (b_i == 32'd0) begin
                result_o = funct3_i[1] ? a_i : 32'hFFFF_FFFF;
            end else if (funct3_i[1]) begin
                result_o = is_signed && a_i[31] ? -rem_q : rem_q;
            end else begin
                result_o = is_signed && (a_i[31] != b_i[31]) ? -quo_q : quo_q;
            end
        end
    end
    wire unused = &{1'b0, rest1[32], rest2[32]};
endmodule
`default_nettype wire
