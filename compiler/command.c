/*
 * command.c -- see systole/compiler/command.h, and group.h for the last function.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/compiler/command.h"

#include <string.h>

#include "systole/compiler/group.h"
#include "systole/isa/isa.h"

/* Room for one more element of `size` bytes; the array may move. */
static sy_status grow(base_arena *arena, void **array, size_t n, size_t *capacity, size_t size)
{
    if (n < *capacity) {
        return SY_OK;
    }
    const size_t larger = *capacity > 0 ? 2 * *capacity : 32;
    void *grown = base_arena_alloc(arena, larger, size);
    if (grown == NULL) {
        return SY_ENOMEM;
    }
    if (n > 0) {
        memcpy(grown, *array, n * size);
    }
    *array = grown;
    *capacity = larger;
    return SY_OK;
}

sy_status cc_program_begin_layer(base_arena *arena, cc_program *p, const char *name)
{
    size_t capacity = p->layers_capacity;
    void *layers = p->layers;
    SY_TRY(grow(arena, &layers, p->n_layers, &capacity, sizeof(cc_layer)));
    p->layers = layers;
    p->layers_capacity = (uint32_t)capacity;
    const char *copy = base_arena_strdup(arena, name);
    if (copy == NULL) {
        return SY_ENOMEM;
    }
    p->layers[p->n_layers++].name = copy;
    return SY_OK;
}

sy_status cc_program_add(base_arena *arena, cc_program *p, const cc_command *command)
{
    void *commands = p->commands;
    SY_TRY(grow(arena, &commands, p->n_commands, &p->capacity, sizeof(cc_command)));
    p->commands = commands;
    p->commands[p->n_commands] = *command;
    p->commands[p->n_commands].layer = (uint16_t)(p->n_layers > 0 ? p->n_layers - 1 : 0);
    p->n_commands++;
    return SY_OK;
}

static sy_status add_semaphore(base_arena *arena, cc_program *p, uint8_t unit, uint8_t funct7,
                               uint32_t semaphore)
{
    cc_command c;
    memset(&c, 0, sizeof c);
    c.unit = unit;
    c.funct7 = funct7;
    c.payload = semaphore;
    return cc_program_add(arena, p, &c);
}

sy_status cc_program_wait(base_arena *arena, cc_program *p, uint8_t unit, uint32_t semaphore)
{
    return add_semaphore(arena, p, unit, ISA_F7_WAIT, semaphore);
}

sy_status cc_program_post(base_arena *arena, cc_program *p, uint8_t unit, uint32_t semaphore)
{
    return add_semaphore(arena, p, unit, ISA_F7_POST, semaphore);
}

uint32_t cc_group_blobs(const cc_group *group, const cc_blob *blobs[2])
{
    uint32_t n = 0;
    const cc_blob *candidates[2] = {NULL, NULL};
    if (group->kind == CC_GROUP_MATMUL) {
        candidates[0] = &group->u.matmul.weights;
        candidates[1] = &group->u.matmul.constants;
    } else if (group->kind == CC_GROUP_STREAM) {
        candidates[0] = &group->u.stream.b_constant;
        candidates[1] = &group->u.stream.table;
    } else if (group->kind == CC_GROUP_DEPTHWISE) {
        candidates[0] = &group->u.depthwise.constants;
    } else if (group->kind == CC_GROUP_NORM) {
        candidates[0] = &group->u.norm.constants;
    } else if (group->kind == CC_GROUP_ATTENTION) {
        candidates[0] = &group->u.attention.mask_constant;
    }
    for (int i = 0; i < 2; i++) {
        if (candidates[i] != NULL && candidates[i]->n_bytes > 0) {
            blobs[n++] = candidates[i];
        }
    }
    return n;
}
