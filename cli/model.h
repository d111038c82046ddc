/*
 * model.h -- what the subcommands that run a model share: their options, the model's inputs, its
 * outputs as a table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_CLI_MODEL_H
#define SYSTOLE_CLI_MODEL_H

#include "cli.h"
#include "systole/rt/dataset.h"
#include "systole/rt/session.h"

enum { CLI_MAX_LIST = 64 };

/* Values of the long options below; a command's own begin at CLI_OWN. */
enum {
    CLI_REFERENCE = 1000,
    CLI_THREADS,
    CLI_BLAS,
    CLI_INPUT,
    CLI_SHAPE,
    CLI_SEED,
    CLI_MAX_CYCLES,
    CLI_STALLS,
    CLI_PORTABLE,
    CLI_NO_FALLBACK,
    CLI_JSON,
    CLI_DATA,
    CLI_SCALE,
    CLI_MEAN,
    CLI_STD,
    CLI_OWN = 2000
};

/* Rows for a table of long options, with "c:" among the short ones. */
/* clang-format off */
#define CLI_MODEL_OPTIONS                                          \
    {"config", required_argument, NULL, 'c'},                      \
    {"reference", no_argument, NULL, CLI_REFERENCE},               \
    {"threads", required_argument, NULL, CLI_THREADS},             \
    {"blas", required_argument, NULL, CLI_BLAS},                   \
    {"input", required_argument, NULL, CLI_INPUT},                 \
    {"shape", required_argument, NULL, CLI_SHAPE},                 \
    {"seed", required_argument, NULL, CLI_SEED},                   \
    {"max-cycles", required_argument, NULL, CLI_MAX_CYCLES},       \
    {"stalls", required_argument, NULL, CLI_STALLS},               \
    {"portable", no_argument, NULL, CLI_PORTABLE},                 \
    {"no-fallback", no_argument, NULL, CLI_NO_FALLBACK},           \
    {"json", no_argument, NULL, CLI_JSON},                         \
    {"help", no_argument, NULL, 'h'}

#define CLI_DATA_OPTIONS                               \
    {"data", required_argument, NULL, CLI_DATA},       \
    {"scale", required_argument, NULL, CLI_SCALE},     \
    {"mean", required_argument, NULL, CLI_MEAN},       \
    {"std", required_argument, NULL, CLI_STD}
/* clang-format on */

/* Their lines of help. */
#define CLI_MODEL_HELP                                                                          \
    "  -c, --config CONFIG      the machine: edge, train, ... or an .ini file (default edge;\n"  \
    "                           compiled models bring theirs)\n"                                \
    "      --input NAME=FILE.npy  an input; may be repeated; without it, seeded random data\n"  \
    "      --seed N             of the random data (default 1)\n"                               \
    "      --shape NAME=DIMS    a size that the model leaves open, e.g. image=8x3x224x224 or\n" \
    "                           batch=8\n"                                                      \
    "      --reference          host work by the plain reference kernels: all devices then\n"   \
    "                           give the same bits\n"                                           \
    "      --threads N          threads of the host's work (default: one per processor)\n"      \
    "      --blas LIB           library for fp32 products on the host: openblas, onednn or\n"  \
    "                           a file (default: our own kernels)\n"                            \
    "      --max-cycles N       stop a run of the machine there\n"                              \
    "      --stalls SEED:MAX    inject 0 to MAX cycles of delay into each DRAM burst;\n"        \
    "                           SEED:MAX:READY delays its address too, by up to READY;\n"      \
    "                           SEED:MAX:READY:N answers one burst in N with an error\n"       \
    "      --portable           simulate with plain C kernels instead of the host's vector\n"   \
    "                           unit\n"                                                         \
    "      --no-fallback        fail if an operator would run on the host instead of the "      \
    "machine\n"                                                                                 \
    "      --json               print JSON\n"

#define CLI_DATA_HELP                                                                         \
    "      --data SPEC          samples: idx:IMAGES,LABELS or npy:IMAGES,LABELS (gzip too)\n" \
    "      --scale S, --mean M,.., --std S,..  each value becomes (value * scale - mean) / std\n"

typedef struct cli_model_args {
    const char *command;
    isa_config config;
    rt_session_options session; /* its device is the command's business */
    bool json;
    uint64_t seed;
    uint32_t n_inputs, n_shapes;
    const char *inputs[CLI_MAX_LIST]; /* NAME=FILE */
    const char *shapes[CLI_MAX_LIST];
    const char *data;
    rt_dataset_options data_options;
} cli_model_args;

void cli_model_args_init(cli_model_args *args, const char *command);

/*
 * Takes an option of the tables above. CLI_DONE, or after a message CLI_FAILED (no such
 * configuration) or CLI_USAGE; -1: it is none of them.
 */
int cli_model_option(cli_model_args *args, int option, const char *value);

/* "cpu", "sim", "rtl"; false after a message. "reference" too: cpu with *reference set, if
 * reference is not NULL. */
bool cli_parse_device(const char *command, const char *text, rt_device *device, bool *reference);
const char *cli_device_name(rt_device device);

/* Loads the model; NULL after a message, *exit_status set. */
rt_model *cli_load_model(const cli_model_args *args, const char *path, int *exit_status);

/*
 * The inputs of a model: files where --input names them, else random. Arrays of rt_model_n_inputs
 * in the arena; free them with cli_free_tensors.
 */
sy_status cli_make_inputs(const cli_model_args *args, const rt_model *model, base_arena *arena,
                          ir_tensor **tensors, const ir_tensor ***pointers, base_diag *diag);

/* Empty outputs, to be allocated by a run. */
sy_status cli_make_outputs(const rt_model *model, base_arena *arena, ir_tensor **tensors,
                           ir_tensor ***pointers, base_diag *diag);

/* Frees their data. */
void cli_free_tensors(uint32_t n, ir_tensor *tensors);

/* Name, type, shape, first values and largest element of each output. */
cli_table *cli_outputs_table(base_arena *arena, const rt_model *model, const ir_tensor *outputs);

/* A file name made from a tensor's name: DIR/NAME.npy, with what a file system may not like
 * replaced by '_'. */
const char *cli_tensor_path(base_arena *arena, const char *directory, const char *name);

/* Makes a directory if it is not there. */
sy_status cli_make_directory(const char *path, base_diag *diag);

/* ---------------------------------------------------------------- bare-metal programs (bare.c) */

/*
 * systole run --bare, systole cosim --bare: the whole command, with its exit status.  Without -c the
 * configuration is "bare".  signature: a file for it, or NULL (of several programs: NULL).
 */
int cli_run_bare(const cli_model_args *args, char *const *paths, int n, const char *signature);
int cli_cosim_bare(const cli_model_args *args, const char *path);

/* What a lockstep run has shown. */
void cli_print_lockstep(const rt_cosim_result *result, bool json);

/* systole cosim --wave: says what was drawn, or why nothing was; the exit status of the command so far, or CLI_FAILED. */
int cli_tell_wave(const rt_wave *wave, int exit_status);

/* "note: ..." on stderr if the session fell back to the cpu. */
void cli_print_note(const char *command, const rt_session *session);

#endif
