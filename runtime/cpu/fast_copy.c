/*
 * fast_copy.c -- operators that only copy: Concat, Split, Slice and Gather, by runs of bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"

#include <string.h>

/* Bytes of an element; 0 for those that are no whole bytes, or more than bytes. */
static int64_t element_bytes(const ir_tensor *t)
{
    return t->dtype != SY_DT_STRING && sy_dtype_bits(t->dtype) % 8 == 0
               ? (int64_t)sy_dtype_bits(t->dtype) / 8
               : 0;
}

static int64_t product_of(const ir_tensor *t, int32_t first, int32_t last)
{
    int64_t n = 1;
    for (int32_t i = first; i < last; i++) {
        n *= t->dims[i];
    }
    return n;
}

static bool axis_of(const ir_node *n, int64_t otherwise, int32_t rank, int32_t *axis)
{
    const int64_t a = ir_node_int(n, "axis", otherwise);
    *axis = (int32_t)(a < 0 ? a + rank : a);
    return a >= -rank && a < rank;
}

/* n_rows runs of n_bytes, each `step` bytes behind the one before. */
static void copy_rows(char *to, int64_t to_step, const char *from, int64_t from_step,
                      int64_t n_rows, int64_t n_bytes)
{
    for (int64_t i = 0; i < n_rows && n_bytes > 0; i++) {
        memcpy(to + i * to_step, from + i * from_step, (size_t)n_bytes);
    }
}

sy_status rt_fast_concat(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    const int64_t element = element_bytes(y);
    int32_t axis;
    (void)env;
    (void)state;
    if (element == 0 || !axis_of(args->node, 0, y->rank, &axis)) {
        return rt_run_reference(args);
    }
    const int64_t inner = product_of(y, axis + 1, y->rank) * element, rows = product_of(y, 0, axis);
    int64_t at = 0;
    for (uint32_t i = 0; i < args->n_inputs; i++) {
        const ir_tensor *x = args->inputs[i];
        const int64_t run = x->dims[axis] * inner;
        copy_rows((char *)y->data + at, y->dims[axis] * inner, x->data, run, rows, run);
        at += run;
    }
    return SY_OK;
}

sy_status rt_fast_split(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const int64_t element = element_bytes(x);
    int32_t axis;
    (void)env;
    (void)state;
    bool good = element > 0 && axis_of(args->node, 0, x->rank, &axis);
    for (uint32_t i = 0; good && i < args->n_outputs; i++) {
        good = args->outputs[i] != NULL; /* one that is not wanted has no size here */
    }
    if (!good) {
        return rt_run_reference(args);
    }
    const int64_t inner = product_of(x, axis + 1, x->rank) * element, rows = product_of(x, 0, axis);
    int64_t at = 0;
    for (uint32_t i = 0; i < args->n_outputs; i++) {
        ir_tensor *y = args->outputs[i];
        const int64_t run = y->dims[axis] * inner;
        copy_rows(y->data, run, (const char *)x->data + at, x->dims[axis] * inner, rows, run);
        at += run;
    }
    return SY_OK;
}

static bool is_index(const ir_tensor *t)
{
    return t->dtype == SY_DT_I64 || t->dtype == SY_DT_I32;
}

sy_status rt_fast_gather(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0), *indices = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    const int64_t element = element_bytes(x), n = ir_tensor_n_elements(indices);
    int32_t axis;
    (void)env;
    (void)state;
    bool good = element > 0 && is_index(indices) && axis_of(args->node, 0, x->rank, &axis);
    for (int64_t i = 0; good && i < n; i++) {
        const int64_t at = ir_tensor_get_i64(indices, i);
        good = at >= -x->dims[axis] && at < x->dims[axis];
    }
    if (!good) {
        return rt_run_reference(args); /* which says what is wrong */
    }
    const int64_t inner = product_of(x, axis + 1, x->rank) * element, rows = product_of(x, 0, axis);
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = ir_tensor_get_i64(indices, i);
        copy_rows((char *)y->data + i * inner, n * inner,
                  (const char *)x->data + (at < 0 ? at + x->dims[axis] : at) * inner,
                  x->dims[axis] * inner, rows, inner);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- Slice */

typedef struct slice {
    int64_t starts[IR_MAX_RANK], steps[IR_MAX_RANK];
} slice;

static int64_t clamped(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* Where each axis starts and how it goes on; false: leave it to the reference. */
static bool read_slice(const ir_kernel_args *args, const ir_tensor *x, slice *s)
{
    const ir_tensor *starts = ir_kernel_input(args, 1), *axes = ir_kernel_input(args, 3),
                    *steps = ir_kernel_input(args, 4);
    const int64_t n = ir_tensor_n_elements(starts);
    if (!is_index(starts) ||
        (axes != NULL && (!is_index(axes) || ir_tensor_n_elements(axes) != n)) ||
        (steps != NULL && (!is_index(steps) || ir_tensor_n_elements(steps) != n))) {
        return false;
    }
    for (int32_t i = 0; i < x->rank; i++) {
        s->starts[i] = 0;
        s->steps[i] = 1;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t axis = axes != NULL ? ir_tensor_get_i64(axes, i) : i;
        axis += axis < 0 ? x->rank : 0;
        if (axis < 0 || axis >= x->rank) {
            return false;
        }
        const int64_t step = steps != NULL ? ir_tensor_get_i64(steps, i) : 1, size = x->dims[axis];
        int64_t start = ir_tensor_get_i64(starts, i);
        if (step == 0 || start < -INT64_MAX / 2) {
            return false;
        }
        start += start < 0 ? size : 0;
        s->starts[axis] = step > 0 ? clamped(start, 0, size) : clamped(start, 0, size - 1);
        s->steps[axis] = step;
    }
    return true;
}

sy_status rt_fast_slice(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    const int64_t element = element_bytes(x), n_elements = ir_tensor_n_elements(y);
    slice s;
    (void)env;
    (void)state;
    if (element == 0 || x->rank < 1 || !read_slice(args, x, &s)) {
        return rt_run_reference(args);
    }
    /* Whole inner axes belong to one run. */
    int32_t last = x->rank - 1;
    int64_t inner = 1;
    while (last > 0 && s.steps[last] == 1 && y->dims[last] == x->dims[last]) {
        inner *= x->dims[last--];
    }
    int64_t strides[IR_MAX_RANK], index[IR_MAX_RANK] = {0}, at = 0;
    for (int32_t i = last; i >= 0; i--) {
        strides[i] = i == last ? inner : strides[i + 1] * x->dims[i + 1];
        at += s.starts[i] * strides[i];
    }
    char *to = y->data;
    const int64_t run = y->dims[last] * inner;
    for (int64_t done = 0; done < n_elements; done += run) {
        const char *from = (const char *)x->data + at * element;
        if (s.steps[last] == 1) {
            memcpy(to, from, (size_t)(run * element));
        } else {
            copy_rows(to, inner * element, from, s.steps[last] * inner * element, y->dims[last],
                      inner * element);
        }
        to += run * element;
        for (int32_t i = last - 1; i >= 0; i--) {
            at += s.steps[i] * strides[i];
            if (++index[i] < y->dims[i]) {
                break;
            }
            at -= index[i] * s.steps[i] * strides[i];
            index[i] = 0;
        }
    }
    return SY_OK;
}
