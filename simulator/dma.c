/*
 * dma.c -- what LD and ST share: the walk over runs of bytes, the walk over rows, bursts, the bus.
 *
 * Contract: isa/spec/timing.md, sections 7, 8 and 10.  Verilog twin: rtl/dma_walk.v.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim_internal.h"

/* ---- runs ---- */

static void find_validity(sim_run_walk *walk)
{
    bool valid = walk->valid_low < walk->valid_high;
    for (unsigned k = 1; k < 4; k++) {
        valid = valid && walk->i[k] >= walk->bytes.low[k] && walk->i[k] < walk->bytes.high[k];
    }
    walk->valid = valid;
}

void sim_run_walk_begin(sim_run_walk *walk, const sim_bytes *bytes)
{
    *walk = (sim_run_walk){
        .bytes = *bytes,
        .run_address = bytes->address,
        .valid_low = bytes->low[0],
        .valid_high = bytes->high[0] < bytes->n[0] ? bytes->high[0] : bytes->n[0],
    };
    find_validity(walk);
}

bool sim_run_walk_next(sim_run_walk *walk)
{
    unsigned k = 1;
    for (; k < 4; k++) {
        walk->run_address += (uint64_t)(int64_t)walk->bytes.s[k];
        if (++walk->i[k] < walk->bytes.n[k]) {
            break;
        }
        walk->run_address -= (uint64_t)((int64_t)walk->bytes.s[k] * (int64_t)walk->bytes.n[k]);
        walk->i[k] = 0;
    }
    walk->done = k == 4;
    find_validity(walk);
    return k > walk->bytes.close;
}

/* ---- rows ---- */

/* The number of rows after which the stream holds fewer banks than after `iteration` iterations. */
static uint64_t next_shrink(const sim *s, const sim_row_walk *walk, const sim_stream *stream, uint32_t iteration)
{
    const uint64_t banks = sim_bank_mask(s, stream->memory, sim_stream_rows(stream, iteration));
    uint32_t same = iteration;
    uint32_t fewer = stream->n_iterations;
    if ((banks & (banks - 1)) == 0) {
        same = fewer - 1; /* a single bank stays to the end */
    }
    while (fewer - same > 1) {
        const uint32_t middle = same + (fewer - same) / 2;
        if (sim_bank_mask(s, stream->memory, sim_stream_rows(stream, middle)) == banks) {
            same = middle;
        } else {
            fewer = middle;
        }
    }
    return walk->per_iteration * fewer;
}

void sim_row_walk_begin(sim *s, sim_row_walk *walk, const sim_walk *rows, const sim_stream *stream)
{
    const uint64_t per_iteration = (uint64_t)rows->n[0] * rows->n[1] * rows->n[2];
    *walk = (sim_row_walk){
        .walk = *rows,
        .row = rows->base,
        .per_iteration = per_iteration,
        .n_rows = per_iteration * rows->n[3],
    };
    walk->shrink_at = next_shrink(s, walk, stream, 0);
}

void sim_row_walk_next(sim_row_walk *walk)
{
    for (unsigned k = 0; k < 4; k++) {
        walk->row += walk->walk.s[k];
        if (++walk->i[k] < walk->walk.n[k]) {
            return;
        }
        walk->row -= (int64_t)walk->walk.s[k] * walk->walk.n[k];
        walk->i[k] = 0;
    }
}

void sim_row_walk_shrink(sim *s, sim_unit *u, sim_command *command, sim_row_walk *walk, uint64_t cycle)
{
    const sim_stream *stream = &command->streams[0];
    const uint32_t iteration = (uint32_t)(walk->shrink_at / walk->per_iteration);
    uint64_t banks = 0;
    if (iteration == stream->n_iterations) {
        walk->shrink_at = SIM_NEVER;
    } else {
        banks = sim_bank_mask(s, stream->memory, sim_stream_rows(stream, iteration));
        walk->shrink_at = next_shrink(s, walk, stream, iteration);
    }
    sim_add_shrink(s, u, command, cycle + 1, banks);
}

/* ---- the bus ---- */

/* The burst that is has been requested is answered with an error: notes the first of these. */
static void foresee_error(sim *s, sim_dram_dir dir, uint64_t number, uint64_t first, uint32_t n_beats)
{
    uint32_t beat;
    if (sim_dram_answer(&s->dram, dir, number, n_beats, &beat) != 0 && s->axi_error[dir] == SIM_NEVER) {
        s->axi_error[dir] = dir == SIM_DRAM_READ ? first + beat : first + n_beats;
    }
}

uint64_t sim_bus_request(sim *s, sim_dram_dir dir, uint64_t cycle, uint64_t address, uint32_t n_beats)
{
    const uint64_t first = sim_dram_request(&s->dram, dir, cycle, address, n_beats);
    if (s->dram.faults.error_one_in != 0) {
        foresee_error(s, dir, s->dram.stats.bursts[dir] - 1, first, n_beats);
    }
    for (unsigned i = 0; i < 2; i++) { /* the counters must have read what the ring is about to lose */
        if (s->n_bus - s->pieces[i].bus_span >= SIM_BUS_SPANS / 2) {
            sim_settle(s, &s->units[ISA_UNIT_LD + i], cycle);
        }
    }
    if (s->n_bus > s->pieces[0].bus_span && s->n_bus > s->pieces[1].bus_span) {
        sim_bus_span *last = &s->bus[(s->n_bus - 1) % SIM_BUS_SPANS];
        if (last->dir == (uint32_t)dir && last->first + last->n == first) {
            last->n += n_beats;
            return first;
        }
    }
    s->bus[s->n_bus++ % SIM_BUS_SPANS] = (sim_bus_span){.first = first, .n = n_beats, .dir = (uint32_t)dir};
    return first;
}
