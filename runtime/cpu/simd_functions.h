/*
 * simd_functions.h -- elementary functions of one fp32 number, written so that compilers vectorise loops of them.
 *
 * Only single operations, comparisons and bits in a fixed order: the same result on every instruction set. Each
 * stays within RT_CPU_FLOAT_TOLERANCE of the exact value; results below the normal range may be 0.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_SIMD_FUNCTIONS_H
#define SYSTOLE_RT_CPU_SIMD_FUNCTIONS_H

#include <stdint.h>
#include <string.h>

/* Nearest integer, ties to even, of |v| < 2^22: adding 1.5 * 2^23 leaves no bits for the fraction. */
#define ROUNDER 12582912.0f

/*
 * e^(x + rest), |rest| far below 1; 0 below the normal range, infinity above: 2^k times Taylor's series up to r^7 of e^r, |r| <=
 * ln 2 / 2 (the next term is below 2^-27 of it).
 */
static inline float exponential_of_sum(float x, float rest)
{
    float cut = x < 89.0f ? x : 89.0f;
    cut = cut > -88.0f ? cut : -88.0f;
    const float k = (cut * 1.44269504f + ROUNDER) - ROUNDER;
    const float r = ((cut - k * 0.693359375f) + k * 2.12194440e-4f) + rest;
    float p = 1.0f / 5040.0f;
    p = p * r + 1.0f / 720.0f;
    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    /* In two halves: k reaches 128, one more than an exponent holds. */
    const int32_t ki = (int32_t)k, half = ki >> 1;
    const int32_t first_bits = (half + 127) * (1 << 23),
                  second_bits = (ki - half + 127) * (1 << 23);
    float first, second;
    memcpy(&first, &first_bits, 4);
    memcpy(&second, &second_bits, 4);
    float y = p * first * second;
    y = x < -87.33654f ? 0.0f : y;
    y = x > 88.72284f ? __builtin_inff() : y;
    return x == x ? y : x;
}

static inline float exponential(float x)
{
    return exponential_of_sum(x, 0.0f);
}

static inline float logistic(float v)
{
    const float e = exponential(v < 0.0f ? v : -v); /* at most 1 */
    const float above = 1.0f / (1.0f + e);
    return v < 0.0f ? e * above : above;
}

/* Near 0 the difference of exponentials cancels: there, a rational function (continued fraction) is
 * used. */
static inline float hyperbolic(float v)
{
    const float m = v < 0.0f ? -v : v, s = v * v;
    const float e = exponential(-2.0f * m);
    const float far = (1.0f - e) / (1.0f + e);
    const float near = v * (10395.0f + s * (1260.0f + s * 21.0f)) /
                       (10395.0f + s * (4725.0f + s * (210.0f + s)));
    const float signed_far = v < 0.0f ? -far : far;
    return m < 0.625f ? near : signed_far;
}

static inline float clipped(float v, float low, float high)
{
    v = v < low ? low : v;
    return v > high ? high : v;
}

static inline uint32_t bits_of(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, 4);
    return bits;
}

static inline float from_bits(uint32_t bits)
{
    float v;
    memcpy(&v, &bits, 4);
    return v;
}

/* Half precision, bit by bit: exact. 2^112 brings the exponent's bias from 15 to 127, subnormals too. */
static inline float from_half(uint16_t half)
{
    const uint32_t magnitude = (uint32_t)(half & 0x7fffu) << 13, sign = (uint32_t)(half & 0x8000u) << 16;
    const float finite = from_bits(magnitude) * 0x1p112f;
    const uint32_t bits = (half & 0x7c00u) == 0x7c00u ? magnitude | 0x7f800000u : bits_of(finite);
    return from_bits(bits | sign);
}

/*
 * To the nearest, ties to even; a NaN becomes the one without a sign. Below 2^-14, adding 1/2 leaves what a subnormal number
 * keeps in the lowest bits.
 */
static inline uint16_t to_half(float v)
{
    const uint32_t bits = bits_of(v), magnitude = bits & 0x7fffffffu, sign = bits >> 16 & 0x8000u;
    const uint32_t small = bits_of(from_bits(magnitude < 0x38800000u ? magnitude : 0) + 0.5f) - 0x3f000000u;
    const uint32_t normal = (magnitude + 0xc8000fffu + (magnitude >> 13 & 1u)) >> 13;
    uint32_t half = magnitude < 0x38800000u ? small : normal;
    half = magnitude >= 0x477ff000u ? 0x7c00u : half;
    half |= sign;
    return (uint16_t)(magnitude > 0x7f800000u ? 0x7e00u : half);
}

static inline float from_brain(uint16_t brain)
{
    return from_bits((uint32_t)brain << 16);
}

static inline uint16_t to_brain(float v)
{
    const uint32_t bits = bits_of(v);
    const uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded);
}

/*
 * log x = k ln 2 + 2 atanh(s), s = f / (2 + f), 1 + f in [sqrt(1/2), sqrt(2)), |s| <= 0.1716; 2 s = f - s f, so that nothing
 * cancels near 1.
 */
static inline float logarithm(float x)
{
    const int small = x < 1.17549435e-38f;
    const float scaled = small ? x * 8388608.0f : x;
    const uint32_t bits = bits_of(scaled); /* of any sign: the differences wrap */
    const int32_t k = (int32_t)(bits - 0x3f3504f3u) >> 23;
    const float f = from_bits(bits - (uint32_t)k * (1u << 23)) - 1.0f;
    const float s = f / (2.0f + f), z = s * s;
    float p = 2.0f / 11.0f;
    p = p * z + 2.0f / 9.0f;
    p = p * z + 2.0f / 7.0f;
    p = p * z + 2.0f / 5.0f;
    p = p * z + 2.0f / 3.0f;
    const float e = (float)(small ? k - 23 : k);
    const float tail = s * (z * p - f);
    float y = e * 0.693359375f + (f + (tail - e * 2.12194440e-4f));
    y = x == 0.0f ? -__builtin_inff() : y;
    y = x < 0.0f ? __builtin_nanf("") : y;
    return x < __builtin_inff() ? y : x; /* infinity and NaN stay */
}

/* log(1 + e) for 0 <= e <= 1: 2 atanh(s), s = e / (2 + e) <= 1/3. */
static inline float logarithm_above_1(float e)
{
    const float s = e / (2.0f + e), z = s * s;
    float p = 2.0f / 17.0f;
    p = p * z + 2.0f / 15.0f;
    p = p * z + 2.0f / 13.0f;
    p = p * z + 2.0f / 11.0f;
    p = p * z + 2.0f / 9.0f;
    p = p * z + 2.0f / 7.0f;
    p = p * z + 2.0f / 5.0f;
    p = p * z + 2.0f / 3.0f;
    p = p * z + 2.0f;
    return s * p;
}

/* e^x - 1 for x <= 0: near 0 by Taylor's series, where the difference would cancel. */
static inline float exponential_less_1(float x)
{
    float p = 1.0f / 5040.0f;
    p = p * x + 1.0f / 720.0f;
    p = p * x + 1.0f / 120.0f;
    p = p * x + 1.0f / 24.0f;
    p = p * x + 1.0f / 6.0f;
    p = p * x + 0.5f;
    p = p * x + 1.0f;
    const float far = exponential(x) - 1.0f;
    return x > -0.5f ? x * p : far;
}

static inline float softplus(float x)
{
    const float magnitude = x < 0.0f ? x : -x;
    const float above = logarithm_above_1(exponential(magnitude));
    return x > 0.0f ? x + above : above;
}

/*
 * Taylor's series up to x^19 below 0.85 (the next term is below 2^-30 of it), above it 1 - P(t) e^(-x^2), t = 1 / (1 + 0.3275911 x),
 * Abramowitz and Stegun 7.1.26: error at most 1.5e-7.
 */
static inline float error_function(float x)
{
    const float m = x < 0.0f ? -x : x, z = x * x;
    float p = -1.0f / 6894720.0f; /* 9! 19 */
    p = p * z + 1.0f / 685440.0f;
    p = p * z - 1.0f / 75600.0f;
    p = p * z + 1.0f / 9360.0f;
    p = p * z - 1.0f / 1320.0f;
    p = p * z + 1.0f / 216.0f;
    p = p * z - 1.0f / 42.0f;
    p = p * z + 1.0f / 10.0f;
    p = p * z - 1.0f / 3.0f;
    p = p * z + 1.0f;
    const float near = x * 1.12837917f * p;
    const float cut = m < 10.0f ? m : 10.0f;
    const float t = 1.0f / (1.0f + 0.3275911f * cut);
    float q = 1.061405429f;
    q = q * t - 1.453152027f;
    q = q * t + 1.421413741f;
    q = q * t - 0.284496736f;
    q = q * t + 0.254829592f;
    const float far = 1.0f - q * t * exponential(-cut * cut);
    const float signed_far = x < 0.0f ? -far : far;
    const float y = m < 0.85f ? near : signed_far;
    return x == x ? y : x;
}

/*
 * v * Phi(v) = v / 2 * erfc(-v / sqrt 2). Phi(-m) = t P(t) e^(-m^2 / 2), t = 1 / (1 + a / 2), a = m / sqrt 2: a fit whose relative
 * error is below 4.5e-8 for all a; the exponent in two parts, because its rounding would be the result's error.
 */
static inline float gelu(float v)
{
    const float m = v < 0.0f ? -v : v;
    const float cut = m < 20.0f ? m : 20.0f;
    const float t = 1.0f / (1.0f + 0.353553391f * cut);
    float p = -0.0296931751f;
    p = p * t + 0.143061742f;
    p = p * t - 0.24520278f;
    p = p * t + 0.14086628f;
    p = p * t - 0.0145740891f;
    p = p * t + 0.101876222f;
    p = p * t + 0.12141756f;
    p = p * t + 0.141206056f;
    p = p * t + 0.141042173f;
    const float high = from_bits(bits_of(cut) & 0xfffff000u), low = cut - high; /* high^2 is exact */
    const float beyond = p * t * exponential_of_sum(-0.5f * high * high, -low * (high + 0.5f * low));
    return v < 0.0f ? v * beyond : v * (1.0f - beyond);
}

/* v * sigmoid(2 sqrt(2 / pi) (v + 0.044715 v^3)): its tanh form; the argument in two parts for the same reason. */
static inline float gelu_tanh(float v)
{
    const float m = v < 0.0f ? -v : v;
    const double cut = (double)(m < 20.0f ? m : 20.0f);
    const double u = -cut * (1.5957691216057308 + 0.071354816272600249 * cut * cut);
    const float high = (float)u, low = (float)(u - (double)high);
    const float e = exponential_of_sum(high, low);
    const float above = 1.0f / (1.0f + e);
    return v < 0.0f ? v * (e * above) : v * above;
}

#endif
