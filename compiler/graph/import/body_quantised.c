/*
 * body_quantised.c -- bodies of whole layers with 8-bit weights, and of gathers from tables quantised by blocks.
 *
 * Source: ONNX Runtime's docs/ContribOperators.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_body.h"

#include <string.h>

/* input, weight, bias, input_scale, weight_scale, mask, input_zero, weight_zero, past -> y, present */
void ir_body_q_attention(onnx_body *b)
{
    ir_value *results[2];
    ir_value *x = ir_body_op(b, IR_OP_DEQUANTIZELINEAR,
                             IR_BODY(ir_body_input(b, 0), ir_body_input(b, 3), ir_body_input(b, 6)), NULL);
    ir_value *w = ir_body_op(b, IR_OP_DEQUANTIZELINEAR,
                             IR_BODY(ir_body_input(b, 1), ir_body_input(b, 4), ir_body_input(b, 7)), "axis:i", (int64_t)1);
    ir_body_rest(b, IR_OP_MS_ATTENTION, IR_BODY(x, w, ir_body_input(b, 2), ir_body_input(b, 5), ir_body_input(b, 8)),
                 b->n->n_outputs, results);
    for (uint32_t i = 0; i < b->n->n_outputs; i++) {
        b->n->outputs[i] = results[i];
    }
}

/* (directions, in, 4 * hidden) in 8 bits, a scale per direction or per column -> (directions, 4 * hidden, in) as LSTM has it */
static ir_value *lstm_weights(onnx_body *b, ir_value *w, ir_value *scale, ir_value *zero, int64_t directions)
{
    const int64_t shape[3] = {directions, 1, -1}, perm[3] = {0, 2, 1};
    ir_value *columns = ir_body_ints(b, 3, shape);
    ir_value *x = ir_body_op(b, IR_OP_CAST, IR_BODY(w), "to:i", (int64_t)SY_DT_F32);
    if (zero != NULL) {
        ir_value *z = ir_body_op(b, IR_OP_CAST, IR_BODY(zero), "to:i", (int64_t)SY_DT_F32);
        z = ir_body_op(b, IR_OP_RESHAPE, IR_BODY(z, columns), NULL);
        x = ir_body_op(b, IR_OP_SUB, IR_BODY(x, z), NULL);
    }
    x = ir_body_op(b, IR_OP_MUL, IR_BODY(x, ir_body_op(b, IR_OP_RESHAPE, IR_BODY(scale, columns), NULL)), NULL);
    return ir_body_op(b, IR_OP_TRANSPOSE, IR_BODY(x), "perm:I", (uint32_t)3, perm);
}

/*
 * X, W, R, B, lengths, initial_h, initial_c, P, W_scale, W_zero, R_scale, R_zero -> Y, Y_h, Y_c. X is rounded to 8 bits by its
 * own range as the operator says; the state between steps, which ONNX Runtime rounds as well, keeps its precision.
 */
void ir_body_dynamic_quantize_lstm(onnx_body *b)
{
    ir_value *q[3], *results[3];
    const Onnx__AttributeProto *direction = ir_onnx_attr_find(b->n, "direction");
    static const char both[] = "bidirectional";
    const size_t length = sizeof both - 1;
    const bool two = direction != NULL && direction->has_s && direction->s.len == length &&
                     memcmp(direction->s.data, both, length) == 0;
    ir_body_ops(b, IR_OP_DYNAMICQUANTIZE, IR_BODY(ir_body_input(b, 0)), 3, q, NULL);
    ir_value *x = ir_body_op(b, IR_OP_DEQUANTIZELINEAR, IR_BODY(q[0], q[1], q[2]), NULL);
    ir_value *w = lstm_weights(b, ir_body_input(b, 1), ir_body_input(b, 8), ir_body_input(b, 9), two ? 2 : 1);
    ir_value *r = lstm_weights(b, ir_body_input(b, 2), ir_body_input(b, 10), ir_body_input(b, 11), two ? 2 : 1);
    ir_body_rest(b, IR_OP_LSTM, IR_BODY(x, w, r, ir_body_input(b, 3), ir_body_input(b, 4), ir_body_input(b, 5),
                                        ir_body_input(b, 6), ir_body_input(b, 7)),
                 b->n->n_outputs, results);
    for (uint32_t i = 0; i < b->n->n_outputs; i++) {
        b->n->outputs[i] = results[i];
    }
}

static ir_value *byte(onnx_body *b, uint8_t value)
{
    ir_value *v = NULL;
    if (b->status == SY_OK) {
        b->status = ir_onnx_emit_const(b->n, SY_DT_U8, 0, NULL, &value, sizeof value, &v);
    }
    return v;
}

/* Two 4-bit numbers of each byte, the low one first, along the last axis, of which `like` tells the length where it may be odd. */
static ir_value *nibbles(onnx_body *b, ir_value *x, ir_value *like)
{
    const int64_t last[1] = {-1}, zero[1] = {0};
    int64_t shape[IR_MAX_RANK] = {0};
    const int32_t rank = ir_body_rank(b, x);
    if (b->status != SY_OK || rank < 1) {
        return x;
    }
    shape[rank - 1] = -1;
    ir_value *axis = ir_body_ints(b, 1, last);
    ir_value *low = ir_body_op(b, IR_OP_BITWISEAND, IR_BODY(x, byte(b, 15)), NULL);
    ir_value *high = ir_body_op(b, IR_OP_BITSHIFT, IR_BODY(x, byte(b, 4)), "direction:s", "RIGHT");
    low = ir_body_op(b, IR_OP_UNSQUEEZE, IR_BODY(low, axis), NULL);
    high = ir_body_op(b, IR_OP_UNSQUEEZE, IR_BODY(high, axis), NULL);
    x = ir_body_op(b, IR_OP_CONCAT, IR_BODY(low, high), "axis:i", (int64_t)-1);
    x = ir_body_op(b, IR_OP_RESHAPE, IR_BODY(x, ir_body_ints(b, (uint32_t)rank, shape)), NULL);
    if (like != NULL) {
        ir_value *end = ir_body_op(b, IR_OP_SHAPE, IR_BODY(like), "start:i", (int64_t)-1);
        x = ir_body_op(b, IR_OP_SLICE, IR_BODY(x, ir_body_ints(b, 1, zero), end, axis), NULL);
    }
    return x;
}

/* data, indices, scales, zero_points: bytes hold numbers of 8 bits or two of 4, and are symmetric about the middle of their range */
void ir_body_gather_block_quantized(onnx_body *b)
{
    const int64_t bits = ir_body_int(b, "bits", 4), size = ir_body_int(b, "block_size", 128),
                  axis = ir_body_int(b, "quantize_axis", 1), gathered = ir_body_int(b, "gather_axis", 0);
    ir_value *x = ir_body_input(b, 0), *scales = ir_body_input(b, 2), *zero = ir_body_input(b, 3);
    if (b->status == SY_OK && x != NULL && x->type.dtype == SY_DT_U8) {
        if (bits != 4 && bits != 8) {
            ir_body_fail(b, SY_EUNSUPPORTED, "bytes must hold numbers of 4 or 8 bits");
        }
        x = bits == 4 ? nibbles(b, x, NULL) : x;
        if (zero == NULL) {
            ir_value *shape = ir_body_op(b, IR_OP_SHAPE, IR_BODY(scales), NULL);
            zero = ir_body_op(b, IR_OP_EXPAND, IR_BODY(byte(b, bits == 4 ? 8 : 128), shape), NULL);
        } else {
            zero = bits == 4 ? nibbles(b, zero, scales) : zero;
        }
    }
    x = ir_body_op(b, IR_OP_DEQUANTIZELINEAR, IR_BODY(x, scales, zero), "axis:i block_size:i", axis, size);
    b->n->outputs[0] = ir_body_op(b, IR_OP_GATHER, IR_BODY(x, ir_body_input(b, 1)), "axis:i", gathered);
}
