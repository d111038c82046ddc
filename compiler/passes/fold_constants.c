/*
 * fold_constants.c -- operators whose operands are all constant become constants, and so does
 * arithmetic on shapes.
 *
 * In: graph with shapes. Out: no pure operator with a reference kernel has constant operands alone
 * (Constant nodes included), unless its result is larger than a limit and larger than its operands
 * (an Expand or ConstantOfShape that would only fill memory); and no pure operator gives integers
 * that inference knows (Shape of a tensor of known sizes, and what is computed from it). The
 * reference kernels do the arithmetic, so folding never changes a result.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "systole/compiler/passes.h"
#include "systole/graph/infer.h"
#include "systole/graph/optable.h"

#define MAX_GROWTH_BYTES ((size_t)1 << 20)

static bool foldable(const ir_node *n)
{
    if (n->op == NULL || n->op->reference == NULL || (n->op->props & IR_P_PURE) == 0 ||
        (n->op->props & IR_P_REGION) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        const ir_value *v = ir_node_input(n, i);
        if (v != NULL &&
            (v->kind != IR_VALUE_CONST || v->feedable || v->constant->kind == IR_CONST_STATE ||
             v->constant->dtype == SY_DT_STRING)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        const ir_value *v = ir_node_output(n, i);
        int64_t dims[IR_MAX_RANK];
        if (v != NULL && (v->type.kind != IR_TYPE_TENSOR || v->type.dtype == SY_DT_STRING ||
                          !v->type.has_rank || !ir_type_static_dims(&v->type, dims))) {
            return false;
        }
    }
    return n->n_outputs > 0;
}

/* Operands as tensors. */
static sy_status read_operands(ir_module *m, const ir_node *n, base_arena *arena,
                               ir_tensor **tensors, const ir_tensor ***inputs, size_t *bytes,
                               base_diag *diag)
{
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

/* A new constant takes the place of a result. */
static sy_status replace(ir_module *m, ir_value *old, sy_dtype dtype, int32_t rank,
                         const int64_t *dims, const void *data, size_t n_bytes, base_diag *diag)
{
    ir_const *c;
    ir_value *v;
    SY_TRY(ir_const_inline(m, dtype, rank, dims, data, n_bytes, diag, &c));
    SY_TRY(ir_graph_add_const(old->graph, ir_name_unique(m, old->name), c, &v));
    v->loc = old->loc;
    ir_value_replace_uses(old, v);
    return SY_OK;
}

static sy_status fold(ir_module *m, ir_node *n, base_arena *arena, base_diag *diag)
{
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
    sy_status status = ir_infer_tensors(n, scratch, n->n_inputs, inputs, n->n_outputs, outputs,
                                        diag);
    bool too_large = false;
    for (uint32_t i = 0; i < n->n_outputs && status == SY_OK; i++) {
        if (outputs[i] != NULL) {
            too_large = too_large || results[i].dtype == SY_DT_STRING ||
                        (results[i].size_bytes > MAX_GROWTH_BYTES &&
                                      results[i].size_bytes > in_bytes);
        }
    }
    if (status != SY_OK || too_large) {
        base_arena_destroy(scratch);
        return status == SY_ENOMEM ? status
                                   : SY_OK; /* what cannot be evaluated here stays an operator */
    }
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        if (outputs[i] != NULL) {
            results[i].data = base_arena_alloc(arena, results[i].size_bytes + 1, 1);
            status = results[i].data == NULL ? SY_ENOMEM : status;
        }
    }
    const ir_kernel_args args = {.node = n,
                                 .n_inputs = n->n_inputs,
                                 .inputs = inputs,
                                 .n_outputs = n->n_outputs,
                                 .outputs = outputs,
                                 .scratch = scratch,
                                 .diag = diag};
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
        const ir_tensor *t = &results[i];
        SY_TRY(replace(m, ir_node_output(n, i), t->dtype, t->rank, t->dims, t->data, t->size_bytes,
                       diag));
    }
    ir_node_erase(n);
    return SY_OK;
}

/* True if inference knows all elements of a node's only result. */
static bool known_elements(const ir_node *n)
{
    const ir_value *v = n->n_outputs == 1 ? ir_node_output(n, 0) : NULL;
    if (v == NULL || n->op == NULL || (n->op->props & IR_P_PURE) == 0 || v->elements == NULL ||
        v->n_elements == 0) {
        return false;
    }
    int64_t dims[IR_MAX_RANK];
    if (v->type.kind != IR_TYPE_TENSOR ||
        (v->type.dtype != SY_DT_I64 && v->type.dtype != SY_DT_I32) || !v->type.has_rank ||
        v->type.rank > 1 || !ir_type_static_dims(&v->type, dims) ||
        (v->type.rank == 1 ? dims[0] : 1) != (int64_t)v->n_elements) {
        return false;
    }
    for (uint32_t i = 0; i < v->n_elements; i++) {
        int64_t value;
        if (!ir_dim_is_const(v->elements[i], &value) ||
            (v->type.dtype == SY_DT_I32 && value != (int32_t)value)) {
            return false;
        }
    }
    return true;
}

static sy_status fold_elements(ir_module *m, ir_node *n, base_arena *arena, base_diag *diag)
{
    ir_value *old = ir_node_output(n, 0);
    const sy_dtype dtype = old->type.dtype;
    const size_t size = dtype == SY_DT_I64 ? sizeof(int64_t) : sizeof(int32_t);
    uint8_t *data = base_arena_alloc(arena, old->n_elements, size);
    if (data == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < old->n_elements; i++) {
        int64_t value = 0;
        ir_dim_is_const(old->elements[i], &value);
        const int32_t narrow = (int32_t)value;
        memcpy(data + i * size, dtype == SY_DT_I64 ? (const void *)&value : (const void *)&narrow,
               size);
    }
    const int64_t dims[1] = {(int64_t)old->n_elements};
    SY_TRY(replace(m, old, dtype, old->type.rank, dims, data, old->n_elements * size, diag));
    ir_node_erase(n);
    return SY_OK;
}

sy_status pass_fold_constants(ir_module *module, base_diag *diag)
{
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
        } else if (known_elements(n)) {
            status = fold_elements(module, n, arena, diag);
            base_arena_reset(arena);
        }
    }
    base_arena_destroy(arena);
    return status;
}
