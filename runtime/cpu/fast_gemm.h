/*
 * fast_gemm.h -- fp32 products as the kernels of operators use them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_FAST_GEMM_H
#define SYSTOLE_RT_CPU_FAST_GEMM_H

#include "fast_internal.h"
#include "own_sgemm.h"

/* Packed when the plan was made. */
typedef struct rt_weights {
    int64_t k, n;
    const float *panels;
} rt_weights;

/* Packs factor * op(b); *out is NULL if b is no constant matrix, or a library does the products. */
sy_status rt_pack_weights(const rt_prepare_args *args, const ir_tensor *b, bool trans, float factor,
                          rt_weights **out);

/* n products of the same sizes: where their A and B start; their C lie one behind the other. */
typedef struct rt_batch {
    int64_t n;
    const int64_t *a, *b;
} rt_batch;

/* One product, or a batch (NULL: one), by all threads. A batch has no packed B. */
sy_status rt_product(const ir_kernel_args *args, const rt_env *env, const rt_gemm *g,
                     const rt_batch *batch);

/* The operators, fp32, with an epilogue; residual has y's shape, bias is NULL for a Gemm with an
 * operand C. */
sy_status rt_gemm_with(const ir_kernel_args *args, const rt_env *env, const rt_weights *w,
                       const rt_epilogue *epilogue);
sy_status rt_matmul_with(const ir_kernel_args *args, const rt_env *env, const rt_weights *w,
                         const rt_epilogue *epilogue);

#endif
