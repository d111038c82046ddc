/*
 * profile.h -- where the cycles of a run went: by layer, against the roofline, and by cause of
 * stall.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_PROFILE_H
#define SYSTOLE_RT_PROFILE_H

#include "systole/rt/session.h"

/* Layers overlap: the next one's weights are loaded under this one. So `cycles` of all layers sum
 * to more than the run. */
typedef struct rt_profile_layer {
    const cc_plan_layer *plan; /* NULL: commands whose tag no layer has */
    const char *name, *op;
    uint64_t n_commands;
    uint64_t first,
        last; /* first start and last end of its commands, in all device steps' cycles of the run */
    uint64_t cycles;   /* last - first + 1; 0 if it has no commands */
    uint64_t adds;     /* cycles by which it moved the end of the run: these sum to the run's, with
                          `before` and `after` */
    uint64_t roofline; /* max(MACs / D^2, weight rows, compulsory DRAM bytes / width) */
    uint64_t active[SIM_N_UNITS]; /* cycles with a command of this layer in flight in the unit */
} rt_profile_layer;

typedef struct rt_profile {
    uint32_t n_layers;
    rt_profile_layer *layers; /* in program order */
    uint64_t cycles;          /* of the run, device steps alone */
    uint64_t before, after; /* cycles in no layer's `adds`: what the core does before the first end,
                               and at the end */
    uint64_t macs, roofline; /* sums */
    uint64_t active[SIM_N_UNITS]; /* cycles with any command in flight in the unit */
    uint64_t counters[SIM_N_UNITS][SIM_N_CAUSES];
    sim_dram_stats dram;
    size_t n_events;
    const sim_command_event
        *events; /* in order of start, then unit; cycles of all device steps counted on */
} rt_profile;

/*
 * Runs a session (of sim or rtl, for a compiled model or a plain program) once and accounts for it.
 * inputs and outputs as rt_session_run.
 */
sy_status rt_profile_run(base_arena *arena, rt_session *session, const ir_tensor *const *inputs,
                         ir_tensor *const *outputs, rt_profile *out, base_diag *diag);

/*
 * Appends a trace in the Trace Event format, for Perfetto (ui.perfetto.dev) and chrome://tracing:
 * one track for each unit, one slice for each command, 1 cycle drawn as 1 us. Where commands of a
 * unit overlap (it pipelines them) a slice is drawn from the end of the one before; its true start
 * and end are in its arguments.
 */
sy_status rt_profile_trace(const rt_profile *profile, const char *title, base_buf *out);

#endif
