/*
 * depthwise.c -- the schedule of depthwise convolutions: the VPU's window slides along the rows of a channel block.
 *
 * A step is some output rows of one channel block of one image. Its weights and constants are the second input. Rows above
 * and below the picture are not read, nor are they stored anywhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flow.h"

/* Rows of a step of small planes: more expose the first load and the last store, fewer LD's latency. */
#define STEP_ROWS 100

typedef struct depthwise {
    int64_t height; /* output rows of a step */
    int64_t row_steps;
    int64_t blocks; /* channel blocks of a step: several where a plane is small */
    int64_t block_steps;
    int64_t constant_rows; /* SPM rows of a block's constants */
} depthwise;

typedef struct tile {
    int64_t n, block, blocks, y0, height;
    int64_t in_y, in_h;
} tile;

static tile tile_of(const flow *f, int64_t step)
{
    const depthwise *dw = f->user;
    const cc_group *g = f->s->group;
    const cc_window *w = &g->u.depthwise.window;
    tile t = {.y0 = step % dw->row_steps * dw->height, .block = step / dw->row_steps % dw->block_steps * dw->blocks};
    t.n = step / (dw->row_steps * dw->block_steps);
    t.blocks = sched_min(dw->blocks, g->x->blocks - t.block);
    t.height = sched_min(dw->height, g->y->h - t.y0);
    t.in_y = sched_max(0, t.y0 * w->stride_h - w->pad_top);
    t.in_h = sched_min(g->x->h, (t.y0 + t.height - 1) * w->stride_h - w->pad_top + w->kh) - t.in_y;
    return t;
}

static void load(flow *f, int64_t step, int64_t row)
{
    const cc_group *g = f->s->group;
    const tile t = tile_of(f, step);
    const sched_box box = {.tensor = g->x, .n = t.n, .block = t.block, .blocks = t.blocks, .y = t.in_y, .height = t.in_h, .width = g->x->w};
    sched_load(f->s, &box, row, g->u.depthwise.x_zero);
}

static void load_constants(flow *f, int64_t step, int64_t row)
{
    const depthwise *dw = f->user;
    const int64_t bytes = dw->constant_rows * f->s->row_bytes;
    const tile t = tile_of(f, step);
    sched_load_bytes(f->s, f->s->group->u.depthwise.constants.address + (uint64_t)(t.block * bytes), t.blocks * bytes, row);
}

static void emit_constants(sched *s, const cc_depthwise *p, int64_t row)
{
    const int64_t taps = p->window.kh * p->window.kw;
    cc_command c = sched_command(s, ISA_OP_VPU_TAPS);
    cc_set(&c, ISA_VPU_A_BASE, (uint32_t)row);
    cc_set(&c, ISA_VPU_TAPS, ISA_PUT(ISA_PUT(0, ISA_VPU_TAPS_TAP_FIRST, 0), ISA_VPU_TAPS_TAP_COUNT, (uint32_t)taps));
    sched_push(s, &c);
    c = sched_command(s, ISA_OP_VPU_ROWS);
    cc_set(&c, ISA_VPU_A_BASE, (uint32_t)(row + taps));
    cc_set(&c, ISA_VPU_ROWS, ISA_PUT(ISA_PUT(0, ISA_VPU_ROWS_FIRST, p->is_bf16 ? 2 : 0), ISA_VPU_ROWS_COUNT, 2));
    sched_push(s, &c);
}

static void emit_plane(flow *f, const tile *at, int64_t a_row, int64_t b_row, int64_t o_row)
{
    sched *s = f->s;
    const cc_group *g = s->group;
    const cc_depthwise *p = &g->u.depthwise;
    const cc_window *w = &p->window;
    const tile t = *at;
    emit_constants(s, p, b_row);
    cc_command c = sched_command(s, ISA_OP_VPU_VEC);
    uint32_t in = ISA_PUT(0, ISA_VPU_CHAIN_IN_A_SRC, ISA_VPU_CHAIN_IN_A_SRC_SPM);
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_WINDOW, w->kw == 3 ? ISA_VPU_CHAIN_IN_WINDOW_TAPS3 : ISA_VPU_CHAIN_IN_WINDOW_TAPS5);
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_STRIDE2, w->stride_w == 2 ? ISA_VPU_CHAIN_IN_STRIDE2_ON : ISA_VPU_CHAIN_IN_STRIDE2_OFF);
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_WIN_PAD, (uint32_t)w->pad_left);
    if (p->is_bf16) {
        sched_chain(&c, &p->chain);
    } else {
        in = ISA_PUT(in, ISA_VPU_CHAIN_IN_IADD, ISA_VPU_CHAIN_IN_IADD_ROW);
        const uint32_t fp = ISA_PUT(0, ISA_VPU_CHAIN_FP_MUL1, ISA_VPU_CHAIN_FP_MUL1_ROW);
        const cc_requant *y = p->table.used ? &p->table.y : &p->y;
        cc_set(&c, ISA_VPU_CHAIN_FP, p->table.used ? sched_set_table(&c, fp, &p->y) : fp);
        cc_set(&c, ISA_VPU_A_ZERO, (uint32_t)p->x_zero);
        cc_set(&c, ISA_VPU_O_ZERO, (uint32_t)y->zero);
        cc_set(&c, ISA_VPU_O_LO, (uint32_t)y->lo);
        cc_set(&c, ISA_VPU_O_HI, (uint32_t)y->hi);
    }
    cc_set(&c, ISA_VPU_CHAIN_IN, in);
    cc_set(&c, ISA_VPU_CHAIN_OUT, ISA_PUT(0, ISA_VPU_CHAIN_OUT_OUT, ISA_VPU_CHAIN_OUT_OUT_SPM));
    cc_set(&c, ISA_VPU_TAIL, 0);
    cc_set(&c, ISA_VPU_WIN_OUT, (uint32_t)g->y->w);
    cc_set(&c, ISA_VPU_WIN_TOP, (uint32_t)(t.in_y - (t.y0 * w->stride_h - w->pad_top)));
    cc_set(&c, ISA_VPU_WIN_ROWS, (uint32_t)t.in_h);
    sched_vpu_counts(&c, (const int64_t[4]){w->kh, g->x->w, t.height, 1});
    sched_walk(&c, ISA_VPU_A_BASE, a_row, ISA_VPU_A_S0, (const int64_t[4]){g->x->w, 1, 0, 0});
    sched_walk(&c, ISA_VPU_O_BASE, o_row, ISA_VPU_O_S0, (const int64_t[4]){0, 1, g->y->w, 0});
    sched_push(s, &c);
}

static void compute(flow *f, int64_t step, int64_t a_row, int64_t b_row, int64_t o_row)
{
    const depthwise *dw = f->user;
    const cc_group *g = f->s->group;
    const tile t = tile_of(f, step);
    for (int64_t b = 0; b < t.blocks; b++) {
        emit_plane(f, &t, a_row + b * t.in_h * g->x->w, b_row + b * dw->constant_rows, o_row + b * t.height * g->y->w);
    }
}

static void store(flow *f, int64_t step, int64_t row)
{
    const cc_group *g = f->s->group;
    const tile t = tile_of(f, step);
    const sched_box box = {.tensor = g->y, .n = t.n, .block = t.block, .blocks = t.blocks, .y = t.y0, .height = t.height, .width = g->y->w};
    sched_store(f->s, &box, row);
}

static const flow_ops ops = {.load = load, .load_b = load_constants, .compute = compute, .store = store};

void sched_depthwise(sched *s)
{
    const cc_group *g = s->group;
    const cc_window *w = &g->u.depthwise.window;
    int64_t in_limit, out_limit;
    sched_flow_limits(s, true, true, &in_limit, &out_limit);
    depthwise dw = {.height = g->y->h, .constant_rows = w->kh * w->kw + sched_constant_rows(s)};
    while (dw.height > 1 && (((dw.height - 1) * w->stride_h + w->kh) * g->x->w > in_limit || dw.height * g->y->w > out_limit)) {
        dw.height = sched_div_up(dw.height, 2);
    }
    dw.row_steps = sched_div_up(g->y->h, dw.height);
    const int64_t plane = sched_max(g->x->h * g->x->w, dw.constant_rows);
    dw.blocks = dw.row_steps > 1 ? 1 : sched_max(1, sched_min(sched_min(in_limit, STEP_ROWS) / plane, sched_div_up(g->x->blocks, 4)));
    dw.block_steps = sched_div_up(g->x->blocks, dw.blocks);
    flow f = {.s = s, .ops = &ops, .user = &dw};
    f.n_steps = g->x->n * dw.block_steps * dw.row_steps;
    f.in_rows = dw.blocks * sched_max(sched_min(g->x->h, (dw.height - 1) * w->stride_h + w->kh) * g->x->w, dw.constant_rows);
    f.out_rows = dw.blocks * dw.height * g->y->w;
    if (g->u.depthwise.table.used) {
        sched_flow_begin_table(s, true, g->u.depthwise.constants.address + g->u.depthwise.table.offset);
    }
    sched_flow_run(&f);
}
