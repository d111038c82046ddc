/*
 * vec_block.h -- VEC by blocks: each stage of the chain is one loop over the lanes of some rows.
 *
 * Included by each kernel set, so that it is compiled for that set's processor; static functions only.  The loops are
 * written so that compilers vectorise them: no branch inside, no library call.  Reading a block of rows before writing
 * it changes nothing: an output is either apart from the sources or the same walk (error OVERLAP), so that a row is
 * read by nobody else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <string.h>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include "kernels/kernels.h"
#include "systole/base/assert.h"
#include "systole/isa/isa.h"

#define BLOCK_LANES 1024u /* a multiple of every D */

typedef struct block {
    int32_t i[BLOCK_LANES];   /* after iadd */
    float v[BLOCK_LANES];
    float b[BLOCK_LANES];     /* B after its scale */
    float pre[BLOCK_LANES];   /* the value before mul2, if mul3 needs it */
    float f[BLOCK_LANES];
    int32_t out[BLOCK_LANES];
    uint32_t rows[SIM_N_ROW_REGISTERS][BLOCK_LANES]; /* row registers, repeated for each row of a block */
    uint32_t reduced_i[128];
    float reduced_v[128];
} block;

_Static_assert(sizeof(block) <= SIM_SCRATCH_BYTES, "the block lies in the scratch memory");

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

static void read_i8(const sim_vec *v, sim_walker *w, uint32_t n_rows, int32_t *restrict to)
{
    while (n_rows > 0) {
        int64_t row;
        const uint32_t n = take_rows(w, n_rows, &row);
        const int8_t *restrict from = (const int8_t *)v->spm + (uint64_t)row * v->d;
        const uint32_t n_lanes = n * v->d;
        for (uint32_t k = 0; k < n_lanes; k++) {
            to[k] = from[k];
        }
        to += n_lanes;
        n_rows -= n;
    }
}

/* bf16 elements as the bits of fp32. */
static void read_bf16(const sim_vec *v, sim_walker *w, uint32_t n_rows, void *to_words)
{
    uint32_t *restrict to = to_words;
    while (n_rows > 0) {
        int64_t row;
        const uint32_t n = take_rows(w, n_rows, &row);
        const uint16_t *restrict from = (const uint16_t *)(const void *)v->spm + (uint64_t)row * v->d;
        const uint32_t n_lanes = n * v->d;
        for (uint32_t k = 0; k < n_lanes; k++) {
            to[k] = (uint32_t)from[k] << 16;
        }
        to += n_lanes;
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

static void write_i8(const sim_vec *v, sim_walker *w, uint32_t n_rows, const int32_t *restrict from)
{
    while (n_rows > 0) {
        int64_t row;
        const uint32_t n = take_rows(w, n_rows, &row);
        uint8_t *restrict to = v->spm + (uint64_t)row * v->d;
        const uint32_t n_lanes = n * v->d; /* a byte written could change v->d, for all the compiler knows */
        for (uint32_t k = 0; k < n_lanes; k++) {
            to[k] = (uint8_t)from[k];
        }
        from += n_lanes;
        n_rows -= n;
    }
}

/* Rounded to bf16, in the upper half of a word; numerics.md, bf16(v). */
static inline uint32_t round_bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t rounded = (bits + 0x7FFFu + (bits >> 16 & 1)) & 0xFFFF0000u;
    return x == x ? rounded : 0x7FC00000u;
}

static void write_bf16(const sim_vec *v, sim_walker *w, uint32_t n_rows, const float *restrict from)
{
    while (n_rows > 0) {
        int64_t row;
        const uint32_t n = take_rows(w, n_rows, &row);
        uint16_t *restrict to = (uint16_t *)(void *)v->spm + (uint64_t)row * v->d;
        const uint32_t n_lanes = n * v->d;
        for (uint32_t k = 0; k < n_lanes; k++) {
            to[k] = (uint16_t)(round_bf16(from[k]) >> 16);
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

static void stage_mid_bf16(float *restrict v, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        v[k] = as_float(round_bf16(v[k]));
    }
}

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

static void make_canonical(float *restrict v, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        v[k] = canonical(v[k]);
    }
}

/* ---- a block ---- */

/* The operand of an add or mul stage: which = 1 immediate, 2 row register, 3 B; 0: skip. */
static void add_stage(const sim_vec *v, block *k, uint32_t which, unsigned imm, unsigned row, uint32_t n)
{
    if (which == 1) {
        stage_add_constant(k->v, as_float(v->regs[imm]), n);
    } else if (which == 2) {
        stage_add(k->v, (const float *)(const void *)k->rows[row], n);
    } else if (which == 3) {
        stage_add(k->v, k->b, n);
    }
}

static void mul_stage(const sim_vec *v, block *k, uint32_t which, unsigned imm, unsigned row, uint32_t n)
{
    if (which == 1) {
        stage_mul_constant(k->v, as_float(v->regs[imm]), n);
    } else if (which == 2) {
        stage_mul(k->v, (const float *)(const void *)k->rows[row], n);
    } else if (which == 3) {
        stage_mul(k->v, k->b, n);
    }
}

static void read_a(const sim_vec *v, block *k, sim_walker *a, uint32_t n_rows)
{
    const uint32_t n = n_rows * v->d;
    const uint32_t source = FIELD(CHAIN_IN, A_SRC);
    if (source == ISA_VPU_CHAIN_IN_A_SRC_NONE) {
        memset(k->i, 0, n * sizeof k->i[0]);
    } else if (source == ISA_VPU_CHAIN_IN_A_SRC_SPM && v->bf16) {
        read_bf16(v, a, n_rows, k->i);
    } else if (source == ISA_VPU_CHAIN_IN_A_SRC_SPM) {
        read_i8(v, a, n_rows, k->i);
    } else {
        read_words(v, a, n_rows, k->i);
    }
    if (source == ISA_VPU_CHAIN_IN_A_SRC_ACC_F32 || (source == ISA_VPU_CHAIN_IN_A_SRC_SPM && v->bf16)) {
        memcpy(k->v, k->i, n * sizeof k->v[0]);
        return;
    }
    const uint32_t iadd = FIELD(CHAIN_IN, IADD);
    uint32_t constant = 0 - v->regs[ISA_VPU_A_ZERO];
    if (iadd == ISA_VPU_CHAIN_IN_IADD_IMM) {
        constant += v->regs[ISA_VPU_IADD_IMM];
    } else if (iadd == ISA_VPU_CHAIN_IN_IADD_ROW) {
        add_words(k->i, k->rows[SIM_ROW_IADD], n);
    }
    if (constant != 0) {
        add_constant(k->i, constant, n);
    }
    to_float(k->v, k->i, n);
}

static void read_b(const sim_vec *v, block *k, sim_walker *b, uint32_t n_rows)
{
    const uint32_t n = n_rows * v->d;
    const uint32_t source = FIELD(CHAIN_IN, B_SRC);
    if (source == ISA_VPU_CHAIN_IN_B_SRC_NONE) {
        memset(k->b, 0, n * sizeof k->b[0]);
        return;
    }
    if (source == ISA_VPU_CHAIN_IN_B_SRC_ACC_F32) {
        read_words(v, b, n_rows, k->b);
    } else if (source == ISA_VPU_CHAIN_IN_B_SRC_SPM && v->bf16) {
        read_bf16(v, b, n_rows, k->b);
    } else {
        if (source == ISA_VPU_CHAIN_IN_B_SRC_SPM) {
            read_i8(v, b, n_rows, k->out);
        } else {
            read_words(v, b, n_rows, k->out);
        }
        add_constant(k->out, 0 - v->regs[ISA_VPU_B_ZERO], n);
        to_float(k->b, k->out, n);
    }
    stage_mul_constant(k->b, as_float(v->regs[ISA_VPU_B_SCALE]), n);
}

/* From v to the value after mul3, in f or v; returns where. */
static float *apply_fn(const sim_vec *v, block *k, uint32_t n)
{
    const uint32_t fn = FIELD(CHAIN_FP, FN);
    const uint32_t mul3 = FIELD(CHAIN_FP, MUL3);
    float *f = k->f;
    if (fn == ISA_VPU_CHAIN_FP_FN_RELU) {
        stage_relu(f, k->v, n);
    } else if (fn == ISA_VPU_CHAIN_FP_FN_CLIP) {
        stage_clip(f, k->v, as_float(v->regs[ISA_VPU_CLIP_LO]), as_float(v->regs[ISA_VPU_CLIP_HI]), n);
    } else if (fn == ISA_VPU_CHAIN_FP_FN_MAX) {
        stage_max(f, k->v, k->b, n);
    } else {
        SY_ASSERT(fn == ISA_VPU_CHAIN_FP_FN_IDENTITY); /* no other is built */
        f = k->v;
    }
    if (mul3 == ISA_VPU_CHAIN_FP_MUL3_PRE) {
        stage_mul(f, k->pre, n);
    } else if (mul3 == ISA_VPU_CHAIN_FP_MUL3_ROW) {
        stage_mul(f, (const float *)(const void *)k->rows[SIM_ROW_MUL3], n);
    }
    return f;
}

static float *run_chain(const sim_vec *v, block *k, uint32_t n)
{
    add_stage(v, k, FIELD(CHAIN_FP, ADD1), ISA_VPU_ADD1_IMM, SIM_ROW_ADD1, n);
    mul_stage(v, k, FIELD(CHAIN_FP, MUL1), ISA_VPU_MUL1_IMM, SIM_ROW_MUL1, n);
    if (FIELD(CHAIN_FP, MID) == ISA_VPU_CHAIN_FP_MID_BF16) {
        stage_mid_bf16(k->v, n);
    } else if (FIELD(CHAIN_FP, MID) == ISA_VPU_CHAIN_FP_MID_CLAMP) {
        stage_mid(k->v, (int32_t)v->regs[ISA_VPU_MID_LO], (int32_t)v->regs[ISA_VPU_MID_HI], n);
    }
    if (FIELD(CHAIN_FP, MUL3) == ISA_VPU_CHAIN_FP_MUL3_PRE) {
        memcpy(k->pre, k->v, n * sizeof k->v[0]);
    }
    mul_stage(v, k, FIELD(CHAIN_FP, MUL2), ISA_VPU_MUL2_IMM, SIM_ROW_MUL2, n);
    add_stage(v, k, FIELD(CHAIN_FP, ADD2), ISA_VPU_ADD2_IMM, SIM_ROW_ADD2, n);
    return apply_fn(v, k, n);
}

static void write_out(const sim_vec *v, block *k, float *y, sim_walker *out, uint32_t n_rows)
{
    const uint32_t n = n_rows * v->d;
    const uint32_t kind = FIELD(CHAIN_OUT, OUT);
    if (kind == ISA_VPU_CHAIN_OUT_OUT_SPM && v->bf16) {
        write_bf16(v, out, n_rows, y);
    } else if (kind == ISA_VPU_CHAIN_OUT_OUT_SPM || kind == ISA_VPU_CHAIN_OUT_OUT_I32) {
        round_out(k->out, y, (int32_t)v->regs[ISA_VPU_O_ZERO], (int32_t)v->regs[ISA_VPU_O_LO],
                  (int32_t)v->regs[ISA_VPU_O_HI], n);
        if (kind == ISA_VPU_CHAIN_OUT_OUT_SPM) {
            write_i8(v, out, n_rows, k->out);
        } else {
            write_words(v, out, n_rows, k->out);
        }
    } else if (kind == ISA_VPU_CHAIN_OUT_OUT_F32) {
        make_canonical(y, n); /* the reduction does the same to what it takes */
        write_words(v, out, n_rows, y);
    } else if (kind == ISA_VPU_CHAIN_OUT_OUT_RAW) {
        write_words(v, out, n_rows, k->i);
    }
}

/* ---- the reduction ---- */

static void reduce_int(uint32_t *restrict r, const int32_t *restrict x, bool is_sum, bool is_first, uint32_t d)
{
    if (is_first) {
        for (uint32_t j = 0; j < d; j++) {
            r[j] = (uint32_t)x[j]; /* 0 + x, max(-2^31, x) */
        }
    } else if (is_sum) {
        for (uint32_t j = 0; j < d; j++) {
            r[j] += (uint32_t)x[j];
        }
    } else {
        for (uint32_t j = 0; j < d; j++) {
            r[j] = x[j] > (int32_t)r[j] ? (uint32_t)x[j] : r[j];
        }
    }
}

static void reduce_fp(float *restrict r, const float *restrict x, bool is_sum, bool is_first, uint32_t d)
{
    if (is_sum) {
        for (uint32_t j = 0; j < d; j++) {
            r[j] = canonical((is_first ? 0.0f : r[j]) + x[j]);
        }
    } else if (is_first) {
        for (uint32_t j = 0; j < d; j++) {
            r[j] = canonical(x[j]);
        }
    } else {
        for (uint32_t j = 0; j < d; j++) {
            const float larger = x[j] > r[j] ? x[j] : r[j];
            const bool good = x[j] == x[j] && r[j] == r[j];
            r[j] = good ? larger : as_float(0x7FC00000);
        }
    }
}

static void write_reduced(const sim_vec *v, block *k, sim_walker *out2)
{
    const uint32_t d = v->d;
    float r[128];
    int32_t rounded[128];
    if (FIELD(CHAIN_OUT, RED_SRC) == ISA_VPU_CHAIN_OUT_RED_SRC_INT) {
        for (uint32_t j = 0; j < d; j++) {
            r[j] = (float)(int32_t)k->reduced_i[j];
        }
    } else {
        memcpy(r, k->reduced_v, d * sizeof r[0]);
    }
    stage_mul_constant(r, as_float(v->regs[ISA_VPU_R_MUL]), d);
    stage_add_constant(r, as_float(v->regs[ISA_VPU_R_ADD]), d);
    const uint32_t kind = FIELD(CHAIN_OUT, RED_OUT);
    if (kind == ISA_VPU_CHAIN_OUT_RED_OUT_F32) {
        write_words(v, out2, 1, r); /* canonical already */
        return;
    }
    if (kind == ISA_VPU_CHAIN_OUT_RED_OUT_SPM && v->bf16) {
        write_bf16(v, out2, 1, r);
        return;
    }
    round_out(rounded, r, (int32_t)v->regs[ISA_VPU_R_ZERO], (int32_t)v->regs[ISA_VPU_R_LO],
              (int32_t)v->regs[ISA_VPU_R_HI], d);
    if (kind == ISA_VPU_CHAIN_OUT_RED_OUT_SPM) {
        write_i8(v, out2, 1, rounded);
    } else {
        write_words(v, out2, 1, rounded);
    }
}

/* n_rows rows; the first of them is row `in_group` of its group. Returns the same for the row after them. */
static uint64_t reduce_block(const sim_vec *v, block *k, const float *y, uint32_t n_rows, uint64_t in_group,
                             uint64_t group, sim_walker *out2)
{
    const bool is_sum = FIELD(CHAIN_OUT, RED) == ISA_VPU_CHAIN_OUT_RED_SUM;
    const bool is_int = FIELD(CHAIN_OUT, RED_SRC) == ISA_VPU_CHAIN_OUT_RED_SRC_INT;
    for (uint32_t x = 0; x < n_rows; x++) {
        if (is_int) {
            reduce_int(k->reduced_i, k->i + (size_t)x * v->d, is_sum, in_group == 0, v->d);
        } else {
            reduce_fp(k->reduced_v, y + (size_t)x * v->d, is_sum, in_group == 0, v->d);
        }
        if (++in_group == group) {
            in_group = 0;
            write_reduced(v, k, out2);
        }
    }
    return in_group;
}

/* ---- the command ---- */

static void repeat_row(const sim_vec *v, block *k, unsigned row, uint32_t n)
{
    for (uint32_t at = 0; at < n; at += v->d) {
        memcpy(&k->rows[row][at], v->row_registers + (size_t)row * v->d, v->d * sizeof(uint32_t));
    }
}

static void repeat_rows(const sim_vec *v, block *k, uint32_t n)
{
    const bool used[SIM_N_ROW_REGISTERS] = {
        [SIM_ROW_IADD] = FIELD(CHAIN_IN, IADD) == ISA_VPU_CHAIN_IN_IADD_ROW,
        [SIM_ROW_MUL1] = FIELD(CHAIN_FP, MUL1) == ISA_VPU_CHAIN_FP_MUL1_ROW,
        [SIM_ROW_ADD1] = FIELD(CHAIN_FP, ADD1) == ISA_VPU_CHAIN_FP_ADD1_ROW,
        [SIM_ROW_MUL2] = FIELD(CHAIN_FP, MUL2) == ISA_VPU_CHAIN_FP_MUL2_ROW,
        [SIM_ROW_ADD2] = FIELD(CHAIN_FP, ADD2) == ISA_VPU_CHAIN_FP_ADD2_ROW,
        [SIM_ROW_MUL3] = FIELD(CHAIN_FP, MUL3) == ISA_VPU_CHAIN_FP_MUL3_ROW,
    };
    for (unsigned row = 0; row < SIM_N_ROW_REGISTERS; row++) {
        if (used[row]) {
            repeat_row(v, k, row, n);
        }
    }
}

/* B is looked at by a stage. */
static bool needs_b(const sim_vec *v)
{
    return FIELD(CHAIN_FP, ADD1) == ISA_VPU_CHAIN_FP_ADD1_B || FIELD(CHAIN_FP, MUL1) == ISA_VPU_CHAIN_FP_MUL1_B ||
           FIELD(CHAIN_FP, ADD2) == ISA_VPU_CHAIN_FP_ADD2_B || FIELD(CHAIN_FP, FN) == ISA_VPU_CHAIN_FP_FN_MAX;
}

static void vec(const sim_vec *v)
{
    block *k = v->scratch;
    const uint64_t n_rows = (uint64_t)v->a.n[0] * v->a.n[1] * v->a.n[2] * v->a.n[3];
    const uint32_t block_rows = BLOCK_LANES / v->d;
    const bool with_b = needs_b(v);
    const bool reduces = FIELD(CHAIN_OUT, RED) != ISA_VPU_CHAIN_OUT_RED_NONE;
    uint64_t group = 1;
    for (uint32_t l = 0; l < FIELD(CHAIN_OUT, RED_LOOPS); l++) {
        group *= v->a.n[l];
    }
    repeat_rows(v, k, (n_rows < block_rows ? (uint32_t)n_rows : block_rows) * v->d);
    sim_walker a = sim_walker_begin(&v->a);
    sim_walker b = sim_walker_begin(&v->b);
    sim_walker out = sim_walker_begin(&v->out);
    sim_walker out2 = sim_walker_begin(&v->out2);
    uint64_t in_group = 0;
    for (uint64_t done = 0; done < n_rows;) {
        const uint32_t n = n_rows - done < block_rows ? (uint32_t)(n_rows - done) : block_rows;
        read_a(v, k, &a, n);
        if (with_b) {
            read_b(v, k, &b, n);
        }
        float *y = run_chain(v, k, n * v->d);
        if (reduces) { /* before the output: that may be read from k->v, too */
            in_group = reduce_block(v, k, y, n, in_group, group, &out2);
        }
        write_out(v, k, y, &out, n);
        done += n;
    }
}
