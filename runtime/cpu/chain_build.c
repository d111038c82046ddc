/*
 * chain_build.c -- from elementwise nodes to programs; the rule that merges them; the kernel of a single one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "chain.h"
#include "fuse.h"
#include "jit.h"
#include "widen.h"

#include <math.h>
#include <string.h>

#define NO_OP 0xffff

/* ---------------------------------------------------------------- operators of one instruction */

/* Instructions by the type of the operands; NO_OP: none. */
typedef struct simple {
    uint32_t code;
    uint16_t f32, i32, i64, byte;
    uint8_t n_operands; /* 0: two or more, from the left */
    bool swapped;       /* a < b is b > a */
    uint8_t cost;
} simple;

#define F32_ONLY(id, op, n, cost) {IR_OP_##id, RT_E_##op##_F32, NO_OP, NO_OP, NO_OP, n, false, cost}
#define NUMBERS(id, op, n)        {IR_OP_##id, RT_E_##op##_F32, RT_E_##op##_I32, RT_E_##op##_I64, NO_OP, n, false, 1}

static const simple simples[] = {
    NUMBERS(ADD, ADD, 0),
    NUMBERS(SUM, ADD, 0),
    NUMBERS(SUB, SUB, 0),
    NUMBERS(MUL, MUL, 0),
    NUMBERS(MIN, MIN, 0),
    NUMBERS(MAX, MAX, 0),
    NUMBERS(NEG, NEG, 1),
    NUMBERS(ABS, ABS, 1),
    F32_ONLY(DIV, DIV, 0, 4),
    F32_ONLY(PRELU, PRELU, 0, 2),
    F32_ONLY(POW, POW, 0, 60),
    F32_ONLY(SQRT, SQRT, 1, 4),
    F32_ONLY(RECIPROCAL, RECIPROCAL, 1, 4),
    F32_ONLY(RELU, RELU, 1, 1),
    F32_ONLY(FLOOR, FLOOR, 1, 1),
    F32_ONLY(CEIL, CEIL, 1, 1),
    F32_ONLY(ROUND, ROUND, 1, 1),
    F32_ONLY(EXP, EXP, 1, 16),
    F32_ONLY(LOG, LOG, 1, 20),
    F32_ONLY(ERF, ERF, 1, 40),
    F32_ONLY(SIGMOID, SIGMOID, 1, 24),
    F32_ONLY(TANH, TANH, 1, 30),
    F32_ONLY(SOFTPLUS, SOFTPLUS, 1, 40),
    F32_ONLY(HARDSWISH, HARDSWISH, 1, 6),
    F32_ONLY(SIN, SIN, 1, 40),
    F32_ONLY(COS, COS, 1, 40),
    F32_ONLY(SIGN, SIGN, 1, 2),
    F32_ONLY(SOFTSIGN, SOFTSIGN, 1, 6),
    F32_ONLY(MISH, MISH, 1, 80),
    F32_ONLY(ISNAN, ISNAN, 1, 1),
    {IR_OP_EQUAL, RT_E_EQ_F32, RT_E_EQ_I32, RT_E_EQ_I64, RT_E_EQ_U8, 2, false, 1},
    {IR_OP_GREATER, RT_E_GT_F32, RT_E_GT_I32, RT_E_GT_I64, NO_OP, 2, false, 1},
    {IR_OP_GREATEROREQUAL, RT_E_GE_F32, RT_E_GE_I32, RT_E_GE_I64, NO_OP, 2, false, 1},
    {IR_OP_LESS, RT_E_GT_F32, RT_E_GT_I32, RT_E_GT_I64, NO_OP, 2, true, 1},
    {IR_OP_LESSOREQUAL, RT_E_GE_F32, RT_E_GE_I32, RT_E_GE_I64, NO_OP, 2, true, 1},
    {IR_OP_AND, NO_OP, NO_OP, NO_OP, RT_E_AND_BOOL, 2, false, 1},
    {IR_OP_OR, NO_OP, NO_OP, NO_OP, RT_E_OR_BOOL, 2, false, 1},
    {IR_OP_XOR, NO_OP, NO_OP, NO_OP, RT_E_XOR_BOOL, 2, false, 1},
    {IR_OP_NOT, NO_OP, NO_OP, NO_OP, RT_E_NOT_BOOL, 1, false, 1},
};

static const simple *simple_of(uint32_t code)
{
    for (size_t i = 0; i < sizeof simples / sizeof simples[0]; i++) {
        if (simples[i].code == code) {
            return &simples[i];
        }
    }
    return NULL;
}

static uint16_t op_for(const simple *s, sy_dtype dtype)
{
    return dtype == SY_DT_F32    ? s->f32
           : dtype == SY_DT_I32  ? s->i32
           : dtype == SY_DT_I64  ? s->i64
           : dtype == SY_DT_BOOL ? s->byte
                                 : NO_OP;
}

/* ---------------------------------------------------------------- conversions */

static const struct {
    sy_dtype from, to;
    uint16_t op;
} casts[] = {
    {SY_DT_F32, SY_DT_I32, RT_E_F32_I32},   {SY_DT_F32, SY_DT_I64, RT_E_F32_I64},
    {SY_DT_F32, SY_DT_BOOL, RT_E_F32_BOOL}, {SY_DT_I32, SY_DT_F32, RT_E_I32_F32},
    {SY_DT_I32, SY_DT_I64, RT_E_I32_I64},   {SY_DT_I32, SY_DT_BOOL, RT_E_I32_BOOL},
    {SY_DT_I64, SY_DT_F32, RT_E_I64_F32},   {SY_DT_I64, SY_DT_I32, RT_E_I64_I32},
    {SY_DT_I64, SY_DT_BOOL, RT_E_I64_BOOL}, {SY_DT_BOOL, SY_DT_F32, RT_E_U8_F32},
    {SY_DT_BOOL, SY_DT_I32, RT_E_U8_I32},   {SY_DT_BOOL, SY_DT_I64, RT_E_U8_I64},
    {SY_DT_U8, SY_DT_F32, RT_E_U8_F32},     {SY_DT_U8, SY_DT_I32, RT_E_U8_I32},
    {SY_DT_U8, SY_DT_I64, RT_E_U8_I64},     {SY_DT_I8, SY_DT_F32, RT_E_I8_F32},
    {SY_DT_I8, SY_DT_I32, RT_E_I8_I32},     {SY_DT_I8, SY_DT_I64, RT_E_I8_I64},
    {SY_DT_F16, SY_DT_F32, RT_E_F16_F32},   {SY_DT_F32, SY_DT_F16, RT_E_F32_F16},
    {SY_DT_BF16, SY_DT_F32, RT_E_BF16_F32}, {SY_DT_F32, SY_DT_BF16, RT_E_F32_BF16},
    {SY_DT_F64, SY_DT_F32, RT_E_F64_F32},   {SY_DT_F32, SY_DT_F64, RT_E_F32_F64},
};

static uint16_t cast_op(sy_dtype from, sy_dtype to)
{
    for (size_t i = 0; i < sizeof casts / sizeof casts[0]; i++) {
        if (casts[i].from == from && casts[i].to == to) {
            return casts[i].op;
        }
    }
    return NO_OP;
}

/* ---------------------------------------------------------------- programs */

bool rt_chain_input(rt_chain *c, sy_dtype dtype, uint8_t *value)
{
    if (c->n_inputs == RT_CHAIN_INPUTS || c->n_code > 0) {
        return false;
    }
    *value = (uint8_t)c->n_inputs;
    c->dtypes[c->n_inputs++] = dtype;
    return true;
}

static bool put(rt_chain *c, rt_instruction in, sy_dtype result, double cost, uint8_t *value)
{
    if (c->n_code == RT_CHAIN_CODE || in.op == NO_OP) {
        return false;
    }
    *value = (uint8_t)(c->n_inputs + c->n_code);
    c->dtypes[*value] = result;
    c->code[c->n_code++] = in;
    c->cost += cost;
    return true;
}

/* The value of a constant of one element, of fp32 or narrower. */
static bool one_float(const ir_tensor *t, float *v)
{
    if (t == NULL || t->data == NULL || ir_tensor_n_elements(t) != 1) {
        return false;
    }
    if (rt_is_narrow(t->dtype)) {
        rt_widen(t->dtype, 1, t->data, v);
        return true;
    }
    if (t->dtype == SY_DT_F32) {
        memcpy(v, t->data, sizeof *v);
    }
    return t->dtype == SY_DT_F32;
}

/* The constant exponent for which a program of products is right; else 0. */
static int small_power(const ir_node *n, const ir_tensor *const *constants)
{
    float v = 0.0f;
    if (!ir_node_is(n, IR_OP_POW) || !one_float(constants[1], &v)) {
        return 0;
    }
    return v == 2.0f ? 2 : v == 3.0f ? 3 : 0;
}

static uint32_t n_data_operands(const ir_node *n, uint32_t n_operands, const ir_tensor *const *constants)
{
    return ir_node_is(n, IR_OP_CLIP) || small_power(n, constants) != 0 ? 1 : n_operands;
}

static bool put_simple(rt_chain *c, const simple *s, uint32_t n_operands, const uint8_t *from, sy_dtype result,
                       uint8_t *value)
{
    const sy_dtype type = c->dtypes[from[0]];
    const uint16_t op = op_for(s, type);
    for (uint32_t i = 1; i < n_operands; i++) {
        if (c->dtypes[from[i]] != type) {
            return false;
        }
    }
    if (s->n_operands == 1) {
        return n_operands == 1 && put(c, (rt_instruction){.op = op, .from = {from[0]}}, result, s->cost, value);
    }
    if (n_operands < 2 || (s->n_operands == 2 && n_operands != 2)) {
        return false;
    }
    *value = from[0];
    for (uint32_t i = 1; i < n_operands; i++) {
        const uint8_t a = s->swapped ? from[i] : *value, b = s->swapped ? *value : from[i];
        if (!put(c, (rt_instruction){.op = op, .from = {a, b}}, result, s->cost, value)) {
            return false;
        }
    }
    return true;
}

/* Operators with parameters, fp32. */
static bool put_with_parameters(rt_chain *c, const ir_node *n, uint8_t from, const ir_tensor *const *constants,
                                uint32_t n_constants, uint8_t *value)
{
    rt_instruction in = {.op = NO_OP, .from = {from}};
    double cost = 2.0;
    if (ir_node_is(n, IR_OP_CLIP)) {
        const ir_tensor *low = n_constants > 1 ? constants[1] : NULL, *high = n_constants > 2 ? constants[2] : NULL;
        const bool has_low = n->n_inputs > 1 && n->inputs[1].value != NULL;
        const bool has_high = n->n_inputs > 2 && n->inputs[2].value != NULL;
        in.op = RT_E_CLIP_F32;
        in.p = -INFINITY;
        in.q = INFINITY;
        if ((has_low && !one_float(low, &in.p)) || (has_high && !one_float(high, &in.q))) {
            return false;
        }
    } else if (ir_node_is(n, IR_OP_LEAKYRELU)) {
        in.op = RT_E_LEAKYRELU_F32;
        in.p = ir_node_float(n, "alpha", 0.01f);
    } else if (ir_node_is(n, IR_OP_ELU)) {
        in.op = RT_E_ELU_F32;
        in.p = ir_node_float(n, "alpha", 1.0f);
        cost = 30.0;
    } else if (ir_node_is(n, IR_OP_HARDSIGMOID)) {
        in.op = RT_E_HARDSIGMOID_F32;
        in.p = ir_node_float(n, "alpha", 0.2f);
        in.q = ir_node_float(n, "beta", 0.5f);
    } else if (ir_node_is(n, IR_OP_THRESHOLDEDRELU)) {
        in.op = RT_E_THRESHOLD_F32;
        in.p = ir_node_float(n, "alpha", 1.0f);
    } else if (ir_node_is(n, IR_OP_SELU)) {
        in.op = RT_E_SELU_F32;
        in.p = ir_node_float(n, "alpha", 1.67326319217681884765625f);
        in.q = ir_node_float(n, "gamma", 1.05070102214813232421875f);
        cost = 30.0;
    } else if (ir_node_is(n, IR_OP_CELU)) {
        in.op = RT_E_CELU_F32;
        in.p = ir_node_float(n, "alpha", 1.0f);
        if (!(in.p > 0.0f)) {
            return false; /* e^(x / alpha) grows then, which this kernel is not made for */
        }
        cost = 30.0;
    } else if (ir_node_is(n, IR_OP_SWISH)) {
        in.op = RT_E_SWISH_F32;
        in.p = ir_node_float(n, "alpha", 1.0f);
        cost = 30.0;
    } else if (ir_node_is(n, IR_OP_GELU)) {
        const bool near = strcmp(ir_node_string(n, "approximate", "none"), "tanh") == 0;
        in.op = near ? RT_E_GELU_TANH_F32 : RT_E_GELU_F32;
        cost = 50.0;
    }
    return c->dtypes[from] == SY_DT_F32 && put(c, in, SY_DT_F32, cost, value);
}

static bool put_where(rt_chain *c, const uint8_t *from, sy_dtype result, uint8_t *value)
{
    const uint32_t bits = sy_dtype_bits(result);
    rt_instruction in = {.op = bits == 8    ? RT_E_WHERE_8
                               : bits == 32 ? RT_E_WHERE_32
                               : bits == 64 ? RT_E_WHERE_64
                                            : NO_OP};
    memcpy(in.from, from, sizeof in.from);
    return c->dtypes[from[0]] == SY_DT_BOOL && c->dtypes[from[1]] == result && c->dtypes[from[2]] == result &&
           result != SY_DT_STRING && put(c, in, result, 1.0, value);
}

bool rt_chain_knows(const ir_node *n)
{
    static const uint32_t others[] = {IR_OP_CAST, IR_OP_WHERE, IR_OP_CLIP, IR_OP_LEAKYRELU, IR_OP_ELU, IR_OP_HARDSIGMOID,
                                      IR_OP_GELU, IR_OP_SELU,  IR_OP_CELU, IR_OP_SWISH,     IR_OP_THRESHOLDEDRELU};
    if (n->op == NULL || n->op->code >= IR_OP_COUNT) {
        return false;
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (n->op->code == others[i]) {
            return true;
        }
    }
    return simple_of(n->op->code) != NULL;
}

static bool put_node(rt_chain *c, const ir_node *n, uint32_t n_operands, const uint8_t *from,
                     const ir_tensor *const *constants, sy_dtype result, uint8_t *value)
{
    const simple *s = simple_of(n->op->code);
    const int power = small_power(n, constants);
    if (power != 0) {
        rt_instruction in = {.op = RT_E_MUL_F32, .from = {from[0], from[0]}};
        bool good = c->dtypes[from[0]] == SY_DT_F32 && put(c, in, SY_DT_F32, 1.0, value);
        if (good && power == 3) {
            in.from[0] = *value;
            good = put(c, in, SY_DT_F32, 1.0, value);
        }
        return good;
    }
    if (ir_node_is(n, IR_OP_CAST)) {
        return put(c, (rt_instruction){.op = cast_op(c->dtypes[from[0]], result), .from = {from[0]}}, result, 1.0, value);
    }
    if (ir_node_is(n, IR_OP_WHERE)) {
        return n_operands == 3 && put_where(c, from, result, value);
    }
    return s != NULL ? put_simple(c, s, n_operands, from, result, value)
                     : put_with_parameters(c, n, from[0], constants, n_operands, value);
}

/* Narrow floats are computed in fp32 and rounded after each operator, as if it were alone. */
static bool put_widened(rt_chain *c, const ir_node *n, uint32_t n_operands, const uint8_t *from,
                        const ir_tensor *const *constants, sy_dtype result, uint8_t *value)
{
    const uint32_t n_data = n_data_operands(n, n_operands, constants);
    uint8_t wide[RT_CHAIN_INPUTS];
    if (n_data > RT_CHAIN_INPUTS) {
        return false;
    }
    for (uint32_t i = 0; i < n_data; i++) {
        const sy_dtype dtype = c->dtypes[from[i]];
        wide[i] = from[i];
        const rt_instruction widen = {.op = cast_op(dtype, SY_DT_F32), .from = {from[i]}};
        if (rt_is_narrow(dtype) && !put(c, widen, SY_DT_F32, 2.0, &wide[i])) {
            return false;
        }
    }
    const bool only_width = ir_node_is(n, IR_OP_CAST) && c->dtypes[wide[0]] == SY_DT_F32 &&
                            (result == SY_DT_F32 || rt_is_narrow(result));
    *value = wide[0]; /* a cast between widths is done by now, or by the narrowing below */
    if (!only_width && !put_node(c, n, n_operands, wide, constants, rt_is_narrow(result) ? SY_DT_F32 : result, value)) {
        return false;
    }
    const rt_instruction narrow = {.op = cast_op(SY_DT_F32, result), .from = {*value}};
    return !rt_is_narrow(result) || put(c, narrow, result, 2.0, value);
}

bool rt_chain_node(rt_chain *c, const ir_node *n, uint32_t n_operands, const uint8_t *from,
                   const ir_tensor *const *constants, sy_dtype result, uint8_t *value)
{
    const uint32_t n_before = c->n_code;
    const double cost = c->cost;
    if (put_widened(c, n, n_operands, from, constants, result, value) && c->n_code > n_before) {
        return true;
    }
    c->n_code = n_before;
    c->cost = cost;
    return false;
}

void rt_chain_finish(rt_chain *c)
{
    uint32_t last_use[RT_CHAIN_CODE] = {0};
    uint32_t busy_until[RT_CHAIN_CODE] = {0}; /* of each buffer: the instruction that reads it last, plus 1 */
    for (uint32_t k = 0; k < c->n_code; k++) {
        for (int i = 0; i < 3; i++) {
            if (c->code[k].from[i] >= c->n_inputs) {
                last_use[c->code[k].from[i] - c->n_inputs] = k;
            }
        }
    }
    c->n_buffers = 0;
    for (uint32_t k = 0; k + 1 < c->n_code; k++) {
        uint32_t b = 0;
        while (b < c->n_buffers && busy_until[b] > k) {
            b++;
        }
        c->n_buffers = b == c->n_buffers ? b + 1 : c->n_buffers;
        busy_until[b] = last_use[k] + 1;
        c->code[k].buffer = (uint8_t)b;
    }
}

/* ---------------------------------------------------------------- one node */

sy_status rt_fast_element(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    rt_chain c;
    uint8_t from[RT_CHAIN_INPUTS], value = 0;
    ir_tensor *y = ir_kernel_output(args, 0);
    (void)state;
    c.n_inputs = c.n_code = 0;
    c.cost = 0.0;
    c.compiled = NULL;
    bool good = args->n_inputs <= RT_CHAIN_INPUTS && args->n_inputs > 0;
    const uint32_t n = good ? n_data_operands(args->node, args->n_inputs, args->inputs) : 0;
    for (uint32_t i = 0; good && i < n; i++) {
        good = args->inputs[i] != NULL && rt_chain_input(&c, args->inputs[i]->dtype, &from[i]);
    }
    const uint32_t n_operands = ir_node_is(args->node, IR_OP_CLIP) ? args->n_inputs : n;
    if (!good || !rt_chain_node(&c, args->node, n_operands, from, args->inputs, y->dtype, &value)) {
        return rt_run_reference(args);
    }
    rt_chain_finish(&c);
    return rt_chain_run(&c, args->inputs, y, env);
}

/* ---------------------------------------------------------------- several nodes */

static sy_status run_merged(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const rt_chain *c = state;
    for (uint32_t i = 0; i < c->n_inputs; i++) {
        if (args->inputs[i] == NULL || args->inputs[i]->dtype != c->dtypes[i]) {
            return rt_run_parts(args, env);
        }
    }
    return rt_chain_run(c, args->inputs, args->outputs[0], env);
}

static const rt_kernel merged_kernel = {.run = run_merged, .any_order = true, .in_place = true};

typedef struct group {
    uint32_t n_steps, steps[RT_CHAIN_CODE]; /* ascending */
    uint32_t n_inputs, inputs[RT_CHAIN_INPUTS];
    rt_chain chain;
} group;

static bool is_candidate(const rt_fusion *f, uint32_t i)
{
    if (i == RT_NONE) {
        return false;
    }
    const rt_step *s = &f->steps.items[i];
    return s->node != NULL && s->n_parts == 0 && !s->view && s->n_regions == 0 && s->n_outputs == 1 &&
           s->outputs[0] != RT_NONE && s->n_inputs > 0 && s->n_inputs <= 8 && rt_chain_knows(s->node) &&
           rt_fuse_dtype(f, s->outputs[0]) != SY_DT_NONE;
}

static bool same_shape(const rt_fusion *f, uint32_t a, uint32_t b)
{
    const ir_type *x = &f->slots.items[a].value->type, *y = &f->slots.items[b].value->type;
    if (x->kind != IR_TYPE_TENSOR || y->kind != IR_TYPE_TENSOR || !x->has_rank || !y->has_rank || x->rank != y->rank) {
        return false;
    }
    for (int32_t i = 0; i < x->rank; i++) {
        if (x->dims[i] != y->dims[i]) {
            return false;
        }
    }
    return true;
}

static void constants_of(const rt_fusion *f, uint32_t i, const ir_tensor *constants[8])
{
    for (uint32_t k = 0; k < 8; k++) {
        constants[k] = rt_fuse_constant(f, i, k);
    }
}

/* The inputs of the group: operands that none of its steps makes. */
static bool find_inputs(const rt_fusion *f, group *g)
{
    g->n_inputs = 0;
    for (uint32_t i = 0; i < g->n_steps; i++) {
        const rt_step *s = &f->steps.items[g->steps[i]];
        const ir_tensor *constants[8];
        constants_of(f, g->steps[i], constants);
        const uint32_t n = n_data_operands(s->node, s->n_inputs, constants);
        for (uint32_t k = 0; k < n; k++) {
            bool there = false;
            if (s->inputs[k] == RT_NONE || rt_fuse_dtype(f, s->inputs[k]) == SY_DT_NONE) {
                return false;
            }
            for (uint32_t j = 0; j < g->n_inputs; j++) {
                there = there || g->inputs[j] == s->inputs[k];
            }
            for (uint32_t j = 0; j < g->n_steps; j++) {
                there = there || f->steps.items[g->steps[j]].outputs[0] == s->inputs[k];
            }
            if (!there && g->n_inputs == RT_CHAIN_INPUTS) {
                return false;
            }
            if (!there) {
                g->inputs[g->n_inputs++] = s->inputs[k];
            }
        }
    }
    return true;
}

/* Makes the group's program; false if there is none. */
static bool make_program(const rt_fusion *f, group *g)
{
    rt_chain *c = &g->chain;
    uint8_t value_of_step[RT_CHAIN_CODE], ignored;
    *c = (rt_chain){0};
    if (!find_inputs(f, g)) {
        return false;
    }
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        if (!rt_chain_input(c, rt_fuse_dtype(f, g->inputs[i]), &ignored)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < g->n_steps; i++) {
        const rt_step *s = &f->steps.items[g->steps[i]];
        const ir_tensor *constants[8];
        uint8_t from[8] = {0};
        constants_of(f, g->steps[i], constants);
        const uint32_t n = n_data_operands(s->node, s->n_inputs, constants);
        for (uint32_t k = 0; k < n; k++) {
            for (uint32_t j = 0; j < g->n_inputs; j++) {
                from[k] = g->inputs[j] == s->inputs[k] ? (uint8_t)j : from[k];
            }
            for (uint32_t j = 0; j < i; j++) {
                from[k] = f->steps.items[g->steps[j]].outputs[0] == s->inputs[k] ? value_of_step[j] : from[k];
            }
        }
        const uint32_t n_operands = ir_node_is(s->node, IR_OP_CLIP) ? s->n_inputs : n;
        if (!rt_chain_node(c, s->node, n_operands, from, constants, rt_fuse_dtype(f, s->outputs[0]),
                           &value_of_step[i])) {
            return false;
        }
    }
    rt_chain_finish(c);
    return true;
}

/* True if every use of slot s is an operand of a step in the group. */
static bool used_inside_only(const rt_fusion *f, const group *g, uint32_t s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->n_steps; i++) {
        const rt_step *step = &f->steps.items[g->steps[i]];
        for (uint32_t k = 0; k < step->n_inputs; k++) {
            n += step->inputs[k] == s;
        }
    }
    return n == f->n_uses[s];
}

static void insert(group *g, uint32_t step)
{
    uint32_t at = g->n_steps++;
    for (; at > 0 && g->steps[at - 1] > step; at--) {
        g->steps[at] = g->steps[at - 1];
    }
    g->steps[at] = step;
}

static bool contains(const group *g, uint32_t step)
{
    for (uint32_t i = 0; i < g->n_steps; i++) {
        if (g->steps[i] == step) {
            return true;
        }
    }
    return false;
}

/* Adds one step whose result is used in the group alone and has its result's shape; false: there is none. */
static bool grow(const rt_fusion *f, group *g, uint32_t sink)
{
    for (uint32_t i = g->n_steps; i-- > 0 && g->n_steps < RT_CHAIN_CODE;) {
        const rt_step *s = &f->steps.items[g->steps[i]];
        for (uint32_t k = 0; k < s->n_inputs; k++) {
            const uint32_t maker = rt_fuse_maker(f, s->inputs[k]);
            if (!is_candidate(f, maker) || contains(g, maker) || !used_inside_only(f, g, s->inputs[k]) ||
                !same_shape(f, s->inputs[k], f->steps.items[sink].outputs[0])) {
                continue;
            }
            const group before = *g;
            insert(g, maker);
            if (make_program(f, g)) {
                return true;
            }
            *g = before;
        }
    }
    return false;
}

/* -1: not known. */
static int64_t n_elements(const rt_fusion *f, uint32_t slot)
{
    int64_t n = 1;
    for (int32_t a = 0; a < rt_fuse_rank(f, slot); a++) {
        const int64_t size = rt_fuse_dim(f, slot, a);
        if (size < 0 || __builtin_mul_overflow(n, size, &n)) {
            return -1;
        }
    }
    return n;
}

static sy_status merge_into(rt_fusion *f, uint32_t sink, bool *changed)
{
    group g = {.n_steps = 1, .steps = {sink}};
    const ir_type *type = &f->slots.items[f->steps.items[sink].outputs[0]].value->type;
    if (type->kind != IR_TYPE_TENSOR || !type->has_rank || !make_program(f, &g)) {
        return SY_OK;
    }
    while (grow(f, &g, sink)) {
    }
    if (g.n_steps == 1) {
        return SY_OK;
    }
    g.chain.compiled = rt_jit_get(f->cpu->jit, &g.chain, n_elements(f, f->steps.items[sink].outputs[0]));
    rt_chain *chain = base_arena_memdup(f->arena, &g.chain, 1, sizeof g.chain);
    if (chain == NULL) {
        return SY_ENOMEM;
    }
    *changed = true;
    return rt_fuse_merge(f, &(rt_merge){.node = f->steps.items[sink].node,
                                        .kernel = &merged_kernel,
                                        .state = chain,
                                        .n_steps = g.n_steps,
                                        .steps = g.steps,
                                        .n_inputs = g.n_inputs,
                                        .inputs = g.inputs,
                                        .n_outputs = 1,
                                        .outputs = f->steps.items[sink].outputs});
}

/* From the last step on, so that a chain is taken from its end: all of them at the first step. */
sy_status rt_fuse_elements(rt_fusion *f, uint32_t i_step, bool *changed)
{
    for (uint32_t i = 0; i < i_step; i++) {
        if (f->steps.items[i].node != NULL) {
            return SY_OK;
        }
    }
    for (uint32_t i = (uint32_t)f->steps.n; i-- > 0;) {
        bool merged = false;
        if (is_candidate(f, i)) {
            SY_TRY(merge_into(f, i, &merged));
        }
    }
    (void)changed; /* nothing is left to do */
    return SY_OK;
}
