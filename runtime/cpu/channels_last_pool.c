/*
 * channels_last_pool.c -- MaxPool, AveragePool, GlobalAveragePool and LRN, channels last: vectors of channels.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "channels_last.h"

#include <math.h>
#include <string.h>

#define TASK_FLOATS 16384 /* results of one task, about */

typedef struct window_job {
    const rt_simd *simd;
    rt_window2 w;
    rt_image in, out;
    bool average, include_pad;
    int64_t pads_end[2];
    const float *x;
    float *y;
    int64_t x_step, y_step;
    int64_t block, n_blocks; /* rows */
} window_job;

/* One result: all channels of a position. */
static void window(const window_job *j, const int64_t rows[2], const int64_t columns[2],
                   int64_t corner, int64_t count, int64_t *at, float *y)
{
    int64_t n = 0;
    for (int64_t r = rows[0]; r < rows[1]; r++) {
        for (int64_t c = columns[0]; c < columns[1]; c++) {
            at[n++] = corner + (r * j->w.dilation[0] * j->in.width + c * j->w.dilation[1]) * j->x_step;
        }
    }
    const int64_t channels = j->in.channels;
    if (!j->average) {
        j->simd->max_taps(channels, n, j->x, at, y);
        return;
    }
    j->simd->add_taps(channels, n, j->x, at, y);
    for (int64_t c = 0; c < channels; c++) {
        y[c] = count == 0 ? 0.0f : y[c] / (float)count;
    }
}

static sy_status window_task(void *user, int64_t i, rt_scratch *scratch)
{
    const window_job *j = user;
    const rt_window2 *w = &j->w;
    const int64_t image = i / j->n_blocks, first = i % j->n_blocks * j->block;
    const int64_t last = first + j->block < j->out.height ? first + j->block : j->out.height;
    int64_t *at = rt_scratch_get(scratch, (size_t)w->n_taps * sizeof *at);
    if (at == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t oh = first; oh < last; oh++) {
        int64_t rows[2];
        rt_taps_inside(w, 0, oh, &rows[0], &rows[1]);
        const int64_t high = j->average ? rt_taps_counted(w, 0, oh, j->include_pad, j->pads_end[0])
                                        : 0;
        for (int64_t ow = 0; ow < j->out.width; ow++) {
            int64_t columns[2];
            rt_taps_inside(w, 1, ow, &columns[0], &columns[1]);
            const int64_t wide = j->average
                                     ? rt_taps_counted(w, 1, ow, j->include_pad, j->pads_end[1])
                                     : 0;
            const int64_t corner = ((image * j->in.height + oh * w->stride[0] - w->pad[0]) *
                                        j->in.width +
                                    ow * w->stride[1] - w->pad[1]) *
                                   j->x_step;
            const int64_t position = (image * j->out.height + oh) * j->out.width + ow;
            window(j, rows, columns, corner, high * wide, at, j->y + position * j->y_step);
        }
    }
    return SY_OK;
}

static sy_status run_window(const ir_kernel_args *args, const rt_env *env, bool average)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    window_job j = {.simd = rt_simd_best(), .average = average, .x = x->data, .y = y->data};
    bool ok;
    if (ir_tensor_n_elements(y) == 0) {
        return SY_OK;
    }
    SY_TRY(rt_window2_of(args, x, NULL, &j.w, &ok));
    if (!ok) {
        return base_fail(args->diag, SY_EUNSUPPORTED, "strides above 256");
    }
    ir_window win;
    SY_TRY(ir_window_resolve(args->node, x->rank - 2, x->dims + 2, NULL, args->diag, &win));
    j.pads_end[1] = win.pads_end[win.rank - 1];
    j.pads_end[0] = win.rank == 2 ? win.pads_end[0] : 0;
    j.include_pad = average && ir_node_int(args->node, "count_include_pad", 0) != 0;
    j.in = rt_image_of(x);
    j.out = rt_image_of(y);
    j.x_step = rt_position_step(env, env->step->inputs[0], j.in.channels);
    j.y_step = rt_position_step(env, env->step->outputs[0], j.out.channels);
    const int64_t row = j.out.width * j.out.channels;
    j.block = row > TASK_FLOATS ? 1 : TASK_FLOATS / row;
    j.n_blocks = (j.out.height + j.block - 1) / j.block;
    rt_pool *pool = rt_pool_for(env, (double)ir_tensor_n_elements(y) * (double)j.w.n_taps);
    return rt_pool_run(pool, j.in.n * j.n_blocks, window_task, &j, env->scratch);
}

static sy_status run_max(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    (void)state;
    return run_window(args, env, false);
}

static sy_status run_average(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    (void)state;
    return run_window(args, env, true);
}

/* ---------------------------------------------------------------- GlobalAveragePool */

typedef struct global_job {
    const rt_simd *simd;
    rt_image in;
    const float *x;
    float *y;
    int64_t x_step, y_step;
    int64_t block, n_blocks; /* channels */
} global_job;

static sy_status global_task(void *user, int64_t i, rt_scratch *scratch)
{
    const global_job *j = user;
    const int64_t image = i / j->n_blocks, first = i % j->n_blocks * j->block;
    const int64_t left = j->in.channels - first, n = left < j->block ? left : j->block;
    const int64_t plane = j->in.height * j->in.width;
    double *sums = rt_scratch_get(scratch, (size_t)n * sizeof *sums);
    if (sums == NULL) {
        return SY_ENOMEM;
    }
    memset(sums, 0, (size_t)n * sizeof *sums);
    j->simd->add_rows(n, plane, j->x + image * plane * j->x_step + first, j->x_step, sums);
    for (int64_t c = 0; c < n; c++) {
        j->y[image * j->y_step + first + c] = (float)(sums[c] / (double)plane);
    }
    return SY_OK;
}

/* Sums in double, in order. */
static sy_status run_global(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    (void)state;
    if (ir_tensor_n_elements(y) == 0) {
        return SY_OK;
    }
    global_job j = {.simd = rt_simd_best(), .in = rt_image_of(x), .x = x->data, .y = y->data};
    j.x_step = rt_position_step(env, env->step->inputs[0], j.in.channels);
    j.y_step = rt_position_step(env, env->step->outputs[0], j.in.channels);
    j.block = 256; /* their sums stay in the first-level cache */
    j.n_blocks = (j.in.channels + j.block - 1) / j.block;
    rt_pool *pool = rt_pool_for(env, (double)ir_tensor_n_elements(x));
    return rt_pool_run(pool, j.in.n * j.n_blocks, global_task, &j, env->scratch);
}

/* ---------------------------------------------------------------- LRN */

typedef struct lrn_job {
    const rt_simd *simd;
    const float *x;
    float *y;
    int64_t x_step, y_step, channels, n_positions, block;
    int64_t size;
    float alpha, bias;
    int power;
} lrn_job;

static sy_status lrn_task(void *user, int64_t i, rt_scratch *scratch)
{
    const lrn_job *j = user;
    const int64_t before = (j->size - 1) / 2, width = j->channels + j->size;
    const int64_t first = i * j->block;
    const int64_t last = first + j->block < j->n_positions ? first + j->block : j->n_positions;
    float *squares = rt_scratch_get(scratch, (size_t)width * sizeof *squares);
    if (squares == NULL) {
        return SY_ENOMEM;
    }
    memset(squares, 0, (size_t)width * sizeof *squares);
    for (int64_t p = first; p < last; p++) {
        const float *x = j->x + p * j->x_step;
        j->simd->fmul(j->channels, x, x, 1, squares + before);
        j->simd->normalise_row(j->channels, j->size, squares, j->alpha, j->bias, j->power, x,
                               j->y + p * j->y_step);
    }
    return SY_OK;
}

static int lrn_power(const ir_node *n)
{
    const float beta = ir_node_float(n, "beta", 0.75f);
    return beta == 0.75f ? 75 : beta == 0.5f ? 50 : beta == 1.0f ? 100 : 0;
}

static sy_status run_lrn(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    (void)state;
    if (ir_tensor_n_elements(y) == 0) {
        return SY_OK;
    }
    const rt_image in = rt_image_of(x);
    lrn_job j = {.simd = rt_simd_best(),
                 .x = x->data,
                 .y = y->data,
                 .channels = in.channels,
                 .n_positions = in.n * in.height * in.width,
                 .size = ir_node_int(args->node, "size", 1),
                 .bias = ir_node_float(args->node, "bias", 1.0f),
                 .power = lrn_power(args->node)};
    j.alpha = ir_node_float(args->node, "alpha", 1e-4f) / (float)j.size;
    j.x_step = rt_position_step(env, env->step->inputs[0], in.channels);
    j.y_step = rt_position_step(env, env->step->outputs[0], in.channels);
    j.block = in.channels > TASK_FLOATS ? 1 : TASK_FLOATS / in.channels;
    rt_pool *pool = rt_pool_for(env, 16.0 * (double)ir_tensor_n_elements(x));
    return rt_pool_run(pool, (j.n_positions + j.block - 1) / j.block, lrn_task, &j, env->scratch);
}

/* ---------------------------------------------------------------- who may */

bool rt_pool_fits(const rt_fusion *f, const rt_step *step)
{
    (void)f;
    const int64_t *strides;
    const uint32_t n = ir_node_ints(step->node, "strides", &strides);
    for (uint32_t i = 0; i < n; i++) {
        if (strides[i] < 1 || strides[i] > 256) {
            return false;
        }
    }
    return step->n_outputs == 1 || step->outputs[1] == RT_NONE;
}

bool rt_lrn_fits(const rt_fusion *f, const rt_step *step)
{
    (void)f;
    const int64_t size = ir_node_int(step->node, "size", 1);
    return lrn_power(step->node) != 0 && size >= 1 && size <= 64;
}

const rt_kernel rt_max_last = {.run = run_max};
const rt_kernel rt_average_last = {.run = run_average};
const rt_kernel rt_global_average_last = {.run = run_global};
const rt_kernel rt_lrn_last = {.run = run_lrn};
