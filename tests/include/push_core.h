/*
 * push_core.h -- for tests: a small RV32IM interpreter that runs generated code, keeps what each SET wrote, and compares every other push with a command list.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_PUSH_CORE_H
#define SYSTOLE_TESTS_PUSH_CORE_H

#include "systole/base/buf.h"
#include "systole/compiler/command.h"
#include "systole/isa/config.h"
#include "systole/isa/isa.h"
#include "systole/isa/program.h"
#include "test.h"

typedef struct machine {
    const isa_program *program;
    const isa_config *config;
    uint32_t pc, x[32];
    uint8_t *dmem;
    uint32_t regs[ISA_N_QUEUES][CC_MAX_REGISTERS];
    /* what is expected, and how far we are */
    const cc_program *list;
    size_t at;
    uint64_t cycles, sets;
    bool halted;
    uint32_t exit_code;
} machine;

static inline void push(machine *m, const isa_insn *insn)
{
    const uint32_t a = m->x[insn->rs1];
    const uint32_t b = m->x[insn->rs2];
    if (insn->op == ISA_OP_SET) {
        m->regs[insn->unit][2 * insn->pair] = a;
        m->regs[insn->unit][2 * insn->pair + 1] = b;
        m->sets++;
        return;
    }
    if (insn->op == ISA_OP_CORE_HALT) {
        m->halted = true;
        m->exit_code = a;
        return;
    }
    assert_true(m->at < m->list->n_commands);
    const cc_command *c = &m->list->commands[m->at];
    if (c->unit != insn->unit || c->funct7 != insn->funct7 || c->payload != a || b != 0) {
        fail_msg("command %zu: expected unit %u operation %u payload %u, got %u %u %u", m->at, c->unit, c->funct7, (unsigned)c->payload,
                 insn->unit, insn->funct7, (unsigned)a);
    }
    for (unsigned r = 0; c->unit < ISA_N_QUEUES && r < CC_MAX_REGISTERS; r++) {
        if ((c->mask >> r & 1) && c->regs[r] != m->regs[c->unit][r]) {
            fail_msg("command %zu register %u: expected %u, got %u", m->at, r, (unsigned)c->regs[r], (unsigned)m->regs[c->unit][r]);
        }
    }
    m->at++;
}

static inline uint8_t *data_word(machine *m, uint32_t address)
{
    const uint32_t offset = address - ISA_DMEM_BASE;
    if (offset > m->config->dmem_bytes - 4 || offset % 4 != 0) {
        fail_msg("pc %x: access to %x", (unsigned)m->pc, (unsigned)address);
    }
    return m->dmem + offset;
}

static inline bool taken(isa_op op, uint32_t a, uint32_t b)
{
    return (op == ISA_OP_BEQ && a == b) || (op == ISA_OP_BNE && a != b) || (op == ISA_OP_BLT && (int32_t)a < (int32_t)b) ||
           (op == ISA_OP_BGE && (int32_t)a >= (int32_t)b) || (op == ISA_OP_BLTU && a < b) || (op == ISA_OP_BGEU && a >= b);
}

static inline uint32_t compute(isa_op op, uint32_t a, uint32_t b)
{
    if (op == ISA_OP_ADD || op == ISA_OP_ADDI) {
        return a + b;
    } else if (op == ISA_OP_SUB) {
        return a - b;
    } else if (op == ISA_OP_MUL) {
        return a * b;
    } else if (op == ISA_OP_SLL || op == ISA_OP_SLLI) {
        return a << (b & 31);
    } else if (op == ISA_OP_SRL || op == ISA_OP_SRLI) {
        return a >> (b & 31);
    } else if (op == ISA_OP_OR || op == ISA_OP_ORI) {
        return a | b;
    } else if (op == ISA_OP_AND || op == ISA_OP_ANDI) {
        return a & b;
    } else if (op == ISA_OP_XOR || op == ISA_OP_XORI) {
        return a ^ b;
    }
    fail_msg("instruction %s is not known to this test", isa_op_describe(op)->name);
    return 0;
}

static inline void step(machine *m)
{
    isa_insn i;
    assert_true(m->pc < m->program->n_text_bytes && m->pc % 4 == 0);
    const uint32_t word = base_get_le32(m->program->text + m->pc);
    if (!isa_decode(word, &i)) {
        fail_msg("pc %x: illegal word %08x", (unsigned)m->pc, (unsigned)word);
    }
    uint32_t next = m->pc + 4;
    m->cycles += isa_timing_cycles(i.timing);
    const uint32_t a = m->x[i.rs1];
    const uint32_t b = m->x[i.rs2];
    if (i.format == ISA_FORMAT_XSYSTOLE) {
        push(m, &i);
    } else if (i.timing == ISA_TIMING_BRANCH) {
        if (taken(i.op, a, b)) {
            next = m->pc + (uint32_t)i.imm;
            m->cycles++;
        }
    } else if (i.op == ISA_OP_LW) {
        m->x[i.rd] = base_get_le32(data_word(m, a + (uint32_t)i.imm));
    } else if (i.op == ISA_OP_SW) {
        base_set_le32(data_word(m, a + (uint32_t)i.imm), b);
    } else if (i.op == ISA_OP_JAL || i.op == ISA_OP_JALR) {
        const uint32_t target = i.op == ISA_OP_JAL ? m->pc + (uint32_t)i.imm : a + (uint32_t)i.imm;
        m->x[i.rd] = next;
        next = target;
    } else if (i.op == ISA_OP_LUI || i.op == ISA_OP_AUIPC) {
        m->x[i.rd] = (uint32_t)i.imm + (i.op == ISA_OP_AUIPC ? m->pc : 0);
    } else {
        m->x[i.rd] = compute(i.op, a, i.format == ISA_FORMAT_R ? b : (uint32_t)i.imm);
    }
    m->x[0] = 0;
    m->pc = next;
}

/* What a run of one program took. */
typedef struct run_cost {
    uint64_t cycles, sets;
} run_cost;

/* Runs one entry point and compares all it pushes. */
static inline run_cost run(const isa_config *config, const isa_program *program, const cc_program *list)
{
    machine m = {.program = program, .config = config, .list = list};
    m.dmem = calloc(1, config->dmem_bytes);
    assert_non_null(m.dmem);
    memset(m.dmem, 0xA5, config->dmem_bytes);
    if (program->n_data_bytes > 0) {
        memcpy(m.dmem, program->data, program->n_data_bytes);
    }
    m.x[2] = ISA_DMEM_BASE + config->dmem_bytes;
    assert_true(isa_program_find(program, list->name, &m.pc));
    for (uint64_t n = 0; !m.halted; n++) {
        assert_true(n < 100000000);
        step(&m);
    }
    assert_int_equal(m.at, list->n_commands);
    assert_int_equal(m.exit_code, 0);
    assert_memory_equal(m.dmem, program->data != NULL ? program->data : m.dmem, program->n_data_bytes);
    free(m.dmem);
    return (run_cost){m.cycles, m.sets};
}

#endif
