/*
 * onnx_body.h -- how bodies of functions.def are written: each call adds one operator of the table, and the first failure stays.
 *
 *     ir_value *t = ir_body_op(b, IR_OP_ADD, IR_BODY(x, bias), NULL);
 *     b->n->outputs[0] = ir_body_op(b, IR_OP_GELU, IR_BODY(t), "approximate:s", "tanh");
 *
 * After a failure every call returns NULL at once, and NULL is allowed as an operand; the caller of the body looks at b->status.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_IMPORT_ONNX_BODY_H
#define SYSTOLE_GRAPH_IMPORT_ONNX_BODY_H

#include "onnx_internal.h"

#include "systole/base/buf.h"

typedef struct onnx_body {
    onnx_node *n;
    sy_status status;
} onnx_body;

typedef void (*onnx_body_fn)(onnx_body *b);

#define FUNCTION(domain, name, since, min_in, min_out, max_out, body, line) void body(onnx_body *b);
#define QLINEAR(domain, name, rule, line)
#define OLDER(name, line)
#include "functions.def"
#undef FUNCTION
#undef QLINEAR
#undef OLDER

/* Operands as a count and an array. */
#define IR_BODY(...) \
    (uint32_t)(sizeof(ir_value *[]){__VA_ARGS__} / sizeof(ir_value *)), (ir_value *[]){__VA_ARGS__}

/*
 * The only result of a new operator. attrs: "name:kind name:kind ..." and one more argument for each: i int64_t, f double,
 * s const char *, I a count (uint32_t) and const int64_t *. NULL: none. Trailing NULL operands are absent ones.
 */
ir_value *ir_body_op(onnx_body *b, uint32_t code, uint32_t n_inputs, ir_value *const *inputs,
                     const char *attrs, ...);
/* The same with several results; entries of outputs that are NULL on return were not made. */
void ir_body_ops(onnx_body *b, uint32_t code, uint32_t n_inputs, ir_value *const *inputs,
                 uint32_t n_outputs, ir_value **outputs, const char *attrs, ...);

/* The same with the attributes that are left on the function, which are the operator's own. */
void ir_body_rest(onnx_body *b, uint32_t code, uint32_t n_inputs, ir_value *const *inputs,
                  uint32_t n_outputs, ir_value **outputs);

/* Operand i of the function, NULL if it is absent. */
ir_value *ir_body_input(const onnx_body *b, uint32_t i);
/* True if result i is wanted. */
bool ir_body_wants(const onnx_body *b, uint32_t i);

/* Attributes of the function. */
int64_t ir_body_int(onnx_body *b, const char *name, int64_t fallback);
float ir_body_float(onnx_body *b, const char *name, float fallback);
const char *ir_body_text(onnx_body *b, const char *name, const char *fallback);

/* What the graph attribute of that name makes of a value; the value itself without such an attribute. */
ir_value *ir_body_graph(onnx_body *b, const char *name, ir_value *argument);

/* A scalar of x's type; integers of type i64. */
ir_value *ir_body_number(onnx_body *b, const ir_value *x, float value);
ir_value *ir_body_ints(onnx_body *b, uint32_t n, const int64_t *values);

/* The rank of a value; ends the body with a message if it is not known. */
int32_t ir_body_rank(onnx_body *b, const ir_value *v);

void ir_body_fail(onnx_body *b, sy_status status, const char *what);

#endif
