/*
 * disasm.c -- instructions to text that the assembler takes back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "systole/isa/isa.h"

/* "w" for 1, "rw" for 3 ...: what a fence orders; "0" for nothing. */
static void print_fence_set(char text[8], uint32_t set)
{
    size_t n = 0;
    for (unsigned bit = 0; bit < 4; bit++) {
        if ((set >> (3 - bit) & 1) != 0) {
            text[n++] = "iorw"[bit];
        }
    }
    if (n == 0) {
        text[n++] = '0';
    }
    text[n] = '\0';
}

/* fence and fence.i ignore their fields; false if the text could not say what they hold. */
static bool print_fence(const isa_insn *insn, const char *name, char text[ISA_DISASM_BYTES])
{
    char pred[8];
    char succ[8];
    if ((insn->word & 0x000F8F80) != 0 || insn->imm > 0xFF ||
        (insn->op == ISA_OP_FENCE_I && insn->imm != 0)) {
        return false;
    }
    print_fence_set(pred, (uint32_t)insn->imm >> 4);
    print_fence_set(succ, (uint32_t)insn->imm & 15);
    if (insn->op == ISA_OP_FENCE_I || insn->imm == 0xFF) {
        (void)snprintf(text, ISA_DISASM_BYTES, "%s", name);
    } else {
        (void)snprintf(text, ISA_DISASM_BYTES, "%s %s, %s", name, pred, succ);
    }
    return true;
}

static void print_csr(const isa_insn *insn, const char *name, char text[ISA_DISASM_BYTES])
{
    const char *csr = isa_csr_name((unsigned)insn->imm);
    char number[8];
    (void)snprintf(number, sizeof number, "0x%03" PRIx32, (uint32_t)insn->imm & 0xFFF);
    (void)snprintf(text, ISA_DISASM_BYTES, "%s x%u, %s, %s%u", name, insn->rd,
                   csr != NULL ? csr : number, insn->format == ISA_FORMAT_CSR ? "x" : "",
                   insn->rs1);
}

static void print_xsystole(const isa_insn *insn, const char *name, char text[ISA_DISASM_BYTES])
{
    switch (isa_op_describe(insn->op)->args) {
    case ISA_ARGS_NONE:
        (void)snprintf(text, ISA_DISASM_BYTES, "%s", name);
        break;
    case ISA_ARGS_SEM:
    case ISA_ARGS_TAG:
    case ISA_ARGS_CODE:
        (void)snprintf(text, ISA_DISASM_BYTES, "%s x%u", name, insn->rs1);
        break;
    case ISA_ARGS_PAIR: {
        const isa_reg_info *reg = isa_reg_describe((isa_unit)insn->unit, 2u * insn->pair);
        char unit[8];
        size_t n = 0;
        for (const char *c = isa_unit_name(insn->unit); *c != '\0' && n + 1 < sizeof unit; c++) {
            unit[n++] = (char)tolower((unsigned char)*c);
        }
        unit[n] = '\0';
        (void)snprintf(text, ISA_DISASM_BYTES, "%s.%s %s, x%u, x%u", unit, name,
                       reg != NULL ? reg->name : "?", insn->rs1, insn->rs2);
        break;
    }
    }
}

void isa_disasm(uint32_t word, uint32_t pc, char text[ISA_DISASM_BYTES])
{
    isa_insn insn;
    char name[ISA_MNEMONIC_BYTES];
    bool said = isa_decode(word, &insn);
    isa_op_mnemonic(insn.op, name);
    const uint32_t target = pc + (uint32_t)insn.imm;
    switch (insn.format) {
    case ISA_FORMAT_R:
        (void)snprintf(text, ISA_DISASM_BYTES, "%s x%u, x%u, x%u", name, insn.rd, insn.rs1,
                       insn.rs2);
        break;
    case ISA_FORMAT_I:
    case ISA_FORMAT_SHIFT:
        (void)snprintf(text, ISA_DISASM_BYTES, "%s x%u, x%u, %" PRId32, name, insn.rd, insn.rs1,
                       insn.imm);
        break;
    case ISA_FORMAT_LOAD:
        (void)snprintf(text, ISA_DISASM_BYTES, "%s x%u, %" PRId32 "(x%u)", name, insn.rd, insn.imm,
                       insn.rs1);
        break;
    case ISA_FORMAT_STORE:
        (void)snprintf(text, ISA_DISASM_BYTES, "%s x%u, %" PRId32 "(x%u)", name, insn.rs2, insn.imm,
                       insn.rs1);
        break;
    case ISA_FORMAT_BRANCH:
        (void)snprintf(text, ISA_DISASM_BYTES, "%s x%u, x%u, 0x%" PRIx32, name, insn.rs1, insn.rs2,
                       target);
        break;
    case ISA_FORMAT_U:
        (void)snprintf(text, ISA_DISASM_BYTES, "%s x%u, 0x%" PRIx32, name, insn.rd,
                       (uint32_t)insn.imm >> 12);
        break;
    case ISA_FORMAT_J:
        (void)snprintf(text, ISA_DISASM_BYTES, "%s x%u, 0x%" PRIx32, name, insn.rd, target);
        break;
    case ISA_FORMAT_CSR:
    case ISA_FORMAT_CSRI:
        print_csr(&insn, name, text);
        break;
    case ISA_FORMAT_FENCE:
        said = print_fence(&insn, name, text);
        break;
    case ISA_FORMAT_NONE:
    case ISA_N_FORMATS:
        (void)snprintf(text, ISA_DISASM_BYTES, "%s", name);
        break;
    case ISA_FORMAT_XSYSTOLE:
        print_xsystole(&insn, name, text);
        break;
    }
    if (!said) {
        (void)snprintf(text, ISA_DISASM_BYTES, ".word 0x%08" PRIx32, word);
    }
}
