/*
 * infer_attention.c -- inference of attention and what stands around it.
 *
 * Only types that decide results are looked at here; kernels check how operands fit each other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"

/* An attribute that must be at least 1. */
static sy_status count_attr(const ir_infer_args *a, const char *name, int64_t *out)
{
    *out = ir_node_int(a->node, name, 0);
    return *out >= 1 && *out <= INT32_MAX
               ? SY_OK
               : ir_infer_error(a, SY_EINVAL, "attribute '%s' is %lld, expected at least 1", name, (long long)*out);
}

static sy_status want_rank_of(const ir_infer_args *a, uint32_t i, const ir_type *t, int32_t low, int32_t high)
{
    return !t->has_rank || (t->rank >= low && t->rank <= high)
               ? SY_OK
               : ir_infer_error(a, SY_ESHAPE, "operand %u has rank %d, expected %d%s%.0d", i, t->rank, low,
                                high > low ? " to " : "", high > low ? high : 0);
}

/* A new dimension of result i, axis k, if the expression is not known. */
static ir_dim or_fresh(const ir_infer_args *a, ir_dim d, uint32_t i, int32_t k)
{
    return d != NULL ? d : ir_infer_fresh(a, i, k);
}

/* past + fresh rows; a past that is absent has none. */
static sy_status total_rows(const ir_infer_args *a, uint32_t past, ir_dim fresh, ir_dim *out)
{
    ir_type t;
    *out = fresh;
    if (!ir_infer_has(a, past)) {
        return SY_OK;
    }
    SY_TRY(ir_infer_operand(a, past, &t));
    SY_TRY(want_rank_of(a, past, &t, 4, 4));
    *out = t.has_rank ? ir_dim_add(a->module, t.dims[2], fresh) : NULL;
    return SY_OK;
}

/* Y, present_key, present_value, qk_matmul_output */
sy_status ir_infer_attention(ir_infer_args *a)
{
    ir_module *m = a->module;
    ir_type q, k, v;
    SY_TRY(ir_infer_operand(a, 0, &q));
    SY_TRY(ir_infer_operand(a, 1, &k));
    SY_TRY(ir_infer_operand(a, 2, &v));
    SY_TRY(ir_infer_want_class(a, 0, q.dtype, SY_DC_FLOAT));
    if (!q.has_rank || !k.has_rank || !v.has_rank) {
        for (uint32_t i = 0; i < 4; i++) {
            SY_TRY(ir_infer_result(a, i, q.dtype, -1, NULL));
        }
        return SY_OK;
    }
    SY_TRY(want_rank_of(a, 0, &q, 3, 4));
    SY_TRY(ir_infer_want_rank(a, 1, &k, q.rank));
    SY_TRY(ir_infer_want_rank(a, 2, &v, q.rank));
    ir_dim heads, kv_heads, size, v_size, kv_rows;
    const bool joined = q.rank == 3;
    if (joined) {
        int64_t n_heads, n_kv;
        SY_TRY(count_attr(a, "q_num_heads", &n_heads));
        SY_TRY(count_attr(a, "kv_num_heads", &n_kv));
        heads = ir_dim_const(m, n_heads);
        kv_heads = ir_dim_const(m, n_kv);
        size = ir_dim_floor_div(m, q.dims[2], heads);
        v_size = ir_dim_floor_div(m, v.dims[2], kv_heads);
    } else {
        heads = q.dims[1];
        kv_heads = k.dims[1];
        size = q.dims[3];
        v_size = v.dims[3];
    }
    SY_TRY(total_rows(a, 4, k.dims[joined ? 1 : 2], &kv_rows));
    const ir_dim rows = q.dims[joined ? 1 : 2];
    kv_rows = or_fresh(a, kv_rows, 1, 2);
    const ir_dim y3[3] = { q.dims[0], rows, ir_dim_mul(m, heads, v_size) };
    const ir_dim y4[4] = { q.dims[0], heads, rows, v_size };
    SY_TRY(ir_infer_result(a, 0, q.dtype, q.rank, joined ? y3 : y4));
    SY_TRY(ir_infer_result(a, 1, q.dtype, 4, (const ir_dim[4]){ q.dims[0], kv_heads, kv_rows, size }));
    SY_TRY(ir_infer_result(a, 2, q.dtype, 4, (const ir_dim[4]){ q.dims[0], kv_heads, kv_rows, v_size }));
    return ir_infer_result(a, 3, q.dtype, 4, (const ir_dim[4]){ q.dims[0], heads, rows, kv_rows });
}

sy_status ir_infer_rotary(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_want_class(a, 0, x.dtype, SY_DC_FLOAT));
    SY_TRY(want_rank_of(a, 0, &x, 3, 4));
    x.quant = NULL;
    ir_infer_result_type(a, 0, &x);
    return SY_OK;
}

/* output [B, T, q_heads * d_v], present_state [B, kv_heads, d_k, d_v] */
sy_status ir_infer_linear_attention(ir_infer_args *a)
{
    ir_module *m = a->module;
    ir_type q, k, v, past = { 0 };
    int64_t heads, kv_heads;
    SY_TRY(ir_infer_operand(a, 0, &q));
    SY_TRY(ir_infer_operand(a, 1, &k));
    SY_TRY(ir_infer_operand(a, 2, &v));
    SY_TRY(ir_infer_want_class(a, 0, q.dtype, SY_DC_FLOAT));
    SY_TRY(count_attr(a, "q_num_heads", &heads));
    SY_TRY(count_attr(a, "kv_num_heads", &kv_heads));
    for (uint32_t i = 0; i < 3; i++) {
        ir_type t;
        SY_TRY(ir_infer_operand(a, i, &t));
        SY_TRY(ir_infer_want_rank(a, i, &t, 3));
    }
    if (ir_infer_has(a, 3)) {
        SY_TRY(ir_infer_operand(a, 3, &past));
    }
    const sy_dtype state = past.dtype != SY_DT_NONE ? past.dtype : q.dtype;
    if (!q.has_rank || !k.has_rank || !v.has_rank) {
        SY_TRY(ir_infer_result(a, 0, q.dtype, -1, NULL));
        return ir_infer_result(a, 1, state, -1, NULL);
    }
    const ir_dim kv = ir_dim_const(m, kv_heads), v_size = ir_dim_floor_div(m, v.dims[2], kv);
    SY_TRY(ir_infer_result(a, 0, q.dtype, 3,
                           (const ir_dim[3]){ q.dims[0], q.dims[1], ir_dim_mul(m, ir_dim_const(m, heads), v_size) }));
    return ir_infer_result(a, 1, state, 4,
                           (const ir_dim[4]){ q.dims[0], kv, ir_dim_floor_div(m, k.dims[2], kv), v_size });
}

/* ---------------------------------------------------------------- com.microsoft */

/* output [B, S, H * v_size], present_key, present_value [B, H, T, size], qk [B, H, S, T] */
sy_status ir_infer_multi_head_attention(ir_infer_args *a)
{
    ir_module *m = a->module;
    ir_type q, k = { 0 }, v = { 0 };
    int64_t n_heads;
    SY_TRY(ir_infer_operand(a, 0, &q));
    SY_TRY(ir_infer_want_class(a, 0, q.dtype, SY_DC_FLOAT));
    SY_TRY(count_attr(a, "num_heads", &n_heads));
    if (ir_infer_has(a, 1)) {
        SY_TRY(ir_infer_operand(a, 1, &k));
    }
    if (ir_infer_has(a, 2)) {
        SY_TRY(ir_infer_operand(a, 2, &v));
    }
    const bool packed = !ir_infer_has(a, 1), packed_kv = !packed && !ir_infer_has(a, 2);
    if (!q.has_rank || (!packed && !k.has_rank) || (!packed && !packed_kv && !v.has_rank)) {
        for (uint32_t i = 0; i < 4; i++) {
            SY_TRY(ir_infer_result(a, i, q.dtype, -1, NULL));
        }
        return SY_OK;
    }
    SY_TRY(want_rank_of(a, 0, &q, packed ? 5 : 3, packed ? 5 : 3));
    const ir_dim heads = ir_dim_const(m, n_heads), batch = q.dims[0], rows = q.dims[1];
    ir_dim size = packed ? q.dims[4] : ir_dim_floor_div(m, q.dims[2], heads), v_size = size, fresh = rows;
    if (packed_kv) {
        SY_TRY(ir_infer_want_rank(a, 1, &k, 5));
        fresh = k.dims[1];
    } else if (!packed) {
        SY_TRY(want_rank_of(a, 1, &k, 3, 4));
        SY_TRY(ir_infer_want_rank(a, 2, &v, k.rank));
        fresh = k.dims[k.rank == 3 ? 1 : 2];
        v_size = k.rank == 3 ? ir_dim_floor_div(m, v.dims[2], heads) : v.dims[3];
    }
    ir_dim total = NULL;
    SY_TRY(total_rows(a, 6, fresh, &total));
    total = or_fresh(a, total, 1, 2);
    SY_TRY(ir_infer_result(a, 0, q.dtype, 3, (const ir_dim[3]){ batch, rows, ir_dim_mul(m, heads, v_size) }));
    SY_TRY(ir_infer_result(a, 1, q.dtype, 4, (const ir_dim[4]){ batch, heads, total, size }));
    SY_TRY(ir_infer_result(a, 2, q.dtype, 4, (const ir_dim[4]){ batch, heads, total, v_size }));
    return ir_infer_result(a, 3, q.dtype, 4, (const ir_dim[4]){ batch, heads, rows, total });
}

/* output [B, S, v_hidden], present [2, B, H, T, size] */
sy_status ir_infer_ms_attention(ir_infer_args *a)
{
    ir_module *m = a->module;
    ir_type x, w, past = { 0 };
    int64_t n_heads;
    const int64_t *sizes = NULL;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &w));
    SY_TRY(ir_infer_want_class(a, 0, x.dtype, SY_DC_FLOAT));
    SY_TRY(ir_infer_want_rank(a, 0, &x, 3));
    SY_TRY(ir_infer_want_rank(a, 1, &w, 2));
    SY_TRY(count_attr(a, "num_heads", &n_heads));
    const uint32_t n_sizes = ir_node_ints(a->node, "qkv_hidden_sizes", &sizes);
    if (n_sizes != 0 && (n_sizes != 3 || sizes[0] < 1 || sizes[1] < 1 || sizes[2] < 1)) {
        return ir_infer_error(a, SY_EINVAL, "qkv_hidden_sizes: expected three sizes of at least 1");
    }
    if (!x.has_rank || !w.has_rank) {
        SY_TRY(ir_infer_result(a, 0, x.dtype, -1, NULL));
        return ir_infer_result(a, 1, x.dtype, -1, NULL);
    }
    const ir_dim heads = ir_dim_const(m, n_heads);
    const ir_dim third = ir_dim_floor_div(m, w.dims[1], ir_dim_const(m, 3));
    const ir_dim v_hidden = n_sizes == 3 ? ir_dim_const(m, sizes[2]) : third;
    ir_dim total = x.dims[1];
    if (ir_infer_has(a, 4)) {
        SY_TRY(ir_infer_operand(a, 4, &past));
        SY_TRY(ir_infer_want_rank(a, 4, &past, 5));
        total = past.has_rank ? ir_dim_add(m, past.dims[3], x.dims[1]) : NULL;
    }
    SY_TRY(ir_infer_result(a, 0, x.dtype, 3, (const ir_dim[3]){ x.dims[0], x.dims[1], v_hidden }));
    return ir_infer_result(a, 1, x.dtype, 5,
                           (const ir_dim[5]){ ir_dim_const(m, 2), x.dims[0], heads, or_fresh(a, total, 1, 3),
                                              ir_dim_floor_div(m, v_hidden, heads) });
}

/* output [B, S, q_heads * size], present_key, present_value [B, kv_heads, max(past rows, total), size] */
sy_status ir_infer_group_query_attention(ir_infer_args *a)
{
    ir_module *m = a->module;
    ir_type q, past = { 0 };
    int64_t heads, kv_heads, total = -1, buffer = -1;
    SY_TRY(ir_infer_operand(a, 0, &q));
    SY_TRY(ir_infer_want_class(a, 0, q.dtype, SY_DC_FLOAT));
    SY_TRY(ir_infer_want_rank(a, 0, &q, 3));
    SY_TRY(count_attr(a, "num_heads", &heads));
    SY_TRY(count_attr(a, "kv_num_heads", &kv_heads));
    if (!q.has_rank) {
        for (uint32_t i = 0; i < 3; i++) {
            SY_TRY(ir_infer_result(a, i, q.dtype, -1, NULL));
        }
        return SY_OK;
    }
    const bool packed = !ir_infer_has(a, 1);
    const ir_dim size = ir_dim_floor_div(m, q.dims[2], ir_dim_const(m, packed ? heads + 2 * kv_heads : heads));
    if (ir_infer_has(a, 3)) {
        SY_TRY(ir_infer_operand(a, 3, &past));
        SY_TRY(ir_infer_want_rank(a, 3, &past, 4));
    }
    ir_tensor data = { 0 };
    if (ir_infer_has(a, 6)) {
        SY_TRY(ir_infer_data(a, 6, &data));
    }
    if (data.data != NULL && ir_tensor_n_elements(&data) == 1 && data.dtype == SY_DT_I32) {
        total = ir_tensor_get_i64(&data, 0);
    }
    ir_dim rows = NULL;
    if (total >= 0 && !ir_infer_has(a, 3)) {
        rows = ir_dim_const(m, total);
    } else if (total >= 0 && past.has_rank && ir_dim_is_const(past.dims[2], &buffer)) {
        rows = ir_dim_const(m, buffer > total ? buffer : total);
    }
    const ir_dim kv = ir_dim_const(m, kv_heads);
    SY_TRY(ir_infer_result(a, 0, q.dtype, 3,
                           (const ir_dim[3]){ q.dims[0], q.dims[1], ir_dim_mul(m, ir_dim_const(m, heads), size) }));
    SY_TRY(ir_infer_result(a, 1, q.dtype, 4, (const ir_dim[4]){ q.dims[0], kv, or_fresh(a, rows, 1, 2), size }));
    return ir_infer_result(a, 2, q.dtype, 4, (const ir_dim[4]){ q.dims[0], kv, or_fresh(a, rows, 2, 2), size });
}

/* y [..., N] of a [..., K] */
sy_status ir_infer_matmul_nbits(ir_infer_args *a)
{
    ir_type x;
    ir_dim dims[IR_MAX_RANK];
    int64_t columns;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_want_class(a, 0, x.dtype, SY_DC_FLOAT));
    SY_TRY(count_attr(a, "N", &columns));
    if (!x.has_rank) {
        return ir_infer_result(a, 0, x.dtype, -1, NULL);
    }
    SY_TRY(want_rank_of(a, 0, &x, 1, IR_MAX_RANK));
    for (int32_t i = 0; i < x.rank; i++) {
        dims[i] = i == x.rank - 1 ? ir_dim_const(a->module, columns) : x.dims[i];
    }
    return ir_infer_result(a, 0, x.dtype, x.rank, dims);
}
