/*
 * control.c -- If, Loop, Scan and SequenceMap: runs the plans of their regions.
 *
 * Each result is made by its region's plan, in a buffer of its own; carried values live in two sets
 * of tensors that change places. What a Loop or Scan stacks is collected as bytes, one region
 * result after another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"

#include "systole/base/buf.h"
#include "systole/graph/list.h"

#include <string.h>

#define FEW_CAPTURES 32 /* need no memory of their own */

/* A running Loop or Scan. */
typedef struct iteration {
    const rt_step *step;
    const rt_region *region;
    base_arena *arena;
    rt_cpu_run_options options;
    base_diag *diag;
    uint32_t n_head; /* region results before the carried ones: a Loop's condition */
    uint32_t n_carried;
    uint32_t n_stacked;
    const ir_tensor **inputs; /* of the region: its own, then the captured values */
    ir_tensor *results;       /* of the region */
    ir_tensor **result_pointers;
    ir_tensor *carried; /* [n_carried]; data owned once carried_owned says so */
    bool *carried_owned;
    base_buf *stacks;   /* [n_stacked] */
    ir_tensor *stacked; /* type of one entry */
    int64_t n_done;
} iteration;

/* The caller's wish to end reaches into regions; values inside them are not saved: there are many
 * of each. */
static rt_cpu_run_options inner_options(const rt_cpu_run_options *options)
{
    rt_cpu_run_options o = {0};
    if (options != NULL) {
        o.cancelled = options->cancelled;
        o.cancelled_user = options->cancelled_user;
    }
    return o;
}

/* Results go where their tensors say, or get buffers; after a failure what was taken is freed. */
static sy_status run_if(const rt_step *step, const ir_tensor *slots, const ir_tensor *const *inputs,
                        ir_tensor *const *outputs, const rt_cpu_run_options *options,
                        base_diag *diag)
{
    const ir_tensor *condition = inputs[0];
    if (condition == NULL || ir_tensor_is_list(condition) || ir_tensor_n_elements(condition) != 1 ||
        condition->dtype != SY_DT_BOOL) {
        return base_fail(diag, SY_EINVAL, "the condition must be one bool");
    }
    const bool yes = *(const uint8_t *)condition->data != 0;
    const rt_region *region = &step->regions[yes ? 0 : 1];
    const ir_tensor *few[FEW_CAPTURES], **captured = few;
    base_arena *arena = NULL;
    if (region->n_captures > FEW_CAPTURES) {
        arena = base_arena_create();
        captured = arena != NULL ? BASE_ARENA_ARRAY(arena, const ir_tensor *, region->n_captures) : NULL;
    }
    if (captured == NULL) {
        base_arena_destroy(arena);
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < region->n_captures; i++) {
        captured[i] = &slots[region->captures[i]];
    }
    const rt_cpu_run_options o = inner_options(options);
    const sy_status status = rt_cpu_plan_run(region->plan, captured, outputs, &o, diag);
    base_arena_destroy(arena);
    return status;
}

/* ---------------------------------------------------------------- iterations */

static void iteration_end(iteration *it)
{
    for (uint32_t i = 0; it->carried_owned != NULL && i < it->n_carried; i++) {
        if (it->carried_owned[i]) {
            rt_buffer_free(it->carried[i].data);
        }
    }
    for (uint32_t i = 0; it->stacks != NULL && i < it->n_stacked; i++) {
        base_buf_free(&it->stacks[i]);
    }
}

/* Room for everything; carried values start as operands first_carried, ... */
static sy_status iteration_start(iteration *it, const ir_tensor *slots,
                                 const ir_tensor *const *inputs, uint32_t first_carried)
{
    const rt_region *region = it->region;
    const uint32_t n_results = region->plan->n_live_out;
    it->inputs = BASE_ARENA_ARRAY(it->arena, const ir_tensor *,
                                  (size_t)region->n_inputs + region->n_captures);
    it->results = BASE_ARENA_ARRAY(it->arena, ir_tensor, n_results);
    it->result_pointers = BASE_ARENA_ARRAY(it->arena, ir_tensor *, n_results);
    it->carried = BASE_ARENA_ARRAY(it->arena, ir_tensor, it->n_carried);
    it->carried_owned = BASE_ARENA_ARRAY(it->arena, bool, it->n_carried);
    it->stacks = BASE_ARENA_ARRAY(it->arena, base_buf, it->n_stacked);
    it->stacked = BASE_ARENA_ARRAY(it->arena, ir_tensor, it->n_stacked);
    if (it->inputs == NULL || it->results == NULL || it->result_pointers == NULL ||
        it->carried == NULL || it->carried_owned == NULL || it->stacks == NULL ||
        it->stacked == NULL) {
        return SY_ENOMEM;
    }
    if (n_results != it->n_head + it->n_carried + it->n_stacked) {
        return base_fail(it->diag, SY_EINVAL, "the region has %u results, expected %u", n_results,
                         it->n_head + it->n_carried + it->n_stacked);
    }
    for (uint32_t i = 0; i < n_results; i++) {
        it->result_pointers[i] = &it->results[i];
    }
    for (uint32_t i = 0; i < it->n_carried; i++) {
        if (inputs[first_carried + i] == NULL) {
            return base_fail(it->diag, SY_EINVAL, "carried value %u is absent", i);
        }
        it->carried[i] = *inputs[first_carried + i];
    }
    for (uint32_t i = 0; i < region->n_captures; i++) {
        it->inputs[region->n_inputs + i] = &slots[region->captures[i]];
    }
    return SY_OK;
}

/* Keeps result i of the region as entry number n_done of a stack, and frees it. */
static sy_status stack_push(iteration *it, uint32_t i, ir_tensor *t)
{
    ir_tensor *entry = &it->stacked[i];
    const bool same = it->n_done == 0 ||
                      (entry->dtype == t->dtype && entry->rank == t->rank &&
                       memcmp(entry->dims, t->dims, (size_t)t->rank * sizeof(int64_t)) == 0);
    const bool list = ir_tensor_is_list(t);
    const bool kept = same && !list && base_buf_append(&it->stacks[i], t->data, t->size_bytes);
    *entry = *t;
    entry->data = NULL;
    rt_buffer_free(t->data);
    t->data = NULL;
    if (list) {
        return base_fail(it->diag, SY_EUNSUPPORTED, "result %u is no tensor: it cannot be stacked", i);
    }
    if (!same) {
        return base_fail(it->diag, SY_ESHAPE, "stacked result %u changes its shape", i);
    }
    return kept ? SY_OK : SY_ENOMEM;
}

/* One run of the region; the inputs are set. *condition: its first result, if it has one. */
static sy_status iterate(iteration *it, bool *condition)
{
    const uint32_t n_results = it->n_head + it->n_carried + it->n_stacked;
    for (uint32_t i = 0; i < n_results; i++) {
        it->results[i] = (ir_tensor){0};
    }
    SY_TRY(
        rt_cpu_plan_run(it->region->plan, it->inputs, it->result_pointers, &it->options, it->diag));
    if (it->n_head > 0) {
        const ir_tensor *t = &it->results[0];
        *condition = t->size_bytes > 0 && *(const uint8_t *)t->data != 0;
        rt_buffer_free(it->results[0].data);
    }
    for (uint32_t i = 0; i < it->n_carried; i++) {
        if (it->carried_owned[i]) {
            rt_buffer_free(it->carried[i].data);
        }
        it->carried[i] = it->results[it->n_head + i];
        it->carried_owned[i] = true;
    }
    sy_status status = SY_OK;
    for (uint32_t i = 0; i < it->n_stacked; i++) {
        const sy_status pushed = stack_push(it, i, &it->results[it->n_head + it->n_carried + i]);
        status = status == SY_OK ? pushed : status;
    }
    it->n_done++;
    return status;
}

/* The type of entries of a stack that stayed empty: what the region's result promises. */
static void entry_type(const iteration *it, uint32_t i, ir_tensor *entry)
{
    const rt_cpu_plan *plan = it->region->plan;
    const ir_type *type = &plan->slots[plan->live_out[it->n_head + it->n_carried + i]].value->type;
    int64_t dims[IR_MAX_RANK] = {0};
    const int32_t rank = type->has_rank ? type->rank : 0;
    for (int32_t a = 0; a < rank; a++) {
        (void)ir_dim_is_const(type->dims[a], &dims[a]);
    }
    (void)ir_tensor_init(entry, type->dtype, rank, dims, NULL);
}

/* Stack i as a tensor: entries along `axis`, in order or from the last. */
static sy_status stack_result(iteration *it, uint32_t i, int64_t axis, bool reverse, ir_tensor *out)
{
    ir_tensor entry = it->stacked[i];
    if (it->n_done == 0) {
        entry_type(it, i, &entry);
    }
    axis += axis < 0 ? entry.rank + 1 : 0;
    if (axis < 0 || axis > entry.rank || entry.rank + 1 > IR_MAX_RANK) {
        return base_fail(it->diag, SY_EINVAL, "the axis of stacked result %u is outside it", i);
    }
    int64_t dims[IR_MAX_RANK], n_outer = 1;
    for (int32_t a = 0; a <= entry.rank; a++) {
        dims[a] = a < axis ? entry.dims[a] : a == axis ? it->n_done : entry.dims[a - 1];
        n_outer *= a < axis ? entry.dims[a] : 1;
    }
    SY_TRY(ir_tensor_init(out, entry.dtype, entry.rank + 1, dims, NULL));
    if (entry.dtype == SY_DT_STRING) { /* elements differ in size: only joining them end to end is possible */
        if (axis > 0 || reverse) {
            return base_fail(it->diag, SY_EUNSUPPORTED,
                             "strings are stacked along axis 0 and forward only");
        }
        out->size_bytes = it->stacks[i].n_bytes;
        out->data = rt_buffer_alloc(out->size_bytes);
        if (out->data != NULL && out->size_bytes > 0) {
            memcpy(out->data, it->stacks[i].data, out->size_bytes);
        }
        return out->data != NULL ? SY_OK : SY_ENOMEM;
    }
    out->data = rt_buffer_alloc(out->size_bytes);
    if (out->data == NULL) {
        return SY_ENOMEM;
    }
    const size_t inner = n_outer > 0 ? entry.size_bytes / (size_t)n_outer : 0;
    for (int64_t n = 0; n < it->n_done && inner > 0; n++) {
        const char *from = it->stacks[i].data +
                           (size_t)(reverse ? it->n_done - 1 - n : n) * entry.size_bytes;
        for (int64_t o = 0; o < n_outer; o++) {
            memcpy((char *)out->data + (size_t)(o * it->n_done + n) * inner,
                   from + (size_t)o * inner, inner);
        }
    }
    return SY_OK;
}

static int64_t list_entry(const ir_node *n, const char *name, uint32_t i)
{
    const int64_t *values = NULL;
    return i < ir_node_ints(n, name, &values) ? values[i] : 0;
}

/* Carried values and stacks become the node's results. */
static sy_status iteration_results(iteration *it, ir_tensor *const *outputs)
{
    const rt_step *step = it->step;
    for (uint32_t i = 0; i < step->n_outputs; i++) {
        if (outputs[i] == NULL) {
            continue;
        }
        if (i >= it->n_carried) {
            const uint32_t s = i - it->n_carried;
            SY_TRY(stack_result(it, s, list_entry(step->node, "scan_output_axes", s),
                                list_entry(step->node, "scan_output_directions", s) != 0,
                                outputs[i]));
            continue;
        }
        *outputs[i] = it->carried[i];
        if (!it->carried_owned[i]) { /* no iteration: the operand itself */
            outputs[i]->data = rt_buffer_alloc(it->carried[i].size_bytes);
            if (outputs[i]->data == NULL) {
                return SY_ENOMEM;
            }
            if (it->carried[i].size_bytes > 0) {
                memcpy(outputs[i]->data, it->carried[i].data, it->carried[i].size_bytes);
            }
        }
        it->carried_owned[i] = false;
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- Loop */

/* The rank that the region's input wants, of those that hold one element. */
static int32_t input_rank(const iteration *it, uint32_t i)
{
    const ir_type *t = &it->region->plan->live_in[i]->type;
    return t->kind == IR_TYPE_TENSOR && t->has_rank && t->rank == 1 ? 1 : 0;
}

static sy_status loop(iteration *it, int64_t limit, bool condition)
{
    int64_t number = 0;
    uint8_t flag = 1;
    ir_tensor number_tensor, flag_tensor;
    const int64_t one = 1; /* some bodies want them as vectors */
    SY_TRY(ir_tensor_init(&number_tensor, SY_DT_I64, input_rank(it, 0), &one, &number));
    SY_TRY(ir_tensor_init(&flag_tensor, SY_DT_BOOL, input_rank(it, 1), &one, &flag));
    it->inputs[0] = &number_tensor;
    it->inputs[1] = &flag_tensor;
    while (condition && number < limit) {
        if (it->options.cancelled != NULL && it->options.cancelled(it->options.cancelled_user)) {
            return base_fail(it->diag, SY_ECANCELLED, "cancelled"); /* the body may have no steps */
        }
        flag = condition;
        for (uint32_t i = 0; i < it->n_carried; i++) {
            it->inputs[2 + i] = &it->carried[i];
        }
        SY_TRY(iterate(it, &condition));
        number++;
    }
    return SY_OK;
}

static sy_status run_loop(iteration *it, const ir_tensor *slots, const ir_tensor *const *inputs,
                          ir_tensor *const *outputs)
{
    const rt_step *step = it->step;
    it->n_head = 1;
    it->n_carried = step->n_inputs > 2 ? step->n_inputs - 2 : 0;
    if (it->region->n_inputs != it->n_carried + 2 || step->n_outputs < it->n_carried) {
        return base_fail(it->diag, SY_EINVAL, "the body does not fit the operands");
    }
    it->n_stacked = step->n_outputs - it->n_carried;
    const ir_tensor *count = step->n_inputs > 0 ? inputs[0] : NULL, *go = step->n_inputs > 1 ? inputs[1] : NULL;
    if ((count != NULL && (count->dtype != SY_DT_I64 || ir_tensor_n_elements(count) != 1)) ||
        (go != NULL && (go->dtype != SY_DT_BOOL || ir_tensor_n_elements(go) != 1))) {
        return base_fail(it->diag, SY_EINVAL, "the trip count must be one i64, the condition one bool");
    }
    const int64_t limit = count != NULL ? ir_tensor_get_i64(count, 0) : INT64_MAX;
    const bool condition = go == NULL || *(const uint8_t *)go->data != 0;
    SY_TRY(iteration_start(it, slots, inputs, 2));
    SY_TRY(loop(it, limit, condition));
    return iteration_results(it, outputs);
}

/* ---------------------------------------------------------------- Scan */

/* Entry n of operand t along its axis, copied into `slice`. */
static void take_slice(const ir_tensor *t, int32_t axis, int64_t n, ir_tensor *slice)
{
    int64_t n_outer = 1;
    for (int32_t a = 0; a < axis; a++) {
        n_outer *= t->dims[a];
    }
    const size_t inner = n_outer > 0 ? slice->size_bytes / (size_t)n_outer : 0;
    for (int64_t o = 0; o < n_outer && inner > 0; o++) {
        memcpy((char *)slice->data + (size_t)o * inner,
               (const char *)t->data + (size_t)(o * t->dims[axis] + n) * inner, inner);
    }
}

static sy_status run_scan(iteration *it, const ir_tensor *slots, const ir_tensor *const *inputs,
                          ir_tensor *const *outputs)
{
    const rt_step *step = it->step;
    const int64_t n_scanned = ir_node_int(step->node, "num_scan_inputs", 0);
    if (n_scanned < 1 || n_scanned > step->n_inputs || it->region->n_inputs != step->n_inputs ||
        step->n_outputs < step->n_inputs - (uint32_t)n_scanned) {
        return base_fail(it->diag, SY_EINVAL, "the body does not fit the operands");
    }
    it->n_carried = step->n_inputs - (uint32_t)n_scanned;
    it->n_stacked = step->n_outputs - it->n_carried;
    SY_TRY(iteration_start(it, slots, inputs, 0));

    ir_tensor *slices = BASE_ARENA_ARRAY(it->arena, ir_tensor, (size_t)n_scanned);
    int32_t *axes = BASE_ARENA_ARRAY(it->arena, int32_t, (size_t)n_scanned);
    if (slices == NULL || axes == NULL) {
        return SY_ENOMEM;
    }
    int64_t length = -1;
    for (uint32_t i = 0; i < (uint32_t)n_scanned; i++) {
        const ir_tensor *t = inputs[it->n_carried + i];
        int64_t axis = list_entry(step->node, "scan_input_axes", i);
        axis += t != NULL && axis < 0 ? t->rank : 0;
        if (t == NULL || axis < 0 || axis >= t->rank || (length >= 0 && t->dims[axis] != length)) {
            return base_fail(it->diag, SY_ESHAPE,
                             "scanned operand %u has no such axis or another length", i);
        }
        length = t->dims[axis];
        axes[i] = (int32_t)axis;
        int64_t dims[IR_MAX_RANK];
        for (int32_t a = 0; a + 1 < t->rank; a++) {
            dims[a] = t->dims[a < axis ? a : a + 1];
        }
        SY_TRY(ir_tensor_init(&slices[i], t->dtype, t->rank - 1, dims, NULL));
        slices[i].data = base_arena_alloc(it->arena, slices[i].size_bytes, 1);
        if (slices[i].data == NULL) {
            return SY_ENOMEM;
        }
        it->inputs[it->n_carried + i] = &slices[i];
    }
    for (int64_t n = 0; n < length; n++) {
        for (uint32_t i = 0; i < (uint32_t)n_scanned; i++) {
            const bool reverse = list_entry(step->node, "scan_input_directions", i) != 0;
            take_slice(inputs[it->n_carried + i], axes[i], reverse ? length - 1 - n : n,
                       &slices[i]);
        }
        for (uint32_t i = 0; i < it->n_carried; i++) {
            it->inputs[i] = &it->carried[i];
        }
        bool unused = true;
        SY_TRY(iterate(it, &unused));
    }
    return iteration_results(it, outputs);
}

/* ---------------------------------------------------------------- SequenceMap */

/* Entries of one result, in buffers of their own until all are there. */
static void entries_free(ir_tensor *entries, size_t n)
{
    for (size_t i = 0; entries != NULL && i < n; i++) {
        rt_buffer_free(entries[i].data);
    }
}

/* `promised`: the type of the entries, for a sequence without any. */
static sy_status map_result(ir_tensor *out, const ir_type *promised, int64_t n, const ir_tensor *entries)
{
    SY_TRY(ir_list_init(out, IR_TYPE_SEQUENCE, n > 0 ? entries[0].dtype : promised->dtype, n, entries));
    out->data = rt_buffer_alloc(out->size_bytes);
    if (out->data == NULL) {
        return SY_ENOMEM;
    }
    ir_list_write(out, entries);
    return SY_OK;
}

/* The region's results for each entry: results[i * n + e] is result i for entry e. */
static sy_status map_entries(iteration *it, const ir_tensor *const *inputs, int64_t n, ir_tensor *results)
{
    const rt_step *step = it->step;
    ir_tensor *now = BASE_ARENA_ARRAY(it->arena, ir_tensor, step->n_inputs);
    if (now == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t e = 0; e < n; e++) {
        for (uint32_t i = 0; i < step->n_inputs; i++) {
            it->inputs[i] = inputs[i];
            if (inputs[i]->kind == IR_TYPE_SEQUENCE) {
                ir_list_entry(inputs[i], e, &now[i]);
                it->inputs[i] = &now[i];
            }
        }
        for (uint32_t i = 0; i < step->n_outputs; i++) {
            it->result_pointers[i] = step->outputs[i] != RT_NONE ? &results[(int64_t)i * n + e] : NULL;
        }
        SY_TRY(rt_cpu_plan_run(it->region->plan, it->inputs, it->result_pointers, &it->options, it->diag));
    }
    return SY_OK;
}

static sy_status run_sequence_map(iteration *it, const ir_tensor *slots, const ir_tensor *const *inputs,
                                  ir_tensor *const *outputs)
{
    const rt_step *step = it->step;
    if (it->region->n_inputs != step->n_inputs || it->region->plan->n_live_out != step->n_outputs ||
        inputs[0] == NULL || inputs[0]->kind != IR_TYPE_SEQUENCE) {
        return base_fail(it->diag, SY_EINVAL, "the body does not fit the operands");
    }
    const int64_t n = ir_list_n(inputs[0]);
    for (uint32_t i = 1; i < step->n_inputs; i++) {
        if (inputs[i] == NULL || (inputs[i]->kind == IR_TYPE_SEQUENCE && ir_list_n(inputs[i]) != n)) {
            return base_fail(it->diag, SY_ESHAPE, "operand %u does not have as many entries as operand 0", i);
        }
    }
    it->n_stacked = step->n_outputs;
    SY_TRY(iteration_start(it, slots, inputs, 0));
    const size_t n_results = (size_t)n * step->n_outputs;
    ir_tensor *results = BASE_ARENA_ARRAY(it->arena, ir_tensor, n_results);
    if (results == NULL) {
        return SY_ENOMEM;
    }
    sy_status status = map_entries(it, inputs, n, results);
    for (uint32_t i = 0; status == SY_OK && i < step->n_outputs; i++) {
        if (outputs[i] != NULL) {
            const rt_cpu_plan *plan = it->region->plan;
            status = map_result(outputs[i], &plan->slots[plan->live_out[i]].value->type, n,
                                results + (int64_t)i * n);
        }
    }
    entries_free(results, n_results);
    return status;
}

/* ---------------------------------------------------------------- */

sy_status rt_control_run(const rt_step *step, const ir_tensor *slots,
                         const ir_tensor *const *inputs, ir_tensor *const *outputs,
                         const rt_cpu_run_options *options, base_diag *diag)
{
    if (step->n_regions == 2) {
        return run_if(step, slots, inputs, outputs, options, diag);
    }
    base_arena *arena = base_arena_create();
    if (arena == NULL) {
        return SY_ENOMEM;
    }
    iteration it = {.step = step,
                    .region = &step->regions[0],
                    .arena = arena,
                    .options = inner_options(options),
                    .diag = diag};
    const sy_status status = ir_node_is(step->node, IR_OP_LOOP)   ? run_loop(&it, slots, inputs, outputs)
                             : ir_node_is(step->node, IR_OP_SCAN) ? run_scan(&it, slots, inputs, outputs)
                                                                  : run_sequence_map(&it, slots, inputs, outputs);
    iteration_end(&it);
    for (uint32_t i = 0; status != SY_OK && i < step->n_outputs; i++) {
        if (outputs[i] != NULL) {
            rt_buffer_free(outputs[i]->data);
            outputs[i]->data = NULL;
        }
    }
    base_arena_destroy(arena);
    return status;
}
