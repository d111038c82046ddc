/*
 * onnx_names.c -- from names to values, by scope: regions see the names around them and may not
 * hide them.
 *
 * Names are interned, so keys are pointers. A name that left its scope keeps its slot, with no
 * value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_internal.h"

static uint32_t hash(const char *interned)
{
    const uint64_t h = (uint64_t)(uintptr_t)interned * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h >> 32);
}

static uint32_t find_slot(const onnx_names *names, const char *interned)
{
    uint32_t i = hash(interned) & names->mask;
    while (names->keys[i] != NULL && names->keys[i] != interned) {
        i = (i + 1) & names->mask;
    }
    return i;
}

sy_status ir_onnx_names_init(onnx_names *names, base_arena *arena)
{
    const uint32_t capacity = 256;
    *names = (onnx_names){.arena = arena, .mask = capacity - 1};
    names->keys = BASE_ARENA_ARRAY(arena, const char *, capacity);
    names->values = BASE_ARENA_ARRAY(arena, void *, capacity);
    return names->keys != NULL && names->values != NULL ? SY_OK : SY_ENOMEM;
}

static sy_status grow(onnx_names *names)
{
    onnx_names larger = *names;
    larger.mask = names->mask * 2 + 1;
    larger.keys = BASE_ARENA_ARRAY(names->arena, const char *, (size_t)larger.mask + 1);
    larger.values = BASE_ARENA_ARRAY(names->arena, void *, (size_t)larger.mask + 1);
    if (larger.keys == NULL || larger.values == NULL) {
        return SY_ENOMEM;
    }
    larger.n_keys = 0;
    for (size_t i = 0; i < names->bound.n; i++) { /* names without a value are forgotten */
        const uint32_t old = names->bound.items[i];
        const uint32_t slot = find_slot(&larger, names->keys[old]);
        larger.keys[slot] = names->keys[old];
        larger.values[slot] = names->values[old];
        larger.bound.items[i] =
            slot; /* the array is the same: each entry is read before it is written */
        larger.n_keys++;
    }
    *names = larger;
    return SY_OK;
}

sy_status ir_onnx_names_bind(onnx_names *names, const char *interned, void *value)
{
    if (names->n_keys >= names->mask / 2) {
        SY_TRY(grow(names));
    }
    const uint32_t slot = find_slot(names, interned);
    if (names->keys[slot] != NULL && names->values[slot] != NULL) {
        return SY_EINVAL;
    }
    if (!base_vec_push(names->arena, &names->bound, slot)) {
        return SY_ENOMEM;
    }
    if (names->keys[slot] == NULL) {
        names->keys[slot] = interned;
        names->n_keys++;
    }
    names->values[slot] = value;
    return SY_OK;
}

void *ir_onnx_names_find(const onnx_names *names, const char *interned)
{
    return names->values[find_slot(names, interned)];
}

size_t ir_onnx_names_enter(const onnx_names *names)
{
    return names->bound.n;
}

void ir_onnx_names_leave(onnx_names *names, size_t mark)
{
    while (names->bound.n > mark) {
        names->values[names->bound.items[--names->bound.n]] = NULL;
    }
}
