/*
 * session.c -- makes sessions, runs them on their device; device cpu.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "session_internal.h"

#include <string.h>
#include <time.h>

#include "systole/base/assert.h"
#include "systole/rt/buffer.h"

double rt_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

bool rt_cancelled(void *user)
{
    const int *flag = user;
    return flag != NULL && __atomic_load_n(flag, __ATOMIC_RELAXED) != 0;
}

sy_status rt_output_give(const char *name, const ir_tensor *result, ir_tensor *output,
                         base_diag *diag)
{
    void *room = output->data;
    if (room != NULL && output->size_bytes < result->size_bytes) {
        return base_fail(diag, SY_ERANGE, "output '%s': it takes %zu bytes, the buffer has %zu",
                         name, result->size_bytes, output->size_bytes);
    }
    if (room == NULL) {
        room = rt_buffer_alloc(result->size_bytes);
        if (room == NULL) {
            return base_fail(diag, SY_ENOMEM, "out of memory");
        }
    }
    if (result->size_bytes > 0) {
        memcpy(room, result->data, result->size_bytes);
    }
    *output = *result;
    output->data = room;
    return SY_OK;
}

/* ---------------------------------------------------------------- device cpu */

typedef struct saver {
    const rt_run_options *options;
} saver;

static sy_status save_value(void *user, const ir_value *value, const ir_tensor *tensor)
{
    const saver *to = user;
    return to->options->save(to->options->save_user, value->name, tensor);
}

static sy_status run_cpu(rt_session *session, const ir_tensor *const *inputs,
                         ir_tensor *const *outputs, const rt_run_options *options, base_diag *diag)
{
    saver to = {.options = options};
    const rt_cpu_run_options run = {
        .save = options->save != NULL ? save_value : NULL,
        .save_user = &to,
        .cancelled = rt_cancelled,
        .cancelled_user = (void *)options->cancel, /* read only */
    };
    const double begin = rt_seconds();
    const sy_status status = rt_cpu_plan_run(session->graph, inputs, outputs, &run, diag);
    session->step_stats[0] = (rt_step_stats){.name = "host", .seconds = rt_seconds() - begin};
    return status;
}

sy_status rt_session_open_cpu(rt_session *session, base_diag *diag)
{
    const rt_cpu_options options = {
        .reference = session->options.reference,
        .n_threads = session->options.n_threads,
        .blas = session->options.blas,
    };
    if (session->cpu != NULL) {
        return SY_OK;
    }
    return rt_cpu_create(session->model->module, &options, diag, &session->cpu);
}

sy_status rt_device_cpu_open(rt_session *session, base_diag *diag)
{
    static const rt_device_ops ops = {.run = run_cpu};
    if (session->model->module == NULL) {
        return base_fail(diag, SY_EUNSUPPORTED,
                         "%s: device cpu needs the model's graph, and this file %s",
                         session->model->path,
                         session->model->has_plan ? "was compiled with --strip"
                                                  : "is a plain program: use sim or rtl");
    }
    session->ops = &ops;
    session->stats.n_steps = 1;
    SY_TRY(rt_session_open_cpu(session, diag));
    return rt_cpu_plan_graph(session->cpu, session->model->module->main, diag, &session->graph);
}

/* ---------------------------------------------------------------- sessions */

/* Which configuration sim or rtl is made for. */
static sy_status choose_config(rt_session *session, base_diag *diag)
{
    const rt_model *model = session->model;
    if (model->has_program && model->program.has_config) {
        session->config = model->program.config;
        return session->options.config != NULL
                   ? isa_program_check(&model->program, session->options.config, diag)
                   : SY_OK;
    }
    if (session->options.config != NULL) {
        session->config = *session->options.config;
        return SY_OK;
    }
    return isa_config_find("edge", &session->config, diag);
}

/* Compiles the model if nobody has, and opens the device; under the model's lock. */
static sy_status open_locked(rt_session *session, base_diag *diag)
{
    rt_model *model = session->model;
    const rt_session_options *options = &session->options;
    if (session->device == RT_DEVICE_CPU) {
        return rt_device_cpu_open(session, diag);
    }
    SY_TRY(choose_config(session, diag));
    if (!model->has_program) {
        const cc_options compile = {.no_fallback = options->no_fallback};
        const sy_status status = rt_model_compile_locked(model, &session->config, &compile, diag);
        if (status == SY_EUNSUPPORTED && !options->no_fallback && !options->lockstep) {
            memcpy(session->note, base_diag_message(diag), sizeof session->note);
            base_diag_clear(diag);
            session->device = RT_DEVICE_CPU;
            return rt_device_cpu_open(session, diag);
        }
        SY_TRY(status);
    }
    return rt_device_machine_open(session, diag);
}

static sy_status open_device(rt_session *session, base_diag *diag)
{
    pthread_mutex_lock(&session->model->lock);
    const sy_status status = open_locked(session, diag);
    pthread_mutex_unlock(&session->model->lock);
    SY_TRY(status);
    session->step_stats = BASE_ARENA_ARRAY(session->arena, rt_step_stats, session->stats.n_steps);
    session->stats.steps = session->step_stats;
    return session->step_stats != NULL ? SY_OK : base_fail(diag, SY_ENOMEM, "out of memory");
}

sy_status rt_session_create(rt_model *model, const rt_session_options *options, rt_session **out,
                            base_diag *diag)
{
    base_arena *arena = base_arena_create();
    rt_session *session = arena != NULL ? BASE_ARENA_NEW(arena, rt_session) : NULL;
    base_diag own = {0}; /* a fallback's reason is read back, so there must be a place for it */
    if (session == NULL) {
        base_arena_destroy(arena);
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    session->arena = arena;
    session->model = model;
    if (options != NULL) {
        session->options = *options;
    }
    session->device = session->options.device;
    const sy_status status = open_device(session, diag != NULL ? diag : &own);
    if (status != SY_OK) {
        rt_session_free(session);
        return status;
    }
    *out = session;
    return SY_OK;
}

void rt_session_free(rt_session *session)
{
    if (session == NULL) {
        return;
    }
    for (uint32_t i = 0; i < session->n_steps; i++) {
        rt_cpu_plan_destroy(session->steps[i].host);
    }
    for (uint32_t i = 0; i < session->n_slots; i++) {
        if (!session->slots[i].is_input) {
            rt_buffer_free(session->slots[i].tensor.data);
        }
    }
    rt_cpu_plan_destroy(session->graph);
    rt_cpu_destroy(session->cpu);
    sim_machine_destroy(session->machine);
    sim_machine_destroy(session->shadow);
    rt_check_free(session->check);
    sim_machine_destroy(session->serial);
    rt_buffer_free(session->scratch);
    base_arena_destroy(session->arena);
}

rt_model *rt_session_model(const rt_session *session)
{
    return session->model;
}

rt_device rt_session_device(const rt_session *session)
{
    return session->device;
}

const char *rt_session_note(const rt_session *session)
{
    return session->note;
}

sim_machine *rt_session_machine(rt_session *session)
{
    return session->machine;
}

const rt_cosim_result *rt_session_lockstep(const rt_session *session)
{
    return session->shadow != NULL ? &session->lockstep : NULL;
}

const rt_check *rt_session_check(const rt_session *session)
{
    return session->check;
}

const char *rt_session_blas(const rt_session *session)
{
    return session->cpu != NULL ? rt_cpu_blas_name(session->cpu) : "";
}

const rt_stats *rt_session_stats(const rt_session *session)
{
    return &session->stats;
}

sy_status rt_session_run(rt_session *session, const ir_tensor *const *inputs,
                         ir_tensor *const *outputs, const rt_run_options *options, base_diag *diag)
{
    const rt_run_options defaults = {0};
    const double begin = rt_seconds();
    rt_stats *stats = &session->stats;
    stats->cycles = 0;
    stats->retired = 0;
    memset(stats->counters, 0, sizeof stats->counters);
    stats->dram = (sim_dram_stats){0};
    memset(session->step_stats, 0, stats->n_steps * sizeof *session->step_stats);
    const sy_status status = session->ops->run(session, inputs, outputs,
                                               options != NULL ? options : &defaults, diag);
    stats->seconds = rt_seconds() - begin;
    return status;
}
