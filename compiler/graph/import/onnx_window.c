/*
 * onnx_window.c -- older forms of windows, resampling and quantisation. Part of onnx_opset.c's table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_internal.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- small steps */

static sy_status add_attribute(onnx_node *n, const char *name, Onnx__AttributeProto **out)
{
    Onnx__AttributeProto *a = BASE_ARENA_NEW(n->in->scratch, Onnx__AttributeProto);
    const Onnx__AttributeProto **attrs = BASE_ARENA_ARRAY(
        n->in->scratch, const Onnx__AttributeProto *, (size_t)n->n_attrs + 1);
    char *copy = base_arena_strdup(n->in->scratch, name);
    if (a == NULL || attrs == NULL || copy == NULL) {
        return SY_ENOMEM;
    }
    onnx__attribute_proto__init(a);
    a->name = copy;
    a->has_type = true;
    if (n->n_attrs > 0) {
        memcpy(attrs, n->attrs, n->n_attrs * sizeof *attrs);
    }
    attrs[n->n_attrs++] = a;
    n->attrs = attrs;
    *out = a;
    return SY_OK;
}

static sy_status add_string(onnx_node *n, const char *name, const char *value)
{
    Onnx__AttributeProto *a = NULL;
    char *copy = base_arena_strdup(n->in->scratch, value);
    SY_TRY(add_attribute(n, name, &a));
    if (copy == NULL) {
        return SY_ENOMEM;
    }
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
    a->has_s = true;
    a->s.data = (uint8_t *)copy;
    a->s.len = strlen(value);
    return SY_OK;
}

static sy_status add_int(onnx_node *n, const char *name, int64_t value)
{
    Onnx__AttributeProto *a = NULL;
    SY_TRY(add_attribute(n, name, &a));
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    a->has_i = true;
    a->i = value;
    return SY_OK;
}

/* ---------------------------------------------------------------- Upsample, Resize */

/* The scales of Upsample 7 (an attribute) and 1 (two of them, of the last two dimensions). */
static sy_status upsample_scales(onnx_node *n, ir_value **out)
{
    float scales[4] = {1.0f, 1.0f, 1.0f, 1.0f};
    const int64_t four[1] = {4};
    bool found = false, both = false;
    if (n->version < 7) {
        SY_TRY(ir_onnx_take_float(n, "height_scale", &scales[2], &found));
        SY_TRY(ir_onnx_take_float(n, "width_scale", &scales[3], &both));
        return found && both ? ir_onnx_emit_const(n, SY_DT_F32, 1, four, scales, sizeof scales, out)
                             : ir_onnx_fail(n, SY_EFORMAT, "height_scale or width_scale is missing");
    }
    const Onnx__AttributeProto *a = ir_onnx_attr_take(n, "scales");
    if (a == NULL || a->n_floats == 0 || a->n_floats > IR_MAX_RANK) {
        return ir_onnx_fail(n, SY_EFORMAT, "attribute 'scales' is missing or too long");
    }
    const int64_t dims[1] = {(int64_t)a->n_floats};
    return ir_onnx_emit_const(n, SY_DT_F32, 1, dims, a->floats, a->n_floats * sizeof(float), out);
}

/*
 * Upsample, and Resize 10: positions are divided by the scale; the nearest is the one below, in a Resize that makes
 * smaller the one above.
 */
static sy_status resize_10(onnx_node *n, bool *built)
{
    ir_value *scales = n->n_inputs > 1 ? n->inputs[1] : NULL;
    const Onnx__AttributeProto *mode = ir_onnx_attr_find(n, "mode");
    (void)built;
    if (n->n_inputs < 1 || n->inputs[0] == NULL) {
        return ir_onnx_fail(n, SY_EFORMAT, "operand 0 is missing");
    }
    if (strcmp(n->op, "Upsample") == 0 && n->version < 9) {
        SY_TRY(upsample_scales(n, &scales));
    }
    if (mode != NULL && mode->s.len == strlen("bilinear") &&
        memcmp(mode->s.data, "bilinear", mode->s.len) == 0) { /* Upsample 1 */
        (void)ir_onnx_attr_take(n, "mode");
        SY_TRY(add_string(n, "mode", "linear"));
    }
    ir_value **inputs = BASE_ARENA_ARRAY(n->in->scratch, ir_value *, 3);
    if (inputs == NULL) {
        return SY_ENOMEM;
    }
    inputs[0] = n->inputs[0];
    inputs[1] = NULL;
    inputs[2] = scales;
    n->inputs = inputs;
    n->n_inputs = 3;
    SY_TRY(add_string(n, "coordinate_transformation_mode", "asymmetric"));
    SY_TRY(add_string(n, "nearest_mode", strcmp(n->op, "Upsample") == 0 ? "floor" : "simple"));
    n->op = ir_intern(n->in->m, "Resize");
    return n->op != NULL ? SY_OK : SY_ENOMEM;
}

/* ---------------------------------------------------------------- pools, regions */

/* The order of the norm was a float. */
static sy_status lp_pool_1(onnx_node *n, bool *built)
{
    float p = 2.0f;
    bool found = false;
    (void)built;
    SY_TRY(ir_onnx_take_float(n, "p", &p, &found));
    if (!(p >= 1.0f && p <= 1048576.0f && floorf(p) == p)) {
        return ir_onnx_fail(n, SY_EUNSUPPORTED, "p is %g, only whole numbers from 1 on are supported",
                            (double)p);
    }
    return found ? add_int(n, "p", (int64_t)p) : SY_OK;
}

static sy_status roi_align_10(onnx_node *n, bool *built)
{
    (void)built;
    return add_string(n, "coordinate_transformation_mode", "output_half_pixel");
}

/* ---------------------------------------------------------------- the table */

#define EVERY_VERSION INT64_MAX

static const struct {
    const char *op;
    int64_t before; /* the rule is for operator sets below this one */
    sy_status (*rule)(onnx_node *n, bool *built);
} rules[] = {
    {"Upsample", EVERY_VERSION, resize_10},
    {"Resize", 11, resize_10},
    {"LpPool", 2, lp_pool_1},
    {"GlobalLpPool", 2, lp_pool_1},
    {"RoiAlign", 16, roi_align_10},
};

sy_status ir_onnx_window_rules(onnx_node *n, bool *built)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (n->version < rules[i].before && strcmp(n->op, rules[i].op) == 0) {
            return rules[i].rule(n, built);
        }
    }
    return SY_OK;
}
