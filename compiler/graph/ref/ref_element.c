/*
 * ref_element.c -- elements of any type, broadcasting, walks over shapes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include "systole/base/assert.h"

#include <math.h>
#include <string.h>

/* A float format of at most 16 bits. `top` is what the largest exponent codes mean. */
typedef enum small_top {
    TOP_IEEE, /* infinities and NaNs */
    TOP_FN,   /* no infinity; all ones is NaN */
    TOP_FNUZ, /* no infinity, no negative zero: the code of -0 is NaN */
    TOP_NONE  /* every code is a number */
} small_top;

typedef struct small_format {
    int exponent_bits, mantissa_bits, bias;
    small_top top;
} small_format;

static bool small_format_of(sy_dtype t, small_format *out)
{
    if (t == SY_DT_F16) {
        *out = (small_format){5, 10, 15, TOP_IEEE};
    } else if (t == SY_DT_BF16) {
        *out = (small_format){8, 7, 127, TOP_IEEE};
    } else if (t == SY_DT_F8E4M3FN) {
        *out = (small_format){4, 3, 7, TOP_FN};
    } else if (t == SY_DT_F8E4M3FNUZ) {
        *out = (small_format){4, 3, 8, TOP_FNUZ};
    } else if (t == SY_DT_F8E5M2) {
        *out = (small_format){5, 2, 15, TOP_IEEE};
    } else if (t == SY_DT_F8E5M2FNUZ) {
        *out = (small_format){5, 2, 16, TOP_FNUZ};
    } else if (t == SY_DT_F4E2M1) {
        *out = (small_format){2, 1, 1, TOP_NONE};
    } else {
        return false;
    }
    return true;
}

static uint32_t sign_mask(const small_format *f)
{
    return 1u << (f->exponent_bits + f->mantissa_bits);
}

static uint32_t nan_code(const small_format *f)
{
    if (f->top == TOP_FNUZ) {
        return sign_mask(f);
    }
    if (f->top == TOP_FN) {
        return sign_mask(f) - 1;
    }
    if (f->top == TOP_NONE) {
        return sign_mask(f); /* -0, as ml_dtypes has it */
    }
    return (((1u << f->exponent_bits) - 1) << f->mantissa_bits) | (1u << (f->mantissa_bits - 1));
}

/* The code of the largest finite number. */
static uint32_t max_code(const small_format *f)
{
    if (f->top == TOP_IEEE) {
        return (((1u << f->exponent_bits) - 1) << f->mantissa_bits) - 1;
    }
    return f->top == TOP_FN ? sign_mask(f) - 2 : sign_mask(f) - 1;
}

static double small_decode(const small_format *f, uint32_t code)
{
    const uint32_t magnitude = code & (sign_mask(f) - 1);
    const double sign = (code & sign_mask(f)) != 0 ? -1.0 : 1.0;
    if (f->top == TOP_FNUZ && code == sign_mask(f)) {
        return (double)NAN;
    }
    if (magnitude > max_code(f)) {
        const bool infinite = f->top == TOP_IEEE && magnitude == max_code(f) + 1;
        return infinite ? sign * (double)INFINITY : (double)NAN;
    }
    const int exponent = (int)(magnitude >> f->mantissa_bits);
    const double mantissa = (double)(magnitude & ((1u << f->mantissa_bits) - 1));
    const double one = (double)(1u << f->mantissa_bits);
    const int e = (exponent == 0 ? 1 : exponent) - f->bias - f->mantissa_bits;
    return sign * ldexp(mantissa + (exponent == 0 ? 0.0 : one), e);
}

static uint32_t small_encode(const small_format *f, double v, bool saturate)
{
    if (isnan(v)) {
        return nan_code(f);
    }
    const uint32_t sign = signbit(v) != 0 ? sign_mask(f) : 0;
    const double a = fabs(v);
    uint32_t magnitude;
    if (isinf(v)) {
        magnitude = max_code(f) + 1;
    } else {
        int e = 0;
        (void)frexp(a, &e); /* a = m * 2^e, m in [0.5, 1) */
        const int lowest = 1 - f->bias;
        const int exponent = a == 0.0 || e - 1 < lowest ? lowest : e - 1;
        /* The code as a number: the mantissa in units of the last place, plus the exponent above
         * it. */
        const double units = rint(ldexp(a, f->mantissa_bits - exponent));
        const double code = units + ldexp((double)(exponent - lowest), f->mantissa_bits);
        magnitude = code > (double)max_code(f) ? max_code(f) + 1 : (uint32_t)code;
    }
    if (magnitude > max_code(f)) {
        if (saturate || f->top == TOP_NONE) {
            return sign | max_code(f);
        }
        return f->top == TOP_IEEE ? (sign | (max_code(f) + 1))
                                  : nan_code(f) | (f->top == TOP_FN ? sign : 0);
    }
    if (magnitude == 0 && f->top == TOP_FNUZ) {
        return 0;
    }
    return sign | magnitude;
}

bool ir_ref_is_float(sy_dtype t)
{
    small_format f;
    return t == SY_DT_F32 || t == SY_DT_F64 || (t != SY_DT_F4E2M1 && small_format_of(t, &f));
}

bool ir_ref_is_number(sy_dtype t)
{
    const sy_dtype_class c = sy_dtype_class_of(t);
    return c == SY_DC_FLOAT || c == SY_DC_INT || c == SY_DC_UINT || c == SY_DC_BOOL;
}

bool ir_ref_is_integer(sy_dtype t)
{
    const sy_dtype_class c = sy_dtype_class_of(t);
    return (c == SY_DC_INT || c == SY_DC_UINT || c == SY_DC_BOOL) && sy_dtype_bits(t) >= 8;
}

size_t ir_ref_element_bytes(sy_dtype t)
{
    return sy_dtype_bits(t) / 8;
}

/* ---------------------------------------------------------------- types of 4 and 2 bits */

/* The code of element i; the first lies in the lowest bits. */
static uint32_t packed_get(const ir_tensor *t, int64_t i)
{
    const uint32_t bits = sy_dtype_bits(t->dtype), per_byte = 8 / bits;
    const uint32_t byte = ((const uint8_t *)t->data)[i / per_byte];
    return byte >> ((uint32_t)(i % per_byte) * bits) & ((1u << bits) - 1u);
}

/* Leaves its neighbours alone; with the last element the bits that belong to none become 0. */
static void packed_put(ir_tensor *t, int64_t i, uint32_t code)
{
    const uint32_t bits = sy_dtype_bits(t->dtype), per_byte = 8 / bits;
    const uint32_t shift = (uint32_t)(i % per_byte) * bits;
    const bool last = i == ir_tensor_n_elements(t) - 1;
    const uint32_t mask = last ? 0xffu << shift : ((1u << bits) - 1u) << shift;
    uint8_t *byte = (uint8_t *)t->data + i / per_byte;
    *byte = (uint8_t)((*byte & ~mask) | ((code & ((1u << bits) - 1u)) << shift));
}

static bool is_packed(sy_dtype t)
{
    const uint32_t bits = sy_dtype_bits(t);
    return bits == 4 || bits == 2;
}

/* ---------------------------------------------------------------- f8e8m0: powers of two, no sign */

#define E8M0_NAN 255u

static double e8m0_decode(uint32_t code)
{
    return code == E8M0_NAN ? (double)NAN : ldexp(1.0, (int)code - 127);
}

void ir_ref_put_e8m0(ir_tensor *t, int64_t i, double v, ir_ref_e8m0_rounding rounding, bool saturate)
{
    uint32_t code = E8M0_NAN;
    if (v == 0.0) {
        code = saturate ? 0 : E8M0_NAN;
    } else if (!isnan(v) && !isinf(v) && v > 0.0) {
        int e = 0;
        const double m = frexp(v, &e) * 2.0; /* v = m * 2^(e - 1), m in [1, 2) */
        const bool up = rounding == IR_REF_E8M0_UP ? m > 1.0
                                                   : rounding == IR_REF_E8M0_NEAREST && m >= 1.5;
        const int exponent = e - 1 + (int)up + 127;
        code = exponent < 0     ? (saturate ? 0 : E8M0_NAN)
               : exponent > 254 ? (saturate ? 254 : E8M0_NAN)
                                : (uint32_t)exponent;
    } else if (isinf(v) && v > 0.0 && saturate) {
        code = 254;
    }
    ((uint8_t *)t->data)[i] = (uint8_t)code;
}

/* ---------------------------------------------------------------- elements */

double ir_ref_get(const ir_tensor *t, int64_t i)
{
    small_format f;
    if (t->dtype == SY_DT_F32) {
        return (double)((const float *)t->data)[i];
    }
    if (t->dtype == SY_DT_F64) {
        return ((const double *)t->data)[i];
    }
    if (t->dtype == SY_DT_F8E8M0) {
        return e8m0_decode(((const uint8_t *)t->data)[i]);
    }
    if (small_format_of(t->dtype, &f)) {
        const bool byte = sy_dtype_bits(t->dtype) == 8;
        if (is_packed(t->dtype)) {
            return small_decode(&f, packed_get(t, i));
        }
        return small_decode(&f,
                            byte ? ((const uint8_t *)t->data)[i] : ((const uint16_t *)t->data)[i]);
    }
    if (t->dtype == SY_DT_U64) {
        return (double)((const uint64_t *)t->data)[i];
    }
    return (double)ir_ref_get_int(t, i);
}

static void put(ir_tensor *t, int64_t i, double v, bool saturate)
{
    small_format f;
    if (t->dtype == SY_DT_F32) {
        ((float *)t->data)[i] = (float)v;
    } else if (t->dtype == SY_DT_F64) {
        ((double *)t->data)[i] = v;
    } else if (small_format_of(t->dtype, &f)) {
        const uint32_t code = small_encode(&f, v, saturate && sy_dtype_bits(t->dtype) == 8);
        if (is_packed(t->dtype)) {
            packed_put(t, i, code);
        } else if (sy_dtype_bits(t->dtype) == 8) {
            ((uint8_t *)t->data)[i] = (uint8_t)code;
        } else {
            ((uint16_t *)t->data)[i] = (uint16_t)code;
        }
    } else if (t->dtype == SY_DT_F8E8M0) {
        ir_ref_put_e8m0(t, i, v, IR_REF_E8M0_UP, saturate);
    } else {
        SY_UNREACHABLE();
    }
}

void ir_ref_put(ir_tensor *t, int64_t i, double v)
{
    put(t, i, v, false);
}

void ir_ref_put_saturated(ir_tensor *t, int64_t i, double v)
{
    put(t, i, v, true);
}

int64_t ir_ref_get_int(const ir_tensor *t, int64_t i)
{
    const bool is_signed = sy_dtype_class_of(t->dtype) == SY_DC_INT;
    const uint32_t bits = sy_dtype_bits(t->dtype);
    if (is_packed(t->dtype)) {
        const int64_t code = packed_get(t, i);
        return is_signed && code >> (bits - 1) != 0 ? code - ((int64_t)1 << bits) : code;
    }
    if (bits == 8) {
        return is_signed ? ((const int8_t *)t->data)[i] : ((const uint8_t *)t->data)[i];
    }
    if (bits == 16) {
        return is_signed ? ((const int16_t *)t->data)[i] : ((const uint16_t *)t->data)[i];
    }
    if (bits == 32) {
        return is_signed ? ((const int32_t *)t->data)[i] : (int64_t)((const uint32_t *)t->data)[i];
    }
    SY_ASSERT(bits == 64);
    return ((const int64_t *)t->data)[i];
}

void ir_ref_put_int(ir_tensor *t, int64_t i, int64_t v)
{
    const uint32_t bits = sy_dtype_bits(t->dtype);
    const uint64_t u = sy_dtype_class_of(t->dtype) == SY_DC_BOOL ? v != 0 : (uint64_t)v;
    if (is_packed(t->dtype)) {
        packed_put(t, i, (uint32_t)(u & 15u));
    } else if (bits == 8) {
        ((uint8_t *)t->data)[i] = (uint8_t)u;
    } else if (bits == 16) {
        ((uint16_t *)t->data)[i] = (uint16_t)u;
    } else if (bits == 32) {
        ((uint32_t *)t->data)[i] = (uint32_t)u;
    } else {
        SY_ASSERT(bits == 64);
        ((uint64_t *)t->data)[i] = u;
    }
}

sy_status ir_ref_need(const ir_kernel_args *args, const ir_tensor *t, bool known)
{
    if (known) {
        return SY_OK;
    }
    return base_fail(args->diag, SY_EUNSUPPORTED, "%s of %s is not supported on the cpu",
                     args->node->op_name, sy_dtype_name(t->dtype));
}

void ir_ref_broadcast_strides(const ir_tensor *t, int32_t rank, int64_t strides[IR_MAX_RANK])
{
    int64_t stride = 1;
    for (int32_t i = rank - 1; i >= 0; i--) {
        const int32_t own = i - (rank - t->rank);
        strides[i] = own < 0 || t->dims[own] == 1 ? 0 : stride;
        stride *= own < 0 ? 1 : t->dims[own];
    }
}

void ir_ref_walk_start(ir_ref_walk *w, int32_t rank, const int64_t *dims)
{
    memset(w, 0, sizeof *w);
    w->rank = rank;
    for (int32_t i = 0; i < rank; i++) {
        w->dims[i] = dims[i];
    }
}

void ir_ref_walk_next(ir_ref_walk *w)
{
    for (int32_t i = w->rank - 1; i >= 0; i--) {
        for (int k = 0; k < IR_REF_WALK_OPERANDS; k++) {
            w->offset[k] += w->strides[k][i];
        }
        if (++w->index[i] < w->dims[i]) {
            return;
        }
        for (int k = 0; k < IR_REF_WALK_OPERANDS; k++) {
            w->offset[k] -= w->strides[k][i] * w->index[i];
        }
        w->index[i] = 0;
    }
}

bool ir_ref_axis(int64_t axis, int32_t rank, int32_t *out)
{
    if (axis < -(int64_t)rank || axis >= rank) {
        return false;
    }
    *out = (int32_t)(axis < 0 ? axis + rank : axis);
    return true;
}

int64_t ir_ref_product(const int64_t *dims, int32_t from, int32_t to)
{
    int64_t n = 1;
    for (int32_t i = from; i < to; i++) {
        n *= dims[i];
    }
    return n;
}

void ir_ref_inside(int64_t n, int64_t size, int64_t stride, int64_t at, int64_t *first,
                   int64_t *last)
{
    *first = 0;
    while (*first < n && *first * stride + at < 0) {
        (*first)++;
    }
    *last = n;
    while (*last > *first && (*last - 1) * stride + at >= size) {
        (*last)--;
    }
}

/* How many k in [0, n) have start + k * step < limit. */
static int64_t n_below(int64_t start, int64_t step, int64_t limit, int64_t n)
{
    const int64_t k = limit > start ? (limit - start + step - 1) / step : 0;
    return k < n ? k : n;
}

ir_ref_taps ir_ref_taps_of(const ir_window *w, int32_t axis, int64_t o, int64_t size,
                           bool include_pad)
{
    const int64_t start = o * w->strides[axis] - w->pads_begin[axis], n = w->kernel[axis],
                  step = w->dilations[axis];
    ir_ref_taps t = {.first = n_below(start, step, 0, n), .last = n_below(start, step, size, n)};
    t.counted = include_pad ? n_below(start, step, size + w->pads_end[axis], n) : t.last - t.first;
    return t;
}

int64_t ir_ref_rne(float v)
{
    if (isnan(v)) {
        return 0;
    }
    const float r = rintf(v);
    if (r >= 2147483648.0f) {
        return INT32_MAX;
    }
    return r <= -2147483648.0f ? INT32_MIN : (int64_t)r;
}
