/*
 * pool.c -- the thread pool.
 *
 * A job is open while tasks are left. A worker counts itself in, then looks whether the job is open; the caller
 * closes the job, then waits until all who counted themselves in have left: whichever of the two comes first sees
 * the other, so nobody ever touches an old job, and nobody takes a lock. Who waits spins for some microseconds,
 * then sleeps on a futex.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* sched_getaffinity: the processors that are ours, not those of the machine; \
                       syscall */
#include "systole/rt/pool.h"

#include "systole/base/arena.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SPIN_SECONDS 20e-6 /* longer would starve whoever else has work for this core */
#define SPIN_ROUNDS  32    /* between two looks at the clock */
#define MAX_THREADS  256

typedef struct worker {
    rt_pool *pool;
    pthread_t thread;
    rt_scratch scratch;
} worker;

struct rt_pool {
    base_arena *arena;
    uint32_t n_workers;
    worker *workers;

    pthread_mutex_t caller; /* held by the caller whose job runs; guards the next one too */
    int caller_cpu;         /* the processor that workers keep off; -1: none yet */
    cpu_set_t cpus;         /* that this process may use */

    atomic_uint generation; /* of jobs; workers sleep on it */
    atomic_uint n_asleep;   /* workers */
    atomic_uint n_joined;   /* workers in the job; the caller sleeps on it */
    atomic_bool caller_asleep;
    atomic_bool open, stop;
    atomic_llong next_task;
    int64_t n_tasks;
    rt_task_fn task;
    void *user;

    pthread_mutex_t failure; /* guards the failed task with the lowest number */
    int64_t failed_task;
    sy_status failed_status;
};

/* ---------------------------------------------------------------- waiting */

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static double seconds_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* True as soon as *word differs from `from`; false when the time for spinning is up. */
static bool spin_while(const atomic_uint *word, unsigned from)
{
    const double end = seconds_now() + SPIN_SECONDS;
    do {
        for (int i = 0; i < SPIN_ROUNDS; i++) {
            if (atomic_load_explicit(word, memory_order_acquire) != from) {
                return true;
            }
            pause_briefly();
        }
    } while (seconds_now() < end);
    return false;
}

/* Sleeps unless *word differs from `from` already; may also return for no reason. */
static void sleep_while(atomic_uint *word, unsigned from)
{
    (void)syscall(SYS_futex, (unsigned *)word, FUTEX_WAIT_PRIVATE, from, NULL, NULL, 0);
}

static void wake_all(atomic_uint *word)
{
    (void)syscall(SYS_futex, (unsigned *)word, FUTEX_WAKE_PRIVATE, MAX_THREADS, NULL, NULL, 0);
}

/* ---------------------------------------------------------------- workers */

static void work(rt_pool *p, rt_scratch *scratch)
{
    for (;;) {
        const int64_t i = atomic_fetch_add_explicit(&p->next_task, 1, memory_order_relaxed);
        if (i >= p->n_tasks) {
            return;
        }
        const sy_status status = p->task(p->user, i, scratch);
        if (status != SY_OK) {
            (void)pthread_mutex_lock(&p->failure);
            if (p->failed_status == SY_OK || i < p->failed_task) {
                p->failed_task = i;
                p->failed_status = status;
            }
            (void)pthread_mutex_unlock(&p->failure);
        }
    }
}

static void *worker_main(void *argument)
{
    worker *w = argument;
    rt_pool *p = w->pool;
    unsigned seen = 0;
    while (!atomic_load(&p->stop)) {
        const unsigned now = atomic_load(&p->generation);
        if (now == seen) {
            if (!spin_while(&p->generation, seen)) {
                (void)atomic_fetch_add(&p->n_asleep, 1);
                sleep_while(&p->generation, seen);
                (void)atomic_fetch_sub(&p->n_asleep, 1);
            }
            continue;
        }
        seen = now;
        (void)atomic_fetch_add(&p->n_joined, 1);
        if (atomic_load(&p->open)) {
            work(p, &w->scratch);
        }
        if (atomic_fetch_sub(&p->n_joined, 1) == 1 && atomic_load(&p->caller_asleep)) {
            wake_all(&p->n_joined);
        }
    }
    return NULL;
}

static uint32_t n_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) {
        return (uint32_t)CPU_COUNT(&set);
    }
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (uint32_t)n : 1;
}

sy_status rt_pool_create(uint32_t n_threads, rt_pool **out)
{
    n_threads = n_threads == 0 ? n_processors() : n_threads;
    n_threads = n_threads > MAX_THREADS ? MAX_THREADS : n_threads;
    base_arena *arena = base_arena_create();
    rt_pool *p = arena != NULL ? BASE_ARENA_NEW(arena, rt_pool) : NULL;
    worker *workers = p != NULL ? BASE_ARENA_ARRAY(arena, worker, n_threads) : NULL;
    if (workers == NULL) {
        base_arena_destroy(arena);
        return SY_ENOMEM;
    }
    p->arena = arena;
    p->workers = workers;
    p->caller_cpu = -1;
    if (sched_getaffinity(0, sizeof p->cpus, &p->cpus) != 0) {
        CPU_ZERO(&p->cpus);
    }
    (void)pthread_mutex_init(&p->caller, NULL);
    (void)pthread_mutex_init(&p->failure, NULL);
    for (uint32_t i = 0; i + 1 < n_threads; i++) {
        workers[i].pool = p;
        if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) != 0) {
            break; /* fewer threads do the same work */
        }
        p->n_workers++;
    }
    *out = p;
    return SY_OK;
}

void rt_pool_destroy(rt_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    atomic_store(&pool->stop, true);
    (void)atomic_fetch_add(&pool->generation, 1);
    wake_all(&pool->generation);
    for (uint32_t i = 0; i < pool->n_workers; i++) {
        (void)pthread_join(pool->workers[i].thread, NULL);
        rt_scratch_free(&pool->workers[i].scratch);
    }
    (void)pthread_mutex_destroy(&pool->failure);
    (void)pthread_mutex_destroy(&pool->caller);
    base_arena_destroy(pool->arena);
}

/*
 * A worker that wakes is put where it slept last, or beside who woke it; on the caller's processor it would wait behind the
 * caller, for milliseconds where the system sees no cache that two processors share. So workers keep off it.
 */
static void keep_off_caller(rt_pool *p)
{
    const int here = sched_getcpu();
    if (here < 0 || here == p->caller_cpu || CPU_COUNT(&p->cpus) < 2 || here >= CPU_SETSIZE) {
        return;
    }
    p->caller_cpu = here;
    cpu_set_t others = p->cpus;
    CPU_CLR((size_t)here, &others);
    for (uint32_t i = 0; i < p->n_workers; i++) {
        (void)pthread_setaffinity_np(p->workers[i].thread, sizeof others, &others); /* a wish: if not, then not */
    }
}

uint32_t rt_pool_n_threads(const rt_pool *pool)
{
    return pool != NULL ? pool->n_workers + 1 : 1;
}

static sy_status run_alone(int64_t n_tasks, rt_task_fn task, void *user, rt_scratch *scratch)
{
    sy_status first = SY_OK;
    for (int64_t i = 0; i < n_tasks; i++) {
        const sy_status status = task(user, i, scratch);
        first = first == SY_OK ? status : first;
    }
    return first;
}

static void wait_for_workers(rt_pool *p)
{
    for (unsigned n; (n = atomic_load(&p->n_joined)) > 0;) {
        if (!spin_while(&p->n_joined, n)) {
            atomic_store(&p->caller_asleep, true);
            n = atomic_load(&p->n_joined);
            if (n > 0) {
                sleep_while(&p->n_joined, n);
            }
            atomic_store(&p->caller_asleep, false);
        }
    }
}

sy_status rt_pool_run(rt_pool *pool, int64_t n_tasks, rt_task_fn task, void *user,
                      rt_scratch *scratch)
{
    if (pool == NULL || pool->n_workers == 0 || n_tasks <= 1 ||
        pthread_mutex_trylock(&pool->caller) != 0) {
        return run_alone(n_tasks, task, user, scratch);
    }
    pool->task = task;
    pool->user = user;
    pool->n_tasks = n_tasks;
    pool->failed_status = SY_OK;
    atomic_store(&pool->next_task, 0);
    atomic_store(&pool->open, true);
    (void)atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->n_asleep) > 0) {
        keep_off_caller(pool);
        wake_all(&pool->generation);
    }

    work(pool, scratch);

    atomic_store(&pool->open, false);
    wait_for_workers(pool);
    const sy_status status = pool->failed_status;
    (void)pthread_mutex_unlock(&pool->caller);
    return status;
}
