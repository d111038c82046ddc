/*
 * import.h -- model files in: ONNX becomes a module of the one graph IR.
 *
 * An import reads the file, translates old operator sets into the operator table's form, infers
 * shapes, and turns quantised clusters into the quantised operators that numerics.md defines
 * ("recognition is part of import"). Unknown operators are kept (node->op is NULL). What the file
 * holds is treated as hostile: everything is checked, and what is wrong is said in one line: file,
 * node, what, expected, what to do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_IMPORT_H
#define SYSTOLE_GRAPH_IMPORT_H

#include "systole/graph/optable.h"

/*
 * Sizes for what the model leaves open: `name` is a graph input (its whole shape; a size the model
 * fixes may be changed too, so that a model exported for batch 1 runs with batch 8) or a free
 * dimension (rank 1: its size).
 */
typedef struct ir_import_shape {
    const char *name;
    int32_t rank;
    int64_t dims[IR_MAX_RANK];
} ir_import_shape;

/* Zero-initialised, or NULL, for the defaults. */
typedef struct ir_import_options {
    const ir_import_shape *shapes;
    uint32_t n_shapes;
    bool keep_float_clusters; /* leave DQ -> op -> Q as it is: for tools that look at the model
                                 itself */
} ir_import_options;

/*
 * "NAME=DIMS", DIMS being sizes with 'x' or ',' between them ("image=1x3x224x224", "batch=8"); the
 * name is copied into the arena. SY_EINVAL with one line if the text is malformed, a size is
 * negative, or there are too many.
 */
sy_status ir_import_parse_shape(base_arena *arena, const char *text, base_diag *diag,
                                ir_import_shape *out);

/*
 * Reads an ONNX model file into a new module in the arena (see ir_module_create). Weights stay in
 * the file: constants refer to it by path, and it must not change while the module lives. The
 * module is sorted, inferred and verified.
 *
 * Errors: SY_EIO (no such file), SY_EFORMAT (not an ONNX model, or damaged), SY_EUNSUPPORTED (a
 * kind of value or attribute that the IR cannot hold, an operator set too new), SY_ESHAPE,
 * SY_ERANGE (absurd sizes), SY_EINVAL (options), SY_ENOMEM. Nothing is left to destroy then; the
 * arena may hold debris.
 */
sy_status ir_import_onnx(base_arena *arena, ir_optable *table, const char *path,
                         const ir_import_options *options, base_diag *diag, ir_module **out);

/*
 * The same from memory. `name` stands in messages and locations. The bytes must live as long as the
 * module: large weights are borrowed from them. Tensors in external files are refused.
 */
sy_status ir_import_onnx_bytes(base_arena *arena, ir_optable *table, const char *name,
                               const void *data, size_t n_bytes, const ir_import_options *options,
                               base_diag *diag, ir_module **out);

/*
 * Reads a value as ONNX's test sets keep it (input_0.pb): a TensorProto, or for the other kinds a SequenceProto, an
 * OptionalProto or a MapProto; the file itself does not say which, `kind` does (IR_TYPE_UNKNOWN: a tensor). The value lies
 * in the arena. Errors: SY_EIO, SY_EFORMAT, SY_EUNSUPPORTED (sparse tensors), SY_ERANGE, SY_ENOMEM, each with one line.
 */
sy_status ir_import_onnx_value(base_arena *arena, const char *path, ir_type_kind kind,
                               base_diag *diag, ir_tensor *out);

/*
 * Turns the quantised clusters of a module into quantised operators (import does it itself), uint8
 * tensors inside into int8, and notes a reason for each cluster that stays in float. The module
 * must be inferred; it is inferred again.
 */
sy_status ir_recognise_quantised(ir_module *m, base_diag *diag);

/* An operator that import writes in terms of the table's: a function, a QLinear operator, an older name. */
typedef struct ir_import_function {
    const char *domain, *name;
    uint32_t since;   /* operator set of its domain */
    const char *line; /* what it becomes */
} ir_import_function;

/* All of them, from functions.def. */
const ir_import_function *ir_import_functions(size_t *n);

/*
 * Why import left the model's node of this number (node->number) in float; NULL: nothing was noted.
 * Kept in the module's metadata, so it survives copies and the text form.
 */
const char *ir_import_note(const ir_module *m, uint32_t number);

/* Notes a reason for a node; the first one stays. At most IR_IMPORT_MAX_NOTES are kept. */
#define IR_IMPORT_MAX_NOTES 4096
sy_status ir_import_add_note(ir_module *m, uint32_t number, const char *reason);

#endif
