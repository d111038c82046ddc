/*
 * accuracy.h -- the bounds of docs/reference/accuracy.md as functions of the inputs, in double, and what the functions are exactly.
 *
 * Double's own roundings are 2^29 times smaller than fp32's and not counted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_ACCURACY_H
#define SYSTOLE_TESTS_ACCURACY_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "systole/isa/fn.h"

#define ACC_U      0x1p-24  /* half an ulp of fp32, relative */
#define ACC_U_BF16 0x1p-8   /* the same of bf16 */
#define ACC_TINY   0x1p-150 /* half the smallest fp32 */
#define ACC_TINY_BF16 0x1p-134

/* Largest errors of the functions in ulp (functions.def); an ulp is at most 2^-23 of the value. */
enum {
#define FN(NAME, name, ulp, where, range, summary) ACC_FN_##NAME,
#include "systole/isa/functions.def"
#undef FN
    ACC_N_FNS
};
static const double acc_fn_ulp[] = {
#define FN(NAME, name, ulp, where, range, summary) ulp,
#include "systole/isa/functions.def"
#undef FN
};
#define ACC_ETA(NAME) (acc_fn_ulp[ACC_FN_##NAME] * 0x1p-23)

static inline double acc_gamma(double n)
{
    return n * ACC_U / (1.0 - n * ACC_U);
}

/* Of a result whose value before the last rounding is off by e: what rounding to bf16 adds. */
static inline double acc_to_bf16(double exact, double e)
{
    return e + ACC_U_BF16 * (fabs(exact) + e) + ACC_TINY_BF16;
}

/* Rounds to int8 with scale s: half a step, and the clamp makes no error larger. */
static inline double acc_to_int8(double e, double s)
{
    return e + s / 2;
}

/* A product: `magnitude` is the sum of |x w| and |bias|, k the number of terms. */
static inline double acc_product(double magnitude, double k)
{
    return acc_gamma(k + 1) * magnitude + (k + 1) * ACC_TINY;
}

/* Additions that a term goes through: within its lane, then over the halves of the lanes. */
static inline double acc_additions(int64_t n, int64_t lanes)
{
    return ceil((double)n / (double)lanes) + log2((double)lanes);
}

/* Softmax of x[0..n), inputs exact: result y; returns its relative error before the last rounding. *absolute: what vanishing exponentials add. */
static inline double acc_softmax(const double *x, int64_t n, int64_t lanes, double *y, double *absolute)
{
    double most = x[0], least = x[0], sum = 0;
    for (int64_t i = 0; i < n; i++) {
        most = fmax(most, x[i]);
        least = fmin(least, x[i]);
    }
    for (int64_t i = 0; i < n; i++) {
        sum += y[i] = exp(x[i] - most);
    }
    for (int64_t i = 0; i < n; i++) {
        y[i] /= sum;
    }
    const double far = fmin(most - least, 105.0); /* beyond it exp vanishes in fp32 */
    const double rho = (1 + ACC_ETA(EXP2)) * exp(acc_gamma(3) * far) - 1;
    *absolute = (double)(n + 2) * 0x1p-149;
    return (1 + rho) * (1 + ACC_ETA(RECIP)) * (1 + ACC_U) / ((1 - rho) * (1 - acc_gamma(acc_additions(n, lanes)))) - 1;
}

/* Layer normalisation of x[0..n), inputs exact: results y, errors before the last rounding e. */
static inline void acc_layer_norm(const double *x, int64_t n, int64_t lanes, const double *scale, const double *bias, double epsilon, double *y, double *e)
{
    const double h = acc_additions(n, lanes);
    double mean = 0, magnitude = 0, variance = 0;
    for (int64_t i = 0; i < n; i++) {
        mean += x[i] / (double)n;
        magnitude += fabs(x[i]) / (double)n;
    }
    for (int64_t i = 0; i < n; i++) {
        variance += (x[i] - mean) * (x[i] - mean) / (double)n;
    }
    const double sigma = sqrt(variance), of_mean = acc_gamma(h + 2) * magnitude + ACC_TINY;
    const double delta = of_mean + ACC_U * (sigma + of_mean); /* of the differences, root of their mean square */
    const double exact = 1 / sqrt(variance + epsilon);
    const double relative = (1 + ACC_ETA(RSQRT)) / sqrt(1 - acc_gamma(h + 4)) - 1;
    const double high = (1 + relative) / sqrt(pow(fmax(sigma - delta, 0), 2) + epsilon);
    const double low = (1 - relative) / sqrt(pow(sigma + delta, 2) + epsilon);
    const double of_root = fmax(high - exact, exact - low);
    for (int64_t i = 0; i < n; i++) {
        const double d = x[i] - mean, of_d = of_mean + ACC_U * (fabs(d) + of_mean);
        const double g = fabs(scale[i]);
        const double before = g * (of_d * high + fabs(d) * of_root + acc_gamma(2) * (fabs(d) + of_d) * high) + 2 * ACC_TINY * (1 + g);
        y[i] = d * exact * scale[i] + bias[i];
        e[i] = before + ACC_U * (fabs(y[i]) + before);
    }
}

/* Gelu of x (the erf form) by phi(x * root half) * x; `more` relative errors in front of phi's argument and behind (int8: the scales). */
static inline double acc_gelu(double x, double more, double *e)
{
    const double v = x / sqrt(2.0), phi = 0.5 * erfc(-v);
    const double theta = acc_gamma(2 + more);
    const double density = exp(-x * x * (0.5 - theta)) / sqrt(2 * M_PI); /* the largest between the exact argument and the one at hand */
    /* phi's error in ulp of its result, by ranges of v (numerics.md); below -4 an absolute one */
    const double ulp = v >= -1 ? 0.58 : v >= -2 ? 1.6 : v >= -3 ? 7.8 : ACC_ETA(PHI) * 0x1p23;
    const double of_phi = fabs(x) * theta * density + ulp * 0x1p-23 * phi + (v < -3.99 ? 8e-9 : 0);
    const double before = fabs(x) * of_phi + ACC_TINY * (1 + fabs(x));
    *e = before + acc_gamma(1 + more) * (fabs(x * phi) + before);
    return x * phi;
}

static inline float acc_from_bf16(uint16_t v)
{
    const uint32_t bits = isa_bf16_to_fp(v);
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

#endif
