/*
 * bf16_block.h -- MATMUL of bf16 by tiles: some rows by one vector of columns, their sums in registers over all planes.
 *
 * Included by each kernel set, so that it is compiled for that set's processor; static functions only.  Each sum is one
 * chain of fused multiply-adds in the order of numerics.md; only different columns and rows go side by side, so every
 * set has the same bits.  A sum that has become a NaN stays one, so it is made canonical once, at the end.
 *
 * Weights and A are widened to fp32 beforehand: weights of a block of planes as [plane][k][columns], A of a tile as
 * [plane][row][k].
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#if defined(__AVX512F__) || (defined(__AVX2__) && defined(__FMA__))
#include <immintrin.h>
#endif

#include "kernels/kernels.h"

/* LANES columns as a vector; the multiply-add of them by one element of A; as many rows as leave room for their sums. */
#if defined(__AVX512F__)
#define LANES 16u
#define BF16_TILE 12u
typedef __m512 lanes;

static inline lanes multiply_add(const float *a, lanes w, lanes sum)
{
    return _mm512_fmadd_ps(_mm512_set1_ps(*a), w, sum);
}

static inline lanes one_nan(lanes x)
{
    return _mm512_castsi512_ps(_mm512_mask_mov_epi32(_mm512_castps_si512(x), _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q),
                                                     _mm512_set1_epi32(0x7FC00000)));
}
#elif defined(__AVX2__) && defined(__FMA__)
#define LANES 8u
#define BF16_TILE 8u
typedef __m256 lanes;

static inline lanes multiply_add(const float *a, lanes w, lanes sum)
{
    return _mm256_fmadd_ps(_mm256_set1_ps(*a), w, sum);
}

static inline lanes one_nan(lanes x)
{
    const lanes nan = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FC00000));
    return _mm256_blendv_ps(x, nan, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}
#else
#define LANES 4u
#define BF16_TILE 4u
typedef struct lanes {
    float x[LANES];
} lanes;

#ifdef __FP_FAST_FMAF
#define MULTIPLY_ADD(a, w, c) __builtin_fmaf(a, w, c)
#else
#define MULTIPLY_ADD(a, w, c) multiply_add_by_double(a, w, c)

/*
 * fmaf() of bf16 factors without the instruction. The product is exact in a double; the sum is rounded to odd there
 * (its error is known exactly, and an even last bit steps towards it), which a second rounding to fp32 does not feel.
 */
static inline float multiply_add_by_double(float a, float w, float c)
{
    const double product = (double)a * (double)w;
    const double sum = product + (double)c;
    const double part = sum - product;
    const double error = (product - (sum - part)) + ((double)c - part);
    int64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    const int64_t step = (error > 0) == (sum > 0) ? 1 : -1;
    bits += (error > 0 || error < 0) && (bits & 1) == 0 ? step : 0; /* no step where the sum is infinite or a NaN */
    double odd;
    memcpy(&odd, &bits, sizeof odd);
    return (float)odd;
}
#endif

static inline lanes multiply_add(const float *a, lanes w, lanes sum)
{
    for (uint32_t j = 0; j < LANES; j++) {
        sum.x[j] = MULTIPLY_ADD(*a, w.x[j], sum.x[j]);
    }
    return sum;
}

static inline lanes one_nan(lanes sum)
{
    for (uint32_t j = 0; j < LANES; j++) {
        const uint32_t nan = 0x7FC00000;
        if (sum.x[j] != sum.x[j]) {
            memcpy(&sum.x[j], &nan, sizeof nan);
        }
    }
    return sum;
}
#endif

#define BF16_WEIGHT_BYTES ((size_t)256 << 10)
#define BF16_A_BYTES ((size_t)16 << 10)

_Static_assert(BF16_WEIGHT_BYTES + BF16_A_BYTES <= SIM_SCRATCH_BYTES, "widened operands lie in the scratch memory");
_Static_assert(128 * 128 * 4 <= BF16_WEIGHT_BYTES && BF16_TILE * 128 * 4 <= BF16_A_BYTES, "one plane always fits");

/* A job, prepared. */
typedef struct bf16_product {
    const sim_matmul *m;
    float *weights; /* [plane][d][columns] */
    float *a;       /* [plane][BF16_TILE][d] */
    uint32_t columns; /* d, and at least LANES */
    uint32_t first_plane; /* of the block */
    uint32_t n_planes;
    bool accumulate; /* in the block */
} bf16_product;

static inline const uint16_t *bf16_row(const sim_matmul *m, int64_t row)
{
    return (const uint16_t *)(const void *)m->spm + (uint64_t)row * m->d;
}

static inline void bf16_widen(float *restrict to, const uint16_t *restrict from, uint32_t n)
{
    uint32_t *restrict bits = (uint32_t *)(void *)to;
    uint32_t at = 0;
#ifdef __AVX512F__
    for (; at + 16 <= n; at += 16) {
        const __m256i halves = _mm256_loadu_si256((const __m256i *)(const void *)(from + at));
        _mm512_storeu_si512(bits + at, _mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
    }
#endif
    for (; at < n; at++) {
        bits[at] = (uint32_t)from[at] << 16;
    }
}

static void bf16_widen_weights(const bf16_product *x)
{
    const sim_matmul *m = x->m;
    const uint32_t d = m->d;
    if (x->columns > d) {
        memset(x->weights, 0, (size_t)x->n_planes * d * x->columns * sizeof(float));
    }
    for (uint32_t p = 0; p < x->n_planes; p++) {
        const uint16_t *w = bf16_row(m, m->w_base + m->w_plane * (int64_t)(x->first_plane + p));
        uint32_t *to = (uint32_t *)(void *)(x->weights + (size_t)p * d * x->columns);
        for (uint32_t k = 0; k < d; k++, to += x->columns) {
            for (uint32_t j = 0; j < d; j++) {
                to[j] = (uint32_t)(m->transposed ? w[(size_t)j * d + k] : w[(size_t)k * d + j]) << 16;
            }
        }
    }
}

static inline lanes load_lanes(const float *from, uint32_t n)
{
    lanes value;
    if (n >= LANES) {
        memcpy(&value, from, sizeof value);
        return value;
    }
    memset(&value, 0, sizeof value);
    memcpy(&value, from, n * sizeof *from);
    return value;
}

/* Columns from `first` on of n rows; n and d are constants where this is inlined, or d is x->m->d. */
static inline __attribute__((always_inline)) void bf16_tile_columns(const bf16_product *x, float *const *acc,
                                                                    uint32_t first, const uint32_t n, const uint32_t d)
{
    lanes sum[BF16_TILE];
#pragma GCC unroll 12
    for (uint32_t r = 0; r < n; r++) {
        if (x->accumulate) {
            sum[r] = load_lanes(acc[r] + first, d - first);
        } else {
            memset(&sum[r], 0, sizeof sum[r]);
        }
    }
    const uint32_t columns = d < LANES ? LANES : d;
    const float *w = x->weights + first;
    const float *a = x->a;
    for (uint32_t p = 0; p < x->n_planes; p++, a += BF16_TILE * d) {
#pragma GCC unroll 4
        for (uint32_t k = 0; k < d; k++, w += columns) {
            lanes weights;
            memcpy(&weights, w, sizeof weights);
#pragma GCC unroll 12
            for (uint32_t r = 0; r < n; r++) {
                sum[r] = multiply_add(a + (size_t)r * d + k, weights, sum[r]);
            }
        }
    }
#pragma GCC unroll 12
    for (uint32_t r = 0; r < n; r++) {
        const lanes stored = one_nan(sum[r]);
        memcpy(acc[r] + first, &stored, d - first < LANES ? (d - first) * sizeof(float) : sizeof stored);
    }
}

/* All columns of a tile of n rows. */
#define BF16_TILE_OF(n)                                                          \
    case n:                                                                      \
        for (uint32_t first = 0; first < x->m->d; first += LANES) {              \
            if (x->m->d == 16) {                                                 \
                bf16_tile_columns(x, acc, first, n, 16);                         \
            } else {                                                             \
                bf16_tile_columns(x, acc, first, n, x->m->d);                    \
            }                                                                    \
        }                                                                        \
        return;

static void bf16_tile(const bf16_product *x, float *const *acc, uint32_t n)
{
    switch (n) {
        BF16_TILE_OF(1)
        BF16_TILE_OF(2)
        BF16_TILE_OF(3)
        BF16_TILE_OF(4)
#if BF16_TILE > 4u
        BF16_TILE_OF(5)
        BF16_TILE_OF(6)
        BF16_TILE_OF(7)
        BF16_TILE_OF(8)
#endif
#if BF16_TILE > 8u
        BF16_TILE_OF(9)
        BF16_TILE_OF(10)
        BF16_TILE_OF(11)
        BF16_TILE_OF(12)
#endif
    }
}

static void bf16_multiply_block(const bf16_product *x)
{
    const sim_matmul *m = x->m;
    const uint64_t n_rows = (uint64_t)m->a.n[0] * m->a.n[1] * m->a.n[2] * m->a.n[3];
    const uint64_t n_tiles = (n_rows + BF16_TILE - 1) / BF16_TILE;
    sim_walker a = sim_walker_begin(&m->a);
    sim_walker c = sim_walker_begin(&m->c);
    for (uint64_t i = 0; i < n_tiles; i++) {
        const uint32_t n = (uint32_t)((i + 1) * n_rows / n_tiles - i * n_rows / n_tiles); /* evened out */
        float *acc[BF16_TILE];
        for (uint32_t r = 0; r < n; r++) {
            acc[r] = (float *)(void *)m->acc + (uint64_t)c.row * m->d;
            for (uint32_t p = 0; p < x->n_planes; p++) {
                bf16_widen(x->a + ((size_t)p * BF16_TILE + r) * m->d,
                           bf16_row(m, a.row + m->a_plane * (int64_t)(x->first_plane + p)), m->d);
            }
            sim_walker_next(&a);
            sim_walker_next(&c);
        }
        bf16_tile(x, acc, n);
    }
}

static void matmul_bf16(const sim_matmul *m)
{
    bf16_product x = {
        .m = m,
        .weights = m->scratch,
        .a = (float *)(void *)((uint8_t *)m->scratch + BF16_WEIGHT_BYTES),
        .columns = m->d < LANES ? LANES : m->d,
    };
    const size_t by_weights = BF16_WEIGHT_BYTES / ((size_t)m->d * x.columns * sizeof(float));
    const size_t by_a = BF16_A_BYTES / ((size_t)BF16_TILE * m->d * sizeof(float));
    const uint32_t most = (uint32_t)(by_weights < by_a ? by_weights : by_a);
    for (; x.first_plane < m->n_planes; x.first_plane += x.n_planes) {
        const uint32_t left = m->n_planes - x.first_plane;
        x.n_planes = left < most ? left : most;
        x.accumulate = m->accumulate || x.first_plane > 0;
        bf16_widen_weights(&x);
        bf16_multiply_block(&x);
    }
}
