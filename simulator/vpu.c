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

/* ROWS, TAPS and TABLE: bytes of SPM, as they lie, into a memory of the unit. */
static void load_constants(const sim *s, uint32_t funct7, const uint32_t *regs)
{
    const sim_vpu *vpu = &s->vpu;
    const size_t row_bytes = isa_config_spm_row_bytes(&s->machine.config);
    const size_t n_bytes = (size_t)sim_vpu_rows(&s->machine.config, funct7, regs) * row_bytes;
    const uint8_t *from = s->memory[ISA_MEMORY_SPM] + regs[ISA_VPU_A_BASE] * row_bytes;
    if (funct7 == ISA_F7_VPU_ROWS) {
        memcpy(vpu->row_registers + (size_t)ISA_GET(regs[ISA_VPU_ROWS], ISA_VPU_ROWS_FIRST) * s->d, from, n_bytes);
    } else if (funct7 == ISA_F7_VPU_TAPS) {
        memcpy(vpu->taps + ISA_GET(regs[ISA_VPU_TAPS], ISA_VPU_TAPS_TAP_FIRST) * row_bytes, from, n_bytes);
    } else {
        memcpy(vpu->table, from, n_bytes);
    }
}

static void compute(const sim *s, const sim_command *command, const uint32_t *regs)
{
    const isa_config *config = &s->machine.config;
    if (command->funct7 != ISA_F7_VPU_VEC) {
        load_constants(s, command->funct7, regs);
        return;
    }
    const sim_vec job = {
        .spm = s->memory[ISA_MEMORY_SPM],
        .acc = (uint32_t *)(void *)s->memory[ISA_MEMORY_ACC],
        .row_registers = s->vpu.row_registers,
        .taps = s->vpu.taps,
        .table = s->vpu.table,
        .scratch = s->scratch,
        .d = s->d,
        .bf16 = config->element == ISA_ELEMENT_BF16,
        .regs = regs,
        .a = sim_command_walk(config, ISA_UNIT_VPU, command->funct7, regs, SIM_ROLE_A),
        .b = sim_command_walk(config, ISA_UNIT_VPU, command->funct7, regs, SIM_ROLE_B),
        .out = sim_command_walk(config, ISA_UNIT_VPU, command->funct7, regs, SIM_ROLE_OUT),
        .out2 = sim_command_walk(config, ISA_UNIT_VPU, command->funct7, regs, SIM_ROLE_OUT2),
    };
    s->kernels->vec(&job);
}

void sim_vpu_begin(sim *s, sim_command *command, const uint32_t *regs)
{
    sim_vpu *vpu = &s->vpu;
    const uint64_t start = command->start;
    const uint64_t depth = sim_vpu_depth(&s->machine.config);
    const uint64_t n_rows = sim_vpu_rows(&s->machine.config, command->funct7, regs);
    const bool is_vec = command->funct7 == ISA_F7_VPU_VEC;
    const uint64_t per_line = is_vec ? (uint64_t)regs[ISA_VPU_N0] * regs[ISA_VPU_N1] : n_rows;
    const uint64_t per_iteration = is_vec ? per_line * regs[ISA_VPU_N2] : n_rows;
    const uint32_t n_iterations = is_vec ? regs[ISA_VPU_N3] : 1;
    const sim_window window = is_vec ? sim_command_window(regs) : (sim_window){0};

    vpu->read_end = start + n_rows;
    command->end = sim_vpu_end(&s->machine.config, start, n_rows);
    s->units[ISA_UNIT_VPU].last_end = command->end;
    for (unsigned i = 0; i < command->n_streams; i++) {
        const sim_stream *stream = &command->streams[i];
        uint64_t first = start + per_iteration - 1; /* the last row of iteration 0 */
        if (stream->is_write && window.taps != 0) {
            first = start + per_iteration - per_line + (uint64_t)window.last_column * regs[ISA_VPU_N0] + regs[ISA_VPU_N0] - 1;
        }
        first += stream->is_write ? depth : 0;
        if (stream->n_iterations == 1) { /* also a second output of all four loops: its only row is the last */
            const uint64_t last = first + per_iteration * (n_iterations - 1);
            command->progress[i] = (sim_progress){.first = last, .second = last, .period = 0};
        } else {
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
