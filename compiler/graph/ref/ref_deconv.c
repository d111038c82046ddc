/*
 * ref_deconv.c -- ConvTranspose, DeformConv, CausalConvWithState, MaxUnpool, Col2Im.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- ConvTranspose */

/* Adds weight * plane to the sums under one tap: input position p lands on p * stride + at. */
static void scatter(const ir_window *w, const int64_t *size, int32_t axis, int64_t from, int64_t to,
                    const int64_t *at, const double *x, double weight, double *sums)
{
    int64_t first, last;
    ir_ref_inside(size[axis], w->out[axis], w->strides[axis], at[axis], &first, &last);
    for (int64_t p = first; p < last; p++) {
        const int64_t position = p * w->strides[axis] + at[axis];
        if (axis == w->rank - 1) {
            sums[to * w->out[axis] + position] += x[from * size[axis] + p] * weight;
        } else {
            scatter(w, size, axis + 1, from * size[axis] + p, to * w->out[axis] + position, at, x,
                    weight, sums);
        }
    }
}

/* Each tap of one filter, in order. */
static void scatter_filter(const ir_window *win, const ir_tensor *x, const double *plane,
                           const ir_tensor *w, int64_t w_base, double *sums)
{
    const int64_t taps = ir_ref_product(win->kernel, 0, win->rank);
    for (int64_t t = 0; t < taps; t++) {
        int64_t at[3] = {0, 0, 0}, rest = t;
        for (int32_t a = win->rank - 1; a >= 0; a--) {
            at[a] = rest % win->kernel[a] * win->dilations[a] - win->pads_begin[a];
            rest /= win->kernel[a];
        }
        scatter(win, x->dims + 2, 0, 0, 0, at, plane, ir_ref_get(w, w_base + t), sums);
    }
}

sy_status ir_ref_convtranspose(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *w = ir_kernel_input(args, 1);
    const ir_tensor *b = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype) && w->dtype == x->dtype));
    ir_window win;
    SY_TRY(ir_window_transposed(args->node, x->rank - 2, x->dims + 2, w->dims + 2, args->diag, &win));
    const int64_t group = ir_node_int(args->node, "group", 1);
    const int64_t c_per_group = w->dims[0] / group, m_per_group = w->dims[1];
    const int64_t in_plane = ir_ref_product(x->dims, 2, x->rank);
    const int64_t out_plane = ir_ref_product(win.out, 0, win.rank);
    const int64_t taps = ir_ref_product(win.kernel, 0, win.rank);
    double *sums = BASE_ARENA_ARRAY(args->scratch, double, (size_t)out_plane);
    double *image = BASE_ARENA_ARRAY(args->scratch, double, (size_t)(x->dims[1] * in_plane));
    if (sums == NULL || image == NULL) {
        return SY_ENOMEM;
    }
    int64_t i = 0;
    for (int64_t n = 0; n < x->dims[0]; n++) {
        for (int64_t k = 0; k < x->dims[1] * in_plane; k++) {
            image[k] = ir_ref_get(x, n * x->dims[1] * in_plane + k);
        }
        for (int64_t m = 0; m < m_per_group * group; m++) {
            memset(sums, 0, (size_t)out_plane * sizeof *sums);
            const int64_t g = m / m_per_group;
            for (int64_t c = g * c_per_group; c < (g + 1) * c_per_group; c++) {
                scatter_filter(&win, x, image + c * in_plane, w,
                               (c * m_per_group + m % m_per_group) * taps, sums);
            }
            const double bias = b != NULL ? ir_ref_get(b, m) : 0.0;
            for (int64_t o = 0; o < out_plane; o++) {
                ir_ref_put(y, i++, sums[o] + bias);
            }
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- DeformConv */

/* The plane at a point between its elements, linearly; zero outside. */
static double sample(const ir_tensor *x, int64_t base, int32_t rank, const int64_t *size,
                     const double *point)
{
    double sum = 0.0;
    for (int32_t corner = 0; corner < 1 << rank; corner++) {
        double weight = 1.0;
        int64_t at = 0;
        bool inside = true;
        for (int32_t a = 0; a < rank; a++) {
            const double low = floor(point[a]), part = point[a] - low;
            const bool high = (corner >> a & 1) != 0;
            const double p = high ? low + 1.0 : low;
            inside = inside && p >= 0.0 && p < (double)size[a];
            weight *= high ? part : 1.0 - part;
            at = inside ? at * size[a] + (int64_t)p : 0;
        }
        if (inside && weight != 0.0) {
            sum += weight * ir_ref_get(x, base + at);
        }
    }
    return sum;
}

typedef struct deform {
    ir_window win;
    const ir_tensor *x, *w, *offset, *mask;
    int64_t taps, out_plane, in_plane, c_per_offset_group, offset_groups;
} deform;

/* One result without its bias: image n, filter m, whose first input channel is c0. */
static double deform_point(const deform *d, int64_t n, int64_t m, int64_t c0, int64_t o,
                           const int64_t *index)
{
    const int32_t rank = d->win.rank;
    double sum = 0.0;
    for (int64_t c = 0; c < d->w->dims[1]; c++) {
        const int64_t g = n * d->offset_groups + (c0 + c) / d->c_per_offset_group;
        for (int64_t t = 0; t < d->taps; t++) {
            double point[3];
            int64_t rest = t;
            for (int32_t a = rank - 1; a >= 0; a--) {
                const int64_t k = rest % d->win.kernel[a];
                rest /= d->win.kernel[a];
                const int64_t at = index[a] * d->win.strides[a] + k * d->win.dilations[a] -
                                   d->win.pads_begin[a];
                point[a] = (double)at + ir_ref_get(d->offset, ((g * d->taps + t) * rank + a) *
                                                                      d->out_plane + o);
            }
            const double factor = d->mask != NULL
                                      ? ir_ref_get(d->mask, (g * d->taps + t) * d->out_plane + o)
                                      : 1.0;
            const double v = sample(d->x, (n * d->x->dims[1] + c0 + c) * d->in_plane, rank,
                                    d->x->dims + 2, point);
            sum += v * factor * ir_ref_get(d->w, (m * d->w->dims[1] + c) * d->taps + t);
        }
    }
    return sum;
}

sy_status ir_ref_deformconv(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0), *b = ir_kernel_input(args, 3);
    ir_tensor *y = ir_kernel_output(args, 0);
    deform d = {.x = x, .w = ir_kernel_input(args, 1), .offset = ir_kernel_input(args, 2),
                .mask = ir_kernel_input(args, 4)};
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    SY_TRY(ir_window_resolve(args->node, x->rank - 2, x->dims + 2, d.w->dims + 2, args->diag, &d.win));
    d.offset_groups = ir_node_int(args->node, "offset_group", 1);
    d.c_per_offset_group = x->dims[1] / d.offset_groups;
    d.taps = ir_ref_product(d.win.kernel, 0, d.win.rank);
    d.in_plane = ir_ref_product(x->dims, 2, x->rank);
    d.out_plane = ir_ref_product(d.win.out, 0, d.win.rank);
    const int64_t m_per_group = d.w->dims[0] / ir_node_int(args->node, "group", 1);
    int64_t i = 0;
    for (int64_t n = 0; n < x->dims[0]; n++) {
        for (int64_t m = 0; m < d.w->dims[0]; m++) {
            const double bias = b != NULL ? ir_ref_get(b, m) : 0.0;
            ir_ref_walk walk;
            ir_ref_walk_start(&walk, d.win.rank, d.win.out);
            for (int64_t o = 0; o < d.out_plane; o++, ir_ref_walk_next(&walk)) {
                const int64_t c0 = m / m_per_group * d.w->dims[1];
                ir_ref_put(y, i++, deform_point(&d, n, m, c0, o, walk.index) + bias);
            }
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- CausalConvWithState */

/* Element i of past and x joined; what is before the past is zero. */
static double joined(const ir_tensor *past, const ir_tensor *x, int64_t row, int64_t n_past, int64_t i)
{
    if (i >= n_past) {
        return ir_ref_get(x, row * x->dims[2] + i - n_past);
    }
    return past != NULL ? ir_ref_get(past, row * n_past + i) : 0.0;
}

sy_status ir_ref_causalconv(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0), *w = ir_kernel_input(args, 1);
    const ir_tensor *b = ir_kernel_input(args, 2), *past = ir_kernel_input(args, 3);
    ir_tensor *y = ir_kernel_output(args, 0), *present = ir_kernel_output(args, 1);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    const bool silu = strcmp(ir_node_string(args->node, "activation", "none"), "none") != 0;
    const int64_t channels = x->dims[1], length = x->dims[2], k = w->dims[2], n_past = k - 1;
    for (int64_t row = 0; row < x->dims[0] * channels; row++) {
        const int64_t c = row % channels;
        for (int64_t i = 0; i < length && y != NULL; i++) {
            double v = 0.0;
            for (int64_t t = 0; t < k; t++) {
                v += joined(past, x, row, n_past, i + t) * ir_ref_get(w, c * k + t);
            }
            v += b != NULL ? ir_ref_get(b, c) : 0.0;
            ir_ref_put(y, row * length + i, v);
            if (silu) { /* of the rounded sum, as the definition casts it */
                const double rounded = ir_ref_get(y, row * length + i);
                ir_ref_put(y, row * length + i, rounded * ir_ref_sigmoid(rounded));
            }
        }
        for (int64_t i = 0; i < n_past && present != NULL; i++) {
            ir_ref_put(present, row * n_past + i, joined(past, x, row, n_past, length + i));
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- MaxUnpool */

/*
 * Indices count in the tensor that kernel, strides and pads imply; where output_shape is larger,
 * that tensor is its corner.
 */
sy_status ir_ref_maxunpool(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0), *indices = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    const int64_t *kernel, *strides, *pads;
    const int32_t spatial = x->rank - 2;
    (void)ir_node_ints(args->node, "kernel_shape", &kernel);
    const uint32_t n_strides = ir_node_ints(args->node, "strides", &strides);
    const uint32_t n_pads = ir_node_ints(args->node, "pads", &pads);
    int64_t dims[IR_MAX_RANK], total = 1;
    for (int32_t i = 0; i < x->rank; i++) {
        dims[i] = i < 2 ? x->dims[i]
                        : (x->dims[i] - 1) * (n_strides > 0 ? strides[i - 2] : 1) + kernel[i - 2] -
                              (n_pads > 0 ? pads[i - 2] + pads[i - 2 + spatial] : 0);
        if (dims[i] < 0 || __builtin_mul_overflow(total, dims[i], &total)) {
            return base_fail(args->diag, SY_ESHAPE, "the window does not fit dimension %d", i);
        }
    }
    memset(y->data, 0, y->size_bytes);
    const int64_t n = ir_tensor_n_elements(x);
    for (int64_t i = 0; i < n; i++) {
        int64_t rest = ir_ref_get_int(indices, i), at = 0, place = 1;
        if (rest < 0 || rest >= total) {
            return base_fail(args->diag, SY_EINVAL, "index %lld is outside a tensor of %lld elements",
                             (long long)rest, (long long)total);
        }
        bool inside = true;
        for (int32_t a = x->rank - 1; a >= 0; a--) {
            const int64_t p = rest % dims[a];
            rest /= dims[a];
            inside = inside && p < y->dims[a];
            at += p * place;
            place *= y->dims[a];
        }
        if (inside) {
            ir_ref_put(y, at, ir_ref_get(x, i));
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- Col2Im */

typedef struct col2im {
    int32_t rank;
    int64_t size[IR_MAX_RANK], block[IR_MAX_RANK], stride[IR_MAX_RANK], dilation[IR_MAX_RANK],
        begin[IR_MAX_RANK], n_blocks[IR_MAX_RANK];
    int64_t taps, blocks, plane;
} col2im;

static int64_t entry(const ir_node *n, const char *name, uint32_t want, uint32_t i, int64_t fallback,
                     bool *ok)
{
    const int64_t *values;
    const uint32_t count = ir_node_ints(n, name, &values);
    const int64_t v = count == want ? values[i] : fallback;
    *ok = *ok && (count == 0 || count == want) && v >= fallback && v <= INT32_MAX;
    return v;
}

static sy_status read_col2im(const ir_kernel_args *args, col2im *c)
{
    const ir_tensor *x = ir_kernel_input(args, 0), *image = ir_kernel_input(args, 1);
    const ir_tensor *block = ir_kernel_input(args, 2);
    const uint32_t rank = (uint32_t)image->dims[0];
    bool ok = true;
    c->rank = (int32_t)rank;
    c->taps = c->blocks = c->plane = 1;
    for (uint32_t i = 0; i < rank; i++) {
        c->size[i] = ir_ref_get_int(image, i);
        c->block[i] = ir_ref_get_int(block, i);
        c->stride[i] = entry(args->node, "strides", rank, i, 1, &ok);
        c->dilation[i] = entry(args->node, "dilations", rank, i, 1, &ok);
        c->begin[i] = entry(args->node, "pads", 2 * rank, i, 0, &ok);
        const int64_t end = entry(args->node, "pads", 2 * rank, rank + i, 0, &ok);
        ok = ok && c->block[i] >= 1 && c->block[i] <= INT32_MAX && c->size[i] <= INT32_MAX;
        if (!ok) {
            return base_fail(args->diag, SY_EINVAL,
                             "block shape, strides, dilations or pads of axis %u are malformed", i);
        }
        const int64_t room = c->size[i] + c->begin[i] + end - c->dilation[i] * (c->block[i] - 1) - 1;
        c->n_blocks[i] = room < 0 ? 0 : room / c->stride[i] + 1;
        c->plane *= c->size[i];
        if (__builtin_mul_overflow(c->taps, c->block[i], &c->taps) ||
            __builtin_mul_overflow(c->blocks, c->n_blocks[i], &c->blocks)) {
            return base_fail(args->diag, SY_ERANGE, "the blocks are too many");
        }
    }
    if (c->blocks != x->dims[2] || x->dims[1] % c->taps != 0) {
        return base_fail(args->diag, SY_ESHAPE,
                         "the image has %lld blocks of %lld elements, the operand is [%lld, %lld, %lld]",
                         (long long)c->blocks, (long long)c->taps, (long long)x->dims[0],
                         (long long)x->dims[1], (long long)x->dims[2]);
    }
    return SY_OK;
}

/* The offset in the image that tap t of block b covers; -1 in the padding. */
static int64_t covered(const col2im *c, int64_t t, int64_t b)
{
    int64_t at = 0, place = 1;
    for (int32_t a = c->rank - 1; a >= 0; a--) {
        const int64_t p = b % c->n_blocks[a] * c->stride[a] + t % c->block[a] * c->dilation[a] -
                          c->begin[a];
        if (p < 0 || p >= c->size[a]) {
            return -1;
        }
        b /= c->n_blocks[a];
        t /= c->block[a];
        at += p * place;
        place *= c->size[a];
    }
    return at;
}

/* Sums in double for floats, each part of a complex number apart, modulo 2^64 for integers. */
sy_status ir_ref_col2im(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    col2im c;
    SY_TRY(read_col2im(args, &c));
    ir_tensor from = *x, to = *y;
    const bool is_complex = sy_dtype_class_of(x->dtype) == SY_DC_COMPLEX;
    const int64_t parts = is_complex ? 2 : 1;
    from.dtype = to.dtype = !is_complex ? x->dtype : x->dtype == SY_DT_C64 ? SY_DT_F32 : SY_DT_F64;
    const bool is_float = ir_ref_is_float(from.dtype);
    SY_TRY(ir_ref_need(args, x, is_float || ir_ref_is_integer(from.dtype)));
    double *sums = BASE_ARENA_ARRAY(args->scratch, double, (size_t)(c.plane * parts));
    uint64_t *whole = BASE_ARENA_ARRAY(args->scratch, uint64_t, is_float ? 0 : (size_t)c.plane);
    if (sums == NULL || whole == NULL) {
        return SY_ENOMEM;
    }
    const int64_t planes = x->dims[0] * (x->dims[1] / c.taps);
    for (int64_t p = 0; p < planes; p++) {
        memset(sums, 0, (size_t)(c.plane * parts) * sizeof *sums);
        memset(whole, 0, is_float ? 0 : (size_t)c.plane * sizeof *whole);
        for (int64_t t = 0; t < c.taps; t++) {
            for (int64_t b = 0; b < c.blocks; b++) {
                const int64_t at = covered(&c, t, b), i = (p * c.taps + t) * c.blocks + b;
                for (int64_t k = 0; k < parts && at >= 0; k++) {
                    if (is_float) {
                        sums[at * parts + k] += ir_ref_get(&from, i * parts + k);
                    } else {
                        whole[at] += (uint64_t)ir_ref_get_int(&from, i);
                    }
                }
            }
        }
        for (int64_t i = 0; i < c.plane * parts; i++) {
            if (is_float) {
                ir_ref_put(&to, p * c.plane * parts + i, sums[i]);
            } else {
                ir_ref_put_int(&to, p * c.plane + i, (int64_t)whole[i]);
            }
        }
    }
    return SY_OK;
}
