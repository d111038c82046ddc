/*
 * reroll.h -- finds the loops in a flat list of commands.
 *
 * The schedulers write every command out, as if code cost nothing. Re-rolling gives back a tree: leaves are commands, inner nodes are loops whose values (payload
 * and registers that matter) are affine in the loop counters: first value + sum of step * counter, modulo 2^32.
 *
 * How: bottom up. For each period, short ones first, a run of windows of equal shape (unit, operation, registers that matter; for loops their count, body and
 * steps) whose values go on linearly becomes one loop, which from then on is one item of the list. Three windows show a line; windows that come
 * twice are joined last, if their bodies are long enough to pay for it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_REROLL_H
#define SYSTOLE_COMPILER_REROLL_H

#include "systole/base/arena.h"
#include "systole/compiler/command.h"

/* Loops nest no deeper; a list of 2^CC_MAX_LOOPS commands could. */
#define CC_MAX_LOOPS 16

/* A rule (share.h) has no more parameters. */
#define CC_MAX_PARAMETERS 16

struct cc_rule;

/* A leaf (command), a loop (items, count) or a call (rule). */
typedef struct cc_node {
    const cc_command *command; /* leaf: its unit, operation and mask; the values stand below */
    struct cc_rule *rule;      /* call */
    uint32_t count;            /* loop: iterations, at least 2; else 0 */
    uint32_t depth;            /* loop: 1 + that of its body; else 0 */
    uint32_t n_items;          /* loop: its body */
    struct cc_node **items;
    uint32_t n_values;         /* leaf: 1 + registers that matter; call: arguments; loop: the sum over its body */
    const uint32_t *values;    /* in the first iteration of all loops around it. Leaf: payload, then registers in rising order; loop: those of its body, one after the other */
    const uint8_t *added;      /* leaf, call: 1 + the parameter of the layer that is added to each value, or 0; NULL: none. Part of the shape */
    const uint32_t *steps;     /* loop: what an iteration adds to each value */
    uint64_t shape;            /* hash of all but the values; it holds the semaphore of a WAIT or POST */
    uint32_t cost;             /* estimate of its code, in words */
} cc_node;

/* A sequence of items with parameters: part of a layer, or a layer, or several layers that differ in them alone. The value of a leaf or an
 * argument in it is what its node says plus the parameters for which terms[p] is 1. */
typedef struct cc_rule {
    uint32_t n_parameters;
    const uint32_t *terms[CC_MAX_PARAMETERS]; /* like steps of a loop around the body: one for each value of the body */
    uint32_t n_items;
    cc_node **items;
    uint32_t n_values;
    uint32_t index; /* for whoever numbers rules */
    uint32_t uses;  /* places that call it */
} cc_rule;

typedef struct cc_forest {
    cc_node **items;
    size_t n;
} cc_forest;

/* The list of n commands, which must outlive it, as leaves. Errors: SY_ENOMEM. */
sy_status cc_leaves(base_arena *arena, const cc_command *commands, size_t n, cc_forest *out);

/*
 * Re-rolls a list, in place.
 * Cost: the longest period tried times n, at worst a few rounds of it; then it stops with what it has. Errors: SY_ENOMEM.
 */
sy_status cc_reroll(base_arena *arena, cc_forest *list);

/* Mixes a value into a hash. */
uint64_t cc_mix(uint64_t hash, uint64_t value);

/* The inverse, rules and all: the number of commands of a tree, and the commands (registers that do not matter are 0). */
size_t cc_forest_length(const cc_forest *forest);
void cc_forest_expand(const cc_forest *forest, cc_command *out);

#endif
