/*
 * fuzz_coverage.c -- what random programs have exercised.
 *
 * A bin is a group and an index in it; what a group's index means is known to its count function
 * and to bin_name alone. Bins that no program can reach are left out by is_reachable, with the
 * reason.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fuzz_internal.h"

enum { N_CLASSES = 5 }; /* of values of a register */
enum { MAX_BINS = ISA_N_QUEUES * ISA_MAX_REGS * N_CLASSES };

typedef enum group {
    GROUP_INSTRUCTION,
    GROUP_VALUE,    /* lines E of fields.def */
    GROUP_FIELD,    /* values of bit fields without such lines */
    GROUP_REGISTER, /* classes of values of the other registers */
    GROUP_CHECK,    /* unit x error of a command's checks */
    GROUP_PRODUCT,  /* MATMUL: operation, rows against D, planes, accumulate */
    GROUP_SOURCES,  /* VEC: A x B x output */
    GROUP_REDUCE,   /* VEC: reduction x source x loops x output */
    GROUP_BYTES,    /* LD, ST: closing loop x memory x how much is valid */
    GROUP_END,      /* from here on: of results */
    GROUP_ERROR,
    GROUP_EXCEPTION,
    GROUP_COUNTER,
    N_GROUPS
} group;

static const char *const group_names[N_GROUPS] = {
    "instruction",    "field value",    "bit field",          "register class", "failed check",
    "matrix product", "vector sources", "vector reductions",  "byte walk",      "end of a run",
    "error",          "exception",      "counter above zero",
};

struct fuzz_coverage {
    uint64_t hits[N_GROUPS][MAX_BINS];
};

typedef struct value_row {
    isa_unit unit;
    const char *field;
    const char *name;
    uint32_t value;
} value_row;
static const value_row value_rows[] = {
#define E(unit, field, name, value, built, summary) {ISA_UNIT_##unit, #field, #name, (value)},
#include "systole/isa/tables.h"
};
enum { N_VALUES = sizeof value_rows / sizeof value_rows[0] };

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
enum { N_FIELDS = sizeof field_rows / sizeof field_rows[0], FIELD_VALUES = 8 };

static const uint32_t exceptions[] = {
#define X(name, number, summary) (number),
#include "systole/isa/tables.h"
};
enum { N_EXCEPTIONS = sizeof exceptions / sizeof exceptions[0] };

static bool has_values(const field_row *field)
{
    for (size_t i = 0; i < N_VALUES; i++) {
        if (value_rows[i].unit == field->unit && strcmp(value_rows[i].field, field->field) == 0) {
            return true;
        }
    }
    return false;
}

static size_t n_bins(group g)
{
    switch (g) {
    case GROUP_INSTRUCTION:
        return ISA_N_OPS;
    case GROUP_VALUE:
        return N_VALUES;
    case GROUP_FIELD:
        return (size_t)N_FIELDS * FIELD_VALUES;
    case GROUP_REGISTER:
        return MAX_BINS;
    case GROUP_CHECK:
        return (size_t)ISA_N_QUEUES * ISA_N_ERRORS;
    case GROUP_PRODUCT:
        return 2 * 3 * 2 * 2;
    case GROUP_SOURCES:
        return 4 * 4 * 5;
    case GROUP_REDUCE:
        return 2 * 2 * 5 * 3;
    case GROUP_BYTES:
        return 2 * 4 * 2 * 3;
    case GROUP_END:
        return (size_t)FUZZ_N_KINDS * 3;
    case GROUP_ERROR:
        return ISA_N_ERRORS;
    case GROUP_EXCEPTION:
        return N_EXCEPTIONS;
    case GROUP_COUNTER:
        return (size_t)ISA_N_QUEUES * ISA_N_COUNTERS;
    case N_GROUPS:
        break;
    }
    return 0;
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

/* ends in the order done, error, deadlock */
static bool end_is_reachable(fuzz_kind kind, unsigned end)
{
    switch (kind) {
    case FUZZ_VALID:
        return end == 0;
    case FUZZ_ILLEGAL:
        return end == 1;
    case FUZZ_DEADLOCK:
        return end == 2;
    case FUZZ_CORE:
        return end != 2;
    case FUZZ_WILD:
    case FUZZ_N_KINDS:
        break;
    }
    return true;
}

static unsigned register_of(size_t bin)
{
    return (unsigned)(bin / N_CLASSES % ISA_MAX_REGS);
}

static bool register_is_reachable(size_t bin)
{
    const isa_unit unit = (isa_unit)(bin / N_CLASSES / ISA_MAX_REGS);
    const isa_reg_info *reg = isa_reg_describe(unit, register_of(bin));
    const unsigned n_classes = reg == NULL                  ? 0
                               : reg->type == ISA_TYPE_BITS ? 0
                               : reg->type == ISA_TYPE_F32  ? 5
                                                            : 3;
    return bin % N_CLASSES < n_classes;
}

static bool is_reachable(group g, size_t bin)
{
    switch (g) {
    case GROUP_INSTRUCTION:
        return bin != ISA_OP_ILLEGAL;
    case GROUP_FIELD: {
        const field_row *field = &field_rows[bin / FIELD_VALUES];
        return !has_values(field) && bin % FIELD_VALUES < UINT32_C(1) << field->width;
    }
    case GROUP_REGISTER:
        return register_is_reachable(bin);
    case GROUP_CHECK:
        return rt_fuzz_can_fail((isa_unit)(bin / ISA_N_ERRORS), (isa_error)(bin % ISA_N_ERRORS));
    case GROUP_END:
        return end_is_reachable((fuzz_kind)(bin / 3), (unsigned)(bin % 3));
    case GROUP_ERROR:
        return bin != ISA_ERROR_NONE && bin != ISA_ERROR_AXI; /* RANGE keeps programs inside DRAM */
    case GROUP_COUNTER:
        return counter_is_reachable((isa_unit)(bin / ISA_N_COUNTERS),
                                    (isa_counter)(bin % ISA_N_COUNTERS));
    case GROUP_VALUE:
    case GROUP_PRODUCT:
    case GROUP_SOURCES:
    case GROUP_REDUCE:
    case GROUP_BYTES:
    case GROUP_EXCEPTION:
    case N_GROUPS:
        break;
    }
    return true;
}

static void bin_name(group g, size_t bin, char *text, size_t n_bytes)
{
    static const char *const integers[] = {"zero", "one or more", "the sign bit set", "", ""};
    static const char *const floats[] = {"zero", "subnormal", "normal", "infinite", "NaN"};
    static const char *const lengths[] = {"below D", "D", "above D"};
    static const char *const valid[] = {"all", "some", "none"};
    static const char *const ends[] = {"done", "error", "deadlock"};
    switch (g) {
    case GROUP_INSTRUCTION: {
        char mnemonic[ISA_MNEMONIC_BYTES];
        isa_op_mnemonic((isa_op)bin, mnemonic);
        (void)snprintf(text, n_bytes, "%s", mnemonic);
        return;
    }
    case GROUP_VALUE:
        (void)snprintf(text, n_bytes, "%s:%s", value_rows[bin].field, value_rows[bin].name);
        return;
    case GROUP_FIELD: {
        const field_row *field = &field_rows[bin / FIELD_VALUES];
        (void)snprintf(text, n_bytes, "%s %s:%zu", isa_unit_name(field->unit), field->field,
                       bin % FIELD_VALUES);
        return;
    }
    case GROUP_REGISTER: {
        const unsigned unit = (unsigned)(bin / N_CLASSES / ISA_MAX_REGS);
        const isa_reg_info *reg = isa_reg_describe((isa_unit)unit, register_of(bin));
        (void)snprintf(text, n_bytes, "%s %s %s", isa_unit_name(unit), reg->name,
                       reg->type == ISA_TYPE_F32 ? floats[bin % N_CLASSES]
                                                 : integers[bin % N_CLASSES]);
        return;
    }
    case GROUP_CHECK:
        (void)snprintf(text, n_bytes, "%s %s", isa_unit_name((unsigned)(bin / ISA_N_ERRORS)),
                       isa_error_name((unsigned)(bin % ISA_N_ERRORS)));
        return;
    case GROUP_PRODUCT:
        (void)snprintf(text, n_bytes, "%s, rows %s, planes %s, %s",
                       bin / 12 == 0 ? "MATMUL" : "MATMUL_T", lengths[bin / 4 % 3],
                       bin / 2 % 2 == 0 ? "one" : "more",
                       bin % 2 == 0 ? "overwrites" : "accumulates");
        return;
    case GROUP_SOURCES:
        (void)snprintf(text, n_bytes, "a_src %zu, b_src %zu, out %zu", bin / 20, bin / 5 % 4,
                       bin % 5);
        return;
    case GROUP_REDUCE:
        (void)snprintf(text, n_bytes, "red %zu, red_src %zu, red_loops %zu, red_out %zu",
                       1 + bin / 30, bin / 15 % 2, bin / 3 % 5, bin % 3);
        return;
    case GROUP_BYTES:
        (void)snprintf(text, n_bytes, "%s, close %zu, %s, valid: %s", bin / 24 == 0 ? "LD" : "ST",
                       bin / 6 % 4, bin / 3 % 2 == 0 ? "SPM" : "ACC", valid[bin % 3]);
        return;
    case GROUP_END:
        (void)snprintf(text, n_bytes, "%s %s", rt_fuzz_kind_name((fuzz_kind)(bin / 3)),
                       ends[bin % 3]);
        return;
    case GROUP_ERROR:
        (void)snprintf(text, n_bytes, "%s", isa_error_name((unsigned)bin));
        return;
    case GROUP_EXCEPTION:
        (void)snprintf(text, n_bytes, "mcause %u", (unsigned)exceptions[bin]);
        return;
    case GROUP_COUNTER:
        (void)snprintf(text, n_bytes, "%s %s", isa_unit_name((unsigned)(bin / ISA_N_COUNTERS)),
                       isa_counter_name((unsigned)(bin % ISA_N_COUNTERS)));
        return;
    case N_GROUPS:
        break;
    }
    text[0] = '\0';
}

fuzz_coverage *rt_fuzz_coverage_create(base_arena *arena)
{
    return BASE_ARENA_NEW(arena, fuzz_coverage);
}

/* Zero, one or more, sign bit set; for floats zero, subnormal, normal, infinite, NaN. */
static size_t class_of(uint32_t value, isa_type type)
{
    if (type != ISA_TYPE_F32) {
        return value == 0 ? 0 : value >> 31 == 0 ? 1 : 2;
    }
    float f;
    memcpy(&f, &value, sizeof f);
    switch (fpclassify(f)) {
    case FP_ZERO:
        return 0;
    case FP_SUBNORMAL:
        return 1;
    case FP_INFINITE:
        return 3;
    case FP_NAN:
        return 4;
    default: /* FP_NORMAL; the constants are the C library's, no enum of ours */
        return 2;
    }
}

static void add_fields(fuzz_coverage *c, const fuzz_command *command)
{
    for (size_t i = 0; i < N_FIELDS; i++) {
        const field_row *field = &field_rows[i];
        const bool is_rows = strcmp(field->reg, "rows") == 0;
        if (field->unit != command->unit ||
            (field->unit == ISA_UNIT_VPU && is_rows != (command->funct7 == ISA_F7_VPU_ROWS))) {
            continue; /* what the operation does not use */
        }
        const uint32_t mask = (UINT32_C(1) << field->width) - 1;
        const uint32_t value = command->regs[isa_reg_find(field->unit, field->reg)] >> field->low &
                               mask;
        if (value < FIELD_VALUES) {
            c->hits[GROUP_FIELD][i * FIELD_VALUES + value]++;
        }
        for (size_t k = 0; k < N_VALUES; k++) {
            if (value_rows[k].unit == field->unit && value_rows[k].value == value &&
                strcmp(value_rows[k].field, field->field) == 0) {
                c->hits[GROUP_VALUE][k]++;
            }
        }
    }
}

static void add_product(fuzz_coverage *c, uint32_t d, const fuzz_command *command)
{
    const uint32_t *r = command->regs;
    const uint64_t n_rows = (uint64_t)r[ISA_MXU_N0] * r[ISA_MXU_N1] * r[ISA_MXU_N2] * r[ISA_MXU_N3];
    const size_t length = n_rows < d ? 0 : n_rows == d ? 1 : 2;
    const size_t transposed = command->funct7 == ISA_F7_MXU_MATMUL_T ? 1 : 0;
    const size_t more = r[ISA_MXU_PLANES] > 1 ? 1 : 0;
    c->hits[GROUP_PRODUCT][((transposed * 3 + length) * 2 + more) * 2 +
                           ISA_GET(r[ISA_MXU_FLAGS], ISA_MXU_FLAGS_ACCUMULATE)]++;
}

static void add_vector(fuzz_coverage *c, const fuzz_command *command)
{
    const uint32_t in = command->regs[ISA_VPU_CHAIN_IN], out = command->regs[ISA_VPU_CHAIN_OUT];
    const uint32_t red = ISA_GET(out, ISA_VPU_CHAIN_OUT_RED);
    c->hits[GROUP_SOURCES]
           [(ISA_GET(in, ISA_VPU_CHAIN_IN_A_SRC) * 4 + ISA_GET(in, ISA_VPU_CHAIN_IN_B_SRC)) * 5 +
            ISA_GET(out, ISA_VPU_CHAIN_OUT_OUT)]++;
    if (red != ISA_VPU_CHAIN_OUT_RED_NONE) {
        c->hits[GROUP_REDUCE][(((red - 1) * 2 + ISA_GET(out, ISA_VPU_CHAIN_OUT_RED_SRC)) * 5 +
                               ISA_GET(out, ISA_VPU_CHAIN_OUT_RED_LOOPS)) *
                                  3 +
                              ISA_GET(out, ISA_VPU_CHAIN_OUT_RED_OUT)]++;
    }
}

static void add_bytes(fuzz_coverage *c, const isa_config *config, const fuzz_command *command)
{
    const sim_bytes bytes = sim_command_bytes(config, command->unit, command->regs);
    int64_t low, high;
    size_t valid = 0;
    for (unsigned k = 0; k < 4; k++) {
        if (bytes.low[k] > 0 || bytes.high[k] < bytes.n[k]) {
            valid = 1;
        }
    }
    if (!sim_bytes_extent(&bytes, &low, &high)) {
        valid = 2;
    }
    const size_t unit = command->unit == ISA_UNIT_LD ? 0 : 1,
                 acc = bytes.memory == ISA_MEMORY_ACC ? 1 : 0;
    c->hits[GROUP_BYTES][((unit * 4 + bytes.close) * 2 + acc) * 3 + valid]++;
}

static void add_command(fuzz_coverage *c, const isa_config *config, const fuzz_command *command)
{
    add_fields(c, command);
    for (unsigned r = 0; r < isa_unit_n_regs(command->unit); r++) {
        const isa_type type = isa_reg_describe(command->unit, r)->type;
        if (type != ISA_TYPE_BITS) {
            const size_t reg = (size_t)command->unit * ISA_MAX_REGS + r;
            c->hits[GROUP_REGISTER][reg * N_CLASSES + class_of(command->regs[r], type)]++;
        }
    }
    c->hits[GROUP_CHECK][(size_t)command->unit * ISA_N_ERRORS + (size_t)command->expect]++;
    if (command->expect != ISA_ERROR_NONE) {
        return;
    }
    if (command->unit == ISA_UNIT_MXU) {
        add_product(c, config->d, command);
    } else if (command->unit == ISA_UNIT_VPU && command->funct7 == ISA_F7_VPU_VEC) {
        add_vector(c, command);
    } else if (command->unit == ISA_UNIT_LD || command->unit == ISA_UNIT_ST) {
        add_bytes(c, config, command);
    }
}

static void add_result(fuzz_coverage *c, fuzz_kind kind, const sim_result *result)
{
    switch (result->end) {
    case SIM_END_DONE:
        c->hits[GROUP_END][(size_t)kind * 3]++;
        break;
    case SIM_END_ERROR:
        c->hits[GROUP_END][(size_t)kind * 3 + 1]++;
        c->hits[GROUP_ERROR][result->error]++;
        break;
    case SIM_END_DEADLOCK:
        c->hits[GROUP_END][(size_t)kind * 3 + 2]++;
        break;
    case SIM_END_LIMIT:
    case SIM_END_STOPPED:
        break;
    }
    for (size_t i = 0; i < N_EXCEPTIONS; i++) {
        if (result->error == ISA_ERROR_TRAP && result->error_command == exceptions[i]) {
            c->hits[GROUP_EXCEPTION][i]++;
        }
    }
    for (size_t u = 0; u < ISA_N_QUEUES; u++) {
        for (size_t k = 0; k < ISA_N_COUNTERS; k++) {
            c->hits[GROUP_COUNTER][u * ISA_N_COUNTERS + k] += result->counters[u][k] > 0 ? 1 : 0;
        }
    }
}

void rt_fuzz_coverage_add(fuzz_coverage *coverage, const fuzz_program *program,
                          const sim_result *result)
{
    for (uint32_t at = 0; at < program->program.n_text_bytes; at += 4) {
        isa_insn insn;
        (void)isa_decode(base_get_le32(program->program.text + at), &insn);
        coverage->hits[GROUP_INSTRUCTION][insn.op]++;
    }
    for (size_t i = 0; i < program->n_commands; i++) {
        add_command(coverage, &program->program.config, &program->commands[i]);
    }
    if (result != NULL) {
        add_result(coverage, program->kind, result);
    }
}

size_t rt_fuzz_coverage_print(const fuzz_coverage *coverage, bool without_ends, base_buf *out)
{
    size_t n_empty_all = 0;
    const int n_groups = without_ends ? GROUP_END : N_GROUPS;
    for (int i = 0; i < n_groups; i++) {
        const group g = (group)i;
        size_t n = 0, n_empty = 0;
        for (size_t bin = 0; bin < n_bins(g); bin++) {
            n += is_reachable(g, bin) ? 1 : 0;
            n_empty += is_reachable(g, bin) && coverage->hits[g][bin] == 0 ? 1 : 0;
        }
        base_buf_printf(out, "%s: %zu of %zu\n", group_names[g], n - n_empty, n);
        for (size_t bin = 0; bin < n_bins(g); bin++) {
            if (is_reachable(g, bin) && coverage->hits[g][bin] == 0) {
                char name[96];
                bin_name(g, bin, name, sizeof name);
                base_buf_printf(out, "    missing: %s\n", name);
            }
        }
        n_empty_all += n_empty;
    }
    return n_empty_all;
}
