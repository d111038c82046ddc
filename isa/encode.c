/*
 * encode.c -- instructions to words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/base/assert.h"
#include "systole/isa/isa.h"

static bool in_range(int32_t value, int32_t low, int32_t high)
{
    return value >= low && value <= high;
}

/* Whether the immediate fits its format; those without one want 0. */
static bool imm_fits(isa_format format, int32_t imm)
{
    switch (format) {
    case ISA_FORMAT_I:
    case ISA_FORMAT_LOAD:
    case ISA_FORMAT_STORE:
        return in_range(imm, -2048, 2047);
    case ISA_FORMAT_CSR:
    case ISA_FORMAT_CSRI:
    case ISA_FORMAT_FENCE:
        return in_range(imm, 0, 4095);
    case ISA_FORMAT_SHIFT:
        return in_range(imm, 0, 31);
    case ISA_FORMAT_BRANCH:
        return in_range(imm, -4096, 4094) && (imm & 1) == 0;
    case ISA_FORMAT_U:
        return (imm & 0xFFF) == 0;
    case ISA_FORMAT_J:
        return in_range(imm, -1048576, 1048574) && (imm & 1) == 0;
    case ISA_FORMAT_R:
    case ISA_FORMAT_NONE:
    case ISA_FORMAT_XSYSTOLE:
    case ISA_N_FORMATS:
        break;
    }
    return imm == 0;
}

static uint32_t imm_bits(isa_format format, int32_t imm)
{
    const uint32_t u = (uint32_t)imm;
    switch (format) {
    case ISA_FORMAT_I:
    case ISA_FORMAT_LOAD:
    case ISA_FORMAT_CSR:
    case ISA_FORMAT_CSRI:
    case ISA_FORMAT_FENCE:
    case ISA_FORMAT_SHIFT:
        return u << 20;
    case ISA_FORMAT_STORE:
        return (u & 0xFE0) << 20 | (u & 31) << 7;
    case ISA_FORMAT_BRANCH:
        return (u & 0x1000) << 19 | (u & 0x7E0) << 20 | (u & 0x1E) << 7 | (u & 0x800) >> 4;
    case ISA_FORMAT_U:
        return u;
    case ISA_FORMAT_J:
        return (u & 0x100000) << 11 | (u & 0x7FE) << 20 | (u & 0x800) << 9 | (u & 0xFF000);
    case ISA_FORMAT_R:
    case ISA_FORMAT_NONE:
    case ISA_FORMAT_XSYSTOLE:
    case ISA_N_FORMATS:
        break;
    }
    return 0;
}

sy_status isa_encode(const isa_insn *insn, uint32_t *word)
{
    if ((unsigned)insn->op >= ISA_N_OPS || insn->op == ISA_OP_ILLEGAL) {
        return SY_EINVAL;
    }
    const isa_op_info *info = isa_op_describe(insn->op);
    if (insn->rd > 31 || insn->rs1 > 31 || insn->rs2 > 31 || !imm_fits(info->format, insn->imm)) {
        return SY_ERANGE;
    }
    uint32_t bits = info->match;
    if (insn->op == ISA_OP_SET) {
        if (insn->unit >= ISA_N_UNITS || 2u * insn->pair >= isa_unit_n_regs((isa_unit)insn->unit)) {
            return SY_EINVAL;
        }
        bits |= (uint32_t)insn->unit << 12 | (uint32_t)insn->pair << 25;
    }
    const uint32_t operands = (uint32_t)insn->rd << 7 | (uint32_t)insn->rs1 << 15 |
                              (uint32_t)insn->rs2 << 20;
    const uint32_t imm = imm_bits(info->format, insn->imm);
    /*
     * What the format does not hold must be 0: a fixed field, or bits that the immediate has taken.
     */
    if ((operands & (info->mask | imm)) != 0) {
        return SY_EINVAL;
    }
    bits |= operands | imm;
    isa_insn back;
    if (!isa_decode(bits, &back) || back.op != insn->op || back.rd != insn->rd ||
        back.rs1 != insn->rs1 || back.rs2 != insn->rs2 || back.imm != insn->imm) {
        return SY_EINVAL; /* a register that this format does not have */
    }
    *word = bits;
    return SY_OK;
}

static uint32_t encode_or_assert(const isa_insn *insn)
{
    uint32_t word = 0;
    SY_ASSERT(isa_encode(insn, &word) == SY_OK);
    return word;
}

/* Narrows a register number without hiding one that is too large. */
static uint8_t reg8(unsigned reg)
{
    SY_ASSERT(reg < 32);
    return (uint8_t)reg;
}

uint32_t isa_encode_set(isa_unit unit, unsigned pair, unsigned rs1, unsigned rs2)
{
    SY_ASSERT(pair <= ISA_F7_PAIR_MASK);
    const isa_insn insn = {.op = ISA_OP_SET,
                           .unit = (uint8_t)unit,
                           .pair = (uint8_t)pair,
                           .rs1 = reg8(rs1),
                           .rs2 = reg8(rs2)};
    return encode_or_assert(&insn);
}

uint32_t isa_encode_command(isa_op op, unsigned rs1)
{
    SY_ASSERT(op > ISA_OP_SET && op < ISA_N_OPS);
    const isa_insn insn = {.op = op, .rs1 = reg8(rs1)};
    return encode_or_assert(&insn);
}

uint32_t isa_encode_r(isa_op op, unsigned rd, unsigned rs1, unsigned rs2)
{
    const isa_insn insn = {.op = op, .rd = reg8(rd), .rs1 = reg8(rs1), .rs2 = reg8(rs2)};
    return encode_or_assert(&insn);
}

uint32_t isa_encode_i(isa_op op, unsigned rd, unsigned rs1, int32_t imm)
{
    const isa_insn insn = {.op = op, .rd = reg8(rd), .rs1 = reg8(rs1), .imm = imm};
    return encode_or_assert(&insn);
}

uint32_t isa_encode_s(isa_op op, unsigned rs1, unsigned rs2, int32_t imm)
{
    const isa_insn insn = {.op = op, .rs1 = reg8(rs1), .rs2 = reg8(rs2), .imm = imm};
    return encode_or_assert(&insn);
}

uint32_t isa_encode_u(isa_op op, unsigned rd, int32_t imm)
{
    const isa_insn insn = {.op = op, .rd = reg8(rd), .imm = imm};
    return encode_or_assert(&insn);
}
