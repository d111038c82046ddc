/*
 * session_plan.c -- turns a plan into steps that run: which nodes a host step computes, which
 * tensors meet where.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <string.h>

#include "session_internal.h"
#include "systole/base/vec.h"
#include "systole/rt/buffer.h"

/* Marks of values while steps are made. */
enum { NEEDED = 1u, AVAILABLE = 2u };

typedef BASE_VEC(ir_node *) node_vec;
typedef BASE_VEC(ir_value *) value_vec;
typedef BASE_VEC(rt_slot) slot_vec;
typedef BASE_VEC(rt_step) step_vec;

typedef struct builder {
    rt_session *session;
    ir_graph *graph; /* NULL: stripped */
    slot_vec slots;
    step_vec steps;
    base_diag *diag;
} builder;

static sy_status out_of_memory(base_diag *diag)
{
    return base_fail(diag, SY_ENOMEM, "out of memory");
}

static void clear_marks(ir_graph *graph, uint32_t bits)
{
    for (uint32_t i = 0; i < graph->n_inputs; i++) {
        graph->inputs[i]->mark &= ~bits;
    }
    for (uint32_t i = 0; i < graph->n_consts; i++) {
        graph->consts[i]->mark &= ~bits;
    }
    for (ir_node *node = graph->first; node != NULL; node = node->next) {
        for (uint32_t i = 0; i < node->n_outputs; i++) {
            if (node->outputs[i] != NULL) {
                node->outputs[i]->mark &= ~bits;
            }
        }
    }
}

static uint32_t find_slot(const builder *b, const char *name)
{
    for (size_t i = 0; i < b->slots.n; i++) {
        if (strcmp(b->slots.items[i].name, name) == 0) {
            return (uint32_t)i;
        }
    }
    return UINT32_MAX;
}

/* A slot for a value that is there from now on. */
static sy_status add_slot(builder *b, rt_slot slot, ir_value *value, uint32_t *out)
{
    if (value != NULL) {
        value->mark |= AVAILABLE;
    }
    slot.value = value;
    *out = (uint32_t)b->slots.n;
    return base_vec_push(b->session->arena, &b->slots, slot) ? SY_OK : out_of_memory(b->diag);
}

/* ---------------------------------------------------------------- host steps */

/* Marks a value that a host step must have; collects those that are there already. */
static sy_status need(builder *b, ir_value *value, value_vec *live_in)
{
    if (value == NULL || value->kind == IR_VALUE_CONST || value->graph != b->graph ||
        (value->mark & NEEDED) != 0) {
        return SY_OK;
    }
    value->mark |= NEEDED;
    if ((value->mark & AVAILABLE) != 0 && !base_vec_push(b->session->arena, live_in, value)) {
        return out_of_memory(b->diag);
    }
    return SY_OK;
}

/* What a node reads: operands, and what its regions capture. */
static sy_status need_operands(builder *b, ir_node *node, value_vec *live_in)
{
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        SY_TRY(need(b, node->inputs[i].value, live_in));
    }
    for (uint32_t i = 0; i < node->n_attrs; i++) {
        if (node->attrs[i].kind == IR_ATTR_GRAPH) {
            ir_value **captured;
            uint32_t n_captured;
            if (ir_region_captures(node->attrs[i].u.graph, b->session->arena, &captured,
                                   &n_captured) != SY_OK) {
                return out_of_memory(b->diag);
            }
            for (uint32_t c = 0; c < n_captured; c++) {
                SY_TRY(need(b, captured[c], live_in));
            }
        }
    }
    return SY_OK;
}

/* The nodes that make the needed values from what is there, in the graph's order. */
static sy_status collect(builder *b, node_vec *nodes, value_vec *live_in)
{
    for (ir_node *node = b->graph->last; node != NULL; node = node->prev) {
        bool wanted = false;
        for (uint32_t i = 0; i < node->n_outputs; i++) {
            const ir_value *value = node->outputs[i];
            wanted = wanted || (value != NULL && (value->mark & (NEEDED | AVAILABLE)) == NEEDED);
        }
        if (wanted) {
            if (!base_vec_push(b->session->arena, nodes, node)) {
                return out_of_memory(b->diag);
            }
            SY_TRY(need_operands(b, node, live_in));
        }
    }
    for (size_t i = 0; i < nodes->n / 2; i++) {
        ir_node *swapped = nodes->items[i];
        nodes->items[i] = nodes->items[nodes->n - 1 - i];
        nodes->items[nodes->n - 1 - i] = swapped;
    }
    return SY_OK;
}

static sy_status fill_host_step(builder *b, rt_step *step, const node_vec *nodes,
                                const value_vec *live_in, const value_vec *wanted)
{
    base_arena *arena = b->session->arena;
    step->name = "host";
    step->n_in = (uint32_t)live_in->n;
    step->n_out = (uint32_t)wanted->n;
    step->in = BASE_ARENA_ARRAY(arena, uint32_t, live_in->n);
    step->out = BASE_ARENA_ARRAY(arena, uint32_t, wanted->n);
    step->in_tensors = BASE_ARENA_ARRAY(arena, const ir_tensor *, live_in->n);
    step->out_tensors = BASE_ARENA_ARRAY(arena, ir_tensor *, wanted->n);
    if (step->in == NULL || step->out == NULL || step->in_tensors == NULL ||
        step->out_tensors == NULL) {
        return out_of_memory(b->diag);
    }
    for (size_t i = 0; i < live_in->n; i++) {
        step->in[i] = find_slot(b, live_in->items[i]->name);
    }
    SY_TRY(rt_session_open_cpu(b->session, b->diag));
    SY_TRY(rt_cpu_plan_create(b->session->cpu, (uint32_t)nodes->n, nodes->items,
                              (uint32_t)live_in->n, live_in->items, (uint32_t)wanted->n,
                              wanted->items, b->diag, &step->host));
    for (size_t i = 0; i < wanted->n; i++) {
        const rt_slot slot = {.name = wanted->items[i]->name};
        const sy_status status = add_slot(b, slot, wanted->items[i], &step->out[i]);
        if (status != SY_OK) {
            rt_cpu_plan_destroy(step->host);
            return status;
        }
    }
    if (!base_vec_push(arena, &b->steps, *step)) {
        rt_cpu_plan_destroy(step->host);
        return out_of_memory(b->diag);
    }
    return SY_OK;
}

/* A step that computes these values; those that are there already, and constants, are left out. */
static sy_status add_host_step(builder *b, size_t n, ir_value *const *values)
{
    value_vec wanted = {0};
    value_vec live_in = {0};
    node_vec nodes = {0};
    rt_step step = {0};
    clear_marks(b->graph, NEEDED);
    for (size_t i = 0; i < n; i++) {
        ir_value *value = values[i];
        if (value->kind != IR_VALUE_CONST && (value->mark & (AVAILABLE | NEEDED)) == 0) {
            value->mark |= NEEDED;
            if (!base_vec_push(b->session->arena, &wanted, value)) {
                return out_of_memory(b->diag);
            }
        }
    }
    if (wanted.n == 0) {
        return SY_OK;
    }
    SY_TRY(collect(b, &nodes, &live_in));
    return fill_host_step(b, &step, &nodes, &live_in, &wanted);
}

static sy_status plan_host_step(builder *b, uint32_t i_step, const cc_plan_step *planned)
{
    ir_value **values = BASE_ARENA_ARRAY(b->session->arena, ir_value *, planned->n_values);
    if (values == NULL) {
        return out_of_memory(b->diag);
    }
    if (b->graph == NULL) {
        return base_fail(b->diag, SY_EFORMAT,
                         "step %" PRIu32 " runs on the host, but the file has no model section",
                         i_step);
    }
    for (uint32_t i = 0; i < planned->n_values; i++) {
        values[i] = ir_graph_find_value(b->graph, planned->values[i]);
        if (values[i] == NULL) {
            return base_fail(b->diag, SY_EFORMAT, "step %" PRIu32 ": the model has no value '%s'",
                             i_step, planned->values[i]);
        }
    }
    return add_host_step(b, planned->n_values, values);
}

/* ---------------------------------------------------------------- device steps */

static sy_status plan_device_step(builder *b, uint32_t i_step, const cc_plan_step *planned)
{
    const rt_model *model = b->session->model;
    base_arena *arena = b->session->arena;
    rt_step step = {.name = planned->entry,
                    .device = planned,
                    .n_in = planned->n_inputs,
                    .n_out = planned->n_outputs};
    step.in = BASE_ARENA_ARRAY(arena, uint32_t, planned->n_inputs);
    step.out = BASE_ARENA_ARRAY(arena, uint32_t, planned->n_outputs);
    if (step.in == NULL || step.out == NULL) {
        return out_of_memory(b->diag);
    }
    if (!isa_program_find(&model->program, planned->entry, &step.pc)) {
        return base_fail(b->diag, SY_EFORMAT,
                         "step %" PRIu32 ": the program has no entry point '%s'", i_step,
                         planned->entry);
    }
    for (uint32_t i = 0; i < planned->n_inputs; i++) {
        const cc_plan_tensor *tensor = &model->plan.tensors[planned->inputs[i]];
        step.in[i] = find_slot(b, tensor->value);
        if (step.in[i] == UINT32_MAX) {
            return base_fail(b->diag, SY_EFORMAT,
                             "step %" PRIu32 " reads '%s', which no earlier step makes", i_step,
                             tensor->value);
        }
    }
    for (uint32_t i = 0; i < planned->n_outputs; i++) {
        const cc_plan_tensor *tensor = &model->plan.tensors[planned->outputs[i]];
        rt_slot slot = {.name = tensor->value, .from_device = true};
        ir_value *value = b->graph != NULL ? ir_graph_find_value(b->graph, tensor->value) : NULL;
        if (find_slot(b, tensor->value) != UINT32_MAX) {
            return base_fail(b->diag, SY_EFORMAT,
                             "step %" PRIu32 " makes '%s', which is there already", i_step,
                             tensor->value);
        }
        SY_TRY(ir_tensor_init(&slot.tensor, rt_plan_dtype(tensor), tensor->rank, tensor->dims, NULL));
        if (!b->session->options.timing_only) {
            slot.tensor.data = rt_buffer_alloc(slot.tensor.size_bytes);
            if (slot.tensor.data == NULL) {
                return out_of_memory(b->diag);
            }
        }
        const sy_status status = add_slot(b, slot, value, &step.out[i]);
        if (status != SY_OK) {
            rt_buffer_free(slot.tensor.data);
            return status;
        }
    }
    return base_vec_push(arena, &b->steps, step) ? SY_OK : out_of_memory(b->diag);
}

/* ---------------------------------------------------------------- the whole plan */

static sy_status add_inputs(builder *b)
{
    for (uint32_t i = 0; i < rt_model_n_inputs(b->session->model); i++) {
        const rt_model_io io = rt_model_input(b->session->model, i);
        const rt_slot slot = {.name = io.name, .is_input = true, .tensor = {.dtype = io.dtype}};
        uint32_t number;
        SY_TRY(add_slot(b, slot, b->graph != NULL ? b->graph->inputs[i] : NULL, &number));
    }
    return SY_OK;
}

/* What the graph gives and no step of the plan makes is computed at the end; then each output has
 * its slot. */
static sy_status add_outputs(builder *b)
{
    const uint32_t n = rt_model_n_outputs(b->session->model);
    b->session->output_slots = BASE_ARENA_ARRAY(b->session->arena, uint32_t, n);
    ir_value **values = BASE_ARENA_ARRAY(b->session->arena, ir_value *, n);
    if (b->session->output_slots == NULL || values == NULL) {
        return out_of_memory(b->diag);
    }
    if (b->graph != NULL) {
        for (uint32_t i = 0; i < n; i++) {
            values[i] = b->graph->outputs[i]->use.value;
        }
        SY_TRY(add_host_step(b, n, values));
    }
    for (uint32_t i = 0; i < n; i++) {
        const char *name = b->graph != NULL ? values[i]->name
                                            : rt_model_output(b->session->model, i).name;
        b->session->output_slots[i] = find_slot(b, name);
    }
    return SY_OK;
}

sy_status rt_session_prepare(rt_session *session, base_diag *diag)
{
    const cc_plan *plan = &session->model->plan;
    builder b = {.session = session, .diag = diag};
    b.graph = session->model->module != NULL ? session->model->module->main : NULL;
    if (b.graph != NULL) {
        clear_marks(b.graph, NEEDED | AVAILABLE);
    }
    sy_status status = add_inputs(&b);
    for (uint32_t i = 0; i < plan->n_steps && status == SY_OK; i++) {
        const cc_plan_step *planned = &plan->steps[i];
        status = planned->entry != NULL ? plan_device_step(&b, i, planned)
                                        : plan_host_step(&b, i, planned);
    }
    if (status == SY_OK) {
        status = add_outputs(&b);
    }
    /* Also after a failure: rt_session_free releases what there is. */
    session->slots = b.slots.items;
    session->n_slots = (uint32_t)b.slots.n;
    session->steps = b.steps.items;
    session->n_steps = (uint32_t)b.steps.n;
    session->stats.n_steps = session->n_steps;
    return status;
}
