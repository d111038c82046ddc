/*
 * simd_portable.c -- the inner loops for plain C; the flags are in runtime/CMakeLists.txt.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define RT_SIMD_NAME  "portable"
#define RT_SIMD_ISA   RT_ISA_PORTABLE
#define RT_SIMD_TABLE rt_simd_portable
#include "simd_tables.h"

#include "element_kernels.h"
#include "reduce_kernels.h"
#include "simd_kernels.h"
