/*
 * onnx_graph.c -- graphs, their initializers, inputs, nodes and outputs, into the IR.
 *
 * Each node is inferred as soon as it is built, so that the rules for old operator sets see types
 * and ranks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* What to call a node in a message: its name, else its first result. */
static const char *node_title(const Onnx__NodeProto *p)
{
    return p->name != NULL && p->name[0] != '\0' ? p->name : p->n_output > 0 ? p->output[0] : "";
}

sy_status ir_onnx_fail(const onnx_node *n, sy_status status, const char *fmt, ...)
{
    char text[BASE_DIAG_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return base_fail(n->in->diag, status, "%s: node '%s' (%s, node %u): %s", n->in->file,
                     node_title(n->proto), n->op, n->number, text);
}

/* ---------------------------------------------------------------- names */

static sy_status bind(onnx_import *in, ir_value *v)
{
    const sy_status status = ir_onnx_names_bind(&in->names, v->name, v);
    return status == SY_EINVAL ? base_fail(in->diag, SY_EFORMAT,
                                           "%s: the name '%s' is given to two values, expected one",
                                           in->file, v->name)
                               : status;
}

static sy_status find_value(onnx_import *in, const char *name, ir_value **out)
{
    const char *interned = ir_intern(in->m, name);
    *out = interned != NULL ? ir_onnx_names_find(&in->names, interned) : NULL;
    return interned != NULL ? SY_OK : SY_ENOMEM;
}

/* ---------------------------------------------------------------- declared types */

static sy_status declare(onnx_import *in, size_t n, Onnx__ValueInfoProto *const *infos)
{
    for (size_t i = 0; i < n; i++) {
        if (infos[i]->name == NULL || infos[i]->type == NULL) {
            continue;
        }
        const char *interned = ir_intern(in->m, infos[i]->name);
        if (interned == NULL) {
            return SY_ENOMEM;
        }
        const sy_status status = ir_onnx_names_bind(&in->infos, interned, infos[i]->type);
        if (status != SY_OK && status != SY_EINVAL) { /* the first of two declarations stands */
            return status;
        }
    }
    return SY_OK;
}

/*
 * What inference does not know, the declared type may fill in. Where both know, inference is right:
 * exporters leave stale declarations behind, and ONNX Runtime ignores them too.
 */
static sy_status fill_type(onnx_import *in, ir_value *v)
{
    const bool open = v->type.kind == IR_TYPE_UNKNOWN ||
                      (v->type.kind == IR_TYPE_TENSOR &&
                       (!v->type.has_rank || v->type.dtype == SY_DT_NONE));
    const Onnx__TypeProto *info = open ? ir_onnx_names_find(&in->infos, v->name) : NULL;
    ir_type declared, merged;
    if (info == NULL) {
        return SY_OK;
    }
    SY_TRY(ir_onnx_type(in, info, v->name, &declared));
    if (declared.kind == IR_TYPE_TENSOR && in->sizes_changed) {
        SY_TRY(ir_type_tensor(in->m, declared.dtype, -1, NULL, &declared));
    }
    const sy_status status = ir_type_merge(in->m, &v->type, &declared, &merged);
    if (status == SY_OK) {
        v->type = merged;
    } else {
        base_diag_clear(in->diag);
    }
    return status == SY_ENOMEM ? status : SY_OK;
}

/* ---------------------------------------------------------------- nodes */

static sy_status resolve_inputs(onnx_node *n)
{
    const Onnx__NodeProto *p = n->proto;
    if (p->n_input >= IR_MANY || p->n_output >= IR_MANY) {
        return ir_onnx_fail(n, SY_ERANGE, "%zu operands and %zu results: too many", p->n_input,
                            p->n_output);
    }
    n->n_inputs = (uint32_t)p->n_input;
    n->inputs = BASE_ARENA_ARRAY(n->in->scratch, ir_value *, p->n_input);
    n->n_outputs = (uint32_t)p->n_output;
    n->outputs = BASE_ARENA_ARRAY(n->in->scratch, ir_value *, p->n_output);
    if (n->inputs == NULL || n->outputs == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        if (p->input[i][0] == '\0') {
            continue;
        }
        SY_TRY(find_value(n->in, p->input[i], &n->inputs[i]));
        if (n->inputs[i] == NULL) {
            return ir_onnx_fail(n, SY_EFORMAT,
                                "operand %u is '%s', which nothing before it defines", i,
                                p->input[i]);
        }
    }
    return SY_OK;
}

static sy_status find_version(onnx_node *n)
{
    const onnx_import *in = n->in;
    n->version = 1; /* models of IR version 1 import nothing */
    for (size_t i = 0; i < in->domains.n; i++) {
        if (in->domains.items[i].name == n->domain) {
            n->version = in->domains.items[i].version;
        }
    }
    return SY_OK;
}

static sy_status node_begin(onnx_import *in, const Onnx__NodeProto *p, ir_graph *g, onnx_node *n)
{
    const char *domain = text_or_empty(p->domain);
    *n = (onnx_node){.in = in, .proto = p, .graph = g, .number = in->n_numbers++};
    n->domain = ir_intern(in->m, strcmp(domain, "ai.onnx") == 0 ? "" : domain);
    n->op = ir_intern(in->m, text_or_empty(p->op_type));
    if (n->domain == NULL || n->op == NULL) {
        return SY_ENOMEM;
    }
    if (n->op[0] == '\0') {
        return ir_onnx_fail(n, SY_EFORMAT, "the node has no operator");
    }
    SY_TRY(find_version(n));
    SY_TRY(resolve_inputs(n));
    return ir_onnx_attrs_bind(n);
}

static void mark_source(const onnx_node *n, ir_node *node)
{
    node->number = n->number;
    node->loc = (ir_loc){.file = n->in->file, .line = n->number < UINT32_MAX ? n->number + 1 : 0};
    for (uint32_t i = 0; i < node->n_outputs; i++) {
        if (node->outputs[i] != NULL) {
            node->outputs[i]->loc = node->loc;
        }
    }
}

static bool has_region(const ir_node *node)
{
    for (uint32_t i = 0; i < node->n_attrs; i++) {
        if (node->attrs[i].kind == IR_ATTR_GRAPH) {
            return true;
        }
    }
    return false;
}

sy_status ir_onnx_emit_infer(const onnx_node *n, ir_node *node)
{
    /* the owner of the outermost region infers all inside: once for each level would be quadratic
     */
    if (n->in->depth > 0 && has_region(node)) {
        return SY_OK;
    }
    const sy_status status = ir_infer_node(node, n->in->diag);
    return status == SY_OK || status == SY_ENOMEM
               ? status
               : base_fail(n->in->diag, status, "%s: %s", n->in->file,
                           base_diag_message(n->in->diag));
}

sy_status ir_onnx_emit_many(const onnx_node *n, uint32_t code, uint32_t n_inputs,
                            ir_value *const *inputs, uint32_t n_outputs, ir_node **node,
                            ir_value **first)
{
    const ir_op *row = ir_optable_row(n->in->m->table, code);
    SY_TRY(ir_node_create(n->graph, NULL, row->domain, row->name, text_or_empty(n->proto->name),
                          n_inputs, inputs, n_outputs, node));
    mark_source(n, *node);
    *first = (*node)->outputs[0];
    return SY_OK;
}

sy_status ir_onnx_emit(const onnx_node *n, uint32_t code, uint32_t n_inputs,
                       ir_value *const *inputs, ir_node **node, ir_value **result)
{
    return ir_onnx_emit_many(n, code, n_inputs, inputs, 1, node, result);
}

sy_status ir_onnx_emit_const(const onnx_node *n, sy_dtype dtype, int32_t rank, const int64_t *dims,
                             const void *data, size_t n_bytes, ir_value **out)
{
    ir_const *c = NULL;
    SY_TRY(ir_const_inline(n->in->m, dtype, rank, dims, data, n_bytes, n->in->diag, &c));
    SY_TRY(ir_graph_add_const(n->graph, NULL, c, out));
    (*out)->loc = (ir_loc){.file = n->in->file, .line = n->number + 1};
    return SY_OK;
}

sy_status ir_onnx_emit_i64s(const onnx_node *n, uint32_t count, const int64_t *values,
                            ir_value **out)
{
    const int64_t dims[1] = {count};
    return ir_onnx_emit_const(n, SY_DT_I64, 1, dims, values, count * sizeof *values, out);
}

/* The node as it stands, one to one. */
static sy_status build_plain(onnx_node *n)
{
    ir_node *node = NULL;
    while (n->n_inputs > 0 && n->inputs[n->n_inputs - 1] == NULL) {
        n->n_inputs--;
    }
    SY_TRY(ir_node_create(n->graph, NULL, n->domain, n->op, text_or_empty(n->proto->name),
                          n->n_inputs, n->inputs, n->n_outputs, &node));
    mark_source(n, node);
    SY_TRY(ir_onnx_attrs_set(n, node));
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        n->outputs[i] = node->outputs[i];
        if (n->proto->output[i][0] !=
            '\0') { /* before inference, whose messages and symbols have the name in them */
            SY_TRY(ir_value_rename(n->outputs[i], n->proto->output[i]));
        }
    }
    return ir_onnx_emit_infer(n, node);
}

/* Names the results as the model does; those without a name are not wanted. */
static sy_status name_outputs(onnx_node *n)
{
    const Onnx__NodeProto *p = n->proto;
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        ir_value *v = n->outputs[i];
        if (p->output[i][0] == '\0') {
            if (v != NULL && v->kind == IR_VALUE_RESULT && v->n_uses == 0) {
                ir_node_drop_output(v->producer, v->index);
            }
            continue;
        }
        SY_ASSERT(v != NULL);
        SY_TRY(ir_value_rename(v, p->output[i]));
        SY_TRY(bind(n->in, v));
        SY_TRY(fill_type(n->in, v));
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- Constant */

static sy_status constant_of(onnx_node *n, const Onnx__AttributeProto *a, ir_const **out)
{
    ir_module *m = n->in->m;
    ir_attr_kind kind = IR_ATTR_INT;
    int64_t dims[1] = {0};
    if (a->sparse_tensor != NULL) {
        const char *what = base_arena_printf(n->in->scratch, "constant '%s'", n->proto->output[0]);
        return what == NULL ? SY_ENOMEM : ir_onnx_sparse(n->in, a->sparse_tensor, what, out);
    }
    SY_TRY(ir_onnx_attr_kind(n, a, &kind));
    switch (kind) {
    case IR_ATTR_TENSOR: {
        const char *what = base_arena_printf(n->in->scratch, "constant '%s'", n->proto->output[0]);
        return what == NULL ? SY_ENOMEM : ir_onnx_tensor(n->in, a->t, what, out);
    }
    case IR_ATTR_INT:
        return ir_const_i64(m, a->i, out);
    case IR_ATTR_FLOAT:
        return ir_const_f32(m, a->f, out);
    case IR_ATTR_INTS:
        dims[0] = (int64_t)a->n_ints;
        return ir_const_inline(m, SY_DT_I64, 1, dims, a->ints, a->n_ints * sizeof *a->ints,
                               n->in->diag, out);
    case IR_ATTR_FLOATS:
        dims[0] = (int64_t)a->n_floats;
        return ir_const_inline(m, SY_DT_F32, 1, dims, a->floats, a->n_floats * sizeof *a->floats,
                               n->in->diag, out);
    case IR_ATTR_STRING:
    case IR_ATTR_STRINGS: {
        Onnx__TensorProto t =
            ONNX__TENSOR_PROTO__INIT; /* one path for strings: as a tensor of them */
        ProtobufCBinaryData one = a->s;
        t.has_data_type = true;
        t.data_type = SY_DT_STRING;
        dims[0] = (int64_t)a->n_strings;
        t.n_dims = kind == IR_ATTR_STRINGS;
        t.dims = dims;
        t.n_string_data = kind == IR_ATTR_STRINGS ? a->n_strings : 1;
        t.string_data = kind == IR_ATTR_STRINGS ? a->strings : &one;
        return ir_onnx_tensor(n->in, &t, "constant", out);
    }
    case IR_ATTR_GRAPH:
        break;
    }
    return ir_onnx_fail(n, SY_EFORMAT, "attribute '%s' is no value for a constant", a->name);
}

/* Constant nodes become constants: one attribute whose name begins with "value". */
static sy_status build_constant(onnx_node *n, bool *built)
{
    ir_const *c = NULL;
    if (n->domain[0] != '\0' || strcmp(n->op, "Constant") != 0) {
        return SY_OK;
    }
    if (n->n_attrs != 1 || n->n_inputs != 0 || n->n_outputs != 1 ||
        (strncmp(n->attrs[0]->name, "value", 5) != 0 &&
         strcmp(n->attrs[0]->name, "sparse_value") != 0)) {
        return ir_onnx_fail(
            n, SY_EFORMAT,
            "expected one attribute value... and one result, got %u attributes and %u results",
            n->n_attrs, n->n_outputs);
    }
    *built = true;
    SY_TRY(constant_of(n, n->attrs[0], &c));
    SY_TRY(ir_graph_add_const(n->graph, NULL, c, &n->outputs[0]));
    n->outputs[0]->loc = (ir_loc){.file = n->in->file, .line = n->number + 1};
    return SY_OK;
}

/* ---------------------------------------------------------------- graphs */

static sy_status import_node(onnx_import *in, const Onnx__NodeProto *p, ir_graph *g)
{
    onnx_node n;
    bool built = false;
    SY_TRY(node_begin(in, p, g, &n));
    SY_TRY(build_constant(&n, &built));
    if (!built) {
        SY_TRY(ir_onnx_call(&n, &built));
    }
    if (!built) {
        SY_TRY(ir_onnx_qlinear_rules(&n, &built));
    }
    if (!built) {
        SY_TRY(ir_onnx_function_rules(&n, &built));
    }
    if (!built) {
        SY_TRY(ir_onnx_opset_rules(&n, &built));
    }
    if (!built) {
        SY_TRY(build_plain(&n));
    }
    return name_outputs(&n);
}

sy_status ir_onnx_nodes(onnx_import *in, size_t n_nodes, Onnx__NodeProto *const *nodes, ir_graph *g)
{
    uint32_t *order = NULL;
    SY_TRY(ir_onnx_order(in, n_nodes, nodes, &order));
    for (size_t i = 0; i < n_nodes; i++) {
        SY_TRY(import_node(in, nodes[order[i]], g));
    }
    return SY_OK;
}

static sy_status add_constant(onnx_import *in, ir_graph *g, const char *name, ir_const *c)
{
    ir_value *v = NULL;
    SY_TRY(ir_graph_add_const(g, name, c, &v));
    v->loc.file = in->file;
    return bind(in, v);
}

static sy_status add_initializers(onnx_import *in, const Onnx__GraphProto *p, ir_graph *g)
{
    for (size_t i = 0; i < p->n_initializer + p->n_sparse_initializer; i++) {
        const Onnx__SparseTensorProto *sparse =
            i < p->n_initializer ? NULL : p->sparse_initializer[i - p->n_initializer];
        const Onnx__TensorProto *t = sparse == NULL ? p->initializer[i] : sparse->values;
        ir_const *c = NULL;
        if (t == NULL || t->name == NULL || t->name[0] == '\0') {
            return base_fail(in->diag, SY_EFORMAT, "%s: initializer %zu has no name", in->file, i);
        }
        const char *what = base_arena_printf(in->scratch, "initializer '%s'", t->name);
        if (what == NULL) {
            return SY_ENOMEM;
        }
        SY_TRY(sparse == NULL ? ir_onnx_tensor(in, t, what, &c) : ir_onnx_sparse(in, sparse, what, &c));
        SY_TRY(add_constant(in, g, t->name, c));
    }
    return SY_OK;
}

/* An input that is an initializer too: a constant that the caller may feed. */
static sy_status mark_feedable(onnx_import *in, ir_value *v, const ir_type *declared)
{
    ir_type merged;
    if (v->feedable) {
        return base_fail(in->diag, SY_EFORMAT, "%s: input '%s' is listed twice", in->file, v->name);
    }
    v->feedable = true;
    if (ir_type_merge(in->m, &v->type, declared, &merged) != SY_OK) {
        base_diag_clear(in->diag);
        return base_fail(in->diag, SY_ESHAPE,
                         "%s: input '%s' and its initializer have different types or shapes",
                         in->file, v->name);
    }
    return SY_OK;
}

static bool fixes_size(const ir_type *a, const ir_type *b)
{
    for (int32_t i = 0; a->has_rank && b->has_rank && i < a->rank && i < b->rank; i++) {
        if (ir_dim_is_const(a->dims[i], NULL) && a->dims[i] != b->dims[i]) {
            return true;
        }
    }
    return a->has_rank && (!b->has_rank || a->rank != b->rank);
}

static sy_status add_input(onnx_import *in, const Onnx__ValueInfoProto *p, ir_graph *g,
                           bool is_main)
{
    ir_value *v = NULL;
    ir_type type, declared;
    if (p->name == NULL || p->name[0] == '\0') {
        return base_fail(in->diag, SY_EFORMAT, "%s: an input of graph '%s' has no name", in->file,
                         g->name);
    }
    SY_TRY(ir_onnx_type(in, p->type, p->name, &type));
    SY_TRY(find_value(in, p->name, &v));
    if (v != NULL && v->graph == g && v->kind == IR_VALUE_CONST) {
        return mark_feedable(in, v, &type);
    }
    declared = type;
    if (is_main) {
        SY_TRY(ir_onnx_shape_given(in, p->name, &type));
        in->sizes_changed = in->sizes_changed || fixes_size(&declared, &type);
    }
    SY_TRY(ir_graph_add_input(g, p->name, &type, &v));
    v->loc.file = in->file;
    return bind(in, v);
}

static sy_status add_output(onnx_import *in, const Onnx__ValueInfoProto *p, ir_graph *g)
{
    ir_value *v = NULL;
    if (p->name == NULL || p->name[0] == '\0') {
        return base_fail(in->diag, SY_EFORMAT, "%s: an output of graph '%s' has no name", in->file,
                         g->name);
    }
    SY_TRY(find_value(in, p->name, &v));
    if (v == NULL) {
        return base_fail(in->diag, SY_EFORMAT,
                         "%s: output '%s' of graph '%s' is defined by no node", in->file, p->name,
                         g->name);
    }
    return ir_graph_add_output(g, v, p->name);
}

sy_status ir_onnx_inline(onnx_node *n, const Onnx__GraphProto *p, ir_value *argument, ir_value **result)
{
    onnx_import *in = n->in;
    if (p->n_input != 1 || p->n_output != 1 || p->input[0]->name == NULL ||
        p->output[0]->name == NULL) {
        return ir_onnx_fail(n, SY_EFORMAT, "its graph has %zu inputs and %zu outputs, expected one of each",
                            p->n_input, p->n_output);
    }
    if (in->depth >= ONNX_MAX_REGION_DEPTH) {
        return ir_onnx_fail(n, SY_ERANGE, "graphs lie more than %d deep in each other", ONNX_MAX_REGION_DEPTH);
    }
    const char *name = ir_intern(in->m, p->input[0]->name);
    const size_t names = ir_onnx_names_enter(&in->names), infos = ir_onnx_names_enter(&in->infos);
    if (name == NULL) {
        return SY_ENOMEM;
    }
    in->depth++;
    SY_TRY(add_initializers(in, p, n->graph));
    if (ir_onnx_names_bind(&in->names, name, argument) != SY_OK) {
        return ir_onnx_fail(n, SY_EFORMAT, "its graph's input '%s' has the name of another value", name);
    }
    SY_TRY(ir_onnx_nodes(in, p->n_node, p->node, n->graph));
    SY_TRY(find_value(in, p->output[0]->name, result));
    in->depth--;
    ir_onnx_names_leave(&in->names, names);
    ir_onnx_names_leave(&in->infos, infos);
    return *result != NULL ? SY_OK
                           : ir_onnx_fail(n, SY_EFORMAT, "its graph's output '%s' is defined by no node",
                                          p->output[0]->name);
}

sy_status ir_onnx_graph(onnx_import *in, const Onnx__GraphProto *p, ir_graph *g, bool is_main)
{
    const size_t names = ir_onnx_names_enter(&in->names), infos = ir_onnx_names_enter(&in->infos);
    SY_TRY(add_initializers(in, p, g));
    for (size_t i = 0; i < p->n_input; i++) {
        SY_TRY(add_input(in, p->input[i], g, is_main));
    }
    SY_TRY(declare(in, p->n_value_info, p->value_info));
    SY_TRY(declare(in, p->n_output, p->output));
    SY_TRY(ir_onnx_nodes(in, p->n_node, p->node, g));
    for (size_t i = 0; i < p->n_output; i++) {
        SY_TRY(add_output(in, p->output[i], g));
    }
    ir_onnx_names_leave(&in->names, names);
    ir_onnx_names_leave(&in->infos, infos);
    return SY_OK;
}
