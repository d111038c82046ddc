/*
 * simd.c -- which variants of the inner loops this processor can run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "simd_tables.h"

#include <stdbool.h>

#if defined(__x86_64__)

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

#endif

const rt_simd *rt_simd_variant(unsigned i)
{
#if defined(__x86_64__)
    if (has_avx512() && i-- == 0) {
        return &rt_simd_avx512;
    }
    if (has_avx2() && i-- == 0) {
        return &rt_simd_avx2;
    }
#endif
    return i == 0 ? &rt_simd_portable : (const rt_simd *)0;
}

static rt_isa limit = RT_ISA_AVX512;

void rt_simd_set_limit(rt_isa most)
{
    limit = most;
}

rt_isa rt_simd_limit(void)
{
    return limit;
}

const rt_simd *rt_simd_best(void)
{
    unsigned i = 0;
    while (rt_simd_variant(i)->isa > limit) {
        i++;
    }
    return rt_simd_variant(i);
}
