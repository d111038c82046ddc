/*
 * ref_move.c -- data movement: elements are copied by size, whatever their type.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <string.h>

static void copy_one(ir_tensor *y, int64_t i, const ir_tensor *x, int64_t j, size_t bytes)
{
    memcpy((char *)y->data + (size_t)i * bytes, (const char *)x->data + (size_t)j * bytes, bytes);
}

/* Identity, Reshape, Flatten, Squeeze, Unsqueeze: the same bytes in the same order. */
sy_status ir_ref_view(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    if (x->size_bytes != y->size_bytes) {
        return base_fail(args->diag, SY_ESHAPE, "%zu bytes cannot become %zu", x->size_bytes,
                         y->size_bytes);
    }
    if (y->size_bytes > 0) {
        memcpy(y->data, x->data, y->size_bytes);
    }
    return SY_OK;
}

/* y[i] = x[base + walk with these strides]. */
static void gather_strided(ir_tensor *y, const ir_tensor *x, int64_t base, const int64_t *strides)
{
    const size_t bytes = ir_ref_element_bytes(y->dtype);
    ir_ref_walk walk;
    ir_ref_walk_start(&walk, y->rank, y->dims);
    for (int32_t i = 0; i < y->rank; i++) {
        walk.strides[0][i] = strides[i];
    }
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&walk)) {
        copy_one(y, i, x, base + walk.offset[0], bytes);
    }
}

static sy_status need_whole_bytes(const ir_kernel_args *args, const ir_tensor *t)
{
    return ir_ref_need(args, t, ir_ref_element_bytes(t->dtype) != 0);
}

/* Strides of a tensor itself, in elements. */
static void own_strides(const ir_tensor *t, int64_t strides[IR_MAX_RANK])
{
    int64_t stride = 1;
    for (int32_t i = t->rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= t->dims[i];
    }
}

sy_status ir_ref_transpose(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(need_whole_bytes(args, x));
    const int64_t *perm = NULL;
    const uint32_t n_perm = ir_node_ints(args->node, "perm", &perm);
    int64_t of_x[IR_MAX_RANK], strides[IR_MAX_RANK];
    own_strides(x, of_x);
    for (int32_t i = 0; i < y->rank; i++) {
        strides[i] = of_x[n_perm > 0 ? perm[i] : y->rank - 1 - i];
    }
    gather_strided(y, x, 0, strides);
    return SY_OK;
}

sy_status ir_ref_expand(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(need_whole_bytes(args, x));
    int64_t strides[IR_MAX_RANK];
    ir_ref_broadcast_strides(x, y->rank, strides);
    gather_strided(y, x, 0, strides);
    return SY_OK;
}

static sy_status axis_of(const ir_kernel_args *args, int32_t rank, int64_t fallback, int32_t *out)
{
    const int64_t axis = ir_node_int(args->node, "axis", fallback);
    if (!ir_ref_axis(axis, rank, out)) {
        return base_fail(args->diag, SY_EINVAL, "axis %lld is outside a tensor of %d dimensions",
                         (long long)axis, rank);
    }
    return SY_OK;
}

sy_status ir_ref_concat(const ir_kernel_args *args)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(need_whole_bytes(args, y));
    int32_t axis;
    SY_TRY(axis_of(args, y->rank, 0, &axis));
    const size_t bytes = ir_ref_element_bytes(y->dtype);
    const size_t row = (size_t)ir_ref_product(y->dims, axis, y->rank) * bytes;
    const int64_t outer = ir_ref_product(y->dims, 0, axis);
    size_t at = 0;
    for (uint32_t i = 0; i < args->n_inputs; i++) {
        const ir_tensor *x = args->inputs[i];
        const size_t part = (size_t)ir_ref_product(x->dims, axis, x->rank) * bytes;
        for (int64_t o = 0; o < outer && part > 0; o++) {
            memcpy((char *)y->data + (size_t)o * row + at, (const char *)x->data + (size_t)o * part,
                   part);
        }
        at += part;
    }
    return SY_OK;
}

sy_status ir_ref_split(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *sizes = ir_kernel_input(args, 1);
    SY_TRY(need_whole_bytes(args, x));
    int32_t axis;
    SY_TRY(axis_of(args, x->rank, 0, &axis));
    const int64_t each = (x->dims[axis] + args->n_outputs - 1) / args->n_outputs;
    const size_t inner = (size_t)ir_ref_product(x->dims, axis + 1, x->rank) *
                         ir_ref_element_bytes(x->dtype);
    const size_t row = (size_t)x->dims[axis] * inner;
    const int64_t outer = ir_ref_product(x->dims, 0, axis);
    int64_t at = 0;
    for (uint32_t i = 0; i < args->n_outputs; i++) {
        const int64_t left = x->dims[axis] - at;
        const int64_t size = sizes != NULL ? ir_ref_get_int(sizes, i) : each < left ? each : left;
        if (size < 0 || size > left) {
            return base_fail(args->diag, SY_ESHAPE, "part %u of size %lld does not fit", i,
                             (long long)size);
        }
        const size_t part = (size_t)size * inner;
        for (int64_t o = 0; o < outer && part > 0 && args->outputs[i] != NULL; o++) {
            memcpy((char *)args->outputs[i]->data + (size_t)o * part,
                   (const char *)x->data + (size_t)o * row + (size_t)at * inner, part);
        }
        at += size;
    }
    return SY_OK;
}

sy_status ir_ref_slice(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *starts = ir_kernel_input(args, 1);
    const ir_tensor *axes = ir_kernel_input(args, 3);
    const ir_tensor *steps = ir_kernel_input(args, 4);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(need_whole_bytes(args, x));
    int64_t of_x[IR_MAX_RANK], strides[IR_MAX_RANK], base = 0;
    own_strides(x, of_x);
    memcpy(strides, of_x, sizeof strides);
    const int64_t n = ir_tensor_n_elements(starts);
    for (int64_t i = 0; i < n; i++) {
        int32_t a;
        if (!ir_ref_axis(axes != NULL ? ir_ref_get_int(axes, i) : i, x->rank, &a)) {
            return base_fail(args->diag, SY_EINVAL, "an axis is outside a tensor of %d dimensions",
                             x->rank);
        }
        const int64_t step = steps != NULL ? ir_ref_get_int(steps, i) : 1;
        const int64_t size = x->dims[a];
        int64_t start = ir_ref_get_int(starts, i);
        start = start < 0 ? (start < -size ? -1 : start + size) : start;
        if (step > 0) {
            start = start < 0 ? 0 : start > size ? size : start;
        } else {
            start = start < 0 ? 0 : start > size - 1 ? size - 1 : start;
        }
        base += start * of_x[a];
        strides[a] = y->dims[a] > 1 ? step * of_x[a] : 0;
    }
    if (ir_tensor_n_elements(y) > 0) {
        gather_strided(y, x, base, strides);
    }
    return SY_OK;
}

sy_status ir_ref_gather(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *indices = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(need_whole_bytes(args, x));
    int32_t axis;
    SY_TRY(axis_of(args, x->rank, 0, &axis));
    const size_t part = (size_t)ir_ref_product(x->dims, axis + 1, x->rank) *
                        ir_ref_element_bytes(x->dtype);
    const int64_t outer = ir_ref_product(x->dims, 0, axis);
    const int64_t n = ir_tensor_n_elements(indices), size = x->dims[axis];
    for (int64_t i = 0; i < n; i++) {
        int64_t at = ir_ref_get_int(indices, i);
        if (at < -size || at >= size) {
            return base_fail(args->diag, SY_ERANGE, "index %lld is outside the axis of size %lld",
                             (long long)at, (long long)size);
        }
        at += at < 0 ? size : 0;
        for (int64_t o = 0; o < outer && part > 0; o++) {
            memcpy((char *)y->data + (size_t)(o * n + i) * part,
                   (const char *)x->data + (size_t)(o * size + at) * part, part);
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- Pad */

typedef enum pad_mode { PAD_CONSTANT, PAD_EDGE, PAD_REFLECT, PAD_WRAP } pad_mode;

/* The source position for padded position p of an axis of this size; -1: the fill value. */
static int64_t pad_source(pad_mode mode, int64_t p, int64_t size)
{
    if (p >= 0 && p < size) {
        return p;
    }
    if (mode == PAD_CONSTANT || size == 0) {
        return -1;
    }
    if (mode == PAD_EDGE) {
        return p < 0 ? 0 : size - 1;
    }
    const int64_t period = mode == PAD_WRAP || size == 1 ? size : 2 * (size - 1);
    const int64_t m = (p % period + period) % period;
    return m < size ? m : period - m;
}

sy_status ir_ref_pad(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *pads = ir_kernel_input(args, 1);
    const ir_tensor *fill = ir_kernel_input(args, 2);
    const ir_tensor *axes = ir_kernel_input(args, 3);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(need_whole_bytes(args, x));
    const char *name = ir_node_string(args->node, "mode", "constant");
    const pad_mode mode = strcmp(name, "edge") == 0      ? PAD_EDGE
                          : strcmp(name, "reflect") == 0 ? PAD_REFLECT
                          : strcmp(name, "wrap") == 0    ? PAD_WRAP
                                                         : PAD_CONSTANT;
    const int64_t n_axes = ir_tensor_n_elements(pads) / 2;
    int64_t begin[IR_MAX_RANK] = {0}, of_x[IR_MAX_RANK];
    own_strides(x, of_x);
    for (int64_t i = 0; i < n_axes; i++) {
        int32_t a;
        if (!ir_ref_axis(axes != NULL ? ir_ref_get_int(axes, i) : i, x->rank, &a)) {
            return base_fail(args->diag, SY_EINVAL, "an axis is outside a tensor of %d dimensions",
                             x->rank);
        }
        begin[a] = ir_ref_get_int(pads, i);
    }
    const size_t bytes = ir_ref_element_bytes(x->dtype);
    ir_ref_walk walk;
    ir_ref_walk_start(&walk, y->rank, y->dims);
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&walk)) {
        int64_t at = 0;
        for (int32_t a = 0; a < y->rank && at >= 0; a++) {
            const int64_t p = pad_source(mode, walk.index[a] - begin[a], x->dims[a]);
            at = p < 0 ? -1 : at + p * of_x[a];
        }
        if (at >= 0) {
            copy_one(y, i, x, at, bytes);
        } else if (fill != NULL) {
            copy_one(y, i, fill, 0, bytes);
        } else {
            memset((char *)y->data + (size_t)i * bytes, 0, bytes);
        }
    }
    return SY_OK;
}
