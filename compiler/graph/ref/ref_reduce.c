/*
 * ref_reduce.c -- reductions over axes.
 *
 * Floats are summed in double, in row-major order of the reduced elements, and rounded once; integers
 * wrap. Over no elements: what the operation starts with (0, 1, the lowest or highest number of the type).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include "systole/base/assert.h"

#include <math.h>

typedef enum reduction {
    REDUCE_SUM,
    REDUCE_MEAN,
    REDUCE_MAX,
    REDUCE_MIN,
    REDUCE_PROD,
    REDUCE_L1,
    REDUCE_L2,
    REDUCE_SUMSQUARE,
    REDUCE_LOGSUM,
    REDUCE_LOGSUMEXP
} reduction;

static sy_status reduced_axes(const ir_kernel_args *args, const ir_tensor *x,
                              bool reduced[IR_MAX_RANK])
{
    const ir_tensor *axes = ir_kernel_input(args, 1);
    const int64_t n = axes != NULL ? ir_tensor_n_elements(axes) : 0;
    const bool all = n == 0 && ir_node_int(args->node, "noop_with_empty_axes", 0) == 0;
    if (axes != NULL) {
        SY_TRY(ir_ref_need(args, axes, axes->dtype == SY_DT_I64 || axes->dtype == SY_DT_I32));
    }
    for (int32_t a = 0; a < IR_MAX_RANK; a++) {
        reduced[a] = all;
    }
    for (int64_t i = 0; i < n; i++) {
        int32_t a;
        if (!ir_ref_axis(ir_ref_get_int(axes, i), x->rank, &a)) {
            return base_fail(args->diag, SY_EINVAL,
                             "axis %lld is outside a tensor of %d dimensions",
                             (long long)ir_ref_get_int(axes, i), x->rank);
        }
        reduced[a] = true;
    }
    return SY_OK;
}

/* The elements under one result: base + the walk's offset. */
typedef struct group {
    const ir_tensor *x;
    int64_t base, n;
    ir_ref_walk *walk;
} group;

static int64_t group_first(const group *g)
{
    return g->base + g->walk->offset[0];
}

/* ---------------------------------------------------------------- floats */

static double log_sum_exp(const group *g)
{
    double largest = -(double)INFINITY, total = 0.0;
    for (int64_t i = 0; i < g->n; i++, ir_ref_walk_next(g->walk)) {
        const double v = ir_ref_get(g->x, group_first(g));
        largest = v > largest || isnan(v) ? v : largest;
    }
    if (isinf(largest) || isnan(largest)) { /* nothing but -inf, or one that outdoes all */
        return largest;
    }
    for (int64_t i = 0; i < g->n; i++, ir_ref_walk_next(g->walk)) {
        total += ir_ref_exp(ir_ref_get(g->x, group_first(g)) - largest);
    }
    return largest + ir_ref_log(total);
}

static double start_of(reduction kind)
{
    switch (kind) {
    case REDUCE_PROD:
        return 1.0;
    case REDUCE_MAX:
        return -(double)INFINITY;
    case REDUCE_MIN:
        return (double)INFINITY;
    case REDUCE_SUM:
    case REDUCE_MEAN:
    case REDUCE_L1:
    case REDUCE_L2:
    case REDUCE_SUMSQUARE:
    case REDUCE_LOGSUM:
    case REDUCE_LOGSUMEXP:
        return 0.0;
    }
    SY_UNREACHABLE();
}

static double float_step(reduction kind, double s, double v)
{
    switch (kind) {
    case REDUCE_SUM:
    case REDUCE_MEAN:
    case REDUCE_LOGSUM:
    case REDUCE_LOGSUMEXP:
        return s + v;
    case REDUCE_MAX:
        return isnan(s) || s > v ? s : v;
    case REDUCE_MIN:
        return isnan(s) || s < v ? s : v;
    case REDUCE_PROD:
        return s * v;
    case REDUCE_L1:
        return s + fabs(v);
    case REDUCE_L2:
    case REDUCE_SUMSQUARE:
        return s + v * v;
    }
    SY_UNREACHABLE();
}

/* What comes of the sum s over n elements. */
static double finish(reduction kind, double s, int64_t n)
{
    switch (kind) {
    case REDUCE_MEAN:
        return s / (double)n;
    case REDUCE_L2:
        return sqrt(s);
    case REDUCE_LOGSUM:
        return ir_ref_log(s);
    case REDUCE_SUM:
    case REDUCE_MAX:
    case REDUCE_MIN:
    case REDUCE_PROD:
    case REDUCE_L1:
    case REDUCE_SUMSQUARE:
    case REDUCE_LOGSUMEXP:
        return s;
    }
    SY_UNREACHABLE();
}

static double reduce_floats(reduction kind, const group *g)
{
    double s = start_of(kind);
    if (kind == REDUCE_LOGSUMEXP) {
        return log_sum_exp(g);
    }
    for (int64_t i = 0; i < g->n; i++, ir_ref_walk_next(g->walk)) {
        s = float_step(kind, s, ir_ref_get(g->x, group_first(g)));
    }
    return finish(kind, s, g->n);
}

/* ---------------------------------------------------------------- integers */

static bool int_less(sy_dtype t, int64_t a, int64_t b)
{
    return t == SY_DT_U64 ? (uint64_t)a < (uint64_t)b : a < b;
}

/* The largest (or lowest) number of an integer type. */
static int64_t int_limit(sy_dtype t, bool largest)
{
    const uint32_t bits = t == SY_DT_BOOL ? 1 : sy_dtype_bits(t);
    const bool is_signed = sy_dtype_class_of(t) == SY_DC_INT;
    const int64_t top = (int64_t)(UINT64_MAX >> (64 - bits + is_signed));
    return largest ? top : is_signed ? -top - 1 : 0;
}

static int64_t int_step(reduction kind, sy_dtype t, int64_t s, int64_t v)
{
    const uint64_t us = (uint64_t)s, uv = (uint64_t)v;
    switch (kind) {
    case REDUCE_SUM:
    case REDUCE_MEAN:
        return (int64_t)(us + uv);
    case REDUCE_MAX:
        return int_less(t, s, v) ? v : s;
    case REDUCE_MIN:
        return int_less(t, v, s) ? v : s;
    case REDUCE_PROD:
        return (int64_t)(us * uv);
    case REDUCE_L1:
        return (int64_t)(us + (t != SY_DT_U64 && v < 0 ? 0 - uv : uv));
    case REDUCE_L2:
    case REDUCE_SUMSQUARE:
    case REDUCE_LOGSUM:
    case REDUCE_LOGSUMEXP:
        return (int64_t)(us + uv * uv);
    }
    SY_UNREACHABLE();
}

/* Roots, logarithms and quotients of integers are cut to whole numbers. */
static int64_t reduce_ints(reduction kind, const group *g)
{
    const sy_dtype t = g->x->dtype;
    if (kind == REDUCE_L2 || kind == REDUCE_LOGSUM || kind == REDUCE_LOGSUMEXP) {
        return ir_ref_truncate(t, reduce_floats(kind, g));
    }
    int64_t s = kind == REDUCE_PROD                         ? 1
                : kind == REDUCE_MAX || kind == REDUCE_MIN ? int_limit(t, kind == REDUCE_MIN)
                                                           : 0;
    for (int64_t i = 0; i < g->n; i++, ir_ref_walk_next(g->walk)) {
        s = int_step(kind, t, s, ir_ref_get_int(g->x, group_first(g)));
    }
    if (kind == REDUCE_MEAN && g->n != 0) {
        return t == SY_DT_U64 ? (int64_t)((uint64_t)s / (uint64_t)g->n) : s / g->n;
    }
    return s;
}

/* ---------------------------------------------------------------- kernels */

/* Walks the results in order, and under each the reduced elements in row-major order. */
static sy_status reduce(const ir_kernel_args *args, reduction kind)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    const bool is_float = ir_ref_is_float(x->dtype);
    const bool of_bool = kind == REDUCE_MAX || kind == REDUCE_MIN;
    bool reduced[IR_MAX_RANK];
    SY_TRY(ir_ref_need(args, x,
                       is_float || (ir_ref_is_integer(x->dtype) &&
                                    (x->dtype != SY_DT_BOOL || of_bool))));
    SY_TRY(reduced_axes(args, x, reduced));

    ir_ref_walk outer, inner;
    int64_t kept_dims[IR_MAX_RANK], inner_dims[IR_MAX_RANK];
    for (int32_t a = 0; a < x->rank; a++) {
        kept_dims[a] = reduced[a] ? 1 : x->dims[a];
        inner_dims[a] = reduced[a] ? x->dims[a] : 1;
    }
    ir_ref_walk_start(&outer, x->rank, kept_dims);
    ir_ref_walk_start(&inner, x->rank, inner_dims);
    ir_ref_broadcast_strides(x, x->rank, outer.strides[0]);
    ir_ref_broadcast_strides(x, x->rank, inner.strides[0]);
    const int64_t n_out = ir_ref_product(kept_dims, 0, x->rank);
    if (n_out != ir_tensor_n_elements(y)) {
        return base_fail(args->diag, SY_ESHAPE, "%lld results do not fit the result's shape",
                         (long long)n_out);
    }
    for (int64_t o = 0; o < n_out; o++, ir_ref_walk_next(&outer)) {
        const group g = {x, outer.offset[0], ir_ref_product(inner_dims, 0, x->rank), &inner};
        if (is_float) {
            ir_ref_put(y, o, reduce_floats(kind, &g));
        } else {
            ir_ref_put_int(y, o, reduce_ints(kind, &g));
        }
    }
    return SY_OK;
}

#define KERNEL(name, kind)                               \
    sy_status ir_ref_reduce##name(const ir_kernel_args *args) \
    {                                                    \
        return reduce(args, kind);                       \
    }

KERNEL(sum, REDUCE_SUM)
KERNEL(mean, REDUCE_MEAN)
KERNEL(max, REDUCE_MAX)
KERNEL(min, REDUCE_MIN)
KERNEL(prod, REDUCE_PROD)
KERNEL(l1, REDUCE_L1)
KERNEL(l2, REDUCE_L2)
KERNEL(sumsquare, REDUCE_SUMSQUARE)
KERNEL(logsum, REDUCE_LOGSUM)
KERNEL(logsumexp, REDUCE_LOGSUMEXP)
