/*
 * ring.c -- see ring.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ring.h"

#include <string.h>

#include "systole/base/assert.h"

int64_t sched_ring_touch(sched *s, ring *r, int64_t key, int64_t step)
{
    for (int64_t e = r->n - 1; e >= 0 && e >= r->n - r->slots; e--) {
        if (r->entries[e].key == key) {
            /* Releases must come in the order of the entries: a later entry whose last use was
             * earlier follows this one. */
            for (int64_t later = e; later < r->n; later++) {
                r->entries[later].last = step;
            }
            return e;
        }
    }
    if (r->n == r->capacity) {
        int64_t capacity = r->capacity > 0 ? 2 * r->capacity : 64;
        ring_entry *grown = base_arena_alloc(s->arena, (size_t)capacity, sizeof(ring_entry));
        if (grown == NULL) {
            s->status = SY_ENOMEM;
            return -1;
        }
        if (r->n > 0) {
            memcpy(grown, r->entries, (size_t)r->n * sizeof(ring_entry));
        }
        r->entries = grown;
        r->capacity = capacity;
    }
    r->entries[r->n] = (ring_entry){.key = key, .first = step, .last = step};
    return r->n++;
}

int64_t sched_ring_row(const ring *r, int64_t entry)
{
    return r->base + entry % r->slots * r->pitch;
}

bool sched_ring_can_fill(const ring *r, int64_t step)
{
    if (r->filled >= r->n || r->entries[r->filled].first > step) {
        return false;
    }
    return r->filled < r->slots || r->entries[r->filled - r->slots].last < r->consumed;
}

void sched_ring_begin_fill(sched *s, const ring *r)
{
    SY_ASSERT(s->status != SY_OK || r->filled < r->n);
    if (r->filled >= r->slots) {
        sched_wait(s, r->producer, r->free_);
    }
}

void sched_ring_end_fill(sched *s, ring *r)
{
    sched_post(s, r->producer, r->full);
    r->filled++;
}

void sched_ring_begin_step(sched *s, ring *r, int64_t step)
{
    while (r->acquired < r->n && r->entries[r->acquired].first <= step) {
        SY_ASSERT(s->status != SY_OK || r->acquired < r->filled);
        sched_wait(s, r->consumer, r->full);
        r->acquired++;
    }
}

void sched_ring_end_step(sched *s, ring *r, int64_t step)
{
    while (r->released < r->n && r->entries[r->released].last <= step) {
        if (r->released + r->slots < r->n) {
            sched_post(s, r->consumer, r->free_);
        }
        r->released++;
    }
    r->consumed = step + 1;
}
