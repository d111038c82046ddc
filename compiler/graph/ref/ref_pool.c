/*
 * ref_pool.c -- MaxPool, AveragePool, LpPool and their global forms.
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

/* (sum of |x|^p over a window) ^ (1 / p) */
static double norm_of(double total, double p)
{
    return p == 1.0 ? total : p == 2.0 ? sqrt(total) : ir_ref_pow(total, 1.0 / p);
}

static double power(double v, double p)
{
    return p == 1.0 ? fabs(v) : p == 2.0 ? v * v : ir_ref_pow(fabs(v), p);
}

static sy_status order_of(const ir_kernel_args *args, double *p)
{
    const int64_t order = ir_node_int(args->node, "p", 2);
    *p = (double)order;
    return order >= 1 ? SY_OK
                      : base_fail(args->diag, SY_EINVAL, "attribute 'p' must be at least 1, got %lld",
                                  (long long)order);
}

sy_status ir_ref_lppool(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    const int32_t spatial = x->rank - 2;
    ir_window win;
    double p;
    SY_TRY(order_of(args, &p));
    SY_TRY(ir_window_resolve(args->node, spatial, x->dims + 2, NULL, args->diag, &win));
    const int64_t plane = ir_ref_product(x->dims, 2, x->rank);
    const int64_t n_out = ir_ref_product(win.out, 0, spatial);
    int64_t i = 0;
    for (int64_t k = 0; k < x->dims[0] * x->dims[1]; k++) {
        ir_ref_walk walk;
        ir_ref_walk_start(&walk, spatial, win.out);
        for (int64_t o = 0; o < n_out; o++, ir_ref_walk_next(&walk)) {
            const inside_taps taps = taps_at(&win, x->dims + 2, walk.index, false);
            double s = 0.0;
            for (int64_t t = 0; t < taps.n; t++) {
                s += power(ir_ref_get(x, k * plane + tap_offset(&win, &taps, x->dims + 2, walk.index, t)), p);
            }
            ir_ref_put(y, i++, norm_of(s, p));
        }
    }
    return SY_OK;
}

sy_status ir_ref_globallppool(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    double p;
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    SY_TRY(order_of(args, &p));
    const int64_t plane = ir_ref_product(x->dims, 2, x->rank);
    for (int64_t k = 0; k < x->dims[0] * x->dims[1]; k++) {
        double s = 0.0;
        for (int64_t i = 0; i < plane; i++) {
            s += power(ir_ref_get(x, k * plane + i), p);
        }
        ir_ref_put(y, k, norm_of(s, p));
    }
    return SY_OK;
}
