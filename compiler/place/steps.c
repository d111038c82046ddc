/*
 * steps.c -- the plan that the runtime follows, from a placement.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "place.h"

#define NO_TENSOR UINT32_MAX /* mark of a value that has no tensor in the plan yet */

typedef struct builder {
    base_arena *arena;
    const isa_config *config;
    const placement *p; /* items are the marks of their nodes */
    ir_graph *graph;
    cc_plan *plan;      /* tensors are the marks of their values */
    uint32_t *by_level; /* items by level, then in graph order */
    uint32_t *first_of; /* [n_levels + 1]: where a level begins in by_level */
    bool *given;        /* by tensor: some device step has it as input */
} builder;

static lower_value *info_of(const ir_value *v)
{
    return v->info;
}

/* The plan's tensor of a value that crosses between host and device. */
static uint32_t tensor_index(builder *b, ir_value *v)
{
    if (v->mark != NO_TENSOR) {
        return v->mark;
    }
    cc_plan *plan = b->plan;
    const cc_tensor *t = info_of(v)->tensor;
    cc_plan_tensor *out = &plan->tensors[plan->n_tensors];
    *out = (cc_plan_tensor){
        .value = v->name, .rank = v->type.rank, .address = t->address, .rows = t->rows, .c = t->c};
    out->lanes = t->dense ? t->c : (int64_t)b->config->d;
    out->element_bytes = (int64_t)(isa_config_spm_row_bytes(b->config) / b->config->d);
    ir_type_static_dims(&v->type, out->dims);
    if (t->folded) {
        out->n = t->w;
        out->p = 1;
        out->n_stride = 1;
        out->block_stride = t->w;
    } else {
        out->n = t->n;
        out->p = t->h * t->w;
        out->n_stride = (t->dense ? 1 : t->blocks) * out->p;
        out->block_stride = out->p;
    }
    v->mark = plan->n_tensors++;
    return v->mark;
}

/* The item that a user of a value belongs to: its own, or that of the node whose region it stands
 * in. */
static const place_item *item_of(const builder *b, const ir_node *user)
{
    while (user->graph != b->graph) {
        user = user->graph->owner;
    }
    return &b->p->items[user->mark];
}

/* True if the caller, a region's result or a node on the host uses a value. */
static bool host_wants(const builder *b, const ir_value *v)
{
    for (const ir_use *u = v->first_use; u != NULL; u = u->next) {
        if (u->user == NULL || u->graph != b->graph || !item_of(b, u->user)->device) {
            return true;
        }
    }
    return false;
}

/* A device step's inputs: host values that its nodes read and no earlier device step was given. */
static sy_status device_step(builder *b, int32_t level, const char *entry, cc_plan_step *step)
{
    const uint32_t from = b->first_of[level], to = b->first_of[level + 1];
    uint32_t most_inputs = 0, most_outputs = 0;
    for (uint32_t i = from; i < to; i++) {
        const ir_node *n = b->p->items[b->by_level[i]].node;
        most_inputs += n->n_inputs;
        most_outputs += n->n_outputs;
    }
    step->entry = entry;
    step->inputs = base_arena_alloc(b->arena, most_inputs, sizeof(uint32_t));
    step->outputs = base_arena_alloc(b->arena, most_outputs, sizeof(uint32_t));
    if (step->inputs == NULL || step->outputs == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = from; i < to; i++) {
        const ir_node *n = b->p->items[b->by_level[i]].node;
        for (uint32_t k = 0; k < n->n_inputs; k++) {
            ir_value *v = ir_node_input(n, k);
            if (v != NULL && cc_place_is_data(v) && !info_of(v)->on_device) {
                const uint32_t index = tensor_index(b, v);
                if (!b->given[index]) {
                    b->given[index] = true;
                    step->inputs[step->n_inputs++] = index;
                }
            }
        }
        for (uint32_t k = 0; k < n->n_outputs; k++) {
            ir_value *v = ir_node_output(n, k);
            if (v != NULL && host_wants(b, v)) {
                step->outputs[step->n_outputs++] = tensor_index(b, v);
            }
        }
    }
    return SY_OK;
}

/* True if the caller or a later step uses a value. */
static bool wanted_after(const builder *b, const ir_value *v, int32_t level)
{
    for (const ir_use *u = v->first_use; u != NULL; u = u->next) {
        const ir_node *user = u->user != NULL
                                  ? u->user
                                  : u->graph->owner; /* a region's result: the region's node */
        if (user == NULL || item_of(b, user)->level > level) {
            return true;
        }
    }
    return false;
}

/* A host step computes what later steps and the caller need of it. */
static sy_status host_step(builder *b, int32_t level, cc_plan_step *step)
{
    const uint32_t from = b->first_of[level], to = b->first_of[level + 1];
    uint32_t most = 0;
    for (uint32_t i = from; i < to; i++) {
        most += b->p->items[b->by_level[i]].node->n_outputs;
    }
    step->values = base_arena_alloc(b->arena, most, sizeof(char *));
    if (step->values == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = from; i < to; i++) {
        const ir_node *n = b->p->items[b->by_level[i]].node;
        for (uint32_t k = 0; k < n->n_outputs; k++) {
            const ir_value *v = ir_node_output(n, k);
            if (v != NULL && wanted_after(b, v, level)) {
                step->values[step->n_values++] = v->name;
            }
        }
    }
    return SY_OK;
}

static uint64_t div_up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

static void fill_layer(const builder *b, const cc_group *g, const char *op, uint32_t step,
                       cc_plan_layer *out)
{
    const uint64_t d = b->config->d;
    const uint64_t row_bytes = isa_config_spm_row_bytes(b->config);
    *out = (cc_plan_layer){.name = g->name, .op = op, .tag = g->tag, .step = step, .macs = g->macs};
    out->array_cycles = div_up(g->macs, d * d);
    const bool dense = g->x != NULL && g->x->dense;
    uint64_t rows = (uint64_t)g->y->rows + (g->x != NULL && !dense ? (uint64_t)g->x->rows : 0);
    switch (g->kind) {
    case CC_GROUP_MATMUL: {
        const cc_matmul *m = &g->u.matmul;
        out->weight_cycles = m->w_activation ? (uint64_t)m->w->rows : m->weights.n_bytes / row_bytes;
        rows += (m->residual != NULL ? (uint64_t)m->residual->rows : 0) +
                (m->w_activation ? (uint64_t)m->w->rows : 0);
        out->dram_bytes = m->weights.n_bytes + m->constants.n_bytes;
        break;
    }
    case CC_GROUP_STREAM:
        rows += g->u.stream.b != NULL ? (uint64_t)g->u.stream.b->rows : 0;
        out->dram_bytes = g->u.stream.table.n_bytes;
        break;
    case CC_GROUP_CONCAT:
        for (uint32_t i = 0; i < g->u.concat.n_parts; i++) {
            rows += (uint64_t)g->u.concat.parts[i]->rows;
        }
        break;
    case CC_GROUP_DEPTHWISE: /* the window's rows, one each cycle, are its roofline */
        out->array_cycles = div_up(g->macs, d * (uint64_t)g->u.depthwise.window.kw);
        out->dram_bytes = g->u.depthwise.constants.n_bytes;
        break;
    case CC_GROUP_NORM:
        out->array_cycles = 3 * (uint64_t)g->x->rows;
        out->dram_bytes = g->u.norm.constants.n_bytes;
        break;
    case CC_GROUP_ATTENTION:
        rows += (uint64_t)g->u.attention.k->rows + (uint64_t)g->u.attention.v->rows;
        rows += g->u.attention.mask != NULL ? (uint64_t)g->u.attention.mask->rows : 0;
        break;
    case CC_GROUP_POOL:
    case CC_GROUP_PAD:
        break;
    }
    out->dram_bytes += rows * row_bytes + (dense ? cc_tensor_bytes(g->x, b->config) : 0);
}

static sy_status fill_layers(builder *b, const uint32_t *step_of_level)
{
    cc_plan *plan = b->plan;
    plan->layers = base_arena_alloc(b->arena, b->p->n_groups + 1, sizeof(cc_plan_layer));
    plan->placements = base_arena_alloc(b->arena, b->p->n_items + 1, sizeof(cc_plan_placement));
    if (plan->layers == NULL || plan->placements == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < b->p->n_items; i++) {
        const place_item *item = &b->p->items[b->by_level[i]];
        if (item->lowered.group != NULL) {
            fill_layer(b, item->lowered.group, item->lowered.op, step_of_level[item->level],
                       &plan->layers[plan->n_layers++]);
        }
    }
    for (uint32_t i = 0; i < b->p->n_items; i++) {
        const place_item *item = &b->p->items[i];
        const ir_value *y = item->node->n_outputs > 0 ? ir_node_output(item->node, 0) : NULL;
        plan->placements[plan->n_placements++] = (cc_plan_placement){
            .node = item->node->name[0] != '\0' || y == NULL ? item->node->name : y->name,
            .op = item->lowered.op,
            .unit = item->lowered.unit,
            .reason = item->reason != NULL ? item->reason : "",
            .macs = item->lowered.group != NULL ? item->lowered.group->macs : 0};
    }
    return SY_OK;
}

/* Marks nodes and values, sorts the items by level. */
static sy_status prepare(builder *b)
{
    const placement *p = b->p;
    b->by_level = base_arena_alloc(b->arena, p->n_items, sizeof(uint32_t));
    b->first_of = base_arena_alloc(b->arena, (size_t)p->n_levels + 2, sizeof(uint32_t));
    if (b->by_level == NULL || b->first_of == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < b->graph->n_inputs; i++) {
        b->graph->inputs[i]->mark = NO_TENSOR;
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        ir_node *n = p->items[i].node;
        n->mark = i;
        for (uint32_t k = 0; k < n->n_outputs; k++) {
            if (ir_node_output(n, k) != NULL) {
                ir_node_output(n, k)->mark = NO_TENSOR;
            }
        }
        b->first_of[p->items[i].level +
                    2]++; /* a level's end, until the next loop has put its items */
    }
    for (int32_t level = 2; level <= p->n_levels; level++) {
        b->first_of[level] += b->first_of[level - 1];
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        b->by_level[b->first_of[p->items[i].level + 1]++] = i;
    }
    return SY_OK;
}

sy_status cc_place_plan(base_arena *arena, ir_module *module, const isa_config *config,
                        const placement *p, const char *const *entries, cc_plan *plan)
{
    uint32_t values = module->main->n_inputs;
    for (uint32_t i = 0; i < p->n_items; i++) {
        values += p->items[i].node->n_outputs;
    }
    *plan = (cc_plan){.model_name = module->name};
    builder b = {.arena = arena, .config = config, .p = p, .graph = module->main, .plan = plan};
    plan->tensors = base_arena_alloc(arena, values, sizeof(cc_plan_tensor));
    plan->steps = base_arena_alloc(arena, (size_t)p->n_levels, sizeof(cc_plan_step));
    b.given = base_arena_alloc(arena, values, sizeof(bool));
    uint32_t *step_of_level = base_arena_alloc(arena, (size_t)p->n_levels, sizeof(uint32_t));
    if (plan->tensors == NULL || plan->steps == NULL || b.given == NULL || step_of_level == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(prepare(&b));
    for (int32_t level = 0; level < p->n_levels; level++) {
        cc_plan_step step = {.entry = NULL};
        if (level % 2 == 1) {
            if (entries[level] != NULL) {
                SY_TRY(device_step(&b, level, entries[level], &step));
            }
        } else {
            SY_TRY(host_step(&b, level, &step));
        }
        step_of_level[level] = plan->n_steps;
        if (step.entry != NULL || step.n_values > 0) {
            plan->steps[plan->n_steps++] = step;
        }
    }
    return fill_layers(&b, step_of_level);
}
