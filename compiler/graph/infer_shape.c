/*
 * infer_shape.c -- inference of operators that make tensors from shapes and attributes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"
#include "ref/ref_internal.h" /* numbers of any float type as data */

#include <inttypes.h>
#include <math.h>

sy_status ir_infer_shape(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(ir_infer_operand(a, 0, &x));
    ir_dim n = ir_infer_fresh(a, 0, 0);
    if (x.has_rank) {
        int64_t start = ir_node_int(a->node, "start", 0), end = ir_node_int(a->node, "end", x.rank);
        start = start < 0 ? start + x.rank : start;
        end = end < 0 ? end + x.rank : end;
        start = start < 0 ? 0 : start > x.rank ? x.rank : start;
        end = end < start ? start : end > x.rank ? x.rank : end;
        n = ir_dim_const(a->module, end - start);
        SY_TRY(ir_infer_result(a, 0, SY_DT_I64, 1, &n));
        return ir_infer_set_elements(a, 0, (uint32_t)(end - start), x.rank > 0 ? x.dims + start : NULL);
    }
    return ir_infer_result(a, 0, SY_DT_I64, 1, &n);
}

/* A vector constant from a list attribute. */
static sy_status constant_list(ir_infer_args *a, const ir_attr *attr)
{
    const ir_dim n = ir_dim_const(a->module, attr->n);
    ir_dim e[IR_MAX_ELEMENTS];
    if (attr->kind != IR_ATTR_INTS) {
        return ir_infer_result(a, 0, attr->kind == IR_ATTR_FLOATS ? SY_DT_F32 : SY_DT_STRING, 1, &n);
    }
    SY_TRY(ir_infer_result(a, 0, SY_DT_I64, 1, &n));
    for (uint32_t i = 0; i < attr->n && attr->n <= IR_MAX_ELEMENTS; i++) {
        e[i] = ir_dim_const(a->module, attr->u.ints[i]);
    }
    return attr->n <= IR_MAX_ELEMENTS ? ir_infer_set_elements(a, 0, attr->n, e) : SY_OK;
}

static sy_status constant_tensor(ir_infer_args *a, ir_const *c)
{
    ir_type t;
    SY_TRY(ir_const_type(a->module, c, &t));
    ir_infer_result_type(a, 0, &t);
    /* Its elements, through the same eyes as an operand's. */
    const ir_infer_input in = { .present = true, .type = t, .constant = c };
    const ir_infer_args as_operand = { .module = a->module, .node = a->node, .n_inputs = 1, .inputs = &in };
    ir_tensor data;
    ir_dim e[IR_MAX_ELEMENTS];
    const sy_dtype_class class = sy_dtype_class_of(c->dtype);
    if (t.rank > 1 || (class != SY_DC_INT && class != SY_DC_UINT) || sy_dtype_bits(c->dtype) < 8 ||
        c->size_bytes > IR_MAX_ELEMENTS * sizeof(int64_t)) {
        return SY_OK;
    }
    SY_TRY(ir_infer_data(&as_operand, 0, &data));
    const int64_t n = data.data != NULL ? ir_tensor_n_elements(&data) : IR_MAX_ELEMENTS + 1;
    for (int64_t i = 0; i < n && n <= IR_MAX_ELEMENTS; i++) {
        e[i] = ir_dim_const(a->module, ir_tensor_get_i64(&data, i));
    }
    return n <= IR_MAX_ELEMENTS ? ir_infer_set_elements(a, 0, (uint32_t)n, e) : SY_OK;
}

sy_status ir_infer_constant(ir_infer_args *a)
{
    if (a->node->n_attrs != 1) {
        return ir_infer_error(a, SY_EINVAL, "must have one attribute, got %u", a->node->n_attrs);
    }
    const ir_attr *attr = &a->node->attrs[0];
    ir_dim value;
    switch (attr->kind) {
    case IR_ATTR_TENSOR:
        return constant_tensor(a, attr->u.tensor);
    case IR_ATTR_INT:
        SY_TRY(ir_infer_result(a, 0, SY_DT_I64, 0, NULL));
        value = ir_dim_const(a->module, attr->u.i);
        return ir_infer_set_elements(a, 0, 1, &value);
    case IR_ATTR_FLOAT:
        return ir_infer_result(a, 0, SY_DT_F32, 0, NULL);
    case IR_ATTR_STRING:
        return ir_infer_result(a, 0, SY_DT_STRING, 0, NULL);
    case IR_ATTR_INTS:
    case IR_ATTR_FLOATS:
    case IR_ATTR_STRINGS:
        return constant_list(a, attr);
    case IR_ATTR_GRAPH:
        break;
    }
    return ir_infer_error(a, SY_EINVAL, "attribute '%s' holds no constant", attr->name);
}

sy_status ir_infer_constant_of_shape(ir_infer_args *a)
{
    ir_type shape;
    SY_TRY(ir_infer_operand(a, 0, &shape));
    SY_TRY(ir_infer_want_class(a, 0, shape.dtype, SY_DC_INT));
    SY_TRY(ir_infer_want_rank(a, 0, &shape, 1));
    ir_const *value = ir_node_tensor(a->node, "value");
    const sy_dtype dtype = value != NULL ? value->dtype : SY_DT_F32;
    const ir_elements e = ir_infer_elements(a, 0);
    int64_t n = -1;
    ir_dim dims[IR_MAX_RANK];
    if (e.elements != NULL) {
        n = e.n;
    } else if (shape.has_rank && ir_dim_is_const(shape.dims[0], &n) && n < 0) {
        n = -1;
    }
    if (n > IR_MAX_RANK) {
        return ir_infer_error(a, SY_EUNSUPPORTED, "operand 0 asks for %" PRId64 " dimensions, at most %d are supported",
                              n, IR_MAX_RANK);
    }
    for (int32_t i = 0; i < (int32_t)n; i++) {
        dims[i] = e.elements != NULL ? e.elements[i] : ir_infer_fresh(a, 0, i);
    }
    SY_TRY(ir_infer_result(a, 0, dtype, (int32_t)n, dims));
    int64_t count = 1;
    const bool counted = n == 0 || (n == 1 && ir_dim_is_const(dims[0], &count));
    if (!counted || count > IR_MAX_ELEMENTS || value == NULL || (dtype != SY_DT_I64 && dtype != SY_DT_I32)) {
        return SY_OK;
    }
    const ir_infer_input in = { .present = true, .constant = value };
    const ir_infer_args as_operand = { .module = a->module, .node = a->node, .n_inputs = 1, .inputs = &in };
    ir_tensor data;
    ir_dim filled[IR_MAX_ELEMENTS];
    SY_TRY(ir_infer_data(&as_operand, 0, &data));
    if (data.data == NULL || ir_tensor_n_elements(&data) != 1) {
        return SY_OK;
    }
    for (int64_t i = 0; i < count; i++) {
        filled[i] = ir_dim_const(a->module, ir_tensor_get_i64(&data, 0));
    }
    return ir_infer_set_elements(a, 0, (uint32_t)count, filled);
}

/*
 * The length from data: floats as ONNX says, max(ceil((limit - start) / delta), 0). As runtimes have it, the
 * difference is rounded to f32 (but for f64), the quotient is not.
 */
static sy_status range_of_floats(ir_infer_args *a, sy_dtype dtype, ir_dim *n)
{
    double v[3];
    for (uint32_t i = 0; i < 3; i++) {
        ir_tensor t;
        SY_TRY(ir_infer_data(a, i, &t));
        if (t.data == NULL || !ir_ref_is_float(t.dtype) || ir_tensor_n_elements(&t) != 1) {
            return SY_OK;
        }
        v[i] = ir_ref_get(&t, 0);
    }
    const double span = dtype == SY_DT_F64 ? v[1] - v[0] : (double)(float)(v[1] - v[0]);
    const double length = ceil(span / v[2]);
    if (!(fabs(length) < 9.0e15)) {
        return ir_infer_error(a, SY_ERANGE, "start, limit and delta give no finite length");
    }
    *n = ir_dim_const(a->module, length > 0 ? (int64_t)length : 0);
    return SY_OK;
}

static sy_status range_of_ints(ir_infer_args *a, ir_dim *n)
{
    ir_dim v[3];
    int64_t c[3], span;
    for (uint32_t i = 0; i < 3; i++) {
        const ir_elements e = ir_infer_elements(a, i);
        if (e.elements == NULL || e.n != 1) {
            return SY_OK;
        }
        v[i] = e.elements[0];
    }
    if (!ir_dim_is_const(v[2], &c[2])) {
        return SY_OK;
    }
    if (c[2] == 0) {
        return ir_infer_error(a, SY_EINVAL, "delta must not be 0");
    }
    const ir_dim length = ir_dim_sub(a->module, v[1], v[0]);
    if (!ir_dim_is_const(v[0], &c[0]) || !ir_dim_is_const(v[1], &c[1])) {
        *n = c[2] > 0 && ir_dim_at_least(length, 0) ? ir_dim_ceil_div(a->module, length, v[2]) : *n;
        return SY_OK;
    }
    const ir_dim exact = ir_dim_ceil_div(a->module, length, v[2]);
    if (!ir_dim_is_const(exact, &span)) {
        return ir_infer_error(a, SY_ERANGE, "start, limit and delta give no length in 64 bits");
    }
    *n = ir_dim_const(a->module, span > 0 ? span : 0);
    ir_dim e[IR_MAX_ELEMENTS];
    for (int64_t i = 0; i < span && span <= IR_MAX_ELEMENTS; i++) {
        e[i] = ir_dim_add(a->module, v[0], ir_dim_mul(a->module, v[2], ir_dim_const(a->module, i)));
    }
    return span <= IR_MAX_ELEMENTS ? ir_infer_set_elements(a, 0, span > 0 ? (uint32_t)span : 0, e) : SY_OK;
}

sy_status ir_infer_range(ir_infer_args *a)
{
    sy_dtype dtype = SY_DT_NONE;
    for (uint32_t i = 0; i < 3; i++) {
        ir_type t;
        SY_TRY(ir_infer_operand(a, i, &t));
        if (t.has_rank && t.rank == 1) { /* ONNX's own functions give vectors of one element */
            SY_TRY(ir_infer_want_dim(a, i, &t, 0, ir_dim_const(a->module, 1)));
        } else {
            SY_TRY(ir_infer_want_rank(a, i, &t, 0));
        }
        SY_TRY(ir_infer_same_dtype(a, 0, dtype, i, t.dtype, &dtype));
    }
    ir_dim n = ir_infer_fresh(a, 0, 0);
    if (sy_dtype_class_of(dtype) == SY_DC_FLOAT) {
        SY_TRY(range_of_floats(a, dtype, &n));
    } else {
        SY_TRY(range_of_ints(a, &n));
    }
    return ir_infer_result(a, 0, dtype, 1, &n);
}
