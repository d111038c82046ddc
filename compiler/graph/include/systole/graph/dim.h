/*
 * dim.h -- dimensions as expressions over symbols, and whole integer arithmetic on shapes.
 *
 * Expressions are interned in a module and kept in a canonical form: a sum of products with constant
 * factors, in a fixed order; divisions stay atoms unless they come out exactly. So two dimensions
 * are provably equal exactly when the pointers are equal. A symbol stands for one unknown, non-negative
 * size; expressions (elements of shape values) may be negative.
 *
 * Every function that makes an expression returns NULL when memory runs out or a constant leaves
 * int64; NULL operands give NULL, so that a computation is checked once, at its end (ir_dim_check).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_DIM_H
#define SYSTOLE_GRAPH_DIM_H

#include "systole/base/arena.h"
#include "systole/base/diag.h"
#include "systole/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ir_module ir_module;
typedef struct ir_dim_expr ir_dim_expr;
typedef const ir_dim_expr *ir_dim;

typedef enum ir_dim_kind {
    IR_DIM_CONST,     /* value */
    IR_DIM_SYMBOL,    /* name */
    IR_DIM_SUM,       /* args[0] + args[1] + ... */
    IR_DIM_PRODUCT,   /* args[0] * args[1] * ... */
    IR_DIM_FLOOR_DIV, /* floor(args[0] / args[1]) */
    IR_DIM_CEIL_DIV   /* ceil(args[0] / args[1]) */
} ir_dim_kind;

struct ir_dim_expr {
    ir_dim_kind kind;
    uint32_t id;         /* order of creation; the canonical order of operands */
    int64_t value;       /* CONST */
    const char *name;    /* SYMBOL, interned */
    uint32_t n_args;
    const ir_dim *args;
    uint64_t hash;       /* for the intern table only */
    const ir_dim_expr *chain;
};

ir_dim ir_dim_const(ir_module *m, int64_t value);
ir_dim ir_dim_symbol(ir_module *m, const char *name);   /* the same name is the same symbol */
ir_dim ir_dim_fresh(ir_module *m, const char *hint);    /* a symbol that nothing uses yet */
ir_dim ir_dim_add(ir_module *m, ir_dim a, ir_dim b);
ir_dim ir_dim_sub(ir_module *m, ir_dim a, ir_dim b);
ir_dim ir_dim_mul(ir_module *m, ir_dim a, ir_dim b);
ir_dim ir_dim_floor_div(ir_module *m, ir_dim a, ir_dim b); /* b = const 0 gives NULL */
ir_dim ir_dim_ceil_div(ir_module *m, ir_dim a, ir_dim b);

/* d with every occurrence of the symbol replaced, simplified again. */
ir_dim ir_dim_substitute(ir_module *m, ir_dim d, ir_dim symbol, ir_dim replacement);

/* True and *value set (value may be NULL) if d is a constant. NULL is not. */
bool ir_dim_is_const(ir_dim d, int64_t *value);

/* True if d is known to be at least `least` for every value of its symbols (which are >= 0). */
bool ir_dim_at_least(ir_dim d, int64_t least);

/*
 * SY_OK if d is not NULL; else the reason why the last computation failed (out of memory, overflow,
 * division by zero), with one line in diag that starts with `what`.
 */
sy_status ir_dim_check(ir_module *m, ir_dim d, base_diag *diag, const char *what);

#endif
