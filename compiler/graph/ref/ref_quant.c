/*
 * ref_quant.c -- the quantised operators, rounding by rounding as numerics.md writes them.
 *
 * Every `float` assignment below is one fp32 rounding; int32 sums wrap.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <string.h>

/* The output side that all of them share. */
typedef struct requantiser {
    float y_scale;
    int64_t zero, low, high;
} requantiser;

static requantiser requantiser_of(const ir_node *n)
{
    return (requantiser){
        .y_scale = ir_node_float(n, "y_scale", 1.0f),
        .zero = ir_node_int(n, "y_zero", 0),
        .low = ir_node_int(n, "y_min", -128),
        .high = ir_node_int(n, "y_max", 127),
    };
}

/* sat(rne(v) + zero), then the fused clamp. */
static int8_t requantise(const requantiser *q, float v)
{
    int64_t y = ir_ref_rne(v) + q->zero;
    y = y < -128 ? -128 : y > 127 ? 127 : y;
    y = y < q->low ? q->low : y;
    y = y > q->high ? q->high : y;
    return (int8_t)y;
}

/* acc + x * w, modulo 2^32. */
static int32_t mac(int32_t acc, int32_t x, int32_t w)
{
    return (int32_t)((uint32_t)acc + (uint32_t)(x * w));
}

static sy_status need_i8(const ir_kernel_args *args, uint32_t n_inputs)
{
    for (uint32_t i = 0; i < n_inputs; i++) {
        const ir_tensor *t = ir_kernel_input(args, i);
        SY_TRY(ir_ref_need(args, t, t->dtype == SY_DT_I8));
    }
    const ir_tensor *y = ir_kernel_output(args, 0);
    return ir_ref_need(args, y, y->dtype == SY_DT_I8);
}

/* ---------------------------------------------------------------- convolution */

/* A convolution brought to three spatial axes (missing ones have size 1 in front). */
typedef struct conv3 {
    int64_t in[3], kernel[3], out[3], stride[3], dilation[3], pad[3];
    int64_t channels, group_channels; /* C, C / group */
} conv3;

/* True and *at set if tap k of output o lies on the input, along one axis. Padding reads as x_zero:
 * x^ = 0, so it is left out. */
static bool tap_inside(const conv3 *c, int axis, int64_t o, int64_t k, int64_t *at)
{
    *at = o * c->stride[axis] + k * c->dilation[axis] - c->pad[axis];
    return *at >= 0 && *at < c->in[axis];
}

/* One row of results: each tap is added to all of them in turn (sums modulo 2^32 have no order). */
static void conv_row(const conv3 *c, const int8_t *x, const int8_t *w, int64_t od, int64_t oh,
                     int32_t zero, int32_t *sums)
{
    for (int64_t ci = 0; ci < c->group_channels; ci++) {
        for (int64_t kd = 0; kd < c->kernel[0]; kd++) {
            for (int64_t kh = 0; kh < c->kernel[1]; kh++) {
                int64_t d, h;
                const bool inside = tap_inside(c, 0, od, kd, &d) && tap_inside(c, 1, oh, kh, &h);
                const int8_t *weights = w + ((ci * c->kernel[0] + kd) * c->kernel[1] + kh) *
                                                c->kernel[2];
                for (int64_t kw = 0; kw < c->kernel[2] && inside; kw++) {
                    const int8_t *row = x + ((ci * c->in[0] + d) * c->in[1] + h) * c->in[2];
                    const int32_t weight = weights[kw];
                    int64_t first, last;
                    ir_ref_inside(c->out[2], c->in[2], c->stride[2],
                                  kw * c->dilation[2] - c->pad[2], &first, &last);
                    const int64_t offset = kw * c->dilation[2] - c->pad[2];
                    for (int64_t o = first; o < last; o++) {
                        sums[o] = mac(sums[o], row[o * c->stride[2] + offset] - zero, weight);
                    }
                }
            }
        }
    }
}

static sy_status conv3_of(const ir_kernel_args *args, const ir_tensor *x, const ir_tensor *w,
                          conv3 *c)
{
    const int32_t spatial = x->rank - 2;
    ir_window win;
    SY_TRY(ir_window_resolve(args->node, spatial, x->dims + 2, w->dims + 2, args->diag, &win));
    for (int32_t i = 0; i < 3; i++) {
        const int32_t a = i - (3 - spatial);
        c->in[i] = a < 0 ? 1 : x->dims[2 + a];
        c->kernel[i] = a < 0 ? 1 : win.kernel[a];
        c->out[i] = a < 0 ? 1 : win.out[a];
        c->stride[i] = a < 0 ? 1 : win.strides[a];
        c->dilation[i] = a < 0 ? 1 : win.dilations[a];
        c->pad[i] = a < 0 ? 0 : win.pads_begin[a];
    }
    c->channels = x->dims[1];
    c->group_channels = w->dims[1];
    return SY_OK;
}

sy_status ir_ref_qconv(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *w = ir_kernel_input(args, 1);
    const ir_tensor *b = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(need_i8(args, 2));
    conv3 c;
    SY_TRY(conv3_of(args, x, w, &c));

    const requantiser q = requantiser_of(args->node);
    const float x_scale = ir_node_float(args->node, "x_scale", 1.0f);
    const int32_t x_zero = (int32_t)ir_node_int(args->node, "x_zero", 0);
    const float *w_scale = NULL;
    const uint32_t n_scales = ir_node_floats(args->node, "w_scale", &w_scale);
    const int64_t n_out = w->dims[0];
    const int64_t n_per_group = n_out / ir_node_int(args->node, "group", 1);
    const int64_t in_plane = c.in[0] * c.in[1] * c.in[2];
    const int64_t w_filter = c.group_channels * c.kernel[0] * c.kernel[1] * c.kernel[2];

    int8_t *out = y->data;
    int32_t *sums = BASE_ARENA_ARRAY(args->scratch, int32_t, (size_t)c.out[2]);
    if (sums == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t n = 0; n < x->dims[0]; n++) {
        for (int64_t m = 0; m < n_out; m++) {
            const int64_t first = n * c.channels + m / n_per_group * c.group_channels;
            const int8_t *xg = (const int8_t *)x->data + first * in_plane;
            const int8_t *wm = (const int8_t *)w->data + m * w_filter;
            const int32_t bias = b != NULL ? ((const int32_t *)b->data)[m] : 0;
            const float scale_product = x_scale * w_scale[n_scales == 1 ? 0 : m];
            const float multiplier = scale_product / q.y_scale;
            for (int64_t r = 0; r < c.out[0] * c.out[1]; r++) {
                memset(sums, 0, (size_t)c.out[2] * sizeof *sums);
                conv_row(&c, xg, wm, r / c.out[1], r % c.out[1], x_zero, sums);
                for (int64_t o = 0; o < c.out[2]; o++) {
                    const int32_t acc = (int32_t)((uint32_t)sums[o] + (uint32_t)bias);
                    *out++ = requantise(&q, (float)acc * multiplier);
                }
            }
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- matrix products */

sy_status ir_ref_qgemm(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *w = ir_kernel_input(args, 1);
    const ir_tensor *b = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(need_i8(args, 2));
    const requantiser q = requantiser_of(args->node);
    const float x_scale = ir_node_float(args->node, "x_scale", 1.0f);
    const int32_t x_zero = (int32_t)ir_node_int(args->node, "x_zero", 0);
    const float *w_scale = NULL;
    const uint32_t n_scales = ir_node_floats(args->node, "w_scale", &w_scale);
    const int64_t depth = w->dims[0], columns = w->dims[1];
    const int64_t rows = ir_ref_product(x->dims, 0, x->rank - 1);

    for (int64_t i = 0; i < rows; i++) {
        const int8_t *xi = (const int8_t *)x->data + i * depth;
        for (int64_t j = 0; j < columns; j++) {
            int32_t acc = 0;
            for (int64_t k = 0; k < depth; k++) {
                acc = mac(acc, xi[k] - x_zero, ((const int8_t *)w->data)[k * columns + j]);
            }
            if (b != NULL) {
                acc = (int32_t)((uint32_t)acc + (uint32_t)((const int32_t *)b->data)[j]);
            }
            const float scale_product = x_scale * w_scale[n_scales == 1 ? 0 : j];
            const float multiplier = scale_product / q.y_scale;
            ((int8_t *)y->data)[i * columns + j] = requantise(&q, (float)acc * multiplier);
        }
    }
    return SY_OK;
}

sy_status ir_ref_qmatmul(const ir_kernel_args *args)
{
    const ir_tensor *a = ir_kernel_input(args, 0);
    const ir_tensor *b = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(need_i8(args, 2));
    const requantiser q = requantiser_of(args->node);
    const int32_t a_zero = (int32_t)ir_node_int(args->node, "a_zero", 0);
    const int32_t b_zero = (int32_t)ir_node_int(args->node, "b_zero", 0);
    const float scale_product = ir_node_float(args->node, "a_scale", 1.0f) *
                                ir_node_float(args->node, "b_scale", 1.0f);
    const float multiplier = scale_product / q.y_scale;
    const int64_t rows = a->dims[a->rank - 2], depth = a->dims[a->rank - 1],
                  columns = b->dims[b->rank - 1];

    /* Batch dimensions as tensors of their own: their strides count whole matrices. */
    const int32_t rank = y->rank - 2;
    ir_tensor a_batch = *a, b_batch = *b;
    a_batch.rank -= 2;
    b_batch.rank -= 2;
    ir_ref_walk walk;
    ir_ref_walk_start(&walk, rank, y->dims);
    ir_ref_broadcast_strides(&a_batch, rank, walk.strides[0]);
    ir_ref_broadcast_strides(&b_batch, rank, walk.strides[1]);

    int8_t *out = y->data;
    const int64_t n_batch = ir_ref_product(y->dims, 0, rank);
    for (int64_t n = 0; n < n_batch; n++, ir_ref_walk_next(&walk)) {
        const int8_t *an = (const int8_t *)a->data + walk.offset[0] * rows * depth;
        const int8_t *bn = (const int8_t *)b->data + walk.offset[1] * depth * columns;
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t j = 0; j < columns; j++) {
                int32_t acc = 0;
                for (int64_t k = 0; k < depth; k++) {
                    acc = mac(acc, an[i * depth + k] - a_zero, bn[k * columns + j] - b_zero);
                }
                *out++ = requantise(&q, (float)acc * multiplier);
            }
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- elementwise */

typedef enum binary_kind { BINARY_ADD, BINARY_SUB, BINARY_MUL } binary_kind;

static sy_status qbinary(const ir_kernel_args *args, binary_kind kind)
{
    const ir_tensor *a = ir_kernel_input(args, 0);
    const ir_tensor *b = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(need_i8(args, 2));
    const requantiser q = requantiser_of(args->node);
    const float a_scale = ir_node_float(args->node, "a_scale", 1.0f);
    const float b_scale = ir_node_float(args->node, "b_scale", 1.0f);
    const int32_t a_zero = (int32_t)ir_node_int(args->node, "a_zero", 0);
    const int32_t b_zero = (int32_t)ir_node_int(args->node, "b_zero", 0);
    const float a_multiplier = a_scale / q.y_scale;
    const float b_multiplier = kind == BINARY_SUB ? -(b_scale / q.y_scale) : b_scale / q.y_scale;
    const float scale_product = a_scale * b_scale;
    const float product_multiplier = scale_product / q.y_scale;

    ir_ref_walk walk;
    ir_ref_walk_start(&walk, y->rank, y->dims);
    ir_ref_broadcast_strides(a, y->rank, walk.strides[0]);
    ir_ref_broadcast_strides(b, y->rank, walk.strides[1]);
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&walk)) {
        const int32_t ai = ((const int8_t *)a->data)[walk.offset[0]] - a_zero;
        const int32_t bi = ((const int8_t *)b->data)[walk.offset[1]] - b_zero;
        float v;
        if (kind == BINARY_MUL) {
            v = (float)(ai * bi) * product_multiplier;
        } else {
            const float left = (float)ai * a_multiplier;
            const float right = (float)bi * b_multiplier;
            v = left + right;
        }
        ((int8_t *)y->data)[i] = requantise(&q, v);
    }
    return SY_OK;
}

sy_status ir_ref_qadd(const ir_kernel_args *args)
{
    return qbinary(args, BINARY_ADD);
}

sy_status ir_ref_qsub(const ir_kernel_args *args)
{
    return qbinary(args, BINARY_SUB);
}

sy_status ir_ref_qmul(const ir_kernel_args *args)
{
    return qbinary(args, BINARY_MUL);
}

sy_status ir_ref_qrequantize(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(need_i8(args, 1));
    const requantiser q = requantiser_of(args->node);
    const int32_t x_zero = (int32_t)ir_node_int(args->node, "x_zero", 0);
    const float multiplier = ir_node_float(args->node, "x_scale", 1.0f) / q.y_scale;
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++) {
        const int32_t xi = ((const int8_t *)x->data)[i] - x_zero;
        ((int8_t *)y->data)[i] = requantise(&q, (float)xi * multiplier);
    }
    return SY_OK;
}

sy_status ir_ref_qtable(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *table = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(need_i8(args, 2));
    const int64_t low = ir_node_int(args->node, "y_min", -128);
    const int64_t high = ir_node_int(args->node, "y_max", 127);
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++) {
        const int64_t v = ((const int8_t *)table->data)[((const int8_t *)x->data)[i] + 128];
        const int64_t raised = v < low ? low : v;
        ((int8_t *)y->data)[i] = (int8_t)(raised > high ? high : raised);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- average pooling */

/* The positions a window counts along one axis, and those of them that lie on the input. */
typedef struct span {
    int64_t counted, first, last; /* taps; input positions first, first + dilation, ..., <= last */
    int64_t step;
} span;

static span span_of(int64_t o, int64_t size, const ir_window *w, int32_t axis, bool include_pad)
{
    const int64_t start = o * w->strides[axis] - w->pads_begin[axis], step = w->dilations[axis];
    const ir_ref_taps t = ir_ref_taps_of(w, axis, o, size, include_pad);
    return (span){.counted = t.counted,
                  .first = start + t.first * step,
                  .last = start + (t.last - 1) * step,
                  .step = step};
}

sy_status ir_ref_qaveragepool(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(need_i8(args, 1));
    const int32_t spatial = x->rank - 2;
    const bool global = ir_node_int(args->node, "global", 0) != 0;
    const bool include_pad = ir_node_int(args->node, "count_include_pad", 0) != 0;
    ir_window win = {.rank = spatial};
    if (global) {
        for (int32_t i = 0; i < spatial; i++) {
            win.kernel[i] = x->dims[2 + i];
            win.strides[i] = win.dilations[i] = win.out[i] = 1;
        }
    } else {
        SY_TRY(ir_window_resolve(args->node, spatial, x->dims + 2, NULL, args->diag, &win));
    }
    const requantiser q = requantiser_of(args->node);
    const float x_scale = ir_node_float(args->node, "x_scale", 1.0f);
    const int32_t x_zero = (int32_t)ir_node_int(args->node, "x_zero", 0);
    const int64_t plane = ir_ref_product(x->dims, 2, x->rank);
    const int64_t out_plane = ir_ref_product(win.out, 0, spatial);

    ir_ref_walk walk;
    ir_ref_walk_start(&walk, spatial, win.out);
    for (int64_t p = 0; p < x->dims[0] * x->dims[1]; p++) {
        const int8_t *xp = (const int8_t *)x->data + p * plane;
        for (int64_t o = 0; o < out_plane; o++, ir_ref_walk_next(&walk)) {
            span s[3] = {{1, 0, 0, 1}, {1, 0, 0, 1}, {1, 0, 0, 1}};
            int64_t size[3] = {1, 1, 1};
            for (int32_t i = 0; i < spatial; i++) {
                const int32_t a = 3 - spatial + i;
                size[a] = x->dims[2 + i];
                s[a] = span_of(walk.index[i], size[a], &win, i, include_pad);
            }
            uint32_t sum = 0;
            for (int64_t d = s[0].first; d <= s[0].last; d += s[0].step) {
                for (int64_t h = s[1].first; h <= s[1].last; h += s[1].step) {
                    for (int64_t l = s[2].first; l <= s[2].last; l += s[2].step) {
                        sum += (uint32_t)(xp[(d * size[1] + h) * size[2] + l] - x_zero);
                    }
                }
            }
            const int64_t counted = s[0].counted * s[1].counted * s[2].counted;
            const float divisor = q.y_scale * (float)(counted == 0 ? 1 : counted);
            const float multiplier = x_scale / divisor;
            const float v = (float)(int32_t)sum * multiplier;
            ((int8_t *)y->data)[p * out_plane + o] = requantise(&q, v);
        }
    }
    return SY_OK;
}
