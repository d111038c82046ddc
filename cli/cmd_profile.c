/*
 * cmd_profile.c -- systole profile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>

#include "layers.h"
#include "model.h"
#include "systole/base/file.h"

const char help_profile[] =
    "usage: systole profile MODEL.elf|MODEL.onnx|PROGRAM.elf [--trace FILE.json] [OPTION]...\n"
    "\n"
    "Runs a model on the simulator and says where its cycles went.\n"
    "\n"
    "By layer: cycles from the first command's start to the last one's end (layers overlap:\n"
    "the next one's weights are loaded under this one); 'adds', by how much the layer moved\n"
    "the end of the run (these sum to the run); the roofline, which is max(MACs / D^2, weight\n"
    "rows, compulsory DRAM bytes / width), as a share of what it added; and in how much of\n"
    "its time each unit had a command in flight. By unit: what each cycle was spent on; the\n"
    "causes sum to 100 %. DRAM: bytes moved and the bandwidth reached; with banks, accesses\n"
    "to rows that were open (hits), to closed banks (misses) and with another row open.\n"
    "\n"
    "      --device D           sim (default) or rtl\n"
    "      --trace FILE.json    one track per unit, one slice per command, for\n"
    "                           ui.perfetto.dev; 1 cycle is drawn as 1 us\n"
    "      --data-run           compute data too (default: exact cycles without "
    "data)\n" CLI_MODEL_HELP "\n"
    "Examples:\n"
    "    systole profile model.elf\n"
    "    systole profile model.onnx -c edge --trace trace.json\n"
    "    systole profile model.elf --json | jq '.layers[] | select(.utilisation < 50)'\n";

enum { DEVICE = CLI_OWN, TRACE, DATA_RUN };

static void print_json(base_arena *arena, const rt_model *model, const isa_config *config,
                       const rt_profile *profile)
{
    base_buf text = {0};
    base_json json = base_json_to(&text);
    base_json_object_begin(&json);
    base_json_key_string(&json, "model", model->path);
    base_json_key_u64(&json, "cycles", profile->cycles);
    base_json_key_u64(&json, "macs", profile->macs);
    base_json_key_u64(&json, "roofline", profile->roofline);
    base_json_key(&json, "layers");
    cli_table_json(cli_layers_table(arena, profile), &json);
    base_json_key_u64(&json, "before", profile->before);
    base_json_key_u64(&json, "after", profile->after);
    base_json_key(&json, "stalls");
    cli_table_json(cli_stalls_table(arena, profile), &json);
    cli_dram_json(config, &profile->dram, profile->cycles, &json);
    base_json_object_end(&json);
    cli_print_buf(&text);
    base_buf_free(&text);
}

static void print_text(base_arena *arena, const isa_config *config, const rt_profile *profile)
{
    cli_table_print(cli_layers_table(arena, profile), stdout);
    printf("\n%" PRIu64 " cycles: %" PRIu64 " before the first command, %" PRIu64
           " after the last one's end\n\n",
           profile->cycles, profile->before, profile->after);
    cli_table_print(cli_stalls_table(arena, profile), stdout);
    cli_dram_print(config, &profile->dram, profile->cycles);
    for (unsigned i = 0; i < SIM_N_CAUSES; i++) {
        static const char *const texts[] = {
#define K(name, number, summary) #name ": " summary,
#include "systole/isa/tables.h"
        };
        printf("%s  %s\n", i == 0 ? "\n" : "", texts[i]);
    }
}

static sy_status write_trace(const char *path, const rt_profile *profile, const char *title,
                             base_diag *diag)
{
    base_buf text = {0};
    sy_status status = rt_profile_trace(profile, title, &text);
    if (status == SY_OK) {
        status = base_file_write_atomic(diag, path, text.data, text.n_bytes);
    }
    base_buf_free(&text);
    return status;
}

static sy_status profile_model(const cli_model_args *args, rt_model *model, const char *trace,
                               base_arena *arena, base_diag *diag)
{
    rt_session *session = NULL;
    ir_tensor *inputs = NULL;
    ir_tensor *outputs = NULL;
    const ir_tensor **input_pointers = NULL;
    ir_tensor **output_pointers = NULL;
    rt_profile profile;
    SY_TRY(rt_session_create(model, &args->session, &session, diag));
    cli_print_note(args->command, session);
    sy_status status = SY_OK;
    if (!args->session.timing_only) {
        status = cli_make_inputs(args, model, arena, &inputs, &input_pointers, diag);
    }
    if (status == SY_OK) {
        status = cli_make_outputs(model, arena, &outputs, &output_pointers, diag);
    }
    if (status == SY_OK) {
        status = rt_profile_run(arena, session, input_pointers, output_pointers, &profile, diag);
    }
    if (status == SY_OK) {
        if (args->json) {
            print_json(arena, model, &rt_session_machine(session)->config, &profile);
        } else {
            print_text(arena, &rt_session_machine(session)->config, &profile);
        }
        status = trace != NULL ? write_trace(trace, &profile, model->path, diag) : SY_OK;
    }
    cli_free_tensors(rt_model_n_inputs(model), inputs);
    cli_free_tensors(rt_model_n_outputs(model), outputs);
    rt_session_free(session);
    return status;
}

int cmd_profile(int argc, char **argv)
{
    static const struct option options[] = {CLI_MODEL_OPTIONS,
                                            {"device", required_argument, NULL, DEVICE},
                                            {"trace", required_argument, NULL, TRACE},
                                            {"data-run", no_argument, NULL, DATA_RUN},
                                            {0}};
    const cli_options spec = {"profile", help_profile, ":c:h", options};
    cli_model_args args;
    const char *trace = NULL;
    bool data_run = false;
    int exit_status = CLI_DONE;
    base_diag diag = {0};
    cli_model_args_init(&args, "profile");
    args.session.device = RT_DEVICE_SIM;
    for (int option; (option = cli_next_option(&spec, argc, argv)) != -1;) {
        int status = CLI_DONE;
        if (option == DEVICE) {
            status = cli_parse_device("profile", optarg, &args.session.device, NULL) ? CLI_DONE
                                                                                     : CLI_USAGE;
        } else if (option == TRACE) {
            trace = optarg;
        } else if (option == DATA_RUN) {
            data_run = true;
        } else {
            status = cli_model_option(&args, option, optarg);
            if (status < 0) {
                return cli_option_exit(option);
            }
        }
        if (status != CLI_DONE) {
            return status;
        }
    }
    if (argc - optind != 1) {
        return cli_usage("profile", "expected one model, got %d", argc - optind);
    }
    args.session.timing_only = args.session.device == RT_DEVICE_SIM && !data_run &&
                               args.n_inputs == 0;
    rt_model *model = cli_load_model(&args, argv[optind], &exit_status);
    if (model == NULL) {
        return exit_status;
    }
    base_arena *arena = base_arena_create();
    if (profile_model(&args, model, trace, arena, &diag) != SY_OK) {
        exit_status = cli_fail("profile", &diag);
    }
    base_arena_destroy(arena);
    rt_model_free(model);
    return exit_status;
}
