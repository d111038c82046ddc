/*
 * api.c -- systole.h on top of the runtime: checks arguments, converts tensors and messages, and
 * nothing else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"

#include <string.h>

#include "systole/rt/buffer.h"

_Static_assert(SY_MAX_RANK == IR_MAX_RANK, "tensors of both sides hold the same shapes");
_Static_assert((int)SY_DEVICE_CPU == (int)RT_DEVICE_CPU &&
                   (int)SY_DEVICE_SIM == (int)RT_DEVICE_SIM &&
                   (int)SY_DEVICE_RTL == (int)RT_DEVICE_RTL,
               "devices are numbered alike");

sy_status rt_api_finish(sy_status status, const base_diag *diag, sy_message *message)
{
    if (status != SY_OK && message != NULL) {
        const char *text = base_diag_message(diag);
        const size_t n = strlen(text[0] != '\0' ? text : sy_status_text(status));
        const size_t n_kept = n < sizeof message->text ? n : sizeof message->text - 1;
        memcpy(message->text, text[0] != '\0' ? text : sy_status_text(status), n_kept);
        message->text[n_kept] = '\0';
    }
    return status;
}

sy_status rt_api_options(const void *given, void *ours, size_t n_ours, base_diag *diag)
{
    size_t n = 0;
    if (given == NULL) {
        return SY_OK;
    }
    memcpy(&n, given, sizeof n);
    if (n < sizeof n) {
        return base_fail(diag, SY_EINVAL,
                         "options: struct_size is %zu, set it to the size of the struct", n);
    }
    memcpy(ours, given, n < n_ours ? n : n_ours);
    return SY_OK;
}

const char *sy_version(void)
{
    return RT_VERSION;
}

/* ---------------------------------------------------------------- tensors */

static ir_tensor tensor_in(const sy_tensor *tensor)
{
    ir_tensor out = {.dtype = tensor->dtype,
                     .rank = tensor->rank,
                     .data = tensor->data,
                     .size_bytes = tensor->size_bytes};
    memcpy(out.dims, tensor->dims, sizeof out.dims);
    return out;
}

void rt_api_tensor(const ir_tensor *tensor, sy_tensor *out)
{
    out->dtype = tensor->dtype;
    out->rank = tensor->rank;
    memcpy(out->dims, tensor->dims, sizeof out->dims);
    out->data = tensor->data;
    out->size_bytes = tensor->size_bytes;
}

sy_status sy_tensor_init(sy_tensor *tensor, sy_dtype dtype, int32_t rank, const int64_t *dims,
                         void *data)
{
    ir_tensor checked;
    if (rank < 0 || (rank > 0 && dims == NULL)) {
        return SY_EINVAL;
    }
    SY_TRY(ir_tensor_init(&checked, dtype, rank, dims, data));
    rt_api_tensor(&checked, tensor);
    return SY_OK;
}

int64_t sy_tensor_n_elements(const sy_tensor *tensor)
{
    int64_t n = 1;
    for (int32_t i = 0; i < tensor->rank && i < SY_MAX_RANK; i++) {
        if (tensor->dims[i] < 0 || __builtin_mul_overflow(n, tensor->dims[i], &n)) {
            return 0;
        }
    }
    return n;
}

const char *sy_dtype_text(sy_dtype dtype)
{
    return sy_dtype_name(dtype);
}

uint32_t sy_dtype_size_bits(sy_dtype dtype)
{
    return sy_dtype_bits(dtype);
}

/* ---------------------------------------------------------------- models */

sy_status sy_model_load(const char *path, const sy_model_options *options, sy_model **out,
                        sy_message *message)
{
    base_diag diag = {0};
    sy_model_options given = {0};
    sy_status status = rt_api_options(options, &given, sizeof given, &diag);
    base_arena *arena = base_arena_create();
    sy_model *model = arena != NULL ? BASE_ARENA_NEW(arena, sy_model) : NULL;
    if (status == SY_OK && model == NULL) {
        status = base_fail(&diag, SY_ENOMEM, "out of memory");
    }
    if (status == SY_OK) {
        const rt_model_options load = {.shapes = given.shapes, .n_shapes = given.n_shapes};
        status = rt_model_load(path, &load, &model->model, &diag);
    }
    if (status != SY_OK) {
        base_arena_destroy(arena);
        return rt_api_finish(status, &diag, message);
    }
    model->arena = arena;
    *out = model;
    return SY_OK;
}

void sy_model_free(sy_model *model)
{
    if (model != NULL) {
        rt_model_free(model->model);
        base_arena_destroy(model->arena);
    }
}

static void io_out(const rt_model_io *io, sy_io *out)
{
    *out = (sy_io){.name = io->name, .dtype = io->dtype, .rank = io->rank};
    memcpy(out->dims, io->dims, sizeof out->dims);
}

uint32_t sy_model_n_inputs(const sy_model *model)
{
    return rt_model_n_inputs(model->model);
}

uint32_t sy_model_n_outputs(const sy_model *model)
{
    return rt_model_n_outputs(model->model);
}

sy_status sy_model_input(const sy_model *model, uint32_t i, sy_io *out)
{
    if (i >= rt_model_n_inputs(model->model)) {
        return SY_EINVAL;
    }
    const rt_model_io io = rt_model_input(model->model, i);
    io_out(&io, out);
    return SY_OK;
}

sy_status sy_model_output(const sy_model *model, uint32_t i, sy_io *out)
{
    if (i >= rt_model_n_outputs(model->model)) {
        return SY_EINVAL;
    }
    const rt_model_io io = rt_model_output(model->model, i);
    io_out(&io, out);
    return SY_OK;
}

sy_status sy_model_compile(sy_model *model, const char *config, sy_message *message)
{
    base_diag diag = {0};
    isa_config machine;
    sy_status status = isa_config_find(config != NULL ? config : "edge", &machine, &diag);
    if (status == SY_OK) {
        status = rt_model_compile(model->model, &machine, NULL, &diag);
    }
    return rt_api_finish(status, &diag, message);
}

sy_status sy_model_save(const sy_model *model, const char *path, sy_message *message)
{
    base_diag diag = {0};
    return rt_api_finish(rt_model_save(model->model, path, &diag), &diag, message);
}

/* ---------------------------------------------------------------- sessions */

static sy_status create_session(sy_model *model, const sy_session_options *options,
                                sy_session *session, base_diag *diag)
{
    sy_session_options given = {0};
    SY_TRY(rt_api_options(options, &given, sizeof given, diag));
    if (given.device != SY_DEVICE_CPU && given.device != SY_DEVICE_SIM &&
        given.device != SY_DEVICE_RTL) {
        return base_fail(diag, SY_EINVAL, "device %d does not exist", (int)given.device);
    }
    rt_session_options ours = {
        .device = (rt_device)given.device,
        .reference = given.reference,
        .n_threads = given.n_threads,
        .blas = given.blas,
        .timing_only = given.timing_only,
        .no_fallback = given.no_fallback,
        .max_cycles = given.max_cycles,
        .stall_seed = given.stall_seed,
        .stall_max = given.stall_max,
    };
    if (given.config != NULL) {
        SY_TRY(isa_config_find(given.config, &session->config, diag));
        ours.config = &session->config;
    }
    const uint32_t n_in = rt_model_n_inputs(model->model);
    const uint32_t n_out = rt_model_n_outputs(model->model);
    session->tensors = BASE_ARENA_ARRAY(session->arena, ir_tensor, n_in + n_out);
    session->in = BASE_ARENA_ARRAY(session->arena, const ir_tensor *, n_in);
    session->out = BASE_ARENA_ARRAY(session->arena, ir_tensor *, n_out);
    if (session->tensors == NULL || session->in == NULL || session->out == NULL) {
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    for (uint32_t i = 0; i < n_in; i++) {
        session->in[i] = &session->tensors[i];
    }
    for (uint32_t i = 0; i < n_out; i++) {
        session->out[i] = &session->tensors[n_in + i];
    }
    return rt_session_create(model->model, &ours, &session->session, diag);
}

sy_status sy_session_create(sy_model *model, const sy_session_options *options, sy_session **out,
                            sy_message *message)
{
    base_diag diag = {0};
    base_arena *arena = base_arena_create();
    sy_session *session = arena != NULL ? BASE_ARENA_NEW(arena, sy_session) : NULL;
    if (session == NULL) {
        base_arena_destroy(arena);
        return rt_api_finish(SY_ENOMEM, &diag, message);
    }
    session->arena = arena;
    const sy_status status = create_session(model, options, session, &diag);
    if (status != SY_OK) {
        base_arena_destroy(arena);
        return rt_api_finish(status, &diag, message);
    }
    *out = session;
    return SY_OK;
}

void sy_session_free(sy_session *session)
{
    if (session != NULL) {
        rt_session_free(session->session);
        base_arena_destroy(session->arena);
    }
}

sy_device sy_session_device(const sy_session *session)
{
    return (sy_device)rt_session_device(session->session);
}

const char *sy_session_note(const sy_session *session)
{
    return rt_session_note(session->session);
}

const char *sy_session_kernels(const sy_session *session)
{
    return rt_session_blas(session->session);
}

typedef struct saver {
    sy_save_fn save;
    void *user;
} saver;

static sy_status save_tensor(void *user, const char *name, const ir_tensor *tensor)
{
    const saver *to = user;
    sy_tensor out;
    if (ir_tensor_is_list(tensor)) {
        return SY_OK; /* not a tensor: its entries were, or will be */
    }
    rt_api_tensor(tensor, &out);
    return to->save(to->user, name, &out);
}

sy_status rt_api_input(uint32_t i, const sy_tensor *given, ir_tensor *out, base_diag *diag)
{
    sy_tensor checked = {0};
    if (sy_tensor_init(&checked, given->dtype, given->rank, given->dims, NULL) != SY_OK) {
        return base_fail(diag, SY_EINVAL, "input %u: dtype %d of rank %d is no tensor", i,
                         (int)given->dtype, (int)given->rank);
    }
    if (checked.size_bytes > given->size_bytes) {
        return base_fail(diag, SY_EINVAL, "input %u: the shape takes %zu bytes, the buffer has %zu",
                         i, checked.size_bytes, given->size_bytes);
    }
    *out = tensor_in(given);
    out->size_bytes = given->dtype != SY_DT_STRING ? checked.size_bytes : given->size_bytes;
    return SY_OK;
}

sy_status rt_api_counts(const sy_session *session, uint32_t n_inputs, uint32_t n_outputs, base_diag *diag)
{
    const rt_model *model = rt_session_model(session->session);
    if (n_inputs != rt_model_n_inputs(model) || n_outputs != rt_model_n_outputs(model)) {
        return base_fail(diag, SY_EINVAL,
                         "the model has %u inputs and %u outputs, got %u and %u",
                         rt_model_n_inputs(model), rt_model_n_outputs(model), n_inputs, n_outputs);
    }
    return SY_OK;
}

sy_status rt_api_run(sy_session *session, const sy_run_options *given, base_diag *diag)
{
    saver to = {.save = given->save, .user = given->save_user};
    const rt_run_options run = {
        .save = given->save != NULL ? save_tensor : NULL,
        .save_user = &to,
        .cancel = given->cancel,
    };
    return rt_session_run(session->session, session->in, session->out, &run, diag);
}

sy_status sy_session_run(sy_session *session, const sy_tensor *inputs, uint32_t n_inputs,
                         sy_tensor *outputs, uint32_t n_outputs, const sy_run_options *options,
                         sy_message *message)
{
    base_diag diag = {0};
    sy_run_options given = {0};
    sy_status status = rt_api_options(options, &given, sizeof given, &diag);
    status = status == SY_OK ? rt_api_counts(session, n_inputs, n_outputs, &diag) : status;
    for (uint32_t i = 0; status == SY_OK && i < n_inputs; i++) {
        status = rt_api_input(i, &inputs[i], &session->tensors[i], &diag);
    }
    if (status != SY_OK) {
        return rt_api_finish(status, &diag, message);
    }
    for (uint32_t i = 0; i < n_outputs; i++) {
        *session->out[i] = (ir_tensor){.data = outputs[i].data,
                                       .size_bytes = outputs[i].size_bytes};
    }
    status = rt_api_run(session, &given, &diag);
    bool lists = false;
    for (uint32_t i = 0; status == SY_OK && i < n_outputs; i++) {
        void *given_data = outputs[i].data;
        if (!ir_tensor_is_list(session->out[i])) {
            rt_api_tensor(session->out[i], &outputs[i]);
            outputs[i].data = given_data;
        }
        lists = lists || ir_tensor_is_list(session->out[i]);
        if (given_data == NULL) {
            rt_buffer_free(session->out[i]->data);
        }
    }
    if (lists) {
        status = base_fail(&diag, SY_EUNSUPPORTED,
                           "an output is no tensor: run the model with sy_session_run_values");
    }
    return rt_api_finish(status, &diag, message);
}

/* ---------------------------------------------------------------- statistics */

sy_status sy_session_stats(const sy_session *session, sy_stats *out)
{
    const rt_stats *stats = rt_session_stats(session->session);
    const size_t n = out->struct_size;
    sy_stats ours = {
        .struct_size = n,
        .seconds = stats->seconds,
        .cycles = stats->cycles,
        .instructions = stats->retired,
        .n_steps = stats->n_steps,
    };
    if (n < sizeof n) {
        return SY_EINVAL;
    }
    memcpy(out, &ours, n < sizeof ours ? n : sizeof ours);
    return SY_OK;
}

sy_status sy_session_step(const sy_session *session, uint32_t i, sy_step_stats *out)
{
    const rt_stats *stats = rt_session_stats(session->session);
    if (i >= stats->n_steps) {
        return SY_EINVAL;
    }
    const rt_step_stats *step = &stats->steps[i];
    *out = (sy_step_stats){
        .name = step->name != NULL ? step->name : "",
        .on_device = step->on_device,
        .seconds = step->seconds,
        .cycles = step->on_device ? step->result.cycles : 0,
    };
    return SY_OK;
}

sy_status sy_session_counter(const sy_session *session, uint32_t unit, uint32_t cause,
                             uint64_t *out)
{
    if (unit >= SIM_N_UNITS || cause >= SIM_N_CAUSES) {
        return SY_EINVAL;
    }
    *out = rt_session_stats(session->session)->counters[unit][cause];
    return SY_OK;
}

const char *sy_unit_text(uint32_t unit)
{
    return unit < SIM_N_UNITS ? isa_unit_name(unit) : NULL;
}

const char *sy_cause_text(uint32_t cause)
{
    return cause < SIM_N_CAUSES ? isa_counter_name(cause) : NULL;
}
