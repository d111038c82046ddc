/*
 * ref_index.c -- reading and writing at indices: GatherElements, GatherND, ScatterElements, ScatterND, TensorScatter.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_moved.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- indices along one axis */

/*
 * A walk over the rows of `indices` (its last axis). Element j of a row belongs to x's element offset[0] + j * step +
 * places[row * width + j] * stride.
 */
typedef struct rows {
    ir_ref_walk walk;
    int64_t n, width, step, stride;
    int64_t *places;
} rows;

static sy_status rows_of(const ir_kernel_args *args, const ir_tensor *x, const ir_tensor *indices,
                         rows *r)
{
    int32_t axis;
    int64_t strides[IR_MAX_RANK];
    if (indices->rank != x->rank) {
        return base_fail(args->diag, SY_ESHAPE, "the indices must have %d dimensions, got %d",
                         x->rank, indices->rank);
    }
    SY_TRY(ir_ref_axis_of(args, x->rank, 0, &axis));
    SY_TRY(ir_ref_indices(args, indices, x->dims[axis], &r->places));
    ir_ref_own_strides(x, strides);
    r->stride = strides[axis];
    strides[axis] = 0;
    ir_ref_walk_start(&r->walk, x->rank - 1, indices->dims);
    for (int32_t i = 0; i < x->rank; i++) {
        if (i != axis && indices->dims[i] > x->dims[i]) {
            return base_fail(args->diag, SY_ESHAPE,
                             "dimension %d of the indices is %lld, of the data only %lld", i,
                             (long long)indices->dims[i], (long long)x->dims[i]);
        }
        if (i + 1 < x->rank) {
            r->walk.strides[0][i] = strides[i];
        }
    }
    r->step = strides[x->rank - 1];
    r->width = indices->dims[x->rank - 1];
    r->n = ir_ref_product(indices->dims, 0, x->rank - 1);
    return SY_OK;
}

static sy_status gather_elements(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    const size_t bytes = ir_ref_element_bytes(x->dtype);
    rows r;
    SY_TRY(rows_of(args, x, ir_kernel_input(args, 1), &r));
    for (int64_t row = 0; row < r.n; row++, ir_ref_walk_next(&r.walk)) {
        for (int64_t j = 0; j < r.width; j++) {
            const int64_t i = row * r.width + j;
            const int64_t at = r.walk.offset[0] + j * r.step + r.places[i] * r.stride;
            if (bytes == 4) { /* most often; the size spelled out makes the copy one instruction */
                memcpy(ir_ref_at(y, i, 4), ir_ref_at(x, at, 4), 4);
            } else {
                memcpy(ir_ref_at(y, i, bytes), ir_ref_at(x, at, bytes), bytes);
            }
        }
    }
    return SY_OK;
}

sy_status ir_ref_gatherelements(const ir_kernel_args *args)
{
    return ir_ref_moved(args, 1u, gather_elements);
}

/* ---------------------------------------------------------------- reductions of scattering */

typedef enum reduction { REDUCE_NONE, REDUCE_ADD, REDUCE_MUL, REDUCE_MIN, REDUCE_MAX } reduction;

static sy_status reduction_of(const ir_kernel_args *args, const ir_tensor *x, reduction *out)
{
    static const char *const names[] = {"none", "add", "mul", "min", "max"};
    const char *name = ir_node_string(args->node, "reduction", names[0]);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (reduction)i;
            const bool is_complex = sy_dtype_class_of(x->dtype) == SY_DC_COMPLEX;
            const bool known = ir_ref_is_float(x->dtype) || ir_ref_is_integer(x->dtype) ||
                               (is_complex && (i == REDUCE_ADD || i == REDUCE_MUL));
            return ir_ref_need(args, x, i == REDUCE_NONE || known);
        }
    }
    return base_fail(args->diag, SY_EINVAL, "attribute 'reduction' is '%s'", name);
}

/* Of float operands; NaN wins in minimum and maximum. */
static double reduce_float(reduction r, double a, double b)
{
    switch (r) {
    case REDUCE_ADD:
        return a + b;
    case REDUCE_MUL:
        return a * b;
    case REDUCE_MIN:
        return isnan(a) || a <= b ? a : b;
    case REDUCE_MAX:
        return isnan(a) || a >= b ? a : b;
    case REDUCE_NONE:
        break;
    }
    return b;
}

/* Sums and products wrap; of bool they are or and and, as minimum and maximum are the other way round. */
static int64_t reduce_int(reduction r, int64_t a, int64_t b, bool is_u64)
{
    const bool less = is_u64 ? (uint64_t)a < (uint64_t)b : a < b;
    switch (r) {
    case REDUCE_ADD:
        return (int64_t)((uint64_t)a + (uint64_t)b);
    case REDUCE_MUL:
        return (int64_t)((uint64_t)a * (uint64_t)b);
    case REDUCE_MIN:
        return less ? a : b;
    case REDUCE_MAX:
        return less ? b : a;
    case REDUCE_NONE:
        break;
    }
    return b;
}

/* (re, im) pairs of f32 or f64, as elements 2i and 2i + 1. */
static void reduce_complex(reduction r, ir_tensor *y, int64_t i, const ir_tensor *u, int64_t j)
{
    const sy_dtype part = y->dtype == SY_DT_C64 ? SY_DT_F32 : SY_DT_F64;
    ir_tensor a = *y, b = *u;
    a.dtype = b.dtype = part;
    const double re = ir_ref_get(&a, 2 * i), im = ir_ref_get(&a, 2 * i + 1);
    const double ure = ir_ref_get(&b, 2 * j), uim = ir_ref_get(&b, 2 * j + 1);
    ir_ref_put(&a, 2 * i, r == REDUCE_ADD ? re + ure : re * ure - im * uim);
    ir_ref_put(&a, 2 * i + 1, r == REDUCE_ADD ? im + uim : re * uim + im * ure);
}

/* y[i] = y[i] reduced with u[j], n elements in a row. */
static void reduce_row(reduction r, ir_tensor *y, int64_t i, const ir_tensor *u, int64_t j,
                       int64_t n)
{
    const size_t bytes = ir_ref_element_bytes(y->dtype);
    if (r == REDUCE_NONE) {
        memcpy(ir_ref_at(y, i, bytes), ir_ref_at(u, j, bytes), (size_t)n * bytes);
        return;
    }
    if (y->dtype == SY_DT_F32) {
        float *to = (float *)y->data + i;
        const float *from = (const float *)u->data + j;
        for (int64_t k = 0; k < n; k++) {
            to[k] = (float)reduce_float(r, (double)to[k], (double)from[k]);
        }
        return;
    }
    const bool is_float = ir_ref_is_float(y->dtype), is_u64 = y->dtype == SY_DT_U64;
    const bool is_complex = sy_dtype_class_of(y->dtype) == SY_DC_COMPLEX;
    for (int64_t k = 0; k < n; k++) {
        if (is_float) {
            ir_ref_put(y, i + k, reduce_float(r, ir_ref_get(y, i + k), ir_ref_get(u, j + k)));
        } else if (is_complex) {
            reduce_complex(r, y, i + k, u, j + k);
        } else {
            ir_ref_put_int(y, i + k, reduce_int(r, ir_ref_get_int(y, i + k), ir_ref_get_int(u, j + k), is_u64));
        }
    }
}

/* The result before anything is scattered. */
static void copy_data(const ir_tensor *x, ir_tensor *y)
{
    if (y->size_bytes > 0) {
        memcpy(y->data, x->data, y->size_bytes);
    }
}

/* ---------------------------------------------------------------- scattering */

static sy_status same_dims(const ir_kernel_args *args, const ir_tensor *updates, int32_t rank,
                           const int64_t *dims)
{
    bool same = updates->rank == rank;
    for (int32_t i = 0; same && i < rank; i++) {
        same = updates->dims[i] == dims[i];
    }
    return same ? SY_OK
                : base_fail(args->diag, SY_ESHAPE, "the updates do not have the shape that the indices ask for");
}

static sy_status scatter_elements(const ir_kernel_args *args)
{
    const ir_tensor *indices = ir_kernel_input(args, 1);
    const ir_tensor *updates = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    rows r;
    reduction reduce = REDUCE_NONE;
    SY_TRY(reduction_of(args, y, &reduce));
    SY_TRY(rows_of(args, y, indices, &r));
    SY_TRY(same_dims(args, updates, indices->rank, indices->dims));
    copy_data(ir_kernel_input(args, 0), y);
    for (int64_t row = 0; row < r.n; row++, ir_ref_walk_next(&r.walk)) {
        for (int64_t j = 0; j < r.width; j++) {
            const int64_t i = row * r.width + j;
            reduce_row(reduce, y, r.walk.offset[0] + j * r.step + r.places[i] * r.stride, updates, i, 1);
        }
    }
    return SY_OK;
}

/* "none" is the only reduction of strings: their stand-ins must not be added. */
static sy_status scatter(const ir_kernel_args *args, ir_kernel_fn plain)
{
    reduction r = REDUCE_NONE;
    SY_TRY(reduction_of(args, ir_kernel_input(args, 0), &r));
    return ir_ref_moved(args, 1u << 0 | 1u << 2, plain);
}

sy_status ir_ref_scatterelements(const ir_kernel_args *args)
{
    return scatter(args, scatter_elements);
}

/* ---------------------------------------------------------------- vectors of indices */

/* The vectors of `indices`, the first of whose `batch` dimensions are x's own. */
typedef struct vectors {
    const ir_tensor *indices;
    int32_t batch, n_axes;              /* the vector has n_axes entries, for x's axes from `batch` on */
    int64_t n, per_batch, part;         /* vectors, vectors of one batch, elements that one picks */
    int64_t dims[IR_MAX_RANK], strides[IR_MAX_RANK]; /* of x */
    int64_t batch_stride;
} vectors;

static sy_status vectors_of(const ir_kernel_args *args, const ir_tensor *x,
                            const ir_tensor *indices, int64_t batch, vectors *v)
{
    if (batch < 0 || batch >= x->rank || batch >= indices->rank) {
        return base_fail(args->diag, SY_EINVAL, "batch_dims is %lld for operands of %d and %d dimensions",
                         (long long)batch, x->rank, indices->rank);
    }
    const int64_t n_axes = indices->dims[indices->rank - 1];
    if (n_axes < 1 || n_axes > x->rank - batch) {
        return base_fail(args->diag, SY_ESHAPE, "vectors of %lld indices into %lld dimensions",
                         (long long)n_axes, (long long)(x->rank - batch));
    }
    *v = (vectors){.indices = indices, .batch = (int32_t)batch, .n_axes = (int32_t)n_axes};
    for (int32_t i = 0; i < v->batch; i++) {
        if (x->dims[i] != indices->dims[i]) {
            return base_fail(args->diag, SY_ESHAPE, "batch dimension %d is %lld and %lld", i,
                             (long long)x->dims[i], (long long)indices->dims[i]);
        }
    }
    memcpy(v->dims, x->dims, sizeof v->dims);
    ir_ref_own_strides(x, v->strides);
    v->n = ir_ref_product(indices->dims, 0, indices->rank - 1);
    v->per_batch = ir_ref_product(indices->dims, v->batch, indices->rank - 1);
    v->part = ir_ref_product(x->dims, v->batch + v->n_axes, x->rank);
    v->batch_stride = ir_ref_product(x->dims, v->batch, x->rank);
    return SY_OK;
}

/* The first element that vector i picks. */
static sy_status vector_place(const ir_kernel_args *args, const vectors *v, int64_t i, int64_t *out)
{
    *out = i / v->per_batch * v->batch_stride;
    for (int32_t k = 0; k < v->n_axes; k++) {
        int64_t at = 0;
        SY_TRY(ir_ref_index(args, ir_ref_get_int(v->indices, i * v->n_axes + k), v->dims[v->batch + k],
                            &at));
        *out += at * v->strides[v->batch + k];
    }
    return SY_OK;
}

static sy_status gather_nd(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    const size_t bytes = ir_ref_element_bytes(x->dtype);
    vectors v;
    SY_TRY(vectors_of(args, x, ir_kernel_input(args, 1), ir_node_int(args->node, "batch_dims", 0), &v));
    for (int64_t i = 0; i < v.n; i++) {
        int64_t at;
        SY_TRY(vector_place(args, &v, i, &at));
        if (v.part > 0) {
            memcpy(ir_ref_at(y, i * v.part, bytes), ir_ref_at(x, at, bytes), (size_t)v.part * bytes);
        }
    }
    return SY_OK;
}

sy_status ir_ref_gathernd(const ir_kernel_args *args)
{
    return ir_ref_moved(args, 1u, gather_nd);
}

static sy_status scatter_nd(const ir_kernel_args *args)
{
    const ir_tensor *indices = ir_kernel_input(args, 1);
    const ir_tensor *updates = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    vectors v;
    reduction r = REDUCE_NONE;
    int64_t dims[2 * IR_MAX_RANK];
    SY_TRY(reduction_of(args, y, &r));
    SY_TRY(vectors_of(args, y, indices, 0, &v));
    int32_t rank = 0;
    for (int32_t i = 0; i + 1 < indices->rank; i++) {
        dims[rank++] = indices->dims[i];
    }
    for (int32_t i = v.n_axes; i < y->rank; i++) {
        dims[rank++] = y->dims[i];
    }
    SY_TRY(same_dims(args, updates, rank, dims));
    copy_data(ir_kernel_input(args, 0), y);
    for (int64_t i = 0; i < v.n; i++) {
        int64_t at;
        SY_TRY(vector_place(args, &v, i, &at));
        if (v.part > 0) {
            reduce_row(r, y, at, updates, i * v.part, v.part);
        }
    }
    return SY_OK;
}

sy_status ir_ref_scatternd(const ir_kernel_args *args)
{
    return scatter(args, scatter_nd);
}

/* ---------------------------------------------------------------- TensorScatter */

/* Where step t of batch b goes along an axis of this size. */
static sy_status write_place(const ir_kernel_args *args, int64_t b, int64_t t, int64_t size,
                             int64_t *out)
{
    const ir_tensor *writes = ir_kernel_input(args, 2);
    const bool circular = strcmp(ir_node_string(args->node, "mode", "linear"), "circular") == 0;
    const int64_t first = writes != NULL ? ir_ref_get_int(writes, b) : 0;
    if (first < 0 || (!circular && first > size - 1 - t)) {
        return base_fail(args->diag, SY_ERANGE,
                         "step %lld written from index %lld on is outside the axis of size %lld",
                         (long long)t, (long long)first, (long long)size);
    }
    *out = (first % size + t) % size;
    return SY_OK;
}

static sy_status tensor_scatter(const ir_kernel_args *args)
{
    const ir_tensor *updates = ir_kernel_input(args, 1);
    const ir_tensor *writes = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    int32_t axis;
    SY_TRY(ir_ref_axis_of(args, y->rank, -2, &axis));
    if (axis == 0 || (writes != NULL && (writes->rank != 1 || writes->dims[0] != y->dims[0]))) {
        return base_fail(args->diag, SY_ESHAPE, axis == 0 ? "axis 0 is the batch" : "there must be one write index for each batch");
    }
    int64_t dims[IR_MAX_RANK];
    memcpy(dims, y->dims, sizeof dims);
    dims[axis] = updates->rank == y->rank ? updates->dims[axis] : 0;
    SY_TRY(same_dims(args, updates, y->rank, dims));
    if (dims[axis] > y->dims[axis]) {
        return base_fail(args->diag, SY_ESHAPE, "an update of %lld steps does not fit a cache of %lld",
                         (long long)dims[axis], (long long)y->dims[axis]);
    }
    copy_data(ir_kernel_input(args, 0), y);
    const size_t part = (size_t)ir_ref_product(y->dims, axis + 1, y->rank) *
                        ir_ref_element_bytes(y->dtype);
    const int64_t outer = ir_ref_product(y->dims, 0, axis), steps = dims[axis];
    const int64_t per_batch = ir_ref_product(y->dims, 1, axis);
    for (int64_t o = 0; o < outer && part > 0; o++) {
        for (int64_t t = 0; t < steps; t++) {
            int64_t at = 0;
            SY_TRY(write_place(args, o / per_batch, t, y->dims[axis], &at));
            memcpy((char *)y->data + (size_t)(o * y->dims[axis] + at) * part,
                   (const char *)updates->data + (size_t)(o * steps + t) * part, part);
        }
    }
    return SY_OK;
}

sy_status ir_ref_tensorscatter(const ir_kernel_args *args)
{
    return ir_ref_moved(args, 1u << 0 | 1u << 1, tensor_scatter);
}
