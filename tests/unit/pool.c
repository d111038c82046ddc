/*
 * The thread pool: every task once, the lowest failure, jobs from several callers, jobs after a sleep.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/rt/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define N_TASKS 1000

typedef struct job {
    atomic_int done[N_TASKS];
    int64_t fails_from; /* tasks from here on fail, each with another status */
} job;

static sy_status task(void *user, int64_t i, rt_scratch *scratch)
{
    job *j = user;
    (void)atomic_fetch_add(&j->done[i], 1);
    if (rt_scratch_get(scratch, 64) == NULL) {
        return SY_ENOMEM;
    }
    if (i < j->fails_from) {
        return SY_OK;
    }
    return i == j->fails_from ? SY_ERANGE : SY_EIO;
}

static void each_task_runs_once(void **state)
{
    (void)state;
    for (uint32_t n_threads = 1; n_threads <= 4; n_threads++) {
        rt_pool *pool = NULL;
        rt_scratch scratch = {0};
        static job j;
        assert_int_equal(rt_pool_create(n_threads, &pool), SY_OK);
        for (int round = 0; round < 2000; round++) {
            const int64_t n = 1 + round % 17;
            j = (job){.fails_from = N_TASKS};
            assert_int_equal(rt_pool_run(pool, n, task, &j, &scratch), SY_OK);
            for (int64_t i = 0; i < n; i++) {
                assert_int_equal(atomic_load(&j.done[i]), 1);
            }
            if (round % 400 == 0) {
                (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); /* long enough for all to fall asleep */
            }
        }
        rt_pool_destroy(pool);
        rt_scratch_free(&scratch);
    }
}

static void the_first_failure_counts(void **state)
{
    (void)state;
    rt_pool *pool = NULL;
    rt_scratch scratch = {0};
    static job j;
    assert_int_equal(rt_pool_create(3, &pool), SY_OK);
    for (int round = 0; round < 200; round++) {
        j = (job){.fails_from = round};
        assert_int_equal(rt_pool_run(pool, N_TASKS, task, &j, &scratch), SY_ERANGE);
    }
    j = (job){.fails_from = N_TASKS};
    assert_int_equal(rt_pool_run(pool, N_TASKS, task, &j, &scratch), SY_OK);
    rt_pool_destroy(pool);
    rt_scratch_free(&scratch);
}

typedef struct caller {
    rt_pool *pool;
    job job;
} caller;

static void *call_often(void *argument)
{
    caller *c = argument;
    job *j = &c->job;
    rt_scratch scratch = {0};
    bool good = true;
    for (int round = 0; round < 300 && good; round++) {
        *j = (job){.fails_from = N_TASKS};
        good = rt_pool_run(c->pool, N_TASKS, task, j, &scratch) == SY_OK;
        for (int i = 0; i < N_TASKS; i++) {
            good = good && atomic_load(&j->done[i]) == 1;
        }
    }
    rt_scratch_free(&scratch);
    return good ? c : NULL;
}

static void callers_share_a_pool(void **state)
{
    (void)state;
    static caller callers[3];
    rt_pool *pool = NULL;
    pthread_t threads[3];
    assert_int_equal(rt_pool_create(2, &pool), SY_OK);
    for (int i = 0; i < 3; i++) {
        callers[i].pool = pool;
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        void *result = NULL;
        (void)pthread_join(threads[i], &result);
        assert_ptr_equal(result, &callers[i]);
    }
    rt_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_task_runs_once),
        cmocka_unit_test(the_first_failure_counts),
        cmocka_unit_test(callers_share_a_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
