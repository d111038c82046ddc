/*
 * stream.c -- the schedule of elementwise operators: rows through the VPU.
 *
 * Tensors of one shape go through in the order in which they lie. A second operand that is
 * broadcast is walked with strides of zero: then a step is some rows of one channel block of one
 * image, and the operand's part of it is loaded with it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flow.h"

#include "systole/graph/bf16.h"

typedef struct stream {
    int64_t chunk; /* rows of a step; broadcast: picture rows of a step */
    bool broadcast;
    int64_t row_steps; /* broadcast: steps of one channel block */
} stream;

/* A step of a broadcast operator. */
typedef struct part {
    int64_t n, block, y, height;
} part;

static part part_of(const flow *f, int64_t step)
{
    const stream *st = f->user;
    const cc_tensor *y = f->s->group->y;
    part p = {.y = step % st->row_steps * st->chunk, .block = step / st->row_steps % y->blocks};
    p.n = step / (st->row_steps * y->blocks);
    p.height = sched_min(st->chunk, y->h - p.y);
    return p;
}

static int64_t rows_of(const flow *f, int64_t step)
{
    const stream *st = f->user;
    if (st->broadcast) {
        return part_of(f, step).height * f->s->group->y->w;
    }
    return sched_min(st->chunk, f->s->group->y->rows - step * st->chunk);
}

/* Where the step's rows begin in a tensor of y's shape. */
static uint64_t address_of(const flow *f, const cc_tensor *t, int64_t step)
{
    const stream *st = f->user;
    if (st->broadcast) {
        const part p = part_of(f, step);
        return t->address +
               (uint64_t)((((p.n * t->blocks + p.block) * t->h + p.y) * t->w) * f->s->row_bytes);
    }
    return t->address + (uint64_t)(step * st->chunk * f->s->row_bytes);
}

static void load(flow *f, int64_t step, int64_t row)
{
    sched_load_bytes(f->s, address_of(f, f->s->group->x, step), rows_of(f, step) * f->s->row_bytes, row);
}

static void load_b(flow *f, int64_t step, int64_t row)
{
    const stream *st = f->user;
    const cc_tensor *b = f->s->group->u.stream.b;
    if (!st->broadcast) {
        sched_load_bytes(f->s, address_of(f, b, step), rows_of(f, step) * f->s->row_bytes, row);
        return;
    }
    const part p = part_of(f, step);
    if (b->folded) { /* one pixel for each image, or one for all */
        sched_load_bytes(f->s,
                         b->address + (uint64_t)((p.block * b->w + (b->w > 1 ? p.n : 0)) * f->s->row_bytes),
                         f->s->row_bytes, row);
        return;
    }
    const int64_t n = b->n > 1 ? p.n : 0;
    const int64_t y = b->h > 1 ? p.y : 0;
    const int64_t height = b->h > 1 ? p.height : 1;
    const uint64_t from = b->address +
                          (uint64_t)((((n * b->blocks + p.block) * b->h + y) * b->w) * f->s->row_bytes);
    sched_load_bytes(f->s, from, height * b->w * f->s->row_bytes, row);
}

static void store(flow *f, int64_t step, int64_t row)
{
    sched_store_bytes(f->s, address_of(f, f->s->group->y, step), rows_of(f, step) * f->s->row_bytes, row);
}

static void compute(flow *f, int64_t step, int64_t a_row, int64_t b_row, int64_t o_row)
{
    sched *s = f->s;
    const stream *st = f->user;
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
    case CC_STREAM_TABLE:
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_FN, ISA_VPU_CHAIN_FP_FN_TABLE);
        break;
    case CC_STREAM_CHAIN:
        sched_chain(&c, &p->chain);
        fp = p->chain.fp;
        if (p->b != NULL) {
            in = ISA_PUT(in, ISA_VPU_CHAIN_IN_B_SRC, ISA_VPU_CHAIN_IN_B_SRC_SPM);
            sched_set_f32(&c, ISA_VPU_B_SCALE, p->b_scale);
        }
        break;
    }
    if (f->ops->load_b != NULL) {
        cc_set(&c, ISA_VPU_B_ZERO, (uint32_t)p->b_zero);
        const bool pixel = st->broadcast && p->b->folded;
        const int64_t column = p->b->w > 1 && !pixel ? 1 : 0;
        sched_walk(&c, ISA_VPU_B_BASE, b_row, ISA_VPU_B_S0,
                   st->broadcast ? (const int64_t[4]){column, p->b->h > 1 ? p->b->w : 0, 0, 0}
                                 : (const int64_t[4]){1, 0, 0, 0});
    }
    cc_set(&c, ISA_VPU_CHAIN_IN, in);
    cc_set(&c, ISA_VPU_CHAIN_FP, fp);
    cc_set(&c, ISA_VPU_CHAIN_OUT, ISA_PUT(0, ISA_VPU_CHAIN_OUT_OUT, ISA_VPU_CHAIN_OUT_OUT_SPM));
    cc_set(&c, ISA_VPU_A_ZERO, (uint32_t)p->a_zero);
    cc_set(&c, ISA_VPU_O_ZERO, (uint32_t)p->y.zero);
    cc_set(&c, ISA_VPU_O_LO, (uint32_t)p->y.lo);
    cc_set(&c, ISA_VPU_O_HI, (uint32_t)p->y.hi);
    const int64_t w = st->broadcast ? s->group->y->w : rows_of(f, step);
    sched_vpu_counts(&c, (const int64_t[4]){w, rows_of(f, step) / w, 1, 1});
    sched_walk(&c, ISA_VPU_A_BASE, a_row, ISA_VPU_A_S0, (const int64_t[4]){1, w, 0, 0});
    sched_walk(&c, ISA_VPU_O_BASE, o_row, ISA_VPU_O_S0, (const int64_t[4]){1, w, 0, 0});
    sched_push(s, &c);
}

/* One of the three commands of Gelu's tanh form, over n rows in order: what ACC's first rows hold is read, or x if `from_x`. */
static void push_cubic(sched *s, int64_t n, bool from_x, const cc_chain *chain, int64_t a_row, int64_t o_row, uint32_t out)
{
    static const int64_t step[4] = {1, 0, 0, 0};
    cc_command c = sched_command(s, ISA_OP_VPU_VEC);
    uint32_t in = ISA_PUT(0, ISA_VPU_CHAIN_IN_A_SRC, from_x ? ISA_VPU_CHAIN_IN_A_SRC_SPM : ISA_VPU_CHAIN_IN_A_SRC_ACC_F32);
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_B_SRC, from_x ? ISA_VPU_CHAIN_IN_B_SRC_NONE : ISA_VPU_CHAIN_IN_B_SRC_SPM);
    cc_set(&c, ISA_VPU_CHAIN_IN, in);
    sched_chain(&c, chain);
    cc_set(&c, ISA_VPU_CHAIN_OUT, ISA_PUT(0, ISA_VPU_CHAIN_OUT_OUT, out));
    sched_set_f32(&c, ISA_VPU_B_SCALE, 1.0F);
    sched_vpu_counts(&c, (const int64_t[4]){n, 1, 1, 1});
    sched_walk(&c, ISA_VPU_A_BASE, from_x ? a_row : 0, ISA_VPU_A_S0, step);
    sched_walk(&c, ISA_VPU_B_BASE, a_row, ISA_VPU_B_S0, step);
    sched_walk(&c, ISA_VPU_O_BASE, o_row, ISA_VPU_O_S0, step);
    sched_push(s, &c);
}

/* x * x; (that * c1 + c2) * x in its place; the function of it, times x. */
static void compute_cubic(flow *f, int64_t step, int64_t a_row, int64_t b_row, int64_t o_row)
{
    (void)b_row;
    const int64_t n = rows_of(f, step);
    const cc_chain square = {.fp = ISA_PUT(0, ISA_VPU_CHAIN_FP_MUL3, ISA_VPU_CHAIN_FP_MUL3_PRE)};
    cc_chain cubic = {.fp = ISA_PUT(0, ISA_VPU_CHAIN_FP_MUL3, ISA_VPU_CHAIN_FP_MUL3_B), .mul1 = IR_BF16_GELU_C1, .add2 = IR_BF16_GELU_C2};
    cubic.fp = ISA_PUT(cubic.fp, ISA_VPU_CHAIN_FP_MUL1, ISA_VPU_CHAIN_FP_MUL1_IMM);
    cubic.fp = ISA_PUT(cubic.fp, ISA_VPU_CHAIN_FP_ADD2, ISA_VPU_CHAIN_FP_ADD2_IMM);
    push_cubic(f->s, n, true, &square, a_row, 0, ISA_VPU_CHAIN_OUT_OUT_F32);
    push_cubic(f->s, n, false, &cubic, a_row, 0, ISA_VPU_CHAIN_OUT_OUT_F32);
    push_cubic(f->s, n, false, &f->s->group->u.stream.chain, a_row, o_row, ISA_VPU_CHAIN_OUT_OUT_SPM);
}

static const flow_ops cubic_input = {.load = load, .compute = compute_cubic, .store = store};
static const flow_ops one_input = {.load = load, .compute = compute, .store = store};
static const flow_ops two_inputs = {
    .load = load, .load_b = load_b, .compute = compute, .store = store};

void sched_stream(sched *s)
{
    const cc_stream *p = &s->group->u.stream;
    const bool two = p->b != NULL;
    int64_t in_limit, out_limit;
    sched_flow_limits(s, two, true, &in_limit, &out_limit);
    if (in_limit < 1) {
        sched_too_large(s, "two slots for each operand in banks of their own", 6 * s->spm_bank_rows,
                        s->spm_rows);
        return;
    }
    const cc_tensor *y = s->group->y;
    stream st = {.broadcast = two && (p->b->folded != y->folded || p->b->n != y->n ||
                                      p->b->h != y->h || p->b->w != y->w)};
    flow f = {.s = s, .ops = two ? &two_inputs : p->cubic ? &cubic_input : &one_input, .user = &st};
    if (st.broadcast) {
        st.chunk = sched_max(1, sched_min(y->h, in_limit / y->w));
        st.row_steps = sched_div_up(y->h, st.chunk);
        f.n_steps = y->n * y->blocks * st.row_steps;
        f.in_rows = f.out_rows = st.chunk * y->w;
    } else {
        /* chunks of a bank, or of a quarter of the tensor if that is smaller: loads, VPU and stores
         * then overlap */
        st.chunk = sched_min(in_limit, sched_max(sched_div_up(y->rows, 4), 4 * s->d));
        if (p->cubic) {
            st.chunk = sched_min(st.chunk, s->acc_rows);
        }
        f.n_steps = sched_div_up(y->rows, st.chunk);
        f.in_rows = f.out_rows = sched_min(st.chunk, y->rows);
    }
    if (p->op == CC_STREAM_TABLE) {
        sched_flow_begin_table(s, false, p->table.address);
    }
    sched_flow_run(&f);
}
