/*
 * simd_rows.h -- Softmax and normalisation of rows of fp32 numbers; part of simd_kernels.h.
 *
 * Sums have one order, the same on every instruction set: sixteen lanes over blocks of ROW_BLOCK
 * elements, the lanes joined in pairs, blocks added in double.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_SIMD_ROWS_H
#define SYSTOLE_RT_CPU_SIMD_ROWS_H

#define LANES     16
#define ROW_BLOCK 1024

static inline double join_lanes(const float_lanes *sum)
{
    float v[LANES];
    memcpy(v, sum, sizeof v);
    for (int width = LANES / 2; width > 0; width /= 2) {
        for (int i = 0; i < width; i++) {
            v[i] += v[i + width];
        }
    }
    return (double)v[0];
}

/* The sum of TERM over n elements, of which `v` has sixteen, zeros beyond the last (TERM of them is
 * kept out). */
#define SUM_OF(total, n, x, TERM)                                                     \
    do {                                                                              \
        (total) = 0.0;                                                                \
        for (int64_t block_ = 0; block_ < (n); block_ += ROW_BLOCK) {                 \
            const int64_t end_ = (n) - block_ < ROW_BLOCK ? (n) : block_ + ROW_BLOCK; \
            float_lanes sum_ = {0};                                                   \
            int64_t at_ = block_;                                                     \
            for (; at_ + LANES <= end_; at_ += LANES) {                               \
                float_lanes v;                                                        \
                memcpy(&v, (x) + at_, sizeof v);                                      \
                sum_ += TERM;                                                         \
            }                                                                         \
            if (at_ < end_) {                                                         \
                float_lanes v = {0}, kept_ = {0};                                     \
                memcpy(&v, (x) + at_, (size_t)(end_ - at_) * sizeof(float));          \
                v = TERM;                                                             \
                memcpy(&kept_, &v, (size_t)(end_ - at_) * sizeof(float));             \
                sum_ += kept_;                                                        \
            }                                                                         \
            (total) += join_lanes(&sum_);                                             \
        }                                                                             \
    } while (0)

static float row_largest(int64_t n, const float *x)
{
    float lanes[LANES], largest = -__builtin_inff();
    int64_t i = 0;
    for (int k = 0; k < LANES; k++) {
        lanes[k] = largest;
    }
    for (; i + LANES <= n; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            lanes[k] = x[i + k] > lanes[k] ? x[i + k] : lanes[k];
        }
    }
    for (; i < n; i++) {
        largest = x[i] > largest ? x[i] : largest;
    }
    for (int k = 0; k < LANES; k++) {
        largest = lanes[k] > largest ? lanes[k] : largest;
    }
    return largest;
}

static float row_least(int64_t n, const float *x)
{
    float lanes[LANES], least = __builtin_inff();
    int64_t i = 0;
    for (int k = 0; k < LANES; k++) {
        lanes[k] = least;
    }
    for (; i + LANES <= n; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            lanes[k] = x[i + k] < lanes[k] ? x[i + k] : lanes[k];
        }
    }
    for (; i < n; i++) {
        least = x[i] < least ? x[i] : least;
    }
    for (int k = 0; k < LANES; k++) {
        least = lanes[k] < least ? lanes[k] : least;
    }
    return least;
}

static double row_exp(int64_t n, const float *x, float shift, float *y)
{
    double total;
    for (int64_t i = 0; i < n; i++) {
        y[i] = exponential(x[i] - shift);
    }
    SUM_OF(total, n, y, v);
    return total;
}

/* x = x * factor with its masks; returns the largest. */
static float row_mask(int64_t n, const rt_row_mask *m, float *x)
{
    const float factor = m->factor, other = m->other;
    const uint8_t *keep = m->keep;
    const int drop = m->drop;
    for (int64_t i = 0; i < n; i++) {
        x[i] *= factor;
    }
    if (m->add != NULL && m->add_first) {
        for (int64_t i = 0; i < n; i++) {
            x[i] += m->add[i];
        }
    }
    for (int64_t i = 0; keep != NULL && i < n; i++) {
        x[i] = (keep[i] != 0) != drop ? x[i] : other;
    }
    if (m->add != NULL && !m->add_first) {
        for (int64_t i = 0; i < n; i++) {
            x[i] += m->add[i];
        }
    }
    return row_largest(n, x);
}

static void row_softmax(int64_t n, const float *x, float *y)
{
    const float inverse = (float)(1.0 / row_exp(n, x, row_largest(n, x), y));
    for (int64_t i = 0; i < n; i++) {
        y[i] *= inverse;
    }
}

static void row_normalise(int64_t n, const float *x, bool centred, float epsilon,
                          const float *restrict scale, const float *restrict bias,
                          float *restrict y, float *mean_out, float *inverse_out)
{
    double total = 0.0, squares;
    if (centred) {
        SUM_OF(total, n, x, v);
    }
    const double mean = total / (double)n;
    const float high = (float)mean,
                low = (float)(mean - (double)high); /* x - high is exact where it would cancel */
    SUM_OF(squares, n, x, ((v - high) - low) * ((v - high) - low));
    const float inverse = (float)(1.0 / __builtin_sqrt(squares / (double)n + (double)epsilon));
    *mean_out = high;
    *inverse_out = inverse;
    if (y == NULL) {
        return;
    }
    if (bias != NULL) {
        for (int64_t i = 0; i < n; i++) {
            y[i] = ((x[i] - high) - low) * inverse * scale[i] + bias[i];
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            y[i] = ((x[i] - high) - low) * inverse * scale[i];
        }
    }
}

/* to[k][c] = codes[k][c] * scales[c], 32 columns. */
static void scale_panel(int64_t depth, const int8_t *restrict codes, const float *restrict scales,
                        float *restrict to)
{
    for (int64_t k = 0; k < depth; k++) {
        for (int c = 0; c < 32; c++) {
            to[k * 32 + c] = (float)codes[k * 32 + c] * scales[c];
        }
    }
}

/* y[j] = sum over k of a[k] * b[k * ldb + j], in order. */
static void double_row(int64_t n, int64_t depth, const double *restrict a, const double *restrict b,
                       int64_t ldb, double *restrict y)
{
    for (int64_t j = 0; j < n; j++) {
        y[j] = 0.0;
    }
    for (int64_t k = 0; k < depth; k++) {
        const double x = a[k];
        for (int64_t j = 0; j < n; j++) {
            y[j] += x * b[k * ldb + j];
        }
    }
}

#endif
