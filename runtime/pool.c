/*
 * pool.c -- the thread pool.
 *
 * A job is open while tasks are left. A worker joins under the lock, takes tasks from an atomic
 * counter, and leaves under the lock; the caller closes the job and waits until all who joined have
 * left, so nobody ever touches an old job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE  /* sched_getaffinity: the processors that are ours, not those of the machine \
                      */
#include "systole/rt/pool.h"

#include "systole/base/arena.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#define SPIN_ROUNDS \
    2000 /* some microseconds; longer would starve whoever else has work for this core */
#define MAX_THREADS 256

typedef struct worker {
    rt_pool *pool;
    pthread_t thread;
    rt_scratch scratch;
} worker;

struct rt_pool {
    base_arena *arena;
    uint32_t n_workers;
    worker *workers;

    pthread_mutex_t caller; /* held by the caller whose job runs */
    pthread_mutex_t lock;   /* guards what follows */
    pthread_cond_t job_there, workers_left;
    bool stop, open;
    uint32_t n_joined;

    atomic_uint generation; /* of jobs; for spinning */
    atomic_llong next_task;
    int64_t n_tasks;
    rt_task_fn task;
    void *user;

    pthread_mutex_t failure; /* guards the failed task with the lowest number */
    int64_t failed_task;
    sy_status failed_status;
};

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void work(rt_pool *p, rt_scratch *scratch)
{
    for (;;) {
        const int64_t i = atomic_fetch_add(&p->next_task, 1);
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
    (void)pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        const unsigned now = atomic_load(&p->generation);
        if (p->open && now != seen) {
            seen = now;
            p->n_joined++;
            (void)pthread_mutex_unlock(&p->lock);
            work(p, &w->scratch);
            (void)pthread_mutex_lock(&p->lock);
            if (--p->n_joined == 0) {
                (void)pthread_cond_signal(&p->workers_left);
            }
            (void)pthread_mutex_unlock(&p->lock);
            for (int i = 0; i < SPIN_ROUNDS && atomic_load(&p->generation) == now; i++) {
                pause_briefly();
            }
            (void)pthread_mutex_lock(&p->lock);
        } else {
            (void)pthread_cond_wait(&p->job_there, &p->lock);
        }
    }
    (void)pthread_mutex_unlock(&p->lock);
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
    (void)pthread_mutex_init(&p->caller, NULL);
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_mutex_init(&p->failure, NULL);
    (void)pthread_cond_init(&p->job_there, NULL);
    (void)pthread_cond_init(&p->workers_left, NULL);
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
    (void)pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    (void)pthread_cond_broadcast(&pool->job_there);
    (void)pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->n_workers; i++) {
        (void)pthread_join(pool->workers[i].thread, NULL);
        rt_scratch_free(&pool->workers[i].scratch);
    }
    (void)pthread_cond_destroy(&pool->workers_left);
    (void)pthread_cond_destroy(&pool->job_there);
    (void)pthread_mutex_destroy(&pool->failure);
    (void)pthread_mutex_destroy(&pool->lock);
    (void)pthread_mutex_destroy(&pool->caller);
    base_arena_destroy(pool->arena);
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

sy_status rt_pool_run(rt_pool *pool, int64_t n_tasks, rt_task_fn task, void *user,
                      rt_scratch *scratch)
{
    if (pool == NULL || pool->n_workers == 0 || n_tasks <= 1 ||
        pthread_mutex_trylock(&pool->caller) != 0) {
        return run_alone(n_tasks, task, user, scratch);
    }
    (void)pthread_mutex_lock(&pool->lock);
    pool->task = task;
    pool->user = user;
    pool->n_tasks = n_tasks;
    pool->failed_status = SY_OK;
    atomic_store(&pool->next_task, 0);
    pool->open = true;
    (void)atomic_fetch_add(&pool->generation, 1);
    (void)pthread_cond_broadcast(&pool->job_there);
    (void)pthread_mutex_unlock(&pool->lock);

    work(pool, scratch);

    (void)pthread_mutex_lock(&pool->lock);
    pool->open = false;
    while (pool->n_joined > 0) {
        (void)pthread_cond_wait(&pool->workers_left, &pool->lock);
    }
    const sy_status status = pool->failed_status;
    (void)pthread_mutex_unlock(&pool->lock);
    (void)pthread_mutex_unlock(&pool->caller);
    return status;
}
