/*
 * session.h -- one thread's device for one model: made once, run as often as you like.
 *
 * Three devices behind one interface. cpu runs the imported graph on the host. sim and rtl run the
 * plan of the compiled model: host steps on the cpu, device steps on a machine that is made and
 * filled once, so that ten thousand runs load the weights once. A plain program (no plan) runs from
 * its entry, without inputs or outputs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_SESSION_H
#define SYSTOLE_RT_SESSION_H

#include "systole/rt/check.h"
#include "systole/rt/cosim.h"
#include "systole/rt/cpu.h"
#include "systole/rt/machine.h"
#include "systole/rt/model.h"

typedef enum rt_device { RT_DEVICE_CPU, RT_DEVICE_SIM, RT_DEVICE_RTL } rt_device;

/* Zero-initialised: device cpu, fast, all processors. */
typedef struct rt_session_options {
    rt_device device;
    const isa_config *config; /* sim, rtl: for models that are not compiled yet, or programs for any
                                 configuration; NULL: edge */
    bool reference;           /* host work by reference kernels */
    uint32_t n_threads;       /* host; 0: one per processor */
    const char *blas;         /* host; see rt_cpu_options */
    bool timing_only; /* sim: cycles without data; host steps are skipped, outputs left alone */
    bool portable;    /* sim: plain C kernels */
    bool
        no_fallback; /* sim, rtl: an operator that would run on the host is an error (cc_options) */
    uint64_t max_cycles; /* sim, rtl: of one device step; 0: no limit */
    uint64_t stall_seed; /* sim, rtl: injected DRAM stalls, */
    uint32_t stall_max;  /* 0: none */
    uint32_t ready_max, error_one_in; /* and so are these: systole/sim/dram.h */
    bool lockstep; /* sim: an rtl machine runs each device step too, and all that both report is
                      compared */
    bool check;    /* sim: every device step is a checked run (rt/check.h) */
    rt_wave *wave; /* lockstep: a window of the rtl to draw; NULL: none */
    bool fill;     /* sim, rtl: memories begin with the seeded pattern of */
    uint64_t fill_seed; /* this seed, instead of zeros; DRAM in its first MiB */
    void (*notice)(
        void *user,
        const char *line); /* rtl: a line for people before its Verilog is built; may be NULL */
    void *notice_user;
} rt_session_options;

#define RT_FILL_DRAM_BYTES ((uint64_t)1 << 20)

typedef struct rt_session rt_session;

/*
 * Makes a session; compiles the model first if sim or rtl needs it. If nothing of the model can run
 * there the session is device cpu's (see rt_session_note), but not with no_fallback or lockstep.
 * The model must outlive it. Any number of sessions may be made and used by different threads, each
 * by one at a time. Errors: what compilation, rt_machine_create and rt_cpu_create give;
 * SY_EUNSUPPORTED (cpu without a graph: a stripped model or a plain program).
 */
sy_status rt_session_create(rt_model *model, const rt_session_options *options, rt_session **out,
                            base_diag *diag);
void rt_session_free(rt_session *session); /* NULL is allowed */

rt_model *rt_session_model(const rt_session *session);

/* The device it runs on (cpu after a fallback), and why it fell back: "" if it did not. */
rt_device rt_session_device(const rt_session *session);
const char *rt_session_note(const rt_session *session);

/* The machine of sim and rtl, NULL for cpu: to look at its memories between runs. */
sim_machine *rt_session_machine(rt_session *session);

/*
 * Lockstep: what was compared since the session was made (the results are the last step's). After a
 * difference the run that found it has returned SY_EMISMATCH, and `difference` tells both sides.
 * NULL without lockstep.
 */
const rt_cosim_result *rt_session_lockstep(const rt_session *session);

/* What checked runs have found since the session was made; NULL without options.check, and for device cpu. */
const rt_check *rt_session_check(const rt_session *session);

/* "own (avx512)", "libopenblas.so.0 (SkylakeX)", ...: what does the host's fp32 products; "" if there is no host
 * work. */
const char *rt_session_blas(const rt_session *session);

/* Called for every tensor that the host sees, as soon as it is there. Not SY_OK ends the run. */
typedef sy_status (*rt_save_fn)(void *user, const char *name, const ir_tensor *tensor);

/* Zero-initialised, or NULL, for a plain run. */
typedef struct rt_run_options {
    rt_save_fn save;
    void *save_user;
    const int *cancel; /* another thread sets it to nonzero (atomically): the run ends with
                          SY_ECANCELLED */
    /* sim, rtl: each command, with the cycle at which its device step began, in all device steps'
     * cycles of this run. */
    void (*command)(void *user, uint64_t step_begin, const sim_command_event *event);
    void *command_user;
} rt_run_options;

/*
 * Runs once.
 *
 *   inputs[i]   as the model's input i asks (rt_model_input): dtype, shape
 *   outputs[i]  dtype, rank and dims are set; data NULL: allocated, the caller frees it with
 * rt_buffer_free; else size_bytes says how much room there is (SY_ERANGE if too little). NULL: not
 * wanted.
 *
 * Errors: SY_ESHAPE, SY_EINVAL naming the input; SY_EDEVICE, SY_EDEADLOCK, SY_ERANGE for a device
 * step that did not end well, explained in one line; SY_ECANCELLED; what host kernels give.
 */
sy_status rt_session_run(rt_session *session, const ir_tensor *const *inputs,
                         ir_tensor *const *outputs, const rt_run_options *options, base_diag *diag);

/* One step of the last run. */
typedef struct rt_step_stats {
    const char *name; /* entry point, or "host" */
    bool on_device;
    double seconds;    /* of the host's clock */
    sim_result result; /* on_device */
} rt_step_stats;

/* The last run. The arrays belong to the session and change with the next run. */
typedef struct rt_stats {
    double seconds;  /* of the host's clock, in all */
    uint64_t cycles; /* sum of device steps */
    uint64_t retired;
    uint64_t counters[SIM_N_UNITS][SIM_N_CAUSES];
    sim_dram_stats dram;
    uint32_t n_steps;
    const rt_step_stats *steps;
} rt_stats;
const rt_stats *rt_session_stats(const rt_session *session);

#endif
