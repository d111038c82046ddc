/*
 * simd.h -- inner loops in three variants (AVX-512 with VNNI, AVX2, plain C), chosen by the
 * processor's features.
 *
 * simd_kernels.h holds the code of all three; integer results and single fp32 operations are the
 * same bits in all of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_SIMD_H
#define SYSTOLE_RT_CPU_SIMD_H

#include "element.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RT_QTILE_ROWS    14
#define RT_QTILE_COLUMNS 32
#define RT_TAPS_BLOCK    64
#define RT_QUAD_BYTES    (4 * RT_QTILE_COLUMNS) /* four k of one panel */

/* The output side of the quantised operators: clamp(rne(v) + zero, low, high), low and high within
 * int8. */
typedef struct rt_requant {
    int32_t zero, low, high;
} rt_requant;

/* Elementwise functions: RT_ACT_NONE, RT_ACT_RELU, ... */
typedef enum rt_act {
#define ACT(id, name, value) RT_ACT_##id,
#include "activations.def"
#undef ACT
} rt_act;

/* Instruction sets, each with all before it. */
typedef enum rt_isa { RT_ISA_PORTABLE, RT_ISA_AVX2, RT_ISA_AVX512 } rt_isa;

/* What happens to a row of scores: x * factor, then x + add and x or `other`, add first or last. */
typedef struct rt_row_mask {
    float factor, other;
    const float *add;    /* NULL: nothing */
    const uint8_t *keep; /* where 0 (drop 1: where not 0) `other`; NULL: nowhere */
    int drop;
    bool add_first;
} rt_row_mask;

typedef struct rt_simd {
    const char *name;
    rt_isa isa;

    /*
     * sums[r][j] = row_start[r] + column_start[j] + sum over k < 4 * n_quads of a[r * lda + k] *
     * panel[k / 4][j][k % 4], modulo 2^32, 1 <= rows <= RT_QTILE_ROWS. column_start NULL: zeros.
     * The panel holds bytes 0 .. 255.
     */
    void (*qtile)(int rows, int64_t n_quads, const int8_t *a, int64_t lda, const uint8_t *panel,
                  const int32_t *row_start, const int32_t *column_start, int32_t *sums);

    /* panel[q][j][i] = base[offsets[4 * q + i] + j] ^ flip; reads 32 bytes at each offset. */
    void (*pack_panel)(int64_t n_quads, const uint8_t *base, const int64_t *offsets, uint8_t flip,
                       uint8_t *panel);

    /*
     * sums[j] = start + sum over t of weights[t] * base[offsets[t] + j], modulo 2^32. Whole blocks:
     * n is rounded up to a multiple of RT_TAPS_BLOCK in what is read and written.
     */
    void (*qtaps)(int64_t n, int64_t n_taps, const int8_t *weights, const uint8_t *base,
                  const int64_t *offsets, int32_t start, int32_t *sums);

    /*
     * out[j] = requantised fl(fl(sums[j]) * multiplier), one for all, one per row of a tile, or one
     * each; tame multipliers (rt_tame). */
    void (*requantise)(int64_t n, const int32_t *sums, float multiplier, const rt_requant *r,
                       int8_t *out);
    void (*requantise_tile)(int rows, const int32_t *sums, const float *multipliers,
                            const rt_requant *r, int8_t *out);
    void (*requantise_each)(int64_t n, const int32_t *sums, const float *multipliers,
                            const rt_requant *r, int8_t *out);

    /* Requantised fl(fl(a^ * ma) + fl(b^ * mb)) and fl(fl(a^ * b^) * m); step 0 repeats one element
     * of b. */
    void (*qadd)(int64_t n, const int8_t *a, int32_t a_zero, float ma, const int8_t *b,
                 int64_t b_step, int32_t b_zero, float mb, const rt_requant *r, int8_t *out);
    void (*qmul)(int64_t n, const int8_t *a, int32_t a_zero, const int8_t *b, int64_t b_step,
                 int32_t b_zero, float m, const rt_requant *r, int8_t *out);

    /* int32 sums and maxima over rows of bytes: to[j] += from[j * step]; to[j] = max(to[j], from[j
     * * step]). */
    void (*add_bytes)(int64_t n, const int8_t *from, int64_t step, int32_t *to);
    void (*max_bytes)(int64_t n, const int8_t *from, int64_t step, int8_t *to);
    void (*max_floats)(int64_t n, const float *from, int64_t step, float *to); /* a NaN wins */
    void (*add_floats)(int64_t n, const float *from, int64_t step, float *to);

    /*
     * The channels of one position: y[j] = the largest of (a NaN wins; none: -infinity), or the sum in order of,
     * base[at[t] + j] over t < n_taps.
     */
    void (*max_taps)(int64_t n, int64_t n_taps, const float *base, const int64_t *at, float *y);
    void (*add_taps)(int64_t n, int64_t n_taps, const float *base, const int64_t *at, float *y);
    void (*add_rows)(int64_t n, int64_t n_rows, const float *from, int64_t step,
                     double *sums); /* sums[j] += from[r * step + j], in order */
    void (*affine_row)(int64_t n, const float *x, const float *scale, const float *shift, float low,
                       float high, float *y); /* clamp(fl(fl(x * scale) + shift)) */
    /* y[j] = x[j] / (bias + alpha * (squares[j] + ... + squares[j + size - 1]))^(power / 100), power 50, 75 or
     * 100 */
    void (*normalise_row)(int64_t n, int64_t size, const float *squares, float alpha, float bias,
                          int power, const float *x, float *y);
    void (*weave)(int64_t n_rows, int64_t n, const float *from,
                  float *to); /* to[i * n_rows + r] = from[r * n + i] */

    /*
     * Winograd's transformations of 4x4 [0] and 6x6 [1] inputs, for n channels, a multiple of 16. in: x points to the
     * positions row by row, v[i * v_step] gets term i. out: from the products' terms m[i * m_step] the 2x2 or 4x4 results,
     * clamp(result + bias + residual), residual NULL: none.
     */
    void (*winograd_in[2])(int64_t n, const float *const *x, float *v, int64_t v_step);
    void (*winograd_out[2])(int64_t n, const float *m, int64_t m_step, const float *bias,
                            const float *const *residual, float low, float high, float *const *y);

    /* y[j] = a[j] op b[j * b_step], b_step 0 or 1; one fp32 operation. */
    void (*fadd)(int64_t n, const float *a, const float *b, int64_t b_step, float *y);
    void (*fsub)(int64_t n, const float *a, const float *b, int64_t b_step, float *y);
    void (*fmul)(int64_t n, const float *a, const float *b, int64_t b_step, float *y);
    void (*fdiv)(int64_t n, const float *a, const float *b, int64_t b_step, float *y);

    void (*axpb)(int64_t n, const float *x, float a, float b, float *y); /* y = fl(fl(x * a) + b) */
    void (*clip)(int64_t n, const float *x, float low, float high, float *y); /* NaN stays */
    void (*taps)(int64_t n, int64_t n_taps, const float *weights, const float *base,
                 const int64_t *offsets, float start,
                 float *y); /* as qtaps, one rounding per product and sum, in order */

    /* Within RT_CPU_FLOAT_TOLERANCE of the exact value. */
    void (*sigmoid)(int64_t n, const float *x, float *y);
    void (*tanh)(int64_t n, const float *x, float *y);
    void (*exp)(int64_t n, const float *x, float shift, float *y); /* e^(x - shift) */

    /* y[j] = act(y[j]); a and b are its parameters. */
    void (*activate)(rt_act act, float a, float b, int64_t n, float *y);

    /* Of one row: its largest element (NaNs are not seen); y = e^(x - shift), and their sum; Softmax. y may be x. */
    float (*largest)(int64_t n, const float *x);
    float (*least)(int64_t n, const float *x);
    double (*exp_sum)(int64_t n, const float *x, float shift, float *y);
    void (*softmax)(int64_t n, const float *x, float *y);
    /* y[j] = sum over k of a[k] * b[k * ldb + j], in order. */
    void (*double_row)(int64_t n, int64_t depth, const double *a, const double *b, int64_t ldb, double *y);
    void (*scale_panel)(int64_t depth, const int8_t *codes, const float *scales, float *to); /* [depth][32] = codes * scales[32] */
    float (*mask_row)(int64_t n, const rt_row_mask *m, float *x); /* of attention's scores; returns the largest */

    /*
     * y = (x - mean) * inverse * scale + bias, inverse = 1 / sqrt(mean of (x - mean)^2 + epsilon); mean 0 if not centred;
     * bias may be NULL, and y: then mean and inverse are all.
     */
    void (*normalise)(int64_t n, const float *x, bool centred, float epsilon, const float *scale,
                      const float *bias, float *y, float *mean, float *inverse);

    /* y = clamp(rne(fl(x / scale)) + zero, low, high); low >= -128, high <= 255. y = fl(fl(x -
     * zero) * scale). */
    void (*quantise)(int64_t n, const float *x, float scale, const rt_requant *r, int8_t *y);
    void (*dequantise)(int64_t n, const int8_t *x, int32_t zero, float scale, float *y);

    /* Over n elements (0: the neutral one), in a fixed order; of a NaN and a number the NaN wins. */
    float (*sum_row)(int64_t n, const float *x);
    float (*max_row)(int64_t n, const float *x);
    float (*min_row)(int64_t n, const float *x);
    void (*min_floats)(int64_t n, const float *from, float *to); /* as max_floats, step 1 */

    const rt_element_fn *elements; /* [RT_E_COUNT] */
} rt_simd;

/* The best variant for this processor, or up to the limit. */
const rt_simd *rt_simd_best(void);

/* For tests: what kernels may use from now on; nothing may run meanwhile. */
void rt_simd_set_limit(rt_isa most);
rt_isa rt_simd_limit(void);

/* Variant i that this processor can run, the best first; NULL after the last. For tests. */
const rt_simd *rt_simd_variant(unsigned i);

#endif
