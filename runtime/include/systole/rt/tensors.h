/*
 * tensors.h -- values of tensors for people and tests: reading one as a number, comparing two,
 * random contents.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_TENSORS_H
#define SYSTOLE_RT_TENSORS_H

#include "systole/base/diag.h"
#include "systole/graph/tensor.h"
#include "systole/rt/model.h"

/* Element i as a double; false for types that are no numbers (strings, complex) or have less than 8
 * bits. */
bool rt_tensor_get(const ir_tensor *tensor, int64_t i, double *out);

/* Index of the largest of n elements from `first` on (the first of equals), -1 if there are none or
 * they are no numbers. */
int64_t rt_tensor_argmax(const ir_tensor *tensor, int64_t first, int64_t n);

/*
 * A tensor for an input with random contents, the same for the same seed and input number: floats
 * normal, bool 0 or 1, 8-bit integers over their whole range, wider integers 0 or 1 (so that they
 * serve as indices). Open sizes become 1. The caller frees data with rt_buffer_free. Errors:
 * SY_ESHAPE if the rank is not known, SY_EUNSUPPORTED for types without numbers, SY_ENOMEM.
 */
sy_status rt_tensor_random(const rt_model_io *io, uint64_t seed, uint32_t number, ir_tensor *out,
                           base_diag *diag);

typedef struct rt_tensor_difference {
    bool comparable; /* the same dtype and shape */
    bool same_bits;
    int64_t n, n_different;
    int64_t first;  /* index of the first element whose bits differ; -1: none */
    double max_abs; /* of numbers; NaN against a number counts as infinite */
    double snr_db;  /* 10 log10(sum a^2 / sum (a-b)^2); infinite if equal */
} rt_tensor_difference;

/* Compares b with a, the reference. */
rt_tensor_difference rt_tensor_compare(const ir_tensor *a, const ir_tensor *b);

/* "1x3x224x224"; "scalar" for rank 0. */
void rt_dims_print(int32_t rank, const int64_t *dims, base_buf *out);

#endif
