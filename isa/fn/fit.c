/*
 * fit.c -- isa_fn_fit: computes the coefficients of the elementary functions, isa/fn/rom.def.
 *
 *     isa_fn_fit [FILE]
 *
 * How: on each segment the cubic through the function at the four Chebyshev nodes. Then from the highest coefficient down each is
 * rounded to an integer, and what rounding took away is given to the lower ones as the best polynomial of lower degree (Chebyshev
 * economisation), together with half a unit for each floor that the unit will do. Last, the constant is moved so that the
 * error of the integer evaluation is centred.
 *
 * The functions come from the C library in long double: with 64 bits of significand or more the result is the same integer everywhere
 * (the committed file is compared by tests/meta/gen_current.sh).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "systole/base/buf.h"
#include "systole/base/file.h"
#include "unit.h"

#define SCALE 2147483648.0L /* ROM values have FN_P_BITS = 31 bits after the point */

/* A function's segment number s at t in [0, 1), less the scale. */
typedef long double segment_function(unsigned s, long double t);

static long double exp2_at(unsigned s, long double t)
{
    return exp2l((s + t) / 32);
}

/* log2(m) / (m - 1): m in [1, 1.5), then [0.75, 1) */
static long double log2_at(unsigned s, long double t)
{
    const long double ln2 = 0.693147180559945309417232121458176568L;
    const long double d = s < 16 ? (s + t) / 32 : (s + t - 32) / 64;
    return d == 0 ? 1 / ln2 : log1pl(d) / d / ln2;
}

static long double recip_at(unsigned s, long double t)
{
    return 1 / (1 + (s + t) / 64);
}

/* m in [1, 2), then [2, 4) */
static long double rsqrt_at(unsigned s, long double t)
{
    return 1 / sqrtl((1 + (s % 32 + t) / 32) * (1 + s / 32));
}

static long double sqrt_at(unsigned s, long double t)
{
    return sqrtl((1 + (s % 16 + t) / 16) * (1 + s / 16));
}

/* tanh(x) / x, x in [0, 0.5) */
static long double tanh_at(unsigned s, long double t)
{
    const long double x = (s + t) / 32;
    return x == 0 ? 1 : tanhl(x) / x;
}

/* 2^k sigmoid(-ln 2 (k + r)), k the row; the last row is its limit 2^-r. */
static long double sigmoid_at(unsigned s, long double t)
{
    const unsigned k = s / 16;
    const long double z = exp2l(-(s % 16 + t) / 16);
    return k == FN_SIGMOID_LIMIT ? z : z / (1 + ldexpl(z, -(int)k));
}

/* erf(x) / x below 1; from 1 on erfc(x), scaled up. */
static long double erf_at(unsigned s, long double t)
{
    const long double two_by_root_pi = 1.12837916709551257389615890312154517L;
    const long double x = (s + t) / 32;
    return s >= 32 ? ldexpl(erfcl(x), fn_erfc_shift(s)) : x == 0 ? two_by_root_pi : erfl(x) / x;
}

/* In the order of functions.def. exact: where the first segment begins the result is a power of two, and meant to be exact. */
static const struct {
    const char *name;
    segment_function *at;
    unsigned n;
    bool exact;
} functions[] = {
    {"EXP2", exp2_at, 32, true},  {"LOG2", log2_at, 32, false}, {"RECIP", recip_at, 64, true},       {"RSQRT", rsqrt_at, 64, true},
    {"SQRT", sqrt_at, 32, true},  {"TANH", tanh_at, 16, true},  {"SIGMOID", sigmoid_at, 256, false}, {"ERF", erf_at, 128, false},
};

/* The cubic a[0] + a[1] t + a[2] t^2 + a[3] t^3 through the function at the Chebyshev nodes of [0, 1]. */
static void interpolate(segment_function *at, unsigned s, long double a[4])
{
    const long double pi = 3.14159265358979323846264338327950288L;
    long double node[4];
    long double divided[4];
    for (int i = 0; i < 4; i++) {
        node[i] = (1 - cosl((2 * i + 1) * pi / 8)) / 2;
        divided[i] = at(s, node[i]) * SCALE;
    }
    for (int order = 1; order < 4; order++) {
        for (int i = 3; i >= order; i--) {
            divided[i] = (divided[i] - divided[i - 1]) / (node[i] - node[i - order]);
        }
    }
    memset(a, 0, 4 * sizeof a[0]);
    for (int i = 3; i >= 0; i--) { /* a = a * (t - node[i]) + divided[i] */
        for (int k = 3; k > 0; k--) {
            a[k] = a[k - 1] - node[i] * a[k];
        }
        a[0] = divided[i] - node[i] * a[0];
    }
}

/* Rounds the coefficients. */
static fn_row quantise(long double a[4])
{
    fn_row row;
    row.c3 = (int32_t)lrintl(a[3]);
    const long double d3 = a[3] - row.c3; /* t^3 = 1.5 t^2 - 0.5625 t + 1/32 + T3/32 */
    a[2] += 1.5L * d3 + 0.5L;
    a[1] -= 0.5625L * d3;
    a[0] += d3 / 32;
    row.c2 = (int32_t)lrintl(a[2]);
    const long double d2 = a[2] - row.c2; /* t^2 = t - 1/8 + T2/8 */
    a[1] += d2 + 0.5L;
    a[0] -= d2 / 8;
    row.c1 = (int32_t)lrintl(a[1]);
    row.c0 = (uint32_t)llrintl(a[0] + (a[1] - row.c1) / 2 + 0.5L);
    return row;
}

/* Moves the constant so that the largest errors on either side are equal. */
static void centre(segment_function *at, unsigned s, fn_row *row)
{
    enum { SAMPLES = 2048 };
    long double most = -1e9L;
    long double least = 1e9L;
    for (int i = 0; i <= SAMPLES; i++) {
        const uint32_t t = i < SAMPLES ? (uint32_t)i << (FN_T_BITS - 11) : (1u << FN_T_BITS) - 1;
        const long double error = (long double)fn_poly(row, t) - at(s, ldexpl((long double)t, -FN_T_BITS)) * SCALE;
        most = fmaxl(most, error);
        least = fminl(least, error);
    }
    row->c0 = (uint32_t)((int64_t)row->c0 - llrintl((most + least) / 2));
}

static void print_functions(base_buf *out)
{
    base_buf_puts(out, "/* GENERATED by isa_fn_fit (isa/fn/fit.c) -- do not edit. */\n"
                       "/* Regenerate: cmake --build build/dev --target regen */\n"
                       "/* R(function, segment, c0, c1, c2, c3): p(t) = c0 + c1 t + c2 t^2 + c3 t^3, t in [0, 1), 31 bits after the point */\n");
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        for (unsigned s = 0; s < functions[i].n; s++) {
            long double a[4];
            interpolate(functions[i].at, s, a);
            fn_row row = quantise(a);
            centre(functions[i].at, s, &row);
            if (functions[i].exact && s == 0) {
                row.c0 = 1u << 31;
            }
            base_buf_printf(out, "R(%s, %u, %" PRIu32 "u, %" PRId32 ", %" PRId32 ", %" PRId32 ")\n", functions[i].name, s, row.c0, row.c1,
                            row.c2, row.c3);
        }
    }
}

int main(int argc, char **argv)
{
    base_buf out = {0};
    base_diag diag = {0};
    if (argc > 2) {
        fprintf(stderr, "usage: isa_fn_fit [FILE]\n");
        return 2;
    }
    if (LDBL_MANT_DIG < 64) {
        fprintf(stderr, "isa_fn_fit: long double has %d bits of significand, 64 are needed\n", LDBL_MANT_DIG);
        return 77;
    }
    print_functions(&out);
    sy_status status = base_buf_status(&out);
    if (status == SY_OK && argc == 2) {
        status = base_file_write_atomic(&diag, argv[1], out.data, out.n_bytes);
    } else if (status == SY_OK && fwrite(out.data, 1, out.n_bytes, stdout) != out.n_bytes) {
        status = base_fail(&diag, SY_EIO, "cannot write to the standard output");
    }
    base_buf_free(&out);
    if (status != SY_OK) {
        const char *message = base_diag_message(&diag);
        fprintf(stderr, "isa_fn_fit: %s\n", message[0] != '\0' ? message : sy_status_text(status));
    }
    return status == SY_OK ? 0 : 1;
}
