/*
 * fast_pool.c -- MaxPool (fp32, int8), AveragePool and GlobalAveragePool (fp32): taps over whole
 * rows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"

#include <math.h>
#include <string.h>

typedef struct pool_job {
    const rt_simd *simd;
    rt_window2 w;
    bool bytes, average, include_pad;
    int64_t pads_end[2];
    const void *x;
    void *y;
} pool_job;

static void start_row(const pool_job *j, int64_t n, void *row)
{
    if (j->bytes) {
        memset(row, 0x80, (size_t)n);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        ((float *)row)[i] = j->average ? 0.0f : -INFINITY;
    }
}

static sy_status plane_task(void *user, int64_t p, rt_scratch *scratch)
{
    const pool_job *j = user;
    const rt_window2 *w = &j->w;
    const int64_t width = w->out[1], in_plane = w->in[0] * w->in[1];
    int64_t first_tap, last_tap;
    (void)scratch;
    rt_taps_of_row(w, 1, &first_tap, &last_tap);
    for (int64_t oh = 0; oh < w->out[0]; oh++) {
        const int64_t row = (p * w->out[0] + oh) * width;
        int8_t *to_bytes = (int8_t *)j->y + row;
        float *to = (float *)j->y + row;
        start_row(j, width, j->bytes ? (void *)to_bytes : (void *)to);
        int64_t first_row, last_row;
        rt_taps_inside(w, 0, oh, &first_row, &last_row);
        for (int64_t kh = first_row; kh < last_row; kh++) {
            const int64_t h = oh * w->stride[0] + kh * w->dilation[0] - w->pad[0];
            for (int64_t kw = first_tap; kw < last_tap; kw++) {
                int64_t first, last;
                const int64_t at = kw * w->dilation[1] - w->pad[1];
                rt_inside(width, w->in[1], w->stride[1], at, &first, &last);
                const int64_t from = p * in_plane + h * w->in[1] + first * w->stride[1] + at;
                if (last <= first) {
                    continue;
                }
                if (j->bytes) {
                    j->simd->max_bytes(last - first, (const int8_t *)j->x + from, w->stride[1],
                                       to_bytes + first);
                } else if (j->average) {
                    j->simd->add_floats(last - first, (const float *)j->x + from, w->stride[1],
                                        to + first);
                } else {
                    j->simd->max_floats(last - first, (const float *)j->x + from, w->stride[1],
                                        to + first);
                }
            }
        }
        const int64_t rows = j->average ? rt_taps_counted(w, 0, oh, j->include_pad, j->pads_end[0])
                                        : 0;
        for (int64_t ow = 0; j->average && ow < width; ow++) {
            const int64_t n = rows * rt_taps_counted(w, 1, ow, j->include_pad, j->pads_end[1]);
            to[ow] = n == 0 ? 0.0f : to[ow] / (float)n;
        }
    }
    return SY_OK;
}

static sy_status run_pool(const ir_kernel_args *args, const rt_env *env, pool_job *j)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *y = ir_kernel_output(args, 0);
    bool ok;
    SY_TRY(rt_window2_of(args, x, NULL, &j->w, &ok));
    if (!ok) {
        return rt_run_reference(args);
    }
    ir_window win;
    SY_TRY(ir_window_resolve(args->node, x->rank - 2, x->dims + 2, NULL, args->diag, &win));
    j->pads_end[1] = win.pads_end[win.rank - 1];
    j->pads_end[0] = win.rank == 2 ? win.pads_end[0] : 0;
    j->simd = rt_simd_best();
    j->x = x->data;
    j->y = y->data;
    rt_pool *pool = rt_pool_for(env, (double)ir_tensor_n_elements(y) * (double)j->w.n_taps);
    return rt_pool_run(pool, x->dims[0] * x->dims[1], plane_task, j, env->scratch);
}

sy_status rt_fast_maxpool(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    pool_job j = {.bytes = x->dtype == SY_DT_I8};
    (void)state;
    if ((x->dtype != SY_DT_I8 && x->dtype != SY_DT_F32) || ir_kernel_output(args, 0) == NULL ||
        ir_kernel_output(args, 1) != NULL) {
        return rt_run_reference(args);
    }
    return run_pool(args, env, &j);
}

sy_status rt_fast_averagepool(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    pool_job j = {.average = true,
                  .include_pad = ir_node_int(args->node, "count_include_pad", 0) != 0};
    (void)state;
    if (ir_kernel_input(args, 0)->dtype != SY_DT_F32) {
        return rt_run_reference(args);
    }
    return run_pool(args, env, &j);
}

/* Sums in double, in order. */
sy_status rt_fast_globalaveragepool(const ir_kernel_args *args, const rt_env *env,
                                    const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    (void)env;
    (void)state;
    if (x->dtype != SY_DT_F32 || ir_tensor_n_elements(x) == 0) {
        return rt_run_reference(args);
    }
    const int64_t n_planes = ir_tensor_n_elements(y), plane = ir_tensor_n_elements(x) / n_planes;
    for (int64_t p = 0; p < n_planes; p++) {
        const float *from = (const float *)x->data + p * plane;
        double s = 0.0;
        for (int64_t i = 0; i < plane; i++) {
            s += (double)from[i];
        }
        ((float *)y->data)[p] = (float)(s / (double)plane);
    }
    return SY_OK;
}
