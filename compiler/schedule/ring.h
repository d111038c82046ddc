/*
 * ring.h -- a region of SPM or ACC cut into slots that a producer fills and a consumer frees, in
 * order.
 *
 * Planning: the scheduler touches keys step by step (sched_ring_touch): a key still in a slot is
 * used again, another takes the next slot. Emission: entry e goes to slot e % slots; its producer
 * waits for FREE if the slot held an entry before, and posts FULL; its consumer waits for FULL at
 * the first use, and posts FREE after the last if another entry will need the slot. Entries are
 * released in the order in which they came, so counting semaphores are enough.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_RING_H
#define SYSTOLE_COMPILER_RING_H

#include "emit.h"

typedef struct ring_entry {
    int64_t key;
    int64_t first, last; /* steps of the consumer */
} ring_entry;

typedef struct ring {
    isa_unit producer, consumer;
    uint32_t full, free_;
    int64_t base, pitch; /* row of slot s: base + s * pitch */
    int64_t slots;
    ring_entry *entries;
    int64_t n, capacity;
    int64_t filled;   /* entries whose producer has been emitted */
    int64_t acquired; /* entries whose FULL the consumer has waited for */
    int64_t released; /* entries that the consumer is done with */
    int64_t consumed; /* steps of the consumer that have been emitted */
} ring;

/* The consumer's step `step` uses key: returns its entry. Steps come in order. -1 when memory is
 * out (s->status is set). */
int64_t sched_ring_touch(sched *s, ring *r, int64_t key, int64_t step);

/* Row of an entry's slot. */
int64_t sched_ring_row(const ring *r, int64_t entry);

/* True if entry r->filled exists, is first used at or before `step`, and its slot is free in
 * program order. */
bool sched_ring_can_fill(const ring *r, int64_t step);

/* Around the producer's commands for entry r->filled; sched_ring_end_fill goes on to the next. */
void sched_ring_begin_fill(sched *s, const ring *r);
void sched_ring_end_fill(sched *s, ring *r);

/* Around the consumer's commands of a step: waits for what is new in it, frees what is used for the
 * last time in it. */
void sched_ring_begin_step(sched *s, ring *r, int64_t step);
void sched_ring_end_step(sched *s, ring *r, int64_t step);

#endif
