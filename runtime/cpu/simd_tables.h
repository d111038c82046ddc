/*
 * simd_tables.h -- the variants that this build has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_SIMD_TABLES_H
#define SYSTOLE_RT_CPU_SIMD_TABLES_H

#include "simd.h"

#if defined(__x86_64__)
extern const rt_simd rt_simd_avx512;
extern const rt_simd rt_simd_avx2;
#endif
extern const rt_simd rt_simd_portable;

#endif
