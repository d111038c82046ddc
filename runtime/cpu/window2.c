/*
 * window2.c -- windows over planes, with strides taken apart into phases.
 *
 * Tap (kh, kw) of output (oh, ow) reads input row oh * s + kh * d - pad: phase (kh * d) mod s, row
 * oh + (kh * d) / s of it. So within a phase, consecutive outputs are consecutive inputs, and with
 * rows of equal length an offset per tap is all there is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"

#include <string.h>

#define MAX_STRIDE 256

rt_pool *rt_pool_for(const rt_env *env, double n_operations)
{
    return n_operations < (double)RT_PARALLEL_OPERATIONS ? NULL : env->cpu->pool;
}

sy_status rt_run_reference(const ir_kernel_args *args)
{
    return args->node->op->reference(args);
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* True if some tap along this axis falls into phase p. */
static bool phase_used(const rt_window2 *w, int axis, int64_t p)
{
    for (int64_t k = 0; k < w->kernel[axis] && k < w->stride[axis];
         k++) { /* the phases repeat after `stride` taps */
        if (k * w->dilation[axis] % w->stride[axis] == p) {
            return true;
        }
    }
    return false;
}

static int64_t phases_before(const rt_window2 *w, int axis, int64_t p)
{
    int64_t n = 0;
    for (int64_t i = 0; i < p; i++) {
        n += phase_used(w, axis, i);
    }
    return n;
}

sy_status rt_window2_of(const ir_kernel_args *args, const ir_tensor *x, const int64_t *kernel,
                        rt_window2 *w, bool *ok)
{
    const int32_t spatial = x->rank - 2;
    *ok = spatial == 1 || spatial == 2;
    if (!*ok) {
        return SY_OK;
    }
    ir_window win;
    SY_TRY(ir_window_resolve(args->node, spatial, x->dims + 2, kernel, args->diag, &win));
    for (int i = 0; i < 2; i++) {
        const int a = i - (2 - spatial);
        w->in[i] = a < 0 ? 1 : x->dims[2 + a];
        w->out[i] = a < 0 ? 1 : win.out[a];
        w->kernel[i] = a < 0 ? 1 : win.kernel[a];
        w->stride[i] = a < 0 ? 1 : win.strides[a];
        w->dilation[i] = a < 0 ? 1 : win.dilations[a];
        w->pad[i] = a < 0 ? 0 : win.pads_begin[a];
    }
    /* Phases are counted one by one; a stride that large is no network's. */
    *ok = w->stride[0] <= MAX_STRIDE && w->stride[1] <= MAX_STRIDE;
    if (!*ok) {
        return SY_OK;
    }
    const int64_t reach_rows = (w->kernel[0] - 1) * w->dilation[0] / w->stride[0];
    const int64_t reach_columns = (w->kernel[1] - 1) * w->dilation[1] / w->stride[1];
    w->phase_rows = w->out[0] + reach_rows;
    w->phase_columns = w->out[1] + reach_columns;
    w->n_phases = phases_before(w, 0, w->stride[0]) * phases_before(w, 1, w->stride[1]);
    w->plane = w->n_phases * w->phase_rows * w->phase_columns;
    w->n_positions = larger(0, (w->out[0] - 1) * w->phase_columns + w->out[1]);
    w->n_taps = w->kernel[0] * w->kernel[1];
    return SY_OK;
}

void rt_window2_offsets(const rt_window2 *w, int64_t *offsets)
{
    const int64_t phases_across = phases_before(w, 1, w->stride[1]);
    for (int64_t kh = 0; kh < w->kernel[0]; kh++) {
        const int64_t row = kh * w->dilation[0];
        const int64_t row_phase = phases_before(w, 0, row % w->stride[0]);
        for (int64_t kw = 0; kw < w->kernel[1]; kw++) {
            const int64_t column = kw * w->dilation[1];
            const int64_t phase = row_phase * phases_across +
                                  phases_before(w, 1, column % w->stride[1]);
            *offsets++ = (phase * w->phase_rows + row / w->stride[0]) * w->phase_columns +
                         column / w->stride[1];
        }
    }
}

/* How many k >= 0 have start + k * step < limit. */
static int64_t n_below(int64_t start, int64_t step, int64_t limit)
{
    return limit > start ? (limit - start + step - 1) / step : 0;
}

void rt_taps_inside(const rt_window2 *w, int axis, int64_t o, int64_t *first, int64_t *last)
{
    const int64_t start = o * w->stride[axis] - w->pad[axis];
    *first = n_below(start, w->dilation[axis], 0);
    *last = n_below(start, w->dilation[axis], w->in[axis]);
    *last = *last < w->kernel[axis] ? *last : w->kernel[axis];
    *first = *first < *last ? *first : *last;
}

void rt_taps_of_row(const rt_window2 *w, int axis, int64_t *first, int64_t *last)
{
    int64_t unused;
    rt_taps_inside(w, axis, w->out[axis] - 1, first,
                   &unused);                   /* the last output reaches the input first */
    rt_taps_inside(w, axis, 0, &unused, last); /* the first one longest */
}

int64_t rt_taps_counted(const rt_window2 *w, int axis, int64_t o, bool include_pad, int64_t pad_end)
{
    const int64_t start = o * w->stride[axis] - w->pad[axis];
    int64_t first, last;
    rt_taps_inside(w, axis, o, &first, &last);
    const int64_t n = n_below(start, w->dilation[axis], w->in[axis] + pad_end);
    return include_pad ? (n < w->kernel[axis] ? n : w->kernel[axis]) : last - first;
}

void rt_inside(int64_t n, int64_t size, int64_t stride, int64_t at, int64_t *first, int64_t *last)
{
    *first = at >= 0 ? 0 : (-at + stride - 1) / stride;
    *last = size - at <= 0 ? 0 : (size - at + stride - 1) / stride;
    *first = *first < n ? *first : n;
    *last = *last < n ? *last : n;
    *last = *last > *first ? *last : *first;
}

void rt_window2_bytes(const rt_window2 *w, const uint8_t *from, uint8_t flip, uint8_t fill,
                      uint8_t *to)
{
    const int64_t n = w->phase_columns, step = w->stride[1];
    for (int64_t g = 0; g < w->stride[0]; g++) {
        for (int64_t f = 0; f < step && phase_used(w, 0, g); f++) {
            int64_t first, last;
            rt_inside(n, w->in[1], step, f - w->pad[1], &first, &last);
            for (int64_t r = 0; r < w->phase_rows && phase_used(w, 1, f); r++, to += n) {
                const int64_t h = r * w->stride[0] + g - w->pad[0];
                if (h < 0 || h >= w->in[0]) {
                    memset(to, fill, (size_t)n);
                    continue;
                }
                const int64_t row = h * w->in[1] + f - w->pad[1];
                memset(to, fill, (size_t)first);
                for (int64_t j = first; step == 1 && j < last; j++) {
                    to[j] = from[row + j] ^ flip;
                }
                for (int64_t j = first; step != 1 && j < last; j++) {
                    to[j] = from[row + j * step] ^ flip;
                }
                memset(to + last, fill, (size_t)(n - last));
            }
        }
    }
}

void rt_window2_floats(const rt_window2 *w, const float *from, float fill, float *to)
{
    const int64_t n = w->phase_columns, step = w->stride[1];
    for (int64_t g = 0; g < w->stride[0]; g++) {
        for (int64_t f = 0; f < step && phase_used(w, 0, g); f++) {
            int64_t first, last;
            rt_inside(n, w->in[1], step, f - w->pad[1], &first, &last);
            for (int64_t r = 0; r < w->phase_rows && phase_used(w, 1, f); r++, to += n) {
                const int64_t h = r * w->stride[0] + g - w->pad[0];
                const bool outside = h < 0 || h >= w->in[0];
                const int64_t begin = outside ? n : first, end = outside ? n : last;
                for (int64_t j = 0; j < begin; j++) {
                    to[j] = fill;
                }
                for (int64_t j = begin; j < end; j++) {
                    to[j] = from[h * w->in[1] + f - w->pad[1] + j * step];
                }
                for (int64_t j = end; j < n; j++) {
                    to[j] = fill;
                }
            }
        }
    }
}
