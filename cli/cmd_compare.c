/*
 * cmd_compare.c -- systole compare.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "model.h"
#include "systole/base/vec.h"
#include "systole/rt/buffer.h"
#include "systole/rt/tensors.h"

const char help_compare[] =
    "usage: systole compare MODEL --devices A,B [OPTION]...\n"
    "\n"
    "Runs a model once on two devices and compares every tensor that both show, in the order\n"
    "in which A makes them: the first that differs, how many elements differ, the largest\n"
    "difference, and the signal-to-noise ratio. Quantised tensors must be equal: exit status\n"
    "1 if an integer tensor differs. Floats of two different host kernels differ within\n"
    "tolerance; with --reference they must not.\n"
    "\n"
    "      --devices A,B        two of cpu, reference (cpu with the plain kernels), sim, rtl\n"
    "                           (default: reference,sim)\n"
    "      --all                list the equal tensors too\n" CLI_MODEL_HELP "\n"
    "Examples:\n"
    "    systole compare model.onnx --devices cpu,sim\n"
    "    systole compare model.elf --devices reference,sim --reference --input image=cat.npy\n";

enum { DEVICES = CLI_OWN, ALL };

typedef struct saved {
    const char *name;
    ir_tensor tensor;
} saved;

typedef struct store {
    base_arena *arena;
    BASE_VEC(saved) tensors;
} store;

static sy_status keep(void *user, const char *name, const ir_tensor *tensor)
{
    store *s = user;
    saved item = {.name = base_arena_strdup(s->arena, name), .tensor = *tensor};
    item.tensor.data = base_arena_memdup(s->arena, tensor->data, tensor->size_bytes, 1);
    if (item.name == NULL || item.tensor.data == NULL ||
        !base_vec_push(s->arena, &s->tensors, item)) {
        return SY_ENOMEM;
    }
    return SY_OK;
}

static const saved *find(const store *s, const char *name)
{
    for (size_t i = 0; i < s->tensors.n; i++) {
        if (strcmp(s->tensors.items[i].name, name) == 0) {
            return &s->tensors.items[i];
        }
    }
    return NULL;
}

static sy_status run_device(const cli_model_args *args, rt_model *model,
                            const rt_session_options *options, const ir_tensor *const *inputs,
                            store *to, base_diag *diag)
{
    rt_session *session = NULL;
    ir_tensor *outputs = NULL;
    ir_tensor **pointers = NULL;
    const rt_run_options run = {.save = keep, .save_user = to};
    SY_TRY(rt_session_create(model, options, &session, diag));
    cli_print_note(args->command, session);
    sy_status status = cli_make_outputs(model, to->arena, &outputs, &pointers, diag);
    if (status == SY_OK) {
        status = rt_session_run(session, inputs, pointers, &run, diag);
    }
    /* Outputs by their own names too: a device may show them under these alone. */
    for (uint32_t i = 0; status == SY_OK && i < rt_model_n_outputs(model); i++) {
        const char *name = rt_model_output(model, i).name;
        status = find(to, name) == NULL ? keep(to, name, &outputs[i]) : SY_OK;
    }
    cli_free_tensors(rt_model_n_outputs(model), outputs);
    rt_session_free(session);
    return status;
}

static bool is_integer(const ir_tensor *tensor)
{
    const sy_dtype_class class = sy_dtype_class_of(tensor->dtype);
    return class == SY_DC_INT || class == SY_DC_UINT || class == SY_DC_BOOL;
}

static void add_row(cli_table *table, const char *name, const ir_tensor *tensor,
                    const rt_tensor_difference *d)
{
    base_buf dims = {0};
    rt_dims_print(tensor->rank, tensor->dims, &dims);
    cli_table_cell(table, "%s", name);
    cli_table_cell(table, "%s", sy_dtype_name(tensor->dtype));
    cli_table_cell(table, "%s", dims.data != NULL ? dims.data : "");
    cli_table_cell(table, "%" PRId64, d->n_different);
    cli_table_cell(table, "%" PRId64, d->n);
    if (d->first >= 0) {
        cli_table_cell(table, "%" PRId64, d->first);
    } else {
        cli_table_cell(table, "%s", "");
    }
    cli_table_cell(table, "%.6g", d->max_abs);
    if (isfinite(d->snr_db)) {
        cli_table_cell(table, "%.1f", d->snr_db);
    } else {
        cli_table_cell(table, "%s", "");
    }
    cli_table_cell(table, "%s",
                   !d->comparable ? "other shape"
                   : d->same_bits ? "equal"
                                  : "differs");
    base_buf_free(&dims);
}

/* Fills the table; returns true if what must be equal is. */
static bool compare(const store *a, const store *b, bool all, bool strict, cli_table *table,
                    uint64_t *n_common, const char **first)
{
    bool good = true;
    for (size_t i = 0; i < a->tensors.n; i++) {
        const saved *one = &a->tensors.items[i];
        const saved *other = find(b, one->name);
        if (other == NULL) {
            continue;
        }
        const rt_tensor_difference d = rt_tensor_compare(&one->tensor, &other->tensor);
        const bool equal = d.comparable && d.same_bits;
        (*n_common)++;
        if (!equal && *first == NULL) {
            *first = one->name;
        }
        if (!equal && (strict || !d.comparable || is_integer(&one->tensor))) {
            good = false;
        }
        if (all || !equal) {
            add_row(table, one->name, &one->tensor, &d);
        }
    }
    return good;
}

static void print_result(const cli_model_args *args, char *const devices[2], const cli_table *table,
                         uint64_t n_common, const char *first)
{
    if (args->json) {
        base_buf text = {0};
        base_json json = base_json_to(&text);
        base_json_object_begin(&json);
        base_json_key_u64(&json, "compared", n_common);
        base_json_key_string(&json, "first_difference", first);
        base_json_key(&json, "tensors");
        cli_table_json(table, &json);
        base_json_object_end(&json);
        cli_print_buf(&text);
        base_buf_free(&text);
        return;
    }
    if (cli_table_n_rows(table) > 0) {
        cli_table_print(table, stdout);
    }
    if (first != NULL) {
        printf("%s and %s: %" PRIu64 " tensors compared, the first that differs is '%s'\n",
               devices[0], devices[1], n_common, first);
    } else {
        printf("%s and %s: %" PRIu64 " tensors compared, all equal to the bit\n", devices[0],
               devices[1], n_common);
    }
}

static int compare_model(const cli_model_args *args, rt_model *model, char *const devices[2],
                         bool all, base_arena *arena)
{
    static const cli_column columns[] = {{"name", "tensor", CLI_LEFT},
                                         {"dtype", "type", CLI_LEFT},
                                         {"dims", "shape", CLI_LEFT},
                                         {"different", "differ", CLI_RIGHT},
                                         {"elements", "of", CLI_RIGHT},
                                         {"first", "first at", CLI_RIGHT},
                                         {"max_abs", "largest |a-b|", CLI_RIGHT},
                                         {"snr_db", "SNR dB", CLI_RIGHT},
                                         {"result", "", CLI_LEFT}};
    cli_table *table = cli_table_create(arena, columns, sizeof columns / sizeof columns[0]);
    base_diag diag = {0};
    store stores[2] = {{.arena = arena}, {.arena = arena}};
    ir_tensor *inputs = NULL;
    const ir_tensor **pointers = NULL;
    bool strict = true;
    sy_status status = cli_make_inputs(args, model, arena, &inputs, &pointers, &diag);
    for (int i = 0; i < 2 && status == SY_OK; i++) {
        rt_session_options options = args->session;
        bool reference = options.reference;
        if (!cli_parse_device(args->command, devices[i], &options.device, &reference)) {
            cli_free_tensors(rt_model_n_inputs(model), inputs);
            return CLI_USAGE;
        }
        options.reference = reference;
        strict = strict && reference;
        status = run_device(args, model, &options, pointers, &stores[i], &diag);
    }
    cli_free_tensors(rt_model_n_inputs(model), inputs);
    if (status != SY_OK) {
        return cli_fail(args->command, &diag);
    }
    uint64_t n_common = 0;
    const char *first = NULL;
    const bool good = compare(&stores[0], &stores[1], all, strict, table, &n_common, &first);
    print_result(args, devices, table, n_common, first);
    return good ? CLI_DONE
                : cli_failf(args->command, "'%s' differs between %s and %s", first, devices[0],
                            devices[1]);
}

int cmd_compare(int argc, char **argv)
{
    static const struct option options[] = {CLI_MODEL_OPTIONS,
                                            {"devices", required_argument, NULL, DEVICES},
                                            {"all", no_argument, NULL, ALL},
                                            {0}};
    static char default_devices[] = "reference,sim";
    const cli_options spec = {"compare", help_compare, ":c:h", options};
    cli_model_args args;
    char *list = default_devices;
    bool all = false;
    int exit_status = CLI_DONE;
    cli_model_args_init(&args, "compare");
    for (int option; (option = cli_next_option(&spec, argc, argv)) != -1;) {
        if (option == DEVICES) {
            list = optarg;
        } else if (option == ALL) {
            all = true;
        } else {
            const int status = cli_model_option(&args, option, optarg);
            if (status != CLI_DONE) {
                return status < 0 ? cli_option_exit(option) : status;
            }
        }
    }
    char *rest = NULL;
    char *devices[2];
    devices[0] = strtok_r(list, ",", &rest);
    devices[1] = strtok_r(NULL, ",", &rest);
    if (argc - optind != 1) {
        return cli_usage("compare", "expected one model, got %d", argc - optind);
    }
    if (devices[0] == NULL || devices[1] == NULL || strtok_r(NULL, ",", &rest) != NULL) {
        return cli_usage("compare", "--devices: expected two, with a comma between them");
    }
    rt_model *model = cli_load_model(&args, argv[optind], &exit_status);
    if (model == NULL) {
        return exit_status;
    }
    base_arena *arena = base_arena_create();
    exit_status = compare_model(&args, model, devices, all, arena);
    base_arena_destroy(arena);
    rt_model_free(model);
    return exit_status;
}
