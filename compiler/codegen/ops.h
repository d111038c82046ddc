/*
 * ops.h -- what the core does: a tree of pushes and loops, between re-rolling and LLVM.
 *
 * Here registers cost something: a SET writes a pair, and registers keep their values. cc_plan_forest turns a tree of commands into ops with as few SETs as the
 * values allow: what does not change in a loop is set before it; in the loop stands what changes. The SETs of a command stand before the WAITs of its
 * unit that directly precede it, so that the unit has taken them when the wait is over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_OPS_H
#define SYSTOLE_COMPILER_OPS_H

#include "reroll.h"
#include "share.h"
#include "systole/isa/isa.h"

#define CC_MAX_TERMS (CC_MAX_PARAMETERS + CC_MAX_LOOPS)

/*
 * base + sum of steps[k] * term k, modulo 2^32. The terms of a place are the parameters of the function it is in, then the counters of the loops around it, the
 * outermost first. Steps beyond them are 0.
 */
typedef struct cc_affine {
    uint32_t base;
    uint32_t steps[CC_MAX_TERMS];
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
    /* CALL: a function of the same set, and its arguments */
    uint32_t callee, n_arguments;
    cc_affine *arguments;
} cc_op;

/* What each unit's registers hold at a place in the program. */
typedef struct cc_registers {
    bool known[ISA_N_QUEUES][CC_MAX_REGISTERS];
    cc_affine value[ISA_N_QUEUES][CC_MAX_REGISTERS];
} cc_registers;

typedef struct cc_ops {
    cc_op *first, *last;
} cc_ops;

/* What a function asks of the registers, and what it leaves in them. */
typedef struct cc_facts cc_facts;

/*
 * Plans the pushes of a rule: a function with its parameters as terms. facts[index] are those of the rules that it calls; a call's callee is the index of its rule.
 * Errors: SY_ENOMEM.
 */
sy_status cc_plan_rule(base_arena *arena, const cc_rule *rule, const cc_facts *const *facts, const cc_facts **own, cc_ops *out);

/* Plans the pushes of a forest. `registers` is what holds before it (constants), and is updated to what holds after it. Errors: SY_ENOMEM. */
sy_status cc_plan_forest(base_arena *arena, const cc_forest *forest, const cc_facts *const *facts, cc_registers *registers,
                         cc_ops *out);

/* Number of pushes in a list of ops and in the loops under it: each is at least one word of code. */
size_t cc_ops_count(const cc_op *first);

#endif
