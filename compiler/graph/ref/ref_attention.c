/*
 * ref_attention.c -- attention's common part (attention.h), and ONNX's Attention.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attention.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- views */

ir_ref_heads ir_ref_heads_split(const ir_tensor *t, int64_t heads, int64_t rows, int64_t size)
{
    return (ir_ref_heads){t, 0, {heads * rows * size, rows * size, size, 1}};
}

ir_ref_heads ir_ref_heads_joined(const ir_tensor *t, int64_t rows, int64_t width, int64_t first,
                                 int64_t size)
{
    return (ir_ref_heads){t, first, {rows * width, size, width, 1}};
}

static int64_t heads_at(const ir_ref_heads *h, int64_t image, int64_t head, int64_t row,
                        int64_t column)
{
    return h->base + image * h->strides[0] + head * h->strides[1] + row * h->strides[2] +
           column * h->strides[3];
}

double ir_ref_heads_get(const ir_ref_heads *h, int64_t image, int64_t head, int64_t row,
                        int64_t column)
{
    return ir_ref_get(h->t, heads_at(h, image, head, row, column));
}

double ir_ref_round_to(sy_dtype t, double v)
{
    uint64_t bytes = 0;
    ir_tensor one = {.dtype = t, .data = &bytes};
    if (t == SY_DT_F64) {
        return v;
    }
    ir_ref_put(&one, 0, v);
    return ir_ref_get(&one, 0);
}

void ir_ref_attention_append(const ir_tensor *past, const ir_ref_heads *fresh, int64_t count,
                             const int64_t *starts, ir_tensor *out)
{
    const int64_t heads = out->dims[1], total = out->dims[2], size = out->dims[3];
    const int64_t past_rows = past != NULL ? past->dims[2] : 0;
    for (int64_t i = 0; i < out->dims[0] * heads; i++) {
        const int64_t start = starts != NULL ? starts[i / heads] : past_rows;
        for (int64_t r = 0; r < total; r++) {
            for (int64_t c = 0; c < size; c++) {
                double v = 0.0;
                if (r < start && r < past_rows) {
                    v = ir_ref_get(past, (i * past_rows + r) * size + c);
                } else if (r >= start && r < start + count) {
                    v = ir_ref_heads_get(fresh, i / heads, i % heads, r - start, c);
                }
                ir_ref_put(out, (i * total + r) * size + c, v);
            }
        }
    }
}

void ir_ref_attention_mask(ir_ref_attention *a, int n, const ir_tensor *mask)
{
    int64_t strides[IR_MAX_RANK];
    a->masks[n] = mask;
    if (mask == NULL) {
        return;
    }
    ir_ref_broadcast_strides(mask, 4, strides);
    for (int k = 0; k < 4; k++) {
        a->mask_strides[n][k] = strides[k];
    }
    const int64_t last = mask->rank > 0 ? mask->dims[mask->rank - 1] : 1;
    a->mask_rows[n] = last == 1 ? a->kv_rows : last;
    if (last == 1 && a->kv_rows != 1) {
        a->mask_strides[n][3] = 0;
    }
}

/* ---------------------------------------------------------------- one row */

typedef struct place {
    int64_t image, head, row;
} place;

static double mask_value(const ir_ref_attention *a, int n, const place *at, int64_t j)
{
    const ir_tensor *m = a->masks[n];
    const int64_t *s = a->mask_strides[n];
    if (m == NULL) {
        return 0.0;
    }
    if (j >= a->mask_rows[n]) {
        return -(double)INFINITY;
    }
    const int64_t i = at->image * s[0] + at->head * s[1] + at->row * s[2] + j * s[3];
    if (m->dtype == SY_DT_BOOL) {
        return ir_ref_get_int(m, i) != 0 ? 0.0 : -(double)INFINITY;
    }
    return ir_ref_get(m, i);
}

/* What is added to the score of key j. */
static double bias_of(const ir_ref_attention *a, const place *at, int64_t j)
{
    const int64_t position = at->row + (a->offsets != NULL ? a->offsets[at->image] : 0);
    if ((a->causal && j > position) || (a->left >= 0 && position - j > a->left) ||
        (a->right >= 0 && j - position > a->right) ||
        (a->lengths != NULL && j >= a->lengths[at->image])) {
        return -(double)INFINITY;
    }
    double v = mask_value(a, 0, at, j) + mask_value(a, 1, at, j);
    if (a->padding != NULL && ir_ref_get_int(a->padding, at->image * a->padding->dims[1] + j) == 0) {
        v += a->padding_value;
    }
    return v;
}

static double product(const ir_ref_attention *a, const place *at, int64_t j, bool rounded)
{
    const int64_t kv_head = at->head / (a->heads / a->kv_heads);
    const double each = a->split_scale ? ir_ref_round_to(a->dtype, sqrt(a->scale)) : 1.0;
    double sum = 0.0;
    for (int64_t c = 0; c < a->size; c++) {
        double x = ir_ref_heads_get(&a->q, at->image, at->head, at->row, c) * each;
        double y = ir_ref_heads_get(&a->k, at->image, kv_head, j, c) * each;
        if (rounded) {
            x = ir_ref_round_to(a->dtype, x);
            y = ir_ref_round_to(a->dtype, y);
        }
        sum += x * y;
    }
    sum *= a->split_scale ? 1.0 : a->scale;
    return rounded ? ir_ref_round_to(a->dtype, sum) : sum;
}

static double softcap_of(const ir_ref_attention *a, double v, bool rounded)
{
    if (!(a->softcap > 0.0)) {
        return v;
    }
    if (!rounded) {
        return ir_ref_tanh(v / a->softcap) * a->softcap;
    }
    const double t = ir_ref_round_to(a->dtype, ir_ref_tanh(ir_ref_round_to(a->dtype, v / a->softcap)));
    return ir_ref_round_to(a->dtype, t * a->softcap);
}

static void keep_scores(const ir_ref_attention *a, const place *at, int64_t mode, const double *s)
{
    if (a->scores == NULL || a->scores_mode != mode) {
        return;
    }
    const int64_t first = ((at->image * a->heads + at->head) * a->q_rows + at->row) * a->kv_rows;
    for (int64_t j = 0; j < a->kv_rows; j++) {
        ir_ref_put(a->scores, first + j, s[j]);
    }
}

/* Scores become probabilities; a row without any key that may be seen becomes zeros. */
static void softmax(const ir_ref_attention *a, const place *at, bool blind, double *s)
{
    const sy_dtype dtype = a->softmax_dtype != SY_DT_NONE ? a->softmax_dtype : a->dtype;
    const bool rounded = dtype != SY_DT_F32 && dtype != SY_DT_F64;
    double most = a->smooth ? 0.0 : -(double)INFINITY, sum = 0.0;
    const double sink = a->sink != NULL ? ir_ref_get(a->sink, at->head) : 0.0;
    most = a->sink != NULL ? sink : most;
    for (int64_t j = 0; j < a->kv_rows; j++) {
        most = s[j] > most ? s[j] : most;
    }
    for (int64_t j = 0; j < a->kv_rows; j++) {
        const double e = ir_ref_exp(s[j] - most);
        s[j] = blind ? 0.0 : rounded ? ir_ref_round_to(dtype, e) : e;
        sum += s[j];
    }
    sum += a->smooth ? ir_ref_exp(-most) : 0.0;
    sum += a->sink != NULL ? ir_ref_exp(sink - most) : 0.0;
    sum = rounded ? ir_ref_round_to(dtype, sum) : sum;
    for (int64_t j = 0; j < a->kv_rows && !blind; j++) {
        s[j] = s[j] / sum;
        s[j] = rounded || a->dtype != dtype ? ir_ref_round_to(a->dtype, ir_ref_round_to(dtype, s[j]))
                                            : s[j];
    }
}

static void run_row(const ir_ref_attention *a, const place *at, double *s)
{
    const bool rounded = a->dtype != SY_DT_F32 && a->dtype != SY_DT_F64;
    const int64_t kv_head = at->head / (a->heads / a->kv_heads);
    bool blind = true;
    for (int64_t j = 0; j < a->kv_rows; j++) {
        s[j] = product(a, at, j, rounded);
    }
    keep_scores(a, at, 0, s);
    for (int64_t j = 0; j < a->kv_rows; j++) {
        s[j] = softcap_of(a, s[j], rounded);
    }
    keep_scores(a, at, 1, s);
    for (int64_t j = 0; j < a->kv_rows; j++) {
        const double bias = bias_of(a, at, j);
        blind = blind && bias == -(double)INFINITY;
        s[j] = rounded ? ir_ref_round_to(a->dtype, s[j] + bias) : s[j] + bias;
    }
    keep_scores(a, at, 2, s);
    softmax(a, at, blind, s);
    keep_scores(a, at, 3, s);
    const int64_t first = a->joined
                              ? ((at->image * a->q_rows + at->row) * a->heads + at->head) * a->v_size
                              : ((at->image * a->heads + at->head) * a->q_rows + at->row) * a->v_size;
    for (int64_t c = 0; c < a->v_size; c++) {
        double sum = 0.0;
        for (int64_t j = 0; j < a->kv_rows; j++) {
            if (s[j] != 0.0) { /* what is masked counts as nothing, whatever stands there */
                sum += s[j] * ir_ref_heads_get(&a->v, at->image, kv_head, j, c);
            }
        }
        ir_ref_put(a->y, first + c, sum);
    }
}

sy_status ir_ref_attention_run(const ir_ref_attention *a, const ir_kernel_args *args)
{
    double *s = BASE_ARENA_ARRAY(args->scratch, double, (size_t)a->kv_rows + 1);
    if (s == NULL) {
        return SY_ENOMEM;
    }
    place at;
    for (at.image = 0; at.image < a->images; at.image++) {
        for (at.head = 0; at.head < a->heads; at.head++) {
            for (at.row = 0; at.row < a->q_rows; at.row++) {
                run_row(a, &at, s);
            }
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- ONNX's Attention */

/* The keys or values with those of the past in front, in result `i` if it is wanted, else in scratch. */
static sy_status with_past(const ir_kernel_args *args, const ir_tensor *past,
                           const ir_ref_heads *fresh, int64_t count, uint32_t i,
                           const int64_t dims[4], ir_tensor *room, const ir_tensor **out)
{
    ir_tensor *y = ir_kernel_output(args, i);
    if (y == NULL) {
        y = room;
        SY_TRY(ir_tensor_init(y, fresh->t->dtype, 4, dims, NULL));
        y->data = base_arena_alloc(args->scratch, y->size_bytes + 1, 1);
        if (y->data == NULL) {
            return SY_ENOMEM;
        }
    }
    ir_ref_attention_append(past, fresh, count, NULL, y);
    *out = y;
    return SY_OK;
}

static sy_status need_tensor(const ir_kernel_args *args, const ir_tensor *t, const char *what,
                             int32_t rank, sy_dtype dtype)
{
    if (t == NULL || (t->rank == rank && t->dtype == dtype)) {
        return SY_OK;
    }
    return base_fail(args->diag, SY_ESHAPE, "%s: expected %s of rank %d, got %s of rank %d", what,
                     sy_dtype_name(dtype), rank, sy_dtype_name(t->dtype), t->rank);
}

/* Heads and sizes from the operands, checked against each other. */
static sy_status onnx_sizes(const ir_kernel_args *args, ir_ref_attention *a, int64_t *kv_new,
                            int64_t *past)
{
    const ir_node *n = args->node;
    const ir_tensor *q = args->inputs[0], *k = args->inputs[1], *v = args->inputs[2];
    const bool joined = q->rank == 3;
    if (!ir_ref_is_float(q->dtype) || (q->rank != 3 && q->rank != 4)) {
        return base_fail(args->diag, SY_ESHAPE,
                         "Q: expected floats of rank 3 or 4, got %s of rank %d",
                         sy_dtype_name(q->dtype), q->rank);
    }
    SY_TRY(need_tensor(args, k, "K", q->rank, q->dtype));
    SY_TRY(need_tensor(args, v, "V", q->rank, q->dtype));
    a->images = q->dims[0];
    a->heads = joined ? ir_node_int(n, "q_num_heads", 0) : q->dims[1];
    a->kv_heads = joined ? ir_node_int(n, "kv_num_heads", 0) : k->dims[1];
    if (a->heads < 1 || a->kv_heads < 1 || a->heads % a->kv_heads != 0) {
        return base_fail(args->diag, SY_EINVAL,
                         "%lld heads of queries cannot share %lld of keys and values",
                         (long long)a->heads, (long long)a->kv_heads);
    }
    const int32_t row = joined ? 1 : 2, last = q->rank - 1;
    a->q_rows = q->dims[row];
    *kv_new = k->dims[row];
    a->size = joined ? q->dims[last] / a->heads : q->dims[last];
    a->v_size = joined ? v->dims[last] / a->kv_heads : v->dims[last];
    const int64_t k_size = joined ? k->dims[last] / a->kv_heads : k->dims[last];
    const bool whole = !joined || (q->dims[last] % a->heads == 0 && k->dims[last] % a->kv_heads == 0 &&
                                   v->dims[last] % a->kv_heads == 0);
    if (!whole || k_size != a->size || v->dims[row] != *kv_new || k->dims[0] != a->images ||
        v->dims[0] != a->images || (!joined && v->dims[1] != a->kv_heads)) {
        return base_fail(args->diag, SY_ESHAPE, "the shapes of Q, K and V do not fit each other");
    }
    const ir_tensor *pk = ir_kernel_input(args, 4), *pv = ir_kernel_input(args, 5);
    SY_TRY(need_tensor(args, pk, "past_key", 4, q->dtype));
    SY_TRY(need_tensor(args, pv, "past_value", 4, q->dtype));
    if ((pk == NULL) != (pv == NULL) ||
        (pk != NULL &&
         (pk->dims[0] != a->images || pk->dims[1] != a->kv_heads || pk->dims[3] != a->size ||
          pv->dims[0] != a->images || pv->dims[1] != a->kv_heads || pv->dims[3] != a->v_size ||
          pv->dims[2] != pk->dims[2]))) {
        return base_fail(args->diag, SY_ESHAPE, "past_key and past_value do not fit K and V");
    }
    *past = pk != NULL ? pk->dims[2] : 0;
    a->kv_rows = *past + *kv_new;
    return SY_OK;
}

static sy_status onnx_mask(const ir_kernel_args *args, ir_ref_attention *a, const ir_tensor *mask)
{
    if (mask == NULL) {
        return SY_OK;
    }
    const int64_t wanted[4] = {a->images, a->heads, a->q_rows, a->kv_rows};
    bool fits = mask->rank >= 1 && mask->rank <= 4 &&
                (mask->dtype == SY_DT_BOOL || mask->dtype == a->dtype);
    for (int32_t k = 0; fits && k < mask->rank; k++) {
        const int64_t have = mask->dims[k], want = wanted[4 - mask->rank + k];
        fits = have == 1 || have == want || (k == mask->rank - 1 && have < want);
    }
    if (!fits) {
        return base_fail(args->diag, SY_ESHAPE,
                         "attn_mask cannot be broadcast to the scores, or is of type %s",
                         sy_dtype_name(mask->dtype));
    }
    ir_ref_attention_mask(a, 0, mask);
    return SY_OK;
}

/* The number of keys that count, by image; with them the frontier lies so that the last query sees the last of them. */
static sy_status onnx_lengths(const ir_kernel_args *args, ir_ref_attention *a, int64_t past)
{
    const ir_tensor *t = ir_kernel_input(args, 6);
    int64_t *offsets = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)a->images + 1);
    int64_t *lengths = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)a->images + 1);
    if (offsets == NULL || lengths == NULL) {
        return SY_ENOMEM;
    }
    if (t != NULL && (t->dtype != SY_DT_I64 || ir_tensor_n_elements(t) != a->images || past > 0)) {
        return base_fail(args->diag, SY_ESHAPE,
                         "nonpad_kv_seqlen: expected %lld numbers of type i64, and no past_key",
                         (long long)a->images);
    }
    for (int64_t i = 0; i < a->images; i++) {
        lengths[i] = t != NULL ? ir_ref_get_int(t, i) : a->kv_rows;
        if (lengths[i] < 0 || lengths[i] > a->kv_rows) {
            return base_fail(args->diag, SY_ERANGE, "nonpad_kv_seqlen: %lld of %lld keys",
                             (long long)lengths[i], (long long)a->kv_rows);
        }
        offsets[i] = t != NULL ? lengths[i] - a->q_rows : past;
    }
    a->offsets = offsets;
    a->lengths = t != NULL ? lengths : NULL;
    return SY_OK;
}

sy_status ir_ref_onnx_attention(const ir_kernel_args *args)
{
    const ir_node *n = args->node;
    const ir_tensor *q = args->inputs[0], *k = args->inputs[1], *v = args->inputs[2];
    ir_ref_attention a = {.dtype = q->dtype, .left = IR_REF_NO_WINDOW, .right = IR_REF_NO_WINDOW};
    int64_t fresh = 0, past = 0;
    SY_TRY(onnx_sizes(args, &a, &fresh, &past));
    a.joined = q->rank == 3;
    a.q = a.joined ? ir_ref_heads_joined(q, a.q_rows, q->dims[2], 0, a.size)
                   : ir_ref_heads_split(q, a.heads, a.q_rows, a.size);
    const ir_ref_heads new_k = a.joined ? ir_ref_heads_joined(k, fresh, k->dims[2], 0, a.size)
                                        : ir_ref_heads_split(k, a.kv_heads, fresh, a.size);
    const ir_ref_heads new_v = a.joined ? ir_ref_heads_joined(v, fresh, v->dims[2], 0, a.v_size)
                                        : ir_ref_heads_split(v, a.kv_heads, fresh, a.v_size);
    const int64_t k_dims[4] = {a.images, a.kv_heads, a.kv_rows, a.size},
                  v_dims[4] = {a.images, a.kv_heads, a.kv_rows, a.v_size};
    ir_tensor rooms[2];
    const ir_tensor *all_k = NULL, *all_v = NULL;
    SY_TRY(with_past(args, ir_kernel_input(args, 4), &new_k, fresh, 1, k_dims, &rooms[0], &all_k));
    SY_TRY(with_past(args, ir_kernel_input(args, 5), &new_v, fresh, 2, v_dims, &rooms[1], &all_v));
    a.k = ir_ref_heads_split(all_k, a.kv_heads, a.kv_rows, a.size);
    a.v = ir_ref_heads_split(all_v, a.kv_heads, a.kv_rows, a.v_size);
    a.scale = ir_node_attr(n, "scale") != NULL ? (double)ir_node_float(n, "scale", 1.0f)
                                               : 1.0 / sqrt((double)(a.size > 0 ? a.size : 1));
    a.split_scale = a.scale >= 0.0;
    a.softcap = (double)ir_node_float(n, "softcap", 0.0f);
    a.causal = ir_node_int(n, "is_causal", 0) != 0;
    a.left = ir_node_int(n, "left_window_size", IR_REF_NO_WINDOW);
    a.right = ir_node_int(n, "right_window_size", IR_REF_NO_WINDOW);
    const int64_t precision = ir_node_int(n, "softmax_precision", 0);
    if (precision != 0) {
        a.softmax_dtype = precision > 0 && precision < SY_DT_COUNT ? (sy_dtype)precision : SY_DT_NONE;
        if (!ir_ref_is_float(a.softmax_dtype)) {
            return base_fail(args->diag, SY_EINVAL, "softmax_precision %lld is no float type",
                             (long long)precision);
        }
    }
    SY_TRY(onnx_mask(args, &a, ir_kernel_input(args, 3)));
    SY_TRY(onnx_lengths(args, &a, past));
    a.scores = ir_kernel_output(args, 3);
    a.scores_mode = ir_node_int(n, "qk_matmul_output_mode", 0);
    if (a.scores_mode == 1 && !(a.softcap > 0.0)) {
        a.scores_mode = 0;
    }
    ir_tensor unused_y;
    a.y = ir_kernel_output(args, 0);
    if (a.y == NULL) { /* only the others are wanted */
        const int64_t dims[4] = {a.images, a.heads, a.q_rows, a.v_size};
        SY_TRY(ir_tensor_init(&unused_y, a.dtype, 4, dims, NULL));
        unused_y.data = base_arena_alloc(args->scratch, unused_y.size_bytes + 1, 1);
        a.y = &unused_y;
        if (unused_y.data == NULL) {
            return SY_ENOMEM;
        }
    }
    return ir_ref_attention_run(&a, args);
}
