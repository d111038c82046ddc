/*
 * infer_norm.c -- inference of normalisations: batch, instance, group, layer, root mean square.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"

#include <inttypes.h>

/* Operands i and j, vectors of one type with `channels` entries. */
static sy_status want_vectors(const ir_infer_args *a, uint32_t i, uint32_t j, ir_dim channels, sy_dtype *dtype)
{
    ir_type p, q;
    SY_TRY(ir_infer_operand(a, i, &p));
    SY_TRY(ir_infer_operand(a, j, &q));
    SY_TRY(ir_infer_want_class(a, i, p.dtype, SY_DC_FLOAT));
    SY_TRY(ir_infer_same_dtype(a, i, p.dtype, j, q.dtype, dtype));
    SY_TRY(ir_infer_want_rank(a, i, &p, 1));
    SY_TRY(ir_infer_want_rank(a, j, &q, 1));
    if (channels == NULL) {
        channels = p.has_rank ? p.dims[0] : q.has_rank ? q.dims[0] : NULL;
    }
    if (channels != NULL && p.has_rank) {
        SY_TRY(ir_infer_want_dim(a, i, &p, 0, channels));
    }
    return channels != NULL && q.has_rank ? ir_infer_want_dim(a, j, &q, 0, channels) : SY_OK;
}

/* x, scale, bias, mean, var -> y, running mean, running var, batch mean, batch var (the last two before operator set 14) */
sy_status ir_infer_batchnorm(ir_infer_args *a)
{
    ir_type t, mean;
    sy_dtype scale_dtype, mean_dtype;
    SY_TRY(ir_infer_operand(a, 0, &t));
    SY_TRY(ir_infer_want_class(a, 0, t.dtype, SY_DC_FLOAT));
    if (t.has_rank && t.rank < 1) {
        return ir_infer_error(a, SY_ESHAPE, "operand 0 must have at least 1 dimension, got 0");
    }
    SY_TRY(ir_infer_operand(a, 3, &mean));
    ir_dim channels = !t.has_rank ? NULL : t.rank == 1 ? ir_dim_const(a->module, 1) : t.dims[1];
    channels = channels == NULL && mean.has_rank && mean.rank == 1 ? mean.dims[0] : channels;
    SY_TRY(want_vectors(a, 1, 2, channels, &scale_dtype));
    SY_TRY(want_vectors(a, 3, 4, channels, &mean_dtype));
    t.quant = NULL;
    ir_infer_result_type(a, 0, &t);
    const bool training = ir_node_int(a->node, "training_mode", 0) != 0;
    for (uint32_t i = 1; i < a->n_outputs; i++) {
        if (!training && a->outputs[i].wanted) {
            return ir_infer_error(a, SY_EINVAL, "has running statistics as results only with training_mode = 1");
        }
        SY_TRY(ir_infer_result(a, i, mean_dtype, channels != NULL ? 1 : -1, &channels));
    }
    return SY_OK;
}

/* x, scale, bias; `entries` of scale and bias for a static check: NULL: as many as channels */
static sy_status channel_norm(ir_infer_args *a, ir_dim *channels)
{
    ir_type x, scale;
    sy_dtype dtype, vectors;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_want_class(a, 0, x.dtype, SY_DC_FLOAT));
    if (x.has_rank && x.rank < 2) {
        return ir_infer_error(a, SY_ESHAPE, "operand 0 must have at least 2 dimensions, got %d", x.rank);
    }
    SY_TRY(ir_infer_operand(a, 1, &scale));
    SY_TRY(want_vectors(a, 1, 2, NULL, &vectors));
    SY_TRY(ir_infer_same_dtype(a, 0, x.dtype, 1, vectors, &dtype));
    *channels = x.has_rank ? x.dims[1] : NULL;
    return ir_infer_result(a, 0, dtype, x.has_rank ? x.rank : -1, x.dims);
}

sy_status ir_infer_instancenorm(ir_infer_args *a)
{
    ir_dim channels;
    ir_type scale;
    SY_TRY(channel_norm(a, &channels));
    SY_TRY(ir_infer_operand(a, 1, &scale));
    return channels != NULL && scale.has_rank ? ir_infer_want_dim(a, 1, &scale, 0, channels) : SY_OK;
}

sy_status ir_infer_groupnorm(ir_infer_args *a)
{
    ir_dim channels;
    ir_type scale;
    int64_t c, n;
    const int64_t groups = ir_node_int(a->node, "num_groups", 0);
    SY_TRY(channel_norm(a, &channels));
    SY_TRY(ir_infer_operand(a, 1, &scale));
    if (groups < 1) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'num_groups' must be at least 1, got %" PRId64, groups);
    }
    if (!ir_dim_is_const(channels, &c)) {
        return SY_OK;
    }
    if (c % groups != 0) {
        return ir_infer_error(a, SY_ESHAPE, "%" PRId64 " channels do not divide into %" PRId64 " groups", c, groups);
    }
    if (scale.has_rank && ir_dim_is_const(scale.dims[0], &n) && n != c && n != groups) {
        return ir_infer_error(a, SY_ESHAPE, "operand 1 must have an entry for each channel or group, got %" PRId64, n);
    }
    return SY_OK;
}

/* Operand i must broadcast to x. */
static sy_status want_broadcast(const ir_infer_args *a, uint32_t i, const ir_type *x, const ir_type *t)
{
    if (!x->has_rank || !t->has_rank) {
        return SY_OK;
    }
    if (t->rank > x->rank) {
        return ir_infer_error(a, SY_ESHAPE, "operand %u must have at most %d dimensions, got %d", i, x->rank, t->rank);
    }
    for (int32_t k = 0; k < t->rank; k++) {
        int64_t n;
        if (!ir_dim_is_const(t->dims[k], &n) || n != 1) {
            SY_TRY(ir_infer_want_dim(a, i, t, k, x->dims[x->rank - t->rank + k]));
        }
    }
    return SY_OK;
}

/* stash_type: the type of the statistics. */
static sy_status stash(const ir_infer_args *a, sy_dtype *dtype)
{
    const int64_t number = ir_node_int(a->node, "stash_type", SY_DT_F32);
    *dtype = (sy_dtype)number;
    return number == SY_DT_F32 || number == SY_DT_BF16 || number == SY_DT_F16 || number == SY_DT_F64
               ? SY_OK
               : ir_infer_error(a, SY_EINVAL, "attribute 'stash_type' must be a float type, got %" PRId64, number);
}

sy_status ir_infer_layernorm(ir_infer_args *a)
{
    ir_type x, t;
    int32_t axis;
    sy_dtype statistics;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_want_class(a, 0, x.dtype, SY_DC_FLOAT));
    SY_TRY(stash(a, &statistics));
    for (uint32_t i = 1; i < 3; i++) {
        if (ir_infer_has(a, i)) {
            SY_TRY(ir_infer_operand(a, i, &t));
            SY_TRY(ir_infer_want_class(a, i, t.dtype, SY_DC_FLOAT));
            SY_TRY(want_broadcast(a, i, &x, &t));
        }
    }
    x.quant = NULL;
    ir_infer_result_type(a, 0, &x);
    if (!x.has_rank) {
        SY_TRY(ir_infer_result(a, 1, statistics, -1, NULL));
        return ir_infer_result(a, 2, statistics, -1, NULL);
    }
    SY_TRY(ir_infer_axis(a, ir_node_int(a->node, "axis", -1), x.rank, &axis));
    ir_dim dims[IR_MAX_RANK];
    for (int32_t i = 0; i < x.rank; i++) {
        dims[i] = i < axis ? x.dims[i] : ir_dim_const(a->module, 1);
    }
    SY_TRY(ir_infer_result(a, 1, statistics, x.rank, dims));
    return ir_infer_result(a, 2, statistics, x.rank, dims);
}

/* The result has the scale's type. */
sy_status ir_infer_rmsnorm(ir_infer_args *a)
{
    ir_type x, scale;
    int32_t axis;
    sy_dtype statistics;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &scale));
    SY_TRY(ir_infer_want_class(a, 0, x.dtype, SY_DC_FLOAT));
    SY_TRY(ir_infer_want_class(a, 1, scale.dtype, SY_DC_FLOAT));
    SY_TRY(stash(a, &statistics));
    SY_TRY(want_broadcast(a, 1, &x, &scale));
    if (x.has_rank) {
        SY_TRY(ir_infer_axis(a, ir_node_int(a->node, "axis", -1), x.rank, &axis));
    }
    return ir_infer_result(a, 0, scale.dtype, x.has_rank ? x.rank : -1, x.dims);
}
