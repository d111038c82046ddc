/*
 * bf16_split.c -- a product whose result is cut along the channels (queries, keys and values of one matrix) becomes one product for
 * each piece: the machine then makes each piece where it is wanted. Columns of a product do not depend on each other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bf16_internal.h"

#include <string.h>

/* x w (+ bias): what a Split cuts. */
typedef struct product {
    ir_value *x, *w, *bias; /* bias NULL: none */
} product;

static bool is_constant(const ir_value *v)
{
    return v != NULL && v->kind == IR_VALUE_CONST && !v->feedable && v->type.dtype == SY_DT_F32;
}

static bool product_before(const ir_value *v, product *out)
{
    const ir_node *add = ir_bf16_made_by(v, IR_OP_ADD), *matmul = ir_bf16_made_by(v, IR_OP_MATMUL);
    *out = (product){.bias = NULL};
    for (uint32_t i = 0; add != NULL && i < 2; i++) {
        ir_value *sum = ir_node_input(add, i);
        if (ir_bf16_is_vector(ir_node_input(add, 1 - i), v) && ir_bf16_made_by(sum, IR_OP_MATMUL) != NULL && ir_bf16_used_once(sum)) {
            matmul = sum->producer;
            out->bias = ir_node_input(add, 1 - i);
        }
    }
    if (matmul == NULL || !is_constant(ir_node_input(matmul, 1)) || ir_node_input(matmul, 1)->type.rank != 2) {
        return false;
    }
    out->x = ir_node_input(matmul, 0);
    out->w = ir_node_input(matmul, 1);
    return true;
}

/* Columns [from, from + n) of a constant whose last axis has `columns`; one row of it loses its other axes. */
static sy_status cut(bf16_pass *p, const ir_value *v, int64_t columns, int64_t from, int64_t n, ir_value **out)
{
    ir_tensor t;
    ir_const *c = NULL;
    SY_TRY(ir_const_tensor(p->m, v->constant, p->diag, &t));
    const int64_t rows = ir_tensor_n_elements(&t) / columns;
    float *data = BASE_ARENA_ARRAY(p->m->arena, float, (size_t)(rows * n) + 1);
    if (data == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < rows; i++) {
        memcpy(data + i * n, (const float *)t.data + i * columns + from, (size_t)n * sizeof *data);
    }
    const bool vector = rows == 1 && t.rank != 2;
    const int64_t dims[2] = {vector ? n : rows, n};
    SY_TRY(ir_const_borrow(p->m, SY_DT_F32, vector ? 1 : 2, dims, data, (size_t)(rows * n) * sizeof *data, p->diag, &c));
    return ir_graph_add_const(p->g, NULL, c, out);
}

static sy_status piece(bf16_pass *p, ir_node *before, const product *whole, int64_t columns, int64_t from, int64_t n, ir_value **out)
{
    ir_value *in[2] = {whole->x, NULL}, *sum[2] = {NULL, NULL};
    ir_node *node = NULL;
    SY_TRY(cut(p, whole->w, columns, from, n, &in[1]));
    SY_TRY(ir_node_create_op(p->g, before, IR_OP_MATMUL, 2, in, &node, out));
    SY_TRY(ir_infer_node(node, p->diag));
    if (whole->bias == NULL) {
        return SY_OK;
    }
    sum[0] = *out;
    SY_TRY(cut(p, whole->bias, columns, from, n, &sum[1]));
    SY_TRY(ir_node_create_op(p->g, before, IR_OP_ADD, 2, sum, &node, out));
    return ir_infer_node(node, p->diag);
}

sy_status ir_bf16_visit_split(bf16_pass *p, ir_node *n)
{
    ir_value *v = ir_node_input(n, 0);
    product whole;
    int64_t columns, axis;
    if (!ir_node_is(n, IR_OP_SPLIT) || !v->type.has_rank || v->type.rank < 2 || v->type.dtype != SY_DT_F32 || !ir_bf16_used_once(v) ||
        !ir_dim_is_const(v->type.dims[v->type.rank - 1], &columns) || !product_before(v, &whole)) {
        return SY_OK;
    }
    axis = ir_node_int(n, "axis", 0);
    if (axis != -1 && axis != v->type.rank - 1) {
        return SY_OK;
    }
    int64_t from = 0, size;
    for (uint32_t i = 0; i < n->n_outputs; i++) { /* all sizes are known */
        const ir_value *y = ir_node_output(n, i);
        if (y == NULL || !y->type.has_rank || !ir_dim_is_const(y->type.dims[v->type.rank - 1], &size)) {
            return SY_OK;
        }
    }
    for (uint32_t i = 0; i < n->n_outputs; i++, from += size) {
        ir_value *y = ir_node_output(n, i), *part = NULL;
        (void)ir_dim_is_const(y->type.dims[v->type.rank - 1], &size);
        if (y->n_uses > 0) {
            SY_TRY(piece(p, n, &whole, columns, from, size, &part));
            ir_value_replace_uses(y, part);
        }
    }
    return SY_OK;
}
