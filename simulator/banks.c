/*
 * banks.c -- who holds which banks, and until when.
 *
 * How: a unit holds what the streams of its commands in flight still have to touch. A stream of MXU or VPU is
 * complete up to a known iteration in any cycle, so what it holds, and when it lets a bank go, is found by
 * arithmetic and a binary search; LD and ST note the cycles in which they let banks go as soon as they know them.
 *
 * Contract: isa/spec/timing.md, section 4.  Verilog twin: rtl/banks.v.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim_internal.h"

uint64_t sim_bank_mask(const sim *s, isa_memory memory, sim_rows rows)
{
    const unsigned low = (unsigned)((uint64_t)rows.low >> s->bank_shift[memory]);
    const unsigned high = (unsigned)((uint64_t)rows.high >> s->bank_shift[memory]);
    return (UINT64_MAX >> (63 - high)) & (UINT64_MAX << low);
}

/* The cycle after that in which iteration i of a stream is complete. */
static uint64_t iteration_over(const sim_progress *p, uint32_t i)
{
    return (i == 0 ? p->first : p->second + (uint64_t)(i - 1) * p->period) + 1;
}

/* How many iterations are complete at the start of a cycle. */
static uint32_t iterations_over(const sim_progress *p, uint32_t n, uint64_t cycle)
{
    if (cycle <= p->first) {
        return 0;
    }
    if (cycle <= p->second) {
        return 1;
    }
    if (p->period == 0) {
        return n;
    }
    const uint64_t over = 2 + (cycle - p->second - 1) / p->period;
    return over < n ? (uint32_t)over : n;
}

/*
 * The first cycle from `cycle` on in which stream i of a command of MXU or VPU holds none of the banks: `cycle` itself
 * if it holds none now.
 */
static uint64_t stream_clear(const sim *s, const sim_command *c, unsigned i, uint64_t banks, uint64_t cycle)
{
    const sim_stream *stream = &c->streams[i];
    const uint32_t n = stream->n_iterations;
    uint32_t low = iterations_over(&c->progress[i], n, cycle);
    if (low == n || (sim_bank_mask(s, stream->memory, sim_stream_rows(stream, low)) & banks) == 0) {
        return cycle;
    }
    uint32_t high = n; /* after `low` iterations it holds one of the banks, after `high` none */
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if ((sim_bank_mask(s, stream->memory, sim_stream_rows(stream, middle)) & banks) != 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return iteration_over(&c->progress[i], high - 1);
}

/* The same for a command of LD or ST; SIM_NEVER if that is not known yet. */
static uint64_t rows_clear(const sim_command *c, uint64_t banks, uint64_t cycle)
{
    uint64_t held = c->banks[0];
    uint64_t from = cycle;
    for (unsigned i = 0; i < c->n_shrinks && (held & banks) != 0; i++) {
        held = c->shrinks[i].banks;
        from = sim_max_u64(cycle, c->shrinks[i].from);
    }
    return (held & banks) != 0 ? SIM_NEVER : from;
}

/* When command c holds none of the banks of a stream of the slot any more. */
static uint64_t command_clear(const sim *s, const sim_unit *owner, const sim_command *c, isa_memory memory,
                              uint64_t banks, uint64_t cycle)
{
    uint64_t clear = cycle;
    for (unsigned i = 0; i < c->n_streams; i++) {
        if (c->streams[i].memory != memory || (c->banks[i] & banks) == 0) {
            continue;
        }
        const bool by_rows = owner->id == ISA_UNIT_LD || owner->id == ISA_UNIT_ST;
        clear = sim_max_u64(clear, by_rows ? rows_clear(c, banks, cycle) : stream_clear(s, c, i, banks, cycle));
    }
    return clear;
}

/* The rule between units. */
static uint64_t others_clear(sim *s, sim_unit *u, const sim_stream *stream, uint64_t banks, uint64_t cycle)
{
    uint64_t clear = cycle;
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        sim_unit *owner = &s->units[k];
        if (owner == u) {
            continue;
        }
        for (uint32_t number = owner->n_retired; number < owner->n_started; number++) {
            const sim_command *c = sim_flight(owner, number);
            const uint64_t one = c->end < cycle ? cycle : command_clear(s, owner, c, stream->memory, banks, cycle);
            if (one == SIM_NEVER) {
                u->waits_for_unit |= UINT32_C(1) << k;
            }
            clear = sim_max_u64(clear, one);
        }
    }
    return clear;
}

/* The rule within a unit: may the stream of earlier command's role be live under this stream of the slot? */
static bool may_share(const sim_unit *u, const sim_stream *mine, const sim_stream *earlier)
{
    if (mine->is_write || mine->memory != earlier->memory) {
        return true;
    }
    if (u->id == ISA_UNIT_VPU) {
        return !earlier->is_write;
    }
    return u->id != ISA_UNIT_MXU || earlier->is_write || mine->role == earlier->role;
}

static uint64_t own_clear(const sim *s, sim_unit *u, const sim_stream *stream, uint64_t banks, uint64_t cycle)
{
    uint64_t clear = cycle;
    for (uint32_t number = u->n_retired; number < u->n_started; number++) {
        const sim_command *c = sim_flight(u, number);
        for (unsigned i = 0; i < c->n_streams; i++) {
            if ((c->banks[i] & banks) != 0 && !may_share(u, stream, &c->streams[i])) {
                clear = sim_max_u64(clear, stream_clear(s, c, i, banks, cycle));
            }
        }
    }
    return clear;
}

uint64_t sim_banks_blocked(sim *s, sim_unit *u, uint64_t cycle)
{
    uint64_t clear = cycle;
    u->waits_for_unit = 0;
    for (unsigned i = 0; i < u->slot.n_streams; i++) {
        const sim_stream *stream = &u->slot.streams[i];
        clear = sim_max_u64(clear, others_clear(s, u, stream, u->slot.banks[i], cycle));
        if (u->id == ISA_UNIT_MXU || u->id == ISA_UNIT_VPU) {
            clear = sim_max_u64(clear, own_clear(s, u, stream, u->slot.banks[i], cycle));
        }
    }
    return clear == cycle ? 0 : clear;
}

void sim_add_shrink(sim *s, sim_unit *u, sim_command *command, uint64_t from, uint64_t banks)
{
    SY_ASSERT(command->n_shrinks <= SIM_MAX_BANKS);
    command->shrinks[command->n_shrinks++] = (sim_shrink){.from = from, .banks = banks};
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        if ((s->units[k].waits_for_unit >> u->id & 1) != 0) {
            sim_wake_front(&s->units[k], from);
        }
    }
}
