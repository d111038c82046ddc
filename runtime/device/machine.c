/*
 * machine.c -- makes the models of the machine and fills their memories.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/machine.h"

#include <inttypes.h>
#include <string.h>

#include "systole/base/assert.h"
#include "systole/base/rng.h"
#include "systole/isa/isa.h"
#include "systole/sim/sim.h"
#if RT_HAVE_RTL
#include "systole/rtl/rtl.h"
#endif

sy_status rt_machine_create(rt_machine_kind kind, const isa_config *config,
                            const rt_machine_options *options, sim_machine **out, base_diag *diag)
{
    const rt_machine_options defaults = {0};
    const rt_machine_options *asked = options != NULL ? options : &defaults;
    switch (kind) {
    case RT_MACHINE_SIM: {
        const sim_options sim = {
            .timing_only = asked->timing_only,
            .serial = asked->serial,
            .kernels = asked->portable ? SIM_KERNELS_PORTABLE : SIM_KERNELS_BEST,
        };
        return sim_create(config, &sim, out, diag);
    }
    case RT_MACHINE_RTL:
        if (asked->timing_only) {
            return base_fail(diag, SY_EUNSUPPORTED,
                             "device rtl computes data always: --timing-only is for device sim");
        }
#if RT_HAVE_RTL
        return rtl_create(config,
                          &(rtl_options){.wave = asked->wave,
                                         .notice = asked->notice,
                                         .user = asked->notice_user},
                          out, diag);
#else
        return base_fail(
            diag, SY_EUNSUPPORTED,
            "this build has no device rtl: install verilator and g++, then build again");
#endif
    }
    SY_UNREACHABLE();
}

uint64_t rt_memory_bytes(const isa_config *config, sim_memory memory)
{
    switch (memory) {
    case SIM_IMEM:
        return config->imem_bytes;
    case SIM_DMEM:
        return config->dmem_bytes;
    case SIM_SPM:
        return (uint64_t)config->spm_banks * config->spm_bank_bytes;
    case SIM_ACC:
        return (uint64_t)config->acc_banks * config->acc_bank_bytes;
    case SIM_DRAM:
        return isa_config_dram_bytes(config);
    case SIM_N_MEMORIES:
        break;
    }
    SY_UNREACHABLE();
}

const char *rt_memory_name(sim_memory memory)
{
    static const char *const names[SIM_N_MEMORIES] = {"IMEM", "DMEM", "SPM", "ACC", "DRAM"};
    SY_ASSERT(memory < SIM_N_MEMORIES);
    return names[memory];
}

static sy_status write_memory(sim_machine *machine, sim_memory memory, uint64_t address,
                              const void *data, size_t n_bytes, base_diag *diag)
{
    if (n_bytes == 0) {
        return SY_OK;
    }
    const sy_status status = sim_machine_write(machine, memory, address, data, n_bytes);
    if (status != SY_OK) {
        return base_fail(
            diag, status, "%s: %zu bytes at 0x%" PRIx64 " are outside its %" PRIu64 " bytes",
            rt_memory_name(memory), n_bytes, address, rt_memory_bytes(&machine->config, memory));
    }
    return SY_OK;
}

/* The zeros behind a segment's data. */
static sy_status write_zeros(sim_machine *machine, uint64_t address, uint64_t n_bytes,
                             base_diag *diag)
{
    static const uint8_t zeros[4096];
    while (n_bytes > 0) {
        const size_t n = n_bytes < sizeof zeros ? (size_t)n_bytes : sizeof zeros;
        SY_TRY(write_memory(machine, SIM_DRAM, address, zeros, n, diag));
        address += n;
        n_bytes -= n;
    }
    return SY_OK;
}

sy_status rt_machine_load(sim_machine *machine, const isa_program *program, base_diag *diag)
{
    SY_TRY(isa_program_check(program, &machine->config, diag));
    SY_TRY(write_memory(machine, SIM_IMEM, 0, program->text, program->n_text_bytes, diag));
    SY_TRY(write_memory(machine, SIM_DMEM, 0, program->data, program->n_data_bytes, diag));
    for (size_t i = 0; i < program->n_dram; i++) {
        const isa_segment *segment = &program->dram[i];
        SY_TRY(write_memory(machine, SIM_DRAM, segment->address, segment->data, segment->n_data,
                            diag));
        SY_TRY(write_zeros(machine, (uint64_t)segment->address + segment->n_data,
                           segment->n_bytes - segment->n_data, diag));
    }
    return SY_OK;
}

/* Eight bytes of the seeded pattern. */
static uint64_t pattern(const isa_config *config, uint64_t seed, sim_memory memory, uint64_t index)
{
    uint64_t word = base_rng_u64(seed, memory, index);
    if (config->element == ISA_ELEMENT_BF16 && memory >= SIM_SPM) {
        for (unsigned shift = 0; shift < 64; shift += 16) {
            if ((word >> shift & 0x3F) != 0) { /* exponent 112 to 127 */
                word = (word & ~(UINT64_C(0x7800) << shift)) | UINT64_C(0x3800) << shift;
            }
        }
    }
    return word;
}

sy_status rt_machine_fill(sim_machine *machine, uint64_t seed, uint64_t dram_bytes, base_diag *diag)
{
    uint8_t chunk[4096];
    for (sim_memory memory = SIM_IMEM; memory < SIM_N_MEMORIES; memory++) {
        uint64_t n_bytes = rt_memory_bytes(&machine->config, memory);
        if (memory == SIM_DRAM && dram_bytes < n_bytes) {
            n_bytes = dram_bytes;
        }
        for (uint64_t at = 0; at < n_bytes; at += sizeof chunk) {
            const size_t n = n_bytes - at < sizeof chunk ? (size_t)(n_bytes - at) : sizeof chunk;
            for (size_t i = 0; i < n; i += 8) {
                base_set_le64(chunk + i, pattern(&machine->config, seed, memory, (at + i) / 8));
            }
            SY_TRY(write_memory(machine, memory, at, chunk, n, diag));
        }
    }
    return SY_OK;
}
