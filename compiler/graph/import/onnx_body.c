/*
 * onnx_body.c -- functions of the table: finds them, and what their bodies are written with.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_body.h"

#include <stdarg.h>
#include <string.h>

ir_value *ir_body_input(const onnx_body *b, uint32_t i)
{
    return i < b->n->n_inputs ? b->n->inputs[i] : NULL;
}

bool ir_body_wants(const onnx_body *b, uint32_t i)
{
    return i < b->n->n_outputs && b->n->proto->output[i][0] != '\0';
}

void ir_body_fail(onnx_body *b, sy_status status, const char *what)
{
    if (b->status == SY_OK) {
        b->status = ir_onnx_fail(b->n, status, "%s", what);
    }
}

/* ---------------------------------------------------------------- attributes of the function */

int64_t ir_body_int(onnx_body *b, const char *name, int64_t fallback)
{
    bool found = false;
    if (b->status == SY_OK) {
        b->status = ir_onnx_take_int(b->n, name, &fallback, &found);
    }
    return fallback;
}

float ir_body_float(onnx_body *b, const char *name, float fallback)
{
    bool found = false;
    if (b->status == SY_OK) {
        b->status = ir_onnx_take_float(b->n, name, &fallback, &found);
    }
    return fallback;
}

const char *ir_body_text(onnx_body *b, const char *name, const char *fallback)
{
    const Onnx__AttributeProto *a = ir_onnx_attr_take(b->n, name);
    if (a == NULL || b->status != SY_OK) {
        return fallback;
    }
    const bool empty = !a->has_s || a->s.data == NULL;
    const char *text = ir_intern_n(b->n->in->m, empty ? "" : (const char *)a->s.data, empty ? 0 : a->s.len);
    if (text == NULL) {
        b->status = SY_ENOMEM;
    }
    return text != NULL ? text : fallback;
}

ir_value *ir_body_graph(onnx_body *b, const char *name, ir_value *argument)
{
    const Onnx__AttributeProto *a = ir_onnx_attr_take(b->n, name);
    ir_value *result = NULL;
    if (a == NULL || b->status != SY_OK) {
        return argument;
    }
    if (a->g == NULL) {
        ir_body_fail(b, SY_EFORMAT, "one of its attributes is no graph");
        return NULL;
    }
    b->status = ir_onnx_inline(b->n, a->g, argument, &result);
    return b->status == SY_OK ? result : NULL;
}

/* ---------------------------------------------------------------- operators */

/* One attribute by its "name:kind". */
static sy_status set_attr(ir_node *node, const char *name, char kind, va_list *args)
{
    switch (kind) {
    case 'i':
        return ir_node_set_int(node, name, va_arg(*args, int64_t));
    case 'f':
        return ir_node_set_float(node, name, (float)va_arg(*args, double));
    case 's': {
        const char *text = va_arg(*args, const char *);
        return ir_node_set_string(node, name, text, strlen(text));
    }
    case 'I': {
        const uint32_t n = va_arg(*args, uint32_t);
        return ir_node_set_ints(node, name, n, va_arg(*args, const int64_t *));
    }
    default: /* the bodies are ours: any other kind is a slip */
        SY_UNREACHABLE();
    }
}

static sy_status set_attrs(onnx_body *b, ir_node *node, const char *attrs, va_list *args)
{
    for (const char *p = attrs; p != NULL && *p != '\0';) {
        const size_t n = strcspn(p, ":");
        const char *name = ir_intern_n(b->n->in->m, p, n);
        if (name == NULL) {
            return SY_ENOMEM;
        }
        SY_TRY(set_attr(node, name, p[n + 1], args));
        p += n + 2;
        p += strspn(p, " ");
    }
    return SY_OK;
}

static sy_status make(onnx_body *b, uint32_t code, uint32_t n_inputs, ir_value *const *inputs,
                      uint32_t n_outputs, ir_value **outputs, const char *attrs, va_list *args)
{
    ir_node *node = NULL;
    ir_value *first = NULL;
    while (n_inputs > 0 && inputs[n_inputs - 1] == NULL) {
        n_inputs--;
    }
    SY_TRY(ir_onnx_emit_many(b->n, code, n_inputs, inputs, n_outputs, &node, &first));
    SY_TRY(set_attrs(b, node, attrs, args));
    SY_TRY(ir_onnx_emit_infer(b->n, node));
    for (uint32_t i = 0; i < n_outputs; i++) {
        outputs[i] = node->outputs[i];
    }
    return SY_OK;
}

ir_value *ir_body_op(onnx_body *b, uint32_t code, uint32_t n_inputs, ir_value *const *inputs,
                     const char *attrs, ...)
{
    ir_value *out = NULL;
    va_list args;
    if (b->status != SY_OK) {
        return NULL;
    }
    va_start(args, attrs);
    b->status = make(b, code, n_inputs, inputs, 1, &out, attrs, &args);
    va_end(args);
    return b->status == SY_OK ? out : NULL;
}

void ir_body_ops(onnx_body *b, uint32_t code, uint32_t n_inputs, ir_value *const *inputs,
                 uint32_t n_outputs, ir_value **outputs, const char *attrs, ...)
{
    va_list args;
    memset(outputs, 0, n_outputs * sizeof *outputs);
    if (b->status == SY_OK) {
        va_start(args, attrs);
        b->status = make(b, code, n_inputs, inputs, n_outputs, outputs, attrs, &args);
        va_end(args);
    }
}

static sy_status make_rest(onnx_body *b, uint32_t code, uint32_t n_inputs, ir_value *const *inputs,
                           uint32_t n_outputs, ir_value **outputs)
{
    ir_node *node = NULL;
    ir_value *first = NULL;
    onnx_node plain = *b->n;
    const ir_op *row = ir_optable_row(b->n->in->m->table, code);
    plain.domain = row->domain; /* attributes are checked against this row */
    plain.op = row->name;
    while (n_inputs > 0 && inputs[n_inputs - 1] == NULL) {
        n_inputs--;
    }
    SY_TRY(ir_onnx_emit_many(b->n, code, n_inputs, inputs, n_outputs, &node, &first));
    SY_TRY(ir_onnx_attrs_set(&plain, node));
    SY_TRY(ir_onnx_emit_infer(b->n, node));
    for (uint32_t i = 0; i < n_outputs; i++) {
        outputs[i] = node->outputs[i];
    }
    b->n->n_attrs = 0;
    return SY_OK;
}

void ir_body_rest(onnx_body *b, uint32_t code, uint32_t n_inputs, ir_value *const *inputs,
                  uint32_t n_outputs, ir_value **outputs)
{
    memset(outputs, 0, n_outputs * sizeof *outputs);
    if (b->status == SY_OK) {
        b->status = make_rest(b, code, n_inputs, inputs, n_outputs, outputs);
    }
}

ir_value *ir_body_number(onnx_body *b, const ir_value *x, float value)
{
    ir_value *v = NULL;
    if (b->status != SY_OK) {
        return NULL;
    }
    b->status = ir_onnx_emit_const(b->n, SY_DT_F32, 0, NULL, &value, sizeof value, &v);
    const sy_dtype dtype = x != NULL ? x->type.dtype : SY_DT_NONE;
    if (b->status != SY_OK || dtype == SY_DT_F32) {
        return v;
    }
    if (dtype == SY_DT_NONE) {
        ir_body_fail(b, SY_EUNSUPPORTED, "the type of an operand is not known");
    }
    return ir_body_op(b, IR_OP_CAST, IR_BODY(v), "to:i", (int64_t)dtype);
}

ir_value *ir_body_ints(onnx_body *b, uint32_t n, const int64_t *values)
{
    ir_value *v = NULL;
    if (b->status == SY_OK) {
        b->status = ir_onnx_emit_i64s(b->n, n, values, &v);
    }
    return v;
}

int32_t ir_body_rank(onnx_body *b, const ir_value *v)
{
    if (b->status == SY_OK && (v == NULL || v->type.kind != IR_TYPE_TENSOR || !v->type.has_rank)) {
        ir_body_fail(b, SY_EUNSUPPORTED, "the rank of an operand is not known");
    }
    return b->status == SY_OK ? v->type.rank : 0;
}

/* ---------------------------------------------------------------- the table */

typedef struct function {
    const char *domain, *name;
    int64_t since;
    uint32_t min_inputs, min_outputs, max_outputs;
    onnx_body_fn body;
} function;

static const function functions[] = {
#define FUNCTION(domain, name, since, min_in, min_out, max_out, body, line) \
    {domain, name, since, min_in, min_out, max_out, body},
#define QLINEAR(domain, name, rule, line)
#define OLDER(name, line)
#include "functions.def"
#undef FUNCTION
#undef QLINEAR
#undef OLDER
};

static const ir_import_function listed[] = {
#define FUNCTION(domain, name, since, min_in, min_out, max_out, body, line) {domain, name, since, line},
#define QLINEAR(domain, name, rule, line) {domain, name, 1, line},
#define OLDER(name, line) {"", name, 1, line},
#include "functions.def"
#undef FUNCTION
#undef QLINEAR
#undef OLDER
};

const ir_import_function *ir_import_functions(size_t *n)
{
    *n = sizeof listed / sizeof listed[0];
    return listed;
}

static const function *find(const onnx_node *n)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        const function *f = &functions[i];
        if (strcmp(f->domain, n->domain) == 0 && strcmp(f->name, n->op) == 0 && n->version >= f->since) {
            return f;
        }
    }
    return NULL;
}

sy_status ir_onnx_function_rules(onnx_node *n, bool *built)
{
    const function *f = find(n);
    if (f == NULL) {
        return SY_OK;
    }
    if (n->n_inputs < f->min_inputs) {
        return ir_onnx_fail(n, SY_EFORMAT, "%u operands, expected at least %u", n->n_inputs, f->min_inputs);
    }
    if (n->n_outputs < f->min_outputs || n->n_outputs > f->max_outputs) {
        return ir_onnx_fail(n, SY_EFORMAT, "%u results, expected %u to %u", n->n_outputs, f->min_outputs, f->max_outputs);
    }
    onnx_body b = {.n = n, .status = SY_OK};
    f->body(&b);
    SY_TRY(b.status);
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        if (n->outputs[i] == NULL && ir_body_wants(&b, i)) {
            return ir_onnx_fail(n, SY_EUNSUPPORTED, "result %u is not made here", i);
        }
    }
    if (n->n_attrs > 0) {
        return ir_onnx_fail(n, SY_EUNSUPPORTED, "attribute '%s' is not known", n->attrs[0]->name);
    }
    *built = true;
    return SY_OK;
}
