/*
 * place.h -- which operator runs where, in which step, and where device tensors lie.
 *
 * Host and device take turns: a node's level is the number of the step that runs it, even for the
 * host, odd for the device; a node runs in the earliest level of its side that is not before its
 * operands' levels.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_PLACE_H
#define SYSTOLE_COMPILER_PLACE_H

#include "lower.h"
#include "systole/compiler/plan.h"

typedef struct place_item {
    ir_node *node;
    lower_result lowered; /* group NULL and not a view: host */
    bool device;
    int32_t level;
    const char *reason; /* host: why */
} place_item;

typedef struct placement {
    place_item *items; /* one per node of the main graph, in its order */
    uint32_t n_items;
    int32_t n_levels;
    cc_group **groups; /* by level, then in graph order */
    int32_t *group_levels;
    uint32_t n_groups;
} placement;

/*
 * Places every node of module->main. Values' info points to lower_value afterwards.
 * Errors: SY_ENOMEM; SY_ESHAPE.
 */
sy_status cc_place_graph(base_arena *arena, ir_module *module, const isa_config *config,
                         placement *out, base_diag *diag);

/* True if a device node's operand is a device tensor: not the shape of a Reshape, say, which only
 * the host needs. */
bool cc_place_is_data(const ir_value *v);

/*
 * Gives addresses to all blobs and tensors: constants first, then tensors that the host touches,
 * then the others, which share memory over their lifetimes. constants: [address, n_bytes) of the
 * block that holds all blobs. Errors: SY_ERANGE with sizes if DRAM is too small.
 */
sy_status cc_place_memory(base_arena *arena, const isa_config *config, const placement *p,
                          uint64_t *constants_address, uint64_t *constants_bytes, base_diag *diag);

/* Fills tensors, steps, layers and placements of the plan. entries[level] names the entry point of
 * a device level. */
sy_status cc_place_plan(base_arena *arena, ir_module *module, const isa_config *config,
                        const placement *p, const char *const *entries, cc_plan *plan);

#endif
