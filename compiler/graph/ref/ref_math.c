/*
 * ref_math.c -- elementary functions in double: the same bits on every machine.
 *
 * Only +, -, *, / of double, exact scaling (ldexp, frexp) and rounding to integers (rint) are used,
 * in a fixed order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <math.h>

/* ln 2 in two parts: the first has 33 significant bits, so that k * ln2_high is exact for |k| <
 * 2^20. */
static const double ln2_high = 0x1.62e42feep-1;
static const double ln2_low = 0x1.a39ef35793c76p-33;
static const double log2_e = 0x1.71547652b82fep0;

/* e^r - 1 for |r| <= 0.35: Taylor's series up to r^14 (the next term is below 2^-65 of r). */
static double expm1_near(double r)
{
    static const double inverse_factorial[] = {
        1.0 / 2.0,           1.0 / 6.0,        1.0 / 24.0,        1.0 / 120.0,
        1.0 / 720.0,         1.0 / 5040.0,     1.0 / 40320.0,     1.0 / 362880.0,
        1.0 / 3628800.0,     1.0 / 39916800.0, 1.0 / 479001600.0, 1.0 / 6227020800.0,
        1.0 / 87178291200.0,
    };
    double p = 0.0;
    for (int i = (int)(sizeof inverse_factorial / sizeof inverse_factorial[0]) - 1; i >= 0; i--) {
        p = p * r + inverse_factorial[i];
    }
    return r + r * r * p;
}

/* x = k ln 2 + *r with |*r| <= ln 2 / 2. */
static int reduce(double x, double *r)
{
    const double k = rint(x * log2_e);
    *r = (x - k * ln2_high) - k * ln2_low;
    return (int)k;
}

double ir_ref_exp(double x)
{
    if (isnan(x)) {
        return x;
    }
    if (x > 710.0) {
        return (double)INFINITY;
    }
    if (x < -746.0) {
        return 0.0;
    }
    double r;
    const int k = reduce(x, &r);
    return ldexp(1.0 + expm1_near(r), k);
}

double ir_ref_expm1(double x)
{
    if (isnan(x) || x == 0.0) {
        return x;
    }
    if (x > 710.0) {
        return (double)INFINITY;
    }
    if (x < -40.0) {
        return -1.0;
    }
    double r;
    const int k = reduce(x, &r);
    if (k == 0) {
        return expm1_near(r);
    }
    if (k > 1000) {
        return ldexp(1.0 + expm1_near(r), k);
    }
    return ldexp(expm1_near(r), k) + (ldexp(1.0, k) - 1.0);
}

double ir_ref_log(double x)
{
    if (isnan(x) || x < 0.0) {
        return (double)NAN;
    }
    if (x == 0.0) {
        return -(double)INFINITY;
    }
    if (isinf(x)) {
        return x;
    }
    int k;
    double m = frexp(x, &k);
    if (m < 0x1.6a09e667f3bcdp-1) { /* sqrt(1/2) */
        m *= 2.0;
        k--;
    }
    /* log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| <= 0.1716. */
    const double f = m - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s;
    double p = 0.0;
    for (int i = 25; i >= 3; i -= 2) {
        p = p * z + 2.0 / (double)i;
    }
    /* 2 s = f - s f; the small terms are added first. */
    const double tail = s * (z * p - f);
    return (double)k * ln2_high + (f + (tail + (double)k * ln2_low));
}

double ir_ref_pow(double x, double y)
{
    if (y == 0.0 || x == 1.0) {
        return 1.0;
    }
    if (isnan(x) || isnan(y)) {
        return (double)NAN;
    }
    const double a = fabs(x);
    const bool y_integer = isinf(y) || rint(y) == y;
    const bool y_odd = y_integer && fabs(y) < 0x1p53 && rint(y * 0.5) != y * 0.5;
    const double sign = signbit(x) != 0 && y_odd ? -1.0 : 1.0;
    if (isinf(y)) {
        return a == 1.0 ? 1.0 : ((a > 1.0) == (y > 0.0) ? (double)INFINITY : 0.0);
    }
    if (a == 0.0 || isinf(x)) {
        return (a == 0.0) == (y > 0.0) ? sign * 0.0 : sign * (double)INFINITY;
    }
    if (x < 0.0 && !y_integer) {
        return (double)NAN;
    }
    if (y == 1.0) {
        return x;
    }
    if (y == 2.0) {
        return x * x;
    }
    return sign * ir_ref_exp(y * ir_ref_log(a));
}

double ir_ref_tanh(double x)
{
    if (isnan(x) || x == 0.0) {
        return x;
    }
    const double a = fabs(x);
    double t = 1.0;
    if (a < 22.0) {
        const double e = ir_ref_expm1(2.0 * a);
        t = e / (e + 2.0);
    }
    return x < 0.0 ? -t : t;
}

double ir_ref_sigmoid(double x)
{
    if (x >= 0.0 || isnan(x)) {
        return 1.0 / (1.0 + ir_ref_exp(-x));
    }
    const double e = ir_ref_exp(x);
    return e / (1.0 + e);
}

/* erf x = 2/sqrt(pi) e^(-x^2) sum of 2^n x^(2n+1) / (1 * 3 * ... * (2n+1)): no cancellation, all
 * terms positive. */
double ir_ref_erf(double x)
{
    if (isnan(x) || x == 0.0) {
        return x;
    }
    const double a = fabs(x);
    double sum = 1.0;
    if (a < 6.0) {
        double term = a;
        sum = a;
        for (int n = 1; n < 400 && term > sum * 0x1p-60; n++) {
            term = term * (2.0 * a * a) / (double)(2 * n + 1);
            sum += term;
        }
        sum = 0x1.20dd750429b6dp0 * ir_ref_exp(-(a * a)) * sum;
    }
    return x < 0.0 ? -sum : sum;
}
