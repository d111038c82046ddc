/*
 * ref_moved.h -- what the kernels that move data share: elements of every type, boxes, indices.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_REF_MOVED_H
#define SYSTOLE_GRAPH_REF_MOVED_H

#include "ref_internal.h"

/* Sets of operands; operands from 31 on are data if they all are. */
#define IR_REF_EVERY UINT32_MAX

/*
 * Runs a kernel that only knows elements of 1, 2, 4, 8 or 16 bytes on data of any type. `data` is the
 * set of operands (bit i: operand i) that hold the data to be moved; results of their type are data too. Elements
 * below a byte are moved as bytes; strings as their numbers, where 0, what kernels fill with, is the empty one.
 */
sy_status ir_ref_moved(const ir_kernel_args *args, uint32_t data, ir_kernel_fn plain);

/* Strides of a tensor itself, in elements. */
void ir_ref_own_strides(const ir_tensor *t, int64_t strides[IR_MAX_RANK]);

/*
 * Copies a box of elements: the one at `index` from `from` + sum(index * from_strides) to `to` + sum(index *
 * to_strides), strides in elements. rank is at most IR_REF_BOX_RANK.
 */
#define IR_REF_BOX_RANK (2 * IR_MAX_RANK)
void ir_ref_copy_box(int32_t rank, const int64_t *dims, void *to, const int64_t *to_strides,
                     const void *from, const int64_t *from_strides, size_t bytes);

/* Where element `i` of a tensor of such elements lies. */
static inline void *ir_ref_at(const ir_tensor *t, int64_t i, size_t bytes)
{
    return (char *)t->data + (size_t)i * bytes;
}

/* Attribute "axis" within the rank. */
sy_status ir_ref_axis_of(const ir_kernel_args *args, int32_t rank, int64_t fallback, int32_t *out);

/* An index from [-size, size) as one from [0, size); SY_ERANGE if it is outside. */
sy_status ir_ref_index(const ir_kernel_args *args, int64_t index, int64_t size, int64_t *out);

/*
 * Numbers that are ordered as the elements are: signed integers themselves, the others mapped. The two zeros are
 * equal, NaN is equal to itself and above all. For integers, bool and floats.
 */
int64_t ir_ref_order(const ir_tensor *t, int64_t i);

/* The same for n elements, `step` apart. */
void ir_ref_orders(const ir_tensor *t, int64_t from, int64_t step, int64_t n, int64_t *out);

/* All of a tensor of indices into an axis of this size, within [0, size), in the arena. */
sy_status ir_ref_indices(const ir_kernel_args *args, const ir_tensor *indices, int64_t size, int64_t **out);

/* Which elements of x are not zero (strings: not empty), one byte each, and how many. */
sy_status ir_ref_non_zeros(const ir_tensor *x, base_arena *arena, uint8_t **out, int64_t *n_out);

#endif
