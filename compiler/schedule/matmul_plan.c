/*
 * matmul_plan.c -- how a convolution or matrix product is cut: tile, chunk, order, rings.
 *
 * All tiles, chunks and splits of the banks that can be good are tried; the cheapest by an estimate
 * of cycles is taken.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "matmul.h"

/* Input rows (or columns) that outputs [from, from + n) of one axis touch, inside the tensor; at
 * least one. */
static void input_range(int64_t from, int64_t n, int64_t stride, int64_t dilation, int64_t kernel,
                        int64_t pad, int64_t size, int64_t *first, int64_t *count)
{
    const int64_t lo = sched_min(sched_max(from * stride - pad, 0), size - 1);
    const int64_t hi = sched_min(
        sched_max((from + n - 1) * stride + (kernel - 1) * dilation - pad, 0), size - 1);
    *first = lo;
    *count = sched_max(hi - lo + 1, 1);
}

void sched_tile_input(const matmul *m, const job *j, int64_t *y, int64_t *h, int64_t *x, int64_t *w)
{
    if (m->p->packed) {
        *y = j->y0;
        *h = j->height;
        *x = j->x0;
        *w = j->width;
        return;
    }
    const cc_window *win = &m->window;
    input_range(j->y0, j->height, win->stride_h, win->dilation_h, win->kh, win->pad_top, m->x_h, y,
                h);
    if (j->width == m->out_w) {
        *x = 0;
        *w = m->x_w;
    } else {
        input_range(j->x0, j->width, win->stride_w, win->dilation_w, win->kw, win->pad_left, m->x_w,
                    x, w);
    }
}

/*
 * Slots of a ring in `banks` banks: all entries packed if they fit, else 4, 2 or 1 slots that start
 * at banks of their own. 0: not even one. With powers of two the addresses of steps repeat after
 * few steps, and so the program has short loops.
 */
static int64_t ring_slots(const sched *s, int64_t banks, int64_t entries, int64_t rows,
                          int64_t *pitch)
{
    /* a semaphore counts entries that are filled and not used yet: at most those that the
     * consumer's queue waits for and a few more */
    const bool countable = entries <= s->sem_most ||
                           (int64_t)s->config->queue_depth + 4 <= s->sem_most;
    if (entries * rows <= banks * s->spm_bank_rows && countable) {
        *pitch = rows;
        return entries;
    }
    *pitch = sched_round_up(rows, s->spm_bank_rows);
    const int64_t fit = banks * s->spm_bank_rows / *pitch;
    return fit >= 4 && s->sem_most >= 4 ? 4 : fit >= 2 ? 2 : fit;
}

/* Estimated cycles of a plan: the slowest of array, DRAM and VPU, and what is exposed at the start
 * and the end. */
static double estimate(const matmul *m, const plan *p, int64_t a_rows, int64_t w_rows,
                       int64_t a_loads, int64_t w_loads)
{
    const sched *s = m->s;
    const int64_t tiles = m->images * sched_div_up(m->out_h, p->tile_h) *
                          sched_div_up(m->out_w, p->tile_w);
    const int64_t rows = p->tile_h * p->tile_w;
    const int64_t jobs = tiles * m->y->blocks;
    const double row_cycles = (double)s->row_bytes / isa_config_dram_rate(s->config);
    const double steps = (double)jobs * (double)sched_div_up(m->max_blocks, p->chunk);
    const double array = (double)jobs * (double)(m->max_blocks * m->taps) *
                             (double)sched_max(rows, s->d) +
                         steps *
                             (double)(m->taps * 4 + 40); /* commands, and what a step waits for */
    const double out_rows = (double)jobs * (double)rows * (m->p->residual != NULL ? 2.0 : 1.0);
    const double a_cycles = m->p->packed ? (double)rows *
                                               sched_patch_cycles(s->config, &m->p->window, m->x->c)
                                         : (double)a_rows * row_cycles;
    const double loads = (double)a_loads * a_cycles + (double)w_loads * (double)w_rows * row_cycles;
    const double bursts = (double)(a_loads + w_loads) * 8.0;
    const double dram = loads + out_rows * row_cycles + bursts;
    const double vector = (double)jobs * (double)(rows + 10);
    const double pushes = (double)jobs * (60.0 + (double)m->taps * 14.0 *
                                                     (double)sched_div_up(m->max_blocks, p->chunk));
    double worst = array > dram ? array : dram;
    worst = vector > worst ? vector : worst;
    worst = pushes > worst ? pushes : worst;
    const double single = (p->a_slots < 2 && a_loads > 1 ? (double)a_loads * a_cycles : 0.0) +
                          (p->w_slots < 2 && w_loads > 1
                               ? (double)w_loads * (double)w_rows * row_cycles
                               : 0.0);
    const double exposed = a_cycles + ((double)w_rows + 2.0 * (double)rows) * row_cycles;
    /* a last tile of its own size needs code of its own */
    const double uneven = m->out_h % p->tile_h != 0 || m->out_w % p->tile_w != 0 ? 1.02 : 1.0;
    return (worst + single + exposed) * uneven;
}

/* Completes a plan with the given tile, chunk and banks for A; keeps it if it is the best yet. */
static void try_plan(const matmul *m, plan p, int64_t a_banks, int64_t w_banks, plan *best)
{
    const sched *s = m->s;
    job j = {.height = p.tile_h, .width = p.tile_w, .y0 = 0, .x0 = 0};
    const cc_window *win = &m->window;
    int64_t unused, tile_in_h, tile_in_w;
    sched_tile_input(m, &j, &unused, &tile_in_h, &unused, &tile_in_w);
    /* an inner tile may need more rows than the first, which touches the padding */
    tile_in_h = sched_min(m->x_h,
                          (p.tile_h - 1) * win->stride_h + (win->kh - 1) * win->dilation_h + 1);
    if (p.tile_w < m->out_w) {
        tile_in_w = sched_min(m->x_w,
                              (p.tile_w - 1) * win->stride_w + (win->kw - 1) * win->dilation_w + 1);
    }
    const int64_t a_rows = p.chunk * tile_in_h * tile_in_w;
    const int64_t w_rows = sched_min(p.chunk, m->max_blocks) * m->taps * s->d;
    const int64_t tiles = m->images * sched_div_up(m->out_h, p.tile_h) *
                          sched_div_up(m->out_w, p.tile_w);
    const int64_t chunks = sched_div_up(m->x_blocks, p.chunk);
    const int64_t chunks_of_job = sched_min(chunks, sched_div_up(m->max_blocks, p.chunk) +
                                                        (m->max_blocks < m->x_blocks ? 1 : 0));
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
            a_loads = a_resident || p.a_slots >= chunks_of_job
                          ? a_all
                          : tiles * m->y->blocks * chunks_of_job;
            w_loads = w_resident ? w_all : tiles * m->y->blocks * chunks_of_job;
        } else {
            w_loads = w_resident || p.w_slots >= chunks_of_job
                          ? w_all
                          : tiles * m->y->blocks * chunks_of_job;
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
static void try_tile(const matmul *m, const plan *fixed, int64_t tile_h, int64_t tile_w,
                     int64_t banks, plan *best)
{
    int64_t last = 0;
    for (int64_t pieces = 1; pieces <= m->x_blocks; pieces++) {
        plan p = *fixed;
        p.tile_h = tile_h;
        p.tile_w = tile_w;
        p.chunk = m->x_blocks / pieces;
        if (m->x_blocks % pieces != 0 || p.chunk == last ||
            ((m->p->packed || (m->p->is_bf16 && m->taps > 1)) && pieces > 1)) {
            continue; /* equal chunks: the program repeats; a window is gathered whole; the order of
                         a bf16 sum is by taps, then channels */
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
static int64_t fixed_rings(const matmul *m, plan *p, int64_t slots)
{
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

void sched_matmul_plan(matmul *m)
{
    sched *s = m->s;
    const int64_t constant_rows = sched_constant_rows(s);
    const int64_t slot_rows = sched_min(sched_min(s->acc_rows / 2, s->spm_bank_rows),
                                        SCHED_MAX_ROWS);
    plan best = {.cost = -1};
    for (int64_t slots = 2; slots >= 1 && best.cost < 0; slots--) {
        plan fixed = {.cost = -1};
        const int64_t banks = fixed_rings(m, &fixed, slots);
        if (banks < 2 || slot_rows < 1 || s->spm_bank_rows < constant_rows) {
            continue;
        }
        fixed.k_slots = sched_min(sched_min(s->spm_bank_rows / constant_rows, s->sem_most),
                                  m->y->blocks);
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
    if (s->spm_bank_rows < constant_rows) {
        sched_too_large(s, "a bank that holds its constants", constant_rows, s->spm_bank_rows);
        return;
    }
    if (best.cost < 0) {
        const int64_t w_rows = m->taps * s->d;
        sched_too_large(
            s, "its smallest tile with weights, input, output and constants in banks of their own",
            w_rows + 4 * s->spm_bank_rows, s->spm_rows);
        return;
    }
    m->plan = best;
}
