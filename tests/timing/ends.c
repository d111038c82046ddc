/*
 * ends.c -- how runs end: halt, each error, deadlock in its cycle and in words, the limit (isa/spec/timing.md, sections 3 and 9).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim_test.h"

static sim_test t;
static char words[4096];

static int set_up(void **state)
{
    (void)state;
    const isa_config config = test_small_config();
    test_create(&t, &config, (sim_options){0});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_destroy(&t);
    return 0;
}

static void test_halt(void **state)
{
    (void)state;
    test_run(&t, "li a0, 42\n core.halt a0\n");
    assert_int_equal(t.result.end, SIM_END_DONE);
    assert_int_equal(t.result.exit_code, 42);
    assert_int_equal(t.result.cycles, 2); /* halted from cycle 2 on */
    assert_int_equal(t.result.retired, 2);
}

#define MATMUL "mxu.setf w_base=256, planes=1, n0=2, n1=1, n2=1, n3=1, a_s0=1, c_s0=1\n"
#define VEC "vpu.setf n0=4, n1=1, n2=1, n3=1, chain_in=a_src:spm, chain_out=out:spm, a_s0=1, o_base=512, o_s0=1\n"
#define LD "ld.setf n0=16, n1=1, n2=1, n3=1, hi0=16, hi1=1, hi2=1, hi3=1, m0=4, m1=1, m2=1, m3=1, t0=1\n"
#define ST "st.setf n0=16, n1=1, n2=1, n3=1, hi0=16, hi1=1, hi2=1, hi3=1, m0=4, m1=1, m2=1, m3=1, t0=1\n"

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        isa_unit unit;
        isa_error error;
        uint32_t command;
    } cases[] = {
        {MATMUL "mxu.setf flags=8\n mxu.matmul x0\n", ISA_UNIT_MXU, ISA_ERROR_FIELD, 0},
        {MATMUL "mxu.setf a_zero=128\n mxu.matmul x0\n", ISA_UNIT_MXU, ISA_ERROR_FIELD, 0},
        {VEC "vpu.setf chain_out=7\n vpu.vec x0\n", ISA_UNIT_VPU, ISA_ERROR_FIELD, 0},
        {"vpu.rows x0\n", ISA_UNIT_VPU, ISA_ERROR_FIELD, 0},
        {LD "ld.setf fill=256\n ld.load x0\n", ISA_UNIT_LD, ISA_ERROR_FIELD, 0},
        {ST "st.setf addr_hi=256\n st.store x0\n", ISA_UNIT_ST, ISA_ERROR_FIELD, 0},
        {"vpu.taps x0\n", ISA_UNIT_VPU, ISA_ERROR_FIELD, 0},
        {VEC "vpu.setf tail=5\n vpu.vec x0\n", ISA_UNIT_VPU, ISA_ERROR_FIELD, 0},
        {VEC "vpu.vec x0\n vpu.setf chain_in=a_src:spm | window:taps3\n vpu.vec x0\n", ISA_UNIT_VPU, ISA_ERROR_COUNT, 1},
        {MATMUL "mxu.setf n2=0\n mxu.matmul x0\n", ISA_UNIT_MXU, ISA_ERROR_COUNT, 0},
        {MATMUL "mxu.matmul x0\n mxu.setf planes=65536\n mxu.matmul x0\n", ISA_UNIT_MXU, ISA_ERROR_COUNT, 1},
        {LD "ld.setf m0=5\n ld.load x0\n", ISA_UNIT_LD, ISA_ERROR_COUNT, 0},
        {MATMUL "mxu.setf a_base=1023\n mxu.matmul x0\n", ISA_UNIT_MXU, ISA_ERROR_RANGE, 0},
        {MATMUL "mxu.setf w_base=1021\n mxu.matmul x0\n", ISA_UNIT_MXU, ISA_ERROR_RANGE, 0},
        {LD "ld.setf addr_lo=0xFFFF1\n ld.load x0\n", ISA_UNIT_LD, ISA_ERROR_RANGE, 0},
        {MATMUL "mxu.setf c_s0=0\n mxu.matmul x0\n", ISA_UNIT_MXU, ISA_ERROR_REVISIT, 0},
        {LD "ld.setf t0=0\n ld.load x0\n", ISA_UNIT_LD, ISA_ERROR_REVISIT, 0},
        {VEC "vpu.setf o_base=3\n vpu.vec x0\n", ISA_UNIT_VPU, ISA_ERROR_OVERLAP, 0},
        {MATMUL "mxu.setf w_base=4\n mxu.matmul x0\n", ISA_UNIT_MXU, ISA_ERROR_SELF_CONFLICT, 0},
        {MATMUL "mxu.matmul x0\n li t0, 32\n mxu.post t0\n", ISA_UNIT_MXU, ISA_ERROR_SEM_RANGE, 1},
        {"li t0, 32\n core.semwait t0\n", ISA_UNIT_CORE, ISA_ERROR_SEM_RANGE, 0},
        {"lw a0, 0(x0)\n", ISA_UNIT_CORE, ISA_ERROR_TRAP, ISA_EXCEPTION_LOAD_FAULT},
        {".word 0\n", ISA_UNIT_CORE, ISA_ERROR_TRAP, ISA_EXCEPTION_ILLEGAL},
        {"ecall\n", ISA_UNIT_CORE, ISA_ERROR_TRAP, ISA_EXCEPTION_ECALL},
        {"li t0, 2\n jr t0\n", ISA_UNIT_CORE, ISA_ERROR_TRAP, ISA_EXCEPTION_FETCH_MISALIGNED},
        {"li t0, -4\n jr t0\n", ISA_UNIT_CORE, ISA_ERROR_TRAP, ISA_EXCEPTION_FETCH_FAULT},
        {"csrw 0x123, x0\n", ISA_UNIT_CORE, ISA_ERROR_TRAP, ISA_EXCEPTION_ILLEGAL},
        {"csrw 0xFC0, x0\n", ISA_UNIT_CORE, ISA_ERROR_TRAP, ISA_EXCEPTION_ILLEGAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        (void)snprintf(text, sizeof text, "%s core.fence\n core.halt x0\n", cases[i].text);
        test_run(&t, text);
        if (t.result.end != SIM_END_ERROR || t.result.error != cases[i].error || t.result.error_unit != cases[i].unit ||
            t.result.error_command != cases[i].command) {
            fail_msg("%s: %s of %s command %u", cases[i].text, isa_error_name(t.result.error),
                     isa_unit_name(t.result.error_unit), t.result.error_command);
        }
    }
}

/* Push t, pop t+1, error raised in t+3; a core that halted before stays halted, one asleep stops in t+4. */
static void test_error_cycle(void **state)
{
    (void)state;
    test_run(&t, "mxu.matmul x0\n core.halt x0\n");
    assert_int_equal(t.result.end, SIM_END_ERROR);
    assert_int_equal(t.result.cycles, 4);
    test_run(&t, "mxu.matmul x0\n core.fence\n core.halt x0\n");
    assert_int_equal(t.result.cycles, 5); /* asleep in FENCE, stops in 4, stopped from 5 on */
    assert_int_equal(t.result.retired, 1);
    assert_int_equal(t.result.counters[ISA_UNIT_MXU][ISA_COUNTER_DECODE], 4); /* 1 in the queue, then in the slot */
    /* What is in flight goes on to its end. */
    test_run(&t, MATMUL "mxu.matmul x0\n vpu.taps x0\n core.halt x0\n");
    assert_int_equal(t.result.cycles, t.events[ISA_UNIT_MXU][0].end + 1);
}

/* WAIT pushed in 1; FENCE tries in 2: in 3 nothing can ever move. */
static void test_deadlock_cycle(void **state)
{
    (void)state;
    test_run(&t, "li t0, 3\n ld.wait t0\n core.fence\n core.halt x0\n");
    assert_int_equal(t.result.end, SIM_END_DEADLOCK);
    assert_int_equal(t.result.cycles, 3);
    assert_int_equal(t.result.counters[ISA_UNIT_LD][ISA_COUNTER_SEM], 1);
    /* Halted instead: from 3 on. */
    test_run(&t, "li t0, 3\n ld.wait t0\n core.halt x0\n");
    assert_int_equal(t.result.end, SIM_END_DEADLOCK);
    assert_int_equal(t.result.cycles, 3);
    /* A command in flight holds the flag back to the cycle after its end. */
    test_run(&t, MATMUL "mxu.matmul x0\n li t0, 3\n ld.wait t0\n core.halt x0\n");
    assert_int_equal(t.result.end, SIM_END_DEADLOCK);
    assert_int_equal(t.result.cycles, t.events[ISA_UNIT_MXU][0].end + 1);
}

static void expect_words(const char *want)
{
    const size_t n = sim_machine_explain(t.machine, words, sizeof words);
    assert_int_equal(n, strlen(words));
    if (strstr(words, want) == NULL) {
        fail_msg("expected \"%s\" in:\n%s", want, words);
    }
}

static void test_deadlock_words(void **state)
{
    (void)state;
    /* The MXU's queue is full behind a WAIT, so the core never comes to the post. */
    test_run(&t, "li t0, 3\n li t1, 4\n ld.wait t0\n mxu.wait t1\n"
                 "mxu.set n0, x0, x0\n mxu.set n0, x0, x0\n mxu.set n0, x0, x0\n mxu.set n0, x0, x0\n mxu.set n0, x0, x0\n"
                 "mxu.set n0, x0, x0\n mxu.set n0, x0, x0\n mxu.matmul x0\n mxu.post t0\n core.fence\n core.halt x0\n");
    assert_int_equal(t.result.end, SIM_END_DEADLOCK);
    expect_words("LD: waits for semaphore 3 (value 0)");
    expect_words("is behind MXU command 0, which the core has not pushed because the MXU queue is full");
    expect_words("MXU: waits for semaphore 4 (value 0)");
    expect_words("the program ahead of the core has none");
    expect_words("VPU: nothing to do: its queue is empty, 0 commands done");
    expect_words("(mxu.matmul x0): the MXU queue is full");
    /* Two units in a ring. */
    test_run(&t, "li t0, 3\n li t1, 4\n ld.wait t0\n st.wait t1\n ld.post t1\n st.post t0\n core.halt x0\n");
    expect_words("is in the queue of ST, behind a WAIT for semaphore 4 (value 0)");
    expect_words("CORE: has halted");
    /* The core itself. */
    test_run(&t, "li t0, 3\n core.semwait t0\n core.sempost t0\n core.halt x0\n");
    expect_words("CORE: asleep since cycle 1 at pc 0x4 (core.semwait x5): it waits for semaphore 3 (value 0); the core's SEMPOST");
    /* A buffer that is too small holds the beginning. */
    char little[10];
    assert_int_equal(sim_machine_explain(t.machine, little, sizeof little), sim_machine_explain(t.machine, NULL, 0));
    assert_string_equal(little, "deadlock ");
}

static void test_limit(void **state)
{
    (void)state;
    t.max_cycles = 100;
    test_run(&t, "loop: j loop\n");
    assert_int_equal(t.result.end, SIM_END_LIMIT);
    assert_int_equal(t.result.cycles, 100);
    assert_int_equal(t.result.retired, 50);
    t.max_cycles = 2;
    test_run(&t, "nop\n core.halt x0\n");
    assert_int_equal(t.result.end, SIM_END_DONE);
    t.max_cycles = 1;
    test_run(&t, "nop\n core.halt x0\n");
    assert_int_equal(t.result.end, SIM_END_LIMIT);
    assert_int_equal(t.result.retired, 1);
}

static bool stop_at_once(void *user, uint32_t pc, uint64_t cycle)
{
    (void)user;
    (void)pc;
    return cycle < 5;
}

static bool stop_at_halt(void *user, uint32_t pc, uint64_t cycle)
{
    (void)user;
    (void)cycle;
    return pc != 4;
}

static void test_observer_stops(void **state)
{
    (void)state;
    test_run(&t, "loop: j loop2\n loop2: core.halt x0\n");
    const uint32_t forever = 0x0000006F; /* j . */
    assert_ok(sim_machine_write(t.machine, SIM_IMEM, 0, &forever, 4));
    const sim_observer observer = {.retire = stop_at_once};
    const sim_run_options options = {.observer = &observer};
    sim_result result;
    assert_ok(sim_machine_run(t.machine, &options, &result, NULL));
    assert_int_equal(result.end, SIM_END_STOPPED);
    assert_int_equal(result.retired, 3);
    /* Stopped in the cycle of its HALT a run has no exit code yet: that comes in the cycle after. */
    const sim_observer at_halt = {.retire = stop_at_halt};
    const sim_run_options stopped = {.observer = &at_halt};
    test_run(&t, "li a0, 9\n core.halt a0\n");
    assert_int_equal(t.result.exit_code, 9);
    assert_ok(sim_machine_run(t.machine, &stopped, &result, NULL));
    assert_int_equal(result.end, SIM_END_STOPPED);
    assert_int_equal(result.retired, 2);
    assert_int_equal(result.exit_code, 0);
}

/* The same program again gives the same run: START forgets everything but the memories. */
static void test_again(void **state)
{
    (void)state;
    test_run(&t, MATMUL "mxu.matmul x0\n li t0, 3\n mxu.post t0\n core.halt x0\n");
    const sim_result first = t.result;
    test_start(&t, 0);
    assert_memory_equal(&first, &t.result, sizeof first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_halt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_error_cycle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deadlock_cycle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deadlock_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_observer_stops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_again, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
