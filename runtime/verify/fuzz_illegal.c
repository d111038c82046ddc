/*
 * fuzz_illegal.c -- commands that fail their checks: each error, just outside its limit, and
 * several at once.
 *
 * How: a valid command is damaged in the way that the wanted error needs, until the checks of the
 * simulator name that error. Whether they are right is for the comparison with the Verilog to say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuzz_internal.h"

#include <string.h>

static const uint8_t count_regs[ISA_N_QUEUES][8] = {
    {ISA_MXU_N0, ISA_MXU_N1, ISA_MXU_N2, ISA_MXU_N3, ISA_MXU_PLANES, ISA_MXU_PLANES, ISA_MXU_PLANES,
     ISA_MXU_N0},
    {ISA_VPU_N0, ISA_VPU_N1, ISA_VPU_N2, ISA_VPU_N3, ISA_VPU_WIN_OUT, ISA_VPU_WIN_TOP,
     ISA_VPU_WIN_ROWS, ISA_VPU_N0},
    {ISA_LD_N0, ISA_LD_N1, ISA_LD_N2, ISA_LD_N3, ISA_LD_M0, ISA_LD_M1, ISA_LD_M2, ISA_LD_M3},
    {ISA_ST_N0, ISA_ST_N1, ISA_ST_N2, ISA_ST_N3, ISA_ST_M0, ISA_ST_M1, ISA_ST_M2, ISA_ST_M3},
};

static void break_field(fuzz_gen *g, isa_unit unit, uint8_t *funct7, uint32_t *regs)
{
    const uint32_t bit = UINT32_C(1) << rt_fuzz_below(g, 32);
    switch (unit) {
    case ISA_UNIT_MXU:
        switch (rt_fuzz_below(g, 3)) {
        case 0:
            regs[ISA_MXU_FLAGS] ^= bit;
            return;
        default:
            regs[rt_fuzz_one_in(g, 2) ? ISA_MXU_A_ZERO : ISA_MXU_W_ZERO] =
                rt_fuzz_one_in(g, 3)
                    ? rt_fuzz_corner(g)
                    : (uint32_t)(rt_fuzz_one_in(g, 2)
                                     ? rt_fuzz_range(g, -129, -127)
                                     : 128 * rt_fuzz_range(g, 1, 2) - rt_fuzz_range(g, 0, 1));
            return;
        }
    case ISA_UNIT_VPU:
        if (rt_fuzz_one_in(g, 6)) {
            regs[ISA_VPU_TAIL] = rt_fuzz_one_in(g, 2) ? g->config->d + rt_fuzz_below(g, 2)
                                                      : rt_fuzz_corner(g);
        } else if (*funct7 == ISA_F7_VPU_TAPS) {
            regs[ISA_VPU_TAPS] = rt_fuzz_one_in(g, 4)
                                     ? regs[ISA_VPU_TAPS] ^ bit
                                     : rt_fuzz_below(g, 32) | rt_fuzz_below(g, 32) << 8;
        } else if (*funct7 == ISA_F7_VPU_ROWS || rt_fuzz_one_in(g, 4)) {
            *funct7 = ISA_F7_VPU_ROWS;
            regs[ISA_VPU_ROWS] = rt_fuzz_one_in(g, 4)
                                     ? regs[ISA_VPU_ROWS] ^ bit
                                     : rt_fuzz_below(g, 8) | rt_fuzz_below(g, 8) << 4;
        } else {
            regs[ISA_VPU_CHAIN_IN + rt_fuzz_below(g, 3)] ^= bit;
        }
        return;
    case ISA_UNIT_LD:
    case ISA_UNIT_ST:
        switch (rt_fuzz_below(g, 3)) {
        case 0:
            regs[ISA_LD_FLAGS] ^= bit;
            return;
        case 1:
            regs[ISA_LD_ADDR_HI] = rt_fuzz_one_in(g, 2) ? 256 : rt_fuzz_corner(g);
            return;
        default:
            regs[ISA_LD_FILL] = rt_fuzz_one_in(g, 2) ? 256 : rt_fuzz_corner(g);
            return;
        }
    case ISA_UNIT_CORE:
        break;
    }
}

/* Values of bit fields that are listed. */
typedef struct value_row {
    isa_unit unit;
    const char *field;
    uint32_t value;
    bool built;
} value_row;
static const value_row value_rows[] = {
#define E(unit, field, name, value, built, summary) {ISA_UNIT_##unit, #field, (value), (built) != 0},
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

static void put_field(uint32_t *regs, const field_row *field, uint32_t value)
{
    uint32_t *reg = &regs[isa_reg_find(field->unit, field->reg)];
    const uint32_t mask = ((UINT32_C(1) << field->width) - 1) << field->low;
    *reg = (*reg & ~mask) | (value << field->low & mask);
}

/* A command of the unit that the tables list and the machine does not have; 0: there is none. */
static uint8_t choose_unbuilt_command(fuzz_gen *g, isa_unit unit)
{
    uint8_t list[ISA_N_OPS];
    uint32_t n = 0;
    for (unsigned op = 0; op < ISA_N_OPS; op++) {
        const isa_op_info *info = isa_op_describe((isa_op)op);
        if (info->format == ISA_FORMAT_XSYSTOLE && info->unit == (uint8_t)unit && !info->built) {
            list[n++] = info->funct7;
        }
    }
    return n > 0 ? list[rt_fuzz_below(g, n)] : 0;
}

/* Values of the table that are not built. */
static void break_unimplemented(fuzz_gen *g, isa_unit unit, uint8_t *funct7, uint32_t *regs)
{
    const uint8_t command = rt_fuzz_one_in(g, 6) ? choose_unbuilt_command(g, unit) : 0;
    if (command != 0) {
        *funct7 = command;
        return;
    }
    const value_row *rows[N_VALUES];
    uint32_t n = 0;
    for (size_t i = 0; i < N_VALUES; i++) {
        if (value_rows[i].unit == unit && !value_rows[i].built) {
            rows[n++] = &value_rows[i];
        }
    }
    const value_row *row = n > 0 ? rows[rt_fuzz_below(g, n)] : NULL;
    for (size_t k = 0; k < N_FIELDS && row != NULL; k++) {
        if (field_rows[k].unit == unit && strcmp(row->field, field_rows[k].field) == 0) {
            put_field(regs, &field_rows[k], row->value);
        }
    }
    if (row != NULL && strcmp(row->field, "window") == 0) {
        rt_fuzz_window(g, regs);
    } else if (unit == ISA_UNIT_VPU && rt_fuzz_one_in(g, 2)) { /* what some values ask for */
        regs[ISA_VPU_CHAIN_IN] = ISA_PUT(regs[ISA_VPU_CHAIN_IN], ISA_VPU_CHAIN_IN_A_SRC,
                                         ISA_VPU_CHAIN_IN_A_SRC_SPM);
    }
}

/* A bit field at random: any value, listed or not. */
static void break_bits(fuzz_gen *g, isa_unit unit, uint32_t *regs)
{
    const uint32_t first = rt_fuzz_below(g, N_FIELDS);
    for (uint32_t i = 0; i < N_FIELDS; i++) {
        const field_row *field = &field_rows[(first + i) % N_FIELDS];
        if (field->unit == unit) {
            put_field(regs, field, (uint32_t)base_rng_next(&g->rng));
            return;
        }
    }
}

static void break_count(fuzz_gen *g, isa_unit unit, uint32_t *regs)
{
    static const uint32_t values[] = {65535, 65536, UINT32_MAX, 0x80000000, 16777215, 16777216};
    const uint8_t *count = count_regs[unit];
    switch (rt_fuzz_below(g, 5)) {
    case 4:
        regs[count[rt_fuzz_below(g, 8)]] = 0;
        break;
    case 0:
        regs[count[rt_fuzz_below(g, 8)]] =
            values[rt_fuzz_below(g, sizeof values / sizeof values[0])];
        break;
    case 1:
        regs[count[rt_fuzz_below(g, 8)]] += rt_fuzz_one_in(g, 2) ? 1 : UINT32_MAX;
        break;
    case 2: { /* products on either side of 2^31 - 1 */
        const unsigned i = rt_fuzz_below(g, 4), j = rt_fuzz_below(g, 4);
        for (unsigned k = 0; k < 4; k++) {
            regs[count[k]] = 1;
        }
        regs[count[i]] = 46340 + rt_fuzz_below(g, 2);
        regs[count[j]] = 46341;
        break;
    }
    default: { /* also of the rows */
        const unsigned i = rt_fuzz_below(g, 8), j = rt_fuzz_below(g, 8);
        regs[count[i]] = 65535;
        regs[count[j]] = 32768 + rt_fuzz_below(g, 2);
        break;
    }
    }
}

/* Moves a stream to the first place that is outside its memory, or to the last that is inside. */
static void break_range(fuzz_gen *g, isa_unit unit, uint8_t funct7, uint32_t *regs)
{
    sim_stream streams[SIM_MAX_STREAMS];
    if (rt_fuzz_one_in(g, 8)) {
        break_count(g, unit, regs);
        return;
    }
    if (rt_fuzz_one_in(g, 4)) { /* far away */
        regs[rt_fuzz_below(g, isa_unit_n_regs(unit))] = rt_fuzz_corner(g);
        return;
    }
    if ((unit == ISA_UNIT_LD || unit == ISA_UNIT_ST) && rt_fuzz_one_in(g, 2)) {
        const sim_bytes bytes = sim_command_bytes(g->config, unit, regs);
        int64_t low, high;
        if (sim_bytes_extent(&bytes, &low, &high)) {
            const int64_t delta = rt_fuzz_one_in(g, 2) ? (int64_t)isa_config_dram_bytes(g->config) -
                                                             high - rt_fuzz_range(g, 0, 1)
                                                       : -low - rt_fuzz_range(g, 0, 1);
            const uint64_t address = bytes.address + (uint64_t)delta;
            regs[ISA_LD_ADDR_LO] = (uint32_t)address;
            regs[ISA_LD_ADDR_HI] = (uint32_t)(address >> 32) & 255;
        }
        return;
    }
    const unsigned n = sim_command_streams(g->config, unit, funct7, regs, streams);
    if (n == 0) {
        return;
    }
    const sim_stream *s = &streams[rt_fuzz_below(g, n)];
    const sim_rows rows = sim_stream_rows(s, 0);
    const int64_t delta = rt_fuzz_one_in(g, 2) ? (int64_t)rt_fuzz_memory_rows(g, s->memory) -
                                                     rows.high - rt_fuzz_range(g, 0, 1)
                                               : -rows.low - rt_fuzz_range(g, 0, 1);
    static const uint8_t bases[] = {
        [SIM_ROLE_WEIGHTS] = ISA_MXU_W_BASE, [SIM_ROLE_A] = 0,
        [SIM_ROLE_B] = ISA_VPU_B_BASE,       [SIM_ROLE_ACC] = ISA_MXU_C_BASE,
        [SIM_ROLE_OUT] = ISA_VPU_O_BASE,     [SIM_ROLE_OUT2] = ISA_VPU_R_BASE,
        [SIM_ROLE_ROWS] = ISA_LD_ROW_BASE,
    };
    const unsigned a_base = unit == ISA_UNIT_MXU ? ISA_MXU_A_BASE : ISA_VPU_A_BASE;
    regs[s->role == SIM_ROLE_A ? a_base : bases[s->role]] += (uint32_t)delta;
}

static void break_revisit(fuzz_gen *g, isa_unit unit, uint32_t *regs)
{
    static const uint8_t strides[ISA_N_QUEUES] = {ISA_MXU_C_S0, ISA_VPU_O_S0, ISA_LD_T0, ISA_ST_T0};
    unsigned s0 = strides[unit];
    if (unit == ISA_UNIT_VPU && rt_fuzz_one_in(g, 3)) {
        s0 = ISA_VPU_R_S0;
    }
    const unsigned k = rt_fuzz_below(g, 4);
    const int32_t stride = (int32_t)regs[s0 + k];
    switch (rt_fuzz_below(g, 4)) {
    case 0:
        regs[s0 + k] = 0;
        break;
    case 1:
        regs[s0 + k] = regs[s0 + rt_fuzz_below(g, 4)];
        break;
    case 2:
        regs[s0 + k] = 0 - regs[s0 + rt_fuzz_below(g, 4)];
        break;
    default:
        regs[s0 + k] = (uint32_t)(stride > 0 ? stride - 1 : stride + 1);
        break;
    }
}

/* VPU: an output beside or on a source. */
static void break_overlap(fuzz_gen *g, isa_unit unit, uint32_t *regs)
{
    if (unit != ISA_UNIT_VPU) {
        return;
    }
    const bool from_a = rt_fuzz_one_in(g, 2), second = rt_fuzz_one_in(g, 3);
    const unsigned source = from_a ? ISA_VPU_A_S0 : ISA_VPU_B_S0,
                   output = second ? ISA_VPU_R_S0 : ISA_VPU_O_S0;
    const unsigned base = second ? ISA_VPU_R_BASE : ISA_VPU_O_BASE;
    if (rt_fuzz_one_in(g, 2)) {
        for (unsigned k = 0; k < 4; k++) {
            regs[source + k] = regs[output + k];
        }
        regs[source + rt_fuzz_below(g, 4)] += (uint32_t)rt_fuzz_range(g, -1, 1);
        regs[from_a ? ISA_VPU_A_BASE : ISA_VPU_B_BASE] = regs[base] +
                                                         (uint32_t)rt_fuzz_range(g, -1, 1);
    } else {
        regs[base] = regs[from_a ? ISA_VPU_A_BASE : ISA_VPU_B_BASE] +
                     (uint32_t)rt_fuzz_range(g, -8, 8);
    }
}

static void break_banks(fuzz_gen *g, isa_unit unit, uint32_t *regs)
{
    if (unit == ISA_UNIT_MXU) {
        regs[ISA_MXU_W_BASE] = regs[ISA_MXU_A_BASE] + (uint32_t)rt_fuzz_range(g, -20, 20);
    } else if (unit == ISA_UNIT_VPU && rt_fuzz_one_in(g, 2)) {
        regs[ISA_VPU_B_BASE] = regs[ISA_VPU_A_BASE] + (uint32_t)rt_fuzz_range(g, -20, 20);
    } else if (unit == ISA_UNIT_VPU) {
        regs[ISA_VPU_R_BASE] = regs[ISA_VPU_O_BASE] + (uint32_t)rt_fuzz_range(g, -20, 20);
    }
}

static void damage(fuzz_gen *g, isa_error wanted, isa_unit unit, uint8_t *funct7, uint32_t *regs)
{
    switch (wanted) {
    case ISA_ERROR_FIELD:
        if (rt_fuzz_one_in(g, 4)) {
            break_bits(g, unit, regs);
        } else {
            break_field(g, unit, funct7, regs);
        }
        return;
    case ISA_ERROR_UNIMPLEMENTED:
        break_unimplemented(g, unit, funct7, regs);
        return;
    case ISA_ERROR_COUNT:
        break_count(g, unit, regs);
        return;
    case ISA_ERROR_RANGE:
        break_range(g, unit, *funct7, regs);
        return;
    case ISA_ERROR_REVISIT:
        break_revisit(g, unit, regs);
        return;
    case ISA_ERROR_OVERLAP:
        break_overlap(g, unit, regs);
        return;
    case ISA_ERROR_SELF_CONFLICT:
        break_banks(g, unit, regs);
        return;
    case ISA_ERROR_NONE:
    case ISA_ERROR_SEM_RANGE:
    case ISA_ERROR_SEM_OVERFLOW:
    case ISA_ERROR_AXI:
    case ISA_ERROR_TRAP:
    case ISA_N_ERRORS:
        return;
    }
}

static bool has_unbuilt(isa_unit unit)
{
    for (unsigned op = 0; op < ISA_N_OPS; op++) {
        const isa_op_info *info = isa_op_describe((isa_op)op);
        if (info->format == ISA_FORMAT_XSYSTOLE && info->unit == (uint8_t)unit && !info->built) {
            return true;
        }
    }
    for (size_t i = 0; i < N_VALUES; i++) {
        if (value_rows[i].unit == unit && !value_rows[i].built) {
            return true;
        }
    }
    return false;
}

bool rt_fuzz_can_fail(isa_unit unit, isa_error error)
{
    switch (error) {
    case ISA_ERROR_FIELD:
    case ISA_ERROR_COUNT:
    case ISA_ERROR_RANGE:
        return true;
    case ISA_ERROR_UNIMPLEMENTED:
        return has_unbuilt(unit);
    case ISA_ERROR_OVERLAP:
        return unit == ISA_UNIT_VPU;
    case ISA_ERROR_REVISIT:
        return unit != ISA_UNIT_ST; /* it writes no rows */
    case ISA_ERROR_SELF_CONFLICT:
        return unit == ISA_UNIT_MXU || unit == ISA_UNIT_VPU; /* the others have one stream */
    case ISA_ERROR_NONE:
    case ISA_ERROR_SEM_RANGE:
    case ISA_ERROR_SEM_OVERFLOW:
    case ISA_ERROR_AXI:
    case ISA_ERROR_TRAP:
    case ISA_N_ERRORS:
        break;
    }
    return false; /* not an error of checks */
}

bool rt_fuzz_illegal(fuzz_gen *g, isa_unit unit, uint32_t regs[ISA_MAX_REGS], uint8_t *funct7,
                     isa_error *error)
{
    uint32_t new_regs[ISA_MAX_REGS];
    isa_error wanted;
    do {
        wanted = (isa_error)(1 + rt_fuzz_below(g, ISA_ERROR_SELF_CONFLICT));
    } while (!rt_fuzz_can_fail(unit, wanted));
    for (unsigned i = 0; i < 60; i++) {
        memcpy(new_regs, regs, sizeof new_regs);
        *funct7 = rt_fuzz_command(g, unit, new_regs);
        if (*funct7 == 0) {
            return false;
        }
        for (unsigned k = 0; k < 6; k++) {
            damage(g, wanted, unit, funct7, new_regs);
            *error = sim_check(g->config, unit, *funct7, new_regs);
            if (*error == wanted || (*error != ISA_ERROR_NONE && i > 40)) {
                if (rt_fuzz_one_in(g, 4)) { /* a second error: the order of the checks decides */
                    damage(g, (isa_error)(1 + rt_fuzz_below(g, ISA_ERROR_SELF_CONFLICT)), unit,
                           funct7, new_regs);
                    *error = sim_check(g->config, unit, *funct7, new_regs);
                }
                memcpy(regs, new_regs, sizeof new_regs);
                return *error != ISA_ERROR_NONE;
            }
            if (*error != ISA_ERROR_NONE) {
                break;
            }
        }
    }
    return false;
}

void rt_fuzz_wild(fuzz_gen *g, isa_unit unit, uint32_t regs[ISA_MAX_REGS], uint8_t *funct7)
{
    uint32_t new_regs[ISA_MAX_REGS];
    *funct7 = 0;
    for (unsigned i = 0; i < 20; i++) {
        memcpy(new_regs, regs, sizeof new_regs);
        *funct7 = rt_fuzz_command(g, unit, new_regs);
        if (*funct7 == 0) {
            continue;
        }
        const unsigned n = rt_fuzz_one_in(g, 4) ? 1 + rt_fuzz_below(g, 3) : 0;
        for (unsigned k = 0; k < n; k++) {
            uint32_t *reg = &new_regs[rt_fuzz_below(g, isa_unit_n_regs(unit))];
            *reg = rt_fuzz_one_in(g, 5)   ? rt_fuzz_corner(g)
                   : rt_fuzz_one_in(g, 2) ? *reg + (uint32_t)rt_fuzz_range(g, -2, 2)
                                          : rt_fuzz_below(g, 64);
        }
        uint64_t bound = 0;
        if (sim_check(g->config, unit, *funct7, new_regs) != ISA_ERROR_NONE ||
            rt_fuzz_cost(g, unit, *funct7, new_regs, &bound) < 4000) {
            memcpy(regs, new_regs, sizeof new_regs);
            return;
        }
    }
    *funct7 = 0;
}
