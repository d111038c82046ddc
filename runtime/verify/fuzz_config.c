/*
 * fuzz_config.c -- random machines: small, so that programs collide, and at the minimum of every
 * resource now and then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuzz_internal.h"

#include <inttypes.h>
#include <stdio.h>

#include "systole/base/assert.h"

#define CONFIG_STREAM UINT64_C(0xC0) /* programs use other streams of the same seed */

static uint32_t power(base_rng *rng, uint32_t first, uint32_t last)
{
    uint32_t value = first;
    while (value < last && !base_rng_one_in(rng, 3)) {
        value *= 2;
    }
    return value;
}

static uint32_t below(base_rng *rng, uint32_t n)
{
    return (uint32_t)base_rng_below(rng, n);
}

static uint32_t at_least(uint32_t value, uint32_t minimum)
{
    return value > minimum ? value : minimum;
}

static void choose_memories(base_rng *rng, isa_config *c)
{
    const uint32_t row_bytes = isa_config_spm_row_bytes(c);
    c->spm_banks = power(rng, 2, 16);
    c->acc_banks = power(rng, 2, 8);
    /* A product needs D rows of weights beside its A: half of the SPM's banks hold D rows at least.
     */
    const uint32_t spm_rows = c->d * 2 / c->spm_banks;
    c->spm_bank_bytes =
        at_least(power(rng, at_least(spm_rows, 2) * row_bytes, 16 * c->d * row_bytes), 64);
    c->acc_bank_bytes = at_least(power(rng, 16 * c->d, 64 * c->d * c->d), 64);
    c->imem_bytes = UINT32_C(16384) << below(rng, 3);
    c->dmem_bytes = UINT32_C(1024) << below(rng, 3);
}

static void choose_dram(base_rng *rng, isa_config *c)
{
    c->dram_width = power(rng, 4, 32);
    c->dram_latency = base_rng_one_in(rng, 4) ? 1 + below(rng, 3) : 1 + below(rng, 80);
    c->dram_outstanding = base_rng_one_in(rng, 3) ? 1 : 1 + below(rng, 16);
    c->dram_burst_bytes = c->dram_width << below(rng, 5);
    if (base_rng_one_in(rng, 8)) {
        c->dram_burst_bytes = c->dram_width * 256 < 4096 ? c->dram_width * 256 : 4096;
    }
    c->dram_mib = 1;
    const uint32_t beats = c->dram_burst_bytes / c->dram_width;
    c->load_beats = beats + (base_rng_one_in(rng, 3) ? 0 : below(rng, 3 * beats + 8));
    c->store_beats = beats + (base_rng_one_in(rng, 3) ? 0 : below(rng, 2 * beats + 4));
}

/* Every other machine has banks and rows, small and few, so that short programs meet refreshes and conflicts too. */
static void choose_banks(base_rng *rng, isa_config *c)
{
    uint32_t *const times[] = {
        &c->dram_t_atom,  &c->dram_t_ccd_s, &c->dram_t_ccd_l, &c->dram_t_rcd,   &c->dram_t_rp,
        &c->dram_t_rp_all, &c->dram_t_ras,  &c->dram_t_rc,    &c->dram_t_rrd_s, &c->dram_t_rrd_l,
        &c->dram_t_faw,   &c->dram_t_cl,    &c->dram_t_cwl,   &c->dram_t_rtp,   &c->dram_t_wr,
        &c->dram_t_wtr_s, &c->dram_t_wtr_l, &c->dram_t_rtw,   &c->dram_t_rfc};
    c->dram_model = below(rng, 2);
    c->dram_channels = power(rng, 1, 8);
    c->dram_groups = power(rng, 1, 4);
    c->dram_banks = power(rng, 1, 8);
    c->dram_atom_bytes = power(rng, 4, 128);
    c->dram_row_bytes = at_least(c->dram_atom_bytes << below(rng, 5), 64);
    c->dram_mapping = below(rng, 3);
    c->dram_page = below(rng, 2);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        *times[i] = 1 + below(rng, base_rng_one_in(rng, 3) ? 24 : 6);
    }
    const uint32_t least = 2 * (c->dram_t_rfc + c->dram_t_rp_all + c->dram_t_rc);
    c->dram_t_refi = base_rng_one_in(rng, 4) ? 0 : least + below(rng, 400);
}

void rt_fuzz_config(uint64_t seed, uint64_t number, uint32_t max_dim, isa_config *out)
{
    base_rng rng = base_rng_make(seed, CONFIG_STREAM + (number << 8));
    isa_config c;
    isa_config_default(&c);
    (void)snprintf(c.name, sizeof c.name, "fuzz-%" PRIu64 "-%" PRIu64, seed, number);
    c.d = 4;
    while (2 * c.d <= max_dim && base_rng_one_in(&rng, 2)) {
        c.d *= 2;
    }
    base_rng bank_rng = base_rng_make(seed, CONFIG_STREAM + (number << 8) + 2);
    choose_banks(&bank_rng, &c);
    base_rng element_rng = base_rng_make(seed, CONFIG_STREAM + (number << 8) + 1);
    c.element = base_rng_one_in(&element_rng, 3) ? ISA_ELEMENT_BF16 : ISA_ELEMENT_INT8;
    choose_memories(&rng, &c);
    choose_dram(&rng, &c);
    c.queue_depth = 1 + below(&rng, 8);
    c.sem_count = base_rng_one_in(&rng, 3) ? 32 : 1 + below(&rng, base_rng_one_in(&rng, 3) ? 3 : 32);
    c.sem_bits = 1 + below(&rng, 8);
    c.post_depth = 1 + below(&rng, 4);
    c.check_cycles = 1 + below(&rng, 4);
    c.vpu_stages = 32 + below(&rng, 7);
    c.commands = 1 + below(&rng, 4);
    SY_ASSERT(isa_config_check(&c, NULL) == SY_OK);
    *out = c;
}
