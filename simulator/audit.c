/*
 * audit.c -- listens to a run: the program as a list of items in program order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "audit_internal.h"

#include <string.h>

static bool make_rows(sim_audit *a, audit_rows *rows, uint32_t n_rows)
{
    rows->n_rows = n_rows;
    bool ok = (rows->written = base_arena_alloc(a->arena, n_rows, 1)) != NULL;
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        for (unsigned w = 0; w < 2; w++) {
            rows->last[w][k] = BASE_ARENA_ARRAY(a->arena, uint32_t, n_rows);
            ok = ok && rows->last[w][k] != NULL;
        }
    }
    return ok;
}

sim_audit *sim_audit_create(base_arena *arena, const isa_config *config)
{
    sim_audit *a = BASE_ARENA_NEW(arena, sim_audit);
    if (a == NULL) {
        return NULL;
    }
    a->arena = arena;
    a->config = *config;
    a->n_pages = (isa_config_dram_bytes(config) + AUDIT_PAGE - 1) / AUDIT_PAGE;
    bool ok = make_rows(a, &a->rows[0], isa_config_spm_rows(config)) &&
              make_rows(a, &a->rows[1], isa_config_acc_rows(config));
    for (unsigned w = 0; w < 2; w++) {
        a->pages[w] = BASE_ARENA_ARRAY(arena, audit_page, a->n_pages);
        ok = ok && a->pages[w] != NULL;
    }
    return ok ? a : NULL;
}

void sim_audit_begin(sim_audit *a)
{
    a->items.n = 0;
    a->regs.n = 0;
    a->n_touched = 0;
    for (unsigned k = 0; k < ISA_N_UNITS; k++) {
        a->actors[k].n = 0;
        for (unsigned s = 0; s < AUDIT_SEMAPHORES; s++) {
            a->posts[s][k].n = 0;
            a->waits[s][k].n = 0;
        }
    }
    memset(a->now, 0, sizeof a->now);
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        a->commands[k].n = 0;
        a->changed[k] = true;
        for (unsigned m = 0; m < 2; m++) {
            for (unsigned w = 0; w < 2; w++) {
                if (a->rows[m].any[w][k]) {
                    memset(a->rows[m].last[w][k], 0, a->rows[m].n_rows * sizeof(uint32_t));
                }
                a->rows[m].any[w][k] = false;
            }
        }
    }
    for (uint64_t p = a->page_low; p < a->page_high; p++) {
        for (unsigned w = 0; w < 2; w++) {
            a->pages[w][p].alike = 0;
            a->pages[w][p].is_split = false;
        }
    }
    a->page_low = a->n_pages;
    a->page_high = 0;
}

/* ---- listening ---- */

static bool keep_regs(sim_audit *a, unsigned unit)
{
    if (a->changed[unit]) {
        audit_regs kept;
        memcpy(kept.r, a->now[unit], sizeof kept.r);
        a->changed[unit] = false;
        a->kept[unit] = (uint32_t)a->regs.n;
        return base_vec_push(a->arena, &a->regs, kept);
    }
    return true;
}

static bool keep_item(sim_audit *a, const sim_xsystole_event *event, audit_kind kind)
{
    const unsigned unit = event->unit;
    const uint32_t at = (uint32_t)a->items.n;
    audit_item item = {
        .kind = (uint8_t)kind,
        .unit = (uint8_t)unit,
        .funct7 = event->funct7,
        .semaphore = event->a,
        .pc = event->pc,
        .index = (uint32_t)a->actors[unit].n,
        .number = unit < ISA_N_QUEUES ? (uint32_t)a->commands[unit].n : 0,
        .start = AUDIT_NO_START,
    };
    bool ok = true;
    if (kind == AUDIT_COMMAND) {
        ok = keep_regs(a, unit) && base_vec_push(a->arena, &a->commands[unit], at);
        item.regs = a->kept[unit];
    } else if (kind != AUDIT_FENCE) {
        audit_list *list = kind == AUDIT_POST ? &a->posts[event->a][unit] : &a->waits[event->a][unit];
        ok = base_vec_push(a->arena, list, at);
    }
    return ok && base_vec_push(a->arena, &a->actors[unit], at) && base_vec_push(a->arena, &a->items, item);
}

bool sim_audit_xsystole(void *user, const sim_xsystole_event *event)
{
    sim_audit *a = user;
    const unsigned unit = event->unit;
    bool ok = true;
    if (a->out_of_memory) { /* the lists may be of different lengths */
        return true;
    }
    if (unit < ISA_N_QUEUES && (event->funct7 & ISA_F7_SET) != 0) {
        const unsigned pair = event->funct7 & ISA_F7_PAIR_MASK;
        if (a->now[unit][2 * pair] != event->a || a->now[unit][2 * pair + 1] != event->b) {
            a->now[unit][2 * pair] = event->a;
            a->now[unit][2 * pair + 1] = event->b;
            a->changed[unit] = true;
        }
        return true;
    }
    const bool is_wait = event->funct7 == ISA_F7_WAIT; /* the core's SEMWAIT and SEMPOST have the same numbers */
    const bool is_post = event->funct7 == ISA_F7_POST;
    if (is_wait || is_post) {
        if (event->a < a->config.sem_count) { /* else the run ends there */
            ok = keep_item(a, event, is_wait ? AUDIT_WAIT : AUDIT_POST);
        }
    } else if (unit < ISA_N_QUEUES) {
        ok = keep_item(a, event, AUDIT_COMMAND);
    } else if (event->funct7 == ISA_F7_CORE_FENCE) {
        ok = keep_item(a, event, AUDIT_FENCE);
    }
    a->out_of_memory = a->out_of_memory || !ok;
    return true;
}

_Static_assert((int)ISA_F7_CORE_SEMWAIT == (int)ISA_F7_WAIT && (int)ISA_F7_CORE_SEMPOST == (int)ISA_F7_POST,
               "the core's waits and posts are numbered as the units'");

bool sim_audit_command(void *user, const sim_command_event *event)
{
    sim_audit *a = user;
    if (!a->out_of_memory && event->number < a->commands[event->unit].n) {
        a->items.items[a->commands[event->unit].items[event->number]].start = event->start;
    }
    return true;
}

/* ---- findings ---- */

sim_finding *sim_audit_add(sim_audit *a, sim_finding_kind kind)
{
    const uint64_t n = a->n_findings[kind]++;
    if (n >= SIM_AUDIT_FINDINGS) {
        return NULL;
    }
    sim_finding *finding = &a->findings[kind][n];
    *finding = (sim_finding){.kind = kind};
    return finding;
}

sim_place sim_audit_place(const audit_item *item)
{
    return (sim_place){
        .unit = item->unit,
        .funct7 = item->funct7,
        .is_command = item->kind == AUDIT_COMMAND,
        .number = item->number,
        .tag = item->kind == AUDIT_COMMAND ? item->semaphore : 0,
        .pc = item->pc,
    };
}

sy_status sim_audit_end(sim_audit *a, bool has_ended)
{
    if (!a->out_of_memory) {
        sim_audit_order(a);
        sim_audit_semaphores(a, has_ended);
        sim_audit_races(a);
    }
    return a->out_of_memory ? SY_ENOMEM : SY_OK;
}

uint64_t sim_audit_n(const sim_audit *a, sim_finding_kind kind)
{
    return a->n_findings[kind];
}

const sim_finding *sim_audit_finding(const sim_audit *a, sim_finding_kind kind, uint64_t i)
{
    SY_ASSERT(i < a->n_findings[kind] && i < SIM_AUDIT_FINDINGS);
    return &a->findings[kind][i];
}

uint64_t sim_audit_n_commands(const sim_audit *a)
{
    uint64_t n = 0;
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        n += a->commands[k].n;
    }
    return n;
}

uint64_t sim_audit_n_touched(const sim_audit *a)
{
    return a->n_touched;
}

void sim_audit_dram(const sim_audit *a, uint64_t *low, uint64_t *high)
{
    const uint64_t size = isa_config_dram_bytes(&a->config);
    *low = a->page_low * AUDIT_PAGE;
    *high = a->page_high * AUDIT_PAGE < size ? a->page_high * AUDIT_PAGE : size;
}
