/*
 * move.c -- the schedule of data movement: spatial padding by LD's fill, concatenation of channels
 * by ST's byte walks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flow.h"
#include "systole/base/assert.h"

/* A step: some channel blocks of some rows of one image of one part. Concatenation: a part behind the last is zeros. */
typedef struct piece {
    int64_t part, n, block, blocks, y, height;
} piece;

typedef struct move {
    piece *pieces;
    int64_t n, capacity;
    int64_t rows; /* of the largest piece */
} move;

/* Cuts a tensor of `blocks` x `h` x `w` rows per image into pieces of at most `limit` rows. */
static void cut(sched *s, move *m, int64_t part, int64_t images, int64_t blocks, int64_t h,
                int64_t w, int64_t limit)
{
    const int64_t height = sched_max(1, sched_min(h, limit / w));
    const int64_t many = height == h ? sched_max(1, sched_min(blocks, limit / (h * w))) : 1;
    for (int64_t n = 0; n < images; n++) {
        for (int64_t b = 0; b < blocks; b += many) {
            for (int64_t y = 0; y < h; y += height) {
                SY_ASSERT(m->n < m->capacity);
                piece *p = &m->pieces[m->n++];
                *p = (piece){.part = part, .n = n, .block = b, .y = y};
                p->blocks = sched_min(many, blocks - b);
                p->height = sched_min(height, h - y);
                m->rows = sched_max(m->rows, p->blocks * p->height * w);
            }
        }
    }
    (void)s;
}

static bool reserve(sched *s, move *m, int64_t capacity)
{
    m->pieces = base_arena_alloc(s->arena, (size_t)capacity, sizeof(piece));
    m->capacity = capacity;
    if (m->pieces == NULL) {
        s->status = SY_ENOMEM;
    }
    return m->pieces != NULL;
}

/* ---------------------------------------------------------------- padding */

static void pad_load(flow *f, int64_t step, int64_t row)
{
    const cc_group *g = f->s->group;
    const piece *p = &((const move *)f->user)->pieces[step];
    const sched_box box = {.tensor = g->x,
                           .n = p->n,
                           .block = p->block,
                           .blocks = p->blocks,
                           .y = p->y - g->u.pad.top,
                           .height = p->height,
                           .x = -g->u.pad.left,
                           .width = g->y->w};
    sched_load(f->s, &box, row, g->u.pad.fill);
}

static void pad_store(flow *f, int64_t step, int64_t row)
{
    const cc_group *g = f->s->group;
    const piece *p = &((const move *)f->user)->pieces[step];
    const sched_box box = {.tensor = g->y,
                           .n = p->n,
                           .block = p->block,
                           .blocks = p->blocks,
                           .y = p->y,
                           .height = p->height,
                           .width = g->y->w};
    sched_store(f->s, &box, row);
}

void sched_pad(sched *s)
{
    static const flow_ops ops = {.load = pad_load, .store = pad_store};
    const cc_tensor *y = s->group->y;
    int64_t in_limit, out_limit;
    sched_flow_limits(s, false, false, &in_limit, &out_limit);
    move m = {.n = 0};
    if (!reserve(s, &m, y->n * y->blocks * y->h)) {
        return;
    }
    cut(s, &m, 0, y->n, y->blocks, y->h, y->w, in_limit);
    flow f = {.s = s, .ops = &ops, .user = &m, .n_steps = m.n, .in_rows = m.rows};
    sched_flow_run(&f);
}

/* ---------------------------------------------------------------- concatenation */

/* The first lane of the output's last block that no part's rows reach, d if they reach all. */
static int64_t first_idle_lane(const sched *s, const cc_concat *cat)
{
    int64_t offset = 0;
    for (uint32_t i = 0; i + 1 < cat->n_parts; i++) {
        offset += cat->parts[i]->c;
    }
    const int64_t shift = offset % s->d, in_last = (cat->parts[cat->n_parts - 1]->c - 1) % s->d + 1;
    return shift + in_last > s->d ? shift : s->d;
}

/* Rows of zeros: all of the box lies behind the output. */
static void load_zeros(flow *f, const piece *p, int64_t row)
{
    const cc_tensor *y = f->s->group->y;
    const sched_box box = {.tensor = y, .n = p->n, .block = y->blocks - 1, .blocks = 1, .y = y->h, .height = p->height, .width = y->w};
    sched_load(f->s, &box, row, 0);
}

static void store_zeros(flow *f, const piece *p, int64_t row)
{
    sched *s = f->s;
    const cc_tensor *y = s->group->y;
    const int64_t at = (((p->n + 1) * y->blocks - 1) * y->h + p->y) * y->w;
    sched_store_lanes(s, y->address + (uint64_t)(at * s->row_bytes), p->height * y->w, first_idle_lane(s, &s->group->u.concat), s->d, row);
}

static void concat_load(flow *f, int64_t step, int64_t row)
{
    const piece *p = &((const move *)f->user)->pieces[step];
    if (p->part == (int64_t)f->s->group->u.concat.n_parts) {
        load_zeros(f, p, row);
        return;
    }
    const cc_tensor *x = f->s->group->u.concat.parts[p->part];
    const sched_box box = {.tensor = x,
                           .n = p->n,
                           .block = p->block,
                           .blocks = p->blocks,
                           .y = p->y,
                           .height = p->height,
                           .width = x->w};
    sched_load(f->s, &box, row, 0);
}

static void concat_store(flow *f, int64_t step, int64_t row)
{
    sched *s = f->s;
    const cc_concat *cat = &s->group->u.concat;
    const cc_tensor *y = s->group->y;
    const piece *p = &((const move *)f->user)->pieces[step];
    if (p->part == (int64_t)cat->n_parts) {
        store_zeros(f, p, row);
        return;
    }
    const cc_tensor *x = cat->parts[p->part];
    const bool last = p->part + 1 == (int64_t)cat->n_parts;
    int64_t offset = 0;
    for (int64_t i = 0; i < p->part; i++) {
        offset += cat->parts[i]->c;
    }
    const int64_t shift = offset % s->d;
    if (shift == 0 && (last || x->c % s->d == 0)) {
        const sched_box box = {.tensor = y,
                               .n = p->n,
                               .block = offset / s->d + p->block,
                               .blocks = p->blocks,
                               .y = p->y,
                               .height = p->height,
                               .width = y->w};
        sched_store(s, &box, row);
        return;
    }
    /* lane by lane: a row's lanes go to one block of the output, or to two neighbours */
    const int64_t rows = p->height * x->w;
    for (int64_t b = 0; b < p->blocks; b++) {
        const int64_t lanes = last ? s->d : sched_min(s->d, x->c - (p->block + b) * s->d);
        const int64_t to = offset / s->d + p->block + b;
        const int64_t at = ((p->n * y->blocks + to) * y->h + p->y) * y->w;
        sched_store_lanes(s, y->address + (uint64_t)(at * s->row_bytes + shift * s->element_bytes), rows, 0,
                          sched_min(lanes, s->d - shift), row + b * rows);
        if (lanes > s->d - shift && to + 1 < y->blocks) {
            const int64_t next = at + y->h * y->w;
            sched_store_lanes(s, y->address + (uint64_t)(next * s->row_bytes - (s->d - shift) * s->element_bytes), rows,
                              s->d - shift, lanes, row + b * rows);
        }
    }
}

void sched_concat(sched *s)
{
    static const flow_ops ops = {.load = concat_load, .store = concat_store};
    const cc_concat *cat = &s->group->u.concat;
    int64_t in_limit, out_limit;
    sched_flow_limits(s, false, false, &in_limit, &out_limit);
    move m = {.n = 0};
    int64_t most = 0;
    for (uint32_t i = 0; i < cat->n_parts; i++) {
        most += cat->parts[i]->n * cat->parts[i]->blocks * cat->parts[i]->h;
    }
    const cc_tensor *y = s->group->y;
    /* an infinity or a NaN that DRAM held before is one in the next sum, though its weight is 0; an integer is not */
    const bool zeros = s->element_bytes > 1 && first_idle_lane(s, cat) < s->d;
    if (!reserve(s, &m, most + (zeros ? y->n * y->h : 0))) {
        return;
    }
    for (uint32_t i = 0; i < cat->n_parts; i++) {
        const cc_tensor *x = cat->parts[i];
        cut(s, &m, (int64_t)i, x->n, x->blocks, x->h, x->w, in_limit);
    }
    if (zeros) {
        cut(s, &m, cat->n_parts, y->n, 1, y->h, y->w, in_limit);
    }
    flow f = {.s = s, .ops = &ops, .user = &m, .n_steps = m.n, .in_rows = m.rows};
    sched_flow_run(&f);
}
