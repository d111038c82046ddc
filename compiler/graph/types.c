/*
 * types.c -- making, comparing and merging types.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"

#include <string.h>

sy_status ir_type_tensor(ir_module *m, sy_dtype dtype, int32_t rank, const ir_dim *dims, ir_type *out)
{
    if (rank > IR_MAX_RANK || rank < -1) {
        return SY_ERANGE;
    }
    ir_type t = { .kind = IR_TYPE_TENSOR, .dtype = dtype, .has_rank = rank >= 0,
                  .rank = rank > 0 ? rank : 0 };
    if (rank > 0) {
        for (int32_t i = 0; i < rank; i++) {
            if (dims[i] == NULL) {
                return m->intern->dim_status != SY_OK ? m->intern->dim_status : SY_EINVAL;
            }
        }
        t.dims = base_arena_memdup(m->arena, dims, (size_t)rank, sizeof *dims);
        if (t.dims == NULL) {
            return SY_ENOMEM;
        }
    }
    *out = t;
    return SY_OK;
}

sy_status ir_type_tensor_i64(ir_module *m, sy_dtype dtype, int32_t rank, const int64_t *dims,
                             ir_type *out)
{
    ir_dim d[IR_MAX_RANK];
    if (rank > IR_MAX_RANK) {
        return SY_ERANGE;
    }
    for (int32_t i = 0; i < rank; i++) {
        d[i] = ir_dim_const(m, dims[i]);
    }
    return ir_type_tensor(m, dtype, rank, d, out);
}

static sy_status wrap(ir_module *m, ir_type_kind kind, sy_dtype key, const ir_type *elem, ir_type *out)
{
    const ir_type *copy = base_arena_memdup(m->arena, elem, 1, sizeof *elem);
    if (copy == NULL) {
        return SY_ENOMEM;
    }
    *out = (ir_type){ .kind = kind, .dtype = key, .elem = copy };
    return SY_OK;
}

sy_status ir_type_sequence(ir_module *m, const ir_type *elem, ir_type *out)
{
    return wrap(m, IR_TYPE_SEQUENCE, SY_DT_NONE, elem, out);
}

sy_status ir_type_optional(ir_module *m, const ir_type *elem, ir_type *out)
{
    return wrap(m, IR_TYPE_OPTIONAL, SY_DT_NONE, elem, out);
}

sy_status ir_type_map(ir_module *m, sy_dtype key, const ir_type *value, ir_type *out)
{
    return wrap(m, IR_TYPE_MAP, key, value, out);
}

sy_status ir_type_with_quant(ir_module *m, const ir_type *type, int32_t axis, uint32_t n,
                             const float *scales, const int32_t *zeros, ir_type *out)
{
    if (type->kind != IR_TYPE_TENSOR || n == 0 || (axis < 0 && n != 1) ||
        (type->has_rank && axis >= type->rank)) {
        return SY_EINVAL;
    }
    ir_quant *q = BASE_ARENA_NEW(m->arena, ir_quant);
    if (q == NULL) {
        return SY_ENOMEM;
    }
    q->axis = axis < 0 ? -1 : axis;
    q->n = n;
    q->scales = base_arena_memdup(m->arena, scales, n, sizeof *scales);
    q->zeros = base_arena_memdup(m->arena, zeros, n, sizeof *zeros);
    if (q->scales == NULL || q->zeros == NULL) {
        return SY_ENOMEM;
    }
    ir_type t = *type;
    t.quant = q;
    *out = t;
    return SY_OK;
}

bool ir_quant_equal(const ir_quant *a, const ir_quant *b)
{
    if (a == b || a == NULL || b == NULL) {
        return a == b;
    }
    return a->axis == b->axis && a->n == b->n &&
           memcmp(a->scales, b->scales, a->n * sizeof *a->scales) == 0 &&
           memcmp(a->zeros, b->zeros, a->n * sizeof *a->zeros) == 0;
}

bool ir_type_equal(const ir_type *a, const ir_type *b)
{
    if (a->kind != b->kind || a->dtype != b->dtype) {
        return false;
    }
    if (a->kind == IR_TYPE_UNKNOWN) {
        return true;
    }
    if (a->kind != IR_TYPE_TENSOR) {
        return ir_type_equal(a->elem, b->elem);
    }
    if (a->has_rank != b->has_rank || a->rank != b->rank || !ir_quant_equal(a->quant, b->quant)) {
        return false;
    }
    for (int32_t i = 0; i < a->rank; i++) {
        if (a->dims[i] != b->dims[i]) {
            return false;
        }
    }
    return true;
}

static sy_status merge_dims(ir_module *m, const ir_type *a, const ir_type *b, ir_type *out)
{
    ir_dim dims[IR_MAX_RANK];
    for (int32_t i = 0; i < a->rank; i++) {
        const ir_dim x = a->dims[i], y = b->dims[i];
        const bool x_known = ir_dim_is_const(x, NULL), y_known = ir_dim_is_const(y, NULL);
        if (x_known && y_known && x != y) {
            return SY_ESHAPE;
        }
        dims[i] = !x_known && (y_known || (x->kind == IR_DIM_SYMBOL && y->kind != IR_DIM_SYMBOL)) ? y : x;
    }
    return ir_type_tensor(m, out->dtype, a->rank, dims, out);
}

sy_status ir_type_merge(ir_module *m, const ir_type *a, const ir_type *b, ir_type *out)
{
    if (a->kind == IR_TYPE_UNKNOWN || b->kind == IR_TYPE_UNKNOWN) {
        *out = a->kind == IR_TYPE_UNKNOWN ? *b : *a;
        return SY_OK;
    }
    if (a->kind != b->kind ||
        (a->dtype != SY_DT_NONE && b->dtype != SY_DT_NONE && a->dtype != b->dtype)) {
        return SY_EINVAL;
    }
    ir_type t = *a;
    t.dtype = a->dtype != SY_DT_NONE ? a->dtype : b->dtype;
    if (a->kind != IR_TYPE_TENSOR) {
        ir_type elem;
        SY_TRY(ir_type_merge(m, a->elem, b->elem, &elem));
        return wrap(m, t.kind, t.dtype, &elem, out);
    }
    const ir_quant *quant = a->quant != NULL ? a->quant : b->quant;
    if (a->quant != NULL && b->quant != NULL && !ir_quant_equal(a->quant, b->quant)) {
        return SY_EINVAL;
    }
    if (a->has_rank && b->has_rank) {
        if (a->rank != b->rank) {
            return SY_ESHAPE;
        }
        SY_TRY(merge_dims(m, a, b, &t));
    } else if (b->has_rank) {
        t.has_rank = true;
        t.rank = b->rank;
        t.dims = b->dims;
    }
    t.quant = quant;
    *out = t;
    return SY_OK;
}

bool ir_type_static_dims(const ir_type *t, int64_t out_dims[IR_MAX_RANK])
{
    if (t->kind != IR_TYPE_TENSOR || !t->has_rank) {
        return false;
    }
    for (int32_t i = 0; i < t->rank; i++) {
        if (!ir_dim_is_const(t->dims[i], out_dims != NULL ? &out_dims[i] : NULL)) {
            return false;
        }
    }
    return true;
}

ir_dim ir_type_n_elements(ir_module *m, const ir_type *t)
{
    if (t->kind != IR_TYPE_TENSOR || !t->has_rank) {
        m->intern->dim_status = SY_ESHAPE;
        m->intern->dim_reason = "the rank is unknown";
        return NULL;
    }
    ir_dim n = ir_dim_const(m, 1);
    for (int32_t i = 0; i < t->rank; i++) {
        n = ir_dim_mul(m, n, t->dims[i]);
    }
    return n;
}
