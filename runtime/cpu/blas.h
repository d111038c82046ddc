/*
 * blas.h -- fp32 matrix products: our own kernel, or a library loaded at run time.
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

/* oneDNN's, row-major too; 0: done. */
typedef int (*rt_dnnl_sgemm_fn)(char trans_a, char trans_b, int64_t m, int64_t n, int64_t k,
                                float alpha, const float *a, int64_t lda, const float *b,
                                int64_t ldb, float beta, float *c, int64_t ldc);

typedef struct rt_blas {
    bool external;     /* a library; else our own kernel */
    void *library;     /* dlopen's handle */
    rt_sgemm_fn sgemm; /* NULL: */
    rt_dnnl_sgemm_fn dnnl_sgemm;
    void (*omp_threads)(int); /* NULL: it has no threads of OpenMP */
    char name[128];           /* for reports */
    base_arena *environment;  /* what the library saw of the program's when it was loaded */
} rt_blas;

/*
 * library: NULL, "" or "own": our own kernel; "openblas", "onednn", or a file with cblas_sgemm or
 * dnnl_sgemm. It is loaded with one thread and none of the settings that the environment has for it
 * (OPENBLAS_*, OMP_NUM_THREADS, ...): they would change results. SY_EIO if it cannot be loaded or
 * has neither function.
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
