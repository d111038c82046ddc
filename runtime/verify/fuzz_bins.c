/*
 * fuzz_bins.c -- the bins of coverage: how many, which can be reached, what they are called, how
 * many are empty.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuzz_coverage.h"

#include <stdio.h>
#include <string.h>

static const char *const group_names[N_BINS_GROUPS] = {
    [BINS_FIELD] = "field",
    [BINS_LEGAL] = "field, in commands that pass",
    [BINS_ILLEGAL] = "illegal bits",
    [BINS_CHECK] = "failed check",
    [BINS_PRODUCT] = "matrix product",
    [BINS_SOURCES] = "vector sources",
    [BINS_REDUCE] = "vector reductions",
    [BINS_BYTES] = "byte walk",
    [BINS_SYNC] = "post to wait",
    [BINS_INSTRUCTION] = "instruction",
    [BINS_END] = "end of a run",
    [BINS_ERROR] = "error of a unit",
    [BINS_EXCEPTION] = "exception that ends a run",
    [BINS_COUNTER] = "counter above zero",
    [BINS_FULL] = "full queue",
    [BINS_BANKS] = "bank conflict",
    [BINS_DEADLOCK] = "deadlock",
    [BINS_CAUSES] = "instruction x field x cause",
    [BINS_CONFIG] = "configuration",
};

static const fuzz_key key_rows[] = {
#define C(section, key, field, minimum, maximum, power_of_two, value, unit, summary) \
    {#section "." #key, (minimum), false},
#include "systole/isa/tables.h"
};
enum { N_KEYS = sizeof key_rows / sizeof key_rows[0] };

size_t rt_fuzz_keys(const fuzz_key **keys)
{
    *keys = key_rows;
    return N_KEYS;
}

uint32_t rt_fuzz_key_value(const isa_config *config, size_t key)
{
    const uint32_t values[] = {
#define C(section, key, field, minimum, maximum, power_of_two, value, unit, summary) config->field,
#include "systole/isa/tables.h"
    };
    return values[key];
}

static const uint32_t exceptions[] = {
#define X(name, number, summary) (number),
#include "systole/isa/tables.h"
};

/* Fields, for BINS_ILLEGAL. */
typedef struct field_row {
    isa_unit unit;
    const char *reg;
    const char *field;
    unsigned low, width;
} field_row;
static const field_row field_rows[] = {
#define B(unit, register_name, field, low, width, summary) \
    {ISA_UNIT_##unit, #register_name, #field, (low), (width)},
#include "systole/isa/tables.h"
};
enum { N_FIELDS = sizeof field_rows / sizeof field_rows[0] };

size_t rt_fuzz_n_bins(const fuzz_coverage *c, fuzz_bins group)
{
    switch (group) {
    case BINS_FIELD:
    case BINS_LEGAL:
        return c->n_items;
    case BINS_ILLEGAL:
        return (size_t)ISA_N_QUEUES * ISA_MAX_REGS + N_FIELDS;
    case BINS_CHECK:
        return (size_t)ISA_N_QUEUES * ISA_N_ERRORS;
    case BINS_PRODUCT:
        return 2 * 3 * 2 * 2;
    case BINS_SOURCES:
        return 4 * 4 * 8;
    case BINS_REDUCE:
        return 4 * 2 * 8 * 4;
    case BINS_BYTES:
        return 2 * 4 * 2 * 3;
    case BINS_SYNC:
        return 25;
    case BINS_INSTRUCTION:
        return ISA_N_OPS;
    case BINS_END:
        return (size_t)FUZZ_N_KINDS * 4;
    case BINS_ERROR:
        return (size_t)ISA_N_UNITS * ISA_N_ERRORS;
    case BINS_EXCEPTION:
        return 32;
    case BINS_COUNTER:
        return (size_t)ISA_N_QUEUES * ISA_N_COUNTERS;
    case BINS_FULL:
        return ISA_N_QUEUES;
    case BINS_BANKS:
        return 32;
    case BINS_DEADLOCK:
        return 7 * 5;
    case BINS_CAUSES:
        return (size_t)FUZZ_COMMANDS * c->n_items * ISA_N_COUNTERS;
    case BINS_CONFIG:
        return 2 * N_KEYS + FUZZ_DIM_BINS + FUZZ_ELEMENT_BINS;
    case N_BINS_GROUPS:
        break;
    }
    return 0;
}

/* ---- what can be reached ---- */

bool rt_fuzz_uses(isa_unit unit, uint32_t funct7, unsigned reg)
{
    if (unit != ISA_UNIT_VPU) {
        return true;
    }
    if (funct7 == ISA_F7_VPU_VEC) {
        return reg != ISA_VPU_ROWS && reg != ISA_VPU_TAPS;
    }
    return reg == ISA_VPU_A_BASE || (reg == ISA_VPU_ROWS && funct7 == ISA_F7_VPU_ROWS) ||
           (reg == ISA_VPU_TAPS && funct7 == ISA_F7_VPU_TAPS);
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Classes of a register that a command can have and pass its checks. */
static bool class_is_legal(const fuzz_item *item)
{
    const char *name = isa_reg_describe(item->unit, item->reg)->name;
    const bool is_count = strlen(name) == 2 && strchr("nm", name[0]) != NULL;
    if (is_count || strcmp(name, "planes") == 0) {
        return item->class == 1 ||
               item->class == 2; /* a run of 64 KiB is larger than most memories */
    }
    if (strcmp(name, "addr_hi") == 0) {
        return item->class == 0; /* others: only if nothing is valid */
    }
    if (strcmp(name, "addr_lo") == 0) {
        return item->class < 4;
    }
    if (item->unit != ISA_UNIT_VPU && (strcmp(name, "fill") == 0 || strcmp(name, "row_base") == 0 ||
                                       strcmp(name + 1, "_base") == 0)) {
        return item->class < 3;
    }
    if (strcmp(name, "tail") == 0) {
        return item->class < 3; /* at most D */
    }
    if (item->unit == ISA_UNIT_MXU &&
        (starts_with(name, "a_zero") || starts_with(name, "w_zero"))) {
        return item->class != 3;
    }
    return true;
}

/* Whether a command that is built reads a register. */
static bool is_used(isa_unit unit, unsigned reg)
{
    for (size_t i = 0; i < FUZZ_COMMANDS; i++) {
        const isa_op_info *info = isa_op_describe(FUZZ_COMMAND_OP(i));
        if (info->args == ISA_ARGS_TAG && info->unit == (uint8_t)unit && info->built &&
            rt_fuzz_uses(unit, info->funct7, reg)) {
            return true;
        }
    }
    return false;
}

/* Also values that are not built: a command of which that is the only fault. */
static bool item_is_legal(const fuzz_item *item)
{
    if (!is_used(item->unit, item->reg)) {
        return false;
    }
    if (item->is_class) {
        return class_is_legal(item);
    }
    if (item->unit == ISA_UNIT_VPU && (item->reg == ISA_VPU_ROWS || item->reg == ISA_VPU_TAPS)) {
        const uint32_t most = item->reg == ISA_VPU_ROWS ? 6 : 25;
        const bool is_first = strstr(item->field, "first") != NULL;
        return is_first ? item->value < most : item->value >= 1 && item->value <= most;
    }
    return true;
}

static bool counter_is_reachable(isa_unit unit, isa_counter counter)
{
    const bool is_dma = unit == ISA_UNIT_LD || unit == ISA_UNIT_ST;
    switch (counter) {
    case ISA_COUNTER_LOAD:
        return unit == ISA_UNIT_MXU;
    case ISA_COUNTER_DRAM_BW:
    case ISA_COUNTER_DRAM_LAT:
        return is_dma;
    case ISA_COUNTER_DRAIN:
        return !is_dma;
    case ISA_COUNTER_BUSY:
    case ISA_COUNTER_BANK:
    case ISA_COUNTER_SEM:
    case ISA_COUNTER_DECODE:
    case ISA_COUNTER_EMPTY:
    case ISA_COUNTER_HALTED:
    case ISA_N_COUNTERS:
        break;
    }
    return true;
}

/* ends in the order done, error, deadlock, limit */
static bool end_is_reachable(fuzz_kind kind, unsigned end)
{
    switch (kind) {
    case FUZZ_VALID:
        return end == 0 || end == 3;
    case FUZZ_ILLEGAL:
        return end == 1 || end == 3;
    case FUZZ_DEADLOCK:
        return end == 2 || end == 3;
    case FUZZ_CORE:
        return end != 2;
    case FUZZ_WILD:
    case FUZZ_N_KINDS:
        break;
    }
    return true;
}

static bool illegal_is_reachable(size_t bin)
{
    if (bin < (size_t)ISA_N_QUEUES * ISA_MAX_REGS) {
        const isa_unit unit = (isa_unit)(bin / ISA_MAX_REGS);
        const unsigned reg = (unsigned)(bin % ISA_MAX_REGS);
        return reg < isa_unit_n_regs(unit) && is_used(unit, reg) && isa_reg_describe(unit, reg)->type == ISA_TYPE_BITS;
    }
    const field_row *field = &field_rows[bin - (size_t)ISA_N_QUEUES * ISA_MAX_REGS];
    const unsigned reg = (unsigned)isa_reg_find(field->unit, field->reg);
    for (uint32_t v = 0; v < UINT32_C(1) << field->width; v++) {
        if (isa_reg_check(field->unit, reg, v << field->low) == ISA_ERROR_FIELD) {
            return true;
        }
    }
    return false;
}

static bool error_is_reachable(unsigned unit, isa_error error)
{
    switch (error) {
    case ISA_ERROR_NONE:
        return false;
    case ISA_ERROR_AXI: /* injected: RANGE keeps programs inside DRAM */
        return unit == ISA_UNIT_LD || unit == ISA_UNIT_ST;
    case ISA_ERROR_TRAP:
        return unit == ISA_UNIT_CORE;
    case ISA_ERROR_SEM_RANGE:
    case ISA_ERROR_SEM_OVERFLOW:
        return true;
    case ISA_ERROR_FIELD:
    case ISA_ERROR_UNIMPLEMENTED:
    case ISA_ERROR_COUNT:
    case ISA_ERROR_RANGE:
    case ISA_ERROR_REVISIT:
    case ISA_ERROR_OVERLAP:
    case ISA_ERROR_SELF_CONFLICT:
    case ISA_N_ERRORS:
        break;
    }
    return unit < ISA_N_QUEUES && rt_fuzz_can_fail((isa_unit)unit, error);
}

static bool exception_is_reachable(size_t bin)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++) {
        if (exceptions[i] == bin) {
            return true;
        }
    }
    return false;
}

static bool causes_are_reachable(const fuzz_coverage *c, size_t bin)
{
    const isa_op_info *info = isa_op_describe(FUZZ_COMMAND_OP(bin / ISA_N_COUNTERS / c->n_items));
    const fuzz_item *item = &c->items[bin / ISA_N_COUNTERS % c->n_items];
    const bool is_load = item->unit == ISA_UNIT_VPU && info->funct7 != ISA_F7_VPU_VEC;
    return (!is_load || !item->is_class || item->class < 3) && /* its one walk lies in the SPM */
           info->args == ISA_ARGS_TAG && info->unit < ISA_N_QUEUES && info->built &&
           info->unit == (uint8_t)item->unit && rt_fuzz_uses(item->unit, info->funct7, item->reg) &&
           item->built && item_is_legal(item) &&
           counter_is_reachable(item->unit, (isa_counter)(bin % ISA_N_COUNTERS));
}

/* The values of a field that the tables list and the machine has. */
static bool value_is_built(const char *field, uint32_t value)
{
    static const struct {
        const char *field;
        uint32_t value;
        bool built;
    } rows[] = {
#define E(unit, field, name, value, built, summary) {#field, (value), (built) != 0},
#include "systole/isa/tables.h"
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].value == value && strcmp(rows[i].field, field) == 0) {
            return rows[i].built;
        }
    }
    return false;
}

static bool config_is_reachable(size_t bin)
{
    if (bin >= 2 * N_KEYS) {
        return true;
    }
    const char *name = key_rows[bin / 2].name;
    if (starts_with(name, "array.")) {
        return false; /* they have bins of their own */
    }
    if (strcmp(name, "dram.size_mib") == 0) {
        return bin % 2 == 0; /* compared whole after each program */
    }
    /* At the minimum programs do not fit in. */
    return bin % 2 == 1 ||
           (strcmp(name, "core.imem_bytes") != 0 && strstr(name, "bank_bytes") == NULL);
}

bool rt_fuzz_bin_is_reachable(const fuzz_coverage *c, fuzz_bins group, size_t bin)
{
    switch (group) {
    case BINS_FIELD:
        return is_used(c->items[bin].unit, c->items[bin].reg);
    case BINS_LEGAL:
        return item_is_legal(&c->items[bin]);
    case BINS_ILLEGAL:
        return illegal_is_reachable(bin);
    case BINS_CHECK:
        return rt_fuzz_can_fail((isa_unit)(bin / ISA_N_ERRORS), (isa_error)(bin % ISA_N_ERRORS));
    case BINS_SOURCES:
        return value_is_built("out", bin % 8);
    case BINS_REDUCE:
        return bin / 64 != ISA_VPU_CHAIN_OUT_RED_NONE &&
               value_is_built("red", (uint32_t)bin / 64) &&
               value_is_built("red_loops", bin / 4 % 8) && value_is_built("red_out", bin % 4);
    case BINS_INSTRUCTION:
        return bin != ISA_OP_ILLEGAL && bin != ISA_OP_ECALL &&
               bin != ISA_OP_EBREAK; /* do not retire */
    case BINS_END:
        return end_is_reachable((fuzz_kind)(bin / 4), (unsigned)(bin % 4));
    case BINS_ERROR:
        return error_is_reachable((unsigned)(bin / ISA_N_ERRORS), (isa_error)(bin % ISA_N_ERRORS));
    case BINS_EXCEPTION:
        return exception_is_reachable(bin);
    case BINS_COUNTER:
        return counter_is_reachable((isa_unit)(bin / ISA_N_COUNTERS),
                                    (isa_counter)(bin % ISA_N_COUNTERS));
    case BINS_BANKS:
        return bin / 4 % 4 != bin % 4;
    case BINS_DEADLOCK: /* no unit waits: the core does, in SEMWAIT */
        return bin % 5 < ISA_N_QUEUES || bin / 5 == 4;
    case BINS_CAUSES:
        return causes_are_reachable(c, bin);
    case BINS_CONFIG:
        return config_is_reachable(bin);
    case BINS_PRODUCT:
    case BINS_BYTES:
    case BINS_SYNC:
    case BINS_FULL:
    case N_BINS_GROUPS:
        break;
    }
    return true;
}

/* ---- names ---- */

static void item_name(const fuzz_item *item, char *text, size_t n_bytes)
{
    static const char *const integers[] = {"zero", "one", "2 to 65535", "65536 or more",
                                           "the sign bit set"};
    static const char *const floats[] = {"zero", "subnormal", "normal", "infinite", "NaN"};
    const char *unit = isa_unit_name(item->unit);
    const isa_reg_info *reg = isa_reg_describe(item->unit, item->reg);
    if (item->is_class) {
        (void)snprintf(text, n_bytes, "%s %s %s", unit, reg->name,
                       reg->type == ISA_TYPE_F32 ? floats[item->class] : integers[item->class]);
    } else if (item->name != NULL) {
        (void)snprintf(text, n_bytes, "%s %s:%s", unit, item->field, item->name);
    } else {
        (void)snprintf(text, n_bytes, "%s %s:%u", unit, item->field, (unsigned)item->value);
    }
}

static void illegal_name(size_t bin, char *text, size_t n_bytes)
{
    const size_t n_regs = (size_t)ISA_N_QUEUES * ISA_MAX_REGS;
    if (bin < n_regs) {
        const unsigned unit = (unsigned)(bin / ISA_MAX_REGS);
        (void)snprintf(text, n_bytes, "%s %s: a bit outside its fields", isa_unit_name(unit),
                       isa_reg_describe((isa_unit)unit, (unsigned)(bin % ISA_MAX_REGS))->name);
    } else {
        (void)snprintf(text, n_bytes, "%s %s: a value that is not listed",
                       isa_unit_name(field_rows[bin - n_regs].unit),
                       field_rows[bin - n_regs].field);
    }
}

static void shape_name(fuzz_bins group, size_t bin, char *text, size_t n_bytes)
{
    static const char *const lengths[] = {"below D", "D", "above D"};
    static const char *const valid[] = {"all", "some", "none"};
    if (group == BINS_PRODUCT) {
        (void)snprintf(text, n_bytes, "%s, rows %s, planes %s, %s",
                       bin / 12 == 0 ? "MATMUL" : "MATMUL_T", lengths[bin / 4 % 3],
                       bin / 2 % 2 == 0 ? "one" : "more",
                       bin % 2 == 0 ? "overwrites" : "accumulates");
    } else if (group == BINS_SOURCES) {
        (void)snprintf(text, n_bytes, "a_src %zu, b_src %zu, out %zu", bin / 32, bin / 8 % 4,
                       bin % 8);
    } else if (group == BINS_REDUCE) {
        (void)snprintf(text, n_bytes, "red %zu, red_src %zu, red_loops %zu, red_out %zu", bin / 64,
                       bin / 32 % 2, bin / 4 % 8, bin % 4);
    } else {
        (void)snprintf(text, n_bytes, "%s, close %zu, %s, valid: %s", bin / 24 == 0 ? "LD" : "ST",
                       bin / 6 % 4, bin / 3 % 2 == 0 ? "SPM" : "ACC", valid[bin % 3]);
    }
}

static void deadlock_name(size_t bin, char *text, size_t n_bytes)
{
    static const char *const cores[] = {"", "", "", "", "in SEMWAIT", "in FENCE", "halted"};
    char push[32];
    (void)snprintf(push, sizeof push, "in a push to %s", isa_unit_name((unsigned)(bin / 5)));
    (void)snprintf(text, n_bytes, "core %s, %s waits",
                   bin / 5 < ISA_N_QUEUES ? push : cores[bin / 5],
                   bin % 5 < ISA_N_QUEUES ? isa_unit_name((unsigned)(bin % 5)) : "no unit");
}

static void config_name(size_t bin, char *text, size_t n_bytes)
{
    if (bin < 2 * N_KEYS) {
        (void)snprintf(text, n_bytes, "%s %s %u", key_rows[bin / 2].name, bin % 2 == 0 ? "=" : ">",
                       (unsigned)key_rows[bin / 2].minimum);
    } else if (bin < 2 * N_KEYS + FUZZ_DIM_BINS) {
        (void)snprintf(text, n_bytes, "array.dim = %u", 4u << (bin - 2 * N_KEYS));
    } else {
        (void)snprintf(text, n_bytes, "array.element = %s",
                       bin - 2 * N_KEYS - FUZZ_DIM_BINS == ISA_ELEMENT_INT8 ? "int8" : "bf16");
    }
}

static void causes_name(const fuzz_coverage *c, size_t bin, char *text, size_t n_bytes)
{
    char op[ISA_MNEMONIC_BYTES], item[64];
    isa_op_mnemonic(FUZZ_COMMAND_OP(bin / ISA_N_COUNTERS / c->n_items), op);
    item_name(&c->items[bin / ISA_N_COUNTERS % c->n_items], item, sizeof item);
    (void)snprintf(text, n_bytes, "%s, %s, %s", op, item,
                   isa_counter_name((unsigned)(bin % ISA_N_COUNTERS)));
}

void rt_fuzz_bin_name(const fuzz_coverage *c, fuzz_bins group, size_t bin, char *text,
                      size_t n_bytes)
{
    static const char *const ends[] = {"done", "error", "deadlock", "limit"};
    text[0] = '\0';
    switch (group) {
    case BINS_FIELD:
    case BINS_LEGAL:
        item_name(&c->items[bin], text, n_bytes);
        return;
    case BINS_ILLEGAL:
        illegal_name(bin, text, n_bytes);
        return;
    case BINS_PRODUCT:
    case BINS_SOURCES:
    case BINS_REDUCE:
    case BINS_BYTES:
        shape_name(group, bin, text, n_bytes);
        return;
    case BINS_SYNC:
        (void)snprintf(text, n_bytes, "%s posts, %s waits", isa_unit_name((unsigned)(bin / 5)),
                       isa_unit_name((unsigned)(bin % 5)));
        return;
    case BINS_INSTRUCTION: {
        char mnemonic[ISA_MNEMONIC_BYTES];
        isa_op_mnemonic((isa_op)bin, mnemonic);
        (void)snprintf(text, n_bytes, "%s", mnemonic);
        return;
    }
    case BINS_END:
        (void)snprintf(text, n_bytes, "%s %s", rt_fuzz_kind_name((fuzz_kind)(bin / 4)),
                       ends[bin % 4]);
        return;
    case BINS_CHECK:
    case BINS_ERROR:
        (void)snprintf(text, n_bytes, "%s %s", isa_unit_name((unsigned)(bin / ISA_N_ERRORS)),
                       isa_error_name((unsigned)(bin % ISA_N_ERRORS)));
        return;
    case BINS_EXCEPTION:
        (void)snprintf(text, n_bytes, "mcause %zu", bin);
        return;
    case BINS_COUNTER:
        (void)snprintf(text, n_bytes, "%s %s", isa_unit_name((unsigned)(bin / ISA_N_COUNTERS)),
                       isa_counter_name((unsigned)(bin % ISA_N_COUNTERS)));
        return;
    case BINS_FULL:
        (void)snprintf(text, n_bytes, "%s", isa_unit_name((unsigned)bin));
        return;
    case BINS_BANKS:
        (void)snprintf(text, n_bytes, "%s: %s, then %s", bin / 16 == 0 ? "SPM" : "ACC",
                       isa_unit_name((unsigned)(bin / 4 % 4)), isa_unit_name((unsigned)(bin % 4)));
        return;
    case BINS_DEADLOCK:
        deadlock_name(bin, text, n_bytes);
        return;
    case BINS_CAUSES:
        causes_name(c, bin, text, n_bytes);
        return;
    case BINS_CONFIG:
        config_name(bin, text, n_bytes);
        return;
    case N_BINS_GROUPS:
        return;
    }
}

/* ---- results ---- */

static bool is_wanted(fuzz_bins group, unsigned bins)
{
    const unsigned kind = group == BINS_CONFIG        ? FUZZ_BINS_CONFIG
                          : group >= BINS_INSTRUCTION ? FUZZ_BINS_RUN
                                                      : FUZZ_BINS_PROGRAM;
    return (bins & kind) != 0;
}

/* How many bins of a group can be reached, and how many of them are not empty. */
static void count_bins(const fuzz_coverage *c, fuzz_bins group, size_t *n, size_t *n_seen)
{
    *n = *n_seen = 0;
    for (size_t bin = 0; bin < rt_fuzz_n_bins(c, group); bin++) {
        if (rt_fuzz_bin_is_reachable(c, group, bin)) {
            (*n)++;
            *n_seen += c->hits[group][bin] > 0 ? 1 : 0;
        }
    }
}

static bool is_missing(const fuzz_coverage *c, fuzz_bins group, size_t bin)
{
    return c->hits[group][bin] == 0 && rt_fuzz_bin_is_reachable(c, group, bin);
}

static double percent(size_t n_seen, size_t n)
{
    return n > 0 ? 100.0 * (double)n_seen / (double)n : 100.0;
}

size_t rt_fuzz_coverage_print(const fuzz_coverage *coverage, unsigned bins, size_t most_names,
                              base_buf *out)
{
    size_t n_all = 0, n_seen_all = 0;
    for (int i = 0; i < N_BINS_GROUPS; i++) {
        const fuzz_bins g = (fuzz_bins)i;
        size_t n, n_seen, n_named = 0;
        if (!is_wanted(g, bins)) {
            continue;
        }
        count_bins(coverage, g, &n, &n_seen);
        base_buf_printf(out, "%s: %zu of %zu\n", group_names[g], n_seen, n);
        for (size_t bin = 0; bin < rt_fuzz_n_bins(coverage, g) && n_named < most_names; bin++) {
            if (is_missing(coverage, g, bin)) {
                char name[128];
                rt_fuzz_bin_name(coverage, g, bin, name, sizeof name);
                base_buf_printf(out, "    missing: %s\n", name);
                n_named++;
            }
        }
        if (n - n_seen > n_named) {
            base_buf_printf(out, "    and %zu more\n", n - n_seen - n_named);
        }
        n_all += n;
        n_seen_all += n_seen;
    }
    base_buf_printf(out, "all: %zu of %zu, %.2f %%\n", n_seen_all, n_all,
                    percent(n_seen_all, n_all));
    return n_all - n_seen_all;
}

void rt_fuzz_coverage_json(const fuzz_coverage *coverage, unsigned bins, base_json *json)
{
    size_t n_all = 0, n_seen_all = 0;
    base_json_object_begin(json);
    base_json_key(json, "groups");
    base_json_array_begin(json);
    for (int i = 0; i < N_BINS_GROUPS; i++) {
        const fuzz_bins g = (fuzz_bins)i;
        size_t n, n_seen;
        if (!is_wanted(g, bins)) {
            continue;
        }
        count_bins(coverage, g, &n, &n_seen);
        n_all += n;
        n_seen_all += n_seen;
        base_json_object_begin(json);
        base_json_key_string(json, "name", group_names[g]);
        base_json_key_u64(json, "bins", n);
        base_json_key_u64(json, "seen", n_seen);
        base_json_key(json, "missing");
        base_json_array_begin(json);
        for (size_t bin = 0; bin < rt_fuzz_n_bins(coverage, g); bin++) {
            if (is_missing(coverage, g, bin)) {
                char name[128];
                rt_fuzz_bin_name(coverage, g, bin, name, sizeof name);
                base_json_string(json, name);
            }
        }
        base_json_array_end(json);
        base_json_object_end(json);
    }
    base_json_array_end(json);
    base_json_key_u64(json, "bins", n_all);
    base_json_key_u64(json, "seen", n_seen_all);
    base_json_key_double(json, "percent", percent(n_seen_all, n_all));
    base_json_object_end(json);
}
