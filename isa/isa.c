/*
 * isa.c -- names, texts and lookups over the tables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/isa/isa.h"

#include <string.h>

#include "systole/base/assert.h"
#include "table.h"

/* isa.h states these two bases as preprocessor constants; the table must agree. */
#define M(name, number, base, summary)                                         \
    _Static_assert(number == ISA_MEMORY_IMEM                                   \
                       ? (base) == ISA_IMEM_BASE                               \
                       : number != ISA_MEMORY_DMEM || (base) == ISA_DMEM_BASE, \
                   #name);
#include "systole/isa/tables.h"

#define TYPE_u32  ISA_TYPE_U32
#define TYPE_s32  ISA_TYPE_S32
#define TYPE_f32  ISA_TYPE_F32
#define TYPE_bits ISA_TYPE_BITS

static const isa_reg_info reg_infos[] = {
#define F(unit, number, name, type, summary) {#name, summary, TYPE_##type},
#include "systole/isa/tables.h"
};

/* Registers stand in the table unit by unit: where each unit's begin and how many they are. */
static unsigned find_regs(isa_unit unit, const isa_reg_info **first)
{
    unsigned n = 0;
    *first = NULL;
    for (size_t i = 0; i < isa_register_rows_n; i++) {
        if (strcmp(isa_register_rows[i].unit, isa_unit_name((unsigned)unit)) == 0) {
            *first = n == 0 ? &reg_infos[i] : *first;
            n++;
        }
    }
    return n;
}

unsigned isa_unit_n_regs(isa_unit unit)
{
    switch (unit) {
    case ISA_UNIT_MXU:
        return ISA_MXU_N_REGS;
    case ISA_UNIT_VPU:
        return ISA_VPU_N_REGS;
    case ISA_UNIT_LD:
        return ISA_LD_N_REGS;
    case ISA_UNIT_ST:
        return ISA_ST_N_REGS;
    case ISA_UNIT_CORE:
        return 0;
    }
    return 0;
}

_Static_assert((int)ISA_MXU_N_REGS <= ISA_MAX_REGS && (int)ISA_VPU_N_REGS <= ISA_MAX_REGS &&
                   (int)ISA_LD_N_REGS <= ISA_MAX_REGS && (int)ISA_ST_N_REGS <= ISA_MAX_REGS,
               "ISA_MAX_REGS");

const isa_reg_info *isa_reg_describe(isa_unit unit, unsigned reg)
{
    const isa_reg_info *first = NULL;
    return reg < find_regs(unit, &first) ? &first[reg] : NULL;
}

int isa_reg_find(isa_unit unit, const char *name)
{
    const isa_reg_info *first = NULL;
    const unsigned n = find_regs(unit, &first);
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(first[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/*
 * Whether the field lists the value; *built says whether it is built. A field without values takes
 * all of them.
 */
static bool value_listed(const isa_bits_row *field, uint32_t value, bool *built)
{
    bool any = false;
    *built = true;
    for (size_t i = 0; i < isa_value_rows_n; i++) {
        const isa_value_row *row = &isa_value_rows[i];
        if (strcmp(row->field, field->name) != 0 || strcmp(row->unit, field->unit) != 0) {
            continue;
        }
        any = true;
        if (row->value == value) {
            *built = row->built != 0;
            return true;
        }
    }
    return !any;
}

isa_error isa_reg_check(isa_unit unit, unsigned reg, uint32_t value)
{
    const isa_reg_info *info = isa_reg_describe(unit, reg);
    if (info == NULL || info->type != ISA_TYPE_BITS) {
        return ISA_ERROR_NONE;
    }
    uint32_t used = 0;
    bool all_listed = true;
    bool all_built = true;
    for (size_t i = 0; i < isa_bits_rows_n; i++) {
        const isa_bits_row *row = &isa_bits_rows[i];
        if (strcmp(row->reg, info->name) != 0 ||
            strcmp(row->unit, isa_unit_name((unsigned)unit)) != 0) {
            continue;
        }
        const uint32_t mask = (uint32_t)((UINT64_C(1) << row->width) - 1);
        bool built = true;
        used |= mask << row->low;
        all_listed = value_listed(row, (value >> row->low) & mask, &built) && all_listed;
        all_built = built && all_built;
    }
    if ((value & ~used) != 0 || !all_listed) {
        return ISA_ERROR_FIELD;
    }
    return all_built ? ISA_ERROR_NONE : ISA_ERROR_UNIMPLEMENTED;
}

const char *isa_unit_name(unsigned unit)
{
    for (size_t i = 0; i < isa_unit_rows_n; i++) {
        if (isa_unit_rows[i].number == unit) {
            return isa_unit_rows[i].name;
        }
    }
    return "?";
}

static const isa_number_row *find_number(const isa_number_row *rows, size_t n, unsigned number)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].number == number) {
            return &rows[i];
        }
    }
    return NULL;
}

const char *isa_error_name(unsigned error)
{
    const isa_number_row *row = find_number(isa_error_rows, isa_error_rows_n, error);
    return row != NULL ? row->name : "?";
}

const char *isa_error_text(unsigned error)
{
    const isa_number_row *row = find_number(isa_error_rows, isa_error_rows_n, error);
    return row != NULL ? row->summary : "unknown error";
}

const char *isa_counter_name(unsigned number)
{
    const isa_number_row *row = find_number(isa_counter_rows, isa_counter_rows_n, number);
    return row != NULL ? row->name : "?";
}

const char *isa_counter_text(unsigned number)
{
    const isa_number_row *row = find_number(isa_counter_rows, isa_counter_rows_n, number);
    return row != NULL ? row->summary : "unknown counter";
}

const char *isa_exception_text(unsigned number)
{
    const isa_number_row *row = find_number(isa_exception_rows, isa_exception_rows_n, number);
    return row != NULL ? row->summary : "unknown exception";
}

const char *isa_csr_name(unsigned number)
{
    for (size_t i = 0; i < isa_csr_rows_n; i++) {
        if (isa_csr_rows[i].number == number) {
            return isa_csr_rows[i].name;
        }
    }
    return NULL;
}

int isa_csr_find(const char *name)
{
    for (size_t i = 0; i < isa_csr_rows_n; i++) {
        if (strcmp(isa_csr_rows[i].name, name) == 0) {
            return (int)isa_csr_rows[i].number;
        }
    }
    return -1;
}

unsigned isa_timing_cycles(isa_timing timing)
{
    SY_ASSERT((unsigned)timing < isa_timing_rows_n);
    return isa_timing_rows[timing].number;
}

uint64_t isa_table_hash(void)
{
    return isa_tables_hash();
}
