/*
 * fuzz.c -- runs the generator's programs through both models.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/fuzz.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "device/fuzz_report.h"

/* As rt_fuzz_one; the program too. */
static sy_status run_one(base_arena *arena, sim_machine *first, sim_machine *second, uint64_t seed,
                         uint64_t number, fuzz_program *fuzz, fuzz_run *run, rt_fuzz_case *out,
                         base_diag *diag)
{
    SY_TRY(rt_fuzz_program(arena, &first->config, seed, number, fuzz, diag));
    rt_fuzz_run_begin(run, fuzz);
    const rt_cosim_options options = {
        .watch = &run->observer,
        .run = {.entry = fuzz->program.entry,
                .max_cycles = fuzz->max_cycles,
                .stall_seed = fuzz->stall_seed,
                .stall_max = fuzz->stall_max,
                .ready_max = fuzz->ready_max,
                .error_one_in = fuzz->error_one_in},
        .dram_bytes = (uint64_t)RT_FUZZ_DRAM_MIB << 20,
    };
    *out = (rt_fuzz_case){
        .kind = rt_fuzz_kind_name(fuzz->kind),
        .source = fuzz->source,
        .stall_seed = fuzz->stall_seed,
        .stall_max = fuzz->stall_max,
        .ready_max = fuzz->ready_max,
        .error_one_in = fuzz->error_one_in,
    };
    SY_TRY(rt_fuzz_lockstep(first, second, &fuzz->program, seed, &options, &out->result, diag));
    rt_fuzz_run_end(run, first, &out->result.results[0]);
    return SY_OK;
}

sy_status rt_fuzz_one(base_arena *arena, sim_machine *first, sim_machine *second, uint64_t seed,
                      uint64_t number, rt_fuzz_case *out, base_diag *diag)
{
    fuzz_program fuzz;
    fuzz_run run;
    return run_one(arena, first, second, seed, number, &fuzz, &run, out, diag);
}

static sy_status run_programs(const rt_fuzz_options *options, uint64_t total, sim_machine *first,
                              sim_machine *second, fuzz_coverage *coverage,
                              rt_fuzz_summary *summary, base_diag *diag)
{
    base_arena *arena = base_arena_create();
    sy_status status = arena != NULL ? SY_OK : base_fail(diag, SY_ENOMEM, "out of memory");
    for (uint64_t i = 0; i < options->count && status == SY_OK; i++) {
        rt_fuzz_case one;
        fuzz_program program;
        fuzz_run run;
        base_arena_reset(arena);
        status = run_one(arena, first, second, options->seed, options->first + i, &program, &run,
                         &one, diag);
        if (status != SY_OK) {
            base_fail(diag, status, "configuration %s, seed %" PRIu64 ", number %" PRIu64 ": %s",
                      first->config.name, options->seed, options->first + i,
                      base_diag_message(diag));
            break;
        }
        if (coverage != NULL) {
            rt_fuzz_coverage_add(coverage, &program, &run);
        }
        summary->n_programs++;
        summary->n_ends[one.result.results[0].end]++;
        summary->n_commands += one.result.n_commands;
        summary->n_instructions += one.result.n_instructions;
        summary->n_cycles += one.result.n_cycles;
        if (!one.result.equal) {
            summary->n_different++;
            status = rt_fuzz_report(options, first, second, options->first + i, &program,
                                    &one.result, summary, diag);
        }
        if (status == SY_OK && options->progress != NULL &&
            !options->progress(options->progress_user, &first->config, summary->n_programs, total,
                               summary->n_different)) {
            status = base_fail(diag, SY_ECANCELLED, "cancelled");
        }
        if (!one.result.equal) {
            break;
        }
    }
    base_arena_destroy(arena);
    return status;
}

static sy_status run_config(const rt_fuzz_options *options, const isa_config *config,
                            uint64_t total, fuzz_coverage *coverage, rt_fuzz_summary *summary,
                            base_diag *diag)
{
    sim_machine *first = NULL;
    sim_machine *second = NULL;
    const rt_machine_options other = {.portable = options->portable,
                                      .notice = options->notice,
                                      .notice_user = options->notice_user};
    isa_config small = *config;
    small.dram_mib = RT_FUZZ_DRAM_MIB;
    sy_status status = rt_machine_create(RT_MACHINE_SIM, &small, NULL, &first, diag);
    if (status == SY_OK) {
        status = rt_machine_create(options->portable ? RT_MACHINE_SIM : RT_MACHINE_RTL, &small,
                                   &other, &second, diag);
    }
    if (status == SY_OK) {
        summary->n_configs++;
        status = run_programs(options, total, first, second, coverage, summary, diag);
    }
    sim_machine_destroy(first);
    sim_machine_destroy(second);
    return status;
}

static sy_status run_configs(const rt_fuzz_options *options, fuzz_coverage *coverage,
                             rt_fuzz_summary *summary, base_diag *diag)
{
    const uint64_t n_configs = options->config != NULL || options->n_configs == 0
                                   ? 1
                                   : options->n_configs;
    memset(summary, 0, sizeof *summary);
    for (uint64_t i = 0; i < n_configs; i++) {
        isa_config config;
        if (options->config != NULL) {
            config = *options->config;
        } else {
            rt_fuzz_config(options->config_seed, options->first_config + i,
                           options->max_dim > 0 ? options->max_dim : 16, &config);
            snprintf(config.name, sizeof config.name, "random-%" PRIu64 "-%" PRIu64,
                     options->config_seed, options->first_config + i);
        }
        SY_TRY(run_config(options, &config, n_configs * options->count, coverage, summary, diag));
    }
    return SY_OK;
}

/* Names of missing bins in one group of the text. */
#define MOST_NAMES 40

sy_status rt_fuzz(const rt_fuzz_options *options, rt_fuzz_summary *summary, base_diag *diag)
{
    if (options->coverage == NULL && options->coverage_json == NULL) {
        return run_configs(options, NULL, summary, diag);
    }
    base_arena *arena = base_arena_create();
    fuzz_coverage *coverage = arena != NULL ? rt_fuzz_coverage_create(arena) : NULL;
    sy_status status = coverage != NULL ? run_configs(options, coverage, summary, diag)
                                        : base_fail(diag, SY_ENOMEM, "out of memory");
    if (status == SY_OK) {
        const unsigned bins = FUZZ_BINS_PROGRAM | FUZZ_BINS_RUN |
                              (options->config == NULL ? FUZZ_BINS_CONFIG : 0);
        if (options->coverage != NULL) {
            (void)rt_fuzz_coverage_print(coverage, bins, MOST_NAMES, options->coverage);
            status = base_buf_status(options->coverage);
        }
        if (options->coverage_json != NULL) {
            rt_fuzz_coverage_json(coverage, bins, options->coverage_json);
        }
    }
    base_arena_destroy(arena);
    return status;
}
