/*
 * steps.c -- the plan that the runtime follows, from a placement.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "place.h"

typedef struct builder {
    base_arena *arena;
    const isa_config *config;
    const placement *p;
    ir_graph *graph;
    cc_plan *plan;
    ir_value **values; /* of plan->tensors */
    uint32_t capacity; /* of plan->tensors */
} builder;

static lower_value *info_of(const ir_value *v) {
    return v->info;
}

/* The plan's tensor of a value that crosses between host and device. */
static sy_status tensor_index(builder *b, ir_value *v, uint32_t *index) {
    cc_plan *plan = b->plan;
    for (uint32_t i = 0; i < plan->n_tensors; i++) {
        if (b->values[i] == v) {
            *index = i;
            return SY_OK;
        }
    }
    const cc_tensor *t = info_of(v)->tensor;
    cc_plan_tensor *out = &plan->tensors[plan->n_tensors];
    *out = (cc_plan_tensor){.value = v->name, .rank = v->type.rank, .address = t->address, .rows = t->rows, .c = t->c};
    out->lanes = t->dense ? t->c : (int64_t)b->config->d;
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
    b->values[plan->n_tensors] = v;
    *index = plan->n_tensors++;
    return SY_OK;
}

static void add_index(uint32_t *list, uint32_t *n, uint32_t index) {
    for (uint32_t i = 0; i < *n; i++) {
        if (list[i] == index) {
            return;
        }
    }
    list[(*n)++] = index;
}

static void add_value(const char **list, uint32_t *n, const char *name) {
    for (uint32_t i = 0; i < *n; i++) {
        if (strcmp(list[i], name) == 0) {
            return;
        }
    }
    list[(*n)++] = name;
}

/* A device step's inputs: host values that its nodes read and no earlier device step was given. */
static sy_status device_step(builder *b, int32_t level, const char *entry, bool *given, cc_plan_step *step) {
    step->entry = entry;
    step->inputs = base_arena_alloc(b->arena, b->capacity, sizeof(uint32_t));
    step->outputs = base_arena_alloc(b->arena, b->capacity, sizeof(uint32_t));
    if (step->inputs == NULL || step->outputs == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < b->p->n_items; i++) {
        const place_item *item = &b->p->items[i];
        if (item->level != level || !item->device) {
            continue;
        }
        for (uint32_t k = 0; k < item->node->n_inputs; k++) {
            ir_value *v = ir_node_input(item->node, k);
            if (v != NULL && cc_place_is_data(v) && !info_of(v)->on_device) {
                uint32_t index;
                SY_TRY(tensor_index(b, v, &index));
                if (!given[index]) {
                    given[index] = true;
                    add_index(step->inputs, &step->n_inputs, index);
                }
            }
        }
        for (uint32_t k = 0; k < item->node->n_outputs; k++) {
            ir_value *v = ir_node_output(item->node, k);
            if (v == NULL) {
                continue;
            }
            bool wanted = false;
            for (const ir_use *u = v->first_use; u != NULL && !wanted; u = u->next) {
                wanted = u->user == NULL || u->graph != b->graph;
                for (uint32_t q = 0; q < b->p->n_items && !wanted; q++) {
                    wanted = b->p->items[q].node == u->user && !b->p->items[q].device;
                }
            }
            if (wanted) {
                uint32_t index;
                SY_TRY(tensor_index(b, v, &index));
                add_index(step->outputs, &step->n_outputs, index);
            }
        }
    }
    return SY_OK;
}

static int32_t user_level(const builder *b, const ir_node *user) {
    for (const ir_node *n = user; n != NULL; n = n->graph->owner) {
        for (uint32_t i = 0; i < b->p->n_items; i++) {
            if (b->p->items[i].node == n) {
                return b->p->items[i].level;
            }
        }
    }
    return 0;
}

/* A host step computes what later steps and the caller need of it. */
static sy_status host_step(builder *b, int32_t level, cc_plan_step *step) {
    uint32_t most = 0;
    for (uint32_t i = 0; i < b->p->n_items; i++) {
        most += b->p->items[i].node->n_outputs;
    }
    step->values = base_arena_alloc(b->arena, most + 1, sizeof(char *));
    if (step->values == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < b->p->n_items; i++) {
        const place_item *item = &b->p->items[i];
        if (item->level != level || item->device) {
            continue;
        }
        for (uint32_t k = 0; k < item->node->n_outputs; k++) {
            const ir_value *v = ir_node_output(item->node, k);
            bool wanted = false;
            for (const ir_use *u = v != NULL ? v->first_use : NULL; u != NULL && !wanted; u = u->next) {
                wanted = u->user == NULL || user_level(b, u->user) > level;
            }
            if (wanted) {
                add_value(step->values, &step->n_values, v->name);
            }
        }
    }
    return SY_OK;
}

static uint64_t div_up(uint64_t a, uint64_t b) {
    return (a + b - 1) / b;
}

static void fill_layer(const builder *b, const cc_group *g, const char *op, uint32_t step, cc_plan_layer *out) {
    const uint64_t d = b->config->d;
    *out = (cc_plan_layer){.name = g->name, .op = op, .tag = g->tag, .step = step, .macs = g->macs};
    out->array_cycles = div_up(g->macs, d * d);
    const bool dense = g->x != NULL && g->x->dense;
    uint64_t rows = (uint64_t)g->y->rows + (g->x != NULL && !dense ? (uint64_t)g->x->rows : 0);
    switch (g->kind) {
    case CC_GROUP_MATMUL: {
        const cc_matmul *m = &g->u.matmul;
        out->weight_cycles = m->w_activation ? (uint64_t)m->w->rows : m->weights.n_bytes / d;
        rows += (m->residual != NULL ? (uint64_t)m->residual->rows : 0) + (m->w_activation ? (uint64_t)m->w->rows : 0);
        out->dram_bytes = m->weights.n_bytes + m->constants.n_bytes;
        break;
    }
    case CC_GROUP_STREAM:
        rows += g->u.stream.b != NULL ? (uint64_t)g->u.stream.b->rows : 0;
        break;
    case CC_GROUP_CONCAT:
        for (uint32_t i = 0; i < g->u.concat.n_parts; i++) {
            rows += (uint64_t)g->u.concat.parts[i]->rows;
        }
        break;
    case CC_GROUP_POOL:
    case CC_GROUP_PAD:
        break;
    }
    out->dram_bytes += rows * d + (dense ? cc_tensor_bytes(g->x, (int64_t)d) : 0);
}

static sy_status fill_layers(builder *b, const uint32_t *step_of_level) {
    cc_plan *plan = b->plan;
    plan->layers = base_arena_alloc(b->arena, b->p->n_groups + 1, sizeof(cc_plan_layer));
    plan->placements = base_arena_alloc(b->arena, b->p->n_items + 1, sizeof(cc_plan_placement));
    if (plan->layers == NULL || plan->placements == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < b->p->n_groups; i++) {
        const char *op = "";
        for (uint32_t k = 0; k < b->p->n_items; k++) {
            op = b->p->items[k].lowered.group == b->p->groups[i] ? b->p->items[k].lowered.op : op;
        }
        fill_layer(b, b->p->groups[i], op, step_of_level[b->p->group_levels[i]], &plan->layers[plan->n_layers++]);
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

sy_status cc_place_plan(base_arena *arena, ir_module *module, const isa_config *config, const placement *p, const char *const *entries,
                     cc_plan *plan) {
    uint32_t values = module->main->n_inputs + 1;
    for (uint32_t i = 0; i < p->n_items; i++) {
        values += p->items[i].node->n_outputs;
    }
    *plan = (cc_plan){.model_name = module->name};
    builder b = {.arena = arena, .config = config, .p = p, .graph = module->main, .plan = plan, .capacity = values};
    plan->tensors = base_arena_alloc(arena, values, sizeof(cc_plan_tensor));
    plan->steps = base_arena_alloc(arena, (size_t)p->n_levels + 1, sizeof(cc_plan_step));
    b.values = base_arena_alloc(arena, values, sizeof(ir_value *));
    bool *given = base_arena_alloc(arena, values, sizeof(bool));
    uint32_t *step_of_level = base_arena_alloc(arena, (size_t)p->n_levels + 1, sizeof(uint32_t));
    if (plan->tensors == NULL || plan->steps == NULL || b.values == NULL || given == NULL || step_of_level == NULL) {
        return SY_ENOMEM;
    }
    for (int32_t level = 0; level < p->n_levels; level++) {
        cc_plan_step step = {.entry = NULL};
        if (level % 2 == 1) {
            if (entries[level] != NULL) {
                SY_TRY(device_step(&b, level, entries[level], given, &step));
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
