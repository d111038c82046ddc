/*
 * ref_internal.h -- what the reference kernels share: elements of any type, shapes, rounding.
 *
 * The reference kernels are the judge of every device: plain scalar code, one definition each, no
 * BLAS, no threads, nothing shared with passes, schedule, simulator or fast kernels. Bits are the
 * same on every machine with IEEE 754 arithmetic: fp32 sums and functions are computed in double,
 * in the order of the loops, and rounded once; sums, differences, products and quotients of two
 * fp32 numbers come out as the fp32 operation's own result that way (53 >= 2 * 24 + 2 bits). The
 * quantised operators follow numerics.md rounding by rounding, in fp32.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_REF_INTERNAL_H
#define SYSTOLE_GRAPH_REF_INTERNAL_H

#include "systole/graph/infer.h"
#include "systole/graph/optable.h"

#include <float.h>

_Static_assert(FLT_EVAL_METHOD == 0,
               "the reference kernels need arithmetic without excess precision");

#define REF(id, function) sy_status function(const ir_kernel_args *args);
#include "ref_kernels.def"
#undef REF

/* ---------------------------------------------------------------- elements (ref_element.c) */

/* True for f64, f32, f16, bf16 and the four 8-bit floats with a sign. */
bool ir_ref_is_float(sy_dtype t);
/* True for signed, unsigned and bool types of whole bytes. */
bool ir_ref_is_integer(sy_dtype t);
/* True for whatever ir_ref_get knows: the above, f4e2m1, f8e8m0 and integers of 4 and 2 bits. */
bool ir_ref_is_number(sy_dtype t);

/* Element i as a double (exact, but for 64-bit integers beyond 2^53). */
double ir_ref_get(const ir_tensor *t, int64_t i);
/* Stores v rounded once to the float type (nearest even; overflow gives infinity, or NaN where
 * there is none). */
void ir_ref_put(ir_tensor *t, int64_t i, double v);
/* The same, but overflow in 8-bit float types gives the largest finite number. */
void ir_ref_put_saturated(ir_tensor *t, int64_t i, double v);
/* Stores a power of two, or NaN for what is none even rounded: below 0, and outside the range unless
 * it saturates. */
typedef enum ir_ref_e8m0_rounding {
    IR_REF_E8M0_UP,
    IR_REF_E8M0_DOWN,
    IR_REF_E8M0_NEAREST /* ties up */
} ir_ref_e8m0_rounding;
void ir_ref_put_e8m0(ir_tensor *t, int64_t i, double v, ir_ref_e8m0_rounding rounding,
                     bool saturate);
/* Integer element i; u64 as the same 64 bits. */
int64_t ir_ref_get_int(const ir_tensor *t, int64_t i);
/* Stores the low bits of v; bool: v != 0. */
void ir_ref_put_int(ir_tensor *t, int64_t i, int64_t v);

/*
 * v towards zero, as an integer of type t, for ir_ref_put_int; NaN: 0; bool: v != 0. Outside i32, i64 and u64 the
 * nearest end; of what lies outside narrower types and u32 the low bits, as numpy and ONNX Runtime have it.
 */
int64_t ir_ref_truncate(sy_dtype t, double v);

/* Bytes of one element; 0 for string, sub-byte types and none. */
size_t ir_ref_element_bytes(sy_dtype t);

/* SY_OK if t is one of the types the kernel knows, else one line naming the operator and the type.
 */
sy_status ir_ref_need(const ir_kernel_args *args, const ir_tensor *t, bool known);

/* Equal of two string tensors. */
sy_status ir_ref_equal_strings(const ir_kernel_args *args);

/* y = f(x) for every element of a float tensor. */
sy_status ir_ref_map_float(const ir_kernel_args *args, double (*f)(double));

/* ---------------------------------------------------------------- shapes */

/* Strides in elements that read `t` as if broadcast to `rank` dims: 0 where t has size 1 or no
 * dimension. */
void ir_ref_broadcast_strides(const ir_tensor *t, int32_t rank, int64_t strides[IR_MAX_RANK]);

/* A walk over all indices of `dims` in row-major order that keeps one offset per operand. */
#define IR_REF_WALK_OPERANDS 3
typedef struct ir_ref_walk {
    int32_t rank;
    int64_t dims[IR_MAX_RANK];
    int64_t index[IR_MAX_RANK];
    int64_t strides[IR_REF_WALK_OPERANDS][IR_MAX_RANK];
    int64_t offset[IR_REF_WALK_OPERANDS];
} ir_ref_walk;

/* Starts at index 0 with all strides 0. */
void ir_ref_walk_start(ir_ref_walk *w, int32_t rank, const int64_t *dims);
/* Moves to the next index; wraps around after the last. */
void ir_ref_walk_next(ir_ref_walk *w);

/* An axis in [-rank, rank) as one in [0, rank); false if it is outside. */
bool ir_ref_axis(int64_t axis, int32_t rank, int32_t *out);

/* Product of dims[from] .. dims[to - 1]. */
int64_t ir_ref_product(const int64_t *dims, int32_t from, int32_t to);

/* The outputs [first, last) of n whose position o * stride + at lies inside an axis of this size.
 */
void ir_ref_inside(int64_t n, int64_t size, int64_t stride, int64_t at, int64_t *first,
                   int64_t *last);

/*
 * The taps of a window at output o along one axis: [first, last) lie on the input; `counted` is
 * what an average divides by, with or without padding (what ceil_mode reads beyond the padding
 * never counts).
 */
typedef struct ir_ref_taps {
    int64_t first, last, counted;
} ir_ref_taps;

ir_ref_taps ir_ref_taps_of(const ir_window *w, int32_t axis, int64_t o, int64_t size,
                           bool include_pad);

/* ---------------------------------------------------------------- rounding */

/* Nearest integer, ties to even, saturated to int32; NaN gives 0. */
int64_t ir_ref_rne(float v);

/* ---------------------------------------------------------------- elementary functions
 * (ref_math.c) */

/*
 * In double, with the largest error in units of its last place over some million random arguments,
 * against 80-bit arithmetic. Rounded to fp32, the result is the nearest number unless the exact
 * value lies within that error of a tie: one case in 10^8 for 1 ulp.
 */
double ir_ref_exp(double x);           /* 1 */
double ir_ref_expm1(double x);         /* 2 */
double ir_ref_log(double x);           /* 1 */
double ir_ref_pow(double x, double y); /* 3 + 2 |y log x|; C's special cases */
double ir_ref_tanh(double x);          /* 3 */
double ir_ref_sigmoid(double x);       /* 3 */
double ir_ref_erf(double x);           /* 8 + x^2 */
double ir_ref_log1p(double x);         /* 3 */
double ir_ref_softplus_of(double x);   /* 4: log(1 + e^x) */
double ir_ref_sin(double x);           /* 3, for arguments of any size */
double ir_ref_cos(double x);           /* 3 */
double ir_ref_tan(double x);           /* 5 */
double ir_ref_asin(double x);          /* 4 */
double ir_ref_acos(double x);          /* 4 */
double ir_ref_atan(double x);          /* 1 */
double ir_ref_sinh(double x);          /* 4 */
double ir_ref_cosh(double x);          /* 4 */
double ir_ref_asinh(double x);         /* 4 */
double ir_ref_acosh(double x);         /* 5 */
double ir_ref_atanh(double x);         /* 5 */

#endif
