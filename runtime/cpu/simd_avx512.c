/*
 * simd_avx512.c -- the inner loops for AVX-512 with VNNI; the flags are in runtime/CMakeLists.txt.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define RT_SIMD_NAME  "avx512"
#define RT_SIMD_ISA   RT_ISA_AVX512
#define RT_SIMD_TABLE rt_simd_avx512
#include "simd_tables.h"

#include "element_kernels.h"
#include "reduce_kernels.h"
#include "simd_kernels.h"
