/*
 * fuzz_walk.c -- random places in memory, and walks that fit into them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuzz_internal.h"

static uint32_t n_banks(const fuzz_gen *g, isa_memory memory)
{
    return memory == ISA_MEMORY_SPM ? g->config->spm_banks : g->config->acc_banks;
}

static uint32_t bank_rows(const fuzz_gen *g, isa_memory memory)
{
    return memory == ISA_MEMORY_SPM ? isa_config_spm_bank_rows(g->config)
                                    : isa_config_acc_bank_rows(g->config);
}

uint32_t rt_fuzz_memory_rows(const fuzz_gen *g, isa_memory memory)
{
    return n_banks(g, memory) * bank_rows(g, memory);
}

/* The banks that a unit may use: first and number. */
static void banks_of_unit(fuzz_gen *g, isa_unit unit, isa_memory memory, uint32_t *first,
                          uint32_t *n)
{
    const uint32_t all = n_banks(g, memory);
    *first = 0;
    *n = all;
    if (rt_fuzz_one_in(g, 16)) {
        return;
    }
    switch (g->spread) {
    case FUZZ_SPREAD_APART:
        if (all >=
            4) { /* a quarter each; halves for four banks of SPM, where MXU and VPU need two */
            *n = all >= 8 || memory == ISA_MEMORY_ACC ? all / 4 : all / 2;
            *first = (uint32_t)unit * all / 4 / *n * *n;
        }
        break;
    case FUZZ_SPREAD_NARROW:
        *n = 2;
        *first = g->narrow[memory == ISA_MEMORY_SPM ? 0 : 1];
        break;
    case FUZZ_SPREAD_ALL:
    case FUZZ_N_SPREADS:
        break;
    }
}

static sim_rows rows_of_banks(const fuzz_gen *g, isa_memory memory, uint32_t first, uint32_t n)
{
    const int64_t rows = bank_rows(g, memory);
    return (sim_rows){.low = first * rows, .high = (first + n) * rows - 1};
}

sim_rows rt_fuzz_region(fuzz_gen *g, isa_unit unit, isa_memory memory)
{
    uint32_t first, n;
    banks_of_unit(g, unit, memory, &first, &n);
    if (rt_fuzz_one_in(g, 2)) { /* a part of them */
        const uint32_t part = 1 + rt_fuzz_below(g, n);
        first += rt_fuzz_below(g, n - part + 1);
        n = part;
    }
    return rows_of_banks(g, memory, first, n);
}

bool rt_fuzz_two_regions(fuzz_gen *g, isa_unit unit, isa_memory memory, sim_rows regions[2])
{
    uint32_t first, n;
    banks_of_unit(g, unit, memory, &first, &n);
    if (n < 2) {
        first = 0;
        n = n_banks(g, memory);
    }
    const uint32_t cut = 1 + rt_fuzz_below(g, n - 1);
    const unsigned swap = rt_fuzz_below(g, 2);
    regions[swap] = rows_of_banks(g, memory, first, cut);
    regions[1 - swap] = rows_of_banks(g, memory, first + cut, n - cut);
    return true;
}

static uint32_t random_divisor(fuzz_gen *g, uint32_t n)
{
    for (unsigned i = 0; i < 12; i++) {
        const uint32_t d = 1 + rt_fuzz_below(g, n < 40 ? n : 40);
        if (n % d == 0) {
            return d;
        }
    }
    return n;
}

void rt_fuzz_counts(fuzz_gen *g, uint32_t total, uint32_t n[4])
{
    const uint32_t style = rt_fuzz_below(g, 4);
    const uint32_t offset = rt_fuzz_below(g, 4);
    uint32_t rest = total;
    for (unsigned k = 0; k < 4; k++) {
        n[k] = 1;
    }
    if (style == 0 && total < 65536) {
        n[rt_fuzz_one_in(g, 2) ? 0 : offset] = total;
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        const uint32_t d = random_divisor(g, rest);
        n[(offset + i) % 4] = d;
        rest /= d;
    }
    n[(offset + 3) % 4] = rest;
}

/* A stride of a loop that runs once: it must have no effect, however large. */
static int32_t idle_stride(fuzz_gen *g)
{
    return rt_fuzz_one_in(g, 4) ? (int32_t)rt_fuzz_corner(g) : rt_fuzz_range(g, -3, 3);
}

static bool unique_strides(fuzz_gen *g, sim_walk *walk, unsigned first_loop, int64_t n_rows)
{
    unsigned order[4] = {0, 1, 2, 3};
    int64_t reach = 0; /* of the loops before */
    if (rt_fuzz_one_in(g, 2)) {
        for (unsigned i = 3; i > 0; i--) {
            const unsigned j = rt_fuzz_below(g, i + 1);
            const unsigned swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
    }
    const bool gaps = rt_fuzz_one_in(g, 3);
    for (unsigned i = 0; i < 4; i++) {
        const unsigned k = order[i];
        if (k < first_loop || walk->n[k] == 1) {
            walk->s[k] = idle_stride(g);
            continue;
        }
        const int64_t stride = reach + 1 + (gaps ? (int64_t)rt_fuzz_below(g, 4) : 0);
        reach += stride * (walk->n[k] - 1);
        if (reach > n_rows - 1) {
            return false;
        }
        walk->s[k] = (int32_t)(rt_fuzz_one_in(g, 4) ? -stride : stride);
    }
    return true;
}

bool rt_fuzz_strides(fuzz_gen *g, sim_walk *walk, unsigned first_loop, int64_t n_rows, bool unique)
{
    if (unique) {
        return unique_strides(g, walk, first_loop, n_rows);
    }
    int64_t left = n_rows - 1;
    for (unsigned i = 0; i < 4; i++) {
        const unsigned k = i;
        const int64_t steps = (int64_t)walk->n[k] - 1;
        if (k < first_loop || steps <= 0) {
            walk->s[k] = idle_stride(g);
            continue;
        }
        const int64_t most = left / steps;
        const int64_t wanted = rt_fuzz_one_in(g, 8)   ? 0
                               : rt_fuzz_one_in(g, 3) ? rt_fuzz_range(g, 0, most)
                                                      : 1;
        const int64_t stride = wanted < most ? wanted : most;
        left -= stride * steps;
        walk->s[k] = (int32_t)(rt_fuzz_one_in(g, 4) ? -stride : stride);
    }
    return true;
}

bool rt_fuzz_place(fuzz_gen *g, sim_walk *walk, unsigned first_loop, sim_rows region)
{
    int64_t low = 0, high = 0;
    for (unsigned k = first_loop; k < 4; k++) {
        const int64_t reach = (int64_t)walk->s[k] * ((int64_t)walk->n[k] - 1);
        low += reach < 0 ? reach : 0;
        high += reach > 0 ? reach : 0;
    }
    const int64_t slack = region.high - region.low - (high - low);
    if (slack < 0) {
        return false;
    }
    int64_t at = rt_fuzz_range(g, 0, slack);
    if (rt_fuzz_one_in(g, 3)) {
        at = rt_fuzz_one_in(g, 2) ? slack : 0;
    }
    walk->base = region.low - low + at;
    return true;
}

uint32_t rt_fuzz_length(fuzz_gen *g, uint32_t most)
{
    const uint32_t d = g->config->d;
    uint32_t n;
    switch (rt_fuzz_below(g, 6)) {
    case 0:
        n = 1 + rt_fuzz_below(g, 3);
        break;
    case 1:
        n = d - 1 + rt_fuzz_below(g, 3);
        break;
    case 2:
        n = 2 * d + rt_fuzz_below(g, 3) - 1;
        break;
    case 3:
        n = 1 + rt_fuzz_below(g, g->long_streams ? 600 : 100);
        if (g->long_streams && most > 2000 && rt_fuzz_one_in(g, 2)) {
            n = 1 + rt_fuzz_below(g, 20000);
        }
        break;
    default:
        n = 1 + rt_fuzz_below(g, 3 * d);
        break;
    }
    return n < most ? n : most > 0 ? most : 1;
}
