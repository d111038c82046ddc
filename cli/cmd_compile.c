/*
 * cmd_compile.c -- systole compile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <string.h>

#include "info.h"
#include "layers.h"
#include "model.h"
#include "systole/base/file.h"

const char help_compile[] =
    "usage: systole compile MODEL.onnx [-c CONFIG] [-o MODEL.elf] [OPTION]...\n"
    "\n"
    "Compiles a quantised model for a configuration of the machine: one ELF file with code,\n"
    "weights, and the model itself. Prints where each operator went and why, and the exact\n"
    "cycles of each layer: those of the finished program, from a run of the simulator without\n"
    "data. What the machine cannot do runs on the host, and the table says so. 'systole help\n"
    "profile' says what the columns mean.\n"
    "\n"
    "  -c, --config CONFIG      edge (default), train, tiny, ... or an .ini file\n"
    "  -o, --output FILE.elf    default: the model's name with .elf, in the current directory\n"
    "      --shape NAME=DIMS    a size that the model leaves open, e.g. image=8x3x224x224 or\n"
    "                           batch=8; may be repeated\n"
    "      --report FILE        write the report to a file as JSON\n"
    "      --dump-after PASS    write the graph after a pass to standard output\n"
    "                           (a wrong name lists the passes; 'all' for all)\n"
    "      --no-fallback        fail if any operator would run on the host, but for the\n"
    "                           conversions from and to float at the model's ends\n"
    "      --strip              leave the model out where the host needs nothing of it:\n"
    "                           smaller, but not for device cpu\n"
    "      --json               print the report as JSON\n"
    "\n"
    "Examples:\n"
    "    systole compile model.onnx -o model.elf && systole run model.elf\n"
    "    systole compile model.onnx -c my.ini --shape batch=8 --report report.json\n";

enum { OUTPUT = CLI_OWN, REPORT, DUMP_AFTER, STRIP };

typedef struct args {
    cli_model_args common;
    const char *path;
    const char *output;
    const char *report;
    cc_options options;
} args;

/* "dir/model.onnx" -> "model.elf". */
static const char *default_output(base_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return base_arena_printf(
        arena, "%.*s.elf", (int)(dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name)),
        name);
}

static void put_report(const args *a, base_arena *arena, const rt_model *model,
                       const rt_profile *profile, base_buf *text)
{
    base_json json = base_json_to(text);
    base_json_object_begin(&json);
    base_json_key_string(&json, "model", a->path);
    base_json_key_string(&json, "output", a->output);
    base_json_key_string(&json, "config", a->common.config.name);
    base_json_key_u64(&json, "cycles", profile->cycles);
    base_json_key_u64(&json, "macs", profile->macs);
    base_json_key_u64(&json, "roofline", profile->roofline);
    base_json_key_u64(&json, "text_bytes", model->program.n_text_bytes);
    base_json_key_u64(&json, "data_bytes", model->program.n_data_bytes);
    base_json_key(&json, "placements");
    cli_table_json(cli_placement_table(arena, &model->plan), &json);
    base_json_key(&json, "layers");
    cli_table_json(cli_layers_table(arena, profile), &json);
    base_json_object_end(&json);
    base_buf_putc(text, '\n');
}

static sy_status print_report(const args *a, base_arena *arena, rt_model *model, base_diag *diag)
{
    rt_session_options options = {.device = RT_DEVICE_SIM, .timing_only = true};
    rt_session *session = NULL;
    rt_profile profile;
    base_buf text = {0};
    sy_status status = rt_session_create(model, &options, &session, diag);
    if (status == SY_OK) {
        status = rt_profile_run(arena, session, NULL, NULL, &profile, diag);
    }
    if (status == SY_OK && (a->report != NULL || a->common.json)) {
        put_report(a, arena, model, &profile, &text);
        status = base_buf_status(&text);
    }
    if (status == SY_OK && a->report != NULL) {
        status = base_file_write_atomic(diag, a->report, text.data, text.n_bytes);
    }
    if (status == SY_OK && a->common.json) {
        cli_print_buf(&text);
    } else if (status == SY_OK) {
        printf("placement:\n");
        cli_table_print(cli_placement_table(arena, &model->plan), stdout);
        printf("\nlayers on '%s', exact cycles:\n", a->common.config.name);
        cli_table_print(cli_layers_table(arena, &profile), stdout);
        printf("\n%s: %" PRIu32 " bytes of code, %" PRIu32 " of data, %" PRIu64 " cycles\n",
               a->output, model->program.n_text_bytes, model->program.n_data_bytes, profile.cycles);
    }
    base_buf_free(&text);
    rt_session_free(session);
    return status;
}

static sy_status compile(args *a, rt_model *model, base_arena *arena, base_diag *diag)
{
    base_buf dump = {0};
    if (model->has_program) {
        return base_fail(diag, SY_EINVAL, "%s is compiled already", a->path);
    }
    if (a->output == NULL) {
        a->output = default_output(arena, a->path);
    }
    a->options.dump = &dump;
    const sy_status status = rt_model_compile(model, &a->common.config, &a->options, diag);
    cli_print_buf(&dump);
    base_buf_free(&dump);
    SY_TRY(status);
    SY_TRY(rt_model_save(model, a->output, diag));
    return print_report(a, arena, model, diag);
}

static int parse(args *a, int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"output", required_argument, NULL, 'o'},
                                            {"shape", required_argument, NULL, CLI_SHAPE},
                                            {"report", required_argument, NULL, REPORT},
                                            {"dump-after", required_argument, NULL, DUMP_AFTER},
                                            {"no-fallback", no_argument, NULL, CLI_NO_FALLBACK},
                                            {"strip", no_argument, NULL, STRIP},
                                            {"json", no_argument, NULL, CLI_JSON},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const cli_options spec = {"compile", help_compile, ":c:o:h", options};
    const char *config = NULL;
    for (int option; (option = cli_next_option(&spec, argc, argv)) != -1;) {
        switch (option) {
        case 'c':
            config = optarg;
            break;
        case 'o':
            a->output = optarg;
            break;
        case REPORT:
            a->report = optarg;
            break;
        case DUMP_AFTER:
            a->options.dump_after = optarg;
            break;
        case STRIP:
            a->options.strip = true;
            break;
        default: {
            const int status = cli_model_option(&a->common, option, optarg);
            if (status != CLI_DONE) {
                return 10 + (status < 0 ? cli_option_exit(option) : status);
            }
        }
        }
    }
    if (argc - optind != 1) {
        return 10 + cli_usage("compile", "expected one model, got %d", argc - optind);
    }
    a->path = argv[optind];
    a->options.no_fallback = a->common.session.no_fallback;
    const int status = cli_load_config("compile", config, &a->common.config);
    return status == CLI_DONE ? CLI_DONE : 10 + status;
}

int cmd_compile(int argc, char **argv)
{
    args a = {0};
    int exit_status = CLI_DONE;
    base_diag diag = {0};
    cli_model_args_init(&a.common, "compile");
    const int parsed = parse(&a, argc, argv);
    if (parsed != CLI_DONE) {
        return parsed - 10;
    }
    rt_model *model = cli_load_model(&a.common, a.path, &exit_status);
    if (model == NULL) {
        return exit_status;
    }
    base_arena *arena = base_arena_create();
    if (compile(&a, model, arena, &diag) != SY_OK) {
        exit_status = cli_fail("compile", &diag);
    }
    base_arena_destroy(arena);
    rt_model_free(model);
    return exit_status;
}
