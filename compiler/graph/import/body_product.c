/*
 * body_product.c -- bodies of matrix products, convolutions and pools with something before or behind them.
 *
 * Source: ONNX Runtime's docs/ContribOperators.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_body.h"

#include <string.h>

/* ---------------------------------------------------------------- activations by name */

static float parameter(onnx_body *b, uint32_t i, float fallback)
{
    const Onnx__AttributeProto *a = ir_onnx_attr_find(b->n, "activation_params");
    return a != NULL && i < a->n_floats ? a->floats[i] : fallback;
}

/* The function that attribute `activation` names, with attributes or activation_params as its parameters. */
static ir_value *activation(onnx_body *b, ir_value *x)
{
    const float alpha = ir_body_float(b, "activation_alpha", parameter(b, 0, 0.01f)),
                beta = ir_body_float(b, "activation_beta", parameter(b, 1, 0.0f)),
                low = parameter(b, 0, 0.0f), high = parameter(b, 1, 0.0f);
    const char *name = ir_body_text(b, "activation", "");
    (void)ir_onnx_attr_take(b->n, "activation_params");
    (void)ir_onnx_attr_take(b->n, "activation_gamma");
    static const struct {
        const char *name;
        uint32_t code;
    } plain[] = {{"Relu", IR_OP_RELU}, {"Tanh", IR_OP_TANH}, {"Sigmoid", IR_OP_SIGMOID}, {"Softplus", IR_OP_SOFTPLUS}};
    if (name[0] == '\0') {
        return x;
    }
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strcmp(name, plain[i].name) == 0) {
            return ir_body_op(b, plain[i].code, IR_BODY(x), NULL);
        }
    }
    if (strcmp(name, "LeakyRelu") == 0) {
        return ir_body_op(b, IR_OP_LEAKYRELU, IR_BODY(x), "alpha:f", (double)alpha);
    }
    if (strcmp(name, "HardSigmoid") == 0) {
        return ir_body_op(b, IR_OP_HARDSIGMOID, IR_BODY(x), "alpha:f beta:f", (double)alpha, (double)beta);
    }
    if (strcmp(name, "Clip") == 0) {
        return ir_body_op(b, IR_OP_CLIP, IR_BODY(x, ir_body_number(b, x, low), ir_body_number(b, x, high)), NULL);
    }
    ir_body_fail(b, SY_EUNSUPPORTED, "its activation is not known");
    return NULL;
}

/* Attributes that the activation has are taken before the product sees the others: so it is made twice as long, not twice. */
static void with_activation(onnx_body *b, uint32_t code, uint32_t n_inputs, ir_value *const *inputs, ir_value *addend)
{
    static const char *const names[] = {"activation", "activation_params", "activation_alpha", "activation_beta",
                                        "activation_gamma"};
    const Onnx__AttributeProto *kept[5];
    uint32_t n_kept = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const Onnx__AttributeProto *a = ir_onnx_attr_take(b->n, names[i]);
        if (a != NULL) {
            kept[n_kept++] = a;
        }
    }
    ir_value *y = NULL;
    ir_body_rest(b, code, n_inputs, inputs, 1, &y);
    if (addend != NULL) {
        y = ir_body_op(b, IR_OP_ADD, IR_BODY(y, addend), NULL);
    }
    b->n->attrs = kept;
    b->n->n_attrs = n_kept;
    b->n->outputs[0] = activation(b, y);
    SY_ASSERT(b->status != SY_OK || b->n->n_attrs == 0);
}

/* A, B, C */
void ir_body_fused_gemm(onnx_body *b)
{
    with_activation(b, IR_OP_GEMM, IR_BODY(ir_body_input(b, 0), ir_body_input(b, 1), ir_body_input(b, 2)), NULL);
}

/* X, W, B, Z */
void ir_body_fused_conv(onnx_body *b)
{
    with_activation(b, IR_OP_CONV, IR_BODY(ir_body_input(b, 0), ir_body_input(b, 1), ir_body_input(b, 2)),
                    ir_body_input(b, 3));
}

/* ---------------------------------------------------------------- FusedMatMul */

/* A matrix, or a batch of them: the first axis of a transposed batch is the last but one of the matrix. */
static ir_value *turned(onnx_body *b, ir_value *x, bool matrix, bool batch)
{
    const int32_t rank = ir_body_rank(b, x);
    int64_t perm[IR_MAX_RANK];
    if (b->status != SY_OK || rank < 2 || (!matrix && !batch)) {
        return x;
    }
    for (int32_t i = 0; i < rank; i++) {
        perm[i] = i;
    }
    if (batch) {
        for (int32_t i = 0; i < rank - 2; i++) {
            perm[i] = i + 1;
        }
        perm[rank - 2] = 0;
    }
    if (matrix) {
        const int64_t last = perm[rank - 1];
        perm[rank - 1] = perm[rank - 2];
        perm[rank - 2] = last;
    }
    return ir_body_op(b, IR_OP_TRANSPOSE, IR_BODY(x), "perm:I", (uint32_t)rank, perm);
}

void ir_body_fused_matmul(onnx_body *b)
{
    const float alpha = ir_body_float(b, "alpha", 1.0f);
    const bool trans_a = ir_body_int(b, "transA", 0) != 0, trans_b = ir_body_int(b, "transB", 0) != 0;
    const bool batch_a = ir_body_int(b, "transBatchA", 0) != 0, batch_b = ir_body_int(b, "transBatchB", 0) != 0;
    ir_value *x = turned(b, ir_body_input(b, 0), trans_a, batch_a), *w = turned(b, ir_body_input(b, 1), trans_b, batch_b);
    ir_value *y = ir_body_op(b, IR_OP_MATMUL, IR_BODY(x, w), NULL);
    if (alpha != 1.0f) {
        y = ir_body_op(b, IR_OP_MUL, IR_BODY(y, ir_body_number(b, y, alpha)), NULL);
    }
    b->n->outputs[0] = y;
}

/* ---------------------------------------------------------------- integers to float */

/* MatMulInteger(a, w) * (scale_a * scale_w) + bias */
static ir_value *scaled_product(onnx_body *b, ir_value *a, ir_value *w, ir_value *zero_a, ir_value *zero_w, ir_value *scale_a,
                                ir_value *scale_w, ir_value *bias)
{
    ir_value *sum = ir_body_op(b, IR_OP_MATMULINTEGER, IR_BODY(a, w, zero_a, zero_w), NULL);
    ir_value *scale = ir_body_op(b, IR_OP_MUL, IR_BODY(scale_a, scale_w), NULL);
    ir_value *y = ir_body_op(b, IR_OP_CAST, IR_BODY(sum), "to:i", (int64_t)SY_DT_F32);
    y = ir_body_op(b, IR_OP_MUL, IR_BODY(y, scale), NULL);
    return bias != NULL ? ir_body_op(b, IR_OP_ADD, IR_BODY(y, bias), NULL) : y;
}

/* A, B, b_scale, b_zero_point, bias */
void ir_body_dynamic_quantize_matmul(onnx_body *b)
{
    ir_value *q[3];
    ir_body_ops(b, IR_OP_DYNAMICQUANTIZE, IR_BODY(ir_body_input(b, 0)), 3, q, NULL);
    b->n->outputs[0] = scaled_product(b, q[0], ir_body_input(b, 1), q[2], ir_body_input(b, 3), q[1], ir_body_input(b, 2),
                                      ir_body_input(b, 4));
}

/* A, B, a_scale, b_scale, a_zero_point, b_zero_point, bias */
void ir_body_matmul_integer_to_float(onnx_body *b)
{
    b->n->outputs[0] = scaled_product(b, ir_body_input(b, 0), ir_body_input(b, 1), ir_body_input(b, 4), ir_body_input(b, 5),
                                      ir_body_input(b, 2), ir_body_input(b, 3), ir_body_input(b, 6));
}

/* condition, X, x_scale, x_zero, Y, y_scale, y_zero, z_scale, z_zero */
void ir_body_qlinear_where(onnx_body *b)
{
    ir_value *x = ir_body_op(b, IR_OP_DEQUANTIZELINEAR, IR_BODY(ir_body_input(b, 1), ir_body_input(b, 2), ir_body_input(b, 3)), NULL);
    ir_value *y = ir_body_op(b, IR_OP_DEQUANTIZELINEAR, IR_BODY(ir_body_input(b, 4), ir_body_input(b, 5), ir_body_input(b, 6)), NULL);
    ir_value *z = ir_body_op(b, IR_OP_WHERE, IR_BODY(ir_body_input(b, 0), x, y), NULL);
    b->n->outputs[0] = ir_body_op(b, IR_OP_QUANTIZELINEAR, IR_BODY(z, ir_body_input(b, 7), ir_body_input(b, 8)), NULL);
}

/* ---------------------------------------------------------------- other layouts, distances */

void ir_body_nhwc_max_pool(onnx_body *b)
{
    ir_value *x = ir_body_input(b, 0), *y = NULL;
    const int32_t rank = ir_body_rank(b, x);
    int64_t there[IR_MAX_RANK] = {0}, back[IR_MAX_RANK] = {0};
    if (b->status == SY_OK && rank < 3) {
        ir_body_fail(b, SY_ESHAPE, "its operand must have rank 3 or more");
    }
    if (b->status != SY_OK) {
        return;
    }
    there[1] = rank - 1;
    back[rank - 1] = 1;
    for (int32_t i = 2; i < rank; i++) {
        there[i] = i - 1;
        back[i - 1] = i;
    }
    x = ir_body_op(b, IR_OP_TRANSPOSE, IR_BODY(x), "perm:I", (uint32_t)rank, there);
    ir_body_rest(b, IR_OP_MAXPOOL, IR_BODY(x), 1, &y);
    b->n->outputs[0] = ir_body_op(b, IR_OP_TRANSPOSE, IR_BODY(y), "perm:I", (uint32_t)rank, back);
}

/* (m, k), (n, k) -> (m, n) */
void ir_body_cdist(onnx_body *b)
{
    const int64_t one[1] = {1}, zero[1] = {0}, two[1] = {2};
    const char *metric = ir_body_text(b, "metric", "sqeuclidean");
    const bool root = strcmp(metric, "euclidean") == 0;
    if (!root && strcmp(metric, "sqeuclidean") != 0) {
        ir_body_fail(b, SY_EUNSUPPORTED, "metric must be euclidean or sqeuclidean");
    }
    ir_value *x = ir_body_op(b, IR_OP_UNSQUEEZE, IR_BODY(ir_body_input(b, 0), ir_body_ints(b, 1, one)), NULL);
    ir_value *y = ir_body_op(b, IR_OP_UNSQUEEZE, IR_BODY(ir_body_input(b, 1), ir_body_ints(b, 1, zero)), NULL);
    ir_value *d = ir_body_op(b, IR_OP_SUB, IR_BODY(x, y), NULL);
    d = ir_body_op(b, IR_OP_MUL, IR_BODY(d, d), NULL);
    d = ir_body_op(b, IR_OP_REDUCESUM, IR_BODY(d, ir_body_ints(b, 1, two)), "keepdims:i", (int64_t)0);
    b->n->outputs[0] = root ? ir_body_op(b, IR_OP_SQRT, IR_BODY(d), NULL) : d;
}

/* X, axis: a scalar */
void ir_body_expand_dims(onnx_body *b)
{
    const int64_t one[1] = {1};
    ir_value *axes = ir_body_op(b, IR_OP_RESHAPE, IR_BODY(ir_body_input(b, 1), ir_body_ints(b, 1, one)), NULL);
    axes = ir_body_op(b, IR_OP_CAST, IR_BODY(axes), "to:i", (int64_t)SY_DT_I64);
    b->n->outputs[0] = ir_body_op(b, IR_OP_UNSQUEEZE, IR_BODY(ir_body_input(b, 0), axes), NULL);
}
