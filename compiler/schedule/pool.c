/*
 * pool.c -- the schedule of max and average pooling: the VPU's reduction over the window in the
 * inner loops.
 *
 * The outputs of a tile fall into rectangles in which the window meets the same taps (at the
 * borders it meets fewer); each rectangle is a command of its own, and for averages has its own
 * divisor.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flow.h"

typedef struct tile {
    int64_t n, block, blocks, y0, height;
    int64_t in_y, in_h;
} tile;

typedef struct pool {
    int64_t blocks, height; /* of a step */
    int64_t block_steps, row_steps;
} pool;

static tile tile_of(const flow *f, int64_t step)
{
    const pool *pl = f->user;
    const cc_group *g = f->s->group;
    const cc_window *w = &g->u.pool.window;
    tile t = {.y0 = step % pl->row_steps * pl->height,
              .block = step / pl->row_steps % pl->block_steps * pl->blocks};
    t.n = step / (pl->row_steps * pl->block_steps);
    t.blocks = sched_min(pl->blocks, g->x->blocks - t.block);
    const int64_t out_h = g->y->folded ? 1 : g->y->h;
    t.height = sched_min(pl->height, out_h - t.y0);
    t.in_y = sched_max(0, t.y0 * w->stride_h - w->pad_top);
    const int64_t end = sched_min(g->x->h, (t.y0 + t.height - 1) * w->stride_h +
                                               (w->kh - 1) * w->dilation_h - w->pad_top + 1);
    t.in_h = sched_max(1, end - t.in_y);
    return t;
}

static void load(flow *f, int64_t step, int64_t row)
{
    const cc_group *g = f->s->group;
    const tile t = tile_of(f, step);
    const sched_box box = {.tensor = g->x,
                           .n = t.n,
                           .block = t.block,
                           .blocks = t.blocks,
                           .y = t.in_y,
                           .height = t.in_h,
                           .width = g->x->w};
    sched_load(f->s, &box, row, g->u.pool.x_zero);
}

static void push_rectangle(flow *f, const tile *t, const sched_span *y, const sched_span *x,
                           int64_t block, int64_t a_row, int64_t o_row)
{
    sched *s = f->s;
    const cc_group *g = s->group;
    const cc_pool *p = &g->u.pool;
    const cc_window *w = &p->window;
    const int64_t out_w = g->y->folded ? 1 : g->y->w;
    const int64_t iy = y->lo * w->stride_h + y->tap_lo * w->dilation_h - w->pad_top - t->in_y;
    const int64_t ix = x->lo * w->stride_w + x->tap_lo * w->dilation_w - w->pad_left;
    const int64_t a = a_row + (block * t->in_h + iy) * g->x->w + ix;
    const int64_t o = o_row + (block * t->height + (y->lo - t->y0)) * out_w + x->lo;
    cc_command c = sched_command(s, ISA_OP_VPU_VEC);
    cc_set(&c, ISA_VPU_CHAIN_IN, ISA_PUT(0, ISA_VPU_CHAIN_IN_A_SRC, ISA_VPU_CHAIN_IN_A_SRC_SPM));
    cc_set(&c, ISA_VPU_CHAIN_FP, 0);
    uint32_t out = ISA_PUT(0, ISA_VPU_CHAIN_OUT_RED,
                           p->average ? ISA_VPU_CHAIN_OUT_RED_SUM : ISA_VPU_CHAIN_OUT_RED_MAX);
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_RED_SRC,
                  p->is_bf16 ? ISA_VPU_CHAIN_OUT_RED_SRC_FP : ISA_VPU_CHAIN_OUT_RED_SRC_INT);
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_RED_LOOPS, ISA_VPU_CHAIN_OUT_RED_LOOPS_TWO);
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_RED_OUT, ISA_VPU_CHAIN_OUT_RED_OUT_SPM);
    cc_set(&c, ISA_VPU_CHAIN_OUT, out);
    float scale = 1.0F;
    if (p->average) {
        const int64_t n = p->count_include_pad ? y->counted * x->counted
                                               : (y->tap_hi - y->tap_lo) * (x->tap_hi - x->tap_lo);
        const float divisor = p->y_scale * (float)n;
        scale = p->x_scale / divisor;
    }
    cc_set(&c, ISA_VPU_A_ZERO, p->average ? (uint32_t)p->x_zero : 0);
    sched_set_f32(&c, ISA_VPU_R_MUL, scale);
    sched_set_f32(&c, ISA_VPU_R_ADD, 0.0F);
    cc_set(&c, ISA_VPU_R_ZERO, p->average ? (uint32_t)p->y.zero : 0);
    cc_set(&c, ISA_VPU_R_LO, (uint32_t)p->y.lo);
    cc_set(&c, ISA_VPU_R_HI, (uint32_t)p->y.hi);
    sched_vpu_counts(&c, (const int64_t[4]){x->tap_hi - x->tap_lo, y->tap_hi - y->tap_lo,
                                            x->hi - x->lo, y->hi - y->lo});
    sched_walk(&c, ISA_VPU_A_BASE, a, ISA_VPU_A_S0,
               (const int64_t[4]){w->dilation_w, w->dilation_h * g->x->w, w->stride_w,
                                  w->stride_h * g->x->w});
    sched_walk(&c, ISA_VPU_R_BASE, o, ISA_VPU_R_S0, (const int64_t[4]){0, 0, 1, out_w});
    sched_push(s, &c);
}

static void compute(flow *f, int64_t step, int64_t a_row, int64_t b_row, int64_t o_row)
{
    (void)b_row;
    const cc_group *g = f->s->group;
    const cc_pool *p = &g->u.pool;
    const cc_window *w = &p->window;
    const tile t = tile_of(f, step);
    const int64_t out_w = g->y->folded ? 1 : g->y->w;
    for (int64_t block = 0; block < t.blocks; block++) {
        for (int64_t oy = t.y0; oy < t.y0 + t.height;) {
            const sched_span y = sched_span_at(oy, t.y0 + t.height, w->kh, w->stride_h,
                                               w->dilation_h, w->pad_top, g->x->h,
                                               g->x->h + p->pad_bottom);
            for (int64_t ox = 0; ox < out_w;) {
                const sched_span x = sched_span_at(ox, out_w, w->kw, w->stride_w, w->dilation_w,
                                                   w->pad_left, g->x->w, g->x->w + p->pad_right);
                push_rectangle(f, &t, &y, &x, block, a_row, o_row);
                ox = x.hi;
            }
            oy = y.hi;
        }
    }
}

static void store(flow *f, int64_t step, int64_t row)
{
    const cc_group *g = f->s->group;
    const tile t = tile_of(f, step);
    sched_box box = {.tensor = g->y,
                     .n = t.n,
                     .block = t.block,
                     .blocks = t.blocks,
                     .y = t.y0,
                     .height = t.height,
                     .width = g->y->w};
    if (g->y->folded) { /* images along w */
        box.n = 0;
        box.x = t.n;
        box.width = 1;
    }
    sched_store(f->s, &box, row);
}

static const flow_ops ops = {.load = load, .compute = compute, .store = store};

static int64_t input_rows(const cc_group *g, int64_t height)
{
    const cc_window *w = &g->u.pool.window;
    return sched_min(g->x->h, (height - 1) * w->stride_h + (w->kh - 1) * w->dilation_h + 1) *
           g->x->w;
}

void sched_pool(sched *s)
{
    const cc_group *g = s->group;
    const int64_t out_h = g->y->folded ? 1 : g->y->h;
    const int64_t out_w = g->y->folded ? 1 : g->y->w;
    int64_t in_limit, out_limit;
    sched_flow_limits(s, false, true, &in_limit, &out_limit);
    pool pl = {.blocks = 1, .height = out_h};
    while (pl.height > 1 &&
           (input_rows(g, pl.height) > in_limit || pl.height * out_w > out_limit)) {
        pl.height = sched_div_up(pl.height, 2);
    }
    if (pl.height == out_h) {
        /* whole planes: several of them, but at least four steps so that loads, VPU and stores
         * overlap */
        const int64_t fit = sched_min(in_limit / sched_max(1, input_rows(g, out_h)),
                                      out_limit / sched_max(1, out_h * out_w));
        pl.blocks = sched_max(1, sched_min(fit, sched_div_up(g->x->blocks, 4)));
    }
    pl.block_steps = sched_div_up(g->x->blocks, pl.blocks);
    pl.row_steps = sched_div_up(out_h, pl.height);
    flow f = {.s = s, .ops = &ops, .user = &pl};
    f.n_steps = g->x->n * pl.block_steps * pl.row_steps;
    f.in_rows = pl.blocks * input_rows(g, pl.height);
    f.out_rows = pl.blocks * pl.height * out_w;
    sched_flow_run(&f);
}
