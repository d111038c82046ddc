/*
 * ref_cast.c -- Cast and CastLike: numbers of every type, and strings of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include "systole/graph/strings.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t ir_ref_truncate(sy_dtype t, double v)
{
    if (sy_dtype_class_of(t) == SY_DC_BOOL) {
        return v != 0.0; /* NaN is not 0 */
    }
    if (isnan(v)) {
        return 0;
    }
    const int bits = (int)sy_dtype_bits(t);
    if (bits < 32 || t == SY_DT_U32) { /* the caller cuts off the high bits */
        return ir_ref_truncate(SY_DT_I64, v);
    }
    if (sy_dtype_class_of(t) == SY_DC_INT) {
        const double limit = ldexp(1.0, bits - 1);
        const int64_t top = (int64_t)(UINT64_MAX >> (65 - bits));
        return v >= limit ? top : v < -limit ? -top - 1 : (int64_t)v;
    }
    const uint64_t top = UINT64_MAX >> (64 - bits);
    return (int64_t)(v >= ldexp(1.0, bits) ? top : v <= 0.0 ? 0 : (uint64_t)v);
}

/* ---------------------------------------------------------------- numbers */

typedef struct cast_mode {
    bool saturate;
    ir_ref_e8m0_rounding rounding;
} cast_mode;

static sy_status mode_of(const ir_kernel_args *args, cast_mode *mode)
{
    const char *name = ir_node_string(args->node, "round_mode", "up");
    mode->saturate = ir_node_int(args->node, "saturate", 1) != 0;
    mode->rounding = strcmp(name, "down") == 0      ? IR_REF_E8M0_DOWN
                     : strcmp(name, "nearest") == 0 ? IR_REF_E8M0_NEAREST
                                                    : IR_REF_E8M0_UP;
    return mode->rounding != IR_REF_E8M0_UP || strcmp(name, "up") == 0
               ? SY_OK
               : base_fail(args->diag, SY_EINVAL,
                           "attribute 'round_mode' must be up, down or nearest, got '%s'", name);
}

static void put_number(ir_tensor *y, int64_t i, double v, const cast_mode *mode)
{
    if (y->dtype == SY_DT_F8E8M0) {
        ir_ref_put_e8m0(y, i, v, mode->rounding, mode->saturate);
    } else if (sy_dtype_class_of(y->dtype) != SY_DC_FLOAT) {
        ir_ref_put_int(y, i, ir_ref_truncate(y->dtype, v));
    } else if (mode->saturate) {
        ir_ref_put_saturated(y, i, v);
    } else {
        ir_ref_put(y, i, v);
    }
}

static void cast_numbers(const ir_tensor *x, ir_tensor *y, const cast_mode *mode)
{
    const bool from_float = sy_dtype_class_of(x->dtype) == SY_DC_FLOAT;
    const bool to_float = sy_dtype_class_of(y->dtype) == SY_DC_FLOAT;
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++) {
        if (from_float || (to_float && y->dtype != SY_DT_F32)) {
            put_number(y, i, ir_ref_get(x, i), mode);
        } else if (to_float) {
            /* From 64 bits straight to fp32, so that it is rounded once. */
            const int64_t v = ir_ref_get_int(x, i);
            ((float *)y->data)[i] = x->dtype == SY_DT_U64 ? (float)(uint64_t)v : (float)v;
        } else {
            ir_ref_put_int(y, i, ir_ref_get_int(x, i));
        }
    }
}

/* ---------------------------------------------------------------- numbers to strings */

#define NUMBER_BYTES 96
#define DIGITS_BYTES 24

/* The number that the text gives in type t. */
static double read_back(sy_dtype t, const char *text)
{
    if (t == SY_DT_F32) {
        return (double)strtof(text, NULL);
    }
    if (t == SY_DT_F64) {
        return strtod(text, NULL);
    }
    uint16_t room = 0;
    ir_tensor one = {.dtype = t, .data = &room, .size_bytes = sizeof room};
    ir_ref_put(&one, 0, strtod(text, NULL));
    return ir_ref_get(&one, 0);
}

/* Digits d.ddd of a finite number, as few as tell it from its neighbours, and the exponent of 10. */
static int shortest_digits(sy_dtype t, double v, char digits[DIGITS_BYTES])
{
    char text[NUMBER_BYTES];
    for (int n = 0; n < 17; n++) {
        snprintf(text, sizeof text, "%.*e", n, v);
        if (read_back(t, text) == v) {
            break;
        }
    }
    char *e = strchr(text, 'e');
    const int exponent = (int)strtol(e + 1, NULL, 10);
    size_t k = 0;
    for (const char *c = text; c < e; c++) {
        if (isdigit((unsigned char)*c) && k < DIGITS_BYTES - 1) {
            digits[k++] = *c;
        }
    }
    digits[k] = '\0';
    return exponent;
}

/* As ONNX's reference has it: 0.5, 100.0, 1e+20, 1.5e-07, nan, inf. */
static void float_text(sy_dtype t, double v, char out[NUMBER_BYTES])
{
    char digits[DIGITS_BYTES];
    if (isnan(v) || isinf(v)) {
        snprintf(out, NUMBER_BYTES, "%s", isnan(v) ? "nan" : v < 0.0 ? "-inf" : "inf");
        return;
    }
    const char *sign = signbit(v) != 0 ? "-" : "";
    const int e = shortest_digits(t, fabs(v), digits);
    const int n = (int)strlen(digits);
    if (v != 0.0 && (e < -4 || e >= 16)) {
        snprintf(out, NUMBER_BYTES, "%s%c%s%se%+03d", sign, digits[0], n > 1 ? "." : "", digits + 1, e);
    } else if (e < 0) {
        snprintf(out, NUMBER_BYTES, "%s0.%.*s%s", sign, -e - 1, "0000", digits);
    } else if (n <= e + 1) {
        snprintf(out, NUMBER_BYTES, "%s%s%.*s.0", sign, digits, e + 1 - n, "0000000000000000");
    } else {
        snprintf(out, NUMBER_BYTES, "%s%.*s.%s", sign, e + 1, digits, digits + e + 1);
    }
}

static void number_text(const ir_tensor *x, int64_t i, char out[NUMBER_BYTES])
{
    if (sy_dtype_class_of(x->dtype) == SY_DC_FLOAT) {
        /* What has fewer than 16 bits is written as f16 would be: it holds them all but e8m0's. */
        const bool wide = sy_dtype_bits(x->dtype) >= 16;
        const sy_dtype as = wide ? x->dtype : x->dtype == SY_DT_F8E8M0 ? SY_DT_F32 : SY_DT_F16;
        float_text(as, ir_ref_get(x, i), out);
    } else if (x->dtype == SY_DT_BOOL) {
        snprintf(out, NUMBER_BYTES, "%s", ir_ref_get_int(x, i) != 0 ? "True" : "False");
    } else if (x->dtype == SY_DT_U64) {
        snprintf(out, NUMBER_BYTES, "%llu", (unsigned long long)ir_ref_get_int(x, i));
    } else {
        snprintf(out, NUMBER_BYTES, "%lld", (long long)ir_ref_get_int(x, i));
    }
}

static sy_status cast_to_strings(const ir_kernel_args *args, const ir_tensor *x)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    base_buf buf = {0};
    char text[NUMBER_BYTES];
    const int64_t n = ir_tensor_n_elements(x);
    for (int64_t i = 0; i < n; i++) {
        number_text(x, i, text);
        ir_strings_put(&buf, text, strlen(text));
    }
    sy_status status = buf.failed ? SY_ENOMEM : ir_kernel_room(args, 0, buf.n_bytes);
    if (status == SY_OK && buf.n_bytes > 0) {
        memcpy(y->data, buf.data, buf.n_bytes);
    }
    base_buf_free(&buf);
    return status;
}

/* ---------------------------------------------------------------- strings to numbers */

/* `text` without case and without spaces around it. */
static bool says(const char *text, const char *word)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    while (*word != '\0' && tolower((unsigned char)*text) == *word) {
        text++;
        word++;
    }
    while (isspace((unsigned char)*text)) {
        text++;
    }
    return *word == '\0' && *text == '\0';
}

static bool at_end(const char *text, const char *end)
{
    while (isspace((unsigned char)*end)) {
        end++;
    }
    return end != text && *end == '\0';
}

/* False if the text is no number. */
static bool put_text(ir_tensor *y, int64_t i, const char *text, const cast_mode *mode)
{
    char *end = NULL;
    const bool is_bool = y->dtype == SY_DT_BOOL;
    if (is_bool && (says(text, "true") || says(text, "false"))) {
        ir_ref_put_int(y, i, says(text, "true"));
        return true;
    }
    if (!is_bool && sy_dtype_class_of(y->dtype) != SY_DC_FLOAT) {
        errno = 0;
        const bool is_u64 = y->dtype == SY_DT_U64;
        const int64_t v = is_u64 ? (int64_t)strtoull(text, &end, 10) : strtoll(text, &end, 10);
        if (errno == 0 && at_end(text, end)) {
            ir_ref_put_int(y, i, v);
            return true;
        }
    }
    const double v = y->dtype == SY_DT_F32 ? (double)strtof(text, &end) : strtod(text, &end);
    put_number(y, i, v, mode);
    return at_end(text, end);
}

static sy_status cast_strings(const ir_kernel_args *args, const ir_tensor *x, const cast_mode *mode)
{
    ir_text *texts = NULL;
    const sy_status status = ir_strings_read(x, args->scratch, &texts);
    if (status != SY_OK) {
        return base_fail(args->diag, status, "the strings of operand 0 cannot be read");
    }
    const int64_t n = ir_tensor_n_elements(x);
    for (int64_t i = 0; i < n; i++) {
        char copy[512]; /* terminated; the longest decimal of a double has some 1,080 digits, of which 500 decide */
        const bool fits = texts[i].n_bytes < sizeof copy;
        const size_t length = fits ? texts[i].n_bytes : 0;
        if (length > 0) {
            memcpy(copy, texts[i].text, length);
        }
        copy[length] = '\0';
        if (!fits || strlen(copy) != length || !put_text(ir_kernel_output(args, 0), i, copy, mode)) {
            return base_fail(args->diag, SY_EINVAL, "element %lld is no number: '%.40s'", (long long)i,
                             copy);
        }
    }
    return SY_OK;
}

sy_status ir_ref_cast(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    const bool from_text = x->dtype == SY_DT_STRING, to_text = y->dtype == SY_DT_STRING;
    cast_mode mode;
    SY_TRY(ir_ref_need(args, x, from_text || ir_ref_is_number(x->dtype)));
    SY_TRY(ir_ref_need(args, y, to_text || ir_ref_is_number(y->dtype)));
    SY_TRY(mode_of(args, &mode));
    if (from_text && to_text) {
        SY_TRY(ir_kernel_room(args, 0, x->size_bytes));
        if (x->size_bytes > 0) {
            memcpy(y->data, x->data, x->size_bytes);
        }
        return SY_OK;
    }
    if (to_text) {
        return cast_to_strings(args, x);
    }
    if (from_text) {
        return cast_strings(args, x, &mode);
    }
    cast_numbers(x, y, &mode);
    return SY_OK;
}
