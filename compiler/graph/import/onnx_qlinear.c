/*
 * onnx_qlinear.c -- the QLinear operators, taken apart into what they mean: dequantise, compute,
 * quantise.
 *
 * So there is one recognition for both forms (quant_recognise.c), and what it leaves alone still
 * runs, in float. A QLinear operator in a form that cannot be taken apart is kept as it is, an
 * unknown operator. Sources: ONNX operators QLinearConv, QLinearMatMul; ONNX Runtime's
 * docs/ContribOperators.md for com.microsoft.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_internal.h"

#include <float.h>
#include <string.h>

/* ---------------------------------------------------------------- building blocks */

static ir_value *operand(const onnx_node *n, uint32_t i)
{
    return i < n->n_inputs ? n->inputs[i] : NULL;
}

static bool is_const(const ir_value *v)
{
    return v != NULL && v->kind == IR_VALUE_CONST;
}

/* A vector of one element as a scalar; anything else as it is. */
static sy_status as_scalar(const onnx_node *n, ir_value *v, ir_value **out)
{
    const void *data = NULL;
    *out = v;
    if (!is_const(v) || v->constant->rank != 1 || v->constant->dims[0] != 1) {
        return SY_OK;
    }
    SY_TRY(ir_const_data(n->in->m, v->constant, n->in->diag, &data));
    return ir_onnx_emit_const(n, v->constant->dtype, 0, NULL, data, v->constant->size_bytes, out);
}

/* QuantizeLinear or DequantizeLinear; axis < 0: per tensor. */
static sy_status emit_qdq(const onnx_node *n, uint32_t code, ir_value *x, ir_value *scale,
                          ir_value *zero, int64_t axis, ir_value **out)
{
    ir_value *operands[3] = {x, NULL, NULL};
    ir_node *node = NULL;
    SY_TRY(as_scalar(n, scale, &operands[1]));
    SY_TRY(as_scalar(n, zero, &operands[2]));
    SY_TRY(ir_onnx_emit(n, code, zero != NULL ? 3 : 2, operands, &node, out));
    if (axis >= 0 && !(operands[1]->type.has_rank && operands[1]->type.rank == 0)) {
        SY_TRY(ir_node_set_int(node, "axis", axis));
    }
    return ir_onnx_emit_infer(n, node);
}

/* Operands at, at + 1, at + 2 are x, scale, zero. */
static sy_status dq(const onnx_node *n, uint32_t at, int64_t axis, ir_value **out)
{
    return emit_qdq(n, IR_OP_DEQUANTIZELINEAR, operand(n, at), operand(n, at + 1),
                    operand(n, at + 2), axis, out);
}

static sy_status q(onnx_node *n, ir_value *x, uint32_t at_scale)
{
    return emit_qdq(n, IR_OP_QUANTIZELINEAR, x, operand(n, at_scale), operand(n, at_scale + 1), -1,
                    &n->outputs[0]);
}

/* The operator in the middle, with what attributes are left. */
static sy_status middle(const onnx_node *n, uint32_t code, uint32_t n_inputs,
                        ir_value *const *inputs, ir_value **out)
{
    ir_node *node = NULL;
    onnx_node plain = *n;
    const ir_op *row = ir_optable_row(n->in->m->table, code);
    plain.domain =
        row->domain; /* attributes are checked against this row, not the QLinear operator's */
    plain.op = row->name;
    SY_TRY(ir_onnx_emit(n, code, n_inputs, inputs, &node, out));
    SY_TRY(ir_onnx_attrs_set(&plain, node));
    return ir_onnx_emit_infer(n, node);
}

static bool have(const onnx_node *n, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        if (operand(n, i) == NULL) {
            return false;
        }
    }
    return n->n_outputs == 1 && n->proto->output[0][0] != '\0';
}

/* The scale of an int32 bias: fl(fl(x_scale * w_scale) * alpha), a constant where the others are.
 */
static sy_status bias_scale(const onnx_node *n, ir_value *x_scale, ir_value *w_scale,
                            ir_value **out)
{
    if (is_const(x_scale) && is_const(w_scale) && x_scale->constant->dtype == SY_DT_F32 &&
        w_scale->constant->dtype == SY_DT_F32 && x_scale->constant->size_bytes == sizeof(float) &&
        w_scale->constant->rank <= 1) {
        const void *x = NULL, *w = NULL;
        const size_t count = w_scale->constant->size_bytes / sizeof(float);
        float *product = BASE_ARENA_ARRAY(n->in->scratch, float, count);
        const int64_t dims[1] = {(int64_t)count};
        if (product == NULL) {
            return SY_ENOMEM;
        }
        SY_TRY(ir_const_data(n->in->m, x_scale->constant, n->in->diag, &x));
        SY_TRY(ir_const_data(n->in->m, w_scale->constant, n->in->diag, &w));
        for (size_t i = 0; i < count; i++) {
            product[i] = *(const float *)x * ((const float *)w)[i];
        }
        return ir_onnx_emit_const(n, SY_DT_F32, count == 1 ? 0 : 1, dims, product,
                                  count * sizeof(float), out);
    }
    ir_node *node = NULL;
    SY_TRY(ir_onnx_emit(n, IR_OP_MUL, 2, (ir_value *[]){x_scale, w_scale}, &node, out));
    return ir_onnx_emit_infer(n, node);
}

/* ---------------------------------------------------------------- what recognition will take */

/*
 * Taken apart, a QLinear operator becomes one of numerics.md's quantised operators if quant_recognise.c
 * takes it; if it does not, it would compute in fp32, one rounding away from ONNX's integers. So what it is
 * known to leave alone stays whole, and the row's own kernel runs.
 */

/* The constant's bytes; NULL if they are not at hand. */
static const void *const_bytes(const onnx_node *n, const ir_value *v)
{
    const void *data = NULL;
    if (!is_const(v) || ir_const_data(n->in->m, v->constant, n->in->diag, &data) != SY_OK) {
        base_diag_clear(n->in->diag);
        return NULL;
    }
    return data;
}

/* A constant fp32 scale of normal, positive numbers; `single`: of one number. */
static bool sound_scale(const onnx_node *n, const ir_value *v, bool single)
{
    const float *s = const_bytes(n, v);
    const size_t count = s != NULL ? v->constant->size_bytes / sizeof *s : 0;
    bool ok = s != NULL && v->constant->dtype == SY_DT_F32 && v->constant->rank <= 1 && count > 0 &&
              (!single || count == 1);
    for (size_t i = 0; i < count && ok; i++) {
        ok = s[i] >= FLT_MIN && s[i] <= FLT_MAX / 512.0f;
    }
    return ok;
}

/* A constant zero point of 8 bits; `centred`: 0, or 128 in u8; else: one number. */
static bool sound_zero(const onnx_node *n, const ir_value *v, bool centred)
{
    const uint8_t *z = const_bytes(n, v);
    if (z == NULL || (v->constant->dtype != SY_DT_I8 && v->constant->dtype != SY_DT_U8)) {
        return false;
    }
    for (size_t i = 0; i < v->constant->size_bytes && centred; i++) {
        if (z[i] != (v->constant->dtype == SY_DT_U8 ? 128 : 0)) {
            return false;
        }
    }
    return centred || v->constant->size_bytes == 1;
}

static bool is_byte(const ir_value *v)
{
    return v->type.dtype == SY_DT_I8 || v->type.dtype == SY_DT_U8;
}

static bool conv_fits(const onnx_node *n)
{
    const ir_value *x = operand(n, 0), *w = operand(n, 3), *b = operand(n, 8);
    return is_byte(x) && is_byte(w) && is_const(w) && x->type.has_rank && x->type.rank <= 4 &&
           (b == NULL || is_const(b)) && sound_scale(n, operand(n, 1), true) &&
           sound_zero(n, operand(n, 2), false) && sound_scale(n, operand(n, 4), false) &&
           sound_zero(n, operand(n, 5), true) && sound_scale(n, operand(n, 6), true) &&
           sound_zero(n, operand(n, 7), false);
}

static bool matmul_fits(const onnx_node *n)
{
    const ir_value *a = operand(n, 0), *b = operand(n, 3);
    const bool weights = is_const(b) && b->type.has_rank && b->type.rank == 2;
    return is_byte(a) && is_byte(b) && a->type.has_rank && a->type.rank >= 2 && b->type.has_rank &&
           b->type.rank >= 2 && sound_scale(n, operand(n, 1), true) &&
           sound_zero(n, operand(n, 2), false) && sound_scale(n, operand(n, 4), !weights) &&
           sound_zero(n, operand(n, 5), weights) && sound_scale(n, operand(n, 6), true) &&
           sound_zero(n, operand(n, 7), false);
}

/* com.microsoft has these as well, with the same meaning. */
sy_status ir_qlinear_same(onnx_node *n, bool *built)
{
    (void)built;
    n->domain = ir_intern(n->in->m, "");
    n->version = ONNX_MAX_OPSET;
    return n->domain != NULL ? SY_OK : SY_ENOMEM; /* the rules of onnx_opset.c go on from here */
}

/* v * factor, v being fp32; itself for a factor of 1. */
static sy_status times(const onnx_node *n, ir_value *v, float factor, ir_value **out)
{
    ir_value *constant = NULL;
    *out = v;
    if (factor == 1.0f) {
        return SY_OK;
    }
    SY_TRY(ir_onnx_emit_const(n, SY_DT_F32, 0, NULL, &factor, sizeof factor, &constant));
    return bias_scale(n, constant, v, out);
}

/* ---------------------------------------------------------------- the operators */

/* x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias */
sy_status ir_qlinear_conv(onnx_node *n, bool *built)
{
    ir_value *in[3] = {NULL, NULL, NULL}, *y = NULL, *scale = NULL;
    if (!have(n, 0, 8)) {
        return ir_onnx_fail(n, SY_EFORMAT, "expected at least 8 operands and one result");
    }
    const Onnx__AttributeProto *last = ir_onnx_attr_find(n, "channels_last"); /* com.microsoft's */
    if (last != NULL && last->i != 0) {
        return SY_OK;
    }
    (void)ir_onnx_attr_take(n, "channels_last");
    if (!conv_fits(n)) {
        return ir_qlinear_same(n, built);
    }
    *built = true;
    SY_TRY(dq(n, 0, -1, &in[0]));
    SY_TRY(dq(n, 3, 0, &in[1]));
    if (operand(n, 8) != NULL) {
        SY_TRY(bias_scale(n, operand(n, 1), operand(n, 4), &scale));
        SY_TRY(emit_qdq(n, IR_OP_DEQUANTIZELINEAR, operand(n, 8), scale, NULL, 0, &in[2]));
    }
    SY_TRY(middle(n, IR_OP_CONV, in[2] != NULL ? 3 : 2, in, &y));
    return q(n, y, 6);
}

/* a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero; vectors of scales: rows of a, columns of
 * b */
sy_status ir_qlinear_matmul(onnx_node *n, bool *built)
{
    ir_value *in[2] = {NULL, NULL}, *y = NULL;
    if (!have(n, 0, 8)) {
        return ir_onnx_fail(n, SY_EFORMAT, "expected 8 operands and one result");
    }
    if (!matmul_fits(n)) {
        return SY_OK;
    }
    const ir_type *a = &operand(n, 0)->type, *b = &operand(n, 3)->type;
    *built = true;
    SY_TRY(dq(n, 0, a->has_rank ? a->rank - 2 : -1, &in[0]));
    SY_TRY(dq(n, 3, b->has_rank ? b->rank - 1 : -1, &in[1]));
    SY_TRY(middle(n, IR_OP_MATMUL, 2, in, &y));
    return q(n, y, 6);
}

/* a, a_scale, a_zero, b, b_scale, b_zero, c, y_scale, y_zero; without y_scale the result is fp32 */
sy_status ir_qlinear_gemm(onnx_node *n, bool *built)
{
    ir_value *in[3] = {NULL, NULL, NULL}, *y = NULL, *scale = NULL;
    const Onnx__AttributeProto *trans_b = ir_onnx_attr_find(n, "transB"),
                               *alpha = ir_onnx_attr_find(n, "alpha");
    if (!have(n, 0, 6)) {
        return ir_onnx_fail(n, SY_EFORMAT, "expected at least 6 operands and one result");
    }
    *built = true;
    SY_TRY(dq(n, 0, -1, &in[0]));
    SY_TRY(dq(n, 3, trans_b != NULL && trans_b->i != 0 ? 0 : 1, &in[1]));
    if (operand(n, 6) != NULL) {
        const ir_type *c = &operand(n, 6)->type;
        SY_TRY(bias_scale(n, operand(n, 1), operand(n, 4), &scale));
        SY_TRY(times(n, scale, alpha != NULL ? alpha->f : 1.0f, &scale));
        SY_TRY(emit_qdq(n, IR_OP_DEQUANTIZELINEAR, operand(n, 6), scale, NULL,
                        c->has_rank && c->rank > 0 ? c->rank - 1 : -1, &in[2]));
    }
    if (operand(n, 7) == NULL) {
        return middle(n, IR_OP_GEMM, in[2] != NULL ? 3 : 2, in, &n->outputs[0]);
    }
    SY_TRY(middle(n, IR_OP_GEMM, in[2] != NULL ? 3 : 2, in, &y));
    return q(n, y, 7);
}

/* a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero */
static sy_status binary(onnx_node *n, uint32_t code, bool *built)
{
    ir_value *in[2] = {NULL, NULL}, *y = NULL;
    if (!have(n, 0, 2) || !have(n, 3, 2) || !have(n, 6, 1)) {
        return ir_onnx_fail(n, SY_EFORMAT, "expected 8 operands and one result");
    }
    *built = true;
    SY_TRY(dq(n, 0, -1, &in[0]));
    SY_TRY(dq(n, 3, -1, &in[1]));
    SY_TRY(middle(n, code, 2, in, &y));
    return q(n, y, 6);
}

sy_status ir_qlinear_add(onnx_node *n, bool *built)
{
    return binary(n, IR_OP_ADD, built);
}

sy_status ir_qlinear_mul(onnx_node *n, bool *built)
{
    return binary(n, IR_OP_MUL, built);
}

/* x, x_scale, x_zero, y_scale, y_zero */
static sy_status unary(onnx_node *n, uint32_t code, bool *built)
{
    ir_value *x = NULL, *y = NULL;
    if (!have(n, 0, 2) || !have(n, 3, 1)) {
        return ir_onnx_fail(n, SY_EFORMAT, "expected 5 operands and one result");
    }
    *built = true;
    SY_TRY(dq(n, 0, -1, &x));
    SY_TRY(middle(n, code, 1, &x, &y));
    return q(n, y, 3);
}

/* x with its channels moved from the last axis to the second, or back. */
static sy_status move_channels(const onnx_node *n, ir_value *x, int32_t rank, bool to_front, ir_value **out)
{
    int64_t perm[IR_MAX_RANK] = {0};
    ir_node *node = NULL;
    for (int32_t i = 1; i < rank; i++) {
        perm[i] = to_front ? (i == 1 ? rank - 1 : i - 1) : (i == rank - 1 ? 1 : i + 1);
    }
    SY_TRY(ir_onnx_emit(n, IR_OP_TRANSPOSE, 1, &x, &node, out));
    SY_TRY(ir_node_set_ints(node, "perm", (uint32_t)rank, perm));
    return ir_onnx_emit_infer(n, node);
}

/* Pools may have their channels last, which the table's pools never have. */
static sy_status pool(onnx_node *n, uint32_t code, bool *built)
{
    int64_t last = 0;
    bool found = false;
    ir_value *x = NULL, *y = NULL;
    SY_TRY(ir_onnx_take_int(n, "channels_last", &last, &found));
    if (last == 0) {
        return unary(n, code, built);
    }
    if (!have(n, 0, 2) || !have(n, 3, 1) || !operand(n, 0)->type.has_rank || operand(n, 0)->type.rank < 3) {
        return ir_onnx_fail(n, SY_EFORMAT, "expected 5 operands, the first of rank 3 or more, and one result");
    }
    const int32_t rank = operand(n, 0)->type.rank;
    *built = true;
    SY_TRY(dq(n, 0, -1, &x));
    SY_TRY(move_channels(n, x, rank, true, &x));
    SY_TRY(middle(n, code, 1, &x, &y));
    SY_TRY(move_channels(n, y, rank, false, &y));
    return q(n, y, 3);
}

sy_status ir_qlinear_average(onnx_node *n, bool *built)
{
    return pool(n, IR_OP_AVERAGEPOOL, built);
}

sy_status ir_qlinear_global_average(onnx_node *n, bool *built)
{
    return pool(n, IR_OP_GLOBALAVERAGEPOOL, built);
}

sy_status ir_qlinear_sigmoid(onnx_node *n, bool *built)
{
    return unary(n, IR_OP_SIGMOID, built);
}

sy_status ir_qlinear_leaky_relu(onnx_node *n, bool *built)
{
    return unary(n, IR_OP_LEAKYRELU, built);
}

/* Before operator set 13 all axes from `axis` on were one: as a matrix, and back. */
static sy_status softmax_of_matrix(onnx_node *n, int64_t axis, ir_value *x, ir_value **out)
{
    ir_value *shape = NULL, *matrix = NULL;
    ir_node *node = NULL;
    SY_TRY(ir_onnx_emit(n, IR_OP_SHAPE, 1, &x, &node, &shape));
    SY_TRY(ir_onnx_emit_infer(n, node));
    SY_TRY(ir_onnx_emit(n, IR_OP_FLATTEN, 1, &x, &node, &matrix));
    SY_TRY(ir_node_set_int(node, "axis", axis));
    SY_TRY(ir_onnx_emit_infer(n, node));
    SY_TRY(ir_onnx_emit(n, IR_OP_SOFTMAX, 1, &matrix, &node, &matrix));
    SY_TRY(ir_node_set_int(node, "axis", -1));
    SY_TRY(ir_onnx_emit_infer(n, node));
    SY_TRY(ir_onnx_emit(n, IR_OP_RESHAPE, 2, (ir_value *[]){matrix, shape}, &node, out));
    return ir_onnx_emit_infer(n, node);
}

sy_status ir_qlinear_softmax(onnx_node *n, bool *built)
{
    const Onnx__AttributeProto *a = ir_onnx_attr_find(n, "axis");
    const ir_type *t = operand(n, 0) != NULL ? &operand(n, 0)->type : NULL;
    const int64_t axis = a != NULL ? a->i : -1;
    int64_t opset = n->in->opset;
    bool found = false;
    ir_value *x = NULL, *y = NULL;
    SY_TRY(ir_onnx_take_int(n, "opset", &opset, &found));
    if (opset >= 13 || axis == -1 || (t != NULL && t->has_rank && axis == t->rank - 1)) {
        return unary(n, IR_OP_SOFTMAX, built); /* along the last axis both mean the same */
    }
    if (!have(n, 0, 2) || !have(n, 3, 1)) {
        return ir_onnx_fail(n, SY_EFORMAT, "expected 5 operands and one result");
    }
    *built = true;
    (void)ir_onnx_attr_take(n, "axis");
    SY_TRY(dq(n, 0, -1, &x));
    SY_TRY(softmax_of_matrix(n, axis, x, &y));
    return q(n, y, 3);
}

sy_status ir_qlinear_reduce_mean(onnx_node *n, bool *built)
{
    const int64_t *axes = NULL;
    uint32_t n_axes = 0;
    bool found = false;
    ir_value *in[2] = {NULL, NULL}, *y = NULL;
    if (!have(n, 0, 2) || !have(n, 3, 1)) {
        return ir_onnx_fail(n, SY_EFORMAT, "expected 5 operands and one result");
    }
    *built = true;
    SY_TRY(ir_onnx_take_ints(n, "axes", &axes, &n_axes, &found));
    SY_TRY(dq(n, 0, -1, &in[0]));
    if (found) {
        SY_TRY(ir_onnx_emit_i64s(n, n_axes, axes, &in[1]));
    }
    SY_TRY(middle(n, IR_OP_REDUCEMEAN, found ? 2 : 1, in, &y));
    return q(n, y, 3);
}

/* y_scale, y_zero, then x, scale, zero for each operand */
sy_status ir_qlinear_concat(onnx_node *n, bool *built)
{
    const uint32_t count = n->n_inputs >= 5 ? (n->n_inputs - 2) / 3 : 0;
    ir_value *y = NULL;
    if (count == 0 || count * 3 + 2 != n->n_inputs || !have(n, 0, n->n_inputs)) {
        return ir_onnx_fail(
            n, SY_EFORMAT, "expected 2 operands and three more for each part, got %u", n->n_inputs);
    }
    ir_value **in = BASE_ARENA_ARRAY(n->in->scratch, ir_value *, count);
    if (in == NULL) {
        return SY_ENOMEM;
    }
    *built = true;
    for (uint32_t i = 0; i < count; i++) {
        SY_TRY(dq(n, 2 + 3 * i, -1, &in[i]));
    }
    SY_TRY(middle(n, IR_OP_CONCAT, count, in, &y));
    return q(n, y, 0);
}

/* ---------------------------------------------------------------- the table */

static const struct {
    const char *domain, *op;
    sy_status (*rule)(onnx_node *n, bool *built);
} rules[] = {
#define FUNCTION(domain, name, since, min_in, min_out, max_out, body, line)
#define QLINEAR(domain, name, rule, line) {domain, name, rule},
#define OLDER(name, line)
#include "functions.def"
#undef FUNCTION
#undef QLINEAR
#undef OLDER
};

sy_status ir_onnx_qlinear_rules(onnx_node *n, bool *built)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (strcmp(n->domain, rules[i].domain) == 0 && strcmp(n->op, rules[i].op) == 0) {
            return rules[i].rule(n, built);
        }
    }
    return SY_OK;
}
