/*
 * layers.c -- a profile as tables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "layers.h"

#include <inttypes.h>

#include "systole/isa/isa.h"

static double percent(uint64_t part, uint64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0.0;
}

static void add_row(cli_table *table, const char *name, const char *op, uint64_t macs,
                    uint64_t cycles, uint64_t adds, uint64_t roofline,
                    const uint64_t active[SIM_N_UNITS])
{
    cli_table_cell(table, "%s", name);
    cli_table_cell(table, "%s", op);
    cli_table_cell(table, "%" PRIu64, macs);
    cli_table_cell(table, "%" PRIu64, cycles);
    cli_table_cell(table, "%" PRIu64, adds);
    cli_table_cell(table, "%" PRIu64, roofline);
    cli_table_cell(table, "%.1f %%", percent(roofline, adds));
    for (unsigned unit = 0; unit < SIM_N_UNITS; unit++) {
        cli_table_cell(table, "%.1f %%", percent(active[unit], cycles));
    }
}

cli_table *cli_layers_table(base_arena *arena, const rt_profile *profile)
{
    static const cli_column columns[] = {{"layer", "layer", CLI_LEFT},
                                         {"op", "operator", CLI_LEFT},
                                         {"macs", "MACs", CLI_RIGHT},
                                         {"cycles", "cycles", CLI_RIGHT},
                                         {"adds", "adds", CLI_RIGHT},
                                         {"roofline", "roofline", CLI_RIGHT},
                                         {"utilisation", "of it", CLI_RIGHT},
                                         {"mxu", "MXU", CLI_RIGHT},
                                         {"vpu", "VPU", CLI_RIGHT},
                                         {"ld", "LD", CLI_RIGHT},
                                         {"st", "ST", CLI_RIGHT}};
    cli_table *table = cli_table_create(arena, columns, sizeof columns / sizeof columns[0]);
    for (uint32_t i = 0; i < profile->n_layers; i++) {
        const rt_profile_layer *layer = &profile->layers[i];
        add_row(table, layer->name, layer->op, layer->plan != NULL ? layer->plan->macs : 0,
                layer->cycles, layer->adds, layer->roofline, layer->active);
    }
    add_row(table, "the whole run", "", profile->macs, profile->cycles, profile->cycles,
            profile->roofline, profile->active);
    return table;
}

cli_table *cli_stalls_table(base_arena *arena, const rt_profile *profile)
{
    static const cli_column columns[] = {{"unit", "unit", CLI_LEFT},
#define K(name, number, summary) {#name, #name, CLI_RIGHT},
#include "systole/isa/tables.h"
                                         {"sum", "sum", CLI_RIGHT}};
    cli_table *table = cli_table_create(arena, columns, sizeof columns / sizeof columns[0]);
    for (unsigned unit = 0; unit < SIM_N_UNITS; unit++) {
        uint64_t sum = 0;
        cli_table_cell(table, "%s", isa_unit_name(unit));
        for (unsigned cause = 0; cause < SIM_N_CAUSES; cause++) {
            cli_table_cell(table, "%.2f %%",
                           percent(profile->counters[unit][cause], profile->cycles));
            sum += profile->counters[unit][cause];
        }
        cli_table_cell(table, "%.2f %%", percent(sum, profile->cycles));
    }
    return table;
}

static uint64_t bytes_moved(const isa_config *config, const sim_dram_stats *dram)
{
    return (dram->beats[0] + dram->beats[1]) * config->dram_width;
}

void cli_dram_print(const isa_config *config, const sim_dram_stats *dram, uint64_t cycles)
{
    const uint64_t bytes = bytes_moved(config, dram);
    const double rate = cycles > 0 ? (double)bytes / (double)cycles : 0;
    printf("\nDRAM  %" PRIu64 " bytes read, %" PRIu64 " written in %" PRIu64
           " bursts: %.2f bytes per cycle of %" PRIu32 " (%.1f %%), %.2f GB/s at %" PRIu32 " MHz\n",
           dram->beats[0] * config->dram_width, dram->beats[1] * config->dram_width,
           dram->bursts[0] + dram->bursts[1], rate, config->dram_width,
           100 * rate / (double)config->dram_width, rate * config->dram_clock_mhz / 1000,
           config->dram_clock_mhz);
    if (config->dram_model != ISA_DRAM_BANKED) {
        return;
    }
    const uint64_t n = dram->row_hits + dram->row_misses + dram->row_conflicts;
    printf("      %" PRIu64 " row hits (%.1f %%), %" PRIu64 " misses (%.1f %%), %" PRIu64
           " conflicts (%.1f %%), %" PRIu64 " refreshes\n",
           dram->row_hits, percent(dram->row_hits, n), dram->row_misses,
           percent(dram->row_misses, n), dram->row_conflicts, percent(dram->row_conflicts, n),
           dram->refreshes);
}

void cli_dram_json(const isa_config *config, const sim_dram_stats *dram, uint64_t cycles,
                   base_json *json)
{
    const uint64_t bytes = bytes_moved(config, dram);
    const double rate = cycles > 0 ? (double)bytes / (double)cycles : 0;
    base_json_key(json, "dram");
    base_json_object_begin(json);
    base_json_key_string(json, "model", isa_config_word("dram.model", config->dram_model));
    base_json_key_u64(json, "read_bursts", dram->bursts[0]);
    base_json_key_u64(json, "write_bursts", dram->bursts[1]);
    base_json_key_u64(json, "read_bytes", dram->beats[0] * config->dram_width);
    base_json_key_u64(json, "write_bytes", dram->beats[1] * config->dram_width);
    base_json_key_double(json, "bytes_per_cycle", rate);
    base_json_key_double(json, "gbytes_per_second", rate * config->dram_clock_mhz / 1000);
    base_json_key_u64(json, "row_hits", dram->row_hits);
    base_json_key_u64(json, "row_misses", dram->row_misses);
    base_json_key_u64(json, "row_conflicts", dram->row_conflicts);
    base_json_key_u64(json, "refreshes", dram->refreshes);
    base_json_object_end(json);
}
