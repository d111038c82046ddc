/*
 * conv_tile.h -- the inner loops of fp32 convolutions, channels last: AVX-512, AVX2, portable.
 *
 * One result is one chain: it starts at the bias and goes through the taps row by row, channel by
 * channel, with one fused multiply-add each (portable code: a rounded product and a rounded sum). So AVX-512
 * and AVX2 give the same bits, however the work is cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_CONV_TILE_H
#define SYSTOLE_RT_CPU_CONV_TILE_H

#include "simd.h"

#include <stdbool.h>
#include <stdint.h>

#define RT_PANEL_COLUMNS 32 /* of a whole panel of weights; one of at most 16 is half as wide */
#define RT_TILE_ROWS     14 /* at most */

/* Operands that follow each other without a gap, in floats from the first position's. */
typedef struct rt_run {
    int64_t at, n;
} rt_run;

/*
 * c[i][j] = clamp(start[j] + sum over runs and k of a[i * a_step + run.at + k] * b[k'][j] + residual[i][j])
 * where k' counts through all runs. With `columns` up to 16, b has rows of 16, else of 32; columns beyond
 * are not written.
 */
typedef struct rt_conv_tile {
    const float *a;
    int64_t a_step;
    int64_t n_runs;
    const rt_run *runs;
    const float *b;     /* aligned to 64 bytes */
    const float *start; /* [16 or 32] */
    const float *residual;
    int64_t residual_step; /* from row to row; residual NULL: none */
    float low, high;       /* a NaN stays */
    int columns;
    float *c;
    int64_t c_step;
} rt_conv_tile;

/* A tap of a depthwise convolution: where its inputs and weights lie. */
typedef struct rt_tap {
    int64_t a, b;
} rt_tap;

/*
 * Depthwise: c[i][j] = clamp(start[j] + sum over t of a[i * a_step + taps[t].a + j] * b[taps[t].b + j] +
 * residual), i < rows, j < columns.
 */
typedef struct rt_depth_tile {
    const float *a;
    int64_t a_step;
    int64_t n_taps;
    const rt_tap *taps;
    const float *b;
    const float *start;
    const float *residual;
    int64_t residual_step;
    float low, high;
    int64_t rows, columns;
    float *c;
    int64_t c_step;
} rt_depth_tile;

typedef struct rt_conv_tiles {
    const char *name;
    rt_isa isa;
    int best_rows; /* most rows that fit the registers */
    void (*product)(const rt_conv_tile *t, int rows); /* 1 <= rows <= RT_TILE_ROWS */
    void (*depth)(const rt_depth_tile *t);
} rt_conv_tiles;

/* The best variant for this processor or up to rt_simd_limit; variant i that it can run, the best first, NULL
 * after the last. */
const rt_conv_tiles *rt_conv_tiles_best(void);
const rt_conv_tiles *rt_conv_tiles_variant(unsigned i);

#endif
