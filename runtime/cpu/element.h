/*
 * element.h -- elementwise programs: what one pass over blocks of elements computes.
 *
 * A block is at most RT_ELEMENT_BLOCK consecutive elements of the result's shape; every value of a program is such a
 * block, so that a whole chain of operators stays in the first-level cache. Instructions are loops compiled for each
 * instruction set (element_ops.def).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_ELEMENT_H
#define SYSTOLE_RT_CPU_ELEMENT_H

#include <stdint.h>

#define RT_ELEMENT_BLOCK 1024

typedef enum rt_element_op {
#define E1(id, from, to, value) RT_E_##id,
#define E2(id, from, to, value) RT_E_##id,
#define E3(id, type, value)     RT_E_##id,
#include "element_ops.def"
#undef E1
#undef E2
#undef E3
    RT_E_POW_F32, /* these by loops of their own (element_kernels.h) */
    RT_E_SIN_F32,
    RT_E_COS_F32,
    RT_E_COUNT
} rt_element_op;

/* n elements of up to three operands; `to` may be one of them. */
typedef void (*rt_element_fn)(int64_t n, const void *const *from, float p, float q, void *to);

#endif
