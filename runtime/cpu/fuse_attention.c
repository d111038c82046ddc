/*
 * fuse_attention.c -- attention written as MatMul, scale, masks, Softmax and MatMul, with the
 * Transposes around them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attention.h"
#include "fuse_match.h"

#include <string.h>

/* Operands: what the strides below belong to. */
enum { OPERAND_Q, OPERAND_K, OPERAND_V, OPERAND_ADD, OPERAND_KEEP, N_OPERANDS };

/* How a tensor of rank 4 (or 3: without heads) holds [batch, head, row, column]: the axis of each;
 * -1: none. */
typedef struct order {
    int8_t batch, head, row, column;
} order;

static const order by_heads = {0, 1, 2, 3}, by_rows = {0, 2, 1, 3};

typedef struct attention_state {
    int32_t rank;
    order q, k, v, y; /* k's rows are keys */
    float scale, other;
    bool keep_is_drop, add_first, has_add, has_keep;
} attention_state;

/* ---------------------------------------------------------------- the kernel */

static int64_t size_of(const ir_tensor *t, int8_t axis)
{
    return axis < 0 || axis >= t->rank ? 1 : t->dims[axis];
}

static int64_t stride_of(const ir_tensor *t, int8_t axis)
{
    int64_t stride = 1;
    for (int32_t i = t->rank - 1; axis >= 0 && i > axis; i--) {
        stride *= t->dims[i];
    }
    return axis < 0 ? 0 : stride;
}

static rt_heads heads_of(const ir_tensor *t, order o)
{
    return (rt_heads){.data = t->data,
                      .batch = stride_of(t, o.batch),
                      .head = stride_of(t, o.head),
                      .row = stride_of(t, o.row),
                      .column = stride_of(t, o.column)};
}

/* Strides of a mask that broadcasts to [batch, head, query, key]; false: it does not, or not side
 * by side. */
static bool mask_strides(const ir_tensor *t, const int64_t sizes[4], int32_t rank,
                         int64_t strides[3])
{
    static const int axes_of_4[] = {0, 1, 2, 3}, axes_of_3[] = {0, 2, 3};
    const int *axes = rank == 4 ? axes_of_4 : axes_of_3;
    int64_t stride = 1;
    memset(strides, 0, 3 * sizeof *strides);
    if (t->rank < 1 || t->rank > rank) {
        return false;
    }
    for (int32_t i = t->rank - 1; i >= 0; i--) {
        const int axis = axes[i + rank - t->rank];
        if (t->dims[i] != sizes[axis] && (t->dims[i] != 1 || axis == 3)) {
            return false;
        }
        if (axis < 3) {
            strides[axis] = t->dims[i] == 1 ? 0 : stride;
        }
        stride *= t->dims[i];
    }
    return true;
}

static bool same_heads(const ir_tensor *q, const ir_tensor *t, const attention_state *s, order o)
{
    return t->dtype == SY_DT_F32 && t->rank == s->rank &&
           size_of(t, o.batch) == size_of(q, s->q.batch) &&
           size_of(t, o.head) == size_of(q, s->q.head);
}

static sy_status run_attention(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const attention_state *s = state;
    const ir_tensor *q = args->inputs[OPERAND_Q], *k = args->inputs[OPERAND_K],
                    *v = args->inputs[OPERAND_V], *add = args->inputs[OPERAND_ADD],
                    *keep = args->inputs[OPERAND_KEEP];
    ir_tensor *y = args->outputs[0];
    rt_attention a = {.scale = s->scale,
                      .other = s->other,
                      .keep_is_drop = s->keep_is_drop,
                      .add_first = s->add_first};
    bool good = q->dtype == SY_DT_F32 && q->rank == s->rank && same_heads(q, k, s, s->k) &&
                same_heads(q, v, s, s->v) && size_of(k, s->k.column) == size_of(q, s->q.column) &&
                size_of(v, s->v.row) == size_of(k, s->k.row);
    if (good) {
        a.n_batch = size_of(q, s->q.batch);
        a.n_heads = a.n_kv_heads = size_of(q, s->q.head);
        a.n_queries = size_of(q, s->q.row);
        a.n_keys = size_of(k, s->k.row);
        a.size = size_of(q, s->q.column);
        a.v_size = size_of(v, s->v.column);
        a.q = heads_of(q, s->q);
        a.k = heads_of(k, s->k);
        a.v = heads_of(v, s->v);
        a.y = y->data;
        a.y_at = heads_of(y, s->y);
        const int64_t sizes[] = {a.n_batch, a.n_heads, a.n_queries, a.n_keys};
        if (s->has_add) {
            good = add->dtype == SY_DT_F32 && mask_strides(add, sizes, s->rank, a.add_strides);
            a.add = add->data;
        }
        if (good && s->has_keep) {
            good = keep->dtype == SY_DT_BOOL && mask_strides(keep, sizes, s->rank, a.keep_strides);
            a.keep = keep->data;
        }
        good = good && a.n_keys > 0;
    }
    return good ? rt_attention_run(&a, env) : rt_run_parts(args, env);
}

static const rt_kernel attention_kernel = {.run = run_attention};

/* ---------------------------------------------------------------- the rule */

typedef struct match {
    rt_pattern p;
    attention_state s;
    double scale;
    uint32_t inputs[N_OPERANDS], product;
} match;

static bool has_perm(const rt_fusion *f, uint32_t i, uint32_t n, const int64_t *want)
{
    const int64_t *perm = NULL;
    return rt_fuse_is(f, i, IR_OP_TRANSPOSE) &&
           ir_node_ints(f->steps.items[i].node, "perm", &perm) == n &&
           memcmp(perm, want, n * sizeof *perm) == 0;
}

/* Takes the constant that slot s is multiplied with, or divided by, into the scale. */
static bool strip_scale(match *m, uint32_t *s)
{
    const rt_fusion *f = m->p.f;
    const uint32_t mul = rt_match_maker(f, *s, IR_OP_MUL), div = rt_match_maker(f, *s, IR_OP_DIV);
    const uint32_t i = mul != RT_NONE ? mul : div;
    float c = 1.0f;
    const uint32_t at = mul != RT_NONE && rt_match_scalar(f, rt_match_input(f, mul, 0), &c) ? 0 : 1;
    if (i == RT_NONE || f->n_uses[*s] != 1 || !rt_match_scalar(f, rt_match_input(f, i, at), &c) ||
        c == 0.0f || !rt_pattern_add(&m->p, i)) {
        return false;
    }
    m->scale = mul != RT_NONE ? m->scale * (double)c : m->scale / (double)c;
    *s = rt_match_input(f, i, 1 - at);
    return true;
}

/* Takes a Transpose of rank 4 that exchanges heads and rows, with the only use here. */
static bool strip_split(match *m, uint32_t *s, order *o)
{
    const rt_fusion *f = m->p.f;
    const uint32_t i = rt_match_maker(f, *s, IR_OP_TRANSPOSE);
    if (i == RT_NONE || f->n_uses[*s] != 1 || m->s.rank != 4 ||
        !has_perm(f, i, 4, (const int64_t[]){0, 2, 1, 3}) || !rt_pattern_add(&m->p, i)) {
        return false;
    }
    *s = rt_match_input(f, i, 0);
    *o = by_rows;
    return true;
}

/* The keys, of which the product sees columns: [batch, head, size, key]. */
static void strip_keys(match *m, uint32_t *s)
{
    const rt_fusion *f = m->p.f;
    m->s.k = m->s.rank == 4 ? (order){0, 1, 3, 2} : (order){0, -1, 2, 1};
    while (strip_scale(m, s)) {
    }
    const uint32_t i = rt_match_maker(f, *s, IR_OP_TRANSPOSE);
    if (i == RT_NONE || f->n_uses[*s] != 1) {
        return;
    }
    if (m->s.rank == 4 && has_perm(f, i, 4, (const int64_t[]){0, 2, 3, 1}) &&
        rt_pattern_add(&m->p, i)) {
        m->s.k = by_rows;
        *s = rt_match_input(f, i, 0);
    } else if (has_perm(f, i, (uint32_t)m->s.rank,
                        m->s.rank == 4 ? (const int64_t[]){0, 1, 3, 2}
                                       : (const int64_t[]){0, 2, 1}) &&
               rt_pattern_add(&m->p, i)) {
        m->s.k = m->s.rank == 4 ? by_heads : (order){0, -1, 1, 2};
        *s = rt_match_input(f, i, 0);
        while (strip_scale(m, s)) {
        }
        (void)strip_split(m, s, &m->s.k);
    }
    while (strip_scale(m, s)) {
    }
}

/* Follows the scores in slot s down to the product of queries and keys, through masks and scales.
 */
static bool match_scores(match *m, uint32_t s)
{
    const rt_fusion *f = m->p.f;
    float c;
    while (strip_scale(m, &s)) {
    }
    m->product = rt_match_maker(f, s, IR_OP_MATMUL);
    if (m->product != RT_NONE) {
        return rt_pattern_add(&m->p, m->product);
    }
    const uint32_t add = rt_match_maker(f, s, IR_OP_ADD), where = rt_match_maker(f, s, IR_OP_WHERE);
    if (m->scale != 1.0) {
        return false; /* masks are applied to the scaled scores */
    }
    for (uint32_t k = 0; add != RT_NONE && !m->s.has_add && k < 2; k++) {
        match tried = *m;
        tried.inputs[OPERAND_ADD] = rt_match_input(f, add, 1 - k);
        tried.s.has_add = true;
        tried.s.add_first = m->s.has_keep; /* from the outside in: the Where came after */
        if (rt_pattern_add(&tried.p, add) && match_scores(&tried, rt_match_input(f, add, k))) {
            *m = tried;
            return true;
        }
    }
    for (uint32_t k = 1; where != RT_NONE && !m->s.has_keep && k < 3; k++) {
        match tried = *m;
        if (!rt_match_scalar(f, rt_match_input(f, where, 3 - k), &c)) {
            continue;
        }
        tried.inputs[OPERAND_KEEP] = rt_match_input(f, where, 0);
        tried.s.has_keep = true;
        tried.s.keep_is_drop = k == 2;
        tried.s.other = c;
        if (rt_pattern_add(&tried.p, where) && match_scores(&tried, rt_match_input(f, where, k))) {
            *m = tried;
            return true;
        }
    }
    return false;
}

/* From the Softmax (step i) on: the product with the values and the Transpose that joins heads. */
static uint32_t match_values(match *m, uint32_t i)
{
    const rt_fusion *f = m->p.f;
    const uint32_t weights = rt_match_output(f, i), product = rt_fuse_only_user(f, weights);
    if (!rt_fuse_is(f, product, IR_OP_MATMUL) || rt_match_input(f, product, 0) != weights ||
        rt_match_input(f, product, 1) == weights || !rt_pattern_add(&m->p, i) ||
        !rt_pattern_add(&m->p, product)) {
        return RT_NONE;
    }
    const uint32_t joined = rt_fuse_only_user(f, rt_match_output(f, product));
    const bool four = m->s.rank == 4;
    m->inputs[OPERAND_V] = rt_match_input(f, product, 1);
    m->s.q = m->s.v = m->s.y = four ? by_heads : (order){0, -1, 1, 2};
    if (four && has_perm(f, joined, 4, (const int64_t[]){0, 2, 1, 3}) &&
        rt_pattern_add(&m->p, joined)) {
        m->s.y = by_rows;
        return rt_match_output(f, joined);
    }
    return rt_match_output(f, product);
}

sy_status rt_fuse_attention(rt_fusion *f, uint32_t i, bool *changed)
{
    if (!rt_fuse_is(f, i, IR_OP_SOFTMAX) || rt_fuse_dtype(f, rt_match_output(f, i)) != SY_DT_F32) {
        return SY_OK;
    }
    const int32_t rank = rt_fuse_rank(f, rt_match_output(f, i));
    const int64_t axis = ir_node_int(f->steps.items[i].node, "axis", -1);
    match m = {.p.f = f, .s.rank = rank, .scale = 1.0};
    for (int k = 0; k < N_OPERANDS; k++) {
        m.inputs[k] = RT_NONE;
    }
    if ((rank != 3 && rank != 4) || (axis != -1 && axis != rank - 1)) {
        return SY_OK;
    }
    const uint32_t y = match_values(&m, i);
    if (y == RT_NONE || !match_scores(&m, rt_match_input(f, i, 0))) {
        return SY_OK;
    }
    m.inputs[OPERAND_Q] = rt_match_input(f, m.product, 0);
    m.inputs[OPERAND_K] = rt_match_input(f, m.product, 1);
    if (rt_fuse_rank(f, m.inputs[OPERAND_Q]) != rank ||
        rt_fuse_rank(f, m.inputs[OPERAND_K]) != rank ||
        rt_fuse_rank(f, m.inputs[OPERAND_V]) != rank ||
        m.inputs[OPERAND_Q] == m.inputs[OPERAND_K] || m.inputs[OPERAND_V] == m.inputs[OPERAND_K]) {
        return SY_OK;
    }
    while (strip_scale(&m, &m.inputs[OPERAND_Q])) {
    }
    if (strip_split(&m, &m.inputs[OPERAND_Q], &m.s.q)) {
        while (strip_scale(&m, &m.inputs[OPERAND_Q])) {
        }
    }
    strip_keys(&m, &m.inputs[OPERAND_K]);
    (void)strip_split(&m, &m.inputs[OPERAND_V], &m.s.v);
    m.s.scale = (float)m.scale;
    attention_state *s = BASE_ARENA_NEW(f->arena, attention_state);
    if (s == NULL || !rt_pattern_closed(&m.p, y)) {
        return s == NULL ? SY_ENOMEM : SY_OK;
    }
    *s = m.s;
    *changed = true;
    return rt_pattern_merge(f, &m.p, f->steps.items[i].node, &attention_kernel, s, N_OPERANDS,
                            m.inputs, y);
}
