/*
 * cli.c -- messages, options, progress.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---------------------------------------------------------------- messages */

static void print_prefix(const char *command)
{
    fflush(stdout);
    if (command != NULL) {
        fprintf(stderr, "systole: %s: ", command);
    } else {
        fputs("systole: ", stderr);
    }
}

int cli_fail(const char *command, const base_diag *diag)
{
    const char *message = base_diag_message(diag);
    print_prefix(command);
    fprintf(stderr, "%s\n", message[0] != '\0' ? message : "failed");
    return CLI_FAILED;
}

int cli_failf(const char *command, const char *fmt, ...)
{
    base_diag diag = {0};
    va_list args;
    va_start(args, fmt);
    base_vfail(&diag, SY_EINVAL, fmt, args);
    va_end(args);
    return cli_fail(command, &diag);
}

int cli_usage(const char *command, const char *fmt, ...)
{
    base_diag diag = {0};
    va_list args;
    va_start(args, fmt);
    base_vfail(&diag, SY_EINVAL, fmt, args);
    va_end(args);
    print_prefix(command);
    fprintf(stderr, "%s ('systole help%s%s' explains)\n", base_diag_message(&diag),
            command != NULL ? " " : "", command != NULL ? command : "");
    return CLI_USAGE;
}

/* ---------------------------------------------------------------- options */

int cli_next_option(const cli_options *options, int argc, char **argv)
{
    opterr = 0;
    const int option = getopt_long(argc, argv, options->short_options, options->long_options, NULL);
    /* The word of the option; "-zq" is not passed by yet when its z is wrong. */
    const char *word = argv[optind - 1][0] == '-' || optind == argc ? argv[optind - 1]
                                                                    : argv[optind];
    if (option == 'h') {
        fputs(options->help, stdout);
    } else if (option == ':') {
        cli_usage(options->command, "option '%s' wants a value", word);
        return '?';
    } else if (option == '?') {
        cli_usage(options->command, "option '%s' is unknown, ambiguous, or takes no value", word);
    }
    return option;
}

int cli_option_exit(int option)
{
    return option == 'h' ? CLI_DONE : CLI_USAGE;
}

bool cli_parse_u64(const char *command, const char *option, const char *text, uint64_t low,
                   uint64_t high, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long value = text[0] >= '0' && text[0] <= '9' ? strtoull(text, &end, 0) : 0;
    if (end == NULL || *end != '\0' || errno != 0 || value < low || value > high) {
        cli_usage(command, "%s: expected a whole number from %" PRIu64 " to %" PRIu64 ", got '%s'",
                  option, low, high, text);
        return false;
    }
    *out = value;
    return true;
}

int cli_load_config(const char *command, const char *name, isa_config *config)
{
    base_diag diag = {0};
    if (isa_config_find(name != NULL ? name : "edge", config, &diag) != SY_OK) {
        return cli_fail(command, &diag);
    }
    return CLI_DONE;
}

/* ---------------------------------------------------------------- progress */

double cli_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void cli_progress_update(cli_progress *progress, const char *what, uint64_t done, uint64_t total,
                         const char *extra)
{
    enum { WIDTH = 30 };
    const double now = cli_now();
    char bar[WIDTH + 1];
    if (progress->begin <= 0) {
        progress->begin = now;
    }
    /* Not for what is over in a blink, and ten times a second is enough for an eye. */
    if (!isatty(STDERR_FILENO) || now - progress->begin < 0.3 ||
        (now - progress->last < 0.1 && done != total)) {
        return;
    }
    progress->last = now;
    progress->shown = true;
    const double share = total > 0 ? (double)done / (double)total : 0.0;
    const int filled = (int)(share * WIDTH);
    for (int i = 0; i < WIDTH; i++) {
        bar[i] = i < filled ? '#' : '.';
    }
    bar[WIDTH] = '\0';
    const double left = done > 0
                            ? (now - progress->begin) * (1.0 - share) / (share > 0 ? share : 1.0)
                            : 0.0;
    fprintf(stderr, "\r%s [%s] %" PRIu64 "/%" PRIu64 " %3.0f %%, %.0f s left%s%s\033[K", what, bar,
            done, total, 100.0 * share, left, extra != NULL ? ", " : "",
            extra != NULL ? extra : "");
    fflush(stderr);
}

void cli_notice(void *user, const char *line)
{
    fflush(stdout);
    fprintf(stderr, "%ssystole: %s: note: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "",
            (const char *)user, line);
}

void cli_progress_end(cli_progress *progress)
{
    if (progress->shown) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress->shown = false;
    }
}
