/*
 * schedule.h -- from groups to commands: tiles, double buffers, semaphores.
 *
 * Inside the compiler. A group is cut into steps; each step's loads are pushed one step ahead of
 * the products that use them, its epilogue one step behind and its stores two behind, so that no
 * unit's queue makes the core wait for a unit that has nothing to do. What a step needs lies in
 * rings (ring.h): regions of SPM or ACC with a producer, a consumer and two semaphores.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_SCHEDULE_H
#define SYSTOLE_COMPILER_SCHEDULE_H

#include "systole/compiler/command.h"
#include "systole/compiler/group.h"

/* SY_ECONFIG, one line, if no compiled program can run on such a machine: it has too few
 * semaphores, or they are too narrow. */
sy_status sched_check_config(const isa_config *config, base_diag *diag);

/*
 * Appends the commands of one group as a layer of its own. The tensors and blobs must have DRAM
 * addresses. Errors: SY_ERANGE, one line with sizes, if not even the smallest tile fits SPM or ACC;
 * SY_ENOMEM.
 */
sy_status sched_group(base_arena *arena, const isa_config *config, const cc_group *group,
                      cc_program *program, base_diag *diag);

/* Appends what must stand between the last group and the core's HALT. */
sy_status sched_finish(base_arena *arena, cc_program *program);

#endif
