/*
 * simd_avx2.c -- the inner loops for AVX2; the flags are in runtime/CMakeLists.txt.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define RT_SIMD_NAME  "avx2"
#define RT_SIMD_ISA   RT_ISA_AVX2
#define RT_SIMD_TABLE rt_simd_avx2
#include "simd_tables.h"

#include "element_kernels.h"
#include "reduce_kernels.h"
#include "simd_kernels.h"
