/*
 * rows_kernel.h -- fn.c's four steps on vectors of 64-bit lanes, one element per lane.
 *
 * The includer has defined the vector type v64 of LANES lanes and the operations used here (rows_avx512.c says what each
 * means). Shift counts per lane are unsigned: a negative count, and one of 64 or more, gives 0. What does not apply to a lane
 * is computed all the same and not selected; segments stay within the ROM whatever the input.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_ISA_FN_ROWS_KERNEL_H
#define SYSTOLE_ISA_FN_ROWS_KERNEL_H

#include "rom.h"
#include "rows.h"

#define FP_INF 0x7F800000
#define FP_ONE 0x3F800000

/* |v| = m * 2^(e - 23), and the sign as 0 or 1. */
typedef struct parts {
    v64 bits, magnitude, sign, m, e;
} parts;

static inline parts unpack(v64 bits)
{
    parts x;
    x.bits = bits;
    x.sign = shift_right(bits, 31);
    x.magnitude = and(bits, set(0x7FFFFFFF));
    const v64 fraction = and(bits, set(0x7FFFFF));
    const mask subnormal = less(x.magnitude, set(0x800000));
    /* the integer as an fp32 number is normalised */
    const v64 number = select(subnormal, fp_of_int(fraction), x.magnitude);
    x.m = or(and(number, set(0x7FFFFF)), set(0x800000));
    x.e = sub(shift_right(number, 23), select(subnormal, set(127 + 149), set(127)));
    return x;
}

/* The polynomial of the lane's segment at t. */
static inline v64 polynomial(v64 segment, v64 t)
{
    v64 c10;
    v64 c32;
    gather_rows(segment, &c10, &c32);
    v64 r = shift_right(c32, 32);
    r = add(c32, shift_right_signed_27(multiply_signed(r, t)));
    r = add(shift_right(c10, 32), shift_right_signed_27(multiply_signed(r, t)));
    return add(and(c10, set(0xFFFFFFFF)), shift_right_signed_27(multiply_signed(r, t)));
}

/* Rounds magnitude * 2^e, magnitude < 2^63, to fp32; 0 if it is 0. */
static inline v64 round_once(v64 magnitude, v64 e)
{
    const v64 zeros = sub(leading_zeros(magnitude), set(1));
    const v64 n = shift_left_by(magnitude, zeros);
    const v64 biased = sub(add(e, set(62 + 127)), zeros);
    const mask normal = less(set(0), biased);
    const v64 down = select(normal, set(39), sub(set(40), biased));
    const v64 odd = and(shift_right_by(n, down), set(1));
    const v64 half = shift_left_by(set(1), sub(down, set(1)));
    const v64 kept = shift_right_by(add(add(n, sub(half, set(1))), odd), down);
    const v64 exponent = shift_left(select(normal, sub(biased, set(1)), set(0)), 23);
    return select(less(set(254), biased), set(FP_INF), select(equal(magnitude, set(0)), set(0), add(exponent, kept)));
}

/* a * 2^shift for a shift of either sign, floored; a < 2^32. */
static inline v64 shifted(v64 a, v64 shift)
{
    return or(shift_left_by(a, shift), shift_right_by(a, sub(set(0), shift)));
}

static inline v64 negate_if(v64 a, v64 sign)
{
    return sub(xor(a, sub(set(0), sign)), sub(set(0), sign));
}

static inline v64 with_sign(v64 bits, v64 sign)
{
    return or(bits, shift_left(sign, 31));
}

static inline v64 by_mantissa(int rom, int index_bits, v64 parity, v64 m, v64 *t)
{
    const int rest = 23 - index_bits;
    const v64 fraction = and(m, set(0x7FFFFF));
    *t = shift_left_by(and(fraction, set((1 << rest) - 1)), set(FN_T_BITS - rest));
    return add(set(rom), or(shift_left_by(parity, set(index_bits)), shift_right_by(fraction, set(rest))));
}

static inline v64 exp2_lanes(const parts *x)
{
    const v64 s = add(x->e, set(8));
    const mask up = less(set(-1), s);
    /* floor(-a) = ~floor(a - smallest) */
    const v64 size = select(up, sub(shift_left_by(x->m, s), x->sign), shift_right_by(sub(x->m, x->sign), sub(set(0), s)));
    const v64 fixed = xor(size, sub(set(0), x->sign));
    const v64 segment = add(set(FN_ROM_EXP2), and(shift_right(fixed, 26), set(31)));
    const v64 t = shift_left(and(fixed, set(0x3FFFFFF)), 1);
    /* |x| < 2^39: adding 2^40 makes the floored quotient positive */
    const v64 k = sub(shift_right(add(fixed, set(INT64_C(1) << 40)), 31), set(1 << 9));
    const v64 y = round_once(polynomial(segment, t), sub(k, set(31)));
    const v64 limit = select(equal(x->sign, set(0)), set(FP_INF), set(0));
    return select(less(set(7), x->e), limit, select(equal(x->magnitude, set(0)), set(FP_ONE), y));
}

static inline v64 log2_lanes(const parts *x)
{
    v64 t;
    const v64 segment = by_mantissa(FN_ROM_LOG2, 5, set(0), x->m, &t);
    const v64 upper = and(shift_right(x->m, 22), set(1));
    const v64 above = shift_left(sub(x->m, set(1 << 23)), 1);
    const mask is_upper = equal(upper, set(1));
    const v64 distance = select(is_upper, sub(set(1 << 24), x->m), above); /* of m from 1 */
    const v64 product = negate_if(multiply(distance, polynomial(segment, t)), upper);
    const v64 sum = add(product, shift_left(add(x->e, upper), 55));
    const v64 sign = shift_right(sum, 63);
    const v64 y = with_sign(round_once(negate_if(sum, sign), set(-55)), sign);
    const v64 positive = select(less(x->magnitude, set(FP_INF)), y, set(FP_INF));
    const v64 any = select(equal(x->sign, set(0)), positive, set(FN_NAN));
    return select(equal(x->magnitude, set(0)), with_sign(set(FP_INF), set(1)), any);
}

static inline v64 recip_lanes(const parts *x)
{
    v64 t;
    const v64 segment = by_mantissa(FN_ROM_RECIP, 6, set(0), x->m, &t);
    const v64 y = round_once(polynomial(segment, t), sub(set(-31), x->e));
    const v64 finite = select(equal(x->magnitude, set(0)), set(FP_INF), y);
    return with_sign(select(less(x->magnitude, set(FP_INF)), finite, set(0)), x->sign);
}

/* recip of the root, or the root */
static inline v64 root_lanes(const parts *x, int reciprocal)
{
    v64 t;
    const v64 parity = and(x->e, set(1));
    const v64 half = sub(shift_right(add(x->e, set(256)), 1), set(128)); /* floor(e / 2) */
    const v64 segment = reciprocal ? by_mantissa(FN_ROM_RSQRT, 5, parity, x->m, &t) : by_mantissa(FN_ROM_SQRT, 4, parity, x->m, &t);
    const v64 y = round_once(polynomial(segment, t), sub(reciprocal ? sub(set(0), half) : half, set(31)));
    const v64 positive = select(less(x->magnitude, set(FP_INF)), y, reciprocal ? set(0) : set(FP_INF));
    const v64 any = select(equal(x->sign, set(0)), positive, set(FN_NAN));
    return select(equal(x->magnitude, set(0)), with_sign(reciprocal ? set(FP_INF) : set(0), x->sign), any);
}

/* z/(1+z), z = 2^-y, y = |v| log2(e) 2^doubled = k + fraction: segment, t and k. */
static inline v64 sigmoid_segment(const parts *x, int doubled, v64 *t, v64 *k)
{
    const v64 low = multiply(x->m, set(FN_LOG2_E & 0xFFFFFFFF));
    const v64 high = multiply(x->m, set(FN_LOG2_E >> 32));
    const v64 y = shift_right_by(add(low, shift_left(high, 32)), sub(set(29 - doubled), x->e));
    *k = shift_right(y, 31);
    *t = and(y, set(0x7FFFFFF));
    const v64 row = select(less(*k, set(FN_SIGMOID_LIMIT)), *k, set(FN_SIGMOID_LIMIT));
    return add(set(FN_ROM_SIGMOID), or(shift_left(row, 4), and(shift_right(y, 27), set(15))));
}

/* p with its second term where the ROM has the limit row */
static inline v64 sigmoid_value(v64 p, v64 k)
{
    const v64 root = shift_right(p, 15);
    const v64 second = shift_right_by(multiply(root, root), add(k, set(1)));
    return select(less(k, set(FN_SIGMOID_LIMIT)), p, sub(p, second));
}

static inline v64 sigmoid_lanes(const parts *x)
{
    v64 t;
    v64 k;
    const v64 segment = sigmoid_segment(x, 0, &t, &k);
    const v64 p = sigmoid_value(polynomial(segment, t), k);
    const mask positive = equal(x->sign, set(0));
    const v64 rest = sub(set(INT64_C(1) << 33), shift_right_by(shift_left(p, 2), k));
    const v64 y = round_once(select(positive, rest, p), select(positive, set(-33), sub(set(-31), k)));
    const v64 limit = select(positive, set(FP_ONE), set(0));
    return select(less(set(7), x->e), limit, select(equal(x->magnitude, set(0)), set(FN_HALF), y));
}

/* Segment and t of |v| in segments of 1/32. */
static inline v64 uniform(int rom, int n, const parts *x, v64 *t)
{
    const v64 at = shifted(x->m, add(x->e, set(9)));
    *t = and(at, set(0x7FFFFFF));
    return add(set(rom), and(shift_right(at, FN_T_BITS), set(n - 1)));
}

static inline v64 tanh_lanes(const parts *x)
{
    v64 small_t;
    v64 large_t;
    v64 k;
    const mask small = less(x->e, set(-1));
    const v64 small_segment = uniform(FN_ROM_TANH, 16, x, &small_t);
    const v64 large_segment = sigmoid_segment(x, 1, &large_t, &k);
    const v64 p = polynomial(select(small, small_segment, large_segment), select(small, small_t, large_t));
    const v64 product = multiply(x->m, p);
    const v64 rest = sub(set(INT64_C(1) << 33), shift_right_by(shift_left(sigmoid_value(p, k), 3), k));
    const v64 y = round_once(select(small, product, rest), select(small, sub(x->e, set(54)), set(-33)));
    return with_sign(select(less(set(3), x->e), set(FP_ONE), select(equal(x->magnitude, set(0)), set(0), y)), x->sign);
}

static inline v64 erf_lanes(const parts *x, int phi)
{
    v64 t;
    const v64 segment = uniform(FN_ROM_ERF, 128, x, &t);
    const v64 p = polynomial(segment, t);
    const v64 product = multiply(x->m, p);
    const mask small = less(x->e, set(0));
    const mask below_3 = less(segment, set(FN_ROM_ERF + 96));
    const v64 down = select(less(segment, set(FN_ROM_ERF + 64)), set(2), select(below_3, set(7), set(15)));
    const v64 rest = shift_right_by(shift_left(p, 2), down);
    if (!phi) {
        const v64 large = sub(set(INT64_C(1) << 33), rest);
        const v64 y = round_once(select(small, product, large), select(small, sub(x->e, set(54)), set(-33)));
        return with_sign(select(less(set(1), x->e), set(FP_ONE), select(equal(x->magnitude, set(0)), set(0), y)), x->sign);
    }
    const mask positive = equal(x->sign, set(0));
    const v64 erf = negate_if(shift_right_by(product, sub(set(-1), x->e)), x->sign);
    const v64 near = add(set(INT64_C(1) << 55), erf);
    const v64 far = select(positive, sub(set(INT64_C(1) << 34), rest), p);
    const v64 far_e = select(positive, set(-34), sub(set(-32), down));
    const v64 y = round_once(select(small, near, far), select(small, set(-56), far_e));
    const v64 limit = select(positive, set(FP_ONE), set(0));
    return select(less(set(1), x->e), limit, select(equal(x->magnitude, set(0)), set(FN_HALF), y));
}

static inline v64 apply(isa_fn fn, v64 bits)
{
    const parts x = unpack(bits);
    v64 y = set(FN_NAN);
    switch (fn) {
    case ISA_FN_EXP2:
        y = exp2_lanes(&x);
        break;
    case ISA_FN_LOG2:
        y = log2_lanes(&x);
        break;
    case ISA_FN_RECIP:
        y = recip_lanes(&x);
        break;
    case ISA_FN_RSQRT:
        y = root_lanes(&x, 1);
        break;
    case ISA_FN_SQRT:
        y = root_lanes(&x, 0);
        break;
    case ISA_FN_TANH:
        y = tanh_lanes(&x);
        break;
    case ISA_FN_SIGMOID:
        y = sigmoid_lanes(&x);
        break;
    case ISA_FN_ERF:
        y = erf_lanes(&x, 0);
        break;
    case ISA_FN_PHI:
        y = erf_lanes(&x, 1);
        break;
    }
    return select(less(set(FP_INF), x.magnitude), set(FN_NAN), y);
}

/* All whole vectors of n elements, with fn a constant; how many elements that were. */
static inline __attribute__((always_inline)) size_t run(isa_fn fn, const float *v, float *y, size_t n)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        store(y + i, apply(fn, load(v + i)));
    }
    return i;
}

static inline size_t run_any(isa_fn fn, const float *v, float *y, size_t n)
{
    switch (fn) {
    case ISA_FN_EXP2:
        return run(ISA_FN_EXP2, v, y, n);
    case ISA_FN_LOG2:
        return run(ISA_FN_LOG2, v, y, n);
    case ISA_FN_RECIP:
        return run(ISA_FN_RECIP, v, y, n);
    case ISA_FN_RSQRT:
        return run(ISA_FN_RSQRT, v, y, n);
    case ISA_FN_SQRT:
        return run(ISA_FN_SQRT, v, y, n);
    case ISA_FN_TANH:
        return run(ISA_FN_TANH, v, y, n);
    case ISA_FN_SIGMOID:
        return run(ISA_FN_SIGMOID, v, y, n);
    case ISA_FN_ERF:
        return run(ISA_FN_ERF, v, y, n);
    case ISA_FN_PHI:
        return run(ISA_FN_PHI, v, y, n);
    }
    return 0;
}

#endif
