/*
 * counters.c -- what each unit did in each cycle, counted by stretches.
 *
 * How: between two acts of a unit's front the state that the counters ask for (flags) does not change, and what
 * changes from cycle to cycle is known in closed form: the planes of the MXU, the rows of the VPU, the pieces of LD
 * and ST and the beats on the bus. So a stretch is counted at once, when it is over, and the causes of a unit sum
 * to the cycles by construction.
 *
 * Contract: isa/spec/timing.md, section 11.  Verilog twin: rtl/counters.v.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim_internal.h"

/* Cycles that first..first+n-1 and from..to-1 share. */
static uint64_t shared(uint64_t first, uint64_t n, uint64_t from, uint64_t to)
{
    const uint64_t low = sim_max_u64(first, from);
    const uint64_t high = sim_min_u64(first + n, to);
    return low < high ? high - low : 0;
}

/* Cycles from..to-1 in which the queue decides: nothing is in flight, or only flags count. */
static void count_waiting(const sim *s, sim_account *a, uint64_t from, uint64_t to, const sim_flags *flags)
{
    if (from >= to) {
        return;
    }
    if (flags->bank) {
        a->counts[ISA_COUNTER_BANK] += to - from;
    } else if (flags->semaphore) {
        a->counts[ISA_COUNTER_SEM] += to - from;
    } else if (flags->occupied) {
        a->counts[ISA_COUNTER_DECODE] += to - from;
    } else {
        const uint64_t over = s->core.end_cycle == SIM_NEVER ? SIM_NEVER : s->core.end_cycle + 1;
        const uint64_t n_empty = over <= from ? 0 : sim_min_u64(over, to) - from;
        a->counts[ISA_COUNTER_EMPTY] += n_empty;
        a->counts[ISA_COUNTER_HALTED] += to - from - n_empty;
    }
}

/* The rest of from..to-1 of MXU or VPU, of which n_active are counted; those lie before flags->flight_until. */
static void count_draining(const sim *s, sim_account *a, uint64_t from, uint64_t to, uint64_t n_active,
                           const sim_flags *flags)
{
    if (flags->bank || flags->semaphore) {
        count_waiting(s, a, from, to - n_active, flags);
        return;
    }
    const uint64_t until = sim_min_u64(sim_max_u64(flags->flight_until, from), to);
    const uint64_t n_flight = until - from;
    if (n_flight <= n_active) { /* equal; or the cycle of a start behind an idle unit, which is active itself */
        count_waiting(s, a, from + n_active, to, flags);
        return;
    }
    a->counts[ISA_COUNTER_DRAIN] += n_flight - n_active;
    count_waiting(s, a, until, to, flags);
}

/* BUSY cycles of a command before a cycle. */
static uint64_t busy_before(const sim_mxu_span *p, uint64_t cycle)
{
    if (cycle <= p->first_stream) {
        return 0;
    }
    const uint64_t at = cycle - p->first_stream;
    if (p->period == p->rows) {
        return sim_min_u64(at, p->n_planes * p->rows);
    }
    const uint64_t plane = at / p->period;
    return plane >= p->n_planes ? p->n_planes * p->rows
                                : plane * p->rows + sim_min_u64(at - plane * p->period, p->rows);
}

/* LOAD cycles (no row of A in them) of a command before a cycle. */
static uint64_t load_before(const sim_mxu_span *p, uint64_t cycle, uint32_t d)
{
    const uint64_t first = sim_max_u64(p->start, p->quiet_from);
    uint64_t n = first < p->start + d ? shared(first, p->start + d - first, 0, cycle) : 0;
    if (d > p->rows && cycle > p->first_stream) {
        const uint64_t gap = d - p->rows; /* after each plane but the last, the rest of the next one's load */
        const uint64_t at = cycle - p->first_stream;
        const uint64_t plane = sim_min_u64(at / p->period, p->n_planes - 1);
        n += plane * gap;
        const uint64_t in_plane = at - plane * p->period;
        if (plane < p->n_planes - 1 && in_plane > p->rows) {
            n += sim_min_u64(in_plane, d) - p->rows;
        }
    }
    return n;
}

static void account_mxu(sim *s, sim_account *a, uint64_t from, uint64_t to, const sim_flags *flags)
{
    sim_mxu *mxu = &s->mxu;
    uint64_t n_busy = 0;
    uint64_t n_load = 0;
    for (unsigned i = 0; i < mxu->spans_n; i++) {
        const sim_mxu_span *p = &mxu->spans[(mxu->spans_first + i) % SIM_SPANS];
        n_busy += busy_before(p, to) - busy_before(p, from);
        n_load += load_before(p, to, s->d) - load_before(p, from, s->d);
    }
    while (mxu->spans_n > 0) {
        const sim_mxu_span *p = &mxu->spans[mxu->spans_first];
        if (p->first_stream + p->n_planes * p->period > to) {
            break;
        }
        mxu->spans_first = (mxu->spans_first + 1) % SIM_SPANS;
        mxu->spans_n--;
    }
    a->counts[ISA_COUNTER_BUSY] += n_busy;
    a->counts[ISA_COUNTER_LOAD] += n_load;
    count_draining(s, a, from, to, n_busy + n_load, flags);
}

static void account_vpu(sim *s, sim_account *a, uint64_t from, uint64_t to, const sim_flags *flags)
{
    sim_vpu *vpu = &s->vpu;
    uint64_t n_busy = 0;
    for (unsigned i = 0; i < vpu->spans_n; i++) {
        const sim_train *p = &vpu->spans[(vpu->spans_first + i) % SIM_SPANS];
        n_busy += shared(p->first, p->n, from, to);
    }
    while (vpu->spans_n > 0) {
        const sim_train *p = &vpu->spans[vpu->spans_first];
        if (p->first + p->n > to) {
            break;
        }
        vpu->spans_first = (vpu->spans_first + 1) % SIM_SPANS;
        vpu->spans_n--;
    }
    a->counts[ISA_COUNTER_BUSY] += n_busy;
    count_draining(s, a, from, to, n_busy, flags);
}

/* Cycles of a stretch by what the bus moves: [0] a beat of the unit, [1] of the other. */
typedef struct bus_cycles {
    uint64_t n[2];
} bus_cycles;

/* Adds up the bus from span *at on; moves *at behind the spans that are over at `to`. */
static bus_cycles bus_between(const sim *s, uint32_t own_dir, uint64_t *at, uint64_t from, uint64_t to)
{
    bus_cycles cycles = {{0, 0}};
    for (; *at < s->n_bus; (*at)++) {
        const sim_bus_span *span = &s->bus[*at % SIM_BUS_SPANS];
        if (span->first >= to) {
            break;
        }
        cycles.n[span->dir == own_dir ? 0 : 1] += shared(span->first, span->n, from, to);
        if (span->first + span->n > to) {
            break;
        }
    }
    return cycles;
}

static void account_dma(sim *s, sim_unit *u, uint64_t from, uint64_t to, const sim_flags *flags)
{
    const uint32_t own_dir = u->id == ISA_UNIT_LD ? SIM_DRAM_READ : SIM_DRAM_WRITE;
    sim_pieces_seen *seen = &s->pieces[u->id - ISA_UNIT_LD];
    sim_account *a = &u->account;
    uint64_t n_pieces_alone = 0; /* with no beat of this unit */
    uint64_t n_pieces_other = 0; /* of those, with a beat of the other */
    uint64_t at = seen->bus_span;
    for (; seen->train < seen->n_trains; seen->train++) {
        const sim_train *train = &seen->trains[seen->train % SIM_TRAINS];
        const uint64_t low = sim_max_u64(train->first, from);
        const uint64_t high = sim_min_u64(train->first + train->n, to);
        if (low >= to) {
            break;
        }
        if (low < high) {
            const bus_cycles under = bus_between(s, own_dir, &at, low, high);
            n_pieces_alone += high - low - under.n[0];
            n_pieces_other += under.n[1];
        }
        if (train->first + train->n > to) {
            break;
        }
    }
    const uint64_t until = sim_min_u64(sim_max_u64(flags->flight_until, from), to);
    const bus_cycles bus = bus_between(s, own_dir, &seen->bus_span, from, until);
    const uint64_t n_busy = bus.n[0] + n_pieces_alone;
    const uint64_t n_other = bus.n[1] - n_pieces_other;
    a->counts[ISA_COUNTER_BUSY] += n_busy;
    a->counts[ISA_COUNTER_DRAM_BW] += n_other;
    a->counts[ISA_COUNTER_DRAM_LAT] += until - from - n_busy - n_other;
    count_waiting(s, a, until, to, flags);
    if (until < to) { /* what the other moved meanwhile is not ours to count */
        (void)bus_between(s, own_dir, &seen->bus_span, until, to);
    }
}

static void account(sim *s, sim_unit *u, uint64_t from, uint64_t to, const sim_flags *flags)
{
    switch (u->id) {
    case ISA_UNIT_MXU:
        account_mxu(s, &u->account, from, to, flags);
        return;
    case ISA_UNIT_VPU:
        account_vpu(s, &u->account, from, to, flags);
        return;
    case ISA_UNIT_LD:
    case ISA_UNIT_ST:
        account_dma(s, u, from, to, flags);
        return;
    case ISA_UNIT_CORE:
        break;
    }
    SY_UNREACHABLE();
}

static bool flags_equal(const sim_flags *a, const sim_flags *b)
{
    return a->bank == b->bank && a->semaphore == b->semaphore && a->occupied == b->occupied &&
           a->flight_until == b->flight_until;
}

void sim_settle(sim *s, sim_unit *u, uint64_t cycle)
{
    sim_account *a = &u->account;
    if (a->since >= cycle) {
        return;
    }
    if (!flags_equal(&a->first, &a->rest)) {
        account(s, u, a->since, a->since + 1, &a->first);
        a->since++;
        a->first = a->rest;
    }
    if (a->since < cycle) {
        account(s, u, a->since, cycle, &a->rest);
        a->since = cycle;
    }
}

void sim_set_flags(sim_unit *u, uint64_t cycle, const sim_flags *first, const sim_flags *rest)
{
    SY_ASSERT(u->account.since == cycle);
    u->account.first = *first;
    u->account.rest = *rest;
}

bool sim_room_for_pieces(sim *s, isa_unit unit)
{
    sim_pieces_seen *seen = &s->pieces[unit - ISA_UNIT_LD];
    if (seen->n_trains - seen->train >= SIM_TRAINS / 2) {
        sim_settle(s, &s->units[unit], s->now);
    }
    return seen->n_trains - seen->train < SIM_TRAINS - 1;
}

void sim_count_pieces(sim *s, isa_unit unit, uint64_t first, uint64_t n)
{
    sim_pieces_seen *seen = &s->pieces[unit - ISA_UNIT_LD];
    if (seen->n_trains > seen->train) {
        sim_train *last = &seen->trains[(seen->n_trains - 1) % SIM_TRAINS];
        if (last->first + last->n == first) {
            last->n += n;
            return;
        }
    }
    const bool has_room = sim_room_for_pieces(s, unit);
    SY_ASSERT(has_room);
    seen->trains[seen->n_trains++ % SIM_TRAINS] = (sim_train){.first = first, .n = n};
}
