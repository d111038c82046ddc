/*
 * norm.c -- the schedule of softmax and layer normalisation over the channels of each position: three commands of full length.
 *
 *     softmax   maximum                  | exp2 of the difference, 1 / sum      | times 1 / sum
 *     layer     mean                     | difference, 1 / deviation            | times 1 / deviation, scale, bias
 *
 * A step is some positions with all their channels. What the second command makes stays in ACC in fp32; the two results of
 * the reductions lie in ACC banks of their own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flow.h"

#include "systole/graph/bf16.h"

typedef struct norm {
    int64_t positions; /* of a step */
    int64_t values, first, second; /* ACC rows: [block][position], and the reductions */
} norm;

static int64_t positions_of(const flow *f, int64_t step)
{
    const norm *nm = f->user;
    return sched_min(nm->positions, f->s->group->x->w - step * nm->positions);
}

static void move_box(flow *f, const cc_tensor *t, int64_t step, int64_t row, bool is_load)
{
    const norm *nm = f->user;
    const sched_box box = {.tensor = t, .block = 0, .blocks = t->blocks, .height = 1, .x = step * nm->positions, .width = positions_of(f, step)};
    if (is_load) {
        sched_load(f->s, &box, row, 0);
    } else {
        sched_store(f->s, &box, row);
    }
}

static void load(flow *f, int64_t step, int64_t row)
{
    move_box(f, f->s->group->x, step, row, true);
}

static void store(flow *f, int64_t step, int64_t row)
{
    move_box(f, f->s->group->y, step, row, false);
}

static void load_constants(flow *f, int64_t step, int64_t row)
{
    (void)step;
    const cc_blob *b = &f->s->group->u.norm.constants;
    sched_load_bytes(f->s, b->address, (int64_t)b->n_bytes, row);
}

/* Loops: channel blocks inside, positions outside. */
static cc_command begin(const flow *f, int64_t n)
{
    const cc_tensor *x = f->s->group->x;
    cc_command c = sched_command(f->s, ISA_OP_VPU_VEC);
    sched_vpu_counts(&c, (const int64_t[4]){x->blocks, n, 1, 1});
    cc_set(&c, ISA_VPU_TAIL, (uint32_t)(x->c % f->s->d));
    return c;
}

static uint32_t sources(uint32_t a, uint32_t b)
{
    return ISA_PUT(ISA_PUT(0, ISA_VPU_CHAIN_IN_A_SRC, a), ISA_VPU_CHAIN_IN_B_SRC, b);
}

static void set_reduction(cc_command *c, uint32_t out, uint32_t red, uint32_t fn, int64_t row, float mul, float add)
{
    uint32_t v = ISA_PUT(0, ISA_VPU_CHAIN_OUT_OUT, out);
    v = ISA_PUT(v, ISA_VPU_CHAIN_OUT_RED, red);
    v = ISA_PUT(v, ISA_VPU_CHAIN_OUT_RED_SRC, ISA_VPU_CHAIN_OUT_RED_SRC_FP);
    v = ISA_PUT(v, ISA_VPU_CHAIN_OUT_RED_LOOPS, ISA_VPU_CHAIN_OUT_RED_LOOPS_ONE);
    v = ISA_PUT(v, ISA_VPU_CHAIN_OUT_RED_LANES, ISA_VPU_CHAIN_OUT_RED_LANES_ON);
    v = ISA_PUT(v, ISA_VPU_CHAIN_OUT_RED_FN, fn);
    v = ISA_PUT(v, ISA_VPU_CHAIN_OUT_RED_OUT, ISA_VPU_CHAIN_OUT_RED_OUT_F32);
    cc_set(c, ISA_VPU_CHAIN_OUT, v);
    sched_walk(c, ISA_VPU_R_BASE, row, ISA_VPU_R_S0, (const int64_t[4]){0, 1, 0, 0});
    sched_set_f32(c, ISA_VPU_R_MUL, mul);
    sched_set_f32(c, ISA_VPU_R_ADD, add);
}

/* One value for each position, the same for all its blocks. */
static void set_b(cc_command *c, int64_t row, float scale)
{
    sched_walk(c, ISA_VPU_B_BASE, row, ISA_VPU_B_S0, (const int64_t[4]){0, 1, 0, 0});
    sched_set_f32(c, ISA_VPU_B_SCALE, scale);
}

static void reduce_first(flow *f, int64_t n, int64_t a_row)
{
    const norm *nm = f->user;
    const cc_norm *p = &f->s->group->u.norm;
    cc_command c = begin(f, n);
    cc_set(&c, ISA_VPU_CHAIN_IN, sources(ISA_VPU_CHAIN_IN_A_SRC_SPM, ISA_VPU_CHAIN_IN_B_SRC_NONE));
    cc_set(&c, ISA_VPU_CHAIN_FP, 0);
    set_reduction(&c, ISA_VPU_CHAIN_OUT_OUT_NONE, p->is_softmax ? ISA_VPU_CHAIN_OUT_RED_MAX : ISA_VPU_CHAIN_OUT_RED_SUM,
                  ISA_VPU_CHAIN_OUT_RED_FN_NONE, nm->first, p->is_softmax ? 1.0F : 1.0F / (float)f->s->group->x->c, 0.0F);
    sched_walk(&c, ISA_VPU_A_BASE, a_row, ISA_VPU_A_S0, (const int64_t[4]){n, 1, 0, 0});
    sched_push(f->s, &c);
}

static void reduce_second(flow *f, int64_t n, int64_t a_row)
{
    const norm *nm = f->user;
    const cc_norm *p = &f->s->group->u.norm;
    cc_command c = begin(f, n);
    cc_chain chain = {.fp = ISA_PUT(0, ISA_VPU_CHAIN_FP_ADD1, ISA_VPU_CHAIN_FP_ADD1_B)};
    if (p->is_softmax) {
        chain.fp = ISA_PUT(chain.fp, ISA_VPU_CHAIN_FP_MUL1, ISA_VPU_CHAIN_FP_MUL1_IMM);
        chain.fp = ISA_PUT(chain.fp, ISA_VPU_CHAIN_FP_FN, ISA_VPU_CHAIN_FP_FN_EXP2);
        chain.mul1 = IR_BF16_LOG2E;
    }
    cc_set(&c, ISA_VPU_CHAIN_IN, sources(ISA_VPU_CHAIN_IN_A_SRC_SPM, ISA_VPU_CHAIN_IN_B_SRC_ACC_F32));
    sched_chain(&c, &chain);
    set_b(&c, nm->first, -1.0F);
    set_reduction(&c, ISA_VPU_CHAIN_OUT_OUT_F32, p->is_softmax ? ISA_VPU_CHAIN_OUT_RED_SUM : ISA_VPU_CHAIN_OUT_RED_SUMSQ,
                  p->is_softmax ? ISA_VPU_CHAIN_OUT_RED_FN_RECIP : ISA_VPU_CHAIN_OUT_RED_FN_RSQRT, nm->second,
                  p->is_softmax ? 1.0F : 1.0F / (float)f->s->group->x->c, p->is_softmax ? 0.0F : p->epsilon);
    sched_walk(&c, ISA_VPU_A_BASE, a_row, ISA_VPU_A_S0, (const int64_t[4]){n, 1, 0, 0});
    sched_walk(&c, ISA_VPU_O_BASE, nm->values, ISA_VPU_O_S0, (const int64_t[4]){n, 1, 0, 0});
    sched_push(f->s, &c);
}

/* Rows `row`.. of values times the second reduction, then what `fp` says. */
static void finish(flow *f, int64_t row, int64_t rows, int64_t n, int64_t o_row, uint32_t fp)
{
    const norm *nm = f->user;
    cc_command c = sched_command(f->s, ISA_OP_VPU_VEC);
    sched_vpu_counts(&c, (const int64_t[4]){rows, n, 1, 1});
    cc_set(&c, ISA_VPU_TAIL, 0);
    cc_set(&c, ISA_VPU_CHAIN_IN, sources(ISA_VPU_CHAIN_IN_A_SRC_ACC_F32, ISA_VPU_CHAIN_IN_B_SRC_ACC_F32));
    cc_set(&c, ISA_VPU_CHAIN_FP, ISA_PUT(fp, ISA_VPU_CHAIN_FP_MUL1, ISA_VPU_CHAIN_FP_MUL1_B));
    cc_set(&c, ISA_VPU_CHAIN_OUT, ISA_PUT(0, ISA_VPU_CHAIN_OUT_OUT, ISA_VPU_CHAIN_OUT_OUT_SPM));
    set_b(&c, nm->second, 1.0F);
    sched_walk(&c, ISA_VPU_A_BASE, row, ISA_VPU_A_S0, (const int64_t[4]){n, 1, 0, 0});
    sched_walk(&c, ISA_VPU_O_BASE, o_row, ISA_VPU_O_S0, (const int64_t[4]){n, 1, 0, 0});
    sched_push(f->s, &c);
}

static void compute(flow *f, int64_t step, int64_t a_row, int64_t b_row, int64_t o_row)
{
    const norm *nm = f->user;
    const cc_group *g = f->s->group;
    const int64_t n = positions_of(f, step);
    reduce_first(f, n, a_row);
    reduce_second(f, n, a_row);
    if (g->u.norm.is_softmax) {
        finish(f, nm->values, g->x->blocks, n, o_row, 0);
        return;
    }
    uint32_t fp = ISA_PUT(0, ISA_VPU_CHAIN_FP_MUL2, ISA_VPU_CHAIN_FP_MUL2_ROW);
    fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_ADD2, ISA_VPU_CHAIN_FP_ADD2_ROW);
    for (int64_t block = 0; block < g->x->blocks; block++) { /* scale and bias are a block's own */
        cc_command c = sched_command(f->s, ISA_OP_VPU_ROWS);
        cc_set(&c, ISA_VPU_A_BASE, (uint32_t)(b_row + block * sched_constant_rows(f->s)));
        cc_set(&c, ISA_VPU_ROWS, ISA_PUT(ISA_PUT(0, ISA_VPU_ROWS_FIRST, 3), ISA_VPU_ROWS_COUNT, 2));
        sched_push(f->s, &c);
        finish(f, nm->values + block * n, 1, n, o_row + block * n, fp);
    }
}

static const flow_ops softmax_ops = {.load = load, .compute = compute, .store = store};
static const flow_ops layer_ops = {.load = load, .load_b = load_constants, .compute = compute, .store = store};

void sched_norm(sched *s)
{
    const cc_group *g = s->group;
    const cc_norm *p = &g->u.norm;
    const int64_t banks = s->config->acc_banks;
    int64_t in_limit, out_limit;
    if (banks < 4) {
        sched_too_large(s, "values and two reductions in ACC banks of their own", 4 * s->acc_bank_rows, s->acc_rows);
        return;
    }
    sched_flow_limits(s, !p->is_softmax, true, &in_limit, &out_limit);
    const int64_t value_rows = (banks - 2) * s->acc_bank_rows;
    norm nm = {.values = 0, .first = value_rows, .second = value_rows + s->acc_bank_rows};
    const int64_t fit = sched_min(sched_min(in_limit, value_rows) / g->x->blocks, s->acc_bank_rows);
    if (in_limit < g->x->blocks) {
        sched_too_large(s, "a slot of SPM for the channels of one position", g->x->blocks, in_limit);
        return;
    }
    if (fit < 1) {
        sched_too_large(s, "the channels of one position in ACC", g->x->blocks, value_rows);
        return;
    }
    nm.positions = sched_min(fit, sched_max(sched_div_up(g->x->w, 4), sched_min(s->d, g->x->w)));
    flow f = {.s = s, .ops = p->is_softmax ? &softmax_ops : &layer_ops, .user = &nm};
    f.n_steps = sched_div_up(g->x->w, nm.positions);
    f.in_rows = f.out_rows = nm.positions * g->x->blocks;
    if (!p->is_softmax) {
        f.in_rows = sched_max(f.in_rows, g->x->blocks * sched_constant_rows(s));
    }
    sched_flow_run(&f);
}
