/*
 * cmd_run.c -- systole run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "layers.h"
#include "model.h"
#include "systole/base/file.h"
#include "systole/isa/isa.h"
#include "systole/rt/npy.h"

const char help_run[] =
    "usage: systole run MODEL.onnx|MODEL.elf|PROGRAM.elf [--device cpu|sim|rtl] [OPTION]...\n"
    "       systole run --bare PROGRAM.elf... [--device sim|rtl] [--signature FILE] [OPTION]...\n"
    "\n"
    "Runs a model, or a plain program for the machine, and prints its outputs and cycles.\n"
    "\n"
    "      --device D           cpu: the host; sim: the cycle-exact simulator; rtl: the\n"
    "                           Verilog. Default: sim for .elf, cpu for .onnx. An ONNX model\n"
    "                           is compiled in memory for sim and rtl.\n" CLI_MODEL_HELP
    "      --output-dir DIR     write each output to DIR/NAME.npy\n"
    "      --save-all DIR       write every tensor that the host sees to DIR/NAME.npy\n"
    "      --stats FILE.json    write cycles, counters and times\n"
    "      --repeat N           run N times and print the 50th, 90th and 99th percentile of\n"
    "                           the time\n"
    "      --timing-only        sim: exact cycles without computing data\n"
    "      --check              sim: report races, semaphores out of balance, rows read before\n"
    "                           they are written, and bytes that a run of one command after the\n"
    "                           other leaves different; exit status 1 if there are any\n"
    "      --bare               bare-metal rv32im programs of any toolchain, one after the\n"
    "                           other; docs/user/bare.md\n"
    "      --signature FILE     --bare: write the words from begin_signature to end_signature\n"
    "                           to a file, a line of 8 hexadecimal digits each\n"
    "\n"
    "A run of the machine that ends in an error, a deadlock or a nonzero exit code gives one\n"
    "line that says why, and exit status 1.\n"
    "\n"
    "Examples:\n"
    "    systole run model.onnx --input image=cat.npy\n"
    "    systole run model.onnx --device sim -c edge --reference --output-dir out\n"
    "    systole run model.elf --timing-only --stats stats.json\n"
    "    systole run program.elf --device rtl -c tiny\n"
    "    systole run --bare rv32ui-p-add --device rtl\n"
    "    systole run model.elf --check\n";

enum {
    DEVICE = CLI_OWN,
    OUTPUT_DIR,
    SAVE_ALL,
    STATS,
    REPEAT,
    TIMING_ONLY,
    CHECK,
    BARE,
    SIGNATURE
};

typedef struct args {
    cli_model_args common;
    bool device_given;
    const char *path;
    const char *output_dir;
    const char *save_dir;
    const char *stats;
    const char *signature;
    bool bare;
    uint64_t repeat;
} args;

typedef struct save_to {
    base_arena *arena;
    const char *directory;
    base_diag *diag;
} save_to;

static sy_status save_tensor(void *user, const char *name, const ir_tensor *tensor)
{
    const save_to *to = user;
    const char *path = cli_tensor_path(to->arena, to->directory, name);
    return path != NULL ? rt_npy_write(path, tensor, to->diag) : SY_ENOMEM;
}

static int compare_times(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static sy_status write_stats(const args *a, rt_session *session, base_diag *diag)
{
    const rt_stats *stats = rt_session_stats(session);
    base_buf text = {0};
    base_json json = base_json_to(&text);
    base_json_object_begin(&json);
    base_json_key_string(&json, "model", a->path);
    base_json_key_string(&json, "device", cli_device_name(rt_session_device(session)));
    base_json_key_double(&json, "seconds", stats->seconds);
    base_json_key_u64(&json, "cycles", stats->cycles);
    base_json_key_u64(&json, "instructions", stats->retired);
    base_json_key(&json, "steps");
    base_json_array_begin(&json);
    for (uint32_t i = 0; i < stats->n_steps; i++) {
        const rt_step_stats *step = &stats->steps[i];
        base_json_object_begin(&json);
        base_json_key_string(&json, "name", step->name);
        base_json_key_string(&json, "where", step->on_device ? "device" : "host");
        base_json_key_double(&json, "seconds", step->seconds);
        if (step->on_device) {
            base_json_key_string(&json, "end", rt_end_name(step->result.end));
            base_json_key_u64(&json, "exit_code", step->result.exit_code);
            base_json_key_u64(&json, "cycles", step->result.cycles);
        }
        base_json_object_end(&json);
    }
    base_json_array_end(&json);
    base_json_key(&json, "counters");
    base_json_object_begin(&json);
    for (unsigned unit = 0; unit < SIM_N_UNITS && stats->cycles > 0; unit++) {
        base_json_key(&json, isa_unit_name(unit));
        base_json_object_begin(&json);
        for (unsigned cause = 0; cause < SIM_N_CAUSES; cause++) {
            base_json_key_u64(&json, isa_counter_name(cause), stats->counters[unit][cause]);
        }
        base_json_object_end(&json);
    }
    base_json_object_end(&json);
    if (rt_session_machine(session) != NULL) {
        cli_dram_json(&rt_session_machine(session)->config, &stats->dram, stats->cycles, &json);
    }
    base_json_object_end(&json);
    base_buf_putc(&text, '\n');
    sy_status status = base_buf_status(&text);
    if (status == SY_OK) {
        status = base_file_write_atomic(diag, a->stats, text.data, text.n_bytes);
    }
    base_buf_free(&text);
    return status;
}

/* The time below which a share of the sorted times lies. */
static double percentile(const args *a, const double *sorted, uint64_t percent)
{
    return sorted[(a->repeat - 1) * percent / 100];
}

static void print_result(const args *a, base_arena *arena, const rt_session *session,
                         const ir_tensor *outputs, const double *sorted)
{
    const rt_model *model = rt_session_model(session);
    const rt_stats *stats = rt_session_stats(session);
    const bool have_outputs = !a->common.session.timing_only && rt_model_n_outputs(model) > 0;
    cli_table *table = have_outputs ? cli_outputs_table(arena, model, outputs) : NULL;
    if (a->common.json) {
        base_buf text = {0};
        base_json json = base_json_to(&text);
        base_json_object_begin(&json);
        base_json_key_string(&json, "device", cli_device_name(rt_session_device(session)));
        base_json_key_u64(&json, "cycles", stats->cycles);
        base_json_key_double(&json, "seconds", stats->seconds);
        if (a->repeat > 1) {
            base_json_key_u64(&json, "runs", a->repeat);
            base_json_key_double(&json, "p50_seconds", percentile(a, sorted, 50));
            base_json_key_double(&json, "p90_seconds", percentile(a, sorted, 90));
            base_json_key_double(&json, "p99_seconds", percentile(a, sorted, 99));
        }
        if (table != NULL) {
            base_json_key(&json, "outputs");
            cli_table_json(table, &json);
        }
        if (rt_session_check(session) != NULL) {
            base_json_key(&json, "check");
            rt_check_json(rt_session_check(session), &json);
        }
        base_json_object_end(&json);
        cli_print_buf(&text);
        base_buf_free(&text);
        return;
    }
    if (table != NULL) {
        cli_table_print(table, stdout);
    }
    printf("%s: ", cli_device_name(rt_session_device(session)));
    if (rt_session_device(session) != RT_DEVICE_CPU) {
        printf("%" PRIu64 " cycles, %" PRIu64 " instructions, ", stats->cycles, stats->retired);
    }
    printf("%.3f ms on this host\n", 1e3 * stats->seconds);
    if (a->repeat > 1) {
        printf("%" PRIu64 " runs: p50 %.3f ms, p90 %.3f ms, p99 %.3f ms\n", a->repeat,
               1e3 * percentile(a, sorted, 50), 1e3 * percentile(a, sorted, 90),
               1e3 * percentile(a, sorted, 99));
    }
}

static sy_status run_all(const args *a, base_arena *arena, rt_session *session,
                         const ir_tensor **inputs, ir_tensor *output_tensors, ir_tensor **outputs,
                         base_diag *diag)
{
    const rt_model *model = rt_session_model(session);
    save_to to = {.arena = arena, .directory = a->save_dir, .diag = diag};
    const rt_run_options run = {.save = a->save_dir != NULL ? save_tensor : NULL, .save_user = &to};
    double *times = BASE_ARENA_ARRAY(arena, double, a->repeat);
    cli_progress progress = {0};
    if (times == NULL) {
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    for (uint64_t i = 0; i < a->repeat; i++) {
        const sy_status status = rt_session_run(session, inputs, outputs, &run, diag);
        if (status != SY_OK) {
            cli_progress_end(&progress);
            return status;
        }
        times[i] = rt_session_stats(session)->seconds;
        cli_progress_update(&progress, "run", i + 1, a->repeat, NULL);
    }
    cli_progress_end(&progress);
    qsort(times, a->repeat, sizeof *times, compare_times);
    print_result(a, arena, session, output_tensors, times);
    for (uint32_t i = 0; a->output_dir != NULL && i < rt_model_n_outputs(model); i++) {
        const char *path = cli_tensor_path(arena, a->output_dir, rt_model_output(model, i).name);
        SY_TRY(path != NULL ? rt_npy_write(path, &output_tensors[i], diag) : SY_ENOMEM);
    }
    return SY_OK;
}

/* The findings of checked runs: SY_EMISMATCH if there are errors among them. status: of the run. */
static sy_status report_check(const args *a, const rt_session *session, sy_status status, base_diag *diag)
{
    const rt_check *check = session != NULL ? rt_session_check(session) : NULL;
    if (check == NULL) {
        return status;
    }
    base_buf text = {0};
    if (!a->common.json) {
        rt_check_print(check, &text);
        fputs(text.data != NULL ? text.data : "", stdout);
    } else if (status != SY_OK) { /* else it is part of the result */
        base_json json = base_json_to(&text);
        rt_check_json(check, &json);
        cli_print_buf(&text);
    }
    base_buf_free(&text);
    const uint64_t n = rt_check_n_errors(check);
    if (status == SY_OK && n > 0) {
        return base_fail(diag, SY_EMISMATCH, "the check has found %" PRIu64 " errors", n);
    }
    return status;
}

static sy_status run_model(args *a, rt_model *model, base_arena *arena, base_diag *diag)
{
    rt_session *session = NULL;
    ir_tensor *inputs = NULL;
    ir_tensor *outputs = NULL;
    const ir_tensor **input_pointers;
    ir_tensor **output_pointers;
    const uint32_t n_inputs = rt_model_n_inputs(model);
    const uint32_t n_outputs = rt_model_n_outputs(model);
    if (a->output_dir != NULL) {
        SY_TRY(cli_make_directory(a->output_dir, diag));
    }
    if (a->save_dir != NULL) {
        SY_TRY(cli_make_directory(a->save_dir, diag));
    }
    SY_TRY(cli_make_inputs(&a->common, model, arena, &inputs, &input_pointers, diag));
    sy_status status = cli_make_outputs(model, arena, &outputs, &output_pointers, diag);
    if (status == SY_OK) {
        status = rt_session_create(model, &a->common.session, &session, diag);
    }
    if (status == SY_OK) {
        cli_print_note("run", session);
        status = run_all(a, arena, session, input_pointers, outputs, output_pointers, diag);
        status = report_check(a, session, status, diag);
        if (a->stats != NULL && (status == SY_OK || rt_session_stats(session)->cycles > 0)) {
            base_diag other = {0};
            const sy_status written = write_stats(a, session, status == SY_OK ? diag : &other);
            status = status == SY_OK ? written : status;
        }
    }
    cli_free_tensors(n_inputs, inputs);
    cli_free_tensors(n_outputs, outputs);
    rt_session_free(session);
    return status;
}

static int parse(args *a, int argc, char **argv)
{
    static const struct option options[] = {CLI_MODEL_OPTIONS,
                                            {"device", required_argument, NULL, DEVICE},
                                            {"output-dir", required_argument, NULL, OUTPUT_DIR},
                                            {"save-all", required_argument, NULL, SAVE_ALL},
                                            {"stats", required_argument, NULL, STATS},
                                            {"repeat", required_argument, NULL, REPEAT},
                                            {"timing-only", no_argument, NULL, TIMING_ONLY},
                                            {"check", no_argument, NULL, CHECK},
                                            {"bare", no_argument, NULL, BARE},
                                            {"signature", required_argument, NULL, SIGNATURE},
                                            {0}};
    const cli_options spec = {"run", help_run, ":c:h", options};
    for (int option; (option = cli_next_option(&spec, argc, argv)) != -1;) {
        int status = CLI_DONE;
        switch (option) {
        case DEVICE:
            a->device_given = true;
            status = cli_parse_device("run", optarg, &a->common.session.device,
                                      &a->common.session.reference)
                         ? CLI_DONE
                         : CLI_USAGE;
            break;
        case OUTPUT_DIR:
            a->output_dir = optarg;
            break;
        case SAVE_ALL:
            a->save_dir = optarg;
            break;
        case STATS:
            a->stats = optarg;
            break;
        case REPEAT:
            status = cli_parse_u64("run", "--repeat", optarg, 1, 10000000, &a->repeat) ? CLI_DONE
                                                                                       : CLI_USAGE;
            break;
        case BARE:
            a->bare = true;
            break;
        case SIGNATURE:
            a->signature = optarg;
            break;
        case TIMING_ONLY:
            a->common.session.timing_only = true;
            break;
        case CHECK:
            a->common.session.check = true;
            break;
        default:
            status = cli_model_option(&a->common, option, optarg);
            if (status < 0) {
                return 10 + cli_option_exit(option);
            }
        }
        if (status != CLI_DONE) {
            return 10 + status;
        }
    }
    if (argc - optind != 1 && !(a->bare && argc - optind > 1)) {
        return 10 + cli_usage("run", "expected one model or program, got %d", argc - optind);
    }
    a->path = argv[optind];
    return CLI_DONE;
}

int cmd_run(int argc, char **argv)
{
    args a = {.repeat = 1};
    int exit_status = CLI_DONE;
    base_diag diag = {0};
    cli_model_args_init(&a.common, "run");
    const int parsed = parse(&a, argc, argv);
    if (parsed != CLI_DONE) {
        return parsed - 10;
    }
    if (a.signature != NULL && !a.bare) {
        return cli_usage("run", "--signature is for --bare");
    }
    if (a.bare && a.device_given && a.common.session.device == RT_DEVICE_CPU) {
        return cli_usage("run", "--bare is for devices sim and rtl");
    }
    if (a.signature != NULL && argc - optind > 1) {
        return cli_usage("run", "--signature is for one program, got %d", argc - optind);
    }
    if (a.bare) {
        return cli_run_bare(&a.common, argv + optind, argc - optind, a.signature);
    }
    rt_model *model = cli_load_model(&a.common, a.path, &exit_status);
    if (model == NULL) {
        return exit_status;
    }
    if (!a.device_given && (model->has_program || a.common.session.timing_only || a.common.session.check)) {
        a.common.session.device = RT_DEVICE_SIM;
    }
    base_arena *arena = base_arena_create();
    const bool is_sim = a.common.session.device == RT_DEVICE_SIM;
    if (a.common.session.check && (!is_sim || a.common.session.timing_only)) {
        exit_status = cli_usage("run", "--check is for device sim, with data");
    } else if (a.common.session.timing_only && a.common.session.device == RT_DEVICE_CPU) {
        exit_status = cli_usage("run", "--timing-only is for device sim");
    } else if (run_model(&a, model, arena, &diag) != SY_OK) {
        exit_status = cli_fail("run", &diag);
    }
    base_arena_destroy(arena);
    rt_model_free(model);
    return exit_status;
}
