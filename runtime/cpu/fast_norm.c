/*
 * fast_norm.c -- Softmax, LayerNormalization, RMSNormalization in fp32, and the operators that
 * exporters write instead of the latter two.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"
#include "fuse_match.h"

#include <math.h>

#define TASK_ELEMENTS 8192
#define COLUMN_BLOCK  256 /* columns of a Softmax along another axis than the last */

static int64_t rows_per_task(int64_t n)
{
    return n >= TASK_ELEMENTS ? 1 : TASK_ELEMENTS / (n > 0 ? n : 1);
}

static int64_t product_of(const ir_tensor *t, int32_t first, int32_t last)
{
    int64_t n = 1;
    for (int32_t i = first; i < last; i++) {
        n *= t->dims[i];
    }
    return n;
}

/* The attribute's axis, counted from 0; false: it is none of x's. */
static bool axis_of(const ir_node *n, int32_t rank, int32_t *axis)
{
    const int64_t a = ir_node_int(n, "axis", -1);
    *axis = (int32_t)(a < 0 ? a + rank : a);
    return a >= -rank && a < rank;
}

/* ---------------------------------------------------------------- Softmax */

typedef struct softmax_job {
    const float *x;
    float *y;
    int64_t n, inner, n_rows, rows_per_task; /* inner > 1: a row is COLUMN_BLOCK columns */
} softmax_job;

static sy_status softmax_rows(void *user, int64_t i, rt_scratch *scratch)
{
    const softmax_job *j = user;
    const rt_simd *simd = rt_simd_best();
    const int64_t first = i * j->rows_per_task, most = first + j->rows_per_task;
    (void)scratch;
    for (int64_t r = first; r < most && r < j->n_rows; r++) {
        simd->softmax(j->n, j->x + r * j->n, j->y + r * j->n);
    }
    return SY_OK;
}

/* All rows of some columns at a time. */
static sy_status softmax_columns(void *user, int64_t i, rt_scratch *scratch)
{
    const softmax_job *j = user;
    const rt_simd *simd = rt_simd_best();
    const int64_t n_blocks = (j->inner + COLUMN_BLOCK - 1) / COLUMN_BLOCK;
    const int64_t column = i % n_blocks * COLUMN_BLOCK, left = j->inner - column;
    const int64_t width = left < COLUMN_BLOCK ? left : COLUMN_BLOCK;
    const float *x = j->x + i / n_blocks * j->n * j->inner + column;
    float *y = j->y + i / n_blocks * j->n * j->inner + column;
    float largest[COLUMN_BLOCK], total[COLUMN_BLOCK];
    (void)scratch;
    for (int64_t c = 0; c < width; c++) {
        largest[c] = -INFINITY;
        total[c] = 0.0f;
    }
    for (int64_t k = 0; k < j->n; k++) {
        simd->max_floats(width, x + k * j->inner, 1, largest);
    }
    for (int64_t k = 0; k < j->n; k++) {
        float *row = y + k * j->inner;
        simd->fsub(width, x + k * j->inner, largest, 1, row);
        simd->exp(width, row, 0.0f, row);
        simd->add_floats(width, row, 1, total);
    }
    for (int64_t k = 0; k < j->n; k++) {
        for (int64_t c = 0; c < width; c++) {
            y[k * j->inner + c] /= total[c];
        }
    }
    return SY_OK;
}

sy_status rt_fast_softmax(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    int32_t axis;
    (void)state;
    if (x->dtype != SY_DT_F32 || !axis_of(args->node, x->rank, &axis)) {
        return rt_run_reference(args);
    }
    softmax_job j = {.x = x->data,
                     .y = ir_kernel_output(args, 0)->data,
                     .n = x->dims[axis],
                     .inner = product_of(x, axis + 1, x->rank)};
    const int64_t n_elements = ir_tensor_n_elements(x);
    if (n_elements == 0) {
        return SY_OK;
    }
    rt_pool *pool = rt_pool_for(env, 30.0 * (double)n_elements);
    const int64_t outer = n_elements / (j.n * j.inner);
    if (j.inner > 1) {
        return rt_pool_run(pool, outer * ((j.inner + COLUMN_BLOCK - 1) / COLUMN_BLOCK),
                           softmax_columns, &j, env->scratch);
    }
    j.n_rows = outer;
    j.rows_per_task = rows_per_task(j.n);
    return rt_pool_run(pool, (outer + j.rows_per_task - 1) / j.rows_per_task, softmax_rows, &j,
                       env->scratch);
}

/* ---------------------------------------------------------------- normalisation */

typedef struct norm_job {
    const float *x, *scale, *bias;
    float *y, *mean, *inverse; /* NULL: not wanted */
    int64_t n, n_rows, rows_per_task;
    bool centred;
    float epsilon;
} norm_job;

static sy_status norm_rows(void *user, int64_t i, rt_scratch *scratch)
{
    const norm_job *j = user;
    const rt_simd *simd = rt_simd_best();
    const int64_t first = i * j->rows_per_task, most = first + j->rows_per_task;
    (void)scratch;
    for (int64_t r = first; r < most && r < j->n_rows; r++) {
        float mean, inverse;
        simd->normalise(j->n, j->x + r * j->n, j->centred, j->epsilon, j->scale, j->bias,
                        j->y != NULL ? j->y + r * j->n : NULL, &mean, &inverse);
        if (j->mean != NULL) {
            j->mean[r] = mean;
        }
        if (j->inverse != NULL) {
            j->inverse[r] = inverse;
        }
    }
    return SY_OK;
}

static sy_status run_norm(norm_job *j, const rt_env *env)
{
    if (j->n_rows == 0 || j->n == 0) {
        return SY_OK;
    }
    j->rows_per_task = rows_per_task(j->n);
    rt_pool *pool = rt_pool_for(env, 8.0 * (double)j->n_rows * (double)j->n);
    return rt_pool_run(pool, (j->n_rows + j->rows_per_task - 1) / j->rows_per_task, norm_rows, j,
                       env->scratch);
}

static float *data_of(ir_tensor *t)
{
    return t != NULL ? t->data : NULL;
}

static sy_status norm(const ir_kernel_args *args, const rt_env *env, bool centred)
{
    const ir_tensor *x = ir_kernel_input(args, 0), *scale = ir_kernel_input(args, 1),
                    *bias = ir_kernel_input(args, 2);
    int32_t axis;
    if (x->dtype != SY_DT_F32 || !axis_of(args->node, x->rank, &axis)) {
        return rt_run_reference(args);
    }
    norm_job j = {.x = x->data,
                  .scale = scale->data,
                  .bias = bias != NULL ? bias->data : NULL,
                  .y = data_of(ir_kernel_output(args, 0)),
                  .mean = data_of(ir_kernel_output(args, 1)),
                  .inverse = data_of(ir_kernel_output(args, 2)),
                  .n = product_of(x, axis, x->rank),
                  .n_rows = product_of(x, 0, axis),
                  .centred = centred,
                  .epsilon = ir_node_float(args->node, "epsilon", 1e-5f)};
    if (scale->dtype != SY_DT_F32 || ir_tensor_n_elements(scale) != j.n ||
        (bias != NULL && ir_tensor_n_elements(bias) != j.n) || scale->rank > x->rank ||
        (bias != NULL && bias->rank > x->rank)) {
        return rt_run_reference(args);
    }
    return run_norm(&j, env);
}

sy_status rt_fast_layernorm(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    (void)state;
    return norm(args, env, true);
}

sy_status rt_fast_rmsnorm(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    (void)state;
    return norm(args, env, false);
}

/* ---------------------------------------------------------------- in pieces */

typedef struct norm_state {
    bool centred;
    float epsilon;
    int64_t n; /* elements of a row: scale's and bias's too */
} norm_state;

/* Operands: x, scale, bias (may be absent). */
static sy_status run_merged_norm(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const norm_state *s = state;
    const ir_tensor *x = ir_kernel_input(args, 0), *scale = ir_kernel_input(args, 1),
                    *bias = ir_kernel_input(args, 2);
    if (x->dtype != SY_DT_F32 || x->rank < 1 || x->dims[x->rank - 1] != s->n) {
        return rt_run_parts(args, env);
    }
    norm_job j = {.x = x->data,
                  .scale = scale->data,
                  .bias = bias != NULL ? bias->data : NULL,
                  .y = ir_kernel_output(args, 0)->data,
                  .n = s->n,
                  .n_rows = ir_tensor_n_elements(x) / s->n,
                  .centred = s->centred,
                  .epsilon = s->epsilon};
    return run_norm(&j, env);
}

static const rt_kernel norm_kernel = {.run = run_merged_norm};

/* The operand of the ReduceMean over the last axis that makes slot s; RT_NONE: it is none. */
static uint32_t mean_of(rt_pattern *p, uint32_t s)
{
    const rt_fusion *f = p->f;
    const uint32_t i = rt_match_maker(f, s, IR_OP_REDUCEMEAN), x = rt_match_input(f, i, 0);
    const ir_tensor *axes = i != RT_NONE ? rt_fuse_constant(f, i, 1) : NULL;
    if (axes == NULL || axes->dtype != SY_DT_I64 || ir_tensor_n_elements(axes) != 1 ||
        ir_node_int(f->steps.items[i].node, "keepdims", 1) != 1 || rt_fuse_rank(f, x) < 1) {
        return RT_NONE;
    }
    const int64_t axis = *(const int64_t *)axes->data;
    return (axis == -1 || axis == rt_fuse_rank(f, x) - 1) && rt_pattern_add(p, i) ? x : RT_NONE;
}

/* The operand of s = v^2: Pow, or a product. */
static uint32_t square_of(rt_pattern *p, uint32_t s)
{
    const rt_fusion *f = p->f;
    const uint32_t pow = rt_match_maker(f, s, IR_OP_POW), mul = rt_match_maker(f, s, IR_OP_MUL);
    const uint32_t i = pow != RT_NONE ? pow : mul, v = rt_match_input(f, i, 0);
    const bool good = pow != RT_NONE ? rt_match_value(f, rt_match_input(f, pow, 1), 2.0)
                                     : v == rt_match_input(f, mul, 1);
    return i != RT_NONE && good && rt_pattern_add(p, i) ? v : RT_NONE;
}

/* The x of d = x - mean(x); RT_NONE: d is no such difference. */
static uint32_t centred_from(rt_pattern *p, uint32_t d)
{
    const rt_fusion *f = p->f;
    const rt_pattern before = *p;
    const uint32_t i = rt_match_maker(f, d, IR_OP_SUB), x = rt_match_input(f, i, 0);
    if (i == RT_NONE || mean_of(p, rt_match_input(f, i, 1)) != x || !rt_pattern_add(p, i)) {
        *p = before;
        return RT_NONE;
    }
    return x;
}

/* A constant vector of n elements along the last axis. */
static bool is_vector(const rt_fusion *f, uint32_t s, int64_t n)
{
    const ir_tensor *t = f->slots.items[s].constant;
    return t != NULL && t->dtype == SY_DT_F32 && t->rank >= 1 && t->dims[t->rank - 1] == n &&
           ir_tensor_n_elements(t) == n;
}

/* What the deviation in slot `deviation` divides: by Div, or as a Reciprocal and a product. */
static uint32_t divided(rt_pattern *p, uint32_t deviation, uint32_t *dividend)
{
    const rt_fusion *f = p->f;
    uint32_t i = rt_fuse_only_user(f, deviation);
    if (rt_fuse_is(f, i, IR_OP_DIV) && rt_match_input(f, i, 1) == deviation) {
        *dividend = rt_match_input(f, i, 0);
        return rt_pattern_add(p, i) ? i : RT_NONE;
    }
    const uint32_t inverse = rt_match_output(f, i), product = rt_fuse_only_user(f, inverse);
    const bool one_over = rt_fuse_is(f, i, IR_OP_RECIPROCAL);
    return one_over && rt_match_with(f, product, IR_OP_MUL, inverse, dividend) &&
                   rt_pattern_add(p, i) && rt_pattern_add(p, product)
               ? product
               : RT_NONE;
}

/* Step i is the Sqrt. */
sy_status rt_fuse_norm(rt_fusion *f, uint32_t i, bool *changed)
{
    rt_pattern p = {.f = f};
    uint32_t inputs[3] = {RT_NONE, RT_NONE, RT_NONE}, dividend = RT_NONE, other = RT_NONE;
    norm_state s = {.n = -1};
    const uint32_t sum = rt_match_maker(f, rt_match_input(f, i, 0), IR_OP_ADD);
    if (!rt_fuse_is(f, i, IR_OP_SQRT) || sum == RT_NONE || !rt_pattern_add(&p, i) ||
        !rt_pattern_add(&p, sum)) {
        return SY_OK;
    }
    const uint32_t eps_at = rt_match_scalar(f, rt_match_input(f, sum, 1), &s.epsilon) ? 1 : 0;
    if (!rt_match_scalar(f, rt_match_input(f, sum, eps_at), &s.epsilon)) {
        return SY_OK;
    }
    const uint32_t square = mean_of(&p, rt_match_input(f, sum, 1 - eps_at));
    const uint32_t centre = square != RT_NONE ? square_of(&p, square) : RT_NONE;
    uint32_t last = centre != RT_NONE ? divided(&p, rt_match_output(f, i), &dividend) : RT_NONE;
    if (last == RT_NONE) {
        return SY_OK;
    }
    inputs[0] = centred_from(&p, centre);
    s.centred = inputs[0] != RT_NONE;
    inputs[0] = s.centred ? inputs[0] : centre;
    /* Some exporters subtract the mean twice. */
    if (dividend != centre && (!s.centred || centred_from(&p, dividend) != inputs[0])) {
        return SY_OK;
    }
    uint32_t y = rt_match_output(f, last);
    const uint32_t scale = rt_fuse_only_user(f, y);
    s.n = rt_fuse_dim(f, inputs[0], rt_fuse_rank(f, inputs[0]) - 1);
    if (rt_fuse_dtype(f, inputs[0]) != SY_DT_F32 || s.n < 1 ||
        !rt_match_with(f, scale, IR_OP_MUL, y, &inputs[1]) || !is_vector(f, inputs[1], s.n) ||
        !rt_pattern_add(&p, scale)) {
        return SY_OK;
    }
    last = scale;
    const uint32_t bias = rt_fuse_only_user(f, rt_match_output(f, scale));
    if (s.centred && rt_match_with(f, bias, IR_OP_ADD, rt_match_output(f, scale), &other) &&
        is_vector(f, other, s.n) && rt_pattern_add(&p, bias)) {
        inputs[2] = other;
        last = bias;
    }
    y = rt_match_output(f, last);
    norm_state *state = BASE_ARENA_NEW(f->arena, norm_state);
    if (state == NULL || !rt_pattern_closed(&p, y)) {
        return state == NULL ? SY_ENOMEM : SY_OK;
    }
    *state = s;
    *changed = true;
    return rt_pattern_merge(f, &p, f->steps.items[last].node, &norm_kernel, state, 3, inputs, y);
}
