// core_decode.v -- what an instruction word is.
//
// Function : class bits of the word, by the match and mask values of isa/rv32.def; an unknown word has none of them.
// Latency  : combinational.
// C twin   : isa/decode.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module core_decode (
    input  wire [31:0] word_i,
    output wire        lui_o,
    output wire        auipc_o,
    output wire        jal_o,
    output wire        jalr_o,
    output wire        branch_o,
    output wire        load_o,
    output wire        store_o,
    output wire        alu_imm_o,   // register and immediate
    output wire        alu_reg_o,   // two registers, without M
    output wire        mul_o,
    output wire        div_o,
    output wire        nop_o,       // fence, fence.i, wfi
    output wire        ecall_o,
    output wire        ebreak_o,
    output wire        mret_o,
    output wire        csr_o,
    output wire        xsystole_o,
    output reg  [31:0] imm_o
);
    wire [31:0] w = word_i;
    wire [2:0]  f3 = w[14:12];
    wire        r_type = (w & `SY_RV_ADD_MASK & 32'hFFFF8FFF) == `SY_RV_ADD_MATCH;
    wire        m_type = (w & `SY_RV_MUL_MASK & 32'hFFFF8FFF) == `SY_RV_MUL_MATCH;
    wire        i_type = (w & 32'h0000007F) == `SY_RV_ADDI_MATCH;

    assign lui_o    = (w & `SY_RV_LUI_MASK)   == `SY_RV_LUI_MATCH;
    assign auipc_o  = (w & `SY_RV_AUIPC_MASK) == `SY_RV_AUIPC_MATCH;
    assign jal_o    = (w & `SY_RV_JAL_MASK)   == `SY_RV_JAL_MATCH;
    assign jalr_o   = (w & `SY_RV_JALR_MASK)  == `SY_RV_JALR_MATCH;
    assign branch_o = (w & 32'h0000007F) == `SY_RV_BEQ_MATCH && f3 != 3'd2 && f3 != 3'd3;
    assign load_o   = (w & 32'h0000007F) == `SY_RV_LB_MATCH && f3 != 3'd3 && f3 != 3'd6 && f3 != 3'd7;
    assign store_o  = (w & 32'h0000007F) == `SY_RV_SB_MATCH && f3 <= 3'd2;
    assign alu_imm_o = i_type && (f3 == 3'd1 ? (w & `SY_RV_SLLI_MASK) == `SY_RV_SLLI_MATCH :
                                  f3 == 3'd5 ? (w & `SY_RV_SRLI_MASK) == `SY_RV_SRLI_MATCH ||
                                               (w & `SY_RV_SRAI_MASK) == `SY_RV_SRAI_MATCH : 1'b1);
    assign alu_reg_o = r_type || (w & `SY_RV_SUB_MASK) == `SY_RV_SUB_MATCH || (w & `SY_RV_SRA_MASK) == `SY_RV_SRA_MATCH;
    assign mul_o    = m_type && !f3[2];
    assign div_o    = m_type && f3[2];
    assign nop_o    = (w & `SY_RV_FENCE_MASK)   == `SY_RV_FENCE_MATCH ||
                      (w & `SY_RV_FENCE_I_MASK) == `SY_RV_FENCE_I_MATCH ||
                      (w & `SY_RV_WFI_MASK)     == `SY_RV_WFI_MATCH;
    assign ecall_o  = (w & `SY_RV_ECALL_MASK)  == `SY_RV_ECALL_MATCH;
    assign ebreak_o = (w & `SY_RV_EBREAK_MASK) == `SY_RV_EBREAK_MATCH;
    assign mret_o   = (w & `SY_RV_MRET_MASK)   == `SY_RV_MRET_MATCH;
    assign csr_o    = (w & 32'h0000007F) == (`SY_RV_CSRRW_MATCH & 32'h0000007F) && f3[1:0] != 2'd0;
    assign xsystole_o = w[6:0] == `SY_OPCODE_XSYSTOLE && w[11:7] == 5'd0 &&
                        `SY_XSYSTOLE_LEGAL(f3, w[31:25], w[19:15], w[24:20]);

    always @* begin
        imm_o = {{20{w[31]}}, w[31:20]};
        if (lui_o || auipc_o) begin
            imm_o = {w[31:12], 12'd0};
        end else if (jal_o) begin
            imm_o = {{12{w[31]}}, w[19:12], w[20], w[30:21], 1'b0};
        end else if (branch_o) begin
            imm_o = {{20{w[31]}}, w[7], w[30:25], w[11:8], 1'b0};
        end else if (store_o) begin
            imm_o = {{20{w[31]}}, w[31:25], w[11:7]};
        end
    end
endmodule
`default_nettype wire
