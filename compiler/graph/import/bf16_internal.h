/*
 * bf16_internal.h -- what the parts of the recognition of bf16 operators share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_BF16_INTERNAL_H
#define SYSTOLE_GRAPH_BF16_INTERNAL_H

#include "systole/graph/bf16.h"
#include "systole/graph/infer.h"
#include "systole/graph/optable.h"

typedef struct bf16_pass {
    ir_module *m;
    ir_graph *g;
    int64_t lanes;
    base_diag *diag;
} bf16_pass;

/* ---- making (bf16_recognise.c) ---- */

/* The bf16 form of an fp32 value, for a node that stands before `before`. */
sy_status ir_bf16_operand(bf16_pass *p, ir_node *before, ir_value *v, ir_value **out);

/* A bf16 node in the place of `old`; ir_bf16_complete, when its attributes are set, gives its result to old's users. */
sy_status ir_bf16_replace(bf16_pass *p, ir_node *old, uint32_t code, uint32_t n_inputs, ir_value *const *inputs, ir_node **out);
sy_status ir_bf16_complete(bf16_pass *p, ir_node *old, ir_node *node);

/* bf16 operators of ONNX become fp32 operators between conversions (bf16_native.c). */
sy_status ir_bf16_widen(bf16_pass *p);

/* A Split of a product along its channels becomes products (bf16_split.c). */
sy_status ir_bf16_visit_split(bf16_pass *p, ir_node *n);

/* Means over windows and planes (bf16_pool.c). */
sy_status ir_bf16_visit_mean(bf16_pass *p, ir_node *n);

/* ---- looking (bf16_match.c) ---- */

/* The node that makes a value, NULL if none in this graph does or it is no `code`. */
ir_node *ir_bf16_made_by(const ir_value *v, uint32_t code);

/* True if the value is used once, in its own graph, and is no result of the graph. */
bool ir_bf16_used_once(const ir_value *v);

/* The fp32 scalar that a constant of one element holds. */
bool ir_bf16_scalar(bf16_pass *p, const ir_value *v, float *out);

/* A constant fp32 vector over the last axis of x; axes of one element may stand before it. */
bool ir_bf16_is_vector(const ir_value *v, const ir_value *x);

/* Of a node of two operands the one that is this scalar (within 1e-3 of it), and the other. */
bool ir_bf16_with_scalar(bf16_pass *p, const ir_node *n, float scalar, ir_value **other);

/* Patterns of several operators that are one: what they mean, from their last node. */
typedef struct bf16_norm {
    ir_value *x, *scale, *bias; /* scale and bias may be NULL */
    float epsilon;
} bf16_norm;
bool ir_bf16_match_norm(bf16_pass *p, ir_node *last, bf16_norm *out);
bool ir_bf16_match_gelu(bf16_pass *p, ir_node *last, ir_value **x, ir_bf16_fn *fn); /* *fn: GELU or GELU_TANH */
bool ir_bf16_match_silu(bf16_pass *p, ir_node *last, ir_value **x);

typedef struct bf16_attention {
    ir_value *q, *k, *v; /* [B,S,E], or [S,E] */
    int64_t heads;
    float scale;
    ir_value *mask;  /* added to the scores, or (else_value below 0) a condition: where it does not hold they are else_value; NULL: none */
    float else_value;
    bool inverted;   /* they are else_value where the condition holds */
    int64_t mask_dims[3];
} bf16_attention;
bool ir_bf16_match_attention(bf16_pass *p, ir_node *last, bf16_attention *out);

/* The mask as an operand [pictures, queries, keys] in bf16. */
sy_status ir_bf16_mask(bf16_pass *p, ir_node *before, const bf16_attention *a, ir_value **out);

#endif
