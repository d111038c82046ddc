/*
 * ref_sequence.c -- sequences and optionals: made, taken apart, cut from tensors and joined to them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_text.h"

#include <inttypes.h>
#include <string.h>

static sy_status need_sequence(const ir_kernel_args *args, const ir_tensor *t)
{
    return t != NULL && t->kind == IR_TYPE_SEQUENCE
               ? SY_OK
               : base_fail(args->diag, SY_EINVAL, "operand 0 must be a sequence");
}

static sy_status need_tensor(const ir_kernel_args *args, uint32_t i)
{
    const ir_tensor *t = ir_kernel_input(args, i);
    return t != NULL && !ir_tensor_is_list(t) ? SY_OK
                                              : base_fail(args->diag, SY_EINVAL, "operand %u must be a tensor", i);
}

/* All entries, with room for one more. */
static sy_status entries_of(const ir_kernel_args *args, const ir_tensor *list, ir_tensor **out)
{
    const int64_t n = ir_list_n(list);
    *out = BASE_ARENA_ARRAY(args->scratch, ir_tensor, (size_t)n + 1);
    if (*out == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        ir_list_entry(list, i, &(*out)[i]);
    }
    return SY_OK;
}

/* A place given by operand i, in [0, n); counted from the end if it is negative. */
static sy_status place_of(const ir_kernel_args *args, uint32_t i, int64_t n, int64_t *out)
{
    SY_TRY(need_tensor(args, i));
    const ir_tensor *t = ir_kernel_input(args, i);
    if (ir_tensor_n_elements(t) != 1 || (t->dtype != SY_DT_I32 && t->dtype != SY_DT_I64)) {
        return base_fail(args->diag, SY_EINVAL, "operand %u must be one i32 or i64", i);
    }
    const int64_t at = ir_tensor_get_i64(t, 0);
    if (at < -n || at >= n) {
        return base_fail(args->diag, SY_ERANGE, "place %" PRId64 " is outside [%" PRId64 ", %" PRId64 "]", at, -n, n - 1);
    }
    *out = at < 0 ? at + n : at;
    return SY_OK;
}

static sy_status same_dtype(const ir_kernel_args *args, sy_dtype list, sy_dtype entry)
{
    return list == SY_DT_NONE || list == entry
               ? SY_OK
               : base_fail(args->diag, SY_EINVAL, "a sequence of %s cannot hold %s", sy_dtype_name(list),
                           sy_dtype_name(entry));
}

sy_status ir_ref_sequence_construct(const ir_kernel_args *args)
{
    ir_tensor *entries = BASE_ARENA_ARRAY(args->scratch, ir_tensor, args->n_inputs);
    if (entries == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < args->n_inputs; i++) {
        SY_TRY(need_tensor(args, i));
        SY_TRY(same_dtype(args, args->inputs[0]->dtype, args->inputs[i]->dtype));
        entries[i] = *args->inputs[i];
    }
    return ir_kernel_result_list(args, 0, IR_TYPE_SEQUENCE, entries[0].dtype, args->n_inputs, entries);
}

sy_status ir_ref_sequence_empty(const ir_kernel_args *args)
{
    return ir_kernel_result_list(args, 0, IR_TYPE_SEQUENCE, (sy_dtype)ir_node_int(args->node, "dtype", SY_DT_F32), 0,
                                 NULL);
}

sy_status ir_ref_sequence_insert(const ir_kernel_args *args)
{
    const ir_tensor *list = ir_kernel_input(args, 0);
    SY_TRY(need_sequence(args, list));
    SY_TRY(need_tensor(args, 1));
    const ir_tensor *entry = args->inputs[1];
    const int64_t n = ir_list_n(list);
    int64_t at = n;
    if (ir_kernel_input(args, 2) != NULL) {
        /* the end is a place too, but only as n: -1 is in front of the last entry */
        const ir_tensor *place = args->inputs[2];
        const bool end = !ir_tensor_is_list(place) && ir_tensor_n_elements(place) == 1 &&
                         (place->dtype == SY_DT_I32 || place->dtype == SY_DT_I64) && ir_tensor_get_i64(place, 0) == n;
        SY_TRY(end ? SY_OK : place_of(args, 2, n, &at));
    }
    ir_tensor *entries;
    SY_TRY(same_dtype(args, n > 0 ? list->dtype : SY_DT_NONE, entry->dtype));
    SY_TRY(entries_of(args, list, &entries));
    memmove(entries + at + 1, entries + at, (size_t)(n - at) * sizeof *entries);
    entries[at] = *entry;
    return ir_kernel_result_list(args, 0, IR_TYPE_SEQUENCE, entry->dtype, n + 1, entries);
}

sy_status ir_ref_sequence_erase(const ir_kernel_args *args)
{
    const ir_tensor *list = ir_kernel_input(args, 0);
    SY_TRY(need_sequence(args, list));
    const int64_t n = ir_list_n(list);
    int64_t at = n - 1;
    if (ir_kernel_input(args, 1) != NULL) {
        SY_TRY(place_of(args, 1, n, &at));
    } else if (n == 0) {
        return base_fail(args->diag, SY_ERANGE, "the sequence is empty");
    }
    ir_tensor *entries;
    SY_TRY(entries_of(args, list, &entries));
    memmove(entries + at, entries + at + 1, (size_t)(n - at - 1) * sizeof *entries);
    return ir_kernel_result_list(args, 0, IR_TYPE_SEQUENCE, list->dtype, n - 1, entries);
}

sy_status ir_ref_sequence_at(const ir_kernel_args *args)
{
    const ir_tensor *list = ir_kernel_input(args, 0);
    int64_t at = 0;
    ir_tensor entry;
    SY_TRY(need_sequence(args, list));
    SY_TRY(place_of(args, 1, ir_list_n(list), &at));
    ir_list_entry(list, at, &entry);
    return ir_kernel_result_copy(args, 0, &entry);
}

sy_status ir_ref_sequence_length(const ir_kernel_args *args)
{
    SY_TRY(need_sequence(args, ir_kernel_input(args, 0)));
    if (ir_kernel_output(args, 0) != NULL) {
        *(int64_t *)args->outputs[0]->data = ir_list_n(args->inputs[0]);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- between tensors and sequences */

/* Sizes of the parts along an axis of `size`. */
static sy_status part_sizes(const ir_kernel_args *args, int64_t size, int64_t *n_out, int64_t **out)
{
    const ir_tensor *split = ir_kernel_input(args, 1);
    if (split != NULL && (ir_tensor_is_list(split) || split->rank > 1 ||
                          (split->dtype != SY_DT_I32 && split->dtype != SY_DT_I64))) {
        return base_fail(args->diag, SY_EINVAL, "operand 1 must be a scalar or vector of i32 or i64");
    }
    if (split == NULL || split->rank == 0) {
        const int64_t part = split != NULL ? ir_tensor_get_i64(split, 0) : 1;
        if (part < 1) {
            return base_fail(args->diag, SY_EINVAL, "parts of size %" PRId64 ", expected at least 1", part);
        }
        const int64_t n = size / part + (size % part != 0);
        *out = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)n);
        for (int64_t i = 0; *out != NULL && i < n; i++) {
            (*out)[i] = size - i * part < part ? size - i * part : part;
        }
        *n_out = n;
        return *out != NULL ? SY_OK : SY_ENOMEM;
    }
    *n_out = split->dims[0];
    *out = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)split->dims[0]);
    if (*out == NULL) {
        return SY_ENOMEM;
    }
    int64_t left = size;
    for (int64_t i = 0; i < *n_out; i++) {
        (*out)[i] = ir_tensor_get_i64(split, i);
        if ((*out)[i] < 0 || (*out)[i] > left) {
            left = -1;
            break;
        }
        left -= (*out)[i];
    }
    return left == 0 ? SY_OK
                     : base_fail(args->diag, SY_ESHAPE, "the parts do not sum to the axis's %" PRId64 " entries", size);
}

sy_status ir_ref_split_to_sequence(const ir_kernel_args *args)
{
    SY_TRY(need_tensor(args, 0));
    const ir_tensor *x = args->inputs[0];
    int32_t axis = 0;
    int64_t n_parts = 0, *sizes = NULL, from = 0;
    ir_ref_cells cells;
    if (!ir_ref_axis(ir_node_int(args->node, "axis", 0), x->rank, &axis)) {
        return base_fail(args->diag, SY_ESHAPE, "the axis is outside a tensor of %d dimensions", x->rank);
    }
    const bool drop = ir_kernel_input(args, 1) == NULL && ir_node_int(args->node, "keepdims", 1) == 0;
    SY_TRY(part_sizes(args, x->dims[axis], &n_parts, &sizes));
    SY_TRY(ir_ref_cells_read(args, x, &cells));
    const int64_t n_outer = ir_ref_product(x->dims, 0, axis), n_inner = ir_ref_product(x->dims, axis + 1, x->rank);
    const size_t row = (size_t)n_inner * cells.cell_bytes;
    ir_tensor *entries = BASE_ARENA_ARRAY(args->scratch, ir_tensor, (size_t)n_parts);
    if (entries == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t p = 0; p < n_parts; p++) {
        int64_t dims[IR_MAX_RANK];
        int32_t rank = 0;
        for (int32_t a = 0; a < x->rank; a++) {
            if (a != axis || !drop) {
                dims[rank++] = a == axis ? sizes[p] : x->dims[a];
            }
        }
        ir_ref_cells part;
        SY_TRY(ir_ref_cells_make(args, x->dtype, n_outer * sizes[p] * n_inner, &part));
        for (int64_t o = 0; o < n_outer && row > 0 && sizes[p] > 0; o++) {
            memcpy(part.cells + (size_t)(o * sizes[p]) * row, cells.cells + (size_t)(o * x->dims[axis] + from) * row,
                   (size_t)sizes[p] * row);
        }
        SY_TRY(ir_ref_cells_tensor(args, &part, rank, dims, &entries[p]));
        from += sizes[p];
    }
    return ir_kernel_result_list(args, 0, IR_TYPE_SEQUENCE, x->dtype, n_parts, entries);
}

/* The result's shape, and how many entries along the axis each input has in it. */
static sy_status joined_dims(const ir_kernel_args *args, int64_t n, const ir_tensor *entries, bool stack, int32_t *axis,
                             int64_t *dims)
{
    const ir_tensor *first = &entries[0];
    const int32_t rank = first->rank + stack;
    if (rank > IR_MAX_RANK || !ir_ref_axis(ir_node_int(args->node, "axis", 0), rank, axis)) {
        return base_fail(args->diag, SY_ESHAPE, "the axis is outside a result of %d dimensions", rank);
    }
    for (int32_t a = 0; a < rank; a++) {
        dims[a] = stack && a == *axis ? 0 : first->dims[stack && a > *axis ? a - 1 : a];
    }
    dims[*axis] = 0;
    for (int64_t i = 0; i < n; i++) {
        bool fits = entries[i].rank == first->rank && entries[i].dtype == first->dtype &&
                    !ir_tensor_is_list(&entries[i]);
        for (int32_t a = 0; fits && a < first->rank; a++) {
            fits = (a == *axis && !stack) || entries[i].dims[a] == first->dims[a];
        }
        if (!fits || __builtin_add_overflow(dims[*axis], stack ? 1 : entries[i].dims[*axis], &dims[*axis])) {
            return base_fail(args->diag, SY_ESHAPE, "entry %" PRId64 " of the sequence does not fit the first", i);
        }
    }
    return SY_OK;
}

sy_status ir_ref_concat_from_sequence(const ir_kernel_args *args)
{
    const ir_tensor *list = ir_kernel_input(args, 0);
    const bool stack = ir_node_int(args->node, "new_axis", 0) != 0;
    int32_t axis = 0;
    int64_t dims[IR_MAX_RANK];
    ir_tensor *entries, whole;
    ir_ref_cells joined;
    SY_TRY(need_sequence(args, list));
    const int64_t n = ir_list_n(list);
    if (n == 0) {
        return base_fail(args->diag, SY_EINVAL, "the sequence is empty");
    }
    SY_TRY(entries_of(args, list, &entries));
    SY_TRY(joined_dims(args, n, entries, stack, &axis, dims));
    const int32_t rank = entries[0].rank + stack;
    if (ir_tensor_init(&whole, entries[0].dtype, rank, dims, NULL) != SY_OK) {
        return base_fail(args->diag, SY_ERANGE, "the result is too large");
    }
    SY_TRY(ir_ref_cells_make(args, entries[0].dtype, ir_ref_product(dims, 0, rank), &joined));
    const int64_t n_outer = ir_ref_product(dims, 0, axis), n_inner = ir_ref_product(dims, axis + 1, rank);
    const size_t row = (size_t)n_inner * joined.cell_bytes;
    for (int64_t i = 0, at = 0; i < n; i++) {
        ir_ref_cells part;
        const int64_t size = stack ? 1 : entries[i].dims[axis];
        SY_TRY(ir_ref_cells_read(args, &entries[i], &part));
        for (int64_t o = 0; o < n_outer && row > 0 && size > 0; o++) {
            memcpy(joined.cells + (size_t)(o * dims[axis] + at) * row, part.cells + (size_t)(o * size) * row,
                   (size_t)size * row);
        }
        at += size;
    }
    SY_TRY(ir_ref_cells_tensor(args, &joined, rank, dims, &whole));
    return ir_kernel_result_copy(args, 0, &whole);
}

/* ---------------------------------------------------------------- optionals */

sy_status ir_ref_optional(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    if (x == NULL) {
        return ir_kernel_result_list(args, 0, IR_TYPE_OPTIONAL, (sy_dtype)ir_node_int(args->node, "elem_dtype", 0), 0,
                                     NULL);
    }
    return ir_kernel_result_list(args, 0, IR_TYPE_OPTIONAL, x->dtype, 1, x);
}

sy_status ir_ref_optional_get_element(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor entry = *x;
    if (x->kind == IR_TYPE_OPTIONAL) {
        if (ir_list_n(x) == 0) {
            return base_fail(args->diag, SY_EINVAL, "the optional holds nothing");
        }
        ir_list_entry(x, 0, &entry);
    }
    return ir_kernel_result_copy(args, 0, &entry);
}

sy_status ir_ref_optional_has_element(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    if (ir_kernel_output(args, 0) != NULL) {
        *(uint8_t *)args->outputs[0]->data = x != NULL && (x->kind != IR_TYPE_OPTIONAL || ir_list_n(x) > 0);
    }
    return SY_OK;
}
