/*
 * infer_conv.c -- inference of the relatives of Conv: transposed, deformable, integer, causal; MaxUnpool, Col2Im.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_window.h"
#include "internal.h"

#include <inttypes.h>
#include <string.h>

/* ---------------------------------------------------------------- ConvTranspose */

typedef struct transposed_attrs {
    ir_window_attrs w;
    int64_t extra[3]; /* output_padding */
    bool has_shape;
    int64_t shape[3]; /* output_shape, spatial sizes only */
} transposed_attrs;

static sy_status read_transposed(const ir_node *n, int32_t rank, base_diag *diag, transposed_attrs *t)
{
    memset(t, 0, sizeof *t);
    SY_TRY(ir_window_read(n, rank, diag, &t->w));
    SY_TRY(ir_window_ints(n, "output_padding", (uint32_t)rank, 0, 0, diag, t->extra));
    for (int32_t i = 0; i < rank; i++) {
        const int64_t most = t->w.strides[i] > t->w.dilations[i] ? t->w.strides[i] : t->w.dilations[i];
        if (t->extra[i] >= most) {
            return base_fail(diag, SY_EINVAL, IR_NODE_FMT ": attribute 'output_padding' must be below stride or dilation, "
                             "got %" PRId64, IR_NODE_ARGS(n), t->extra[i]);
        }
    }
    const int64_t *shape;
    const uint32_t count = ir_node_ints(n, "output_shape", &shape);
    t->has_shape = count > 0;
    if (count > 0 && count != (uint32_t)rank && count != (uint32_t)rank + 2) {
        return base_fail(diag, SY_EINVAL, IR_NODE_FMT ": attribute 'output_shape' must have %d entries, got %u",
                         IR_NODE_ARGS(n), rank, count);
    }
    for (uint32_t i = 0; count > 0 && i < (uint32_t)rank; i++) {
        t->shape[i] = shape[count - (uint32_t)rank + i]; /* some exporters write N and C, too */
        if (t->shape[i] < 0 || t->shape[i] > IR_WINDOW_LIMIT) {
            return base_fail(diag, SY_EINVAL, IR_NODE_FMT ": attribute 'output_shape' is out of range: %" PRId64,
                             IR_NODE_ARGS(n), t->shape[i]);
        }
    }
    return SY_OK;
}

/* Size and cut-off ends of axis i. */
static sy_status transposed_axis(const ir_node *n, const transposed_attrs *t, int32_t i, int64_t size, int64_t kernel,
                                 base_diag *diag, ir_window *out)
{
    const int64_t extent = t->w.dilations[i] * (kernel - 1) + 1, stride = t->w.strides[i];
    if (size < 0 || size > IR_WINDOW_LIMIT || extent > INT64_MAX / 4 || stride * size > INT64_MAX / 4) {
        return base_fail(diag, SY_ERANGE, IR_NODE_FMT ": spatial dimension %d is too large", IR_NODE_ARGS(n), i);
    }
    const int64_t full = size == 0 ? 0 : stride * (size - 1) + extent + t->extra[i];
    const bool same = t->w.pad == IR_PAD_SAME_UPPER || t->w.pad == IR_PAD_SAME_LOWER;
    if (!same && !t->has_shape) {
        out->pads_begin[i] = t->w.begin[i];
        out->pads_end[i] = t->w.end[i];
        out->out[i] = full - t->w.begin[i] - t->w.end[i];
        if (out->out[i] < 0) {
            return base_fail(diag, SY_ESHAPE, IR_NODE_FMT ": the pads leave nothing of spatial dimension %d: %" PRId64,
                             IR_NODE_ARGS(n), i, out->out[i]);
        }
        return SY_OK;
    }
    out->out[i] = t->has_shape ? t->shape[i] : size * stride;
    const int64_t total = full > out->out[i] ? full - out->out[i] : 0;
    out->pads_begin[i] = t->w.pad == IR_PAD_SAME_UPPER ? total / 2 : total - total / 2;
    out->pads_end[i] = total - out->pads_begin[i];
    return SY_OK;
}

sy_status ir_window_transposed(const ir_node *n, int32_t rank, const int64_t *spatial, const int64_t *kernel,
                               base_diag *diag, ir_window *out)
{
    transposed_attrs t;
    SY_TRY(read_transposed(n, rank, diag, &t));
    ir_window r = { .rank = rank };
    memcpy(r.strides, t.w.strides, sizeof r.strides);
    memcpy(r.dilations, t.w.dilations, sizeof r.dilations);
    for (int32_t i = 0; i < rank; i++) {
        r.kernel[i] = kernel[i];
        if (kernel[i] < 1 || kernel[i] > IR_WINDOW_LIMIT) {
            return base_fail(diag, SY_ESHAPE, IR_NODE_FMT ": the kernel is empty or too large", IR_NODE_ARGS(n));
        }
        if (t.w.has_kernel && kernel[i] != t.w.kernel[i]) {
            return base_fail(diag, SY_ESHAPE, IR_NODE_FMT ": kernel_shape says %" PRId64 ", the weights %" PRId64,
                             IR_NODE_ARGS(n), t.w.kernel[i], kernel[i]);
        }
        SY_TRY(transposed_axis(n, &t, i, spatial[i], kernel[i], diag, &r));
    }
    *out = r;
    return SY_OK;
}

static sy_status transposed_dim(ir_infer_args *a, const transposed_attrs *t, int32_t i, ir_dim size, ir_dim kernel,
                                ir_dim *out)
{
    ir_module *m = a->module;
    int64_t s, k;
    if (ir_dim_is_const(size, &s) && ir_dim_is_const(kernel, &k)) {
        ir_window r = { .kernel[0] = 0 };
        if (k < 1 || k > IR_WINDOW_LIMIT || (t->w.has_kernel && k != t->w.kernel[i])) {
            return ir_infer_error(a, SY_ESHAPE, "the kernel is empty, too large, or differs from kernel_shape");
        }
        SY_TRY(transposed_axis(a->node, t, i, s, k, a->diag, &r));
        *out = ir_dim_const(m, r.out[i]);
        return SY_OK;
    }
    const ir_dim stride = ir_dim_const(m, t->w.strides[i]), one = ir_dim_const(m, 1);
    if (t->has_shape) {
        *out = ir_dim_const(m, t->shape[i]);
    } else if (t->w.pad == IR_PAD_SAME_UPPER || t->w.pad == IR_PAD_SAME_LOWER) {
        *out = ir_dim_mul(m, size, stride);
    } else {
        const ir_dim extent = ir_dim_mul(m, ir_dim_sub(m, kernel, one), ir_dim_const(m, t->w.dilations[i]));
        const ir_dim full = ir_dim_add(m, ir_dim_mul(m, ir_dim_sub(m, size, one), stride), extent);
        *out = ir_dim_add(m, full, ir_dim_const(m, 1 + t->extra[i] - t->w.begin[i] - t->w.end[i]));
    }
    return SY_OK;
}

sy_status ir_infer_convtranspose(ir_infer_args *a)
{
    ir_type x, w;
    sy_dtype dtype;
    transposed_attrs t;
    ir_dim dims[IR_MAX_RANK];
    int64_t c, rows, columns;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &w));
    SY_TRY(ir_infer_same_dtype(a, 0, x.dtype, 1, w.dtype, &dtype));
    SY_TRY(ir_infer_want_class(a, 0, dtype, SY_DC_FLOAT));
    SY_TRY(ir_window_want_spatial(a, 0, &x));
    SY_TRY(ir_window_want_spatial(a, 1, &w));
    const int64_t group = ir_node_int(a->node, "group", 1);
    if (group < 1 || group > IR_WINDOW_LIMIT) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'group' must be at least 1, got %" PRId64, group);
    }
    if (!x.has_rank || !w.has_rank) {
        return ir_infer_result(a, 0, dtype, -1, NULL);
    }
    SY_TRY(ir_infer_want_rank(a, 1, &w, x.rank));
    SY_TRY(ir_infer_want_dim(a, 1, &w, 0, x.dims[1]));
    const bool known = ir_dim_is_const(w.dims[1], &columns);
    if (ir_dim_is_const(w.dims[0], &rows) && ir_dim_is_const(x.dims[1], &c) && rows % group != 0) {
        return ir_infer_error(a, SY_ESHAPE, "%" PRId64 " input channels do not divide into %" PRId64 " groups", rows,
                              group);
    }
    dims[0] = x.dims[0];
    dims[1] = ir_dim_mul(a->module, w.dims[1], ir_dim_const(a->module, group));
    if (ir_infer_has(a, 2)) {
        ir_type b;
        SY_TRY(ir_infer_operand(a, 2, &b));
        SY_TRY(ir_infer_same_dtype(a, 0, dtype, 2, b.dtype, &dtype));
        SY_TRY(ir_infer_want_rank(a, 2, &b, 1));
        if (known && dims[1] != NULL) {
            SY_TRY(ir_infer_want_dim(a, 2, &b, 0, dims[1]));
        }
    }
    SY_TRY(read_transposed(a->node, x.rank - 2, a->diag, &t));
    for (int32_t i = 0; i < x.rank - 2; i++) {
        SY_TRY(transposed_dim(a, &t, i, x.dims[i + 2], w.dims[i + 2], &dims[i + 2]));
    }
    return ir_infer_result(a, 0, dtype, x.rank, dims);
}

/* ---------------------------------------------------------------- DeformConv */

/* The constant product of spatial kernel sizes; -1 if one is unknown. */
static int64_t taps_of(const ir_type *w)
{
    int64_t n = 1;
    for (int32_t i = 2; i < w->rank; i++) {
        int64_t k;
        if (!ir_dim_is_const(w->dims[i], &k) || k < 0 || __builtin_mul_overflow(n, k, &n) || n > IR_WINDOW_LIMIT) {
            return -1;
        }
    }
    return n;
}

/* x, w, offset, bias, mask */
sy_status ir_infer_deformconv(ir_infer_args *a)
{
    ir_type x, w, t;
    sy_dtype dtype = SY_DT_NONE;
    int64_t c;
    for (uint32_t i = 0; i < 5; i++) {
        if (ir_infer_has(a, i)) {
            SY_TRY(ir_infer_operand(a, i, &t));
            SY_TRY(ir_infer_same_dtype(a, 0, dtype, i, t.dtype, &dtype));
        }
    }
    SY_TRY(ir_infer_want_class(a, 0, dtype, SY_DC_FLOAT));
    SY_TRY(ir_window_conv(a, 0, 1, 3, dtype));
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &w));
    const int64_t groups = ir_node_int(a->node, "offset_group", 1), taps = w.has_rank ? taps_of(&w) : -1;
    if (groups < 1 || groups > IR_WINDOW_LIMIT ||
        (x.has_rank && ir_dim_is_const(x.dims[1], &c) && c % groups != 0)) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'offset_group' must divide the channels, got %" PRId64, groups);
    }
    if (!x.has_rank || !w.has_rank || taps < 0) {
        return SY_OK;
    }
    for (uint32_t i = 2; i <= 4; i += 2) {
        if (!ir_infer_has(a, i)) {
            continue;
        }
        const ir_type *y = &a->outputs[0].type;
        SY_TRY(ir_infer_operand(a, i, &t));
        SY_TRY(ir_infer_want_rank(a, i, &t, x.rank));
        if (!t.has_rank) {
            continue;
        }
        const int64_t per_tap = i == 2 ? x.rank - 2 : 1;
        SY_TRY(ir_infer_want_dim(a, i, &t, 0, x.dims[0]));
        SY_TRY(ir_infer_want_dim(a, i, &t, 1, ir_dim_const(a->module, groups * taps * per_tap)));
        for (int32_t d = 2; y->has_rank && d < x.rank; d++) {
            SY_TRY(ir_infer_want_dim(a, i, &t, d, y->dims[d]));
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- integers */

static sy_status want_byte(const ir_infer_args *a, uint32_t i, sy_dtype t)
{
    return t == SY_DT_I8 || t == SY_DT_U8 || t == SY_DT_NONE
               ? SY_OK
               : ir_infer_error(a, SY_EINVAL, "operand %u must be i8 or u8, got %s", i, sy_dtype_name(t));
}

/* A zero point (or scale) operand: one element, or one for each of `n` (NULL: not allowed). */
static sy_status want_parameter(const ir_infer_args *a, uint32_t i, sy_dtype dtype, ir_dim n)
{
    ir_type t;
    int64_t size;
    if (!ir_infer_has(a, i)) {
        return SY_OK;
    }
    SY_TRY(ir_infer_operand(a, i, &t));
    SY_TRY(ir_infer_want_dtype(a, i, t.dtype, dtype));
    if (!t.has_rank || t.rank == 0) {
        return SY_OK;
    }
    SY_TRY(ir_infer_want_rank(a, i, &t, 1));
    if (!ir_dim_is_const(t.dims[0], &size) || size == 1) {
        return SY_OK;
    }
    return ir_infer_want_dim(a, i, &t, 0, n != NULL ? n : ir_dim_const(a->module, 1));
}

/* x, w, x_zero_point, w_zero_point */
sy_status ir_infer_convinteger(ir_infer_args *a)
{
    ir_type x, w;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &w));
    SY_TRY(want_byte(a, 0, x.dtype));
    SY_TRY(want_byte(a, 1, w.dtype));
    SY_TRY(want_parameter(a, 2, x.dtype, NULL));
    SY_TRY(want_parameter(a, 3, w.dtype, w.has_rank && w.rank > 0 ? w.dims[0] : NULL));
    return ir_window_conv(a, 0, 1, UINT32_MAX, SY_DT_I32);
}

/* x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, bias */
sy_status ir_infer_qlinearconv(ir_infer_args *a)
{
    ir_type x, w, y, b;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 3, &w));
    SY_TRY(ir_infer_operand(a, 7, &y));
    SY_TRY(want_byte(a, 0, x.dtype));
    SY_TRY(want_byte(a, 3, w.dtype));
    SY_TRY(want_byte(a, 7, y.dtype));
    const ir_dim filters = w.has_rank && w.rank > 0 ? w.dims[0] : NULL;
    SY_TRY(want_parameter(a, 1, SY_DT_F32, NULL));
    SY_TRY(want_parameter(a, 2, x.dtype, NULL));
    SY_TRY(want_parameter(a, 4, SY_DT_F32, filters));
    SY_TRY(want_parameter(a, 5, w.dtype, filters));
    SY_TRY(want_parameter(a, 6, SY_DT_F32, NULL));
    SY_TRY(want_parameter(a, 7, y.dtype, NULL));
    if (ir_infer_has(a, 8)) {
        SY_TRY(ir_infer_operand(a, 8, &b));
        SY_TRY(ir_infer_want_dtype(a, 8, b.dtype, SY_DT_I32));
    }
    return ir_window_conv(a, 0, 3, 8, y.dtype);
}

/* ---------------------------------------------------------------- CausalConvWithState */

/* x [B, C, L], w [C, 1, K], bias [C], past [B, C, K - 1] -> y as x, present as past */
sy_status ir_infer_causalconv(ir_infer_args *a)
{
    ir_type x, w, t;
    sy_dtype dtype = SY_DT_NONE;
    for (uint32_t i = 0; i < 4; i++) {
        if (ir_infer_has(a, i)) {
            SY_TRY(ir_infer_operand(a, i, &t));
            SY_TRY(ir_infer_same_dtype(a, 0, dtype, i, t.dtype, &dtype));
            SY_TRY(ir_infer_want_rank(a, i, &t, i == 2 ? 1 : 3));
        }
    }
    SY_TRY(ir_infer_want_class(a, 0, dtype, SY_DC_FLOAT));
    const char *activation = ir_node_string(a->node, "activation", "none");
    if (strcmp(activation, "none") != 0 && strcmp(activation, "silu") != 0 && strcmp(activation, "swish") != 0) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'activation' is none of none, silu, swish");
    }
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &w));
    if (!x.has_rank || !w.has_rank) {
        SY_TRY(ir_infer_result(a, 0, dtype, -1, NULL));
        return ir_infer_result(a, 1, dtype, -1, NULL);
    }
    int64_t k;
    if (ir_dim_is_const(w.dims[2], &k) && k < 1) {
        return ir_infer_error(a, SY_ESHAPE, "the kernel is empty");
    }
    SY_TRY(ir_infer_want_dim(a, 1, &w, 0, x.dims[1]));
    SY_TRY(ir_infer_want_dim(a, 1, &w, 1, ir_dim_const(a->module, 1)));
    ir_dim state[3] = { x.dims[0], x.dims[1], ir_dim_sub(a->module, w.dims[2], ir_dim_const(a->module, 1)) };
    if (ir_infer_has(a, 2)) {
        SY_TRY(ir_infer_operand(a, 2, &t));
        SY_TRY(ir_infer_want_dim(a, 2, &t, 0, x.dims[1]));
    }
    if (ir_infer_has(a, 3)) {
        SY_TRY(ir_infer_operand(a, 3, &t));
        for (int32_t i = 0; i < 3 && t.has_rank; i++) {
            SY_TRY(ir_infer_want_dim(a, 3, &t, i, state[i]));
        }
    }
    SY_TRY(ir_infer_result(a, 0, dtype, 3, x.dims));
    return ir_infer_result(a, 1, dtype, 3, state);
}

/* ---------------------------------------------------------------- MaxUnpool, Col2Im */

/* x, indices, output_shape */
sy_status ir_infer_maxunpool(ir_infer_args *a)
{
    ir_type x, indices;
    ir_window_attrs w;
    ir_dim dims[IR_MAX_RANK];
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &indices));
    SY_TRY(ir_infer_want_class(a, 0, x.dtype, SY_DC_FLOAT));
    SY_TRY(ir_infer_want_dtype(a, 1, indices.dtype, SY_DT_I64));
    SY_TRY(ir_window_want_spatial(a, 0, &x));
    if (ir_node_attr(a->node, "kernel_shape") == NULL) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'kernel_shape' is missing");
    }
    if (!x.has_rank) {
        return ir_infer_result(a, 0, x.dtype, -1, NULL);
    }
    SY_TRY(ir_infer_want_rank(a, 1, &indices, x.rank));
    for (int32_t i = 0; i < x.rank && indices.has_rank; i++) {
        SY_TRY(ir_infer_want_dim(a, 1, &indices, i, x.dims[i]));
    }
    SY_TRY(ir_window_read(a->node, x.rank - 2, a->diag, &w));
    const ir_elements shape = ir_infer_elements(a, 2);
    if (ir_infer_has(a, 2) && shape.elements != NULL && shape.n != (uint32_t)x.rank) {
        return ir_infer_error(a, SY_ESHAPE, "operand 2 must have %d entries, got %u", x.rank, shape.n);
    }
    for (int32_t i = 0; i < x.rank; i++) {
        if (ir_infer_has(a, 2)) {
            dims[i] = shape.elements != NULL ? shape.elements[i] : ir_infer_fresh(a, 0, i);
        } else if (i < 2) {
            dims[i] = x.dims[i];
        } else {
            ir_module *m = a->module;
            const ir_dim steps = ir_dim_mul(m, ir_dim_sub(m, x.dims[i], ir_dim_const(m, 1)),
                                            ir_dim_const(m, w.strides[i - 2]));
            dims[i] = ir_dim_add(m, steps, ir_dim_const(m, w.kernel[i - 2] - w.begin[i - 2] - w.end[i - 2]));
        }
    }
    return ir_infer_result(a, 0, x.dtype, x.rank, dims);
}

/* x [N, C * taps, L], image_shape, block_shape */
sy_status ir_infer_col2im(ir_infer_args *a)
{
    ir_type x, image, block;
    ir_dim dims[IR_MAX_RANK];
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &image));
    SY_TRY(ir_infer_operand(a, 2, &block));
    SY_TRY(ir_infer_want_rank(a, 0, &x, 3));
    SY_TRY(ir_infer_want_rank(a, 1, &image, 1));
    SY_TRY(ir_infer_want_rank(a, 2, &block, 1));
    int64_t n = -1;
    if (image.has_rank && !ir_dim_is_const(image.dims[0], &n) && block.has_rank) {
        (void)ir_dim_is_const(block.dims[0], &n);
    }
    if (n < 0) {
        return ir_infer_result(a, 0, x.dtype, -1, NULL);
    }
    if (n < 1 || n > IR_MAX_RANK - 2) {
        return ir_infer_error(a, SY_EUNSUPPORTED, "images have 1 to %d dimensions, got %" PRId64, IR_MAX_RANK - 2, n);
    }
    SY_TRY(ir_infer_want_dim(a, 2, &block, 0, ir_dim_const(a->module, n)));
    const ir_elements sizes = ir_infer_elements(a, 1), taps = ir_infer_elements(a, 2);
    ir_dim per_channel = ir_dim_const(a->module, 1);
    for (int64_t i = 0; i < n; i++) {
        dims[i + 2] = sizes.elements != NULL ? sizes.elements[i] : ir_infer_fresh(a, 0, (int32_t)i + 2);
        int64_t tap = 1;
        if (taps.elements != NULL && ir_dim_is_const(taps.elements[i], &tap) && tap < 1) {
            return ir_infer_error(a, SY_EINVAL, "operand 2 must be at least 1, got %" PRId64, tap);
        }
        per_channel = taps.elements != NULL ? ir_dim_mul(a->module, per_channel, taps.elements[i]) : NULL;
    }
    int64_t per = 0, channels = 0;
    dims[0] = x.has_rank ? x.dims[0] : ir_infer_fresh(a, 0, 0);
    dims[1] = ir_infer_fresh(a, 0, 1);
    if (x.has_rank && ir_dim_is_const(per_channel, &per) && ir_dim_is_const(x.dims[1], &channels)) {
        if (channels % per != 0) {
            return ir_infer_error(a, SY_ESHAPE, "%" PRId64 " rows are no multiple of the block's %" PRId64 " elements",
                                  channels, per);
        }
        dims[1] = ir_dim_const(a->module, channels / per);
    }
    return ir_infer_result(a, 0, x.dtype, (int32_t)n + 2, dims);
}
