/*
 * core_alu.h -- one instruction that the core does alone: part of core.c, apart for its length.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

/* A jump to target; the link is written and pc set only if it is aligned. */
static halt_at jump(sim_core *core, uint32_t rd, uint32_t target, fault *why)
{
    if ((target & 3) != 0) {
        *why = (fault){ISA_EXCEPTION_FETCH_MISALIGNED, target};
        return AT_EXCEPTION;
    }
    core->x[rd] = core->pc + 4;
    core->pc = target;
    return AT_NOTHING;
}

static halt_at branch(sim_core *core, const sim_insn *i, bool taken, unsigned *cost, fault *why)
{
    if (!taken) {
        *cost = ISA_CYCLES_BRANCH;
        core->pc += 4;
        return AT_NOTHING;
    }
    *cost = ISA_CYCLES_TAKEN;
    return jump(core, 0, core->pc + (uint32_t)i->imm, why);
}

static halt_at load(sim *s, const sim_insn *i, uint32_t size, bool is_signed, unsigned *cost, fault *why)
{
    sim_core *core = &s->core;
    const uint8_t *p = data_at(s, core->x[i->rs1] + (uint32_t)i->imm, size, false, why);
    if (p == NULL) {
        return AT_EXCEPTION;
    }
    uint32_t value = p[0];
    if (size == 2) {
        value |= (uint32_t)p[1] << 8;
    } else if (size == 4) {
        memcpy(&value, p, 4);
    }
    if (is_signed) {
        value = size == 1 ? (uint32_t)(int8_t)value : (uint32_t)(int16_t)value;
    }
    core->x[i->rd] = value;
    core->pc += 4;
    *cost = ISA_CYCLES_LOAD;
    return AT_NOTHING;
}

/* What a store of size bytes takes of a register. */
static uint32_t stored_value(uint32_t value, uint32_t size)
{
    return size == 4 ? value : value & ((UINT32_C(1) << 8 * size) - 1);
}

/* Writes a legal store's bytes. */
static void put(sim *s, uint32_t address, uint32_t value, uint32_t size)
{
    memcpy(s->memory[ISA_MEMORY_DMEM] + (address - s->core.dmem_base), &value, size);
    if (s->core.stores_reach_imem) {
        store_to_imem(s, address, &value, size);
    }
}

/* AT_OTHER, with nothing done, if it is the store that halts the core. */
static halt_at store(sim *s, const sim_insn *i, uint32_t size, unsigned *cost, fault *why)
{
    sim_core *core = &s->core;
    const uint32_t address = core->x[i->rs1] + (uint32_t)i->imm;
    const uint32_t value = core->x[i->rs2];
    if (data_at(s, address, size, true, why) == NULL) {
        return AT_EXCEPTION;
    }
    if ((address & ~UINT32_C(3)) == core->watch && stored_value(value, size) != 0) {
        return AT_OTHER;
    }
    put(s, address, value, size);
    core->pc += 4;
    *cost = ISA_CYCLES_STORE;
    return AT_NOTHING;
}

/* An ALU result. */
#define RESULT(value)            \
    core->x[i->rd] = (value);    \
    core->pc += 4;               \
    *cost = ISA_CYCLES_ALU;      \
    return AT_NOTHING

/* A result of the multiplier or the divider. */
#define SLOW_RESULT(value, cycles) \
    core->x[i->rd] = (value);      \
    core->pc += 4;                 \
    *cost = (cycles);              \
    return AT_NOTHING

/* AT_OTHER for CSR and Xsystole: nothing done. On an exception nothing is done either. */
static halt_at execute(sim *s, const sim_insn *i, unsigned *cost, fault *why)
{
    sim_core *core = &s->core;
    const uint32_t a = core->x[i->rs1];
    const uint32_t b = core->x[i->rs2];
    const uint32_t imm = (uint32_t)i->imm;
    switch ((isa_op)i->op) {
    case ISA_OP_LUI: RESULT(imm);
    case ISA_OP_AUIPC: RESULT(core->pc + imm);
    case ISA_OP_ADDI: RESULT(a + imm);
    case ISA_OP_SLTI: RESULT((int32_t)a < (int32_t)imm);
    case ISA_OP_SLTIU: RESULT(a < imm);
    case ISA_OP_XORI: RESULT(a ^ imm);
    case ISA_OP_ORI: RESULT(a | imm);
    case ISA_OP_ANDI: RESULT(a & imm);
    case ISA_OP_SLLI: RESULT(a << (imm & 31));
    case ISA_OP_SRLI: RESULT(a >> (imm & 31));
    case ISA_OP_SRAI: RESULT(shift_right_signed(a, imm & 31));
    case ISA_OP_ADD: RESULT(a + b);
    case ISA_OP_SUB: RESULT(a - b);
    case ISA_OP_SLL: RESULT(a << (b & 31));
    case ISA_OP_SLT: RESULT((int32_t)a < (int32_t)b);
    case ISA_OP_SLTU: RESULT(a < b);
    case ISA_OP_XOR: RESULT(a ^ b);
    case ISA_OP_SRL: RESULT(a >> (b & 31));
    case ISA_OP_SRA: RESULT(shift_right_signed(a, b & 31));
    case ISA_OP_OR: RESULT(a | b);
    case ISA_OP_AND: RESULT(a & b);
    case ISA_OP_FENCE:
    case ISA_OP_FENCE_I:
    case ISA_OP_WFI:
        core->pc += 4;
        *cost = ISA_CYCLES_ALU;
        return AT_NOTHING;
    case ISA_OP_MUL: SLOW_RESULT(a * b, ISA_CYCLES_MUL);
    case ISA_OP_MULH:
        SLOW_RESULT((uint32_t)((uint64_t)((int64_t)(int32_t)a * (int32_t)b) >> 32), ISA_CYCLES_MUL);
    case ISA_OP_MULHSU:
        SLOW_RESULT((uint32_t)((uint64_t)((int64_t)(int32_t)a * (int64_t)b) >> 32), ISA_CYCLES_MUL);
    case ISA_OP_MULHU: SLOW_RESULT((uint32_t)((uint64_t)a * b >> 32), ISA_CYCLES_MUL);
    case ISA_OP_DIV: SLOW_RESULT(divide((int32_t)a, (int32_t)b), ISA_CYCLES_DIV);
    case ISA_OP_DIVU: SLOW_RESULT(b == 0 ? UINT32_MAX : a / b, ISA_CYCLES_DIV);
    case ISA_OP_REM: SLOW_RESULT(remainder_of((int32_t)a, (int32_t)b), ISA_CYCLES_DIV);
    case ISA_OP_REMU: SLOW_RESULT(b == 0 ? a : a % b, ISA_CYCLES_DIV);
    case ISA_OP_LB: return load(s, i, 1, true, cost, why);
    case ISA_OP_LH: return load(s, i, 2, true, cost, why);
    case ISA_OP_LW: return load(s, i, 4, false, cost, why);
    case ISA_OP_LBU: return load(s, i, 1, false, cost, why);
    case ISA_OP_LHU: return load(s, i, 2, false, cost, why);
    case ISA_OP_SB: return store(s, i, 1, cost, why);
    case ISA_OP_SH: return store(s, i, 2, cost, why);
    case ISA_OP_SW: return store(s, i, 4, cost, why);
    case ISA_OP_BEQ: return branch(core, i, a == b, cost, why);
    case ISA_OP_BNE: return branch(core, i, a != b, cost, why);
    case ISA_OP_BLT: return branch(core, i, (int32_t)a < (int32_t)b, cost, why);
    case ISA_OP_BGE: return branch(core, i, (int32_t)a >= (int32_t)b, cost, why);
    case ISA_OP_BLTU: return branch(core, i, a < b, cost, why);
    case ISA_OP_BGEU: return branch(core, i, a >= b, cost, why);
    case ISA_OP_JAL:
        *cost = ISA_CYCLES_TAKEN;
        return jump(core, i->rd, core->pc + imm, why);
    case ISA_OP_JALR:
        *cost = ISA_CYCLES_TAKEN;
        return jump(core, i->rd, (a + imm) & ~UINT32_C(1), why);
    case ISA_OP_MRET:
        core->mstatus = MSTATUS_MPIE | ((core->mstatus & MSTATUS_MPIE) != 0 ? MSTATUS_MIE : 0);
        core->pc = core->mepc;
        *cost = ISA_CYCLES_TAKEN;
        return AT_NOTHING;
    case ISA_OP_ECALL:
        *why = (fault){ISA_EXCEPTION_ECALL, 0};
        return AT_EXCEPTION;
    case ISA_OP_EBREAK:
        *why = (fault){ISA_EXCEPTION_BREAKPOINT, core->pc};
        return AT_EXCEPTION;
    case ISA_OP_ILLEGAL:
        why->value = word_at(s, core->pc);
        why->cause = ISA_EXCEPTION_ILLEGAL;
        return AT_EXCEPTION;
    case ISA_OP_CSRRW:
    case ISA_OP_CSRRS:
    case ISA_OP_CSRRC:
    case ISA_OP_CSRRWI:
    case ISA_OP_CSRRSI:
    case ISA_OP_CSRRCI:
    case ISA_OP_SET:
#define I(unit, name, funct7, args, built, summary) case ISA_OP_##unit##_##name:
#include "systole/isa/tables.h"
        return AT_OTHER;
    case ISA_N_OPS:
        break;
    }
    SY_UNREACHABLE();
}

#undef RESULT
#undef SLOW_RESULT
