/*
 * types.h -- types of values: tensors with symbolic shapes and quantisation, sequences, optionals, maps.
 *
 * Types are small values that point to immutable parts in the module's arena: copy them freely.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_TYPES_H
#define SYSTOLE_GRAPH_TYPES_H

#include "systole/graph/dim.h"
#include "systole/graph/dtype.h"

#define IR_MAX_RANK 16 /* more is refused with a message; ONNX models in the wild stay below 9 */

typedef enum ir_type_kind {
    IR_TYPE_UNKNOWN, /* nothing is known: before inference, or the result of an unknown operator */
    IR_TYPE_TENSOR,
    IR_TYPE_SEQUENCE, /* of elem */
    IR_TYPE_OPTIONAL, /* of elem */
    IR_TYPE_MAP       /* from dtype to elem */
} ir_type_kind;

/*
 * Constant quantisation parameters: real = (integer - zero) * scale. One scale, or one for each index
 * of `axis`. They are part of the type only if they are constants; else Quantize/Dequantize stay operators.
 */
typedef struct ir_quant {
    int32_t axis; /* -1: per tensor, n = 1 */
    uint32_t n;
    const float *scales;
    const int32_t *zeros; /* n of them */
} ir_quant;

typedef struct ir_type {
    ir_type_kind kind;
    sy_dtype dtype;             /* tensor: element; map: key */
    bool has_rank;              /* tensor: false if even the rank is unknown */
    int32_t rank;               /* 0 .. IR_MAX_RANK */
    const ir_dim *dims;         /* [rank] */
    const ir_quant *quant;      /* NULL: not quantised */
    const struct ir_type *elem; /* sequence, optional, map */
} ir_type;

/* A tensor with the given dimensions (copied); `dims` may be NULL if rank is 0. rank -1: unknown rank. */
sy_status ir_type_tensor(ir_module *m, sy_dtype dtype, int32_t rank, const ir_dim *dims,
                         ir_type *out);

/* The same with constant sizes. */
sy_status ir_type_tensor_i64(ir_module *m, sy_dtype dtype, int32_t rank, const int64_t *dims,
                             ir_type *out);

sy_status ir_type_sequence(ir_module *m, const ir_type *elem, ir_type *out);
sy_status ir_type_optional(ir_module *m, const ir_type *elem, ir_type *out);
sy_status ir_type_map(ir_module *m, sy_dtype key, const ir_type *value, ir_type *out);

/* Sets *out to `type` with these quantisation parameters (copied); n = 1 and axis = -1 for per tensor. */
sy_status ir_type_with_quant(ir_module *m, const ir_type *type, int32_t axis, uint32_t n,
                             const float *scales, const int32_t *zeros, ir_type *out);

bool ir_type_equal(const ir_type *a, const ir_type *b); /* provably the same, quantisation too */
bool ir_quant_equal(const ir_quant *a, const ir_quant *b);

/*
 * What both types say together: unknown parts of one are filled from the other; a symbol against
 * a constant gives the constant, two different expressions give `a`'s. SY_ESHAPE if ranks or sizes contradict,
 * SY_EINVAL if kinds, dtypes or quantisation do.
 */
sy_status ir_type_merge(ir_module *m, const ir_type *a, const ir_type *b, ir_type *out);

/* True and dims/size set if the tensor type has only constant dimensions. out_dims may be NULL. */
bool ir_type_static_dims(const ir_type *t, int64_t out_dims[IR_MAX_RANK]);

/* Number of elements as an expression; NULL if the rank is unknown. */
ir_dim ir_type_n_elements(ir_module *m, const ir_type *t);

#endif
