/*
 * codegen.c -- generated code, executed: at each command the registers that matter hold what the list says, in the list's order.
 *
 * The code runs in a small RV32IM interpreter, which keeps what each SET wrote and records every push.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/base/buf.h"
#include "systole/base/rng.h"
#include "systole/compiler/codegen.h"
#include "systole/isa/isa.h"

/* ---------------------------------------------------------------- the machine */

enum { MAX_DMEM = 1 << 20 };

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

static void push(machine *m, const isa_insn *insn)
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

static uint8_t *data_word(machine *m, uint32_t address)
{
    const uint32_t offset = address - ISA_DMEM_BASE;
    if (offset > m->config->dmem_bytes - 4 || offset % 4 != 0) {
        fail_msg("pc %x: access to %x", (unsigned)m->pc, (unsigned)address);
    }
    return m->dmem + offset;
}

static bool taken(isa_op op, uint32_t a, uint32_t b)
{
    return (op == ISA_OP_BEQ && a == b) || (op == ISA_OP_BNE && a != b) || (op == ISA_OP_BLT && (int32_t)a < (int32_t)b) ||
           (op == ISA_OP_BGE && (int32_t)a >= (int32_t)b) || (op == ISA_OP_BLTU && a < b) || (op == ISA_OP_BGEU && a >= b);
}

static uint32_t compute(isa_op op, uint32_t a, uint32_t b)
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

static void step(machine *m)
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
static run_cost run(const isa_config *config, const isa_program *program, const cc_program *list)
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

/* ---------------------------------------------------------------- lists */

static const uint8_t command_of[ISA_N_QUEUES] = {ISA_F7_MXU_MATMUL, ISA_F7_VPU_VEC, ISA_F7_LD_LOAD, ISA_F7_ST_STORE};

static cc_command random_command(base_rng *rng)
{
    cc_command c;
    memset(&c, 0, sizeof c);
    c.unit = (uint8_t)base_rng_below(rng, ISA_N_QUEUES);
    c.funct7 = (uint8_t)(1 + base_rng_below(rng, 3));
    c.payload = (uint32_t)base_rng_below(rng, 32);
    if (base_rng_one_in(rng, 20)) {
        c.unit = ISA_UNIT_CORE;
        if (c.funct7 == ISA_F7_CORE_FENCE) {
            c.payload = 0;
        }
    } else if (c.funct7 == 3) {
        c.funct7 = command_of[c.unit];
        const unsigned n = isa_unit_n_regs(c.unit);
        for (unsigned r = 0; r < n; r++) {
            if (base_rng_one_in(rng, 3)) {
                const uint32_t values[] = {0, 1, 77, 0x12345678, (uint32_t)base_rng_next(rng)};
                cc_set(&c, r, values[base_rng_below(rng, 5)]);
            }
        }
    }
    return c;
}

static void add(base_arena *arena, cc_program *p, const cc_command *c)
{
    assert_ok(cc_program_add(arena, p, c));
}

/* A random nest of loops, written out. */
static void add_nest(base_arena *arena, cc_program *p, base_rng *rng, unsigned depth)
{
    const size_t n_items = 1 + base_rng_below(rng, 5);
    for (size_t i = 0; i < n_items; i++) {
        if (depth == 0 || base_rng_one_in(rng, 2)) {
            const cc_command c = random_command(rng);
            add(arena, p, &c);
            continue;
        }
        const size_t from = p->n_commands;
        add_nest(arena, p, rng, depth - 1);
        const size_t n = p->n_commands - from;
        const uint32_t count = (uint32_t)(2 + base_rng_below(rng, 5));
        const uint64_t steps = base_rng_next(rng);
        for (uint32_t it = 1; it < count; it++) {
            for (size_t k = 0; k < n; k++) {
                cc_command c = p->commands[from + k];
                for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
                    const uint64_t step = base_rng_u64(steps, k, r);
                    if ((c.mask >> r & 1) && step % 4 == 0) {
                        c.regs[r] += it * ((uint32_t)(step >> 8) % 5000 - 2500);
                    }
                }
                if (c.mask != 0 && base_rng_u64(steps, k, 99) % 8 == 0) {
                    c.payload += it;
                }
                add(arena, p, &c);
            }
        }
    }
}

static void test_random(void **state)
{
    (void)state;
    isa_config config;
    isa_config_default(&config);
    config.imem_bytes = 1 << 20;
    for (uint64_t seed = 0; seed < 40; seed++) {
        base_arena *arena = base_arena_create();
        base_diag diag = {0};
        cc_program lists[2] = {{.name = "first"}, {.name = "second"}};
        for (unsigned i = 0; i < 2; i++) {
            base_rng rng = base_rng_make(seed, i);
            for (uint64_t l = base_rng_below(&rng, 4); l > 0; l--) {
                assert_ok(cc_program_begin_layer(arena, &lists[i], "node/of a graph:0"));
                add_nest(arena, &lists[i], &rng, (unsigned)base_rng_below(&rng, 4));
            }
        }
        isa_program program = {0};
        if (cc_codegen(arena, &config, lists, 2, &program, &diag) != SY_OK) {
            fail_msg("seed %d: %s", (int)seed, base_diag_message(&diag));
        }
        run(&config, &program, &lists[0]);
        run(&config, &program, &lists[1]);
        base_arena_destroy(arena);
    }
}

int main(void)
{
    if (!SY_HAVE_LLVM) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
