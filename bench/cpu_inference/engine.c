/*
 * engine.c -- Systole as an engine of bench/cpu_inference, through the public API alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "systole/systole.h"

#include "bench.h"

#define MAX_IO 64

typedef struct engine {
    sy_model *model;
    sy_session *session;
    uint32_t n_inputs, n_outputs;
    sy_tensor inputs[MAX_IO], outputs[MAX_IO];
    double before_bytes;
} engine;

static clockid_t clock_of_runs = CLOCK_MONOTONIC;

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(clock_of_runs, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A line of /proc/self/status in bytes ("VmRSS:", "VmHWM:"). */
static double memory(const char *key)
{
    char line[256];
    double bytes = 0.0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            bytes = 1024.0 * strtod(line + strlen(key), NULL);
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return bytes;
}

/* The peak counts from here on, on kernels that know how. */
static void forget_peak(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (f != NULL) {
        (void)fputs("5", f);
        (void)fclose(f);
    }
}

static bool fail(const char *text)
{
    (void)printf("error %s\n", text);
    return false;
}

static bool load(engine *e, char *rest)
{
    sy_message why = {""};
    char *path = NULL;
    const sy_session_options options = {
        .struct_size = sizeof options, .device = SY_DEVICE_CPU, .n_threads = (uint32_t)strtoul(rest, &path, 10)};
    forget_peak();
    e->before_bytes = memory("VmRSS:");
    const double start = now();
    if (sy_model_load(path + strspn(path, " "), NULL, &e->model, &why) != SY_OK ||
        sy_session_create(e->model, &options, &e->session, &why) != SY_OK) {
        return fail(why.text);
    }
    const double seconds = now() - start;
    e->n_inputs = sy_model_n_inputs(e->model);
    e->n_outputs = sy_model_n_outputs(e->model);
    if (e->n_inputs > MAX_IO || e->n_outputs > MAX_IO) {
        return fail("too many inputs or outputs");
    }
    (void)printf("ok %.9f Systole %s, %s\n", seconds, sy_version(), sy_session_kernels(e->session));
    return true;
}

/* "NAME DTYPE DIMS FILE" */
static bool input(engine *e, char *rest)
{
    sy_io io;
    char *save = NULL;
    const char *name = strtok_r(rest, " ", &save), *dtype = strtok_r(NULL, " ", &save);
    char *sizes = strtok_r(NULL, " ", &save), *path = strtok_r(NULL, " ", &save);
    if (name == NULL || dtype == NULL || sizes == NULL || path == NULL) {
        return fail("input NAME DTYPE DIMS FILE");
    }
    for (uint32_t i = 0; i < e->n_inputs; i++) {
        int64_t dims[SY_MAX_RANK];
        int32_t rank = 0;
        if (sy_model_input(e->model, i, &io) != SY_OK || strcmp(io.name, name) != 0) {
            continue;
        }
        for (char *p = sizes; *p != '-' && *p != '\0'; p += *p == 'x') {
            dims[rank++] = strtoll(p, &p, 10);
        }
        sy_tensor *t = &e->inputs[i];
        FILE *f = fopen(path, "rb");
        if (f == NULL || sy_tensor_init(t, io.dtype, rank, dims, NULL) != SY_OK) {
            return fail("cannot read the input");
        }
        t->data = malloc(t->size_bytes + 1);
        const bool whole = t->data != NULL && fread(t->data, 1, t->size_bytes, f) == t->size_bytes;
        (void)fclose(f);
        (void)(whole && puts("ok") >= 0);
        return whole || fail("the input is too short");
    }
    return fail("no such input");
}

static bool run_once(engine *e)
{
    sy_message why = {""};
    if (sy_session_run(e->session, e->inputs, e->n_inputs, e->outputs, e->n_outputs, NULL, &why) != SY_OK) {
        return fail(why.text);
    }
    return true;
}

/* The first run tells the sizes of the outputs: their buffers are kept. */
static bool prepare(engine *e)
{
    if (!run_once(e)) {
        return false;
    }
    for (uint32_t i = 0; i < e->n_outputs; i++) {
        if (e->outputs[i].data == NULL) {
            e->outputs[i].data = malloc(e->outputs[i].size_bytes + 1);
        }
    }
    return puts("ok") >= 0;
}

static bool run(engine *e, const char *rest)
{
    const long n = strtol(rest, NULL, 10);
    (void)printf("ok");
    for (long i = 0; i < n; i++) {
        const double start = now();
        if (!run_once(e)) {
            return false;
        }
        (void)printf(" %.9f", now() - start);
    }
    return puts("") >= 0;
}

/* Of each output a line "NAME DTYPE ELEMENTS BYTES", then its bytes. */
static bool outputs(engine *e, const char *path)
{
    sy_io io;
    if (!run_once(e)) {
        return false;
    }
    FILE *f = fopen(path, "wb");
    for (uint32_t i = 0; f != NULL && i < e->n_outputs && sy_model_output(e->model, i, &io) == SY_OK; i++) {
        const sy_tensor *t = &e->outputs[i];
        (void)fprintf(f, "%s %s %lld %zu\n", io.name, sy_dtype_text(t->dtype), (long long)sy_tensor_n_elements(t),
                      t->size_bytes);
        (void)fwrite(t->data, 1, t->size_bytes, f);
    }
    const bool written = f != NULL && fclose(f) == 0;
    return written ? puts("ok") >= 0 : fail("cannot write the outputs");
}

int bench_engine(void)
{
    static engine e;
    char line[8192];
    bool good = true;
    while (good && fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *rest = line + strcspn(line, " ");
        if (*rest != '\0') {
            *rest++ = '\0';
        }
        if (strcmp(line, "load") == 0) {
            good = load(&e, rest);
        } else if (strcmp(line, "input") == 0) {
            good = input(&e, rest);
        } else if (strcmp(line, "prepare") == 0) {
            good = prepare(&e);
        } else if (strcmp(line, "run") == 0) {
            good = run(&e, rest);
        } else if (strcmp(line, "outputs") == 0) {
            good = outputs(&e, rest);
        } else if (strcmp(line, "clock") == 0) {
            clock_of_runs = strcmp(rest, "cpu") == 0 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
            (void)puts("ok");
        } else if (strcmp(line, "profile") == 0) {
            bench_profile(e.session, e.inputs, e.n_inputs, e.outputs, e.n_outputs);
            (void)puts("ok");
        } else if (strcmp(line, "memory") == 0) {
            (void)printf("ok %.0f\n", memory("VmHWM:") - e.before_bytes);
        } else {
            good = fail("unknown request");
        }
        (void)fflush(stdout);
    }
    for (uint32_t i = 0; i < MAX_IO; i++) {
        free(e.inputs[i].data);
        free(e.outputs[i].data);
    }
    sy_session_free(e.session);
    sy_model_free(e.model);
    return good ? 0 : 1;
}
