/*
 * bf16_pool.c -- means over windows and whole planes: AveragePool, GlobalAveragePool, and ReduceMean over the axes behind the channels.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bf16_internal.h"

/* The axes of a ReduceMean are all those behind the channels, each once. */
static bool over_planes(bf16_pass *p, const ir_node *n)
{
    const ir_value *axes = ir_node_input(n, 1);
    const int32_t rank = ir_node_input(n, 0)->type.rank;
    ir_tensor t;
    uint32_t seen = 0;
    if (axes == NULL || axes->kind != IR_VALUE_CONST || axes->feedable || ir_const_tensor(p->m, axes->constant, p->diag, &t) != SY_OK ||
        ir_tensor_n_elements(&t) != rank - 2) {
        return false;
    }
    for (int32_t i = 0; i < rank - 2; i++) {
        const int64_t axis = ir_tensor_get_i64(&t, i);
        const int64_t at = axis < 0 ? axis + rank : axis;
        if (at < 2 || at >= rank || (seen >> at & 1) != 0) {
            return false;
        }
        seen |= 1U << at;
    }
    return true;
}

/* [N,C,1,1] to [N,C] */
static sy_status drop_planes(bf16_pass *p, ir_node *old, ir_node *mean)
{
    ir_value *y = NULL, *f32 = NULL;
    ir_node *flatten = NULL, *cast = NULL;
    SY_TRY(ir_infer_node(mean, p->diag));
    ir_value *in = ir_node_output(mean, 0);
    SY_TRY(ir_node_create_op(p->g, old, IR_OP_FLATTEN, 1, &in, &flatten, &y));
    SY_TRY(ir_node_set_int(flatten, "axis", 1));
    SY_TRY(ir_infer_node(flatten, p->diag));
    SY_TRY(ir_node_create_op(p->g, old, IR_OP_CAST, 1, &y, &cast, &f32));
    SY_TRY(ir_node_set_int(cast, "to", SY_DT_F32));
    SY_TRY(ir_infer_node(cast, p->diag));
    ir_value_replace_uses(ir_node_output(old, 0), f32);
    return SY_OK;
}

/* Kernel, strides and pads as numbers. */
static sy_status set_window(ir_node *n, ir_node *mean, int32_t rank, const ir_window *w)
{
    int64_t pads[2 * IR_MAX_RANK];
    for (int32_t i = 0; i < rank; i++) {
        pads[i] = w->pads_begin[i];
        pads[rank + i] = w->pads_end[i];
    }
    SY_TRY(ir_node_set_ints(mean, "kernel_shape", (uint32_t)rank, w->kernel));
    SY_TRY(ir_node_set_ints(mean, "strides", (uint32_t)rank, w->strides));
    SY_TRY(ir_node_set_ints(mean, "pads", 2 * (uint32_t)rank, pads));
    SY_TRY(ir_node_set_int(mean, "ceil_mode", ir_node_int(n, "ceil_mode", 0)));
    return ir_node_set_int(mean, "count_include_pad", ir_node_int(n, "count_include_pad", 0));
}

sy_status ir_bf16_visit_mean(bf16_pass *p, ir_node *n)
{
    const ir_value *x = ir_node_input(n, 0);
    int64_t dims[IR_MAX_RANK];
    ir_window w;
    if (x->type.kind != IR_TYPE_TENSOR || x->type.dtype != SY_DT_F32 || x->type.rank < 3 || x->type.rank > 4 ||
        x->kind == IR_VALUE_CONST || !ir_type_static_dims(&x->type, dims)) {
        return SY_OK;
    }
    const int32_t rank = x->type.rank - 2;
    const bool windows = ir_node_is(n, IR_OP_AVERAGEPOOL);
    if (ir_node_is(n, IR_OP_REDUCEMEAN) && !over_planes(p, n)) {
        return SY_OK;
    }
    if (windows) {
        SY_TRY(ir_window_resolve(n, rank, dims + 2, NULL, p->diag, &w));
        for (int32_t i = 0; i < rank; i++) {
            if (w.dilations[i] != 1) {
                return SY_OK;
            }
        }
    }
    ir_value *in = NULL;
    ir_node *mean = NULL;
    SY_TRY(ir_bf16_operand(p, n, ir_node_input(n, 0), &in));
    SY_TRY(ir_bf16_replace(p, n, IR_OP_BAVERAGEPOOL, 1, &in, &mean));
    if (windows) {
        SY_TRY(set_window(n, mean, rank, &w));
    } else {
        SY_TRY(ir_node_set_int(mean, "global", 1));
    }
    return ir_node_is(n, IR_OP_REDUCEMEAN) && ir_node_int(n, "keepdims", 1) == 0 ? drop_planes(p, n, mean)
                                                                                  : ir_bf16_complete(p, n, mean);
}
