/*
 * simd_winograd.h -- Winograd's transformations over channels: part of simd_kernels.h.
 *
 * Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015: F(2x2, 3x3) with the points 0, 1, -1, infinity and
 * F(4x4, 3x3) with 2, -2 too. Sixteen channels at once; n is a multiple of 16. Every operation is rounded by itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

/* o = B^T s */
static inline void winograd_in_4(const float_lanes *s, float_lanes *o)
{
    o[0] = s[0] - s[2];
    o[1] = s[1] + s[2];
    o[2] = s[2] - s[1];
    o[3] = s[1] - s[3];
}

static inline void winograd_in_6(const float_lanes *s, float_lanes *o)
{
    const float_lanes even = s[4] - 4.0f * s[2], odd = s[3] - 4.0f * s[1];
    const float_lanes near = s[4] - s[2], twice = 2.0f * (s[3] - s[1]);
    o[0] = (4.0f * s[0] - 5.0f * s[2]) + s[4];
    o[1] = even + odd;
    o[2] = even - odd;
    o[3] = near + twice;
    o[4] = near - twice;
    o[5] = (4.0f * s[1] - 5.0f * s[3]) + s[5];
}

/* o = A^T s */
static inline void winograd_out_4(const float_lanes *s, float_lanes *o)
{
    o[0] = (s[0] + s[1]) + s[2];
    o[1] = (s[1] - s[2]) - s[3];
}

static inline void winograd_out_6(const float_lanes *s, float_lanes *o)
{
    const float_lanes a = s[1] + s[2], b = s[1] - s[2], c = s[3] + s[4], d = s[3] - s[4];
    o[0] = (s[0] + a) + c;
    o[1] = b + 2.0f * d;
    o[2] = a + 4.0f * c;
    o[3] = (b + 8.0f * d) + s[5];
}

/* SIZE inputs per axis make SIZE - 2 results. */
#define WINOGRAD(SIZE)                                                                            \
    static void winograd_in_tile_##SIZE(int64_t n, const float *const *x, float *v,               \
                                        int64_t v_step)                                           \
    {                                                                                             \
        for (int64_t j = 0; j < n; j += 16) {                                                     \
            float_lanes t[SIZE][SIZE], s[SIZE], o[SIZE];                                          \
            for (int c = 0; c < SIZE; c++) {                                                      \
                for (int r = 0; r < SIZE; r++) {                                                  \
                    memcpy(&s[r], x[r * SIZE + c] + j, sizeof s[r]);                              \
                }                                                                                 \
                winograd_in_##SIZE(s, o);                                                         \
                for (int r = 0; r < SIZE; r++) {                                                  \
                    t[r][c] = o[r];                                                               \
                }                                                                                 \
            }                                                                                     \
            for (int r = 0; r < SIZE; r++) {                                                      \
                winograd_in_##SIZE(t[r], o);                                                      \
                for (int c = 0; c < SIZE; c++) {                                                  \
                    memcpy(v + (r * SIZE + c) * v_step + j, &o[c], sizeof o[c]);                  \
                }                                                                                 \
            }                                                                                     \
        }                                                                                         \
    }                                                                                             \
                                                                                                  \
    static void winograd_out_tile_##SIZE(int64_t n, const float *m, int64_t m_step,               \
                                         const float *bias, const float *const *residual,         \
                                         float low, float high, float *const *y)                  \
    {                                                                                             \
        for (int64_t j = 0; j < n; j += 16) {                                                     \
            float_lanes t[SIZE - 2][SIZE], s[SIZE], o[SIZE - 2], b;                               \
            memcpy(&b, bias + j, sizeof b);                                                       \
            for (int c = 0; c < SIZE; c++) {                                                      \
                for (int r = 0; r < SIZE; r++) {                                                  \
                    memcpy(&s[r], m + (r * SIZE + c) * m_step + j, sizeof s[r]);                  \
                }                                                                                 \
                winograd_out_##SIZE(s, o);                                                        \
                for (int r = 0; r < SIZE - 2; r++) {                                              \
                    t[r][c] = o[r];                                                               \
                }                                                                                 \
            }                                                                                     \
            for (int r = 0; r < SIZE - 2; r++) {                                                  \
                winograd_out_##SIZE(t[r], o);                                                     \
                for (int c = 0; c < SIZE - 2; c++) {                                              \
                    const int i = r * (SIZE - 2) + c;                                             \
                    float_lanes q = o[c] + b, added;                                              \
                    if (residual != NULL) {                                                       \
                        memcpy(&added, residual[i] + j, sizeof added);                            \
                        q += added;                                                               \
                    }                                                                             \
                    limit_lanes(&q, low, high);                                                   \
                    memcpy(y[i] + j, &q, sizeof q);                                               \
                }                                                                                 \
            }                                                                                     \
        }                                                                                         \
    }

static inline void limit_lanes(float_lanes *v, float low, float high)
{
    const float_lanes l = (float_lanes){0} + low, h = (float_lanes){0} + high;
    const bit_lanes below = *v < l, above = *v > h;
    *v = (float_lanes)(((bit_lanes)l & below) | ((bit_lanes)*v & ~below));
    *v = (float_lanes)(((bit_lanes)h & above) | ((bit_lanes)*v & ~above));
}

WINOGRAD(4)
WINOGRAD(6)
