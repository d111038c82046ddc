/*
 * fault.c -- an error in words: which field, row or byte, its value, and what is allowed.
 *
 * It repeats the checks of check.c in their order and says of the first that fails what it has seen.  What it does not know
 * of (a rule that is new) it leaves to the error's own text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim_internal.h"
#include "systole/base/buf.h"

#define COUNT_LIMIT 65535u
#define BYTES_LIMIT 16777215u
#define ROWS_LIMIT  ((UINT64_C(1) << 31) - 1)

static const char *role_name(sim_role role)
{
    switch (role) {
    case SIM_ROLE_WEIGHTS:
        return "the weights";
    case SIM_ROLE_A:
        return "A";
    case SIM_ROLE_B:
        return "B";
    case SIM_ROLE_ACC:
        return "the destination";
    case SIM_ROLE_OUT:
        return "the output";
    case SIM_ROLE_OUT2:
        return "the second output";
    case SIM_ROLE_ROWS:
        return "the row walk";
    }
    SY_UNREACHABLE();
}

static const char *memory_name(isa_memory memory)
{
    return memory == ISA_MEMORY_ACC ? "ACC" : "SPM";
}

static const char *reg_name(isa_unit unit, unsigned reg)
{
    return isa_reg_describe(unit, reg)->name;
}

/* "n0 is 0, expected 1 to 65535", if it is not. */
static bool say_bounds(isa_unit unit, unsigned reg, int64_t value, int64_t low, int64_t high, base_buf *out)
{
    if (value >= low && value <= high) {
        return false;
    }
    base_buf_printf(out, "%s is %" PRId64 ", expected %" PRId64 " to %" PRId64, reg_name(unit, reg), value, low, high);
    return true;
}

/* ---- FIELD ---- */

/* True if the command looks at a register with bit fields. */
static bool uses_bits(isa_unit unit, uint32_t funct7, unsigned reg)
{
    if (unit != ISA_UNIT_VPU) {
        return true;
    }
    return funct7 == ISA_F7_VPU_ROWS   ? reg == ISA_VPU_ROWS
           : funct7 == ISA_F7_VPU_TAPS ? reg == ISA_VPU_TAPS
           : funct7 == ISA_F7_VPU_VEC  ? reg != ISA_VPU_ROWS && reg != ISA_VPU_TAPS
                                       : false;
}

/* first and count of ROWS or TAPS. */
static bool say_constants(const char *name, uint32_t first, uint32_t count, uint32_t n, base_buf *out)
{
    base_buf_printf(out, "%s.first is %" PRIu32 " and %s.count %" PRIu32 ", expected a count of 1 to %" PRIu32 " - first", name,
                    first, name, count, n);
    return true;
}

/* VEC's fields that are wrong together. */
static bool say_chain(const isa_config *config, const uint32_t *regs, base_buf *out)
{
    const uint32_t in = regs[ISA_VPU_CHAIN_IN];
    const bool from_spm = ISA_GET(in, ISA_VPU_CHAIN_IN_A_SRC) == ISA_VPU_CHAIN_IN_A_SRC_SPM;
    const bool transposes = ISA_GET(in, ISA_VPU_CHAIN_IN_TRANSPOSE) == ISA_VPU_CHAIN_IN_TRANSPOSE_ON;
    const sim_window window = sim_command_window(regs);
    if (say_bounds(ISA_UNIT_VPU, ISA_VPU_TAIL, regs[ISA_VPU_TAIL], 0, config->d, out)) {
        return true;
    }
    const struct {
        bool is_wrong;
        const char *text;
    } rules[] = {
        {transposes && !from_spm, "chain_in.transpose is on, expected a_src spm"},
        {window.taps == 0, ""},
        {!from_spm, "chain_in.window is on, expected a_src spm"},
        {transposes, "chain_in.window and chain_in.transpose are on, expected one of them"},
        {ISA_GET(in, ISA_VPU_CHAIN_IN_B_SRC) != ISA_VPU_CHAIN_IN_B_SRC_NONE, "chain_in.window is on, expected b_src none"},
        {ISA_GET(regs[ISA_VPU_CHAIN_OUT], ISA_VPU_CHAIN_OUT_RED) != ISA_VPU_CHAIN_OUT_RED_NONE,
         "chain_in.window is on, expected red none"},
        {regs[ISA_VPU_TAIL] != 0, "chain_in.window is on, expected tail 0"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].is_wrong) {
            base_buf_puts(out, rules[i].text);
            return rules[i].text[0] != '\0';
        }
    }
    if (window.pad >= window.taps) {
        base_buf_printf(out, "chain_in.win_pad is %" PRIu32 ", expected 0 to %" PRIu32, window.pad, window.taps - 1);
        return true;
    }
    return config->element == ISA_ELEMENT_INT8 &&
           say_bounds(ISA_UNIT_VPU, ISA_VPU_A_ZERO, (int32_t)regs[ISA_VPU_A_ZERO], -128, 127, out);
}

static bool say_zero_point(const isa_config *config, const uint32_t *regs, unsigned reg, bool is_unsigned, base_buf *out)
{
    const bool is_int8 = config->element == ISA_ELEMENT_INT8;
    const int64_t low = !is_int8 || is_unsigned ? 0 : -128;
    const int64_t high = !is_int8 ? 0 : is_unsigned ? 255 : 127;
    return say_bounds(ISA_UNIT_MXU, reg, (int32_t)regs[reg], low, high, out);
}

static bool say_fields(const isa_config *config, isa_unit unit, uint32_t funct7, const uint32_t *regs, isa_error error,
                       base_buf *out)
{
    for (unsigned reg = 0; reg < isa_unit_n_regs(unit); reg++) {
        if (uses_bits(unit, funct7, reg) && isa_reg_check(unit, reg, regs[reg]) == error) {
            return isa_reg_words(unit, reg, regs[reg], out);
        }
    }
    if (unit == ISA_UNIT_MXU) {
        const uint32_t flags = regs[ISA_MXU_FLAGS];
        return say_zero_point(config, regs, ISA_MXU_A_ZERO, ISA_GET(flags, ISA_MXU_FLAGS_A_UNSIGNED) != 0, out) ||
               say_zero_point(config, regs, ISA_MXU_W_ZERO, ISA_GET(flags, ISA_MXU_FLAGS_W_UNSIGNED) != 0, out);
    }
    if (unit == ISA_UNIT_LD || unit == ISA_UNIT_ST) {
        const int64_t most = config->element == ISA_ELEMENT_INT8 ? 255 : 65535;
        return (unit == ISA_UNIT_LD && say_bounds(unit, ISA_LD_FILL, regs[ISA_LD_FILL], 0, most, out)) ||
               say_bounds(unit, ISA_LD_ADDR_HI, regs[ISA_LD_ADDR_HI], 0, 255, out);
    }
    if (funct7 == ISA_F7_VPU_ROWS) {
        return say_constants("rows", ISA_GET(regs[ISA_VPU_ROWS], ISA_VPU_ROWS_FIRST),
                             ISA_GET(regs[ISA_VPU_ROWS], ISA_VPU_ROWS_COUNT), 6, out);
    }
    if (funct7 == ISA_F7_VPU_TAPS) {
        return say_constants("taps", ISA_GET(regs[ISA_VPU_TAPS], ISA_VPU_TAPS_TAP_FIRST),
                             ISA_GET(regs[ISA_VPU_TAPS], ISA_VPU_TAPS_TAP_COUNT), 25, out);
    }
    return funct7 == ISA_F7_VPU_VEC && say_chain(config, regs, out);
}

/* ---- COUNT ---- */

static bool say_counts(isa_unit unit, const uint32_t *regs, unsigned n0, uint32_t first_limit, base_buf *out)
{
    for (unsigned k = 0; k < 4; k++) {
        if (say_bounds(unit, n0 + k, regs[n0 + k], 1, k == 0 ? first_limit : COUNT_LIMIT, out)) {
            return true;
        }
    }
    return false;
}

static bool say_product(const uint32_t *regs, unsigned n0, uint64_t more, base_buf *out)
{
    uint64_t rows = more;
    for (unsigned k = 0; k < 4 && rows <= ROWS_LIMIT; k++) {
        rows *= regs[n0 + k];
    }
    if (rows > ROWS_LIMIT) {
        base_buf_printf(out, "the counts make more than %" PRIu64 " rows", ROWS_LIMIT);
        return true;
    }
    return false;
}

static bool say_byte_counts(const isa_config *config, isa_unit unit, const uint32_t *regs, base_buf *out)
{
    const sim_bytes bytes = sim_command_bytes(config, unit, regs);
    uint64_t closing = 1;
    for (unsigned k = 0; k <= bytes.close; k++) {
        closing *= bytes.n[k];
        if (closing > BYTES_LIMIT) {
            base_buf_printf(out, "a pass of loop %u, which closes rows, has more than %u bytes", bytes.close, BYTES_LIMIT);
            return true;
        }
    }
    uint64_t n_made = (closing + bytes.row_bytes - 1) / bytes.row_bytes;
    uint64_t n_walked = 1;
    for (unsigned k = 0; k < 4; k++) {
        n_made *= k > bytes.close && n_made <= ROWS_LIMIT ? bytes.n[k] : 1;
        n_walked *= regs[ISA_LD_M0 + k];
    }
    if (n_made != n_walked) {
        base_buf_printf(out, "the byte walk makes %" PRIu64 " rows of %" PRIu32 " bytes, but m0*m1*m2*m3 is %" PRIu64, n_made,
                        bytes.row_bytes, n_walked);
        return true;
    }
    return false;
}

static bool say_window_counts(const uint32_t *regs, const sim_window *w, base_buf *out)
{
    const isa_unit unit = ISA_UNIT_VPU;
    const uint32_t n_rows = 25 / w->taps;
    if (w->first + regs[ISA_VPU_N0] > n_rows) {
        base_buf_printf(out, "win_first is %" PRIu32 " and n0 %" PRIu32 ", expected at most %" PRIu32 " kernel rows of %" PRIu32
                             " taps",
                        w->first, regs[ISA_VPU_N0], n_rows, w->taps);
        return true;
    }
    if (say_bounds(unit, ISA_VPU_WIN_OUT, w->outputs, 1, COUNT_LIMIT, out) ||
        say_bounds(unit, ISA_VPU_WIN_ROWS, w->rows, 1, COUNT_LIMIT, out) ||
        say_bounds(unit, ISA_VPU_WIN_TOP, w->top, 0, COUNT_LIMIT, out)) {
        return true;
    }
    if ((w->outputs - 1) * w->stride > regs[ISA_VPU_N1] - 1) {
        base_buf_printf(out, "win_out is %" PRIu32 ", expected at most %" PRIu32 " outputs of n1 = %" PRIu32 " columns", w->outputs,
                        (regs[ISA_VPU_N1] - 1) / w->stride + 1, regs[ISA_VPU_N1]);
        return true;
    }
    base_buf_printf(out, "win_top is %" PRIu32 ": no row of A is read", w->top);
    return true;
}

static bool say_vec_counts(const isa_config *config, const uint32_t *regs, base_buf *out)
{
    if (say_counts(ISA_UNIT_VPU, regs, ISA_VPU_N0, COUNT_LIMIT, out) || say_product(regs, ISA_VPU_N0, 1, out)) {
        return true;
    }
    const sim_window window = sim_command_window(regs);
    if (window.taps != 0) {
        return say_window_counts(regs, &window, out);
    }
    base_buf_printf(out, "n0*n1*n2*n3 is %" PRIu64 ", expected a multiple of %" PRIu32 " to transpose",
                    sim_vpu_rows(config, ISA_F7_VPU_VEC, regs), config->d);
    return true;
}

static bool say_count(const isa_config *config, isa_unit unit, uint32_t funct7, const uint32_t *regs, base_buf *out)
{
    if (unit == ISA_UNIT_MXU) {
        return say_bounds(unit, ISA_MXU_PLANES, regs[ISA_MXU_PLANES], 1, COUNT_LIMIT, out) ||
               say_counts(unit, regs, ISA_MXU_N0, COUNT_LIMIT, out) ||
               say_product(regs, ISA_MXU_N0, regs[ISA_MXU_PLANES], out);
    }
    if (unit == ISA_UNIT_VPU) {
        return funct7 == ISA_F7_VPU_VEC && say_vec_counts(config, regs, out);
    }
    return say_counts(unit, regs, ISA_LD_N0, BYTES_LIMIT, out) || say_counts(unit, regs, ISA_LD_M0, COUNT_LIMIT, out) ||
           say_product(regs, ISA_LD_M0, 1, out) || say_byte_counts(config, unit, regs, out);
}

/* ---- RANGE and the rest ---- */

static void say_rows(const sim_stream *stream, base_buf *out)
{
    const sim_rows rows = sim_stream_rows(stream, 0);
    base_buf_printf(out, "%s %s %s rows %" PRId64 " to %" PRId64, role_name(stream->role),
                    stream->is_write ? "writes" : "reads", memory_name(stream->memory), rows.low, rows.high);
}

static bool say_range(const isa_config *config, isa_unit unit, const uint32_t *regs, const sim_stream *streams, unsigned n,
                      base_buf *out)
{
    for (unsigned i = 0; i < n; i++) {
        const sim_rows rows = sim_stream_rows(&streams[i], 0);
        const int64_t n_rows =
            streams[i].memory == ISA_MEMORY_ACC ? isa_config_acc_rows(config) : isa_config_spm_rows(config);
        if (rows.low < 0 || rows.high >= n_rows) {
            say_rows(&streams[i], out);
            base_buf_printf(out, ", expected 0 to %" PRId64, n_rows - 1);
            return true;
        }
    }
    if (unit == ISA_UNIT_LD || unit == ISA_UNIT_ST) {
        const sim_bytes bytes = sim_command_bytes(config, unit, regs);
        int64_t low;
        int64_t high;
        if (sim_bytes_extent(&bytes, &low, &high)) {
            base_buf_printf(out, "the byte walk %s DRAM bytes %s0x%" PRIx64 " to 0x%" PRIx64 ", expected 0 to 0x%" PRIx64,
                            unit == ISA_UNIT_LD ? "reads" : "writes", low < 0 ? "-" : "",
                            (uint64_t)(low < 0 ? -low : low), (uint64_t)high, isa_config_dram_bytes(config) - 1);
            return true;
        }
    }
    return false;
}

static bool say_revisit(const isa_config *config, isa_unit unit, uint32_t funct7, const uint32_t *regs,
                        const sim_stream *streams, unsigned n, base_buf *out)
{
    for (unsigned i = 0; i < n; i++) {
        const sim_walk walk = sim_command_walk(config, unit, funct7, regs, streams[i].role);
        if (streams[i].is_write && sim_walk_revisits(&walk, 0)) { /* loops that are reduced have count 1 here */
            base_buf_printf(out, "%s has counts %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " and strides %" PRId32
                                 " %" PRId32 " %" PRId32 " %" PRId32
                                 ", expected strides that each pass all that the smaller ones reach",
                            role_name(streams[i].role), walk.n[0], walk.n[1], walk.n[2], walk.n[3], walk.s[0], walk.s[1],
                            walk.s[2], walk.s[3]);
            return true;
        }
    }
    return false;
}

/* Two streams that may not lie so: a pair with a common row (OVERLAP) or bank (SELF_CONFLICT). */
static bool say_pair(const isa_config *config, const sim_stream *streams, unsigned n, isa_error error, base_buf *out)
{
    for (unsigned j = 0; j < n; j++) {
        for (unsigned i = 0; i < j; i++) {
            const sim_rows a = sim_stream_rows(&streams[i], 0);
            const sim_rows b = sim_stream_rows(&streams[j], 0);
            if (streams[i].memory != streams[j].memory) {
                continue;
            }
            const uint64_t banks = sim_rows_banks(config, streams[i].memory, a) & sim_rows_banks(config, streams[j].memory, b);
            const bool conflict = streams[i].is_write == streams[j].is_write && banks != 0;
            const bool overlap = streams[j].is_write && sim_rows_meet(a, b);
            if (error == ISA_ERROR_OVERLAP ? overlap : conflict) {
                say_rows(&streams[i], out);
                base_buf_puts(out, " and ");
                say_rows(&streams[j], out);
                if (error == ISA_ERROR_SELF_CONFLICT) {
                    base_buf_printf(out, ": bank %d is in both", __builtin_ctzll(banks));
                }
                return true;
            }
        }
    }
    return false;
}

bool sim_check_words(const isa_config *config, isa_unit unit, uint32_t funct7, const uint32_t regs[ISA_MAX_REGS],
                     isa_error error, base_buf *out)
{
    sim_stream streams[SIM_MAX_STREAMS];
    const bool counts_fit = error > ISA_ERROR_COUNT;
    const unsigned n = counts_fit ? sim_command_streams(config, unit, funct7, regs, streams) : 0;
    switch (error) {
    case ISA_ERROR_FIELD:
    case ISA_ERROR_UNIMPLEMENTED:
        return say_fields(config, unit, funct7, regs, error, out);
    case ISA_ERROR_COUNT:
        return say_count(config, unit, funct7, regs, out);
    case ISA_ERROR_RANGE:
        return say_range(config, unit, regs, streams, n, out);
    case ISA_ERROR_REVISIT:
        return say_revisit(config, unit, funct7, regs, streams, n, out);
    case ISA_ERROR_OVERLAP:
    case ISA_ERROR_SELF_CONFLICT:
        return say_pair(config, streams, n, error, out);
    case ISA_ERROR_NONE:
    case ISA_ERROR_SEM_RANGE:
    case ISA_ERROR_SEM_OVERFLOW:
    case ISA_ERROR_AXI:
    case ISA_ERROR_TRAP:
    case ISA_N_ERRORS:
        break;
    }
    return false;
}

/* ---- the last run's error ---- */

static void say_semaphore(const sim *s, uint32_t semaphore, base_buf *out)
{
    base_buf_printf(out, "semaphore %" PRIu32 ", expected 0 to %" PRIu32, semaphore, s->machine.config.sem_count - 1);
}

static void fault_of_core(const sim *s, sim_fault *fault, base_buf *text)
{
    const sim_core *core = &s->core;
    fault->has_pc = true;
    fault->pc = core->pc;
    if (s->latched.code == ISA_ERROR_SEM_RANGE) {
        say_semaphore(s, core->x[core->insns[(core->pc - core->imem_base) >> 2].rs1], text);
    } else if (core->trap_cause == ISA_EXCEPTION_ILLEGAL) {
        base_buf_printf(text, "the word 0x%08" PRIx32, core->trap_value);
    } else if (core->trap_value != 0) {
        base_buf_printf(text, "address 0x%" PRIx32, core->trap_value);
    }
}

static void fault_of_post(const sim *s, sim_fault *fault, base_buf *text)
{
    fault->has_pc = true;
    fault->pc = s->overflow.pc;
    base_buf_printf(text, "semaphore %" PRIu32 " stands at %" PRIu32 ", the most it can hold", s->overflow.semaphore,
                    isa_config_sem_max(&s->machine.config));
}

static void fault_of_unit(const sim *s, const sim_unit *u, sim_fault *fault, base_buf *text)
{
    if (s->latched.code == ISA_ERROR_SEM_RANGE && u->queue_n > 0) {
        const sim_entry *head = &u->queue[u->queue_first];
        fault->has_pc = true;
        fault->pc = head->pc;
        say_semaphore(s, head->a, text);
    } else if (s->latched.code == ISA_ERROR_AXI) {
        const sim_command *command = &u->flight[s->latched.command % SIM_FLIGHT];
        if (s->latched.command < u->n_started && command->number == s->latched.command) {
            *fault = (sim_fault){.has_pc = true, .pc = command->pc, .has_tag = true, .tag = command->tag};
        }
    } else if (u->slot.full && u->slot.number == s->latched.command) {
        fault->has_pc = true;
        fault->pc = u->slot.pc;
        fault->has_tag = true;
        fault->tag = u->slot.tag;
        (void)sim_check_words(&s->machine.config, u->id, u->slot.funct7, u->slot.regs, u->slot.error, text);
    }
}

bool sim_last_fault(const sim_machine *machine, sim_fault *fault)
{
    const sim *s = (const sim *)machine;
    *fault = (sim_fault){0};
    if (!sim_is_simulator(machine) || s->result.end != SIM_END_ERROR) {
        return false;
    }
    base_buf text = {0};
    if (s->latched.code == ISA_ERROR_SEM_OVERFLOW) {
        fault_of_post(s, fault, &text);
    } else if (s->latched.unit == ISA_UNIT_CORE) {
        fault_of_core(s, fault, &text);
    } else {
        fault_of_unit(s, &s->units[s->latched.unit], fault, &text);
    }
    snprintf(fault->text, sizeof fault->text, "%s", text.data != NULL ? text.data : "");
    base_buf_free(&text);
    return true;
}
