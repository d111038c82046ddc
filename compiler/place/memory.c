/*
 * memory.c -- where constants and tensors lie in DRAM.
 *
 * Constants first, then the tensors that the host writes or reads, for good; the others by first
 * fit over their lifetimes, largest first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "place.h"

/* Everything begins behind this at least. */
#define GUARD_BYTES 65536u
#define ALIGN_BYTES 4096u

typedef struct life {
    cc_tensor *tensor;
    uint64_t bytes;
    uint32_t first, last; /* groups */
    uint64_t address;
    bool placed;
} life;

typedef struct lives {
    life *all;
    uint32_t n, capacity;
} lives;

static uint64_t align_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) / to * to;
}

static void touch(lives *l, cc_tensor *t, uint32_t group, const isa_config *config)
{
    if (t == NULL) {
        return;
    }
    for (uint32_t i = 0; i < l->n; i++) {
        if (l->all[i].tensor == t) {
            l->all[i].last = group;
            return;
        }
    }
    l->all[l->n++] = (life){
        .tensor = t, .bytes = align_up(cc_tensor_bytes(t, config), 256), .first = group, .last = group};
}

static void touch_group(lives *l, const cc_group *g, uint32_t index, const isa_config *config)
{
    touch(l, g->x, index, config);
    switch (g->kind) {
    case CC_GROUP_MATMUL:
        touch(l, g->u.matmul.residual, index, config);
        touch(l, g->u.matmul.w, index, config);
        break;
    case CC_GROUP_STREAM:
        if (g->u.stream.b_constant.n_bytes == 0) {
            touch(l, g->u.stream.b, index, config);
        }
        break;
    case CC_GROUP_CONCAT:
        for (uint32_t i = 0; i < g->u.concat.n_parts; i++) {
            touch(l, g->u.concat.parts[i], index, config);
        }
        break;
    case CC_GROUP_ATTENTION:
        touch(l, g->u.attention.k, index, config);
        touch(l, g->u.attention.v, index, config);
        if (g->u.attention.mask_constant.n_bytes == 0) {
            touch(l, g->u.attention.mask, index, config);
        }
        break;
    case CC_GROUP_POOL:
    case CC_GROUP_PAD:
    case CC_GROUP_DEPTHWISE:
    case CC_GROUP_NORM:
        break;
    }
    touch(l, g->y, index, config);
}

/* The walk of a padded tile starts before its tensor; addresses must not fall below zero. */
static uint64_t bytes_before(const cc_group *g, const isa_config *config)
{
    int64_t bytes = 0;
    if (g->kind == CC_GROUP_PAD) {
        bytes = (g->u.pad.top * g->x->w + g->u.pad.left) * isa_config_spm_row_bytes(config);
    } else if (g->kind == CC_GROUP_MATMUL && g->u.matmul.packed) {
        bytes = (g->u.matmul.window.pad_top * g->x->w + g->u.matmul.window.pad_left) * g->x->c *
                (isa_config_spm_row_bytes(config) / config->d);
    }
    return (uint64_t)bytes;
}

static void place_blob(cc_blob *b, uint64_t *end)
{
    b->address = *end;
    *end = align_up(*end + b->n_bytes, 64);
}

/* The lowest address at which a tensor meets no placed one of overlapping lifetime. */
static uint64_t first_fit(const lives *l, const life *t, uint64_t from)
{
    uint64_t at = from;
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t i = 0; i < l->n; i++) {
            const life *o = &l->all[i];
            const bool together = o->first <= t->last && t->first <= o->last;
            if (o->placed && together && at < o->address + o->bytes && o->address < at + t->bytes) {
                at = o->address + o->bytes;
                moved = true;
            }
        }
    }
    return at;
}

static int larger_first(const void *a, const void *b)
{
    const life *x = a;
    const life *y = b;
    if (x->bytes != y->bytes) {
        return x->bytes > y->bytes ? -1 : 1;
    }
    return x->first != y->first ? (x->first < y->first ? -1 : 1) : 0;
}

sy_status cc_place_memory(base_arena *arena, const isa_config *config, const placement *p,
                          uint64_t *constants_address, uint64_t *constants_bytes, base_diag *diag)
{
    uint64_t end = GUARD_BYTES;
    uint64_t guard = 0;
    uint32_t most = 0;
    for (uint32_t i = 0; i < p->n_groups; i++) {
        cc_group *g = p->groups[i];
        guard = bytes_before(g, config) > guard ? bytes_before(g, config) : guard;
        most += 5 + (g->kind == CC_GROUP_CONCAT ? g->u.concat.n_parts : 0);
        if (g->kind == CC_GROUP_MATMUL) {
            place_blob(&g->u.matmul.weights, &end);
            place_blob(&g->u.matmul.constants, &end);
        } else if (g->kind == CC_GROUP_STREAM && g->u.stream.table.n_bytes > 0) {
            place_blob(&g->u.stream.table, &end);
        } else if (g->kind == CC_GROUP_ATTENTION && g->u.attention.mask_constant.n_bytes > 0) {
            place_blob(&g->u.attention.mask_constant, &end);
            g->u.attention.mask->address = g->u.attention.mask_constant.address;
            g->u.attention.mask->placed = true;
        } else if (g->kind == CC_GROUP_STREAM && g->u.stream.b_constant.n_bytes > 0) {
            place_blob(&g->u.stream.b_constant, &end);
            g->u.stream.b->address = g->u.stream.b_constant.address;
            g->u.stream.b->placed = true;
        } else if (g->kind == CC_GROUP_DEPTHWISE) {
            place_blob(&g->u.depthwise.constants, &end);
        } else if (g->kind == CC_GROUP_NORM) {
            place_blob(&g->u.norm.constants, &end);
        }
    }
    *constants_address = GUARD_BYTES;
    *constants_bytes = end - GUARD_BYTES;
    lives l = {.capacity = most};
    l.all = base_arena_alloc(arena, most + 1, sizeof(life));
    if (l.all == NULL) {
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    for (uint32_t i = 0; i < p->n_groups; i++) {
        touch_group(&l, p->groups[i], i, config);
    }
    uint64_t shared = align_up(end > guard ? end : guard, ALIGN_BYTES);
    for (uint32_t i = 0; i < l.n; i++) {
        if (l.all[i].tensor->host) {
            l.all[i].tensor->address = shared;
            shared += l.all[i].bytes;
        }
    }
    shared = align_up(shared, ALIGN_BYTES);
    qsort(l.all, l.n, sizeof(life), larger_first);
    uint64_t top = shared;
    for (uint32_t i = 0; i < l.n; i++) {
        life *t = &l.all[i];
        if (!t->tensor->host) {
            t->address = first_fit(&l, t, shared);
            t->placed = true;
            t->tensor->address = t->address;
            top = t->address + t->bytes > top ? t->address + t->bytes : top;
        }
        t->tensor->placed = true;
    }
    const uint64_t size = isa_config_dram_bytes(config);
    if (top > size) {
        return base_fail(diag, SY_ERANGE,
                         "the model needs %llu bytes of DRAM (%llu of constants), this "
                         "configuration has %llu: raise [dram] size_mib",
                         (unsigned long long)top, (unsigned long long)*constants_bytes,
                         (unsigned long long)size);
    }
    return SY_OK;
}
