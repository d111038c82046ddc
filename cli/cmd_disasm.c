/*
 * cmd_disasm.c -- systole disasm.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"
#include "systole/isa/program.h"

const char help_disasm[] =
    "usage: systole disasm FILE.elf\n"
    "\n"
    "Lists the instructions of a program or compiled model: labels, addresses, words, and\n"
    "text that 'systole asm' reads.\n"
    "\n"
    "Example:\n"
    "    systole disasm model.elf | less\n";

int cmd_disasm(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
    const cli_options spec = {"disasm", help_disasm, ":h", options};
    base_diag diag = {0};
    for (int option; (option = cli_next_option(&spec, argc, argv)) != -1;) {
        return cli_option_exit(option);
    }
    if (argc - optind != 1) {
        return cli_usage("disasm", "expected one program, got %d", argc - optind);
    }
    base_arena *arena = base_arena_create();
    base_buf listing = {0};
    isa_program program = {0};
    sy_status status = isa_program_load(arena, argv[optind], &program, &diag);
    if (status == SY_OK) {
        isa_program_list(&program, &listing);
        status = base_buf_status(&listing);
    }
    const int exit_status = status == SY_OK ? CLI_DONE : cli_fail("disasm", &diag);
    cli_print_buf(&listing);
    base_buf_free(&listing);
    base_arena_destroy(arena);
    return exit_status;
}
