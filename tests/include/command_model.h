/*
 * command_model.h -- runs a command list one command after the other, by isa/spec/numerics.md
 * alone: no time, no queues.
 *
 * The simplest possible machine, for tests of the scheduler: it also keeps the semaphores and fails
 * if a WAIT comes before its POST, which is what "serially legal" means.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_COMMAND_MODEL_H
#define SYSTOLE_TESTS_COMMAND_MODEL_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "systole/compiler/command.h"
#include "systole/isa/config.h"
#include "systole/isa/isa.h"

typedef struct command_model {
    int64_t d, spm_rows, acc_rows, dram_bytes;
    int8_t *spm;
    int32_t *acc;
    uint8_t *dram;
    uint32_t rows[6 * 128]; /* row registers, as bits */
    int8_t table[256];
    int8_t taps[25 * 128]; /* the window's weights */
    int32_t semaphores[32], semaphore_most;
    uint8_t poster[32],
        waiter[32]; /* 1 + unit: a semaphore is between two units, for the whole program */
    uint32_t regs[ISA_N_QUEUES][CC_MAX_REGISTERS];
    char error[256];
} command_model;

static void model_create(command_model *m, const isa_config *config)
{
    memset(m, 0, sizeof *m);
    m->d = config->d;
    m->semaphore_most = (int32_t)((1U << config->sem_bits) - 1);
    m->spm_rows = isa_config_spm_rows(config);
    m->acc_rows = isa_config_acc_rows(config);
    m->dram_bytes = (int64_t)isa_config_dram_bytes(config);
    m->spm = calloc((size_t)(m->spm_rows * m->d), 1);
    m->acc = calloc((size_t)(m->acc_rows * m->d), 4);
    m->dram = calloc((size_t)m->dram_bytes, 1);
}

static void model_destroy(command_model *m)
{
    free(m->spm);
    free(m->acc);
    free(m->dram);
}

static bool model_fail(command_model *m, const char *what, int64_t value)
{
    snprintf(m->error, sizeof m->error, "%s (%lld)", what, (long long)value);
    return false;
}

static float model_float(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static int64_t model_clamp(int64_t v, int32_t lo, int32_t hi)
{
    v = v < lo ? lo : v;
    return v > hi ? hi : v;
}

static int64_t model_rne(float v)
{
    const double r = nearbyint((double)v);
    return r < -2147483648.0 ? INT32_MIN : r > 2147483647.0 ? INT32_MAX : (int64_t)r;
}

/* Row of a walk at step x of counts[4]. */
static int64_t model_walk(uint32_t base, const uint32_t *strides, const uint32_t *counts, int64_t x)
{
    int64_t row = base;
    for (int i = 0; i < 4; i++) {
        row += (int64_t)(int32_t)strides[i] * (x % counts[i]);
        x /= counts[i];
    }
    return row;
}

static bool model_matmul(command_model *m, const uint32_t *r)
{
    const uint32_t *counts = &r[ISA_MXU_N0];
    const int64_t t = (int64_t)counts[0] * counts[1] * counts[2] * counts[3];
    for (int64_t p = 0; p < r[ISA_MXU_PLANES]; p++) {
        for (int64_t x = 0; x < t; x++) {
            const int64_t a = model_walk(r[ISA_MXU_A_BASE], &r[ISA_MXU_A_S0], counts, x) +
                              p * (int32_t)r[ISA_MXU_A_PLANE];
            const int64_t c = model_walk(r[ISA_MXU_C_BASE], &r[ISA_MXU_C_S0], counts, x);
            const int64_t w = r[ISA_MXU_W_BASE] + p * (int32_t)r[ISA_MXU_W_PLANE];
            if (a < 0 || a >= m->spm_rows || w < 0 || w + m->d > m->spm_rows || c < 0 ||
                c >= m->acc_rows) {
                return model_fail(m, "MATMUL leaves a memory", a);
            }
            for (int64_t j = 0; j < m->d; j++) {
                uint32_t sum = p > 0 || (r[ISA_MXU_FLAGS] & 1) != 0 ? (uint32_t)m->acc[c * m->d + j]
                                                                    : 0;
                for (int64_t k = 0; k < m->d; k++) {
                    sum += (uint32_t)((m->spm[a * m->d + k] - (int32_t)r[ISA_MXU_A_ZERO]) *
                                      (m->spm[(w + k) * m->d + j] - (int32_t)r[ISA_MXU_W_ZERO]));
                }
                m->acc[c * m->d + j] = (int32_t)sum;
            }
        }
    }
    return true;
}

/* One lane through the fp32 chain. */
static float model_chain(const command_model *m, const uint32_t *r, int64_t lane, int32_t i,
                         float b)
{
    const uint32_t fp = r[ISA_VPU_CHAIN_FP];
    float v = (float)i;
    const uint32_t mul1 = ISA_GET(fp, ISA_VPU_CHAIN_FP_MUL1);
    if (mul1 != 0) {
        v = v * (mul1 == 1   ? model_float(r[ISA_VPU_MUL1_IMM])
                 : mul1 == 2 ? model_float(m->rows[1 * m->d + lane])
                             : b);
    }
    if (ISA_GET(fp, ISA_VPU_CHAIN_FP_MID) != 0) {
        v = (float)model_clamp(model_rne(v), (int32_t)r[ISA_VPU_MID_LO],
                               (int32_t)r[ISA_VPU_MID_HI]);
    }
    if (ISA_GET(fp, ISA_VPU_CHAIN_FP_MUL2) == 1) {
        v = v * model_float(r[ISA_VPU_MUL2_IMM]);
    }
    if (ISA_GET(fp, ISA_VPU_CHAIN_FP_ADD2) == 3) {
        v = v + b;
    }
    if (ISA_GET(fp, ISA_VPU_CHAIN_FP_FN) == ISA_VPU_CHAIN_FP_FN_TABLE) {
        v = (float)m->table[model_rne(v) & 255];
    }
    return v;
}

static int32_t model_source(const command_model *m, uint32_t src, int64_t row, int64_t lane)
{
    return src == 0 ? 0 : src == 1 ? m->spm[row * m->d + lane] : m->acc[row * m->d + lane];
}

static bool model_vec(command_model *m, const uint32_t *r)
{
    const uint32_t *counts = &r[ISA_VPU_N0];
    const uint32_t out = r[ISA_VPU_CHAIN_OUT];
    const uint32_t a_src = ISA_GET(r[ISA_VPU_CHAIN_IN], ISA_VPU_CHAIN_IN_A_SRC);
    const uint32_t b_src = ISA_GET(r[ISA_VPU_CHAIN_IN], ISA_VPU_CHAIN_IN_B_SRC);
    const uint32_t red = ISA_GET(out, ISA_VPU_CHAIN_OUT_RED);
    const uint32_t loops = ISA_GET(out, ISA_VPU_CHAIN_OUT_RED_LOOPS);
    const int64_t t = (int64_t)counts[0] * counts[1] * counts[2] * counts[3];
    int64_t reduced = 1;
    for (uint32_t i = 0; i < loops; i++) {
        reduced *= counts[i];
    }
    for (int64_t lane = 0; lane < m->d; lane++) {
        int64_t sum = 0;
        for (int64_t x = 0; x < t; x++) {
            const int64_t a = model_walk(r[ISA_VPU_A_BASE], &r[ISA_VPU_A_S0], counts, x);
            const int64_t b = model_walk(r[ISA_VPU_B_BASE], &r[ISA_VPU_B_S0], counts, x);
            const int64_t o = model_walk(r[ISA_VPU_O_BASE], &r[ISA_VPU_O_S0], counts, x);
            if (a_src != 0 && (a < 0 || a >= (a_src == 1 ? m->spm_rows : m->acc_rows))) {
                return model_fail(m, "VEC reads outside a memory", a);
            }
            int32_t i = model_source(m, a_src, a, lane) - (int32_t)r[ISA_VPU_A_ZERO];
            if (ISA_GET(r[ISA_VPU_CHAIN_IN], ISA_VPU_CHAIN_IN_IADD) == 2) {
                i = (int32_t)((uint32_t)i + m->rows[lane]);
            }
            const uint32_t target = ISA_GET(out, ISA_VPU_CHAIN_OUT_OUT);
            if ((b_src != 0 && (b < 0 || b >= m->spm_rows)) ||
                (target != 0 &&
                 (o < 0 ||
                  o >= (target == ISA_VPU_CHAIN_OUT_OUT_SPM ? m->spm_rows : m->acc_rows)))) {
                return model_fail(m, "VEC leaves a memory", o);
            }
            const float bf = b_src != 0 ? (float)(model_source(m, b_src, b, lane) -
                                                  (int32_t)r[ISA_VPU_B_ZERO]) *
                                              model_float(r[ISA_VPU_B_SCALE])
                                        : 0.0F;
            const float v = model_chain(m, r, lane, i, bf);
            if (target == ISA_VPU_CHAIN_OUT_OUT_SPM) {
                m->spm[o * m->d + lane] = (int8_t)model_clamp(
                    model_rne(v) + (int32_t)r[ISA_VPU_O_ZERO], (int32_t)r[ISA_VPU_O_LO],
                    (int32_t)r[ISA_VPU_O_HI]);
            } else if (target == ISA_VPU_CHAIN_OUT_OUT_RAW) {
                m->acc[o * m->d + lane] = i;
            }
            if (red == 0) {
                continue;
            }
            sum = x % reduced == 0 ? i : red == 1 ? sum + i : (i > sum ? i : sum);
            if ((x + 1) % reduced == 0) {
                int64_t row = r[ISA_VPU_R_BASE];
                int64_t rest = x / reduced;
                for (uint32_t k = loops; k < 4; k++) {
                    row += (int64_t)(int32_t)r[ISA_VPU_R_S0 + k] * (rest % counts[k]);
                    rest /= counts[k];
                }
                if (row < 0 || row >= m->spm_rows) {
                    return model_fail(m, "VEC's second output leaves SPM", row);
                }
                const float scaled = (float)sum * model_float(r[ISA_VPU_R_MUL]);
                const float shifted = scaled + model_float(r[ISA_VPU_R_ADD]);
                m->spm[row * m->d + lane] = (int8_t)model_clamp(
                    model_rne(shifted) + (int32_t)r[ISA_VPU_R_ZERO], (int32_t)r[ISA_VPU_R_LO],
                    (int32_t)r[ISA_VPU_R_HI]);
            }
        }
    }
    return true;
}

/* A depthwise window, output by output: no order of reads and writes, as the rows lie apart. */
static bool model_window(command_model *m, const uint32_t *r)
{
    const uint32_t in = r[ISA_VPU_CHAIN_IN];
    const int64_t width = ISA_GET(in, ISA_VPU_CHAIN_IN_WINDOW) == ISA_VPU_CHAIN_IN_WINDOW_TAPS3 ? 3 : 5;
    const int64_t stride = 1 + (int64_t)ISA_GET(in, ISA_VPU_CHAIN_IN_STRIDE2);
    const int64_t pad = ISA_GET(in, ISA_VPU_CHAIN_IN_WIN_PAD), first = ISA_GET(in, ISA_VPU_CHAIN_IN_WIN_FIRST);
    const int64_t n_h = r[ISA_VPU_N0], n_c = r[ISA_VPU_N1], lines = r[ISA_VPU_N2], outputs = r[ISA_VPU_WIN_OUT];
    for (int64_t at = 0; at < outputs * lines * r[ISA_VPU_N3] * m->d; at++) {
        const int64_t lane = at % m->d, o = at / m->d % outputs, y = at / m->d / outputs % lines, i3 = at / m->d / outputs / lines;
        uint32_t sum = 0;
        for (int64_t t = 0; t < n_h * width; t++) {
            const int64_t h = t / width, c = o * stride + t % width - pad;
            const int64_t row = y * stride + h - r[ISA_VPU_WIN_TOP];
            if (c < 0 || c >= n_c || row < 0 || row >= r[ISA_VPU_WIN_ROWS]) {
                continue;
            }
            const int64_t a = r[ISA_VPU_A_BASE] + row * (int32_t)r[ISA_VPU_A_S0] + c * (int32_t)r[ISA_VPU_A_S1] +
                              i3 * (int32_t)r[ISA_VPU_A_S3];
            if (a < 0 || a >= m->spm_rows || (first + n_h) * width > 25) {
                return model_fail(m, "a window reads outside a memory", a);
            }
            sum += (uint32_t)((m->spm[a * m->d + lane] - (int32_t)r[ISA_VPU_A_ZERO]) *
                              m->taps[((first + h) * width + t % width) * m->d + lane]);
        }
        if (ISA_GET(in, ISA_VPU_CHAIN_IN_IADD) == 2) {
            sum += m->rows[lane];
        }
        const int64_t to = r[ISA_VPU_O_BASE] + o * (int32_t)r[ISA_VPU_O_S1] + y * (int32_t)r[ISA_VPU_O_S2] +
                           i3 * (int32_t)r[ISA_VPU_O_S3];
        if (to < 0 || to >= m->spm_rows) {
            return model_fail(m, "a window leaves SPM", to);
        }
        m->spm[to * m->d + lane] =
            (int8_t)model_clamp(model_rne(model_chain(m, r, lane, (int32_t)sum, 0.0F)) + (int32_t)r[ISA_VPU_O_ZERO],
                                (int32_t)r[ISA_VPU_O_LO], (int32_t)r[ISA_VPU_O_HI]);
    }
    return true;
}

static void model_taps(command_model *m, const uint32_t *r)
{
    const uint32_t first = ISA_GET(r[ISA_VPU_TAPS], ISA_VPU_TAPS_TAP_FIRST);
    const uint32_t count = ISA_GET(r[ISA_VPU_TAPS], ISA_VPU_TAPS_TAP_COUNT);
    memcpy(&m->taps[first * m->d], &m->spm[(int64_t)r[ISA_VPU_A_BASE] * m->d], (size_t)m->d * count);
}

static void model_rows(command_model *m, const uint32_t *r)
{
    const uint32_t first = ISA_GET(r[ISA_VPU_ROWS], ISA_VPU_ROWS_FIRST);
    const uint32_t count = ISA_GET(r[ISA_VPU_ROWS], ISA_VPU_ROWS_COUNT);
    memcpy(&m->rows[first * m->d], &m->spm[(int64_t)r[ISA_VPU_A_BASE] * m->d],
           (size_t)(4 * m->d) * count);
}

/* LD and ST: bytes and rows in walk order. */
static bool model_move(command_model *m, const uint32_t *r, bool load)
{
    int64_t address = (int64_t)r[ISA_LD_ADDR_LO] | (int64_t)(r[ISA_LD_ADDR_HI] & 0xFF) << 32;
    address = (r[ISA_LD_ADDR_HI] & 0x80) != 0 ? address - ((int64_t)1 << 40) : address;
    const uint32_t *n = &r[ISA_LD_N0];
    const uint32_t *m_counts = &r[ISA_LD_M0];
    const uint32_t close = ISA_GET(r[ISA_LD_FLAGS], ISA_LD_FLAGS_CLOSE);
    int64_t row = 0, lane = 0;
    const int64_t total = (int64_t)n[0] * n[1] * n[2] * n[3];
    int64_t unit = 1;
    for (uint32_t i = 0; i <= close; i++) {
        unit *= n[i];
    }
    for (int64_t x = 0; x < total; x++) {
        const int64_t i[4] = {x % n[0], x / n[0] % n[1], x / n[0] / n[1] % n[2],
                              x / n[0] / n[1] / n[2]};
        bool valid = true;
        for (int k = 0; k < 4; k++) {
            valid = valid && i[k] >= r[ISA_LD_LO0 + 2 * k] && i[k] < r[ISA_LD_HI0 + 2 * k];
        }
        const int64_t at = address + i[0] + i[1] * (int32_t)r[ISA_LD_S1] +
                           i[2] * (int32_t)r[ISA_LD_S2] + i[3] * (int32_t)r[ISA_LD_S3];
        const int64_t spm_row = model_walk(r[ISA_LD_ROW_BASE], &r[ISA_LD_T0], m_counts, row);
        if (valid && (at < 0 || at >= m->dram_bytes)) {
            return model_fail(m, "a move leaves DRAM", at);
        }
        if (spm_row < 0 || spm_row >= m->spm_rows) {
            return model_fail(m, "a move leaves SPM", spm_row);
        }
        if (load) {
            m->spm[spm_row * m->d + lane] = (int8_t)(valid ? m->dram[at] : r[ISA_LD_FILL]);
        } else if (valid) {
            m->dram[at] = (uint8_t)m->spm[spm_row * m->d + lane];
        }
        lane++;
        if (lane == m->d || (x + 1) % unit == 0) {
            lane = 0;
            row++;
        }
    }
    const int64_t rows = (int64_t)m_counts[0] * m_counts[1] * m_counts[2] * m_counts[3];
    return row == rows ? true : model_fail(m, "a move's rows do not match its bytes", rows);
}

/* The loop counts of a command are in range. */
static bool model_counts(command_model *m, const cc_command *c, const uint32_t *r)
{
    const bool move = c->unit == ISA_UNIT_LD || c->unit == ISA_UNIT_ST;
    if (c->unit == ISA_UNIT_VPU && c->funct7 != ISA_F7_VPU_VEC) { /* constants: no loops */
        return true;
    }
    const unsigned first = c->unit == ISA_UNIT_MXU ? ISA_MXU_N0 : move ? ISA_LD_N0 : ISA_VPU_N0;
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t most = move && i == 0 ? 16777215 : 65535;
        if (r[first + i] < 1 || r[first + i] > most ||
            (move && (r[ISA_LD_M0 + i] < 1 || r[ISA_LD_M0 + i] > 65535))) {
            return model_fail(m, "a loop count out of range", r[first + i]);
        }
    }
    return c->unit != ISA_UNIT_MXU || (r[ISA_MXU_PLANES] >= 1 && r[ISA_MXU_PLANES] <= 65535)
               ? true
               : model_fail(m, "planes", r[ISA_MXU_PLANES]);
}

/* Runs the whole list; false with m->error. */
static bool model_run(command_model *m, const cc_program *p)
{
    memset(m->semaphores, 0, sizeof m->semaphores);
    memset(m->regs, 0, sizeof m->regs);
    memset(m->poster, 0, sizeof m->poster);
    memset(m->waiter, 0, sizeof m->waiter);
    for (size_t i = 0; i < p->n_commands; i++) {
        const cc_command *c = &p->commands[i];
        if (c->funct7 == ISA_F7_POST || c->funct7 == ISA_F7_WAIT) {
            uint8_t *side = c->funct7 == ISA_F7_POST ? &m->poster[c->payload]
                                                     : &m->waiter[c->payload];
            if (*side != 0 && *side != c->unit + 1) {
                return model_fail(m, "two units on one side of semaphore", c->payload);
            }
            *side = (uint8_t)(c->unit + 1);
        }
        if (c->funct7 == ISA_F7_POST) {
            if (++m->semaphores[c->payload] > m->semaphore_most) {
                return model_fail(m, "above its maximum: semaphore", c->payload);
            }
            continue;
        }
        if (c->funct7 == ISA_F7_WAIT) {
            if (--m->semaphores[c->payload] < 0) {
                return model_fail(m, "a WAIT before its POST, semaphore", c->payload);
            }
            continue;
        }
        uint32_t *r = m->regs[c->unit];
        for (int k = 0; k < CC_MAX_REGISTERS; k++) {
            r[k] = (c->mask >> k & 1) != 0 ? c->regs[k] : r[k];
        }
        bool ok = model_counts(m, c, r);
        if (!ok) {
            return false;
        }
        if (c->unit == ISA_UNIT_MXU) {
            ok = model_matmul(m, r);
        } else if (c->unit == ISA_UNIT_VPU && c->funct7 == ISA_F7_VPU_ROWS) {
            model_rows(m, r);
        } else if (c->unit == ISA_UNIT_VPU && c->funct7 == ISA_F7_VPU_TABLE) {
            memcpy(m->table, &m->spm[(int64_t)r[ISA_VPU_A_BASE] * m->d], sizeof m->table);
        } else if (c->unit == ISA_UNIT_VPU && c->funct7 == ISA_F7_VPU_TAPS) {
            model_taps(m, r);
        } else if (c->unit == ISA_UNIT_VPU && ISA_GET(r[ISA_VPU_CHAIN_IN], ISA_VPU_CHAIN_IN_WINDOW) != ISA_VPU_CHAIN_IN_WINDOW_OFF) {
            ok = model_window(m, r);
        } else if (c->unit == ISA_UNIT_VPU) {
            ok = model_vec(m, r);
        } else {
            ok = model_move(m, r, c->unit == ISA_UNIT_LD);
        }
        if (!ok) {
            return false;
        }
    }
    for (int i = 0; i < 32; i++) {
        if (m->semaphores[i] != 0) {
            return model_fail(m, "not zero at the end: semaphore", i);
        }
    }
    return true;
}

#endif
