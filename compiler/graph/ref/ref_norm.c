/*
 * ref_norm.c -- BatchNormalization, InstanceNormalization, GroupNormalization, RMSNormalization, LRN.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <math.h>
#include <string.h>

/* Mean and (biased) variance of one channel over images and plane. */
static void channel_statistics(const ir_tensor *x, int64_t c, int64_t channels, int64_t plane,
                               double *mean, double *variance)
{
    const double n = (double)(x->dims[0] * plane);
    double sum = 0.0, squares = 0.0;
    for (int64_t i = 0; i < x->dims[0] * plane; i++) {
        sum += ir_ref_get(x, (i / plane * channels + c) * plane + i % plane);
    }
    *mean = sum / n;
    for (int64_t i = 0; i < x->dims[0] * plane; i++) {
        const double d = ir_ref_get(x, (i / plane * channels + c) * plane + i % plane) - *mean;
        squares += d * d;
    }
    *variance = squares / n;
}

static void put_optional(ir_tensor *t, int64_t i, double v)
{
    if (t != NULL) {
        ir_ref_put(t, i, v);
    }
}

sy_status ir_ref_batchnorm(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *scale = ir_kernel_input(args, 1);
    const ir_tensor *bias = ir_kernel_input(args, 2);
    const ir_tensor *in_mean = ir_kernel_input(args, 3);
    const ir_tensor *in_variance = ir_kernel_input(args, 4);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    const double epsilon = (double)ir_node_float(args->node, "epsilon", 1e-5f);
    const double momentum = (double)ir_node_float(args->node, "momentum", 0.9f);
    const bool training = ir_node_int(args->node, "training_mode", 0) != 0;
    const int64_t channels = x->rank > 1 ? x->dims[1] : 1;
    const int64_t plane = ir_ref_product(x->dims, 2, x->rank);

    for (int64_t c = 0; c < channels; c++) {
        double mean = ir_ref_get(in_mean, c), variance = ir_ref_get(in_variance, c);
        if (training) {
            double batch_mean, batch_variance;
            channel_statistics(x, c, channels, plane, &batch_mean, &batch_variance);
            put_optional(ir_kernel_output(args, 1), c,
                         mean * momentum + batch_mean * (1.0 - momentum));
            put_optional(ir_kernel_output(args, 2), c,
                         variance * momentum + batch_variance * (1.0 - momentum));
            put_optional(ir_kernel_output(args, 3), c, batch_mean);
            put_optional(ir_kernel_output(args, 4), c, batch_variance);
            mean = batch_mean;
            variance = batch_variance;
        }
        const double factor = ir_ref_get(scale, c) / sqrt(variance + epsilon);
        for (int64_t i = 0; i < x->dims[0] * plane && y != NULL; i++) {
            const int64_t at = (i / plane * channels + c) * plane + i % plane;
            ir_ref_put(y, at, (ir_ref_get(x, at) - mean) * factor + ir_ref_get(bias, c));
        }
    }
    return SY_OK;
}

/* Mean and 1 / deviation of n elements. */
static void statistics_of_run(const ir_tensor *x, int64_t first, int64_t n, double epsilon, double *mean,
                          double *inverse)
{
    double sum = 0.0, squares = 0.0;
    for (int64_t i = 0; i < n; i++) {
        sum += ir_ref_get(x, first + i);
    }
    *mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++) {
        const double d = ir_ref_get(x, first + i) - *mean;
        squares += d * d;
    }
    *inverse = 1.0 / sqrt(squares / (double)n + epsilon);
}

/* InstanceNormalization is the case of one channel in a group. */
static sy_status group_norm(const ir_kernel_args *args, int64_t groups)
{
    const ir_tensor *x = ir_kernel_input(args, 0), *scale = ir_kernel_input(args, 1);
    const ir_tensor *bias = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    const double epsilon = (double)ir_node_float(args->node, "epsilon", 1e-5f);
    const int64_t channels = x->dims[1], plane = ir_ref_product(x->dims, 2, x->rank);
    const int64_t n = groups > 0 ? channels / groups * plane : 0;
    /* before operator set 21, GroupNormalization had one scale for each group */
    const int64_t shared = scale->dims[0] > 0 ? channels / scale->dims[0] : 1;
    for (int64_t r = 0; r < x->dims[0] * groups && n > 0; r++) {
        double mean, inverse;
        statistics_of_run(x, r * n, n, epsilon, &mean, &inverse);
        for (int64_t c = r * n / plane; c < (r + 1) * n / plane; c++) { /* planes of the group */
            const double factor = ir_ref_get(scale, c % channels / shared);
            const double offset = ir_ref_get(bias, c % channels / shared);
            for (int64_t i = c * plane; i < (c + 1) * plane; i++) {
                ir_ref_put(y, i, (ir_ref_get(x, i) - mean) * inverse * factor + offset);
            }
        }
    }
    return SY_OK;
}

sy_status ir_ref_instancenorm(const ir_kernel_args *args)
{
    return group_norm(args, ir_kernel_input(args, 0)->dims[1]);
}

sy_status ir_ref_groupnorm(const ir_kernel_args *args)
{
    return group_norm(args, ir_node_int(args->node, "num_groups", 1));
}

sy_status ir_ref_rmsnorm(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0), *scale = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    int32_t axis;
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    SY_TRY(ir_ref_need(args, scale, ir_ref_is_float(scale->dtype)));
    if (!ir_ref_axis(ir_node_int(args->node, "axis", -1), x->rank, &axis)) {
        return base_fail(args->diag, SY_EINVAL, "the axis is outside a tensor of %d dimensions",
                         x->rank);
    }
    const int64_t n_rows = ir_ref_product(x->dims, 0, axis),
                  n = ir_ref_product(x->dims, axis, x->rank);
    const double epsilon = (double)ir_node_float(args->node, "epsilon", 1e-5f);
    ir_ref_walk walk;
    ir_ref_walk_start(&walk, x->rank, x->dims);
    ir_ref_broadcast_strides(scale, x->rank, walk.strides[0]);
    for (int64_t r = 0; r < n_rows; r++) {
        double squares = 0.0;
        for (int64_t i = 0; i < n; i++) {
            const double v = ir_ref_get(x, r * n + i);
            squares += v * v;
        }
        const double inverse = 1.0 / sqrt(squares / (double)n + epsilon);
        for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&walk)) {
            ir_ref_put(y, r * n + i,
                       ir_ref_get(x, r * n + i) * inverse * ir_ref_get(scale, walk.offset[0]));
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- LRN */

/* base ^ beta; 3/4, which every network has, as roots. */
static double lrn_power(double base, double beta)
{
    return beta == 0.75 ? sqrt(base) * sqrt(sqrt(base)) : ir_ref_pow(base, beta);
}

/* A plane at a time: each element's squares are added in the order of the channels. */
sy_status ir_ref_lrn(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    const int64_t size = ir_node_int(args->node, "size", 1);
    if (size < 1 || size > INT32_MAX || x->rank < 2) {
        return base_fail(args->diag, SY_EINVAL,
                         "attribute 'size' must lie in 1 to 2^31 - 1, and x needs channels");
    }
    const double beta = (double)ir_node_float(args->node, "beta", 0.75f);
    const double bias = (double)ir_node_float(args->node, "bias", 1.0f);
    const double factor = (double)ir_node_float(args->node, "alpha", 1e-4f) / (double)size;
    const int64_t channels = x->dims[1], plane = ir_ref_product(x->dims, 2, x->rank);
    double *squares = BASE_ARENA_ARRAY(args->scratch, double, (size_t)(channels * plane));
    double *sums = BASE_ARENA_ARRAY(args->scratch, double, (size_t)plane);
    if (squares == NULL || sums == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t n = 0; n < x->dims[0]; n++) {
        for (int64_t i = 0; i < channels * plane; i++) {
            const double v = ir_ref_get(x, n * channels * plane + i);
            squares[i] = v * v;
        }
        for (int64_t c = 0; c < channels; c++) {
            const int64_t first = c - (size - 1) / 2, last = first + size - 1;
            memset(sums, 0, (size_t)plane * sizeof *sums);
            for (int64_t k = first < 0 ? 0 : first; k <= last && k < channels; k++) {
                for (int64_t i = 0; i < plane; i++) {
                    sums[i] += squares[k * plane + i];
                }
            }
            for (int64_t i = 0; i < plane; i++) {
                const int64_t at = (n * channels + c) * plane + i;
                ir_ref_put(y, at, ir_ref_get(x, at) / lrn_power(bias + factor * sums[i], beta));
            }
        }
    }
    return SY_OK;
}
