/*
 * view_c.c -- fields.h: what the tables write in lower case, in upper case for C.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "view.h"

static void print_registers(base_buf *out, const char *unit)
{
    char name[VIEW_NAME_BYTES];
    const uint32_t n = view_n_registers(unit);
    if (n == 0) {
        return;
    }
    base_buf_printf(out, "/* Descriptor registers of %s. */\nenum {\n", unit);
    for (size_t i = 0; i < isa_register_rows_n; i++) {
        const isa_register_row *row = &isa_register_rows[i];
        if (strcmp(row->unit, unit) == 0) {
            base_buf_printf(out, "    ISA_%s_%s = %" PRIu32 ", /* %s: %s */\n", unit,
                            view_upper(name, row->name), row->number, row->type, row->summary);
        }
    }
    base_buf_printf(out,
                    "    ISA_%s_N_REGS = %" PRIu32 ",\n    ISA_%s_N_PAIRS = %" PRIu32 "\n};\n\n",
                    unit, n, unit, (n + 1) / 2);
}

/* The values of a field as an enum, if it has any. */
static void print_values(base_buf *out, const isa_bits_row *field, const char *prefix)
{
    char name[VIEW_NAME_BYTES];
    bool any = false;
    for (size_t i = 0; i < isa_value_rows_n; i++) {
        const isa_value_row *row = &isa_value_rows[i];
        if (strcmp(row->unit, field->unit) != 0 || strcmp(row->field, field->name) != 0) {
            continue;
        }
        if (!any) {
            base_buf_puts(out, "typedef enum isa_");
            for (const char *c = prefix; *c != '\0'; c++) {
                base_buf_putc(out, (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c));
            }
            base_buf_puts(out, " {\n");
        }
        any = true;
        base_buf_printf(out, "    ISA_%s_%s = %" PRIu32 ", /* %s%s */\n", prefix,
                        view_upper(name, row->name), row->value,
                        row->built != 0 ? "" : "not built: ", row->summary);
    }
    if (any) {
        base_buf_puts(out, "} isa_");
        for (const char *c = prefix; *c != '\0'; c++) {
            base_buf_putc(out, (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c));
        }
        base_buf_puts(out, ";\n");
    }
}

static void print_field(base_buf *out, const isa_bits_row *row)
{
    char reg[VIEW_NAME_BYTES];
    char name[VIEW_NAME_BYTES];
    char prefix[3 * VIEW_NAME_BYTES];
    (void)snprintf(prefix, sizeof prefix, "%s_%s_%s", row->unit, view_upper(reg, row->reg),
                   view_upper(name, row->name));
    base_buf_printf(out, "/* %s %s: %s */\n", row->unit, row->reg, row->summary);
    base_buf_printf(out, "#define ISA_%s_LOW %" PRIu32 "\n", prefix, row->low);
    base_buf_printf(out, "#define ISA_%s_WIDTH %" PRIu32 "\n", prefix, row->width);
    base_buf_printf(out, "#define ISA_%s_MASK UINT32_C(0x%" PRIX32 ")\n", prefix,
                    (uint32_t)((UINT64_C(1) << row->width) - 1));
    print_values(out, row, prefix);
    base_buf_putc(out, '\n');
}

void view_c(base_buf *out)
{
    char name[VIEW_NAME_BYTES];
    base_buf_puts(
        out,
        "/* GENERATED from isa/X.def by isa_gen c -- do not edit. */\n"
        "/* Regenerate: cmake --build build/dev --target regen */\n"
        "#ifndef SYSTOLE_ISA_FIELDS_H\n#define SYSTOLE_ISA_FIELDS_H\n\n#include <stdint.h>\n\n");
    base_buf_printf(out,
                    "/* isa_table_hash of the tables this was made from. */\n"
                    "#define ISA_TABLE_HASH UINT64_C(0x%016" PRIx64 ")\n\n",
                    isa_tables_hash());
    for (size_t i = 0; i < isa_unit_rows_n; i++) {
        print_registers(out, isa_unit_rows[i].name);
    }
    base_buf_puts(out, "/* Bit fields of descriptor registers, and their values. */\n\n");
    for (size_t i = 0; i < isa_bits_rows_n; i++) {
        print_field(out, &isa_bits_rows[i]);
    }
    base_buf_puts(out, "/* Control and status registers. */\nenum {\n");
    for (size_t i = 0; i < isa_csr_rows_n; i++) {
        base_buf_printf(out, "    ISA_CSR_%s = 0x%03" PRIX32 ", /* %s: %s */\n",
                        view_upper(name, isa_csr_rows[i].name), isa_csr_rows[i].number,
                        isa_csr_rows[i].access, isa_csr_rows[i].summary);
    }
    base_buf_puts(out, "};\n\n#endif\n");
}
