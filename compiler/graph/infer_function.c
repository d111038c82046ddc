/*
 * infer_function.c -- inference of the operators in ops_math.def.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "einsum.h"
#include "infer_internal.h"

#include <inttypes.h>
#include <string.h>

/* ---------------------------------------------------------------- elementwise */

sy_status ir_infer_same_int(ir_infer_args *a)
{
    ir_type t;
    SY_TRY(ir_infer_operand(a, 0, &t));
    SY_TRY(ir_infer_want_class(a, 0, t.dtype, SY_DC_INT));
    t.quant = NULL;
    ir_infer_result_type(a, 0, &t);
    return SY_OK;
}

sy_status ir_infer_bitwise(ir_infer_args *a)
{
    ir_type t;
    SY_TRY(ir_infer_operand(a, 0, &t));
    SY_TRY(ir_infer_want_class(a, 0, t.dtype, SY_DC_INT));
    return ir_infer_arithmetic(a);
}

sy_status ir_infer_float_test(ir_infer_args *a)
{
    ir_type t;
    SY_TRY(ir_infer_same_float(a));
    SY_TRY(ir_infer_operand(a, 0, &t));
    t.dtype = SY_DT_BOOL;
    t.quant = NULL;
    ir_infer_result_type(a, 0, &t);
    return SY_OK;
}

sy_status ir_infer_cast_like(ir_infer_args *a)
{
    ir_type t, like;
    SY_TRY(ir_infer_operand(a, 0, &t));
    SY_TRY(ir_infer_operand(a, 1, &like));
    t.dtype = like.dtype;
    t.quant = NULL;
    ir_infer_result_type(a, 0, &t);
    return SY_OK;
}

sy_status ir_infer_bit_cast(ir_infer_args *a)
{
    ir_type t;
    SY_TRY(ir_infer_operand(a, 0, &t));
    const int64_t to = ir_node_int(a->node, "to", -1);
    if (to <= 0 || to >= SY_DT_COUNT || to == SY_DT_STRING) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'to' must be the number of a dtype that is no string, got %" PRId64,
                              to);
    }
    if (t.dtype != SY_DT_NONE && sy_dtype_bits(t.dtype) != sy_dtype_bits((sy_dtype)to)) {
        return ir_infer_error(a, SY_EINVAL, "%s has not as many bits as %s", sy_dtype_name(t.dtype),
                              sy_dtype_name((sy_dtype)to));
    }
    t.dtype = (sy_dtype)to;
    t.quant = NULL;
    ir_infer_result_type(a, 0, &t);
    return SY_OK;
}

sy_status ir_infer_swiglu(ir_infer_args *a)
{
    ir_type x, y;
    sy_dtype dtype;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &y));
    SY_TRY(ir_infer_want_class(a, 0, x.dtype, SY_DC_FLOAT));
    SY_TRY(ir_infer_same_dtype(a, 0, x.dtype, 1, y.dtype, &dtype));
    for (int32_t i = 0; x.has_rank && i < x.rank; i++) {
        SY_TRY(ir_infer_want_rank(a, 1, &y, x.rank));
        SY_TRY(ir_infer_want_dim(a, 1, &y, i, x.dims[i]));
    }
    x.dtype = dtype;
    x.quant = NULL;
    ir_infer_result_type(a, 0, &x);
    return SY_OK;
}

sy_status ir_infer_dropout(ir_infer_args *a)
{
    ir_type t, mask;
    SY_TRY(ir_infer_operand(a, 0, &t));
    SY_TRY(ir_infer_want_class(a, 0, t.dtype, SY_DC_FLOAT));
    t.quant = NULL;
    ir_infer_result_type(a, 0, &t);
    mask = t;
    mask.dtype = SY_DT_BOOL;
    ir_infer_result_type(a, 1, &mask);
    return SY_OK;
}

/* ---------------------------------------------------------------- along axes */

sy_status ir_infer_cumulative(ir_infer_args *a)
{
    ir_type t, axis;
    int64_t value;
    int32_t place;
    SY_TRY(ir_infer_same(a));
    SY_TRY(ir_infer_operand(a, 0, &t));
    SY_TRY(ir_infer_operand(a, 1, &axis));
    SY_TRY(ir_infer_want_class(a, 1, axis.dtype, SY_DC_INT));
    const ir_elements e = ir_infer_elements(a, 1);
    if (t.has_rank && t.rank > 0 && e.elements != NULL && e.n == 1 && ir_dim_is_const(e.elements[0], &value)) {
        SY_TRY(ir_infer_axis(a, value, t.rank, &place));
    }
    return SY_OK;
}

sy_status ir_infer_det(ir_infer_args *a)
{
    ir_type t;
    SY_TRY(ir_infer_operand(a, 0, &t));
    SY_TRY(ir_infer_want_class(a, 0, t.dtype, SY_DC_FLOAT));
    if (!t.has_rank) {
        return ir_infer_result(a, 0, t.dtype, -1, NULL);
    }
    if (t.rank < 2) {
        return ir_infer_error(a, SY_ESHAPE, "operand 0 must have at least 2 dimensions, got %d", t.rank);
    }
    SY_TRY(ir_infer_want_dim(a, 0, &t, t.rank - 1, t.dims[t.rank - 2]));
    return ir_infer_result(a, 0, t.dtype, t.rank - 2, t.dims);
}

/* ---------------------------------------------------------------- Einsum */

/* The size of each label: dimensions of size 1 yield to others. */
static sy_status label_sizes(ir_infer_args *a, const ir_einsum *e, const ir_type *types,
                             ir_dim sizes[IR_EINSUM_LABELS])
{
    for (uint32_t i = 0; i < e->n_operands; i++) {
        for (int32_t d = 0; d < types[i].rank; d++) {
            ir_dim *size = &sizes[e->labels[i][d]];
            const ir_dim mine = types[i].dims[d];
            int64_t x, y;
            const bool known = *size != NULL && ir_dim_is_const(*size, &x);
            const bool mine_known = ir_dim_is_const(mine, &y);
            if (*size == NULL || (known && x == 1)) {
                *size = mine;
            } else if (known && mine_known && y != 1 && x != y) {
                return ir_infer_error(a, SY_ESHAPE,
                                      "dimension %d of operand %u must be %" PRId64 ", got %" PRId64, d, i, x, y);
            } else if (!known && mine_known && y != 1) {
                *size = mine;
            }
        }
    }
    return SY_OK;
}

sy_status ir_infer_einsum(ir_infer_args *a)
{
    const char *equation = ir_node_string(a->node, "equation", NULL);
    ir_type *types = BASE_ARENA_ARRAY(a->module->arena, ir_type, a->n_inputs);
    int32_t *ranks = BASE_ARENA_ARRAY(a->module->arena, int32_t, a->n_inputs);
    ir_dim sizes[IR_EINSUM_LABELS] = { NULL }, dims[IR_MAX_RANK];
    sy_dtype dtype = SY_DT_NONE;
    bool ranked = true;
    ir_einsum e;
    base_diag reason = { "" };
    if (types == NULL || ranks == NULL) {
        return SY_ENOMEM;
    }
    if (equation == NULL) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'equation' is missing");
    }
    for (uint32_t i = 0; i < a->n_inputs; i++) {
        SY_TRY(ir_infer_operand(a, i, &types[i]));
        SY_TRY(ir_infer_same_dtype(a, 0, dtype, i, types[i].dtype, &dtype));
        ranks[i] = types[i].rank;
        ranked = ranked && types[i].has_rank;
    }
    if (!ranked) {
        return ir_infer_result(a, 0, dtype, -1, NULL);
    }
    const sy_status status = ir_einsum_parse(a->module->arena, equation, strlen(equation), a->n_inputs, ranks,
                                             &reason, &e);
    if (status != SY_OK) {
        return status == SY_ENOMEM ? status : ir_infer_error(a, status, "%s", base_diag_message(&reason));
    }
    SY_TRY(label_sizes(a, &e, types, sizes));
    for (int32_t d = 0; d < e.rank; d++) {
        dims[d] = sizes[e.result[d]];
    }
    return ir_infer_result(a, 0, dtype, e.rank, dims);
}
