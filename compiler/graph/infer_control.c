/*
 * infer_control.c -- inference through regions and calls.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"
#include "internal.h"

#include <inttypes.h>

static sy_status want_region(const ir_infer_args *a, const char *name, ir_graph **out)
{
    *out = ir_node_region(a->node, name);
    return *out != NULL ? SY_OK : ir_infer_error(a, SY_EINVAL, "region '%s' is missing", name);
}

/* For messages. */
static const char *kind_text(const ir_type *t)
{
    switch (t->kind) {
    case IR_TYPE_UNKNOWN:
    case IR_TYPE_TENSOR:
        break;
    case IR_TYPE_SEQUENCE:
        return "a sequence";
    case IR_TYPE_OPTIONAL:
        return "an optional";
    case IR_TYPE_MAP:
        return "a map";
    }
    return sy_dtype_name(t->dtype);
}

static sy_status join(const ir_infer_args *a, uint32_t i, const ir_value *where, const ir_type *x, const ir_type *y,
                      ir_type *out);

/* Sequences, optionals and maps: what their entries are. Nothing is known if that cannot be said. */
static sy_status join_lists(const ir_infer_args *a, uint32_t i, const ir_value *where, const ir_type *x,
                            const ir_type *y, ir_type *out)
{
    ir_type elem;
    SY_TRY(join(a, i, where, x->elem, y->elem, &elem));
    if (elem.kind == IR_TYPE_UNKNOWN) {
        return SY_OK;
    }
    switch (x->kind) {
    case IR_TYPE_SEQUENCE:
        return ir_type_sequence(a->module, &elem, out);
    case IR_TYPE_OPTIONAL:
        return ir_type_optional(a->module, &elem, out);
    case IR_TYPE_MAP:
        return ir_type_map(a->module, x->dtype, &elem, out);
    case IR_TYPE_UNKNOWN:
    case IR_TYPE_TENSOR:
        break;
    }
    return SY_OK;
}

/*
 * What a value of either type is: dimensions that differ become symbols of result i.
 * Without a result to name them after (i beyond the last) they are named after `where`.
 */
static sy_status join(const ir_infer_args *a, uint32_t i, const ir_value *where, const ir_type *x, const ir_type *y,
                      ir_type *out)
{
    *out = (ir_type){ .kind = IR_TYPE_UNKNOWN };
    if (x->kind == IR_TYPE_UNKNOWN || y->kind == IR_TYPE_UNKNOWN) {
        return SY_OK;
    }
    if ((x->kind == IR_TYPE_OPTIONAL) != (y->kind == IR_TYPE_OPTIONAL)) {
        return SY_OK; /* what an optional could hold passes for one: models carry the one in and the other out */
    }
    if (x->kind != y->kind || (x->dtype != y->dtype && x->dtype != SY_DT_NONE && y->dtype != SY_DT_NONE)) {
        return ir_infer_error(a, SY_EINVAL, "'%s' is %s on one way and %s on the other", where->name,
                              kind_text(x), kind_text(y));
    }
    if (x->kind != IR_TYPE_TENSOR) {
        return join_lists(a, i, where, x, y, out);
    }
    const bool ranked = x->has_rank && y->has_rank && x->rank == y->rank;
    ir_dim dims[IR_MAX_RANK];
    for (int32_t j = 0; ranked && j < x->rank; j++) {
        if (x->dims[j] == y->dims[j]) {
            dims[j] = x->dims[j];
        } else if (i < a->n_outputs) {
            dims[j] = ir_infer_fresh(a, i, j);
        } else {
            const ir_infer_output named = { .name = where->name };
            ir_infer_output one[1] = { named };
            const ir_infer_args b = { .module = a->module, .node = a->node, .n_outputs = 1, .outputs = one };
            dims[j] = ir_infer_fresh(&b, 0, j);
        }
    }
    SY_TRY(ir_type_tensor(a->module, x->dtype != SY_DT_NONE ? x->dtype : y->dtype, ranked ? x->rank : -1, dims, out));
    out->quant = ir_quant_equal(x->quant, y->quant) ? x->quant : NULL;
    return SY_OK;
}

sy_status ir_infer_if(ir_infer_args *a)
{
    ir_graph *then_branch, *else_branch;
    ir_type condition;
    SY_TRY(ir_infer_operand(a, 0, &condition));
    SY_TRY(ir_infer_want_dtype(a, 0, condition.dtype, SY_DT_BOOL));
    SY_TRY(want_region(a, "then_branch", &then_branch));
    SY_TRY(want_region(a, "else_branch", &else_branch));
    if (then_branch->n_outputs != a->n_outputs || else_branch->n_outputs != a->n_outputs) {
        return ir_infer_error(a, SY_EINVAL, "has %u results, then_branch %u, else_branch %u", a->n_outputs,
                              then_branch->n_outputs, else_branch->n_outputs);
    }
    if (then_branch->n_inputs != 0 || else_branch->n_inputs != 0) {
        return ir_infer_error(a, SY_EINVAL, "branches take no inputs: they capture what they use");
    }
    SY_TRY(ir_infer_region(a, then_branch));
    SY_TRY(ir_infer_region(a, else_branch));
    for (uint32_t i = 0; i < a->n_outputs; i++) {
        const ir_value *x = then_branch->outputs[i]->use.value, *y = else_branch->outputs[i]->use.value;
        ir_type t;
        SY_TRY(join(a, i, x, &x->type, &y->type, &t));
        ir_infer_result_type(a, i, &t);
    }
    return SY_OK;
}

/* Gives a region's input this type, or what it and the declared type say together. */
static sy_status bind_input(ir_infer_args *a, ir_value *input, const ir_type *type)
{
    ir_type t;
    const sy_status status = ir_type_merge(a->module, type, &input->type, &t);
    if (status == SY_ESHAPE || status == SY_EINVAL) {
        return ir_infer_error(a, status, "the operand for region input '%s' does not have its type", input->name);
    }
    SY_TRY(status);
    input->type = t;
    return SY_OK;
}

/* Forgets the types of all results inside, so that a region can be inferred for wider inputs. */
static void forget(ir_graph *g)
{
    for (ir_node *n = g->first; n != NULL; n = n->next) {
        for (uint32_t i = 0; i < n->n_outputs; i++) {
            if (n->outputs[i] != NULL) {
                ir_value_forget_type(n->outputs[i]);
            }
        }
        for (uint32_t i = 0; i < n->n_attrs; i++) {
            if (n->attrs[i].kind == IR_ATTR_GRAPH) {
                forget(n->attrs[i].u.graph);
            }
        }
    }
}

/*
 * Infers a body whose inputs [first, first + n) are carried round to its outputs [first_out, first_out + n):
 * dimensions that change on the way become symbols, then ranks become unknown; three rounds reach a fixed point.
 */
static sy_status infer_carried(ir_infer_args *a, ir_graph *body, uint32_t first, uint32_t first_out, uint32_t n)
{
    for (int round = 0; round < 3; round++) {
        bool changed = false;
        SY_TRY(ir_infer_region(a, body));
        for (uint32_t i = 0; i < n; i++) {
            ir_value *in = body->inputs[first + i];
            const ir_value *out = body->outputs[first_out + i]->use.value;
            ir_type t;
            if (in->type.kind == IR_TYPE_UNKNOWN || out->type.kind == IR_TYPE_UNKNOWN) {
                continue;
            }
            SY_TRY(join(a, UINT32_MAX, in, &in->type, &out->type, &t));
            if (!ir_type_equal(&t, &in->type)) {
                in->type = t;
                changed = true;
            }
        }
        if (!changed) {
            return SY_OK;
        }
        forget(body);
    }
    return ir_infer_region(a, body);
}

/* A carried result: zero rounds give the operand's value, others the body's. */
static sy_status carried_result(ir_infer_args *a, uint32_t i, const ir_value *in)
{
    const ir_type t = in->type;
    if (t.kind == IR_TYPE_TENSOR && t.has_rank) {
        ir_dim dims[IR_MAX_RANK];
        for (int32_t j = 0; j < t.rank; j++) {
            /* a symbol of the body's input means nothing outside the body */
            dims[j] = t.dims[j]->kind == IR_DIM_SYMBOL && a->inputs[i + 2].present &&
                              a->inputs[i + 2].type.has_rank && j < a->inputs[i + 2].type.rank &&
                              a->inputs[i + 2].type.dims[j] != t.dims[j]
                          ? ir_infer_fresh(a, i, j)
                          : t.dims[j];
        }
        return ir_infer_result(a, i, t.dtype, t.rank, dims);
    }
    ir_infer_result_type(a, i, &t);
    return SY_OK;
}

/* A stacked result: the body's output with a new axis of unknown length. */
static sy_status stacked_result(ir_infer_args *a, uint32_t i, const ir_type *slice, int32_t axis, ir_dim length)
{
    if (slice->kind != IR_TYPE_TENSOR || !slice->has_rank) {
        return ir_infer_result(a, i, slice->dtype, -1, NULL);
    }
    ir_dim dims[IR_MAX_RANK + 1];
    for (int32_t j = 0, from = 0; j <= slice->rank; j++) {
        dims[j] = j == axis ? length : slice->dims[from++];
    }
    return ir_infer_result(a, i, slice->dtype, slice->rank + 1, dims);
}

sy_status ir_infer_loop(ir_infer_args *a)
{
    ir_graph *body;
    SY_TRY(want_region(a, "body", &body));
    const uint32_t n_carried = a->n_inputs > 2 ? a->n_inputs - 2 : 0; /* absent operands at the end are not counted */
    if (body->n_inputs != n_carried + 2 || body->n_outputs < n_carried + 1 ||
        a->n_outputs != body->n_outputs - 1) {
        return ir_infer_error(a, SY_EINVAL,
                              "carries %u values and has %u results; the body has %u inputs and %u outputs", n_carried,
                              a->n_outputs, body->n_inputs, body->n_outputs);
    }
    ir_type t;
    for (uint32_t i = 0; i < 2; i++) {
        if (ir_infer_has(a, i)) {
            SY_TRY(ir_infer_operand(a, i, &t));
            SY_TRY(ir_infer_want_dtype(a, i, t.dtype, i == 0 ? SY_DT_I64 : SY_DT_BOOL));
        }
    }
    for (uint32_t i = 0; i < 2; i++) { /* some bodies want the number and the condition as vectors of one */
        const ir_type *declared = &body->inputs[i]->type;
        const ir_dim one = ir_dim_const(a->module, 1);
        const bool vector = declared->kind == IR_TYPE_TENSOR && declared->has_rank && declared->rank == 1;
        SY_TRY(ir_type_tensor(a->module, i == 0 ? SY_DT_I64 : SY_DT_BOOL, vector ? 1 : 0, &one, &t));
        SY_TRY(bind_input(a, body->inputs[i], &t));
    }
    for (uint32_t i = 0; i < n_carried; i++) {
        if (!ir_infer_has(a, i + 2)) {
            return ir_infer_error(a, SY_EINVAL, "operand %u is missing", i + 2);
        }
        ir_value *in = body->inputs[i + 2];
        if (in->type.kind == IR_TYPE_UNKNOWN) {
            SY_TRY(bind_input(a, in, &a->inputs[i + 2].type));
        } else {
            SY_TRY(join(a, UINT32_MAX, in, &in->type, &a->inputs[i + 2].type, &t));
            in->type = t.kind != IR_TYPE_UNKNOWN ? t : in->type;
        }
    }
    SY_TRY(infer_carried(a, body, 2, 1, n_carried));
    for (uint32_t i = 0; i < a->n_outputs; i++) {
        if (i < n_carried) {
            SY_TRY(carried_result(a, i, body->inputs[i + 2]));
        } else {
            const ir_type *slice = &body->outputs[i + 1]->use.value->type;
            SY_TRY(stacked_result(a, i, slice, 0, ir_infer_fresh(a, i, 0)));
        }
    }
    return SY_OK;
}

/* Entry i of an axes attribute of Scan, default 0. */
static sy_status scan_axis(const ir_infer_args *a, const char *name, uint32_t i, int32_t rank, int32_t *out)
{
    const int64_t *axes;
    const uint32_t n = ir_node_ints(a->node, name, &axes);
    return ir_infer_axis(a, i < n ? axes[i] : 0, rank, out);
}

/* Body input for scanned operand `i`: a slice without the scan axis; *length is the axis's size. */
static sy_status bind_slice(ir_infer_args *a, uint32_t i, uint32_t n_states, ir_value *input, ir_dim *length)
{
    ir_type t, slice;
    int32_t axis;
    SY_TRY(ir_infer_operand(a, i, &t));
    if (!t.has_rank) {
        return SY_OK;
    }
    SY_TRY(scan_axis(a, "scan_input_axes", i - n_states, t.rank, &axis));
    int64_t x, y;
    if (ir_dim_is_const(*length, &x) && ir_dim_is_const(t.dims[axis], &y) && x != y) {
        return ir_infer_error(a, SY_ESHAPE, "operand %u has %" PRId64 " slices, earlier ones %" PRId64, i, y, x);
    }
    *length = *length == NULL || ir_dim_is_const(t.dims[axis], NULL) ? t.dims[axis] : *length;
    ir_dim dims[IR_MAX_RANK];
    for (int32_t j = 0, to = 0; j < t.rank; j++) {
        if (j != axis) {
            dims[to++] = t.dims[j];
        }
    }
    SY_TRY(ir_type_tensor(a->module, t.dtype, t.rank - 1, dims, &slice));
    return bind_input(a, input, &slice);
}

sy_status ir_infer_scan(ir_infer_args *a)
{
    ir_graph *body;
    SY_TRY(want_region(a, "body", &body));
    const int64_t n_scanned = ir_node_int(a->node, "num_scan_inputs", 0);
    if (n_scanned < 1 || n_scanned > a->n_inputs) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'num_scan_inputs' is %" PRId64 " for %u operands", n_scanned,
                              a->n_inputs);
    }
    const uint32_t n_states = a->n_inputs - (uint32_t)n_scanned;
    if (body->n_inputs != a->n_inputs || body->n_outputs != a->n_outputs || a->n_outputs < n_states) {
        return ir_infer_error(a, SY_EINVAL, "has %u operands and %u results; the body has %u inputs and %u outputs",
                              a->n_inputs, a->n_outputs, body->n_inputs, body->n_outputs);
    }
    ir_dim length = NULL;
    for (uint32_t i = 0; i < a->n_inputs; i++) {
        if (!ir_infer_has(a, i)) {
            return ir_infer_error(a, SY_EINVAL, "operand %u is missing", i);
        }
        if (i < n_states) {
            SY_TRY(bind_input(a, body->inputs[i], &a->inputs[i].type)); /* states keep their shape in a Scan */
        } else {
            SY_TRY(bind_slice(a, i, n_states, body->inputs[i], &length));
        }
    }
    SY_TRY(ir_infer_region(a, body));
    for (uint32_t i = 0; i < a->n_outputs; i++) {
        const ir_type *t = &body->outputs[i]->use.value->type;
        if (i < n_states) {
            ir_infer_result_type(a, i, t);
            continue;
        }
        int32_t axis = 0;
        if (t->has_rank) {
            SY_TRY(scan_axis(a, "scan_output_axes", i - n_states, t->rank + 1, &axis));
        }
        SY_TRY(stacked_result(a, i, t, axis, length != NULL ? length : ir_infer_fresh(a, i, axis)));
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- fused operators, calls */

sy_status ir_infer_fused(ir_infer_args *a)
{
    ir_graph *body;
    SY_TRY(want_region(a, "body", &body));
    if (body->n_inputs != a->n_inputs || body->n_outputs != a->n_outputs) {
        return ir_infer_error(a, SY_EINVAL, "has %u operands and %u results; the body has %u inputs and %u outputs",
                              a->n_inputs, a->n_outputs, body->n_inputs, body->n_outputs);
    }
    for (uint32_t i = 0; i < a->n_inputs; i++) {
        if (a->inputs[i].present) {
            SY_TRY(bind_input(a, body->inputs[i], &a->inputs[i].type));
            body->inputs[i]->elements = a->inputs[i].elements.elements;
            body->inputs[i]->n_elements = a->inputs[i].elements.n;
        }
    }
    SY_TRY(ir_infer_region(a, body));
    for (uint32_t i = 0; i < a->n_outputs; i++) {
        const ir_value *v = body->outputs[i]->use.value;
        ir_infer_result_type(a, i, &v->type);
        if (v->elements != NULL) {
            SY_TRY(ir_infer_set_elements(a, i, v->n_elements, v->elements));
        }
    }
    return SY_OK;
}

/* The callee's symbols stand for the caller's dimensions. */
static sy_status substitute(ir_infer_args *a, const ir_graph *f, const ir_type *result, ir_type *out)
{
    *out = *result;
    if (result->kind != IR_TYPE_TENSOR || !result->has_rank) {
        return SY_OK;
    }
    ir_dim dims[IR_MAX_RANK];
    for (int32_t k = 0; k < result->rank; k++) {
        dims[k] = result->dims[k];
        for (uint32_t i = 0; i < f->n_inputs; i++) {
            const ir_type *formal = &f->inputs[i]->type, *actual = &a->inputs[i].type;
            const bool ranked = formal->has_rank && actual->has_rank && formal->rank == actual->rank;
            for (int32_t j = 0; ranked && j < formal->rank; j++) {
                if (formal->dims[j]->kind == IR_DIM_SYMBOL) {
                    dims[k] = ir_dim_substitute(a->module, dims[k], formal->dims[j], actual->dims[j]);
                }
            }
        }
    }
    SY_TRY(ir_type_tensor(a->module, result->dtype, result->rank, dims, out));
    out->quant = result->quant;
    return SY_OK;
}

sy_status ir_infer_call(ir_infer_args *a)
{
    const ir_graph *f = a->node->callee;
    if (f == NULL) {
        return ir_infer_error(a, SY_EINVAL, "calls no function");
    }
    if (f->n_inputs != a->n_inputs || f->n_outputs != a->n_outputs) {
        return ir_infer_error(a, SY_EINVAL, "has %u operands and %u results; function '%s' has %u and %u", a->n_inputs,
                              a->n_outputs, f->name, f->n_inputs, f->n_outputs);
    }
    for (uint32_t i = 0; i < a->n_inputs; i++) {
        ir_type t;
        if (!a->inputs[i].present) {
            continue;
        }
        const sy_status status = ir_type_merge(a->module, &a->inputs[i].type, &f->inputs[i]->type, &t);
        if (status == SY_ESHAPE || status == SY_EINVAL) {
            return ir_infer_error(a, status, "operand %u does not have the type of input '%s' of function '%s'", i,
                                  f->inputs[i]->name, f->name);
        }
        SY_TRY(status);
    }
    for (uint32_t i = 0; i < a->n_outputs; i++) {
        ir_type t;
        SY_TRY(substitute(a, f, &f->outputs[i]->use.value->type, &t));
        ir_infer_result_type(a, i, &t);
    }
    return SY_OK;
}
