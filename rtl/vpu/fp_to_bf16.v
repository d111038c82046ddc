// fp_to_bf16.v -- fp32 to bf16, round to nearest even; a NaN gives 0x7FC0.
//
// Latency  : combinational; 0 unless en_i.
// C twin   : isa/fn/fma.c (isa_fp_to_bf16).   Tests: tests/rtl/fp.sh.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module fp_to_bf16 (
    input  wire        en_i,
    input  wire [31:0] a_i,
    output wire [15:0] y_o
);
    wire up = a_i[15] && (a_i[14:0] != 15'd0 || a_i[16]);
    assign y_o = !en_i ? 16'd0 : a_i[30:0] > 31'h7F80_0000 ? 16'h7FC0 : a_i[31:16] + {15'd0, up};
endmodule
`default_nettype wire
