/*
 * codegen.c -- generated code, executed: at each command the registers that matter hold what the list says, in the list's order.
 *
 * The code runs in a small RV32IM interpreter (push_core.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "push_core.h"
#include "systole/base/rng.h"
#include "systole/compiler/codegen.h"

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
