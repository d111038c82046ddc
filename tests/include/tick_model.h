/*
 * tick_model.h -- the timing contract, cycle by cycle and as literally as can be: what the event-driven simulator is held against.
 *
 * No data, and a core that knows straight-line code of lui, addi, mul, div, csrr of counters and Xsystole. Slow and small on purpose: one
 * function for each section of isa/spec/timing.md, walks unrolled into lists of bytes and rows. It shares sim_check and the streams of check.h
 * with the simulator, nothing else; DRAM is dram_model.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_TICK_MODEL_H
#define SYSTOLE_TESTS_TICK_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dram_model.h"
#include "systole/base/rng.h"
#include "systole/isa/isa.h"
#include "systole/sim/check.h"
#include "systole/sim/dram.h" /* names alone */
#include "systole/sim/machine.h"

#define TICK_NEVER UINT64_MAX
#define TICK_COMMANDS 64  /* of a unit in a program */
#define TICK_BYTES 16384  /* of a DMA command */
#define TICK_BURSTS 16384 /* in a program */
#define TICK_PLANES 64

typedef struct tick_byte {
    bool valid;
    uint64_t address;
    uint32_t run;
    uint32_t row;
    bool ends_row;    /* the row is full, or the closing loop ends */
    bool starts_beat; /* first byte of a beat of a burst */
    uint32_t burst;   /* of the command */
    uint64_t piece;   /* cycle of its piece */
} tick_byte;

typedef struct tick_command {
    uint32_t funct7, number, tag;
    uint64_t start, end; /* end: TICK_NEVER if unknown */
    uint32_t regs[ISA_MAX_REGS];
    unsigned n_streams;
    sim_stream streams[SIM_MAX_STREAMS];
    uint64_t done_at[SIM_MAX_STREAMS][TICK_PLANES]; /* cycle in which an iteration is complete, TICK_NEVER if not known */
    /* MXU */
    uint64_t load[TICK_PLANES], stream[TICK_PLANES];
    uint64_t rows;
    /* LD, ST */
    tick_byte *bytes;
    uint32_t n_bytes, at;      /* bytes, next byte of the assembler or disassembler */
    uint32_t n_bursts;
    uint32_t burst_first[2048]; /* first byte of each */
    uint32_t burst_last[2048];
    uint32_t n_steps, step; /* address unit: step_burst[i] is a burst, or -1 for a run without valid bytes */
    int32_t step_burst[4096];
    uint32_t first_burst;   /* number of its first burst in the unit */
    uint64_t last_step, last_piece;
    uint64_t row_read;
} tick_command;

typedef struct tick_burst {
    uint64_t want;                 /* cycle in which its address is first valid, TICK_NEVER: not yet */
    uint64_t request, first, last; /* cycles; request TICK_NEVER: not yet */
    uint32_t bad_beat;             /* answered with an error; UINT32_MAX: not */
    uint64_t complete;             /* ST */
    uint32_t n_beats;
    uint32_t n_bytes;
    uint64_t address;
    uint64_t freed[64];       /* LD: cycle in which a beat is freed */
    uint64_t first_piece[64]; /* ST: of a beat */
} tick_burst;

typedef struct tick_entry {
    uint64_t pushed;
    uint32_t funct7, a, b;
} tick_entry;

typedef struct tick_post {
    uint64_t popped;
    uint32_t s, count;
} tick_post;

typedef struct tick_unit {
    tick_entry queue[64];
    unsigned n_queue;
    uint32_t regs[ISA_MAX_REGS];
    bool slot;
    uint64_t slot_popped;
    tick_entry slot_entry;
    uint32_t slot_regs[ISA_MAX_REGS];
    uint32_t n_popped;
    tick_post posts[16];
    unsigned n_posts;
    tick_command commands[TICK_COMMANDS];
    uint32_t n_commands;
    tick_burst bursts[TICK_BURSTS];
    uint32_t n_bursts;
    bool piece; /* LD, ST: a piece in this cycle */
    uint64_t counters[ISA_N_COUNTERS];
} tick_unit;

typedef struct tick {
    isa_config c;
    tick_unit unit[ISA_N_QUEUES];
    dram_model dram;
    sim_dram_faults faults;
    uint32_t semaphore[32];
    uint32_t old_semaphore[32];
    uint32_t takers[32];
    uint32_t posted[ISA_N_UNITS]; /* semaphore + 1 */
    uint32_t posted_command[ISA_N_UNITS];
    uint64_t now;
    uint64_t error_cycle;
    uint32_t error_code, error_unit, error_command;
    int new_rank;
    uint32_t new_code, new_unit, new_command;
    /* core */
    const uint32_t *text;
    uint32_t n_text, pc, x[32];
    uint64_t core_cycle; /* the next instruction starts */
    uint64_t retired;
    bool halted, stopped, slept;
    uint64_t over_cycle;
    uint32_t exit_code;
} tick;

static inline uint64_t tick_max(uint64_t a, uint64_t b) { return a > b ? a : b; }

static inline bool tick_error(const tick *m) { return m->error_cycle < m->now; }

static inline void tick_raise(tick *m, uint32_t unit, int kind, uint32_t code, uint32_t command)
{
    const int rank = (int)unit * 4 + kind; /* kind: 0 AXI, 1 the post that fires, 2 the slot's check, 3 the head */
    if (m->new_rank < 0 || rank < m->new_rank) {
        m->new_rank = rank;
        m->new_code = code;
        m->new_unit = unit;
        m->new_command = command;
    }
}

static inline bool tick_in_flight(const tick_command *k, uint64_t cycle) { return k->start < cycle && k->end >= cycle; }

static inline unsigned tick_n_in_flight(const tick_unit *u, uint64_t cycle)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < u->n_commands; i++) {
        n += tick_in_flight(&u->commands[i], cycle);
    }
    return n;
}

/* ---- section 4: banks of a stream at the start of a cycle ---- */

static inline uint64_t tick_stream_banks(const tick *m, const tick_command *k, unsigned i, uint64_t cycle)
{
    const sim_stream *s = &k->streams[i];
    uint32_t over = 0;
    while (over < s->n_iterations && k->done_at[i][over] < cycle) {
        over++;
    }
    return over == s->n_iterations ? 0 : sim_rows_banks(&m->c, s->memory, sim_stream_rows(s, over));
}

static inline bool tick_may_take(const tick *m, unsigned unit, const tick_command *k)
{
    for (unsigned i = 0; i < k->n_streams; i++) {
        const sim_stream *mine = &k->streams[i];
        const uint64_t need = sim_rows_banks(&m->c, mine->memory, sim_stream_rows(mine, 0));
        for (unsigned v = 0; v < ISA_N_QUEUES; v++) {
            for (uint32_t n = 0; n < m->unit[v].n_commands; n++) {
                const tick_command *other = &m->unit[v].commands[n];
                if (other == k) continue;
                /* held at the start of this cycle, or taken in this cycle by a higher unit (which has acted before) */
                const bool holds = other->end >= m->now && (other->start < m->now || v < unit);
                for (unsigned j = 0; holds && j < other->n_streams; j++) {
                    const sim_stream *theirs = &other->streams[j];
                    if (theirs->memory != mine->memory || (tick_stream_banks(m, other, j, m->now) & need) == 0) continue;
                    if (v != unit) return false;
                    if (unit == ISA_UNIT_VPU && !mine->is_write && theirs->is_write) return false;
                    if (unit == ISA_UNIT_MXU && !mine->is_write && !theirs->is_write && mine->role != theirs->role) return false;
                }
            }
        }
    }
    return true;
}

/* ---- section 5 ---- */

static inline uint64_t tick_rows(const uint32_t *regs, unsigned n0)
{
    return (uint64_t)regs[n0] * regs[n0 + 1] * regs[n0 + 2] * regs[n0 + 3];
}

static inline bool tick_mxu_own(const tick *m)
{
    const tick_unit *u = &m->unit[ISA_UNIT_MXU];
    if (u->n_commands == 0) return true;
    const tick_command *b = &u->commands[u->n_commands - 1];
    const uint32_t last = b->regs[ISA_MXU_PLANES] - 1;
    return m->now >= b->load[last] + m->c.d && m->now >= b->stream[last];
}

static inline void tick_mxu_start(const tick *m, tick_command *k, const tick_command *before)
{
    const uint32_t d = m->c.d;
    const uint32_t h = m->c.element == ISA_ELEMENT_BF16 ? d + 2 : 2;
    const uint32_t n = k->regs[ISA_MXU_PLANES];
    k->rows = tick_rows(k->regs, ISA_MXU_N0);
    bool any = before != NULL, meet = false, same = false;
    uint64_t lb = 0, mb = 0, tb = 0;
    if (any) {
        const sim_walk a = sim_command_walk(&m->c, ISA_UNIT_MXU, 0, k->regs, SIM_ROLE_ACC);
        const sim_walk b = sim_command_walk(&m->c, ISA_UNIT_MXU, 0, before->regs, SIM_ROLE_ACC);
        meet = sim_rows_meet(sim_walk_rows(&a, 4), sim_walk_rows(&b, 4));
        same = sim_walk_equal(&a, &b);
        lb = before->load[before->regs[ISA_MXU_PLANES] - 1];
        mb = before->stream[before->regs[ISA_MXU_PLANES] - 1];
        tb = before->rows;
    }
    for (uint32_t p = 0; p < n; p++) {
        uint64_t load = p == 0 ? k->start : 0;
        if (any) load = tick_max(load, tick_max(lb + d, mb));
        uint64_t stream = load + d;
        if (any) stream = tick_max(stream, mb + tb);
        if (any && meet && same) stream = tick_max(stream, mb + h);
        if (any && meet && !same) stream = tick_max(stream, mb + tb - 1 + h);
        k->load[p] = lb = load;
        k->stream[p] = mb = stream;
        tb = k->rows;
        any = meet = same = true;
        k->done_at[0][p] = load + d - 1;
        k->done_at[1][p] = stream + k->rows - 1;
    }
    k->end = mb + tb + d;
    k->done_at[2][0] = k->end;
}

/* ---- section 6 ---- */

/* The window's column, counted through all lines, in which output o of a line is complete; 0 rows: no window. */
static inline uint64_t tick_complete(const tick_command *k, uint64_t line, uint64_t o)
{
    const uint32_t in = k->regs[ISA_VPU_CHAIN_IN];
    const uint64_t taps = ISA_GET(in, ISA_VPU_CHAIN_IN_WINDOW) == 1 ? 3 : 5;
    return line * k->regs[ISA_VPU_N1] + (o << ISA_GET(in, ISA_VPU_CHAIN_IN_STRIDE2)) + taps - 1 - ISA_GET(in, ISA_VPU_CHAIN_IN_WIN_PAD);
}

static inline uint64_t tick_vpu_rows(const tick *m, const tick_command *k)
{
    const uint32_t row_bytes = m->c.d * (m->c.element == ISA_ELEMENT_BF16 ? 2 : 1);
    if (k->funct7 == ISA_F7_VPU_ROWS) return 4 * m->c.d * ISA_GET(k->regs[ISA_VPU_ROWS], ISA_VPU_ROWS_COUNT) / row_bytes;
    if (k->funct7 == ISA_F7_VPU_TAPS) return ISA_GET(k->regs[ISA_VPU_TAPS], ISA_VPU_TAPS_TAP_COUNT);
    if (k->funct7 == ISA_F7_VPU_TABLE) return 256 / row_bytes;
    const uint64_t rows = tick_rows(k->regs, ISA_VPU_N0);
    if (ISA_GET(k->regs[ISA_VPU_CHAIN_IN], ISA_VPU_CHAIN_IN_WINDOW) == 0) return rows;
    const uint64_t lines = (uint64_t)k->regs[ISA_VPU_N2] * k->regs[ISA_VPU_N3];
    return tick_max(rows, (tick_complete(k, lines - 1, k->regs[ISA_VPU_WIN_OUT] - 1) + 1) * k->regs[ISA_VPU_N0]);
}

static inline bool tick_vpu_own(const tick *m)
{
    const tick_unit *u = &m->unit[ISA_UNIT_VPU];
    if (u->n_commands > 0 && m->now < u->commands[u->n_commands - 1].start + u->commands[u->n_commands - 1].rows) return false;
    return tick_n_in_flight(u, m->now) < m->c.commands;
}

static inline void tick_vpu_start(const tick *m, tick_command *k)
{
    const uint64_t w = m->c.d + m->c.vpu_stages;
    k->rows = tick_vpu_rows(m, k);
    k->end = k->start + k->rows - 1 + w;
    const bool is_vec = k->funct7 == ISA_F7_VPU_VEC;
    const bool has_window = is_vec && ISA_GET(k->regs[ISA_VPU_CHAIN_IN], ISA_VPU_CHAIN_IN_WINDOW) != 0;
    const uint64_t all = is_vec ? tick_rows(k->regs, ISA_VPU_N0) : k->rows;
    const uint32_t iterations = is_vec ? k->regs[ISA_VPU_N3] : 1;
    for (unsigned i = 0; i < k->n_streams; i++) {
        const uint64_t late = k->streams[i].is_write ? w : 0;
        for (uint32_t it = 0; it < iterations; it++) {
            uint64_t last = (it + 1) * (all / iterations) - 1;
            if (has_window && late != 0) {
                last = (tick_complete(k, (uint64_t)(it + 1) * k->regs[ISA_VPU_N2] - 1, k->regs[ISA_VPU_WIN_OUT] - 1) + 1) * k->regs[ISA_VPU_N0] - 1;
            }
            k->done_at[i][k->streams[i].n_iterations == 1 ? 0 : it] = k->start + last + late;
        }
    }
}

/* ---- sections 7 and 8: the bytes of a command, its bursts and steps ---- */

static inline void tick_unroll(const tick *m, isa_unit unit, tick_command *k)
{
    const sim_bytes b = sim_command_bytes(&m->c, unit, k->regs);
    k->bytes = calloc(TICK_BYTES, sizeof *k->bytes);
    uint32_t row = 0, in_row = 0, run = 0, n = 0;
    for (uint32_t i3 = 0; i3 < b.n[3]; i3++)
        for (uint32_t i2 = 0; i2 < b.n[2]; i2++)
            for (uint32_t i1 = 0; i1 < b.n[1]; i1++, run++) {
                bool any = false;
                for (uint32_t i0 = 0; i0 < b.n[0]; i0++) {
                    const uint32_t i[4] = {i0, i1, i2, i3};
                    tick_byte *y = &k->bytes[n++];
                    if (n > TICK_BYTES) abort();
                    y->valid = true;
                    y->address = b.address + i0;
                    for (unsigned l = 0; l < 4; l++) {
                        y->valid = y->valid && i[l] >= b.low[l] && i[l] < b.high[l];
                        if (l > 0) y->address += (uint64_t)((int64_t)i[l] * b.s[l]);
                    }
                    y->run = run;
                    y->row = row;
                    bool ends_loop = true; /* an iteration of the closing loop */
                    for (unsigned l = 0; l <= b.close; l++) ends_loop = ends_loop && i[l] == b.n[l] - 1;
                    y->ends_row = ++in_row == b.row_bytes || ends_loop;
                    if (y->ends_row) {
                        row++;
                        in_row = 0;
                    }
                    if (y->valid) {
                        if (!any || y->address % m->c.dram_burst_bytes == 0) {
                            k->burst_first[k->n_bursts] = n - 1;
                            k->step_burst[k->n_steps++] = (int32_t)k->n_bursts;
                            k->n_bursts++;
                            y->starts_beat = true;
                        }
                        if (y->address % m->c.dram_width == 0) y->starts_beat = true;
                        y->burst = k->n_bursts - 1;
                        k->burst_last[y->burst] = n - 1;
                        any = true;
                    }
                }
                if (!any) k->step_burst[k->n_steps++] = -1;
            }
    k->n_bytes = n;
}

/* First byte after the piece that begins at byte `at`. */
static inline uint32_t tick_piece_end(const tick_command *k, uint32_t at)
{
    uint32_t end = at + 1;
    while (end < k->n_bytes && k->bytes[end].valid == k->bytes[at].valid && k->bytes[end].run == k->bytes[at].run &&
           k->bytes[end].row == k->bytes[at].row && !k->bytes[end].starts_beat) {
        end++;
    }
    return end;
}

static inline uint32_t tick_beat(const tick *m, const tick_burst *b, uint64_t address)
{
    return (uint32_t)(address / m->c.dram_width - b->address / m->c.dram_width);
}

/* A command's bursts join those of the unit. */
static inline void tick_add_bursts(const tick *m, tick_unit *u, tick_command *k)
{
    k->first_burst = u->n_bursts;
    for (uint32_t i = 0; i < k->n_bursts; i++) {
        if (u->n_bursts == TICK_BURSTS) abort();
        tick_burst *b = &u->bursts[u->n_bursts++];
        memset(b, 0, sizeof *b);
        b->want = b->request = b->first = b->last = b->complete = TICK_NEVER;
        b->bad_beat = UINT32_MAX;
        b->address = k->bytes[k->burst_first[i]].address;
        b->n_bytes = k->burst_last[i] - k->burst_first[i] + 1;
        b->n_beats = tick_beat(m, b, b->address + b->n_bytes - 1) + 1;
        for (unsigned j = 0; j < 64; j++) b->freed[j] = b->first_piece[j] = TICK_NEVER;
    }
}

/* Row `row` (from 0) of a command is complete: so may be an iteration of its walk. */
static inline void tick_row_done(const tick *m, tick_command *k, uint32_t row, uint64_t per)
{
    if ((row + 1) % per == 0) k->done_at[0][row / per] = m->now;
}

static inline unsigned tick_bursts_in_flight(const tick_unit *u, uint64_t cycle, bool is_write)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < u->n_bursts; i++) {
        const tick_burst *b = &u->bursts[i];
        n += b->request != TICK_NEVER && b->request < cycle && b->last + (is_write ? 1 : 0) >= cycle;
    }
    return n;
}

/* ---- section 10 ---- */

static inline bool tick_address_taken(const tick *m, sim_dram_dir dir, const tick_burst *b)
{
    const uint64_t wait = m->faults.ready_max == 0 ? 0 : base_rng_u64(m->faults.seed, 2 + dir, m->dram.n[dir]) % (m->faults.ready_max + 1ull);
    return m->now == b->want + wait;
}

static inline void tick_request(tick *m, sim_dram_dir dir, tick_burst *b)
{
    const uint64_t number = m->dram.n[dir];
    const uint64_t stall = m->faults.stall_max == 0 ? 0 : base_rng_u64(m->faults.seed, dir, number) % (m->faults.stall_max + 1ull);
    b->request = m->now;
    b->first = dram_model_request(&m->dram, dir == SIM_DRAM_WRITE, m->now + m->c.dram_latency + stall, b->address, b->n_beats);
    b->last = b->first + b->n_beats - 1;
    if (m->faults.error_one_in != 0) {
        const uint64_t h = base_rng_u64(m->faults.seed, 4 + dir, number);
        if (h % m->faults.error_one_in == 0) b->bad_beat = dir == SIM_DRAM_READ ? (uint32_t)((h >> 40) % b->n_beats) : b->n_beats;
    }
}

/* Answers with an error in this cycle; the command is the oldest that has not ended before. */
static inline void tick_answers(tick *m, unsigned v)
{
    const tick_unit *u = &m->unit[v];
    for (uint32_t i = 0; i < u->n_bursts; i++) {
        const tick_burst *b = &u->bursts[i];
        if (b->request != TICK_NEVER && b->bad_beat != UINT32_MAX && b->first + b->bad_beat == m->now) {
            uint32_t n = 0;
            while (n < u->n_commands && u->commands[n].end < m->now) n++;
            tick_raise(m, v, 0, ISA_ERROR_AXI, n);
        }
    }
}

/* ---- section 7, one cycle ---- */

static inline void tick_ld(tick *m)
{
    tick_unit *u = &m->unit[ISA_UNIT_LD];
    const uint64_t t = m->now;
    /* address unit */
    for (uint32_t i = 0; i < u->n_commands; i++) {
        tick_command *k = &u->commands[i];
        if (k->step == k->n_steps) continue;
        if (t < k->start + 1) break;
        const int32_t which = k->step_burst[k->step];
        bool possible = true;
        if (which >= 0) {
            tick_burst *b = &u->bursts[k->first_burst + (uint32_t)which];
            uint32_t reserved = 0;
            for (uint32_t j = 0; j < u->n_bursts; j++) {
                const tick_burst *o = &u->bursts[j];
                for (uint32_t q = 0; o->request < t && q < o->n_beats; q++) reserved += o->freed[q] >= t;
            }
            possible = tick_bursts_in_flight(u, t, false) < m->c.dram_outstanding && reserved + b->n_beats <= m->c.load_beats;
            if (possible && b->want == TICK_NEVER) b->want = t;
            possible = possible && tick_address_taken(m, SIM_DRAM_READ, b);
            if (possible) tick_request(m, SIM_DRAM_READ, b);
        }
        if (possible && ++k->step == k->n_steps) k->last_step = t;
        break;
    }
    /* assembler */
    for (uint32_t i = 0; i < u->n_commands; i++) {
        tick_command *k = &u->commands[i];
        if (k->at == k->n_bytes) continue;
        if (t < k->start + 1) break;
        const tick_byte *y = &k->bytes[k->at];
        tick_burst *b = NULL;
        if (y->valid) {
            b = &u->bursts[k->first_burst + y->burst];
            if (b->request == TICK_NEVER || b->first + tick_beat(m, b, y->address) >= t) break;
        }
        const uint32_t end = tick_piece_end(k, k->at);
        u->piece = true;
        for (uint32_t j = k->at; j < end; j++) k->bytes[j].piece = t;
        if (b != NULL && (end == k->n_bytes || !k->bytes[end].valid || k->bytes[end].starts_beat || k->bytes[end].run != y->run)) {
            b->freed[tick_beat(m, b, y->address)] = t;
        }
        const uint64_t per = (uint64_t)k->regs[ISA_LD_M0] * k->regs[ISA_LD_M1] * k->regs[ISA_LD_M2];
        if (k->bytes[end - 1].ends_row) tick_row_done(m, k, k->bytes[end - 1].row, per);
        k->at = end;
        if (end == k->n_bytes) k->end = t;
        break;
    }
}

static inline bool tick_ld_own(const tick *m)
{
    const tick_unit *u = &m->unit[ISA_UNIT_LD];
    if (u->n_commands > 0) {
        const tick_command *b = &u->commands[u->n_commands - 1];
        if (b->step < b->n_steps || m->now < b->last_step) return false;
    }
    return tick_n_in_flight(u, m->now) < m->c.commands;
}

/* ---- section 8, one cycle ---- */

static inline void tick_st_end(tick_unit *u)
{
    for (uint32_t i = 0; i < u->n_commands; i++) {
        tick_command *k = &u->commands[i];
        if (k->end != TICK_NEVER) continue;
        if (k->at < k->n_bytes || (i > 0 && u->commands[i - 1].end == TICK_NEVER)) return;
        uint64_t end = k->last_piece;
        for (uint32_t j = 0; j < k->n_bursts; j++) {
            const tick_burst *b = &u->bursts[k->first_burst + j];
            if (b->request == TICK_NEVER) return;
            end = tick_max(end, b->last + 1);
        }
        k->end = i > 0 ? tick_max(end, u->commands[i - 1].end + 1) : end;
    }
}

static inline void tick_st(tick *m)
{
    tick_unit *u = &m->unit[ISA_UNIT_ST];
    const uint64_t t = m->now;
    /* requests */
    for (uint32_t i = 0; i < u->n_bursts; i++) {
        tick_burst *b = &u->bursts[i];
        if (b->request != TICK_NEVER) continue;
        if (b->complete < t && tick_bursts_in_flight(u, t, true) < m->c.dram_outstanding) {
            if (b->want == TICK_NEVER) b->want = t;
            if (tick_address_taken(m, SIM_DRAM_WRITE, b)) tick_request(m, SIM_DRAM_WRITE, b);
        }
        break;
    }
    /* disassembler */
    if (u->n_commands > 0) {
        tick_command *k = &u->commands[u->n_commands - 1];
        if (k->at < k->n_bytes && k->start < t) {
            const tick_byte *y = &k->bytes[k->at];
            const bool first_of_row = k->at == 0 || k->bytes[k->at - 1].row != y->row;
            const bool in_acc = ISA_GET(k->regs[ISA_ST_FLAGS], ISA_ST_FLAGS_ACC) != 0;
            bool can = !first_of_row || t >= k->row_read + (in_acc ? m->c.d : 1);
            tick_burst *b = y->valid ? &u->bursts[k->first_burst + y->burst] : NULL;
            if (b != NULL && y->starts_beat) {
                uint32_t held = 0;
                for (uint32_t j = 0; j < u->n_bursts; j++) {
                    const tick_burst *o = &u->bursts[j];
                    for (uint32_t q = 0; q < o->n_beats; q++) {
                        held += o->first_piece[q] < t && (o->request == TICK_NEVER || o->first + q >= t);
                    }
                }
                can = can && held < m->c.store_beats;
            }
            if (can) {
                const uint32_t end = tick_piece_end(k, k->at);
                u->piece = true;
                if (b != NULL && y->starts_beat) b->first_piece[tick_beat(m, b, y->address)] = t;
                if (b != NULL && end - 1 == k->burst_last[y->burst]) b->complete = t;
                k->at = end;
                k->last_piece = t;
                if (k->bytes[end - 1].ends_row && end < k->n_bytes) {
                    k->row_read = t;
                    const uint64_t per = (uint64_t)k->regs[ISA_ST_M0] * k->regs[ISA_ST_M1] * k->regs[ISA_ST_M2];
                    tick_row_done(m, k, k->bytes[end].row, per);
                }
            }
        }
    }
    tick_st_end(u);
}

static inline bool tick_st_own(const tick *m)
{
    const tick_unit *u = &m->unit[ISA_UNIT_ST];
    if (u->n_commands > 0) {
        const tick_command *b = &u->commands[u->n_commands - 1];
        if (b->at < b->n_bytes || m->now <= b->last_piece) return false;
    }
    return tick_n_in_flight(u, m->now) < m->c.commands;
}

/* ---- section 1: a front, one cycle; the counter of the cycle by section 11 ---- */

static inline bool tick_own(const tick *m, unsigned v)
{
    return v == ISA_UNIT_MXU ? tick_mxu_own(m) : v == ISA_UNIT_VPU ? tick_vpu_own(m) : v == ISA_UNIT_LD ? tick_ld_own(m) : tick_st_own(m);
}

static inline void tick_start(tick *m, unsigned v)
{
    tick_unit *u = &m->unit[v];
    if (u->n_commands == TICK_COMMANDS) abort();
    tick_command *k = &u->commands[u->n_commands];
    k->start = m->now;
    u->slot = false;
    if (v == ISA_UNIT_MXU) {
        tick_mxu_start(m, k, u->n_commands > 0 ? k - 1 : NULL);
    } else if (v == ISA_UNIT_VPU) {
        tick_vpu_start(m, k);
    } else {
        tick_unroll(m, (isa_unit)v, k);
        tick_add_bursts(m, u, k);
        if (v == ISA_UNIT_ST) {
            k->row_read = m->now;
            tick_row_done(m, k, 0, (uint64_t)k->regs[ISA_ST_M0] * k->regs[ISA_ST_M1] * k->regs[ISA_ST_M2]);
        }
    }
    u->n_commands++;
}

/* The command in the slot as a candidate, behind those that have started. */
static inline tick_command *tick_candidate(tick *m, unsigned v)
{
    tick_unit *u = &m->unit[v];
    tick_command *k = &u->commands[u->n_commands];
    memset(k, 0, sizeof *k);
    k->funct7 = u->slot_entry.funct7;
    k->number = u->n_commands;
    k->tag = u->slot_entry.a;
    k->end = TICK_NEVER;
    memcpy(k->regs, u->slot_regs, sizeof k->regs);
    k->n_streams = sim_command_streams(&m->c, (isa_unit)v, k->funct7, k->regs, k->streams);
    for (unsigned i = 0; i < SIM_MAX_STREAMS; i++) {
        for (unsigned p = 0; p < TICK_PLANES; p++) k->done_at[i][p] = TICK_NEVER;
        if (i < k->n_streams && k->streams[i].n_iterations > TICK_PLANES) abort();
    }
    return k;
}

typedef struct tick_view {
    bool bank, sem, occupied;
} tick_view;

static inline void tick_head(tick *m, unsigned v, bool slot_was, unsigned posts_were, tick_view *view)
{
    tick_unit *u = &m->unit[v];
    if (u->n_queue == 0 || u->queue[0].pushed >= m->now) return;
    const tick_entry e = u->queue[0];
    bool pop = false;
    if (e.funct7 & ISA_F7_SET) {
        u->regs[2 * (e.funct7 & 63)] = e.a;
        u->regs[2 * (e.funct7 & 63) + 1] = e.b;
        pop = true;
    } else if (e.funct7 == ISA_F7_WAIT || e.funct7 == ISA_F7_POST) {
        if (e.a >= m->c.sem_count) {
            tick_raise(m, v, 3, ISA_ERROR_SEM_RANGE, u->n_popped);
        } else if (e.funct7 == ISA_F7_WAIT) {
            pop = m->old_semaphore[e.a] > m->takers[e.a];
            m->takers[e.a]++;
            if (pop) m->semaphore[e.a]--;
            view->sem = !pop;
        } else if (posts_were < m->c.post_depth) {
            u->posts[u->n_posts++] = (tick_post){m->now, e.a, u->n_popped};
            pop = true;
        }
    } else if (!slot_was) {
        u->slot = true;
        u->slot_popped = m->now;
        u->slot_entry = e;
        memcpy(u->slot_regs, u->regs, sizeof u->slot_regs);
        u->n_popped++;
        pop = true;
    }
    if (pop) {
        memmove(&u->queue[0], &u->queue[1], (--u->n_queue) * sizeof u->queue[0]);
    }
}

static inline void tick_slot(tick *m, unsigned v, tick_view *view)
{
    tick_unit *u = &m->unit[v];
    const uint64_t checked = u->slot_popped + m->c.check_cycles;
    const isa_error error = sim_check(&m->c, (isa_unit)v, u->slot_entry.funct7, u->slot_regs);
    if (m->now == checked && error != ISA_ERROR_NONE) tick_raise(m, v, 2, error, u->n_popped - 1);
    if (m->now <= checked || error != ISA_ERROR_NONE || !tick_own(m, v)) return;
    if (tick_may_take(m, v, tick_candidate(m, v))) {
        tick_start(m, v);
    } else {
        view->bank = true;
    }
}

/* Commands 0..n-1 have ended in a cycle before this one. */
static inline bool tick_ended(const tick *m, const tick_unit *u, uint32_t n)
{
    if (n > u->n_commands) return false;
    for (uint32_t i = 0; i < n; i++) {
        if (u->commands[i].end >= m->now) return false;
    }
    return true;
}

static inline void tick_front(tick *m, unsigned v, tick_view *view)
{
    tick_unit *u = &m->unit[v];
    view->occupied = u->slot || (u->n_queue > 0);
    if (tick_error(m)) {
        view->sem = u->n_queue > 0 && u->queue[0].funct7 == ISA_F7_WAIT && u->queue[0].a < m->c.sem_count;
        return;
    }
    const bool slot_was = u->slot;
    const unsigned posts_were = u->n_posts;
    if (u->n_posts > 0 && u->posts[0].popped < m->now && tick_ended(m, u, u->posts[0].count)) {
        m->posted[v] = u->posts[0].s + 1;
        m->posted_command[v] = u->posts[0].count;
        memmove(&u->posts[0], &u->posts[1], (--u->n_posts) * sizeof u->posts[0]);
    }
    if (slot_was) tick_slot(m, v, view); /* before the head: that sees slot_was */
    tick_head(m, v, slot_was, posts_were, view);
}

static inline bool tick_bus_moves(const tick *m, unsigned v)
{
    for (uint32_t i = 0; i < m->unit[v].n_bursts; i++) {
        const tick_burst *b = &m->unit[v].bursts[i];
        if (b->request != TICK_NEVER && m->now >= b->first && m->now <= b->last) return true;
    }
    return false;
}

static inline void tick_count(tick *m, unsigned v, const tick_view *view)
{
    tick_unit *u = &m->unit[v];
    const uint64_t t = m->now;
    bool busy = false, load = false;
    const bool dma = v >= ISA_UNIT_LD;
    for (uint32_t i = 0; i < u->n_commands; i++) {
        const tick_command *k = &u->commands[i];
        if (v == ISA_UNIT_MXU) {
            for (uint32_t p = 0; p < k->regs[ISA_MXU_PLANES]; p++) {
                busy = busy || (t >= k->stream[p] && t < k->stream[p] + k->rows);
                load = load || (t >= k->load[p] && t < k->load[p] + m->c.d);
            }
        } else if (v == ISA_UNIT_VPU) {
            busy = busy || (t >= k->start && t < k->start + k->rows);
        }
    }
    if (dma) busy = u->piece || tick_bus_moves(m, v);
    const bool flies = tick_n_in_flight(u, t) > 0;
    const bool over = (m->halted || m->stopped) && m->over_cycle < t;
    const isa_counter cause = busy                                                     ? ISA_COUNTER_BUSY
                              : load                                                   ? ISA_COUNTER_LOAD
                              : dma && flies && tick_bus_moves(m, v == ISA_UNIT_LD ? ISA_UNIT_ST : ISA_UNIT_LD) ? ISA_COUNTER_DRAM_BW
                              : dma && flies                                           ? ISA_COUNTER_DRAM_LAT
                              : view->bank                                             ? ISA_COUNTER_BANK
                              : view->sem                                              ? ISA_COUNTER_SEM
                              : !dma && flies                                          ? ISA_COUNTER_DRAIN
                              : view->occupied                                         ? ISA_COUNTER_DECODE
                              : over                                                   ? ISA_COUNTER_HALTED
                                                                                       : ISA_COUNTER_EMPTY;
    u->counters[cause]++;
}

/* ---- section 2 ---- */

static inline bool tick_quiet(const tick *m, bool without_queues)
{
    for (unsigned v = 0; v < ISA_N_QUEUES; v++) {
        const tick_unit *u = &m->unit[v];
        if ((!without_queues && u->n_queue > 0) || u->slot || u->n_posts > 0 || tick_n_in_flight(u, m->now) > 0) return false;
    }
    return true;
}

/* The Xsystole instruction of a word would succeed now; queues and quiet are those at the start of the cycle. */
static inline bool tick_core_can(const tick *m, const isa_insn *i, const unsigned *queue_was, bool quiet_was)
{
    if (i->unit < ISA_N_QUEUES) return queue_was[i->unit] < m->c.queue_depth;
    const uint32_t s = m->x[i->rs1];
    if (i->op == ISA_OP_CORE_FENCE) return quiet_was;
    if (i->op == ISA_OP_CORE_SEMWAIT) return s >= m->c.sem_count || m->old_semaphore[s] > m->takers[s];
    return true;
}

static inline void tick_core(tick *m, const unsigned *queue_was, bool quiet_was, const uint64_t counters_were[ISA_N_QUEUES][ISA_N_COUNTERS])
{
    if (m->halted || m->stopped || m->core_cycle > m->now) return;
    isa_insn i;
    if (m->pc / 4 >= m->n_text || !isa_decode(m->text[m->pc / 4], &i)) abort();
    unsigned cost = 1;
    if (i.format == ISA_FORMAT_XSYSTOLE) {
        if (tick_error(m)) {
            m->stopped = true;
            m->over_cycle = m->now;
            return;
        }
        const uint32_t a = m->x[i.rs1];
        if (!tick_core_can(m, &i, queue_was, quiet_was)) {
            m->slept = true;
            m->core_cycle = m->now + 1;
            return;
        }
        m->slept = false;
        if ((i.op == ISA_OP_CORE_SEMWAIT || i.op == ISA_OP_CORE_SEMPOST) && a >= m->c.sem_count) {
            tick_raise(m, ISA_UNIT_CORE, 3, ISA_ERROR_SEM_RANGE, 0);
            m->stopped = true;
            m->over_cycle = m->now;
            return;
        }
        if (i.unit < ISA_N_QUEUES) {
            tick_unit *u = &m->unit[i.unit];
            u->queue[u->n_queue++] = (tick_entry){m->now, i.funct7, a, m->x[i.rs2]};
        } else if (i.op == ISA_OP_CORE_SEMWAIT) {
            m->semaphore[a]--;
        } else if (i.op == ISA_OP_CORE_SEMPOST) {
            m->posted[ISA_UNIT_CORE] = a + 1;
            m->posted_command[ISA_UNIT_CORE] = 0;
        } else if (i.op == ISA_OP_CORE_HALT) {
            m->halted = true;
            m->over_cycle = m->now;
            m->exit_code = a;
        }
    } else if (i.op == ISA_OP_LUI) {
        m->x[i.rd] = (uint32_t)i.imm;
    } else if (i.op == ISA_OP_ADDI) {
        m->x[i.rd] = m->x[i.rs1] + (uint32_t)i.imm;
    } else if (i.op == ISA_OP_MUL) {
        m->x[i.rd] = m->x[i.rs1] * m->x[i.rs2];
        cost = ISA_CYCLES_MUL;
    } else if (i.op == ISA_OP_DIVU) {
        m->x[i.rd] = m->x[i.rs2] == 0 ? UINT32_MAX : m->x[i.rs1] / m->x[i.rs2];
        cost = ISA_CYCLES_DIV;
    } else if (i.op == ISA_OP_CSRRS && i.rs1 == 0 && (uint32_t)i.imm >= ISA_CSR_COUNTER(0, 0)) {
        const uint32_t n = (uint32_t)i.imm - ISA_CSR_COUNTER(0, 0);
        m->x[i.rd] = (uint32_t)counters_were[n / 16][n % 16];
    } else {
        abort();
    }
    m->x[0] = 0;
    m->pc += 4;
    m->core_cycle = m->now + cost;
    m->retired++; /* at the limit of a run the last one may not be over; this model is not asked then */
}

/* ---- section 3 ---- */

static inline void tick_commit(tick *m)
{
    const uint32_t most = (1u << m->c.sem_bits) - 1;
    for (unsigned v = 0; v < ISA_N_UNITS; v++) {
        if (m->posted[v] == 0) continue;
        uint32_t *s = &m->semaphore[m->posted[v] - 1];
        if (*s == most) {
            tick_raise(m, v, 1, ISA_ERROR_SEM_OVERFLOW, m->posted_command[v]);
        } else {
            (*s)++;
        }
        m->posted[v] = 0;
    }
    if (m->new_rank >= 0 && m->error_cycle == TICK_NEVER) {
        m->error_cycle = m->now;
        m->error_code = m->new_code;
        m->error_unit = m->new_unit;
        m->error_command = m->new_command;
    }
    m->new_rank = -1;
}

/* The end at the start of the cycle, or false. */
static inline bool tick_end(const tick *m, sim_end *end)
{
    const bool over = (m->halted || m->stopped) && m->over_cycle < m->now;
    bool flies = false, queued = false, hangs = true, full[ISA_N_QUEUES];
    for (unsigned v = 0; v < ISA_N_QUEUES; v++) {
        const tick_unit *u = &m->unit[v];
        flies = flies || tick_n_in_flight(u, m->now) > 0;
        queued = queued || u->n_queue > 0;
        full[v] = u->n_queue == m->c.queue_depth;
        hangs = hangs && (u->n_queue == 0 || (u->queue[0].funct7 == ISA_F7_WAIT && u->queue[0].a < m->c.sem_count &&
                                              m->semaphore[u->queue[0].a] == 0));
    }
    if (tick_error(m)) {
        *end = SIM_END_ERROR;
        return over && !flies;
    }
    if (over && tick_quiet(m, false)) {
        *end = SIM_END_DONE;
        return true;
    }
    *end = SIM_END_DEADLOCK;
    if (!tick_quiet(m, true) || !hangs) return false;
    if (over) return true;
    if (!m->slept) return false;
    isa_insn i;
    (void)isa_decode(m->text[m->pc / 4], &i);
    if (i.unit < ISA_N_QUEUES) return full[i.unit];
    return i.op == ISA_OP_CORE_FENCE ? queued : m->semaphore[m->x[i.rs1]] == 0;
}

/* Runs a program of n_text words; m is zeroed here. result's retired and counters are set as well. */
static inline void tick_run(tick *m, const isa_config *config, const uint32_t *text, uint32_t n_text, const sim_dram_faults *faults,
                            uint64_t max_cycles, sim_result *result)
{
    memset(m, 0, sizeof *m);
    m->c = *config;
    m->text = text;
    m->n_text = n_text;
    m->error_cycle = TICK_NEVER;
    m->new_rank = -1;
    m->x[2] = ISA_DMEM_BASE + config->dmem_bytes;
    m->faults = *faults;
    dram_model_start(&m->dram, config);
    sim_end end = SIM_END_LIMIT;
    for (; !tick_end(m, &end); m->now++) {
        if (m->now == max_cycles) {
            end = SIM_END_LIMIT;
            break;
        }
        tick_view view[ISA_N_QUEUES];
        unsigned queue_was[ISA_N_QUEUES];
        uint64_t counters_were[ISA_N_QUEUES][ISA_N_COUNTERS];
        const bool quiet_was = tick_quiet(m, false);
        memset(view, 0, sizeof view);
        memset(m->takers, 0, sizeof m->takers);
        memcpy(m->old_semaphore, m->semaphore, sizeof m->semaphore);
        for (unsigned v = 0; v < ISA_N_QUEUES; v++) {
            queue_was[v] = m->unit[v].n_queue;
            memcpy(counters_were[v], m->unit[v].counters, sizeof counters_were[v]);
            m->unit[v].piece = false;
        }
        for (unsigned v = 0; v < ISA_N_QUEUES; v++) {
            if (v == ISA_UNIT_LD) tick_ld(m);
            if (v == ISA_UNIT_ST) tick_st(m);
            if (v == ISA_UNIT_LD || v == ISA_UNIT_ST) tick_answers(m, v);
            tick_front(m, v, &view[v]);
        }
        tick_core(m, queue_was, quiet_was, (const uint64_t(*)[ISA_N_COUNTERS])counters_were);
        for (unsigned v = 0; v < ISA_N_QUEUES; v++) tick_count(m, v, &view[v]);
        tick_commit(m);
    }
    *result = (sim_result){.end = end, .cycles = m->now, .retired = m->retired, .exit_code = m->halted ? m->exit_code : 0};
    if (m->error_cycle < m->now) {
        result->error = m->error_code;
        result->error_unit = m->error_unit;
        result->error_command = m->error_command;
    }
    for (unsigned v = 0; v < ISA_N_QUEUES; v++) {
        memcpy(result->counters[v], m->unit[v].counters, sizeof result->counters[v]);
    }
}

/* Frees what tick_run took. */
static inline void tick_free(tick *m)
{
    for (unsigned v = 0; v < ISA_N_QUEUES; v++) {
        for (uint32_t i = 0; i < m->unit[v].n_commands; i++) {
            free(m->unit[v].commands[i].bytes);
            m->unit[v].commands[i].bytes = NULL;
        }
    }
}

#endif
