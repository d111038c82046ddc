/*
 * run.c -- runs a plan.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One run. */
typedef struct run {
    rt_cpu_plan *plan;
    rt_layout *layout;
    rt_frame *frame;
    const ir_tensor *const *inputs;
    ir_tensor *const *outputs;
    bool cached; /* the layout stays */
    const rt_cpu_run_options *options;
    base_diag *diag;
} run;

/* ---------------------------------------------------------------- frames */

void rt_frame_destroy(rt_frame *frame)
{
    if (frame != NULL) {
        rt_buffer_free(frame->block);
        rt_scratch_free(&frame->scratch);
        base_arena_destroy(frame->kernels);
        base_arena_destroy(frame->arena);
    }
}

static rt_frame *frame_create(const rt_cpu_plan *plan)
{
    base_arena *arena = base_arena_create();
    rt_frame *f = arena != NULL ? BASE_ARENA_NEW(arena, rt_frame) : NULL;
    if (f == NULL) {
        base_arena_destroy(arena);
        return NULL;
    }
    f->arena = arena;
    f->kernels = base_arena_create();
    f->tensors = BASE_ARENA_ARRAY(arena, ir_tensor, plan->n_slots);
    f->owned = BASE_ARENA_ARRAY(arena, void *, plan->n_slots);
    f->inputs = BASE_ARENA_ARRAY(arena, const ir_tensor *, plan->max_operands);
    f->outputs = BASE_ARENA_ARRAY(arena, ir_tensor *, plan->max_operands);
    f->allocated = BASE_ARENA_ARRAY(arena, bool, plan->n_live_out);
    f->filled = BASE_ARENA_ARRAY(arena, bool, plan->n_live_out);
    if (f->kernels == NULL || f->tensors == NULL || f->owned == NULL || f->inputs == NULL ||
        f->outputs == NULL || f->allocated == NULL || f->filled == NULL) {
        rt_frame_destroy(f);
        return NULL;
    }
    return f;
}

static rt_frame *frame_take(rt_cpu_plan *plan)
{
    (void)pthread_mutex_lock(&plan->lock);
    rt_frame *f = plan->frames;
    if (f != NULL) {
        plan->frames = f->next;
    }
    (void)pthread_mutex_unlock(&plan->lock);
    return f != NULL ? f : frame_create(plan);
}

static void frame_give(rt_cpu_plan *plan, rt_frame *f)
{
    (void)pthread_mutex_lock(&plan->lock);
    f->next = plan->frames;
    plan->frames = f;
    (void)pthread_mutex_unlock(&plan->lock);
}

/* ---------------------------------------------------------------- inputs */

static void shape_text(const ir_tensor *t, char *text, size_t n_bytes)
{
    size_t at = 0;
    text[0] = '\0';
    for (int32_t i = 0; i < t->rank && at < n_bytes; i++) {
        const int n = snprintf(text + at, n_bytes - at, "%s%" PRId64, i > 0 ? "," : "", t->dims[i]);
        at += n > 0 ? (size_t)n : 0;
    }
}

static const char *kind_text(ir_type_kind kind)
{
    switch (kind) {
    case IR_TYPE_UNKNOWN:
    case IR_TYPE_TENSOR:
        break;
    case IR_TYPE_SEQUENCE:
        return "a sequence";
    case IR_TYPE_OPTIONAL:
        return "an optional";
    case IR_TYPE_MAP:
        return "a map";
    }
    return "a tensor";
}

static sy_status check_inputs(const run *r)
{
    for (uint32_t i = 0; i < r->plan->n_live_in; i++) {
        const ir_value *v = r->plan->live_in[i];
        const ir_tensor *t = r->inputs[i];
        if (t == NULL || (t->data == NULL && t->size_bytes > 0)) {
            return base_fail(r->diag, SY_EINVAL, "input '%s' is missing", v->name);
        }
        if (v->type.kind != IR_TYPE_UNKNOWN &&
            ir_tensor_is_list(t) != (v->type.kind != IR_TYPE_TENSOR)) {
            return base_fail(r->diag, SY_EINVAL, "input '%s': expected %s, got %s", v->name,
                             kind_text(v->type.kind), kind_text(t->kind));
        }
        if (v->type.kind != IR_TYPE_TENSOR) {
            continue;
        }
        if (v->type.dtype != SY_DT_NONE && v->type.dtype != t->dtype) {
            return base_fail(r->diag, SY_EINVAL, "input '%s': expected %s, got %s", v->name,
                             sy_dtype_name(v->type.dtype), sy_dtype_name(t->dtype));
        }
        bool fits = !v->type.has_rank || v->type.rank == t->rank;
        for (int32_t a = 0; fits && v->type.has_rank && a < t->rank; a++) {
            int64_t size;
            fits = !ir_dim_is_const(v->type.dims[a], &size) || size == t->dims[a];
        }
        if (!fits) {
            ir_tensor wanted = {.rank = v->type.rank};
            char want[256], got[256];
            for (int32_t a = 0; a < wanted.rank; a++) {
                wanted.dims[a] = -1;
                (void)ir_dim_is_const(v->type.dims[a], &wanted.dims[a]);
            }
            shape_text(&wanted, want, sizeof want);
            shape_text(t, got, sizeof got);
            return base_fail(r->diag, SY_ESHAPE, "input '%s': expected [%s]%s, got [%s]", v->name,
                             want, strchr(want, '-') != NULL ? " (-1: any size)" : "", got);
        }
    }
    return SY_OK;
}

static sy_status save(const run *r, uint32_t s)
{
    if (r->options == NULL || r->options->save == NULL) {
        return SY_OK;
    }
    return r->options->save(r->options->save_user, r->plan->slots[s].value, &r->frame->tensors[s]);
}

/* Types, constants, and places of results. */
static void take_layout(rt_frame *f, const rt_cpu_plan *plan, const rt_layout *l)
{
    for (uint32_t s = 0; s < plan->n_slots; s++) {
        f->tensors[s] = l->tensors[s];
        f->owned[s] = NULL;
        if (!l->dynamic && l->offsets[s] != SIZE_MAX) {
            f->tensors[s].data = (char *)f->block + l->offsets[s];
        }
    }
}

/* Types and data of everything that is there before the first step; places of results. */
static sy_status start(run *r)
{
    rt_cpu_plan *plan = r->plan;
    rt_frame *f = r->frame;
    const rt_layout *l = r->layout;
    if (!l->dynamic && f->block_bytes < l->block_bytes) {
        rt_buffer_free(f->block);
        f->block = rt_buffer_alloc(l->block_bytes);
        f->block_bytes = f->block != NULL ? l->block_bytes : 0;
        f->ready = NULL;
        if (f->block == NULL) {
            return base_fail(r->diag, SY_ENOMEM,
                             "out of memory: %zu bytes for intermediate results", l->block_bytes);
        }
    }
    if (f->ready != l) {
        take_layout(f, plan, l);
        f->ready = r->cached && !l->dynamic ? l : NULL;
    }
    for (uint32_t i = 0; i < plan->n_live_out; i++) {
        const uint32_t s = plan->live_out[i];
        f->tensors[s].data = l->tensors[s].data; /* the caller brings another buffer each time */
    }
    for (uint32_t i = 0; i < plan->n_live_in; i++) { /* the first slots */
        f->tensors[i] = *r->inputs[i];
    }
    for (uint32_t s = 0; r->options != NULL && r->options->save != NULL && s < plan->n_slots; s++) {
        if (plan->slots[s].live_in != RT_NONE || plan->slots[s].folded) {
            SY_TRY(save(r, s));
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- results */

/* Gives output i the type of t and room for it. */
static sy_status output_room(run *r, uint32_t i, const ir_tensor *t)
{
    ir_tensor *o = r->outputs[i];
    const size_t room = o->size_bytes;
    void *data = o->data;
    if (data == NULL) {
        data = rt_buffer_alloc(t->size_bytes);
        if (data == NULL) {
            return base_fail(r->diag, SY_ENOMEM, "out of memory: %zu bytes for a result",
                             t->size_bytes);
        }
        r->frame->allocated[i] = true;
    } else if (room < t->size_bytes) {
        return base_fail(r->diag, SY_ESHAPE, "result '%s' takes %zu bytes, the buffer has %zu",
                         r->plan->slots[r->plan->live_out[i]].value->name, t->size_bytes, room);
    }
    *o = *t;
    o->data = data;
    return SY_OK;
}

/* Room for the result in slot s; its type is known. */
static sy_status result_room(run *r, uint32_t s)
{
    const rt_slot *slot = &r->plan->slots[s];
    ir_tensor *t = &r->frame->tensors[s];
    if (slot->live_out != RT_NONE && slot->view_of == RT_NONE &&
        r->outputs[slot->live_out] != NULL) {
        SY_TRY(output_room(r, slot->live_out, t));
        r->frame->filled[slot->live_out] = true;
        t->data = r->outputs[slot->live_out]->data;
    } else if (t->data == NULL) {
        t->data = r->frame->owned[s] = rt_buffer_alloc(t->size_bytes);
        if (t->data == NULL) {
            return base_fail(r->diag, SY_ENOMEM, "out of memory: %zu bytes for '%s'", t->size_bytes,
                             slot->value->name);
        }
    }
    return SY_OK;
}

/* What is wanted but was not made in place: views, inputs and constants passed through, results
 * wanted twice. */
static sy_status copy_outputs(run *r)
{
    for (uint32_t i = 0; i < r->plan->n_live_out; i++) {
        if (r->outputs[i] != NULL && !r->frame->filled[i]) {
            const ir_tensor *t = &r->frame->tensors[r->plan->live_out[i]];
            SY_TRY(output_room(r, i, t));
            if (t->size_bytes > 0) {
                memcpy(r->outputs[i]->data, t->data, t->size_bytes);
            }
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- steps */

/* Memory for a result whose size only its kernel knows. */
static sy_status kernel_room(void *user, ir_tensor *t)
{
    run *r = user;
    return result_room(r, (uint32_t)(t - r->frame->tensors));
}

static sy_status run_kernel(run *r, const rt_step *step)
{
    rt_frame *f = r->frame;
    const ir_kernel_args args = {
        .node = step->node,
        .n_inputs = step->n_inputs,
        .inputs = f->inputs,
        .n_outputs = step->n_outputs,
        .outputs = f->outputs,
        .scratch = f->kernels,
        .diag = r->diag,
        .room = kernel_room,
        .room_user = r,
    };
    if (step->fast == NULL) {
        const sy_status status = step->plain(&args);
        base_arena_reset(f->kernels);
        return status;
    }
    const rt_env env = {.cpu = r->plan->cpu,
                        .scratch = &f->scratch,
                        .step = step,
                        .n_slots = r->plan->n_slots,
                        .slots = f->tensors};
    const sy_status status = step->fast->run(&args, &env, step->state);
    base_arena_reset(f->kernels);
    return status;
}

/* Results of control flow come with buffers of their own, unless their places are known. */
static sy_status run_control(run *r, const rt_step *step)
{
    rt_frame *f = r->frame;
    if (!r->layout->dynamic) {
        for (uint32_t k = 0; k < step->n_outputs; k++) {
            if (step->outputs[k] != RT_NONE) {
                SY_TRY(result_room(r, step->outputs[k]));
            }
        }
        return rt_control_run(step, f->tensors, f->inputs, f->outputs, r->options, r->diag);
    }
    for (uint32_t k = 0; k < step->n_outputs; k++) {
        if (f->outputs[k] != NULL) {
            f->outputs[k]->data = NULL;
        }
    }
    SY_TRY(rt_control_run(step, f->tensors, f->inputs, f->outputs, r->options, r->diag));
    for (uint32_t k = 0; k < step->n_outputs; k++) {
        if (f->outputs[k] != NULL) {
            f->owned[step->outputs[k]] = f->outputs[k]->data;
        }
    }
    return SY_OK;
}

static void take_operands(rt_frame *f, const rt_step *step)
{
    for (uint32_t k = 0; k < step->n_inputs; k++) {
        f->inputs[k] = step->inputs[k] != RT_NONE ? &f->tensors[step->inputs[k]] : NULL;
    }
    for (uint32_t k = 0; k < step->n_outputs; k++) {
        f->outputs[k] = step->outputs[k] != RT_NONE ? &f->tensors[step->outputs[k]] : NULL;
    }
}

/* Types of the results, where shapes depend on data. */
static sy_status infer_now(run *r, const rt_step *step)
{
    rt_frame *f = r->frame;
    for (uint32_t p = 0; p < step->n_parts; p++) {
        SY_TRY(infer_now(r, &step->parts[p]));
    }
    if (step->n_parts > 0) {
        return SY_OK;
    }
    take_operands(f, step);
    if (step->view && f->inputs[0] != NULL && ir_tensor_is_list(f->inputs[0])) {
        return SY_OK;
    }
    if (step->converts) {
        *f->outputs[0] = *f->inputs[0];
        f->outputs[0]->data = NULL;
        return SY_OK;
    }
    const bool alloc = (step->node->op->props & IR_P_ALLOC) != 0;
    if (!alloc) {
        SY_TRY(ir_infer_tensors(step->node, f->kernels, step->n_inputs, f->inputs, step->n_outputs,
                                f->outputs, r->diag));
        base_arena_reset(f->kernels);
    }
    for (uint32_t k = 0; k < step->n_outputs; k++) {
        if (f->outputs[k] != NULL && alloc) {
            *f->outputs[k] = (ir_tensor){0};
        } else if (f->outputs[k] != NULL) {
            f->outputs[k]->data = NULL;
        }
    }
    return SY_OK;
}

static sy_status run_step(run *r, uint32_t i)
{
    rt_frame *f = r->frame;
    const rt_step *step = &r->plan->steps[i];
    const bool alloc = !step->converts && step->node->op != NULL &&
                       (step->node->op->props & IR_P_ALLOC) != 0;
    if (r->layout->dynamic && step->n_regions == 0) {
        SY_TRY(infer_now(r, step));
    }
    take_operands(f, step);
    if (step->n_regions > 0) {
        return run_control(r, step);
    }
    if (!r->layout->dynamic && r->layout->done[i]) {
        return SY_OK;
    }
    if (r->layout->dynamic && step->view && f->inputs[0] != NULL && f->outputs[0] != NULL &&
        ir_tensor_is_list(f->inputs[0])) {
        *f->outputs[0] = *f->inputs[0];
        return SY_OK;
    }
    if (step->view && f->inputs[0] != NULL && f->outputs[0] != NULL) {
        f->outputs[0]->data = f->inputs[0]->data;
        if (f->outputs[0]->dtype == SY_DT_STRING) {
            f->outputs[0]->size_bytes = f->inputs[0]->size_bytes;
        }
        if (f->outputs[0]->size_bytes != f->inputs[0]->size_bytes) {
            return base_fail(r->diag, SY_ESHAPE, "%zu bytes cannot become %zu",
                             f->inputs[0]->size_bytes, f->outputs[0]->size_bytes);
        }
        return SY_OK;
    }
    for (uint32_t k = 0; k < step->n_outputs; k++) {
        if (step->outputs[k] != RT_NONE && !alloc && f->outputs[k]->dtype != SY_DT_STRING) {
            SY_TRY(result_room(r, step->outputs[k]));
        }
    }
    SY_TRY(run_kernel(r, step));
    for (uint32_t k = 0; k < step->n_outputs; k++) {
        if (f->outputs[k] != NULL && f->outputs[k]->data == NULL) { /* an empty one, or a fault of the kernel */
            SY_TRY(result_room(r, step->outputs[k]));
        }
    }
    return SY_OK;
}

static void release(run *r, uint32_t s, uint32_t i)
{
    if (s != RT_NONE) {
        s = rt_slot_root(r->plan, s);
        if (r->frame->owned[s] != NULL && r->plan->slots[s].last == i) {
            rt_buffer_free(r->frame->owned[s]);
            r->frame->owned[s] = NULL;
        }
    }
}

/* Frees what step i was the last to use. */
static void release_after(run *r, uint32_t i)
{
    const rt_step *step = &r->plan->steps[i];
    for (uint32_t k = 0; k < step->n_inputs; k++) {
        release(r, step->inputs[k], i);
    }
    for (uint32_t k = 0; k < step->n_outputs; k++) {
        release(r, step->outputs[k], i);
    }
    for (uint32_t g = 0; g < step->n_regions; g++) {
        for (uint32_t k = 0; k < step->regions[g].n_captures; k++) {
            release(r, step->regions[g].captures[k], i);
        }
    }
}

static sy_status run_steps(run *r)
{
    const rt_cpu_run_options *o = r->options;
    SY_TRY(start(r));
    for (uint32_t i = 0; i < r->plan->n_steps; i++) {
        const rt_step *step = &r->plan->steps[i];
        if (o != NULL && o->cancelled != NULL && o->cancelled(o->cancelled_user)) {
            return base_fail(r->diag, SY_ECANCELLED, "cancelled");
        }
        const sy_status status = run_step(r, i);
        if (status != SY_OK) {
            return status == SY_ECANCELLED ? status : rt_node_failed(r->diag, step->node, status);
        }
        for (uint32_t k = 0; k < step->n_outputs; k++) {
            if (step->outputs[k] != RT_NONE) {
                SY_TRY(save(r, step->outputs[k]));
            }
        }
        if (r->layout->dynamic) {
            release_after(r, i);
        }
    }
    return copy_outputs(r);
}

/* Buffers that a run took and did not give away. In a static layout only unwanted results have some. */
static void release_all(run *r)
{
    rt_frame *f = r->frame;
    const bool dynamic = r->layout->dynamic;
    const uint32_t n = dynamic ? r->plan->n_slots : r->plan->n_live_out;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t s = dynamic ? i : r->plan->live_out[i];
        rt_buffer_free(f->owned[s]);
        f->owned[s] = NULL;
    }
}

static sy_status run_in_frame(run *r)
{
    rt_frame *f = r->frame;
    const uint32_t n = r->plan->n_live_out;
    memset(f->allocated, 0, n * sizeof *f->allocated);
    memset(f->filled, 0, n * sizeof *f->filled);
    const sy_status status = run_steps(r);
    release_all(r);
    for (uint32_t i = 0; status != SY_OK && i < n; i++) {
        if (f->allocated[i]) {
            rt_buffer_free(r->outputs[i]->data);
            r->outputs[i]->data = NULL;
        }
    }
    return status;
}

/* The plan with one step per node, made when it is first asked for. */
static sy_status plain_plan(rt_cpu_plan *plan, base_diag *diag, rt_cpu_plan **out)
{
    (void)pthread_mutex_lock(&plan->lock);
    sy_status status = SY_OK;
    if (plan->plain == NULL) {
        status = rt_plan_make(plan->cpu, false, plan->n_nodes, plan->nodes, plan->n_live_in,
                              plan->live_in, plan->n_live_out, plan->wanted, diag, &plan->plain);
    }
    *out = plan->plain;
    (void)pthread_mutex_unlock(&plan->lock);
    return status;
}

sy_status rt_cpu_plan_run(rt_cpu_plan *plan, const ir_tensor *const *inputs,
                          ir_tensor *const *outputs, const rt_cpu_run_options *options,
                          base_diag *diag)
{
    base_diag_clear(diag);
    if (plan->fused && options != NULL && options->save != NULL) {
        SY_TRY(plain_plan(plan, diag, &plan));
    }
    run r = {.plan = plan, .inputs = inputs, .outputs = outputs, .options = options, .diag = diag};
    SY_TRY(check_inputs(&r));
    r.cached = true;
    sy_status status = rt_layout_get(plan, inputs, diag, &r.layout, &r.cached);
    if (status == SY_OK) {
        r.frame = frame_take(plan);
        status = r.frame != NULL ? run_in_frame(&r) : SY_ENOMEM;
        if (r.frame != NULL) {
            frame_give(plan, r.frame);
        }
        if (!r.cached) {
            rt_layout_destroy(r.layout);
        }
    }
    if (status == SY_ENOMEM && base_diag_message(diag)[0] == '\0') {
        (void)base_fail(diag, status, "out of memory");
    }
    return status;
}

sy_status rt_cpu_plan_memory(rt_cpu_plan *plan, const ir_tensor *const *inputs, base_diag *diag,
                             size_t *out)
{
    rt_layout *layout = NULL;
    bool cached = true;
    SY_TRY(rt_layout_get(plan, inputs, diag, &layout, &cached));
    *out = layout->block_bytes;
    if (!cached) {
        rt_layout_destroy(layout);
    }
    return SY_OK;
}
