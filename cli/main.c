/*
 * main.c -- systole: finds the subcommand.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "cli.h"

typedef struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
    const char *help;
} command;

static const command commands[] = {
#define COMMAND(id, name, summary) {name, summary, cmd_##id, help_##id},
#include "commands.def"
#undef COMMAND
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static const command *find(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static void print_overview(FILE *out)
{
    fputs("Systole: a model goes in; out come an accelerator program, its exact cycles, and the "
          "same from the Verilog.\n\n"
          "usage: systole COMMAND [OPTION]... [FILE]...\n\n",
          out);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
    }
    fputs(
        "\n'systole help COMMAND' or 'systole COMMAND --help' explains one, with examples.\n"
        "Exit status: 0 done, 1 refused or failed (after one line that says why), 2 wrong usage.\n",
        out);
}

static int help(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stdout);
        return CLI_DONE;
    }
    const command *named = find(argv[1]);
    if (named == NULL) {
        return cli_usage(NULL, "no command '%s'", argv[1]);
    }
    fputs(named->help, stdout);
    return CLI_DONE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("systole " CLI_VERSION);
        return CLI_DONE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_overview(stdout);
        return CLI_DONE;
    }
    if (strcmp(argv[1], "help") == 0) {
        return help(argc - 1, argv + 1);
    }
    const command *named = find(argv[1]);
    if (named == NULL) {
        return cli_usage(NULL, "no command '%s'", argv[1]);
    }
    const int status = named->run(argc - 1, argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return status != CLI_DONE ? status
                                  : cli_failf(named->name, "cannot write to standard output");
    }
    return status;
}
