/*
 * vec.h -- growable arrays of any type, in an arena.
 *
 *     typedef BASE_VEC(int) int_vec;
 *     int_vec v = {0};
 *     if (!base_vec_push(arena, &v, 42)) { return SY_ENOMEM; }
 *     for (size_t i = 0; i < v.n; i++) { use(v.items[i]); }
 *
 * Growing doubles the capacity and leaves the old items behind in the arena, so a vector costs at
 * most twice its final size more; pointers to items are valid until the next push.  The vector
 * itself owns nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_BASE_VEC_H
#define SYSTOLE_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>

#include "systole/base/arena.h"

/* A vector type; an object of it is zero-initialised, and then empty. */
#define BASE_VEC(T)      \
    struct {             \
        T *items;        \
        size_t n;        \
        size_t capacity; \
    }

/* Makes room for n_wanted items in all; false, and the vector unchanged, when memory is out. */
#define base_vec_reserve(arena, v, n_wanted) \
    base_vec_grow((arena), &(v)->items, (v)->n, &(v)->capacity, sizeof *(v)->items, (n_wanted))

/* Appends a value (evaluated once, and only when there is room); false when memory is out. */
#define base_vec_push(arena, v, ...) \
    (base_vec_reserve((arena), (v), (v)->n + 1) && ((v)->items[(v)->n++] = (__VA_ARGS__), true))

/*
 * What base_vec_reserve calls: items_address is the address of the items pointer, which points to n
 * items of item_bytes in an array of *capacity.
 */
bool base_vec_grow(base_arena *arena, void *items_address, size_t n, size_t *capacity,
                   size_t item_bytes, size_t n_wanted);

#endif
