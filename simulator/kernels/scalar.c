/*
 * scalar.c -- the definition: one lane of one row after another, as isa/spec/numerics.md says it, for the tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "kernels/kernels.h"
#include "systole/isa/fn.h"

/* ---- MATMUL ---- */

static int32_t operand(uint8_t byte, bool is_unsigned, int32_t zero)
{
    return (is_unsigned ? (int32_t)byte : (int32_t)(int8_t)byte) - zero;
}

static uint32_t dot(const sim_matmul *m, uint32_t plane, int64_t a_row, uint32_t j)
{
    const uint8_t *a = m->spm + (uint64_t)(a_row + m->a_plane * plane) * m->d;
    const uint8_t *w = m->spm + (uint64_t)(m->w_base + m->w_plane * plane) * m->d;
    uint32_t sum = 0;
    for (uint32_t k = 0; k < m->d; k++) {
        const uint8_t weight = m->transposed ? w[(uint64_t)j * m->d + k] : w[(uint64_t)k * m->d + j];
        sum += (uint32_t)(operand(a[k], m->a_unsigned, m->a_zero) * operand(weight, m->w_unsigned, m->w_zero));
    }
    return sum;
}

static void matmul_int8(const sim_matmul *m)
{
    const uint64_t n_rows = (uint64_t)m->a.n[0] * m->a.n[1] * m->a.n[2] * m->a.n[3];
    for (uint32_t p = 0; p < m->n_planes; p++) {
        sim_walker a = sim_walker_begin(&m->a);
        sim_walker c = sim_walker_begin(&m->c);
        for (uint64_t t = 0; t < n_rows; t++) {
            int32_t *acc = m->acc + (uint64_t)c.row * m->d;
            for (uint32_t j = 0; j < m->d; j++) {
                const uint32_t before = m->accumulate || p > 0 ? (uint32_t)acc[j] : 0;
                acc[j] = (int32_t)(before + dot(m, p, a.row, j));
            }
            sim_walker_next(&a);
            sim_walker_next(&c);
        }
    }
}

/* Element k of an SPM row. */
static uint16_t bf16_element(const sim_matmul *m, int64_t row, uint32_t k)
{
    uint16_t value;
    memcpy(&value, m->spm + 2 * ((uint64_t)row * m->d + k), sizeof value);
    return value;
}

static void matmul_bf16(const sim_matmul *m)
{
    const uint64_t n_rows = (uint64_t)m->a.n[0] * m->a.n[1] * m->a.n[2] * m->a.n[3];
    for (uint32_t p = 0; p < m->n_planes; p++) {
        const int64_t w = m->w_base + m->w_plane * p;
        sim_walker a = sim_walker_begin(&m->a);
        sim_walker c = sim_walker_begin(&m->c);
        for (uint64_t t = 0; t < n_rows; t++) {
            int32_t *acc = m->acc + (uint64_t)c.row * m->d;
            for (uint32_t j = 0; j < m->d; j++) {
                uint32_t s = m->accumulate || p > 0 ? (uint32_t)acc[j] : 0;
                for (uint32_t k = 0; k < m->d; k++) {
                    const uint16_t weight = m->transposed ? bf16_element(m, w + j, k) : bf16_element(m, w + k, j);
                    s = isa_bf16_fma(bf16_element(m, a.row + m->a_plane * p, k), weight, s);
                }
                acc[j] = (int32_t)s;
            }
            sim_walker_next(&a);
            sim_walker_next(&c);
        }
    }
}

static void matmul(const sim_matmul *m)
{
    if (m->bf16) {
        matmul_bf16(m);
    } else {
        matmul_int8(m);
    }
}

const sim_kernel_set sim_kernels_scalar = {.name = "scalar", .matmul = matmul, .vec = sim_scalar_vec};
