/*
 * plain.h -- the kernels in plain C, for the processor that the including file is compiled for; static functions only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kernels/bf16_block.h"
#include "kernels/vec_block.h"

#define MAX_DIM 128u

/* A plane's weights less their zero point: |w| <= 383, so products with A fit 32 bits. */
static void load_weights(const sim_matmul *m, uint32_t plane, int16_t *weights)
{
    const uint8_t *w = m->spm + (uint64_t)(m->w_base + m->w_plane * plane) * m->d;
    for (uint32_t k = 0; k < m->d; k++) {
        for (uint32_t j = 0; j < m->d; j++) {
            const uint8_t byte = m->transposed ? w[(size_t)j * m->d + k] : w[(size_t)k * m->d + j];
            weights[(size_t)k * m->d + j] = (int16_t)((m->w_unsigned ? byte : (int8_t)byte) - m->w_zero);
        }
    }
}

/* sum[j] += a * w[j] */
static void add_scaled(uint32_t *restrict sum, const int16_t *restrict w, int32_t a, uint32_t d)
{
    for (uint32_t j = 0; j < d; j++) {
        sum[j] += (uint32_t)(a * w[j]);
    }
}

static void matmul_int8(const sim_matmul *m)
{
    const uint64_t n_rows = (uint64_t)m->a.n[0] * m->a.n[1] * m->a.n[2] * m->a.n[3];
    int16_t *weights = m->scratch;
    _Static_assert(MAX_DIM * MAX_DIM * sizeof(int16_t) <= SIM_SCRATCH_BYTES, "a plane lies in the scratch memory");
    for (uint32_t p = 0; p < m->n_planes; p++) {
        load_weights(m, p, weights);
        sim_walker a = sim_walker_begin(&m->a);
        sim_walker c = sim_walker_begin(&m->c);
        for (uint64_t t = 0; t < n_rows; t++) {
            const uint8_t *from = m->spm + (uint64_t)(a.row + m->a_plane * p) * m->d;
            int32_t *acc = m->acc + (uint64_t)c.row * m->d;
            uint32_t sum[MAX_DIM];
            if (m->accumulate || p > 0) {
                memcpy(sum, acc, m->d * sizeof sum[0]);
            } else {
                memset(sum, 0, m->d * sizeof sum[0]);
            }
            for (uint32_t k = 0; k < m->d; k++) {
                const int32_t value = (m->a_unsigned ? from[k] : (int8_t)from[k]) - m->a_zero;
                add_scaled(sum, weights + (size_t)k * m->d, value, m->d);
            }
            memcpy(acc, sum, m->d * sizeof sum[0]);
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
