/*
 * fuzz_vpu.c -- random vector commands: every slot of the chain and every function that is built.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuzz_internal.h"

#include <string.h>

/* The values of a bit field that are built, from the table. */
typedef struct choice {
    const char *field;
    uint32_t value;
    bool built;
} choice;
static const choice choices[] = {
#define E(unit, field, name, value, built, summary) {#field, (value), (built) != 0},
#include "systole/isa/tables.h"
};

static uint32_t choose(fuzz_gen *g, const char *field)
{
    uint32_t values[32];
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        if (choices[i].built && strcmp(choices[i].field, field) == 0) {
            values[n++] = choices[i].value;
        }
    }
    return values[rt_fuzz_below(g, n)];
}

static isa_memory source_memory(uint32_t source)
{
    return source == ISA_VPU_CHAIN_IN_A_SRC_SPM ? ISA_MEMORY_SPM : ISA_MEMORY_ACC;
}

static void choose_chain(fuzz_gen *g, uint32_t *regs)
{
    uint32_t in = 0, fp = 0, out = 0;
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_A_SRC, rt_fuzz_one_in(g, 12) ? 0 : 1 + rt_fuzz_below(g, 3));
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_B_SRC, rt_fuzz_one_in(g, 2) ? 0 : choose(g, "b_src"));
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_IADD, choose(g, "iadd"));
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_WINDOW, choose(g, "window"));
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_STRIDE2, choose(g, "stride2"));
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_WIN_PAD, rt_fuzz_below(g, 8));
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_WIN_FIRST, rt_fuzz_below(g, 32));
    if (!rt_fuzz_one_in(g, 6)) {
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_ADD1, choose(g, "add1"));
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_MUL1, choose(g, "mul1"));
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_MID, choose(g, "mid"));
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_MUL2, choose(g, "mul2"));
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_ADD2, choose(g, "add2"));
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_FN, choose(g, "fn"));
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_MUL3, choose(g, "mul3"));
    }
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_OUT, rt_fuzz_one_in(g, 8) ? 0 : choose(g, "out"));
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_RED, rt_fuzz_one_in(g, 2) ? 0 : choose(g, "red"));
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_RED_SRC, choose(g, "red_src"));
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_RED_LOOPS, choose(g, "red_loops"));
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_RED_LANES, choose(g, "red_lanes"));
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_RED_INDEX, choose(g, "red_index"));
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_RED_FN, choose(g, "red_fn"));
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_RED_OUT, choose(g, "red_out"));
    regs[ISA_VPU_TAPS] = rt_fuzz_below(g, 32) | rt_fuzz_below(g, 32) << 8; /* VEC ignores it */
    regs[ISA_VPU_CHAIN_IN] = in;
    regs[ISA_VPU_CHAIN_FP] = fp;
    regs[ISA_VPU_CHAIN_OUT] = out;
}

static uint32_t small_integer(fuzz_gen *g)
{
    return rt_fuzz_one_in(g, 4) ? rt_fuzz_corner(g) : (uint32_t)rt_fuzz_range(g, -130, 130);
}

static void choose_bounds(fuzz_gen *g, uint32_t *low, uint32_t *high)
{
    switch (rt_fuzz_below(g, 6)) {
    case 0:
        *low = (uint32_t)-128;
        *high = 127;
        return;
    case 1:
        *low = 0;
        *high = 255;
        return;
    case 2:
        *low = UINT32_C(0x80000000);
        *high = 0x7FFFFFFF;
        return;
    case 3:
        *low = (uint32_t)rt_fuzz_range(g, -100, 20);
        *high = (uint32_t)rt_fuzz_range(g, 0, 100);
        return;
    case 4: /* the wrong way round: the upper bound wins */
        *low = (uint32_t)rt_fuzz_range(g, 0, 100);
        *high = (uint32_t)rt_fuzz_range(g, -100, 0);
        return;
    }
    *low = rt_fuzz_corner(g);
    *high = rt_fuzz_corner(g);
}

/* Immediates: some are left as they were. */
static void choose_immediates(fuzz_gen *g, uint32_t *regs)
{
    static const uint8_t floats[] = {ISA_VPU_ADD1_IMM, ISA_VPU_MUL1_IMM, ISA_VPU_MUL2_IMM,
                                     ISA_VPU_ADD2_IMM, ISA_VPU_B_SCALE,  ISA_VPU_CLIP_LO,
                                     ISA_VPU_CLIP_HI,  ISA_VPU_R_MUL,    ISA_VPU_R_ADD};
    static const uint8_t integers[] = {ISA_VPU_A_ZERO, ISA_VPU_B_ZERO, ISA_VPU_IADD_IMM,
                                       ISA_VPU_O_ZERO, ISA_VPU_R_ZERO};
    for (size_t i = 0; i < sizeof floats; i++) {
        if (rt_fuzz_one_in(g, 2)) {
            regs[floats[i]] = rt_fuzz_float(g);
        }
    }
    for (size_t i = 0; i < sizeof integers; i++) {
        if (rt_fuzz_one_in(g, 2)) {
            regs[integers[i]] = small_integer(g);
        }
    }
    choose_bounds(g, &regs[ISA_VPU_MID_LO], &regs[ISA_VPU_MID_HI]);
    choose_bounds(g, &regs[ISA_VPU_O_LO], &regs[ISA_VPU_O_HI]);
    choose_bounds(g, &regs[ISA_VPU_R_LO], &regs[ISA_VPU_R_HI]);
}

static void put_walk(uint32_t *regs, unsigned base, unsigned s0, const sim_walk *walk)
{
    regs[base] = (uint32_t)walk->base;
    for (unsigned k = 0; k < 4; k++) {
        regs[s0 + k] = (uint32_t)walk->s[k];
    }
}

/* Regions of a pair of streams: apart if they are in the same memory. */
static bool regions_of_pair(fuzz_gen *g, isa_memory first, isa_memory second, sim_rows regions[2])
{
    if (first == second) {
        return rt_fuzz_two_regions(g, ISA_UNIT_VPU, first, regions);
    }
    regions[0] = rt_fuzz_region(g, ISA_UNIT_VPU, first);
    regions[1] = rt_fuzz_region(g, ISA_UNIT_VPU, second);
    return true;
}

/* Rows that a walk over `region` may have. */
static int64_t rows_in(sim_rows region)
{
    return region.high - region.low + 1;
}

static bool choose_walks(fuzz_gen *g, uint32_t *regs)
{
    const uint32_t in = regs[ISA_VPU_CHAIN_IN], out = regs[ISA_VPU_CHAIN_OUT];
    const uint32_t a_src = ISA_GET(in, ISA_VPU_CHAIN_IN_A_SRC),
                   b_src = ISA_GET(in, ISA_VPU_CHAIN_IN_B_SRC);
    const uint32_t out_kind = ISA_GET(out, ISA_VPU_CHAIN_OUT_OUT),
                   red = ISA_GET(out, ISA_VPU_CHAIN_OUT_RED);
    const unsigned red_loops = ISA_GET(out, ISA_VPU_CHAIN_OUT_RED_LOOPS);
    const isa_memory out_memory = out_kind == ISA_VPU_CHAIN_OUT_OUT_SPM ? ISA_MEMORY_SPM
                                                                       : ISA_MEMORY_ACC;
    const isa_memory red_memory = ISA_GET(out, ISA_VPU_CHAIN_OUT_RED_OUT) ==
                                          ISA_VPU_CHAIN_OUT_RED_OUT_SPM
                                      ? ISA_MEMORY_SPM
                                      : ISA_MEMORY_ACC;
    sim_rows sources[2], outputs[2];
    if (!regions_of_pair(g, source_memory(a_src), source_memory(b_src), sources) ||
        !regions_of_pair(g, out_memory, red_memory, outputs)) {
        return false;
    }
    /* An output in the place of a source, row by row: both take the output's walk. */
    const bool can_a = a_src != 0 && source_memory(a_src) == out_memory;
    const bool can_b = b_src != 0 && source_memory(b_src) == out_memory;
    const uint32_t in_place = out_kind == 0 ? 0 : rt_fuzz_below(g, 3);
    int64_t most = out_kind != 0 || (red != 0 && red_loops == 0)
                       ? rows_in(outputs[out_kind != 0 ? 0 : 1])
                       : 65535;
    if (in_place == 1 && can_a) {
        outputs[0] = sources[0];
        most = rows_in(sources[0]);
    } else if (in_place == 2 && can_b) {
        outputs[0] = sources[1];
        most = rows_in(sources[1]);
    }
    sim_walk o = {0};
    rt_fuzz_counts(g, rt_fuzz_length(g, (uint32_t)most), o.n);
    sim_walk a = o, b = o, r = o;
    if ((out_kind != 0 && (!rt_fuzz_strides(g, &o, 0, rows_in(outputs[0]), true) ||
                           !rt_fuzz_place(g, &o, 0, outputs[0]))) ||
        (red != 0 && (!rt_fuzz_strides(g, &r, red_loops, rows_in(outputs[1]), true) ||
                      !rt_fuzz_place(g, &r, red_loops, outputs[1])))) {
        return false;
    }
    (void)rt_fuzz_strides(g, &a, 0, rows_in(sources[0]), false);
    (void)rt_fuzz_strides(g, &b, 0, rows_in(sources[1]), false);
    if (!rt_fuzz_place(g, &a, 0, sources[0]) || !rt_fuzz_place(g, &b, 0, sources[1])) {
        return false;
    }
    for (unsigned k = 0; k < 4; k++) {
        regs[ISA_VPU_N0 + k] = o.n[k];
    }
    put_walk(regs, ISA_VPU_A_BASE, ISA_VPU_A_S0, in_place == 1 && can_a ? &o : &a);
    put_walk(regs, ISA_VPU_B_BASE, ISA_VPU_B_S0, in_place == 2 && can_b ? &o : &b);
    put_walk(regs, ISA_VPU_O_BASE, ISA_VPU_O_S0, &o);
    put_walk(regs, ISA_VPU_R_BASE, ISA_VPU_R_S0, &r);
    return true;
}

static bool choose_rows(fuzz_gen *g, uint32_t *regs)
{
    const uint32_t first = rt_fuzz_below(g, 6);
    const uint32_t count = rt_fuzz_one_in(g, 3) ? 6 - first : 1 + rt_fuzz_below(g, 6 - first);
    sim_walk walk = {.n = {4 * count, 1, 1, 1}, .s = {1, 0, 0, 0}};
    if (!rt_fuzz_place(g, &walk, 0, rt_fuzz_region(g, ISA_UNIT_VPU, ISA_MEMORY_SPM))) {
        return false;
    }
    regs[ISA_VPU_A_BASE] = (uint32_t)walk.base;
    regs[ISA_VPU_ROWS] = ISA_PUT(ISA_PUT(0, ISA_VPU_ROWS_FIRST, first), ISA_VPU_ROWS_COUNT, count);
    return true;
}

uint8_t rt_fuzz_vpu(fuzz_gen *g, uint32_t regs[ISA_MAX_REGS])
{
    const uint8_t funct7 = rt_fuzz_one_in(g, 5) ? ISA_F7_VPU_ROWS : ISA_F7_VPU_VEC;
    uint32_t new_regs[ISA_MAX_REGS];
    for (unsigned i = 0; i < 60; i++) {
        memcpy(new_regs, regs, sizeof new_regs);
        bool fits;
        if (funct7 == ISA_F7_VPU_ROWS) {
            fits = choose_rows(g, new_regs);
        } else {
            choose_chain(g, new_regs);
            choose_immediates(g, new_regs);
            fits = choose_walks(g, new_regs);
        }
        if (fits && sim_check(g->config, ISA_UNIT_VPU, funct7, new_regs) == ISA_ERROR_NONE) {
            memcpy(regs, new_regs, sizeof new_regs);
            return funct7;
        }
    }
    return 0;
}
