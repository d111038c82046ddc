/*
 * audit_race.c -- commands that touch a common row or byte without an order, and rows that nothing has written.
 *
 * Commands are taken in the order in which they started, which no guaranteed order contradicts.  For each row, the last
 * command of each unit that read it and the last that wrote it are kept: within a unit commands act in their order, so if
 * the last is sure to have ended before this one starts, all are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "audit_internal.h"

#include <string.h>

/* ---- findings ---- */

static bool same_place(const sim_place *a, const sim_place *b)
{
    return a->unit == b->unit && a->number == b->number;
}

/* Adds rows low..high to the finding of these commands, if it is among the last, else a new finding. */
static void race(sim_audit *a, const audit_item *before, bool before_writes, const audit_item *item, bool writes,
                 sim_memory memory, uint64_t low, uint64_t high)
{
    enum { LOOK_BACK = 8 };
    const sim_place places[2] = {sim_audit_place(before), sim_audit_place(item)};
    const uint64_t n = a->n_findings[SIM_FINDING_RACE];
    for (uint64_t k = 0; k < LOOK_BACK && k < n && n <= SIM_AUDIT_FINDINGS; k++) {
        sim_finding *f = &a->findings[SIM_FINDING_RACE][n - 1 - k];
        if (same_place(&f->places[0], &places[0]) && same_place(&f->places[1], &places[1]) && f->memory == memory &&
            f->is_write[0] == before_writes && f->is_write[1] == writes) {
            f->n += high - low + 1;
            f->low = low < f->low ? low : f->low;
            f->high = high > f->high ? high : f->high;
            return;
        }
    }
    sim_finding *f = sim_audit_add(a, SIM_FINDING_RACE);
    if (f != NULL) {
        f->places[0] = places[0];
        f->places[1] = places[1];
        f->is_write[0] = before_writes;
        f->is_write[1] = writes;
        f->memory = memory;
        f->low = low;
        f->high = high;
        f->n = high - low + 1;
    }
}

static void unwritten(sim_audit *a, const audit_item *item, sim_memory memory, uint64_t low, uint64_t high)
{
    const sim_place place = sim_audit_place(item);
    const uint64_t n = a->n_findings[SIM_FINDING_UNWRITTEN];
    if (n > 0 && n <= SIM_AUDIT_FINDINGS) {
        sim_finding *f = &a->findings[SIM_FINDING_UNWRITTEN][n - 1];
        if (same_place(&f->places[0], &place) && f->memory == memory) {
            f->n += high - low + 1;
            f->low = low < f->low ? low : f->low;
            f->high = high > f->high ? high : f->high;
            return;
        }
    }
    sim_finding *f = sim_audit_add(a, SIM_FINDING_UNWRITTEN);
    if (f != NULL) {
        f->places[0] = place;
        f->memory = memory;
        f->low = low;
        f->high = high;
        f->n = high - low + 1;
    }
}

/* ---- touches ---- */

/* True if any of n last touchers is above a limit, that is, not sure to be complete. */
static bool any_above(const uint32_t *last, uint64_t n, uint32_t limit)
{
    uint32_t most = 0;
    for (uint64_t i = 0; i < n; i++) {
        most = last[i] > most ? last[i] : most;
    }
    return most > limit;
}

/* Stretches of one last toucher above the limit, each a race. The touchers are those of positions at.. */
static void report_above(sim_audit *a, const uint32_t *last, uint64_t n, const audit_item *item, unsigned other,
                         bool other_writes, bool writes, sim_memory memory, uint64_t at)
{
    for (uint64_t i = 0; i < n;) {
        uint64_t end = i + 1;
        while (end < n && last[end] == last[i]) {
            end++;
        }
        if (last[i] > item->clock[other]) {
            race(a, audit_of(a, &a->actors[other], last[i] - 1), other_writes, item, writes, memory, at + i, at + end - 1);
        }
        i = end;
    }
}

static void touch_run(sim_audit *a, const audit_item *item, unsigned memory, bool writes, uint64_t at, uint64_t n)
{
    audit_rows *rows = &a->rows[memory];
    const sim_memory name = memory == 0 ? SIM_SPM : SIM_ACC;
    SY_ASSERT(at + n <= rows->n_rows);
    a->n_touched += n;
    for (unsigned v = 0; v < ISA_N_QUEUES; v++) {
        for (unsigned w = writes ? 0 : 1; w < 2 && v != item->unit; w++) {
            if (rows->any[w][v] && any_above(rows->last[w][v] + at, n, item->clock[v])) {
                report_above(a, rows->last[w][v] + at, n, item, v, w != 0, writes, name, at);
            }
        }
    }
    if (!writes && memchr(rows->written + at, 0, n) != NULL) {
        for (uint64_t i = at; i < at + n; i++) {
            if (rows->written[i] == 0) {
                unwritten(a, item, name, i, i);
            }
        }
    }
    uint32_t *last = rows->last[writes ? 1 : 0][item->unit];
    rows->any[writes ? 1 : 0][item->unit] = true;
    for (uint64_t i = at; i < at + n; i++) {
        last[i] = item->index + 1;
    }
    if (writes) {
        memset(rows->written + at, 1, n);
    }
}

/* A set of rows as runs of neighbours: the loops of small strides melt into one run, the others are walked. */
typedef struct row_runs {
    int64_t base;
    uint64_t n;         /* rows of a run */
    unsigned n_loops;
    uint64_t count[5];
    int64_t stride[5];
} row_runs;

static row_runs runs_of(const sim_row_set *set)
{
    row_runs runs = {.base = set->base, .n = 1};
    int64_t stride[5];
    uint64_t count[5];
    unsigned n = 0;
    for (unsigned k = 0; k < 5; k++) {
        if (set->n[k] < 2 || set->s[k] == 0) {
            continue;
        }
        int64_t s = set->s[k];
        if (s < 0) {
            runs.base += s * ((int64_t)set->n[k] - 1);
            s = -s;
        }
        unsigned at = n++;
        for (; at > 0 && stride[at - 1] > s; at--) {
            stride[at] = stride[at - 1];
            count[at] = count[at - 1];
        }
        stride[at] = s;
        count[at] = set->n[k];
    }
    for (unsigned k = 0; k < n; k++) {
        if (stride[k] <= (int64_t)runs.n && runs.n_loops == 0) {
            runs.n += (uint64_t)stride[k] * (count[k] - 1);
        } else {
            runs.stride[runs.n_loops] = stride[k];
            runs.count[runs.n_loops++] = count[k];
        }
    }
    for (unsigned k = runs.n_loops; k < 5; k++) {
        runs.count[k] = 1;
    }
    return runs;
}

static void touch_set(sim_audit *a, const audit_item *item, unsigned memory, bool writes, const sim_row_set *set)
{
    const row_runs runs = runs_of(set);
    uint64_t i[5] = {0};
    int64_t at = runs.base;
    for (;;) {
        touch_run(a, item, memory, writes, (uint64_t)at, runs.n);
        unsigned k = 0;
        while (k < runs.n_loops && ++i[k] == runs.count[k]) {
            at -= runs.stride[k] * (int64_t)(runs.count[k] - 1);
            i[k++] = 0;
        }
        if (k == runs.n_loops) {
            return;
        }
        at += runs.stride[k];
    }
}

/* ---- DRAM ---- */

static bool split(sim_audit *a, audit_page *page)
{
    if (page->each == NULL) {
        page->each = BASE_ARENA_ARRAY(a->arena, uint32_t, AUDIT_PAGE);
    }
    if (page->each == NULL) {
        a->out_of_memory = true;
        return false;
    }
    for (unsigned i = 0; i < AUDIT_PAGE; i++) {
        page->each[i] = page->alike;
    }
    page->is_split = true;
    return true;
}

/* Bytes at..at+n-1 of one page. LD alone reads DRAM and ST alone writes it. */
static void touch_page(sim_audit *a, const audit_item *item, bool writes, uint64_t at, uint64_t n)
{
    const uint64_t p = at / AUDIT_PAGE;
    const uint64_t in = at % AUDIT_PAGE;
    const unsigned other = writes ? ISA_UNIT_LD : ISA_UNIT_ST;
    audit_page *theirs = &a->pages[writes ? 0 : 1][p];
    audit_page *ours = &a->pages[writes ? 1 : 0][p];
    a->page_low = p < a->page_low ? p : a->page_low;
    a->page_high = p >= a->page_high ? p + 1 : a->page_high;
    if (theirs->is_split ? any_above(theirs->each + in, n, item->clock[other]) : theirs->alike > item->clock[other]) {
        if (theirs->is_split || split(a, theirs)) {
            report_above(a, theirs->each + in, n, item, other, !writes, writes, SIM_DRAM, at);
        }
    }
    if (n == AUDIT_PAGE) {
        ours->is_split = false;
        ours->alike = item->index + 1;
    } else if (ours->is_split || split(a, ours)) {
        for (uint64_t i = in; i < in + n; i++) {
            ours->each[i] = item->index + 1;
        }
    }
}

static void touch_bytes(sim_audit *a, const audit_item *item, bool writes, uint64_t low, uint64_t end)
{
    a->n_touched += end - low;
    while (low < end) {
        const uint64_t page_end = (low / AUDIT_PAGE + 1) * AUDIT_PAGE;
        const uint64_t n = (end < page_end ? end : page_end) - low;
        touch_page(a, item, writes, low, n);
        low += n;
    }
}

/* The valid bytes of a walk, neighbouring runs together. */
static void touch_dram(sim_audit *a, const audit_item *item, bool writes, const sim_bytes *bytes)
{
    uint32_t end[4];
    for (unsigned k = 0; k < 4; k++) {
        end[k] = bytes->high[k] < bytes->n[k] ? bytes->high[k] : bytes->n[k];
        if (bytes->low[k] >= end[k]) {
            return;
        }
    }
    uint64_t from = 0;
    uint64_t to = 0;
    for (uint32_t i3 = bytes->low[3]; i3 < end[3]; i3++) {
        for (uint32_t i2 = bytes->low[2]; i2 < end[2]; i2++) {
            for (uint32_t i1 = bytes->low[1]; i1 < end[1]; i1++) {
                const uint64_t run = bytes->address + (uint64_t)((int64_t)i3 * bytes->s[3] + (int64_t)i2 * bytes->s[2] +
                                                                 (int64_t)i1 * bytes->s[1]);
                if (run + bytes->low[0] != to) {
                    touch_bytes(a, item, writes, from, to);
                    from = run + bytes->low[0];
                }
                to = run + end[0];
            }
        }
    }
    touch_bytes(a, item, writes, from, to);
}

/* ---- commands ---- */

static void touch_command(sim_audit *a, const audit_item *item)
{
    const uint32_t *regs = a->regs.items[item->regs].r;
    const isa_unit unit = (isa_unit)item->unit;
    sim_stream streams[SIM_MAX_STREAMS];
    const unsigned n = sim_command_streams(&a->config, unit, item->funct7, regs, streams);
    for (unsigned w = 0; w < 2; w++) { /* a command acts as if it read and then wrote */
        for (unsigned i = 0; i < n; i++) {
            if (w == 1 ? streams[i].is_write : !streams[i].is_write || streams[i].also_reads) {
                const sim_row_set set = sim_stream_set(&a->config, unit, item->funct7, regs, &streams[i]);
                touch_set(a, item, streams[i].memory == ISA_MEMORY_ACC ? 1 : 0, w == 1, &set);
            }
        }
    }
    if (unit == ISA_UNIT_LD || unit == ISA_UNIT_ST) {
        const sim_bytes bytes = sim_command_bytes(&a->config, unit, regs);
        touch_dram(a, item, unit == ISA_UNIT_ST, &bytes);
    }
}

void sim_audit_races(sim_audit *a)
{
    size_t next[ISA_N_QUEUES] = {0};
    for (;;) {
        const audit_item *first = NULL;
        for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
            const audit_item *item = next[k] < a->commands[k].n ? audit_of(a, &a->commands[k], next[k]) : NULL;
            if (item != NULL && item->start != AUDIT_NO_START && (first == NULL || item->start < first->start)) {
                first = item;
            }
        }
        if (first == NULL) {
            return;
        }
        next[first->unit]++;
        touch_command(a, first);
    }
}
