/*
 * own_sgemm.h -- our own fp32 matrix product.
 *
 * Strict k order: each result is one chain of additions over k = 0, 1, ..., started at its bias (or
 * at C), whatever m and n are and however the product is cut; on processors with FMA the products
 * are not rounded. B is read in panels of 32 columns, [n / 32][k][32] with zeros beyond the last
 * column: weights are packed once, other matrices when they are used.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_OWN_SGEMM_H
#define SYSTOLE_RT_CPU_OWN_SGEMM_H

#include "epilogue.h"
#include "gemm_tiles.h"

#include <stddef.h>

/* C [m, n] = act(A * B + residual), each sum started at the bias of its column, or at C
 * (accumulate). */
typedef struct rt_gemm {
    int64_t m, n, k;
    const float *a; /* A[i][k] = a[i * a_row + k * a_k] */
    int64_t a_row, a_k;
    const float *panels; /* packed B; NULL: */
    const float *b;      /* B[k][j] = b[k * b_k + j * b_column] */
    int64_t b_k, b_column;
    /* Not NULL: writes rows k0 .. k0 + depth - 1 of a panel of B instead. */
    void (*fill)(const void *user, int64_t k0, int64_t depth, int64_t panel, float *to);
    const void *fill_user;
    float *c;
    int64_t ldc;
    bool accumulate; /* epilogue.bias is not used then */
    rt_epilogue epilogue;
} rt_gemm;

/* Floats of the panels of a B [k, n]; 0 if a size_t does not hold their bytes. */
size_t rt_gemm_panel_floats(int64_t k, int64_t n);

/* Packs panels first .. last - 1 of g's B; panels points to the first panel of all. */
void rt_gemm_pack(const rt_gemm *g, int64_t first, int64_t last, float *panels);

/* Floats of working memory for rt_gemm_block. */
size_t rt_gemm_work_floats(const rt_gemm *g);

/* True if B, not packed, had better be packed as a whole before the product is cut into blocks. */
bool rt_gemm_wants_panels(const rt_gemm *g);

/* Rows [i0, i1) and columns [j0, j1) of the product, on this thread; j0 is a multiple of RT_PANEL.
 */
void rt_gemm_block(const rt_gemm *g, int64_t i0, int64_t i1, int64_t j0, int64_t j1, float *work);

/* Enough for any plain product (rt_own_sgemm). */
#define RT_SGEMM_WORK_FLOATS (768 * 32 + 168 * (768 + 16))

/* As rt_sgemm (blas.h). */
void rt_own_sgemm(float *work, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k,
                  const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                  int64_t ldc);

/* "avx512", "avx2" or "portable". */
const char *rt_own_sgemm_name(void);

#endif
