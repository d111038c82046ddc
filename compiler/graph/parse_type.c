/*
 * parse_type.c -- names, numbers, dimensions and types of the text form.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "parse_internal.h"

#include <string.h>

sy_status ir_parse_name(ir_lexer *l, ir_module *m, const char **out)
{
    char text[64];
    const ir_token *t = &l->token;
    if ((t->kind != IR_TOK_WORD && t->kind != IR_TOK_STRING) || strlen(t->text) != t->n) {
        return ir_lex_error(l, "expected a name, got %s", ir_lex_describe(l, text));
    }
    *out = ir_intern(m, t->text);
    return *out != NULL ? ir_lex_next(l) : SY_ENOMEM;
}

sy_status ir_parse_text(ir_lexer *l, ir_module *m, const char **out)
{
    char text[64];
    return l->token.kind == IR_TOK_STRING
               ? ir_parse_name(l, m, out)
               : ir_lex_error(l, "expected a string in quotes, got %s", ir_lex_describe(l, text));
}

sy_status ir_parse_int(ir_lexer *l, const char *what, int64_t low, int64_t high, int64_t *out)
{
    char text[64];
    if (l->token.kind != IR_TOK_INT) {
        return ir_lex_error(l, "expected %s, got %s", what, ir_lex_describe(l, text));
    }
    *out = l->token.u.i;
    if (*out < low || *out > high) {
        return ir_lex_error(l, "expected %s from %lld to %lld, got %lld", what, (long long)low, (long long)high,
                            (long long)*out);
    }
    return ir_lex_next(l);
}

bool ir_parse_is_float(const ir_lexer *l)
{
    return l->token.kind == IR_TOK_FLOAT ||
           (l->token.kind == IR_TOK_WORD && l->token.n == 11 && memcmp(l->token.text, "f0x", 3) == 0);
}

sy_status ir_parse_float(ir_lexer *l, float *out)
{
    char text[64];
    if (!ir_parse_is_float(l)) {
        return ir_lex_error(l, "expected a number with a fraction, got %s", ir_lex_describe(l, text));
    }
    if (l->token.kind == IR_TOK_FLOAT) {
        *out = l->token.u.f;
        return ir_lex_next(l);
    }
    uint32_t bits = 0;
    for (const char *p = l->token.text + 3; *p != '\0'; p++) {
        const bool digit = *p >= '0' && *p <= '9';
        if (!digit && !(*p >= 'a' && *p <= 'f')) {
            return ir_lex_error(l, "malformed bits of a number: '%s'", l->token.text);
        }
        bits = bits << 4 | (uint32_t)(digit ? *p - '0' : *p - 'a' + 10);
    }
    memcpy(out, &bits, sizeof bits);
    return ir_lex_next(l);
}

/* ---------------------------------------------------------------- dimensions */

/* The expression exists, or the reason why not stands at the current token. */
static sy_status made(ir_lexer *l, ir_module *m, ir_dim d)
{
    base_diag reason = { "" };
    const sy_status status = ir_dim_check(m, d, &reason, "in this dimension");
    return status == SY_OK || status == SY_ENOMEM ? status : ir_lex_error(l, "%s", base_diag_message(&reason));
}

static sy_status parse_division(ir_lexer *l, ir_module *m, int depth, bool ceil, ir_dim *out)
{
    ir_dim a, b;
    SY_TRY(ir_lex_expect(l, "("));
    SY_TRY(ir_parse_dim(l, m, depth + 1, &a));
    SY_TRY(ir_lex_expect(l, ","));
    SY_TRY(ir_parse_dim(l, m, depth + 1, &b));
    *out = ceil ? ir_dim_ceil_div(m, a, b) : ir_dim_floor_div(m, a, b);
    SY_TRY(made(l, m, *out));
    return ir_lex_expect(l, ")");
}

static sy_status parse_factor(ir_lexer *l, ir_module *m, int depth, ir_dim *out)
{
    const char *name = NULL;
    if (ir_lex_is(l, "(")) {
        SY_TRY(ir_lex_next(l));
        SY_TRY(ir_parse_dim(l, m, depth + 1, out));
        return ir_lex_expect(l, ")");
    }
    if (l->token.kind == IR_TOK_INT) {
        *out = ir_dim_const(m, l->token.u.i);
        SY_TRY(made(l, m, *out));
        return ir_lex_next(l);
    }
    const bool ceil = ir_lex_is_word(l, "ceil");
    if (ceil || ir_lex_is_word(l, "floor")) {
        SY_TRY(ir_lex_next(l));
        return parse_division(l, m, depth, ceil, out);
    }
    SY_TRY(ir_parse_name(l, m, &name));
    *out = ir_dim_symbol(m, name);
    return made(l, m, *out);
}

static sy_status parse_product(ir_lexer *l, ir_module *m, int depth, ir_dim *out)
{
    SY_TRY(parse_factor(l, m, depth, out));
    while (ir_lex_is(l, "*")) {
        ir_dim factor;
        SY_TRY(ir_lex_next(l));
        SY_TRY(parse_factor(l, m, depth, &factor));
        *out = ir_dim_mul(m, *out, factor);
        SY_TRY(made(l, m, *out));
    }
    return SY_OK;
}

sy_status ir_parse_dim(ir_lexer *l, ir_module *m, int depth, ir_dim *out)
{
    if (depth > IR_PARSE_DEPTH) {
        return ir_lex_error(l, "expressions are nested deeper than %d", IR_PARSE_DEPTH);
    }
    SY_TRY(parse_product(l, m, depth, out));
    while (ir_lex_is(l, "+")) {
        ir_dim term;
        SY_TRY(ir_lex_next(l));
        SY_TRY(parse_product(l, m, depth, &term));
        *out = ir_dim_add(m, *out, term);
        SY_TRY(made(l, m, *out));
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- types */

static sy_status parse_dtype(ir_lexer *l, sy_dtype *out)
{
    char text[64];
    *out = SY_DT_NONE;
    if (l->token.kind == IR_TOK_WORD) {
        *out = sy_dtype_from_name(l->token.text, l->token.n);
    }
    if (*out == SY_DT_NONE && !ir_lex_is_word(l, "none")) {
        return ir_lex_error(l, "expected an element type, got %s", ir_lex_describe(l, text));
    }
    return ir_lex_next(l);
}

static sy_status parse_quant(ir_lexer *l, ir_module *m, ir_type *t)
{
    BASE_VEC(float) scales = { 0 };
    BASE_VEC(int32_t) zeros = { 0 };
    int64_t axis = -1, zero = 0;
    sy_status status = SY_OK;
    SY_TRY(ir_lex_next(l));
    SY_TRY(ir_lex_expect(l, "("));
    if (ir_lex_is_word(l, "axis")) {
        SY_TRY(ir_lex_next(l));
        SY_TRY(ir_parse_int(l, "an axis", 0, IR_MAX_RANK - 1, &axis));
        SY_TRY(ir_lex_expect(l, ":"));
    }
    do {
        float scale;
        SY_TRY(status);
        SY_TRY(ir_parse_float(l, &scale));
        SY_TRY(ir_parse_int(l, "a zero point", INT32_MIN, INT32_MAX, &zero));
        if (!base_vec_push(l->arena, &scales, scale) || !base_vec_push(l->arena, &zeros, (int32_t)zero)) {
            return SY_ENOMEM;
        }
    } while (ir_lex_accept(l, ",", &status));
    SY_TRY(status);
    status = ir_type_with_quant(m, t, (int32_t)axis, (uint32_t)scales.n, scales.items, zeros.items, t);
    if (status == SY_EINVAL) {
        return ir_lex_error(l, "these quantisation parameters do not fit the type");
    }
    SY_TRY(status);
    return ir_lex_expect(l, ")");
}

static sy_status parse_tensor(ir_lexer *l, ir_module *m, int depth, ir_type *out)
{
    sy_dtype dtype;
    ir_dim dims[IR_MAX_RANK];
    int32_t rank = 0;
    sy_status status = SY_OK;
    SY_TRY(parse_dtype(l, &dtype));
    SY_TRY(ir_lex_expect(l, "["));
    if (ir_lex_is(l, "*")) {
        SY_TRY(ir_lex_next(l));
        rank = -1;
    } else if (!ir_lex_is(l, "]")) {
        do {
            SY_TRY(status);
            if (rank == IR_MAX_RANK) {
                return ir_lex_error(l, "a tensor has at most %d dimensions", IR_MAX_RANK);
            }
            SY_TRY(ir_parse_dim(l, m, depth + 1, &dims[rank++]));
        } while (ir_lex_accept(l, ",", &status));
        SY_TRY(status);
    }
    for (int32_t i = 0; i < rank; i++) {
        int64_t size;
        if (ir_dim_is_const(dims[i], &size) && size < 0) {
            return ir_lex_error(l, "dimension %d is negative", i);
        }
    }
    SY_TRY(ir_type_tensor(m, dtype, rank, dims, out));
    SY_TRY(ir_lex_expect(l, "]"));
    return ir_lex_is_word(l, "quant") ? parse_quant(l, m, out) : SY_OK;
}

sy_status ir_parse_type(ir_lexer *l, ir_module *m, int depth, ir_type *out)
{
    static const struct {
        const char *word;
        ir_type_kind kind;
    } wrappers[] = { { "sequence", IR_TYPE_SEQUENCE }, { "optional", IR_TYPE_OPTIONAL }, { "map", IR_TYPE_MAP } };
    if (depth > IR_PARSE_DEPTH) {
        return ir_lex_error(l, "types are nested deeper than %d", IR_PARSE_DEPTH);
    }
    if (ir_lex_is(l, "?")) {
        *out = (ir_type){ .kind = IR_TYPE_UNKNOWN };
        return ir_lex_next(l);
    }
    for (size_t i = 0; i < sizeof wrappers / sizeof wrappers[0]; i++) {
        if (!ir_lex_is_word(l, wrappers[i].word)) {
            continue;
        }
        ir_type elem;
        sy_dtype key = SY_DT_NONE;
        SY_TRY(ir_lex_next(l));
        SY_TRY(ir_lex_expect(l, "<"));
        if (wrappers[i].kind == IR_TYPE_MAP) {
            SY_TRY(parse_dtype(l, &key));
            SY_TRY(ir_lex_expect(l, ","));
        }
        SY_TRY(ir_parse_type(l, m, depth + 1, &elem));
        SY_TRY(ir_type_sequence(m, &elem, out));
        out->kind = wrappers[i].kind;
        out->dtype = key;
        return ir_lex_expect(l, ">");
    }
    return parse_tensor(l, m, depth, out);
}

sy_status ir_parse_const_shape(ir_lexer *l, sy_dtype *dtype, int32_t *rank, int64_t dims[IR_MAX_RANK])
{
    sy_status status = SY_OK;
    SY_TRY(parse_dtype(l, dtype));
    SY_TRY(ir_lex_expect(l, "["));
    *rank = 0;
    if (!ir_lex_is(l, "]")) {
        do {
            SY_TRY(status);
            if (*rank == IR_MAX_RANK) {
                return ir_lex_error(l, "a tensor has at most %d dimensions", IR_MAX_RANK);
            }
            SY_TRY(ir_parse_int(l, "a size", 0, INT64_MAX, &dims[*rank]));
            (*rank)++;
        } while (ir_lex_accept(l, ",", &status));
        SY_TRY(status);
    }
    return ir_lex_expect(l, "]");
}
