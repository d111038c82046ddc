/*
 * ref_arith.c -- elementwise operators of two or more operands, with broadcasting.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include "systole/base/assert.h"

#include <math.h>
#include <string.h>

typedef enum arith {
    ARITH_ADD,
    ARITH_SUB,
    ARITH_MUL,
    ARITH_DIV,
    ARITH_POW,
    ARITH_MIN,
    ARITH_MAX,
    ARITH_PRELU, /* a < 0 ? a * b : a */
    ARITH_MOD,   /* remainder of the division rounded down */
    ARITH_FMOD   /* of the one rounded towards zero */
} arith;

/* C's fmod is exact, so it is the same everywhere. */
static double float_mod(double a, double b)
{
    const double r = fmod(a, b);
    return r == 0.0 ? copysign(0.0, b) : (r < 0.0) != (b < 0.0) ? r + b : r;
}

static double float_op(arith op, double a, double b)
{
    switch (op) {
    case ARITH_ADD:
        return a + b;
    case ARITH_SUB:
        return a - b;
    case ARITH_MUL:
        return a * b;
    case ARITH_DIV:
        return a / b;
    case ARITH_POW:
        return ir_ref_pow(a, b);
    case ARITH_MIN:
        return isnan(a) || a < b ? a : b;
    case ARITH_MAX:
        return isnan(a) || a > b ? a : b;
    case ARITH_PRELU:
        return a < 0.0 ? a * b : a;
    case ARITH_MOD:
        return isnan(a) || isnan(b) ? (double)NAN : float_mod(a, b);
    case ARITH_FMOD:
        return fmod(a, b);
    }
    SY_UNREACHABLE();
}

/* Modulo 2^64; a negative exponent gives 0 but for bases 1 and -1. */
static int64_t int_pow(int64_t a, int64_t b)
{
    if (b < 0) {
        return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0;
    }
    uint64_t r = 1, base = (uint64_t)a;
    for (; b > 0; b >>= 1) {
        r = (b & 1) != 0 ? r * base : r;
        base *= base;
    }
    return (int64_t)r;
}

/* An integer to a float power: exact for whole exponents, else cut to an integer; outside 64 bits
 * the nearest end. */
static int64_t int_to_float_power(int64_t a, double b)
{
    if (rint(b) == b && fabs(b) < 0x1p62) {
        return int_pow(a, (int64_t)b);
    }
    const double v = ir_ref_pow((double)a, b);
    return isnan(v) ? 0 : v >= 0x1p63 ? INT64_MAX : v < -0x1p63 ? INT64_MIN : (int64_t)v;
}

/* By zero: 0, as numpy has it: models divide first and choose afterwards. The lowest number by -1 wraps. */
static int64_t int_divide(bool is_signed, int64_t a, int64_t b)
{
    if (b == 0) {
        return 0;
    }
    if (!is_signed) {
        return (int64_t)((uint64_t)a / (uint64_t)b);
    }
    return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}

static int64_t int_mod(bool is_signed, bool down, int64_t a, int64_t b)
{
    if (b == 0) {
        return 0;
    }
    if (!is_signed) {
        return (int64_t)((uint64_t)a % (uint64_t)b);
    }
    const int64_t r = b == -1 ? 0 : a % b;
    return down && r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static int64_t int_op(arith op, bool is_signed, int64_t a, int64_t b)
{
    const bool less = is_signed ? a < b : (uint64_t)a < (uint64_t)b;
    switch (op) {
    case ARITH_ADD:
        return (int64_t)((uint64_t)a + (uint64_t)b);
    case ARITH_SUB:
        return (int64_t)((uint64_t)a - (uint64_t)b);
    case ARITH_MUL:
        return (int64_t)((uint64_t)a * (uint64_t)b);
    case ARITH_DIV:
        return int_divide(is_signed, a, b);
    case ARITH_POW:
        return int_pow(a, b);
    case ARITH_MIN:
        return less ? a : b;
    case ARITH_MAX:
        return less ? b : a;
    case ARITH_PRELU:
        return is_signed && a < 0 ? (int64_t)((uint64_t)a * (uint64_t)b) : a;
    case ARITH_MOD:
        return int_mod(is_signed, true, a, b);
    case ARITH_FMOD:
        return int_mod(is_signed, false, a, b);
    }
    SY_UNREACHABLE();
}

/* y = op(a, b); a may be y itself, with y's shape. */
static void apply(arith op, const ir_tensor *a, const ir_tensor *b, ir_tensor *y)
{
    const bool is_float = ir_ref_is_float(y->dtype);
    const bool is_signed = sy_dtype_class_of(y->dtype) == SY_DC_INT;
    /* Pow's exponent may have another type. */
    const bool b_float = ir_ref_is_float(b->dtype);
    ir_ref_walk walk;
    ir_ref_walk_start(&walk, y->rank, y->dims);
    ir_ref_broadcast_strides(a, y->rank, walk.strides[0]);
    ir_ref_broadcast_strides(b, y->rank, walk.strides[1]);
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&walk)) {
        if (is_float) {
            ir_ref_put(y, i,
                       float_op(op, ir_ref_get(a, walk.offset[0]), ir_ref_get(b, walk.offset[1])));
        } else if (b_float) {
            ir_ref_put_int(y, i,
                           int_to_float_power(ir_ref_get_int(a, walk.offset[0]),
                                              ir_ref_get(b, walk.offset[1])));
        } else {
            ir_ref_put_int(y, i,
                           int_op(op, is_signed, ir_ref_get_int(a, walk.offset[0]),
                                  ir_ref_get_int(b, walk.offset[1])));
        }
    }
}

static bool known(sy_dtype t)
{
    return ir_ref_is_float(t) || (ir_ref_is_integer(t) && sy_dtype_class_of(t) != SY_DC_BOOL);
}

/* All operands from the left: ((x0 op x1) op x2) ..., each rounded to the type. */
static sy_status chain(const ir_kernel_args *args, arith op)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    const ir_tensor *first = ir_kernel_input(args, 0);
    for (uint32_t i = 0; i < args->n_inputs; i++) {
        SY_TRY(ir_ref_need(args, args->inputs[i], known(args->inputs[i]->dtype)));
        SY_TRY(ir_ref_need(args, args->inputs[i],
                           args->inputs[i]->dtype == y->dtype || op == ARITH_POW));
    }
    if (args->n_inputs >= 2) {
        apply(op, first, args->inputs[1], y);
        for (uint32_t i = 2; i < args->n_inputs; i++) {
            apply(op, y, args->inputs[i], y);
        }
        return SY_OK;
    }
    if (y->size_bytes > 0) {
        memcpy(y->data, first->data, y->size_bytes);
    }
    return SY_OK;
}

sy_status ir_ref_add(const ir_kernel_args *args)
{
    return chain(args, ARITH_ADD);
}

sy_status ir_ref_sub(const ir_kernel_args *args)
{
    return chain(args, ARITH_SUB);
}

sy_status ir_ref_mul(const ir_kernel_args *args)
{
    return chain(args, ARITH_MUL);
}

sy_status ir_ref_div(const ir_kernel_args *args)
{
    return chain(args, ARITH_DIV);
}

sy_status ir_ref_pow_op(const ir_kernel_args *args)
{
    return chain(args, ARITH_POW);
}

sy_status ir_ref_min(const ir_kernel_args *args)
{
    return chain(args, ARITH_MIN);
}

sy_status ir_ref_max(const ir_kernel_args *args)
{
    return chain(args, ARITH_MAX);
}

sy_status ir_ref_prelu(const ir_kernel_args *args)
{
    return chain(args, ARITH_PRELU);
}

sy_status ir_ref_mod(const ir_kernel_args *args)
{
    return chain(args, ir_node_int(args->node, "fmod", 0) != 0 ? ARITH_FMOD : ARITH_MOD);
}

/* All operands summed in double, in order, and rounded once. */
sy_status ir_ref_mean(const ir_kernel_args *args)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    const int64_t n = ir_tensor_n_elements(y);
    double *sums = BASE_ARENA_ARRAY(args->scratch, double, (size_t)n);
    SY_TRY(ir_ref_need(args, y, ir_ref_is_float(y->dtype)));
    if (sums == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t k = 0; k < args->n_inputs; k++) {
        const ir_tensor *x = args->inputs[k];
        ir_ref_walk walk;
        SY_TRY(ir_ref_need(args, x, x->dtype == y->dtype));
        ir_ref_walk_start(&walk, y->rank, y->dims);
        ir_ref_broadcast_strides(x, y->rank, walk.strides[0]);
        for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&walk)) {
            sums[i] = (k == 0 ? 0.0 : sums[i]) + ir_ref_get(x, walk.offset[0]);
        }
    }
    for (int64_t i = 0; i < n; i++) {
        ir_ref_put(y, i, sums[i] / (double)args->n_inputs);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- bits */

typedef enum bit_op { BIT_AND, BIT_OR, BIT_XOR, BIT_LEFT, BIT_RIGHT } bit_op;

/* Shifts by the width or more, or by less than 0, leave nothing but copies of the sign. */
static int64_t shift(sy_dtype t, bool left, int64_t a, int64_t b)
{
    const bool is_signed = sy_dtype_class_of(t) == SY_DC_INT;
    if ((uint64_t)b >= sy_dtype_bits(t)) {
        return !left && is_signed && a < 0 ? -1 : 0;
    }
    if (left) {
        return (int64_t)((uint64_t)a << b);
    }
    /* The complement shifts in zeros, so that it does not matter how C shifts negative numbers. */
    return is_signed && a < 0 ? ~(int64_t)(~(uint64_t)a >> b) : (int64_t)((uint64_t)a >> b);
}

static int64_t bits_of(bit_op op, sy_dtype t, int64_t a, int64_t b)
{
    switch (op) {
    case BIT_AND:
        return (int64_t)((uint64_t)a & (uint64_t)b);
    case BIT_OR:
        return (int64_t)((uint64_t)a | (uint64_t)b);
    case BIT_XOR:
        return (int64_t)((uint64_t)a ^ (uint64_t)b);
    case BIT_LEFT:
    case BIT_RIGHT:
        return shift(t, op == BIT_LEFT, a, b);
    }
    SY_UNREACHABLE();
}

static sy_status bitwise(const ir_kernel_args *args, bit_op op)
{
    const ir_tensor *a = ir_kernel_input(args, 0);
    const ir_tensor *b = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, a,
                       ir_ref_is_integer(a->dtype) && a->dtype != SY_DT_BOOL &&
                           a->dtype == b->dtype));
    ir_ref_walk walk;
    ir_ref_walk_start(&walk, y->rank, y->dims);
    ir_ref_broadcast_strides(a, y->rank, walk.strides[0]);
    ir_ref_broadcast_strides(b, y->rank, walk.strides[1]);
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&walk)) {
        ir_ref_put_int(y, i,
                       bits_of(op, a->dtype, ir_ref_get_int(a, walk.offset[0]),
                               ir_ref_get_int(b, walk.offset[1])));
    }
    return SY_OK;
}

sy_status ir_ref_bitwiseand(const ir_kernel_args *args)
{
    return bitwise(args, BIT_AND);
}

sy_status ir_ref_bitwiseor(const ir_kernel_args *args)
{
    return bitwise(args, BIT_OR);
}

sy_status ir_ref_bitwisexor(const ir_kernel_args *args)
{
    return bitwise(args, BIT_XOR);
}

sy_status ir_ref_bitshift(const ir_kernel_args *args)
{
    const char *direction = ir_node_string(args->node, "direction", "");
    const bool left = strcmp(direction, "LEFT") == 0;
    return left || strcmp(direction, "RIGHT") == 0
               ? bitwise(args, left ? BIT_LEFT : BIT_RIGHT)
               : base_fail(args->diag, SY_EINVAL,
                           "attribute 'direction' must be LEFT or RIGHT, got '%s'", direction);
}

/* ---------------------------------------------------------------- comparisons */

/* The order of two elements; a NaN has none. */
typedef enum order { ORDER_LESS, ORDER_EQUAL, ORDER_GREATER, ORDER_NONE } order;

static order order_of(const ir_tensor *a, int64_t ia, const ir_tensor *b, int64_t ib)
{
    if (ir_ref_is_float(a->dtype)) {
        const double x = ir_ref_get(a, ia), y = ir_ref_get(b, ib);
        return isnan(x) || isnan(y) ? ORDER_NONE
               : x < y              ? ORDER_LESS
               : x > y              ? ORDER_GREATER
                                    : ORDER_EQUAL;
    }
    const int64_t x = ir_ref_get_int(a, ia), y = ir_ref_get_int(b, ib);
    const bool less = a->dtype == SY_DT_U64 ? (uint64_t)x < (uint64_t)y : x < y;
    return x == y ? ORDER_EQUAL : less ? ORDER_LESS : ORDER_GREATER;
}

static sy_status compare(const ir_kernel_args *args, order yes, order yes_too)
{
    const ir_tensor *a = ir_kernel_input(args, 0);
    const ir_tensor *b = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    const bool known_type = ir_ref_is_float(a->dtype) || ir_ref_is_integer(a->dtype);
    SY_TRY(ir_ref_need(args, a, known_type && a->dtype == b->dtype));
    ir_ref_walk walk;
    ir_ref_walk_start(&walk, y->rank, y->dims);
    ir_ref_broadcast_strides(a, y->rank, walk.strides[0]);
    ir_ref_broadcast_strides(b, y->rank, walk.strides[1]);
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&walk)) {
        const order o = order_of(a, walk.offset[0], b, walk.offset[1]);
        ir_ref_put_int(y, i, o == yes || o == yes_too);
    }
    return SY_OK;
}

sy_status ir_ref_equal(const ir_kernel_args *args)
{
    if (args->inputs[0]->dtype == SY_DT_STRING) {
        return ir_ref_equal_strings(args);
    }
    return compare(args, ORDER_EQUAL, ORDER_EQUAL);
}

sy_status ir_ref_greater(const ir_kernel_args *args)
{
    return compare(args, ORDER_GREATER, ORDER_GREATER);
}

sy_status ir_ref_greaterorequal(const ir_kernel_args *args)
{
    return compare(args, ORDER_GREATER, ORDER_EQUAL);
}

sy_status ir_ref_less(const ir_kernel_args *args)
{
    return compare(args, ORDER_LESS, ORDER_LESS);
}

sy_status ir_ref_lessorequal(const ir_kernel_args *args)
{
    return compare(args, ORDER_LESS, ORDER_EQUAL);
}

/* ---------------------------------------------------------------- logic */

/* Bit 0 of `truth` for two false operands, bit 1 for one true, bit 2 for two. */
static sy_status logic(const ir_kernel_args *args, unsigned truth)
{
    const ir_tensor *a = ir_kernel_input(args, 0);
    const ir_tensor *b = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, a, a->dtype == SY_DT_BOOL && b->dtype == SY_DT_BOOL));
    ir_ref_walk walk;
    ir_ref_walk_start(&walk, y->rank, y->dims);
    ir_ref_broadcast_strides(a, y->rank, walk.strides[0]);
    ir_ref_broadcast_strides(b, y->rank, walk.strides[1]);
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&walk)) {
        const int n_true = (ir_ref_get_int(a, walk.offset[0]) != 0) +
                           (ir_ref_get_int(b, walk.offset[1]) != 0);
        ir_ref_put_int(y, i, truth >> n_true & 1);
    }
    return SY_OK;
}

sy_status ir_ref_and(const ir_kernel_args *args)
{
    return logic(args, 4);
}

sy_status ir_ref_or(const ir_kernel_args *args)
{
    return logic(args, 6);
}

sy_status ir_ref_xor(const ir_kernel_args *args)
{
    return logic(args, 2);
}

sy_status ir_ref_not(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    SY_TRY(ir_ref_need(args, x, x->dtype == SY_DT_BOOL));
    const int64_t n = ir_tensor_n_elements(x);
    for (int64_t i = 0; i < n; i++) {
        ir_ref_put_int(ir_kernel_output(args, 0), i, ir_ref_get_int(x, i) == 0);
    }
    return SY_OK;
}
