// axi_rules.vh -- the rules of axi_check.v and axi_lite_check.v, and the channels they are broken on.
//
// SPDX-License-Identifier: Apache-2.0
`ifndef SY_AXI_RULES_VH
`define SY_AXI_RULES_VH
`define AXI_NO_RULE         5'd0
`define AXI_VALID_DROPPED   5'd1
`define AXI_PAYLOAD_CHANGED 5'd2
`define AXI_VALID_IN_RESET  5'd3
`define AXI_UNKNOWN         5'd4
`define AXI_CROSSES_4K      5'd5
`define AXI_SIZE            5'd6
`define AXI_BURST_TYPE      5'd7
`define AXI_BURST_LENGTH    5'd8
`define AXI_W_WITHOUT_AW    5'd9
`define AXI_WLAST           5'd10
`define AXI_WSTRB           5'd11
`define AXI_R_WITHOUT_AR    5'd12
`define AXI_RLAST           5'd13
`define AXI_B_EARLY         5'd14
`define AXI_EXOKAY          5'd15
`define AXI_TOO_MANY        5'd16

`define AXI_AR 3'd0
`define AXI_R  3'd1
`define AXI_AW 3'd2
`define AXI_W  3'd3
`define AXI_B  3'd4
`endif
