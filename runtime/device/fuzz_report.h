/*
 * fuzz_report.h -- a random program on which the models differ: shrunk, written, explained.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RUNTIME_FUZZ_REPORT_H
#define SYSTOLE_RUNTIME_FUZZ_REPORT_H

#include "systole/rt/fuzz.h"
#include "verify/fuzz.h"

/* One program on two machines: memories filled with the pattern of `seed`, program loaded, lockstep. */
sy_status rt_fuzz_lockstep(sim_machine *first, sim_machine *second, const isa_program *program,
                           uint64_t seed, const rt_cosim_options *options, rt_cosim_result *result,
                           base_diag *diag);

/*
 * Writes the program and its configuration, and unless options->whole a minimal program that still
 * differs; the first time also what a person should know, into *summary.
 */
sy_status rt_fuzz_report(const rt_fuzz_options *options, sim_machine *first, sim_machine *second,
                         uint64_t number, const fuzz_program *fuzz, const rt_cosim_result *result,
                         rt_fuzz_summary *summary, base_diag *diag);

#endif
