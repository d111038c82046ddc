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
    const bool is_chain = reg == ISA_VPU_CHAIN_IN || reg == ISA_VPU_CHAIN_FP || reg == ISA_VPU_CHAIN_OUT;
    return funct7 == ISA_F7_VPU_VEC ? is_chain : funct7 == ISA_F7_VPU_ROWS ? reg == ISA_VPU_ROWS : !is_chain && reg != ISA_VPU_ROWS;
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
        const uint32_t first = ISA_GET(regs[ISA_VPU_ROWS], ISA_VPU_ROWS_FIRST);
        const uint32_t count = ISA_GET(regs[ISA_VPU_ROWS], ISA_VPU_ROWS_COUNT);
        base_buf_printf(out, "rows.first is %" PRIu32 " and rows.count %" PRIu32 ", expected a count of 1 to 6 - first", first,
                        count);
        return true;
    }
    return false;
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

static bool say_count(const isa_config *config, isa_unit unit, uint32_t funct7, const uint32_t *regs, base_buf *out)
{
    if (unit == ISA_UNIT_MXU) {
        return say_bounds(unit, ISA_MXU_PLANES, regs[ISA_MXU_PLANES], 1, COUNT_LIMIT, out) ||
               say_counts(unit, regs, ISA_MXU_N0, COUNT_LIMIT, out) ||
               say_product(regs, ISA_MXU_N0, regs[ISA_MXU_PLANES], out);
    }
    if (unit == ISA_UNIT_VPU) {
        return funct7 == ISA_F7_VPU_VEC &&
               (say_counts(unit, regs, ISA_VPU_N0, COUNT_LIMIT, out) || say_product(regs, ISA_VPU_N0, 1, out));
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

static bool say_revisit(isa_unit unit, uint32_t funct7, const uint32_t *regs, const sim_stream *streams, unsigned n,
                        base_buf *out)
{
    for (unsigned i = 0; i < n; i++) {
        const sim_walk walk = sim_command_walk(unit, funct7, regs, streams[i].role);
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
        return say_revisit(unit, funct7, regs, streams, n, out);
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
