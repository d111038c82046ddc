/*
 * arena.h -- memory by lifetime: many allocations, freed together.
 *
 * A function that allocates takes the arena as its first argument; one that does not, cannot.  An
 * arena belongs to one thread at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_BASE_ARENA_H
#define SYSTOLE_BASE_ARENA_H

#include <stddef.h>

typedef struct base_arena base_arena;

/* A new, empty arena, or NULL when memory is out. */
base_arena *base_arena_create(void);

/* Frees the arena and all that was allocated from it. NULL is allowed. */
void base_arena_destroy(base_arena *arena);

/*
 * n zeroed objects of size_bytes each, aligned to 16 bytes, and to 64 when they take 64 bytes or
 * more together.  NULL when memory is out or n * size_bytes overflows.  Asked for no bytes, it
 * returns a valid pointer to none.
 */
void *base_arena_alloc(base_arena *arena, size_t n, size_t size_bytes)
    __attribute__((malloc, warn_unused_result));

/* One zeroed T, or n of them. */
#define BASE_ARENA_NEW(arena, T)      ((T *)base_arena_alloc((arena), 1, sizeof(T)))
#define BASE_ARENA_ARRAY(arena, T, n) ((T *)base_arena_alloc((arena), (n), sizeof(T)))

/*
 * A copy of the n * size_bytes bytes at data, or NULL when memory is out.  data may be NULL when
 * there are none.
 */
void *base_arena_memdup(base_arena *arena, const void *data, size_t n, size_t size_bytes)
    __attribute__((malloc, warn_unused_result));

/* Copies of text (strndup: of its first n bytes), ending in NUL; NULL when memory is out. */
char *base_arena_strdup(base_arena *arena, const char *text)
    __attribute__((malloc, warn_unused_result));
char *base_arena_strndup(base_arena *arena, const char *text, size_t n)
    __attribute__((malloc, warn_unused_result));

/* The formatted text, or NULL when memory is out or the format fails. */
char *base_arena_printf(base_arena *arena, const char *fmt, ...)
    __attribute__((malloc, warn_unused_result, format(printf, 2, 3)));

/* Forgets all that was allocated, keeps the memory for the next round, switches fail_at off. */
void base_arena_reset(base_arena *arena);

/*
 * For tests: the n-th allocation from now (1 is the next) and all after it fail; 0 switches this
 * off.  A sweep over n, from 1 until the function under test succeeds, walks all its paths for
 * memory that is out.
 */
void base_arena_fail_at(base_arena *arena, size_t n);

/* Bytes handed out since creation or the last reset, with the padding between them. */
size_t base_arena_bytes(const base_arena *arena);

#endif
