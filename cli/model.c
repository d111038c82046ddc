/*
 * model.c -- options, inputs and outputs of the subcommands that run a model.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "systole/rt/buffer.h"
#include "systole/rt/npy.h"
#include "systole/rt/tensors.h"

/* ---------------------------------------------------------------- options */

void cli_model_args_init(cli_model_args *args, const char *command)
{
    *args = (cli_model_args){.command = command, .seed = 1};
    args->session.notice = cli_notice;
    args->session.notice_user = (void *)command;
}

static int add_to_list(const cli_model_args *args, const char *option, const char *value,
                       const char **list, uint32_t *n)
{
    if (*n == CLI_MAX_LIST) {
        return cli_usage(args->command, "%s: more than %d of them", option, CLI_MAX_LIST);
    }
    list[(*n)++] = value;
    return CLI_DONE;
}

static bool parse_floats(const char *command, const char *option, const char *text, float *out,
                         uint32_t *n)
{
    *n = 0;
    for (const char *at = text;; at++) {
        char *end;
        const float value = strtof(at, &end);
        if (end == at || (*end != ',' && *end != '\0') || *n == RT_DATASET_MAX_CHANNELS) {
            cli_usage(command, "%s: expected at most %d numbers with commas between them, got '%s'",
                      option, RT_DATASET_MAX_CHANNELS, text);
            return false;
        }
        out[(*n)++] = value;
        at = end;
        if (*at == '\0') {
            return true;
        }
    }
}

/* SEED:MAX, SEED:MAX:READY or SEED:MAX:READY:ERRORS */
static bool parse_stalls(const cli_model_args *args, const char *text, rt_session_options *options)
{
    unsigned long long values[4] = {0};
    const char *at = text;
    unsigned n = 0;
    bool good = true;
    errno = 0;
    do {
        char *end = NULL;
        values[n] = strtoull(at, &end, 0);
        good = good && end != at && errno == 0 && (n == 0 || values[n] <= 1000000);
        at = *end == ':' ? end + 1 : end;
        n++;
        good = good && (*end == '\0' || (*end == ':' && n < 4));
    } while (good && at[-1] == ':');
    if (!good || n < 2) {
        cli_usage(args->command, "--stalls: expected SEED:MAX, got '%s'", text);
        return false;
    }
    options->stall_seed = values[0];
    options->stall_max = (uint32_t)values[1];
    options->ready_max = (uint32_t)values[2];
    options->error_one_in = (uint32_t)values[3];
    return true;
}

static int data_option(cli_model_args *args, int option, const char *value)
{
    rt_dataset_options *data = &args->data_options;
    uint32_t n;
    switch (option) {
    case CLI_DATA:
        args->data = value;
        return CLI_DONE;
    case CLI_SCALE:
        return parse_floats(args->command, "--scale", value, &data->scale, &n) ? CLI_DONE
                                                                               : CLI_USAGE;
    case CLI_MEAN:
        return parse_floats(args->command, "--mean", value, data->means, &data->n_means)
                   ? CLI_DONE
                   : CLI_USAGE;
    case CLI_STD:
        return parse_floats(args->command, "--std", value, data->stds, &data->n_stds) ? CLI_DONE
                                                                                      : CLI_USAGE;
    default:
        return -1;
    }
}

int cli_model_option(cli_model_args *args, int option, const char *value)
{
    uint64_t number = 0;
    switch (option) {
    case 'c': {
        const int status = cli_load_config(args->command, value, &args->config);
        args->session.config = &args->config;
        return status;
    }
    case CLI_REFERENCE:
        args->session.reference = true;
        return CLI_DONE;
    case CLI_THREADS:
        if (!cli_parse_u64(args->command, "--threads", value, 1, 4096, &number)) {
            return CLI_USAGE;
        }
        args->session.n_threads = (uint32_t)number;
        return CLI_DONE;
    case CLI_BLAS:
        args->session.blas = value;
        return CLI_DONE;
    case CLI_INPUT:
        if (strchr(value, '=') == NULL) {
            return cli_usage(args->command, "--input: expected NAME=FILE.npy, got '%s'", value);
        }
        return add_to_list(args, "--input", value, args->inputs, &args->n_inputs);
    case CLI_SHAPE:
        return add_to_list(args, "--shape", value, args->shapes, &args->n_shapes);
    case CLI_SEED:
        return cli_parse_u64(args->command, "--seed", value, 0, UINT64_MAX, &args->seed)
                   ? CLI_DONE
                   : CLI_USAGE;
    case CLI_MAX_CYCLES:
        return cli_parse_u64(args->command, "--max-cycles", value, 1, UINT64_MAX,
                             &args->session.max_cycles)
                   ? CLI_DONE
                   : CLI_USAGE;
    case CLI_STALLS:
        return parse_stalls(args, value, &args->session)
                   ? CLI_DONE
                   : CLI_USAGE;
    case CLI_PORTABLE:
        args->session.portable = true;
        return CLI_DONE;
    case CLI_NO_FALLBACK:
        args->session.no_fallback = true;
        return CLI_DONE;
    case CLI_JSON:
        args->json = true;
        return CLI_DONE;
    default:
        return data_option(args, option, value);
    }
}

bool cli_parse_device(const char *command, const char *text, rt_device *device, bool *reference)
{
    if (strcmp(text, "reference") == 0 && reference != NULL) {
        *device = RT_DEVICE_CPU;
        *reference = true;
        return true;
    }
    for (rt_device d = RT_DEVICE_CPU; d <= RT_DEVICE_RTL; d++) {
        if (strcmp(text, cli_device_name(d)) == 0) {
            *device = d;
            return true;
        }
    }
    cli_usage(command, "no device '%s': expected cpu, %ssim or rtl", text,
              reference != NULL ? "reference, " : "");
    return false;
}

const char *cli_device_name(rt_device device)
{
    return device == RT_DEVICE_CPU ? "cpu" : device == RT_DEVICE_SIM ? "sim" : "rtl";
}

rt_model *cli_load_model(const cli_model_args *args, const char *path, int *exit_status)
{
    const rt_model_options options = {.shapes = args->shapes, .n_shapes = args->n_shapes};
    base_diag diag = {0};
    rt_model *model = NULL;
    if (rt_model_load(path, &options, &model, &diag) != SY_OK) {
        *exit_status = cli_fail(args->command, &diag);
        return NULL;
    }
    return model;
}

void cli_print_note(const char *command, const rt_session *session)
{
    if (rt_session_note(session)[0] != '\0') {
        fflush(stdout);
        fprintf(stderr, "systole: %s: note: %s; running on the cpu\n", command,
                rt_session_note(session));
    }
}

/* ---------------------------------------------------------------- inputs and outputs */

/* The file of an input, NULL if there is none. The last one counts. */
static const char *find_input(const cli_model_args *args, const char *name)
{
    const char *found = NULL;
    const size_t n = strlen(name);
    for (uint32_t i = 0; i < args->n_inputs; i++) {
        if (strncmp(args->inputs[i], name, n) == 0 && args->inputs[i][n] == '=') {
            found = args->inputs[i] + n + 1;
        }
    }
    return found;
}

/* Each --input must name an input. */
static sy_status check_names(const cli_model_args *args, const rt_model *model, base_diag *diag)
{
    for (uint32_t i = 0; i < args->n_inputs; i++) {
        const size_t n = (size_t)(strchr(args->inputs[i], '=') - args->inputs[i]);
        bool found = false;
        for (uint32_t k = 0; k < rt_model_n_inputs(model); k++) {
            const char *name = rt_model_input(model, k).name;
            found = found || (strlen(name) == n && strncmp(name, args->inputs[i], n) == 0);
        }
        if (!found) {
            return base_fail(diag, SY_EINVAL, "%s has no input '%.*s': it has%s%s", model->path,
                             (int)n, args->inputs[i], rt_model_n_inputs(model) > 0 ? " " : " none",
                             rt_model_n_inputs(model) > 0 ? rt_model_input(model, 0).name : "");
        }
    }
    return SY_OK;
}

sy_status cli_make_inputs(const cli_model_args *args, const rt_model *model, base_arena *arena,
                          ir_tensor **tensors, const ir_tensor ***pointers, base_diag *diag)
{
    const uint32_t n = rt_model_n_inputs(model);
    *tensors = BASE_ARENA_ARRAY(arena, ir_tensor, n);
    *pointers = BASE_ARENA_ARRAY(arena, const ir_tensor *, n);
    if (*tensors == NULL || *pointers == NULL) {
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    SY_TRY(check_names(args, model, diag));
    for (uint32_t i = 0; i < n; i++) {
        const rt_model_io io = rt_model_input(model, i);
        const char *path = find_input(args, io.name);
        const sy_status status = path != NULL
                                     ? rt_npy_read(path, diag, &(*tensors)[i])
                                     : rt_tensor_random(&io, args->seed, i, &(*tensors)[i], diag);
        if (status != SY_OK) {
            cli_free_tensors(n, *tensors);
            return status;
        }
        (*pointers)[i] = &(*tensors)[i];
    }
    return SY_OK;
}

sy_status cli_make_outputs(const rt_model *model, base_arena *arena, ir_tensor **tensors,
                           ir_tensor ***pointers, base_diag *diag)
{
    const uint32_t n = rt_model_n_outputs(model);
    *tensors = BASE_ARENA_ARRAY(arena, ir_tensor, n);
    *pointers = BASE_ARENA_ARRAY(arena, ir_tensor *, n);
    if (*tensors == NULL || *pointers == NULL) {
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    for (uint32_t i = 0; i < n; i++) {
        (*pointers)[i] = &(*tensors)[i];
    }
    return SY_OK;
}

void cli_free_tensors(uint32_t n, ir_tensor *tensors)
{
    for (uint32_t i = 0; tensors != NULL && i < n; i++) {
        rt_buffer_free(tensors[i].data);
        tensors[i].data = NULL;
    }
}

cli_table *cli_outputs_table(base_arena *arena, const rt_model *model, const ir_tensor *outputs)
{
    enum { N_SHOWN = 6 };
    static const cli_column columns[] = {{"name", "output", CLI_LEFT},
                                         {"dtype", "type", CLI_LEFT},
                                         {"dims", "shape", CLI_LEFT},
                                         {"argmax", "largest at", CLI_RIGHT},
                                         {"values", "values", CLI_LEFT}};
    cli_table *table = cli_table_create(arena, columns, 5);
    for (uint32_t i = 0; i < rt_model_n_outputs(model); i++) {
        const ir_tensor *tensor = &outputs[i];
        const int64_t n = ir_tensor_n_elements(tensor);
        const int64_t argmax = rt_tensor_argmax(tensor, 0, n);
        base_buf text = {0};
        rt_dims_print(tensor->rank, tensor->dims, &text);
        cli_table_cell(table, "%s", rt_model_output(model, i).name);
        cli_table_cell(table, "%s", sy_dtype_name(tensor->dtype));
        cli_table_cell(table, "%s", text.data != NULL ? text.data : "");
        if (argmax >= 0) {
            cli_table_cell(table, "%" PRId64, argmax);
        } else {
            cli_table_cell(table, "%s", "");
        }
        base_buf_clear(&text);
        for (int64_t k = 0; k < n && k < N_SHOWN; k++) {
            double value;
            if (rt_tensor_get(tensor, k, &value)) {
                base_buf_printf(&text, "%s%.6g", k > 0 ? " " : "", value);
            }
        }
        cli_table_cell(table, "%s%s", text.n_bytes > 0 ? text.data : "", n > N_SHOWN ? " ..." : "");
        base_buf_free(&text);
    }
    return table;
}

const char *cli_tensor_path(base_arena *arena, const char *directory, const char *name)
{
    char *path = base_arena_printf(arena, "%s/%s.npy", directory, name);
    for (char *c = path != NULL ? path + strlen(directory) + 1 : NULL; c != NULL && *c != '\0';
         c++) {
        if (*c == '/' || (unsigned char)*c <= ' ' || *c == ':' || *c == '\\') {
            *c = '_';
        }
    }
    return path;
}

sy_status cli_make_directory(const char *path, base_diag *diag)
{
    struct stat about;
    if (mkdir(path, 0777) != 0 && (stat(path, &about) != 0 || !S_ISDIR(about.st_mode))) {
        return base_fail(diag, SY_EIO, "%s: cannot make this directory", path);
    }
    return SY_OK;
}
