/*
 * ld.c -- DRAM to SPM or ACC: address unit, load buffer, assembler.
 *
 * How: the pieces of a burst follow each other in consecutive cycles, because each of its beats has at least one piece
 * and beats arrive in consecutive cycles; so once a burst is requested, all its cycles are known, and with them
 * when its beats are freed, so when the next request is possible.  One event per burst, whatever its pieces.
 * The data move when the burst is requested: requests are served in their order, and whoever may look at the
 * rows has to wait for the banks.
 *
 * Contract: isa/spec/timing.md, section 7.  Verilog twin: rtl/ld.v.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sim_internal.h"

/* ---- address unit ---- */

/* Stands at the beginning of a run: passes runs without valid bytes, one step each. */
static void address_settle(sim *s)
{
    sim_ld *ld = &s->ld;
    while (!ld->address_walk.done && !ld->address_walk.valid) {
        ld->next_step++;
        (void)sim_run_walk_next(&ld->address_walk);
    }
    if (ld->address_walk.done) {
        ld->addressing = false;
        ld->last_step = ld->next_step - 1;
        return;
    }
    ld->address_at = ld->address_walk.valid_low;
}

/* The cycle in which a beat, counted since START, is freed. Beats are asked for in order. */
static uint64_t beat_freed(sim *s, uint64_t beat)
{
    sim_ld *ld = &s->ld;
    const sim_read_burst *burst = &ld->bursts[ld->free_burst & ld->ring_mask];
    while (burst->beat_index + burst->n_beats <= beat) {
        burst = &ld->bursts[++ld->free_burst & ld->ring_mask];
    }
    if (ld->free_burst >= ld->n_taken) {
        return SIM_NEVER; /* beyond the limit of the run */
    }
    if (burst->beat_index + burst->n_beats - 1 == beat) {
        return burst->last_piece;
    }
    const uint64_t beat_end =
        (burst->address & ~(uint64_t)(s->beat_bytes - 1)) + (beat - burst->beat_index + 1) * s->beat_bytes;
    const uint64_t n_bytes = sim_min_u64(burst->n_bytes, beat_end - burst->address);
    return burst->first_piece +
           sim_pieces(burst->address, burst->row_at, n_bytes, s->cut_bytes, burst->row_bytes) - 1;
}

/* When a burst of n_beats can be sent. */
static inline uint64_t request_cycle(sim *s, uint64_t n_beats)
{
    sim_ld *ld = &s->ld;
    const uint64_t outstanding = s->machine.config.dram_outstanding;
    const uint64_t wanted = ld->n_beats + n_beats;
    uint64_t cycle = ld->next_step;
    if (ld->n_bursts >= outstanding) {
        cycle = sim_max_u64(cycle, ld->bursts[(ld->n_bursts - outstanding) & ld->ring_mask].last_beat + 1);
    }
    if (wanted > ld->load_beats) {
        const uint64_t freed = beat_freed(s, wanted - ld->load_beats - 1);
        if (freed == SIM_NEVER) {
            return SIM_NEVER;
        }
        cycle = sim_max_u64(cycle, freed + 1);
    }
    return cycle + sim_dram_ready(&s->dram, SIM_DRAM_READ, ld->n_bursts);
}

/* When the address unit sends its next burst. */
static uint64_t next_request(sim *s)
{
    const sim_ld *ld = &s->ld;
    if (!ld->addressing) {
        return SIM_NEVER;
    }
    const uint64_t address = ld->address_walk.run_address + ld->address_at;
    const uint32_t n_bytes = sim_burst_bytes(s, address, ld->address_at, ld->address_walk.valid_high);
    return request_cycle(s, sim_beats(s, address, n_bytes));
}

static void request(sim *s, uint64_t cycle)
{
    sim_ld *ld = &s->ld;
    const uint64_t address = ld->address_walk.run_address + ld->address_at;
    const uint32_t n_bytes = sim_burst_bytes(s, address, ld->address_at, ld->address_walk.valid_high);
    const uint32_t n_beats = sim_beats(s, address, n_bytes);
    sim_read_burst *burst = &ld->bursts[ld->n_bursts++ & ld->ring_mask];
    burst->address = address;
    burst->n_bytes = n_bytes;
    burst->n_beats = n_beats;
    burst->beat_index = ld->n_beats;
    burst->first_beat = sim_bus_request(s, SIM_DRAM_READ, cycle, address, n_beats);
    burst->last_beat = burst->first_beat + n_beats - 1;
    ld->n_beats += n_beats;
    ld->next_step = cycle + 1;
    ld->address_at += n_bytes;
    if (ld->address_at == ld->address_walk.valid_high) {
        (void)sim_run_walk_next(&ld->address_walk);
        address_settle(s);
    }
}

/* ---- assembler ---- */

/* How many of the next n rows lie one behind the other. */
static uint64_t whole_rows(const sim_row_walk *rows, uint64_t n)
{
    return rows->walk.s[0] == 1 ? sim_min_u64(n, rows->walk.n[0] - rows->i[0]) : sim_min_u64(n, 1);
}

/* n bytes of a row, from byte `at` of it, that are not fetched. */
static void put_fill(uint8_t *to, uint32_t at, uint16_t fill, uint64_t n)
{
    const uint8_t bytes[2] = {(uint8_t)fill, (uint8_t)(fill >> 8)};
    if (bytes[0] == bytes[1]) {
        memset(to, bytes[0], n);
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        to[i] = bytes[(at + i) & 1];
    }
}

/* Moves n bytes to the rows, from DRAM or (NULL) the fill element. */
static void put(sim *s, const uint8_t *from, uint16_t fill, uint64_t n)
{
    sim_ld *ld = &s->ld;
    const uint32_t row_bytes = ld->walk.bytes.row_bytes;
    uint8_t *memory = s->memory[ld->walk.bytes.memory];
    uint32_t at = ld->row_at;
    while (n > 0) {
        const uint64_t part = sim_min_u64(n, row_bytes - at);
        uint8_t *to = memory + (uint64_t)ld->rows.row * row_bytes + at;
        const uint64_t n_together = whole_rows(&ld->rows, at == 0 ? n / row_bytes : 0);
        if (n_together > 1 && from != NULL) {
            memcpy(to, from, n_together * row_bytes);
            from += n_together * row_bytes;
            n -= n_together * row_bytes;
            sim_row_walk_skip(&ld->rows, n_together);
            continue;
        }
        if (from != NULL) {
            memcpy(to, from, part);
            from += part;
        } else {
            put_fill(to, at, fill, part);
        }
        at += (uint32_t)part;
        n -= part;
        if (at == row_bytes) {
            at = 0;
            sim_row_walk_next(&ld->rows);
        }
    }
}

static void begin_assembly(sim *s)
{
    sim_ld *ld = &s->ld;
    sim_unit *u = &s->units[ISA_UNIT_LD];
    const sim_command *command = sim_flight(u, ld->n_assembled);
    const uint32_t *regs = ld->regs[ld->n_assembled % SIM_FLIGHT];
    const sim_bytes bytes = sim_command_bytes(&s->machine.config, ISA_UNIT_LD, regs);
    const sim_walk rows = sim_command_walk(&s->machine.config, ISA_UNIT_LD, command->funct7, regs, SIM_ROLE_ROWS);
    sim_run_walk_begin(&ld->walk, &bytes);
    sim_row_walk_begin(s, &ld->rows, &rows, &command->streams[0]);
    ld->assembling = true;
    ld->run_at = 0;
    ld->row_at = 0;
}

/* A stretch of bytes that are all valid (one burst) or all not, and its pieces. */
typedef struct stretch {
    const sim_read_burst *burst; /* NULL: not valid */
    uint64_t n_bytes;
    uint64_t address;
    uint64_t cut_bytes;
    uint64_t first_piece;
    uint64_t n_pieces;
} stretch;

/* The next stretch, or false if its burst has not been requested. */
static bool next_stretch(sim *s, stretch *next)
{
    sim_ld *ld = &s->ld;
    const sim_run_walk *walk = &ld->walk;
    *next = (stretch){.n_bytes = walk->bytes.n[0] - ld->run_at};
    if (walk->valid && ld->run_at < walk->valid_low) {
        next->n_bytes = walk->valid_low - ld->run_at;
    } else if (walk->valid && ld->run_at < walk->valid_high) {
        if (ld->n_taken == ld->n_bursts) {
            return false;
        }
        next->burst = &ld->bursts[ld->n_taken & ld->ring_mask];
        next->n_bytes = next->burst->n_bytes;
        next->address = next->burst->address;
        next->cut_bytes = s->cut_bytes;
    }
    const sim_command *command = sim_flight(&s->units[ISA_UNIT_LD], ld->n_assembled);
    next->first_piece = command->start + 1;
    if (ld->any_piece) {
        next->first_piece = sim_max_u64(next->first_piece, ld->last_piece + 1);
    }
    if (next->burst != NULL) {
        next->first_piece = sim_max_u64(next->first_piece, next->burst->first_beat + 1);
    }
    next->n_pieces =
        sim_pieces(next->address, ld->row_at, next->n_bytes, next->cut_bytes, walk->bytes.row_bytes);
    return true;
}

/* Rows that the stretch ends: banks that are let go, the place in the row after it. */
static void end_rows(sim *s, const stretch *st, bool closes)
{
    sim_ld *ld = &s->ld;
    sim_unit *u = &s->units[ISA_UNIT_LD];
    const uint32_t row_bytes = ld->walk.bytes.row_bytes;
    const uint64_t n_before = ld->rows.n_done;
    const uint64_t n_full = (ld->row_at + st->n_bytes) >> __builtin_ctz(row_bytes);
    const uint32_t left = (uint32_t)((ld->row_at + st->n_bytes) & (row_bytes - 1));
    const bool cut_short = closes && left > 0;
    ld->rows.n_done += n_full + (cut_short ? 1 : 0);
    while (ld->rows.shrink_at <= ld->rows.n_done) {
        uint64_t cycle = ld->last_piece;
        if (ld->rows.shrink_at <= n_before + n_full) {
            const uint64_t n_bytes = (ld->rows.shrink_at - n_before) * row_bytes - ld->row_at;
            cycle = st->first_piece + sim_pieces(st->address, ld->row_at, n_bytes, st->cut_bytes, row_bytes) - 1;
        }
        sim_row_walk_shrink(s, u, sim_flight(u, ld->n_assembled), &ld->rows, cycle);
    }
    ld->row_at = left;
    if (cut_short) {
        if (!s->options.timing_only) {
            put(s, NULL, ld->fill[ld->n_assembled % SIM_FLIGHT], row_bytes - left);
        }
        ld->row_at = 0;
    }
}

static void take(sim *s, const stretch *st)
{
    sim_ld *ld = &s->ld;
    if (st->burst != NULL) {
        sim_read_burst *burst = &ld->bursts[ld->n_taken++ & ld->ring_mask];
        burst->first_piece = st->first_piece;
        burst->row_at = ld->row_at;
        burst->row_bytes = ld->walk.bytes.row_bytes;
    }
    ld->any_piece = true;
    ld->last_piece = st->first_piece + st->n_pieces - 1;
    if (st->burst != NULL) {
        ld->bursts[(ld->n_taken - 1) & ld->ring_mask].last_piece = ld->last_piece;
    }
    sim_count_pieces(s, ISA_UNIT_LD, st->first_piece, st->n_pieces);
    if (!s->options.timing_only) {
        put(s, st->burst != NULL ? s->dram_bytes + st->address : NULL, ld->fill[ld->n_assembled % SIM_FLIGHT],
            st->n_bytes);
    }
    ld->run_at += (uint32_t)st->n_bytes;
    bool closes = false;
    if (ld->run_at == ld->walk.bytes.n[0]) {
        closes = sim_run_walk_next(&ld->walk);
        ld->run_at = 0;
    }
    end_rows(s, st, closes);
}

/* As far as bursts have been requested; `now` is the cycle of what made this possible. */
static void assemble(sim *s, uint64_t now)
{
    sim_ld *ld = &s->ld;
    sim_unit *u = &s->units[ISA_UNIT_LD];
    for (;;) {
        if (!ld->assembling) {
            if (ld->n_assembled == u->n_started) {
                return;
            }
            begin_assembly(s);
        }
        stretch next;
        while (!ld->walk.done) {
            if ((ld->any_piece && ld->last_piece > s->max_cycles) || !next_stretch(s, &next)) {
                return;
            }
            take(s, &next);
        }
        sim_flight(u, ld->n_assembled)->end = ld->last_piece;
        ld->n_assembled++;
        ld->assembling = false;
        if (ld->n_assembled == u->n_started) {
            u->last_end = ld->last_piece;
        }
        sim_wake_front(u, now);
        sim_wake_core(s, now);
    }
}

/* ---- what the front sees ---- */

uint64_t sim_ld_own(const sim *s, uint64_t cycle)
{
    if (s->ld.addressing) {
        return SIM_NEVER;
    }
    return sim_flight_room(&s->units[ISA_UNIT_LD], sim_max_u64(cycle, s->ld.last_step), s->machine.config.commands);
}

void sim_ld_begin(sim *s, sim_command *command, const uint32_t *regs)
{
    sim_ld *ld = &s->ld;
    const sim_bytes bytes = sim_command_bytes(&s->machine.config, ISA_UNIT_LD, regs);
    memcpy(ld->regs[command->number % SIM_FLIGHT], regs, sizeof ld->regs[0]);
    ld->fill[command->number % SIM_FLIGHT] = s->machine.config.element == ISA_ELEMENT_BF16
                                                 ? (uint16_t)regs[ISA_LD_FILL]
                                                 : (uint16_t)(regs[ISA_LD_FILL] * 0x0101u);
    s->units[ISA_UNIT_LD].last_end = SIM_NEVER;
    sim_run_walk_begin(&ld->address_walk, &bytes);
    ld->addressing = true;
    ld->next_step = command->start + 1;
    address_settle(s);
    assemble(s, command->start);
    s->units[ISA_UNIT_LD].engine_wake = next_request(s);
}

/*
 * Whole bursts in the middle of a run, each the same number of rows, before a cycle: what request and assemble do, with
 * all that is the same for each taken out of the loop.  Nothing in it concerns the front or other units.
 * Returns how many there were.
 */
static uint64_t request_alike(sim *s, uint64_t before)
{
    sim_ld *ld = &s->ld;
    const uint32_t row_bytes = ld->walk.bytes.row_bytes;
    const uint32_t n_bytes = s->burst_bytes;
    const uint64_t address = ld->address_walk.run_address + ld->address_at;
    const uint64_t left = ld->address_walk.valid_high - ld->address_at;
    if (left <= n_bytes || (address & (n_bytes - 1)) != 0 || n_bytes < row_bytes || !ld->assembling ||
        ld->n_taken != ld->n_bursts || !ld->any_piece) {
        return 0;
    }
    const uint64_t most = (left - 1) / n_bytes; /* the last of the run is left to request() */
    const uint32_t n_beats = sim_beats(s, address, n_bytes);
    const uint64_t n_rows = n_bytes / row_bytes;
    const uint64_t n_pieces = sim_pieces(address, ld->row_at, n_bytes, s->cut_bytes, row_bytes);
    uint64_t n = 0;
    for (; n < most; n++) {
        const uint64_t cycle = request_cycle(s, n_beats);
        if (cycle >= before || cycle >= s->axi_error[SIM_DRAM_READ] || ld->rows.n_done + n_rows >= ld->rows.shrink_at || ld->last_piece > s->max_cycles) {
            break;
        }
        s->now = cycle;
        const uint64_t first_beat = sim_bus_request(s, SIM_DRAM_READ, cycle, address + n * n_bytes, n_beats);
        const uint64_t first_piece = sim_max_u64(ld->last_piece, first_beat) + 1;
        ld->last_piece = first_piece + n_pieces - 1;
        ld->bursts[ld->n_bursts & ld->ring_mask] = (sim_read_burst){
            .address = address + n * n_bytes,
            .last_beat = first_beat + n_beats - 1,
            .first_beat = first_beat,
            .first_piece = first_piece,
            .last_piece = ld->last_piece,
            .beat_index = ld->n_beats,
            .n_bytes = n_bytes,
            .n_beats = n_beats,
            .row_at = ld->row_at,
            .row_bytes = row_bytes,
        };
        sim_count_pieces(s, ISA_UNIT_LD, first_piece, n_pieces);
        ld->n_bursts++;
        ld->n_taken++;
        ld->n_beats += n_beats;
        ld->next_step = cycle + 1;
        ld->rows.n_done += n_rows;
    }
    if (n > 0 && !s->options.timing_only) {
        put(s, s->dram_bytes + address, 0, n * n_bytes);
    }
    ld->address_at += (uint32_t)(n * n_bytes);
    ld->run_at += (uint32_t)(n * n_bytes);
    return n;
}

void sim_ld_act(sim *s, uint64_t cycle, uint64_t horizon)
{
    sim_unit *u = &s->units[ISA_UNIT_LD];
    while (u->engine_wake == cycle || u->engine_wake < horizon) {
        const uint64_t now = u->engine_wake;
        if (s->options.no_batches || request_alike(s, sim_max_u64(horizon, cycle + 1)) == 0) {
            s->now = now;
            request(s, now);
            assemble(s, now);
        }
        u->engine_wake = next_request(s);
        if (!s->ld.addressing) {
            sim_wake_front(u, now);
        }
        horizon = sim_min_u64(horizon, sim_next_front(s));
    }
}
