/*
 * cmd_info.c -- systole info: finds out what the argument is, and describes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "info.h"
#include "systole/base/file.h"

const char help_info[] =
    "usage: systole info [--json] [FILE|CONFIG]\n"
    "       systole info --operators [--json]\n"
    "\n"
    "Says what something is:\n"
    "  a configuration (edge, train, my.ini): its keys, hash, derived sizes, and warnings\n"
    "  a program or compiled model (.elf): configuration, hashes, sizes against capacity,\n"
    "      tensors, steps, placement\n"
    "  a model (.onnx): inputs, outputs, operators, parameters\n"
    "  nothing: this host (processor features, threads, BLAS) and the parts of this build\n"
    "\n"
    "      --operators          every operator that models may have: which kernels there are, and\n"
    "                           what import makes of it\n"
    "      --json               the same as JSON\n"
    "\n"
    "Examples:\n"
    "    systole info edge\n"
    "    systole info model.elf --json\n";

/* A file by its first bytes: true for ELF. */
static bool is_elf(const char *path)
{
    unsigned char magic[4] = {0};
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    const size_t n = fread(magic, 1, sizeof magic, file);
    fclose(file);
    return n == sizeof magic && memcmp(magic, "\177ELF", 4) == 0;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text);
    const size_t n_end = strlen(end);
    return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

int cmd_info(int argc, char **argv)
{
    enum { JSON = 1000, OPERATORS };
    static const struct option options[] = {{"json", no_argument, NULL, JSON},
                                            {"operators", no_argument, NULL, OPERATORS},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const cli_options spec = {"info", help_info, ":h", options};
    bool json = false, operators = false;
    for (int option; (option = cli_next_option(&spec, argc, argv)) != -1;) {
        if (option != JSON && option != OPERATORS) {
            return cli_option_exit(option);
        }
        json = json || option == JSON;
        operators = operators || option == OPERATORS;
    }
    if (argc - optind > (operators ? 0 : 1)) {
        return cli_usage("info", "expected one file or configuration, got %d", argc - optind);
    }
    const char *what = optind < argc ? argv[optind] : NULL;
    struct stat about;
    base_arena *arena = base_arena_create();
    base_diag diag = {0};
    sy_status status;
    if (operators) {
        status = info_operators(arena, json, &diag);
    } else if (what == NULL) {
        status = info_host(arena, json, &diag);
    } else if (is_elf(what) || ends_with(what, ".elf")) {
        status = info_program(arena, what, json, &diag);
    } else if (ends_with(what, ".ini") ||
               (strpbrk(what, "/.") == NULL && stat(what, &about) != 0)) {
        status = info_config(arena, what, json, &diag);
    } else {
        status = info_model(arena, what, json, &diag);
    }
    base_arena_destroy(arena);
    return status == SY_OK ? CLI_DONE : cli_fail("info", &diag);
}
