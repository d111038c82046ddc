/*
 * main.c -- Systole's device cpu and ONNX Runtime on the same models, side by side.
 *
 *     build/release/bench/cpu_inference [--data DIR] [--cache DIR] [--python PROGRAM] [--threads 1,2] [--seconds S] [--only TEXT]
 *                                       [--clock wall|cpu] [--profile yes] [MODEL.onnx ...]
 *
 * Each engine is a process of its own that keeps its model loaded and answers requests on a pipe: Systole through systole.h, ONNX
 * Runtime (optional) through a Python program that has its package. Runs of the two are interleaved, so that whatever else the
 * computer does meets both, and medians are compared: ratio = ONNX Runtime's time / ours, above 1 we are faster. Memory is what a
 * process needed at its peak, loading included, beyond what it had before. Inputs are random and the same for both; `error` is the
 * largest difference between the two, relative to an output's largest value. Each model runs with each number of threads, and our
 * outputs must be the same bits for all of them: if not, the exit status is 1. --clock cpu takes the processor time of all threads
 * instead of the clock on the wall: for one thread, on a computer that does other things too. --profile yes adds which results take
 * Systole's time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "systole/base/rng.h"
#include "systole/systole.h"

#include "bench.h"

#define MAX_MODELS  64
#define MAX_INPUTS  64
#define MAX_THREADS 4
#define MAX_TIMES   20000
#define BATCH_SECONDS 0.02
#define REST_SECONDS  0.1 /* between batches: the other engine's threads spin for tens of milliseconds after a run */

extern char **environ;

typedef struct options {
    const char *data, *cache, *python, *only, *clock;
    unsigned threads[MAX_THREADS];
    unsigned n_threads;
    double seconds; /* of runs, for each model and number of threads */
    bench_model models[MAX_MODELS];
    unsigned n_models;
    char folder[64]; /* of this run's inputs and outputs */
    bool have_ort, profile;
} options;

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void rest(double seconds)
{
    const struct timespec t = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};
    (void)nanosleep(&t, NULL);
}

/* ---------------------------------------------------------------- engines */

typedef struct engine {
    pid_t pid;
    FILE *to, *from;
    char name[256];   /* as it calls itself, with version and kernels */
    char error[1024]; /* "" while all is well */
    double load_seconds, memory_bytes;
    double times[MAX_TIMES];
    size_t n_times;
} engine;

static bool start(engine *e, char *const *command)
{
    int down[2], up[2];
    posix_spawn_file_actions_t actions;
    if (pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0) {
        return false;
    }
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, down[0], 0);
    (void)posix_spawn_file_actions_adddup2(&actions, up[1], 1);
    const int failed = posix_spawnp(&e->pid, command[0], &actions, NULL, command, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(down[0]);
    (void)close(up[1]);
    if (failed != 0) {
        (void)close(down[1]);
        (void)close(up[0]);
        e->pid = 0;
        (void)snprintf(e->error, sizeof e->error, "%s: %s", command[0], strerror(failed));
        return false;
    }
    e->to = fdopen(down[1], "w");
    e->from = fdopen(up[0], "r");
    return e->to != NULL && e->from != NULL;
}

static void stop(engine *e)
{
    if (e->to != NULL) {
        (void)fclose(e->to);
    }
    if (e->from != NULL) {
        (void)fclose(e->from);
    }
    if (e->pid > 0) {
        (void)waitpid(e->pid, NULL, 0);
    }
    e->to = e->from = NULL;
    e->pid = 0;
}

/* Sends a request; the answer without its "ok ", NULL after an error. */
static char *ask(engine *e, const char *request)
{
    static char answer[1 << 18];
    if (e->error[0] != '\0' || e->to == NULL) {
        return NULL;
    }
    (void)fprintf(e->to, "%s\n", request);
    (void)fflush(e->to);
    if (fgets(answer, sizeof answer, e->from) == NULL) {
        (void)snprintf(e->error, sizeof e->error, "the engine ended");
        return NULL;
    }
    answer[strcspn(answer, "\n")] = '\0';
    if (strncmp(answer, "ok", 2) != 0) {
        const char *text = strncmp(answer, "error ", 6) == 0 ? answer + 6 : answer;
        (void)snprintf(e->error, sizeof e->error, "%.1000s", text);
        return NULL;
    }
    return answer + 2 + strspn(answer + 2, " ");
}

static bool load(engine *e, const char *path, unsigned n_threads)
{
    char request[4400];
    char *end = NULL;
    (void)snprintf(request, sizeof request, "load %u %s", n_threads, path);
    const char *answer = ask(e, request);
    if (answer == NULL) {
        return false;
    }
    e->load_seconds = strtod(answer, &end);
    (void)snprintf(e->name, sizeof e->name, "%.250s", end + strspn(end, " "));
    return true;
}

static bool run(engine *e, unsigned n)
{
    char request[64];
    (void)snprintf(request, sizeof request, "run %u", n);
    const char *answer = ask(e, request);
    for (char *end = NULL; answer != NULL && *answer != '\0' && e->n_times < MAX_TIMES;
         answer = end + strspn(end, " ")) {
        e->times[e->n_times++] = strtod(answer, &end);
    }
    return answer != NULL;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(engine *e)
{
    qsort(e->times, e->n_times, sizeof e->times[0], by_size);
    return e->n_times > 0 ? e->times[e->n_times / 2] : NAN;
}

/* ---------------------------------------------------------------- inputs */

/* What a list "a=1x2 b=3" has for this name; NULL: nothing. */
static const char *listed(const char *list, const char *name)
{
    const size_t n = strlen(name);
    for (const char *p = list; p != NULL && *p != '\0'; p += strspn(p, " ")) {
        if (strncmp(p, name, n) == 0 && p[n] == '=') {
            return p + n + 1;
        }
        p += strcspn(p, " ");
    }
    return NULL;
}

static void random_bytes(base_rng *rng, sy_dtype dtype, int64_t below, int64_t n, unsigned char *data)
{
    const size_t width = sy_dtype_size_bits(dtype) / 8;
    for (int64_t i = 0; i < n; i++) {
        const int64_t whole = (int64_t)(base_rng_next(rng) % (uint64_t)below);
        const float f = 2.0f * base_rng_float(rng) - 1.0f;
        const double d = (double)f;
        const void *from = dtype == SY_DT_F32 ? (const void *)&f : dtype == SY_DT_F64 ? (const void *)&d : (const void *)&whole;
        memcpy(data + (size_t)i * width, from, width); /* little-endian */
    }
}

/* Writes one input's file and the request that names it. */
static bool make_input(const options *o, const bench_model *row, const sy_io *io, unsigned i, char request[4096])
{
    char dims[256] = "-", path[128];
    sy_tensor t;
    int64_t sizes[SY_MAX_RANK];
    const char *given = listed(row->shapes, io->name), *value = listed(row->values, io->name);
    int32_t rank = io->rank > 0 ? io->rank : 0;
    for (int32_t a = 0; a < rank; a++) {
        sizes[a] = io->dims[a] > 0 ? io->dims[a] : 1;
    }
    if (given != NULL) {
        rank = 0;
        for (char *end = NULL; *given != '\0' && *given != ' ' && rank < SY_MAX_RANK; given = end + (*end == 'x')) {
            sizes[rank++] = strtoll(given, &end, 10);
        }
    }
    size_t at = 0;
    for (int32_t a = 0; a < rank && at < sizeof dims - 32; a++) {
        at += (size_t)snprintf(dims + at, sizeof dims - at, "%s%lld", a > 0 ? "x" : "", (long long)sizes[a]);
    }
    if (sy_tensor_init(&t, io->dtype, rank, sizes, NULL) != SY_OK || sy_dtype_size_bits(io->dtype) % 8 != 0) {
        return false;
    }
    base_rng rng = base_rng_make(1, i);
    t.data = calloc(t.size_bytes + 8, 1);
    if (t.data == NULL) {
        return false;
    }
    random_bytes(&rng, io->dtype, row->integers_below > 0 ? row->integers_below : 256, sy_tensor_n_elements(&t), t.data);
    const long long fixed = value != NULL ? strtoll(value, NULL, 10) : 0;
    for (int64_t k = 0; value != NULL && k < sy_tensor_n_elements(&t); k++) {
        const size_t width = sy_dtype_size_bits(io->dtype) / 8;
        memcpy((char *)t.data + (size_t)k * width, &fixed, width);
    }
    (void)snprintf(path, sizeof path, "%s/input%u", o->folder, i);
    FILE *f = fopen(path, "wb");
    const bool written = f != NULL && fwrite(t.data, 1, t.size_bytes, f) == t.size_bytes;
    free(t.data);
    (void)(f != NULL && fclose(f));
    (void)snprintf(request, 4096, "input %s %s %s %s", io->name, sy_dtype_text(io->dtype), dims, path);
    return written;
}

/* ---------------------------------------------------------------- outputs */

/* The largest |a - b| over the outputs of two files, relative to an output's largest |b|; NaN if they do not fit. */
static double difference(const char *path_a, const char *path_b)
{
    char line_a[1024], line_b[1024];
    double worst = 0.0;
    FILE *a = fopen(path_a, "rb"), *b = fopen(path_b, "rb");
    while (a != NULL && b != NULL && fgets(line_a, sizeof line_a, a) != NULL && fgets(line_b, sizeof line_b, b) != NULL) {
        char dtype[16] = "";
        long long n = 0;
        size_t n_bytes = 0;
        if (strcmp(line_a, line_b) != 0 || sscanf(line_a, "%*s %15s %lld %zu", dtype, &n, &n_bytes) != 3) {
            worst = NAN;
            break;
        }
        unsigned char *x = malloc(n_bytes + 1), *y = malloc(n_bytes + 1);
        if (x == NULL || y == NULL || fread(x, 1, n_bytes, a) != n_bytes || fread(y, 1, n_bytes, b) != n_bytes) {
            worst = NAN;
        } else if (strcmp(dtype, "f32") == 0) {
            double largest = 1e-30, apart = 0.0;
            for (long long i = 0; i < n; i++) {
                float p, q;
                memcpy(&p, x + 4 * i, 4);
                memcpy(&q, y + 4 * i, 4);
                largest = fmax(largest, fabs((double)q));
                apart = fmax(apart, fabs((double)p - (double)q));
            }
            worst = fmax(worst, apart / largest);
        } else {
            worst = memcmp(x, y, n_bytes) == 0 ? worst : 1.0;
        }
        free(x);
        free(y);
    }
    (void)(a != NULL && fclose(a));
    (void)(b != NULL && fclose(b));
    return worst;
}

static bool same_bytes(const char *path_a, const char *path_b)
{
    bool same = true;
    int x = 0, y = 0;
    FILE *a = fopen(path_a, "rb"), *b = fopen(path_b, "rb");
    while (a != NULL && b != NULL && same && x != EOF) {
        x = fgetc(a);
        y = fgetc(b);
        same = x == y;
    }
    same = same && a != NULL && b != NULL;
    (void)(a != NULL && fclose(a));
    (void)(b != NULL && fclose(b));
    return same;
}

/* ---------------------------------------------------------------- one model */

typedef struct result {
    double ours, theirs; /* seconds, medians; theirs NaN without ONNX Runtime */
    double error;
    double our_load, their_load, our_bytes, their_bytes;
} result;

static void print_row(const char *name, unsigned n_threads, const result *r)
{
    (void)printf("%-16s %2u %10.3f", name, n_threads, 1e3 * r->ours);
    if (isnan(r->theirs)) {
        (void)printf(" %10s %6s %9.1f %9s %8.1f\n", "-", "-", 1e3 * r->our_load, "-", 1e-6 * r->our_bytes);
    } else {
        (void)printf(" %10.3f %6.2f %9.1f %9.1f %8.1f %8.1f %9.1e\n", 1e3 * r->theirs, r->theirs / r->ours,
                     1e3 * r->our_load, 1e3 * r->their_load, 1e-6 * r->our_bytes, 1e-6 * r->their_bytes, r->error);
    }
    (void)fflush(stdout);
}

/* Batches in turn until the time is up. */
static bool interleave(const options *o, engine *const *engines, unsigned n_engines)
{
    unsigned batch[2] = {1, 1};
    const double end = now() + o->seconds;
    for (unsigned round = 0; round < 3 || now() < end; round++) {
        for (unsigned i = 0; i < n_engines; i++) {
            engine *e = engines[i];
            rest(REST_SECONDS);
            if (!run(e, batch[i])) {
                return false;
            }
            if (round == 0) { /* warmed up, and now it is known how long a run takes */
                const double t = e->times[e->n_times - 1];
                batch[i] = t < BATCH_SECONDS ? (unsigned)fmin(BATCH_SECONDS / fmax(t, 1e-7), 1000.0) + 1 : 1;
                e->n_times = 0;
            }
        }
    }
    return true;
}

static bool set_up(engine *e, const char *clock, const char *path, unsigned n_threads, unsigned n_inputs,
                   char requests[][4096])
{
    char request[32];
    (void)snprintf(request, sizeof request, "clock %s", clock);
    bool good = load(e, path, n_threads) && ask(e, request) != NULL;
    for (unsigned i = 0; good && i < n_inputs; i++) {
        good = ask(e, requests[i]) != NULL;
    }
    return good && ask(e, "prepare") != NULL;
}

static bool finish(engine *e, const char *path)
{
    char request[256];
    (void)snprintf(request, sizeof request, "outputs %s", path);
    if (ask(e, request) == NULL) {
        return false;
    }
    const char *answer = ask(e, "memory");
    e->memory_bytes = answer != NULL ? strtod(answer, NULL) : NAN;
    return answer != NULL;
}

/* One model with one number of threads. */
static bool measure(options *o, const char *path, unsigned i_threads, unsigned n_inputs, char requests[][4096], result *r)
{
    static engine both[2];
    char mine[128], theirs[128], script[4096], self[] = "/proc/self/exe", flag[] = "--engine", python[1024];
    memset(both, 0, sizeof both);
    (void)snprintf(script, sizeof script, "%s/onnxruntime_engine.py", BENCH_FOLDER);
    (void)snprintf(python, sizeof python, "%s", o->python);
    (void)snprintf(mine, sizeof mine, "%s/ours%u", o->folder, i_threads);
    (void)snprintf(theirs, sizeof theirs, "%s/theirs", o->folder);
    char *const our_command[] = {self, flag, NULL}, *const their_command[] = {python, script, NULL};
    engine *const engines[] = {&both[0], &both[1]};
    const unsigned n = o->have_ort ? 2 : 1, threads = o->threads[i_threads];
    bool good = start(&both[0], our_command) && set_up(&both[0], o->clock, path, threads, n_inputs, requests);
    if (good && n == 2) {
        good = start(&both[1], their_command) && set_up(&both[1], o->clock, path, threads, n_inputs, requests);
    }
    good = good && interleave(o, engines, n) && finish(&both[0], mine) && (n == 1 || finish(&both[1], theirs));
    if (good && o->profile) {
        (void)ask(&both[0], "profile");
    }
    if (good) {
        *r = (result){
            .ours = median(&both[0]),
            .theirs = n == 2 ? median(&both[1]) : NAN,
            .error = n == 2 ? difference(mine, theirs) : NAN,
            .our_load = both[0].load_seconds,
            .their_load = both[1].load_seconds,
            .our_bytes = both[0].memory_bytes,
            .their_bytes = both[1].memory_bytes,
        };
    }
    for (unsigned i = 0; i < 2; i++) {
        if (both[i].error[0] != '\0') {
            (void)printf("%s: %s: %s\n", path, i == 0 ? "Systole" : "ONNX Runtime", both[i].error);
        }
        stop(&both[i]);
    }
    return good;
}

/* The path of a row's model, generated if need be; false: there is none (a line says so). */
static bool find_model(const options *o, const bench_model *row, char path[4096])
{
    char from[4096] = "";
    if (row->file != NULL) {
        (void)snprintf(from, sizeof from, "%s%s%s", row->file[0] == '/' ? "" : o->data, row->file[0] == '/' ? "" : "/",
                       row->file);
        if (access(from, R_OK) != 0) {
            (void)printf("%-16s skipped: no %s\n", row->name, from);
            return false;
        }
    }
    if (row->generate == NULL) {
        memcpy(path, from, sizeof from);
        return true;
    }
    const int n = snprintf(path, 4096, "%s/%s.onnx", o->cache, row->name);
    for (char *p = path + strlen(o->cache); *p != '\0'; p++) {
        *p = *p == ' ' ? '_' : *p;
    }
    (void)mkdir(o->cache, 0777);
    return n > 0 && n < 4096 && (access(path, R_OK) == 0 || row->generate(row->file != NULL ? from : NULL, path));
}

static bool run_model(options *o, const bench_model *row, double *log_sum, unsigned *n_ratios)
{
    static char requests[MAX_INPUTS][4096];
    char path[4096], first[128], other[128];
    sy_model *model = NULL;
    sy_message why;
    sy_io io;
    bool good = true;
    if (!find_model(o, row, path)) {
        return true;
    }
    if (sy_model_load(path, NULL, &model, &why) != SY_OK) {
        (void)printf("%-16s %s\n", row->name, why.text);
        return false;
    }
    const unsigned n_inputs = sy_model_n_inputs(model);
    for (unsigned i = 0; good && i < n_inputs; i++) {
        good = i < MAX_INPUTS && sy_model_input(model, i, &io) == SY_OK && make_input(o, row, &io, i, requests[i]);
    }
    sy_model_free(model);
    for (unsigned i = 0; good && i < o->n_threads; i++) {
        result r;
        good = measure(o, path, i, n_inputs, requests, &r);
        if (good) {
            print_row(row->name, o->threads[i], &r);
            if (!isnan(r.theirs)) {
                log_sum[i] += log(r.theirs / r.ours);
                n_ratios[i]++;
            }
        }
        (void)snprintf(first, sizeof first, "%s/ours0", o->folder);
        (void)snprintf(other, sizeof other, "%s/ours%u", o->folder, i);
        if (good && i > 0 && !same_bytes(first, other)) {
            (void)printf("%-16s the outputs with %u and %u threads differ\n", row->name, o->threads[0], o->threads[i]);
            good = false;
        }
    }
    return good;
}

/* ---------------------------------------------------------------- all */

static int usage(void)
{
    (void)fprintf(stderr, "usage: cpu_inference [--data DIR] [--cache DIR] [--python PROGRAM] [--threads 1,2] [--seconds S]\n"
                          "                     [--only TEXT] [--clock wall|cpu] [--profile yes] [MODEL.onnx ...]\n");
    return 2;
}

static bool take_options(options *o, int argc, char **argv)
{
    const char *threads = "1,2";
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (a[0] != '-') {
            const char *slash = strrchr(a, '/');
            char *path = realpath(a, NULL);
            if (path == NULL || o->n_models == MAX_MODELS) {
                (void)fprintf(stderr, "cpu_inference: %s: %s\n", a, strerror(errno));
                return false;
            }
            o->models[o->n_models++] = (bench_model){.name = slash != NULL ? slash + 1 : a, .file = path};
            continue;
        }
        if (value == NULL) {
            return false;
        }
        i++;
        if (strcmp(a, "--data") == 0) {
            o->data = value;
        } else if (strcmp(a, "--cache") == 0) {
            o->cache = value;
        } else if (strcmp(a, "--python") == 0) {
            o->python = value;
        } else if (strcmp(a, "--only") == 0) {
            o->only = value;
        } else if (strcmp(a, "--clock") == 0 && (strcmp(value, "wall") == 0 || strcmp(value, "cpu") == 0)) {
            o->clock = value;
        } else if (strcmp(a, "--profile") == 0) {
            o->profile = strcmp(value, "yes") == 0;
        } else if (strcmp(a, "--seconds") == 0) {
            o->seconds = strtod(value, NULL);
        } else if (strcmp(a, "--threads") == 0) {
            threads = value;
        } else {
            return false;
        }
    }
    for (char *end = NULL; *threads != '\0' && o->n_threads < MAX_THREADS; threads = end + (*end == ',')) {
        o->threads[o->n_threads] = (unsigned)strtoul(threads, &end, 10);
        if (o->threads[o->n_threads++] == 0 || end == threads) {
            return false;
        }
    }
    return o->n_threads > 0;
}

/* What the two are, from their own mouths; whether ONNX Runtime is there. */
static void introduce(options *o, const char *path)
{
    static engine both[2];
    char script[4096], self[] = "/proc/self/exe", flag[] = "--engine", python[1024];
    memset(both, 0, sizeof both);
    (void)snprintf(script, sizeof script, "%s/onnxruntime_engine.py", BENCH_FOLDER);
    (void)snprintf(python, sizeof python, "%s", o->python);
    char *const our_command[] = {self, flag, NULL}, *const their_command[] = {python, script, NULL};
    if (start(&both[0], our_command) && load(&both[0], path, 1)) {
        (void)printf("%s\n", both[0].name);
    }
    o->have_ort = start(&both[1], their_command) && load(&both[1], path, 1);
    if (o->have_ort) {
        (void)printf("%s\n", both[1].name);
    } else {
        (void)printf("ONNX Runtime is not there (%s: %s): only Systole is timed; --python names an interpreter that has it\n",
                     o->python, both[1].error);
    }
    stop(&both[0]);
    stop(&both[1]);
}

int main(int argc, char **argv)
{
    static options o;
    char found[4096];
    double log_sum[MAX_THREADS] = {0};
    unsigned n_ratios[MAX_THREADS] = {0};
    bool good = true, introduced = false;
    if (argc == 2 && strcmp(argv[1], "--engine") == 0) {
        return bench_engine();
    }
    o = (options){.data = "../shared/data/onnx", .cache = "/tmp/systole-bench", .python = "python3", .clock = "wall", .seconds = 2.0};
    if (!take_options(&o, argc, argv)) {
        return usage();
    }
    if (o.n_models == 0) {
        memcpy(o.models, bench_models, bench_n_models * sizeof bench_models[0]);
        o.n_models = bench_n_models;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)unsetenv("OPENBLAS_CORETYPE"); /* a core type in the environment halves OpenBLAS */
    (void)unsetenv("OPENBLAS_NUM_THREADS");
    (void)snprintf(o.folder, sizeof o.folder, "/tmp/cpu_inference.XXXXXX");
    if (mkdtemp(o.folder) == NULL) {
        (void)fprintf(stderr, "cpu_inference: %s: %s\n", o.folder, strerror(errno));
        return 1;
    }
    for (unsigned i = 0; i < o.n_models; i++) {
        const bench_model *row = &o.models[i];
        if (o.only != NULL && strstr(row->name, o.only) == NULL) {
            continue;
        }
        if (!introduced && find_model(&o, row, found)) {
            introduce(&o, found);
            (void)printf("%-16s %2s %10s %10s %6s %9s %9s %8s %8s %9s\n", "model", "t", "ours ms", "ORT ms", "ratio",
                         "load ms", "ORT load", "MB", "ORT MB", "error");
            introduced = true;
        }
        good = (!introduced || run_model(&o, row, log_sum, n_ratios)) && good;
    }
    for (unsigned i = 0; i < o.n_threads; i++) {
        if (n_ratios[i] > 0) {
            (void)printf("%-16s %2u %28.2f   geometric mean of %u ratios\n", "all", o.threads[i],
                         exp(log_sum[i] / n_ratios[i]), n_ratios[i]);
        }
    }
    const char *const left[] = {"input0", "input1", "input2", "input3", "input4", "input5", "ours0", "ours1", "ours2", "ours3", "theirs"};
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", o.folder, left[i]);
        (void)unlink(path);
    }
    (void)rmdir(o.folder);
    return good ? 0 : 1;
}
