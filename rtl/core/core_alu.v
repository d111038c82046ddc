// core_alu.v -- the integer operations of RV32I.
//
// Function : result_o by funct3, with alt_i for sub and sra; taken_o is the branch condition of funct3.
// Latency  : combinational.
// C twin   : simulator/core.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module core_alu (
    input  wire [2:0]  funct3_i,
    input  wire        alt_i,
    input  wire [31:0] a_i,
    input  wire [31:0] b_i,
    output reg  [31:0] result_o,
    input  wire [31:0] branch_b_i,
    output reg         taken_o
);
    always @* begin
        case (funct3_i)
            3'd0:    result_o = alt_i ? a_i - b_i : a_i + b_i;
            3'd1:    result_o = a_i << b_i[4:0];
            3'd2:    result_o = {31'd0, $signed(a_i) < $signed(b_i)};
            3'd3:    result_o = {31'd0, a_i < b_i};
            3'd4:    result_o = a_i ^ b_i;
            3'd5:    result_o = alt_i ? $unsigned($signed(a_i) >>> b_i[4:0]) : a_i >> b_i[4:0];
            3'd6:    result_o = a_i | b_i;
            default: result_o = a_i & b_i;
        endcase
        case (funct3_i)
            3'd0:    taken_o = a_i == branch_b_i;
            3'd1:    taken_o = a_i != branch_b_i;
            3'd4:    taken_o = $signed(a_i) < $signed(branch_b_i);
            3'd5:    taken_o = $signed(a_i) >= $signed(branch_b_i);
            3'd6:    taken_o = a_i < branch_b_i;
            default: taken_o = a_i >= branch_b_i;
        endcase
    end
endmodule
`default_nettype wire
