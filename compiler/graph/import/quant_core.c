/*
 * quant_core.c -- the operators of numerics.md, "Quantised arithmetic", from their float forms
 * between DQ and Q.
 *
 * Each function finds its operands, checks that the operator says no more than the formula does,
 * and emits the quantised operator; where something does not fit it refuses with a reason, and the
 * float operator stays.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "quant_internal.h"

#include <math.h>
#include <string.h>

typedef struct core {
    quant_pass *p;
    ir_node *n;
    quant_params want;
} core;

static sy_status refuse(const core *c, const char *reason)
{
    return ir_quant_refuse(c->p, c->n, reason);
}

static sy_status set_quant(ir_node *node, const char *scale, const char *zero, quant_params q)
{
    SY_TRY(ir_node_set_float(node, scale, q.scale));
    return ir_node_set_int(node, zero, q.zero);
}

/* The output's parameters, then inference; *out keeps value NULL if inference objects. */
static sy_status finish(const core *c, ir_node *node, ir_value *result, quant_value *out)
{
    SY_TRY(set_quant(node, "y_scale", "y_zero", c->want));
    SY_TRY(ir_quant_infer(c->p, c->n, node, &result));
    *out = (quant_value){result, c->want, true};
    return SY_OK;
}

/* Operand i as int8; *x.value NULL if it is not. */
static sy_status operand(const core *c, uint32_t i, quant_value *x)
{
    SY_TRY(ir_quant_operand(c->p, ir_node_input(c->n, i), 0, x));
    return x->value != NULL ? SY_OK
                            : refuse(c, i == 0 ? "its first operand is not quantised"
                                               : "its second operand is not quantised");
}

/* ---------------------------------------------------------------- windows */

static bool copy_ints(const ir_node *from, ir_node *to, const char *name, sy_status *status)
{
    const int64_t *values = NULL;
    const uint32_t n = ir_node_ints(from, name, &values);
    *status = n > 0 ? ir_node_set_ints(to, name, n, values) : SY_OK;
    return *status == SY_OK;
}

/* The sizes of x's spatial axes; false if one is not known. The batch may be free. */
static bool spatial_sizes(const ir_type *x, int64_t sizes[IR_MAX_RANK])
{
    for (int32_t i = 2; i < x->rank; i++) {
        if (!ir_dim_is_const(x->dims[i], &sizes[i - 2])) {
            return false;
        }
    }
    return x->has_rank;
}

/*
 * Pads of the quantised operator, which has no auto_pad. *ok is false with a reason if they depend
 * on sizes that are not known.
 */
static sy_status set_pads(const core *c, ir_node *node, const ir_type *x, const int64_t *kernel,
                          bool *ok)
{
    const char *auto_pad = ir_node_string(c->n, "auto_pad", "NOTSET");
    sy_status status = SY_OK;
    int64_t sizes[IR_MAX_RANK], pads[6];
    ir_window w;
    *ok = true;
    if (strcmp(auto_pad, "NOTSET") == 0 || auto_pad[0] == '\0') {
        (void)copy_ints(c->n, node, "pads", &status);
        return status;
    }
    if (strcmp(auto_pad, "VALID") == 0) {
        return SY_OK; /* no pads */
    }
    if (!spatial_sizes(x, sizes) ||
        ir_window_resolve(c->n, x->rank - 2, sizes, kernel, c->p->diag, &w) != SY_OK) {
        base_diag_clear(c->p->diag);
        *ok = false;
        return refuse(c, "auto_pad depends on a size that is not known: give the input a shape");
    }
    for (int32_t i = 0; i < w.rank; i++) {
        pads[i] = w.pads_begin[i];
        pads[w.rank + i] = w.pads_end[i];
    }
    return ir_node_set_ints(node, "pads", 2 * (uint32_t)w.rank, pads);
}

static bool is_plane(const ir_type *t)
{
    return t->has_rank && (t->rank == 3 || t->rank == 4);
}

static bool all_ones(const ir_node *n, const char *name)
{
    const int64_t *values = NULL;
    const uint32_t count = ir_node_ints(n, name, &values);
    for (uint32_t i = 0; i < count; i++) {
        if (values[i] != 1) {
            return false;
        }
    }
    return true;
}

/* ---------------------------------------------------------------- weights */

static sy_status set_weights(const core *c, ir_node *node, quant_value x, const quant_weights *w)
{
    SY_TRY(set_quant(node, "x_scale", "x_zero", x.params));
    SY_TRY(ir_node_set_floats(node, "w_scale", w->n_scales, w->scales));
    (void)c;
    return SY_OK;
}

/* The constants M of the formula must be normal numbers: else a rounding would lose the result. */
static bool sound_ratios(const core *c, quant_value x, const quant_weights *w)
{
    for (uint32_t i = 0; i < w->n_scales; i++) {
        const float product = x.params.scale * w->scales[i];
        if (!isnormal(product) || !isnormal(product / c->want.scale)) {
            (void)refuse(c, "x_scale * w_scale / y_scale is no normal number");
            return false;
        }
    }
    return true;
}

static sy_status conv(const core *c, quant_value *out)
{
    quant_value x;
    quant_weights w;
    ir_value *operands[3] = {NULL, NULL, NULL}, *result = NULL;
    ir_node *node = NULL;
    sy_status status = SY_OK;
    bool ok = true;
    SY_TRY(operand(c, 0, &x));
    if (x.value == NULL) {
        return SY_OK;
    }
    SY_TRY(ir_quant_weights_of(c->p, c->n, ir_node_input(c->n, 1), 0, false, &w));
    if (w.value == NULL || !sound_ratios(c, x, &w)) {
        return SY_OK;
    }
    const ir_const *weights = w.value->constant;
    if (weights->rank != 3 && weights->rank != 4) {
        return refuse(c, "only convolutions in one and two dimensions have a quantised form");
    }
    const int64_t *kernel_shape = NULL;
    const uint32_t n_kernel = ir_node_ints(c->n, "kernel_shape", &kernel_shape);
    for (uint32_t i = 0; i < n_kernel; i++) { /* redundant, but it must not contradict */
        if (i + 2 >= (uint32_t)weights->rank || kernel_shape[i] != weights->dims[i + 2]) {
            return refuse(c, "kernel_shape differs from the weights' shape");
        }
    }
    operands[0] = x.value;
    operands[1] = w.value;
    if (ir_node_input(c->n, 2) != NULL) {
        SY_TRY(ir_quant_bias_of(c->p, c->n, ir_node_input(c->n, 2), x.params.scale, &w,
                                weights->dims[0], &operands[2]));
        if (operands[2] == NULL) {
            return SY_OK;
        }
    }
    SY_TRY(ir_quant_emit(c->n, IR_OP_QCONV, operands[2] != NULL ? 3 : 2, operands, &node, &result));
    SY_TRY(set_weights(c, node, x, &w));
    SY_TRY(set_pads(c, node, &x.value->type, weights->dims + 2, &ok));
    if (!ok) {
        ir_node_erase(node);
        return SY_OK;
    }
    if (!copy_ints(c->n, node, "strides", &status) ||
        !copy_ints(c->n, node, "dilations", &status)) {
        return status;
    }
    SY_TRY(ir_node_set_int(node, "group", ir_node_int(c->n, "group", 1)));
    return finish(c, node, result, out);
}

/* ---------------------------------------------------------------- products */

/* Operand i of a Gemm as int8, transposed if the attribute says so; *x.value NULL if it is not
 * quantised. */
static sy_status gemm_operand(const core *c, uint32_t i, const char *attribute, quant_value *x)
{
    static const int64_t perm[2] = {1, 0};
    ir_node *node = NULL;
    ir_value *turned = NULL;
    SY_TRY(operand(c, i, x));
    if (x->value == NULL ||
        ir_node_int(c->n, attribute, 0) == 0) { /* MatMul has no such attribute */
        return SY_OK;
    }
    SY_TRY(ir_quant_emit(c->n, IR_OP_TRANSPOSE, 1, &x->value, &node, &turned));
    SY_TRY(ir_node_set_ints(node, "perm", 2, perm));
    SY_TRY(ir_quant_infer(c->p, c->n, node, &turned));
    x->value = turned;
    return SY_OK;
}

static sy_status matmul_of_activations(const core *c, quant_value *out)
{
    quant_value a, b;
    ir_node *node = NULL;
    ir_value *result = NULL;
    SY_TRY(gemm_operand(c, 0, "transA", &a));
    if (a.value == NULL) {
        return SY_OK;
    }
    SY_TRY(gemm_operand(c, 1, "transB", &b));
    if (b.value == NULL) {
        return SY_OK;
    }
    const float product = a.params.scale * b.params.scale;
    if (!isnormal(product) || !isnormal(product / c->want.scale)) {
        return refuse(c, "a_scale * b_scale / y_scale is no normal number");
    }
    if (!a.value->type.has_rank || a.value->type.rank < 2 || !b.value->type.has_rank ||
        b.value->type.rank < 2) {
        return refuse(c, "its operands are not matrices of known rank");
    }
    SY_TRY(ir_quant_emit(c->n, IR_OP_QMATMUL, 2, (ir_value *[]){a.value, b.value}, &node, &result));
    SY_TRY(set_quant(node, "a_scale", "a_zero", a.params));
    SY_TRY(set_quant(node, "b_scale", "b_zero", b.params));
    return finish(c, node, result, out);
}

static sy_status gemm_with(const core *c, ir_value *weights, bool transpose, ir_value *bias,
                           quant_value *out)
{
    quant_value x;
    quant_weights w;
    ir_value *operands[3] = {NULL, NULL, NULL}, *result = NULL;
    ir_node *node = NULL;
    SY_TRY(gemm_operand(c, 0, "transA", &x));
    if (x.value == NULL) {
        return SY_OK;
    }
    SY_TRY(ir_quant_weights_of(c->p, c->n, weights, 1, transpose, &w));
    if (w.value == NULL || !sound_ratios(c, x, &w)) {
        return SY_OK;
    }
    operands[0] = x.value;
    operands[1] = w.value;
    if (bias != NULL) {
        SY_TRY(ir_quant_bias_of(c->p, c->n, bias, x.params.scale, &w, w.value->constant->dims[1],
                                &operands[2]));
        if (operands[2] == NULL) {
            return SY_OK;
        }
    }
    SY_TRY(ir_quant_emit(c->n, IR_OP_QGEMM, operands[2] != NULL ? 3 : 2, operands, &node, &result));
    SY_TRY(set_weights(c, node, x, &w));
    return finish(c, node, result, out);
}

static bool is_matrix(const ir_value *v)
{
    return v != NULL && v->type.has_rank && v->type.rank == 2;
}

/* True if v comes from a constant through DQ, Identity and Transpose. */
static bool is_constant_matrix(const ir_value *v)
{
    if (!is_matrix(v)) {
        return false;
    }
    for (uint32_t i = 0; v != NULL && v->kind == IR_VALUE_RESULT && i < QUANT_MAX_CHAIN; i++) {
        const ir_node *n = v->producer;
        if (!ir_node_is(n, IR_OP_DEQUANTIZELINEAR) && !ir_node_is(n, IR_OP_IDENTITY) &&
            !ir_node_is(n, IR_OP_TRANSPOSE)) {
            return false;
        }
        v = ir_node_input(n, 0);
    }
    return v != NULL && v->kind == IR_VALUE_CONST;
}

static sy_status matmul(const core *c, quant_value *out)
{
    ir_value *b = ir_node_input(c->n, 1);
    return is_constant_matrix(b) ? gemm_with(c, b, false, NULL, out)
                                 : matmul_of_activations(c, out);
}

static sy_status gemm(const core *c, quant_value *out)
{
    ir_value *b = ir_node_input(c->n, 1), *bias = ir_node_input(c->n, 2);
    const bool transpose = ir_node_int(c->n, "transB", 0) != 0;
    if (ir_node_float(c->n, "alpha", 1.0f) != 1.0f ||
        (bias != NULL && ir_node_float(c->n, "beta", 1.0f) != 1.0f)) {
        return refuse(c, "alpha or beta is not 1");
    }
    if (is_constant_matrix(b)) {
        return gemm_with(c, b, transpose, bias, out);
    }
    return bias != NULL ? refuse(c, "its weights are not a constant matrix")
                        : matmul_of_activations(c, out);
}

/* ---------------------------------------------------------------- elementwise */

static sy_status binary(const core *c, uint32_t code, quant_value *out)
{
    quant_value a, b;
    ir_node *node = NULL;
    ir_value *result = NULL;
    if (c->n->n_inputs != 2) {
        return refuse(c, "only a sum of two operands has a quantised form");
    }
    SY_TRY(operand(c, 0, &a));
    if (a.value == NULL) {
        return SY_OK;
    }
    SY_TRY(operand(c, 1, &b));
    if (b.value == NULL) {
        return SY_OK;
    }
    const float sa = a.params.scale, sb = b.params.scale, sy = c->want.scale;
    const bool sound = code == IR_OP_QMUL ? isnormal(sa * sb) && isnormal(sa * sb / sy)
                                          : isnormal(sa / sy) && isnormal(sb / sy);
    if (!sound) {
        return refuse(c, "the ratio of its scales is no normal number");
    }
    SY_TRY(ir_quant_emit(c->n, code, 2, (ir_value *[]){a.value, b.value}, &node, &result));
    SY_TRY(set_quant(node, "a_scale", "a_zero", a.params));
    SY_TRY(set_quant(node, "b_scale", "b_zero", b.params));
    return finish(c, node, result, out);
}

/* ---------------------------------------------------------------- pools */

static sy_status average_pool(const core *c, quant_value *out)
{
    quant_value x;
    ir_node *node = NULL;
    ir_value *result = NULL;
    sy_status status = SY_OK;
    bool ok = true;
    SY_TRY(operand(c, 0, &x));
    if (x.value == NULL) {
        return SY_OK;
    }
    if (!is_plane(&x.value->type)) {
        return refuse(c, "only pools over one and two axes have a quantised form");
    }
    if (!all_ones(c->n, "dilations")) {
        return refuse(c, "its windows are dilated");
    }
    if (!isnormal(x.params.scale / c->want.scale)) {
        return refuse(c, "the ratio of its scales is no normal number");
    }
    SY_TRY(ir_quant_emit(c->n, IR_OP_QAVERAGEPOOL, 1, &x.value, &node, &result));
    SY_TRY(set_quant(node, "x_scale", "x_zero", x.params));
    SY_TRY(set_pads(c, node, &x.value->type, NULL, &ok));
    if (!ok) {
        ir_node_erase(node);
        return SY_OK;
    }
    if (!copy_ints(c->n, node, "kernel_shape", &status) ||
        !copy_ints(c->n, node, "strides", &status)) {
        return status;
    }
    SY_TRY(ir_node_set_int(node, "ceil_mode", ir_node_int(c->n, "ceil_mode", 0)));
    SY_TRY(ir_node_set_int(node, "count_include_pad", ir_node_int(c->n, "count_include_pad", 0)));
    return finish(c, node, result, out);
}

static sy_status plane_mean(const core *c, quant_value *out)
{
    quant_value x;
    ir_node *node = NULL;
    ir_value *result = NULL;
    SY_TRY(operand(c, 0, &x));
    if (x.value == NULL) {
        return SY_OK;
    }
    if (!is_plane(&x.value->type)) {
        return refuse(c, "only means over one and two axes have a quantised form");
    }
    if (!isnormal(x.params.scale / c->want.scale)) {
        return refuse(c, "the ratio of its scales is no normal number");
    }
    SY_TRY(ir_quant_emit(c->n, IR_OP_QAVERAGEPOOL, 1, &x.value, &node, &result));
    SY_TRY(set_quant(node, "x_scale", "x_zero", x.params));
    SY_TRY(ir_node_set_int(node, "global", 1));
    return finish(c, node, result, out);
}

/* True if the constant axes are all spatial ones, each once: 2 .. rank - 1. */
static bool are_spatial(quant_pass *p, ir_const *axes, int32_t rank)
{
    ir_tensor t;
    uint32_t seen = 0;
    if (axes == NULL || (axes->dtype != SY_DT_I64 && axes->dtype != SY_DT_I32) || rank < 3 ||
        ir_const_tensor(p->m, axes, p->diag, &t) != SY_OK) {
        return false;
    }
    for (int64_t i = 0; i < ir_tensor_n_elements(&t); i++) {
        int64_t axis = ir_tensor_get_i64(&t, i);
        axis += axis < 0 ? rank : 0;
        if (axis < 2 || axis >= rank || (seen & (1u << axis)) != 0) {
            return false;
        }
        seen |= 1u << axis;
    }
    return seen == (1u << rank) - 4u;
}

/* Over H and W: the global pool; without keepdims the axes of size 1 go afterwards. */
static sy_status reduce_mean(const core *c, quant_value *out)
{
    const ir_value *data = ir_node_input(c->n, 0);
    ir_value *axes = ir_node_input(c->n, 1), *squeezed = NULL;
    ir_node *node = NULL;
    if (data == NULL || !is_plane(&data->type) ||
        !are_spatial(c->p, ir_quant_const_of(axes), data->type.rank)) {
        return refuse(c, "only means over all spatial axes (constant) have a quantised form");
    }
    SY_TRY(plane_mean(c, out));
    if (out->value == NULL || ir_node_int(c->n, "keepdims", 1) != 0) {
        return SY_OK;
    }
    SY_TRY(
        ir_quant_emit(c->n, IR_OP_SQUEEZE, 2, (ir_value *[]){out->value, axes}, &node, &squeezed));
    SY_TRY(ir_quant_infer(c->p, c->n, node, &squeezed));
    *out = (quant_value){squeezed, c->want, false};
    return SY_OK;
}

/* ---------------------------------------------------------------- the table */

static sy_status add(const core *c, quant_value *out)
{
    return binary(c, IR_OP_QADD, out);
}

static sy_status sub(const core *c, quant_value *out)
{
    return binary(c, IR_OP_QSUB, out);
}

static sy_status mul(const core *c, quant_value *out)
{
    return binary(c, IR_OP_QMUL, out);
}

static const struct {
    uint32_t code;
    sy_status (*build)(const core *c, quant_value *out);
} cores[] = {
    {IR_OP_CONV, conv},
    {IR_OP_GEMM, gemm},
    {IR_OP_MATMUL, matmul},
    {IR_OP_ADD, add},
    {IR_OP_SUM, add},
    {IR_OP_SUB, sub},
    {IR_OP_MUL, mul},
    {IR_OP_AVERAGEPOOL, average_pool},
    {IR_OP_GLOBALAVERAGEPOOL, plane_mean},
    {IR_OP_REDUCEMEAN, reduce_mean},
};

bool ir_quant_is_core(const ir_node *n)
{
    for (size_t i = 0; i < sizeof cores / sizeof cores[0]; i++) {
        if (ir_node_is(n, cores[i].code)) {
            return true;
        }
    }
    return false;
}

sy_status ir_quant_core(quant_pass *p, ir_node *n, quant_params want, quant_value *out)
{
    const core c = {p, n, want};
    *out = (quant_value){0};
    for (size_t i = 0; i < sizeof cores / sizeof cores[0]; i++) {
        if (ir_node_is(n, cores[i].code)) {
            return cores[i].build(&c, out);
        }
    }
    return SY_OK;
}
