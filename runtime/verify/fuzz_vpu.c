/*
 * fuzz_vpu.c -- random vector commands: every slot of the chain and every function that is built.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuzz_internal.h"

#include <string.h>

/* Bit fields and their values, from the tables. */
typedef struct field_row {
    const char *reg;
    const char *field;
    unsigned low, width;
    bool is_vpu;
} field_row;
static const field_row fields[] = {
#define B(unit, register_name, field, low, width, summary) \
    {#register_name, #field, (low), (width), ISA_UNIT_##unit == ISA_UNIT_VPU},
#include "systole/isa/tables.h"
};
typedef struct choice {
    const char *field;
    uint32_t value;
    bool built;
} choice;
static const choice choices[] = {
#define E(unit, field, name, value, built, summary) {#field, (value), (built) != 0},
#include "systole/isa/tables.h"
};

/* Fields that are mostly 0, so that others stay possible; all others are drawn evenly. */
static const struct {
    const char *field;
    uint32_t one_in; /* other than 0 */
} seldom[] = {{"b_src", 2},     {"red", 2},       {"window", 5},    {"transpose", 6},
              {"red_lanes", 3}, {"red_index", 3}, {"red_fn", 3}};

static uint32_t choose(fuzz_gen *g, const field_row *field)
{
    uint32_t values[32];
    uint32_t n = 0;
    bool is_listed = false;
    for (size_t i = 0; i < sizeof seldom / sizeof seldom[0]; i++) {
        if (strcmp(seldom[i].field, field->field) == 0 && !rt_fuzz_one_in(g, seldom[i].one_in)) {
            return 0;
        }
    }
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        if (strcmp(choices[i].field, field->field) == 0) {
            is_listed = true;
            if (choices[i].built) {
                values[n++] = choices[i].value;
            }
        }
    }
    return is_listed ? values[rt_fuzz_below(g, n)] : rt_fuzz_below(g, UINT32_C(1) << field->width);
}

/* All fields of a register. */
static uint32_t choose_register(fuzz_gen *g, const char *reg)
{
    uint32_t word = 0;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].is_vpu && strcmp(fields[i].reg, reg) == 0) {
            word |= choose(g, &fields[i]) << fields[i].low;
        }
    }
    return word;
}

static isa_memory source_memory(uint32_t source)
{
    return source == ISA_VPU_CHAIN_IN_A_SRC_SPM ? ISA_MEMORY_SPM : ISA_MEMORY_ACC;
}

/* What a window asks of the other fields (FIELD). */
void rt_fuzz_window(fuzz_gen *g, uint32_t *regs)
{
    uint32_t in = regs[ISA_VPU_CHAIN_IN];
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_A_SRC, ISA_VPU_CHAIN_IN_A_SRC_SPM);
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_B_SRC, ISA_VPU_CHAIN_IN_B_SRC_NONE);
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_TRANSPOSE, ISA_VPU_CHAIN_IN_TRANSPOSE_OFF);
    const uint32_t taps = ISA_GET(in, ISA_VPU_CHAIN_IN_WINDOW) == ISA_VPU_CHAIN_IN_WINDOW_TAPS3 ? 3
                                                                                                 : 5;
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_WIN_PAD, rt_fuzz_below(g, taps));
    const uint32_t most = 25 / taps; /* rows of weights */
    const uint32_t n_rows = 1 + rt_fuzz_below(g, taps < most ? taps : most);
    const uint32_t first = rt_fuzz_below(g, most - n_rows + 1);
    regs[ISA_VPU_CHAIN_IN] = ISA_PUT(in, ISA_VPU_CHAIN_IN_WIN_FIRST, first);
    regs[ISA_VPU_CHAIN_OUT] = ISA_PUT(regs[ISA_VPU_CHAIN_OUT], ISA_VPU_CHAIN_OUT_RED,
                                      ISA_VPU_CHAIN_OUT_RED_NONE);
    regs[ISA_VPU_TAIL] = 0;
    regs[ISA_VPU_A_ZERO] = (uint32_t)rt_fuzz_range(g, -128, 127);
    regs[ISA_VPU_N0] = n_rows;
    regs[ISA_VPU_N1] = 1 + rt_fuzz_below(g, 12);
    regs[ISA_VPU_N2] = 1 + rt_fuzz_below(g, 6);
    regs[ISA_VPU_N3] = rt_fuzz_one_in(g, 2) ? 1 : 1 + rt_fuzz_below(g, 3);
    const uint32_t stride = ISA_GET(in, ISA_VPU_CHAIN_IN_STRIDE2) == ISA_VPU_CHAIN_IN_STRIDE2_ON
                                ? 2
                                : 1;
    const uint32_t outputs = (regs[ISA_VPU_N1] - 1) / stride + 1; /* the most that there are */
    regs[ISA_VPU_WIN_OUT] = rt_fuzz_one_in(g, 3) ? 1 + rt_fuzz_below(g, outputs) : outputs;
    const uint32_t reach = (regs[ISA_VPU_N2] - 1) * stride + n_rows;
    regs[ISA_VPU_WIN_TOP] = rt_fuzz_below(g, n_rows < reach ? n_rows : reach);
    regs[ISA_VPU_WIN_ROWS] = rt_fuzz_one_in(g, 4) ? 1 + rt_fuzz_below(g, 65535)
                                                  : 1 + rt_fuzz_below(g, reach);
}

static void choose_chain(fuzz_gen *g, uint32_t *regs)
{
    uint32_t in = choose_register(g, "chain_in"), out = choose_register(g, "chain_out");
    if (!rt_fuzz_one_in(g, 3) && ISA_GET(in, ISA_VPU_CHAIN_IN_A_SRC) == 0) {
        in = ISA_PUT(in, ISA_VPU_CHAIN_IN_A_SRC, 1 + rt_fuzz_below(g, 3));
    }
    if (!rt_fuzz_one_in(g, 2) && ISA_GET(out, ISA_VPU_CHAIN_OUT_OUT) == 0) {
        out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_OUT, 1 + rt_fuzz_below(g, 4));
    }
    if (ISA_GET(in, ISA_VPU_CHAIN_IN_TRANSPOSE) != ISA_VPU_CHAIN_IN_TRANSPOSE_OFF) {
        in = ISA_PUT(in, ISA_VPU_CHAIN_IN_A_SRC, ISA_VPU_CHAIN_IN_A_SRC_SPM);
    }
    regs[ISA_VPU_CHAIN_IN] = in;
    regs[ISA_VPU_CHAIN_FP] = rt_fuzz_one_in(g, 6) ? 0 : choose_register(g, "chain_fp");
    regs[ISA_VPU_CHAIN_OUT] = out;
    regs[ISA_VPU_TAIL] = rt_fuzz_one_in(g, 2) ? 0 : rt_fuzz_below(g, g->config->d + 1);
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

/* Rows of a stream, as counts: transposed ones come in blocks of D. */
static void choose_counts(fuzz_gen *g, const uint32_t *regs, int64_t most, uint32_t n[4])
{
    const uint32_t d = g->config->d;
    uint32_t total = rt_fuzz_length(g, (uint32_t)most);
    if (ISA_GET(regs[ISA_VPU_CHAIN_IN], ISA_VPU_CHAIN_IN_TRANSPOSE) !=
        ISA_VPU_CHAIN_IN_TRANSPOSE_OFF) {
        total = total < d ? d : total / d * d;
    }
    rt_fuzz_counts(g, total, n);
}

/* Where a command's streams go. */
typedef struct places {
    uint32_t a_src, b_src, out, red;
    unsigned red_loops;
    sim_rows a, b, o, r;
} places;

static bool choose_places(fuzz_gen *g, const uint32_t *regs, places *p)
{
    const uint32_t in = regs[ISA_VPU_CHAIN_IN], out = regs[ISA_VPU_CHAIN_OUT];
    p->a_src = ISA_GET(in, ISA_VPU_CHAIN_IN_A_SRC);
    p->b_src = ISA_GET(in, ISA_VPU_CHAIN_IN_B_SRC);
    p->out = ISA_GET(out, ISA_VPU_CHAIN_OUT_OUT);
    p->red = ISA_GET(out, ISA_VPU_CHAIN_OUT_RED);
    p->red_loops = ISA_GET(out, ISA_VPU_CHAIN_OUT_RED_LOOPS);
    const isa_memory out_memory = p->out == ISA_VPU_CHAIN_OUT_OUT_SPM ? ISA_MEMORY_SPM
                                                                      : ISA_MEMORY_ACC;
    const isa_memory red_memory = ISA_GET(out, ISA_VPU_CHAIN_OUT_RED_OUT) ==
                                          ISA_VPU_CHAIN_OUT_RED_OUT_SPM
                                      ? ISA_MEMORY_SPM
                                      : ISA_MEMORY_ACC;
    sim_rows sources[2], outputs[2];
    if (!regions_of_pair(g, source_memory(p->a_src), source_memory(p->b_src), sources) ||
        !regions_of_pair(g, out_memory, red_memory, outputs)) {
        return false;
    }
    p->a = sources[0];
    p->b = sources[1];
    p->o = outputs[0];
    p->r = outputs[1];
    return true;
}

static bool choose_window_walks(fuzz_gen *g, uint32_t *regs)
{
    places p;
    sim_rows apart[2];
    if (!choose_places(g, regs, &p)) {
        return false;
    }
    if (p.out == ISA_VPU_CHAIN_OUT_OUT_SPM) {
        if (!rt_fuzz_two_regions(g, ISA_UNIT_VPU, ISA_MEMORY_SPM, apart)) {
            return false;
        }
        p.a = apart[0];
        p.o = apart[1];
    }
    sim_walk a = sim_command_walk(g->config, ISA_UNIT_VPU, ISA_F7_VPU_VEC, regs, SIM_ROLE_A);
    sim_walk o = sim_command_walk(g->config, ISA_UNIT_VPU, ISA_F7_VPU_VEC, regs, SIM_ROLE_OUT);
    (void)rt_fuzz_strides(g, &a, 0, rows_in(p.a), false);
    if (!rt_fuzz_place(g, &a, 0, p.a) ||
        (p.out != 0 &&
         (!rt_fuzz_strides(g, &o, 0, rows_in(p.o), true) || !rt_fuzz_place(g, &o, 0, p.o)))) {
        return false;
    }
    put_walk(regs, ISA_VPU_A_BASE, ISA_VPU_A_S0, &a);
    put_walk(regs, ISA_VPU_O_BASE, ISA_VPU_O_S0, &o);
    return true;
}

static bool choose_walks(fuzz_gen *g, uint32_t *regs)
{
    places p;
    if (!choose_places(g, regs, &p)) {
        return false;
    }
    const isa_memory out_memory = p.out == ISA_VPU_CHAIN_OUT_OUT_SPM ? ISA_MEMORY_SPM
                                                                     : ISA_MEMORY_ACC;
    /* An output in the place of a source, row by row: both take the output's walk. */
    const bool can_a = p.a_src != 0 && source_memory(p.a_src) == out_memory;
    const bool can_b = p.b_src != 0 && source_memory(p.b_src) == out_memory;
    const uint32_t in_place = p.out == 0 ? 0 : rt_fuzz_below(g, 3);
    int64_t most = p.out != 0                          ? rows_in(p.o)
                   : p.red != 0 && p.red_loops == 0 ? rows_in(p.r)
                                                       : 65535;
    if (in_place == 1 && can_a) {
        p.o = p.a;
        most = rows_in(p.a);
    } else if (in_place == 2 && can_b) {
        p.o = p.b;
        most = rows_in(p.b);
    }
    sim_walk o = {0};
    choose_counts(g, regs, most, o.n);
    sim_walk a = o, b = o, r = o;
    if ((p.out != 0 && (!rt_fuzz_strides(g, &o, 0, rows_in(p.o), true) ||
                        !rt_fuzz_place(g, &o, 0, p.o))) ||
        (p.red != 0 && (!rt_fuzz_strides(g, &r, p.red_loops, rows_in(p.r), true) ||
                        !rt_fuzz_place(g, &r, p.red_loops, p.r)))) {
        return false;
    }
    (void)rt_fuzz_strides(g, &a, 0, rows_in(p.a), false);
    (void)rt_fuzz_strides(g, &b, 0, rows_in(p.b), false);
    if (!rt_fuzz_place(g, &a, 0, p.a) || !rt_fuzz_place(g, &b, 0, p.b)) {
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

/* ROWS, TAPS, TABLE: which constants, and where they are. */
static bool choose_constants(fuzz_gen *g, uint8_t funct7, uint32_t *regs)
{
    const uint32_t n_all = funct7 == ISA_F7_VPU_ROWS ? 6 : 25;
    const uint32_t first = rt_fuzz_below(g, n_all);
    const uint32_t count = rt_fuzz_one_in(g, 3) ? n_all - first
                                                : 1 + rt_fuzz_below(g, n_all - first);
    if (funct7 == ISA_F7_VPU_ROWS) {
        regs[ISA_VPU_ROWS] = ISA_PUT(ISA_PUT(0, ISA_VPU_ROWS_FIRST, first), ISA_VPU_ROWS_COUNT,
                                     count);
    } else if (funct7 == ISA_F7_VPU_TAPS) {
        regs[ISA_VPU_TAPS] = ISA_PUT(ISA_PUT(0, ISA_VPU_TAPS_TAP_FIRST, first),
                                     ISA_VPU_TAPS_TAP_COUNT, count);
    }
    sim_walk walk = {.n = {(uint32_t)sim_vpu_rows(g->config, funct7, regs), 1, 1, 1},
                     .s = {1, 0, 0, 0}};
    if (!rt_fuzz_place(g, &walk, 0, rt_fuzz_region(g, ISA_UNIT_VPU, ISA_MEMORY_SPM))) {
        return false;
    }
    regs[ISA_VPU_A_BASE] = (uint32_t)walk.base;
    return true;
}

/* VEC, or one that loads constants, if it is built. */
static uint8_t choose_operation(fuzz_gen *g)
{
    static const uint8_t loads[] = {ISA_F7_VPU_ROWS, ISA_F7_VPU_TAPS, ISA_F7_VPU_TABLE};
    const uint8_t load = loads[rt_fuzz_one_in(g, 2) ? 0 : rt_fuzz_below(g, 3)];
    return rt_fuzz_one_in(g, 5) && isa_op_describe(isa_op_of_command(ISA_UNIT_VPU, load))->built
               ? load
               : ISA_F7_VPU_VEC;
}

static bool choose_vec(fuzz_gen *g, uint32_t *regs)
{
    choose_chain(g, regs);
    choose_immediates(g, regs);
    if (ISA_GET(regs[ISA_VPU_CHAIN_IN], ISA_VPU_CHAIN_IN_WINDOW) != ISA_VPU_CHAIN_IN_WINDOW_OFF) {
        rt_fuzz_window(g, regs);
        return choose_window_walks(g, regs);
    }
    return choose_walks(g, regs);
}

uint8_t rt_fuzz_vpu(fuzz_gen *g, uint32_t regs[ISA_MAX_REGS])
{
    const uint8_t funct7 = choose_operation(g);
    uint32_t new_regs[ISA_MAX_REGS];
    for (unsigned i = 0; i < 60; i++) {
        memcpy(new_regs, regs, sizeof new_regs);
        const bool fits = funct7 == ISA_F7_VPU_VEC ? choose_vec(g, new_regs)
                                                   : choose_constants(g, funct7, new_regs);
        if (fits && sim_check(g->config, ISA_UNIT_VPU, funct7, new_regs) == ISA_ERROR_NONE) {
            memcpy(regs, new_regs, sizeof new_regs);
            return funct7;
        }
    }
    return 0;
}
