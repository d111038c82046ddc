/*
 * assert.h -- SY_ASSERT: a broken invariant is a bug, and stops the program in every build.
 *
 * For bugs alone: anything a user, a file or a device can cause is a sy_status.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_BASE_ASSERT_H
#define SYSTOLE_BASE_ASSERT_H

/* Prints "file:line: assertion failed: text" to stderr and aborts. */
_Noreturn void base_assert_failed(const char *file, int line, const char *text);

/* The condition is evaluated exactly once. */
#define SY_ASSERT(condition) \
    ((condition) ? (void)0 : base_assert_failed(__FILE__, __LINE__, #condition))

/* A place that is never reached, such as the end of a switch over all values of an enum. */
#define SY_UNREACHABLE() base_assert_failed(__FILE__, __LINE__, "unreachable")

#endif
