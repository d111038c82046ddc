/*
 * blocked.c -- tensors between host and machine.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "blocked.h"

#include <inttypes.h>
#include <string.h>

size_t rt_blocked_scratch_bytes(const cc_plan_tensor *tensor)
{
    return (size_t)(tensor->p * tensor->lanes * tensor->element_bytes);
}

/* DRAM address of (n, first channel of a block, position 0). */
static uint64_t block_address(const cc_plan_tensor *tensor, int64_t n, int64_t block, int64_t d)
{
    const int64_t row = n * tensor->n_stride + block * tensor->block_stride;
    return tensor->address + (uint64_t)(row * d * tensor->element_bytes);
}

/* n elements, `from_step` and `to_step` elements apart. */
static void copy_elements(void *to, int64_t to_step, const void *from, int64_t from_step, int64_t n, int64_t bytes)
{
    if (bytes == 1) {
        uint8_t *t = to;
        const uint8_t *f = from;
        for (int64_t i = 0; i < n; i++) {
            t[i * to_step] = f[i * from_step];
        }
        return;
    }
    uint16_t *t = to;
    const uint16_t *f = from;
    for (int64_t i = 0; i < n; i++) {
        t[i * to_step] = f[i * from_step];
    }
}

static int64_t lanes_of(const cc_plan_tensor *tensor, int64_t block, int64_t d)
{
    const int64_t left = tensor->c - block * d;
    return left < d ? left : d;
}

sy_status rt_blocked_write(sim_machine *machine, const cc_plan_tensor *tensor, const void *host,
                           uint8_t *scratch, base_diag *diag)
{
    const int64_t d = tensor->lanes;
    const int64_t e = tensor->element_bytes;
    const int64_t blocks = (tensor->c + d - 1) / d;
    const int64_t p = tensor->p;
    for (int64_t n = 0; n < tensor->n; n++) {
        for (int64_t block = 0; block < blocks; block++) {
            const int64_t lanes = lanes_of(tensor, block, d);
            if (lanes < d) {
                memset(scratch, tensor->zero & 0xFF, (size_t)(p * d * e));
            }
            for (int64_t lane = 0; lane < lanes; lane++) {
                const uint8_t *from = (const uint8_t *)host + (n * tensor->c + block * d + lane) * p * e;
                copy_elements(scratch + lane * e, d, from, 1, p, e);
            }
            const uint64_t address = block_address(tensor, n, block, d);
            const sy_status status = sim_machine_write(machine, SIM_DRAM, address, scratch,
                                                       (size_t)(p * d * e));
            if (status != SY_OK) {
                return base_fail(diag, status, "tensor '%s': cannot write DRAM at 0x%" PRIx64,
                                 tensor->value, address);
            }
        }
    }
    return SY_OK;
}

sy_status rt_blocked_read(sim_machine *machine, const cc_plan_tensor *tensor, void *host,
                          uint8_t *scratch, base_diag *diag)
{
    const int64_t d = tensor->lanes;
    const int64_t e = tensor->element_bytes;
    const int64_t blocks = (tensor->c + d - 1) / d;
    const int64_t p = tensor->p;
    for (int64_t n = 0; n < tensor->n; n++) {
        for (int64_t block = 0; block < blocks; block++) {
            const int64_t lanes = lanes_of(tensor, block, d);
            const uint64_t address = block_address(tensor, n, block, d);
            const sy_status status = sim_machine_read(machine, SIM_DRAM, address, scratch,
                                                      (size_t)(p * d * e));
            if (status != SY_OK) {
                return base_fail(diag, status, "tensor '%s': cannot read DRAM at 0x%" PRIx64,
                                 tensor->value, address);
            }
            for (int64_t lane = 0; lane < lanes; lane++) {
                uint8_t *to = (uint8_t *)host + (n * tensor->c + block * d + lane) * p * e;
                copy_elements(to, 1, scratch + lane * e, d, p, e);
            }
        }
    }
    return SY_OK;
}
