/*
 * infer.c -- running inference over nodes, graphs and modules; what inference functions share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"
#include "internal.h"
#include "systole/graph/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- for inference functions */

sy_status ir_infer_error(const ir_infer_args *a, sy_status status, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return base_fail(a->diag, status, IR_NODE_FMT ": %s", IR_NODE_ARGS(a->node), text);
}

bool ir_infer_has(const ir_infer_args *a, uint32_t i)
{
    return i < a->n_inputs && a->inputs[i].present;
}

sy_status ir_infer_operand(const ir_infer_args *a, uint32_t i, ir_type *out)
{
    if (!ir_infer_has(a, i)) {
        return ir_infer_error(a, SY_EINVAL, "operand %u is missing", i);
    }
    const ir_type *t = &a->inputs[i].type;
    if (t->kind == IR_TYPE_UNKNOWN) {
        *out = (ir_type){ .kind = IR_TYPE_TENSOR };
        return SY_OK;
    }
    if (t->kind != IR_TYPE_TENSOR) {
        return ir_infer_error(a, SY_EINVAL, "operand %u must be a tensor, got another kind of value", i);
    }
    *out = *t;
    return SY_OK;
}

sy_status ir_infer_data(const ir_infer_args *a, uint32_t i, ir_tensor *out)
{
    memset(out, 0, sizeof *out);
    if (!ir_infer_has(a, i)) {
        return SY_OK;
    }
    const ir_infer_input *in = &a->inputs[i];
    if (in->data != NULL) {
        *out = *in->data;
        return SY_OK;
    }
    if (in->constant == NULL) {
        return SY_OK;
    }
    /* Bytes that cannot be had now (elided text, a recipe of another process) are simply not known. */
    ir_tensor t;
    const sy_status status = ir_const_tensor(a->node->graph->module, in->constant, NULL, &t);
    if (status == SY_OK) {
        *out = t;
    }
    return status == SY_ENOMEM ? status : SY_OK;
}

void ir_infer_result_type(ir_infer_args *a, uint32_t i, const ir_type *type)
{
    if (i < a->n_outputs && a->outputs[i].wanted) {
        a->outputs[i].type = *type;
    }
}

/* A model that asks for more is hostile or mistaken: no memory has it. */
#define MAX_RESULT_ELEMENTS ((int64_t)1 << 40)

sy_status ir_infer_result(ir_infer_args *a, uint32_t i, sy_dtype dtype, int32_t rank, const ir_dim *dims)
{
    int64_t least = 1; /* elements, if all symbols are 1 */
    if (rank > IR_MAX_RANK) {
        return ir_infer_error(a, SY_EUNSUPPORTED, "the result has %d dimensions, at most %d are supported", rank,
                              IR_MAX_RANK);
    }
    for (int32_t j = 0; j < rank; j++) {
        int64_t size;
        if (dims[j] == NULL) {
            base_diag reason = { "" };
            const sy_status status = ir_dim_check(a->module, NULL, &reason, "the result's shape");
            return ir_infer_error(a, status, "%s", base_diag_message(&reason));
        }
        if (!ir_dim_is_const(dims[j], &size)) {
            continue;
        }
        if (size < 0) {
            return ir_infer_error(a, SY_ESHAPE, "dimension %d of the result would be %" PRId64, j, size);
        }
        if (__builtin_mul_overflow(least, size, &least)) {
            least = INT64_MAX; /* unless a 0 follows */
        }
    }
    if (least > MAX_RESULT_ELEMENTS) {
        return ir_infer_error(a, SY_ERANGE, "the result would have more than 2^40 elements");
    }
    ir_type t;
    SY_TRY(ir_type_tensor(a->module, dtype, rank, dims, &t));
    ir_infer_result_type(a, i, &t);
    return SY_OK;
}

ir_dim ir_infer_fresh(const ir_infer_args *a, uint32_t i, int32_t axis)
{
    char name[160];
    const char *result = i < a->n_outputs && a->outputs[i].name != NULL ? a->outputs[i].name : "";
    /* Long names are cut in the middle of nowhere: the tail tells apart what the head has in common. */
    const size_t n = strlen(result);
    snprintf(name, sizeof name, "%s#%d", n > 120 ? result + n - 120 : result, axis);
    return ir_dim_symbol(a->module, name);
}

void ir_infer_keep_quant(ir_infer_args *a, uint32_t i, const ir_type *from)
{
    if (i < a->n_outputs && a->outputs[i].wanted && from->quant != NULL && from->quant->axis < 0) {
        a->outputs[i].type.quant = from->quant;
    }
}

sy_status ir_infer_want_class(const ir_infer_args *a, uint32_t i, sy_dtype dtype, sy_dtype_class c)
{
    static const char *const words[] = { "known", "float", "integer", "integer", "bool", "complex", "string" };
    sy_dtype_class got = sy_dtype_class_of(dtype);
    if (got == SY_DC_UINT) {
        got = SY_DC_INT;
    }
    return dtype == SY_DT_NONE || got == c
               ? SY_OK
               : ir_infer_error(a, SY_EINVAL, "operand %u must be of %s type, got %s", i, words[c],
                                sy_dtype_name(dtype));
}

sy_status ir_infer_want_dtype(const ir_infer_args *a, uint32_t i, sy_dtype dtype, sy_dtype want)
{
    return dtype == SY_DT_NONE || dtype == want
               ? SY_OK
               : ir_infer_error(a, SY_EINVAL, "operand %u must be %s, got %s", i, sy_dtype_name(want),
                                sy_dtype_name(dtype));
}

sy_status ir_infer_same_dtype(const ir_infer_args *a, uint32_t i, sy_dtype x, uint32_t j, sy_dtype y, sy_dtype *out)
{
    if (x != SY_DT_NONE && y != SY_DT_NONE && x != y) {
        return ir_infer_error(a, SY_EINVAL, "operands %u and %u must have one type, got %s and %s", i, j,
                              sy_dtype_name(x), sy_dtype_name(y));
    }
    *out = x != SY_DT_NONE ? x : y;
    return SY_OK;
}

sy_status ir_infer_want_rank(const ir_infer_args *a, uint32_t i, const ir_type *t, int32_t rank)
{
    return !t->has_rank || t->rank == rank
               ? SY_OK
               : ir_infer_error(a, SY_ESHAPE, "operand %u must have %d dimension%s, got %d", i, rank,
                                rank == 1 ? "" : "s", t->rank);
}

sy_status ir_infer_want_dim(const ir_infer_args *a, uint32_t i, const ir_type *t, int32_t axis, ir_dim want)
{
    int64_t expected, actual;
    if (t->has_rank && axis < t->rank && ir_dim_is_const(t->dims[axis], &actual) &&
        ir_dim_is_const(want, &expected) && actual != expected) {
        return ir_infer_error(a, SY_ESHAPE, "dimension %d of operand %u must be %" PRId64 ", got %" PRId64, axis, i,
                              expected, actual);
    }
    return SY_OK;
}

sy_status ir_infer_axis(const ir_infer_args *a, int64_t axis, int32_t rank, int32_t *out)
{
    *out = 0; /* gcc cannot see that an error is never SY_OK */
    if (axis < -rank || axis >= rank) {
        return ir_infer_error(a, SY_ESHAPE, "axis %" PRId64 " is outside a tensor of %d dimensions", axis, rank);
    }
    *out = (int32_t)(axis < 0 ? axis + rank : axis);
    return SY_OK;
}

sy_status ir_infer_axes(const ir_infer_args *a, uint32_t i, int32_t rank, uint32_t *bits, bool *known)
{
    const ir_elements e = ir_infer_elements(a, i);
    *bits = 0;
    *known = e.elements != NULL;
    for (uint32_t j = 0; e.elements != NULL && j < e.n; j++) {
        int64_t value;
        int32_t axis = 0;
        if (!ir_dim_is_const(e.elements[j], &value)) {
            *known = false;
            return SY_OK;
        }
        SY_TRY(ir_infer_axis(a, value, rank, &axis));
        if ((*bits & (1u << axis)) != 0) {
            return ir_infer_error(a, SY_EINVAL, "axis %d is given twice in operand %u", axis, i);
        }
        *bits |= 1u << axis;
    }
    return SY_OK;
}

ir_elements ir_infer_elements(const ir_infer_args *a, uint32_t i)
{
    return ir_infer_has(a, i) ? a->inputs[i].elements : (ir_elements){ NULL, 0 };
}

sy_status ir_infer_set_elements(ir_infer_args *a, uint32_t i, uint32_t n, const ir_dim *elements)
{
    if (i >= a->n_outputs || !a->outputs[i].wanted || n > IR_MAX_ELEMENTS) {
        return SY_OK;
    }
    for (uint32_t j = 0; j < n; j++) {
        if (elements[j] == NULL) {
            return SY_OK; /* beyond 64 bits: integer tensors wrap, expressions do not follow */
        }
    }
    const ir_dim *copy = base_arena_memdup(a->module->arena, elements, n, sizeof *elements);
    if (copy == NULL) {
        return SY_ENOMEM;
    }
    a->outputs[i].elements = (ir_elements){ copy, n };
    return SY_OK;
}

static ir_dim broadcast_dim(const ir_infer_args *a, uint32_t i, int32_t axis, ir_dim x, ir_dim y, bool *fits)
{
    int64_t cx = 0, cy = 0;
    const bool x_const = ir_dim_is_const(x, &cx), y_const = ir_dim_is_const(y, &cy);
    if (x == y || (y_const && cy == 1)) {
        return x;
    }
    if (x_const && cx == 1) {
        return y;
    }
    if (x_const && y_const) {
        *fits = false;
        return x;
    }
    if (x_const || y_const) {
        return x_const ? x : y; /* the other is this size, or 1 */
    }
    return ir_infer_fresh(a, i, axis);
}

sy_status ir_infer_broadcast(const ir_infer_args *a, uint32_t i, const ir_type *x, const ir_type *y,
                             ir_dim dims[IR_MAX_RANK], int32_t *rank)
{
    if (!x->has_rank || !y->has_rank) {
        *rank = -1;
        return SY_OK;
    }
    const int32_t n = x->rank > y->rank ? x->rank : y->rank;
    for (int32_t j = 0; j < n; j++) {
        const int32_t jx = j - (n - x->rank), jy = j - (n - y->rank);
        bool fits = true;
        if (jx < 0 || jy < 0) {
            dims[j] = jx < 0 ? y->dims[jy] : x->dims[jx];
        } else {
            dims[j] = broadcast_dim(a, i, j, x->dims[jx], y->dims[jy], &fits);
        }
        if (!fits) {
            return ir_infer_error(a, SY_ESHAPE,
                                  "operands do not broadcast: %" PRId64 " against %" PRId64 " in dimension %d",
                                  x->dims[jx]->value, y->dims[jy]->value, j);
        }
    }
    *rank = n;
    return SY_OK;
}

/* ---------------------------------------------------------------- operands */

/* Integer constants of rank 0 or 1 as expressions. */
static sy_status elements_of_data(ir_module *m, const ir_tensor *t, ir_elements *out)
{
    *out = (ir_elements){ NULL, 0 };
    const sy_dtype_class c = sy_dtype_class_of(t->dtype);
    if (t->rank > 1 || sy_dtype_bits(t->dtype) < 8 || (c != SY_DC_INT && c != SY_DC_UINT && c != SY_DC_BOOL)) {
        return SY_OK;
    }
    const int64_t n = ir_tensor_n_elements(t);
    if (n > IR_MAX_ELEMENTS || (n > 0 && t->data == NULL)) {
        return SY_OK;
    }
    ir_dim *e = BASE_ARENA_ARRAY(m->arena, ir_dim, (size_t)n);
    if (e == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        e[i] = ir_dim_const(m, ir_tensor_get_i64(t, i));
        if (e[i] == NULL) {
            return SY_ENOMEM;
        }
    }
    *out = (ir_elements){ e, (uint32_t)n };
    return SY_OK;
}

static sy_status input_of_value(const ir_infer_args *a, uint32_t i, ir_value *v, ir_infer_input *in)
{
    *in = (ir_infer_input){ .present = v != NULL };
    if (v == NULL) {
        return SY_OK;
    }
    in->type = v->type;
    in->constant = v->constant;
    in->elements = (ir_elements){ v->elements, v->n_elements };
    if (v->constant != NULL && v->constant->size_bytes <= IR_MAX_ELEMENTS * 8 && v->constant->rank <= 1 &&
        sy_dtype_class_of(v->constant->dtype) != SY_DC_FLOAT) {
        ir_tensor t;
        SY_TRY(ir_infer_data(a, i, &t));
        if (t.data != NULL) {
            SY_TRY(elements_of_data(a->module, &t, &in->elements));
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- results */

/* Symbols that this inference made up yield to what the value was declared with. */
static sy_status prefer_declared(ir_module *m, const ir_value *v, ir_type *t)
{
    const ir_type *old = &v->type;
    if (t->kind != IR_TYPE_TENSOR || old->kind != IR_TYPE_TENSOR || !t->has_rank || !old->has_rank ||
        t->rank != old->rank) {
        return SY_OK;
    }
    ir_dim dims[IR_MAX_RANK];
    for (int32_t i = 0; i < t->rank; i++) {
        const bool made_up = t->dims[i]->kind == IR_DIM_SYMBOL && strchr(t->dims[i]->name, '#') != NULL;
        dims[i] = made_up ? old->dims[i] : t->dims[i];
    }
    const ir_quant *quant = t->quant;
    SY_TRY(ir_type_tensor(m, t->dtype, t->rank, dims, t));
    t->quant = quant;
    return SY_OK;
}

static sy_status merge_result(const ir_infer_args *a, const ir_value *v, const ir_type *inferred, ir_type *out)
{
    ir_module *m = v->graph->module;
    ir_type t = *inferred;
    SY_TRY(prefer_declared(m, v, &t));
    const sy_status status = ir_type_merge(m, &t, &v->type, out);
    if (status == SY_ESHAPE || status == SY_EINVAL) {
        const char *is = ir_type_text(&v->type, m->arena), *gives = ir_type_text(inferred, m->arena);
        return ir_infer_error(a, status, "result '%s' is declared as %s, inference gives %s", v->name,
                              is != NULL ? is : "?", gives != NULL ? gives : "?");
    }
    return status;
}

static sy_status check_count(const ir_infer_args *a, const char *what, uint32_t n, uint32_t min, uint32_t max)
{
    if (n >= min && (max == IR_MANY || n <= max)) {
        return SY_OK;
    }
    if (max == IR_MANY) {
        return ir_infer_error(a, SY_EINVAL, "needs at least %u %s, got %u", min, what, n);
    }
    if (min == max) {
        return ir_infer_error(a, SY_EINVAL, "needs %u %s, got %u", min, what, n);
    }
    return ir_infer_error(a, SY_EINVAL, "needs %u to %u %s, got %u", min, max, what, n);
}

static sy_status check_arity(const ir_infer_args *a)
{
    const ir_op *op = a->node->op;
    SY_TRY(check_count(a, "operands", a->n_inputs, op->min_inputs, op->max_inputs));
    SY_TRY(check_count(a, "results", a->n_outputs, op->min_outputs, op->max_outputs));
    for (uint32_t i = 0; i < op->min_inputs; i++) {
        if (!a->inputs[i].present) {
            return ir_infer_error(a, SY_EINVAL, "operand %u is missing", i);
        }
    }
    return SY_OK;
}

sy_status ir_infer_node(ir_node *n, base_diag *diag)
{
    if (n->op == NULL || n->op->infer == NULL) {
        return SY_OK;
    }
    ir_module *m = n->graph->module;
    ir_infer_input *inputs = BASE_ARENA_ARRAY(m->arena, ir_infer_input, n->n_inputs);
    ir_infer_output *outputs = BASE_ARENA_ARRAY(m->arena, ir_infer_output, n->n_outputs);
    ir_type *types = BASE_ARENA_ARRAY(m->arena, ir_type, n->n_outputs);
    if (inputs == NULL || outputs == NULL || types == NULL) {
        return SY_ENOMEM;
    }
    ir_infer_args a = { .module = m, .node = n, .n_inputs = n->n_inputs, .inputs = inputs,
                        .n_outputs = n->n_outputs, .outputs = outputs, .diag = diag };
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        inputs[i].present = n->inputs[i].value != NULL;
        inputs[i].constant = inputs[i].present ? n->inputs[i].value->constant : NULL;
        SY_TRY(input_of_value(&a, i, n->inputs[i].value, &inputs[i]));
    }
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        outputs[i].wanted = n->outputs[i] != NULL;
        outputs[i].name = outputs[i].wanted ? n->outputs[i]->name : NULL;
    }
    SY_TRY(check_arity(&a));
    m->intern->dim_status = SY_EINVAL;
    SY_TRY(n->op->infer(&a));
    if (m->intern->dim_status == SY_ENOMEM) {
        return SY_ENOMEM; /* an expression that could not be made was taken as unknown */
    }
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        if (outputs[i].wanted) {
            SY_TRY(merge_result(&a, n->outputs[i], &outputs[i].type, &types[i]));
        }
    }
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        if (outputs[i].wanted) {
            n->outputs[i]->type = types[i];
            n->outputs[i]->elements = outputs[i].elements.elements;
            n->outputs[i]->n_elements = outputs[i].elements.n;
        }
    }
    return SY_OK;
}

void ir_value_forget_type(ir_value *v)
{
    v->type = (ir_type){ .kind = IR_TYPE_UNKNOWN };
    v->elements = NULL;
    v->n_elements = 0;
}

sy_status ir_infer_graph(ir_graph *g, base_diag *diag)
{
    for (ir_node *n = g->first; n != NULL; n = n->next) {
        SY_TRY(ir_infer_node(n, diag));
    }
    return SY_OK;
}

sy_status ir_infer_region(ir_infer_args *a, ir_graph *region)
{
    return ir_infer_graph(region, a->diag);
}

/* Functions called from g, and those they call, before g itself. `state`: graph -> on the stack or done. */
static sy_status infer_callees(ir_graph *g, ir_map *state, base_diag *diag);

static sy_status infer_function(ir_graph *f, ir_map *state, base_diag *diag)
{
    static char on_stack, done;
    const void *s = ir_map_get(state, f);
    if (s == &done) {
        return SY_OK;
    }
    if (s == &on_stack) {
        return base_fail(diag, SY_EINVAL, "function '%s' calls itself", f->name);
    }
    SY_TRY(ir_map_put(state, f->module->arena, f, &on_stack));
    SY_TRY(infer_callees(f, state, diag));
    SY_TRY(ir_infer_graph(f, diag));
    return ir_map_put(state, f->module->arena, f, &done);
}

static sy_status infer_callees(ir_graph *g, ir_map *state, base_diag *diag)
{
    for (ir_node *n = g->first; n != NULL; n = n->next) {
        if (n->callee != NULL) {
            SY_TRY(infer_function(n->callee, state, diag));
        }
        for (uint32_t i = 0; i < n->n_attrs; i++) {
            if (n->attrs[i].kind == IR_ATTR_GRAPH) {
                SY_TRY(infer_callees(n->attrs[i].u.graph, state, diag));
            }
        }
    }
    return SY_OK;
}

sy_status ir_infer_module(ir_module *m, base_diag *diag)
{
    ir_map state = { 0 };
    for (uint32_t i = 0; i < m->n_graphs; i++) {
        SY_TRY(infer_function(m->graphs[i], &state, diag));
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- eager */

/* What a list says of its type: of the tensors in it, the dtype. */
static sy_status list_type(ir_module *m, const ir_tensor *t, ir_type *out)
{
    ir_type elem;
    SY_TRY(ir_type_tensor(m, t->dtype, -1, NULL, &elem));
    switch (t->kind) {
    case IR_TYPE_SEQUENCE:
        return ir_type_sequence(m, &elem, out);
    case IR_TYPE_OPTIONAL:
        return ir_type_optional(m, &elem, out);
    case IR_TYPE_MAP:
    case IR_TYPE_UNKNOWN:
    case IR_TYPE_TENSOR:
        break;
    }
    *out = (ir_type){ .kind = IR_TYPE_UNKNOWN };
    return SY_OK;
}

static sy_status tensors_to_inputs(ir_module *m, uint32_t n, const ir_tensor *const *tensors, ir_infer_input *inputs)
{
    for (uint32_t i = 0; i < n; i++) {
        const ir_tensor *t = tensors[i];
        inputs[i] = (ir_infer_input){ .present = t != NULL, .data = t };
        if (t != NULL && ir_tensor_is_list(t)) {
            SY_TRY(list_type(m, t, &inputs[i].type));
        } else if (t != NULL) {
            SY_TRY(ir_type_tensor_i64(m, t->dtype, t->rank, t->dims, &inputs[i].type));
            SY_TRY(elements_of_data(m, t, &inputs[i].elements));
        }
    }
    return SY_OK;
}

sy_status ir_infer_tensors(const ir_node *n, base_arena *scratch, uint32_t n_inputs,
                           const ir_tensor *const *inputs, uint32_t n_outputs, ir_tensor *const *outputs,
                           base_diag *diag)
{
    if (n->op == NULL || n->op->infer == NULL || (n->op->props & (IR_P_REGION | IR_P_ALLOC)) != 0) {
        return base_fail(diag, SY_EUNSUPPORTED, IR_NODE_FMT ": shapes cannot be computed from tensors",
                         IR_NODE_ARGS(n));
    }
    ir_module *m;
    SY_TRY(ir_module_create(scratch, n->graph->module->table, "", &m));
    ir_infer_input *in = BASE_ARENA_ARRAY(scratch, ir_infer_input, n_inputs);
    ir_infer_output *out = BASE_ARENA_ARRAY(scratch, ir_infer_output, n_outputs);
    if (in == NULL || out == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(tensors_to_inputs(m, n_inputs, inputs, in));
    for (uint32_t i = 0; i < n_outputs; i++) {
        out[i].wanted = outputs[i] != NULL;
        out[i].name = i < n->n_outputs && n->outputs[i] != NULL ? n->outputs[i]->name : "result";
    }
    ir_infer_args a = { .module = m, .node = n, .n_inputs = n_inputs, .inputs = in, .n_outputs = n_outputs,
                        .outputs = out, .diag = diag };
    SY_TRY(check_arity(&a));
    SY_TRY(n->op->infer(&a));
    for (uint32_t i = 0; i < n_outputs; i++) {
        int64_t dims[IR_MAX_RANK];
        if (!out[i].wanted) {
            continue;
        }
        if (!ir_type_static_dims(&out[i].type, dims)) {
            return ir_infer_error(&a, SY_ESHAPE, "the shape of result %u is still unknown", i);
        }
        if (ir_tensor_init(outputs[i], out[i].type.dtype, out[i].type.rank, dims,
                           outputs[i]->data) != SY_OK) {
            return ir_infer_error(&a, SY_ERANGE, "result %u is too large", i);
        }
    }
    return SY_OK;
}
