/*
 * onnx_internal.h -- what the files of the ONNX importer share.
 *
 * onnx_wire.c    bytes -> checked, without weights -> protobuf-c's structures
 * onnx_tensor.c  TensorProto -> constants          onnx_type.c    TypeProto -> types, shapes given
 * by the user onnx_attr.c    AttributeProto -> attributes      onnx_names.c   name -> value, by
 * scope onnx_graph.c   graphs, nodes, regions            onnx_call.c    functions of the model
 * onnx_order.c   topological order                 onnx_import.c  the entry
 * onnx_opset.c   old operator sets                 onnx_qlinear.c QLinear* -> DQ, operator, Q
 * onnx_window.c  old forms of windows, resampling
 * onnx_body.c    operators defined by others (functions.def), body_*.c: their bodies
 * onnx_value.c   files of values: tensors, sequences, maps, optionals
 * onnx_region.c  those with regions               onnx_ml.c      those of ai.onnx.ml
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_IMPORT_ONNX_INTERNAL_H
#define SYSTOLE_GRAPH_IMPORT_ONNX_INTERNAL_H

#include "onnx.pb-c.h"
#include "systole/graph/import.h"
#include "systole/graph/infer.h"

#include "systole/base/assert.h"
#include "systole/base/vec.h"

#define ONNX_MAX_OPSET        28 /* the newest whose operators were compared with the table */
#define ONNX_MAX_REGION_DEPTH 256
#define ONNX_MAX_ELEMENTS     (INT64_C(1) << 40) /* of one tensor, data or not */
#define ONNX_INLINE_BYTES \
    1024 /* constants up to this size are copied, larger ones stay where they are */
#define ONNX_MAX_INSTANCES 4096 /* of the model's functions */

/* ---------------------------------------------------------------- wire */

/* Where a tensor's raw_data lies in the model's bytes; the wire pass puts this in its place. */
typedef struct onnx_place {
    uint64_t offset;
    uint64_t n_bytes;
} onnx_place;

/*
 * Checks the bytes against the descriptors of onnx.proto (depth, lengths, wire types) and unpacks
 * them into the arena, with raw_data replaced by an onnx_place. Fields that are newer than Debian's
 * onnx.proto are dropped, except those that change a meaning. `file` is for messages.
 */
sy_status ir_onnx_unpack(base_arena *arena, const char *file, const void *data, size_t n_bytes,
                         base_diag *diag, Onnx__ModelProto **out);

/* The same for one TensorProto: n_bytes from `offset` of the file's bytes. */
sy_status ir_onnx_unpack_tensor(base_arena *arena, const char *file, const void *data,
                                size_t offset, size_t n_bytes, base_diag *diag,
                                Onnx__TensorProto **out);

/* Fields that Debian's onnx.proto does not have. */
#define ONNX_FIELD_NODE_OVERLOAD      8
#define ONNX_FIELD_FUNCTION_ATTRIBUTE 11
#define ONNX_FIELD_FUNCTION_OVERLOAD  13

/* The text of an unknown string field, in the arena; "" if it is absent, NULL when memory is out.
 */
const char *ir_onnx_unknown_text(base_arena *arena, const ProtobufCMessage *message, uint32_t tag);

/* The unknown attribute fields of a function: its attributes with defaults. */
sy_status ir_onnx_unknown_attributes(base_arena *arena, const ProtobufCMessage *message,
                                     uint32_t tag, Onnx__AttributeProto ***out, uint32_t *n_out);

/* ---------------------------------------------------------------- names */

/*
 * A table from interned names to values, or to whatever else a name stands for (never NULL). Scopes
 * nest; a name may be bound once among the scopes that are open.
 */
typedef struct onnx_names {
    base_arena *arena;
    uint32_t n_keys, mask;
    const char **keys;
    void **values;
    BASE_VEC(uint32_t) bound; /* slots, in order of binding: leaving a scope unbinds its tail */
} onnx_names;

sy_status ir_onnx_names_init(onnx_names *names, base_arena *arena);
/* SY_EINVAL (no message) if the name is bound. */
sy_status ir_onnx_names_bind(onnx_names *names, const char *interned, void *value);
void *ir_onnx_names_find(const onnx_names *names, const char *interned);
size_t ir_onnx_names_enter(const onnx_names *names);
void ir_onnx_names_leave(onnx_names *names, size_t mark);

/* ---------------------------------------------------------------- the import */

typedef struct onnx_domain {
    const char *name; /* interned; "" for ai.onnx */
    int64_t version;
} onnx_domain;

typedef BASE_VEC(onnx_domain) onnx_domains;

/* One function of the model as it is used with one set of attributes. */
typedef struct onnx_instance {
    const Onnx__FunctionProto *function;
    const char *key; /* the attributes as text */
    ir_graph *graph;
    bool done; /* false while it is being built: a call then is a recursion */
} onnx_instance;

/* Attributes that `ref_attr_name` in a function's nodes refers to. */
typedef struct onnx_bindings {
    uint32_t n;
    const Onnx__AttributeProto *const *attrs;
} onnx_bindings;

typedef struct onnx_import {
    ir_module *m;
    base_arena *scratch; /* dropped after the import */
    base_diag *diag;
    const ir_import_options *options;
    const char *file; /* interned: names the model in messages */
    const char *path; /* NULL: the bytes are the caller's */
    const unsigned char *data;
    size_t n_bytes;
    const Onnx__ModelProto *model;
    onnx_domains domains; /* of what is being imported: the model, or a function */
    int64_t opset;        /* the version of "" among them */
    onnx_names names;     /* ir_value: what can be seen from where the import is */
    onnx_names infos;     /* Onnx__TypeProto: declared types, by the same scopes */
    onnx_names functions; /* Onnx__FunctionProto by domain, name and overload */
    uint32_t n_numbers;   /* nodes seen so far, in all graphs */
    uint32_t depth;       /* of regions */
    uint32_t call_depth;
    bool sizes_changed; /* the user changed a size that the model fixes: declared types inside are
                           stale */
    const onnx_bindings *bindings; /* of the function being built; NULL: in the main graph */
    BASE_VEC(onnx_instance) instances;
    struct {
        const char *symbol; /* interned name of a free dimension that the user's shapes fix */
        int64_t value;
    } *symbols;
    uint32_t n_symbols, symbols_capacity;
    bool *shape_used; /* [options->n_shapes] */
} onnx_import;

/* The node that is being imported, for messages and rules. */
typedef struct onnx_node {
    onnx_import *in;
    const Onnx__NodeProto *proto;
    const char *domain; /* interned, canonical */
    const char *op;     /* interned */
    int64_t version;    /* of its domain's operator set */
    uint32_t number;
    ir_graph *graph;
    uint32_t n_inputs;
    ir_value **inputs; /* operands; rules may change them */
    uint32_t n_outputs;
    ir_value *
        *outputs; /* results, filled by whoever builds the node; NULL where nobody wants one */
    uint32_t n_attrs;
    const Onnx__AttributeProto **attrs; /* without those that a rule has used up */
} onnx_node;

/* Fails with "FILE: node 'NAME' (Op, node N): ...". */
sy_status ir_onnx_fail(const onnx_node *n, sy_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---------------------------------------------------------------- tensors and types */

/* The tensor as a constant of the module; `what` names it in messages ("initializer 'w'"). */
sy_status ir_onnx_tensor(onnx_import *in, const Onnx__TensorProto *t, const char *what,
                         ir_const **out);

/* The same for a sparse tensor, which becomes a dense one. */
sy_status ir_onnx_sparse(onnx_import *in, const Onnx__SparseTensorProto *t, const char *what,
                         ir_const **out);

/* The type; NULL gives an unknown type. `name`: of the value, for messages and names of unnamed
 * dimensions. */
sy_status ir_onnx_type(onnx_import *in, const Onnx__TypeProto *t, const char *name, ir_type *out);

/* The dtype of that number; SY_DT_NONE if there is none. */
sy_dtype ir_onnx_dtype(int64_t number);

/* Applies the user's shape for this graph input, if there is one, to its type; learns sizes of free
 * dimensions. */
sy_status ir_onnx_shape_given(onnx_import *in, const char *input, ir_type *type);
/* Learns the free dimensions that options name; run before any type is made. */
sy_status ir_onnx_shapes_prepare(onnx_import *in);
/* SY_EINVAL naming the first of the user's shapes that met nothing. */
sy_status ir_onnx_shapes_check(onnx_import *in);

/* ---------------------------------------------------------------- attributes */

/* The attribute's kind; SY_EFORMAT or SY_EUNSUPPORTED with a message if it has none that the IR
 * knows. */
sy_status ir_onnx_attr_kind(const onnx_node *n, const Onnx__AttributeProto *a, ir_attr_kind *out);

/* Takes the attribute of that name out of n->attrs; NULL if there is none. */
const Onnx__AttributeProto *ir_onnx_attr_take(onnx_node *n, const char *name);
const Onnx__AttributeProto *ir_onnx_attr_find(const onnx_node *n, const char *name);

/* The same with the value; *found is false (and *out untouched) if it is absent; wrong kinds fail.
 */
sy_status ir_onnx_take_int(onnx_node *n, const char *name, int64_t *out, bool *found);
sy_status ir_onnx_take_float(onnx_node *n, const char *name, float *out, bool *found);
sy_status ir_onnx_take_ints(onnx_node *n, const char *name, const int64_t **out, uint32_t *n_out,
                            bool *found);

/* Sets the remaining attributes of n on the new node. */
sy_status ir_onnx_attrs_set(const onnx_node *n, ir_node *node);

/* Resolves ref_attr_name and fills n->attrs. */
sy_status ir_onnx_attrs_bind(onnx_node *n);

/* ---------------------------------------------------------------- graphs and nodes */

/* Fills an empty graph from the proto: inputs, initializers, nodes, outputs. */
sy_status ir_onnx_graph(onnx_import *in, const Onnx__GraphProto *proto, ir_graph *g, bool is_main);

/*
 * Puts the nodes of a graph attribute with one input and one output into n's own graph, `argument` in place of the input.
 */
sy_status ir_onnx_inline(onnx_node *n, const Onnx__GraphProto *p, ir_value *argument, ir_value **result);

/*
 * The order in which to import nodes: their own, unless one uses a name that a later one defines;
 * then a topological one. SY_EFORMAT if there is a cycle. The array lies in scratch.
 */
sy_status ir_onnx_order(onnx_import *in, size_t n_nodes, Onnx__NodeProto *const *nodes,
                        uint32_t **out);

/* A list of nodes: of a graph, or of a function. */
sy_status ir_onnx_nodes(onnx_import *in, size_t n_nodes, Onnx__NodeProto *const *nodes,
                        ir_graph *g);

/*
 * Makes a table operator of domain "" for the rules, with one result, at the end of n's graph;
 * named, numbered and located as n, and inferred. Results get fresh names after n's first result.
 */
sy_status ir_onnx_emit(const onnx_node *n, uint32_t code, uint32_t n_inputs,
                       ir_value *const *inputs, ir_node **node, ir_value **result);
sy_status ir_onnx_emit_infer(const onnx_node *n, ir_node *node);
/* The same with several results. */
sy_status ir_onnx_emit_many(const onnx_node *n, uint32_t code, uint32_t n_inputs,
                            ir_value *const *inputs, uint32_t n_outputs, ir_node **node,
                            ir_value **first);

/* A constant value in n's graph: one scalar or vector. */
sy_status ir_onnx_emit_i64s(const onnx_node *n, uint32_t count, const int64_t *values,
                            ir_value **out);
sy_status ir_onnx_emit_const(const onnx_node *n, sy_dtype dtype, int32_t rank, const int64_t *dims,
                             const void *data, size_t n_bytes, ir_value **out);

/* ---------------------------------------------------------------- rules */

/*
 * Old forms of operators. Either changes n's operands and attributes so that the table's row fits,
 * or builds the whole thing and sets *built and n->outputs.
 */
sy_status ir_onnx_opset_rules(onnx_node *n, bool *built);
/* The part of it for windows, resampling and quantisation; called by it. */
sy_status ir_onnx_window_rules(onnx_node *n, bool *built);

/* QLinear operators of "" and com.microsoft as DQ, operator, Q; *built as above. */
sy_status ir_onnx_qlinear_rules(onnx_node *n, bool *built);

/* Old forms of ai.onnx.ml's operators (onnx_ml.c). */
sy_status ir_onnx_ml_rules(onnx_node *n);

/* Rules with regions or types in them (onnx_region.c): Scan of operator set 8, Optional's type. */
sy_status ir_onnx_scan_8(onnx_node *n, bool *built);
sy_status ir_onnx_optional(onnx_node *n, bool *built);

#define FUNCTION(domain, name, since, min_in, min_out, max_out, body, line)
#define QLINEAR(domain, name, rule, line) sy_status rule(onnx_node *n, bool *built);
#define OLDER(name, line)
#include "functions.def"
#undef FUNCTION
#undef QLINEAR
#undef OLDER

/* Operators that functions.def defines by others; *built as above. */
sy_status ir_onnx_function_rules(onnx_node *n, bool *built);

/* A call of one of the model's functions; *built stays false if n is none. */
sy_status ir_onnx_call(onnx_node *n, bool *built);

#endif
