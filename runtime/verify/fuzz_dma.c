/*
 * fuzz_dma.c -- random loads and stores, and what commands cost.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuzz_internal.h"

#include <string.h>

/* LD and ST have the same registers, but for fill. */
_Static_assert((int)ISA_LD_ADDR_LO == (int)ISA_ST_ADDR_LO && (int)ISA_LD_T3 == (int)ISA_ST_T3,
               "LD and ST lay out their registers alike");

static uint32_t choose_run_bytes(fuzz_gen *g, uint32_t row_bytes)
{
    const uint32_t width = g->config->dram_width;
    switch (rt_fuzz_below(g, 6)) {
    case 0:
        return 1 + rt_fuzz_below(g, 5);
    case 1:
        return row_bytes;
    case 2:
        return row_bytes * (1 + rt_fuzz_below(g, 4));
    case 3:
        return 1 + rt_fuzz_below(g, 4 * width);
    case 4:
        return 1 + rt_fuzz_below(g, g->long_streams ? 3000 : 400);
    }
    return 1 + rt_fuzz_below(g, 3 * row_bytes);
}

/* Valid range of a loop of n: mostly all of it, else a part, or nothing. */
static void choose_valid(fuzz_gen *g, uint32_t n, uint32_t *low, uint32_t *high)
{
    *low = 0;
    *high = n;
    switch (rt_fuzz_below(g, 10)) {
    case 0:
        *low = rt_fuzz_below(g, n + 1);
        break;
    case 1:
        *high = rt_fuzz_below(g, n + 1);
        break;
    case 2:
        *low = rt_fuzz_below(g, n);
        *high = *low + 1 + rt_fuzz_below(g, n - *low);
        break;
    case 3:
        *high = rt_fuzz_one_in(g, 2) ? UINT32_MAX : n + rt_fuzz_below(g, 5);
        break;
    case 4:
        if (rt_fuzz_one_in(g, 4)) { /* empty */
            *low = rt_fuzz_below(g, n + 2);
            *high = rt_fuzz_below(g, *low + 1);
        }
        break;
    }
}

/* Steps and address of the byte walk so that what is valid lies in DRAM. */
static bool choose_bytes(fuzz_gen *g, isa_unit unit, uint32_t *regs)
{
    const int64_t size = (int64_t)isa_config_dram_bytes(g->config);
    for (unsigned k = 1; k < 4; k++) {
        const uint32_t run = regs[ISA_LD_N0];
        int32_t step;
        switch (rt_fuzz_below(g, 6)) {
        case 0:
            step = rt_fuzz_range(g, -40, 40);
            break;
        case 1:
            step = rt_fuzz_range(g, -3000, 3000);
            break;
        case 2:
            step = 0;
            break;
        default:
            step = (int32_t)(run * (k == 1 ? 1 : regs[ISA_LD_N1 + k - 2]));
            break;
        }
        regs[ISA_LD_S1 + k - 1] = (uint32_t)step;
    }
    regs[ISA_LD_ADDR_LO] = 0;
    regs[ISA_LD_ADDR_HI] = 0;
    const sim_bytes bytes = sim_command_bytes(g->config, unit, regs);
    int64_t low, high;
    if (!sim_bytes_extent(&bytes, &low, &high)) { /* nothing valid: any address is good */
        regs[ISA_LD_ADDR_LO] = rt_fuzz_corner(g);
        regs[ISA_LD_ADDR_HI] = rt_fuzz_below(g, 256);
        return true;
    }
    int64_t at;
    switch (rt_fuzz_below(g, 8)) {
    case 0:
        at = 0; /* the first byte of DRAM */
        break;
    case 1:
        at = size - 1 - (high - low); /* the last */
        break;
    case 2:
        at = (1 + (int64_t)rt_fuzz_below(g, 4)) * 4096 + rt_fuzz_range(g, -40, 10);
        break;
    case 3:
        at = g->floats_at + (int64_t)rt_fuzz_below(g, 64);
        break;
    case 4:
        at = rt_fuzz_range(g, 0, 4000); /* where other commands are too */
        break;
    default:
        at = base_rng_range(&g->rng, 0, size - 1) & (rt_fuzz_one_in(g, 2) ? ~INT64_C(63) : -1);
        break;
    }
    const int64_t address = at - low;
    if (at < 0 || at + (high - low) >= size || address < 0) {
        return false;
    }
    regs[ISA_LD_ADDR_LO] = (uint32_t)address;
    regs[ISA_LD_ADDR_HI] = (uint32_t)(address >> 32);
    return true;
}

/* The rows of the byte walk: what each iteration of the closing loop fills, rounded up. */
static uint64_t rows_of_bytes(const uint32_t *regs, unsigned close, uint32_t row_bytes)
{
    uint64_t n_bytes = 1, n_closings = 1;
    for (unsigned k = 0; k < 4; k++) {
        if (k <= close) {
            n_bytes *= regs[ISA_LD_N0 + k];
        } else {
            n_closings *= regs[ISA_LD_N0 + k];
        }
    }
    return n_closings * ((n_bytes + row_bytes - 1) / row_bytes);
}

static bool choose_rows(fuzz_gen *g, isa_unit unit, uint32_t *regs, isa_memory memory,
                        uint64_t n_rows)
{
    const sim_rows region = rt_fuzz_region(g, unit, memory);
    const int64_t space = region.high - region.low + 1;
    const bool unique = unit == ISA_UNIT_LD;
    sim_walk walk = {0};
    if (n_rows > 60000 || (unique && (int64_t)n_rows > space)) {
        return false;
    }
    rt_fuzz_counts(g, (uint32_t)n_rows, walk.n);
    if (!rt_fuzz_strides(g, &walk, 0, space, unique) || !rt_fuzz_place(g, &walk, 0, region)) {
        return false;
    }
    regs[ISA_LD_ROW_BASE] = (uint32_t)walk.base;
    for (unsigned k = 0; k < 4; k++) {
        regs[ISA_LD_M0 + k] = walk.n[k];
        regs[ISA_LD_T0 + k] = (uint32_t)walk.s[k];
    }
    return true;
}

/* One contiguous run of the well-behaved floats. */
static bool choose_floats(fuzz_gen *g, isa_unit unit, uint32_t *regs, isa_memory memory,
                          uint32_t row_bytes)
{
    const uint32_t n_rows = 1 + rt_fuzz_below(g, 4 * FUZZ_FLOATS / row_bytes);
    const uint32_t first = rt_fuzz_below(g, 4 * FUZZ_FLOATS / row_bytes - n_rows + 1);
    regs[ISA_LD_N0] = n_rows * row_bytes;
    regs[ISA_LD_LO0] = 0;
    regs[ISA_LD_HI0] = regs[ISA_LD_N0];
    for (unsigned k = 1; k < 4; k++) {
        regs[ISA_LD_N0 + k] = 1;
        regs[ISA_LD_LO0 + 2 * k] = 0;
        regs[ISA_LD_HI0 + 2 * k] = 1;
    }
    regs[ISA_LD_ADDR_LO] = g->floats_at + first * row_bytes;
    regs[ISA_LD_ADDR_HI] = 0;
    return choose_rows(g, unit, regs, memory, n_rows);
}

static bool choose_walks(fuzz_gen *g, isa_unit unit, uint32_t *regs, unsigned close,
                         isa_memory memory, uint32_t row_bytes)
{
    uint32_t budget = g->long_streams ? 6000 : 900;
    regs[ISA_LD_N0] = choose_run_bytes(g, row_bytes);
    budget /= regs[ISA_LD_N0] < budget ? regs[ISA_LD_N0] : budget;
    for (unsigned k = 1; k < 4; k++) {
        const uint32_t most = budget < 9 ? budget : 9;
        regs[ISA_LD_N0 + k] = rt_fuzz_one_in(g, 2) ? 1 : 1 + rt_fuzz_below(g, most);
        budget /= regs[ISA_LD_N0 + k];
    }
    for (unsigned k = 0; k < 4; k++) {
        choose_valid(g, regs[ISA_LD_N0 + k], &regs[ISA_LD_LO0 + 2 * k], &regs[ISA_LD_HI0 + 2 * k]);
    }
    return choose_rows(g, unit, regs, memory, rows_of_bytes(regs, close, row_bytes)) &&
           choose_bytes(g, unit, regs);
}

uint8_t rt_fuzz_dma(fuzz_gen *g, isa_unit unit, uint32_t regs[ISA_MAX_REGS])
{
    const uint8_t funct7 = unit == ISA_UNIT_LD ? ISA_F7_LD_LOAD : ISA_F7_ST_STORE;
    uint32_t new_regs[ISA_MAX_REGS];
    for (unsigned i = 0; i < 80; i++) {
        memcpy(new_regs, regs, sizeof new_regs);
        const bool acc = rt_fuzz_one_in(g, 3);
        const unsigned close = rt_fuzz_below(g, 4);
        const isa_memory memory = acc ? ISA_MEMORY_ACC : ISA_MEMORY_SPM;
        const uint32_t row_bytes = acc ? isa_config_acc_row_bytes(g->config)
                                       : isa_config_spm_row_bytes(g->config);
        const uint32_t fill_most = g->config->element == ISA_ELEMENT_BF16 ? 65535 : 255;
        new_regs[ISA_LD_FLAGS] = ISA_PUT(ISA_PUT(0, ISA_LD_FLAGS_CLOSE, close), ISA_LD_FLAGS_ACC,
                                         acc);
        new_regs[ISA_LD_FILL] = unit == ISA_UNIT_ST ? (rt_fuzz_one_in(g, 2) ? rt_fuzz_corner(g) : 0)
                                : rt_fuzz_one_in(g, 2) ? rt_fuzz_below(g, fill_most + 1)
                                : rt_fuzz_one_in(g, 2) ? fill_most
                                                       : 0;
        const bool fits = rt_fuzz_one_in(g, 6) && unit == ISA_UNIT_LD
                              ? choose_floats(g, unit, new_regs, memory, row_bytes)
                              : choose_walks(g, unit, new_regs, close, memory, row_bytes);
        if (fits && sim_check(g->config, unit, funct7, new_regs) == ISA_ERROR_NONE) {
            memcpy(regs, new_regs, sizeof new_regs);
            return funct7;
        }
    }
    return 0;
}
