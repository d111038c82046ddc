/*
 * status.c -- the status table: one zero, all others negative and different, a text for each; and
 * what a broken invariant does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "systole/base/assert.h"
#include "systole/status.h"

static const sy_status all[] = {
#define ENTRY(symbol, value, text) symbol,
    SY_STATUS_MAP(ENTRY)
#undef ENTRY
};
#define N_ALL (sizeof all / sizeof all[0])

static void test_values(void **state)
{
    (void)state;
    assert_int_equal(all[0], 0);
    for (size_t i = 1; i < N_ALL; i++) {
        assert_true((int)all[i] < 0);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(all[i], all[j]);
            assert_string_not_equal(sy_status_text(all[i]), sy_status_text(all[j]));
        }
    }
}

static void test_unknown(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ALL; i++) {
        assert_string_not_equal(sy_status_text(all[i]), "unknown status");
    }
    const int outside = -1000;
    assert_string_equal(sy_status_text((sy_status)outside), "unknown status");
}

static sy_status propagate(sy_status status, int *n_calls)
{
    SY_TRY(((*n_calls)++, status));
    (*n_calls)++;
    return SY_OK;
}

static void test_try(void **state)
{
    (void)state;
    int n_calls = 0;
    assert_int_equal(propagate(SY_OK, &n_calls), SY_OK);
    assert_int_equal(n_calls, 2);
    assert_int_equal(propagate(SY_EIO, &n_calls), SY_EIO);
    assert_int_equal(n_calls, 3);
}

/* A failed assertion says where and what, and aborts, in every build. */
static void test_assert(void **state)
{
    (void)state;
    int n_evaluated = 0;
    SY_ASSERT(++n_evaluated == 1);
    assert_int_equal(n_evaluated, 1);

    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL); /* not CMocka's */
        dup2(ends[1], STDERR_FILENO);
        SY_ASSERT(n_evaluated > 1);
        _exit(0);
    }
    close(ends[1]);
    char text[300] = {0};
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, "status.c:"));
    assert_non_null(strstr(text, "assertion failed: n_evaluated > 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_try),
        cmocka_unit_test(test_assert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
