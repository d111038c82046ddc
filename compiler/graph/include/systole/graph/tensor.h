/*
 * tensor.h -- a view of a value's data: what kernels and shape inference read and write.
 *
 * A tensor is always contiguous, row-major, in the logical shape. A view owns nothing.
 *
 * Sequences, optionals and maps are lists: one block of bytes that holds the entries and says where
 * each one lies in it, so that it can be copied, moved and freed as a tensor's bytes are (list.h reads
 * and writes it). Strings too are in one block: for each element a little-endian uint32 length and
 * then the bytes (strings.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_TENSOR_H
#define SYSTOLE_GRAPH_TENSOR_H

#include "systole/graph/types.h"

typedef struct ir_tensor {
    sy_dtype dtype;            /* of a list: of the tensors in it, SY_DT_NONE if not known */
    int32_t rank;              /* 0 .. IR_MAX_RANK; of a list: 1 */
    int64_t dims[IR_MAX_RANK]; /* the first `rank` count; each >= 0; of a list: the number of entries */
    void *data;                /* may be NULL if there are no elements */
    size_t size_bytes;
    ir_type_kind kind; /* IR_TYPE_UNKNOWN and IR_TYPE_TENSOR: a tensor; else a list */
} ir_tensor;

/* True for sequences, optionals and maps. */
static inline bool ir_tensor_is_list(const ir_tensor *t)
{
    return t->kind > IR_TYPE_TENSOR;
}

/*
 * Sets dtype, rank, dims and size_bytes; data = `data`.
 * SY_ERANGE if rank is above IR_MAX_RANK, a size is negative, or the byte count overflows. For strings,
 * size_bytes is left 0: their length lies in the data.
 */
sy_status ir_tensor_init(ir_tensor *t, sy_dtype dtype, int32_t rank, const int64_t *dims, void *data);

/* Product of the dims; cannot overflow after ir_tensor_init. */
int64_t ir_tensor_n_elements(const ir_tensor *t);

/* Element i of an integer or bool tensor (i64, i32, ..., u8, bool; not sub-byte), widened. */
int64_t ir_tensor_get_i64(const ir_tensor *t, int64_t i);

/*
 * Element i of a tensor of numbers as a double (64-bit integers beyond 2^53 are rounded); of complex types, element i / 2's
 * real (i even) or imaginary part. 0 for strings.
 */
double ir_tensor_get_f64(const ir_tensor *t, int64_t i);

#endif
