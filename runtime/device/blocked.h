/*
 * blocked.h -- tensors between the host's layout, [n][c][p], and the machine's: rows of D channels
 * of one position.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_BLOCKED_H
#define SYSTOLE_RT_BLOCKED_H

#include "systole/compiler/plan.h"
#include "systole/sim/machine.h"

/* Bytes of scratch that both functions below need. */
size_t rt_blocked_scratch_bytes(const cc_plan_tensor *tensor);

/*
 * host [n][c][p], int8 or bf16 by the tensor's element_bytes -> DRAM; lanes beyond c get the zero point. The tensor must have passed
 * rt_plan_check.
 */
sy_status rt_blocked_write(sim_machine *machine, const cc_plan_tensor *tensor, const void *host,
                           uint8_t *scratch, base_diag *diag);

/* DRAM -> host [n][c][p]. */
sy_status rt_blocked_read(sim_machine *machine, const cc_plan_tensor *tensor, void *host,
                          uint8_t *scratch, base_diag *diag);

#endif
