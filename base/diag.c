/*
 * diag.c -- the last error message, and the end of a program with a broken invariant.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/base/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "systole/base/assert.h"

void base_assert_failed(const char *file, int line, const char *text)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, text);
    abort();
}

sy_status base_fail(base_diag *diag, sy_status status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    base_vfail(diag, status, fmt, args);
    va_end(args);
    return status;
}

sy_status base_vfail(base_diag *diag, sy_status status, const char *fmt, va_list args)
{
    if (diag == NULL) {
        return status;
    }
    /* Formatted aside, because an argument may be diag->message itself. */
    char text[BASE_DIAG_BYTES];
    const int n = vsnprintf(text, sizeof text, fmt, args);
    if (n < 0) {
        text[0] = '\0';
    } else if ((size_t)n >= sizeof text) {
        memcpy(text + sizeof text - 4, "...", 4);
    }
    for (char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            *p = '?';
        }
    }
    memcpy(diag->message, text, strlen(text) + 1);
    return status;
}

const char *base_diag_message(const base_diag *diag)
{
    return diag == NULL ? "" : diag->message;
}

void base_diag_clear(base_diag *diag)
{
    if (diag != NULL) {
        diag->message[0] = '\0';
    }
}
