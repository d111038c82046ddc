/*
 * pool.h -- a small thread pool: one job at a time, cut into tasks by shape alone.
 *
 * Which thread runs which task is left open, so a task may depend on its number only; then results
 * are the same for any number of threads. Workers spin for a few microseconds after a job and then
 * sleep.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_POOL_H
#define SYSTOLE_RT_POOL_H

#include "systole/rt/buffer.h"
#include "systole/status.h"

#include <stdint.h>

typedef struct rt_pool rt_pool;

/* One task; scratch belongs to the thread that runs it. Returns what went wrong. */
typedef sy_status (*rt_task_fn)(void *user, int64_t i_task, rt_scratch *scratch);

/*
 * A pool in which n_threads threads work, the caller's included; 0: one per processor this process
 * may use. Fewer if the system gives fewer. SY_ENOMEM.
 */
sy_status rt_pool_create(uint32_t n_threads, rt_pool **out);
void rt_pool_destroy(rt_pool *pool); /* NULL is allowed */

uint32_t rt_pool_n_threads(const rt_pool *pool);

/*
 * Runs tasks 0 .. n_tasks - 1 and returns when all are done: SY_OK, or the status of the failed
 * task with the lowest number. The calling thread works too, with `scratch`. If the pool is NULL or
 * busy with another caller's job, the calling thread does it all.
 */
sy_status rt_pool_run(rt_pool *pool, int64_t n_tasks, rt_task_fn task, void *user,
                      rt_scratch *scratch);

#endif
