/*
 * fast_einsum.c -- Einsum of two fp32 operands as one batch of matrix products.
 *
 * A label is of the batch if all three have it, of rows or columns if one operand and the result have it, and is summed over if both operands and not the
 * result have it. Operands are brought to [batch, rows, sum] and [batch, sum, columns], the result from [batch, rows, columns]. All else (an ellipsis, a label
 * twice in one operand or in one alone, other numbers of operands) is the reference kernel's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_gemm.h"

#include <string.h>

typedef enum kind { KIND_BATCH, KIND_ROW, KIND_COLUMN, KIND_SUM, N_KINDS } kind;

typedef struct labels {
    int32_t n;
    char text[IR_MAX_RANK + 1];
} labels;

typedef struct einsum {
    labels operand[3]; /* a, b, result */
    int64_t size_of[128], size[N_KINDS];
    labels of_kind[N_KINDS]; /* in the result's order, sums in a's */
} einsum;

static int32_t place_of(const labels *l, char c)
{
    const char *at = l->n > 0 ? memchr(l->text, c, (size_t)l->n) : NULL;
    return at != NULL ? (int32_t)(at - l->text) : -1;
}

static bool add(labels *l, char c)
{
    if (l->n == IR_MAX_RANK || place_of(l, c) >= 0) {
        return false;
    }
    l->text[l->n++] = c;
    return true;
}

/* "ab,bc->ac"; without an arrow the result has the labels that come once, in alphabetical order. */
static bool parse(const char *text, einsum *e)
{
    int32_t part = 0;
    bool arrow = false;
    for (const char *p = text; *p != '\0'; p++) {
        const bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
        if (letter && !add(&e->operand[part], *p)) {
            return false;
        }
        if (*p == ',' && part++ != 0) {
            return false;
        }
        if (*p == '-' && p[1] == '>' && part == 1) {
            arrow = true;
            part = 2;
            p++;
        } else if (!letter && *p != ',' && *p != ' ') {
            return false;
        }
    }
    for (char c = 'A'; !arrow && c <= 'z'; c++) {
        const bool in_a = place_of(&e->operand[0], c) >= 0, in_b = place_of(&e->operand[1], c) >= 0;
        if (in_a != in_b && !add(&e->operand[2], c)) {
            return false;
        }
    }
    return part >= 1;
}

static bool classify(einsum *e)
{
    for (int o = 0; o < 3; o++) {
        for (int32_t i = 0; i < e->operand[o].n; i++) {
            const char c = e->operand[o].text[i];
            const bool in_a = place_of(&e->operand[0], c) >= 0, in_b = place_of(&e->operand[1], c) >= 0;
            const bool in_y = place_of(&e->operand[2], c) >= 0;
            if (in_a + in_b + in_y < 2) {
                return false;
            }
            const kind k = in_a && in_b && in_y ? KIND_BATCH : !in_y ? KIND_SUM : in_a ? KIND_ROW : KIND_COLUMN;
            if (k == KIND_SUM ? o == 0 : o == 2) {
                (void)add(&e->of_kind[k], c);
            }
        }
    }
    for (int k = 0; k < N_KINDS; k++) {
        e->size[k] = 1;
        for (int32_t i = 0; i < e->of_kind[k].n; i++) {
            e->size[k] *= e->size_of[(unsigned char)e->of_kind[k].text[i]];
        }
    }
    return true;
}

/* Sizes of all labels; false where one is stretched, or an operand has another rank. */
static bool take_sizes(const ir_kernel_args *args, einsum *e)
{
    for (int o = 0; o < 2; o++) {
        const ir_tensor *t = args->inputs[o];
        if (t->rank != e->operand[o].n) {
            return false;
        }
        for (int32_t i = 0; i < t->rank; i++) {
            int64_t *size = &e->size_of[(unsigned char)e->operand[o].text[i]];
            if (*size != 0 && *size != t->dims[i]) {
                return false;
            }
            *size = t->dims[i];
        }
    }
    return true;
}

/* Labels of three kinds, one behind the other. */
static labels joined(const einsum *e, kind first, kind second, kind third)
{
    labels all = {.n = 0};
    const kind kinds[] = {first, second, third};
    for (int k = 0; k < 3; k++) {
        memcpy(all.text + all.n, e->of_kind[kinds[k]].text, (size_t)e->of_kind[kinds[k]].n);
        all.n += e->of_kind[kinds[k]].n;
    }
    return all;
}

/* Copies a tensor whose axes have the labels `from` into one whose axes have the labels `to`. */
static sy_status reorder(const rt_env *env, const einsum *e, const labels *from, const labels *to, const void *x, void *y)
{
    int64_t of_x[IR_MAX_RANK], dims[IR_MAX_RANK], strides[IR_MAX_RANK], stride = 1;
    for (int32_t i = from->n - 1; i >= 0; i--) {
        of_x[i] = stride;
        stride *= e->size_of[(unsigned char)from->text[i]];
    }
    for (int32_t i = 0; i < to->n; i++) {
        dims[i] = e->size_of[(unsigned char)to->text[i]];
        strides[i] = of_x[place_of(from, to->text[i])];
    }
    return rt_permute(env, sizeof(float), to->n, dims, strides, x, y);
}

static bool same(const labels *a, const labels *b)
{
    return a->n == b->n && memcmp(a->text, b->text, (size_t)a->n) == 0;
}

static sy_status bring(const ir_kernel_args *args, const rt_env *env, const einsum *e, int o, const labels *to, const float **out)
{
    const ir_tensor *t = args->inputs[o];
    *out = t->data;
    if (same(&e->operand[o], to)) {
        return SY_OK;
    }
    float *copy = BASE_ARENA_ARRAY(args->scratch, float, (size_t)ir_tensor_n_elements(t));
    if (copy == NULL) {
        return SY_ENOMEM;
    }
    *out = copy;
    return reorder(env, e, &e->operand[o], to, t->data, copy);
}

static sy_status multiply(const ir_kernel_args *args, const rt_env *env, const einsum *e)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    const labels a = joined(e, KIND_BATCH, KIND_ROW, KIND_SUM), b = joined(e, KIND_BATCH, KIND_SUM, KIND_COLUMN);
    const labels b_turned = joined(e, KIND_BATCH, KIND_COLUMN, KIND_SUM), c = joined(e, KIND_BATCH, KIND_ROW, KIND_COLUMN);
    const bool turned = same(&e->operand[1], &b_turned), in_place = same(&e->operand[2], &c);
    const int64_t m = e->size[KIND_ROW], n = e->size[KIND_COLUMN], k = e->size[KIND_SUM], n_batch = e->size[KIND_BATCH];
    rt_gemm g = {.m = m, .n = n, .k = k, .a_row = k, .a_k = 1, .b_k = turned ? 1 : n, .b_column = turned ? k : 1, .ldc = n};
    int64_t *at = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)(2 * n_batch));
    float *product = in_place ? y->data : BASE_ARENA_ARRAY(args->scratch, float, (size_t)ir_tensor_n_elements(y));
    if (at == NULL || product == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(bring(args, env, e, 0, &a, &g.a));
    SY_TRY(bring(args, env, e, 1, turned ? &b_turned : &b, &g.b));
    g.c = product;
    for (int64_t i = 0; i < n_batch; i++) {
        at[i] = i * m * k;
        at[n_batch + i] = i * k * n;
    }
    const rt_batch batch = {.n = n_batch, .a = at, .b = at + n_batch};
    SY_TRY(rt_product(args, env, &g, n_batch > 1 ? &batch : NULL));
    return in_place ? SY_OK : reorder(env, e, &c, &e->operand[2], product, y->data);
}

sy_status rt_fast_einsum(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    einsum e = {.size = {0}};
    (void)state;
    const bool two = args->n_inputs == 2 && args->inputs[0]->dtype == SY_DT_F32 && args->inputs[1]->dtype == SY_DT_F32;
    if (!two || ir_tensor_n_elements(args->inputs[0]) == 0 || ir_tensor_n_elements(args->inputs[1]) == 0 ||
        !parse(ir_node_string(args->node, "equation", ""), &e) || !take_sizes(args, &e) || !classify(&e)) {
        return rt_run_reference(args);
    }
    return multiply(args, env, &e);
}
