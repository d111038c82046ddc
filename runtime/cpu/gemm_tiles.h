/*
 * gemm_tiles.h -- the inner loop of fp32 products: a tile of C that stays in registers while k
 * runs.
 *
 * Each result is one chain of additions over k = 0, 1, ...; variants with fused multiply-add
 * (AVX-512, AVX2, plain C where the compiler has it) give the same bits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_GEMM_TILES_H
#define SYSTOLE_RT_CPU_GEMM_TILES_H

#include "simd.h"

#include <stdbool.h>
#include <stdint.h>

#define RT_PANEL 32 /* columns of a panel of B */

/*
 * C [rows, columns] = clip(start + A * B + residual)
 *   A[i][k] = a[i * a_row + k * a_k], B[k][j] = b[k * b_k + j]; of panel p > 0: b + p * b_panel
 *
 * start: C itself (load_c), or a row of biases, or zeros. columns is at most RT_PANEL, or, with
 * several panels, of the last one; the others are whole.
 */
typedef struct rt_tile {
    int64_t depth;
    const float *a;
    int64_t a_row, a_k;
    const float *b;
    int64_t b_k, b_panel;
    float *c;
    int64_t ldc;
    int columns;
    bool load_c, finish;   /* finish: residual and clip */
    const float *bias;     /* NULL: zeros */
    const float *residual; /* NULL: none */
    int64_t residual_ld;
    float low, high;      /* with finish; a NaN stays */
    const char *prefetch; /* the next bytes of B, for the second-level cache */
    int64_t n_prefetch;   /* lines, at most depth */
} rt_tile;

typedef void (*rt_tile_fn)(const rt_tile *t);

#define RT_TILE_MAX_ROWS   14
#define RT_TILE_MAX_PANELS 4
#define RT_TILE_FLAT_ROWS  4

/* One instruction set. by_rows[r] has up to r rows of one panel, narrow[r] at most 16 columns of
 * it. */
typedef struct rt_tiles {
    const char *name;
    rt_isa isa;
    int max_rows, narrow_columns; /* 0: no narrow ones */
    rt_tile_fn by_rows[RT_TILE_MAX_ROWS + 1], narrow[RT_TILE_MAX_ROWS + 1];
    int max_flat_rows; /* up to so many rows are worth several panels at a time: */
    rt_tile_fn flat[RT_TILE_FLAT_ROWS + 1][RT_TILE_MAX_PANELS + 1]; /* by rows and panels; NULL: none */

    /* to[k][j] = from[j * column + k], j < 32 (0 from `columns` on), k < depth: a panel of a
     * transposed B. */
    void (*transpose)(int64_t depth, int columns, const float *from, int64_t column, float *to);
} rt_tiles;

/* Variant i that this processor can run, the best first; NULL after the last. */
const rt_tiles *rt_tiles_variant(unsigned i);

#endif
