/*
 * st.c -- SPM or ACC to DRAM: disassembler, store buffer, requests.
 *
 * How: one event per burst, its AW. Between two of them the disassembler is run ahead as far as the store buffer's room
 * is known, which depends on the cycles of beats already requested. The bytes are read from the rows when they are cut,
 * or, for the row at which it has to stop, then (rows not yet read are in banks that are held), and wait in the stage
 * for their AW, when they go to DRAM: requests are served in their order.
 *
 * Contract: isa/spec/timing.md, section 8.  Verilog twin: rtl/st.v.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sim_internal.h"

/* ---- requests ---- */

static uint64_t next_request(const sim *s)
{
    const sim_st *st = &s->st;
    if (st->n_sent == st->n_bursts) {
        return SIM_NEVER;
    }
    const sim_write_burst *burst = &st->bursts[st->n_sent & st->ring_mask];
    if (burst->complete == SIM_NEVER) {
        return SIM_NEVER;
    }
    uint64_t cycle = burst->complete + 1;
    if (st->n_sent > 0) {
        cycle = sim_max_u64(cycle, st->last_request + 1);
    }
    const uint64_t outstanding = s->machine.config.dram_outstanding;
    if (st->n_sent >= outstanding) {
        cycle = sim_max_u64(cycle, st->bursts[(st->n_sent - outstanding) & st->ring_mask].response + 1);
    }
    return cycle + sim_dram_ready(&s->dram, SIM_DRAM_WRITE, st->n_sent);
}

static void request(sim *s, uint64_t cycle)
{
    sim_st *st = &s->st;
    sim_write_burst *burst = &st->bursts[st->n_sent++ & st->ring_mask];
    burst->first_beat = sim_bus_request(s, SIM_DRAM_WRITE, cycle, burst->address, burst->n_beats);
    burst->response = burst->first_beat + burst->n_beats;
    st->last_request = cycle;
    if (!s->options.timing_only) {
        const uint64_t at = st->stage_out & st->stage_mask;
        const uint64_t part = sim_min_u64(burst->n_bytes, st->stage_mask + 1 - at);
        memcpy(s->dram_bytes + burst->address, st->stage + at, part);
        memcpy(s->dram_bytes + burst->address + part, st->stage, burst->n_bytes - part);
        st->stage_out += burst->n_bytes;
    }
}

/*
 * The first cycle in which a beat (counted since START) finds room in the store buffer, SIM_NEVER if that is not known.
 * Beats are asked for in order, or a little ahead.
 */
static uint64_t room_for(sim_st *st, uint64_t beat)
{
    if (beat < st->store_beats) {
        return 0;
    }
    const uint64_t before = beat - st->store_beats; /* must have been transferred */
    while (st->n_beats >= st->store_beats && st->room_burst < st->n_sent &&
           st->bursts[st->room_burst & st->ring_mask].beat_index +
                   st->bursts[st->room_burst & st->ring_mask].n_beats <=
               st->n_beats - st->store_beats) {
        st->room_burst++;
    }
    for (uint64_t i = st->room_burst; i < st->n_sent; i++) {
        const sim_write_burst *burst = &st->bursts[i & st->ring_mask];
        if (before < burst->beat_index + burst->n_beats) {
            return burst->first_beat + (before - burst->beat_index) + 1;
        }
    }
    return SIM_NEVER;
}

/* ---- disassembler ---- */

/* The row that is being cut. */
static const uint8_t *current_row(const sim *s)
{
    const sim_st *st = &s->st;
    return st->row_is_kept ? st->kept_row
                           : s->memory[st->walk.bytes.memory] + (uint64_t)st->rows.row * st->walk.bytes.row_bytes;
}

/* The disassembler stops for now: its row has been read, so the bank may be somebody else's when it goes on. */
static void keep_row(sim *s)
{
    sim_st *st = &s->st;
    if (!s->options.timing_only && !st->row_is_kept) {
        memcpy(st->kept_row, current_row(s), st->walk.bytes.row_bytes);
        st->row_is_kept = true;
    }
}

static void next_row(sim_st *st)
{
    st->row_is_kept = false;
    sim_row_walk_next(&st->rows);
}

/* Takes n bytes from the rows into the stage, or (not wanted) passes them. */
static void get(sim *s, bool wanted, uint64_t n)
{
    sim_st *st = &s->st;
    const uint32_t row_bytes = st->walk.bytes.row_bytes;
    uint32_t at = st->row_at;
    while (n > 0) {
        uint64_t part = sim_min_u64(n, row_bytes - at);
        const uint64_t n_stage = st->stage_mask + 1 - (st->stage_in & st->stage_mask);
        if (wanted && at == 0 && !st->row_is_kept && st->rows.walk.s[0] == 1 && n >= 2 * row_bytes) {
            const uint64_t n_rows = sim_min_u64(sim_min_u64(n, n_stage) / row_bytes,
                                                st->rows.walk.n[0] - st->rows.i[0]);
            if (n_rows > 1) { /* one behind the other */
                memcpy(st->stage + (st->stage_in & st->stage_mask), current_row(s), n_rows * row_bytes);
                st->stage_in += n_rows * row_bytes;
                n -= n_rows * row_bytes;
                sim_row_walk_skip(&st->rows, n_rows);
                continue;
            }
        }
        if (wanted) {
            part = sim_min_u64(part, n_stage);
            memcpy(st->stage + (st->stage_in & st->stage_mask), current_row(s) + at, part);
            st->stage_in += part;
        }
        at += (uint32_t)part;
        n -= part;
        if (at == row_bytes) {
            at = 0;
            next_row(st);
        }
    }
}

/* A part of a run that is cut in consecutive cycles. */
typedef struct part {
    uint64_t n_bytes;
    uint64_t address;
    uint64_t cut_bytes; /* 0: not valid */
    uint64_t n_new_beats;
    uint64_t first_piece;
} part;

/* In ACC a row's first piece may have to wait: a part ends with its row. */
static void limit_to_row(const sim_st *st, part *p)
{
    if (st->walk.bytes.memory == ISA_MEMORY_ACC) {
        p->n_bytes = sim_min_u64(p->n_bytes, st->walk.bytes.row_bytes - st->row_at);
    }
}

static void begin_burst(sim *s)
{
    sim_st *st = &s->st;
    const uint64_t address = st->walk.run_address + st->run_at;
    const uint32_t n_bytes = sim_burst_bytes(s, address, st->run_at, st->walk.valid_high);
    st->bursts[st->n_bursts++ & st->ring_mask] = (sim_write_burst){
        .address = address,
        .complete = SIM_NEVER,
        .first_beat = SIM_NEVER,
        .beat_index = st->n_beats,
        .n_bytes = n_bytes,
        .n_beats = sim_beats(s, address, n_bytes),
    };
    st->in_burst = true;
    st->in_beat = false;
    st->burst_end = st->run_at + n_bytes;
}

/* The next part of the burst that is being filled; false if its room is not known yet. */
static bool next_valid_part(sim *s, part *p)
{
    sim_st *st = &s->st;
    p->address = st->walk.run_address + st->run_at;
    p->cut_bytes = s->cut_bytes;
    p->n_bytes = st->burst_end - st->run_at;
    limit_to_row(st, p);
    p->n_new_beats = sim_beats(s, p->address, p->n_bytes) - (st->in_beat ? 1 : 0);
    if (p->n_new_beats == 0) {
        return true;
    }
    const uint64_t last_room = room_for(st, st->n_beats + p->n_new_beats - 1);
    if (last_room <= p->first_piece) {
        return true;
    }
    if (last_room != SIM_NEVER && !st->in_beat) { /* room for one beat after the other comes in consecutive cycles */
        const uint64_t first_room = room_for(st, st->n_beats);
        if (last_room - first_room == p->n_new_beats - 1) {
            p->first_piece = sim_max_u64(p->first_piece, first_room);
            return true;
        }
    }
    /* One beat at a time. */
    p->n_bytes = sim_min_u64(p->n_bytes, s->beat_bytes - (p->address & (s->beat_bytes - 1)));
    p->n_new_beats = st->in_beat ? 0 : 1;
    if (p->n_new_beats == 1) {
        const uint64_t room = room_for(st, st->n_beats);
        if (room == SIM_NEVER) {
            return false;
        }
        p->first_piece = sim_max_u64(p->first_piece, room);
    }
    return true;
}

/*
 * A whole burst in the middle of a run of SPM's rows, if all its beats have known room, in cycles that follow each
 * other: what next_part and cut_part do in general, in one go.
 */
static bool cut_whole_burst(sim *s)
{
    sim_st *st = &s->st;
    const sim_run_walk *walk = &st->walk;
    const uint32_t row_bytes = walk->bytes.row_bytes;
    const uint32_t n_bytes = s->burst_bytes;
    const uint64_t address = walk->run_address + st->run_at;
    if (st->in_burst || !walk->valid || st->run_at < walk->valid_low || walk->valid_high <= st->run_at ||
        walk->valid_high - st->run_at <= n_bytes || (address & (n_bytes - 1)) != 0 || n_bytes < row_bytes ||
        walk->bytes.memory != ISA_MEMORY_SPM || st->rows.n_done + n_bytes / row_bytes >= st->rows.shrink_at - 1) {
        return false;
    }
    const uint32_t n_beats = sim_beats(s, address, n_bytes);
    uint64_t first_piece = st->last_piece + 1;
    const uint64_t last_room = room_for(st, st->n_beats + n_beats - 1);
    if (last_room > first_piece) {
        const uint64_t first_room = last_room == SIM_NEVER ? 0 : room_for(st, st->n_beats);
        if (last_room - first_room != n_beats - 1) {
            return false;
        }
        first_piece = sim_max_u64(first_piece, first_room);
    }
    const uint64_t n_pieces = sim_pieces(address, st->row_at, n_bytes, s->cut_bytes, row_bytes);
    st->last_piece = first_piece + n_pieces - 1;
    st->bursts[st->n_bursts++ & st->ring_mask] = (sim_write_burst){
        .address = address,
        .complete = st->last_piece,
        .first_beat = SIM_NEVER,
        .beat_index = st->n_beats,
        .n_bytes = n_bytes,
        .n_beats = n_beats,
    };
    sim_count_pieces(s, ISA_UNIT_ST, first_piece, n_pieces);
    if (!s->options.timing_only) {
        get(s, true, n_bytes);
    }
    st->n_beats += n_beats;
    st->run_at += n_bytes;
    st->rows.n_done += n_bytes / row_bytes;
    st->row_ready = st->last_piece + 1;
    return true;
}

static bool next_part(sim *s, part *p)
{
    sim_st *st = &s->st;
    const sim_run_walk *walk = &st->walk;
    *p = (part){.n_bytes = walk->bytes.n[0] - st->run_at, .first_piece = st->last_piece + 1};
    if (st->row_at == 0) {
        p->first_piece = sim_max_u64(p->first_piece, st->row_ready);
    }
    if (walk->valid && st->run_at >= walk->valid_low && st->run_at < walk->valid_high) {
        if (!st->in_burst) {
            if (room_for(st, st->n_beats) == SIM_NEVER) {
                return false;
            }
            begin_burst(s);
        }
        return next_valid_part(s, p);
    }
    if (walk->valid && st->run_at < walk->valid_low) {
        p->n_bytes = walk->valid_low - st->run_at;
    }
    limit_to_row(st, p);
    return true;
}

/* Rows that a part ends: the rows read in their stead, banks that are let go, the place in the row. */
static void end_rows(sim *s, const part *p, bool closes)
{
    sim_st *st = &s->st;
    sim_unit *u = &s->units[ISA_UNIT_ST];
    const uint32_t row_bytes = st->walk.bytes.row_bytes;
    const uint64_t n_before = st->rows.n_done;
    const uint64_t n_full = (st->row_at + p->n_bytes) >> __builtin_ctz(row_bytes);
    const uint32_t left = (uint32_t)((st->row_at + p->n_bytes) & (row_bytes - 1));
    const bool cut_short = closes && left > 0;
    st->rows.n_done += n_full + (cut_short ? 1 : 0);
    /* Row k (from 0) is read when row k - 1 ends, so iterations are complete one row before they end. */
    while (st->rows.shrink_at - 1 <= st->rows.n_done) {
        uint64_t cycle = st->last_piece;
        if (st->rows.shrink_at - 1 <= n_before + n_full) {
            const uint64_t n_bytes = (st->rows.shrink_at - 1 - n_before) * row_bytes - st->row_at;
            cycle = p->first_piece + sim_pieces(p->address, st->row_at, n_bytes, p->cut_bytes, row_bytes) - 1;
        }
        sim_row_walk_shrink(s, u, sim_flight(u, st->n_cut), &st->rows, cycle);
    }
    st->row_at = left;
    if (cut_short) {
        st->row_at = 0;
        next_row(st);
    }
    if (st->row_at == 0) {
        st->row_ready = st->last_piece + (st->walk.bytes.memory == ISA_MEMORY_ACC ? s->d : 1);
    }
}

static void cut_part(sim *s, const part *p)
{
    sim_st *st = &s->st;
    const uint32_t row_bytes = st->walk.bytes.row_bytes;
    const uint64_t n_pieces = sim_pieces(p->address, st->row_at, p->n_bytes, p->cut_bytes, row_bytes);
    st->last_piece = p->first_piece + n_pieces - 1;
    sim_count_pieces(s, ISA_UNIT_ST, p->first_piece, n_pieces);
    if (!s->options.timing_only) {
        get(s, p->cut_bytes != 0, p->n_bytes);
    }
    st->run_at += (uint32_t)p->n_bytes;
    st->n_beats += p->n_new_beats;
    if (p->cut_bytes != 0) {
        st->in_beat = ((p->address + p->n_bytes) & (s->beat_bytes - 1)) != 0;
        if (st->run_at == st->burst_end) {
            st->bursts[(st->n_bursts - 1) & st->ring_mask].complete = st->last_piece;
            st->in_burst = false;
        }
    }
    bool closes = false;
    if (st->run_at == st->walk.bytes.n[0]) {
        closes = sim_run_walk_next(&st->walk);
        st->run_at = 0;
    }
    end_rows(s, p, closes);
}

/* Commands whose last burst is answered have their end. */
static void find_ends(sim *s, uint64_t now)
{
    sim_st *st = &s->st;
    sim_unit *u = &s->units[ISA_UNIT_ST];
    while (st->n_ended < st->n_cut) {
        const uint32_t k = st->n_ended;
        const uint64_t n_bursts = st->n_bursts_of[k % SIM_FLIGHT];
        if (st->n_sent < n_bursts) {
            return;
        }
        uint64_t end = st->last_piece_of[k % SIM_FLIGHT];
        if (n_bursts > st->n_bursts_before) {
            end = sim_max_u64(end, st->bursts[(n_bursts - 1) & st->ring_mask].response);
        }
        if (k > 0) {
            end = sim_max_u64(end, st->last_end + 1);
        }
        st->n_bursts_before = n_bursts;
        st->last_end = end;
        st->n_ended++;
        sim_flight(u, k)->end = end;
        if (st->n_ended == u->n_started) {
            u->last_end = end;
        }
        sim_wake_front(u, now);
        sim_wake_core(s, now);
    }
}

/* Cuts as far as room is known. */
static void cut(sim *s, uint64_t now)
{
    sim_st *st = &s->st;
    part next;
    st->resume = SIM_NEVER;
    while (st->cutting && !st->walk.done) {
        if (!s->options.no_batches && cut_whole_burst(s)) {
            continue;
        }
        if (st->last_piece > s->max_cycles || !next_part(s, &next)) {
            keep_row(s);
            return;
        }
        if (!sim_room_for_pieces(s, ISA_UNIT_ST)) {
            st->resume = st->last_piece; /* far ahead (rows of ACC whose bytes are dropped): go on then */
            keep_row(s);
            return;
        }
        cut_part(s, &next);
    }
    if (st->cutting) {
        st->cutting = false;
        st->last_piece_of[st->n_cut % SIM_FLIGHT] = st->last_piece;
        st->n_bursts_of[st->n_cut % SIM_FLIGHT] = st->n_bursts;
        st->n_cut++;
        sim_wake_front(&s->units[ISA_UNIT_ST], now);
    }
}

/* ---- what the front sees ---- */

uint64_t sim_st_own(const sim *s, uint64_t cycle)
{
    if (s->st.cutting) {
        return SIM_NEVER;
    }
    const uint64_t quiet = s->st.n_cut > 0 ? s->st.last_piece + 1 : 0;
    return sim_flight_room(&s->units[ISA_UNIT_ST], sim_max_u64(cycle, quiet), s->machine.config.commands);
}

void sim_st_begin(sim *s, sim_command *command, const uint32_t *regs)
{
    sim_st *st = &s->st;
    sim_unit *u = &s->units[ISA_UNIT_ST];
    const sim_bytes bytes = sim_command_bytes(&s->machine.config, ISA_UNIT_ST, regs);
    const sim_walk rows = sim_command_walk(&s->machine.config, ISA_UNIT_ST, command->funct7, regs, SIM_ROLE_ROWS);
    u->last_end = SIM_NEVER;
    sim_run_walk_begin(&st->walk, &bytes);
    sim_row_walk_begin(s, &st->rows, &rows, &command->streams[0]);
    st->cutting = true;
    st->in_burst = false;
    st->row_is_kept = false;
    st->run_at = 0;
    st->row_at = 0;
    st->last_piece = command->start;
    st->row_ready = command->start + (bytes.memory == ISA_MEMORY_ACC ? s->d : 1);
    if (st->rows.shrink_at == 1) { /* its first row, read at the start, is all there is in the banks */
        sim_row_walk_shrink(s, u, command, &st->rows, command->start);
    }
    cut(s, command->start);
    find_ends(s, command->start);
    u->engine_wake = sim_min_u64(st->resume, next_request(s));
}

void sim_st_act(sim *s, uint64_t cycle, uint64_t horizon)
{
    sim_unit *u = &s->units[ISA_UNIT_ST];
    while (u->engine_wake == cycle || u->engine_wake < horizon) {
        const uint64_t now = u->engine_wake;
        s->now = now;
        if (next_request(s) == now) {
            request(s, now);
        }
        cut(s, now);
        find_ends(s, now);
        u->engine_wake = sim_min_u64(s->st.resume, next_request(s));
        horizon = sim_min_u64(horizon, sim_next_front(s));
    }
}
