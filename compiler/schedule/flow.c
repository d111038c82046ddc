/*
 * flow.c -- see flow.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flow.h"

/* Slots of an input: a third one where it costs no bank keeps the core from waiting for the step before while it pushes the
 * next loads. */
static int64_t input_slots(const sched *s, bool two_inputs, bool computes)
{
    const int64_t banks = s->config->spm_banks;
    return two_inputs && computes && s->sem_most >= 3 && banks / 8 == banks / 6 ? 3 : 2;
}

/* Banks of each slot: those of A, of B and two of O where there are such. At least one bank each. */
static int64_t banks_per_slot(const sched *s, bool two_inputs, bool computes)
{
    const int64_t inputs = input_slots(s, two_inputs, computes);
    return (int64_t)s->config->spm_banks / (inputs + (two_inputs ? inputs : 0) + (computes ? 2 : 0));
}

void sched_flow_limits(const sched *s, bool two_inputs, bool computes, int64_t *in_rows,
                       int64_t *out_rows)
{
    const int64_t rows = sched_min(banks_per_slot(s, two_inputs, computes) * s->spm_bank_rows,
                                   SCHED_MAX_ROWS);
    *in_rows = rows;
    *out_rows = computes ? rows : 0;
}

void sched_flow_begin_table(sched *s, bool two_inputs, uint64_t address)
{
    /* the last slot of outputs ends with SPM, or nothing is behind it */
    const int64_t rows = CC_TABLE_BYTES / s->row_bytes;
    const int64_t slot = banks_per_slot(s, two_inputs, true) * s->spm_bank_rows;
    sched_begin_table(s, address, s->spm_rows - rows, sched_min(slot, s->spm_rows));
}

static ring make_ring(isa_unit producer, isa_unit consumer, uint32_t full, uint32_t empty,
                      int64_t base, int64_t pitch, int64_t slots)
{
    return (ring){.producer = producer,
                  .consumer = consumer,
                  .full = full,
                  .free_ = empty,
                  .base = base,
                  .pitch = pitch,
                  .slots = slots};
}

static void emit_step(flow *f, int64_t step)
{
    sched *s = f->s;
    sched_ring_begin_step(s, &f->a, step);
    if (f->ops->load_b != NULL) {
        sched_ring_begin_step(s, &f->b, step);
    }
    sched_ring_begin_fill(s, &f->o);
    f->ops->compute(f, step, sched_ring_row(&f->a, step), sched_ring_row(&f->b, step),
                    sched_ring_row(&f->o, step));
    sched_ring_end_step(s, &f->a, step);
    if (f->ops->load_b != NULL) {
        sched_ring_end_step(s, &f->b, step);
    }
    sched_ring_end_fill(s, &f->o);
}

static void emit_loads(flow *f, int64_t step)
{
    sched *s = f->s;
    while (sched_ring_can_fill(&f->a, step) ||
           (f->ops->load_b != NULL && sched_ring_can_fill(&f->b, step))) {
        if (sched_ring_can_fill(&f->a, step)) {
            sched_ring_begin_fill(s, &f->a);
            f->ops->load(f, f->a.filled, sched_ring_row(&f->a, f->a.filled));
            sched_ring_end_fill(s, &f->a);
        }
        if (f->ops->load_b != NULL && sched_ring_can_fill(&f->b, step)) {
            sched_ring_begin_fill(s, &f->b);
            f->ops->load_b(f, f->b.filled, sched_ring_row(&f->b, f->b.filled));
            sched_ring_end_fill(s, &f->b);
        }
    }
}

void sched_flow_run(flow *f)
{
    sched *s = f->s;
    const bool computes = f->ops->compute != NULL;
    const bool two = f->ops->load_b != NULL;
    int64_t in_limit, out_limit;
    sched_flow_limits(s, two, computes, &in_limit, &out_limit);
    if (f->in_rows > in_limit) {
        sched_too_large(s, "its smallest input tile", f->in_rows, in_limit);
        return;
    }
    if (computes && f->out_rows > out_limit) {
        sched_too_large(s, "its smallest output tile", f->out_rows, out_limit);
        return;
    }
    const int64_t inputs = input_slots(s, two, computes);
    const isa_unit reader = computes ? ISA_UNIT_VPU : ISA_UNIT_ST;
    const int64_t pitch = banks_per_slot(s, two, computes) * s->spm_bank_rows;
    f->a = make_ring(ISA_UNIT_LD, reader, computes ? SCHED_SEM_A_VPU_FULL : SCHED_SEM_A_ST_FULL,
                     computes ? SCHED_SEM_A_VPU_FREE : SCHED_SEM_A_ST_FREE, 0, pitch, inputs);
    f->b = make_ring(ISA_UNIT_LD, reader, SCHED_SEM_R_FULL, SCHED_SEM_R_FREE, inputs * pitch, pitch,
                     inputs);
    f->o = make_ring(ISA_UNIT_VPU, ISA_UNIT_ST, SCHED_SEM_O_FULL, SCHED_SEM_O_FREE,
                     (two ? 2 * inputs : inputs) * pitch, pitch, 2);
    for (int64_t step = 0; step < f->n_steps; step++) {
        sched_ring_touch(s, &f->a, step, step);
        sched_ring_touch(s, &f->b, step, step);
        sched_ring_touch(s, &f->o, step, step);
    }
    ring *source = computes ? &f->o : &f->a;
    for (int64_t step = 0; step <= f->n_steps && s->status == SY_OK; step++) {
        emit_loads(f, step + 1 < f->n_steps ? step + 1 : f->n_steps - 1);
        if (computes && step < f->n_steps) {
            emit_step(f, step);
        }
        if (step > 0) {
            sched_ring_begin_step(s, source, step - 1);
            f->ops->store(f, step - 1, sched_ring_row(source, step - 1));
            sched_ring_end_step(s, source, step - 1);
        }
    }
}
