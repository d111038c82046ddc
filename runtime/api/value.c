/*
 * value.c -- values of systole.h: tensors and lists that own their bytes.
 *
 * A value has one block of bytes, as list.h and strings.h lay it out. Its entries, and its strings, are indexed when it
 * is made; entries of entries too. They are part of the value that holds them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"

#include <string.h>

#include "systole/graph/list.h"
#include "systole/graph/strings.h"
#include "systole/rt/buffer.h"

#define MAX_DEPTH 32 /* of lists in lists */

_Static_assert((int)SY_KIND_SEQUENCE == (int)IR_TYPE_SEQUENCE && (int)SY_KIND_OPTIONAL == (int)IR_TYPE_OPTIONAL &&
                   (int)SY_KIND_MAP == (int)IR_TYPE_MAP && (int)SY_KIND_TENSOR == (int)IR_TYPE_TENSOR,
               "kinds are numbered alike");

struct sy_value {
    base_arena *arena; /* of all that is indexed; NULL: an entry of another value */
    ir_tensor tensor;  /* data of a value that is no entry: its own buffer */
    sy_value *entries; /* of a list */
    ir_text *texts;    /* of a tensor of strings */
    uint32_t depth;    /* of lists in it */
};

static sy_status index_value(base_arena *arena, sy_value *v)
{
    v->depth = 0;
    if (!ir_tensor_is_list(&v->tensor)) {
        return v->tensor.dtype == SY_DT_STRING ? ir_strings_read(&v->tensor, arena, &v->texts) : SY_OK;
    }
    const int64_t n = ir_list_n(&v->tensor);
    v->entries = BASE_ARENA_ARRAY(arena, sy_value, (size_t)n);
    if (v->entries == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        ir_list_entry(&v->tensor, i, &v->entries[i].tensor);
        SY_TRY(index_value(arena, &v->entries[i]));
        v->depth = v->entries[i].depth + 1 > v->depth ? v->entries[i].depth + 1 : v->depth;
    }
    return SY_OK;
}

/* A value of this tensor, whose buffer it takes; after a failure too, it is gone. */
static sy_status adopt(const ir_tensor *tensor, sy_value **out)
{
    base_arena *arena = base_arena_create();
    sy_value *v = arena != NULL ? BASE_ARENA_NEW(arena, sy_value) : NULL;
    sy_status status = SY_ENOMEM;
    if (v != NULL) {
        *v = (sy_value){.arena = arena, .tensor = *tensor};
        status = index_value(arena, v);
    }
    if (status != SY_OK) {
        rt_buffer_free(tensor->data);
        base_arena_destroy(arena);
        return status;
    }
    *out = v;
    return SY_OK;
}

/* The same for a tensor that stays the caller's. */
static sy_status adopt_copy(ir_tensor tensor, sy_value **out)
{
    void *data = rt_buffer_alloc(tensor.size_bytes);
    if (data == NULL) {
        return SY_ENOMEM;
    }
    if (tensor.size_bytes > 0) {
        memcpy(data, tensor.data, tensor.size_bytes);
    }
    tensor.data = data;
    return adopt(&tensor, out);
}

sy_status sy_value_tensor(const sy_tensor *tensor, sy_value **out)
{
    base_diag diag = {0};
    ir_tensor t;
    SY_TRY(rt_api_input(0, tensor, &t, &diag));
    if (t.data == NULL && t.size_bytes > 0) {
        return SY_EINVAL;
    }
    return adopt_copy(t, out);
}

sy_status sy_value_strings(int32_t rank, const int64_t *dims, const char *const *texts, const size_t *n_bytes,
                           sy_value **out)
{
    ir_tensor t;
    base_buf buf = {0};
    if (rank < 0 || (rank > 0 && dims == NULL)) {
        return SY_EINVAL;
    }
    SY_TRY(ir_tensor_init(&t, SY_DT_STRING, rank, dims, NULL));
    for (int64_t i = 0; i < ir_tensor_n_elements(&t); i++) {
        ir_strings_put(&buf, texts[i], n_bytes != NULL ? n_bytes[i] : strlen(texts[i]));
    }
    t.data = buf.data;
    t.size_bytes = buf.n_bytes;
    const sy_status status = base_buf_status(&buf) == SY_OK ? adopt_copy(t, out) : SY_ENOMEM;
    base_buf_free(&buf);
    return status;
}

/* What a list of this kind may hold. */
static bool list_fits(sy_kind kind, const sy_value *const *entries, uint64_t n)
{
    switch (kind) {
    case SY_KIND_TENSOR:
        return false;
    case SY_KIND_SEQUENCE:
        break;
    case SY_KIND_OPTIONAL:
        return n <= 1;
    case SY_KIND_MAP:
        if (n != 2 || ir_tensor_is_list(&entries[0]->tensor)) {
            return false;
        }
        return ir_tensor_n_elements(&entries[0]->tensor) == (entries[1]->entries != NULL
                                                                 ? ir_list_n(&entries[1]->tensor)
                                                                 : ir_tensor_n_elements(&entries[1]->tensor));
    }
    for (uint64_t i = 1; i < n; i++) {
        if (entries[i]->tensor.dtype != entries[0]->tensor.dtype ||
            sy_value_kind(entries[i]) != sy_value_kind(entries[0])) {
            return false;
        }
    }
    return true;
}

sy_status sy_value_list(sy_kind kind, sy_dtype dtype, const sy_value *const *entries, uint64_t n, sy_value **out)
{
    ir_tensor list = {0};
    if (n > INT64_MAX || !list_fits(kind, entries, n)) {
        return SY_EINVAL;
    }
    base_arena *scratch = base_arena_create();
    ir_tensor *tensors = scratch != NULL ? BASE_ARENA_ARRAY(scratch, ir_tensor, n) : NULL;
    sy_status status = tensors != NULL ? SY_OK : SY_ENOMEM;
    for (uint64_t i = 0; status == SY_OK && i < n; i++) {
        tensors[i] = entries[i]->tensor;
        status = entries[i]->depth + 1 < MAX_DEPTH ? SY_OK : SY_ERANGE;
    }
    if (status == SY_OK) {
        const sy_dtype held = n > 0 ? tensors[n - 1].dtype : dtype; /* of a map: its values' */
        status = ir_list_init(&list, (ir_type_kind)kind, held, (int64_t)n, tensors);
    }
    if (status == SY_OK) {
        list.data = rt_buffer_alloc(list.size_bytes);
        status = list.data != NULL ? SY_OK : SY_ENOMEM;
    }
    if (status == SY_OK) {
        ir_list_write(&list, tensors);
        status = adopt(&list, out);
    }
    base_arena_destroy(scratch);
    return status;
}

void sy_value_free(sy_value *value)
{
    if (value != NULL && value->arena != NULL) {
        rt_buffer_free(value->tensor.data);
        base_arena_destroy(value->arena);
    }
}

sy_kind sy_value_kind(const sy_value *value)
{
    return ir_tensor_is_list(&value->tensor) ? (sy_kind)value->tensor.kind : SY_KIND_TENSOR;
}

sy_dtype sy_value_dtype(const sy_value *value)
{
    return value->tensor.dtype;
}

uint64_t sy_value_n(const sy_value *value)
{
    return (uint64_t)(ir_tensor_is_list(&value->tensor) ? ir_list_n(&value->tensor)
                                                        : ir_tensor_n_elements(&value->tensor));
}

const sy_value *sy_value_entry(const sy_value *value, uint64_t i)
{
    return ir_tensor_is_list(&value->tensor) && i < sy_value_n(value) ? &value->entries[i] : NULL;
}

sy_status sy_value_view(const sy_value *value, sy_tensor *out)
{
    if (ir_tensor_is_list(&value->tensor)) {
        return SY_EINVAL;
    }
    rt_api_tensor(&value->tensor, out);
    return SY_OK;
}

sy_status sy_value_string(const sy_value *value, uint64_t i, const char **text, size_t *n_bytes)
{
    if (value->texts == NULL || i >= sy_value_n(value)) {
        return SY_EINVAL;
    }
    *text = value->texts[i].text;
    *n_bytes = value->texts[i].n_bytes;
    return SY_OK;
}

/* ---------------------------------------------------------------- models and runs */

static sy_kind kind_of(ir_type_kind kind)
{
    return kind == IR_TYPE_UNKNOWN ? SY_KIND_TENSOR : (sy_kind)kind;
}

sy_status sy_model_input_kind(const sy_model *model, uint32_t i, sy_kind *out)
{
    if (i >= rt_model_n_inputs(model->model)) {
        return SY_EINVAL;
    }
    *out = kind_of(rt_model_input(model->model, i).kind);
    return SY_OK;
}

sy_status sy_model_output_kind(const sy_model *model, uint32_t i, sy_kind *out)
{
    if (i >= rt_model_n_outputs(model->model)) {
        return SY_EINVAL;
    }
    *out = kind_of(rt_model_output(model->model, i).kind);
    return SY_OK;
}

/* The results as values; all of them or none. */
static sy_status take_results(sy_session *session, uint32_t n, sy_value **outputs)
{
    base_arena *scratch = base_arena_create();
    sy_value **made = scratch != NULL ? BASE_ARENA_ARRAY(scratch, sy_value *, n) : NULL;
    sy_status status = made != NULL ? SY_OK : SY_ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        if (status == SY_OK) {
            status = adopt(session->out[i], &made[i]);
        } else {
            rt_buffer_free(session->out[i]->data);
        }
    }
    for (uint32_t i = 0; made != NULL && i < n; i++) {
        if (status == SY_OK) {
            outputs[i] = made[i];
        } else {
            sy_value_free(made[i]);
        }
    }
    base_arena_destroy(scratch);
    return status;
}

sy_status sy_session_run_values(sy_session *session, const sy_value *const *inputs, uint32_t n_inputs,
                                sy_value **outputs, uint32_t n_outputs, const sy_run_options *options,
                                sy_message *message)
{
    base_diag diag = {0};
    sy_run_options given = {0};
    sy_status status = rt_api_options(options, &given, sizeof given, &diag);
    status = status == SY_OK ? rt_api_counts(session, n_inputs, n_outputs, &diag) : status;
    if (status != SY_OK) {
        return rt_api_finish(status, &diag, message);
    }
    for (uint32_t i = 0; i < n_inputs; i++) {
        if (inputs[i] == NULL) {
            return rt_api_finish(base_fail(&diag, SY_EINVAL, "input %u is NULL", i), &diag, message);
        }
        session->tensors[i] = inputs[i]->tensor;
    }
    for (uint32_t i = 0; i < n_outputs; i++) {
        *session->out[i] = (ir_tensor){0};
    }
    status = rt_api_run(session, &given, &diag);
    status = status == SY_OK ? take_results(session, n_outputs, outputs) : status;
    return rt_api_finish(status, &diag, message);
}
