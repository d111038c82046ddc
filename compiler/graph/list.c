/*
 * list.c -- the block of a sequence, an optional or a map.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/graph/list.h"

#include <string.h>

typedef struct record {
    int32_t kind, dtype, rank, unused;
    int64_t dims[IR_MAX_RANK];
    uint64_t offset, n_bytes;
} record;

static size_t aligned(size_t n)
{
    return (n + IR_LIST_ALIGN_BYTES - 1) / IR_LIST_ALIGN_BYTES * IR_LIST_ALIGN_BYTES;
}

int64_t ir_list_n(const ir_tensor *list)
{
    return list->dims[0];
}

void ir_list_entry(const ir_tensor *list, int64_t i, ir_tensor *out)
{
    record r;
    memcpy(&r, (const char *)list->data + (size_t)i * sizeof r, sizeof r);
    *out = (ir_tensor){.kind = (ir_type_kind)r.kind,
                       .dtype = (sy_dtype)r.dtype,
                       .rank = r.rank,
                       .data = (char *)list->data + r.offset,
                       .size_bytes = r.n_bytes};
    memcpy(out->dims, r.dims, sizeof r.dims);
}

sy_status ir_list_init(ir_tensor *list, ir_type_kind kind, sy_dtype dtype, int64_t n,
                       const ir_tensor *entries)
{
    if (n < 0 || (uint64_t)n > SIZE_MAX / 4 / sizeof(record)) {
        return SY_ERANGE;
    }
    size_t bytes = aligned((size_t)n * sizeof(record));
    for (int64_t i = 0; i < n; i++) {
        if (entries[i].size_bytes > SIZE_MAX / 4 ||
            __builtin_add_overflow(bytes, aligned(entries[i].size_bytes), &bytes)) {
            return SY_ERANGE;
        }
    }
    *list = (ir_tensor){
        .kind = kind, .dtype = dtype, .rank = 1, .dims = {n}, .size_bytes = bytes};
    return SY_OK;
}

void ir_list_write(ir_tensor *list, const ir_tensor *entries)
{
    const int64_t n = ir_list_n(list);
    size_t at = aligned((size_t)n * sizeof(record));
    for (int64_t i = 0; i < n; i++) {
        const ir_tensor *t = &entries[i];
        record r = {.kind = (int32_t)t->kind,
                    .dtype = (int32_t)t->dtype,
                    .rank = t->rank,
                    .offset = at,
                    .n_bytes = t->size_bytes};
        memcpy(r.dims, t->dims, sizeof r.dims);
        memcpy((char *)list->data + (size_t)i * sizeof r, &r, sizeof r);
        if (t->size_bytes > 0) {
            memcpy((char *)list->data + at, t->data, t->size_bytes);
        }
        at += aligned(t->size_bytes);
    }
}
