/*
 * infer_sequence.c -- inference of sequences, optionals and SequenceMap.
 *
 * The entries of a sequence share dtype, and rank if all are known to have it; a dimension in which they may differ
 * is a symbol, and each tensor that comes out of the sequence has symbols of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"

#include <inttypes.h>

/* The type of the entries of operand i; a tensor of which nothing is known if the operand's type is not known. */
static sy_status entry_type(const ir_infer_args *a, uint32_t i, ir_type *out)
{
    *out = (ir_type){ .kind = IR_TYPE_TENSOR };
    if (!ir_infer_has(a, i)) {
        return ir_infer_error(a, SY_EINVAL, "operand %u is missing", i);
    }
    const ir_type *t = &a->inputs[i].type;
    if (t->kind == IR_TYPE_UNKNOWN) {
        return SY_OK;
    }
    if (t->kind != IR_TYPE_SEQUENCE) {
        return ir_infer_error(a, SY_EINVAL, "operand %u must be a sequence, got another kind of value", i);
    }
    *out = t->elem->kind != IR_TYPE_UNKNOWN ? *t->elem : *out;
    return SY_OK;
}

/* What entries of both types have in common. */
static sy_status join_entries(ir_infer_args *a, const ir_type *x, const ir_type *y, ir_type *out)
{
    if (x->kind != IR_TYPE_TENSOR || y->kind != IR_TYPE_TENSOR) {
        return ir_infer_error(a, SY_EINVAL, "a sequence made here holds tensors only");
    }
    if (x->dtype != SY_DT_NONE && y->dtype != SY_DT_NONE && x->dtype != y->dtype) {
        return ir_infer_error(a, SY_EINVAL, "a sequence of %s cannot hold %s", sy_dtype_name(x->dtype),
                              sy_dtype_name(y->dtype));
    }
    const bool ranked = x->has_rank && y->has_rank && x->rank == y->rank;
    ir_dim dims[IR_MAX_RANK];
    for (int32_t j = 0; ranked && j < x->rank; j++) {
        dims[j] = x->dims[j] == y->dims[j] ? x->dims[j] : ir_infer_fresh(a, 0, j);
    }
    return ir_type_tensor(a->module, x->dtype != SY_DT_NONE ? x->dtype : y->dtype, ranked ? x->rank : -1, dims, out);
}

static sy_status sequence_result(ir_infer_args *a, uint32_t i, const ir_type *entry)
{
    ir_type t;
    SY_TRY(ir_type_sequence(a->module, entry, &t));
    ir_infer_result_type(a, i, &t);
    return SY_OK;
}

/* The type of one entry: the same, with symbols of its own. */
static sy_status one_entry(const ir_infer_args *a, uint32_t i, const ir_type *entry, ir_type *out)
{
    *out = *entry;
    if (entry->kind != IR_TYPE_TENSOR || !entry->has_rank) {
        return SY_OK;
    }
    ir_dim dims[IR_MAX_RANK];
    for (int32_t j = 0; j < entry->rank; j++) {
        dims[j] = ir_dim_is_const(entry->dims[j], NULL) ? entry->dims[j] : ir_infer_fresh(a, i, j);
    }
    return ir_type_tensor(a->module, entry->dtype, entry->rank, dims, out);
}

static sy_status want_place(const ir_infer_args *a, uint32_t i)
{
    ir_type t;
    if (!ir_infer_has(a, i)) {
        return SY_OK;
    }
    SY_TRY(ir_infer_operand(a, i, &t));
    return ir_infer_want_class(a, i, t.dtype, SY_DC_INT);
}

sy_status ir_infer_sequence_construct(ir_infer_args *a)
{
    ir_type entry;
    SY_TRY(ir_infer_operand(a, 0, &entry));
    entry.quant = NULL;
    for (uint32_t i = 1; i < a->n_inputs; i++) {
        ir_type t;
        SY_TRY(ir_infer_operand(a, i, &t));
        SY_TRY(join_entries(a, &entry, &t, &entry));
    }
    return sequence_result(a, 0, &entry);
}

static sy_status element_type(const ir_infer_args *a, const char *name, int64_t number, ir_type *out)
{
    if (number <= 0 || number >= SY_DT_COUNT) {
        return ir_infer_error(a, SY_EINVAL, "attribute '%s' is %" PRId64 ", which is no element type", name, number);
    }
    return ir_type_tensor(a->module, (sy_dtype)number, -1, NULL, out);
}

sy_status ir_infer_sequence_empty(ir_infer_args *a)
{
    ir_type entry;
    SY_TRY(element_type(a, "dtype", ir_node_int(a->node, "dtype", SY_DT_F32), &entry));
    return sequence_result(a, 0, &entry);
}

sy_status ir_infer_sequence_insert(ir_infer_args *a)
{
    ir_type entry, t;
    SY_TRY(entry_type(a, 0, &entry));
    SY_TRY(ir_infer_operand(a, 1, &t));
    SY_TRY(want_place(a, 2));
    SY_TRY(join_entries(a, &entry, &t, &entry));
    return sequence_result(a, 0, &entry);
}

sy_status ir_infer_sequence_erase(ir_infer_args *a)
{
    ir_type entry;
    SY_TRY(entry_type(a, 0, &entry));
    SY_TRY(want_place(a, 1));
    return sequence_result(a, 0, &entry);
}

sy_status ir_infer_sequence_at(ir_infer_args *a)
{
    ir_type entry, t;
    SY_TRY(entry_type(a, 0, &entry));
    SY_TRY(want_place(a, 1));
    SY_TRY(one_entry(a, 0, &entry, &t));
    ir_infer_result_type(a, 0, &t);
    return SY_OK;
}

sy_status ir_infer_sequence_length(ir_infer_args *a)
{
    ir_type entry;
    SY_TRY(entry_type(a, 0, &entry));
    return ir_infer_result(a, 0, SY_DT_I64, 0, NULL);
}

sy_status ir_infer_split_to_sequence(ir_infer_args *a)
{
    ir_type x, entry;
    int32_t axis = 0, rank = 0;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(want_place(a, 1));
    ir_dim dims[IR_MAX_RANK];
    const bool whole = ir_infer_has(a, 1), drop = !whole && ir_node_int(a->node, "keepdims", 1) == 0;
    if (x.has_rank) {
        SY_TRY(ir_infer_axis(a, ir_node_int(a->node, "axis", 0), x.rank, &axis));
    }
    for (int32_t j = 0; x.has_rank && j < x.rank; j++) {
        if (j != axis) {
            dims[rank++] = x.dims[j];
        } else if (!drop) {
            dims[rank++] = whole ? ir_infer_fresh(a, 0, j) : ir_dim_const(a->module, 1);
        }
    }
    SY_TRY(ir_type_tensor(a->module, x.dtype, x.has_rank ? rank : -1, dims, &entry));
    return sequence_result(a, 0, &entry);
}

sy_status ir_infer_concat_from_sequence(ir_infer_args *a)
{
    ir_type entry, one;
    int32_t axis = 0;
    const bool stack = ir_node_int(a->node, "new_axis", 0) != 0;
    SY_TRY(entry_type(a, 0, &entry));
    SY_TRY(one_entry(a, 0, &entry, &one));
    if (one.kind != IR_TYPE_TENSOR) {
        return ir_infer_error(a, SY_EINVAL, "the entries must be tensors");
    }
    if (!one.has_rank || one.rank + stack > IR_MAX_RANK) {
        return ir_infer_result(a, 0, one.dtype, -1, NULL);
    }
    SY_TRY(ir_infer_axis(a, ir_node_int(a->node, "axis", 0), one.rank + stack, &axis));
    ir_dim dims[IR_MAX_RANK];
    for (int32_t j = 0; j < one.rank + stack; j++) {
        const ir_dim size = j == axis ? NULL : entry.dims[stack && j > axis ? j - 1 : j];
        dims[j] = size != NULL && ir_dim_is_const(size, NULL) ? size : ir_infer_fresh(a, 0, j);
    }
    return ir_infer_result(a, 0, one.dtype, one.rank + stack, dims);
}

/* ---------------------------------------------------------------- optionals */

sy_status ir_infer_optional(ir_infer_args *a)
{
    ir_type held, t;
    if (ir_infer_has(a, 0)) {
        held = a->inputs[0].type;
    } else {
        SY_TRY(element_type(a, "elem_dtype", ir_node_int(a->node, "elem_dtype", 0), &held));
        if (ir_node_int(a->node, "elem_sequence", 0) != 0) {
            SY_TRY(ir_type_sequence(a->module, &held, &held));
        }
    }
    if (held.kind == IR_TYPE_UNKNOWN) {
        return SY_OK;
    }
    SY_TRY(ir_type_optional(a->module, &held, &t));
    ir_infer_result_type(a, 0, &t);
    return SY_OK;
}

sy_status ir_infer_optional_get_element(ir_infer_args *a)
{
    const ir_type *t = &a->inputs[0].type;
    ir_infer_result_type(a, 0, t->kind == IR_TYPE_OPTIONAL ? t->elem : t);
    return SY_OK;
}

sy_status ir_infer_optional_has_element(ir_infer_args *a)
{
    return ir_infer_result(a, 0, SY_DT_BOOL, 0, NULL);
}

/* ---------------------------------------------------------------- SequenceMap */

sy_status ir_infer_sequence_map(ir_infer_args *a)
{
    ir_graph *body = ir_node_region(a->node, "body");
    ir_type entry;
    if (body == NULL || body->n_inputs != a->n_inputs || body->n_outputs != a->n_outputs) {
        return ir_infer_error(a, SY_EINVAL, "has %u operands and %u results; the body has %u inputs and %u outputs",
                              a->n_inputs, a->n_outputs, body != NULL ? body->n_inputs : 0,
                              body != NULL ? body->n_outputs : 0);
    }
    SY_TRY(entry_type(a, 0, &entry));
    for (uint32_t i = 0; i < a->n_inputs; i++) {
        ir_type t;
        if (!ir_infer_has(a, i)) {
            return ir_infer_error(a, SY_EINVAL, "operand %u is missing", i);
        }
        const ir_type *given = &a->inputs[i].type;
        const sy_status status = ir_type_merge(
            a->module, given->kind == IR_TYPE_SEQUENCE ? given->elem : given, &body->inputs[i]->type, &t);
        if (status == SY_ESHAPE || status == SY_EINVAL) {
            return ir_infer_error(a, status, "the operand for region input '%s' does not have its type",
                                  body->inputs[i]->name);
        }
        SY_TRY(status);
        body->inputs[i]->type = t;
    }
    SY_TRY(ir_infer_region(a, body));
    for (uint32_t i = 0; i < a->n_outputs; i++) {
        const ir_type *t = &body->outputs[i]->use.value->type;
        ir_type one;
        if (t->kind == IR_TYPE_TENSOR && a->outputs[i].wanted) {
            SY_TRY(one_entry(a, i, t, &one));
            SY_TRY(sequence_result(a, i, &one));
        }
    }
    return SY_OK;
}
