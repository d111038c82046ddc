/*
 * info.h -- the parts of systole info, each in a file of its own: info_<what>.c.
 *
 * Each prints to stdout, as text or as one JSON object.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_CLI_INFO_H
#define SYSTOLE_CLI_INFO_H

#include "cli.h"
#include "systole/compiler/plan.h"

sy_status info_config(base_arena *arena, const char *name, bool json, base_diag *diag);
sy_status info_program(base_arena *arena, const char *path, bool json, base_diag *diag);
sy_status info_model(base_arena *arena, const char *path, bool json, base_diag *diag);
sy_status info_host(base_arena *arena, bool json, base_diag *diag);
sy_status info_operators(base_arena *arena, bool json, base_diag *diag);

/* Where each operator went: also what systole compile prints. */
cli_table *cli_placement_table(base_arena *arena, const cc_plan *plan);

#endif
