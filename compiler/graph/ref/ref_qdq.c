/*
 * ref_qdq.c -- QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <math.h>

/*
 * Which scale an element of x has. x is [outer, size, inner] around the axis; element (o, k, j) has the scale
 * o * outer_step + k / block * axis_step + j * inner_step.
 */
typedef struct scale_layout {
    int64_t outer, size, inner, block;
    int64_t outer_step, axis_step, inner_step;
} scale_layout;

static sy_status layout_of(const ir_kernel_args *args, scale_layout *l)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *scale = ir_kernel_input(args, 1);
    const int64_t n_scales = ir_tensor_n_elements(scale);
    *l = (scale_layout){.outer = 1, .size = 1, .inner = ir_tensor_n_elements(x), .block = 1};
    if (n_scales == 1) {
        return SY_OK;
    }
    const int64_t block = ir_node_int(args->node, "block_size", 0);
    int32_t axis;
    if (!ir_ref_axis(ir_node_int(args->node, "axis", 1), x->rank, &axis) ||
        scale->rank != (block > 0 ? x->rank : 1)) {
        return base_fail(args->diag, SY_ESHAPE, "%lld scales do not fit the axis",
                         (long long)n_scales);
    }
    const int64_t n_blocks = scale->dims[block > 0 ? axis : 0];
    l->outer = ir_ref_product(x->dims, 0, axis);
    l->size = x->dims[axis];
    l->inner = ir_ref_product(x->dims, axis + 1, x->rank);
    l->block = block > 0 ? block : 1;
    l->axis_step = block > 0 ? l->inner : 1;
    l->outer_step = block > 0 ? n_blocks * l->inner : 0;
    l->inner_step = block > 0 ? 1 : 0;
    if (n_blocks != l->size / l->block + (l->size % l->block != 0)) {
        return base_fail(args->diag, SY_ESHAPE, "%lld scales do not fit %lld elements",
                         (long long)n_blocks, (long long)l->size);
    }
    return SY_OK;
}

/* The scale of the first element of a run of `inner`. */
static int64_t first_scale(const scale_layout *l, int64_t run)
{
    return run / l->size * l->outer_step + run % l->size / l->block * l->axis_step;
}

/* v rounded to the type in which the division is done. */
static double rounded(sy_dtype t, double v)
{
    uint64_t room = 0;
    ir_tensor one = {.dtype = t, .data = &room, .size_bytes = sizeof room};
    ir_ref_put(&one, 0, v);
    return ir_ref_get(&one, 0);
}

/* The type of x / scale: attribute precision, else the scale's; scales that are no floats to
 * compute with: fp32. */
static sy_dtype division_type(const ir_node *n, sy_dtype scale)
{
    const int64_t precision = ir_node_int(n, "precision", 0);
    const sy_dtype t = precision != 0 ? (sy_dtype)precision : scale;
    return t == SY_DT_F16 || t == SY_DT_BF16 || t == SY_DT_F64 ? t : SY_DT_F32;
}

sy_status ir_ref_quantizelinear(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *scale = ir_kernel_input(args, 1);
    const ir_tensor *zero = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    const uint32_t bits = sy_dtype_bits(y->dtype);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_number(x->dtype)));
    SY_TRY(ir_ref_need(args, y, ir_ref_is_number(y->dtype) && bits <= 16));
    const bool is_float = sy_dtype_class_of(y->dtype) == SY_DC_FLOAT;
    const bool saturate = ir_node_int(args->node, "saturate", 1) != 0;
    const bool is_signed = sy_dtype_class_of(y->dtype) == SY_DC_INT;
    const int64_t low = is_signed ? -((int64_t)1 << (bits - 1)) : 0;
    const int64_t high = low + ((int64_t)1 << bits) - 1;
    const sy_dtype t = division_type(args->node, scale->dtype);
    scale_layout l;
    SY_TRY(layout_of(args, &l));
    for (int64_t i = 0; i < l.outer * l.size * l.inner; i++) {
        const int64_t c = first_scale(&l, i / l.inner) + i % l.inner * l.inner_step;
        const double quotient =
            rounded(t, rounded(t, ir_ref_get(x, i)) / rounded(t, ir_ref_get(scale, c)));
        if (is_float && saturate) {
            ir_ref_put_saturated(y, i, quotient);
        } else if (is_float) {
            ir_ref_put(y, i, quotient);
        } else {
            const int64_t v =
                ir_ref_rne((float)quotient) + (zero != NULL ? ir_ref_get_int(zero, c) : 0);
            ir_ref_put_int(y, i, v < low ? low : v > high ? high : v);
        }
    }
    return SY_OK;
}

sy_status ir_ref_dequantizelinear(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *scale = ir_kernel_input(args, 1);
    const ir_tensor *zero = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    const bool is_float = sy_dtype_class_of(x->dtype) == SY_DC_FLOAT;
    SY_TRY(ir_ref_need(args, x, ir_ref_is_number(x->dtype) && sy_dtype_bits(x->dtype) <= 32));
    scale_layout l;
    SY_TRY(layout_of(args, &l));
    for (int64_t run = 0; run < l.outer * l.size; run++) {
        int64_t c = first_scale(&l, run);
        for (int64_t i = run * l.inner; i < (run + 1) * l.inner; i++, c += l.inner_step) {
            const float s = (float)ir_ref_get(scale, c);
            const int64_t z = zero != NULL && !is_float ? ir_ref_get_int(zero, c) : 0;
            /* the zero point of float types is 0 */
            const float v = is_float ? (float)ir_ref_get(x, i) : (float)(ir_ref_get_int(x, i) - z);
            const float scaled = v * s;
            if (y->dtype == SY_DT_F32) {
                ((float *)y->data)[i] = scaled;
            } else {
                ir_ref_put(y, i, (double)scaled);
            }
        }
    }
    return SY_OK;
}

/* x -> y u8, scale, zero point: the range of x, stretched to hold 0, on 0 .. 255. */
sy_status ir_ref_dynamicquantize(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0), *scale = ir_kernel_output(args, 1),
              *zero = ir_kernel_output(args, 2);
    SY_TRY(ir_ref_need(args, x, x->dtype == SY_DT_F32));
    const float *data = x->data;
    const int64_t n = ir_tensor_n_elements(x);
    float low = 0.0f, high = 0.0f;
    for (int64_t i = 0; i < n; i++) {
        low = data[i] < low ? data[i] : low;
        high = data[i] > high ? data[i] : high;
    }
    const float range = high - low;
    const float s = range == 0.0f ? 1.0f : range / 255.0f; /* 1: ONNX leaves it open */
    const float offset = 0.0f - low / s;
    const int64_t z = ir_ref_rne(offset < 0.0f ? 0.0f : offset > 255.0f ? 255.0f : offset);
    for (int64_t i = 0; i < n && y != NULL; i++) {
        const float quotient = data[i] / s;
        const int64_t v = ir_ref_rne(quotient) + z;
        ((uint8_t *)y->data)[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
    if (scale != NULL) {
        ((float *)scale->data)[0] = s;
    }
    if (zero != NULL) {
        ((uint8_t *)zero->data)[0] = (uint8_t)z;
    }
    return SY_OK;
}
