/*
 * test.h -- what a test program includes first: CMocka, with the headers it needs before it.
 *
 * A test file ends with:
 *
 *     int main(void)
 *     {
 *         const struct CMUnitTest tests[] = { cmocka_unit_test(test_something) };
 *         return cmocka_run_group_tests(tests, NULL, NULL);
 *     }
 *
 * SY_TEST_DATA_DIR (tests/data), SY_SOURCE_DIR and SY_BINARY_DIR are string literals.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_TEST_H
#define SYSTOLE_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* main returns this when what the test needs is not on this machine; CTest then reports "skipped".
 */
#define TEST_SKIPPED 77

/* The call must return SY_OK. */
#define assert_ok(call) assert_int_equal((call), SY_OK)

#endif
