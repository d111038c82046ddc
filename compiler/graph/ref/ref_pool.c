/*
 * ref_pool.c -- MaxPool, AveragePool, GlobalAveragePool, ReduceMean, ReduceSum.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include "systole/base/assert.h"

#include <math.h>

/* The taps of one window that lie on the input, numbered row by row. */
typedef struct inside_taps {
    ir_ref_taps axes[3];
    int64_t n, counted;
} inside_taps;

static inside_taps taps_at(const ir_window *w, const int64_t *size, const int64_t *index,
                           bool include_pad)
{
    inside_taps t = {.n = 1, .counted = 1};
    for (int32_t a = 0; a < w->rank; a++) {
        t.axes[a] = ir_ref_taps_of(w, a, index[a], size[a], include_pad);
        t.n *= t.axes[a].last - t.axes[a].first;
        t.counted *= t.axes[a].counted;
    }
    return t;
}

/* The offset in the plane of tap number i. */
static int64_t tap_offset(const ir_window *w, const inside_taps *t, const int64_t *size,
                          const int64_t *index, int64_t i)
{
    int64_t at = 0, place = 1;
    for (int32_t a = w->rank - 1; a >= 0; a--) {
        const int64_t n = t->axes[a].last - t->axes[a].first, k = t->axes[a].first + i % n;
        i /= n;
        at += (index[a] * w->strides[a] + k * w->dilations[a] - w->pads_begin[a]) * place;
        place *= size[a];
    }
    return at;
}

/* a > b as the type compares; a NaN beats everything but the first NaN. */
static bool beats(const ir_tensor *x, int64_t a, int64_t b)
{
    if (ir_ref_is_float(x->dtype)) {
        const double va = ir_ref_get(x, a), vb = ir_ref_get(x, b);
        return va > vb || (isnan(va) && !isnan(vb));
    }
    if (x->dtype == SY_DT_U64) {
        return (uint64_t)ir_ref_get_int(x, a) > (uint64_t)ir_ref_get_int(x, b);
    }
    return ir_ref_get_int(x, a) > ir_ref_get_int(x, b);
}

static void copy_element(ir_tensor *y, int64_t i, const ir_tensor *x, int64_t j)
{
    if (ir_ref_is_float(x->dtype)) {
        ir_ref_put(y, i, ir_ref_get(x, j));
    } else {
        ir_ref_put_int(y, i, ir_ref_get_int(x, j));
    }
}

/* What a window without any input element gives: -infinity, the smallest integer. */
static void put_lowest(ir_tensor *y, int64_t i)
{
    if (ir_ref_is_float(y->dtype)) {
        ir_ref_put(y, i, -(double)INFINITY);
    } else {
        const bool is_signed = sy_dtype_class_of(y->dtype) == SY_DC_INT;
        ir_ref_put_int(y, i,
                       is_signed ? (int64_t)(UINT64_MAX << (sy_dtype_bits(y->dtype) - 1)) : 0);
    }
}

/* The index that MaxPool reports for an offset in a plane: as it is, or counted column by column.
 */
static int64_t reported_index(const ir_tensor *x, int64_t plane_base, int64_t at, bool column_major)
{
    if (!column_major) {
        return plane_base + at;
    }
    int64_t index[IR_MAX_RANK], flat = 0;
    for (int32_t a = x->rank - 1; a >= 2; a--) {
        index[a] = at % x->dims[a];
        at /= x->dims[a];
    }
    for (int32_t a = x->rank - 1; a >= 2; a--) {
        flat = flat * x->dims[a] + index[a];
    }
    return plane_base + flat;
}

sy_status ir_ref_maxpool(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    ir_tensor *indices = ir_kernel_output(args, 1);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype) || ir_ref_is_integer(x->dtype)));
    const int32_t spatial = x->rank - 2;
    ir_window win;
    SY_TRY(ir_window_resolve(args->node, spatial, x->dims + 2, NULL, args->diag, &win));
    const bool column_major = ir_node_int(args->node, "storage_order", 0) != 0;
    const int64_t plane = ir_ref_product(x->dims, 2, x->rank);
    const int64_t n_out = ir_ref_product(win.out, 0, spatial);

    int64_t i = 0;
    for (int64_t p = 0; p < x->dims[0] * x->dims[1]; p++) {
        ir_ref_walk walk;
        ir_ref_walk_start(&walk, spatial, win.out);
        for (int64_t o = 0; o < n_out; o++, i++, ir_ref_walk_next(&walk)) {
            const inside_taps taps = taps_at(&win, x->dims + 2, walk.index, false);
            int64_t best = -1;
            for (int64_t t = 0; t < taps.n; t++) {
                const int64_t at = tap_offset(&win, &taps, x->dims + 2, walk.index, t);
                if (best < 0 || beats(x, p * plane + at, p * plane + best)) {
                    best = at;
                }
            }
            if (y != NULL) {
                if (best < 0) {
                    put_lowest(y, i);
                } else {
                    copy_element(y, i, x, p * plane + best);
                }
            }
            if (indices != NULL) {
                ir_ref_put_int(indices, i,
                               best < 0 ? -1 : reported_index(x, p * plane, best, column_major));
            }
        }
    }
    return SY_OK;
}

sy_status ir_ref_averagepool(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    const int32_t spatial = x->rank - 2;
    ir_window win;
    SY_TRY(ir_window_resolve(args->node, spatial, x->dims + 2, NULL, args->diag, &win));
    const bool include_pad = ir_node_int(args->node, "count_include_pad", 0) != 0;
    const int64_t plane = ir_ref_product(x->dims, 2, x->rank);
    const int64_t n_out = ir_ref_product(win.out, 0, spatial);

    int64_t i = 0;
    for (int64_t p = 0; p < x->dims[0] * x->dims[1]; p++) {
        ir_ref_walk walk;
        ir_ref_walk_start(&walk, spatial, win.out);
        for (int64_t o = 0; o < n_out; o++, ir_ref_walk_next(&walk)) {
            const inside_taps taps = taps_at(&win, x->dims + 2, walk.index, include_pad);
            double s = 0.0;
            for (int64_t t = 0; t < taps.n; t++) {
                s += ir_ref_get(x, p * plane + tap_offset(&win, &taps, x->dims + 2, walk.index, t));
            }
            ir_ref_put(y, i++, taps.counted == 0 ? 0.0 : s / (double)taps.counted);
        }
    }
    return SY_OK;
}

sy_status ir_ref_globalaveragepool(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    const int64_t plane = ir_ref_product(x->dims, 2, x->rank);
    for (int64_t p = 0; p < x->dims[0] * x->dims[1]; p++) {
        double s = 0.0;
        for (int64_t i = 0; i < plane; i++) {
            s += ir_ref_get(x, p * plane + i);
        }
        ir_ref_put(y, p, s / (double)plane);
    }
    return SY_OK;
}

sy_status ir_ref_globalmaxpool(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype) || ir_ref_is_integer(x->dtype)));
    const int64_t plane = ir_ref_product(x->dims, 2, x->rank);
    for (int64_t p = 0; p < x->dims[0] * x->dims[1]; p++) {
        int64_t best = p * plane;
        for (int64_t i = 1; i < plane; i++) {
            best = beats(x, p * plane + i, best) ? p * plane + i : best;
        }
        if (plane == 0) {
            put_lowest(y, p);
        } else {
            copy_element(y, p, x, best);
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- reductions over axes */

static sy_status reduced_axes(const ir_kernel_args *args, const ir_tensor *x,
                              bool reduced[IR_MAX_RANK])
{
    const ir_tensor *axes = ir_kernel_input(args, 1);
    const int64_t n = axes != NULL ? ir_tensor_n_elements(axes) : 0;
    const bool all = n == 0 && ir_node_int(args->node, "noop_with_empty_axes", 0) == 0;
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

typedef enum reduction { REDUCE_SUM, REDUCE_MEAN, REDUCE_MAX, REDUCE_MIN } reduction;

/* The extreme one of the n elements at base + walk. */
static sy_status extreme(const ir_kernel_args *args, const ir_tensor *x, int64_t base,
                         ir_ref_walk *walk, int64_t n, bool largest, int64_t *out)
{
    if (n == 0) {
        return base_fail(args->diag, SY_EINVAL, "%s over no elements", args->node->op_name);
    }
    *out = base + walk->offset[0];
    for (int64_t i = 0; i < n; i++, ir_ref_walk_next(walk)) {
        const int64_t at = base + walk->offset[0];
        const bool is_nan = ir_ref_is_float(x->dtype) && isnan(ir_ref_get(x, at));
        const bool better = largest ? beats(x, at, *out)
                                    : beats(x, *out, at) && !isnan(ir_ref_get(x, *out));
        *out = better || is_nan ? at : *out;
    }
    return SY_OK;
}

/* Walks the results in order, and under each the reduced elements in row-major order. */
static sy_status reduce(const ir_kernel_args *args, reduction kind)
{
    const bool mean = kind == REDUCE_MEAN;
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    const bool is_float = ir_ref_is_float(x->dtype);
    SY_TRY(ir_ref_need(args, x, is_float || ir_ref_is_integer(x->dtype)));
    bool reduced[IR_MAX_RANK];
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
    const int64_t n_out = ir_ref_product(kept_dims, 0, x->rank),
                  n = ir_ref_product(inner_dims, 0, x->rank);
    for (int64_t o = 0; o < n_out; o++, ir_ref_walk_next(&outer)) {
        double s = 0.0;
        uint64_t si = 0;
        if (kind == REDUCE_MAX || kind == REDUCE_MIN) {
            int64_t best = 0;
            SY_TRY(extreme(args, x, outer.offset[0], &inner, n, kind == REDUCE_MAX, &best));
            copy_element(y, o, x, best);
            continue;
        }
        for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&inner)) {
            const int64_t at = outer.offset[0] + inner.offset[0];
            if (is_float) {
                s += ir_ref_get(x, at);
            } else {
                si += (uint64_t)ir_ref_get_int(x, at);
            }
        }
        if (is_float) {
            ir_ref_put(y, o, mean ? s / (double)n : s);
        } else {
            ir_ref_put_int(y, o, mean && n != 0 ? (int64_t)si / n : (int64_t)si);
        }
    }
    return SY_OK;
}

sy_status ir_ref_reducemean(const ir_kernel_args *args)
{
    return reduce(args, REDUCE_MEAN);
}

sy_status ir_ref_reducesum(const ir_kernel_args *args)
{
    return reduce(args, REDUCE_SUM);
}

sy_status ir_ref_reducemax(const ir_kernel_args *args)
{
    return reduce(args, REDUCE_MAX);
}

sy_status ir_ref_reducemin(const ir_kernel_args *args)
{
    return reduce(args, REDUCE_MIN);
}
