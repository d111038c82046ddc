/*
 * infer_math.c -- inference of elementwise operators, reductions, matrix products and normalisation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"

#include <inttypes.h>
#include <string.h>

/* ---------------------------------------------------------------- elementwise */

/* What one element of shape arithmetic gives; NULL: not followed. */
static ir_dim arithmetic_element(const ir_infer_args *a, ir_dim x, ir_dim y)
{
    ir_module *m = a->module;
    int64_t cx, cy;
    const bool x_known = ir_dim_is_const(x, &cx), both = ir_dim_is_const(y, &cy) && x_known;
    switch (a->node->op->code) {
    case IR_OP_ADD:
        return ir_dim_add(m, x, y);
    case IR_OP_SUB:
        return ir_dim_sub(m, x, y);
    case IR_OP_MUL:
        return ir_dim_mul(m, x, y);
    case IR_OP_DIV:
        if (both) {
            const bool undefined = cy == 0 || (cx == INT64_MIN && cy == -1);
            return undefined ? NULL : ir_dim_const(m, cx / cy);
        }
        /* truncation is floor where nothing is negative */
        return ir_dim_at_least(x, 0) && ir_dim_at_least(y, 1) ? ir_dim_floor_div(m, x, y) : NULL;
    case IR_OP_MOD: /* x - floor(x / y) * y, which is both of ONNX's where nothing is negative */
        return ir_dim_at_least(x, 0) && ir_dim_at_least(y, 1)
                   ? ir_dim_sub(m, x, ir_dim_mul(m, ir_dim_floor_div(m, x, y), y))
                   : NULL;
    case IR_OP_MAX:
        return ir_dim_at_least(ir_dim_sub(m, x, y), 0) ? x : ir_dim_at_least(ir_dim_sub(m, y, x), 0) ? y : NULL;
    case IR_OP_MIN:
        return ir_dim_at_least(ir_dim_sub(m, x, y), 0) ? y : ir_dim_at_least(ir_dim_sub(m, y, x), 0) ? x : NULL;
    case IR_OP_EQUAL: {
        const ir_dim difference = ir_dim_sub(m, x, y);
        const bool differ = ir_dim_at_least(difference, 1) || ir_dim_at_least(ir_dim_sub(m, y, x), 1);
        return x == y || differ ? ir_dim_const(m, x == y) : NULL;
    }
    default: /* an operator of the table without shape arithmetic; not an enum of ours here: codes are open */
        return NULL;
    }
}

static sy_status arithmetic_elements(ir_infer_args *a)
{
    const ir_elements x = ir_infer_elements(a, 0), y = ir_infer_elements(a, 1);
    if ((a->node->op->props & IR_P_SHAPE) == 0 || a->n_inputs != 2 || x.elements == NULL || y.elements == NULL ||
        (x.n != y.n && x.n != 1 && y.n != 1)) {
        return SY_OK;
    }
    const uint32_t n = x.n == 1 ? y.n : x.n;
    ir_dim result[IR_MAX_ELEMENTS];
    for (uint32_t i = 0; i < n; i++) {
        result[i] = arithmetic_element(a, x.elements[x.n == 1 ? 0 : i], y.elements[y.n == 1 ? 0 : i]);
    }
    return ir_infer_set_elements(a, 0, n, result);
}

/* All operands broadcast together; *dtype is the one they share. */
static sy_status broadcast_all(ir_infer_args *a, uint32_t first, ir_type *out)
{
    SY_TRY(ir_infer_operand(a, first, out));
    out->quant = NULL;
    for (uint32_t i = first + 1; i < a->n_inputs; i++) {
        ir_type t;
        ir_dim dims[IR_MAX_RANK];
        int32_t rank;
        sy_dtype dtype;
        SY_TRY(ir_infer_operand(a, i, &t));
        SY_TRY(ir_infer_same_dtype(a, first, out->dtype, i, t.dtype, &dtype));
        SY_TRY(ir_infer_broadcast(a, 0, out, &t, dims, &rank));
        SY_TRY(ir_type_tensor(a->module, dtype, rank, dims, out));
    }
    return SY_OK;
}

static sy_status want_number(const ir_infer_args *a, sy_dtype dtype)
{
    const sy_dtype_class c = sy_dtype_class_of(dtype);
    return c == SY_DC_BOOL || c == SY_DC_STRING || c == SY_DC_COMPLEX
               ? ir_infer_error(a, SY_EINVAL, "operands must be numbers, got %s", sy_dtype_name(dtype))
               : SY_OK;
}

sy_status ir_infer_arithmetic(ir_infer_args *a)
{
    ir_type t;
    SY_TRY(broadcast_all(a, 0, &t));
    SY_TRY(want_number(a, t.dtype));
    ir_infer_result_type(a, 0, &t);
    return arithmetic_elements(a);
}

sy_status ir_infer_compare(ir_infer_args *a)
{
    ir_type t;
    SY_TRY(broadcast_all(a, 0, &t));
    t.dtype = SY_DT_BOOL;
    ir_infer_result_type(a, 0, &t);
    return arithmetic_elements(a);
}

/* Chosen where the conditions are known. */
static sy_status where_elements(ir_infer_args *a)
{
    const ir_elements c = ir_infer_elements(a, 0), x = ir_infer_elements(a, 1), y = ir_infer_elements(a, 2);
    const uint32_t n = c.n != 1 ? c.n : x.n != 1 ? x.n : y.n;
    ir_dim chosen[IR_MAX_ELEMENTS];
    if (c.elements == NULL || x.elements == NULL || y.elements == NULL || (c.n != n && c.n != 1) ||
        (x.n != n && x.n != 1) || (y.n != n && y.n != 1)) {
        return SY_OK;
    }
    for (uint32_t i = 0; i < n; i++) {
        int64_t condition;
        if (!ir_dim_is_const(c.elements[c.n == 1 ? 0 : i], &condition)) {
            return SY_OK;
        }
        chosen[i] = condition != 0 ? x.elements[x.n == 1 ? 0 : i] : y.elements[y.n == 1 ? 0 : i];
    }
    return ir_infer_set_elements(a, 0, n, chosen);
}

sy_status ir_infer_where(ir_infer_args *a)
{
    ir_type condition, t;
    ir_dim dims[IR_MAX_RANK];
    int32_t rank;
    SY_TRY(ir_infer_operand(a, 0, &condition));
    SY_TRY(ir_infer_want_dtype(a, 0, condition.dtype, SY_DT_BOOL));
    SY_TRY(broadcast_all(a, 1, &t));
    SY_TRY(ir_infer_broadcast(a, 0, &condition, &t, dims, &rank));
    SY_TRY(ir_infer_result(a, 0, t.dtype, rank, dims));
    return rank <= 1 ? where_elements(a) : SY_OK;
}

sy_status ir_infer_pow(ir_infer_args *a)
{
    ir_type x, y;
    ir_dim dims[IR_MAX_RANK];
    int32_t rank;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &y));
    SY_TRY(want_number(a, x.dtype));
    SY_TRY(want_number(a, y.dtype));
    SY_TRY(ir_infer_broadcast(a, 0, &x, &y, dims, &rank));
    return ir_infer_result(a, 0, x.dtype, rank, dims);
}

sy_status ir_infer_same(ir_infer_args *a)
{
    ir_type t;
    SY_TRY(ir_infer_operand(a, 0, &t));
    SY_TRY(want_number(a, t.dtype));
    /* Relu on integers compares with 0, not with the zero point: other quantities would change meaning. */
    t.quant = NULL;
    ir_infer_result_type(a, 0, &t);
    return SY_OK;
}

sy_status ir_infer_same_float(ir_infer_args *a)
{
    ir_type t;
    SY_TRY(ir_infer_operand(a, 0, &t));
    SY_TRY(ir_infer_want_class(a, 0, t.dtype, SY_DC_FLOAT));
    ir_infer_result_type(a, 0, &t);
    return SY_OK;
}

sy_status ir_infer_clip(ir_infer_args *a)
{
    ir_type t;
    SY_TRY(ir_infer_operand(a, 0, &t));
    SY_TRY(want_number(a, t.dtype));
    for (uint32_t i = 1; i < 3; i++) {
        if (ir_infer_has(a, i)) {
            ir_type limit;
            sy_dtype dtype;
            SY_TRY(ir_infer_operand(a, i, &limit));
            if (limit.has_rank && limit.rank == 1) { /* of one element: exporters write it, ONNX Runtime takes it */
                SY_TRY(ir_infer_want_dim(a, i, &limit, 0, ir_dim_const(a->module, 1)));
            } else {
                SY_TRY(ir_infer_want_rank(a, i, &limit, 0));
            }
            SY_TRY(ir_infer_same_dtype(a, 0, t.dtype, i, limit.dtype, &dtype));
        }
    }
    ir_infer_result_type(a, 0, &t);
    return SY_OK;
}

sy_status ir_infer_cast(ir_infer_args *a)
{
    ir_type t;
    SY_TRY(ir_infer_operand(a, 0, &t));
    const int64_t to = ir_node_int(a->node, "to", -1);
    if (to <= 0 || to >= SY_DT_COUNT) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'to' must be a dtype number, got %" PRId64, to);
    }
    const char *mode = ir_node_string(a->node, "round_mode", "up");
    if (strcmp(mode, "up") != 0 && strcmp(mode, "down") != 0 && strcmp(mode, "nearest") != 0) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'round_mode' must be up, down or nearest, got '%s'", mode);
    }
    t.dtype = (sy_dtype)to;
    t.quant = NULL;
    ir_infer_result_type(a, 0, &t);
    const ir_elements e = ir_infer_elements(a, 0);
    const bool keeps = to == SY_DT_I64 || to == SY_DT_I32;
    return keeps && e.elements != NULL ? ir_infer_set_elements(a, 0, e.n, e.elements) : SY_OK;
}

sy_status ir_infer_softmax(ir_infer_args *a)
{
    ir_type t;
    int32_t axis;
    SY_TRY(ir_infer_operand(a, 0, &t));
    SY_TRY(ir_infer_want_class(a, 0, t.dtype, SY_DC_FLOAT));
    if (t.has_rank) {
        SY_TRY(ir_infer_axis(a, ir_node_int(a->node, "axis", -1), t.rank, &axis));
    }
    ir_infer_result_type(a, 0, &t);
    return SY_OK;
}

/* ---------------------------------------------------------------- reductions */

sy_status ir_infer_reduce(ir_infer_args *a)
{
    ir_type t;
    const uint32_t code = a->node->op->code;
    SY_TRY(ir_infer_operand(a, 0, &t));
    if (t.dtype != SY_DT_BOOL || (code != IR_OP_REDUCEMAX && code != IR_OP_REDUCEMIN)) {
        SY_TRY(want_number(a, t.dtype));
    }
    const bool keep = ir_node_int(a->node, "keepdims", 1) != 0;
    const bool noop = ir_node_int(a->node, "noop_with_empty_axes", 0) != 0;
    if (!t.has_rank) {
        return ir_infer_result(a, 0, t.dtype, -1, NULL);
    }
    uint32_t bits = 0;
    bool known = true;
    if (ir_infer_has(a, 1)) {
        SY_TRY(ir_infer_axes(a, 1, t.rank, &bits, &known));
    }
    if (!known) {
        ir_dim dims[IR_MAX_RANK];
        for (int32_t i = 0; i < t.rank; i++) {
            dims[i] = ir_infer_fresh(a, 0, i);
        }
        return ir_infer_result(a, 0, t.dtype, keep ? t.rank : -1, dims);
    }
    if (bits == 0 && !noop) {
        bits = (1u << t.rank) - 1u;
    }
    ir_dim dims[IR_MAX_RANK];
    int32_t rank = 0;
    for (int32_t i = 0; i < t.rank; i++) {
        const bool reduced = (bits >> i & 1u) != 0;
        if (!reduced || keep) {
            dims[rank++] = reduced ? ir_dim_const(a->module, 1) : t.dims[i];
        }
    }
    return ir_infer_result(a, 0, t.dtype, rank, dims);
}

/* ---------------------------------------------------------------- matrix products */

sy_status ir_infer_gemm(ir_infer_args *a)
{
    ir_type x, w;
    sy_dtype dtype;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &w));
    SY_TRY(ir_infer_want_rank(a, 0, &x, 2));
    SY_TRY(ir_infer_want_rank(a, 1, &w, 2));
    SY_TRY(ir_infer_same_dtype(a, 0, x.dtype, 1, w.dtype, &dtype));
    SY_TRY(want_number(a, dtype));
    const int32_t tx = ir_node_int(a->node, "transA", 0) != 0, tw = ir_node_int(a->node, "transB", 0) != 0;
    ir_dim dims[2];
    if (x.has_rank) {
        SY_TRY(ir_infer_want_dim(a, 1, &w, tw, x.dims[1 - tx]));
    }
    dims[0] = x.has_rank ? x.dims[tx] : ir_infer_fresh(a, 0, 0);
    dims[1] = w.has_rank ? w.dims[1 - tw] : ir_infer_fresh(a, 0, 1);
    SY_TRY(ir_infer_result(a, 0, dtype, 2, dims));
    if (!ir_infer_has(a, 2)) {
        return SY_OK;
    }
    ir_type c, y, both;
    ir_dim joined[IR_MAX_RANK];
    int32_t rank;
    SY_TRY(ir_infer_operand(a, 2, &c));
    SY_TRY(ir_infer_same_dtype(a, 0, dtype, 2, c.dtype, &dtype));
    SY_TRY(ir_type_tensor(a->module, dtype, 2, dims, &y));
    SY_TRY(ir_infer_broadcast(a, 0, &y, &c, joined, &rank));
    SY_TRY(ir_type_tensor(a->module, dtype, rank, joined, &both));
    if (rank > 2) {
        return ir_infer_error(a, SY_ESHAPE, "operand 2 must broadcast to 2 dimensions, got %d", c.rank);
    }
    for (int32_t i = 0; c.has_rank && i < 2; i++) {
        int64_t got, want;
        if (ir_dim_is_const(both.dims[i], &got) && ir_dim_is_const(dims[i], &want) && got != want) {
            return ir_infer_error(a, SY_ESHAPE, "operand 2 must broadcast to %" PRId64 " in dimension %d, got %" PRId64,
                                  want, i, got);
        }
    }
    return SY_OK;
}

/* The shape of a product of x (operand i) and y (operand j) with numpy's rules for vectors and batch dimensions. */
static sy_status matmul_shape(ir_infer_args *a, uint32_t j, const ir_type *x, const ir_type *y, ir_dim *out,
                              int32_t *rank)
{
    *rank = -1;
    if (!x->has_rank || !y->has_rank) {
        return SY_OK;
    }
    if (x->rank == 0 || y->rank == 0) {
        return ir_infer_error(a, SY_ESHAPE, "operand %d must have at least 1 dimension, got 0", x->rank == 0 ? 0 : 1);
    }
    SY_TRY(ir_infer_want_dim(a, j, y, y->rank == 1 ? 0 : y->rank - 2, x->dims[x->rank - 1]));
    ir_type bx, by;
    SY_TRY(ir_type_tensor(a->module, SY_DT_NONE, x->rank > 2 ? x->rank - 2 : 0, x->dims, &bx));
    SY_TRY(ir_type_tensor(a->module, SY_DT_NONE, y->rank > 2 ? y->rank - 2 : 0, y->dims, &by));
    SY_TRY(ir_infer_broadcast(a, 0, &bx, &by, out, rank));
    if (x->rank > 1) {
        out[(*rank)++] = x->dims[x->rank - 2];
    }
    if (y->rank > 1) {
        out[(*rank)++] = y->dims[y->rank - 1];
    }
    return SY_OK;
}

sy_status ir_infer_matmul_shape(ir_infer_args *a, uint32_t i, uint32_t j, sy_dtype dtype)
{
    ir_type x, y;
    ir_dim dims[IR_MAX_RANK + 2];
    int32_t rank;
    SY_TRY(ir_infer_operand(a, i, &x));
    SY_TRY(ir_infer_operand(a, j, &y));
    SY_TRY(matmul_shape(a, j, &x, &y, dims, &rank));
    return ir_infer_result(a, 0, dtype, rank, dims);
}

sy_status ir_infer_matmul(ir_infer_args *a)
{
    ir_type x, y;
    sy_dtype dtype;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &y));
    SY_TRY(ir_infer_same_dtype(a, 0, x.dtype, 1, y.dtype, &dtype));
    SY_TRY(want_number(a, dtype));
    return ir_infer_matmul_shape(a, 0, 1, dtype);
}
