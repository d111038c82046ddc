/*
 * fuse_table.c -- a quantised convolution or product and the QTable that follows it become one operator.
 *
 * In: graph with shapes. Out: each QTable of the result of a QConv or QGemm that exists for it alone is the second node of a
 * systole.Fused of kind "table". The region is the two operators as they were: the rounding between them stays.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/compiler/passes.h"
#include "systole/graph/optable.h"

sy_status pass_fuse_table(ir_module *module, base_diag *diag)
{
    ir_node *next;
    for (ir_node *n = module->main->first; n != NULL; n = next) {
        next = n->next;
        const ir_value *x = ir_node_is(n, IR_OP_QTABLE) ? ir_node_input(n, 0) : NULL;
        if (x == NULL || x->kind != IR_VALUE_RESULT || x->n_uses != 1 || x->graph != n->graph ||
            ir_node_input(n, 1)->kind != IR_VALUE_CONST ||
            !(ir_node_is(x->producer, IR_OP_QCONV) || ir_node_is(x->producer, IR_OP_QGEMM))) {
            continue;
        }
        ir_node *const pair[2] = {x->producer, n};
        const uint32_t number = x->producer->number;
        ir_node *fused;
        SY_TRY(ir_fuse(pair, 2, "table", diag, &fused));
        fused->number = number;
    }
    return SY_OK;
}
