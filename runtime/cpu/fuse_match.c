/*
 * fuse_match.c -- small helps for rules that recognise several operators as one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuse_match.h"

#include <math.h>

bool rt_pattern_add(rt_pattern *p, uint32_t step)
{
    uint32_t at = p->n_steps;
    for (uint32_t i = 0; i < p->n_steps; i++) {
        if (p->steps[i] == step) {
            return true;
        }
    }
    if (step == RT_NONE || p->n_steps == RT_PATTERN_STEPS) {
        return false;
    }
    for (; at > 0 && p->steps[at - 1] > step; at--) {
        p->steps[at] = p->steps[at - 1];
    }
    p->steps[at] = step;
    p->n_steps++;
    return true;
}

bool rt_pattern_closed(const rt_pattern *p, uint32_t result)
{
    const rt_fusion *f = p->f;
    for (uint32_t i = 0; i < p->n_steps; i++) {
        const rt_step *made = &f->steps.items[p->steps[i]];
        for (uint32_t k = 0; k < made->n_outputs; k++) {
            const uint32_t s = made->outputs[k];
            uint32_t n = 0;
            for (uint32_t j = 0; s != RT_NONE && j < p->n_steps; j++) {
                const rt_step *user = &f->steps.items[p->steps[j]];
                for (uint32_t m = 0; m < user->n_inputs; m++) {
                    n += user->inputs[m] == s;
                }
            }
            if (s != RT_NONE && s != result && n != f->n_uses[s]) {
                return false;
            }
        }
    }
    return true;
}

sy_status rt_pattern_merge(rt_fusion *f, const rt_pattern *p, const ir_node *node,
                           const rt_kernel *kernel, void *state, uint32_t n_inputs,
                           const uint32_t *inputs, uint32_t result)
{
    const rt_merge m = {.node = node,
                        .kernel = kernel,
                        .state = state,
                        .n_steps = p->n_steps,
                        .steps = p->steps,
                        .n_inputs = n_inputs,
                        .inputs = inputs,
                        .n_outputs = 1,
                        .outputs = &result};
    return rt_fuse_merge(f, &m);
}

uint32_t rt_match_maker(const rt_fusion *f, uint32_t s, uint32_t opcode)
{
    const uint32_t i = rt_fuse_maker(f, s);
    return rt_fuse_is(f, i, opcode) ? i : RT_NONE;
}

uint32_t rt_match_input(const rt_fusion *f, uint32_t i, uint32_t k)
{
    return i != RT_NONE && k < f->steps.items[i].n_inputs ? f->steps.items[i].inputs[k] : RT_NONE;
}

uint32_t rt_match_output(const rt_fusion *f, uint32_t i)
{
    return i != RT_NONE && f->steps.items[i].n_outputs > 0 ? f->steps.items[i].outputs[0] : RT_NONE;
}

bool rt_match_with(const rt_fusion *f, uint32_t i, uint32_t opcode, uint32_t s, uint32_t *other)
{
    if (!rt_fuse_is(f, i, opcode) || f->steps.items[i].n_inputs != 2 || s == RT_NONE) {
        return false;
    }
    const uint32_t *in = f->steps.items[i].inputs;
    if (in[0] != s && in[1] != s) {
        return false;
    }
    *other = in[0] == s ? in[1] : in[0];
    return *other != RT_NONE;
}

bool rt_match_scalar(const rt_fusion *f, uint32_t s, float *v)
{
    const ir_tensor *t = s != RT_NONE ? f->slots.items[s].constant : NULL;
    if (t == NULL || t->dtype != SY_DT_F32 || t->data == NULL || ir_tensor_n_elements(t) != 1) {
        return false;
    }
    *v = *(const float *)t->data;
    return true;
}

bool rt_match_value(const rt_fusion *f, uint32_t s, double v)
{
    float found;
    return rt_match_scalar(f, s, &found) && fabs((double)found - v) <= 0x1p-22 * fabs(v);
}

bool rt_match_same_shape(const rt_fusion *f, uint32_t a, uint32_t b)
{
    const ir_tensor *ca = f->slots.items[a].constant, *cb = f->slots.items[b].constant;
    const ir_type *x = &f->slots.items[a].value->type, *y = &f->slots.items[b].value->type;
    const int32_t rank = rt_fuse_rank(f, a);
    if (rank < 0 || rank != rt_fuse_rank(f, b)) {
        return false;
    }
    for (int32_t i = 0; i < rank; i++) {
        const int64_t size = rt_fuse_dim(f, a, i);
        const bool symbol = ca == NULL && cb == NULL && x->dims[i] == y->dims[i];
        if (!symbol && (size < 0 || size != rt_fuse_dim(f, b, i))) {
            return false;
        }
    }
    return true;
}
