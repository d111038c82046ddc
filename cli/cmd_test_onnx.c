/*
 * cmd_test_onnx.c -- systole test-onnx.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "model.h"
#include "systole/base/file.h"
#include "systole/rt/onnx_cases.h"

const char help_test_onnx[] =
    "usage: systole test-onnx DIR [--device cpu|sim] [--reference] [--json] [OPTION]...\n"
    "\n"
    "Runs conformance cases in the layout of ONNX's own tests: folders, in DIR or below it, with\n"
    "model.onnx and test_data_set_0/input_0.pb, ..., output_0.pb, ... A case passes if all\n"
    "outputs have the expected type, shape and values. Each runs in a process of its own: one\n"
    "that crashes or hangs fails, and the others go on.\n"
    "\n"
    "      --device D           cpu (default), or sim: what the machine can do runs there\n"
    "  -c, --config CONFIG      sim: edge (default), train, ..., or an .ini file\n"
    "      --reference          the plain kernels that judge all others\n"
    "      --filter TEXT        only cases whose path holds TEXT\n"
    "      --known FILE         failures that are known, a line each: 'name: reason'. They do\n"
    "                           not count, but one of them that passes does\n"
    "      --rtol X, --atol X   tolerances (default: ONNX's own, 1e-3 and 1e-7)\n"
    "      --timeout SECONDS    of one case (default 60)\n"
    "      --threads N          of the host (default: one per processor)\n"
    "      --in-process         no process of their own: for debuggers\n"
    "  -v, --verbose            print the cases that pass, too\n"
    "      --json               {\"cases\": [{\"name\", \"status\": pass|fail|skip, \"reason\"}, ...], ...}\n"
    "\n"
    "Exit status 0: nothing failed (but for what --known names); 1: something did.\n"
    "\n"
    "Example:\n"
    "    systole test-onnx /usr/share/libonnx-testdata/data --reference\n";

enum { DEVICE = 1000, REFERENCE, FILTER, KNOWN, RTOL, ATOL, TIMEOUT, THREADS, IN_PROCESS, JSON };

typedef struct known {
    const char *name, *reason;
    bool met;
} known;

typedef struct args {
    base_arena *arena;
    rt_case_options options;
    isa_config config;
    const char *config_name, *filter, *known_path;
    bool json, verbose;
    known *known;
    size_t n_known;
    base_buf text;
    base_json out;
    uint32_t counts[3], n_known_failures, n_surprises;
} args;

static const char *const status_words[] = {[RT_CASE_PASS] = "pass", [RT_CASE_FAIL] = "fail", [RT_CASE_SKIP] = "skip"};

/* The name a case goes by: the last part of its path. */
static const char *case_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

/* ---------------------------------------------------------------- known failures */

static int read_known(args *a)
{
    base_diag diag = {0};
    base_buf file = {0};
    if (base_file_read(&diag, a->known_path, (size_t)1 << 24, &file) != SY_OK) {
        return cli_fail("test-onnx", &diag);
    }
    char *text = base_arena_strdup(a->arena, file.data != NULL ? file.data : "");
    size_t n_lines = 1;
    for (const char *p = text; p != NULL && *p != '\0'; p++) {
        n_lines += *p == '\n';
    }
    base_buf_free(&file);
    a->known = BASE_ARENA_ARRAY(a->arena, known, n_lines);
    if (text == NULL || a->known == NULL) {
        return cli_failf("test-onnx", "out of memory");
    }
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char *colon = strchr(line, ':');
        if (line[0] == '#') {
            continue;
        }
        if (colon == NULL || colon == line || colon[1 + strspn(colon + 1, " ")] == '\0') {
            return cli_failf("test-onnx", "%s: '%s': expected 'name: reason'", a->known_path, line);
        }
        *colon = '\0';
        a->known[a->n_known++] = (known){.name = line, .reason = colon + 1 + strspn(colon + 1, " ")};
    }
    return CLI_DONE;
}

static known *find_known(const args *a, const char *name)
{
    for (size_t i = 0; i < a->n_known; i++) {
        if (strcmp(a->known[i].name, name) == 0) {
            return &a->known[i];
        }
    }
    return NULL;
}

/* ---------------------------------------------------------------- the run */

static void print_case(args *a, const char *name, const rt_case_result *r, const known *k)
{
    const bool passed = r->status == RT_CASE_PASS;
    const char *surprise = k != NULL && passed ? "is known to fail, but passes" : NULL;
    if (a->json) {
        base_json_object_begin(&a->out);
        base_json_key_string(&a->out, "name", name);
        base_json_key_string(&a->out, "status", status_words[r->status]);
        base_json_key_string(&a->out, "reason", r->reason);
        if (k != NULL) {
            base_json_key_string(&a->out, "known", k->reason);
        }
        base_json_object_end(&a->out);
    } else if (surprise != NULL) {
        printf("pass  %s: %s\n", name, surprise);
    } else if (!passed || a->verbose) {
        printf("%s  %s%s%s%s%s%s\n", k != NULL ? "known" : status_words[r->status], name,
               r->reason[0] != '\0' ? ": " : "", r->reason, k != NULL ? " (" : "",
               k != NULL ? k->reason : "", k != NULL ? ")" : "");
    }
}

static int run_cases(args *a, const char *folder)
{
    const char *const *cases = NULL;
    size_t n_cases = 0, n_run = 0;
    base_diag diag = {0};
    cli_progress progress = {0};
    if (rt_cases_find(folder, a->arena, &cases, &n_cases, &diag) != SY_OK) {
        return cli_fail("test-onnx", &diag);
    }
    a->out = base_json_to(&a->text);
    if (a->json) {
        base_json_object_begin(&a->out);
        base_json_key(&a->out, "cases");
        base_json_array_begin(&a->out);
    }
    for (size_t i = 0; i < n_cases; i++) {
        if (a->filter != NULL && strstr(cases[i], a->filter) == NULL) {
            continue;
        }
        rt_case_result result;
        known *k = find_known(a, case_name(cases[i]));
        rt_case_run(cases[i], &a->options, &result);
        a->counts[result.status]++;
        n_run++;
        if (k != NULL) {
            k->met = true;
            a->n_known_failures += result.status != RT_CASE_PASS;
            a->n_surprises += result.status == RT_CASE_PASS;
        }
        print_case(a, case_name(cases[i]), &result, k);
        cli_progress_update(&progress, "cases", i + 1, n_cases, "");
    }
    cli_progress_end(&progress);
    if (n_run == 0) {
        return cli_failf("test-onnx", "%s: none of %zu cases holds '%s'", folder, n_cases, a->filter);
    }
    return CLI_DONE;
}

static int report(args *a)
{
    const uint32_t n_bad = a->counts[RT_CASE_FAIL] + a->counts[RT_CASE_SKIP] - a->n_known_failures;
    const uint32_t n = a->counts[RT_CASE_PASS] + a->counts[RT_CASE_FAIL] + a->counts[RT_CASE_SKIP];
    if (a->json) {
        base_json_array_end(&a->out);
        base_json_key_u64(&a->out, "pass", a->counts[RT_CASE_PASS]);
        base_json_key_u64(&a->out, "fail", a->counts[RT_CASE_FAIL]);
        base_json_key_u64(&a->out, "skip", a->counts[RT_CASE_SKIP]);
        base_json_key_u64(&a->out, "known", a->n_known_failures);
        base_json_object_end(&a->out);
        cli_print_buf(&a->text);
    } else {
        printf("%u of %u cases pass (%.1f %%), %u fail, %u skipped", a->counts[RT_CASE_PASS], n,
               100.0 * a->counts[RT_CASE_PASS] / n, a->counts[RT_CASE_FAIL],
               a->counts[RT_CASE_SKIP]);
        if (a->known_path != NULL) {
            printf("; %u of these are known", a->n_known_failures);
        }
        puts("");
    }
    base_buf_free(&a->text);
    return n_bad > 0 || a->n_surprises > 0 ? CLI_FAILED : CLI_DONE;
}

static bool parse_double(const char *option, const char *text, double *out)
{
    char *end = NULL;
    *out = strtod(text, &end);
    if (end == text || *end != '\0' || !(*out >= 0) || *out > 1e300) {
        (void)cli_usage("test-onnx", "%s: expected a number of at least 0, got '%s'", option, text);
        return false;
    }
    return true;
}

static bool apply(args *a, int option)
{
    uint64_t number = 0;
    bool reference = false;
    switch (option) {
    case 'c':
        a->config_name = optarg;
        return true;
    case 'v':
        a->verbose = true;
        return true;
    case DEVICE:
        if (!cli_parse_device("test-onnx", optarg, &a->options.session.device, &reference)) {
            return false;
        }
        a->options.session.reference = a->options.session.reference || reference;
        return true;
    case REFERENCE:
        a->options.session.reference = true;
        return true;
    case FILTER:
        a->filter = optarg;
        return true;
    case KNOWN:
        a->known_path = optarg;
        return true;
    case RTOL:
        return parse_double("--rtol", optarg, &a->options.relative);
    case ATOL:
        return parse_double("--atol", optarg, &a->options.absolute);
    case TIMEOUT:
        if (!cli_parse_u64("test-onnx", "--timeout", optarg, 1, 86400, &number)) {
            return false;
        }
        a->options.seconds = (uint32_t)number;
        return true;
    case THREADS:
        if (!cli_parse_u64("test-onnx", "--threads", optarg, 1, 1024, &number)) {
            return false;
        }
        a->options.session.n_threads = (uint32_t)number;
        return true;
    case IN_PROCESS:
        a->options.in_process = true;
        return true;
    case JSON:
        a->json = true;
        return true;
    default:
        return false;
    }
}

static int run(args *a, int argc, char **argv)
{
    static const struct option options[] = {{"device", required_argument, NULL, DEVICE},
                                            {"config", required_argument, NULL, 'c'},
                                            {"reference", no_argument, NULL, REFERENCE},
                                            {"filter", required_argument, NULL, FILTER},
                                            {"known", required_argument, NULL, KNOWN},
                                            {"rtol", required_argument, NULL, RTOL},
                                            {"atol", required_argument, NULL, ATOL},
                                            {"timeout", required_argument, NULL, TIMEOUT},
                                            {"threads", required_argument, NULL, THREADS},
                                            {"in-process", no_argument, NULL, IN_PROCESS},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"json", no_argument, NULL, JSON},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const cli_options spec = {"test-onnx", help_test_onnx, ":c:vh", options};
    for (int option; (option = cli_next_option(&spec, argc, argv)) != -1;) {
        if (option == 'h' || option == '?') {
            return cli_option_exit(option);
        }
        if (!apply(a, option)) {
            return CLI_USAGE;
        }
    }
    if (argc - optind != 1) {
        return cli_usage("test-onnx", "expected one folder, got %d", argc - optind);
    }
    int status = CLI_DONE;
    if (a->options.session.device != RT_DEVICE_CPU) {
        status = cli_load_config("test-onnx", a->config_name, &a->config);
        a->options.session.config = &a->config;
    } else if (a->config_name != NULL) {
        return cli_usage("test-onnx", "-c is for --device sim");
    }
    if (status == CLI_DONE && a->known_path != NULL) {
        status = read_known(a);
    }
    status = status == CLI_DONE ? run_cases(a, argv[optind]) : status;
    return status == CLI_DONE ? report(a) : status;
}

int cmd_test_onnx(int argc, char **argv)
{
    args a = {.arena = base_arena_create()};
    if (a.arena == NULL) {
        return cli_failf("test-onnx", "out of memory");
    }
    const int status = run(&a, argc, argv);
    base_buf_free(&a.text);
    base_arena_destroy(a.arena);
    return status;
}
