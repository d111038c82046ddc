/*
 * onnx_call.c -- functions of the model: a callee graph for each set of attributes they are called
 * with.
 *
 * An operator of the table is used even if the model brings a function for it: that is how ONNX
 * defines its own function operators.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_internal.h"

#include <string.h>

#define MAX_CALL_DEPTH 64

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* The name under which a function is found: domain, name and overload with a character that names
 * cannot hold between. */
static const char *function_key(onnx_import *in, const char *domain, const char *name,
                                const ProtobufCMessage *message, uint32_t overload_tag)
{
    const char *overload = ir_onnx_unknown_text(in->scratch, message, overload_tag);
    const char *key = overload == NULL
                          ? NULL
                          : base_arena_printf(in->scratch, "\001%s\001%s\001%s",
                                              strcmp(domain, "ai.onnx") == 0 ? "" : domain, name,
                                              overload);
    return key == NULL ? NULL : ir_intern(in->m, key);
}

static sy_status index_functions(onnx_import *in)
{
    for (size_t i = 0; i < in->model->n_functions; i++) {
        Onnx__FunctionProto *f = in->model->functions[i];
        const char *key = function_key(in, text_or_empty(f->domain), text_or_empty(f->name),
                                       &f->base, ONNX_FIELD_FUNCTION_OVERLOAD);
        if (key == NULL) {
            return SY_ENOMEM;
        }
        const sy_status status = ir_onnx_names_bind(&in->functions, key, f);
        if (status == SY_EINVAL) {
            return base_fail(in->diag, SY_EFORMAT, "%s: function '%s' is defined twice", in->file,
                             text_or_empty(f->name));
        }
        SY_TRY(status);
    }
    return SY_OK;
}

/* The attributes of one call: what the node gives, then defaults for what it does not. */
static sy_status bind_attributes(onnx_node *n, const Onnx__FunctionProto *f, onnx_bindings *out)
{
    Onnx__AttributeProto **defaults = NULL;
    uint32_t n_defaults = 0;
    sy_status status = ir_onnx_unknown_attributes(
        n->in->scratch, &f->base, ONNX_FIELD_FUNCTION_ATTRIBUTE, &defaults, &n_defaults);
    if (status == SY_EFORMAT) {
        return ir_onnx_fail(n, status, "the defaults of the function's attributes are malformed");
    }
    SY_TRY(status);
    const Onnx__AttributeProto **all = BASE_ARENA_ARRAY(
        n->in->scratch, const Onnx__AttributeProto *, n->n_attrs + n_defaults);
    if (all == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        all[out->n++] = n->attrs[i];
    }
    for (uint32_t i = 0; i < n_defaults; i++) {
        if (defaults[i]->name != NULL && ir_onnx_attr_find(n, defaults[i]->name) == NULL) {
            all[out->n++] = defaults[i];
        }
    }
    out->attrs = all;
    return SY_OK;
}

/* The attributes as bytes: what tells instances apart. */
static sy_status binding_key(onnx_import *in, const onnx_bindings *b, const char **out)
{
    size_t n_bytes = 0, at = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        n_bytes += protobuf_c_message_get_packed_size(&b->attrs[i]->base);
    }
    uint8_t *bytes = base_arena_alloc(in->scratch, n_bytes, 1);
    char *key = base_arena_alloc(in->scratch, n_bytes + 1, 2);
    if (bytes == NULL || key == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < b->n; i++) {
        at += protobuf_c_message_pack(&b->attrs[i]->base, bytes + at);
    }
    for (size_t i = 0; i < n_bytes; i++) {
        key[2 * i] = (char)('a' + (bytes[i] >> 4));
        key[2 * i + 1] = (char)('a' + (bytes[i] & 15));
    }
    *out = key;
    return SY_OK;
}

/* ---------------------------------------------------------------- building one */

static sy_status function_body(onnx_import *in, const Onnx__FunctionProto *f, ir_graph *g)
{
    for (size_t i = 0; i < f->n_input; i++) {
        ir_value *v = NULL;
        SY_TRY(ir_graph_add_input(g, f->input[i], NULL, &v));
        const sy_status status = ir_onnx_names_bind(&in->names, v->name, v);
        if (status == SY_EINVAL) {
            return base_fail(in->diag, SY_EFORMAT, "%s: function '%s' has two inputs '%s'",
                             in->file, g->name, f->input[i]);
        }
        SY_TRY(status);
    }
    SY_TRY(ir_onnx_nodes(in, f->n_node, f->node, g));
    for (size_t i = 0; i < f->n_output; i++) {
        const char *name = ir_intern(in->m, f->output[i]);
        ir_value *v = name != NULL ? ir_onnx_names_find(&in->names, name) : NULL;
        if (v == NULL) {
            return base_fail(in->diag, SY_EFORMAT,
                             "%s: output '%s' of function '%s' is defined by no node", in->file,
                             f->output[i], g->name);
        }
        SY_TRY(ir_graph_add_output(g, v, f->output[i]));
    }
    return SY_OK;
}

static sy_status function_domains(onnx_import *in, const Onnx__FunctionProto *f)
{
    if (f->n_opset_import == 0) {
        return SY_OK; /* the model's */
    }
    in->domains = (onnx_domains){0};
    for (size_t i = 0; i < f->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *o = f->opset_import[i];
        const char *domain = text_or_empty(o->domain);
        const onnx_domain d = {ir_intern(in->m, strcmp(domain, "ai.onnx") == 0 ? "" : domain),
                               o->has_version ? o->version : 1};
        if (d.name == NULL || !base_vec_push(in->scratch, &in->domains, d)) {
            return SY_ENOMEM;
        }
    }
    return SY_OK;
}

/* Builds the function in a scope of its own: it sees nothing of its caller. */
static sy_status build_instance(onnx_import *in, size_t index, const onnx_bindings *bindings)
{
    const Onnx__FunctionProto *f = in->instances.items[index].function;
    onnx_import saved = *in;
    SY_TRY(ir_onnx_names_init(&in->names, in->scratch));
    SY_TRY(ir_onnx_names_init(&in->infos, in->scratch));
    in->depth = 0;
    in->call_depth++;
    in->bindings = bindings;
    SY_TRY(function_domains(in, f));
    SY_TRY(function_body(in, f, in->instances.items[index].graph));
    in->names = saved.names;
    in->infos = saved.infos;
    in->domains = saved.domains;
    in->depth = saved.depth;
    in->call_depth = saved.call_depth;
    in->bindings = saved.bindings;
    in->instances.items[index].done = true;
    return SY_OK;
}

static sy_status find_instance(onnx_node *n, const Onnx__FunctionProto *f, ir_graph **out)
{
    onnx_import *in = n->in;
    onnx_bindings *bindings = BASE_ARENA_NEW(in->scratch, onnx_bindings);
    const char *key = NULL;
    if (bindings == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(bind_attributes(n, f, bindings));
    SY_TRY(binding_key(in, bindings, &key));
    for (size_t i = 0; i < in->instances.n; i++) {
        const onnx_instance *have = &in->instances.items[i];
        if (have->function == f && strcmp(have->key, key) == 0) {
            if (!have->done) {
                return ir_onnx_fail(n, SY_EFORMAT, "function '%s' calls itself", n->op);
            }
            *out = have->graph;
            return SY_OK;
        }
    }
    if (in->instances.n >= ONNX_MAX_INSTANCES || in->call_depth >= MAX_CALL_DEPTH) {
        return ir_onnx_fail(n, SY_ERANGE,
                            "more than %d functions or calls nested deeper than %d: refused",
                            ONNX_MAX_INSTANCES, MAX_CALL_DEPTH);
    }
    const char *base = base_arena_printf(in->scratch, "%s.%s", n->domain, n->op);
    const char *name = base != NULL ? ir_name_unique(in->m, base) : NULL;
    onnx_instance instance = {.function = f, .key = key};
    if (name == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(ir_module_add_function(in->m, name, in->diag, &instance.graph));
    if (!base_vec_push(in->scratch, &in->instances, instance)) {
        return SY_ENOMEM;
    }
    SY_TRY(build_instance(in, in->instances.n - 1, bindings));
    *out = instance.graph;
    return SY_OK;
}

sy_status ir_onnx_call(onnx_node *n, bool *built)
{
    onnx_import *in = n->in;
    if (in->model->n_functions == 0 || ir_optable_find(in->m->table, n->domain, n->op) != NULL) {
        return SY_OK;
    }
    if (in->functions.n_keys == 0) {
        SY_TRY(index_functions(in));
    }
    const char *key = function_key(in, n->domain, n->op, &n->proto->base, ONNX_FIELD_NODE_OVERLOAD);
    const Onnx__FunctionProto *f = key != NULL ? ir_onnx_names_find(&in->functions, key) : NULL;
    if (f == NULL) {
        return key != NULL ? SY_OK : SY_ENOMEM;
    }
    if (n->n_inputs > f->n_input || n->n_outputs > f->n_output) {
        return ir_onnx_fail(n, SY_EFORMAT,
                            "%u operands and %u results, the function has %zu and %zu", n->n_inputs,
                            n->n_outputs, f->n_input, f->n_output);
    }
    ir_graph *callee = NULL;
    ir_node *node = NULL;
    ir_value *result = NULL;
    ir_value **operands = BASE_ARENA_ARRAY(in->scratch, ir_value *, f->n_input);
    if (operands == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        operands[i] = n->inputs[i];
    }
    SY_TRY(find_instance(n, f, &callee));
    SY_TRY(ir_node_create(n->graph, NULL, "systole", "Call", text_or_empty(n->proto->name),
                          (uint32_t)f->n_input, operands, (uint32_t)f->n_output, &node));
    node->callee = callee;
    node->number = n->number;
    node->loc = (ir_loc){.file = in->file, .line = n->number + 1};
    for (uint32_t i = 0; i < node->n_outputs; i++) {
        result = node->outputs[i];
        result->loc = node->loc;
        if (i < n->n_outputs) {
            n->outputs[i] = result;
        } else {
            ir_node_drop_output(node, i);
        }
    }
    *built = true;
    return ir_onnx_emit_infer(n, node);
}
