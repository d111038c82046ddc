/*
 * quant_internal.h -- what the files of the recognition of quantised clusters share.
 *
 * quant_recognise.c  the walk over QuantizeLinear nodes, uint8 tensors, notes
 * quant_params.c     scales, zero points, int8 twins of uint8 values, weights, biases
 * quant_chain.c      from a QuantizeLinear up through clamps and data movement; operands down from
 * DequantizeLinear quant_core.c       Conv, Gemm, MatMul, Add, Sub, Mul, pools as quantised
 * operators
 * quant_table.c      functions of one quantised number as tables
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_IMPORT_QUANT_INTERNAL_H
#define SYSTOLE_GRAPH_IMPORT_QUANT_INTERNAL_H

#include "systole/base/assert.h"
#include "systole/base/vec.h"
#include "systole/graph/import.h"
#include "systole/graph/infer.h"

#define QUANT_MAX_CHAIN      64 /* operators between a core and its Q, or a DQ and a core */
#define QUANT_STEPS_PER_NODE 16 /* of the module: what following all chains upwards may cost */

/* Per-tensor parameters in int8 terms: those of a uint8 tensor have 128 taken from the zero point.
 */
typedef struct quant_params {
    float scale;
    int32_t zero;
} quant_params;

/* An int8 value and what it stands for. value NULL: not recognised. */
typedef struct quant_value {
    ir_value *value;
    quant_params params;
    bool fresh; /* made just now for one user: a clamp may be folded into its producer */
} quant_value;

/* What the pass knows about a value (value->info). */
typedef struct quant_info {
    ir_value *i8;   /* of a uint8 value: the int8 value x ^ 0x80; of an int8 value: what it is
                       replaced by */
    ir_value *back; /* i8 converted to uint8 again */
    bool replaced;  /* the value itself is to go: what still needs it as uint8 converts i8 back */
    quant_value operand; /* of a float value: the int8 value that it dequantises */
    bool operand_tried;
    const char *refusal; /* why there is no such value */
    const ir_node *culprit;
    quant_value result; /* of a float value: what its last recognised Q made of it */
} quant_info;

typedef struct quant_pass {
    ir_module *m;
    base_arena *scratch;
    base_diag *diag;
    const char *reason;     /* why the last attempt failed; NULL: nothing to tell */
    const ir_node *culprit; /* the node that stays in float for that reason */
    uint64_t steps_left;    /* many Q above one large tree of Concat are cut off, not multiplied */
    BASE_VEC(ir_value *) succeeded; /* values that have an int8 successor in info->i8 */
} quant_pass;

/* ---------------------------------------------------------------- common */

/* The info of a value, made on first use; NULL when memory is out. */
quant_info *ir_quant_info_of(quant_pass *p, ir_value *v);

/* Not recognised: notes why, returns SY_OK so that callers go on with what they have. The text must
 * outlive the pass. */
sy_status ir_quant_refuse(quant_pass *p, const ir_node *culprit, const char *reason);

/* A node of ours in place of `source`: its name, number and location. */
sy_status ir_quant_emit(const ir_node *source, uint32_t code, uint32_t n_inputs,
                        ir_value *const *inputs, ir_node **node, ir_value **result);

/* Infers a node just made; if the operands do not fit it, erases it, refuses, and sets *result to
 * NULL. */
sy_status ir_quant_infer(quant_pass *p, const ir_node *source, ir_node *node, ir_value **result);

/* A copy of `source` on other operands, its results' types inferred. node may be NULL; *node is
 * NULL if they do not fit. */
sy_status ir_quant_copy(quant_pass *p, const ir_node *source, ir_value *const *inputs,
                        ir_node **node, ir_value **result);

/* A scalar int8 constant in g. */
sy_status ir_quant_i8_const(quant_pass *p, ir_graph *g, int32_t value, ir_value **out);

/* ---------------------------------------------------------------- parameters */

/*
 * Scale and zero point of a Q or DQ node: constant, per tensor, int8 or uint8, the scale a normal
 * positive fp32 number. False with p->reason set if they are anything else.
 */
bool ir_quant_params_of(quant_pass *p, const ir_node *n, quant_params *out);

/* The constant behind a value (through Identity), NULL if there is none. */
ir_const *ir_quant_const_of(const ir_value *v);

/* The single float of a constant; false if v is something else. */
bool ir_quant_float_of(quant_pass *p, const ir_value *v, float *out);

/* QuantizeLinear's definition for one number. */
int32_t ir_quant_of_float(quant_params p, float x);

/* DequantizeLinear's. */
float ir_quant_to_float(quant_params p, int32_t q);

/* The int8 twin of an int8 (itself) or uint8 value. */
sy_status ir_quant_as_i8(quant_pass *p, ir_value *v, ir_value **out);

/* Constant weights with zero point 0 as int8. */
typedef struct quant_weights {
    ir_value *value; /* NULL: not recognised */
    uint32_t n_scales;
    const float *scales;
} quant_weights;

/*
 * The weights behind a float operand. `axis`: of the output channels in the result; transposed: the
 * float operand is [N, K] and [K, N] is wanted.
 */
sy_status ir_quant_weights_of(quant_pass *p, const ir_node *core, ir_value *v, int32_t axis,
                              bool transpose, quant_weights *out);

/* The int32 bias behind a float operand, as a vector of n entries; *out NULL if it is not as
 * numerics.md wants it. */
sy_status ir_quant_bias_of(quant_pass *p, const ir_node *core, ir_value *v, float x_scale,
                           const quant_weights *w, int64_t n, ir_value **out);

/* Constant float weights that a Q node quantises (as exporters of trained quantisation write them),
 * done now. */
sy_status ir_quant_fold_constant(quant_pass *p, ir_node *q, bool *folded);

/* ---------------------------------------------------------------- chains and cores */

/* The int8 value that v dequantises, through data movement, MaxPool, Relu and Clip where that is
 * exact. */
sy_status ir_quant_operand(quant_pass *p, ir_value *v, uint32_t depth, quant_value *out);

/* The int8 value that quantising v with `want` gives, by the quantised operators. */
sy_status ir_quant_result(quant_pass *p, ir_value *v, quant_params want, bool shared,
                          uint32_t depth, quant_value *out);

/* True if the node only moves data: Pad with its fill, maxima and minima (which pick) too. */
bool ir_quant_is_move(const ir_node *n);

/* True for the operators that quant_core knows. */
bool ir_quant_is_core(const ir_node *n);

sy_status ir_quant_core(quant_pass *p, ir_node *core, quant_params want, quant_value *out);

/* True for elementwise operators, of which a function of one number may consist. */
bool ir_quant_is_function(const ir_node *n);

/* What n gives as a table, if it is a function of one quantised number alone. `last`: right before QuantizeLinear, so that
 * results may be NaN (what clamps and maxima do with NaN is not what they do with its integer). */
sy_status ir_quant_table(quant_pass *p, ir_node *n, quant_params want, bool last, quant_value *out);

#endif
