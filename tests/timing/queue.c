/*
 * queue.c -- queues, slots, posts and semaphores, counted by hand (isa/spec/timing.md, sections 1 and 2).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim_test.h"

static sim_test t;

static void create(const isa_config *config)
{
    test_create(&t, config, (sim_options){0});
}

/* One plane of 8 rows: ends 8 + 3 D after its start. */
#define MATMUL "mxu.setf w_base=256, planes=1, n0=8, n1=1, n2=1, n3=1, a_s0=1, c_s0=1\n"
#define VEC "vpu.setf n0=4, n1=1, n2=1, n3=1, chain_in=a_src:acc_i32, chain_out=out:spm, a_s0=1, o_base=512, o_s0=1, a_base=128\n"

/* Pushed in t, popped in t+1, checked until t+1+check_cycles, started in the next. */
static void test_push_to_start(void **state)
{
    (void)state;
    for (uint32_t check = 1; check <= 4; check++) {
        isa_config config = test_small_config();
        config.check_cycles = check;
        create(&config);
        test_run(&t, MATMUL "mxu.matmul x0\n core.halt x0\n");
        assert_int_equal(t.events[ISA_UNIT_MXU][0].start, test_pushed_at(&t, ISA_UNIT_MXU, 0) + 2 + check);
        test_destroy(&t);
    }
}

/* End e, the post fires in e+1, the WAIT is taken in e+2, the command behind it pops in e+3 and starts in e+4+check_cycles. */
static void test_post_to_start(void **state)
{
    (void)state;
    const isa_config config = test_small_config();
    create(&config);
    test_run(&t, MATMUL VEC "li t0, 1\n vpu.wait t0\n vpu.vec x0\n mxu.matmul x0\n mxu.post t0\n core.halt x0\n");
    assert_int_equal(t.result.end, SIM_END_DONE);
    assert_int_equal(t.events[ISA_UNIT_VPU][0].start, t.events[ISA_UNIT_MXU][0].end + 4 + config.check_cycles);
    test_destroy(&t);
}

/* A post that counts no command fires in the cycle after its pop: pushed t, popped t+1, fires t+2, taken by the core in t+3. */
static void test_post_alone(void **state)
{
    (void)state;
    const isa_config config = test_small_config();
    create(&config);
    test_run(&t, "li t0, 1\n mxu.post t0\n core.semwait t0\n core.halt x0\n");
    assert_int_equal(test_retired_at(&t, 4), 1);
    assert_int_equal(test_retired_at(&t, 8), 4);
    test_destroy(&t);
}

/* In a queue of one entry each push waits for the pop before it: every second cycle. */
static void test_queue_of_one(void **state)
{
    (void)state;
    isa_config config = test_small_config();
    config.queue_depth = 1;
    create(&config);
    test_run(&t, "mxu.set n0, x0, x0\n mxu.set n0, x0, x0\n mxu.set n0, x0, x0\n core.halt x0\n");
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(test_retired_at(&t, 4 * i), 2 * i);
    }
    test_destroy(&t);
}

/* A value of one and two takers: the unit wins over the core. */
static void test_takers_tie(void **state)
{
    (void)state;
    const isa_config config = test_small_config();
    create(&config);
    /* WAIT pushed in 2, at the head from 3; SEMPOST in 3, value 1 from 4: LD takes it in 4, the core tries from 4 on in vain. */
    test_run(&t, "li t0, 1\n nop\n ld.wait t0\n core.sempost t0\n core.semwait t0\n core.halt x0\n");
    assert_int_equal(t.result.end, SIM_END_DEADLOCK);
    assert_int_equal(t.result.cycles, 5);
    assert_int_equal(t.result.counters[ISA_UNIT_LD][ISA_COUNTER_SEM], 1);
    test_destroy(&t);
}

/* FENCE succeeds in the cycle after the last end; HALT in the next; the run is over in the one after. */
static void test_fence(void **state)
{
    (void)state;
    const isa_config config = test_small_config();
    create(&config);
    test_run(&t, MATMUL "mxu.matmul x0\n core.fence\n fence:core.halt x0\n");
    const uint64_t end = t.events[ISA_UNIT_MXU][0].end;
    assert_int_equal(t.result.cycles, end + 3);
    assert_int_equal(t.retired_cycle[t.n_retired - 2], end + 1);
    assert_int_equal(t.retired_cycle[t.n_retired - 1], end + 2);
    test_destroy(&t);
}

/* The slot is empty from the cycle after a start: the next command pops then. The queue's head is the DECODE of that time. */
static void test_slot(void **state)
{
    (void)state;
    const isa_config config = test_small_config();
    create(&config);
    test_run(&t, MATMUL "mxu.matmul x0\n mxu.matmul x0\n mxu.matmul x0\n core.halt x0\n");
    const sim_command_event *e = t.events[ISA_UNIT_MXU];
    assert_int_equal(e[1].start, e[0].start + 4); /* S: pop S+1, check S+2, S+3, start S+4 = L' + D */
    test_destroy(&t);
}

/* Two posts at once add up; one above the maximum is an error of the lower unit. */
static void test_overflow(void **state)
{
    (void)state;
    isa_config config = test_small_config();
    config.sem_bits = 1;
    create(&config);
    test_run(&t, "li t0, 2\n core.sempost t0\n core.sempost t0\n nop\n nop\n core.halt x0\n");
    assert_int_equal(t.result.end, SIM_END_ERROR);
    assert_int_equal(t.result.error, ISA_ERROR_SEM_OVERFLOW);
    assert_int_equal(t.result.error_unit, ISA_UNIT_CORE);
    assert_int_equal(t.result.cycles, 6); /* raised in 2; at HALT in 5 the core stops; stopped from 6 on */
    test_run(&t, "li t0, 2\n mxu.post t0\n core.sempost t0\n nop\n core.halt x0\n");
    assert_int_equal(t.result.error, ISA_ERROR_SEM_OVERFLOW);
    assert_int_equal(t.result.error_unit, ISA_UNIT_MXU); /* it fires in 3, one cycle after the core's */
    test_destroy(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_push_to_start), cmocka_unit_test(test_post_to_start), cmocka_unit_test(test_post_alone),
        cmocka_unit_test(test_queue_of_one),  cmocka_unit_test(test_takers_tie),    cmocka_unit_test(test_fence),
        cmocka_unit_test(test_slot),          cmocka_unit_test(test_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
