/*
 * gemm_tiles.c -- tiles for AVX-512 (14 x 32), AVX2 (6 x 16) and plain C.
 *
 * The variants are functions with their own target attributes. gcc keeps the sums in registers if
 * the numbers of rows and vectors are constants after inlining, and reads 14 rows of A without
 * spilling their addresses if every third row has a pointer and the others are one or two strides
 * from it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gemm_tiles.h"

#include <math.h>
#include <stddef.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define ALWAYS static inline __attribute__((always_inline))
#define EACH   _Pragma("GCC unroll 16")

#if defined(__x86_64__)

/* ---------------------------------------------------------------- AVX-512 */

#define TARGET_512 __attribute__((target("avx512f")))

TARGET_512 ALWAYS __mmask16 mask_of(int columns)
{
    return (__mmask16)(columns >= 16 ? 0xffffu : columns <= 0 ? 0u : (1u << columns) - 1u);
}

#define C_512(p, ld) ((p) + i * (ld) + v * 16)

TARGET_512 ALWAYS void tile_512(const rt_tile *t, const int rows, const int vectors)
{
    __m512 sum[14][8];
    __mmask16 mask[8];
    const int64_t ldc = t->ldc, a_row = t->a_row, a_k = t->a_k, b_k = t->b_k;
    const int64_t b_panel = t->b_panel;
    EACH for (int v = 0; v < vectors; v++)
    {
        mask[v] = v < vectors - 2 ? (__mmask16)0xffff
                                  : mask_of(t->columns - (vectors == 1 ? 0 : v % 2 * 16));
    }
    if (t->load_c) {
        EACH for (int i = 0; i < rows; i++)
        {
            EACH for (int v = 0; v < vectors; v++)
            {
                sum[i][v] = _mm512_maskz_loadu_ps(mask[v], C_512(t->c, ldc));
            }
        }
    } else {
        EACH for (int v = 0; v < vectors; v++)
        {
            const __m512 start = t->bias != NULL ? _mm512_maskz_loadu_ps(mask[v], t->bias + v * 16)
                                                 : _mm512_setzero_ps();
            EACH for (int i = 0; i < rows; i++)
            {
                sum[i][v] = start;
            }
        }
    }
    const float *b = t->b;
    const float *a0 = t->a, *a3 = a0 + 3 * a_row, *a6 = a0 + 6 * a_row, *a9 = a0 + 9 * a_row,
                *a12 = a0 + 12 * a_row;
    const char *ahead = t->prefetch;
    const int64_t n_ahead = t->n_prefetch;
#define STEP_512                                                                           \
    do {                                                                                   \
        __m512 right[8];                                                                   \
        EACH for (int v = 0; v < vectors; v++)                                             \
        {                                                                                  \
            right[v] = _mm512_maskz_loadu_ps(mask[v], b + v / 2 * b_panel + v % 2 * 16);   \
        }                                                                                  \
        EACH for (int i = 0; i < rows; i++)                                                \
        {                                                                                  \
            const float *third = i < 3 ? a0 : i < 6 ? a3 : i < 9 ? a6 : i < 12 ? a9 : a12; \
            const __m512 left = _mm512_set1_ps(third[i % 3 * a_row]);                      \
            EACH for (int v = 0; v < vectors; v++)                                         \
            {                                                                              \
                sum[i][v] = _mm512_fmadd_ps(left, right[v], sum[i][v]);                    \
            }                                                                              \
        }                                                                                  \
        b += b_k;                                                                          \
        a0 += a_k;                                                                         \
        a3 += a_k;                                                                         \
        a6 += a_k;                                                                         \
        a9 += a_k;                                                                         \
        a12 += a_k;                                                                        \
    } while (0)
    int64_t k = 0;
    for (; k < n_ahead; k++) {
        STEP_512;
        _mm_prefetch(ahead, _MM_HINT_T1);
        ahead += 64;
    }
    for (; k < t->depth; k++) {
        STEP_512;
    }
#undef STEP_512
    if (t->finish && t->residual != NULL) {
        EACH for (int i = 0; i < rows; i++)
        {
            EACH for (int v = 0; v < vectors; v++)
            {
                const __m512 more = _mm512_maskz_loadu_ps(mask[v],
                                                          C_512(t->residual, t->residual_ld));
                sum[i][v] = _mm512_add_ps(sum[i][v], more);
            }
        }
    }
    const __m512 low = _mm512_set1_ps(t->finish ? t->low : -INFINITY);
    const __m512 high = _mm512_set1_ps(t->finish ? t->high : INFINITY);
    EACH for (int i = 0; i < rows; i++)
    {
        EACH for (int v = 0; v < vectors; v++)
        {
            sum[i][v] = _mm512_min_ps(high, _mm512_max_ps(low, sum[i][v]));
            _mm512_mask_storeu_ps(C_512(t->c, ldc), mask[v], sum[i][v]);
        }
    }
}

#define T512(ROWS, VECTORS)                                              \
    TARGET_512 static void tile_512_##ROWS##_##VECTORS(const rt_tile *t) \
    {                                                                    \
        tile_512(t, ROWS, VECTORS);                                      \
    }
#define T512_BOTH(ROWS) T512(ROWS, 1) T512(ROWS, 2)
T512_BOTH(1)
T512_BOTH(2)
T512_BOTH(3)
T512_BOTH(4)
T512_BOTH(5)
T512_BOTH(6)
T512_BOTH(7)
T512_BOTH(8)
T512_BOTH(9)
T512_BOTH(10)
T512_BOTH(11)
T512_BOTH(12)
T512_BOTH(13)
T512_BOTH(14)
T512(1, 4)
T512(1, 6)
T512(1, 8)
T512(2, 4)
T512(3, 4)
T512(4, 4)

/* ---------------------------------------------------------------- AVX2 */

#define TARGET_256 __attribute__((target("avx2,fma")))

/* The first n of eight floats. */
TARGET_256 ALWAYS __m256i mask_256(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

TARGET_256 ALWAYS __m256 load_256(const float *from, bool whole, __m256i mask)
{
    return whole ? _mm256_loadu_ps(from) : _mm256_maskload_ps(from, mask);
}

#define C_256(p, ld) ((p) + i * (ld) + at + v * 8)

TARGET_256 ALWAYS void half_256(const rt_tile *t, const int rows, const bool whole, int at)
{
    __m256 sum[6][2];
    const __m256i mask[2] = {mask_256(t->columns - at), mask_256(t->columns - at - 8)};
    const int64_t ldc = t->ldc, a_row = t->a_row;
    if (t->load_c) {
        EACH for (int i = 0; i < rows; i++)
        {
            EACH for (int v = 0; v < 2; v++)
            {
                sum[i][v] = load_256(C_256(t->c, ldc), whole, mask[v]);
            }
        }
    } else {
        EACH for (int v = 0; v < 2; v++)
        {
            const __m256 start = t->bias != NULL ? load_256(t->bias + at + v * 8, whole, mask[v])
                                                 : _mm256_setzero_ps();
            EACH for (int i = 0; i < rows; i++)
            {
                sum[i][v] = start;
            }
        }
    }
    const float *b = t->b + at, *a0 = t->a, *a3 = a0 + 3 * a_row;
    for (int64_t k = 0; k < t->depth; k++) {
        const __m256 left = load_256(b, whole, mask[0]), right = load_256(b + 8, whole, mask[1]);
        EACH for (int i = 0; i < rows; i++)
        {
            const __m256 x = _mm256_set1_ps((i < 3 ? a0 : a3)[i % 3 * a_row]);
            sum[i][0] = _mm256_fmadd_ps(x, left, sum[i][0]);
            sum[i][1] = _mm256_fmadd_ps(x, right, sum[i][1]);
        }
        b += t->b_k;
        a0 += t->a_k;
        a3 += t->a_k;
    }
    if (t->finish && t->residual != NULL) {
        EACH for (int i = 0; i < rows; i++)
        {
            EACH for (int v = 0; v < 2; v++)
            {
                const float *from = C_256(t->residual, t->residual_ld);
                sum[i][v] = _mm256_add_ps(sum[i][v], load_256(from, whole, mask[v]));
            }
        }
    }
    const __m256 low = _mm256_set1_ps(t->finish ? t->low : -INFINITY);
    const __m256 high = _mm256_set1_ps(t->finish ? t->high : INFINITY);
    EACH for (int i = 0; i < rows; i++)
    {
        EACH for (int v = 0; v < 2; v++)
        {
            sum[i][v] = _mm256_min_ps(high, _mm256_max_ps(low, sum[i][v]));
            if (whole) {
                _mm256_storeu_ps(C_256(t->c, ldc), sum[i][v]);
            } else {
                _mm256_maskstore_ps(C_256(t->c, ldc), mask[v], sum[i][v]);
            }
        }
    }
}

#define T256(ROWS)                                                               \
    TARGET_256 static void whole_256_##ROWS(const rt_tile *t, int at)            \
    {                                                                            \
        half_256(t, ROWS, true, at);                                             \
    }                                                                            \
    TARGET_256 static void edge_256_##ROWS(const rt_tile *t, int at)             \
    {                                                                            \
        half_256(t, ROWS, false, at);                                            \
    }                                                                            \
    TARGET_256 static void tile_256_##ROWS(const rt_tile *t)                     \
    {                                                                            \
        for (int at = 0; at < t->columns; at += 16) {                            \
            (t->columns - at >= 16 ? whole_256_##ROWS : edge_256_##ROWS)(t, at); \
        }                                                                        \
    }
T256(1)
T256(2)
T256(3)
T256(4)
T256(5)
T256(6)

/* Eight columns at a time, eight k of each. */
TARGET_256 static void transpose_8x8(const float *from, int64_t column, float *to)
{
    __m256 r[8], s[8];
    EACH for (int i = 0; i < 8; i++)
    {
        r[i] = _mm256_loadu_ps(from + i * column);
    }
    EACH for (int i = 0; i < 4; i++)
    {
        s[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        s[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    EACH for (int i = 0; i < 2; i++)
    {
        r[4 * i] = _mm256_shuffle_ps(s[4 * i], s[4 * i + 2], 0x44);
        r[4 * i + 1] = _mm256_shuffle_ps(s[4 * i], s[4 * i + 2], 0xee);
        r[4 * i + 2] = _mm256_shuffle_ps(s[4 * i + 1], s[4 * i + 3], 0x44);
        r[4 * i + 3] = _mm256_shuffle_ps(s[4 * i + 1], s[4 * i + 3], 0xee);
    }
    EACH for (int i = 0; i < 4; i++)
    {
        _mm256_storeu_ps(to + i * RT_PANEL, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_storeu_ps(to + (i + 4) * RT_PANEL, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
}

#endif

static void transpose_plain(int64_t depth, int columns, const float *from, int64_t column,
                            float *to)
{
    for (int64_t k = 0; k < depth; k++) {
        for (int j = 0; j < RT_PANEL; j++) {
            to[k * RT_PANEL + j] = j < columns ? from[j * column + k] : 0.0f;
        }
    }
}

#if defined(__x86_64__)

TARGET_256 static void transpose_256(int64_t depth, int columns, const float *from, int64_t column,
                                     float *to)
{
    const int64_t blocks = depth & ~(int64_t)7;
    if (columns < RT_PANEL) { /* the whole blocks of columns are done again below */
        transpose_plain(depth, columns, from, column, to);
    } else {
        transpose_plain(depth - blocks, columns, from + blocks, column, to + blocks * RT_PANEL);
    }
    for (int64_t k = 0; k < blocks; k += 8) {
        for (int j = 0; j + 8 <= columns; j += 8) {
            transpose_8x8(from + j * column + k, column, to + k * RT_PANEL + j);
        }
    }
}

#define ALL_14(F, S)                                                                         \
    {                                                                                        \
        [1] = F##1##S,   [2] = F##2##S,   [3] = F##3##S,   [4] = F##4##S,   [5] = F##5##S,   \
        [6] = F##6##S,   [7] = F##7##S,   [8] = F##8##S,   [9] = F##9##S,   [10] = F##10##S, \
        [11] = F##11##S, [12] = F##12##S, [13] = F##13##S, [14] = F##14##S,                  \
    }

static const rt_tiles tiles_512 = {
    .name = "avx512",
    .isa = RT_ISA_AVX512,
    .max_rows = 14,
    .narrow_columns = 16,
    .by_rows = ALL_14(tile_512_, _2),
    .narrow = ALL_14(tile_512_, _1),
    .max_flat_rows = 4,
    .flat = {[1] = {[2] = tile_512_1_4, [3] = tile_512_1_6, [4] = tile_512_1_8},
             [2] = {[2] = tile_512_2_4},
             [3] = {[2] = tile_512_3_4},
             [4] = {[2] = tile_512_4_4}},
    .transpose = transpose_256,
};

static const rt_tiles tiles_256 = {
    .name = "avx2",
    .isa = RT_ISA_AVX2,
    .max_rows = 6,
    .by_rows = {[1] = tile_256_1,
                [2] = tile_256_2,
                [3] = tile_256_3,
                [4] = tile_256_4,
                [5] = tile_256_5,
                [6] = tile_256_6},
    .transpose = transpose_256,
};

#endif

/* ---------------------------------------------------------------- plain C */

static inline float multiply_add(float x, float y, float sum)
{
#if defined(__FP_FAST_FMAF)
    return __builtin_fmaf(x, y, sum);
#else
    return x * y + sum;
#endif
}

static void tile_portable(const rt_tile *t)
{
    float sum[RT_PANEL] = {0.0f};
    const int n = t->columns;
    for (int j = 0; j < n && (t->load_c || t->bias != NULL); j++) {
        sum[j] = t->load_c ? t->c[j] : t->bias[j];
    }
    if (n == RT_PANEL) {
        for (int64_t k = 0; k < t->depth; k++) {
            const float x = t->a[k * t->a_k], *b = t->b + k * t->b_k;
            for (int j = 0; j < RT_PANEL; j++) {
                sum[j] = multiply_add(x, b[j], sum[j]);
            }
        }
    } else {
        for (int64_t k = 0; k < t->depth; k++) {
            const float x = t->a[k * t->a_k], *b = t->b + k * t->b_k;
            for (int j = 0; j < n; j++) {
                sum[j] = multiply_add(x, b[j], sum[j]);
            }
        }
    }
    for (int j = 0; j < n && t->finish; j++) {
        const float v = sum[j] + (t->residual != NULL ? t->residual[j] : 0.0f);
        sum[j] = v < t->low ? t->low : v > t->high ? t->high : v;
    }
    for (int j = 0; j < n; j++) {
        t->c[j] = sum[j];
    }
}

static const rt_tiles tiles_portable = {
    .name = "portable",
    .isa = RT_ISA_PORTABLE,
    .max_rows = 1,
    .by_rows = {[1] = tile_portable},
    .transpose = transpose_plain,
};

const rt_tiles *rt_tiles_variant(unsigned i)
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
