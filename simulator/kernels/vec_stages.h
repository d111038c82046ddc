/*
 * vec_stages.h -- rows in and out of memory, and the stages of VEC's chain over some lanes.
 *
 * Included by vec_block.h alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <string.h>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include "kernels/kernels.h"
#include "systole/isa/fn.h"
#include "systole/isa/isa.h"

#define FIELD(reg, field) ISA_GET(v->regs[ISA_VPU_##reg], ISA_VPU_##reg##_##field)

static inline float as_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float canonical(float x)
{
    return x == x ? x : as_float(0x7FC00000);
}

#ifndef __AVX512F__

/* rne() of numerics.md. Below 2^23 adding and taking away 2^23 rounds to an integer, to nearest even; above all are. */
static inline int32_t rne(float x)
{
    const float magic = copysignf(8388608.0f, x);
    const float rounded = fabsf(x) < 8388608.0f ? (x + magic) - magic : x;
    const bool fits = rounded >= -2147483648.0f && rounded < 2147483648.0f;
    const int32_t inside = (int32_t)(fits ? rounded : 0.0f);
    const int32_t outside = rounded > 0.0f ? INT32_MAX : rounded < 0.0f ? INT32_MIN : 0;
    return fits ? inside : outside;
}

/* min(max(x + zero, low), high) with an exact sum: saturating it to 32 bits first changes nothing. */
static inline int32_t add_clamp(int32_t x, int32_t zero, int32_t low, int32_t high)
{
    const int32_t sum = (int32_t)((uint32_t)x + (uint32_t)zero);
    const bool overflows = ((x ^ sum) & (zero ^ sum)) < 0;
    const int32_t exact = overflows ? (x < 0 ? INT32_MIN : INT32_MAX) : sum;
    const int32_t raised = exact > low ? exact : low;
    return raised < high ? raised : high;
}

#endif

/* ---- rows in and out ---- */

/* Rows that lie one behind the other from the walker's on, at most `most`; moves behind them. */
static uint32_t take_rows(sim_walker *w, uint32_t most, int64_t *first)
{
    *first = w->row;
    const uint32_t left = w->walk->n[0] - w->i[0];
    uint32_t n = 1;
    if (w->walk->s[0] == 1) {
        n = left < most ? left : most;
        w->row += n - 1;
        w->i[0] += n - 1;
    }
    sim_walker_next(w);
    return n;
}

/* Elements as words: int8 by their sign, bf16 as fp32. */
static void to_words(const sim_vec *v, int32_t *restrict to, const uint8_t *restrict from, uint32_t n)
{
    if (v->bf16) {
        for (uint32_t k = 0; k < n; k++) {
            uint16_t half;
            memcpy(&half, from + 2 * k, 2);
            to[k] = (int32_t)((uint32_t)half << 16);
        }
    } else {
        for (uint32_t k = 0; k < n; k++) {
            to[k] = (int8_t)from[k];
        }
    }
}

static const uint8_t *spm_row(const sim_vec *v, int64_t row)
{
    return v->spm + (uint64_t)row * v->d * (v->bf16 ? 2 : 1);
}

static void read_spm(const sim_vec *v, sim_walker *w, uint32_t n_rows, int32_t *restrict to)
{
    while (n_rows > 0) {
        int64_t row;
        const uint32_t n = take_rows(w, n_rows, &row);
        to_words(v, to, spm_row(v, row), n * v->d);
        to += n * v->d;
        n_rows -= n;
    }
}

static void read_words(const sim_vec *v, sim_walker *w, uint32_t n_rows, void *to_words)
{
    uint32_t *to = to_words;
    while (n_rows > 0) {
        int64_t row;
        const uint32_t n = take_rows(w, n_rows, &row);
        memcpy(to, v->acc + (uint64_t)row * v->d, (size_t)n * v->d * 4);
        to += n * v->d;
        n_rows -= n;
    }
}

/* The low bytes of each word are the element. */
static void write_spm(const sim_vec *v, sim_walker *w, uint32_t n_rows, const int32_t *restrict from)
{
    while (n_rows > 0) {
        int64_t row;
        const uint32_t n = take_rows(w, n_rows, &row);
        uint8_t *restrict to = v->spm + (uint64_t)row * v->d * (v->bf16 ? 2 : 1);
        const uint32_t n_lanes = n * v->d; /* a byte written could change v->d, for all the compiler knows */
        if (v->bf16) {
            for (uint32_t k = 0; k < n_lanes; k++) {
                const uint16_t half = (uint16_t)from[k];
                memcpy(to + 2 * k, &half, 2);
            }
        } else {
            for (uint32_t k = 0; k < n_lanes; k++) {
                to[k] = (uint8_t)from[k];
            }
        }
        from += n_lanes;
        n_rows -= n;
    }
}

static void write_words(const sim_vec *v, sim_walker *w, uint32_t n_rows, const void *from_words)
{
    const uint32_t *from = from_words;
    while (n_rows > 0) {
        int64_t row;
        const uint32_t n = take_rows(w, n_rows, &row);
        memcpy(v->acc + (uint64_t)row * v->d, from, (size_t)n * v->d * 4);
        from += n * v->d;
        n_rows -= n;
    }
}

/* ---- stages ---- */

static void stage_add(float *restrict v, const float *restrict x, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        v[k] = canonical(v[k] + x[k]);
    }
}

static void stage_add_constant(float *restrict v, float x, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        v[k] = canonical(v[k] + x);
    }
}

static void stage_mul(float *restrict v, const float *restrict x, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        v[k] = canonical(v[k] * x[k]);
    }
}

static void stage_mul_constant(float *restrict v, float x, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        v[k] = canonical(v[k] * x);
    }
}

#ifdef __AVX512F__

/* rne of 16 lanes, then add_clamp. The conversion gives -2^31 for what does not fit. */
static inline __m512i round_16(__m512 x, __m512i zero, __m512i low, __m512i high)
{
    __m512i i = _mm512_cvtps_epi32(x);
    i = _mm512_mask_mov_epi32(i, _mm512_cmp_ps_mask(x, _mm512_set1_ps(2147483648.0f), _CMP_GE_OQ),
                              _mm512_set1_epi32(INT32_MAX));
    i = _mm512_maskz_mov_epi32(_mm512_cmp_ps_mask(x, x, _CMP_ORD_Q), i);
    const __m512i sum = _mm512_add_epi32(i, zero);
    const __m512i signs = _mm512_and_si512(_mm512_xor_si512(i, sum), _mm512_xor_si512(zero, sum));
    const __m512i most = _mm512_xor_si512(_mm512_srai_epi32(i, 31), _mm512_set1_epi32(INT32_MAX));
    const __m512i exact = _mm512_mask_mov_epi32(sum, _mm512_movepi32_mask(signs), most);
    return _mm512_min_epi32(_mm512_max_epi32(exact, low), high);
}

/* Both may go beyond n, to a multiple of 16: buffers are as long. */
static void stage_mid(float *restrict v, int32_t low, int32_t high, uint32_t n)
{
    for (uint32_t k = 0; k < n; k += 16) {
        const __m512i i = round_16(_mm512_loadu_ps(v + k), _mm512_setzero_si512(), _mm512_set1_epi32(low),
                                   _mm512_set1_epi32(high));
        _mm512_storeu_ps(v + k, _mm512_cvtepi32_ps(i));
    }
}

static void round_out(int32_t *restrict out, const float *restrict v, int32_t zero, int32_t low, int32_t high, uint32_t n)
{
    for (uint32_t k = 0; k < n; k += 16) {
        const __m512i i = round_16(_mm512_loadu_ps(v + k), _mm512_set1_epi32(zero), _mm512_set1_epi32(low),
                                   _mm512_set1_epi32(high));
        _mm512_storeu_si512(out + k, i);
    }
}

#else

static void stage_mid(float *restrict v, int32_t low, int32_t high, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        v[k] = (float)add_clamp(rne(v[k]), 0, low, high);
    }
}

static void round_out(int32_t *restrict out, const float *restrict v, int32_t zero, int32_t low, int32_t high, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        out[k] = add_clamp(rne(v[k]), zero, low, high);
    }
}

#endif

static void to_float(float *restrict v, const int32_t *restrict i, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        v[k] = (float)i[k];
    }
}

static void add_constant(int32_t *restrict i, uint32_t x, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        i[k] = (int32_t)((uint32_t)i[k] + x);
    }
}

static void add_words(int32_t *restrict i, const uint32_t *restrict x, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        i[k] = (int32_t)((uint32_t)i[k] + x[k]);
    }
}

static void stage_relu(float *restrict f, const float *restrict v, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        const float kept = v[k] > 0.0f ? v[k] : 0.0f;
        f[k] = v[k] == v[k] ? kept : as_float(0x7FC00000);
    }
}

static void stage_clip(float *restrict f, const float *restrict v, float low, float high, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        const float below = v[k] > high ? high : v[k];
        f[k] = canonical(v[k] < low ? low : below);
    }
}

static void stage_max(float *restrict f, const float *restrict v, const float *restrict b, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        const float larger = v[k] > b[k] ? v[k] : b[k];
        const bool good = v[k] == v[k] && b[k] == b[k];
        f[k] = good ? larger : as_float(0x7FC00000);
    }
}

static void stage_min(float *restrict f, const float *restrict v, const float *restrict b, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        const float smaller = v[k] < b[k] ? v[k] : b[k];
        const bool good = v[k] == v[k] && b[k] == b[k];
        f[k] = good ? smaller : as_float(0x7FC00000);
    }
}

static void stage_abs(float *restrict f, const float *restrict v, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        f[k] = canonical(fabsf(v[k]));
    }
}

static void stage_step(float *restrict f, const float *restrict v, float low, float high, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        const float stepped = v[k] > 0.0f ? high : low;
        f[k] = v[k] == v[k] ? stepped : as_float(0x7FC00000);
    }
}

static void stage_select(float *restrict f, const float *restrict v, const float *restrict b, float low, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        f[k] = b[k] != 0.0f ? v[k] : low;
    }
}

static void stage_compare(float *restrict f, const float *restrict v, const float *restrict b, uint32_t fn, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        const bool holds = fn == ISA_VPU_CHAIN_FP_FN_GT ? v[k] > b[k] : fn == ISA_VPU_CHAIN_FP_FN_GE ? v[k] >= b[k] : v[k] == b[k];
        f[k] = holds ? 1.0f : 0.0f;
    }
}

/* The table at the low 8 bits of each word. */
static void stage_table(float *restrict f, const int32_t *restrict i, const int8_t *restrict table, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        f[k] = (float)table[(uint32_t)i[k] & 255u];
    }
}

/* bf16(v) as a word, low 16 bits; to nearest even. */
static void to_bf16(int32_t *restrict out, const float *restrict v, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        uint32_t bits;
        memcpy(&bits, &v[k], sizeof bits);
        const uint32_t rounded = (bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16;
        out[k] = v[k] == v[k] ? (int32_t)rounded : 0x7FC0;
    }
}

static void stage_bf16(float *restrict v, int32_t *restrict words, uint32_t n)
{
    to_bf16(words, v, n);
    for (uint32_t k = 0; k < n; k++) {
        v[k] = as_float((uint32_t)words[k] << 16);
    }
}

static void make_canonical(float *restrict v, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        v[k] = canonical(v[k]);
    }
}
