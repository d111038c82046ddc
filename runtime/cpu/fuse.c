/*
 * fuse.c -- what the rules that merge steps share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuse.h"

#include "fast_internal.h"

#include <string.h>

static const struct {
    const char *name;
    rt_fuse_fn apply;
} rules[] = {
#define RULE(name, fn, summary) {name, fn},
#include "fuse_rules.def"
#undef RULE
    {NULL, NULL},
};

/* ---------------------------------------------------------------- uses */

static void count_use(rt_fusion *f, uint32_t s, uint32_t user, bool add)
{
    if (s != RT_NONE) {
        f->n_uses[s] += add ? 1u : UINT32_MAX;
        f->users[s] ^= user;
    }
}

static void count_step(rt_fusion *f, uint32_t i, bool add)
{
    const rt_step *step = &f->steps.items[i];
    for (uint32_t k = 0; k < step->n_inputs; k++) {
        count_use(f, step->inputs[k], i, add);
    }
    for (uint32_t k = 0; k < step->n_outputs; k++) {
        if (step->outputs[k] != RT_NONE) {
            f->maker[step->outputs[k]] = add ? i : RT_NONE;
        }
    }
    for (uint32_t r = 0; r < step->n_regions; r++) {
        for (uint32_t k = 0; k < step->regions[r].n_captures; k++) {
            count_use(f, step->regions[r].captures[k], RT_NONE, add);
        }
    }
}

static sy_status count_all(rt_fusion *f)
{
    f->maker = BASE_ARENA_ARRAY(f->scratch, uint32_t, f->slots.n);
    f->n_uses = BASE_ARENA_ARRAY(f->scratch, uint32_t, f->slots.n);
    f->users = BASE_ARENA_ARRAY(f->scratch, uint32_t, f->slots.n);
    if (f->maker == NULL || f->n_uses == NULL || f->users == NULL) {
        return SY_ENOMEM;
    }
    for (size_t s = 0; s < f->slots.n; s++) {
        f->maker[s] = RT_NONE;
    }
    for (uint32_t i = 0; i < f->steps.n; i++) {
        count_step(f, i, true);
    }
    for (uint32_t i = 0; i < f->n_live_out; i++) {
        count_use(f, f->live_out[i], RT_NONE, true);
    }
    return SY_OK;
}

sy_status rt_fuse(rt_fusion *f)
{
    SY_TRY(count_all(f));
    for (size_t r = 0; rules[r].apply != NULL; r++) {
        for (uint32_t i = 0; i < f->steps.n; i++) {
            bool changed = true;
            while (changed && f->steps.items[i].node != NULL) {
                changed = false;
                SY_TRY(rules[r].apply(f, i, &changed));
            }
        }
    }
    size_t n = 0;
    for (size_t i = 0; i < f->steps.n; i++) {
        if (f->steps.items[i].node != NULL) {
            f->steps.items[n++] = f->steps.items[i];
        }
    }
    f->steps.n = n;
    return SY_OK;
}

/* ---------------------------------------------------------------- for rules */

uint32_t rt_fuse_maker(const rt_fusion *f, uint32_t s)
{
    return s != RT_NONE ? f->maker[s] : RT_NONE;
}

uint32_t rt_fuse_only_user(const rt_fusion *f, uint32_t s)
{
    return s != RT_NONE && f->n_uses[s] == 1 ? f->users[s] : RT_NONE;
}

bool rt_fuse_is(const rt_fusion *f, uint32_t i, uint32_t opcode)
{
    return i != RT_NONE && f->steps.items[i].node != NULL && f->steps.items[i].n_parts == 0 &&
           !f->steps.items[i].wide && ir_node_is(f->steps.items[i].node, opcode);
}

const ir_tensor *rt_fuse_constant(const rt_fusion *f, uint32_t i, uint32_t k)
{
    const rt_step *step = &f->steps.items[i];
    return k < step->n_inputs && step->inputs[k] != RT_NONE
               ? f->slots.items[step->inputs[k]].constant
               : NULL;
}

sy_dtype rt_fuse_dtype(const rt_fusion *f, uint32_t s)
{
    const rt_slot *slot = &f->slots.items[s];
    if (slot->constant != NULL) {
        return slot->constant->dtype;
    }
    return slot->value->type.kind == IR_TYPE_TENSOR ? slot->value->type.dtype : SY_DT_NONE;
}

int32_t rt_fuse_rank(const rt_fusion *f, uint32_t s)
{
    const rt_slot *slot = &f->slots.items[s];
    if (slot->constant != NULL) {
        return slot->constant->rank;
    }
    const ir_type *type = &slot->value->type;
    return type->kind == IR_TYPE_TENSOR && type->has_rank ? type->rank : -1;
}

int64_t rt_fuse_dim(const rt_fusion *f, uint32_t s, int32_t axis)
{
    const rt_slot *slot = &f->slots.items[s];
    const int32_t rank = rt_fuse_rank(f, s);
    int64_t size = -1;
    if (axis < 0 || axis >= rank) {
        return -1;
    }
    if (slot->constant != NULL) {
        return slot->constant->dims[axis];
    }
    return ir_dim_is_const(slot->value->type.dims[axis], &size) ? size : -1;
}

/* The parts of the merged step: the steps themselves, or theirs if they were merged before. */
static rt_step *join_parts(rt_fusion *f, const rt_merge *m, uint32_t *n)
{
    *n = 0;
    for (uint32_t i = 0; i < m->n_steps; i++) {
        const rt_step *step = &f->steps.items[m->steps[i]];
        *n += step->n_parts > 0 ? step->n_parts : 1;
    }
    rt_step *parts = BASE_ARENA_ARRAY(f->arena, rt_step, *n);
    for (uint32_t i = 0, at = 0; parts != NULL && i < m->n_steps; i++) {
        const rt_step *step = &f->steps.items[m->steps[i]];
        const uint32_t count = step->n_parts > 0 ? step->n_parts : 1;
        memcpy(parts + at, step->n_parts > 0 ? step->parts : step, count * sizeof *parts);
        at += count;
    }
    return parts;
}

sy_status rt_fuse_merge(rt_fusion *f, const rt_merge *m)
{
    const uint32_t at = m->steps[m->n_steps - 1];
    rt_step merged = {.node = m->node,
                      .n_inputs = m->n_inputs,
                      .n_outputs = m->n_outputs,
                      .inputs = base_arena_memdup(f->arena, m->inputs, m->n_inputs, sizeof(uint32_t)),
                      .outputs = base_arena_memdup(f->arena, m->outputs, m->n_outputs,
                                                   sizeof(uint32_t)),
                      .fast = m->kernel,
                      .state = m->state};
    merged.parts = join_parts(f, m, &merged.n_parts);
    if (merged.inputs == NULL || merged.outputs == NULL || merged.parts == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < m->n_steps; i++) {
        count_step(f, m->steps[i], false);
        f->steps.items[m->steps[i]].node = NULL;
    }
    for (uint32_t i = 0; i < merged.n_parts; i++) {
        const rt_step *part = &merged.parts[i];
        for (uint32_t k = 0; k < part->n_outputs; k++) {
            if (part->outputs[k] != RT_NONE) {
                f->slots.items[part->outputs[k]].interior = true;
                f->slots.items[part->outputs[k]].view_of = RT_NONE;
            }
        }
    }
    for (uint32_t k = 0; k < m->n_outputs; k++) {
        if (m->outputs[k] != RT_NONE) {
            f->slots.items[m->outputs[k]].interior = false;
        }
    }
    f->steps.items[at] = merged;
    count_step(f, at, true);
    return SY_OK;
}

/* ---------------------------------------------------------------- for kernels */

/* The parts' results: the step's own go where the caller wants them, others into scratch memory. */
static sy_status part_room(const ir_kernel_args *args, const rt_env *env, uint32_t s,
                           ir_tensor *tensors)
{
    const rt_step *step = env->step;
    for (uint32_t k = 0; k < step->n_outputs; k++) {
        if (step->outputs[k] == s) {
            tensors[s] = *args->outputs[k];
            return SY_OK;
        }
    }
    tensors[s].data = base_arena_alloc(args->scratch, tensors[s].size_bytes + 1, 1);
    return tensors[s].data != NULL ? SY_OK : SY_ENOMEM;
}

static sy_status run_part(const ir_kernel_args *args, const rt_env *env, const rt_step *part,
                          ir_tensor *tensors)
{
    const ir_tensor **inputs = BASE_ARENA_ARRAY(args->scratch, const ir_tensor *, part->n_inputs);
    ir_tensor **outputs = BASE_ARENA_ARRAY(args->scratch, ir_tensor *, part->n_outputs);
    if (inputs == NULL || outputs == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t k = 0; k < part->n_inputs; k++) {
        inputs[k] = part->inputs[k] != RT_NONE ? &tensors[part->inputs[k]] : NULL;
    }
    for (uint32_t k = 0; k < part->n_outputs; k++) {
        if (part->outputs[k] != RT_NONE) {
            SY_TRY(part_room(args, env, part->outputs[k], tensors));
            outputs[k] = &tensors[part->outputs[k]];
        }
    }
    if (part->view) {
        memcpy(outputs[0]->data, inputs[0]->data, outputs[0]->size_bytes);
        return SY_OK;
    }
    const ir_kernel_args own = {.node = part->node,
                                .n_inputs = part->n_inputs,
                                .inputs = inputs,
                                .n_outputs = part->n_outputs,
                                .outputs = outputs,
                                .scratch = args->scratch,
                                .diag = args->diag};
    if (part->fast != NULL && part->fast->prepare == NULL) {
        rt_env inner = *env;
        inner.step = part;
        return part->fast->run(&own, &inner, NULL);
    }
    return part->plain(&own);
}

sy_status rt_run_parts(const ir_kernel_args *args, const rt_env *env)
{
    const rt_step *step = env->step;
    ir_tensor *tensors = base_arena_memdup(args->scratch, env->slots, env->n_slots,
                                           sizeof *tensors);
    if (tensors == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < step->n_parts; i++) {
        SY_TRY(run_part(args, env, &step->parts[i], tensors));
    }
    return SY_OK;
}
