/*
 * fast_attention_ops.c -- ONNX's Attention and com.microsoft's MultiHeadAttention in fp32, where
 * they ask for no more than softmax(Q K' * scale + mask) V.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attention.h"

#include <math.h>
#include <string.h>

static rt_heads split(const ir_tensor *t)
{
    return (rt_heads){.data = t->data,
                      .batch = t->dims[1] * t->dims[2] * t->dims[3],
                      .head = t->dims[2] * t->dims[3],
                      .row = t->dims[3],
                      .column = 1};
}

static rt_heads joined(const ir_tensor *t, int64_t n_heads)
{
    return (rt_heads){.data = t->data,
                      .batch = t->dims[1] * t->dims[2],
                      .head = t->dims[2] / n_heads,
                      .row = t->dims[2],
                      .column = 1};
}

/* Rows of the past and the new ones behind them, in y (a result, or scratch memory): [batch, heads,
 * rows, size]. */
static sy_status append(const ir_kernel_args *args, const ir_tensor *past, const rt_heads *fresh,
                        const int64_t dims[4], ir_tensor *y, rt_heads *out)
{
    ir_tensor room;
    if (y == NULL) {
        y = &room;
        SY_TRY(ir_tensor_init(y, SY_DT_F32, 4, dims, NULL));
        y->data = base_arena_alloc(args->scratch, y->size_bytes + 1, 1);
        if (y->data == NULL) {
            return SY_ENOMEM;
        }
    }
    const int64_t n_past = past != NULL ? past->dims[2] : 0, size = dims[3];
    for (int64_t i = 0; i < dims[0] * dims[1]; i++) {
        float *to = (float *)y->data + i * dims[2] * size;
        if (n_past > 0) {
            memcpy(to, (const float *)past->data + i * n_past * size,
                   (size_t)(n_past * size) * sizeof(float));
        }
        const float *from = fresh->data + i / dims[1] * fresh->batch + i % dims[1] * fresh->head;
        for (int64_t r = n_past; r < dims[2]; r++) {
            memcpy(to + r * size, from + (r - n_past) * fresh->row, (size_t)size * sizeof(float));
        }
    }
    *out = split(y);
    return SY_OK;
}

/* The mask as what is added or kept; false: it broadcasts in a way that rows of keys do not. */
static bool take_mask(const ir_tensor *t, rt_attention *a)
{
    const int64_t sizes[] = {a->n_batch, a->n_heads, a->n_queries, a->n_keys};
    int64_t strides[3] = {0, 0, 0}, stride = 1;
    if (t->rank < 1 || t->rank > 4 || t->dims[t->rank - 1] != a->n_keys ||
        (t->dtype != SY_DT_F32 && t->dtype != SY_DT_BOOL)) {
        return false;
    }
    for (int32_t i = t->rank - 1; i >= 0; i--) {
        const int32_t axis = i + 4 - t->rank;
        if (t->dims[i] != sizes[axis] && t->dims[i] != 1) {
            return false;
        }
        if (axis < 3) {
            strides[axis] = t->dims[i] == 1 ? 0 : stride;
        }
        stride *= t->dims[i];
    }
    if (t->dtype == SY_DT_F32) {
        a->add = t->data;
        memcpy(a->add_strides, strides, sizeof strides);
    } else {
        a->keep = t->data;
        a->other = -INFINITY;
        memcpy(a->keep_strides, strides, sizeof strides);
    }
    return true;
}

/* What the two operators share once sizes, queries, new keys and values are known. */
typedef struct call {
    rt_attention a;
    rt_heads k, v;
    int64_t fresh;
    const ir_tensor *past_k, *past_v, *mask;
    ir_tensor *present_k, *present_v;
} call;

static bool is_past(const ir_tensor *t, const rt_attention *a, int64_t size)
{
    return t->dtype == SY_DT_F32 && t->rank == 4 && t->dims[0] == a->n_batch &&
           t->dims[1] == a->n_kv_heads && t->dims[3] == size;
}

static sy_status finish(const ir_kernel_args *args, const rt_env *env, call *c, bool join)
{
    rt_attention *a = &c->a;
    const ir_tensor *y = args->outputs[0];
    if ((c->past_k == NULL) != (c->past_v == NULL) ||
        (c->past_k != NULL &&
         (!is_past(c->past_k, a, a->size) || !is_past(c->past_v, a, a->v_size) ||
          c->past_k->dims[2] != c->past_v->dims[2]))) {
        return rt_run_reference(args);
    }
    const int64_t past = c->past_k != NULL ? c->past_k->dims[2] : 0;
    a->n_keys = past + c->fresh;
    if (a->n_keys == 0 || (c->mask != NULL && !take_mask(c->mask, a))) {
        return rt_run_reference(args);
    }
    const int64_t k_dims[] = {a->n_batch, a->n_kv_heads, a->n_keys, a->size},
                  v_dims[] = {a->n_batch, a->n_kv_heads, a->n_keys, a->v_size};
    a->k = c->k;
    a->v = c->v;
    if (past > 0 || c->present_k != NULL) {
        SY_TRY(append(args, c->past_k, &c->k, k_dims, c->present_k, &a->k));
    }
    if (past > 0 || c->present_v != NULL) {
        SY_TRY(append(args, c->past_v, &c->v, v_dims, c->present_v, &a->v));
    }
    a->causal_offset = past;
    a->zero_blind = true;
    a->y = y->data;
    a->y_at = join ? (rt_heads){.batch = a->n_queries * a->n_heads * a->v_size,
                                .head = a->v_size,
                                .row = a->n_heads * a->v_size}
                   : (rt_heads){.batch = a->n_heads * a->n_queries * a->v_size,
                                .head = a->n_queries * a->v_size,
                                .row = a->v_size};
    return rt_attention_run(a, env);
}

static bool is_f32(const ir_tensor *t, int32_t rank)
{
    return t != NULL && t->dtype == SY_DT_F32 && t->rank == rank;
}

sy_status rt_fast_attention(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_node *n = args->node;
    const ir_tensor *q = args->inputs[0], *k = args->inputs[1], *v = args->inputs[2];
    const bool join = q->rank == 3;
    const int64_t precision = ir_node_int(n, "softmax_precision", 0);
    call c = {.past_k = ir_kernel_input(args, 4),
              .past_v = ir_kernel_input(args, 5),
              .mask = ir_kernel_input(args, 3),
              .present_k = ir_kernel_output(args, 1),
              .present_v = ir_kernel_output(args, 2)};
    rt_attention *a = &c.a;
    (void)state;
    if (!is_f32(q, join ? 3 : 4) || !is_f32(k, q->rank) || !is_f32(v, q->rank) ||
        ir_kernel_output(args, 0) == NULL || ir_kernel_output(args, 3) != NULL ||
        ir_kernel_input(args, 6) != NULL || (precision != 0 && precision != SY_DT_F32) ||
        ir_node_float(n, "softcap", 0.0f) > 0.0f || ir_node_int(n, "left_window_size", -1) >= 0 ||
        ir_node_int(n, "right_window_size", -1) >= 0) {
        return rt_run_reference(args);
    }
    const int32_t row = join ? 1 : 2;
    a->n_batch = q->dims[0];
    a->n_heads = join ? ir_node_int(n, "q_num_heads", 0) : q->dims[1];
    a->n_kv_heads = join ? ir_node_int(n, "kv_num_heads", 0) : k->dims[1];
    if (a->n_heads < 1 || a->n_kv_heads < 1 || a->n_heads % a->n_kv_heads != 0) {
        return rt_run_reference(args);
    }
    const int64_t last = q->rank - 1, q_parts = join ? a->n_heads : 1,
                  kv_parts = join ? a->n_kv_heads : 1;
    a->n_queries = q->dims[row];
    c.fresh = k->dims[row];
    a->size = q->dims[last] / q_parts;
    a->v_size = v->dims[last] / kv_parts;
    if (q->dims[last] % q_parts != 0 || k->dims[last] != a->size * kv_parts ||
        v->dims[last] % kv_parts != 0 || v->dims[row] != c.fresh || k->dims[0] != a->n_batch ||
        v->dims[0] != a->n_batch || (!join && v->dims[1] != a->n_kv_heads)) {
        return rt_run_reference(args);
    }
    a->q = join ? joined(q, a->n_heads) : split(q);
    c.k = join ? joined(k, a->n_kv_heads) : split(k);
    c.v = join ? joined(v, a->n_kv_heads) : split(v);
    a->scale = ir_node_attr(n, "scale") != NULL
                   ? ir_node_float(n, "scale", 1.0f)
                   : (float)(1.0 / sqrt((double)(a->size > 0 ? a->size : 1)));
    a->causal = ir_node_int(n, "is_causal", 0) != 0;
    return finish(args, env, &c, join);
}

sy_status rt_fast_multi_head_attention(const ir_kernel_args *args, const rt_env *env,
                                       const void *state)
{
    const ir_node *n = args->node;
    const ir_tensor *q = args->inputs[0], *k = ir_kernel_input(args, 1),
                    *v = ir_kernel_input(args, 2);
    call c = {.past_k = ir_kernel_input(args, 6),
              .past_v = ir_kernel_input(args, 7),
              .mask = ir_kernel_input(args, 5),
              .present_k = ir_kernel_output(args, 1),
              .present_v = ir_kernel_output(args, 2)};
    rt_attention *a = &c.a;
    const int64_t heads = ir_node_int(n, "num_heads", 0);
    (void)state;
    const bool cached = k != NULL && k->rank == 4;
    if (!is_f32(q, 3) || !is_f32(k, cached ? 4 : 3) || !is_f32(v, cached ? 4 : 3) || heads < 1 ||
        ir_kernel_output(args, 0) == NULL || ir_kernel_output(args, 3) != NULL ||
        ir_kernel_input(args, 3) != NULL || ir_kernel_input(args, 4) != NULL ||
        ir_kernel_input(args, 8) != NULL || ir_kernel_input(args, 9) != NULL ||
        (c.mask != NULL && c.mask->dtype != SY_DT_F32) || q->dims[2] % heads != 0 ||
        k->dims[0] != q->dims[0] || v->dims[0] != q->dims[0]) {
        return rt_run_reference(args);
    }
    a->n_batch = q->dims[0];
    a->n_heads = a->n_kv_heads = heads;
    a->n_queries = q->dims[1];
    a->size = q->dims[2] / heads;
    c.fresh = k->dims[cached ? 2 : 1];
    a->v_size = cached ? v->dims[3] : v->dims[2] / heads;
    const bool fits = cached ? k->dims[1] == heads && v->dims[1] == heads &&
                                   k->dims[3] == a->size && v->dims[2] == c.fresh
                             : k->dims[2] == heads * a->size && v->dims[1] == c.fresh &&
                                   v->dims[2] % heads == 0;
    if (!fits) {
        return rt_run_reference(args);
    }
    a->q = joined(q, heads);
    c.k = cached ? split(k) : joined(k, heads);
    c.v = cached ? split(v) : joined(v, heads);
    const float scale = ir_node_float(n, "scale", 0.0f);
    a->scale = scale != 0.0f ? scale : (float)(1.0 / sqrt((double)(a->size > 0 ? a->size : 1)));
    a->causal = ir_node_int(n, "unidirectional", 0) != 0;
    return finish(args, env, &c, true);
}
