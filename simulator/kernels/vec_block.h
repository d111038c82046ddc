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
#include "kernels/vec_stages.h"
#include "systole/base/assert.h"

#define BLOCK_LANES 1024u /* a multiple of every D */

typedef struct block {
    int32_t i[BLOCK_LANES];   /* after iadd */
    float v[BLOCK_LANES];
    float b[BLOCK_LANES];     /* B after its scale */
    float pre[BLOCK_LANES];   /* the value before mul2, if mul3 needs it */
    float f[BLOCK_LANES];
    int32_t out[BLOCK_LANES];
    uint32_t rows[SIM_N_ROW_REGISTERS][BLOCK_LANES]; /* row registers, repeated for each row of a block */
    uint32_t reduced_i[SIM_MAX_D];
    float reduced_v[SIM_MAX_D];
    uint32_t place[SIM_MAX_D];                /* of the maxima */
    uint32_t transposed[SIM_MAX_D * SIM_MAX_D]; /* the words of D rows that were read */
    uint32_t n_transposed;                    /* of these rows, how many are used */
    int32_t weights[SIM_N_TAPS * SIM_MAX_D];  /* of the window, as words */
    sim_window window;
    uint32_t output, line, image; /* the window's next output */
} block;

_Static_assert(sizeof(block) <= SIM_SCRATCH_BYTES, "the block lies in the scratch memory");

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

static bool is_fp_source(const sim_vec *v, uint32_t source)
{
    return source == ISA_VPU_CHAIN_IN_A_SRC_ACC_F32 || (source == ISA_VPU_CHAIN_IN_A_SRC_SPM && v->bf16);
}

/* Rows that come out of the transposer. */
static void read_transposed(const sim_vec *v, block *k, sim_walker *a, uint32_t n_rows)
{
    const uint32_t d = v->d;
    for (uint32_t x = 0; x < n_rows; x++) {
        if (k->n_transposed == d) {
            int32_t words[SIM_MAX_D];
            for (uint32_t j = 0; j < d; j++) {
                read_spm(v, a, 1, words);
                for (uint32_t i = 0; i < d; i++) {
                    k->transposed[i * d + j] = (uint32_t)words[i];
                }
            }
            k->n_transposed = 0;
        }
        memcpy(k->i + x * d, k->transposed + k->n_transposed++ * d, d * sizeof k->i[0]);
    }
}

static void window_tap(int32_t *restrict sum, const int32_t *restrict x, const int32_t *restrict w, int32_t zero, uint32_t d)
{
    for (uint32_t j = 0; j < d; j++) {
        sum[j] = (int32_t)((uint32_t)sum[j] + (uint32_t)((x[j] - zero) * w[j])); /* 9 by 8 bits */
    }
}

static void window_tap_bf16(float *restrict sum, const float *restrict x, const float *restrict w, uint32_t d)
{
    for (uint32_t j = 0; j < d; j++) {
        sum[j] = canonical(fmaf(x[j], w[j], sum[j])); /* bf16 operands: below fp32's range fmaf is exact, too */
    }
}

/* Outputs of the window, columns ascending, within a column kernel rows ascending. */
static void read_window(const sim_vec *v, block *k, uint32_t n_rows)
{
    const sim_window *w = &k->window;
    const uint32_t d = v->d;
    const int32_t zero = (int32_t)v->regs[ISA_VPU_A_ZERO];
    int32_t words[SIM_MAX_D];
    for (uint32_t x = 0; x < n_rows; x++) {
        int32_t *sum = k->i + x * d;
        memset(sum, 0, d * sizeof sum[0]);
        for (uint32_t tap = 0; tap < w->taps; tap++) {
            const int64_t column = (int64_t)k->output * w->stride + tap - w->pad;
            for (uint32_t h = 0; h < v->regs[ISA_VPU_N0] && column >= 0 && column < v->regs[ISA_VPU_N1]; h++) {
                const int64_t r = (int64_t)k->line * w->stride + h - w->top;
                if (r < 0 || r >= w->rows) {
                    continue;
                }
                const int64_t row = v->a.base + r * v->a.s[0] + column * v->a.s[1] + (int64_t)k->image * v->a.s[3];
                const int32_t *weights = k->weights + ((w->first + h) * w->taps + tap) * d;
                to_words(v, words, spm_row(v, row), d);
                if (v->bf16) {
                    window_tap_bf16((float *)(void *)sum, (const float *)(const void *)words,
                                    (const float *)(const void *)weights, d);
                } else {
                    window_tap(sum, words, weights, zero, d);
                }
            }
        }
        if (++k->output == w->outputs) {
            k->output = 0;
            k->image += ++k->line == v->regs[ISA_VPU_N2] ? 1 : 0;
            k->line %= v->regs[ISA_VPU_N2];
        }
    }
}

static void read_a(const sim_vec *v, block *k, sim_walker *a, uint32_t n_rows)
{
    const uint32_t n = n_rows * v->d;
    const uint32_t source = FIELD(CHAIN_IN, A_SRC);
    if (k->window.taps != 0) {
        read_window(v, k, n_rows);
    } else if (FIELD(CHAIN_IN, TRANSPOSE) == ISA_VPU_CHAIN_IN_TRANSPOSE_ON) {
        read_transposed(v, k, a, n_rows);
    } else if (source == ISA_VPU_CHAIN_IN_A_SRC_NONE) {
        memset(k->i, 0, n * sizeof k->i[0]);
    } else if (source == ISA_VPU_CHAIN_IN_A_SRC_SPM) {
        read_spm(v, a, n_rows, k->i);
    } else {
        read_words(v, a, n_rows, k->i);
    }
    if (is_fp_source(v, source)) {
        memcpy(k->v, k->i, n * sizeof k->v[0]);
        return;
    }
    const uint32_t iadd = FIELD(CHAIN_IN, IADD);
    uint32_t constant = k->window.taps != 0 ? 0 : 0 - v->regs[ISA_VPU_A_ZERO];
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
    if (source == ISA_VPU_CHAIN_IN_B_SRC_SPM) {
        read_spm(v, b, n_rows, k->out);
    } else {
        read_words(v, b, n_rows, k->out);
    }
    if (is_fp_source(v, source)) {
        memcpy(k->b, k->out, n * sizeof k->b[0]);
    } else {
        add_constant(k->out, 0 - v->regs[ISA_VPU_B_ZERO], n);
        to_float(k->b, k->out, n);
    }
    stage_mul_constant(k->b, as_float(v->regs[ISA_VPU_B_SCALE]), n);
}

/* The function of v; returns where it is. */
static float *function_of(const sim_vec *v, block *k, uint32_t n)
{
    const float low = as_float(v->regs[ISA_VPU_CLIP_LO]);
    const float high = as_float(v->regs[ISA_VPU_CLIP_HI]);
    const uint32_t fn = FIELD(CHAIN_FP, FN);
    switch ((enum isa_vpu_chain_fp_fn)fn) {
    case ISA_VPU_CHAIN_FP_FN_IDENTITY:
        return k->v;
    case ISA_VPU_CHAIN_FP_FN_RELU:
        stage_relu(k->f, k->v, n);
        break;
    case ISA_VPU_CHAIN_FP_FN_CLIP:
        stage_clip(k->f, k->v, low, high, n);
        break;
    case ISA_VPU_CHAIN_FP_FN_MAX:
        stage_max(k->f, k->v, k->b, n);
        break;
    case ISA_VPU_CHAIN_FP_FN_MIN:
        stage_min(k->f, k->v, k->b, n);
        break;
    case ISA_VPU_CHAIN_FP_FN_EXP2:
        isa_fn_rows(ISA_FN_EXP2, k->v, k->f, n);
        break;
    case ISA_VPU_CHAIN_FP_FN_LOG2:
        isa_fn_rows(ISA_FN_LOG2, k->v, k->f, n);
        break;
    case ISA_VPU_CHAIN_FP_FN_RECIP:
        isa_fn_rows(ISA_FN_RECIP, k->v, k->f, n);
        break;
    case ISA_VPU_CHAIN_FP_FN_RSQRT:
        isa_fn_rows(ISA_FN_RSQRT, k->v, k->f, n);
        break;
    case ISA_VPU_CHAIN_FP_FN_SQRT:
        isa_fn_rows(ISA_FN_SQRT, k->v, k->f, n);
        break;
    case ISA_VPU_CHAIN_FP_FN_TANH:
        isa_fn_rows(ISA_FN_TANH, k->v, k->f, n);
        break;
    case ISA_VPU_CHAIN_FP_FN_SIGMOID:
        isa_fn_rows(ISA_FN_SIGMOID, k->v, k->f, n);
        break;
    case ISA_VPU_CHAIN_FP_FN_ERF:
        isa_fn_rows(ISA_FN_ERF, k->v, k->f, n);
        break;
    case ISA_VPU_CHAIN_FP_FN_PHI:
        isa_fn_rows(ISA_FN_PHI, k->v, k->f, n);
        break;
    case ISA_VPU_CHAIN_FP_FN_ABS:
        stage_abs(k->f, k->v, n);
        break;
    case ISA_VPU_CHAIN_FP_FN_STEP:
        stage_step(k->f, k->v, low, high, n);
        break;
    case ISA_VPU_CHAIN_FP_FN_SELECT:
        stage_select(k->f, k->v, k->b, low, n);
        break;
    case ISA_VPU_CHAIN_FP_FN_GT:
    case ISA_VPU_CHAIN_FP_FN_GE:
    case ISA_VPU_CHAIN_FP_FN_EQ:
        stage_compare(k->f, k->v, k->b, fn, n);
        break;
    case ISA_VPU_CHAIN_FP_FN_TABLE:
        round_out(k->out, k->v, 0, INT32_MIN, INT32_MAX, n);
        stage_table(k->f, k->out, v->table, n);
        break;
    }
    return k->f;
}

/* From v to the value after mul3; returns where. */
static float *apply_fn(const sim_vec *v, block *k, uint32_t n)
{
    const uint32_t mul3 = FIELD(CHAIN_FP, MUL3);
    float *f = function_of(v, k, n);
    if (mul3 == ISA_VPU_CHAIN_FP_MUL3_PRE) {
        stage_mul(f, k->pre, n);
    } else if (mul3 == ISA_VPU_CHAIN_FP_MUL3_ROW) {
        stage_mul(f, (const float *)(const void *)k->rows[SIM_ROW_MUL3], n);
    } else if (mul3 == ISA_VPU_CHAIN_FP_MUL3_B) {
        stage_mul(f, k->b, n);
    }
    return f;
}

static float *run_chain(const sim_vec *v, block *k, uint32_t n)
{
    add_stage(v, k, FIELD(CHAIN_FP, ADD1), ISA_VPU_ADD1_IMM, SIM_ROW_ADD1, n);
    mul_stage(v, k, FIELD(CHAIN_FP, MUL1), ISA_VPU_MUL1_IMM, SIM_ROW_MUL1, n);
    if (FIELD(CHAIN_FP, MID) == ISA_VPU_CHAIN_FP_MID_BF16) {
        stage_bf16(k->v, k->out, n);
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
        to_bf16(k->out, y, n);
        write_spm(v, out, n_rows, k->out);
    } else if (kind == ISA_VPU_CHAIN_OUT_OUT_SPM || kind == ISA_VPU_CHAIN_OUT_OUT_I32) {
        round_out(k->out, y, (int32_t)v->regs[ISA_VPU_O_ZERO], (int32_t)v->regs[ISA_VPU_O_LO],
                  (int32_t)v->regs[ISA_VPU_O_HI], n);
        if (kind == ISA_VPU_CHAIN_OUT_OUT_SPM) {
            write_spm(v, out, n_rows, k->out);
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

/* Lanes of row x of the command that are not masked. */
static uint32_t lanes_of(const sim_vec *v, uint64_t x)
{
    const uint32_t tail = v->regs[ISA_VPU_TAIL];
    return tail != 0 && x % v->a.n[0] == v->a.n[0] - 1 ? tail : v->d;
}

static void mask_rows(const sim_vec *v, block *k, float *y, uint64_t first, uint32_t n_rows)
{
    if (v->regs[ISA_VPU_TAIL] == 0) {
        return;
    }
    for (uint32_t x = 0; x < n_rows; x++) {
        for (uint32_t j = lanes_of(v, first + x); j < v->d; j++) {
            y[x * v->d + j] = 0.0f;
            k->i[x * v->d + j] = 0;
        }
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

static void reduce_squares(float *restrict r, const float *restrict x, bool is_first, uint32_t d)
{
    for (uint32_t j = 0; j < d; j++) {
        r[j] = canonical((is_first ? 0.0f : r[j]) + canonical(x[j] * x[j]));
    }
}

/* A maximum with its place: the greater, a NaN above all, of equal ones the lower place. */
static void keep_greater(bool is_int, uint32_t *i, float *x, uint32_t *place, uint32_t i_new, float x_new, uint32_t place_new)
{
    const bool take = is_int ? (int32_t)i_new > (int32_t)*i : x_new > *x || (x_new != x_new && *x == *x);
    const bool equal = is_int ? i_new == *i : x_new == *x || (x_new != x_new && *x != *x);
    *i = take ? i_new : *i;
    *x = canonical(take ? x_new : *x);
    *place = take || (equal && place_new < *place) ? place_new : *place;
}

static bool reduces_int(const sim_vec *v)
{
    return FIELD(CHAIN_OUT, RED_SRC) == ISA_VPU_CHAIN_OUT_RED_SRC_INT &&
           FIELD(CHAIN_OUT, RED) != ISA_VPU_CHAIN_OUT_RED_SUMSQ;
}

static bool keeps_place(const sim_vec *v)
{
    return FIELD(CHAIN_OUT, RED) == ISA_VPU_CHAIN_OUT_RED_MAX &&
           FIELD(CHAIN_OUT, RED_INDEX) == ISA_VPU_CHAIN_OUT_RED_INDEX_ON;
}

/* The halves of the lanes onto each other, until lane 0 has all; then every lane has it. */
static void reduce_lanes(const sim_vec *v, block *k)
{
    const bool is_int = reduces_int(v);
    const bool is_max = FIELD(CHAIN_OUT, RED) == ISA_VPU_CHAIN_OUT_RED_MAX;
    for (uint32_t n = v->d / 2; n >= 1; n /= 2) {
        if (is_max) {
            for (uint32_t j = 0; j < n; j++) {
                keep_greater(is_int, &k->reduced_i[j], &k->reduced_v[j], &k->place[j], k->reduced_i[j + n],
                             k->reduced_v[j + n], k->place[j + n]);
            }
        } else if (is_int) {
            reduce_int(k->reduced_i, (const int32_t *)k->reduced_i + n, true, false, n);
        } else {
            for (uint32_t j = 0; j < n; j++) {
                k->reduced_v[j] = canonical(k->reduced_v[j] + k->reduced_v[j + n]);
            }
        }
    }
    for (uint32_t j = 1; j < v->d; j++) {
        k->reduced_i[j] = k->reduced_i[0];
        k->reduced_v[j] = k->reduced_v[0];
        k->place[j] = k->place[0];
    }
}

static void write_reduced(const sim_vec *v, block *k, sim_walker *out2)
{
    const uint32_t d = v->d;
    float r[SIM_MAX_D];
    int32_t rounded[SIM_MAX_D];
    if (FIELD(CHAIN_OUT, RED_LANES) == ISA_VPU_CHAIN_OUT_RED_LANES_ON) {
        reduce_lanes(v, k);
    }
    if (keeps_place(v) || reduces_int(v)) {
        for (uint32_t j = 0; j < d; j++) {
            r[j] = (float)(int32_t)(keeps_place(v) ? k->place[j] : k->reduced_i[j]);
        }
    } else {
        memcpy(r, k->reduced_v, d * sizeof r[0]);
    }
    stage_mul_constant(r, as_float(v->regs[ISA_VPU_R_MUL]), d);
    stage_add_constant(r, as_float(v->regs[ISA_VPU_R_ADD]), d);
    const uint32_t fn = FIELD(CHAIN_OUT, RED_FN);
    if (fn != ISA_VPU_CHAIN_OUT_RED_FN_NONE) {
        isa_fn_rows(fn == ISA_VPU_CHAIN_OUT_RED_FN_RECIP ? ISA_FN_RECIP : ISA_FN_RSQRT, r, r, d);
    }
    const uint32_t kind = FIELD(CHAIN_OUT, RED_OUT);
    if (kind == ISA_VPU_CHAIN_OUT_RED_OUT_F32) {
        write_words(v, out2, 1, r); /* canonical already */
        return;
    }
    if (kind == ISA_VPU_CHAIN_OUT_RED_OUT_SPM && v->bf16) {
        to_bf16(rounded, r, d);
        write_spm(v, out2, 1, rounded);
        return;
    }
    round_out(rounded, r, (int32_t)v->regs[ISA_VPU_R_ZERO], (int32_t)v->regs[ISA_VPU_R_LO],
              (int32_t)v->regs[ISA_VPU_R_HI], d);
    if (kind == ISA_VPU_CHAIN_OUT_RED_OUT_SPM) {
        write_spm(v, out2, 1, rounded);
    } else {
        write_words(v, out2, 1, rounded);
    }
}

/* What lanes that take nothing of a group's first row start from. */
static void start_masked(const sim_vec *v, block *k, uint32_t first_lane)
{
    const bool is_max = FIELD(CHAIN_OUT, RED) == ISA_VPU_CHAIN_OUT_RED_MAX;
    for (uint32_t j = first_lane; j < v->d; j++) {
        k->reduced_i[j] = is_max ? (uint32_t)INT32_MIN : 0;
        k->reduced_v[j] = is_max ? -INFINITY : 0.0f;
        k->place[j] = 0;
    }
}

static void reduce_places(const sim_vec *v, block *k, const int32_t *i, const float *x, uint64_t in_group, uint32_t n_lanes)
{
    const bool over_lanes = FIELD(CHAIN_OUT, RED_LANES) == ISA_VPU_CHAIN_OUT_RED_LANES_ON;
    for (uint32_t j = 0; j < n_lanes; j++) {
        const uint32_t place = (uint32_t)(over_lanes ? in_group * v->d + j : in_group) & INT32_MAX;
        if (in_group == 0) {
            k->reduced_i[j] = (uint32_t)i[j];
            k->reduced_v[j] = canonical(x[j]);
            k->place[j] = place;
        } else {
            keep_greater(reduces_int(v), &k->reduced_i[j], &k->reduced_v[j], &k->place[j], (uint32_t)i[j], x[j], place);
        }
    }
}

/* n_rows rows; the first of them is row `in_group` of its group. Returns the same for the row after them. */
static uint64_t reduce_block(const sim_vec *v, block *k, const float *y, uint64_t first, uint32_t n_rows, uint64_t in_group,
                             uint64_t group, sim_walker *out2)
{
    const uint32_t red = FIELD(CHAIN_OUT, RED);
    const bool is_sum = red == ISA_VPU_CHAIN_OUT_RED_SUM;
    const bool is_int = reduces_int(v);
    const bool with_place = keeps_place(v);
    for (uint32_t x = 0; x < n_rows; x++) {
        const int32_t *row_i = k->i + (size_t)x * v->d;
        const float *row = y + (size_t)x * v->d;
        const uint32_t n_lanes = lanes_of(v, first + x);
        if (in_group == 0) {
            start_masked(v, k, n_lanes);
        }
        if (with_place) {
            reduce_places(v, k, row_i, row, in_group, n_lanes);
        } else if (is_int) {
            reduce_int(k->reduced_i, row_i, is_sum, in_group == 0, n_lanes);
        } else if (red == ISA_VPU_CHAIN_OUT_RED_SUMSQ) {
            reduce_squares(k->reduced_v, row, in_group == 0, n_lanes);
        } else {
            reduce_fp(k->reduced_v, row, is_sum, in_group == 0, n_lanes);
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
    const uint32_t fn = FIELD(CHAIN_FP, FN);
    return fn == ISA_VPU_CHAIN_FP_FN_MIN || fn == ISA_VPU_CHAIN_FP_FN_SELECT || fn == ISA_VPU_CHAIN_FP_FN_GT ||
           fn == ISA_VPU_CHAIN_FP_FN_GE || fn == ISA_VPU_CHAIN_FP_FN_EQ ||
           FIELD(CHAIN_FP, MUL3) == ISA_VPU_CHAIN_FP_MUL3_B || FIELD(CHAIN_FP, ADD1) == ISA_VPU_CHAIN_FP_ADD1_B || FIELD(CHAIN_FP, MUL1) == ISA_VPU_CHAIN_FP_MUL1_B ||
           FIELD(CHAIN_FP, ADD2) == ISA_VPU_CHAIN_FP_ADD2_B || fn == ISA_VPU_CHAIN_FP_FN_MAX;
}

static void start_window(const sim_vec *v, block *k)
{
    k->window = sim_command_window(v->regs);
    k->output = k->line = k->image = 0;
    if (k->window.taps != 0) {
        to_words(v, k->weights, v->taps, SIM_N_TAPS * v->d);
    }
}

static void vec(const sim_vec *v)
{
    block *k = v->scratch;
    start_window(v, k);
    k->n_transposed = v->d;
    const sim_walk *walk = k->window.taps != 0 ? &v->out : &v->a;
    const uint64_t n_rows = (uint64_t)walk->n[0] * walk->n[1] * walk->n[2] * walk->n[3];
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
            in_group = reduce_block(v, k, y, done, n, in_group, group, &out2);
        }
        mask_rows(v, k, y, done, n);
        write_out(v, k, y, &out, n);
        done += n;
    }
}
