/*
 * quant_table.c -- elementwise operators between one quantised tensor and a QuantizeLinear as one table of 256 results.
 *
 * The operators may be any chain or graph over the one tensor and constant scalars: each element of the result depends on
 * one int8 number, so the reference kernels run once over all 256 of them, from DQ(-128) to DQ(127), and what the
 * QuantizeLinear makes of the results is the table. Equal to the float operators for every input, by construction.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "quant_internal.h"

#include <math.h>
#include <string.h>

#include "systole/graph/optable.h"

#define N_ENTRIES 256
#define MAX_NODES 64

/* A float value within the function, and what it is for each of the 256 inputs. */
typedef struct point {
    const ir_value *value;
    float *data;
} point;

typedef struct function {
    quant_pass *p;
    quant_value x; /* what it is a function of; value NULL: not met yet */
    int32_t rank;  /* of the tensor */
    bool fits;
    uint32_t n;
    point points[MAX_NODES];
} function;

bool ir_quant_is_function(const ir_node *n)
{
    static const uint32_t codes[] = {
        IR_OP_SIGMOID, IR_OP_TANH,    IR_OP_SQRT,        IR_OP_EXP,       IR_OP_ERF,      IR_OP_LOG,   IR_OP_RECIPROCAL, IR_OP_FLOOR,
        IR_OP_CEIL,    IR_OP_ROUND,   IR_OP_LEAKYRELU,   IR_OP_ELU,       IR_OP_SOFTPLUS, IR_OP_NEG,   IR_OP_ABS,        IR_OP_GELU,
        IR_OP_RELU,    IR_OP_CLIP,    IR_OP_HARDSIGMOID, IR_OP_HARDSWISH, IR_OP_ADD,      IR_OP_SUB,   IR_OP_MUL,        IR_OP_DIV,
        IR_OP_POW,     IR_OP_SUM,     IR_OP_MIN,         IR_OP_MAX,       IR_OP_PRELU,    IR_OP_IDENTITY};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (ir_node_is(n, codes[i])) {
            return n->outputs[0] != NULL && n->outputs[0]->type.kind == IR_TYPE_TENSOR &&
                   n->outputs[0]->type.dtype == SY_DT_F32 && n->op->reference != NULL;
        }
    }
    return false;
}

/* The single number of a constant operand, as exponents of Pow an integer too. */
static bool constant_of(quant_pass *p, const ir_value *v, float *out)
{
    ir_const *c = ir_quant_const_of(v);
    ir_tensor t;
    if (ir_quant_float_of(p, v, out)) {
        return true;
    }
    if (c == NULL || (c->dtype != SY_DT_I64 && c->dtype != SY_DT_I32) ||
        ir_const_tensor(p->m, c, p->diag, &t) != SY_OK || ir_tensor_n_elements(&t) != 1) {
        return false;
    }
    const int64_t number = ir_tensor_get_i64(&t, 0);
    *out = (float)number;
    return number > -(1 << 24) && number < 1 << 24;
}

static float *find(const function *f, const ir_value *v)
{
    for (uint32_t i = 0; i < f->n; i++) {
        if (f->points[i].value == v) {
            return f->points[i].data;
        }
    }
    return NULL;
}

static sy_status misfit(function *f, const ir_node *culprit, const char *reason)
{
    f->fits = false;
    return ir_quant_refuse(f->p, culprit, reason);
}

static sy_status add_point(function *f, const ir_node *n, const ir_value *v, float **data)
{
    if (f->n == MAX_NODES) {
        return misfit(f, n, "too many operators between it and DequantizeLinear");
    }
    *data = BASE_ARENA_ARRAY(f->p->scratch, float, N_ENTRIES);
    if (*data == NULL) {
        return SY_ENOMEM;
    }
    f->points[f->n++] = (point){v, *data};
    return SY_OK;
}

/* A value that is no function of something else: the tensor itself, if it is quantised, and the same each time. */
static sy_status add_source(function *f, const ir_node *reader, ir_value *v)
{
    quant_value x;
    float *data = NULL;
    SY_TRY(ir_quant_operand(f->p, v, 0, &x));
    if (x.value == NULL && v->kind == IR_VALUE_RESULT) {
        return misfit(f, v->producer, "it has no quantised form, or its result is not quantised");
    }
    if (x.value == NULL || !v->type.has_rank) {
        return misfit(f, reader, v->kind == IR_VALUE_CONST ? "one of its operands is a constant of several numbers"
                                                           : "what it is a function of is not quantised");
    }
    if (f->x.value != NULL && (f->x.value != x.value || f->x.params.scale != x.params.scale ||
                               f->x.params.zero != x.params.zero)) {
        return misfit(f, reader, "it is a function of two tensors");
    }
    f->x = x;
    f->rank = v->type.rank;
    SY_TRY(add_point(f, reader, v, &data));
    for (int32_t i = 0; i < N_ENTRIES && f->fits; i++) {
        data[i] = ir_quant_to_float(x.params, i - 128);
    }
    return SY_OK;
}

/* Runs n's reference kernel over the 256 numbers; all operands are known. */
static sy_status run(function *f, const ir_node *n, float *result)
{
    const int64_t dims[1] = {N_ENTRIES};
    ir_tensor *tensors = BASE_ARENA_ARRAY(f->p->scratch, ir_tensor, n->n_inputs);
    const ir_tensor **inputs = BASE_ARENA_ARRAY(f->p->scratch, const ir_tensor *, n->n_inputs);
    float *constants = BASE_ARENA_ARRAY(f->p->scratch, float, n->n_inputs);
    ir_tensor y, *outputs[1] = {&y};
    base_arena *scratch = base_arena_create();
    if (tensors == NULL || inputs == NULL || constants == NULL || scratch == NULL) {
        base_arena_destroy(scratch);
        return SY_ENOMEM;
    }
    sy_status status = ir_tensor_init(&y, SY_DT_F32, 1, dims, result);
    for (uint32_t i = 0; i < n->n_inputs && status == SY_OK; i++) {
        const ir_value *v = ir_node_input(n, i);
        float *data = v != NULL ? find(f, v) : NULL;
        inputs[i] = v != NULL ? &tensors[i] : NULL;
        if (data == NULL && v != NULL) {
            (void)constant_of(f->p, v, &constants[i]);
            data = &constants[i];
            status = ir_tensor_init(&tensors[i], SY_DT_F32, 0, NULL, data);
        } else if (v != NULL) {
            status = ir_tensor_init(&tensors[i], SY_DT_F32, 1, dims, data);
        }
    }
    const ir_kernel_args args = {.node = n,
                                 .n_inputs = n->n_inputs,
                                 .inputs = inputs,
                                 .n_outputs = 1,
                                 .outputs = outputs,
                                 .scratch = scratch,
                                 .diag = f->p->diag};
    status = status == SY_OK ? n->op->reference(&args) : status;
    base_arena_destroy(scratch);
    if (status != SY_OK && status != SY_ENOMEM) {
        base_diag_clear(f->p->diag);
        return misfit(f, n, "its operands are not all fp32");
    }
    return status;
}

/* v and all that it is made of, operands before results. */
static sy_status add_value(function *f, const ir_node *reader, ir_value *v, uint32_t depth)
{
    float constant, *data = NULL;
    if (find(f, v) != NULL) {
        return SY_OK;
    }
    ir_node *n = v->kind == IR_VALUE_RESULT ? v->producer : NULL;
    if (n == NULL || !ir_quant_is_function(n)) {
        return add_source(f, reader, v);
    }
    if (depth == MAX_NODES || f->p->steps_left == 0) {
        return misfit(f, n, "too many operators between it and DequantizeLinear");
    }
    f->p->steps_left--;
    for (uint32_t i = 0; i < n->n_inputs && f->fits; i++) {
        ir_value *operand = ir_node_input(n, i);
        const bool limit = ir_node_is(n, IR_OP_CLIP) && i > 0;
        if (operand == NULL || constant_of(f->p, operand, &constant)) {
            continue;
        }
        if (limit) {
            return misfit(f, n, "its limits are not fp32 constants");
        }
        SY_TRY(add_value(f, n, operand, depth + 1));
    }
    if (!f->fits) {
        return SY_OK;
    }
    SY_TRY(add_point(f, n, v, &data));
    return f->fits ? run(f, n, data) : SY_OK;
}

/* As QuantizeLinear: the zero point for what is no number. */
static int8_t quantised(quant_params want, float v)
{
    return (int8_t)(isnan(v) ? want.zero : ir_quant_of_float(want, v));
}

sy_status ir_quant_table(quant_pass *p, ir_node *n, quant_params want, bool last, quant_value *out)
{
    static const int64_t dims[1] = {N_ENTRIES};
    function *f = base_arena_alloc(p->scratch, 1, sizeof *f);
    int8_t table[N_ENTRIES];
    ir_value *operands[2], *result = NULL;
    ir_const *c = NULL;
    ir_node *node = NULL;
    if (f == NULL) {
        return SY_ENOMEM;
    }
    *f = (function){.p = p, .fits = true};
    SY_TRY(add_value(f, n, n->outputs[0], 0));
    if (!f->fits) {
        return SY_OK;
    }
    if (f->x.value == NULL) {
        return ir_quant_refuse(p, n, "it is a function of constants alone");
    }
    if (!n->outputs[0]->type.has_rank || n->outputs[0]->type.rank != f->rank) {
        return ir_quant_refuse(p, n, "a constant has more dimensions than the quantised tensor");
    }
    const float *v = find(f, n->outputs[0]);
    for (int32_t i = 0; i < N_ENTRIES; i++) {
        if (isnan(v[i]) && !last) {
            return ir_quant_refuse(p, n, "some of its results are NaN");
        }
        table[i] = quantised(want, v[i]);
    }
    SY_TRY(ir_const_inline(p->m, SY_DT_I8, 1, dims, table, sizeof table, p->diag, &c));
    operands[0] = f->x.value;
    SY_TRY(ir_graph_add_const(n->graph, NULL, c, &operands[1]));
    SY_TRY(ir_quant_emit(n, IR_OP_QTABLE, 2, operands, &node, &result));
    SY_TRY(ir_node_set_float(node, "x_scale", f->x.params.scale));
    SY_TRY(ir_node_set_int(node, "x_zero", f->x.params.zero));
    SY_TRY(ir_node_set_float(node, "y_scale", want.scale));
    SY_TRY(ir_node_set_int(node, "y_zero", want.zero));
    SY_TRY(ir_quant_infer(p, n, node, &result));
    *out = (quant_value){result, want, true};
    return SY_OK;
}
