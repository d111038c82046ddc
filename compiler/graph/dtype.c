/*
 * dtype.c -- the views of the dtype table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/graph/dtype.h"

#include <string.h>

typedef struct row {
    const char *name;
    uint32_t bits;
    sy_dtype_class class;
} row;

static const row rows[SY_DT_COUNT] = {
#define X(sym, num, text, n_bits, class_of) [num] = { text, n_bits, class_of },
    SY_DTYPE_MAP(X)
#undef X
};

static const row *row_of(sy_dtype t)
{
    return (unsigned)t < SY_DT_COUNT ? &rows[t] : &rows[SY_DT_NONE];
}

const char *sy_dtype_name(sy_dtype t)
{
    return row_of(t)->name;
}

uint32_t sy_dtype_bits(sy_dtype t)
{
    return row_of(t)->bits;
}

sy_dtype_class sy_dtype_class_of(sy_dtype t)
{
    return row_of(t)->class;
}

sy_dtype sy_dtype_from_name(const char *name, size_t n)
{
    for (int i = 1; i < SY_DT_COUNT; i++) {
        if (strlen(rows[i].name) == n && memcmp(rows[i].name, name, n) == 0) {
            return (sy_dtype)i;
        }
    }
    return SY_DT_NONE;
}

bool sy_dtype_size_bytes(sy_dtype t, int64_t n, size_t *out)
{
    const uint64_t bits = sy_dtype_bits(t);
    if (bits == 0 || n < 0 || (uint64_t)n > (uint64_t)(INT64_MAX - 7) / bits) {
        return false;
    }
    const uint64_t bytes = ((uint64_t)n * bits + 7) / 8;
    *out = (size_t)bytes;
    return bytes <= SIZE_MAX;
}
