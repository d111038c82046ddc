/*
 * fast_lstm.c -- LSTM in fp32: weights packed when the plan is made, all inputs of a direction in one product, then step by step.
 *
 * What it does not know (peepholes, clip, input_forget, other activations) runs by the reference kernel.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_gemm.h"

#include <string.h>

#define GATES 4 /* i, o, f, c: the first three by sigmoid, which are side by side */

/* Packed panels of one direction: op(W) is [inputs, 4 hidden], op(R) [hidden, 4 hidden]. */
typedef struct lstm_weights {
    const float *w[2], *r[2];
} lstm_weights;

typedef struct lstm {
    const ir_kernel_args *args;
    const rt_env *env;
    const rt_simd *simd;
    const float *x;
    const int32_t *lengths; /* NULL: all have n_steps */
    float *y;               /* NULL: not wanted */
    int64_t n_steps, batch, inputs, hidden, n_dirs;
    bool batch_first;
    float *gates; /* [steps * batch, 4 hidden], rows as in x */
    float *sums, *h, *c; /* [batch, 4 hidden], [batch, hidden] */
    float *bias;  /* [4 hidden]: both biases added */
    float *work;
} lstm;

/* ---------------------------------------------------------------- weights */

/* Packs direction dir of a weight [dirs, 4 hidden, k] into `panels`. */
static void pack(const ir_tensor *t, int64_t dir, float *panels)
{
    const int64_t n = t->dims[1], k = t->dims[2];
    const rt_gemm g = {.n = n, .k = k, .b = (const float *)t->data + dir * n * k, .b_k = 1, .b_column = k > 0 ? k : 1};
    rt_gemm_pack(&g, 0, (n + RT_PANEL - 1) / RT_PANEL, panels);
}

static sy_status pack_all(base_arena *arena, const ir_tensor *t, const float *panels[2])
{
    for (int64_t dir = 0; dir < t->dims[0] && dir < 2; dir++) {
        const size_t floats = rt_gemm_panel_floats(t->dims[2], t->dims[1]);
        float *to = BASE_ARENA_ARRAY(arena, float, floats + 1);
        if (to == NULL) {
            return SY_ENOMEM;
        }
        pack(t, dir, to);
        panels[dir] = to;
    }
    return SY_OK;
}

static bool is_weight(const ir_tensor *t)
{
    return t != NULL && t->dtype == SY_DT_F32 && t->rank == 3;
}

sy_status rt_fast_prepare_LSTM(const rt_prepare_args *args, void **state)
{
    lstm_weights *weights = BASE_ARENA_NEW(args->arena, lstm_weights);
    if (weights == NULL) {
        return SY_ENOMEM;
    }
    *state = weights;
    if (args->n_inputs > 2 && is_weight(args->constants[1])) {
        SY_TRY(pack_all(args->arena, args->constants[1], weights->w));
    }
    if (args->n_inputs > 2 && is_weight(args->constants[2])) {
        SY_TRY(pack_all(args->arena, args->constants[2], weights->r));
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- one direction */

/* Row of x (and of the gates) for a sample and step; in y there are n_dirs rows for each. */
static int64_t row_of(const lstm *l, int64_t sample, int64_t t)
{
    return l->batch_first ? sample * l->n_steps + t : t * l->batch + sample;
}

static float *y_row(const lstm *l, int64_t dir, int64_t sample, int64_t t)
{
    const int64_t row = l->batch_first ? (sample * l->n_steps + t) * l->n_dirs + dir
                                       : (t * l->n_dirs + dir) * l->batch + sample;
    return l->y + row * l->hidden;
}

/* From the sums of one sample to its new h and c. */
static void activate(const lstm *l, float *gates, float *h, float *c)
{
    const rt_element_fn *f = l->simd->elements;
    const int64_t n = l->hidden;
    float *const i_gate = gates, *const o_gate = gates + n, *const f_gate = gates + 2 * n, *const g_gate = gates + 3 * n;
    f[RT_E_SIGMOID_F32](3 * n, (const void *[]){gates}, 0.0f, 0.0f, gates);
    f[RT_E_TANH_F32](n, (const void *[]){g_gate}, 0.0f, 0.0f, g_gate);
    f[RT_E_MUL_F32](n, (const void *[]){f_gate, c}, 0.0f, 0.0f, c);
    f[RT_E_MUL_F32](n, (const void *[]){i_gate, g_gate}, 0.0f, 0.0f, g_gate);
    f[RT_E_ADD_F32](n, (const void *[]){c, g_gate}, 0.0f, 0.0f, c);
    f[RT_E_TANH_F32](n, (const void *[]){c}, 0.0f, 0.0f, h);
    f[RT_E_MUL_F32](n, (const void *[]){h, o_gate}, 0.0f, 0.0f, h);
}

/* One step of all samples that are not over; step k of a sample is its k-th from its own beginning or end. */
static sy_status step(const lstm *l, const float *r, int64_t dir, bool reverse, int64_t k)
{
    const int64_t columns = GATES * l->hidden;
    for (int64_t s = 0; s < l->batch; s++) {
        const int64_t length = l->lengths != NULL ? l->lengths[s] : l->n_steps;
        const int64_t t = k < length ? (reverse ? length - 1 - k : k) : 0;
        memcpy(l->sums + s * columns, l->gates + row_of(l, s, t) * columns, (size_t)columns * sizeof(float));
    }
    const rt_gemm g = {.m = l->batch,
                       .n = columns,
                       .k = l->hidden,
                       .a = l->h,
                       .a_row = l->hidden,
                       .a_k = 1,
                       .panels = r,
                       .c = l->sums,
                       .ldc = columns,
                       .accumulate = true};
    if (2.0 * (double)g.m * (double)g.n * (double)g.k < RT_PARALLEL_OPERATIONS) {
        rt_gemm_block(&g, 0, g.m, 0, g.n, l->work);
    } else {
        SY_TRY(rt_product(l->args, l->env, &g, NULL));
    }
    for (int64_t s = 0; s < l->batch; s++) {
        const int64_t length = l->lengths != NULL ? l->lengths[s] : l->n_steps;
        if (k >= length) {
            continue;
        }
        activate(l, l->sums + s * columns, l->h + s * l->hidden, l->c + s * l->hidden);
        if (l->y != NULL) {
            memcpy(y_row(l, dir, s, reverse ? length - 1 - k : k), l->h + s * l->hidden, (size_t)l->hidden * sizeof(float));
        }
    }
    return SY_OK;
}

static sy_status run_direction(const lstm *l, const float *w, const float *r, const ir_tensor *b, int64_t dir, bool reverse)
{
    const int64_t columns = GATES * l->hidden;
    const float *from = b != NULL ? (const float *)b->data + dir * 2 * columns : NULL;
    for (int64_t j = 0; j < columns; j++) {
        l->bias[j] = from != NULL ? from[j] + from[columns + j] : 0.0f;
    }
    const rt_gemm g = {.m = l->n_steps * l->batch,
                       .n = columns,
                       .k = l->inputs,
                       .a = l->x,
                       .a_row = l->inputs,
                       .a_k = 1,
                       .panels = w,
                       .c = l->gates,
                       .ldc = columns,
                       .epilogue = {.bias = l->bias}};
    SY_TRY(rt_product(l->args, l->env, &g, NULL));
    for (int64_t k = 0; k < l->n_steps; k++) {
        SY_TRY(step(l, r, dir, reverse, k));
    }
    return SY_OK;
}

/* Rows of a state [dirs, batch, hidden] (or [batch, dirs, hidden]) of one direction, out or in. */
static void copy_state(const lstm *l, int64_t dir, float *all, float *own, bool out)
{
    for (int64_t s = 0; s < l->batch; s++) {
        const int64_t row = l->batch_first ? s * l->n_dirs + dir : dir * l->batch + s;
        float *there = all + row * l->hidden, *here = own + s * l->hidden;
        memcpy(out ? there : here, out ? here : there, (size_t)l->hidden * sizeof(float));
    }
}

/* ---------------------------------------------------------------- */

static bool standard(const ir_kernel_args *args)
{
    static const char *const names[] = {"Sigmoid", "Tanh", "Tanh"};
    const ir_attr *a = ir_node_attr(args->node, "activations");
    for (uint32_t i = 0; a != NULL && a->kind == IR_ATTR_STRINGS && i < a->n; i++) {
        if (strcmp(a->u.strings[i].text, names[i % 3]) != 0) {
            return false;
        }
    }
    for (uint32_t i = 0; i < args->n_inputs; i++) {
        const ir_tensor *t = args->inputs[i];
        if (t != NULL && t->dtype != (i == 4 ? SY_DT_I32 : SY_DT_F32)) {
            return false;
        }
    }
    return ir_kernel_input(args, 7) == NULL && ir_node_attr(args->node, "clip") == NULL &&
           ir_node_int(args->node, "input_forget", 0) == 0;
}

static sy_status take_memory(lstm *l, base_arena *arena)
{
    const size_t columns = (size_t)(GATES * l->hidden), states = (size_t)(l->batch * l->hidden);
    const rt_gemm g = {.m = l->batch, .n = GATES * l->hidden, .k = l->hidden};
    l->gates = BASE_ARENA_ARRAY(arena, float, (size_t)(l->n_steps * l->batch) * columns + 1);
    l->sums = BASE_ARENA_ARRAY(arena, float, (size_t)l->batch * columns + 1);
    l->bias = BASE_ARENA_ARRAY(arena, float, columns + 1);
    l->h = BASE_ARENA_ARRAY(arena, float, states + 1);
    l->c = BASE_ARENA_ARRAY(arena, float, states + 1);
    l->work = BASE_ARENA_ARRAY(arena, float, rt_gemm_work_floats(&g) + 1);
    const bool all = l->gates != NULL && l->sums != NULL && l->bias != NULL && l->h != NULL && l->c != NULL;
    return all && l->work != NULL ? SY_OK : SY_ENOMEM;
}

sy_status rt_fast_lstm(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_node *n = args->node;
    const ir_tensor *x = ir_kernel_input(args, 0), *w = ir_kernel_input(args, 1), *r = ir_kernel_input(args, 2);
    const ir_tensor *lengths = ir_kernel_input(args, 4);
    ir_tensor *y = ir_kernel_output(args, 0), *y_h = ir_kernel_output(args, 1), *y_c = ir_kernel_output(args, 2);
    const char *direction = ir_node_string(n, "direction", "forward");
    const bool batch_first = ir_node_int(n, "layout", 0) != 0;
    lstm_weights own = *(const lstm_weights *)state;
    if (!standard(args) || !is_weight(w) || !is_weight(r) || x->rank != 3) {
        return rt_run_reference(args);
    }
    lstm l = {.args = args,
              .env = env,
              .simd = rt_simd_best(),
              .x = x->data,
              .lengths = lengths != NULL ? lengths->data : NULL,
              .y = y != NULL ? y->data : NULL,
              .n_steps = x->dims[batch_first ? 1 : 0],
              .batch = x->dims[batch_first ? 0 : 1],
              .inputs = x->dims[2],
              .hidden = ir_node_int(n, "hidden_size", 1),
              .n_dirs = direction[0] == 'b' ? 2 : 1,
              .batch_first = batch_first};
    for (int64_t s = 0; l.lengths != NULL && s < l.batch; s++) {
        if (l.lengths[s] < 0 || l.lengths[s] > l.n_steps) {
            return rt_run_reference(args); /* it says what is wrong */
        }
    }
    if (own.w[0] == NULL) {
        SY_TRY(pack_all(args->scratch, w, own.w));
    }
    if (own.r[0] == NULL) {
        SY_TRY(pack_all(args->scratch, r, own.r));
    }
    SY_TRY(take_memory(&l, args->scratch));
    if (y != NULL && lengths != NULL) {
        memset(y->data, 0, y->size_bytes); /* what lies beyond a sample's length */
    }
    for (int64_t dir = 0; dir < l.n_dirs; dir++) {
        const ir_tensor *h0 = ir_kernel_input(args, 5), *c0 = ir_kernel_input(args, 6);
        memset(l.h, 0, (size_t)(l.batch * l.hidden) * sizeof(float));
        memset(l.c, 0, (size_t)(l.batch * l.hidden) * sizeof(float));
        if (h0 != NULL) {
            copy_state(&l, dir, h0->data, l.h, false);
        }
        if (c0 != NULL) {
            copy_state(&l, dir, c0->data, l.c, false);
        }
        SY_TRY(run_direction(&l, own.w[dir], own.r[dir], ir_kernel_input(args, 3), dir, dir == 1 || direction[0] == 'r'));
        if (y_h != NULL) {
            copy_state(&l, dir, y_h->data, l.h, true);
        }
        if (y_c != NULL) {
            copy_state(&l, dir, y_c->data, l.c, true);
        }
    }
    return SY_OK;
}
