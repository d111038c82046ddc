/*
 * check.h -- checked runs: what a program gets away with in one run, and what it may rely on.
 *
 * A checked run listens to the simulator (sim/audit.h: races, semaphores, rows read before written), then runs the same
 * program on a second simulator one command after the other, and compares every byte that either has left behind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CHECK_H
#define SYSTOLE_RT_CHECK_H

#include "systole/base/json.h"
#include "systole/rt/machine.h"
#include "systole/rt/model.h"
#include "systole/sim/audit.h"

typedef struct rt_check rt_check;

/* The kinds of findings, by what they are about. */
typedef enum rt_check_kind { RT_CHECK_RACE, RT_CHECK_SEMAPHORE, RT_CHECK_SERIAL, RT_CHECK_UNWRITTEN, RT_N_CHECKS } rt_check_kind;

/* "race", "semaphore", "serial", "unwritten". The last is a warning, the others are errors. */
const char *rt_check_name(rt_check_kind kind);

/*
 * For a program that runs on machines of its configuration. `serial` is a simulator with rt_machine_options.serial and the
 * same memories as the machine that will be checked; it stays the caller's. The model names layers and lines. SY_ENOMEM.
 */
sy_status rt_check_create(const rt_model *model, sim_machine *serial, rt_check **out, base_diag *diag);
void rt_check_free(rt_check *check); /* NULL is allowed */

/*
 * One checked run: as sim_machine_run on the simulator `machine` (run->observer->command is called too), then the serial run,
 * unless the first did not end well. Findings are added to those of earlier runs; they are no error. Errors: SY_ENOMEM.
 */
sy_status rt_check_run(rt_check *check, sim_machine *machine, const sim_run_options *run, sim_result *result,
                       base_diag *diag);

/* Findings of a kind in all runs; of errors. */
uint64_t rt_check_n(const rt_check *check, rt_check_kind kind);
uint64_t rt_check_n_errors(const rt_check *check);

/* Appends the findings, a line each ("race: ...", at most SIM_AUDIT_FINDINGS of a kind), and a last line that sums up. */
void rt_check_print(const rt_check *check, base_buf *out);

/* The same as an object: counts, and an array of findings with their places. */
void rt_check_json(const rt_check *check, base_json *json);

#endif
