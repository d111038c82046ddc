/*
 * check.c -- walks, streams, banks, and the checks of a command in its slot.
 *
 * Everything is computed exactly in 64 bits: bases are below 2^32 and a loop adds less than 2^31 * 2^16.
 * Verilog twin: rtl/check.v.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/sim/check.h"

#include "systole/base/assert.h"

#define COUNT_LIMIT 65535u
#define BYTES_LIMIT 16777215u
#define ROWS_LIMIT ((UINT64_C(1) << 31) - 1)
#define N_ROW_REGISTERS 6u
#define N_TAPS 25u
#define TABLE_BYTES 256u

static int32_t signed_reg(uint32_t value)
{
    return (int32_t)value;
}

/* ---- walks ---- */

sim_rows sim_walk_rows(const sim_walk *walk, unsigned n_loops)
{
    sim_rows rows = {walk->base, walk->base};
    for (unsigned k = 0; k < n_loops; k++) {
        const int64_t reach = (int64_t)walk->s[k] * ((int64_t)walk->n[k] - 1);
        if (reach < 0) {
            rows.low += reach;
        } else {
            rows.high += reach;
        }
    }
    return rows;
}

bool sim_walk_equal(const sim_walk *a, const sim_walk *b)
{
    bool equal = a->base == b->base;
    for (unsigned k = 0; k < 4; k++) {
        equal = equal && a->n[k] == b->n[k] && a->s[k] == b->s[k];
    }
    return equal;
}

bool sim_walk_revisits(const sim_walk *walk, unsigned first_loop)
{
    int64_t stride[4];
    int64_t span[4];
    unsigned n = 0;
    for (unsigned k = first_loop; k < 4; k++) {
        if (walk->n[k] > 1) {
            const int64_t s = walk->s[k] < 0 ? -(int64_t)walk->s[k] : walk->s[k];
            unsigned at = n++;
            for (; at > 0 && stride[at - 1] > s; at--) {
                stride[at] = stride[at - 1];
                span[at] = span[at - 1];
            }
            stride[at] = s;
            span[at] = s * ((int64_t)walk->n[k] - 1);
        }
    }
    int64_t reach = 0;
    for (unsigned i = 0; i < n; i++) {
        if (stride[i] <= reach) {
            return true;
        }
        reach += span[i];
    }
    return false;
}

sim_rows sim_stream_rows(const sim_stream *stream, uint32_t i)
{
    const int64_t here = stream->step * (int64_t)i;
    const int64_t last = stream->step * ((int64_t)stream->n_iterations - 1);
    return (sim_rows){
        stream->first.low + (here < last ? here : last),
        stream->first.high + (here > last ? here : last),
    };
}

uint64_t sim_rows_banks(const isa_config *config, isa_memory memory, sim_rows rows)
{
    const uint32_t bank_rows =
        memory == ISA_MEMORY_ACC ? isa_config_acc_bank_rows(config) : isa_config_spm_bank_rows(config);
    const uint64_t low = (uint64_t)rows.low / bank_rows;
    const uint64_t high = (uint64_t)rows.high / bank_rows;
    SY_ASSERT(rows.low >= 0 && high < 64);
    const uint64_t up_to_high = high == 63 ? UINT64_MAX : (UINT64_C(1) << (high + 1)) - 1;
    return up_to_high & ~((UINT64_C(1) << low) - 1);
}

/* ---- the walks and streams of a command ---- */

/* Registers base, n0.., s0..; counts and strides are four registers in a row in every unit. */
static sim_walk walk_of(const uint32_t *regs, unsigned base, unsigned n0, unsigned s0)
{
    sim_walk walk = {.base = regs[base]};
    for (unsigned k = 0; k < 4; k++) {
        walk.n[k] = regs[n0 + k];
        walk.s[k] = signed_reg(regs[s0 + k]);
    }
    return walk;
}

/* ---- the vector unit's constants and its window ---- */

static uint32_t constant_rows(const isa_config *config, uint32_t funct7, const uint32_t *regs)
{
    const uint32_t row_bytes = isa_config_spm_row_bytes(config);
    if (funct7 == ISA_F7_VPU_ROWS) {
        return ISA_GET(regs[ISA_VPU_ROWS], ISA_VPU_ROWS_COUNT) * isa_config_acc_row_bytes(config) / row_bytes;
    }
    return funct7 == ISA_F7_VPU_TAPS ? ISA_GET(regs[ISA_VPU_TAPS], ISA_VPU_TAPS_TAP_COUNT) : TABLE_BYTES / row_bytes;
}

static sim_walk constants_walk(const isa_config *config, uint32_t funct7, const uint32_t *regs)
{
    return (sim_walk){
        .base = regs[ISA_VPU_A_BASE], .n = {constant_rows(config, funct7, regs), 1, 1, 1}, .s = {1, 0, 0, 0}};
}

sim_window sim_command_window(const uint32_t regs[ISA_MAX_REGS])
{
    const uint32_t in = regs[ISA_VPU_CHAIN_IN];
    const uint32_t kind = ISA_GET(in, ISA_VPU_CHAIN_IN_WINDOW);
    if (kind == ISA_VPU_CHAIN_IN_WINDOW_OFF) {
        return (sim_window){0};
    }
    sim_window w = {
        .taps = kind == ISA_VPU_CHAIN_IN_WINDOW_TAPS3 ? 3 : 5,
        .stride = ISA_GET(in, ISA_VPU_CHAIN_IN_STRIDE2) == ISA_VPU_CHAIN_IN_STRIDE2_ON ? 2 : 1,
        .pad = ISA_GET(in, ISA_VPU_CHAIN_IN_WIN_PAD),
        .first = ISA_GET(in, ISA_VPU_CHAIN_IN_WIN_FIRST),
        .top = regs[ISA_VPU_WIN_TOP],
        .rows = regs[ISA_VPU_WIN_ROWS],
        .outputs = regs[ISA_VPU_WIN_OUT],
    };
    const int64_t reach = ((int64_t)regs[ISA_VPU_N2] - 1) * w.stride + regs[ISA_VPU_N0] - w.top;
    w.rows_read = reach < (int64_t)w.rows ? reach : (int64_t)w.rows;
    w.last_column = ((int64_t)w.outputs - 1) * w.stride + w.taps - 1 - w.pad;
    const int64_t trail = w.last_column - ((int64_t)regs[ISA_VPU_N1] - 1);
    w.trail = trail > 0 ? (uint32_t)trail : 0;
    return w;
}

/* A: rows r, columns c, and loop 3; loop 2 moves along r. */
static sim_walk window_source_walk(const uint32_t *regs, const sim_window *window)
{
    sim_walk walk = walk_of(regs, ISA_VPU_A_BASE, ISA_VPU_N0, ISA_VPU_A_S0);
    walk.n[0] = window->rows_read > 0 ? (uint32_t)window->rows_read : 0;
    walk.n[2] = 1;
    walk.s[2] = 0;
    return walk;
}

static sim_walk output_walk(const uint32_t *regs)
{
    sim_walk walk = walk_of(regs, ISA_VPU_O_BASE, ISA_VPU_N0, ISA_VPU_O_S0);
    const sim_window window = sim_command_window(regs);
    if (window.taps != 0) {
        walk.n[0] = 1;
        walk.s[0] = 0;
        walk.n[1] = window.outputs;
    }
    return walk;
}

static sim_walk vpu_source_walk(const isa_config *config, uint32_t funct7, const uint32_t *regs)
{
    if (funct7 != ISA_F7_VPU_VEC) {
        return constants_walk(config, funct7, regs);
    }
    const sim_window window = sim_command_window(regs);
    return window.taps != 0 ? window_source_walk(regs, &window)
                            : walk_of(regs, ISA_VPU_A_BASE, ISA_VPU_N0, ISA_VPU_A_S0);
}

uint64_t sim_vpu_rows(const isa_config *config, uint32_t funct7, const uint32_t regs[ISA_MAX_REGS])
{
    if (funct7 != ISA_F7_VPU_VEC) {
        return constant_rows(config, funct7, regs);
    }
    const sim_window window = sim_command_window(regs);
    const uint64_t columns = (uint64_t)regs[ISA_VPU_N1] * regs[ISA_VPU_N2] * regs[ISA_VPU_N3];
    return regs[ISA_VPU_N0] * (columns + window.trail);
}

static sim_walk second_output_walk(const uint32_t *regs)
{
    sim_walk walk = walk_of(regs, ISA_VPU_R_BASE, ISA_VPU_N0, ISA_VPU_R_S0);
    const uint32_t n_reduced = ISA_GET(regs[ISA_VPU_CHAIN_OUT], ISA_VPU_CHAIN_OUT_RED_LOOPS);
    for (unsigned k = 0; k < n_reduced; k++) {
        walk.n[k] = 1;
    }
    return walk;
}

sim_walk sim_command_walk(const isa_config *config, isa_unit unit, uint32_t funct7, const uint32_t regs[ISA_MAX_REGS],
                          sim_role role)
{
    switch (role) {
    case SIM_ROLE_WEIGHTS:
        return (sim_walk){.base = regs[ISA_MXU_W_BASE], .n = {config->d, 1, 1, 1}, .s = {1, 0, 0, 0}};
    case SIM_ROLE_A:
        if (unit == ISA_UNIT_MXU) {
            return walk_of(regs, ISA_MXU_A_BASE, ISA_MXU_N0, ISA_MXU_A_S0);
        }
        return vpu_source_walk(config, funct7, regs);
    case SIM_ROLE_B:
        return walk_of(regs, ISA_VPU_B_BASE, ISA_VPU_N0, ISA_VPU_B_S0);
    case SIM_ROLE_ACC:
        return walk_of(regs, ISA_MXU_C_BASE, ISA_MXU_N0, ISA_MXU_C_S0);
    case SIM_ROLE_OUT:
        return output_walk(regs);
    case SIM_ROLE_OUT2:
        return second_output_walk(regs);
    case SIM_ROLE_ROWS:
        return walk_of(regs, ISA_LD_ROW_BASE, ISA_LD_M0, ISA_LD_T0); /* ST has the same numbers */
    }
    SY_UNREACHABLE();
}

_Static_assert((int)ISA_LD_ROW_BASE == (int)ISA_ST_ROW_BASE && (int)ISA_LD_M0 == (int)ISA_ST_M0 &&
                   (int)ISA_LD_T0 == (int)ISA_ST_T0 && (int)ISA_LD_FLAGS == (int)ISA_ST_FLAGS &&
                   (int)ISA_LD_HI3 == (int)ISA_ST_HI3 && (int)ISA_LD_S1 == (int)ISA_ST_S1,
               "LD and ST share the numbers of their registers");

/* A stream whose outermost loop is loop 3 of a walk. */
static sim_stream stream_of(sim_role role, isa_memory memory, bool is_write, const sim_walk *walk)
{
    return (sim_stream){
        .role = role,
        .memory = memory,
        .is_write = is_write,
        .first = sim_walk_rows(walk, 3),
        .step = walk->s[3],
        .n_iterations = walk->n[3],
    };
}

static unsigned mxu_streams(const isa_config *config, const uint32_t *regs, sim_stream streams[SIM_MAX_STREAMS])
{
    const int64_t w = regs[ISA_MXU_W_BASE];
    streams[0] = (sim_stream){.role = SIM_ROLE_WEIGHTS,
                              .memory = ISA_MEMORY_SPM,
                              .first = {w, w + (int64_t)config->d - 1},
                              .step = signed_reg(regs[ISA_MXU_W_PLANE]),
                              .n_iterations = regs[ISA_MXU_PLANES]};
    const sim_walk a = sim_command_walk(config, ISA_UNIT_MXU, 0, regs, SIM_ROLE_A);
    streams[1] = (sim_stream){.role = SIM_ROLE_A,
                              .memory = ISA_MEMORY_SPM,
                              .first = sim_walk_rows(&a, 4),
                              .step = signed_reg(regs[ISA_MXU_A_PLANE]),
                              .n_iterations = regs[ISA_MXU_PLANES]};
    const sim_walk c = sim_command_walk(config, ISA_UNIT_MXU, 0, regs, SIM_ROLE_ACC);
    streams[2] = (sim_stream){.role = SIM_ROLE_ACC,
                              .memory = ISA_MEMORY_ACC,
                              .is_write = true,
                              .also_reads = ISA_GET(regs[ISA_MXU_FLAGS], ISA_MXU_FLAGS_ACCUMULATE) != 0,
                              .first = sim_walk_rows(&c, 4),
                              .n_iterations = 1};
    return 3;
}

/* Where rows of an a_src or b_src lie; the two fields have the same values. */
static isa_memory source_memory(uint32_t source)
{
    return source == ISA_VPU_CHAIN_IN_A_SRC_SPM ? ISA_MEMORY_SPM : ISA_MEMORY_ACC;
}

static unsigned vpu_streams(const isa_config *config, uint32_t funct7, const uint32_t *regs,
                            sim_stream streams[SIM_MAX_STREAMS])
{
    unsigned n = 0;
    if (funct7 != ISA_F7_VPU_VEC) {
        const sim_walk rows = constants_walk(config, funct7, regs);
        streams[n++] = (sim_stream){.role = SIM_ROLE_A,
                                    .memory = ISA_MEMORY_SPM,
                                    .first = sim_walk_rows(&rows, 4),
                                    .n_iterations = 1};
        return n;
    }
    const uint32_t a_src = ISA_GET(regs[ISA_VPU_CHAIN_IN], ISA_VPU_CHAIN_IN_A_SRC);
    const uint32_t b_src = ISA_GET(regs[ISA_VPU_CHAIN_IN], ISA_VPU_CHAIN_IN_B_SRC);
    const uint32_t out = ISA_GET(regs[ISA_VPU_CHAIN_OUT], ISA_VPU_CHAIN_OUT_OUT);
    const uint32_t red = ISA_GET(regs[ISA_VPU_CHAIN_OUT], ISA_VPU_CHAIN_OUT_RED);
    const uint32_t red_out = ISA_GET(regs[ISA_VPU_CHAIN_OUT], ISA_VPU_CHAIN_OUT_RED_OUT);
    if (a_src != ISA_VPU_CHAIN_IN_A_SRC_NONE) {
        const sim_walk walk = sim_command_walk(config, ISA_UNIT_VPU, funct7, regs, SIM_ROLE_A);
        streams[n++] = stream_of(SIM_ROLE_A, source_memory(a_src), false, &walk);
    }
    if (b_src != ISA_VPU_CHAIN_IN_B_SRC_NONE) {
        const sim_walk walk = sim_command_walk(config, ISA_UNIT_VPU, funct7, regs, SIM_ROLE_B);
        streams[n++] = stream_of(SIM_ROLE_B, source_memory(b_src), false, &walk);
    }
    if (out != ISA_VPU_CHAIN_OUT_OUT_NONE) {
        const sim_walk walk = sim_command_walk(config, ISA_UNIT_VPU, funct7, regs, SIM_ROLE_OUT);
        streams[n++] = stream_of(SIM_ROLE_OUT, out == ISA_VPU_CHAIN_OUT_OUT_SPM ? ISA_MEMORY_SPM : ISA_MEMORY_ACC, true,
                                 &walk);
    }
    if (red != ISA_VPU_CHAIN_OUT_RED_NONE) {
        const sim_walk walk = sim_command_walk(config, ISA_UNIT_VPU, funct7, regs, SIM_ROLE_OUT2);
        streams[n++] = stream_of(SIM_ROLE_OUT2,
                                 red_out == ISA_VPU_CHAIN_OUT_RED_OUT_SPM ? ISA_MEMORY_SPM : ISA_MEMORY_ACC, true, &walk);
    }
    return n;
}

unsigned sim_command_streams(const isa_config *config, isa_unit unit, uint32_t funct7,
                             const uint32_t regs[ISA_MAX_REGS], sim_stream streams[SIM_MAX_STREAMS])
{
    if (unit == ISA_UNIT_MXU) {
        return mxu_streams(config, regs, streams);
    }
    if (unit == ISA_UNIT_VPU) {
        return vpu_streams(config, funct7, regs, streams);
    }
    const sim_walk walk = sim_command_walk(config, unit, funct7, regs, SIM_ROLE_ROWS);
    const bool in_acc = ISA_GET(regs[ISA_LD_FLAGS], ISA_LD_FLAGS_ACC) != 0;
    streams[0] = stream_of(SIM_ROLE_ROWS, in_acc ? ISA_MEMORY_ACC : ISA_MEMORY_SPM, unit == ISA_UNIT_LD, &walk);
    return 1;
}

sim_row_set sim_stream_set(const isa_config *config, isa_unit unit, uint32_t funct7,
                           const uint32_t regs[ISA_MAX_REGS], const sim_stream *stream)
{
    const sim_rows range = sim_stream_rows(stream, 0);
    const sim_walk walk = sim_command_walk(config, unit, funct7, regs, stream->role);
    sim_row_set set = {.base = walk.base, .n = {walk.n[0], walk.n[1], walk.n[2], walk.n[3], 1}};
    for (unsigned k = 0; k < 4; k++) {
        set.s[k] = walk.s[k];
    }
    if (unit == ISA_UNIT_MXU && !stream->is_write) { /* the planes */
        set.n[4] = stream->n_iterations;
        set.s[4] = stream->step;
    }
    sim_rows reached = {set.base, set.base};
    for (unsigned k = 0; k < 5; k++) {
        const int64_t reach = set.s[k] * ((int64_t)set.n[k] - 1);
        reached.low += reach < 0 ? reach : 0;
        reached.high += reach > 0 ? reach : 0;
    }
    if (reached.low != range.low || reached.high != range.high) { /* a stream that is more than its walk */
        const uint32_t n_rows = (uint32_t)(range.high - range.low + 1);
        return (sim_row_set){.base = range.low, .n = {n_rows, 1, 1, 1, 1}, .s = {1, 0, 0, 0, 0}};
    }
    return set;
}

/* ---- byte walks ---- */

sim_bytes sim_command_bytes(const isa_config *config, isa_unit unit, const uint32_t regs[ISA_MAX_REGS])
{
    (void)unit; /* the two units have the same registers */
    const bool in_acc = ISA_GET(regs[ISA_LD_FLAGS], ISA_LD_FLAGS_ACC) != 0;
    sim_bytes bytes = {
        .address = (uint64_t)regs[ISA_LD_ADDR_HI] << 32 | regs[ISA_LD_ADDR_LO],
        .close = ISA_GET(regs[ISA_LD_FLAGS], ISA_LD_FLAGS_CLOSE),
        .memory = in_acc ? ISA_MEMORY_ACC : ISA_MEMORY_SPM,
        .row_bytes = in_acc ? isa_config_acc_row_bytes(config) : isa_config_spm_row_bytes(config),
    };
    for (unsigned k = 0; k < 4; k++) {
        bytes.n[k] = regs[ISA_LD_N0 + k];
        bytes.s[k] = k == 0 ? 1 : signed_reg(regs[ISA_LD_S1 + k - 1]);
        bytes.low[k] = regs[ISA_LD_LO0 + 2 * k];
        bytes.high[k] = regs[ISA_LD_HI0 + 2 * k];
    }
    return bytes;
}

bool sim_bytes_extent(const sim_bytes *bytes, int64_t *low, int64_t *high)
{
    int64_t least = (int64_t)bytes->address;
    int64_t most = least;
    for (unsigned k = 0; k < 4; k++) {
        const int64_t from = bytes->low[k];
        const int64_t to = (int64_t)(bytes->high[k] < bytes->n[k] ? bytes->high[k] : bytes->n[k]) - 1;
        if (from > to) {
            return false;
        }
        const int64_t at_from = from * bytes->s[k];
        const int64_t at_to = to * bytes->s[k];
        least += at_from < at_to ? at_from : at_to;
        most += at_from > at_to ? at_from : at_to;
    }
    *low = least;
    *high = most;
    return true;
}

/* ---- the checks, one function for each line of isa/errors.def ---- */

static bool zero_point_fits(const isa_config *config, uint32_t value, bool is_unsigned)
{
    if (config->element == ISA_ELEMENT_BF16) {
        return value == 0 && !is_unsigned;
    }
    const int32_t zero = signed_reg(value);
    return is_unsigned ? zero >= 0 && zero <= 255 : zero >= -128 && zero <= 127;
}

/* isa_reg_check, or what it said of the same value the last time. */
static isa_error check_register(isa_unit unit, unsigned reg, uint32_t value, sim_check_memo *memo)
{
    if (memo == NULL) {
        return isa_reg_check(unit, reg, value);
    }
    sim_check_memo_row *row = &memo->rows[((value + reg) * UINT32_C(2654435769)) >> (32 - SIM_CHECK_MEMO_BITS)];
    if (!row->known || row->reg != reg || row->value != value) {
        *row = (sim_check_memo_row){.known = true, .reg = reg, .value = value, .error = isa_reg_check(unit, reg, value)};
    }
    return row->error;
}

/* FIELD, then UNIMPLEMENTED, of the registers with bit fields that the command uses. */
static isa_error check_bits(isa_unit unit, const uint32_t *regs, const unsigned *used, unsigned n,
                            sim_check_memo *memo)
{
    isa_error worst = ISA_ERROR_NONE;
    for (unsigned i = 0; i < n; i++) {
        const isa_error error = check_register(unit, used[i], regs[used[i]], memo);
        if (error == ISA_ERROR_FIELD) {
            return ISA_ERROR_FIELD;
        }
        if (error != ISA_ERROR_NONE) {
            worst = error;
        }
    }
    return worst;
}

/* VEC's fields that are wrong together. */
static bool chain_is_wrong(const isa_config *config, const uint32_t *regs)
{
    const uint32_t in = regs[ISA_VPU_CHAIN_IN];
    const bool from_spm = ISA_GET(in, ISA_VPU_CHAIN_IN_A_SRC) == ISA_VPU_CHAIN_IN_A_SRC_SPM;
    const bool transposes = ISA_GET(in, ISA_VPU_CHAIN_IN_TRANSPOSE) == ISA_VPU_CHAIN_IN_TRANSPOSE_ON;
    const sim_window window = sim_command_window(regs);
    if (regs[ISA_VPU_TAIL] > config->d || (transposes && !from_spm)) {
        return true;
    }
    if (window.taps == 0) {
        return false;
    }
    const bool zero_fits = config->element == ISA_ELEMENT_BF16 || zero_point_fits(config, regs[ISA_VPU_A_ZERO], false);
    return !from_spm || transposes || ISA_GET(in, ISA_VPU_CHAIN_IN_B_SRC) != ISA_VPU_CHAIN_IN_B_SRC_NONE ||
           ISA_GET(regs[ISA_VPU_CHAIN_OUT], ISA_VPU_CHAIN_OUT_RED) != ISA_VPU_CHAIN_OUT_RED_NONE ||
           regs[ISA_VPU_TAIL] != 0 || window.pad >= window.taps || !zero_fits;
}

static isa_error check_vpu_fields(const isa_config *config, uint32_t funct7, const uint32_t *regs, sim_check_memo *memo)
{
    static const unsigned chain[] = {ISA_VPU_CHAIN_IN, ISA_VPU_CHAIN_FP, ISA_VPU_CHAIN_OUT};
    static const unsigned rows[] = {ISA_VPU_ROWS};
    static const unsigned taps[] = {ISA_VPU_TAPS};
    if (funct7 == ISA_F7_VPU_ROWS) {
        const isa_error error = check_bits(ISA_UNIT_VPU, regs, rows, 1, memo);
        const uint32_t first = ISA_GET(regs[ISA_VPU_ROWS], ISA_VPU_ROWS_FIRST);
        const uint32_t count = ISA_GET(regs[ISA_VPU_ROWS], ISA_VPU_ROWS_COUNT);
        return count == 0 || first + count > N_ROW_REGISTERS ? ISA_ERROR_FIELD : error;
    }
    if (funct7 == ISA_F7_VPU_TAPS) {
        const isa_error error = check_bits(ISA_UNIT_VPU, regs, taps, 1, memo);
        const uint32_t first = ISA_GET(regs[ISA_VPU_TAPS], ISA_VPU_TAPS_TAP_FIRST);
        const uint32_t count = ISA_GET(regs[ISA_VPU_TAPS], ISA_VPU_TAPS_TAP_COUNT);
        return count == 0 || first + count > N_TAPS ? ISA_ERROR_FIELD : error;
    }
    if (funct7 == ISA_F7_VPU_TABLE) {
        return ISA_ERROR_NONE;
    }
    const isa_error error = check_bits(ISA_UNIT_VPU, regs, chain, 3, memo);
    return error != ISA_ERROR_FIELD && chain_is_wrong(config, regs) ? ISA_ERROR_FIELD : error;
}

static isa_error check_fields(const isa_config *config, isa_unit unit, uint32_t funct7, const uint32_t *regs,
                              sim_check_memo *memo)
{
    static const unsigned mxu_flags[] = {ISA_MXU_FLAGS};
    static const unsigned dma_flags[] = {ISA_LD_FLAGS};
    if (unit == ISA_UNIT_MXU) {
        const isa_error error = check_bits(unit, regs, mxu_flags, 1, memo);
        const uint32_t flags = regs[ISA_MXU_FLAGS];
        const bool zeros_fit = zero_point_fits(config, regs[ISA_MXU_A_ZERO], ISA_GET(flags, ISA_MXU_FLAGS_A_UNSIGNED) != 0) &&
                               zero_point_fits(config, regs[ISA_MXU_W_ZERO], ISA_GET(flags, ISA_MXU_FLAGS_W_UNSIGNED) != 0);
        return zeros_fit ? error : ISA_ERROR_FIELD;
    }
    if (unit == ISA_UNIT_VPU) {
        return check_vpu_fields(config, funct7, regs, memo);
    }
    const isa_error error = check_bits(unit, regs, dma_flags, 1, memo);
    const uint32_t most = config->element == ISA_ELEMENT_BF16 ? 65535 : 255;
    const bool fill_fits = unit != ISA_UNIT_LD || regs[ISA_LD_FILL] <= most;
    return fill_fits && regs[ISA_LD_ADDR_HI] <= 255 ? error : ISA_ERROR_FIELD;
}

/* True if the four registers from n0 on are loop counts, none above the limit of the first. */
static bool counts_fit(const uint32_t *regs, unsigned n0, uint32_t first_limit)
{
    bool fit = regs[n0] >= 1 && regs[n0] <= first_limit;
    for (unsigned k = 1; k < 4; k++) {
        fit = fit && regs[n0 + k] >= 1 && regs[n0 + k] <= COUNT_LIMIT;
    }
    return fit;
}

/* Product of the four counts from n0 on, times more <= 65535; values beyond ROWS_LIMIT are all alike. */
static bool rows_fit(const uint32_t *regs, unsigned n0, uint64_t more)
{
    uint64_t rows = more;
    for (unsigned k = 0; k < 4 && rows <= ROWS_LIMIT; k++) {
        rows *= regs[n0 + k];
    }
    return rows <= ROWS_LIMIT;
}

/* The bytes make exactly the rows of the row walk. */
static bool bytes_match_rows(const sim_bytes *bytes, const uint32_t *regs)
{
    uint64_t closing_bytes = 1;
    for (unsigned k = 0; k <= bytes->close; k++) {
        closing_bytes *= bytes->n[k];
        if (closing_bytes > BYTES_LIMIT) {
            return false;
        }
    }
    uint64_t rows = (closing_bytes + bytes->row_bytes - 1) / bytes->row_bytes;
    for (unsigned k = bytes->close + 1; k < 4 && rows <= ROWS_LIMIT; k++) {
        rows *= bytes->n[k];
    }
    uint64_t walked = 1;
    for (unsigned k = 0; k < 4; k++) {
        walked *= regs[ISA_LD_M0 + k]; /* at most ROWS_LIMIT, checked before */
    }
    return rows == walked;
}

static bool window_count_is_wrong(const uint32_t *regs, const sim_window *window)
{
    return (uint64_t)(window->first + regs[ISA_VPU_N0]) * window->taps > N_TAPS || window->outputs < 1 ||
           window->outputs > COUNT_LIMIT || ((int64_t)window->outputs - 1) * window->stride > (int64_t)regs[ISA_VPU_N1] - 1 ||
           window->rows < 1 || window->rows > COUNT_LIMIT || window->top > COUNT_LIMIT || window->rows_read < 1;
}

static bool vec_count_is_wrong(const isa_config *config, const uint32_t *regs)
{
    if (!counts_fit(regs, ISA_VPU_N0, COUNT_LIMIT) || !rows_fit(regs, ISA_VPU_N0, 1)) {
        return true;
    }
    const sim_window window = sim_command_window(regs);
    if (window.taps != 0) {
        return window_count_is_wrong(regs, &window);
    }
    const uint64_t n_rows = sim_vpu_rows(config, ISA_F7_VPU_VEC, regs);
    return ISA_GET(regs[ISA_VPU_CHAIN_IN], ISA_VPU_CHAIN_IN_TRANSPOSE) == ISA_VPU_CHAIN_IN_TRANSPOSE_ON &&
           n_rows % config->d != 0;
}

static bool count_is_wrong(const isa_config *config, isa_unit unit, uint32_t funct7, const uint32_t *regs)
{
    if (unit == ISA_UNIT_MXU) {
        const uint32_t planes = regs[ISA_MXU_PLANES];
        return planes < 1 || planes > COUNT_LIMIT || !counts_fit(regs, ISA_MXU_N0, COUNT_LIMIT) ||
               !rows_fit(regs, ISA_MXU_N0, planes);
    }
    if (unit == ISA_UNIT_VPU) {
        return funct7 == ISA_F7_VPU_VEC && vec_count_is_wrong(config, regs);
    }
    const sim_bytes bytes = sim_command_bytes(config, unit, regs);
    return !counts_fit(regs, ISA_LD_N0, BYTES_LIMIT) || !counts_fit(regs, ISA_LD_M0, COUNT_LIMIT) ||
           !rows_fit(regs, ISA_LD_M0, 1) || !bytes_match_rows(&bytes, regs);
}

static bool range_is_wrong(const isa_config *config, isa_unit unit, const uint32_t *regs, const sim_stream *streams,
                           unsigned n_streams)
{
    for (unsigned i = 0; i < n_streams; i++) {
        const sim_rows rows = sim_stream_rows(&streams[i], 0);
        const int64_t n_rows =
            streams[i].memory == ISA_MEMORY_ACC ? isa_config_acc_rows(config) : isa_config_spm_rows(config);
        if (rows.low < 0 || rows.high >= n_rows) {
            return true;
        }
    }
    if (unit == ISA_UNIT_LD || unit == ISA_UNIT_ST) {
        const sim_bytes bytes = sim_command_bytes(config, unit, regs);
        int64_t low;
        int64_t high;
        return sim_bytes_extent(&bytes, &low, &high) && (low < 0 || high >= (int64_t)isa_config_dram_bytes(config));
    }
    return false;
}

static bool revisits(const isa_config *config, isa_unit unit, uint32_t funct7, const uint32_t *regs, const sim_stream *streams,
                     unsigned n_streams)
{
    for (unsigned i = 0; i < n_streams; i++) {
        if (streams[i].is_write) {
            const sim_walk walk = sim_command_walk(config, unit, funct7, regs, streams[i].role);
            const unsigned first_loop = streams[i].role == SIM_ROLE_OUT2
                                            ? ISA_GET(regs[ISA_VPU_CHAIN_OUT], ISA_VPU_CHAIN_OUT_RED_LOOPS)
                                            : 0;
            if (sim_walk_revisits(&walk, first_loop)) {
                return true;
            }
        }
    }
    return false;
}

/* VPU alone: an output against a source or the other output. */
static bool outputs_overlap(const isa_config *config, uint32_t funct7, const uint32_t *regs, const sim_stream *streams,
                            unsigned n_streams)
{
    const uint32_t n_reduced = ISA_GET(regs[ISA_VPU_CHAIN_OUT], ISA_VPU_CHAIN_OUT_RED_LOOPS);
    const bool has_window = sim_command_window(regs).taps != 0;
    for (unsigned o = 0; o < n_streams; o++) {
        for (unsigned i = 0; i < o && streams[o].is_write; i++) { /* sources stand before outputs */
            if (streams[i].memory != streams[o].memory ||
                !sim_rows_meet(sim_stream_rows(&streams[i], 0), sim_stream_rows(&streams[o], 0))) {
                continue;
            }
            const bool may_be_equal = !streams[i].is_write && !has_window &&
                                      (streams[o].role == SIM_ROLE_OUT || n_reduced == 0);
            const sim_walk source = sim_command_walk(config, ISA_UNIT_VPU, funct7, regs, streams[i].role);
            const sim_walk output = sim_command_walk(config, ISA_UNIT_VPU, funct7, regs, streams[o].role);
            if (!may_be_equal || !sim_walk_equal(&source, &output)) {
                return true;
            }
        }
    }
    return false;
}

/* MXU and VPU: two streams that read, or two that write, share a bank. */
static bool conflicts_with_itself(const isa_config *config, const sim_stream *streams, unsigned n_streams)
{
    for (unsigned j = 0; j < n_streams; j++) {
        for (unsigned i = 0; i < j; i++) {
            if (streams[i].memory == streams[j].memory && streams[i].is_write == streams[j].is_write &&
                (sim_rows_banks(config, streams[i].memory, sim_stream_rows(&streams[i], 0)) &
                 sim_rows_banks(config, streams[j].memory, sim_stream_rows(&streams[j], 0))) != 0) {
                return true;
            }
        }
    }
    return false;
}

isa_error sim_check_again(const isa_config *config, isa_unit unit, uint32_t funct7, const uint32_t regs[ISA_MAX_REGS],
                          sim_check_memo *memo)
{
    if (!isa_op_describe(isa_op_of_command(unit, funct7))->built) {
        return ISA_ERROR_UNIMPLEMENTED;
    }
    const isa_error field = check_fields(config, unit, funct7, regs, memo);
    if (field != ISA_ERROR_NONE) {
        return field;
    }
    if (count_is_wrong(config, unit, funct7, regs)) {
        return ISA_ERROR_COUNT;
    }
    sim_stream streams[SIM_MAX_STREAMS];
    const unsigned n_streams = sim_command_streams(config, unit, funct7, regs, streams);
    if (range_is_wrong(config, unit, regs, streams, n_streams)) {
        return ISA_ERROR_RANGE;
    }
    if (revisits(config, unit, funct7, regs, streams, n_streams)) {
        return ISA_ERROR_REVISIT;
    }
    if (unit == ISA_UNIT_VPU && outputs_overlap(config, funct7, regs, streams, n_streams)) {
        return ISA_ERROR_OVERLAP;
    }
    return conflicts_with_itself(config, streams, n_streams) ? ISA_ERROR_SELF_CONFLICT : ISA_ERROR_NONE;
}

isa_error sim_check(const isa_config *config, isa_unit unit, uint32_t funct7, const uint32_t regs[ISA_MAX_REGS])
{
    return sim_check_again(config, unit, funct7, regs, NULL);
}
