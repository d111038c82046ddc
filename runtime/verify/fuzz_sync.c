/*
 * fuzz_sync.c -- who posts and takes which semaphore, so that valid programs neither deadlock nor
 * overflow.
 *
 * Deadlock: in program order every wait finds its token, and a semaphore has one waiting actor, so
 * nobody can take the token of an earlier wait; then, by induction over the program, everything
 * completes.
 *
 * Overflow: `knows` holds for each actor how many waits of every other actor have surely been taken
 * (a vector clock, counting waits only).  Knowledge travels from a poster to the taker of its
 * token, where the semaphore has one poster, and from the core to whatever it pushes.  A post is
 * allowed if all posts before it in program order and itself, less the waits that surely lie before
 * it, fit into the semaphore: of any set of posts that have fired, the last in program order bounds
 * them all.
 *
 * Shared semaphores have several waiting actors, which take each other's tokens.  Only the core and
 * one unit that never waits post to them, so that all their posts fire whatever happens elsewhere,
 * and all waits pushed so far are served in some order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuzz_internal.h"

#include <string.h>

void rt_fuzz_sync_init(fuzz_gen *g)
{
    memset(&g->sync, 0, sizeof g->sync);
    for (unsigned s = 0; s < 32; s++) {
        g->sync.sems[s].producer = -1;
        g->sync.sems[s].consumer = -1;
    }
    g->sync.free_poster = -1;
    if (rt_fuzz_one_in(g, 3)) {
        const uint32_t n_shared = 1 + rt_fuzz_below(g, g->config->sem_count < 4 ? 1 : 3);
        g->sync.free_poster = (int)rt_fuzz_below(g, ISA_N_QUEUES);
        for (uint32_t i = 0; i < n_shared; i++) {
            g->sync.sems[rt_fuzz_below(g, g->config->sem_count)].shared = true;
        }
    }
}

static void learn(fuzz_clock *to, const fuzz_clock *from)
{
    for (unsigned a = 0; a < FUZZ_N_ACTORS; a++) {
        to->at[a] = from->at[a] > to->at[a] ? from->at[a] : to->at[a];
    }
}

bool rt_fuzz_sync_may_post(const fuzz_gen *g, const fuzz_sync *sync, unsigned actor, unsigned sem)
{
    const fuzz_sem *s = &sync->sems[sem];
    if (s->poisoned || s->n_posts >= FUZZ_MAX_TOKENS) {
        return false;
    }
    if (s->shared) {
        return ((int)actor == sync->free_poster || actor == ISA_UNIT_CORE) &&
               s->n_posts + 1 - s->n_fenced <= isa_config_sem_max(g->config);
    }
    if (s->producer >= 0 && s->producer != (int)actor && s->n_waits > 0) {
        return false; /* its tokens have been trusted to come from one poster */
    }
    fuzz_clock knows = sync->knows[actor];
    learn(&knows, &sync->knows[ISA_UNIT_CORE]);
    uint32_t n_taken = 0;
    while (n_taken < s->n_waits && s->wait_at[n_taken] <= knows.at[s->consumer]) {
        n_taken++;
    }
    return s->n_posts + 1 - n_taken <= isa_config_sem_max(g->config);
}

int rt_fuzz_sync_find_post(fuzz_gen *g, unsigned actor)
{
    const uint32_t n = g->config->sem_count;
    const bool want_shared = rt_fuzz_one_in(g, 2);
    for (unsigned i = 0; i < 12; i++) {
        const uint32_t s = rt_fuzz_below(g, n);
        if (i < 6 && want_shared && !g->sync.sems[s].shared) {
            continue;
        }
        if (rt_fuzz_sync_may_post(g, &g->sync, actor, s)) {
            return (int)s;
        }
    }
    return -1;
}

int rt_fuzz_sync_find_wait(fuzz_gen *g, unsigned actor)
{
    const uint32_t n = g->config->sem_count;
    const uint32_t first = rt_fuzz_below(g, n);
    if ((int)actor == g->sync.free_poster) {
        return -1;
    }
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t at = (first + i) % n;
        const fuzz_sem *s = &g->sync.sems[at];
        if (!s->poisoned && s->n_posts > s->n_waits &&
            (s->shared || s->consumer == -1 || s->consumer == (int)actor)) {
            return (int)at;
        }
    }
    return -1;
}

int rt_fuzz_sync_find_fresh(fuzz_gen *g)
{
    const uint32_t n = g->config->sem_count;
    const uint32_t first = rt_fuzz_below(g, n);
    for (uint32_t i = 0; i < n; i++) {
        const fuzz_sem *s = &g->sync.sems[(first + i) % n];
        if (!s->poisoned && !s->shared && s->n_posts == 0) {
            return (int)((first + i) % n);
        }
    }
    return -1;
}

void rt_fuzz_sync_push(fuzz_sync *sync, unsigned unit)
{
    learn(&sync->knows[unit], &sync->knows[ISA_UNIT_CORE]);
}

void rt_fuzz_sync_post(fuzz_sync *sync, unsigned actor, unsigned sem)
{
    fuzz_sem *s = &sync->sems[sem];
    s->posters |= (uint8_t)(1u << actor);
    if (s->shared) {
        s->n_posts++;
        return;
    }
    s->producer = s->producer == -1 || s->producer == (int)actor ? (int)actor : -2;
    s->post[s->n_posts++] = sync->knows[actor];
}

void rt_fuzz_sync_wait(fuzz_sync *sync, unsigned actor, unsigned sem)
{
    fuzz_sem *s = &sync->sems[sem];
    fuzz_clock *mine = &sync->knows[actor];
    s->waiters |= (uint8_t)(1u << actor);
    if (s->shared) {
        s->n_waits++;
        return;
    }
    s->consumer = (int)actor;
    /* With one poster, now and for good (may_post), the k-th wait takes the k-th post. */
    if (s->producer >= 0) {
        learn(mine, &s->post[s->n_waits]);
    }
    mine->at[actor]++;
    s->wait_at[s->n_waits++] = mine->at[actor];
}

void rt_fuzz_sync_fence(fuzz_sync *sync)
{
    for (unsigned u = 0; u < ISA_N_QUEUES; u++) {
        learn(&sync->knows[ISA_UNIT_CORE], &sync->knows[u]);
    }
    for (unsigned i = 0; i < 32; i++) {
        sync->sems[i].n_fenced = sync->sems[i].n_waits;
    }
}

void rt_fuzz_sync_wild(fuzz_sync *sync, unsigned actor, bool post, uint32_t sem)
{
    if (sem < 32) {
        uint8_t *actors = post ? &sync->sems[sem].posters : &sync->sems[sem].waiters;
        *actors |= (uint8_t)(1u << actor);
    }
}

uint32_t rt_fuzz_sync_pairs(const fuzz_sync *sync)
{
    uint32_t pairs = 0;
    for (unsigned i = 0; i < 32; i++) {
        for (unsigned from = 0; from < FUZZ_N_ACTORS; from++) {
            for (unsigned to = 0; to < FUZZ_N_ACTORS; to++) {
                if ((sync->sems[i].posters >> from & 1) != 0 &&
                    (sync->sems[i].waiters >> to & 1) != 0) {
                    pairs |= UINT32_C(1) << (FUZZ_N_ACTORS * from + to);
                }
            }
        }
    }
    return pairs;
}
