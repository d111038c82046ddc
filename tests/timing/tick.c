// timeout: 120
/*
 * tick.c -- the event-driven simulator against the contract cycle by cycle, and its memories against a byte-by-byte replay, on random
 * machines and programs.
 *
 *     tick [first seed] [number of seeds]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "random_program.h"
#include "replay.h"
#include "sim_test.h"
#include "tick_model.h"

#define PROGRAMS 300
#define LIMIT 200000

static uint64_t first_seed = 1;
static uint64_t n_seeds = PROGRAMS;
static random_program program;
static tick model;
static sim_test t;

#define MEMORY_BYTES (1u << 20)
static uint8_t memories[ISA_N_MEMORIES + 1][MEMORY_BYTES]; /* what the replay makes of them; DRAM last */
static uint8_t read_back[MEMORY_BYTES];
static replay data;

static const sim_memory data_memories[] = {SIM_SPM, SIM_ACC, SIM_DRAM};

static size_t bytes_of(sim_memory mem)
{
    const isa_config *c = &program.config;
    return mem == SIM_SPM ? (size_t)c->spm_banks * c->spm_bank_bytes : mem == SIM_ACC ? (size_t)c->acc_banks * c->acc_bank_bytes : MEMORY_BYTES;
}

/* Random bytes (bf16: numbers) in SPM, ACC and the part of DRAM that programs reach, the same in both. */
static void fill_memories(uint64_t seed)
{
    for (unsigned k = 0; k < 3; k++) {
        const sim_memory mem = data_memories[k];
        const size_t n = bytes_of(mem) < 65536 ? bytes_of(mem) : 65536;
        for (size_t i = 0; i < n; i += 8) {
            uint64_t bits = base_rng_u64(seed, 100 + k, i);
            if (program.config.element == ISA_ELEMENT_BF16) { /* moderate, so that sums stay finite: exponents 112 to 127 */
                bits = (bits & UINT64_C(0x87FF87FF87FF87FF)) | UINT64_C(0x3800380038003800);
            }
            memcpy(memories[mem] + i, &bits, 8);
        }
        assert_ok(sim_machine_write(t.machine, mem, 0, memories[mem], n));
    }
    data.spm = memories[SIM_SPM];
    data.acc = memories[SIM_ACC];
    data.dram = memories[SIM_DRAM];
}

static void compare_memories(char *text, size_t n)
{
    for (unsigned k = 0; k < 3 && text[0] == 0; k++) {
        const sim_memory mem = data_memories[k];
        assert_ok(sim_machine_read(t.machine, mem, 0, read_back, bytes_of(mem)));
        for (size_t i = 0; i < bytes_of(mem) && text[0] == 0; i++) {
            if (read_back[i] != memories[mem][i]) {
                (void)snprintf(text, n, "memory %u byte %zu: %u, expected %u", (unsigned)mem, i, read_back[i], memories[mem][i]);
            }
        }
    }
}

/* What differs, in one line, or "". */
static void difference(const sim_result *want, char *text, size_t n)
{
    text[0] = 0;
    const sim_result *got = &t.result;
    if (got->end != want->end || got->cycles != want->cycles || got->retired != want->retired || got->exit_code != want->exit_code ||
        got->error != want->error || got->error_unit != want->error_unit || got->error_command != want->error_command) {
        (void)snprintf(text, n, "end %d cycles %llu retired %llu exit %u error %u.%u.%u, expected %d %llu %llu %u %u.%u.%u", (int)got->end,
                       (unsigned long long)got->cycles, (unsigned long long)got->retired, got->exit_code, got->error_unit,
                       got->error_command, got->error, (int)want->end, (unsigned long long)want->cycles,
                       (unsigned long long)want->retired, want->exit_code, want->error_unit, want->error_command, want->error);
    }
    const sim_dram_stats *dram = &got->dram;
    if (text[0] == 0 && want->end != SIM_END_LIMIT &&
        (dram->bursts[0] != model.dram.n[0] || dram->bursts[1] != model.dram.n[1] || dram->row_hits != model.dram.hits ||
         dram->row_misses != model.dram.misses || dram->row_conflicts != model.dram.conflicts || dram->refreshes != model.dram.refreshes)) {
        (void)snprintf(text, n, "DRAM: hits %llu misses %llu conflicts %llu refreshes %llu, expected %llu %llu %llu %llu",
                       (unsigned long long)dram->row_hits, (unsigned long long)dram->row_misses, (unsigned long long)dram->row_conflicts,
                       (unsigned long long)dram->refreshes, (unsigned long long)model.dram.hits, (unsigned long long)model.dram.misses,
                       (unsigned long long)model.dram.conflicts, (unsigned long long)model.dram.refreshes);
    }
    for (unsigned u = 0; u < ISA_N_QUEUES; u++) {
        for (unsigned i = 0; i < model.unit[u].n_commands && i < TEST_EVENTS; i++) {
            const tick_command *k = &model.unit[u].commands[i];
            const sim_command_event *e = &t.events[u][i];
            if (k->end >= want->cycles) continue;
            if (i >= t.n_events[u] || e->start != k->start || e->end != k->end || e->number != k->number || e->tag != k->tag) {
                (void)snprintf(text, n, "%s %u: %llu..%llu, expected %llu..%llu", isa_unit_name(u), i, (unsigned long long)e->start,
                               (unsigned long long)e->end, (unsigned long long)k->start, (unsigned long long)k->end);
                return;
            }
        }
        for (unsigned k = 0; k < ISA_N_COUNTERS && text[0] == 0; k++) {
            if (got->counters[u][k] != want->counters[u][k]) {
                (void)snprintf(text, n, "%s %s: %llu cycles, expected %llu", isa_unit_name(u), isa_counter_name(k),
                               (unsigned long long)got->counters[u][k], (unsigned long long)want->counters[u][k]);
            }
        }
    }
}

static void test_random_programs(void **state)
{
    (void)state;
    unsigned ends[5] = {0};
    unsigned n_commands = 0;
    unsigned n_failed = 0;
    for (uint64_t seed = first_seed; seed < first_seed + n_seeds; seed++) {
        random_program_make(&program, seed);
        const bool with_data = seed % 2 != 0;
        test_create(&t, &program.config, (sim_options){.timing_only = !with_data, .no_batches = seed % 5 == 0});
        t.max_cycles = LIMIT;
        t.stall_seed = seed;
        t.stall_max = seed % 3 == 0 ? 20 : 0;
        t.ready_max = seed % 7 == 0 ? 5 : 0;
        t.error_one_in = seed % 11 == 0 ? 1 + (uint32_t)(seed % 40) : 0;
        assert_ok(sim_machine_write(t.machine, SIM_IMEM, 0, program.text, program.n_text * 4));
        if (with_data) {
            fill_memories(seed);
        }
        test_start(&t, 0);
        sim_result want;
        const sim_dram_faults faults = {t.stall_seed, t.stall_max, t.ready_max, t.error_one_in};
        tick_run(&model, &program.config, program.text, program.n_text, &faults, LIMIT, &want);
        char text[256];
        difference(&want, text, sizeof text);
        if (with_data && text[0] == 0 && want.end != SIM_END_LIMIT) {
            replay_run(&data, &model);
            compare_memories(text, sizeof text);
        }
        if (text[0] != 0) {
            print_error("seed %llu: %s\n", (unsigned long long)seed, text);
            n_failed++;
        }
        ends[want.end]++;
        for (unsigned u = 0; u < ISA_N_QUEUES; u++) n_commands += model.unit[u].n_commands;
        tick_free(&model);
        test_destroy(&t);
    }
    print_message("%u commands; done %u, error %u, deadlock %u, limit %u\n", n_commands, ends[SIM_END_DONE], ends[SIM_END_ERROR],
                  ends[SIM_END_DEADLOCK], ends[SIM_END_LIMIT]);
    assert_int_equal(n_failed, 0);
}

int main(int argc, char **argv)
{
    if (argc > 1) first_seed = strtoull(argv[1], NULL, 10);
    if (argc > 2) n_seeds = strtoull(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_programs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
