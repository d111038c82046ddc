/*
 * own_sgemm.c -- our own fp32 matrix product: blocks for the caches around the tiles of
 * gemm_tiles.c.
 *
 * A block of rows of A (BLOCK_ROWS x DEPTH) stays in the second-level cache while the panels of B
 * pass by; each panel is used by all row tiles of the block, and while it is, the next one is
 * fetched. Between blocks of DEPTH the sums go back to C; no partial sums are added, so that the
 * order of additions never changes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "own_sgemm.h"

#include <math.h>
#include <string.h>

#define DEPTH       768
#define BLOCK_ROWS  168
#define DIRECT_ROWS 28           /* so few rows do not pay for packing a B that is not transposed */
#define COPY_PITCH  (DEPTH + 16) /* of copied rows of A: not a multiple of the cache's sets */

_Static_assert(RT_SGEMM_WORK_FLOATS == DEPTH * RT_PANEL + BLOCK_ROWS * COPY_PITCH,
               "a panel and a block of A");

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static const rt_tiles *best(void)
{
    const rt_tiles *t = rt_tiles_variant(0);
    for (unsigned i = 0; t->isa > rt_simd_limit(); i++) {
        t = rt_tiles_variant(i);
    }
    return t;
}

const char *rt_own_sgemm_name(void)
{
    return best()->name;
}

/* ---------------------------------------------------------------- packing */

size_t rt_gemm_panel_floats(int64_t k, int64_t n)
{
    const size_t n_panels = ((size_t)n + RT_PANEL - 1) / RT_PANEL;
    size_t floats, bytes;
    if (__builtin_mul_overflow(n_panels * RT_PANEL, (size_t)k, &floats) ||
        __builtin_mul_overflow(floats, sizeof(float), &bytes)) {
        return 0;
    }
    return floats;
}

/* Rows k0 .. k0 + depth - 1 of columns j .. j + columns - 1. */
static void pack(const rt_tiles *t, const rt_gemm *g, int64_t k0, int64_t depth, int64_t j,
                 int columns, float *panel)
{
    const float *from = g->b + k0 * g->b_k + j * g->b_column;
    if (g->b_k == 1) {
        t->transpose(depth, columns, from, g->b_column, panel);
        return;
    }
    for (int64_t k = 0; k < depth; k++) {
        float *to = panel + k * RT_PANEL;
        if (g->b_column == 1 && columns == RT_PANEL) {
            memcpy(to, from + k * g->b_k, RT_PANEL * sizeof(float));
            continue;
        }
        for (int c = 0; c < RT_PANEL; c++) {
            to[c] = c < columns ? from[k * g->b_k + c * g->b_column] : 0.0f;
        }
    }
}

void rt_gemm_pack(const rt_gemm *g, int64_t first, int64_t last, float *panels)
{
    for (int64_t p = first; p < last; p++) {
        pack(best(), g, 0, g->k, p * RT_PANEL, (int)smaller(RT_PANEL, g->n - p * RT_PANEL),
             panels + p * g->k * RT_PANEL);
    }
}

/* ---------------------------------------------------------------- blocks */

static bool is_direct(const rt_gemm *g, int64_t rows)
{
    return g->panels == NULL && g->fill == NULL && g->b_column == 1 && rows <= DIRECT_ROWS;
}

/* Rows whose starts fall into few sets of the first-level cache push each other out. */
static bool aliases(const rt_gemm *g)
{
    return g->a_k != 1 || g->a_row % 512 == 0;
}

bool rt_gemm_wants_panels(const rt_gemm *g)
{
    return g->panels == NULL && g->fill == NULL && !is_direct(g, g->m) && g->m > BLOCK_ROWS;
}

size_t rt_gemm_work_floats(const rt_gemm *g)
{
    const int64_t depth = g->m <= best()->max_rows ? g->k : smaller(g->k, DEPTH);
    const int64_t rows = smaller(g->m, BLOCK_ROWS);
    return (g->panels == NULL && !is_direct(g, g->m) ? (size_t)(depth * RT_PANEL) : 0) +
           (size_t)(rows * COPY_PITCH);
}

/* What all tiles of a call share. */
typedef struct block {
    const rt_gemm *g;
    const rt_tiles *tiles;
    int64_t i0, i1;    /* rows */
    int64_t k0, depth; /* of this round */
    const float *a;    /* row i0, column k0 */
    int64_t a_row, a_k;
    float *panel; /* working memory */
} block;

/* The bounds of activations that are bounds: the tile sees to them. */
static void bounds_of(const rt_epilogue *e, rt_tile *t)
{
    t->low = e->act == RT_ACT_RELU ? 0.0f : e->act == RT_ACT_CLIP ? e->a : -INFINITY;
    t->high = e->act == RT_ACT_CLIP ? e->b : INFINITY;
}

/* Other activations, while the tile is in the first-level cache. */
static void activate(const rt_epilogue *e, const rt_tile *t, int64_t rows, int64_t columns)
{
    if (e->act == RT_ACT_NONE || e->act == RT_ACT_RELU || e->act == RT_ACT_CLIP) {
        return;
    }
    const rt_simd *simd = rt_simd_best();
    for (int64_t r = 0; r < rows; r++) {
        simd->activate(e->act, e->a, e->b, columns, t->c + r * t->ldc);
    }
}

static void copy_rows(block *b, float *to)
{
    for (int64_t i = 0; i < b->i1 - b->i0; i++) {
        const float *from = b->a + i * b->a_row;
        float *row = to + i * COPY_PITCH;
        if (b->a_k == 1) {
            memcpy(row, from, (size_t)b->depth * sizeof(float));
            continue;
        }
        for (int64_t k = 0; k < b->depth; k++) {
            row[k] = from[k * b->a_k];
        }
    }
    b->a = to;
    b->a_row = COPY_PITCH;
    b->a_k = 1;
}

/* All rows of the block times `panels` panels from column j on; t holds what does not depend on
 * rows. */
static void rows_of(const block *b, rt_tile *t, int panels, int64_t j, bool last)
{
    const rt_gemm *g = b->g;
    const int64_t m = b->i1 - b->i0;
    const int64_t n_tiles = (m + b->tiles->max_rows - 1) / b->tiles->max_rows;
    const char *ahead = t->prefetch;
    const int64_t lines = ahead != NULL ? smaller((b->depth * 2 + n_tiles - 1) / n_tiles, b->depth)
                                        : 0;
    const rt_tile_fn *by_rows = t->columns <= b->tiles->narrow_columns ? b->tiles->narrow
                                                                       : b->tiles->by_rows;
    int64_t i = 0;
    for (int64_t n = 0; n < n_tiles; n++) {
        const int64_t rows = m / n_tiles + (n < m % n_tiles);
        t->a = b->a + i * b->a_row;
        t->c = g->c + (b->i0 + i) * g->ldc + j;
        t->residual = last && g->epilogue.residual != NULL
                          ? g->epilogue.residual + (b->i0 + i) * g->epilogue.residual_ld + j
                          : NULL;
        t->prefetch = ahead;
        t->n_prefetch = lines;
        (panels > 1 ? b->tiles->flat[rows][panels] : by_rows[rows])(t);
        if (last) {
            activate(&g->epilogue, t, rows, (panels - 1) * RT_PANEL + t->columns);
        }
        ahead = ahead != NULL ? ahead + lines * 64 : NULL;
        i += rows;
    }
}

static void columns_of(const block *b, int64_t j0, int64_t j1, bool direct)
{
    const rt_gemm *g = b->g;
    const int64_t m = b->i1 - b->i0;
    const bool last = b->k0 + b->depth == g->k, packed = g->panels != NULL;
    const bool flat = (packed || direct) && m <= b->tiles->max_flat_rows && m == g->m;
    for (int64_t j = j0; j < j1;) {
        rt_tile t = {.depth = b->depth,
                     .a_row = b->a_row,
                     .a_k = b->a_k,
                     .ldc = g->ldc,
                     .columns = (int)smaller(RT_PANEL, j1 - j),
                     .load_c = b->k0 > 0 || g->accumulate,
                     .finish = last,
                     .bias = g->epilogue.bias != NULL ? g->epilogue.bias + j : NULL,
                     .residual_ld = g->epilogue.residual_ld};
        bounds_of(&g->epilogue, &t);
        int panels = flat ? (int)smaller(RT_TILE_MAX_PANELS, (j1 - j + RT_PANEL - 1) / RT_PANEL)
                          : 1;
        while (panels > 1 && b->tiles->flat[m][panels] == NULL) {
            panels--;
        }
        t.columns = (int)smaller(RT_PANEL, j1 - j - (panels - 1) * RT_PANEL);
        if (packed) {
            t.b = g->panels + j * g->k + b->k0 * RT_PANEL;
            t.b_k = RT_PANEL;
            t.b_panel = g->k * RT_PANEL;
            const bool more = j + RT_PANEL < j1 && m > b->tiles->max_rows;
            t.prefetch = more ? (const char *)(t.b + t.b_panel) : NULL;
        } else if (direct) {
            t.b = g->b + b->k0 * g->b_k + j;
            t.b_k = g->b_k;
            t.b_panel = RT_PANEL;
        } else {
            if (g->fill != NULL) {
                g->fill(g->fill_user, b->k0, b->depth, j / RT_PANEL, b->panel);
            } else {
                pack(b->tiles, g, b->k0, b->depth, j, t.columns, b->panel);
            }
            t.b = b->panel;
            t.b_k = RT_PANEL;
        }
        rows_of(b, &t, panels, j, last);
        j += panels * RT_PANEL;
    }
}

void rt_gemm_block(const rt_gemm *g, int64_t i0, int64_t i1, int64_t j0, int64_t j1, float *work)
{
    const rt_tiles *tiles = best();
    const bool direct = is_direct(g, g->m);
    const bool needs_panel = g->panels == NULL && !direct;
    const bool one_tile = g->m <= tiles->max_rows; /* B is read once: no need to come back to it */
    const int64_t n_rounds = one_tile || g->k == 0 ? 1 : (g->k + DEPTH - 1) / DEPTH;
    const int64_t depth = (g->k + n_rounds - 1) / n_rounds;
    const bool copy = !one_tile && aliases(g) && j1 - j0 > 4 * RT_PANEL;
    float *rows = work + (needs_panel ? (one_tile ? g->k : smaller(g->k, DEPTH)) * RT_PANEL : 0);
    const int64_t n_blocks = (i1 - i0 + BLOCK_ROWS - 1) / BLOCK_ROWS;
    for (int64_t n = 0, i = i0; n < n_blocks; n++) {
        const int64_t height = (i1 - i0) / n_blocks + (n < (i1 - i0) % n_blocks);
        for (int64_t round = 0; round < n_rounds; round++) {
            const int64_t k0 = round * depth;
            block b = {.g = g,
                       .tiles = tiles,
                       .i0 = i,
                       .i1 = i + height,
                       .k0 = k0,
                       .depth = smaller(depth, g->k - k0),
                       .a = g->a + i * g->a_row + k0 * g->a_k,
                       .a_row = g->a_row,
                       .a_k = g->a_k,
                       .panel = work};
            if (copy) {
                copy_rows(&b, rows);
            }
            columns_of(&b, j0, j1, direct);
        }
        i += height;
    }
}

void rt_own_sgemm(float *work, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k,
                  const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                  int64_t ldc)
{
    const rt_gemm g = {.m = m,
                       .n = n,
                       .k = k,
                       .a = a,
                       .a_row = trans_a ? 1 : lda,
                       .a_k = trans_a ? lda : 1,
                       .b = b,
                       .b_k = trans_b ? 1 : ldb,
                       .b_column = trans_b ? ldb : 1,
                       .c = c,
                       .ldc = ldc,
                       .accumulate = beta != 0.0f};
    rt_gemm_block(&g, 0, m, 0, n, work);
}
