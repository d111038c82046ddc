/*
 * layers.h -- a profile as tables: what compile and profile print.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_CLI_LAYERS_H
#define SYSTOLE_CLI_LAYERS_H

#include "cli.h"
#include "systole/rt/profile.h"

/* One row per layer, and a last one for the run. */
cli_table *cli_layers_table(base_arena *arena, const rt_profile *profile);

/* Share of the run's cycles by unit and cause: each unit's row sums to 100 %. */
cli_table *cli_stalls_table(base_arena *arena, const rt_profile *profile);

#endif
