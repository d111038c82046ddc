/*
 * program.h -- a program for the machine: instructions, data, DRAM contents and what belongs to
 * them, as one ELF file.
 *
 * The file is ELF32, little-endian, EM_RISCV, ET_EXEC:
 *
 *     PT_LOAD  .text            instruction memory, from ISA_IMEM_BASE
 *     PT_LOAD  .data            data memory, from ISA_DMEM_BASE
 *     PT_LOOS + 0x5359  .systole.dram.N
 *                               DRAM from p_paddr: p_filesz bytes, then zeros up to p_memsz
 *     PT_NOTE  .note.systole    type 1: the hashes of the instruction tables and of the configuration,
 *                               64 bits each; type 2: the configuration: name, NUL, INI text, NUL
 *     .symtab  .strtab          functions and labels of .text
 *     any other section         a blob with a name, such as .systole.tensors or ISA_LINES_SECTION
 *
 * A plain RISC-V program linked to these two bases (another toolchain's) reads too; it has no note.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_ISA_PROGRAM_H
#define SYSTOLE_ISA_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "systole/base/arena.h"
#include "systole/base/buf.h"
#include "systole/base/diag.h"
#include "systole/isa/config.h"
#include "systole/status.h"

/* DRAM from address: n_data bytes at data, then zeros up to n_bytes. */
typedef struct isa_segment {
    uint32_t address;
    uint32_t n_bytes;
    uint32_t n_data; /* at most n_bytes; 0: all zeros */
    const uint8_t *data;
} isa_segment;

/* A function or label of .text. */
typedef struct isa_symbol {
    const char *name;
    uint32_t pc;
    uint32_t n_bytes; /* 0: unknown */
} isa_symbol;

typedef struct isa_section {
    const char *name;
    const void *data;
    size_t n_bytes;
} isa_section;

/*
 * Owns nothing: what it points to belongs to the arena, or the caller, that made it.
 * Zero-initialise it.
 */
typedef struct isa_program {
    const uint8_t *text;   /* words, little-endian, at any alignment: base_get_le32 */
    uint32_t n_text_bytes; /* a multiple of 4 */
    const uint8_t *data;   /* from ISA_DMEM_BASE */
    uint32_t n_data_bytes;
    uint32_t entry;          /* pc of the first instruction */
    const isa_segment *dram; /* disjoint, in rising order after reading */
    size_t n_dram;
    const isa_symbol *symbols;
    size_t n_symbols;
    const isa_section *sections; /* other named blobs */
    size_t n_sections;
    uint64_t isa_hash; /* isa_table_hash of who wrote it; 0: not known */
    bool has_config;
    isa_config config; /* what it was compiled for */
} isa_program;

/*
 * Appends the ELF file. Errors: SY_EINVAL for n_text_bytes not a multiple of 4, an empty or doubled
 * section name, or a name that the file uses itself; SY_ERANGE if the file would pass 4 GiB;
 * SY_ENOMEM.
 */
sy_status isa_program_encode(const isa_program *program, base_buf *out, base_diag *diag);

/* Writes the ELF file aside, then renames it to path. Errors: as isa_program_encode, and SY_EIO. */
sy_status isa_program_write(const isa_program *program, const char *path, base_diag *diag);

/*
 * Reads an ELF file from memory; name is for messages.  The program points into bytes wherever it
 * can, so they must live as long; the rest is from the arena.  No length in the file is used before
 * it is checked.
 *
 * Errors: SY_EFORMAT, with one line; SY_ENOMEM.  *program is unchanged on error.
 */
sy_status isa_program_decode(base_arena *arena, const void *bytes, size_t n_bytes, const char *name,
                             isa_program *program, base_diag *diag);

/* Reads a file; everything is in the arena. Errors: as isa_program_decode, and SY_EIO. */
sy_status isa_program_load(base_arena *arena, const char *path, isa_program *program,
                           base_diag *diag);

/*
 * Whether a machine can run it: built from these instruction tables and for this configuration
 * (where it says so), and text, data and DRAM fit.  Errors: SY_EMISMATCH for a wrong hash,
 * SY_ERANGE for a size, with one line.
 */
sy_status isa_program_check(const isa_program *program, const isa_config *config, base_diag *diag);

/* The pc of a symbol; false if there is none of that name. */
bool isa_program_find(const isa_program *program, const char *name, uint32_t *pc);

/* The symbol that pc lies in or after, NULL if there is none: for listings and reports. */
const isa_symbol *isa_program_symbol_at(const isa_program *program, uint32_t pc);

/* A named section, NULL if there is none. */
const isa_section *isa_program_section(const isa_program *program, const char *name);

/*
 * Section with the source of each instruction, which the assembler writes: the file's name, NUL, then the line of each word
 * of .text, 32 bits little-endian, 0 for none.
 */
#define ISA_LINES_SECTION ".systole.lines"

/*
 * Appends where an instruction is, in a person's words: " (copy.s:12)" if the program knows its source lines, else
 * " (symbol+0x8)", else nothing.
 */
void isa_program_where(const isa_program *program, uint32_t pc, base_buf *out);

/* Appends a listing of .text: labels, addresses, words, instructions. */
void isa_program_list(const isa_program *program, base_buf *out);

#endif
