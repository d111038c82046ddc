/*
 * fuzz_command.c -- a command of any unit, and what it costs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuzz_internal.h"

#include <string.h>

#include "systole/sim/timing.h"

/* Bursts of a run cannot exceed its bytes / burst + 2; every burst alone on the bus gives the
 * bound. */
static uint64_t dma_cost(const fuzz_gen *g, const uint32_t *regs, uint64_t *bound)
{
    const uint64_t n_runs = (uint64_t)regs[ISA_LD_N1] * regs[ISA_LD_N2] * regs[ISA_LD_N3];
    const uint64_t n_bytes = n_runs * regs[ISA_LD_N0];
    const uint64_t n_bursts = n_runs * (regs[ISA_LD_N0] / g->config->dram_burst_bytes + 2);
    const uint64_t n_beats = n_bytes / g->config->dram_width + 2 * n_bursts;
    *bound = n_bytes + n_runs + n_bursts * (sim_dram_longest(g->config) + g->stall_max + g->ready_max + 4) + n_beats +
             64;
    const uint64_t wait = g->config->dram_latency + g->stall_max / 2;
    return n_beats + n_runs + n_bytes / g->config->d +
           n_bursts * wait / (g->config->dram_outstanding < 4 ? g->config->dram_outstanding : 4);
}

uint64_t rt_fuzz_cost(const fuzz_gen *g, isa_unit unit, uint8_t funct7, const uint32_t *regs,
                      uint64_t *bound)
{
    const uint64_t d = g->config->d;
    uint64_t n_rows = 0;
    switch (unit) {
    case ISA_UNIT_MXU:
        n_rows = (uint64_t)regs[ISA_MXU_N0] * regs[ISA_MXU_N1] * regs[ISA_MXU_N2] *
                 regs[ISA_MXU_N3];
        n_rows = regs[ISA_MXU_PLANES] * sim_mxu_period(g->config, n_rows);
        *bound = n_rows + 4 * d + 64;
        return n_rows;
    case ISA_UNIT_VPU:
        n_rows = sim_vpu_rows(g->config, funct7, regs);
        *bound = n_rows + d + g->config->vpu_stages + 64;
        return n_rows;
    case ISA_UNIT_LD:
    case ISA_UNIT_ST:
        return dma_cost(g, regs, bound);
    case ISA_UNIT_CORE:
        break;
    }
    *bound = 0;
    return 0;
}

static uint8_t choose_command(fuzz_gen *g, isa_unit unit, uint32_t regs[ISA_MAX_REGS])
{
    switch (unit) {
    case ISA_UNIT_MXU:
        return rt_fuzz_mxu(g, regs);
    case ISA_UNIT_VPU:
        return rt_fuzz_vpu(g, regs);
    case ISA_UNIT_LD:
    case ISA_UNIT_ST:
        return rt_fuzz_dma(g, unit, regs);
    case ISA_UNIT_CORE:
        break;
    }
    return 0;
}

/* Odd values where they do not matter, or not much: strides of loops of one, bases of streams that
 * are not there, bounds. */
static void put_odd_values(fuzz_gen *g, isa_unit unit, uint8_t funct7, uint32_t *regs)
{
    uint64_t bound;
    const uint64_t most = rt_fuzz_cost(g, unit, funct7, regs, &bound) + 100;
    for (unsigned i = 0; i < 6; i++) {
        const unsigned reg = rt_fuzz_below(g, isa_unit_n_regs(unit));
        const uint32_t was = regs[reg];
        if (isa_reg_describe(unit, reg)->type == ISA_TYPE_BITS) {
            continue;
        }
        regs[reg] = rt_fuzz_corner(g);
        if (sim_check(g->config, unit, funct7, regs) != ISA_ERROR_NONE ||
            rt_fuzz_cost(g, unit, funct7, regs, &bound) > most) {
            regs[reg] = was;
        }
    }
}

uint8_t rt_fuzz_command(fuzz_gen *g, isa_unit unit, uint32_t regs[ISA_MAX_REGS])
{
    const uint8_t funct7 = choose_command(g, unit, regs);
    if (funct7 != 0 && rt_fuzz_one_in(g, 4)) {
        put_odd_values(g, unit, funct7, regs);
    }
    return funct7;
}
