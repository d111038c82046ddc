/*
 * fast_conv.c -- Conv, Gemm and MatMul in fp32 through sgemm.
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

/* ---------------------------------------------------------------- matrix products */

typedef struct product_job {
    const rt_env *env;
    const float *a, *b;
    float *y;
    bool trans_a, trans_b;
    int64_t m, n, k, lda, ldb;
    float beta;
    bool by_rows; /* chunks are rows of y, else columns */
    int64_t chunk;
} product_job;

static sy_status product_task(void *user, int64_t i, rt_scratch *scratch)
{
    const product_job *j = user;
    const int64_t at = i * j->chunk;
    float *work = rt_scratch_get(scratch, RT_SGEMM_WORK_FLOATS * sizeof(float));
    if (work == NULL) {
        return SY_ENOMEM;
    }
    if (j->by_rows) {
        rt_sgemm(&j->env->cpu->blas, work, j->trans_a, j->trans_b, smaller(j->chunk, j->m - at),
                 j->n, j->k, j->a + at * (j->trans_a ? 1 : j->lda), j->lda, j->b, j->ldb, j->beta,
                 j->y + at * j->n, j->n);
    } else {
        rt_sgemm(&j->env->cpu->blas, work, j->trans_a, j->trans_b, j->m,
                 smaller(j->chunk, j->n - at), j->k, j->a, j->lda,
                 j->b + at * (j->trans_b ? j->ldb : 1), j->ldb, j->beta, j->y + at, j->n);
    }
    return SY_OK;
}

/* y = a * b + beta * y, cut along the longer side of y into at most 8 chunks of at least 64. */
static sy_status product(product_job *j)
{
    const double operations = 2.0 * (double)j->m * (double)j->n * (double)j->k;
    j->by_rows = j->m > j->n;
    const int64_t size = j->by_rows ? j->m : j->n;
    const int64_t n_chunks = operations < 4e6 ? 1 : at_least_one(smaller(8, size / 64));
    j->chunk = ((size + n_chunks - 1) / n_chunks + 15) / 16 * 16;
    rt_pool *pool = rt_pool_for(j->env, operations);
    return rt_pool_run(pool, (size + j->chunk - 1) / at_least_one(j->chunk), product_task, j,
                       j->env->scratch);
}

sy_status rt_fast_gemm(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *a = ir_kernel_input(args, 0);
    const ir_tensor *b = ir_kernel_input(args, 1);
    const ir_tensor *c = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    const float alpha = ir_node_float(args->node, "alpha", 1.0f),
                beta = ir_node_float(args->node, "beta", 1.0f);
    (void)state;
    if (a->dtype != SY_DT_F32 || ir_tensor_n_elements(y) == 0 || alpha != 1.0f) {
        return rt_run_reference(args);
    }
    product_job j = {.env = env, .a = a->data, .b = b->data, .y = y->data};
    j.trans_a = ir_node_int(args->node, "transA", 0) != 0;
    j.trans_b = ir_node_int(args->node, "transB", 0) != 0;
    j.m = y->dims[0];
    j.n = y->dims[1];
    j.k = a->dims[j.trans_a ? 0 : 1];
    j.lda = at_least_one(a->dims[1]);
    j.ldb = at_least_one(b->dims[1]);
    if (c != NULL) {
        j.beta = 1.0f;
        const int64_t c_columns = c->rank > 0 ? c->dims[c->rank - 1] : 1,
                      c_rows = c->rank > 1 ? c->dims[0] : 1;
        for (int64_t i = 0; i < j.m; i++) {
            const float *row = (const float *)c->data + (c_rows == 1 ? 0 : i * c_columns);
            for (int64_t k = 0; k < j.n; k++) {
                j.y[i * j.n + k] = beta * row[c_columns == 1 ? 0 : k];
            }
        }
    }
    return product(&j);
}

/* Matrix n of a batch of y in an operand whose batch axes are broadcast. */
static int64_t batch_matrix(const ir_tensor *t, const ir_tensor *y, int64_t n)
{
    int64_t at = 0, stride = 1;
    for (int32_t a = y->rank - 3, b = t->rank - 3; b >= 0; a--, b--) {
        at += t->dims[b] == 1 ? 0 : n % y->dims[a] * stride;
        stride *= t->dims[b];
        n /= y->dims[a];
    }
    return at;
}

sy_status rt_fast_matmul(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *a = ir_kernel_input(args, 0);
    const ir_tensor *b = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    (void)state;
    if (a->dtype != SY_DT_F32 || a->rank < 2 || b->rank < 2 || ir_tensor_n_elements(y) == 0) {
        return rt_run_reference(args);
    }
    product_job j = {.env = env,
                     .m = a->dims[a->rank - 2],
                     .k = a->dims[a->rank - 1],
                     .n = b->dims[b->rank - 1]};
    j.lda = at_least_one(j.k);
    j.ldb = at_least_one(j.n);
    if (b->rank == 2) { /* one matrix for all: the batch is more rows */
        j.m = ir_tensor_n_elements(y) / j.n;
    }
    const int64_t n_batch = ir_tensor_n_elements(y) / (j.m * j.n);
    for (int64_t i = 0; i < n_batch; i++) {
        j.a = (const float *)a->data + (n_batch == 1 ? 0 : batch_matrix(a, y, i) * j.m * j.k);
        j.b = (const float *)b->data + (n_batch == 1 ? 0 : batch_matrix(b, y, i) * j.k * j.n);
        j.y = (float *)y->data + i * j.m * j.n;
        SY_TRY(product(&j));
    }
    return SY_OK;
}
