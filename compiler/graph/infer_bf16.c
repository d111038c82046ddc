/*
 * infer_bf16.c -- inference of the bf16 operators of numerics.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"

#include <inttypes.h>

#include "systole/graph/bf16.h"

static sy_status want_bf16(const ir_infer_args *a, uint32_t i, ir_type *t)
{
    SY_TRY(ir_infer_operand(a, i, t));
    return ir_infer_want_dtype(a, i, t->dtype, SY_DT_BF16);
}

static sy_status want_function(const ir_infer_args *a)
{
    const char *name = ir_node_string(a->node, "fn", "");
    ir_bf16_fn fn;
    return ir_bf16_fn_find(name, &fn) ? SY_OK
                                      : ir_infer_error(a, SY_EINVAL, "attribute 'fn' is \"%s\", no function of the bf16 operators", name);
}

/* A bias or scale: fp32 of one dimension, `size` entries. */
static sy_status want_vector(const ir_infer_args *a, uint32_t i, ir_dim size)
{
    ir_type t;
    if (!ir_infer_has(a, i)) {
        return SY_OK;
    }
    SY_TRY(ir_infer_operand(a, i, &t));
    SY_TRY(ir_infer_want_dtype(a, i, t.dtype, SY_DT_F32));
    SY_TRY(ir_infer_want_rank(a, i, &t, 1));
    return ir_infer_want_dim(a, i, &t, 0, size);
}

/* Operand i, if it is there, has the shape of result 0. */
static sy_status want_residual(const ir_infer_args *a, uint32_t i)
{
    ir_type t;
    if (!ir_infer_has(a, i)) {
        return SY_OK;
    }
    SY_TRY(want_bf16(a, i, &t));
    const ir_type *y = &a->outputs[0].type;
    SY_TRY(ir_infer_want_rank(a, i, &t, y->rank));
    for (int32_t k = 0; k < y->rank; k++) {
        SY_TRY(ir_infer_want_dim(a, i, &t, k, y->dims[k]));
    }
    return SY_OK;
}

sy_status ir_infer_bconv(ir_infer_args *a)
{
    ir_type x, w;
    SY_TRY(want_bf16(a, 0, &x));
    SY_TRY(want_bf16(a, 1, &w));
    SY_TRY(want_function(a));
    if (w.has_rank && w.rank > 0) {
        SY_TRY(want_vector(a, 2, w.dims[0]));
    }
    SY_TRY(ir_infer_conv_shape(a, SY_DT_BF16));
    return want_residual(a, 3);
}

sy_status ir_infer_blinear(ir_infer_args *a)
{
    ir_type x, w;
    ir_dim dims[IR_MAX_RANK];
    SY_TRY(want_bf16(a, 0, &x));
    SY_TRY(want_bf16(a, 1, &w));
    SY_TRY(want_function(a));
    SY_TRY(ir_infer_want_rank(a, 1, &w, 2));
    if (!x.has_rank || !w.has_rank || x.rank < 1) {
        return ir_infer_error(a, SY_ESHAPE, "operand 0 must have at least 1 dimension");
    }
    SY_TRY(ir_infer_want_dim(a, 0, &x, x.rank - 1, w.dims[0]));
    for (int32_t i = 0; i < x.rank - 1; i++) {
        dims[i] = x.dims[i];
    }
    dims[x.rank - 1] = w.dims[1];
    SY_TRY(want_vector(a, 2, w.dims[1]));
    const int64_t plane = ir_node_int(a->node, "plane", 1), lanes = ir_node_int(a->node, "lanes", 1);
    int64_t k;
    if (plane < 1 || lanes < 1 || (ir_dim_is_const(w.dims[0], &k) && k % plane != 0)) {
        return ir_infer_error(a, SY_EINVAL, "attributes 'plane' and 'lanes' are %" PRId64 " and %" PRId64 ", and plane must divide the inner size",
                              plane, lanes);
    }
    SY_TRY(ir_infer_result(a, 0, SY_DT_BF16, x.rank, dims));
    return want_residual(a, 3);
}

sy_status ir_infer_bmatmul(ir_infer_args *a)
{
    ir_type t;
    SY_TRY(want_bf16(a, 0, &t));
    SY_TRY(want_bf16(a, 1, &t));
    return ir_infer_matmul(a);
}

sy_status ir_infer_bpool(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(want_bf16(a, 0, &x));
    return ir_node_int(a->node, "global", 0) != 0 ? ir_infer_global_pool(a) : ir_infer_pool(a);
}

/* A mask [1 or batch, 1 or queries, keys]. */
static sy_status want_mask(const ir_infer_args *a, const ir_type *q, const ir_type *k)
{
    ir_type t;
    int64_t size;
    if (!ir_infer_has(a, 3)) {
        return SY_OK;
    }
    SY_TRY(want_bf16(a, 3, &t));
    SY_TRY(ir_infer_want_rank(a, 3, &t, 3));
    SY_TRY(ir_infer_want_dim(a, 3, &t, 2, k->dims[1]));
    for (int32_t i = 0; i < 2; i++) {
        if (!ir_dim_is_const(t.dims[i], &size) || size != 1) {
            SY_TRY(ir_infer_want_dim(a, 3, &t, i, q->dims[i]));
        }
    }
    return SY_OK;
}

sy_status ir_infer_battention(ir_infer_args *a)
{
    ir_type q, k, v;
    SY_TRY(want_bf16(a, 0, &q));
    SY_TRY(want_bf16(a, 1, &k));
    SY_TRY(want_bf16(a, 2, &v));
    SY_TRY(ir_infer_want_rank(a, 0, &q, 3));
    SY_TRY(ir_infer_want_rank(a, 1, &k, 3));
    SY_TRY(ir_infer_want_rank(a, 2, &v, 3));
    SY_TRY(ir_infer_want_dim(a, 1, &k, 0, q.dims[0]));
    SY_TRY(ir_infer_want_dim(a, 1, &k, 2, q.dims[2]));
    SY_TRY(ir_infer_want_dim(a, 2, &v, 0, q.dims[0]));
    SY_TRY(ir_infer_want_dim(a, 2, &v, 1, k.dims[1]));
    SY_TRY(want_mask(a, &q, &k));
    const int64_t heads = ir_node_int(a->node, "heads", 1);
    const int64_t lanes = ir_node_int(a->node, "lanes", 1);
    int64_t e, f;
    if (heads < 1 || lanes < 1 || (lanes & (lanes - 1)) != 0 ||
        (ir_dim_is_const(q.dims[2], &e) && e % heads != 0) || (ir_dim_is_const(v.dims[2], &f) && f % heads != 0)) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'heads' is %" PRId64 " and must divide the last axes; 'lanes' is %" PRId64 ", a power of two",
                              heads, lanes);
    }
    const ir_dim dims[3] = {q.dims[0], q.dims[1], v.dims[2]};
    return ir_infer_result(a, 0, SY_DT_BF16, 3, dims);
}

sy_status ir_infer_bbinary(ir_infer_args *a)
{
    ir_type x, y;
    ir_dim dims[IR_MAX_RANK];
    int32_t rank;
    SY_TRY(want_bf16(a, 0, &x));
    SY_TRY(want_bf16(a, 1, &y));
    SY_TRY(ir_infer_broadcast(a, 0, &x, &y, dims, &rank));
    return ir_infer_result(a, 0, SY_DT_BF16, rank, dims);
}

sy_status ir_infer_bunary(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(want_bf16(a, 0, &x));
    SY_TRY(want_function(a));
    const int64_t lanes = ir_node_int(a->node, "lanes", 1);
    if (lanes < 1 || (lanes & (lanes - 1)) != 0) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'lanes' is %" PRId64 ", no power of two", lanes);
    }
    if (x.has_rank && x.rank > 0) {
        SY_TRY(want_vector(a, 1, x.dims[x.rank - 1]));
        SY_TRY(want_vector(a, 2, x.dims[x.rank - 1]));
    }
    return ir_infer_result(a, 0, SY_DT_BF16, x.has_rank ? x.rank : -1, x.dims);
}
