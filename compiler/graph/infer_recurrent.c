/*
 * infer_recurrent.c -- inference of RNN, GRU and LSTM.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"

#include <inttypes.h>
#include <string.h>

/* Operand i, if present, has these dimensions. */
static sy_status want_shape(const ir_infer_args *a, uint32_t i, int32_t rank, const ir_dim *dims)
{
    ir_type t;
    if (!ir_infer_has(a, i)) {
        return SY_OK;
    }
    SY_TRY(ir_infer_operand(a, i, &t));
    SY_TRY(ir_infer_want_rank(a, i, &t, rank));
    for (int32_t j = 0; j < rank; j++) {
        SY_TRY(ir_infer_want_dim(a, i, &t, j, dims[j]));
    }
    return SY_OK;
}

/* The size of a state: the attribute, else what the recurrence weights [dirs, gates * hidden, hidden] say. */
static sy_status hidden_size(const ir_infer_args *a, int64_t *out)
{
    ir_type r;
    SY_TRY(ir_infer_operand(a, 2, &r));
    SY_TRY(ir_infer_want_rank(a, 2, &r, 3));
    *out = 0;
    if (r.has_rank) {
        (void)ir_dim_is_const(r.dims[2], out);
    }
    *out = ir_node_int(a->node, "hidden_size", *out);
    return *out >= 1 && *out <= INT32_MAX / 8
               ? SY_OK
               : ir_infer_error(a, SY_EINVAL, "attribute 'hidden_size' must be at least 1, got %" PRId64, *out);
}

/* `gates`: matrices for each direction; the operands after initial_h are checked by the caller. */
static sy_status recurrent(ir_infer_args *a, int64_t gates, uint32_t n_states)
{
    ir_module *m = a->module;
    ir_type x, t;
    int64_t hidden = 0;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_want_class(a, 0, x.dtype, SY_DC_FLOAT));
    SY_TRY(ir_infer_want_rank(a, 0, &x, 3));
    SY_TRY(hidden_size(a, &hidden));
    for (uint32_t i = 1; i < a->n_inputs; i++) {
        if (ir_infer_has(a, i)) {
            SY_TRY(ir_infer_operand(a, i, &t));
            SY_TRY(i == 4 ? ir_infer_want_class(a, i, t.dtype, SY_DC_INT)
                          : ir_infer_same_dtype(a, 0, x.dtype, i, t.dtype, &t.dtype));
        }
    }
    const char *direction = ir_node_string(a->node, "direction", "forward");
    if (strcmp(direction, "forward") != 0 && strcmp(direction, "reverse") != 0 &&
        strcmp(direction, "bidirectional") != 0 && strcmp(direction, "foward") != 0) { /* as opset 1 had it */
        return ir_infer_error(a, SY_EINVAL, "attribute 'direction' is '%s', expected forward, reverse or bidirectional",
                              direction);
    }
    const bool batch_first = ir_node_int(a->node, "layout", 0) != 0;
    const ir_dim dirs = ir_dim_const(m, direction[0] == 'b' ? 2 : 1), h = ir_dim_const(m, hidden);
    const ir_dim seq = x.has_rank ? x.dims[batch_first] : ir_infer_fresh(a, 0, 0);
    const ir_dim batch = x.has_rank ? x.dims[!batch_first] : ir_infer_fresh(a, 0, 2);
    const ir_dim in = x.has_rank ? x.dims[2] : NULL, rows = ir_dim_const(m, gates * hidden);
    const ir_dim w[3] = { dirs, rows, in }, r[3] = { dirs, rows, h }, b[2] = { dirs, ir_dim_const(m, 2 * gates * hidden) };
    const ir_dim state[3] = { batch_first ? batch : dirs, batch_first ? dirs : batch, h };
    SY_TRY(want_shape(a, 1, 3, w));
    SY_TRY(want_shape(a, 2, 3, r));
    SY_TRY(want_shape(a, 3, 2, b));
    SY_TRY(want_shape(a, 4, 1, &batch));
    SY_TRY(want_shape(a, 5, 3, state));
    if (n_states > 1) {
        const ir_dim p[2] = { dirs, ir_dim_const(m, 3 * hidden) };
        SY_TRY(want_shape(a, 6, 3, state));
        SY_TRY(want_shape(a, 7, 2, p));
    }
    const ir_dim seq_first[4] = { seq, dirs, batch, h }, batched[4] = { batch, seq, dirs, h };
    SY_TRY(ir_infer_result(a, 0, x.dtype, 4, batch_first ? batched : seq_first));
    for (uint32_t i = 0; i < n_states; i++) {
        SY_TRY(ir_infer_result(a, 1 + i, x.dtype, 3, state));
    }
    return SY_OK;
}

sy_status ir_infer_rnn(ir_infer_args *a)
{
    return recurrent(a, 1, 1);
}

sy_status ir_infer_gru(ir_infer_args *a)
{
    return recurrent(a, 3, 1);
}

sy_status ir_infer_lstm(ir_infer_args *a)
{
    return recurrent(a, 4, 2);
}
