/*
 * asm_lex.c -- the assembler's names, numbers and expressions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "asm_internal.h"
#include "systole/base/assert.h"
#include "systole/base/hash.h"
#include "table.h"

#define MAX_DEPTH 64

void isa_asm_skip_blank(asm_state *state)
{
    while (*state->at == ' ' || *state->at == '\t' || *state->at == '\r') {
        state->at++;
    }
}

bool isa_asm_at_end(asm_state *state)
{
    isa_asm_skip_blank(state);
    const char c = *state->at;
    return c == '\0' || c == '\n' || c == ';' || c == '#' || (c == '/' && state->at[1] == '/');
}

bool isa_asm_accept(asm_state *state, char c)
{
    isa_asm_skip_blank(state);
    if (*state->at != c) {
        return false;
    }
    state->at++;
    return true;
}

bool isa_asm_take(asm_state *state, char c)
{
    return isa_asm_accept(state, c) || isa_asm_fail(state, state->at, "expected '%c'", c);
}

static bool is_name_start(char c)
{
    return isalpha((unsigned char)c) || c == '_' || c == '.' || c == '$';
}

bool isa_asm_accept_name(asm_state *state, char name[ASM_NAME_BYTES])
{
    isa_asm_skip_blank(state);
    const char *start = state->at;
    size_t n = 0;
    if (!is_name_start(*start)) {
        return false;
    }
    while (is_name_start(start[n]) || isdigit((unsigned char)start[n])) {
        n++;
    }
    if (n >= ASM_NAME_BYTES) {
        return isa_asm_fail(state, start, "a name of %zu characters, expected fewer than %d", n,
                            ASM_NAME_BYTES);
    }
    memcpy(name, start, n);
    name[n] = '\0';
    state->at += n;
    return true;
}

bool isa_asm_take_name(asm_state *state, const char *what, char name[ASM_NAME_BYTES])
{
    if (isa_asm_accept_name(state, name)) {
        return true;
    }
    return state->status != SY_OK ? false : isa_asm_fail(state, state->at, "expected %s", what);
}

asm_symbol *isa_asm_find(asm_state *state, const char *name)
{
    asm_symbol *symbol = state->buckets[base_hash_fnv1a_text(name) % ASM_BUCKETS];
    while (symbol != NULL && strcmp(symbol->name, name) != 0) {
        symbol = symbol->next;
    }
    return symbol;
}

bool isa_asm_define(asm_state *state, const char *place, const char *name, int64_t value,
                    bool is_label)
{
    asm_symbol *symbol = isa_asm_find(state, name);
    if (symbol == NULL) {
        symbol = BASE_ARENA_NEW(state->arena, asm_symbol);
        const char *copy = base_arena_strdup(state->arena, name);
        if (symbol == NULL || copy == NULL) {
            return isa_asm_out_of_memory(state);
        }
        asm_symbol **bucket = &state->buckets[base_hash_fnv1a_text(name) % ASM_BUCKETS];
        *symbol = (asm_symbol){
            .name = copy, .next = *bucket, .line = state->line, .is_label = is_label};
        symbol->in_text = is_label && state->sections.items[state->current].is_text;
        *bucket = symbol;
        if ((symbol->in_text || (state->is_image && is_label)) && !base_vec_push(state->arena, &state->labels, symbol)) {
            return isa_asm_out_of_memory(state);
        }
    } else if (state->pass == 1 || symbol->seen) {
        return isa_asm_fail(state, place, "'%s' is defined twice, first in line %u", name,
                            symbol->line);
    }
    SY_ASSERT(state->pass == 1 || symbol->value == value);
    symbol->value = value;
    symbol->seen = true;
    return true;
}

/*
 * An unsigned integer in any base; *is_float says that a floating-point number stands here instead.
 */
static bool take_integer(asm_state *state, int64_t *number, bool *is_float)
{
    const char *start = state->at;
    const bool hex = start[0] == '0' && (start[1] == 'x' || start[1] == 'X');
    const bool binary = start[0] == '0' && (start[1] == 'b' || start[1] == 'B');
    const unsigned radix = hex ? 16 : binary ? 2 : 10;
    const char *c = start + (radix == 10 ? 0 : 2);
    const char *digits = c;
    uint64_t value = 0;
    bool overflow = false;
    for (;; c++) {
        const int lower = tolower((unsigned char)*c);
        const unsigned digit = isdigit(lower)                 ? (unsigned)(lower - '0')
                               : lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a') + 10
                                                              : 99;
        if (digit >= radix) {
            break;
        }
        overflow = overflow || value > (UINT64_C(0x7FFFFFFFFFFFFFFF) - digit) / radix;
        value = overflow ? value : value * radix + digit;
    }
    *is_float = radix == 10 && (*c == '.' || *c == 'e' || *c == 'E');
    if (*is_float) {
        return true;
    }
    if (c == digits || isalnum((unsigned char)*c) || *c == '_') {
        return isa_asm_fail(state, start, "malformed number");
    }
    if (overflow) {
        return isa_asm_fail(state, start, "number is too large");
    }
    state->at = c;
    *number = (int64_t)value;
    return true;
}

bool isa_asm_take_float(asm_state *state, uint32_t *bits)
{
    isa_asm_skip_blank(state);
    const char *start = state->at;
    const char *c = start + (*start == '-' || *start == '+' ? 1 : 0);
    size_t n_digits = 0;
    for (; isdigit((unsigned char)*c) || *c == '.'; c++) {
        n_digits += *c != '.' ? 1 : 0;
    }
    if (n_digits > 0 && (*c == 'e' || *c == 'E')) {
        c += c[1] == '-' || c[1] == '+' ? 2 : 1;
        while (isdigit((unsigned char)*c)) {
            c++;
        }
    }
    /* strtof reads what was scanned, no more: no hexadecimal floats, infinities or names. */
    char text[64];
    const size_t n = (size_t)(c - start);
    if (n_digits == 0 || n >= sizeof text) {
        return isa_asm_fail(state, start, "expected a decimal number of at most %zu characters",
                            sizeof text - 1);
    }
    memcpy(text, start, n);
    text[n] = '\0';
    char *end = NULL;
    const float value = strtof(text, &end);
    if (*end != '\0' || isalnum((unsigned char)*c) || *c == '_') {
        return isa_asm_fail(state, start, "malformed number");
    }
    memcpy(bits, &value, sizeof value);
    state->at = c;
    return true;
}

static bool take_char(asm_state *state, int64_t *number)
{
    const char *start = state->at;
    if (start[1] == '\0' || start[1] == '\n' || start[1] == '\'' || start[2] != '\'') {
        return isa_asm_fail(state, start, "expected one character in quotes");
    }
    *number = (unsigned char)start[1];
    state->at += 3;
    return true;
}

/* Bits of the expression being read: the descriptor register it is for, if any. */
typedef struct reg_context {
    const char *unit;
    const char *reg; /* NULL: not for a register with bit fields */
} reg_context;

static bool take_binary(asm_state *state, const reg_context *context, int level, asm_value *value);

/* VALUE of FIELD:VALUE. */
static bool take_field_value(asm_state *state, const isa_bits_row *field, uint64_t *number)
{
    char name[ASM_NAME_BYTES];
    isa_asm_skip_blank(state);
    const char *place = state->at;
    const uint64_t n_values = UINT64_C(1) << field->width;
    if (isdigit((unsigned char)*place)) {
        int64_t value = 0;
        bool is_float = false;
        if (!take_integer(state, &value, &is_float)) {
            return false;
        }
        if (is_float || (uint64_t)value >= n_values) {
            return isa_asm_fail(state, place, "field %s takes 0 to %" PRIu64, field->name,
                                n_values - 1);
        }
        *number = (uint64_t)value;
        return true;
    }
    if (!isa_asm_take_name(state, "a field's value", name)) {
        return false;
    }
    for (size_t i = 0; i < isa_value_rows_n; i++) {
        const isa_value_row *row = &isa_value_rows[i];
        if (strcmp(row->name, name) == 0 && strcmp(row->field, field->name) == 0 &&
            strcmp(row->unit, field->unit) == 0) {
            *number = row->value;
            return true;
        }
    }
    return isa_asm_fail(state, place, "field %s has no value '%s'", field->name, name);
}

/* A field of the register, if the name is one: *found. */
static bool take_field(asm_state *state, const reg_context *context, const char *place,
                       const char *name, bool *found, asm_value *value)
{
    *found = false;
    for (size_t i = 0; context->reg != NULL && i < isa_bits_rows_n; i++) {
        const isa_bits_row *row = &isa_bits_rows[i];
        if (strcmp(row->name, name) != 0 || strcmp(row->reg, context->reg) != 0 ||
            strcmp(row->unit, context->unit) != 0) {
            continue;
        }
        uint64_t number = 1;
        *found = true;
        if (isa_asm_accept(state, ':')) {
            if (!take_field_value(state, row, &number)) {
                return false;
            }
        } else if (row->width != 1) {
            return isa_asm_fail(state, place, "field %s needs a value: %s:VALUE", name, name);
        }
        *value = (asm_value){(int64_t)(number << row->low), true};
        return true;
    }
    return true;
}

static bool take_symbol(asm_state *state, const reg_context *context, asm_value *value)
{
    char name[ASM_NAME_BYTES];
    bool is_field = false;
    isa_asm_skip_blank(state);
    const char *place = state->at;
    if (!isa_asm_take_name(state, "a number, a label or '('", name) ||
        !take_field(state, context, place, name, &is_field, value)) {
        return false;
    }
    if (is_field) {
        return true;
    }
    if (strcmp(name, ".") == 0) {
        *value = (asm_value){(int64_t)isa_asm_here(state), true};
        return true;
    }
    const asm_symbol *symbol = isa_asm_find(state, name);
    /* A constant must stand above its uses; a label may stand below. */
    if (symbol != NULL && (symbol->seen || (symbol->is_label && state->pass == 2))) {
        *value = (asm_value){symbol->value, true};
        return true;
    }
    if (state->pass == 1) {
        *value = (asm_value){0, false};
        return true;
    }
    return symbol != NULL ? isa_asm_fail(state, place, "constant '%s' is defined below, in line %u",
                                         name, symbol->line)
                          : isa_asm_fail(state, place, "unknown name '%s'", name);
}

/* The rest of %hi(x), %lo(x): the parts that lui and addi put together again. */
static bool take_part(asm_state *state, const reg_context *context, asm_value *value)
{
    char name[ASM_NAME_BYTES];
    const char *place = state->at - 1;
    if (!isa_asm_take_name(state, "hi or lo after '%'", name)) {
        return false;
    }
    const bool hi = strcmp(name, "hi") == 0;
    if (!hi && strcmp(name, "lo") != 0) {
        return isa_asm_fail(state, place, "expected %%hi or %%lo");
    }
    if (!isa_asm_take(state, '(') || !take_binary(state, context, 0, value) ||
        !isa_asm_take(state, ')')) {
        return false;
    }
    const uint32_t whole = (uint32_t)value->number;
    value->number = hi ? (int64_t)((whole + 0x800) >> 12)
                       : (int64_t)(int32_t)((whole & 0xFFF) ^ 0x800) - 0x800;
    return true;
}

static bool take_unary(asm_state *state, const reg_context *context, asm_value *value)
{
    isa_asm_skip_blank(state);
    const char *place = state->at;
    const char c = *place;
    if (c == '-' || c == '~' || c == '+' || c == '(' || c == '%') {
        if (state->depth >= MAX_DEPTH) {
            return isa_asm_fail(state, place, "expression is nested too deeply");
        }
        state->depth++;
        bool done = false;
        state->at++;
        if (c == '%') {
            done = take_part(state, context, value);
        } else if (c == '(') {
            done = take_binary(state, context, 0, value) && isa_asm_take(state, ')');
        } else if (c == '-') {
            /* The minus of a floating-point number is its sign bit. */
            int64_t ignored = 0;
            bool is_float = false;
            const char *number = state->at;
            if (isdigit((unsigned char)*number) && !take_integer(state, &ignored, &is_float)) {
                return false;
            }
            state->at = is_float ? place : number;
            uint32_t bits = 0;
            done = is_float ? isa_asm_take_float(state, &bits) : take_unary(state, context, value);
            if (done) {
                *value = is_float
                             ? (asm_value){bits, true}
                             : (asm_value){(int64_t)(0 - (uint64_t)value->number), value->known};
            }
        } else {
            done = take_unary(state, context, value);
            value->number = c == '~' ? ~value->number : value->number;
        }
        state->depth--;
        return done;
    }
    if (c == '\'') {
        value->known = true;
        return take_char(state, &value->number);
    }
    if (isdigit((unsigned char)c)) {
        bool is_float = false;
        uint32_t bits = 0;
        if (!take_integer(state, &value->number, &is_float) ||
            (is_float && !isa_asm_take_float(state, &bits))) {
            return false;
        }
        *value = (asm_value){is_float ? (int64_t)bits : value->number, true};
        return true;
    }
    return take_symbol(state, context, value);
}

/*
 * The binary operator at the cursor, if it binds at this level: 0 | and ^, 1 &, 2 << >>, 3 + -, 4 *
 * / %.
 */
static char accept_operator(asm_state *state, int level)
{
    static const char *const levels[] = {"|^", "&", "<>", "+-", "*/%"};
    isa_asm_skip_blank(state);
    const char c = *state->at;
    const char next = c != '\0' ? state->at[1] : '\0';
    if (c == '\0' || strchr(levels[level], c) == NULL || (c == '/' && next == '/')) {
        return '\0';
    }
    if (c == '<' || c == '>') {
        if (next != c) {
            return '\0';
        }
        state->at++;
    }
    state->at++;
    return c;
}

/* Wraps like unsigned arithmetic, so that no text is undefined behaviour. */
static bool apply(asm_state *state, const char *place, char operation, int64_t a, int64_t b,
                  int64_t *result)
{
    const uint64_t x = (uint64_t)a;
    const uint64_t y = (uint64_t)b;
    if ((operation == '/' || operation == '%') && (b == 0 || (b == -1 && a == INT64_MIN))) {
        return isa_asm_fail(state, place, b == 0 ? "division by zero" : "quotient is too large");
    }
    if ((operation == '<' || operation == '>') && (b < 0 || b > 63)) {
        return isa_asm_fail(state, place, "shift by %" PRId64 ", expected 0 to 63", b);
    }
    switch (operation) {
    case '|':
        *result = (int64_t)(x | y);
        break;
    case '^':
        *result = (int64_t)(x ^ y);
        break;
    case '&':
        *result = (int64_t)(x & y);
        break;
    case '<':
        *result = (int64_t)(x << y);
        break;
    case '>':
        *result = a >= 0 ? (int64_t)(x >> y) : (int64_t)~(~x >> y);
        break;
    case '+':
        *result = (int64_t)(x + y);
        break;
    case '-':
        *result = (int64_t)(x - y);
        break;
    case '*':
        *result = (int64_t)(x * y);
        break;
    case '/':
        *result = a / b;
        break;
    case '%':
        *result = a % b;
        break;
    default:
        return isa_asm_fail(state, place, "unknown operator");
    }
    return true;
}

static bool take_binary(asm_state *state, const reg_context *context, int level, asm_value *value)
{
    if (level > 4) {
        return take_unary(state, context, value);
    }
    if (!take_binary(state, context, level + 1, value)) {
        return false;
    }
    for (;;) {
        isa_asm_skip_blank(state);
        const char *place = state->at;
        const char operation = accept_operator(state, level);
        asm_value right = {0, false};
        if (operation == '\0') {
            return true;
        }
        if (!take_binary(state, context, level + 1, &right)) {
            return false;
        }
        value->known = value->known && right.known;
        if (!value->known) {
            value->number = 0;
        } else if (!apply(state, place, operation, value->number, right.number, &value->number)) {
            return false;
        }
    }
}

bool isa_asm_take_value(asm_state *state, asm_value *value)
{
    const reg_context none = {NULL, NULL};
    return take_binary(state, &none, 0, value);
}

bool isa_asm_take_constant(asm_state *state, int64_t low, int64_t high, int64_t *number)
{
    asm_value value = {0, false};
    isa_asm_skip_blank(state);
    const char *place = state->at;
    if (!isa_asm_take_value(state, &value)) {
        return false;
    }
    if (!value.known) {
        return isa_asm_fail(state, place,
                            "this must be known here: it names what is defined below or nowhere");
    }
    if (value.number < low || value.number > high) {
        return isa_asm_fail(state, place,
                            "%" PRId64 " is out of range, expected %" PRId64 " to %" PRId64,
                            value.number, low, high);
    }
    *number = value.number;
    return true;
}

bool isa_asm_take_reg_value(asm_state *state, isa_unit unit, unsigned reg, asm_value *value)
{
    const isa_reg_info *info = isa_reg_describe(unit, reg);
    const reg_context context = {isa_unit_name((unsigned)unit),
                                 info != NULL && info->type == ISA_TYPE_BITS ? info->name : NULL};
    isa_asm_skip_blank(state);
    const char *place = state->at;
    if (!take_binary(state, &context, 0, value)) {
        return false;
    }
    if (value->known && (value->number < INT32_MIN || value->number > (int64_t)UINT32_MAX)) {
        return isa_asm_fail(state, place, "%" PRId64 " does not fit into 32 bits", value->number);
    }
    return true;
}
