/*
 * ref_along.c -- CumSum, CumProd, Hardmax, LpNormalization, MeanVarianceNormalization.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <math.h>

/* A tensor as lines along one axis: element i of line l is first(l) + i * inner. */
typedef struct lines {
    int64_t n, inner, n_lines;
} lines;

static int64_t first(const lines *l, int64_t line)
{
    return line / l->inner * l->n * l->inner + line % l->inner;
}

static sy_status lines_of(const ir_kernel_args *args, const ir_tensor *x, int64_t axis, lines *out)
{
    int32_t a = 0;
    if (x->rank > 0 && !ir_ref_axis(axis, x->rank, &a)) {
        return base_fail(args->diag, SY_EINVAL, "axis %lld is outside a tensor of %d dimensions",
                         (long long)axis, x->rank);
    }
    out->n = x->rank > 0 ? x->dims[a] : 1;
    out->inner = ir_ref_product(x->dims, a + 1, x->rank);
    out->n_lines = ir_ref_product(x->dims, 0, a) * out->inner;
    return SY_OK;
}

/* ---------------------------------------------------------------- running sums and products */

static sy_status cumulative(const ir_kernel_args *args, bool product)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *axis = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    const bool is_float = ir_ref_is_float(x->dtype);
    const bool exclusive = ir_node_int(args->node, "exclusive", 0) != 0;
    const bool reverse = ir_node_int(args->node, "reverse", 0) != 0;
    lines l;
    SY_TRY(ir_ref_need(args, x,
                       is_float || (ir_ref_is_integer(x->dtype) && x->dtype != SY_DT_BOOL)));
    SY_TRY(ir_ref_need(args, axis, axis->dtype == SY_DT_I32 || axis->dtype == SY_DT_I64));
    if (ir_tensor_n_elements(axis) != 1) {
        return base_fail(args->diag, SY_ESHAPE, "the axis must be one number");
    }
    SY_TRY(lines_of(args, x, ir_ref_get_int(axis, 0), &l));
    for (int64_t line = 0; line < l.n_lines; line++) {
        double f = product ? 1.0 : 0.0;
        uint64_t u = product;
        for (int64_t k = 0; k < l.n; k++) {
            const int64_t at = first(&l, line) + (reverse ? l.n - 1 - k : k) * l.inner;
            const double f_before = f;
            const uint64_t u_before = u;
            if (is_float) {
                f = product ? f * ir_ref_get(x, at) : f + ir_ref_get(x, at);
                ir_ref_put(y, at, exclusive ? f_before : f);
            } else {
                const uint64_t v = (uint64_t)ir_ref_get_int(x, at);
                u = product ? u * v : u + v;
                ir_ref_put_int(y, at, (int64_t)(exclusive ? u_before : u));
            }
        }
    }
    return SY_OK;
}

sy_status ir_ref_cumsum(const ir_kernel_args *args)
{
    return cumulative(args, false);
}

sy_status ir_ref_cumprod(const ir_kernel_args *args)
{
    return cumulative(args, true);
}

/* ---------------------------------------------------------------- Hardmax, LpNormalization */

sy_status ir_ref_hardmax(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    lines l;
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    SY_TRY(lines_of(args, x, ir_node_int(args->node, "axis", -1), &l));
    for (int64_t line = 0; line < l.n_lines; line++) {
        const int64_t base = first(&l, line);
        int64_t best = 0;
        for (int64_t i = 1; i < l.n; i++) {
            const double v = ir_ref_get(x, base + i * l.inner);
            const double old = ir_ref_get(x, base + best * l.inner);
            best = v > old || (isnan(v) && !isnan(old)) ? i : best;
        }
        for (int64_t i = 0; i < l.n; i++) {
            ir_ref_put(y, base + i * l.inner, i == best ? 1.0 : 0.0);
        }
    }
    return SY_OK;
}

sy_status ir_ref_lpnormalization(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    const int64_t p = ir_node_int(args->node, "p", 2);
    lines l;
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    SY_TRY(lines_of(args, x, ir_node_int(args->node, "axis", -1), &l));
    if (p != 1 && p != 2) {
        return base_fail(args->diag, SY_EINVAL, "attribute 'p' must be 1 or 2, got %lld", (long long)p);
    }
    for (int64_t line = 0; line < l.n_lines; line++) {
        const int64_t base = first(&l, line);
        double norm = 0.0;
        for (int64_t i = 0; i < l.n; i++) {
            const double v = ir_ref_get(x, base + i * l.inner);
            norm += p == 1 ? fabs(v) : v * v;
        }
        norm = p == 1 ? norm : sqrt(norm);
        for (int64_t i = 0; i < l.n; i++) {
            const int64_t at = base + i * l.inner;
            ir_ref_put(y, at, norm == 0.0 ? 0.0 : ir_ref_get(x, at) / norm);
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- MeanVarianceNormalization */

static sy_status normalised_axes(const ir_kernel_args *args, const ir_tensor *x, int64_t kept[IR_MAX_RANK],
                                 int64_t inner[IR_MAX_RANK])
{
    static const int64_t usual[3] = {0, 2, 3};
    const int64_t *axes = NULL;
    uint32_t n = ir_node_ints(args->node, "axes", &axes);
    if (n == 0) {
        n = 3;
        axes = usual;
    }
    for (int32_t a = 0; a < x->rank; a++) {
        kept[a] = x->dims[a];
        inner[a] = 1;
    }
    for (uint32_t i = 0; i < n; i++) {
        int32_t a;
        if (!ir_ref_axis(axes[i], x->rank, &a)) {
            return base_fail(args->diag, SY_EINVAL, "axis %lld is outside a tensor of %d dimensions",
                             (long long)axes[i], x->rank);
        }
        kept[a] = 1;
        inner[a] = x->dims[a];
    }
    return SY_OK;
}

sy_status ir_ref_meanvariancenormalization(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    int64_t kept[IR_MAX_RANK], inner_dims[IR_MAX_RANK];
    ir_ref_walk outer, inner;
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    SY_TRY(normalised_axes(args, x, kept, inner_dims));
    ir_ref_walk_start(&outer, x->rank, kept);
    ir_ref_walk_start(&inner, x->rank, inner_dims);
    ir_ref_broadcast_strides(x, x->rank, outer.strides[0]);
    ir_ref_broadcast_strides(x, x->rank, inner.strides[0]);
    const int64_t n_groups = ir_ref_product(kept, 0, x->rank),
                  n = ir_ref_product(inner_dims, 0, x->rank);
    for (int64_t g = 0; g < n_groups; g++, ir_ref_walk_next(&outer)) {
        double total = 0.0, squares = 0.0;
        for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&inner)) {
            total += ir_ref_get(x, outer.offset[0] + inner.offset[0]);
        }
        const double mean = total / (double)n;
        for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&inner)) {
            const double d = ir_ref_get(x, outer.offset[0] + inner.offset[0]) - mean;
            squares += d * d;
        }
        const double divisor = sqrt(squares / (double)n) + 1e-9;
        for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&inner)) {
            const int64_t at = outer.offset[0] + inner.offset[0];
            ir_ref_put(y, at, (ir_ref_get(x, at) - mean) / divisor);
        }
    }
    return SY_OK;
}
