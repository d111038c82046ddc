/*
 * simd_kernels.h -- the inner loops: included once per variant, compiled with the flags of its
 * instruction set.
 *
 * RT_SIMD_NAME, RT_SIMD_ISA and RT_SIMD_TABLE are defined by the including file. The loops are written so that
 * the compiler vectorises them; only the int8 tile is spelt out, because compilers spill its
 * accumulators.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "simd.h"
#include "simd_functions.h"

#include <string.h>

#if defined(__AVX512VNNI__) || defined(__AVX2__)
#include <immintrin.h>
#endif

/* ---------------------------------------------------------------- rounding */

/* What is larger than LIMIT saturates after adding any zero point, so it may be cut there first. */
#define LIMIT 1024.0f

static inline int32_t rounded(float v)
{
    v = v > -LIMIT ? v : -LIMIT;
    v = v < LIMIT ? v : LIMIT;
    return (int32_t)((v + ROUNDER) - ROUNDER);
}

static inline int8_t requantised(float v, int32_t zero, int32_t low, int32_t high)
{
    int32_t y = rounded(v) + zero;
    y = y > low ? y : low;
    y = y < high ? y : high;
    return (int8_t)y;
}

/* ---------------------------------------------------------------- int8 products */

#if defined(__AVX512VNNI__)

/* asm, because gcc 12 spills the accumulators of the intrinsic from 8 rows on. */
#define DOT(sum, bytes, weights) \
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(bytes), "v"(weights))

#define QTILE(ROWS)                                                                                \
    static void qtile_##ROWS(int64_t n_quads, const int8_t *a, int64_t lda, const uint8_t *panel,  \
                             const int32_t *row_start, const int32_t *column_start, int32_t *sums) \
    {                                                                                              \
        __m512i sum[ROWS][2];                                                                      \
        const __m512i left0 = column_start != NULL ? _mm512_loadu_si512(column_start)              \
                                                   : _mm512_setzero_si512();                       \
        const __m512i right0 = column_start != NULL ? _mm512_loadu_si512(column_start + 16)        \
                                                    : _mm512_setzero_si512();                      \
        _Pragma("GCC unroll 14") for (int i = 0; i < ROWS; i++)                                    \
        {                                                                                          \
            const __m512i start = _mm512_set1_epi32(row_start[i]);                                 \
            sum[i][0] = _mm512_add_epi32(start, left0);                                            \
            sum[i][1] = _mm512_add_epi32(start, right0);                                           \
        }                                                                                          \
        for (int64_t q = 0; q < n_quads; q++) {                                                    \
            const __m512i left = _mm512_loadu_si512(panel + q * RT_QUAD_BYTES);                    \
            const __m512i right = _mm512_loadu_si512(panel + q * RT_QUAD_BYTES + 64);              \
            _Pragma("GCC unroll 14") for (int i = 0; i < ROWS; i++)                                \
            {                                                                                      \
                int32_t four;                                                                      \
                memcpy(&four, a + i * lda + 4 * q, 4);                                             \
                const __m512i weights = _mm512_set1_epi32(four);                                   \
                DOT(sum[i][0], left, weights);                                                     \
                DOT(sum[i][1], right, weights);                                                    \
            }                                                                                      \
        }                                                                                          \
        _Pragma("GCC unroll 14") for (int i = 0; i < ROWS; i++)                                    \
        {                                                                                          \
            _mm512_storeu_si512(sums + i * RT_QTILE_COLUMNS, sum[i][0]);                           \
            _mm512_storeu_si512(sums + i * RT_QTILE_COLUMNS + 16, sum[i][1]);                      \
        }                                                                                          \
    }

QTILE(1)
QTILE(2)
QTILE(3)
QTILE(4)
QTILE(5)
QTILE(6)
QTILE(7)
QTILE(8)
QTILE(9)
QTILE(10)
QTILE(11)
QTILE(12)
QTILE(13)
QTILE(14)

static void qtile(int rows, int64_t n_quads, const int8_t *a, int64_t lda, const uint8_t *panel,
                  const int32_t *row_start, const int32_t *column_start, int32_t *sums)
{
    static void (*const by_rows[RT_QTILE_ROWS])(int64_t, const int8_t *, int64_t, const uint8_t *,
                                                const int32_t *, const int32_t *, int32_t *) = {
        qtile_1, qtile_2, qtile_3,  qtile_4,  qtile_5,  qtile_6,  qtile_7,
        qtile_8, qtile_9, qtile_10, qtile_11, qtile_12, qtile_13, qtile_14,
    };
    by_rows[rows - 1](n_quads, a, lda, panel, row_start, column_start, sums);
}

#elif defined(__AVX2__)

/* Bytes widened to 16 bits, so that vpmaddwd is exact; pairs of partial sums are joined at the end.
 */
static void qtile(int rows, int64_t n_quads, const int8_t *a, int64_t lda, const uint8_t *panel,
                  const int32_t *row_start, const int32_t *column_start, int32_t *sums)
{
    for (int i = 0; i < rows; i++) {
        __m256i sum[8];
        _Pragma("GCC unroll 8") for (int j = 0; j < 8; j++)
        {
            sum[j] = _mm256_setzero_si256();
        }
        for (int64_t q = 0; q < n_quads; q++) {
            int32_t four;
            memcpy(&four, a + i * lda + 4 * q, 4);
            const __m256i weights = _mm256_cvtepi8_epi16(_mm_set1_epi32(four));
            const uint8_t *bytes = panel + q * RT_QUAD_BYTES;
            _Pragma("GCC unroll 8") for (int j = 0; j < 8; j++)
            {
                const __m128i narrow = _mm_loadu_si128(
                    (const __m128i *)(const void *)(bytes + 16 * j));
                sum[j] = _mm256_add_epi32(sum[j],
                                          _mm256_madd_epi16(_mm256_cvtepu8_epi16(narrow), weights));
            }
        }
        int32_t *out = sums + i * RT_QTILE_COLUMNS;
        const __m256i start = _mm256_set1_epi32(row_start[i]);
        for (int j = 0; j < 4; j++) {
            const __m256i joined = _mm256_hadd_epi32(sum[2 * j], sum[2 * j + 1]);
            __m256i total = _mm256_add_epi32(_mm256_permute4x64_epi64(joined, 0xd8), start);
            if (column_start != NULL) {
                total = _mm256_add_epi32(
                    total,
                    _mm256_loadu_si256((const __m256i *)(const void *)(column_start + 8 * j)));
            }
            _mm256_storeu_si256((__m256i *)(void *)(out + 8 * j), total);
        }
    }
}

#else

static void qtile(int rows, int64_t n_quads, const int8_t *a, int64_t lda, const uint8_t *panel,
                  const int32_t *row_start, const int32_t *column_start, int32_t *sums)
{
    for (int i = 0; i < rows; i++) {
        uint32_t sum[RT_QTILE_COLUMNS];
        for (int j = 0; j < RT_QTILE_COLUMNS; j++) {
            sum[j] = (uint32_t)row_start[i] +
                     (column_start != NULL ? (uint32_t)column_start[j] : 0);
        }
        for (int64_t q = 0; q < n_quads; q++) {
            const int8_t *w = a + i * lda + 4 * q;
            const uint8_t *bytes = panel + q * RT_QUAD_BYTES;
            for (int j = 0; j < RT_QTILE_COLUMNS; j++) {
                sum[j] += (uint32_t)(w[0] * bytes[4 * j] + w[1] * bytes[4 * j + 1] +
                                     w[2] * bytes[4 * j + 2] + w[3] * bytes[4 * j + 3]);
            }
        }
        memcpy(sums + i * RT_QTILE_COLUMNS, sum, sizeof sum);
    }
}

#endif

static void pack_panel(int64_t n_quads, const uint8_t *base, const int64_t *offsets, uint8_t flip,
                       uint8_t *panel)
{
    for (int64_t q = 0; q < n_quads; q++) {
        const uint8_t *r0 = base + offsets[4 * q], *r1 = base + offsets[4 * q + 1];
        const uint8_t *r2 = base + offsets[4 * q + 2], *r3 = base + offsets[4 * q + 3];
        uint8_t *out = panel + q * RT_QUAD_BYTES;
#if defined(__AVX2__)
        const __m256i f = _mm256_set1_epi8((char)flip);
        const __m256i a = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)r0),
                                           f);
        const __m256i b = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)r1),
                                           f);
        const __m256i c = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)r2),
                                           f);
        const __m256i d = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)r3),
                                           f);
        const __m256i ab_low = _mm256_unpacklo_epi8(a, b), ab_high = _mm256_unpackhi_epi8(a, b);
        const __m256i cd_low = _mm256_unpacklo_epi8(c, d), cd_high = _mm256_unpackhi_epi8(c, d);
        const __m256i q0 = _mm256_unpacklo_epi16(ab_low, cd_low);   /* columns 0-3, 16-19 */
        const __m256i q1 = _mm256_unpackhi_epi16(ab_low, cd_low);   /* columns 4-7, 20-23 */
        const __m256i q2 = _mm256_unpacklo_epi16(ab_high, cd_high); /* columns 8-11, 24-27 */
        const __m256i q3 = _mm256_unpackhi_epi16(ab_high, cd_high); /* columns 12-15, 28-31 */
        _mm256_storeu_si256((__m256i *)(void *)out, _mm256_permute2x128_si256(q0, q1, 0x20));
        _mm256_storeu_si256((__m256i *)(void *)(out + 32), _mm256_permute2x128_si256(q2, q3, 0x20));
        _mm256_storeu_si256((__m256i *)(void *)(out + 64), _mm256_permute2x128_si256(q0, q1, 0x31));
        _mm256_storeu_si256((__m256i *)(void *)(out + 96), _mm256_permute2x128_si256(q2, q3, 0x31));
#else
        for (int j = 0; j < RT_QTILE_COLUMNS; j++) {
            out[4 * j] = r0[j] ^ flip;
            out[4 * j + 1] = r1[j] ^ flip;
            out[4 * j + 2] = r2[j] ^ flip;
            out[4 * j + 3] = r3[j] ^ flip;
        }
#endif
    }
}

/* Sixteen lanes; where vectors are shorter, the compiler takes them apart. memcpy, because
 * addresses are not aligned. */
typedef float float_lanes __attribute__((vector_size(64)));
typedef uint32_t unsigned_lanes __attribute__((vector_size(64)));

/* Sixteen bytes widened. By pointer: vectors by value would be another calling convention without
 * AVX-512. */
static inline void widen(const uint8_t *from, unsigned_lanes *to)
{
#if defined(__AVX512F__)
    const __m512i v = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)from));
    memcpy(to, &v, sizeof v);
#elif defined(__AVX2__)
    const __m256i low = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)from));
    const __m256i high = _mm256_cvtepu8_epi32(
        _mm_loadl_epi64((const __m128i *)(const void *)(from + 8)));
    memcpy(to, &low, sizeof low);
    memcpy((char *)to + sizeof low, &high, sizeof high);
#else
    for (int i = 0; i < 16; i++) {
        (*to)[i] = from[i];
    }
#endif
}

static void qtaps(int64_t n, int64_t n_taps, const int8_t *weights, const uint8_t *base,
                  const int64_t *offsets, int32_t start, int32_t *sums)
{
    for (int64_t j = 0; j < n; j += RT_TAPS_BLOCK) {
        unsigned_lanes s0 = (unsigned_lanes){0} + (uint32_t)start, s1 = s0, s2 = s0, s3 = s0;
        for (int64_t t = 0; t < n_taps; t++) {
            const uint32_t w = (uint32_t)weights[t];
            const uint8_t *from = base + offsets[t] + j;
            unsigned_lanes v0, v1, v2, v3;
            widen(from, &v0);
            widen(from + 16, &v1);
            widen(from + 32, &v2);
            widen(from + 48, &v3);
            s0 += v0 * w;
            s1 += v1 * w;
            s2 += v2 * w;
            s3 += v3 * w;
        }
        memcpy(sums + j, &s0, sizeof s0);
        memcpy(sums + j + 16, &s1, sizeof s1);
        memcpy(sums + j + 32, &s2, sizeof s2);
        memcpy(sums + j + 48, &s3, sizeof s3);
    }
}

static void taps(int64_t n, int64_t n_taps, const float *weights, const float *base,
                 const int64_t *offsets, float start, float *y)
{
    for (int64_t j = 0; j < n; j += RT_TAPS_BLOCK) {
        float_lanes s0 = (float_lanes){0} + start, s1 = s0, s2 = s0, s3 = s0;
        for (int64_t t = 0; t < n_taps; t++) {
            const float w = weights[t];
            const float *from = base + offsets[t] + j;
            float_lanes v0, v1, v2, v3;
            memcpy(&v0, from, sizeof v0);
            memcpy(&v1, from + 16, sizeof v1);
            memcpy(&v2, from + 32, sizeof v2);
            memcpy(&v3, from + 48, sizeof v3);
            s0 += v0 * w;
            s1 += v1 * w;
            s2 += v2 * w;
            s3 += v3 * w;
        }
        memcpy(y + j, &s0, sizeof s0);
        memcpy(y + j + 16, &s1, sizeof s1);
        memcpy(y + j + 32, &s2, sizeof s2);
        memcpy(y + j + 48, &s3, sizeof s3);
    }
}

/* ---------------------------------------------------------------- requantisation */

static void requantise(int64_t n, const int32_t *restrict sums, float multiplier,
                       const rt_requant *r, int8_t *restrict out)
{
    const int32_t zero = r->zero, low = r->low, high = r->high;
    for (int64_t j = 0; j < n; j++) {
        out[j] = requantised((float)sums[j] * multiplier, zero, low, high);
    }
}

static void requantise_tile(int rows, const int32_t *restrict sums,
                            const float *restrict multipliers, const rt_requant *r,
                            int8_t *restrict out)
{
    const int32_t zero = r->zero, low = r->low, high = r->high;
    for (int i = 0; i < rows; i++) {
        const float multiplier = multipliers[i];
        for (int j = 0; j < RT_QTILE_COLUMNS; j++) {
            const int at = i * RT_QTILE_COLUMNS + j;
            out[at] = requantised((float)sums[at] * multiplier, zero, low, high);
        }
    }
}

static void requantise_each(int64_t n, const int32_t *restrict sums,
                            const float *restrict multipliers, const rt_requant *r,
                            int8_t *restrict out)
{
    const int32_t zero = r->zero, low = r->low, high = r->high;
    for (int64_t j = 0; j < n; j++) {
        out[j] = requantised((float)sums[j] * multipliers[j], zero, low, high);
    }
}

static void qadd(int64_t n, const int8_t *restrict a, int32_t a_zero, float ma,
                 const int8_t *restrict b, int64_t b_step, int32_t b_zero, float mb,
                 const rt_requant *r, int8_t *restrict out)
{
    const int32_t zero = r->zero, low = r->low, high = r->high;
    if (b_step == 0) {
        const float right = (float)(b[0] - b_zero) * mb;
        for (int64_t j = 0; j < n; j++) {
            out[j] = requantised((float)(a[j] - a_zero) * ma + right, zero, low, high);
        }
        return;
    }
    for (int64_t j = 0; j < n; j++) {
        out[j] = requantised((float)(a[j] - a_zero) * ma + (float)(b[j] - b_zero) * mb, zero, low,
                             high);
    }
}

static void qmul(int64_t n, const int8_t *restrict a, int32_t a_zero, const int8_t *restrict b,
                 int64_t b_step, int32_t b_zero, float m, const rt_requant *r, int8_t *restrict out)
{
    const int32_t zero = r->zero, low = r->low, high = r->high;
    if (b_step == 0) {
        const int32_t right = b[0] - b_zero;
        for (int64_t j = 0; j < n; j++) {
            out[j] = requantised((float)((a[j] - a_zero) * right) * m, zero, low, high);
        }
        return;
    }
    for (int64_t j = 0; j < n; j++) {
        out[j] = requantised((float)((a[j] - a_zero) * (b[j] - b_zero)) * m, zero, low, high);
    }
}

static void quantise(int64_t n, const float *restrict x, float scale, const rt_requant *r,
                     int8_t *restrict y)
{
    const int32_t zero = r->zero, low = r->low, high = r->high;
    for (int64_t j = 0; j < n; j++) {
        float v = x[j] / scale;
        v = v == v ? v : 0.0f; /* a NaN becomes the zero point */
        y[j] = requantised(v, zero, low, high);
    }
}

static void dequantise(int64_t n, const int8_t *restrict x, int32_t zero, float scale,
                       float *restrict y)
{
    for (int64_t j = 0; j < n; j++) {
        y[j] = (float)(x[j] - zero) * scale;
    }
}

/* ---------------------------------------------------------------- pooling */

static void add_bytes(int64_t n, const int8_t *restrict from, int64_t step, int32_t *restrict to)
{
    for (int64_t j = 0; step == 1 && j < n; j++) {
        to[j] += from[j];
    }
    for (int64_t j = 0; step != 1 && j < n; j++) {
        to[j] += from[j * step];
    }
}

static void max_bytes(int64_t n, const int8_t *restrict from, int64_t step, int8_t *restrict to)
{
    for (int64_t j = 0; step == 1 && j < n; j++) {
        to[j] = from[j] > to[j] ? from[j] : to[j];
    }
    for (int64_t j = 0; step != 1 && j < n; j++) {
        to[j] = from[j * step] > to[j] ? from[j * step] : to[j];
    }
}

static void max_floats(int64_t n, const float *restrict from, int64_t step, float *restrict to)
{
    for (int64_t j = 0; step == 1 && j < n; j++) {
        const float v = from[j];
        to[j] = v > to[j] || v != v ? v : to[j];
    }
    for (int64_t j = 0; step != 1 && j < n; j++) {
        const float v = from[j * step];
        to[j] = v > to[j] || v != v ? v : to[j];
    }
}

static void add_floats(int64_t n, const float *restrict from, int64_t step, float *restrict to)
{
    for (int64_t j = 0; step == 1 && j < n; j++) {
        to[j] += from[j];
    }
    for (int64_t j = 0; step != 1 && j < n; j++) {
        to[j] += from[j * step];
    }
}

/* ---------------------------------------------------------------- channels last */

#include "simd_channels.h"
#include "simd_winograd.h"

/* ---------------------------------------------------------------- fp32 */

#define BINARY(NAME, OP)                                                                          \
    static void NAME(int64_t n, const float *restrict a, const float *restrict b, int64_t b_step, \
                     float *restrict y)                                                           \
    {                                                                                             \
        const float right = n > 0 ? b[0] : 0.0f;                                                  \
        for (int64_t j = 0; b_step == 0 && j < n; j++) {                                          \
            y[j] = a[j] OP right;                                                                 \
        }                                                                                         \
        for (int64_t j = 0; b_step != 0 && j < n; j++) {                                          \
            y[j] = a[j] OP b[j];                                                                  \
        }                                                                                         \
    }

BINARY(fadd, +)
BINARY(fsub, -)
BINARY(fmul, *)
BINARY(fdiv, /)

static void axpb(int64_t n, const float *restrict x, float a, float b, float *restrict y)
{
    for (int64_t j = 0; j < n; j++) {
        y[j] = x[j] * a + b;
    }
}

static void clip(int64_t n, const float *restrict x, float low, float high, float *restrict y)
{
    for (int64_t j = 0; j < n; j++) {
        float v = x[j];
        v = v < low ? low : v;
        y[j] = v > high ? high : v;
    }
}

static void exp_shifted(int64_t n, const float *restrict x, float shift, float *restrict y)
{
    for (int64_t j = 0; j < n; j++) {
        y[j] = exponential(x[j] - shift);
    }
}

static void sigmoid(int64_t n, const float *restrict x, float *restrict y)
{
    for (int64_t j = 0; j < n; j++) {
        y[j] = logistic(x[j]);
    }
}

static void hyperbolic_tangent(int64_t n, const float *restrict x, float *restrict y)
{
    for (int64_t j = 0; j < n; j++) {
        y[j] = hyperbolic(x[j]);
    }
}

#include "simd_rows.h"

/* One loop per function. */
#define ACT(id, text, value)                                                                   \
    static void act_##id(float a, float b, int64_t n, float *y)                                \
    {                                                                                          \
        (void)a;                                                                               \
        (void)b;                                                                               \
        for (int64_t j = 0; j < n; j++) {                                                      \
            const float v = y[j];                                                              \
            y[j] = value;                                                                      \
        }                                                                                      \
    }
#include "activations.def"
#undef ACT

static void activate(rt_act act, float a, float b, int64_t n, float *y)
{
    static void (*const by_act[])(float, float, int64_t, float *) = {
#define ACT(id, text, value) act_##id,
#include "activations.def"
#undef ACT
    };
    by_act[act](a, b, n, y);
}

/* ---------------------------------------------------------------- */

const rt_simd RT_SIMD_TABLE = {
    .name = RT_SIMD_NAME,
    .isa = RT_SIMD_ISA,
    .qtile = qtile,
    .pack_panel = pack_panel,
    .qtaps = qtaps,
    .requantise = requantise,
    .requantise_tile = requantise_tile,
    .requantise_each = requantise_each,
    .qadd = qadd,
    .qmul = qmul,
    .add_bytes = add_bytes,
    .max_bytes = max_bytes,
    .max_floats = max_floats,
    .add_floats = add_floats,
    .max_taps = max_taps,
    .add_taps = add_taps,
    .add_rows = add_rows,
    .affine_row = affine_row,
    .normalise_row = normalise_row,
    .weave = weave,
    .winograd_in = {winograd_in_tile_4, winograd_in_tile_6},
    .winograd_out = {winograd_out_tile_4, winograd_out_tile_6},
    .fadd = fadd,
    .fsub = fsub,
    .fmul = fmul,
    .fdiv = fdiv,
    .axpb = axpb,
    .clip = clip,
    .taps = taps,
    .sigmoid = sigmoid,
    .tanh = hyperbolic_tangent,
    .exp = exp_shifted,
    .activate = activate,
    .largest = row_largest,
    .least = row_least,
    .exp_sum = row_exp,
    .mask_row = row_mask,
    .softmax = row_softmax,
    .scale_panel = scale_panel,
    .double_row = double_row,
    .normalise = row_normalise,
    .quantise = quantise,
    .dequantise = dequantise,
    .sum_row = sum_row,
    .max_row = max_row,
    .min_row = min_row,
    .min_floats = min_floats,
    .elements = element_loops,
};
