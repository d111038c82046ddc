/*
 * random.c -- random programs on random machines: one in which the audit finds no race and no WAIT before its POST leaves the same SPM,
 * ACC and DRAM as when it is run one command after the other, with any stalls.
 *
 *     random [seed] [first program] [number of programs]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 120
#include "test.h"

#include "fuzz.h"
#include "systole/rt/machine.h"
#include "systole/sim/audit.h"

#define PROGRAMS 600
#define CONFIGS  6
#define STALLS   3

static uint64_t seed = 1;
static uint64_t first_program = 0;
static uint64_t n_programs = PROGRAMS;

typedef struct tally {
    uint64_t n_valid, n_clean, n_racy, n_racy_differ;
} tally;

static sim_machine *make_machine(const isa_config *config, bool serial)
{
    base_diag diag = {0};
    sim_machine *machine;
    const rt_machine_options options = {.serial = serial};
    if (rt_machine_create(RT_MACHINE_SIM, config, &options, &machine, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    return machine;
}

/* Fills, loads and runs. */
static sim_result run(sim_machine *machine, const fuzz_program *p, uint64_t stall_seed, uint32_t stall_max, const sim_observer *observer)
{
    base_diag diag = {0};
    sim_result result;
    assert_ok(rt_machine_fill(machine, seed, isa_config_dram_bytes(&machine->config), &diag));
    assert_ok(rt_machine_load(machine, &p->program, &diag));
    const sim_run_options options = {.entry = p->program.entry,
                                     .max_cycles = 50 * p->max_cycles,
                                     .stall_seed = stall_seed,
                                     .stall_max = stall_max,
                                     .observer = observer};
    assert_ok(sim_machine_run(machine, &options, &result, &diag));
    return result;
}

/* SPM, ACC or DRAM differ. (DMEM may: programs store cycles.) */
static bool memories_differ(sim_machine *a, sim_machine *b)
{
    static uint8_t x[65536], y[65536];
    for (sim_memory memory = SIM_SPM; memory <= SIM_DRAM; memory++) {
        const uint64_t n_bytes = rt_memory_bytes(&a->config, memory);
        for (uint64_t at = 0; at < n_bytes; at += sizeof x) {
            const size_t n = n_bytes - at < sizeof x ? (size_t)(n_bytes - at) : sizeof x;
            assert_ok(sim_machine_read(a, memory, at, x, n));
            assert_ok(sim_machine_read(b, memory, at, y, n));
            if (memcmp(x, y, n) != 0) {
                return true;
            }
        }
    }
    return false;
}

static void check_program(sim_machine *machine, sim_machine *serial, const fuzz_program *p, uint64_t number, tally *t)
{
    base_arena *arena = base_arena_create();
    sim_audit *audit = sim_audit_create(arena, &machine->config);
    assert_non_null(audit);
    const sim_observer observer = {.user = audit, .command = sim_audit_command, .xsystole = sim_audit_xsystole};
    sim_audit_begin(audit);
    const sim_result first = run(machine, p, 0, 0, &observer);
    assert_ok(sim_audit_end(audit, first.end == SIM_END_DONE));
    const bool races = sim_audit_n(audit, SIM_FINDING_RACE) > 0;
    const bool early = sim_audit_n(audit, SIM_FINDING_EARLY) > 0;
    base_arena_destroy(arena);
    if (first.end != SIM_END_DONE || early) {
        return;
    }
    const sim_result alone = run(serial, p, 0, 0, NULL);
    assert_int_equal(alone.end, SIM_END_DONE); /* serially legal */
    bool differs = memories_differ(machine, serial);
    for (uint64_t k = 1; k <= STALLS && !differs; k++) {
        (void)run(machine, p, k, 40, NULL);
        differs = memories_differ(machine, serial);
    }
    t->n_valid++;
    t->n_clean += races ? 0 : 1;
    t->n_racy += races ? 1 : 0;
    t->n_racy_differ += races && differs ? 1 : 0;
    if (!races && differs) {
        fail_msg("seed %llu, program %llu: no race, and yet the order shows:\n%s", (unsigned long long)seed,
                 (unsigned long long)number, p->source);
    }
}

static void test_random(void **state)
{
    (void)state;
    tally t = {0};
    for (uint64_t c = 0; c < CONFIGS; c++) {
        isa_config config;
        rt_fuzz_config(seed, c, 8, &config);
        config.dram_mib = 1;
        sim_machine *machine = make_machine(&config, false);
        sim_machine *serial = make_machine(&config, true);
        for (uint64_t number = first_program + c; number < first_program + n_programs; number += CONFIGS) {
            base_arena *arena = base_arena_create();
            base_diag diag = {0};
            fuzz_program p;
            assert_ok(rt_fuzz_program(arena, &config, seed, number, &p, &diag));
            if (p.kind == FUZZ_VALID && !p.is_limited) {
                check_program(machine, serial, &p, number, &t);
            }
            base_arena_destroy(arena);
        }
        sim_machine_destroy(machine);
        sim_machine_destroy(serial);
    }
    print_message("%llu programs, %llu without a race; of %llu with one %llu show it\n", (unsigned long long)t.n_valid,
                  (unsigned long long)t.n_clean, (unsigned long long)t.n_racy, (unsigned long long)t.n_racy_differ);
    assert_true(t.n_clean >= t.n_valid / 20 && t.n_racy_differ > 0);
}

int main(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 0) : seed;
    first_program = argc > 2 ? strtoull(argv[2], NULL, 0) : first_program;
    n_programs = argc > 3 ? strtoull(argv[3], NULL, 0) : n_programs;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
