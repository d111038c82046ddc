/*
 * fuse_conv.c -- the rule for convolutions: what follows one goes into its weights and its epilogue.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "channels_last.h"

#include <math.h>
#include <string.h>

#define MAX_PARTS 12
#define LOOK_AHEAD 12 /* steps between the two users of a value */

/* A convolution that grows. */
typedef struct growth {
    rt_fusion *f;
    uint32_t n_steps, steps[MAX_PARTS];
    uint32_t inputs[4]; /* of rt_conv_kernel */
    uint32_t y;         /* the result so far */
    int64_t n_out;
    rt_conv_fusion *fusion;
    double *scale, *shift; /* [n_out] */
    bool scaled;
    bool activated, added;
} growth;

static bool is_f32_vector(const ir_tensor *t, int64_t n)
{
    return t != NULL && t->dtype == SY_DT_F32 && ir_tensor_n_elements(t) == n;
}

/* One f32 number for every output channel, or one for all, that broadcasts against the result. */
static const float *per_channel(const growth *g, const ir_tensor *t, int64_t *step)
{
    const int32_t rank = rt_fuse_rank(g->f, g->y);
    if (t == NULL || t->dtype != SY_DT_F32 || t->rank > rank) {
        return NULL;
    }
    const int64_t n = ir_tensor_n_elements(t);
    *step = n == 1 ? 0 : 1;
    if (n == 1) {
        return t->data;
    }
    const int32_t channel = 1 - (rank - t->rank);
    return channel >= 0 && n == g->n_out && t->dims[channel] == n ? t->data : NULL;
}

static void add_step(growth *g, uint32_t i)
{
    g->steps[g->n_steps++] = i;
    g->y = g->f->steps.items[i].outputs[0];
}

/* ---------------------------------------------------------------- scale and shift */

static bool take_batchnorm(growth *g, uint32_t i)
{
    const rt_step *step = &g->f->steps.items[i];
    if (!rt_fuse_is(g->f, i, IR_OP_BATCHNORM) || step->inputs[0] != g->y || g->activated ||
        g->added || ir_node_int(step->node, "training_mode", 0) != 0) {
        return false;
    }
    for (uint32_t k = 1; k < step->n_outputs; k++) {
        if (step->outputs[k] != RT_NONE) {
            return false;
        }
    }
    const ir_tensor *p[4];
    for (uint32_t k = 0; k < 4; k++) {
        p[k] = rt_fuse_constant(g->f, i, k + 1);
        if (!is_f32_vector(p[k], g->n_out)) {
            return false;
        }
    }
    const double epsilon = (double)ir_node_float(step->node, "epsilon", 1e-5f);
    const float *weight = p[0]->data, *bias = p[1]->data, *mean = p[2]->data, *variance = p[3]->data;
    for (int64_t m = 0; m < g->n_out; m++) {
        const double factor = (double)weight[m] / sqrt((double)variance[m] + epsilon);
        g->scale[m] *= factor;
        g->shift[m] = (g->shift[m] - (double)mean[m]) * factor + (double)bias[m];
    }
    g->scaled = true;
    add_step(g, i);
    return true;
}

static bool take_arithmetic(growth *g, uint32_t i)
{
    const rt_step *step = &g->f->steps.items[i];
    const bool add = rt_fuse_is(g->f, i, IR_OP_ADD), sub = rt_fuse_is(g->f, i, IR_OP_SUB);
    const bool mul = rt_fuse_is(g->f, i, IR_OP_MUL), div = rt_fuse_is(g->f, i, IR_OP_DIV);
    if ((!add && !sub && !mul && !div) || g->activated || g->added || step->n_inputs != 2) {
        return false;
    }
    const uint32_t other = step->inputs[0] == g->y ? 1 : 0;
    int64_t stride;
    const float *v = per_channel(g, rt_fuse_constant(g->f, i, other), &stride);
    if (v == NULL || ((sub || div) && other == 0)) {
        return false;
    }
    for (int64_t m = 0; m < g->n_out; m++) {
        const double by = (double)v[m * stride];
        g->scale[m] = mul ? g->scale[m] * by : div ? g->scale[m] / by : g->scale[m];
        g->shift[m] = add   ? g->shift[m] + by
                      : sub ? g->shift[m] - by
                      : mul ? g->shift[m] * by
                            : g->shift[m] / by;
    }
    g->scaled = true;
    add_step(g, i);
    return true;
}

/* ---------------------------------------------------------------- activations */

static bool clip_limit(const growth *g, uint32_t i, uint32_t k, float fallback, float *out)
{
    const rt_step *step = &g->f->steps.items[i];
    *out = fallback;
    if (k >= step->n_inputs || step->inputs[k] == RT_NONE) {
        return true;
    }
    const ir_tensor *t = rt_fuse_constant(g->f, i, k);
    if (!is_f32_vector(t, 1)) {
        return false;
    }
    *out = *(const float *)t->data;
    return true;
}

/* The activation that step i is. */
static bool activation_of(const growth *g, uint32_t i, rt_act *act, float *a, float *b)
{
    const ir_node *n = g->f->steps.items[i].node;
    *a = *b = 0.0f;
    if (rt_fuse_is(g->f, i, IR_OP_RELU)) {
        *act = RT_ACT_RELU;
    } else if (rt_fuse_is(g->f, i, IR_OP_CLIP)) {
        *act = RT_ACT_CLIP;
        return clip_limit(g, i, 1, -INFINITY, a) && clip_limit(g, i, 2, INFINITY, b);
    } else if (rt_fuse_is(g->f, i, IR_OP_LEAKYRELU)) {
        *act = RT_ACT_LEAKY;
        *a = ir_node_float(n, "alpha", 0.01f);
    } else if (rt_fuse_is(g->f, i, IR_OP_SIGMOID)) {
        *act = RT_ACT_SIGMOID;
    } else if (rt_fuse_is(g->f, i, IR_OP_TANH)) {
        *act = RT_ACT_TANH;
    } else if (rt_fuse_is(g->f, i, IR_OP_HARDSIGMOID)) {
        *act = RT_ACT_HARDSIGMOID;
        *a = ir_node_float(n, "alpha", 0.2f);
        *b = ir_node_float(n, "beta", 0.5f);
    } else if (rt_fuse_is(g->f, i, IR_OP_HARDSWISH)) {
        *act = RT_ACT_HARDSWISH;
    } else {
        return false;
    }
    return true;
}

static bool take_activation(growth *g, uint32_t i)
{
    rt_conv_fusion *c = g->fusion;
    rt_act act;
    float a, b;
    if (g->activated || !activation_of(g, i, &act, &a, &b)) {
        return false;
    }
    c->act = act;
    c->a = a;
    c->b = b;
    c->act_first = !g->added;
    g->activated = true;
    add_step(g, i);
    return true;
}

/* v * sigmoid(v), v * hardsigmoid(v): the result is used by both steps. */
static bool take_gate(growth *g)
{
    rt_fusion *f = g->f;
    if (g->activated || f->n_uses[g->y] != 2 || g->n_steps + 2 > MAX_PARTS) {
        return false;
    }
    const uint32_t first = g->steps[g->n_steps - 1] + 1;
    for (uint32_t i = first; i < f->steps.n && i < first + LOOK_AHEAD; i++) {
        const bool soft = rt_fuse_is(f, i, IR_OP_SIGMOID);
        if ((!soft && !rt_fuse_is(f, i, IR_OP_HARDSIGMOID)) ||
            f->steps.items[i].inputs[0] != g->y) {
            continue;
        }
        const uint32_t gate = f->steps.items[i].outputs[0], j = rt_fuse_only_user(f, gate);
        rt_act act;
        float a, b;
        if (!rt_fuse_is(f, j, IR_OP_MUL) || f->users[g->y] != (i ^ j) ||
            !activation_of(g, i, &act, &a, &b) ||
            (!soft && (a != 1.0f / 6.0f || b != 0.5f))) {
            return false;
        }
        g->fusion->act = soft ? RT_ACT_SILU : RT_ACT_HARDSWISH;
        g->fusion->act_first = !g->added;
        g->activated = true;
        add_step(g, i);
        add_step(g, j);
        return true;
    }
    return false;
}

/* ---------------------------------------------------------------- residual */

static bool same_type(const rt_fusion *f, uint32_t a, uint32_t b)
{
    const int32_t rank = rt_fuse_rank(f, a);
    if (f->slots.items[a].constant != NULL || f->slots.items[b].constant != NULL || rank < 0 ||
        rank != rt_fuse_rank(f, b) || rt_fuse_dtype(f, b) != SY_DT_F32) {
        return false;
    }
    const ir_type *x = &f->slots.items[a].value->type, *y = &f->slots.items[b].value->type;
    for (int32_t i = 0; i < rank; i++) {
        if (x->dims[i] != y->dims[i] || x->dims[i] == NULL) {
            return false;
        }
    }
    return true;
}

static bool take_residual(growth *g, uint32_t i)
{
    const rt_step *step = &g->f->steps.items[i];
    if ((!rt_fuse_is(g->f, i, IR_OP_ADD) && !rt_fuse_is(g->f, i, IR_OP_SUM)) || g->added ||
        step->n_inputs != 2) {
        return false;
    }
    const uint32_t other = step->inputs[0] == g->y ? step->inputs[1] : step->inputs[0];
    if (other == g->y || !same_type(g->f, g->y, other)) {
        return false;
    }
    g->inputs[3] = other;
    g->added = true;
    add_step(g, i);
    return true;
}

/* ---------------------------------------------------------------- the rule for convolutions */

static bool is_conv(const rt_fusion *f, uint32_t i)
{
    const rt_step *step = &f->steps.items[i];
    if (!rt_fuse_is(f, i, IR_OP_CONV) || step->n_inputs < 2) {
        return false;
    }
    const ir_tensor *w = rt_fuse_constant(f, i, 1), *b = rt_fuse_constant(f, i, 2);
    const bool bias = step->n_inputs > 2 && step->inputs[2] != RT_NONE;
    const int64_t group = ir_node_int(step->node, "group", 1);
    if (w == NULL || w->rank < 3 || group < 1 || w->dims[0] % group != 0) {
        return false;
    }
    return w->dtype == SY_DT_F32 && (w->rank == 3 || w->rank == 4) &&
           ir_tensor_n_elements(w) > 0 && (!bias || is_f32_vector(b, w->dims[0])) &&
           rt_fuse_dtype(f, step->inputs[0]) == SY_DT_F32 &&
           rt_fuse_rank(f, step->inputs[0]) == w->rank;
}

/* Zeros around the two spatial axes go into the convolution's own padding. */
static void take_pad(growth *g, uint32_t conv)
{
    rt_fusion *f = g->f;
    const uint32_t x = f->steps.items[conv].inputs[0], i = rt_fuse_maker(f, x);
    const int32_t rank = rt_fuse_rank(f, x);
    if (rt_fuse_only_user(f, x) != conv || !rt_fuse_is(f, i, IR_OP_PAD) ||
        strcmp(ir_node_string(f->steps.items[i].node, "mode", "constant"), "constant") != 0 ||
        strcmp(ir_node_string(f->steps.items[conv].node, "auto_pad", "NOTSET"), "NOTSET") != 0) {
        return;
    }
    const rt_step *step = &f->steps.items[i];
    const ir_tensor *pads = rt_fuse_constant(f, i, 1), *value = rt_fuse_constant(f, i, 2);
    const bool has_value = step->n_inputs > 2 && step->inputs[2] != RT_NONE;
    const bool has_axes = step->n_inputs > 3 && step->inputs[3] != RT_NONE;
    if (pads == NULL || ir_tensor_n_elements(pads) != 2 * rank || has_axes ||
        (has_value && (!is_f32_vector(value, 1) || *(const float *)value->data != 0.0f))) {
        return;
    }
    for (int32_t a = 0; a < 2 * rank; a++) {
        const int64_t v = ir_tensor_get_i64(pads, a);
        if (v < 0 || (a % rank < 2 && v != 0)) {
            return;
        }
    }
    for (int32_t a = 2; a < rank; a++) {
        g->fusion->pads[a + 2 - rank] = ir_tensor_get_i64(pads, a);
        g->fusion->pads[2 + a + 2 - rank] = ir_tensor_get_i64(pads, rank + a);
    }
    g->inputs[0] = step->inputs[0];
    g->steps[g->n_steps++] = i;
}

static sy_status keep_scales(growth *g, base_arena *arena)
{
    float *scale = BASE_ARENA_ARRAY(arena, float, (size_t)g->n_out);
    float *shift = BASE_ARENA_ARRAY(arena, float, (size_t)g->n_out);
    if (scale == NULL || shift == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t m = 0; m < g->n_out; m++) {
        scale[m] = (float)g->scale[m];
        shift[m] = (float)g->shift[m];
    }
    g->fusion->scale = scale;
    g->fusion->shift = shift;
    return SY_OK;
}

sy_status rt_fuse_conv(rt_fusion *f, uint32_t i_step, bool *changed)
{
    if (f->cpu->blas.sgemm != NULL || !is_conv(f, i_step)) {
        return SY_OK;
    }
    const rt_step *conv = &f->steps.items[i_step];
    const ir_node *node = conv->node;
    growth g = {.f = f, .n_out = rt_fuse_constant(f, i_step, 1)->dims[0]};
    g.fusion = BASE_ARENA_NEW(f->arena, rt_conv_fusion);
    g.scale = BASE_ARENA_ARRAY(f->scratch, double, (size_t)g.n_out);
    g.shift = BASE_ARENA_ARRAY(f->scratch, double, (size_t)g.n_out);
    if (g.fusion == NULL || g.scale == NULL || g.shift == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t m = 0; m < g.n_out; m++) {
        g.scale[m] = 1.0;
    }
    g.inputs[0] = conv->inputs[0];
    g.inputs[1] = conv->inputs[1];
    g.inputs[2] = conv->n_inputs > 2 ? conv->inputs[2] : RT_NONE;
    g.inputs[3] = RT_NONE;
    take_pad(&g, i_step);
    add_step(&g, i_step);
    for (bool more = true; more && g.n_steps < MAX_PARTS;) {
        const uint32_t next = rt_fuse_only_user(f, g.y);
        more = next != RT_NONE ? take_batchnorm(&g, next) || take_arithmetic(&g, next) ||
                                     take_activation(&g, next) || take_residual(&g, next)
                               : take_gate(&g);
    }
    if (g.scaled) {
        SY_TRY(keep_scales(&g, f->scratch));
    }
    const rt_merge merge = {.node = node,
                            .kernel = &rt_conv_kernel,
                            .state = g.fusion,
                            .n_steps = g.n_steps,
                            .steps = g.steps,
                            .n_inputs = 4,
                            .inputs = g.inputs,
                            .n_outputs = 1,
                            .outputs = &g.y};
    *changed = true;
    return rt_fuse_merge(f, &merge);
}

/* ---------------------------------------------------------------- the rule for BatchNormalization */

/* Scale, shift and clamp per channel in one pass, where there is no convolution to take them. */
sy_status rt_fuse_affine(rt_fusion *f, uint32_t i_step, bool *changed)
{
    if (!rt_fuse_is(f, i_step, IR_OP_BATCHNORM)) {
        return SY_OK;
    }
    const rt_step *norm = &f->steps.items[i_step];
    const uint32_t x = norm->inputs[0];
    const ir_tensor *weight = rt_fuse_constant(f, i_step, 1);
    const int32_t rank = rt_fuse_rank(f, x);
    if (weight == NULL || f->slots.items[x].constant != NULL || rank < 2 ||
        rt_fuse_dtype(f, x) != SY_DT_F32) {
        return SY_OK;
    }
    growth g = {.f = f, .n_out = ir_tensor_n_elements(weight), .y = x};
    g.fusion = BASE_ARENA_NEW(f->arena, rt_conv_fusion);
    g.scale = BASE_ARENA_ARRAY(f->scratch, double, (size_t)g.n_out);
    g.shift = BASE_ARENA_ARRAY(f->scratch, double, (size_t)g.n_out);
    if (g.fusion == NULL || g.scale == NULL || g.shift == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t m = 0; m < g.n_out; m++) {
        g.scale[m] = 1.0;
    }
    for (bool more = take_batchnorm(&g, i_step); more && g.n_steps < MAX_PARTS;) {
        const uint32_t next = rt_fuse_only_user(f, g.y);
        const bool clamp = rt_fuse_is(f, next, IR_OP_RELU) || rt_fuse_is(f, next, IR_OP_CLIP);
        more = next != RT_NONE && (take_batchnorm(&g, next) || take_arithmetic(&g, next) ||
                                   (clamp && take_activation(&g, next)));
    }
    if (g.n_steps == 0) {
        return SY_OK;
    }
    SY_TRY(keep_scales(&g, f->arena));
    const rt_merge merge = {.node = norm->node,
                            .kernel = &rt_affine_kernel,
                            .state = g.fusion,
                            .n_steps = g.n_steps,
                            .steps = g.steps,
                            .n_inputs = 1,
                            .inputs = &x,
                            .n_outputs = 1,
                            .outputs = &g.y};
    *changed = true;
    return rt_fuse_merge(f, &merge);
}
