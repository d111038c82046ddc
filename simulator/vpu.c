/*
 * vpu.c -- the vector unit: one row per cycle through a chain of constant depth.
 *
 * Contract: isa/spec/timing.md, section 6; numerics.md, VEC and ROWS.  Verilog twin: rtl/vpu.v.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sim_internal.h"

uint64_t sim_vpu_own(const sim *s, uint64_t cycle)
{
    const uint64_t read = sim_max_u64(cycle, s->vpu.read_end);
    return sim_flight_room(&s->units[ISA_UNIT_VPU], read, s->machine.config.commands);
}

static void load_row_registers(const sim *s, const uint32_t *regs)
{
    const uint32_t first = ISA_GET(regs[ISA_VPU_ROWS], ISA_VPU_ROWS_FIRST);
    const uint32_t count = ISA_GET(regs[ISA_VPU_ROWS], ISA_VPU_ROWS_COUNT);
    memcpy(s->vpu.row_registers + (size_t)first * s->d,
           s->memory[ISA_MEMORY_SPM] + (size_t)regs[ISA_VPU_A_BASE] * isa_config_spm_row_bytes(&s->machine.config),
           (size_t)count * s->d * 4);
}

static void compute(const sim *s, const sim_command *command, const uint32_t *regs)
{
    if (command->funct7 == ISA_F7_VPU_ROWS) {
        load_row_registers(s, regs);
        return;
    }
    const sim_vec job = {
        .spm = s->memory[ISA_MEMORY_SPM],
        .acc = (uint32_t *)(void *)s->memory[ISA_MEMORY_ACC],
        .row_registers = s->vpu.row_registers,
        .scratch = s->scratch,
        .d = s->d,
        .bf16 = s->machine.config.element == ISA_ELEMENT_BF16,
        .regs = regs,
        .a = sim_command_walk(ISA_UNIT_VPU, command->funct7, regs, SIM_ROLE_A),
        .b = sim_command_walk(ISA_UNIT_VPU, command->funct7, regs, SIM_ROLE_B),
        .out = sim_command_walk(ISA_UNIT_VPU, command->funct7, regs, SIM_ROLE_OUT),
        .out2 = sim_command_walk(ISA_UNIT_VPU, command->funct7, regs, SIM_ROLE_OUT2),
    };
    s->kernels->vec(&job);
}

void sim_vpu_begin(sim *s, sim_command *command, const uint32_t *regs)
{
    sim_vpu *vpu = &s->vpu;
    const uint64_t start = command->start;
    const uint64_t depth = sim_vpu_depth(&s->machine.config);
    const sim_walk walk = sim_command_walk(ISA_UNIT_VPU, command->funct7, regs, SIM_ROLE_A);
    const uint64_t per_iteration = (uint64_t)walk.n[0] * walk.n[1] * walk.n[2];
    const uint64_t n_rows = per_iteration * walk.n[3];

    vpu->read_end = start + n_rows;
    command->end = sim_vpu_end(&s->machine.config, start, n_rows);
    s->units[ISA_UNIT_VPU].last_end = command->end;
    for (unsigned i = 0; i < command->n_streams; i++) {
        const sim_stream *stream = &command->streams[i];
        const uint64_t late = stream->is_write ? depth : 0;
        if (stream->n_iterations == 1) { /* also a second output of all four loops: its only row is the last */
            const uint64_t last = start + n_rows - 1 + late;
            command->progress[i] = (sim_progress){.first = last, .second = last, .period = 0};
        } else {
            const uint64_t first = start + per_iteration - 1 + late;
            command->progress[i] =
                (sim_progress){.first = first, .second = first + per_iteration, .period = per_iteration};
        }
    }
    SY_ASSERT(vpu->spans_n < SIM_SPANS);
    vpu->spans[(vpu->spans_first + vpu->spans_n++) % SIM_SPANS] = (sim_train){.first = start, .n = n_rows};
    if (!s->options.timing_only) {
        compute(s, command, regs);
    }
}
