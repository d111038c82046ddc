/*
 * lex.c -- tokens of the IR's text form.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lex.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sy_status error_at(const ir_lexer *l, uint32_t line, uint32_t column, const char *fmt, va_list args)
{
    char text[512];
    vsnprintf(text, sizeof text, fmt, args);
    return base_fail(l->diag, SY_EFORMAT, "%s:%u:%u: %s", l->file, line, column, text);
}

sy_status ir_lex_error(const ir_lexer *l, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const sy_status status = error_at(l, l->token.line, l->token.column, fmt, args);
    va_end(args);
    return status;
}

const char *ir_lex_describe(const ir_lexer *l, char text[64])
{
    switch (l->token.kind) {
    case IR_TOK_END:
        return "the end of the text";
    case IR_TOK_WORD:
    case IR_TOK_PUNCT:
        snprintf(text, 64, "'%.50s'", l->token.text);
        return text;
    case IR_TOK_STRING:
        snprintf(text, 64, "\"%.50s\"", l->token.text);
        return text;
    case IR_TOK_INT:
        snprintf(text, 64, "%lld", (long long)l->token.u.i);
        return text;
    case IR_TOK_FLOAT:
        return "a number with a fraction";
    case IR_TOK_HEX:
        return "a hexadecimal number";
    }
    return "";
}

static void advance(ir_lexer *l)
{
    if (*l->at == '\n') {
        l->line++;
        l->column = 1;
    } else {
        l->column++;
    }
    l->at++;
}

static void skip_space(ir_lexer *l)
{
    while (l->at < l->end && (*l->at == ' ' || *l->at == '\n' || *l->at == '\t' || *l->at == '\r')) {
        advance(l);
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int hex_value(char c)
{
    return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static sy_status keep_text(ir_lexer *l, ir_token_kind kind, const char *text, size_t n)
{
    char *copy = base_arena_alloc(l->arena, n + 1, 1);
    if (copy == NULL) {
        return SY_ENOMEM;
    }
    memcpy(copy, text, n);
    l->token.kind = kind;
    l->token.text = copy;
    l->token.n = n;
    return SY_OK;
}

/* One character of a string, an escape perhaps; the position is behind the opening quote. */
static sy_status string_char(ir_lexer *l, char *out)
{
    *out = *l->at;
    if ((unsigned char)*out < 0x20) {
        return ir_lex_error(l, "a control character stands in this string");
    }
    advance(l);
    if (*out != '\\') {
        return SY_OK;
    }
    const size_t left = (size_t)(l->end - l->at);
    if (left >= 1 && (*l->at == '"' || *l->at == '\\')) {
        *out = *l->at;
        advance(l);
        return SY_OK;
    }
    if (left >= 3 && *l->at == 'x' && hex_value(l->at[1]) >= 0 && hex_value(l->at[2]) >= 0) {
        *out = (char)(hex_value(l->at[1]) * 16 + hex_value(l->at[2]));
        advance(l);
        advance(l);
        advance(l);
        return SY_OK;
    }
    return ir_lex_error(l, "a backslash in this string is not followed by \", \\ or xNN");
}

static sy_status lex_string(ir_lexer *l)
{
    advance(l);
    size_t longest = 0;
    while (l->at + longest < l->end && l->at[longest] != '"') {
        longest += l->at[longest] == '\\' && l->at + longest + 1 < l->end ? 2 : 1;
    }
    char *text = base_arena_alloc(l->arena, longest + 1, 1);
    size_t n = 0;
    if (text == NULL) {
        return SY_ENOMEM;
    }
    while (l->at < l->end && *l->at != '"') {
        SY_TRY(string_char(l, &text[n]));
        n++;
    }
    if (l->at == l->end) {
        return ir_lex_error(l, "this string has no end");
    }
    advance(l);
    l->token.kind = IR_TOK_STRING;
    l->token.text = text;
    l->token.n = n;
    return SY_OK;
}

static sy_status lex_hex(ir_lexer *l)
{
    uint64_t value = 0;
    uint32_t n = 0;
    advance(l);
    advance(l);
    for (; l->at < l->end && hex_value(*l->at) >= 0; n++) {
        value = value << 4 | (uint64_t)hex_value(*l->at);
        advance(l);
    }
    if (n == 0 || n > 16) {
        return ir_lex_error(l, "a hexadecimal number has 1 to 16 digits, this one %u", n);
    }
    l->token.kind = IR_TOK_HEX;
    l->token.u.hash = value;
    return SY_OK;
}

static sy_status lex_number(ir_lexer *l)
{
    if (l->end - l->at >= 2 && l->at[0] == '0' && l->at[1] == 'x') {
        return lex_hex(l);
    }
    char text[64];
    size_t n = 0;
    bool is_float = false;
    while (l->at < l->end && n < sizeof text - 1) {
        const char c = *l->at;
        const bool sign = c == '-' || c == '+', after_e = n > 0 && text[n - 1] == 'e';
        if (!is_digit(c) && c != '.' && c != 'e' && !(sign && (n == 0 || after_e))) {
            break;
        }
        is_float = is_float || c == '.' || c == 'e';
        text[n++] = c;
        advance(l);
    }
    text[n] = '\0';
    char *end;
    errno = 0;
    if (is_float) {
        l->token.kind = IR_TOK_FLOAT;
        l->token.u.f = strtof(text, &end);
        if (!isfinite(l->token.u.f)) {
            return ir_lex_error(l, "the number %s is too large", text);
        }
    } else {
        l->token.kind = IR_TOK_INT;
        l->token.u.i = strtoll(text, &end, 10);
        if (errno != 0) {
            return ir_lex_error(l, "the number %s leaves 64 bits", text);
        }
    }
    return *end == '\0' && end != text ? SY_OK : ir_lex_error(l, "malformed number '%s'", text);
}

static sy_status lex_punct(ir_lexer *l)
{
    static const char *const pairs[] = { "->", "::" };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (l->end - l->at >= 2 && memcmp(l->at, pairs[i], 2) == 0) {
            advance(l);
            advance(l);
            return keep_text(l, IR_TOK_PUNCT, pairs[i], 2);
        }
    }
    const char c = *l->at;
    if (c == '\0' || strchr("()[]{}<>,:=%@#+*?-", c) == NULL) {
        return ir_lex_error(l, "unexpected byte 0x%02x", (unsigned char)c);
    }
    advance(l);
    return keep_text(l, IR_TOK_PUNCT, &c, 1);
}

sy_status ir_lex_next(ir_lexer *l)
{
    skip_space(l);
    l->token = (ir_token){ .kind = IR_TOK_END, .text = "", .line = l->line, .column = l->column };
    if (l->at == l->end) {
        return SY_OK;
    }
    const char c = *l->at;
    if (is_letter(c)) {
        const char *begin = l->at;
        while (l->at < l->end && (is_letter(*l->at) || is_digit(*l->at) || *l->at == '.')) {
            advance(l);
        }
        return keep_text(l, IR_TOK_WORD, begin, (size_t)(l->at - begin));
    }
    if (c == '"') {
        return lex_string(l);
    }
    if (is_digit(c) || (c == '-' && l->end - l->at >= 2 && is_digit(l->at[1]))) {
        return lex_number(l);
    }
    return lex_punct(l);
}

sy_status ir_lex_begin(ir_lexer *l, base_arena *arena, const char *file, const char *text, size_t n, base_diag *diag)
{
    *l = (ir_lexer){ .arena = arena, .diag = diag, .file = file, .at = text, .end = text + n, .line = 1, .column = 1 };
    return ir_lex_next(l);
}

bool ir_lex_is(const ir_lexer *l, const char *punct)
{
    return l->token.kind == IR_TOK_PUNCT && strcmp(l->token.text, punct) == 0;
}

bool ir_lex_is_word(const ir_lexer *l, const char *word)
{
    return l->token.kind == IR_TOK_WORD && strcmp(l->token.text, word) == 0;
}

sy_status ir_lex_expect(ir_lexer *l, const char *punct)
{
    char text[64];
    return ir_lex_is(l, punct) ? ir_lex_next(l)
                               : ir_lex_error(l, "expected '%s', got %s", punct, ir_lex_describe(l, text));
}

sy_status ir_lex_expect_word(ir_lexer *l, const char *word)
{
    char text[64];
    return ir_lex_is_word(l, word) ? ir_lex_next(l)
                                   : ir_lex_error(l, "expected '%s', got %s", word, ir_lex_describe(l, text));
}

bool ir_lex_accept(ir_lexer *l, const char *punct, sy_status *status)
{
    if (!ir_lex_is(l, punct)) {
        return false;
    }
    *status = ir_lex_next(l);
    return true;
}

sy_status ir_lex_hex_bytes(ir_lexer *l, const unsigned char **out, size_t *out_n)
{
    skip_space(l);
    size_t n = 0;
    while (l->at + n < l->end && hex_value(l->at[n]) >= 0) {
        n++;
    }
    if (n % 2 != 0) {
        return ir_lex_error(l, "an odd number of hexadecimal digits (%zu)", n);
    }
    if (n == 0 && (l->at == l->end || *l->at != '-')) {
        return ir_lex_error(l, "expected hexadecimal digits after 'hex'");
    }
    unsigned char *bytes = base_arena_alloc(l->arena, n / 2, 1);
    if (bytes == NULL) {
        return SY_ENOMEM;
    }
    for (size_t i = 0; i < n / 2; i++) {
        bytes[i] = (unsigned char)(hex_value(l->at[0]) * 16 + hex_value(l->at[1]));
        advance(l);
        advance(l);
    }
    if (n == 0) {
        advance(l);
    }
    *out = bytes;
    *out_n = n / 2;
    return ir_lex_next(l);
}
