/*
 * mxu.c -- the matrix unit: a command's planes are a closed recurrence, known when it starts.
 *
 * Contract: isa/spec/timing.md, section 5; numerics.md, MATMUL.  Verilog twin: rtl/mxu.v.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim_internal.h"

uint64_t sim_mxu_own(const sim *s, uint64_t cycle)
{
    return sim_max_u64(cycle, sim_mxu_ready(&s->machine.config, &s->mxu.last));
}

static sim_acc_relation acc_relation(const sim_mxu *mxu, const sim_walk *walk, sim_rows rows)
{
    if (!mxu->last.any || !sim_rows_meet(mxu->last_rows, rows)) {
        return SIM_ACC_APART;
    }
    return sim_walk_equal(&mxu->last_walk, walk) ? SIM_ACC_SAME : SIM_ACC_DIFFERENT;
}

/* What the counters need to know of a command. */
static void note_span(sim *s, const sim_mxu_span *span)
{
    sim_mxu *mxu = &s->mxu;
    SY_ASSERT(mxu->spans_n < SIM_SPANS);
    mxu->spans[(mxu->spans_first + mxu->spans_n++) % SIM_SPANS] = *span;
}

static void compute(const sim *s, const sim_command *command, const uint32_t *regs)
{
    const uint32_t flags = regs[ISA_MXU_FLAGS];
    const sim_matmul job = {
        .spm = s->memory[ISA_MEMORY_SPM],
        .acc = (int32_t *)(void *)s->memory[ISA_MEMORY_ACC],
        .scratch = s->scratch,
        .d = s->d,
        .bf16 = s->machine.config.element == ISA_ELEMENT_BF16,
        .a = sim_command_walk(&s->machine.config, ISA_UNIT_MXU, command->funct7, regs, SIM_ROLE_A),
        .c = sim_command_walk(&s->machine.config, ISA_UNIT_MXU, command->funct7, regs, SIM_ROLE_ACC),
        .n_planes = regs[ISA_MXU_PLANES],
        .a_plane = (int32_t)regs[ISA_MXU_A_PLANE],
        .w_base = regs[ISA_MXU_W_BASE],
        .w_plane = (int32_t)regs[ISA_MXU_W_PLANE],
        .a_zero = (int32_t)regs[ISA_MXU_A_ZERO],
        .w_zero = (int32_t)regs[ISA_MXU_W_ZERO],
        .transposed = command->funct7 == ISA_F7_MXU_MATMUL_T,
        .accumulate = ISA_GET(flags, ISA_MXU_FLAGS_ACCUMULATE) != 0,
        .a_unsigned = ISA_GET(flags, ISA_MXU_FLAGS_A_UNSIGNED) != 0,
        .w_unsigned = ISA_GET(flags, ISA_MXU_FLAGS_W_UNSIGNED) != 0,
    };
    s->kernels->matmul(&job);
}

void sim_mxu_begin(sim *s, sim_command *command, const uint32_t *regs)
{
    sim_mxu *mxu = &s->mxu;
    const isa_config *config = &s->machine.config;
    const uint64_t start = command->start;
    const sim_walk walk = sim_command_walk(&s->machine.config, ISA_UNIT_MXU, command->funct7, regs, SIM_ROLE_ACC);
    const sim_rows rows = command->streams[2].first;
    const uint64_t n_rows = (uint64_t)walk.n[0] * walk.n[1] * walk.n[2] * walk.n[3];
    const uint64_t n_planes = regs[ISA_MXU_PLANES];
    const uint64_t period = sim_mxu_period(config, n_rows);
    const uint64_t quiet_from = mxu->last.any ? mxu->last.stream + mxu->last.rows : 0;
    const uint64_t first_stream = sim_mxu_first_stream(config, &mxu->last, acc_relation(mxu, &walk, rows), start);

    mxu->last = sim_mxu_last_plane(config, start, first_stream, n_planes, n_rows);
    mxu->last_walk = walk;
    mxu->last_rows = rows;
    command->end = sim_mxu_end(config, &mxu->last);
    s->units[ISA_UNIT_MXU].last_end = command->end;
    SY_ASSERT(command->streams[0].role == SIM_ROLE_WEIGHTS && command->streams[1].role == SIM_ROLE_A &&
              command->streams[2].role == SIM_ROLE_ACC);
    command->progress[0] =
        (sim_progress){.first = start + config->d - 1, .second = first_stream + config->d - 1, .period = period};
    command->progress[1] = (sim_progress){
        .first = first_stream + n_rows - 1, .second = first_stream + period + n_rows - 1, .period = period};
    command->progress[2] = (sim_progress){.first = command->end, .second = command->end, .period = 0};
    const sim_mxu_span span = {.start = start,
                               .quiet_from = quiet_from,
                               .first_stream = first_stream,
                               .n_planes = n_planes,
                               .rows = n_rows,
                               .period = period};
    note_span(s, &span);
    if (!s->options.timing_only) {
        compute(s, command, regs);
    }
}
