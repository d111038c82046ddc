/*
 * infer_signal.c -- inference of random numbers, signals, losses and optimisers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"

/* The type that attribute `name` numbers; `fallback` without it. */
static sy_status dtype_attr(const ir_infer_args *a, const char *name, sy_dtype fallback, sy_dtype *out)
{
    const int64_t number = ir_node_int(a->node, name, fallback);
    const sy_dtype_class c = number > 0 && number < SY_DT_COUNT ? sy_dtype_class_of((sy_dtype)number) : SY_DC_NONE;
    *out = (sy_dtype)number;
    return number == (int64_t)fallback || (c != SY_DC_NONE && c != SY_DC_COMPLEX && c != SY_DC_STRING)
               ? SY_OK
               : ir_infer_error(a, SY_EINVAL, "attribute '%s' is %lld, which is no type for numbers", name,
                                (long long)number);
}

/* ---------------------------------------------------------------- random numbers */

sy_status ir_infer_random(ir_infer_args *a)
{
    const int64_t *shape = NULL;
    const uint32_t n = ir_node_ints(a->node, "shape", &shape);
    ir_dim dims[IR_MAX_RANK];
    sy_dtype dtype;
    SY_TRY(dtype_attr(a, "dtype", SY_DT_F32, &dtype));
    if (n > IR_MAX_RANK) {
        return ir_infer_error(a, SY_ERANGE, "attribute 'shape' has %u sizes, at most %d are possible", n, IR_MAX_RANK);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (shape[i] < 0) {
            return ir_infer_error(a, SY_EINVAL, "attribute 'shape' has size %lld", (long long)shape[i]);
        }
        dims[i] = ir_dim_const(a->module, shape[i]);
    }
    return ir_infer_result(a, 0, dtype, (int32_t)n, dims);
}

sy_status ir_infer_random_like(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(dtype_attr(a, "dtype", x.dtype, &x.dtype));
    x.quant = NULL;
    ir_infer_result_type(a, 0, &x);
    return SY_OK;
}

sy_status ir_infer_multinomial(ir_infer_args *a)
{
    ir_type x;
    sy_dtype dtype;
    const int64_t n = ir_node_int(a->node, "sample_size", 1);
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_want_rank(a, 0, &x, 2));
    SY_TRY(dtype_attr(a, "dtype", SY_DT_I32, &dtype));
    if (n < 1 || n > INT32_MAX || (dtype != SY_DT_I32 && dtype != SY_DT_I64)) {
        return ir_infer_error(a, SY_EINVAL, "sample_size %lld, dtype %s: expected at least one sample, as i32 or i64",
                              (long long)n, sy_dtype_name(dtype));
    }
    const ir_dim rows = x.has_rank ? x.dims[0] : ir_infer_fresh(a, 0, 0);
    return ir_infer_result(a, 0, dtype, 2, (const ir_dim[2]){ rows, ir_dim_const(a->module, n) });
}

/* ---------------------------------------------------------------- signals */

/* The one integer in operand i: *known = false if it is not known here. */
static sy_status scalar_of(const ir_infer_args *a, uint32_t i, int64_t *out, bool *known)
{
    ir_tensor t = { 0 };
    *known = false;
    SY_TRY(ir_infer_data(a, i, &t));
    if (t.data == NULL) {
        return SY_OK;
    }
    if ((t.dtype != SY_DT_I32 && t.dtype != SY_DT_I64) || ir_tensor_n_elements(&t) != 1) {
        return ir_infer_error(a, SY_EINVAL, "operand %u: expected one number of type i32 or i64", i);
    }
    *known = true;
    *out = ir_tensor_get_i64(&t, 0);
    return SY_OK;
}

/* Real (1) or complex (2) numbers in the last axis. */
static sy_status want_signal(const ir_infer_args *a, const ir_type *x, int32_t least_rank)
{
    int64_t parts;
    SY_TRY(ir_infer_want_class(a, 0, x->dtype, SY_DC_FLOAT));
    if (x->has_rank && x->rank < least_rank) {
        return ir_infer_error(a, SY_ESHAPE, "operand 0 has rank %d, expected at least %d", x->rank, least_rank);
    }
    if (x->has_rank && ir_dim_is_const(x->dims[x->rank - 1], &parts) && parts != 1 && parts != 2) {
        return ir_infer_error(a, SY_ESHAPE, "the last axis of operand 0 has size %lld, expected 1 (real) or 2 (complex)",
                              (long long)parts);
    }
    return SY_OK;
}

/* The length of a transform must be one that can be computed. */
static sy_status want_length(const ir_infer_args *a, int64_t n)
{
    return n >= 1 && n <= INT32_MAX ? SY_OK
                                    : ir_infer_error(a, SY_ERANGE, "a transform of length %lld, expected 1 to 2^31 - 1",
                                                     (long long)n);
}

/* x, dft_length, axis */
sy_status ir_infer_dft(ir_infer_args *a)
{
    ir_type x;
    int64_t axis = -2, length = 0;
    bool axis_known = true, length_known = false;
    ir_dim dims[IR_MAX_RANK];
    const bool onesided = ir_node_int(a->node, "onesided", 0) != 0, inverse = ir_node_int(a->node, "inverse", 0) != 0;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(want_signal(a, &x, 2));
    if (!x.has_rank) {
        return ir_infer_result(a, 0, x.dtype, -1, NULL);
    }
    if (ir_infer_has(a, 2)) {
        SY_TRY(scalar_of(a, 2, &axis, &axis_known));
    }
    if (ir_infer_has(a, 1)) {
        SY_TRY(scalar_of(a, 1, &length, &length_known));
        if (length_known) {
            SY_TRY(want_length(a, length));
        }
    }
    if (!axis_known) {
        for (int32_t i = 0; i < x.rank; i++) {
            dims[i] = ir_infer_fresh(a, 0, i);
        }
        return ir_infer_result(a, 0, x.dtype, x.rank, dims);
    }
    int32_t at = 0;
    SY_TRY(ir_infer_axis(a, axis, x.rank, &at));
    if (at == x.rank - 1) {
        return ir_infer_error(a, SY_EINVAL, "axis %lld is that of the real and imaginary parts", (long long)axis);
    }
    ir_module *m = a->module;
    const ir_dim one = ir_dim_const(m, 1), two = ir_dim_const(m, 2);
    ir_dim n = x.dims[at];
    if (ir_infer_has(a, 1)) {
        n = length_known ? ir_dim_const(m, length) : NULL;
    } else if (inverse && onesided) {
        n = ir_dim_mul(m, two, ir_dim_sub(m, n, one));
    }
    if (onesided && !inverse && n != NULL) {
        n = ir_dim_add(m, ir_dim_floor_div(m, n, two), one);
    }
    for (int32_t i = 0; i < x.rank; i++) {
        dims[i] = x.dims[i];
    }
    dims[at] = n != NULL ? n : ir_infer_fresh(a, 0, at);
    dims[x.rank - 1] = onesided && inverse ? one : two;
    return ir_infer_result(a, 0, x.dtype, x.rank, dims);
}

/* signal, frame_step, window, frame_length */
sy_status ir_infer_stft(ir_infer_args *a)
{
    ir_module *m = a->module;
    ir_type x, window;
    int64_t step = 0, length = 0;
    bool step_known = false, length_known = false;
    SY_TRY(ir_infer_operand(a, 0, &x));
    if (x.has_rank && x.rank == 2) { /* (batch, time): real, as PyTorch writes it */
        SY_TRY(ir_infer_want_class(a, 0, x.dtype, SY_DC_FLOAT));
    } else {
        SY_TRY(want_signal(a, &x, 3));
    }
    SY_TRY(scalar_of(a, 1, &step, &step_known));
    if (step_known && step < 1) {
        return ir_infer_error(a, SY_EINVAL, "frame_step is %lld, expected at least 1", (long long)step);
    }
    if (ir_infer_has(a, 3)) {
        SY_TRY(scalar_of(a, 3, &length, &length_known));
    } else if (ir_infer_has(a, 2)) {
        SY_TRY(ir_infer_operand(a, 2, &window));
        SY_TRY(ir_infer_want_rank(a, 2, &window, 1));
        length_known = window.has_rank && ir_dim_is_const(window.dims[0], &length);
    }
    if (!x.has_rank) {
        return ir_infer_result(a, 0, x.dtype, -1, NULL);
    }
    const ir_dim rows = x.dims[x.rank == 2 ? 1 : x.rank - 2];
    const ir_dim one = ir_dim_const(m, 1);
    ir_dim n = NULL, frames = NULL;
    if (length_known) {
        SY_TRY(want_length(a, length));
        n = ir_dim_const(m, length);
    } else if (!ir_infer_has(a, 3) && !ir_infer_has(a, 2)) {
        n = rows;
    }
    if (n != NULL && step_known) {
        frames = ir_dim_add(m, one, ir_dim_floor_div(m, ir_dim_sub(m, rows, n), ir_dim_const(m, step)));
    }
    if (n != NULL && ir_node_int(a->node, "onesided", 1) != 0) {
        n = ir_dim_add(m, ir_dim_floor_div(m, n, ir_dim_const(m, 2)), one);
    }
    const ir_dim dims[4] = { x.dims[0], frames != NULL ? frames : ir_infer_fresh(a, 0, 1),
                             n != NULL ? n : ir_infer_fresh(a, 0, 2), ir_dim_const(m, 2) };
    return ir_infer_result(a, 0, x.dtype, 4, dims);
}

/* HannWindow, HammingWindow, BlackmanWindow: size */
sy_status ir_infer_signal_window(ir_infer_args *a)
{
    int64_t n = 0;
    bool known = false;
    sy_dtype dtype;
    SY_TRY(scalar_of(a, 0, &n, &known));
    SY_TRY(dtype_attr(a, "output_datatype", SY_DT_F32, &dtype));
    if (known && n < 0) {
        return ir_infer_error(a, SY_EINVAL, "a window of size %lld", (long long)n);
    }
    const ir_dim dims[1] = { known ? ir_dim_const(a->module, n) : ir_infer_fresh(a, 0, 0) };
    return ir_infer_result(a, 0, dtype, 1, dims);
}

/* num_mel_bins, dft_length, sample_rate, lower_edge_hertz, upper_edge_hertz */
sy_status ir_infer_mel(ir_infer_args *a)
{
    int64_t bins = 0, length = 0;
    bool bins_known = false, length_known = false;
    sy_dtype dtype;
    SY_TRY(scalar_of(a, 0, &bins, &bins_known));
    SY_TRY(scalar_of(a, 1, &length, &length_known));
    SY_TRY(dtype_attr(a, "output_datatype", SY_DT_F32, &dtype));
    if ((bins_known && bins < 0) || (length_known && length < 0)) {
        return ir_infer_error(a, SY_EINVAL, "num_mel_bins %lld, dft_length %lld: expected at least 0", (long long)bins,
                              (long long)length);
    }
    const ir_dim dims[2] = { length_known ? ir_dim_const(a->module, length / 2 + 1) : ir_infer_fresh(a, 0, 0),
                             bins_known ? ir_dim_const(a->module, bins) : ir_infer_fresh(a, 0, 1) };
    return ir_infer_result(a, 0, dtype, 2, dims);
}

/* ---------------------------------------------------------------- losses */

/* scores [N, C, d1, ...], target [N, d1, ...]: *reduced is false if the loss keeps the target's shape */
static sy_status loss_operands(const ir_infer_args *a, ir_type *x, ir_type *target, bool *reduced)
{
    const char *reduction = ir_node_string(a->node, "reduction", "mean");
    *reduced = reduction[0] != 'n'; /* none; kernels check the word */
    SY_TRY(ir_infer_operand(a, 0, x));
    SY_TRY(ir_infer_operand(a, 1, target));
    SY_TRY(ir_infer_want_class(a, 0, x->dtype, SY_DC_FLOAT));
    if (x->has_rank && x->rank < 2) {
        return ir_infer_error(a, SY_ESHAPE, "operand 0 has rank %d, expected at least 2", x->rank);
    }
    if (x->has_rank && target->has_rank && target->rank != x->rank - 1) {
        return ir_infer_error(a, SY_ESHAPE, "operand 1 has rank %d, expected %d", target->rank, x->rank - 1);
    }
    return SY_OK;
}

sy_status ir_infer_nll_loss(ir_infer_args *a)
{
    ir_type x, target;
    bool reduced;
    SY_TRY(loss_operands(a, &x, &target, &reduced));
    return reduced ? ir_infer_result(a, 0, x.dtype, 0, NULL)
                   : ir_infer_result(a, 0, x.dtype, target.has_rank ? target.rank : -1, target.dims);
}

/* ---------------------------------------------------------------- optimisers */

/* R, T, then groups of tensors, the first `results` groups' new values are the results. */
static sy_status optimiser(ir_infer_args *a, uint32_t groups, const uint32_t *results, uint32_t n_results)
{
    if (a->n_inputs < 2 + groups || (a->n_inputs - 2) % groups != 0) {
        return ir_infer_error(a, SY_EINVAL, "%u operands, expected 2 and then %u for each tensor", a->n_inputs, groups);
    }
    const uint32_t n = (a->n_inputs - 2) / groups;
    if (a->n_outputs > n * n_results) {
        return ir_infer_error(a, SY_EINVAL, "%u results, expected at most %u", a->n_outputs, n * n_results);
    }
    for (uint32_t i = 0; i < a->n_outputs; i++) {
        ir_type t;
        SY_TRY(ir_infer_operand(a, 2 + results[i / n] * n + i % n, &t));
        ir_infer_result_type(a, i, &t);
    }
    return SY_OK;
}

/* X, G, H -> X, H; the same for Momentum's V */
sy_status ir_infer_adagrad(ir_infer_args *a)
{
    return optimiser(a, 3, (const uint32_t[2]){ 0, 2 }, 2);
}

/* X, G, V, H -> X, V, H */
sy_status ir_infer_adam(ir_infer_args *a)
{
    return optimiser(a, 4, (const uint32_t[3]){ 0, 2, 3 }, 3);
}
