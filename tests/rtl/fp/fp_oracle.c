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

/* Around every border: zeros, subnormals, the smallest and largest normal numbers, ties, infinities, NaNs, int32's ends. */
static const uint32_t magnitudes[] = {
    0x00000000, 0x00000001, 0x00000002, 0x00000003, 0x00400000, 0x007FFFFE, 0x007FFFFF, 0x00800000, 0x00800001, 0x00FFFFFF,
    0x01000000, 0x0C000000, 0x20000000, 0x26000000, 0x33000000, 0x33800000, 0x34000000, 0x3EFFFFFF, 0x3F000000, 0x3F000001,
    0x3F7FFFFF, 0x3F800000, 0x3F800001, 0x3FC00000, 0x40000000, 0x40200000, 0x40600000, 0x4B000001, 0x4B7FFFFF, 0x4B800000,
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
        bits &= 0xFFFFF000u << (shared >> 16 & 7); /* few bits: ties */
    }
    return (int)bits;
}
