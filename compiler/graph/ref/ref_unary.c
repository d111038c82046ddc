/*
 * ref_unary.c -- elementwise operators of one tensor, Softmax.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include "systole/base/assert.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- functions of one number */

/* IEEE 754 demands a correctly rounded square root, so the machine's own is the same everywhere. */
static double square_root(double x)
{
    return sqrt(x);
}

sy_status ir_ref_map_float(const ir_kernel_args *args, double (*f)(double))
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++) {
        ir_ref_put(y, i, f(ir_ref_get(x, i)));
    }
    return SY_OK;
}

sy_status ir_ref_sigmoid_op(const ir_kernel_args *args)
{
    return ir_ref_map_float(args, ir_ref_sigmoid);
}

sy_status ir_ref_tanh_op(const ir_kernel_args *args)
{
    return ir_ref_map_float(args, ir_ref_tanh);
}

sy_status ir_ref_sqrt(const ir_kernel_args *args)
{
    return ir_ref_map_float(args, square_root);
}

sy_status ir_ref_exp_op(const ir_kernel_args *args)
{
    return ir_ref_map_float(args, ir_ref_exp);
}

/* Of integers, which operator set 9 had, the whole part. */
sy_status ir_ref_erf_op(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    if (ir_ref_is_integer(x->dtype)) {
        const int64_t n = ir_tensor_n_elements(y);
        for (int64_t i = 0; i < n; i++) {
            ir_ref_put_int(y, i, (int64_t)ir_ref_erf(ir_ref_get(x, i)));
        }
        return SY_OK;
    }
    return ir_ref_map_float(args, ir_ref_erf);
}

/* ---------------------------------------------------------------- activations with attributes */

typedef enum activation {
    ACTIVATION_LOG,
    ACTIVATION_RECIPROCAL,
    ACTIVATION_FLOOR,
    ACTIVATION_CEIL,
    ACTIVATION_ROUND,
    ACTIVATION_LEAKYRELU,
    ACTIVATION_ELU,
    ACTIVATION_SOFTPLUS,
    ACTIVATION_HARDSIGMOID,
    ACTIVATION_HARDSWISH,
    ACTIVATION_GELU,
    ACTIVATION_GELU_TANH
} activation;

/* NaN stays. */
static double unit_clamp(double v)
{
    return v < 0.0 ? 0.0 : v > 1.0 ? 1.0 : v;
}

static double activate(activation f, double v, double alpha, double beta)
{
    switch (f) {
    case ACTIVATION_LOG:
        return ir_ref_log(v);
    case ACTIVATION_RECIPROCAL:
        return 1.0 / v;
    case ACTIVATION_FLOOR:
        return floor(v);
    case ACTIVATION_CEIL:
        return ceil(v);
    case ACTIVATION_ROUND:
        return rint(v);
    case ACTIVATION_LEAKYRELU:
        return v < 0.0 ? alpha * v : v;
    case ACTIVATION_ELU:
        return v < 0.0 ? alpha * ir_ref_expm1(v) : v;
    case ACTIVATION_SOFTPLUS:
        return ir_ref_softplus_of(v);
    case ACTIVATION_HARDSIGMOID:
        return unit_clamp(alpha * v + beta);
    case ACTIVATION_HARDSWISH:
        return v * unit_clamp(v / 6.0 + 0.5);
    case ACTIVATION_GELU:
        return 0.5 * v * (1.0 + ir_ref_erf(v * 0x1.6a09e667f3bcdp-1));
    case ACTIVATION_GELU_TANH:
        return 0.5 * v * (1.0 + ir_ref_tanh(0x1.9884533d43651p-1 * (v + 0.044715 * v * v * v)));
    }
    SY_UNREACHABLE();
}

static sy_status map_activation(const ir_kernel_args *args, activation f, float alpha, float beta)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    const double a = (double)ir_node_float(args->node, "alpha", alpha),
                 b = (double)ir_node_float(args->node, "beta", beta);
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++) {
        ir_ref_put(y, i, activate(f, ir_ref_get(x, i), a, b));
    }
    return SY_OK;
}

sy_status ir_ref_log_op(const ir_kernel_args *args)
{
    return map_activation(args, ACTIVATION_LOG, 0.0f, 0.0f);
}

sy_status ir_ref_reciprocal(const ir_kernel_args *args)
{
    return map_activation(args, ACTIVATION_RECIPROCAL, 0.0f, 0.0f);
}

sy_status ir_ref_floor(const ir_kernel_args *args)
{
    return map_activation(args, ACTIVATION_FLOOR, 0.0f, 0.0f);
}

sy_status ir_ref_ceil(const ir_kernel_args *args)
{
    return map_activation(args, ACTIVATION_CEIL, 0.0f, 0.0f);
}

sy_status ir_ref_round(const ir_kernel_args *args)
{
    return map_activation(args, ACTIVATION_ROUND, 0.0f, 0.0f);
}

sy_status ir_ref_leakyrelu(const ir_kernel_args *args)
{
    return map_activation(args, ACTIVATION_LEAKYRELU, 0.01f, 0.0f);
}

sy_status ir_ref_elu(const ir_kernel_args *args)
{
    return map_activation(args, ACTIVATION_ELU, 1.0f, 0.0f);
}

sy_status ir_ref_softplus(const ir_kernel_args *args)
{
    return map_activation(args, ACTIVATION_SOFTPLUS, 0.0f, 0.0f);
}

sy_status ir_ref_hardsigmoid(const ir_kernel_args *args)
{
    return map_activation(args, ACTIVATION_HARDSIGMOID, 0.2f, 0.5f);
}

sy_status ir_ref_hardswish(const ir_kernel_args *args)
{
    return map_activation(args, ACTIVATION_HARDSWISH, 0.0f, 0.0f);
}

sy_status ir_ref_gelu(const ir_kernel_args *args)
{
    const bool near = strcmp(ir_node_string(args->node, "approximate", "none"), "tanh") == 0;
    return map_activation(args, near ? ACTIVATION_GELU_TANH : ACTIVATION_GELU, 0.0f, 0.0f);
}

/* ---------------------------------------------------------------- Relu, Neg, Abs, Clip */

typedef enum simple { SIMPLE_RELU, SIMPLE_NEG, SIMPLE_ABS } simple;

static double simple_float(simple op, double v)
{
    switch (op) {
    case SIMPLE_RELU:
        return v > 0.0 || isnan(v) ? v : 0.0;
    case SIMPLE_NEG:
        return -v;
    case SIMPLE_ABS:
        return fabs(v);
    }
    SY_UNREACHABLE();
}

static int64_t simple_int(simple op, bool is_signed, int64_t v)
{
    const int64_t negative = (int64_t)(0 - (uint64_t)v);
    switch (op) {
    case SIMPLE_RELU:
        return is_signed && v < 0 ? 0 : v;
    case SIMPLE_NEG:
        return negative;
    case SIMPLE_ABS:
        return is_signed && v < 0 ? negative : v;
    }
    SY_UNREACHABLE();
}

static sy_status map_simple(const ir_kernel_args *args, simple op)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    const bool is_float = ir_ref_is_float(x->dtype);
    const bool is_signed = sy_dtype_class_of(x->dtype) == SY_DC_INT;
    SY_TRY(ir_ref_need(args, x, is_float || ir_ref_is_integer(x->dtype)));
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++) {
        if (is_float) {
            ir_ref_put(y, i, simple_float(op, ir_ref_get(x, i)));
        } else {
            ir_ref_put_int(y, i, simple_int(op, is_signed, ir_ref_get_int(x, i)));
        }
    }
    return SY_OK;
}

sy_status ir_ref_relu(const ir_kernel_args *args)
{
    return map_simple(args, SIMPLE_RELU);
}

sy_status ir_ref_neg(const ir_kernel_args *args)
{
    return map_simple(args, SIMPLE_NEG);
}

sy_status ir_ref_abs(const ir_kernel_args *args)
{
    return map_simple(args, SIMPLE_ABS);
}

sy_status ir_ref_clip(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *low = ir_kernel_input(args, 1);
    const ir_tensor *high = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    const bool is_float = ir_ref_is_float(x->dtype);
    SY_TRY(ir_ref_need(args, x, is_float || ir_ref_is_integer(x->dtype)));
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++) {
        if (is_float) {
            /* The comparisons are written so that a NaN stays. */
            double v = ir_ref_get(x, i);
            v = low != NULL && v < ir_ref_get(low, 0) ? ir_ref_get(low, 0) : v;
            v = high != NULL && v > ir_ref_get(high, 0) ? ir_ref_get(high, 0) : v;
            ir_ref_put(y, i, v);
        } else {
            /* Moving the origin makes unsigned 64-bit numbers compare as signed ones. */
            const uint64_t flip = x->dtype == SY_DT_U64 ? (uint64_t)1 << 63 : 0;
            int64_t v = (int64_t)((uint64_t)ir_ref_get_int(x, i) ^ flip);
            if (low != NULL) {
                const int64_t l = (int64_t)((uint64_t)ir_ref_get_int(low, 0) ^ flip);
                v = v < l ? l : v;
            }
            if (high != NULL) {
                const int64_t h = (int64_t)((uint64_t)ir_ref_get_int(high, 0) ^ flip);
                v = v > h ? h : v;
            }
            ir_ref_put_int(y, i, (int64_t)((uint64_t)v ^ flip));
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- Softmax */

static sy_status softmax(const ir_kernel_args *args, bool logarithm)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    int32_t axis = 0;
    if (x->rank > 0 && !ir_ref_axis(ir_node_int(args->node, "axis", -1), x->rank, &axis)) {
        return base_fail(args->diag, SY_EINVAL, "the axis is outside a tensor of %d dimensions",
                         x->rank);
    }
    const int64_t n = x->rank > 0 ? x->dims[axis] : 1;
    const int64_t outer = ir_ref_product(x->dims, 0, axis);
    const int64_t inner = ir_ref_product(x->dims, axis + 1, x->rank);
    for (int64_t o = 0; o < outer * inner; o++) {
        const int64_t base = o / inner * n * inner + o % inner;
        double largest = -(double)INFINITY, total = 0.0;
        for (int64_t i = 0; i < n; i++) {
            const double v = ir_ref_get(x, base + i * inner);
            largest = v > largest || isnan(v) ? v : largest;
        }
        for (int64_t i = 0; i < n; i++) {
            total += ir_ref_exp(ir_ref_get(x, base + i * inner) - largest);
        }
        for (int64_t i = 0; i < n; i++) {
            const double v = ir_ref_get(x, base + i * inner) - largest;
            ir_ref_put(y, base + i * inner,
                       logarithm ? v - ir_ref_log(total) : ir_ref_exp(v) / total);
        }
    }
    return SY_OK;
}

sy_status ir_ref_softmax(const ir_kernel_args *args)
{
    return softmax(args, false);
}

sy_status ir_ref_logsoftmax(const ir_kernel_args *args)
{
    return softmax(args, true);
}
