/*
 * ref_signal.c -- Fourier transforms, windows, the mel scale.
 *
 * Transforms are computed in double by splitting off the smallest prime factor again and again: n log n for lengths without
 * large primes, n^2 for a prime.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <math.h>

#define TURN 6.283185307179586477 /* 2 pi */

typedef struct number {
    double re, im;
} number;

static number times(number a, number b)
{
    return (number){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

static int64_t smallest_factor(int64_t n)
{
    for (int64_t p = 2; p * p <= n; p++) {
        if (n % p == 0) {
            return p;
        }
    }
    return n;
}

typedef struct transform {
    int64_t n;
    const number *roots; /* [n]: e^(-+ 2 pi i k / n) */
    number *parts;       /* [n]: the values that one butterfly joins */
} transform;

/* y[0 .. n) = transform of x[0], x[step], ..., n values; the roots of this length are every n_all / n -th. */
static void fft(const transform *t, const number *x, int64_t step, int64_t n, number *y)
{
    if (n == 1) {
        y[0] = x[0];
        return;
    }
    const int64_t p = smallest_factor(n), m = n / p, stride = t->n / n;
    for (int64_t r = 0; r < p; r++) {
        fft(t, x + r * step, step * p, m, y + r * m);
    }
    for (int64_t k = 0; k < m; k++) {
        for (int64_t r = 0; r < p; r++) {
            t->parts[r] = times(y[r * m + k], t->roots[r * k * stride]);
        }
        for (int64_t q = 0; q < p; q++) {
            number sum = t->parts[0];
            for (int64_t r = 1; r < p; r++) {
                const number v = times(t->parts[r], t->roots[r * q % p * m * stride]);
                sum.re += v.re;
                sum.im += v.im;
            }
            y[q * m + k] = sum;
        }
    }
}

/* Roots for a length; *x and *y are room for one transform. */
static sy_status transform_of(const ir_kernel_args *args, int64_t n, bool inverse, transform *t, number **x,
                              number **y)
{
    number *roots = BASE_ARENA_ARRAY(args->scratch, number, (size_t)n);
    *t = (transform){.n = n, .roots = roots, .parts = BASE_ARENA_ARRAY(args->scratch, number, (size_t)n)};
    *x = BASE_ARENA_ARRAY(args->scratch, number, (size_t)n);
    *y = BASE_ARENA_ARRAY(args->scratch, number, (size_t)n);
    if (roots == NULL || t->parts == NULL || *x == NULL || *y == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t k = 0; k < n; k++) {
        const double angle = TURN * (double)k / (double)n;
        roots[k] = (number){ir_ref_cos(angle), inverse ? ir_ref_sin(angle) : -ir_ref_sin(angle)};
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- DFT */

typedef struct dft {
    int64_t n, bins, n_outer, n_inner, in_size, in_parts, out_parts;
    bool inverse, onesided;
} dft;

/* One line of the input: values beyond its end are zero; the inverse of half a spectrum has the other half from symmetry. */
static void dft_load(const dft *d, const ir_tensor *in, int64_t outer, int64_t inner, number *x)
{
    const bool half = d->inverse && d->onesided;
    for (int64_t k = 0; k < d->n; k++) {
        const int64_t from = half && k > d->n / 2 ? d->n - k : k;
        number v = {0.0, 0.0};
        if (from < d->in_size) {
            const int64_t at = ((outer * d->in_size + from) * d->n_inner + inner) * d->in_parts;
            v.re = ir_ref_get(in, at);
            v.im = d->in_parts == 2 ? ir_ref_get(in, at + 1) : 0.0;
        }
        if (half) {
            const bool real = from == 0 || 2 * from == d->n;
            v.im = real ? 0.0 : from != k ? -v.im : v.im;
        }
        x[k] = v;
    }
}

sy_status ir_ref_dft(const ir_kernel_args *args)
{
    const ir_tensor *in = args->inputs[0], *length = ir_kernel_input(args, 1), *where = ir_kernel_input(args, 2);
    ir_tensor *out = args->outputs[0];
    int32_t axis = 0;
    transform t;
    number *x, *y;
    SY_TRY(ir_ref_need(args, in, ir_ref_is_float(in->dtype)));
    if (!ir_ref_axis(where != NULL ? ir_ref_get_int(where, 0) : -2, in->rank, &axis) || axis == in->rank - 1) {
        return base_fail(args->diag, SY_EINVAL, "the axis lies outside the signal");
    }
    dft d = {.onesided = ir_node_int(args->node, "onesided", 0) != 0,
             .inverse = ir_node_int(args->node, "inverse", 0) != 0,
             .in_size = in->dims[axis],
             .in_parts = in->dims[in->rank - 1],
             .out_parts = out->dims[out->rank - 1],
             .bins = out->dims[axis],
             .n_outer = ir_ref_product(in->dims, 0, axis),
             .n_inner = ir_ref_product(in->dims, axis + 1, in->rank - 1)};
    d.n = d.inverse && d.onesided ? 2 * (d.in_size - 1) : d.in_size;
    d.n = length != NULL ? ir_ref_get_int(length, 0) : d.n;
    if (d.n < 1) {
        return base_fail(args->diag, SY_ESHAPE, "a transform of length %lld", (long long)d.n);
    }
    SY_TRY(transform_of(args, d.n, d.inverse, &t, &x, &y));
    const double scale = d.inverse ? 1.0 / (double)d.n : 1.0;
    for (int64_t o = 0; o < d.n_outer; o++) {
        for (int64_t i = 0; i < d.n_inner; i++) {
            dft_load(&d, in, o, i, x);
            fft(&t, x, 1, d.n, y);
            for (int64_t k = 0; k < d.bins; k++) {
                const int64_t at = ((o * d.bins + k) * d.n_inner + i) * d.out_parts;
                ir_ref_put(out, at, y[k].re * scale);
                if (d.out_parts == 2) {
                    ir_ref_put(out, at + 1, y[k].im * scale);
                }
            }
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- STFT */

sy_status ir_ref_stft(const ir_kernel_args *args)
{
    const ir_tensor *in = args->inputs[0], *window = ir_kernel_input(args, 2), *length = ir_kernel_input(args, 3);
    ir_tensor *out = args->outputs[0];
    const int64_t parts = in->rank == 2 ? 1 : in->dims[in->rank - 1], rows = in->dims[1], step = ir_ref_get_int(args->inputs[1], 0);
    transform t;
    number *x, *y;
    SY_TRY(ir_ref_need(args, in, ir_ref_is_float(in->dtype)));
    int64_t n = length != NULL ? ir_ref_get_int(length, 0) : window != NULL ? window->dims[0] : rows;
    if (n < 1 || n > rows || step < 1 || in->rank > 3 || (window != NULL && window->dims[0] > n) ||
        (window != NULL && window->dtype != in->dtype)) {
        return base_fail(args->diag, SY_ESHAPE, "frames of %lld with a step of %lld do not fit a signal of %lld",
                         (long long)n, (long long)step, (long long)rows);
    }
    /* A window shorter than the frame stands in its middle. */
    const int64_t begin = window != NULL ? (n - window->dims[0]) / 2 : 0, end = window != NULL ? begin + window->dims[0] : n;
    const int64_t bins = out->dims[2];
    SY_TRY(transform_of(args, n, false, &t, &x, &y));
    for (int64_t b = 0; b < in->dims[0]; b++) {
        for (int64_t f = 0; f < out->dims[1]; f++) {
            for (int64_t k = 0; k < n; k++) {
                const int64_t at = (b * rows + f * step + k) * parts;
                const double w = k < begin || k >= end ? 0.0 : window != NULL ? ir_ref_get(window, k - begin) : 1.0;
                x[k] = (number){w * ir_ref_get(in, at), parts == 2 ? w * ir_ref_get(in, at + 1) : 0.0};
            }
            fft(&t, x, 1, n, y);
            for (int64_t k = 0; k < bins; k++) {
                const int64_t at = ((b * out->dims[1] + f) * bins + k) * 2;
                ir_ref_put(out, at, y[k].re);
                ir_ref_put(out, at + 1, y[k].im);
            }
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- windows */

static void put(ir_tensor *y, int64_t i, double v)
{
    if (ir_ref_is_float(y->dtype)) {
        ir_ref_put(y, i, v);
    } else {
        ir_ref_put_int(y, i, (int64_t)v);
    }
}

/* a0 - a1 cos(2 pi k / n) + a2 cos(4 pi k / n) */
static sy_status cosines(const ir_kernel_args *args, double a0, double a1, double a2)
{
    ir_tensor *y = args->outputs[0];
    const int64_t n = ir_tensor_n_elements(y);
    SY_TRY(ir_ref_need(args, y, ir_ref_is_float(y->dtype) || ir_ref_is_integer(y->dtype)));
    const int64_t period = ir_node_int(args->node, "periodic", 1) != 0 ? n : n - 1;
    for (int64_t k = 0; k < n; k++) {
        const double angle = period > 0 ? TURN * (double)k / (double)period : 0.0;
        put(y, k, period > 0 ? a0 - a1 * ir_ref_cos(angle) + a2 * ir_ref_cos(2.0 * angle) : 1.0);
    }
    return SY_OK;
}

sy_status ir_ref_hann(const ir_kernel_args *args)
{
    return cosines(args, 0.5, 0.5, 0.0);
}

sy_status ir_ref_hamming(const ir_kernel_args *args)
{
    return cosines(args, 25.0 / 46.0, 21.0 / 46.0, 0.0);
}

sy_status ir_ref_blackman(const ir_kernel_args *args)
{
    return cosines(args, 0.42, 0.5, 0.08);
}

/* ---------------------------------------------------------------- mel */

#define MEL_SCALE 2595.0
#define MEL_HERTZ 700.0

sy_status ir_ref_mel(const ir_kernel_args *args)
{
    ir_tensor *y = args->outputs[0];
    const int64_t bins = ir_ref_get_int(args->inputs[0], 0), length = ir_ref_get_int(args->inputs[1], 0),
                  rate = ir_ref_get_int(args->inputs[2], 0), rows = y->dims[0];
    for (uint32_t i = 3; i < 5; i++) {
        SY_TRY(ir_ref_need(args, args->inputs[i], ir_ref_is_float(args->inputs[i]->dtype)));
        if (ir_tensor_n_elements(args->inputs[i]) != 1) {
            return base_fail(args->diag, SY_ESHAPE, "operand %u: expected one number", i);
        }
    }
    const double low = MEL_SCALE * ir_ref_log1p(ir_ref_get(args->inputs[3], 0) / MEL_HERTZ) / ir_ref_log(10.0),
                 high = MEL_SCALE * ir_ref_log1p(ir_ref_get(args->inputs[4], 0) / MEL_HERTZ) / ir_ref_log(10.0);
    const double step = (high - low) / (double)(bins + 2);
    int64_t *edges = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)bins + 2);
    if (edges == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < bins + 2; i++) {
        const double hertz = MEL_HERTZ * ir_ref_expm1(((double)i * step + low) / MEL_SCALE * ir_ref_log(10.0));
        const double bin = floor((double)(length + 1) * hertz / (double)rate);
        if (!(bin >= 0.0 && bin < (double)rows)) {
            return base_fail(args->diag, SY_ERANGE, "the edges lie outside the %lld bins of the spectrum", (long long)rows);
        }
        edges[i] = (int64_t)bin;
    }
    for (int64_t i = 0; i < rows * bins; i++) {
        put(y, i, 0.0);
    }
    for (int64_t i = 0; i < bins; i++) {
        const int64_t left = edges[i], middle = edges[i + 1], right = edges[i + 2];
        for (int64_t j = left; j <= middle; j++) {
            put(y, j * bins + i, middle == left ? 1.0 : (double)(j - left) / (double)(middle - left));
        }
        for (int64_t j = middle; j < right; j++) {
            put(y, j * bins + i, (double)(right - j) / (double)(right - middle));
        }
    }
    return SY_OK;
}
