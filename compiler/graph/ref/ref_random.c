/*
 * ref_random.c -- random numbers.
 *
 * Number i of a result is a function of (seed, i) alone. With a seed a run gives the same numbers as the one before; without one
 * each run draws its own from the system.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/random.h>

/* A bijection of 64 bits that leaves no pattern of its argument visible (the finaliser of SplitMix64). */
static uint64_t mix(uint64_t v)
{
    v += UINT64_C(0x9e3779b97f4a7c15);
    v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
    return v ^ v >> 31;
}

/* In [0, 1), a multiple of 2^-53. */
static double uniform(uint64_t seed, uint64_t i)
{
    return (double)(mix(seed ^ mix(i)) >> 11) * 0x1p-53;
}

/* By Box and Muller, two numbers from two. */
static double normal(uint64_t seed, uint64_t i)
{
    const double u = 1.0 - uniform(seed, i & ~UINT64_C(1)), v = uniform(seed, i | 1);
    const double angle = 6.283185307179586477 * v;
    return sqrt(-2.0 * ir_ref_log(u)) * ((i & 1) == 0 ? ir_ref_cos(angle) : ir_ref_sin(angle));
}

static sy_status seed_of(const ir_kernel_args *args, uint64_t *out)
{
    const ir_attr *a = ir_node_attr(args->node, "seed");
    if (a != NULL && a->kind == IR_ATTR_FLOAT) {
        uint32_t bits;
        memcpy(&bits, &a->u.f, sizeof bits);
        *out = mix(bits);
        return SY_OK;
    }
    ssize_t n;
    do {
        n = getrandom(out, sizeof *out, 0);
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *out ? SY_OK
                                     : base_fail(args->diag, SY_EIO, "the system gives no random numbers");
}

static void put(ir_tensor *y, int64_t i, double v)
{
    if (ir_ref_is_float(y->dtype)) {
        ir_ref_put(y, i, v);
    } else {
        ir_ref_put_int(y, i, (int64_t)v);
    }
}

static sy_status draw(const ir_kernel_args *args, double (*of)(uint64_t seed, uint64_t i), double scale,
                      double offset)
{
    ir_tensor *y = args->outputs[0];
    uint64_t seed = 0;
    SY_TRY(ir_ref_need(args, y, ir_ref_is_float(y->dtype)));
    SY_TRY(seed_of(args, &seed));
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++) {
        put(y, i, of(seed, (uint64_t)i) * scale + offset);
    }
    return SY_OK;
}

sy_status ir_ref_random_normal(const ir_kernel_args *args)
{
    return draw(args, normal, (double)ir_node_float(args->node, "scale", 1.0f),
                (double)ir_node_float(args->node, "mean", 0.0f));
}

sy_status ir_ref_random_uniform(const ir_kernel_args *args)
{
    const double low = (double)ir_node_float(args->node, "low", 0.0f),
                 high = (double)ir_node_float(args->node, "high", 1.0f);
    return draw(args, uniform, high - low, low);
}

/* 1 with the probability that the operand holds. */
sy_status ir_ref_bernoulli(const ir_kernel_args *args)
{
    const ir_tensor *x = args->inputs[0];
    ir_tensor *y = args->outputs[0];
    uint64_t seed = 0;
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    SY_TRY(ir_ref_need(args, y, ir_ref_is_float(y->dtype) || ir_ref_is_integer(y->dtype)));
    SY_TRY(seed_of(args, &seed));
    const int64_t n = ir_tensor_n_elements(x);
    for (int64_t i = 0; i < n; i++) {
        put(y, i, uniform(seed, (uint64_t)i) < ir_ref_get(x, i) ? 1.0 : 0.0);
    }
    return SY_OK;
}

/* Rows of logarithms of weights, not necessarily of sum 1. */
sy_status ir_ref_multinomial(const ir_kernel_args *args)
{
    const ir_tensor *x = args->inputs[0];
    ir_tensor *y = args->outputs[0];
    const int64_t n_classes = x->dims[1], n_samples = y->dims[1];
    uint64_t seed = 0;
    double *sums = BASE_ARENA_ARRAY(args->scratch, double, (size_t)n_classes + 1);
    if (sums == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    SY_TRY(seed_of(args, &seed));
    for (int64_t r = 0; r < x->dims[0]; r++) {
        double most = -(double)INFINITY, sum = 0.0;
        for (int64_t c = 0; c < n_classes; c++) {
            const double v = ir_ref_get(x, r * n_classes + c);
            most = v > most ? v : most;
        }
        for (int64_t c = 0; c < n_classes; c++) {
            sum += ir_ref_exp(ir_ref_get(x, r * n_classes + c) - most);
            sums[c] = sum;
        }
        if (!(sum > 0.0) || n_classes == 0) {
            return base_fail(args->diag, SY_EINVAL, "row %lld has no class with a weight", (long long)r);
        }
        for (int64_t s = 0; s < n_samples; s++) {
            const double at = uniform(seed, (uint64_t)(r * n_samples + s)) * sum;
            int64_t c = 0;
            while (c < n_classes - 1 && !(at < sums[c])) {
                c++;
            }
            ir_ref_put_int(y, r * n_samples + s, c);
        }
    }
    return SY_OK;
}
