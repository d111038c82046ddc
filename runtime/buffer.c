/*
 * buffer.c -- memory for tensors.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/buffer.h"

#include <stdint.h>
#include <stdlib.h>

#define ALIGNMENT_BYTES 64 /* a cache line, and the widest vector */

void *rt_buffer_alloc(size_t n_bytes)
{
    if (n_bytes > SIZE_MAX - ALIGNMENT_BYTES) {
        return NULL;
    }
    const size_t rounded = (n_bytes + ALIGNMENT_BYTES) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
    return aligned_alloc(ALIGNMENT_BYTES, rounded);
}

void rt_buffer_free(void *buffer)
{
    free(buffer);
}

void *rt_scratch_get(rt_scratch *scratch, size_t n_bytes)
{
    if (scratch->data == NULL || scratch->n_bytes < n_bytes) {
        rt_scratch_free(scratch);
        scratch->data = rt_buffer_alloc(n_bytes);
        scratch->n_bytes = scratch->data != NULL ? n_bytes : 0;
    }
    return scratch->data;
}

void rt_scratch_free(rt_scratch *scratch)
{
    rt_buffer_free(scratch->data);
    *scratch = (rt_scratch){ 0 };
}
