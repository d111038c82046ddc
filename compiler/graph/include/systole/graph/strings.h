/*
 * strings.h -- the elements of string tensors: for each a little-endian uint32 length, then the bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_STRINGS_H
#define SYSTOLE_GRAPH_STRINGS_H

#include "systole/base/arena.h"
#include "systole/base/buf.h"
#include "systole/graph/tensor.h"

typedef struct ir_text {
    const char *text; /* not terminated; may hold any bytes */
    uint32_t n_bytes;
} ir_text;

/* All elements of a string tensor, in the arena; they point into the tensor's bytes. SY_EINVAL if the bytes do not fit. */
sy_status ir_strings_read(const ir_tensor *t, base_arena *arena, ir_text **out);

/* Appends one element. A failure is kept in the buffer, as always. */
void ir_strings_put(base_buf *buf, const char *text, size_t n_bytes);

#endif
