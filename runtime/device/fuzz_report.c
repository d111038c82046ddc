/*
 * fuzz_report.c -- what is told of a program on which the models differ.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "device/fuzz_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "systole/base/file.h"
#include "verify/shrink.h"

/* A program of 500 instructions takes some 400 questions. */
#define MAX_TESTS 6000

/* How much longer than the program that is shrunk a smaller one may run. */
#define SLACK_CYCLES 5000

sy_status rt_fuzz_lockstep(sim_machine *first, sim_machine *second, const isa_program *program,
                           uint64_t seed, const rt_cosim_options *options, rt_cosim_result *result,
                           base_diag *diag)
{
    sim_machine *const machines[2] = {first, second};
    for (int i = 0; i < 2; i++) {
        SY_TRY(rt_machine_fill(machines[i], seed, options->dram_bytes, diag));
        SY_TRY(rt_machine_load(machines[i], program, diag));
    }
    return rt_cosim(first, second, options, result, diag);
}

/* What the shrinker asks with. */
typedef struct question {
    base_arena *arena; /* for one question */
    sim_machine *machines[2];
    uint64_t seed;
    rt_cosim_options options;
    bool may_be_cut_off;  /* the run may reach the limit: the whole program did */
    rt_cosim_result last; /* of the last program that differed */
} question;

/* A smaller program has to differ in the same way: in a command, in an instruction, in a byte, in a number of the result. */
static bool is_alike(const char *a, const char *b)
{
    static const char *const kinds[] = {" command ", "instruction ", " byte ", "counter ", "the end "};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const bool has = strstr(a, kinds[i]) != NULL;
        if (has != (strstr(b, kinds[i]) != NULL)) {
            return false;
        }
        if (has) {
            return true;
        }
    }
    return true;
}

static bool differs(void *user, const shrink_case *candidate)
{
    question *q = user;
    isa_program program;
    rt_cosim_result result;
    base_diag diag = {0};
    base_arena_reset(q->arena);
    rt_cosim_options options = q->options;
    options.run.entry = (uint32_t)(4 * candidate->entry);
    options.run.stall_max = candidate->stall_max;
    if (rt_shrink_program(q->arena, candidate, &q->machines[0]->config, &program, &diag) != SY_OK ||
        rt_fuzz_lockstep(q->machines[0], q->machines[1], &program, q->seed, &options, &result,
                         &diag) != SY_OK ||
        result.equal || !is_alike(result.difference, q->last.difference) ||
        (result.results[0].end == SIM_END_LIMIT && !q->may_be_cut_off)) {
        return false;
    }
    q->last = result;
    return true;
}

static sy_status write_text(const char *stem, const char *ending, const char *text, size_t n_bytes,
                            base_diag *diag)
{
    char path[600];
    snprintf(path, sizeof path, "%s%s", stem, ending);
    return base_file_write_atomic(diag, path, text, n_bytes);
}

static sy_status write_files(const char *stem, const isa_config *config, const fuzz_program *fuzz,
                             base_diag *diag)
{
    base_buf ini = {0};
    isa_config_print(config, &ini);
    sy_status status = base_buf_status(&ini);
    if (status == SY_OK) {
        status = write_text(stem, ".ini", ini.data, ini.n_bytes, diag);
    }
    base_buf_free(&ini);
    return status == SY_OK ? write_text(stem, ".s", fuzz->source, strlen(fuzz->source), diag)
                           : status;
}

/* How the minimal program is run by hand. */
static void print_commands(const char *stem, uint64_t seed, const question *q,
                           const shrink_case *minimal, base_buf *out)
{
    base_buf_printf(out,
                    "systole asm %s.min.s -c %s.ini -o %s.elf && systole cosim %s.elf -c %s.ini "
                    "--fill %" PRIu64,
                    stem, stem, stem, stem, stem, seed);
    const sim_run_options *run = &q->options.run;
    if (minimal->stall_max > 0 || run->ready_max > 0 || run->error_one_in > 0) {
        base_buf_printf(out, " --stalls %" PRIu64 ":%" PRIu32 ":%" PRIu32 ":%" PRIu32,
                        run->stall_seed, minimal->stall_max, run->ready_max, run->error_one_in);
    }
    if (q->may_be_cut_off) {
        base_buf_printf(out, " --max-cycles %" PRIu64, q->options.run.max_cycles);
    }
}

static sy_status shrink(const rt_fuzz_options *options, question *q, const fuzz_program *fuzz,
                        const char *stem, rt_fuzz_summary *summary, base_diag *diag)
{
    base_buf text = {0}, commands = {0};
    shrink_case minimal;
    base_arena *arena = base_arena_create();
    q->arena = base_arena_create();
    sy_status status = arena != NULL && q->arena != NULL
                           ? rt_shrink_from(arena, &fuzz->program, fuzz->stall_max, &minimal, diag)
                           : base_fail(diag, SY_ENOMEM, "out of memory");
    if (status == SY_OK) {
        const size_t n_before = minimal.n_text;
        const size_t n_tests = rt_shrink(arena, &minimal, differs, q, MAX_TESTS);
        rt_shrink_print(&minimal, &text);
        print_commands(stem, options->seed, q, &minimal, &commands);
        status = base_buf_status(&text);
        if (status == SY_OK) {
            status = write_text(stem, ".min.s", text.data, text.n_bytes, diag);
        }
        if (status == SY_OK && summary->minimal[0] == '\0') {
            snprintf(summary->minimal, sizeof summary->minimal, "%s", text.data);
            snprintf(summary->minimal_report, sizeof summary->minimal_report,
                     "shrunk in %zu runs from %zu to %zu instructions, which differ so:\n%s\n"
                     "  again: %s",
                     n_tests, n_before, minimal.n_text, q->last.difference,
                     commands.data != NULL ? commands.data : "");
        }
    }
    base_arena_destroy(q->arena);
    base_arena_destroy(arena);
    base_buf_free(&commands);
    base_buf_free(&text);
    return status;
}

sy_status rt_fuzz_report(const rt_fuzz_options *options, sim_machine *first, sim_machine *second,
                         uint64_t number, const fuzz_program *fuzz, const rt_cosim_result *result,
                         rt_fuzz_summary *summary, base_diag *diag)
{
    char stem[512];
    const isa_config *config = &first->config;
    const char *directory = options->directory != NULL ? options->directory : ".";
    snprintf(stem, sizeof stem, "%s/fuzz-%s-%" PRIu64 "-%" PRIu64, directory, config->name,
             options->seed, number);
    SY_TRY(write_files(stem, config, fuzz, diag));
    if (summary->first[0] == '\0') {
        snprintf(summary->first, sizeof summary->first,
                 "%s\n  program: %s, seed %" PRIu64 ", number %" PRIu64 ", stalls %" PRIu64
                 ":%" PRIu32 ", configuration %s\n  files: %s.s %s.ini\n  again: systole fuzz -c "
                 "%s.ini --seed %" PRIu64 " --first %" PRIu64 " --count 1%s",
                 result->difference, rt_fuzz_kind_name(fuzz->kind), options->seed, number,
                 fuzz->stall_seed, fuzz->stall_max, config->name, stem, stem, stem, options->seed,
                 number, options->portable ? " --portable" : "");
    }
    if (options->whole) {
        return SY_OK;
    }
    if (options->notice != NULL) {
        options->notice(options->notice_user, "the models differ; shrinking the program");
    }
    const bool is_cut_off = result->results[0].end == SIM_END_LIMIT;
    question q = {
        .machines = {first, second},
        .seed = options->seed,
        .options = {.run = {.max_cycles = is_cut_off ? fuzz->max_cycles
                                                     : result->results[0].cycles + SLACK_CYCLES,
                            .stall_seed = fuzz->stall_seed},
                    .dram_bytes = (uint64_t)RT_FUZZ_DRAM_MIB << 20},
        .may_be_cut_off = is_cut_off,
        .last = *result,
    };
    return shrink(options, &q, fuzz, stem, summary, diag);
}
