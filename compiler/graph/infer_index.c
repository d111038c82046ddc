/*
 * infer_index.c -- inference of reading and writing at indices, and of selections.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"
#include "ref/ref_moved.h" /* numbers of any type as data: counts of what is selected, OneHot's depth */

#include <inttypes.h>
#include <string.h>

/* ---------------------------------------------------------------- GatherElements, ScatterElements */

/* Operand i has x's rank; its sizes but for the axis fit into x's. */
static sy_status want_within(const ir_infer_args *a, uint32_t i, const ir_type *t, const ir_type *x,
                             int32_t axis)
{
    if (!x->has_rank || !t->has_rank) {
        return SY_OK;
    }
    SY_TRY(ir_infer_want_rank(a, i, t, x->rank));
    for (int32_t j = 0; j < x->rank; j++) {
        int64_t size, most;
        if (j != axis && ir_dim_is_const(t->dims[j], &size) && ir_dim_is_const(x->dims[j], &most) &&
            size > most) {
            return ir_infer_error(a, SY_ESHAPE, "dimension %d of operand %u is %" PRId64 ", of the data %" PRId64, j, i,
                                  size, most);
        }
    }
    return SY_OK;
}

static sy_status axis_of(const ir_infer_args *a, const ir_type *x, int64_t fallback, int32_t *axis)
{
    *axis = 0;
    return x->has_rank ? ir_infer_axis(a, ir_node_int(a->node, "axis", fallback), x->rank, axis) : SY_OK;
}

/* Constants among the elements of an integer vector of at most IR_MAX_ELEMENTS, as places of n entries. */
static bool constant_places(ir_elements e, uint32_t n, uint32_t *places)
{
    for (uint32_t i = 0; i < e.n; i++) {
        int64_t at;
        if (!ir_dim_is_const(e.elements[i], &at) || at < -(int64_t)n || at >= (int64_t)n) {
            return false;
        }
        places[i] = (uint32_t)(at < 0 ? at + n : at);
    }
    return e.elements != NULL;
}

sy_status ir_infer_gather_elements(ir_infer_args *a)
{
    ir_type x, indices;
    int32_t axis;
    uint32_t places[IR_MAX_ELEMENTS];
    ir_dim picked[IR_MAX_ELEMENTS];
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &indices));
    SY_TRY(ir_infer_want_class(a, 1, indices.dtype, SY_DC_INT));
    SY_TRY(axis_of(a, &x, 0, &axis));
    SY_TRY(want_within(a, 1, &indices, &x, axis));
    SY_TRY(ir_infer_result(a, 0, x.dtype, indices.has_rank ? indices.rank : -1, indices.dims));
    ir_infer_keep_quant(a, 0, &x);
    const ir_elements e = ir_infer_elements(a, 0), at = ir_infer_elements(a, 1);
    if (e.elements == NULL || !x.has_rank || x.rank != 1 || !constant_places(at, e.n, places)) {
        return SY_OK;
    }
    for (uint32_t i = 0; i < at.n; i++) {
        picked[i] = e.elements[places[i]];
    }
    return ir_infer_set_elements(a, 0, at.n, picked);
}

/* What is scattered into: x; the others are checked where they are used. */
static sy_status scatter_result(ir_infer_args *a, ir_type *x, ir_type *indices, ir_type *updates)
{
    const char *reduction = ir_node_string(a->node, "reduction", "none");
    sy_dtype dtype;
    SY_TRY(ir_infer_operand(a, 0, x));
    SY_TRY(ir_infer_operand(a, 1, indices));
    SY_TRY(ir_infer_operand(a, 2, updates));
    SY_TRY(ir_infer_want_class(a, 1, indices->dtype, SY_DC_INT));
    SY_TRY(ir_infer_same_dtype(a, 0, x->dtype, 2, updates->dtype, &dtype));
    if (strcmp(reduction, "none") != 0 && strcmp(reduction, "add") != 0 && strcmp(reduction, "mul") != 0 &&
        strcmp(reduction, "min") != 0 && strcmp(reduction, "max") != 0) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'reduction' is '%s', expected none, add, mul, min or max",
                              reduction);
    }
    return ir_infer_result(a, 0, dtype, x->has_rank ? x->rank : -1, x->dims);
}

sy_status ir_infer_scatter_elements(ir_infer_args *a)
{
    ir_type x, indices, updates;
    int32_t axis;
    uint32_t places[IR_MAX_ELEMENTS];
    ir_dim all[IR_MAX_ELEMENTS];
    SY_TRY(scatter_result(a, &x, &indices, &updates));
    SY_TRY(axis_of(a, &x, 0, &axis));
    SY_TRY(want_within(a, 1, &indices, &x, axis));
    for (int32_t i = 0; indices.has_rank && i < indices.rank; i++) {
        SY_TRY(ir_infer_want_rank(a, 2, &updates, indices.rank));
        SY_TRY(ir_infer_want_dim(a, 2, &updates, i, indices.dims[i]));
    }
    const ir_elements e = ir_infer_elements(a, 0), at = ir_infer_elements(a, 1), with = ir_infer_elements(a, 2);
    if (e.elements == NULL || e.n == 0 || with.elements == NULL || !x.has_rank || x.rank != 1 || with.n != at.n ||
        !constant_places(at, e.n, places) || strcmp(ir_node_string(a->node, "reduction", "none"), "none") != 0) {
        return SY_OK;
    }
    memcpy(all, e.elements, e.n * sizeof *all);
    for (uint32_t i = 0; i < at.n; i++) {
        all[places[i]] = with.elements[i];
    }
    return ir_infer_set_elements(a, 0, e.n, all);
}

/* ---------------------------------------------------------------- GatherND, ScatterND, TensorScatter */

/* The number of x's axes that a vector of indices picks from; -1: not known. */
static sy_status vector_axes(const ir_infer_args *a, const ir_type *x, const ir_type *indices, int64_t batch,
                             int64_t *n)
{
    *n = -1;
    if (!x->has_rank || !indices->has_rank) {
        return SY_OK;
    }
    if (batch < 0 || batch >= x->rank || batch >= indices->rank) {
        return ir_infer_error(a, SY_ESHAPE, "operands of %d and %d dimensions have not %" PRId64 " in common and one more",
                              x->rank, indices->rank, batch);
    }
    if (ir_dim_is_const(indices->dims[indices->rank - 1], n) && (*n < 1 || *n > x->rank - batch)) {
        return ir_infer_error(a, SY_ESHAPE, "vectors of %" PRId64 " indices into %" PRId64 " dimensions", *n,
                              x->rank - batch);
    }
    return SY_OK;
}

/* The shape of what vectors of indices pick out of x. */
static int32_t picked_dims(const ir_type *x, const ir_type *indices, int64_t batch, int64_t n, ir_dim *dims)
{
    int32_t rank = 0;
    for (int32_t i = 0; i + 1 < indices->rank; i++) {
        dims[rank++] = indices->dims[i];
    }
    for (int32_t i = (int32_t)(batch + n); i < x->rank; i++) {
        dims[rank++] = x->dims[i];
    }
    return rank;
}

sy_status ir_infer_gather_nd(ir_infer_args *a)
{
    ir_type x, indices;
    int64_t n;
    ir_dim dims[2 * IR_MAX_RANK];
    const int64_t batch = ir_node_int(a->node, "batch_dims", 0);
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &indices));
    SY_TRY(ir_infer_want_class(a, 1, indices.dtype, SY_DC_INT));
    SY_TRY(vector_axes(a, &x, &indices, batch, &n));
    for (int32_t i = 0; n >= 0 && i < (int32_t)batch; i++) {
        SY_TRY(ir_infer_want_dim(a, 1, &indices, i, x.dims[i]));
    }
    SY_TRY(ir_infer_result(a, 0, x.dtype, n >= 0 ? picked_dims(&x, &indices, batch, n, dims) : -1, dims));
    ir_infer_keep_quant(a, 0, &x);
    return SY_OK;
}

sy_status ir_infer_scatter_nd(ir_infer_args *a)
{
    ir_type x, indices, updates;
    int64_t n;
    ir_dim dims[2 * IR_MAX_RANK];
    SY_TRY(scatter_result(a, &x, &indices, &updates));
    SY_TRY(vector_axes(a, &x, &indices, 0, &n));
    if (n < 0) {
        return SY_OK;
    }
    const int32_t rank = picked_dims(&x, &indices, 0, n, dims);
    SY_TRY(ir_infer_want_rank(a, 2, &updates, rank));
    for (int32_t i = 0; i < rank; i++) {
        SY_TRY(ir_infer_want_dim(a, 2, &updates, i, dims[i]));
    }
    return SY_OK;
}

sy_status ir_infer_tensor_scatter(ir_infer_args *a)
{
    ir_type x, updates, writes;
    int32_t axis;
    sy_dtype dtype;
    const char *mode = ir_node_string(a->node, "mode", "linear");
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &updates));
    SY_TRY(ir_infer_same_dtype(a, 0, x.dtype, 1, updates.dtype, &dtype));
    if (strcmp(mode, "linear") != 0 && strcmp(mode, "circular") != 0) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'mode' is '%s', expected linear or circular", mode);
    }
    SY_TRY(axis_of(a, &x, -2, &axis));
    if (x.has_rank && axis == 0) {
        return ir_infer_error(a, SY_EINVAL, "axis 0 is the batch");
    }
    for (int32_t i = 0; x.has_rank && i < x.rank; i++) {
        SY_TRY(ir_infer_want_rank(a, 1, &updates, x.rank));
        SY_TRY(i != axis ? ir_infer_want_dim(a, 1, &updates, i, x.dims[i]) : SY_OK);
    }
    if (ir_infer_has(a, 2)) {
        SY_TRY(ir_infer_operand(a, 2, &writes));
        SY_TRY(ir_infer_want_class(a, 2, writes.dtype, SY_DC_INT));
        SY_TRY(ir_infer_want_rank(a, 2, &writes, 1));
        SY_TRY(x.has_rank ? ir_infer_want_dim(a, 2, &writes, 0, x.dims[0]) : SY_OK);
    }
    return ir_infer_result(a, 0, dtype, x.has_rank ? x.rank : -1, x.dims);
}

/* ---------------------------------------------------------------- TopK, OneHot */

/* The one number that operand i holds, as an expression; NULL: not known. Floats are cut to integers. */
static sy_status one_number(const ir_infer_args *a, uint32_t i, ir_dim *out)
{
    ir_type t;
    ir_tensor data;
    SY_TRY(ir_infer_operand(a, i, &t));
    const ir_elements e = ir_infer_elements(a, i);
    int64_t n;
    *out = NULL;
    if (t.has_rank && (t.rank > 1 || (t.rank == 1 && ir_dim_is_const(t.dims[0], &n) && n != 1))) {
        return ir_infer_error(a, SY_ESHAPE, "operand %u must be one number", i);
    }
    if (e.elements != NULL) {
        *out = e.n == 1 ? e.elements[0] : NULL;
        return SY_OK;
    }
    SY_TRY(ir_infer_data(a, i, &data));
    if (data.data == NULL || ir_tensor_n_elements(&data) != 1 || !ir_ref_is_float(data.dtype)) {
        return SY_OK;
    }
    const double v = ir_ref_get(&data, 0);
    if (!(v > -9.0e15 && v < 9.0e15)) {
        return ir_infer_error(a, SY_ERANGE, "operand %u is no number of elements", i);
    }
    *out = ir_dim_const(a->module, (int64_t)v);
    return SY_OK;
}

sy_status ir_infer_topk(ir_infer_args *a)
{
    ir_type x, k_type;
    int32_t axis;
    int64_t k, size;
    ir_dim dims[IR_MAX_RANK], count;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &k_type));
    SY_TRY(ir_infer_want_class(a, 1, k_type.dtype, SY_DC_INT));
    SY_TRY(axis_of(a, &x, -1, &axis));
    SY_TRY(one_number(a, 1, &count));
    if (!x.has_rank) {
        SY_TRY(ir_infer_result(a, 0, x.dtype, -1, NULL));
        return ir_infer_result(a, 1, SY_DT_I64, -1, NULL);
    }
    if (ir_dim_is_const(count, &k) && (k < 0 || (ir_dim_is_const(x.dims[axis], &size) && k > size))) {
        return ir_infer_error(a, SY_ERANGE, "k is %" PRId64 ", out of range for axis %d", k, axis);
    }
    for (uint32_t i = 0; i < 2; i++) {
        memcpy(dims, x.dims, (size_t)x.rank * sizeof *dims);
        dims[axis] = count != NULL ? count : ir_infer_fresh(a, 0, axis);
        SY_TRY(ir_infer_result(a, i, i == 0 ? x.dtype : SY_DT_I64, x.rank, dims));
    }
    ir_infer_keep_quant(a, 0, &x);
    return SY_OK;
}

sy_status ir_infer_one_hot(ir_infer_args *a)
{
    ir_type indices, values;
    ir_dim dims[IR_MAX_RANK + 1], depth;
    int32_t axis;
    SY_TRY(ir_infer_operand(a, 0, &indices));
    SY_TRY(ir_infer_operand(a, 2, &values));
    SY_TRY(ir_infer_want_rank(a, 2, &values, 1));
    SY_TRY(ir_infer_want_dim(a, 2, &values, 0, ir_dim_const(a->module, 2)));
    SY_TRY(one_number(a, 1, &depth));
    if (!indices.has_rank) {
        return ir_infer_result(a, 0, values.dtype, -1, NULL);
    }
    SY_TRY(ir_infer_axis(a, ir_node_int(a->node, "axis", -1), indices.rank + 1, &axis));
    for (int32_t i = 0; i <= indices.rank; i++) {
        dims[i] = i < axis ? indices.dims[i] : i > axis ? indices.dims[i - 1] : NULL;
    }
    dims[axis] = depth != NULL ? depth : ir_infer_fresh(a, 0, axis);
    return ir_infer_result(a, 0, values.dtype, indices.rank + 1, dims);
}

/* ---------------------------------------------------------------- Compress, NonZero, Unique, NonMaxSuppression */

/* How many of the first `size` conditions are true (size NULL: all count); NULL: not known. */
static sy_status count_true(const ir_infer_args *a, ir_dim size, ir_dim *out)
{
    ir_tensor data;
    int64_t most = INT64_MAX, count = 0;
    SY_TRY(ir_infer_data(a, 1, &data));
    *out = NULL;
    if (data.data == NULL || !ir_ref_is_integer(data.dtype)) {
        return SY_OK;
    }
    const int64_t n = ir_tensor_n_elements(&data);
    if (!ir_dim_is_const(size, &most) && n > 0) {
        return SY_OK; /* some of them may lie beyond the end */
    }
    for (int64_t i = 0; i < n && i < most; i++) {
        count += ir_tensor_get_i64(&data, i) != 0;
    }
    *out = ir_dim_const(a->module, count);
    return SY_OK;
}

sy_status ir_infer_compress(ir_infer_args *a)
{
    ir_type x, condition;
    int32_t axis = 0;
    ir_dim dims[IR_MAX_RANK], count, size = NULL;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &condition));
    SY_TRY(ir_infer_want_dtype(a, 1, condition.dtype, SY_DT_BOOL));
    SY_TRY(ir_infer_want_rank(a, 1, &condition, 1));
    const bool flat = ir_node_attr(a->node, "axis") == NULL;
    SY_TRY(flat ? SY_OK : axis_of(a, &x, 0, &axis));
    if (x.has_rank) {
        size = flat ? ir_type_n_elements(a->module, &x) : x.dims[axis];
    }
    SY_TRY(count_true(a, size, &count));
    if (!flat && x.has_rank) {
        memcpy(dims, x.dims, (size_t)x.rank * sizeof *dims);
    }
    dims[axis] = count != NULL ? count : ir_infer_fresh(a, 0, axis);
    SY_TRY(ir_infer_result(a, 0, x.dtype, flat ? 1 : x.has_rank ? x.rank : -1, dims));
    ir_infer_keep_quant(a, 0, &x);
    return SY_OK;
}

sy_status ir_infer_non_zero(ir_infer_args *a)
{
    ir_type x;
    ir_tensor data;
    ir_dim dims[2] = { ir_infer_fresh(a, 0, 0), ir_infer_fresh(a, 0, 1) };
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_data(a, 0, &data));
    if (x.has_rank) {
        dims[0] = ir_dim_const(a->module, x.rank);
    }
    if (data.data != NULL || (data.dtype != SY_DT_NONE && ir_tensor_n_elements(&data) == 0)) {
        int64_t n = 0;
        uint8_t *flags = NULL;
        base_arena *arena = base_arena_create();
        const sy_status status = arena != NULL ? ir_ref_non_zeros(&data, arena, &flags, &n) : SY_ENOMEM;
        base_arena_destroy(arena);
        if (status != SY_OK) {
            return ir_infer_error(a, status, "the elements of operand 0 cannot be counted");
        }
        dims[1] = ir_dim_const(a->module, n);
    }
    return ir_infer_result(a, 0, SY_DT_I64, 2, dims);
}

sy_status ir_infer_unique(ir_infer_args *a)
{
    ir_type x;
    int32_t axis = 0;
    ir_dim dims[IR_MAX_RANK], size = NULL;
    SY_TRY(ir_infer_operand(a, 0, &x));
    const bool flat = ir_node_attr(a->node, "axis") == NULL;
    SY_TRY(flat ? SY_OK : axis_of(a, &x, 0, &axis));
    if (!flat && x.has_rank) {
        memcpy(dims, x.dims, (size_t)x.rank * sizeof *dims);
    }
    if (x.has_rank) {
        size = flat ? ir_type_n_elements(a->module, &x) : x.dims[axis];
    }
    const ir_dim count = ir_infer_fresh(a, 0, axis);
    dims[axis] = count;
    SY_TRY(ir_infer_result(a, 0, x.dtype, flat ? 1 : x.has_rank ? x.rank : -1, dims));
    ir_infer_keep_quant(a, 0, &x);
    for (uint32_t i = 1; i < 4; i++) {
        const ir_dim n = i != 2 ? count : size != NULL ? size : ir_infer_fresh(a, 2, 0);
        SY_TRY(ir_infer_result(a, i, SY_DT_I64, 1, &n));
    }
    return SY_OK;
}

sy_status ir_infer_nms(ir_infer_args *a)
{
    ir_type boxes, scores, most;
    SY_TRY(ir_infer_operand(a, 0, &boxes));
    SY_TRY(ir_infer_operand(a, 1, &scores));
    SY_TRY(ir_infer_want_dtype(a, 0, boxes.dtype, SY_DT_F32));
    SY_TRY(ir_infer_want_dtype(a, 1, scores.dtype, SY_DT_F32));
    SY_TRY(ir_infer_want_rank(a, 0, &boxes, 3));
    SY_TRY(ir_infer_want_rank(a, 1, &scores, 3));
    SY_TRY(ir_infer_want_dim(a, 0, &boxes, 2, ir_dim_const(a->module, 4)));
    if (boxes.has_rank) {
        SY_TRY(ir_infer_want_dim(a, 1, &scores, 0, boxes.dims[0]));
        SY_TRY(ir_infer_want_dim(a, 1, &scores, 2, boxes.dims[1]));
    }
    if (ir_infer_has(a, 2)) {
        SY_TRY(ir_infer_operand(a, 2, &most));
        SY_TRY(ir_infer_want_class(a, 2, most.dtype, SY_DC_INT));
    }
    const ir_dim dims[2] = { ir_infer_fresh(a, 0, 0), ir_dim_const(a->module, 3) };
    return ir_infer_result(a, 0, SY_DT_I64, 2, dims);
}
