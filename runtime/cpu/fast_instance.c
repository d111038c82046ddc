/*
 * fast_instance.c -- InstanceNormalization, GroupNormalization and LogSoftmax along the last axis, in fp32.
 *
 * Sums of a group have the order of rt_simd.sum_row, squares are taken of what is left after the mean.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"

#include <math.h>
#include <string.h>

#define TASK_ELEMENTS 32768

typedef struct groups {
    const rt_simd *simd;
    const float *x, *scale, *bias; /* scale and bias of each channel */
    float *y;
    int64_t channels, per_group, plane, n_groups, groups_per_task;
    double epsilon;
} groups;

static sy_status group_task(void *user, int64_t i_task, rt_scratch *scratch)
{
    const groups *j = user;
    const int64_t n = j->per_group * j->plane, first = i_task * j->groups_per_task, left = j->n_groups - first;
    (void)scratch;
    for (int64_t g = first; g < first + (left < j->groups_per_task ? left : j->groups_per_task); g++) {
        const float *x = j->x + g * n;
        float *y = j->y + g * n;
        const float mean = j->simd->sum_row(n, x) / (float)n;
        const float *const operands[] = {y, y};
        j->simd->axpb(n, x, 1.0f, -mean, y);
        j->simd->elements[RT_E_MUL_F32](n, (const void *const *)operands, 0.0f, 0.0f, y);
        const double variance = (double)j->simd->sum_row(n, y) / (double)n;
        const float factor = (float)(1.0 / sqrt(variance + j->epsilon));
        for (int64_t c = 0; c < j->per_group; c++) {
            const int64_t channel = (g * j->per_group + c) % j->channels;
            const float a = j->scale[channel] * factor;
            j->simd->axpb(j->plane, x + c * j->plane, a, j->bias[channel] - mean * a, y + c * j->plane);
        }
    }
    return SY_OK;
}

static sy_status normalise(const ir_kernel_args *args, const rt_env *env, int64_t n_groups)
{
    const ir_tensor *x = ir_kernel_input(args, 0), *scale = ir_kernel_input(args, 1), *bias = ir_kernel_input(args, 2);
    const int64_t n = ir_tensor_n_elements(x);
    if (x->dtype != SY_DT_F32 || scale->dtype != SY_DT_F32 || bias->dtype != SY_DT_F32 || x->rank < 3 || n == 0 ||
        n_groups <= 0 || x->dims[1] % n_groups != 0 || ir_tensor_n_elements(scale) != x->dims[1] ||
        ir_tensor_n_elements(bias) != x->dims[1]) {
        return rt_run_reference(args);
    }
    groups j = {.simd = rt_simd_best(),
                .x = x->data,
                .scale = scale->data,
                .bias = bias->data,
                .y = ir_kernel_output(args, 0)->data,
                .channels = x->dims[1],
                .per_group = x->dims[1] / n_groups,
                .plane = n / (x->dims[0] * x->dims[1]),
                .n_groups = x->dims[0] * n_groups,
                .epsilon = (double)ir_node_float(args->node, "epsilon", 1e-5f)};
    const int64_t size = j.per_group * j.plane;
    j.groups_per_task = size < TASK_ELEMENTS ? TASK_ELEMENTS / size : 1;
    return rt_pool_run(rt_pool_for(env, 6.0 * (double)n), (j.n_groups + j.groups_per_task - 1) / j.groups_per_task,
                       group_task, &j, env->scratch);
}

sy_status rt_fast_instancenorm(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    (void)state;
    return normalise(args, env, ir_kernel_input(args, 0)->dims[1]);
}

sy_status rt_fast_groupnorm(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    (void)state;
    return normalise(args, env, ir_node_int(args->node, "num_groups", 1));
}

/* ---------------------------------------------------------------- LogSoftmax */

typedef struct rows {
    const rt_simd *simd;
    const float *x;
    float *y;
    int64_t n, n_rows, rows_per_task;
} rows;

static sy_status log_task(void *user, int64_t i_task, rt_scratch *scratch)
{
    const rows *j = user;
    const int64_t first = i_task * j->rows_per_task, left = j->n_rows - first;
    (void)scratch;
    for (int64_t r = first; r < first + (left < j->rows_per_task ? left : j->rows_per_task); r++) {
        const float *x = j->x + r * j->n;
        float *y = j->y + r * j->n;
        const float largest = j->simd->max_row(j->n, x);
        j->simd->exp(j->n, x, largest, y);
        const float logarithm = (float)log((double)j->simd->sum_row(j->n, y));
        for (int64_t i = 0; i < j->n; i++) {
            y[i] = (x[i] - largest) - logarithm;
        }
    }
    return SY_OK;
}

sy_status rt_fast_logsoftmax(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const int64_t axis = ir_node_int(args->node, "axis", -1), n_elements = ir_tensor_n_elements(x);
    (void)state;
    if (x->dtype != SY_DT_F32 || x->rank == 0 || (axis != -1 && axis != x->rank - 1) || n_elements == 0) {
        return rt_run_reference(args);
    }
    rows j = {.simd = rt_simd_best(), .x = x->data, .y = ir_kernel_output(args, 0)->data, .n = x->dims[x->rank - 1]};
    j.n_rows = n_elements / j.n;
    j.rows_per_task = j.n < TASK_ELEMENTS ? TASK_ELEMENTS / j.n : 1;
    return rt_pool_run(rt_pool_for(env, 30.0 * (double)n_elements), (j.n_rows + j.rows_per_task - 1) / j.rows_per_task,
                       log_task, &j, env->scratch);
}
