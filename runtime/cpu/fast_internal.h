/*
 * fast_internal.h -- what the fast kernels share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_FAST_INTERNAL_H
#define SYSTOLE_RT_CPU_FAST_INTERNAL_H

#include "internal.h"
#include "simd.h"

#define FAST(id, prepare_fn, run_fn)                                           \
    sy_status rt_fast_prepare_##id(const rt_prepare_args *args, void **state); \
    sy_status run_fn(const ir_kernel_args *args, const rt_env *env, const void *state);
#include "fast_kernels.def"
#undef FAST

/* Fewer operations than this are not worth waking a thread. */
#define RT_PARALLEL_OPERATIONS 1000000

/* The pool for a job of so many operations; NULL: stay on this thread. */
rt_pool *rt_pool_for(const rt_env *env, double n_operations);

/* What fast kernels do with what they do not know. */
sy_status rt_run_reference(const ir_kernel_args *args);

/* The output side of a quantised operator; *y_scale too. */
rt_requant rt_requant_of(const ir_node *n, float *y_scale);

/* True if all zero points and clamps of a quantised operator are int8: what the fast kernels count
 * on. */
bool rt_zeros_fit(const ir_node *n);

/* True if v is finite and so small that fl(fl(i) * v) is, for every int32 i. */
bool rt_tame(float v);

/*
 * A window brought to two spatial axes (one axis: height 1), and the input's layout for it: strides
 * are taken apart into phases, so that each tap reads a contiguous run for consecutive outputs.
 *
 * An input plane becomes `n_phases` planes of phase_rows x phase_columns (padding filled in);
 * position p = row * phase_columns + column of the output reads, for tap t, plane[offsets[t] + p].
 * Positions with column >= out[1] are of no use.
 */
typedef struct rt_window2 {
    int64_t in[2], out[2], kernel[2], stride[2], dilation[2], pad[2];
    int64_t phase_rows, phase_columns;
    int64_t n_phases; /* of those that some tap reads */
    int64_t plane;    /* elements of all phases of one input plane */
    int64_t n_positions, n_taps;
} rt_window2;

/* *ok is false (and the status SY_OK) for more than two spatial axes or absurd strides. kernel
 * NULL: from the attribute kernel_shape. */
sy_status rt_window2_of(const ir_kernel_args *args, const ir_tensor *x, const int64_t *kernel,
                        rt_window2 *w, bool *ok);

/* Writes the offset of each tap, row by row: [n_taps]. */
void rt_window2_offsets(const rt_window2 *w, int64_t *offsets);

/* The outputs j in [first, last) of n whose position j * stride + at lies inside an axis of this
 * size. */
void rt_inside(int64_t n, int64_t size, int64_t stride, int64_t at, int64_t *first, int64_t *last);

/* The taps [first, last) of output o that lie on the input, along one axis; those that do for any
 * output. */
void rt_taps_inside(const rt_window2 *w, int axis, int64_t o, int64_t *first, int64_t *last);
void rt_taps_of_row(const rt_window2 *w, int axis, int64_t *first, int64_t *last);

/* The taps of output o that an average divides by: inside the input or, with include_pad, on its
 * padding too. */
int64_t rt_taps_counted(const rt_window2 *w, int axis, int64_t o, bool include_pad,
                        int64_t pad_end);

/* Takes one input plane apart: bytes are xored with flip, what lies outside is fill (as it is). */
void rt_window2_bytes(const rt_window2 *w, const uint8_t *from, uint8_t flip, uint8_t fill,
                      uint8_t *to);
void rt_window2_floats(const rt_window2 *w, const float *from, float fill, float *to);

/*
 * Two operands broadcast into a result: n_rows runs of n elements, in which a and b go on by a_step
 * and b_step (0 or 1). Axes that go on alike are joined, so that equal shapes are one run.
 */
typedef struct rt_rows {
    int64_t n, n_rows, a_step, b_step;
    int32_t rank; /* of the outer axes */
    int64_t dims[IR_MAX_RANK], a_strides[IR_MAX_RANK], b_strides[IR_MAX_RANK];
} rt_rows;

rt_rows rt_rows_of(const ir_tensor *a, const ir_tensor *b, const ir_tensor *y);

/* Where run i starts in a and b. */
void rt_rows_at(const rt_rows *r, int64_t i, int64_t *a, int64_t *b);

/*
 * y[i0, i1, ...] = x[sum of i * strides] for the sizes `dims` of y: elements of 1, 2, 4 or 8 bytes, strides in elements; one
 * of them is 1, or there is one element.
 */
sy_status rt_permute(const rt_env *env, size_t bytes, int32_t rank, const int64_t *dims, const int64_t *strides, const void *x,
                     void *y);

#endif
