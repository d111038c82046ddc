/*
 * infer_internal.h -- the inference functions that optable.def names, and what they share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_INFER_INTERNAL_H
#define SYSTOLE_GRAPH_INFER_INTERNAL_H

#include "systole/graph/infer.h"

/* Several rows share one function: repeated declarations are harmless. */
#define OP(id, domain, name, since, min_in, max_in, min_out, max_out, infer, props, accel, attrs, doc) \
    sy_status ir_infer_##infer(ir_infer_args *a);
#include "systole/graph/optable.def"
#undef OP

/* dims[i] of a type, NULL-safe only within the rank. */
#define IR_UNRANKED(t) (!(t).has_rank)

/* Sets result i to this type as it is. */
void ir_infer_result_type(ir_infer_args *a, uint32_t i, const ir_type *type);

/* Keeps the quantisation of `from` on result i if it is per tensor. */
void ir_infer_keep_quant(ir_infer_args *a, uint32_t i, const ir_type *from);

/* SY_EINVAL unless operand i's dtype, if known, is of class c (SY_DC_INT: signed or unsigned). */
sy_status ir_infer_want_class(const ir_infer_args *a, uint32_t i, sy_dtype dtype, sy_dtype_class c);

/* SY_EINVAL unless operand i's dtype is `want` or unknown. */
sy_status ir_infer_want_dtype(const ir_infer_args *a, uint32_t i, sy_dtype dtype, sy_dtype want);

/* SY_EINVAL unless both dtypes are equal or one is unknown; *out is the known one. */
sy_status ir_infer_same_dtype(const ir_infer_args *a, uint32_t i, sy_dtype x, uint32_t j, sy_dtype y, sy_dtype *out);

/* SY_ESHAPE unless operand i has this rank (or none that is known). */
sy_status ir_infer_want_rank(const ir_infer_args *a, uint32_t i, const ir_type *t, int32_t rank);

/* SY_ESHAPE if dimension `axis` of operand i is a constant other than the constant `want`. */
sy_status ir_infer_want_dim(const ir_infer_args *a, uint32_t i, const ir_type *t, int32_t axis, ir_dim want);

/* An axis attribute or element, counted from the end if negative, as 0 .. rank - 1. */
sy_status ir_infer_axis(const ir_infer_args *a, int64_t axis, int32_t rank, int32_t *out);

/*
 * The axes in operand i as a set of bits for `rank`: SY_OK and *known = false if their values are not known.
 * Repeated axes are an error.
 */
sy_status ir_infer_axes(const ir_infer_args *a, uint32_t i, int32_t rank, uint32_t *bits, bool *known);

/* Rank 0 or 1 operand i as expressions; NULL elements if unknown. */
ir_elements ir_infer_elements(const ir_infer_args *a, uint32_t i);

/* Elements of result i. They are dropped if n is too large. `elements` must live in the module's arena or be copied: copied. */
sy_status ir_infer_set_elements(ir_infer_args *a, uint32_t i, uint32_t n, const ir_dim *elements);

/* Conv and QConv: operands checked against each other, the result's shape with this dtype. */
sy_status ir_infer_conv_shape(ir_infer_args *a, sy_dtype dtype);

/* The matrix product of operands i and j, with this dtype; element types are not looked at. */
sy_status ir_infer_matmul_shape(ir_infer_args *a, uint32_t i, uint32_t j, sy_dtype dtype);

/* Node inference on explicit types, used for Fused, Call and regions. */
sy_status ir_infer_region(ir_infer_args *a, ir_graph *region);

#endif
