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

/* What moved between the machine and DRAM in so many cycles, and how: lines of text, or an object under the key "dram". */
void cli_dram_print(const isa_config *config, const sim_dram_stats *dram, uint64_t cycles);
void cli_dram_json(const isa_config *config, const sim_dram_stats *dram, uint64_t cycles,
                   base_json *json);

/* Share of the run's cycles by unit and cause: each unit's row sums to 100 %. */
cli_table *cli_stalls_table(base_arena *arena, const rt_profile *profile);

#endif
