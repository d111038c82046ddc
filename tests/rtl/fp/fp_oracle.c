/*
 * fp_oracle.c -- what the fp32 modules should give: the host's arithmetic, with one NaN.
 *
 * Compiled without contraction or fast-math; binary32 on the host is IEEE 754.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

int fp_oracle_add(int a, int b);
int fp_oracle_mul(int a, int b);
int fp_oracle_from_int(int a);
int fp_oracle_to_int(int a);
int fp_oracle_fma(int a, int b, int c);
int fp_oracle_to_bf16(int a);
int fp_oracle_addend(int i, int a, int b);
int fp_oracle_corner(int i);
int fp_oracle_n_corners(void);
int fp_oracle_random(int i, int which);

static float to_float(int bits)
{
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

static int to_bits(float x)
{
    int bits;
    memcpy(&bits, &x, 4);
    return isnan(x) ? 0x7FC00000 : bits;
}

int fp_oracle_add(int a, int b)
{
    return to_bits(to_float(a) + to_float(b));
}

int fp_oracle_mul(int a, int b)
{
    return to_bits(to_float(a) * to_float(b));
}

int fp_oracle_from_int(int a)
{
    return to_bits((float)a);
}

int fp_oracle_to_int(int a)
{
    const double v = nearbyint((double)to_float(a)); /* round to nearest even is the default mode */
    if (isnan(v)) {
        return 0;
    }
    return v >= 2147483647.0 ? INT32_MAX : v <= -2147483648.0 ? INT32_MIN : (int)v;
}

int fp_oracle_fma(int a, int b, int c)
{
    return to_bits(fmaf(to_float(a), to_float(b), to_float(c)));
}

/* By value: of the two neighbours the nearer, of two as near the even one. */
int fp_oracle_to_bf16(int a)
{
    const float v = to_float(a);
    if (isnan(v)) {
        return 0x7FC0;
    }
    const int below = (int)((uint32_t)a & 0xFFFF0000u);
    const int above = (int)((uint32_t)below + 0x10000u);
    if (isinf(v)) {
        return below >> 16 & 0xFFFF;
    }
    /* the neighbour of the largest number is 2^128, which fp32 has no number for */
    const double up = isinf(to_float(above)) ? copysign(0x1p128, (double)v) : (double)to_float(above);
    const double to_below = fabs((double)v - (double)to_float(below));
    const double to_above = fabs(up - (double)v);
    const int even = (below >> 16 & 1) == 0;
    return (to_below < to_above || (to_below == to_above && even) ? below : above) >> 16 & 0xFFFF;
}

/* Around every border: zeros, subnormals, the smallest and largest normal numbers, ties, infinities, NaNs, int32's ends. */
static const uint32_t magnitudes[] = {
    0x00000000, 0x00000001, 0x00000002, 0x00000003, 0x00400000, 0x007FFFFE, 0x007FFFFF, 0x00800000, 0x00800001, 0x00FFFFFF,
    0x01000000, 0x0C000000, 0x20000000, 0x26000000, 0x33000000, 0x33800000, 0x34000000, 0x3EFFFFFF, 0x3F000000, 0x3F000001,
    0x3F7FFFFF, 0x3F800000, 0x3F800001, 0x3F800800, 0x3FC00000, 0x40000000, 0x40200000, 0x40600000, 0x4B000001, 0x4B7FFFFF, 0x4B800000,
    0x4B800001, 0x4EFFFFFF, 0x4F000000, 0x4F000001, 0x5F000000, 0x60000000, 0x7E800000, 0x7F000000, 0x7F7FFFFE, 0x7F7FFFFF,
    0x7F800000, 0x7F800001, 0x7FBFFFFF, 0x7FC00000, 0x7FFFFFFF,
};

int fp_oracle_n_corners(void)
{
    return 2 * (int)(sizeof magnitudes / sizeof magnitudes[0]);
}

int fp_oracle_corner(int i)
{
    return (int)(magnitudes[i / 2] | (i % 2 != 0 ? 0x80000000u : 0u));
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xBF58476D1CE4E5B9);
    x ^= x >> 27;
    x *= UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

/* Half of them with exponents close to one another's, so that sums cancel and products reach both ends. */
int fp_oracle_random(int i, int which)
{
    const uint64_t r = mix((uint64_t)i * 4 + (uint64_t)which);
    const uint64_t shared = mix((uint64_t)i * 4 + 2);
    uint32_t bits = (uint32_t)r;
    if ((shared & 1) != 0) {
        const uint32_t exponent = ((uint32_t)(shared >> 8) & 0xFF) + ((uint32_t)(r >> 40) & 3);
        bits = (bits & 0x807FFFFFu) | (exponent & 0xFF) << 23;
    }
    if ((shared & 6) == 6) {
        bits &= 0xFFFFF800u << (shared >> 16 & 7); /* few bits: ties */
    }
    return (int)bits;
}

/* The addend of vector i: any number, or far below the product, close to cancelling it, of about its size. */
int fp_oracle_addend(int i, int a, int b)
{
    const uint64_t r = mix((uint64_t)i * 4 + 3);
    const uint32_t product = (uint32_t)to_bits(to_float(a) * to_float(b));
    switch (r & 3) {
    case 0:
        return (int)((r & 4) != 0 ? r >> 32 : product - ((uint32_t)(r >> 32) & 0x3FFFFFFFu));
    case 1:
        return (int)((product ^ 0x80000000u) + (uint32_t)(r >> 32 & 3) - 1);
    case 2:
        return (int)((product ^ 0x80000000u) & (0xFFFFFFFFu << (r >> 32 & 31)));
    default:
        return (int)(product + ((uint32_t)(r >> 32) & 0x0FFFFFFFu) - 0x08000000u);
    }
}
