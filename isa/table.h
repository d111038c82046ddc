/*
 * table.h -- the tables as arrays of rows, for the generator, the decoder and the assembler.
 *
 * Nothing here depends on a generated file, so the generator builds when all of them are stale or
 * absent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_ISA_TABLE_H
#define SYSTOLE_ISA_TABLE_H

#include <stddef.h>
#include <stdint.h>

typedef struct isa_unit_row {
    const char *name;
    uint32_t number;
    const char *summary;
} isa_unit_row;

typedef struct isa_command_row {
    const char *unit;
    const char *name;
    uint32_t funct7;
    const char *args;
    uint32_t built;
    const char *summary;
} isa_command_row;

typedef struct isa_register_row {
    const char *unit;
    uint32_t number;
    const char *name;
    const char *type;
    const char *summary;
} isa_register_row;

/* A bit field of a descriptor register, or of a host register (then unit is "HOST"). */
typedef struct isa_bits_row {
    const char *unit;
    const char *reg;
    const char *name;
    uint32_t low;
    uint32_t width;
    const char *summary;
} isa_bits_row;

typedef struct isa_value_row {
    const char *unit;
    const char *field;
    const char *name;
    uint32_t value;
    uint32_t built;
    const char *summary;
} isa_value_row;

/* Errors, counters, exceptions: a name and a number. */
typedef struct isa_number_row {
    const char *name;
    uint32_t number;
    const char *summary;
} isa_number_row;

typedef struct isa_config_row {
    const char *section;
    const char *key;
    const char *field;
    uint32_t minimum;
    uint32_t maximum;
    uint32_t power_of_two;
    uint32_t value;
    const char *unit;
    const char *summary;
} isa_config_row;

/* A key that a DRAM preset gives. */
typedef struct isa_preset_row {
    const char *preset;
    const char *key;
    const char *unit;
    uint32_t value;
    const char *source;
} isa_preset_row;

/* CSRs and host registers. */
typedef struct isa_access_row {
    const char *name;
    uint32_t number;
    const char *access;
    const char *summary;
} isa_access_row;

typedef struct isa_memory_row {
    const char *name;
    uint32_t number;
    uint32_t base;
    const char *summary;
} isa_memory_row;

typedef struct isa_format_row {
    const char *name;
    uint32_t operands;
    const char *syntax;
} isa_format_row;

typedef struct isa_rv32_row {
    const char *name;
    const char *format;
    uint32_t match;
    uint32_t mask;
    const char *timing;
    const char *summary;
} isa_rv32_row;

/* Each array with its number of rows, in the order of the table. */
#define ISA_TABLES(X)                        \
    X(isa_unit_row, isa_unit_rows)           \
    X(isa_command_row, isa_command_rows)     \
    X(isa_register_row, isa_register_rows)   \
    X(isa_bits_row, isa_bits_rows)           \
    X(isa_value_row, isa_value_rows)         \
    X(isa_number_row, isa_error_rows)        \
    X(isa_number_row, isa_counter_rows)      \
    X(isa_number_row, isa_timing_rows)       \
    X(isa_number_row, isa_exception_rows)    \
    X(isa_config_row, isa_config_rows)       \
    X(isa_preset_row, isa_preset_rows)       \
    X(isa_access_row, isa_csr_rows)          \
    X(isa_access_row, isa_host_rows)         \
    X(isa_bits_row, isa_host_bits_rows)      \
    X(isa_memory_row, isa_memory_rows)       \
    X(isa_format_row, isa_format_rows)       \
    X(isa_rv32_row, isa_rv32_rows)

#define ISA_TABLE_DECLARE(type, rows) \
    extern const type rows[];         \
    extern const size_t rows##_n;
ISA_TABLES(ISA_TABLE_DECLARE)
#undef ISA_TABLE_DECLARE

/*
 * FNV-1a 64 over one line per row of each table, summaries left out: the table's name and the row's
 * other columns, each after a space, numbers in decimal, and a newline.
 */
uint64_t isa_tables_hash(void);

/* custom-0 and the bit of funct7 that makes a SET. */
#define ISA_TABLE_OPCODE UINT32_C(0x0B)
#define ISA_TABLE_SET UINT32_C(0x40)

/* First CSR of the counters: unit u, cause k is at this + 16 * u + k. */
#define ISA_TABLE_COUNTER_CSR UINT32_C(0xFC0)

#endif
