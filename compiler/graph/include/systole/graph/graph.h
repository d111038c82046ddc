/*
 * graph.h -- the one graph IR: modules, graphs, nodes, values, attributes, regions.
 *
 * Importers, the C API, autograd and quantisation all make this graph; every device runs it. Everything
 * lives in one arena per module; objects never move, so plain pointers are the references. Fields are
 * read directly and written only through the functions below, which keep uses and names consistent.
 *
 *   module   the functions of a model (module->main is the entry), constants, interned names and dimensions
 *   graph    inputs, constants, nodes in topological order, outputs; a function of the module, or a region
 *            owned by a node through an attribute
 *   node     one operator: (domain, op), operands (absent ones are NULL), attributes, results (unwanted
 *            ones are NULL)
 *   value    an SSA value: graph input, constant or node result; has a type, a name, a source location
 *
 * Regions capture: a node in a region may use values of the graphs around it that are defined before the node
 * that owns the region (as ONNX does). A function is isolated: it captures nothing.
 * A fused operator (systole.Fused) owns the region `body` of the original operators and means exactly that.
 *
 * State: operators are pure. A graph input paired with a graph output is a state: the output becomes
 * the input's value on the next run (batch-norm statistics, optimiser slots, KV caches).
 *
 * Names (text, domain, op) are interned: equal text is the same pointer within a module. Functions that take a name
 * intern it. Threads: one at a time per module. After SY_ENOMEM from an edit the module may be half changed: drop it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_GRAPH_H
#define SYSTOLE_GRAPH_GRAPH_H

#include "systole/graph/const.h"

typedef struct ir_graph ir_graph;
typedef struct ir_node ir_node;
typedef struct ir_value ir_value;
typedef struct ir_optable ir_optable;
struct ir_op;

/* Where something came from. For a model file without lines, `line` is 1 + the node's number in that file. 0: unknown. */
typedef struct ir_loc {
    const char *file; /* interned; NULL: unknown */
    uint32_t line;
    uint32_t column;
} ir_loc;

/* Text with a length: it may hold NULs, and always has one after its end. */
typedef struct ir_str {
    const char *text;
    size_t n;
} ir_str;

/* ---------------------------------------------------------------- values */

typedef enum ir_value_kind {
    IR_VALUE_INPUT,  /* of `graph`, number `index` */
    IR_VALUE_CONST,  /* of `graph`; `constant` is set */
    IR_VALUE_RESULT  /* of `producer`, number `index` */
} ir_value_kind;

/* One use of a value: operand `index` of `user`, or, if user is NULL, output `index` of `graph`. */
typedef struct ir_use {
    ir_value *value; /* NULL: absent operand, not in any list */
    ir_node *user;
    ir_graph *graph; /* the graph that holds the user */
    uint32_t index;
    struct ir_use *prev, *next; /* the other uses of `value`, oldest first */
} ir_use;

/* How a tensor lies in memory. Shapes stay logical (NCHW); only the memory planner and code generation look at this. */
typedef enum ir_layout_kind {
    IR_LAYOUT_PLAIN,  /* row-major in logical order */
    IR_LAYOUT_BLOCKED /* axis `axis` split into blocks of `block`, the block innermost: [N][C/D][H][W][D] */
} ir_layout_kind;

typedef struct ir_layout {
    ir_layout_kind kind;
    int32_t axis;
    int32_t block;
} ir_layout;

struct ir_value {
    ir_value_kind kind;
    uint32_t index;
    ir_graph *graph;    /* that defines it */
    ir_node *producer;  /* RESULT */
    ir_const *constant; /* CONST */
    bool feedable;      /* CONST that was an initializer listed as graph input: the caller may feed another */
    ir_type type;
    ir_layout layout;
    const char *name; /* unique among all values visible from each other; never NULL */
    ir_loc loc;
    /* What inference knows about the elements of a small integer tensor (rank 0 or 1): NULL: nothing. */
    const ir_dim *elements;
    uint32_t n_elements;
    ir_use *first_use, *last_use;
    uint32_t n_uses;
    uint32_t mark; /* free for the running pass, which sets it before it reads it */
    void *info;    /* the same */
};

/* ---------------------------------------------------------------- attributes */

typedef enum ir_attr_kind {
    IR_ATTR_INT,
    IR_ATTR_FLOAT,
    IR_ATTR_STRING,
    IR_ATTR_TENSOR,
    IR_ATTR_GRAPH, /* a region that the node owns */
    IR_ATTR_INTS,
    IR_ATTR_FLOATS,
    IR_ATTR_STRINGS
} ir_attr_kind;

typedef struct ir_attr {
    const char *name; /* interned */
    ir_attr_kind kind;
    uint32_t n; /* INTS, FLOATS, STRINGS */
    union {
        int64_t i;
        float f;
        ir_str s;
        ir_const *tensor;
        ir_graph *graph;
        const int64_t *ints;
        const float *floats;
        const ir_str *strings;
    } u;
} ir_attr;

/* ---------------------------------------------------------------- nodes */

struct ir_node {
    const char *domain; /* interned; "" is ONNX's own, "systole" is ours */
    const char *op_name;
    const struct ir_op *op; /* the operator table's row; NULL: an operator nobody knows (kept, never dropped) */
    ir_graph *graph;
    ir_graph *callee; /* systole.Call: the function; else NULL */
    uint32_t n_inputs, inputs_capacity;
    ir_use *inputs; /* [n_inputs]; .value NULL: absent optional operand */
    uint32_t n_outputs;
    ir_value **outputs; /* [n_outputs]; NULL: a result nobody wants */
    uint32_t n_attrs, attrs_capacity;
    ir_attr *attrs;
    const char *name; /* the model's node name; "" if it has none */
    uint32_t number;  /* of the node in the source model, kept by copies and fusions; UINT32_MAX: made by a pass */
    ir_loc loc;
    ir_node *prev, *next; /* in the graph's order */
    uint32_t order;       /* increasing along the graph; valid after ir_graph_number */
    uint32_t mark;        /* free for the running pass, which sets it before it reads it */
    void *info;           /* the same */
};

/* ---------------------------------------------------------------- graphs and modules */

typedef struct ir_output {
    ir_use use;       /* use.value is never NULL */
    const char *name; /* what the user calls it: stays when a pass replaces the value */
} ir_output;

typedef struct ir_state {
    ir_value *input;   /* a graph input */
    uint32_t output;   /* index of the paired graph output */
    ir_const *initial; /* of kind state; NULL: the caller must feed the first value */
} ir_state;

struct ir_graph {
    ir_module *module;
    const char *name;
    ir_node *owner; /* the node whose region this is; NULL: a function of the module */
    uint32_t n_inputs, inputs_capacity;
    ir_value **inputs;
    uint32_t n_consts, consts_capacity;
    ir_value **consts;
    uint32_t n_outputs, outputs_capacity;
    ir_output **outputs;
    uint32_t n_states, states_capacity;
    ir_state *states;
    ir_node *first, *last;
    uint32_t n_nodes;
};

struct ir_module {
    base_arena *arena;
    ir_optable *table;
    const char *name;
    ir_graph *main; /* NULL: none yet; the first function added becomes it */
    uint32_t n_graphs, graphs_capacity;
    ir_graph **graphs; /* functions */
    uint32_t n_consts, consts_capacity;
    ir_const **consts;
    uint32_t n_meta, meta_capacity;
    struct ir_meta {
        const char *key, *value;
    } *meta; /* producer, opset versions, ...: for people and reports */
    struct ir_intern *intern; /* names, dimensions, files, recipes: private to the library */
};

/* ---------------------------------------------------------------- making modules and graphs */

/*
 * An empty module in the arena. The table must outlive the module; the arena holds everything but file mappings,
 * which ir_module_destroy drops (call it before the arena goes; NULL is allowed).
 */
sy_status ir_module_create(base_arena *arena, ir_optable *table, const char *name, ir_module **out);
void ir_module_destroy(ir_module *m);

/* The interned text; NULL when memory is out. */
const char *ir_intern(ir_module *m, const char *text);
const char *ir_intern_n(ir_module *m, const char *text, size_t n); /* no NUL inside */

/* `base` if no name in the module has that text yet, else base.1, base.2, ...; NULL when memory is out. */
const char *ir_name_unique(ir_module *m, const char *base);

/* Sets metadata `key`, replacing an earlier value. */
sy_status ir_module_set_meta(ir_module *m, const char *key, const char *value);
const char *ir_module_meta(const ir_module *m, const char *key); /* NULL: none */

/* A new function; SY_EINVAL if the name is taken. */
sy_status ir_module_add_function(ir_module *m, const char *name, base_diag *diag, ir_graph **out);
ir_graph *ir_module_find_function(const ir_module *m, const char *name); /* NULL: none */

/* A new input, last in order. name NULL: a fresh one. type NULL: unknown. */
sy_status ir_graph_add_input(ir_graph *g, const char *name, const ir_type *type, ir_value **out);

/* A value for the constant, with its type. name NULL: a fresh one. */
sy_status ir_graph_add_const(ir_graph *g, const char *name, ir_const *c, ir_value **out);

/* Appends an output; name NULL: the value's. */
sy_status ir_graph_add_output(ir_graph *g, ir_value *value, const char *name);
void ir_graph_set_output(ir_graph *g, uint32_t index, ir_value *value);

/* Pairs input and output `output` as a state (initial may be NULL). */
sy_status ir_graph_add_state(ir_graph *g, ir_value *input, uint32_t output, ir_const *initial,
                             base_diag *diag);

/* The value of that name defined in g itself, or in g and the graphs around it; NULL: none. Linear time. */
ir_value *ir_graph_find_value(const ir_graph *g, const char *name);
ir_value *ir_graph_find_visible(const ir_graph *g, const char *name);

/* ---------------------------------------------------------------- nodes */

/*
 * A new node in g before `before` (NULL: at the end), with operands (copied; NULL entries are absent operands) and
 * n_outputs results with fresh names and unknown types. An operator not in the table is allowed: node->op is then NULL.
 */
sy_status ir_node_create(ir_graph *g, ir_node *before, const char *domain, const char *op,
                         const char *name, uint32_t n_inputs, ir_value *const *inputs,
                         uint32_t n_outputs, ir_node **out);

/* The common case: operator `op` of domain "" or "systole" (table row `code`), one result. */
sy_status ir_node_create_op(ir_graph *g, ir_node *before, uint32_t code, uint32_t n_inputs,
                            ir_value *const *inputs, ir_node **out, ir_value **result);

/* Renames a value (interned). Keeping names unique is the caller's duty; the verifier checks. */
sy_status ir_value_rename(ir_value *v, const char *name);

/* Makes result i unwanted. It must have no uses. */
void ir_node_drop_output(ir_node *n, uint32_t i);

/* Operand i, NULL if absent or beyond the last; the same for result i. */
ir_value *ir_node_input(const ir_node *n, uint32_t i);
ir_value *ir_node_output(const ir_node *n, uint32_t i);

void ir_node_set_input(ir_node *n, uint32_t i, ir_value *value); /* i < n_inputs; NULL: absent */
sy_status ir_node_add_input(ir_node *n, ir_value *value);
void ir_node_trim_inputs(ir_node *n, uint32_t n_inputs); /* keeps the first n_inputs operands */

/* Setting an attribute replaces one of the same name. Arrays and strings are copied. */
sy_status ir_node_set_int(ir_node *n, const char *name, int64_t value);
sy_status ir_node_set_float(ir_node *n, const char *name, float value);
sy_status ir_node_set_string(ir_node *n, const char *name, const char *text, size_t length);
sy_status ir_node_set_tensor(ir_node *n, const char *name, ir_const *c);
sy_status ir_node_set_ints(ir_node *n, const char *name, uint32_t count, const int64_t *values);
sy_status ir_node_set_floats(ir_node *n, const char *name, uint32_t count, const float *values);
sy_status ir_node_set_strings(ir_node *n, const char *name, uint32_t count, const ir_str *values);
/* Makes an empty region owned by the node. */
sy_status ir_node_add_region(ir_node *n, const char *name, ir_graph **out);
void ir_node_remove_attr(ir_node *n, const char *name);

/* NULL if the node has no such attribute. */
const ir_attr *ir_node_attr(const ir_node *n, const char *name);
/* The attribute's value, `fallback` if it is absent or of another kind (the verifier refuses wrong kinds). */
int64_t ir_node_int(const ir_node *n, const char *name, int64_t fallback);
float ir_node_float(const ir_node *n, const char *name, float fallback);
const char *ir_node_string(const ir_node *n, const char *name, const char *fallback);
/* Sets *values and returns the count; 0 and NULL if absent. */
uint32_t ir_node_ints(const ir_node *n, const char *name, const int64_t **values);
uint32_t ir_node_floats(const ir_node *n, const char *name, const float **values);
ir_const *ir_node_tensor(const ir_node *n, const char *name); /* NULL: absent */
ir_graph *ir_node_region(const ir_node *n, const char *name); /* NULL: absent */

/* True if the node is this operator (IR_OP_... of optable.h). */
bool ir_node_is(const ir_node *n, uint32_t code);

/* ---------------------------------------------------------------- edits */

/* Every use of `from` becomes a use of `to` (outputs keep their names). */
void ir_value_replace_uses(ir_value *from, ir_value *to);

/* Unlinks the node from its graph and its operands. Its results must have no uses (bug otherwise). */
void ir_node_erase(ir_node *n);

/* Removes a constant value, or a graph input that is no state, without uses. */
void ir_value_erase(ir_value *v);

/* Moves the node before `before` in the same graph (NULL: to the end). */
void ir_node_move(ir_node *n, ir_node *before);

/* Writes node->order for the whole graph. */
void ir_graph_number(ir_graph *g);

/* SY_EINVAL with one line naming the first node that uses a value before its definition. Regions too. */
sy_status ir_graph_check_order(ir_graph *g, base_diag *diag);

/* Stable topological sort of g's own nodes; SY_EINVAL naming a node on a cycle. */
sy_status ir_graph_sort(ir_graph *g, base_diag *diag);

/* Removes nodes and constants whose results nobody uses, from g and its regions; returns how many nodes went. */
uint32_t ir_graph_remove_dead(ir_graph *g);

/*
 * A copy of n (attributes and regions too) in g before `before`; operand i is inputs[i] instead of n's own, if
 * inputs is not NULL. Results have fresh names; types, layout, number and locations are kept.
 */
sy_status ir_node_clone(const ir_node *n, ir_graph *g, ir_node *before, ir_value *const *inputs,
                        ir_node **out);

/* A copy of a function under a new name in the same module, names of values kept (functions are scopes). */
sy_status ir_function_clone(const ir_graph *g, const char *name, base_diag *diag, ir_graph **out);

/* A copy of the whole module. Bytes of constants are shared: the source must outlive the copy. */
sy_status ir_module_clone(base_arena *arena, ir_module *m, ir_module **out);

/*
 * The values that g (a region) and the regions inside it use from around g, each once, in order of first use.
 * The array lies in `arena`.
 */
sy_status ir_region_captures(const ir_graph *g, base_arena *arena, ir_value ***out, uint32_t *n_out);

/*
 * Moves nodes (of one graph, in its order, with no path from one to another that leaves the set) into the region `body` of
 * a new systole.Fused node at the place of the last of them, with attribute kind = `kind`. Operands of the new node
 * are the set's non-constant outside operands, in order of first use; constants are captured. Results are
 * the values used outside, with their names and types.
 */
sy_status ir_fuse(ir_node *const *nodes, uint32_t n_nodes, const char *kind, base_diag *diag,
                  ir_node **out);

/* Puts the body of a Fused node back in its place and erases the node. */
sy_status ir_unfuse(ir_node *fused, base_diag *diag);

#endif
