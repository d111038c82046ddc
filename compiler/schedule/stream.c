/*
 * stream.c -- the schedule of elementwise operators: rows through the VPU, in the order in which they lie.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flow.h"

typedef struct stream {
    int64_t chunk; /* rows of a step */
} stream;

static int64_t rows_of(const flow *f, int64_t step) {
    const stream *st = f->user;
    return sched_min(st->chunk, f->s->group->y->rows - step * st->chunk);
}

static void load(flow *f, int64_t step, int64_t row) {
    const stream *st = f->user;
    const uint64_t from = f->s->group->x->address + (uint64_t)(step * st->chunk * f->s->d);
    sched_load_bytes(f->s, from, rows_of(f, step) * f->s->d, row);
}

static void load_b(flow *f, int64_t step, int64_t row) {
    const stream *st = f->user;
    const uint64_t from = f->s->group->u.stream.b->address + (uint64_t)(step * st->chunk * f->s->d);
    sched_load_bytes(f->s, from, rows_of(f, step) * f->s->d, row);
}

static void store(flow *f, int64_t step, int64_t row) {
    const stream *st = f->user;
    const uint64_t to = f->s->group->y->address + (uint64_t)(step * st->chunk * f->s->d);
    sched_store_bytes(f->s, to, rows_of(f, step) * f->s->d, row);
}

static void compute(flow *f, int64_t step, int64_t a_row, int64_t b_row, int64_t o_row) {
    sched *s = f->s;
    const cc_stream *p = &s->group->u.stream;
    cc_command c = sched_command(s, ISA_OP_VPU_VEC);
    uint32_t in = ISA_PUT(0, ISA_VPU_CHAIN_IN_A_SRC, ISA_VPU_CHAIN_IN_A_SRC_SPM);
    uint32_t fp = 0;
    switch (p->op) {
    case CC_STREAM_REQUANT:
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_MUL1, ISA_VPU_CHAIN_FP_MUL1_IMM);
        sched_set_f32(&c, ISA_VPU_MUL1_IMM, p->a_scale);
        break;
    case CC_STREAM_ADD:
        in = ISA_PUT(in, ISA_VPU_CHAIN_IN_B_SRC, ISA_VPU_CHAIN_IN_B_SRC_SPM);
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_MUL1, ISA_VPU_CHAIN_FP_MUL1_IMM);
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_ADD2, ISA_VPU_CHAIN_FP_ADD2_B);
        sched_set_f32(&c, ISA_VPU_MUL1_IMM, p->a_scale);
        sched_set_f32(&c, ISA_VPU_B_SCALE, p->b_scale);
        break;
    case CC_STREAM_MUL: /* the product of the integers is exact in fp32 */
        in = ISA_PUT(in, ISA_VPU_CHAIN_IN_B_SRC, ISA_VPU_CHAIN_IN_B_SRC_SPM);
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_MUL1, ISA_VPU_CHAIN_FP_MUL1_B);
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_MUL2, ISA_VPU_CHAIN_FP_MUL2_IMM);
        sched_set_f32(&c, ISA_VPU_MUL2_IMM, p->a_scale);
        sched_set_f32(&c, ISA_VPU_B_SCALE, 1.0F);
        break;
    case CC_STREAM_CLAMP:
        break;
    }
    if (f->ops->load_b != NULL) {
        cc_set(&c, ISA_VPU_B_ZERO, (uint32_t)p->b_zero);
        sched_walk(&c, ISA_VPU_B_BASE, b_row, ISA_VPU_B_S0, (const int64_t[4]){1, 0, 0, 0});
    }
    cc_set(&c, ISA_VPU_CHAIN_IN, in);
    cc_set(&c, ISA_VPU_CHAIN_FP, fp);
    cc_set(&c, ISA_VPU_CHAIN_OUT, ISA_PUT(0, ISA_VPU_CHAIN_OUT_OUT, ISA_VPU_CHAIN_OUT_OUT_I8));
    cc_set(&c, ISA_VPU_A_ZERO, (uint32_t)p->a_zero);
    cc_set(&c, ISA_VPU_O_ZERO, (uint32_t)p->y.zero);
    cc_set(&c, ISA_VPU_O_LO, (uint32_t)p->y.lo);
    cc_set(&c, ISA_VPU_O_HI, (uint32_t)p->y.hi);
    sched_vpu_counts(&c, (const int64_t[4]){rows_of(f, step), 1, 1, 1});
    sched_walk(&c, ISA_VPU_A_BASE, a_row, ISA_VPU_A_S0, (const int64_t[4]){1, 0, 0, 0});
    sched_walk(&c, ISA_VPU_O_BASE, o_row, ISA_VPU_O_S0, (const int64_t[4]){1, 0, 0, 0});
    sched_push(s, &c);
}

static const flow_ops one_input = {.load = load, .compute = compute, .store = store};
static const flow_ops two_inputs = {.load = load, .load_b = load_b, .compute = compute, .store = store};

void sched_stream(sched *s) {
    const cc_stream *p = &s->group->u.stream;
    const bool two = p->b != NULL;
    int64_t in_limit, out_limit;
    sched_flow_limits(s, two, true, &in_limit, &out_limit);
    if (in_limit < 1) {
        sched_too_large(s, "two slots for each operand in banks of their own", 6 * s->spm_bank_rows, s->spm_rows);
        return;
    }
    /* chunks of a bank, or of a quarter of the tensor if that is smaller: loads, VPU and stores then overlap */
    const int64_t rows = s->group->y->rows;
    stream st = {.chunk = sched_min(sched_min(in_limit, 65535), sched_max(sched_div_up(rows, 4), 4 * s->d))};
    flow f = {.s = s, .ops = two ? &two_inputs : &one_input, .user = &st};
    f.n_steps = sched_div_up(rows, st.chunk);
    f.in_rows = f.out_rows = sched_min(st.chunk, rows);
    sched_flow_run(&f);
}
