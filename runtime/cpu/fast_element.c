/*
 * fast_element.c -- Softmax, BatchNormalization, Quantize and DequantizeLinear.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"

#include <math.h>

#define UNUSED_ENV_AND_STATE \
    do {                     \
        (void)env;           \
        (void)state;         \
    } while (0)

static bool is_f32(const ir_kernel_args *args)
{
    return ir_kernel_input(args, 0)->dtype == SY_DT_F32;
}

/* ---------------------------------------------------------------- along axes */

sy_status rt_fast_batchnorm(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    UNUSED_ENV_AND_STATE;
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    if (!is_f32(args) || ir_node_int(args->node, "training_mode", 0) != 0 || x->rank < 2 ||
        ir_kernel_input(args, 1)->dtype != SY_DT_F32 ||
        ir_kernel_input(args, 3)->dtype != SY_DT_F32 || ir_tensor_n_elements(x) == 0) {
        return rt_run_reference(args);
    }
    const float *scale = ir_kernel_input(args, 1)->data, *bias = ir_kernel_input(args, 2)->data;
    const float *mean = ir_kernel_input(args, 3)->data, *variance = ir_kernel_input(args, 4)->data;
    const double epsilon = (double)ir_node_float(args->node, "epsilon", 1e-5f);
    const int64_t channels = x->dims[1], plane = ir_tensor_n_elements(x) / (x->dims[0] * channels);
    for (int64_t p = 0; p < x->dims[0] * channels; p++) {
        const int64_t c = p % channels;
        const double factor = (double)scale[c] / sqrt((double)variance[c] + epsilon);
        rt_simd_best()->axpb(plane, (const float *)x->data + p * plane, (float)factor,
                             (float)((double)bias[c] - (double)mean[c] * factor),
                             (float *)y->data + p * plane);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- quantisation, one scale */

sy_status rt_fast_quantizelinear(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    UNUSED_ENV_AND_STATE;
    const ir_tensor *scale = ir_kernel_input(args, 1);
    const ir_tensor *zero = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    const bool is_byte = y->dtype == SY_DT_I8 || y->dtype == SY_DT_U8;
    if (!is_f32(args) || !is_byte || scale->dtype != SY_DT_F32 ||
        ir_tensor_n_elements(scale) != 1) {
        return rt_run_reference(args);
    }
    const int32_t low = y->dtype == SY_DT_I8 ? -128 : 0;
    const rt_requant r = {.zero = zero != NULL ? (int32_t)ir_tensor_get_i64(zero, 0) : 0,
                          .low = low,
                          .high = low + 255};
    rt_simd_best()->quantise(ir_tensor_n_elements(y), ir_kernel_input(args, 0)->data,
                             *(const float *)scale->data, &r, y->data);
    return SY_OK;
}

sy_status rt_fast_dequantizelinear(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    UNUSED_ENV_AND_STATE;
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *scale = ir_kernel_input(args, 1);
    const ir_tensor *zero = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    if (x->dtype != SY_DT_I8 || scale->dtype != SY_DT_F32 || ir_tensor_n_elements(scale) != 1) {
        return rt_run_reference(args);
    }
    rt_simd_best()->dequantise(ir_tensor_n_elements(y), x->data,
                               zero != NULL ? (int32_t)ir_tensor_get_i64(zero, 0) : 0,
                               *(const float *)scale->data, y->data);
    return SY_OK;
}
