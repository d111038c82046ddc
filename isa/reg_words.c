/*
 * reg_words.c -- what is wrong with a value of a register with bit fields, in words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "systole/isa/isa.h"
#include "table.h"

static bool of_field(const isa_value_row *row, const isa_bits_row *field)
{
    return strcmp(row->field, field->name) == 0 && strcmp(row->unit, field->unit) == 0;
}

/* "none, i8, i32 or f32". */
static void say_values(const isa_bits_row *field, base_buf *out)
{
    size_t n = 0;
    for (size_t i = 0; i < isa_value_rows_n; i++) {
        n += of_field(&isa_value_rows[i], field) ? 1 : 0;
    }
    for (size_t i = 0, k = 0; i < isa_value_rows_n; i++) {
        const isa_value_row *row = &isa_value_rows[i];
        if (of_field(row, field)) {
            base_buf_printf(out, "%s%s (%" PRIu32 ")", k == 0 ? "" : k + 1 == n ? " or " : ", ", row->name, row->value);
            k++;
        }
    }
}

/* What is wrong with one field; false: nothing. */
static bool say_field(const isa_bits_row *field, uint32_t value, base_buf *out)
{
    const isa_value_row *listed = NULL;
    bool any = false;
    for (size_t i = 0; i < isa_value_rows_n; i++) {
        const isa_value_row *row = &isa_value_rows[i];
        if (of_field(row, field)) {
            any = true;
            listed = row->value == value ? row : listed;
        }
    }
    if (any && listed == NULL) {
        base_buf_printf(out, "%s.%s is %" PRIu32 ", expected ", field->reg, field->name, value);
        say_values(field, out);
        return true;
    }
    if (listed != NULL && listed->built == 0) {
        base_buf_printf(out, "%s.%s is %s (%" PRIu32 "), which this machine does not have", field->reg, field->name,
                        listed->name, value);
        return true;
    }
    return false;
}

bool isa_reg_words(isa_unit unit, unsigned reg, uint32_t value, base_buf *out)
{
    const isa_reg_info *info = isa_reg_describe(unit, reg);
    const isa_error error = isa_reg_check(unit, reg, value);
    if (error == ISA_ERROR_NONE) {
        return false;
    }
    uint32_t used = 0;
    for (size_t i = 0; i < isa_bits_rows_n; i++) {
        const isa_bits_row *row = &isa_bits_rows[i];
        if (strcmp(row->reg, info->name) == 0 && strcmp(row->unit, isa_unit_name((unsigned)unit)) == 0) {
            const uint32_t mask = (uint32_t)((UINT64_C(1) << row->width) - 1);
            used |= mask << row->low;
            if (say_field(row, (value >> row->low) & mask, out)) {
                return true;
            }
        }
    }
    base_buf_printf(out, "%s is 0x%" PRIx32 ", expected no bits but those of 0x%" PRIx32, info->name, value, used);
    return true;
}
