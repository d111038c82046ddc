/*
 * body_flex.c -- the body of FlexAttention.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_body.h"

#include <math.h>

static ir_value *cast(onnx_body *b, ir_value *x, sy_dtype to)
{
    return x == NULL || x->type.dtype == to ? x : ir_body_op(b, IR_OP_CAST, IR_BODY(x), "to:i", (int64_t)to);
}

/* A size of an operand that must be known. */
static int64_t size_of(onnx_body *b, const ir_value *v, int32_t axis)
{
    int64_t n = 0;
    if (ir_body_rank(b, v) != 4) {
        ir_body_fail(b, SY_ESHAPE, "its operands must have rank 4");
    } else if (!ir_dim_is_const(v->type.dims[axis], &n) || n < 1) {
        ir_body_fail(b, SY_EUNSUPPORTED, "the number and size of heads must be known");
    }
    return n;
}

/* Each head `times` times in a row. */
static ir_value *repeated(onnx_body *b, ir_value *x, int64_t heads, int64_t times)
{
    const int64_t two[1] = {2}, ones[5] = {1, 1, times, 1, 1};
    if (times == 1) {
        return x;
    }
    const int64_t size = size_of(b, x, 3);
    const int64_t shape[4] = {0, heads * times, -1, size};
    ir_value *y = ir_body_op(b, IR_OP_UNSQUEEZE, IR_BODY(x, ir_body_ints(b, 1, two)), NULL);
    y = ir_body_op(b, IR_OP_EXPAND, IR_BODY(y, ir_body_ints(b, 5, ones)), NULL);
    return ir_body_op(b, IR_OP_RESHAPE, IR_BODY(y, ir_body_ints(b, 4, shape)), NULL);
}

/* Q, K, V */
void ir_body_flex_attention(onnx_body *b)
{
    static const int64_t swapped[4] = {0, 1, 3, 2};
    ir_value *q = ir_body_input(b, 0), *k = ir_body_input(b, 1), *v = ir_body_input(b, 2);
    const int64_t heads = size_of(b, q, 1), kv_heads = size_of(b, k, 1), size = size_of(b, q, 3);
    const bool given = ir_onnx_attr_find(b->n, "scale") != NULL;
    const float scale = ir_body_float(b, "scale", 1.0f);
    if (b->status != SY_OK) {
        return;
    }
    const sy_dtype dtype = q->type.dtype;
    const int64_t precision = ir_body_int(b, "softmax_precision", dtype == SY_DT_F64 ? SY_DT_F64 : SY_DT_F32);
    const sy_dtype wide = (sy_dtype)precision;
    if (heads % kv_heads != 0 || sy_dtype_class_of(wide) != SY_DC_FLOAT) {
        ir_body_fail(b, SY_EINVAL, "the heads of queries are no multiple of those of keys, or softmax_precision is no float type");
        return;
    }
    const double root = sqrt(given ? (double)scale : 1.0 / sqrt((double)size));
    k = repeated(b, k, kv_heads, heads / kv_heads);
    v = repeated(b, v, kv_heads, heads / kv_heads);
    ir_value *factor = ir_body_number(b, q, (float)root);
    q = ir_body_op(b, IR_OP_MUL, IR_BODY(q, factor), NULL);
    k = ir_body_op(b, IR_OP_MUL, IR_BODY(k, factor), NULL);
    k = ir_body_op(b, IR_OP_TRANSPOSE, IR_BODY(k), "perm:I", (uint32_t)4, swapped);
    ir_value *s = cast(b, ir_body_op(b, IR_OP_MATMUL, IR_BODY(q, k), NULL), wide);
    s = cast(b, ir_body_graph(b, "score_mod", s), wide);
    s = ir_body_op(b, IR_OP_SOFTMAX, IR_BODY(s), "axis:i", (int64_t)-1);
    s = cast(b, ir_body_graph(b, "prob_mod", s), wide);
    s = ir_body_op(b, IR_OP_MATMUL, IR_BODY(s, cast(b, v, wide)), NULL);
    b->n->outputs[0] = wide == dtype ? s : cast(b, s, dtype);
}
