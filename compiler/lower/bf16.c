/*
 * bf16.c -- bf16 operators: functions, what follows a sum, attention, norms, elements.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <string.h>

#include "lower.h"
#include "systole/graph/bf16.h"
#include "systole/graph/optable.h"
#include "systole/isa/isa.h"

/* ---------------------------------------------------------------- functions */

#define PUT(chain, field, value) (chain)->fp = ISA_PUT((chain)->fp, ISA_VPU_CHAIN_FP_##field, ISA_VPU_CHAIN_FP_##field##_##value)

static void set_mul2(cc_chain *chain, float factor)
{
    PUT(chain, MUL2, IMM);
    chain->mul2 = factor;
}

static void set_clip(cc_chain *chain, float low, float high)
{
    PUT(chain, FN, CLIP);
    chain->clip_lo = low;
    chain->clip_hi = high;
}

void cc_lower_function(const ir_node *node, bool after_sum, cc_chain *chain)
{
    ir_bf16_fn fn = IR_BF16_NONE;
    (void)ir_bf16_fn_find(ir_node_string(node, "fn", ""), &fn);
    const float alpha = ir_node_float(node, "alpha", 0.0F);
    const float beta = ir_node_float(node, "beta", 0.0F);
    if (after_sum && fn != IR_BF16_NONE) {
        PUT(chain, MID, BF16);
    }
    switch (fn) {
    case IR_BF16_NONE:
    case IR_BF16_N_FNS:
        break;
    case IR_BF16_RELU:
        PUT(chain, FN, RELU);
        break;
    case IR_BF16_CLIP:
        set_clip(chain, alpha, beta);
        break;
    case IR_BF16_SIGMOID:
        PUT(chain, FN, SIGMOID);
        break;
    case IR_BF16_TANH:
        PUT(chain, FN, TANH);
        break;
    case IR_BF16_ERF:
        PUT(chain, FN, ERF);
        break;
    case IR_BF16_EXP:
        set_mul2(chain, IR_BF16_LOG2E);
        PUT(chain, FN, EXP2);
        break;
    case IR_BF16_SQRT:
        PUT(chain, FN, SQRT);
        break;
    case IR_BF16_RECIPROCAL:
        PUT(chain, FN, RECIP);
        break;
    case IR_BF16_ABS:
        PUT(chain, FN, ABS);
        break;
    case IR_BF16_SCALE:
        set_mul2(chain, alpha);
        break;
    case IR_BF16_GELU:
        set_mul2(chain, IR_BF16_SQRT_HALF);
        PUT(chain, FN, PHI);
        PUT(chain, MUL3, PRE);
        break;
    case IR_BF16_GELU_TANH: /* the last of three commands: schedule/stream.c */
        PUT(chain, FN, SIGMOID);
        PUT(chain, MUL3, B);
        break;
    case IR_BF16_SILU:
        PUT(chain, FN, SIGMOID);
        PUT(chain, MUL3, PRE);
        break;
    case IR_BF16_HARDSIGMOID:
        set_mul2(chain, alpha);
        PUT(chain, ADD2, IMM);
        chain->add2 = beta;
        set_clip(chain, 0.0F, 1.0F);
        break;
    case IR_BF16_HARDSWISH:
        set_mul2(chain, IR_BF16_SIXTH);
        PUT(chain, ADD2, IMM);
        chain->add2 = 0.5F;
        set_clip(chain, 0.0F, 1.0F);
        PUT(chain, MUL3, PRE);
        break;
    case IR_BF16_LEAKYRELU:
        PUT(chain, FN, STEP);
        chain->clip_lo = alpha;
        chain->clip_hi = 1.0F;
        PUT(chain, MUL3, PRE);
        break;
    }
}

sy_status cc_lower_check_idle_lanes(lower *l, const ir_node *node, int64_t c)
{
    const char *fn = ir_node_string(node, "fn", "");
    const float alpha = ir_node_float(node, "alpha", 0.0F), beta = ir_node_float(node, "beta", 0.0F);
    const bool finite = strcmp(fn, "clip") == 0 ? alpha < INFINITY && beta > -INFINITY : isfinite(alpha) && isfinite(beta);
    return c % l->d == 0 || (finite && strcmp(fn, "reciprocal") != 0)
               ? SY_OK
               : cc_lower_refuse(l, "%s of lanes without channels would be infinite", fn);
}

/* ---------------------------------------------------------------- products */

/* A constant fp32 vector of a size; data NULL if v is NULL. */
static sy_status vector_of(lower *l, ir_value *v, int64_t size, ir_tensor *out)
{
    *out = (ir_tensor){.data = NULL};
    if (v == NULL) {
        return SY_OK;
    }
    SY_TRY(cc_lower_constant(l, v, out));
    return out->dtype == SY_DT_F32 && ir_tensor_n_elements(out) == size
               ? SY_OK
               : cc_lower_refuse(l, "'%s' is not fp32 [%lld]", v->name, (long long)size);
}

sy_status cc_lower_epilogue(lower *l, ir_node *node, const ir_value *y, cc_group *g)
{
    cc_matmul *m = &g->u.matmul;
    const bool with_weights = !m->w_activation;
    ir_tensor bias;
    SY_TRY(vector_of(l, with_weights ? ir_node_input(node, 2) : NULL, g->y->c, &bias));
    /* without a bias a zero is added: the sign of a sum that is zero is then the same with padding as without */
    m->chain.add1 = 0.0F;
    m->chain.fp = ISA_PUT(m->chain.fp, ISA_VPU_CHAIN_FP_ADD1, with_weights ? ISA_VPU_CHAIN_FP_ADD1_ROW : ISA_VPU_CHAIN_FP_ADD1_IMM);
    for (int64_t c = 0; c < g->y->c && bias.data != NULL; c++) {
        cc_lower_put_float(m->constants.bytes + m->out_blocks[c / l->d].constants + 4 * (c % l->d), ((const float *)bias.data)[c]);
    }
    ir_value *residual = with_weights ? ir_node_input(node, 3) : NULL;
    if (residual == NULL) {
        cc_lower_function(node, true, &m->chain);
        return SY_OK;
    }
    const lower_value *info = y->info;
    SY_TRY(cc_lower_operand(l, residual, info->layout, NULL, &m->residual));
    if (m->residual->rows != g->y->rows || m->residual->h != g->y->h || m->residual->w != g->y->w) {
        return cc_lower_refuse(l, "the residual '%s' has another shape", residual->name);
    }
    cc_lower_function(node, false, &m->chain); /* relu and clip need no rounding before them */
    PUT(&m->chain, MID, BF16);
    PUT(&m->chain, ADD2, B);
    return SY_OK;
}

/* ---------------------------------------------------------------- attention, norms */

sy_status cc_lower_check_lanes(lower *l, const ir_node *node)
{
    const int64_t lanes = ir_node_int(node, "lanes", 1);
    return lanes == l->d ? SY_OK
                         : cc_lower_refuse(l, "its sums have the order of %lld lanes, this configuration has %lld", (long long)lanes,
                                           (long long)l->d);
}

/* Operand 3 of attention, [pictures][queries][keys]: a device tensor with the keys as channels. */
static sy_status lower_mask(lower *l, ir_value *v, cc_attention *p)
{
    int64_t dims[IR_MAX_RANK];
    int32_t rank;
    SY_TRY(cc_lower_dims(l, v, &rank, dims));
    p->mask_pictures = dims[0];
    p->mask_queries = dims[1];
    if (v->kind != IR_VALUE_CONST) {
        return cc_lower_operand(l, v, LOWER_AXIS_LAST, NULL, &p->mask);
    }
    ir_tensor t;
    SY_TRY(cc_lower_constant(l, v, &t));
    cc_tensor m = {.name = v->name, .n = 1, .c = dims[2], .h = 1, .w = dims[0] * dims[1], .folded = true};
    m.blocks = (m.c + l->d - 1) / l->d;
    m.rows = m.blocks * m.w;
    p->mask = base_arena_alloc(l->arena, 1, sizeof *p->mask);
    p->mask_constant.n_bytes = (uint64_t)(m.rows * l->d * l->element_bytes);
    p->mask_constant.bytes = base_arena_alloc(l->arena, (size_t)p->mask_constant.n_bytes, 1);
    if (p->mask == NULL || p->mask_constant.bytes == NULL) {
        return SY_ENOMEM;
    }
    *p->mask = m;
    for (int64_t i = 0; i < m.w * m.c; i++) {
        const int64_t at = i / m.c, c = i % m.c;
        memcpy(p->mask_constant.bytes + ((c / l->d * m.w + at) * l->d + c % l->d) * l->element_bytes,
               (const uint8_t *)t.data + i * l->element_bytes, (size_t)l->element_bytes);
    }
    return SY_OK;
}

sy_status cc_lower_attention(lower *l, ir_node *node, cc_group *g)
{
    cc_attention *p = &g->u.attention;
    ir_value *const in[3] = {ir_node_input(node, 0), ir_node_input(node, 1), ir_node_input(node, 2)};
    int64_t q[IR_MAX_RANK], k[IR_MAX_RANK];
    int32_t rank;
    g->kind = CC_GROUP_ATTENTION;
    SY_TRY(cc_lower_dims(l, in[0], &rank, q));
    SY_TRY(cc_lower_dims(l, in[1], &rank, k));
    SY_TRY(cc_lower_check_lanes(l, node));
    p->batch = q[0];
    p->heads = ir_node_int(node, "heads", 1);
    p->scale = ir_node_float(node, "scale", 1.0F);
    if (in[0] == in[1] || in[1] == in[2] || in[0] == in[2]) {
        return cc_lower_refuse(l, "one tensor as two operands");
    }
    SY_TRY(cc_lower_operand(l, in[0], LOWER_AXIS_LAST, NULL, &g->x));
    SY_TRY(cc_lower_operand(l, in[1], LOWER_AXIS_LAST, NULL, &p->k));
    SY_TRY(cc_lower_operand(l, in[2], LOWER_AXIS_LAST, NULL, &p->v));
    SY_TRY(cc_lower_result_tensor(l, ir_node_output(node, 0), LOWER_AXIS_LAST, &g->y));
    if (g->x->c / p->heads % l->d != 0 || p->v->c / p->heads % l->d != 0) {
        return cc_lower_refuse(l, "heads of %lld and %lld channels, no multiples of %lld", (long long)(g->x->c / p->heads),
                               (long long)(p->v->c / p->heads), (long long)l->d);
    }
    if (k[1] % l->d != 0 && p->batch > 1) {
        return cc_lower_refuse(l, "a batch with %lld keys each, no multiple of %lld", (long long)k[1], (long long)l->d);
    }
    g->macs = (uint64_t)(p->batch * q[1] * k[1] * (g->x->c + p->v->c));
    return ir_node_input(node, 3) != NULL ? lower_mask(l, ir_node_input(node, 3), p) : SY_OK;
}

sy_status cc_lower_norm(lower *l, ir_node *node, cc_group *g)
{
    cc_norm *p = &g->u.norm;
    g->kind = CC_GROUP_NORM;
    SY_TRY(cc_lower_check_lanes(l, node));
    p->is_softmax = ir_node_is(node, IR_OP_BSOFTMAX);
    p->epsilon = ir_node_float(node, "epsilon", 1e-5F);
    SY_TRY(cc_lower_operand(l, ir_node_input(node, 0), LOWER_AXIS_LAST, NULL, &g->x));
    SY_TRY(cc_lower_result_tensor(l, ir_node_output(node, 0), LOWER_AXIS_LAST, &g->y));
    if (!g->x->folded) {
        return cc_lower_refuse(l, "'%s' lies with its channels on another axis", ir_node_input(node, 0)->name);
    }
    if (p->is_softmax) {
        return SY_OK;
    }
    ir_tensor scale, bias;
    SY_TRY(vector_of(l, ir_node_input(node, 1), g->x->c, &scale));
    SY_TRY(vector_of(l, ir_node_input(node, 2), g->x->c, &bias));
    p->constants.n_bytes = (uint64_t)(g->x->blocks * 8 * l->d);
    p->constants.bytes = base_arena_alloc(l->arena, (size_t)p->constants.n_bytes, 1);
    if (p->constants.bytes == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t c = 0; c < g->x->c; c++) {
        uint8_t *to = p->constants.bytes + c / l->d * 8 * l->d + 4 * (c % l->d);
        cc_lower_put_float(to, scale.data != NULL ? ((const float *)scale.data)[c] : 1.0F);
        cc_lower_put_float(to + 4 * l->d, bias.data != NULL ? ((const float *)bias.data)[c] : 0.0F);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- elements */

sy_status cc_lower_elements(lower *l, ir_node *node, cc_group *g)
{
    cc_stream *p = &g->u.stream;
    if (!ir_node_is(node, IR_OP_BUNARY)) {
        uint32_t first;
        SY_TRY(cc_lower_operands(l, node, g, &first));
        p->op = CC_STREAM_CHAIN;
        p->b_scale = 1.0F;
        if (ir_node_is(node, IR_OP_BMUL)) {
            PUT(&p->chain, MUL1, B);
            return SY_OK;
        }
        if (ir_node_is(node, IR_OP_BSUB) && first != 0) { /* -x + b */
            PUT(&p->chain, MUL1, IMM);
            p->chain.mul1 = -1.0F;
            PUT(&p->chain, ADD2, B);
            return SY_OK;
        }
        PUT(&p->chain, ADD1, B);
        p->b_scale = ir_node_is(node, IR_OP_BSUB) ? -1.0F : 1.0F;
        return SY_OK;
    }
    ir_value *x = ir_node_input(node, 0);
    g->kind = CC_GROUP_STREAM;
    p->op = CC_STREAM_CHAIN;
    SY_TRY(cc_lower_operand(l, x, cc_lower_layout_of(x), NULL, &g->x));
    SY_TRY(cc_lower_result_tensor(l, ir_node_output(node, 0), cc_lower_layout_of(x), &g->y));
    cc_lower_function(node, false, &p->chain);
    p->cubic = strcmp(ir_node_string(node, "fn", ""), "gelu_tanh") == 0;
    return cc_lower_check_idle_lanes(l, node, g->x->c);
}
