/*
 * fuse.h -- steps of a plan merged into fewer.
 *
 * After all nodes have become steps, the rules of fuse_rules.def run one after the other, each over
 * all steps in order. A rule looks at the step it is given (and at what follows it) and may merge
 * several steps into one that one kernel runs. The merged step keeps its parts: layout.c infers
 * each of them, so that symbolic shapes work as before, and what no kernel can run fused is run part
 * by part. Values between the parts are `interior`: they have a type and no memory.
 *
 * Plans with `reference` are not fused, nor is the plan that a run with `save` uses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_FUSE_H
#define SYSTOLE_RT_CPU_FUSE_H

#include "internal.h"

#include "systole/base/vec.h"

typedef BASE_VEC(rt_step) rt_steps;
typedef BASE_VEC(rt_slot) rt_slots;

/* A plan while it is made. A step that was merged into another has node NULL. */
typedef struct rt_fusion {
    rt_cpu *cpu;
    base_arena *arena;   /* of the plan: what steps keep */
    base_arena *scratch; /* gone when the plan is made */
    base_diag *diag;
    rt_steps steps;
    rt_slots slots;
    uint32_t n_live_out;
    uint32_t *live_out; /* slots */
    /* Of each slot there was when the rules began: */
    uint32_t *maker;  /* the step that makes it; RT_NONE: none */
    uint32_t *n_uses; /* by steps (each operand counts), regions and the list of results */
    uint32_t *users;  /* exclusive or of all of them, so with one use: the user */
} rt_fusion;

/* One row of fuse_rules.def. *changed: steps were merged. */
typedef sy_status (*rt_fuse_fn)(rt_fusion *f, uint32_t i_step, bool *changed);

/* Applies all rules and closes the gaps. */
sy_status rt_fuse(rt_fusion *f);

/* ---------------------------------------------------------------- for rules */

/* The step that makes slot s, and the only one that uses it (once); RT_NONE: none. */
uint32_t rt_fuse_maker(const rt_fusion *f, uint32_t s);
uint32_t rt_fuse_only_user(const rt_fusion *f, uint32_t s);

/* True if step i is one node (not yet merged) of that operator. */
bool rt_fuse_is(const rt_fusion *f, uint32_t i, uint32_t opcode);

/* The constant in operand k of step i; NULL: absent or no constant. */
const ir_tensor *rt_fuse_constant(const rt_fusion *f, uint32_t i, uint32_t k);

/* What is known of a slot when the plan is made: SY_DT_NONE, and -1 for rank and sizes that are
 * open. */
sy_dtype rt_fuse_dtype(const rt_fusion *f, uint32_t s);
int32_t rt_fuse_rank(const rt_fusion *f, uint32_t s);
int64_t rt_fuse_dim(const rt_fusion *f, uint32_t s, int32_t axis);

/*
 * Merges steps (ascending; merged ones may be among them) into one in the place of the last.
 *   node     whose attributes the kernel reads and whose name errors carry
 *   state    given to kernel->prepare in *state
 *   inputs   operands of the kernel, in its order (RT_NONE: absent): copied
 *   outputs  its results; all other results of the parts must have no use outside: they become
 *            interior
 * The parts keep their own operands and kernels. SY_ENOMEM.
 */
typedef struct rt_merge {
    const ir_node *node;
    const rt_kernel *kernel;
    void *state;
    uint32_t n_steps;
    const uint32_t *steps;
    uint32_t n_inputs;
    const uint32_t *inputs;
    uint32_t n_outputs;
    const uint32_t *outputs;
} rt_merge;

sy_status rt_fuse_merge(rt_fusion *f, const rt_merge *m);

/* ---------------------------------------------------------------- for kernels */

/*
 * Runs the parts of the step (env->step) one after the other with their own kernels, without what
 * prepare made; for shapes and types that the fused kernel does not know.
 */
sy_status rt_run_parts(const ir_kernel_args *args, const rt_env *env);

#define RULE(name, fn, summary) sy_status fn(rt_fusion *f, uint32_t i_step, bool *changed);
#include "fuse_rules.def"
#undef RULE

#endif
