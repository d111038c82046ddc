/*
 * ops.h -- what the core does: a tree of pushes and loops, between re-rolling and LLVM.
 *
 * Here registers cost something: a SET writes a pair, and registers keep their values. cc_plan_pushes turns a forest of commands into ops with as few SETs as the
 * values allow: what does not change in a loop is set before it; in the loop stands what changes. The SETs of a command stand before the WAITs of its
 * unit that directly precede it, so that the unit has taken them when the wait is over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_OPS_H
#define SYSTOLE_COMPILER_OPS_H

#include "reroll.h"
#include "systole/isa/isa.h"

/* base + sum of steps[k] * (counter of the enclosing loop k, 0 the outermost), modulo 2^32. Steps beyond the op's depth are 0. */
typedef struct cc_affine {
    uint32_t base;
    uint32_t steps[CC_MAX_DEPTH];
} cc_affine;

typedef enum cc_op_kind { CC_OP_PUSH, CC_OP_LOOP, CC_OP_CALL } cc_op_kind;

typedef struct cc_op {
    cc_op_kind kind;
    struct cc_op *next, *previous;
    /* PUSH: a word of Xsystole with rs1 = a, rs2 = b */
    uint8_t unit, funct7;
    cc_affine a, b;
    /* LOOP */
    uint32_t count;
    struct cc_op *body, *body_last;
    /* CALL: a function of the same set; it gets the counters of the loops around the call */
    uint32_t callee;
} cc_op;

/* What each unit's registers hold at a place in the program. */
typedef struct cc_registers {
    bool known[ISA_N_QUEUES][CC_MAX_REGISTERS];
    cc_affine value[ISA_N_QUEUES][CC_MAX_REGISTERS];
} cc_registers;

typedef struct cc_ops {
    cc_op *first, *last;
} cc_ops;

/*
 * Plans the pushes of a forest. `registers` is what holds before it, and is updated to what holds after it. Loop counters in it are none: it is of depth 0.
 * Errors: SY_ENOMEM.
 */
sy_status cc_plan_pushes(base_arena *arena, const cc_forest *forest, cc_registers *registers, cc_ops *out);

/* Number of pushes in a list of ops and in the loops under it: each is at least one word of code. */
size_t cc_ops_count(const cc_op *first);

#endif
