/*
 * einsum.c -- the equation of Einsum.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "einsum.h"

#include "systole/base/diag.h"

#include <string.h>

/* One term: letters, and the place of an ellipsis among them. */
typedef struct term {
    uint32_t n;
    uint8_t letters[IR_MAX_RANK];
    bool has_ellipsis;
    uint32_t ellipsis_at;
} term;

typedef struct reader {
    const char *at, *end;
    base_diag *diag;
} reader;

static int letter_of(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : -1;
}

/* Up to a comma, an arrow or the end, none of which is taken. */
static sy_status read_term(reader *r, term *t)
{
    memset(t, 0, sizeof *t);
    for (; r->at < r->end && *r->at != ',' && *r->at != '-'; r->at++) {
        if (*r->at == ' ') {
            continue;
        }
        const bool dots = r->end - r->at >= 3 && memcmp(r->at, "...", 3) == 0;
        if (dots && !t->has_ellipsis) {
            t->has_ellipsis = true;
            t->ellipsis_at = t->n;
            r->at += 2;
            continue;
        }
        const int letter = letter_of(*r->at);
        if (letter < 0) {
            return base_fail(r->diag, SY_EINVAL,
                             "attribute 'equation' has '%c' where a letter is expected", *r->at);
        }
        if (t->n == IR_MAX_RANK) {
            return base_fail(r->diag, SY_ERANGE, "a term of the equation has more than %d letters",
                             IR_MAX_RANK);
        }
        t->letters[t->n++] = (uint8_t)letter;
    }
    return SY_OK;
}

/* The labels of a term with this many dimensions under the ellipsis. */
static sy_status label(const term *t, uint32_t n_ellipsis, uint8_t labels[IR_MAX_RANK], base_diag *diag)
{
    uint32_t k = 0;
    if (t->n + n_ellipsis > IR_MAX_RANK) {
        return base_fail(diag, SY_ERANGE, "the result has more than %d dimensions", IR_MAX_RANK);
    }
    for (uint32_t i = 0; i <= t->n; i++) {
        for (uint32_t e = 0; t->has_ellipsis && i == t->ellipsis_at && e < n_ellipsis; e++) {
            labels[k++] = (uint8_t)(IR_EINSUM_ELLIPSIS + n_ellipsis - 1 - e);
        }
        if (i < t->n) {
            labels[k++] = t->letters[i];
        }
    }
    return SY_OK;
}

static sy_status read_operands(reader *r, const int32_t *ranks, ir_einsum *out, uint32_t counts[IR_EINSUM_LABELS],
                               uint32_t *n_ellipsis)
{
    for (uint32_t i = 0; i < out->n_operands; i++) {
        term t;
        if (i > 0) {
            if (r->at == r->end || *r->at != ',') {
                return base_fail(r->diag, SY_EINVAL,
                                 "the equation has %u operands, the node has %u", i, out->n_operands);
            }
            r->at++;
        }
        SY_TRY(read_term(r, &t));
        const int64_t rest = (int64_t)ranks[i] - t.n;
        if (rest < 0 || (rest > 0 && !t.has_ellipsis)) {
            return base_fail(r->diag, SY_ESHAPE, "operand %u must have %u dimensions, got %d", i, t.n,
                             ranks[i]);
        }
        SY_TRY(label(&t, (uint32_t)rest, out->labels[i], r->diag));
        for (uint32_t k = 0; k < t.n; k++) {
            counts[t.letters[k]]++;
        }
        *n_ellipsis = rest > *n_ellipsis ? (uint32_t)rest : *n_ellipsis;
    }
    if (r->at < r->end && *r->at == ',') {
        return base_fail(r->diag, SY_EINVAL, "the equation has more operands than the node's %u",
                         out->n_operands);
    }
    return SY_OK;
}

static sy_status read_result(reader *r, const uint32_t counts[IR_EINSUM_LABELS], term *t)
{
    bool seen[IR_EINSUM_LABELS] = {false};
    if (r->end - r->at < 2 || r->at[1] != '>') {
        return base_fail(r->diag, SY_EINVAL, "attribute 'equation' has '-' without '>'");
    }
    r->at += 2;
    SY_TRY(read_term(r, t));
    if (r->at != r->end) {
        return base_fail(r->diag, SY_EINVAL, "attribute 'equation' goes on after the result");
    }
    for (uint32_t k = 0; k < t->n; k++) {
        if (counts[t->letters[k]] == 0 || seen[t->letters[k]]) {
            return base_fail(r->diag, SY_EINVAL, "a letter of the result is %s",
                             seen[t->letters[k]] ? "given twice" : "in no operand");
        }
        seen[t->letters[k]] = true;
    }
    return SY_OK;
}

sy_status ir_einsum_parse(base_arena *arena, const char *equation, size_t n_bytes, uint32_t n_operands,
                          const int32_t *ranks, base_diag *diag, ir_einsum *out)
{
    reader r = {equation, equation + n_bytes, diag};
    uint32_t counts[IR_EINSUM_LABELS] = {0}, n_ellipsis = 0;
    term t = {.has_ellipsis = true};
    *out = (ir_einsum){.n_operands = n_operands};
    out->labels = base_arena_alloc(arena, n_operands, sizeof *out->labels);
    if (out->labels == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(read_operands(&r, ranks, out, counts, &n_ellipsis));
    if (r.at < r.end) {
        SY_TRY(read_result(&r, counts, &t));
    } else {
        for (uint32_t k = 0; k < IR_EINSUM_ELLIPSIS; k++) {
            if (counts[k] == 1 && t.n == IR_MAX_RANK) {
                return base_fail(diag, SY_ERANGE, "the result has more than %d dimensions", IR_MAX_RANK);
            }
            if (counts[k] == 1) {
                t.letters[t.n++] = (uint8_t)k;
            }
        }
    }
    n_ellipsis = t.has_ellipsis ? n_ellipsis : 0;
    out->rank = (int32_t)(t.n + n_ellipsis);
    return label(&t, n_ellipsis, out->result, diag);
}
