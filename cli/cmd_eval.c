/*
 * cmd_eval.c -- systole eval.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <string.h>

#include "model.h"
#include "systole/rt/eval.h"

const char help_eval[] =
    "usage: systole eval MODEL --data SPEC [--device D | --devices D,D,...] [OPTION]...\n"
    "\n"
    "Runs a model over labelled samples: the share whose largest output is the label, and the\n"
    "cycles of the machine. With several devices, also the number of outputs that differ in\n"
    "any bit from the first device's; with --reference too, none may (else exit status 1).\n"
    "\n" CLI_DATA_HELP
    "      --device D           cpu (default), sim, rtl, or reference (cpu with the plain\n"
    "                           kernels)\n"
    "      --devices D,D,..     several of them\n"
    "      --limit N            the first N samples only\n" CLI_MODEL_HELP "\n"
    "The model has one input for the samples, with batch 1 (or an open batch), and one output\n"
    "of scores.\n"
    "\n"
    "Example:\n"
    "    F=/usr/share/datasets/fashion-mnist\n"
    "    systole eval model.elf --devices sim,cpu --reference --scale 0.00392156862745098 \\\n"
    "        --data idx:$F/t10k-images-idx3-ubyte.gz,$F/t10k-labels-idx1-ubyte.gz\n";

enum { DEVICE = CLI_OWN, DEVICES, LIMIT, MAX_DEVICES = 4 };

typedef struct args {
    cli_model_args common;
    const char *path;
    uint32_t n_devices;
    const char *names[MAX_DEVICES];
    rt_session_options sessions[MAX_DEVICES];
    uint64_t limit;
    cli_progress progress;
} args;

static bool parse_devices(args *a, char *list)
{
    a->n_devices = 0;
    char *rest = NULL;
    for (char *name = strtok_r(list, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
        if (a->n_devices == MAX_DEVICES) {
            cli_usage("eval", "more than %d devices", MAX_DEVICES);
            return false;
        }
        rt_session_options *session = &a->sessions[a->n_devices];
        if (!cli_parse_device("eval", name, &session->device, &session->reference)) {
            return false;
        }
        a->names[a->n_devices++] = name;
    }
    if (a->n_devices == 0) {
        cli_usage("eval", "no device given");
    }
    return a->n_devices > 0;
}

static bool progress(void *user, const char *device, uint64_t done, uint64_t total,
                     uint64_t n_right)
{
    args *a = user;
    char extra[64];
    snprintf(extra, sizeof extra, "%.2f %% right",
             done > 0 ? 100.0 * (double)n_right / (double)done : 0.0);
    cli_progress_update(&a->progress, device, done, total, extra);
    return true;
}

static void print_results(const args *a, base_arena *arena, const rt_eval_result *results)
{
    static const cli_column columns[] = {{"device", "device", CLI_LEFT},
                                         {"samples", "samples", CLI_RIGHT},
                                         {"right", "right", CLI_RIGHT},
                                         {"accuracy", "accuracy", CLI_RIGHT},
                                         {"different", "outputs that differ", CLI_RIGHT},
                                         {"cycles", "cycles each", CLI_RIGHT},
                                         {"seconds", "seconds", CLI_RIGHT},
                                         {"rate", "samples/s", CLI_RIGHT}};
    cli_table *table = cli_table_create(arena, columns, sizeof columns / sizeof columns[0]);
    for (uint32_t i = 0; i < a->n_devices; i++) {
        const rt_eval_result *r = &results[i];
        cli_table_cell(table, "%s", a->names[i]);
        cli_table_cell(table, "%" PRIu64, r->n_samples);
        cli_table_cell(table, "%" PRIu64, r->n_right);
        cli_table_cell(table, "%.2f %%",
                       r->n_labels > 0 ? 100.0 * (double)r->n_right / (double)r->n_labels : 0.0);
        cli_table_cell(table, "%" PRIu64, r->n_different);
        if (r->cycles > 0) {
            cli_table_cell(table, "%" PRIu64, r->cycles / r->n_samples);
        } else { /* the host has none */
            cli_table_cell(table, "%s", "");
        }
        cli_table_cell(table, "%.2f", r->seconds);
        cli_table_cell(table, "%.1f", r->seconds > 0 ? (double)r->n_samples / r->seconds : 0.0);
    }
    if (a->common.json) {
        base_buf text = {0};
        base_json json = base_json_to(&text);
        cli_table_json(table, &json);
        cli_print_buf(&text);
        base_buf_free(&text);
    } else {
        cli_table_print(table, stdout);
    }
}

static int parse(args *a, int argc, char **argv)
{
    static const struct option options[] = {CLI_MODEL_OPTIONS,
                                            CLI_DATA_OPTIONS,
                                            {"device", required_argument, NULL, DEVICE},
                                            {"devices", required_argument, NULL, DEVICES},
                                            {"limit", required_argument, NULL, LIMIT},
                                            {0}};
    static char default_device[] = "cpu";
    const cli_options spec = {"eval", help_eval, ":c:h", options};
    char *devices = default_device;
    for (int option; (option = cli_next_option(&spec, argc, argv)) != -1;) {
        int status = CLI_DONE;
        if (option == DEVICE || option == DEVICES) {
            devices = optarg;
        } else if (option == LIMIT) {
            status = cli_parse_u64("eval", "--limit", optarg, 1, UINT64_MAX, &a->limit) ? CLI_DONE
                                                                                        : CLI_USAGE;
        } else {
            status = cli_model_option(&a->common, option, optarg);
            status = status < 0 ? 10 + cli_option_exit(option) : status;
        }
        if (status != CLI_DONE) {
            return status >= 10 ? status : 10 + status;
        }
    }
    if (argc - optind != 1) {
        return 10 + cli_usage("eval", "expected one model, got %d", argc - optind);
    }
    if (a->common.data == NULL) {
        return 10 + cli_usage("eval", "--data is missing");
    }
    a->path = argv[optind];
    for (uint32_t i = 0; i < MAX_DEVICES; i++) {
        a->sessions[i] = a->common.session;
    }
    return parse_devices(a, devices) ? CLI_DONE : 10 + CLI_USAGE;
}

static sy_status evaluate(args *a, rt_model *model, base_arena *arena, base_diag *diag)
{
    rt_dataset *data = NULL;
    rt_eval_result results[MAX_DEVICES] = {0};
    SY_TRY(rt_dataset_open(a->common.data, &a->common.data_options, diag, &data));
    rt_eval_options options = {.limit = a->limit,
                               .n_sessions = a->n_devices,
                               .names = a->names,
                               .progress = progress,
                               .progress_user = a};
    rt_session *sessions[MAX_DEVICES] = {NULL};
    sy_status status = SY_OK;
    for (uint32_t i = 0; i < a->n_devices && status == SY_OK; i++) {
        status = rt_session_create(model, &a->sessions[i], &sessions[i], diag);
        if (status == SY_OK) {
            cli_print_note("eval", sessions[i]);
        }
    }
    if (status == SY_OK) {
        options.sessions = sessions;
        status = rt_eval(data, &options, results, diag);
        cli_progress_end(&a->progress);
    }
    if (status == SY_OK) {
        print_results(a, arena, results);
    }
    for (uint32_t i = 1; i < a->n_devices && status == SY_OK; i++) {
        if (results[i].n_different > 0 && a->common.session.reference) {
            status = base_fail(
                diag, SY_EMISMATCH, "%" PRIu64 " of %" PRIu64 " outputs differ between %s and %s",
                results[i].n_different, results[i].n_samples, a->names[0], a->names[i]);
        }
    }
    for (uint32_t i = 0; i < a->n_devices; i++) {
        rt_session_free(sessions[i]);
    }
    rt_dataset_close(data);
    return status;
}

int cmd_eval(int argc, char **argv)
{
    args a = {0};
    int exit_status = CLI_DONE;
    base_diag diag = {0};
    cli_model_args_init(&a.common, "eval");
    const int parsed = parse(&a, argc, argv);
    if (parsed != CLI_DONE) {
        return parsed - 10;
    }
    rt_model *model = cli_load_model(&a.common, a.path, &exit_status);
    if (model == NULL) {
        return exit_status;
    }
    base_arena *arena = base_arena_create();
    if (evaluate(&a, model, arena, &diag) != SY_OK) {
        exit_status = cli_fail("eval", &diag);
    }
    base_arena_destroy(arena);
    rt_model_free(model);
    return exit_status;
}
