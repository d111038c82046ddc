/*
 * audit_order.c -- what is sure to be complete before what: vector clocks over queues, semaphores and FENCE.
 *
 * Orders that hold in every timing: the core executes in program order; what it pushes leaves a queue in that order; a POST
 * fires when the commands before it have ended, posts of a unit in order; FENCE succeeds when all that was pushed is done.
 *
 * A WAIT w of a counting semaphore is sure to come after a POST p if w could not be served without p.  When w is taken, at
 * least m(w) posts have fired: one for w, and one for each WAIT of the same semaphore that is sure to have been taken before w.
 * Without p there are only the posts that are after neither p nor w.  If these are fewer than m(w), p has fired.
 * With one poster and one taker this is the pairing "the k-th WAIT after the k-th POST".
 *
 * What is known of later items makes the sets smaller, so the clocks are computed in rounds until nothing is added; each
 * round is sound by itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "audit_internal.h"

#include <string.h>

#define MAX_ROUNDS 64

/* What whoever takes a post's token knows of an actor. */
static uint32_t token(const audit_item *post, unsigned actor)
{
    return actor == post->unit ? post->index + 1 : post->clock[actor];
}

static bool join(uint32_t clock[ISA_N_UNITS], const audit_item *post)
{
    bool grown = false;
    for (unsigned v = 0; v < ISA_N_UNITS; v++) {
        const uint32_t t = token(post, v);
        grown = grown || t > clock[v];
        clock[v] = t > clock[v] ? t : clock[v];
    }
    return grown;
}

/* How many of a rising list have an index below a limit. */
static uint32_t n_below(const sim_audit *a, const audit_list *list, uint32_t limit)
{
    size_t low = 0;
    size_t high = list->n;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        if (audit_of(a, list, mid)->index < limit) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return (uint32_t)low;
}

/* How many posts of a list are not known to fire after item (actor, index) is complete. They are its first. */
static uint32_t n_not_after(const sim_audit *a, const audit_list *posts, unsigned actor, uint32_t index)
{
    size_t low = 0;
    size_t high = posts->n;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        if (token(audit_of(a, posts, mid), actor) <= index) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return (uint32_t)low;
}

static uint32_t least(uint32_t x, uint32_t y)
{
    return x < y ? x : y;
}

/* Posts that could serve a WAIT without post j of an actor. after_wait[b]: n_not_after of the WAIT. */
static uint64_t n_without(const sim_audit *a, const audit_list *posts, unsigned actor, size_t j,
                          const uint32_t after_wait[ISA_N_UNITS])
{
    const uint32_t index = audit_of(a, &posts[actor], j)->index;
    uint64_t n = 0;
    for (unsigned b = 0; b < ISA_N_UNITS; b++) {
        const uint32_t n_b = b == actor ? (uint32_t)j : n_not_after(a, &posts[b], actor, index);
        n += least(n_b, after_wait[b]);
    }
    return n;
}

/* Adds to the clock of a WAIT all posts that it is sure to follow. */
static void take(const sim_audit *a, const audit_item *wait, uint32_t clock[ISA_N_UNITS])
{
    const audit_list *posts = a->posts[wait->semaphore];
    const audit_list *waits = a->waits[wait->semaphore];
    uint32_t after_wait[ISA_N_UNITS];
    for (unsigned b = 0; b < ISA_N_UNITS; b++) {
        after_wait[b] = n_not_after(a, &posts[b], wait->unit, wait->index);
    }
    for (bool grown = true; grown;) {
        uint64_t n_needed = 1;
        for (unsigned c = 0; c < ISA_N_UNITS; c++) {
            n_needed += n_below(a, &waits[c], c == wait->unit ? wait->index : clock[c]);
        }
        grown = false;
        for (unsigned p = 0; p < ISA_N_UNITS; p++) {
            size_t low = 0;
            size_t high = posts[p].n;
            while (low < high) {
                const size_t mid = (low + high) / 2;
                if (n_without(a, posts, p, mid, after_wait) < n_needed) {
                    low = mid + 1;
                } else {
                    high = mid;
                }
            }
            grown = (low > 0 && join(clock, audit_of(a, &posts[p], low - 1))) || grown;
        }
    }
}

/* One round; true if any clock has grown. */
static bool order_round(sim_audit *a)
{
    uint32_t front[ISA_N_UNITS][ISA_N_UNITS] = {{0}}; /* what each actor knows */
    uint32_t n_pushed[ISA_N_UNITS] = {0};
    bool grown = false;
    for (size_t i = 0; i < a->items.n; i++) {
        audit_item *item = &a->items.items[i];
        const unsigned u = item->unit;
        uint32_t *clock = front[u];
        for (unsigned v = 0; v < ISA_N_UNITS; v++) {
            const uint32_t of_core = front[ISA_UNIT_CORE][v];
            clock[v] = clock[v] > of_core ? clock[v] : of_core;
        }
        if (item->kind == AUDIT_WAIT) {
            take(a, item, clock);
        } else if (item->kind == AUDIT_FENCE) {
            for (unsigned v = 0; v < ISA_N_QUEUES; v++) {
                clock[v] = n_pushed[v];
            }
        }
        grown = grown || memcmp(item->clock, clock, sizeof item->clock) != 0;
        memcpy(item->clock, clock, sizeof item->clock);
        n_pushed[u]++;
        if (u == ISA_UNIT_CORE) {
            clock[u] = item->index + 1;
        }
    }
    return grown;
}

void sim_audit_order(sim_audit *a)
{
    for (unsigned round = 0; round < MAX_ROUNDS && order_round(a); round++) {
    }
}

/* ---- semaphores ---- */

/* WAITs of a semaphore that are sure to be taken before a post fires, of all takers. */
static uint64_t n_taken_before(const sim_audit *a, const audit_item *post)
{
    uint64_t n = 0;
    for (unsigned c = 0; c < ISA_N_UNITS; c++) {
        n += n_below(a, &a->waits[post->semaphore][c], token(post, c));
    }
    return n;
}

/*
 * How high a semaphore can come by posts that need at most n_taken of its WAITs before them; with one taker exact, with
 * several an upper bound (their WAITs are counted together).
 */
static uint64_t height_at(const sim_audit *a, const audit_list *posts, uint64_t n_taken)
{
    uint64_t n = 0;
    for (unsigned b = 0; b < ISA_N_UNITS; b++) {
        size_t low = 0;
        size_t high = posts[b].n;
        while (low < high) {
            const size_t mid = (low + high) / 2;
            if (n_taken_before(a, audit_of(a, &posts[b], mid)) <= n_taken) {
                low = mid + 1;
            } else {
                high = mid;
            }
        }
        n += low;
    }
    return n - n_taken;
}

static void add_sync(sim_audit *a, sim_finding_kind kind, const audit_item *item, uint32_t semaphore, uint64_t n_posts,
                     uint64_t n_waits)
{
    sim_finding *finding = sim_audit_add(a, kind);
    if (finding != NULL) {
        finding->places[0] = item != NULL ? sim_audit_place(item) : (sim_place){0};
        finding->semaphore = semaphore;
        finding->n_posts = n_posts;
        finding->n_waits = n_waits;
    }
}

static void check_height(sim_audit *a, uint32_t semaphore)
{
    const uint64_t most = isa_config_sem_max(&a->config);
    const audit_list *posts = a->posts[semaphore];
    uint64_t highest = most;
    const audit_item *worst = NULL;
    for (unsigned b = 0; b < ISA_N_UNITS; b++) {
        for (size_t j = 0; j < posts[b].n; j++) {
            const audit_item *post = audit_of(a, &posts[b], j);
            const uint64_t height = height_at(a, posts, n_taken_before(a, post));
            if (height > highest) {
                highest = height;
                worst = post;
            }
        }
    }
    if (worst != NULL) {
        add_sync(a, SIM_FINDING_OVERFLOW, worst, semaphore, highest, most);
    }
}

/* WAITs of the same semaphore that some execution serves before this one. */
static uint64_t n_rivals(const sim_audit *a, const audit_item *wait)
{
    uint64_t n = 0;
    for (unsigned c = 0; c < ISA_N_UNITS; c++) {
        const audit_list *list = &a->waits[wait->semaphore][c];
        if (c == wait->unit) {
            n += n_below(a, list, wait->index);
            continue;
        }
        size_t low = 0;
        size_t high = list->n;
        while (low < high) { /* those not known to be taken after it are its first */
            const size_t mid = (low + high) / 2;
            if (audit_of(a, list, mid)->clock[wait->unit] <= wait->index) {
                low = mid + 1;
            } else {
                high = mid;
            }
        }
        n += low;
    }
    return n;
}

/*
 * In program order.  If there are more posts before each WAIT than WAITs that may be served before it, no execution deadlocks,
 * whatever the depth of the queues: of the WAITs that hang, take the first in program order; all posts before it have fired, and
 * fewer tokens than that can have been taken.
 */
void sim_audit_semaphores(sim_audit *a, bool has_ended)
{
    uint64_t n_posts[AUDIT_SEMAPHORES] = {0};
    uint64_t n_waits[AUDIT_SEMAPHORES] = {0};
    bool told[AUDIT_SEMAPHORES] = {false}; /* the first WAIT of each semaphore: the rest follows from it */
    for (size_t i = 0; i < a->items.n; i++) {
        const audit_item *item = &a->items.items[i];
        const uint32_t s = item->semaphore;
        if (item->kind == AUDIT_POST) {
            n_posts[s]++;
        } else if (item->kind == AUDIT_WAIT) {
            n_waits[s]++;
            const uint64_t rivals = n_rivals(a, item);
            if (n_posts[s] < n_waits[s] && !told[s]) {
                told[s] = true;
                add_sync(a, SIM_FINDING_EARLY, item, s, n_posts[s], n_waits[s]);
            } else if (n_posts[s] <= rivals && !told[s]) {
                told[s] = true;
                add_sync(a, SIM_FINDING_STOLEN, item, s, n_posts[s], rivals);
            }
        }
    }
    for (uint32_t s = 0; s < a->config.sem_count; s++) {
        if (has_ended && n_posts[s] != n_waits[s]) {
            add_sync(a, SIM_FINDING_LEFT, NULL, s, n_posts[s], n_waits[s]);
        }
        check_height(a, s);
    }
}
