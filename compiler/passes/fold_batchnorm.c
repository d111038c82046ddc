/*
 * fold_batchnorm.c -- BatchNormalization after a convolution goes into the convolution's weights
 * and bias.
 *
 * In: graph with shapes. Out: no Conv whose only user is an inference-mode BatchNormalization with
 * constant parameters. y = (conv(x) - mean) * s + shift with s = scale / sqrt(var + epsilon): the
 * weights of channel c are multiplied by s[c], the bias becomes (bias - mean) * s + shift. This
 * changes float roundings (never integers), so device cpu's --reference does not run it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <string.h>

#include "systole/compiler/passes.h"
#include "systole/graph/optable.h"

/* A constant fp32 operand with n elements (n < 0: any number). */
static bool constant_f32(ir_module *m, ir_value *v, int64_t n, base_diag *diag, ir_tensor *out)
{
    return v != NULL && v->kind == IR_VALUE_CONST && !v->feedable &&
           v->constant->kind != IR_CONST_STATE && v->constant->dtype == SY_DT_F32 &&
           ir_const_tensor(m, v->constant, diag, out) == SY_OK &&
           (n < 0 || ir_tensor_n_elements(out) == n);
}

static sy_status add_const(ir_module *m, ir_graph *g, const char *base, const ir_tensor *t,
                           base_diag *diag, ir_value **out)
{
    ir_const *c;
    SY_TRY(ir_const_inline(m, SY_DT_F32, t->rank, t->dims, t->data, t->size_bytes, diag, &c));
    return ir_graph_add_const(g, ir_name_unique(m, base), c, out);
}

static sy_status fold(ir_module *m, ir_node *conv, ir_node *norm, base_arena *arena,
                      base_diag *diag)
{
    ir_tensor w, bias, p[4]; /* scale, shift, mean, variance */
    if (!constant_f32(m, ir_node_input(conv, 1), -1, diag, &w) || w.rank < 3) {
        return SY_OK;
    }
    const int64_t channels = w.dims[0];
    ir_value *old_bias = ir_node_input(conv, 2);
    if (old_bias != NULL && !constant_f32(m, old_bias, channels, diag, &bias)) {
        return SY_OK;
    }
    for (uint32_t i = 0; i < 4; i++) {
        if (!constant_f32(m, ir_node_input(norm, i + 1), channels, diag, &p[i])) {
            return SY_OK;
        }
    }
    ir_tensor new_w = w;
    ir_tensor new_b;
    new_w.data = base_arena_alloc(arena, w.size_bytes + 1, 1);
    float *b = base_arena_alloc(arena, (size_t)channels, sizeof(float));
    if (new_w.data == NULL || b == NULL) {
        return SY_ENOMEM;
    }
    const int64_t row = ir_tensor_n_elements(&w) / channels;
    const float *from = w.data;
    float *to = new_w.data;
    const double epsilon = (double)ir_node_float(norm, "epsilon", 1e-5F);
    for (int64_t c = 0; c < channels; c++) {
        const double s = (double)((const float *)p[0].data)[c] /
                         sqrt((double)((const float *)p[3].data)[c] + epsilon);
        const double old = old_bias != NULL ? (double)((const float *)bias.data)[c] : 0.0;
        b[c] = (float)((old - (double)((const float *)p[2].data)[c]) * s +
                       (double)((const float *)p[1].data)[c]);
        for (int64_t i = 0; i < row; i++) {
            to[c * row + i] = (float)((double)from[c * row + i] * s);
        }
    }
    SY_TRY(ir_tensor_init(&new_b, SY_DT_F32, 1, &channels, b));
    ir_value *w_value, *b_value;
    SY_TRY(add_const(m, conv->graph, ir_node_input(conv, 1)->name, &new_w, diag, &w_value));
    SY_TRY(add_const(m, conv->graph, ir_node_output(norm, 0)->name, &new_b, diag, &b_value));
    ir_node_set_input(conv, 1, w_value);
    if (conv->n_inputs > 2) {
        ir_node_set_input(conv, 2, b_value);
    } else {
        SY_TRY(ir_node_add_input(conv, b_value));
    }
    /* the result keeps the name that the model gives to the normalised value */
    ir_value *result = ir_node_output(norm, 0);
    ir_value *product = ir_node_output(conv, 0);
    const char *name = result->name;
    ir_value_replace_uses(result, product);
    ir_node_erase(norm);
    return ir_value_rename(product, name);
}

sy_status pass_fold_batchnorm(ir_module *module, base_diag *diag)
{
    base_arena *arena = base_arena_create();
    if (arena == NULL) {
        return SY_ENOMEM;
    }
    sy_status status = SY_OK;
    ir_node *next;
    for (ir_node *n = module->main->first; n != NULL && status == SY_OK; n = next) {
        next = n->next;
        if (!ir_node_is(n, IR_OP_BATCHNORM) || ir_node_int(n, "training_mode", 0) != 0 ||
            ir_node_output(n, 1) != NULL) {
            continue;
        }
        ir_value *x = ir_node_input(n, 0);
        if (x != NULL && x->kind == IR_VALUE_RESULT && x->n_uses == 1 && x->graph == n->graph &&
            ir_node_is(x->producer, IR_OP_CONV)) {
            status = fold(module, x->producer, n, arena, diag);
            base_arena_reset(arena);
        }
    }
    base_arena_destroy(arena);
    return status;
}
