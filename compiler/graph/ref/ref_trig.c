/*
 * ref_trig.c -- trigonometric, hyperbolic and their inverse functions in double: the same bits on every
 * machine, by the means that ref_math.c uses, and integers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- multiples of pi / 2 */

/* The bits of 2 / pi behind the point, the first word the highest: enough for the largest double. */
static const uint32_t two_over_pi[] = {
    0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu,
    0xdebbc561u, 0xb7246e3au, 0x424dd2e0u, 0x06492eeau, 0x09d1921cu, 0xfe1deb1cu, 0xb129a73eu,
    0xe88235f5u, 0x2ebb4484u, 0xe99c7026u, 0xb45f7e41u, 0x3991d639u, 0x835339f4u, 0x9c845f8bu,
    0xbdf9283bu, 0x1ff897ffu, 0xde05980fu, 0xef2f118bu, 0x5a0a6d1fu, 0x6d367ecfu, 0x27cb09b7u,
    0x4f463f66u, 0x9e5fea2du, 0x7527bac7u, 0xebe5f17bu, 0x3d0739f7u, 0x8a5292eau, 0x6bfb5fb1u,
    0x1f8d5d08u, 0x56033046u, 0xfc7b6babu, 0xf0cfbc20u, 0x9af4361du,
};

#define N_WINDOW  6 /* words of it that matter: 192 bits */
#define N_PRODUCT 8

static const double half_pi = 0x1.921fb54442d18p+0;
static const double half_pi_low = 0x1.1a62633145c07p-54;

/* 32 bits of 2 / pi from bit `at` behind the point on. */
static uint32_t bits_at(int at)
{
    const uint64_t two = (uint64_t)two_over_pi[at / 32] << 32 | two_over_pi[at / 32 + 1];
    return (uint32_t)(two >> (32 - at % 32));
}

/* Bit i of a number whose lowest word comes first. */
static uint32_t bit_of(const uint32_t *words, int i)
{
    return words[i / 32] >> (i % 32) & 1u;
}

/*
 * x = (k + f) pi / 2 with |f| <= 1/2: gives k modulo 4 and f pi / 2. x is m * 2^e for an integer m; the product
 * of m and the 192 bits of 2 / pi that have weights below 4 / m * 2^-e is exact, and leaves 2^-137 of a quarter turn.
 */
static unsigned quarter_turns(double x, double *r)
{
    int e = 0;
    const uint64_t m = (uint64_t)ldexp(frexp(fabs(x), &e), 53);
    e -= 53;
    const int skipped = e > 2 ? e - 2 : 0, point = 32 * N_WINDOW - (e - skipped);
    uint32_t q[N_PRODUCT] = {0};
    for (int i = 0; i < N_WINDOW; i++) { /* from the lowest word up */
        const uint64_t w = bits_at(skipped + 32 * (N_WINDOW - 1 - i));
        const uint64_t low = w * (m & UINT32_MAX) + q[i];
        const uint64_t high = w * (m >> 32) + q[i + 1] + (low >> 32);
        q[i] = (uint32_t)low;
        q[i + 1] = (uint32_t)high;
        q[i + 2] = (uint32_t)(high >> 32);
    }
    unsigned turns = bit_of(q, point) | bit_of(q, point + 1) << 1;
    const bool above = bit_of(q, point - 1) != 0;
    /* The fraction's first 64 bits that are not leading zeros (or, above a half, of its complement). */
    int at = point - 1;
    while (at > 64 && bit_of(q, at) == (above ? 1u : 0u)) {
        at--;
    }
    uint64_t top = 0;
    for (int i = 0; i < 64; i++) {
        top = top << 1 | (bit_of(q, at - i) ^ (above ? 1u : 0u));
    }
    const double f = ldexp((double)top, at - 63 - point);
    turns += above;
    *r = (above ? -f : f) * half_pi;
    if (x < 0.0) {
        *r = -*r;
        turns = 0u - turns;
    }
    return turns & 3u;
}

/* ---------------------------------------------------------------- sine, cosine, tangent */

/* For |r| <= pi / 4: Taylor's series up to r^17 and r^18. */
static double sine_near(double r)
{
    const double z = r * r;
    double p = 0.0;
    for (int i = 17; i >= 3; i -= 2) {
        p = (p * z + 1.0) * (-1.0 / (double)(i * (i - 1)));
    }
    return r + r * (z * p);
}

static double cosine_near(double r)
{
    const double z = r * r;
    double p = 0.0;
    for (int i = 18; i >= 2; i -= 2) {
        p = (p * z + 1.0) * (-1.0 / (double)(i * (i - 1)));
    }
    return 1.0 + z * p;
}

static unsigned reduce_angle(double x, double *r)
{
    if (fabs(x) <= 0.78) {
        *r = x;
        return 0;
    }
    return quarter_turns(x, r);
}

double ir_ref_sin(double x)
{
    if (isnan(x) || isinf(x)) {
        return (double)NAN;
    }
    double r;
    const unsigned turns = reduce_angle(x, &r);
    const double s = (turns & 1u) != 0 ? cosine_near(r) : sine_near(r);
    return (turns & 2u) != 0 ? -s : s;
}

double ir_ref_cos(double x)
{
    if (isnan(x) || isinf(x)) {
        return (double)NAN;
    }
    double r;
    const unsigned turns = reduce_angle(x, &r);
    const double c = (turns & 1u) != 0 ? sine_near(r) : cosine_near(r);
    return turns == 1 || turns == 2 ? -c : c;
}

double ir_ref_tan(double x)
{
    if (isnan(x) || isinf(x)) {
        return (double)NAN;
    }
    double r;
    const unsigned turns = reduce_angle(x, &r);
    const double s = sine_near(r), c = cosine_near(r);
    return (turns & 1u) != 0 ? -c / s : s / c;
}

/* ---------------------------------------------------------------- their inverses */

double ir_ref_atan(double x)
{
    /* atan a = atan c + atan((a - c) / (1 + c a)): the rest is below 7/16. */
    static const struct {
        double below, c, high, low;
    } steps[] = {
        {0.4375, 0.0, 0.0, 0.0},
        {0.6875, 0.5, 0x1.dac670561bb4fp-2, 0x1.a2b7f222f65e2p-56},
        {1.1875, 1.0, 0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55},
        {2.4375, 1.5, 0x1.f730bd281f69bp-1, 0x1.007887af0cbbdp-56},
    };
    if (isnan(x) || x == 0.0) {
        return x;
    }
    const double a = fabs(x);
    double t = -1.0 / a, high = half_pi, low = half_pi_low;
    for (size_t i = sizeof steps / sizeof steps[0]; i-- > 0;) {
        if (a < steps[i].below) {
            t = (a - steps[i].c) / (1.0 + steps[i].c * a);
            high = steps[i].high;
            low = steps[i].low;
        }
    }
    const double z = t * t;
    double p = 0.0;
    for (int i = 47; i >= 3; i -= 2) {
        p = z * ((i % 4 == 1 ? 1.0 : -1.0) / (double)i + p);
    }
    const double y = high == 0.0 ? t + t * p : high + (t + (t * p + low));
    return x < 0.0 ? -y : y;
}

/* For 0 <= a <= 1/2. */
static double asin_near(double a)
{
    return ir_ref_atan(a / sqrt((1.0 - a) * (1.0 + a)));
}

double ir_ref_asin(double x)
{
    const double a = fabs(x);
    if (isnan(x) || a > 1.0) {
        return (double)NAN;
    }
    if (x == 0.0) {
        return x;
    }
    const double y = a <= 0.5 ? asin_near(a)
                              : half_pi - (2.0 * asin_near(sqrt((1.0 - a) * 0.5)) - half_pi_low);
    return x < 0.0 ? -y : y;
}

double ir_ref_acos(double x)
{
    if (isnan(x) || fabs(x) > 1.0) {
        return (double)NAN;
    }
    if (x > 0.5) {
        return 2.0 * asin_near(sqrt((1.0 - x) * 0.5));
    }
    if (x < -0.5) {
        return 2.0 * (half_pi - (asin_near(sqrt((1.0 + x) * 0.5)) - half_pi_low));
    }
    return half_pi - ((x < 0.0 ? -asin_near(-x) : asin_near(x)) - half_pi_low);
}

/* ---------------------------------------------------------------- hyperbolic functions */

double ir_ref_sinh(double x)
{
    if (isnan(x) || isinf(x) || x == 0.0) {
        return x;
    }
    const double a = fabs(x);
    double y;
    if (a < 22.0) {
        const double t = ir_ref_expm1(a);
        y = 0.5 * (t + t / (t + 1.0));
    } else {
        const double e = ir_ref_exp(0.5 * a); /* e^a itself may overflow where half of it does not */
        y = 0.5 * e * e;
    }
    return x < 0.0 ? -y : y;
}

double ir_ref_cosh(double x)
{
    const double a = fabs(x);
    if (isnan(x) || isinf(x)) {
        return a;
    }
    if (a < 22.0) {
        const double e = ir_ref_exp(a);
        return 0.5 * (e + 1.0 / e);
    }
    const double e = ir_ref_exp(0.5 * a);
    return 0.5 * e * e;
}

double ir_ref_log1p(double x)
{
    const double u = 1.0 + x;
    if (u == 1.0 || isinf(u)) {
        return x;
    }
    /* What the sum lost comes back through the quotient. */
    return u <= 0.0 || isnan(u) ? ir_ref_log(u) : ir_ref_log(u) * (x / (u - 1.0));
}

double ir_ref_softplus_of(double x)
{
    return (x > 0.0 ? x : 0.0) + ir_ref_log1p(ir_ref_exp(-fabs(x)));
}

static const double log_2 = 0x1.62e42fefa39efp-1;

double ir_ref_asinh(double x)
{
    if (isnan(x) || isinf(x) || x == 0.0) {
        return x;
    }
    const double a = fabs(x);
    const double y = a > 0x1p28 ? ir_ref_log(a) + log_2
                                : ir_ref_log1p(a + a * a / (1.0 + sqrt(a * a + 1.0)));
    return x < 0.0 ? -y : y;
}

double ir_ref_acosh(double x)
{
    if (isnan(x) || x < 1.0) {
        return (double)NAN;
    }
    if (x > 0x1p28) {
        return ir_ref_log(x) + log_2;
    }
    const double t = x - 1.0;
    return ir_ref_log1p(t + sqrt(2.0 * t + t * t));
}

double ir_ref_atanh(double x)
{
    const double a = fabs(x);
    if (isnan(x) || a > 1.0) {
        return (double)NAN;
    }
    if (x == 0.0) {
        return x;
    }
    const double y = 0.5 * ir_ref_log1p(2.0 * a / (1.0 - a));
    return x < 0.0 ? -y : y;
}
