/*
 * bf16_attention.c -- attention as exporters write it: transposes, two products, a scale, a softmax.
 *
 *     q [B,S,E] -> Reshape [B,S,h,d] -> Transpose [B,h,S,d] --.
 *     k [B,T,E] -> Reshape [B,T,h,d] -> Transpose [B,h,d,T] --MatMul -> scale -> Softmax --MatMul -> Transpose -> Reshape [B,S,F]
 *     v [B,T,F] -> Reshape [B,T,h,d] -> Transpose [B,h,T,d] ----------------------------'
 *
 * A mask may be added behind the scale, or (Where) put a large negative constant in the place of scores by a constant condition.
 * A single head needs neither Reshape nor Transpose (but k's). Scales may stand on q, on k, or behind the product.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bf16_internal.h"

#include <math.h>
#include <string.h>

#define BF16_MOST 0x1.fep127f /* the largest number */

static bool has_perm(const ir_node *n, uint32_t rank, const int64_t *want)
{
    const int64_t *perm;
    return n != NULL && ir_node_ints(n, "perm", &perm) == rank && memcmp(perm, want, rank * sizeof perm[0]) == 0;
}

static bool dim_of(const ir_value *v, int32_t axis, int64_t *out)
{
    return v->type.has_rank && axis < v->type.rank && ir_dim_is_const(v->type.dims[axis], out);
}

/* Multiplications and divisions by a scalar before v: *scale takes them in. A constant of more axes would add some to v. */
static ir_value *unscaled(bf16_pass *p, ir_value *v, float *scale)
{
    for (;;) {
        const ir_node *mul = ir_bf16_made_by(v, IR_OP_MUL), *div = ir_bf16_made_by(v, IR_OP_DIV);
        ir_value *of;
        float c, next;
        if (div != NULL && ir_bf16_scalar(p, ir_node_input(div, 1), &c)) {
            of = ir_node_input(div, 0);
            next = *scale / c;
        } else if (mul != NULL && ir_bf16_scalar(p, ir_node_input(mul, 1), &c)) {
            of = ir_node_input(mul, 0);
            next = *scale * c;
        } else if (mul != NULL && ir_bf16_scalar(p, ir_node_input(mul, 0), &c)) {
            of = ir_node_input(mul, 1);
            next = *scale * c;
        } else {
            return v;
        }
        if (of->type.rank != v->type.rank) {
            return v;
        }
        *scale = next;
        v = of;
    }
}

/* The [B,S,E] tensor that [B,h,S,d] was cut from; NULL: it was not. */
static ir_value *whole_of(const ir_node *transpose, int64_t *heads)
{
    const ir_node *reshape = transpose != NULL ? ir_bf16_made_by(ir_node_input(transpose, 0), IR_OP_RESHAPE) : NULL;
    if (reshape == NULL) {
        return NULL;
    }
    ir_value *whole = ir_node_input(reshape, 0);
    const ir_value *cut = ir_node_output(reshape, 0);
    int64_t a[3], b[4];
    for (int32_t i = 0; i < 3; i++) {
        if (whole->type.rank != 3 || !dim_of(whole, i, &a[i])) {
            return NULL;
        }
    }
    for (int32_t i = 0; i < 4; i++) {
        if (cut->type.rank != 4 || !dim_of(cut, i, &b[i])) {
            return NULL;
        }
    }
    if (a[0] != b[0] || a[1] != b[1] || a[2] != b[2] * b[3]) {
        return NULL;
    }
    *heads = b[2];
    return whole;
}

/* An operand [B,h,S,d] (or, with one head, [B,S,E] or [S,E] itself). */
static ir_value *heads_of(bf16_pass *p, ir_value *v, int64_t *heads, float *scale)
{
    static const int64_t perm[4] = {0, 2, 1, 3};
    v = unscaled(p, v, scale);
    const ir_node *t = ir_bf16_made_by(v, IR_OP_TRANSPOSE);
    if (v->type.rank == 4) {
        return has_perm(t, 4, perm) ? whole_of(t, heads) : NULL;
    }
    *heads = 1;
    return v->type.rank == 2 || v->type.rank == 3 ? v : NULL;
}

/* The second operand of the first product: k transposed. */
static ir_value *keys_of(bf16_pass *p, ir_value *v, int64_t *heads, float *scale)
{
    static const int64_t direct[4] = {0, 2, 3, 1}, last_two[4] = {0, 1, 3, 2}, three[3] = {0, 2, 1}, two[2] = {1, 0};
    v = unscaled(p, v, scale);
    const ir_node *t = ir_bf16_made_by(v, IR_OP_TRANSPOSE);
    if (has_perm(t, 4, direct)) {
        return whole_of(t, heads);
    }
    if (has_perm(t, 4, last_two)) {
        return heads_of(p, ir_node_input(t, 0), heads, scale);
    }
    *heads = 1;
    return has_perm(t, 3, three) || has_perm(t, 2, two) ? unscaled(p, ir_node_input(t, 0), scale) : NULL;
}

/* MatMul repeats a batch of one, and a Reshape may cut the result elsewhere: only [B,S,E], [B,T,E], [B,T,F] to [B,S,F] is attention. */
static bool same_batch(const bf16_attention *a, const ir_value *y)
{
    const int32_t rank = a->q->type.rank;
    bool same = a->k->type.rank == rank && a->v->type.rank == rank && y->type.rank == rank;
    for (int32_t i = 0; same && i < rank - 1; i++) {
        same = y->type.dims[i] == a->q->type.dims[i];
    }
    return same && y->type.dims[rank - 1] == a->v->type.dims[rank - 1] &&
           a->k->type.dims[rank - 2] == a->v->type.dims[rank - 2] && (rank == 2 || (a->k->type.dims[0] == a->q->type.dims[0] && a->v->type.dims[0] == a->q->type.dims[0]));
}

/* The mask's sizes are [1 or batch, 1 or queries, keys] where the scores are [batch, (heads,) queries, keys]. */
static bool mask_sizes(const ir_value *mask, const ir_value *scores, int64_t out[3])
{
    int64_t m[IR_MAX_RANK], s[IR_MAX_RANK];
    const int32_t rank = scores->type.rank, own = mask->type.rank;
    if (!mask->type.has_rank || own > rank || own < 1 || rank < 2 || !ir_type_static_dims(&mask->type, m) ||
        !ir_type_static_dims(&scores->type, s)) {
        return false;
    }
    for (int32_t i = 0; i < rank; i++) {
        const int64_t size = i < rank - own ? 1 : m[i - (rank - own)];
        if ((size != 1 && size != s[i]) || (i == rank - 1 && size != s[i]) || (rank == 4 && i == 1 && size != 1)) {
            return false;
        }
        if (i == rank - 1) {
            out[2] = size;
        } else if (i == rank - 2) {
            out[1] = size;
        } else if (i == 0) {
            out[0] = size;
        }
    }
    out[0] = rank == 2 ? 1 : out[0];
    return true;
}

/* Every query keeps a key of a constant condition: a row that is all else_value is flat, and adding it would keep the scores. */
static bool keeps_keys(bf16_pass *p, const bf16_attention *a)
{
    ir_tensor t;
    if (ir_const_tensor(p->m, a->mask->constant, p->diag, &t) != SY_OK) {
        return false;
    }
    const uint8_t *condition = t.data;
    const int64_t keys = a->mask_dims[2], n = ir_tensor_n_elements(&t);
    bool all = true;
    for (int64_t row = 0; all && row < n; row += keys) {
        bool kept = false;
        for (int64_t k = 0; k < keys; k++) {
            kept = kept || (condition[row + k] != 0) != a->inverted;
        }
        all = kept;
    }
    return all;
}

/* Scores without their mask. */
static ir_value *unmasked(bf16_pass *p, ir_value *v, bf16_attention *out)
{
    const ir_node *add = ir_bf16_made_by(v, IR_OP_ADD), *where = ir_bf16_made_by(v, IR_OP_WHERE);
    for (uint32_t i = 0; add != NULL && i < 2; i++) {
        float scale = 1.0f;
        if (ir_bf16_made_by(unscaled(p, ir_node_input(add, i), &scale), IR_OP_MATMUL) != NULL) {
            out->mask = ir_node_input(add, 1 - i);
            return out->mask->type.dtype == SY_DT_F32 && mask_sizes(out->mask, v, out->mask_dims) ? ir_node_input(add, i) : NULL;
        }
    }
    for (uint32_t i = 1; where != NULL && i < 3; i++) {
        if (ir_bf16_scalar(p, ir_node_input(where, 3 - i), &out->else_value)) {
            out->mask = ir_node_input(where, 0);
            out->inverted = i == 2;
            return out->else_value <= -1000.0f && out->mask->kind == IR_VALUE_CONST && !out->mask->feedable &&
                           out->mask->type.dtype == SY_DT_BOOL && mask_sizes(out->mask, v, out->mask_dims) && keeps_keys(p, out)
                       ? ir_node_input(where, i)
                       : NULL;
        }
    }
    return v;
}

sy_status ir_bf16_mask(bf16_pass *p, ir_node *before, const bf16_attention *a, ir_value **out)
{
    ir_const *c = NULL;
    if (a->mask->kind != IR_VALUE_CONST || a->mask->feedable) {
        ir_value *in[2] = {NULL, NULL};
        ir_node *reshape = NULL;
        SY_TRY(ir_bf16_operand(p, before, a->mask, &in[0]));
        SY_TRY(ir_const_i64s(p->m, 3, a->mask_dims, &c));
        SY_TRY(ir_graph_add_const(p->g, NULL, c, &in[1]));
        SY_TRY(ir_node_create_op(p->g, before, IR_OP_RESHAPE, 2, in, &reshape, out));
        return ir_infer_node(reshape, p->diag);
    }
    ir_tensor t;
    SY_TRY(ir_const_tensor(p->m, a->mask->constant, p->diag, &t));
    const int64_t n = ir_tensor_n_elements(&t);
    float *data = BASE_ARENA_ARRAY(p->m->arena, float, (size_t)n + 1);
    if (data == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        if (t.dtype == SY_DT_BOOL) {
            data[i] = (((const uint8_t *)t.data)[i] != 0) == a->inverted ? a->else_value : 0.0f;
        } else {
            data[i] = ((const float *)t.data)[i];
        }
    }
    for (int64_t i = 0; i < n; i++) { /* fp32's lowest number would round to -inf, and a row of it alone be NaN */
        data[i] = isfinite(data[i]) ? fmaxf(-BF16_MOST, fminf(BF16_MOST, data[i])) : data[i];
    }
    ir_value *f32 = NULL;
    SY_TRY(ir_const_borrow(p->m, SY_DT_F32, 3, a->mask_dims, data, (size_t)n * sizeof *data, p->diag, &c));
    SY_TRY(ir_graph_add_const(p->g, NULL, c, &f32));
    return ir_bf16_operand(p, before, f32, out);
}

bool ir_bf16_match_attention(bf16_pass *p, ir_node *last, bf16_attention *out)
{
    static const int64_t perm[4] = {0, 2, 1, 3};
    const ir_node *product = last;
    if (ir_node_is(last, IR_OP_RESHAPE)) {
        const ir_node *t = ir_bf16_made_by(ir_node_input(last, 0), IR_OP_TRANSPOSE);
        product = has_perm(t, 4, perm) ? ir_bf16_made_by(ir_node_input(t, 0), IR_OP_MATMUL) : NULL;
    } else if (!ir_node_is(last, IR_OP_MATMUL) || ir_node_output(last, 0)->type.rank > 3) {
        return false;
    }
    const ir_node *softmax = product != NULL ? ir_bf16_made_by(ir_node_input(product, 0), IR_OP_SOFTMAX) : NULL;
    if (softmax == NULL) {
        return false;
    }
    const ir_value *probabilities = ir_node_input(product, 0);
    const int64_t axis = ir_node_int(softmax, "axis", -1);
    if ((axis != -1 && axis != probabilities->type.rank - 1) || probabilities->n_uses != 1) {
        return false;
    }
    *out = (bf16_attention){.scale = 1.0f};
    ir_value *scores = unmasked(p, ir_node_input(softmax, 0), out);
    if (scores == NULL) {
        return false;
    }
    scores = unscaled(p, scores, &out->scale);
    const ir_node *first = ir_bf16_made_by(scores, IR_OP_MATMUL);
    if (first == NULL) {
        return false;
    }
    int64_t hq = 0, hk = 0, hv = 0;
    float v_scale = 1.0f;
    out->q = heads_of(p, ir_node_input(first, 0), &hq, &out->scale);
    out->k = keys_of(p, ir_node_input(first, 1), &hk, &out->scale);
    out->v = heads_of(p, ir_node_input(product, 1), &hv, &v_scale);
    out->heads = hq;
    return out->q != NULL && out->k != NULL && out->v != NULL && hq == hk && hq == hv && v_scale == 1.0f &&
           isfinite(out->scale) && same_batch(out, ir_node_output(last, 0));
}
