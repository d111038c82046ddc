/*
 * core.c -- the scalar core: RV32IM, Zicsr, traps, Xsystole.
 *
 * How: what a core instruction does between two that the units can see (Xsystole, counter CSRs) concerns nobody else,
 * so the core runs ahead to the next of those, and acts on it in its cycle, after all units.  Asleep it costs nothing.
 *
 * Contract: isa/spec/timing.md, section 2.  Verilog twin: rtl/core.v.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sim_internal.h"

#define RUN_AHEAD_LIMIT (1u << 20) /* instructions; then the loop gets a look in */
#define MSTATUS_MIE UINT32_C(0x8)
#define MSTATUS_MPIE UINT32_C(0x80)
#define MSTATUS_MPP UINT32_C(0x1800)

/* The word of IMEM that pc, inside it, names. */
static uint32_t word_at(const sim *s, uint32_t pc)
{
    uint32_t word;
    memcpy(&word, s->memory[ISA_MEMORY_IMEM] + (pc - s->core.imem_base), 4);
    return word;
}

static sim_insn decode(uint32_t word)
{
    isa_insn insn;
    (void)isa_decode(word, &insn); /* an illegal word is ISA_OP_ILLEGAL */
    return (sim_insn){
        .op = (uint8_t)insn.op,
        .rd = insn.rd,
        .rs1 = insn.rs1,
        .rs2 = insn.rs2,
        .imm = insn.format == ISA_FORMAT_XSYSTOLE ? insn.unit << 8 | insn.funct7 : insn.imm,
    };
}

void sim_core_decode(sim *s)
{
    sim_core *core = &s->core;
    if (core->insns_valid) {
        return;
    }
    for (uint32_t i = 0; i < core->n_insns; i++) {
        core->insns[i] = decode(word_at(s, core->imem_base + 4 * i));
    }
    core->insns_valid = true;
}

/* Where the core sees its memories, and what it watches. */
static void map_memories(sim *s, const sim_run_options *options)
{
    sim_core *core = &s->core;
    const isa_config *c = &s->machine.config;
    const bool unified = (options->core_map >> ISA_HOST_CORE_MAP_UNIFIED_LOW & 1) != 0;
    core->stores_reach_imem = unified;
    core->imem_base = unified ? options->core_base & ~(c->imem_bytes - 1) : ISA_IMEM_BASE;
    core->dmem_base = unified ? options->core_base & ~(c->dmem_bytes - 1) : ISA_DMEM_BASE;
    core->watch = (options->core_map >> ISA_HOST_CORE_MAP_WATCH_LOW & 1) != 0 ? options->core_watch & ~UINT32_C(3) : 1;
}

void sim_core_start(sim *s, const sim_run_options *options)
{
    sim_core *core = &s->core;
    sim_insn *insns = core->insns;
    const uint32_t n_insns = core->n_insns;
    const bool insns_valid = core->insns_valid;
    *core = (sim_core){
        .state = SIM_CORE_RUNS,
        .pc = options->entry & ~UINT32_C(3),
        .end_cycle = SIM_NEVER,
        .insns = insns,
        .n_insns = n_insns,
        .insns_valid = insns_valid,
    };
    core->x[2] = ISA_DMEM_BASE + s->machine.config.dmem_bytes;
    map_memories(s, options);
    sim_core_decode(s);
}

/* ---- ends ---- */

static void core_stop(sim_core *core, sim_core_state state, uint64_t cycle)
{
    core->state = state;
    core->end_cycle = cycle;
    core->wake = SIM_NEVER;
}

/* Reports an instruction retired in a cycle. */
static void retire(sim *s, uint32_t pc, uint64_t cycle)
{
    s->core.retired++;
    if (s->observer != NULL && s->observer->retire != NULL && !s->observer->retire(s->observer->user, pc, cycle)) {
        s->stopped = true;
    }
}

/* An exception of the instruction that starts in core->cycle. */
static void except(sim *s, isa_exception cause, uint32_t value)
{
    sim_core *core = &s->core;
    const uint64_t last = core->cycle + ISA_CYCLES_TRAP - 1;
    core->cycle = last + 1;
    if (core->mtvec == 0) {
        core->state = SIM_CORE_TRAPS; /* stops in the last cycle, and not before */
        core->wake = last;
        core->trap_cause = (uint32_t)cause;
        core->trap_value = value;
        return;
    }
    core->mepc = core->pc & ~UINT32_C(3);
    core->mcause = (uint32_t)cause;
    core->mtval = value;
    core->mstatus = (core->mstatus & MSTATUS_MIE) != 0 ? MSTATUS_MPIE : 0;
    core->pc = core->mtvec;
}

/* ---- CSRs ---- */

typedef enum csr_use { CSR_MISSING, CSR_PRESENT, CSR_UNWRITABLE } csr_use;

/* The register behind a CSR that can be written, or NULL. */
static uint32_t *csr_register(sim_core *core, uint32_t number)
{
    switch (number) {
    case ISA_CSR_MSTATUS:
        return &core->mstatus;
    case ISA_CSR_MTVEC:
        return &core->mtvec;
    case ISA_CSR_MSCRATCH:
        return &core->mscratch;
    case ISA_CSR_MEPC:
        return &core->mepc;
    case ISA_CSR_MCAUSE:
        return &core->mcause;
    case ISA_CSR_MTVAL:
        return &core->mtval;
    default: /* not an enum of ours: any 12 bits */
        return NULL;
    }
}

/* The value of a CSR in core->cycle. */
static csr_use csr_read(sim *s, uint32_t number, uint32_t *value)
{
    sim_core *core = &s->core;
    const uint32_t *plain = csr_register(core, number);
    if (plain != NULL) {
        *value = *plain | (number == ISA_CSR_MSTATUS ? MSTATUS_MPP : 0);
        return CSR_PRESENT;
    }
    const uint32_t first_counter = ISA_CSR_COUNTER(0, 0);
    const uint32_t counter = number - first_counter;
    if (number >= first_counter && counter / 16 < ISA_N_QUEUES && counter % 16 < ISA_N_COUNTERS) {
        sim_unit *u = &s->units[counter / 16];
        sim_settle(s, u, core->cycle);
        *value = (uint32_t)u->account.counts[counter % 16];
        return CSR_UNWRITABLE;
    }
    const csr_use use = number >> 10 == 3 ? CSR_UNWRITABLE : CSR_PRESENT;
    const uint64_t mcycle = core->cycle + core->mcycle_offset;
    const uint64_t minstret = core->retired + core->minstret_offset;
    switch (number) {
    case ISA_CSR_MCYCLE:
    case ISA_CSR_CYCLE:
    case ISA_CSR_TIME:
        *value = (uint32_t)mcycle;
        return use;
    case ISA_CSR_MCYCLEH:
    case ISA_CSR_CYCLEH:
    case ISA_CSR_TIMEH:
        *value = (uint32_t)(mcycle >> 32);
        return use;
    case ISA_CSR_MINSTRET:
    case ISA_CSR_INSTRET:
        *value = (uint32_t)minstret;
        return use;
    case ISA_CSR_MINSTRETH:
    case ISA_CSR_INSTRETH:
        *value = (uint32_t)(minstret >> 32);
        return use;
    case ISA_CSR_MISA:
        *value = ISA_MISA_VALUE;
        return use;
    case ISA_CSR_MIE:
    case ISA_CSR_MIP:
    case ISA_CSR_MSTATUSH:
    case ISA_CSR_TSELECT:
    case ISA_CSR_TDATA1:
    case ISA_CSR_TDATA2:
    case ISA_CSR_TDATA3:
    case ISA_CSR_MVENDORID:
    case ISA_CSR_MARCHID:
    case ISA_CSR_MIMPID:
    case ISA_CSR_MHARTID:
    case ISA_CSR_MCONFIGPTR:
        *value = 0;
        return use;
    default: /* not an enum of ours: any 12 bits */
        return CSR_MISSING;
    }
}

/* One word of a 64-bit count is written in core->cycle: the next instruction sees it without having been counted itself. */
static void count_write(uint64_t now, uint64_t *offset, bool high, uint32_t value)
{
    const uint64_t old = now + *offset;
    const uint64_t written = high ? (uint64_t)value << 32 | (uint32_t)old : (old & ~(uint64_t)UINT32_MAX) | value;
    *offset = written - (now + 1);
}

static void csr_write(sim_core *core, uint32_t number, uint32_t value)
{
    uint32_t *plain = csr_register(core, number);
    if (number == ISA_CSR_MCYCLE || number == ISA_CSR_MCYCLEH) {
        count_write(core->cycle, &core->mcycle_offset, number == ISA_CSR_MCYCLEH, value);
    } else if (number == ISA_CSR_MINSTRET || number == ISA_CSR_MINSTRETH) {
        count_write(core->retired, &core->minstret_offset, number == ISA_CSR_MINSTRETH, value);
    }
    if (number == ISA_CSR_MSTATUS) {
        value &= MSTATUS_MIE | MSTATUS_MPIE;
    } else if (number == ISA_CSR_MTVEC || number == ISA_CSR_MEPC) {
        value &= ~UINT32_C(3);
    }
    if (plain != NULL) {
        *plain = value;
    }
}

static bool is_counter(uint32_t number)
{
    return number >= ISA_CSR_COUNTER(0, 0);
}

/* False: it is illegal. */
static bool csr_act(sim *s, const sim_insn *i)
{
    sim_core *core = &s->core;
    const uint32_t number = (uint32_t)i->imm & 0xFFF;
    const bool immediate = i->op >= ISA_OP_CSRRWI && i->op <= ISA_OP_CSRRCI;
    const bool replaces = i->op == ISA_OP_CSRRW || i->op == ISA_OP_CSRRWI;
    const bool sets = i->op == ISA_OP_CSRRS || i->op == ISA_OP_CSRRSI;
    const bool writes = replaces || i->rs1 != 0;
    const uint32_t operand = immediate ? i->rs1 : core->x[i->rs1];
    uint32_t old;
    const csr_use use = csr_read(s, number, &old);
    if (use == CSR_MISSING || (use == CSR_UNWRITABLE && writes)) {
        return false;
    }
    if (writes) {
        csr_write(core, number, replaces ? operand : sets ? old | operand : old & ~operand);
    }
    core->x[i->rd] = old;
    return true;
}

_Static_assert(ISA_OP_CSRRSI == ISA_OP_CSRRWI + 1 && ISA_OP_CSRRCI == ISA_OP_CSRRSI + 1,
               "the immediate forms stand together in rv32.def");

/* ---- Xsystole ---- */

/* True if every queue, slot and post was empty and nothing in flight at the start of a cycle; else when that may be. */
static bool units_quiet(const sim *s, uint64_t cycle, uint64_t *look)
{
    uint64_t quiet = 0;
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        const sim_unit *u = &s->units[k];
        if (u->queue_n > 0 || u->slot.full || u->posts_n > 0 || (u->n_started > 0 && u->last_end == SIM_NEVER)) {
            *look = SIM_NEVER; /* it will say so */
            return false;
        }
        if (u->last_action != SIM_NEVER) {
            quiet = sim_max_u64(quiet, u->last_action + 1);
        }
        if (u->n_started > 0) {
            quiet = sim_max_u64(quiet, u->last_end + 1);
        }
    }
    *look = quiet;
    return quiet <= cycle;
}

/* Tries the Xsystole instruction at pc in core->cycle; true if it succeeds. */
static bool xsystole_act(sim *s, const sim_insn *i, uint64_t *look)
{
    sim_core *core = &s->core;
    const uint64_t cycle = core->cycle;
    const unsigned unit = (unsigned)i->imm >> 8;
    const uint32_t a = core->x[i->rs1];
    *look = SIM_NEVER;
    if (unit < ISA_N_QUEUES) {
        sim_unit *u = &s->units[unit];
        if (s->options.serial && ((uint32_t)i->imm & ISA_F7_SET) == 0 && !units_quiet(s, cycle, look)) {
            return false;
        }
        *look = SIM_NEVER;
        const uint32_t were = u->queue_n + (u->last_pop == cycle ? 1 : 0);
        if (were >= s->machine.config.queue_depth) {
            *look = u->last_pop == cycle ? cycle + 1 : SIM_NEVER;
            return false;
        }
        const sim_entry entry = {.pushed = cycle,
                                 .funct7 = (uint32_t)i->imm & 0xFF,
                                 .a = a,
                                 .b = core->x[i->rs2],
                                 .pc = core->pc};
        sim_push(s, u, &entry);
        return true;
    }
    if (i->op == ISA_OP_CORE_FENCE) {
        return units_quiet(s, cycle, look);
    }
    if (i->op == ISA_OP_CORE_HALT) {
        core->exit_code = a;
        core_stop(core, SIM_CORE_HALTED, cycle);
        return true;
    }
    if (a >= s->machine.config.sem_count) {
        sim_raise(s, ISA_UNIT_CORE, SIM_ERROR_OF_HEAD, ISA_ERROR_SEM_RANGE, 0);
        core_stop(core, SIM_CORE_STOPPED, cycle);
        return false;
    }
    if (i->op == ISA_OP_CORE_SEMPOST) {
        s->fires[s->n_fires].unit = ISA_UNIT_CORE;
        s->fires[s->n_fires].semaphore = a;
        s->fires[s->n_fires].command = 0;
        s->fires[s->n_fires].pc = core->pc;
        s->n_fires++;
        return true;
    }
    if (s->semaphores[a] == 0) {
        return false;
    }
    s->semaphores[a]--;
    sim_note_take(&s->past[a], ISA_UNIT_CORE, core->pc, 0);
    return true;
}

static void report_xsystole(sim *s, const sim_insn *i, uint32_t pc, uint64_t cycle)
{
    const sim_xsystole_event event = {
        .unit = (uint8_t)(i->imm >> 8),
        .funct7 = (uint8_t)i->imm,
        .a = s->core.x[i->rs1],
        .b = s->core.x[i->rs2],
        .pc = pc,
        .cycle = cycle,
    };
    if (!s->observer->xsystole(s->observer->user, &event)) {
        s->stopped = true;
    }
}

/* The Xsystole instruction at pc, in core->cycle, which is now. */
static void xsystole(sim *s, const sim_insn *i)
{
    sim_core *core = &s->core;
    const uint64_t cycle = core->cycle;
    if (sim_has_error(s, cycle)) {
        core_stop(core, SIM_CORE_STOPPED, cycle);
        return;
    }
    uint64_t look;
    if (!xsystole_act(s, i, &look)) {
        if (core->state == SIM_CORE_STOPPED) {
            return;
        }
        if (core->state != SIM_CORE_ASLEEP) {
            core->state = SIM_CORE_ASLEEP;
            core->asleep_since = cycle;
        }
        core->wake = look;
        return;
    }
    const uint32_t pc = core->pc;
    if (s->observer != NULL && s->observer->xsystole != NULL) {
        report_xsystole(s, i, pc, cycle);
    }
    core->pc += 4;
    core->cycle = cycle + ISA_CYCLES_XSYSTOLE;
    if (core->state == SIM_CORE_ASLEEP) {
        core->state = SIM_CORE_RUNS;
    }
    retire(s, pc, cycle);
}

_Static_assert(ISA_CYCLES_XSYSTOLE == 1 && ISA_CYCLES_CSR == 1, "both act in the cycle in which they start");
_Static_assert(ISA_CYCLES_TRAP > 1, "the core acts once in a cycle");

/* ---- the instructions that concern nobody else ---- */

static uint32_t divide(int32_t a, int32_t b)
{
    return b == 0 ? UINT32_MAX : a == INT32_MIN && b == -1 ? (uint32_t)a : (uint32_t)(a / b);
}

static uint32_t remainder_of(int32_t a, int32_t b)
{
    return b == 0 ? (uint32_t)a : a == INT32_MIN && b == -1 ? 0 : (uint32_t)(a % b);
}

static uint32_t shift_right_signed(uint32_t a, uint32_t n)
{
    return (uint32_t)((int64_t)(int32_t)a >> n);
}

/* What stops the fast path at an instruction. */
typedef enum halt_at { AT_NOTHING, AT_EXCEPTION, AT_OTHER } halt_at;

typedef struct fault {
    isa_exception cause;
    uint32_t value;
} fault;

/* Address of a load or store of size bytes in DMEM, or NULL and the fault. */
static uint8_t *data_at(sim *s, uint32_t address, uint32_t size, bool is_store, fault *why)
{
    const uint32_t offset = address - s->core.dmem_base;
    if ((address & (size - 1)) != 0) {
        *why = (fault){is_store ? ISA_EXCEPTION_STORE_MISALIGNED : ISA_EXCEPTION_LOAD_MISALIGNED, address};
        return NULL;
    }
    if (offset >= s->machine.config.dmem_bytes) {
        *why = (fault){is_store ? ISA_EXCEPTION_STORE_FAULT : ISA_EXCEPTION_LOAD_FAULT, address};
        return NULL;
    }
    return s->memory[ISA_MEMORY_DMEM] + offset;
}

/* A store writes IMEM too, where the map is unified. */
static void store_to_imem(sim *s, uint32_t address, const void *data, uint32_t size)
{
    const uint32_t offset = address - s->core.imem_base;
    if (offset < s->machine.config.imem_bytes) {
        memcpy(s->memory[ISA_MEMORY_IMEM] + offset, data, size);
        s->core.insns[offset >> 2] = decode(word_at(s, address & ~UINT32_C(3)));
    }
}

#include "core_alu.h"

_Static_assert(ISA_CYCLES_STORE == 1, "a watched store acts in the cycle in which it starts");

/* The store that halts the core, in core->cycle, which is now; it is known to be legal. */
static void watched_store(sim *s, const sim_insn *i)
{
    sim_core *core = &s->core;
    const uint64_t cycle = core->cycle;
    const uint32_t pc = core->pc;
    const uint32_t size = i->op == ISA_OP_SW ? 4 : i->op == ISA_OP_SH ? 2 : 1;
    put(s, core->x[i->rs1] + (uint32_t)i->imm, core->x[i->rs2], size);
    core->exit_code = stored_value(core->x[i->rs2], size);
    core->pc += 4;
    core->cycle = cycle + 1;
    core_stop(core, SIM_CORE_HALTED, cycle);
    retire(s, pc, cycle);
}

/* True if no unit acts up to a cycle, and the end of this one has nothing to do. */
static bool nothing_before(const sim *s, uint64_t cycle)
{
    uint64_t next = sim_min_u64(s->axi_error[0], s->axi_error[1]);
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        next = sim_min_u64(next, sim_min_u64(s->units[k].front_wake, s->units[k].engine_wake));
    }
    return next > cycle && s->n_fires == 0 && s->raised.rank == SIM_NO_ERROR;
}

/* Instructions from core->cycle on, up to one that needs the units to have come to its cycle; those act if it is now. */
static void run_ahead(sim *s, uint64_t now)
{
    sim_core *core = &s->core;
    const bool observed = s->observer != NULL && s->observer->retire != NULL;
    for (uint32_t n = 0; n < RUN_AHEAD_LIMIT && !s->stopped && core->state != SIM_CORE_TRAPS; n++) {
        if (core->cycle >= s->max_cycles) {
            core->wake = core->cycle;
            return;
        }
        const uint32_t index = (core->pc - core->imem_base) >> 2;
        if (index >= core->n_insns) {
            except(s, ISA_EXCEPTION_FETCH_FAULT, core->pc);
            continue;
        }
        const sim_insn *i = &core->insns[index];
        fault why = {ISA_EXCEPTION_ILLEGAL, 0};
        unsigned cost = 0;
        const uint32_t pc = core->pc;
        const halt_at at = execute(s, i, &cost, &why);
        core->x[0] = 0;
        if (at == AT_EXCEPTION) {
            except(s, why.cause, why.value);
            continue;
        }
        if (at == AT_OTHER) {
            const bool is_csr = i->op >= ISA_OP_CSRRW && i->op <= ISA_OP_CSRRCI;
            if (core->cycle > now && !(is_csr && !is_counter((uint32_t)i->imm & 0xFFF))) {
                if (!nothing_before(s, core->cycle)) {
                    core->wake = core->cycle;
                    return;
                }
                now = core->cycle;
                s->now = now;
            }
            if (i->op == ISA_OP_SW || i->op == ISA_OP_SH || i->op == ISA_OP_SB) {
                watched_store(s, i);
                return;
            }
            if (!is_csr) {
                xsystole(s, i);
                if (core->state != SIM_CORE_RUNS) {
                    return;
                }
                continue;
            }
            if (!csr_act(s, i)) {
                except(s, ISA_EXCEPTION_ILLEGAL, word_at(s, pc));
                continue;
            }
            core->x[0] = 0;
            core->pc += 4;
            cost = ISA_CYCLES_CSR;
        }
        const uint64_t last = core->cycle + cost - 1;
        core->cycle = last + 1;
        if (last >= s->max_cycles) { /* it would retire behind the limit */
            core->wake = core->cycle;
            return;
        }
        if (observed) {
            retire(s, pc, last);
        } else {
            core->retired++;
        }
    }
    if (core->state != SIM_CORE_TRAPS) {
        core->wake = core->cycle;
    }
}

_Static_assert(ISA_OP_CSRRS == ISA_OP_CSRRW + 1 && ISA_OP_CSRRC == ISA_OP_CSRRS + 1 &&
                   ISA_OP_CSRRWI == ISA_OP_CSRRC + 1,
               "the CSR instructions stand together in rv32.def");

void sim_core_act(sim *s, uint64_t cycle)
{
    sim_core *core = &s->core;
    if (core->state == SIM_CORE_TRAPS) {
        sim_raise(s, ISA_UNIT_CORE, SIM_ERROR_OF_CHECK, ISA_ERROR_TRAP, core->trap_cause);
        core_stop(core, SIM_CORE_STOPPED, cycle);
        return;
    }
    if (core->state == SIM_CORE_ASLEEP) {
        core->cycle = cycle; /* every cycle asleep adds one */
    }
    run_ahead(s, cycle);
}

/* ---- what the core would do if nothing held it up, for explanations ---- */

#define FORESEE_LIMIT (1u << 20) /* instructions */

/* One Xsystole instruction that succeeds; true if it is the post that is looked for. */
static bool foresee_xsystole(const sim_core *core, const sim_insn *i, uint32_t semaphore, sim_post_ahead *ahead)
{
    const unsigned unit = (unsigned)i->imm >> 8;
    const uint32_t funct7 = (uint32_t)i->imm & 0xFF;
    ahead->unit = unit;
    ahead->pc = core->pc;
    if (unit == ISA_UNIT_CORE) {
        return i->op == ISA_OP_CORE_SEMPOST && core->x[i->rs1] == semaphore;
    }
    if (funct7 == ISA_F7_POST) {
        return core->x[i->rs1] == semaphore;
    }
    if ((funct7 & ISA_F7_SET) == 0 && funct7 != ISA_F7_WAIT) {
        ahead->n_commands[unit]++;
    }
    return false;
}

static bool foresee(sim *s, uint32_t semaphore, sim_post_ahead *ahead)
{
    sim_core *core = &s->core;
    for (uint32_t n = 0; n < FORESEE_LIMIT; n++) {
        const uint32_t index = (core->pc - core->imem_base) >> 2;
        if (index >= core->n_insns) {
            return false;
        }
        const sim_insn *i = &core->insns[index];
        fault why = {ISA_EXCEPTION_ILLEGAL, 0};
        unsigned cost = 0;
        const halt_at at = execute(s, i, &cost, &why);
        core->x[0] = 0;
        if (at == AT_EXCEPTION) {
            return false;
        }
        if (at == AT_NOTHING) {
            continue;
        }
        if (i->op >= ISA_OP_CSRRW && i->op <= ISA_OP_CSRRCI) {
            if (is_counter((uint32_t)i->imm & 0xFFF)) {
                core->x[i->rd] = 0; /* nobody knows */
            } else if (!csr_act(s, i)) {
                return false;
            }
            core->x[0] = 0;
        } else if (i->op == ISA_OP_CORE_HALT || i->op == ISA_OP_SW || i->op == ISA_OP_SH || i->op == ISA_OP_SB) {
            return false; /* halts: a store comes here only if it is the watched one */
        } else if (foresee_xsystole(core, i, semaphore, ahead)) {
            return true;
        }
        core->pc += 4;
    }
    return false;
}

bool sim_core_foresee(sim *s, uint32_t semaphore, sim_post_ahead *ahead)
{
    const size_t dmem_bytes = s->memory_bytes[ISA_MEMORY_DMEM];
    if (s->core.state != SIM_CORE_ASLEEP || dmem_bytes > SIM_SCRATCH_BYTES) {
        return false;
    }
    const sim_core saved = s->core;
    s->core.stores_reach_imem = false;
    memcpy(s->scratch, s->memory[ISA_MEMORY_DMEM], dmem_bytes);
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        const sim_unit *u = &s->units[k];
        ahead->n_commands[k] = u->n_popped;
        for (uint32_t i = 0; i < u->queue_n; i++) {
            const uint32_t funct7 = u->queue[(u->queue_first + i) % s->machine.config.queue_depth].funct7;
            ahead->n_commands[k] += (funct7 & ISA_F7_SET) == 0 && funct7 != ISA_F7_WAIT && funct7 != ISA_F7_POST;
        }
        ahead->n_pushed[k] = ahead->n_commands[k];
    }
    const bool found = foresee(s, semaphore, ahead);
    s->core = saved;
    memcpy(s->memory[ISA_MEMORY_DMEM], s->scratch, dmem_bytes);
    return found;
}
