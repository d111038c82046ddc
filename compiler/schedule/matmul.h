/*
 * matmul.h -- what the two halves of the schedule of products share: the plan (matmul_plan.c) and
 * its execution (matmul.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_MATMUL_H
#define SYSTOLE_COMPILER_MATMUL_H

#include "ring.h"

/* How a group is cut; found by sched_matmul_plan. */
typedef struct plan {
    int64_t tile_h, tile_w;   /* output rows and columns of a tile */
    int64_t chunk;            /* input channel blocks of a chunk */
    bool weights_outer;       /* out blocks outside, tiles inside */
    int64_t a_slots, a_pitch; /* rows */
    int64_t w_slots, w_pitch;
    int64_t a_base, w_base, k_base, r_base, o_base;
    int64_t k_slots, r_slots, o_slots, r_pitch, o_pitch;
    double cost;
} plan;

typedef struct job {
    int64_t n, y0, x0, height, width; /* output tile; n: image, or product of a batch */
    int64_t block;                    /* out block */
    int64_t first_chunk, n_chunks;
    int64_t tile; /* number of the tile, over all images */
} job;

typedef struct matmul {
    sched *s;
    const cc_matmul *p;
    const cc_tensor *x, *y;
    cc_window window;           /* packed: a single tap, for the windows are gathered by LD */
    int64_t images;             /* images, or products of a batch */
    int64_t x_blocks, x_h, x_w; /* input as `window` sees it, of one image */
    int64_t pixel; /* rows of A from one input position to the next: packed: x_blocks; else 1 */
    int64_t out_h, out_w;
    int64_t taps;
    int64_t max_blocks; /* input blocks of the out block that has most */
    plan plan;
    ring a, w, k, r, c, o;
    job *jobs;
    int64_t n_jobs;
} matmul;

/* The rows and columns of the input that a job's tile needs, inside the tensor; at least one each.
 */
void sched_tile_input(const matmul *m, const job *j, int64_t *y, int64_t *h, int64_t *x,
                      int64_t *w);

/* Chooses m->plan. Fails as sched_too_large does if not even the smallest tile fits. */
void sched_matmul_plan(matmul *m);

#endif
