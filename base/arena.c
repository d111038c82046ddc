/*
 * arena.c -- memory by lifetime, from a list of blocks.
 *
 * How: allocations are cut from the current block by moving an offset.  A request that does not fit
 * moves on to the next block, or gets a new one; blocks double in size up to a limit, so there are
 * few.  New blocks come from calloc and are zero already; only what an earlier round has touched is
 * cleared again.
 *
 * Under AddressSanitizer, what has not been handed out is poisoned, and so is a gap after each
 * allocation: a run over the end of one arena object into the next is reported as it would be for
 * malloc.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/base/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "systole/base/assert.h"

#if defined(__has_feature) /* clang's way to say what gcc's macro says */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#define GAP_BYTES      16
#else
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define GAP_BYTES      0
#endif

#define ALIGN_SMALL       16
#define ALIGN_LARGE       64
#define BLOCK_BYTES_FIRST ((size_t)16 << 10)
#define BLOCK_BYTES_LIMIT ((size_t)1 << 20)

/* The data of a block follows its head; objects are aligned by address. */
typedef struct block {
    struct block *next;
    size_t capacity;
    size_t used;
    size_t touched; /* data from this offset on has never been handed out, so it is zero */
} block;

struct base_arena {
    block *first;
    block *current;
    size_t n_bytes;
    size_t next_block_bytes;
    size_t fail_countdown; /* 0: never fail; 1: this and all later allocations fail */
};

static unsigned char *block_data(block *b)
{
    return (unsigned char *)(b + 1);
}

base_arena *base_arena_create(void)
{
    base_arena *arena = calloc(1, sizeof *arena);
    if (arena != NULL) {
        arena->next_block_bytes = BLOCK_BYTES_FIRST;
    }
    return arena;
}

void base_arena_destroy(base_arena *arena)
{
    if (arena == NULL) {
        return;
    }
    for (block *b = arena->first, *next; b != NULL; b = next) {
        next = b->next;
        UNPOISON(block_data(b), b->capacity);
        free(b);
    }
    free(arena);
}

/* Cuts size bytes out of b, or returns NULL if they do not fit. */
static void *block_cut(base_arena *arena, block *b, size_t size, size_t align)
{
    const uintptr_t base = (uintptr_t)block_data(b);
    const size_t start = (size_t)(((base + b->used + align - 1) & ~(uintptr_t)(align - 1)) - base);
    if (start > b->capacity || size > b->capacity - start) {
        return NULL;
    }
    unsigned char *p = block_data(b) + start;
    UNPOISON(p, size);
    if (start < b->touched) {
        const size_t n_dirty = b->touched - start;
        memset(p, 0, n_dirty < size ? n_dirty : size);
    }
    const size_t end = start + size;
    arena->n_bytes += end - b->used;
    b->used = end + GAP_BYTES < b->capacity ? end + GAP_BYTES : b->capacity;
    if (b->touched < end) {
        b->touched = end;
    }
    return p;
}

/*
 * A new block with room for size bytes, or NULL.  It becomes the current one, unless it is filled
 * by this one large object: then the current block still has the better room for what follows.
 */
static block *block_add(base_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    const bool alone = size > arena->next_block_bytes / 4;
    const size_t capacity = alone ? size + ALIGN_LARGE + GAP_BYTES : arena->next_block_bytes;
    block *b = calloc(1, sizeof *b + capacity);
    if (b == NULL) {
        return NULL;
    }
    POISON(block_data(b), capacity);
    b->capacity = capacity;
    if (arena->current == NULL) {
        arena->first = b;
    } else {
        b->next = arena->current->next;
        arena->current->next = b;
    }
    if (!alone || arena->current == NULL) {
        arena->current = b;
    }
    if (!alone && arena->next_block_bytes < BLOCK_BYTES_LIMIT) {
        arena->next_block_bytes *= 2;
    }
    return b;
}

void *base_arena_alloc(base_arena *arena, size_t n, size_t size_bytes)
{
    SY_ASSERT(arena != NULL);
    if (arena->fail_countdown == 1) {
        return NULL;
    }
    if (arena->fail_countdown > 1) {
        arena->fail_countdown--;
    }
    size_t size;
    if (__builtin_mul_overflow(n, size_bytes, &size)) {
        return NULL;
    }
    const size_t align = size >= ALIGN_LARGE ? ALIGN_LARGE : ALIGN_SMALL;
    for (block *b = arena->current; b != NULL; b = b->next) {
        void *p = block_cut(arena, b, size, align);
        if (p != NULL) {
            return p;
        }
        /* If a small object does not fit, the block is full; if a large one does not, who knows. */
        if (b == arena->current && b->next != NULL && size <= b->capacity / 4) {
            arena->current = b->next;
        }
    }
    block *b = block_add(arena, size);
    return b == NULL ? NULL : block_cut(arena, b, size, align);
}

void *base_arena_memdup(base_arena *arena, const void *data, size_t n, size_t size_bytes)
{
    void *p = base_arena_alloc(arena, n, size_bytes);
    if (p != NULL && n * size_bytes != 0) {
        memcpy(p, data, n * size_bytes);
    }
    return p;
}

char *base_arena_strndup(base_arena *arena, const char *text, size_t n)
{
    const char *nul = memchr(text, '\0', n);
    const size_t length = nul == NULL ? n : (size_t)(nul - text);
    if (length == SIZE_MAX) {
        return NULL;
    }
    char *p = base_arena_alloc(arena, length + 1, 1);
    if (p != NULL) {
        memcpy(p, text, length);
    }
    return p;
}

char *base_arena_strdup(base_arena *arena, const char *text)
{
    return base_arena_memdup(arena, text, strlen(text) + 1, 1);
}

char *base_arena_printf(base_arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0) {
        return NULL;
    }
    char *p = base_arena_alloc(arena, (size_t)n + 1, 1);
    if (p != NULL) {
        va_start(args, fmt);
        vsnprintf(p, (size_t)n + 1, fmt, args);
        va_end(args);
    }
    return p;
}

void base_arena_reset(base_arena *arena)
{
    for (block *b = arena->first; b != NULL; b = b->next) {
        b->used = 0;
        POISON(block_data(b), b->capacity);
    }
    arena->current = arena->first;
    arena->n_bytes = 0;
    arena->fail_countdown = 0;
}

void base_arena_fail_at(base_arena *arena, size_t n)
{
    arena->fail_countdown = n;
}

size_t base_arena_bytes(const base_arena *arena)
{
    return arena->n_bytes;
}
