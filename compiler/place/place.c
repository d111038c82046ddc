/*
 * place.c -- see place.h: which operator runs where, and in which step.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "place.h"

#include <string.h>

#include "schedule.h"
#include "systole/graph/import.h"
#include "systole/graph/optable.h"

/* A group whose smallest tile does not fit this configuration stays on the host: the scheduler
 * itself is asked. */
static sy_status try_schedule(base_arena *scratch, const isa_config *config, const cc_group *group,
                              base_diag *diag)
{
    cc_program program = {.name = "trial"};
    const sy_status status = sched_group(scratch, config, group, &program, diag);
    base_arena_reset(scratch);
    return status;
}

static int32_t level_of(const ir_value *v)
{
    const lower_value *info = v->info;
    return info != NULL ? info->level : 0;
}

static bool made_on_device(const ir_value *v)
{
    const lower_value *info = v->info;
    return info != NULL && info->on_device;
}

bool cc_place_is_data(const ir_value *v)
{
    const lower_value *info = v->info;
    return info != NULL && info->tensor != NULL;
}

/* The earliest level of a side for operands made at their levels. */
static void raise_level(const ir_value *v, bool device, int32_t *level)
{
    int32_t least = level_of(v);
    if (made_on_device(v) != device) {
        least++;
    }
    *level = least > *level ? least : *level;
}

static sy_status set_level(base_arena *arena, const place_item *item)
{
    ir_node *n = item->node;
    int32_t level = item->device ? 1 : 0;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        ir_value *v = ir_node_input(n, i);
        if (v != NULL && v->kind != IR_VALUE_CONST && (!item->device || cc_place_is_data(v))) {
            raise_level(v, item->device, &level);
        }
    }
    for (uint32_t a = 0; a < n->n_attrs; a++) {
        if (n->attrs[a].kind == IR_ATTR_GRAPH) {
            ir_value **captured;
            uint32_t n_captured;
            SY_TRY(ir_region_captures(n->attrs[a].u.graph, arena, &captured, &n_captured));
            for (uint32_t i = 0; i < n_captured; i++) {
                if (captured[i]->kind != IR_VALUE_CONST) {
                    raise_level(captured[i], item->device, &level);
                }
            }
        }
    }
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        ir_value *v = ir_node_output(n, i);
        if (v == NULL) {
            continue;
        }
        if (v->info == NULL) {
            v->info = base_arena_alloc(arena, 1, sizeof(lower_value));
            if (v->info == NULL) {
                return SY_ENOMEM;
            }
        }
        lower_value *info = v->info;
        info->level = level;
        info->on_device = item->device;
    }
    return SY_OK;
}

/* A reason as it stands beside the node in a table: without "'NAME': ". */
static const char *without_name(const char *reason, const char *name)
{
    const size_t n = strlen(name);
    return reason[0] == '\'' && strncmp(reason + 1, name, n) == 0 &&
                   strncmp(reason + 1 + n, "': ", 3) == 0
               ? reason + n + 4
               : reason;
}

static sy_status place_node(base_arena *arena, base_arena *scratch, lower *l, place_item *item)
{
    base_diag reason = {.message = ""};
    l->diag = &reason;
    sy_status status = cc_lower_node(l, item->node, &item->lowered);
    if (status == SY_OK && item->lowered.group != NULL) {
        status = try_schedule(scratch, l->config, item->lowered.group, &reason);
        if (status != SY_OK) {
            cc_lower_undo(item->node);
        }
    }
    if (status == SY_ENOMEM) {
        return status;
    }
    item->device = status == SY_OK;
    if (!item->device) {
        const char *note = ir_import_note(l->module, item->node->number);
        item->lowered = (lower_result){.op = item->node->op_name, .unit = "cpu"};
        item->reason = base_arena_strdup(
            arena,
            note != NULL ? note : without_name(base_diag_message(&reason), item->node->name));
        if (item->reason == NULL) {
            return SY_ENOMEM;
        }
    }
    SY_TRY(set_level(arena, item));
    const ir_value *y = item->node->n_outputs > 0 ? ir_node_output(item->node, 0) : NULL;
    item->level = y != NULL ? level_of(y) : 0;
    return SY_OK;
}

/* Marks the tensors that cross between host and device: they keep their place in DRAM. */
static void mark_host_tensors(const placement *p, ir_graph *g)
{
    for (uint32_t i = 0; i < p->n_items; i++) {
        const place_item *item = &p->items[i];
        for (uint32_t k = 0; k < item->node->n_inputs; k++) {
            ir_value *v = ir_node_input(item->node, k);
            lower_value *info = v != NULL ? v->info : NULL;
            if (info != NULL && info->tensor != NULL && info->on_device != item->device) {
                info->tensor->host = true;
            }
        }
    }
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        lower_value *info = g->outputs[i]->use.value->info;
        if (info != NULL && info->tensor != NULL && info->on_device) {
            info->tensor->host = true;
        }
    }
}

/* Device values that host regions capture. */
static sy_status mark_captures(base_arena *arena, const placement *p)
{
    for (uint32_t i = 0; i < p->n_items; i++) {
        const ir_node *n = p->items[i].node;
        for (uint32_t a = 0; a < n->n_attrs && !p->items[i].device; a++) {
            if (n->attrs[a].kind != IR_ATTR_GRAPH) {
                continue;
            }
            ir_value **captured;
            uint32_t n_captured;
            SY_TRY(ir_region_captures(n->attrs[a].u.graph, arena, &captured, &n_captured));
            for (uint32_t k = 0; k < n_captured; k++) {
                lower_value *info = captured[k]->info;
                if (info != NULL && info->tensor != NULL && info->on_device) {
                    info->tensor->host = true;
                }
            }
        }
    }
    return SY_OK;
}

static sy_status collect_groups(base_arena *arena, placement *p)
{
    p->groups = base_arena_alloc(arena, p->n_items + 1, sizeof(cc_group *));
    p->group_levels = base_arena_alloc(arena, p->n_items + 1, sizeof(int32_t));
    if (p->groups == NULL || p->group_levels == NULL) {
        return SY_ENOMEM;
    }
    for (int32_t level = 0; level < p->n_levels; level++) {
        for (uint32_t i = 0; i < p->n_items; i++) {
            if (p->items[i].level == level && p->items[i].lowered.group != NULL) {
                p->group_levels[p->n_groups] = level;
                p->groups[p->n_groups++] = p->items[i].lowered.group;
            }
        }
    }
    return SY_OK;
}

static void clear_info(ir_graph *g)
{
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        g->inputs[i]->info = NULL;
    }
    for (uint32_t i = 0; i < g->n_consts; i++) {
        g->consts[i]->info = NULL;
    }
    for (ir_node *n = g->first; n != NULL; n = n->next) {
        for (uint32_t i = 0; i < n->n_outputs; i++) {
            if (ir_node_output(n, i) != NULL) {
                ir_node_output(n, i)->info = NULL;
            }
        }
    }
}

sy_status cc_place_graph(base_arena *arena, ir_module *module, const isa_config *config,
                         placement *out, base_diag *diag)
{
    ir_graph *g = module->main;
    placement p = {.n_items = 0};
    lower l = {.arena = arena, .module = module, .config = config, .d = config->d};
    l.element_bytes = isa_config_spm_row_bytes(config) / config->d;
    l.dtype = config->element == ISA_ELEMENT_BF16 ? SY_DT_BF16 : SY_DT_I8;
    base_arena *scratch = base_arena_create();
    p.items = base_arena_alloc(arena, 2 * (size_t)g->n_nodes + 1,
                               sizeof(place_item)); /* a fused operator is two at most */
    if (scratch == NULL || p.items == NULL) {
        base_arena_destroy(scratch);
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    clear_info(g);
    sy_status status = SY_OK;
    ir_node *next;
    for (ir_node *n = g->first; n != NULL && status == SY_OK; n = next) {
        place_item *item = &p.items[p.n_items];
        *item = (place_item){.node = n};
        status = place_node(arena, scratch, &l, item);
        next = n->next;
        if (status == SY_OK && !item->device && ir_node_is(n, IR_OP_FUSED)) {
            next = ir_node_region(n, "body")->first; /* perhaps one of the two fits */
            status = ir_unfuse(n, diag);
            continue;
        }
        p.n_items++;
        p.n_levels = item->level + 1 > p.n_levels ? item->level + 1 : p.n_levels;
    }
    base_arena_destroy(scratch);
    SY_TRY(status);
    mark_host_tensors(&p, g);
    SY_TRY(mark_captures(arena, &p));
    SY_TRY(collect_groups(arena, &p));
    *out = p;
    return SY_OK;
}
