/*
 * clone.c -- copies of nodes, functions and modules.
 *
 * A graph is copied in two steps, nodes with their results first and operands after, so that the order of its nodes does
 * not matter. What a copied region captures from outside the copy stays the same value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"

#include "systole/base/hash.h"

#include <string.h>

/* ---------------------------------------------------------------- pointer maps */

static uint32_t slot_of(const ir_map *map, const void *key)
{
    uint32_t i = (uint32_t)base_hash_fnv1a(&key, sizeof key);
    while (map->keys[i & map->mask] != NULL && map->keys[i & map->mask] != key) {
        i++;
    }
    return i & map->mask;
}

sy_status ir_map_put(ir_map *map, base_arena *arena, const void *key, void *value)
{
    if (map->keys == NULL || map->n * 2 > map->mask) {
        const ir_map old = *map;
        const uint32_t n_slots = old.keys != NULL ? (old.mask + 1) * 2 : 16;
        ir_map grown = { BASE_ARENA_ARRAY(arena, const void *, n_slots),
                         BASE_ARENA_ARRAY(arena, void *, n_slots), old.n, n_slots - 1 };
        if (grown.keys == NULL || grown.values == NULL) {
            return SY_ENOMEM;
        }
        for (uint32_t i = 0; old.keys != NULL && i <= old.mask; i++) {
            if (old.keys[i] != NULL) {
                const uint32_t to = slot_of(&grown, old.keys[i]);
                grown.keys[to] = old.keys[i];
                grown.values[to] = old.values[i];
            }
        }
        *map = grown;
    }
    const uint32_t i = slot_of(map, key);
    map->n += map->keys[i] == NULL ? 1 : 0;
    map->keys[i] = key;
    map->values[i] = value;
    return SY_OK;
}

void *ir_map_get(const ir_map *map, const void *key)
{
    return map->keys != NULL ? map->values[slot_of(map, key)] : NULL;
}

/* ---------------------------------------------------------------- copying */

typedef struct copier {
    ir_module *from, *to; /* may be the same */
    bool keep_names;
    ir_map values; /* old value -> new */
} copier;

static ir_dim copy_dim(const copier *c, ir_dim d)
{
    if (d == NULL || c->from == c->to) {
        return d;
    }
    ir_module *m = c->to;
    ir_dim r = NULL;
    switch (d->kind) {
    case IR_DIM_CONST:
        return ir_dim_const(m, d->value);
    case IR_DIM_SYMBOL:
        return ir_dim_symbol(m, d->name);
    case IR_DIM_SUM:
    case IR_DIM_PRODUCT:
        r = copy_dim(c, d->args[0]);
        for (uint32_t i = 1; i < d->n_args; i++) {
            const ir_dim arg = copy_dim(c, d->args[i]);
            r = d->kind == IR_DIM_SUM ? ir_dim_add(m, r, arg) : ir_dim_mul(m, r, arg);
        }
        return r;
    case IR_DIM_FLOOR_DIV:
        return ir_dim_floor_div(m, copy_dim(c, d->args[0]), copy_dim(c, d->args[1]));
    case IR_DIM_CEIL_DIV:
        return ir_dim_ceil_div(m, copy_dim(c, d->args[0]), copy_dim(c, d->args[1]));
    }
    SY_UNREACHABLE();
}

static sy_status copy_type(const copier *c, const ir_type *t, ir_type *out)
{
    *out = *t;
    if (c->from == c->to || t->kind == IR_TYPE_UNKNOWN) {
        return SY_OK;
    }
    if (t->kind != IR_TYPE_TENSOR) {
        ir_type elem;
        SY_TRY(copy_type(c, t->elem, &elem));
        const ir_type *copy = base_arena_memdup(c->to->arena, &elem, 1, sizeof elem);
        if (copy == NULL) {
            return SY_ENOMEM;
        }
        out->elem = copy;
        return SY_OK;
    }
    ir_dim dims[IR_MAX_RANK];
    for (int32_t i = 0; i < t->rank; i++) {
        dims[i] = copy_dim(c, t->dims[i]);
    }
    SY_TRY(ir_type_tensor(c->to, t->dtype, t->has_rank ? t->rank : -1, dims, out));
    const ir_quant *q = t->quant;
    return q != NULL ? ir_type_with_quant(c->to, out, q->axis, q->n, q->scales, q->zeros, out) : SY_OK;
}

static sy_status copy_loc(const copier *c, const ir_loc *loc, ir_loc *out)
{
    *out = *loc;
    if (loc->file != NULL && c->from != c->to) {
        out->file = ir_intern(c->to, loc->file);
        return out->file != NULL ? SY_OK : SY_ENOMEM;
    }
    return SY_OK;
}

/* Everything of a value but its name and its place; enters it in the map. */
static sy_status copy_value(copier *c, const ir_value *v, ir_value *to)
{
    SY_TRY(copy_type(c, &v->type, &to->type));
    SY_TRY(copy_loc(c, &v->loc, &to->loc));
    to->layout = v->layout;
    to->feedable = v->feedable;
    if (v->elements != NULL) {
        ir_dim *elements = BASE_ARENA_ARRAY(c->to->arena, ir_dim, v->n_elements);
        if (elements == NULL) {
            return SY_ENOMEM;
        }
        for (uint32_t i = 0; i < v->n_elements; i++) {
            elements[i] = copy_dim(c, v->elements[i]);
            if (elements[i] == NULL) {
                return SY_ENOMEM;
            }
        }
        to->elements = elements;
        to->n_elements = v->n_elements;
    }
    return ir_map_put(&c->values, c->to->arena, v, to);
}

static const char *name_for(const copier *c, const ir_value *v)
{
    return c->keep_names ? v->name : ir_name_unique(c->to, v->name);
}

static ir_const *copy_const(const copier *c, ir_const *k)
{
    return c->from == c->to || k == NULL ? k : c->to->consts[k->id];
}

/* The node without operands and attributes; results in the map. */
static sy_status copy_results(copier *c, const ir_node *n, ir_graph *g, ir_node *before, ir_node **out)
{
    ir_node *copy;
    SY_TRY(ir_node_create(g, before, n->domain, n->op_name, n->name, 0, NULL, n->n_outputs, &copy));
    copy->number = n->number;
    SY_TRY(copy_loc(c, &n->loc, &copy->loc));
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        if (n->outputs[i] == NULL) {
            copy->outputs[i] = NULL;
            continue;
        }
        const char *name = name_for(c, n->outputs[i]);
        if (name == NULL) {
            return SY_ENOMEM;
        }
        SY_TRY(ir_value_rename(copy->outputs[i], name));
        SY_TRY(copy_value(c, n->outputs[i], copy->outputs[i]));
    }
    *out = copy;
    return SY_OK;
}

static ir_value *mapped(const copier *c, ir_value *v)
{
    ir_value *to = v != NULL ? ir_map_get(&c->values, v) : NULL;
    return to != NULL ? to : v;
}

static sy_status copy_graph(copier *c, const ir_graph *g, ir_graph *to);

static sy_status copy_attrs(copier *c, const ir_node *n, ir_node *copy)
{
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        const ir_attr *a = &n->attrs[i];
        ir_graph *region;
        switch (a->kind) {
        case IR_ATTR_INT:
            SY_TRY(ir_node_set_int(copy, a->name, a->u.i));
            break;
        case IR_ATTR_FLOAT:
            SY_TRY(ir_node_set_float(copy, a->name, a->u.f));
            break;
        case IR_ATTR_STRING:
            SY_TRY(ir_node_set_string(copy, a->name, a->u.s.text, a->u.s.n));
            break;
        case IR_ATTR_TENSOR:
            SY_TRY(ir_node_set_tensor(copy, a->name, copy_const(c, a->u.tensor)));
            break;
        case IR_ATTR_INTS:
            SY_TRY(ir_node_set_ints(copy, a->name, a->n, a->u.ints));
            break;
        case IR_ATTR_FLOATS:
            SY_TRY(ir_node_set_floats(copy, a->name, a->n, a->u.floats));
            break;
        case IR_ATTR_STRINGS:
            SY_TRY(ir_node_set_strings(copy, a->name, a->n, a->u.strings));
            break;
        case IR_ATTR_GRAPH:
            SY_TRY(ir_node_add_region(copy, a->name, &region));
            SY_TRY(copy_graph(c, a->u.graph, region));
            break;
        }
    }
    return SY_OK;
}

static sy_status copy_operands(copier *c, const ir_node *n, ir_node *copy, ir_value *const *inputs)
{
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        SY_TRY(ir_node_add_input(copy, inputs != NULL ? inputs[i] : mapped(c, n->inputs[i].value)));
    }
    if (n->callee != NULL) {
        copy->callee = c->from == c->to ? n->callee : ir_module_find_function(c->to, n->callee->name);
    }
    return copy_attrs(c, n, copy);
}

static sy_status copy_graph(copier *c, const ir_graph *g, ir_graph *to)
{
    ir_value *v;
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        const char *name = name_for(c, g->inputs[i]);
        if (name == NULL) {
            return SY_ENOMEM;
        }
        SY_TRY(ir_graph_add_input(to, name, NULL, &v));
        SY_TRY(copy_value(c, g->inputs[i], v));
    }
    for (uint32_t i = 0; i < g->n_consts; i++) {
        const char *name = name_for(c, g->consts[i]);
        if (name == NULL) {
            return SY_ENOMEM;
        }
        SY_TRY(ir_graph_add_const(to, name, copy_const(c, g->consts[i]->constant), &v));
        SY_TRY(copy_value(c, g->consts[i], v));
    }
    ir_node **copies = BASE_ARENA_ARRAY(c->to->arena, ir_node *, g->n_nodes);
    if (copies == NULL) {
        return SY_ENOMEM;
    }
    uint32_t i_node = 0;
    for (const ir_node *n = g->first; n != NULL; n = n->next) {
        SY_TRY(copy_results(c, n, to, NULL, &copies[i_node++]));
    }
    i_node = 0;
    for (const ir_node *n = g->first; n != NULL; n = n->next) {
        SY_TRY(copy_operands(c, n, copies[i_node++], NULL));
    }
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        SY_TRY(ir_graph_add_output(to, mapped(c, g->outputs[i]->use.value), g->outputs[i]->name));
    }
    for (uint32_t i = 0; i < g->n_states; i++) {
        const ir_state *s = &g->states[i];
        SY_TRY(ir_graph_add_state(to, mapped(c, s->input), s->output, copy_const(c, s->initial), NULL));
    }
    return SY_OK;
}

sy_status ir_node_clone(const ir_node *n, ir_graph *g, ir_node *before, ir_value *const *inputs,
                        ir_node **out)
{
    SY_ASSERT(n->graph->module == g->module);
    copier c = { .from = g->module, .to = g->module };
    ir_node *copy;
    SY_TRY(copy_results(&c, n, g, before, &copy));
    SY_TRY(copy_operands(&c, n, copy, inputs));
    *out = copy;
    return SY_OK;
}

sy_status ir_function_clone(const ir_graph *g, const char *name, base_diag *diag, ir_graph **out)
{
    copier c = { .from = g->module, .to = g->module, .keep_names = true };
    ir_graph *to;
    SY_TRY(ir_module_add_function(g->module, name, diag, &to));
    SY_TRY(copy_graph(&c, g, to));
    *out = to;
    return SY_OK;
}

static sy_status copy_consts(const ir_module *m, ir_module *to)
{
    for (uint32_t i = 0; i < m->n_consts; i++) {
        const ir_const *k = m->consts[i];
        ir_const *copy = base_arena_memdup(to->arena, k, 1, sizeof *k);
        SY_TRY(IR_RESERVE(to->arena, to->consts, to->n_consts, to->consts_capacity));
        ir_const **sources = BASE_ARENA_ARRAY(to->arena, ir_const *, k->n_sources);
        if (copy == NULL || sources == NULL) {
            return SY_ENOMEM;
        }
        for (uint32_t j = 0; j < k->n_sources; j++) {
            sources[j] = to->consts[k->sources[j]->id]; /* sources are older than what is made from them */
        }
        copy->sources = sources;
        copy->path = k->path != NULL ? ir_intern(to, k->path) : NULL;
        copy->recipe = k->recipe != NULL ? ir_intern(to, k->recipe) : NULL;
        copy->params = ir_intern(to, k->params);
        if (copy->params == NULL || (k->path != NULL && copy->path == NULL) ||
            (k->recipe != NULL && copy->recipe == NULL)) {
            return SY_ENOMEM;
        }
        to->consts[to->n_consts++] = copy;
    }
    for (size_t i = 0; i < m->intern->recipes.n; i++) {
        const ir_recipe *r = &m->intern->recipes.items[i];
        SY_TRY(ir_recipe_register(to, r->name, r->fn, r->user));
    }
    return SY_OK;
}

sy_status ir_module_clone(base_arena *arena, ir_module *m, ir_module **out)
{
    ir_module *to;
    SY_TRY(ir_module_create(arena, m->table, m->name, &to));
    for (uint32_t i = 0; i < m->n_meta; i++) {
        SY_TRY(ir_module_set_meta(to, m->meta[i].key, m->meta[i].value));
    }
    SY_TRY(copy_consts(m, to));
    for (uint32_t i = 0; i < m->n_graphs; i++) {
        ir_graph *g;
        SY_TRY(ir_module_add_function(to, m->graphs[i]->name, NULL, &g));
        if (m->graphs[i] == m->main) {
            to->main = g;
        }
    }
    for (uint32_t i = 0; i < m->n_graphs; i++) {
        copier c = { .from = m, .to = to, .keep_names = true };
        SY_TRY(copy_graph(&c, m->graphs[i], to->graphs[i]));
    }
    *out = to;
    return SY_OK;
}
