/*
 * fuse_act.c -- activations: operators, and the operators that exporters write instead, as one step
 * that epilogues can take.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"
#include "fuse_match.h"

#include <math.h>
#include <string.h>

#define ROWS_PER_TASK 16
#define ROW           1024

/* ---------------------------------------------------------------- the kernel */

typedef struct act_state {
    rt_act act;
    float a, b;
} act_state;

typedef struct act_job {
    const act_state *s;
    const float *x;
    float *y;
    int64_t n;
} act_job;

static sy_status act_task(void *user, int64_t i, rt_scratch *scratch)
{
    const act_job *j = user;
    const int64_t first = i * ROWS_PER_TASK * ROW, most = first + ROWS_PER_TASK * ROW;
    const int64_t end = most < j->n ? most : j->n;
    (void)scratch;
    for (int64_t at = first; at < end; at += ROW) {
        const int64_t n = end - at < ROW ? end - at : ROW;
        memcpy(j->y + at, j->x + at, (size_t)n * sizeof(float));
        rt_simd_best()->activate(j->s->act, j->s->a, j->s->b, n, j->y + at);
    }
    return SY_OK;
}

static sy_status run_act(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    const act_job j = {.s = state, .x = x->data, .y = y->data, .n = ir_tensor_n_elements(y)};
    if (x->dtype != SY_DT_F32 || ir_tensor_n_elements(x) != j.n) {
        return rt_run_parts(args, env);
    }
    return rt_pool_run(rt_pool_for(env, 40.0 * (double)j.n),
                       (j.n + ROWS_PER_TASK * ROW - 1) / (ROWS_PER_TASK * ROW), act_task,
                       (void *)(uintptr_t)&j, env->scratch);
}

static const rt_kernel act_kernel = {.run = run_act, .any_order = true};

/* ---------------------------------------------------------------- one operator */

static bool single(const rt_fusion *f, uint32_t i, rt_act *act, float *a, float *b)
{
    const ir_node *n = f->steps.items[i].node;
    const struct {
        uint32_t code;
        rt_act act;
    } plain[] = {{IR_OP_RELU, RT_ACT_RELU},
                 {IR_OP_SIGMOID, RT_ACT_SIGMOID},
                 {IR_OP_TANH, RT_ACT_TANH},
                 {IR_OP_LEAKYRELU, RT_ACT_LEAKY},
                 {IR_OP_HARDSIGMOID, RT_ACT_HARDSIGMOID},
                 {IR_OP_HARDSWISH, RT_ACT_HARDSWISH},
                 {IR_OP_CLIP, RT_ACT_CLIP},
                 {IR_OP_GELU, RT_ACT_GELU}};
    *act = RT_ACT_NONE;
    for (size_t k = 0; k < sizeof plain / sizeof plain[0]; k++) {
        *act = rt_fuse_is(f, i, plain[k].code) ? plain[k].act : *act;
    }
    *a = *b = 0.0f;
    if (*act == RT_ACT_LEAKY) {
        *a = ir_node_float(n, "alpha", 0.01f);
    } else if (*act == RT_ACT_HARDSIGMOID) {
        *a = ir_node_float(n, "alpha", 0.2f);
        *b = ir_node_float(n, "beta", 0.5f);
    } else if (*act == RT_ACT_GELU &&
               strcmp(ir_node_string(n, "approximate", "none"), "tanh") == 0) {
        *act = RT_ACT_GELU_TANH;
    } else if (*act == RT_ACT_CLIP) {
        const uint32_t low = rt_match_input(f, i, 1), high = rt_match_input(f, i, 2);
        *a = -INFINITY;
        *b = INFINITY;
        return (low == RT_NONE || rt_match_scalar(f, low, a)) &&
               (high == RT_NONE || rt_match_scalar(f, high, b));
    }
    return *act != RT_ACT_NONE;
}

bool rt_match_activation(const rt_fusion *f, uint32_t i, rt_act *act, float *a, float *b)
{
    if (i == RT_NONE || f->steps.items[i].node == NULL ||
        rt_fuse_dtype(f, rt_match_output(f, i)) != SY_DT_F32) {
        return false;
    }
    if (f->steps.items[i].fast == &act_kernel) {
        const act_state *s = f->steps.items[i].state;
        *act = s->act;
        *a = s->a;
        *b = s->b;
        return true;
    }
    return single(f, i, act, a, b);
}

/* ---------------------------------------------------------------- several operators */

static sy_status merge(rt_fusion *f, const rt_pattern *p, uint32_t last, rt_act act, uint32_t x,
                       bool *changed)
{
    const uint32_t y = rt_match_output(f, last);
    act_state *s = BASE_ARENA_NEW(f->arena, act_state);
    if (s == NULL) {
        return SY_ENOMEM;
    }
    *s = (act_state){.act = act};
    *changed = true;
    return rt_pattern_merge(f, p, f->steps.items[last].node, &act_kernel, s, 1, &x, y);
}

/* y = x / 2 * (1 + g), g made by step i: 1 + g, then x and a half in any order. */
static bool match_tail(rt_pattern *p, uint32_t i, uint32_t x, uint32_t *last)
{
    const rt_fusion *f = p->f;
    uint32_t other = RT_NONE, half_of = RT_NONE;
    const uint32_t above = rt_fuse_only_user(f, rt_match_output(f, i));
    if (!rt_match_with(f, above, IR_OP_ADD, rt_match_output(f, i), &other) ||
        !rt_match_value(f, other, 1.0)) {
        return false;
    }
    const uint32_t product = rt_fuse_only_user(f, rt_match_output(f, above));
    if (!rt_match_with(f, product, IR_OP_MUL, rt_match_output(f, above), &other)) {
        return false;
    }
    bool good = rt_pattern_add(p, i) && rt_pattern_add(p, above) && rt_pattern_add(p, product);
    *last = product;
    const uint32_t half = rt_match_maker(f, other, IR_OP_MUL);
    if (rt_match_with(f, half, IR_OP_MUL, x, &half_of) && rt_match_value(f, half_of, 0.5)) {
        return good && rt_pattern_add(p, half); /* (x / 2) (1 + g) */
    }
    const bool x_first = other == x;
    if (!x_first && !rt_match_value(f, other, 0.5)) {
        return false;
    }
    *last = rt_fuse_only_user(f, rt_match_output(f, product));
    good = good && rt_match_with(f, *last, IR_OP_MUL, rt_match_output(f, product), &other) &&
           (x_first ? rt_match_value(f, other, 0.5) : other == x);
    return good && rt_pattern_add(p, *last);
}

/* The operand x of u = c x or x / (1 / c). */
static bool match_scaled(rt_pattern *p, uint32_t u, double c, uint32_t *x)
{
    const rt_fusion *f = p->f;
    const uint32_t mul = rt_match_maker(f, u, IR_OP_MUL), div = rt_match_maker(f, u, IR_OP_DIV);
    for (uint32_t k = 0; mul != RT_NONE && k < 2; k++) {
        if (rt_match_value(f, rt_match_input(f, mul, k), c)) {
            *x = rt_match_input(f, mul, 1 - k);
            return *x != RT_NONE && rt_pattern_add(p, mul);
        }
    }
    *x = rt_match_input(f, div, 0);
    return div != RT_NONE && rt_match_value(f, rt_match_input(f, div, 1), 1.0 / c) &&
           rt_pattern_add(p, div);
}

/* True if s = x^2 or x^3: Pow, or products. */
static bool match_power(rt_pattern *p, uint32_t s, uint32_t x, int power)
{
    const rt_fusion *f = p->f;
    const uint32_t pow = rt_match_maker(f, s, IR_OP_POW), mul = rt_match_maker(f, s, IR_OP_MUL);
    uint32_t other = RT_NONE;
    if (pow != RT_NONE) {
        return rt_match_input(f, pow, 0) == x &&
               rt_match_value(f, rt_match_input(f, pow, 1), (double)power) &&
               rt_pattern_add(p, pow);
    }
    if (!rt_match_with(f, mul, IR_OP_MUL, x, &other) || !rt_pattern_add(p, mul)) {
        return false;
    }
    return power == 2 ? other == x : match_power(p, other, x, 2);
}

/* u = sqrt(2 / pi) (x + 0.044715 x^3), or sqrt(2 / pi) x (1 + 0.044715 x^2). */
static bool match_tanh_argument(rt_pattern *p, uint32_t u, uint32_t *x)
{
    const rt_fusion *f = p->f;
    const double c = 0.79788456080286536;
    uint32_t sum = RT_NONE, cube = RT_NONE, scaled = RT_NONE;
    const rt_pattern before = *p;
    if (match_scaled(p, u, c, &sum)) {
        const uint32_t add = rt_match_maker(f, sum, IR_OP_ADD);
        for (uint32_t k = 0; add != RT_NONE && k < 2; k++) {
            rt_pattern tried = *p;
            *x = rt_match_input(f, add, k);
            if (rt_pattern_add(&tried, add) &&
                match_scaled(&tried, rt_match_input(f, add, 1 - k), 0.044715, &cube) &&
                match_power(&tried, cube, *x, 3)) {
                *p = tried;
                return true;
            }
        }
    }
    *p = before;
    const uint32_t product = rt_match_maker(f, u, IR_OP_MUL);
    for (uint32_t k = 0; product != RT_NONE && k < 2; k++) {
        rt_pattern tried = *p;
        const uint32_t add = rt_match_maker(f, rt_match_input(f, product, k), IR_OP_ADD);
        if (!match_scaled(&tried, rt_match_input(f, product, 1 - k), c, x)) {
            continue;
        }
        for (uint32_t m = 0; add != RT_NONE && m < 2; m++) {
            if (rt_match_value(f, rt_match_input(f, add, m), 1.0) &&
                match_scaled(&tried, rt_match_input(f, add, 1 - m), 0.044715, &scaled) &&
                match_power(&tried, scaled, *x, 2) && rt_pattern_add(&tried, add) &&
                rt_pattern_add(&tried, product)) {
                *p = tried;
                return true;
            }
        }
    }
    return false;
}

/* True if x comes out of a linear layer that can take the activation; elsewhere chains of
 * elementwise operators are as good. */
static bool behind_product(const rt_fusion *f, uint32_t x, int depth)
{
    const uint32_t i = rt_fuse_maker(f, x);
    if (i == RT_NONE || f->steps.items[i].node == NULL || depth > 3) {
        return false;
    }
    if (rt_fuse_is(f, i, IR_OP_ADD)) {
        return behind_product(f, rt_match_input(f, i, 0), depth + 1) ||
               behind_product(f, rt_match_input(f, i, 1), depth + 1);
    }
    return rt_fuse_is(f, i, IR_OP_MATMUL) || rt_fuse_is(f, i, IR_OP_GEMM) ||
           (f->steps.items[i].view && behind_product(f, rt_match_input(f, i, 0), depth + 1));
}

/* Step i is the Erf, Tanh, Sigmoid or HardSigmoid in the middle. */
sy_status rt_fuse_activations(rt_fusion *f, uint32_t i, bool *changed)
{
    rt_pattern p = {.f = f};
    uint32_t x = RT_NONE, other = RT_NONE, last = RT_NONE;
    rt_act act = RT_ACT_NONE;
    const uint32_t from = rt_match_input(f, i, 0);
    if (rt_fuse_is(f, i, IR_OP_ERF) && match_scaled(&p, from, 0.70710678118654752, &x)) {
        act = RT_ACT_GELU;
    } else if (rt_fuse_is(f, i, IR_OP_TANH) && match_tanh_argument(&p, from, &x)) {
        act = RT_ACT_GELU_TANH;
    } else if (rt_fuse_is(f, i, IR_OP_SIGMOID) || rt_fuse_is(f, i, IR_OP_HARDSIGMOID)) {
        last = rt_fuse_only_user(f, rt_match_output(f, i));
        const bool soft = rt_fuse_is(f, i, IR_OP_SIGMOID);
        const ir_node *n = f->steps.items[i].node;
        const bool swish = soft ||
                           (fabs((double)ir_node_float(n, "alpha", 0.2f) - 1.0 / 6.0) < 1e-7 &&
                            ir_node_float(n, "beta", 0.5f) == 0.5f);
        if (!swish || !rt_match_with(f, last, IR_OP_MUL, from, &other) ||
            other != rt_match_output(f, i) || !rt_pattern_add(&p, i) || !rt_pattern_add(&p, last)) {
            return SY_OK;
        }
        x = from;
        act = soft ? RT_ACT_SILU : RT_ACT_HARDSWISH;
    }
    if (act == RT_ACT_NONE || x == RT_NONE || rt_fuse_dtype(f, x) != SY_DT_F32 ||
        (last == RT_NONE && !match_tail(&p, i, x, &last)) ||
        !rt_pattern_closed(&p, rt_match_output(f, last)) || !behind_product(f, x, 0)) {
        return SY_OK;
    }
    return merge(f, &p, last, act, x, changed);
}
