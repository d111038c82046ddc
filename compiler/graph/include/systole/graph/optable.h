/*
 * optable.h -- the operator table: one row per operator, from optable.def; a user's rows can be added at run time.
 *
 * A row says everything generic code needs: arity, attributes, inference, kernels, properties, how the
 * accelerator could run it. How to add an operator: a line in optable.def, its inference function (infer_*.c),
 * its reference kernel (compiler/graph/ref/, one line in ref_kernels.def); a fast kernel and a lowering if it deserves them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_OPTABLE_H
#define SYSTOLE_GRAPH_OPTABLE_H

#include "systole/graph/graph.h"

/* IR_OP_CONV, IR_OP_GEMM, ...: the built-in rows. A user's rows have the codes from IR_OP_COUNT on. */
typedef enum ir_opcode {
#define OP(id, domain, name, since, min_in, max_in, min_out, max_out, infer, props, accel, attrs, doc) \
    IR_OP_##id,
#include "systole/graph/optable.def"
#undef OP
    IR_OP_COUNT
} ir_opcode;

#define IR_MANY UINT16_MAX /* variadic: no upper limit */

/* Properties, a set of bits. */
#define IR_P_PURE        0x001u /* same operands and attributes, same results: may be folded, shared, dropped */
#define IR_P_ELEMENTWISE 0x002u /* element i of the result depends on element i of the (broadcast) operands */
#define IR_P_BROADCAST   0x004u /* numpy broadcasting among its operands */
#define IR_P_COMMUTATIVE 0x008u /* the first two operands may be swapped, bit for bit */
#define IR_P_MOVE        0x010u /* data movement: result elements are copies of operand elements (or of a fill value) */
#define IR_P_VIEW        0x020u /* a MOVE that keeps the order of elements: same bytes, other shape */
#define IR_P_REDUCE      0x040u /* sums or maxima over axes or windows */
#define IR_P_SHAPE       0x080u /* shape arithmetic: inference follows its integer values */
#define IR_P_REGION      0x100u /* owns regions or calls a function: executors run it, it has no kernel */
#define IR_P_QUANTISED   0x200u /* one of numerics.md's quantised operators */
#define IR_P_DYNAMIC     0x400u /* result dimensions may depend on data: fresh symbols unless the data is known */
#define IR_P_ALLOC       0x800u /* the kernel finds out types and sizes of its results itself: ir_kernel_result, ir_kernel_room */

/* How the accelerator would run it; whether it can, for these types and this configuration, is placement's to say. */
typedef enum ir_accel {
    IR_ACCEL_NONE,   /* host only */
    IR_ACCEL_MATMUL, /* a matrix product on the MXU, its epilogue on the VPU */
    IR_ACCEL_POOL,   /* a window or plane reduction on the VPU */
    IR_ACCEL_STREAM, /* one pass through the VPU chain */
    IR_ACCEL_MOVE,   /* rows moved by LD, ST or VPU */
    IR_ACCEL_VIEW    /* nothing to do where the device layout allows it */
} ir_accel;

/* ---------------------------------------------------------------- kernels */

/*
 * One run of one node. The caller has allocated every wanted result with the inferred shape; kernels
 * fill all of its bytes, write nothing else and keep nothing. Results never overlap operands.
 *
 * Two kinds of results come without memory (data is NULL), and the kernel asks for it:
 * - all results of a row with IR_P_ALLOC, whose type is not set either: ir_kernel_result or ir_kernel_result_list;
 * - string tensors, whose type is set, but whose bytes nobody could know: ir_kernel_room.
 */
typedef struct ir_kernel_args {
    const ir_node *node; /* for attributes (ir_node_int, ...) and for messages */
    uint32_t n_inputs;
    const ir_tensor *const *inputs; /* [n_inputs]; NULL: absent operand */
    uint32_t n_outputs;
    ir_tensor *const *outputs; /* [n_outputs]; NULL: result not wanted */
    base_arena *scratch;       /* reset by the caller after the call */
    base_diag *diag;
    /* Gives t->size_bytes bytes to t->data; t is one of outputs, its type is final. NULL: the caller has no such memory. */
    sy_status (*room)(void *user, ir_tensor *t);
    void *room_user;
} ir_kernel_args;

typedef sy_status (*ir_kernel_fn)(const ir_kernel_args *args);

/* Operand or result i; NULL if it is absent or beyond the last. */
const ir_tensor *ir_kernel_input(const ir_kernel_args *args, uint32_t i);
ir_tensor *ir_kernel_output(const ir_kernel_args *args, uint32_t i);

/*
 * Sets the type of result i and gets memory for it; nothing to do if it is not wanted. For IR_P_ALLOC. Of strings,
 * which have no size yet, only the type is set. SY_ERANGE with a message if it has too many elements.
 */
sy_status ir_kernel_result(const ir_kernel_args *args, uint32_t i, sy_dtype dtype, int32_t rank, const int64_t *dims);

/* Memory for a result whose type is set and which takes so many bytes (strings). */
sy_status ir_kernel_room(const ir_kernel_args *args, uint32_t i, size_t n_bytes);

/* A result of this kind with these entries, copied. For IR_P_ALLOC. */
sy_status ir_kernel_result_list(const ir_kernel_args *args, uint32_t i, ir_type_kind kind, sy_dtype dtype, int64_t n,
                                const ir_tensor *entries);

/* A copy of a value, of whatever kind. For IR_P_ALLOC. */
sy_status ir_kernel_result_copy(const ir_kernel_args *args, uint32_t i, const ir_tensor *value);

/* ---------------------------------------------------------------- rows */

struct ir_infer_args; /* infer.h */
typedef sy_status (*ir_infer_fn)(struct ir_infer_args *args);

typedef struct ir_op {
    uint32_t code; /* ir_opcode, or IR_OP_COUNT and up for a user's row */
    const char *domain, *name;
    uint32_t since; /* opset version whose meaning the row has (domain ""); 1 for ours */
    uint16_t min_inputs, max_inputs, min_outputs, max_outputs;
    ir_infer_fn infer;      /* NULL: results have unknown types */
    ir_kernel_fn reference; /* plain scalar kernel: the judge; NULL: none */
    ir_kernel_fn fast;      /* device cpu's kernel, set by the runtime; NULL: use the reference */
    uint32_t props;         /* IR_P_... */
    ir_accel accel;
    const char *attrs; /* "name:kind name:kind ...", kinds int float string tensor graph ints floats strings; "*": any */
    const char *doc;   /* one line */
} ir_op;

/* A table in the arena with the built-in rows. Fill it before modules use it; then it may be shared by threads. */
sy_status ir_optable_create(base_arena *arena, ir_optable **out);

/* Adds a row (copied, strings too); its code is set. SY_EINVAL if (domain, name) is there. */
sy_status ir_optable_add(ir_optable *t, const ir_op *row, base_diag *diag, const ir_op **out);

/* Sets the fast kernel of a row. */
void ir_optable_set_fast(ir_optable *t, uint32_t code, ir_kernel_fn fast);

/* The row, NULL if there is none. "ai.onnx" is the same domain as "". */
const ir_op *ir_optable_find(const ir_optable *t, const char *domain, const char *name);
const ir_op *ir_optable_row(const ir_optable *t, uint32_t code);
uint32_t ir_optable_count(const ir_optable *t);

/* The kind that the row's attribute list gives to this attribute; false if it lists no such attribute. */
bool ir_op_attr_kind(const ir_op *op, const char *name, ir_attr_kind *kind);

#endif
