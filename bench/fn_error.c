/*
 * fn_error.c -- the largest error of each elementary function over all fp32 inputs, and where monotonicity breaks.
 *
 *     fn_error [--step N] [FUNCTION ...]
 *
 * Every Nth of the 2^32 inputs (default all of them: a few minutes of one core per function). The error is the distance to the exact
 * value in units of the last place of that value's binade (2^-149 for subnormals). The exact value is the C library's double: off by
 * less than 4 of its own last places, which is 2^-27 of ours, so the figures hold to all digits printed. An input at which
 * the result is infinite, zero or NaN and the exact one is not (beyond rounding), or the other way round, is "wrong".
 * "breaks": steps from an input to the next larger one at which the result goes the other way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "systole/isa/fn.h"

enum { BLOCK = 4096 };

/* What is known of one function. */
typedef struct finding {
    double worst;
    uint32_t where;
    uint64_t n_numbers, n_not_nearest, n_wrong, n_breaks;
} finding;

static float to_float(uint32_t bits)
{
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static double exact(isa_fn fn, double v)
{
    switch (fn) {
    case ISA_FN_EXP2:
        return exp2(v);
    case ISA_FN_LOG2:
        return log2(v);
    case ISA_FN_RECIP:
        return 1 / v;
    case ISA_FN_RSQRT:
        return 1 / sqrt(v);
    case ISA_FN_SQRT:
        return sqrt(v);
    case ISA_FN_TANH:
        return tanh(v);
    case ISA_FN_SIGMOID:
        return v < 0 ? exp(v) / (1 + exp(v)) : 1 / (1 + exp(-v));
    case ISA_FN_ERF:
        return erf(v);
    case ISA_FN_PHI:
        return v <= -4 ? 0 : erfc(-v) / 2; /* the unit's limit, stated in numerics.md */
    }
    return NAN;
}

static double unit_in_last_place(double v)
{
    int e = 0;
    (void)frexp(v, &e);
    return ldexp(1.0, (v == 0 || e < -125 ? -125 : e) - 24);
}

static void judge(finding *f, isa_fn fn, uint32_t bits, float got)
{
    const double want = exact(fn, (double)to_float(bits));
    const float nearest = (float)want;
    if (isnan(nearest) || isnan(got) || isinf(nearest) || isinf(got)) {
        f->n_wrong += (isnan(nearest) ? isnan(got) : nearest == got) ? 0 : 1;
        return;
    }
    f->n_numbers++;
    f->n_not_nearest += nearest != got ? 1 : 0;
    f->n_wrong += signbit(nearest) != signbit(got) ? 1 : 0;
    const double error = fabs((double)got - want) / unit_in_last_place(want);
    if (error > f->worst) {
        f->worst = error;
        f->where = bits;
    }
}

/* The inputs of one sign, from the one nearest to zero to infinity. */
static void sweep(finding *f, isa_fn fn, uint32_t sign, uint32_t step)
{
    static float v[BLOCK];
    static float y[BLOCK];
    const bool falls = fn == ISA_FN_RECIP || fn == ISA_FN_RSQRT;
    float before = NAN;
    for (uint64_t first = 0; first <= 0x7F800000u; first += (uint64_t)BLOCK * step) {
        size_t n = 0;
        for (uint64_t bits = first; n < BLOCK && bits <= 0x7F800000u; bits += step) {
            v[n++] = to_float((uint32_t)bits | sign);
        }
        isa_fn_rows(fn, v, y, n);
        for (size_t i = 0; i < n; i++) {
            judge(f, fn, (uint32_t)(first + i * step) | sign, y[i]);
            const bool down = y[i] < before;
            const bool up = y[i] > before;
            f->n_breaks += (falls == (sign != 0) ? down : up) ? 1 : 0;
            before = y[i];
        }
    }
}

static void measure(isa_fn fn, uint32_t step)
{
    finding f = {0};
    sweep(&f, fn, 0, step);
    sweep(&f, fn, 0x80000000u, step);
    /* sweep counts steps away from zero; a NaN (a negative square root) is no step */
    printf("%-8s %9.5f ulp at 0x%08X (%a), %.4f %% not the nearest, %llu wrong, %llu breaks\n", isa_fn_name(fn), f.worst, (unsigned)f.where,
           (double)to_float(f.where), 100.0 * (double)f.n_not_nearest / (double)f.n_numbers, (unsigned long long)f.n_wrong,
           (unsigned long long)f.n_breaks);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    uint32_t step = 1;
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "--step") == 0) {
        step = (uint32_t)strtoul(argv[2], NULL, 0);
        first = 3;
    }
    if (step == 0) {
        fprintf(stderr, "usage: fn_error [--step N] [FUNCTION ...]\n");
        return 2;
    }
    for (int fn = 0; fn < ISA_FN_N; fn++) {
        bool wanted = first == argc;
        for (int i = first; i < argc; i++) {
            wanted = wanted || strcmp(argv[i], isa_fn_name((isa_fn)fn)) == 0;
        }
        if (wanted) {
            measure((isa_fn)fn, step);
        }
    }
    return 0;
}
