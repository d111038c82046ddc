/*
 * widen.h -- f16 and bf16 on the fp32 kernels: operands are widened, results rounded once, as the reference does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_WIDEN_H
#define SYSTOLE_RT_CPU_WIDEN_H

#include "fuse.h"

static inline bool rt_is_narrow(sy_dtype dtype)
{
    return dtype == SY_DT_F16 || dtype == SY_DT_BF16;
}

/* n elements of a narrow type to fp32. */
void rt_widen(sy_dtype dtype, int64_t n, const void *from, float *to);

/*
 * Puts the widening kernel around the fast kernel of a step, if that knows fp32 only and `dtype` (of the step's first float
 * operand) is narrow. SY_ENOMEM.
 */
sy_status rt_widen_step(base_arena *arena, sy_dtype dtype, rt_step *step);

#endif
