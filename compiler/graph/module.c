/*
 * module.c -- modules, interned names, graphs and their inputs, constants, outputs and states.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"

#include "systole/base/hash.h"

#include <stdio.h>
#include <string.h>

sy_status ir_reserve(base_arena *arena, void *items_address, uint32_t n, uint32_t *capacity,
                     size_t item_bytes)
{
    if (n < *capacity) {
        return SY_OK;
    }
    if (*capacity > UINT32_MAX / 2) {
        return SY_ERANGE;
    }
    const uint32_t wanted = *capacity > 0 ? *capacity * 2 : 4;
    void *items = base_arena_alloc(arena, wanted, item_bytes);
    if (items == NULL) {
        return SY_ENOMEM;
    }
    void *old;
    memcpy(&old, items_address, sizeof old);
    if (n > 0) {
        memcpy(items, old, n * item_bytes);
    }
    memcpy(items_address, &items, sizeof items);
    *capacity = wanted;
    return SY_OK;
}

/* ---------------------------------------------------------------- modules and names */

sy_status ir_module_create(base_arena *arena, ir_optable *table, const char *name, ir_module **out)
{
    ir_module *m = BASE_ARENA_NEW(arena, ir_module);
    struct ir_intern *intern = BASE_ARENA_NEW(arena, struct ir_intern);
    if (m == NULL || intern == NULL) {
        return SY_ENOMEM;
    }
    m->arena = arena;
    m->table = table;
    m->intern = intern;
    intern->dim_status = SY_EINVAL;
    intern->dim_reason = "a dimension is missing";
    intern->strings_mask = 255;
    intern->strings = BASE_ARENA_ARRAY(arena, const char *, 256);
    if (intern->strings == NULL) {
        return SY_ENOMEM;
    }
    m->name = base_arena_strdup(arena, name != NULL ? name : "");
    if (m->name == NULL) {
        return SY_ENOMEM;
    }
    *out = m;
    return SY_OK;
}

void ir_module_destroy(ir_module *m)
{
    if (m == NULL) {
        return;
    }
    for (size_t i = 0; i < m->intern->files.n; i++) {
        base_file_unmap(&m->intern->files.items[i].map);
    }
    m->intern->files.n = 0;
}

static const char **find_string(const struct ir_intern *in, const char *text, size_t n)
{
    for (uint32_t i = (uint32_t)base_hash_fnv1a(text, n);; i++) {
        const char **slot = &in->strings[i & in->strings_mask];
        if (*slot == NULL || (strncmp(*slot, text, n) == 0 && (*slot)[n] == '\0')) {
            return slot;
        }
    }
}

static sy_status grow_strings(ir_module *m)
{
    struct ir_intern *in = m->intern;
    if (in->strings_mask > UINT32_MAX / 4) {
        return SY_ERANGE;
    }
    const uint32_t n_slots = (in->strings_mask + 1) * 2;
    const char **old = in->strings;
    const char **slots = BASE_ARENA_ARRAY(m->arena, const char *, n_slots);
    if (slots == NULL) {
        return SY_ENOMEM;
    }
    in->strings = slots;
    in->strings_mask = n_slots - 1;
    for (uint32_t i = 0; i < n_slots / 2; i++) {
        if (old[i] != NULL) {
            *find_string(in, old[i], strlen(old[i])) = old[i];
        }
    }
    return SY_OK;
}

const char *ir_intern_n(ir_module *m, const char *text, size_t n)
{
    struct ir_intern *in = m->intern;
    if (in->n_strings * 2 > in->strings_mask && grow_strings(m) != SY_OK) {
        return NULL;
    }
    const char **slot = find_string(in, text, n);
    if (*slot == NULL) {
        char *copy = base_arena_strndup(m->arena, text, n);
        if (copy == NULL) {
            return NULL;
        }
        *slot = copy;
        in->n_strings++;
    }
    return *slot;
}

const char *ir_intern(ir_module *m, const char *text)
{
    return ir_intern_n(m, text, strlen(text));
}

bool ir_is_interned(const ir_module *m, const char *text)
{
    return *find_string(m->intern, text, strlen(text)) != NULL;
}

const char *ir_name_unique(ir_module *m, const char *base)
{
    if (!ir_is_interned(m, base)) {
        return ir_intern(m, base);
    }
    /* The digits are tried by doubling, then by bisection: names are taken in order, so this stays logarithmic. */
    const size_t n = strlen(base);
    char *text = base_arena_alloc(m->arena, n + 16, 1);
    if (text == NULL) {
        return NULL;
    }
    uint32_t taken = 0, free_at = 1;
    while (snprintf(text, n + 16, "%s.%u", base, free_at), ir_is_interned(m, text)) {
        if (free_at > UINT32_MAX / 2) {
            return NULL;
        }
        taken = free_at;
        free_at *= 2;
    }
    while (free_at - taken > 1) {
        const uint32_t middle = taken + (free_at - taken) / 2;
        snprintf(text, n + 16, "%s.%u", base, middle);
        if (ir_is_interned(m, text)) {
            taken = middle;
        } else {
            free_at = middle;
        }
    }
    snprintf(text, n + 16, "%s.%u", base, free_at);
    return ir_intern(m, text);
}

sy_status ir_module_set_meta(ir_module *m, const char *key, const char *value)
{
    const char *k = ir_intern(m, key), *v = ir_intern(m, value);
    if (k == NULL || v == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < m->n_meta; i++) {
        if (m->meta[i].key == k) {
            m->meta[i].value = v;
            return SY_OK;
        }
    }
    SY_TRY(IR_RESERVE(m->arena, m->meta, m->n_meta, m->meta_capacity));
    m->meta[m->n_meta].key = k;
    m->meta[m->n_meta++].value = v;
    return SY_OK;
}

const char *ir_module_meta(const ir_module *m, const char *key)
{
    for (uint32_t i = 0; i < m->n_meta; i++) {
        if (strcmp(m->meta[i].key, key) == 0) {
            return m->meta[i].value;
        }
    }
    return NULL;
}

/* ---------------------------------------------------------------- graphs */

sy_status ir_graph_make(ir_module *m, const char *name, ir_node *owner, ir_graph **out)
{
    ir_graph *g = BASE_ARENA_NEW(m->arena, ir_graph);
    const char *text = ir_intern(m, name);
    if (g == NULL || text == NULL) {
        return SY_ENOMEM;
    }
    g->module = m;
    g->name = text;
    g->owner = owner;
    *out = g;
    return SY_OK;
}

sy_status ir_module_add_function(ir_module *m, const char *name, base_diag *diag, ir_graph **out)
{
    if (ir_module_find_function(m, name) != NULL) {
        return base_fail(diag, SY_EINVAL, "function '%s' is defined twice", name);
    }
    ir_graph *g;
    SY_TRY(IR_RESERVE(m->arena, m->graphs, m->n_graphs, m->graphs_capacity));
    SY_TRY(ir_graph_make(m, name, NULL, &g));
    m->graphs[m->n_graphs++] = g;
    if (m->main == NULL) {
        m->main = g;
    }
    *out = g;
    return SY_OK;
}

ir_graph *ir_module_find_function(const ir_module *m, const char *name)
{
    for (uint32_t i = 0; i < m->n_graphs; i++) {
        if (strcmp(m->graphs[i]->name, name) == 0) {
            return m->graphs[i];
        }
    }
    return NULL;
}

ir_graph *ir_graph_function(ir_graph *g)
{
    while (g->owner != NULL) {
        g = g->owner->graph;
    }
    return g;
}

bool ir_graph_inside(const ir_graph *g, const ir_graph *outer)
{
    while (g != outer && g->owner != NULL && g->owner->graph != NULL) {
        g = g->owner->graph;
    }
    return g == outer;
}

sy_status ir_value_make(ir_graph *g, ir_value_kind kind, const char *name, ir_value **out)
{
    ir_value *v = BASE_ARENA_NEW(g->module->arena, ir_value);
    const char *text = name != NULL ? ir_intern(g->module, name) : ir_name_unique(g->module, "v");
    if (v == NULL || text == NULL) {
        return SY_ENOMEM;
    }
    v->kind = kind;
    v->graph = g;
    v->name = text;
    *out = v;
    return SY_OK;
}

sy_status ir_graph_add_input(ir_graph *g, const char *name, const ir_type *type, ir_value **out)
{
    ir_value *v;
    SY_TRY(IR_RESERVE(g->module->arena, g->inputs, g->n_inputs, g->inputs_capacity));
    SY_TRY(ir_value_make(g, IR_VALUE_INPUT, name, &v));
    if (type != NULL) {
        v->type = *type;
    }
    v->index = g->n_inputs;
    g->inputs[g->n_inputs++] = v;
    *out = v;
    return SY_OK;
}

sy_status ir_graph_add_const(ir_graph *g, const char *name, ir_const *c, ir_value **out)
{
    ir_value *v;
    SY_TRY(IR_RESERVE(g->module->arena, g->consts, g->n_consts, g->consts_capacity));
    SY_TRY(ir_value_make(g, IR_VALUE_CONST, name, &v));
    SY_TRY(ir_const_type(g->module, c, &v->type));
    v->constant = c;
    v->index = g->n_consts;
    g->consts[g->n_consts++] = v;
    *out = v;
    return SY_OK;
}

sy_status ir_graph_add_output(ir_graph *g, ir_value *value, const char *name)
{
    SY_TRY(IR_RESERVE(g->module->arena, g->outputs, g->n_outputs, g->outputs_capacity));
    ir_output *o = BASE_ARENA_NEW(g->module->arena, ir_output);
    const char *text = ir_intern(g->module, name != NULL ? name : value->name);
    if (o == NULL || text == NULL) {
        return SY_ENOMEM;
    }
    o->name = text;
    o->use.graph = g;
    o->use.index = g->n_outputs;
    g->outputs[g->n_outputs++] = o;
    ir_use_link(&o->use, value);
    return SY_OK;
}

void ir_graph_set_output(ir_graph *g, uint32_t index, ir_value *value)
{
    SY_ASSERT(index < g->n_outputs && value != NULL);
    ir_use_unlink(&g->outputs[index]->use);
    ir_use_link(&g->outputs[index]->use, value);
}

sy_status ir_graph_add_state(ir_graph *g, ir_value *input, uint32_t output, ir_const *initial,
                             base_diag *diag)
{
    if (g->owner != NULL || input->kind != IR_VALUE_INPUT || input->graph != g) {
        return base_fail(diag, SY_EINVAL, "graph '%s': state '%s' is not an input of this function", g->name,
                         input->name);
    }
    if (output >= g->n_outputs) {
        return base_fail(diag, SY_EINVAL, "graph '%s': state '%s' is paired with output %u of %u", g->name,
                         input->name, output, g->n_outputs);
    }
    for (uint32_t i = 0; i < g->n_states; i++) {
        if (g->states[i].input == input || g->states[i].output == output) {
            return base_fail(diag, SY_EINVAL, "graph '%s': state '%s' or output %u is paired already", g->name,
                             input->name, output);
        }
    }
    SY_TRY(IR_RESERVE(g->module->arena, g->states, g->n_states, g->states_capacity));
    g->states[g->n_states++] = (ir_state){ input, output, initial };
    return SY_OK;
}

ir_value *ir_graph_find_value(const ir_graph *g, const char *name)
{
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        if (strcmp(g->inputs[i]->name, name) == 0) {
            return g->inputs[i];
        }
    }
    for (uint32_t i = 0; i < g->n_consts; i++) {
        if (strcmp(g->consts[i]->name, name) == 0) {
            return g->consts[i];
        }
    }
    for (const ir_node *n = g->first; n != NULL; n = n->next) {
        for (uint32_t i = 0; i < n->n_outputs; i++) {
            if (n->outputs[i] != NULL && strcmp(n->outputs[i]->name, name) == 0) {
                return n->outputs[i];
            }
        }
    }
    return NULL;
}

ir_value *ir_graph_find_visible(const ir_graph *g, const char *name)
{
    for (; g != NULL; g = g->owner != NULL ? g->owner->graph : NULL) {
        ir_value *v = ir_graph_find_value(g, name);
        if (v != NULL) {
            return v;
        }
    }
    return NULL;
}
