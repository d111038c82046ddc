/*
 * diag.h -- the last error message of a context.
 *
 * A message is one line, lower case, no full stop, with the expected and the actual values:
 * "input 'x': expected 4 dimensions, got 3".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_BASE_DIAG_H
#define SYSTOLE_BASE_DIAG_H

#include <stdarg.h>

#include "systole/status.h"

#define BASE_DIAG_BYTES 1024

/* Zero-initialise it; it owns nothing. Belongs to one thread at a time. */
typedef struct base_diag {
    char message[BASE_DIAG_BYTES];
} base_diag;

/*
 * Stores the message and returns status, so that a failing function is one line:
 *
 *     return base_fail(diag, SY_ESHAPE, "expected %d dimensions, got %d", 4, rank);
 *
 * diag may be NULL: then the text is dropped.  The arguments may point into diag's own message,
 * which is how a caller adds where it happened ("%s: %s").  Control characters (file contents can
 * bring them) become '?', so a message is always one line; one too long ends in "...".
 */
sy_status base_fail(base_diag *diag, sy_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
sy_status base_vfail(base_diag *diag, sy_status status, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

/* The last message, "" if there is none or diag is NULL. Valid until the next base_fail on diag. */
const char *base_diag_message(const base_diag *diag);

/* Forgets the message. diag may be NULL. */
void base_diag_clear(base_diag *diag);

#endif
