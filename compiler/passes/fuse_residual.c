/*
 * fuse_residual.c -- a quantised convolution or product and the QAdd that follows it become one
 * operator.
 *
 * In: graph with shapes. Out: each QAdd of two tensors of one shape, of which one is made by a
 * QConv or QGemm for it alone, is the second node of a systole.Fused of kind "residual". The region
 * is the two operators as they were: both roundings stay.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/compiler/passes.h"
#include "systole/graph/optable.h"

/* The product that the operand comes from, if it exists for this sum alone and both give the value
 * the same zero point. */
static ir_node *own_product(const ir_node *sum, uint32_t operand)
{
    ir_value *v = ir_node_input(sum, operand);
    if (v == NULL || v->kind != IR_VALUE_RESULT || v->n_uses != 1 || v->graph != sum->graph) {
        return NULL;
    }
    ir_node *n = v->producer;
    if (!ir_node_is(n, IR_OP_QCONV) && !ir_node_is(n, IR_OP_QGEMM)) {
        return NULL;
    }
    if (ir_node_int(n, "group", 1) > 1) { /* depthwise ones are the vector unit's, alone */
        return NULL;
    }
    return ir_node_int(n, "y_zero", 0) == ir_node_int(sum, operand == 0 ? "a_zero" : "b_zero", 0)
               ? n
               : NULL;
}

static bool same_shape(const ir_value *a, const ir_value *b)
{
    if (!a->type.has_rank || !b->type.has_rank || a->type.rank != b->type.rank) {
        return false;
    }
    for (int32_t i = 0; i < a->type.rank; i++) {
        if (a->type.dims[i] != b->type.dims[i]) {
            return false;
        }
    }
    return true;
}

sy_status pass_fuse_residual(ir_module *module, base_diag *diag)
{
    ir_graph_number(module->main);
    ir_node *next;
    for (ir_node *n = module->main->first; n != NULL; n = next) {
        next = n->next;
        if (!ir_node_is(n, IR_OP_QADD)) {
            continue;
        }
        ir_value *a = ir_node_input(n, 0);
        ir_value *b = ir_node_input(n, 1);
        if (a == b || !same_shape(a, b) || a->kind == IR_VALUE_CONST || b->kind == IR_VALUE_CONST) {
            continue;
        }
        ir_node *left = own_product(n, 0);
        ir_node *right = own_product(n, 1);
        /* of two products the later one: the other is done by then */
        ir_node *product = left == NULL || (right != NULL && right->order > left->order) ? right
                                                                                         : left;
        if (product == NULL) {
            continue;
        }
        ir_node *const pair[2] = {product, n};
        ir_node *fused;
        SY_TRY(ir_fuse(pair, 2, "residual", diag, &fused));
        fused->number = product->number;
        fused->order = n->order;
    }
    return SY_OK;
}
