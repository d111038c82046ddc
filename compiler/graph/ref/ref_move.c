/*
 * ref_move.c -- data movement: elements are copied by size, whatever their type.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_moved.h"

#include <string.h>

/* Identity, Reshape, Flatten, Squeeze, Unsqueeze: the same bytes in the same order. */
sy_status ir_ref_view(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    if (x->dtype == SY_DT_STRING) {
        SY_TRY(ir_kernel_room(args, 0, x->size_bytes));
    }
    if (x->size_bytes != y->size_bytes) {
        return base_fail(args->diag, SY_ESHAPE, "%zu bytes cannot become %zu", x->size_bytes,
                         y->size_bytes);
    }
    if (y->size_bytes > 0) {
        memcpy(y->data, x->data, y->size_bytes);
    }
    return SY_OK;
}

/* y[i] = x[base + i * strides]. */
static void gather_strided(const ir_tensor *y, const ir_tensor *x, int64_t base,
                           const int64_t *strides)
{
    const size_t bytes = ir_ref_element_bytes(y->dtype);
    int64_t of_y[IR_MAX_RANK];
    if (ir_tensor_n_elements(y) > 0) {
        ir_ref_own_strides(y, of_y);
        ir_ref_copy_box(y->rank, y->dims, y->data, of_y, ir_ref_at(x, base, bytes), strides, bytes);
    }
}

static sy_status transpose(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    const int64_t *perm = NULL;
    const uint32_t n_perm = ir_node_ints(args->node, "perm", &perm);
    int64_t of_x[IR_MAX_RANK], strides[IR_MAX_RANK];
    ir_ref_own_strides(x, of_x);
    for (int32_t i = 0; i < y->rank; i++) {
        strides[i] = of_x[n_perm > 0 ? perm[i] : y->rank - 1 - i];
    }
    gather_strided(y, x, 0, strides);
    return SY_OK;
}

sy_status ir_ref_transpose(const ir_kernel_args *args)
{
    return ir_ref_moved(args, 1u, transpose);
}

static sy_status expand(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    int64_t strides[IR_MAX_RANK];
    ir_ref_broadcast_strides(x, y->rank, strides);
    gather_strided(y, x, 0, strides);
    return SY_OK;
}

sy_status ir_ref_expand(const ir_kernel_args *args)
{
    return ir_ref_moved(args, 1u, expand);
}

static sy_status concat(const ir_kernel_args *args)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    int32_t axis;
    SY_TRY(ir_ref_axis_of(args, y->rank, 0, &axis));
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

sy_status ir_ref_concat(const ir_kernel_args *args)
{
    return ir_ref_moved(args, IR_REF_EVERY, concat);
}

static sy_status split(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *sizes = ir_kernel_input(args, 1);
    int32_t axis;
    SY_TRY(ir_ref_axis_of(args, x->rank, 0, &axis));
    const int64_t each = x->dims[axis] / args->n_outputs + (x->dims[axis] % args->n_outputs != 0);
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

sy_status ir_ref_split(const ir_kernel_args *args)
{
    return ir_ref_moved(args, 1u, split);
}

static sy_status slice(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *starts = ir_kernel_input(args, 1);
    const ir_tensor *axes = ir_kernel_input(args, 3);
    const ir_tensor *steps = ir_kernel_input(args, 4);
    ir_tensor *y = ir_kernel_output(args, 0);
    int64_t of_x[IR_MAX_RANK], strides[IR_MAX_RANK] = {0}, base = 0;
    ir_ref_own_strides(x, of_x);
    memcpy(strides, of_x, (size_t)x->rank * sizeof *strides);
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
    gather_strided(y, x, base, strides);
    return SY_OK;
}

sy_status ir_ref_slice(const ir_kernel_args *args)
{
    return ir_ref_moved(args, 1u, slice);
}

static sy_status gather(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *indices = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    int32_t axis;
    SY_TRY(ir_ref_axis_of(args, x->rank, 0, &axis));
    const size_t part = (size_t)ir_ref_product(x->dims, axis + 1, x->rank) *
                        ir_ref_element_bytes(x->dtype);
    const int64_t outer = ir_ref_product(x->dims, 0, axis);
    const int64_t n = ir_tensor_n_elements(indices), size = x->dims[axis];
    for (int64_t i = 0; i < n; i++) {
        int64_t at = 0;
        SY_TRY(ir_ref_index(args, ir_ref_get_int(indices, i), size, &at));
        for (int64_t o = 0; o < outer && part > 0; o++) {
            memcpy((char *)y->data + (size_t)(o * n + i) * part,
                   (const char *)x->data + (size_t)(o * size + at) * part, part);
        }
    }
    return SY_OK;
}

sy_status ir_ref_gather(const ir_kernel_args *args)
{
    return ir_ref_moved(args, 1u, gather);
}

/* ---------------------------------------------------------------- Pad */

typedef enum pad_mode { PAD_CONSTANT, PAD_EDGE, PAD_REFLECT, PAD_WRAP } pad_mode;

/* More than any axis has: sums of two stay far from overflow. */
#define PAD_LIMIT ((int64_t)1 << 48)

/* The source in [0, size) for position p relative to the (cropped) axis of this size. */
static int64_t pad_source(pad_mode mode, int64_t p, int64_t size)
{
    if (p >= 0 && p < size) {
        return p;
    }
    if (mode == PAD_EDGE) {
        return p < 0 ? 0 : size - 1;
    }
    const int64_t period = mode == PAD_WRAP || size == 1 ? size : 2 * (size - 1);
    const int64_t m = (p % period + period) % period;
    return m < size ? m : period - m;
}

/* y is `fill` (NULL: zeros) but for where x lies on it, at x's position begin[axis]. */
static void pad_constant(ir_tensor *y, const ir_tensor *x, const ir_tensor *fill,
                         const int64_t *begin)
{
    const size_t bytes = ir_ref_element_bytes(x->dtype);
    const int64_t n = ir_tensor_n_elements(y), none[1] = {0}, one[1] = {1}, row[1] = {n};
    int64_t of_x[IR_MAX_RANK], of_y[IR_MAX_RANK], dims[IR_MAX_RANK], from = 0, to = 0;
    if (fill == NULL) {
        memset(y->data, 0, y->size_bytes);
    } else {
        ir_ref_copy_box(1, row, y->data, one, fill->data, none, bytes);
    }
    ir_ref_own_strides(x, of_x);
    ir_ref_own_strides(y, of_y);
    for (int32_t a = 0; a < x->rank; a++) {
        const int64_t first = begin[a] < 0 ? -begin[a] : 0, end = y->dims[a] - begin[a];
        dims[a] = (end < x->dims[a] ? end : x->dims[a]) - first;
        if (dims[a] <= 0) {
            return;
        }
        from += first * of_x[a];
        to += (first + begin[a]) * of_y[a];
    }
    ir_ref_copy_box(x->rank, dims, ir_ref_at(y, to, bytes), of_y, ir_ref_at(x, from, bytes), of_x,
                    bytes);
}

/* Element `index` of y is x's at the sum of sources[axis][index[axis]]; along the last axis run by run. */
static void copy_by_sources(ir_tensor *y, const ir_tensor *x, int64_t *const *sources)
{
    const size_t bytes = ir_ref_element_bytes(x->dtype);
    const int32_t last = y->rank - 1;
    const int64_t width = last >= 0 ? y->dims[last] : 1, rows = ir_tensor_n_elements(y) / width;
    ir_ref_walk walk;
    ir_ref_walk_start(&walk, last >= 0 ? last : 0, y->dims);
    for (int64_t row = 0; row < rows; row++, ir_ref_walk_next(&walk)) {
        int64_t at = 0;
        for (int32_t a = 0; a < last; a++) {
            at += sources[a][walk.index[a]];
        }
        for (int64_t i = 0, n; i < width; i += n) {
            const int64_t from = last >= 0 ? sources[last][i] : 0;
            for (n = 1; i + n < width && sources[last][i + n] == from + n;) {
                n++;
            }
            memcpy(ir_ref_at(y, row * width + i, bytes), ir_ref_at(x, at + from, bytes), (size_t)n * bytes);
        }
    }
}

/* Each axis has a list of its sources; x is cropped by negative pads first. */
static sy_status pad_mirrored(const ir_kernel_args *args, pad_mode mode, const int64_t *begin,
                              const int64_t *end)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    int64_t of_x[IR_MAX_RANK], *sources[IR_MAX_RANK] = {NULL};
    ir_ref_own_strides(x, of_x);
    for (int32_t a = 0; a < x->rank; a++) {
        const int64_t crop = begin[a] < 0 ? -begin[a] : 0;
        const int64_t size = x->dims[a] - crop + (end[a] < 0 ? end[a] : 0);
        if (size <= 0 && y->dims[a] > 0) {
            return base_fail(args->diag, SY_ESHAPE, "axis %d has no element to pad with", a);
        }
        sources[a] = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)y->dims[a]);
        if (sources[a] == NULL) {
            return SY_ENOMEM;
        }
        for (int64_t i = 0; i < y->dims[a]; i++) {
            const int64_t p = i - (begin[a] > 0 ? begin[a] : 0);
            sources[a][i] = (crop + pad_source(mode, p, size)) * of_x[a];
        }
    }
    if (y->size_bytes > 0) {
        copy_by_sources(y, x, sources);
    }
    return SY_OK;
}

static sy_status pad(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *pads = ir_kernel_input(args, 1);
    const ir_tensor *fill = ir_kernel_input(args, 2);
    const ir_tensor *axes = ir_kernel_input(args, 3);
    ir_tensor *y = ir_kernel_output(args, 0);
    const char *name = ir_node_string(args->node, "mode", "constant");
    const pad_mode mode = strcmp(name, "edge") == 0      ? PAD_EDGE
                          : strcmp(name, "reflect") == 0 ? PAD_REFLECT
                          : strcmp(name, "wrap") == 0    ? PAD_WRAP
                                                         : PAD_CONSTANT;
    const int64_t n_axes = ir_tensor_n_elements(pads) / 2;
    int64_t begin[IR_MAX_RANK] = {0}, end[IR_MAX_RANK] = {0};
    for (int64_t i = 0; i < n_axes; i++) {
        int32_t a;
        if (!ir_ref_axis(axes != NULL ? ir_ref_get_int(axes, i) : i, x->rank, &a)) {
            return base_fail(args->diag, SY_EINVAL, "an axis is outside a tensor of %d dimensions",
                             x->rank);
        }
        begin[a] = ir_ref_get_int(pads, i);
        end[a] = ir_ref_get_int(pads, i + n_axes);
        if (begin[a] < -PAD_LIMIT || begin[a] > PAD_LIMIT || end[a] < -PAD_LIMIT || end[a] > PAD_LIMIT) {
            return base_fail(args->diag, SY_ERANGE, "axis %d is padded by more than 2^48", a);
        }
    }
    if (mode != PAD_CONSTANT) {
        return pad_mirrored(args, mode, begin, end);
    }
    if (fill != NULL && ir_tensor_n_elements(fill) != 1) {
        return base_fail(args->diag, SY_ESHAPE, "the constant to pad with must be one element");
    }
    pad_constant(y, x, fill, begin);
    return SY_OK;
}

sy_status ir_ref_pad(const ir_kernel_args *args)
{
    return ir_ref_moved(args, 1u << 0 | 1u << 2, pad);
}

/* ---------------------------------------------------------------- CenterCropPad */

/* Its axes are cropped or padded on both sides, by half of the difference rounded down at the front. */
static sy_status center(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    int64_t begin[IR_MAX_RANK] = {0};
    for (int32_t a = 0; a < x->rank; a++) {
        begin[a] = (y->dims[a] - x->dims[a]) / 2; /* towards zero: as much as is cut or added */
    }
    pad_constant(y, x, NULL, begin);
    return SY_OK;
}

sy_status ir_ref_centercroppad(const ir_kernel_args *args)
{
    return ir_ref_moved(args, 1u, center);
}
