/*
 * onnx_attr.c -- AttributeProto to attributes; references of functions to their caller's
 * attributes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_internal.h"

#include <string.h>

static const char *const kind_names[] = {
    [IR_ATTR_INT] = "int",       [IR_ATTR_FLOAT] = "float",     [IR_ATTR_STRING] = "string",
    [IR_ATTR_TENSOR] = "tensor", [IR_ATTR_GRAPH] = "graph",     [IR_ATTR_INTS] = "ints",
    [IR_ATTR_FLOATS] = "floats", [IR_ATTR_STRINGS] = "strings",
};

/* IR version 1 had no `type`: the field that is set tells. */
static int guess_type(const Onnx__AttributeProto *a)
{
    return a->has_f           ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT
           : a->has_i         ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT
           : a->has_s         ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING
           : a->t != NULL     ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR
           : a->g != NULL     ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH
           : a->n_floats > 0  ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS
           : a->n_ints > 0    ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS
           : a->n_strings > 0 ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS
                              : ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED;
}

sy_status ir_onnx_attr_kind(const onnx_node *n, const Onnx__AttributeProto *a, ir_attr_kind *out)
{
    const int type = a->has_type && a->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED
                         ? (int)a->type
                         : guess_type(a);
    bool there = true;
    switch (type) { /* a number from the file, not one of our enums */
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT:
        *out = IR_ATTR_FLOAT;
        break;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT:
        *out = IR_ATTR_INT;
        break;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING:
        *out = IR_ATTR_STRING;
        break;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR:
        *out = IR_ATTR_TENSOR;
        there = a->t != NULL;
        break;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH:
        *out = IR_ATTR_GRAPH;
        there = a->g != NULL;
        break;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS:
        *out = IR_ATTR_FLOATS;
        break;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS:
        *out = IR_ATTR_INTS;
        break;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS:
        *out = IR_ATTR_STRINGS;
        break;
    default:
        return ir_onnx_fail(n, SY_EUNSUPPORTED,
                            "attribute '%s' is of kind %d (lists of tensors or graphs, sparse "
                            "tensors, types), which is not supported",
                            a->name, type);
    }
    return there ? SY_OK : ir_onnx_fail(n, SY_EFORMAT, "attribute '%s' has no value", a->name);
}

/* ---------------------------------------------------------------- binding */

static const Onnx__AttributeProto *binding(const onnx_import *in, const char *name)
{
    for (uint32_t i = 0; in->bindings != NULL && i < in->bindings->n; i++) {
        if (strcmp(in->bindings->attrs[i]->name, name) == 0) {
            return in->bindings->attrs[i];
        }
    }
    return NULL;
}

sy_status ir_onnx_attrs_bind(onnx_node *n)
{
    const Onnx__NodeProto *p = n->proto;
    n->n_attrs = 0;
    n->attrs = BASE_ARENA_ARRAY(n->in->scratch, const Onnx__AttributeProto *, p->n_attribute);
    if (n->attrs == NULL) {
        return SY_ENOMEM;
    }
    for (size_t i = 0; i < p->n_attribute; i++) {
        const Onnx__AttributeProto *a = p->attribute[i];
        if (a->name == NULL || a->name[0] == '\0') {
            return ir_onnx_fail(n, SY_EFORMAT, "an attribute has no name");
        }
        if (ir_onnx_attr_find(n, a->name) != NULL) {
            return ir_onnx_fail(n, SY_EFORMAT, "attribute '%s' is given twice", a->name);
        }
        if (n->n_attrs >=
            256) { /* keeps the search for duplicates cheap; no operator has a tenth of it */
            return ir_onnx_fail(n, SY_ERANGE, "more than 256 attributes");
        }
        if (a->ref_attr_name != NULL && a->ref_attr_name[0] != '\0') {
            if (n->in->bindings == NULL) {
                return ir_onnx_fail(n, SY_EFORMAT,
                                    "attribute '%s' refers to '%s', but this is no function",
                                    a->name, a->ref_attr_name);
            }
            const Onnx__AttributeProto *value = binding(n->in, a->ref_attr_name);
            if (value == NULL) {
                continue; /* the caller gave none: the operator's default holds */
            }
            Onnx__AttributeProto *copy = base_arena_memdup(n->in->scratch, value, 1, sizeof *value);
            if (copy == NULL) {
                return SY_ENOMEM;
            }
            copy->name = a->name;
            a = copy;
        }
        n->attrs[n->n_attrs++] = a;
    }
    return SY_OK;
}

const Onnx__AttributeProto *ir_onnx_attr_find(const onnx_node *n, const char *name)
{
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        if (strcmp(n->attrs[i]->name, name) == 0) {
            return n->attrs[i];
        }
    }
    return NULL;
}

const Onnx__AttributeProto *ir_onnx_attr_take(onnx_node *n, const char *name)
{
    const Onnx__AttributeProto *a = ir_onnx_attr_find(n, name);
    for (uint32_t i = 0, k = 0; a != NULL && i < n->n_attrs; i++) {
        if (n->attrs[i] != a) {
            n->attrs[k++] = n->attrs[i];
        }
    }
    n->n_attrs -= a != NULL;
    return a;
}

static sy_status take(onnx_node *n, const char *name, ir_attr_kind kind,
                      const Onnx__AttributeProto **out)
{
    ir_attr_kind have = kind;
    *out = ir_onnx_attr_take(n, name);
    if (*out != NULL) {
        SY_TRY(ir_onnx_attr_kind(n, *out, &have));
    }
    return have == kind ? SY_OK
                        : ir_onnx_fail(n, SY_EFORMAT, "attribute '%s' is of kind %s, expected %s",
                                       name, kind_names[have], kind_names[kind]);
}

sy_status ir_onnx_take_int(onnx_node *n, const char *name, int64_t *out, bool *found)
{
    const Onnx__AttributeProto *a = NULL;
    SY_TRY(take(n, name, IR_ATTR_INT, &a));
    *found = a != NULL;
    *out = a != NULL ? a->i : *out;
    return SY_OK;
}

sy_status ir_onnx_take_float(onnx_node *n, const char *name, float *out, bool *found)
{
    const Onnx__AttributeProto *a = NULL;
    SY_TRY(take(n, name, IR_ATTR_FLOAT, &a));
    *found = a != NULL;
    *out = a != NULL ? a->f : *out;
    return SY_OK;
}

sy_status ir_onnx_take_ints(onnx_node *n, const char *name, const int64_t **out, uint32_t *n_out,
                            bool *found)
{
    const Onnx__AttributeProto *a = NULL;
    SY_TRY(take(n, name, IR_ATTR_INTS, &a));
    *found = a != NULL;
    if (a != NULL) {
        if (a->n_ints > UINT32_MAX) {
            return ir_onnx_fail(n, SY_ERANGE, "attribute '%s' is too long", name);
        }
        *out = a->ints;
        *n_out = (uint32_t)a->n_ints;
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- setting */

static sy_status check_against_table(const onnx_node *n, const Onnx__AttributeProto *a,
                                     ir_attr_kind kind)
{
    const ir_op *row = ir_optable_find(n->in->m->table, n->domain, n->op);
    ir_attr_kind wanted = kind;
    if (row == NULL || strcmp(row->attrs, "*") == 0) {
        return SY_OK;
    }
    if (!ir_op_attr_kind(row, a->name, &wanted)) {
        return ir_onnx_fail(n, SY_EUNSUPPORTED,
                            "attribute '%s' is not one of %s's in operator set %lld%s%s", a->name,
                            n->op, (long long)n->version, row->attrs[0] != '\0' ? "; it has " : "",
                            row->attrs);
    }
    return wanted == kind ? SY_OK
                          : ir_onnx_fail(n, SY_EFORMAT, "attribute '%s' is of kind %s, expected %s",
                                         a->name, kind_names[kind], kind_names[wanted]);
}

static sy_status set_strings(const onnx_node *n, ir_node *node, const Onnx__AttributeProto *a)
{
    ir_str *strings = BASE_ARENA_ARRAY(n->in->scratch, ir_str, a->n_strings);
    if (strings == NULL) {
        return SY_ENOMEM;
    }
    for (size_t i = 0; i < a->n_strings; i++) {
        strings[i] = (ir_str){a->strings[i].data != NULL ? (const char *)a->strings[i].data : "",
                              a->strings[i].len};
    }
    return ir_node_set_strings(node, a->name, (uint32_t)a->n_strings, strings);
}

static sy_status set_tensor(const onnx_node *n, ir_node *node, const Onnx__AttributeProto *a)
{
    ir_const *c = NULL;
    const char *what = base_arena_printf(n->in->scratch, "node '%s' (%s): attribute '%s'",
                                         n->proto->name != NULL ? n->proto->name : "", n->op,
                                         a->name);
    if (what == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(ir_onnx_tensor(n->in, a->t, what, &c));
    return ir_node_set_tensor(node, a->name, c);
}

static sy_status set_region(const onnx_node *n, ir_node *node, const Onnx__AttributeProto *a)
{
    onnx_import *in = n->in;
    ir_graph *g = NULL;
    if (in->depth >= ONNX_MAX_REGION_DEPTH) {
        return ir_onnx_fail(n, SY_ERANGE, "regions are nested deeper than %d",
                            ONNX_MAX_REGION_DEPTH);
    }
    SY_TRY(ir_node_add_region(node, a->name, &g));
    in->depth++;
    SY_TRY(ir_onnx_graph(in, a->g, g, false)); /* after a failure the depth does not matter */
    in->depth--;
    return SY_OK;
}

static sy_status set_one(const onnx_node *n, ir_node *node, const Onnx__AttributeProto *a)
{
    ir_attr_kind kind = IR_ATTR_INT;
    SY_TRY(ir_onnx_attr_kind(n, a, &kind));
    SY_TRY(check_against_table(n, a, kind));
    if (a->n_ints > UINT32_MAX || a->n_floats > UINT32_MAX || a->n_strings > UINT32_MAX) {
        return ir_onnx_fail(n, SY_ERANGE, "attribute '%s' is too long", a->name);
    }
    switch (kind) {
    case IR_ATTR_INT:
        return ir_node_set_int(node, a->name, a->i);
    case IR_ATTR_FLOAT:
        return ir_node_set_float(node, a->name, a->f);
    case IR_ATTR_STRING:
        return ir_node_set_string(node, a->name, a->s.data != NULL ? (const char *)a->s.data : "",
                                  a->s.len);
    case IR_ATTR_TENSOR:
        return set_tensor(n, node, a);
    case IR_ATTR_GRAPH:
        return set_region(n, node, a);
    case IR_ATTR_INTS:
        return ir_node_set_ints(node, a->name, (uint32_t)a->n_ints, a->ints);
    case IR_ATTR_FLOATS:
        return ir_node_set_floats(node, a->name, (uint32_t)a->n_floats, a->floats);
    case IR_ATTR_STRINGS:
        return set_strings(n, node, a);
    }
    SY_UNREACHABLE();
}

sy_status ir_onnx_attrs_set(const onnx_node *n, ir_node *node)
{
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        SY_TRY(set_one(n, node, n->attrs[i]));
    }
    return SY_OK;
}
