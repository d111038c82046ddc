/*
 * jit_lower.c -- the expressions of element_ops.def and simd_functions.h, operation by operation.
 *
 * tests/unit/jit.c compares the bits of both for each instruction.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "jit.h"

#include <string.h>

typedef struct lowering {
    cc_host_program *p;
    bool failed;
} lowering;

typedef uint16_t value;

static value put(lowering *l, cc_host_op op, cc_host_type type, value a, value b, value c, uint32_t bits)
{
    if (l->p->n_values == CC_HOST_MAX_VALUES) {
        l->failed = true;
        return 0;
    }
    l->p->values[l->p->n_values] = (cc_host_value){op, type, a, b, c, bits};
    return (value)l->p->n_values++;
}

static value number(lowering *l, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return put(l, CC_HOST_CONST, CC_HOST_F32, 0, 0, 0, bits);
}

static value integer(lowering *l, int32_t v)
{
    return put(l, CC_HOST_CONST, CC_HOST_I32, 0, 0, 0, (uint32_t)v);
}

static value two(lowering *l, cc_host_op op, value a, value b)
{
    return put(l, op, l->p->values[a].type, a, b, 0, 0);
}

static value add(lowering *l, value a, value b)
{
    return two(l, CC_HOST_ADD, a, b);
}

static value sub(lowering *l, value a, value b)
{
    return two(l, CC_HOST_SUB, a, b);
}

static value mul(lowering *l, value a, value b)
{
    return two(l, CC_HOST_MUL, a, b);
}

static value divide(lowering *l, value a, value b)
{
    return two(l, CC_HOST_DIV, a, b);
}

static value one(lowering *l, cc_host_op op, value a)
{
    return put(l, op, l->p->values[a].type, a, 0, 0, 0);
}

static value less(lowering *l, value a, value b)
{
    return put(l, CC_HOST_LESS, CC_HOST_MASK, a, b, 0, 0);
}

static value is_nan(lowering *l, value a)
{
    return put(l, CC_HOST_IS_NAN, CC_HOST_MASK, a, 0, 0, 0);
}

static value choose(lowering *l, value mask, value a, value b)
{
    return put(l, CC_HOST_SELECT, l->p->values[a].type, mask, a, b, 0);
}

static value to(lowering *l, cc_host_op op, cc_host_type type, value a)
{
    return put(l, op, type, a, 0, 0, 0);
}

/* ---------------------------------------------------------------- simd_functions.h */

static value clipped(lowering *l, value v, value low, value high)
{
    const value above = choose(l, less(l, v, low), low, v);
    return choose(l, less(l, high, above), high, above);
}

static value exponential(lowering *l, value x)
{
    static const float terms[] = {1.0f / 720.0f, 1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f, 0.5f, 1.0f, 1.0f};
    const value high = number(l, 89.0f), low = number(l, -88.0f), rounder = number(l, 12582912.0f);
    const value below = choose(l, less(l, x, high), x, high);
    const value cut = choose(l, less(l, low, below), below, low);
    const value k = sub(l, add(l, mul(l, cut, number(l, 1.44269504f)), rounder), rounder);
    const value r = add(l, sub(l, cut, mul(l, k, number(l, 0.693359375f))), mul(l, k, number(l, 2.12194440e-4f)));
    value p = number(l, 1.0f / 5040.0f);
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        p = add(l, mul(l, p, r), number(l, terms[i]));
    }
    const value ki = to(l, CC_HOST_CONVERT, CC_HOST_I32, k), bias = integer(l, 127), unit = integer(l, 1 << 23);
    const value half = two(l, CC_HOST_SHIFT_RIGHT, ki, integer(l, 1));
    const value first = to(l, CC_HOST_BITS, CC_HOST_F32, mul(l, add(l, half, bias), unit));
    const value second = to(l, CC_HOST_BITS, CC_HOST_F32, mul(l, add(l, sub(l, ki, half), bias), unit));
    value y = mul(l, mul(l, p, first), second);
    y = choose(l, less(l, x, number(l, -87.33654f)), number(l, 0.0f), y);
    y = choose(l, less(l, number(l, 88.72284f), x), number(l, __builtin_inff()), y);
    return choose(l, is_nan(l, x), x, y);
}

static value logistic(lowering *l, value v)
{
    const value negative = less(l, v, number(l, 0.0f)), unit = number(l, 1.0f);
    const value e = exponential(l, choose(l, negative, v, one(l, CC_HOST_NEG, v)));
    const value above = divide(l, unit, add(l, unit, e));
    return choose(l, negative, mul(l, e, above), above);
}

static value hyperbolic(lowering *l, value v)
{
    const value zero = number(l, 0.0f), unit = number(l, 1.0f), c = number(l, 10395.0f);
    const value negative = less(l, v, zero);
    const value m = choose(l, negative, one(l, CC_HOST_NEG, v), v), s = mul(l, v, v);
    const value e = exponential(l, mul(l, number(l, -2.0f), m));
    const value far = divide(l, sub(l, unit, e), add(l, unit, e));
    const value top = add(l, c, mul(l, s, add(l, number(l, 1260.0f), mul(l, s, number(l, 21.0f)))));
    const value inner = add(l, number(l, 4725.0f), mul(l, s, add(l, number(l, 210.0f), s)));
    const value near = divide(l, mul(l, v, top), add(l, c, mul(l, s, inner)));
    const value signed_far = choose(l, negative, one(l, CC_HOST_NEG, far), far);
    return choose(l, less(l, m, number(l, 0.625f)), near, signed_far);
}

/* ---------------------------------------------------------------- element_ops.def */

static value smaller(lowering *l, value a, value b, bool is_float, bool largest)
{
    value takes_a = largest ? less(l, b, a) : less(l, a, b);
    if (is_float) {
        takes_a = put(l, CC_HOST_OR, CC_HOST_MASK, is_nan(l, a), takes_a, 0, 0);
    }
    return choose(l, takes_a, a, b);
}

static value byte_of(lowering *l, value mask)
{
    return to(l, CC_HOST_TRUTH, CC_HOST_BYTE, mask);
}

static value mask_of(lowering *l, value byte)
{
    return to(l, CC_HOST_TRUTH, CC_HOST_MASK, byte);
}

static value compared(lowering *l, cc_host_op op, value a, value b)
{
    return byte_of(l, put(l, op, CC_HOST_MASK, a, b, 0, 0));
}

static value of_masks(lowering *l, cc_host_op op, value a, value b)
{
    return byte_of(l, put(l, op, CC_HOST_MASK, mask_of(l, a), mask_of(l, b), 0, 0));
}

static value negative_scaled(lowering *l, value x, value by)
{
    return choose(l, less(l, x, number(l, 0.0f)), mul(l, by, x), x);
}

/* Functions of one fp32 number; *known is false for others. */
static value function(lowering *l, const rt_instruction *in, value x, bool *known)
{
    const value zero = number(l, 0.0f);
    switch (in->op) {
    case RT_E_NEG_F32:
        return one(l, CC_HOST_NEG, x);
    case RT_E_ABS_F32:
        return one(l, CC_HOST_ABS, x);
    case RT_E_SQRT_F32:
        return one(l, CC_HOST_SQRT, x);
    case RT_E_FLOOR_F32:
        return one(l, CC_HOST_FLOOR, x);
    case RT_E_CEIL_F32:
        return one(l, CC_HOST_CEIL, x);
    case RT_E_ROUND_F32:
        return one(l, CC_HOST_ROUND, x);
    case RT_E_RECIPROCAL_F32:
        return divide(l, number(l, 1.0f), x);
    case RT_E_RELU_F32:
        return choose(l, put(l, CC_HOST_OR, CC_HOST_MASK, less(l, zero, x), is_nan(l, x), 0, 0), x, zero);
    case RT_E_CLIP_F32:
        return clipped(l, x, number(l, in->p), number(l, in->q));
    case RT_E_LEAKYRELU_F32:
        return negative_scaled(l, x, number(l, in->p));
    case RT_E_HARDSIGMOID_F32:
        return clipped(l, add(l, mul(l, number(l, in->p), x), number(l, in->q)), zero, number(l, 1.0f));
    case RT_E_HARDSWISH_F32: {
        const value inner = add(l, divide(l, x, number(l, 6.0f)), number(l, 0.5f));
        return mul(l, x, clipped(l, inner, zero, number(l, 1.0f)));
    }
    case RT_E_EXP_F32:
        return exponential(l, x);
    case RT_E_SIGMOID_F32:
        return logistic(l, x);
    case RT_E_TANH_F32:
        return hyperbolic(l, x);
    case RT_E_F32_I32:
        return to(l, CC_HOST_CONVERT, CC_HOST_I32, x);
    case RT_E_F32_I64:
        return to(l, CC_HOST_CONVERT, CC_HOST_I64, x);
    default:
        *known = false;
        return 0;
    }
}

static value instruction(lowering *l, const rt_instruction *in, const value *values)
{
    const value a = values[in->from[0]], b = values[in->from[1]], c = values[in->from[2]];
    switch (in->op) {
    case RT_E_ADD_F32:
    case RT_E_ADD_I32:
    case RT_E_ADD_I64:
        return add(l, a, b);
    case RT_E_SUB_F32:
    case RT_E_SUB_I32:
    case RT_E_SUB_I64:
        return sub(l, a, b);
    case RT_E_MUL_F32:
    case RT_E_MUL_I32:
    case RT_E_MUL_I64:
        return mul(l, a, b);
    case RT_E_DIV_F32:
        return divide(l, a, b);
    case RT_E_MIN_F32:
        return smaller(l, a, b, true, false);
    case RT_E_MAX_F32:
        return smaller(l, a, b, true, true);
    case RT_E_MIN_I32:
    case RT_E_MIN_I64:
        return smaller(l, a, b, false, false);
    case RT_E_MAX_I32:
    case RT_E_MAX_I64:
        return smaller(l, a, b, false, true);
    case RT_E_PRELU_F32:
        return choose(l, less(l, a, number(l, 0.0f)), mul(l, a, b), a);
    case RT_E_EQ_F32:
    case RT_E_EQ_I32:
    case RT_E_EQ_I64:
    case RT_E_EQ_U8:
        return compared(l, CC_HOST_EQUAL, a, b);
    case RT_E_GT_F32:
    case RT_E_GT_I32:
    case RT_E_GT_I64:
        return compared(l, CC_HOST_LESS, b, a);
    case RT_E_GE_F32:
    case RT_E_GE_I32:
    case RT_E_GE_I64:
        return compared(l, CC_HOST_LESS_EQUAL, b, a);
    case RT_E_AND_BOOL:
        return of_masks(l, CC_HOST_AND, a, b);
    case RT_E_OR_BOOL:
        return of_masks(l, CC_HOST_OR, a, b);
    case RT_E_XOR_BOOL:
        return of_masks(l, CC_HOST_XOR, a, b);
    case RT_E_WHERE_8:
    case RT_E_WHERE_32:
    case RT_E_WHERE_64:
        return choose(l, mask_of(l, a), b, c);
    case RT_E_I32_F32:
    case RT_E_I64_F32:
    case RT_E_U8_F32:
        return to(l, CC_HOST_CONVERT, CC_HOST_F32, a);
    case RT_E_I64_I32:
    case RT_E_U8_I32:
        return to(l, CC_HOST_CONVERT, CC_HOST_I32, a);
    case RT_E_I32_I64:
    case RT_E_U8_I64:
        return to(l, CC_HOST_CONVERT, CC_HOST_I64, a);
    default: {
        bool known = true;
        const value y = function(l, in, a, &known);
        l->failed = l->failed || !known;
        return y;
    }
    }
}

static bool type_of(sy_dtype dtype, cc_host_type *type)
{
    const struct {
        sy_dtype from;
        cc_host_type type;
    } types[] = {{SY_DT_F32, CC_HOST_F32},
                 {SY_DT_I32, CC_HOST_I32},
                 {SY_DT_I64, CC_HOST_I64},
                 {SY_DT_BOOL, CC_HOST_BYTE},
                 {SY_DT_U8, CC_HOST_BYTE}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].from == dtype) {
            *type = types[i].type;
            return true;
        }
    }
    return false;
}

bool rt_jit_lower(const rt_chain *c, cc_host_program *p)
{
    lowering l = {.p = p};
    value values[RT_CHAIN_VALUES];
    p->n_inputs = c->n_inputs;
    p->n_values = 0;
    for (uint32_t i = 0; i < c->n_inputs; i++) {
        cc_host_type type = CC_HOST_F32;
        l.failed = l.failed || !type_of(c->dtypes[i], &type);
        values[i] = put(&l, CC_HOST_INPUT, type, 0, 0, 0, 0);
    }
    for (uint32_t k = 0; k < c->n_code && !l.failed; k++) {
        values[c->n_inputs + k] = instruction(&l, &c->code[k], values);
    }
    /* The last value that was put is the last instruction's. */
    return !l.failed && c->n_code > 0 && values[c->n_inputs + c->n_code - 1] == p->n_values - 1;
}
