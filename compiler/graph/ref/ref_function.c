/*
 * ref_function.c -- functions of one number: trigonometric ones, activations, tests, Dropout.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include "systole/base/assert.h"

#include <math.h>
#include <string.h>

#define FUNCTION(name)                                    \
    sy_status ir_ref_##name##_op(const ir_kernel_args *args) \
    {                                                     \
        return ir_ref_map_float(args, ir_ref_##name);     \
    }

FUNCTION(sin)
FUNCTION(cos)
FUNCTION(tan)
FUNCTION(asin)
FUNCTION(acos)
FUNCTION(atan)
FUNCTION(sinh)
FUNCTION(cosh)
FUNCTION(asinh)
FUNCTION(acosh)
FUNCTION(atanh)

/* ---------------------------------------------------------------- activations */

static double softsign(double v)
{
    return v / (1.0 + fabs(v));
}

sy_status ir_ref_softsign(const ir_kernel_args *args)
{
    return ir_ref_map_float(args, softsign);
}

static double mish(double v)
{
    return v * ir_ref_tanh(ir_ref_softplus_of(v));
}

sy_status ir_ref_mish(const ir_kernel_args *args)
{
    return ir_ref_map_float(args, mish);
}

typedef enum activation { CELU, SELU, THRESHOLDED, SWISH, SHRINK } activation;

static double activate(activation f, double v, double p, double q)
{
    switch (f) {
    case CELU:
        return v > 0.0 ? v : p * ir_ref_expm1(v / p);
    case SELU:
        return q * (v > 0.0 ? v : p * ir_ref_expm1(v));
    case THRESHOLDED:
        return v > p ? v : 0.0;
    case SWISH:
        return v * ir_ref_sigmoid(p * v);
    case SHRINK:
        return v < -p ? v + q : v > p ? v - q : 0.0;
    }
    SY_UNREACHABLE();
}

/* The attributes' names and defaults; integers are cut back to their type. */
static sy_status map(const ir_kernel_args *args, activation f, const char *p_name, float p_default,
                     const char *q_name, float q_default)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    const bool is_float = ir_ref_is_float(x->dtype);
    SY_TRY(ir_ref_need(args, x, is_float || (f == SHRINK && ir_ref_is_integer(x->dtype))));
    const double p = (double)ir_node_float(args->node, p_name, p_default);
    const double q = q_name != NULL ? (double)ir_node_float(args->node, q_name, q_default) : 0.0;
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++) {
        const double v = activate(f, ir_ref_get(x, i), p, q);
        if (is_float) {
            ir_ref_put(y, i, v);
        } else {
            ir_ref_put_int(y, i, ir_ref_truncate(y->dtype, v));
        }
    }
    return SY_OK;
}

sy_status ir_ref_celu(const ir_kernel_args *args)
{
    return map(args, CELU, "alpha", 1.0f, NULL, 0.0f);
}

sy_status ir_ref_selu(const ir_kernel_args *args)
{
    return map(args, SELU, "alpha", 1.67326319217681884765625f, "gamma",
               1.05070102214813232421875f);
}

sy_status ir_ref_thresholdedrelu(const ir_kernel_args *args)
{
    return map(args, THRESHOLDED, "alpha", 1.0f, NULL, 0.0f);
}

sy_status ir_ref_swish(const ir_kernel_args *args)
{
    return map(args, SWISH, "alpha", 1.0f, NULL, 0.0f);
}

sy_status ir_ref_shrink(const ir_kernel_args *args)
{
    return map(args, SHRINK, "lambd", 0.5f, "bias", 0.0f);
}

sy_status ir_ref_swiglu(const ir_kernel_args *args)
{
    const ir_tensor *a = ir_kernel_input(args, 0);
    const ir_tensor *b = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, a, ir_ref_is_float(a->dtype) && b->dtype == a->dtype));
    const double alpha = (double)ir_node_float(args->node, "alpha", 1.0f);
    const int64_t n = ir_tensor_n_elements(y);
    if (ir_tensor_n_elements(a) != n || ir_tensor_n_elements(b) != n) {
        return base_fail(args->diag, SY_ESHAPE, "both operands must have one shape");
    }
    for (int64_t i = 0; i < n; i++) {
        ir_ref_put(y, i, activate(SWISH, ir_ref_get(a, i), alpha, 0.0) * ir_ref_get(b, i));
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- Sign, BitwiseNot, tests */

sy_status ir_ref_sign(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    const bool is_float = ir_ref_is_float(x->dtype);
    const bool is_signed = sy_dtype_class_of(x->dtype) == SY_DC_INT;
    SY_TRY(ir_ref_need(args, x, is_float || ir_ref_is_integer(x->dtype)));
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++) {
        if (is_float) {
            const double v = ir_ref_get(x, i);
            ir_ref_put(y, i, v > 0.0 ? 1.0 : v < 0.0 ? -1.0 : isnan(v) ? v : 0.0);
        } else {
            const int64_t v = ir_ref_get_int(x, i);
            ir_ref_put_int(y, i, v == 0 ? 0 : is_signed && v < 0 ? -1 : 1);
        }
    }
    return SY_OK;
}

sy_status ir_ref_bitwisenot(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_integer(x->dtype) && x->dtype != SY_DT_BOOL));
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++) {
        ir_ref_put_int(y, i, ~ir_ref_get_int(x, i));
    }
    return SY_OK;
}

sy_status ir_ref_isnan(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    const int64_t n = ir_tensor_n_elements(x);
    for (int64_t i = 0; i < n; i++) {
        ir_ref_put_int(ir_kernel_output(args, 0), i, isnan(ir_ref_get(x, i)));
    }
    return SY_OK;
}

sy_status ir_ref_isinf(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    const bool positive = ir_node_int(args->node, "detect_positive", 1) != 0;
    const bool negative = ir_node_int(args->node, "detect_negative", 1) != 0;
    const int64_t n = ir_tensor_n_elements(x);
    for (int64_t i = 0; i < n; i++) {
        const double v = ir_ref_get(x, i);
        ir_ref_put_int(ir_kernel_output(args, 0), i, isinf(v) && (v > 0.0 ? positive : negative));
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- Dropout */

/* A number in [0, 1) for each place of one node: a hash of both (splitmix64), so that order does not matter. */
static double uniform(uint64_t seed, uint64_t at)
{
    uint64_t z = seed * 0x9e3779b97f4a7c15u + (at + 1) * 0xd1342543de82ef95u;
    for (int i = 0; i < 2; i++) {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        z ^= z >> 31;
    }
    return (double)(z >> 11) * 0x1p-53;
}

sy_status ir_ref_dropout(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *share = ir_kernel_input(args, 1);
    const ir_tensor *mode = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0), *mask = ir_kernel_output(args, 1);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    double ratio = 0.5;
    if (share != NULL) {
        SY_TRY(ir_ref_need(args, share, ir_ref_is_float(share->dtype)));
        ratio = ir_tensor_n_elements(share) == 1 ? ir_ref_get(share, 0) : (double)NAN;
    }
    if (mode != NULL && (mode->dtype != SY_DT_BOOL || ir_tensor_n_elements(mode) != 1)) {
        return base_fail(args->diag, SY_EINVAL, "the training mode must be one bool");
    }
    if (mode == NULL || ir_ref_get_int(mode, 0) == 0) {
        ratio = 0.0;
    }
    if (!(ratio >= 0.0 && ratio <= 1.0)) {
        return base_fail(args->diag, SY_EINVAL, "the ratio must be one number from 0 to 1");
    }
    const uint64_t seed = (uint64_t)ir_node_int(args->node, "seed", (int64_t)args->node->number);
    const int64_t n = ir_tensor_n_elements(x);
    for (int64_t i = 0; i < n; i++) {
        const bool keep = ratio == 0.0 || uniform(seed, (uint64_t)i) >= ratio;
        if (y != NULL) {
            ir_ref_put(y, i, keep ? ir_ref_get(x, i) / (1.0 - ratio) : 0.0);
        }
        if (mask != NULL) {
            ir_ref_put_int(mask, i, keep);
        }
    }
    return SY_OK;
}
