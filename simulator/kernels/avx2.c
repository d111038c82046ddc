/*
 * avx2.c -- the kernels for AVX2 with FMA: those in plain C, compiled for it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kernels/kernels.h"

#if defined(__x86_64__) && defined(__AVX2__) && defined(__FMA__)

#include "kernels/plain.h"

static const sim_kernel_set kernels_avx2 = {.name = "avx2", .matmul = matmul, .vec = vec};

const sim_kernel_set *sim_kernels_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &kernels_avx2 : NULL;
}

#else

const sim_kernel_set *sim_kernels_avx2(void)
{
    return NULL;
}

#endif
