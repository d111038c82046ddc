/*
 * session_machine.c -- devices sim and rtl: host steps on the cpu, device steps on the machine,
 * tensors carried between.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <string.h>

#include "blocked.h"
#include "session_internal.h"
#include "systole/rt/buffer.h"
#include "systole/rt/tensors.h"

/* ---------------------------------------------------------------- device steps */

typedef struct watch {
    const rt_run_options *options;
    uint64_t step_begin;
} watch;

static bool watch_command(void *user, const sim_command_event *event)
{
    const watch *w = user;
    if (w->options->command != NULL) {
        w->options->command(w->options->command_user, w->step_begin, event);
    }
    return !rt_cancelled((void *)w->options->cancel);
}

static bool watch_retire(void *user, uint32_t pc, uint64_t cycle)
{
    const watch *w = user;
    (void)pc;
    (void)cycle;
    return !rt_cancelled((void *)w->options->cancel);
}

static const char *layer_name(void *user, uint32_t tag)
{
    const cc_plan_layer *layer = rt_model_layer(user, tag);
    return layer != NULL ? layer->name : NULL;
}

/* Runs both machines; a difference is SY_EMISMATCH. */
static sy_status run_lockstep(rt_session *session, const sim_run_options *run, sim_result *result,
                              base_diag *diag)
{
    const rt_cosim_options options = {
        .run = *run, .layer = layer_name, .layer_user = session->model, .wave = session->options.wave};
    rt_cosim_result *total = &session->lockstep;
    rt_cosim_result step;
    SY_TRY(rt_cosim(session->machine, session->shadow, &options, &step, diag));
    step.n_commands += total->n_commands;
    step.n_instructions += total->n_instructions;
    step.n_entries += total->n_entries;
    step.n_cycles += total->n_cycles;
    step.n_bytes += total->n_bytes;
    *total = step;
    *result = step.results[0];
    if (!step.equal) {
        const size_t n = strcspn(step.difference, "\n");
        return base_fail(diag, SY_EMISMATCH, "%.*s", (int)n, step.difference);
    }
    return SY_OK;
}

/* A simulator that runs what the rtl has run, from the data memory that it began with, to the same end; NULL if there is none. */
static sim_machine *run_twin(rt_session *session, const sim_run_options *run, const base_buf *dmem, const sim_result *wanted)
{
    const rt_machine_options options = {.timing_only = true};
    sim_machine *rtl = session->machine;
    sim_machine *twin = NULL;
    base_buf imem = {0};
    sim_run_options same = *run;
    sim_result result = {.end = SIM_END_STOPPED};
    same.observer = NULL;
    same.wave = NULL;
    bool ok = base_buf_zeros(&imem, session->config.imem_bytes) &&
              rt_machine_create(RT_MACHINE_SIM, &session->config, &options, &twin, NULL) == SY_OK &&
              sim_machine_read(rtl, SIM_IMEM, 0, imem.data, imem.n_bytes) == SY_OK &&
              sim_machine_write(twin, SIM_IMEM, 0, imem.data, imem.n_bytes) == SY_OK &&
              sim_machine_write(twin, SIM_DMEM, 0, dmem->data, dmem->n_bytes) == SY_OK &&
              sim_machine_run(twin, &same, &result, NULL) == SY_OK;
    ok = ok && result.end == wanted->end && result.cycles == wanted->cycles && result.error == wanted->error;
    base_buf_free(&imem);
    if (!ok) {
        sim_machine_destroy(twin);
        twin = NULL;
    }
    return twin;
}

/* The machine's run, alone; a device that cannot explain its end gets a twin that can (rt_end_context). */
static sy_status run_alone(rt_session *session, const sim_run_options *run, sim_result *result, sim_machine **twin,
                           base_diag *diag)
{
    base_buf dmem = {0};
    if (session->device == RT_DEVICE_RTL &&
        (!base_buf_zeros(&dmem, session->config.dmem_bytes) ||
         sim_machine_read(session->machine, SIM_DMEM, 0, dmem.data, dmem.n_bytes) != SY_OK)) {
        base_buf_free(&dmem);
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    const sy_status status = sim_machine_run(session->machine, run, result, diag);
    if (status == SY_OK && session->device == RT_DEVICE_RTL &&
        (result->end == SIM_END_ERROR || result->end == SIM_END_DEADLOCK)) {
        *twin = run_twin(session, run, &dmem, result);
    }
    base_buf_free(&dmem);
    return status;
}

/* Runs from pc to the end; adds what it counted to the session's statistics. */
static sy_status run_machine(rt_session *session, uint32_t pc, const rt_run_options *options,
                             rt_step_stats *step, base_diag *diag)
{
    rt_stats *stats = &session->stats;
    watch w = {.options = options, .step_begin = stats->cycles};
    const sim_observer observer = {
        .user = &w,
        .command = options->command != NULL || options->cancel != NULL ? watch_command : NULL,
        .retire = options->cancel != NULL ? watch_retire : NULL,
    };
    const sim_run_options run = {
        .entry = pc,
        .max_cycles = session->options.max_cycles,
        .stall_seed = session->options.stall_seed,
        .stall_max = session->options.stall_max,
        .ready_max = session->options.ready_max,
        .error_one_in = session->options.error_one_in,
        .observer = observer.command != NULL ? &observer : NULL,
    };
    sim_machine *twin = NULL;
    if (session->shadow != NULL) {
        SY_TRY(run_lockstep(session, &run, &step->result, diag));
    } else if (session->check != NULL) {
        SY_TRY(rt_check_run(session->check, session->machine, &run, &step->result, diag));
    } else {
        SY_TRY(run_alone(session, &run, &step->result, &twin, diag));
    }
    stats->cycles += step->result.cycles;
    stats->retired += step->result.retired;
    sim_dram_stats_add(&stats->dram, &step->result.dram);
    for (unsigned unit = 0; unit < SIM_N_UNITS; unit++) {
        for (unsigned cause = 0; cause < SIM_N_CAUSES; cause++) {
            stats->counters[unit][cause] += step->result.counters[unit][cause];
        }
    }
    const rt_end_context context = {
        .program = &session->model->program,
        .layer = layer_name,
        .layer_user = session->model,
        .twin = twin,
    };
    const sy_status status = rt_end_fail(session->machine, &step->result, &context, diag);
    sim_machine_destroy(twin);
    return status;
}

static sy_status write_inputs(rt_session *session, const rt_step *step, base_diag *diag)
{
    for (uint32_t i = 0; i < step->n_in; i++) {
        const cc_plan_tensor *tensor = &session->model->plan.tensors[step->device->inputs[i]];
        const ir_tensor *host = &session->slots[step->in[i]].tensor;
        if (host->dtype != rt_plan_dtype(tensor) ||
            ir_tensor_n_elements(host) != tensor->n * tensor->c * tensor->p) {
            return base_fail(diag, SY_ESHAPE,
                             "'%s': the program wants %" PRId64 " elements of %s, got %" PRId64
                             " of %s",
                             tensor->value, tensor->n * tensor->c * tensor->p,
                             sy_dtype_name(rt_plan_dtype(tensor)), ir_tensor_n_elements(host), sy_dtype_name(host->dtype));
        }
        SY_TRY(rt_blocked_write(session->machine, tensor, host->data, session->scratch, diag));
        if (session->shadow != NULL) {
            SY_TRY(rt_blocked_write(session->shadow, tensor, host->data, session->scratch, diag));
        }
        if (session->serial != NULL) {
            SY_TRY(rt_blocked_write(session->serial, tensor, host->data, session->scratch, diag));
        }
    }
    return SY_OK;
}

static sy_status read_outputs(rt_session *session, const rt_step *step,
                              const rt_run_options *options, base_diag *diag)
{
    for (uint32_t i = 0; i < step->n_out; i++) {
        const cc_plan_tensor *tensor = &session->model->plan.tensors[step->device->outputs[i]];
        rt_slot *slot = &session->slots[step->out[i]];
        SY_TRY(
            rt_blocked_read(session->machine, tensor, slot->tensor.data, session->scratch, diag));
        if (options->save != NULL) {
            SY_TRY(options->save(options->save_user, slot->name, &slot->tensor));
        }
    }
    return SY_OK;
}

static sy_status run_device_step(rt_session *session, const rt_step *step,
                                 const rt_run_options *options, rt_step_stats *stats,
                                 base_diag *diag)
{
    stats->on_device = true;
    if (session->options.timing_only) {
        return run_machine(session, step->pc, options, stats, diag);
    }
    SY_TRY(write_inputs(session, step, diag));
    SY_TRY(run_machine(session, step->pc, options, stats, diag));
    return read_outputs(session, step, options, diag);
}

/* ---------------------------------------------------------------- host steps */

typedef struct host_saver {
    const rt_session *session;
    const rt_step *step;
    const rt_run_options *options;
} host_saver;

/* Passes on what the step makes; what it starts from has been seen before. */
static sy_status save_value(void *user, const ir_value *value, const ir_tensor *tensor)
{
    const host_saver *to = user;
    for (uint32_t i = 0; i < to->step->n_in; i++) {
        if (to->session->slots[to->step->in[i]].value == value) {
            return SY_OK;
        }
    }
    return to->options->save(to->options->save_user, value->name, tensor);
}

static sy_status run_host_step(rt_session *session, const rt_step *step,
                               const rt_run_options *options, base_diag *diag)
{
    host_saver to = {.session = session, .step = step, .options = options};
    const rt_cpu_run_options run = {
        .save = options->save != NULL ? save_value : NULL,
        .save_user = &to,
        .cancelled = rt_cancelled,
        .cancelled_user = (void *)options->cancel,
    };
    if (session->options.timing_only) {
        return SY_OK;
    }
    for (uint32_t i = 0; i < step->n_in; i++) {
        step->in_tensors[i] = &session->slots[step->in[i]].tensor;
    }
    for (uint32_t i = 0; i < step->n_out; i++) {
        ir_tensor *made = &session->slots[step->out[i]].tensor;
        rt_buffer_free(made->data); /* of the last run */
        *made = (ir_tensor){0};
        step->out_tensors[i] = made;
    }
    return rt_cpu_plan_run(step->host, step->in_tensors, step->out_tensors, &run, diag);
}

/* ---------------------------------------------------------------- a run */

static sy_status wrong_input(const rt_model_io *io, const ir_tensor *given, base_diag *diag)
{
    base_buf text = {0};
    base_buf_printf(&text, "input '%s' is %s ", io->name, sy_dtype_name(given->dtype));
    rt_dims_print(given->rank, given->dims, &text);
    base_buf_printf(&text, ", expected %s ", sy_dtype_name(io->dtype));
    rt_dims_print(io->rank, io->dims, &text);
    const sy_status status = base_fail(diag, SY_ESHAPE, "%s", text.data != NULL ? text.data : "");
    base_buf_free(&text);
    return status;
}

static sy_status take_inputs(rt_session *session, const ir_tensor *const *inputs,
                             const rt_run_options *options, base_diag *diag)
{
    const uint32_t n = rt_model_n_inputs(session->model);
    for (uint32_t i = 0; i < n; i++) {
        const rt_model_io io = rt_model_input(session->model, i);
        const ir_tensor *given = inputs[i];
        bool fits = given->dtype == io.dtype && (io.rank < 0 || given->rank == io.rank);
        for (int32_t d = 0; fits && d < io.rank; d++) {
            fits = io.dims[d] < 0 || given->dims[d] == io.dims[d];
        }
        if (!fits) {
            return wrong_input(&io, given, diag);
        }
        session->slots[i].tensor = *given;
        if (options->save != NULL) {
            SY_TRY(options->save(options->save_user, io.name, given));
        }
    }
    return SY_OK;
}

static sy_status give_outputs(rt_session *session, ir_tensor *const *outputs, base_diag *diag)
{
    for (uint32_t i = 0; i < rt_model_n_outputs(session->model); i++) {
        const uint32_t slot = session->output_slots[i];
        ir_tensor constant;
        const ir_tensor *result = slot != UINT32_MAX ? &session->slots[slot].tensor : &constant;
        if (outputs[i] == NULL) {
            continue;
        }
        if (slot == UINT32_MAX) {
            ir_module *module = session->model->module;
            pthread_mutex_lock(&session->model->lock);
            const sy_status status = ir_const_tensor(
                module, module->main->outputs[i]->use.value->constant, diag, &constant);
            pthread_mutex_unlock(&session->model->lock);
            SY_TRY(status);
        }
        SY_TRY(rt_output_give(rt_model_output(session->model, i).name, result, outputs[i], diag));
    }
    return SY_OK;
}

static sy_status run_plan(rt_session *session, const ir_tensor *const *inputs,
                          ir_tensor *const *outputs, const rt_run_options *options, base_diag *diag)
{
    if (!session->options.timing_only) {
        SY_TRY(take_inputs(session, inputs, options, diag));
    }
    for (uint32_t i = 0; i < session->n_steps; i++) {
        const rt_step *step = &session->steps[i];
        rt_step_stats *stats = &session->step_stats[i];
        const double begin = rt_seconds();
        stats->name = step->name;
        if (rt_cancelled((void *)options->cancel)) {
            return base_fail(diag, SY_ECANCELLED, "cancelled");
        }
        const sy_status status = step->device != NULL
                                     ? run_device_step(session, step, options, stats, diag)
                                     : run_host_step(session, step, options, diag);
        stats->seconds = rt_seconds() - begin;
        SY_TRY(status);
    }
    return session->options.timing_only ? SY_OK : give_outputs(session, outputs, diag);
}

/* A plain program: from its entry to the end. */
static sy_status run_program(rt_session *session, const ir_tensor *const *inputs,
                             ir_tensor *const *outputs, const rt_run_options *options,
                             base_diag *diag)
{
    rt_step_stats *stats = &session->step_stats[0];
    const double begin = rt_seconds();
    (void)inputs;
    (void)outputs;
    stats->name = "program";
    stats->on_device = true;
    const sy_status status = run_machine(session, session->model->program.entry, options, stats,
                                         diag);
    stats->seconds = rt_seconds() - begin;
    return status;
}

static sy_status make_machine(const rt_session *session, rt_machine_kind kind,
                              const rt_machine_options *options, sim_machine **out, base_diag *diag)
{
    SY_TRY(rt_machine_create(kind, &session->config, options, out, diag));
    if (session->options.fill) {
        SY_TRY(rt_machine_fill(*out, session->options.fill_seed, RT_FILL_DRAM_BYTES, diag));
    }
    return rt_machine_load(*out, &session->model->program, diag);
}

static sy_status make_check(rt_session *session, const rt_machine_options *options, base_diag *diag)
{
    if (session->device != RT_DEVICE_SIM || options->timing_only || session->options.lockstep) {
        return base_fail(diag, SY_EINVAL, "a checked run is one of device sim, with data");
    }
    rt_machine_options serial = *options;
    serial.serial = true;
    SY_TRY(make_machine(session, RT_MACHINE_SIM, &serial, &session->serial, diag));
    return rt_check_create(session->model, session->serial, &session->check, diag);
}

sy_status rt_device_machine_open(rt_session *session, base_diag *diag)
{
    static const rt_device_ops plan_ops = {.run = run_plan};
    static const rt_device_ops program_ops = {.run = run_program};
    const rt_model *model = session->model;
    const rt_machine_kind kind = session->device == RT_DEVICE_RTL ? RT_MACHINE_RTL : RT_MACHINE_SIM;
    rt_machine_options options = {
        .timing_only = session->options.timing_only,
        .portable = session->options.portable,
        .notice = session->options.notice,
        .notice_user = session->options.notice_user,
    };
    size_t scratch_bytes = 1;
    SY_TRY(make_machine(session, kind, &options, &session->machine, diag));
    if (session->options.lockstep) {
        if (kind != RT_MACHINE_SIM || options.timing_only) {
            return base_fail(diag, SY_EINVAL, "lockstep is device sim, with data, beside the rtl");
        }
        options.wave = session->options.wave != NULL;
        SY_TRY(make_machine(session, RT_MACHINE_RTL, &options, &session->shadow, diag));
    }
    if (session->options.check) {
        SY_TRY(make_check(session, &options, diag));
    }
    for (uint32_t i = 0; i < model->plan.n_tensors; i++) {
        const size_t n = rt_blocked_scratch_bytes(&model->plan.tensors[i]);
        scratch_bytes = n > scratch_bytes ? n : scratch_bytes;
    }
    session->scratch = rt_buffer_alloc(scratch_bytes);
    if (session->scratch == NULL) {
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    session->ops = model->has_plan ? &plan_ops : &program_ops;
    session->stats.n_steps = 1;
    return model->has_plan ? rt_session_prepare(session, diag) : SY_OK;
}
