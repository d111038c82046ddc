/*
 * internal.h -- what the files of the graph library share and nobody else sees.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_INTERNAL_H
#define SYSTOLE_GRAPH_INTERNAL_H

#include "systole/base/assert.h"
#include "systole/base/file.h"
#include "systole/base/vec.h"
#include "systole/graph/optable.h"

#define IR_DIM_BUCKETS 1024

typedef struct ir_mapped_file {
    const char *path;
    base_map map;
} ir_mapped_file;

typedef struct ir_recipe {
    const char *name;
    ir_recipe_fn fn;
    void *user;
} ir_recipe;

struct ir_intern {
    /* strings: open addressing, at most half full */
    const char **strings;
    uint32_t strings_mask, n_strings;
    /* dimensions: chained by ir_dim_expr.chain */
    const ir_dim_expr *dims[IR_DIM_BUCKETS];
    uint32_t n_dims;
    sy_status dim_status; /* why the last dimension computation gave NULL */
    const char *dim_reason;
    BASE_VEC(ir_mapped_file) files;
    BASE_VEC(ir_recipe) recipes;
};

/* Makes room for one item more in an arena array whose counts are 32 bits; items move, capacity doubles. */
sy_status ir_reserve(base_arena *arena, void *items_address, uint32_t n, uint32_t *capacity,
                     size_t item_bytes);

#define IR_RESERVE(arena, items, n, capacity) \
    ir_reserve((arena), &(items), (n), &(capacity), sizeof *(items))

/* True if some name in the module has this text. */
bool ir_is_interned(const ir_module *m, const char *text);

/* Adds / removes use `u` at the end of / from the list of v. */
void ir_use_link(ir_use *u, ir_value *v);
void ir_use_unlink(ir_use *u);

/* A constant as the text form gives it: bytes in a file (path is interned), or elided (path NULL) with their hash. */
sy_status ir_const_parsed(ir_module *m, ir_const_kind kind, sy_dtype dtype, int32_t rank, const int64_t *dims,
                          const char *path, uint64_t offset, uint64_t hash, base_diag *diag, ir_const **out);

/* A value of g, in no list yet; name NULL: fresh. */
sy_status ir_value_make(ir_graph *g, ir_value_kind kind, const char *name, ir_value **out);

/* A graph of m that is in no list yet. */
sy_status ir_graph_make(ir_module *m, const char *name, ir_node *owner, ir_graph **out);

/* Puts a node that is in no list into g before `before` (NULL: at the end); takes it out. */
void ir_node_attach(ir_node *n, ir_graph *g, ir_node *before);
void ir_node_detach(ir_node *n);

/* Drops every use that the nodes and outputs of g hold, its regions too: what erasing an owner does. */
void ir_graph_release(ir_graph *g);

/* The attribute of that name, made if it is missing. */
sy_status ir_attr_slot(ir_node *n, const char *name, ir_attr **out);

/* The innermost function around g: the graph without owner. */
ir_graph *ir_graph_function(ir_graph *g);

/* True if `outer` is g or one of the graphs around it. */
bool ir_graph_inside(const ir_graph *g, const ir_graph *outer);

/* The node of `outer` that holds n: n itself, or the owner of the region it is in. NULL: n is not inside. */
ir_node *ir_node_ancestor_in(ir_node *n, const ir_graph *outer);

/* A hash table from pointers to pointers, in an arena: zero-initialise it. */
typedef struct ir_map {
    const void **keys;
    void **values;
    uint32_t n, mask;
} ir_map;

sy_status ir_map_put(ir_map *map, base_arena *arena, const void *key, void *value); /* key not NULL */
void *ir_map_get(const ir_map *map, const void *key);                              /* NULL: not there */

/* "node 'conv1' (Conv)" for messages; needs no memory. */
#define IR_NODE_FMT "node '%s' (%s)"
#define IR_NODE_ARGS(n) ir_node_label(n), (n)->op_name
const char *ir_node_label(const ir_node *n); /* its name, else its first result's */

#endif
