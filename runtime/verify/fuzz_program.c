/*
 * fuzz_program.c -- programs of each kind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuzz_internal.h"

#include <string.h>

#define PROGRAM_STREAM UINT64_C(0xF0) /* configurations use another stream of the same seed */
#define MAX_WORDS      12000u
#define MAX_COMMANDS   512u

const char *rt_fuzz_kind_name(fuzz_kind kind)
{
    switch (kind) {
    case FUZZ_VALID:
        return "valid";
    case FUZZ_ILLEGAL:
        return "illegal";
    case FUZZ_DEADLOCK:
        return "deadlock";
    case FUZZ_CORE:
        return "core";
    case FUZZ_WILD:
        return "wild";
    case FUZZ_N_KINDS:
        break;
    }
    return "?";
}

/* The words that a round of four groups may take, with what loops and endings need. */
#define ROUND_WORDS 1300u

static bool has_room(const fuzz_gen *g)
{
    return rt_fuzz_room(g, ROUND_WORDS) && g->budget > 0;
}

/* One to four groups of distinct units, with one to three commands each. */
static void emit_round(fuzz_gen *g)
{
    const uint32_t n = 1 + rt_fuzz_below(g, ISA_N_QUEUES);
    fuzz_group *groups = BASE_ARENA_ARRAY(g->arena, fuzz_group, n);
    if (groups == NULL) {
        g->failed = true;
        return;
    }
    const uint32_t first = rt_fuzz_below(g, ISA_N_QUEUES), step = rt_fuzz_one_in(g, 2) ? 1 : 3;
    for (uint32_t i = 0; i < n; i++) {
        groups[i].unit = (isa_unit)((first + i * step) % ISA_N_QUEUES);
        const uint32_t n_commands = g->all_set ? 1 : 1 + rt_fuzz_below(g, 3);
        uint8_t before = 0; /* the group's last command, 0 if none could be made */
        for (uint32_t k = 0; k < n_commands; k++) {
            uint32_t regs[ISA_MAX_REGS];
            uint8_t funct7 = before;
            memcpy(regs, g->regs[groups[i].unit], sizeof regs);
            const bool again = before != 0 && rt_fuzz_one_in(g, 3) &&
                               sim_check(g->config, groups[i].unit, before, regs) == ISA_ERROR_NONE;
            if (!again && g->kind == FUZZ_WILD) {
                rt_fuzz_wild(g, groups[i].unit, regs, &funct7);
            } else if (!again) {
                funct7 = rt_fuzz_command(g, groups[i].unit, regs);
            }
            if (funct7 != 0) {
                rt_fuzz_group_command(g, &groups[i], funct7, regs);
            }
            before = funct7;
        }
    }
    rt_fuzz_emit_groups(g, groups, n);
}

static void emit_rounds(fuzz_gen *g, uint32_t n)
{
    for (uint32_t i = 0; i < n && has_room(g); i++) {
        if (rt_fuzz_one_in(g, 4)) {
            rt_fuzz_loop(g);
        } else {
            emit_round(g);
        }
        if (rt_fuzz_one_in(g, 3)) {
            rt_fuzz_noise(g);
        }
    }
}

/* A semaphore filled to its maximum, and nobody takes from it. */
static void fill_semaphore(fuzz_gen *g, uint32_t extra)
{
    const int s = rt_fuzz_sync_find_fresh(g);
    if (s < 0) {
        return;
    }
    g->sync.sems[s].poisoned = true;
    rt_fuzz_posts(g, rt_fuzz_below(g, FUZZ_N_ACTORS), (unsigned)s,
                  isa_config_sem_max(g->config) + extra);
}

static void emit_trap(fuzz_gen *g)
{
    rt_fuzz_word(g, isa_encode_i(ISA_OP_CSRRW, 0, 0, ISA_CSR_MTVEC)); /* no handler from here on */
    g->has_handler = false;
    static const isa_op ops[] = {ISA_OP_ECALL, ISA_OP_EBREAK};
    switch (rt_fuzz_below(g, 4)) {
    case 0:
        rt_fuzz_word(g, isa_op_describe(ops[rt_fuzz_below(g, 2)])->match);
        break;
    case 1:
        rt_fuzz_word(g, isa_encode_i(ISA_OP_LW, 1, FUZZ_REG_DATA, 1 + rt_fuzz_range(g, 0, 2)));
        break;
    case 2:
        rt_fuzz_word(g, isa_encode_s(ISA_OP_SB, 0, 1, rt_fuzz_range(g, 0, 100)));
        break;
    default:
        rt_fuzz_word(g, UINT32_MAX);
        break;
    }
}

/* One to three bad commands, each in a unit of its own: the first error in time is the run's. */
static bool emit_bad_commands(fuzz_gen *g)
{
    const uint32_t n = rt_fuzz_one_in(g, 3) ? 2 + rt_fuzz_below(g, 2) : 1;
    /* the VPU has most to check */
    const uint32_t first = rt_fuzz_one_in(g, 3) ? ISA_UNIT_VPU : rt_fuzz_below(g, ISA_N_QUEUES);
    fuzz_group *groups = BASE_ARENA_ARRAY(g->arena, fuzz_group, n);
    uint32_t n_bad = 0;
    if (groups == NULL) {
        g->failed = true;
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t regs[ISA_MAX_REGS];
        uint8_t funct7;
        isa_error error;
        const isa_unit unit = (isa_unit)((first + i) % ISA_N_QUEUES);
        memcpy(regs, g->regs[unit], sizeof regs);
        if (rt_fuzz_illegal(g, unit, regs, &funct7, &error)) {
            rt_fuzz_note(g, "error %s expected of a coming %s command", isa_error_name(error),
                         isa_unit_name(unit));
            groups[n_bad].unit = unit;
            rt_fuzz_group_command(g, &groups[n_bad], funct7, regs);
            n_bad++;
        }
    }
    if (n_bad > 0) {
        rt_fuzz_emit_groups(g, groups, n_bad);
    }
    return n_bad > 0;
}

static void emit_illegal(fuzz_gen *g)
{
    static const uint32_t beyond[] = {0, 1, 32, 224, 0x80000000, 0x7FFFFFE0};
    emit_rounds(g, rt_fuzz_below(g, 6));
    const uint32_t kind = rt_fuzz_below(g, 14);
    if (kind <= 2 && g->config->queue_depth >= 2) {
        rt_fuzz_errors_in_step(g);
    } else if (kind == 3) {
        const uint32_t s = g->config->sem_count +
                           beyond[rt_fuzz_below(g, sizeof beyond / sizeof beyond[0])];
        g->pinned = 0;
        rt_fuzz_wild_sem(g, rt_fuzz_below(g, FUZZ_N_ACTORS), rt_fuzz_one_in(g, 2), s);
    } else if (kind == 4 && rt_fuzz_sync_find_fresh(g) >= 0) {
        fill_semaphore(g, 1);
    } else if (kind == 5 || !emit_bad_commands(g)) {
        emit_trap(g);
    }
    emit_rounds(g, rt_fuzz_below(g, 4));
}

/* Takes more from a semaphore than is ever posted to it; false if there is none for that. */
static bool starve(fuzz_gen *g, unsigned *who)
{
    const unsigned actor = rt_fuzz_below(g, FUZZ_N_ACTORS);
    for (unsigned i = 0; i < 16; i++) {
        const uint32_t at = rt_fuzz_below(g, g->config->sem_count);
        fuzz_sem *s = &g->sync.sems[at];
        const uint32_t n_tokens = s->n_posts - s->n_waits;
        if (s->poisoned || s->shared || n_tokens > 6 ||
            (s->consumer != -1 && s->consumer != (int)actor)) {
            continue;
        }
        rt_fuzz_note(g, "semaphore %u is starved", (unsigned)at);
        s->poisoned = true;
        for (uint32_t k = 0; k <= n_tokens; k++) {
            g->pinned = 0;
            rt_fuzz_wild_sem(g, actor, false, at);
        }
        *who = actor;
        return true;
    }
    return false;
}

/* Two to five actors in a ring, each waiting for the one before. */
static bool wait_in_ring(fuzz_gen *g, unsigned *who)
{
    const unsigned n = 1 + rt_fuzz_below(g, 4), first = rt_fuzz_below(g, FUZZ_N_ACTORS);
    int sems[FUZZ_N_ACTORS];
    for (unsigned i = 0; i < n; i++) {
        sems[i] = rt_fuzz_sync_find_fresh(g);
        if (sems[i] < 0) {
            return false;
        }
        g->sync.sems[sems[i]].poisoned = true;
    }
    rt_fuzz_note(g, "%u actors wait for each other", n);
    for (unsigned i = 0; i < n; i++) {
        const unsigned actor = (first + i) % FUZZ_N_ACTORS;
        g->pinned = 0;
        rt_fuzz_wild_sem(g, actor, false, (uint32_t)sems[i]);
        rt_fuzz_wild_sem(g, actor, true, (uint32_t)sems[(i + 1) % n]);
    }
    *who = first;
    return true;
}

static void emit_deadlock(fuzz_gen *g)
{
    unsigned who = ISA_UNIT_CORE;
    emit_rounds(g, rt_fuzz_below(g, 6));
    if (rt_fuzz_one_in(g, 3) ? !wait_in_ring(g, &who) : !starve(g, &who)) {
        const unsigned actor = rt_fuzz_below(g, FUZZ_N_ACTORS);
        for (uint32_t s = 0; s < g->config->sem_count; s++) { /* all that there is, and one more */
            g->sync.sems[s].poisoned = true;
        }
        g->pinned = 0;
        const unsigned rs1 = rt_fuzz_value(g, rt_fuzz_below(g, g->config->sem_count));
        const isa_op op = actor == ISA_UNIT_CORE ? ISA_OP_CORE_SEMWAIT
                                                 : isa_op_of_command((isa_unit)actor, ISA_F7_WAIT);
        rt_fuzz_load(g, FUZZ_REG_COUNT, FUZZ_MAX_TOKENS + 2);
        rt_fuzz_word(g, isa_encode_command(op, rs1));
        rt_fuzz_word(g, isa_encode_i(ISA_OP_ADDI, FUZZ_REG_COUNT, FUZZ_REG_COUNT, -1));
        rt_fuzz_word(g, isa_encode_s(ISA_OP_BNE, FUZZ_REG_COUNT, 0, -8));
        g->known[FUZZ_REG_COUNT] = false;
        who = actor;
    }
    if (who != ISA_UNIT_CORE && rt_fuzz_one_in(g, 2)) { /* more than the queue holds, or nearly */
        const uint32_t n = g->config->queue_depth + rt_fuzz_below(g, 3);
        const uint8_t pair = (uint8_t)(who == ISA_UNIT_MXU ? ISA_MXU_UNUSED / 2 : 0);
        for (uint32_t i = 0; i < n; i++) {
            const fuzz_op op = {.kind = FUZZ_OP_SET,
                                .pair = pair,
                                .a = g->regs[who][2 * pair],
                                .b = g->regs[who][2 * pair + 1]};
            rt_fuzz_emit_op(g, (isa_unit)who, &op);
        }
    }
    if (rt_fuzz_one_in(g, 2)) {
        emit_rounds(g, rt_fuzz_below(g, 5));
    }
    if (rt_fuzz_one_in(g, 3) && rt_fuzz_room(g, 8)) {
        rt_fuzz_word(g, isa_encode_command(ISA_OP_CORE_FENCE, 0));
    }
}

static void emit_wild(fuzz_gen *g)
{
    const uint32_t n = 1 + rt_fuzz_below(g, 12);
    for (uint32_t i = 0; i < n && has_room(g); i++) {
        emit_round(g);
        if (rt_fuzz_one_in(g, 4)) {
            rt_fuzz_semaphore_race(g);
        }
        const uint32_t n_sems = rt_fuzz_below(g, 3);
        for (uint32_t k = 0; k < n_sems; k++) {
            const uint32_t s = rt_fuzz_one_in(g, 40) ? rt_fuzz_below(g, 40)
                                                     : rt_fuzz_below(g, g->config->sem_count);
            g->pinned = 0;
            rt_fuzz_wild_sem(g, rt_fuzz_below(g, FUZZ_N_ACTORS), !rt_fuzz_one_in(g, 3), s);
        }
    }
}

static sy_status begin(fuzz_gen *g)
{
    const uint32_t imem_words = g->config->imem_bytes / 4;
    g->max_words = imem_words < MAX_WORDS ? imem_words : MAX_WORDS;
    g->max_notes = MAX_WORDS / 8;
    g->max_commands = MAX_COMMANDS;
    g->words = BASE_ARENA_ARRAY(g->arena, uint32_t, g->max_words);
    g->notes = BASE_ARENA_ARRAY(g->arena, fuzz_note, g->max_notes);
    g->commands = BASE_ARENA_ARRAY(g->arena, fuzz_command, g->max_commands);
    if (g->words == NULL || g->notes == NULL || g->commands == NULL) {
        return SY_ENOMEM;
    }
    rt_fuzz_sync_init(g);
    g->log_at = FUZZ_LOG_START;
    g->spread = (fuzz_spread)rt_fuzz_below(g, FUZZ_N_SPREADS);
    g->narrow[0] = rt_fuzz_below(g, g->config->spm_banks - 1);
    g->narrow[1] = rt_fuzz_below(g, g->config->acc_banks - 1);
    g->all_set = rt_fuzz_one_in(g, 5);
    g->noise_one_in = rt_fuzz_one_in(g, 3) ? 100 : 4 + rt_fuzz_below(g, 12);
    g->sync_one_in = rt_fuzz_one_in(g, 4) ? 12 : 2 + rt_fuzz_below(g, 3);
    g->long_streams = rt_fuzz_one_in(g, 10);
    g->budget = g->long_streams ? 20000 : 300 + rt_fuzz_below(g, 6000);
    for (unsigned i = 0; i < FUZZ_FLOATS; i++) {
        g->floats[i] = rt_fuzz_float(g);
        if (g->config->element == ISA_ELEMENT_BF16) { /* two of them, and still one of fp32 */
            g->floats[i] = (g->floats[i] & 0xFFFF0000) | rt_fuzz_float(g) >> 16;
        }
    }
    g->floats_at = (rt_fuzz_one_in(g, 2) ? 4096 * rt_fuzz_below(g, 64)
                                         : 64 * rt_fuzz_below(g, 4096)) &
                   ~UINT32_C(3);
    return SY_OK;
}

static void emit_kind(fuzz_gen *g)
{
    if (g->kind == FUZZ_CORE) {
        rt_fuzz_core(g);
        return;
    }
    if (rt_fuzz_one_in(g, 4)) {
        rt_fuzz_handler(g);
    } else {
        g->entry = rt_fuzz_one_in(g, 4) ? rt_fuzz_below(g, 5) : 0;
        for (size_t i = 0; i < g->entry; i++) {
            rt_fuzz_word(g, (uint32_t)base_rng_next(&g->rng));
        }
        rt_fuzz_load(g, FUZZ_REG_DATA, ISA_DMEM_BASE);
    }
    switch (g->kind) {
    case FUZZ_VALID:
        emit_rounds(g, 1 + rt_fuzz_below(g, 16));
        if (rt_fuzz_one_in(g, 12) && rt_fuzz_room(g, 64)) {
            fill_semaphore(g, 0);
        }
        break;
    case FUZZ_ILLEGAL:
        emit_illegal(g);
        break;
    case FUZZ_DEADLOCK:
        emit_deadlock(g);
        break;
    case FUZZ_WILD:
        emit_wild(g);
        break;
    case FUZZ_CORE:
    case FUZZ_N_KINDS:
        break;
    }
}

sy_status rt_fuzz_program(base_arena *arena, const isa_config *config, uint64_t seed,
                          uint64_t number, fuzz_program *out, base_diag *diag)
{
    static const fuzz_kind kinds[] = {
        FUZZ_VALID, FUZZ_VALID,   FUZZ_VALID,   FUZZ_VALID,    FUZZ_VALID,    FUZZ_ILLEGAL,
        FUZZ_VALID, FUZZ_ILLEGAL, FUZZ_ILLEGAL, FUZZ_DEADLOCK, FUZZ_DEADLOCK, FUZZ_CORE,
        FUZZ_CORE,  FUZZ_CORE,    FUZZ_WILD,    FUZZ_WILD,     FUZZ_VALID,    FUZZ_ILLEGAL};
    fuzz_gen *g = BASE_ARENA_NEW(arena, fuzz_gen);
    if (g == NULL) {
        return base_fail(diag, SY_ENOMEM, "out of memory for a random program");
    }
    g->arena = arena;
    g->config = config;
    g->rng = base_rng_make(seed ^ isa_config_hash(config), PROGRAM_STREAM + (number << 8));
    *out = (fuzz_program){.kind = kinds[rt_fuzz_below(g, sizeof kinds / sizeof kinds[0])]};
    g->kind = out->kind;
    out->stall_max = rt_fuzz_one_in(g, 2) ? 0 : 1 + rt_fuzz_below(g, 24);
    out->stall_seed = base_rng_next(&g->rng);
    g->stall_max = out->stall_max;
    base_rng faults = base_rng_make(seed ^ isa_config_hash(config), PROGRAM_STREAM + (number << 8) + 1);
    out->ready_max = base_rng_one_in(&faults, 3) ? 1 + (uint32_t)base_rng_below(&faults, 12) : 0;
    out->error_one_in = base_rng_one_in(&faults, 10) ? 1 + (uint32_t)base_rng_below(&faults, 50) : 0;
    g->ready_max = out->ready_max;
    if (begin(g) != SY_OK) {
        return base_fail(diag, SY_ENOMEM, "out of memory for a random program");
    }
    emit_kind(g);
    g->pinned = 0;
    const unsigned code = rt_fuzz_value(g, rt_fuzz_one_in(g, 2) ? 0 : rt_fuzz_corner(g));
    rt_fuzz_word(g, isa_encode_command(ISA_OP_CORE_HALT, code));
    rt_fuzz_finish(g, out);
    if (g->failed) {
        return base_fail(diag, SY_ENOMEM, "out of memory for a random program");
    }
    out->max_cycles = 2 * (g->bound + 20 * g->n_words) + 20000;
    if (rt_fuzz_one_in(g, 40)) {
        out->is_limited = true;
        out->max_cycles = 1 + rt_fuzz_below(g, 1000);
    }
    return SY_OK;
}
