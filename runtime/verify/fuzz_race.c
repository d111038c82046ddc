/*
 * fuzz_race.c -- semaphores without care: what happens depends on who comes first by a cycle.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "fuzz_internal.h"

void rt_fuzz_wild_sem(fuzz_gen *g, unsigned actor, bool post, uint32_t s)
{
    rt_fuzz_sync_wild(&g->sync, actor, post, s);
    if (actor == ISA_UNIT_CORE) {
        const unsigned rs1 = rt_fuzz_value(g, s);
        rt_fuzz_word(g, isa_encode_command(post ? ISA_OP_CORE_SEMPOST : ISA_OP_CORE_SEMWAIT, rs1));
        return;
    }
    const fuzz_op op = {.kind = post ? FUZZ_OP_POST : FUZZ_OP_WAIT, .is_wild = true, .a = s};
    rt_fuzz_emit_op(g, (isa_unit)actor, &op);
}

void rt_fuzz_posts(fuzz_gen *g, unsigned actor, unsigned sem, uint32_t rounds)
{
    g->pinned = 0;
    const unsigned rs1 = rt_fuzz_value(g, sem);
    rt_fuzz_sync_wild(&g->sync, actor, true, sem);
    rt_fuzz_load(g, FUZZ_REG_COUNT, rounds);
    rt_fuzz_word(g, actor == ISA_UNIT_CORE
                        ? isa_encode_command(ISA_OP_CORE_SEMPOST, rs1)
                        : isa_encode_command(isa_op_of_command((isa_unit)actor, ISA_F7_POST), rs1));
    rt_fuzz_word(g, isa_encode_i(ISA_OP_ADDI, FUZZ_REG_COUNT, FUZZ_REG_COUNT, -1));
    rt_fuzz_word(g, isa_encode_s(ISA_OP_BNE, FUZZ_REG_COUNT, 0, -8));
    g->bound += 20 * rounds;
    g->known[FUZZ_REG_COUNT] = false;
}

/* What a unit fails by: a command, a post too many, a semaphore that does not exist. Queue entries:
 * one. */
static void push_error(fuzz_gen *g, isa_unit unit, int full_sem, uint8_t funct7)
{
    const uint32_t kind = rt_fuzz_below(g, 3);
    fuzz_op op = {.kind = FUZZ_OP_COMMAND, .funct7 = funct7};
    if (kind == 0 && full_sem >= 0) {
        op = (fuzz_op){.kind = FUZZ_OP_POST, .is_wild = true, .a = (uint32_t)full_sem};
    } else if (kind == 1 || funct7 == 0) {
        op = (fuzz_op){.kind = rt_fuzz_one_in(g, 2) ? FUZZ_OP_POST : FUZZ_OP_WAIT,
                       .is_wild = true,
                       .a = g->config->sem_count};
    }
    rt_fuzz_emit_op(g, unit, &op);
}

/* Sets all registers of a unit that differ. */
static void set_registers(fuzz_gen *g, isa_unit unit, const uint32_t *regs)
{
    for (unsigned p = 0; p < (isa_unit_n_regs(unit) + 1) / 2; p++) {
        if (g->regs[unit][2 * p] != regs[2 * p] || g->regs[unit][2 * p + 1] != regs[2 * p + 1]) {
            const fuzz_op op = {
                .kind = FUZZ_OP_SET, .pair = (uint8_t)p, .a = regs[2 * p], .b = regs[2 * p + 1]};
            g->pinned = 0;
            rt_fuzz_emit_op(g, unit, &op);
        }
    }
    memcpy(g->regs[unit], regs, sizeof g->regs[0]);
}

/*
 * Each unit waits for a token of its own in front of some SETs and its error; the core then gives
 * the tokens one after the other, so that the errors fall into one cycle if the numbers of SETs are
 * right.
 */
void rt_fuzz_errors_in_step(fuzz_gen *g)
{
    const uint32_t n = 1 + rt_fuzz_below(g, ISA_N_QUEUES), first = rt_fuzz_below(g, ISA_N_QUEUES);
    int sems[ISA_N_QUEUES], full = rt_fuzz_sync_find_fresh(g);
    if (full >= 0 && rt_fuzz_one_in(g, 2) && isa_config_sem_max(g->config) < 16) {
        g->sync.sems[full].poisoned = true;
        rt_fuzz_posts(g, ISA_UNIT_CORE, (unsigned)full, isa_config_sem_max(g->config));
    } else {
        full = -1;
    }
    uint8_t funct7[ISA_N_QUEUES] = {0};
    for (uint32_t i = 0; i < n; i++) {
        const isa_unit unit = (isa_unit)((first + i) % ISA_N_QUEUES);
        uint32_t regs[ISA_MAX_REGS];
        isa_error error;
        memcpy(regs, g->regs[unit], sizeof regs);
        if (rt_fuzz_illegal(g, unit, regs, &funct7[i], &error)) {
            set_registers(g, unit, regs);
        } else {
            funct7[i] = 0;
        }
        sems[i] = rt_fuzz_sync_find_fresh(g);
        if (sems[i] >= 0) {
            g->sync.sems[sems[i]].poisoned = true;
        }
    }
    g->pinned = 0;
    rt_fuzz_word(g, isa_encode_command(ISA_OP_CORE_FENCE, 0));
    rt_fuzz_sync_fence(&g->sync);
    for (uint32_t i = 0; i < n; i++) {
        const isa_unit unit = (isa_unit)((first + i) % ISA_N_QUEUES);
        const uint32_t n_sets = rt_fuzz_below(
            g, g->config->queue_depth - 1 < 5 ? g->config->queue_depth - 1 : 5);
        if (sems[i] >= 0) {
            rt_fuzz_wild_sem(g, unit, false, (uint32_t)sems[i]);
        }
        for (uint32_t k = 0; k < n_sets; k++) {
            const fuzz_op op = {
                .kind = FUZZ_OP_SET, .pair = 0, .a = g->regs[unit][0], .b = g->regs[unit][1]};
            rt_fuzz_emit_op(g, unit, &op);
        }
        push_error(g, unit, full, funct7[i]);
    }
    unsigned rs1[ISA_N_QUEUES] = {0};
    g->pinned = 0;
    for (uint32_t i = 0; i < n; i++) {
        rs1[i] = rt_fuzz_value(g, sems[i] >= 0 ? (uint32_t)sems[i] : 0);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (sems[i] >= 0) {
            rt_fuzz_word(g, isa_encode_command(ISA_OP_CORE_SEMPOST, rs1[i]));
        }
    }
    if (rt_fuzz_one_in(g, 2)) { /* and the core's own */
        const uint32_t n_between = rt_fuzz_below(g, 6 + g->config->check_cycles);
        const unsigned bad = rt_fuzz_value(
            g, full >= 0 && rt_fuzz_one_in(g, 2) ? (uint32_t)full : g->config->sem_count);
        for (uint32_t i = 0; i < n_between; i++) {
            rt_fuzz_word(g, isa_encode_i(ISA_OP_ADDI, 0, 0, 0));
        }
        rt_fuzz_word(g, rt_fuzz_one_in(g, 4) ? UINT32_MAX
                                             : isa_encode_command(ISA_OP_CORE_SEMPOST, bad));
    }
}

void rt_fuzz_semaphore_race(fuzz_gen *g)
{
    const int s = rt_fuzz_sync_find_fresh(g);
    const uint32_t n = 1 + rt_fuzz_below(g, 20);
    const unsigned from = rt_fuzz_below(g, FUZZ_N_ACTORS), to = rt_fuzz_below(g, FUZZ_N_ACTORS);
    if (s < 0 || !rt_fuzz_room(g, 32)) {
        return;
    }
    g->sync.sems[s].poisoned = true;
    rt_fuzz_sync_wild(&g->sync, from, true, (uint32_t)s);
    rt_fuzz_sync_wild(&g->sync, to, false, (uint32_t)s);
    g->pinned = 0;
    const unsigned rs1 = rt_fuzz_value(g, (uint32_t)s);
    const isa_op post = from == ISA_UNIT_CORE ? ISA_OP_CORE_SEMPOST
                                              : isa_op_of_command((isa_unit)from, ISA_F7_POST);
    const isa_op wait = to == ISA_UNIT_CORE ? ISA_OP_CORE_SEMWAIT
                                            : isa_op_of_command((isa_unit)to, ISA_F7_WAIT);
    const uint32_t n_ahead = rt_fuzz_below(
        g, isa_config_sem_max(g->config) < 3 ? isa_config_sem_max(g->config) + 1 : 4);
    for (uint32_t i = 0; i < n_ahead; i++) {
        rt_fuzz_word(g, isa_encode_command(post, rs1));
    }
    rt_fuzz_load(g, FUZZ_REG_COUNT, n);
    const size_t top = g->n_words;
    rt_fuzz_word(g, isa_encode_command(post, rs1));
    rt_fuzz_word(g, isa_encode_command(wait, rs1));
    rt_fuzz_word(g, isa_encode_i(ISA_OP_ADDI, FUZZ_REG_COUNT, FUZZ_REG_COUNT, -1));
    rt_fuzz_word(g, isa_encode_s(ISA_OP_BNE, FUZZ_REG_COUNT, 0, -4 * (int32_t)(g->n_words - top)));
    g->known[FUZZ_REG_COUNT] = false;
    g->bound += 40 * n;
}
