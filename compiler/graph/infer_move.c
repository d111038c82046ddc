/*
 * infer_move.c -- inference of views and data movement.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"

#include <inttypes.h>
#include <string.h>

/* ---------------------------------------------------------------- views */

/* Elements of operand 0 are those of result 0. */
static sy_status pass_elements(ir_infer_args *a)
{
    const ir_elements e = ir_infer_elements(a, 0);
    const bool fits = a->outputs[0].type.kind == IR_TYPE_TENSOR && a->outputs[0].type.rank <= 1;
    return e.elements != NULL && fits ? ir_infer_set_elements(a, 0, e.n, e.elements) : SY_OK;
}

sy_status ir_infer_identity(ir_infer_args *a)
{
    if (!ir_infer_has(a, 0)) {
        return ir_infer_error(a, SY_EINVAL, "operand 0 is missing");
    }
    ir_infer_result_type(a, 0, &a->inputs[0].type); /* sequences and optionals too */
    return pass_elements(a);
}

/* The dimensions that the elements of a shape operand ask for; the operand's length gives the rank at least. */
static sy_status shape_operand(const ir_infer_args *a, uint32_t i, ir_elements *e, int32_t *rank)
{
    ir_type t;
    SY_TRY(ir_infer_operand(a, i, &t));
    SY_TRY(ir_infer_want_class(a, i, t.dtype, SY_DC_INT));
    SY_TRY(ir_infer_want_rank(a, i, &t, 1));
    *e = ir_infer_elements(a, i);
    *rank = -1;
    int64_t n;
    if (e->elements != NULL) {
        n = e->n;
    } else if (!t.has_rank || !ir_dim_is_const(t.dims[0], &n)) {
        return SY_OK;
    }
    if (n > IR_MAX_RANK) {
        return ir_infer_error(a, SY_EUNSUPPORTED, "operand %u asks for %" PRId64 " dimensions, at most %d are supported",
                              i, n, IR_MAX_RANK);
    }
    *rank = (int32_t)n;
    return SY_OK;
}

/* dims[i] for each entry of the target; *hole is the one that is -1, or -1. */
static sy_status reshape_targets(const ir_infer_args *a, const ir_type *x, ir_elements e, ir_dim *dims, int32_t *hole)
{
    const bool allow_zero = ir_node_int(a->node, "allowzero", 0) != 0;
    *hole = -1;
    for (int32_t i = 0; i < (int32_t)e.n; i++) {
        int64_t size;
        dims[i] = e.elements[i];
        if (!ir_dim_is_const(dims[i], &size)) {
            continue;
        }
        if (size == -1) {
            if (*hole >= 0) {
                return ir_infer_error(a, SY_ESHAPE, "operand 1 has two entries of -1");
            }
            *hole = i;
        } else if (size < -1) {
            return ir_infer_error(a, SY_ESHAPE, "operand 1 has the entry %" PRId64, size);
        } else if (size == 0 && !allow_zero) {
            if (x->has_rank && i >= x->rank) {
                return ir_infer_error(a, SY_ESHAPE, "entry %d of operand 1 copies a dimension that operand 0 lacks", i);
            }
            dims[i] = x->has_rank ? x->dims[i] : ir_infer_fresh(a, 0, i);
        }
    }
    return SY_OK;
}

/* Fills the hole and compares the counts of elements. */
static sy_status reshape_count(const ir_infer_args *a, const ir_type *x, int32_t rank, ir_dim *dims, int32_t hole)
{
    ir_module *m = a->module;
    ir_dim rest = ir_dim_const(m, 1);
    for (int32_t i = 0; i < rank; i++) {
        rest = i != hole ? ir_dim_mul(m, rest, dims[i]) : rest;
    }
    const ir_dim total = x->has_rank ? ir_type_n_elements(m, x) : NULL;
    int64_t have, asked;
    const bool have_known = ir_dim_is_const(total, &have), asked_known = ir_dim_is_const(rest, &asked);
    if (rest == NULL || (x->has_rank && total == NULL)) {
        return SY_OK; /* beyond 64 bits: reported where the result is set */
    }
    if (hole < 0) {
        return have_known && asked_known && have != asked
                   ? ir_infer_error(a, SY_ESHAPE, "%" PRId64 " elements do not fit a shape of %" PRId64, have, asked)
                   : SY_OK;
    }
    if (total == NULL || (asked_known && asked == 0)) {
        dims[hole] = ir_infer_fresh(a, 0, hole);
        return SY_OK;
    }
    if (have_known && asked_known && have % asked != 0) {
        return ir_infer_error(a, SY_ESHAPE, "%" PRId64 " elements do not divide by %" PRId64, have, asked);
    }
    dims[hole] = ir_dim_floor_div(m, total, rest);
    return SY_OK;
}

sy_status ir_infer_reshape(ir_infer_args *a)
{
    ir_type x;
    ir_elements e;
    int32_t rank, hole;
    ir_dim dims[IR_MAX_RANK];
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(shape_operand(a, 1, &e, &rank));
    if (e.elements != NULL) {
        SY_TRY(reshape_targets(a, &x, e, dims, &hole));
        SY_TRY(reshape_count(a, &x, rank, dims, hole));
    } else {
        for (int32_t i = 0; i < rank; i++) {
            dims[i] = ir_infer_fresh(a, 0, i);
        }
    }
    SY_TRY(ir_infer_result(a, 0, x.dtype, rank, dims));
    ir_infer_keep_quant(a, 0, &x);
    return pass_elements(a);
}

sy_status ir_infer_flatten(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(ir_infer_operand(a, 0, &x));
    ir_dim dims[2] = { ir_infer_fresh(a, 0, 0), ir_infer_fresh(a, 0, 1) };
    if (x.has_rank) {
        const int64_t axis = ir_node_int(a->node, "axis", 1);
        if (axis < -x.rank || axis > x.rank) {
            return ir_infer_error(a, SY_ESHAPE, "axis %" PRId64 " is outside a tensor of %d dimensions", axis, x.rank);
        }
        const int64_t split = axis < 0 ? axis + x.rank : axis;
        dims[0] = dims[1] = ir_dim_const(a->module, 1);
        for (int32_t i = 0; i < x.rank; i++) {
            dims[i >= split] = ir_dim_mul(a->module, dims[i >= split], x.dims[i]);
        }
    }
    SY_TRY(ir_infer_result(a, 0, x.dtype, 2, dims));
    ir_infer_keep_quant(a, 0, &x);
    return SY_OK;
}

sy_status ir_infer_squeeze(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(ir_infer_operand(a, 0, &x));
    uint32_t bits = 0;
    bool known = x.has_rank;
    if (known && ir_infer_has(a, 1)) {
        SY_TRY(ir_infer_axes(a, 1, x.rank, &bits, &known));
    } else {
        for (int32_t i = 0; i < x.rank; i++) {
            int64_t size;
            known = known && ir_dim_is_const(x.dims[i], &size); /* a symbol may be 1 */
            bits |= known && size == 1 ? 1u << i : 0u;
        }
    }
    ir_dim dims[IR_MAX_RANK];
    int32_t rank = 0;
    for (int32_t i = 0; known && i < x.rank; i++) {
        int64_t size;
        const bool dropped = (bits >> i & 1u) != 0;
        if (dropped && ir_dim_is_const(x.dims[i], &size) && size != 1) {
            return ir_infer_error(a, SY_ESHAPE, "dimension %d must be 1 to be dropped, got %" PRId64, i, size);
        }
        if (!dropped) {
            dims[rank++] = x.dims[i];
        }
    }
    SY_TRY(ir_infer_result(a, 0, x.dtype, known ? rank : -1, dims));
    ir_infer_keep_quant(a, 0, &x);
    return pass_elements(a);
}

sy_status ir_infer_unsqueeze(ir_infer_args *a)
{
    ir_type x;
    ir_elements axes;
    int32_t n_axes;
    SY_TRY(ir_infer_operand(a, 0, &x));
    axes = ir_infer_elements(a, 1);
    if (axes.elements == NULL) {
        SY_TRY(shape_operand(a, 1, &axes, &n_axes));
    } else {
        n_axes = axes.n <= IR_MAX_RANK ? (int32_t)axes.n : IR_MAX_RANK + 1;
    }
    if (!x.has_rank || n_axes < 0) {
        return ir_infer_result(a, 0, x.dtype, -1, NULL);
    }
    const int32_t rank = x.rank + n_axes;
    if (rank > IR_MAX_RANK) {
        return ir_infer_error(a, SY_EUNSUPPORTED, "the result has %d dimensions, at most %d are supported", rank,
                              IR_MAX_RANK);
    }
    uint32_t bits;
    bool known;
    ir_dim dims[IR_MAX_RANK];
    SY_TRY(ir_infer_axes(a, 1, rank, &bits, &known));
    for (int32_t i = 0, from = 0; i < rank; i++) {
        if (!known) {
            dims[i] = ir_infer_fresh(a, 0, i);
        } else {
            dims[i] = (bits >> i & 1u) != 0 ? ir_dim_const(a->module, 1) : x.dims[from++];
        }
    }
    SY_TRY(ir_infer_result(a, 0, x.dtype, rank, dims));
    ir_infer_keep_quant(a, 0, &x);
    return pass_elements(a);
}

/* ---------------------------------------------------------------- movement */

sy_status ir_infer_transpose(ir_infer_args *a)
{
    ir_type x;
    const int64_t *perm;
    ir_dim dims[IR_MAX_RANK];
    SY_TRY(ir_infer_operand(a, 0, &x));
    const uint32_t n = ir_node_ints(a->node, "perm", &perm);
    if (!x.has_rank) {
        return ir_infer_result(a, 0, x.dtype, -1, NULL);
    }
    if (perm != NULL && n != (uint32_t)x.rank) {
        return ir_infer_error(a, SY_ESHAPE, "attribute 'perm' must have %d entries, got %u", x.rank, n);
    }
    uint32_t seen = 0;
    int32_t moved_to = -1;
    for (int32_t i = 0; i < x.rank; i++) {
        const int64_t from = perm != NULL ? perm[i] : x.rank - 1 - i;
        if (from < 0 || from >= x.rank || (seen >> from & 1u) != 0) {
            return ir_infer_error(a, SY_EINVAL, "attribute 'perm' is no permutation of %d axes", x.rank);
        }
        seen |= 1u << from;
        dims[i] = x.dims[from];
        moved_to = x.quant != NULL && from == x.quant->axis ? i : moved_to;
    }
    SY_TRY(ir_infer_result(a, 0, x.dtype, x.rank, dims));
    if (x.quant != NULL && x.quant->axis >= 0 && a->outputs[0].wanted) {
        const ir_quant *q = x.quant;
        return ir_type_with_quant(a->module, &a->outputs[0].type, moved_to, q->n, q->scales, q->zeros,
                                  &a->outputs[0].type);
    }
    ir_infer_keep_quant(a, 0, &x);
    return SY_OK;
}

static sy_status concat_elements(ir_infer_args *a)
{
    ir_dim e[IR_MAX_ELEMENTS];
    uint32_t n = 0;
    for (uint32_t i = 0; i < a->n_inputs; i++) {
        const ir_elements part = ir_infer_elements(a, i);
        if (part.elements == NULL || n + part.n > IR_MAX_ELEMENTS) {
            return SY_OK;
        }
        if (part.n > 0) {
            memcpy(e + n, part.elements, part.n * sizeof *e);
        }
        n += part.n;
    }
    return a->outputs[0].type.rank == 1 ? ir_infer_set_elements(a, 0, n, e) : SY_OK;
}

/* Takes operand t into the joined type so far. */
static sy_status concat_join(ir_infer_args *a, uint32_t i, const ir_type *t, int32_t axis, ir_type *joined,
                             ir_dim *dims)
{
    SY_TRY(ir_infer_want_rank(a, i, t, joined->rank));
    for (int32_t j = 0; j < joined->rank; j++) {
        if (j == axis) {
            dims[j] = t->has_rank ? ir_dim_add(a->module, dims[j], t->dims[j]) : ir_infer_fresh(a, 0, j);
        } else if (t->has_rank) {
            SY_TRY(ir_infer_want_dim(a, i, t, j, dims[j]));
            dims[j] = ir_dim_is_const(t->dims[j], NULL) ? t->dims[j] : dims[j];
        }
    }
    return SY_OK;
}

sy_status ir_infer_concat(ir_infer_args *a)
{
    ir_type joined;
    ir_dim dims[IR_MAX_RANK];
    int32_t axis = 0;
    SY_TRY(ir_infer_operand(a, 0, &joined));
    if (ir_node_attr(a->node, "axis") == NULL) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'axis' is missing");
    }
    if (joined.has_rank) {
        SY_TRY(ir_infer_axis(a, ir_node_int(a->node, "axis", 0), joined.rank, &axis));
        if (joined.rank > 0) {
            memcpy(dims, joined.dims, (size_t)joined.rank * sizeof *dims);
        }
    }
    bool one_quant = true, ranked = joined.has_rank;
    for (uint32_t i = 1; i < a->n_inputs; i++) {
        ir_type t;
        SY_TRY(ir_infer_operand(a, i, &t));
        SY_TRY(ir_infer_same_dtype(a, 0, joined.dtype, i, t.dtype, &joined.dtype));
        one_quant = one_quant && ir_quant_equal(joined.quant, t.quant);
        if (ranked) {
            SY_TRY(concat_join(a, i, &t, axis, &joined, dims));
        }
    }
    SY_TRY(ir_infer_result(a, 0, joined.dtype, ranked ? joined.rank : -1, dims));
    if (one_quant) {
        ir_infer_keep_quant(a, 0, &joined);
    }
    return concat_elements(a);
}

/* The size of part i of `n` along the axis; NULL: not known. */
static sy_status split_size(const ir_infer_args *a, const ir_type *x, int32_t axis, uint32_t i, ir_dim *out)
{
    const ir_elements sizes = ir_infer_elements(a, 1);
    const int64_t n = ir_node_int(a->node, "num_outputs", a->n_outputs);
    *out = NULL;
    if (ir_infer_has(a, 1)) {
        if (sizes.elements != NULL && sizes.n != a->n_outputs) {
            return ir_infer_error(a, SY_ESHAPE, "operand 1 has %u sizes for %u results", sizes.n, a->n_outputs);
        }
        *out = sizes.elements != NULL ? sizes.elements[i] : NULL;
        return SY_OK;
    }
    if (n < 1 || n != a->n_outputs) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'num_outputs' is %" PRId64 " for %u results", n, a->n_outputs);
    }
    int64_t size;
    const ir_dim part = ir_dim_ceil_div(a->module, x->dims[axis], ir_dim_const(a->module, n));
    if (ir_dim_is_const(x->dims[axis], &size)) {
        const int64_t chunk = size / n + (size % n != 0), left = size - chunk * i;
        *out = ir_dim_const(a->module, left < 0 ? 0 : left < chunk ? left : chunk);
    } else if (part != NULL && part == ir_dim_floor_div(a->module, x->dims[axis], ir_dim_const(a->module, n))) {
        *out = part;
    }
    return SY_OK;
}

sy_status ir_infer_split(ir_infer_args *a)
{
    ir_type x;
    int32_t axis = 0;
    SY_TRY(ir_infer_operand(a, 0, &x));
    if (x.has_rank) {
        SY_TRY(ir_infer_axis(a, ir_node_int(a->node, "axis", 0), x.rank, &axis));
    }
    const ir_elements e = ir_infer_elements(a, 0);
    ir_dim total = ir_dim_const(a->module, 0);
    int64_t at = 0, size;
    for (uint32_t i = 0; i < a->n_outputs; i++) {
        ir_dim dims[IR_MAX_RANK], part = NULL;
        if (!x.has_rank) {
            SY_TRY(ir_infer_result(a, i, x.dtype, -1, NULL));
            continue;
        }
        memcpy(dims, x.dims, (size_t)x.rank * sizeof *dims);
        SY_TRY(split_size(a, &x, axis, i, &part));
        dims[axis] = part != NULL ? part : ir_infer_fresh(a, i, axis);
        total = ir_dim_add(a->module, total, dims[axis]);
        SY_TRY(ir_infer_result(a, i, x.dtype, x.rank, dims));
        ir_infer_keep_quant(a, i, &x);
        if (e.elements != NULL && x.rank == 1 && at >= 0 && ir_dim_is_const(part, &size) && size >= 0 &&
            size <= (int64_t)e.n - at) {
            SY_TRY(ir_infer_set_elements(a, i, (uint32_t)size, e.elements + at));
            at += size;
        } else {
            at = -1;
        }
    }
    int64_t sum;
    if (x.has_rank && ir_dim_is_const(total, &sum) && ir_dim_is_const(x.dims[axis], &size) && sum != size) {
        return ir_infer_error(a, SY_ESHAPE, "the parts add up to %" PRId64 ", dimension %d is %" PRId64, sum, axis, size);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- slice */

typedef struct slice {
    ir_dim start, end; /* NULL: not known */
    int64_t step;      /* 0: not known */
} slice;

static int64_t clamp(int64_t v, int64_t lo, int64_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* First index and count for a constant size; false if a part of the slice is not constant. */
static bool slice_range(const slice *s, int64_t size, int64_t *first, int64_t *count)
{
    int64_t start, end;
    if (s->step == 0 || !ir_dim_is_const(s->start, &start) || !ir_dim_is_const(s->end, &end)) {
        return false;
    }
    start = start < 0 ? clamp(start, -size - 1, 0) + size : start;
    end = end < 0 ? clamp(end, -size - 1, 0) + size : end;
    if (s->step > 0) {
        *first = clamp(start, 0, size);
        const int64_t span = clamp(end, 0, size) - *first;
        *count = span <= 0 ? 0 : (span - 1) / s->step + 1;
    } else {
        *first = clamp(start, -1, size - 1);
        const int64_t span = *first - clamp(end, -1, size - 1);
        *count = span <= 0 ? 0 : s->step == INT64_MIN ? 1 : (span - 1) / -s->step + 1;
    }
    return true;
}

/* Where position p lies in an axis of symbolic size, if no clamping can happen; NULL: not known. */
static ir_dim slice_place(ir_module *m, ir_dim p, ir_dim size)
{
    int64_t v;
    const bool is_const = ir_dim_is_const(p, &v);
    if (is_const && v >= 1000000000) {
        return size; /* ONNX's word for the end is INT32_MAX or INT64_MAX, that of tf2onnx 10^9 */
    }
    if (is_const && v < 0) {
        p = v > -INT32_MAX ? ir_dim_add(m, size, p) : ir_dim_const(m, 0);
    }
    return ir_dim_at_least(p, 0) && ir_dim_at_least(ir_dim_sub(m, size, p), 0) ? p : NULL;
}

static ir_dim slice_dim(const ir_infer_args *a, int32_t axis, const slice *s, ir_dim size)
{
    ir_module *m = a->module;
    int64_t n, first, count, start, end;
    if (ir_dim_is_const(size, &n) && slice_range(s, n, &first, &count)) {
        return ir_dim_const(m, count);
    }
    if (s->step == -1 && ir_dim_is_const(s->start, &start) && start == -1 && ir_dim_is_const(s->end, &end) &&
        end <= -INT32_MAX) {
        return size; /* all of it, from the end */
    }
    const ir_dim from = slice_place(m, s->start, size), to = slice_place(m, s->end, size);
    const ir_dim length = from != NULL && to != NULL && s->step > 0 ? ir_dim_sub(m, to, from) : NULL;
    if (length == NULL || !ir_dim_at_least(length, 0)) {
        return ir_infer_fresh(a, 0, axis);
    }
    return s->step == 1 ? length : ir_dim_ceil_div(m, length, ir_dim_const(m, s->step));
}

/* Entry i of operand `from`; the fallback if the operand is absent, NULL if it is not known. */
static ir_dim slice_entry(const ir_infer_args *a, uint32_t from, uint32_t i, int64_t fallback)
{
    if (!ir_infer_has(a, from)) {
        return ir_dim_const(a->module, fallback);
    }
    const ir_elements e = ir_infer_elements(a, from);
    return e.elements != NULL && i < e.n ? e.elements[i] : NULL;
}

/* How each axis is cut; false in *known if even the set of axes is unknown. */
static sy_status slice_axes(const ir_infer_args *a, int32_t rank, slice *slices, uint32_t *cut, bool *known)
{
    ir_elements e;
    int32_t n;
    SY_TRY(shape_operand(a, 1, &e, &n));
    *known = n >= 0;
    *cut = 0;
    for (uint32_t i = 0; *known && i < (uint32_t)n; i++) {
        int64_t at;
        int32_t axis;
        if (!ir_dim_is_const(slice_entry(a, 3, i, i), &at)) {
            *known = false;
            return SY_OK;
        }
        SY_TRY(ir_infer_axis(a, at, rank, &axis));
        if ((*cut >> axis & 1u) != 0) {
            return ir_infer_error(a, SY_EINVAL, "axis %d is cut twice", axis);
        }
        *cut |= 1u << axis;
        slice *s = &slices[axis];
        s->start = slice_entry(a, 1, i, 0);
        s->end = slice_entry(a, 2, i, 0);
        if (ir_dim_is_const(slice_entry(a, 4, i, 1), &s->step) && s->step == 0) {
            return ir_infer_error(a, SY_EINVAL, "the step for axis %d is 0", axis);
        }
    }
    return SY_OK;
}

static sy_status slice_elements(ir_infer_args *a, const slice *s)
{
    const ir_elements e = ir_infer_elements(a, 0);
    int64_t first, count;
    ir_dim out[IR_MAX_ELEMENTS];
    if (e.elements == NULL || !slice_range(s, e.n, &first, &count)) {
        return SY_OK;
    }
    for (int64_t i = 0; i < count; i++) {
        out[i] = e.elements[first + i * s->step];
    }
    return ir_infer_set_elements(a, 0, (uint32_t)count, out);
}

sy_status ir_infer_slice(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(ir_infer_operand(a, 0, &x));
    if (!x.has_rank) {
        return ir_infer_result(a, 0, x.dtype, -1, NULL);
    }
    slice slices[IR_MAX_RANK] = { { 0 } };
    uint32_t cut;
    bool known;
    ir_dim dims[IR_MAX_RANK];
    SY_TRY(slice_axes(a, x.rank, slices, &cut, &known));
    for (int32_t i = 0; i < x.rank; i++) {
        if (!known) {
            dims[i] = ir_infer_fresh(a, 0, i);
        } else {
            dims[i] = (cut >> i & 1u) != 0 ? slice_dim(a, i, &slices[i], x.dims[i]) : x.dims[i];
        }
    }
    SY_TRY(ir_infer_result(a, 0, x.dtype, x.rank, dims));
    ir_infer_keep_quant(a, 0, &x);
    return known && x.rank == 1 && cut == 1 ? slice_elements(a, &slices[0]) : SY_OK;
}

/* ---------------------------------------------------------------- gather, pad, expand */

static sy_status gather_elements(ir_infer_args *a, int32_t index_rank)
{
    const ir_elements e = ir_infer_elements(a, 0), indices = ir_infer_elements(a, 1);
    ir_dim out[IR_MAX_ELEMENTS];
    if (e.elements == NULL || indices.elements == NULL || index_rank > 1) {
        return SY_OK;
    }
    for (uint32_t i = 0; i < indices.n; i++) {
        int64_t at;
        if (!ir_dim_is_const(indices.elements[i], &at)) {
            return SY_OK;
        }
        if (at < -(int64_t)e.n || at >= (int64_t)e.n) {
            return ir_infer_error(a, SY_ERANGE, "index %" PRId64 " is outside %u entries", at, e.n);
        }
        out[i] = e.elements[at < 0 ? at + e.n : at];
    }
    return ir_infer_set_elements(a, 0, indices.n, out);
}

sy_status ir_infer_gather(ir_infer_args *a)
{
    ir_type x, indices;
    int32_t axis;
    ir_dim dims[2 * IR_MAX_RANK];
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &indices));
    SY_TRY(ir_infer_want_class(a, 1, indices.dtype, SY_DC_INT));
    if (!x.has_rank || !indices.has_rank) {
        return ir_infer_result(a, 0, x.dtype, -1, NULL);
    }
    SY_TRY(ir_infer_axis(a, ir_node_int(a->node, "axis", 0), x.rank, &axis));
    int32_t rank = 0;
    for (int32_t i = 0; i < x.rank; i++) {
        for (int32_t j = 0; i == axis && j < indices.rank; j++) {
            dims[rank++] = indices.dims[j];
        }
        if (i != axis) {
            dims[rank++] = x.dims[i];
        }
    }
    SY_TRY(ir_infer_result(a, 0, x.dtype, rank, dims));
    ir_infer_keep_quant(a, 0, &x);
    return x.rank == 1 ? gather_elements(a, indices.rank) : SY_OK;
}

static sy_status want_pad_mode(const ir_infer_args *a)
{
    static const char *const modes[] = { "constant", "reflect", "edge", "wrap" };
    const char *mode = ir_node_string(a->node, "mode", modes[0]);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(mode, modes[i]) == 0) {
            return SY_OK;
        }
    }
    return ir_infer_error(a, SY_EINVAL, "attribute 'mode' is '%s', expected constant, reflect, edge or wrap", mode);
}

sy_status ir_infer_pad(ir_infer_args *a)
{
    ir_type x, fill;
    ir_dim dims[IR_MAX_RANK];
    uint32_t seen = 0;
    SY_TRY(want_pad_mode(a));
    SY_TRY(ir_infer_operand(a, 0, &x));
    if (ir_infer_has(a, 2)) {
        sy_dtype dtype;
        SY_TRY(ir_infer_operand(a, 2, &fill));
        SY_TRY(ir_infer_same_dtype(a, 0, x.dtype, 2, fill.dtype, &dtype));
    }
    for (uint32_t i = 1; i < 4; i += 2) {
        ir_type t;
        if (ir_infer_has(a, i)) {
            SY_TRY(ir_infer_operand(a, i, &t));
            SY_TRY(ir_infer_want_class(a, i, t.dtype, SY_DC_INT));
        }
    }
    if (!x.has_rank) {
        return ir_infer_result(a, 0, x.dtype, -1, NULL);
    }
    const ir_elements pads = ir_infer_elements(a, 1), axes = ir_infer_elements(a, 3);
    const bool all_axes = !ir_infer_has(a, 3);
    const uint32_t n = all_axes ? (uint32_t)x.rank : axes.n;
    const bool known = pads.elements != NULL && (all_axes || axes.elements != NULL);
    if (known && pads.n != 2 * n) {
        return ir_infer_error(a, SY_ESHAPE, "operand 1 must have %u entries, got %u", 2 * n, pads.n);
    }
    for (int32_t i = 0; i < x.rank; i++) {
        dims[i] = known ? x.dims[i] : ir_infer_fresh(a, 0, i);
    }
    for (uint32_t i = 0; known && i < n; i++) {
        int64_t at = i;
        int32_t axis;
        if (!all_axes && !ir_dim_is_const(axes.elements[i], &at)) {
            return ir_infer_error(a, SY_EUNSUPPORTED, "axes that depend on the input's shape");
        }
        SY_TRY(ir_infer_axis(a, at, x.rank, &axis));
        if ((seen >> axis & 1u) != 0) {
            return ir_infer_error(a, SY_EINVAL, "axis %d is padded twice", axis);
        }
        seen |= 1u << axis;
        dims[axis] = ir_dim_add(a->module, dims[axis], ir_dim_add(a->module, pads.elements[i], pads.elements[i + n]));
    }
    SY_TRY(ir_infer_result(a, 0, x.dtype, x.rank, dims));
    ir_infer_keep_quant(a, 0, &x);
    return SY_OK;
}

sy_status ir_infer_expand(ir_infer_args *a)
{
    ir_type x, shape;
    ir_elements e;
    int32_t rank;
    ir_dim dims[IR_MAX_RANK];
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(shape_operand(a, 1, &e, &rank));
    for (int32_t i = 0; i < rank; i++) {
        dims[i] = e.elements != NULL ? e.elements[i] : ir_infer_fresh(a, 0, i);
    }
    SY_TRY(ir_type_tensor(a->module, x.dtype, rank, dims, &shape));
    SY_TRY(ir_infer_broadcast(a, 0, &x, &shape, dims, &rank));
    if (e.elements == NULL) {
        for (int32_t i = 0; i < rank; i++) {
            dims[i] = ir_infer_fresh(a, 0, i); /* what the shape is not known to be may widen x too */
        }
    }
    SY_TRY(ir_infer_result(a, 0, x.dtype, rank, dims));
    ir_infer_keep_quant(a, 0, &x);
    return SY_OK;
}
