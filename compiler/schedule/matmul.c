/*
 * matmul.c -- the schedule of convolutions and matrix products.
 *
 * A job is one output tile of one out block (D output channels): its rows accumulate in an ACC slot over all taps of the window and all input
 * channel blocks, then one VPU command takes them to int8. A job's input blocks are cut into chunks where SPM is too small; a chunk is a step.
 *
 *   A ring   input tiles by chunk       LD -> MXU        K ring   bias and scale rows     LD -> VPU
 *   W ring   weights by chunk           LD -> MXU        R ring   residual tiles          LD -> VPU
 *   C ring   ACC, two slots             MXU -> VPU       O ring   output tiles            VPU -> ST
 *
 * Padding is skipped, not stored: a tap is a command over the output rectangle for which it meets the input. The first tap overwrites ACC if its
 * rectangle is the whole tile; where no tap's is, the VPU writes zeros first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ring.h"
#include "systole/base/assert.h"

/* How a group is cut; found by choose_plan. */
typedef struct plan {
    int64_t tile_h, tile_w;     /* output rows and columns of a tile */
    int64_t chunk;              /* input channel blocks of a chunk */
    bool weights_outer;         /* out blocks outside, tiles inside */
    int64_t a_slots, a_pitch;   /* rows */
    int64_t w_slots, w_pitch;
    int64_t a_base, w_base, k_base, r_base, o_base;
    int64_t k_slots, r_slots, o_slots, r_pitch, o_pitch;
    double cost;
} plan;

typedef struct job {
    int64_t n, y0, x0, height, width; /* output tile; n: image, or product of a batch */
    int64_t block;                    /* out block */
    int64_t first_chunk, n_chunks;
    int64_t tile;                     /* number of the tile, over all images */
} job;

typedef struct matmul {
    sched *s;
    const cc_matmul *p;
    const cc_tensor *x, *y;
    cc_window window;               /* packed: a single tap, for the windows are gathered by LD */
    int64_t images;                 /* images, or products of a batch */
    int64_t x_blocks, x_h, x_w;     /* input as `window` sees it, of one image */
    int64_t pixel;                  /* rows of A from one input position to the next: packed: x_blocks; else 1 */
    int64_t out_h, out_w;
    int64_t taps;
    int64_t max_blocks;             /* input blocks of the out block that has most */
    plan plan;
    ring a, w, k, r, c, o;
    job *jobs;
    int64_t n_jobs;
} matmul;

/* Input rows (or columns) that outputs [from, from + n) of one axis touch, inside the tensor; at least one. */
static void input_range(int64_t from, int64_t n, int64_t stride, int64_t dilation, int64_t kernel, int64_t pad, int64_t size,
                        int64_t *first, int64_t *count) {
    const int64_t lo = sched_min(sched_max(from * stride - pad, 0), size - 1);
    const int64_t hi = sched_min(sched_max((from + n - 1) * stride + (kernel - 1) * dilation - pad, 0), size - 1);
    *first = lo;
    *count = sched_max(hi - lo + 1, 1);
}

static void tile_input(const matmul *m, const job *j, int64_t *y, int64_t *h, int64_t *x, int64_t *w) {
    if (m->p->packed) {
        *y = j->y0;
        *h = j->height;
        *x = j->x0;
        *w = j->width;
        return;
    }
    const cc_window *win = &m->window;
    input_range(j->y0, j->height, win->stride_h, win->dilation_h, win->kh, win->pad_top, m->x_h, y, h);
    if (j->width == m->out_w) {
        *x = 0;
        *w = m->x_w;
    } else {
        input_range(j->x0, j->width, win->stride_w, win->dilation_w, win->kw, win->pad_left, m->x_w, x, w);
    }
}

/* ---------------------------------------------------------------- choosing the plan */

/*
 * Slots of a ring in `banks` banks: all entries packed if they fit, else 4, 2 or 1 slots that start at banks of their own. 0: not even one.
 * With powers of two the addresses of steps repeat after few steps, and so the program has short loops.
 */
static int64_t ring_slots(const sched *s, int64_t banks, int64_t entries, int64_t rows, int64_t *pitch) {
    /* a semaphore counts entries that are filled and not used yet: at most those that the consumer's queue waits for and a few more */
    const bool countable = entries <= s->sem_most || (int64_t)s->config->queue_depth + 4 <= s->sem_most;
    if (entries * rows <= banks * s->spm_bank_rows && countable) {
        *pitch = rows;
        return entries;
    }
    *pitch = sched_round_up(rows, s->spm_bank_rows);
    const int64_t fit = banks * s->spm_bank_rows / *pitch;
    return fit >= 4 && s->sem_most >= 4 ? 4 : fit >= 2 ? 2 : fit;
}

/* Estimated cycles of a plan: the slowest of array, DRAM and VPU, and what is exposed at the start and the end. */
static double estimate(const matmul *m, const plan *p, int64_t a_rows, int64_t w_rows, int64_t a_loads, int64_t w_loads) {
    const sched *s = m->s;
    const int64_t tiles = m->images * sched_div_up(m->out_h, p->tile_h) * sched_div_up(m->out_w, p->tile_w);
    const int64_t rows = p->tile_h * p->tile_w;
    const int64_t jobs = tiles * m->y->blocks;
    const double row_cycles = (double)s->d / (double)s->config->dram_width;
    const double steps = (double)jobs * (double)sched_div_up(m->max_blocks, p->chunk);
    const double array = (double)jobs * (double)(m->max_blocks * m->taps) * (double)sched_max(rows, s->d) +
                         steps * (double)(m->taps * 4 + 40); /* commands, and what a step waits for */
    const double out_rows = (double)jobs * (double)rows * (m->p->residual != NULL ? 2.0 : 1.0);
    const double a_cycles = m->p->packed ? (double)rows * sched_patch_cycles(s->config, &m->p->window, m->x->c) : (double)a_rows * row_cycles;
    const double loads = (double)a_loads * a_cycles + (double)w_loads * (double)w_rows * row_cycles;
    const double bursts = (double)(a_loads + w_loads) * 8.0;
    const double dram = loads + out_rows * row_cycles + bursts;
    const double vector = (double)jobs * (double)(rows + 10);
    const double pushes = (double)jobs * (60.0 + (double)m->taps * 14.0 * (double)sched_div_up(m->max_blocks, p->chunk));
    double worst = array > dram ? array : dram;
    worst = vector > worst ? vector : worst;
    worst = pushes > worst ? pushes : worst;
    const double single = (p->a_slots < 2 && a_loads > 1 ? (double)a_loads * a_cycles : 0.0) +
                          (p->w_slots < 2 && w_loads > 1 ? (double)w_loads * (double)w_rows * row_cycles : 0.0);
    const double exposed = a_cycles + ((double)w_rows + 2.0 * (double)rows) * row_cycles;
    /* a last tile of its own size needs code of its own */
    const double uneven = m->out_h % p->tile_h != 0 || m->out_w % p->tile_w != 0 ? 1.02 : 1.0;
    return (worst + single + exposed) * uneven;
}

/* Completes a plan with the given tile, chunk and banks for A; keeps it if it is the best yet. */
static void try_plan(const matmul *m, plan p, int64_t a_banks, int64_t w_banks, plan *best) {
    const sched *s = m->s;
    job j = {.height = p.tile_h, .width = p.tile_w, .y0 = 0, .x0 = 0};
    const cc_window *win = &m->window;
    int64_t unused, tile_in_h, tile_in_w;
    tile_input(m, &j, &unused, &tile_in_h, &unused, &tile_in_w);
    /* an inner tile may need more rows than the first, which touches the padding */
    tile_in_h = sched_min(m->x_h, (p.tile_h - 1) * win->stride_h + (win->kh - 1) * win->dilation_h + 1);
    if (p.tile_w < m->out_w) {
        tile_in_w = sched_min(m->x_w, (p.tile_w - 1) * win->stride_w + (win->kw - 1) * win->dilation_w + 1);
    }
    const int64_t a_rows = p.chunk * tile_in_h * tile_in_w;
    const int64_t w_rows = sched_min(p.chunk, m->max_blocks) * m->taps * s->d;
    const int64_t tiles = m->images * sched_div_up(m->out_h, p.tile_h) * sched_div_up(m->out_w, p.tile_w);
    const int64_t chunks = sched_div_up(m->x_blocks, p.chunk);
    const int64_t chunks_of_job = sched_min(chunks, sched_div_up(m->max_blocks, p.chunk) + (m->max_blocks < m->x_blocks ? 1 : 0));
    const int64_t a_all = tiles * chunks;
    const int64_t w_all = m->y->blocks * chunks_of_job * (m->p->w_activation ? m->images : 1);
    p.a_slots = ring_slots(s, a_banks, a_all, a_rows, &p.a_pitch);
    p.w_slots = ring_slots(s, w_banks, w_all, w_rows, &p.w_pitch);
    if (p.a_slots < 1 || p.w_slots < 1 || a_rows > SCHED_MAX_ROWS || w_rows > SCHED_MAX_ROWS) {
        return;
    }
    for (int order = 0; order < 2; order++) {
        p.weights_outer = order == 1;
        if (p.weights_outer && m->p->w_activation) {
            continue;
        }
        int64_t a_loads = a_all;
        int64_t w_loads = w_all;
        const bool a_resident = p.a_slots >= a_all;
        const bool w_resident = p.w_slots >= w_all;
        if (!p.weights_outer) {
            a_loads = a_resident || p.a_slots >= chunks_of_job ? a_all : tiles * m->y->blocks * chunks_of_job;
            w_loads = w_resident ? w_all : tiles * m->y->blocks * chunks_of_job;
        } else {
            w_loads = w_resident || p.w_slots >= chunks_of_job ? w_all : tiles * m->y->blocks * chunks_of_job;
            a_loads = a_resident ? a_all : tiles * m->y->blocks * chunks_of_job;
        }
        p.cost = estimate(m, &p, a_rows, w_rows, a_loads, w_loads);
        if (best->cost < 0 || p.cost < best->cost) {
            p.a_base = best->a_base;
            p.w_base = p.a_base + a_banks * s->spm_bank_rows;
            *best = p;
        }
    }
}

/* Tries all splits of the banks for one tile. */
static void try_tile(const matmul *m, const plan *fixed, int64_t tile_h, int64_t tile_w, int64_t banks, plan *best) {
    int64_t last = 0;
    for (int64_t pieces = 1; pieces <= m->x_blocks; pieces++) {
        plan p = *fixed;
        p.tile_h = tile_h;
        p.tile_w = tile_w;
        p.chunk = m->x_blocks / pieces;
        if (m->x_blocks % pieces != 0 || p.chunk == last || (m->p->packed && pieces > 1)) {
            continue; /* equal chunks: the program repeats; a window is gathered whole */
        }
        last = p.chunk;
        const double before = best->cost;
        for (int64_t a_banks = 1; a_banks < banks; a_banks++) {
            try_plan(m, p, a_banks, banks - a_banks, best);
        }
        if (best->cost >= 0 && best->cost == before && pieces > 8) {
            break; /* smaller chunks than those that fit do not help */
        }
    }
}

/* Lays out the fixed rings from the end of SPM; returns the banks that are left for A and W. */
static int64_t fixed_rings(const matmul *m, plan *p, int64_t slots) {
    const sched *s = m->s;
    int64_t bank = s->config->spm_banks;
    bank -= 1;
    p->k_base = bank * s->spm_bank_rows;
    p->o_slots = slots;
    bank -= slots;
    p->o_base = bank * s->spm_bank_rows;
    p->o_pitch = p->r_pitch = s->spm_bank_rows;
    p->r_slots = m->p->residual != NULL ? slots : 0;
    bank -= p->r_slots;
    p->r_base = bank * s->spm_bank_rows;
    p->a_base = 0;
    return bank;
}

static void choose_plan(matmul *m) {
    sched *s = m->s;
    const int64_t constant_rows = 8; /* bias and scale: 2 x 4 D bytes */
    const int64_t slot_rows = sched_min(sched_min(s->acc_rows / 2, s->spm_bank_rows), SCHED_MAX_ROWS);
    plan best = {.cost = -1};
    for (int64_t slots = 2; slots >= 1 && best.cost < 0; slots--) {
        plan fixed = {.cost = -1};
        const int64_t banks = fixed_rings(m, &fixed, slots);
        if (banks < 2 || slot_rows < 1 || s->spm_bank_rows < constant_rows) {
            continue;
        }
        fixed.k_slots = sched_min(sched_min(s->spm_bank_rows / constant_rows, s->sem_most), m->y->blocks);
        best = fixed;
        const int64_t columns = sched_div_up(m->out_w, slot_rows);
        const int64_t tile_w = sched_div_up(m->out_w, columns);
        const int64_t max_h = sched_max(1, sched_min(m->out_h, slot_rows / tile_w));
        const int64_t fewest = sched_div_up(m->out_h, max_h);
        int64_t last = 0;
        for (int64_t tiles = fewest; tiles <= m->out_h; tiles += sched_max(1, tiles / 4)) {
            const int64_t tile_h = sched_div_up(m->out_h, tiles);
            if (tile_h != last) {
                try_tile(m, &fixed, tile_h, tile_w, banks, &best);
                last = tile_h;
            }
        }
        /* very wide inputs: narrower tiles */
        for (int64_t w = tile_w / 2; best.cost < 0 && w >= 1; w /= 2) {
            try_tile(m, &fixed, 1, w, banks, &best);
        }
    }
    if (best.cost < 0) {
        const int64_t w_rows = m->taps * s->d;
        sched_too_large(s, "its smallest tile with weights, input, output and constants in banks of their own",
                        w_rows + 4 * s->spm_bank_rows, s->spm_rows);
        return;
    }
    m->plan = best;
}

/* ---------------------------------------------------------------- steps */

static void add_job(matmul *m, int64_t n, int64_t tile, int64_t y0, int64_t x0, int64_t block) {
    const plan *p = &m->plan;
    const cc_out_block *ob = &m->p->out_blocks[block];
    job *j = &m->jobs[m->n_jobs++];
    *j = (job){.n = n, .tile = tile, .y0 = y0, .x0 = x0, .block = block};
    j->height = sched_min(p->tile_h, m->out_h - y0);
    j->width = sched_min(p->tile_w, m->out_w - x0);
    j->first_chunk = ob->first_block / p->chunk;
    j->n_chunks = (ob->first_block + ob->n_blocks - 1) / p->chunk - j->first_chunk + 1;
}

static void make_jobs(matmul *m) {
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

static int64_t weight_key(const matmul *m, const job *j, int64_t chunk) {
    const int64_t chunks = m->x_blocks + 1;
    const int64_t product = m->p->w_activation ? j->n : 0;
    return (product * m->y->blocks + j->block) * chunks + chunk;
}

/* Tells every ring what its consumer will use, in order. */
static void touch_all(matmul *m) {
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

static sched_box output_box(const cc_tensor *t, const matmul *m, const job *j) {
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

static void fill_a(matmul *m, const job *j, int64_t chunk) {
    sched *s = m->s;
    int64_t y, h, x, w;
    if (m->p->packed) {
        const sched_patch patch = {.tensor = m->x, .window = &m->p->window, .n = j->n, .y = j->y0, .height = j->height,
                                   .x = j->x0, .width = j->width, .window_rows = m->x_blocks};
        sched_ring_begin_fill(s, &m->a);
        sched_load_patch(s, &patch, sched_ring_row(&m->a, m->a.filled), m->p->x_zero);
        sched_ring_end_fill(s, &m->a);
        return;
    }
    tile_input(m, j, &y, &h, &x, &w);
    sched_box box = {.tensor = m->x, .flat = m->p->flat, .n = j->n, .y = y, .height = h, .x = x, .width = w};
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
static void chunk_blocks(const matmul *m, const job *j, int64_t chunk, int64_t *first, int64_t *count) {
    const cc_out_block *ob = &m->p->out_blocks[j->block];
    const int64_t lo = sched_max(ob->first_block, chunk * m->plan.chunk);
    const int64_t hi = sched_min(ob->first_block + ob->n_blocks, (chunk + 1) * m->plan.chunk);
    *first = lo;
    *count = hi - lo;
}

static void fill_w(matmul *m, const job *j, int64_t chunk) {
    sched *s = m->s;
    const cc_out_block *ob = &m->p->out_blocks[j->block];
    int64_t first, count;
    chunk_blocks(m, j, chunk, &first, &count);
    sched_ring_begin_fill(s, &m->w);
    const int64_t row = sched_ring_row(&m->w, m->w.filled);
    if (m->p->w_activation) {
        const int64_t k = m->p->w->w / m->p->batch;
        const sched_box box = {.tensor = m->p->w, .block = j->block, .blocks = 1, .height = 1,
                               .x = j->n * k + first * s->d, .width = count * s->d};
        sched_load(s, &box, row, 0);
    } else {
        const int64_t plane = m->taps * s->d * s->d;
        const uint64_t from = m->p->weights.address + ob->weights + (uint64_t)((first - ob->first_block) * plane);
        sched_load_bytes(s, from, count * plane, row);
    }
    sched_ring_end_fill(s, &m->w);
}

static void fill_k(matmul *m, const job *j) {
    sched *s = m->s;
    sched_ring_begin_fill(s, &m->k);
    sched_load_bytes(s, m->p->constants.address + m->p->out_blocks[j->block].constants, 8 * s->d,
                     sched_ring_row(&m->k, m->k.filled));
    sched_ring_end_fill(s, &m->k);
}

static void fill_r(matmul *m, const job *j) {
    const sched_box box = output_box(m->p->residual, m, j);
    sched_ring_begin_fill(m->s, &m->r);
    sched_load(m->s, &box, sched_ring_row(&m->r, m->r.filled), 0);
    sched_ring_end_fill(m->s, &m->r);
}

/* Outputs [*lo, *hi) of a tile axis for which a tap meets the input. */
static void tap_range(int64_t from, int64_t n, int64_t stride, int64_t offset, int64_t size, int64_t *lo, int64_t *hi) {
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

static tap make_tap(const matmul *m, const job *j, int64_t index) {
    const cc_window *w = &m->window;
    tap t = {.ky = index / w->kw, .kx = index % w->kw};
    tap_range(j->y0, j->height, w->stride_h, t.ky * w->dilation_h - w->pad_top, m->x_h, &t.y_lo, &t.y_hi);
    tap_range(j->x0, j->width, w->stride_w, t.kx * w->dilation_w - w->pad_left, m->x_w, &t.x_lo, &t.x_hi);
    t.any = t.y_lo < t.y_hi && t.x_lo < t.x_hi;
    t.whole = t.any && t.y_hi - t.y_lo == j->height && t.x_hi - t.x_lo == j->width;
    return t;
}

/* The first tap that covers the whole tile, -1 if none does. */
static int64_t first_whole_tap(const matmul *m, const job *j) {
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

static void push_tap(matmul *m, const job *j, const step_place *at, int64_t index, const tap *t, bool accumulate) {
    sched *s = m->s;
    const cc_window *win = &m->window;
    const int64_t iy = t->y_lo * win->stride_h + t->ky * win->dilation_h - win->pad_top;
    const int64_t ix = t->x_lo * win->stride_w + t->kx * win->dilation_w - win->pad_left;
    const int64_t plane = m->p->packed ? 1 : at->h * at->w;
    cc_command c = sched_command(s, ISA_OP_MXU_MATMUL);
    cc_set(&c, ISA_MXU_A_BASE, (uint32_t)(at->a_row + at->skip * plane + ((iy - at->y) * at->w + (ix - at->x)) * m->pixel));
    cc_set(&c, ISA_MXU_W_BASE, (uint32_t)(at->w_row + index * s->d));
    cc_set(&c, ISA_MXU_C_BASE, (uint32_t)(at->c_row + (t->y_lo - j->y0) * j->width + (t->x_lo - j->x0)));
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

static void emit_products(matmul *m, int64_t i_job, int64_t chunk, int64_t step, int64_t a_entry, int64_t w_entry) {
    sched *s = m->s;
    const job *j = &m->jobs[i_job];
    const bool first = chunk == j->first_chunk;
    const int64_t opener = first_whole_tap(m, j);
    step_place at = {.a_row = sched_ring_row(&m->a, a_entry), .w_row = sched_ring_row(&m->w, w_entry), .c_row = sched_ring_row(&m->c, i_job)};
    int64_t first_block;
    chunk_blocks(m, j, chunk, &first_block, &at.blocks);
    at.skip = first_block - chunk * m->plan.chunk;
    tile_input(m, j, &at.y, &at.h, &at.x, &at.w);
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
static void emit_rows(matmul *m, int64_t k_row) {
    cc_command c = sched_command(m->s, ISA_OP_VPU_ROWS);
    cc_set(&c, ISA_VPU_A_BASE, (uint32_t)k_row);
    cc_set(&c, ISA_VPU_ROWS, ISA_PUT(ISA_PUT(0, ISA_VPU_ROWS_FIRST, 0), ISA_VPU_ROWS_COUNT, 2));
    sched_push(m->s, &c);
}

static void emit_epilogue(matmul *m, int64_t i_job, int64_t k_entry, bool rows) {
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
    uint32_t in = ISA_PUT(0, ISA_VPU_CHAIN_IN_A_SRC, ISA_VPU_CHAIN_IN_A_SRC_ACC_I32);
    in = ISA_PUT(in, ISA_VPU_CHAIN_IN_IADD, ISA_VPU_CHAIN_IN_IADD_ROW);
    uint32_t fp = ISA_PUT(0, ISA_VPU_CHAIN_FP_MUL1, ISA_VPU_CHAIN_FP_MUL1_ROW);
    cc_requant out = p->y;
    if (p->residual != NULL) {
        in = ISA_PUT(in, ISA_VPU_CHAIN_IN_B_SRC, ISA_VPU_CHAIN_IN_B_SRC_SPM);
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_MID, ISA_VPU_CHAIN_FP_MID_ON);
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_MUL2, ISA_VPU_CHAIN_FP_MUL2_IMM);
        fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_ADD2, ISA_VPU_CHAIN_FP_ADD2_B);
        cc_set(&c, ISA_VPU_MID_LO, (uint32_t)(p->y.lo - p->y.zero));
        cc_set(&c, ISA_VPU_MID_HI, (uint32_t)(p->y.hi - p->y.zero));
        sched_set_f32(&c, ISA_VPU_MUL2_IMM, p->mid_scale);
        cc_set(&c, ISA_VPU_B_ZERO, (uint32_t)p->residual_zero);
        sched_set_f32(&c, ISA_VPU_B_SCALE, p->residual_scale);
        sched_walk(&c, ISA_VPU_B_BASE, sched_ring_row(&m->r, i_job), ISA_VPU_B_S0, (const int64_t[4]){1, 0, 0, 0});
        out = p->sum;
    }
    cc_set(&c, ISA_VPU_CHAIN_IN, in);
    cc_set(&c, ISA_VPU_CHAIN_FP, fp);
    cc_set(&c, ISA_VPU_CHAIN_OUT, ISA_PUT(0, ISA_VPU_CHAIN_OUT_OUT, ISA_VPU_CHAIN_OUT_OUT_I8));
    cc_set(&c, ISA_VPU_A_ZERO, 0);
    cc_set(&c, ISA_VPU_O_ZERO, (uint32_t)out.zero);
    cc_set(&c, ISA_VPU_O_LO, (uint32_t)out.lo);
    cc_set(&c, ISA_VPU_O_HI, (uint32_t)out.hi);
    sched_vpu_counts(&c, (const int64_t[4]){n, 1, 1, 1});
    sched_walk(&c, ISA_VPU_A_BASE, sched_ring_row(&m->c, i_job), ISA_VPU_A_S0, (const int64_t[4]){1, 0, 0, 0});
    sched_walk(&c, ISA_VPU_O_BASE, sched_ring_row(&m->o, i_job), ISA_VPU_O_S0, (const int64_t[4]){1, 0, 0, 0});
    sched_push(s, &c);
    sched_ring_end_step(s, &m->c, i_job);
    sched_ring_end_step(s, &m->k, i_job);
    if (p->residual != NULL) {
        sched_ring_end_step(s, &m->r, i_job);
    }
    sched_ring_end_fill(s, &m->o);
}

static void emit_store(matmul *m, int64_t i_job) {
    const sched_box box = output_box(m->y, m, &m->jobs[i_job]);
    sched_ring_begin_step(m->s, &m->o, i_job);
    sched_store(m->s, &box, sched_ring_row(&m->o, i_job));
    sched_ring_end_step(m->s, &m->o, i_job);
}

/* What the epilogues of jobs up to i_job read besides ACC. */
static void fill_epilogue_rings(matmul *m, int64_t i_job) {
    while (sched_ring_can_fill(&m->k, i_job)) {
        fill_k(m, &m->jobs[m->k.entries[m->k.filled].first]);
    }
    while (m->p->residual != NULL && sched_ring_can_fill(&m->r, i_job)) {
        fill_r(m, &m->jobs[m->r.entries[m->r.filled].first]);
    }
}

/* The walk over jobs and steps that fills the rings, ahead of the products. */
static void fill_rings(matmul *m, cursor *of_step, int64_t n_steps, int64_t step, int64_t i_job) {
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

static void emit_all(matmul *m) {
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
        const int64_t epilogues = step < n_steps ? of_step[step].job : m->n_jobs; /* jobs whose products were emitted before this step */
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

void sched_matmul(sched *s) {
    const cc_group *g = s->group;
    matmul m = {.s = s, .p = &g->u.matmul, .x = g->x, .y = g->y};
    const bool folded_batch = m.p->w_activation;
    const bool to_pixels = g->y->folded && !g->x->folded && !m.p->flat; /* images of one pixel lie along y's columns */
    m.images = folded_batch ? m.p->batch : to_pixels ? g->x->n : g->y->n;
    m.out_h = g->y->h;
    m.out_w = folded_batch || to_pixels ? g->y->w / m.images : g->y->w;
    m.x_blocks = m.p->flat ? g->x->blocks * g->x->h * g->x->w : g->x->blocks;
    m.x_h = m.p->flat ? 1 : g->x->h;
    m.x_w = m.p->flat ? g->x->n : folded_batch ? g->x->w / m.p->batch : g->x->w;
    m.window = m.p->window;
    m.pixel = 1;
    if (m.p->packed) {
        m.window = (cc_window){.kh = 1, .kw = 1, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1};
        m.x_blocks = m.pixel = m.p->out_blocks[0].n_blocks;
        m.x_h = m.out_h;
        m.x_w = m.out_w;
    }
    m.taps = m.window.kh * m.window.kw;
    for (int64_t i = 0; i < g->y->blocks; i++) {
        m.max_blocks = sched_max(m.max_blocks, m.p->out_blocks[i].n_blocks);
    }
    choose_plan(&m);
    if (s->status != SY_OK) {
        return;
    }
    const plan *p = &m.plan;
    m.a = (ring){.producer = ISA_UNIT_LD, .consumer = ISA_UNIT_MXU, .full = SCHED_SEM_A_MXU_FULL, .free_ = SCHED_SEM_A_MXU_FREE,
                 .base = p->a_base, .pitch = p->a_pitch, .slots = p->a_slots};
    m.w = (ring){.producer = ISA_UNIT_LD, .consumer = ISA_UNIT_MXU, .full = SCHED_SEM_W_FULL, .free_ = SCHED_SEM_W_FREE,
                 .base = p->w_base, .pitch = p->w_pitch, .slots = p->w_slots};
    m.k = (ring){.producer = ISA_UNIT_LD, .consumer = ISA_UNIT_VPU, .full = SCHED_SEM_K_FULL, .free_ = SCHED_SEM_K_FREE,
                 .base = p->k_base, .pitch = 8, .slots = p->k_slots};
    m.r = (ring){.producer = ISA_UNIT_LD, .consumer = ISA_UNIT_VPU, .full = SCHED_SEM_R_FULL, .free_ = SCHED_SEM_R_FREE,
                 .base = p->r_base, .pitch = p->r_pitch, .slots = p->r_slots};
    m.c = (ring){.producer = ISA_UNIT_MXU, .consumer = ISA_UNIT_VPU, .full = SCHED_SEM_C_FULL, .free_ = SCHED_SEM_C_FREE,
                 .base = 0, .pitch = s->acc_rows / 2, .slots = 2};
    m.o = (ring){.producer = ISA_UNIT_VPU, .consumer = ISA_UNIT_ST, .full = SCHED_SEM_O_FULL, .free_ = SCHED_SEM_O_FREE,
                 .base = p->o_base, .pitch = p->o_pitch, .slots = p->o_slots};
    make_jobs(&m);
    touch_all(&m);
    if (s->status == SY_OK) {
        emit_all(&m);
    }
}
