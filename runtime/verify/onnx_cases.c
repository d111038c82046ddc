/*
 * onnx_cases.c -- finds and runs conformance cases, each in a process of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/onnx_cases.h"

#include "systole/base/vec.h"
#include "systole/rt/buffer.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_DEPTH    4
#define MAX_PATH     4096
#define MAX_SETS     1000
#define CASE_SECONDS 60

/* ---------------------------------------------------------------- finding */

typedef struct finder {
    base_arena *arena;
    base_diag *diag;
    BASE_VEC(const char *) found;
} finder;

static bool exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

static sy_status find(finder *f, const char *folder, int depth)
{
    char path[MAX_PATH];
    (void)snprintf(path, sizeof path, "%s/model.onnx", folder);
    if (exists(path)) {
        const char *copy = base_arena_strdup(f->arena, folder);
        return copy != NULL && base_vec_push(f->arena, &f->found, copy) ? SY_OK : SY_ENOMEM;
    }
    struct dirent **entries = NULL;
    const int n = depth < MAX_DEPTH ? scandir(folder, &entries, NULL, alphasort) : 0;
    if (n < 0) {
        return base_fail(f->diag, SY_EIO, "%s: %s", folder, strerror(errno));
    }
    sy_status status = SY_OK;
    for (int i = 0; i < n; i++) {
        struct stat info;
        const int length = snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (status == SY_OK && entries[i]->d_name[0] != '.' && length > 0 &&
            (size_t)length < sizeof path && stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
            status = find(f, path, depth + 1);
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}

sy_status rt_cases_find(const char *folder, base_arena *arena, const char *const **out, size_t *n_out,
                        base_diag *diag)
{
    finder f = {.arena = arena, .diag = diag};
    SY_TRY(find(&f, folder, 0));
    if (f.found.n == 0) {
        return base_fail(diag, SY_EINVAL,
                         "%s: no case in it: expected folders with model.onnx and test_data_set_0",
                         folder);
    }
    *out = f.found.items;
    *n_out = f.found.n;
    return SY_OK;
}

/* ---------------------------------------------------------------- one case */

typedef struct case_run {
    const rt_case_options *options;
    rt_case_result *result;
    base_arena *arena; /* everything of this case */
    const char *folder;
    rt_model *model;
    rt_session *session;
    const ir_graph *graph;
    bool random;
    bool fell_back;
} case_run;

static void end_with(case_run *c, rt_case_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void end_with(case_run *c, rt_case_status status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    c->result->status = status;
    (void)vsnprintf(c->result->reason, sizeof c->result->reason, fmt, args);
    va_end(args);
    for (char *p = c->result->reason; *p != '\0'; p++) {
        *p = *p == '\n' ? ' ' : *p;
    }
}

static bool has_random(const ir_graph *g)
{
    for (const ir_node *n = g->first; n != NULL; n = n->next) {
        if (n->op != NULL && (n->op->props & (IR_P_PURE | IR_P_REGION)) == 0) {
            return true;
        }
        for (uint32_t i = 0; i < n->n_attrs; i++) {
            if (n->attrs[i].kind == IR_ATTR_GRAPH && has_random(n->attrs[i].u.graph)) {
                return true;
            }
        }
        if (n->callee != NULL && has_random(n->callee)) {
            return true;
        }
    }
    return false;
}

/* The value in a file of a data set; false if it ends the case. */
static bool read_value(case_run *c, const char *set, const char *what, uint32_t i,
                       const ir_type *type, ir_tensor *out)
{
    char path[MAX_PATH];
    base_diag diag = {{0}};
    (void)snprintf(path, sizeof path, "%s/%s_%u.pb", set, what, i);
    if (!exists(path)) {
        end_with(c, RT_CASE_SKIP, "%s is missing", path);
        return false;
    }
    if (ir_import_onnx_value(c->arena, path, type->kind, &diag, out) != SY_OK) {
        end_with(c, RT_CASE_SKIP, "%s", base_diag_message(&diag));
        return false;
    }
    if (type->kind == IR_TYPE_TENSOR && type->dtype == SY_DT_BF16 && out->dtype == SY_DT_U16) {
        out->dtype = SY_DT_BF16; /* as older test sets keep it */
    }
    return true;
}

static bool compare_outputs(case_run *c, const char *set, const ir_tensor *outputs)
{
    for (uint32_t i = 0; i < c->graph->n_outputs; i++) {
        ir_tensor want;
        const ir_value *v = c->graph->outputs[i]->use.value;
        char why[512] = "";
        bool fits = false;
        if (!read_value(c, set, "output", i, &v->type, &want)) {
            return false;
        }
        const sy_status status = rt_case_fits(&outputs[i], &want, c->options, c->random, c->arena,
                                              why, sizeof why, &fits);
        if (status != SY_OK || !fits) {
            end_with(c, RT_CASE_FAIL, "%s: output %u ('%s'): %s", strrchr(set, '/') + 1, i, v->name,
                     status != SY_OK ? sy_status_text(status) : why);
            return false;
        }
    }
    return true;
}

static bool run_set(case_run *c, const char *set)
{
    const uint32_t n_inputs = c->graph->n_inputs, n_outputs = c->graph->n_outputs;
    ir_tensor *inputs = BASE_ARENA_ARRAY(c->arena, ir_tensor, n_inputs),
              *outputs = BASE_ARENA_ARRAY(c->arena, ir_tensor, n_outputs);
    const ir_tensor **in = BASE_ARENA_ARRAY(c->arena, const ir_tensor *, n_inputs);
    ir_tensor **out = BASE_ARENA_ARRAY(c->arena, ir_tensor *, n_outputs);
    base_diag diag = {{0}};
    if (inputs == NULL || outputs == NULL || in == NULL || out == NULL) {
        end_with(c, RT_CASE_FAIL, "out of memory");
        return false;
    }
    for (uint32_t i = 0; i < n_inputs; i++) {
        if (!read_value(c, set, "input", i, &c->graph->inputs[i]->type, &inputs[i])) {
            return false;
        }
        in[i] = &inputs[i];
    }
    for (uint32_t i = 0; i < n_outputs; i++) {
        out[i] = &outputs[i];
    }
    if (rt_session_run(c->session, in, out, NULL, &diag) != SY_OK) {
        end_with(c, RT_CASE_FAIL, "%s: %s", strrchr(set, '/') + 1, base_diag_message(&diag));
        return false;
    }
    const bool good = compare_outputs(c, set, outputs);
    for (uint32_t i = 0; i < n_outputs; i++) {
        rt_buffer_free(outputs[i].data);
    }
    return good;
}

static void run_sets(case_run *c)
{
    int n_run = 0;
    for (int i = 0; i < MAX_SETS; i++) {
        char set[MAX_PATH];
        (void)snprintf(set, sizeof set, "%s/test_data_set_%d", c->folder, i);
        if (!exists(set)) {
            break;
        }
        if (!run_set(c, set)) {
            return;
        }
        n_run++;
    }
    if (n_run == 0) {
        end_with(c, RT_CASE_SKIP, "no test_data_set_0");
    } else if (c->random) {
        end_with(c, RT_CASE_PASS, "random: by type, shape and statistics");
    } else if (c->fell_back) {
        end_with(c, RT_CASE_PASS, "on cpu: %s", rt_session_note(c->session));
    } else {
        end_with(c, RT_CASE_PASS, "%s", "");
    }
}

static void run_here(case_run *c)
{
    char path[MAX_PATH];
    base_diag diag = {{0}};
    (void)snprintf(path, sizeof path, "%s/model.onnx", c->folder);
    c->arena = base_arena_create();
    if (c->arena == NULL) {
        end_with(c, RT_CASE_FAIL, "out of memory");
        return;
    }
    if (rt_model_load(path, NULL, &c->model, &diag) != SY_OK ||
        rt_session_create(c->model, &c->options->session, &c->session, &diag) != SY_OK) {
        end_with(c, RT_CASE_FAIL, "%s", base_diag_message(&diag));
    } else {
        c->graph = c->model->module->main;
        c->random = has_random(c->graph);
        c->fell_back = rt_session_device(c->session) != c->options->session.device;
        run_sets(c);
    }
    rt_session_free(c->session);
    rt_model_free(c->model);
    base_arena_destroy(c->arena);
}

/* ---------------------------------------------------------------- its process */

/* All n bytes, or false. */
static bool read_all(int fd, void *to, size_t n)
{
    for (size_t at = 0; at < n;) {
        const ssize_t got = read(fd, (char *)to + at, n - at);
        if (got <= 0 && errno != EINTR) {
            return false;
        }
        at += got > 0 ? (size_t)got : 0;
    }
    return true;
}

static _Noreturn void child(case_run *c, int fd)
{
    const uint32_t seconds = c->options->seconds;
    (void)alarm(seconds > 0 ? seconds : CASE_SECONDS);
    run_here(c);
    const ssize_t n = write(fd, c->result, sizeof *c->result);
    _exit(n == (ssize_t)sizeof *c->result ? 0 : 1); /* below PIPE_BUF: in one piece */
}

_Static_assert(sizeof(rt_case_result) < 4096, "a result goes through a pipe in one piece");

void rt_case_run(const char *folder, const rt_case_options *options, rt_case_result *out)
{
    case_run c = {.options = options, .result = out, .folder = folder};
    int ends[2];
    *out = (rt_case_result){.status = RT_CASE_FAIL};
    if (options->in_process || pipe(ends) != 0) {
        run_here(&c);
        return;
    }
    (void)fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        child(&c, ends[1]);
    }
    (void)close(ends[1]);
    const bool whole = pid > 0 && read_all(ends[0], out, sizeof *out);
    int status = 0;
    (void)close(ends[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!whole && pid > 0 && WIFSIGNALED(status)) {
        const int number = WTERMSIG(status);
        *out = (rt_case_result){.status = RT_CASE_FAIL};
        end_with(&c, RT_CASE_FAIL, number == SIGALRM ? "took longer than %u seconds" : "crashed: signal %u",
                 number != SIGALRM ? (unsigned)number
                 : options->seconds > 0 ? options->seconds
                                        : CASE_SECONDS);
    } else if (!whole) {
        end_with(&c, RT_CASE_FAIL, "its process ended without a result");
    }
}
