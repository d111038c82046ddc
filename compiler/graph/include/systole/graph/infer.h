/*
 * infer.h -- shape and type inference: one function per operator, node by node, also on the elements of
 * small integer tensors (so that Shape -> Gather -> Concat -> Reshape resolves to constants or symbols).
 *
 * Data-dependent dimensions become symbols named after the result and axis, so that inferring twice gives the same types.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_INFER_H
#define SYSTOLE_GRAPH_INFER_H

#include "systole/graph/optable.h"

/* What is known about the elements of an integer tensor of rank 0 or 1. */
typedef struct ir_elements {
    const ir_dim *elements; /* NULL: nothing */
    uint32_t n;
} ir_elements;

#define IR_MAX_ELEMENTS 64 /* longer tensors are not followed */

/* One operand, as an inference function sees it. */
typedef struct ir_infer_input {
    bool present;
    ir_type type;
    ir_elements elements;
    ir_const *constant;    /* of a constant; NULL: it is none */
    const ir_tensor *data; /* the bytes, if the caller has them; NULL: no. ir_infer_data asks for either */
} ir_infer_input;

typedef struct ir_infer_output {
    bool wanted;
    const char *name; /* for messages and for names of fresh symbols */
    ir_type type;     /* set by the function; starts unknown */
    ir_elements elements;
} ir_infer_output;

typedef struct ir_infer_args {
    ir_module *module;   /* for dimensions and types; not the node's own in ir_infer_tensors */
    const ir_node *node; /* attributes, regions, names */
    uint32_t n_inputs;
    const ir_infer_input *inputs;
    uint32_t n_outputs;
    ir_infer_output *outputs;
    base_diag *diag;
} ir_infer_args;

/* ---------------------------------------------------------------- for inference functions (a user's too) */

/* base_fail with "node 'conv1' (Conv): " before the message. */
sy_status ir_infer_error(const ir_infer_args *a, sy_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Operand i as a tensor type; one not known at all reads as a tensor without dtype and rank. Errors: absent, no tensor. */
sy_status ir_infer_operand(const ir_infer_args *a, uint32_t i, ir_type *out);
bool ir_infer_has(const ir_infer_args *a, uint32_t i); /* operand i is there */

/* The data of operand i, if it is known: *out->data is NULL if not. */
sy_status ir_infer_data(const ir_infer_args *a, uint32_t i, ir_tensor *out);

/* Sets result i (if there is one) to a tensor; rank -1: unknown. NULL among dims is an error of arithmetic, reported. */
sy_status ir_infer_result(ir_infer_args *a, uint32_t i, sy_dtype dtype, int32_t rank, const ir_dim *dims);

/* The symbol for axis `axis` of result i where it depends on data; the same each time. */
ir_dim ir_infer_fresh(const ir_infer_args *a, uint32_t i, int32_t axis);

/* Both shapes broadcast together (numpy's rule) into dims and rank (-1: unknown); `i` is the result, for fresh symbols. */
sy_status ir_infer_broadcast(const ir_infer_args *a, uint32_t i, const ir_type *x, const ir_type *y,
                             ir_dim dims[IR_MAX_RANK], int32_t *rank);

/* ---------------------------------------------------------------- running inference */

/*
 * Infers one node from the types of its operands and writes the types and elements of its results.
 * What inference leaves open (unknown rank, fresh symbols) is kept from the results' earlier types; a contradiction
 * to them is an error (a pass that changes a node calls ir_value_forget_type first). Regions inside are inferred too.
 * Unknown operators leave their results as they are.
 * Errors: SY_ESHAPE, SY_EINVAL (dtype, attribute), SY_EUNSUPPORTED, with one line naming node, operator, operand,
 * what was expected and what there is. Types are unchanged then.
 */
sy_status ir_infer_node(ir_node *n, base_diag *diag);

/* All nodes of a graph in order; all functions of a module (callees before callers). */
sy_status ir_infer_graph(ir_graph *g, base_diag *diag);
sy_status ir_infer_module(ir_module *m, base_diag *diag);

/*
 * For eager execution and for executors that meet dynamic shapes: infers the node for operands given as tensors
 * (NULL: absent; their data is used) and sets dtype, rank, dims and size_bytes of outputs[i] (NULL: not wanted).
 * SY_ESHAPE if a dimension is still unknown; SY_EUNSUPPORTED for operators with regions or IR_P_ALLOC. The module is left as it
 * was, and may be used by several threads here if each has its own scratch arena.
 */
sy_status ir_infer_tensors(const ir_node *n, base_arena *scratch, uint32_t n_inputs, const ir_tensor *const *inputs,
                           uint32_t n_outputs, ir_tensor *const *outputs, base_diag *diag);

/* Gives a value the type and elements unknown, so that the next inference starts afresh (after a pass changed its producer). */
void ir_value_forget_type(ir_value *v);

/*
 * The window of Conv, MaxPool, AveragePool, QConv, QAveragePool with defaults and auto_pad resolved for concrete sizes.
 *   spatial [rank]  input sizes without N and C;   kernel [rank] from the weights, NULL: attribute kernel_shape
 */
typedef struct ir_window {
    int32_t rank; /* 1 .. 3 spatial axes */
    int64_t kernel[3], strides[3], dilations[3];
    int64_t pads_begin[3], pads_end[3];
    int64_t out[3]; /* result sizes */
} ir_window;

sy_status ir_window_resolve(const ir_node *n, int32_t rank, const int64_t *spatial,
                            const int64_t *kernel, base_diag *diag, ir_window *out);

/* The same for ConvTranspose; pads_begin and pads_end are what is cut off the full result (never negative). */
sy_status ir_window_transposed(const ir_node *n, int32_t rank, const int64_t *spatial,
                               const int64_t *kernel, base_diag *diag, ir_window *out);

/*
 * The result sizes of Resize and the scale that each axis is read by; n_scales or n_sizes is 0.
 *   dims [rank]  of the operand;   scales, sizes: one for each resized axis
 */
typedef struct ir_resize {
    int32_t axes[IR_MAX_RANK]; /* the resized ones */
    uint32_t n_axes;
    double scale[IR_MAX_RANK];
    int64_t out[IR_MAX_RANK];
} ir_resize;

sy_status ir_resize_resolve(const ir_node *n, int32_t rank, const int64_t *dims, uint32_t n_scales,
                            const float *scales, uint32_t n_sizes, const int64_t *sizes,
                            base_diag *diag, ir_resize *out);

#endif
