/*
 * lower.h -- from graph nodes to device tensors and groups.
 *
 * A value has a device tensor once a device node made it or a device node reads it. Two layouts
 * exist: channels on axis 1 (convolutions, pools) and channels on the last axis (matrix products of
 * rank 3 and more); a matrix is both. A node that needs a value in the other layout than it has
 * stays on the host.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_LOWER_H
#define SYSTOLE_COMPILER_LOWER_H

#include "systole/compiler/group.h"
#include "systole/graph/graph.h"
#include "systole/graph/infer.h"

typedef enum lower_layout { LOWER_AXIS_1, LOWER_AXIS_LAST } lower_layout;

/* What a value is on the device; value->info points to it while the compiler works. */
typedef struct lower_value {
    cc_tensor *tensor;
    lower_layout layout;
    bool flat;               /* a view [n][c * h * w] of a tensor [n][c][h][w] with h * w > 1 */
    bool on_device;          /* made by a device node (a view of such a value included) */
    int32_t level;           /* of the step that makes it */
    const ir_node *made_for; /* the device node whose operand it is first: if that node is refused,
                                the tensor goes too */
} lower_value;

typedef struct lower {
    base_arena *arena;
    ir_module *module;
    const ir_node *node; /* that is being lowered */
    const isa_config *config;
    base_diag *diag; /* receives the reason when a node cannot be lowered */
    int64_t d;
    int64_t element_bytes; /* of a device tensor */
    sy_dtype dtype;        /* the same: int8 or bf16 */
} lower;

/* What became of a node. */
typedef struct lower_result {
    bool view;        /* no commands: the result is another name of the operand's tensor */
    cc_group *group;  /* NULL for a view */
    const char *op;   /* for reports: QConv, QConv+QAdd, ... */
    const char *unit; /* "mxu", "vpu", "dma", "view" */
} lower_result;

/*
 * Lowers one node (an operator, or systole.Fused of kind "residual"): makes the group and the
 * result's device tensor, and device tensors for operands that have none yet. On SY_EUNSUPPORTED
 * the reason is in l->diag, and the values are as before.
 */
sy_status cc_lower_node(lower *l, ir_node *node, lower_result *out);

/* Takes back the device tensors that lowering the node has made. */
void cc_lower_undo(ir_node *node);

/* ---- shared by the parts of lower ---- */

/* A word of a constant blob, as the machine reads it: little-endian. */
static inline void cc_lower_put32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline void cc_lower_put_float(uint8_t *to, float value)
{
    union {
        float value;
        uint32_t bits;
    } word = {.value = value};
    cc_lower_put32(to, word.bits);
}

/* Records the reason: SY_EUNSUPPORTED. */
sy_status cc_lower_refuse(lower *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Constant sizes of a value, SY_ESHAPE if one is not known. */
sy_status cc_lower_dims(lower *l, const ir_value *v, int32_t *rank, int64_t dims[IR_MAX_RANK]);

/* The device tensor of an operand of the machine's element type in the layout that is wanted; made if the value has none.
 * flat is set if it is a flat view (NULL: refuse those). */
sy_status cc_lower_operand(lower *l, ir_value *v, lower_layout want, bool *flat, cc_tensor **out);

/* The same for an operand whose layout does not matter: the one it has, else axis 1. */
lower_layout cc_lower_layout_of(const ir_value *v);

/* A new device tensor for a result. */
sy_status cc_lower_result_tensor(lower *l, ir_value *v, lower_layout layout, cc_tensor **out);

/* The bytes of a constant operand. */
sy_status cc_lower_constant(lower *l, ir_value *v, ir_tensor *out);

cc_requant cc_lower_requant(const ir_node *n);

sy_status cc_lower_conv(lower *l, ir_node *node, ir_value *x, ir_value *y, cc_group *g);
sy_status cc_lower_gemm(lower *l, ir_node *node, ir_value *x, ir_value *y, cc_group *g);
sy_status cc_lower_matmul(lower *l, ir_node *node, ir_value *a, ir_value *b, ir_value *y,
                          cc_group *g);
sy_status cc_lower_pool(lower *l, ir_node *node, cc_group *g);
sy_status cc_lower_stream(lower *l, ir_node *node, cc_group *g);
sy_status cc_lower_pad(lower *l, ir_node *node, cc_group *g);
sy_status cc_lower_concat(lower *l, ir_node *node, cc_group *g);

/* Operands and result of an elementwise operator of two: group->x, group->y and the stream's b.
 * *first: which operand is x. */
sy_status cc_lower_operands(lower *l, ir_node *node, cc_group *g, uint32_t *first);

/* A QTable's constant in the order of the machine's index, the low byte of x - x_zero. */
sy_status cc_lower_table(lower *l, ir_node *node, int32_t x_zero, cc_blob *out);

/* ---- bf16 operators (bf16.c) ---- */

/* Attributes fn, alpha, beta as stages behind `chain` (a rounding to bf16 before them if anything stands before). */
void cc_lower_function(const ir_node *node, bool after_sum, cc_chain *chain);

/* Refuses a function of 0 that is no number where lanes beyond the c channels hold zeros: a later product would spread it. */
sy_status cc_lower_check_idle_lanes(lower *l, const ir_node *node, int64_t c);

/* Refuses sums over channels in the order of another machine's lanes (attribute lanes). */
sy_status cc_lower_check_lanes(lower *l, const ir_node *node);

/* What follows the sum of a BConv or BLinear: bias, residual (operand 3), function. */
sy_status cc_lower_epilogue(lower *l, ir_node *node, const ir_value *y, cc_group *g);

sy_status cc_lower_attention(lower *l, ir_node *node, cc_group *g);
sy_status cc_lower_norm(lower *l, ir_node *node, cc_group *g);
sy_status cc_lower_elements(lower *l, ir_node *node, cc_group *g);

/* A constant second operand, packed like a device tensor of y's shape. */
sy_status cc_lower_pack_constant(lower *l, ir_value *v, lower_layout layout, const ir_value *y_value,
                                 const cc_tensor *y, cc_stream *p);

/* ---- depthwise convolutions (depthwise.c) ---- */

/* A depthwise convolution that the window can do; false: the array does it. */
bool cc_lower_is_depthwise(const lower *l, const cc_window *w, int64_t groups, int64_t channels, int64_t filters,
                           const cc_tensor *x, const cc_tensor *y);
sy_status cc_lower_depthwise(lower *l, ir_node *node, const ir_tensor *w, cc_group *g);

#endif
