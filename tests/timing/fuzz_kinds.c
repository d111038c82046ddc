// timeout: 120
/*
 * Random programs end as their kind says, and the simulator's other ways to run them (portable
 * kernels, timing alone) agree with its best one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "fuzz.h"
#include "systole/rt/machine.h"

#define SEED       UINT64_C(31)
#define CONFIGS    12u
#define PROGRAMS   60u
#define DRAM_BYTES (UINT64_C(1) << 20)

enum { WAY_BEST, WAY_PORTABLE, WAY_TIMING, N_WAYS };

static void run(sim_machine *machine, const fuzz_program *fuzz, const sim_observer *observer,
                sim_result *result)
{
    base_diag diag = {0};
    const sim_run_options options = {.entry = fuzz->program.entry,
                                     .max_cycles = fuzz->max_cycles,
                                     .stall_seed = fuzz->stall_seed,
                                     .stall_max = fuzz->stall_max,
                                     .observer = observer};
    assert_ok(rt_machine_fill(machine, SEED, DRAM_BYTES, &diag));
    assert_ok(rt_machine_load(machine, &fuzz->program, &diag));
    assert_ok(sim_machine_run(machine, &options, result, &diag));
}

static bool ends_as_its_kind(const fuzz_program *fuzz, const sim_result *result)
{
    if (result->end == SIM_END_LIMIT) {
        return fuzz->is_limited && result->cycles == fuzz->max_cycles;
    }
    switch (fuzz->kind) {
    case FUZZ_VALID:
        return result->end == SIM_END_DONE;
    case FUZZ_ILLEGAL:
        return result->end == SIM_END_ERROR;
    case FUZZ_DEADLOCK:
        return result->end == SIM_END_DEADLOCK;
    case FUZZ_CORE:
        return result->end == SIM_END_DONE ||
               (result->end == SIM_END_ERROR && result->error == ISA_ERROR_TRAP);
    case FUZZ_WILD:
        return true;
    case FUZZ_N_KINDS:
        break;
    }
    return false;
}

static bool same_result(const sim_result *a, const sim_result *b)
{
    return a->end == b->end && a->cycles == b->cycles && a->retired == b->retired &&
           a->exit_code == b->exit_code && a->error == b->error && a->error_unit == b->error_unit &&
           a->error_command == b->error_command &&
           memcmp(a->counters, b->counters, sizeof a->counters) == 0;
}

static void compare_memories(sim_machine *first, sim_machine *second, unsigned config,
                             uint64_t number)
{
    static uint8_t bytes[2][4096];
    for (int m = SIM_DMEM; m < SIM_N_MEMORIES; m++) {
        const uint64_t n = rt_memory_bytes(&first->config, (sim_memory)m);
        for (uint64_t at = 0; at < n; at += sizeof bytes[0]) {
            const size_t here = n - at < sizeof bytes[0] ? (size_t)(n - at) : sizeof bytes[0];
            assert_ok(sim_machine_read(first, (sim_memory)m, at, bytes[0], here));
            assert_ok(sim_machine_read(second, (sim_memory)m, at, bytes[1], here));
            if (memcmp(bytes[0], bytes[1], here) != 0) {
                fail_msg("configuration %u, program %u: the kernels differ in %s", config,
                         (unsigned)number, rt_memory_name((sim_memory)m));
            }
        }
    }
}

static void test_ends(void **state)
{
    (void)state;
    static const rt_machine_options ways[N_WAYS] = {
        [WAY_PORTABLE] = {.portable = true}, [WAY_TIMING] = {.timing_only = true}};
    unsigned n_ends[FUZZ_N_KINDS] = {0};
    base_arena *keep = base_arena_create();
    base_arena *arena = base_arena_create();
    fuzz_coverage *coverage = rt_fuzz_coverage_create(keep);
    for (unsigned c = 0; c < CONFIGS; c++) {
        isa_config config;
        sim_machine *machines[N_WAYS];
        rt_fuzz_config(SEED, c, 16, &config);
        for (unsigned w = 0; w < N_WAYS; w++) {
            assert_ok(rt_machine_create(RT_MACHINE_SIM, &config, &ways[w], &machines[w], NULL));
        }
        for (uint64_t i = 0; i < PROGRAMS; i++) {
            fuzz_program fuzz;
            fuzz_run seen;
            sim_result results[N_WAYS];
            base_arena_reset(arena);
            assert_ok(rt_fuzz_program(arena, &config, SEED, i, &fuzz, NULL));
            rt_fuzz_run_begin(&seen, &fuzz);
            for (unsigned w = 0; w < N_WAYS; w++) {
                run(machines[w], &fuzz, w == WAY_BEST ? &seen.observer : NULL, &results[w]);
                if (!same_result(&results[WAY_BEST], &results[w])) {
                    fail_msg("configuration %u, program %u: way %u differs", c, (unsigned)i, w);
                }
            }
            if (!ends_as_its_kind(&fuzz, &results[WAY_BEST])) {
                fail_msg("configuration %u, program %u (%s) ends as %s", c, (unsigned)i,
                         rt_fuzz_kind_name(fuzz.kind), rt_end_name(results[WAY_BEST].end));
            }
            if (results[WAY_BEST].end !=
                SIM_END_LIMIT) { /* else commands are cut off in their middle */
                compare_memories(machines[WAY_BEST], machines[WAY_PORTABLE], c, i);
            }
            rt_fuzz_run_end(&seen, machines[WAY_BEST], &results[WAY_BEST]);
            rt_fuzz_coverage_add(coverage, &fuzz, &seen);
            n_ends[fuzz.kind]++;
        }
        for (unsigned w = 0; w < N_WAYS; w++) {
            sim_machine_destroy(machines[w]);
        }
    }
    for (unsigned k = 0; k < FUZZ_N_KINDS; k++) {
        assert_true(n_ends[k] > 0);
    }
    base_buf text = {0};
    (void)rt_fuzz_coverage_print(coverage, FUZZ_BINS_PROGRAM | FUZZ_BINS_RUN | FUZZ_BINS_CONFIG, 20, &text);
    print_message("%s", text.data);
    base_buf_free(&text);
    base_arena_destroy(arena);
    base_arena_destroy(keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
