/*
 * plan.c -- the plan as JSON: written with base/json.h, read with json-c; nothing in the text is
 * used unchecked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/compiler/plan.h"

#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#include "systole/base/json.h"

#define FORMAT 1

/* No size, stride or address of a plan comes near it, and products of two of them fit int64. */
#define LARGEST (INT64_C(1) << 40)

/* ---------------------------------------------------------------- writing */

static void put_tensor(base_json *json, const cc_plan_tensor *tensor)
{
    base_json_object_begin(json);
    base_json_key_string(json, "value", tensor->value);
    base_json_key(json, "dims");
    base_json_array_begin(json);
    for (int32_t i = 0; i < tensor->rank; i++) {
        base_json_i64(json, tensor->dims[i]);
    }
    base_json_array_end(json);
    base_json_key_i64(json, "n", tensor->n);
    base_json_key_i64(json, "c", tensor->c);
    base_json_key_i64(json, "p", tensor->p);
    base_json_key_i64(json, "lanes", tensor->lanes);
    base_json_key_i64(json, "element_bytes", tensor->element_bytes);
    base_json_key_i64(json, "n_stride", tensor->n_stride);
    base_json_key_i64(json, "block_stride", tensor->block_stride);
    base_json_key_i64(json, "rows", tensor->rows);
    base_json_key_u64(json, "address", tensor->address);
    base_json_key_i64(json, "zero", tensor->zero);
    base_json_object_end(json);
}

static void put_indices(base_json *json, const char *key, uint32_t n, const uint32_t *indices)
{
    base_json_key(json, key);
    base_json_array_begin(json);
    for (uint32_t i = 0; i < n; i++) {
        base_json_u64(json, indices[i]);
    }
    base_json_array_end(json);
}

static void put_step(base_json *json, const cc_plan_step *step)
{
    base_json_object_begin(json);
    if (step->entry != NULL) {
        base_json_key_string(json, "entry", step->entry);
        put_indices(json, "inputs", step->n_inputs, step->inputs);
        put_indices(json, "outputs", step->n_outputs, step->outputs);
    } else {
        base_json_key(json, "values");
        base_json_array_begin(json);
        for (uint32_t i = 0; i < step->n_values; i++) {
            base_json_string(json, step->values[i]);
        }
        base_json_array_end(json);
    }
    base_json_object_end(json);
}

static void put_layer(base_json *json, const cc_plan_layer *layer)
{
    base_json_object_begin(json);
    base_json_key_string(json, "name", layer->name);
    base_json_key_string(json, "op", layer->op);
    base_json_key_u64(json, "tag", layer->tag);
    base_json_key_u64(json, "step", layer->step);
    base_json_key_u64(json, "macs", layer->macs);
    base_json_key_u64(json, "array_cycles", layer->array_cycles);
    base_json_key_u64(json, "weight_cycles", layer->weight_cycles);
    base_json_key_u64(json, "dram_bytes", layer->dram_bytes);
    base_json_object_end(json);
}

static void put_placement(base_json *json, const cc_plan_placement *placement)
{
    base_json_object_begin(json);
    base_json_key_string(json, "node", placement->node);
    base_json_key_string(json, "op", placement->op);
    base_json_key_string(json, "unit", placement->unit);
    base_json_key_string(json, "reason", placement->reason);
    base_json_key_u64(json, "macs", placement->macs);
    base_json_object_end(json);
}

sy_status cc_plan_encode(const cc_plan *plan, base_buf *out)
{
    base_json json = base_json_to(out);
    base_json_object_begin(&json);
    base_json_key_u64(&json, "format", FORMAT);
    base_json_key_string(&json, "model", plan->model_name != NULL ? plan->model_name : "");
    base_json_key(&json, "tensors");
    base_json_array_begin(&json);
    for (uint32_t i = 0; i < plan->n_tensors; i++) {
        put_tensor(&json, &plan->tensors[i]);
    }
    base_json_array_end(&json);
    base_json_key(&json, "steps");
    base_json_array_begin(&json);
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        put_step(&json, &plan->steps[i]);
    }
    base_json_array_end(&json);
    base_json_key(&json, "layers");
    base_json_array_begin(&json);
    for (uint32_t i = 0; i < plan->n_layers; i++) {
        put_layer(&json, &plan->layers[i]);
    }
    base_json_array_end(&json);
    base_json_key(&json, "placements");
    base_json_array_begin(&json);
    for (uint32_t i = 0; i < plan->n_placements; i++) {
        put_placement(&json, &plan->placements[i]);
    }
    base_json_array_end(&json);
    base_json_object_end(&json);
    return base_buf_status(out);
}

/* ---------------------------------------------------------------- reading */

typedef struct reader {
    base_arena *arena;
    base_diag *diag;
    const char *where; /* "tensors", for messages */
    size_t index;      /* of the element in it */
} reader;

/* A member of an object with the type that it must have. */
static sy_status member(const reader *r, json_object *object, const char *key, json_type type,
                        json_object **out)
{
    json_object *value = NULL;
    if (!json_object_is_type(object, json_type_object)) {
        return base_fail(r->diag, SY_EFORMAT, "plan: %s %zu is not an object", r->where, r->index);
    }
    if (!json_object_object_get_ex(object, key, &value)) {
        return base_fail(r->diag, SY_EFORMAT, "plan: %s %zu has no \"%s\"", r->where, r->index,
                         key);
    }
    if (!json_object_is_type(value, type)) {
        return base_fail(r->diag, SY_EFORMAT, "plan: %s %zu: \"%s\" is not of type %s", r->where,
                         r->index, key, json_type_to_name(type));
    }
    *out = value;
    return SY_OK;
}

static sy_status checked(const reader *r, json_object *value, const char *key, int64_t low,
                         int64_t high, int64_t *out)
{
    if (!json_object_is_type(value, json_type_int)) {
        return base_fail(r->diag, SY_EFORMAT, "plan: %s %zu: \"%s\" is not a whole number",
                         r->where, r->index, key);
    }
    const int64_t number = json_object_get_int64(value);
    if (number < low || number > high) {
        return base_fail(r->diag, SY_EFORMAT, "plan: %s %zu: \"%s\" is %lld, expected %lld to %lld",
                         r->where, r->index, key, (long long)number, (long long)low,
                         (long long)high);
    }
    *out = number;
    return SY_OK;
}

static sy_status get_int(const reader *r, json_object *object, const char *key, int64_t low,
                         int64_t high, int64_t *out)
{
    json_object *value = NULL;
    SY_TRY(member(r, object, key, json_type_int, &value));
    return checked(r, value, key, low, high, out);
}

static sy_status get_u64(const reader *r, json_object *object, const char *key, uint64_t *out)
{
    int64_t number;
    SY_TRY(get_int(r, object, key, 0, INT64_MAX, &number));
    *out = (uint64_t)number;
    return SY_OK;
}

static sy_status get_u32(const reader *r, json_object *object, const char *key, uint32_t *out)
{
    int64_t number;
    SY_TRY(get_int(r, object, key, 0, UINT32_MAX, &number));
    *out = (uint32_t)number;
    return SY_OK;
}

static sy_status copy_text(const reader *r, json_object *value, const char *key, const char **out)
{
    if (!json_object_is_type(value, json_type_string)) {
        return base_fail(r->diag, SY_EFORMAT, "plan: %s %zu: \"%s\" is not text", r->where,
                         r->index, key);
    }
    const char *text = json_object_get_string(value);
    if (strlen(text) != (size_t)json_object_get_string_len(value)) {
        return base_fail(r->diag, SY_EFORMAT, "plan: %s %zu: \"%s\" holds a NUL", r->where,
                         r->index, key);
    }
    const char *copy = base_arena_strdup(r->arena, text);
    if (copy == NULL) {
        return base_fail(r->diag, SY_ENOMEM, "out of memory");
    }
    *out = copy;
    return SY_OK;
}

static sy_status get_text(const reader *r, json_object *object, const char *key, const char **out)
{
    json_object *value = NULL;
    SY_TRY(member(r, object, key, json_type_string, &value));
    return copy_text(r, value, key, out);
}

static sy_status get_dims(const reader *r, json_object *object, cc_plan_tensor *tensor)
{
    json_object *dims;
    int64_t product = 1;
    SY_TRY(member(r, object, "dims", json_type_array, &dims));
    const size_t rank = json_object_array_length(dims);
    if (rank > CC_PLAN_MAX_RANK) {
        return base_fail(r->diag, SY_EFORMAT,
                         "plan: tensors %zu: %zu dimensions, at most %d are possible", r->index,
                         rank, CC_PLAN_MAX_RANK);
    }
    tensor->rank = (int32_t)rank;
    for (size_t i = 0; i < rank; i++) {
        SY_TRY(
            checked(r, json_object_array_get_idx(dims, i), "dims", 1, LARGEST, &tensor->dims[i]));
        if (product > LARGEST / tensor->dims[i]) {
            return base_fail(r->diag, SY_EFORMAT, "plan: tensors %zu: too many elements", r->index);
        }
        product *= tensor->dims[i];
    }
    if (tensor->n > LARGEST / tensor->c || tensor->n * tensor->c > LARGEST / tensor->p ||
        tensor->n * tensor->c * tensor->p != product) {
        return base_fail(
            r->diag, SY_EFORMAT,
            "plan: tensors %zu: n %lld x c %lld x p %lld are not the %lld elements of dims",
            r->index, (long long)tensor->n, (long long)tensor->c, (long long)tensor->p,
            (long long)product);
    }
    return SY_OK;
}

static sy_status get_tensor(const reader *r, json_object *object, cc_plan_tensor *tensor)
{
    int64_t number;
    SY_TRY(get_text(r, object, "value", &tensor->value));
    SY_TRY(get_int(r, object, "n", 1, LARGEST, &tensor->n));
    SY_TRY(get_int(r, object, "c", 1, LARGEST, &tensor->c));
    SY_TRY(get_int(r, object, "p", 1, LARGEST, &tensor->p));
    SY_TRY(get_dims(r, object, tensor));
    SY_TRY(get_int(r, object, "lanes", 1, 1 << 20, &tensor->lanes));
    SY_TRY(get_int(r, object, "element_bytes", 1, 2, &tensor->element_bytes));
    SY_TRY(get_int(r, object, "rows", 1, LARGEST, &tensor->rows));
    /* Bounded by the rows, so no sum below can overflow; an unused stride may be anything up to
     * them. */
    SY_TRY(get_int(r, object, "n_stride", 0, tensor->rows, &tensor->n_stride));
    SY_TRY(get_int(r, object, "block_stride", 0, tensor->rows, &tensor->block_stride));
    SY_TRY(get_int(r, object, "address", 0, LARGEST, &number));
    tensor->address = (uint64_t)number;
    SY_TRY(get_int(r, object, "zero", INT8_MIN, INT8_MAX, &number));
    tensor->zero = (int32_t)number;
    if (tensor->n > 1 && tensor->n_stride > (tensor->rows - 1) / (tensor->n - 1)) {
        return base_fail(r->diag, SY_EFORMAT,
                         "plan: tensors %zu: %lld images %lld rows apart do not fit %lld rows",
                         r->index, (long long)tensor->n, (long long)tensor->n_stride,
                         (long long)tensor->rows);
    }
    if ((tensor->n - 1) * tensor->n_stride + tensor->p > tensor->rows) {
        return base_fail(r->diag, SY_EFORMAT,
                         "plan: tensors %zu: its positions do not fit its %lld rows", r->index,
                         (long long)tensor->rows);
    }
    return SY_OK;
}

static sy_status get_indices(const reader *r, json_object *object, const char *key,
                             uint32_t n_tensors, uint32_t *n, uint32_t **out)
{
    json_object *array;
    SY_TRY(member(r, object, key, json_type_array, &array));
    const size_t n_items = json_object_array_length(array);
    if (n_items > n_tensors) {
        return base_fail(r->diag, SY_EFORMAT, "plan: steps %zu: %zu %s of %u tensors", r->index,
                         n_items, key, n_tensors);
    }
    uint32_t *items = BASE_ARENA_ARRAY(r->arena, uint32_t, n_items);
    if (items == NULL) {
        return base_fail(r->diag, SY_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < n_items; i++) {
        int64_t number = 0;
        SY_TRY(checked(r, json_object_array_get_idx(array, i), key, 0, (int64_t)n_tensors - 1,
                       &number));
        items[i] = (uint32_t)number;
    }
    *n = (uint32_t)n_items;
    *out = items;
    return SY_OK;
}

static sy_status get_values(const reader *r, json_object *object, cc_plan_step *step)
{
    json_object *array;
    SY_TRY(member(r, object, "values", json_type_array, &array));
    const size_t n = json_object_array_length(array);
    const char **values = BASE_ARENA_ARRAY(r->arena, const char *, n);
    if (values == NULL || n > UINT32_MAX) {
        return base_fail(r->diag, SY_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        SY_TRY(copy_text(r, json_object_array_get_idx(array, i), "values", &values[i]));
    }
    step->n_values = (uint32_t)n;
    step->values = values;
    return SY_OK;
}

static sy_status get_step(const reader *r, json_object *object, uint32_t n_tensors,
                          cc_plan_step *step)
{
    if (json_object_is_type(object, json_type_object) &&
        json_object_object_get_ex(object, "values", NULL)) {
        return get_values(r, object, step);
    }
    SY_TRY(get_text(r, object, "entry", &step->entry));
    SY_TRY(get_indices(r, object, "inputs", n_tensors, &step->n_inputs, &step->inputs));
    return get_indices(r, object, "outputs", n_tensors, &step->n_outputs, &step->outputs);
}

static sy_status get_layer(const reader *r, json_object *object, const cc_plan *plan,
                           cc_plan_layer *layer)
{
    SY_TRY(get_text(r, object, "name", &layer->name));
    SY_TRY(get_text(r, object, "op", &layer->op));
    SY_TRY(get_u32(r, object, "tag", &layer->tag));
    SY_TRY(get_u32(r, object, "step", &layer->step));
    if (layer->step >= plan->n_steps || plan->steps[layer->step].entry == NULL) {
        return base_fail(r->diag, SY_EFORMAT, "plan: layers %zu: step %u is no device step",
                         r->index, layer->step);
    }
    SY_TRY(get_u64(r, object, "macs", &layer->macs));
    SY_TRY(get_u64(r, object, "array_cycles", &layer->array_cycles));
    SY_TRY(get_u64(r, object, "weight_cycles", &layer->weight_cycles));
    return get_u64(r, object, "dram_bytes", &layer->dram_bytes);
}

static sy_status get_placement(const reader *r, json_object *object, cc_plan_placement *placement)
{
    SY_TRY(get_text(r, object, "node", &placement->node));
    SY_TRY(get_text(r, object, "op", &placement->op));
    SY_TRY(get_text(r, object, "unit", &placement->unit));
    SY_TRY(get_text(r, object, "reason", &placement->reason));
    return get_u64(r, object, "macs", &placement->macs);
}

/* The array under key, and room for its elements. */
static sy_status begin_array(reader *r, json_object *root, const char *key, size_t item_bytes,
                             json_object **array, uint32_t *n, void **items)
{
    json_object *value = NULL;
    if (!json_object_object_get_ex(root, key, &value) ||
        !json_object_is_type(value, json_type_array)) {
        return base_fail(r->diag, SY_EFORMAT, "plan: no array \"%s\"", key);
    }
    const size_t n_items = json_object_array_length(value);
    *items = base_arena_alloc(r->arena, n_items, item_bytes);
    if (*items == NULL || n_items > INT_MAX) {
        return base_fail(r->diag, SY_ENOMEM, "out of memory");
    }
    r->where = key;
    *array = value;
    *n = (uint32_t)n_items;
    return SY_OK;
}

static sy_status decode(reader *r, json_object *root, cc_plan *plan)
{
    json_object *array;
    int64_t format;
    void *items;
    r->where = "plan";
    SY_TRY(get_int(r, root, "format", FORMAT, FORMAT, &format));
    SY_TRY(get_text(r, root, "model", &plan->model_name));

    SY_TRY(
        begin_array(r, root, "tensors", sizeof *plan->tensors, &array, &plan->n_tensors, &items));
    plan->tensors = items;
    for (r->index = 0; r->index < plan->n_tensors; r->index++) {
        SY_TRY(get_tensor(r, json_object_array_get_idx(array, r->index), &plan->tensors[r->index]));
    }
    SY_TRY(begin_array(r, root, "steps", sizeof *plan->steps, &array, &plan->n_steps, &items));
    plan->steps = items;
    for (r->index = 0; r->index < plan->n_steps; r->index++) {
        SY_TRY(get_step(r, json_object_array_get_idx(array, r->index), plan->n_tensors,
                        &plan->steps[r->index]));
    }
    SY_TRY(begin_array(r, root, "layers", sizeof *plan->layers, &array, &plan->n_layers, &items));
    plan->layers = items;
    for (r->index = 0; r->index < plan->n_layers; r->index++) {
        SY_TRY(get_layer(r, json_object_array_get_idx(array, r->index), plan,
                         &plan->layers[r->index]));
    }
    SY_TRY(begin_array(r, root, "placements", sizeof *plan->placements, &array, &plan->n_placements,
                       &items));
    plan->placements = items;
    for (r->index = 0; r->index < plan->n_placements; r->index++) {
        SY_TRY(get_placement(r, json_object_array_get_idx(array, r->index),
                             &plan->placements[r->index]));
    }
    return SY_OK;
}

sy_status cc_plan_decode(base_arena *arena, const void *text, size_t n_bytes, cc_plan *out,
                         base_diag *diag)
{
    if (n_bytes > INT_MAX) {
        return base_fail(diag, SY_EFORMAT, "plan: %zu bytes are too many", n_bytes);
    }
    json_tokener *tokener = json_tokener_new();
    if (tokener == NULL) {
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    json_object *root = json_tokener_parse_ex(tokener, text, (int)n_bytes);
    const enum json_tokener_error error = json_tokener_get_error(tokener);
    sy_status status;
    if (root == NULL || error != json_tokener_success) {
        status = base_fail(diag, SY_EFORMAT, "plan: not JSON: %s", json_tokener_error_desc(error));
    } else {
        reader r = {.arena = arena, .diag = diag};
        cc_plan plan = {0};
        status = decode(&r, root, &plan);
        if (status == SY_OK) {
            *out = plan;
        }
    }
    json_object_put(root);
    json_tokener_free(tokener);
    return status;
}
