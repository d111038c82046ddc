/*
 * ref_string.c -- StringNormalizer, StringConcat, StringSplit, RegexFullMatch.
 *
 * Regular expressions run on PCRE2's algorithm without backtracking: time grows with the length of pattern and string
 * only, and what it cannot do (references back) RE2, whose syntax ONNX names, cannot either. A build without PCRE2
 * refuses the operator.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* newlocale, towlower_l */
#include "ref_text.h"

#ifdef SY_HAVE_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#endif

#include <limits.h>
#include <locale.h>
#include <string.h>
#include <wctype.h>

/* ---------------------------------------------------------------- characters */

/* The next character of UTF-8; a byte that begins none stands for itself, negated. *at moves on. */
static int32_t next_char(const ir_text *t, uint32_t *at)
{
    const unsigned char *p = (const unsigned char *)t->text + *at;
    const uint32_t left = t->n_bytes - *at;
    const uint32_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
                       : p[0] >= 0xf0 && p[0] < 0xf5             ? 4
                                                                 : 0;
    if (n == 1) {
        (*at)++;
        return p[0];
    }
    int32_t c = n > 0 ? p[0] & (0x7f >> n) : 0;
    bool good = n > 0 && n <= left;
    for (uint32_t i = 1; good && i < n; i++) {
        good = (p[i] & 0xc0) == 0x80;
        c = c << 6 | (p[i] & 0x3f);
    }
    *at += good ? n : 1;
    return good ? c : -(int32_t)p[0];
}

static uint32_t put_char(int32_t c, char *out)
{
    unsigned char *p = (unsigned char *)out;
    if (c < 0 || c < 0x80) {
        p[0] = (unsigned char)(c < 0 ? -c : c);
        return 1;
    }
    const uint32_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (uint32_t i = n - 1; i > 0; i--) {
        p[i] = (unsigned char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    p[0] = (unsigned char)((0xf00 >> n & 0xff) | c);
    return n;
}

static bool is_space(int32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* ---------------------------------------------------------------- StringNormalizer */

typedef enum case_change { CASE_NONE, CASE_LOWER, CASE_UPPER } case_change;

/* The locale's rules for letters, UTF-8 always; one that the host does not have is as good as English. */
static locale_t open_locale(const char *name)
{
    char with_charset[64];
    const size_t n = strcspn(name, ".");
    locale_t l = (locale_t)0;
    if (n > 0 && n < 32) {
        memcpy(with_charset, name, n);
        memcpy(with_charset + n, ".UTF-8", sizeof ".UTF-8");
        l = newlocale(LC_CTYPE_MASK, with_charset, (locale_t)0);
    }
    return l != (locale_t)0 ? l : newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static sy_status change_case(base_arena *scratch, case_change change, locale_t l, const ir_text *from, ir_text *out)
{
    *out = *from;
    if (change == CASE_NONE) {
        return SY_OK;
    }
    if (from->n_bytes > UINT32_MAX / 4) {
        return SY_ERANGE;
    }
    char *text = base_arena_alloc(scratch, (size_t)from->n_bytes * 4 + 1, 1); /* no character has more bytes */
    uint32_t n = 0;
    if (text == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t at = 0; at < from->n_bytes;) {
        int32_t c = next_char(from, &at);
        if (c > 0 && l != (locale_t)0) {
            c = (int32_t)(change == CASE_LOWER ? towlower_l((wint_t)c, l) : towupper_l((wint_t)c, l));
        }
        n += put_char(c, text + n);
    }
    *out = (ir_text){ text, n };
    return SY_OK;
}

/* The words that stay, with their case changed; *n of them. */
static sy_status normalise(const ir_kernel_args *args, locale_t l, int64_t n_words, const ir_text *words, int64_t *n,
                           ir_text *out)
{
    const char *action = ir_node_string(args->node, "case_change_action", "NONE");
    const bool sensitive = ir_node_int(args->node, "is_case_sensitive", 0) != 0;
    const case_change change = strcmp(action, "LOWER") == 0   ? CASE_LOWER
                               : strcmp(action, "UPPER") == 0 ? CASE_UPPER
                                                              : CASE_NONE;
    if (change == CASE_NONE && strcmp(action, "NONE") != 0) {
        return base_fail(args->diag, SY_EINVAL, "attribute 'case_change_action' is '%s', expected LOWER, UPPER or NONE",
                         action);
    }
    uint32_t n_stops = 0;
    ir_text *stops;
    ir_ref_index index;
    SY_TRY(ir_ref_attr_texts(args, "stopwords", &n_stops, &stops));
    for (uint32_t i = 0; !sensitive && i < n_stops; i++) {
        SY_TRY(change_case(args->scratch, CASE_LOWER, l, &stops[i], &stops[i]));
    }
    SY_TRY(ir_ref_index_make(args->scratch, n_stops, NULL, stops, false, &index));
    for (int64_t i = 0; i < n_words; i++) {
        ir_text key = words[i];
        if (!sensitive && n_stops > 0) {
            SY_TRY(change_case(args->scratch, CASE_LOWER, l, &words[i], &key));
        }
        if (n_stops == 0 || ir_ref_index_text(&index, &key) < 0) {
            SY_TRY(change_case(args->scratch, change, l, &words[i], &out[(*n)++]));
        }
    }
    return SY_OK;
}

sy_status ir_ref_string_normalizer(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_text *words = NULL;
    int64_t n = 0;
    SY_TRY(ir_ref_texts(args, x, &words));
    if (x->rank != 1 && (x->rank != 2 || x->dims[0] != 1)) {
        return base_fail(args->diag, SY_ESHAPE, "operand 0 must be of shape [C] or [1, C]");
    }
    const int64_t n_words = ir_tensor_n_elements(x);
    ir_text *out = BASE_ARENA_ARRAY(args->scratch, ir_text, (size_t)n_words + 1);
    if (out == NULL) {
        return SY_ENOMEM;
    }
    const locale_t l = open_locale(ir_node_string(args->node, "locale", "en_US"));
    const sy_status status = normalise(args, l, n_words, words, &n, out);
    if (l != (locale_t)0) {
        freelocale(l);
    }
    SY_TRY(status);
    if (n == 0) { /* one empty word stands for none */
        out[n++] = (ir_text){ "", 0 };
    }
    const int64_t dims[2] = { 1, n };
    SY_TRY(ir_kernel_result(args, 0, SY_DT_STRING, x->rank, dims + (2 - x->rank)));
    return ir_ref_result_texts(args, 0, n, out);
}

/* ---------------------------------------------------------------- StringConcat */

sy_status ir_ref_string_concat(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0), *y = ir_kernel_input(args, 1);
    ir_tensor *z = ir_kernel_output(args, 0);
    ir_text *xs = NULL, *ys = NULL;
    ir_ref_walk w;
    SY_TRY(ir_ref_texts(args, x, &xs));
    SY_TRY(ir_ref_texts(args, y, &ys));
    if (z == NULL) {
        return SY_OK;
    }
    const int64_t n = ir_tensor_n_elements(z);
    ir_text *out = BASE_ARENA_ARRAY(args->scratch, ir_text, (size_t)n);
    if (out == NULL) {
        return SY_ENOMEM;
    }
    ir_ref_walk_start(&w, z->rank, z->dims);
    ir_ref_broadcast_strides(x, z->rank, w.strides[0]);
    ir_ref_broadcast_strides(y, z->rank, w.strides[1]);
    for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&w)) {
        const ir_text *a = &xs[w.offset[0]], *b = &ys[w.offset[1]];
        if (a->n_bytes > UINT32_MAX - b->n_bytes) {
            return base_fail(args->diag, SY_ERANGE, "a string of more than 2^32 bytes");
        }
        char *text = base_arena_alloc(args->scratch, (size_t)a->n_bytes + b->n_bytes + 1, 1);
        if (text == NULL) {
            return SY_ENOMEM;
        }
        memcpy(text, a->text, a->n_bytes);
        memcpy(text + a->n_bytes, b->text, b->n_bytes);
        out[i] = (ir_text){ text, a->n_bytes + b->n_bytes };
    }
    return ir_ref_result_texts(args, 0, n, out);
}

/* ---------------------------------------------------------------- StringSplit */

typedef struct splitter {
    ir_text delimiter; /* empty: white space, any amount of it */
    int64_t max_splits;
} splitter;

/* Where the first delimiter from `at` on is; the end if there is none. */
static uint32_t find_delimiter(const ir_text *t, uint32_t at, const ir_text *delimiter)
{
    const char *found = memmem(t->text + at, t->n_bytes - at, delimiter->text, delimiter->n_bytes);
    return found != NULL ? (uint32_t)(found - t->text) : t->n_bytes;
}

/* Moves over characters as long as they are white space, or as long as they are not. */
static uint32_t skip(const ir_text *t, uint32_t at, bool space)
{
    while (at < t->n_bytes) {
        uint32_t next = at;
        if (is_space(next_char(t, &next)) != space) {
            break;
        }
        at = next;
    }
    return at;
}

/* The parts of t, counted; written if out is not NULL. */
static int64_t split(const splitter *s, const ir_text *t, ir_text *out)
{
    int64_t n = 0;
    uint32_t at = 0;
    const bool spaces = s->delimiter.n_bytes == 0;
    for (bool more = true; more; n++) {
        at = spaces ? skip(t, at, true) : at;
        if (spaces && at == t->n_bytes) {
            return n;
        }
        uint32_t end = t->n_bytes;
        if (n < s->max_splits) {
            end = spaces ? skip(t, at, false) : find_delimiter(t, at, &s->delimiter);
        }
        if (out != NULL) {
            out[n] = (ir_text){ t->text + at, end - at };
        }
        more = end < t->n_bytes;
        at = end + (more ? s->delimiter.n_bytes : 0);
    }
    return n;
}

sy_status ir_ref_string_split(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_attr *delimiter = ir_node_attr(args->node, "delimiter");
    ir_text *texts = NULL;
    int64_t dims[IR_MAX_RANK], most = 0, total = 0;
    SY_TRY(ir_ref_texts(args, x, &texts));
    splitter s = { .max_splits = ir_node_int(args->node, "maxsplit", INT64_MAX) };
    if (delimiter != NULL && delimiter->kind == IR_ATTR_STRING && delimiter->u.s.n <= UINT32_MAX) {
        s.delimiter = (ir_text){ delimiter->u.s.text, (uint32_t)delimiter->u.s.n };
    }
    s.max_splits = s.max_splits < 0 ? INT64_MAX : s.max_splits;
    const int64_t n = ir_tensor_n_elements(x);
    int64_t *counts = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)n);
    if (counts == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        counts[i] = split(&s, &texts[i], NULL);
        most = counts[i] > most ? counts[i] : most;
    }
    memcpy(dims, x->dims, sizeof dims);
    if (x->rank == IR_MAX_RANK || __builtin_mul_overflow(n, most, &total)) {
        return base_fail(args->diag, SY_ERANGE, "the result has too many dimensions or elements");
    }
    dims[x->rank] = most;
    ir_text *out = base_arena_alloc(args->scratch, (size_t)total, sizeof *out);
    if (out == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < n; i++) { /* what is missing stays the empty string */
        (void)split(&s, &texts[i], out + i * most);
    }
    SY_TRY(ir_kernel_result(args, 0, SY_DT_STRING, x->rank + 1, dims));
    SY_TRY(ir_ref_result_texts(args, 0, total, out));
    SY_TRY(ir_kernel_result(args, 1, SY_DT_I64, x->rank, x->dims));
    ir_tensor *z = ir_kernel_output(args, 1);
    if (z != NULL && n > 0) {
        memcpy(z->data, counts, (size_t)n * sizeof *counts);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- RegexFullMatch */

#ifdef SY_HAVE_PCRE2

#define MAX_WORK_INTS   (1 << 20) /* states at one place of a string */
#define MAX_MATCH_STEPS 1000000   /* of groups inside groups */

typedef struct regex {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    int *work;
    size_t n_work;
} regex;

static void regex_close(regex *r)
{
    pcre2_match_context_free(r->context);
    pcre2_match_data_free(r->data);
    pcre2_code_free(r->code);
}

static sy_status regex_open(const ir_kernel_args *args, regex *r)
{
    const ir_attr *pattern = ir_node_attr(args->node, "pattern");
    int error = 0;
    PCRE2_SIZE at = 0;
    if (pattern == NULL || pattern->kind != IR_ATTR_STRING) {
        return base_fail(args->diag, SY_EINVAL, "attribute 'pattern' is missing");
    }
    r->code = pcre2_compile((PCRE2_SPTR)pattern->u.s.text, pattern->u.s.n,
                            PCRE2_UTF | PCRE2_ANCHORED | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C,
                            &error, &at, NULL);
    if (r->code == NULL) {
        PCRE2_UCHAR text[160] = "";
        (void)pcre2_get_error_message(error, text, sizeof text);
        return base_fail(args->diag, SY_EINVAL, "attribute 'pattern' is no regular expression: %s at byte %zu",
                         (const char *)text, (size_t)at);
    }
    r->data = pcre2_match_data_create(1, NULL);
    r->context = pcre2_match_context_create(NULL);
    if (r->data == NULL || r->context == NULL) {
        return SY_ENOMEM;
    }
    (void)pcre2_set_match_limit(r->context, MAX_MATCH_STEPS);
    (void)pcre2_set_depth_limit(r->context, 1000);
    return SY_OK;
}

static sy_status regex_matches(const ir_kernel_args *args, regex *r, const ir_text *t, bool *out)
{
    int rc = PCRE2_ERROR_DFA_WSSIZE;
    while (rc == PCRE2_ERROR_DFA_WSSIZE && r->n_work < MAX_WORK_INTS) {
        if (r->work != NULL) {
            rc = pcre2_dfa_match(r->code, (PCRE2_SPTR)t->text, t->n_bytes, 0, 0, r->data, r->context,
                                 r->work, r->n_work);
        }
        if (rc == PCRE2_ERROR_DFA_WSSIZE) {
            r->n_work = r->n_work > 0 ? r->n_work * 4 : 1024;
            r->work = BASE_ARENA_ARRAY(args->scratch, int, r->n_work);
            if (r->work == NULL) {
                return SY_ENOMEM;
            }
        }
    }
    /* the longest match comes first: it is the whole string or nothing is */
    *out = rc >= 0 && pcre2_get_ovector_pointer(r->data)[1] == t->n_bytes;
    if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH || (rc <= PCRE2_ERROR_UTF8_ERR1 && rc >= PCRE2_ERROR_UTF8_ERR21)) {
        return SY_OK; /* what is no text matches nothing */
    }
    PCRE2_UCHAR text[160] = "";
    (void)pcre2_get_error_message(rc, text, sizeof text);
    return base_fail(args->diag, SY_EUNSUPPORTED, "the regular expression cannot be matched: %s", (const char *)text);
}

sy_status ir_ref_regex_full_match(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    ir_text *texts = NULL;
    regex r = { 0 };
    SY_TRY(ir_ref_texts(args, x, &texts));
    if (y == NULL) {
        return SY_OK;
    }
    sy_status status = regex_open(args, &r);
    for (int64_t i = 0; status == SY_OK && i < ir_tensor_n_elements(x); i++) {
        bool matches = false;
        status = regex_matches(args, &r, &texts[i], &matches);
        ((uint8_t *)y->data)[i] = matches;
    }
    regex_close(&r);
    return status;
}

#else

sy_status ir_ref_regex_full_match(const ir_kernel_args *args)
{
    return base_fail(args->diag, SY_EUNSUPPORTED, "this build has no regular expressions: install libpcre2-dev, configure again");
}

#endif
