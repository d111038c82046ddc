/*
 * element_kernels.h -- the loops of element_ops.def: included once per instruction set, before simd_kernels.h.
 *
 * Results may overwrite an operand: each element is read before it is written, and no other depends on it (ivdep).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "element.h"
#include "simd_functions.h"

#include <math.h>

#define EACH _Pragma("GCC ivdep") for (int64_t j = 0; j < n; j++)

#define E1(id, type, result, value)                                                           \
    static void id##_loop(int64_t n, const void *const *from, float p, float q, void *to)     \
    {                                                                                         \
        const type *in = from[0];                                                             \
        result *out = to;                                                                     \
        (void)p;                                                                              \
        (void)q;                                                                              \
        EACH                                                                                  \
        {                                                                                     \
            const type x = in[j];                                                             \
            out[j] = (result)(value);                                                         \
        }                                                                                     \
    }
#define E2(id, type, result, value)                                                           \
    static void id##_loop(int64_t n, const void *const *from, float p, float q, void *to)     \
    {                                                                                         \
        const type *left = from[0], *right = from[1];                                         \
        result *out = to;                                                                     \
        (void)p;                                                                              \
        (void)q;                                                                              \
        EACH                                                                                  \
        {                                                                                     \
            const type a = left[j], b = right[j];                                             \
            out[j] = (result)(value);                                                         \
        }                                                                                     \
    }
#define E3(id, type, value)                                                                   \
    static void id##_loop(int64_t n, const void *const *from, float p, float q, void *to)     \
    {                                                                                         \
        const uint8_t *conditions = from[0];                                                  \
        const type *left = from[1], *right = from[2];                                         \
        type *out = to;                                                                       \
        (void)p;                                                                              \
        (void)q;                                                                              \
        EACH                                                                                  \
        {                                                                                     \
            const uint8_t c = conditions[j];                                                  \
            const type a = left[j], b = right[j];                                             \
            out[j] = value;                                                                   \
        }                                                                                     \
    }
#include "element_ops.def"
#undef E1
#undef E2
#undef E3

/* ---------------------------------------------------------------- powers, in double */

/* e^x for |x| < 700: 2^k times Taylor's series, relative error below 1e-11. */
static inline double exponential_double(double x)
{
    const double rounder = 0x1.8p52;
    const double shifted = x * 1.4426950408889634 + rounder, k = shifted - rounder;
    const double r = (x - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33;
    double y = 1.0 / 3628800.0;
    y = y * r + 1.0 / 362880.0;
    y = y * r + 1.0 / 40320.0;
    y = y * r + 1.0 / 5040.0;
    y = y * r + 1.0 / 720.0;
    y = y * r + 1.0 / 120.0;
    y = y * r + 1.0 / 24.0;
    y = y * r + 1.0 / 6.0;
    y = y * r + 0.5;
    y = y * r + 1.0;
    y = y * r + 1.0;
    uint64_t bits;
    memcpy(&bits, &shifted, 8); /* k stands in its lowest bits */
    bits = (bits << 52) + 0x3ff0000000000000u;
    double scale;
    memcpy(&scale, &bits, 8);
    return y * scale;
}

/* log a for positive normal a; absolute error below 1e-12. */
static inline double logarithm_double(double a)
{
    uint64_t bits; /* of others too: what comes out for them is replaced, but must not overflow */
    memcpy(&bits, &a, 8);
    const int64_t k = (int64_t)(bits - UINT64_C(0x3fe6a09e667f3bcd)) >> 52;
    bits -= (uint64_t)k << 52;
    double m;
    memcpy(&m, &bits, 8);
    const double s = (m - 1.0) / (m + 1.0), z = s * s;
    double y = 2.0 / 15.0;
    y = y * z + 2.0 / 13.0;
    y = y * z + 2.0 / 11.0;
    y = y * z + 2.0 / 9.0;
    y = y * z + 2.0 / 7.0;
    y = y * z + 2.0 / 5.0;
    y = y * z + 2.0 / 3.0;
    y = y * z + 2.0;
    return (double)k * 0.6931471805599453 + s * y;
}

static void POW_F32_loop(int64_t n, const void *const *from, float p, float q, void *to)
{
    const float *left = from[0], *right = from[1];
    float *out = to;
    float result[RT_ELEMENT_BLOCK];
    int n_special = 0;
    (void)p;
    (void)q;
    EACH
    {
        const float a = left[j], b = right[j];
        const double x = (double)b * logarithm_double((double)a);
        const double cut = x > 200.0 ? 200.0 : x < -200.0 ? -200.0 : x;
        result[j] = (float)exponential_double(cut);
        n_special += !(a > 0.0f && a < __builtin_inff() && b * 0.0f == 0.0f);
    }
    for (int64_t j = 0; n_special > 0 && j < n; j++) { /* zeros, negative bases, infinities, NaN */
        const float a = left[j], b = right[j];
        if (!(a > 0.0f && a < __builtin_inff() && b * 0.0f == 0.0f)) {
            result[j] = (float)pow((double)a, (double)b);
        }
    }
    memcpy(out, result, (size_t)n * sizeof *out);
}

/* ---------------------------------------------------------------- sine and cosine, in double */

#define TURN_LIMIT 30000.0f /* below it, x - k pi / 2 has 30 good bits left in double */

static inline float turned(float v, uint64_t quarter)
{
    const double rounder = 0x1.8p52, x = (double)v;
    const double shifted = x * 0.6366197723675814 + rounder, k = shifted - rounder;
    const double r = (x - k * 0x1.921fb544p0) - k * 0x1.0b4611a626331p-34, z = r * r;
    double s = 1.0 / 6227020800.0;
    s = s * z - 1.0 / 39916800.0;
    s = s * z + 1.0 / 362880.0;
    s = s * z - 1.0 / 5040.0;
    s = s * z + 1.0 / 120.0;
    s = s * z - 1.0 / 6.0;
    s = r + r * z * s;
    double c = 1.0 / 479001600.0;
    c = c * z - 1.0 / 3628800.0;
    c = c * z + 1.0 / 40320.0;
    c = c * z - 1.0 / 720.0;
    c = c * z + 1.0 / 24.0;
    c = c * z - 0.5;
    c = c * z + 1.0;
    uint64_t bits;
    memcpy(&bits, &shifted, 8);
    bits += quarter;
    const double y = (bits & 1) != 0 ? c : s;
    return (float)((bits & 2) != 0 ? -y : y);
}

#define TURN(id, quarter, exact)                                                              \
    static void id##_loop(int64_t n, const void *const *from, float p, float q, void *to)     \
    {                                                                                         \
        const float *in = from[0];                                                            \
        float *out = to;                                                                      \
        int n_large = 0;                                                                      \
        (void)p;                                                                              \
        (void)q;                                                                              \
        for (int64_t j = 0; j < n; j++) {                                                     \
            n_large += !(__builtin_fabsf(in[j]) < TURN_LIMIT);                                \
        }                                                                                     \
        for (int64_t j = 0; n_large > 0 && j < n; j++) {                                      \
            const float v = in[j];                                                            \
            out[j] = __builtin_fabsf(v) < TURN_LIMIT ? turned(v, quarter) : (float)exact((double)v); \
        }                                                                                     \
        if (n_large == 0) {                                                                   \
            EACH                                                                              \
            {                                                                                 \
                out[j] = turned(in[j], quarter);                                              \
            }                                                                                 \
        }                                                                                     \
    }

TURN(SIN_F32, 0, sin)
TURN(COS_F32, 1, cos)

static const rt_element_fn element_loops[RT_E_COUNT] = {
#define E1(id, from, to, value) [RT_E_##id] = id##_loop,
#define E2(id, from, to, value) [RT_E_##id] = id##_loop,
#define E3(id, type, value)     [RT_E_##id] = id##_loop,
#include "element_ops.def"
#undef E1
#undef E2
#undef E3
    [RT_E_POW_F32] = POW_F32_loop,
    [RT_E_SIN_F32] = SIN_F32_loop,
    [RT_E_COS_F32] = COS_F32_loop,
};
