/*
 * profile.c -- which results of a model take the time: the gaps between the calls of sy_run_options.save.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "systole/systole.h"

#include "bench.h"

#define MAX_RESULTS 20000
#define N_RUNS      20
#define N_SHOWN     25

typedef struct entry {
    char name[64], shape[64];
    double seconds;
} entry;

typedef struct profile {
    entry entries[MAX_RESULTS];
    unsigned n, at;
    double last;
} profile;

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static sy_status see(void *user, const char *name, const sy_tensor *tensor)
{
    profile *p = user;
    const double t = now();
    if (p->at < MAX_RESULTS) {
        entry *e = &p->entries[p->at++];
        p->n = p->at > p->n ? p->at : p->n;
        e->seconds += t - p->last;
        if (e->name[0] == '\0') {
            size_t at = 0;
            (void)snprintf(e->name, sizeof e->name, "%.60s", name);
            at += (size_t)snprintf(e->shape, sizeof e->shape, "%s", sy_dtype_text(tensor->dtype));
            for (int32_t i = 0; i < tensor->rank && at < 48; i++) {
                at += (size_t)snprintf(e->shape + at, sizeof e->shape - at, " %lld", (long long)tensor->dims[i]);
            }
        }
    }
    p->last = now();
    return SY_OK;
}

static int longest_first(const void *a, const void *b)
{
    const double x = ((const entry *)a)->seconds, y = ((const entry *)b)->seconds;
    return (x < y) - (x > y);
}

void bench_profile(sy_session *session, const sy_tensor *inputs, unsigned n_inputs, sy_tensor *outputs, unsigned n_outputs)
{
    static profile p;
    const sy_run_options options = {.struct_size = sizeof options, .save = see, .save_user = &p};
    sy_message why = {""};
    double total = 0.0;
    for (unsigned i = 0; i < N_RUNS; i++) {
        p.at = 0;
        p.last = now();
        if (sy_session_run(session, inputs, n_inputs, outputs, n_outputs, &options, &why) != SY_OK) {
            (void)fprintf(stderr, "cpu_inference: %s\n", why.text);
            return;
        }
    }
    for (unsigned i = 0; i < p.n; i++) {
        total += p.entries[i].seconds;
    }
    qsort(p.entries, p.n, sizeof p.entries[0], longest_first);
    (void)fprintf(stderr, "%u results, %.3f ms\n", p.n, 1e3 * total / N_RUNS);
    for (unsigned i = 0; i < p.n && i < N_SHOWN; i++) {
        (void)fprintf(stderr, "%10.4f ms %5.1f %%  %-60s %s\n", 1e3 * p.entries[i].seconds / N_RUNS,
                      100.0 * p.entries[i].seconds / total, p.entries[i].name, p.entries[i].shape);
    }
}
