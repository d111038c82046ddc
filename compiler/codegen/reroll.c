/*
 * reroll.c -- see reroll.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "reroll.h"

#include <string.h>

#include "systole/base/assert.h"

enum {
    MAX_PERIOD = 600,
    COMMAND_WORDS = 8, /* with two or three SETs */
    SYNC_WORDS = 2,
    LOOP_WORDS = 5,    /* counter, branch, first values */
    TWICE_WORDS = 24   /* the least body that is joined when it comes twice */
};

/* Items looked at before it gives up: about a second. */
#define MAX_WORK UINT64_C(400000000)

typedef struct reroll {
    base_arena *arena;
    cc_node **items;
    uint64_t *shapes; /* of the items: what the scans read */
    size_t n;
    uint64_t work;
} reroll;

uint64_t cc_mix(uint64_t hash, uint64_t value) {
    hash ^= value + UINT64_C(0x9E3779B97F4A7C15) + (hash << 12) + (hash >> 4);
    hash *= UINT64_C(0xD6E8FEB86659FD93);
    return hash ^ (hash >> 32);
}

static uint32_t count_bits(uint64_t mask) {
    uint32_t n = 0;
    for (; mask != 0; mask &= mask - 1) {
        n++;
    }
    return n;
}

static sy_status make_leaf(base_arena *arena, const cc_command *command, cc_node *node) {
    *node = (cc_node){.command = command};
    node->n_values = 1 + count_bits(command->mask);
    uint32_t *values = base_arena_alloc(arena, node->n_values, sizeof *values);
    if (values == NULL) {
        return SY_ENOMEM;
    }
    uint32_t n = 0;
    values[n++] = command->payload;
    for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
        if (command->mask >> r & 1) {
            values[n++] = command->regs[r];
        }
    }
    node->values = values;
    node->shape = cc_mix(cc_mix(command->unit, command->funct7), command->mask);
    if (command->mask == 0) {
        node->shape = cc_mix(node->shape, command->payload);
    }
    node->cost = command->mask != 0 ? COMMAND_WORDS : SYNC_WORDS;
    return SY_OK;
}

/* Exactly what shape is a hash of. */
static bool same_shape(const cc_node *a, const cc_node *b) {
    if (a->shape != b->shape || a->count != b->count || a->rule != b->rule || a->n_values != b->n_values || a->n_items != b->n_items) {
        return false;
    }
    if ((a->added == NULL) != (b->added == NULL) || (a->added != NULL && memcmp(a->added, b->added, a->n_values) != 0)) {
        return false;
    }
    if (a->rule != NULL) {
        return true;
    }
    if (a->count == 0) {
        return a->command->unit == b->command->unit && a->command->funct7 == b->command->funct7 && a->command->mask == b->command->mask;
    }
    for (uint32_t i = 0; i < a->n_items; i++) {
        if (!same_shape(a->items[i], b->items[i])) {
            return false;
        }
    }
    return memcmp(a->steps, b->steps, a->n_values * sizeof *a->steps) == 0;
}

/* Whether the values of three items of equal shape lie on a line. */
static bool linear(const cc_node *a, const cc_node *b, const cc_node *c) {
    for (uint32_t i = 0; i < a->n_values; i++) {
        if (b->values[i] - a->values[i] != c->values[i] - b->values[i]) {
            return false;
        }
    }
    return same_shape(a, b) && same_shape(a, c);
}

static uint32_t max_depth(cc_node *const *items, size_t n) {
    uint32_t depth = 0;
    for (size_t i = 0; i < n; i++) {
        depth = items[i]->depth > depth ? items[i]->depth : depth;
    }
    return depth;
}

static uint32_t body_cost(cc_node *const *items, size_t n) {
    uint64_t cost = 0;
    for (size_t i = 0; i < n; i++) {
        cost += items[i]->cost;
    }
    return cost > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)cost;
}

/* A loop over `count` windows of `period` items, from items[0] on. */
static cc_node *make_loop(base_arena *arena, cc_node *const *items, size_t period, size_t count) {
    cc_node *loop = BASE_ARENA_NEW(arena, cc_node);
    cc_node **body = base_arena_memdup(arena, items, period, sizeof *body);
    if (loop == NULL || body == NULL) {
        return NULL;
    }
    *loop = (cc_node){.count = (uint32_t)count, .n_items = (uint32_t)period, .items = body};
    loop->shape = cc_mix(count, period);
    loop->depth = 1 + max_depth(items, period);
    loop->cost = LOOP_WORDS + body_cost(items, period);
    for (size_t i = 0; i < period; i++) {
        loop->n_values += items[i]->n_values;
        loop->shape = cc_mix(loop->shape, items[i]->shape);
    }
    uint32_t *values = base_arena_alloc(arena, loop->n_values, sizeof *values);
    uint32_t *steps = base_arena_alloc(arena, loop->n_values, sizeof *steps);
    if (values == NULL || steps == NULL) {
        return NULL;
    }
    size_t at = 0;
    for (size_t i = 0; i < period; i++) {
        for (uint32_t k = 0; k < items[i]->n_values; k++, at++) {
            values[at] = items[i]->values[k];
            steps[at] = items[period + i]->values[k] - values[at];
            loop->shape = cc_mix(loop->shape, steps[at]);
        }
    }
    loop->values = values;
    loop->steps = steps;
    return loop;
}

/* Whether a loop is worth its own instructions. */
static bool pays(cc_node *const *items, size_t period, size_t count) {
    if (max_depth(items, period) >= CC_MAX_LOOPS || count > UINT32_MAX) {
        return false;
    }
    const uint32_t cost = body_cost(items, period);
    if (count == 2) {
        return cost >= TWICE_WORDS;
    }
    return (uint64_t)cost * (count - 1) > 2 * LOOP_WORDS;
}

/*
 * Length of the longest run of items from i on that match: the item, the one a period later and (three) the one two periods later are of one shape
 * and on one line. At most `limit`.
 */
static size_t run_length(const reroll *r, size_t i, size_t period, bool three, size_t limit) {
    size_t length = 0;
    const size_t reach = three ? 2 * period : period;
    for (; i + reach < r->n && length < limit; i++, length++) {
        if (r->shapes[i] != r->shapes[i + period]) {
            break;
        }
        if (!three) {
            if (!same_shape(r->items[i], r->items[i + period])) {
                break;
            }
        } else if (r->shapes[i] != r->shapes[i + reach] || !linear(r->items[i], r->items[i + period], r->items[i + reach])) {
            break;
        }
    }
    return length;
}

/* Rolls all loops of one period; *changed tells whether there was one. */
static sy_status roll_period(reroll *r, size_t period, bool three, bool *changed) {
    const size_t reach = three ? 2 * period : period;
    size_t out = 0; /* items written back, in place */
    size_t i = 0;
    *changed = false;
    while (i < r->n) {
        size_t length = 0;
        if (i + reach < r->n && r->shapes[i] == r->shapes[i + period]) {
            length = run_length(r, i, period, three, three ? r->n : period);
        }
        r->work += length + 1;
        const size_t count = length / period + (three ? 2 : 1);
        size_t take = length + 1; /* no loop: go on behind the item that did not match */
        cc_node *loop = NULL;
        if (length >= period && pays(&r->items[i], period, count)) {
            loop = make_loop(r->arena, &r->items[i], period, count);
            if (loop == NULL) {
                return SY_ENOMEM;
            }
            take = period * count;
            *changed = true;
        } else if (length >= period && !three) {
            take = 1;
        }
        if (loop != NULL) {
            r->items[out] = loop;
            r->shapes[out++] = loop->shape;
            i += take;
        } else {
            for (; take > 0 && i < r->n; take--, i++) {
                r->items[out] = r->items[i];
                r->shapes[out++] = r->shapes[i];
            }
        }
    }
    r->n = out;
    return SY_OK;
}

static sy_status roll(reroll *r) {
    for (bool three = true;; three = false) {
        for (size_t period = 1; period <= MAX_PERIOD && period * (three ? 3 : 2) <= r->n && r->work < MAX_WORK; period++) {
            bool changed = false;
            SY_TRY(roll_period(r, period, three, &changed));
            if (changed) {
                three = true; /* new items may repeat with a short period */
                period = 0;
            }
        }
        if (!three) {
            return SY_OK;
        }
    }
}

sy_status cc_leaves(base_arena *arena, const cc_command *commands, size_t n, cc_forest *out) {
    cc_forest list = {.n = n};
    list.items = base_arena_alloc(arena, n, sizeof *list.items);
    cc_node *leaves = base_arena_alloc(arena, n, sizeof *leaves);
    if (list.items == NULL || leaves == NULL) {
        return SY_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        SY_TRY(make_leaf(arena, &commands[i], &leaves[i]));
        list.items[i] = &leaves[i];
    }
    *out = list;
    return SY_OK;
}

sy_status cc_reroll(base_arena *arena, cc_forest *list) {
    reroll r = {.arena = arena, .n = list->n, .items = list->items};
    r.shapes = base_arena_alloc(arena, list->n, sizeof *r.shapes);
    if (r.shapes == NULL) {
        return SY_ENOMEM;
    }
    for (size_t i = 0; i < list->n; i++) {
        r.shapes[i] = list->items[i]->shape;
    }
    SY_TRY(roll(&r));
    list->n = r.n;
    return SY_OK;
}

static size_t node_length(const cc_node *node) {
    if (node->count == 0 && node->rule == NULL) {
        return 1;
    }
    size_t n = 0;
    const uint32_t n_items = node->rule != NULL ? node->rule->n_items : node->n_items;
    for (uint32_t i = 0; i < n_items; i++) {
        n += node_length(node->rule != NULL ? node->rule->items[i] : node->items[i]);
    }
    return node->rule != NULL ? n : n * node->count;
}

size_t cc_forest_length(const cc_forest *forest) {
    size_t n = 0;
    for (size_t i = 0; i < forest->n; i++) {
        n += node_length(forest->items[i]);
    }
    return n;
}

/* What is added to the values under a node: a loop's steps times its counter, or a rule's terms times an argument; from the node's first value on. */
typedef struct term {
    const uint32_t *steps;
    uint32_t factor;
} term;

enum { MAX_TERMS = CC_MAX_LOOPS + CC_MAX_PARAMETERS };

static uint32_t sum(const cc_node *node, uint32_t at, const term *terms, size_t n_terms) {
    uint32_t value = node->values[at];
    for (size_t k = 0; k < n_terms; k++) {
        value += terms[k].steps[at] * terms[k].factor;
    }
    return value;
}

static size_t expand_node(const cc_node *node, const term *terms, size_t n_terms, cc_command *out);

static size_t expand_list(cc_node *const *items, size_t n_items, const term *around, size_t n_terms, cc_command *out) {
    term inside[MAX_TERMS];
    size_t n = 0;
    SY_ASSERT(n_terms <= MAX_TERMS);
    for (size_t k = 0; k < n_terms; k++) {
        inside[k] = around[k];
    }
    for (size_t i = 0; i < n_items; i++) {
        n += expand_node(items[i], inside, n_terms, out + n);
        for (size_t k = 0; k < n_terms; k++) {
            inside[k].steps += items[i]->n_values;
        }
    }
    return n;
}

static size_t expand_node(const cc_node *node, const term *terms, size_t n_terms, cc_command *out) {
    term inside[MAX_TERMS];
    if (node->rule != NULL) {
        for (uint32_t p = 0; p < node->rule->n_parameters; p++) {
            inside[p] = (term){.steps = node->rule->terms[p], .factor = sum(node, p, terms, n_terms)};
        }
        return expand_list(node->rule->items, node->rule->n_items, inside, node->rule->n_parameters, out);
    }
    if (node->count == 0) {
        uint32_t at = 0;
        memset(out, 0, sizeof *out);
        out->unit = node->command->unit;
        out->funct7 = node->command->funct7;
        out->layer = node->command->layer;
        out->mask = node->command->mask;
        out->payload = sum(node, at++, terms, n_terms);
        for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
            out->regs[r] = out->mask >> r & 1 ? sum(node, at++, terms, n_terms) : 0;
        }
        return 1;
    }
    SY_ASSERT(n_terms < MAX_TERMS);
    size_t n = 0;
    for (uint32_t i = 0; i < node->count; i++) {
        for (size_t k = 0; k < n_terms; k++) {
            inside[k] = terms[k];
        }
        inside[n_terms] = (term){.steps = node->steps, .factor = i};
        n += expand_list(node->items, node->n_items, inside, n_terms + 1, out + n);
    }
    return n;
}

void cc_forest_expand(const cc_forest *forest, cc_command *out) {
    for (size_t i = 0; i < forest->n; i++) {
        out += expand_node(forest->items[i], NULL, 0, out);
    }
}
