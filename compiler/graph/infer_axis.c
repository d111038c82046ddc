/*
 * infer_axis.c -- inference of ArgMax, ArgMin, Size.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"

sy_status ir_infer_arg(ir_infer_args *a)
{
    ir_type x;
    int32_t axis;
    SY_TRY(ir_infer_operand(a, 0, &x));
    const bool keep = ir_node_int(a->node, "keepdims", 1) != 0;
    if (!x.has_rank) {
        return ir_infer_result(a, 0, SY_DT_I64, -1, NULL);
    }
    SY_TRY(ir_infer_axis(a, ir_node_int(a->node, "axis", 0), x.rank, &axis));
    ir_dim dims[IR_MAX_RANK];
    int32_t rank = 0;
    for (int32_t i = 0; i < x.rank; i++) {
        if (i != axis) {
            dims[rank++] = x.dims[i];
        } else if (keep) {
            dims[rank++] = ir_dim_const(a->module, 1);
        }
    }
    return ir_infer_result(a, 0, SY_DT_I64, rank, dims);
}

sy_status ir_infer_size(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_result(a, 0, SY_DT_I64, 0, NULL));
    const ir_dim n = ir_type_n_elements(a->module, &x);
    return n != NULL ? ir_infer_set_elements(a, 0, 1, &n) : SY_OK;
}
