/*
 * view_md.c -- isa-tables.md: the tables for people.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "view.h"

static void print_title(base_buf *out, const char *title, const char *source, const char *columns)
{
    base_buf_printf(out, "\n## %s\n\nSource: `isa/%s`\n\n%s\n", title, source, columns);
    for (const char *c = columns; *c != '\0'; c++) {
        if (*c == '|') {
            base_buf_puts(out, c[1] != '\0' ? "|---" : "|\n");
        }
    }
}

static void print_units(base_buf *out)
{
    print_title(out, "Units", "units.def", "| unit | number | |");
    for (size_t i = 0; i < isa_unit_rows_n; i++) {
        base_buf_printf(out, "| %s | %" PRIu32 " | %s |\n", isa_unit_rows[i].name,
                        isa_unit_rows[i].number, isa_unit_rows[i].summary);
    }
    print_title(out, "Xsystole instructions", "isa.def",
                "| unit | instruction | funct7 | rs1 | built | |");
    for (size_t i = 0; i < isa_command_rows_n; i++) {
        const isa_command_row *row = &isa_command_rows[i];
        base_buf_printf(out, "| %s | %s | 0x%02" PRIX32 " | %s | %s | %s |\n", row->unit, row->name,
                        row->funct7, row->args, row->built != 0 ? "yes" : "no", row->summary);
    }
    base_buf_printf(out,
                    "\n`SET`: funct7 = 0x%02" PRIX32
                    " + pair, rs1 and rs2 hold the values of registers 2 pair "
                    "and 2 pair + 1 of the unit.\n",
                    ISA_TABLE_SET);
}

static void print_values(base_buf *out, const isa_bits_row *field)
{
    bool any = false;
    for (size_t i = 0; i < isa_value_rows_n; i++) {
        const isa_value_row *row = &isa_value_rows[i];
        if (strcmp(row->unit, field->unit) == 0 && strcmp(row->field, field->name) == 0) {
            base_buf_printf(out, "%s%" PRIu32 " `%s`%s: %s", any ? "<br>" : "", row->value,
                            row->name, row->built != 0 ? "" : " (not built)", row->summary);
            any = true;
        }
    }
}

static void print_bits(base_buf *out, const isa_bits_row *rows, size_t n, const char *unit)
{
    for (size_t i = 0; i < n; i++) {
        const isa_bits_row *row = &rows[i];
        if (strcmp(row->unit, unit) != 0) {
            continue;
        }
        base_buf_printf(out, "| %s | %s | %" PRIu32 ":%" PRIu32 " | %s | ", row->reg, row->name,
                        row->low + row->width - 1, row->low, row->summary);
        print_values(out, row);
        base_buf_puts(out, " |\n");
    }
}

static void print_registers(base_buf *out)
{
    for (size_t u = 0; u < isa_unit_rows_n; u++) {
        const char *unit = isa_unit_rows[u].name;
        char title[VIEW_NAME_BYTES];
        if (view_n_registers(unit) == 0) {
            continue;
        }
        (void)snprintf(title, sizeof title, "Descriptor registers of %s", unit);
        print_title(out, title, "fields.def", "| register | name | type | |");
        for (size_t i = 0; i < isa_register_rows_n; i++) {
            const isa_register_row *row = &isa_register_rows[i];
            if (strcmp(row->unit, unit) == 0) {
                base_buf_printf(out, "| %" PRIu32 " | %s | %s | %s |\n", row->number, row->name,
                                row->type, row->summary);
            }
        }
        (void)snprintf(title, sizeof title, "Bit fields of %s", unit);
        print_title(out, title, "fields.def", "| register | field | bits | | values |");
        print_bits(out, isa_bits_rows, isa_bits_rows_n, unit);
    }
}

static void print_numbers(base_buf *out, const isa_number_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        base_buf_printf(out, "| %s | %" PRIu32 " | %s |\n", rows[i].name, rows[i].number,
                        rows[i].summary);
    }
}

static void print_access(base_buf *out, const isa_access_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        base_buf_printf(out, "| %s | 0x%03" PRIX32 " | %s | %s |\n", rows[i].name, rows[i].number,
                        rows[i].access, rows[i].summary);
    }
}

static void print_functions(base_buf *out)
{
    print_title(out, "Elementary functions", "include/systole/isa/functions.def",
                "| function | largest error | at v = | for v | segments | ROM bits | |");
    view_md_functions(out);
    base_buf_puts(
        out, "\nThe error is the result's distance from the exact value, in units of that value's last "
             "place, over all fp32 inputs of the range; 0.5 would be correct rounding. "
             "`bench/fn_error` measures it. All functions are monotonic. ROM bits: what the "
             "coefficients of the function need; tanh also uses those of sigmoid, phi those of erf. "
             "To the bit: `isa/spec/numerics.md`.\n");
}

static void print_core(base_buf *out)
{
    print_title(out, "Core timing", "core.def", "| class | cycles | |");
    print_numbers(out, isa_timing_rows, isa_timing_rows_n);
    print_title(out, "Control and status registers", "core.def", "| CSR | number | access | |");
    print_access(out, isa_csr_rows, isa_csr_rows_n);
    print_title(out, "Exceptions", "core.def", "| exception | mcause | |");
    print_numbers(out, isa_exception_rows, isa_exception_rows_n);
    print_title(out, "Memories", "memmap.def", "| memory | number | base | |");
    for (size_t i = 0; i < isa_memory_rows_n; i++) {
        base_buf_printf(out, "| %s | %" PRIu32 " | 0x%08" PRIX32 " | %s |\n",
                        isa_memory_rows[i].name, isa_memory_rows[i].number, isa_memory_rows[i].base,
                        isa_memory_rows[i].summary);
    }
    print_title(out, "RV32 instructions", "rv32.def",
                "| instruction | format | match | mask | class | |");
    for (size_t i = 0; i < isa_rv32_rows_n; i++) {
        const isa_rv32_row *row = &isa_rv32_rows[i];
        base_buf_printf(out, "| %s | %s | 0x%08" PRIX32 " | 0x%08" PRIX32 " | %s | %s |\n",
                        row->name, row->format, row->match, row->mask, row->timing, row->summary);
    }
}

static void print_config(base_buf *out)
{
    print_title(out, "Configuration keys", "config.def",
                "| key | default | minimum | maximum | power of two | unit | |");
    for (size_t i = 0; i < isa_config_rows_n; i++) {
        const isa_config_row *row = &isa_config_rows[i];
        base_buf_printf(out, "| %s.%s | %" PRIu32 " | %" PRIu32 " | %" PRIu32 " | %s | %s | %s |\n",
                        row->section, row->key, row->value, row->minimum, row->maximum,
                        row->power_of_two != 0 ? "yes" : "no", row->unit, row->summary);
    }
}

/* A row without a key begins a preset. */
static void print_presets(base_buf *out)
{
    print_title(out, "DRAM presets", "dram_presets.def", "| preset | key | value | unit | |");
    for (size_t i = 0; i < isa_preset_rows_n; i++) {
        const isa_preset_row *row = &isa_preset_rows[i];
        if (row->key[0] == '\0') {
            base_buf_printf(out, "| %s | | | | %s |\n", row->preset, row->source);
            continue;
        }
        base_buf_printf(out, "| %s | dram.%s | %" PRIu32 " | %s | %s |\n", row->preset, row->key,
                        row->value, strcmp(row->unit, "COUNT") == 0 ? "" : "ps", row->source);
    }
    base_buf_puts(out, "\nTimes become cycles of `dram.clock_mhz`: rounded up, t_refi down.\n");
}

void view_md(base_buf *out)
{
    base_buf_puts(out,
                  "<!-- GENERATED from isa/X.def by isa_gen md -- do not edit. -->\n"
                  "<!-- Regenerate: cmake --build build/dev --target regen -->\n"
                  "# The tables of the machine\n\n"
                  "Numbers, encodings and fields; what they mean in full is in `isa/spec/`.\n");
    print_units(out);
    print_registers(out);
    print_functions(out);
    print_title(out, "Errors", "errors.def", "| error | code | |");
    print_numbers(out, isa_error_rows, isa_error_rows_n);
    print_title(out, "Counters", "counters.def", "| cause | number | |");
    print_numbers(out, isa_counter_rows, isa_counter_rows_n);
    base_buf_printf(out, "\nCSR 0x%" PRIX32 " + 16 unit + number reads the low 32 bits.\n",
                    ISA_TABLE_COUNTER_CSR);
    print_core(out);
    print_title(out, "Host port registers", "host.def", "| register | offset | access | |");
    print_access(out, isa_host_rows, isa_host_rows_n);
    base_buf_puts(out, "\n| register | field | bits | | |\n|---|---|---|---|---|\n");
    print_bits(out, isa_host_bits_rows, isa_host_bits_rows_n, "HOST");
    print_config(out);
    print_presets(out);
}
