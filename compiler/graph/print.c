/*
 * print.c -- the text form of the IR, out. parse.c reads it; docs/reference/ir.md describes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"
#include "systole/graph/text.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <string.h>

typedef struct printer {
    base_buf buf;
    bool one_line; /* regions elided */
} printer;

static void quoted(base_buf *b, const char *text, size_t n)
{
    base_buf_putc(b, '"');
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') {
            base_buf_putc(b, '\\');
            base_buf_putc(b, (char)c);
        } else if (c < 0x20 || c >= 0x7f) {
            base_buf_printf(b, "\\x%02x", c);
        } else {
            base_buf_putc(b, (char)c);
        }
    }
    base_buf_putc(b, '"');
}

static bool is_word(const char *text)
{
    const unsigned char first = (unsigned char)text[0];
    if (!((first | 0x20) >= 'a' && (first | 0x20) <= 'z') && first != '_') {
        return false;
    }
    for (const char *p = text; *p != '\0'; p++) {
        const unsigned char c = (unsigned char)*p;
        const bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '.') {
            return false;
        }
    }
    return strcmp(text, "_") != 0;
}

/* A name: bare if it is a word, else quoted. */
static void name(base_buf *b, const char *text)
{
    if (is_word(text)) {
        base_buf_puts(b, text);
    } else {
        quoted(b, text, strlen(text));
    }
}

static void number(base_buf *b, float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    if (!isfinite(f)) {
        base_buf_printf(b, "f0x%08x", bits);
        return;
    }
    char text[32];
    snprintf(text, sizeof text, "%.9g", (double)f);
    base_buf_puts(b, text);
    if (strpbrk(text, ".e") == NULL) {
        base_buf_puts(b, ".0");
    }
}

/* ---------------------------------------------------------------- dimensions, types */

static void dim(base_buf *b, ir_dim d, bool in_product)
{
    if (d == NULL) {
        base_buf_putc(b, '?');
        return;
    }
    switch (d->kind) {
    case IR_DIM_CONST:
        base_buf_printf(b, "%" PRId64, d->value);
        break;
    case IR_DIM_SYMBOL:
        if (strcmp(d->name, "floor") == 0 || strcmp(d->name, "ceil") == 0) {
            quoted(b, d->name, strlen(d->name));
        } else {
            name(b, d->name);
        }
        break;
    case IR_DIM_SUM:
    case IR_DIM_PRODUCT:
        if (in_product) {
            base_buf_putc(b, '(');
        }
        for (uint32_t i = 0; i < d->n_args; i++) {
            if (i > 0) {
                base_buf_puts(b, d->kind == IR_DIM_SUM ? " + " : "*");
            }
            dim(b, d->args[i], d->kind == IR_DIM_PRODUCT);
        }
        if (in_product) {
            base_buf_putc(b, ')');
        }
        break;
    case IR_DIM_FLOOR_DIV:
    case IR_DIM_CEIL_DIV:
        base_buf_puts(b, d->kind == IR_DIM_FLOOR_DIV ? "floor(" : "ceil(");
        dim(b, d->args[0], false);
        base_buf_puts(b, ", ");
        dim(b, d->args[1], false);
        base_buf_putc(b, ')');
        break;
    }
}

static void quant(base_buf *b, const ir_quant *q)
{
    base_buf_puts(b, " quant(");
    if (q->axis >= 0) {
        base_buf_printf(b, "axis %d: ", q->axis);
    }
    for (uint32_t i = 0; i < q->n; i++) {
        base_buf_puts(b, i > 0 ? ", " : "");
        number(b, q->scales[i]);
        base_buf_printf(b, " %d", q->zeros[i]);
    }
    base_buf_putc(b, ')');
}

static void shape(base_buf *b, const ir_type *t)
{
    base_buf_putc(b, '[');
    if (!t->has_rank) {
        base_buf_putc(b, '*');
    }
    for (int32_t i = 0; i < t->rank; i++) {
        base_buf_puts(b, i > 0 ? ", " : "");
        dim(b, t->dims[i], false);
    }
    base_buf_putc(b, ']');
}

static void type(base_buf *b, const ir_type *t)
{
    switch (t->kind) {
    case IR_TYPE_UNKNOWN:
        base_buf_putc(b, '?');
        return;
    case IR_TYPE_TENSOR:
        base_buf_puts(b, sy_dtype_name(t->dtype));
        shape(b, t);
        if (t->quant != NULL) {
            quant(b, t->quant);
        }
        return;
    case IR_TYPE_SEQUENCE:
        base_buf_puts(b, "sequence<");
        break;
    case IR_TYPE_OPTIONAL:
        base_buf_puts(b, "optional<");
        break;
    case IR_TYPE_MAP:
        base_buf_printf(b, "map<%s, ", sy_dtype_name(t->dtype));
        break;
    }
    type(b, t->elem);
    base_buf_putc(b, '>');
}

/* ---------------------------------------------------------------- values, attributes, nodes */

static void location(base_buf *b, const ir_loc *loc)
{
    if (loc->file != NULL) {
        base_buf_puts(b, " loc(");
        quoted(b, loc->file, strlen(loc->file));
        base_buf_printf(b, ", %u, %u)", loc->line, loc->column);
    }
}

static void reference(base_buf *b, const ir_value *v)
{
    if (v == NULL) {
        base_buf_putc(b, '_');
        return;
    }
    base_buf_putc(b, '%');
    name(b, v->name);
}

static void definition(base_buf *b, const ir_value *v)
{
    reference(b, v);
    if (v == NULL) {
        return;
    }
    base_buf_puts(b, ": ");
    type(b, &v->type);
    if (v->layout.kind == IR_LAYOUT_BLOCKED) {
        base_buf_printf(b, " blocked(%d, %d)", v->layout.axis, v->layout.block);
    }
    location(b, &v->loc);
}

static void graph(printer *p, const ir_graph *g, int depth);

static void attribute(printer *p, const ir_attr *a, int depth)
{
    base_buf *b = &p->buf;
    static const char *const lists[] = { [IR_ATTR_INTS] = "ints[", [IR_ATTR_FLOATS] = "floats[",
                                         [IR_ATTR_STRINGS] = "strings[" };
    name(b, a->name);
    base_buf_puts(b, " = ");
    switch (a->kind) {
    case IR_ATTR_INT:
        base_buf_printf(b, "%" PRId64, a->u.i);
        return;
    case IR_ATTR_FLOAT:
        number(b, a->u.f);
        return;
    case IR_ATTR_STRING:
        quoted(b, a->u.s.text, a->u.s.n);
        return;
    case IR_ATTR_TENSOR:
        base_buf_printf(b, "#%u", a->u.tensor->id);
        return;
    case IR_ATTR_GRAPH:
        base_buf_puts(b, "graph ");
        if (p->one_line) {
            base_buf_puts(b, "{...}");
        } else {
            graph(p, a->u.graph, depth + 1);
        }
        return;
    case IR_ATTR_INTS:
    case IR_ATTR_FLOATS:
    case IR_ATTR_STRINGS:
        break;
    }
    base_buf_puts(b, lists[a->kind]);
    for (uint32_t i = 0; i < a->n; i++) {
        base_buf_puts(b, i > 0 ? ", " : "");
        if (a->kind == IR_ATTR_INTS) {
            base_buf_printf(b, "%" PRId64, a->u.ints[i]);
        } else if (a->kind == IR_ATTR_FLOATS) {
            number(b, a->u.floats[i]);
        } else {
            quoted(b, a->u.strings[i].text, a->u.strings[i].n);
        }
    }
    base_buf_putc(b, ']');
}

static void node(printer *p, const ir_node *n, int depth)
{
    base_buf *b = &p->buf;
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        base_buf_puts(b, i > 0 ? ", " : "");
        definition(b, n->outputs[i]);
    }
    base_buf_puts(b, n->n_outputs > 0 ? " = " : "() = ");
    if (n->domain[0] != '\0') {
        name(b, n->domain);
        base_buf_puts(b, "::");
    }
    name(b, n->op_name);
    if (n->callee != NULL) {
        base_buf_puts(b, " @");
        name(b, n->callee->name);
    }
    base_buf_putc(b, '(');
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        base_buf_puts(b, i > 0 ? ", " : "");
        reference(b, n->inputs[i].value);
    }
    base_buf_putc(b, ')');
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        base_buf_puts(b, i > 0 ? ", " : " {");
        attribute(p, &n->attrs[i], depth);
    }
    base_buf_puts(b, n->n_attrs > 0 ? "}" : "");
    if (n->name[0] != '\0') {
        base_buf_puts(b, " name ");
        quoted(b, n->name, strlen(n->name));
    }
    if (n->number != UINT32_MAX) {
        base_buf_printf(b, " number %u", n->number);
    }
    location(b, &n->loc);
}

/* ---------------------------------------------------------------- graphs */

static void indent(base_buf *b, int depth)
{
    for (int i = 0; i < depth; i++) {
        base_buf_puts(b, "  ");
    }
}

static void signature(base_buf *b, const ir_graph *g)
{
    base_buf_putc(b, '(');
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        base_buf_puts(b, i > 0 ? ", " : "");
        definition(b, g->inputs[i]);
    }
    base_buf_puts(b, ") -> (");
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        const ir_output *o = g->outputs[i];
        base_buf_puts(b, i > 0 ? ", " : "");
        reference(b, o->use.value);
        if (o->name != o->use.value->name) {
            base_buf_puts(b, " as ");
            quoted(b, o->name, strlen(o->name));
        }
    }
    base_buf_putc(b, ')');
}

/* `depth` is that of the line it begins on. */
static void graph(printer *p, const ir_graph *g, int depth)
{
    base_buf *b = &p->buf;
    signature(b, g);
    base_buf_puts(b, " {\n");
    for (uint32_t i = 0; i < g->n_consts; i++) {
        indent(b, depth + 1);
        base_buf_puts(b, "const ");
        definition(b, g->consts[i]);
        base_buf_printf(b, " = #%u%s\n", g->consts[i]->constant->id, g->consts[i]->feedable ? " feedable" : "");
    }
    for (const ir_node *n = g->first; n != NULL; n = n->next) {
        indent(b, depth + 1);
        node(p, n, depth);
        base_buf_putc(b, '\n');
    }
    for (uint32_t i = 0; i < g->n_states; i++) {
        indent(b, depth + 1);
        base_buf_puts(b, "state ");
        reference(b, g->states[i].input);
        base_buf_printf(b, " -> %u", g->states[i].output);
        if (g->states[i].initial != NULL) {
            base_buf_printf(b, " = #%u", g->states[i].initial->id);
        }
        base_buf_putc(b, '\n');
    }
    indent(b, depth);
    base_buf_putc(b, '}');
}

/* ---------------------------------------------------------------- constants, modules */

static void hex(base_buf *b, const void *data, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    base_buf_puts(b, "hex ");
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = ((const unsigned char *)data)[i];
        base_buf_putc(b, digits[c >> 4]);
        base_buf_putc(b, digits[c & 15]);
    }
    base_buf_puts(b, n == 0 ? "-" : "");
}

static void file_bytes(base_buf *b, const char *path, uint64_t offset)
{
    base_buf_puts(b, "file ");
    quoted(b, path, strlen(path));
    base_buf_printf(b, " offset %" PRIu64, offset);
}

/* Appends the bytes to the side file, aligned for mapping. */
static sy_status side_bytes(base_buf *b, const ir_print_options *o, const ir_const *c, base_diag *diag)
{
    static const char zeros[64] = { 0 };
    const long at = ftell(o->data);
    if (at < 0) {
        return base_fail(diag, SY_EIO, "'%s' cannot take the bytes of constants", o->data_path);
    }
    const size_t padding = (size_t)(-at & 63);
    if (fwrite(zeros, 1, padding, o->data) != padding || fwrite(c->data, 1, c->size_bytes, o->data) != c->size_bytes) {
        return base_fail(diag, SY_EIO, "writing '%s' failed", o->data_path);
    }
    file_bytes(b, o->data_path, (uint64_t)at + padding);
    return SY_OK;
}

static sy_status constant(base_buf *b, const ir_print_options *o, ir_module *m, ir_const *c, base_diag *diag)
{
    base_buf_printf(b, "const #%u = %s[", c->id, sy_dtype_name(c->dtype));
    for (int32_t i = 0; i < c->rank; i++) {
        base_buf_printf(b, "%s%" PRId64, i > 0 ? ", " : "", c->dims[i]);
    }
    base_buf_puts(b, c->kind == IR_CONST_STATE ? "] state " : "] ");
    if (c->kind == IR_CONST_DERIVED) {
        base_buf_puts(b, "derived ");
        quoted(b, c->recipe, strlen(c->recipe));
        base_buf_putc(b, ' ');
        quoted(b, c->params, strlen(c->params));
        base_buf_puts(b, " (");
        for (uint32_t i = 0; i < c->n_sources; i++) {
            base_buf_printf(b, "%s#%u", i > 0 ? ", " : "", c->sources[i]->id);
        }
        base_buf_putc(b, ')');
    } else if (c->path != NULL) {
        file_bytes(b, c->path, c->offset);
    } else if (c->data != NULL && (c->size_bytes <= IR_PRINT_INLINE_BYTES || c->dtype == SY_DT_STRING)) {
        hex(b, c->data, c->size_bytes);
    } else if (c->data != NULL && o != NULL && o->data != NULL) {
        SY_TRY(side_bytes(b, o, c, diag));
    } else {
        uint64_t hash;
        SY_TRY(ir_const_hash(m, c, diag, &hash));
        base_buf_printf(b, "elided 0x%016" PRIx64, hash);
    }
    base_buf_putc(b, '\n');
    return SY_OK;
}

static sy_status module(printer *p, const ir_print_options *o, ir_module *m, base_diag *diag)
{
    base_buf *b = &p->buf;
    base_buf_puts(b, "systole_ir 1\nmodule ");
    quoted(b, m->name, strlen(m->name));
    base_buf_putc(b, '\n');
    for (uint32_t i = 0; i < m->n_meta; i++) {
        base_buf_puts(b, "meta ");
        quoted(b, m->meta[i].key, strlen(m->meta[i].key));
        base_buf_putc(b, ' ');
        quoted(b, m->meta[i].value, strlen(m->meta[i].value));
        base_buf_putc(b, '\n');
    }
    for (uint32_t i = 0; i < m->n_consts; i++) {
        SY_TRY(constant(b, o, m, m->consts[i], diag));
    }
    for (uint32_t i = 0; i < m->n_graphs; i++) {
        base_buf_puts(b, "func @");
        name(b, m->graphs[i]->name);
        base_buf_puts(b, m->graphs[i] == m->main ? " main " : " ");
        graph(p, m->graphs[i], 0);
        base_buf_putc(b, '\n');
    }
    return base_buf_status(b);
}

/* Numbers have a point whatever the program's locale says. */
static sy_status enter_c_locale(locale_t *c_locale, locale_t *before)
{
    *c_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (*c_locale == (locale_t)0) {
        return SY_ENOMEM;
    }
    *before = uselocale(*c_locale);
    return SY_OK;
}

static void leave_c_locale(locale_t c_locale, locale_t before)
{
    uselocale(before);
    freelocale(c_locale);
}

sy_status ir_print(ir_module *m, const ir_print_options *options, base_arena *arena, base_diag *diag, char **out,
                   size_t *out_n)
{
    printer p = { .one_line = false };
    locale_t c_locale, before;
    SY_TRY(enter_c_locale(&c_locale, &before));
    sy_status status = module(&p, options, m, diag);
    leave_c_locale(c_locale, before);
    char *text = status == SY_OK ? base_arena_strndup(arena, p.buf.data, p.buf.n_bytes) : NULL;
    if (status == SY_OK && text == NULL) {
        status = SY_ENOMEM;
    }
    if (status == SY_OK) {
        *out = text;
        if (out_n != NULL) {
            *out_n = p.buf.n_bytes;
        }
    }
    base_buf_free(&p.buf);
    return status;
}

static const char *finish(base_buf *b, base_arena *arena)
{
    const char *text = base_buf_status(b) == SY_OK && b->data != NULL ? base_arena_strndup(arena, b->data, b->n_bytes)
                                                                       : NULL;
    base_buf_free(b);
    return text;
}

const char *ir_node_text(const ir_node *n, base_arena *arena)
{
    printer p = { .one_line = true };
    locale_t c_locale, before;
    if (enter_c_locale(&c_locale, &before) != SY_OK) {
        return NULL;
    }
    node(&p, n, 0);
    leave_c_locale(c_locale, before);
    return finish(&p.buf, arena);
}

const char *ir_type_text(const ir_type *t, base_arena *arena)
{
    base_buf b = { 0 };
    locale_t c_locale, before;
    if (enter_c_locale(&c_locale, &before) != SY_OK) {
        return NULL;
    }
    type(&b, t);
    leave_c_locale(c_locale, before);
    return finish(&b, arena);
}

const char *ir_dim_text(ir_dim d, base_arena *arena)
{
    base_buf b = { 0 };
    dim(&b, d, false);
    return finish(&b, arena);
}
