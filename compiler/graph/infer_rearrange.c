/*
 * infer_rearrange.c -- inference of Tile, ReverseSequence, Trilu, EyeLike, DepthToSpace, SpaceToDepth, CenterCropPad.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"

#include <inttypes.h>
#include <string.h>

/* The length of a shape operand, -1: not known; its elements, if they are. */
static sy_status sizes_of(const ir_infer_args *a, uint32_t i, ir_elements *e, int64_t *n)
{
    ir_type t;
    SY_TRY(ir_infer_operand(a, i, &t));
    SY_TRY(ir_infer_want_class(a, i, t.dtype, SY_DC_INT));
    SY_TRY(ir_infer_want_rank(a, i, &t, 1));
    *e = ir_infer_elements(a, i);
    *n = e->elements != NULL ? (int64_t)e->n : -1;
    if (*n < 0 && t.has_rank && !ir_dim_is_const(t.dims[0], n)) {
        *n = -1;
    }
    return SY_OK;
}

static sy_status tile_elements(ir_infer_args *a, const ir_type *x, ir_dim repeats)
{
    const ir_elements e = ir_infer_elements(a, 0);
    int64_t n;
    ir_dim all[IR_MAX_ELEMENTS];
    if (x->rank != 1 || e.elements == NULL || e.n == 0 || !ir_dim_is_const(repeats, &n) ||
        n > IR_MAX_ELEMENTS / (int64_t)e.n) {
        return SY_OK;
    }
    for (int64_t i = 0; i < n * e.n; i++) {
        all[i] = e.elements[i % e.n];
    }
    return ir_infer_set_elements(a, 0, (uint32_t)(n * e.n), all);
}

sy_status ir_infer_tile(ir_infer_args *a)
{
    ir_type x;
    ir_elements repeats;
    int64_t n;
    ir_dim dims[IR_MAX_RANK];
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(sizes_of(a, 1, &repeats, &n));
    if (!x.has_rank) {
        return ir_infer_result(a, 0, x.dtype, -1, NULL);
    }
    if (n >= 0 && n != x.rank) {
        return ir_infer_error(a, SY_ESHAPE, "operand 1 must have %d entries, got %" PRId64, x.rank, n);
    }
    for (int32_t i = 0; i < x.rank; i++) {
        int64_t times = 0;
        const ir_dim r = repeats.elements != NULL ? repeats.elements[i] : NULL;
        if (ir_dim_is_const(r, &times) && times < 0) {
            return ir_infer_error(a, SY_EINVAL, "axis %d is repeated %" PRId64 " times", i, times);
        }
        dims[i] = r != NULL ? ir_dim_mul(a->module, x.dims[i], r) : ir_infer_fresh(a, 0, i);
    }
    SY_TRY(ir_infer_result(a, 0, x.dtype, x.rank, dims));
    ir_infer_keep_quant(a, 0, &x);
    return repeats.elements != NULL && x.rank == 1 ? tile_elements(a, &x, repeats.elements[0]) : SY_OK;
}

/* Result 0 has x's type. */
static void same_as_x(ir_infer_args *a, const ir_type *x)
{
    ir_type t = *x;
    t.quant = NULL;
    ir_infer_result_type(a, 0, &t);
    ir_infer_keep_quant(a, 0, x);
}

static sy_status want_rank_from(const ir_infer_args *a, const ir_type *x, int32_t least)
{
    return !x->has_rank || x->rank >= least
               ? SY_OK
               : ir_infer_error(a, SY_ESHAPE, "operand 0 must have at least %d dimensions, got %d", least, x->rank);
}

sy_status ir_infer_reverse_sequence(ir_infer_args *a)
{
    ir_type x, lengths;
    const int64_t batch = ir_node_int(a->node, "batch_axis", 1), time = ir_node_int(a->node, "time_axis", 0);
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &lengths));
    SY_TRY(ir_infer_want_class(a, 1, lengths.dtype, SY_DC_INT));
    SY_TRY(ir_infer_want_rank(a, 1, &lengths, 1));
    SY_TRY(want_rank_from(a, &x, 2));
    if (batch < 0 || batch > 1 || time != 1 - batch) {
        return ir_infer_error(a, SY_EINVAL, "batch_axis and time_axis must be 0 and 1, got %" PRId64 " and %" PRId64, batch,
                              time);
    }
    SY_TRY(x.has_rank ? ir_infer_want_dim(a, 1, &lengths, 0, x.dims[batch]) : SY_OK);
    same_as_x(a, &x);
    return SY_OK;
}

sy_status ir_infer_trilu(ir_infer_args *a)
{
    ir_type x, k;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(want_rank_from(a, &x, 2));
    if (ir_infer_has(a, 1)) {
        SY_TRY(ir_infer_operand(a, 1, &k));
        SY_TRY(ir_infer_want_class(a, 1, k.dtype, SY_DC_INT));
    }
    same_as_x(a, &x);
    return SY_OK;
}

sy_status ir_infer_eye_like(ir_infer_args *a)
{
    ir_type x;
    const int64_t number = ir_node_int(a->node, "dtype", 0);
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_want_rank(a, 0, &x, 2));
    if (number < 0 || number >= SY_DT_COUNT) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'dtype' is %" PRId64, number);
    }
    return ir_infer_result(a, 0, number != 0 ? (sy_dtype)number : x.dtype, x.has_rank ? 2 : -1, x.dims);
}

/* ---------------------------------------------------------------- blocks of the plane */

/* The block's size, and for messages that mode is one of two words. */
static sy_status block_of(const ir_infer_args *a, ir_type *x, int64_t *block)
{
    const char *mode = ir_node_string(a->node, "mode", "DCR");
    *block = ir_node_int(a->node, "blocksize", 0);
    SY_TRY(ir_infer_operand(a, 0, x));
    SY_TRY(ir_infer_want_rank(a, 0, x, 4));
    if (*block < 1 || *block > 1 << 20) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'blocksize' is %" PRId64, *block);
    }
    if (strcmp(mode, "DCR") != 0 && strcmp(mode, "CRD") != 0) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'mode' is '%s', expected DCR or CRD", mode);
    }
    return SY_OK;
}

static sy_status want_divisible(const ir_infer_args *a, const ir_type *x, int32_t axis, int64_t by)
{
    int64_t size;
    return ir_dim_is_const(x->dims[axis], &size) && size % by != 0
               ? ir_infer_error(a, SY_ESHAPE, "dimension %d is %" PRId64 ", no multiple of %" PRId64, axis, size, by)
               : SY_OK;
}

sy_status ir_infer_depth_to_space(ir_infer_args *a)
{
    ir_type x;
    int64_t block;
    SY_TRY(block_of(a, &x, &block));
    if (!x.has_rank) {
        return ir_infer_result(a, 0, x.dtype, -1, NULL);
    }
    SY_TRY(want_divisible(a, &x, 1, block * block));
    const ir_dim b = ir_dim_const(a->module, block);
    const ir_dim dims[4] = { x.dims[0], ir_dim_floor_div(a->module, x.dims[1], ir_dim_const(a->module, block * block)),
                             ir_dim_mul(a->module, x.dims[2], b), ir_dim_mul(a->module, x.dims[3], b) };
    SY_TRY(ir_infer_result(a, 0, x.dtype, 4, dims));
    ir_infer_keep_quant(a, 0, &x);
    return SY_OK;
}

sy_status ir_infer_space_to_depth(ir_infer_args *a)
{
    ir_type x;
    int64_t block;
    SY_TRY(block_of(a, &x, &block));
    if (!x.has_rank) {
        return ir_infer_result(a, 0, x.dtype, -1, NULL);
    }
    SY_TRY(want_divisible(a, &x, 2, block));
    SY_TRY(want_divisible(a, &x, 3, block));
    const ir_dim b = ir_dim_const(a->module, block);
    const ir_dim dims[4] = { x.dims[0], ir_dim_mul(a->module, x.dims[1], ir_dim_const(a->module, block * block)),
                             ir_dim_floor_div(a->module, x.dims[2], b), ir_dim_floor_div(a->module, x.dims[3], b) };
    SY_TRY(ir_infer_result(a, 0, x.dtype, 4, dims));
    ir_infer_keep_quant(a, 0, &x);
    return SY_OK;
}

/* ---------------------------------------------------------------- CenterCropPad */

sy_status ir_infer_center_crop_pad(ir_infer_args *a)
{
    ir_type x;
    ir_elements sizes;
    int64_t n;
    const int64_t *axes = NULL;
    ir_dim dims[IR_MAX_RANK];
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(sizes_of(a, 1, &sizes, &n));
    if (!x.has_rank) {
        return ir_infer_result(a, 0, x.dtype, -1, NULL);
    }
    const uint32_t n_axes = ir_node_ints(a->node, "axes", &axes);
    const int64_t wanted = axes != NULL ? (int64_t)n_axes : x.rank;
    if (n >= 0 && n != wanted) {
        return ir_infer_error(a, SY_ESHAPE, "operand 1 must have %" PRId64 " entries, got %" PRId64, wanted, n);
    }
    uint32_t seen = 0;
    if (x.rank > 0) {
        memcpy(dims, x.dims, (size_t)x.rank * sizeof *dims);
    }
    for (uint32_t i = 0; i < (uint32_t)wanted; i++) {
        int32_t axis;
        SY_TRY(ir_infer_axis(a, axes != NULL ? axes[i] : i, x.rank, &axis));
        if ((seen >> axis & 1u) != 0) {
            return ir_infer_error(a, SY_EINVAL, "axis %d is given twice", axis);
        }
        seen |= 1u << axis;
        dims[axis] = sizes.elements != NULL ? sizes.elements[i] : ir_infer_fresh(a, 0, axis);
    }
    SY_TRY(ir_infer_result(a, 0, x.dtype, x.rank, dims));
    ir_infer_keep_quant(a, 0, &x);
    return SY_OK;
}
