/*
 * buf.c -- growable byte buffer; cursor over untrusted bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "systole/base/assert.h"

#define CAPACITY_FIRST 64

void base_buf_free(base_buf *buf)
{
    free(buf->data);
    *buf = (base_buf){0};
}

void base_buf_clear(base_buf *buf)
{
    buf->n_bytes = 0;
    buf->failed = false;
    if (buf->data != NULL) {
        buf->data[0] = '\0';
    }
}

sy_status base_buf_status(const base_buf *buf)
{
    return buf->failed ? SY_ENOMEM : SY_OK;
}

bool base_buf_reserve(base_buf *buf, size_t n_more)
{
    const size_t limit = buf->limit_bytes == 0 ? SIZE_MAX - 1 : buf->limit_bytes;
    if (buf->failed || buf->n_bytes > limit || n_more > limit - buf->n_bytes) {
        buf->failed = true;
        return false;
    }
    const size_t wanted = buf->n_bytes + n_more + 1;
    if (wanted <= buf->capacity) {
        return true;
    }
    size_t capacity = buf->capacity > SIZE_MAX / 2 ? wanted : buf->capacity * 2;
    if (capacity < CAPACITY_FIRST) {
        capacity = CAPACITY_FIRST;
    }
    if (capacity < wanted) {
        capacity = wanted;
    }
    char *data = realloc(buf->data, capacity);
    if (data == NULL) {
        buf->failed = true;
        return false;
    }
    data[buf->n_bytes] = '\0';
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

bool base_buf_append(base_buf *buf, const void *data, size_t n_bytes)
{
    if (!base_buf_reserve(buf, n_bytes)) {
        return false;
    }
    if (n_bytes > 0) {
        memcpy(buf->data + buf->n_bytes, data, n_bytes);
    }
    buf->n_bytes += n_bytes;
    buf->data[buf->n_bytes] = '\0';
    return true;
}

bool base_buf_puts(base_buf *buf, const char *text)
{
    return base_buf_append(buf, text, strlen(text));
}

bool base_buf_putc(base_buf *buf, char c)
{
    return base_buf_append(buf, &c, 1);
}

bool base_buf_zeros(base_buf *buf, size_t n_bytes)
{
    if (!base_buf_reserve(buf, n_bytes)) {
        return false;
    }
    memset(buf->data + buf->n_bytes, 0, n_bytes + 1);
    buf->n_bytes += n_bytes;
    return true;
}

bool base_buf_align(base_buf *buf, size_t align_bytes)
{
    SY_ASSERT(align_bytes > 0);
    const size_t over = buf->n_bytes % align_bytes;
    return base_buf_zeros(buf, over == 0 ? 0 : align_bytes - over);
}

bool base_buf_vprintf(base_buf *buf, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0) {
        buf->failed = true;
        return false;
    }
    if (!base_buf_reserve(buf, (size_t)n)) {
        return false;
    }
    vsnprintf(buf->data + buf->n_bytes, (size_t)n + 1, fmt, args);
    buf->n_bytes += (size_t)n;
    return true;
}

bool base_buf_printf(base_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const bool ok = base_buf_vprintf(buf, fmt, args);
    va_end(args);
    return ok;
}

bool base_buf_put_u8(base_buf *buf, uint8_t value)
{
    return base_buf_append(buf, &value, 1);
}

bool base_buf_put_le16(base_buf *buf, uint16_t value)
{
    unsigned char bytes[2];
    base_set_le16(bytes, value);
    return base_buf_append(buf, bytes, sizeof bytes);
}

bool base_buf_put_le32(base_buf *buf, uint32_t value)
{
    unsigned char bytes[4];
    base_set_le32(bytes, value);
    return base_buf_append(buf, bytes, sizeof bytes);
}

bool base_buf_put_le64(base_buf *buf, uint64_t value)
{
    unsigned char bytes[8];
    base_set_le64(bytes, value);
    return base_buf_append(buf, bytes, sizeof bytes);
}

static uint64_t get_le(const void *p, size_t n_bytes)
{
    const unsigned char *bytes = p;
    uint64_t value = 0;
    for (size_t i = n_bytes; i-- > 0;) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static void set_le(void *p, size_t n_bytes, uint64_t value)
{
    unsigned char *bytes = p;
    for (size_t i = 0; i < n_bytes; i++) {
        bytes[i] = (unsigned char)(value >> (8 * i));
    }
}

uint16_t base_get_le16(const void *p)
{
    return (uint16_t)get_le(p, 2);
}

uint32_t base_get_le32(const void *p)
{
    return (uint32_t)get_le(p, 4);
}

uint64_t base_get_le64(const void *p)
{
    return get_le(p, 8);
}

void base_set_le16(void *p, uint16_t value)
{
    set_le(p, 2, value);
}

void base_set_le32(void *p, uint32_t value)
{
    set_le(p, 4, value);
}

void base_set_le64(void *p, uint64_t value)
{
    set_le(p, 8, value);
}

base_cursor base_cursor_at(const void *data, size_t n_bytes)
{
    return (base_cursor){.data = data, .n_bytes = n_bytes};
}

size_t base_cursor_left(const base_cursor *cursor)
{
    return cursor->failed ? 0 : cursor->n_bytes - cursor->at;
}

const void *base_cursor_bytes(base_cursor *cursor, size_t n_bytes)
{
    if (cursor->failed || n_bytes > cursor->n_bytes - cursor->at) {
        cursor->failed = true;
        return NULL;
    }
    if (cursor->data == NULL) {
        return ""; /* no bytes at all were asked for, out of none */
    }
    const unsigned char *p = cursor->data + cursor->at;
    cursor->at += n_bytes;
    return p;
}

static uint64_t cursor_le(base_cursor *cursor, size_t n_bytes)
{
    const void *p = base_cursor_bytes(cursor, n_bytes);
    return p == NULL ? 0 : get_le(p, n_bytes);
}

uint8_t base_cursor_u8(base_cursor *cursor)
{
    return (uint8_t)cursor_le(cursor, 1);
}

uint16_t base_cursor_le16(base_cursor *cursor)
{
    return (uint16_t)cursor_le(cursor, 2);
}

uint32_t base_cursor_le32(base_cursor *cursor)
{
    return (uint32_t)cursor_le(cursor, 4);
}

uint64_t base_cursor_le64(base_cursor *cursor)
{
    return cursor_le(cursor, 8);
}

bool base_cursor_seek(base_cursor *cursor, uint64_t offset)
{
    if (cursor->failed || offset > cursor->n_bytes) {
        cursor->failed = true;
        return false;
    }
    cursor->at = (size_t)offset;
    return true;
}

const char *base_cursor_string(base_cursor *cursor)
{
    const size_t left = base_cursor_left(cursor);
    const unsigned char *start = left == 0 ? NULL : cursor->data + cursor->at;
    const unsigned char *nul = left == 0 ? NULL : memchr(start, '\0', left);
    if (nul == NULL) {
        cursor->failed = true;
        return NULL;
    }
    cursor->at += (size_t)(nul - start) + 1;
    return (const char *)start;
}
