/*
 * json.h -- writes JSON into a buffer, indented and in the order of the calls.
 *
 * The writer keeps count of nesting and commas; a call out of place (a value without a key inside
 * an object) is a bug and stops the program.  Reading is json-c's work.
 *
 *     base_json json = base_json_to(&buf);
 *     base_json_object_begin(&json);
 *     base_json_key(&json, "cycles");
 *     base_json_u64(&json, n_cycles);
 *     base_json_object_end(&json);
 *     SY_TRY(base_buf_status(&buf));
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_BASE_JSON_H
#define SYSTOLE_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "systole/base/buf.h"

#define BASE_JSON_MAX_DEPTH 32

typedef struct base_json {
    base_buf *out;
    int depth;
    bool have_key;
    bool compact; /* set it for one line without spaces */
    char closers[BASE_JSON_MAX_DEPTH];
    bool have_items[BASE_JSON_MAX_DEPTH];
} base_json;

/* A writer that appends to out. Failures to grow are out's: check base_buf_status at the end. */
base_json base_json_to(base_buf *out);

void base_json_object_begin(base_json *json);
void base_json_object_end(base_json *json);
void base_json_array_begin(base_json *json);
void base_json_array_end(base_json *json);

/* The name of the next value of an object. */
void base_json_key(base_json *json, const char *key);

/* Values. Text is UTF-8; bytes that are not are written as U+FFFD. NULL text is null. */
void base_json_string(base_json *json, const char *text);
void base_json_i64(base_json *json, int64_t value);
void base_json_u64(base_json *json, uint64_t value);
/*
 * As few digits as read back as the same double.  NaN and infinities, which JSON lacks, are null.
 */
void base_json_double(base_json *json, double value);
void base_json_bool(base_json *json, bool value);
void base_json_null(base_json *json);

/* A key and its value at once. */
void base_json_key_string(base_json *json, const char *key, const char *text);
void base_json_key_i64(base_json *json, const char *key, int64_t value);
void base_json_key_u64(base_json *json, const char *key, uint64_t value);
void base_json_key_double(base_json *json, const char *key, double value);
void base_json_key_bool(base_json *json, const char *key, bool value);

/* Writes what out holds to a stream and empties it, so that a long document needs little memory. */
sy_status base_json_flush(base_json *json, FILE *stream);

#endif
