/*
 * infer_quant.c -- inference of QuantizeLinear, DequantizeLinear and the quantised operators of numerics.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* ---------------------------------------------------------------- QuantizeLinear, DequantizeLinear */

/* The shape of scale or zero point (operand i) of blocked quantisation: x's, with `axis` cut into blocks. */
static sy_status check_blocks(ir_infer_args *a, uint32_t i, const ir_type *x, const ir_type *t, int64_t block)
{
    int32_t axis;
    int64_t size, n_blocks;
    if (!x->has_rank || !t->has_rank) {
        return SY_OK;
    }
    SY_TRY(ir_infer_want_rank(a, i, t, x->rank));
    SY_TRY(ir_infer_axis(a, ir_node_int(a->node, "axis", 1), x->rank, &axis));
    for (int32_t k = 0; k < x->rank; k++) {
        if (k != axis) {
            SY_TRY(ir_infer_want_dim(a, i, t, k, x->dims[k]));
        } else if (ir_dim_is_const(x->dims[k], &size) && ir_dim_is_const(t->dims[k], &n_blocks) &&
                   n_blocks != size / block + (size % block != 0)) {
            return ir_infer_error(a, SY_ESHAPE, "operand %u must have %" PRId64 " blocks of %" PRId64 ", got %" PRId64, i,
                                  size / block + (size % block != 0), block, n_blocks);
        }
    }
    return SY_OK;
}

static bool one_element(const ir_type *t)
{
    int64_t n;
    for (int32_t i = 0; t->has_rank && i < t->rank; i++) {
        if (!ir_dim_is_const(t->dims[i], &n) || n != 1) {
            return false;
        }
    }
    return t->has_rank;
}

/* Checks scale (operand 1) and zero point (operand 2) against x; *axis is -1 for per tensor. */
static sy_status check_scale(ir_infer_args *a, const ir_type *x, const ir_type *scale, int32_t *axis)
{
    ir_type zero = { .has_rank = false };
    const int64_t block = ir_node_int(a->node, "block_size", 0);
    *axis = -1;
    if (block < 0) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'block_size' must not be negative, got %" PRId64, block);
    }
    if (ir_infer_has(a, 2)) {
        SY_TRY(ir_infer_operand(a, 2, &zero));
    }
    if (one_element(scale) && (!zero.has_rank || one_element(&zero))) {
        return SY_OK;
    }
    if (block > 0) {
        SY_TRY(check_blocks(a, 1, x, scale, block));
        return check_blocks(a, 2, x, &zero, block);
    }
    if (scale->has_rank && scale->rank > 1) {
        return ir_infer_error(a, SY_EUNSUPPORTED, "operand 1 (scale) must have at most 1 dimension without block_size, got %d",
                              scale->rank);
    }
    if (scale->has_rank && zero.has_rank) {
        SY_TRY(ir_infer_want_rank(a, 2, &zero, scale->rank));
        if (scale->rank == 1) {
            SY_TRY(ir_infer_want_dim(a, 2, &zero, 0, scale->dims[0]));
        }
    }
    if (scale->rank == 1 && x->has_rank) {
        SY_TRY(ir_infer_axis(a, ir_node_int(a->node, "axis", 1), x->rank, axis));
        SY_TRY(ir_infer_want_dim(a, 1, scale, 0, x->dims[*axis]));
    }
    return SY_OK;
}

/* An attribute that names a type; 0: none. */
static sy_status type_attribute(const ir_infer_args *a, const char *name, sy_dtype *out)
{
    const int64_t number = ir_node_int(a->node, name, 0);
    *out = (sy_dtype)number;
    return number >= 0 && number < SY_DT_COUNT && (number == 0 || sy_dtype_bits(*out) > 0)
               ? SY_OK
               : ir_infer_error(a, SY_EINVAL, "attribute '%s' is %" PRId64 ", no type of numbers", name, number);
}

/* Result 0 of type `dtype` with x's shape; quantisation in the type if scale and zero point are constants. */
static sy_status quantized_result(ir_infer_args *a, const ir_type *x, sy_dtype dtype, int32_t axis)
{
    ir_tensor scale, zero;
    SY_TRY(ir_infer_result(a, 0, dtype, x->has_rank ? x->rank : -1, x->dims));
    SY_TRY(ir_infer_data(a, 1, &scale));
    SY_TRY(ir_infer_data(a, 2, &zero));
    const sy_dtype_class c = sy_dtype_class_of(dtype);
    if (scale.data == NULL || scale.dtype != SY_DT_F32 || (ir_infer_has(a, 2) && zero.data == NULL) ||
        (c != SY_DC_INT && c != SY_DC_UINT) || sy_dtype_bits(dtype) < 8 || sy_dtype_bits(dtype) > 32 ||
        !a->outputs[0].wanted || !x->has_rank) {
        return SY_OK;
    }
    const int64_t n = ir_tensor_n_elements(&scale);
    if (n < 1 || n > INT32_MAX || (axis < 0 && n != 1)) {
        return SY_OK;
    }
    int32_t *zeros = BASE_ARENA_ARRAY(a->module->arena, int32_t, (size_t)n);
    if (zeros == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < n && zero.data != NULL; i++) {
        zeros[i] = (int32_t)ir_tensor_get_i64(&zero, i);
    }
    return ir_type_with_quant(a->module, &a->outputs[0].type, axis, (uint32_t)n, scale.data, zeros,
                              &a->outputs[0].type);
}

sy_status ir_infer_quantize(ir_infer_args *a)
{
    ir_type x, scale, zero = { .dtype = SY_DT_U8 };
    sy_dtype wanted, precision;
    int32_t axis;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &scale));
    if (x.dtype != SY_DT_I32) { /* ONNX allows it, too */
        SY_TRY(ir_infer_want_class(a, 0, x.dtype, SY_DC_FLOAT));
    }
    if (scale.dtype != SY_DT_I32) {
        SY_TRY(ir_infer_want_class(a, 1, scale.dtype, SY_DC_FLOAT));
    }
    SY_TRY(type_attribute(a, "output_dtype", &wanted));
    SY_TRY(type_attribute(a, "precision", &precision));
    if (precision != SY_DT_NONE && sy_dtype_class_of(precision) != SY_DC_FLOAT) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'precision' must be a float type, got %s", sy_dtype_name(precision));
    }
    if (ir_infer_has(a, 2)) {
        SY_TRY(ir_infer_operand(a, 2, &zero));
        if (wanted != SY_DT_NONE) {
            SY_TRY(ir_infer_want_dtype(a, 2, zero.dtype, wanted));
        }
    } else if (wanted != SY_DT_NONE) {
        zero.dtype = wanted;
    }
    const sy_dtype_class c = sy_dtype_class_of(zero.dtype);
    if (zero.dtype != SY_DT_NONE && (sy_dtype_bits(zero.dtype) > 16 || c == SY_DC_BOOL || c == SY_DC_STRING ||
                                     (c == SY_DC_FLOAT && sy_dtype_bits(zero.dtype) > 8))) {
        return ir_infer_error(a, SY_EINVAL, "%s is no type to quantise to", sy_dtype_name(zero.dtype));
    }
    SY_TRY(check_scale(a, &x, &scale, &axis));
    return quantized_result(a, &x, zero.dtype, axis);
}

sy_status ir_infer_dequantize(ir_infer_args *a)
{
    ir_type x, scale;
    sy_dtype wanted;
    int32_t axis;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &scale));
    SY_TRY(ir_infer_want_class(a, 1, scale.dtype, SY_DC_FLOAT));
    SY_TRY(type_attribute(a, "output_dtype", &wanted));
    if (wanted != SY_DT_NONE && sy_dtype_class_of(wanted) != SY_DC_FLOAT) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'output_dtype' must be a float type, got %s", sy_dtype_name(wanted));
    }
    if (ir_infer_has(a, 2)) {
        ir_type zero;
        sy_dtype dtype;
        SY_TRY(ir_infer_operand(a, 2, &zero));
        SY_TRY(ir_infer_same_dtype(a, 0, x.dtype, 2, zero.dtype, &dtype));
    }
    SY_TRY(check_scale(a, &x, &scale, &axis));
    return ir_infer_result(a, 0, wanted != SY_DT_NONE ? wanted : scale.dtype, x.has_rank ? x.rank : -1, x.dims);
}

/* x f32 -> y u8, scale f32, zero point u8 */
sy_status ir_infer_dynamicquantize(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_want_dtype(a, 0, x.dtype, SY_DT_F32));
    SY_TRY(ir_infer_result(a, 0, SY_DT_U8, x.has_rank ? x.rank : -1, x.dims));
    SY_TRY(ir_infer_result(a, 1, SY_DT_F32, 0, NULL));
    return ir_infer_result(a, 2, SY_DT_U8, 0, NULL);
}

/* ---------------------------------------------------------------- integer matrix products */

/*
 * A scale or zero point of a matrix operand t: one element; a vector of one for each row (`last` false) or column; or
 * t's shape with the other of the last two dimensions 1.
 */
static sy_status matrix_parameter(const ir_infer_args *a, uint32_t i, const ir_type *t, bool last)
{
    ir_type p;
    if (!ir_infer_has(a, i)) {
        return SY_OK;
    }
    SY_TRY(ir_infer_operand(a, i, &p));
    if (!p.has_rank || !t->has_rank || one_element(&p)) {
        return SY_OK;
    }
    if (t->rank < 2) { /* the operand is one row, or one column */
        return ir_infer_error(a, SY_ESHAPE, "operand %u must have one element, as the matrix operand is a vector", i);
    }
    if (p.rank == 1) {
        return ir_infer_want_dim(a, i, &p, 0, t->dims[last ? t->rank - 1 : t->rank - 2]);
    }
    SY_TRY(ir_infer_want_rank(a, i, &p, t->rank));
    for (int32_t k = 0; k < t->rank; k++) {
        const bool single = k == (last ? t->rank - 2 : t->rank - 1);
        SY_TRY(ir_infer_want_dim(a, i, &p, k, single ? ir_dim_const(a->module, 1) : t->dims[k]));
    }
    return SY_OK;
}

static sy_status want_eight_bits(const ir_infer_args *a, uint32_t i, sy_dtype t, bool floats)
{
    const sy_dtype_class c = sy_dtype_class_of(t);
    return t == SY_DT_NONE || t == SY_DT_I8 || t == SY_DT_U8 || (floats && c == SY_DC_FLOAT && sy_dtype_bits(t) == 8)
               ? SY_OK
               : ir_infer_error(a, SY_EINVAL, "operand %u must be of an 8-bit type, got %s", i, sy_dtype_name(t));
}

/* a, b, a_zero, b_zero */
sy_status ir_infer_matmulinteger(ir_infer_args *a)
{
    ir_type x, y, z;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &y));
    SY_TRY(want_eight_bits(a, 0, x.dtype, false));
    SY_TRY(want_eight_bits(a, 1, y.dtype, false));
    for (uint32_t i = 2; i < 4; i++) {
        if (ir_infer_has(a, i)) {
            SY_TRY(ir_infer_operand(a, i, &z));
            SY_TRY(ir_infer_want_dtype(a, i, z.dtype, i == 2 ? x.dtype : y.dtype));
        }
    }
    SY_TRY(matrix_parameter(a, 2, &x, false));
    SY_TRY(matrix_parameter(a, 3, &y, true));
    return ir_infer_matmul_shape(a, 0, 1, SY_DT_I32);
}

/* a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero */
sy_status ir_infer_qlinearmatmul(ir_infer_args *a)
{
    ir_type t[8];
    sy_dtype dtype;
    for (uint32_t i = 0; i < 8; i++) {
        SY_TRY(ir_infer_operand(a, i, &t[i]));
        if (i == 1 || i == 4 || i == 6) {
            SY_TRY(ir_infer_want_class(a, i, t[i].dtype, SY_DC_FLOAT));
        } else {
            SY_TRY(want_eight_bits(a, i, t[i].dtype, true));
        }
    }
    SY_TRY(ir_infer_same_dtype(a, 0, t[0].dtype, 2, t[2].dtype, &dtype));
    SY_TRY(ir_infer_same_dtype(a, 3, t[3].dtype, 5, t[5].dtype, &dtype));
    if (t[0].dtype != SY_DT_NONE && t[3].dtype != SY_DT_NONE &&
        (sy_dtype_class_of(t[0].dtype) == SY_DC_FLOAT) != (sy_dtype_class_of(t[3].dtype) == SY_DC_FLOAT)) {
        return ir_infer_error(a, SY_EINVAL, "operands 0 and 3 are a float and an integer type");
    }
    SY_TRY(matrix_parameter(a, 1, &t[0], false));
    SY_TRY(matrix_parameter(a, 2, &t[0], false));
    SY_TRY(matrix_parameter(a, 4, &t[3], true));
    SY_TRY(matrix_parameter(a, 5, &t[3], true));
    SY_TRY(ir_infer_matmul_shape(a, 0, 3, t[7].dtype));
    SY_TRY(matrix_parameter(a, 6, &a->outputs[0].type, false));
    return matrix_parameter(a, 7, &a->outputs[0].type, false);
}

/* ---------------------------------------------------------------- quantised operators */

static sy_status want_scale(const ir_infer_args *a, const char *name)
{
    const ir_attr *attr = ir_node_attr(a->node, name);
    if (attr == NULL || attr->kind != IR_ATTR_FLOAT) {
        return ir_infer_error(a, SY_EINVAL, "attribute '%s' is missing", name);
    }
    return attr->u.f > 0 && isfinite(attr->u.f)
               ? SY_OK
               : ir_infer_error(a, SY_EINVAL, "attribute '%s' must be positive, got %g", name, (double)attr->u.f);
}

static sy_status want_i8(const ir_infer_args *a, const char *name, int64_t fallback, int64_t *out)
{
    *out = ir_node_int(a->node, name, fallback);
    return *out >= -128 && *out <= 127
               ? SY_OK
               : ir_infer_error(a, SY_EINVAL, "attribute '%s' must lie in -128 to 127, got %" PRId64, name, *out);
}

/* Operand i is int8 with scale and zero point in the attributes <prefix>_scale and <prefix>_zero. */
static sy_status want_quantised(const ir_infer_args *a, uint32_t i, char prefix)
{
    ir_type t;
    int64_t zero;
    char name[16];
    SY_TRY(ir_infer_operand(a, i, &t));
    SY_TRY(ir_infer_want_dtype(a, i, t.dtype, SY_DT_I8));
    snprintf(name, sizeof name, "%c_scale", prefix);
    SY_TRY(want_scale(a, name));
    snprintf(name, sizeof name, "%c_zero", prefix);
    return want_i8(a, name, 0, &zero);
}

/* Weights and bias of QConv and QGemm; `axis` is that of the output channels in the weights. */
static sy_status want_weights(const ir_infer_args *a, int32_t axis)
{
    ir_type w, b;
    const float *scales;
    SY_TRY(ir_infer_operand(a, 1, &w));
    SY_TRY(ir_infer_want_dtype(a, 1, w.dtype, SY_DT_I8));
    const uint32_t n = ir_node_floats(a->node, "w_scale", &scales);
    int64_t channels;
    const bool known = w.has_rank && axis < w.rank && ir_dim_is_const(w.dims[axis], &channels);
    if (n == 0 || (n != 1 && known && n != channels)) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'w_scale' must have 1 entry or one per output channel, got %u", n);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!(scales[i] > 0) || !isfinite(scales[i])) {
            return ir_infer_error(a, SY_EINVAL, "attribute 'w_scale' must be positive, entry %u is %g", i,
                                  (double)scales[i]);
        }
    }
    if (ir_infer_has(a, 2)) {
        SY_TRY(ir_infer_operand(a, 2, &b));
        SY_TRY(ir_infer_want_dtype(a, 2, b.dtype, SY_DT_I32));
        SY_TRY(ir_infer_want_rank(a, 2, &b, 1));
    }
    return SY_OK;
}

/* y's attributes; result 0 gets them into its type. */
static sy_status finish(ir_infer_args *a)
{
    int64_t zero, low, high;
    SY_TRY(want_scale(a, "y_scale"));
    SY_TRY(want_i8(a, "y_zero", 0, &zero));
    SY_TRY(want_i8(a, "y_min", -128, &low));
    SY_TRY(want_i8(a, "y_max", 127, &high));
    if (low > high) {
        return ir_infer_error(a, SY_EINVAL, "y_min is %" PRId64 ", above y_max, %" PRId64, low, high);
    }
    if (!a->outputs[0].wanted) {
        return SY_OK;
    }
    const float scale = ir_node_float(a->node, "y_scale", 1.0f);
    const int32_t zero_i32 = (int32_t)zero;
    return ir_type_with_quant(a->module, &a->outputs[0].type, -1, 1, &scale, &zero_i32, &a->outputs[0].type);
}

sy_status ir_infer_qconv(ir_infer_args *a)
{
    SY_TRY(want_quantised(a, 0, 'x'));
    SY_TRY(want_weights(a, 0));
    SY_TRY(ir_infer_conv_shape(a, SY_DT_I8));
    return finish(a);
}

sy_status ir_infer_qgemm(ir_infer_args *a)
{
    ir_type x, w;
    ir_dim dims[IR_MAX_RANK];
    SY_TRY(want_quantised(a, 0, 'x'));
    SY_TRY(want_weights(a, 1));
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &w));
    SY_TRY(ir_infer_want_rank(a, 1, &w, 2));
    if (x.has_rank && x.rank == 0) {
        return ir_infer_error(a, SY_ESHAPE, "operand 0 must have at least 1 dimension, got 0");
    }
    if (x.has_rank && w.has_rank) {
        SY_TRY(ir_infer_want_dim(a, 0, &x, x.rank - 1, w.dims[0]));
    }
    for (int32_t i = 0; i < x.rank - 1; i++) {
        dims[i] = x.dims[i];
    }
    if (x.has_rank) {
        dims[x.rank - 1] = w.has_rank ? w.dims[1] : ir_infer_fresh(a, 0, x.rank - 1);
        if (ir_infer_has(a, 2)) {
            ir_type b;
            SY_TRY(ir_infer_operand(a, 2, &b));
            SY_TRY(ir_infer_want_dim(a, 2, &b, 0, dims[x.rank - 1]));
        }
    }
    SY_TRY(ir_infer_result(a, 0, SY_DT_I8, x.has_rank ? x.rank : -1, dims));
    return finish(a);
}

sy_status ir_infer_qmatmul(ir_infer_args *a)
{
    SY_TRY(want_quantised(a, 0, 'a'));
    SY_TRY(want_quantised(a, 1, 'b'));
    SY_TRY(ir_infer_matmul(a));
    return finish(a);
}

sy_status ir_infer_qbinary(ir_infer_args *a)
{
    ir_type x, y;
    ir_dim dims[IR_MAX_RANK];
    int32_t rank;
    SY_TRY(want_quantised(a, 0, 'a'));
    SY_TRY(want_quantised(a, 1, 'b'));
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &y));
    SY_TRY(ir_infer_broadcast(a, 0, &x, &y, dims, &rank));
    SY_TRY(ir_infer_result(a, 0, SY_DT_I8, rank, dims));
    return finish(a);
}

sy_status ir_infer_qpool(ir_infer_args *a)
{
    SY_TRY(want_quantised(a, 0, 'x'));
    if (ir_node_int(a->node, "global", 0) != 0) {
        SY_TRY(ir_infer_global_pool(a));
    } else {
        SY_TRY(ir_infer_pool(a));
    }
    a->outputs[0].type.dtype = SY_DT_I8;
    return finish(a);
}

sy_status ir_infer_qrequantize(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(want_quantised(a, 0, 'x'));
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_result(a, 0, SY_DT_I8, x.has_rank ? x.rank : -1, x.dims));
    return finish(a);
}

sy_status ir_infer_qtable(ir_infer_args *a)
{
    ir_type table;
    SY_TRY(ir_infer_operand(a, 1, &table));
    SY_TRY(ir_infer_want_dtype(a, 1, table.dtype, SY_DT_I8));
    SY_TRY(ir_infer_want_rank(a, 1, &table, 1));
    if (table.has_rank) {
        SY_TRY(ir_infer_want_dim(a, 1, &table, 0, ir_dim_const(a->module, 256)));
    }
    return ir_infer_qrequantize(a);
}
