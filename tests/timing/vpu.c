/*
 * vpu.c -- streams of the vector unit, counted by hand (isa/spec/timing.md, section 6). W = D + vpu_stages = 36.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim_test.h"

static sim_test t;

#define VEC "vpu.setf n1=1, n2=1, n3=1, chain_in=a_src:spm, chain_out=out:spm, a_s0=1, o_base=512, o_s0=1, n0=10\n"

static void run(uint32_t commands, const char *text)
{
    isa_config config = test_small_config();
    config.commands = commands;
    test_create(&t, &config, (sim_options){0});
    test_run(&t, text);
    assert_int_equal(t.result.end, SIM_END_DONE);
    test_destroy(&t);
}

static const sim_command_event *events(void)
{
    return t.events[ISA_UNIT_VPU];
}

static void test_depth(void **state)
{
    (void)state;
    run(4, VEC "vpu.vec x0\n core.halt x0\n");
    assert_int_equal(events()[0].end, events()[0].start + 10 - 1 + 36);
    assert_int_equal(t.result.counters[ISA_UNIT_VPU][ISA_COUNTER_BUSY], 10);
    assert_int_equal(t.result.counters[ISA_UNIT_VPU][ISA_COUNTER_DRAIN], 36);
}

/* The next command starts when the rows of the one before have been read. */
static void test_follows(void **state)
{
    (void)state;
    run(4, VEC "vpu.vec x0\n vpu.vec x0\n core.halt x0\n");
    assert_int_equal(events()[1].start, events()[0].start + 10);
    run(1, VEC "vpu.vec x0\n vpu.vec x0\n core.halt x0\n");
    assert_int_equal(events()[1].start, events()[0].end + 1);
}

/* It reads a bank that the one before still writes: in the cycle after the last write. Banks of 256 rows. */
static void test_read_after_write(void **state)
{
    (void)state;
    run(4, VEC "vpu.vec x0\n vpu.setf a_base=600, o_base=0\n vpu.vec x0\n core.halt x0\n");
    assert_int_equal(events()[1].start, events()[0].end + 1);
    assert_true(t.result.counters[ISA_UNIT_VPU][ISA_COUNTER_BANK] > 0);
    run(4, VEC "vpu.vec x0\n vpu.setf a_base=800, o_base=0\n vpu.vec x0\n core.halt x0\n");
    assert_true(events()[1].start < events()[0].end);
}

/* The range of the writes shrinks with loop 3: its first bank is free when they have passed it. */
static void test_range_shrinks(void **state)
{
    (void)state;
    run(4, "vpu.setf n0=1, n1=1, n2=1, n3=60, chain_out=out:spm, o_base=500, o_s3=1\n vpu.vec x0\n"
           "vpu.setf n0=1, n3=1, chain_in=a_src:spm, o_base=0, a_base=400\n vpu.vec x0\n core.halt x0\n");
    /* Rows 500..511 lie in bank 1: the write of row 511, iteration 11, is in S + 11 + 36. The reads end in S + 59. */
    assert_int_equal(events()[1].start, events()[0].start + 60);
    run(4, "vpu.setf n0=1, n1=1, n2=1, n3=20, chain_out=out:spm, o_base=500, o_s3=1\n vpu.vec x0\n"
           "vpu.setf n0=1, n3=1, chain_in=a_src:spm, o_base=0, a_base=400\n vpu.vec x0\n core.halt x0\n");
    assert_int_equal(events()[1].start, events()[0].start + 11 + 36 + 1);
}

/* ROWS reads 4 * count rows and ends as a command of so many. */
static void test_rows(void **state)
{
    (void)state;
    run(4, "vpu.setf rows = first:1 | count:2\n vpu.rows x0\n core.halt x0\n");
    assert_int_equal(events()[0].end, events()[0].start + 8 - 1 + 36);
    assert_int_equal(t.result.counters[ISA_UNIT_VPU][ISA_COUNTER_BUSY], 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth),         cmocka_unit_test(test_follows), cmocka_unit_test(test_read_after_write),
        cmocka_unit_test(test_range_shrinks), cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
