/*
 * decode.c -- words to instructions, and the facts about each instruction.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>

#include "systole/base/assert.h"
#include "systole/isa/isa.h"

/*
 * Xsystole: opcode, unit and funct7 are fixed, and rd and rs2 are x0; rs1 too where the args say
 * so.
 */
#define COMMAND_MASK   UINT32_C(0xFFF07FFF)
#define RS1_MASK       UINT32_C(0x000F8000)
#define ARGS_MASK_NONE (COMMAND_MASK | RS1_MASK)
#define ARGS_MASK_SEM  COMMAND_MASK
#define ARGS_MASK_TAG  COMMAND_MASK
#define ARGS_MASK_CODE COMMAND_MASK
#define COMMAND_MATCH(unit, funct7) \
    (ISA_OPCODE_XSYSTOLE | (uint32_t)(unit) << 12 | (uint32_t)(funct7) << 25)
#define SET_MASK UINT32_C(0x80000FFF)

static const isa_op_info infos[ISA_N_OPS] = {
    [ISA_OP_ILLEGAL] = {"ILLEGAL", "no instruction", 0, 0, ISA_FORMAT_NONE, ISA_TIMING_TRAP,
                        ISA_ARGS_NONE, 0, 0, true},
#define V(name, format, match, mask, timing, summary)                                           \
    [ISA_OP_##                                                                                  \
        name] = {#name,         summary, match, mask, ISA_FORMAT_##format, ISA_TIMING_##timing, \
                 ISA_ARGS_NONE, 0,       0,     true},
#include "systole/isa/tables.h"
    [ISA_OP_SET] = {"SET", "set a pair of descriptor registers", COMMAND_MATCH(0, ISA_F7_SET),
                    SET_MASK, ISA_FORMAT_XSYSTOLE, ISA_TIMING_XSYSTOLE, ISA_ARGS_PAIR, 0,
                    ISA_F7_SET, true},
#define I(unit, name, funct7, args, built, summary)                     \
    [ISA_OP_##unit##_##name] = {#unit "_" #name,                        \
                                summary,                                \
                                COMMAND_MATCH(ISA_UNIT_##unit, funct7), \
                                ARGS_MASK_##args,                       \
                                ISA_FORMAT_XSYSTOLE,                    \
                                ISA_TIMING_XSYSTOLE,                    \
                                ISA_ARGS_##args,                        \
                                ISA_UNIT_##unit,                        \
                                funct7,                                 \
                                built},
#include "systole/isa/tables.h"
};

const isa_op_info *isa_op_describe(isa_op op)
{
    SY_ASSERT((unsigned)op < ISA_N_OPS);
    return &infos[op];
}

void isa_op_mnemonic(isa_op op, char text[ISA_MNEMONIC_BYTES])
{
    const isa_op_info *info = isa_op_describe(op);
    /*
     * The underscore after the unit's name, or in FENCE_I, is the dot; one in a command's own name
     * stays.
     */
    bool dotted = false;
    size_t n = 0;
    for (; info->name[n] != '\0' && n + 1 < ISA_MNEMONIC_BYTES; n++) {
        const bool dot = info->name[n] == '_' && !dotted;
        text[n] = dot ? '.' : (char)tolower((unsigned char)info->name[n]);
        dotted = dotted || dot;
    }
    text[n] = '\0';
}

isa_op isa_op_of_command(isa_unit unit, unsigned funct7)
{
    if ((funct7 & ISA_F7_SET) != 0) {
        const unsigned n_pairs = (isa_unit_n_regs(unit) + 1) / 2;
        return (funct7 & ISA_F7_PAIR_MASK) < n_pairs && funct7 < 0x80 ? ISA_OP_SET : ISA_OP_ILLEGAL;
    }
    for (int op = ISA_OP_SET + 1; op < ISA_N_OPS; op++) {
        if (infos[op].unit == (uint8_t)unit && infos[op].funct7 == funct7) {
            return (isa_op)op;
        }
    }
    return ISA_OP_ILLEGAL;
}

/* The immediate of each format, as isa_insn.imm says. */
static int32_t decode_imm(isa_format format, uint32_t word)
{
    const int32_t sign = (int32_t)word >> 31; /* 0 or -1 */
    const uint32_t high = (uint32_t)sign;
    switch (format) {
    case ISA_FORMAT_I:
    case ISA_FORMAT_LOAD:
        return (int32_t)word >> 20;
    case ISA_FORMAT_CSR:
    case ISA_FORMAT_CSRI:
    case ISA_FORMAT_FENCE:
        return (int32_t)(word >> 20);
    case ISA_FORMAT_SHIFT:
        return (int32_t)(word >> 20 & 31);
    case ISA_FORMAT_STORE:
        return (int32_t)(high << 11 | (word >> 20 & 0x7E0) | (word >> 7 & 31));
    case ISA_FORMAT_BRANCH:
        return (int32_t)(high << 12 | (word << 4 & 0x800) | (word >> 20 & 0x7E0) |
                         (word >> 7 & 0x1E));
    case ISA_FORMAT_U:
        return (int32_t)(word & 0xFFFFF000);
    case ISA_FORMAT_J:
        return (int32_t)(high << 20 | (word & 0xFF000) | (word >> 9 & 0x800) |
                         (word >> 20 & 0x7FE));
    case ISA_FORMAT_R:
    case ISA_FORMAT_NONE:
    case ISA_FORMAT_XSYSTOLE:
    case ISA_N_FORMATS:
        break;
    }
    return 0;
}

static bool has_rd(isa_format format)
{
    return format != ISA_FORMAT_STORE && format != ISA_FORMAT_BRANCH &&
           format != ISA_FORMAT_FENCE && format != ISA_FORMAT_NONE && format != ISA_FORMAT_XSYSTOLE;
}

static bool has_rs1(isa_format format)
{
    return format != ISA_FORMAT_U && format != ISA_FORMAT_J && format != ISA_FORMAT_FENCE &&
           format != ISA_FORMAT_NONE;
}

static bool has_rs2(isa_format format)
{
    return format == ISA_FORMAT_R || format == ISA_FORMAT_STORE || format == ISA_FORMAT_BRANCH ||
           format == ISA_FORMAT_XSYSTOLE;
}

static isa_op find_op(uint32_t word)
{
    if ((word & 0x7F) == ISA_OPCODE_XSYSTOLE) {
        const unsigned unit = word >> 12 & 7;
        if (unit >= ISA_N_UNITS) {
            return ISA_OP_ILLEGAL;
        }
        const isa_op op = isa_op_of_command((isa_unit)unit, word >> 25);
        return op != ISA_OP_ILLEGAL && (word & infos[op].mask & 0x01FF8F80) == 0 ? op
                                                                                 : ISA_OP_ILLEGAL;
    }
    for (int op = ISA_OP_ILLEGAL + 1; op < ISA_OP_SET; op++) {
        if ((word & infos[op].mask) == infos[op].match) {
            return (isa_op)op;
        }
    }
    return ISA_OP_ILLEGAL;
}

bool isa_decode(uint32_t word, isa_insn *insn)
{
    const isa_op op = find_op(word);
    const isa_format format = infos[op].format;
    *insn = (isa_insn){.word = word, .op = op, .format = format, .timing = infos[op].timing};
    if (op == ISA_OP_ILLEGAL) {
        return false;
    }
    insn->rd = has_rd(format) ? (uint8_t)(word >> 7 & 31) : 0;
    insn->rs1 = has_rs1(format) ? (uint8_t)(word >> 15 & 31) : 0;
    insn->rs2 = has_rs2(format) ? (uint8_t)(word >> 20 & 31) : 0;
    insn->imm = decode_imm(format, word);
    if (format == ISA_FORMAT_XSYSTOLE) {
        insn->unit = (uint8_t)(word >> 12 & 7);
        insn->funct7 = (uint8_t)(word >> 25);
        insn->pair = op == ISA_OP_SET ? (uint8_t)(insn->funct7 & ISA_F7_PAIR_MASK) : 0;
    }
    return true;
}
