/*
 * random_program.h -- random machines and random straight-line programs for them: all units, all synchronisation, right and wrong.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_RANDOM_PROGRAM_H
#define SYSTOLE_TESTS_RANDOM_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "systole/base/rng.h"
#include "systole/isa/config.h"
#include "systole/isa/isa.h"
#include "systole/sim/check.h"

#define RANDOM_WORDS 4096

typedef struct random_program {
    base_rng rng;
    isa_config config;
    uint32_t text[RANDOM_WORDS];
    uint32_t n_text;
    uint32_t regs[ISA_N_QUEUES][ISA_MAX_REGS];  /* what the next command gets */
    uint32_t known[ISA_N_QUEUES][ISA_MAX_REGS]; /* what the unit has */
    int tokens[32];                             /* posts that stand before here in the program, less the waits */
} random_program;

static inline uint32_t random_below(random_program *p, uint32_t n) { return (uint32_t)base_rng_below(&p->rng, n); }

static inline bool random_one_in(random_program *p, uint32_t n) { return random_below(p, n) == 0; }

static inline uint32_t random_power(random_program *p, uint32_t low, uint32_t high) { return 1u << (low + random_below(p, high - low + 1)); }

/* Half of them: banks, rows and refresh, small enough that programs meet all of them. */
static inline void random_banked_dram(random_program *p)
{
    isa_config *c = &p->config;
    uint32_t *const times[] = {&c->dram_t_atom,  &c->dram_t_ccd_s, &c->dram_t_ccd_l, &c->dram_t_rcd,   &c->dram_t_rp,
                               &c->dram_t_rp_all, &c->dram_t_ras,   &c->dram_t_rc,    &c->dram_t_rrd_s, &c->dram_t_rrd_l,
                               &c->dram_t_faw,   &c->dram_t_cl,    &c->dram_t_cwl,   &c->dram_t_rtp,   &c->dram_t_wr,
                               &c->dram_t_wtr_s, &c->dram_t_wtr_l, &c->dram_t_rtw,   &c->dram_t_rfc};
    c->dram_model = random_below(p, 2);
    c->dram_channels = random_power(p, 0, 2);
    c->dram_groups = random_power(p, 0, 2);
    c->dram_banks = random_power(p, 0, 2);
    c->dram_row_bytes = random_power(p, 6, 8);
    c->dram_atom_bytes = random_power(p, 2, 6);
    c->dram_mapping = random_below(p, 3);
    c->dram_page = random_below(p, 2);
    for (unsigned i = 0; i < sizeof times / sizeof times[0]; i++) {
        *times[i] = 1 + random_below(p, random_one_in(p, 3) ? 30 : 8);
    }
    c->dram_t_refi = random_one_in(p, 4) ? 0 : 2 * (c->dram_t_rfc + c->dram_t_rp_all + c->dram_t_rc) + random_below(p, 200);
}

/* A machine that passes isa_config_check. */
static inline void random_config(random_program *p)
{
    isa_config *c = &p->config;
    do {
        isa_config_default(c);
        c->d = random_power(p, 2, 3);
        c->spm_banks = random_power(p, 1, 4);
        c->spm_bank_bytes = random_power(p, 6, 10);
        c->acc_banks = random_power(p, 1, 3);
        c->acc_bank_bytes = random_power(p, 6, 10);
        c->queue_depth = 1 + random_below(p, 8);
        c->sem_count = 1 + random_below(p, 6);
        c->sem_bits = random_one_in(p, 4) ? 1 + random_below(p, 2) : 8;
        c->post_depth = 1 + random_below(p, 4);
        c->imem_bytes = 16384;
        c->dmem_bytes = 1024;
        c->dram_width = random_power(p, 2, 5);
        c->dram_latency = 1 + random_below(p, random_one_in(p, 2) ? 6 : 60);
        c->dram_outstanding = 1 + random_below(p, 6);
        c->dram_burst_bytes = random_power(p, 2, 7);
        c->dram_mib = 1;
        c->load_beats = 1 + random_below(p, 40);
        c->store_beats = 1 + random_below(p, 40);
        c->check_cycles = 1 + random_below(p, 3);
        c->vpu_stages = 32;
        c->commands = 1 + random_below(p, 4);
        c->element = random_one_in(p, 3) ? ISA_ELEMENT_BF16 : ISA_ELEMENT_INT8;
        random_banked_dram(p);
    } while (isa_config_check(c, NULL) != SY_OK);
}

/* ---- descriptors ---- */

static inline uint32_t random_stride(random_program *p, uint32_t reach)
{
    switch (random_below(p, 6)) {
    case 0: return 0;
    case 1: return 1;
    case 2: return (uint32_t)-1;
    case 3: return reach;
    default: return (uint32_t)((int32_t)random_below(p, 2 * reach + 1) - (int32_t)reach);
    }
}

static inline uint32_t random_rows(const random_program *p, bool acc) { return acc ? isa_config_acc_rows(&p->config) : isa_config_spm_rows(&p->config); }

static inline void random_loops(random_program *p, uint32_t *n, uint32_t most)
{
    uint32_t left = most;
    for (unsigned k = 0; k < 4; k++) {
        n[k] = random_one_in(p, 3) ? 1 : 1 + random_below(p, left < 12 ? left : 12);
        left = left / n[k] > 0 ? left / n[k] : 1;
    }
}

/* Strides that visit each row once: a permutation of the loops, packed. */
static inline void random_output(random_program *p, const uint32_t *n, uint32_t *s)
{
    unsigned order[4] = {0, 1, 2, 3};
    for (unsigned k = 3; k > 0; k--) {
        const unsigned j = random_one_in(p, 3) ? random_below(p, k + 1) : k;
        const unsigned swap = order[k];
        order[k] = order[j];
        order[j] = swap;
    }
    int32_t step = random_one_in(p, 5) ? 2 : 1;
    for (unsigned k = 0; k < 4; k++) {
        s[order[k]] = (uint32_t)(random_one_in(p, 8) ? -step : step);
        step *= (int32_t)n[order[k]];
    }
}

/* A base that puts the walk inside, if it fits at all. */
static inline uint32_t random_base(random_program *p, const uint32_t *n, const uint32_t *s, uint32_t rows, int64_t more_low, int64_t more_high)
{
    int64_t low = more_low, high = more_high;
    for (unsigned k = 0; k < 4; k++) {
        const int64_t reach = (int64_t)(int32_t)s[k] * ((int64_t)n[k] - 1);
        *(reach < 0 ? &low : &high) += reach;
    }
    const int64_t room = (int64_t)rows - (high - low);
    return room <= 0 ? 0 : (uint32_t)(-low + (int64_t)random_below(p, (uint32_t)room));
}

static inline void random_mxu(random_program *p, uint32_t *r)
{
    const uint32_t spm = random_rows(p, false), acc = random_rows(p, true);
    const uint32_t d = p->config.d;
    if (random_one_in(p, 2)) {
        random_loops(p, &r[ISA_MXU_N0], random_one_in(p, 2) ? 64 : 6);
        random_output(p, &r[ISA_MXU_N0], &r[ISA_MXU_C_S0]);
        for (unsigned k = 0; k < 4; k++) r[ISA_MXU_A_S0 + k] = random_stride(p, 3);
    }
    r[ISA_MXU_PLANES] = 1 + random_below(p, 6);
    r[ISA_MXU_A_PLANE] = random_stride(p, 8);
    r[ISA_MXU_W_PLANE] = random_stride(p, d);
    r[ISA_MXU_FLAGS] = random_below(p, 8);
    r[ISA_MXU_A_ZERO] = (r[ISA_MXU_FLAGS] & 2) != 0 ? random_below(p, 256) : random_below(p, 256) - 128;
    r[ISA_MXU_W_ZERO] = random_one_in(p, 2) ? 0 : (r[ISA_MXU_FLAGS] & 4) != 0 ? random_below(p, 256) : random_below(p, 256) - 128;
    if (p->config.element == ISA_ELEMENT_BF16 && !random_one_in(p, 30)) {
        r[ISA_MXU_FLAGS] &= 1;
        r[ISA_MXU_A_ZERO] = r[ISA_MXU_W_ZERO] = 0;
    }
    const int64_t ap = (int64_t)(int32_t)r[ISA_MXU_A_PLANE] * ((int64_t)r[ISA_MXU_PLANES] - 1);
    const int64_t wp = (int64_t)(int32_t)r[ISA_MXU_W_PLANE] * ((int64_t)r[ISA_MXU_PLANES] - 1);
    static const uint32_t one[4] = {1, 1, 1, 1};
    r[ISA_MXU_A_BASE] = random_base(p, &r[ISA_MXU_N0], &r[ISA_MXU_A_S0], spm, ap < 0 ? ap : 0, ap > 0 ? ap : 0);
    r[ISA_MXU_W_BASE] = random_base(p, one, one, spm, wp < 0 ? wp : 0, (wp > 0 ? wp : 0) + d - 1);
    if (random_one_in(p, 2)) r[ISA_MXU_C_BASE] = random_base(p, &r[ISA_MXU_N0], &r[ISA_MXU_C_S0], acc, 0, 0);
}

static inline uint32_t random_f32(random_program *p)
{
    static const uint32_t odd[] = {0x00000000, 0x80000000, 0x3F800000, 0xBF800000, 0x7FC00000, 0xFFC12345, 0x7F800000, 0xFF800000,
                                   0x00000001, 0x4F000000, 0xCF000000, 0x3F000000, 0x4B000001, 0x7F7FFFFF, 0x40200000, 0x3FC00000};
    if (random_one_in(p, 4)) return odd[random_below(p, 16)];
    const float x = (float)((double)base_rng_range(&p->rng, -4000000, 4000000) / (random_one_in(p, 2) ? 1e8 : 16.0));
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline uint32_t random_s32(random_program *p) { return random_one_in(p, 4) ? (uint32_t)base_rng_next(&p->rng) : random_below(p, 512) - 256; }

/* One of the values of a field of the VPU that are built. */
static inline uint32_t random_value(random_program *p, const char *field)
{
    static const struct {
        const char *field;
        uint32_t value;
        bool usable;
    } rows[] = {
#define E(unit, field, name, value, built, summary) {#field, (value), ISA_UNIT_##unit == ISA_UNIT_VPU && (built) == 1},
#include "systole/isa/tables.h"
    };
    uint32_t values[32], n = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].usable && strcmp(rows[i].field, field) == 0) values[n++] = rows[i].value;
    }
    return values[random_below(p, n)];
}

static inline void random_chain(random_program *p, uint32_t *r)
{
    uint32_t in = 0, fp = 0, out = 0;
    const bool has_window = random_one_in(p, 4);
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_A_SRC, random_value(p, "a_src"));
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_B_SRC, random_one_in(p, 2) ? 0 : random_value(p, "b_src"));
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_IADD, random_value(p, "iadd"));
    if (has_window) in = ISA_PUT(in, ISA_VPU_CHAIN_IN_WINDOW, random_value(p, "window"));
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_STRIDE2, random_value(p, "stride2"));
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_WIN_PAD, random_below(p, 5));
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_WIN_FIRST, random_below(p, 5));
    if (random_one_in(p, 6)) in = ISA_PUT(in, ISA_VPU_CHAIN_IN_TRANSPOSE, random_value(p, "transpose"));
    if (ISA_GET(in, ISA_VPU_CHAIN_IN_WINDOW) != 0) in &= ~(uint32_t)(3 << 2 | 3);
    if (ISA_GET(in, ISA_VPU_CHAIN_IN_WINDOW) != 0 || ISA_GET(in, ISA_VPU_CHAIN_IN_TRANSPOSE) != 0) in = (in & ~3u) | 1;
    if (ISA_GET(in, ISA_VPU_CHAIN_IN_WINDOW) != 0) in &= ~(UINT32_C(1) << 9);
    fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_ADD1, random_value(p, "add1"));
    fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_MUL1, random_value(p, "mul1"));
    fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_MID, random_value(p, "mid"));
    fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_MUL2, random_value(p, "mul2"));
    fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_ADD2, random_value(p, "add2"));
    fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_FN, random_value(p, "fn"));
    fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_MUL3, random_value(p, "mul3"));
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_OUT, random_value(p, "out"));
    if (ISA_GET(in, ISA_VPU_CHAIN_IN_WINDOW) == 0) {
        out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_RED, random_one_in(p, 2) ? 0 : random_value(p, "red"));
    }
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_RED_SRC, random_value(p, "red_src"));
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_RED_LOOPS, random_value(p, "red_loops"));
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_RED_LANES, random_value(p, "red_lanes"));
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_RED_INDEX, random_value(p, "red_index"));
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_RED_FN, random_value(p, "red_fn"));
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_RED_OUT, random_value(p, "red_out"));
    r[ISA_VPU_CHAIN_IN] = in;
    r[ISA_VPU_CHAIN_FP] = fp;
    r[ISA_VPU_CHAIN_OUT] = out;
    for (unsigned k = 0; k < 3; k++) {
        static const unsigned f32[] = {ISA_VPU_ADD1_IMM, ISA_VPU_MUL1_IMM, ISA_VPU_MUL2_IMM, ISA_VPU_ADD2_IMM, ISA_VPU_B_SCALE,
                                       ISA_VPU_CLIP_LO, ISA_VPU_CLIP_HI, ISA_VPU_R_MUL, ISA_VPU_R_ADD};
        static const unsigned s32[] = {ISA_VPU_A_ZERO, ISA_VPU_B_ZERO, ISA_VPU_IADD_IMM, ISA_VPU_MID_LO, ISA_VPU_MID_HI,
                                       ISA_VPU_O_LO, ISA_VPU_O_HI, ISA_VPU_R_LO, ISA_VPU_R_HI, ISA_VPU_O_ZERO, ISA_VPU_R_ZERO};
        r[f32[random_below(p, 9)]] = random_f32(p);
        r[s32[random_below(p, 11)]] = random_s32(p);
    }
}

static inline void random_vpu(random_program *p, uint32_t *r)
{
    const bool fresh = random_one_in(p, 2);
    if (fresh) random_loops(p, &r[ISA_VPU_N0], random_one_in(p, 2) ? 64 : 6);
    if (random_one_in(p, 2)) random_chain(p, r);
    const uint32_t in = r[ISA_VPU_CHAIN_IN], out = r[ISA_VPU_CHAIN_OUT];
    const uint32_t *n = &r[ISA_VPU_N0];
    if (fresh) {
        for (unsigned k = 0; k < 4; k++) {
            r[ISA_VPU_A_S0 + k] = random_stride(p, 3);
            r[ISA_VPU_B_S0 + k] = random_stride(p, 3);
        }
        random_output(p, n, &r[ISA_VPU_O_S0]);
        uint32_t reduced[4];
        for (unsigned k = 0; k < 4; k++) reduced[k] = k < ISA_GET(out, ISA_VPU_CHAIN_OUT_RED_LOOPS) ? 1 : n[k];
        random_output(p, reduced, &r[ISA_VPU_R_S0]);
    }
    const bool has_window = ISA_GET(in, ISA_VPU_CHAIN_IN_WINDOW) != 0;
    r[ISA_VPU_TAIL] = has_window || random_one_in(p, 2) ? 0 : random_below(p, p->config.d + 1);
    if (has_window) {
        r[ISA_VPU_N0] = 1 + random_below(p, 4);
        r[ISA_VPU_WIN_OUT] = 1 + random_below(p, n[1] == 0 ? 1 : (n[1] - 1) / (1 + ISA_GET(in, ISA_VPU_CHAIN_IN_STRIDE2)) + 1);
        r[ISA_VPU_WIN_TOP] = random_below(p, 3);
        r[ISA_VPU_WIN_ROWS] = 1 + random_below(p, 9);
        if ((int32_t)r[ISA_VPU_A_ZERO] < -128 || (int32_t)r[ISA_VPU_A_ZERO] > 127) r[ISA_VPU_A_ZERO] = random_below(p, 256) - 128;
    } else if (ISA_GET(in, ISA_VPU_CHAIN_IN_TRANSPOSE) != 0 && random_one_in(p, 2)) {
        r[ISA_VPU_N0] = p->config.d;
    }
    r[ISA_VPU_TAPS] = random_below(p, 5) | (1 + random_below(p, 20)) << 8;
    const bool a_acc = ISA_GET(in, ISA_VPU_CHAIN_IN_A_SRC) != 1, b_acc = ISA_GET(in, ISA_VPU_CHAIN_IN_B_SRC) != 1;
    r[ISA_VPU_A_BASE] = random_base(p, n, &r[ISA_VPU_A_S0], random_rows(p, a_acc), 0, 0);
    r[ISA_VPU_B_BASE] = random_base(p, n, &r[ISA_VPU_B_S0], random_rows(p, b_acc), 0, 0);
    r[ISA_VPU_O_BASE] = random_base(p, n, &r[ISA_VPU_O_S0], random_rows(p, ISA_GET(out, ISA_VPU_CHAIN_OUT_OUT) != 1), 0, 0);
    r[ISA_VPU_R_BASE] = random_base(p, n, &r[ISA_VPU_R_S0], random_rows(p, ISA_GET(out, ISA_VPU_CHAIN_OUT_RED_OUT) != 0), 0, 0);
    if (random_one_in(p, 4)) { /* in place */
        for (unsigned k = 0; k < 4; k++) r[ISA_VPU_A_S0 + k] = r[ISA_VPU_O_S0 + k];
        r[ISA_VPU_A_BASE] = r[ISA_VPU_O_BASE];
    }
    const uint32_t first = random_below(p, 6);
    r[ISA_VPU_ROWS] = ISA_PUT(first, ISA_VPU_ROWS_COUNT, 1 + random_below(p, 6 - first));
}

static inline void random_dma(random_program *p, isa_unit unit, uint32_t *r)
{
    uint32_t *n = &r[ISA_LD_N0];
    n[0] = random_one_in(p, 3) ? 1 + random_below(p, 12) : 1 + random_below(p, 120);
    for (unsigned k = 1; k < 4; k++) n[k] = random_one_in(p, 2) ? 1 : 1 + random_below(p, 4);
    for (unsigned k = 0; k < 3; k++) r[ISA_LD_S1 + k] = random_one_in(p, 2) ? n[0] : random_below(p, 300) - 100;
    r[ISA_LD_ADDR_LO] = random_one_in(p, 2) ? 64 * (16 + random_below(p, 100)) : 2000 + random_below(p, 4000);
    r[ISA_LD_ADDR_HI] = 0;
    r[ISA_LD_FLAGS] = random_below(p, 4) | (random_one_in(p, 3) ? 4 : 0);
    const bool all = random_one_in(p, 2);
    for (unsigned k = 0; k < 4; k++) {
        r[ISA_LD_LO0 + 2 * k] = all || random_one_in(p, 2) ? 0 : random_below(p, n[k] + 1);
        r[ISA_LD_HI0 + 2 * k] = all || random_one_in(p, 2) ? (random_one_in(p, 4) ? 99999 : n[k]) : random_below(p, n[k] + 2);
    }
    if (unit == ISA_UNIT_LD) r[ISA_LD_FILL] = random_below(p, p->config.element == ISA_ELEMENT_BF16 ? 65536 : 256);
    const sim_bytes b = sim_command_bytes(&p->config, unit, r);
    uint32_t rows = 1, outer = 1;
    for (unsigned k = 0; k < 4; k++) *(k <= b.close ? &rows : &outer) *= n[k];
    rows = (rows + b.row_bytes - 1) / b.row_bytes * outer;
    uint32_t *m = &r[ISA_LD_M0];
    for (unsigned k = 0; k < 3; k++) { /* a divisor for each loop, the rest for the last */
        const uint32_t want = 1 + random_below(p, 8);
        m[k] = random_one_in(p, 2) ? 1 : rows % want == 0 ? want : 1;
        rows /= m[k];
    }
    m[3] = 1;
    m[random_one_in(p, 2) && rows <= 64 ? 3 : 0] *= rows;
    random_output(p, m, &r[ISA_LD_T0]);
    if (unit == ISA_UNIT_ST && random_one_in(p, 4)) r[ISA_LD_T0 + random_below(p, 4)] = 0;
    r[ISA_LD_ROW_BASE] = random_base(p, m, &r[ISA_LD_T0], random_rows(p, b.memory == ISA_MEMORY_ACC), 0, 0);
}

/* ---- code ---- */

static inline void random_word(random_program *p, uint32_t word)
{
    if (p->n_text < RANDOM_WORDS) p->text[p->n_text++] = word;
}

static inline void random_li(random_program *p, unsigned rd, uint32_t value)
{
    const int32_t low = (int32_t)(value << 20) >> 20;
    const uint32_t high = value - (uint32_t)low;
    if (high != 0) random_word(p, isa_encode_u(ISA_OP_LUI, rd, (int32_t)high));
    random_word(p, isa_encode_i(ISA_OP_ADDI, rd, high != 0 ? rd : 0, low));
}

static inline void random_sem(random_program *p, isa_op op, uint32_t s)
{
    random_li(p, 7, s);
    random_word(p, isa_encode_command(op, 7));
}

static inline void random_wait(random_program *p, unsigned unit)
{
    static const isa_op waits[] = {ISA_OP_MXU_WAIT, ISA_OP_VPU_WAIT, ISA_OP_LD_WAIT, ISA_OP_ST_WAIT, ISA_OP_CORE_SEMWAIT};
    const uint32_t s = random_one_in(p, 100) ? p->config.sem_count : random_below(p, p->config.sem_count);
    if (s < 32 && (p->tokens[s] > 0 || random_one_in(p, 60))) {
        p->tokens[s]--;
        random_sem(p, waits[unit], s);
    }
}

static inline void random_post(random_program *p, unsigned unit)
{
    static const isa_op posts[] = {ISA_OP_MXU_POST, ISA_OP_VPU_POST, ISA_OP_LD_POST, ISA_OP_ST_POST, ISA_OP_CORE_SEMPOST};
    const uint32_t s = random_one_in(p, 100) ? p->config.sem_count : random_below(p, p->config.sem_count);
    if (s < 32) p->tokens[s]++;
    random_sem(p, posts[unit], s);
}

/* A command of a unit that the checks let through (or, now and then, not); false if none was found. */
static inline bool random_command(random_program *p, isa_unit unit)
{
    uint32_t *r = p->regs[unit];
    uint32_t funct7 = 0x10;
    isa_error error = ISA_ERROR_FIELD;
    for (unsigned tries = 0; tries < 60 && error != ISA_ERROR_NONE; tries++) {
        if (unit == ISA_UNIT_MXU) {
            random_mxu(p, r);
            funct7 = random_one_in(p, 3) ? ISA_F7_MXU_MATMUL_T : ISA_F7_MXU_MATMUL;
        } else if (unit == ISA_UNIT_VPU) {
            random_vpu(p, r);
            funct7 = random_one_in(p, 4) ? ISA_F7_VPU_ROWS : ISA_F7_VPU_VEC;
        } else {
            random_dma(p, unit, r);
        }
        error = sim_check(&p->config, unit, funct7, r);
        if (random_one_in(p, 4000)) break;
    }
    if (error != ISA_ERROR_NONE && !random_one_in(p, 50)) return false;
    for (unsigned pair = 0; pair < isa_unit_n_regs(unit) / 2; pair++) {
        if (memcmp(&r[2 * pair], &p->known[unit][2 * pair], 8) != 0) {
            random_li(p, 5, r[2 * pair]);
            random_li(p, 6, r[2 * pair + 1]);
            random_word(p, isa_encode_set(unit, pair, 5, 6));
        }
    }
    memcpy(p->known[unit], r, sizeof p->known[unit]);
    random_li(p, 7, random_below(p, 1000));
    random_word(p, isa_encode_command(isa_op_of_command(unit, funct7), 7));
    return true;
}

/* A machine and a program for it, both from the seed. */
static inline void random_program_make(random_program *p, uint64_t seed)
{
    memset(p, 0, sizeof *p);
    p->rng = base_rng_make(seed, 77);
    random_config(p);
    const unsigned n = 4 + random_below(p, 28);
    const bool posts = !random_one_in(p, 3);
    for (unsigned i = 0; i < n; i++) {
        const unsigned unit = random_below(p, ISA_N_QUEUES);
        const unsigned other = random_below(p, ISA_N_UNITS);
        if (posts && random_one_in(p, 2)) random_wait(p, random_one_in(p, 6) ? ISA_UNIT_CORE : unit);
        (void)random_command(p, (isa_unit)unit);
        if (posts && random_one_in(p, 2)) random_post(p, unit);
        if (random_one_in(p, 12)) random_word(p, isa_encode_r(random_one_in(p, 2) ? ISA_OP_MUL : ISA_OP_DIVU, 8, 5, 6));
        if (random_one_in(p, 8)) random_word(p, isa_encode_i(ISA_OP_CSRRS, 9, 0, (int32_t)ISA_CSR_COUNTER(other % 4, random_below(p, 10))));
        if (random_one_in(p, 20)) random_word(p, isa_encode_command(ISA_OP_CORE_FENCE, 0));
        if (posts && random_one_in(p, 14)) random_post(p, ISA_UNIT_CORE);
    }
    if (random_one_in(p, 3)) random_word(p, isa_encode_command(ISA_OP_CORE_FENCE, 0));
    random_word(p, isa_encode_command(ISA_OP_CORE_HALT, 9)); /* the last counter read is the exit code */
}

#endif
