/*
 * dram_model.h -- section 10 of the timing contract as literally as can be: what simulator/dram.c is held against.
 *
 * Every command that DRAM has been given stands in a list; a new one is tried cycle by cycle until no earlier one forbids
 * it. Slow on purpose, and nothing in it is shared with the simulator.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_DRAM_MODEL_H
#define SYSTOLE_TESTS_DRAM_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "systole/isa/config.h"

#define DRAM_MODEL_LOG 192 /* more than any constraint reaches back */

typedef enum dram_model_kind { DRAM_ACT, DRAM_PRE, DRAM_PRE_ALL, DRAM_READ, DRAM_WRITE, DRAM_REF } dram_model_kind;

typedef struct dram_model_command {
    dram_model_kind kind;
    uint64_t cycle;
    uint32_t bank; /* group + groups * bank of the group, after xor */
} dram_model_command;

typedef struct dram_model_channel {
    dram_model_command log[DRAM_MODEL_LOG]; /* ring */
    uint64_t n;
    int64_t row[64]; /* open; -1: none */
    uint64_t user[64]; /* request that used it last */
    uint64_t due;
} dram_model_channel;

typedef struct dram_model {
    isa_config c;
    uint64_t n[2]; /* requests by direction */
    uint64_t free;
    uint64_t hits, misses, conflicts, refreshes;
    dram_model_channel channel[16];
} dram_model;

static inline void dram_model_start(dram_model *m, const isa_config *config)
{
    memset(m, 0, sizeof *m);
    m->c = *config;
    for (unsigned i = 0; i < 16; i++) {
        for (unsigned b = 0; b < 64; b++) m->channel[i].row[b] = -1;
        m->channel[i].due = config->dram_t_refi;
    }
}

static inline void dram_model_issue(dram_model_channel *h, dram_model_kind kind, uint32_t bank, uint64_t cycle)
{
    h->log[h->n++ % DRAM_MODEL_LOG] = (dram_model_command){kind, cycle, bank};
}

/* How long after x, at the least, a command may come; 0: x has nothing to say. */
static inline uint64_t dram_model_gap(const isa_config *c, const dram_model_command *x, dram_model_kind kind, uint32_t bank)
{
    const bool same_bank = x->bank == bank;
    const bool same_group = x->bank % c->dram_groups == bank % c->dram_groups;
    const uint64_t written = (uint64_t)c->dram_t_cwl + c->dram_t_atom;
    uint64_t gap = 0;
#define DRAM_AT_LEAST(value) gap = (value) > gap ? (value) : gap
    if (kind == DRAM_ACT) {
        if (x->kind == DRAM_ACT) {
            DRAM_AT_LEAST(c->dram_t_rrd_s);
            if (same_group) DRAM_AT_LEAST(c->dram_t_rrd_l);
            if (same_bank) DRAM_AT_LEAST(c->dram_t_rc);
        }
        if (x->kind == DRAM_PRE && same_bank) DRAM_AT_LEAST(c->dram_t_rp);
        if (x->kind == DRAM_REF) DRAM_AT_LEAST(c->dram_t_rfc);
    }
    if (kind == DRAM_PRE && same_bank) {
        if (x->kind == DRAM_ACT) DRAM_AT_LEAST(c->dram_t_ras);
        if (x->kind == DRAM_READ) DRAM_AT_LEAST(c->dram_t_rtp);
        if (x->kind == DRAM_WRITE) DRAM_AT_LEAST(written + c->dram_t_wr);
    }
    if (kind == DRAM_READ || kind == DRAM_WRITE) {
        if (x->kind == DRAM_ACT && same_bank) DRAM_AT_LEAST(c->dram_t_rcd);
        if (x->kind == DRAM_READ || x->kind == DRAM_WRITE) {
            DRAM_AT_LEAST(c->dram_t_ccd_s);
            DRAM_AT_LEAST(c->dram_t_atom);
            if (same_group) DRAM_AT_LEAST(c->dram_t_ccd_l);
        }
        if (x->kind == DRAM_READ && kind == DRAM_WRITE) DRAM_AT_LEAST(c->dram_t_rtw);
        if (x->kind == DRAM_WRITE && kind == DRAM_READ) {
            DRAM_AT_LEAST(written + c->dram_t_wtr_s);
            if (same_group) DRAM_AT_LEAST(written + c->dram_t_wtr_l);
        }
    }
    if (kind == DRAM_REF) {
        if (x->kind == DRAM_ACT) DRAM_AT_LEAST(c->dram_t_rc);
        if (x->kind == DRAM_PRE) DRAM_AT_LEAST(c->dram_t_rp);
        if (x->kind == DRAM_PRE_ALL) DRAM_AT_LEAST(c->dram_t_rp_all);
        if (x->kind == DRAM_REF) DRAM_AT_LEAST(c->dram_t_rfc);
    }
#undef DRAM_AT_LEAST
    return gap;
}

static inline bool dram_model_may(const dram_model *m, const dram_model_channel *h, dram_model_kind kind, uint32_t bank, uint64_t cycle)
{
    unsigned n_acts = 0;
    for (uint64_t i = 0; i < h->n && i < DRAM_MODEL_LOG; i++) {
        const dram_model_command *x = &h->log[(h->n - 1 - i) % DRAM_MODEL_LOG];
        const uint64_t gap = dram_model_gap(&m->c, x, kind, bank);
        if (gap > 0 && cycle < x->cycle + gap) return false;
        n_acts += x->kind == DRAM_ACT;
        if (kind == DRAM_ACT && x->kind == DRAM_ACT && n_acts == 4 && cycle < x->cycle + m->c.dram_t_faw) return false;
    }
    return true;
}

static inline uint64_t dram_model_find(const dram_model *m, const dram_model_channel *h, dram_model_kind kind, uint32_t bank, uint64_t from)
{
    uint64_t cycle = from;
    if (kind == DRAM_PRE_ALL) { /* of the banks that are open */
        for (uint32_t b = 0; b < m->c.dram_groups * m->c.dram_banks; b++) {
            while (h->row[b] >= 0 && !dram_model_may(m, h, DRAM_PRE, b, cycle)) cycle++;
        }
        return cycle;
    }
    while (!dram_model_may(m, h, kind, bank, cycle)) cycle++;
    return cycle;
}

static inline void dram_model_refresh(dram_model *m, dram_model_channel *h)
{
    uint64_t cycle = h->due;
    bool open = false;
    for (unsigned b = 0; b < 64; b++) open = open || h->row[b] >= 0;
    if (open) {
        cycle = dram_model_find(m, h, DRAM_PRE_ALL, 0, cycle);
        dram_model_issue(h, DRAM_PRE_ALL, UINT32_MAX, cycle);
        for (unsigned b = 0; b < 64; b++) h->row[b] = -1;
    }
    dram_model_issue(h, DRAM_REF, UINT32_MAX, dram_model_find(m, h, DRAM_REF, UINT32_MAX, cycle));
    h->due += m->c.dram_t_refi;
    m->refreshes++;
}

/* The column access of a request to an atom. */
static inline uint64_t dram_model_access(dram_model *m, bool is_write, uint64_t atom, uint64_t arrival, uint64_t from)
{
    const isa_config *c = &m->c;
    const dram_model_kind kind = is_write ? DRAM_WRITE : DRAM_READ;
    const uint32_t columns = c->dram_row_bytes / c->dram_atom_bytes;
    const uint32_t n_banks = c->dram_groups * c->dram_banks;
    dram_model_channel *h = &m->channel[atom % c->dram_channels];
    uint64_t rest = atom / c->dram_channels;
    const uint32_t group = (uint32_t)(rest % c->dram_groups);
    rest /= c->dram_groups;
    const uint32_t bank_of_group = (uint32_t)(c->dram_mapping == ISA_DRAM_BANK ? rest % c->dram_banks : rest / columns % c->dram_banks);
    const int64_t row = (int64_t)(rest / columns / c->dram_banks);
    uint32_t bank = group + c->dram_groups * bank_of_group;
    if (c->dram_mapping == ISA_DRAM_ROW_XOR) bank ^= (uint32_t)(row % n_banks);
    const uint64_t request = m->n[0] + m->n[1];
    if (from < arrival) from = arrival;
    for (;;) {
        uint64_t first;
        if (h->row[bank] == row) {
            first = dram_model_find(m, h, kind, bank, from);
        } else if (h->row[bank] < 0) {
            first = dram_model_find(m, h, DRAM_ACT, bank, arrival);
        } else {
            first = dram_model_find(m, h, DRAM_PRE, bank, arrival);
        }
        if (c->dram_t_refi == 0 || first < h->due) break;
        dram_model_refresh(m, h);
    }
    if (h->row[bank] == row) {
        m->hits++;
    } else {
        if (h->row[bank] < 0) {
            m->misses++;
        } else {
            m->conflicts++;
            dram_model_issue(h, DRAM_PRE, bank, dram_model_find(m, h, DRAM_PRE, bank, arrival));
        }
        dram_model_issue(h, DRAM_ACT, bank, dram_model_find(m, h, DRAM_ACT, bank, arrival));
        h->row[bank] = row;
    }
    const uint64_t cycle = dram_model_find(m, h, kind, bank, from);
    dram_model_issue(h, kind, bank, cycle);
    h->user[bank] = request;
    return cycle;
}

/* Page closed: what requests before this one have left open is closed. */
static inline void dram_model_close(dram_model *m)
{
    for (unsigned i = 0; i < m->c.dram_channels && m->c.dram_page == ISA_DRAM_CLOSED; i++) {
        dram_model_channel *h = &m->channel[i];
        for (uint32_t b = 0; b < m->c.dram_groups * m->c.dram_banks; b++) {
            if (h->row[b] >= 0) {
                dram_model_issue(h, DRAM_PRE, b, dram_model_find(m, h, DRAM_PRE, b, 0));
                h->row[b] = -1;
            }
        }
    }
}

/* The first beat of a request that reaches DRAM's controller in a cycle. */
static inline uint64_t dram_model_request(dram_model *m, bool is_write, uint64_t arrival, uint64_t address, uint32_t n_beats)
{
    const isa_config *c = &m->c;
    uint64_t first = arrival > m->free ? arrival : m->free;
    if (c->dram_model == ISA_DRAM_BANKED) {
        const uint64_t begin = address / c->dram_width * c->dram_width;
        const uint64_t end = begin + (uint64_t)n_beats * c->dram_width;
        const uint64_t soonest = first;
        uint64_t latest = UINT64_MAX;
        dram_model_close(m);
        for (uint64_t atom = begin / c->dram_atom_bytes; atom * c->dram_atom_bytes < end; atom++) {
            uint64_t n_before = UINT64_MAX, last = 0; /* beats before its first; its last */
            for (uint32_t i = 0; i < n_beats; i++) {
                const uint64_t at = begin + (uint64_t)i * c->dram_width;
                if (at + c->dram_width <= atom * c->dram_atom_bytes || at >= (atom + 1) * c->dram_atom_bytes) continue;
                if (n_before == UINT64_MAX) n_before = i;
                last = i;
            }
            if (is_write) {
                const uint64_t wanted = soonest + last + 1;
                const uint64_t from = wanted > c->dram_t_cwl ? wanted - c->dram_t_cwl : 0;
                const uint64_t data = dram_model_access(m, true, atom, arrival, from) + c->dram_t_cwl;
                latest = data - last - 1 < latest ? data - last - 1 : latest;
            } else {
                const uint64_t there = dram_model_access(m, false, atom, arrival, 0) + c->dram_t_cl + c->dram_t_atom;
                while (first + n_before < there) first++;
            }
        }
        if (is_write) first = latest;
    }
    m->n[is_write]++;
    m->free = first + n_beats;
    return first;
}

#endif
