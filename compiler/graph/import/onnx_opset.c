/*
 * onnx_opset.c -- operators of older operator sets, in the form that the operator table has.
 *
 * One row per change: the operator, the version in which it took its present form, and the rule for
 * what came before. A rule changes operands and attributes of the node, or builds it from several
 * operators. Source: the change logs of ONNX (docs/Changelog.md), operator sets 1 to 28.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_internal.h"

#include <float.h>
#include <limits.h>
#include <string.h>

#define EVERY_VERSION INT64_MAX

/* ---------------------------------------------------------------- small steps */

/* Appends an operand at position i, absent ones before it. */
static sy_status set_input(onnx_node *n, uint32_t i, ir_value *v)
{
    if (i >= n->n_inputs) {
        ir_value **inputs = BASE_ARENA_ARRAY(n->in->scratch, ir_value *, (size_t)i + 1);
        if (inputs == NULL) {
            return SY_ENOMEM;
        }
        if (n->n_inputs > 0) {
            memcpy(inputs, n->inputs, n->n_inputs * sizeof *inputs);
        }
        n->inputs = inputs;
        n->n_inputs = i + 1;
    }
    n->inputs[i] = v;
    return SY_OK;
}

static ir_value *input(const onnx_node *n, uint32_t i)
{
    return i < n->n_inputs ? n->inputs[i] : NULL;
}

/* Operand i must be there. */
static sy_status need_input(const onnx_node *n, uint32_t i)
{
    return input(n, i) != NULL ? SY_OK : ir_onnx_fail(n, SY_EFORMAT, "operand %u is missing", i);
}

static sy_status need_one_result(const onnx_node *n)
{
    return n->n_outputs == 1 && n->proto->output[0][0] != '\0'
               ? SY_OK
               : ir_onnx_fail(n, SY_EFORMAT, "expected one result, got %u", n->n_outputs);
}

/* Attribute `name` (a list of integers) becomes operand i. */
static sy_status ints_to_input(onnx_node *n, const char *name, uint32_t i)
{
    const int64_t *values = NULL;
    uint32_t count = 0;
    bool found = false;
    ir_value *v = NULL;
    SY_TRY(ir_onnx_take_ints(n, name, &values, &count, &found));
    if (!found) {
        return SY_OK;
    }
    SY_TRY(ir_onnx_emit_i64s(n, count, values, &v));
    return set_input(n, i, v);
}

/* A scalar constant of x's element type. */
static sy_status scalar_like(onnx_node *n, const ir_value *x, float value, ir_value **out)
{
    ir_node *cast = NULL;
    const sy_dtype dtype = x != NULL ? x->type.dtype : SY_DT_NONE;
    SY_TRY(ir_onnx_emit_const(n, SY_DT_F32, 0, NULL, &value, sizeof value, out));
    if (dtype == SY_DT_NONE || dtype == SY_DT_F32) {
        return SY_OK;
    }
    SY_TRY(ir_onnx_emit(n, IR_OP_CAST, 1, out, &cast, out));
    SY_TRY(ir_node_set_int(cast, "to", dtype));
    return ir_onnx_emit_infer(n, cast);
}

static sy_status drop(onnx_node *n, const char *name)
{
    (void)ir_onnx_attr_take(n, name);
    return SY_OK;
}

/* Attribute `name` may only have this value; then it says nothing. */
static sy_status only_int(onnx_node *n, const char *name, int64_t value)
{
    int64_t have = value;
    bool found = false;
    SY_TRY(ir_onnx_take_int(n, name, &have, &found));
    return have == value
               ? SY_OK
               : ir_onnx_fail(n, SY_EUNSUPPORTED, "attribute '%s' is %lld, only %lld is supported",
                              name, (long long)have, (long long)value);
}

/* Adds an integer attribute that the node does not have. */
static sy_status add_int(onnx_node *n, const char *name, int64_t value)
{
    Onnx__AttributeProto *a = BASE_ARENA_NEW(n->in->scratch, Onnx__AttributeProto);
    char *copy = base_arena_strdup(n->in->scratch, name);
    const Onnx__AttributeProto **attrs = BASE_ARENA_ARRAY(
        n->in->scratch, const Onnx__AttributeProto *, (size_t)n->n_attrs + 1);
    if (a == NULL || copy == NULL || attrs == NULL) {
        return SY_ENOMEM;
    }
    onnx__attribute_proto__init(a);
    a->name = copy;
    a->has_type = a->has_i = true;
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    a->i = value;
    if (n->n_attrs > 0) {
        memcpy(attrs, n->attrs, n->n_attrs * sizeof *attrs);
    }
    attrs[n->n_attrs++] = a;
    n->attrs = attrs;
    return SY_OK;
}

static sy_status emit_one(onnx_node *n, uint32_t code, uint32_t n_inputs, ir_value *const *inputs,
                          ir_value **out)
{
    ir_node *node = NULL;
    SY_TRY(ir_onnx_emit(n, code, n_inputs, inputs, &node, out));
    return ir_onnx_emit_infer(n, node);
}

static sy_status reshape_like(onnx_node *n, ir_value *x, ir_value *like, ir_value **out)
{
    ir_value *operands[2] = {x, NULL};
    SY_TRY(emit_one(n, IR_OP_SHAPE, 1, &like, &operands[1]));
    return emit_one(n, IR_OP_RESHAPE, 2, operands, out);
}

/* ---------------------------------------------------------------- broadcasting before 7 */

/* Appends n_more dimensions of size 1 to operand 1. */
static sy_status append_dims(onnx_node *n, int64_t n_more)
{
    int64_t axes[IR_MAX_RANK];
    ir_value *operands[2] = {n->inputs[1], NULL};
    if (n_more <= 0) {
        return SY_OK;
    }
    for (int64_t i = 0; i < n_more; i++) {
        axes[i] = n->inputs[1]->type.rank + i;
    }
    SY_TRY(ir_onnx_emit_i64s(n, (uint32_t)n_more, axes, &operands[1]));
    return emit_one(n, IR_OP_UNSQUEEZE, 2, operands, &n->inputs[1]);
}

/* A slope for each channel was a vector, whatever x's rank. */
static sy_status prelu_before_7(onnx_node *n, bool *built)
{
    (void)built;
    SY_TRY(need_input(n, 0));
    SY_TRY(need_input(n, 1));
    const ir_type *x = &n->inputs[0]->type, *slope = &n->inputs[1]->type;
    int64_t size = 0;
    if (slope->has_rank &&
        (slope->rank != 1 || (ir_dim_is_const(slope->dims[0], &size) && size == 1))) {
        return SY_OK;
    }
    if (!x->has_rank || !slope->has_rank) {
        return ir_onnx_fail(n, SY_EUNSUPPORTED,
                            "slopes for each channel need an operand of known rank");
    }
    return append_dims(n, x->rank - 2);
}

/* With `axis`, b's dimensions stand at that place of a's: append dimensions of size 1. */
static sy_status old_broadcast(onnx_node *n, bool *built)
{
    int64_t broadcast = 0, axis = 0;
    bool found = false, has_axis = false;
    (void)built;
    SY_TRY(ir_onnx_take_int(n, "broadcast", &broadcast, &found));
    SY_TRY(ir_onnx_take_int(n, "axis", &axis, &has_axis));
    if (broadcast == 0 || !has_axis) {
        return SY_OK; /* equal shapes, or aligned at the end: what broadcasting now does anyway */
    }
    SY_TRY(need_input(n, 0));
    SY_TRY(need_input(n, 1));
    const ir_type *a = &n->inputs[0]->type, *b = &n->inputs[1]->type;
    if (!a->has_rank || !b->has_rank) {
        return ir_onnx_fail(n, SY_EUNSUPPORTED,
                            "broadcasting along axis %lld needs operands of known rank",
                            (long long)axis);
    }
    axis += axis < 0 ? a->rank : 0;
    const int64_t n_more = axis >= 0 && axis <= a->rank ? a->rank - axis - b->rank : -1;
    if (n_more < 0) {
        return ir_onnx_fail(n, SY_ESHAPE, "cannot broadcast rank %d to rank %d along axis %lld",
                            b->rank, a->rank, (long long)axis);
    }
    return append_dims(n, n_more);
}

/* ---------------------------------------------------------------- attributes that became operands
 */

static sy_status axes_as_attribute(onnx_node *n, bool *built)
{
    (void)built;
    return ints_to_input(n, "axes", 1);
}

static sy_status reshape_1(onnx_node *n, bool *built)
{
    (void)built;
    return ints_to_input(n, "shape", 1);
}

static sy_status split_before_18(onnx_node *n, bool *built)
{
    (void)built;
    SY_TRY(ints_to_input(n, "split", 1));
    /* without sizes: equal parts, as many as there are results */
    return input(n, 1) == NULL ? add_int(n, "num_outputs", n->n_outputs) : SY_OK;
}

static sy_status slice_1(onnx_node *n, bool *built)
{
    (void)built;
    SY_TRY(ints_to_input(n, "starts", 1));
    SY_TRY(ints_to_input(n, "ends", 2));
    return ints_to_input(n, "axes", 3);
}

static sy_status pad_before_11(onnx_node *n, bool *built)
{
    float value = 0.0f;
    bool found = false;
    (void)built;
    SY_TRY(need_input(n, 0));
    SY_TRY(ints_to_input(n, n->version < 2 ? "paddings" : "pads", 1));
    SY_TRY(ir_onnx_take_float(n, "value", &value, &found));
    if (found) {
        ir_value *v = NULL;
        SY_TRY(scalar_like(n, n->inputs[0], value, &v));
        SY_TRY(set_input(n, 2, v));
    }
    return SY_OK;
}

/* Operator set 6 clips to the finite numbers of f32 by default, 1 not at all. */
static sy_status clip_before_11(onnx_node *n, bool *built)
{
    static const char *const names[2] = {"min", "max"};
    (void)built;
    SY_TRY(need_input(n, 0));
    const sy_dtype dtype = n->inputs[0]->type.dtype;
    const bool finite = n->version >= 6 && (dtype == SY_DT_F32 || dtype == SY_DT_F64);
    for (uint32_t i = 0; i < 2; i++) {
        float value = i == 0 ? -FLT_MAX : FLT_MAX;
        bool found = false;
        ir_value *v = NULL;
        SY_TRY(ir_onnx_take_float(n, names[i], &value, &found));
        if (found || finite) {
            SY_TRY(scalar_like(n, n->inputs[0], value, &v));
            SY_TRY(set_input(n, 1 + i, v));
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- other changes */

static sy_status concat_1(onnx_node *n, bool *built)
{
    (void)built;
    return ir_onnx_attr_find(n, "axis") == NULL ? add_int(n, "axis", 1) : SY_OK;
}

static sy_status gemm_before_7(onnx_node *n, bool *built)
{
    (void)built;
    return drop(n, "broadcast");
}

/* Said if the sequence of states is wanted, as its name does. */
static sy_status recurrent_1(onnx_node *n, bool *built)
{
    (void)built;
    return drop(n, "output_sequence");
}

/* The rows are those of the flattened matrix [d0*...*d(axis-1), d(axis)*...]. */
static sy_status softmax_before_13(onnx_node *n, bool *built)
{
    int64_t axis = 1;
    bool found = false;
    ir_node *flatten = NULL;
    ir_value *flat = NULL, *soft = NULL;
    SY_TRY(need_input(n, 0));
    SY_TRY(need_one_result(n));
    SY_TRY(ir_onnx_take_int(n, "axis", &axis, &found));
    const ir_type *x = &n->inputs[0]->type;
    if (x->has_rank && (axis == x->rank - 1 || axis == -1)) {
        return SY_OK; /* the row is the last axis, which is today's default */
    }
    *built = true;
    SY_TRY(ir_onnx_emit(n, IR_OP_FLATTEN, 1, n->inputs, &flatten, &flat));
    SY_TRY(ir_node_set_int(flatten, "axis", axis));
    SY_TRY(ir_onnx_emit_infer(n, flatten));
    const uint32_t code = strcmp(n->op, "Softmax") == 0      ? IR_OP_SOFTMAX
                          : strcmp(n->op, "LogSoftmax") == 0 ? IR_OP_LOGSOFTMAX
                                                             : IR_OP_HARDMAX;
    SY_TRY(emit_one(n, code, 1, &flat, &soft));
    return reshape_like(n, soft, n->inputs[0], &n->outputs[0]);
}

/* Operator set 1 had rounder constants. */
static sy_status selu_1(onnx_node *n, bool *built)
{
    float alpha = 1.6732f, gamma = 1.0507f;
    bool found = false;
    ir_node *node = NULL;
    SY_TRY(need_input(n, 0));
    SY_TRY(need_one_result(n));
    SY_TRY(ir_onnx_take_float(n, "alpha", &alpha, &found));
    SY_TRY(ir_onnx_take_float(n, "gamma", &gamma, &found));
    *built = true;
    SY_TRY(ir_onnx_emit(n, IR_OP_SELU, 1, n->inputs, &node, &n->outputs[0]));
    SY_TRY(ir_node_set_float(node, "alpha", alpha));
    SY_TRY(ir_node_set_float(node, "gamma", gamma));
    return ir_onnx_emit_infer(n, node);
}

/* Type names of Cast 1. */
static sy_dtype cast_name(const ProtobufCBinaryData *s)
{
    static const struct {
        const char *name;
        sy_dtype dtype;
    } names[] = {
        {"FLOAT", SY_DT_F32},   {"UINT8", SY_DT_U8},   {"INT8", SY_DT_I8},    {"UINT16", SY_DT_U16},
        {"INT16", SY_DT_I16},   {"INT32", SY_DT_I32},  {"INT64", SY_DT_I64},  {"BOOL", SY_DT_BOOL},
        {"FLOAT16", SY_DT_F16}, {"DOUBLE", SY_DT_F64}, {"UINT32", SY_DT_U32}, {"UINT64", SY_DT_U64},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i].name) == s->len && memcmp(names[i].name, s->data, s->len) == 0) {
            return names[i].dtype;
        }
    }
    return SY_DT_NONE;
}

/* Until 24, floats became 4-bit integers by rounding to the nearest, and those outside the nearest end. */
static sy_status cast_to_4_bits(onnx_node *n, sy_dtype to)
{
    ir_value *operands[3] = {n->inputs[0], NULL, NULL};
    SY_TRY(scalar_like(n, n->inputs[0], to == SY_DT_I4 ? -8.0f : 0.0f, &operands[1]));
    SY_TRY(scalar_like(n, n->inputs[0], to == SY_DT_I4 ? 7.0f : 15.0f, &operands[2]));
    SY_TRY(emit_one(n, IR_OP_CLIP, 3, operands, &operands[0]));
    SY_TRY(emit_one(n, IR_OP_ROUND, 1, operands, &operands[0]));
    return set_input(n, 0, operands[0]);
}

static sy_status cast(onnx_node *n, bool *built)
{
    const Onnx__AttributeProto *to = ir_onnx_attr_find(n, "to");
    if (n->version < 24 && to != NULL && to->has_i && (to->i == SY_DT_I4 || to->i == SY_DT_U4)) {
        SY_TRY(need_input(n, 0));
        const sy_dtype from = n->inputs[0]->type.dtype;
        return sy_dtype_class_of(from) == SY_DC_FLOAT && sy_dtype_bits(from) >= 16
                   ? cast_to_4_bits(n, (sy_dtype)to->i)
                   : SY_OK;
    }
    if (n->version >= 6 || to == NULL || !to->has_s) {
        return SY_OK;
    }
    ir_node *node = NULL;
    const sy_dtype dtype = cast_name(&to->s);
    SY_TRY(need_input(n, 0));
    SY_TRY(need_one_result(n));
    if (dtype == SY_DT_NONE) {
        return ir_onnx_fail(n, SY_EFORMAT, "attribute 'to' is no type name");
    }
    *built = true;
    SY_TRY(ir_onnx_emit(n, IR_OP_CAST, 1, n->inputs, &node, &n->outputs[0]));
    SY_TRY(ir_node_set_int(node, "to", dtype));
    return ir_onnx_emit_infer(n, node);
}

static bool wanted(const onnx_node *n, uint32_t i)
{
    return i < n->n_outputs && n->proto->output[i][0] != '\0';
}

/* A mask that keeps everything; before 10 it had x's type. */
static sy_status dropout_mask(onnx_node *n, ir_value **out)
{
    static const uint8_t one_bool = 1;
    static const uint16_t one_f16 = 0x3c00;
    static const float one_f32 = 1.0f;
    static const double one_f64 = 1.0;
    const int64_t dims[1] = {1};
    const sy_dtype dtype = n->version >= 10 ? SY_DT_BOOL : n->inputs[0]->type.dtype;
    const void *data = dtype == SY_DT_F16    ? (const void *)&one_f16
                       : dtype == SY_DT_F64  ? (const void *)&one_f64
                       : dtype == SY_DT_BOOL ? (const void *)&one_bool
                                             : (const void *)&one_f32;
    const bool known = dtype == SY_DT_F16 || dtype == SY_DT_F64 || dtype == SY_DT_BOOL;
    size_t n_bytes = 0;
    ir_value *shape = NULL;
    ir_node *mask = NULL;
    ir_const *value = NULL;
    (void)sy_dtype_size_bytes(known ? dtype : SY_DT_F32, 1, &n_bytes);
    SY_TRY(emit_one(n, IR_OP_SHAPE, 1, n->inputs, &shape));
    SY_TRY(ir_const_inline(n->in->m, known ? dtype : SY_DT_F32, 1, dims, data, n_bytes, n->in->diag,
                           &value));
    SY_TRY(ir_onnx_emit(n, IR_OP_CONSTANTOFSHAPE, 1, &shape, &mask, out));
    SY_TRY(ir_node_set_tensor(mask, "value", value));
    return ir_onnx_emit_infer(n, mask);
}

/* Inference: the identity. */
static sy_status dropout(onnx_node *n, bool *built)
{
    const ir_value *training = input(n, 2);
    const void *data = NULL;
    SY_TRY(need_input(n, 0));
    if (training != NULL) {
        if (training->kind != IR_VALUE_CONST || training->constant->size_bytes != 1) {
            return SY_OK; /* known when it runs */
        }
        SY_TRY(ir_const_data(n->in->m, training->constant, n->in->diag, &data));
        if (*(const uint8_t *)data != 0) {
            return SY_OK; /* it trains */
        }
    }
    *built = true;
    if (n->n_outputs > 0) {
        SY_TRY(emit_one(n, IR_OP_IDENTITY, 1, n->inputs, &n->outputs[0]));
    }
    return wanted(n, 1) ? dropout_mask(n, &n->outputs[1]) : SY_OK;
}

/* Statistics for each activation instead of each channel (spatial = 0): elementwise, in the order
 * of the definition. */
static sy_status batchnorm_each(onnx_node *n, float epsilon, bool *built)
{
    ir_value *centred = NULL, *variance = NULL, *deviation = NULL, *unit = NULL, *scaled = NULL;
    *built = true;
    SY_TRY(scalar_like(n, n->inputs[0], epsilon, &variance));
    SY_TRY(emit_one(n, IR_OP_SUB, 2, (ir_value *[]){n->inputs[0], n->inputs[3]}, &centred));
    SY_TRY(emit_one(n, IR_OP_ADD, 2, (ir_value *[]){n->inputs[4], variance}, &variance));
    SY_TRY(emit_one(n, IR_OP_SQRT, 1, &variance, &deviation));
    SY_TRY(emit_one(n, IR_OP_DIV, 2, (ir_value *[]){centred, deviation}, &unit));
    SY_TRY(emit_one(n, IR_OP_MUL, 2, (ir_value *[]){unit, n->inputs[1]}, &scaled));
    return emit_one(n, IR_OP_ADD, 2, (ir_value *[]){scaled, n->inputs[2]}, &n->outputs[0]);
}

/* Before 14 the number of results said whether the node trains. */
static sy_status batchnorm_before_14(onnx_node *n, bool *built)
{
    int64_t spatial = 1;
    bool found = false;
    SY_TRY(drop(n, "is_test"));
    SY_TRY(ir_onnx_take_int(n, "spatial", &spatial, &found));
    bool training = false;
    for (uint32_t i = 1; i < n->n_outputs; i++) {
        training = training || wanted(n, i);
    }
    if (training && spatial == 0) {
        return ir_onnx_fail(n, SY_EUNSUPPORTED,
                            "training with statistics for each activation: export for inference");
    }
    if (training) {
        return add_int(n, "training_mode", 1);
    }
    n->n_outputs = n->n_outputs > 1 ? 1 : n->n_outputs;
    if (spatial != 0) {
        return SY_OK;
    }
    float epsilon = 1e-5f;
    for (uint32_t i = 0; i < 5; i++) {
        SY_TRY(need_input(n, i));
    }
    SY_TRY(need_one_result(n));
    SY_TRY(ir_onnx_take_float(n, "epsilon", &epsilon, &found));
    return batchnorm_each(n, epsilon, built);
}

/* ---------------------------------------------------------------- QuantizeLinear, DequantizeLinear
 */

/* Quantizers write per-tensor parameters as vectors of one element too: make them scalars. */
static sy_status scalar_parameter(onnx_node *n, uint32_t i)
{
    ir_value *v = input(n, i);
    const void *data = NULL;
    if (v == NULL || v->kind != IR_VALUE_CONST || v->constant->rank != 1 ||
        v->constant->dims[0] != 1) {
        return SY_OK;
    }
    SY_TRY(ir_const_data(n->in->m, v->constant, n->in->diag, &data));
    return ir_onnx_emit_const(n, v->constant->dtype, 0, NULL, data, v->constant->size_bytes,
                              &n->inputs[i]);
}

static sy_status zero_of_dtype(onnx_node *n, int64_t number)
{
    const ir_value *scale = n->inputs[1];
    const sy_dtype dtype = ir_onnx_dtype(number);
    int64_t dims[IR_MAX_RANK];
    size_t n_bytes = 0;
    int64_t count = 1;
    ir_value *zero = NULL;
    if (dtype == SY_DT_NONE || !ir_type_static_dims(&scale->type, dims)) {
        return ir_onnx_fail(n, SY_EUNSUPPORTED, "output_dtype %lld with a scale of unknown shape",
                            (long long)number);
    }
    for (int32_t i = 0; i < scale->type.rank; i++) {
        if (dims[i] > 1 << 24 || (count *= dims[i]) > 1 << 24) {
            return ir_onnx_fail(n, SY_ERANGE, "a scale of more than 2^24 elements");
        }
    }
    if (!sy_dtype_size_bytes(dtype, count, &n_bytes)) {
        return ir_onnx_fail(n, SY_EFORMAT, "output_dtype %lld cannot be quantised to",
                            (long long)number);
    }
    void *data = base_arena_alloc(n->in->scratch, n_bytes, 1);
    if (data == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(ir_onnx_emit_const(n, dtype, scale->type.rank, dims, data, n_bytes, &zero));
    return set_input(n, 2, zero);
}

/* Where the zero point's type can stand as a constant, attribute output_dtype becomes one: recognition reads it. */
static sy_status quantize(onnx_node *n, bool *built)
{
    int64_t dtype = 0;
    bool found = false;
    int64_t dims[IR_MAX_RANK];
    (void)built;
    SY_TRY(need_input(n, 0));
    SY_TRY(need_input(n, 1));
    SY_TRY(scalar_parameter(n, 1));
    SY_TRY(scalar_parameter(n, 2));
    if (input(n, 2) != NULL || !ir_type_static_dims(&n->inputs[1]->type, dims)) {
        return SY_OK;
    }
    SY_TRY(ir_onnx_take_int(n, "output_dtype", &dtype, &found));
    return dtype != 0 ? zero_of_dtype(n, dtype) : SY_OK;
}

static sy_status dequantize(onnx_node *n, bool *built)
{
    (void)built;
    SY_TRY(need_input(n, 0));
    SY_TRY(need_input(n, 1));
    SY_TRY(scalar_parameter(n, 1));
    return scalar_parameter(n, 2);
}

/* ---------------------------------------------------------------- movement */

/* The name was changed in 11. */
static sy_status scatter(onnx_node *n, bool *built)
{
    (void)built;
    n->op = ir_intern(n->in->m, "ScatterElements");
    return n->op != NULL ? SY_OK : SY_ENOMEM;
}

static sy_status topk_1(onnx_node *n, bool *built)
{
    int64_t k = 0;
    bool found = false;
    ir_value *v = NULL;
    (void)built;
    SY_TRY(ir_onnx_take_int(n, "k", &k, &found));
    if (!found) {
        return ir_onnx_fail(n, SY_EFORMAT, "attribute 'k' is missing");
    }
    SY_TRY(ir_onnx_emit_i64s(n, 1, &k, &v));
    return set_input(n, 1, v);
}

/* One axis, operand 2, was repeated, as often as operand 1 said: ones, but for that axis. */
static sy_status tile_1(onnx_node *n, bool *built)
{
    static const int64_t flat[1] = {-1}, one = 1, one_dim[1] = {1};
    ir_value *shape = NULL, *rank = NULL, *ones = NULL, *vector = NULL, *parts[3];
    ir_node *fill = NULL;
    ir_const *value = NULL;
    (void)built;
    for (uint32_t i = 0; i < 3; i++) {
        SY_TRY(need_input(n, i));
    }
    SY_TRY(emit_one(n, IR_OP_SHAPE, 1, n->inputs, &shape));
    SY_TRY(emit_one(n, IR_OP_SHAPE, 1, &shape, &rank));
    SY_TRY(ir_const_inline(n->in->m, SY_DT_I64, 1, one_dim, &one, sizeof one, n->in->diag, &value));
    SY_TRY(ir_onnx_emit(n, IR_OP_CONSTANTOFSHAPE, 1, &rank, &fill, &ones));
    SY_TRY(ir_node_set_tensor(fill, "value", value));
    SY_TRY(ir_onnx_emit_infer(n, fill));
    SY_TRY(ir_onnx_emit_i64s(n, 1, flat, &vector));
    parts[0] = ones;
    for (uint32_t i = 0; i < 2; i++) { /* both scalars, of any number type */
        ir_node *cast = NULL;
        ir_value *whole = NULL;
        SY_TRY(ir_onnx_emit(n, IR_OP_CAST, 1, &n->inputs[2 - i], &cast, &whole));
        SY_TRY(ir_node_set_int(cast, "to", SY_DT_I64));
        SY_TRY(ir_onnx_emit_infer(n, cast));
        SY_TRY(emit_one(n, IR_OP_RESHAPE, 2, (ir_value *[]){whole, vector}, &parts[1 + i]));
    }
    n->n_inputs = 2;
    return emit_one(n, IR_OP_SCATTERELEMENTS, 3, parts, &n->inputs[1]);
}

static sy_status range_27(onnx_node *n, bool *built)
{
    (void)built;
    return only_int(n, "stash_type", 1);
}

/* The axis was an attribute, and the second axis where it was not given. */
static sy_status dft_17(onnx_node *n, bool *built)
{
    int64_t axis = 1;
    bool found = false;
    ir_value *v = NULL;
    (void)built;
    SY_TRY(ir_onnx_take_int(n, "axis", &axis, &found));
    SY_TRY(ir_onnx_emit_const(n, SY_DT_I64, 0, NULL, &axis, sizeof axis, &v));
    return set_input(n, 2, v);
}

/* ---------------------------------------------------------------- the table */

typedef sy_status (*rule_fn)(onnx_node *n, bool *built);

static const struct {
    const char *op;
    int64_t before; /* the rule is for operator sets below this one */
    rule_fn rule;
} rules[] = {
    {"Add", 7, old_broadcast},
    {"Sub", 7, old_broadcast},
    {"Mul", 7, old_broadcast},
    {"Div", 7, old_broadcast},
    {"Pow", 7, old_broadcast},
    {"Equal", 7, old_broadcast},
    {"And", 7, old_broadcast},
    {"Or", 7, old_broadcast},
    {"Xor", 7, old_broadcast},
    {"Less", 7, old_broadcast},
    {"Greater", 7, old_broadcast},
    {"PRelu", 7, prelu_before_7},
    {"ReduceMean", 18, axes_as_attribute},
    {"ReduceMax", 18, axes_as_attribute},
    {"ReduceMin", 18, axes_as_attribute},
    {"ReduceProd", 18, axes_as_attribute},
    {"ReduceL1", 18, axes_as_attribute},
    {"ReduceL2", 18, axes_as_attribute},
    {"ReduceSumSquare", 18, axes_as_attribute},
    {"ReduceLogSum", 18, axes_as_attribute},
    {"ReduceLogSumExp", 18, axes_as_attribute},
    {"ReduceSum", 13, axes_as_attribute},
    {"Squeeze", 13, axes_as_attribute},
    {"Unsqueeze", 13, axes_as_attribute},
    {"DFT", 20, dft_17},
    {"Reshape", 5, reshape_1},
    {"Split", 18, split_before_18},
    {"Slice", 10, slice_1},
    {"Scatter", EVERY_VERSION, scatter},
    {"TopK", 10, topk_1},
    {"Tile", 6, tile_1},
    {"Pad", 11, pad_before_11},
    {"Clip", 11, clip_before_11},
    {"Concat", 4, concat_1},
    {"Gemm", 7, gemm_before_7},
    {"RNN", 7, recurrent_1},
    {"GRU", 7, recurrent_1},
    {"LSTM", 7, recurrent_1},
    {"Scan", 9, ir_onnx_scan_8},
    {"Optional", EVERY_VERSION, ir_onnx_optional},
    {"Softmax", 13, softmax_before_13},
    {"LogSoftmax", 13, softmax_before_13},
    {"Hardmax", 13, softmax_before_13},
    {"Selu", 6, selu_1},
    {"BatchNormalization", 14, batchnorm_before_14},
    {"Cast", EVERY_VERSION, cast},
    {"Dropout", EVERY_VERSION, dropout},
    {"QuantizeLinear", EVERY_VERSION, quantize},
    {"DequantizeLinear", EVERY_VERSION, dequantize},
    {"Range", EVERY_VERSION, range_27},
};

sy_status ir_onnx_opset_rules(onnx_node *n, bool *built)
{
    if (strcmp(n->domain, "ai.onnx.ml") == 0) {
        return ir_onnx_ml_rules(n);
    }
    if (n->domain[0] != '\0') {
        return SY_OK;
    }
    if (n->version < 6) {
        SY_TRY(drop(n, "consumed_inputs")); /* a hint for memory that was never more than that */
    }
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (n->version < rules[i].before && strcmp(n->op, rules[i].op) == 0) {
            return rules[i].rule(n, built);
        }
    }
    return ir_onnx_window_rules(n, built);
}
