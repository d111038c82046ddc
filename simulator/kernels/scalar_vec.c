/*
 * scalar_vec.c -- the definition of VEC: one lane of one row after another, as isa/spec/numerics.md says it, for the tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "systole/isa/fn.h"
#include "systole/isa/isa.h"

#define FIELD(reg, field) ISA_GET(v->regs[ISA_VPU_##reg], ISA_VPU_##reg##_##field)

static float as_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t as_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float canonical(float value)
{
    return isnan(value) ? as_float(0x7FC00000) : value;
}

static int32_t rne(float value)
{
    if (isnan(value)) {
        return 0;
    }
    const float rounded = rintf(value); /* the rounding mode is to nearest even */
    return rounded >= 2147483648.0f ? INT32_MAX : rounded < -2147483648.0f ? INT32_MIN : (int32_t)rounded;
}

static int64_t clamp(int64_t value, int32_t low, int32_t high)
{
    const int64_t raised = value > low ? value : low;
    return raised < high ? raised : high;
}

static float reg_float(const sim_vec *v, unsigned reg)
{
    return as_float(v->regs[reg]);
}

static float row_float(const sim_vec *v, unsigned reg, uint32_t j)
{
    return as_float(v->row_registers[(uint64_t)reg * v->d + j]);
}

/* What a lane of a row becomes: the integer after iadd, and the value after mul3. */
typedef struct lane {
    uint32_t i;
    float v;
} lane;

/* The operand of a stage that has immediate, row or B (in this order from 1; 0: none). */
static float choose(const sim_vec *v, uint32_t which, unsigned imm, unsigned row, uint32_t j, float b)
{
    return which == 1 ? reg_float(v, imm) : which == 2 ? row_float(v, row, j) : b;
}

/* ---- elements of SPM ---- */

static bool is_fp_source(const sim_vec *v, uint32_t source)
{
    return source == ISA_VPU_CHAIN_IN_A_SRC_ACC_F32 || (source == ISA_VPU_CHAIN_IN_A_SRC_SPM && v->bf16);
}

/* An element as a word: int8 by its sign, bf16 as fp32. */
static uint32_t element(const sim_vec *v, const uint8_t *from, uint64_t at)
{
    if (!v->bf16) {
        return (uint32_t)(int8_t)from[at];
    }
    uint16_t half;
    memcpy(&half, from + 2 * at, 2);
    return isa_bf16_to_fp(half);
}

/* What is read from a row for a lane; the two source fields have the same values. */
static uint32_t source_word(const sim_vec *v, uint32_t source, int64_t row, uint32_t j)
{
    const uint64_t at = (uint64_t)row * v->d + j;
    return source == ISA_VPU_CHAIN_IN_A_SRC_NONE  ? 0
           : source == ISA_VPU_CHAIN_IN_A_SRC_SPM ? element(v, v->spm, at)
                                                  : v->acc[at];
}

/* ---- functions ---- */

static float nan_or(float x, float result)
{
    return isnan(x) ? as_float(0x7FC00000) : result;
}

static float elementary(isa_fn fn, float x)
{
    return as_float(isa_fn_bits(fn, as_bits(x)));
}

static float apply_fn(const sim_vec *v, float x, float b)
{
    const float low = reg_float(v, ISA_VPU_CLIP_LO);
    const float high = reg_float(v, ISA_VPU_CLIP_HI);
    const bool any_nan = isnan(x) || isnan(b);
    switch ((enum isa_vpu_chain_fp_fn)FIELD(CHAIN_FP, FN)) {
    case ISA_VPU_CHAIN_FP_FN_IDENTITY:
        break;
    case ISA_VPU_CHAIN_FP_FN_RELU:
        return nan_or(x, x > 0 ? x : 0.0f);
    case ISA_VPU_CHAIN_FP_FN_CLIP:
        return canonical(x < low ? low : x > high ? high : x);
    case ISA_VPU_CHAIN_FP_FN_MAX:
        return any_nan ? as_float(0x7FC00000) : x > b ? x : b;
    case ISA_VPU_CHAIN_FP_FN_MIN:
        return any_nan ? as_float(0x7FC00000) : x < b ? x : b;
    case ISA_VPU_CHAIN_FP_FN_EXP2:
        return elementary(ISA_FN_EXP2, x);
    case ISA_VPU_CHAIN_FP_FN_LOG2:
        return elementary(ISA_FN_LOG2, x);
    case ISA_VPU_CHAIN_FP_FN_RECIP:
        return elementary(ISA_FN_RECIP, x);
    case ISA_VPU_CHAIN_FP_FN_RSQRT:
        return elementary(ISA_FN_RSQRT, x);
    case ISA_VPU_CHAIN_FP_FN_SQRT:
        return elementary(ISA_FN_SQRT, x);
    case ISA_VPU_CHAIN_FP_FN_TANH:
        return elementary(ISA_FN_TANH, x);
    case ISA_VPU_CHAIN_FP_FN_SIGMOID:
        return elementary(ISA_FN_SIGMOID, x);
    case ISA_VPU_CHAIN_FP_FN_ERF:
        return elementary(ISA_FN_ERF, x);
    case ISA_VPU_CHAIN_FP_FN_PHI:
        return elementary(ISA_FN_PHI, x);
    case ISA_VPU_CHAIN_FP_FN_ABS:
        return nan_or(x, as_float(as_bits(x) & 0x7FFFFFFF));
    case ISA_VPU_CHAIN_FP_FN_STEP:
        return nan_or(x, x > 0 ? high : low);
    case ISA_VPU_CHAIN_FP_FN_SELECT:
        return b != 0 ? x : low;
    case ISA_VPU_CHAIN_FP_FN_GT:
        return x > b ? 1.0f : 0.0f;
    case ISA_VPU_CHAIN_FP_FN_GE:
        return x >= b ? 1.0f : 0.0f;
    case ISA_VPU_CHAIN_FP_FN_EQ:
        return x == b ? 1.0f : 0.0f;
    case ISA_VPU_CHAIN_FP_FN_TABLE:
        return (float)v->table[(uint32_t)rne(x) & 255u];
    }
    return x;
}

/* ---- the chain ---- */

/* B after its scale. */
static float second_source(const sim_vec *v, int64_t row, uint32_t j)
{
    const uint32_t source = FIELD(CHAIN_IN, B_SRC);
    if (source == ISA_VPU_CHAIN_IN_B_SRC_NONE) {
        return 0.0f;
    }
    const uint32_t word = source_word(v, source, row, j);
    const float b = is_fp_source(v, source) ? as_float(word) : (float)(int32_t)(word - v->regs[ISA_VPU_B_ZERO]);
    return canonical(b * reg_float(v, ISA_VPU_B_SCALE));
}

/* What is read, or what the window makes of it, to i after iadd and the value that enters add1. */
static lane first_stages(const sim_vec *v, uint32_t word, uint32_t j)
{
    const uint32_t source = FIELD(CHAIN_IN, A_SRC);
    if (is_fp_source(v, source)) {
        return (lane){word, as_float(word)};
    }
    const uint32_t iadd = FIELD(CHAIN_IN, IADD);
    const bool has_window = FIELD(CHAIN_IN, WINDOW) != ISA_VPU_CHAIN_IN_WINDOW_OFF;
    uint32_t i = has_window ? word : word - v->regs[ISA_VPU_A_ZERO];
    if (iadd == ISA_VPU_CHAIN_IN_IADD_IMM) {
        i += v->regs[ISA_VPU_IADD_IMM];
    } else if (iadd == ISA_VPU_CHAIN_IN_IADD_ROW) {
        i += v->row_registers[(uint64_t)SIM_ROW_IADD * v->d + j];
    }
    return (lane){i, (float)(int32_t)i};
}

static float mid(const sim_vec *v, float x)
{
    switch ((enum isa_vpu_chain_fp_mid)FIELD(CHAIN_FP, MID)) {
    case ISA_VPU_CHAIN_FP_MID_OFF:
        break;
    case ISA_VPU_CHAIN_FP_MID_CLAMP:
        return (float)(int32_t)clamp(rne(x), (int32_t)v->regs[ISA_VPU_MID_LO], (int32_t)v->regs[ISA_VPU_MID_HI]);
    case ISA_VPU_CHAIN_FP_MID_BF16:
        return as_float(isa_bf16_to_fp(isa_fp_to_bf16(as_bits(x))));
    }
    return x;
}

static lane chain(const sim_vec *v, uint32_t word, float b, uint32_t j)
{
    const lane in = first_stages(v, word, j);
    float x = in.v;
    const uint32_t add1 = FIELD(CHAIN_FP, ADD1);
    const uint32_t mul1 = FIELD(CHAIN_FP, MUL1);
    const uint32_t mul2 = FIELD(CHAIN_FP, MUL2);
    const uint32_t add2 = FIELD(CHAIN_FP, ADD2);
    if (add1 != 0) {
        x = canonical(x + choose(v, add1, ISA_VPU_ADD1_IMM, SIM_ROW_ADD1, j, b));
    }
    if (mul1 != 0) {
        x = canonical(x * choose(v, mul1, ISA_VPU_MUL1_IMM, SIM_ROW_MUL1, j, b));
    }
    x = mid(v, x);
    const float pre = x;
    if (mul2 != 0) {
        x = canonical(x * choose(v, mul2, ISA_VPU_MUL2_IMM, SIM_ROW_MUL2, j, b));
    }
    if (add2 != 0) {
        x = canonical(x + choose(v, add2, ISA_VPU_ADD2_IMM, SIM_ROW_ADD2, j, b));
    }
    float y = apply_fn(v, x, b);
    switch ((enum isa_vpu_chain_fp_mul3)FIELD(CHAIN_FP, MUL3)) {
    case ISA_VPU_CHAIN_FP_MUL3_ONE:
        break;
    case ISA_VPU_CHAIN_FP_MUL3_PRE:
        y = canonical(y * pre);
        break;
    case ISA_VPU_CHAIN_FP_MUL3_ROW:
        y = canonical(y * row_float(v, SIM_ROW_MUL3, j));
        break;
    case ISA_VPU_CHAIN_FP_MUL3_B:
        y = canonical(y * b);
        break;
    }
    return (lane){in.i, y};
}

/* A value to an output, by the names of field out; zero, low, high are registers. */
static void put_lane(const sim_vec *v, uint32_t kind, int64_t row, uint32_t j, lane x, unsigned zero, unsigned low,
                     unsigned high)
{
    const uint64_t at = (uint64_t)row * v->d + j;
    const int64_t rounded = clamp((int64_t)rne(x.v) + (int32_t)v->regs[zero], (int32_t)v->regs[low],
                                  (int32_t)v->regs[high]);
    const uint16_t half = isa_fp_to_bf16(as_bits(x.v));
    switch ((enum isa_vpu_chain_out_out)kind) {
    case ISA_VPU_CHAIN_OUT_OUT_NONE:
        return;
    case ISA_VPU_CHAIN_OUT_OUT_SPM:
        if (v->bf16) {
            memcpy(v->spm + 2 * at, &half, 2);
        } else {
            v->spm[at] = (uint8_t)rounded;
        }
        return;
    case ISA_VPU_CHAIN_OUT_OUT_I32:
        v->acc[at] = (uint32_t)rounded;
        return;
    case ISA_VPU_CHAIN_OUT_OUT_F32:
        v->acc[at] = as_bits(canonical(x.v));
        return;
    case ISA_VPU_CHAIN_OUT_OUT_RAW:
        v->acc[at] = x.i;
        return;
    }
}

/* ---- the reduction ---- */

/* What a lane has reduced so far. */
typedef struct partial {
    uint32_t i;
    float v;
    uint64_t place; /* of the maximum, modulo 2^31 */
} partial;

static bool is_int(const sim_vec *v)
{
    return FIELD(CHAIN_OUT, RED_SRC) == ISA_VPU_CHAIN_OUT_RED_SRC_INT &&
           FIELD(CHAIN_OUT, RED) != ISA_VPU_CHAIN_OUT_RED_SUMSQ;
}

static partial nothing(const sim_vec *v)
{
    const bool is_max = FIELD(CHAIN_OUT, RED) == ISA_VPU_CHAIN_OUT_RED_MAX;
    return (partial){is_max ? (uint32_t)INT32_MIN : 0, is_max ? -INFINITY : 0.0f, 0};
}

/* Of two maxima the one that stays: the greater, a NaN above all, of equal ones the lower place. */
static partial greater(const sim_vec *v, partial a, partial b)
{
    bool take = is_int(v) ? (int32_t)b.i > (int32_t)a.i : b.v > a.v || (isnan(b.v) && !isnan(a.v));
    const bool equal = is_int(v) ? b.i == a.i : b.v == a.v || (isnan(a.v) && isnan(b.v));
    partial r = take ? b : a;
    r.v = canonical(r.v);
    if (equal && b.place < a.place) {
        r.place = b.place;
    }
    return r;
}

static partial combine(const sim_vec *v, partial a, partial b)
{
    if (FIELD(CHAIN_OUT, RED) == ISA_VPU_CHAIN_OUT_RED_MAX) {
        return greater(v, a, b);
    }
    return (partial){a.i + b.i, canonical(a.v + b.v), 0};
}

/* One more row; its place decides nothing unless the maximum is equal. */
static partial reduce(const sim_vec *v, partial before, lane x, uint64_t place, bool is_first)
{
    if (FIELD(CHAIN_OUT, RED) == ISA_VPU_CHAIN_OUT_RED_SUMSQ) {
        return combine(v, before, (partial){0, canonical(x.v * x.v), 0});
    }
    const partial now = {x.i, canonical(x.v), place};
    if (is_first && FIELD(CHAIN_OUT, RED) == ISA_VPU_CHAIN_OUT_RED_MAX) {
        return now;
    }
    return combine(v, before, now);
}

static void reduce_lanes(const sim_vec *v, partial *r)
{
    for (uint32_t n = v->d / 2; n >= 1; n /= 2) {
        for (uint32_t j = 0; j < n; j++) {
            r[j] = combine(v, r[j], r[j + n]);
        }
    }
    for (uint32_t j = 1; j < v->d; j++) {
        r[j] = r[0];
    }
}

static void put_reduced(const sim_vec *v, int64_t row, partial *r)
{
    static const uint32_t out_of[] = {ISA_VPU_CHAIN_OUT_OUT_SPM, ISA_VPU_CHAIN_OUT_OUT_I32, ISA_VPU_CHAIN_OUT_OUT_F32};
    const bool with_place = FIELD(CHAIN_OUT, RED_INDEX) == ISA_VPU_CHAIN_OUT_RED_INDEX_ON &&
                            FIELD(CHAIN_OUT, RED) == ISA_VPU_CHAIN_OUT_RED_MAX;
    if (FIELD(CHAIN_OUT, RED_LANES) == ISA_VPU_CHAIN_OUT_RED_LANES_ON) {
        reduce_lanes(v, r);
    }
    for (uint32_t j = 0; j < v->d; j++) {
        float x = with_place ? (float)(uint32_t)r[j].place : is_int(v) ? (float)(int32_t)r[j].i : r[j].v;
        x = canonical(x * reg_float(v, ISA_VPU_R_MUL));
        x = canonical(x + reg_float(v, ISA_VPU_R_ADD));
        switch ((enum isa_vpu_chain_out_red_fn)FIELD(CHAIN_OUT, RED_FN)) {
        case ISA_VPU_CHAIN_OUT_RED_FN_NONE:
            break;
        case ISA_VPU_CHAIN_OUT_RED_FN_RECIP:
            x = elementary(ISA_FN_RECIP, x);
            break;
        case ISA_VPU_CHAIN_OUT_RED_FN_RSQRT:
            x = elementary(ISA_FN_RSQRT, x);
            break;
        }
        put_lane(v, out_of[FIELD(CHAIN_OUT, RED_OUT)], row, j, (lane){0, x}, ISA_VPU_R_ZERO, ISA_VPU_R_LO, ISA_VPU_R_HI);
    }
}

/* ---- the command ---- */

/* A lane of output o of line y of iteration i3: the sum over columns, then kernel rows. */
static uint32_t window_word(const sim_vec *v, const sim_window *w, uint32_t o, uint32_t y, uint32_t i3, uint32_t j)
{
    uint32_t sum = 0; /* +0 as fp32, too */
    for (uint32_t k = 0; k < w->taps; k++) {
        const int64_t column = (int64_t)o * w->stride + k - w->pad;
        if (column < 0 || column >= v->regs[ISA_VPU_N1]) {
            continue;
        }
        for (uint32_t h = 0; h < v->regs[ISA_VPU_N0]; h++) {
            const int64_t r = (int64_t)y * w->stride + h - w->top;
            if (r < 0 || r >= w->rows) {
                continue;
            }
            const int64_t row = v->a.base + r * v->a.s[0] + column * v->a.s[1] + (int64_t)i3 * v->a.s[3];
            const uint32_t x = element(v, v->spm, (uint64_t)row * v->d + j);
            const uint32_t weight = element(v, v->taps, (uint64_t)((w->first + h) * w->taps + k) * v->d + j);
            sum = v->bf16 ? isa_bf16_fma((uint16_t)(x >> 16), (uint16_t)(weight >> 16), sum)
                             : sum + (x - v->regs[ISA_VPU_A_ZERO]) * weight;
        }
    }
    return sum;
}

static void vec_window(const sim_vec *v)
{
    const sim_window w = sim_command_window(v->regs);
    sim_walker out = sim_walker_begin(&v->out);
    for (uint32_t i3 = 0; i3 < v->regs[ISA_VPU_N3]; i3++) {
        for (uint32_t y = 0; y < v->regs[ISA_VPU_N2]; y++) {
            for (uint32_t o = 0; o < w.outputs; o++) {
                for (uint32_t j = 0; j < v->d; j++) {
                    const lane x = chain(v, window_word(v, &w, o, y, i3, j), 0.0f, j);
                    put_lane(v, FIELD(CHAIN_OUT, OUT), out.row, j, x, ISA_VPU_O_ZERO, ISA_VPU_O_LO, ISA_VPU_O_HI);
                }
                sim_walker_next(&out);
            }
        }
    }
}

/* The words of A for D rows, transposed or not; D rows exist if it is. */
static void take_block(const sim_vec *v, sim_walker *a, uint32_t *words, uint64_t n_rows)
{
    const bool transposes = FIELD(CHAIN_IN, TRANSPOSE) == ISA_VPU_CHAIN_IN_TRANSPOSE_ON;
    for (uint32_t x = 0; x < v->d && x < n_rows; x++) {
        for (uint32_t j = 0; j < v->d; j++) {
            const size_t at = transposes ? (size_t)j * v->d + x : (size_t)x * v->d + j;
            words[at] = source_word(v, FIELD(CHAIN_IN, A_SRC), a->row, j);
        }
        sim_walker_next(a);
    }
}

static void vec_rows(const sim_vec *v)
{
    const uint64_t n_rows = (uint64_t)v->a.n[0] * v->a.n[1] * v->a.n[2] * v->a.n[3];
    const bool reduces = FIELD(CHAIN_OUT, RED) != ISA_VPU_CHAIN_OUT_RED_NONE;
    const uint32_t tail = v->regs[ISA_VPU_TAIL] != 0 ? v->regs[ISA_VPU_TAIL] : v->d;
    uint64_t group = 1;
    for (uint32_t k = 0; k < FIELD(CHAIN_OUT, RED_LOOPS); k++) {
        group *= v->a.n[k];
    }
    const bool over_lanes = FIELD(CHAIN_OUT, RED_LANES) == ISA_VPU_CHAIN_OUT_RED_LANES_ON;
    partial *reduced = v->scratch; /* [d] */
    uint32_t *words = (uint32_t *)(void *)(reduced + v->d); /* [d][d] */
    bool started[SIM_MAX_D];
    sim_walker a = sim_walker_begin(&v->a);
    sim_walker b = sim_walker_begin(&v->b);
    sim_walker out = sim_walker_begin(&v->out);
    sim_walker out2 = sim_walker_begin(&v->out2);
    for (uint64_t x = 0; x < n_rows; x++) {
        if (x % v->d == 0) {
            take_block(v, &a, words, n_rows - x);
        }
        for (uint32_t j = 0; j < v->d; j++) {
            const bool masked = j >= tail && x % v->a.n[0] == v->a.n[0] - 1;
            const lane y = masked ? (lane){0, 0.0f}
                                  : chain(v, words[x % v->d * v->d + j], second_source(v, b.row, j), j);
            put_lane(v, FIELD(CHAIN_OUT, OUT), out.row, j, y, ISA_VPU_O_ZERO, ISA_VPU_O_LO, ISA_VPU_O_HI);
            if (x % group == 0) {
                reduced[j] = nothing(v);
                started[j] = false;
            }
            if (reduces && !masked) {
                const uint64_t place = (over_lanes ? x % group * v->d + j : x % group) & INT32_MAX;
                reduced[j] = reduce(v, reduced[j], y, place, !started[j]);
                started[j] = true;
            }
        }
        if (x % group == group - 1) {
            if (reduces) {
                put_reduced(v, out2.row, reduced);
            }
            sim_walker_next(&out2);
        }
        sim_walker_next(&b);
        sim_walker_next(&out);
    }
}

void sim_scalar_vec(const sim_vec *v)
{
    if (FIELD(CHAIN_IN, WINDOW) != ISA_VPU_CHAIN_IN_WINDOW_OFF) {
        vec_window(v);
    } else {
        vec_rows(v);
    }
}
