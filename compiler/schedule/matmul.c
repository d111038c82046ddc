/*
 * matmul.c -- the schedule of convolutions and matrix products.
 *
 * A job is one output tile of one out block (D output channels): its rows accumulate in an ACC slot
 * over all taps of the window and all input channel blocks, then one VPU command takes them to
 * int8. A job's input blocks are cut into chunks where SPM is too small; a chunk is a step.
 *
 *   A ring   input tiles by chunk       LD -> MXU        K ring   bias and scale rows     LD -> VPU
 *   W ring   weights by chunk           LD -> MXU        R ring   residual tiles          LD -> VPU
 *   C ring   ACC, two slots             MXU -> VPU       O ring   output tiles            VPU -> ST
 *
 * Padding is skipped, not stored: a tap is a command over the output rectangle for which it meets
 * the input. The first tap overwrites ACC if its rectangle is the whole tile; where no tap's is,
 * the VPU writes zeros first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "matmul.h"
#include "systole/base/assert.h"

/* ---------------------------------------------------------------- steps */

static void add_job(matmul *m, int64_t n, int64_t tile, int64_t y0, int64_t x0, int64_t block)
{
    const plan *p = &m->plan;
    const cc_out_block *ob = &m->p->out_blocks[block];
    job *j = &m->jobs[m->n_jobs++];
    *j = (job){.n = n, .tile = tile, .y0 = y0, .x0 = x0, .block = block};
    j->height = sched_min(p->tile_h, m->out_h - y0);
    j->width = sched_min(p->tile_w, m->out_w - x0);
    j->first_chunk = ob->first_block / p->chunk;
    j->n_chunks = (ob->first_block + ob->n_blocks - 1) / p->chunk - j->first_chunk + 1;
}

static void make_jobs(matmul *m)
{
    sched *s = m->s;
    const plan *p = &m->plan;
    const int64_t rows = sched_div_up(m->out_h, p->tile_h);
    const int64_t columns = sched_div_up(m->out_w, p->tile_w);
    const int64_t tiles = m->images * rows * columns;
    m->jobs = base_arena_alloc(s->arena, (size_t)(tiles * m->y->blocks), sizeof(job));
    if (m->jobs == NULL) {
        s->status = SY_ENOMEM;
        return;
    }
    const int64_t outer = p->weights_outer ? m->y->blocks : 1;
    const int64_t inner = p->weights_outer ? 1 : m->y->blocks;
    for (int64_t o = 0; o < outer; o++) {
        for (int64_t tile = 0; tile < tiles; tile++) {
            const int64_t y0 = tile / columns % rows * p->tile_h;
            const int64_t x0 = tile % columns * p->tile_w;
            for (int64_t i = 0; i < inner; i++) {
                add_job(m, tile / (rows * columns), tile, y0, x0, p->weights_outer ? o : i);
            }
        }
    }
}

static int64_t weight_key(const matmul *m, const job *j, int64_t chunk)
{
    const int64_t chunks = m->x_blocks + 1;
    const int64_t product = m->p->w_activation ? j->n : 0;
    return (product * m->y->blocks + j->block) * chunks + chunk;
}

/* Tells every ring what its consumer will use, in order. */
static void touch_all(matmul *m)
{
    sched *s = m->s;
    int64_t step = 0;
    for (int64_t i = 0; i < m->n_jobs && s->status == SY_OK; i++) {
        const job *j = &m->jobs[i];
        for (int64_t q = j->first_chunk; q < j->first_chunk + j->n_chunks; q++, step++) {
            sched_ring_touch(s, &m->a, j->tile * (m->x_blocks + 1) + q, step);
            sched_ring_touch(s, &m->w, weight_key(m, j, q), step);
        }
        sched_ring_touch(s, &m->k, j->block, i);
        if (m->p->residual != NULL) {
            sched_ring_touch(s, &m->r, i, i);
        }
        sched_ring_touch(s, &m->c, i, i);
        sched_ring_touch(s, &m->o, i, i);
    }
}

static sched_box output_box(const cc_tensor *t, const matmul *m, const job *j)
{
    sched_box box = {.tensor = t, .n = j->n, .block = j->block, .blocks = 1};
    box.y = j->y0;
    box.height = j->height;
    box.x = j->x0;
    box.width = j->width;
    if (t->folded) { /* a batch of products: positions of product n follow those of product n - 1 */
        box.n = 0;
        box.x = j->n * m->out_w + j->x0;
    }
    return box;
}

/* ---------------------------------------------------------------- emission */

/* The chunk of job j that entry `entry` of ring A or W holds. */
typedef struct cursor {
    int64_t job, chunk;
} cursor;

static void fill_a(matmul *m, const job *j, int64_t chunk)
{
    sched *s = m->s;
    int64_t y, h, x, w;
    if (m->p->packed) {
        const sched_patch patch = {.tensor = m->x,
                                   .window = &m->p->window,
                                   .n = j->n,
                                   .y = j->y0,
                                   .height = j->height,
                                   .x = j->x0,
                                   .width = j->width,
                                   .window_rows = m->x_blocks};
        sched_ring_begin_fill(s, &m->a);
        sched_load_patch(s, &patch, sched_ring_row(&m->a, m->a.filled), m->p->x_zero);
        sched_ring_end_fill(s, &m->a);
        return;
    }
    sched_tile_input(m, j, &y, &h, &x, &w);
    sched_box box = {
        .tensor = m->x, .flat = m->p->flat, .n = j->n, .y = y, .height = h, .x = x, .width = w};
    box.block = chunk * m->plan.chunk;
    box.blocks = sched_min(m->plan.chunk, m->x_blocks - box.block);
    if (m->x->folded) {
        box.n = 0;
        box.x = j->n * m->x_w + x;
    }
    sched_ring_begin_fill(s, &m->a);
    sched_load(s, &box, sched_ring_row(&m->a, m->a.filled), m->p->x_zero);
    sched_ring_end_fill(s, &m->a);
}

/* Input blocks of a chunk that the job's out block uses. */
static void chunk_blocks(const matmul *m, const job *j, int64_t chunk, int64_t *first,
                         int64_t *count)
{
    const cc_out_block *ob = &m->p->out_blocks[j->block];
    const int64_t lo = sched_max(ob->first_block, chunk * m->plan.chunk);
    const int64_t hi = sched_min(ob->first_block + ob->n_blocks, (chunk + 1) * m->plan.chunk);
    *first = lo;
    *count = hi - lo;
}

static void fill_w(matmul *m, const job *j, int64_t chunk)
{
    sched *s = m->s;
    const cc_out_block *ob = &m->p->out_blocks[j->block];
    int64_t first, count;
    chunk_blocks(m, j, chunk, &first, &count);
    sched_ring_begin_fill(s, &m->w);
    const int64_t row = sched_ring_row(&m->w, m->w.filled);
    if (m->p->w_activation) {
        const int64_t k = m->p->w->w / m->p->batch;
        const sched_box box = {.tensor = m->p->w,
                               .block = j->block,
                               .blocks = 1,
                               .height = 1,
                               .x = j->n * k + first * s->d,
                               .width = count * s->d};
        sched_load(s, &box, row, 0);
    } else {
        const int64_t plane = m->taps * s->d * s->row_bytes;
        const uint64_t from = m->p->weights.address + ob->weights +
                              (uint64_t)((first - ob->first_block) * plane);
        sched_load_bytes(s, from, count * plane, row);
    }
    sched_ring_end_fill(s, &m->w);
}

static void fill_k(matmul *m, const job *j)
{
    sched *s = m->s;
    sched_ring_begin_fill(s, &m->k);
    sched_load_bytes(s, m->p->constants.address + m->p->out_blocks[j->block].constants, 8 * s->d,
                     sched_ring_row(&m->k, m->k.filled));
    sched_ring_end_fill(s, &m->k);
}

static void fill_r(matmul *m, const job *j)
{
    const sched_box box = output_box(m->p->residual, m, j);
    sched_ring_begin_fill(m->s, &m->r);
    sched_load(m->s, &box, sched_ring_row(&m->r, m->r.filled), 0);
    sched_ring_end_fill(m->s, &m->r);
}

/* Outputs [*lo, *hi) of a tile axis for which a tap meets the input. */
static void tap_range(int64_t from, int64_t n, int64_t stride, int64_t offset, int64_t size,
                      int64_t *lo, int64_t *hi)
{
    /* output o meets input o * stride + offset */
    const int64_t first = offset < 0 ? sched_div_up(-offset, stride) : 0;
    const int64_t end = size - offset > 0 ? sched_div_up(size - offset, stride) : 0;
    *lo = sched_max(from, first);
    *hi = sched_min(from + n, end);
}

typedef struct tap {
    int64_t ky, kx, y_lo, y_hi, x_lo, x_hi;
    bool whole, any;
} tap;

static tap make_tap(const matmul *m, const job *j, int64_t index)
{
    const cc_window *w = &m->window;
    tap t = {.ky = index / w->kw, .kx = index % w->kw};
    tap_range(j->y0, j->height, w->stride_h, t.ky * w->dilation_h - w->pad_top, m->x_h, &t.y_lo,
              &t.y_hi);
    tap_range(j->x0, j->width, w->stride_w, t.kx * w->dilation_w - w->pad_left, m->x_w, &t.x_lo,
              &t.x_hi);
    t.any = t.y_lo < t.y_hi && t.x_lo < t.x_hi;
    t.whole = t.any && t.y_hi - t.y_lo == j->height && t.x_hi - t.x_lo == j->width;
    return t;
}

/* The first tap that covers the whole tile, -1 if none does. */
static int64_t first_whole_tap(const matmul *m, const job *j)
{
    if (m->p->is_bf16) { /* the sum's order is that of the taps */
        return make_tap(m, j, 0).whole ? 0 : -1;
    }
    for (int64_t i = 0; i < m->taps; i++) {
        if (make_tap(m, j, i).whole) {
            return i;
        }
    }
    return -1;
}

/* What the MATMULs of one step have in common. */
typedef struct step_place {
    int64_t a_row, w_row, c_row; /* slots */
    int64_t y, h, x, w;          /* the input tile in A */
    int64_t skip, blocks;        /* first block in A's chunk, number of blocks */
} step_place;

static void push_tap(matmul *m, const job *j, const step_place *at, int64_t index, const tap *t,
                     bool accumulate)
{
    sched *s = m->s;
    const cc_window *win = &m->window;
    const int64_t iy = t->y_lo * win->stride_h + t->ky * win->dilation_h - win->pad_top;
    const int64_t ix = t->x_lo * win->stride_w + t->kx * win->dilation_w - win->pad_left;
    const int64_t plane = m->p->packed ? 1 : at->h * at->w;
    cc_command c = sched_command(s, ISA_OP_MXU_MATMUL);
    cc_set(&c, ISA_MXU_A_BASE,
           (uint32_t)(at->a_row + at->skip * plane +
                      ((iy - at->y) * at->w + (ix - at->x)) * m->pixel));
    cc_set(&c, ISA_MXU_W_BASE, (uint32_t)(at->w_row + index * s->d));
    cc_set(&c, ISA_MXU_C_BASE,
           (uint32_t)(at->c_row + (t->y_lo - j->y0) * j->width + (t->x_lo - j->x0)));
    cc_set(&c, ISA_MXU_PLANES, (uint32_t)at->blocks);
    cc_set(&c, ISA_MXU_A_PLANE, (uint32_t)plane);
    cc_set(&c, ISA_MXU_W_PLANE, (uint32_t)(m->taps * s->d));
    cc_set(&c, ISA_MXU_N0, (uint32_t)(t->x_hi - t->x_lo));
    cc_set(&c, ISA_MXU_N1, (uint32_t)(t->y_hi - t->y_lo));
    cc_set(&c, ISA_MXU_N2, 1);
    cc_set(&c, ISA_MXU_N3, 1);
    cc_set(&c, ISA_MXU_A_S0, (uint32_t)(win->stride_w * m->pixel));
    cc_set(&c, ISA_MXU_A_S1, (uint32_t)(win->stride_h * at->w * m->pixel));
    cc_set(&c, ISA_MXU_A_S2, 0);
    cc_set(&c, ISA_MXU_A_S3, 0);
    cc_set(&c, ISA_MXU_C_S0, 1);
    cc_set(&c, ISA_MXU_C_S1, (uint32_t)j->width);
    cc_set(&c, ISA_MXU_C_S2, 0);
    cc_set(&c, ISA_MXU_C_S3, 0);
    cc_set(&c, ISA_MXU_FLAGS, ISA_PUT(0, ISA_MXU_FLAGS_ACCUMULATE, accumulate ? 1 : 0));
    cc_set(&c, ISA_MXU_A_ZERO, (uint32_t)m->p->x_zero);
    cc_set(&c, ISA_MXU_W_ZERO, (uint32_t)m->p->w_zero);
    sched_push(s, &c);
}

static void emit_products(matmul *m, int64_t i_job, int64_t chunk, int64_t step, int64_t a_entry,
                          int64_t w_entry)
{
    sched *s = m->s;
    const job *j = &m->jobs[i_job];
    const bool first = chunk == j->first_chunk;
    const int64_t opener = first_whole_tap(m, j);
    step_place at = {.a_row = sched_ring_row(&m->a, a_entry),
                     .w_row = sched_ring_row(&m->w, w_entry),
                     .c_row = sched_ring_row(&m->c, i_job)};
    int64_t first_block;
    chunk_blocks(m, j, chunk, &first_block, &at.blocks);
    at.skip = first_block - chunk * m->plan.chunk;
    sched_tile_input(m, j, &at.y, &at.h, &at.x, &at.w);
    if (first) {
        if (opener < 0) {
            sched_zero_acc(s, at.c_row, j->height * j->width);
            sched_post(s, ISA_UNIT_VPU, SCHED_SEM_ZERO);
        }
        sched_ring_begin_fill(s, &m->c);
        if (opener < 0) {
            sched_wait(s, ISA_UNIT_MXU, SCHED_SEM_ZERO);
        }
    }
    sched_ring_begin_step(s, &m->a, step);
    sched_ring_begin_step(s, &m->w, step);
    bool accumulate = !first || opener < 0;
    for (int64_t i = 0; i < m->taps; i++) {
        /* the tap that covers the whole tile comes first, the others in order */
        const int64_t index = opener < 0 ? i : i == 0 ? opener : i <= opener ? i - 1 : i;
        const tap t = make_tap(m, j, index);
        if (t.any) {
            push_tap(m, j, &at, index, &t, accumulate);
            accumulate = true;
        }
    }
    sched_ring_end_step(s, &m->a, step);
    sched_ring_end_step(s, &m->w, step);
    if (chunk == j->first_chunk + j->n_chunks - 1) {
        sched_ring_end_fill(s, &m->c);
    }
}

/* ROWS: bias and scale of the job's out block, if other ones are loaded. */
static void emit_rows(matmul *m, int64_t k_row)
{
    cc_command c = sched_command(m->s, ISA_OP_VPU_ROWS);
    cc_set(&c, ISA_VPU_A_BASE, (uint32_t)k_row);
    cc_set(&c, ISA_VPU_ROWS, ISA_PUT(ISA_PUT(0, ISA_VPU_ROWS_FIRST, m->p->is_bf16 ? 2 : 0), ISA_VPU_ROWS_COUNT, 2));
    sched_push(m->s, &c);
}

/* The chain of a quantised product; with a residual the inner rounding is the mid clamp. */
static void set_int8_chain(const matmul *m, cc_command *c)
{
    const cc_matmul *p = m->p;
    uint32_t in = ISA_PUT(0, ISA_VPU_CHAIN_IN_A_SRC, ISA_VPU_CHAIN_IN_A_SRC_ACC_I32);
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_IADD, ISA_VPU_CHAIN_IN_IADD_ROW);
    uint32_t fp = ISA_PUT(0, ISA_VPU_CHAIN_FP_MUL1, ISA_VPU_CHAIN_FP_MUL1_ROW);
    cc_requant out = p->y;
    if (p->residual != NULL) {
        in = ISA_PUT(in, ISA_VPU_CHAIN_IN_B_SRC, ISA_VPU_CHAIN_IN_B_SRC_SPM);
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_MID, ISA_VPU_CHAIN_FP_MID_CLAMP);
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_MUL2, ISA_VPU_CHAIN_FP_MUL2_IMM);
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_ADD2, ISA_VPU_CHAIN_FP_ADD2_B);
        cc_set(c, ISA_VPU_MID_LO, (uint32_t)(p->y.lo - p->y.zero));
        cc_set(c, ISA_VPU_MID_HI, (uint32_t)(p->y.hi - p->y.zero));
        sched_set_f32(c, ISA_VPU_MUL2_IMM, p->mid_scale);
        cc_set(c, ISA_VPU_B_ZERO, (uint32_t)p->residual_zero);
        sched_set_f32(c, ISA_VPU_B_SCALE, p->residual_scale);
        out = p->sum;
    } else if (p->table.used) {
        fp = sched_set_table(c, fp, &p->y);
        out = p->table.y;
    }
    cc_set(c, ISA_VPU_CHAIN_IN, in);
    cc_set(c, ISA_VPU_CHAIN_FP, fp);
    cc_set(c, ISA_VPU_A_ZERO, 0);
    cc_set(c, ISA_VPU_O_ZERO, (uint32_t)out.zero);
    cc_set(c, ISA_VPU_O_LO, (uint32_t)out.lo);
    cc_set(c, ISA_VPU_O_HI, (uint32_t)out.hi);
}

/* bias, bf16 rounding, then the residual or the function. */
static void set_bf16_chain(const matmul *m, cc_command *c)
{
    const cc_matmul *p = m->p;
    uint32_t in = ISA_PUT(0, ISA_VPU_CHAIN_IN_A_SRC, ISA_VPU_CHAIN_IN_A_SRC_ACC_F32);
    if (p->residual != NULL) {
        in = ISA_PUT(in, ISA_VPU_CHAIN_IN_B_SRC, ISA_VPU_CHAIN_IN_B_SRC_SPM);
        sched_set_f32(c, ISA_VPU_B_SCALE, 1.0F);
    }
    cc_set(c, ISA_VPU_CHAIN_IN, in);
    sched_chain(c, &p->chain);
}

static void emit_epilogue(matmul *m, int64_t i_job, int64_t k_entry, bool rows)
{
    sched *s = m->s;
    const cc_matmul *p = m->p;
    const job *j = &m->jobs[i_job];
    const int64_t n = j->height * j->width;
    sched_ring_begin_step(s, &m->k, i_job);
    if (rows) {
        emit_rows(m, sched_ring_row(&m->k, k_entry));
    }
    sched_ring_begin_fill(s, &m->o);
    if (p->residual != NULL) {
        sched_ring_begin_step(s, &m->r, i_job);
    }
    sched_ring_begin_step(s, &m->c, i_job);
    cc_command c = sched_command(s, ISA_OP_VPU_VEC);
    if (p->is_bf16) {
        set_bf16_chain(m, &c);
    } else {
        set_int8_chain(m, &c);
    }
    cc_set(&c, ISA_VPU_CHAIN_OUT, ISA_PUT(0, ISA_VPU_CHAIN_OUT_OUT, ISA_VPU_CHAIN_OUT_OUT_SPM));
    /* Rows along loop 1, so that tail can clear the lanes without a channel: infinity times a weight of 0 is no number. */
    const bool tail = p->is_bf16 && j->block == m->y->blocks - 1 && m->y->c % s->d != 0;
    const int64_t walk[4] = {tail ? 0 : 1, tail ? 1 : 0, 0, 0};
    if (p->is_bf16) {
        cc_set(&c, ISA_VPU_TAIL, tail ? (uint32_t)(m->y->c % s->d) : 0);
    }
    if (p->residual != NULL) {
        sched_walk(&c, ISA_VPU_B_BASE, sched_ring_row(&m->r, i_job), ISA_VPU_B_S0, walk);
    }
    sched_vpu_counts(&c, (const int64_t[4]){tail ? 1 : n, tail ? n : 1, 1, 1});
    sched_walk(&c, ISA_VPU_A_BASE, sched_ring_row(&m->c, i_job), ISA_VPU_A_S0, walk);
    sched_walk(&c, ISA_VPU_O_BASE, sched_ring_row(&m->o, i_job), ISA_VPU_O_S0, walk);
    sched_push(s, &c);
    sched_ring_end_step(s, &m->c, i_job);
    sched_ring_end_step(s, &m->k, i_job);
    if (p->residual != NULL) {
        sched_ring_end_step(s, &m->r, i_job);
    }
    sched_ring_end_fill(s, &m->o);
}

static void emit_store(matmul *m, int64_t i_job)
{
    const sched_box box = output_box(m->y, m, &m->jobs[i_job]);
    sched_ring_begin_step(m->s, &m->o, i_job);
    sched_store(m->s, &box, sched_ring_row(&m->o, i_job));
    sched_ring_end_step(m->s, &m->o, i_job);
}

/* What the epilogues of jobs up to i_job read besides ACC. */
static void fill_epilogue_rings(matmul *m, int64_t i_job)
{
    while (sched_ring_can_fill(&m->k, i_job)) {
        fill_k(m, &m->jobs[m->k.entries[m->k.filled].first]);
    }
    while (m->p->residual != NULL && sched_ring_can_fill(&m->r, i_job)) {
        fill_r(m, &m->jobs[m->r.entries[m->r.filled].first]);
    }
}

/* The walk over jobs and steps that fills the rings, ahead of the products. */
static void fill_rings(matmul *m, cursor *of_step, int64_t n_steps, int64_t step, int64_t i_job)
{
    fill_epilogue_rings(m, sched_min(i_job + 1, m->n_jobs - 1));
    const int64_t ahead = sched_min(step + 1, n_steps - 1);
    for (int64_t at = step; at <= ahead; at++) {
        while (sched_ring_can_fill(&m->w, at)) {
            const cursor *c = &of_step[m->w.entries[m->w.filled].first];
            fill_w(m, &m->jobs[c->job], c->chunk);
        }
        while (sched_ring_can_fill(&m->a, at)) {
            const cursor *c = &of_step[m->a.entries[m->a.filled].first];
            fill_a(m, &m->jobs[c->job], c->chunk);
        }
    }
}

static void emit_all(matmul *m)
{
    sched *s = m->s;
    int64_t n_steps = 0;
    for (int64_t i = 0; i < m->n_jobs; i++) {
        n_steps += m->jobs[i].n_chunks;
    }
    cursor *of_step = base_arena_alloc(s->arena, (size_t)n_steps, sizeof(cursor));
    if (of_step == NULL) {
        s->status = SY_ENOMEM;
        return;
    }
    int64_t step = 0;
    for (int64_t i = 0; i < m->n_jobs; i++) {
        for (int64_t q = 0; q < m->jobs[i].n_chunks; q++) {
            of_step[step++] = (cursor){.job = i, .chunk = m->jobs[i].first_chunk + q};
        }
    }
    int64_t a_entry = -1, w_entry = -1, k_entry = -1; /* in use */
    int64_t finished = 0, stored = 0, rows_of = -1;
    for (step = 0; step <= n_steps + 1 && s->status == SY_OK; step++) {
        const int64_t epilogues =
            step < n_steps ? of_step[step].job
                           : m->n_jobs; /* jobs whose products were emitted before this step */
        const int64_t stores = finished;
        if (step < n_steps) {
            fill_rings(m, of_step, n_steps, step, of_step[step].job);
            while (a_entry + 1 < m->a.n && m->a.entries[a_entry + 1].first <= step) {
                a_entry++;
            }
            while (w_entry + 1 < m->w.n && m->w.entries[w_entry + 1].first <= step) {
                w_entry++;
            }
            const job *j = &m->jobs[of_step[step].job];
            const int64_t q = of_step[step].chunk;
            int64_t a = a_entry, w = w_entry;
            while (a >= 0 && m->a.entries[a].key != j->tile * (m->x_blocks + 1) + q) {
                a--;
            }
            while (w >= 0 && m->w.entries[w].key != weight_key(m, j, q)) {
                w--;
            }
            SY_ASSERT(a >= 0 && w >= 0);
            emit_products(m, of_step[step].job, q, step, a, w);
        }
        for (; finished < epilogues && s->status == SY_OK; finished++) {
            while (k_entry + 1 < m->k.n && m->k.entries[k_entry + 1].first <= finished) {
                k_entry++;
            }
            int64_t k = k_entry;
            while (k >= 0 && m->k.entries[k].key != m->jobs[finished].block) {
                k--;
            }
            SY_ASSERT(k >= 0);
            /* rings of one slot are free only now */
            fill_epilogue_rings(m, finished);
            while (stored < finished && !sched_ring_can_fill(&m->o, finished)) {
                emit_store(m, stored++);
            }
            emit_epilogue(m, finished, k, m->jobs[finished].block != rows_of);
            rows_of = m->jobs[finished].block;
        }
        for (; stored < stores && s->status == SY_OK; stored++) {
            emit_store(m, stored);
        }
    }
}

void sched_matmul(sched *s)
{
    const cc_group *g = s->group;
    matmul m = {.s = s, .p = &g->u.matmul, .x = g->x, .y = g->y};
    const bool folded_batch = m.p->w_activation;
    const bool to_pixels = g->y->folded && !g->x->folded &&
                           !m.p->flat; /* images of one pixel lie along y's columns */
    m.images = folded_batch ? m.p->batch : to_pixels ? g->x->n : g->y->n;
    m.out_h = g->y->h;
    m.out_w = folded_batch || to_pixels ? g->y->w / m.images : g->y->w;
    m.x_blocks = m.p->flat ? g->x->blocks * g->x->h * g->x->w : g->x->blocks;
    m.x_h = m.p->flat ? 1 : g->x->h;
    m.x_w = m.p->flat ? g->x->n : folded_batch ? g->x->w / m.p->batch : g->x->w;
    m.window = m.p->window;
    m.pixel = 1;
    if (m.p->packed) {
        m.window = (cc_window){
            .kh = 1, .kw = 1, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1};
        m.x_blocks = m.pixel = m.p->out_blocks[0].n_blocks;
        m.x_h = m.out_h;
        m.x_w = m.out_w;
    }
    m.taps = m.window.kh * m.window.kw;
    for (int64_t i = 0; i < g->y->blocks; i++) {
        m.max_blocks = sched_max(m.max_blocks, m.p->out_blocks[i].n_blocks);
    }
    sched_matmul_plan(&m);
    if (s->status != SY_OK) {
        return;
    }
    const plan *p = &m.plan;
    m.a = (ring){.producer = ISA_UNIT_LD,
                 .consumer = ISA_UNIT_MXU,
                 .full = SCHED_SEM_A_MXU_FULL,
                 .free_ = SCHED_SEM_A_MXU_FREE,
                 .base = p->a_base,
                 .pitch = p->a_pitch,
                 .slots = p->a_slots};
    m.w = (ring){.producer = ISA_UNIT_LD,
                 .consumer = ISA_UNIT_MXU,
                 .full = SCHED_SEM_W_FULL,
                 .free_ = SCHED_SEM_W_FREE,
                 .base = p->w_base,
                 .pitch = p->w_pitch,
                 .slots = p->w_slots};
    m.k = (ring){.producer = ISA_UNIT_LD,
                 .consumer = ISA_UNIT_VPU,
                 .full = SCHED_SEM_K_FULL,
                 .free_ = SCHED_SEM_K_FREE,
                 .base = p->k_base,
                 .pitch = sched_constant_rows(s),
                 .slots = p->k_slots};
    m.r = (ring){.producer = ISA_UNIT_LD,
                 .consumer = ISA_UNIT_VPU,
                 .full = SCHED_SEM_R_FULL,
                 .free_ = SCHED_SEM_R_FREE,
                 .base = p->r_base,
                 .pitch = p->r_pitch,
                 .slots = p->r_slots};
    m.c = (ring){.producer = ISA_UNIT_MXU,
                 .consumer = ISA_UNIT_VPU,
                 .full = SCHED_SEM_C_FULL,
                 .free_ = SCHED_SEM_C_FREE,
                 .base = 0,
                 .pitch = s->acc_rows / 2,
                 .slots = 2};
    m.o = (ring){.producer = ISA_UNIT_VPU,
                 .consumer = ISA_UNIT_ST,
                 .full = SCHED_SEM_O_FULL,
                 .free_ = SCHED_SEM_O_FREE,
                 .base = p->o_base,
                 .pitch = p->o_pitch,
                 .slots = p->o_slots};
    if (m.p->table.used) {
        sched_begin_table(s, m.p->constants.address + m.p->table.offset, p->o_base, p->o_slots * p->o_pitch);
    }
    make_jobs(&m);
    touch_all(&m);
    if (s->status == SY_OK) {
        emit_all(&m);
    }
}
