/*
 * rows_avx512.c -- the elementary functions on 8 lanes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rows.h"

#if defined(__AVX512F__) && defined(__AVX512CD__)
#include <immintrin.h>

#include "unit.h"

enum { LANES = 8 };
typedef __m512i v64;
typedef __mmask8 mask;

#define set(x) _mm512_set1_epi64(x)
#define add(a, b) _mm512_add_epi64(a, b)
#define sub(a, b) _mm512_sub_epi64(a, b)
#define and(a, b) _mm512_and_si512(a, b)
#define or(a, b) _mm512_or_si512(a, b)
#define xor(a, b) _mm512_xor_si512(a, b)
#define equal(a, b) _mm512_cmpeq_epi64_mask(a, b)
#define less(a, b) _mm512_cmplt_epi64_mask(a, b)                 /* signed */
#define select(m, a, b) _mm512_mask_blend_epi64(m, b, a)         /* m ? a : b */
#define shift_left(a, n) _mm512_slli_epi64(a, n)
#define shift_right(a, n) _mm512_srli_epi64(a, n)
#define shift_left_by(a, n) _mm512_sllv_epi64(a, n)
#define shift_right_by(a, n) _mm512_srlv_epi64(a, n)
#define shift_right_signed_27(a) _mm512_srai_epi64(a, 27)
#define multiply(a, b) _mm512_mul_epu32(a, b)                    /* of the low 32 bits */
#define multiply_signed(a, b) _mm512_mul_epi32(a, b)
#define leading_zeros(a) _mm512_lzcnt_epi64(a)
#define fp_of_int(a) _mm512_castps_si512(_mm512_cvtepi32_ps(a))  /* of the low 32 bits; the high ones are 0 */
#define load(p) _mm512_cvtepu32_epi64(_mm256_castps_si256(_mm256_loadu_ps(p)))
#define store(p, a) _mm256_storeu_ps(p, _mm256_castsi256_ps(_mm512_cvtepi64_epi32(a)))

/* The rows of the ROM: c1 above c0, and c3 above c2. */
static inline void gather_rows_of(const void *rom, __m512i row, __m512i *c10, __m512i *c32)
{
    const __m512i at = _mm512_slli_epi64(row, 1);
    *c10 = _mm512_i64gather_epi64(at, rom, 8);
    *c32 = _mm512_i64gather_epi64(_mm512_add_epi64(at, _mm512_set1_epi64(1)), rom, 8);
}
#define gather_rows(row, c10, c32) gather_rows_of(isa_fn_rom, row, c10, c32)

#include "rows_kernel.h"

size_t isa_fn_rows_avx512(isa_fn fn, const float *v, float *y, size_t n)
{
    return run_any(fn, v, y, n);
}
#else
size_t isa_fn_rows_avx512(isa_fn fn, const float *v, float *y, size_t n)
{
    (void)fn, (void)v, (void)y, (void)n;
    return 0;
}
#endif
