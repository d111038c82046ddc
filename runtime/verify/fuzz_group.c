/*
 * fuzz_group.c -- queue entries merged into the program, the core's own instructions between them,
 * and loops of commands.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuzz_internal.h"

#include <string.h>

static void add_op(fuzz_group *group, fuzz_op op)
{
    if (group->n_ops < FUZZ_MAX_OPS) {
        group->ops[group->n_ops++] = op;
    }
}

static void add_sync(fuzz_gen *g, fuzz_group *group, fuzz_op_kind kind)
{
    while (rt_fuzz_one_in(g, g->sync_one_in)) {
        add_op(group, (fuzz_op){.kind = kind});
    }
}

/* Banks of a command, against those of the other units' last ones. */
static void record_banks(fuzz_gen *g, isa_unit unit, uint8_t funct7, const uint32_t *regs)
{
    sim_stream streams[SIM_MAX_STREAMS];
    uint64_t banks[2] = {0};
    const unsigned n = sim_command_streams(g->config, unit, funct7, regs, streams);
    for (unsigned i = 0; i < n; i++) {
        banks[streams[i].memory == ISA_MEMORY_SPM ? 0 : 1] |= sim_rows_banks(
            g->config, streams[i].memory, sim_stream_rows(&streams[i], 0));
    }
    for (unsigned m = 0; m < 2; m++) {
        for (unsigned other = 0; other < ISA_N_QUEUES; other++) {
            if (other != (unsigned)unit && (g->banks[other][m] & banks[m]) != 0) {
                g->meetings |= UINT32_C(1) << (16 * m + 4 * other + (unsigned)unit);
            }
        }
        g->banks[unit][m] = banks[m];
    }
}

static void record_command(fuzz_gen *g, isa_unit unit, uint8_t funct7, const uint32_t *regs,
                           uint32_t n_times)
{
    const isa_error error = sim_check(g->config, unit, funct7, regs);
    if (error == ISA_ERROR_NONE) {
        uint64_t bound;
        const uint64_t cost = n_times * rt_fuzz_cost(g, unit, funct7, regs, &bound);
        g->bound += n_times * bound;
        g->budget -= cost < g->budget ? cost : g->budget;
        record_banks(g, unit, funct7, regs);
    }
    if (g->n_commands < g->max_commands) {
        fuzz_command *c = &g->commands[g->n_commands++];
        *c = (fuzz_command){.unit = unit, .funct7 = funct7, .expect = error};
        memcpy(c->regs, regs, sizeof c->regs);
    }
}

void rt_fuzz_group_command(fuzz_gen *g, fuzz_group *group, uint8_t funct7,
                           const uint32_t regs[ISA_MAX_REGS])
{
    uint32_t *old = g->regs[group->unit];
    uint8_t pairs[ISA_MAX_REGS / 2];
    const unsigned n_pairs = (isa_unit_n_regs(group->unit) + 1) / 2;
    unsigned n = 0;
    for (unsigned p = 0; p < n_pairs; p++) {
        if (g->all_set || old[2 * p] != regs[2 * p] || old[2 * p + 1] != regs[2 * p + 1] ||
            rt_fuzz_one_in(g, 40)) {
            pairs[n++] = (uint8_t)p;
        }
    }
    for (unsigned i = n; i > 1; i--) {
        const unsigned j = rt_fuzz_below(g, i);
        const uint8_t swap = pairs[i - 1];
        pairs[i - 1] = pairs[j];
        pairs[j] = swap;
    }
    const unsigned wait_at = rt_fuzz_below(g, n + 1); /* SETs stand before and after WAIT */
    for (unsigned i = 0; i <= n; i++) {
        if (i == wait_at) {
            add_sync(g, group, FUZZ_OP_WAIT);
        }
        if (i < n) {
            add_op(group, (fuzz_op){.kind = FUZZ_OP_SET,
                                    .pair = pairs[i],
                                    .a = regs[2 * pairs[i]],
                                    .b = regs[2 * pairs[i] + 1]});
        }
    }
    const uint32_t tag = rt_fuzz_one_in(g, 2) ? (uint32_t)g->n_commands : 0;
    add_op(group, (fuzz_op){.kind = FUZZ_OP_COMMAND, .funct7 = funct7, .a = tag});
    add_sync(g, group, FUZZ_OP_POST);
    memcpy(old, regs, sizeof g->regs[0]);
    record_command(g, group->unit, funct7, regs, 1);
}

/* A word of a unit with rs1; rs2 for SET. */
static uint32_t unit_word(isa_unit unit, unsigned funct7, unsigned rs1)
{
    return isa_encode_command(isa_op_of_command(unit, funct7), rs1);
}

void rt_fuzz_emit_op(fuzz_gen *g, isa_unit unit, const fuzz_op *op)
{
    if (!rt_fuzz_room(g, 64)) {
        return;
    }
    if (__builtin_popcount(g->pinned) > 20) {
        g->pinned = 0;
    }
    switch (op->kind) {
    case FUZZ_OP_SET: {
        const unsigned rs1 = rt_fuzz_value(g, op->a);
        const unsigned rs2 = rt_fuzz_value(g, op->b);
        rt_fuzz_word(g, isa_encode_set(unit, op->pair, rs1, rs2));
        break;
    }
    case FUZZ_OP_WAIT: {
        const int s = op->is_wild ? (int)op->a : rt_fuzz_sync_find_wait(g, unit);
        if (s < 0 && !op->is_wild) {
            return;
        }
        const unsigned rs1 = rt_fuzz_value(g, (uint32_t)s);
        rt_fuzz_sync_push(&g->sync, unit);
        if (!op->is_wild) {
            rt_fuzz_sync_wait(&g->sync, unit, (unsigned)s);
        }
        rt_fuzz_word(g, unit_word(unit, ISA_F7_WAIT, rs1));
        break;
    }
    case FUZZ_OP_POST: {
        const int s = op->is_wild ? (int)op->a : rt_fuzz_sync_find_post(g, unit);
        if (s < 0 && !op->is_wild) {
            return;
        }
        const unsigned rs1 = rt_fuzz_value(g, (uint32_t)s);
        rt_fuzz_sync_push(&g->sync, unit);
        if (!op->is_wild) {
            rt_fuzz_sync_post(&g->sync, unit, (unsigned)s);
        }
        rt_fuzz_word(g, unit_word(unit, ISA_F7_POST, rs1));
        break;
    }
    case FUZZ_OP_COMMAND: {
        const unsigned rs1 = rt_fuzz_value(g, op->a);
        char name[ISA_MNEMONIC_BYTES];
        isa_op_mnemonic(isa_op_of_command(unit, op->funct7), name);
        rt_fuzz_note(g, "%s %u", name, (unsigned)op->a);
        rt_fuzz_word(g, unit_word(unit, op->funct7, rs1));
        break;
    }
    }
}

/* Loads values of the next ops into registers, so that the pushes follow one another without a
 * pause. */
static void preload(fuzz_gen *g, const fuzz_group *groups, size_t n)
{
    unsigned n_values = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = groups[i].n_done; k < groups[i].n_ops && k < groups[i].n_done + 12; k++) {
            const fuzz_op *op = &groups[i].ops[k];
            if ((op->kind == FUZZ_OP_SET || op->kind == FUZZ_OP_COMMAND) && n_values + 2 <= 20) {
                (void)rt_fuzz_value(g, op->a);
                (void)rt_fuzz_value(g, op->b);
                n_values += 2;
            }
        }
    }
}

void rt_fuzz_emit_groups(fuzz_gen *g, fuzz_group *groups, size_t n)
{
    size_t n_left = 0;
    for (size_t i = 0; i < n; i++) {
        n_left += groups[i].n_ops - groups[i].n_done;
    }
    const bool quick = rt_fuzz_one_in(g, 2);
    const bool in_turn = rt_fuzz_one_in(g, 2); /* one group after the other, or mixed */
    g->pinned = 0;
    for (size_t i = 0; n_left > 0; i = (i + 1) % n) {
        if (groups[i].n_done == groups[i].n_ops) {
            continue;
        }
        if (quick && rt_fuzz_one_in(g, 12) && rt_fuzz_room(g, 128)) {
            g->pinned = 0;
            preload(g, groups, n);
        }
        const size_t here = groups[i].n_ops - groups[i].n_done;
        const size_t n_now = in_turn ? here : 1 + rt_fuzz_below(g, (uint32_t)here);
        for (size_t k = 0; k < n_now; k++) {
            if (!quick) {
                g->pinned = 0;
            }
            rt_fuzz_emit_op(g, groups[i].unit, &groups[i].ops[groups[i].n_done++]);
            if (rt_fuzz_one_in(g, g->noise_one_in)) {
                rt_fuzz_noise(g);
            }
        }
        n_left -= n_now;
    }
    g->pinned = 0;
}

static void noise_semaphore(fuzz_gen *g)
{
    const bool post = rt_fuzz_one_in(g, 2);
    const int s = post ? rt_fuzz_sync_find_post(g, ISA_UNIT_CORE)
                       : rt_fuzz_sync_find_wait(g, ISA_UNIT_CORE);
    if (s < 0) {
        return;
    }
    const unsigned rs1 = rt_fuzz_value(g, (uint32_t)s);
    if (post) {
        rt_fuzz_sync_post(&g->sync, ISA_UNIT_CORE, (unsigned)s);
    } else {
        rt_fuzz_sync_wait(&g->sync, ISA_UNIT_CORE, (unsigned)s);
    }
    rt_fuzz_word(g, isa_encode_command(post ? ISA_OP_CORE_SEMPOST : ISA_OP_CORE_SEMWAIT, rs1));
}

/* A pause of some cycles: the queues run empty. */
static void noise_delay(fuzz_gen *g)
{
    const uint32_t n = 1 + rt_fuzz_below(g, rt_fuzz_one_in(g, 4) ? 120 : 12);
    rt_fuzz_load(g, FUZZ_REG_COUNT, n);
    rt_fuzz_word(g, isa_encode_i(ISA_OP_ADDI, FUZZ_REG_COUNT, FUZZ_REG_COUNT, -1));
    rt_fuzz_word(g, isa_encode_s(ISA_OP_BNE, FUZZ_REG_COUNT, 0, -4));
    g->value[FUZZ_REG_COUNT] = 0;
    g->bound += 4 * n;
}

void rt_fuzz_noise(fuzz_gen *g)
{
    if (!rt_fuzz_room(g, 96)) {
        return;
    }
    switch (rt_fuzz_below(g, 16)) {
    case 0:
    case 1:
    case 2:
    case 3:
        noise_semaphore(g);
        break;
    case 4:
    case 5:
        noise_delay(g);
        break;
    case 6:
        rt_fuzz_word(g, isa_encode_command(ISA_OP_CORE_FENCE, 0));
        rt_fuzz_sync_fence(&g->sync);
        break;
    case 7:
    case 8:
    case 9: {
        const unsigned rs1 = rt_fuzz_below(g, 32), rs2 = rt_fuzz_below(g, 32);
        const isa_op op = (isa_op)(ISA_OP_MUL + (int)rt_fuzz_below(g, 8));
        rt_fuzz_word(g, isa_encode_r(op, FUZZ_REG_SPARE, rs1, rs2));
        rt_fuzz_log(g, FUZZ_REG_SPARE);
        break;
    }
    case 10:
        rt_fuzz_word(g, isa_encode_i(ISA_OP_LW, FUZZ_REG_SPARE, FUZZ_REG_DATA,
                                     4 * rt_fuzz_range(g, 0, 250)));
        rt_fuzz_log(g, FUZZ_REG_SPARE);
        break;
    case 11:
        if (g->has_handler) {
            rt_fuzz_exception(g);
            rt_fuzz_forget(g); /* some write a register after all */
            g->known[FUZZ_REG_DATA] = true;
        }
        break;
    default:
        rt_fuzz_log_csr(g);
        break;
    }
}

/* One unit's part of a loop body: a command with one register that moves. */
typedef struct loop_part {
    isa_unit unit;
    uint8_t funct7;
    unsigned reg; /* that moves */
    int32_t step;
    uint32_t regs[ISA_MAX_REGS];
    unsigned
        held; /* core registers: of the other half of the pair, the tag, and the one that moves */
    unsigned moving;
    int post, wait, wait_after; /* semaphores, -1 none */
} loop_part;

/* How many rounds of the part's command are valid, up to most. */
static uint32_t valid_rounds(const fuzz_gen *g, const loop_part *part, uint32_t most)
{
    uint32_t regs[ISA_MAX_REGS];
    memcpy(regs, part->regs, sizeof regs);
    uint32_t n = 0;
    while (n < most && sim_check(g->config, part->unit, part->funct7, regs) == ISA_ERROR_NONE) {
        regs[part->reg] += (uint32_t)part->step;
        n++;
    }
    return n;
}

static bool choose_part(fuzz_gen *g, isa_unit unit, loop_part *part)
{
    static const uint8_t moving[ISA_N_QUEUES][3] = {
        {ISA_MXU_A_BASE, ISA_MXU_W_BASE, ISA_MXU_C_BASE},
        {ISA_VPU_A_BASE, ISA_VPU_B_BASE, ISA_VPU_O_BASE},
        {ISA_LD_ROW_BASE, ISA_LD_ADDR_LO, ISA_LD_ADDR_LO},
        {ISA_ST_ROW_BASE, ISA_ST_ADDR_LO, ISA_ST_ADDR_LO},
    };
    *part = (loop_part){.unit = unit, .post = -1, .wait = -1, .wait_after = -1};
    memcpy(part->regs, g->regs[unit], sizeof part->regs);
    part->funct7 = rt_fuzz_command(g, unit, part->regs);
    part->reg = moving[unit][rt_fuzz_below(g, 3)];
    part->step = rt_fuzz_one_in(g, 4) ? 0 : rt_fuzz_range(g, -6, 6);
    return part->funct7 != 0;
}

/* The semaphores of a loop of two parts: each waits for the other. Valid for n rounds, or there are
 * none. */
static void choose_loop_sync(fuzz_gen *g, loop_part *parts, uint32_t n_rounds, fuzz_sync *after)
{
    const int forth = rt_fuzz_sync_find_fresh(g);
    const int back = rt_fuzz_sync_find_fresh(g);
    if (forth < 0 || forth == back || n_rounds >= FUZZ_MAX_TOKENS ||
        parts[0].unit == parts[1].unit) {
        return;
    }
    fuzz_sync *sync = after;
    *sync = g->sync;
    for (uint32_t i = 0; i < n_rounds; i++) {
        for (unsigned k = 0; k < 2; k++) {
            rt_fuzz_sync_push(sync, parts[k].unit);
            const unsigned s = (unsigned)(k == 0 ? forth : back);
            if (k == 1) {
                rt_fuzz_sync_wait(sync, parts[1].unit, (unsigned)forth);
            }
            if (!rt_fuzz_sync_may_post(g, sync, parts[k].unit, s)) {
                return;
            }
            rt_fuzz_sync_post(sync, parts[k].unit, s);
        }
        rt_fuzz_sync_wait(sync, parts[0].unit, (unsigned)back);
    }
    g->sync = *sync;
    parts[0].post = forth;
    parts[1].wait = forth;
    parts[1].post = back;
    parts[0].wait_after = back;
}

static void emit_sem(fuzz_gen *g, const loop_part *part, unsigned funct7, int sem)
{
    if (sem >= 0) {
        /* Numbers of semaphores are loaded in the loop: the registers outside hold the descriptors.
         */
        rt_fuzz_word(g, isa_encode_i(ISA_OP_ADDI, FUZZ_REG_SPARE, 0, sem));
        rt_fuzz_word(g, unit_word(part->unit, funct7, FUZZ_REG_SPARE));
    }
}

static void emit_body(fuzz_gen *g, const loop_part *part)
{
    emit_sem(g, part, ISA_F7_WAIT, part->wait);
    const bool is_low = part->reg % 2 == 0;
    rt_fuzz_word(g, isa_encode_set(part->unit, part->reg / 2, is_low ? part->moving : part->held,
                                   is_low ? part->held : part->moving));
    rt_fuzz_word(g, unit_word(part->unit, part->funct7, FUZZ_REG_COUNT));
    emit_sem(g, part, ISA_F7_POST, part->post);
    if (part->step != 0 || rt_fuzz_one_in(g, 2)) {
        rt_fuzz_word(g, isa_encode_i(ISA_OP_ADDI, part->moving, part->moving, part->step));
    }
}

/* Sets all that the parts need, but for the register that moves. */
static void prepare_part(fuzz_gen *g, loop_part *part)
{
    uint32_t *old = g->regs[part->unit];
    for (unsigned p = 0; p < (isa_unit_n_regs(part->unit) + 1) / 2; p++) {
        if ((old[2 * p] != part->regs[2 * p] || old[2 * p + 1] != part->regs[2 * p + 1]) &&
            p != part->reg / 2) {
            const fuzz_op op = {.kind = FUZZ_OP_SET,
                                .pair = (uint8_t)p,
                                .a = part->regs[2 * p],
                                .b = part->regs[2 * p + 1]};
            g->pinned = 0;
            rt_fuzz_emit_op(g, part->unit, &op);
        }
    }
    memcpy(old, part->regs, sizeof part->regs);
}

void rt_fuzz_loop(fuzz_gen *g)
{
    loop_part parts[3];
    fuzz_sync *after = BASE_ARENA_NEW(g->arena, fuzz_sync);
    uint32_t n_rounds = 2 + rt_fuzz_below(g, g->long_streams ? 60 : 14);
    unsigned n = 0;
    const unsigned n_wanted = 1 + rt_fuzz_below(g, 3);
    const unsigned first = rt_fuzz_below(g, ISA_N_QUEUES);
    if (!rt_fuzz_room(g, 640) || after == NULL) {
        return;
    }
    while (n < n_wanted && choose_part(g, (isa_unit)((first + n) % ISA_N_QUEUES), &parts[n])) {
        n_rounds = valid_rounds(g, &parts[n], n_rounds);
        n++;
    }
    uint64_t bound, cost = 0;
    for (unsigned i = 0; i < n; i++) {
        cost += rt_fuzz_cost(g, parts[i].unit, parts[i].funct7, parts[i].regs, &bound);
    }
    if (n == 0 || cost * n_rounds > 2 * g->budget + 2000) {
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        prepare_part(g, &parts[i]);
    }
    g->pinned = 0;
    for (unsigned i = 0; i < n; i++) {
        parts[i].moving = FUZZ_REG_LOOP0 + i;
        rt_fuzz_load(g, parts[i].moving, parts[i].regs[parts[i].reg]);
        parts[i].held = rt_fuzz_value(g, parts[i].regs[parts[i].reg ^ 1]);
    }
    if (n >= 2 && rt_fuzz_one_in(g, 2)) {
        choose_loop_sync(g, parts, n_rounds, after);
    }
    rt_fuzz_load(g, FUZZ_REG_COUNT, n_rounds);
    rt_fuzz_note(g, "loop of %u rounds", (unsigned)n_rounds);
    const size_t top = g->n_words;
    for (unsigned i = 0; i < n; i++) {
        emit_body(g, &parts[i]);
        rt_fuzz_sync_push(&g->sync, parts[i].unit);
    }
    emit_sem(g, &parts[0], ISA_F7_WAIT, parts[0].wait_after);
    rt_fuzz_word(g, isa_encode_i(ISA_OP_ADDI, FUZZ_REG_COUNT, FUZZ_REG_COUNT, -1));
    rt_fuzz_word(g, isa_encode_s(ISA_OP_BNE, FUZZ_REG_COUNT, 0, -4 * (int32_t)(g->n_words - top)));
    for (unsigned i = 0; i < n; i++) {
        record_command(g, parts[i].unit, parts[i].funct7, parts[i].regs, n_rounds);
        g->regs[parts[i].unit][parts[i].reg] += (n_rounds - 1) * (uint32_t)parts[i].step;
        g->known[parts[i].moving] = false;
    }
    g->bound += 80 * n_rounds;
    g->known[FUZZ_REG_COUNT] = false;
    g->known[FUZZ_REG_SPARE] = false;
}
