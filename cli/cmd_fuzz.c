/*
 * cmd_fuzz.c -- systole fuzz.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "systole/rt/fuzz.h"

const char help_fuzz[] =
    "usage: systole fuzz [-c CONFIG | --configs N] [--seed S] [--count N] [OPTION]...\n"
    "\n"
    "Runs random programs, valid and invalid, with random DRAM stalls, on the simulator and\n"
    "on the Verilog in lockstep. The first difference of a configuration is explained; its\n"
    "program (.s) and configuration (.ini) are written, and a minimal program (.min.s) with\n"
    "the commands that run it. Exit status 1 if there was any.\n"
    "\n"
    "  -c, --config CONFIG      one configuration (default: random ones). Its DRAM is cut to\n"
    "                           1 MiB, to be compared whole\n"
    "      --configs N          how many random configurations (default 5); each builds its\n"
    "                           Verilog first\n"
    "      --first-config N     number of the first of them (default 0)\n"
    "      --max-dim D          largest array of random configurations: 4, 8, ... 64\n"
    "                           (default 16)\n"
    "      --seed S             of everything random (default 1): the same seed gives the\n"
    "                           same programs everywhere\n"
    "      --config-seed S      of the random configurations (default: that of --seed); with\n"
    "                           another --seed it runs new programs on machines already built\n"
    "      --count N            programs for each configuration (default 40)\n"
    "      --first N            number of the first program (default 0)\n"
    "      --output-dir DIR     where the files of failures go (default: here)\n"
    "      --whole              do not shrink failing programs\n"
    "      --portable           compare the simulator's vector kernels with its portable ones\n"
    "                           instead of the Verilog\n"
    "      --coverage           print what the programs have exercised, by group: instructions,\n"
    "                           field values, errors, ..., and what they have not\n"
    "      --json               print JSON\n"
    "\n"
    "Examples:\n"
    "    systole fuzz --configs 5 --count 40\n"
    "    systole fuzz -c tiny --seed 7 --count 1000\n";

enum {
    CONFIGS = 1000,
    FIRST_CONFIG,
    MAX_DIM,
    SEED,
    CONFIG_SEED,
    COUNT,
    FIRST,
    OUTPUT_DIR,
    WHOLE,
    PORTABLE,
    COVERAGE,
    JSON
};

static bool progress(void *user, const isa_config *config, uint64_t done, uint64_t total,
                     uint64_t n_different)
{
    char extra[128];
    snprintf(extra, sizeof extra, "%s, %" PRIu64 " different", config->name, n_different);
    cli_progress_update(user, "fuzz", done, total, extra);
    return true;
}

/* The document was begun before the programs ran: coverage is its first member. */
static void print_json(const rt_fuzz_summary *s, base_json *document)
{
    base_json_key_u64(document, "configurations", s->n_configs);
    base_json_key_u64(document, "programs", s->n_programs);
    base_json_key_u64(document, "different", s->n_different);
    base_json_key_u64(document, "commands", s->n_commands);
    base_json_key_u64(document, "instructions", s->n_instructions);
    base_json_key_u64(document, "cycles", s->n_cycles);
    base_json_key(document, "ends");
    base_json_object_begin(document);
    for (sim_end end = SIM_END_DONE; end <= SIM_END_STOPPED; end++) {
        base_json_key_u64(document, rt_end_name(end), s->n_ends[end]);
    }
    base_json_object_end(document);
    base_json_key_string(document, "first_difference", s->first);
    base_json_key_string(document, "minimal_program", s->minimal);
    base_json_key_string(document, "minimal_report", s->minimal_report);
    base_json_object_end(document);
    cli_print_buf(document->out);
}

static void print_summary(const rt_fuzz_summary *s)
{
    if (s->first[0] != '\0') {
        printf("%s\n", s->first);
    }
    if (s->minimal[0] != '\0') {
        printf("%s\n%s\n", s->minimal_report, s->minimal);
    }
    printf("difference %" PRIu64 ": %" PRIu64 " programs on %" PRIu64 " configuration%s, %" PRIu64
           " commands, %" PRIu64 " instructions, %" PRIu64 " cycles (%" PRIu64 " done, %" PRIu64
           " errors, %" PRIu64 " deadlocks, %" PRIu64 " at the limit)\n",
           s->n_different, s->n_programs, s->n_configs, s->n_configs == 1 ? "" : "s", s->n_commands, s->n_instructions,
           s->n_cycles, s->n_ends[SIM_END_DONE], s->n_ends[SIM_END_ERROR],
           s->n_ends[SIM_END_DEADLOCK], s->n_ends[SIM_END_LIMIT]);
}

typedef struct args {
    rt_fuzz_options fuzz;
    isa_config config;
    base_buf coverage;
    bool want_coverage;
    bool has_config_seed;
    bool json;
} args;

static int take_option(args *a, int option)
{
    uint64_t number = 0;
    const char *text = optarg;
    const uint64_t any = UINT64_MAX;
    bool good = true;
    switch (option) {
    case 'c':
        a->fuzz.config = &a->config;
        return cli_load_config("fuzz", text, &a->config);
    case CONFIGS:
        good = cli_parse_u64("fuzz", "--configs", text, 1, 1000000, &a->fuzz.n_configs);
        break;
    case FIRST_CONFIG:
        good = cli_parse_u64("fuzz", "--first-config", text, 0, any, &a->fuzz.first_config);
        break;
    case MAX_DIM:
        good = cli_parse_u64("fuzz", "--max-dim", text, 4, 64, &number);
        a->fuzz.max_dim = (uint32_t)number;
        break;
    case SEED:
        good = cli_parse_u64("fuzz", "--seed", text, 0, any, &a->fuzz.seed);
        break;
    case CONFIG_SEED:
        good = cli_parse_u64("fuzz", "--config-seed", text, 0, any, &a->fuzz.config_seed);
        a->has_config_seed = true;
        break;
    case COUNT:
        good = cli_parse_u64("fuzz", "--count", text, 1, any, &a->fuzz.count);
        break;
    case FIRST:
        good = cli_parse_u64("fuzz", "--first", text, 0, any, &a->fuzz.first);
        break;
    case OUTPUT_DIR:
        a->fuzz.directory = text;
        break;
    case WHOLE:
        a->fuzz.whole = true;
        break;
    case PORTABLE:
        a->fuzz.portable = true;
        break;
    case COVERAGE:
        a->want_coverage = true;
        break;
    case JSON:
        a->json = true;
        break;
    default:
        return -1;
    }
    return good ? CLI_DONE : CLI_USAGE;
}

static int fuzz(args *a, base_json *document, cli_progress *bar)
{
    static rt_fuzz_summary summary;
    base_diag diag = {0};
    const sy_status status = rt_fuzz(&a->fuzz, &summary, &diag);
    cli_progress_end(bar);
    if (status != SY_OK) {
        return cli_fail("fuzz", &diag);
    }
    if (a->json) {
        print_json(&summary, document);
    } else {
        fputs(a->coverage.data != NULL ? a->coverage.data : "", stdout);
        print_summary(&summary);
    }
    return summary.n_different == 0
               ? CLI_DONE
               : cli_failf("fuzz", "the models differ on %" PRIu64 " of %" PRIu64 " programs",
                           summary.n_different, summary.n_programs);
}

int cmd_fuzz(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"configs", required_argument, NULL, CONFIGS},
                                            {"first-config", required_argument, NULL, FIRST_CONFIG},
                                            {"max-dim", required_argument, NULL, MAX_DIM},
                                            {"seed", required_argument, NULL, SEED},
                                            {"config-seed", required_argument, NULL, CONFIG_SEED},
                                            {"count", required_argument, NULL, COUNT},
                                            {"first", required_argument, NULL, FIRST},
                                            {"output-dir", required_argument, NULL, OUTPUT_DIR},
                                            {"whole", no_argument, NULL, WHOLE},
                                            {"portable", no_argument, NULL, PORTABLE},
                                            {"coverage", no_argument, NULL, COVERAGE},
                                            {"json", no_argument, NULL, JSON},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const cli_options spec = {"fuzz", help_fuzz, ":c:h", options};
    cli_progress bar = {0};
    static char name[] = "fuzz";
    args a = {.fuzz = {.seed = 1,
                       .count = 40,
                       .n_configs = 5,
                       .progress = progress,
                       .progress_user = &bar,
                       .notice = cli_notice,
                       .notice_user = name}};
    for (int option; (option = cli_next_option(&spec, argc, argv)) != -1;) {
        const int status = take_option(&a, option);
        if (status != CLI_DONE) {
            return status < 0 ? cli_option_exit(option) : status;
        }
    }
    if (optind != argc) {
        return cli_usage("fuzz", "unexpected '%s'", argv[optind]);
    }
    if (!a.has_config_seed) {
        a.fuzz.config_seed = a.fuzz.seed;
    }
    base_buf text = {0};
    base_json document = base_json_to(&text);
    if (a.json) {
        base_json_object_begin(&document);
        if (a.want_coverage) {
            base_json_key(&document, "coverage");
            a.fuzz.coverage_json = &document;
        }
    } else if (a.want_coverage) {
        a.fuzz.coverage = &a.coverage;
    }
    const int exit_status = fuzz(&a, &document, &bar);
    base_buf_free(&text);
    base_buf_free(&a.coverage);
    return exit_status;
}
