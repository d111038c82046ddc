/*
 * bf16_match.c -- patterns of float operators that mean one: LayerNormalization, Gelu and SiLU in pieces.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bf16_internal.h"

#include <math.h>

ir_node *ir_bf16_made_by(const ir_value *v, uint32_t code)
{
    return v != NULL && v->kind == IR_VALUE_RESULT && ir_node_is(v->producer, code) ? v->producer : NULL;
}

bool ir_bf16_used_once(const ir_value *v)
{
    return v->n_uses == 1 && v->first_use->user != NULL && v->first_use->graph == v->graph;
}

bool ir_bf16_scalar(bf16_pass *p, const ir_value *v, float *out)
{
    ir_tensor t;
    if (v == NULL || v->kind != IR_VALUE_CONST || v->feedable || v->type.dtype != SY_DT_F32 ||
        ir_const_tensor(p->m, v->constant, p->diag, &t) != SY_OK || ir_tensor_n_elements(&t) != 1) {
        return false;
    }
    *out = *(const float *)t.data;
    return true;
}

bool ir_bf16_with_scalar(bf16_pass *p, const ir_node *n, float scalar, ir_value **other)
{
    for (uint32_t i = 0; i < 2; i++) {
        float value;
        if (ir_bf16_scalar(p, ir_node_input(n, i), &value) && fabsf(value - scalar) <= 1e-3f * fabsf(scalar)) {
            *other = ir_node_input(n, 1 - i);
            return *other != NULL;
        }
    }
    return false;
}

/* The operand of a node of two operands that `code` makes, and the other one. */
static ir_node *operand_by(const ir_node *n, uint32_t code, ir_value **other)
{
    for (uint32_t i = 0; i < 2; i++) {
        ir_node *maker = ir_bf16_made_by(ir_node_input(n, i), code);
        if (maker != NULL) {
            *other = ir_node_input(n, 1 - i);
            return maker;
        }
    }
    return NULL;
}

/* v = x / sqrt 2, in either form. */
static bool scaled_for_erf(bf16_pass *p, const ir_value *v, ir_value **x)
{
    const ir_node *div = ir_bf16_made_by(v, IR_OP_DIV);
    const ir_node *mul = ir_bf16_made_by(v, IR_OP_MUL);
    float c;
    if (div != NULL && ir_bf16_scalar(p, ir_node_input(div, 1), &c) && fabsf(c - 1.41421356f) < 1e-3f) {
        *x = ir_node_input(div, 0);
        return true;
    }
    return mul != NULL && ir_bf16_with_scalar(p, mul, 0.70710678f, x);
}

/* v = x * x * x, in either form. */
static bool cube(bf16_pass *p, const ir_value *v, ir_value **x)
{
    const ir_node *pow = ir_bf16_made_by(v, IR_OP_POW), *mul = ir_bf16_made_by(v, IR_OP_MUL);
    float three;
    if (pow != NULL && ir_bf16_scalar(p, ir_node_input(pow, 1), &three) && three == 3.0f) {
        *x = ir_node_input(pow, 0);
        return true;
    }
    const ir_node *square = mul != NULL ? operand_by(mul, IR_OP_MUL, x) : NULL;
    return square != NULL && ir_node_input(square, 0) == *x && ir_node_input(square, 1) == *x;
}

/* v = sqrt(2 / pi) * (x + 0.044715 * x * x * x) */
static bool cubic(bf16_pass *p, const ir_value *v, ir_value **x)
{
    ir_value *sum_of = NULL, *cubed = NULL, *term = NULL, *of = NULL;
    const ir_node *outer = ir_bf16_made_by(v, IR_OP_MUL);
    const ir_node *sum = outer != NULL && ir_bf16_with_scalar(p, outer, 0.79788456f, &sum_of) ? ir_bf16_made_by(sum_of, IR_OP_ADD) : NULL;
    for (uint32_t i = 0; sum != NULL && i < 2; i++) {
        term = ir_node_input(sum, i);
        const ir_node *mul = ir_bf16_made_by(term, IR_OP_MUL);
        if (mul != NULL && ir_bf16_with_scalar(p, mul, 0.044715f, &cubed) && cube(p, cubed, &of) && ir_node_input(sum, 1 - i) == of) {
            *x = of;
            return true;
        }
    }
    return false;
}

/* 1 + erf(x / sqrt 2), or 1 + tanh of the cubic form. */
static bool gate_of(bf16_pass *p, const ir_value *v, ir_value **x, ir_bf16_fn *fn)
{
    ir_value *e = NULL;
    const ir_node *add = ir_bf16_made_by(v, IR_OP_ADD);
    if (add == NULL || !ir_bf16_with_scalar(p, add, 1.0f, &e)) {
        return false;
    }
    const ir_node *erf = ir_bf16_made_by(e, IR_OP_ERF), *tanh = ir_bf16_made_by(e, IR_OP_TANH);
    *fn = erf != NULL ? IR_BF16_GELU : IR_BF16_GELU_TANH;
    return erf != NULL ? scaled_for_erf(p, ir_node_input(erf, 0), x) : tanh != NULL && cubic(p, ir_node_input(tanh, 0), x);
}

/* x times its gate, in either order. */
static bool gate_times_x(bf16_pass *p, const ir_node *mul, ir_value **x, ir_bf16_fn *fn)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (gate_of(p, ir_node_input(mul, i), x, fn) && ir_node_input(mul, 1 - i) == *x) {
            return true;
        }
    }
    return false;
}

bool ir_bf16_match_gelu(bf16_pass *p, ir_node *last, ir_value **x, ir_bf16_fn *fn)
{
    ir_value *rest = NULL;
    if (!ir_node_is(last, IR_OP_MUL)) {
        return false;
    }
    if (ir_bf16_with_scalar(p, last, 0.5f, &rest)) { /* (x * gate) / 2 */
        const ir_node *mul = ir_bf16_made_by(rest, IR_OP_MUL);
        return mul != NULL && gate_times_x(p, mul, x, fn);
    }
    for (uint32_t i = 0; i < 2; i++) { /* (x / 2) * gate, x * (gate / 2) */
        const ir_node *half = ir_bf16_made_by(ir_node_input(last, i), IR_OP_MUL);
        ir_value *of = NULL;
        if (half == NULL || !ir_bf16_with_scalar(p, half, 0.5f, &of)) {
            continue;
        }
        ir_value *other = ir_node_input(last, 1 - i);
        if ((gate_of(p, other, x, fn) && of == *x) || (gate_of(p, of, x, fn) && other == *x)) {
            return true;
        }
    }
    return false;
}

bool ir_bf16_match_silu(bf16_pass *p, ir_node *last, ir_value **x)
{
    (void)p;
    if (!ir_node_is(last, IR_OP_MUL)) {
        return false;
    }
    const ir_node *sigmoid = operand_by(last, IR_OP_SIGMOID, x);
    return sigmoid != NULL && ir_node_input(sigmoid, 0) == *x;
}

/* ---------------------------------------------------------------- layer normalisation in pieces */

/* ReduceMean over the last axis, with the axis kept. */
static const ir_node *mean_of_last(bf16_pass *p, const ir_value *v)
{
    const ir_node *n = ir_bf16_made_by(v, IR_OP_REDUCEMEAN);
    ir_tensor axes;
    const ir_value *axis = n != NULL ? ir_node_input(n, 1) : NULL;
    if (axis == NULL || axis->kind != IR_VALUE_CONST || axis->feedable || ir_node_int(n, "keepdims", 1) == 0 ||
        ir_const_tensor(p->m, axis->constant, p->diag, &axes) != SY_OK || ir_tensor_n_elements(&axes) != 1) {
        return NULL;
    }
    const int64_t a = ir_tensor_get_i64(&axes, 0);
    const ir_type *t = &ir_node_input(n, 0)->type;
    return t->has_rank && (a == -1 || a == t->rank - 1) ? n : NULL;
}

/* d = x - mean(x) */
static bool centred(bf16_pass *p, const ir_value *d, ir_value **x)
{
    const ir_node *sub = ir_bf16_made_by(d, IR_OP_SUB);
    const ir_node *mean = sub != NULL ? mean_of_last(p, ir_node_input(sub, 1)) : NULL;
    *x = mean != NULL ? ir_node_input(mean, 0) : NULL;
    return mean != NULL && ir_node_input(sub, 0) == *x;
}

static bool square_of(bf16_pass *p, const ir_value *v, const ir_value *d)
{
    const ir_node *pow = ir_bf16_made_by(v, IR_OP_POW);
    const ir_node *mul = ir_bf16_made_by(v, IR_OP_MUL);
    float two;
    return (pow != NULL && ir_node_input(pow, 0) == d && ir_bf16_scalar(p, ir_node_input(pow, 1), &two) && two == 2.0f) ||
           (mul != NULL && ir_node_input(mul, 0) == d && ir_node_input(mul, 1) == d);
}

bool ir_bf16_is_vector(const ir_value *v, const ir_value *x)
{
    if (v == NULL || v->kind != IR_VALUE_CONST || v->feedable || v->type.dtype != SY_DT_F32 || v->type.rank < 1 || !x->type.has_rank ||
        v->type.rank > x->type.rank || v->type.dims[v->type.rank - 1] != x->type.dims[x->type.rank - 1]) {
        return false;
    }
    int64_t one;
    for (int32_t i = 0; i + 1 < v->type.rank; i++) {
        if (!ir_dim_is_const(v->type.dims[i], &one) || one != 1) {
            return false;
        }
    }
    return true;
}

/* v = (x - mean) / sqrt(variance + epsilon) */
static bool normalised(bf16_pass *p, const ir_value *v, bf16_norm *out)
{
    const ir_node *div = ir_bf16_made_by(v, IR_OP_DIV);
    const ir_node *root = div != NULL ? ir_bf16_made_by(ir_node_input(div, 1), IR_OP_SQRT) : NULL;
    const ir_node *add = root != NULL ? ir_bf16_made_by(ir_node_input(root, 0), IR_OP_ADD) : NULL;
    if (add == NULL) {
        return false;
    }
    const uint32_t which = ir_bf16_scalar(p, ir_node_input(add, 1), &out->epsilon) ? 0 : 1;
    if (which == 1 && !ir_bf16_scalar(p, ir_node_input(add, 0), &out->epsilon)) {
        return false;
    }
    const ir_node *variance = mean_of_last(p, ir_node_input(add, which));
    ir_value *d = ir_node_input(div, 0);
    return variance != NULL && centred(p, d, &out->x) && square_of(p, ir_node_input(variance, 0), d);
}

/* The only user of y is `code` with a vector. */
static bool vector_follows(const ir_value *y, uint32_t code, const ir_value *x)
{
    const ir_node *n = ir_bf16_used_once(y) ? y->first_use->user : NULL;
    return n != NULL && ir_node_is(n, code) && (ir_bf16_is_vector(ir_node_input(n, 0), x) || ir_bf16_is_vector(ir_node_input(n, 1), x));
}

bool ir_bf16_match_norm(bf16_pass *p, ir_node *last, bf16_norm *out)
{
    *out = (bf16_norm){.epsilon = 0.0f};
    if (ir_node_is(last, IR_OP_ADD)) { /* ... * scale + bias */
        for (uint32_t i = 0; i < 2; i++) {
            const ir_node *mul = ir_bf16_made_by(ir_node_input(last, i), IR_OP_MUL);
            for (uint32_t k = 0; mul != NULL && k < 2; k++) {
                if (normalised(p, ir_node_input(mul, k), out) && ir_bf16_is_vector(ir_node_input(mul, 1 - k), out->x) &&
                    ir_bf16_is_vector(ir_node_input(last, 1 - i), out->x)) {
                    out->scale = ir_node_input(mul, 1 - k);
                    out->bias = ir_node_input(last, 1 - i);
                    return true;
                }
            }
        }
        return false;
    }
    ir_value *y = ir_node_output(last, 0);
    if (ir_node_is(last, IR_OP_MUL)) { /* ... * scale, and no bias behind it */
        for (uint32_t k = 0; k < 2; k++) {
            if (normalised(p, ir_node_input(last, k), out) && ir_bf16_is_vector(ir_node_input(last, 1 - k), out->x)) {
                out->scale = ir_node_input(last, 1 - k);
                return !vector_follows(y, IR_OP_ADD, out->x);
            }
        }
        return false;
    }
    /* without scale and bias: only if nothing of them follows */
    return ir_node_is(last, IR_OP_DIV) && normalised(p, y, out) && !vector_follows(y, IR_OP_MUL, out->x);
}
