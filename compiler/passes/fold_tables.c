/*
 * fold_tables.c -- what is computed from a table's operand and its results alone becomes one table.
 *
 * In: graph with shapes. Out: no quantised elementwise operator, Clip or Relu whose operands are results of QTables of one
 * tensor, that tensor itself, or single constants (x * Sigmoid(x) with a Q and DQ behind each, for one). The reference
 * kernels compute the 256 results, so every rounding stays.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/compiler/passes.h"
#include "systole/graph/infer.h"
#include "systole/graph/optable.h"

#define N_ENTRIES    256
#define MAX_OPERANDS 3

static bool is_constant(const ir_value *v)
{
    return v->kind == IR_VALUE_CONST && !v->feedable && v->constant->kind != IR_CONST_STATE;
}

static ir_node *table_of(const ir_value *v)
{
    ir_node *n = v->kind == IR_VALUE_RESULT ? v->producer : NULL;
    return n != NULL && ir_node_is(n, IR_OP_QTABLE) && is_constant(ir_node_input(n, 1)) ? n : NULL;
}

static bool is_candidate(const ir_node *n)
{
    static const uint32_t codes[] = {IR_OP_QTABLE, IR_OP_QREQUANTIZE, IR_OP_QADD, IR_OP_QSUB,
                                     IR_OP_QMUL,   IR_OP_CLIP,        IR_OP_RELU};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (ir_node_is(n, codes[i])) {
            const ir_value *y = ir_node_output(n, 0);
            return y != NULL && y->type.dtype == SY_DT_I8 && y->type.has_rank && n->n_inputs <= MAX_OPERANDS;
        }
    }
    return false;
}

/* A QTable before n, if n depends on its operand alone; NULL: it does not. */
static ir_node *source_of(ir_module *m, const ir_node *n)
{
    ir_node *source = NULL;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        ir_node *t = ir_node_input(n, i) != NULL ? table_of(ir_node_input(n, i)) : NULL;
        source = source == NULL ? t : source;
    }
    if (source == NULL || !ir_node_input(source, 0)->type.has_rank ||
        ir_node_input(source, 0)->type.rank != ir_node_output(n, 0)->type.rank) {
        return NULL;
    }
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        ir_value *v = ir_node_input(n, i);
        if (v == NULL || v == ir_node_input(source, 0) || (ir_node_is(n, IR_OP_QTABLE) && i == 1)) {
            continue;
        }
        const ir_node *t = table_of(v);
        ir_tensor c;
        const bool one = is_constant(v) && v->constant->dtype == SY_DT_I8 &&
                         ir_const_tensor(m, v->constant, NULL, &c) == SY_OK && ir_tensor_n_elements(&c) == 1;
        if (!one && (t == NULL || ir_node_input(t, 0) != ir_node_input(source, 0))) {
            return NULL;
        }
    }
    return source;
}

static sy_status run(const ir_node *n, uint32_t n_inputs, const ir_tensor *const *inputs, int8_t *result, base_diag *diag)
{
    ir_tensor y, *outputs[1] = {&y};
    base_arena *scratch = base_arena_create();
    if (scratch == NULL) {
        return SY_ENOMEM;
    }
    sy_status status = ir_tensor_init(&y, SY_DT_I8, 1, (const int64_t[1]){N_ENTRIES}, result);
    const ir_kernel_args args = {.node = n,
                                 .n_inputs = n_inputs,
                                 .inputs = inputs,
                                 .n_outputs = 1,
                                 .outputs = outputs,
                                 .scratch = scratch,
                                 .diag = diag};
    status = status == SY_OK ? n->op->reference(&args) : status;
    base_arena_destroy(scratch);
    return status;
}

/* What n gives for each of the 256 values of the tensor. */
static sy_status tabulate(ir_module *m, const ir_node *n, const ir_value *x, int8_t result[N_ENTRIES], base_diag *diag)
{
    int8_t all[N_ENTRIES], data[MAX_OPERANDS][N_ENTRIES];
    ir_tensor identity, tensors[MAX_OPERANDS];
    const ir_tensor *inputs[MAX_OPERANDS] = {NULL, NULL, NULL};
    const int64_t dims[1] = {N_ENTRIES};
    for (int32_t i = 0; i < N_ENTRIES; i++) {
        all[i] = (int8_t)(i - 128);
    }
    SY_TRY(ir_tensor_init(&identity, SY_DT_I8, 1, dims, all));
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        ir_value *v = ir_node_input(n, i);
        if (v == NULL || v == x) {
            inputs[i] = v == x ? &identity : NULL;
            continue;
        }
        inputs[i] = &tensors[i];
        const ir_node *t = table_of(v);
        if (t == NULL) {
            SY_TRY(ir_const_tensor(m, v->constant, diag, &tensors[i]));
            tensors[i].rank = ir_tensor_n_elements(&tensors[i]) == 1 ? 0 : tensors[i].rank;
            continue;
        }
        ir_tensor entries;
        const ir_tensor *operands[2] = {&identity, &entries};
        SY_TRY(ir_const_tensor(m, ir_node_input(t, 1)->constant, diag, &entries));
        SY_TRY(run(t, 2, operands, data[i], diag));
        SY_TRY(ir_tensor_init(&tensors[i], SY_DT_I8, 1, dims, data[i]));
    }
    return run(n, n->n_inputs, inputs, result, diag);
}

static sy_status fold(ir_module *m, ir_node *n, const ir_node *source, base_diag *diag)
{
    int8_t table[N_ENTRIES];
    ir_value *operands[2] = {ir_node_input(source, 0), NULL}, *old = ir_node_output(n, 0), *y;
    ir_const *c;
    ir_node *node;
    const ir_node *scales = ir_node_attr(n, "y_scale") != NULL ? n : source; /* Clip and Relu keep them */
    SY_TRY(tabulate(m, n, operands[0], table, diag));
    SY_TRY(ir_const_inline(m, SY_DT_I8, 1, (const int64_t[1]){N_ENTRIES}, table, sizeof table, diag, &c));
    SY_TRY(ir_graph_add_const(n->graph, NULL, c, &operands[1]));
    SY_TRY(ir_node_create_op(n->graph, n, IR_OP_QTABLE, 2, operands, &node, &y));
    SY_TRY(ir_node_set_float(node, "x_scale", ir_node_float(source, "x_scale", 1.0F)));
    SY_TRY(ir_node_set_int(node, "x_zero", ir_node_int(source, "x_zero", 0)));
    SY_TRY(ir_node_set_float(node, "y_scale", ir_node_float(scales, "y_scale", 1.0F)));
    SY_TRY(ir_node_set_int(node, "y_zero", ir_node_int(scales, "y_zero", 0)));
    SY_TRY(ir_infer_node(node, diag));
    node->name = n->name;
    node->number = n->number;
    node->loc = n->loc;
    y->loc = old->loc;
    const char *name = old->name;
    ir_value_replace_uses(old, y);
    ir_node_erase(n);
    return ir_value_rename(y, name);
}

sy_status pass_fold_tables(ir_module *module, base_diag *diag)
{
    ir_node *next;
    for (ir_node *n = module->main->first; n != NULL; n = next) {
        next = n->next;
        const ir_node *source = is_candidate(n) ? source_of(module, n) : NULL;
        if (source != NULL) {
            SY_TRY(fold(module, n, source, diag));
        }
    }
    return SY_OK;
}
