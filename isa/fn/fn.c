/*
 * fn.c -- the definition of the elementary functions: reduce, polynomial, combine, round once.
 *
 * The four steps are the four stages of rtl/vpu/fn_unit.v, integer for integer. Prose: isa/spec/numerics.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdbool.h>
#include <string.h>

#include "systole/isa/fn.h"
#include "rom.h"

#define FP_NAN 0x7FC00000u
#define FP_INF 0x7F800000u
#define FP_ONE 0x3F800000u
#define FP_HALF 0x3F000000u
#define SIGN 0x80000000u

const fn_row isa_fn_rom[FN_ROM_N] = {
#define R(function, segment, c0, c1, c2, c3) {c0, c1, c2, c3},
#include "rom.def"
#undef R
};

/* What the reduction hands to the other steps. */
typedef struct reduced {
    bool special;     /* bits is the result */
    uint32_t bits;
    bool sign;        /* of the result; log2: unused, the sum has its own */
    uint32_t segment; /* in isa_fn_rom */
    uint32_t t;
    int32_t m;        /* factor of the polynomial where combine uses one */
    int32_t e;        /* exponent, or the shift k of sigmoid */
} reduced;

/* |x| = mantissa * 2^(exponent - 23), mantissa in [2^23, 2^24); not for zero. */
static void unpack(uint32_t v, uint32_t *mantissa, int32_t *exponent)
{
    *mantissa = v & 0x7FFFFFu;
    *exponent = (int32_t)(v >> 23 & 0xFF) - 127;
    if (*exponent == -127) {
        const int zeros = __builtin_clz(*mantissa) - 8;
        *mantissa <<= zeros;
        *exponent = -126 - zeros;
    } else {
        *mantissa |= 1u << 23;
    }
}

static reduced special(uint32_t bits)
{
    return (reduced){.special = true, .bits = bits};
}

/* The segment and t of a mantissa whose first index_bits bits after the leading one choose the segment. */
static reduced by_mantissa(uint32_t rom, uint32_t parity, uint32_t mantissa, int index_bits)
{
    const int rest = 23 - index_bits;
    const uint32_t fraction = mantissa & 0x7FFFFFu;
    return (reduced){.segment = rom + (parity << index_bits | fraction >> rest),
                     .t = (fraction & ((1u << rest) - 1)) << (FN_T_BITS - rest)};
}

static reduced reduce_exp2(bool negative, uint32_t mantissa, int32_t e)
{
    if (e >= 8) {
        return special(negative ? 0 : FP_INF);
    }
    const int64_t value = negative ? -(int64_t)mantissa : (int64_t)mantissa;
    const int shift = -(e + 8) > 63 ? 63 : -(e + 8); /* x with 31 bits after the point, floored */
    const int64_t x = shift <= 0 ? value * (INT64_C(1) << -shift) : value >> shift;
    const uint32_t fraction = (uint32_t)x & 0x7FFFFFFFu;
    return (reduced){.segment = FN_ROM_EXP2 + (fraction >> 26), .t = (fraction & 0x3FFFFFFu) << 1, .e = (int32_t)(x >> 31)};
}

static reduced reduce_log2(uint32_t mantissa, int32_t e)
{
    reduced r = by_mantissa(FN_ROM_LOG2, 0, mantissa, 5);
    const bool upper = mantissa >= 3u << 22; /* m = mantissa / 2^24 in [0.75, 1) */
    r.m = upper ? (int32_t)mantissa - (1 << 24) : ((int32_t)mantissa - (1 << 23)) * 2;
    r.e = upper ? e + 1 : e;
    return r;
}

/* sigmoid(-y ln 2): y = |x| log2(e) * 2^doubled = k + fraction */
static reduced reduce_sigmoid(uint32_t mantissa, int32_t e, int doubled)
{
    const int shift = 29 - doubled - e > 63 ? 63 : 29 - doubled - e;
    const uint64_t y = (uint64_t)mantissa * (uint64_t)FN_LOG2_E >> shift;
    const uint32_t k = (uint32_t)(y >> 31);
    const uint32_t fraction = (uint32_t)y & 0x7FFFFFFFu;
    const uint32_t row = k < FN_SIGMOID_LIMIT ? k : FN_SIGMOID_LIMIT;
    return (reduced){.segment = FN_ROM_SIGMOID + (row << 4 | fraction >> 27), .t = fraction & 0x7FFFFFFu, .e = (int32_t)k};
}

/* Segments of 1/32 from 0 on; |x| < 4. */
static reduced reduce_uniform(uint32_t rom, uint32_t mantissa, int32_t e)
{
    const int shift = e + 9;
    const uint64_t at = shift >= 0 ? (uint64_t)mantissa << shift : -shift > 63 ? 0 : (uint64_t)mantissa >> -shift;
    return (reduced){.segment = rom + (uint32_t)(at >> FN_T_BITS), .t = (uint32_t)at & 0x7FFFFFFu, .m = (int32_t)mantissa, .e = e};
}

static reduced reduce_zero(isa_fn fn, uint32_t v)
{
    switch (fn) {
    case ISA_FN_EXP2:
        return special(FP_ONE);
    case ISA_FN_LOG2:
        return special(FP_INF | SIGN);
    case ISA_FN_RECIP:
    case ISA_FN_RSQRT:
        return special(FP_INF | (v & SIGN));
    case ISA_FN_SIGMOID:
    case ISA_FN_PHI:
        return special(FP_HALF);
    case ISA_FN_SQRT:
    case ISA_FN_TANH:
    case ISA_FN_ERF:
        break;
    }
    return special(v);
}

/* Infinities, and what is so large that the function has reached its limit. */
static reduced reduce_large(isa_fn fn, uint32_t v)
{
    const bool negative = (v & SIGN) != 0;
    switch (fn) {
    case ISA_FN_EXP2:
        return special(negative ? 0 : FP_INF);
    case ISA_FN_LOG2:
    case ISA_FN_SQRT:
        return special(negative ? FP_NAN : FP_INF);
    case ISA_FN_RECIP:
        return special(v & SIGN);
    case ISA_FN_RSQRT:
        return special(negative ? FP_NAN : 0);
    case ISA_FN_TANH:
    case ISA_FN_ERF:
        return special(FP_ONE | (v & SIGN));
    case ISA_FN_SIGMOID:
    case ISA_FN_PHI:
        return special(negative ? 0 : FP_ONE);
    }
    return special(FP_NAN);
}

/* Step 1. */
static reduced reduce(isa_fn fn, uint32_t v)
{
    const bool negative = (v & SIGN) != 0;
    const uint32_t magnitude = v & ~SIGN;
    if (magnitude > FP_INF) {
        return special(FP_NAN);
    }
    if (magnitude == 0) {
        return reduce_zero(fn, v);
    }
    if (magnitude == FP_INF) {
        return reduce_large(fn, v);
    }
    uint32_t mantissa;
    int32_t e;
    unpack(v, &mantissa, &e);
    reduced r = {0};
    switch (fn) {
    case ISA_FN_EXP2:
        return reduce_exp2(negative, mantissa, e);
    case ISA_FN_LOG2:
        return negative ? special(FP_NAN) : reduce_log2(mantissa, e);
    case ISA_FN_RECIP:
        r = by_mantissa(FN_ROM_RECIP, 0, mantissa, 6);
        r.e = -e;
        break;
    case ISA_FN_RSQRT:
        if (negative) {
            return special(FP_NAN);
        }
        r = by_mantissa(FN_ROM_RSQRT, (uint32_t)e & 1, mantissa, 5);
        r.e = -((e - (e & 1)) / 2);
        break;
    case ISA_FN_SQRT:
        if (negative) {
            return special(FP_NAN);
        }
        r = by_mantissa(FN_ROM_SQRT, (uint32_t)e & 1, mantissa, 4);
        r.e = (e - (e & 1)) / 2;
        break;
    case ISA_FN_TANH:
        if (e >= 4) {
            return reduce_large(fn, v);
        }
        r = e < -1 ? reduce_uniform(FN_ROM_TANH, mantissa, e) : reduce_sigmoid(mantissa, e, 1);
        break;
    case ISA_FN_SIGMOID:
        if (e >= 8) {
            return reduce_large(fn, v);
        }
        r = reduce_sigmoid(mantissa, e, 0);
        break;
    case ISA_FN_ERF:
    case ISA_FN_PHI:
        if (e >= 2) {
            return reduce_large(fn, v);
        }
        r = reduce_uniform(FN_ROM_ERF, mantissa, e);
        break;
    }
    r.sign = negative;
    return r;
}

/* A number before rounding: (-1)^sign magnitude * 2^exponent. */
typedef struct exact {
    bool sign;
    uint64_t magnitude; /* below 2^63 */
    int32_t exponent;
} exact;

/* base - p / 2^k */
static uint64_t complement(uint64_t base, uint64_t p, int k)
{
    return base - (k > 63 ? 0 : p >> k);
}

/* sigmoid's polynomial, with its second term where the ROM has the limit row */
static uint64_t sigmoid_value(const reduced *r, uint64_t p)
{
    const uint64_t square = (p >> 15) * (p >> 15);
    return r->e < FN_SIGMOID_LIMIT || r->e > 62 ? p : p - (square >> (r->e + 1));
}

/* erf and phi */
static exact combine_erf(isa_fn fn, const reduced *r, uint64_t p)
{
    const uint32_t segment = r->segment - FN_ROM_ERF;
    const int shift = fn_erfc_shift(segment);
    const uint64_t product = (uint64_t)r->m * p;
    if (fn == ISA_FN_ERF) {
        return segment < 32 ? (exact){r->sign, product, r->e - 54} : (exact){r->sign, complement(UINT64_C(1) << 33, p << 2, shift), -33};
    }
    if (segment < 32) {
        const int down = -1 - r->e;
        const uint64_t erf = down > 63 ? 0 : product >> down;
        return (exact){false, r->sign ? (UINT64_C(1) << 55) - erf : (UINT64_C(1) << 55) + erf, -56};
    }
    return r->sign ? (exact){false, p, -32 - shift} : (exact){false, complement(UINT64_C(1) << 34, p << 2, shift), -34};
}

/* Step 3; p is step 2's. */
static exact combine(isa_fn fn, const reduced *r, uint64_t p)
{
    switch (fn) {
    case ISA_FN_EXP2:
    case ISA_FN_RECIP:
    case ISA_FN_RSQRT:
    case ISA_FN_SQRT:
        return (exact){r->sign, p, r->e - 31};
    case ISA_FN_LOG2: {
        const int64_t sum = (int64_t)r->m * (int64_t)p + r->e * (INT64_C(1) << 55);
        return (exact){sum < 0, (uint64_t)(sum < 0 ? -sum : sum), -55};
    }
    case ISA_FN_TANH:
        if (r->segment < FN_ROM_SIGMOID) {
            return (exact){r->sign, (uint64_t)r->m * p, r->e - 54};
        }
        return (exact){r->sign, complement(UINT64_C(1) << 33, sigmoid_value(r, p) << 3, r->e), -33};
    case ISA_FN_SIGMOID: {
        const uint64_t s = sigmoid_value(r, p);
        return r->sign ? (exact){false, s, -31 - r->e} : (exact){false, complement(UINT64_C(1) << 33, s << 2, r->e), -33};
    }
    case ISA_FN_ERF:
    case ISA_FN_PHI:
        break;
    }
    return combine_erf(fn, r, p);
}

/* Step 4: to nearest even, subnormals kept, overflow to infinity. */
static uint32_t round_once(exact x)
{
    const uint32_t sign = x.sign ? SIGN : 0;
    if (x.magnitude == 0) {
        return sign;
    }
    const int zeros = __builtin_clzll(x.magnitude) - 1;
    const uint64_t m = x.magnitude << zeros; /* the leading one at bit 62 */
    const int32_t biased = 62 - zeros + x.exponent + 127;
    if (biased > 254) {
        return sign | FP_INF;
    }
    if (biased < -23) {
        return sign;
    }
    const int shift = biased >= 1 ? 39 : 40 - biased;
    const uint64_t rest = m & ((UINT64_C(1) << shift) - 1);
    const uint64_t half = UINT64_C(1) << (shift - 1);
    const uint32_t kept = (uint32_t)(m >> shift);
    const uint32_t up = rest > half || (rest == half && (kept & 1) != 0) ? 1 : 0;
    return sign | ((biased >= 1 ? (uint32_t)(biased - 1) << 23 : 0) + kept + up);
}

uint32_t isa_fn_bits(isa_fn fn, uint32_t v)
{
    const reduced r = reduce(fn, v);
    if (r.special) {
        return r.bits;
    }
    const int64_t p = fn_poly(&isa_fn_rom[r.segment], r.t);
    return round_once(combine(fn, &r, (uint64_t)p));
}

float isa_fn_float(isa_fn fn, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    bits = isa_fn_bits(fn, bits);
    memcpy(&v, &bits, sizeof v);
    return v;
}

static const struct {
    const char *name;
    double max_ulp;
} functions[] = {
#define FN(NAME, name, ulp, at, range, summary) {#name, ulp},
#include "systole/isa/functions.def"
#undef FN
};

const char *isa_fn_name(isa_fn fn)
{
    return functions[fn].name;
}

double isa_fn_max_ulp(isa_fn fn)
{
    return functions[fn].max_ulp;
}
