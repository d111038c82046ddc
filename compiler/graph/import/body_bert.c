/*
 * body_bert.c -- bodies of losses, activations, normalisations and embeddings.
 *
 * Source of com.microsoft's: ONNX Runtime's docs/ContribOperators.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_body.h"

#include <string.h>

/* scores, labels, weights -> loss, log_prob */
void ir_body_softmax_cross_entropy(onnx_body *b)
{
    const char *reduction = ir_body_text(b, "reduction", "mean");
    const bool ignoring = ir_onnx_attr_find(b->n, "ignore_index") != NULL;
    const int64_t ignored = ir_body_int(b, "ignore_index", 0);
    ir_value *logs = ir_body_op(b, IR_OP_LOGSOFTMAX, IR_BODY(ir_body_input(b, 0)), "axis:i", (int64_t)1);
    ir_value *operands[3] = {logs, ir_body_input(b, 1), ir_body_input(b, 2)};
    b->n->outputs[0] = ignoring ? ir_body_op(b, IR_OP_NLLLOSS, 3, operands, "reduction:s ignore_index:i", reduction, ignored)
                                : ir_body_op(b, IR_OP_NLLLOSS, 3, operands, "reduction:s", reduction);
    if (b->n->n_outputs > 1) {
        b->n->outputs[1] = logs;
    }
}

/* ---------------------------------------------------------------- activations */

static ir_value *plus(onnx_body *b, ir_value *x, ir_value *y)
{
    return y != NULL ? ir_body_op(b, IR_OP_ADD, IR_BODY(x, y), NULL) : x;
}

void ir_body_bias_gelu(onnx_body *b)
{
    ir_value *x = plus(b, ir_body_input(b, 0), ir_body_input(b, 1));
    b->n->outputs[0] = ir_body_op(b, IR_OP_GELU, IR_BODY(x), "approximate:s", "none");
}

void ir_body_fast_gelu(onnx_body *b)
{
    ir_value *x = plus(b, ir_body_input(b, 0), ir_body_input(b, 1));
    b->n->outputs[0] = ir_body_op(b, IR_OP_GELU, IR_BODY(x), "approximate:s", "tanh");
}

void ir_body_quick_gelu(onnx_body *b)
{
    ir_value *x = ir_body_input(b, 0), *t = x;
    const float alpha = ir_body_float(b, "alpha", 1.702f);
    if (alpha != 1.0f) {
        t = ir_body_op(b, IR_OP_MUL, IR_BODY(x, ir_body_number(b, x, alpha)), NULL);
    }
    t = ir_body_op(b, IR_OP_SIGMOID, IR_BODY(t), NULL);
    b->n->outputs[0] = ir_body_op(b, IR_OP_MUL, IR_BODY(x, t), NULL);
}

void ir_body_bias_add(onnx_body *b)
{
    ir_value *x = plus(b, ir_body_input(b, 0), ir_body_input(b, 1));
    b->n->outputs[0] = plus(b, x, ir_body_input(b, 2));
}

/* ---------------------------------------------------------------- normalisations */

/* axis, epsilon, stash_type as RMSNormalization has them */
void ir_body_simplified_layer_norm(onnx_body *b)
{
    const int64_t axis = ir_body_int(b, "axis", -1), stash = ir_body_int(b, "stash_type", 1);
    const float epsilon = ir_body_float(b, "epsilon", 1e-5f);
    b->n->outputs[0] = ir_body_op(b, IR_OP_RMSNORM, IR_BODY(ir_body_input(b, 0), ir_body_input(b, 1)),
                                  "axis:i epsilon:f stash_type:i", axis, (double)epsilon, stash);
}

/* The sum as result 3, where it is wanted. */
static ir_value *skip_sum(onnx_body *b, uint32_t bias)
{
    ir_value *x = plus(b, ir_body_input(b, 0), ir_body_input(b, 1));
    x = plus(b, x, ir_body_input(b, bias));
    if (b->n->n_outputs > 3) {
        b->n->outputs[3] = x;
    }
    return x;
}

/* x, skip, gamma, beta, bias -> y, mean, 1 / deviation, sum */
void ir_body_skip_layer_norm(onnx_body *b)
{
    const float epsilon = ir_body_float(b, "epsilon", 1e-12f);
    ir_value *x = skip_sum(b, 4), *results[3];
    ir_value *operands[3] = {x, ir_body_input(b, 2), ir_body_input(b, 3)};
    const uint32_t n = b->n->n_outputs >= 3 ? 3 : b->n->n_outputs;
    ir_body_ops(b, IR_OP_LAYERNORM, 3, operands, n, results, "axis:i epsilon:f", (int64_t)-1, (double)epsilon);
    for (uint32_t i = 0; i < n; i++) {
        b->n->outputs[i] = results[i];
    }
}

/* x, skip, gamma, bias -> y, -, -, sum */
void ir_body_skip_simplified_layer_norm(onnx_body *b)
{
    const float epsilon = ir_body_float(b, "epsilon", 1e-12f);
    ir_value *x = skip_sum(b, 3);
    b->n->outputs[0] = ir_body_op(b, IR_OP_RMSNORM, IR_BODY(x, ir_body_input(b, 2)), "axis:i epsilon:f", (int64_t)-1,
                                  (double)epsilon);
}

/* The positions 0, 1, ... of a row: the first of the table, as many as there are ids. */
static ir_value *first_positions(onnx_body *b, ir_value *table, ir_value *ids)
{
    const int64_t zero[1] = {0};
    ir_value *n = ir_body_op(b, IR_OP_SHAPE, IR_BODY(ids), "start:i end:i", (int64_t)1, (int64_t)2);
    ir_value *begin = ir_body_ints(b, 1, zero);
    return ir_body_op(b, IR_OP_SLICE, IR_BODY(table, begin, n, begin), NULL);
}

/* operands: input_ids, segment_ids, word, position, segment, gamma, beta, mask, position_ids -> y, mask_index, sum */
static void embed(onnx_body *b, ir_value *const operands[9])
{
    const float epsilon = ir_body_float(b, "epsilon", 1e-12f);
    const int64_t mask_type = ir_body_int(b, "mask_index_type", 1);
    ir_value *ids = operands[0], *segments = operands[1], *positions = operands[8],
             *mask = operands[7];
    ir_value *x = ir_body_op(b, IR_OP_GATHER, IR_BODY(operands[2], ids), "axis:i", (int64_t)0);
    ir_value *p = positions != NULL
                      ? ir_body_op(b, IR_OP_GATHER, IR_BODY(operands[3], positions), "axis:i", (int64_t)0)
                      : first_positions(b, operands[3], ids);
    x = plus(b, x, p);
    if (segments != NULL && operands[4] != NULL) {
        x = plus(b, x, ir_body_op(b, IR_OP_GATHER, IR_BODY(operands[4], segments), "axis:i", (int64_t)0));
    }
    b->n->outputs[0] = ir_body_op(b, IR_OP_LAYERNORM, IR_BODY(x, operands[5], operands[6]),
                                  "axis:i epsilon:f", (int64_t)-1, (double)epsilon);
    if (ir_body_wants(b, 1)) {
        const int64_t one[1] = {1};
        ir_value *from = mask;
        if (mask_type != 1) {
            ir_body_fail(b, SY_EUNSUPPORTED, "only mask_index_type 1 (lengths) is supported");
        }
        if (mask == NULL) { /* no mask: zeros, of which the sum is zero too */
            from = ir_body_op(b, IR_OP_SUB, IR_BODY(ids, ids), NULL);
        }
        b->n->outputs[1] = ir_body_op(b, IR_OP_REDUCESUM, IR_BODY(from, ir_body_ints(b, 1, one)), "keepdims:i", (int64_t)0);
    }
    if (b->n->n_outputs > 2) {
        b->n->outputs[2] = x;
    }
}

void ir_body_embed_layer_norm(onnx_body *b)
{
    ir_value *operands[9];
    for (uint32_t i = 0; i < 9; i++) {
        operands[i] = ir_body_input(b, i);
    }
    embed(b, operands);
}

/* The same with tables, gamma and beta (operands 2 to 6) in 8 bits; their scales follow operand 7 (mask), then their zero points. */
void ir_body_q_embed_layer_norm(onnx_body *b)
{
    ir_value *operands[9] = {NULL};
    for (uint32_t i = 0; i < 8; i++) {
        operands[i] = ir_body_input(b, i);
        if (i >= 2 && i <= 6 && operands[i] != NULL) {
            operands[i] = ir_body_op(b, IR_OP_DEQUANTIZELINEAR,
                                     IR_BODY(operands[i], ir_body_input(b, i + 6), ir_body_input(b, i + 11)), NULL);
        }
    }
    embed(b, operands);
}
