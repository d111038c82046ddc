/*
 * quant_recognise.c -- finds the quantised clusters of a module and makes them the quantised
 * operators of numerics.md.
 *
 * How: for each QuantizeLinear, in order, quant_result follows its operand up to DequantizeLinear
 * nodes and emits int8 operators on the way; the float operators die when nothing reads them any
 * more. uint8 tensors inside become int8; those that the graph takes in, gives out, or that an
 * operator outside the clusters reads are converted exactly. What is not recognised stays in float,
 * with a note (ir_import_note).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "quant_internal.h"

#include <string.h>

/* ---------------------------------------------------------------- notes */

static bool reads_quantised(const ir_node *n)
{
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        const ir_value *v = ir_node_input(n, i);
        if (v != NULL && v->kind == IR_VALUE_RESULT &&
            ir_node_is(v->producer, IR_OP_DEQUANTIZELINEAR)) {
            return true;
        }
    }
    return false;
}

static sy_status note(quant_pass *p)
{
    const ir_node *n = p->culprit;
    if (p->reason == NULL || n == NULL || n->number == UINT32_MAX ||
        !(reads_quantised(n) || ir_node_is(n, IR_OP_DEQUANTIZELINEAR) ||
          ir_node_is(n, IR_OP_QUANTIZELINEAR))) {
        return SY_OK; /* a float operator in a float part of the network needs no excuse */
    }
    return ir_import_add_note(p->m, n->number, p->reason);
}

/* ---------------------------------------------------------------- QuantizeLinear */

static sy_status succeed(quant_pass *p, ir_value *y, ir_value *i8, bool replaced)
{
    quant_info *info = ir_quant_info_of(p, y);
    if (info == NULL || !base_vec_push(p->scratch, &p->succeeded, y)) {
        return SY_ENOMEM;
    }
    info->i8 = i8;
    info->replaced = replaced;
    if (y->type.dtype == SY_DT_I8) {
        ir_value_replace_uses(y, i8);
    }
    return SY_OK;
}

/* Q(DQ(x)) with the same type and parameters on both sides is x. */
static bool undoes(quant_pass *p, const ir_node *q, quant_params params)
{
    const ir_value *v = ir_node_input(q, 0);
    quant_params before;
    return v->kind == IR_VALUE_RESULT && ir_node_is(v->producer, IR_OP_DEQUANTIZELINEAR) &&
           ir_quant_params_of(p, v->producer, &before) && before.scale == params.scale &&
           before.zero == params.zero &&
           ir_node_input(v->producer, 0)->type.dtype == q->outputs[0]->type.dtype;
}

/* QuantizeLinear to int8 for what starts from float: the uint8 form's zero point minus 128. */
static sy_status emit_quantize(quant_pass *p, ir_node *q, quant_params params, ir_value **out)
{
    ir_value *operands[3] = {ir_node_input(q, 0), NULL, NULL};
    ir_node *node = NULL;
    ir_const *scale = NULL;
    SY_TRY(ir_const_f32(p->m, params.scale, &scale));
    SY_TRY(ir_graph_add_const(q->graph, NULL, scale, &operands[1]));
    SY_TRY(ir_quant_i8_const(p, q->graph, params.zero, &operands[2]));
    SY_TRY(ir_quant_emit(q, IR_OP_QUANTIZELINEAR, 3, operands, &node, out));
    return ir_quant_infer(p, q, node, out);
}

/* A value that stands for q's result in q's graph: a region does not give out what is not its own.
 */
static sy_status in_graph_of(quant_pass *p, const ir_node *q, ir_value *value, ir_value **out)
{
    ir_node *node = NULL;
    *out = value;
    if (value->graph == q->graph) {
        return SY_OK;
    }
    SY_TRY(ir_quant_emit(q, IR_OP_IDENTITY, 1, &value, &node, out));
    return ir_infer_node(node, p->diag);
}

static sy_status visit_quantize(quant_pass *p, ir_node *q)
{
    ir_value *v = ir_node_input(q, 0), *y = ir_node_output(q, 0);
    quant_params params;
    quant_value result;
    bool folded = false;
    p->reason = NULL;
    p->culprit = NULL;
    if (v == NULL || y == NULL) {
        return SY_OK;
    }
    SY_TRY(ir_quant_fold_constant(p, q, &folded));
    if (folded) {
        return SY_OK;
    }
    if (!ir_quant_params_of(p, q, &params)) {
        return note(p);
    }
    if (undoes(p, q, params)) {
        ir_value *x = NULL;
        SY_TRY(in_graph_of(p, q, ir_node_input(v->producer, 0), &x));
        ir_value_replace_uses(y, x);
        return SY_OK;
    }
    quant_info *info = ir_quant_info_of(p, v);
    if (info == NULL) {
        return SY_ENOMEM;
    }
    result = info->result;
    if (result.value == NULL || result.params.scale != params.scale ||
        result.params.zero != params.zero) {
        SY_TRY(ir_quant_result(p, v, params, false, 0, &result));
    }
    if (result.value != NULL) {
        ir_value *i8 = NULL;
        info->result = (quant_value){result.value, params, false};
        SY_TRY(in_graph_of(p, q, result.value, &i8));
        return succeed(p, y, i8, true);
    }
    SY_TRY(note(p));
    if (y->type.dtype != SY_DT_U8) {
        return SY_OK;
    }
    ir_value *i8 = NULL;
    SY_TRY(emit_quantize(p, q, params, &i8));
    return i8 != NULL ? succeed(p, y, i8, false) : SY_OK;
}

/* ---------------------------------------------------------------- moved uint8 tensors */

static bool has_i8(const ir_value *v)
{
    const quant_info *info = v != NULL ? v->info : NULL;
    return v != NULL && v->type.dtype == SY_DT_U8 && info != NULL && info->i8 != NULL;
}

/* MaxPool, Reshape, ... standing on uint8 tensors (QLinear networks): the same on int8, if that is
 * where the data are. */
static sy_status visit_move(quant_pass *p, ir_node *n)
{
    bool any = false;
    if (!ir_quant_is_move(n) || n->outputs[0] == NULL || n->outputs[0]->type.dtype != SY_DT_U8) {
        return SY_OK;
    }
    const uint32_t n_data = ir_node_is(n, IR_OP_CONCAT) ? n->n_inputs : 1;
    const bool pads = ir_node_is(n, IR_OP_PAD) &&
                      strcmp(ir_node_string(n, "mode", "constant"), "constant") == 0;
    ir_value **operands = BASE_ARENA_ARRAY(p->scratch, ir_value *, (size_t)n->n_inputs + 3);
    ir_value *result = NULL;
    if (operands == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        operands[i] = ir_node_input(n, i);
        any = any || (i < n_data && has_i8(operands[i]));
    }
    if (!any ||
        (pads && ir_node_input(n, 2) == NULL)) { /* a fill of uint8 0 left out: rare, stays uint8 */
        return SY_OK;
    }
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        if (operands[i] != NULL && (i < n_data || (pads && i == 2)) &&
            operands[i]->type.dtype == SY_DT_U8) {
            SY_TRY(ir_quant_as_i8(p, operands[i], &operands[i]));
        }
    }
    SY_TRY(ir_quant_copy(p, n, operands, NULL, &result));
    return result != NULL ? succeed(p, n->outputs[0], result, false) : SY_OK;
}

/* The shape of DQ(x) is that of x: nothing need be dequantised for it. */
static void visit_shape(ir_node *n)
{
    const ir_value *v = ir_node_is(n, IR_OP_SHAPE) ? ir_node_input(n, 0) : NULL;
    if (v != NULL && v->kind == IR_VALUE_RESULT &&
        ir_node_is(v->producer, IR_OP_DEQUANTIZELINEAR)) {
        ir_value *x = ir_node_input(v->producer, 0);
        const quant_info *info = x != NULL ? x->info : NULL;
        if (x != NULL) {
            ir_node_set_input(n, 0, info != NULL && info->i8 != NULL ? info->i8 : x);
        }
    }
}

/* ---------------------------------------------------------------- the walk */

static sy_status visit_graph(quant_pass *p, ir_graph *g)
{
    for (ir_node *n = g->first, *next = NULL; n != NULL; n = next) {
        next = n->next; /* new nodes come before n */
        for (uint32_t i = 0; i < n->n_attrs; i++) {
            if (n->attrs[i].kind == IR_ATTR_GRAPH) {
                SY_TRY(visit_graph(p, n->attrs[i].u.graph));
            }
        }
        SY_TRY(ir_node_is(n, IR_OP_QUANTIZELINEAR) ? visit_quantize(p, n) : visit_move(p, n));
        visit_shape(n);
    }
    return SY_OK;
}

/* Values still know what an earlier pass wrote into info. Returns how many nodes there are. */
static uint64_t clear_info(ir_graph *g)
{
    uint64_t n_nodes = g->n_nodes;
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        g->inputs[i]->info = NULL;
    }
    for (uint32_t i = 0; i < g->n_consts; i++) {
        g->consts[i]->info = NULL;
    }
    for (ir_node *n = g->first; n != NULL; n = n->next) {
        for (uint32_t i = 0; i < n->n_outputs; i++) {
            if (n->outputs[i] != NULL) {
                n->outputs[i]->info = NULL;
            }
        }
        for (uint32_t i = 0; i < n->n_attrs; i++) {
            if (n->attrs[i].kind == IR_ATTR_GRAPH) {
                n_nodes += clear_info(n->attrs[i].u.graph);
            }
        }
    }
    return n_nodes;
}

/* ---------------------------------------------------------------- what still reads uint8 */

/* DequantizeLinear of a uint8 value that is int8 now: zero point minus 128. */
static sy_status move_dequantize(quant_pass *p, ir_node *dq)
{
    ir_value *x = ir_node_input(dq, 0), *zero = NULL;
    quant_params params;
    if (!has_i8(x)) {
        return SY_OK;
    }
    const quant_info *info = x->info;
    if (!ir_quant_params_of(p, dq, &params)) {
        return SY_OK;
    }
    if (ir_node_input(dq, 1)->type.rank != 0) {
        return SY_OK; /* a vector of one element, made by another than the importer */
    }
    SY_TRY(ir_quant_i8_const(p, dq->graph, params.zero, &zero));
    ir_node_set_input(dq, 0, info->i8);
    if (dq->n_inputs < 3) {
        return ir_node_add_input(dq, zero);
    }
    ir_node_set_input(dq, 2, zero);
    return SY_OK;
}

static sy_status move_dequantizes(quant_pass *p, ir_graph *g)
{
    for (ir_node *n = g->first; n != NULL; n = n->next) {
        if (ir_node_is(n, IR_OP_DEQUANTIZELINEAR)) {
            SY_TRY(move_dequantize(p, n));
        }
        for (uint32_t i = 0; i < n->n_attrs; i++) {
            if (n->attrs[i].kind == IR_ATTR_GRAPH) {
                SY_TRY(move_dequantizes(p, n->attrs[i].u.graph));
            }
        }
    }
    return SY_OK;
}

/* uint8 = Cast(Cast(i8, int32) + 128): for outputs of the graph and operators that take uint8. */
static sy_status convert_back(quant_pass *p, ir_value *i8, ir_value **out)
{
    static const int32_t offset = 128;
    ir_graph *g = i8->graph;
    ir_node *before = i8->kind == IR_VALUE_RESULT ? i8->producer->next : g->first;
    ir_node *widen = NULL, *shift = NULL, *narrow = NULL;
    ir_value *operands[2] = {NULL, NULL}, *sum = NULL;
    ir_const *c = NULL;
    SY_TRY(ir_const_inline(p->m, SY_DT_I32, 0, NULL, &offset, sizeof offset, p->diag, &c));
    SY_TRY(ir_graph_add_const(g, NULL, c, &operands[1]));
    SY_TRY(ir_node_create_op(g, before, IR_OP_CAST, 1, &i8, &widen, &operands[0]));
    SY_TRY(ir_node_set_int(widen, "to", SY_DT_I32));
    SY_TRY(ir_infer_node(widen, p->diag));
    SY_TRY(ir_node_create_op(g, before, IR_OP_ADD, 2, operands, &shift, &sum));
    SY_TRY(ir_infer_node(shift, p->diag));
    SY_TRY(ir_node_create_op(g, before, IR_OP_CAST, 1, &sum, &narrow, out));
    SY_TRY(ir_node_set_int(narrow, "to", SY_DT_U8));
    return ir_infer_node(narrow, p->diag);
}

/*
 * What still reads a replaced value (an output, a node outside the clusters) gets it converted
 * back. Dead readers do, too: they go together with the conversion.
 */
static sy_status settle(quant_pass *p)
{
    for (size_t i = 0; i < p->succeeded.n; i++) {
        ir_value *y = p->succeeded.items[i];
        quant_info *info = y->info;
        if (info->replaced && y->n_uses > 0 && y->type.dtype == SY_DT_U8) {
            SY_TRY(convert_back(p, info->i8, &info->back));
            ir_value_replace_uses(y, info->back);
        }
    }
    for (uint32_t i = 0; i < p->m->n_graphs; i++) {
        (void)ir_graph_remove_dead(p->m->graphs[i]);
    }
    return SY_OK;
}

/* Names stay: what stands for a value that is gone takes its name. */
static sy_status take_names(quant_pass *p)
{
    for (size_t i = 0; i < p->succeeded.n; i++) {
        ((const quant_info *)p->succeeded.items[i]->info)->i8->mark = 0;
    }
    for (size_t i = 0; i < p->succeeded.n; i++) {
        ir_value *y = p->succeeded.items[i];
        const quant_info *info = y->info;
        ir_value *heir = info->back != NULL && info->back->n_uses > 0 ? info->back : info->i8;
        if (y->n_uses == 0 && heir->kind == IR_VALUE_RESULT && heir->n_uses > 0 &&
            heir->mark == 0) {
            heir->mark = 1; /* the first of several names */
            SY_TRY(ir_value_rename(heir, y->name));
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- notes on what is left */

static sy_status note_rest(quant_pass *p, const ir_graph *g)
{
    for (const ir_node *n = g->first; n != NULL; n = n->next) {
        for (uint32_t i = 0; i < n->n_attrs; i++) {
            if (n->attrs[i].kind == IR_ATTR_GRAPH) {
                SY_TRY(note_rest(p, n->attrs[i].u.graph));
            }
        }
        if (ir_quant_is_core(n) && n->number != UINT32_MAX && reads_quantised(n)) {
            SY_TRY(ir_import_add_note(p->m, n->number, "its result is not quantised"));
        }
    }
    return SY_OK;
}

static sy_status recognise(quant_pass *p)
{
    ir_module *m = p->m;
    uint64_t n_nodes = 0;
    for (uint32_t i = 0; i < m->n_graphs; i++) {
        n_nodes += clear_info(m->graphs[i]);
    }
    p->steps_left = 1024 + n_nodes * QUANT_STEPS_PER_NODE;
    for (uint32_t i = 0; i < m->n_graphs; i++) {
        SY_TRY(visit_graph(p, m->graphs[i]));
    }
    for (uint32_t i = 0; i < m->n_graphs; i++) {
        SY_TRY(move_dequantizes(p, m->graphs[i]));
    }
    SY_TRY(settle(p));
    SY_TRY(take_names(p));
    for (uint32_t i = 0; i < m->n_graphs; i++) {
        SY_TRY(note_rest(p, m->graphs[i]));
        (void)clear_info(m->graphs[i]);
    }
    return ir_infer_module(m, p->diag);
}

sy_status ir_recognise_quantised(ir_module *m, base_diag *diag)
{
    base_diag dropped = {{0}};
    quant_pass p = {.m = m, .scratch = base_arena_create(), .diag = diag != NULL ? diag : &dropped};
    if (p.scratch == NULL) {
        return SY_ENOMEM;
    }
    const sy_status status = recognise(&p);
    base_arena_destroy(p.scratch);
    return status;
}
