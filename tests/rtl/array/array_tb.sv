// array_tb.sv -- arrays of both elements (array_case.sv), side by side.
//
// SPDX-License-Identifier: Apache-2.0
module array_tb;
    bit int8_done, bf16_done;
    array_case #(.D(8), .ELEMENT(0)) u_int8 (.done (int8_done));
    array_case #(.D(8), .ELEMENT(1)) u_bf16 (.done (bf16_done));
    always @(posedge int8_done or posedge bf16_done) if (int8_done && bf16_done) $finish;
endmodule
