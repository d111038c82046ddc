/*
 * sim_test.h -- runs a few lines of assembly on the simulator and keeps all it reports, for tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_SIM_TEST_H
#define SYSTOLE_TESTS_SIM_TEST_H

#include "test.h"

#include "systole/base/arena.h"
#include "systole/isa/asm.h"
#include "systole/isa/isa.h"
#include "systole/sim/sim.h"

#define TEST_EVENTS 64
#define TEST_RETIRED 512

/* A simulator, and what its last run reported. */
typedef struct sim_test {
    base_arena *arena;
    isa_config config;
    sim_machine *machine;
    sim_result result;
    sim_command_event events[ISA_N_QUEUES][TEST_EVENTS];
    unsigned n_events[ISA_N_QUEUES];
    uint32_t retired_pc[TEST_RETIRED];
    uint64_t retired_cycle[TEST_RETIRED];
    unsigned n_retired;
    uint64_t max_cycles; /* of the next run; 0: no limit */
    uint64_t stall_seed;
    uint32_t stall_max, ready_max, error_one_in;
} sim_test;

/* D = 4, small memories, short latencies: cycles that a hand can count. */
static inline isa_config test_small_config(void)
{
    isa_config config;
    isa_config_default(&config);
    config.d = 4;
    config.spm_banks = 4;
    config.spm_bank_bytes = 1024;
    config.acc_banks = 4;
    config.acc_bank_bytes = 1024;
    config.queue_depth = 8;
    config.imem_bytes = 16384;
    config.dmem_bytes = 1024;
    config.dram_width = 4;
    config.dram_latency = 10;
    config.dram_outstanding = 4;
    config.dram_burst_bytes = 16;
    config.dram_mib = 1;
    config.load_beats = 16;
    config.store_beats = 8;
    return config;
}

static inline bool test_command(void *user, const sim_command_event *event)
{
    sim_test *t = user;
    if (t->n_events[event->unit] < TEST_EVENTS) {
        t->events[event->unit][t->n_events[event->unit]] = *event;
    }
    t->n_events[event->unit]++;
    return true;
}

static inline bool test_retire(void *user, uint32_t pc, uint64_t cycle)
{
    sim_test *t = user;
    if (t->n_retired < TEST_RETIRED) {
        t->retired_pc[t->n_retired] = pc;
        t->retired_cycle[t->n_retired] = cycle;
    }
    t->n_retired++;
    return true;
}

static inline void test_create(sim_test *t, const isa_config *config, sim_options options)
{
    memset(t, 0, sizeof *t);
    t->config = *config;
    t->arena = base_arena_create();
    assert_non_null(t->arena);
    base_diag diag = {0};
    if (sim_create(config, &options, &t->machine, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
}

static inline void test_destroy(sim_test *t)
{
    sim_machine_destroy(t->machine);
    base_arena_destroy(t->arena);
}

/* Writes a program's parts into the machine. */
static inline void test_load(sim_test *t, const isa_program *program)
{
    assert_ok(sim_machine_write(t->machine, SIM_IMEM, 0, program->text, program->n_text_bytes));
    if (program->n_data_bytes > 0) {
        assert_ok(sim_machine_write(t->machine, SIM_DMEM, 0, program->data, program->n_data_bytes));
    }
    for (size_t i = 0; i < program->n_dram; i++) {
        assert_ok(sim_machine_write(t->machine, SIM_DRAM, program->dram[i].address, program->dram[i].data,
                                    program->dram[i].n_data));
    }
}

/* Runs what is in the memories. */
static inline void test_start(sim_test *t, uint32_t entry)
{
    memset(t->n_events, 0, sizeof t->n_events);
    t->n_retired = 0;
    const sim_observer observer = {.user = t, .command = test_command, .retire = test_retire};
    const sim_run_options options = {
        .entry = entry,
        .max_cycles = t->max_cycles,
        .stall_seed = t->stall_seed,
        .stall_max = t->stall_max,
        .ready_max = t->ready_max,
        .error_one_in = t->error_one_in,
        .observer = &observer,
    };
    base_diag diag = {0};
    assert_ok(sim_machine_run(t->machine, &options, &t->result, &diag));
    for (unsigned u = 0; u < ISA_N_QUEUES; u++) {
        uint64_t sum = 0;
        for (unsigned k = 0; k < ISA_N_COUNTERS; k++) {
            sum += t->result.counters[u][k];
        }
        if (sum != t->result.cycles) {
            fail_msg("%s: causes sum to %llu, the run has %llu cycles", isa_unit_name(u), (unsigned long long)sum,
                     (unsigned long long)t->result.cycles);
        }
    }
}

/* Assembles, loads, runs. */
static inline void test_run(sim_test *t, const char *text)
{
    isa_program program = {0};
    base_diag diag = {0};
    if (isa_assemble(t->arena, text, "test.s", &program, NULL, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    test_load(t, &program);
    test_start(t, program.entry);
}

/* The cycle in which the instruction at pc retired first. */
static inline uint64_t test_retired_at(const sim_test *t, uint32_t pc)
{
    for (unsigned i = 0; i < t->n_retired && i < TEST_RETIRED; i++) {
        if (t->retired_pc[i] == pc) {
            return t->retired_cycle[i];
        }
    }
    fail_msg("pc 0x%x has not retired", (unsigned)pc);
    return 0;
}

/* The cycle in which a command of the last run was pushed. */
static inline uint64_t test_pushed_at(const sim_test *t, isa_unit unit, unsigned number)
{
    assert_true(t->n_events[unit] > number);
    return test_retired_at(t, t->events[unit][number].pc);
}

/* A command of the last run started and ended in these cycles. */
#define assert_command(t, unit, number, start_cycle, end_cycle)                                     \
    do {                                                                                            \
        assert_true((t)->n_events[ISA_UNIT_##unit] > (number));                                     \
        assert_int_equal((t)->events[ISA_UNIT_##unit][number].start, (start_cycle));                \
        assert_int_equal((t)->events[ISA_UNIT_##unit][number].end, (end_cycle));                    \
    } while (0)

#endif
