/*
 * buffer.c -- memory for tensors.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define ALIGNMENT_BYTES 64 /* a cache line, and the widest vector */

/*
 * What the machine has. Linux hands out more than that and kills the program when it is used, so a
 * size that some file made up is refused here.
 */
static size_t machine_bytes(void)
{
    const long n_pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    return n_pages > 0 && page_bytes > 0 ? (size_t)n_pages * (size_t)page_bytes : SIZE_MAX / 2;
}

void *rt_buffer_alloc(size_t n_bytes)
{
    if (n_bytes > machine_bytes()) {
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
    *scratch = (rt_scratch){0};
}
