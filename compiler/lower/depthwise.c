/*
 * depthwise.c -- depthwise convolutions, int8 and bf16, that the vector unit's window can do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "lower.h"
#include "systole/isa/isa.h"

bool cc_lower_is_depthwise(const lower *l, const cc_window *w, int64_t groups, int64_t channels, int64_t filters,
                           const cc_tensor *x, const cc_tensor *y)
{
    const uint32_t in = ISA_PUT(0, ISA_VPU_CHAIN_IN_WINDOW, ISA_VPU_CHAIN_IN_WINDOW_TAPS3);
    return isa_reg_check(ISA_UNIT_VPU, ISA_VPU_CHAIN_IN, in) == ISA_ERROR_NONE && groups > 1 && channels == 1 && filters == groups && (w->kw == 3 || w->kw == 5) && w->kh * w->kw <= 25 &&
           w->stride_h == w->stride_w && w->stride_w <= 2 && w->dilation_h == 1 && w->dilation_w == 1 &&
           w->pad_left < w->kw && w->pad_top < w->kh && !x->folded && !y->folded && !x->dense &&
           (y->w - 1) * w->stride_w <= x->w - 1 && (y->h - 1) * w->stride_h - w->pad_top < x->h &&
           (l->dtype == SY_DT_I8 || l->dtype == SY_DT_BF16);
}

/* Weights of a block as rows of taps, then bias and scale as row registers. */
static void put_block(const lower *l, const cc_depthwise *p, const ir_tensor *w, int64_t block, uint8_t *to)
{
    const int64_t taps = p->window.kh * p->window.kw;
    for (int64_t lane = 0; lane < l->d && block * l->d + lane < w->dims[0]; lane++) {
        for (int64_t t = 0; t < taps; t++) {
            memcpy(to + (t * l->d + lane) * l->element_bytes,
                   (const uint8_t *)w->data + ((block * l->d + lane) * taps + t) * l->element_bytes, (size_t)l->element_bytes);
        }
    }
}

sy_status cc_lower_depthwise(lower *l, ir_node *node, const ir_tensor *w, cc_group *g)
{
    cc_depthwise *p = &g->u.depthwise;
    const int64_t taps = p->window.kh * p->window.kw;
    const int64_t block_bytes = (taps * l->element_bytes + 8) * l->d;
    g->kind = CC_GROUP_DEPTHWISE;
    p->is_bf16 = l->dtype == SY_DT_BF16;
    p->constants.n_bytes = (uint64_t)(g->y->blocks * block_bytes);
    p->constants.bytes = base_arena_alloc(l->arena, (size_t)p->constants.n_bytes, 1);
    if (p->constants.bytes == NULL) {
        return SY_ENOMEM;
    }
    const float *w_scale = NULL;
    const uint32_t n_scales = p->is_bf16 ? 0 : ir_node_floats(node, "w_scale", &w_scale);
    ir_tensor bias = {.data = NULL};
    if (ir_node_input(node, 2) != NULL) {
        SY_TRY(cc_lower_constant(l, ir_node_input(node, 2), &bias));
        if (bias.dtype != (p->is_bf16 ? SY_DT_F32 : SY_DT_I32) || ir_tensor_n_elements(&bias) != g->y->c) {
            return cc_lower_refuse(l, "the bias is not %s [%lld]", p->is_bf16 ? "fp32" : "int32", (long long)g->y->c);
        }
    }
    for (int64_t b = 0; b < g->y->blocks; b++) {
        uint8_t *to = p->constants.bytes + b * block_bytes;
        put_block(l, p, w, b, to);
        to += taps * l->element_bytes * l->d;
        for (int64_t lane = 0; lane < l->d && b * l->d + lane < g->y->c; lane++) {
            const int64_t c = b * l->d + lane;
            if (bias.data != NULL) {
                memcpy(to + 4 * lane, (const uint8_t *)bias.data + 4 * c, 4); /* the machine is little-endian, as the host */
            }
            if (!p->is_bf16) {
                const float product = ir_node_float(node, "x_scale", 1.0F) * w_scale[n_scales == 1 ? 0 : c];
                cc_lower_put_float(to + 4 * (l->d + lane), product / ir_node_float(node, "y_scale", 1.0F));
            }
        }
    }
    if (p->is_bf16) {
        p->chain.fp = ISA_PUT(p->chain.fp, ISA_VPU_CHAIN_FP_ADD1, ISA_VPU_CHAIN_FP_ADD1_ROW); /* zeros without a bias */
        cc_lower_function(node, true, &p->chain);
        SY_TRY(cc_lower_check_idle_lanes(l, node, g->y->c));
    } else {
        p->y = cc_lower_requant(node);
        p->x_zero = (int32_t)ir_node_int(node, "x_zero", 0);
    }
    return SY_OK;
}
