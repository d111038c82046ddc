/*
 * edit.c -- rewriting graphs: replacing uses, erasing, ordering, dead code.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"

#include <string.h>

void ir_value_replace_uses(ir_value *from, ir_value *to)
{
    if (from == to) {
        return;
    }
    while (from->first_use != NULL) {
        ir_use *u = from->first_use;
        ir_use_unlink(u);
        ir_use_link(u, to);
    }
}

void ir_graph_release(ir_graph *g)
{
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        ir_use_unlink(&g->outputs[i]->use);
    }
    for (ir_node *n = g->first; n != NULL; n = n->next) {
        ir_node_trim_inputs(n, 0);
        for (uint32_t i = 0; i < n->n_attrs; i++) {
            if (n->attrs[i].kind == IR_ATTR_GRAPH) {
                ir_graph_release(n->attrs[i].u.graph);
            }
        }
    }
}

void ir_node_erase(ir_node *n)
{
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        SY_ASSERT(n->outputs[i] == NULL || n->outputs[i]->n_uses == 0);
    }
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        if (n->attrs[i].kind == IR_ATTR_GRAPH) {
            ir_graph_release(n->attrs[i].u.graph);
        }
    }
    ir_node_trim_inputs(n, 0);
    ir_node_detach(n);
}

static void remove_from(ir_value **list, uint32_t *n, ir_value *v)
{
    SY_ASSERT(v->index < *n && list[v->index] == v);
    (*n)--;
    for (uint32_t i = v->index; i < *n; i++) {
        list[i] = list[i + 1];
        list[i]->index = i;
    }
}

void ir_value_erase(ir_value *v)
{
    ir_graph *g = v->graph;
    SY_ASSERT(v->n_uses == 0 && v->kind != IR_VALUE_RESULT);
    for (uint32_t i = 0; i < g->n_states; i++) {
        SY_ASSERT(g->states[i].input != v);
    }
    if (v->kind == IR_VALUE_INPUT) {
        remove_from(g->inputs, &g->n_inputs, v);
    } else {
        remove_from(g->consts, &g->n_consts, v);
    }
}

void ir_node_move(ir_node *n, ir_node *before)
{
    SY_ASSERT(before == NULL || before->graph == n->graph);
    if (n == before) {
        return;
    }
    ir_graph *g = n->graph;
    ir_node_detach(n);
    ir_node_attach(n, g, before);
}

void ir_graph_number(ir_graph *g)
{
    uint32_t order = 0;
    for (ir_node *n = g->first; n != NULL; n = n->next) {
        n->order = order++;
    }
}

/* ---------------------------------------------------------------- order */

/* Checks the uses in g and below; graphs around g are numbered already. */
static sy_status check_order(ir_graph *g, base_diag *diag);

static sy_status check_use(const ir_use *u, const ir_node *user, base_diag *diag)
{
    const ir_value *v = u->value;
    if (v == NULL || v->kind != IR_VALUE_RESULT) {
        return SY_OK;
    }
    /* Seen from the graph that defines the value: which of its nodes holds the user? */
    const ir_node *at = u->user != NULL ? ir_node_ancestor_in(u->user, v->graph)
                                        : ir_node_ancestor_in(u->graph->owner, v->graph);
    if (u->user == NULL && u->graph == v->graph) {
        return SY_OK; /* an output stands after all nodes */
    }
    if (at == NULL || v->producer->order >= at->order) {
        return base_fail(diag, SY_EINVAL, "graph '%s': " IR_NODE_FMT " uses '%s' before it is defined",
                         v->graph->name, IR_NODE_ARGS(user), v->name);
    }
    return SY_OK;
}

static sy_status check_node(ir_node *n, base_diag *diag)
{
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        SY_TRY(check_use(&n->inputs[i], n, diag));
    }
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        if (n->attrs[i].kind == IR_ATTR_GRAPH) {
            SY_TRY(check_order(n->attrs[i].u.graph, diag));
        }
    }
    return SY_OK;
}

static sy_status check_order(ir_graph *g, base_diag *diag)
{
    ir_graph_number(g);
    for (ir_node *n = g->first; n != NULL; n = n->next) {
        SY_TRY(check_node(n, diag));
    }
    for (uint32_t i = 0; i < g->n_outputs && g->owner != NULL; i++) {
        SY_TRY(check_use(&g->outputs[i]->use, g->owner, diag));
    }
    return SY_OK;
}

sy_status ir_graph_check_order(ir_graph *g, base_diag *diag)
{
    for (ir_graph *outer = g; outer->owner != NULL; outer = outer->owner->graph) {
        ir_graph_number(outer->owner->graph);
    }
    return check_order(g, diag);
}

/*
 * Kahn's algorithm, always taking the first node in the old order that is ready: a heap of order numbers.
 * mark counts the operands (captures too) that are still to come.
 */
typedef struct heap {
    ir_node **nodes;
    uint32_t n;
} heap;

static void heap_push(heap *h, ir_node *n)
{
    uint32_t i = h->n++;
    while (i > 0 && h->nodes[(i - 1) / 2]->order > n->order) {
        h->nodes[i] = h->nodes[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->nodes[i] = n;
}

static ir_node *heap_pop(heap *h)
{
    ir_node *top = h->nodes[0], *last = h->nodes[--h->n];
    uint32_t i = 0;
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child + 1 < h->n && h->nodes[child + 1]->order < h->nodes[child]->order) {
            child++;
        }
        if (child >= h->n || h->nodes[child]->order >= last->order) {
            break;
        }
        h->nodes[i] = h->nodes[child];
        i = child;
    }
    h->nodes[i] = last;
    return top;
}

/* For each use of n's results by another node of g (or by what that node owns): that node's mark += step. */
static void count_users(ir_node *n, ir_graph *g, int step, heap *ready)
{
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        const ir_value *v = n->outputs[i];
        for (const ir_use *u = v != NULL ? v->first_use : NULL; u != NULL; u = u->next) {
            ir_node *user = ir_node_ancestor_in(u->user != NULL ? u->user : u->graph->owner, g);
            if (user == NULL) {
                continue;
            }
            if (step > 0) {
                user->mark++;
            } else if (--user->mark == 0) {
                heap_push(ready, user);
            }
        }
    }
}

sy_status ir_graph_sort(ir_graph *g, base_diag *diag)
{
    heap ready = { BASE_ARENA_ARRAY(g->module->arena, ir_node *, g->n_nodes), 0 };
    ir_node **sorted = BASE_ARENA_ARRAY(g->module->arena, ir_node *, g->n_nodes);
    if (ready.nodes == NULL || sorted == NULL) {
        return SY_ENOMEM;
    }
    ir_graph_number(g);
    for (ir_node *n = g->first; n != NULL; n = n->next) {
        n->mark = 0;
    }
    for (ir_node *n = g->first; n != NULL; n = n->next) {
        count_users(n, g, 1, NULL);
    }
    for (ir_node *n = g->first; n != NULL; n = n->next) {
        if (n->mark == 0) {
            heap_push(&ready, n);
        }
    }
    uint32_t n_sorted = 0;
    while (ready.n > 0) {
        ir_node *n = heap_pop(&ready);
        sorted[n_sorted++] = n;
        count_users(n, g, -1, &ready);
    }
    if (n_sorted < g->n_nodes) {
        ir_node *n = g->first;
        while (n->mark == 0) {
            n = n->next;
        }
        return base_fail(diag, SY_EINVAL, "graph '%s': " IR_NODE_FMT " depends on its own result", g->name,
                         IR_NODE_ARGS(n));
    }
    for (uint32_t i = 0; i < n_sorted; i++) {
        ir_node_detach(sorted[i]);
        ir_node_attach(sorted[i], g, NULL);
    }
    ir_graph_number(g);
    return SY_OK;
}

/* ---------------------------------------------------------------- dead code */

/* Pure, with all that its regions hold. */
static bool is_pure(const ir_node *n)
{
    if (n->op == NULL || (n->op->props & IR_P_PURE) == 0) {
        return false;
    }
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        const ir_graph *region = n->attrs[i].kind == IR_ATTR_GRAPH ? n->attrs[i].u.graph : NULL;
        for (const ir_node *inner = region != NULL ? region->first : NULL; inner != NULL; inner = inner->next) {
            if (!is_pure(inner)) {
                return false;
            }
        }
    }
    const ir_node *called = n->callee != NULL ? n->callee->first : NULL;
    for (; called != NULL; called = called->next) {
        if (!is_pure(called)) {
            return false;
        }
    }
    return true;
}

static bool is_dead(const ir_node *n)
{
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        if (n->outputs[i] != NULL && n->outputs[i]->n_uses > 0) {
            return false;
        }
    }
    return is_pure(n);
}

uint32_t ir_graph_remove_dead(ir_graph *g)
{
    uint32_t n_removed = 0;
    for (ir_node *n = g->last, *prev; n != NULL; n = prev) {
        prev = n->prev;
        if (is_dead(n)) {
            ir_node_erase(n);
            n_removed++;
            continue;
        }
        for (uint32_t i = 0; i < n->n_attrs; i++) {
            if (n->attrs[i].kind == IR_ATTR_GRAPH) {
                n_removed += ir_graph_remove_dead(n->attrs[i].u.graph);
            }
        }
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < g->n_consts; i++) {
        ir_value *v = g->consts[i];
        if (v->n_uses > 0 || v->feedable) {
            v->index = kept;
            g->consts[kept++] = v;
        }
    }
    g->n_consts = kept;
    return n_removed;
}
