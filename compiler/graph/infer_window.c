/*
 * infer_window.c -- windows: convolutions and pools, float and quantised.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"
#include "infer_window.h"
#include "internal.h"

#include <inttypes.h>
#include <string.h>

static sy_status fail(const ir_node *n, base_diag *diag, sy_status status, const char *what, const char *problem)
{
    return base_fail(diag, status, IR_NODE_FMT ": %s %s", IR_NODE_ARGS(n), what, problem);
}

sy_status ir_window_ints(const ir_node *n, const char *name, uint32_t n_wanted, int64_t least, int64_t fallback,
                           base_diag *diag, int64_t *out)
{
    const int64_t *values;
    const uint32_t count = ir_node_ints(n, name, &values);
    if (values == NULL || count == 0) {
        for (uint32_t i = 0; i < n_wanted; i++) {
            out[i] = fallback;
        }
        return SY_OK;
    }
    if (count != n_wanted) {
        return base_fail(diag, SY_EINVAL, IR_NODE_FMT ": attribute '%s' must have %u entries, got %u",
                         IR_NODE_ARGS(n), name, n_wanted, count);
    }
    for (uint32_t i = 0; i < n_wanted; i++) {
        if (values[i] < least || values[i] > IR_WINDOW_LIMIT) {
            return base_fail(diag, SY_EINVAL, IR_NODE_FMT ": attribute '%s' must be at least %" PRId64 ", got %" PRId64,
                             IR_NODE_ARGS(n), name, least, values[i]);
        }
        out[i] = values[i];
    }
    return SY_OK;
}

sy_status ir_window_read(const ir_node *n, int32_t rank, base_diag *diag, ir_window_attrs *w)
{
    memset(w, 0, sizeof *w);
    if (rank < 1 || rank > 3) {
        return base_fail(diag, SY_EUNSUPPORTED, IR_NODE_FMT ": windows have 1 to 3 spatial dimensions, got %d",
                         IR_NODE_ARGS(n), rank);
    }
    const uint32_t count = (uint32_t)rank;
    int64_t pads[6];
    w->rank = rank;
    w->has_kernel = ir_node_attr(n, "kernel_shape") != NULL;
    SY_TRY(ir_window_ints(n, "kernel_shape", count, 1, 1, diag, w->kernel));
    SY_TRY(ir_window_ints(n, "strides", count, 1, 1, diag, w->strides));
    SY_TRY(ir_window_ints(n, "dilations", count, 1, 1, diag, w->dilations));
    SY_TRY(ir_window_ints(n, "pads", 2 * count, 0, 0, diag, pads));
    for (int32_t i = 0; i < rank; i++) {
        w->begin[i] = pads[i];
        w->end[i] = pads[i + rank];
    }
    w->ceil = ir_node_int(n, "ceil_mode", 0) != 0;
    const char *mode = ir_node_string(n, "auto_pad", "NOTSET");
    if (strcmp(mode, "NOTSET") == 0 || mode[0] == '\0') {
        w->pad = IR_PAD_GIVEN;
    } else if (strcmp(mode, "SAME_UPPER") == 0) {
        w->pad = IR_PAD_SAME_UPPER;
    } else if (strcmp(mode, "SAME_LOWER") == 0) {
        w->pad = IR_PAD_SAME_LOWER;
    } else if (strcmp(mode, "VALID") == 0) {
        w->pad = IR_PAD_VALID;
    } else {
        return fail(n, diag, SY_EINVAL, "attribute 'auto_pad'", "is none of NOTSET, SAME_UPPER, SAME_LOWER, VALID");
    }
    if (w->pad == IR_PAD_VALID) {
        memset(w->begin, 0, sizeof w->begin);
        memset(w->end, 0, sizeof w->end);
    }
    return SY_OK;
}

/* Sizes and pads of axis i for a concrete input size. */
static sy_status resolve_axis(const ir_node *n, const ir_window_attrs *w, int32_t i, int64_t size, base_diag *diag,
                              ir_window *out)
{
    const int64_t extent = w->dilations[i] * (out->kernel[i] - 1) + 1; /* below 2^62 */
    const int64_t stride = w->strides[i];
    if (size < 0 || size > INT64_MAX / 4) {
        return fail(n, diag, SY_ESHAPE, "a spatial size", "is out of range");
    }
    if (w->pad == IR_PAD_SAME_UPPER || w->pad == IR_PAD_SAME_LOWER) {
        out->out[i] = size / stride + (size % stride != 0);
        int64_t total = (out->out[i] - 1) * stride + extent - size;
        total = out->out[i] > 0 && total > 0 ? total : 0;
        out->pads_begin[i] = w->pad == IR_PAD_SAME_UPPER ? total / 2 : total - total / 2;
        out->pads_end[i] = total - out->pads_begin[i];
        return SY_OK;
    }
    out->pads_begin[i] = w->begin[i];
    out->pads_end[i] = w->end[i];
    const int64_t room = size + w->begin[i] + w->end[i] - extent;
    if (room < 0) {
        return base_fail(diag, SY_ESHAPE,
                         IR_NODE_FMT ": a window over %" PRId64 " elements does not fit into %" PRId64
                         " (padding included) in spatial dimension %d",
                         IR_NODE_ARGS(n), extent, size + w->begin[i] + w->end[i], i);
    }
    out->out[i] = room / stride + 1;
    if (w->ceil && room % stride != 0 && out->out[i] * stride < size + w->begin[i]) {
        out->out[i]++; /* one more, unless it would lie in the end padding whole */
    }
    return SY_OK;
}

sy_status ir_window_resolve(const ir_node *n, int32_t rank, const int64_t *spatial, const int64_t *kernel,
                            base_diag *diag, ir_window *out)
{
    ir_window_attrs w;
    SY_TRY(ir_window_read(n, rank, diag, &w));
    ir_window r = { .rank = rank };
    memcpy(r.strides, w.strides, sizeof r.strides);
    memcpy(r.dilations, w.dilations, sizeof r.dilations);
    const bool global = ir_node_int(n, "global", 0) != 0;
    for (int32_t i = 0; i < rank; i++) {
        r.kernel[i] = kernel != NULL ? kernel[i] : global ? spatial[i] : w.kernel[i];
        if (r.kernel[i] < 1 || r.kernel[i] > IR_WINDOW_LIMIT) {
            return fail(n, diag, SY_ESHAPE, "the kernel", "is empty or too large");
        }
        if (kernel != NULL && w.has_kernel && kernel[i] != w.kernel[i]) {
            return base_fail(diag, SY_ESHAPE, IR_NODE_FMT ": kernel_shape says %" PRId64 ", the weights %" PRId64,
                             IR_NODE_ARGS(n), w.kernel[i], kernel[i]);
        }
        SY_TRY(resolve_axis(n, &w, i, spatial[i], diag, &r));
    }
    *out = r;
    return SY_OK;
}

/* The size of one spatial axis of the result; `kernel` may be symbolic. */
static sy_status axis_result(ir_infer_args *a, const ir_window_attrs *w, int32_t i, ir_dim size, ir_dim kernel,
                             ir_dim *out)
{
    ir_module *m = a->module;
    int64_t s, k;
    if (ir_dim_is_const(size, &s) && ir_dim_is_const(kernel, &k)) {
        ir_window r = { .kernel[0] = 0 };
        r.kernel[i] = k;
        if (k < 1 || k > IR_WINDOW_LIMIT) {
            return ir_infer_error(a, SY_ESHAPE, "the kernel is empty or too large");
        }
        SY_TRY(resolve_axis(a->node, w, i, s, a->diag, &r));
        *out = ir_dim_const(m, r.out[i]);
        return SY_OK;
    }
    const ir_dim stride = ir_dim_const(m, w->strides[i]), one = ir_dim_const(m, 1);
    if (w->pad == IR_PAD_SAME_UPPER || w->pad == IR_PAD_SAME_LOWER) {
        *out = ir_dim_ceil_div(m, size, stride);
        return SY_OK;
    }
    const ir_dim extent =
        ir_dim_add(m, ir_dim_mul(m, ir_dim_sub(m, kernel, one), ir_dim_const(m, w->dilations[i])), one);
    const ir_dim padded = ir_dim_add(m, size, ir_dim_const(m, w->begin[i] + w->end[i]));
    const ir_dim room = ir_dim_sub(m, padded, extent);
    if (w->ceil && w->strides[i] > 1) {
        *out = ir_infer_fresh(a, 0, i + 2); /* the rule for a window in the padding is no expression */
        return SY_OK;
    }
    *out = ir_dim_add(m, ir_dim_floor_div(m, room, stride), one);
    return SY_OK;
}

/* The result [N, channels, spatial...] of a window of `kernel` sizes over x. */
static sy_status window_result(ir_infer_args *a, const ir_type *x, ir_dim channels, const ir_dim *kernel,
                               sy_dtype dtype)
{
    ir_window_attrs w;
    ir_dim dims[IR_MAX_RANK];
    SY_TRY(ir_window_read(a->node, x->rank - 2, a->diag, &w));
    dims[0] = x->dims[0];
    dims[1] = channels;
    for (int32_t i = 0; i < w.rank; i++) {
        ir_dim k = kernel != NULL ? kernel[i] : ir_dim_const(a->module, w.kernel[i]);
        int64_t from_weights;
        if (kernel != NULL && w.has_kernel && ir_dim_is_const(kernel[i], &from_weights) &&
            from_weights != w.kernel[i]) {
            return ir_infer_error(a, SY_ESHAPE, "kernel_shape says %" PRId64 ", the weights %" PRId64, w.kernel[i],
                                  from_weights);
        }
        if (k == NULL) {
            return SY_ENOMEM;
        }
        SY_TRY(axis_result(a, &w, i, x->dims[i + 2], k, &dims[i + 2]));
    }
    return ir_infer_result(a, 0, dtype, x->rank, dims);
}

sy_status ir_window_want_spatial(const ir_infer_args *a, uint32_t i, const ir_type *x)
{
    return !x->has_rank || (x->rank >= 3 && x->rank <= 5)
               ? SY_OK
               : ir_infer_error(a, SY_ESHAPE, "operand %u must have 3 to 5 dimensions (N, C, spatial), got %d", i,
                                x->rank);
}

/* Checks x, w and the bias of a convolution against each other. */
static sy_status check_conv(ir_infer_args *a, uint32_t ix, uint32_t iw, uint32_t ib, const ir_type *x, const ir_type *w)
{
    const int64_t group = ir_node_int(a->node, "group", 1);
    int64_t c, wc, m;
    if (group < 1 || group > IR_WINDOW_LIMIT) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'group' must be at least 1, got %" PRId64, group);
    }
    SY_TRY(ir_window_want_spatial(a, ix, x));
    SY_TRY(ir_window_want_spatial(a, iw, w));
    if (!x->has_rank || !w->has_rank) {
        return SY_OK;
    }
    SY_TRY(ir_infer_want_rank(a, iw, w, x->rank));
    if (ir_dim_is_const(x->dims[1], &c) && ir_dim_is_const(w->dims[1], &wc) && (c % group != 0 || c / group != wc)) {
        return ir_infer_error(a, SY_ESHAPE,
                              "the input has %" PRId64 " channels in %" PRId64 " groups, the weights take %" PRId64
                              " channels per group",
                              c, group, wc);
    }
    if (ir_dim_is_const(w->dims[0], &m) && m % group != 0) {
        return ir_infer_error(a, SY_ESHAPE, "%" PRId64 " output channels do not divide into %" PRId64 " groups", m,
                              group);
    }
    if (ir_infer_has(a, ib)) {
        ir_type b;
        SY_TRY(ir_infer_operand(a, ib, &b));
        SY_TRY(ir_infer_want_rank(a, ib, &b, 1));
        SY_TRY(ir_infer_want_dim(a, ib, &b, 0, w->dims[0]));
    }
    return SY_OK;
}

sy_status ir_window_conv(ir_infer_args *a, uint32_t ix, uint32_t iw, uint32_t ib, sy_dtype dtype)
{
    ir_type x, w;
    SY_TRY(ir_infer_operand(a, ix, &x));
    SY_TRY(ir_infer_operand(a, iw, &w));
    SY_TRY(check_conv(a, ix, iw, ib, &x, &w));
    if (!x.has_rank || !w.has_rank) {
        return ir_infer_result(a, 0, dtype, -1, NULL);
    }
    return window_result(a, &x, w.dims[0], w.dims + 2, dtype);
}

sy_status ir_infer_conv_shape(ir_infer_args *a, sy_dtype dtype)
{
    return ir_window_conv(a, 0, 1, 2, dtype);
}

sy_status ir_infer_conv(ir_infer_args *a)
{
    ir_type x, w;
    sy_dtype dtype;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &w));
    SY_TRY(ir_infer_same_dtype(a, 0, x.dtype, 1, w.dtype, &dtype));
    SY_TRY(ir_infer_want_class(a, 0, dtype, SY_DC_FLOAT));
    if (ir_infer_has(a, 2)) {
        ir_type b;
        SY_TRY(ir_infer_operand(a, 2, &b));
        SY_TRY(ir_infer_same_dtype(a, 0, dtype, 2, b.dtype, &dtype));
    }
    return ir_infer_conv_shape(a, dtype);
}

/* MaxPool, AveragePool, LpPool and QAveragePool without `global`. */
sy_status ir_infer_pool(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_window_want_spatial(a, 0, &x));
    if (ir_node_attr(a->node, "kernel_shape") == NULL) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'kernel_shape' is missing");
    }
    if (a->node->op->code == IR_OP_AVERAGEPOOL || a->node->op->code == IR_OP_LPPOOL) {
        SY_TRY(ir_infer_want_class(a, 0, x.dtype, SY_DC_FLOAT));
    }
    if (!x.has_rank) {
        SY_TRY(ir_infer_result(a, 0, x.dtype, -1, NULL));
    } else {
        SY_TRY(window_result(a, &x, x.dims[1], NULL, x.dtype));
    }
    if (a->n_outputs > 1 && a->outputs[0].wanted) {
        ir_type indices = a->outputs[0].type;
        indices.dtype = SY_DT_I64;
        ir_infer_result_type(a, 1, &indices);
    } else if (a->n_outputs > 1) {
        return ir_infer_error(a, SY_EUNSUPPORTED, "the indices are wanted without the maxima");
    }
    ir_infer_keep_quant(a, 0, &x); /* a maximum of integers is one of them */
    return SY_OK;
}

sy_status ir_infer_global_pool(ir_infer_args *a)
{
    ir_type x;
    ir_dim dims[IR_MAX_RANK];
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_window_want_spatial(a, 0, &x));
    for (int32_t i = 0; i < x.rank; i++) {
        dims[i] = i < 2 ? x.dims[i] : ir_dim_const(a->module, 1);
    }
    return ir_infer_result(a, 0, x.dtype, x.has_rank ? x.rank : -1, dims);
}
