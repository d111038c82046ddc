/*
 * cmd_cosim.c -- systole cosim.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <string.h>

#include "model.h"
#include "systole/rt/buffer.h"
#include "systole/rt/eval.h"

const char help_cosim[] =
    "usage: systole cosim [--bare] MODEL.elf|MODEL.onnx|PROGRAM.elf [OPTION]...\n"
    "\n"
    "Runs a model or program on the simulator and on the Verilog in lockstep, and compares\n"
    "all that both report: each command's unit, operation, number, start and end cycle; when\n"
    "each entry of a queue leaves it and each post fires; each instruction's pc and cycle; how\n"
    "it ended, counters (and that they sum to the run); and at the end the core's registers\n"
    "and every byte of every memory. Prints the first difference with both sides (exit\n"
    "status 1), or \"difference 0\".\n"
    "\n"
    "      --images N           with --data: the first N samples, one run each\n" CLI_DATA_HELP
    "      --bare               a bare-metal rv32im program, as for 'systole run --bare'\n"
    "      --wave FROM:TO       draw the Verilog's signals in these cycles; or UNIT#COMMAND (MXU#17):\n"
    "                           around that command; or the name of a layer\n"
    "  -o, --output FILE.fst    where to (default wave.fst); FILE.gtkw beside it opens in GTKWave\n"
    "      --fill SEED          memories begin with a seeded pattern instead of "
    "zeros\n" CLI_MODEL_HELP "\n"
    "The Verilog of a configuration is built once (a minute or so) and kept.\n"
    "\n"
    "Examples:\n"
    "    systole cosim program.elf -c tiny --fill 7 --stalls 3:20\n"
    "    systole cosim model.elf --wave MXU#17 -o mxu17.fst && gtkwave mxu17.gtkw\n"
    "    systole cosim model.elf --input image=cat.npy\n"
    "    systole cosim --bare rv32um-p-div\n"
    "    systole cosim model.elf --images 10 --data idx:images.gz,labels.gz --scale "
    "0.00392156862745098\n";

enum { IMAGES = CLI_OWN, BARE, FILL, WAVE };

typedef struct args {
    cli_model_args common;
    bool bare;
    uint64_t n_images; /* 0: one run with --input or random data */
    const char *wave_text, *wave_path; /* --wave, -o; NULL: not given */
    rt_wave wave;
} args;

static sy_status run_inputs(const args *a, rt_session *session, base_arena *arena,
                            ir_tensor **output_pointers, base_diag *diag)
{
    const rt_model *model = rt_session_model(session);
    ir_tensor *inputs = NULL;
    const ir_tensor **pointers = NULL;
    SY_TRY(cli_make_inputs(&a->common, model, arena, &inputs, &pointers, diag));
    const sy_status status = rt_session_run(session, pointers, output_pointers, NULL, diag);
    cli_free_tensors(rt_model_n_inputs(model), inputs);
    return status;
}

static bool progress(void *user, const char *name, uint64_t done, uint64_t total, uint64_t n_right)
{
    (void)n_right;
    cli_progress_update(user, name, done, total, NULL);
    return true;
}

static sy_status run_images(const args *a, rt_session *session, base_diag *diag)
{
    static const char *const names[] = {"lockstep"};
    rt_dataset *data = NULL;
    rt_eval_result result;
    cli_progress bar = {0};
    const rt_eval_options options = {.limit = a->n_images,
                                     .n_sessions = 1,
                                     .sessions = &session,
                                     .names = names,
                                     .progress = progress,
                                     .progress_user = &bar};
    SY_TRY(rt_dataset_open(a->common.data, &a->common.data_options, diag, &data));
    const sy_status status = rt_eval(data, &options, &result, diag);
    cli_progress_end(&bar);
    rt_dataset_close(data);
    return status;
}

void cli_print_lockstep(const rt_cosim_result *result, bool as_json)
{
    base_buf end = {0};
    rt_end_print(&result->results[0], &end);
    if (as_json) {
        base_buf text = {0};
        base_json json = base_json_to(&text);
        base_json_object_begin(&json);
        base_json_key_bool(&json, "equal", result->equal);
        base_json_key_string(&json, "difference", result->difference);
        base_json_key_string(&json, "end", end.data);
        base_json_key_u64(&json, "commands", result->n_commands);
        base_json_key_u64(&json, "entries", result->n_entries);
        base_json_key_u64(&json, "instructions", result->n_instructions);
        base_json_key_u64(&json, "cycles", result->n_cycles);
        base_json_key_u64(&json, "bytes", result->n_bytes);
        base_json_object_end(&json);
        cli_print_buf(&text);
        base_buf_free(&text);
    } else if (result->equal) {
        printf("difference 0: %" PRIu64 " commands, %" PRIu64 " instructions, %" PRIu64
               " cycles, %" PRIu64 " bytes of memory compared; %s\n",
               result->n_commands, result->n_instructions, result->n_cycles, result->n_bytes,
               end.data);
    } else {
        printf("%s\n", result->difference);
    }
    base_buf_free(&end);
}

/* Both models may end in an error, a deadlock or a limit: that they agree on it is what is asked.
 */
static bool is_programs_end(sy_status status)
{
    return status == SY_EDEVICE || status == SY_EDEADLOCK || status == SY_ERANGE;
}

int cli_tell_wave(const rt_wave *wave, int exit_status)
{
    base_buf text = {0};
    rt_wave_print(wave, &text);
    if (wave->drawn) {
        (void)fprintf(stderr, "systole: cosim: note: %s\n", text.data);
    } else if (exit_status == CLI_DONE) {
        exit_status = cli_failf("cosim", "--wave: %s", text.data);
    }
    base_buf_free(&text);
    return exit_status;
}

static int cosim(args *a, rt_model *model, base_arena *arena)
{
    rt_session *session = NULL;
    ir_tensor *outputs = NULL;
    ir_tensor **output_pointers = NULL;
    base_diag diag = {0};
    a->common.session.device = RT_DEVICE_SIM;
    a->common.session.lockstep = true;
    sy_status status = rt_session_create(model, &a->common.session, &session, &diag);
    if (status == SY_OK) {
        status = cli_make_outputs(model, arena, &outputs, &output_pointers, &diag);
    }
    if (status == SY_OK) {
        status = a->common.data != NULL ? run_images(a, session, &diag)
                                        : run_inputs(a, session, arena, output_pointers, &diag);
    }
    const rt_cosim_result *result = session != NULL ? rt_session_lockstep(session) : NULL;
    int exit_status = CLI_DONE;
    if (result != NULL &&
        (status == SY_OK || status == SY_EMISMATCH || (is_programs_end(status) && result->equal))) {
        cli_print_lockstep(result, a->common.json);
        if (status == SY_EMISMATCH) {
            exit_status = cli_failf("cosim", "the models differ: %s", base_diag_message(&diag));
        } else if (status != SY_OK && !a->common.json) {
            printf("both: %s\n", base_diag_message(&diag));
        }
    } else if (status != SY_OK) {
        exit_status = cli_fail("cosim", &diag);
    }
    if (a->wave_text != NULL && result != NULL) {
        exit_status = cli_tell_wave(&a->wave, exit_status);
    }
    cli_free_tensors(rt_model_n_outputs(model), outputs);
    rt_session_free(session);
    return exit_status;
}

/* --wave and -o; false after a message. */
static bool take_wave(args *a)
{
    base_diag diag = {0};
    if (a->wave_text == NULL) {
        return a->wave_path == NULL || cli_usage("cosim", "-o: --wave is missing") == CLI_DONE;
    }
    const char *path = a->wave_path != NULL ? a->wave_path : "wave.fst";
    if (rt_wave_parse(a->wave_text, path, &a->wave, &diag) != SY_OK) {
        return cli_usage("cosim", "--wave: %s", base_diag_message(&diag)) == CLI_DONE;
    }
    a->common.session.wave = &a->wave;
    return true;
}

int cmd_cosim(int argc, char **argv)
{
    static const struct option options[] = {CLI_MODEL_OPTIONS,
                                            CLI_DATA_OPTIONS,
                                            {"images", required_argument, NULL, IMAGES},
                                            {"bare", no_argument, NULL, BARE},
                                            {"fill", required_argument, NULL, FILL},
                                            {"wave", required_argument, NULL, WAVE},
                                            {"output", required_argument, NULL, 'o'},
                                            {0}};
    const cli_options spec = {"cosim", help_cosim, ":c:o:h", options};
    args a = {0};
    int exit_status = CLI_DONE;
    cli_model_args_init(&a.common, "cosim");
    for (int option; (option = cli_next_option(&spec, argc, argv)) != -1;) {
        int status = CLI_DONE;
        if (option == IMAGES) {
            status = cli_parse_u64("cosim", "--images", optarg, 1, UINT64_MAX, &a.n_images)
                         ? CLI_DONE
                         : CLI_USAGE;
        } else if (option == BARE) {
            a.bare = true;
        } else if (option == FILL) {
            a.common.session.fill = true;
            status = cli_parse_u64("cosim", "--fill", optarg, 0, UINT64_MAX,
                                   &a.common.session.fill_seed)
                         ? CLI_DONE
                         : CLI_USAGE;
        } else if (option == WAVE) {
            a.wave_text = optarg;
        } else if (option == 'o') {
            a.wave_path = optarg;
        } else {
            status = cli_model_option(&a.common, option, optarg);
            if (status < 0) {
                return cli_option_exit(option);
            }
        }
        if (status != CLI_DONE) {
            return status;
        }
    }
    if (argc - optind != 1) {
        return cli_usage("cosim", "expected one model or program, got %d", argc - optind);
    }
    if (a.n_images > 0 && a.common.data == NULL) {
        return cli_usage("cosim", "--images: --data is missing");
    }
    if (!take_wave(&a)) {
        return CLI_USAGE;
    }
    if (a.bare) {
        return cli_cosim_bare(&a.common, argv[optind]);
    }
    rt_model *model = cli_load_model(&a.common, argv[optind], &exit_status);
    if (model == NULL) {
        return exit_status;
    }
    base_arena *arena = base_arena_create();
    exit_status = cosim(&a, model, arena);
    base_arena_destroy(arena);
    rt_model_free(model);
    return exit_status;
}
