/*
 * node.c -- uses, nodes and their attributes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"

#include <string.h>

/* ---------------------------------------------------------------- uses */

void ir_use_link(ir_use *u, ir_value *v)
{
    u->value = v;
    u->prev = u->next = NULL;
    if (v == NULL) {
        return;
    }
    u->prev = v->last_use;
    if (v->last_use != NULL) {
        v->last_use->next = u;
    } else {
        v->first_use = u;
    }
    v->last_use = u;
    v->n_uses++;
}

void ir_use_unlink(ir_use *u)
{
    ir_value *v = u->value;
    if (v == NULL) {
        return;
    }
    if (u->prev != NULL) {
        u->prev->next = u->next;
    } else {
        v->first_use = u->next;
    }
    if (u->next != NULL) {
        u->next->prev = u->prev;
    } else {
        v->last_use = u->prev;
    }
    v->n_uses--;
    u->value = NULL;
    u->prev = u->next = NULL;
}

/*
 * Moves a use to another place. Moved one by one: the neighbours in the list may be in the same array, some of them moved
 * already, and each move must see the pointers that the last one left.
 */
static void use_move(ir_use *from, ir_use *to)
{
    *to = *from;
    if (to->value == NULL) {
        return;
    }
    if (to->prev != NULL) {
        to->prev->next = to;
    } else {
        to->value->first_use = to;
    }
    if (to->next != NULL) {
        to->next->prev = to;
    } else {
        to->value->last_use = to;
    }
}

/* ---------------------------------------------------------------- nodes */

void ir_node_attach(ir_node *n, ir_graph *g, ir_node *before)
{
    n->graph = g;
    n->next = before;
    n->prev = before != NULL ? before->prev : g->last;
    if (n->prev != NULL) {
        n->prev->next = n;
    } else {
        g->first = n;
    }
    if (before != NULL) {
        before->prev = n;
    } else {
        g->last = n;
    }
    g->n_nodes++;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        n->inputs[i].graph = g;
    }
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        if (n->outputs[i] != NULL) {
            n->outputs[i]->graph = g;
        }
    }
}

void ir_node_detach(ir_node *n)
{
    ir_graph *g = n->graph;
    if (n->prev != NULL) {
        n->prev->next = n->next;
    } else {
        g->first = n->next;
    }
    if (n->next != NULL) {
        n->next->prev = n->prev;
    } else {
        g->last = n->prev;
    }
    g->n_nodes--;
    n->prev = n->next = NULL;
}

sy_status ir_node_create(ir_graph *g, ir_node *before, const char *domain, const char *op,
                         const char *name, uint32_t n_inputs, ir_value *const *inputs,
                         uint32_t n_outputs, ir_node **out)
{
    ir_module *m = g->module;
    ir_node *n = BASE_ARENA_NEW(m->arena, ir_node);
    if (n == NULL) {
        return SY_ENOMEM;
    }
    n->domain = ir_intern(m, strcmp(domain, "ai.onnx") == 0 ? "" : domain);
    n->op_name = ir_intern(m, op);
    n->name = ir_intern(m, name != NULL ? name : "");
    n->inputs = BASE_ARENA_ARRAY(m->arena, ir_use, n_inputs);
    n->outputs = BASE_ARENA_ARRAY(m->arena, ir_value *, n_outputs);
    if (n->domain == NULL || n->op_name == NULL || n->name == NULL || n->inputs == NULL ||
        n->outputs == NULL) {
        return SY_ENOMEM;
    }
    n->op = ir_optable_find(m->table, n->domain, n->op_name);
    n->number = UINT32_MAX;
    n->graph = g;
    n->inputs_capacity = n_inputs;
    n->n_outputs = n_outputs;
    for (uint32_t i = 0; i < n_outputs; i++) {
        SY_TRY(ir_value_make(g, IR_VALUE_RESULT, NULL, &n->outputs[i]));
        n->outputs[i]->producer = n;
        n->outputs[i]->index = i;
    }
    /* Nothing fails from here on: a node is linked whole or not at all. */
    n->n_inputs = n_inputs;
    for (uint32_t i = 0; i < n_inputs; i++) {
        n->inputs[i].user = n;
        n->inputs[i].index = i;
        ir_use_link(&n->inputs[i], inputs[i]);
    }
    ir_node_attach(n, g, before);
    *out = n;
    return SY_OK;
}

sy_status ir_node_create_op(ir_graph *g, ir_node *before, uint32_t code, uint32_t n_inputs,
                            ir_value *const *inputs, ir_node **out, ir_value **result)
{
    const ir_op *op = ir_optable_row(g->module->table, code);
    SY_ASSERT(op != NULL);
    ir_node *n;
    SY_TRY(ir_node_create(g, before, op->domain, op->name, NULL, n_inputs, inputs, 1, &n));
    if (out != NULL) {
        *out = n;
    }
    if (result != NULL) {
        *result = n->outputs[0];
    }
    return SY_OK;
}

const char *ir_node_label(const ir_node *n)
{
    if (n->name[0] != '\0') {
        return n->name;
    }
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        if (n->outputs[i] != NULL) {
            return n->outputs[i]->name;
        }
    }
    return "";
}

ir_node *ir_node_ancestor_in(ir_node *n, const ir_graph *outer)
{
    while (n != NULL && n->graph != outer) {
        n = n->graph->owner;
    }
    return n;
}

sy_status ir_value_rename(ir_value *v, const char *name)
{
    const char *text = ir_intern(v->graph->module, name);
    if (text == NULL) {
        return SY_ENOMEM;
    }
    v->name = text;
    return SY_OK;
}

void ir_node_drop_output(ir_node *n, uint32_t i)
{
    SY_ASSERT(i < n->n_outputs && (n->outputs[i] == NULL || n->outputs[i]->n_uses == 0));
    n->outputs[i] = NULL;
}

ir_value *ir_node_input(const ir_node *n, uint32_t i)
{
    return i < n->n_inputs ? n->inputs[i].value : NULL;
}

ir_value *ir_node_output(const ir_node *n, uint32_t i)
{
    return i < n->n_outputs ? n->outputs[i] : NULL;
}

void ir_node_set_input(ir_node *n, uint32_t i, ir_value *value)
{
    SY_ASSERT(i < n->n_inputs);
    ir_use_unlink(&n->inputs[i]);
    ir_use_link(&n->inputs[i], value);
}

sy_status ir_node_add_input(ir_node *n, ir_value *value)
{
    if (n->n_inputs == n->inputs_capacity) {
        const uint32_t capacity = n->n_inputs < 2 ? 4 : n->n_inputs * 2;
        ir_use *inputs = BASE_ARENA_ARRAY(n->graph->module->arena, ir_use, capacity);
        if (inputs == NULL || capacity < n->n_inputs) {
            return SY_ENOMEM;
        }
        for (uint32_t i = 0; i < n->n_inputs; i++) {
            use_move(&n->inputs[i], &inputs[i]);
        }
        n->inputs = inputs;
        n->inputs_capacity = capacity;
    }
    ir_use *u = &n->inputs[n->n_inputs];
    *u = (ir_use){ .user = n, .graph = n->graph, .index = n->n_inputs };
    n->n_inputs++;
    ir_use_link(u, value);
    return SY_OK;
}

void ir_node_trim_inputs(ir_node *n, uint32_t n_inputs)
{
    while (n->n_inputs > n_inputs) {
        ir_use_unlink(&n->inputs[--n->n_inputs]);
    }
}

bool ir_node_is(const ir_node *n, uint32_t code)
{
    return n->op != NULL && n->op->code == code;
}

/* ---------------------------------------------------------------- attributes */

sy_status ir_attr_slot(ir_node *n, const char *name, ir_attr **out)
{
    ir_module *m = n->graph->module;
    const char *text = ir_intern(m, name);
    if (text == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        if (n->attrs[i].name == text) {
            *out = &n->attrs[i];
            return SY_OK;
        }
    }
    SY_TRY(IR_RESERVE(m->arena, n->attrs, n->n_attrs, n->attrs_capacity));
    *out = &n->attrs[n->n_attrs++];
    **out = (ir_attr){ .name = text, .kind = IR_ATTR_INT }; /* the slot may hold a removed attribute */
    return SY_OK;
}

static sy_status set_attr(ir_node *n, const char *name, ir_attr value)
{
    ir_attr *a;
    SY_TRY(ir_attr_slot(n, name, &a));
    if (a->kind == IR_ATTR_GRAPH && a->u.graph != NULL) {
        ir_graph_release(a->u.graph);
    }
    value.name = a->name;
    *a = value;
    return SY_OK;
}

sy_status ir_node_set_int(ir_node *n, const char *name, int64_t value)
{
    return set_attr(n, name, (ir_attr){ .kind = IR_ATTR_INT, .u.i = value });
}

sy_status ir_node_set_float(ir_node *n, const char *name, float value)
{
    return set_attr(n, name, (ir_attr){ .kind = IR_ATTR_FLOAT, .u.f = value });
}

sy_status ir_node_set_string(ir_node *n, const char *name, const char *text, size_t length)
{
    char *copy = base_arena_alloc(n->graph->module->arena, length + 1, 1);
    if (copy == NULL) {
        return SY_ENOMEM;
    }
    if (length > 0) {
        memcpy(copy, text, length);
    }
    return set_attr(n, name, (ir_attr){ .kind = IR_ATTR_STRING, .u.s = { copy, length } });
}

sy_status ir_node_set_tensor(ir_node *n, const char *name, ir_const *c)
{
    return set_attr(n, name, (ir_attr){ .kind = IR_ATTR_TENSOR, .u.tensor = c });
}

sy_status ir_node_set_ints(ir_node *n, const char *name, uint32_t count, const int64_t *values)
{
    const int64_t *copy = base_arena_memdup(n->graph->module->arena, values, count, sizeof *values);
    return copy == NULL
               ? SY_ENOMEM
               : set_attr(n, name, (ir_attr){ .kind = IR_ATTR_INTS, .n = count, .u.ints = copy });
}

sy_status ir_node_set_floats(ir_node *n, const char *name, uint32_t count, const float *values)
{
    const float *copy = base_arena_memdup(n->graph->module->arena, values, count, sizeof *values);
    return copy == NULL
               ? SY_ENOMEM
               : set_attr(n, name, (ir_attr){ .kind = IR_ATTR_FLOATS, .n = count, .u.floats = copy });
}

sy_status ir_node_set_strings(ir_node *n, const char *name, uint32_t count, const ir_str *values)
{
    base_arena *arena = n->graph->module->arena;
    ir_str *copy = BASE_ARENA_ARRAY(arena, ir_str, count);
    if (copy == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        char *text = base_arena_alloc(arena, values[i].n + 1, 1);
        if (text == NULL) {
            return SY_ENOMEM;
        }
        if (values[i].n > 0) {
            memcpy(text, values[i].text, values[i].n);
        }
        copy[i] = (ir_str){ text, values[i].n };
    }
    return set_attr(n, name, (ir_attr){ .kind = IR_ATTR_STRINGS, .n = count, .u.strings = copy });
}

sy_status ir_node_add_region(ir_node *n, const char *name, ir_graph **out)
{
    ir_graph *g;
    SY_TRY(ir_graph_make(n->graph->module, name, n, &g));
    SY_TRY(set_attr(n, name, (ir_attr){ .kind = IR_ATTR_GRAPH, .u.graph = g }));
    *out = g;
    return SY_OK;
}

void ir_node_remove_attr(ir_node *n, const char *name)
{
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        if (strcmp(n->attrs[i].name, name) == 0) {
            if (n->attrs[i].kind == IR_ATTR_GRAPH) {
                ir_graph_release(n->attrs[i].u.graph);
            }
            n->n_attrs--;
            memmove(&n->attrs[i], &n->attrs[i + 1], (n->n_attrs - i) * sizeof *n->attrs);
            return;
        }
    }
}

const ir_attr *ir_node_attr(const ir_node *n, const char *name)
{
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        if (strcmp(n->attrs[i].name, name) == 0) {
            return &n->attrs[i];
        }
    }
    return NULL;
}

static const ir_attr *attr_of_kind(const ir_node *n, const char *name, ir_attr_kind kind)
{
    const ir_attr *a = ir_node_attr(n, name);
    return a != NULL && a->kind == kind ? a : NULL;
}

int64_t ir_node_int(const ir_node *n, const char *name, int64_t fallback)
{
    const ir_attr *a = attr_of_kind(n, name, IR_ATTR_INT);
    return a != NULL ? a->u.i : fallback;
}

float ir_node_float(const ir_node *n, const char *name, float fallback)
{
    const ir_attr *a = attr_of_kind(n, name, IR_ATTR_FLOAT);
    return a != NULL ? a->u.f : fallback;
}

const char *ir_node_string(const ir_node *n, const char *name, const char *fallback)
{
    const ir_attr *a = attr_of_kind(n, name, IR_ATTR_STRING);
    return a != NULL ? a->u.s.text : fallback;
}

uint32_t ir_node_ints(const ir_node *n, const char *name, const int64_t **values)
{
    const ir_attr *a = attr_of_kind(n, name, IR_ATTR_INTS);
    *values = a != NULL ? a->u.ints : NULL;
    return a != NULL ? a->n : 0;
}

uint32_t ir_node_floats(const ir_node *n, const char *name, const float **values)
{
    const ir_attr *a = attr_of_kind(n, name, IR_ATTR_FLOATS);
    *values = a != NULL ? a->u.floats : NULL;
    return a != NULL ? a->n : 0;
}

ir_const *ir_node_tensor(const ir_node *n, const char *name)
{
    const ir_attr *a = attr_of_kind(n, name, IR_ATTR_TENSOR);
    return a != NULL ? a->u.tensor : NULL;
}

ir_graph *ir_node_region(const ir_node *n, const char *name)
{
    const ir_attr *a = attr_of_kind(n, name, IR_ATTR_GRAPH);
    return a != NULL ? a->u.graph : NULL;
}
