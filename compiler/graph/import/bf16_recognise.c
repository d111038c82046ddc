/*
 * bf16_recognise.c -- float operators become the bf16 operators of numerics.md, for a machine of bf16 elements.
 *
 * How: patterns first (attention, layer normalisation, Gelu, SiLU), then single operators. Each result is bf16 with a conversion
 * to fp32 behind it; an operand that is such a conversion is taken from before it, so that conversions stay only where a float
 * operator or the caller reads. Then functions and sums move into the products before them, where no rounding goes away.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bf16_internal.h"

#include <math.h>
#include <string.h>

#include "systole/isa/fn.h"

#define DONE "systole.bf16" /* metadata of a module that has been through here */

/* ---------------------------------------------------------------- operands and results */

static sy_status cast_before(bf16_pass *p, ir_node *before, ir_value *v, sy_dtype to, ir_value **out)
{
    ir_node *cast = NULL;
    SY_TRY(ir_node_create_op(p->g, before, IR_OP_CAST, 1, &v, &cast, out));
    SY_TRY(ir_node_set_int(cast, "to", to));
    return ir_infer_node(cast, p->diag);
}

/* A constant fp32 tensor, rounded to bf16. */
static sy_status bf16_const(bf16_pass *p, const ir_value *v, ir_value **out)
{
    ir_tensor t;
    ir_const *c = NULL;
    SY_TRY(ir_const_tensor(p->m, v->constant, p->diag, &t));
    const int64_t n = ir_tensor_n_elements(&t);
    uint16_t *data = BASE_ARENA_ARRAY(p->m->arena, uint16_t, (size_t)n + 1);
    if (data == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, (const float *)t.data + i, sizeof bits);
        data[i] = isa_fp_to_bf16(bits);
    }
    SY_TRY(ir_const_borrow(p->m, SY_DT_BF16, t.rank, t.dims, data, (size_t)n * 2, p->diag, &c));
    return ir_graph_add_const(p->g, NULL, c, out);
}

sy_status ir_bf16_operand(bf16_pass *p, ir_node *before, ir_value *v, ir_value **out)
{
    const ir_node *cast = ir_bf16_made_by(v, IR_OP_CAST);
    if (cast != NULL && ir_node_input(cast, 0)->type.dtype == SY_DT_BF16) {
        *out = ir_node_input(cast, 0);
        return SY_OK;
    }
    if (v->kind == IR_VALUE_CONST && !v->feedable) {
        return bf16_const(p, v, out);
    }
    /* right behind its maker, so that later users find it defined */
    ir_node *at = v->kind == IR_VALUE_RESULT && v->producer->graph == p->g ? v->producer->next : p->g->first;
    for (const ir_use *u = v->first_use; u != NULL; u = u->next) { /* converted before */
        if (u->user != NULL && u->graph == p->g && ir_node_is(u->user, IR_OP_CAST) &&
            ir_node_output(u->user, 0)->type.dtype == SY_DT_BF16) {
            if (u->user != at) { /* a conversion of the model's own may stand behind `before` */
                ir_node_move(u->user, at);
            }
            *out = ir_node_output(u->user, 0);
            return SY_OK;
        }
    }
    return cast_before(p, v->graph == p->g ? at : before, v, SY_DT_BF16, out);
}

sy_status ir_bf16_replace(bf16_pass *p, ir_node *old, uint32_t code, uint32_t n_inputs, ir_value *const *inputs, ir_node **out)
{
    ir_value *y = NULL;
    SY_TRY(ir_node_create_op(p->g, old, code, n_inputs, inputs, out, &y));
    (*out)->number = old->number;
    (*out)->name = old->name;
    (*out)->loc = old->loc;
    return SY_OK;
}

sy_status ir_bf16_complete(bf16_pass *p, ir_node *old, ir_node *node)
{
    ir_value *f32 = NULL;
    SY_TRY(ir_infer_node(node, p->diag));
    SY_TRY(cast_before(p, old, ir_node_output(node, 0), SY_DT_F32, &f32));
    ir_value_replace_uses(ir_node_output(old, 0), f32);
    return SY_OK;
}

static sy_status set_fn(ir_node *n, ir_bf16_fn fn, float alpha, float beta)
{
    const char *name = ir_bf16_fn_name(fn);
    SY_TRY(ir_node_set_string(n, "fn", name, strlen(name)));
    SY_TRY(ir_node_set_float(n, "alpha", alpha));
    return ir_node_set_float(n, "beta", beta);
}

static bool is_f32(const ir_value *v)
{
    return v != NULL && v->type.kind == IR_TYPE_TENSOR && v->type.dtype == SY_DT_F32 && v->type.has_rank;
}

static bool is_const(const ir_value *v)
{
    return v != NULL && v->kind == IR_VALUE_CONST && !v->feedable;
}

/* ---------------------------------------------------------------- patterns */

static sy_status visit_attention(bf16_pass *p, ir_node *n)
{
    bf16_attention a;
    if (!ir_bf16_match_attention(p, n, &a) || !is_f32(a.q) || !is_f32(a.k) || !is_f32(a.v)) {
        return SY_OK;
    }
    ir_value *in[4] = {a.q, a.k, a.v, NULL};
    ir_value *const old = ir_node_output(n, 0);
    const bool flat = a.q->type.rank == 2;
    for (unsigned i = 0; i < 3; i++) {
        SY_TRY(ir_bf16_operand(p, n, in[i], &in[i]));
        if (flat) { /* [S,E] is one picture of a batch */
            ir_const *axes = NULL;
            ir_value *operands[2] = {in[i], NULL};
            ir_node *unsqueeze = NULL;
            SY_TRY(ir_const_i64s(p->m, 1, &(int64_t){0}, &axes));
            SY_TRY(ir_graph_add_const(p->g, NULL, axes, &operands[1]));
            SY_TRY(ir_node_create_op(p->g, n, IR_OP_UNSQUEEZE, 2, operands, &unsqueeze, &in[i]));
            SY_TRY(ir_infer_node(unsqueeze, p->diag));
        }
    }
    ir_node *node = NULL;
    if (a.mask != NULL) {
        SY_TRY(ir_bf16_mask(p, n, &a, &in[3]));
    }
    SY_TRY(ir_bf16_replace(p, n, IR_OP_BATTENTION, a.mask != NULL ? 4 : 3, in, &node));
    SY_TRY(ir_node_set_int(node, "heads", a.heads));
    SY_TRY(ir_node_set_int(node, "lanes", p->lanes));
    SY_TRY(ir_node_set_float(node, "scale", a.scale));
    if (!flat) {
        return ir_bf16_complete(p, n, node);
    }
    SY_TRY(ir_infer_node(node, p->diag));
    ir_const *axes = NULL;
    ir_value *operands[2] = {ir_node_output(node, 0), NULL}, *squeezed = NULL, *f32 = NULL;
    ir_node *squeeze = NULL;
    SY_TRY(ir_const_i64s(p->m, 1, &(int64_t){0}, &axes));
    SY_TRY(ir_graph_add_const(p->g, NULL, axes, &operands[1]));
    SY_TRY(ir_node_create_op(p->g, n, IR_OP_SQUEEZE, 2, operands, &squeeze, &squeezed));
    SY_TRY(ir_infer_node(squeeze, p->diag));
    SY_TRY(cast_before(p, n, squeezed, SY_DT_F32, &f32));
    ir_value_replace_uses(old, f32);
    return SY_OK;
}

/* A constant vector without the axes of one element before it. */
static sy_status flat_vector(bf16_pass *p, ir_value *v, ir_value **out)
{
    ir_tensor t;
    ir_const *c = NULL;
    *out = v;
    if (v == NULL || v->type.rank == 1) {
        return SY_OK;
    }
    SY_TRY(ir_const_tensor(p->m, v->constant, p->diag, &t));
    const int64_t n = ir_tensor_n_elements(&t);
    float *data = BASE_ARENA_ARRAY(p->m->arena, float, (size_t)n + 1);
    if (data == NULL) {
        return SY_ENOMEM;
    }
    memcpy(data, t.data, (size_t)n * sizeof *data);
    SY_TRY(ir_const_borrow(p->m, SY_DT_F32, 1, &n, data, (size_t)n * sizeof *data, p->diag, &c));
    return ir_graph_add_const(p->g, NULL, c, out);
}

static sy_status emit_norm(bf16_pass *p, ir_node *n, const bf16_norm *norm)
{
    ir_value *in[3] = {NULL, NULL, NULL};
    ir_node *node = NULL;
    SY_TRY(flat_vector(p, norm->scale, &in[1]));
    SY_TRY(flat_vector(p, norm->bias, &in[2]));
    SY_TRY(ir_bf16_operand(p, n, norm->x, &in[0]));
    SY_TRY(ir_bf16_replace(p, n, IR_OP_BLAYERNORM, in[2] != NULL ? 3 : in[1] != NULL ? 2 : 1, in, &node));
    SY_TRY(ir_node_set_float(node, "epsilon", norm->epsilon));
    SY_TRY(ir_node_set_int(node, "lanes", p->lanes));
    return ir_bf16_complete(p, n, node);
}

/* A function has its operand's shape: nothing is done where a constant of more axes gave the result some. */
static sy_status emit_unary(bf16_pass *p, ir_node *n, ir_value *x, ir_bf16_fn fn, float alpha, float beta)
{
    ir_value *in = NULL;
    ir_node *node = NULL;
    if (x->type.rank != ir_node_output(n, 0)->type.rank) {
        return SY_OK;
    }
    SY_TRY(ir_bf16_operand(p, n, x, &in));
    SY_TRY(ir_bf16_replace(p, n, IR_OP_BUNARY, 1, &in, &node));
    SY_TRY(set_fn(node, fn, alpha, beta));
    return ir_bf16_complete(p, n, node);
}

static sy_status visit_pattern(bf16_pass *p, ir_node *n)
{
    bf16_norm norm;
    ir_value *x = NULL;
    if (ir_bf16_match_norm(p, n, &norm) && is_f32(norm.x) && norm.x->type.rank == ir_node_output(n, 0)->type.rank) {
        return emit_norm(p, n, &norm);
    }
    ir_bf16_fn fn;
    if (ir_bf16_match_gelu(p, n, &x, &fn) && is_f32(x)) {
        return emit_unary(p, n, x, fn, 0.0f, 0.0f);
    }
    if (ir_bf16_match_silu(p, n, &x) && is_f32(x)) {
        return emit_unary(p, n, x, IR_BF16_SILU, 0.0f, 0.0f);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- products */

/* The Add of a constant vector over the last axis that alone follows v; its vector in *bias. */
static ir_node *bias_after(const ir_value *v, ir_value **bias)
{
    ir_node *add = ir_bf16_used_once(v) ? v->first_use->user : NULL;
    if (add == NULL || !ir_node_is(add, IR_OP_ADD)) {
        return NULL;
    }
    for (uint32_t i = 0; i < 2; i++) {
        ir_value *c = ir_node_input(add, i);
        if (ir_bf16_is_vector(c, v)) {
            *bias = c;
            return add;
        }
    }
    return NULL;
}

static sy_status emit_linear(bf16_pass *p, ir_node *n, ir_value *x, ir_value *w, ir_value *bias)
{
    ir_value *in[3] = {NULL, w, NULL};
    ir_node *node = NULL;
    SY_TRY(flat_vector(p, bias, &in[2]));
    SY_TRY(ir_bf16_operand(p, n, x, &in[0]));
    SY_TRY(ir_bf16_replace(p, n, IR_OP_BLINEAR, bias != NULL ? 3 : 2, in, &node));
    return ir_bf16_complete(p, n, node);
}

static sy_status visit_matmul(bf16_pass *p, ir_node *n)
{
    ir_value *a = ir_node_input(n, 0), *b = ir_node_input(n, 1), *w = NULL, *bias = NULL;
    if (!is_f32(a) || !is_f32(b) || a->type.rank < 2 || is_const(a)) {
        return SY_OK;
    }
    if (is_const(b) && b->type.rank == 2) {
        ir_node *add = bias_after(ir_node_output(n, 0), &bias);
        SY_TRY(ir_bf16_operand(p, n, b, &w));
        return emit_linear(p, add != NULL ? add : n, a, w, bias);
    }
    if (b->type.rank < 2) {
        return SY_OK;
    }
    ir_value *in[2] = {NULL, NULL};
    ir_node *node = NULL;
    SY_TRY(ir_bf16_operand(p, n, a, &in[0]));
    SY_TRY(ir_bf16_operand(p, n, b, &in[1]));
    SY_TRY(ir_bf16_replace(p, n, IR_OP_BMATMUL, 2, in, &node));
    return ir_bf16_complete(p, n, node);
}

/* [N,K] fp32 to [K,N] bf16, times a factor. */
static sy_status transposed_const(bf16_pass *p, const ir_value *v, bool transpose, float factor, ir_value **out)
{
    ir_tensor t;
    ir_const *c = NULL;
    SY_TRY(ir_const_tensor(p->m, v->constant, p->diag, &t));
    const int64_t rows = t.dims[0], columns = t.dims[1];
    const float *from = t.data;
    float *data = BASE_ARENA_ARRAY(p->m->arena, float, (size_t)(rows * columns) + 1);
    if (data == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            data[transpose ? j * rows + i : i * columns + j] = from[i * columns + j] * factor;
        }
    }
    const int64_t dims[2] = {transpose ? columns : rows, transpose ? rows : columns};
    SY_TRY(ir_const_borrow(p->m, SY_DT_F32, 2, dims, data, (size_t)(rows * columns) * 4, p->diag, &c));
    ir_value *f32 = NULL;
    SY_TRY(ir_graph_add_const(p->g, NULL, c, &f32));
    return bf16_const(p, f32, out);
}

/* beta * C where C is one value for each column, or one for all: a vector of fp32. */
static sy_status gemm_bias(bf16_pass *p, const ir_value *c, int64_t columns, float beta, ir_value **out)
{
    ir_tensor t;
    ir_const *constant = NULL;
    SY_TRY(ir_const_tensor(p->m, c->constant, p->diag, &t));
    float *data = BASE_ARENA_ARRAY(p->m->arena, float, (size_t)columns + 1);
    if (data == NULL) {
        return SY_ENOMEM;
    }
    const bool one = ir_tensor_n_elements(&t) == 1;
    for (int64_t i = 0; i < columns; i++) {
        data[i] = beta * ((const float *)t.data)[one ? 0 : i];
    }
    SY_TRY(ir_const_borrow(p->m, SY_DT_F32, 1, &columns, data, (size_t)columns * sizeof *data, p->diag, &constant));
    return ir_graph_add_const(p->g, NULL, constant, out);
}

/* A product, and a sum with a C that is no vector behind it. */
static sy_status linear_and_sum(bf16_pass *p, ir_node *n, ir_value *w)
{
    ir_value *in[2] = {NULL, w}, *sum[2] = {NULL, NULL};
    ir_node *product = NULL, *add = NULL;
    SY_TRY(ir_bf16_operand(p, n, ir_node_input(n, 0), &in[0]));
    SY_TRY(ir_bf16_operand(p, n, ir_node_input(n, 2), &sum[1]));
    SY_TRY(ir_bf16_replace(p, n, IR_OP_BLINEAR, 2, in, &product));
    SY_TRY(ir_infer_node(product, p->diag));
    sum[0] = ir_node_output(product, 0);
    SY_TRY(ir_bf16_replace(p, n, IR_OP_BADD, 2, sum, &add));
    return ir_bf16_complete(p, n, add);
}

static sy_status visit_gemm(bf16_pass *p, ir_node *n)
{
    ir_value *a = ir_node_input(n, 0), *b = ir_node_input(n, 1), *c = ir_node_input(n, 2), *w = NULL;
    const ir_value *y = ir_node_output(n, 0);
    const float beta = ir_node_float(n, "beta", 1.0f);
    int64_t columns;
    if (!is_f32(a) || !is_f32(b) || !is_const(b) || is_const(a) || ir_node_int(n, "transA", 0) != 0 || (c != NULL && !is_f32(c)) ||
        !y->type.has_rank || !ir_dim_is_const(y->type.dims[1], &columns)) {
        return SY_OK;
    }
    float scalar;
    const bool one_row = c != NULL && (ir_bf16_is_vector(c, y) || ir_bf16_scalar(p, c, &scalar));
    if (c != NULL && !one_row && beta != 1.0f) {
        return SY_OK;
    }
    SY_TRY(transposed_const(p, b, ir_node_int(n, "transB", 0) != 0, ir_node_float(n, "alpha", 1.0f), &w));
    if (c != NULL && !one_row) {
        return linear_and_sum(p, n, w);
    }
    if (c != NULL) {
        SY_TRY(gemm_bias(p, c, columns, beta, &c));
    }
    return emit_linear(p, n, a, w, c);
}

/* Weights and bias of a convolution with the BatchNormalization behind it; both constant. */
static sy_status folded(bf16_pass *p, const ir_node *norm, ir_value **w, ir_value **bias)
{
    ir_tensor t[4], filter, b = {.data = NULL};
    for (uint32_t i = 0; i < 4; i++) {
        SY_TRY(ir_const_tensor(p->m, ir_node_input(norm, i + 1)->constant, p->diag, &t[i]));
    }
    SY_TRY(ir_const_tensor(p->m, (*w)->constant, p->diag, &filter));
    if (*bias != NULL) {
        SY_TRY(ir_const_tensor(p->m, (*bias)->constant, p->diag, &b));
    }
    const int64_t m = filter.dims[0], n = ir_tensor_n_elements(&filter) / (m > 0 ? m : 1);
    float *weights = BASE_ARENA_ARRAY(p->m->arena, float, (size_t)(m * n) + 1);
    float *shift = BASE_ARENA_ARRAY(p->m->arena, float, (size_t)m + 1);
    if (weights == NULL || shift == NULL) {
        return SY_ENOMEM;
    }
    const float epsilon = ir_node_float(norm, "epsilon", 1e-5f);
    for (int64_t i = 0; i < m; i++) {
        const float scale = ((const float *)t[0].data)[i], offset = ((const float *)t[1].data)[i];
        const float mean = ((const float *)t[2].data)[i], variance = ((const float *)t[3].data)[i];
        const float factor = scale / sqrtf(variance + epsilon);
        for (int64_t k = 0; k < n; k++) {
            weights[i * n + k] = ((const float *)filter.data)[i * n + k] * factor;
        }
        shift[i] = ((b.data != NULL ? ((const float *)b.data)[i] : 0.0f) - mean) * factor + offset;
    }
    ir_const *c = NULL;
    SY_TRY(ir_const_borrow(p->m, SY_DT_F32, filter.rank, filter.dims, weights, (size_t)(m * n) * 4, p->diag, &c));
    SY_TRY(ir_graph_add_const(p->g, NULL, c, w));
    SY_TRY(ir_const_borrow(p->m, SY_DT_F32, 1, &m, shift, (size_t)m * 4, p->diag, &c));
    return ir_graph_add_const(p->g, NULL, c, bias);
}

/* The BatchNormalization that alone follows, if its parameters are constant. */
static ir_node *norm_after(const ir_value *v)
{
    ir_node *n = ir_bf16_used_once(v) ? v->first_use->user : NULL;
    if (n == NULL || !ir_node_is(n, IR_OP_BATCHNORM) || ir_node_input(n, 0) != v || ir_node_int(n, "training_mode", 0) != 0 ||
        ir_node_output(n, 1) != NULL) {
        return NULL;
    }
    for (uint32_t i = 1; i < 5; i++) {
        if (!is_const(ir_node_input(n, i)) || !is_f32(ir_node_input(n, i))) {
            return NULL;
        }
    }
    return n;
}

/* A depthwise convolution that the vector unit's window can do (lower/depthwise.c asks the same of the machine). */
static bool fits_window(const ir_window *w, const int64_t *size, const int64_t *filter, int64_t group)
{
    const int32_t x = w->rank - 1;
    const int64_t kh = w->rank == 2 ? w->kernel[0] : 1, height = w->rank == 2 ? size[0] : 1;
    const int64_t out_h = w->rank == 2 ? w->out[0] : 1, top = w->rank == 2 ? w->pads_begin[0] : 0;
    const int64_t stride = w->strides[x], stride_h = w->rank == 2 ? w->strides[0] : 1;
    return group > 1 && filter[0] == group && filter[1] == 1 && (w->kernel[x] == 3 || w->kernel[x] == 5) && kh * w->kernel[x] <= 25 &&
           stride <= 2 && (w->rank == 1 || (stride_h == stride && w->dilations[0] == 1)) && w->dilations[x] == 1 &&
           w->pads_begin[x] >= 0 && w->pads_begin[x] < w->kernel[x] && top >= 0 && top < kh && height * size[x] > 1 &&
           out_h * w->out[x] > 1 && (w->out[x] - 1) * stride <= size[x] - 1 && (out_h - 1) * stride_h - top < height;
}

static sy_status visit_conv(bf16_pass *p, ir_node *n)
{
    ir_value *x = ir_node_input(n, 0), *w = ir_node_input(n, 1), *bias = ir_node_input(n, 2);
    if (!is_f32(x) || !is_f32(w) || !is_const(w) || is_const(x) || x->type.rank < 3 || x->type.rank > 4 ||
        (bias != NULL && (!is_const(bias) || !is_f32(bias)))) {
        return SY_OK;
    }
    ir_node *last = norm_after(ir_node_output(n, 0));
    if (last != NULL) {
        SY_TRY(folded(p, last, &w, &bias));
    } else {
        last = n;
    }
    int64_t dims[IR_MAX_RANK];
    ir_window win;
    if (!ir_type_static_dims(&x->type, dims)) {
        return SY_OK;
    }
    int64_t filter[IR_MAX_RANK];
    (void)ir_type_static_dims(&w->type, filter);
    const int32_t rank = x->type.rank - 2;
    SY_TRY(ir_window_resolve(n, rank, dims + 2, filter + 2, p->diag, &win));
    ir_value *in[3] = {NULL, NULL, bias};
    ir_node *node = NULL;
    SY_TRY(ir_bf16_operand(p, last, x, &in[0]));
    SY_TRY(ir_bf16_operand(p, last, w, &in[1]));
    SY_TRY(ir_bf16_replace(p, last, IR_OP_BCONV, bias != NULL ? 3 : 2, in, &node));
    int64_t pads[6];
    for (int32_t i = 0; i < rank; i++) {
        pads[i] = win.pads_begin[i];
        pads[rank + i] = win.pads_end[i];
    }
    SY_TRY(ir_node_set_ints(node, "strides", (uint32_t)rank, win.strides));
    SY_TRY(ir_node_set_ints(node, "dilations", (uint32_t)rank, win.dilations));
    SY_TRY(ir_node_set_ints(node, "pads", 2 * (uint32_t)rank, pads));
    const int64_t group = ir_node_int(n, "group", 1);
    SY_TRY(ir_node_set_int(node, "group", group));
    SY_TRY(ir_node_set_int(node, "columns", fits_window(&win, dims + 2, filter, group) ? 1 : 0));
    return ir_bf16_complete(p, last, node);
}

/* ---------------------------------------------------------------- elements */

static sy_status visit_binary(bf16_pass *p, ir_node *n, uint32_t code)
{
    ir_value *a = ir_node_input(n, 0), *b = ir_node_input(n, 1);
    float c;
    if (!is_f32(a) || !is_f32(b) || (is_const(a) && is_const(b))) {
        return SY_OK;
    }
    if (code == IR_OP_BMUL && ir_bf16_scalar(p, b, &c)) {
        return emit_unary(p, n, a, IR_BF16_SCALE, c, 0.0f);
    }
    if (code == IR_OP_BMUL && ir_bf16_scalar(p, a, &c)) {
        return emit_unary(p, n, b, IR_BF16_SCALE, c, 0.0f);
    }
    ir_value *in[2] = {NULL, NULL};
    ir_node *node = NULL;
    SY_TRY(ir_bf16_operand(p, n, a, &in[0]));
    SY_TRY(ir_bf16_operand(p, n, b, &in[1]));
    SY_TRY(ir_bf16_replace(p, n, code, 2, in, &node));
    return ir_bf16_complete(p, n, node);
}

static sy_status visit_division(bf16_pass *p, ir_node *n)
{
    float c;
    return is_f32(ir_node_input(n, 0)) && ir_bf16_scalar(p, ir_node_input(n, 1), &c) && c != 0.0f
               ? emit_unary(p, n, ir_node_input(n, 0), IR_BF16_SCALE, 1.0f / c, 0.0f)
               : SY_OK;
}

static sy_status visit_clip(bf16_pass *p, ir_node *n)
{
    float low = -INFINITY, high = INFINITY;
    const ir_value *l = ir_node_input(n, 1), *h = ir_node_input(n, 2);
    if (!is_f32(ir_node_input(n, 0)) || (l != NULL && !ir_bf16_scalar(p, l, &low)) || (h != NULL && !ir_bf16_scalar(p, h, &high))) {
        return SY_OK;
    }
    return emit_unary(p, n, ir_node_input(n, 0), IR_BF16_CLIP, low, high);
}

static bool on_last_axis(const ir_node *n)
{
    const ir_value *x = ir_node_input(n, 0);
    const int64_t axis = ir_node_int(n, "axis", -1);
    return is_f32(x) && x->type.rank >= 2 && (axis == -1 || axis == x->type.rank - 1);
}

static sy_status visit_norm(bf16_pass *p, ir_node *n)
{
    const bf16_norm norm = {.x = ir_node_input(n, 0), .scale = ir_node_input(n, 1), .bias = ir_node_input(n, 2),
                            .epsilon = ir_node_float(n, "epsilon", 1e-5f)};
    for (uint32_t i = 1; i < 3; i++) {
        const ir_value *v = ir_node_input(n, i);
        if ((v != NULL && (!is_const(v) || !is_f32(v) || v->type.rank != 1)) || ir_node_output(n, i) != NULL) {
            return SY_OK;
        }
    }
    return on_last_axis(n) ? emit_norm(p, n, &norm) : SY_OK;
}

static sy_status visit_softmax(bf16_pass *p, ir_node *n)
{
    ir_value *in = NULL;
    ir_node *node = NULL;
    if (!on_last_axis(n)) {
        return SY_OK;
    }
    SY_TRY(ir_bf16_operand(p, n, ir_node_input(n, 0), &in));
    SY_TRY(ir_bf16_replace(p, n, IR_OP_BSOFTMAX, 1, &in, &node));
    SY_TRY(ir_node_set_int(node, "lanes", p->lanes));
    return ir_bf16_complete(p, n, node);
}

/* Operators that only move or compare: they go on in bf16 if what they move is. */
static sy_status visit_move(bf16_pass *p, ir_node *n)
{
    const uint32_t n_data = ir_node_is(n, IR_OP_CONCAT) ? n->n_inputs : 1;
    ir_value *y = ir_node_output(n, 0), *f32 = NULL;
    if (!is_f32(y) || (ir_node_is(n, IR_OP_MAXPOOL) && ir_node_output(n, 1) != NULL)) {
        return SY_OK;
    }
    for (uint32_t i = 0; i < n_data; i++) {
        const ir_node *cast = ir_bf16_made_by(ir_node_input(n, i), IR_OP_CAST);
        if (cast == NULL || ir_node_input(cast, 0)->type.dtype != SY_DT_BF16) {
            return SY_OK;
        }
    }
    for (uint32_t i = 0; i < n_data; i++) {
        ir_node_set_input(n, i, ir_node_input(ir_node_input(n, i)->producer, 0));
    }
    ir_value_forget_type(y);
    SY_TRY(ir_infer_node(n, p->diag));
    ir_node *cast = NULL;
    SY_TRY(ir_node_create_op(p->g, n->next, IR_OP_CAST, 0, NULL, &cast, &f32));
    ir_value_replace_uses(y, f32);
    SY_TRY(ir_node_add_input(cast, y));
    SY_TRY(ir_node_set_int(cast, "to", SY_DT_F32));
    return ir_infer_node(cast, p->diag);
}

static sy_status visit_operator(bf16_pass *p, ir_node *n)
{
    static const struct {
        uint32_t code;
        ir_bf16_fn fn;
    } unary[] = {{IR_OP_RELU, IR_BF16_RELU}, {IR_OP_SIGMOID, IR_BF16_SIGMOID}, {IR_OP_TANH, IR_BF16_TANH},
                 {IR_OP_ERF, IR_BF16_ERF}, {IR_OP_EXP, IR_BF16_EXP}, {IR_OP_SQRT, IR_BF16_SQRT},
                 {IR_OP_RECIPROCAL, IR_BF16_RECIPROCAL}, {IR_OP_ABS, IR_BF16_ABS}, {IR_OP_HARDSWISH, IR_BF16_HARDSWISH}};
    static const uint32_t moves[] = {IR_OP_RESHAPE, IR_OP_FLATTEN, IR_OP_SQUEEZE, IR_OP_UNSQUEEZE, IR_OP_TRANSPOSE,
                                     IR_OP_IDENTITY, IR_OP_CONCAT, IR_OP_MAXPOOL};
    ir_value *x = ir_node_input(n, 0);
    for (unsigned i = 0; i < sizeof unary / sizeof unary[0]; i++) {
        if (ir_node_is(n, unary[i].code)) {
            return is_f32(x) && !is_const(x) ? emit_unary(p, n, x, unary[i].fn, 0.0f, 0.0f) : SY_OK;
        }
    }
    for (unsigned i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        if (ir_node_is(n, moves[i])) {
            return visit_move(p, n);
        }
    }
    if (n->op == NULL || strcmp(n->op->domain, "") != 0) {
        return SY_OK;
    }
    switch (n->op->code) {
    case IR_OP_MATMUL:
        return visit_matmul(p, n);
    case IR_OP_GEMM:
        return visit_gemm(p, n);
    case IR_OP_CONV:
        return visit_conv(p, n);
    case IR_OP_ADD:
        return visit_binary(p, n, IR_OP_BADD);
    case IR_OP_SUB:
        return visit_binary(p, n, IR_OP_BSUB);
    case IR_OP_MUL:
        return visit_binary(p, n, IR_OP_BMUL);
    case IR_OP_DIV:
        return visit_division(p, n);
    case IR_OP_NEG:
        return is_f32(x) ? emit_unary(p, n, x, IR_BF16_SCALE, -1.0f, 0.0f) : SY_OK;
    case IR_OP_CLIP:
        return visit_clip(p, n);
    case IR_OP_GELU:
        return is_f32(x) ? emit_unary(p, n, x,
                                      strcmp(ir_node_string(n, "approximate", "none"), "tanh") == 0 ? IR_BF16_GELU_TANH : IR_BF16_GELU,
                                      0.0f, 0.0f)
                         : SY_OK;
    case IR_OP_LEAKYRELU:
        return is_f32(x) ? emit_unary(p, n, x, IR_BF16_LEAKYRELU, ir_node_float(n, "alpha", 0.01f), 0.0f) : SY_OK;
    case IR_OP_HARDSIGMOID:
        return is_f32(x) ? emit_unary(p, n, x, IR_BF16_HARDSIGMOID, ir_node_float(n, "alpha", 0.2f), ir_node_float(n, "beta", 0.5f))
                         : SY_OK;
    case IR_OP_LAYERNORM:
        return visit_norm(p, n);
    case IR_OP_SOFTMAX:
        return visit_softmax(p, n);
    case IR_OP_AVERAGEPOOL:
    case IR_OP_GLOBALAVERAGEPOOL:
    case IR_OP_REDUCEMEAN:
        return ir_bf16_visit_mean(p, n);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- into the products */

static ir_node *product_of(const ir_value *v)
{
    ir_node *n = ir_bf16_made_by(v, IR_OP_BLINEAR);
    n = n != NULL ? n : ir_bf16_made_by(v, IR_OP_BCONV);
    return n != NULL && v->n_uses == 1 && ir_node_string(n, "fn", "")[0] == '\0' ? n : NULL;
}

static bool same_shape(const ir_value *a, const ir_value *b)
{
    bool same = a->type.has_rank && b->type.has_rank && a->type.rank == b->type.rank;
    for (int32_t i = 0; same && i < a->type.rank; i++) {
        same = a->type.dims[i] == b->type.dims[i];
    }
    return same;
}

/* y = fn(product): after a sum only what the vector unit can do behind it. */
static sy_status absorb_function(ir_node *n)
{
    ir_node *product = product_of(ir_node_input(n, 0));
    const char *name = ir_node_string(n, "fn", "");
    if (product == NULL || strcmp(name, ir_bf16_fn_name(IR_BF16_GELU_TANH)) == 0 || /* it takes three commands */
        (ir_node_input(product, 3) != NULL && strcmp(name, "relu") != 0 && strcmp(name, "clip") != 0)) {
        return SY_OK;
    }
    SY_TRY(ir_node_set_string(product, "fn", name, strlen(name)));
    SY_TRY(ir_node_set_float(product, "alpha", ir_node_float(n, "alpha", 0.0f)));
    SY_TRY(ir_node_set_float(product, "beta", ir_node_float(n, "beta", 0.0f)));
    ir_value_replace_uses(ir_node_output(n, 0), ir_node_output(product, 0));
    return SY_OK;
}

static sy_status absorb_sum(ir_node *n)
{
    ir_value *a = ir_node_input(n, 0), *b = ir_node_input(n, 1);
    ir_node *right = product_of(b), *left = product_of(a);
    ir_node *product = right != NULL && ir_node_input(right, 3) == NULL ? right : left;
    ir_value *other = product == right ? a : b;
    if (product != NULL && ir_node_int(product, "columns", 0) != 0) {
        return SY_OK; /* the window has no second operand */
    }
    if (product == NULL || ir_node_input(product, 3) != NULL || a == b || !same_shape(a, b) || is_const(other)) {
        return SY_OK;
    }
    while (product->n_inputs < 4) {
        SY_TRY(ir_node_add_input(product, NULL));
    }
    ir_node_move(product, n); /* the residual is there by then; nobody else waits for the product */
    ir_node_set_input(product, 3, other);
    ir_value_replace_uses(ir_node_output(n, 0), ir_node_output(product, 0));
    return SY_OK;
}

/* ---------------------------------------------------------------- the pass */

static sy_status visit_all(bf16_pass *p, sy_status (*visit)(bf16_pass *, ir_node *))
{
    ir_node *next;
    for (ir_node *n = p->g->first; n != NULL; n = next) {
        next = n->next;
        const ir_value *y = ir_node_output(n, 0);
        if (y != NULL && y->n_uses > 0) {
            SY_TRY(visit(p, n));
        }
    }
    ir_graph_remove_dead(p->g);
    return SY_OK;
}

/* To fp32 and back again is nothing. */
static sy_status visit_cast(bf16_pass *p, ir_node *n)
{
    (void)p;
    const ir_node *back = ir_bf16_made_by(ir_node_input(n, 0), IR_OP_CAST);
    if (ir_node_is(n, IR_OP_CAST) && ir_node_output(n, 0)->type.dtype == SY_DT_BF16 && back != NULL &&
        ir_node_input(n, 0)->type.dtype == SY_DT_F32 && ir_node_input(back, 0)->type.dtype == SY_DT_BF16) {
        ir_value_replace_uses(ir_node_output(n, 0), ir_node_input(back, 0));
    }
    return SY_OK;
}

/* A product of an image that became a vector: the image lies in blocks of lanes, and so its sums go. */
static sy_status order_sum(const bf16_pass *p, ir_node *n)
{
    const ir_value *x = ir_node_input(n, 0);
    const ir_node *view = x->kind == IR_VALUE_RESULT ? x->producer : NULL;
    if (x->type.rank != 2 || view == NULL || !(ir_node_is(view, IR_OP_FLATTEN) || ir_node_is(view, IR_OP_RESHAPE))) {
        return SY_OK;
    }
    const ir_value *image = ir_node_input(view, 0);
    int64_t a[IR_MAX_RANK], b[IR_MAX_RANK];
    if (image->kind != IR_VALUE_RESULT || ir_node_is(image->producer, IR_OP_CAST) || image->type.rank < 3 || image->type.rank > 4 ||
        !ir_type_static_dims(&image->type, a) || !ir_type_static_dims(&x->type, b) || a[0] != b[0] || a[1] >= b[1] || a[1] == 0) {
        return SY_OK;
    }
    SY_TRY(ir_node_set_int(n, "plane", b[1] / a[1]));
    return ir_node_set_int(n, "lanes", p->lanes);
}

static sy_status visit_absorb(bf16_pass *p, ir_node *n)
{
    if (ir_node_is(n, IR_OP_BLINEAR)) {
        return order_sum(p, n);
    }
    return ir_node_is(n, IR_OP_BUNARY) ? absorb_function(n) : ir_node_is(n, IR_OP_BADD) ? absorb_sum(n) : SY_OK;
}

sy_status ir_recognise_bf16(ir_module *m, uint32_t lanes, base_diag *diag)
{
    bf16_pass p = {.m = m, .g = m->main, .lanes = lanes, .diag = diag};
    if (ir_module_meta(m, DONE) != NULL) {
        return SY_OK;
    }
    SY_TRY(ir_module_set_meta(m, DONE, ""));
    SY_TRY(ir_bf16_widen(&p));
    SY_TRY(visit_all(&p, ir_bf16_visit_split));
    SY_TRY(visit_all(&p, visit_attention));
    SY_TRY(visit_all(&p, visit_pattern));
    SY_TRY(visit_all(&p, visit_operator));
    SY_TRY(visit_all(&p, visit_cast));
    SY_TRY(visit_all(&p, visit_absorb));
    return ir_infer_module(m, diag);
}
