/*
 * fast_nbits.c -- com.microsoft's MatMulNBits: weights of 2 to 8 bits in blocks with scales.
 *
 * The codes less their zero points lie as bytes in panels of 32 columns; a panel becomes fp32 when
 * the product comes to it, in the first- or second-level cache, so that memory gives one byte per
 * weight. The weights have the reference's bits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_gemm.h"

#include <string.h>

typedef struct nbits_state {
    int64_t depth, columns, block, n_blocks;
    const int8_t *codes; /* [panels][depth][32] */
    const float *scales; /* [panels][blocks][32] */
} nbits_state;

/* Number i of `bits` wide numbers, the first in the lowest bits. */
static int packed_number(const uint8_t *bytes, int64_t i, int64_t bits)
{
    const int64_t at = i * bits;
    const unsigned next = at % 8 + bits > 8 ? (unsigned)bytes[at / 8 + 1] << 8 : 0;
    return (int)(((unsigned)bytes[at / 8] | next) >> (at % 8) & ((1u << bits) - 1u));
}

static void fill_column(const nbits_state *s, int64_t bits, const uint8_t *w, const uint8_t *zeros,
                        const float *scales, int64_t c, int8_t *codes, float *out_scales)
{
    const int64_t block_bytes = s->block * bits / 8, zero_bytes = (s->n_blocks * bits + 7) / 8;
    for (int64_t k = 0; k < s->depth; k++) {
        const int64_t b = k / s->block;
        const int zero = zeros != NULL ? packed_number(zeros + c * zero_bytes, b, bits)
                                       : 1 << (bits - 1);
        const int code = packed_number(w + (c * s->n_blocks + b) * block_bytes, k % s->block, bits);
        codes[k * RT_PANEL] = (int8_t)(code - zero);
    }
    for (int64_t b = 0; b < s->n_blocks; b++) {
        out_scales[b * RT_PANEL] = scales[c * s->n_blocks + b];
    }
}

sy_status rt_fast_prepare_MS_MATMULNBITS(const rt_prepare_args *args, void **state)
{
    const ir_node *n = args->node;
    const int64_t bits = ir_node_int(n, "bits", 4), block = ir_node_int(n, "block_size", 0);
    nbits_state s = {
        .depth = ir_node_int(n, "K", 0), .columns = ir_node_int(n, "N", 0), .block = block};
    const ir_tensor *w = args->n_inputs > 1 ? args->constants[1] : NULL,
                    *scales = args->n_inputs > 2 ? args->constants[2] : NULL;
    const bool has_zeros = args->n_inputs > 3 && n->inputs[3].value != NULL;
    const ir_tensor *zeros = has_zeros ? args->constants[3] : NULL;
    const bool groups = args->n_inputs > 4 && n->inputs[4].value != NULL;
    if (w == NULL || scales == NULL || groups || (has_zeros && (zeros == NULL || bits == 8)) ||
        s.depth < 1 || s.columns < 1 || s.depth > INT32_MAX || s.columns > INT32_MAX || bits < 2 ||
        bits > 8 || block < 16 || (block & (block - 1)) != 0 || block > 1 << 20) {
        return SY_OK;
    }
    s.n_blocks = (s.depth + block - 1) / block;
    const int64_t panels = (s.columns + RT_PANEL - 1) / RT_PANEL;
    const int64_t zero_bytes = (s.n_blocks * bits + 7) / 8;
    if (w->dtype != SY_DT_U8 || scales->dtype != SY_DT_F32 ||
        (int64_t)w->size_bytes != s.columns * s.n_blocks * (block * bits / 8) ||
        ir_tensor_n_elements(scales) != s.columns * s.n_blocks ||
        (zeros != NULL &&
         (zeros->dtype != SY_DT_U8 || (int64_t)zeros->size_bytes != s.columns * zero_bytes))) {
        return SY_OK; /* the reference says what is wrong, or computes it */
    }
    int8_t *codes = BASE_ARENA_ARRAY(args->arena, int8_t, (size_t)(panels * s.depth * RT_PANEL));
    float *factors = BASE_ARENA_ARRAY(args->arena, float, (size_t)(panels * s.n_blocks * RT_PANEL));
    nbits_state *kept = BASE_ARENA_NEW(args->arena, nbits_state);
    if (codes == NULL || factors == NULL || kept == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t c = 0; c < s.columns; c++) {
        const int64_t p = c / RT_PANEL;
        fill_column(&s, bits, w->data, zeros != NULL ? zeros->data : NULL, scales->data, c,
                    codes + p * s.depth * RT_PANEL + c % RT_PANEL,
                    factors + p * s.n_blocks * RT_PANEL + c % RT_PANEL);
    }
    s.codes = codes;
    s.scales = factors;
    *kept = s;
    *state = kept;
    return SY_OK;
}

/* Rows k0 .. k0 + depth - 1 of a panel in fp32. */
static void fill_panel(const void *user, int64_t k0, int64_t depth, int64_t panel, float *to)
{
    const nbits_state *s = user;
    const rt_simd *simd = rt_simd_best();
    for (int64_t k = k0; k < k0 + depth;) {
        const int64_t b = k / s->block,
                      end = (b + 1) * s->block < k0 + depth ? (b + 1) * s->block : k0 + depth;
        simd->scale_panel(end - k, s->codes + (panel * s->depth + k) * RT_PANEL,
                          s->scales + (panel * s->n_blocks + b) * RT_PANEL,
                          to + (k - k0) * RT_PANEL);
        k = end;
    }
}

sy_status rt_fast_matmul_nbits(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const nbits_state *s = state;
    const ir_tensor *x = ir_kernel_input(args, 0), *bias = ir_kernel_input(args, 5);
    ir_tensor *y = ir_kernel_output(args, 0);
    if (s == NULL || x->dtype != SY_DT_F32 || x->rank < 1 || x->dims[x->rank - 1] != s->depth ||
        (bias != NULL && (bias->dtype != SY_DT_F32 || ir_tensor_n_elements(bias) != s->columns))) {
        return rt_run_reference(args);
    }
    const rt_gemm g = {.m = ir_tensor_n_elements(x) / s->depth,
                       .n = s->columns,
                       .k = s->depth,
                       .a = x->data,
                       .a_row = s->depth,
                       .a_k = 1,
                       .fill = fill_panel,
                       .fill_user = s,
                       .c = y->data,
                       .ldc = s->columns,
                       .epilogue.bias = bias != NULL ? bias->data : NULL};
    return rt_product(args, env, &g, NULL);
}
