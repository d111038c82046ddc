/*
 * fuzz_mxu.c -- random matrix products.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuzz_internal.h"

#include <string.h>

static void put_walk(uint32_t *regs, unsigned base, unsigned s0, const sim_walk *walk)
{
    regs[base] = (uint32_t)walk->base;
    for (unsigned k = 0; k < 4; k++) {
        regs[s0 + k] = (uint32_t)walk->s[k];
    }
}

/* The ACC walk: that of the command before (equal or shifted), or a new one. */
static bool choose_acc(fuzz_gen *g, uint32_t *regs, sim_walk *acc)
{
    const sim_walk before = sim_command_walk(g->config, ISA_UNIT_MXU, ISA_F7_MXU_MATMUL, regs, SIM_ROLE_ACC);
    if (before.n[0] > 0 && rt_fuzz_one_in(g, 2)) {
        *acc = before;
        if (rt_fuzz_one_in(g, 3)) {
            acc->base += rt_fuzz_range(g, -3, 3);
        } else if (rt_fuzz_one_in(g, 6)) {
            acc->s[rt_fuzz_below(g, 4)] = rt_fuzz_range(g, -8, 8);
        }
        return true;
    }
    const sim_rows region = rt_fuzz_region(g, ISA_UNIT_MXU, ISA_MEMORY_ACC);
    const int64_t n_rows = region.high - region.low + 1;
    rt_fuzz_counts(g, rt_fuzz_length(g, (uint32_t)n_rows), acc->n);
    return rt_fuzz_strides(g, acc, 0, n_rows, true) && rt_fuzz_place(g, acc, 0, region);
}

/* Weights and A with their steps from plane to plane, in banks of their own. */
static bool choose_sources(fuzz_gen *g, uint32_t *regs, const sim_walk *acc, uint32_t n_planes)
{
    const int64_t d = g->config->d;
    sim_rows regions[2];
    if (!rt_fuzz_two_regions(g, ISA_UNIT_MXU, ISA_MEMORY_SPM, regions)) {
        return false;
    }
    /* Weights: D rows per plane, then planes as loop 1 of a walk. */
    sim_walk weights = {.n = {(uint32_t)d, n_planes, 1, 1}, .s = {1, 0, 0, 0}};
    const int64_t free_rows = regions[0].high - regions[0].low + 1 - d;
    if (free_rows < 0) {
        return false;
    }
    if (n_planes > 1) {
        const int64_t most = free_rows / (n_planes - 1);
        const int64_t step = rt_fuzz_one_in(g, 3) ? rt_fuzz_range(g, 0, most) : most < d ? most : d;
        weights.s[1] = (int32_t)(rt_fuzz_one_in(g, 4) ? -step : step);
    } else {
        weights.s[1] = rt_fuzz_range(g, -100, 100);
    }
    sim_walk a = *acc;
    const int64_t a_rows = regions[1].high - regions[1].low + 1;
    const int64_t for_planes = n_planes > 1 ? rt_fuzz_range(g, 0, a_rows - 1) : 0;
    if (!rt_fuzz_strides(g, &a, 0, a_rows - for_planes, rt_fuzz_one_in(g, 4) && a_rows > 8)) {
        return false;
    }
    int32_t a_plane = rt_fuzz_range(g, -100, 100);
    sim_rows inner = regions[1];
    if (n_planes > 1) {
        const int32_t step = (int32_t)(for_planes / (n_planes - 1));
        const bool down = rt_fuzz_one_in(g, 4);
        const int64_t reach = (int64_t)step * (n_planes - 1);
        a_plane = down ? -step : step;
        inner.low += down ? reach : 0;
        inner.high -= down ? 0 : reach;
    }
    if (!rt_fuzz_place(g, &weights, 0, regions[0]) || !rt_fuzz_place(g, &a, 0, inner)) {
        return false;
    }
    put_walk(regs, ISA_MXU_A_BASE, ISA_MXU_A_S0, &a);
    regs[ISA_MXU_W_BASE] = (uint32_t)weights.base;
    regs[ISA_MXU_A_PLANE] = (uint32_t)a_plane;
    regs[ISA_MXU_W_PLANE] = (uint32_t)weights.s[1];
    return true;
}

static uint32_t zero_point(fuzz_gen *g, bool is_unsigned)
{
    const int32_t low = is_unsigned ? 0 : -128;
    switch (rt_fuzz_below(g, 4)) {
    case 0:
        return 0;
    case 1:
        return (uint32_t)low;
    case 2:
        return (uint32_t)(low + 255);
    }
    return (uint32_t)rt_fuzz_range(g, low, low + 255);
}

/* Flags and zero points; bf16 has only accumulate. */
static void choose_operands(fuzz_gen *g, uint32_t *regs)
{
    const bool bf16 = g->config->element == ISA_ELEMENT_BF16;
    const uint32_t flags = rt_fuzz_below(g, bf16 ? 2 : 8);
    regs[ISA_MXU_FLAGS] = flags;
    regs[ISA_MXU_A_ZERO] = regs[ISA_MXU_W_ZERO] = 0;
    if (!bf16) {
        regs[ISA_MXU_A_ZERO] = zero_point(g, ISA_GET(flags, ISA_MXU_FLAGS_A_UNSIGNED) != 0);
        regs[ISA_MXU_W_ZERO] = zero_point(g, ISA_GET(flags, ISA_MXU_FLAGS_W_UNSIGNED) != 0);
    }
}

uint8_t rt_fuzz_mxu(fuzz_gen *g, uint32_t regs[ISA_MAX_REGS])
{
    const uint8_t funct7 = rt_fuzz_one_in(g, 3) ? ISA_F7_MXU_MATMUL_T : ISA_F7_MXU_MATMUL;
    uint32_t new_regs[ISA_MAX_REGS];
    for (unsigned i = 0; i < 60; i++) {
        memcpy(new_regs, regs, sizeof new_regs);
        sim_walk acc = {0};
        const uint32_t n_planes = rt_fuzz_one_in(g, 2)
                                      ? 1
                                      : 1 + rt_fuzz_below(g, g->long_streams ? 12 : 5);
        if (!choose_acc(g, new_regs, &acc) || !choose_sources(g, new_regs, &acc, n_planes)) {
            continue;
        }
        put_walk(new_regs, ISA_MXU_C_BASE, ISA_MXU_C_S0, &acc);
        for (unsigned k = 0; k < 4; k++) {
            new_regs[ISA_MXU_N0 + k] = acc.n[k];
        }
        new_regs[ISA_MXU_PLANES] = n_planes;
        choose_operands(g, new_regs);
        if (rt_fuzz_one_in(g, 4)) {
            new_regs[ISA_MXU_UNUSED] = rt_fuzz_corner(g);
        }
        if (sim_check(g->config, ISA_UNIT_MXU, funct7, new_regs) == ISA_ERROR_NONE) {
            memcpy(regs, new_regs, sizeof new_regs);
            return funct7;
        }
    }
    return 0;
}
