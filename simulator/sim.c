/*
 * sim.c -- the simulator as a machine: memories, START, the event loop, the end of a run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sim_internal.h"

/* ---- memories ---- */

/* The bytes of a memory if address..address+n_bytes-1 lie inside, else NULL. */
static uint8_t *memory_at(sim *s, sim_memory mem, uint64_t address, size_t n_bytes)
{
    uint8_t *bytes = s->dram_bytes;
    uint64_t size = isa_config_dram_bytes(&s->machine.config);
    if (mem != SIM_DRAM) {
        bytes = s->memory[mem];
        size = s->memory_bytes[mem];
    }
    return address <= size && n_bytes <= size - address ? bytes + address : NULL;
}

static sy_status machine_write(sim_machine *m, sim_memory mem, uint64_t address, const void *data, size_t n_bytes)
{
    sim *s = (sim *)m;
    uint8_t *to = memory_at(s, mem, address, n_bytes);
    if (to == NULL) {
        return SY_ERANGE;
    }
    if (n_bytes > 0) {
        memcpy(to, data, n_bytes);
    }
    if (mem == SIM_IMEM) {
        s->core.insns_valid = false;
    }
    return SY_OK;
}

static sy_status machine_read(sim_machine *m, sim_memory mem, uint64_t address, void *data, size_t n_bytes)
{
    const uint8_t *from = memory_at((sim *)m, mem, address, n_bytes);
    if (from == NULL) {
        return SY_ERANGE;
    }
    if (n_bytes > 0) {
        memcpy(data, from, n_bytes);
    }
    return SY_OK;
}

/* ---- START ---- */

static void start_unit(sim_unit *u, isa_unit id)
{
    sim_entry *queue = u->queue;
    memset(u, 0, sizeof *u);
    u->id = id;
    u->queue = queue;
    u->front_wake = SIM_NEVER;
    u->engine_wake = SIM_NEVER;
    u->last_action = SIM_NEVER;
    u->last_pop = SIM_NEVER;
}

static void start_ld(sim *s)
{
    sim_read_burst *bursts = s->ld.bursts;
    const uint64_t ring_mask = s->ld.ring_mask;
    memset(&s->ld, 0, sizeof s->ld);
    s->ld.bursts = bursts;
    s->ld.ring_mask = ring_mask;
    s->ld.load_beats = s->machine.config.load_beats;
}

static void start_st(sim *s)
{
    sim_write_burst *bursts = s->st.bursts;
    const uint64_t ring_mask = s->st.ring_mask;
    uint8_t *stage = s->st.stage;
    const uint64_t stage_mask = s->st.stage_mask;
    memset(&s->st, 0, sizeof s->st);
    s->st.bursts = bursts;
    s->st.ring_mask = ring_mask;
    s->st.stage = stage;
    s->st.stage_mask = stage_mask;
    s->st.store_beats = s->machine.config.store_beats;
    s->st.resume = SIM_NEVER;
}

static void start(sim *s, const sim_run_options *options)
{
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        start_unit(&s->units[k], (isa_unit)k);
    }
    memset(&s->mxu, 0, sizeof s->mxu);
    s->vpu = (sim_vpu){.row_registers = s->vpu.row_registers, .taps = s->vpu.taps, .table = s->vpu.table};
    memset(s->vpu.row_registers, 0, sizeof(uint32_t) * SIM_N_ROW_REGISTERS * s->d);
    memset(s->vpu.taps, 0, (size_t)SIM_N_TAPS * isa_config_spm_row_bytes(&s->machine.config));
    memset(s->vpu.table, 0, SIM_TABLE_ENTRIES);
    start_ld(s);
    start_st(s);
    const sim_dram_faults faults = {.seed = options->stall_seed,
                                    .stall_max = options->stall_max,
                                    .ready_max = options->ready_max,
                                    .error_one_in = options->error_one_in};
    sim_dram_start(&s->dram, &s->machine.config, &faults);
    s->axi_error[0] = SIM_NEVER;
    s->axi_error[1] = SIM_NEVER;
    s->n_bus = 0;
    for (unsigned k = 0; k < 2; k++) {
        s->pieces[k] = (sim_pieces_seen){.trains = s->pieces[k].trains};
    }
    memset(s->semaphores, 0, sizeof s->semaphores);
    memset(s->past, 0, sizeof s->past);
    s->overflow.unit = SIM_NO_ERROR;
    s->n_fires = 0;
    s->raised.rank = SIM_NO_ERROR;
    s->latched = (sim_error){.rank = SIM_NO_ERROR};
    s->error_cycle = SIM_NEVER;
    s->stopped = false;
    s->now = 0;
    s->max_cycles = options->max_cycles == 0 ? SIM_NEVER : options->max_cycles;
    s->observer = options->observer;
    sim_core_start(s, options);
}

/* ---- the end ---- */

/* The core is asleep in something that will not happen, given that no unit moves. */
static bool core_hangs(const sim *s)
{
    const sim_core *core = &s->core;
    if (core->state != SIM_CORE_ASLEEP) {
        return core->state == SIM_CORE_HALTED;
    }
    const sim_insn *i = &core->insns[(core->pc - core->imem_base) >> 2];
    const unsigned unit = (unsigned)i->imm >> 8;
    if (unit < ISA_N_QUEUES) {
        const bool full = s->units[unit].queue_n == s->machine.config.queue_depth;
        if (full || !s->options.serial) {
            return full;
        }
    }
    if (i->op == ISA_OP_CORE_SEMWAIT) {
        return s->semaphores[core->x[i->rs1]] == 0;
    }
    bool any = false;
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        any = any || s->units[k].queue_n > 0;
    }
    return any;
}

static bool head_hangs(const sim *s, const sim_unit *u)
{
    const sim_entry *head = &u->queue[u->queue_first];
    return head->funct7 == ISA_F7_WAIT && head->a < s->machine.config.sem_count && s->semaphores[head->a] == 0;
}

/* True if the state that has been reached is an end; then the end and the first cycle in which it held. */
static bool find_end(const sim *s, sim_end *end, uint64_t *total)
{
    const sim_core *core = &s->core;
    const bool over = core->state == SIM_CORE_HALTED || core->state == SIM_CORE_STOPPED;
    const bool has_error = s->error_cycle != SIM_NEVER;
    uint64_t since = has_error ? s->error_cycle + 1 : 0;
    bool empty = true;
    bool hangs = true;
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        const sim_unit *u = &s->units[k];
        if (u->n_started > 0) {
            if (u->last_end == SIM_NEVER) {
                return false;
            }
            since = sim_max_u64(since, u->last_end + 1);
        }
        if (has_error) {
            continue;
        }
        if (u->slot.full || u->posts_n > 0) {
            return false;
        }
        if (u->last_action != SIM_NEVER) {
            since = sim_max_u64(since, u->last_action + 1);
        }
        empty = empty && u->queue_n == 0;
        hangs = hangs && (u->queue_n == 0 || head_hangs(s, u));
    }
    if (over) {
        since = sim_max_u64(since, core->end_cycle + 1);
    }
    *total = since;
    if (has_error) {
        *end = SIM_END_ERROR;
        return over;
    }
    if (over && empty) {
        *end = SIM_END_DONE;
        return true;
    }
    *end = SIM_END_DEADLOCK;
    if (core->state == SIM_CORE_ASLEEP) {
        *total = sim_max_u64(since, core->asleep_since + 1);
    }
    return hangs && core_hangs(s);
}

static sim_core_registers core_registers(const sim_core *core)
{
    sim_core_registers r = {.mstatus = core->mstatus,
                            .mtvec = core->mtvec,
                            .mscratch = core->mscratch,
                            .mepc = core->mepc,
                            .mcause = core->mcause,
                            .mtval = core->mtval};
    memcpy(r.x, core->x, sizeof r.x);
    return r;
}

static void finish(sim *s, sim_result *result)
{
    sim_end end;
    uint64_t total;
    if (s->stopped) {
        end = SIM_END_STOPPED;
        total = s->now;
    } else if (!find_end(s, &end, &total) || total > s->max_cycles) {
        end = SIM_END_LIMIT;
        total = s->max_cycles;
    }
    *result = (sim_result){.end = end, .cycles = total, .retired = s->core.retired};
    if (s->core.state == SIM_CORE_HALTED && s->core.end_cycle < total) {
        result->exit_code = s->core.exit_code;
    }
    if (s->error_cycle < total) {
        result->error = s->latched.code;
        result->error_unit = s->latched.unit;
        result->error_command = s->latched.command;
    }
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        sim_settle(s, &s->units[k], total);
        if (!s->stopped) {
            sim_retire(s, &s->units[k], total);
        }
        memcpy(result->counters[k], s->units[k].account.counts, sizeof result->counters[k]);
    }
    if (end != SIM_END_LIMIT && end != SIM_END_STOPPED) {
        result->core = core_registers(&s->core);
    }
    result->dram = s->dram.stats;
    s->result = *result;
}

_Static_assert(SIM_N_UNITS == (int)ISA_N_QUEUES && SIM_N_CAUSES == (int)ISA_N_COUNTERS, "machine.h follows the tables");

/* ---- the loop ---- */

/*
 * The next event but the request of one engine; requests run up to it without coming back here.  Posts that have fired in
 * this cycle wake their waiters only at its end (sim_commit), so there is nothing to see beyond it yet.
 */
static uint64_t horizon_of(const sim *s, isa_unit engine, uint64_t cycle)
{
    if (s->n_fires > 0) {
        return cycle;
    }
    const isa_unit other = engine == ISA_UNIT_LD ? ISA_UNIT_ST : ISA_UNIT_LD;
    return sim_min_u64(sim_min_u64(sim_next_front(s), s->units[other].engine_wake), s->max_cycles);
}

/* An error answer of DRAM in this cycle: the oldest command of the unit that had not ended before is to blame. */
static void raise_axi(sim *s, unsigned dir)
{
    const sim_unit *u = &s->units[ISA_UNIT_LD + dir];
    uint32_t number = u->n_retired;
    while (number < u->n_started && u->flight[number % SIM_FLIGHT].end < s->axi_error[dir]) {
        number++;
    }
    sim_raise(s, u->id, SIM_ERROR_OF_AXI, ISA_ERROR_AXI, number);
    s->axi_error[dir] = SIM_NEVER;
}

static void act(sim *s, uint64_t cycle)
{
    for (unsigned dir = 0; dir < 2; dir++) {
        if (s->axi_error[dir] == cycle) {
            raise_axi(s, dir);
        }
    }
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        sim_unit *u = &s->units[k];
        if (u->engine_wake == cycle) {
            if (u->id == ISA_UNIT_LD) {
                sim_ld_act(s, cycle, horizon_of(s, ISA_UNIT_LD, cycle));
            } else {
                sim_st_act(s, cycle, horizon_of(s, ISA_UNIT_ST, cycle));
            }
        }
        if (u->front_wake <= cycle) {
            sim_front_act(s, u, cycle);
        }
    }
    s->now = cycle; /* engines may have run ahead of it */
    if (s->core.wake <= cycle) {
        sim_core_act(s, cycle);
    }
    if (s->n_fires > 0 || s->raised.rank != SIM_NO_ERROR) {
        sim_commit(s, s->now); /* the core may have gone on to a later cycle, where nobody else had anything to do */
    }
}

static sy_status machine_run(sim_machine *m, const sim_run_options *options, sim_result *result, base_diag *diag)
{
    (void)diag; /* a simulator that exists can always run */
    sim *s = (sim *)m;
    start(s, options);
    while (!s->stopped) {
        const uint64_t next = sim_min_u64(
            sim_next_front(s),
            sim_min_u64(s->units[ISA_UNIT_LD].engine_wake, s->units[ISA_UNIT_ST].engine_wake));
        if (next >= s->max_cycles) {
            break;
        }
        s->now = next;
        act(s, next);
    }
    finish(s, result);
    return SY_OK;
}

/* ---- life ---- */

static void machine_destroy(sim_machine *m)
{
    base_arena_destroy(((sim *)m)->arena);
}

static const sim_machine_ops machine_ops = {
    .write = machine_write,
    .read = machine_read,
    .run = machine_run,
    .explain = sim_explain,
    .destroy = machine_destroy,
};

/* The smallest power of two that is at least n. */
static uint64_t power_of_two(uint64_t n)
{
    uint64_t p = 1;
    while (p < n) {
        p *= 2;
    }
    return p;
}

static unsigned log2_of(uint64_t power)
{
    unsigned n = 0;
    while ((power >> n) > 1) {
        n++;
    }
    return n;
}

/* All memory of a simulator, and what follows from the configuration. */
static bool allocate(sim *s)
{
    base_arena *arena = s->arena;
    const isa_config *c = &s->machine.config;
    s->memory_bytes[ISA_MEMORY_IMEM] = c->imem_bytes;
    s->memory_bytes[ISA_MEMORY_DMEM] = c->dmem_bytes;
    s->memory_bytes[ISA_MEMORY_SPM] = (uint64_t)c->spm_banks * c->spm_bank_bytes;
    s->memory_bytes[ISA_MEMORY_ACC] = (uint64_t)c->acc_banks * c->acc_bank_bytes;
    bool ok = true;
    for (unsigned k = 0; k < ISA_N_MEMORIES; k++) {
        s->memory[k] = base_arena_alloc(arena, s->memory_bytes[k], 1);
        ok = ok && s->memory[k] != NULL;
    }
    s->dram_bytes = base_arena_alloc(arena, isa_config_dram_bytes(c), 1);
    s->scratch = base_arena_alloc(arena, SIM_SCRATCH_BYTES, 1);
    s->core.n_insns = c->imem_bytes / 4;
    s->core.insns = BASE_ARENA_ARRAY(arena, sim_insn, s->core.n_insns);
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        s->units[k].queue = BASE_ARENA_ARRAY(arena, sim_entry, c->queue_depth);
        ok = ok && s->units[k].queue != NULL;
    }
    s->vpu.row_registers = BASE_ARENA_ARRAY(arena, uint32_t, (size_t)SIM_N_ROW_REGISTERS * c->d);
    s->vpu.taps = BASE_ARENA_ARRAY(arena, uint8_t, (size_t)SIM_N_TAPS * isa_config_spm_row_bytes(c));
    s->vpu.table = BASE_ARENA_ARRAY(arena, int8_t, SIM_TABLE_ENTRIES);
    /* Bursts whose beats are in a buffer, or that count as outstanding. */
    const uint64_t n_reads = power_of_two((uint64_t)c->load_beats + c->dram_outstanding + 8);
    s->ld.bursts = BASE_ARENA_ARRAY(arena, sim_read_burst, n_reads);
    s->ld.ring_mask = n_reads - 1;
    const uint64_t n_writes = power_of_two((uint64_t)c->store_beats + c->dram_outstanding + 8);
    s->st.bursts = BASE_ARENA_ARRAY(arena, sim_write_burst, n_writes);
    s->st.ring_mask = n_writes - 1;
    const uint64_t stage_bytes = power_of_two(((uint64_t)c->store_beats + 1) * c->dram_width);
    s->st.stage = base_arena_alloc(arena, stage_bytes, 1);
    s->st.stage_mask = stage_bytes - 1;
    s->bus = BASE_ARENA_ARRAY(arena, sim_bus_span, SIM_BUS_SPANS);
    for (unsigned k = 0; k < 2; k++) {
        s->pieces[k].trains = BASE_ARENA_ARRAY(arena, sim_train, SIM_TRAINS);
        ok = ok && s->pieces[k].trains != NULL;
    }
    return ok && s->dram_bytes != NULL && s->scratch != NULL && s->core.insns != NULL &&
           s->vpu.row_registers != NULL && s->vpu.taps != NULL && s->vpu.table != NULL &&
           s->ld.bursts != NULL && s->st.bursts != NULL && s->st.stage != NULL &&
           s->bus != NULL;
}

static void derive(sim *s)
{
    const isa_config *c = &s->machine.config;
    s->d = c->d;
    s->beat_bytes = c->dram_width;
    s->beat_shift = log2_of(c->dram_width);
    s->burst_bytes = c->dram_burst_bytes;
    s->cut_bytes = s->beat_bytes < s->burst_bytes ? s->beat_bytes : s->burst_bytes;
    s->bank_shift[ISA_MEMORY_SPM] = log2_of(isa_config_spm_bank_rows(c));
    s->bank_shift[ISA_MEMORY_ACC] = log2_of(isa_config_acc_bank_rows(c));
}

static sy_status choose_kernels(sim *s, sim_kernels wanted, base_diag *diag)
{
    const sim_kernel_set *avx2 = sim_kernels_avx2();
    const sim_kernel_set *vnni = sim_kernels_vnni();
    switch (wanted) {
    case SIM_KERNELS_BEST:
        s->kernels = vnni != NULL ? vnni : avx2 != NULL ? avx2 : &sim_kernels_portable;
        return SY_OK;
    case SIM_KERNELS_PORTABLE:
        s->kernels = &sim_kernels_portable;
        return SY_OK;
    case SIM_KERNELS_AVX2:
        if (avx2 == NULL) {
            return base_fail(diag, SY_EUNSUPPORTED, "this processor has no AVX2: choose the portable kernels");
        }
        s->kernels = avx2;
        return SY_OK;
    case SIM_KERNELS_VNNI:
        if (vnni == NULL) {
            return base_fail(diag, SY_EUNSUPPORTED, "this processor has no AVX-512 VNNI: choose the portable kernels");
        }
        s->kernels = vnni;
        return SY_OK;
    }
    return base_fail(diag, SY_EINVAL, "no such kernels: %d", (int)wanted);
}

sy_status sim_create(const isa_config *config, const sim_options *options, sim_machine **out, base_diag *diag)
{
    SY_TRY(isa_config_check(config, diag));
    base_arena *arena = base_arena_create();
    sim *s = arena == NULL ? NULL : BASE_ARENA_NEW(arena, sim);
    if (s == NULL) {
        base_arena_destroy(arena);
        return base_fail(diag, SY_ENOMEM, "no memory for a simulator");
    }
    s->arena = arena;
    s->machine.ops = &machine_ops;
    s->machine.name = "sim";
    s->machine.config = *config;
    s->options = options == NULL ? (sim_options){.kernels = SIM_KERNELS_BEST} : *options;
    if (!allocate(s)) {
        base_arena_destroy(arena);
        return base_fail(diag, SY_ENOMEM, "no memory for a simulator with %u MiB of DRAM", config->dram_mib);
    }
    derive(s);
    const sy_status status = choose_kernels(s, s->options.kernels, diag);
    if (status != SY_OK) {
        base_arena_destroy(arena);
        return status;
    }
    *out = &s->machine;
    return SY_OK;
}

uint8_t *sim_dram_bytes(sim_machine *m)
{
    SY_ASSERT(m->ops == &machine_ops);
    return ((sim *)m)->dram_bytes;
}

bool sim_is_simulator(const sim_machine *m)
{
    return m->ops == &machine_ops;
}
