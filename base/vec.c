/*
 * vec.c -- growing of arrays in an arena.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/base/vec.h"

#include <stdint.h>
#include <string.h>

#define CAPACITY_FIRST 8

bool base_vec_grow(base_arena *arena, void *items_address, size_t n, size_t *capacity,
                   size_t item_bytes, size_t n_wanted)
{
    if (n_wanted <= *capacity) {
        return true;
    }
    size_t n_new = *capacity > SIZE_MAX / 2 ? n_wanted : *capacity * 2;
    if (n_new < CAPACITY_FIRST) {
        n_new = CAPACITY_FIRST;
    }
    if (n_new < n_wanted) {
        n_new = n_wanted;
    }
    void *items_new = base_arena_alloc(arena, n_new, item_bytes);
    if (items_new == NULL) {
        return false;
    }
    /* The pointer is read and written as bytes: its type, T *, is not known here. */
    void *items_old;
    memcpy(&items_old, items_address, sizeof items_old);
    if (n > 0) {
        memcpy(items_new, items_old, n * item_bytes);
    }
    memcpy(items_address, &items_new, sizeof items_new);
    *capacity = n_new;
    return true;
}
