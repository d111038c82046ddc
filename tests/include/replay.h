/*
 * replay.h -- the data of a run that the tick model has timed: every command's effect, byte by byte, in the order of cycles.
 *
 * MXU and VPU act at their start. ST takes its rows at its start and puts a burst into DRAM in the cycle of its last beat; LD takes a burst in
 * the cycle of its first beat and writes its rows piece by piece.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_REPLAY_H
#define SYSTOLE_TESTS_REPLAY_H

#include <stdlib.h>
#include <string.h>

#include "tick_model.h"

#include "../../simulator/kernels/kernels.h"

typedef struct replay {
    uint8_t *spm, *acc, *dram;
    uint32_t rows[SIM_N_ROW_REGISTERS * 128];
    uint8_t taps[SIM_N_TAPS * 2 * 128];
    int8_t table[SIM_TABLE_ENTRIES];
    _Alignas(64) uint8_t scratch[1 << 17];
} replay;

typedef struct replay_event {
    uint64_t cycle;
    unsigned unit;
    tick_command *command;
    int32_t burst; /* of the command; -1: the start, -2: a piece */
    uint32_t at;   /* first byte of the piece */
} replay_event;

static inline int replay_order(const void *a, const void *b)
{
    const replay_event *x = a, *y = b;
    return x->cycle < y->cycle ? -1 : x->cycle > y->cycle;
}

/* Where byte i of a DMA command lies in its memory; rows in walk order, bytes in row order. */
static inline uint8_t *replay_place(const replay *m, const tick *t, isa_unit unit, const tick_command *k, uint32_t i)
{
    const sim_bytes b = sim_command_bytes(&t->c, unit, k->regs);
    const sim_walk w = sim_command_walk(&t->c, unit, 0, k->regs, SIM_ROLE_ROWS);
    uint32_t row = k->bytes[i].row, first = i;
    while (first > 0 && k->bytes[first - 1].row == row) first--;
    int64_t at = w.base;
    for (unsigned l = 0; l < 4; l++) {
        at += (int64_t)w.s[l] * (row % w.n[l]);
        row /= w.n[l];
    }
    return (b.memory == ISA_MEMORY_ACC ? m->acc : m->spm) + (uint64_t)at * b.row_bytes + (i - first);
}

static inline uint32_t replay_row_bytes(const tick *t) { return t->c.d * (t->c.element == ISA_ELEMENT_BF16 ? 2 : 1); }

/* What LD puts at byte `at` of a memory where nothing is fetched; rows have whole elements. */
static inline uint8_t replay_fill(const tick *t, const tick_command *k, uint64_t at)
{
    const uint32_t fill = k->regs[ISA_LD_FILL];
    return (uint8_t)(t->c.element == ISA_ELEMENT_BF16 && at % 2 != 0 ? fill >> 8 : fill);
}

static inline void replay_start(replay *m, const tick *t, const replay_event *e, uint8_t **staged)
{
    tick_command *k = e->command;
    const uint32_t *r = k->regs;
    const uint32_t d = t->c.d;
    if (e->unit == ISA_UNIT_MXU) {
        const sim_matmul job = {.spm = m->spm, .acc = (int32_t *)(void *)m->acc, .scratch = m->scratch, .d = d,
            .bf16 = t->c.element == ISA_ELEMENT_BF16,
            .a = sim_command_walk(&t->c, ISA_UNIT_MXU, 0, r, SIM_ROLE_A), .c = sim_command_walk(&t->c, ISA_UNIT_MXU, 0, r, SIM_ROLE_ACC),
            .n_planes = r[ISA_MXU_PLANES], .a_plane = (int32_t)r[ISA_MXU_A_PLANE], .w_base = r[ISA_MXU_W_BASE],
            .w_plane = (int32_t)r[ISA_MXU_W_PLANE], .a_zero = (int32_t)r[ISA_MXU_A_ZERO], .w_zero = (int32_t)r[ISA_MXU_W_ZERO],
            .transposed = k->funct7 == ISA_F7_MXU_MATMUL_T, .accumulate = (r[ISA_MXU_FLAGS] & 1) != 0,
            .a_unsigned = (r[ISA_MXU_FLAGS] & 2) != 0, .w_unsigned = (r[ISA_MXU_FLAGS] & 4) != 0};
        sim_kernels_scalar.matmul(&job);
    } else if (e->unit == ISA_UNIT_VPU && k->funct7 == ISA_F7_VPU_ROWS) {
        const uint32_t first = ISA_GET(r[ISA_VPU_ROWS], ISA_VPU_ROWS_FIRST), count = ISA_GET(r[ISA_VPU_ROWS], ISA_VPU_ROWS_COUNT);
        memcpy(m->rows + first * d, m->spm + (uint64_t)r[ISA_VPU_A_BASE] * replay_row_bytes(t), count * d * 4);
    } else if (e->unit == ISA_UNIT_VPU && k->funct7 == ISA_F7_VPU_TAPS) {
        const uint32_t first = ISA_GET(r[ISA_VPU_TAPS], ISA_VPU_TAPS_TAP_FIRST), count = ISA_GET(r[ISA_VPU_TAPS], ISA_VPU_TAPS_TAP_COUNT);
        memcpy(m->taps + first * replay_row_bytes(t), m->spm + (uint64_t)r[ISA_VPU_A_BASE] * replay_row_bytes(t), count * replay_row_bytes(t));
    } else if (e->unit == ISA_UNIT_VPU && k->funct7 == ISA_F7_VPU_TABLE) {
        memcpy(m->table, m->spm + (uint64_t)r[ISA_VPU_A_BASE] * replay_row_bytes(t), sizeof m->table);
    } else if (e->unit == ISA_UNIT_VPU) {
        const sim_vec job = {.spm = m->spm, .acc = (uint32_t *)(void *)m->acc, .row_registers = m->rows, .taps = m->taps, .table = m->table,
            .bf16 = t->c.element == ISA_ELEMENT_BF16, .scratch = m->scratch, .d = d, .regs = r,
            .a = sim_command_walk(&t->c, ISA_UNIT_VPU, k->funct7, r, SIM_ROLE_A), .b = sim_command_walk(&t->c, ISA_UNIT_VPU, k->funct7, r, SIM_ROLE_B),
            .out = sim_command_walk(&t->c, ISA_UNIT_VPU, k->funct7, r, SIM_ROLE_OUT), .out2 = sim_command_walk(&t->c, ISA_UNIT_VPU, k->funct7, r, SIM_ROLE_OUT2)};
        sim_kernels_scalar.vec(&job);
    } else if (e->unit == ISA_UNIT_ST) {
        staged[k->number] = malloc(k->n_bytes);
        for (uint32_t i = 0; i < k->n_bytes; i++) staged[k->number][i] = *replay_place(m, t, ISA_UNIT_ST, k, i);
    } else {
        staged[k->number] = malloc(k->n_bytes);
        const bool acc = sim_command_bytes(&t->c, ISA_UNIT_LD, r).memory == ISA_MEMORY_ACC;
        for (uint32_t i = 0; i < k->n_bytes; i++) {
            staged[k->number][i] = replay_fill(t, k, (uint64_t)(replay_place(m, t, ISA_UNIT_LD, k, i) - (acc ? m->acc : m->spm)));
        }
    }
}

static inline void replay_burst(const replay *m, const replay_event *e, uint8_t **staged)
{
    const tick_command *k = e->command;
    for (uint32_t i = k->burst_first[e->burst]; i <= k->burst_last[e->burst]; i++) {
        uint8_t *dram = m->dram + k->bytes[i].address;
        if (e->unit == ISA_UNIT_ST) {
            *dram = staged[k->number][i];
        } else {
            staged[k->number][i] = *dram;
        }
    }
}

/* A piece of LD; one that ends its row fills the rest of it. */
static inline void replay_piece(const replay *m, const tick *t, const replay_event *e, uint8_t **staged)
{
    const tick_command *k = e->command;
    const uint32_t row_bytes = sim_command_bytes(&t->c, ISA_UNIT_LD, k->regs).row_bytes;
    uint32_t i = e->at;
    for (; i < k->n_bytes && k->bytes[i].piece == e->cycle; i++) *replay_place(m, t, ISA_UNIT_LD, k, i) = staged[k->number][i];
    if (k->bytes[i - 1].ends_row) {
        uint32_t first = i - 1;
        while (first > 0 && k->bytes[first - 1].row == k->bytes[i - 1].row) first--;
        uint8_t *rest = replay_place(m, t, ISA_UNIT_LD, k, i - 1) + 1;
        for (uint32_t at = i - first; at < row_bytes; at++) *rest++ = replay_fill(t, k, at);
    }
}

#define REPLAY_EVENTS (1u << 18)

/* All that a timed run did, to memories that hold what was there before it. */
static inline void replay_run(replay *m, tick *t)
{
    static replay_event events[REPLAY_EVENTS];
    uint8_t *staged[2][TICK_COMMANDS] = {{NULL}}; /* LD, ST */
    size_t n = 0;
    memset(m->rows, 0, sizeof m->rows);
    for (unsigned u = 0; u < ISA_N_QUEUES; u++) {
        for (uint32_t i = 0; i < t->unit[u].n_commands; i++) {
            tick_command *k = &t->unit[u].commands[i];
            events[n++] = (replay_event){k->start, u, k, -1, 0};
            for (uint32_t j = 0; j < k->n_bursts; j++) {
                const tick_burst *b = &t->unit[u].bursts[k->first_burst + j];
                events[n++] = (replay_event){u == ISA_UNIT_LD ? b->first : b->last, u, k, (int32_t)j, 0};
            }
            for (uint32_t j = 0; u == ISA_UNIT_LD && j < k->n_bytes; j++) {
                if (j == 0 || k->bytes[j].piece != k->bytes[j - 1].piece) events[n++] = (replay_event){k->bytes[j].piece, u, k, -2, j};
                if (n > REPLAY_EVENTS - 4096) abort();
            }
        }
    }
    qsort(events, n, sizeof events[0], replay_order);
    for (size_t i = 0; i < n; i++) {
        uint8_t **mine = staged[events[i].unit == ISA_UNIT_ST];
        if (events[i].burst == -1) {
            replay_start(m, t, &events[i], mine);
        } else if (events[i].burst == -2) {
            replay_piece(m, t, &events[i], mine);
        } else {
            replay_burst(m, &events[i], mine);
        }
    }
    for (unsigned i = 0; i < TICK_COMMANDS; i++) {
        free(staged[0][i]);
        free(staged[1][i]);
    }
}

#endif
