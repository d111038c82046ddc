/*
 * body_older.c -- bodies of the experimental operators that ONNX had until operator set 10: converters of their time wrote them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_body.h"

static ir_value *scaled(onnx_body *b, ir_value *x, float factor)
{
    return factor == 1.0f ? x : ir_body_op(b, IR_OP_MUL, IR_BODY(x, ir_body_number(b, x, factor)), NULL);
}

void ir_body_affine(onnx_body *b)
{
    const float alpha = ir_body_float(b, "alpha", 1.0f), beta = ir_body_float(b, "beta", 0.0f);
    ir_value *x = scaled(b, ir_body_input(b, 0), alpha);
    b->n->outputs[0] = ir_body_op(b, IR_OP_ADD, IR_BODY(x, ir_body_number(b, x, beta)), NULL);
}

/* border: left, top, right, bottom; with `scale`, the height and width that are left */
void ir_body_crop(onnx_body *b)
{
    const int64_t *border = NULL, *scale = NULL;
    uint32_t n_border = 0, n_scale = 0;
    bool found = false;
    if (b->status == SY_OK) {
        b->status = ir_onnx_take_ints(b->n, "border", &border, &n_border, &found);
    }
    if (b->status == SY_OK) {
        b->status = ir_onnx_take_ints(b->n, "scale", &scale, &n_scale, &found);
    }
    if (n_border != 4 || (n_scale != 0 && n_scale != 2)) {
        ir_body_fail(b, SY_EFORMAT, "expected four borders, and two sizes or none");
    }
    for (uint32_t i = 0; i < 4 && b->status == SY_OK; i++) {
        if (border[i] < 0 || border[i] > INT32_MAX || (n_scale == 2 && i < 2 && (scale[i] < 0 || scale[i] > INT32_MAX))) {
            ir_body_fail(b, SY_ERANGE, "a border or size is negative or too large");
        }
    }
    if (b->status != SY_OK) {
        return;
    }
    const int64_t axes[2] = {2, 3}, starts[2] = {border[1], border[0]};
    const int64_t ends[2] = {n_scale == 2 ? starts[0] + scale[0] : border[3] > 0 ? -border[3] : INT64_MAX,
                             n_scale == 2 ? starts[1] + scale[1] : border[2] > 0 ? -border[2] : INT64_MAX};
    b->n->outputs[0] = ir_body_op(b, IR_OP_SLICE,
                                  IR_BODY(ir_body_input(b, 0), ir_body_ints(b, 2, starts), ir_body_ints(b, 2, ends),
                                          ir_body_ints(b, 2, axes)),
                                  NULL);
}

void ir_body_dynamic_slice(onnx_body *b)
{
    b->n->outputs[0] = ir_body_op(b, IR_OP_SLICE,
                                  IR_BODY(ir_body_input(b, 0), ir_body_input(b, 1), ir_body_input(b, 2), ir_body_input(b, 3)),
                                  NULL);
}

void ir_body_image_scaler(onnx_body *b)
{
    const Onnx__AttributeProto *bias = ir_onnx_attr_take(b->n, "bias");
    ir_value *x = scaled(b, ir_body_input(b, 0), ir_body_float(b, "scale", 1.0f)), *v = NULL;
    if (bias == NULL || b->status != SY_OK) {
        b->n->outputs[0] = bias == NULL ? ir_body_op(b, IR_OP_IDENTITY, IR_BODY(x), NULL) : NULL;
        return;
    }
    const int64_t dims[3] = {(int64_t)bias->n_floats, 1, 1};
    b->status = ir_onnx_emit_const(b->n, SY_DT_F32, 3, dims, bias->floats, bias->n_floats * sizeof(float), &v);
    b->n->outputs[0] = ir_body_op(b, IR_OP_ADD, IR_BODY(x, v), NULL);
}

void ir_body_parametric_softplus(onnx_body *b)
{
    const float alpha = ir_body_float(b, "alpha", 1.0f), beta = ir_body_float(b, "beta", 1.0f);
    ir_value *x = scaled(b, ir_body_input(b, 0), beta);
    b->n->outputs[0] = scaled(b, ir_body_op(b, IR_OP_SOFTPLUS, IR_BODY(x), NULL), alpha);
}

void ir_body_scale(onnx_body *b)
{
    ir_value *x = ir_body_input(b, 0);
    b->n->outputs[0] = ir_body_op(b, IR_OP_MUL, IR_BODY(x, ir_body_number(b, x, ir_body_float(b, "scale", 1.0f))), NULL);
}

void ir_body_scaled_tanh(onnx_body *b)
{
    const float alpha = ir_body_float(b, "alpha", 1.0f), beta = ir_body_float(b, "beta", 1.0f);
    ir_value *x = scaled(b, ir_body_input(b, 0), beta);
    b->n->outputs[0] = scaled(b, ir_body_op(b, IR_OP_TANH, IR_BODY(x), NULL), alpha);
}

/* A list of integers of the function; n is 0 if it is absent. */
static const int64_t *ints(onnx_body *b, const char *name, uint32_t *n)
{
    const int64_t *values = NULL;
    bool found = false;
    *n = 0;
    if (b->status == SY_OK) {
        b->status = ir_onnx_take_ints(b->n, name, &values, n, &found);
    }
    return values;
}

/* The shape: an attribute, x's own, or what x says; and more dimensions after it. */
void ir_body_constant_fill(onnx_body *b)
{
    uint32_t n_shape, n_extra;
    const int64_t *own = ints(b, "shape", &n_shape), *extra = ints(b, "extra_shape", &n_extra);
    const float value = ir_body_float(b, "value", 0.0f);
    const int64_t dtype = ir_body_int(b, "dtype", SY_DT_F32), given = ir_body_int(b, "input_as_shape", 0);
    ir_value *x = ir_body_input(b, 0), *shape, *fill = NULL;
    if (x == NULL) {
        shape = ir_body_ints(b, n_shape, own);
    } else if (given != 0) {
        shape = ir_body_op(b, IR_OP_CAST, IR_BODY(x), "to:i", (int64_t)SY_DT_I64);
    } else {
        shape = ir_body_op(b, IR_OP_SHAPE, IR_BODY(x), NULL);
    }
    if (n_extra > 0) {
        shape = ir_body_op(b, IR_OP_CONCAT, IR_BODY(shape, ir_body_ints(b, n_extra, extra)), "axis:i", (int64_t)0);
    }
    if (b->status == SY_OK) {
        b->status = ir_onnx_emit_const(b->n, SY_DT_F32, 0, NULL, &value, sizeof value, &fill);
    }
    fill = ir_body_op(b, IR_OP_CAST, IR_BODY(fill), "to:i", dtype);
    b->n->outputs[0] = ir_body_op(b, IR_OP_EXPAND, IR_BODY(fill, shape), NULL);
}
