/*
 * buffer.h -- memory for tensors: sized by the user's data, aligned to 64 bytes, freed one by one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_BUFFER_H
#define SYSTOLE_RT_BUFFER_H

#include <stddef.h>

/* At least one byte, aligned to 64, not initialised. NULL when memory is out, or for more than the
 * machine has. */
void *rt_buffer_alloc(size_t n_bytes) __attribute__((malloc, warn_unused_result));

/* NULL is allowed. */
void rt_buffer_free(void *buffer);

/* Working memory that one thread uses again and again. Zero-initialise it. */
typedef struct rt_scratch {
    void *data;
    size_t n_bytes;
} rt_scratch;

/* At least n_bytes aligned to 64; what an earlier call gave is gone. NULL when memory is out. */
void *rt_scratch_get(rt_scratch *scratch, size_t n_bytes) __attribute__((warn_unused_result));

void rt_scratch_free(rt_scratch *scratch);

#endif
