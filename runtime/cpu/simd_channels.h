/*
 * simd_channels.h -- inner loops over the channels of one position: part of simd_kernels.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

typedef int32_t bit_lanes __attribute__((vector_size(64)));

/* By pointers, as widen. */
static inline void larger_lanes(float_lanes *s, const float_lanes *v)
{
    const bit_lanes take = (*v > *s) | (*v != *v);
    const bit_lanes bits = ((bit_lanes)*v & take) | ((bit_lanes)*s & ~take);
    *s = (float_lanes)bits;
}

static inline void added_lanes(float_lanes *s, const float_lanes *v)
{
    *s += *v;
}

/* Sixteen channels through all taps before the next sixteen: the result is stored once. */
#define TAPS(name, START, NEXT_LANES, NEXT)                                                  \
    static void name(int64_t n, int64_t n_taps, const float *base, const int64_t *at,        \
                     float *restrict y)                                                      \
    {                                                                                        \
        int64_t j = 0;                                                                       \
        for (; j < n && n >= 16; j += 16) {                                                  \
            j = j + 16 <= n ? j : n - 16; /* the last ones once more */                      \
            float_lanes sum = (float_lanes){0} + START, v;                                   \
            for (int64_t t = 0; t < n_taps; t++) {                                           \
                memcpy(&v, base + at[t] + j, sizeof v);                                      \
                NEXT_LANES(&sum, &v);                                                        \
            }                                                                                \
            memcpy(y + j, &sum, sizeof sum);                                                 \
        }                                                                                    \
        for (; j < n; j++) {                                                                 \
            float s = START;                                                                 \
            for (int64_t t = 0; t < n_taps; t++) {                                           \
                const float v = base[at[t] + j];                                             \
                s = NEXT;                                                                    \
            }                                                                                \
            y[j] = s;                                                                        \
        }                                                                                    \
    }

TAPS(max_taps, -__builtin_inff(), larger_lanes, v > s || v != v ? v : s)
TAPS(add_taps, 0.0f, added_lanes, s + v)

static void add_rows(int64_t n, int64_t n_rows, const float *from, int64_t step,
                     double *restrict sums)
{
    for (int64_t r = 0; r < n_rows; r++) {
        for (int64_t j = 0; j < n; j++) {
            sums[j] += (double)from[r * step + j];
        }
    }
}

static void affine_row(int64_t n, const float *restrict x, const float *restrict scale,
                       const float *restrict shift, float low, float high, float *restrict y)
{
    for (int64_t j = 0; j < n; j++) {
        float v = x[j] * scale[j] + shift[j];
        v = v < low ? low : v;
        y[j] = v > high ? high : v;
    }
}

/* v^-p for the three powers that networks use. */
static void normalise_row(int64_t n, int64_t size, const float *restrict squares, float alpha,
                          float bias, int power, const float *restrict x, float *restrict y)
{
#define ROW(DIVISOR)                                                        \
    for (int64_t j = 0; j < n; j++) {                                       \
        float s = 0.0f;                                                     \
        for (int64_t k = 0; k < size; k++) {                                \
            s += squares[j + k];                                            \
        }                                                                   \
        const float v = bias + alpha * s, root = __builtin_sqrtf(v);        \
        y[j] = x[j] / (DIVISOR);                                            \
    }
    if (size == 5 && power == 75) {
        for (int64_t j = 0; j < n; j++) {
            const float s = squares[j] + squares[j + 1] + squares[j + 2] + squares[j + 3] +
                            squares[j + 4];
            const float v = bias + alpha * s, root = __builtin_sqrtf(v);
            y[j] = x[j] / (root * __builtin_sqrtf(root));
        }
    } else if (power == 75) {
        ROW(root * __builtin_sqrtf(root))
    } else if (power == 50) {
        ROW(root)
    } else {
        ROW(root == root ? v : root) /* 100 */
    }
#undef ROW
}

/* to[i * n_rows + r] = from[r * n + i] */
static void weave(int64_t n_rows, int64_t n, const float *restrict from, float *restrict to)
{
    for (int64_t i = 0; n_rows == 2 && i < n; i++) {
        to[2 * i] = from[i];
        to[2 * i + 1] = from[n + i];
    }
    for (int64_t i = 0; n_rows == 4 && i < n; i++) {
        to[4 * i] = from[i];
        to[4 * i + 1] = from[n + i];
        to[4 * i + 2] = from[2 * n + i];
        to[4 * i + 3] = from[3 * n + i];
    }
    for (int64_t r = 0; n_rows != 2 && n_rows != 4 && r < n_rows; r++) {
        for (int64_t i = 0; i < n; i++) {
            to[i * n_rows + r] = from[r * n + i];
        }
    }
}
