/*
 * ref_matmul.c -- Conv, Gemm, MatMul on float (sums in double, in k order, rounded once) and
 * integers (wrapping).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

static bool known(sy_dtype t)
{
    return ir_ref_is_float(t) || (ir_ref_is_integer(t) && sy_dtype_class_of(t) != SY_DC_BOOL);
}

/* One running sum: in double for floats, modulo 2^64 for integers. */
typedef struct sum {
    bool is_float;
    double f;
    uint64_t i;
} sum;

static void sum_add_product(sum *s, const ir_tensor *a, int64_t ia, const ir_tensor *b, int64_t ib)
{
    if (s->is_float) {
        s->f += ir_ref_get(a, ia) * ir_ref_get(b, ib);
    } else {
        s->i += (uint64_t)ir_ref_get_int(a, ia) * (uint64_t)ir_ref_get_int(b, ib);
    }
}

static void sum_store(const sum *s, ir_tensor *y, int64_t i)
{
    if (s->is_float) {
        ir_ref_put(y, i, s->f);
    } else {
        ir_ref_put_int(y, i, (int64_t)s->i);
    }
}

/* ---------------------------------------------------------------- convolution */

/* One result of a convolution: its window over the channels of one group, in double. */
static double conv_point(const ir_window *win, const ir_tensor *x, int64_t x_base,
                         const ir_tensor *w, int64_t w_base, const int64_t *index)
{
    const int64_t *size = x->dims + 2;
    const int64_t in_plane = ir_ref_product(x->dims, 2, x->rank);
    const int64_t taps = ir_ref_product(win->kernel, 0, win->rank);
    double acc = 0.0;
    for (int64_t c = 0; c < w->dims[1]; c++) {
        for (int64_t t = 0; t < taps; t++) {
            int64_t rest = t, at = 0, place = 1;
            bool inside = true;
            for (int32_t a = win->rank - 1; a >= 0; a--) {
                const int64_t k = rest % win->kernel[a];
                rest /= win->kernel[a];
                const int64_t p = index[a] * win->strides[a] + k * win->dilations[a] -
                                  win->pads_begin[a];
                inside = inside && p >= 0 && p < size[a];
                at += p * place;
                place *= size[a];
            }
            if (inside) {
                acc += ir_ref_get(x, x_base + c * in_plane + at) *
                       ir_ref_get(w, w_base + c * taps + t);
            }
        }
    }
    return acc;
}

/*
 * The common case, spelt out for speed: two spatial axes of fp32, a row of results at a time. Each
 * result is the same sum in the same order, and a product with padding, which is left out here,
 * would add a zero.
 */
static void conv_row_f32(const ir_window *win, const ir_tensor *x, int64_t x_base,
                         const ir_tensor *w, int64_t w_base, int64_t oh, double *sums)
{
    const int64_t height = x->dims[2], width = x->dims[3], n = win->out[1], step = win->strides[1];
    const float *weight = (const float *)w->data + w_base;
    for (int64_t c = 0; c < w->dims[1]; c++) {
        const float *plane = (const float *)x->data + x_base + c * height * width;
        for (int64_t kh = 0; kh < win->kernel[0]; kh++) {
            const int64_t h = oh * win->strides[0] + kh * win->dilations[0] - win->pads_begin[0];
            for (int64_t kw = 0; kw < win->kernel[1]; kw++) {
                const int64_t at = kw * win->dilations[1] - win->pads_begin[1];
                const double wv = (double)*weight++;
                int64_t first = 0, last = 0;
                if (h >= 0 && h < height) {
                    ir_ref_inside(n, width, step, at, &first, &last);
                }
                for (int64_t o = first; o < last; o++) {
                    sums[o] += (double)plane[h * width + o * step + at] * wv;
                }
            }
        }
    }
}

/* All results of one filter on one image. */
static void conv_plane_f32(const ir_window *win, const ir_tensor *x, int64_t x_base,
                           const ir_tensor *w, int64_t w_base, double bias, double *sums, float *y)
{
    for (int64_t oh = 0; oh < win->out[0]; oh++) {
        for (int64_t o = 0; o < win->out[1]; o++) {
            sums[o] = 0.0;
        }
        conv_row_f32(win, x, x_base, w, w_base, oh, sums);
        for (int64_t o = 0; o < win->out[1]; o++) {
            *y++ = (float)(sums[o] + bias);
        }
    }
}

sy_status ir_ref_conv(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *w = ir_kernel_input(args, 1);
    const ir_tensor *b = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype) && w->dtype == x->dtype));
    const int32_t spatial = x->rank - 2;
    ir_window win;
    SY_TRY(ir_window_resolve(args->node, spatial, x->dims + 2, w->dims + 2, args->diag, &win));
    const bool plain = x->dtype == SY_DT_F32 && spatial == 2;
    double *sums = BASE_ARENA_ARRAY(args->scratch, double, plain ? (size_t)win.out[1] : 0);
    if (sums == NULL) {
        return SY_ENOMEM;
    }
    const int64_t n_per_group = w->dims[0] / ir_node_int(args->node, "group", 1);
    const int64_t in_plane = ir_ref_product(x->dims, 2, x->rank);
    const int64_t out_plane = ir_ref_product(win.out, 0, spatial);
    const int64_t filter = ir_ref_product(w->dims, 1, w->rank);

    int64_t i = 0;
    for (int64_t n = 0; n < x->dims[0]; n++) {
        for (int64_t m = 0; m < w->dims[0]; m++) {
            const int64_t x_base = (n * x->dims[1] + m / n_per_group * w->dims[1]) * in_plane;
            const double bias = b != NULL ? ir_ref_get(b, m) : 0.0;
            if (plain) {
                conv_plane_f32(&win, x, x_base, w, m * filter, bias, sums, (float *)y->data + i);
                i += out_plane;
                continue;
            }
            ir_ref_walk walk;
            ir_ref_walk_start(&walk, spatial, win.out);
            for (int64_t o = 0; o < out_plane; o++, ir_ref_walk_next(&walk)) {
                ir_ref_put(y, i++, conv_point(&win, x, x_base, w, m * filter, walk.index) + bias);
            }
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- matrix products */

sy_status ir_ref_gemm(const ir_kernel_args *args)
{
    const ir_tensor *a = ir_kernel_input(args, 0);
    const ir_tensor *b = ir_kernel_input(args, 1);
    const ir_tensor *c = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, a, known(a->dtype) && b->dtype == a->dtype));
    const double alpha = (double)ir_node_float(args->node, "alpha", 1.0f);
    const double beta = (double)ir_node_float(args->node, "beta", 1.0f);
    const bool trans_a = ir_node_int(args->node, "transA", 0) != 0;
    const bool trans_b = ir_node_int(args->node, "transB", 0) != 0;
    const int64_t rows = y->dims[0], columns = y->dims[1];
    const int64_t depth = a->dims[trans_a ? 0 : 1];
    int64_t c_strides[IR_MAX_RANK] = {0, 0};
    if (c != NULL) {
        ir_ref_broadcast_strides(c, 2, c_strides);
    }
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            sum s = {.is_float = ir_ref_is_float(a->dtype)};
            for (int64_t k = 0; k < depth; k++) {
                sum_add_product(&s, a, trans_a ? k * rows + i : i * depth + k, b,
                                trans_b ? j * depth + k : k * columns + j);
            }
            const int64_t at = i * c_strides[0] + j * c_strides[1];
            if (s.is_float) {
                s.f = alpha * s.f + (c != NULL ? beta * ir_ref_get(c, at) : 0.0);
            } else {
                /* alpha and beta are floats; on integers only whole factors are meaningful. */
                s.i = (uint64_t)(int64_t)alpha * s.i +
                      (c != NULL ? (uint64_t)(int64_t)beta * (uint64_t)ir_ref_get_int(c, at) : 0);
            }
            sum_store(&s, y, i * columns + j);
        }
    }
    return SY_OK;
}

sy_status ir_ref_matmul(const ir_kernel_args *args)
{
    ir_tensor a = *ir_kernel_input(args, 0);
    ir_tensor b = *ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, &a, known(a.dtype) && b.dtype == a.dtype));
    /* A vector on the left is one row, on the right one column; the result has no such dimension
     * then. */
    const int32_t rank = y->rank + (a.rank == 1) + (b.rank == 1) - 2;
    if (a.rank == 1) {
        a.dims[1] = a.dims[0];
        a.dims[0] = 1;
        a.rank = 2;
    }
    if (b.rank == 1) {
        b.dims[1] = 1;
        b.rank = 2;
    }
    const int64_t rows = a.dims[a.rank - 2], depth = a.dims[a.rank - 1],
                  columns = b.dims[b.rank - 1];
    ir_tensor a_batch = a, b_batch = b;
    a_batch.rank -= 2;
    b_batch.rank -= 2;
    ir_ref_walk walk;
    ir_ref_walk_start(&walk, rank, y->dims);
    ir_ref_broadcast_strides(&a_batch, rank, walk.strides[0]);
    ir_ref_broadcast_strides(&b_batch, rank, walk.strides[1]);

    int64_t out = 0;
    const int64_t n_batch = ir_ref_product(y->dims, 0, rank);
    for (int64_t n = 0; n < n_batch; n++, ir_ref_walk_next(&walk)) {
        const int64_t a_base = walk.offset[0] * rows * depth;
        const int64_t b_base = walk.offset[1] * depth * columns;
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t j = 0; j < columns; j++) {
                sum s = {.is_float = ir_ref_is_float(a.dtype)};
                for (int64_t k = 0; k < depth; k++) {
                    sum_add_product(&s, &a, a_base + i * depth + k, &b, b_base + k * columns + j);
                }
                sum_store(&s, y, out++);
            }
        }
    }
    return SY_OK;
}
