/*
 * internal.h -- what the files of the C API share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_API_INTERNAL_H
#define SYSTOLE_RT_API_INTERNAL_H

#include "systole/systole.h"

#include "systole/isa/isa.h"
#include "systole/rt/session.h"

struct sy_model {
    rt_model *model;
    base_arena *arena;
};

struct sy_session {
    rt_session *session;
    base_arena *arena;
    isa_config config;
    const ir_tensor **in;
    ir_tensor **out;
    ir_tensor *tensors; /* inputs, then outputs */
};

/* Ends a function: hands the message on if there is one to hand on. */
sy_status rt_api_finish(sy_status status, const base_diag *diag, sy_message *message);

/* Copies as much of an options struct as the caller's header had; the rest stays zero. */
sy_status rt_api_options(const void *given, void *ours, size_t n_ours, base_diag *diag);

/* The caller's input i as a tensor of ours; strings alone have a size that their shape does not tell. */
sy_status rt_api_input(uint32_t i, const sy_tensor *given, ir_tensor *out, base_diag *diag);

/* A tensor of ours as one of the caller's, data too. */
void rt_api_tensor(const ir_tensor *tensor, sy_tensor *out);

/* SY_EINVAL unless the numbers are the model's. */
sy_status rt_api_counts(const sy_session *session, uint32_t n_inputs, uint32_t n_outputs, base_diag *diag);

/* Runs on session->in and session->out, with the caller's options. */
sy_status rt_api_run(sy_session *session, const sy_run_options *given, base_diag *diag);

#endif
