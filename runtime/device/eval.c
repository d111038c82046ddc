/*
 * eval.c -- a model over a data set.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/eval.h"

#include <inttypes.h>
#include <string.h>

#include "systole/base/assert.h"
#include "systole/rt/buffer.h"
#include "systole/rt/tensors.h"

sy_status rt_eval_input(const rt_model *model, const rt_dataset *data, ir_tensor *out,
                        base_diag *diag)
{
    int64_t n_sample = 1;
    int64_t dims[IR_MAX_RANK];
    ir_tensor tensor;
    if (rt_model_n_inputs(model) != 1) {
        return base_fail(diag, SY_EUNSUPPORTED, "%s has %" PRIu32 " inputs; samples fill one",
                         model->path, rt_model_n_inputs(model));
    }
    const rt_model_io io = rt_model_input(model, 0);
    for (int32_t i = 0; i < rt_dataset_rank(data); i++) {
        n_sample *= rt_dataset_dims(data)[i];
    }
    if (io.rank < 0) {
        return base_fail(diag, SY_ESHAPE, "input '%s': its rank is not known: give --shape",
                         io.name);
    }
    for (int32_t i = 0; i < io.rank; i++) {
        dims[i] = io.dims[i] < 0 ? 1 : io.dims[i];
    }
    SY_TRY(ir_tensor_init(&tensor, io.dtype, io.rank, dims, NULL));
    if (ir_tensor_n_elements(&tensor) != n_sample) {
        base_buf text = {0};
        rt_dims_print(io.rank, io.dims, &text);
        base_fail(diag, SY_ESHAPE,
                  "input '%s' is %s, which is not the %" PRId64 " elements of one sample", io.name,
                  text.data, n_sample);
        base_buf_free(&text);
        return SY_ESHAPE;
    }
    tensor.data = rt_buffer_alloc(tensor.size_bytes);
    if (tensor.data == NULL) {
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    *out = tensor;
    return SY_OK;
}

/* The sample as the data set's own tensor: a batch of one. */
static sy_status fetch(const rt_dataset *data, int64_t i, const ir_tensor *input, base_diag *diag)
{
    int64_t dims[IR_MAX_RANK] = {1};
    const int32_t rank = rt_dataset_rank(data);
    ir_tensor batch;
    SY_ASSERT(rank < IR_MAX_RANK);
    memcpy(dims + 1, rt_dataset_dims(data), (size_t)rank * sizeof dims[0]);
    SY_TRY(ir_tensor_init(&batch, input->dtype, rank + 1, dims, input->data));
    return rt_dataset_fetch(data, i, diag, &batch);
}

typedef struct outputs {
    base_arena *arena;
    uint32_t n;
    ir_tensor *tensors[RT_EVAL_MAX_SESSIONS]; /* of each session */
    ir_tensor **pointers;
} outputs;

static sy_status make_outputs(outputs *o, uint32_t n_sessions, uint32_t n, base_diag *diag)
{
    o->n = n;
    o->pointers = BASE_ARENA_ARRAY(o->arena, ir_tensor *, n);
    for (uint32_t s = 0; s < n_sessions; s++) {
        o->tensors[s] = BASE_ARENA_ARRAY(o->arena, ir_tensor, n);
        if (o->tensors[s] == NULL || o->pointers == NULL) {
            return base_fail(diag, SY_ENOMEM, "out of memory");
        }
    }
    return SY_OK;
}

static sy_status run_sample(const rt_eval_options *options, uint32_t s, int64_t label,
                            const ir_tensor *input, outputs *o, rt_eval_result *result,
                            base_diag *diag)
{
    rt_session *session = options->sessions[s];
    bool different = false;
    for (uint32_t i = 0; i < o->n; i++) {
        /* What the last run allocated is used again; a result that does not fit any more is made
         * anew. */
        o->pointers[i] = &o->tensors[s][i];
    }
    SY_TRY(rt_session_run(session, &input, o->pointers, NULL, diag));
    for (uint32_t i = 0; i < o->n && s > 0; i++) {
        different = different || !rt_tensor_compare(&o->tensors[0][i], &o->tensors[s][i]).same_bits;
    }
    result->n_samples++;
    result->n_different += different;
    result->cycles += rt_session_stats(session)->cycles;
    result->seconds += rt_session_stats(session)->seconds;
    if (label >= 0 && o->n > 0) {
        result->n_labels++;
        result->n_right += rt_tensor_argmax(&o->tensors[s][0], 0,
                                            ir_tensor_n_elements(&o->tensors[s][0])) == label;
    }
    return SY_OK;
}

static sy_status run_all(const rt_dataset *data, const rt_eval_options *options,
                         const ir_tensor *input, outputs *o, rt_eval_result *results,
                         base_diag *diag)
{
    const int64_t n_data = rt_dataset_n(data);
    const int64_t n = options->limit > 0 && options->limit < (uint64_t)n_data
                          ? (int64_t)options->limit
                          : n_data;
    for (int64_t i = 0; i < n; i++) {
        SY_TRY(fetch(data, i, input, diag));
        for (uint32_t s = 0; s < options->n_sessions; s++) {
            SY_TRY(run_sample(options, s, rt_dataset_label(data, i), input, o, &results[s], diag));
        }
        if (options->progress != NULL &&
            !options->progress(options->progress_user, options->names[0], (uint64_t)i + 1,
                               (uint64_t)n, results[0].n_right)) {
            return base_fail(diag, SY_ECANCELLED, "cancelled");
        }
    }
    return SY_OK;
}

sy_status rt_eval(const rt_dataset *data, const rt_eval_options *options, rt_eval_result *results,
                  base_diag *diag)
{
    ir_tensor input = {0};
    const rt_model *model = rt_session_model(options->sessions[0]);
    outputs o = {.arena = base_arena_create()};
    SY_ASSERT(options->n_sessions >= 1 && options->n_sessions <= RT_EVAL_MAX_SESSIONS);
    memset(results, 0, options->n_sessions * sizeof *results);
    sy_status status = o.arena != NULL ? rt_eval_input(model, data, &input, diag)
                                       : base_fail(diag, SY_ENOMEM, "out of memory");
    if (status == SY_OK) {
        status = make_outputs(&o, options->n_sessions, rt_model_n_outputs(model), diag);
    }
    if (status == SY_OK) {
        status = run_all(data, options, &input, &o, results, diag);
    }
    for (uint32_t s = 0; s < options->n_sessions; s++) {
        for (uint32_t i = 0; i < o.n && o.tensors[s] != NULL; i++) {
            rt_buffer_free(o.tensors[s][i].data);
        }
    }
    rt_buffer_free(input.data);
    base_arena_destroy(o.arena);
    return status;
}
