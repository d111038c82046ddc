/*
 * parse.c -- the text form of the IR, in: constants, graphs, nodes. print.c writes it; docs/reference/ir.md describes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "parse_internal.h"
#include "systole/graph/text.h"

#include <locale.h>
#include <string.h>

/* The values that a graph defines so far, by interned name, and the graph around it. */
typedef struct scope {
    ir_graph *graph;
    ir_map values;
    struct scope *outer;
} scope;

/* A call whose function may stand further down. */
typedef struct call {
    ir_node *node;
    const char *name;
    ir_token at;
} call;

typedef struct parser {
    ir_lexer l;
    ir_module *m;
    scope *scope;
    int depth;
    BASE_VEC(call) calls;
} parser;

static sy_status define(parser *p, ir_value *v)
{
    for (const scope *s = p->scope; s != NULL; s = s->outer) {
        if (ir_map_get(&s->values, v->name) != NULL) {
            return ir_lex_error(&p->l, "'%s' is defined twice", v->name);
        }
    }
    return ir_map_put(&p->scope->values, p->m->arena, v->name, v);
}

/* %name: the value; or `_`: NULL. */
static sy_status parse_reference(parser *p, ir_value **out)
{
    const char *name;
    *out = NULL;
    if (ir_lex_is_word(&p->l, "_")) {
        return ir_lex_next(&p->l);
    }
    SY_TRY(ir_lex_expect(&p->l, "%"));
    const ir_lexer before = p->l;
    SY_TRY(ir_parse_name(&p->l, p->m, &name));
    for (const scope *s = p->scope; s != NULL && *out == NULL; s = s->outer) {
        *out = ir_map_get(&s->values, name);
    }
    return *out != NULL ? SY_OK : ir_lex_error(&before, "'%s' is not defined here", name);
}

static sy_status parse_constant_id(parser *p, ir_const **out)
{
    int64_t id;
    SY_TRY(ir_lex_expect(&p->l, "#"));
    if (p->l.token.kind == IR_TOK_INT && (p->l.token.u.i < 0 || p->l.token.u.i >= p->m->n_consts)) {
        return ir_lex_error(&p->l, "constant #%lld is not defined above", (long long)p->l.token.u.i);
    }
    SY_TRY(ir_parse_int(&p->l, "a constant's number", 0, UINT32_MAX, &id));
    *out = p->m->consts[id];
    return SY_OK;
}

static sy_status parse_location(parser *p, ir_loc *loc)
{
    int64_t line, column;
    if (!ir_lex_is_word(&p->l, "loc")) {
        return SY_OK;
    }
    SY_TRY(ir_lex_next(&p->l));
    SY_TRY(ir_lex_expect(&p->l, "("));
    SY_TRY(ir_parse_text(&p->l, p->m, &loc->file));
    SY_TRY(ir_lex_expect(&p->l, ","));
    SY_TRY(ir_parse_int(&p->l, "a line", 0, UINT32_MAX, &line));
    SY_TRY(ir_lex_expect(&p->l, ","));
    SY_TRY(ir_parse_int(&p->l, "a column", 0, UINT32_MAX, &column));
    loc->line = (uint32_t)line;
    loc->column = (uint32_t)column;
    return ir_lex_expect(&p->l, ")");
}

/* What stands behind %name in a definition; `v` supplies and receives it. */
typedef struct definition {
    const char *name;
    ir_type type;
    ir_layout layout;
    ir_loc loc;
} definition;

static sy_status parse_definition(parser *p, definition *d)
{
    *d = (definition){ .name = NULL };
    SY_TRY(ir_lex_expect(&p->l, "%"));
    SY_TRY(ir_parse_name(&p->l, p->m, &d->name));
    SY_TRY(ir_lex_expect(&p->l, ":"));
    SY_TRY(ir_parse_type(&p->l, p->m, 0, &d->type));
    if (ir_lex_is_word(&p->l, "blocked")) {
        int64_t axis, block;
        SY_TRY(ir_lex_next(&p->l));
        SY_TRY(ir_lex_expect(&p->l, "("));
        SY_TRY(ir_parse_int(&p->l, "an axis", 0, IR_MAX_RANK - 1, &axis));
        SY_TRY(ir_lex_expect(&p->l, ","));
        SY_TRY(ir_parse_int(&p->l, "a block size", 1, INT32_MAX, &block));
        SY_TRY(ir_lex_expect(&p->l, ")"));
        d->layout = (ir_layout){ IR_LAYOUT_BLOCKED, (int32_t)axis, (int32_t)block };
    }
    return parse_location(p, &d->loc);
}

static sy_status apply(parser *p, const definition *d, ir_value *v)
{
    v->name = d->name;
    v->type = d->type;
    v->layout = d->layout;
    v->loc = d->loc;
    return define(p, v);
}

/* ---------------------------------------------------------------- attributes */

static sy_status parse_graph(parser *p, ir_graph *g);

static sy_status parse_ints(parser *p, ir_node *n, const char *name)
{
    BASE_VEC(int64_t) list = { 0 };
    sy_status status = SY_OK;
    while (!ir_lex_is(&p->l, "]")) {
        int64_t value;
        SY_TRY(ir_parse_int(&p->l, "an integer", INT64_MIN, INT64_MAX, &value));
        if (!base_vec_push(p->m->arena, &list, value)) {
            return SY_ENOMEM;
        }
        if (!ir_lex_accept(&p->l, ",", &status)) {
            break;
        }
        SY_TRY(status);
    }
    SY_TRY(ir_lex_expect(&p->l, "]"));
    return ir_node_set_ints(n, name, (uint32_t)list.n, list.items);
}

static sy_status parse_floats(parser *p, ir_node *n, const char *name)
{
    BASE_VEC(float) list = { 0 };
    sy_status status = SY_OK;
    while (!ir_lex_is(&p->l, "]")) {
        float value;
        SY_TRY(ir_parse_float(&p->l, &value));
        if (!base_vec_push(p->m->arena, &list, value)) {
            return SY_ENOMEM;
        }
        if (!ir_lex_accept(&p->l, ",", &status)) {
            break;
        }
        SY_TRY(status);
    }
    SY_TRY(ir_lex_expect(&p->l, "]"));
    return ir_node_set_floats(n, name, (uint32_t)list.n, list.items);
}

static sy_status parse_strings(parser *p, ir_node *n, const char *name)
{
    BASE_VEC(ir_str) list = { 0 };
    sy_status status = SY_OK;
    char text[64];
    while (!ir_lex_is(&p->l, "]")) {
        const ir_str value = { p->l.token.text, p->l.token.n };
        if (p->l.token.kind != IR_TOK_STRING) {
            return ir_lex_error(&p->l, "expected a string in quotes, got %s", ir_lex_describe(&p->l, text));
        }
        if (!base_vec_push(p->m->arena, &list, value)) {
            return SY_ENOMEM;
        }
        SY_TRY(ir_lex_next(&p->l));
        if (!ir_lex_accept(&p->l, ",", &status)) {
            break;
        }
        SY_TRY(status);
    }
    SY_TRY(ir_lex_expect(&p->l, "]"));
    return ir_node_set_strings(n, name, (uint32_t)list.n, list.items);
}

/* ints[...], floats[...], strings[...] or graph (...). */
static sy_status parse_word_attr(parser *p, ir_node *n, const char *name)
{
    static const struct {
        const char *word;
        sy_status (*parse)(parser *p, ir_node *n, const char *name);
    } lists[] = { { "ints", parse_ints }, { "floats", parse_floats }, { "strings", parse_strings } };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (ir_lex_is_word(&p->l, lists[i].word)) {
            SY_TRY(ir_lex_next(&p->l));
            SY_TRY(ir_lex_expect(&p->l, "["));
            return lists[i].parse(p, n, name);
        }
    }
    ir_graph *region;
    SY_TRY(ir_lex_expect_word(&p->l, "graph"));
    SY_TRY(ir_node_add_region(n, name, &region));
    return parse_graph(p, region);
}

static sy_status parse_attribute(parser *p, ir_node *n)
{
    const char *name;
    ir_const *c;
    float f;
    char text[64];
    SY_TRY(ir_parse_name(&p->l, p->m, &name));
    if (ir_node_attr(n, name) != NULL) {
        return ir_lex_error(&p->l, "attribute '%s' is given twice", name);
    }
    SY_TRY(ir_lex_expect(&p->l, "="));
    const ir_token t = p->l.token;
    if (ir_parse_is_float(&p->l)) {
        SY_TRY(ir_parse_float(&p->l, &f));
        return ir_node_set_float(n, name, f);
    }
    switch (t.kind) {
    case IR_TOK_INT:
        SY_TRY(ir_node_set_int(n, name, t.u.i));
        return ir_lex_next(&p->l);
    case IR_TOK_STRING:
        SY_TRY(ir_node_set_string(n, name, t.text, t.n));
        return ir_lex_next(&p->l);
    case IR_TOK_WORD:
        return parse_word_attr(p, n, name);
    case IR_TOK_PUNCT:
        SY_TRY(parse_constant_id(p, &c));
        return ir_node_set_tensor(n, name, c);
    case IR_TOK_FLOAT:
    case IR_TOK_HEX:
    case IR_TOK_END:
        break;
    }
    return ir_lex_error(&p->l, "expected the attribute's value, got %s", ir_lex_describe(&p->l, text));
}

/* ---------------------------------------------------------------- nodes */

typedef BASE_VEC(definition) definitions; /* name NULL: unwanted */

static sy_status parse_results(parser *p, definitions *results)
{
    sy_status status = SY_OK;
    if (ir_lex_is(&p->l, "(")) {
        SY_TRY(ir_lex_next(&p->l));
        SY_TRY(ir_lex_expect(&p->l, ")"));
        return ir_lex_expect(&p->l, "=");
    }
    do {
        definition d = { .name = NULL };
        SY_TRY(status);
        if (ir_lex_is_word(&p->l, "_")) {
            SY_TRY(ir_lex_next(&p->l));
        } else {
            SY_TRY(parse_definition(p, &d));
        }
        if (!base_vec_push(p->m->arena, results, d)) {
            return SY_ENOMEM;
        }
    } while (ir_lex_accept(&p->l, ",", &status));
    SY_TRY(status);
    return ir_lex_expect(&p->l, "=");
}

static sy_status parse_operands(parser *p, ir_node *n)
{
    sy_status status = SY_OK;
    SY_TRY(ir_lex_expect(&p->l, "("));
    while (!ir_lex_is(&p->l, ")")) {
        ir_value *v;
        SY_TRY(parse_reference(p, &v));
        SY_TRY(ir_node_add_input(n, v));
        if (!ir_lex_accept(&p->l, ",", &status)) {
            break;
        }
        SY_TRY(status);
    }
    return ir_lex_expect(&p->l, ")");
}

/* { attributes } name "..." number N loc(...), all optional. */
static sy_status parse_tail(parser *p, ir_node *n)
{
    sy_status status = SY_OK;
    if (ir_lex_accept(&p->l, "{", &status)) {
        do {
            SY_TRY(status);
            SY_TRY(parse_attribute(p, n));
        } while (ir_lex_accept(&p->l, ",", &status));
        SY_TRY(status);
        SY_TRY(ir_lex_expect(&p->l, "}"));
    }
    SY_TRY(status);
    if (ir_lex_is_word(&p->l, "name")) {
        SY_TRY(ir_lex_next(&p->l));
        SY_TRY(ir_parse_text(&p->l, p->m, &n->name));
    }
    if (ir_lex_is_word(&p->l, "number")) {
        int64_t number;
        SY_TRY(ir_lex_next(&p->l));
        SY_TRY(ir_parse_int(&p->l, "a node's number", 0, UINT32_MAX - 1, &number));
        n->number = (uint32_t)number;
    }
    return parse_location(p, &n->loc);
}

static sy_status parse_callee(parser *p, ir_node *n)
{
    sy_status status = SY_OK;
    if (!ir_lex_accept(&p->l, "@", &status)) {
        return SY_OK;
    }
    SY_TRY(status);
    call c = { .node = n, .at = p->l.token };
    SY_TRY(ir_parse_name(&p->l, p->m, &c.name));
    return base_vec_push(p->m->arena, &p->calls, c) ? SY_OK : SY_ENOMEM;
}

static sy_status parse_node(parser *p, ir_graph *g)
{
    definitions results = { 0 };
    const char *domain = "", *op;
    ir_node *n;
    SY_TRY(parse_results(p, &results));
    SY_TRY(ir_parse_name(&p->l, p->m, &op));
    if (ir_lex_is(&p->l, "::")) {
        SY_TRY(ir_lex_next(&p->l));
        domain = op;
        SY_TRY(ir_parse_name(&p->l, p->m, &op));
    }
    SY_TRY(ir_node_create(g, NULL, domain, op, NULL, 0, NULL, (uint32_t)results.n, &n));
    SY_TRY(parse_callee(p, n));
    SY_TRY(parse_operands(p, n));
    SY_TRY(parse_tail(p, n));
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        if (results.items[i].name == NULL) {
            n->outputs[i] = NULL;
        } else {
            SY_TRY(apply(p, &results.items[i], n->outputs[i]));
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- graphs */

static sy_status parse_const_value(parser *p, ir_graph *g)
{
    definition d;
    ir_const *c;
    ir_value *v;
    SY_TRY(ir_lex_next(&p->l));
    SY_TRY(parse_definition(p, &d));
    SY_TRY(ir_lex_expect(&p->l, "="));
    SY_TRY(parse_constant_id(p, &c));
    SY_TRY(ir_graph_add_const(g, d.name, c, &v));
    SY_TRY(apply(p, &d, v));
    if (ir_lex_is_word(&p->l, "feedable")) {
        v->feedable = true;
        return ir_lex_next(&p->l);
    }
    return SY_OK;
}

/* States name outputs, which are known only at the end: kept until then. */
typedef struct pending_state {
    ir_value *input;
    int64_t output;
    ir_const *initial;
    ir_lexer at;
} pending_state;

typedef BASE_VEC(pending_state) pending_states;

static sy_status parse_state(parser *p, pending_states *states)
{
    pending_state s = { .initial = NULL };
    sy_status status = SY_OK;
    SY_TRY(ir_lex_next(&p->l));
    s.at = p->l;
    SY_TRY(parse_reference(p, &s.input));
    if (s.input == NULL) {
        return ir_lex_error(&s.at, "a state must be an input");
    }
    SY_TRY(ir_lex_expect(&p->l, "->"));
    SY_TRY(ir_parse_int(&p->l, "an output's number", 0, UINT32_MAX, &s.output));
    if (ir_lex_accept(&p->l, "=", &status)) {
        SY_TRY(status);
        SY_TRY(parse_constant_id(p, &s.initial));
    }
    return base_vec_push(p->m->arena, states, s) ? SY_OK : SY_ENOMEM;
}

/* (inputs): defined in the scope that has just begun. */
static sy_status parse_inputs(parser *p, ir_graph *g)
{
    sy_status status = SY_OK;
    SY_TRY(ir_lex_expect(&p->l, "("));
    while (!ir_lex_is(&p->l, ")")) {
        definition d;
        ir_value *v;
        SY_TRY(parse_definition(p, &d));
        SY_TRY(ir_graph_add_input(g, d.name, NULL, &v));
        SY_TRY(apply(p, &d, v));
        if (!ir_lex_accept(&p->l, ",", &status)) {
            break;
        }
        SY_TRY(status);
    }
    return ir_lex_expect(&p->l, ")");
}

/* Outputs stand before the body that defines them: their text is read again when the body is done. */
static sy_status skip_outputs(parser *p, ir_lexer *begin)
{
    SY_TRY(ir_lex_expect(&p->l, "->"));
    *begin = p->l;
    while (!ir_lex_is(&p->l, ")") && p->l.token.kind != IR_TOK_END) {
        SY_TRY(ir_lex_next(&p->l));
    }
    return ir_lex_expect(&p->l, ")");
}

static sy_status parse_outputs(parser *p, ir_graph *g)
{
    sy_status status = SY_OK;
    SY_TRY(ir_lex_expect(&p->l, "("));
    while (!ir_lex_is(&p->l, ")")) {
        ir_value *v;
        const char *name = NULL;
        const ir_lexer before = p->l;
        SY_TRY(parse_reference(p, &v));
        if (v == NULL) {
            return ir_lex_error(&before, "an output cannot be absent");
        }
        if (ir_lex_is_word(&p->l, "as")) {
            SY_TRY(ir_lex_next(&p->l));
            SY_TRY(ir_parse_text(&p->l, p->m, &name));
        }
        SY_TRY(ir_graph_add_output(g, v, name));
        if (!ir_lex_accept(&p->l, ",", &status)) {
            break;
        }
        SY_TRY(status);
    }
    return ir_lex_is(&p->l, ")") ? SY_OK : ir_lex_expect(&p->l, ")");
}

static sy_status parse_body(parser *p, ir_graph *g)
{
    ir_lexer outputs;
    pending_states states = { 0 };
    SY_TRY(parse_inputs(p, g));
    SY_TRY(skip_outputs(p, &outputs));
    SY_TRY(ir_lex_expect(&p->l, "{"));
    while (!ir_lex_is(&p->l, "}")) {
        if (p->l.token.kind == IR_TOK_END) {
            return ir_lex_error(&p->l, "graph '%s' has no end", g->name);
        }
        if (ir_lex_is_word(&p->l, "const")) {
            SY_TRY(parse_const_value(p, g));
        } else if (ir_lex_is_word(&p->l, "state")) {
            SY_TRY(parse_state(p, &states));
        } else {
            SY_TRY(parse_node(p, g));
        }
    }
    const ir_lexer end = p->l;
    p->l = outputs;
    SY_TRY(parse_outputs(p, g));
    p->l = end;
    for (size_t i = 0; i < states.n; i++) {
        const pending_state *s = &states.items[i];
        base_diag reason = { "" };
        const sy_status status = ir_graph_add_state(g, s->input, (uint32_t)s->output, s->initial, &reason);
        if (status != SY_OK) {
            return status == SY_ENOMEM ? status : ir_lex_error(&s->at, "%s", base_diag_message(&reason));
        }
    }
    return ir_lex_next(&p->l);
}

static sy_status parse_graph(parser *p, ir_graph *g)
{
    scope s = { .graph = g, .outer = p->scope };
    if (++p->depth > IR_PARSE_DEPTH) {
        return ir_lex_error(&p->l, "regions are nested deeper than %d", IR_PARSE_DEPTH);
    }
    p->scope = &s;
    const sy_status status = parse_body(p, g);
    p->scope = s.outer;
    p->depth--;
    return status;
}

/* ---------------------------------------------------------------- constants, module */

typedef struct const_head {
    sy_dtype dtype;
    int32_t rank;
    int64_t dims[IR_MAX_RANK];
    bool state;
    ir_lexer at;
} const_head;

/* A failure of making a constant, at its place in the text. */
static sy_status located(const const_head *h, sy_status status, const base_diag *reason)
{
    return status == SY_OK || status == SY_ENOMEM ? status : ir_lex_error(&h->at, "%s", base_diag_message(reason));
}

static sy_status parse_hex(parser *p, const const_head *h)
{
    const unsigned char *bytes;
    size_t n;
    ir_const *c;
    base_diag reason = { "" };
    SY_TRY(ir_lex_hex_bytes(&p->l, &bytes, &n));
    SY_TRY(located(h, ir_const_inline(p->m, h->dtype, h->rank, h->dims, bytes, n, &reason, &c), &reason));
    if (h->state) {
        if (h->dtype == SY_DT_STRING) {
            return ir_lex_error(&h->at, "a state cannot hold strings");
        }
        c->kind = IR_CONST_STATE;
    }
    return SY_OK;
}

static sy_status parse_derived(parser *p, const const_head *h)
{
    const char *recipe, *params;
    BASE_VEC(ir_const *) sources = { 0 };
    sy_status status = SY_OK;
    ir_const *c;
    base_diag reason = { "" };
    SY_TRY(ir_lex_next(&p->l));
    SY_TRY(ir_parse_text(&p->l, p->m, &recipe));
    SY_TRY(ir_parse_text(&p->l, p->m, &params));
    SY_TRY(ir_lex_expect(&p->l, "("));
    while (!ir_lex_is(&p->l, ")")) {
        SY_TRY(parse_constant_id(p, &c));
        if (!base_vec_push(p->m->arena, &sources, c)) {
            return SY_ENOMEM;
        }
        if (!ir_lex_accept(&p->l, ",", &status)) {
            break;
        }
        SY_TRY(status);
    }
    SY_TRY(ir_lex_expect(&p->l, ")"));
    if (h->state) {
        return ir_lex_error(&h->at, "a state cannot be derived");
    }
    status = ir_const_derived(p->m, h->dtype, h->rank, h->dims, recipe, params, sources.items, (uint32_t)sources.n,
                              &reason, &c);
    return located(h, status, &reason);
}

/* file "path" offset N, or elided 0xhash. */
static sy_status parse_elsewhere(parser *p, const const_head *h)
{
    const char *path = NULL;
    int64_t offset = 0;
    uint64_t hash = 0;
    char text[64];
    ir_const *c;
    base_diag reason = { "" };
    if (ir_lex_is_word(&p->l, "file")) {
        SY_TRY(ir_lex_next(&p->l));
        SY_TRY(ir_parse_text(&p->l, p->m, &path));
        SY_TRY(ir_lex_expect_word(&p->l, "offset"));
        SY_TRY(ir_parse_int(&p->l, "an offset", 0, INT64_MAX, &offset));
        if (h->dtype == SY_DT_STRING) {
            return ir_lex_error(&h->at, "a string tensor cannot be mapped from a file");
        }
    } else {
        SY_TRY(ir_lex_expect_word(&p->l, "elided"));
        if (p->l.token.kind != IR_TOK_HEX) {
            return ir_lex_error(&p->l, "expected a hash, got %s", ir_lex_describe(&p->l, text));
        }
        hash = p->l.token.u.hash;
        SY_TRY(ir_lex_next(&p->l));
    }
    const ir_const_kind kind = h->state ? IR_CONST_STATE : path != NULL ? IR_CONST_FILE : IR_CONST_INLINE;
    const sy_status status =
        ir_const_parsed(p->m, kind, h->dtype, h->rank, h->dims, path, (uint64_t)offset, hash, &reason, &c);
    return located(h, status, &reason);
}

static sy_status parse_constant(parser *p)
{
    const_head h = { .at = p->l };
    int64_t id;
    SY_TRY(ir_lex_next(&p->l));
    SY_TRY(ir_lex_expect(&p->l, "#"));
    if (p->l.token.kind == IR_TOK_INT && p->l.token.u.i != p->m->n_consts) {
        return ir_lex_error(&p->l, "expected constant #%u, got #%lld", p->m->n_consts, (long long)p->l.token.u.i);
    }
    SY_TRY(ir_parse_int(&p->l, "a constant's number", 0, UINT32_MAX, &id));
    SY_TRY(ir_lex_expect(&p->l, "="));
    SY_TRY(ir_parse_const_shape(&p->l, &h.dtype, &h.rank, h.dims));
    h.state = ir_lex_is_word(&p->l, "state");
    if (h.state) {
        SY_TRY(ir_lex_next(&p->l));
    }
    if (ir_lex_is_word(&p->l, "hex")) {
        return parse_hex(p, &h);
    }
    return ir_lex_is_word(&p->l, "derived") ? parse_derived(p, &h) : parse_elsewhere(p, &h);
}

static sy_status parse_function(parser *p)
{
    const char *name;
    ir_graph *g;
    SY_TRY(ir_lex_next(&p->l));
    SY_TRY(ir_lex_expect(&p->l, "@"));
    SY_TRY(ir_parse_name(&p->l, p->m, &name));
    if (ir_module_find_function(p->m, name) != NULL) {
        return ir_lex_error(&p->l, "function '%s' is defined twice", name);
    }
    SY_TRY(ir_module_add_function(p->m, name, NULL, &g));
    if (ir_lex_is_word(&p->l, "main")) {
        p->m->main = g;
        SY_TRY(ir_lex_next(&p->l));
    }
    return parse_graph(p, g);
}

static sy_status parse_module(parser *p)
{
    int64_t version;
    char text[64];
    SY_TRY(ir_lex_expect_word(&p->l, "systole_ir"));
    SY_TRY(ir_parse_int(&p->l, "a version of the text form", 1, 1, &version));
    SY_TRY(ir_lex_expect_word(&p->l, "module"));
    SY_TRY(ir_parse_text(&p->l, p->m, &p->m->name));
    while (ir_lex_is_word(&p->l, "meta")) {
        const char *key, *value;
        SY_TRY(ir_lex_next(&p->l));
        SY_TRY(ir_parse_text(&p->l, p->m, &key));
        SY_TRY(ir_parse_text(&p->l, p->m, &value));
        SY_TRY(ir_module_set_meta(p->m, key, value));
    }
    while (ir_lex_is_word(&p->l, "const")) {
        SY_TRY(parse_constant(p));
    }
    while (ir_lex_is_word(&p->l, "func")) {
        SY_TRY(parse_function(p));
    }
    if (p->l.token.kind != IR_TOK_END) {
        return ir_lex_error(&p->l, "expected 'func' or the end of the text, got %s", ir_lex_describe(&p->l, text));
    }
    for (size_t i = 0; i < p->calls.n; i++) {
        const call *c = &p->calls.items[i];
        c->node->callee = ir_module_find_function(p->m, c->name);
        if (c->node->callee == NULL) {
            p->l.token = c->at;
            return ir_lex_error(&p->l, "there is no function '%s'", c->name);
        }
    }
    return SY_OK;
}

sy_status ir_parse(base_arena *arena, ir_optable *table, const char *file, const char *text, size_t n,
                   base_diag *diag, ir_module **out)
{
    parser p = { .depth = 0 };
    SY_TRY(ir_module_create(arena, table, "", &p.m));
    /* Numbers have a point whatever the program's locale says. */
    const locale_t c_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0) {
        return SY_ENOMEM;
    }
    const locale_t before = uselocale(c_locale);
    sy_status status = ir_lex_begin(&p.l, arena, file, text, n, diag);
    if (status == SY_OK) {
        status = parse_module(&p);
    }
    uselocale(before);
    freelocale(c_locale);
    if (status == SY_OK) {
        *out = p.m;
    }
    return status;
}
