/*
 * fast_recurrent.c -- LSTM and GRU in fp32: weights packed when the plan is made, all inputs of a direction in one product, then
 * step by step.
 *
 * What they do not know (peepholes, clip, input_forget, other activations) runs by the reference kernel.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_gemm.h"

#include <string.h>

#define PARTS 2 /* of the recurrent weights: a GRU's candidate has its own product */

/* Packed panels of one direction: op(W) is [inputs, gates * hidden], op(R) [hidden, ...]. */
typedef struct weights {
    const float *w[2], *r[2][PARTS];
} weights;

typedef struct recurrent {
    const ir_kernel_args *args;
    const rt_env *env;
    const rt_simd *simd;
    bool gru, linear_before_reset;
    int64_t n_gates; /* LSTM: i, o, f, c; GRU: z, r, h. Those that go through the sigmoid lie side by side */
    const float *x;
    const int32_t *lengths; /* NULL: all have n_steps */
    float *y;               /* NULL: not wanted */
    int64_t n_steps, batch, inputs, hidden, n_dirs;
    bool batch_first;
    float *gates;                /* [steps * batch, gates * hidden], rows as in x */
    float *sums, *h, *c, *reset; /* [batch, gates * hidden], [batch, hidden]; reset: what a GRU's gate r has left of h */
    float *bias, *inner_bias;    /* [gates * hidden]; [hidden], of a GRU's inner product */
    float *work;
} recurrent;

/* ---------------------------------------------------------------- weights */

/* Packs rows [first, first + n) of direction dir of a weight [dirs, rows, k]. */
static sy_status pack(base_arena *arena, const ir_tensor *t, int64_t dir, int64_t first, int64_t n, const float **out)
{
    const int64_t k = t->dims[2];
    const rt_gemm g = {
        .n = n, .k = k, .b = (const float *)t->data + (dir * t->dims[1] + first) * k, .b_k = 1, .b_column = k > 0 ? k : 1};
    float *panels = BASE_ARENA_ARRAY(arena, float, rt_gemm_panel_floats(k, n) + 1);
    if (panels == NULL) {
        return SY_ENOMEM;
    }
    rt_gemm_pack(&g, 0, (n + RT_PANEL - 1) / RT_PANEL, panels);
    *out = panels;
    return SY_OK;
}

static sy_status pack_inputs(base_arena *arena, const ir_tensor *t, weights *w)
{
    for (int64_t dir = 0; dir < t->dims[0] && dir < 2; dir++) {
        SY_TRY(pack(arena, t, dir, 0, t->dims[1], &w->w[dir]));
    }
    return SY_OK;
}

static sy_status pack_recurrent(base_arena *arena, const ir_tensor *t, bool gru, weights *w)
{
    for (int64_t dir = 0; dir < t->dims[0] && dir < 2; dir++) {
        const int64_t first = gru ? 2 * t->dims[2] : t->dims[1];
        SY_TRY(pack(arena, t, dir, 0, first, &w->r[dir][0]));
        if (gru) {
            SY_TRY(pack(arena, t, dir, first, t->dims[2], &w->r[dir][1]));
        }
    }
    return SY_OK;
}

/* gates > 0: of so many gates of `hidden` rows. */
static bool is_weight(const ir_tensor *t, int64_t gates, int64_t hidden)
{
    return t != NULL && t->dtype == SY_DT_F32 && t->rank == 3 && t->dims[1] == gates * hidden;
}

static sy_status prepare(const rt_prepare_args *args, bool gru, void **state)
{
    const int64_t hidden = ir_node_int(args->node, "hidden_size", 1), gates = gru ? 3 : 4;
    weights *w = BASE_ARENA_NEW(args->arena, weights);
    if (w == NULL) {
        return SY_ENOMEM;
    }
    *state = w;
    if (args->n_inputs > 2 && is_weight(args->constants[1], gates, hidden)) {
        SY_TRY(pack_inputs(args->arena, args->constants[1], w));
    }
    if (args->n_inputs > 2 && is_weight(args->constants[2], gates, hidden) && args->constants[2]->dims[2] == hidden) {
        SY_TRY(pack_recurrent(args->arena, args->constants[2], gru, w));
    }
    return SY_OK;
}

sy_status rt_fast_prepare_LSTM(const rt_prepare_args *args, void **state)
{
    return prepare(args, false, state);
}

sy_status rt_fast_prepare_GRU(const rt_prepare_args *args, void **state)
{
    return prepare(args, true, state);
}

/* ---------------------------------------------------------------- one direction */

/* Row of x (and of the gates) for a sample and step; in y there are n_dirs rows for each. */
static int64_t row_of(const recurrent *l, int64_t sample, int64_t t)
{
    return l->batch_first ? sample * l->n_steps + t : t * l->batch + sample;
}

static float *y_row(const recurrent *l, int64_t dir, int64_t sample, int64_t t)
{
    const int64_t row = l->batch_first ? (sample * l->n_steps + t) * l->n_dirs + dir
                                       : (t * l->n_dirs + dir) * l->batch + sample;
    return l->y + row * l->hidden;
}

/* From the sums of one sample to its new h and c. */
static void update_lstm(const recurrent *l, float *gates, float *h, float *c)
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

/* h = (1 - z) tanh(candidate) + z h */
static void update_gru(const recurrent *l, float *gates, float *h)
{
    const int64_t n = l->hidden;
    float *const z = gates, *const candidate = gates + 2 * n;
    l->simd->elements[RT_E_TANH_F32](n, (const void *[]){candidate}, 0.0f, 0.0f, candidate);
    for (int64_t u = 0; u < n; u++) {
        h[u] = (1.0f - z[u]) * candidate[u] + z[u] * h[u];
    }
}

static sy_status product(const recurrent *l, const rt_gemm *g)
{
    if (2.0 * (double)g->m * (double)g->n * (double)g->k < RT_PARALLEL_OPERATIONS) {
        rt_gemm_block(g, 0, g->m, 0, g->n, l->work);
        return SY_OK;
    }
    return rt_product(l->args, l->env, g, NULL);
}

/* The gates z and r, and what r leaves of the state for the candidate. */
static sy_status gate_gru(const recurrent *l, const float *inner)
{
    const rt_element_fn *f = l->simd->elements;
    const int64_t n = l->hidden, columns = l->n_gates * n;
    rt_gemm g = {.m = l->batch,
                 .n = n,
                 .k = n,
                 .a = l->reset,
                 .a_row = n,
                 .a_k = 1,
                 .panels = inner,
                 .c = l->sums + 2 * n,
                 .ldc = columns,
                 .accumulate = true};
    if (l->linear_before_reset) {
        g.a = l->h;
        g.c = l->reset;
        g.ldc = n;
        g.accumulate = false;
        g.epilogue.bias = l->inner_bias;
        SY_TRY(product(l, &g));
    }
    for (int64_t s = 0; s < l->batch; s++) {
        float *gates = l->sums + s * columns, *r = gates + n, *reset = l->reset + s * n;
        const float *state = l->linear_before_reset ? reset : l->h + s * n;
        f[RT_E_SIGMOID_F32](2 * n, (const void *[]){gates}, 0.0f, 0.0f, gates);
        f[RT_E_MUL_F32](n, (const void *[]){r, state}, 0.0f, 0.0f, reset);
        if (l->linear_before_reset) {
            f[RT_E_ADD_F32](n, (const void *[]){gates + 2 * n, reset}, 0.0f, 0.0f, gates + 2 * n);
        }
    }
    return l->linear_before_reset ? SY_OK : product(l, &g);
}

/* One step of all samples that are not over; step k of a sample is its k-th from its own beginning or end. */
static sy_status step(const recurrent *l, const float *const r[PARTS], int64_t dir, bool reverse, int64_t k)
{
    const int64_t columns = l->n_gates * l->hidden;
    for (int64_t s = 0; s < l->batch; s++) {
        const int64_t length = l->lengths != NULL ? l->lengths[s] : l->n_steps;
        const int64_t t = k < length ? (reverse ? length - 1 - k : k) : 0;
        memcpy(l->sums + s * columns, l->gates + row_of(l, s, t) * columns, (size_t)columns * sizeof(float));
    }
    const rt_gemm g = {.m = l->batch,
                       .n = l->gru ? 2 * l->hidden : columns,
                       .k = l->hidden,
                       .a = l->h,
                       .a_row = l->hidden,
                       .a_k = 1,
                       .panels = r[0],
                       .c = l->sums,
                       .ldc = columns,
                       .accumulate = true};
    SY_TRY(product(l, &g));
    if (l->gru) {
        SY_TRY(gate_gru(l, r[1]));
    }
    for (int64_t s = 0; s < l->batch; s++) {
        const int64_t length = l->lengths != NULL ? l->lengths[s] : l->n_steps;
        float *h = l->h + s * l->hidden;
        if (k >= length) {
            continue;
        }
        if (l->gru) {
            update_gru(l, l->sums + s * columns, h);
        } else {
            update_lstm(l, l->sums + s * columns, h, l->c + s * l->hidden);
        }
        if (l->y != NULL) {
            memcpy(y_row(l, dir, s, reverse ? length - 1 - k : k), h, (size_t)l->hidden * sizeof(float));
        }
    }
    return SY_OK;
}

static sy_status run_direction(const recurrent *l, const float *w, const float *const r[PARTS], const ir_tensor *b,
                               int64_t dir, bool reverse)
{
    const int64_t columns = l->n_gates * l->hidden;
    const int64_t own = l->gru && l->linear_before_reset ? 2 * l->hidden : columns; /* from here on inside the reset */
    const float *from = b != NULL ? (const float *)b->data + dir * 2 * columns : NULL;
    for (int64_t j = 0; j < columns; j++) {
        l->bias[j] = from == NULL ? 0.0f : j < own ? from[j] + from[columns + j] : from[j];
    }
    for (int64_t u = 0; u < l->hidden; u++) {
        l->inner_bias[u] = from != NULL ? from[columns + (l->n_gates - 1) * l->hidden + u] : 0.0f;
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
static void copy_state(const recurrent *l, int64_t dir, float *all, float *own, bool out)
{
    for (int64_t s = 0; s < l->batch; s++) {
        const int64_t row = l->batch_first ? s * l->n_dirs + dir : dir * l->batch + s;
        float *there = all + row * l->hidden, *here = own + s * l->hidden;
        memcpy(out ? there : here, out ? here : there, (size_t)l->hidden * sizeof(float));
    }
}

/* ---------------------------------------------------------------- */

static bool standard(const ir_kernel_args *args, uint32_t each)
{
    static const char *const names[] = {"Sigmoid", "Tanh", "Tanh"};
    const ir_attr *a = ir_node_attr(args->node, "activations");
    for (uint32_t i = 0; a != NULL && a->kind == IR_ATTR_STRINGS && i < a->n; i++) {
        if (strcmp(a->u.strings[i].text, names[i % each]) != 0) {
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

static sy_status take_memory(recurrent *l, base_arena *arena)
{
    const size_t columns = (size_t)(l->n_gates * l->hidden), states = (size_t)(l->batch * l->hidden);
    const rt_gemm g = {.m = l->batch, .n = l->n_gates * l->hidden, .k = l->hidden};
    l->gates = BASE_ARENA_ARRAY(arena, float, (size_t)(l->n_steps * l->batch) * columns + 1);
    l->sums = BASE_ARENA_ARRAY(arena, float, (size_t)l->batch * columns + 1);
    l->bias = BASE_ARENA_ARRAY(arena, float, columns + (size_t)l->hidden + 1);
    l->h = BASE_ARENA_ARRAY(arena, float, 3 * states + 1);
    l->work = BASE_ARENA_ARRAY(arena, float, rt_gemm_work_floats(&g) + 1);
    if (l->gates == NULL || l->sums == NULL || l->bias == NULL || l->h == NULL || l->work == NULL) {
        return SY_ENOMEM;
    }
    l->inner_bias = l->bias + columns;
    l->c = l->h + states;
    l->reset = l->c + states;
    return SY_OK;
}

static bool lengths_fit(const recurrent *l)
{
    for (int64_t s = 0; l->lengths != NULL && s < l->batch; s++) {
        if (l->lengths[s] < 0 || l->lengths[s] > l->n_steps) {
            return false;
        }
    }
    return true;
}

static sy_status run(const ir_kernel_args *args, const rt_env *env, const void *state, bool gru)
{
    const ir_node *n = args->node;
    const ir_tensor *x = ir_kernel_input(args, 0), *w = ir_kernel_input(args, 1), *r = ir_kernel_input(args, 2);
    const ir_tensor *lengths = ir_kernel_input(args, 4);
    const ir_tensor *h0 = ir_kernel_input(args, 5), *c0 = ir_kernel_input(args, 6);
    ir_tensor *y = ir_kernel_output(args, 0), *y_h = ir_kernel_output(args, 1), *y_c = ir_kernel_output(args, 2);
    const char *direction = ir_node_string(n, "direction", "forward");
    const bool batch_first = ir_node_int(n, "layout", 0) != 0;
    const int64_t hidden = ir_node_int(n, "hidden_size", 1), gates = gru ? 3 : 4;
    weights own = *(const weights *)state;
    if (!standard(args, gru ? 2 : 3) || x->rank != 3 || !is_weight(w, gates, hidden) || !is_weight(r, gates, hidden) ||
        w->dims[2] != x->dims[2] || r->dims[2] != hidden) {
        return rt_run_reference(args);
    }
    recurrent l = {.args = args,
                   .env = env,
                   .simd = rt_simd_best(),
                   .gru = gru,
                   .linear_before_reset = ir_node_int(n, "linear_before_reset", 0) != 0,
                   .n_gates = gates,
                   .x = x->data,
                   .lengths = lengths != NULL ? lengths->data : NULL,
                   .y = y != NULL ? y->data : NULL,
                   .n_steps = x->dims[batch_first ? 1 : 0],
                   .batch = x->dims[batch_first ? 0 : 1],
                   .inputs = x->dims[2],
                   .hidden = hidden,
                   .n_dirs = direction[0] == 'b' ? 2 : 1,
                   .batch_first = batch_first};
    if (!lengths_fit(&l) || w->dims[0] < l.n_dirs || r->dims[0] < l.n_dirs) {
        return rt_run_reference(args); /* it knows what to do, or says what is wrong */
    }
    if (own.w[0] == NULL) {
        SY_TRY(pack_inputs(args->scratch, w, &own));
    }
    if (own.r[0][0] == NULL) {
        SY_TRY(pack_recurrent(args->scratch, r, gru, &own));
    }
    SY_TRY(take_memory(&l, args->scratch));
    if (y != NULL && lengths != NULL) {
        memset(y->data, 0, y->size_bytes); /* what lies beyond a sample's length */
    }
    for (int64_t dir = 0; dir < l.n_dirs; dir++) {
        memset(l.h, 0, (size_t)(2 * l.batch * l.hidden) * sizeof(float)); /* c behind it */
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

sy_status rt_fast_lstm(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    return run(args, env, state, false);
}

sy_status rt_fast_gru(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    return run(args, env, state, true);
}
