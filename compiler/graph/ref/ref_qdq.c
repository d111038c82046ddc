/*
 * ref_qdq.c -- QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <math.h>

/* Which scale an element of x has: one for all, one for each index of an axis, one for each block
 * of that axis. */
typedef struct scale_layout {
    int64_t n_scales, inner, size, block, n_blocks;
} scale_layout;

static sy_status layout_of(const ir_kernel_args *args, scale_layout *l)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *scale = ir_kernel_input(args, 1);
    *l = (scale_layout){.n_scales = ir_tensor_n_elements(scale), .inner = 1, .size = 1, .block = 1,
                        .n_blocks = 1};
    if (l->n_scales == 1) {
        return SY_OK;
    }
    const int64_t block = ir_node_int(args->node, "block_size", 0);
    int32_t axis;
    if (!ir_ref_axis(ir_node_int(args->node, "axis", 1), x->rank, &axis) ||
        scale->rank != (block > 0 ? x->rank : 1)) {
        return base_fail(args->diag, SY_ESHAPE, "%lld scales do not fit the axis",
                         (long long)l->n_scales);
    }
    l->inner = ir_ref_product(x->dims, axis + 1, x->rank);
    l->size = x->dims[axis];
    l->block = block > 0 ? block : 1;
    l->n_blocks = scale->dims[block > 0 ? axis : 0];
    if (block > 0 ? l->n_blocks < l->size / block + (l->size % block != 0)
                  : l->n_blocks != l->size) {
        return base_fail(args->diag, SY_ESHAPE, "%lld scales do not fit %lld elements",
                         (long long)l->n_blocks, (long long)l->size);
    }
    return SY_OK;
}

static int64_t scale_index(const scale_layout *l, const ir_kernel_args *args, int64_t i)
{
    if (l->n_scales == 1) {
        return 0;
    }
    const int64_t at = i / l->inner % l->size;
    if (ir_kernel_input(args, 1)->rank == 1 && ir_kernel_input(args, 0)->rank != 1) {
        return at; /* the same for all rows */
    }
    return (i / l->inner / l->size * l->n_blocks + at / l->block) * l->inner + i % l->inner;
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
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++) {
        const int64_t c = scale_index(&l, args, i);
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
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++) {
        const int64_t c = scale_index(&l, args, i);
        const float s = (float)ir_ref_get(scale, c);
        float v;
        if (is_float) {
            v = (float)ir_ref_get(x, i) * s; /* the zero point of float types is 0 */
        } else {
            v = (float)(ir_ref_get_int(x, i) - (zero != NULL ? ir_ref_get_int(zero, c) : 0)) * s;
        }
        ir_ref_put(y, i, (double)v);
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
