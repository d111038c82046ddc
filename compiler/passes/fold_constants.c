/*
 * fold_constants.c -- operators whose operands are all constant become constants.
 *
 * In: graph with shapes. Out: no pure operator with a reference kernel has constant operands alone (Constant nodes included), unless its
 * result is larger than a limit and larger than its operands (an Expand or ConstantOfShape that would only fill memory).
 * The reference kernels do the arithmetic, so folding never changes a result.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "systole/compiler/passes.h"
#include "systole/graph/infer.h"
#include "systole/graph/optable.h"

#define MAX_GROWTH_BYTES ((size_t)1 << 20)

static bool foldable(const ir_node *n) {
    if (n->op == NULL || n->op->reference == NULL || (n->op->props & IR_P_PURE) == 0 || (n->op->props & IR_P_REGION) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        const ir_value *v = ir_node_input(n, i);
        if (v != NULL && (v->kind != IR_VALUE_CONST || v->feedable || v->constant->kind == IR_CONST_STATE || v->constant->dtype == SY_DT_STRING)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        const ir_value *v = ir_node_output(n, i);
        int64_t dims[IR_MAX_RANK];
        if (v != NULL && (v->type.kind != IR_TYPE_TENSOR || v->type.dtype == SY_DT_STRING || !v->type.has_rank || !ir_type_static_dims(&v->type, dims))) {
            return false;
        }
    }
    return n->n_outputs > 0;
}

/* Operands as tensors. */
static sy_status read_operands(ir_module *m, const ir_node *n, base_arena *arena, ir_tensor **tensors, const ir_tensor ***inputs, size_t *bytes,
                               base_diag *diag) {
    *tensors = base_arena_alloc(arena, n->n_inputs + 1, sizeof(ir_tensor));
    *inputs = base_arena_alloc(arena, n->n_inputs + 1, sizeof(ir_tensor *));
    if (*tensors == NULL || *inputs == NULL) {
        return SY_ENOMEM;
    }
    *bytes = 0;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        ir_value *v = ir_node_input(n, i);
        if (v != NULL) {
            SY_TRY(ir_const_tensor(m, v->constant, diag, &(*tensors)[i]));
            (*inputs)[i] = &(*tensors)[i];
            *bytes += (*tensors)[i].size_bytes;
        }
    }
    return SY_OK;
}

static sy_status fold(ir_module *m, ir_node *n, base_arena *arena, base_diag *diag) {
    ir_tensor *operands;
    const ir_tensor **inputs;
    size_t in_bytes;
    SY_TRY(read_operands(m, n, arena, &operands, &inputs, &in_bytes, diag));
    ir_tensor *results = base_arena_alloc(arena, n->n_outputs, sizeof(ir_tensor));
    ir_tensor **outputs = base_arena_alloc(arena, n->n_outputs, sizeof(ir_tensor *));
    base_arena *scratch = base_arena_create();
    if (results == NULL || outputs == NULL || scratch == NULL) {
        base_arena_destroy(scratch);
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        outputs[i] = ir_node_output(n, i) != NULL ? &results[i] : NULL;
    }
    sy_status status = ir_infer_tensors(n, scratch, n->n_inputs, inputs, n->n_outputs, outputs, diag);
    bool too_large = false;
    for (uint32_t i = 0; i < n->n_outputs && status == SY_OK; i++) {
        if (outputs[i] != NULL) {
            too_large = too_large || (results[i].size_bytes > MAX_GROWTH_BYTES && results[i].size_bytes > in_bytes);
        }
    }
    if (status != SY_OK || too_large) {
        base_arena_destroy(scratch);
        return status == SY_ENOMEM ? status : SY_OK; /* what cannot be evaluated here stays an operator */
    }
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        if (outputs[i] != NULL) {
            results[i].data = base_arena_alloc(arena, results[i].size_bytes + 1, 1);
            status = results[i].data == NULL ? SY_ENOMEM : status;
        }
    }
    const ir_kernel_args args = {.node = n, .n_inputs = n->n_inputs, .inputs = inputs, .n_outputs = n->n_outputs,
                                 .outputs = outputs, .scratch = scratch, .diag = diag};
    if (status == SY_OK) {
        status = n->op->reference(&args);
    }
    base_arena_destroy(scratch);
    if (status != SY_OK) {
        return status == SY_ENOMEM ? status : SY_OK;
    }
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        if (outputs[i] == NULL) {
            continue;
        }
        ir_value *old = ir_node_output(n, i);
        ir_const *c;
        ir_value *v;
        const char *name = ir_name_unique(m, old->name);
        SY_TRY(ir_const_inline(m, results[i].dtype, results[i].rank, results[i].dims, results[i].data, results[i].size_bytes, diag, &c));
        SY_TRY(ir_graph_add_const(n->graph, name, c, &v));
        v->loc = old->loc;
        ir_value_replace_uses(old, v);
    }
    ir_node_erase(n);
    return SY_OK;
}

sy_status pass_fold_constants(ir_module *module, base_diag *diag) {
    base_arena *arena = base_arena_create();
    if (arena == NULL) {
        return SY_ENOMEM;
    }
    sy_status status = SY_OK;
    ir_node *next;
    for (ir_node *n = module->main->first; n != NULL && status == SY_OK; n = next) {
        next = n->next;
        if (foldable(n)) {
            status = fold(module, n, arena, diag);
            base_arena_reset(arena);
        }
    }
    base_arena_destroy(arena);
    return status;
}
