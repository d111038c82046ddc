/*
 * quant_params.c -- scales and zero points; int8 twins of uint8 values; weights and biases.
 *
 * x uint8 with zero point z means the same as x ^ 0x80 int8 with zero point z - 128: the integers x
 * - z are equal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "quant_internal.h"

#include <float.h>
#include <math.h>
#include <string.h>

quant_info *ir_quant_info_of(quant_pass *p, ir_value *v)
{
    if (v->info == NULL) {
        v->info = BASE_ARENA_NEW(p->scratch, quant_info);
    }
    return v->info;
}

sy_status ir_quant_refuse(quant_pass *p, const ir_node *culprit, const char *reason)
{
    if (p->reason == NULL) { /* the innermost reason says most */
        p->reason = reason;
        p->culprit = culprit;
    }
    return SY_OK;
}

sy_status ir_quant_emit(const ir_node *source, uint32_t code, uint32_t n_inputs,
                        ir_value *const *inputs, ir_node **node, ir_value **result)
{
    /* at the place of the source: its operands are defined there, and its users come later */
    SY_TRY(
        ir_node_create_op(source->graph, (ir_node *)source, code, n_inputs, inputs, node, result));
    (*node)->name = source->name;
    (*node)->number = source->number;
    (*node)->loc = source->loc;
    (*result)->loc = source->loc;
    return SY_OK;
}

static sy_status infer_or_erase(quant_pass *p, const ir_node *source, ir_node *node, bool *fits)
{
    const sy_status status = ir_infer_node(node, p->diag);
    *fits = status == SY_OK;
    if (status == SY_OK || status == SY_ENOMEM) {
        return status;
    }
    const char *why = base_arena_strdup(p->m->arena, base_diag_message(p->diag));
    base_diag_clear(p->diag);
    ir_node_erase(node);
    return why == NULL ? SY_ENOMEM : ir_quant_refuse(p, source, why);
}

sy_status ir_quant_infer(quant_pass *p, const ir_node *source, ir_node *node, ir_value **result)
{
    bool fits = true;
    SY_TRY(infer_or_erase(p, source, node, &fits));
    *result = fits ? *result : NULL;
    return SY_OK;
}

sy_status ir_quant_copy(quant_pass *p, const ir_node *source, ir_value *const *inputs,
                        ir_node **node, ir_value **result)
{
    ir_node *copy = NULL;
    SY_TRY(ir_node_clone(source, source->graph, (ir_node *)source, inputs, &copy));
    copy->name = source->name;
    for (uint32_t i = 0; i < copy->n_outputs; i++) {
        if (copy->outputs[i] != NULL) { /* the clone has the float operator's types */
            copy->outputs[i]->type = (ir_type){.kind = IR_TYPE_UNKNOWN};
            copy->outputs[i]->elements = NULL;
            copy->outputs[i]->n_elements = 0;
            copy->outputs[i]->info = NULL;
        }
    }
    bool fits = true;
    SY_TRY(infer_or_erase(p, source, copy, &fits));
    *result = fits ? copy->outputs[0] : NULL;
    if (node != NULL) {
        *node = fits ? copy : NULL;
    }
    return SY_OK;
}

sy_status ir_quant_i8_const(quant_pass *p, ir_graph *g, int32_t value, ir_value **out)
{
    const int8_t byte = (int8_t)value;
    ir_const *c = NULL;
    SY_TRY(ir_const_inline(p->m, SY_DT_I8, 0, NULL, &byte, 1, p->diag, &c));
    return ir_graph_add_const(g, NULL, c, out);
}

/* ---------------------------------------------------------------- constants */

ir_const *ir_quant_const_of(const ir_value *v)
{
    for (uint32_t i = 0; v != NULL && i < QUANT_MAX_CHAIN; i++) {
        if (v->kind == IR_VALUE_CONST) {
            return v->constant->kind != IR_CONST_STATE ? v->constant : NULL;
        }
        v = v->kind == IR_VALUE_RESULT && ir_node_is(v->producer, IR_OP_IDENTITY)
                ? ir_node_input(v->producer, 0)
                : NULL;
    }
    return NULL;
}

/* The constant's bytes; NULL if they cannot be had. */
static const void *bytes_of(quant_pass *p, ir_const *c)
{
    const void *data = NULL;
    if (c == NULL || ir_const_data(p->m, c, p->diag, &data) != SY_OK) {
        return NULL;
    }
    return data;
}

/* ---------------------------------------------------------------- scales and zero points */

/*
 * A scale in which x^ * s neither overflows nor loses bits for all 8-bit x, so that Q(DQ(x)) is x
 * for equal parameters: a normal number with room above.
 */
static bool is_sound_scale(float s)
{
    return s >= FLT_MIN && s <= FLT_MAX / 512.0f; /* false for NaN */
}

static int32_t byte_at(const void *data, size_t i, bool is_unsigned)
{
    return is_unsigned ? ((const uint8_t *)data)[i] : ((const int8_t *)data)[i];
}

/* The dtype on the integer side of a Q or DQ node. */
static sy_dtype integer_dtype(const ir_node *n)
{
    const ir_value *zero = ir_node_input(n, 2);
    if (ir_node_is(n, IR_OP_DEQUANTIZELINEAR)) {
        return ir_node_input(n, 0) != NULL ? ir_node_input(n, 0)->type.dtype : SY_DT_NONE;
    }
    return zero == NULL ? (sy_dtype)ir_node_int(n, "output_dtype", SY_DT_U8) : zero->type.dtype;
}

/* Divides or gives its result in another type than fp32, or has a scale for each block. */
static bool is_other_form(const ir_node *n)
{
    const int64_t precision = ir_node_int(n, "precision", 0);
    const int64_t to = ir_node_is(n, IR_OP_DEQUANTIZELINEAR) ? ir_node_int(n, "output_dtype", 0) : 0;
    return ir_node_int(n, "block_size", 0) != 0 || (precision != 0 && precision != SY_DT_F32) ||
           (to != 0 && to != SY_DT_F32);
}

bool ir_quant_params_of(quant_pass *p, const ir_node *n, quant_params *out)
{
    const sy_dtype dtype = integer_dtype(n);
    const ir_value *zero = ir_node_input(n, 2);
    ir_const *scale = ir_quant_const_of(ir_node_input(n, 1)), *c = ir_quant_const_of(zero);
    if (dtype != SY_DT_I8 && dtype != SY_DT_U8) {
        (void)ir_quant_refuse(p, n, "only int8 and uint8 tensors are quantised arithmetic's");
        return false;
    }
    if (is_other_form(n)) {
        (void)ir_quant_refuse(p, n, "it has another precision than fp32, or blocks");
        return false;
    }
    if (scale == NULL || (zero != NULL && c == NULL)) {
        (void)ir_quant_refuse(p, n, "scale and zero point are not constants");
        return false;
    }
    if (scale->dtype != SY_DT_F32) {
        (void)ir_quant_refuse(p, n, "the scale is not fp32");
        return false;
    }
    if (scale->size_bytes != sizeof(float) || (c != NULL && c->size_bytes != 1)) {
        (void)ir_quant_refuse(p, n,
                              "an activation has a scale for each channel, not one for the tensor");
        return false;
    }
    const float *s = bytes_of(p, scale);
    const void *z = c != NULL ? bytes_of(p, c) : NULL;
    if (s == NULL || (c != NULL && z == NULL)) {
        (void)ir_quant_refuse(p, n, "scale or zero point cannot be read");
        return false;
    }
    if (!is_sound_scale(*s)) {
        (void)ir_quant_refuse(p, n, "the scale is not a positive normal number");
        return false;
    }
    out->scale = *s;
    out->zero = (z != NULL ? byte_at(z, 0, dtype == SY_DT_U8) : 0) - (dtype == SY_DT_U8 ? 128 : 0);
    return true;
}

int32_t ir_quant_of_float(quant_params p, float x)
{
    const float r = rintf(x / p.scale); /* the default rounding: nearest, ties to even */
    const float low = (float)(-128 - p.zero), high = (float)(127 - p.zero);
    return (int32_t)(r < low ? low : r > high ? high : r) + p.zero;
}

float ir_quant_to_float(quant_params p, int32_t q)
{
    return (float)(q - p.zero) * p.scale;
}

bool ir_quant_float_of(quant_pass *p, const ir_value *v, float *out)
{
    ir_const *c = ir_quant_const_of(v);
    if (c == NULL && v->kind == IR_VALUE_RESULT &&
        ir_node_is(v->producer, IR_OP_DEQUANTIZELINEAR)) {
        /* quantisers quantise fills and limits as well */
        const ir_node *dq = v->producer;
        quant_params params;
        c = ir_quant_const_of(ir_node_input(dq, 0));
        const void *byte = c != NULL && c->size_bytes == 1 ? bytes_of(p, c) : NULL;
        if (byte == NULL || !ir_quant_params_of(p, dq, &params)) {
            return false;
        }
        *out = ir_quant_to_float(params, byte_at(byte, 0, c->dtype == SY_DT_U8) -
                                             (c->dtype == SY_DT_U8 ? 128 : 0));
        return true;
    }
    const float *data = c != NULL && c->dtype == SY_DT_F32 && c->size_bytes == sizeof *out
                            ? bytes_of(p, c)
                            : NULL;
    if (data != NULL) {
        memcpy(out, data, sizeof *out);
    }
    return data != NULL;
}

/* ---------------------------------------------------------------- uint8 as int8 */

static sy_status flip_constant(quant_pass *p, ir_value *v, ir_const *c, ir_value **out)
{
    const uint8_t *data = bytes_of(p, c);
    uint8_t *flipped = base_arena_alloc(p->scratch, c->size_bytes, 1);
    ir_const *twin = NULL;
    if (data == NULL || flipped == NULL) {
        return flipped == NULL ? SY_ENOMEM : SY_EIO;
    }
    for (size_t i = 0; i < c->size_bytes; i++) {
        flipped[i] = data[i] ^ 0x80u;
    }
    SY_TRY(
        ir_const_inline(p->m, SY_DT_I8, c->rank, c->dims, flipped, c->size_bytes, p->diag, &twin));
    SY_TRY(ir_graph_add_const(v->graph, NULL, twin, out));
    (*out)->loc = v->loc;
    return SY_OK;
}

/* For values from outside the clusters: int8 = Cast(Cast(x, int32) - 128), exact. */
static sy_status convert(quant_pass *p, ir_value *v, ir_value **out)
{
    static const int32_t offset = 128;
    ir_graph *g = v->graph;
    ir_node *before = v->kind == IR_VALUE_RESULT ? v->producer->next : g->first;
    ir_node *widen = NULL, *shift = NULL, *narrow = NULL;
    ir_value *x = NULL;
    ir_const *c = NULL;
    ir_value *operands[2] = {NULL, NULL};
    SY_TRY(ir_const_inline(p->m, SY_DT_I32, 0, NULL, &offset, sizeof offset, p->diag, &c));
    SY_TRY(ir_graph_add_const(g, NULL, c, &operands[1]));
    SY_TRY(ir_node_create_op(g, before, IR_OP_CAST, 1, &v, &widen, &operands[0]));
    SY_TRY(ir_node_set_int(widen, "to", SY_DT_I32));
    SY_TRY(ir_infer_node(widen, p->diag));
    SY_TRY(ir_node_create_op(g, before, IR_OP_SUB, 2, operands, &shift, &x));
    SY_TRY(ir_infer_node(shift, p->diag));
    SY_TRY(ir_node_create_op(g, before, IR_OP_CAST, 1, &x, &narrow, out));
    SY_TRY(ir_node_set_int(narrow, "to", SY_DT_I8));
    return ir_infer_node(narrow, p->diag);
}

sy_status ir_quant_as_i8(quant_pass *p, ir_value *v, ir_value **out)
{
    quant_info *info = ir_quant_info_of(p, v);
    if (info == NULL) {
        return SY_ENOMEM;
    }
    if (v->type.dtype == SY_DT_I8) {
        *out = v;
        return SY_OK;
    }
    SY_ASSERT(v->type.dtype == SY_DT_U8);
    if (info->i8 == NULL) {
        ir_const *c = v->kind == IR_VALUE_CONST ? v->constant : NULL;
        SY_TRY(c != NULL ? flip_constant(p, v, c, &info->i8) : convert(p, v, &info->i8));
    }
    *out = info->i8;
    return SY_OK;
}

/* ---------------------------------------------------------------- weights */

/* The DQ node behind weights and whether a Transpose of both axes stands between. */
static const ir_node *weights_source(const ir_value *v, bool *transposed)
{
    for (uint32_t i = 0; v->kind == IR_VALUE_RESULT && i < QUANT_MAX_CHAIN; i++) {
        const ir_node *n = v->producer;
        if (ir_node_is(n, IR_OP_DEQUANTIZELINEAR)) {
            return is_other_form(n) ? NULL : n;
        }
        const bool flip = ir_node_is(n, IR_OP_TRANSPOSE) && v->type.has_rank && v->type.rank == 2;
        const int64_t *perm = NULL;
        if (flip && (ir_node_ints(n, "perm", &perm) == 0 || perm[0] == 1)) {
            *transposed = !*transposed;
        } else if (!flip && !ir_node_is(n, IR_OP_IDENTITY)) {
            return NULL;
        }
        v = ir_node_input(n, 0);
    }
    return NULL;
}

static bool zeros_are(const void *zeros, size_t n, bool is_unsigned)
{
    for (size_t i = 0; i < n; i++) {
        if (byte_at(zeros, i, is_unsigned) != (is_unsigned ? 128 : 0)) {
            return false;
        }
    }
    return true;
}

/* The bytes as int8, transposed if wanted, as a constant beside the core. */
static sy_status weights_constant(quant_pass *p, const ir_node *core, const ir_node *dq,
                                  ir_const *c, bool transpose, ir_value **out)
{
    const bool is_unsigned = c->dtype == SY_DT_U8;
    ir_value *x = ir_node_input(dq, 0);
    if (!is_unsigned && !transpose && x->kind == IR_VALUE_CONST) {
        *out = x;
        return SY_OK;
    }
    const uint8_t *data = bytes_of(p, c);
    uint8_t *made = base_arena_alloc(p->scratch, c->size_bytes, 1);
    ir_const *twin = NULL;
    const int64_t rows = transpose ? c->dims[0] : 1,
                  columns = transpose ? c->dims[1] : (int64_t)c->size_bytes;
    int64_t dims[IR_MAX_RANK];
    if (data == NULL || made == NULL) {
        return made == NULL ? SY_ENOMEM : ir_quant_refuse(p, core, "the weights cannot be read");
    }
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t k = 0; k < columns; k++) {
            made[k * rows + i] = (uint8_t)(data[i * columns + k] ^ (is_unsigned ? 0x80u : 0u));
        }
    }
    memcpy(dims, c->dims, sizeof dims);
    if (transpose) {
        dims[0] = columns;
        dims[1] = rows;
    }
    SY_TRY(ir_const_inline(p->m, SY_DT_I8, c->rank, dims, made, c->size_bytes, p->diag, &twin));
    SY_TRY(ir_graph_add_const(core->graph, ir_name_unique(p->m, x->name), twin, out));
    (*out)->loc = x->loc;
    return SY_OK;
}

sy_status ir_quant_weights_of(quant_pass *p, const ir_node *core, ir_value *v, int32_t axis,
                              bool transpose, quant_weights *out)
{
    bool turned = false;
    const ir_node *dq = v->kind == IR_VALUE_RESULT ? weights_source(v, &turned) : NULL;
    ir_const *c = dq != NULL ? ir_quant_const_of(ir_node_input(dq, 0)) : NULL;
    *out = (quant_weights){NULL, 0, NULL};
    if (c == NULL) {
        return ir_quant_refuse(
            p, core, dq == NULL ? "its weights are not quantised" : "its weights are not constant");
    }
    if (c->dtype != SY_DT_I8 && c->dtype != SY_DT_U8) {
        return ir_quant_refuse(p, core, "its weights are neither int8 nor uint8");
    }
    ir_const *scale = ir_quant_const_of(ir_node_input(dq, 1)),
             *zero = ir_quant_const_of(ir_node_input(dq, 2));
    const float *scales = scale != NULL && scale->dtype == SY_DT_F32 ? bytes_of(p, scale) : NULL;
    const void *zeros = zero != NULL ? bytes_of(p, zero) : NULL;
    const size_t n = scales != NULL ? scale->size_bytes / sizeof(float) : 0;
    if (n == 0 || n > UINT32_MAX || (ir_node_input(dq, 2) != NULL && zeros == NULL)) {
        return ir_quant_refuse(p, core,
                               "scale or zero point of its weights are not constants (fp32 scale)");
    }
    if (zeros != NULL ? !zeros_are(zeros, zero->size_bytes, c->dtype == SY_DT_U8)
                      : c->dtype == SY_DT_U8) {
        return ir_quant_refuse(p, core, "its weights have a zero point other than 0 (uint8: 128)");
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_sound_scale(scales[i])) {
            return ir_quant_refuse(p, core,
                                   "a scale of its weights is not a positive normal number");
        }
    }
    if (n > 1) {
        int64_t dq_axis = ir_node_int(dq, "axis", 1);
        dq_axis += dq_axis < 0 ? c->rank : 0;
        const int64_t wanted = turned != transpose ? (int64_t)(c->rank - 1 - axis) : axis;
        if (dq_axis != wanted || (int64_t)n != c->dims[wanted]) {
            return ir_quant_refuse(p, core,
                                   "the scales of its weights are not one for each output channel");
        }
    }
    out->n_scales = (uint32_t)n;
    out->scales = scales;
    return weights_constant(p, core, dq, c, turned != transpose, &out->value);
}

/* ---------------------------------------------------------------- bias */

/* Equal, or neighbours: quantisers compute the product in other orders or in double. */
static bool within_one_ulp(float a, float b)
{
    return a == b || nextafterf(a, b) == b;
}

/* The constant as int32 [n], repeated if it is one number; NULL if its shape is another. */
static sy_status bias_vector(quant_pass *p, const ir_node *core, ir_value *x, ir_const *c,
                             int64_t n, ir_value **out)
{
    const int32_t *data = bytes_of(p, c);
    const size_t count = c->size_bytes / sizeof(int32_t);
    ir_const *made = NULL;
    *out = NULL;
    if (data == NULL || (count != (size_t)n && count != 1) ||
        (c->rank > 0 && c->dims[c->rank - 1] != (int64_t)count)) {
        return ir_quant_refuse(p, core, "its bias is not one number for each output channel");
    }
    if (c->rank == 1 && count == (size_t)n && x->kind == IR_VALUE_CONST) {
        *out = x;
        return SY_OK;
    }
    int32_t *values = BASE_ARENA_ARRAY(p->scratch, int32_t, (size_t)n);
    if (values == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        values[i] = data[count == 1 ? 0 : i];
    }
    SY_TRY(ir_const_inline(p->m, SY_DT_I32, 1, &n, values, (size_t)n * sizeof *values, p->diag,
                           &made));
    SY_TRY(ir_graph_add_const(core->graph, ir_name_unique(p->m, x->name), made, out));
    (*out)->loc = x->loc;
    return SY_OK;
}

sy_status ir_quant_bias_of(quant_pass *p, const ir_node *core, ir_value *v, float x_scale,
                           const quant_weights *w, int64_t n, ir_value **out)
{
    const ir_node *dq = v->kind == IR_VALUE_RESULT &&
                                ir_node_is(v->producer, IR_OP_DEQUANTIZELINEAR) &&
                                !is_other_form(v->producer)
                            ? v->producer
                            : NULL;
    ir_value *x = dq != NULL ? ir_node_input(dq, 0) : NULL;
    ir_const *c = ir_quant_const_of(x);
    *out = NULL;
    if (c == NULL || c->dtype != SY_DT_I32) {
        return ir_quant_refuse(p, core,
                               "its bias is not a constant int32 through DequantizeLinear");
    }
    ir_const *scale = ir_quant_const_of(ir_node_input(dq, 1)),
             *zero = ir_quant_const_of(ir_node_input(dq, 2));
    const float *scales = scale != NULL && scale->dtype == SY_DT_F32 ? bytes_of(p, scale) : NULL;
    const int32_t *zeros = zero != NULL && zero->dtype == SY_DT_I32 ? bytes_of(p, zero) : NULL;
    const size_t n_scales = scales != NULL ? scale->size_bytes / sizeof(float) : 0;
    if (n_scales == 0 || (ir_node_input(dq, 2) != NULL && zeros == NULL) ||
        (n_scales != 1 && n_scales != (size_t)n)) {
        return ir_quant_refuse(p, core, "scale or zero point of its bias are not constants");
    }
    for (size_t i = 0; zeros != NULL && i < zero->size_bytes / sizeof *zeros; i++) {
        if (zeros[i] != 0) {
            return ir_quant_refuse(p, core, "its bias has a zero point other than 0");
        }
    }
    for (int64_t i = 0; i < n; i++) {
        const float product = x_scale * w->scales[w->n_scales == 1 ? 0 : i];
        if (!within_one_ulp(scales[n_scales == 1 ? 0 : i], product)) {
            return ir_quant_refuse(p, core, "the scale of its bias is not x_scale * w_scale");
        }
    }
    return bias_vector(p, core, x, c, n, out);
}

/* ---------------------------------------------------------------- Q of a constant */

sy_status ir_quant_fold_constant(quant_pass *p, ir_node *q, bool *folded)
{
    ir_const *x = ir_quant_const_of(ir_node_input(q, 0)),
             *scale = ir_quant_const_of(ir_node_input(q, 1));
    ir_const *zero = ir_quant_const_of(ir_node_input(q, 2));
    const sy_dtype dtype = integer_dtype(q);
    *folded = false;
    if (x == NULL || x->dtype != SY_DT_F32 || scale == NULL || scale->dtype != SY_DT_F32 ||
        (dtype != SY_DT_I8 && dtype != SY_DT_U8) || (ir_node_input(q, 2) != NULL && zero == NULL)) {
        return SY_OK;
    }
    const size_t n_scales = scale->size_bytes / sizeof(float),
                 count = x->size_bytes / sizeof(float);
    int64_t axis = ir_node_int(q, "axis", 1), inner = 1;
    axis += axis < 0 ? x->rank : 0;
    if (n_scales != 1 && (axis < 0 || axis >= x->rank || x->dims[axis] != (int64_t)n_scales)) {
        return SY_OK;
    }
    for (int64_t i = axis + 1; n_scales != 1 && i < x->rank; i++) {
        inner *= x->dims[i];
    }
    const float *data = bytes_of(p, x), *scales = bytes_of(p, scale);
    const void *zeros = zero != NULL ? bytes_of(p, zero) : NULL;
    int8_t *made = base_arena_alloc(p->scratch, count, 1);
    ir_const *c = NULL;
    ir_value *v = NULL;
    if (made == NULL) {
        return SY_ENOMEM;
    }
    if (data == NULL || scales == NULL ||
        (zero != NULL && (zeros == NULL || zero->size_bytes != n_scales))) {
        return SY_OK;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t k = n_scales == 1 ? 0 : i / (size_t)inner % n_scales;
        const int32_t flip = dtype == SY_DT_U8 ? 128 : 0;
        const quant_params one = {
            scales[k], (zeros != NULL ? byte_at(zeros, k, dtype == SY_DT_U8) : 0) - flip};
        if (!is_sound_scale(one.scale) || isnan(data[i])) {
            return SY_OK;
        }
        made[i] = (int8_t)(ir_quant_of_float(one, data[i]) +
                           flip); /* uint8: back to its own bits, modulo 256 */
    }
    SY_TRY(ir_const_inline(p->m, dtype, x->rank, x->dims, made, count, p->diag, &c));
    SY_TRY(ir_graph_add_const(q->graph, NULL, c, &v));
    v->loc = q->loc;
    ir_value_replace_uses(q->outputs[0], v);
    *folded = true;
    return SY_OK;
}
