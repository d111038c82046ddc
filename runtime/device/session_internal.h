/*
 * session_internal.h -- what session.c and the devices share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_SESSION_INTERNAL_H
#define SYSTOLE_RT_SESSION_INTERNAL_H

#include "systole/rt/session.h"

/* What a tensor of a plan holds on the host. */
static inline sy_dtype rt_plan_dtype(const cc_plan_tensor *tensor)
{
    return tensor->element_bytes == 2 ? SY_DT_BF16 : SY_DT_I8;
}

/* A tensor that the host sees in a run of sim or rtl. */
typedef struct rt_slot {
    const char *name;
    const ir_value *value; /* NULL without a graph */
    ir_tensor tensor;      /* dims and data of the last run */
    bool from_device; /* the buffer is made once; else by each host step that makes the tensor */
    bool is_input;    /* data are the caller's */
} rt_slot;

/* A step of the plan, ready to run. Slots by number. */
typedef struct rt_step {
    const char *name;
    const cc_plan_step *device; /* NULL: host */
    uint32_t pc;
    rt_cpu_plan *host;
    uint32_t n_in, n_out;
    uint32_t *in,
        *out; /* device: by position in device->inputs, device->outputs; host: live-in, live-out */
    const ir_tensor **in_tensors;
    ir_tensor **out_tensors;
} rt_step;

typedef struct rt_device_ops {
    sy_status (*run)(rt_session *session, const ir_tensor *const *inputs, ir_tensor *const *outputs,
                     const rt_run_options *options, base_diag *diag);
} rt_device_ops;

struct rt_session {
    const rt_device_ops *ops;
    base_arena *arena;
    rt_model *model;
    rt_session_options options;
    isa_config config;
    rt_device device;
    char note[BASE_DIAG_BYTES];
    rt_cpu *cpu;
    rt_cpu_plan *graph; /* device cpu: the whole graph */
    sim_machine *machine;
    sim_machine *shadow; /* lockstep: the rtl machine beside the sim */
    rt_cosim_result lockstep;
    sim_machine *serial; /* check: one command after the other */
    rt_check *check;
    uint32_t n_slots, n_steps;
    rt_slot *slots;
    rt_step *steps;
    uint32_t *output_slots; /* [number of outputs]; UINT32_MAX: a constant */
    uint8_t *scratch;
    rt_stats stats;
    rt_step_stats *step_stats;
};

/* As rt_model_compile, by a caller who holds the model's lock. */
sy_status rt_model_compile_locked(rt_model *model, const isa_config *config,
                                  const cc_options *options, base_diag *diag);

/* Fill a session whose arena, model, options and device are set; under the model's lock. */
sy_status rt_device_cpu_open(rt_session *session, base_diag *diag);
sy_status rt_device_machine_open(rt_session *session, base_diag *diag);

/* Makes the slots and steps of the model's plan (session_plan.c). */
sy_status rt_session_prepare(rt_session *session, base_diag *diag);

/* Makes session->cpu if there is a graph and none yet. */
sy_status rt_session_open_cpu(rt_session *session, base_diag *diag);

/* Gives result to the caller's output: allocates or checks the room, and copies. */
sy_status rt_output_give(const char *name, const ir_tensor *result, ir_tensor *output,
                         base_diag *diag);

/* True once the caller's flag is set. user: the const int of rt_run_options, or NULL. */
bool rt_cancelled(void *user);

double rt_seconds(void);

#endif
