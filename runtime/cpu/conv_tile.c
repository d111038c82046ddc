/*
 * conv_tile.c -- the inner loops of fp32 convolutions.
 *
 * A tile of output positions x output channels stays in registers through all taps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conv_tile.h"

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* ---------------------------------------------------------------- portable */

static float clamped(float v, float low, float high)
{
    v = v < low ? low : v;
    return v > high ? high : v;
}

static void product_portable(const rt_conv_tile *t, int rows)
{
    const int width = t->columns > 16 ? 32 : 16;
    for (int i = 0; i < rows; i++) {
        float sum[RT_PANEL_COLUMNS];
        const float *b = t->b;
        memcpy(sum, t->start, (size_t)width * sizeof(float));
        for (int64_t r = 0; r < t->n_runs; r++) {
            const float *a = t->a + i * t->a_step + t->runs[r].at;
            for (int64_t k = 0; k < t->runs[r].n; k++, b += width) {
                for (int j = 0; j < width; j++) {
                    sum[j] += a[k] * b[j];
                }
            }
        }
        for (int j = 0; j < t->columns; j++) {
            const float v = t->residual != NULL ? sum[j] + t->residual[i * t->residual_step + j]
                                                : sum[j];
            t->c[i * t->c_step + j] = clamped(v, t->low, t->high);
        }
    }
}

static void depth_portable(const rt_depth_tile *t)
{
    for (int64_t i = 0; i < t->rows; i++) {
        for (int64_t j = 0; j < t->columns; j++) {
            float sum = t->start[j];
            for (int64_t k = 0; k < t->n_taps; k++) {
                sum += t->a[i * t->a_step + t->taps[k].a + j] * t->b[t->taps[k].b + j];
            }
            sum = t->residual != NULL ? sum + t->residual[i * t->residual_step + j] : sum;
            t->c[i * t->c_step + j] = clamped(sum, t->low, t->high);
        }
    }
}

static const rt_conv_tiles tiles_portable = {"portable", RT_ISA_PORTABLE, 4, product_portable, depth_portable};

#if defined(__x86_64__)

/* ---------------------------------------------------------------- AVX-512 */

#define TARGET_512 __attribute__((target("avx512f")))

/* Weights arrive from memory in a stream: some lines ahead of the loop. */
#define AHEAD 1024

TARGET_512 static inline __m512 finish_512(const float *residual, __mmask16 mask, __m512 v,
                                           __m512 low, __m512 high)
{
    if (residual != NULL) {
        v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(mask, residual));
    }
    return _mm512_min_ps(high, _mm512_max_ps(low, v)); /* the second operand if one is a NaN */
}

/* A pointer for every third row: with one for each, which is what the compiler would make of it, they go
 * through the stack. */
#define HIDE(pointer) __asm__("" : "+r"(pointer))

#define PRODUCT_512(ROWS, VECTORS)                                                              \
    TARGET_512 static void product_512_##ROWS##_##VECTORS(const rt_conv_tile *t)                \
    {                                                                                           \
        __m512 sum[ROWS][VECTORS];                                                              \
        const int64_t step = t->a_step;                                                         \
        const float *b = t->b;                                                                  \
        _Pragma("GCC unroll 14") for (int i = 0; i < ROWS; i++)                                 \
        {                                                                                       \
            _Pragma("GCC unroll 2") for (int j = 0; j < VECTORS; j++)                           \
            {                                                                                   \
                sum[i][j] = _mm512_loadu_ps(t->start + 16 * j);                                 \
            }                                                                                   \
        }                                                                                       \
        for (int64_t r = 0; r < t->n_runs; r++) {                                               \
            const float *a[(ROWS + 2) / 3];                                                     \
            _Pragma("GCC unroll 5") for (int i = 0; i < (ROWS + 2) / 3; i++)                    \
            {                                                                                   \
                a[i] = t->a + t->runs[r].at + 3 * i * step;                                     \
            }                                                                                   \
            for (const float *end = a[0] + t->runs[r].n; a[0] < end; b += 16 * VECTORS) {       \
                __m512 w[VECTORS];                                                              \
                _Pragma("GCC unroll 2") for (int j = 0; j < VECTORS; j++)                       \
                {                                                                               \
                    w[j] = _mm512_load_ps(b + 16 * j);                                          \
                    _mm_prefetch((const char *)(b + AHEAD + 16 * j), _MM_HINT_T0);              \
                }                                                                               \
                _Pragma("GCC unroll 14") for (int i = 0; i < ROWS; i++)                         \
                {                                                                               \
                    const __m512 x = _mm512_set1_ps(a[i / 3][i % 3 * step]);                    \
                    _Pragma("GCC unroll 2") for (int j = 0; j < VECTORS; j++)                   \
                    {                                                                           \
                        sum[i][j] = _mm512_fmadd_ps(x, w[j], sum[i][j]);                        \
                    }                                                                           \
                }                                                                               \
                _Pragma("GCC unroll 5") for (int i = 0; i < (ROWS + 2) / 3; i++)                \
                {                                                                               \
                    a[i]++;                                                                     \
                    HIDE(a[i]);                                                                 \
                }                                                                               \
            }                                                                                   \
        }                                                                                       \
        const __m512 low = _mm512_set1_ps(t->low), high = _mm512_set1_ps(t->high);              \
        const uint32_t columns = (uint32_t)((UINT64_C(1) << t->columns) - 1);                   \
        _Pragma("GCC unroll 14") for (int i = 0; i < ROWS; i++)                                 \
        {                                                                                       \
            _Pragma("GCC unroll 2") for (int j = 0; j < VECTORS; j++)                           \
            {                                                                                   \
                const __mmask16 mask = (__mmask16)(columns >> (16 * j));                        \
                const float *residual = t->residual != NULL                                     \
                                            ? t->residual + i * t->residual_step + 16 * j       \
                                            : NULL;                                             \
                _mm512_mask_storeu_ps(t->c + i * t->c_step + 16 * j, mask,                      \
                                      finish_512(residual, mask, sum[i][j], low, high));        \
            }                                                                                   \
        }                                                                                       \
    }

#define ALL_ROWS(X, VECTORS)                                                                 \
    X(1, VECTORS) X(2, VECTORS) X(3, VECTORS) X(4, VECTORS) X(5, VECTORS) X(6, VECTORS)      \
    X(7, VECTORS) X(8, VECTORS) X(9, VECTORS) X(10, VECTORS) X(11, VECTORS) X(12, VECTORS)   \
    X(13, VECTORS) X(14, VECTORS)

ALL_ROWS(PRODUCT_512, 1)
ALL_ROWS(PRODUCT_512, 2)

static void product_512(const rt_conv_tile *t, int rows)
{
#define ENTRY(ROWS, VECTORS) product_512_##ROWS##_##VECTORS,
    static void (*const tiles[2][RT_TILE_ROWS])(const rt_conv_tile *) = {
        {ALL_ROWS(ENTRY, 1)},
        {ALL_ROWS(ENTRY, 2)},
    };
#undef ENTRY
    tiles[t->columns > 16][rows - 1](t);
}

/* `ROWS` positions of 16 channels. */
#define DEPTH_512(ROWS)                                                                          \
    TARGET_512 static void depth_512_##ROWS(const rt_depth_tile *t, int64_t i, int64_t j,        \
                                            __mmask16 mask)                                      \
    {                                                                                            \
        __m512 sum[ROWS];                                                                        \
        const float *a = t->a + i * t->a_step + j, *b = t->b + j;                                \
        const int64_t step = t->a_step;                                                          \
        const __m512 start = _mm512_maskz_loadu_ps(mask, t->start + j);                          \
        _Pragma("GCC unroll 8") for (int q = 0; q < ROWS; q++)                                   \
        {                                                                                        \
            sum[q] = start;                                                                      \
        }                                                                                        \
        for (int64_t k = 0; k < t->n_taps; k++) {                                                \
            const __m512 w = _mm512_maskz_loadu_ps(mask, b + t->taps[k].b);                      \
            const float *from = a + t->taps[k].a;                                                \
            _Pragma("GCC unroll 8") for (int q = 0; q < ROWS; q++)                               \
            {                                                                                    \
                sum[q] = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, from + q * step), w,        \
                                         sum[q]);                                                \
            }                                                                                    \
        }                                                                                        \
        const __m512 low = _mm512_set1_ps(t->low), high = _mm512_set1_ps(t->high);               \
        _Pragma("GCC unroll 8") for (int q = 0; q < ROWS; q++)                                   \
        {                                                                                        \
            const float *residual = t->residual != NULL                                          \
                                        ? t->residual + (i + q) * t->residual_step + j           \
                                        : NULL;                                                  \
            _mm512_mask_storeu_ps(t->c + (i + q) * t->c_step + j, mask,                          \
                                  finish_512(residual, mask, sum[q], low, high));                \
        }                                                                                        \
    }

DEPTH_512(1)
DEPTH_512(2)
DEPTH_512(4)
DEPTH_512(8)

static void depth_512(const rt_depth_tile *t)
{
    for (int64_t j = 0; j < t->columns; j += 16) {
        const __mmask16 mask = (__mmask16)(t->columns - j >= 16 ? 0xffffu
                                                                : (1u << (t->columns - j)) - 1);
        int64_t i = 0;
        for (; i + 8 <= t->rows; i += 8) {
            depth_512_8(t, i, j, mask);
        }
        if (i + 4 <= t->rows) {
            depth_512_4(t, i, j, mask);
            i += 4;
        }
        if (i + 2 <= t->rows) {
            depth_512_2(t, i, j, mask);
            i += 2;
        }
        if (i < t->rows) {
            depth_512_1(t, i, j, mask);
        }
    }
}

static const rt_conv_tiles tiles_512 = {"avx512", RT_ISA_AVX512, 14, product_512, depth_512};

/* ---------------------------------------------------------------- AVX2 */

#define TARGET_256 __attribute__((target("avx2,fma")))

TARGET_256 static __m256i mask_256(int64_t columns)
{
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const int n = columns > 8 ? 8 : (int)columns;
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), lanes);
}

TARGET_256 static inline __m256 finish_256(const float *residual, __m256i mask, __m256 v,
                                           __m256 low, __m256 high)
{
    if (residual != NULL) {
        v = _mm256_add_ps(v, _mm256_maskload_ps(residual, mask));
    }
    return _mm256_min_ps(high, _mm256_max_ps(low, v));
}

/* `ROWS` rows from row `first` on, 16 columns from `column` on. */
#define PRODUCT_256(ROWS, VECTORS)                                                              \
    TARGET_256 static void product_256_##ROWS(const rt_conv_tile *t, int first, int column)     \
    {                                                                                           \
        __m256 sum[ROWS][2];                                                                    \
        const int64_t step = t->a_step, width = t->columns > 16 ? 32 : 16;                      \
        const float *b = t->b + column;                                                         \
        _Pragma("GCC unroll 6") for (int i = 0; i < ROWS; i++)                                  \
        {                                                                                       \
            sum[i][0] = _mm256_loadu_ps(t->start + column);                                     \
            sum[i][1] = _mm256_loadu_ps(t->start + column + 8);                                 \
        }                                                                                       \
        for (int64_t r = 0; r < t->n_runs; r++) {                                               \
            const float *a = t->a + first * step + t->runs[r].at;                               \
            for (int64_t k = 0; k < t->runs[r].n; k++, b += width) {                            \
                const __m256 left = _mm256_loadu_ps(b), right = _mm256_loadu_ps(b + 8);         \
                _Pragma("GCC unroll 6") for (int i = 0; i < ROWS; i++)                          \
                {                                                                               \
                    const __m256 x = _mm256_set1_ps(a[i * step + k]);                           \
                    sum[i][0] = _mm256_fmadd_ps(x, left, sum[i][0]);                            \
                    sum[i][1] = _mm256_fmadd_ps(x, right, sum[i][1]);                           \
                }                                                                               \
            }                                                                                   \
        }                                                                                       \
        const __m256 low = _mm256_set1_ps(t->low), high = _mm256_set1_ps(t->high);              \
        _Pragma("GCC unroll 6") for (int i = 0; i < ROWS; i++)                                  \
        {                                                                                       \
            _Pragma("GCC unroll 2") for (int j = 0; j < 2; j++)                                 \
            {                                                                                   \
                const int64_t at = column + 8 * j;                                              \
                const __m256i mask = mask_256(t->columns - at);                                 \
                const float *residual = t->residual != NULL                                     \
                                            ? t->residual + (first + i) * t->residual_step + at \
                                            : NULL;                                             \
                if (at < t->columns) {                                                          \
                    _mm256_maskstore_ps(t->c + (first + i) * t->c_step + at, mask,              \
                                        finish_256(residual, mask, sum[i][j], low, high));      \
                }                                                                               \
            }                                                                                   \
        }                                                                                       \
    }

PRODUCT_256(1, 2)
PRODUCT_256(2, 2)
PRODUCT_256(3, 2)
PRODUCT_256(4, 2)
PRODUCT_256(5, 2)
PRODUCT_256(6, 2)

static void product_256(const rt_conv_tile *t, int rows)
{
    static void (*const tiles[6])(const rt_conv_tile *, int, int) = {
        product_256_1, product_256_2, product_256_3, product_256_4, product_256_5, product_256_6,
    };
    for (int first = 0; first < rows; first += 6) {
        const int n = rows - first < 6 ? rows - first : 6;
        for (int column = 0; column < t->columns; column += 16) {
            tiles[n - 1](t, first, column);
        }
    }
}

TARGET_256 static void depth_256(const rt_depth_tile *t)
{
    const __m256 low = _mm256_set1_ps(t->low), high = _mm256_set1_ps(t->high);
    for (int64_t j = 0; j < t->columns; j += 8) {
        const __m256i mask = mask_256(t->columns - j);
        const __m256 start = _mm256_maskload_ps(t->start + j, mask);
        for (int64_t i = 0; i < t->rows; i++) {
            __m256 sum = start;
            for (int64_t k = 0; k < t->n_taps; k++) {
                sum = _mm256_fmadd_ps(
                    _mm256_maskload_ps(t->a + i * t->a_step + t->taps[k].a + j, mask),
                    _mm256_maskload_ps(t->b + t->taps[k].b + j, mask), sum);
            }
            const float *residual = t->residual != NULL ? t->residual + i * t->residual_step + j
                                                        : NULL;
            _mm256_maskstore_ps(t->c + i * t->c_step + j, mask,
                                finish_256(residual, mask, sum, low, high));
        }
    }
}

static const rt_conv_tiles tiles_256 = {"avx2", RT_ISA_AVX2, 6, product_256, depth_256};

#endif

/* ---------------------------------------------------------------- choice */

const rt_conv_tiles *rt_conv_tiles_variant(unsigned i)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && i-- == 0) {
        return &tiles_512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && i-- == 0) {
        return &tiles_256;
    }
#endif
    return i == 0 ? &tiles_portable : NULL;
}

const rt_conv_tiles *rt_conv_tiles_best(void)
{
    const rt_conv_tiles *t = rt_conv_tiles_variant(0);
    for (unsigned i = 0; t->isa > rt_simd_limit(); i++) {
        t = rt_conv_tiles_variant(i);
    }
    return t;
}
