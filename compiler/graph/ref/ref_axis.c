/*
 * ref_axis.c -- ArgMax, ArgMin, LayerNormalization.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <math.h>

static sy_status arg(const ir_kernel_args *args, double sign)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    int32_t axis;
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype) || ir_ref_is_integer(x->dtype)));
    if (!ir_ref_axis(ir_node_int(args->node, "axis", 0), x->rank, &axis) || x->dims[axis] == 0) {
        return base_fail(args->diag, SY_EINVAL, "there is no such axis, or it is empty");
    }
    const bool last = ir_node_int(args->node, "select_last_index", 0) != 0;
    const bool is_float = ir_ref_is_float(x->dtype);
    const int64_t n = x->dims[axis], inner = ir_ref_product(x->dims, axis + 1, x->rank);
    const int64_t n_out = ir_tensor_n_elements(y);
    for (int64_t o = 0; o < n_out; o++) {
        const int64_t base = o / inner * n * inner + o % inner;
        int64_t best = 0;
        for (int64_t i = 1; i < n; i++) {
            const int64_t at = base + i * inner, old = base + best * inner;
            int order; /* of the new one against the best; a NaN comes first, as numpy has it */
            if (is_float) {
                const double v = sign * ir_ref_get(x, at), w = sign * ir_ref_get(x, old);
                order = isnan(v) || isnan(w) ? isnan(v) - isnan(w) : (v > w) - (v < w);
            } else {
                const uint64_t flip = x->dtype == SY_DT_U64 ? (uint64_t)1 << 63 : 0;
                const int64_t v = (int64_t)((uint64_t)ir_ref_get_int(x, at) ^ flip);
                const int64_t w = (int64_t)((uint64_t)ir_ref_get_int(x, old) ^ flip);
                order = sign > 0.0 ? (v > w) - (v < w) : (v < w) - (v > w);
            }
            best = order > 0 || (last && order == 0) ? i : best;
        }
        ir_ref_put_int(y, o, best);
    }
    return SY_OK;
}

sy_status ir_ref_argmax(const ir_kernel_args *args)
{
    return arg(args, 1.0);
}

sy_status ir_ref_argmin(const ir_kernel_args *args)
{
    return arg(args, -1.0);
}

sy_status ir_ref_layernorm(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *scale = ir_kernel_input(args, 1);
    const ir_tensor *bias = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0), *means = ir_kernel_output(args, 1),
              *inverses = ir_kernel_output(args, 2);
    int32_t axis;
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    if (!ir_ref_axis(ir_node_int(args->node, "axis", -1), x->rank, &axis)) {
        return base_fail(args->diag, SY_EINVAL, "the axis is outside a tensor of %d dimensions",
                         x->rank);
    }
    const int64_t n_rows = ir_ref_product(x->dims, 0, axis),
                  n = ir_ref_product(x->dims, axis, x->rank);
    const double epsilon = (double)ir_node_float(args->node, "epsilon", 1e-5f);
    /* Scale and bias broadcast to x: they may lack or repeat dimensions. */
    ir_ref_walk walk;
    ir_ref_walk_start(&walk, x->rank, x->dims);
    ir_ref_broadcast_strides(scale, x->rank, walk.strides[0]);
    if (bias != NULL) {
        ir_ref_broadcast_strides(bias, x->rank, walk.strides[1]);
    }
    for (int64_t r = 0; r < n_rows; r++) {
        double total = 0.0, squares = 0.0;
        for (int64_t i = 0; i < n; i++) {
            total += ir_ref_get(x, r * n + i);
        }
        const double mean = total / (double)n;
        for (int64_t i = 0; i < n; i++) {
            const double d = ir_ref_get(x, r * n + i) - mean;
            squares += d * d;
        }
        const double inverse = 1.0 / sqrt(squares / (double)n + epsilon);
        for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&walk)) {
            const double v = (ir_ref_get(x, r * n + i) - mean) * inverse *
                             ir_ref_get(scale, walk.offset[0]);
            if (y != NULL) {
                ir_ref_put(y, r * n + i,
                           v + (bias != NULL ? ir_ref_get(bias, walk.offset[1]) : 0.0));
            }
        }
        if (means != NULL) {
            ir_ref_put(means, r, mean);
        }
        if (inverses != NULL) {
            ir_ref_put(inverses, r, inverse);
        }
    }
    return SY_OK;
}
