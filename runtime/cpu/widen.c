/*
 * widen.c -- f16 and bf16 on the fp32 kernels.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "widen.h"

#include "fast_internal.h"

#include <string.h>

#define MAX_OPERANDS 16

typedef struct wide {
    const rt_kernel *kernel;
    void *state;
    uint32_t n_inputs;
    const ir_tensor **constants; /* [n_inputs] in fp32; NULL: none, or not narrow */
} wide;

void rt_widen(sy_dtype dtype, int64_t n, const void *from, float *to)
{
    const rt_element_fn *f = rt_simd_best()->elements;
    f[dtype == SY_DT_F16 ? RT_E_F16_F32 : RT_E_BF16_F32](n, &from, 0.0f, 0.0f, to);
}

static sy_status widen_tensor(base_arena *arena, const ir_tensor *t, ir_tensor *out)
{
    SY_TRY(ir_tensor_init(out, SY_DT_F32, t->rank, t->dims, NULL));
    out->data = base_arena_alloc(arena, out->size_bytes + 1, 1);
    if (out->data == NULL) {
        return SY_ENOMEM;
    }
    rt_widen(t->dtype, ir_tensor_n_elements(t), t->data, out->data);
    return SY_OK;
}

static sy_status prepare_wide(const rt_prepare_args *args, void **state)
{
    wide *w = *state;
    w->n_inputs = args->n_inputs;
    w->constants = BASE_ARENA_ARRAY(args->arena, const ir_tensor *, args->n_inputs);
    const ir_tensor **constants = base_arena_memdup(args->arena, args->constants, args->n_inputs, sizeof *constants);
    if (w->constants == NULL || constants == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < args->n_inputs; i++) {
        if (constants[i] != NULL && rt_is_narrow(constants[i]->dtype)) {
            ir_tensor *t = BASE_ARENA_NEW(args->arena, ir_tensor);
            SY_TRY(t != NULL ? widen_tensor(args->arena, constants[i], t) : SY_ENOMEM);
            w->constants[i] = constants[i] = t;
        }
    }
    if (w->kernel->prepare == NULL) {
        return SY_OK;
    }
    rt_prepare_args own = *args;
    own.constants = constants;
    return w->kernel->prepare(&own, &w->state);
}

static sy_status run_wide(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const wide *w = state;
    ir_tensor wide_in[MAX_OPERANDS], wide_out[MAX_OPERANDS];
    const ir_tensor *inputs[MAX_OPERANDS];
    ir_tensor *outputs[MAX_OPERANDS];
    const rt_element_fn *f = rt_simd_best()->elements;
    if (args->n_inputs > MAX_OPERANDS || args->n_outputs > MAX_OPERANDS) {
        return rt_run_reference(args);
    }
    for (uint32_t i = 0; i < args->n_inputs; i++) {
        inputs[i] = args->inputs[i];
        if (i < w->n_inputs && w->constants[i] != NULL) {
            inputs[i] = w->constants[i];
        } else if (inputs[i] != NULL && rt_is_narrow(inputs[i]->dtype)) {
            SY_TRY(widen_tensor(args->scratch, inputs[i], &wide_in[i]));
            inputs[i] = &wide_in[i];
        }
    }
    for (uint32_t i = 0; i < args->n_outputs; i++) {
        outputs[i] = args->outputs[i];
        if (outputs[i] != NULL && rt_is_narrow(outputs[i]->dtype)) {
            SY_TRY(ir_tensor_init(&wide_out[i], SY_DT_F32, outputs[i]->rank, outputs[i]->dims, NULL));
            wide_out[i].data = base_arena_alloc(args->scratch, wide_out[i].size_bytes + 1, 1);
            outputs[i] = &wide_out[i];
            if (wide_out[i].data == NULL) {
                return SY_ENOMEM;
            }
        }
    }
    ir_kernel_args own = *args;
    own.inputs = inputs;
    own.outputs = outputs;
    SY_TRY(w->kernel->run(&own, env, w->state));
    for (uint32_t i = 0; i < args->n_outputs; i++) {
        if (outputs[i] != args->outputs[i]) {
            const void *from = wide_out[i].data;
            const uint16_t op = args->outputs[i]->dtype == SY_DT_F16 ? RT_E_F32_F16 : RT_E_F32_BF16;
            f[op](ir_tensor_n_elements(&wide_out[i]), &from, 0.0f, 0.0f, args->outputs[i]->data);
        }
    }
    return SY_OK;
}

static const rt_kernel wide_kernel = {.prepare = prepare_wide, .run = run_wide};

sy_status rt_widen_step(base_arena *arena, sy_dtype dtype, rt_step *step)
{
    static const uint32_t codes[] = {IR_OP_CONV,       IR_OP_GEMM,       IR_OP_MATMUL,    IR_OP_MAXPOOL,   IR_OP_AVERAGEPOOL, IR_OP_GLOBALAVERAGEPOOL,
                                     IR_OP_SOFTMAX,    IR_OP_LAYERNORM,  IR_OP_RMSNORM,   IR_OP_BATCHNORM, IR_OP_LSTM,        IR_OP_GRU,
                                     IR_OP_REDUCESUM,  IR_OP_REDUCEMEAN, IR_OP_REDUCEMAX, IR_OP_REDUCEMIN, IR_OP_GLOBALMAXPOOL,
                                     IR_OP_RESIZE,     IR_OP_CONVTRANSPOSE, IR_OP_INSTANCENORM, IR_OP_GROUPNORM, IR_OP_LOGSOFTMAX, IR_OP_ARGMAX,
                                     IR_OP_ARGMIN,     IR_OP_REDUCEL2,   IR_OP_REDUCESUMSQUARE};
    bool known = false;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        known = known || ir_node_is(step->node, codes[i]);
    }
    if (!known || step->fast == NULL || !rt_is_narrow(dtype)) {
        return SY_OK;
    }
    wide *w = BASE_ARENA_NEW(arena, wide);
    if (w == NULL) {
        return SY_ENOMEM;
    }
    w->kernel = step->fast;
    step->fast = &wide_kernel;
    step->state = w;
    step->wide = true;
    return SY_OK;
}
