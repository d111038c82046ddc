/*
 * own_sgemm.h -- our own fp32 matrix product, for machines without OpenBLAS.
 *
 * Strict k order: each result is one chain of additions over k = 0, 1, ..., started at beta * C,
 * whatever m and n are; on processors with FMA the products are not rounded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_OWN_SGEMM_H
#define SYSTOLE_RT_CPU_OWN_SGEMM_H

#include <stdbool.h>
#include <stdint.h>

#define RT_SGEMM_WORK_FLOATS (512 * 32) /* working memory of one call */

/* As rt_sgemm (blas.h). */
void rt_own_sgemm(float *work, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k,
                  const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                  int64_t ldc);

/* "avx512", "avx2" or "portable". */
const char *rt_own_sgemm_name(void);

#endif
