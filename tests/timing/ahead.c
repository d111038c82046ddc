/*
 * ahead.c -- LD and ST run ahead of the other units inside the simulator; nobody may notice (isa/spec/timing.md). What random
 * programs have found, each as a sweep over the cycle in which something happens elsewhere while bursts go on, against the
 * contract cycle by cycle: a post wakes the other of the two, an error is raised, the core halts, the run is cut off.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim_test.h"
#include "tick_model.h"

#define LIMIT 20000
#define LOAD \
    "ld.setf n0=640, n1=1, n2=1, n3=1, hi0=640, hi1=1, hi2=1, hi3=1, m0=160, m1=1, m2=1, m3=1, t0=1\n"
#define STORE                                                                                         \
    "st.setf n0=640, n1=1, n2=1, n3=1, hi0=640, hi1=1, hi2=1, hi3=1, m0=160, m1=1, m2=1, m3=1, t0=1\n" \
    "st.setf row_base=512, addr_lo=4096\n"
#define MATMUL "mxu.setf w_base=768, a_base=256, planes=1, n1=1, n2=1, n3=1, a_s0=1, c_s0=1\n"
#define VEC                                                                               \
    "vpu.setf n1=1, n2=1, n3=1, chain_in=a_src:acc_i32, chain_out=out:i32, a_base=64, a_s0=1\n" \
    "vpu.setf o_base=128, o_s0=1\n"
#define SEMS "li s0, 1\n li s1, 2\n li s2, 31\n"

static sim_test t;
static tick model;
static char text[8192];

/* n instructions that take a cycle each. */
static const char *pause(unsigned n)
{
    static char nops[1024];
    nops[0] = '\0';
    for (unsigned i = 0; i < n; i++) {
        strcat(nops, " nop\n");
    }
    return nops;
}

/* Runs text on both and compares; the result is t's. */
static void compare(const isa_config *config, unsigned at)
{
    isa_program program = {0};
    base_diag diag = {0};
    sim_result want;
    uint32_t words[1024];
    const sim_dram_faults faults = {0};
    test_create(&t, config, (sim_options){.timing_only = true});
    t.max_cycles = LIMIT;
    if (isa_assemble(t.arena, text, "test.s", &program, NULL, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    test_load(&t, &program);
    test_start(&t, program.entry);
    assert_true(program.n_text_bytes <= sizeof words);
    memcpy(words, program.text, program.n_text_bytes);
    tick_run(&model, config, words, program.n_text_bytes / 4, &faults, LIMIT, &want);
    if (t.result.end != want.end || t.result.cycles != want.cycles || t.result.retired != want.retired ||
        t.result.error != want.error || t.result.error_unit != want.error_unit || t.result.error_command != want.error_command ||
        memcmp(t.result.counters, want.counters, sizeof want.counters) != 0) {
        fail_msg("at %u: end %d, %llu cycles, %llu instructions, error %u; expected %d, %llu, %llu, %u", at, (int)t.result.end,
                 (unsigned long long)t.result.cycles, (unsigned long long)t.result.retired, t.result.error, (int)want.end,
                 (unsigned long long)want.cycles, (unsigned long long)want.retired, want.error);
    }
    for (unsigned u = 0; u < ISA_N_QUEUES; u++) {
        for (unsigned i = 0; i < model.unit[u].n_commands; i++) {
            if (model.unit[u].commands[i].end < want.cycles) {
                assert_int_equal(t.events[u][i].start, model.unit[u].commands[i].start);
                assert_int_equal(t.events[u][i].end, model.unit[u].commands[i].end);
            }
        }
    }
    tick_free(&model);
    test_destroy(&t);
}

/* A post of MXU, VPU or the core wakes ST under a load's bursts, or LD under a store's. */
static void test_posts(void **state)
{
    (void)state;
    const isa_config config = test_small_config();
    static const char *const waits[][2] = {{"ld.load x0\n", "st.wait s0\n st.store x0\n"},
                                           {"st.store x0\n", "ld.wait s0\n ld.load x0\n"}};
    for (unsigned n = 1; n < 60; n++) {
        for (unsigned k = 0; k < 2; k++) {
            (void)snprintf(text, sizeof text,
                           SEMS LOAD STORE VEC "vpu.setf n0=%u\n%s%s vpu.vec x0\n vpu.post s0\n core.halt x0\n", n, waits[k][0],
                           waits[k][1]);
            compare(&config, n);
            (void)snprintf(text, sizeof text,
                           SEMS LOAD STORE MATMUL "mxu.setf n0=%u\n%s%s mxu.matmul x0\n mxu.post s0\n core.halt x0\n", n,
                           waits[k][0], waits[k][1]);
            compare(&config, n);
            (void)snprintf(text, sizeof text, SEMS LOAD STORE "%s%s%s core.sempost s0\n core.halt x0\n", waits[k][0], waits[k][1],
                           pause(n));
            compare(&config, n);
        }
    }
}

/* Errors of a check, of a post too many and of a semaphore that does not exist, in any cycle of two long transfers. */
static void test_errors(void **state)
{
    (void)state;
    isa_config config = test_small_config();
    config.sem_bits = 1;
    config.sem_count = 8;
    static const char *const errors[] = {
        "vpu.vec x0\n",                         /* COUNT: n0 is 0 */
        "core.sempost s0\n core.sempost s0\n",  /* SEM_OVERFLOW of the core */
        "mxu.post s0\n mxu.post s0\n",          /* of a unit */
        "mxu.wait s2\n",                        /* SEM_RANGE */
        "core.semwait s2\n",
    };
    for (unsigned n = 0; n < 60; n++) {
        for (unsigned k = 0; k < sizeof errors / sizeof errors[0]; k++) {
            (void)snprintf(text, sizeof text,
                           SEMS LOAD STORE "ld.load x0\n st.store x0\n%s%s ld.load x0\n core.fence\n core.halt x0\n", pause(n),
                           errors[k]);
            compare(&config, n);
        }
    }
}

/* The core's own way through long transfers: counters read in any cycle, SETs into empty queues, FENCE. */
static void test_core(void **state)
{
    (void)state;
    const isa_config config = test_small_config();
    for (unsigned n = 0; n < 60; n++) {
        (void)snprintf(text, sizeof text,
                       SEMS LOAD STORE "ld.load x0\n st.store x0\n st.post s1\n%s csrr t3, 0xFE0\n st.setf row_base=600\n"
                                       " csrr t3, 0xFF0\n core.semwait s1\n csrr t4, 0xFF4\n core.fence\n core.halt x0\n",
                       pause(n));
        compare(&config, n);
    }
}

/*
 * While nothing else moves the core goes on alone: what it posts and raises counts from its own cycle on, also where it has
 * come there from an instruction that looks at the units or is a SET into an empty queue.
 */
static void test_alone(void **state)
{
    (void)state;
    isa_config config = test_small_config();
    config.sem_bits = 1;
    config.sem_count = 8;
    static const char *const ends[] = {"core.semwait s2\n", "core.sempost s1\n core.sempost s1\n nop\n nop\n core.halt x0\n",
                                       "core.sempost s0\n nop\n core.fence\n core.halt x0\n"};
    static const char *const looks[] = {"", "nop\n csrr t3, 0xFE0\n nop\n nop\n", "nop\n st.setf row_base=600\n nop\n nop\n"};
    for (unsigned n = 0; n < 30; n++) {
        for (unsigned k = 0; k < sizeof ends / sizeof ends[0]; k++) {
            for (unsigned l = 0; l < sizeof looks / sizeof looks[0]; l++) {
                (void)snprintf(text, sizeof text, SEMS MATMUL "mxu.setf n0=4\n mxu.wait s0\n mxu.matmul x0\n%s%s%s", pause(n),
                               looks[l], ends[k]);
                compare(&config, n);
            }
        }
    }
}

/* A run that is cut off in any cycle: of what lies before it everything is told, of what lies behind it nothing. */
static void test_limit(void **state)
{
    (void)state;
    const isa_config config = test_small_config();
    static sim_test whole;
    static const char *const ends[] = {"vpu.vec x0\n core.fence\n core.halt x0\n", "li a0, 9\n core.halt a0\n",
                                       "li a0, 9\n core.fence\n core.halt a0\n",
                                       "li a0, 9\n st.post s0\n core.semwait s0\n core.halt a0\n"};
    for (unsigned k = 0; k < sizeof ends / sizeof ends[0]; k++) {
        (void)snprintf(text, sizeof text, SEMS LOAD STORE "ld.load x0\n st.store x0\n%s", ends[k]);
        test_create(&whole, &config, (sim_options){0});
        test_run(&whole, text);
        uint64_t error_cycle = 0;
        for (uint64_t m = 1; m <= whole.result.cycles + 1; m++) {
            test_create(&t, &config, (sim_options){0});
            t.max_cycles = m;
            test_run(&t, text);
            const bool is_cut = m < whole.result.cycles;
            assert_int_equal(t.result.end, is_cut ? SIM_END_LIMIT : whole.result.end);
            assert_int_equal(t.result.cycles, is_cut ? m : whole.result.cycles);
            uint64_t n_retired = 0;
            for (unsigned i = 0; i < whole.n_retired; i++) {
                n_retired += whole.retired_cycle[i] < m ? 1 : 0;
            }
            assert_int_equal(t.result.retired, n_retired);
            assert_int_equal(t.result.exit_code, n_retired == whole.n_retired ? whole.result.exit_code : 0);
            if (t.result.error != 0 && error_cycle == 0) {
                error_cycle = m - 1; /* the check's: popped in the cycle after the push, then check_cycles */
                assert_int_equal(error_cycle, whole.retired_cycle[whole.n_retired - 1] + 1 + config.check_cycles);
            }
            for (unsigned u = 0; u < ISA_N_QUEUES; u++) {
                for (unsigned i = 0; i < t.n_events[u]; i++) {
                    if (whole.events[u][i].end < m) {
                        assert_int_equal(t.events[u][i].end, whole.events[u][i].end);
                    }
                }
            }
            test_destroy(&t);
        }
        assert_int_equal(error_cycle > 0, k == 0);
        test_destroy(&whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_posts),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_core),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
