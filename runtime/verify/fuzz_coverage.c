/*
 * fuzz_coverage.c -- what random programs have exercised: counting. What the bins mean:
 * fuzz_bins.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuzz_coverage.h"

#include <math.h>
#include <string.h>

/* ---- items, from the tables ---- */

typedef struct value_row {
    isa_unit unit;
    const char *field;
    const char *name;
    uint32_t value;
    bool built;
} value_row;
static const value_row value_rows[] = {
#define E(unit, field, name, value, built, summary) \
    {ISA_UNIT_##unit, #field, #name, (value), (built) != 0},
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
enum { N_FIELDS = sizeof field_rows / sizeof field_rows[0] };

static void add_item(fuzz_coverage *c, fuzz_item item)
{
    if (c->n_items < FUZZ_MAX_ITEMS) {
        c->items[c->n_items++] = item;
    }
}

static void add_classes(fuzz_coverage *c, isa_unit unit, unsigned reg, isa_type type)
{
    const unsigned n = type == ISA_TYPE_BITS  ? 0
                       : type == ISA_TYPE_F32 ? FUZZ_FLOAT_CLASSES
                                              : FUZZ_INTEGER_CLASSES;
    for (unsigned i = 0; i < n; i++) {
        add_item(
            c, (fuzz_item){.unit = unit, .reg = reg, .is_class = true, .class = i, .built = true});
    }
}

static void add_values(fuzz_coverage *c, const field_row *field)
{
    fuzz_item item = {.unit = field->unit,
                      .reg = (unsigned)isa_reg_find(field->unit, field->reg),
                      .low = field->low,
                      .width = field->width,
                      .field = field->field,
                      .built = true};
    bool is_listed = false;
    for (size_t i = 0; i < N_VALUES; i++) {
        const value_row *row = &value_rows[i];
        if (row->unit == field->unit && strcmp(row->field, field->field) == 0) {
            is_listed = true;
            item.value = row->value;
            item.name = row->name;
            item.built = row->built;
            add_item(c, item);
        }
    }
    for (uint32_t v = 0; !is_listed && v < UINT32_C(1) << field->width && v < 8; v++) {
        item.value = v;
        add_item(c, item);
    }
}

fuzz_coverage *rt_fuzz_coverage_create(base_arena *arena)
{
    fuzz_coverage *c = BASE_ARENA_NEW(arena, fuzz_coverage);
    if (c == NULL) {
        return NULL;
    }
    for (unsigned u = 0; u < ISA_N_QUEUES; u++) {
        for (unsigned r = 0; r < isa_unit_n_regs((isa_unit)u); r++) {
            add_classes(c, (isa_unit)u, r, isa_reg_describe((isa_unit)u, r)->type);
        }
    }
    for (size_t i = 0; i < N_FIELDS; i++) {
        add_values(c, &field_rows[i]);
    }
    for (int g = 0; g < N_BINS_GROUPS; g++) {
        c->hits[g] = BASE_ARENA_ARRAY(arena, uint64_t, rt_fuzz_n_bins(c, (fuzz_bins)g));
        if (c->hits[g] == NULL) {
            return NULL;
        }
    }
    return c->n_items < FUZZ_MAX_ITEMS ? c : NULL;
}

/* ---- commands ---- */

/* Zero, one, 2 to 65535, more, sign bit set; for floats zero, subnormal, normal, infinite, NaN. */
static unsigned class_of(uint32_t value, isa_type type)
{
    if (type != ISA_TYPE_F32) {
        return value < 2 ? value : value <= 65535 ? 2 : value >> 31 == 0 ? 3 : 4;
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

static bool has_item(const fuzz_command *command, const fuzz_item *item)
{
    const uint32_t value = command->regs[item->reg];
    if (item->is_class) {
        return class_of(value, isa_reg_describe(item->unit, item->reg)->type) == item->class;
    }
    return (value >> item->low & ((UINT32_C(1) << item->width) - 1)) == item->value;
}

static void add_fields(fuzz_coverage *c, const fuzz_command *command)
{
    const isa_op op = isa_op_of_command(command->unit, command->funct7);
    for (size_t i = 0; i < c->n_items; i++) {
        const fuzz_item *item = &c->items[i];
        if (item->unit != command->unit ||
            !rt_fuzz_uses(command->unit, command->funct7, item->reg) || !has_item(command, item)) {
            continue;
        }
        c->hits[BINS_FIELD][i]++;
        const isa_error wanted = item->built ? ISA_ERROR_NONE : ISA_ERROR_UNIMPLEMENTED;
        if (command->expect == wanted) {
            c->hits[BINS_LEGAL][i]++;
            c->seen_by[i] |= UINT32_C(1) << (op - ISA_OP_SET - 1);
        }
    }
}

/* What is wrong with the bit registers of a command that fails by FIELD. */
static void add_illegal(fuzz_coverage *c, const fuzz_command *command)
{
    for (unsigned r = 0; r < isa_unit_n_regs(command->unit); r++) {
        uint32_t outside = command->regs[r];
        if (isa_reg_describe(command->unit, r)->type != ISA_TYPE_BITS ||
            !rt_fuzz_uses(command->unit, command->funct7, r)) {
            continue;
        }
        for (size_t i = 0; i < N_FIELDS; i++) {
            const field_row *field = &field_rows[i];
            if (field->unit != command->unit ||
                (unsigned)isa_reg_find(field->unit, field->reg) != r) {
                continue;
            }
            const uint32_t mask = (UINT32_C(1) << field->width) - 1;
            const uint32_t alone = command->regs[r] & mask << field->low;
            outside &= ~(mask << field->low);
            if (isa_reg_check(command->unit, r, alone) == ISA_ERROR_FIELD) {
                c->hits[BINS_ILLEGAL][(size_t)ISA_N_QUEUES * ISA_MAX_REGS + i]++;
            }
        }
        if (outside != 0) {
            c->hits[BINS_ILLEGAL][(size_t)command->unit * ISA_MAX_REGS + r]++;
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
    c->hits[BINS_PRODUCT][((transposed * 3 + length) * 2 + more) * 2 +
                          ISA_GET(r[ISA_MXU_FLAGS], ISA_MXU_FLAGS_ACCUMULATE)]++;
}

static void add_vector(fuzz_coverage *c, const fuzz_command *command)
{
    const uint32_t in = command->regs[ISA_VPU_CHAIN_IN], out = command->regs[ISA_VPU_CHAIN_OUT];
    const uint32_t red = ISA_GET(out, ISA_VPU_CHAIN_OUT_RED);
    c->hits[BINS_SOURCES]
           [(ISA_GET(in, ISA_VPU_CHAIN_IN_A_SRC) * 4 + ISA_GET(in, ISA_VPU_CHAIN_IN_B_SRC)) * 8 +
            ISA_GET(out, ISA_VPU_CHAIN_OUT_OUT)]++;
    c->hits[BINS_REDUCE][((red * 2 + ISA_GET(out, ISA_VPU_CHAIN_OUT_RED_SRC)) * 8 +
                          ISA_GET(out, ISA_VPU_CHAIN_OUT_RED_LOOPS)) *
                             4 +
                         ISA_GET(out, ISA_VPU_CHAIN_OUT_RED_OUT)]++;
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
    c->hits[BINS_BYTES][((unit * 4 + bytes.close) * 2 + acc) * 3 + valid]++;
}

static void add_command(fuzz_coverage *c, const isa_config *config, const fuzz_command *command)
{
    add_fields(c, command);
    c->hits[BINS_CHECK][(size_t)command->unit * ISA_N_ERRORS + (size_t)command->expect]++;
    if (command->expect == ISA_ERROR_FIELD) {
        add_illegal(c, command);
    }
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

/* ---- runs ---- */

static void add_end(fuzz_coverage *c, fuzz_kind kind, const sim_result *result)
{
    const size_t end = (size_t)kind * 4;
    switch (result->end) {
    case SIM_END_DONE:
        c->hits[BINS_END][end]++;
        break;
    case SIM_END_ERROR:
        c->hits[BINS_END][end + 1]++;
        c->hits[BINS_ERROR][result->error_unit * (size_t)ISA_N_ERRORS + result->error]++;
        if (result->error == ISA_ERROR_TRAP && result->error_command < 32) {
            c->hits[BINS_EXCEPTION][result->error_command]++;
        }
        break;
    case SIM_END_DEADLOCK:
        c->hits[BINS_END][end + 2]++;
        break;
    case SIM_END_LIMIT:
        c->hits[BINS_END][end + 3]++;
        break;
    case SIM_END_STOPPED:
        break;
    }
}

/* Core: pushes to MXU, VPU, LD, ST; SEMWAIT, FENCE, halted. Units that wait; last: none. */
static void add_deadlock(fuzz_coverage *c, const fuzz_run *run)
{
    const size_t core = run->deadlock_unit != ISA_UNIT_CORE       ? (size_t)run->deadlock_unit
                        : run->deadlock_op == ISA_OP_CORE_SEMWAIT ? 4
                        : run->deadlock_op == ISA_OP_CORE_FENCE   ? 5
                                                                  : 6;
    bool any = false;
    for (size_t u = 0; u < ISA_N_QUEUES; u++) {
        c->hits[BINS_DEADLOCK][core * 5 + u] += run->deadlocked[u] ? 1 : 0;
        any = any || run->deadlocked[u];
    }
    c->hits[BINS_DEADLOCK][core * 5 + ISA_N_QUEUES] += any ? 0 : 1;
}

static void add_causes(fuzz_coverage *c, const fuzz_run *run)
{
    for (size_t i = 0; i < FUZZ_COMMANDS; i++) {
        const isa_op_info *info = isa_op_describe(FUZZ_COMMAND_OP(i));
        if (!run->ended[FUZZ_COMMAND_OP(i)] || info->unit >= ISA_N_QUEUES) {
            continue;
        }
        for (size_t item = 0; item < c->n_items; item++) {
            if ((c->seen_by[item] >> i & 1) == 0) {
                continue;
            }
            for (size_t k = 0; k < ISA_N_COUNTERS; k++) {
                c->hits[BINS_CAUSES][(i * c->n_items + item) * ISA_N_COUNTERS + k] +=
                    run->result.counters[info->unit][k] > 0 ? 1 : 0;
            }
        }
    }
}

static void add_run(fuzz_coverage *c, const fuzz_program *program, const fuzz_run *run)
{
    add_end(c, program->kind, &run->result);
    for (size_t op = 0; op < ISA_N_OPS; op++) {
        const isa_op_info *info = isa_op_describe((isa_op)op);
        const bool is_command = info->args == ISA_ARGS_TAG && info->format == ISA_FORMAT_XSYSTOLE &&
                                info->unit < ISA_N_QUEUES && info->built;
        c->hits[BINS_INSTRUCTION][op] += (is_command ? run->ended[op] : run->retired[op]) ? 1 : 0;
    }
    for (size_t u = 0; u < ISA_N_QUEUES; u++) {
        c->hits[BINS_FULL][u] += run->full[u] ? 1 : 0;
        for (size_t k = 0; k < ISA_N_COUNTERS; k++) {
            c->hits[BINS_COUNTER][u * ISA_N_COUNTERS + k] += run->result.counters[u][k] > 0 ? 1 : 0;
        }
        for (size_t i = 0; i < 8; i++) { /* memory and earlier unit */
            c->hits[BINS_BANKS][4 * i + u] += (program->meetings >> (4 * i + u) & 1) != 0 &&
                                                      run->result.counters[u][ISA_COUNTER_BANK] > 0
                                                  ? 1
                                                  : 0;
        }
    }
    if (run->result.end == SIM_END_DEADLOCK) {
        add_deadlock(c, run);
    }
    add_causes(c, run);
}

static void add_config(fuzz_coverage *c, const isa_config *config)
{
    const fuzz_key *keys;
    const size_t n = rt_fuzz_keys(&keys);
    for (size_t i = 0; i < n; i++) {
        c->hits[BINS_CONFIG][2 * i + (rt_fuzz_key_value(config, i) > keys[i].minimum ? 1 : 0)]++;
    }
    for (size_t i = 0; i < FUZZ_DIM_BINS; i++) {
        c->hits[BINS_CONFIG][2 * n + i] += config->d == UINT32_C(4) << i ? 1 : 0;
    }
    c->hits[BINS_CONFIG][2 * n + FUZZ_DIM_BINS + config->element]++;
}

void rt_fuzz_coverage_add(fuzz_coverage *coverage, const fuzz_program *program, const fuzz_run *run)
{
    memset(coverage->seen_by, 0, sizeof coverage->seen_by);
    for (size_t i = 0; i < program->n_commands; i++) {
        add_command(coverage, &program->program.config, &program->commands[i]);
    }
    for (size_t i = 0; i < 25; i++) {
        coverage->hits[BINS_SYNC][i] += program->sync_pairs >> i & 1;
    }
    add_config(coverage, &program->program.config);
    if (run != NULL) {
        add_run(coverage, program, run);
    }
}
