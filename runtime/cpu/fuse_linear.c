/*
 * fuse_linear.c -- linear layers: MatMul or Gemm with the bias, the activation and the residual
 * behind it, also behind a Reshape.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_gemm.h"
#include "fuse_match.h"

/* ---------------------------------------------------------------- the kernel */

/* Operands: A, B, C (a Gemm's), residual, then what Reshapes between them read. */
#define OPERAND_RESIDUAL 3
#define OPERAND_OTHERS   4
#define MAX_OPERANDS     8

typedef struct linear_state {
    bool gemm, has_residual;
    const float *bias; /* of a MatMul; NULL: none */
    rt_act act;
    float a, b;
    rt_weights *weights;
} linear_state;

/* A product that grows while its rule runs. */
typedef struct growth {
    linear_state state;
    uint32_t n_inputs, inputs[MAX_OPERANDS];
} growth;

static sy_status prepare_linear(const rt_prepare_args *args, void **state)
{
    linear_state *s = *state;
    const bool trans = s->gemm && ir_node_int(args->node, "transB", 0) != 0;
    const float alpha = s->gemm ? ir_node_float(args->node, "alpha", 1.0f) : 1.0f;
    return rt_pack_weights(args, args->constants[1], trans, alpha, &s->weights);
}

static sy_status run_linear(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const linear_state *s = state;
    const ir_tensor *a = ir_kernel_input(args, 0), *b = ir_kernel_input(args, 1);
    const ir_tensor *residual = ir_kernel_input(args, OPERAND_RESIDUAL);
    ir_tensor *y = ir_kernel_output(args, 0);
    if (a->dtype != SY_DT_F32 || b->dtype != SY_DT_F32 ||
        (residual != NULL && residual->size_bytes != y->size_bytes)) {
        return rt_run_parts(args, env);
    }
    const rt_epilogue epilogue = {.bias = s->bias,
                                  .residual = residual != NULL ? residual->data : NULL,
                                  .act = s->act,
                                  .a = s->a,
                                  .b = s->b};
    return s->gemm ? rt_gemm_with(args, env, s->weights, &epilogue)
                   : rt_matmul_with(args, env, s->weights, &epilogue);
}

static const rt_kernel linear_kernel = {.prepare = prepare_linear, .run = run_linear};

/* ---------------------------------------------------------------- the rule */

static bool is_linear(const rt_fusion *f, uint32_t i)
{
    return f->steps.items[i].fast == &linear_kernel;
}

/* A product of matrices in fp32 whose rows are as long as B's: no vectors. */
static bool is_product(const rt_fusion *f, uint32_t i)
{
    const bool good = rt_fuse_is(f, i, IR_OP_GEMM) || rt_fuse_is(f, i, IR_OP_MATMUL);
    return good && rt_fuse_dtype(f, rt_match_input(f, i, 0)) == SY_DT_F32 &&
           rt_fuse_rank(f, rt_match_input(f, i, 0)) >= 2 &&
           rt_fuse_rank(f, rt_match_input(f, i, 1)) >= 2;
}

/* A constant with one element per column of y; the product has so many columns too. */
static const float *bias_of(const rt_fusion *f, uint32_t s, uint32_t y, int64_t columns)
{
    const ir_tensor *t = f->slots.items[s].constant;
    const int32_t rank = rt_fuse_rank(f, y);
    const int64_t n = rt_fuse_dim(f, y, rank - 1);
    if (t == NULL || t->dtype != SY_DT_F32 || t->rank < 1 || t->rank > rank || n < 1 ||
        n != columns || t->dims[t->rank - 1] != n || ir_tensor_n_elements(t) != n) {
        return NULL;
    }
    return t->data;
}

static int64_t columns_of(const rt_fusion *f, uint32_t i)
{
    const uint32_t b = rt_match_input(f, i, 1);
    const ir_node *n = f->steps.items[i].node;
    const bool trans = ir_node_is(n, IR_OP_GEMM) && ir_node_int(n, "transB", 0) != 0;
    return rt_fuse_dim(f, b, trans ? 0 : rt_fuse_rank(f, b) - 1);
}

/* Step i's product with `next`, which reads its result as y; false: it does not fit. */
static bool extend(const rt_fusion *f, uint32_t i, uint32_t y, uint32_t next, growth *g)
{
    linear_state *s = &g->state;
    uint32_t other = RT_NONE;
    if (rt_match_with(f, next, IR_OP_ADD, y, &other) && other != y && s->act == RT_ACT_NONE &&
        !s->has_residual && rt_fuse_dtype(f, other) == SY_DT_F32) {
        const float *bias = bias_of(f, other, y, columns_of(f, i));
        if (bias != NULL && !s->gemm && s->bias == NULL) {
            s->bias = bias;
            return true;
        }
        s->has_residual = rt_match_same_shape(f, other, y);
        g->inputs[OPERAND_RESIDUAL] = other;
        return s->has_residual;
    }
    return s->act == RT_ACT_NONE && rt_match_input(f, next, 0) == y &&
           rt_match_activation(f, next, &s->act, &s->a, &s->b);
}

/* True if step i only gives operand y another shape; its other operands become the product's. */
static bool skip_view(const rt_fusion *f, uint32_t i, uint32_t y, growth *g)
{
    if (i == RT_NONE || f->steps.items[i].node == NULL || !f->steps.items[i].view ||
        rt_match_input(f, i, 0) != y) {
        return false;
    }
    for (uint32_t k = 1; k < f->steps.items[i].n_inputs; k++) {
        if (g->n_inputs == MAX_OPERANDS) {
            return false;
        }
        g->inputs[g->n_inputs++] = f->steps.items[i].inputs[k];
    }
    return true;
}

static sy_status merge(rt_fusion *f, uint32_t n_steps, const uint32_t *steps, const growth *g)
{
    linear_state *s = BASE_ARENA_NEW(f->arena, linear_state);
    if (s == NULL) {
        return SY_ENOMEM;
    }
    *s = g->state;
    const uint32_t result = rt_match_output(f, steps[n_steps - 1]);
    const rt_merge m = {.node = f->steps.items[steps[0]].node,
                        .kernel = &linear_kernel,
                        .state = s,
                        .n_steps = n_steps,
                        .steps = steps,
                        .n_inputs = g->n_inputs,
                        .inputs = g->inputs,
                        .n_outputs = 1,
                        .outputs = &result};
    return rt_fuse_merge(f, &m);
}

sy_status rt_fuse_linear(rt_fusion *f, uint32_t i, bool *changed)
{
    if (!is_linear(f, i) && !is_product(f, i)) {
        return SY_OK;
    }
    const rt_step *step = &f->steps.items[i];
    uint32_t y = rt_match_output(f, i);
    uint32_t steps[3] = {i, rt_fuse_only_user(f, y)}, n_steps = 2;
    growth g = {.state.gemm = rt_fuse_is(f, i, IR_OP_GEMM), .n_inputs = OPERAND_OTHERS};
    for (uint32_t k = 0; k < MAX_OPERANDS; k++) {
        g.inputs[k] = k < step->n_inputs ? step->inputs[k] : RT_NONE;
    }
    if (is_linear(f, i)) {
        g.state = *(const linear_state *)step->state;
        g.n_inputs = step->n_inputs;
    }
    if (skip_view(f, steps[1], y, &g)) {
        y = rt_match_output(f, steps[1]);
        steps[2] = rt_fuse_only_user(f, y);
        n_steps = 3;
    }
    if (steps[n_steps - 1] == RT_NONE || !extend(f, i, y, steps[n_steps - 1], &g)) {
        return SY_OK;
    }
    *changed = true;
    return merge(f, n_steps, steps, &g);
}
