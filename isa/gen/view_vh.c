/*
 * view_vh.c -- isa.vh: the tables for Verilog, as macros, of which any number may stay unused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "view.h"

/* One definition: a number of so many bits, 0 for a plain integer. */
static void define(base_buf *out, const char *name, uint32_t width, uint32_t value)
{
    if (width == 0) {
        base_buf_printf(out, "`define SY_%s %" PRIu32 "\n", name, value);
    } else if (width >= 8) {
        base_buf_printf(out, "`define SY_%s %" PRIu32 "'h%0*" PRIX32 "\n", name, width,
                        (int)((width + 3) / 4), value);
    } else {
        base_buf_printf(out, "`define SY_%s %" PRIu32 "'d%" PRIu32 "\n", name, width, value);
    }
}

static void section(base_buf *out, const char *text)
{
    base_buf_printf(out, "\n// %s\n", text);
}

static void print_units(base_buf *out)
{
    char name[4 * VIEW_NAME_BYTES];
    section(out, "Units: funct3 of Xsystole, index of counters, unit code of errors.");
    for (size_t i = 0; i < isa_unit_rows_n; i++) {
        (void)snprintf(name, sizeof name, "UNIT_%s", isa_unit_rows[i].name);
        define(out, name, 3, isa_unit_rows[i].number);
    }
    define(out, "N_UNITS", 0, (uint32_t)isa_unit_rows_n);
    section(out, "Commands: funct7, what it takes, whether it is built.  SET is SY_F7_SET | pair.");
    define(out, "OPCODE_XSYSTOLE", 7, ISA_TABLE_OPCODE);
    define(out, "F7_SET", 7, ISA_TABLE_SET);
    for (size_t i = 0; i < isa_command_rows_n; i++) {
        const isa_command_row *row = &isa_command_rows[i];
        (void)snprintf(name, sizeof name, "F7_%s_%s", row->unit, row->name);
        define(out, name, 7, row->funct7);
    }
}

/* Verilog functions of the decoder as macros of funct3, funct7, rs1 and rs2 fields. */
static void print_decode(base_buf *out)
{
    section(out, "1 if a word with opcode custom-0 and rd = x0 is legal: f3, f7 and the source "
                 "register numbers.");
    base_buf_puts(out, "`define SY_XSYSTOLE_LEGAL(f3, f7, rs1, rs2) ( \\\n");
    for (size_t i = 0; i < isa_unit_rows_n; i++) {
        const uint32_t n = (view_n_registers(isa_unit_rows[i].name) + 1) / 2;
        if (n > 0) {
            base_buf_printf(out,
                            "    ((f3) == 3'd%" PRIu32 " && (f7) >= 7'h%02" PRIX32
                            " && (f7) < 7'h%02" PRIX32 ") || \\\n",
                            isa_unit_rows[i].number, ISA_TABLE_SET, ISA_TABLE_SET + n);
        }
    }
    for (size_t i = 0; i < isa_command_rows_n; i++) {
        const isa_command_row *row = &isa_command_rows[i];
        const bool none = strcmp(row->args, "NONE") == 0;
        uint32_t unit = 0;
        for (size_t k = 0; k < isa_unit_rows_n; k++) {
            unit = strcmp(isa_unit_rows[k].name, row->unit) == 0 ? isa_unit_rows[k].number : unit;
        }
        base_buf_printf(
            out, "    ((f3) == 3'd%" PRIu32 " && (f7) == 7'h%02" PRIX32 "%s && (rs2) == 5'd0)%s\n",
            unit, row->funct7, none ? " && (rs1) == 5'd0" : "",
            i + 1 < isa_command_rows_n ? " || \\" : ")");
    }
    section(out, "1 if a legal command, not a SET, answers UNIMPLEMENTED.");
    base_buf_puts(out, "`define SY_XSYSTOLE_UNBUILT(f3, f7) (1'b0");
    for (size_t i = 0; i < isa_command_rows_n; i++) {
        const isa_command_row *row = &isa_command_rows[i];
        if (row->built == 0) {
            base_buf_printf(out, " || \\\n    ((f3) == `SY_UNIT_%s && (f7) == `SY_F7_%s_%s)",
                            row->unit, row->unit, row->name);
        }
    }
    base_buf_puts(out, ")\n");
}

static void print_registers(base_buf *out)
{
    char name[4 * VIEW_NAME_BYTES];
    char upper[VIEW_NAME_BYTES];
    for (size_t u = 0; u < isa_unit_rows_n; u++) {
        const char *unit = isa_unit_rows[u].name;
        const uint32_t n = view_n_registers(unit);
        if (n == 0) {
            continue;
        }
        base_buf_printf(out, "\n// Descriptor registers of %s.\n", unit);
        for (size_t i = 0; i < isa_register_rows_n; i++) {
            if (strcmp(isa_register_rows[i].unit, unit) == 0) {
                (void)snprintf(name, sizeof name, "%s_%s", unit,
                               view_upper(upper, isa_register_rows[i].name));
                define(out, name, 0, isa_register_rows[i].number);
            }
        }
        (void)snprintf(name, sizeof name, "%s_N_REGS", unit);
        define(out, name, 0, n);
        (void)snprintf(name, sizeof name, "%s_N_PAIRS", unit);
        define(out, name, 0, (n + 1) / 2);
    }
}

static void field_prefix(char *prefix, size_t n_bytes, const isa_bits_row *row)
{
    char reg[VIEW_NAME_BYTES];
    char field[VIEW_NAME_BYTES];
    (void)snprintf(prefix, n_bytes, "%s_%s_%s", row->unit, view_upper(reg, row->reg),
                   view_upper(field, row->name));
}

static void print_field(base_buf *out, const isa_bits_row *row)
{
    char prefix[3 * VIEW_NAME_BYTES];
    char name[4 * VIEW_NAME_BYTES];
    char upper[VIEW_NAME_BYTES];
    field_prefix(prefix, sizeof prefix, row);
    (void)snprintf(name, sizeof name, "%s_LOW", prefix);
    define(out, name, 0, row->low);
    (void)snprintf(name, sizeof name, "%s_WIDTH", prefix);
    define(out, name, 0, row->width);
    if (row->width > 1) {
        base_buf_printf(out, "`define SY_%s_BITS %" PRIu32 ":%" PRIu32 "\n", prefix,
                        row->low + row->width - 1, row->low);
    } else {
        base_buf_printf(out, "`define SY_%s_BITS %" PRIu32 "\n", prefix, row->low);
    }
    for (size_t i = 0; i < isa_value_rows_n; i++) {
        const isa_value_row *value = &isa_value_rows[i];
        if (strcmp(value->unit, row->unit) == 0 && strcmp(value->field, row->name) == 0) {
            (void)snprintf(name, sizeof name, "%s_%s", prefix, view_upper(upper, value->name));
            define(out, name, row->width, value->value);
        }
    }
}

/*
 * Bit v is 1 if value v of the field is listed (and built, if asked for); 0 for a field without
 * values.
 */
static uint32_t value_set(const isa_bits_row *row, bool built)
{
    uint32_t set = 0;
    for (size_t i = 0; i < isa_value_rows_n; i++) {
        const isa_value_row *value = &isa_value_rows[i];
        if (strcmp(value->unit, row->unit) == 0 && strcmp(value->field, row->name) == 0 &&
            (!built || value->built != 0)) {
            set |= UINT32_C(1) << value->value;
        }
    }
    return set;
}

/* The two checks of a register: bits outside its fields or values not listed; values not built. */
static void print_checks(base_buf *out, const char *unit, const char *reg)
{
    char upper[VIEW_NAME_BYTES];
    uint32_t used = 0;
    for (size_t i = 0; i < isa_bits_rows_n; i++) {
        if (strcmp(isa_bits_rows[i].unit, unit) == 0 && strcmp(isa_bits_rows[i].reg, reg) == 0) {
            used |= (uint32_t)((UINT64_C(1) << isa_bits_rows[i].width) - 1) << isa_bits_rows[i].low;
        }
    }
    for (int pass = 0; pass < 2; pass++) {
        const bool built = pass == 1;
        if (built) {
            base_buf_printf(out, "`define SY_%s_%s_UNBUILT(r) (1'b0", unit, view_upper(upper, reg));
        } else {
            base_buf_printf(out, "`define SY_%s_%s_INVALID(r) ((|((r) & 32'h%08" PRIX32 "))", unit,
                            view_upper(upper, reg), ~used);
        }
        for (size_t i = 0; i < isa_bits_rows_n; i++) {
            const isa_bits_row *row = &isa_bits_rows[i];
            if (strcmp(row->unit, unit) != 0 || strcmp(row->reg, reg) != 0) {
                continue;
            }
            const uint32_t n_values = UINT32_C(1) << row->width;
            const uint32_t all = (uint32_t)((UINT64_C(1) << n_values) - 1);
            const uint32_t listed = value_set(row, false);
            const uint32_t wrong = built ? listed & ~value_set(row, true) : all & ~listed;
            for (uint32_t v = 0; listed != 0 && v < n_values; v++) {
                if ((wrong >> v & 1) != 0) {
                    base_buf_printf(
                        out, " || \\\n    (((r) >> %" PRIu32 ") & 32'h%" PRIX32 ") == 32'd%" PRIu32,
                        row->low, n_values - 1, v);
                }
            }
        }
        base_buf_puts(out, ")\n");
    }
}

static void print_fields(base_buf *out)
{
    section(out,
            "Bit fields: _LOW, _WIDTH, _BITS for part selects r[`..._BITS], and their values.");
    for (size_t i = 0; i < isa_bits_rows_n; i++) {
        print_field(out, &isa_bits_rows[i]);
    }
    section(out, "Checks of a register (r: 32 bits) that has fields: _INVALID is error FIELD, else "
                 "_UNBUILT is "
                 "UNIMPLEMENTED.");
    for (size_t i = 0; i < isa_register_rows_n; i++) {
        if (strcmp(isa_register_rows[i].type, "bits") == 0) {
            print_checks(out, isa_register_rows[i].unit, isa_register_rows[i].name);
        }
    }
}

static void print_numbers(base_buf *out, const char *head, const char *prefix, uint32_t width,
                          const isa_number_row *rows, size_t n)
{
    char name[4 * VIEW_NAME_BYTES];
    section(out, head);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(name, sizeof name, "%s_%s", prefix, rows[i].name);
        define(out, name, width, rows[i].number);
    }
}

static void print_core(base_buf *out)
{
    char name[4 * VIEW_NAME_BYTES];
    char upper[VIEW_NAME_BYTES];
    print_numbers(out, "Cycles of the core's instruction classes.", "CYCLES", 0, isa_timing_rows,
                  isa_timing_rows_n);
    section(out,
            "Control and status registers; counter k of unit u is at SY_CSR_COUNTERS + 16 u + k.");
    for (size_t i = 0; i < isa_csr_rows_n; i++) {
        (void)snprintf(name, sizeof name, "CSR_%s", view_upper(upper, isa_csr_rows[i].name));
        define(out, name, 12, isa_csr_rows[i].number);
    }
    define(out, "CSR_COUNTERS", 12, ISA_TABLE_COUNTER_CSR);
    define(out, "MISA_VALUE", 32, 0x40801100);
    print_numbers(out, "Exceptions: mcause.", "EXCEPTION", 32, isa_exception_rows,
                  isa_exception_rows_n);
    section(out, "Memories: number of host register MEM_SELECT; base address for the core.");
    for (size_t i = 0; i < isa_memory_rows_n; i++) {
        (void)snprintf(name, sizeof name, "MEMORY_%s", isa_memory_rows[i].name);
        define(out, name, 32, isa_memory_rows[i].number);
        (void)snprintf(name, sizeof name, "%s_BASE", isa_memory_rows[i].name);
        define(out, name, 32, isa_memory_rows[i].base);
    }
    section(out, "RV32: (word & _MASK) == _MATCH.");
    for (size_t i = 0; i < isa_rv32_rows_n; i++) {
        (void)snprintf(name, sizeof name, "RV_%s_MATCH", isa_rv32_rows[i].name);
        define(out, name, 32, isa_rv32_rows[i].match);
        (void)snprintf(name, sizeof name, "RV_%s_MASK", isa_rv32_rows[i].name);
        define(out, name, 32, isa_rv32_rows[i].mask);
    }
}

static void print_host(base_buf *out)
{
    char name[4 * VIEW_NAME_BYTES];
    section(out, "Host port: byte offsets of registers, their fields.");
    for (size_t i = 0; i < isa_host_rows_n; i++) {
        (void)snprintf(name, sizeof name, "HOST_%s", isa_host_rows[i].name);
        define(out, name, 12, isa_host_rows[i].number);
    }
    define(out, "HOST_ID_VALUE", 32, 0x53595354);
    for (size_t i = 0; i < isa_host_bits_rows_n; i++) {
        print_field(out, &isa_host_bits_rows[i]);
    }
}

/* Parameters of a configuration with their defaults, as the top module declares them. */
static void print_config(base_buf *out)
{
    char name[4 * VIEW_NAME_BYTES];
    char section_name[VIEW_NAME_BYTES];
    char key[VIEW_NAME_BYTES];
    section(out, "Configuration keys: the default of each; the parameter is SECTION_KEY.");
    for (size_t i = 0; i < isa_config_rows_n; i++) {
        (void)snprintf(name, sizeof name, "DEFAULT_%s_%s",
                       view_upper(section_name, isa_config_rows[i].section),
                       view_upper(key, isa_config_rows[i].key));
        define(out, name, 0, isa_config_rows[i].value);
    }
}

void view_vh(base_buf *out)
{
    base_buf_puts(
        out,
        "// GENERATED from isa/X.def by isa_gen vh -- do not edit.\n"
        "// Regenerate: cmake --build build/dev --target regen\n"
        "`ifndef SY_ISA_VH\n`define SY_ISA_VH\n\n"
        "// Hash of the tables this was made from: host registers ISA_HASH and ISA_HASH_HI.\n");
    base_buf_printf(out, "`define SY_ISA_HASH 64'h%016" PRIx64 "\n", isa_tables_hash());
    print_units(out);
    print_decode(out);
    print_registers(out);
    print_fields(out);
    print_numbers(out, "Errors.", "ERROR", 8, isa_error_rows, isa_error_rows_n);
    print_numbers(out, "Counters: what a unit does in a cycle.", "COUNTER", 4, isa_counter_rows,
                  isa_counter_rows_n);
    define(out, "N_COUNTERS", 0, (uint32_t)isa_counter_rows_n);
    print_core(out);
    print_host(out);
    print_config(out);
    view_vh_functions(out);
    base_buf_puts(out, "\n`endif\n");
}
