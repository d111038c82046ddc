/*
 * internal.h -- what the parts of the host device share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_INTERNAL_H
#define SYSTOLE_RT_CPU_INTERNAL_H

#include "systole/graph/infer.h"
#include "systole/rt/cpu.h"
#include "systole/rt/pool.h"

#include "blas.h"

#include <pthread.h>

#define RT_NONE UINT32_MAX

struct rt_cpu {
    base_arena *arena;
    ir_module *module;
    bool reference;
    rt_pool *pool;      /* NULL with reference */
    struct rt_jit *jit; /* the same */
    rt_blas blas;
};

/* ---------------------------------------------------------------- fast kernels */

/* What a fast kernel may use besides its operands. */
typedef struct rt_env {
    const rt_cpu *cpu;
    rt_scratch *scratch;        /* the calling thread's, for rt_pool_run */
    const struct rt_step *step; /* that runs */
    uint32_t n_slots;           /* of the plan; their types, and data of what is there */
    const ir_tensor *slots;
} rt_env;

/* Operands as they are known when the plan is made: constants with data, NULL for all others. */
typedef struct rt_prepare_args {
    const ir_node *node;
    const struct rt_step *step;
    const rt_cpu *cpu;
    uint32_t n_inputs;
    const ir_tensor *const *constants; /* [n_inputs] */
    base_arena *arena;                 /* of the plan: packed weights live here */
    base_diag *diag;
} rt_prepare_args;

/*
 * One row of fast_kernels.def. prepare (may be NULL) packs weights once; run gets what it made,
 * NULL if nothing. For a merged step, *state is first what the rule left there (fuse.h). A kernel that
 * does not know a type or an attribute calls the reference kernel, that of a merged step rt_run_parts.
 */
typedef struct rt_kernel {
    sy_status (*prepare)(const rt_prepare_args *args, void **state);
    sy_status (*run)(const ir_kernel_args *args, const rt_env *env, const void *state);
    /* Of merged steps: elementwise with broadcasting, so that it may be called with the axes of all operands
     * and results permuted alike. */
    bool any_order;
    bool in_place; /* the result may lie where an operand of its size and type's width does */
} rt_kernel;

/* The row for an operator code; NULL: none. */
const rt_kernel *rt_kernel_of(uint32_t code);

/* ---------------------------------------------------------------- plans */

/* Where a value of the plan comes from and how long it is needed. */
typedef struct rt_slot {
    const ir_value *value;
    uint32_t live_in;          /* index, RT_NONE: no */
    const ir_tensor *constant; /* NULL: no */
    uint32_t view_of;          /* the slot whose bytes these are; RT_NONE: has its own */
    uint32_t first,
        last;          /* steps that make it and use it last; of views, kept in the slot viewed */
    uint32_t live_out; /* the first output that wants it, RT_NONE: none */
    bool folded;       /* a constant that a node made when the plan was made */
    bool interior;     /* between the parts of one merged step: a type, but no memory */
    bool channels_last; /* [N, C, ...] kept as [N, ..., C] (channels_last.h) */
} rt_slot;

/* The region of an If, Loop or Scan. */
typedef struct rt_region {
    rt_cpu_plan *plan; /* live-in: the region's inputs, then the captured values */
    uint32_t n_inputs, n_captures;
    const uint32_t *captures; /* slots */
} rt_region;

typedef struct rt_step {
    const ir_node *node;
    uint32_t n_inputs, n_outputs;
    const uint32_t *inputs, *outputs; /* slots; RT_NONE: absent, not wanted */
    bool view;                        /* nothing to do */
    bool wide;                        /* fast is widen.h's kernel: not to be merged */
    const rt_kernel *fast;            /* first choice */
    void *state;                      /* made by fast->prepare */
    ir_kernel_fn plain;               /* a user's fast kernel or the reference kernel */
    uint32_t n_regions;
    const rt_region *regions; /* If: then, else; Loop and Scan: body */
    bool converts;            /* changes the order in memory: the result has the operand's type */
    uint32_t n_parts;         /* merged (fuse.h): the steps that this one stands for; 0: not merged */
    const struct rt_step *parts;
} rt_step;

/* Memory for one set of live-in shapes. */
typedef struct rt_layout {
    struct rt_layout *next;
    base_arena *arena;
    bool dynamic;   /* shapes depend on data: memory is taken node by node */
    int32_t *ranks; /* the key: rank and dims of each live-in */
    int64_t (*dims)[IR_MAX_RANK];
    ir_tensor
        *tensors;    /* of each slot; data: constants and what was computed beforehand, else NULL */
    size_t *offsets; /* in the block; SIZE_MAX: not there */
    bool *done;      /* [n_steps] computed beforehand */
    size_t block_bytes;
} rt_layout;

/* What one run needs; kept for the next. */
typedef struct rt_frame {
    struct rt_frame *next;
    base_arena *arena;   /* of the frame itself */
    base_arena *kernels; /* for kernels, reset after each */
    ir_tensor *tensors;  /* of each slot */
    const rt_layout *ready; /* tensors have its types and places, but for live-in and live-out; NULL: none */
    void **owned;        /* buffers to free, dynamic layouts only */
    const ir_tensor **inputs;
    ir_tensor **outputs;
    bool *allocated; /* [n_live_out]: outputs whose buffers are ours until the run has succeeded */
    bool *filled;    /* [n_live_out] */
    void *block;
    size_t block_bytes;
    rt_scratch scratch;
} rt_frame;

struct rt_cpu_plan {
    rt_cpu *cpu;
    base_arena *arena;
    bool fused;          /* some step is merged: a run with `save` takes `plain` */
    rt_cpu_plan *plain;  /* the same nodes, nothing merged; NULL: not needed yet. Guarded by lock */
    uint32_t n_nodes;
    ir_node *const *nodes;
    ir_value *const *wanted; /* [n_live_out] */
    uint32_t n_slots, n_steps, n_live_in, n_live_out, max_operands;
    rt_slot *slots;
    rt_step *steps;
    ir_value *const *live_in;
    const uint32_t *live_out; /* slots */
    void **folded; /* buffers of folded constants */
    uint32_t n_folded;
    pthread_mutex_t lock; /* guards what follows */
    rt_layout *layouts;
    uint32_t n_layouts;
    rt_frame *frames; /* free ones */
};

/* As rt_cpu_plan_create; `fuse` false: one step per node. */
sy_status rt_plan_make(rt_cpu *cpu, bool fuse, uint32_t n_nodes, ir_node *const *nodes,
                       uint32_t n_live_in, ir_value *const *live_in, uint32_t n_live_out,
                       ir_value *const *live_out, base_diag *diag, rt_cpu_plan **out);

/* The slot whose bytes slot s shows. */
uint32_t rt_slot_root(const rt_cpu_plan *plan, uint32_t s);

/*
 * The layout for these live-in shapes, made if it is not there. *cached: it belongs to the plan;
 * else the caller destroys it.
 */
sy_status rt_layout_get(rt_cpu_plan *plan, const ir_tensor *const *inputs, base_diag *diag,
                        rt_layout **out, bool *cached);
void rt_layout_destroy(rt_layout *layout);

/* Adds the node's name in front of diag's message. */
sy_status rt_node_failed(base_diag *diag, const ir_node *n, sy_status status);

void rt_frame_destroy(rt_frame *frame);

/*
 * Runs an If, Loop or Scan. Results get types, and buffers of their own (to be freed by the caller);
 * those of an If go where data says if it is not NULL. slots: tensors of all slots of the outer plan.
 */
sy_status rt_control_run(const rt_step *step, const ir_tensor *slots,
                         const ir_tensor *const *inputs, ir_tensor *const *outputs,
                         const rt_cpu_run_options *options, base_diag *diag);

#endif
