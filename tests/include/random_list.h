/*
 * random_list.h -- for tests: random command lists with the structure that schedules have: loops, and sequences that come again with other values.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_RANDOM_LIST_H
#define SYSTOLE_TESTS_RANDOM_LIST_H

#include "test.h"

#include "systole/base/rng.h"
#include "systole/compiler/command.h"
#include "systole/isa/isa.h"

static inline void list_add(base_arena *arena, cc_program *p, const cc_command *c)
{
    assert_ok(cc_program_add(arena, p, c));
}

static inline cc_command list_random_command(base_rng *rng)
{
    static const uint8_t command_of[ISA_N_QUEUES] = {ISA_F7_MXU_MATMUL, ISA_F7_VPU_VEC, ISA_F7_LD_LOAD, ISA_F7_ST_STORE};
    cc_command c;
    memset(&c, 0, sizeof c);
    c.unit = (uint8_t)base_rng_below(rng, ISA_N_QUEUES);
    c.funct7 = (uint8_t)(1 + base_rng_below(rng, 3));
    c.payload = (uint32_t)base_rng_below(rng, 32);
    if (base_rng_one_in(rng, 20)) {
        c.unit = ISA_UNIT_CORE;
        c.payload = c.funct7 == ISA_F7_CORE_FENCE ? 0 : c.payload;
    } else if (c.funct7 == 3) {
        c.funct7 = command_of[c.unit];
        const unsigned n = isa_unit_n_regs((isa_unit)c.unit);
        for (unsigned r = 0; r < n; r++) {
            if (base_rng_one_in(rng, 3)) {
                const uint32_t values[] = {0, 1, 77, 0x12345678, (uint32_t)base_rng_next(rng)};
                cc_set(&c, r, values[base_rng_below(rng, 5)]);
            }
        }
    }
    return c;
}

/* Appends a copy of commands [from, from + n), each value that `steps` says so moved by i times its step. */
static inline void list_repeat(base_arena *arena, cc_program *p, size_t from, size_t n, uint64_t steps, uint32_t i)
{
    for (size_t k = 0; k < n; k++) {
        cc_command c = p->commands[from + k];
        for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
            const uint64_t step = base_rng_u64(steps, k, r);
            if ((c.mask >> r & 1) && step % 4 == 0) {
                c.regs[r] += i * ((uint32_t)(step >> 8) % 5000 - 2500);
            }
        }
        if (c.mask != 0 && base_rng_u64(steps, k, 99) % 8 == 0) {
            c.payload += i;
        }
        list_add(arena, p, &c);
    }
}

/* A random nest of loops, written out; sequences that were there before come again. */
static inline void list_add_nest(base_arena *arena, cc_program *p, base_rng *rng, unsigned depth)
{
    const size_t n_items = 1 + base_rng_below(rng, 5);
    for (size_t i = 0; i < n_items; i++) {
        if (depth == 0 || base_rng_one_in(rng, 2)) {
            const cc_command c = list_random_command(rng);
            list_add(arena, p, &c);
            continue;
        }
        const size_t from = p->n_commands;
        list_add_nest(arena, p, rng, depth - 1);
        const size_t n = p->n_commands - from;
        const uint64_t steps = base_rng_next(rng);
        if (base_rng_one_in(rng, 2)) {
            for (uint32_t count = (uint32_t)(2 + base_rng_below(rng, 5)), it = 1; it < count; it++) {
                list_repeat(arena, p, from, n, steps, it);
            }
            continue;
        }
        for (uint64_t calls = base_rng_below(rng, 6); calls > 0; calls--) { /* with something between, by no rule */
            const cc_command c = list_random_command(rng);
            list_add(arena, p, &c);
            list_repeat(arena, p, from, n, steps, (uint32_t)base_rng_below(rng, 1000));
        }
    }
}

#endif
