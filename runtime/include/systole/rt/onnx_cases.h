/*
 * onnx_cases.h -- runs conformance cases in the layout of ONNX's own tests.
 *
 * A case is a folder with model.onnx and data sets test_data_set_0, test_data_set_1, ..., each with input_0.pb, ...,
 * output_0.pb, ... (one value each, of the model's inputs and outputs in order). It passes if every output of every data
 * set has the expected type and shape and each element x fits the expected y: |x - y| <= absolute + relative * |y|, infinities
 * and NaN being equal to themselves, strings and integers beyond 2^53 the same.
 *
 * Random operators (rows without IR_P_PURE that have no region) cannot give the expected numbers: then type and shape must fit, and mean and
 * deviation of the elements those of the expected ones, within six standard errors.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_ONNX_CASES_H
#define SYSTOLE_RT_ONNX_CASES_H

#include "systole/rt/session.h"

/* The tolerances of ONNX's own runner. */
#define RT_CASE_RELATIVE 1e-3
#define RT_CASE_ABSOLUTE 1e-7

typedef enum rt_case_status { RT_CASE_PASS, RT_CASE_FAIL, RT_CASE_SKIP } rt_case_status;

typedef struct rt_case_result {
    rt_case_status status;
    char reason[1024]; /* one line; "" for a plain pass */
} rt_case_result;

/* Zero-initialised: device cpu, fast kernels, ONNX's tolerances, a minute. */
typedef struct rt_case_options {
    rt_session_options session;
    double relative, absolute;
    uint32_t seconds; /* of a case's process before it is ended as hanging; 0: 60 */
    bool in_process;  /* no process of its own: for debuggers; a crash is the caller's then */
} rt_case_options;

/*
 * The cases in and below a folder (to a depth of four), sorted; paths in the arena.
 * SY_EIO if the folder cannot be read; SY_EINVAL if there is none in it.
 */
sy_status rt_cases_find(const char *folder, base_arena *arena, const char *const **out, size_t *n_out,
                        base_diag *diag);

/* Runs one, in a process of its own, so that a crash or a hang is this case's failure and nobody else's. */
void rt_case_run(const char *folder, const rt_case_options *options, rt_case_result *out);

/*
 * Whether a value is the expected one, as above; `random`: by type, shape and statistics. Else *out is false and `why`
 * (n_bytes) says in what they differ first. scratch is used for strings.
 */
sy_status rt_case_fits(const ir_tensor *got, const ir_tensor *want, const rt_case_options *options, bool random,
                       base_arena *scratch, char *why, size_t n_bytes, bool *out);

#endif
