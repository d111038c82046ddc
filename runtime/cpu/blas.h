/*
 * blas.h -- fp32 matrix products: OpenBLAS, loaded at run time, or our own kernel.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_BLAS_H
#define SYSTOLE_RT_CPU_BLAS_H

#include "own_sgemm.h"
#include "systole/base/arena.h"
#include "systole/base/diag.h"

#include <stdbool.h>
#include <stdint.h>

typedef void (*rt_sgemm_fn)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                            const float *a, int lda, const float *b, int ldb, float beta, float *c,
                            int ldc);

typedef struct rt_blas {
    void *library;     /* dlopen's handle; NULL: our own kernel */
    rt_sgemm_fn sgemm; /* NULL: our own kernel */
    char name[128];    /* for reports */
    base_arena *environment; /* what the library saw of the program's when it was loaded */
} rt_blas;

/*
 * Loads the library (NULL: libopenblas.so.0, and our own kernel if that is not there; "": our own
 * kernel), with one thread and none of the OPENBLAS_* settings of the environment: they would
 * change results. SY_EIO if a library that was asked for cannot be loaded or has no cblas_sgemm.
 */
sy_status rt_blas_open(rt_blas *blas, const char *library, base_diag *diag);
void rt_blas_close(rt_blas *blas);

/*
 * C [m, n] = op(A) * op(B) + beta * C on one thread, row-major, beta 0 or 1; op transposes if
 * trans_a or trans_b. The order of sums depends on m, n, k and the processor's features alone.
 * work: RT_SGEMM_WORK_FLOATS floats.
 */
void rt_sgemm(const rt_blas *blas, float *work, bool trans_a, bool trans_b, int64_t m, int64_t n,
              int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb, float beta,
              float *c, int64_t ldc);

#endif
