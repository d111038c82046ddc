/*
 * verify.c -- the verifier: structure first, then types against inference.
 *
 * Types are checked on a copy of the module that is inferred afresh and compared, so verifying changes nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/graph/verify.h"

#include "internal.h"
#include "systole/graph/infer.h"
#include "systole/graph/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The values visible at some point, by name. */
typedef struct scope {
    ir_map names;
    const struct scope *outer;
} scope;

typedef struct verifier {
    ir_module *m;
    base_arena *scratch;
    base_diag *diag;
    ir_map live; /* every value that a graph of the module defines -> &uses counted */
} verifier;

static sy_status broken(const verifier *v, const ir_graph *g, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static sy_status broken(const verifier *v, const ir_graph *g, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return base_fail(v->diag, SY_EINVAL, "graph '%s': %s", g->name, text);
}

/* ---------------------------------------------------------------- which values there are */

static sy_status add_live(verifier *v, ir_value *value)
{
    uint32_t *count = BASE_ARENA_NEW(v->scratch, uint32_t);
    return count != NULL ? ir_map_put(&v->live, v->scratch, value, count) : SY_ENOMEM;
}

static sy_status check_definition(verifier *v, const ir_graph *g, ir_value *value, ir_value_kind kind, uint32_t index)
{
    if (value->name == NULL || value->kind != kind || value->graph != g || value->index != index) {
        return broken(v, g, "value '%s' does not know its own place", value->name != NULL ? value->name : "");
    }
    return add_live(v, value);
}

static sy_status collect_node(verifier *v, ir_graph *g, ir_node *n);

static sy_status collect(verifier *v, ir_graph *g)
{
    if (g->module != v->m) {
        return broken(v, g, "belongs to another module");
    }
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        SY_TRY(check_definition(v, g, g->inputs[i], IR_VALUE_INPUT, i));
    }
    for (uint32_t i = 0; i < g->n_consts; i++) {
        const ir_const *c = g->consts[i]->constant;
        SY_TRY(check_definition(v, g, g->consts[i], IR_VALUE_CONST, i));
        if (c == NULL || c->id >= v->m->n_consts || v->m->consts[c->id] != c) {
            return broken(v, g, "constant '%s' has no handle in the module", g->consts[i]->name);
        }
    }
    const ir_node *prev = NULL;
    uint32_t n_nodes = 0;
    for (ir_node *n = g->first; n != NULL; n = n->next) {
        if (n->prev != prev || n->graph != g) {
            return broken(v, g, IR_NODE_FMT " is not linked into the graph", IR_NODE_ARGS(n));
        }
        SY_TRY(collect_node(v, g, n));
        prev = n;
        n_nodes++;
    }
    return g->last == prev && g->n_nodes == n_nodes ? SY_OK : broken(v, g, "the list of nodes is damaged");
}

static sy_status collect_node(verifier *v, ir_graph *g, ir_node *n)
{
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        if (n->outputs[i] == NULL) {
            continue;
        }
        SY_TRY(check_definition(v, g, n->outputs[i], IR_VALUE_RESULT, i));
        if (n->outputs[i]->producer != n) {
            return broken(v, g, "value '%s' does not know its producer", n->outputs[i]->name);
        }
    }
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        if (n->attrs[i].kind != IR_ATTR_GRAPH) {
            continue;
        }
        if (n->attrs[i].u.graph->owner != n) {
            return broken(v, g, "region '%s' of " IR_NODE_FMT " does not know its owner", n->attrs[i].name,
                          IR_NODE_ARGS(n));
        }
        SY_TRY(collect(v, n->attrs[i].u.graph));
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- names */

static sy_status add_name(verifier *v, const ir_graph *g, scope *s, const ir_value *value)
{
    for (const scope *o = s; o != NULL; o = o->outer) {
        if (ir_map_get(&o->names, value->name) != NULL) {
            return broken(v, g, "two values are named '%s'", value->name);
        }
    }
    static char present;
    return ir_map_put(&s->names, v->scratch, value->name, &present);
}

/* ---------------------------------------------------------------- uses */

static sy_status check_use(verifier *v, const ir_graph *g, const ir_use *u, const ir_node *user, uint32_t index)
{
    const ir_value *value = u->value;
    if (u->user != user || u->graph != g || u->index != index) {
        return broken(v, g, "a use of '%s' does not know its own place", value != NULL ? value->name : "_");
    }
    if (value == NULL) {
        return SY_OK;
    }
    uint32_t *count = ir_map_get(&v->live, value);
    if (count == NULL) {
        return broken(v, g, "'%s' uses '%s', which is in no graph any more",
                      user != NULL ? ir_node_label(user) : g->name, value->name);
    }
    if (!ir_graph_inside(g, value->graph)) {
        return broken(v, g, "'%s' uses '%s' of graph '%s', which is not around it",
                      user != NULL ? ir_node_label(user) : g->name, value->name, value->graph->name);
    }
    if ((u->prev == NULL ? value->first_use != u : u->prev->next != u) ||
        (u->next == NULL ? value->last_use != u : u->next->prev != u)) {
        return broken(v, g, "the list of uses of '%s' is damaged", value->name);
    }
    (*count)++;
    return SY_OK;
}

/* The list holds exactly the uses that the graphs have: as many, and each where its user says it is. */
static sy_status check_count(verifier *v, const ir_value *value)
{
    const uint32_t *count = ir_map_get(&v->live, value);
    uint32_t listed = 0;
    for (const ir_use *u = value->first_use; u != NULL && listed <= *count; u = u->next) {
        const bool in_place = u->user != NULL ? u->index < u->user->n_inputs && u == &u->user->inputs[u->index]
                                              : u->index < u->graph->n_outputs && u == &u->graph->outputs[u->index]->use;
        if (!in_place || u->value != value) {
            return broken(v, value->graph, "the list of uses of '%s' is damaged", value->name);
        }
        listed++;
    }
    if (listed != *count) {
        return broken(v, value->graph, "'%s' lists %u uses and has %u", value->name, listed, *count);
    }
    return *count == value->n_uses ? SY_OK
                                   : broken(v, value->graph, "'%s' counts %u uses and has %u", value->name,
                                            value->n_uses, *count);
}

/* ---------------------------------------------------------------- nodes */

static sy_status check_attrs(verifier *v, const ir_node *n)
{
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        const ir_attr *a = &n->attrs[i];
        ir_attr_kind kind;
        if (a->kind == IR_ATTR_TENSOR &&
            (a->u.tensor == NULL || a->u.tensor->id >= v->m->n_consts || v->m->consts[a->u.tensor->id] != a->u.tensor)) {
            return broken(v, n->graph, "attribute '%s' of " IR_NODE_FMT " has no handle in the module", a->name,
                          IR_NODE_ARGS(n));
        }
        if (n->op == NULL || strcmp(n->op->attrs, "*") == 0 || strncmp(a->name, "note.", 5) == 0) {
            continue;
        }
        if (!ir_op_attr_kind(n->op, a->name, &kind)) {
            return broken(v, n->graph, IR_NODE_FMT " has an attribute '%s', which the operator does not have",
                          IR_NODE_ARGS(n), a->name);
        }
        if (kind != a->kind) {
            return broken(v, n->graph, "attribute '%s' of " IR_NODE_FMT " is of the wrong kind", a->name,
                          IR_NODE_ARGS(n));
        }
    }
    return SY_OK;
}

static sy_status check_op(verifier *v, const ir_node *n)
{
    const ir_op *op = n->op;
    if (op == NULL) {
        return SY_OK;
    }
    if (strcmp(op->name, n->op_name) != 0 || strcmp(op->domain, n->domain) != 0) {
        return broken(v, n->graph, IR_NODE_FMT " points to the table's row of %s", IR_NODE_ARGS(n), op->name);
    }
    if (n->n_inputs < op->min_inputs || (op->max_inputs != IR_MANY && n->n_inputs > op->max_inputs)) {
        return broken(v, n->graph, IR_NODE_FMT " has %u operands", IR_NODE_ARGS(n), n->n_inputs);
    }
    if (n->n_outputs < op->min_outputs || (op->max_outputs != IR_MANY && n->n_outputs > op->max_outputs)) {
        return broken(v, n->graph, IR_NODE_FMT " has %u results", IR_NODE_ARGS(n), n->n_outputs);
    }
    for (uint32_t i = 0; i < op->min_inputs; i++) {
        if (n->inputs[i].value == NULL) {
            return broken(v, n->graph, "operand %u of " IR_NODE_FMT " is missing", i, IR_NODE_ARGS(n));
        }
    }
    if ((n->callee != NULL) != (op->code == IR_OP_CALL)) {
        return broken(v, n->graph, IR_NODE_FMT " %s a function", IR_NODE_ARGS(n),
                      n->callee != NULL ? "must not call" : "must call");
    }
    if (n->callee != NULL && ir_module_find_function(v->m, n->callee->name) != n->callee) {
        return broken(v, n->graph, IR_NODE_FMT " calls a function that is not in the module", IR_NODE_ARGS(n));
    }
    return SY_OK;
}

static sy_status check_graph(verifier *v, const ir_graph *g, const scope *outer);

static sy_status check_node(verifier *v, const ir_node *n, scope *s)
{
    SY_TRY(check_op(v, n));
    SY_TRY(check_attrs(v, n));
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        SY_TRY(check_use(v, n->graph, &n->inputs[i], n, i));
    }
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        if (n->attrs[i].kind == IR_ATTR_GRAPH) {
            SY_TRY(check_graph(v, n->attrs[i].u.graph, s));
        }
    }
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        if (n->outputs[i] != NULL) {
            SY_TRY(add_name(v, n->graph, s, n->outputs[i]));
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- graphs */

static sy_status check_states(verifier *v, const ir_graph *g)
{
    for (uint32_t i = 0; i < g->n_states; i++) {
        const ir_state *s = &g->states[i];
        if (g->owner != NULL || s->input->kind != IR_VALUE_INPUT || s->input->graph != g || s->output >= g->n_outputs) {
            return broken(v, g, "state %u is not an input paired with an output", i);
        }
        for (uint32_t j = 0; j < i; j++) {
            if (g->states[j].input == s->input || g->states[j].output == s->output) {
                return broken(v, g, "state '%s' is paired twice", s->input->name);
            }
        }
        const ir_value *out = g->outputs[s->output]->use.value;
        if (!ir_type_equal(&s->input->type, &out->type)) {
            return broken(v, g, "state '%s' and its next value '%s' have different types", s->input->name, out->name);
        }
        int64_t dims[IR_MAX_RANK];
        const ir_const *c = s->initial;
        const bool fits = c == NULL || (c->kind == IR_CONST_STATE && c->dtype == s->input->type.dtype &&
                                        ir_type_static_dims(&s->input->type, dims) && c->rank == s->input->type.rank &&
                                        memcmp(c->dims, dims, (size_t)c->rank * sizeof *dims) == 0);
        if (!fits) {
            return broken(v, g, "the initial contents of state '%s' do not have its type", s->input->name);
        }
    }
    return SY_OK;
}

static sy_status check_const_type(verifier *v, const ir_graph *g, const ir_value *value)
{
    int64_t dims[IR_MAX_RANK];
    const ir_const *c = value->constant;
    const bool fits = ir_type_static_dims(&value->type, dims) && value->type.dtype == c->dtype &&
                      value->type.rank == c->rank && memcmp(c->dims, dims, (size_t)c->rank * sizeof *dims) == 0;
    return fits ? SY_OK : broken(v, g, "constant '%s' does not have the type of its handle", value->name);
}

/* Every node's operands come before it in the order of its own graph and of those around. */
static sy_status check_graph(verifier *v, const ir_graph *g, const scope *outer)
{
    scope s = { .outer = outer };
    ir_map output_names = { 0 };
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        SY_TRY(add_name(v, g, &s, g->inputs[i]));
    }
    for (uint32_t i = 0; i < g->n_consts; i++) {
        SY_TRY(add_name(v, g, &s, g->consts[i]));
        SY_TRY(check_const_type(v, g, g->consts[i]));
    }
    for (const ir_node *n = g->first; n != NULL; n = n->next) {
        SY_TRY(check_node(v, n, &s));
    }
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        const ir_output *o = g->outputs[i];
        if (o->use.value == NULL) {
            return broken(v, g, "output %u has no value", i);
        }
        SY_TRY(check_use(v, g, &o->use, NULL, i));
        if (g->owner == NULL && ir_map_get(&output_names, o->name) != NULL) {
            return broken(v, g, "two outputs are named '%s'", o->name);
        }
        SY_TRY(ir_map_put(&output_names, v->scratch, o->name, o->use.value));
    }
    return check_states(v, g);
}

static sy_status check_structure(verifier *v)
{
    ir_module *m = v->m;
    if (m->main != NULL && ir_module_find_function(m, m->main->name) != m->main) {
        return base_fail(v->diag, SY_EINVAL, "the entry function is not in the module");
    }
    for (uint32_t i = 0; i < m->n_graphs; i++) {
        if (m->graphs[i]->owner != NULL || ir_module_find_function(m, m->graphs[i]->name) != m->graphs[i]) {
            return broken(v, m->graphs[i], "is no function, or its name is taken twice");
        }
        SY_TRY(collect(v, m->graphs[i]));
    }
    for (uint32_t i = 0; i < m->n_graphs; i++) {
        SY_TRY(check_graph(v, m->graphs[i], NULL));
        SY_TRY(ir_graph_check_order(m->graphs[i], v->diag));
    }
    for (uint32_t i = 0; v->live.keys != NULL && i <= v->live.mask; i++) {
        if (v->live.keys[i] != NULL) {
            SY_TRY(check_count(v, v->live.keys[i]));
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- types */

/* The same expression, in two modules. */
static bool same_dim(ir_dim a, ir_dim b)
{
    if (a->kind != b->kind || a->value != b->value || a->n_args != b->n_args ||
        (a->kind == IR_DIM_SYMBOL && strcmp(a->name, b->name) != 0)) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_args; i++) {
        if (!same_dim(a->args[i], b->args[i])) {
            return false;
        }
    }
    return true;
}

static bool same_type(const ir_type *a, const ir_type *b)
{
    if (a->kind != b->kind || a->dtype != b->dtype || a->has_rank != b->has_rank || a->rank != b->rank) {
        return false;
    }
    for (int32_t i = 0; i < a->rank; i++) {
        if (!same_dim(a->dims[i], b->dims[i])) {
            return false;
        }
    }
    return ir_quant_equal(a->quant, b->quant) &&
           (a->elem == NULL || b->elem == NULL ? a->elem == b->elem : same_type(a->elem, b->elem));
}

static sy_status compare_value(verifier *v, const ir_value *value, const ir_value *inferred)
{
    if (same_type(&value->type, &inferred->type)) {
        return SY_OK;
    }
    const char *is = ir_type_text(&value->type, v->scratch), *gives = ir_type_text(&inferred->type, v->scratch);
    if (is == NULL || gives == NULL) {
        return SY_ENOMEM;
    }
    return broken(v, value->graph, "'%s' has type %s, inference gives %s", value->name, is, gives);
}

static sy_status compare_graph(verifier *v, const ir_graph *g, const ir_graph *inferred)
{
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        SY_TRY(compare_value(v, g->inputs[i], inferred->inputs[i]));
    }
    const ir_node *other = inferred->first;
    for (const ir_node *n = g->first; n != NULL; n = n->next, other = other->next) {
        for (uint32_t i = 0; i < n->n_attrs; i++) {
            if (n->attrs[i].kind == IR_ATTR_GRAPH) {
                SY_TRY(compare_graph(v, n->attrs[i].u.graph, other->attrs[i].u.graph));
            }
        }
        for (uint32_t i = 0; i < n->n_outputs; i++) {
            if (n->outputs[i] != NULL) {
                SY_TRY(compare_value(v, n->outputs[i], other->outputs[i]));
            }
        }
    }
    return SY_OK;
}

static sy_status check_types(verifier *v)
{
    ir_module *copy;
    SY_TRY(ir_module_clone(v->scratch, v->m, &copy));
    sy_status status = ir_infer_module(copy, v->diag);
    for (uint32_t i = 0; i < v->m->n_graphs && status == SY_OK; i++) {
        status = compare_graph(v, v->m->graphs[i], copy->graphs[i]);
    }
    ir_module_destroy(copy);
    return status;
}

sy_status ir_verify(ir_module *m, base_diag *diag)
{
    base_arena *scratch = base_arena_create();
    if (scratch == NULL) {
        return SY_ENOMEM;
    }
    verifier v = { .m = m, .scratch = scratch, .diag = diag };
    sy_status status = check_structure(&v);
    if (status == SY_OK) {
        status = check_types(&v);
    }
    base_arena_destroy(scratch);
    return status;
}
