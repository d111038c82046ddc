/*
 * reduce_kernels.h -- fp32 reductions of a run of elements: included once per instruction set, before simd_kernels.h.
 *
 * Sixty-four partial results, element i goes to number i mod 64; then they are joined by halves: an order that
 * depends on n alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <string.h>

#define PARTIALS 64

#define REDUCE_ROW(name, start, joined)                             \
    static float name(int64_t n, const float *x)                    \
    {                                                               \
        float partial[PARTIALS];                                    \
        int64_t i = 0;                                              \
        for (int l = 0; l < PARTIALS; l++) {                        \
            partial[l] = start;                                     \
        }                                                           \
        for (; i + PARTIALS <= n; i += PARTIALS) {                  \
            for (int l = 0; l < PARTIALS; l++) {                    \
                const float a = partial[l], b = x[i + l];           \
                partial[l] = joined;                                \
            }                                                       \
        }                                                           \
        for (int l = 0; i + l < n; l++) {                           \
            const float a = partial[l], b = x[i + l];               \
            partial[l] = joined;                                    \
        }                                                           \
        for (int half = PARTIALS / 2; half > 0; half /= 2) {        \
            for (int l = 0; l < half; l++) {                        \
                const float a = partial[l], b = partial[l + half];  \
                partial[l] = joined;                                \
            }                                                       \
        }                                                           \
        return partial[0];                                          \
    }

REDUCE_ROW(sum_row, 0.0f, a + b)
REDUCE_ROW(max_row, -__builtin_inff(), b > a || b != b ? b : a)
REDUCE_ROW(min_row, __builtin_inff(), b < a || b != b ? b : a)

static void min_floats(int64_t n, const float *from, float *to)
{
    for (int64_t j = 0; j < n; j++) {
        const float v = from[j];
        to[j] = v < to[j] || v != v ? v : to[j];
    }
}
