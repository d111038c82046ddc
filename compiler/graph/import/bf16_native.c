/*
 * bf16_native.c -- networks that are in bf16 already: their operators become fp32 ones between conversions, as other networks'
 * are, so that one recognition serves both.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bf16_internal.h"

#include <string.h>

#include "systole/isa/fn.h"

static bool is_bf16(const ir_value *v)
{
    return v != NULL && v->type.kind == IR_TYPE_TENSOR && v->type.dtype == SY_DT_BF16;
}

static sy_status wide_const(bf16_pass *p, const ir_value *v, ir_value **out)
{
    ir_tensor t;
    ir_const *c = NULL;
    SY_TRY(ir_const_tensor(p->m, v->constant, p->diag, &t));
    const int64_t n = ir_tensor_n_elements(&t);
    float *data = BASE_ARENA_ARRAY(p->m->arena, float, (size_t)n + 1);
    if (data == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        const uint32_t bits = isa_bf16_to_fp(((const uint16_t *)t.data)[i]);
        memcpy(&data[i], &bits, sizeof bits);
    }
    SY_TRY(ir_const_borrow(p->m, SY_DT_F32, t.rank, t.dims, data, (size_t)n * sizeof *data, p->diag, &c));
    return ir_graph_add_const(p->g, NULL, c, out);
}

static sy_status convert(bf16_pass *p, ir_node *before, ir_value *v, sy_dtype to, ir_value **out)
{
    ir_node *cast = NULL;
    SY_TRY(ir_node_create_op(p->g, before, IR_OP_CAST, 1, &v, &cast, out));
    SY_TRY(ir_node_set_int(cast, "to", to));
    return ir_infer_node(cast, p->diag);
}

/* The fp32 form of a bf16 value: what a conversion was made from, or a conversion. */
static sy_status widened(bf16_pass *p, ir_node *before, ir_value *v, ir_value **out)
{
    const ir_node *cast = ir_bf16_made_by(v, IR_OP_CAST);
    if (cast != NULL && cast->graph == p->g && ir_node_input(cast, 0)->type.dtype == SY_DT_F32) {
        *out = ir_node_input(cast, 0);
        return SY_OK;
    }
    return v->kind == IR_VALUE_CONST && !v->feedable ? wide_const(p, v, out) : convert(p, before, v, SY_DT_F32, out);
}

/* One ONNX operator of one bf16 result. */
static sy_status widen(bf16_pass *p, ir_node *n)
{
    ir_value *y = ir_node_output(n, 0), *narrow = NULL;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        ir_value *wide = NULL;
        if (is_bf16(ir_node_input(n, i))) {
            SY_TRY(widened(p, n, ir_node_input(n, i), &wide));
            ir_node_set_input(n, i, wide);
        }
    }
    ir_value_forget_type(y);
    SY_TRY(ir_infer_node(n, p->diag));
    ir_node *cast = NULL;
    SY_TRY(ir_node_create_op(p->g, n->next, IR_OP_CAST, 0, NULL, &cast, &narrow));
    ir_value_replace_uses(y, narrow);
    SY_TRY(ir_node_add_input(cast, y));
    SY_TRY(ir_node_set_int(cast, "to", SY_DT_BF16));
    return ir_infer_node(cast, p->diag);
}

/* It computes in what its first operand is, and has neither regions nor a second result. */
static bool can_widen(const ir_node *n)
{
    if (n->op == NULL || strcmp(n->op->domain, "") != 0 || (n->op->props & IR_P_REGION) != 0 || ir_node_is(n, IR_OP_CAST) ||
        !is_bf16(ir_node_output(n, 0))) {
        return false;
    }
    for (uint32_t i = 1; i < n->n_outputs; i++) {
        if (ir_node_output(n, i) != NULL && ir_node_output(n, i)->n_uses > 0) {
            return false;
        }
    }
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        if (is_bf16(ir_node_input(n, i))) {
            return true;
        }
    }
    return false;
}

sy_status ir_bf16_widen(bf16_pass *p)
{
    ir_node *next;
    for (ir_node *n = p->g->first; n != NULL; n = next) {
        next = n->next;
        if (can_widen(n)) {
            SY_TRY(widen(p, n));
        }
    }
    ir_graph_remove_dead(p->g);
    return SY_OK;
}
