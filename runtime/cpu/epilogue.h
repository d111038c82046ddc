/*
 * epilogue.h -- what a product kernel does with its sums before it stores them.
 *
 *     y = act(sum + residual),  sum started at the channel's bias
 *
 * A scale per channel (BatchNormalization) is folded into weights and bias when the plan is made.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_EPILOGUE_H
#define SYSTOLE_RT_CPU_EPILOGUE_H

#include "simd.h"

typedef struct rt_epilogue {
    const float *bias;     /* per column of the product; NULL: zeros */
    const float *residual; /* added to the sums, in y's layout; NULL: none */
    int64_t residual_ld;   /* from row to row */
    rt_act act;
    float a, b; /* of act */
} rt_epilogue;

#endif
