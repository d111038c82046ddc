/*
 * table.c -- the tables as arrays, and their hash.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "systole/base/hash.h"

/* clang-format off */
const isa_unit_row isa_unit_rows[] = {
#define U(unit, number, summary) {#unit, number, summary},
#include "systole/isa/tables.h"
};
const isa_command_row isa_command_rows[] = {
#define I(unit, name, funct7, args, built, summary) {#unit, #name, funct7, #args, built, summary},
#include "systole/isa/tables.h"
};
const isa_register_row isa_register_rows[] = {
#define F(unit, number, name, type, summary) {#unit, number, #name, #type, summary},
#include "systole/isa/tables.h"
};
const isa_bits_row isa_bits_rows[] = {
#define B(unit, register_name, field, low, width, summary) {#unit, #register_name, #field, low, width, summary},
#include "systole/isa/tables.h"
};
const isa_value_row isa_value_rows[] = {
#define E(unit, field, name, value, built, summary) {#unit, #field, #name, value, built, summary},
#include "systole/isa/tables.h"
};
const isa_number_row isa_error_rows[] = {
#define R(name, code, summary) {#name, code, summary},
#include "systole/isa/tables.h"
};
const isa_number_row isa_counter_rows[] = {
#define K(name, number, summary) {#name, number, summary},
#include "systole/isa/tables.h"
};
const isa_number_row isa_timing_rows[] = {
#define T(name, cycles, summary) {#name, cycles, summary},
#include "systole/isa/tables.h"
};
const isa_number_row isa_exception_rows[] = {
#define X(name, number, summary) {#name, number, summary},
#include "systole/isa/tables.h"
};
const isa_config_row isa_config_rows[] = {
#define C(section, key, field, minimum, maximum, power_of_two, value, unit, summary) {#section, #key, #field, minimum, maximum, power_of_two, value, unit, summary},
#include "systole/isa/tables.h"
};
const isa_preset_row isa_preset_rows[] = {
#define P(preset, summary) {#preset, "", "", 0, summary},
#define Q(preset, key, field, unit, value, source) {#preset, #key, #unit, value, source},
#include "systole/isa/tables.h"
};
const isa_access_row isa_csr_rows[] = {
#define S(name, number, access, summary) {#name, number, #access, summary},
#include "systole/isa/tables.h"
};
const isa_access_row isa_host_rows[] = {
#define H(name, offset, access, summary) {#name, offset, #access, summary},
#include "systole/isa/tables.h"
};
const isa_bits_row isa_host_bits_rows[] = {
#define G(register_name, field, low, width, summary) {"HOST", #register_name, #field, low, width, summary},
#include "systole/isa/tables.h"
};
const isa_memory_row isa_memory_rows[] = {
#define M(name, number, base, summary) {#name, number, base, summary},
#include "systole/isa/tables.h"
};
const isa_format_row isa_format_rows[] = {
#define O(format, operands, syntax) {#format, operands, syntax},
#include "systole/isa/tables.h"
};
const isa_rv32_row isa_rv32_rows[] = {
#define V(name, format, match, mask, timing, summary) {#name, #format, match, mask, #timing, summary},
#include "systole/isa/tables.h"
};
/* clang-format on */

#define TABLE_LENGTH(type, rows) const size_t rows##_n = sizeof rows / sizeof rows[0];
ISA_TABLES(TABLE_LENGTH)

static void hash_text(uint64_t *hash, const char *text)
{
    *hash = base_hash_fnv1a_more(*hash, " ", 1);
    *hash = base_hash_fnv1a_more(*hash, text, strlen(text));
}

static void hash_number(uint64_t *hash, uint32_t number)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%" PRIu32, number);
    hash_text(hash, text);
}

static void hash_begin(uint64_t *hash, const char *table)
{
    *hash = base_hash_fnv1a_more(*hash, table, strlen(table));
}

static void hash_end(uint64_t *hash)
{
    *hash = base_hash_fnv1a_more(*hash, "\n", 1);
}

static void hash_bits(uint64_t *hash, const isa_bits_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        hash_begin(hash, "bits");
        hash_text(hash, rows[i].unit);
        hash_text(hash, rows[i].reg);
        hash_text(hash, rows[i].name);
        hash_number(hash, rows[i].low);
        hash_number(hash, rows[i].width);
        hash_end(hash);
    }
}

static void hash_numbers(uint64_t *hash, const char *table, const isa_number_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        hash_begin(hash, table);
        hash_text(hash, rows[i].name);
        hash_number(hash, rows[i].number);
        hash_end(hash);
    }
}

static void hash_access(uint64_t *hash, const char *table, const isa_access_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        hash_begin(hash, table);
        hash_text(hash, rows[i].name);
        hash_number(hash, rows[i].number);
        hash_text(hash, rows[i].access);
        hash_end(hash);
    }
}

static void hash_units(uint64_t *hash)
{
    for (size_t i = 0; i < isa_unit_rows_n; i++) {
        hash_begin(hash, "unit");
        hash_text(hash, isa_unit_rows[i].name);
        hash_number(hash, isa_unit_rows[i].number);
        hash_end(hash);
    }
    for (size_t i = 0; i < isa_command_rows_n; i++) {
        const isa_command_row *row = &isa_command_rows[i];
        hash_begin(hash, "command");
        hash_text(hash, row->unit);
        hash_text(hash, row->name);
        hash_number(hash, row->funct7);
        hash_text(hash, row->args);
        hash_number(hash, row->built);
        hash_end(hash);
    }
    for (size_t i = 0; i < isa_register_rows_n; i++) {
        const isa_register_row *row = &isa_register_rows[i];
        hash_begin(hash, "register");
        hash_text(hash, row->unit);
        hash_number(hash, row->number);
        hash_text(hash, row->name);
        hash_text(hash, row->type);
        hash_end(hash);
    }
    hash_bits(hash, isa_bits_rows, isa_bits_rows_n);
    for (size_t i = 0; i < isa_value_rows_n; i++) {
        const isa_value_row *row = &isa_value_rows[i];
        hash_begin(hash, "value");
        hash_text(hash, row->unit);
        hash_text(hash, row->field);
        hash_text(hash, row->name);
        hash_number(hash, row->value);
        hash_number(hash, row->built);
        hash_end(hash);
    }
}

static void hash_config(uint64_t *hash)
{
    for (size_t i = 0; i < isa_config_rows_n; i++) {
        const isa_config_row *row = &isa_config_rows[i];
        hash_begin(hash, "config");
        hash_text(hash, row->section);
        hash_text(hash, row->key);
        hash_number(hash, row->minimum);
        hash_number(hash, row->maximum);
        hash_number(hash, row->power_of_two);
        hash_number(hash, row->value);
        hash_end(hash);
    }
}

static void hash_core(uint64_t *hash)
{
    hash_numbers(hash, "timing", isa_timing_rows, isa_timing_rows_n);
    hash_access(hash, "csr", isa_csr_rows, isa_csr_rows_n);
    hash_numbers(hash, "exception", isa_exception_rows, isa_exception_rows_n);
    for (size_t i = 0; i < isa_memory_rows_n; i++) {
        hash_begin(hash, "memory");
        hash_text(hash, isa_memory_rows[i].name);
        hash_number(hash, isa_memory_rows[i].number);
        hash_number(hash, isa_memory_rows[i].base);
        hash_end(hash);
    }
    for (size_t i = 0; i < isa_format_rows_n; i++) {
        hash_begin(hash, "format");
        hash_text(hash, isa_format_rows[i].name);
        hash_number(hash, isa_format_rows[i].operands);
        hash_end(hash);
    }
    for (size_t i = 0; i < isa_rv32_rows_n; i++) {
        const isa_rv32_row *row = &isa_rv32_rows[i];
        hash_begin(hash, "rv32");
        hash_text(hash, row->name);
        hash_text(hash, row->format);
        hash_number(hash, row->match);
        hash_number(hash, row->mask);
        hash_text(hash, row->timing);
        hash_end(hash);
    }
}

uint64_t isa_tables_hash(void)
{
    uint64_t hash = BASE_FNV1A_INIT;
    hash_units(&hash);
    hash_numbers(&hash, "error", isa_error_rows, isa_error_rows_n);
    hash_numbers(&hash, "counter", isa_counter_rows, isa_counter_rows_n);
    hash_config(&hash);
    hash_core(&hash);
    hash_access(&hash, "host", isa_host_rows, isa_host_rows_n);
    hash_bits(&hash, isa_host_bits_rows, isa_host_bits_rows_n);
    return hash;
}
