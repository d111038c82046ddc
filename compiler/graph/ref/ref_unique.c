/*
 * ref_unique.c -- Unique: the different elements, or the different entries along an axis.
 *
 * Elements become numbers in the same order (strings: their places when sorted), so that an entry is a row of
 * numbers and all types share one sort.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_moved.h"

#include "systole/graph/strings.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- elements as numbers */

typedef struct named {
    ir_text text;
    int64_t index;
} named;

static int by_text(const void *a, const void *b)
{
    const ir_text *x = &((const named *)a)->text, *y = &((const named *)b)->text;
    const uint32_t n = x->n_bytes < y->n_bytes ? x->n_bytes : y->n_bytes;
    const int order = n > 0 ? memcmp(x->text, y->text, n) : 0;
    return order != 0 ? order : x->n_bytes < y->n_bytes ? -1 : x->n_bytes > y->n_bytes;
}

static sy_status number_texts(const ir_kernel_args *args, const ir_tensor *x, int64_t n,
                              int64_t *numbers)
{
    ir_text *texts = NULL;
    SY_TRY(ir_strings_read(x, args->scratch, &texts));
    named *sorted = BASE_ARENA_ARRAY(args->scratch, named, (size_t)n);
    if (sorted == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        sorted[i] = (named){texts[i], i};
    }
    qsort(sorted, (size_t)n, sizeof *sorted, by_text);
    int64_t number = 0;
    for (int64_t i = 0; i < n; i++) {
        number += i > 0 && by_text(&sorted[i - 1], &sorted[i]) != 0;
        numbers[sorted[i].index] = number;
    }
    return SY_OK;
}

/* `width` numbers for each element: complex ones have two. */
static sy_status number_elements(const ir_kernel_args *args, const ir_tensor *x, int64_t *width,
                                 int64_t **out)
{
    const bool is_complex = sy_dtype_class_of(x->dtype) == SY_DC_COMPLEX;
    const int64_t n = ir_tensor_n_elements(x);
    ir_tensor parts = *x;
    parts.dtype = !is_complex ? x->dtype : x->dtype == SY_DT_C64 ? SY_DT_F32 : SY_DT_F64;
    *width = is_complex ? 2 : 1;
    int64_t *numbers = base_arena_alloc(args->scratch, (size_t)n + 1, (size_t)*width * sizeof *numbers);
    if (numbers == NULL) {
        return SY_ENOMEM;
    }
    *out = numbers;
    if (x->dtype == SY_DT_STRING) {
        return number_texts(args, x, n, numbers);
    }
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(parts.dtype) || ir_ref_is_integer(parts.dtype)));
    for (int64_t i = 0; i < n * *width; i++) {
        numbers[i] = ir_ref_order(&parts, i);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- entries */

/* What is compared: `outer` runs of `run` numbers, `stride` apart. */
typedef struct entries {
    int64_t n, outer, run, stride;
    const int64_t *numbers;
} entries;

typedef struct entry {
    const entries *all;
    int64_t index;
} entry;

static int compare(const entry *a, const entry *b)
{
    const entries *e = a->all;
    for (int64_t o = 0; o < e->outer; o++) {
        const int64_t *x = e->numbers + o * e->stride + a->index * e->run;
        const int64_t *y = e->numbers + o * e->stride + b->index * e->run;
        for (int64_t i = 0; i < e->run; i++) {
            if (x[i] != y[i]) {
                return x[i] < y[i] ? -1 : 1;
            }
        }
    }
    return 0;
}

static int by_value(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    const int order = compare(x, y);
    return order != 0 ? order : x->index < y->index ? -1 : x->index > y->index;
}

/* The groups of equal entries. */
typedef struct groups {
    int64_t n;
    int64_t *first, *count; /* [n] */
    int64_t *of;            /* the group of each entry */
} groups;

static sy_status group(const ir_kernel_args *args, const entries *e, groups *g)
{
    entry *sorted = BASE_ARENA_ARRAY(args->scratch, entry, (size_t)e->n);
    *g = (groups){.first = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)e->n),
                  .count = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)e->n),
                  .of = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)e->n)};
    if (sorted == NULL || g->first == NULL || g->count == NULL || g->of == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < e->n; i++) {
        sorted[i] = (entry){e, i};
    }
    qsort(sorted, (size_t)e->n, sizeof *sorted, by_value);
    for (int64_t i = 0; i < e->n; i++) {
        if (i == 0 || compare(&sorted[i - 1], &sorted[i]) != 0) {
            g->first[g->n] = sorted[i].index;
            g->count[g->n++] = 0;
        }
        g->count[g->n - 1]++;
        g->of[sorted[i].index] = g->n - 1;
    }
    return SY_OK;
}

/* Numbers the groups anew, by first appearance. */
static sy_status by_appearance(const ir_kernel_args *args, int64_t n_entries, groups *g)
{
    int64_t *counts = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)g->n);
    int64_t *number = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)g->n);
    if (counts == NULL || number == NULL) {
        return SY_ENOMEM;
    }
    int64_t next = 0;
    for (int64_t i = 0; i < n_entries; i++) {
        const int64_t old = g->of[i];
        if (g->first[old] == i) {
            number[old] = next;
            counts[next++] = g->count[old];
        }
        g->of[i] = number[old];
    }
    for (int64_t i = n_entries - 1; i >= 0; i--) {
        g->first[g->of[i]] = i; /* the last one written is the first place */
    }
    g->count = counts;
    return SY_OK;
}

static sy_status numbers_result(const ir_kernel_args *args, uint32_t i, int64_t n, const int64_t *v)
{
    ir_tensor *t = ir_kernel_output(args, i);
    SY_TRY(ir_kernel_result(args, i, SY_DT_I64, 1, &n));
    if (t != NULL && n > 0) {
        memcpy(t->data, v, t->size_bytes);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- the values */

/* The entries to take. */
typedef struct picked {
    int64_t n, outer, size;
    const int64_t *first;
} picked;

/* Strings are copied text by text; other elements by size. */
static sy_status pick_strings(const ir_kernel_args *args, const ir_tensor *x, const picked *p,
                              int64_t inner)
{
    ir_text *texts = NULL;
    base_buf buf = {0};
    SY_TRY(ir_strings_read(x, args->scratch, &texts));
    for (int64_t o = 0; o < p->outer; o++) {
        for (int64_t i = 0; i < p->n; i++) {
            for (int64_t k = 0; k < inner; k++) {
                const ir_text *t = &texts[(o * p->size + p->first[i]) * inner + k];
                ir_strings_put(&buf, t->text, t->n_bytes);
            }
        }
    }
    sy_status status = base_buf_status(&buf);
    status = status == SY_OK ? ir_kernel_room(args, 0, buf.n_bytes) : status;
    if (status == SY_OK && buf.n_bytes > 0) {
        memcpy(ir_kernel_output(args, 0)->data, buf.data, buf.n_bytes);
    }
    base_buf_free(&buf);
    return status;
}

static sy_status pick(const ir_kernel_args *args, const ir_tensor *x, const picked *p, int64_t inner)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    if (y == NULL) {
        return SY_OK;
    }
    if (x->dtype == SY_DT_STRING) {
        return pick_strings(args, x, p, inner);
    }
    const size_t part = (size_t)inner * ir_ref_element_bytes(x->dtype);
    for (int64_t o = 0; o < p->outer; o++) {
        for (int64_t i = 0; i < p->n && part > 0; i++) {
            memcpy(ir_ref_at(y, o * p->n + i, part), ir_ref_at(x, o * p->size + p->first[i], part),
                   part);
        }
    }
    return SY_OK;
}

sy_status ir_ref_unique(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const bool flat = ir_node_attr(args->node, "axis") == NULL;
    int32_t axis = 0;
    int64_t width, *numbers = NULL, dims[IR_MAX_RANK];
    groups g;
    if (!flat) {
        SY_TRY(ir_ref_axis_of(args, x->rank, 0, &axis));
    }
    SY_TRY(number_elements(args, x, &width, &numbers));
    const int64_t size = flat ? ir_tensor_n_elements(x) : x->dims[axis];
    const int64_t outer = flat ? 1 : ir_ref_product(x->dims, 0, axis);
    const int64_t inner = flat ? 1 : ir_ref_product(x->dims, axis + 1, x->rank);
    const entries e = {.n = size, .outer = outer, .run = inner * width,
                       .stride = size * inner * width, .numbers = numbers};
    SY_TRY(group(args, &e, &g));
    if (ir_node_int(args->node, "sorted", 1) == 0) {
        SY_TRY(by_appearance(args, size, &g));
    }
    memcpy(dims, x->dims, sizeof dims);
    dims[axis] = g.n;
    SY_TRY(ir_kernel_result(args, 0, x->dtype, flat ? 1 : x->rank, dims));
    SY_TRY(pick(args, x, &(picked){g.n, outer, size, g.first}, inner));
    SY_TRY(numbers_result(args, 1, g.n, g.first));
    SY_TRY(numbers_result(args, 2, size, g.of));
    return numbers_result(args, 3, g.n, g.count);
}
