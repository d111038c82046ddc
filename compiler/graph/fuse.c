/*
 * fuse.c -- captures, and moving nodes into and out of fused operators.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"

#include <string.h>

typedef struct value_set {
    BASE_VEC(ir_value *) list; /* in order of first insertion */
    ir_map seen;
} value_set;

static sy_status set_add(value_set *s, base_arena *arena, ir_value *v)
{
    if (ir_map_get(&s->seen, v) != NULL) {
        return SY_OK;
    }
    SY_TRY(ir_map_put(&s->seen, arena, v, v));
    return base_vec_push(arena, &s->list, v) ? SY_OK : SY_ENOMEM;
}

/* What g and its regions use from outside `region`. */
static sy_status collect(const ir_graph *g, const ir_graph *region, base_arena *arena, value_set *out)
{
    for (const ir_node *n = g->first; n != NULL; n = n->next) {
        for (uint32_t i = 0; i < n->n_inputs; i++) {
            ir_value *v = n->inputs[i].value;
            if (v != NULL && !ir_graph_inside(v->graph, region)) {
                SY_TRY(set_add(out, arena, v));
            }
        }
        for (uint32_t i = 0; i < n->n_attrs; i++) {
            if (n->attrs[i].kind == IR_ATTR_GRAPH) {
                SY_TRY(collect(n->attrs[i].u.graph, region, arena, out));
            }
        }
    }
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        ir_value *v = g->outputs[i]->use.value;
        if (!ir_graph_inside(v->graph, region)) {
            SY_TRY(set_add(out, arena, v));
        }
    }
    return SY_OK;
}

sy_status ir_region_captures(const ir_graph *g, base_arena *arena, ir_value ***out, uint32_t *n_out)
{
    value_set s = { 0 };
    SY_TRY(collect(g, g, arena, &s));
    *out = s.list.items;
    *n_out = (uint32_t)s.list.n;
    return SY_OK;
}

/* ---------------------------------------------------------------- fusing */

typedef struct fusion {
    ir_graph *g;
    ir_node *const *nodes;
    uint32_t n_nodes;
    ir_map members;
    value_set inputs;
    value_set results;
} fusion;

static sy_status add_input(fusion *f, ir_value *v)
{
    const bool outside = v->producer == NULL || ir_map_get(&f->members, v->producer) == NULL;
    return v->kind != IR_VALUE_CONST && outside ? set_add(&f->inputs, f->g->module->arena, v) : SY_OK;
}

static sy_status find_inputs(fusion *f, const ir_node *n)
{
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        if (n->inputs[i].value != NULL) {
            SY_TRY(add_input(f, n->inputs[i].value));
        }
    }
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        if (n->attrs[i].kind != IR_ATTR_GRAPH) {
            continue;
        }
        ir_value **captured;
        uint32_t n_captured;
        SY_TRY(ir_region_captures(n->attrs[i].u.graph, f->g->module->arena, &captured, &n_captured));
        for (uint32_t j = 0; j < n_captured; j++) {
            SY_TRY(add_input(f, captured[j]));
        }
    }
    return SY_OK;
}

static sy_status find_results(fusion *f, const ir_node *n, base_diag *diag)
{
    const ir_node *last = f->nodes[f->n_nodes - 1];
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        ir_value *v = n->outputs[i];
        for (const ir_use *u = v != NULL ? v->first_use : NULL; u != NULL; u = u->next) {
            const ir_node *user = ir_node_ancestor_in(u->user != NULL ? u->user : u->graph->owner, f->g);
            if (u->user == NULL && u->graph == f->g) {
                user = NULL;
            }
            if (user != NULL && ir_map_get(&f->members, user) != NULL) {
                continue;
            }
            if (user != NULL && user->order < last->order) {
                return base_fail(diag, SY_EINVAL, IR_NODE_FMT " cannot be fused: " IR_NODE_FMT
                                 " uses '%s' before the last of the nodes to fuse",
                                 IR_NODE_ARGS(n), IR_NODE_ARGS(user), v->name);
            }
            SY_TRY(set_add(&f->results, f->g->module->arena, v));
        }
    }
    return SY_OK;
}

/* Every use of `from` that now lies inside `body` becomes a use of `to`. */
static void replace_inside(ir_value *from, ir_value *to, const ir_graph *body)
{
    for (ir_use *u = from->first_use, *next; u != NULL; u = next) {
        next = u->next;
        if (ir_graph_inside(u->graph, body)) {
            ir_use_unlink(u);
            ir_use_link(u, to);
        }
    }
}

/* The result takes over the inner value's name, type and outside uses. */
static sy_status hand_over(ir_value *inner, ir_value *result, ir_graph *body)
{
    const char *name = inner->name, *inner_name = ir_name_unique(body->module, inner->name);
    if (inner_name == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(ir_graph_add_output(body, inner, name));
    inner->name = inner_name;
    result->name = name;
    result->type = inner->type;
    result->layout = inner->layout;
    result->loc = inner->loc;
    result->elements = inner->elements;
    result->n_elements = inner->n_elements;
    for (ir_use *u = inner->first_use, *next; u != NULL; u = next) {
        next = u->next;
        if (!ir_graph_inside(u->graph, body)) {
            ir_use_unlink(u);
            ir_use_link(u, result);
        }
    }
    return SY_OK;
}

static sy_status build(fusion *f, const char *kind, ir_node **out)
{
    ir_node *last = f->nodes[f->n_nodes - 1], *fused;
    const ir_op *op = ir_optable_row(f->g->module->table, IR_OP_FUSED);
    SY_TRY(ir_node_create(f->g, last->next, op->domain, op->name, last->name, (uint32_t)f->inputs.list.n,
                          f->inputs.list.items, (uint32_t)f->results.list.n, &fused));
    fused->number = last->number;
    fused->loc = last->loc;
    ir_graph *body;
    SY_TRY(ir_node_set_string(fused, "kind", kind, strlen(kind)));
    SY_TRY(ir_node_add_region(fused, "body", &body));
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        ir_node_detach(f->nodes[i]);
        ir_node_attach(f->nodes[i], body, NULL);
    }
    for (uint32_t i = 0; i < f->inputs.list.n; i++) {
        ir_value *outer = f->inputs.list.items[i], *inner;
        const char *name = ir_name_unique(body->module, outer->name);
        if (name == NULL) {
            return SY_ENOMEM;
        }
        SY_TRY(ir_graph_add_input(body, name, &outer->type, &inner));
        inner->loc = outer->loc;
        inner->elements = outer->elements;
        inner->n_elements = outer->n_elements;
        replace_inside(outer, inner, body);
    }
    for (uint32_t i = 0; i < f->results.list.n; i++) {
        SY_TRY(hand_over(f->results.list.items[i], fused->outputs[i], body));
    }
    *out = fused;
    return SY_OK;
}

sy_status ir_fuse(ir_node *const *nodes, uint32_t n_nodes, const char *kind, base_diag *diag, ir_node **out)
{
    SY_ASSERT(n_nodes > 0);
    fusion f = { .g = nodes[0]->graph, .nodes = nodes, .n_nodes = n_nodes };
    ir_graph_number(f.g);
    for (uint32_t i = 0; i < n_nodes; i++) {
        if (nodes[i]->graph != f.g || (i > 0 && nodes[i - 1]->order >= nodes[i]->order)) {
            return base_fail(diag, SY_EINVAL, IR_NODE_FMT " cannot be fused: not in one graph's order",
                             IR_NODE_ARGS(nodes[i]));
        }
        SY_TRY(ir_map_put(&f.members, f.g->module->arena, nodes[i], nodes[i]));
    }
    for (uint32_t i = 0; i < n_nodes; i++) {
        SY_TRY(find_inputs(&f, nodes[i]));
        SY_TRY(find_results(&f, nodes[i], diag));
    }
    if (f.results.list.n == 0) {
        return base_fail(diag, SY_EINVAL, IR_NODE_FMT " cannot be fused: nothing outside uses the results",
                         IR_NODE_ARGS(nodes[n_nodes - 1]));
    }
    return build(&f, kind, out);
}

sy_status ir_unfuse(ir_node *fused, base_diag *diag)
{
    ir_graph *g = fused->graph, *body = ir_node_region(fused, "body");
    if (!ir_node_is(fused, IR_OP_FUSED) || body == NULL || body->n_inputs != fused->n_inputs ||
        body->n_outputs != fused->n_outputs) {
        return base_fail(diag, SY_EINVAL, IR_NODE_FMT " is no well-formed fused operator", IR_NODE_ARGS(fused));
    }
    for (uint32_t i = 0; i < body->n_consts; i++) {
        SY_TRY(IR_RESERVE(g->module->arena, g->consts, g->n_consts, g->consts_capacity));
        body->consts[i]->graph = g;
        body->consts[i]->index = g->n_consts;
        g->consts[g->n_consts++] = body->consts[i];
    }
    body->n_consts = 0;
    while (body->first != NULL) {
        ir_node *n = body->first;
        ir_node_detach(n);
        ir_node_attach(n, g, fused);
    }
    for (uint32_t i = 0; i < fused->n_inputs; i++) {
        ir_value_replace_uses(body->inputs[i], fused->inputs[i].value);
    }
    for (uint32_t i = 0; i < fused->n_outputs; i++) {
        ir_value *inner = body->outputs[i]->use.value, *result = fused->outputs[i];
        if (result == NULL) {
            continue;
        }
        if (inner->kind == IR_VALUE_RESULT && inner->graph == g) {
            inner->name = result->name;
        }
        ir_value_replace_uses(result, inner);
    }
    ir_node_erase(fused);
    return SY_OK;
}
