/*
 * onnx_fits.c -- whether a value is the one that a conformance case expects.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/onnx_cases.h"

#include "systole/graph/list.h"
#include "systole/graph/strings.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define STANDARD_ERRORS 6.0

typedef struct comparison {
    double relative, absolute;
    bool random;
    base_arena *scratch;
    char *why;
    size_t n_bytes;
} comparison;

static void shape_text(const ir_tensor *t, char *text, size_t n_bytes)
{
    int at = snprintf(text, n_bytes, "%s[", sy_dtype_name(t->dtype));
    for (int32_t i = 0; i < t->rank && at > 0 && (size_t)at < n_bytes; i++) {
        at += snprintf(text + at, n_bytes - (size_t)at, "%s%" PRId64, i > 0 ? "," : "", t->dims[i]);
    }
    if (at > 0 && (size_t)at < n_bytes) {
        (void)snprintf(text + at, n_bytes - (size_t)at, "]");
    }
}

static bool same_shape(const comparison *c, const ir_tensor *got, const ir_tensor *want)
{
    if (got->dtype == want->dtype && got->rank == want->rank &&
        memcmp(got->dims, want->dims, (size_t)got->rank * sizeof(int64_t)) == 0) {
        return true;
    }
    char a[128], b[128];
    shape_text(got, a, sizeof a);
    shape_text(want, b, sizeof b);
    (void)snprintf(c->why, c->n_bytes, "expected %s, got %s", b, a);
    return false;
}

static sy_status strings_fit(const comparison *c, const ir_tensor *got, const ir_tensor *want,
                             bool *out)
{
    ir_text *x = NULL, *y = NULL;
    SY_TRY(ir_strings_read(got, c->scratch, &x));
    SY_TRY(ir_strings_read(want, c->scratch, &y));
    const int64_t n = ir_tensor_n_elements(want);
    for (int64_t i = 0; i < n && *out; i++) {
        *out = x[i].n_bytes == y[i].n_bytes && memcmp(x[i].text, y[i].text, x[i].n_bytes) == 0;
        if (!*out) {
            (void)snprintf(c->why, c->n_bytes, "element %" PRId64 ": expected '%.*s', got '%.*s'", i,
                           (int)y[i].n_bytes, y[i].text, (int)x[i].n_bytes, x[i].text);
        }
    }
    return SY_OK;
}

static bool numbers_fit(const comparison *c, const ir_tensor *got, const ir_tensor *want, int64_t n)
{
    if (got->size_bytes == want->size_bytes &&
        (got->size_bytes == 0 || memcmp(got->data, want->data, got->size_bytes) == 0)) {
        return true;
    }
    for (int64_t i = 0; i < n; i++) {
        const double x = ir_tensor_get_f64(got, i), y = ir_tensor_get_f64(want, i);
        const bool same = x == y || (isnan(x) && isnan(y));
        if (!same && !(fabs(x - y) <= c->absolute + c->relative * fabs(y))) {
            (void)snprintf(c->why, c->n_bytes, "element %" PRId64 ": expected %.9g, got %.9g", i, y,
                           x);
            return false;
        }
    }
    return true;
}

typedef struct moments {
    double mean, deviation;
} moments;

static moments moments_of(const ir_tensor *t, int64_t n)
{
    moments m = {0};
    for (int64_t i = 0; i < n; i++) {
        m.mean += ir_tensor_get_f64(t, i) / (double)n;
    }
    for (int64_t i = 0; i < n; i++) {
        const double d = ir_tensor_get_f64(t, i) - m.mean;
        m.deviation += d * d / (double)n;
    }
    m.deviation = sqrt(m.deviation);
    return m;
}

/*
 * Both are samples of n: their means differ by a few standard errors of the mean, their deviations by a few of the
 * deviation, which for any distribution with a bounded fourth moment near a normal's is below deviation / sqrt(n) or so.
 */
static bool statistics_fit(const comparison *c, const ir_tensor *got, const ir_tensor *want,
                           int64_t n)
{
    const moments x = moments_of(got, n), y = moments_of(want, n);
    const double larger = fmax(x.deviation, y.deviation);
    const double room = STANDARD_ERRORS * larger * sqrt(2.0 / (double)(n > 0 ? n : 1)) + c->absolute;
    if (n == 0 || (fabs(x.mean - y.mean) <= room && fabs(x.deviation - y.deviation) <= room)) {
        return true;
    }
    (void)snprintf(c->why, c->n_bytes,
                   "a random value: expected mean %.6g and deviation %.6g, got %.6g and %.6g",
                   y.mean, y.deviation, x.mean, x.deviation);
    return false;
}

static sy_status fits(const comparison *c, const ir_tensor *got, const ir_tensor *want, bool *out);

/* Value i of a map as a tensor: values are a sequence of tensors, or one tensor of numbers. */
static bool map_value(const ir_tensor *values, int64_t i, ir_tensor *out)
{
    if (ir_tensor_is_list(values)) {
        ir_list_entry(values, i, out);
        return true;
    }
    const size_t bytes = sy_dtype_bits(values->dtype) / 8;
    return bytes > 0 && ir_tensor_init(out, values->dtype, 0, NULL, (char *)values->data + (size_t)i * bytes) == SY_OK;
}

static int64_t map_n(const ir_tensor *values)
{
    return ir_tensor_is_list(values) ? ir_list_n(values) : ir_tensor_n_elements(values);
}

/* The place of key i of `of` among the keys; -1: it is not there. */
static int64_t find_key(const ir_tensor *keys, const ir_text *texts, const ir_tensor *of, const ir_text *of_texts, int64_t i)
{
    for (int64_t k = 0; k < ir_tensor_n_elements(keys); k++) {
        const bool same = texts != NULL ? texts[k].n_bytes == of_texts[i].n_bytes &&
                                              memcmp(texts[k].text, of_texts[i].text, of_texts[i].n_bytes) == 0
                                        : ir_tensor_get_i64(keys, k) == ir_tensor_get_i64(of, i);
        if (same) {
            return k;
        }
    }
    return -1;
}

/* A map has no order: the same keys must have the same values. */
static sy_status maps_fit(const comparison *c, const ir_tensor *got, const ir_tensor *want, bool *out)
{
    ir_tensor keys[2], values[2];
    ir_text *texts[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        ir_list_entry(i == 0 ? got : want, 0, &keys[i]);
        ir_list_entry(i == 0 ? got : want, 1, &values[i]);
        if (keys[i].dtype == SY_DT_STRING) {
            SY_TRY(ir_strings_read(&keys[i], c->scratch, &texts[i]));
        }
    }
    const int64_t n = ir_tensor_n_elements(&keys[1]);
    *out = keys[0].dtype == keys[1].dtype && ir_tensor_n_elements(&keys[0]) == n && map_n(&values[0]) == n &&
           map_n(&values[1]) == n;
    for (int64_t i = 0; *out && i < n; i++) {
        ir_tensor x, y;
        const int64_t at = find_key(&keys[0], texts[0], &keys[1], texts[1], i);
        *out = at >= 0 && map_value(&values[0], at, &x) && map_value(&values[1], i, &y);
        if (*out) {
            SY_TRY(fits(c, &x, &y, out));
        } else {
            (void)snprintf(c->why, c->n_bytes, "key %" PRId64 " of a map is missing", i);
        }
    }
    return SY_OK;
}

static sy_status fits(const comparison *c, const ir_tensor *got, const ir_tensor *want, bool *out)
{
    *out = true;
    if (got->kind == IR_TYPE_MAP && want->kind == IR_TYPE_MAP && ir_list_n(got) == 2 && ir_list_n(want) == 2) {
        return maps_fit(c, got, want, out);
    }
    if (ir_tensor_is_list(got) || ir_tensor_is_list(want)) {
        if (got->kind != want->kind || ir_list_n(got) != ir_list_n(want)) {
            (void)snprintf(c->why, c->n_bytes, "expected a list of %" PRId64 " entries, got %s of %" PRId64,
                           ir_tensor_is_list(want) ? ir_list_n(want) : 0,
                           ir_tensor_is_list(got) ? "one" : "a tensor",
                           ir_tensor_is_list(got) ? ir_list_n(got) : ir_tensor_n_elements(got));
            *out = false;
        }
        for (int64_t i = 0; *out && i < ir_list_n(want); i++) {
            ir_tensor x, y;
            ir_list_entry(got, i, &x);
            ir_list_entry(want, i, &y);
            SY_TRY(fits(c, &x, &y, out));
        }
        return SY_OK;
    }
    /* Older test sets keep bf16 under the number of uint16. */
    ir_tensor expected = *want;
    if (want->dtype == SY_DT_U16 && got->dtype == SY_DT_BF16) {
        expected.dtype = SY_DT_BF16;
    }
    *out = same_shape(c, got, &expected);
    if (!*out) {
        return SY_OK;
    }
    const bool complex = sy_dtype_class_of(got->dtype) == SY_DC_COMPLEX;
    const int64_t n = ir_tensor_n_elements(&expected) * (complex ? 2 : 1);
    if (got->dtype == SY_DT_STRING) {
        return strings_fit(c, got, &expected, out);
    }
    *out = c->random ? statistics_fit(c, got, &expected, n) : numbers_fit(c, got, &expected, n);
    return SY_OK;
}

sy_status rt_case_fits(const ir_tensor *got, const ir_tensor *want, const rt_case_options *options, bool random,
                       base_arena *scratch, char *why, size_t n_bytes, bool *out)
{
    const comparison c = {.relative = options->relative > 0 ? options->relative : RT_CASE_RELATIVE,
                          .absolute = options->absolute > 0 ? options->absolute : RT_CASE_ABSOLUTE,
                          .random = random,
                          .scratch = scratch,
                          .why = why,
                          .n_bytes = n_bytes};
    return fits(&c, got, want, out);
}
