/*
 * rows.c -- the elementary functions of arrays: the best vector version that the processor has, the definition for the rest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rows.h"

static size_t whole_vectors(isa_fn fn, const float *v, float *y, size_t n)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
        return isa_fn_rows_avx512(fn, v, y, n);
    }
    if (__builtin_cpu_supports("avx2")) {
        return isa_fn_rows_avx2(fn, v, y, n);
    }
#endif
    (void)fn, (void)v, (void)y, (void)n;
    return 0;
}

void isa_fn_rows(isa_fn fn, const float *v, float *y, size_t n)
{
    for (size_t i = whole_vectors(fn, v, y, n); i < n; i++) {
        y[i] = isa_fn_float(fn, v[i]);
    }
}
