/*
 * cmd_asm.c -- systole asm.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "cli.h"
#include "systole/base/file.h"
#include "systole/isa/asm.h"

#define SOURCE_LIMIT_BYTES ((size_t)1 << 28)

const char help_asm[] =
    "usage: systole asm FILE.s -o FILE.elf [-c CONFIG]\n"
    "\n"
    "Assembles a program for the machine: RV32IM for the core, Xsystole for the units.\n"
    "\n"
    "  -o, --output FILE.elf    where the program goes (default: FILE.elf beside the source)\n"
    "  -c, --config CONFIG      note in the program what it is for; it is then refused\n"
    "                           elsewhere\n"
    "      --bare ADDRESS       a bare-metal program instead, for 'systole run --bare': .text at\n"
    "                           ADDRESS, .data 64 KiB behind it, every label a symbol\n"
    "\n"
    "A line is [label:] [instruction or directive] [# comment]. Commands of the units look as\n"
    "'systole disasm' prints them. 'UNIT.setf FIELD=VALUE, ...' sets descriptor registers by\n"
    "name, through t5 and t6; docs/reference/isa-tables.md lists them.\n"
    "\n"
    "  .text  .data  .dram ADDRESS   where what follows goes: IMEM, DMEM, DRAM from there on\n"
    "  .word .half .byte VALUE, ...  integers; .float NUMBER, ... fp32\n"
    "  .zero N   .align K            N zero bytes; zeros up to a multiple of 2^K\n"
    "  .random N, SEED               N random bytes, the same for the same seed\n"
    "  .equ NAME, VALUE              a constant\n"
    "  .entry LABEL                  where a run begins (default: _start, else address 0)\n"
    "\n"
    "Example: copy.s for -c edge, where a row has 16 bytes\n"
    "        ld.setf  addr_lo=image, n0=16, n1=4, n2=1, n3=1, s1=16\n"
    "        ld.setf  hi0=16, hi1=4, hi2=1, hi3=1, row_base=0, m0=4, m1=1, m2=1, m3=1, t0=1\n"
    "        ld.load  x0            # the register holds a tag that travels with the command\n"
    "        core.fence\n"
    "        core.halt x0           # ... here the exit code\n"
    "    .dram 0x1000\n"
    "    image: .random 64, 1\n"
    "\n"
    "    systole asm copy.s -o copy.elf && systole run copy.elf\n";

enum { BARE = 256 };

/* The source as a bare-metal program's ELF file. */
static sy_status assemble_bare(base_arena *arena, const char *text, const char *source,
                               uint32_t address, const char *path, isa_asm_where *where,
                               base_diag *diag)
{
    isa_image image = {0};
    base_buf bytes = {0};
    SY_TRY(isa_assemble_image(arena, text, source, address, &image, where, diag));
    sy_status status = isa_image_encode(&image, &bytes, diag);
    if (status == SY_OK) {
        status = base_file_write_atomic(diag, path, bytes.data, bytes.n_bytes);
    }
    base_buf_free(&bytes);
    return status;
}

/* The source as a program for the machine. */
static sy_status assemble_program(base_arena *arena, const char *text, const char *source,
                                  const char *config, const char *path, isa_asm_where *where,
                                  base_diag *diag)
{
    isa_program program = {0};
    SY_TRY(isa_assemble(arena, text, source, &program, where, diag));
    if (config != NULL) {
        SY_TRY(isa_config_find(config, &program.config, diag));
        program.has_config = true;
        SY_TRY(isa_program_check(&program, &program.config, diag));
    }
    return isa_program_write(&program, path, diag);
}

int cmd_asm(int argc, char **argv)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"bare", required_argument, NULL, BARE},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const cli_options spec = {"asm", help_asm, ":o:c:h", options};
    const char *output = NULL;
    const char *config = NULL;
    uint64_t address = 0;
    bool bare = false;
    base_diag diag = {0};
    for (int option; (option = cli_next_option(&spec, argc, argv)) != -1;) {
        if (option == 'o') {
            output = optarg;
        } else if (option == 'c') {
            config = optarg;
        } else if (option == BARE) {
            bare = true;
            if (!cli_parse_u64("asm", "--bare", optarg, 0, UINT32_MAX, &address)) {
                return CLI_USAGE;
            }
        } else {
            return cli_option_exit(option);
        }
    }
    if (argc - optind != 1) {
        return cli_usage("asm", "expected one source file, got %d", argc - optind);
    }
    if (bare && config != NULL) {
        return cli_usage("asm", "-c is not for --bare");
    }
    const char *source = argv[optind];
    base_arena *arena = base_arena_create();
    base_buf text = {0};
    base_buf path = {0};
    isa_asm_where where = {0};
    const size_t n = strlen(source);
    base_buf_append(&path, source, n > 2 && strcmp(source + n - 2, ".s") == 0 ? n - 2 : n);
    base_buf_append(&path, ".elf", sizeof ".elf");
    sy_status status = base_file_read(&diag, source, SOURCE_LIMIT_BYTES, &text);
    base_buf_putc(&text, '\0');
    if (status == SY_OK) {
        output = output != NULL ? output : path.data;
        status = bare ? assemble_bare(arena, text.data, source, (uint32_t)address, output, &where,
                                      &diag)
                      : assemble_program(arena, text.data, source, config, output, &where, &diag);
    }
    int exit_status = CLI_DONE;
    if (status != SY_OK) {
        exit_status = cli_fail("asm", &diag);
        if (where.line > 0) {
            base_buf caret = {0};
            isa_asm_show(text.data, where, &caret);
            fputs(caret.data != NULL ? caret.data : "", stderr);
            base_buf_free(&caret);
        }
    }
    base_buf_free(&text);
    base_buf_free(&path);
    base_arena_destroy(arena);
    return exit_status;
}
