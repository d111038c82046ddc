/*
 * sim_dram.c -- the DRAM model: latency, one bus, stalls by hash (isa/spec/timing.md, section 10).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/base/rng.h"
#include "systole/sim/dram.h"

static void test_one_bus(void **state)
{
    (void)state;
    sim_dram dram;
    sim_dram_start(&dram, 10, 1, 0);
    assert_int_equal(sim_dram_request(&dram, SIM_DRAM_READ, 5, 4), 15);  /* 15..18 */
    assert_int_equal(sim_dram_request(&dram, SIM_DRAM_WRITE, 6, 2), 19); /* behind it: 19, 20 */
    assert_int_equal(sim_dram_request(&dram, SIM_DRAM_READ, 30, 1), 40); /* quiet again */
    sim_dram_start(&dram, 10, 1, 0);
    assert_int_equal(sim_dram_request(&dram, SIM_DRAM_READ, 0, 1), 10);
}

static void test_stalls(void **state)
{
    (void)state;
    sim_dram dram;
    uint32_t most = 0;
    sim_dram_start(&dram, 10, 99, 7);
    for (uint64_t k = 0; k < 200; k++) {
        const sim_dram_dir dir = k % 3 == 0 ? SIM_DRAM_WRITE : SIM_DRAM_READ;
        const uint64_t number = dram.n_requests[dir];
        const uint32_t stall = sim_dram_stall(&dram, dir, number);
        assert_int_equal(stall, base_rng_u64(99, dir, number) % 8);
        assert_int_equal(sim_dram_request(&dram, dir, 100 * k, 2), 100 * k + 10 + stall);
        most = stall > most ? stall : most;
    }
    assert_int_equal(most, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_bus), cmocka_unit_test(test_stalls)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
