/*
 * dram.c -- DRAM and its bus: one data bus, requests served in their order.
 *
 * Verilog twin: none; the test bench of rtl/ links this file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/sim/dram.h"

#include "systole/base/assert.h"
#include "systole/base/rng.h"

void sim_dram_start(sim_dram *dram, uint32_t latency, uint64_t stall_seed, uint32_t stall_max)
{
    *dram = (sim_dram){.latency = latency, .stall_max = stall_max, .stall_seed = stall_seed};
}

uint32_t sim_dram_stall(const sim_dram *dram, sim_dram_dir dir, uint64_t number)
{
    if (dram->stall_max == 0) {
        return 0;
    }
    return (uint32_t)(base_rng_u64(dram->stall_seed, (uint64_t)dir, number) % ((uint64_t)dram->stall_max + 1));
}

uint64_t sim_dram_request(sim_dram *dram, sim_dram_dir dir, uint64_t cycle, uint32_t n_beats)
{
    SY_ASSERT(n_beats >= 1);
    uint64_t first = cycle + dram->latency + sim_dram_stall(dram, dir, dram->n_requests[dir]++);
    if (first < dram->free_cycle) {
        first = dram->free_cycle;
    }
    dram->free_cycle = first + n_beats;
    return first;
}
