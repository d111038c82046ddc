/*
 * isa_tables.c -- the tables of isa/ are consistent: encodings, bit fields, numbers, pairs, limits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include <ctype.h>

#include "systole/isa/config.h"
#include "systole/isa/isa.h"

/* A row of any table, as far as these tests care. */
typedef struct row {
    const char *group; /* numbers and names are unique within a group */
    const char *name;
    uint32_t number;
    const char *summary;
} row;

typedef struct bits {
    const char *unit;
    const char *reg;
    const char *name;
    uint32_t low;
    uint32_t width;
} bits;

typedef struct value {
    const char *unit;
    const char *field;
    const char *name;
    uint32_t value;
    uint32_t built;
} value;

static const row units[] = {
#define U(unit, number, summary) {"unit", #unit, number, summary},
#include "systole/isa/tables.h"
};
static const row commands[] = {
#define I(unit, name, funct7, args, built, summary) {#unit, #name, funct7, summary},
#include "systole/isa/tables.h"
};
static const row registers[] = {
#define F(unit, number, name, type, summary) {#unit, #name, number, summary},
#include "systole/isa/tables.h"
};
static const char *const register_types[] = {
#define F(unit, number, name, type, summary) #type,
#include "systole/isa/tables.h"
};
static const bits fields[] = {
#define B(unit, register_name, field, low, width, summary) \
    {#unit, #register_name, #field, low, width},
#define G(register_name, field, low, width, summary) {"HOST", #register_name, #field, low, width},
#include "systole/isa/tables.h"
};
static const value values[] = {
#define E(unit, field, name, value, built, summary) {#unit, #field, #name, value, built},
#include "systole/isa/tables.h"
};
static const row errors[] = {
#define R(name, code, summary) {"error", #name, code, summary},
#include "systole/isa/tables.h"
};
static const row counters[] = {
#define K(name, number, summary) {"counter", #name, number, summary},
#include "systole/isa/tables.h"
};
static const row exceptions[] = {
#define X(name, number, summary) {"exception", #name, number, summary},
#include "systole/isa/tables.h"
};
static const row csrs[] = {
#define S(name, number, access, summary) {"csr", #name, number, summary},
#include "systole/isa/tables.h"
};
static const row host[] = {
#define H(name, offset, access, summary) {"host", #name, offset, summary},
#include "systole/isa/tables.h"
};
static const row memories[] = {
#define M(name, number, base, summary) {"memory", #name, number, summary},
#include "systole/isa/tables.h"
};

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void check_unique(const row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_true(rows[i].summary[0] != '\0');
        for (size_t k = 0; k < i; k++) {
            if (strcmp(rows[i].group, rows[k].group) == 0 &&
                (rows[i].number == rows[k].number || strcmp(rows[i].name, rows[k].name) == 0)) {
                fail_msg("%s: %s = %u and %s = %u", rows[i].group, rows[k].name, rows[k].number,
                         rows[i].name, rows[i].number);
            }
        }
    }
}

/* 0, 1, 2, ... in order within each group. */
static void check_dense(const row *rows, size_t n)
{
    uint32_t next = 0;
    for (size_t i = 0; i < n; i++) {
        next = i > 0 && strcmp(rows[i].group, rows[i - 1].group) == 0 ? next : 0;
        if (rows[i].number != next) {
            fail_msg("%s: %s is %u, expected %u", rows[i].group, rows[i].name, rows[i].number,
                     next);
        }
        next++;
    }
}

static void test_numbers(void **state)
{
    (void)state;
#define CHECK(rows) check_unique(rows, N(rows));
    CHECK(units)
    CHECK(commands) CHECK(registers) CHECK(errors) CHECK(counters) CHECK(exceptions) CHECK(csrs)
        CHECK(host) CHECK(memories)
#undef CHECK
            check_dense(units, N(units));
    check_dense(registers, N(registers));
    check_dense(errors, N(errors));
    check_dense(counters, N(counters));
    check_dense(memories, N(memories));
    assert_true(N(units) <= 8); /* funct3 */
    assert_string_equal(units[N(units) - 1].name,
                        "CORE");    /* last in every tie, and without a queue */
    assert_true(N(counters) <= 16); /* CSR 0xFC0 + 16 * unit + number */
    assert_true(ISA_CSR_COUNTER(ISA_N_QUEUES, 0) - 1 <= 0xFFF); /* 12-bit CSR numbers */
}

static void test_commands(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(commands); i++) {
        assert_in_range(commands[i].number, 1,
                        0x3F); /* 0x40 and above are SET; 0 is left illegal */
    }
    /* Whoever has a queue waits and posts by the same numbers. */
    for (unsigned unit = 0; unit < ISA_N_QUEUES; unit++) {
        const isa_op wait = isa_op_of_command((isa_unit)unit, ISA_F7_WAIT);
        const isa_op post = isa_op_of_command((isa_unit)unit, ISA_F7_POST);
        assert_non_null(strstr(isa_op_describe(wait)->name, "_WAIT"));
        assert_non_null(strstr(isa_op_describe(post)->name, "_POST"));
        assert_int_equal(isa_op_describe(wait)->args, ISA_ARGS_SEM);
    }
}

static void test_encodings_do_not_overlap(void **state)
{
    (void)state;
    for (int a = ISA_OP_ILLEGAL + 1; a < ISA_N_OPS; a++) {
        const isa_op_info *x = isa_op_describe((isa_op)a);
        assert_int_equal(x->match & ~x->mask, 0);
        assert_int_equal(x->match & 3, 3); /* 32-bit words */
        for (int b = ISA_OP_ILLEGAL + 1; b < a; b++) {
            const isa_op_info *y = isa_op_describe((isa_op)b);
            if (((x->match ^ y->match) & x->mask & y->mask) == 0) {
                fail_msg("%s and %s overlap", x->name, y->name);
            }
        }
    }
}

static void test_every_bit_is_accounted_for(void **state)
{
    (void)state;
    static const uint32_t operands[] = {
#define O(format, operands, syntax) operands,
#include "systole/isa/tables.h"
    };
    for (int op = ISA_OP_ILLEGAL + 1; op < ISA_OP_SET; op++) {
        const isa_op_info *info = isa_op_describe((isa_op)op);
        if ((info->mask ^ operands[info->format]) != 0xFFFFFFFF) {
            fail_msg("%s: mask 0x%08x and operands 0x%08x", info->name, info->mask,
                     operands[info->format]);
        }
    }
    /* Xsystole: opcode, rd = 0, funct3, funct7 always; rs1 and rs2 as the args say. */
    for (int op = ISA_OP_SET + 1; op < ISA_N_OPS; op++) {
        const isa_op_info *info = isa_op_describe((isa_op)op);
        assert_int_equal(~info->mask, info->args == ISA_ARGS_NONE ? 0 : 31u << 15);
        assert_int_equal(info->match, ISA_OPCODE_XSYSTOLE | (uint32_t)info->unit << 12 |
                                          (uint32_t)info->funct7 << 25);
    }
}

static void test_descriptor_registers(void **state)
{
    (void)state;
    for (unsigned unit = 0; unit < ISA_N_UNITS; unit++) {
        const unsigned n = isa_unit_n_regs((isa_unit)unit);
        assert_true(n % 2 == 0); /* pairs are complete */
        assert_true(n <= ISA_MAX_REGS && n / 2 <= ISA_F7_PAIR_MASK + 1);
        assert_int_equal(n > 0, unit < ISA_N_QUEUES);
    }
    for (size_t i = 0; i < N(registers); i++) {
        bool has_fields = false;
        for (size_t k = 0; k < N(fields); k++) {
            has_fields = has_fields || (strcmp(fields[k].unit, registers[i].group) == 0 &&
                                        strcmp(fields[k].reg, registers[i].name) == 0);
        }
        if (has_fields != (strcmp(register_types[i], "bits") == 0)) {
            fail_msg("%s %s is %s", registers[i].group, registers[i].name, register_types[i]);
        }
    }
}

static bool has_row(const row *rows, size_t n, const char *group, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].name, name) == 0 &&
            (group == NULL || strcmp(rows[i].group, group) == 0)) {
            return true;
        }
    }
    return false;
}

static bool has_values(const bits *field)
{
    for (size_t i = 0; i < N(values); i++) {
        if (strcmp(values[i].unit, field->unit) == 0 && strcmp(values[i].field, field->name) == 0) {
            return true;
        }
    }
    return false;
}

static void test_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(fields); i++) {
        const bits *f = &fields[i];
        const bool on_host = strcmp(f->unit, "HOST") == 0;
        assert_in_range(f->width, 1, 32);
        assert_true(f->low + f->width <= 32);
        if (on_host ? !has_row(host, N(host), NULL, f->reg)
                    : !has_row(registers, N(registers), f->unit, f->reg)) {
            fail_msg("%s %s: no register %s", f->unit, f->name, f->reg);
        }
        for (size_t k = 0; k < i; k++) {
            const bits *g = &fields[k];
            if (strcmp(f->unit, g->unit) != 0 || (on_host && strcmp(f->reg, g->reg) != 0)) {
                continue;
            }
            /* E lines name a field by its unit alone, so names of fields with values are unique in a unit. */
            if (strcmp(f->name, g->name) == 0 && (strcmp(f->reg, g->reg) == 0 || has_values(f))) {
                fail_msg("%s: two fields %s", f->unit, f->name);
            }
            if (strcmp(f->reg, g->reg) == 0 && f->low < g->low + g->width &&
                g->low < f->low + f->width) {
                fail_msg("%s %s: %s and %s overlap", f->unit, f->reg, f->name, g->name);
            }
        }
    }
}

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(values); i++) {
        const value *v = &values[i];
        const bits *field = NULL;
        for (size_t k = 0; k < N(fields); k++) {
            if (strcmp(fields[k].unit, v->unit) == 0 && strcmp(fields[k].name, v->field) == 0) {
                field = &fields[k];
            }
        }
        if (field == NULL) {
            fail_msg("%s %s: no field %s", v->unit, v->name, v->field);
            return;
        }
        if (v->value >= UINT64_C(1) << field->width || field->width > 5) {
            fail_msg("%s %s: %s = %u in %u bits", v->unit, v->field, v->name, v->value,
                     field->width);
        }
        assert_true(v->built <= 1);
        for (size_t k = 0; k < i; k++) {
            if (strcmp(values[k].unit, v->unit) == 0 && strcmp(values[k].field, v->field) == 0 &&
                (values[k].value == v->value || strcmp(values[k].name, v->name) == 0)) {
                fail_msg("%s %s: %s and %s", v->unit, v->field, v->name, values[k].name);
            }
        }
    }
    /* Value 0 of every field is listed and built: cleared registers are legal. */
    for (unsigned unit = 0; unit < ISA_N_QUEUES; unit++) {
        for (unsigned reg = 0; reg < isa_unit_n_regs((isa_unit)unit); reg++) {
            assert_int_equal(isa_reg_check((isa_unit)unit, reg, 0), ISA_ERROR_NONE);
        }
    }
}

static void test_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(host); i++) {
        assert_int_equal(host[i].number % 4, 0);
        assert_true(host[i].number <= ISA_HOST_COUNTERS);
    }
    assert_true(ISA_HOST_COUNTERS + 8 * 16 * ISA_N_UNITS <= 0x1000); /* the port's 4 KiB */
    for (size_t i = 0; i < N(csrs); i++) {
        assert_true(csrs[i].number <= 0xFFF);
        assert_false(csrs[i].number >= ISA_CSR_COUNTER(0, 0) &&
                     csrs[i].number < ISA_CSR_COUNTER(ISA_N_QUEUES, 0));
        for (const char *c = csrs[i].name; *c != '\0'; c++) {
            assert_true(islower((unsigned char)*c) || (c > csrs[i].name && isdigit((unsigned char)*c)));
        }
    }
    /* The two memories of the core, each at its largest, are apart. */
    uint32_t imem_max = 0;
#define C(section, key, field, minimum, maximum, power_of_two, value, unit, summary) \
    if (strcmp(#field, "imem_bytes") == 0) {                                         \
        imem_max = (maximum);                                                        \
    }
#include "systole/isa/tables.h"
    assert_true(imem_max > 0 && ISA_IMEM_BASE + imem_max <= ISA_DMEM_BASE);
}

static void test_configuration_keys(void **state)
{
    (void)state;
    static const struct {
        const char *section;
        const char *key;
        uint32_t minimum;
        uint32_t maximum;
        uint32_t power_of_two;
        uint32_t value;
    } keys[] = {
#define C(section, key, field, minimum, maximum, power_of_two, value, unit, summary) \
    {#section, #key, minimum, maximum, power_of_two, value},
#include "systole/isa/tables.h"
    };
    for (size_t i = 0; i < N(keys); i++) {
        const bool in_range = keys[i].minimum <= keys[i].value && keys[i].value <= keys[i].maximum;
        const bool fits = keys[i].power_of_two == 0 ||
                          ((keys[i].value & (keys[i].value - 1)) == 0 &&
                           (keys[i].minimum & (keys[i].minimum - 1)) == 0 &&
                           (keys[i].maximum & (keys[i].maximum - 1)) == 0);
        if (!in_range || !fits) {
            fail_msg("%s.%s: default %u, limits %u to %u", keys[i].section, keys[i].key,
                     keys[i].value, keys[i].minimum, keys[i].maximum);
        }
        for (size_t k = 0; k < i; k++) {
            const bool same_section = strcmp(keys[i].section, keys[k].section) == 0;
            assert_false(same_section && strcmp(keys[i].key, keys[k].key) == 0);
            /* The keys of a section stand together: the canonical text names each section once. */
            assert_true(!same_section || strcmp(keys[i].section, keys[i - 1].section) == 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_encodings_do_not_overlap),
        cmocka_unit_test(test_every_bit_is_accounted_for),
        cmocka_unit_test(test_descriptor_registers),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_configuration_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
