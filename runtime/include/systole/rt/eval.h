/*
 * eval.h -- a model over a data set: accuracy, cycles, and whether devices agree to the bit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_EVAL_H
#define SYSTOLE_RT_EVAL_H

#include "systole/rt/dataset.h"
#include "systole/rt/session.h"

#define RT_EVAL_MAX_SESSIONS 4

typedef struct rt_eval_options {
    uint64_t limit;      /* samples; 0: all */
    uint32_t n_sessions; /* of one model, at most RT_EVAL_MAX_SESSIONS */
    rt_session *const *sessions;
    const char *const *names; /* for progress */
    /* After each sample of each session; false ends with SY_ECANCELLED. May be NULL. */
    bool (*progress)(void *user, const char *name, uint64_t done, uint64_t total, uint64_t n_right);
    void *progress_user;
} rt_eval_options;

typedef struct rt_eval_result {
    uint64_t n_samples;
    uint64_t n_labels; /* samples that have one */
    uint64_t n_right;  /* the largest element of the first output is at the label */
    /* samples of which any output differs in any bit from the first session's */
    uint64_t n_different;
    uint64_t cycles; /* of the machine, summed */
    double seconds;  /* in runs */
} rt_eval_result;

/*
 * Runs each sample on each session. The model's first input takes a sample: f32 or an integer type,
 * as many elements as the sample has (an open batch becomes 1); other inputs are not possible.
 * Errors: SY_ESHAPE (sample and input differ), SY_EUNSUPPORTED (more than one input),
 * SY_ECANCELLED, what a run gives.
 */
sy_status rt_eval(const rt_dataset *data, const rt_eval_options *options, rt_eval_result *results,
                  base_diag *diag);

/*
 * An input tensor for one sample of the data set, with its memory (rt_buffer_free), for the model's
 * first input.
 */
sy_status rt_eval_input(const rt_model *model, const rt_dataset *data, ir_tensor *out,
                        base_diag *diag);

#endif
