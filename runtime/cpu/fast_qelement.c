/*
 * fast_qelement.c -- QAdd, QSub, QMul, QRequantize, QTable, QAveragePool.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"

#include <string.h>

/* One side of a sum: zero point and multiplier. */
typedef struct side {
    const int8_t *data;
    int32_t zero;
    float multiplier;
} side;

/* The sides change places where only the left one is repeated: fl(a + b) = fl(b + a). */
static sy_status sum(const ir_kernel_args *args, float sign)
{
    const ir_tensor *a = ir_kernel_input(args, 0);
    const ir_tensor *b = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    float y_scale;
    const rt_requant q = rt_requant_of(args->node, &y_scale);
    side left = {a->data, (int32_t)ir_node_int(args->node, "a_zero", 0),
                 ir_node_float(args->node, "a_scale", 1.0f) / y_scale};
    side right = {b->data, (int32_t)ir_node_int(args->node, "b_zero", 0),
                  sign * (ir_node_float(args->node, "b_scale", 1.0f) / y_scale)};
    if (a->dtype != SY_DT_I8 || b->dtype != SY_DT_I8 || !rt_tame(left.multiplier) ||
        !rt_tame(right.multiplier) || !rt_zeros_fit(args->node)) {
        return rt_run_reference(args);
    }
    const rt_rows rows = rt_rows_of(a, b, y);
    if (rows.a_step == 0 && rows.b_step == 0 && rows.n > 1) {
        return rt_run_reference(args);
    }
    const bool swap = rows.a_step == 0 && rows.n > 1;
    for (int64_t i = 0; i < rows.n_rows && rows.n > 0; i++) {
        int64_t at_a, at_b;
        rt_rows_at(&rows, i, &at_a, &at_b);
        const side l = {left.data + at_a, left.zero, left.multiplier};
        const side r = {right.data + at_b, right.zero, right.multiplier};
        const side *first = swap ? &r : &l, *second = swap ? &l : &r;
        rt_simd_best()->qadd(rows.n, first->data, first->zero, first->multiplier, second->data,
                             swap ? rows.a_step : rows.b_step, second->zero, second->multiplier, &q,
                             (int8_t *)y->data + i * rows.n);
    }
    return SY_OK;
}

sy_status rt_fast_qadd(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    (void)env;
    (void)state;
    return sum(args, 1.0f);
}

sy_status rt_fast_qsub(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    (void)env;
    (void)state;
    return sum(args, -1.0f);
}

sy_status rt_fast_qmul(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *a = ir_kernel_input(args, 0);
    const ir_tensor *b = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    (void)env;
    (void)state;
    float y_scale;
    const rt_requant q = rt_requant_of(args->node, &y_scale);
    const float scale_product = ir_node_float(args->node, "a_scale", 1.0f) *
                                ir_node_float(args->node, "b_scale", 1.0f);
    const float multiplier = scale_product / y_scale;
    const int32_t a_zero = (int32_t)ir_node_int(args->node, "a_zero", 0);
    const int32_t b_zero = (int32_t)ir_node_int(args->node, "b_zero", 0);
    const rt_rows rows = rt_rows_of(a, b, y);
    if (a->dtype != SY_DT_I8 || b->dtype != SY_DT_I8 || !rt_tame(multiplier) ||
        !rt_zeros_fit(args->node) || (rows.a_step == 0 && rows.b_step == 0 && rows.n > 1)) {
        return rt_run_reference(args);
    }
    const bool swap = rows.a_step == 0 && rows.n > 1;
    for (int64_t i = 0; i < rows.n_rows && rows.n > 0; i++) {
        int64_t at_a, at_b;
        rt_rows_at(&rows, i, &at_a, &at_b);
        const int8_t *left = (const int8_t *)a->data + at_a,
                     *right = (const int8_t *)b->data + at_b;
        rt_simd_best()->qmul(rows.n, swap ? right : left, swap ? b_zero : a_zero,
                             swap ? left : right, swap ? rows.a_step : rows.b_step,
                             swap ? a_zero : b_zero, multiplier, &q,
                             (int8_t *)y->data + i * rows.n);
    }
    return SY_OK;
}

/* A sum with a right side of +0: fl(v + 0) rounds to the same integer as v. */
sy_status rt_fast_qrequantize(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    (void)env;
    (void)state;
    float y_scale;
    const rt_requant q = rt_requant_of(args->node, &y_scale);
    const float multiplier = ir_node_float(args->node, "x_scale", 1.0f) / y_scale;
    if (x->dtype != SY_DT_I8 || !rt_tame(multiplier) || !rt_zeros_fit(args->node)) {
        return rt_run_reference(args);
    }
    const int8_t nothing = 0;
    rt_simd_best()->qadd(ir_tensor_n_elements(y), x->data,
                         (int32_t)ir_node_int(args->node, "x_zero", 0), multiplier, &nothing, 0, 0,
                         0.0f, &q, y->data);
    return SY_OK;
}

/* The clamp goes into the table: one byte read for each byte. */
sy_status rt_fast_qtable(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *table = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    (void)env;
    (void)state;
    const int64_t low = ir_node_int(args->node, "y_min", -128);
    const int64_t high = ir_node_int(args->node, "y_max", 127);
    const int64_t n = ir_tensor_n_elements(y);
    if (x->dtype != SY_DT_I8 || table->dtype != SY_DT_I8 || n < 256) {
        return rt_run_reference(args);
    }
    uint8_t bytes[256]; /* by the bits of x */
    for (int32_t i = 0; i < 256; i++) {
        const int64_t v = ((const int8_t *)table->data)[i];
        const int64_t raised = v < low ? low : v;
        bytes[(uint8_t)(i - 128)] = (uint8_t)(raised > high ? high : raised);
    }
    const uint8_t *from = x->data;
    uint8_t *to = y->data;
    for (int64_t i = 0; i < n; i++) {
        to[i] = bytes[from[i]];
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- average pooling */

typedef struct average_job {
    const rt_simd *simd;
    rt_window2 w;
    int64_t pads_end[2];
    bool include_pad;
    int32_t x_zero;
    float x_scale, y_scale;
    rt_requant requant;
    const int8_t *x;
    int8_t *y;
} average_job;

static sy_status average_plane(void *user, int64_t p, rt_scratch *scratch)
{
    const average_job *j = user;
    const rt_window2 *w = &j->w;
    const int64_t width = w->out[1];
    int32_t *sums = rt_scratch_get(scratch, (size_t)width * (sizeof(int32_t) + sizeof(float)));
    if (sums == NULL) {
        return SY_ENOMEM;
    }
    float *multipliers = (float *)(sums + width);
    const int8_t *plane = j->x + p * w->in[0] * w->in[1];
    int64_t first_tap, last_tap;
    rt_taps_of_row(w, 1, &first_tap, &last_tap);
    for (int64_t oh = 0; oh < w->out[0]; oh++) {
        int64_t first_row, last_row, first_column, last_column;
        const int64_t rows = rt_taps_counted(w, 0, oh, j->include_pad, j->pads_end[0]);
        rt_taps_inside(w, 0, oh, &first_row, &last_row);
        memset(sums, 0, (size_t)width * sizeof *sums);
        for (int64_t kh = first_row; kh < last_row; kh++) {
            const int64_t h = oh * w->stride[0] + kh * w->dilation[0] - w->pad[0];
            for (int64_t kw = first_tap; kw < last_tap; kw++) {
                int64_t first, last;
                const int64_t at = kw * w->dilation[1] - w->pad[1];
                rt_inside(width, w->in[1], w->stride[1], at, &first, &last);
                if (last > first) {
                    j->simd->add_bytes(last - first,
                                       plane + (h * w->in[1] + first * w->stride[1] + at),
                                       w->stride[1], sums + first);
                }
            }
        }
        for (int64_t ow = 0; ow < width; ow++) {
            const int64_t n = rows * rt_taps_counted(w, 1, ow, j->include_pad, j->pads_end[1]);
            rt_taps_inside(w, 1, ow, &first_column, &last_column);
            sums[ow] -= (int32_t)((last_row - first_row) * (last_column - first_column)) *
                        j->x_zero;
            const float divisor = j->y_scale * (float)(n == 0 ? 1 : n);
            multipliers[ow] = j->x_scale / divisor;
        }
        j->simd->requantise_each(width, sums, multipliers, &j->requant,
                                 j->y + (p * w->out[0] + oh) * width);
    }
    return SY_OK;
}

/* The whole plane of each channel. */
static sy_status average_global(const average_job *j, int64_t n_planes, int64_t plane)
{
    const float divisor = j->y_scale * (float)(plane == 0 ? 1 : plane);
    const float multiplier = j->x_scale / divisor;
    for (int64_t p = 0; p < n_planes; p++) {
        int32_t s = 0;
        for (int64_t i = 0; i < plane; i++) {
            s += j->x[p * plane + i];
        }
        s -= (int32_t)plane * j->x_zero;
        j->simd->requantise(1, &s, multiplier, &j->requant, j->y + p);
    }
    return SY_OK;
}

sy_status rt_fast_qaveragepool(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *y = ir_kernel_output(args, 0);
    const ir_node *n = args->node;
    (void)state;
    average_job j = {.simd = rt_simd_best(), .x = x->data, .y = y->data};
    j.requant = rt_requant_of(n, &j.y_scale);
    j.x_scale = ir_node_float(n, "x_scale", 1.0f);
    j.x_zero = (int32_t)ir_node_int(n, "x_zero", 0);
    j.include_pad = ir_node_int(n, "count_include_pad", 0) != 0;
    int64_t plane = 1;
    for (int32_t i = 2; i < x->rank; i++) {
        plane *= x->dims[i];
    }
    /* Beyond 2^22 elements, the 32-bit sums might wrap where int64 counts do not: leave it to the
     * reference. */
    if (x->dtype != SY_DT_I8 || !rt_tame(j.x_scale / j.y_scale) || !rt_zeros_fit(n) ||
        plane > 1 << 22) {
        return rt_run_reference(args);
    }
    const int64_t n_planes = x->dims[0] * x->dims[1];
    if (ir_node_int(n, "global", 0) != 0) {
        return average_global(&j, n_planes, plane);
    }
    bool ok;
    SY_TRY(rt_window2_of(args, x, NULL, &j.w, &ok));
    ir_window win;
    if (!ok) {
        return rt_run_reference(args);
    }
    SY_TRY(ir_window_resolve(n, x->rank - 2, x->dims + 2, NULL, args->diag, &win));
    j.pads_end[1] = win.pads_end[win.rank - 1];
    j.pads_end[0] = win.rank == 2 ? win.pads_end[0] : 0;
    rt_pool *pool = rt_pool_for(env, (double)ir_tensor_n_elements(y) * (double)j.w.n_taps);
    return rt_pool_run(pool, n_planes, average_plane, &j, env->scratch);
}
