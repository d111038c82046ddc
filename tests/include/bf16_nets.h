/*
 * bf16_nets.h -- small float networks as exporters write them, and how a test asks what a bf16 machine makes of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_BF16_NETS_H
#define SYSTOLE_TESTS_BF16_NETS_H

#include "test.h"

#include <math.h>
#include <unistd.h>

#include "onnx_write.h"
#include "systole/base/rng.h"
#include "systole/isa/fn.h"
#include "systole/rt/buffer.h"
#include "systole/rt/session.h"

#define BN_MAX_IO 4

static uint64_t bn_drawn;
static int bn_bad; /* networks that were not as they should be */

static inline float bn_uniform(void)
{
    return (float)(base_rng_u64(20261120, 3, bn_drawn++) % 20001) / 10000.0f - 1.0f;
}

/* ---------------------------------------------------------------- parts of a graph */

/* A node whose results nobody needs to name otherwise; returns it for attributes. */
static inline void bn_op(base_buf *g, const char *type, const char *in, const char *out)
{
    ow_add_node(g, ow_node(type, in, out));
}

static inline void bn_op_int(base_buf *g, const char *type, const char *in, const char *out, const char *name, int64_t value)
{
    base_buf n = ow_node(type, in, out);
    ow_attr_int(&n, name, value);
    ow_add_node(g, n);
}

static inline void bn_transpose(base_buf *g, const char *in, const char *out, size_t rank, const int64_t *perm)
{
    base_buf n = ow_node("Transpose", in, out);
    ow_attr_ints(&n, "perm", rank, perm);
    ow_add_node(g, n);
}

/* A constant of values between -scale and scale, around `middle`. */
static inline void bn_weights(base_buf *g, const char *name, int rank, const int64_t *dims, float scale, float middle)
{
    size_t n = 1;
    for (int i = 0; i < rank; i++) {
        n *= (size_t)dims[i];
    }
    float *data = malloc(n * sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < n; i++) {
        data[i] = middle + scale * bn_uniform();
    }
    ow_add_const(g, name, SY_DT_F32, rank, dims, data, n * sizeof *data);
    free(data);
}

static inline void bn_i64s(base_buf *g, const char *name, int64_t n, const int64_t *v)
{
    ow_add_const(g, name, SY_DT_I64, 1, &n, v, (size_t)n * 8);
}

static inline void bn_input(base_buf *g, const char *name, int rank, const int64_t *dims)
{
    ow_add_input(g, name, SY_DT_F32, rank, dims);
}

/* y = x w + b for x [.., k] */
static inline void bn_linear(base_buf *g, const char *x, const char *y, int64_t k, int64_t n, bool bias)
{
    char w[64], b[64], p[64], in[200];
    snprintf(w, sizeof w, "%s_w", y);
    snprintf(b, sizeof b, "%s_b", y);
    snprintf(p, sizeof p, "%s_p", y);
    bn_weights(g, w, 2, (const int64_t[2]){k, n}, 1.5f / sqrtf((float)k), 0.0f);
    snprintf(in, sizeof in, "%s %s", x, w);
    bn_op(g, "MatMul", in, bias ? p : y);
    if (bias) {
        bn_weights(g, b, 1, &n, 0.5f, 0.0f);
        snprintf(in, sizeof in, "%s %s", b, p);
        bn_op(g, "Add", in, y);
    }
}

static inline void bn_layer_norm(base_buf *g, const char *x, const char *y, int64_t c)
{
    char s[64], b[64], in[200];
    snprintf(s, sizeof s, "%s_s", y);
    snprintf(b, sizeof b, "%s_b", y);
    bn_weights(g, s, 1, &c, 0.3f, 1.0f);
    bn_weights(g, b, 1, &c, 0.2f, 0.0f);
    snprintf(in, sizeof in, "%s %s %s", x, s, b);
    bn_op_int(g, "LayerNormalization", in, y, "axis", -1);
}

static inline base_buf bn_finish(base_buf g, const char *outputs)
{
    char text[128];
    snprintf(text, sizeof text, "%s", outputs);
    for (char *p = strtok(text, " "); p != NULL; p = strtok(NULL, " ")) {
        ow_add_output(&g, p, SY_DT_F32);
    }
    return ow_model(g, 20);
}

/* ---------------------------------------------------------------- attention */

/* softmax(q k^T / sqrt d) v with matrices. */
static inline base_buf bn_head(int64_t queries, int64_t keys, int64_t d)
{
    base_buf g = {0};
    bn_input(&g, "q", 2, (const int64_t[2]){queries, d});
    bn_input(&g, "k", 2, (const int64_t[2]){keys, d});
    bn_input(&g, "v", 2, (const int64_t[2]){keys, d});
    ow_add_f32(&g, "root", sqrtf((float)d));
    bn_transpose(&g, "k", "kt", 2, (const int64_t[2]){1, 0});
    bn_op(&g, "MatMul", "q kt", "s");
    bn_op(&g, "Div", "s root", "t");
    bn_op_int(&g, "Softmax", "t", "p", "axis", -1);
    bn_op(&g, "MatMul", "p v", "y");
    return bn_finish(g, "y");
}

typedef enum bn_scale { BN_SCALE_DIV, BN_SCALE_MUL, BN_SCALE_ON_BOTH } bn_scale;

/* [b,s,e] -> [b,h,s,d], or for keys with the last two axes swapped */
static inline void bn_cut(base_buf *g, const char *x, const char *y, const char *shape, bool keys)
{
    char in[128], r[64];
    snprintf(in, sizeof in, "%s %s", x, shape);
    snprintf(r, sizeof r, "%s_r", y);
    bn_op(g, "Reshape", in, r);
    bn_transpose(g, r, y, 4, keys ? (const int64_t[4]){0, 2, 3, 1} : (const int64_t[4]){0, 2, 1, 3});
}

/* attention of tensors that are in the graph: y [b,s,e] */
static inline void bn_attention(base_buf *g, const char *q, const char *k, const char *v, const char *y, int64_t e, int64_t heads, bn_scale scale)
{
    const float root = sqrtf((float)(e / heads));
    bn_i64s(g, "cut", 4, (const int64_t[4]){0, 0, heads, e / heads});
    bn_i64s(g, "whole", 3, (const int64_t[3]){0, 0, e});
    ow_add_f32(g, "root", scale == BN_SCALE_DIV ? root : scale == BN_SCALE_MUL ? 1.0f / root : 1.0f / sqrtf(root));
    bn_cut(g, q, "qh", "cut", false);
    bn_cut(g, k, "kh", "cut", true);
    bn_cut(g, v, "vh", "cut", false);
    if (scale == BN_SCALE_ON_BOTH) {
        bn_op(g, "Mul", "qh root", "qs");
        bn_op(g, "Mul", "kh root", "ks");
        bn_op(g, "MatMul", "qs ks", "scaled");
    } else {
        bn_op(g, "MatMul", "qh kh", "scores");
        bn_op(g, scale == BN_SCALE_DIV ? "Div" : "Mul", "scores root", "scaled");
    }
    bn_op_int(g, "Softmax", "scaled", "probabilities", "axis", -1);
    bn_op(g, "MatMul", "probabilities vh", "parts");
    bn_transpose(g, "parts", "turned", 4, (const int64_t[4]){0, 2, 1, 3});
    char in[64];
    snprintf(in, sizeof in, "turned whole");
    bn_op(g, "Reshape", in, y);
}

static inline base_buf bn_heads(int64_t batch, int64_t queries, int64_t keys, int64_t e, int64_t heads, bn_scale scale)
{
    base_buf g = {0};
    bn_input(&g, "q", 3, (const int64_t[3]){batch, queries, e});
    bn_input(&g, "k", 3, (const int64_t[3]){batch, keys, e});
    bn_input(&g, "v", 3, (const int64_t[3]){batch, keys, e});
    bn_attention(&g, "q", "k", "v", "y", e, heads, scale);
    return bn_finish(g, "y");
}

typedef enum bn_mask { BN_MASK_INPUT, BN_MASK_PICTURES, BN_MASK_CONSTANT, BN_MASK_WHERE, BN_MASK_WHERE_NOT, BN_MASKS } bn_mask;

/* The same with a mask of scores: an input for each query, an input for each picture, constants added, constants by a condition. */
static inline base_buf bn_masked(int64_t batch, int64_t s, int64_t e, int64_t heads, bn_mask mask)
{
    base_buf g = {0};
    for (int i = 0; i < 3; i++) {
        bn_input(&g, (const char *[3]){"q", "k", "v"}[i], 3, (const int64_t[3]){batch, s, e});
    }
    const int64_t n = s * s, square[4] = {1, 1, s, s};
    float *added = malloc((size_t)n * sizeof *added);
    uint8_t *allowed = malloc((size_t)n);
    assert_true(added != NULL && allowed != NULL);
    for (int64_t i = 0; i < n; i++) {
        const bool see = i % s <= i / s;
        added[i] = see ? 0.25f * bn_uniform() : -3.4e38f;
        allowed[i] = see == (mask == BN_MASK_WHERE);
    }
    if (mask == BN_MASK_INPUT) {
        bn_input(&g, "mask", 2, square + 2);
    } else if (mask == BN_MASK_PICTURES) {
        bn_input(&g, "mask", 4, (const int64_t[4]){batch, 1, 1, s});
    } else if (mask == BN_MASK_CONSTANT) {
        ow_add_const(&g, "mask", SY_DT_F32, 4, square, added, (size_t)n * sizeof *added);
    } else {
        ow_add_const(&g, "mask", SY_DT_BOOL, 4, square, allowed, (size_t)n);
        ow_add_f32(&g, "never", -INFINITY);
    }
    free(added);
    free(allowed);
    bn_i64s(&g, "cut", 4, (const int64_t[4]){0, 0, heads, e / heads});
    bn_i64s(&g, "whole", 3, (const int64_t[3]){0, 0, e});
    ow_add_f32(&g, "root", sqrtf((float)(e / heads)));
    bn_cut(&g, "q", "qh", "cut", false);
    bn_cut(&g, "k", "kh", "cut", true);
    bn_cut(&g, "v", "vh", "cut", false);
    bn_op(&g, "MatMul", "qh kh", "scores");
    bn_op(&g, "Div", "scores root", "scaled");
    if (mask >= BN_MASK_WHERE) {
        bn_op(&g, "Where", mask == BN_MASK_WHERE ? "mask scaled never" : "mask never scaled", "masked");
    } else {
        bn_op(&g, "Add", mask == BN_MASK_CONSTANT ? "mask scaled" : "scaled mask", "masked");
    }
    bn_op_int(&g, "Softmax", "masked", "probabilities", "axis", 3);
    bn_op(&g, "MatMul", "probabilities vh", "parts");
    bn_transpose(&g, "parts", "turned", 4, (const int64_t[4]){0, 2, 1, 3});
    bn_op(&g, "Reshape", "turned whole", "y");
    return bn_finish(g, "y");
}

/* A block with the norms before its parts: y = z + mlp(norm z), z = x + attention(norm x). */
static inline base_buf bn_block(int64_t batch, int64_t s, int64_t e, int64_t heads)
{
    base_buf g = {0};
    bn_input(&g, "x", 3, (const int64_t[3]){batch, s, e});
    bn_layer_norm(&g, "x", "n1", e);
    bn_linear(&g, "n1", "q", e, e, true);
    bn_linear(&g, "n1", "k", e, e, true);
    bn_linear(&g, "n1", "v", e, e, true);
    bn_attention(&g, "q", "k", "v", "a", e, heads, BN_SCALE_DIV);
    bn_linear(&g, "a", "o", e, e, true);
    bn_op(&g, "Add", "x o", "z");
    bn_layer_norm(&g, "z", "n2", e);
    bn_linear(&g, "n2", "h", e, 4 * e, true);
    base_buf gelu = ow_node("Gelu", "h", "u");
    ow_add_node(&g, gelu);
    bn_linear(&g, "u", "m", 4 * e, e, true);
    bn_op(&g, "Add", "m z", "y");
    return bn_finish(g, "y");
}

/* Queries, keys and values of one product, cut apart; a mask made of ones and zeros for each key of a picture. */
static inline base_buf bn_joined(int64_t batch, int64_t s, int64_t e, int64_t heads)
{
    base_buf g = {0};
    const int64_t sizes[3] = {e, e, e};
    bn_input(&g, "x", 3, (const int64_t[3]){batch, s, e});
    bn_input(&g, "seen", 2, (const int64_t[2]){batch, s});
    bn_linear(&g, "x", "qkv", e, 3 * e, true);
    bn_i64s(&g, "sizes", 3, sizes);
    base_buf split = ow_node("Split", "qkv sizes", "q k v");
    ow_attr_int(&split, "axis", 2);
    ow_add_node(&g, split);
    bn_i64s(&g, "axes", 2, (const int64_t[2]){1, 2});
    ow_add_f32(&g, "one", 1.0f);
    ow_add_f32(&g, "much", -10000.0f);
    ow_add_f32(&g, "root", sqrtf((float)(e / heads)));
    bn_op(&g, "Unsqueeze", "seen axes", "wide");
    bn_op(&g, "Sub", "one wide", "unseen");
    bn_op(&g, "Mul", "unseen much", "mask");
    bn_i64s(&g, "cut", 4, (const int64_t[4]){0, 0, heads, e / heads});
    bn_i64s(&g, "whole", 3, (const int64_t[3]){0, 0, e});
    bn_cut(&g, "q", "qh", "cut", false);
    bn_cut(&g, "k", "kh", "cut", true);
    bn_cut(&g, "v", "vh", "cut", false);
    bn_op(&g, "MatMul", "qh kh", "scores");
    bn_op(&g, "Div", "scores root", "scaled");
    bn_op(&g, "Add", "scaled mask", "masked");
    bn_op_int(&g, "Softmax", "masked", "probabilities", "axis", -1);
    bn_op(&g, "MatMul", "probabilities vh", "parts");
    bn_transpose(&g, "parts", "turned", 4, (const int64_t[4]){0, 2, 1, 3});
    bn_op(&g, "Reshape", "turned whole", "y");
    return bn_finish(g, "y");
}

/* A network in bf16 throughout, with a free batch. */
static inline base_buf bn_native(void)
{
    static const char *const names[4] = {"scale", "shift", "w", "b"};
    static const int64_t dims[4][2] = {{24, 0}, {24, 0}, {24, 13}, {13, 0}};
    base_buf g = {0};
    ow_add_input(&g, "x", SY_DT_BF16, 3, (const int64_t[3]){-1, 5, 24});
    for (int i = 0; i < 4; i++) {
        uint16_t data[24 * 13];
        const int64_t n = dims[i][0] * (dims[i][1] > 0 ? dims[i][1] : 1);
        for (int64_t k = 0; k < n; k++) {
            const float v = bn_uniform();
            uint32_t bits;
            memcpy(&bits, &v, sizeof bits);
            data[k] = isa_fp_to_bf16(bits);
        }
        ow_add_const(&g, names[i], SY_DT_BF16, dims[i][1] > 0 ? 2 : 1, dims[i], data, (size_t)n * 2);
    }
    bn_op_int(&g, "LayerNormalization", "x scale shift", "n", "axis", -1);
    bn_op(&g, "MatMul", "n w", "p");
    bn_op(&g, "Add", "p b", "a");
    bn_op(&g, "Sigmoid", "a", "s");
    bn_op(&g, "Mul", "a s", "u");
    bn_op_int(&g, "Softmax", "u", "t", "axis", 2);
    bn_op(&g, "Add", "t u", "y");
    ow_add_output(&g, "y", SY_DT_BF16);
    return ow_model(g, 20);
}

/* ---------------------------------------------------------------- norms and functions */

#define BN_NORM_FORMS 7

/* 0 the operator; in pieces: 1 Pow, 2 Mul of the difference, 3 factors the other way round, 4 without scale and bias, 5 scale alone,
 * 6 scale and bias of three dimensions */
static inline base_buf bn_norm(int64_t batch, int64_t s, int64_t c, int form)
{
    base_buf g = {0};
    bn_input(&g, "x", 3, (const int64_t[3]){batch, s, c});
    if (form == 0) {
        bn_layer_norm(&g, "x", "y", c);
        return bn_finish(g, "y");
    }
    const int64_t dims[3] = {1, 1, c};
    bn_weights(&g, "scale", form == 6 ? 3 : 1, form == 6 ? dims : &c, 0.3f, 1.0f);
    bn_weights(&g, "bias", form == 6 ? 3 : 1, form == 6 ? dims : &c, 0.2f, 0.0f);
    ow_add_f32(&g, "two", 2.0f);
    ow_add_f32(&g, "epsilon", 1e-5f);
    bn_i64s(&g, "axes", 1, (const int64_t[1]){-1});
    bn_op(&g, "ReduceMean", "x axes", "mean");
    bn_op(&g, "Sub", "x mean", "d");
    bn_op(&g, form == 2 ? "Mul" : "Pow", form == 2 ? "d d" : "d two", "square");
    bn_op(&g, "ReduceMean", "square axes", "variance");
    bn_op(&g, "Add", form == 3 ? "epsilon variance" : "variance epsilon", "sum");
    bn_op(&g, "Sqrt", "sum", "root");
    bn_op(&g, "Div", "d root", form == 4 ? "y" : "n");
    if (form != 4) {
        bn_op(&g, "Mul", form == 3 ? "scale n" : "n scale", form == 5 ? "y" : "ns");
    }
    if (form != 4 && form != 5) {
        bn_op(&g, "Add", form == 3 ? "bias ns" : "ns bias", "y");
    }
    return bn_finish(g, "y");
}

static inline base_buf bn_softmax(int64_t rows, int64_t c)
{
    base_buf g = {0};
    bn_input(&g, "x", 2, (const int64_t[2]){rows, c});
    bn_op_int(&g, "Softmax", "x", "y", "axis", -1);
    return bn_finish(g, "y");
}

#define BN_GELU_FORMS 8

/* 0 the operator; 1 (x gate) / 2 with a division, 2 (x / 2) gate, 3 x (gate / 2), 4 as 1 with a factor; 5 the tanh form; 6 and 7 that in pieces */
static inline base_buf bn_gelu(int64_t rows, int64_t c, int form)
{
    base_buf g = {0};
    bn_input(&g, "x", 2, (const int64_t[2]){rows, c});
    if (form == 0 || form == 5) {
        base_buf n = ow_node("Gelu", "x", "y");
        if (form == 5) {
            ow_attr_text(&n, "approximate", "tanh");
        }
        ow_add_node(&g, n);
        return bn_finish(g, "y");
    }
    if (form > 5) {
        ow_add_f32(&g, "three", 3.0f);
        ow_add_f32(&g, "c", 0.044715f);
        ow_add_f32(&g, "k", 0.7978845608f);
        ow_add_f32(&g, "one", 1.0f);
        ow_add_f32(&g, "half", 0.5f);
        bn_op(&g, "Mul", "x x", "xx");
        bn_op(&g, form == 6 ? "Pow" : "Mul", form == 6 ? "x three" : "xx x", "cube");
        bn_op(&g, "Mul", form == 6 ? "cube c" : "c cube", "term");
        bn_op(&g, "Add", form == 6 ? "x term" : "term x", "sum");
        bn_op(&g, "Mul", form == 6 ? "sum k" : "k sum", "inner");
        bn_op(&g, "Tanh", "inner", "t");
        bn_op(&g, "Add", form == 6 ? "one t" : "t one", "gate");
        bn_op(&g, "Mul", form == 6 ? "half x" : "x gate", "m");
        bn_op(&g, "Mul", form == 6 ? "m gate" : "m half", "y");
        return bn_finish(g, "y");
    }
    ow_add_f32(&g, "root2", form == 4 ? 0.70710678f : 1.41421354f);
    ow_add_f32(&g, "one", 1.0f);
    ow_add_f32(&g, "half", 0.5f);
    bn_op(&g, form == 4 ? "Mul" : "Div", "x root2", "a");
    bn_op(&g, "Erf", "a", "e");
    bn_op(&g, "Add", form == 3 ? "one e" : "e one", "gate");
    if (form == 1 || form == 4) {
        bn_op(&g, "Mul", "x gate", "m");
        bn_op(&g, "Mul", "m half", "y");
    } else if (form == 2) {
        bn_op(&g, "Mul", "half x", "m");
        bn_op(&g, "Mul", "m gate", "y");
    } else {
        bn_op(&g, "Mul", "gate half", "m");
        bn_op(&g, "Mul", "x m", "y");
    }
    return bn_finish(g, "y");
}

/* A function on its own, or behind a product. */
static inline base_buf bn_function(const char *type, int64_t rows, int64_t c, bool fused)
{
    base_buf g = {0};
    bn_input(&g, "x", 2, (const int64_t[2]){rows, c});
    if (fused) {
        bn_linear(&g, "x", "z", c, c + 3, true);
    }
    bn_op(&g, type, fused ? "z" : "x", "y");
    return bn_finish(g, "y");
}

static inline base_buf bn_silu(int64_t rows, int64_t c)
{
    base_buf g = {0};
    bn_input(&g, "x", 2, (const int64_t[2]){rows, c});
    bn_op(&g, "Sigmoid", "x", "s");
    bn_op(&g, "Mul", "s x", "y");
    return bn_finish(g, "y");
}

static inline base_buf bn_clip(int64_t rows, int64_t c)
{
    base_buf g = {0};
    bn_input(&g, "x", 2, (const int64_t[2]){rows, c});
    ow_add_f32(&g, "low", 0.125f);
    ow_add_f32(&g, "high", 0.6f);
    bn_op(&g, "Clip", "x low high", "a");
    bn_linear(&g, "a", "b", c, 7, false); /* lanes without channels hold 0.125 */
    bn_op(&g, "Clip", "b - high", "y");
    return bn_finish(g, "y");
}

/* With a tensor, a vector, a scalar, one value for each position; and with itself. */
static inline base_buf bn_binary(const char *type)
{
    base_buf g = {0};
    bn_input(&g, "x", 4, (const int64_t[4]){2, 5, 4, 3});
    bn_input(&g, "z", 4, (const int64_t[4]){2, 5, 4, 3});
    bn_weights(&g, "channel", 3, (const int64_t[3]){5, 1, 1}, 2.0f, 0.0f);
    ow_add_f32(&g, "scalar", 0.7f);
    bn_op(&g, type, "x z", "a");
    bn_op(&g, type, "a channel", "b");
    bn_op(&g, type, "b scalar", "c");
    bn_op(&g, type, "channel c", "d");
    bn_op(&g, type, "d d", "y");
    return bn_finish(g, "y a");
}

/* ---------------------------------------------------------------- convolutions */

typedef struct bn_conv {
    int64_t in, out, k, stride, group;
    bool norm;
    const char *act; /* NULL, "Relu6", or an operator */
} bn_conv;

static inline void bn_add_conv(base_buf *g, const char *x, const char *y, const bn_conv *c)
{
    char in[256], w[64], z[64], names[4][80];
    snprintf(w, sizeof w, "%s_w", y);
    snprintf(z, sizeof z, "%s_z", y);
    const int64_t per = c->in / c->group;
    bn_weights(g, w, 4, (const int64_t[4]){c->out, per, c->k, c->k}, 1.7f / sqrtf((float)(per * c->k * c->k)), 0.0f);
    snprintf(in, sizeof in, "%s %s", x, w);
    if (!c->norm) {
        snprintf(names[0], sizeof names[0], "%s_b", y);
        bn_weights(g, names[0], 1, &c->out, 0.5f, 0.0f);
        snprintf(in, sizeof in, "%s %s %s", x, w, names[0]);
    }
    base_buf n = ow_node("Conv", in, c->norm || c->act != NULL ? z : y);
    const int64_t p = c->k / 2;
    ow_attr_ints(&n, "pads", 4, (const int64_t[4]){p, p, p, p});
    ow_attr_ints(&n, "strides", 2, (const int64_t[2]){c->stride, c->stride});
    ow_attr_int(&n, "group", c->group);
    ow_add_node(g, n);
    char last[64];
    snprintf(last, sizeof last, "%s", z);
    if (c->norm) {
        static const char *const parts[4] = {"scale", "shift", "mean", "variance"};
        for (int i = 0; i < 4; i++) {
            snprintf(names[i], sizeof names[i], "%s_%s", y, parts[i]);
            bn_weights(g, names[i], 1, &c->out, 0.4f, i % 3 == 0 ? 1.0f : 0.0f);
        }
        snprintf(in, sizeof in, "%.40s %.40s %.40s %.40s %.40s", z, names[0], names[1], names[2], names[3]);
        snprintf(last, sizeof last, "%s_n", y);
        bn_op(g, "BatchNormalization", in, c->act != NULL ? last : y);
    }
    if (c->act != NULL && strcmp(c->act, "Relu6") == 0) {
        snprintf(in, sizeof in, "%s zero six", last);
        bn_op(g, "Clip", in, y);
    } else if (c->act != NULL) {
        bn_op(g, c->act, last, y);
    }
}

/* A stem, an inverted residual with a 3x3, one with stride 2, one 5x5. */
static inline base_buf bn_mobile(int64_t batch, int64_t size, int64_t colours, int64_t c)
{
    base_buf g = {0};
    bn_input(&g, "x", 4, (const int64_t[4]){batch, colours, size, size});
    ow_add_f32(&g, "zero", 0.0f);
    ow_add_f32(&g, "six", 6.0f);
    bn_add_conv(&g, "x", "a", &(bn_conv){colours, c, 3, 2, 1, true, "Relu6"});
    bn_add_conv(&g, "a", "b", &(bn_conv){c, 2 * c, 1, 1, 1, true, "Relu6"});
    bn_add_conv(&g, "b", "d", &(bn_conv){2 * c, 2 * c, 3, 1, 2 * c, true, "Relu6"});
    bn_add_conv(&g, "d", "e", &(bn_conv){2 * c, c, 1, 1, 1, true, NULL});
    bn_op(&g, "Add", "a e", "r");
    bn_add_conv(&g, "r", "f", &(bn_conv){c, c, 3, 2, c, true, "HardSwish"});
    bn_add_conv(&g, "f", "h", &(bn_conv){c, c, 5, 1, c, false, "Relu"});
    bn_add_conv(&g, "h", "i", &(bn_conv){c, c, 3, 1, 1, false, "Sigmoid"});
    bn_op(&g, "Mul", "i h", "y");
    return bn_finish(g, "y");
}

static inline base_buf bn_pools(void)
{
    base_buf g = {0};
    bn_input(&g, "x", 4, (const int64_t[4]){1, 6, 9, 9});
    bn_add_conv(&g, "x", "a", &(bn_conv){6, 7, 3, 1, 1, false, "Relu"});
    base_buf pool = ow_node("MaxPool", "a", "b");
    ow_attr_ints(&pool, "kernel_shape", 2, (const int64_t[2]){3, 3});
    ow_attr_ints(&pool, "pads", 4, (const int64_t[4]){1, 1, 1, 1});
    ow_attr_ints(&pool, "strides", 2, (const int64_t[2]){2, 2});
    ow_add_node(&g, pool);
    bn_add_conv(&g, "b", "c", &(bn_conv){7, 5, 1, 1, 1, false, "Tanh"});
    bn_op_int(&g, "Concat", "b c", "d", "axis", 1);
    bn_add_conv(&g, "d", "e", &(bn_conv){12, 9, 1, 1, 1, false, NULL});
    bn_op(&g, "GlobalAveragePool", "e", "y");
    return bn_finish(g, "y d");
}

/* With many results, so that a sum in another order shows. */
static inline base_buf bn_flat(void)
{
    base_buf g = {0};
    bn_input(&g, "x", 4, (const int64_t[4]){40, 2, 6, 6});
    bn_add_conv(&g, "x", "a", &(bn_conv){2, 7, 3, 2, 1, false, NULL});
    bn_op_int(&g, "Flatten", "a", "f", "axis", 1);
    bn_weights(&g, "w", 2, (const int64_t[2]){90, 63}, 0.2f, 0.0f);
    bn_weights(&g, "b", 1, (const int64_t[1]){90}, 0.2f, 0.0f);
    base_buf gemm = ow_node("Gemm", "f w b", "y");
    ow_attr_int(&gemm, "transB", 1);
    ow_add_node(&g, gemm);
    return bn_finish(g, "y");
}

/* Means: of windows with padding, of planes by ReduceMean with and without the axes; a Gemm with C of one row, of all rows, times a factor. */
static inline base_buf bn_means(void)
{
    base_buf g = {0};
    bn_input(&g, "x", 4, (const int64_t[4]){2, 3, 8, 7});
    bn_add_conv(&g, "x", "a", &(bn_conv){3, 6, 3, 1, 1, false, NULL});
    base_buf pool = ow_node("AveragePool", "a", "b");
    ow_attr_ints(&pool, "kernel_shape", 2, (const int64_t[2]){3, 2});
    ow_attr_ints(&pool, "pads", 4, (const int64_t[4]){1, 0, 1, 1});
    ow_attr_ints(&pool, "strides", 2, (const int64_t[2]){2, 1});
    ow_add_node(&g, pool);
    bn_i64s(&g, "axes", 2, (const int64_t[2]){2, -1});
    bn_op(&g, "ReduceMean", "b axes", "c");
    bn_op(&g, "Mul", "b c", "d");
    bn_op_int(&g, "ReduceMean", "d axes", "e", "keepdims", 0);
    bn_weights(&g, "w", 2, (const int64_t[2]){6, 5}, 0.5f, 0.0f);
    bn_weights(&g, "row", 2, (const int64_t[2]){1, 5}, 0.5f, 0.0f);
    base_buf gemm = ow_node("Gemm", "e w row", "f");
    ow_attr_float(&gemm, "beta", 2.0f);
    ow_attr_float(&gemm, "alpha", 0.5f);
    ow_add_node(&g, gemm);
    bn_weights(&g, "w2", 2, (const int64_t[2]){5, 4}, 0.5f, 0.0f);
    bn_weights(&g, "all", 2, (const int64_t[2]){2, 4}, 0.5f, 0.0f);
    bn_op(&g, "Gemm", "f w2 all", "h");
    bn_weights(&g, "w3", 2, (const int64_t[2]){4, 4}, 0.5f, 0.0f);
    ow_add_f32(&g, "scalar", 0.25f);
    bn_op(&g, "Gemm", "h w3 scalar", "y");
    return bn_finish(g, "y d");
}

/* ---------------------------------------------------------------- runs */

typedef struct bn_result {
    ir_tensor t[BN_MAX_IO];
    uint32_t n;
} bn_result;

/* Inputs are functions of their number and `kind` alone: 0 within -2..2, 1 any magnitude, with infinities and NaNs. */
static inline void bn_fill(ir_tensor *t, uint32_t number, int kind)
{
    const int64_t n = ir_tensor_n_elements(t);
    for (int64_t i = 0; i < n; i++) {
        const uint64_t r = base_rng_u64(77 + (uint64_t)kind, number, (uint64_t)i);
        float v = (float)(r % 4001) / 1000.0f - 2.0f;
        if (kind == 1 && r >> 32 & 1) {
            v = ldexpf(v, (int)(r >> 40 & 31) - 16);
        }
        if (kind == 1 && (r >> 48 & 63) == 0) {
            v = (r >> 54 & 3) == 0 ? NAN : (r >> 54 & 3) == 1 ? INFINITY : (r >> 54 & 3) == 2 ? -INFINITY : -3.0e38f;
        }
        if (t->dtype == SY_DT_F32) {
            ((float *)t->data)[i] = v;
        } else {
            uint32_t bits;
            memcpy(&bits, &v, sizeof bits);
            ((uint16_t *)t->data)[i] = isa_fp_to_bf16(bits);
        }
    }
}

/* A session's run of a model; false after a message. */
static inline bool bn_run(rt_model *model, const rt_session_options *options, int kind, const char *what, bn_result *out)
{
    base_diag diag = {0};
    rt_session *session = NULL;
    ir_tensor in[BN_MAX_IO];
    const ir_tensor *inputs[BN_MAX_IO];
    ir_tensor *outputs[BN_MAX_IO];
    if (rt_session_create(model, options, &session, &diag) != SY_OK) {
        print_error("%s: %s\n", what, base_diag_message(&diag));
        return false;
    }
    const uint32_t n_in = rt_model_n_inputs(model);
    out->n = rt_model_n_outputs(model);
    assert_true(n_in <= BN_MAX_IO && out->n <= BN_MAX_IO);
    memset(out->t, 0, sizeof out->t);
    for (uint32_t i = 0; i < n_in; i++) {
        const rt_model_io io = rt_model_input(model, i);
        assert_ok(ir_tensor_init(&in[i], io.dtype, io.rank, io.dims, NULL));
        in[i].data = rt_buffer_alloc(in[i].size_bytes);
        assert_non_null(in[i].data);
        bn_fill(&in[i], i, kind);
        inputs[i] = &in[i];
    }
    for (uint32_t i = 0; i < out->n; i++) {
        outputs[i] = &out->t[i];
    }
    bool good = rt_session_run(session, inputs, outputs, NULL, &diag) == SY_OK;
    if (!good) {
        print_error("%s: %s\n", what, base_diag_message(&diag));
    }
    if (good && rt_session_device(session) != options->device) {
        print_error("%s: nothing runs on the machine: %s\n", what, rt_session_note(session));
        good = false;
    }
    if (good && options->lockstep) { /* something was compared */
        const rt_cosim_result *compared = rt_session_lockstep(session);
        assert_true(compared != NULL && compared->equal && compared->n_commands > 0 && compared->n_cycles > 0);
    }
    const rt_check *found = good ? rt_session_check(session) : NULL;
    if (found != NULL && rt_check_n_errors(found) + rt_check_n(found, RT_CHECK_UNWRITTEN) > 0) {
        base_buf text = {0};
        rt_check_print(found, &text);
        print_error("%s:\n%.2000s", what, text.data);
        base_buf_free(&text);
        good = false;
    }
    for (uint32_t i = 0; i < n_in; i++) {
        rt_buffer_free(in[i].data);
    }
    rt_session_free(session);
    return good;
}

static inline void bn_free(bn_result *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        rt_buffer_free(r->t[i].data);
    }
}

static inline bool bn_equal(const bn_result *want, const bn_result *got, const char *what)
{
    for (uint32_t i = 0; i < want->n; i++) {
        const ir_tensor *a = &want->t[i], *b = &got->t[i];
        if (a->dtype != b->dtype || a->size_bytes != b->size_bytes) {
            print_error("%s: output %u has another type or size\n", what, i);
            return false;
        }
        const size_t size = a->size_bytes / (size_t)(ir_tensor_n_elements(a) > 0 ? ir_tensor_n_elements(a) : 1);
        for (size_t k = 0; k < a->size_bytes; k++) {
            if (((const uint8_t *)a->data)[k] != ((const uint8_t *)b->data)[k]) {
                const size_t at = k / size;
                print_error("%s: element %zu of output %u differs from the reference's", what, at, i);
                if (size == 4) {
                    print_error(" (%g, not %g)", (double)((const float *)b->data)[at], (double)((const float *)a->data)[at]);
                }
                print_error("\n");
                return false;
            }
        }
    }
    return true;
}

/* Operators of the plan that are on the host, but for conversions at the ends; named in `host` (between spaces) they may be. */
static inline bool bn_placed(const rt_model *model, const char *host, const char *what)
{
    bool good = true;
    for (uint32_t i = 0; i < model->plan.n_placements; i++) {
        const cc_plan_placement *p = &model->plan.placements[i];
        if (strcmp(p->unit, "cpu") == 0 && strcmp(p->op, "Cast") != 0 && (host == NULL || strstr(host, p->op) == NULL)) {
            print_error("%s: %s '%s' is on the host: %s\n", what, p->op, p->node, p->reason);
            good = false;
        }
    }
    return good;
}

/* The bf16 machines of these tests: D = 4, 8 and 16. */
static inline isa_config bn_config(int64_t d)
{
    isa_config config;
    base_diag diag = {0};
    assert_ok(isa_config_find(d == 4 ? "tiny-bf16" : "train", &config, &diag));
    config.d = (uint32_t)d;
    return config;
}

/* One network on one machine; false after a message. */
static inline bool bn_check(const char *path, int64_t d, const char *what, const char *host, const rt_model_options *shapes)
{
    base_diag diag = {0};
    const isa_config config = bn_config(d);
    char name[128];
    snprintf(name, sizeof name, "%s, D = %d", what, (int)d);
    bool good = true;
    for (int kind = 0; kind < 2 && good; kind++) {
        rt_model *model = NULL;
        bn_result want, got;
        if (rt_model_load(path, shapes, &model, &diag) != SY_OK) {
            print_error("%s: %s\n", name, base_diag_message(&diag));
            return false;
        }
        rt_session_options options = {.device = RT_DEVICE_CPU, .config = &config, .reference = true, .n_threads = 1};
        /* compiled first: then the reference runs what the machine means by the network */
        const cc_options plain = {0};
        if (rt_model_compile(model, &config, &plain, &diag) != SY_OK) {
            print_error("%s: %s\n", name, base_diag_message(&diag));
            rt_model_free(model);
            return false;
        }
        good = bn_placed(model, host, name) && bn_run(model, &options, kind, name, &want);
        if (good) {
            options.device = RT_DEVICE_SIM;
            options.check = kind == 0;
            options.fill = kind == 1;
            options.fill_seed = 9;
            if (bn_run(model, &options, kind, name, &got)) {
                good = bn_equal(&want, &got, name);
                bn_free(&got);
            } else {
                good = false;
            }
            bn_free(&want);
        }
        rt_model_free(model);
    }
    return good;
}

/* Takes the model; machines of D = `least` to 16. Operators in `host` may run there; shape (NULL: none) is a size for the model. */
static inline void check_sized(int64_t least, base_buf model, const char *what, const char *host, const char *shape)
{
    const rt_model_options sizes = {.shapes = &shape, .n_shapes = 1};
    char path[] = "/tmp/systole-bf16-XXXXXX";
    const int fd = mkstemp(path);
    assert_ok(base_buf_status(&model));
    assert_true(fd >= 0);
    assert_int_equal(write(fd, model.data, model.n_bytes), (ssize_t)model.n_bytes);
    close(fd);
    base_buf_free(&model);
    bool good = true;
    for (int64_t d = least; d <= 16 && SY_HAVE_LLVM; d *= 2) {
        good = bn_check(path, d, what, host, shape != NULL ? &sizes : NULL) && good;
    }
    unlink(path);
    if (!good) {
        bn_bad++;
    }
}

static inline void check_from(int64_t least, base_buf model, const char *what, const char *host)
{
    check_sized(least, model, what, host, NULL);
}

static inline void check(base_buf model, const char *what, const char *host)
{
    check_from(4, model, what, host);
}

#endif
