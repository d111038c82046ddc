/*
 * scalar.c -- the definition: one lane of one row after another, as isa/spec/numerics.md says it, for the tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "systole/isa/fn.h"
#include "systole/isa/isa.h"

/* ---- MATMUL ---- */

static int32_t operand(uint8_t byte, bool is_unsigned, int32_t zero)
{
    return (is_unsigned ? (int32_t)byte : (int32_t)(int8_t)byte) - zero;
}

static uint32_t dot(const sim_matmul *m, uint32_t plane, int64_t a_row, uint32_t j)
{
    const uint8_t *a = m->spm + (uint64_t)(a_row + m->a_plane * plane) * m->d;
    const uint8_t *w = m->spm + (uint64_t)(m->w_base + m->w_plane * plane) * m->d;
    uint32_t sum = 0;
    for (uint32_t k = 0; k < m->d; k++) {
        const uint8_t weight = m->transposed ? w[(uint64_t)j * m->d + k] : w[(uint64_t)k * m->d + j];
        sum += (uint32_t)(operand(a[k], m->a_unsigned, m->a_zero) * operand(weight, m->w_unsigned, m->w_zero));
    }
    return sum;
}

static void matmul_int8(const sim_matmul *m)
{
    const uint64_t n_rows = (uint64_t)m->a.n[0] * m->a.n[1] * m->a.n[2] * m->a.n[3];
    for (uint32_t p = 0; p < m->n_planes; p++) {
        sim_walker a = sim_walker_begin(&m->a);
        sim_walker c = sim_walker_begin(&m->c);
        for (uint64_t t = 0; t < n_rows; t++) {
            int32_t *acc = m->acc + (uint64_t)c.row * m->d;
            for (uint32_t j = 0; j < m->d; j++) {
                const uint32_t before = m->accumulate || p > 0 ? (uint32_t)acc[j] : 0;
                acc[j] = (int32_t)(before + dot(m, p, a.row, j));
            }
            sim_walker_next(&a);
            sim_walker_next(&c);
        }
    }
}

/* Element k of an SPM row. */
static uint16_t bf16_element(const sim_matmul *m, int64_t row, uint32_t k)
{
    uint16_t value;
    memcpy(&value, m->spm + 2 * ((uint64_t)row * m->d + k), sizeof value);
    return value;
}

static void matmul_bf16(const sim_matmul *m)
{
    const uint64_t n_rows = (uint64_t)m->a.n[0] * m->a.n[1] * m->a.n[2] * m->a.n[3];
    for (uint32_t p = 0; p < m->n_planes; p++) {
        const int64_t w = m->w_base + m->w_plane * p;
        sim_walker a = sim_walker_begin(&m->a);
        sim_walker c = sim_walker_begin(&m->c);
        for (uint64_t t = 0; t < n_rows; t++) {
            int32_t *acc = m->acc + (uint64_t)c.row * m->d;
            for (uint32_t j = 0; j < m->d; j++) {
                uint32_t s = m->accumulate || p > 0 ? (uint32_t)acc[j] : 0;
                for (uint32_t k = 0; k < m->d; k++) {
                    const uint16_t weight = m->transposed ? bf16_element(m, w + j, k) : bf16_element(m, w + k, j);
                    s = isa_bf16_fma(bf16_element(m, a.row + m->a_plane * p, k), weight, s);
                }
                acc[j] = (int32_t)s;
            }
            sim_walker_next(&a);
            sim_walker_next(&c);
        }
    }
}

static void matmul(const sim_matmul *m)
{
    if (m->bf16) {
        matmul_bf16(m);
    } else {
        matmul_int8(m);
    }
}

/* ---- VEC ---- */

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

static float rounded_to_bf16(float value)
{
    return as_float(isa_bf16_to_fp(isa_fp_to_bf16(as_bits(value))));
}

/* A source that holds floats: the integer stages do not touch it. */
static bool holds_floats(const sim_vec *v, uint32_t source)
{
    return source == ISA_VPU_CHAIN_IN_A_SRC_ACC_F32 || (source == ISA_VPU_CHAIN_IN_A_SRC_SPM && v->bf16);
}

/* Element `at` of SPM: an int8, or the fp32 bits of a bf16. */
static uint32_t spm_element(const sim_vec *v, uint64_t at)
{
    if (!v->bf16) {
        return (uint32_t)(int8_t)v->spm[at];
    }
    uint16_t value;
    memcpy(&value, v->spm + 2 * at, sizeof value);
    return isa_bf16_to_fp(value);
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

static float apply_fn(const sim_vec *v, float x, float b)
{
    switch ((enum isa_vpu_chain_fp_fn)FIELD(CHAIN_FP, FN)) {
    case ISA_VPU_CHAIN_FP_FN_RELU:
        return isnan(x) ? canonical(x) : x > 0 ? x : 0.0f;
    case ISA_VPU_CHAIN_FP_FN_CLIP: {
        const float low = reg_float(v, ISA_VPU_CLIP_LO);
        const float high = reg_float(v, ISA_VPU_CLIP_HI);
        return canonical(x < low ? low : x > high ? high : x);
    }
    case ISA_VPU_CHAIN_FP_FN_MAX:
        return isnan(x) || isnan(b) ? as_float(0x7FC00000) : x > b ? x : b;
    case ISA_VPU_CHAIN_FP_FN_IDENTITY:
    case ISA_VPU_CHAIN_FP_FN_EXP2: /* those that are not built do not come here */
    case ISA_VPU_CHAIN_FP_FN_LOG2:
    case ISA_VPU_CHAIN_FP_FN_RECIP:
    case ISA_VPU_CHAIN_FP_FN_RSQRT:
    case ISA_VPU_CHAIN_FP_FN_SQRT:
    case ISA_VPU_CHAIN_FP_FN_TANH:
    case ISA_VPU_CHAIN_FP_FN_SIGMOID:
    case ISA_VPU_CHAIN_FP_FN_ERF:
    case ISA_VPU_CHAIN_FP_FN_PHI:
    case ISA_VPU_CHAIN_FP_FN_MIN:
    case ISA_VPU_CHAIN_FP_FN_ABS:
    case ISA_VPU_CHAIN_FP_FN_STEP:
    case ISA_VPU_CHAIN_FP_FN_SELECT:
    case ISA_VPU_CHAIN_FP_FN_GT:
    case ISA_VPU_CHAIN_FP_FN_GE:
    case ISA_VPU_CHAIN_FP_FN_EQ:
    case ISA_VPU_CHAIN_FP_FN_TABLE:
        break;
    }
    return x;
}

/* B after its scale. */
static float second_source(const sim_vec *v, int64_t row, uint32_t j)
{
    const uint64_t at = (uint64_t)row * v->d + j;
    const float scale = reg_float(v, ISA_VPU_B_SCALE);
    const uint32_t zero = v->regs[ISA_VPU_B_ZERO];
    switch ((enum isa_vpu_chain_in_b_src)FIELD(CHAIN_IN, B_SRC)) {
    case ISA_VPU_CHAIN_IN_B_SRC_NONE:
        break;
    case ISA_VPU_CHAIN_IN_B_SRC_SPM:
        return canonical((v->bf16 ? as_float(spm_element(v, at)) : (float)(int32_t)(spm_element(v, at) - zero)) * scale);
    case ISA_VPU_CHAIN_IN_B_SRC_ACC_I32:
        return canonical((float)(int32_t)(v->acc[at] - zero) * scale);
    case ISA_VPU_CHAIN_IN_B_SRC_ACC_F32:
        return canonical(as_float(v->acc[at]) * scale);
    }
    return 0.0f;
}

static uint32_t first_source(const sim_vec *v, int64_t row, uint32_t j)
{
    const uint64_t at = (uint64_t)row * v->d + j;
    const uint32_t source = FIELD(CHAIN_IN, A_SRC);
    uint32_t i = source == ISA_VPU_CHAIN_IN_A_SRC_NONE  ? 0
                 : source == ISA_VPU_CHAIN_IN_A_SRC_SPM ? spm_element(v, at)
                                                        : v->acc[at];
    if (!holds_floats(v, source)) {
        const uint32_t iadd = FIELD(CHAIN_IN, IADD);
        i -= v->regs[ISA_VPU_A_ZERO];
        if (iadd == ISA_VPU_CHAIN_IN_IADD_IMM) {
            i += v->regs[ISA_VPU_IADD_IMM];
        } else if (iadd == ISA_VPU_CHAIN_IN_IADD_ROW) {
            i += v->row_registers[(uint64_t)SIM_ROW_IADD * v->d + j];
        }
    }
    return i;
}

static lane chain(const sim_vec *v, int64_t a_row, int64_t b_row, uint32_t j)
{
    const uint32_t i = first_source(v, a_row, j);
    const float b = second_source(v, b_row, j);
    float x = holds_floats(v, FIELD(CHAIN_IN, A_SRC)) ? as_float(i) : (float)(int32_t)i;
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
    if (FIELD(CHAIN_FP, MID) == ISA_VPU_CHAIN_FP_MID_CLAMP) {
        x = (float)(int32_t)clamp(rne(x), (int32_t)v->regs[ISA_VPU_MID_LO], (int32_t)v->regs[ISA_VPU_MID_HI]);
    } else if (FIELD(CHAIN_FP, MID) == ISA_VPU_CHAIN_FP_MID_BF16) {
        x = rounded_to_bf16(x);
    }
    const float pre = x;
    if (mul2 != 0) {
        x = canonical(x * choose(v, mul2, ISA_VPU_MUL2_IMM, SIM_ROW_MUL2, j, b));
    }
    if (add2 != 0) {
        x = canonical(x + choose(v, add2, ISA_VPU_ADD2_IMM, SIM_ROW_ADD2, j, b));
    }
    const float f = apply_fn(v, x, b);
    const uint32_t mul3 = FIELD(CHAIN_FP, MUL3);
    const float y = mul3 == ISA_VPU_CHAIN_FP_MUL3_ONE   ? f
                    : mul3 == ISA_VPU_CHAIN_FP_MUL3_PRE ? canonical(f * pre)
                                                        : canonical(f * row_float(v, SIM_ROW_MUL3, j));
    return (lane){i, y};
}

/* A value to an output, by the names of field out; zero, low, high are registers. */
static void put_lane(const sim_vec *v, uint32_t kind, int64_t row, uint32_t j, lane x, unsigned zero, unsigned low,
                     unsigned high)
{
    const uint64_t at = (uint64_t)row * v->d + j;
    const int64_t rounded = clamp((int64_t)rne(x.v) + (int32_t)v->regs[zero], (int32_t)v->regs[low],
                                  (int32_t)v->regs[high]);
    switch ((enum isa_vpu_chain_out_out)kind) {
    case ISA_VPU_CHAIN_OUT_OUT_NONE:
        return;
    case ISA_VPU_CHAIN_OUT_OUT_SPM:
        if (v->bf16) {
            const uint16_t value = isa_fp_to_bf16(as_bits(x.v));
            memcpy(v->spm + 2 * at, &value, sizeof value);
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

/* The reduction of a lane with one more row; is_first: the accumulator starts anew. */
static lane reduce(const sim_vec *v, lane before, lane x, bool is_first)
{
    const bool is_sum = FIELD(CHAIN_OUT, RED) == ISA_VPU_CHAIN_OUT_RED_SUM;
    if (FIELD(CHAIN_OUT, RED_SRC) == ISA_VPU_CHAIN_OUT_RED_SRC_INT) {
        if (is_first) {
            before.i = is_sum ? 0 : (uint32_t)INT32_MIN;
        }
        before.i = is_sum ? before.i + x.i : (int32_t)x.i > (int32_t)before.i ? x.i : before.i;
    } else if (is_sum) {
        before.v = canonical((is_first ? 0.0f : before.v) + x.v);
    } else if (is_first || isnan(x.v)) {
        before.v = canonical(is_first || !isnan(before.v) ? x.v : before.v);
    } else {
        before.v = x.v > before.v ? x.v : before.v; /* a NaN before stays */
    }
    return before;
}

static void put_reduced(const sim_vec *v, int64_t row, uint32_t j, lane r)
{
    static const uint32_t out_of[] = {ISA_VPU_CHAIN_OUT_OUT_SPM, ISA_VPU_CHAIN_OUT_OUT_I32, ISA_VPU_CHAIN_OUT_OUT_F32};
    float x = FIELD(CHAIN_OUT, RED_SRC) == ISA_VPU_CHAIN_OUT_RED_SRC_INT ? (float)(int32_t)r.i : r.v;
    x = canonical(x * reg_float(v, ISA_VPU_R_MUL));
    x = canonical(x + reg_float(v, ISA_VPU_R_ADD));
    put_lane(v, out_of[FIELD(CHAIN_OUT, RED_OUT)], row, j, (lane){0, x}, ISA_VPU_R_ZERO, ISA_VPU_R_LO, ISA_VPU_R_HI);
}

static void vec(const sim_vec *v)
{
    const uint64_t n_rows = (uint64_t)v->a.n[0] * v->a.n[1] * v->a.n[2] * v->a.n[3];
    const bool reduces = FIELD(CHAIN_OUT, RED) != ISA_VPU_CHAIN_OUT_RED_NONE;
    uint64_t group = 1;
    for (uint32_t k = 0; k < FIELD(CHAIN_OUT, RED_LOOPS); k++) {
        group *= v->a.n[k];
    }
    lane *reduced = v->scratch; /* [d] */
    sim_walker a = sim_walker_begin(&v->a);
    sim_walker b = sim_walker_begin(&v->b);
    sim_walker out = sim_walker_begin(&v->out);
    sim_walker out2 = sim_walker_begin(&v->out2);
    for (uint64_t x = 0; x < n_rows; x++) {
        for (uint32_t j = 0; j < v->d; j++) {
            const lane y = chain(v, a.row, b.row, j);
            put_lane(v, FIELD(CHAIN_OUT, OUT), out.row, j, y, ISA_VPU_O_ZERO, ISA_VPU_O_LO, ISA_VPU_O_HI);
            if (reduces) {
                reduced[j] = reduce(v, reduced[j], y, x % group == 0);
                if (x % group == group - 1) {
                    put_reduced(v, out2.row, j, reduced[j]);
                }
            }
        }
        sim_walker_next(&a);
        sim_walker_next(&b);
        sim_walker_next(&out);
        if (x % group == group - 1) {
            sim_walker_next(&out2);
        }
    }
}

const sim_kernel_set sim_kernels_scalar = {.name = "scalar", .matmul = matmul, .vec = vec};
