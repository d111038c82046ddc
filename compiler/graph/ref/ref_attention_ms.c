/*
 * ref_attention_ms.c -- com.microsoft's attention operators, MatMulNBits.
 *
 * Source: ONNX Runtime's docs/ContribOperators.md, and its results.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attention.h"

#include <math.h>
#include <string.h>

/* A tensor in scratch. */
static sy_status make(const ir_kernel_args *args, sy_dtype dtype, int32_t rank, const int64_t *dims,
                      ir_tensor *out)
{
    if (ir_tensor_init(out, dtype, rank, dims, NULL) != SY_OK) {
        return base_fail(args->diag, SY_ERANGE, "an intermediate result is too large");
    }
    out->data = base_arena_alloc(args->scratch, out->size_bytes + 1, 1);
    return out->data != NULL ? SY_OK : SY_ENOMEM;
}

/* Result i if it is wanted, else a tensor of this shape in scratch. */
static sy_status result_or_room(const ir_kernel_args *args, uint32_t i, sy_dtype dtype, int32_t rank,
                                const int64_t *dims, ir_tensor *room, ir_tensor **out)
{
    *out = ir_kernel_output(args, i);
    if (*out != NULL) {
        return SY_OK;
    }
    SY_TRY(make(args, dtype, rank, dims, room));
    *out = room;
    return SY_OK;
}

static sy_status misfit(const ir_kernel_args *args, const char *what)
{
    return base_fail(args->diag, SY_ESHAPE, "%s does not fit the other operands", what);
}

/* An additive mask of up to four axes, each 1 or the scores' size. */
static sy_status bias_mask(const ir_kernel_args *args, ir_ref_attention *a, const ir_tensor *t)
{
    const int64_t wanted[4] = {a->images, a->heads, a->q_rows, a->kv_rows};
    if (t == NULL) {
        return SY_OK;
    }
    bool fits = t->rank >= 1 && t->rank <= 4 && t->dtype == a->dtype;
    for (int32_t k = 0; fits && k < t->rank; k++) {
        const int64_t want = wanted[4 - t->rank + k];
        fits = t->dims[k] == want || (t->dims[k] == 1 && k < t->rank - 1);
    }
    if (!fits) {
        return misfit(args, "attention_bias");
    }
    ir_ref_attention_mask(a, 1, t);
    return SY_OK;
}

/* ---------------------------------------------------------------- masks of integers */

/*
 * key_padding_mask and mask_index: [images] or [2, images] lengths (and starts), [images, keys] or [images, rows, keys] of 0 and 1, as a tensor that is
 * added: 0 or `masked`.
 */
static sy_status padding_mask(const ir_kernel_args *args, ir_ref_attention *a, const ir_tensor *mask,
                              double masked)
{
    ir_tensor *t = BASE_ARENA_NEW(args->scratch, ir_tensor);
    if (mask == NULL) {
        return SY_OK;
    }
    const bool lengths = mask->rank == 1;
    const bool starts = lengths && mask->dims[0] == 2 * a->images;
    const bool rows = mask->rank == 3 && mask->dims[1] == a->q_rows;
    const bool fits = mask->dtype == SY_DT_I32 &&
                      ((lengths && (starts || mask->dims[0] == a->images || mask->dims[0] == 3 * a->images + 2)) ||
                       (mask->rank == 2 && mask->dims[0] == a->images && mask->dims[1] == a->kv_rows) ||
                       (rows && mask->dims[0] == a->images && mask->dims[2] == a->kv_rows));
    const int64_t dims[4] = {a->images, 1, rows ? a->q_rows : 1, a->kv_rows};
    if (t == NULL) {
        return SY_ENOMEM;
    }
    if (!fits) {
        return misfit(args, "the mask of keys");
    }
    SY_TRY(make(args, SY_DT_F64, 4, dims, t));
    for (int64_t i = 0; i < ir_tensor_n_elements(t); i++) {
        const int64_t image = i / (dims[2] * dims[3]), key = i % dims[3];
        bool seen;
        if (lengths) {
            seen = key < ir_ref_get_int(mask, image) &&
                   (!starts || key >= ir_ref_get_int(mask, a->images + image));
        } else {
            seen = ir_ref_get_int(mask, i) > 0;
        }
        ir_ref_put(t, i, seen ? 0.0 : masked);
    }
    ir_ref_attention_mask(a, 0, t);
    return SY_OK;
}

/* ---------------------------------------------------------------- MultiHeadAttention */

/* A view with a bias added to each column, in scratch: [images, heads, rows, size]. */
static sy_status with_bias(const ir_kernel_args *args, ir_ref_heads *h, int64_t images, int64_t heads,
                           int64_t rows, int64_t size, const ir_tensor *bias, int64_t first)
{
    ir_tensor *t = BASE_ARENA_NEW(args->scratch, ir_tensor);
    const int64_t dims[4] = {images, heads, rows, size};
    if (t == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(make(args, h->t->dtype, 4, dims, t));
    int64_t i = 0;
    for (int64_t b = 0; b < images; b++) {
        for (int64_t n = 0; n < heads; n++) {
            for (int64_t r = 0; r < rows; r++) {
                for (int64_t c = 0; c < size; c++) {
                    ir_ref_put(t, i++, ir_ref_heads_get(h, b, n, r, c) +
                                           ir_ref_get(bias, first + n * size + c));
                }
            }
        }
    }
    *h = ir_ref_heads_split(t, heads, rows, size);
    return SY_OK;
}

typedef struct mha {
    ir_ref_attention a;
    ir_ref_heads k, v; /* the new ones */
    int64_t fresh;     /* rows of them */
} mha;

/* [B, S, H, 3, D]; [B, S, H * D] with [B, T, H, 2, D]; three of rank 3; or keys and values of rank 4. */
static sy_status mha_views(const ir_kernel_args *args, mha *m)
{
    const ir_tensor *q = args->inputs[0], *k = ir_kernel_input(args, 1), *v = ir_kernel_input(args, 2);
    ir_ref_attention *a = &m->a;
    const int64_t h = a->heads;
    a->images = q->dims[0];
    a->q_rows = m->fresh = q->dims[1];
    if (k == NULL) {
        a->size = a->v_size = q->dims[4];
        if (q->rank != 5 || q->dims[2] != h || q->dims[3] != 3 || v != NULL) {
            return misfit(args, "the packed query");
        }
        const int64_t d = a->size;
        a->q = (ir_ref_heads){q, 0, {a->q_rows * h * 3 * d, 3 * d, h * 3 * d, 1}};
        m->k = m->v = a->q;
        m->k.base = d;
        m->v.base = 2 * d;
        return SY_OK;
    }
    if (q->rank != 3 || q->dims[2] % h != 0 || k->dims[0] != a->images || k->dtype != q->dtype) {
        return misfit(args, "the query");
    }
    const int64_t d = a->size = q->dims[2] / h;
    a->q = ir_ref_heads_joined(q, a->q_rows, h * d, 0, d);
    if (v == NULL) {
        if (k->rank != 5 || k->dims[2] != h || k->dims[3] != 2 || k->dims[4] != d) {
            return misfit(args, "the packed key");
        }
        m->fresh = k->dims[1];
        a->v_size = d;
        m->k = m->v = (ir_ref_heads){k, 0, {m->fresh * h * 2 * d, 2 * d, h * 2 * d, 1}};
        m->v.base = d;
        return SY_OK;
    }
    const bool split = k->rank == 4;
    m->fresh = k->dims[split ? 2 : 1];
    a->v_size = split ? v->dims[3] : v->dims[2] / h;
    const bool fits = v->dtype == q->dtype && v->rank == k->rank && v->dims[0] == a->images &&
                      (split ? k->dims[1] == h && v->dims[1] == h && k->dims[3] == d && v->dims[2] == m->fresh
                             : k->rank == 3 && k->dims[2] == h * d && v->dims[1] == m->fresh && v->dims[2] % h == 0);
    if (!fits) {
        return misfit(args, "the key or value");
    }
    m->k = split ? ir_ref_heads_split(k, h, m->fresh, d) : ir_ref_heads_joined(k, m->fresh, h * d, 0, d);
    m->v = split ? ir_ref_heads_split(v, h, m->fresh, a->v_size)
                 : ir_ref_heads_joined(v, m->fresh, h * a->v_size, 0, a->v_size);
    return SY_OK;
}

static sy_status mha_bias(const ir_kernel_args *args, mha *m)
{
    const ir_tensor *bias = ir_kernel_input(args, 3);
    ir_ref_attention *a = &m->a;
    const int64_t q = a->heads * a->size, v = a->heads * a->v_size;
    if (bias == NULL) {
        return SY_OK;
    }
    if (bias->rank != 1 || bias->dims[0] != 2 * q + v || bias->dtype != a->dtype) {
        return misfit(args, "the bias");
    }
    SY_TRY(with_bias(args, &a->q, a->images, a->heads, a->q_rows, a->size, bias, 0));
    if (ir_kernel_input(args, 1) == NULL || args->inputs[1]->rank != 4) { /* cached keys have theirs already */
        SY_TRY(with_bias(args, &m->k, a->images, a->heads, m->fresh, a->size, bias, q));
        SY_TRY(with_bias(args, &m->v, a->images, a->heads, m->fresh, a->v_size, bias, 2 * q));
    }
    return SY_OK;
}

sy_status ir_ref_multi_head_attention(const ir_kernel_args *args)
{
    const ir_node *n = args->node;
    const ir_tensor *q = args->inputs[0], *past_k = ir_kernel_input(args, 6), *past_v = ir_kernel_input(args, 7);
    mha m = {.a = {.dtype = q->dtype, .left = IR_REF_NO_WINDOW, .right = IR_REF_NO_WINDOW, .joined = true}};
    ir_ref_attention *a = &m.a;
    SY_TRY(ir_ref_need(args, q, ir_ref_is_float(q->dtype)));
    if (ir_kernel_input(args, 8) != NULL || ir_kernel_input(args, 9) != NULL) {
        return base_fail(args->diag, SY_EUNSUPPORTED,
                         "past_sequence_length and cache_indirection (shared buffers of beam search) are not supported");
    }
    a->heads = a->kv_heads = ir_node_int(n, "num_heads", 0);
    SY_TRY(mha_views(args, &m));
    SY_TRY(mha_bias(args, &m));
    if ((past_k == NULL) != (past_v == NULL) ||
        (past_k != NULL && (past_k->rank != 4 || past_v->rank != 4 || past_k->dtype != a->dtype ||
                            past_v->dtype != a->dtype || past_k->dims[0] != a->images ||
                            past_v->dims[0] != a->images || past_k->dims[1] != a->heads ||
                            past_v->dims[1] != a->heads || past_k->dims[2] != past_v->dims[2] ||
                            past_k->dims[3] != a->size || past_v->dims[3] != a->v_size))) {
        return misfit(args, "past_key or past_value");
    }
    const int64_t past = past_k != NULL ? past_k->dims[2] : 0;
    a->kv_rows = past + m.fresh;
    const int64_t k_dims[4] = {a->images, a->heads, a->kv_rows, a->size},
                  v_dims[4] = {a->images, a->heads, a->kv_rows, a->v_size},
                  y_dims[3] = {a->images, a->q_rows, a->heads * a->v_size};
    ir_tensor rooms[3], *all_k, *all_v;
    SY_TRY(result_or_room(args, 0, a->dtype, 3, y_dims, &rooms[0], &a->y));
    SY_TRY(result_or_room(args, 1, a->dtype, 4, k_dims, &rooms[1], &all_k));
    SY_TRY(result_or_room(args, 2, a->dtype, 4, v_dims, &rooms[2], &all_v));
    ir_ref_attention_append(past_k, &m.k, m.fresh, NULL, all_k);
    ir_ref_attention_append(past_v, &m.v, m.fresh, NULL, all_v);
    a->k = ir_ref_heads_split(all_k, a->heads, a->kv_rows, a->size);
    a->v = ir_ref_heads_split(all_v, a->heads, a->kv_rows, a->v_size);
    a->scores = ir_kernel_output(args, 3);
    const float scale = ir_node_float(n, "scale", 0.0f);
    a->scale = scale != 0.0f ? (double)scale : 1.0 / sqrt((double)(a->size > 0 ? a->size : 1));
    a->causal = ir_node_int(n, "unidirectional", 0) != 0;
    int64_t *offsets = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)a->images + 1);
    if (offsets == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < a->images; i++) {
        offsets[i] = past;
    }
    a->offsets = offsets;
    SY_TRY(padding_mask(args, a, ir_kernel_input(args, 4),
                        (double)ir_node_float(n, "mask_filter_value", -10000.0f)));
    SY_TRY(bias_mask(args, a, ir_kernel_input(args, 5)));
    return ir_ref_attention_run(a, args);
}

/* ---------------------------------------------------------------- Attention */

/* x [B, S, K] times w [K, N] plus bias [N], in scratch. */
static sy_status project(const ir_kernel_args *args, const ir_tensor *x, const ir_tensor *w,
                         const ir_tensor *bias, ir_tensor *y)
{
    const int64_t rows = x->dims[0] * x->dims[1], depth = x->dims[2], columns = w->dims[1];
    const int64_t dims[3] = {x->dims[0], x->dims[1], columns};
    SY_TRY(make(args, x->dtype, 3, dims, y));
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = 0; c < columns; c++) {
            double sum = 0.0;
            for (int64_t k = 0; k < depth; k++) {
                sum += ir_ref_get(x, r * depth + k) * ir_ref_get(w, k * columns + c);
            }
            ir_ref_put(y, r * columns + c, sum + (bias != NULL ? ir_ref_get(bias, c) : 0.0));
        }
    }
    return SY_OK;
}

/* Half `which` of past or present [2, B, H, T, D] as [B, H, T, D]. */
static ir_tensor half_of(const ir_tensor *t, int64_t which)
{
    ir_tensor h = *t;
    h.rank = 4;
    memmove(h.dims, t->dims + 1, 4 * sizeof h.dims[0]);
    h.size_bytes = t->size_bytes / 2;
    h.data = (char *)t->data + (size_t)which * h.size_bytes;
    return h;
}

sy_status ir_ref_ms_attention(const ir_kernel_args *args)
{
    const ir_node *n = args->node;
    const ir_tensor *x = args->inputs[0], *w = args->inputs[1], *bias = ir_kernel_input(args, 2),
                    *past = ir_kernel_input(args, 4);
    ir_ref_attention a = {.dtype = x->dtype, .left = IR_REF_NO_WINDOW, .right = IR_REF_NO_WINDOW, .joined = true};
    const int64_t *sizes = NULL;
    ir_tensor qkv, room_y, room_present, *present;
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype) && w->dtype == x->dtype));
    if (ir_node_int(n, "do_rotary", 0) != 0 || ir_kernel_input(args, 6) != NULL) {
        return base_fail(args->diag, SY_EUNSUPPORTED, "do_rotary and past_sequence_length are not supported");
    }
    const bool given = ir_node_ints(n, "qkv_hidden_sizes", &sizes) == 3;
    const int64_t hidden = given ? sizes[0] : w->dims[1] / 3, v_hidden = given ? sizes[2] : hidden;
    a.heads = a.kv_heads = ir_node_int(n, "num_heads", 0);
    if (w->dims[0] != x->dims[2] || 2 * hidden + v_hidden != w->dims[1] || (given && sizes[1] != hidden) ||
        hidden % a.heads != 0 || v_hidden % a.heads != 0 ||
        (bias != NULL && (bias->rank != 1 || bias->dims[0] != w->dims[1] || bias->dtype != x->dtype))) {
        return misfit(args, "the weights or the bias");
    }
    a.images = x->dims[0];
    a.q_rows = x->dims[1];
    a.size = hidden / a.heads;
    a.v_size = v_hidden / a.heads;
    if (past != NULL && (past->rank != 5 || past->dims[0] != 2 || past->dims[1] != a.images ||
                         past->dims[2] != a.heads || past->dims[4] != a.size || a.size != a.v_size ||
                         past->dtype != x->dtype)) {
        return misfit(args, "past");
    }
    const int64_t past_rows = past != NULL ? past->dims[3] : 0, width = w->dims[1];
    a.kv_rows = past_rows + a.q_rows;
    SY_TRY(project(args, x, w, bias, &qkv));
    a.q = ir_ref_heads_joined(&qkv, a.q_rows, width, 0, a.size);
    const ir_ref_heads k = ir_ref_heads_joined(&qkv, a.q_rows, width, hidden, a.size),
                       v = ir_ref_heads_joined(&qkv, a.q_rows, width, 2 * hidden, a.v_size);
    const int64_t y_dims[3] = {a.images, a.q_rows, v_hidden};
    SY_TRY(result_or_room(args, 0, a.dtype, 3, y_dims, &room_y, &a.y));
    if (a.size == a.v_size) {
        const int64_t dims[5] = {2, a.images, a.heads, a.kv_rows, a.size};
        SY_TRY(result_or_room(args, 1, a.dtype, 5, dims, &room_present, &present));
        ir_tensor present_k = half_of(present, 0), present_v = half_of(present, 1), past_k, past_v;
        if (past != NULL) {
            past_k = half_of(past, 0);
            past_v = half_of(past, 1);
        }
        ir_ref_attention_append(past != NULL ? &past_k : NULL, &k, a.q_rows, NULL, &present_k);
        ir_ref_attention_append(past != NULL ? &past_v : NULL, &v, a.q_rows, NULL, &present_v);
        a.k = ir_ref_heads_split(present, a.heads, a.kv_rows, a.size);
        a.v = a.k;
        a.v.base = a.images * a.heads * a.kv_rows * a.size;
    } else if (ir_kernel_output(args, 1) != NULL) {
        return misfit(args, "present (keys and values differ in size)");
    } else {
        a.k = k;
        a.v = v;
    }
    const float scale = ir_node_float(n, "scale", 0.0f);
    a.scale = scale != 0.0f ? (double)scale : 1.0 / sqrt((double)(a.size > 0 ? a.size : 1));
    a.causal = ir_node_int(n, "unidirectional", 0) != 0;
    int64_t *offsets = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)a.images + 1);
    if (offsets == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < a.images; i++) {
        offsets[i] = past_rows;
    }
    a.offsets = offsets;
    SY_TRY(padding_mask(args, &a, ir_kernel_input(args, 3),
                        (double)ir_node_float(n, "mask_filter_value", -10000.0f)));
    SY_TRY(bias_mask(args, &a, ir_kernel_input(args, 5)));
    return ir_ref_attention_run(&a, args);
}

/* ---------------------------------------------------------------- GroupQueryAttention */

typedef struct gqa {
    ir_ref_attention a;
    ir_ref_heads k, v;
    int64_t total, past_buffer;
    int64_t *past, *lengths; /* by image */
} gqa;

static sy_status gqa_views(const ir_kernel_args *args, gqa *g)
{
    const ir_tensor *q = args->inputs[0], *k = ir_kernel_input(args, 1), *v = ir_kernel_input(args, 2);
    ir_ref_attention *a = &g->a;
    const int64_t width = q->dims[2], all = k == NULL ? a->heads + 2 * a->kv_heads : a->heads;
    a->images = q->dims[0];
    a->q_rows = q->dims[1];
    if (a->heads % a->kv_heads != 0 || width % all != 0 || (k == NULL) != (v == NULL)) {
        return misfit(args, "the query");
    }
    a->size = a->v_size = width / all;
    const int64_t d = a->size, rows = a->q_rows;
    a->q = ir_ref_heads_joined(q, rows, width, 0, d);
    if (k == NULL) {
        g->k = ir_ref_heads_joined(q, rows, width, a->heads * d, d);
        g->v = ir_ref_heads_joined(q, rows, width, (a->heads + a->kv_heads) * d, d);
        return SY_OK;
    }
    for (int i = 0; i < 2; i++) {
        const ir_tensor *t = i == 0 ? k : v;
        if (t->rank != 3 || t->dtype != q->dtype || t->dims[0] != a->images || t->dims[1] != rows ||
            t->dims[2] != a->kv_heads * d) {
            return misfit(args, "the key or value");
        }
    }
    g->k = ir_ref_heads_joined(k, rows, a->kv_heads * d, 0, d);
    g->v = ir_ref_heads_joined(v, rows, a->kv_heads * d, 0, d);
    return SY_OK;
}

/* seqlens_k: the number of keys of each image, less one; total_sequence_length: the largest of them. */
static sy_status gqa_lengths(const ir_kernel_args *args, gqa *g)
{
    const ir_tensor *lengths = ir_kernel_input(args, 5), *total = ir_kernel_input(args, 6);
    ir_ref_attention *a = &g->a;
    if (lengths == NULL || lengths->dtype != SY_DT_I32 || ir_tensor_n_elements(lengths) != a->images ||
        total == NULL || total->dtype != SY_DT_I32 || ir_tensor_n_elements(total) != 1) {
        return misfit(args, "seqlens_k or total_sequence_length");
    }
    g->total = ir_ref_get_int(total, 0);
    const ir_tensor *past = ir_kernel_input(args, 3);
    g->past_buffer = past != NULL ? past->dims[2] : 0;
    a->kv_rows = g->total > g->past_buffer ? g->total : g->past_buffer;
    g->past = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)a->images + 1);
    g->lengths = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)a->images + 1);
    if (g->past == NULL || g->lengths == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < a->images; i++) {
        const bool prompt = g->total == a->q_rows;
        g->lengths[i] = ir_ref_get_int(lengths, i) + 1;
        g->past[i] = prompt ? 0 : g->lengths[i] - a->q_rows;
        if (g->lengths[i] < 0 || g->lengths[i] > g->total || g->past[i] < 0 ||
            g->past[i] > g->past_buffer || g->past[i] + a->q_rows > a->kv_rows) {
            return base_fail(args->diag, SY_ERANGE,
                             "image %lld has %lld keys, which does not fit %lld new ones and %lld of the past",
                             (long long)i, (long long)g->lengths[i], (long long)a->q_rows,
                             (long long)g->past_buffer);
        }
    }
    return SY_OK;
}

/* Turns the columns of each head by its position, into scratch. */
static sy_status gqa_rotate(const ir_kernel_args *args, gqa *g, ir_ref_heads *h, int64_t heads)
{
    const ir_tensor *cos = ir_kernel_input(args, 7), *sin = ir_kernel_input(args, 8),
                    *positions = ir_kernel_input(args, 9);
    const ir_ref_attention *a = &g->a;
    const bool interleaved = ir_node_int(args->node, "rotary_interleaved", 0) != 0;
    ir_tensor *t = BASE_ARENA_NEW(args->scratch, ir_tensor);
    const int64_t dims[4] = {a->images, heads, a->q_rows, a->size};
    if (t == NULL) {
        return SY_ENOMEM;
    }
    if (cos == NULL || sin == NULL || cos->rank != 2 || sin->rank != 2 || cos->dims[0] != sin->dims[0] ||
        cos->dims[1] != sin->dims[1] || 2 * cos->dims[1] > a->size || cos->dtype != a->dtype || sin->dtype != a->dtype ||
        (positions != NULL && (positions->dtype != SY_DT_I64 ||
                               ir_tensor_n_elements(positions) != a->images * a->q_rows))) {
        return misfit(args, "cos_cache, sin_cache or position_ids");
    }
    SY_TRY(make(args, a->dtype, 4, dims, t));
    const int64_t half = cos->dims[1];
    for (int64_t i = 0; i < a->images * heads * a->q_rows; i++) {
        const int64_t row = i % a->q_rows, head = i / a->q_rows % heads, image = i / a->q_rows / heads;
        const int64_t at = positions != NULL ? ir_ref_get_int(positions, image * a->q_rows + row)
                                             : g->past[image] + row;
        if (at < 0 || at >= cos->dims[0]) {
            return base_fail(args->diag, SY_ERANGE, "position %lld lies outside the caches of %lld rows",
                             (long long)at, (long long)cos->dims[0]);
        }
        for (int64_t c = 0; c < a->size; c++) {
            double v = ir_ref_heads_get(h, image, head, row, c);
            if (c < 2 * half) {
                const bool second = interleaved ? c % 2 == 1 : c >= half;
                const int64_t pair = interleaved ? c / 2 : c % half,
                              other = interleaved ? (second ? c - 1 : c + 1)
                                                  : (second ? c - half : c + half);
                const double w = ir_ref_heads_get(h, image, head, row, other);
                const double p = v * ir_ref_get(cos, at * half + pair),
                             q = w * ir_ref_get(sin, at * half + pair);
                v = second ? p + q : p - q;
            }
            ir_ref_put(t, i * a->size + c, v);
        }
    }
    *h = ir_ref_heads_split(t, heads, a->q_rows, a->size);
    return SY_OK;
}

static sy_status gqa_past(const ir_kernel_args *args, const gqa *g, const ir_tensor *t)
{
    const ir_ref_attention *a = &g->a;
    const bool fits = t == NULL || (t->rank == 4 && t->dtype == a->dtype && t->dims[0] == a->images &&
                                    t->dims[1] == a->kv_heads && t->dims[2] == g->past_buffer &&
                                    t->dims[3] == a->size);
    return fits ? SY_OK : misfit(args, "past_key or past_value");
}

sy_status ir_ref_group_query_attention(const ir_kernel_args *args)
{
    const ir_node *n = args->node;
    const ir_tensor *q = args->inputs[0], *past_k = ir_kernel_input(args, 3), *past_v = ir_kernel_input(args, 4);
    gqa g = {.a = {.dtype = q->dtype, .left = IR_REF_NO_WINDOW, .right = IR_REF_NO_WINDOW, .joined = true}};
    ir_ref_attention *a = &g.a;
    ir_tensor *present[2];
    SY_TRY(ir_ref_need(args, q, ir_ref_is_float(q->dtype)));
    a->heads = ir_node_int(n, "num_heads", 0);
    a->kv_heads = ir_node_int(n, "kv_num_heads", 0);
    SY_TRY(gqa_views(args, &g));
    SY_TRY(gqa_lengths(args, &g));
    SY_TRY(gqa_past(args, &g, past_k));
    SY_TRY(gqa_past(args, &g, past_v));
    if ((past_k == NULL) != (past_v == NULL)) {
        return misfit(args, "past_key or past_value");
    }
    if (ir_node_int(n, "do_rotary", 0) != 0) {
        SY_TRY(gqa_rotate(args, &g, &a->q, a->heads));
        SY_TRY(gqa_rotate(args, &g, &g.k, a->kv_heads));
    }
    const int64_t kv_dims[4] = {a->images, a->kv_heads, a->kv_rows, a->size};
    for (uint32_t i = 0; i < 2; i++) {
        SY_TRY(ir_kernel_result(args, 1 + i, a->dtype, 4, kv_dims));
        present[i] = ir_kernel_output(args, 1 + i);
        if (present[i] == NULL) {
            present[i] = BASE_ARENA_NEW(args->scratch, ir_tensor);
            if (present[i] == NULL) {
                return SY_ENOMEM;
            }
            SY_TRY(make(args, a->dtype, 4, kv_dims, present[i]));
        }
        ir_ref_attention_append(i == 0 ? past_k : past_v, i == 0 ? &g.k : &g.v, a->q_rows, g.past, present[i]);
    }
    a->k = ir_ref_heads_split(present[0], a->kv_heads, a->kv_rows, a->size);
    a->v = ir_ref_heads_split(present[1], a->kv_heads, a->kv_rows, a->size);
    const float scale = ir_node_float(n, "scale", 0.0f);
    a->scale = scale != 0.0f ? (double)scale : 1.0 / sqrt((double)(a->size > 0 ? a->size : 1));
    a->softcap = (double)ir_node_float(n, "softcap", 0.0f);
    a->smooth = ir_node_int(n, "smooth_softmax", 0) == 1;
    a->sink = ir_kernel_input(args, 11);
    if (a->sink != NULL && (a->sink->dtype != a->dtype || ir_tensor_n_elements(a->sink) != a->heads)) {
        return misfit(args, "head_sink");
    }
    a->causal = true;
    a->offsets = g.past;
    const int64_t window = ir_node_int(n, "local_window_size", -1);
    a->left = window > 0 ? window - 1 : IR_REF_NO_WINDOW;
    const ir_tensor *bias = ir_kernel_input(args, 10);
    if (bias != NULL) {
        const int64_t rows = a->kv_rows;
        a->kv_rows = g.total; /* the bias has no columns for what lies behind */
        SY_TRY(bias_mask(args, a, bias));
        a->kv_rows = rows;
    }
    const int64_t y_dims[3] = {a->images, a->q_rows, a->heads * a->size};
    SY_TRY(ir_kernel_result(args, 0, a->dtype, 3, y_dims));
    a->y = ir_kernel_output(args, 0);
    return a->y != NULL ? ir_ref_attention_run(a, args) : SY_OK;
}

/* ---------------------------------------------------------------- MatMulNBits */

/* Number i of a block of `bits` wide numbers, the first in the lowest bits. */
static int64_t packed_number(const uint8_t *bytes, int64_t i, int64_t bits)
{
    const int64_t at = i * bits;
    const uint32_t two = (uint32_t)bytes[at / 8] | (at % 8 + bits > 8 ? (uint32_t)bytes[at / 8 + 1] << 8 : 0);
    return (int64_t)(two >> (at % 8) & ((1u << bits) - 1));
}

typedef struct nbits {
    int64_t depth, columns, bits, block, n_blocks, block_bytes, zero_bytes;
    const ir_tensor *w, *scales, *zeros, *groups;
} nbits;

static double nbits_weight(const nbits *m, int64_t column, int64_t k)
{
    const int64_t block = m->groups != NULL ? ir_ref_get_int(m->groups, k) : k / m->block;
    const uint8_t *bytes = (const uint8_t *)m->w->data + (column * m->n_blocks + k / m->block) * m->block_bytes;
    const int64_t code = packed_number(bytes, k % m->block, m->bits);
    double zero = (double)(INT64_C(1) << (m->bits - 1));
    if (m->zeros != NULL && m->zeros->dtype == SY_DT_U8) {
        zero = (double)packed_number((const uint8_t *)m->zeros->data + column * m->zero_bytes, block, m->bits);
    } else if (m->zeros != NULL) {
        zero = ir_ref_get(m->zeros, column * m->n_blocks + block);
    }
    return ((double)code - zero) * ir_ref_get(m->scales, column * m->n_blocks + block);
}

sy_status ir_ref_matmul_nbits(const ir_kernel_args *args)
{
    const ir_node *n = args->node;
    const ir_tensor *x = args->inputs[0], *bias = ir_kernel_input(args, 5);
    ir_tensor *y = ir_kernel_output(args, 0);
    nbits m = {.depth = ir_node_int(n, "K", 0),
               .columns = ir_node_int(n, "N", 0),
               .bits = ir_node_int(n, "bits", 4),
               .block = ir_node_int(n, "block_size", 0),
               .w = args->inputs[1],
               .scales = args->inputs[2],
               .zeros = ir_kernel_input(args, 3),
               .groups = ir_kernel_input(args, 4)};
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    if (m.depth < 1 || m.depth > INT32_MAX || m.bits < 2 || m.bits > 8 || m.block < 16 || m.block > 1 << 20 ||
        (m.block & (m.block - 1)) != 0) {
        return base_fail(args->diag, SY_EINVAL, "K %lld, bits %lld, block_size %lld: expected K > 0, 2 to 8 bits, a power of two from 16 on",
                         (long long)m.depth, (long long)m.bits, (long long)m.block);
    }
    m.n_blocks = (m.depth + m.block - 1) / m.block;
    m.block_bytes = m.block * m.bits / 8;
    m.zero_bytes = (m.n_blocks * m.bits + 7) / 8;
    const bool fits = x->dims[x->rank - 1] == m.depth && m.w->dtype == SY_DT_U8 &&
                      (int64_t)m.w->size_bytes == m.columns * m.n_blocks * m.block_bytes &&
                      ir_ref_is_float(m.scales->dtype) && ir_tensor_n_elements(m.scales) == m.columns * m.n_blocks &&
                      (m.zeros == NULL || (m.zeros->dtype == SY_DT_U8
                                               ? (int64_t)m.zeros->size_bytes == m.columns * m.zero_bytes
                                               : ir_ref_is_float(m.zeros->dtype) && ir_tensor_n_elements(m.zeros) == m.columns * m.n_blocks)) &&
                      (bias == NULL || (ir_ref_is_float(bias->dtype) && ir_tensor_n_elements(bias) == m.columns)) &&
                      (m.groups == NULL || (m.groups->dtype == SY_DT_I32 && ir_tensor_n_elements(m.groups) >= m.depth));
    if (!fits) {
        return misfit(args, "B, scales, zero_points, g_idx or bias");
    }
    for (int64_t k = 0; m.groups != NULL && k < m.depth; k++) {
        const int64_t g = ir_ref_get_int(m.groups, k);
        if (g < 0 || g >= m.n_blocks) {
            return base_fail(args->diag, SY_ERANGE, "g_idx[%lld] is %lld, there are %lld blocks", (long long)k,
                             (long long)g, (long long)m.n_blocks);
        }
    }
    double *weights = BASE_ARENA_ARRAY(args->scratch, double, (size_t)m.depth);
    if (weights == NULL) {
        return SY_ENOMEM;
    }
    const int64_t rows = ir_tensor_n_elements(x) / m.depth;
    for (int64_t c = 0; c < m.columns; c++) {
        for (int64_t k = 0; k < m.depth; k++) {
            weights[k] = ir_ref_round_to(x->dtype, nbits_weight(&m, c, k));
        }
        for (int64_t r = 0; r < rows; r++) {
            double sum = 0.0;
            for (int64_t k = 0; k < m.depth; k++) {
                sum += ir_ref_get(x, r * m.depth + k) * weights[k];
            }
            ir_ref_put(y, r * m.columns + c, sum + (bias != NULL ? ir_ref_get(bias, c) : 0.0));
        }
    }
    return SY_OK;
}
