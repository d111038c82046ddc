/*
 * sim_machine.c -- the simulator's interface: what it refuses, and its memories between runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim_test.h"

static void test_refusals(void **state)
{
    (void)state;
    isa_config config = test_small_config();
    sim_machine *m = NULL;
    base_diag diag = {0};
    config.d = 3;
    assert_int_equal(sim_create(&config, NULL, &m, &diag), SY_ECONFIG);
    assert_string_not_equal(base_diag_message(&diag), "");
    assert_null(m);
    sim_machine_destroy(NULL);
}

static void test_memories(void **state)
{
    (void)state;
    const isa_config config = test_small_config();
    sim_machine *m;
    assert_ok(sim_create(&config, NULL, &m, NULL));
    const uint64_t sizes[] = {config.imem_bytes, config.dmem_bytes, 4096, 4096, 1u << 20};
    for (unsigned k = 0; k < SIM_N_MEMORIES; k++) {
        const uint8_t bytes[3] = {1, 2, 3};
        uint8_t back[3] = {0};
        assert_ok(sim_machine_write(m, (sim_memory)k, sizes[k] - 3, bytes, 3));
        assert_ok(sim_machine_read(m, (sim_memory)k, sizes[k] - 3, back, 3));
        assert_memory_equal(bytes, back, 3);
        assert_ok(sim_machine_read(m, (sim_memory)k, sizes[k], back, 0));
        assert_int_equal(sim_machine_write(m, (sim_memory)k, sizes[k] - 2, bytes, 3), SY_ERANGE);
        assert_int_equal(sim_machine_read(m, (sim_memory)k, UINT64_MAX, back, 3), SY_ERANGE);
    }
    assert_int_equal(sim_dram_bytes(m)[(1u << 20) - 1], 3);
    sim_machine_destroy(m);
}

/* Without data a run has the same cycles and leaves the memories alone. */
static void test_timing_only(void **state)
{
    (void)state;
    static const char *const text =
        "ld.setf n0=16, n1=1, n2=1, n3=1, hi0=16, hi1=1, hi2=1, hi3=1, m0=4, m1=1, m2=1, m3=1, t0=1\n"
        "li t0, 1\n ld.load x0\n ld.post t0\n core.semwait t0\n core.halt x0\n .dram 0\n .byte 9, 8, 7, 6\n";
    const isa_config config = test_small_config();
    uint8_t row[4] = {0};
    static sim_test with;
    static sim_test without;
    test_create(&with, &config, (sim_options){0});
    test_create(&without, &config, (sim_options){.timing_only = true});
    test_run(&with, text);
    test_run(&without, text);
    assert_memory_equal(&with.result, &without.result, sizeof with.result);
    assert_ok(sim_machine_read(with.machine, SIM_SPM, 0, row, 4));
    assert_int_equal(row[0], 9);
    assert_ok(sim_machine_read(without.machine, SIM_SPM, 0, row, 4));
    assert_int_equal(row[0], 0);
    test_destroy(&with);
    test_destroy(&without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_memories),
        cmocka_unit_test(test_timing_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
