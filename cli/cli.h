/*
 * cli.h -- what the subcommands of systole share: messages, exit status, tables, progress, common
 * options.
 *
 * A subcommand is cli/cmd_<name>.c: it reads its options, calls the runtime and prints. Exit status
 * 0: done; 1: refused or failed, after one line "systole: <name>: <what, where, what to do>" on
 * stderr; 2: the command line is wrong.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_CLI_CLI_H
#define SYSTOLE_CLI_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "systole/base/arena.h"
#include "systole/base/buf.h"
#include "systole/base/diag.h"
#include "systole/base/json.h"
#include "systole/isa/config.h"

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* The entry points, one for each line of commands.def. */
#define COMMAND(id, name, summary)       \
    int cmd_##id(int argc, char **argv); \
    extern const char help_##id[];
#include "commands.def"
#undef COMMAND

/* ---------------------------------------------------------------- messages */

/* Prints "systole: command: message" and returns CLI_FAILED. */
int cli_fail(const char *command, const base_diag *diag);
int cli_failf(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same for a wrong command line, with a pointer to --help; returns CLI_USAGE. */
int cli_usage(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---------------------------------------------------------------- options */

/*
 * getopt_long with its messages in our form. Returns the option's value, -1 at the end, 'h' for
 * --help (which every command has, and need not list) after printing it, '?' after a message: then
 * the command returns cli_option_exit('h' or '?').
 */
typedef struct cli_options {
    const char *command;
    const char *help;
    const char *short_options;
    const struct option *long_options; /* ends with a zero row */
} cli_options;
int cli_next_option(const cli_options *options, int argc, char **argv);
int cli_option_exit(int option);

/* A whole number in low..high (decimal, or 0x); false after a message. */
bool cli_parse_u64(const char *command, const char *option, const char *text, uint64_t low,
                   uint64_t high, uint64_t *out);

/* The configuration of -c (NULL: "edge"). CLI_DONE or CLI_FAILED. */
int cli_load_config(const char *command, const char *name, isa_config *config);

/* ---------------------------------------------------------------- tables */

/* Columns and cells of text; printed aligned for people, or as a JSON array of objects. */
typedef enum cli_align { CLI_LEFT, CLI_RIGHT } cli_align;
typedef struct cli_column {
    const char *key;   /* in JSON */
    const char *title; /* on paper */
    cli_align align;   /* RIGHT: JSON writes the cell as a number where it is one */
} cli_column;

typedef struct cli_table cli_table;
cli_table *cli_table_create(base_arena *arena, const cli_column *columns, size_t n_columns);
/* The next cell, row by row. */
void cli_table_cell(cli_table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
size_t cli_table_n_rows(const cli_table *table);
void cli_table_print(const cli_table *table, FILE *out);
void cli_table_json(const cli_table *table, base_json *json); /* an array of objects */

/* Prints the buffer and a newline to stdout, empties it. */
void cli_print_buf(base_buf *buf);

/* ---------------------------------------------------------------- progress */

/*
 * A progress bar on stderr, where stderr is a terminal; else nothing. Call update as often as you
 * like. Zero-initialise it.
 */
typedef struct cli_progress {
    bool shown;
    double begin, last; /* seconds */
} cli_progress;
void cli_progress_update(cli_progress *progress, const char *what, uint64_t done, uint64_t total,
                         const char *extra);
void cli_progress_end(cli_progress *progress);

/* A line on stderr for people, above the progress bar: what rtl says before it builds. user: the
 * command's name. */
void cli_notice(void *user, const char *line);

/* Seconds since some moment. */
double cli_now(void);

#endif
