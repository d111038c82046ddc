/*
 * ref_rotary.c -- rotary embedding, linear attention.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attention.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- rotary embedding */

typedef struct rotation {
    int64_t images, rows, heads, size, turned; /* the first `turned` columns of a head turn */
    ir_ref_heads x;
    const ir_tensor *cos, *sin, *positions; /* positions NULL: the caches have a row for each image and row */

    bool interleaved;
} rotation;

/* The row of the caches for a row of an image. */
static sy_status cache_row(const rotation *r, const ir_kernel_args *args, int64_t image, int64_t row,
                           int64_t *out)
{
    const int64_t n = r->cos->rank > 0 ? ir_ref_product(r->cos->dims, 0, r->cos->rank - 1) : 0;
    if (r->positions == NULL) {
        *out = image * r->rows + row;
    } else if (ir_tensor_n_elements(r->positions) == 1) {
        *out = ir_ref_get_int(r->positions, 0) + row;
    } else {
        *out = ir_ref_get_int(r->positions, image * r->rows + row);
    }
    return *out >= 0 && *out < n ? SY_OK
                                 : base_fail(args->diag, SY_ERANGE,
                                             "position %lld lies outside the caches of %lld rows",
                                             (long long)*out, (long long)n);
}

static void turn(const rotation *r, int64_t image, int64_t head, int64_t row, int64_t cache,
                 ir_tensor *y)
{
    const int64_t half = r->turned / 2, *s = r->x.strides;
    const int64_t base = r->x.base + image * s[0] + head * s[1] + row * s[2];
    for (int64_t c = 0; c < r->size; c++) {
        const bool turns = c < 2 * half;
        const int64_t pair = r->interleaved ? c / 2 : c % (half > 0 ? half : 1);
        const bool second = r->interleaved ? c % 2 == 1 : c >= half;
        const int64_t other = r->interleaved ? (second ? c - 1 : c + 1) : (second ? c - half : c + half);
        double v = ir_ref_get(r->x.t, base + c);
        if (turns) {
            const double a = ir_ref_get(r->cos, cache * half + pair),
                         b = ir_ref_get(r->sin, cache * half + pair);
            const double w = ir_ref_get(r->x.t, base + other);
            const sy_dtype t = y->dtype;
            /* each step in the type, as the definition's own operators do; f64 keeps what it has */
            const double p = ir_ref_round_to(t, a * v), q = ir_ref_round_to(t, b * w);
            v = second ? q + p : p - q;
        }
        ir_ref_put(y, base + c, v);
    }
}

static sy_status rotate(const rotation *r, const ir_kernel_args *args, ir_tensor *y)
{
    for (int64_t image = 0; image < r->images; image++) {
        for (int64_t row = 0; row < r->rows; row++) {
            int64_t cache = 0;
            SY_TRY(cache_row(r, args, image, row, &cache));
            for (int64_t head = 0; head < r->heads; head++) {
                turn(r, image, head, row, cache, y);
            }
        }
    }
    return SY_OK;
}

/* Operands x, cos, sin, positions in ONNX's order; com.microsoft has positions second. */
static sy_status rotary(const ir_kernel_args *args, const ir_tensor *cos, const ir_tensor *sin,
                        const ir_tensor *positions)
{
    const ir_tensor *x = args->inputs[0];
    const bool split = x->rank == 4;
    const int64_t turned = ir_node_int(args->node, "rotary_embedding_dim", 0);
    rotation r = {.images = x->dims[0],
                  .rows = x->dims[split ? 2 : 1],
                  .heads = split ? x->dims[1] : ir_node_int(args->node, "num_heads", 0),
                  .cos = cos,
                  .sin = sin,
                  .positions = positions,
                  .interleaved = ir_node_int(args->node, "interleaved", 0) != 0};
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    if (!split && r.heads == 0 && cos->rank > 0) { /* com.microsoft: from the caches */
        const int64_t size = turned > 0 ? 0 : 2 * cos->dims[cos->rank - 1];
        r.heads = size > 0 ? x->dims[2] / size : 0;
    }
    if (r.heads < 1 || (!split && x->dims[2] % r.heads != 0)) {
        return base_fail(args->diag, SY_EINVAL, "num_heads is %lld, which does not divide the columns",
                         (long long)r.heads);
    }
    r.size = split ? x->dims[3] : x->dims[2] / r.heads;
    r.turned = turned > 0 ? turned : r.size;
    r.x = split ? ir_ref_heads_split(x, r.heads, r.rows, r.size)
                : ir_ref_heads_joined(x, r.rows, x->dims[2], 0, r.size);
    const int64_t n_positions = positions != NULL ? ir_tensor_n_elements(positions) : 0;
    if (cos->dtype != x->dtype || sin->dtype != x->dtype || cos->rank < 2 || sin->rank != cos->rank ||
        memcmp(cos->dims, sin->dims, (size_t)cos->rank * sizeof(int64_t)) != 0 || r.turned > r.size ||
        r.turned % 2 != 0 || cos->dims[cos->rank - 1] != r.turned / 2 ||
        (positions != NULL && (positions->dtype != SY_DT_I64 ||
                               (n_positions != 1 && n_positions != r.images * r.rows)))) {
        return base_fail(args->diag, SY_ESHAPE,
                         "the caches (last size %lld) or positions do not fit %lld columns that turn",
                         (long long)(cos->rank > 0 ? cos->dims[cos->rank - 1] : 0),
                         (long long)r.turned);
    }
    return rotate(&r, args, args->outputs[0]);
}

sy_status ir_ref_rotary(const ir_kernel_args *args)
{
    return rotary(args, args->inputs[1], args->inputs[2], ir_kernel_input(args, 3));
}

sy_status ir_ref_ms_rotary(const ir_kernel_args *args)
{
    return rotary(args, args->inputs[2], args->inputs[3], args->inputs[1]);
}

/* ---------------------------------------------------------------- linear attention */

typedef enum update_rule { RULE_LINEAR, RULE_GATED, RULE_DELTA, RULE_GATED_DELTA } update_rule;

typedef struct linear {
    int64_t images, rows, heads, kv_heads, k_size, v_size;
    update_rule rule;
    double scale;
    const ir_tensor *q, *k, *v, *decay, *beta;
    double *state; /* [k_size, v_size] of one image and head */
} linear;

/* decay [B, T, kv_heads * k_size] or [B, T, kv_heads]; beta [B, T, kv_heads] or [B, T, 1] */
static double by_head(const ir_tensor *t, const linear *l, int64_t image, int64_t row, int64_t head,
                      int64_t column)
{
    const int64_t width = t->dims[2], base = (image * l->rows + row) * width;
    if (width == l->kv_heads * l->k_size) {
        return ir_ref_get(t, base + head * l->k_size + column);
    }
    return ir_ref_get(t, base + (width == 1 ? 0 : head));
}

static void linear_step(const linear *l, int64_t image, int64_t head, int64_t row)
{
    const int64_t k0 = ((image * l->rows + row) * l->kv_heads + head) * l->k_size,
                  v0 = ((image * l->rows + row) * l->kv_heads + head) * l->v_size;
    const bool gated = l->rule == RULE_GATED || l->rule == RULE_GATED_DELTA;
    const bool delta = l->rule == RULE_DELTA || l->rule == RULE_GATED_DELTA;
    for (int64_t i = 0; i < l->k_size && gated; i++) {
        const double keep = ir_ref_exp(by_head(l->decay, l, image, row, head, i));
        for (int64_t j = 0; j < l->v_size; j++) {
            l->state[i * l->v_size + j] *= keep;
        }
    }
    for (int64_t j = 0; j < l->v_size; j++) {
        double v = ir_ref_get(l->v, v0 + j);
        if (delta) {
            double seen = 0.0;
            for (int64_t i = 0; i < l->k_size; i++) {
                seen += l->state[i * l->v_size + j] * ir_ref_get(l->k, k0 + i);
            }
            v = by_head(l->beta, l, image, row, head, 0) * (v - seen);
        }
        for (int64_t i = 0; i < l->k_size; i++) {
            l->state[i * l->v_size + j] += ir_ref_get(l->k, k0 + i) * v;
        }
    }
}

static void linear_read(const linear *l, int64_t image, int64_t head, int64_t row, ir_tensor *y)
{
    const int64_t group = l->heads / l->kv_heads;
    for (int64_t h = head * group; h < (head + 1) * group; h++) {
        const int64_t q0 = ((image * l->rows + row) * l->heads + h) * l->k_size,
                      y0 = ((image * l->rows + row) * l->heads + h) * l->v_size;
        for (int64_t j = 0; j < l->v_size; j++) {
            double sum = 0.0;
            for (int64_t i = 0; i < l->k_size; i++) {
                sum += ir_ref_get(l->q, q0 + i) * l->state[i * l->v_size + j];
            }
            ir_ref_put(y, y0 + j, l->scale * sum);
        }
    }
}

static sy_status linear_of(const ir_kernel_args *args, linear *l)
{
    static const char *const rules[] = {"linear", "gated", "delta", "gated_delta"};
    const char *rule = ir_node_string(args->node, "update_rule", "gated_delta");
    const ir_tensor *past = ir_kernel_input(args, 3);
    *l = (linear){.q = args->inputs[0],
                  .k = args->inputs[1],
                  .v = args->inputs[2],
                  .decay = ir_kernel_input(args, 4),
                  .beta = ir_kernel_input(args, 5),
                  .heads = ir_node_int(args->node, "q_num_heads", 0),
                  .kv_heads = ir_node_int(args->node, "kv_num_heads", 0)};
    int found = -1;
    for (int i = 0; i < 4; i++) {
        found = strcmp(rule, rules[i]) == 0 ? i : found;
    }
    if (found < 0) {
        return base_fail(args->diag, SY_EINVAL, "update_rule '%s' is not known", rule);
    }
    l->rule = (update_rule)found;
    l->images = l->q->dims[0];
    l->rows = l->q->dims[1];
    const int64_t q = l->q->dims[2], k = l->k->dims[2], v = l->v->dims[2];
    l->k_size = l->kv_heads > 0 ? k / l->kv_heads : 0;
    l->v_size = l->kv_heads > 0 ? v / l->kv_heads : 0;
    bool fits = l->heads > 0 && l->kv_heads > 0 && l->heads % l->kv_heads == 0 &&
                l->k_size * l->kv_heads == k && l->v_size * l->kv_heads == v && l->k_size * l->heads == q;
    for (uint32_t i = 0; fits && i < 6; i++) {
        const ir_tensor *t = ir_kernel_input(args, i);
        fits = t == NULL || i == 3 ||
               (ir_ref_is_float(t->dtype) && t->rank == 3 && t->dims[0] == l->images && t->dims[1] == l->rows);
    }
    const bool gated = l->rule == RULE_GATED || l->rule == RULE_GATED_DELTA;
    const bool delta = l->rule == RULE_DELTA || l->rule == RULE_GATED_DELTA;
    fits = fits && (!gated || (l->decay != NULL && (l->decay->dims[2] == k || l->decay->dims[2] == l->kv_heads))) &&
           (!delta || (l->beta != NULL && (l->beta->dims[2] == 1 || l->beta->dims[2] == l->kv_heads))) &&
           (past == NULL || (ir_ref_is_float(past->dtype) && past->rank == 4 && past->dims[0] == l->images &&
                             past->dims[1] == l->kv_heads && past->dims[2] == l->k_size &&
                             past->dims[3] == l->v_size));
    if (!fits) {
        return base_fail(args->diag, SY_ESHAPE, "the operands do not fit each other, or decay or beta is missing");
    }
    const float scale = ir_node_float(args->node, "scale", 0.0f);
    l->scale = scale != 0.0f ? (double)scale : 1.0 / sqrt((double)(l->k_size > 0 ? l->k_size : 1));
    return SY_OK;
}

sy_status ir_ref_linear_attention(const ir_kernel_args *args)
{
    linear l;
    SY_TRY(linear_of(args, &l));
    const ir_tensor *past = ir_kernel_input(args, 3);
    ir_tensor *y = ir_kernel_output(args, 0), *present = ir_kernel_output(args, 1);
    const int64_t n = l.k_size * l.v_size;
    l.state = BASE_ARENA_ARRAY(args->scratch, double, (size_t)n + 1);
    if (l.state == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t image = 0; image < l.images; image++) {
        for (int64_t head = 0; head < l.kv_heads; head++) {
            const int64_t first = (image * l.kv_heads + head) * n;
            for (int64_t i = 0; i < n; i++) {
                l.state[i] = past != NULL ? ir_ref_get(past, first + i) : 0.0;
            }
            for (int64_t row = 0; row < l.rows; row++) {
                linear_step(&l, image, head, row);
                if (y != NULL) {
                    linear_read(&l, image, head, row, y);
                }
            }
            for (int64_t i = 0; i < n && present != NULL; i++) {
                ir_ref_put(present, first + i, l.state[i]);
            }
        }
    }
    return SY_OK;
}
