/*
 * mxu.c -- planes of the matrix unit, counted by hand (isa/spec/timing.md, section 5).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim_test.h"

static sim_test t;

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

static void test_single_command(void **state)
{
    (void)state;
    test_run(&t, "mxu.setf a_base=0, w_base=256, c_base=0, planes=1, n0=8, n1=1, n2=1, n3=1, a_s0=1, c_s0=1\n"
                 "li t0, 7\n mxu.matmul t0\n li a0, 3\n core.halt a0\n");
    assert_int_equal(t.result.end, SIM_END_DONE);
    printf("cycles %lu retired %lu\n", (unsigned long)t.result.cycles, (unsigned long)t.result.retired);
    for (unsigned i = 0; i < t.n_events[0]; i++) printf("mxu %lu %lu\n", (unsigned long)t.events[0][i].start, (unsigned long)t.events[0][i].end);
    for (unsigned i = 0; i < t.n_retired; i++) printf("%u@%lu ", t.retired_pc[i], (unsigned long)t.retired_cycle[i]);
    for (unsigned k = 0; k < 10; k++) printf("\n%s %lu", isa_counter_name(k), (unsigned long)t.result.counters[0][k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_single_command)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
