/*
 * dim.c -- dimension expressions: interned, kept as polynomials with integer coefficients over atoms.
 *
 * An atom is a symbol, a division that does not come out, or (when an expansion would pass MAX_TERMS) a sum taken
 * as it is. Terms and factors are ordered by structure, never by age, so that text re-parses to the same text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"

#include "systole/base/hash.h"

#include <string.h>

#define MAX_TERMS 64
#define MAX_FACTORS 64

typedef struct term {
    int64_t coefficient;
    uint32_t n;
    const ir_dim *atoms;
} term;

typedef struct poly {
    uint32_t n;
    term terms[MAX_TERMS];
} poly;

static ir_dim fail(ir_module *m, sy_status status, const char *reason)
{
    m->intern->dim_status = status;
    m->intern->dim_reason = reason;
    return NULL;
}

static ir_dim overflow(ir_module *m)
{
    return fail(m, SY_ERANGE, "a dimension leaves 64 bits");
}

sy_status ir_dim_check(ir_module *m, ir_dim d, base_diag *diag, const char *what)
{
    if (d != NULL) {
        return SY_OK;
    }
    return base_fail(diag, m->intern->dim_status, "%s: %s", what, m->intern->dim_reason);
}

/* ---------------------------------------------------------------- interning */

static ir_dim intern(ir_module *m, ir_dim_kind kind, int64_t value, const char *name,
                     uint32_t n_args, const ir_dim *args)
{
    uint64_t h = base_hash_fnv1a_more(BASE_FNV1A_INIT, &kind, sizeof kind);
    h = base_hash_fnv1a_more(h, &value, sizeof value);
    h = base_hash_fnv1a_more(h, &name, sizeof name);
    h = n_args > 0 ? base_hash_fnv1a_more(h, args, n_args * sizeof *args) : h;
    const ir_dim_expr **bucket = &m->intern->dims[h % IR_DIM_BUCKETS];
    for (ir_dim d = *bucket; d != NULL; d = d->chain) {
        if (d->hash == h && d->kind == kind && d->value == value && d->name == name &&
            d->n_args == n_args &&
            (n_args == 0 || memcmp(d->args, args, n_args * sizeof *args) == 0)) {
            return d;
        }
    }
    ir_dim_expr *d = BASE_ARENA_NEW(m->arena, ir_dim_expr);
    const ir_dim *copy = base_arena_memdup(m->arena, args, n_args, sizeof *args);
    if (d == NULL || copy == NULL) {
        return fail(m, SY_ENOMEM, "out of memory");
    }
    *d = (ir_dim_expr){ .kind = kind, .id = m->intern->n_dims++, .value = value, .name = name,
                        .n_args = n_args, .args = copy, .hash = h, .chain = *bucket };
    *bucket = d;
    return d;
}

ir_dim ir_dim_const(ir_module *m, int64_t value)
{
    return intern(m, IR_DIM_CONST, value, NULL, 0, NULL);
}

ir_dim ir_dim_symbol(ir_module *m, const char *name)
{
    const char *text = ir_intern(m, name);
    return text != NULL ? intern(m, IR_DIM_SYMBOL, 0, text, 0, NULL)
                        : fail(m, SY_ENOMEM, "out of memory");
}

ir_dim ir_dim_fresh(ir_module *m, const char *hint)
{
    const char *text = ir_name_unique(m, hint);
    return text != NULL ? intern(m, IR_DIM_SYMBOL, 0, text, 0, NULL)
                        : fail(m, SY_ENOMEM, "out of memory");
}

bool ir_dim_is_const(ir_dim d, int64_t *value)
{
    if (d == NULL || d->kind != IR_DIM_CONST) {
        return false;
    }
    if (value != NULL) {
        *value = d->value;
    }
    return true;
}

/* ---------------------------------------------------------------- polynomials */

/* A total order by structure; 0 exactly for the same expression. */
static int compare(ir_dim a, ir_dim b)
{
    if (a == b) {
        return 0;
    }
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    if (a->kind == IR_DIM_CONST) {
        return a->value < b->value ? -1 : 1;
    }
    if (a->kind == IR_DIM_SYMBOL) {
        return strcmp(a->name, b->name);
    }
    for (uint32_t i = 0; i < a->n_args && i < b->n_args; i++) {
        const int c = compare(a->args[i], b->args[i]);
        if (c != 0) {
            return c;
        }
    }
    return a->n_args < b->n_args ? -1 : 1;
}

/* Order of monomials: higher degree first, the constant last. */
static int compare_atoms(const term *a, const term *b)
{
    if (a->n != b->n) {
        return a->n > b->n ? -1 : 1;
    }
    for (uint32_t i = 0; i < a->n; i++) {
        const int c = compare(a->atoms[i], b->atoms[i]);
        if (c != 0) {
            return c;
        }
    }
    return 0;
}

static term to_term(const ir_dim *d)
{
    if ((*d)->kind == IR_DIM_CONST) {
        return (term){ (*d)->value, 0, NULL };
    }
    if ((*d)->kind != IR_DIM_PRODUCT) {
        return (term){ 1, 1, d };
    }
    const bool scaled = (*d)->args[0]->kind == IR_DIM_CONST;
    return (term){ scaled ? (*d)->args[0]->value : 1, (*d)->n_args - (scaled ? 1u : 0u),
                   (*d)->args + (scaled ? 1 : 0) };
}

/* The address of d must live as long as p: single atoms are referred to in place. */
static void to_poly(const ir_dim *d, poly *p)
{
    p->n = 0;
    if ((*d)->kind == IR_DIM_SUM && (*d)->n_args <= MAX_TERMS) {
        for (uint32_t i = 0; i < (*d)->n_args; i++) {
            p->terms[p->n++] = to_term(&(*d)->args[i]);
        }
    } else if ((*d)->kind != IR_DIM_CONST || (*d)->value != 0) {
        p->terms[p->n++] = to_term(d);
    }
}

static ir_dim make_term(ir_module *m, const term *t)
{
    if (t->n == 0) {
        return ir_dim_const(m, t->coefficient);
    }
    if (t->coefficient == 1 && t->n == 1) {
        return t->atoms[0];
    }
    ir_dim args[MAX_FACTORS + 1];
    uint32_t n = 0;
    if (t->coefficient != 1) {
        args[n] = ir_dim_const(m, t->coefficient);
        if (args[n++] == NULL) {
            return NULL;
        }
    }
    memcpy(args + n, t->atoms, t->n * sizeof *args);
    return intern(m, IR_DIM_PRODUCT, 0, NULL, n + t->n, args);
}

/* Adds t to p, which is kept in order; false when the coefficient overflows. p has room for one term more. */
static bool add_term(poly *p, term t)
{
    uint32_t at = 0;
    while (at < p->n && compare_atoms(&p->terms[at], &t) < 0) {
        at++;
    }
    if (at < p->n && compare_atoms(&p->terms[at], &t) == 0) {
        if (__builtin_add_overflow(p->terms[at].coefficient, t.coefficient,
                                   &p->terms[at].coefficient)) {
            return false;
        }
        if (p->terms[at].coefficient == 0) {
            p->n--;
            memmove(&p->terms[at], &p->terms[at + 1], (p->n - at) * sizeof t);
        }
        return true;
    }
    if (t.coefficient != 0) {
        memmove(&p->terms[at + 1], &p->terms[at], (p->n - at) * sizeof t);
        p->terms[at] = t;
        p->n++;
    }
    return true;
}

static ir_dim from_poly(ir_module *m, const poly *p)
{
    if (p->n == 0) {
        return ir_dim_const(m, 0);
    }
    ir_dim args[MAX_TERMS];
    for (uint32_t i = 0; i < p->n; i++) {
        args[i] = make_term(m, &p->terms[i]);
        if (args[i] == NULL) {
            return NULL;
        }
    }
    return p->n == 1 ? args[0] : intern(m, IR_DIM_SUM, 0, NULL, p->n, args);
}

static ir_dim ordered_pair(ir_module *m, ir_dim_kind kind, ir_dim a, ir_dim b)
{
    const ir_dim args[2] = { compare(a, b) <= 0 ? a : b, compare(a, b) <= 0 ? b : a };
    return intern(m, kind, 0, NULL, 2, args);
}

ir_dim ir_dim_add(ir_module *m, ir_dim a, ir_dim b)
{
    if (a == NULL || b == NULL) {
        return NULL;
    }
    poly p, q;
    to_poly(&a, &p);
    to_poly(&b, &q);
    if (p.n + q.n > MAX_TERMS) {
        return ordered_pair(m, IR_DIM_SUM, a, b);
    }
    for (uint32_t i = 0; i < q.n; i++) {
        if (!add_term(&p, q.terms[i])) {
            return overflow(m);
        }
    }
    return from_poly(m, &p);
}

ir_dim ir_dim_sub(ir_module *m, ir_dim a, ir_dim b)
{
    return ir_dim_add(m, a, ir_dim_mul(m, b, ir_dim_const(m, -1)));
}

/* The product of two terms; its atoms lie in `atoms`. False when the coefficient overflows. */
static bool multiply_terms(const term *a, const term *b, ir_dim atoms[MAX_FACTORS], term *out)
{
    uint32_t i = 0, j = 0, n = 0;
    while (i < a->n || j < b->n) {
        const bool from_a =
            j == b->n || (i < a->n && compare(a->atoms[i], b->atoms[j]) <= 0);
        atoms[n++] = from_a ? a->atoms[i++] : b->atoms[j++];
    }
    *out = (term){ 0, n, atoms };
    return !__builtin_mul_overflow(a->coefficient, b->coefficient, &out->coefficient);
}

ir_dim ir_dim_mul(ir_module *m, ir_dim a, ir_dim b)
{
    if (a == NULL || b == NULL) {
        return NULL;
    }
    poly p, q, r = { .n = 0 };
    to_poly(&a, &p);
    to_poly(&b, &q);
    bool too_long = p.n * q.n > MAX_TERMS;
    for (uint32_t i = 0; i < p.n; i++) {
        for (uint32_t j = 0; j < q.n; j++) {
            too_long = too_long || p.terms[i].n + q.terms[j].n > MAX_FACTORS;
        }
    }
    if (too_long) {
        return ordered_pair(m, IR_DIM_PRODUCT, a, b);
    }
    for (uint32_t i = 0; i < p.n; i++) {
        for (uint32_t j = 0; j < q.n; j++) {
            ir_dim *atoms = BASE_ARENA_ARRAY(m->arena, ir_dim, p.terms[i].n + q.terms[j].n + 1u);
            if (atoms == NULL) {
                return fail(m, SY_ENOMEM, "out of memory");
            }
            term t;
            if (!multiply_terms(&p.terms[i], &q.terms[j], atoms, &t) || !add_term(&r, t)) {
                return overflow(m);
            }
        }
    }
    return from_poly(m, &r);
}

/* ---------------------------------------------------------------- division */

static int64_t floor_div_i64(int64_t a, int64_t b)
{
    const int64_t q = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q; /* never INT64_MIN / -1: divisors are positive here */
}

/* t / d if it comes out for whatever the symbols are; the atoms left lie in `atoms`. */
static bool divide_term(const term *t, const term *d, ir_dim *atoms, term *out)
{
    if (t->coefficient == INT64_MIN || t->coefficient % d->coefficient != 0) {
        return false; /* INT64_MIN / -1 would overflow */
    }
    uint32_t j = 0, n = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        if (j < d->n && t->atoms[i] == d->atoms[j]) {
            j++;
        } else {
            atoms[n++] = t->atoms[i];
        }
    }
    *out = (term){ t->coefficient / d->coefficient, n, atoms };
    return j == d->n;
}

static ir_dim negate(ir_module *m, ir_dim d)
{
    return ir_dim_mul(m, d, ir_dim_const(m, -1));
}

/* What is left over after the exact part: floor or ceil of rest / b. */
static ir_dim divide_rest(ir_module *m, ir_dim_kind kind, ir_dim rest, ir_dim b)
{
    int64_t r, c;
    if (ir_dim_is_const(rest, &r) && ir_dim_is_const(b, &c)) {
        const int64_t q = floor_div_i64(r, c); /* c > 0 */
        return ir_dim_const(m, kind == IR_DIM_CEIL_DIV && q * c != r ? q + 1 : q);
    }
    /* floor(floor(x / a) / b) = floor(x / (a * b)) for positive constants; ceil the same */
    if (rest->kind == kind && ir_dim_is_const(b, NULL) && ir_dim_is_const(rest->args[1], NULL)) {
        const ir_dim product = ir_dim_mul(m, rest->args[1], b);
        if (product == NULL) {
            return NULL;
        }
        return divide_rest(m, kind, rest->args[0], product);
    }
    const ir_dim args[2] = { rest, b };
    return intern(m, kind, 0, NULL, 2, args);
}

static ir_dim divide(ir_module *m, ir_dim_kind kind, ir_dim a, ir_dim b)
{
    if (a == NULL || b == NULL) {
        return NULL;
    }
    int64_t c = 0;
    const bool by_constant = ir_dim_is_const(b, &c);
    if (by_constant && c == 0) {
        return fail(m, SY_ERANGE, "a dimension is divided by zero");
    }
    if (by_constant && c < 0) {
        if (c == INT64_MIN) {
            return overflow(m);
        }
        a = negate(m, a);
        b = ir_dim_const(m, -c);
        if (a == NULL || b == NULL) {
            return NULL;
        }
    }
    if (a == b) {
        return ir_dim_const(m, 1);
    }
    poly p, q, whole = { .n = 0 }, rest = { .n = 0 };
    to_poly(&a, &p);
    to_poly(&b, &q);
    if (q.n != 1) {
        return divide_rest(m, kind, a, b);
    }
    for (uint32_t i = 0; i < p.n; i++) {
        ir_dim *atoms = BASE_ARENA_ARRAY(m->arena, ir_dim, p.terms[i].n + 1u);
        if (atoms == NULL) {
            return fail(m, SY_ENOMEM, "out of memory");
        }
        term t, left = p.terms[i];
        if (divide_term(&left, &q.terms[0], atoms, &t)) {
            left.coefficient = 0;
        } else if (q.terms[0].n == 0) {
            /* k*x / c = (k div c)*x + (k mod c)*x / c, so that equal quotients get one form */
            t = left;
            t.coefficient = floor_div_i64(left.coefficient, q.terms[0].coefficient);
            left.coefficient -= t.coefficient * q.terms[0].coefficient;
        } else {
            t.coefficient = 0;
        }
        if (!add_term(&whole, t) || !add_term(&rest, left)) {
            return overflow(m);
        }
    }
    const ir_dim w = from_poly(m, &whole);
    if (rest.n == 0) {
        return w;
    }
    const ir_dim r = from_poly(m, &rest);
    return r != NULL ? ir_dim_add(m, w, divide_rest(m, kind, r, b)) : NULL;
}

ir_dim ir_dim_floor_div(ir_module *m, ir_dim a, ir_dim b)
{
    return divide(m, IR_DIM_FLOOR_DIV, a, b);
}

ir_dim ir_dim_ceil_div(ir_module *m, ir_dim a, ir_dim b)
{
    return divide(m, IR_DIM_CEIL_DIV, a, b);
}

/* ---------------------------------------------------------------- substitution, bounds */

ir_dim ir_dim_substitute(ir_module *m, ir_dim d, ir_dim symbol, ir_dim replacement)
{
    if (d == NULL || symbol == NULL || replacement == NULL) {
        return NULL;
    }
    if (d == symbol) {
        return replacement;
    }
    if (d->n_args == 0) {
        return d;
    }
    ir_dim result = ir_dim_substitute(m, d->args[0], symbol, replacement);
    for (uint32_t i = 1; i < d->n_args; i++) {
        const ir_dim arg = ir_dim_substitute(m, d->args[i], symbol, replacement);
        switch (d->kind) {
        case IR_DIM_SUM:
            result = ir_dim_add(m, result, arg);
            break;
        case IR_DIM_PRODUCT:
            result = ir_dim_mul(m, result, arg);
            break;
        case IR_DIM_FLOOR_DIV:
            result = ir_dim_floor_div(m, result, arg);
            break;
        case IR_DIM_CEIL_DIV:
            result = ir_dim_ceil_div(m, result, arg);
            break;
        case IR_DIM_CONST:
        case IR_DIM_SYMBOL:
            SY_UNREACHABLE();
        }
    }
    return result;
}

/* A lower bound of d; false if none is known. */
static bool lower_bound(ir_dim d, int64_t *out)
{
    int64_t bound, arg;
    switch (d->kind) {
    case IR_DIM_CONST:
        *out = d->value;
        return true;
    case IR_DIM_SYMBOL:
        *out = 0;
        return true;
    case IR_DIM_SUM:
        bound = 0;
        for (uint32_t i = 0; i < d->n_args; i++) {
            if (!lower_bound(d->args[i], &arg) || __builtin_add_overflow(bound, arg, &bound)) {
                return false;
            }
        }
        *out = bound;
        return true;
    case IR_DIM_PRODUCT:
        bound = 1;
        for (uint32_t i = 0; i < d->n_args; i++) {
            if (!lower_bound(d->args[i], &arg) || arg < 0 ||
                __builtin_mul_overflow(bound, arg, &bound)) {
                return false;
            }
        }
        *out = bound;
        return true;
    case IR_DIM_FLOOR_DIV:
    case IR_DIM_CEIL_DIV:
        if (!lower_bound(d->args[0], &bound) || !lower_bound(d->args[1], &arg) || arg < 0) {
            return false;
        }
        if (ir_dim_is_const(d->args[1], &arg)) {
            const int64_t q = floor_div_i64(bound, arg);
            *out = d->kind == IR_DIM_CEIL_DIV && q * arg != bound ? q + 1 : q;
            return true;
        }
        *out = 0;
        return bound >= 0;
    }
    SY_UNREACHABLE();
}

bool ir_dim_at_least(ir_dim d, int64_t least)
{
    int64_t bound;
    return d != NULL && lower_bound(d, &bound) && bound >= least;
}
