/*
 * timing.h -- the closed forms of isa/spec/timing.md that need no state: MXU planes, VPU streams, pieces of LD and ST.
 *
 * What the simulator computes with is what the compiler's cost model computes with.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_SIM_TIMING_H
#define SYSTOLE_SIM_TIMING_H

#include <stdbool.h>
#include <stdint.h>

#include "systole/isa/config.h"

static inline uint64_t sim_max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}
static inline uint64_t sim_min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* H of section 5: from a row's turn in one plane to its turn in the next, where both touch the same ACC rows. */
static inline uint32_t sim_mxu_gap(const isa_config *config)
{
    return config->element == ISA_ELEMENT_BF16 ? config->d + 2 : 2;
}

/* A plane of the MXU: section 5's L, M and T. any = false: there has been none since START. */
typedef struct sim_mxu_plane {
    bool any;
    uint64_t load;   /* L */
    uint64_t stream; /* M */
    uint64_t rows;   /* T */
} sim_mxu_plane;

/* How the ACC rows of a command lie to those of the command before it. */
typedef enum sim_acc_relation {
    SIM_ACC_APART,    /* ranges do not meet */
    SIM_ACC_SAME,     /* they meet, and the walks are equal field by field */
    SIM_ACC_DIFFERENT /* they meet, and the walks differ */
} sim_acc_relation;

/* The MXU's own condition for L(0): the first cycle in which a command may start behind the last plane before it. */
static inline uint64_t sim_mxu_ready(const isa_config *config, const sim_mxu_plane *before)
{
    return before->any ? sim_max_u64(before->load + config->d, before->stream) : 0;
}

/* M(0) of a command that starts in cycle start behind a plane. */
static inline uint64_t sim_mxu_first_stream(const isa_config *config, const sim_mxu_plane *before,
                                            sim_acc_relation relation, uint64_t start)
{
    const uint32_t gap = sim_mxu_gap(config);
    uint64_t m = start + config->d;
    if (before->any) {
        m = sim_max_u64(m, before->stream + before->rows);
        if (relation == SIM_ACC_SAME) {
            m = sim_max_u64(m, before->stream + gap);
        } else if (relation == SIM_ACC_DIFFERENT) {
            m = sim_max_u64(m, before->stream + before->rows - 1 + gap);
        }
    }
    return m;
}

/*
 * From one plane of a command to its next: M(p+1) - M(p), while L(p+1) = M(p).  (M(p) >= L(p) + D, so L(p+1) waits for
 * M(p) alone; then M(p+1) waits for M(p) + T, L(p+1) + D = M(p) + D and M(p) + H.)
 */
static inline uint64_t sim_mxu_period(const isa_config *config, uint64_t rows)
{
    return sim_max_u64(rows, sim_max_u64(config->d, sim_mxu_gap(config)));
}

/* The last plane of a command of n planes of `rows` rows that starts in cycle start with M(0) = first_stream. */
static inline sim_mxu_plane sim_mxu_last_plane(const isa_config *config, uint64_t start, uint64_t first_stream,
                                               uint64_t n_planes, uint64_t rows)
{
    const uint64_t period = sim_mxu_period(config, rows);
    return (sim_mxu_plane){
        .any = true,
        .load = n_planes > 1 ? first_stream + (n_planes - 2) * period : start,
        .stream = first_stream + (n_planes - 1) * period,
        .rows = rows,
    };
}

/* E of the command whose last plane this is. */
static inline uint64_t sim_mxu_end(const isa_config *config, const sim_mxu_plane *last)
{
    return last->stream + last->rows + config->d;
}

/* W of section 6: from a row read to the row it produces. */
static inline uint64_t sim_vpu_depth(const isa_config *config)
{
    return (uint64_t)config->d + config->vpu_stages;
}

/* E of a VPU command of `rows` rows that starts in cycle start. */
static inline uint64_t sim_vpu_end(const isa_config *config, uint64_t start, uint64_t rows)
{
    return start + rows - 1 + sim_vpu_depth(config);
}

/* Multiples of the power of two `unit` in first+1 .. first+n-1: the cuts inside n bytes from position first. */
static inline uint64_t sim_cuts(uint64_t first, uint64_t n, uint64_t unit)
{
    const int shift = __builtin_ctzll(unit);
    return ((first + n - 1) >> shift) - (first >> shift);
}

/*
 * Pieces of n >= 1 valid bytes of one run (sections 7 and 8): cut at each multiple of beat_bytes of the address and at
 * each end of a row, of which row_at bytes come before the first.  beat_bytes (the smaller of a beat and the
 * largest burst) and row_bytes are powers of two.  Bytes that are not valid: with beat_bytes = 0, cut at rows alone.
 */
static inline uint64_t sim_pieces(uint64_t address, uint64_t row_at, uint64_t n, uint64_t beat_bytes,
                                  uint64_t row_bytes)
{
    const uint64_t at_rows = sim_cuts(row_at, n, row_bytes);
    if (beat_bytes == 0) {
        return 1 + at_rows;
    }
    const uint64_t at_beats = sim_cuts(address, n, beat_bytes);
    const uint64_t smaller = beat_bytes < row_bytes ? beat_bytes : row_bytes;
    if (((address - row_at) & (smaller - 1)) != 0) {
        return 1 + at_rows + at_beats; /* they never coincide */
    }
    return 1 + (beat_bytes < row_bytes ? at_beats : at_rows); /* each end of the larger is one of the smaller */
}

#endif
