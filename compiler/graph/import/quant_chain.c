/*
 * quant_chain.c -- what stands between a core operator and its DequantizeLinear or QuantizeLinear.
 *
 * Why each step is exact, for every input. DQ(q) = fl((q - z) * s) and Q(v) = sat(rne(fl(v / s)) +
 * z) with s > 0 are monotone, and Q(DQ(q)) = q (quant_params_of admits only scales where that
 * holds). moves     f(DQ(q)) = DQ(f(q)) and Q(f(v)) = f(Q(v)), since f only picks elements. Pad
 * adds its fill c: Q(c) going up; going down c must be DQ of some integer (0 is DQ of the zero
 * point). maxima,   a monotone function of the largest is the largest of the function; MaxPool's
 * padding loses every minima    comparison (-128, and every window holds a real element). Relu,
 * clamp(v, lo, hi) is v, lo or hi, so Q(clamp(v, lo, hi)) = clamp(Q(v), Q(lo), Q(hi)) for lo <= hi;
 * Relu is Clip      lo = 0, and Q(0) = z. A quantised operator's result stands for Q(v), so its
 * y_min and y_max take the clamp. Going down, lo and hi must be DQ of integers, or beyond all of
 * them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "quant_internal.h"

#include <math.h>
#include <string.h>

bool ir_quant_is_move(const ir_node *n)
{
    static const uint32_t moves[] = {
        IR_OP_IDENTITY,  IR_OP_RESHAPE, IR_OP_FLATTEN,       IR_OP_SQUEEZE,   IR_OP_UNSQUEEZE,
        IR_OP_TRANSPOSE, IR_OP_CONCAT,  IR_OP_SLICE,         IR_OP_GATHER,    IR_OP_EXPAND,
        IR_OP_PAD,       IR_OP_MAXPOOL, IR_OP_GLOBALMAXPOOL, IR_OP_REDUCEMAX, IR_OP_REDUCEMIN};
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        if (ir_node_is(n, moves[i])) {
            return n->n_outputs == 1 || n->outputs[1] == NULL; /* MaxPool without indices */
        }
    }
    return false;
}

static bool is_clamp(const ir_node *n)
{
    return ir_node_is(n, IR_OP_RELU) || ir_node_is(n, IR_OP_CLIP);
}

/* The bounds of a Relu or Clip; absent ones are infinite. False if they are not constants, or
 * empty, or NaN. */
static bool clamp_bounds(quant_pass *p, const ir_node *n, float *low, float *high)
{
    *low = ir_node_is(n, IR_OP_RELU) ? 0.0f : -INFINITY;
    *high = INFINITY;
    if (ir_node_is(n, IR_OP_CLIP)) {
        if ((ir_node_input(n, 1) != NULL && !ir_quant_float_of(p, ir_node_input(n, 1), low)) ||
            (ir_node_input(n, 2) != NULL && !ir_quant_float_of(p, ir_node_input(n, 2), high))) {
            (void)ir_quant_refuse(p, n, "its limits are not fp32 constants");
            return false;
        }
    }
    if (!(*low <= *high)) {
        (void)ir_quant_refuse(p, n, "its limits leave no number between them");
        return false;
    }
    return true;
}

/* The operands other than data: how many of the first are data. */
static uint32_t n_data(const ir_node *n)
{
    return ir_node_is(n, IR_OP_CONCAT) ? n->n_inputs : 1;
}

/* The number that a constant-mode Pad writes. False if the mode copies elements, or it is not
 * constant. */
static bool pad_fill(quant_pass *p, const ir_node *n, float *fill, bool *refused)
{
    const char *mode = ir_node_string(n, "mode", "constant");
    *refused = false;
    *fill = 0.0f;
    if (!ir_node_is(n, IR_OP_PAD) || strcmp(mode, "constant") != 0) {
        return false;
    }
    if (ir_node_input(n, 2) != NULL && !ir_quant_float_of(p, ir_node_input(n, 2), fill)) {
        *refused = true;
        (void)ir_quant_refuse(p, n, "its fill is not an fp32 constant");
    }
    return !*refused;
}

/* A copy of a move on int8 data; `fill` as an int8 operand for a Pad in constant mode. */
static sy_status copy_move(quant_pass *p, const ir_node *n, ir_value *const *data, bool has_fill,
                           int32_t fill, ir_value **out)
{
    const uint32_t n_inputs = has_fill && n->n_inputs < 3 ? 3 : n->n_inputs;
    ir_value **operands = BASE_ARENA_ARRAY(p->scratch, ir_value *, n_inputs);
    if (operands == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        operands[i] = i < n_data(n) ? data[i] : ir_node_input(n, i);
    }
    if (!has_fill) {
        return ir_quant_copy(p, n, operands, NULL, out);
    }
    ir_value *constant = NULL;
    SY_TRY(ir_quant_i8_const(p, n->graph, fill, &constant));
    if (n->n_inputs >= 3) {
        operands[2] = constant;
        return ir_quant_copy(p, n, operands, NULL, out);
    }
    /* ir_node_clone keeps the number of operands: the fill is one more */
    ir_node *node = NULL;
    SY_TRY(ir_quant_emit(n, IR_OP_PAD, 2, operands, &node, out));
    SY_TRY(ir_node_add_input(node, constant));
    return ir_quant_infer(p, n, node, out);
}

/* Clip on integers; bounds at the type's own limits are left out. */
static sy_status emit_clip(quant_pass *p, const ir_node *source, ir_value *x, int32_t low,
                           int32_t high, ir_value **out)
{
    ir_value *operands[3] = {x, NULL, NULL};
    ir_node *node = NULL;
    if (low <= -128 && high >= 127) {
        *out = x;
        return SY_OK;
    }
    if (low > -128) {
        SY_TRY(ir_quant_i8_const(p, source->graph, low, &operands[1]));
    }
    if (high < 127) {
        SY_TRY(ir_quant_i8_const(p, source->graph, high, &operands[2]));
    }
    SY_TRY(ir_quant_emit(source, IR_OP_CLIP, operands[2] != NULL ? 3 : 2, operands, &node, out));
    return ir_quant_infer(p, source, node, out);
}

/* ---------------------------------------------------------------- down from DequantizeLinear */

/* The integer whose DQ is exactly x; beyond all integers, the nearest limit if `saturate`. */
static bool integer_of(quant_params params, float x, bool saturate, int32_t *out)
{
    *out = ir_quant_of_float(params, x);
    const float back = ir_quant_to_float(params, *out);
    return back == x || (saturate && ((*out == -128 && x < back) || (*out == 127 && x > back)));
}

static sy_status operand_clamp(quant_pass *p, ir_node *n, uint32_t depth, quant_value *out)
{
    quant_value x;
    float low, high;
    int32_t q_low, q_high;
    SY_TRY(ir_quant_operand(p, ir_node_input(n, 0), depth + 1, &x));
    if (x.value == NULL || !clamp_bounds(p, n, &low, &high)) {
        return SY_OK;
    }
    if (!integer_of(x.params, low, true, &q_low) || !integer_of(x.params, high, true, &q_high)) {
        return ir_quant_refuse(p, n, "its limits lie between two steps of the scale");
    }
    *out = x;
    return emit_clip(p, n, x.value, q_low, q_high, &out->value);
}

static sy_status operand_move(quant_pass *p, ir_node *n, uint32_t depth, quant_value *out)
{
    const uint32_t count = n_data(n);
    ir_value **data = BASE_ARENA_ARRAY(p->scratch, ir_value *, count);
    quant_value x = {0}, first = {0};
    float fill = 0.0f;
    int32_t q_fill = 0;
    bool refused = false;
    if (data == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        SY_TRY(ir_quant_operand(p, ir_node_input(n, i), depth + 1, &x));
        if (x.value == NULL) {
            return SY_OK;
        }
        first = i == 0 ? x : first;
        if (x.params.scale != first.params.scale || x.params.zero != first.params.zero) {
            return ir_quant_refuse(
                p, n, "its operands have different scales and it is not quantised itself");
        }
        data[i] = x.value;
    }
    const bool has_fill = pad_fill(p, n, &fill, &refused);
    if (refused) {
        return SY_OK;
    }
    if (has_fill && !integer_of(first.params, fill, false, &q_fill)) {
        return ir_quant_refuse(p, n, "its fill lies between two steps of the scale");
    }
    *out = first;
    return copy_move(p, n, data, has_fill, q_fill, &out->value);
}

/* Split moves data too, to several results: its int8 copy serves them all. */
static sy_status operand_split(quant_pass *p, ir_node *n, uint32_t depth, uint32_t index,
                               quant_value *out)
{
    quant_value x;
    ir_value *first = NULL;
    SY_TRY(ir_quant_operand(p, ir_node_input(n, 0), depth + 1, &x));
    if (x.value == NULL) {
        return SY_OK;
    }
    ir_value *operands[2] = {x.value, ir_node_input(n, 1)};
    ir_node *copy = NULL;
    SY_TRY(ir_quant_copy(p, n, operands, &copy, &first));
    for (uint32_t i = 0; copy != NULL && i < n->n_outputs; i++) {
        quant_info *info = n->outputs[i] != NULL ? ir_quant_info_of(p, n->outputs[i]) : NULL;
        if (n->outputs[i] != NULL && info == NULL) {
            return SY_ENOMEM;
        }
        if (info != NULL) {
            info->operand = (quant_value){copy->outputs[i], x.params, false};
            info->operand_tried = true;
        }
        if (i == index) {
            *out = info->operand;
        }
    }
    return SY_OK;
}

sy_status ir_quant_operand(quant_pass *p, ir_value *v, uint32_t depth, quant_value *out)
{
    *out = (quant_value){0};
    if (v == NULL || v->kind != IR_VALUE_RESULT) {
        return SY_OK;
    }
    quant_info *info = ir_quant_info_of(p, v);
    ir_node *n = v->producer;
    if (info == NULL) {
        return SY_ENOMEM;
    }
    if (info->operand_tried) {
        *out = info->operand;
        return info->refusal != NULL ? ir_quant_refuse(p, info->culprit, info->refusal) : SY_OK;
    }
    if (depth > QUANT_MAX_CHAIN) {
        return ir_quant_refuse(p, n, "too many operators in a row between it and DequantizeLinear");
    }
    if (ir_node_is(n, IR_OP_DEQUANTIZELINEAR)) {
        if (!ir_quant_params_of(p, n, &out->params)) {
            return SY_OK;
        }
        SY_TRY(ir_quant_as_i8(p, ir_node_input(n, 0), &out->value));
    } else if (is_clamp(n)) {
        SY_TRY(operand_clamp(p, n, depth, out));
    } else if (ir_quant_is_move(n)) {
        SY_TRY(operand_move(p, n, depth, out));
    } else if (ir_node_is(n, IR_OP_SPLIT)) {
        SY_TRY(operand_split(p, n, depth, v->index, out));
    }
    info->operand = *out;
    info->operand_tried = true;
    info->refusal = out->value == NULL ? p->reason : NULL;
    info->culprit = p->culprit;
    return SY_OK;
}

/* ---------------------------------------------------------------- up from QuantizeLinear */

static bool same(quant_params a, quant_params b)
{
    return a.scale == b.scale && a.zero == b.zero;
}

static sy_status requantize(quant_pass *p, const ir_node *source, quant_value x, quant_params want,
                            quant_value *out)
{
    ir_node *node = NULL;
    if (same(x.params, want)) {
        *out = x;
        out->fresh = false;
        return SY_OK;
    }
    if (!isnormal(x.params.scale / want.scale)) {
        return ir_quant_refuse(p, source, "the ratio of its scales is no normal number");
    }
    *out = (quant_value){NULL, want, true};
    SY_TRY(ir_quant_emit(source, IR_OP_QREQUANTIZE, 1, &x.value, &node, &out->value));
    SY_TRY(ir_node_set_float(node, "x_scale", x.params.scale));
    SY_TRY(ir_node_set_int(node, "x_zero", x.params.zero));
    SY_TRY(ir_node_set_float(node, "y_scale", want.scale));
    SY_TRY(ir_node_set_int(node, "y_zero", want.zero));
    return ir_quant_infer(p, source, node, &out->value);
}

static sy_status result_clamp(quant_pass *p, ir_node *n, quant_params want, bool shared,
                              uint32_t depth, quant_value *out)
{
    float low, high;
    quant_value x;
    if (!clamp_bounds(p, n, &low, &high)) {
        return SY_OK;
    }
    SY_TRY(ir_quant_result(p, ir_node_input(n, 0), want, shared, depth + 1, &x));
    if (x.value == NULL) {
        return SY_OK;
    }
    const int32_t q_low = ir_quant_of_float(want, low), q_high = ir_quant_of_float(want, high);
    *out = x;
    if (!x.fresh) {
        return emit_clip(p, n, x.value, q_low, q_high, &out->value);
    }
    /* clamp after clamp: the intersection, or the one point that the later leaves */
    ir_node *core = x.value->producer;
    int64_t y_min = ir_node_int(core, "y_min", -128), y_max = ir_node_int(core, "y_max", 127);
    y_min = y_min < q_low ? q_low : y_min > q_high ? q_high : y_min;
    y_max = y_max < q_low ? q_low : y_max > q_high ? q_high : y_max;
    SY_TRY(ir_node_set_int(core, "y_min", y_min));
    return ir_node_set_int(core, "y_max", y_max);
}

static sy_status result_move(quant_pass *p, ir_node *n, quant_params want, bool shared,
                             uint32_t depth, quant_value *out)
{
    const uint32_t count = n_data(n);
    ir_value **data = BASE_ARENA_ARRAY(p->scratch, ir_value *, count);
    quant_value x = {0};
    float fill = 0.0f;
    bool refused = false;
    if (data == NULL) {
        return SY_ENOMEM;
    }
    const bool has_fill = pad_fill(p, n, &fill, &refused);
    if (refused || isnan(fill)) {
        return SY_OK;
    }
    for (uint32_t i = 0; i < count; i++) {
        SY_TRY(ir_quant_result(p, ir_node_input(n, i), want, shared, depth + 1, &x));
        if (x.value == NULL) {
            return SY_OK;
        }
        data[i] = x.value;
    }
    *out = (quant_value){NULL, want, false};
    return copy_move(p, n, data, has_fill, ir_quant_of_float(want, fill), &out->value);
}

/* True if another than the chain under recognition reads v. */
static bool read_elsewhere(const ir_value *v)
{
    for (const ir_use *u = v->first_use; u != NULL; u = u->next) {
        if (v->n_uses > 1 && (u->user == NULL || !ir_node_is(u->user, IR_OP_QUANTIZELINEAR))) {
            return true;
        }
    }
    return false;
}

/* What has no other quantised form may be a table, shared or not; if not, the reason is the first attempt's. */
static sy_status or_table(quant_pass *p, ir_node *n, quant_params want, uint32_t depth,
                          quant_value *out)
{
    return ir_quant_is_function(n) ? ir_quant_table(p, n, want, depth == 0, out) : SY_OK;
}

sy_status ir_quant_result(quant_pass *p, ir_value *v, quant_params want, bool shared,
                          uint32_t depth, quant_value *out)
{
    *out = (quant_value){0};
    if (v == NULL || v->kind != IR_VALUE_RESULT) {
        return SY_OK;
    }
    ir_node *n = v->producer;
    shared = shared || read_elsewhere(v);
    if (depth > QUANT_MAX_CHAIN || p->steps_left == 0) {
        return ir_quant_refuse(p, n, "too many operators in a row between it and QuantizeLinear");
    }
    p->steps_left--;
    if (ir_node_is(n, IR_OP_DEQUANTIZELINEAR) || ir_node_is(n, IR_OP_SPLIT)) {
        quant_value x;
        SY_TRY(ir_quant_operand(p, v, 0, &x));
        return x.value == NULL ? SY_OK : requantize(p, n, x, want, out);
    }
    if (is_clamp(n)) {
        SY_TRY(result_clamp(p, n, want, shared, depth, out));
        return out->value != NULL ? SY_OK : or_table(p, n, want, depth, out);
    }
    if (ir_quant_is_move(n)) { /* remembered, since several paths of a Concat may lead here */
        quant_info *info = ir_quant_info_of(p, v);
        if (info == NULL) {
            return SY_ENOMEM;
        }
        if (info->result.value != NULL && same(info->result.params, want)) {
            *out = info->result;
            return SY_OK;
        }
        SY_TRY(result_move(p, n, want, shared, depth, out));
        info->result = *out;
        return SY_OK;
    }
    if (!ir_quant_is_core(n)) {
        return ir_quant_is_function(n) ? ir_quant_table(p, n, want, depth == 0, out)
                                       : ir_quant_refuse(p, n, "it has no quantised form");
    }
    if (shared) {
        SY_TRY(ir_quant_refuse(p, n, "its result is also used in float"));
    } else {
        SY_TRY(ir_quant_core(p, n, want, out));
    }
    return out->value != NULL ? SY_OK : or_table(p, n, want, depth, out);
}
