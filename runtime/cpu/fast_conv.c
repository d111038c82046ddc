/*
 * fast_conv.c -- Conv in fp32 through sgemm.
 *
 * Work is cut into blocks by shape alone; each block is one single-threaded call, so results do not
 * depend on the number of threads. A convolution's block is filters x some output positions, whose
 * windows are laid out as a matrix first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"

#include <string.h>

/* Aims for one block: its matrix of windows stays in the second-level cache, yet is wide enough for
 * sgemm. */
#define BLOCK_FLOATS      (128 * 1024)
#define MIN_BLOCK_COLUMNS 128
#define MAX_BLOCK_COLUMNS 1024
#define MIN_CHUNK_ROWS    64

static int64_t at_least_one(int64_t v)
{
    return v > 1 ? v : 1;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---------------------------------------------------------------- Conv */

typedef struct conv_job {
    const rt_env *env;
    rt_window2 w;
    const float *x, *weights, *bias; /* bias may be NULL */
    float *y;
    int64_t n_out, group, group_channels, depth, channels;
    int64_t in_plane, out_plane;
    int64_t block, n_blocks, chunk, n_chunks; /* columns; rows of one group */
    bool direct;                              /* 1x1: the input is the matrix */
    const int64_t *offsets;                   /* depthwise */
} conv_job;

/* Row (c, kh, kw) of the matrix: positions p, p + 1, ... of the output. */
static void window_row(const rt_window2 *w, const float *plane, int64_t kh, int64_t kw, int64_t p,
                       int64_t n, float *to)
{
    int64_t oh = p / w->out[1], ow = p % w->out[1];
    const int64_t step = w->stride[1], at = kw * w->dilation[1] - w->pad[1];
    int64_t first, last;
    rt_inside(w->out[1], w->in[1], step, at, &first, &last);
    while (n > 0) {
        const int64_t end = smaller(w->out[1], ow + n);
        const int64_t h = oh * w->stride[0] + kh * w->dilation[0] - w->pad[0];
        const bool outside = h < 0 || h >= w->in[0];
        const int64_t row = h * w->in[1] + at;
        for (int64_t j = ow; j < end; j++) {
            if (outside || j < first || j >= last) {
                *to++ = 0.0f;
            } else if (step == 1) {
                const int64_t run = smaller(last, end) - j;
                memcpy(to, plane + (row + j), (size_t)run * sizeof(float));
                to += run;
                j += run - 1;
            } else {
                *to++ = plane[row + j * step];
            }
        }
        n -= end - ow;
        ow = 0;
        oh++;
    }
}

static sy_status conv_task(void *user, int64_t i, rt_scratch *scratch)
{
    const conv_job *j = user;
    const int64_t block = i % j->n_blocks, chunk = i / j->n_blocks % j->n_chunks;
    const int64_t group = i / (j->n_blocks * j->n_chunks) % j->group,
                  image = i / (j->n_blocks * j->n_chunks * j->group);
    const int64_t p = block * j->block, n = smaller(j->block, j->out_plane - p);
    const int64_t per_group = j->n_out / j->group;
    const int64_t m = chunk * j->chunk, rows = smaller(j->chunk, per_group - m);
    const size_t matrix = j->direct ? 0 : (size_t)(j->depth * n);
    float *work = rt_scratch_get(scratch, (RT_SGEMM_WORK_FLOATS + matrix) * sizeof(float));
    if (work == NULL) {
        return SY_ENOMEM;
    }
    const float *x = j->x + (image * j->channels + group * j->group_channels) * j->in_plane;
    const float *b = x + p;
    int64_t ldb = j->in_plane;
    if (!j->direct) {
        float *to = work + RT_SGEMM_WORK_FLOATS;
        for (int64_t k = 0; k < j->depth; k++) {
            const int64_t tap = k % j->w.n_taps;
            window_row(&j->w, x + k / j->w.n_taps * j->in_plane, tap / j->w.kernel[1],
                       tap % j->w.kernel[1], p, n, to + k * n);
        }
        b = to;
        ldb = n;
    }
    const int64_t channel = group * per_group + m;
    float *y = j->y + (image * j->n_out + channel) * j->out_plane + p;
    for (int64_t r = 0; r < rows && j->bias != NULL; r++) {
        for (int64_t c = 0; c < n; c++) {
            y[r * j->out_plane + c] = j->bias[channel + r];
        }
    }
    rt_sgemm(&j->env->cpu->blas, work, false, false, rows, n, j->depth,
             j->weights + channel * j->depth, j->depth, b, ldb, j->bias != NULL ? 1.0f : 0.0f, y,
             j->out_plane);
    return SY_OK;
}

/* One input channel of one image, and the output channels that it alone makes. */
static sy_status depthwise_task(void *user, int64_t i, rt_scratch *scratch)
{
    const conv_job *j = user;
    const rt_window2 *w = &j->w;
    const int64_t image = i / j->channels, channel = i % j->channels,
                  per_group = j->n_out / j->group;
    float *plane = rt_scratch_get(scratch, (size_t)(w->plane + w->n_positions + 2 * RT_TAPS_BLOCK) *
                                               sizeof(float));
    if (plane == NULL) {
        return SY_ENOMEM;
    }
    float *positions = plane + w->plane + RT_TAPS_BLOCK;
    rt_window2_floats(w, j->x + i * j->in_plane, 0.0f, plane);
    for (int64_t m = channel * per_group; m < (channel + 1) * per_group; m++) {
        float *y = j->y + (image * j->n_out + m) * j->out_plane;
        rt_simd_best()->taps(w->n_positions, w->n_taps, j->weights + m * w->n_taps, plane,
                             j->offsets, j->bias != NULL ? j->bias[m] : 0.0f, positions);
        for (int64_t r = 0; r < w->out[0]; r++) {
            memcpy(y + r * w->out[1], positions + r * w->phase_columns,
                   (size_t)w->out[1] * sizeof(float));
        }
    }
    return SY_OK;
}

static void cut_into_blocks(conv_job *j)
{
    const int64_t per_group = j->n_out / j->group;
    int64_t columns = j->direct ? MAX_BLOCK_COLUMNS : BLOCK_FLOATS / j->depth;
    columns = columns < MIN_BLOCK_COLUMNS ? MIN_BLOCK_COLUMNS : smaller(columns, MAX_BLOCK_COLUMNS);
    j->n_blocks = (j->out_plane + columns - 1) / columns;
    j->block = ((j->out_plane + j->n_blocks - 1) / j->n_blocks + 15) / 16 * 16;
    j->n_blocks = (j->out_plane + j->block - 1) / j->block;
    j->n_chunks = j->n_blocks * j->group >= 4
                      ? 1
                      : at_least_one(smaller(4, per_group / MIN_CHUNK_ROWS));
    j->chunk = (per_group + j->n_chunks - 1) / j->n_chunks;
    j->n_chunks = (per_group + j->chunk - 1) / j->chunk;
}

sy_status rt_fast_conv(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *w = ir_kernel_input(args, 1);
    const ir_tensor *b = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    (void)state;
    if (x->dtype != SY_DT_F32 || w->dtype != SY_DT_F32) {
        return rt_run_reference(args);
    }
    conv_job j = {.env = env,
                  .x = x->data,
                  .weights = w->data,
                  .bias = b != NULL ? b->data : NULL,
                  .y = y->data};
    bool ok;
    SY_TRY(rt_window2_of(args, x, w->dims + 2, &j.w, &ok));
    if (!ok || ir_tensor_n_elements(y) == 0 || ir_tensor_n_elements(w) == 0) {
        return rt_run_reference(args);
    }
    j.n_out = w->dims[0];
    j.channels = x->dims[1];
    j.group = ir_node_int(args->node, "group", 1);
    j.group_channels = w->dims[1];
    j.depth = j.group_channels * j.w.n_taps;
    j.in_plane = j.w.in[0] * j.w.in[1];
    j.out_plane = j.w.out[0] * j.w.out[1];
    const rt_window2 *v = &j.w;
    j.direct = v->n_taps == 1 && v->stride[0] == 1 && v->stride[1] == 1 &&
               j.in_plane == j.out_plane && v->pad[0] == 0 && v->pad[1] == 0;
    rt_pool *pool = rt_pool_for(env, 2.0 * (double)ir_tensor_n_elements(y) * (double)j.depth);
    if (j.group_channels == 1 && j.group > 1) {
        int64_t *offsets = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)j.w.n_taps);
        if (offsets == NULL) {
            return SY_ENOMEM;
        }
        rt_window2_offsets(&j.w, offsets);
        j.offsets = offsets;
        return rt_pool_run(pool, x->dims[0] * j.channels, depthwise_task, &j, env->scratch);
    }
    cut_into_blocks(&j);
    return rt_pool_run(pool, x->dims[0] * j.group * j.n_chunks * j.n_blocks, conv_task, &j,
                       env->scratch);
}
