/*
 * json.c -- JSON writer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "systole/base/assert.h"

base_json base_json_to(base_buf *out)
{
    return (base_json){.out = out};
}

static void new_line(base_json *json)
{
    if (json->compact) {
        return;
    }
    base_buf_putc(json->out, '\n');
    for (int i = 0; i < json->depth; i++) {
        base_buf_puts(json->out, "  ");
    }
}

/* What comes between the last item of the innermost container and a new one. */
static void begin_item(base_json *json)
{
    if (json->depth == 0) {
        return;
    }
    const int top = json->depth - 1;
    if (json->have_items[top]) {
        base_buf_putc(json->out, ',');
    }
    json->have_items[top] = true;
    new_line(json);
}

static void begin_value(base_json *json)
{
    if (json->depth > 0 && json->closers[json->depth - 1] == '}') {
        SY_ASSERT(json->have_key);
        json->have_key = false;
        return;
    }
    begin_item(json);
}

static void open_container(base_json *json, char opener, char closer)
{
    begin_value(json);
    SY_ASSERT(json->depth < BASE_JSON_MAX_DEPTH);
    json->closers[json->depth] = closer;
    json->have_items[json->depth] = false;
    json->depth++;
    base_buf_putc(json->out, opener);
}

static void close_container(base_json *json, char closer)
{
    SY_ASSERT(json->depth > 0 && json->closers[json->depth - 1] == closer && !json->have_key);
    json->depth--;
    if (json->have_items[json->depth]) {
        new_line(json);
    }
    base_buf_putc(json->out, closer);
    if (json->depth == 0) {
        base_buf_putc(json->out, '\n');
    }
}

void base_json_object_begin(base_json *json)
{
    open_container(json, '{', '}');
}

void base_json_object_end(base_json *json)
{
    close_container(json, '}');
}

void base_json_array_begin(base_json *json)
{
    open_container(json, '[', ']');
}

void base_json_array_end(base_json *json)
{
    close_container(json, ']');
}

/* Length of the UTF-8 sequence that first can begin, 0 if none.  Source: Unicode 15, table 3-7. */
static size_t utf8_length(unsigned char first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Bytes of the well-formed UTF-8 sequence at p, 0 if there is none. */
static size_t utf8_bytes(const unsigned char *p)
{
    const unsigned char first = p[0];
    const size_t n = utf8_length(first);
    const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    for (size_t i = 1; i < n; i++) {
        if (p[i] < (i == 1 ? low : 0x80) || p[i] > (i == 1 ? high : 0xbf)) {
            return 0;
        }
    }
    return n;
}

static void write_text(base_buf *out, const char *text)
{
    base_buf_putc(out, '"');
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0';) {
        const size_t n = utf8_bytes(p);
        if (*p == '"' || *p == '\\') {
            base_buf_printf(out, "\\%c", *p);
        } else if (*p == '\n') {
            base_buf_puts(out, "\\n");
        } else if (*p == '\t') {
            base_buf_puts(out, "\\t");
        } else if (*p < 0x20 || *p == 0x7f) {
            base_buf_printf(out, "\\u%04x", *p);
        } else if (n == 0) {
            base_buf_puts(out, "\\ufffd");
        } else {
            base_buf_append(out, p, n);
        }
        p += n == 0 ? 1 : n;
    }
    base_buf_putc(out, '"');
}

void base_json_key(base_json *json, const char *key)
{
    SY_ASSERT(json->depth > 0 && json->closers[json->depth - 1] == '}' && !json->have_key);
    begin_item(json);
    write_text(json->out, key);
    base_buf_puts(json->out, json->compact ? ":" : ": ");
    json->have_key = true;
}

void base_json_string(base_json *json, const char *text)
{
    if (text == NULL) {
        base_json_null(json);
        return;
    }
    begin_value(json);
    write_text(json->out, text);
}

void base_json_i64(base_json *json, int64_t value)
{
    begin_value(json);
    base_buf_printf(json->out, "%" PRId64, value);
}

void base_json_u64(base_json *json, uint64_t value)
{
    begin_value(json);
    base_buf_printf(json->out, "%" PRIu64, value);
}

void base_json_double(base_json *json, double value)
{
    if (!isfinite(value)) {
        base_json_null(json);
        return;
    }
    begin_value(json);
    char text[40];
    for (int n_digits = 15; n_digits <= 17; n_digits++) {
        snprintf(text, sizeof text, "%.*g", n_digits, value);
        const double back = strtod(text, NULL);
        if (memcmp(&back, &value, sizeof back) == 0) {
            break;
        }
    }
    /* A program that has set a locale of its own may have made the point a comma. */
    char *comma = strchr(text, ',');
    if (comma != NULL) {
        *comma = '.';
    }
    base_buf_puts(json->out, text);
}

void base_json_bool(base_json *json, bool value)
{
    begin_value(json);
    base_buf_puts(json->out, value ? "true" : "false");
}

void base_json_null(base_json *json)
{
    begin_value(json);
    base_buf_puts(json->out, "null");
}

void base_json_key_string(base_json *json, const char *key, const char *text)
{
    base_json_key(json, key);
    base_json_string(json, text);
}

void base_json_key_i64(base_json *json, const char *key, int64_t value)
{
    base_json_key(json, key);
    base_json_i64(json, value);
}

void base_json_key_u64(base_json *json, const char *key, uint64_t value)
{
    base_json_key(json, key);
    base_json_u64(json, value);
}

void base_json_key_double(base_json *json, const char *key, double value)
{
    base_json_key(json, key);
    base_json_double(json, value);
}

void base_json_key_bool(base_json *json, const char *key, bool value)
{
    base_json_key(json, key);
    base_json_bool(json, value);
}

sy_status base_json_flush(base_json *json, FILE *stream)
{
    SY_TRY(base_buf_status(json->out));
    const size_t n = json->out->n_bytes;
    const bool ok = n == 0 || fwrite(json->out->data, 1, n, stream) == n;
    base_buf_clear(json->out);
    return ok ? SY_OK : SY_EIO;
}
