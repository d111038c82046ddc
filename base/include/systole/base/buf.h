/*
 * buf.h -- a growable buffer of bytes or text, and a cursor that reads bytes of unknown origin.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_BASE_BUF_H
#define SYSTOLE_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "systole/status.h"

/*
 * Zero-initialise it, release it with base_buf_free.  It owns its bytes, which are followed by a
 * NUL that n_bytes does not count, so data is a C string whenever it is text.  data is NULL until
 * something is written.
 *
 * A failed write marks the buffer: all later writes fail as well, so a long sequence needs one
 * check at its end, base_buf_status.
 */
typedef struct base_buf {
    char *data;
    size_t n_bytes;
    size_t capacity;
    size_t limit_bytes; /* 0: none; else writes beyond it fail, as if memory were out */
    bool failed;
} base_buf;

void base_buf_free(base_buf *buf);

/* Empties the buffer, keeps its memory, clears the failure mark. */
void base_buf_clear(base_buf *buf);

/* SY_OK, or SY_ENOMEM when a write has failed. */
sy_status base_buf_status(const base_buf *buf);

/* Makes room for n_more bytes beyond n_bytes. */
bool base_buf_reserve(base_buf *buf, size_t n_more);

/* Each appends, and returns false when it could not; then nothing is appended. */
bool base_buf_append(base_buf *buf, const void *data, size_t n_bytes);
bool base_buf_puts(base_buf *buf, const char *text);
bool base_buf_putc(base_buf *buf, char c);
bool base_buf_zeros(base_buf *buf, size_t n_bytes);
bool base_buf_align(base_buf *buf, size_t align_bytes); /* zeros up to a multiple of align_bytes */
bool base_buf_printf(base_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool base_buf_vprintf(base_buf *buf, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));
bool base_buf_put_u8(base_buf *buf, uint8_t value);
bool base_buf_put_le16(base_buf *buf, uint16_t value);
bool base_buf_put_le32(base_buf *buf, uint32_t value);
bool base_buf_put_le64(base_buf *buf, uint64_t value);

/* Little-endian values at any alignment. */
uint16_t base_get_le16(const void *p);
uint32_t base_get_le32(const void *p);
uint64_t base_get_le64(const void *p);
void base_set_le16(void *p, uint16_t value);
void base_set_le32(void *p, uint32_t value);
void base_set_le64(void *p, uint64_t value);

/*
 * Reads from bytes that may be truncated or hostile: a read beyond the end gives zeros (or NULL)
 * and marks the cursor, and so do all reads after it; check failed once, before the values are used
 * for anything.
 */
typedef struct base_cursor {
    const unsigned char *data;
    size_t n_bytes;
    size_t at;
    bool failed;
} base_cursor;

base_cursor base_cursor_at(const void *data, size_t n_bytes);

/* Bytes that are left; 0 after a failure. */
size_t base_cursor_left(const base_cursor *cursor);

uint8_t base_cursor_u8(base_cursor *cursor);
uint16_t base_cursor_le16(base_cursor *cursor);
uint32_t base_cursor_le32(base_cursor *cursor);
uint64_t base_cursor_le64(base_cursor *cursor);

/* The next n_bytes in place, or NULL. */
const void *base_cursor_bytes(base_cursor *cursor, size_t n_bytes);

/* Moves to an offset from the beginning; the end itself is allowed. */
bool base_cursor_seek(base_cursor *cursor, uint64_t offset);

/* The next NUL-terminated string, in place, or NULL if its NUL is missing. */
const char *base_cursor_string(base_cursor *cursor);

#endif
