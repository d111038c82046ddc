/*
 * rows_avx2.c -- the elementary functions on 4 lanes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rows.h"

#if defined(__AVX2__)
#include <immintrin.h>

#include "unit.h"

enum { LANES = 4 };
typedef __m256i v64;
typedef __m256i mask; /* all bits of a lane */

#define set(x) _mm256_set1_epi64x(x)
#define add(a, b) _mm256_add_epi64(a, b)
#define sub(a, b) _mm256_sub_epi64(a, b)
#define and(a, b) _mm256_and_si256(a, b)
#define or(a, b) _mm256_or_si256(a, b)
#define xor(a, b) _mm256_xor_si256(a, b)
#define equal(a, b) _mm256_cmpeq_epi64(a, b)
#define less(a, b) _mm256_cmpgt_epi64(b, a)
#define select(m, a, b) _mm256_blendv_epi8(b, a, m)
#define shift_left(a, n) _mm256_slli_epi64(a, n)
#define shift_right(a, n) _mm256_srli_epi64(a, n)
#define shift_left_by(a, n) _mm256_sllv_epi64(a, n)
#define shift_right_by(a, n) _mm256_srlv_epi64(a, n)
#define multiply(a, b) _mm256_mul_epu32(a, b)
#define multiply_signed(a, b) _mm256_mul_epi32(a, b)
#define fp_of_int(a) _mm256_castps_si256(_mm256_cvtepi32_ps(a))
#define load(p) _mm256_cvtepu32_epi64(_mm_castps_si128(_mm_loadu_ps(p)))

/* Products are within 2^62 of 0. */
static inline __m256i shift_right_signed_27(__m256i a)
{
    const __m256i shifted = _mm256_srli_epi64(_mm256_add_epi64(a, _mm256_set1_epi64x(INT64_C(1) << 62)), 27);
    return _mm256_sub_epi64(shifted, _mm256_set1_epi64x(INT64_C(1) << 35));
}

/* 64 of 0. */
static inline __m256i leading_zeros(__m256i a)
{
    __m256i n = _mm256_set1_epi64x(0);
    for (int step = 32; step > 0; step /= 2) {
        const __m256i top = _mm256_srlv_epi64(a, _mm256_set1_epi64x(64 - step));
        const __m256i none = _mm256_cmpeq_epi64(top, _mm256_setzero_si256());
        const __m256i by = _mm256_and_si256(none, _mm256_set1_epi64x(step));
        a = _mm256_sllv_epi64(a, by);
        n = _mm256_add_epi64(n, by);
    }
    return _mm256_add_epi64(n, _mm256_srli_epi64(_mm256_cmpeq_epi64(a, _mm256_setzero_si256()), 63));
}

static inline void store(float *p, __m256i a)
{
    const __m256i packed = _mm256_permutevar8x32_epi32(a, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
    _mm_storeu_ps(p, _mm_castsi128_ps(_mm256_castsi256_si128(packed)));
}

/* The rows of the ROM: c1 above c0, and c3 above c2. */
static inline void gather_rows_of(const void *rom, __m256i row, __m256i *c10, __m256i *c32)
{
    const __m256i at = _mm256_slli_epi64(row, 1);
    *c10 = _mm256_i64gather_epi64(rom, at, 8);
    *c32 = _mm256_i64gather_epi64(rom, _mm256_add_epi64(at, _mm256_set1_epi64x(1)), 8);
}
#define gather_rows(row, c10, c32) gather_rows_of(isa_fn_rom, row, c10, c32)

#include "rows_kernel.h"

size_t isa_fn_rows_avx2(isa_fn fn, const float *v, float *y, size_t n)
{
    return run_any(fn, v, y, n);
}
#else
size_t isa_fn_rows_avx2(isa_fn fn, const float *v, float *y, size_t n)
{
    (void)fn, (void)v, (void)y, (void)n;
    return 0;
}
#endif
