/*
 * attention.c -- the schedule of attention: for each head and some queries at a time, scores by the array, softmax by the VPU
 * where the scores lie, products with the values by the array.
 *
 *     W ring   keys and values of a head   LD -> MXU        A ring   queries of a tile   LD -> MXU
 *     O ring   results of a tile           VPU -> ST         R ring   the mask of a tile   LD -> VPU
 *     ACC, in quarters: scores | exponentials | maxima and results | reciprocals of the sums
 *
 * MXU and VPU work on two tiles at once: the scores of the next tile are made as soon as the VPU has read those of this one.
 * Their orders: MXU  S0 S1 P0 S2 P1 ...;  VPU  max, exp of 0; norm 0; max, exp of 1; result 0; norm 1; ...
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ring.h"

#include "systole/base/assert.h"
#include "systole/graph/bf16.h"

typedef struct attention {
    sched *s;
    const cc_attention *p;
    const cc_tensor *x, *y;
    int64_t queries, keys;           /* of one picture of the batch */
    int64_t size_blocks, out_blocks; /* channel blocks of a head, of keys and of values */
    int64_t key_blocks;
    int64_t tile;       /* queries of a tile */
    int64_t tiles, n;   /* of a head; of all */
    int64_t p_base;     /* SPM: probabilities [key block][query] */
    int64_t scores, exps, sums, most, results; /* ACC rows */
    ring a, w, o, r;
} attention;

typedef struct tile {
    int64_t head, picture, first, n; /* head of all pictures */
} tile;

static tile tile_of(const attention *at, int64_t t)
{
    tile tl = {.head = t / at->tiles, .first = t % at->tiles * at->tile};
    tl.picture = tl.head / at->p->heads;
    tl.n = sched_min(at->tile, at->queries - tl.first);
    return tl;
}

/* Steps of the MXU in its order: scores of t, results of t. */
static int64_t scores_step(int64_t t)
{
    return t == 0 ? 0 : 2 * t - 1;
}

static int64_t results_step(const attention *at, int64_t t)
{
    return t == at->n - 1 ? scores_step(t) + (t == 0 ? 1 : 2) : 2 * t + 2;
}

/* ---------------------------------------------------------------- loads */

static void load_part(attention *at, const cc_tensor *t, int64_t block, int64_t blocks, int64_t x, int64_t width, int64_t row)
{
    const sched_box box = {.tensor = t, .block = block, .blocks = blocks, .height = 1, .x = x, .width = width};
    sched_load(at->s, &box, row, 0);
}

static void fill(attention *at)
{
    sched *s = at->s;
    const int64_t key = at->w.entries[at->w.filled].key;
    const int64_t head = key / 2 % at->p->heads, picture = key / 2 / at->p->heads;
    const bool is_value = key % 2 == 1;
    sched_ring_begin_fill(s, &at->w);
    load_part(at, is_value ? at->p->v : at->p->k, head * (is_value ? at->out_blocks : at->size_blocks),
              is_value ? at->out_blocks : at->size_blocks, picture * at->keys, at->key_blocks * s->d,
              sched_ring_row(&at->w, at->w.filled));
    sched_ring_end_fill(s, &at->w);
}

static void fill_queries(attention *at)
{
    sched *s = at->s;
    const tile tl = tile_of(at, at->a.filled);
    sched_ring_begin_fill(s, &at->a);
    load_part(at, at->x, tl.head % at->p->heads * at->size_blocks, at->size_blocks, tl.picture * at->queries + tl.first, tl.n,
              sched_ring_row(&at->a, at->a.filled));
    sched_ring_end_fill(s, &at->a);
}

/* A row of the mask for each query of a tile, or one for all. */
static int64_t mask_rows(const attention *at, int64_t queries)
{
    return at->p->mask_queries > 1 ? queries : 1;
}

static void fill_mask(attention *at)
{
    sched *s = at->s;
    const cc_attention *p = at->p;
    const tile tl = tile_of(at, at->r.filled);
    const int64_t first = (p->mask_pictures > 1 ? tl.picture * p->mask_queries : 0) + (p->mask_queries > 1 ? tl.first : 0);
    sched_ring_begin_fill(s, &at->r);
    load_part(at, p->mask, 0, at->key_blocks, first, mask_rows(at, tl.n), sched_ring_row(&at->r, at->r.filled));
    sched_ring_end_fill(s, &at->r);
}

static void fill_until(attention *at, int64_t step)
{
    while (sched_ring_can_fill(&at->a, step)) {
        fill_queries(at);
    }
    while (sched_ring_can_fill(&at->w, step)) {
        fill(at);
    }
    while (at->p->mask != NULL && sched_ring_can_fill(&at->r, step)) {
        fill_mask(at);
    }
}

/* ---------------------------------------------------------------- the array */

static void push_product(attention *at, isa_op op, int64_t a, int64_t w, int64_t w_plane, int64_t planes, int64_t n, int64_t c)
{
    cc_command m = sched_command(at->s, op);
    cc_set(&m, ISA_MXU_A_BASE, (uint32_t)a);
    cc_set(&m, ISA_MXU_W_BASE, (uint32_t)w);
    cc_set(&m, ISA_MXU_C_BASE, (uint32_t)c);
    cc_set(&m, ISA_MXU_PLANES, (uint32_t)planes);
    cc_set(&m, ISA_MXU_A_PLANE, (uint32_t)n);
    cc_set(&m, ISA_MXU_W_PLANE, (uint32_t)w_plane);
    for (unsigned i = 0; i < 4; i++) {
        cc_set(&m, ISA_MXU_N0 + i, i == 0 ? (uint32_t)n : 1);
        cc_set(&m, ISA_MXU_A_S0 + i, i == 0 ? 1 : 0);
        cc_set(&m, ISA_MXU_C_S0 + i, i == 0 ? 1 : 0);
    }
    cc_set(&m, ISA_MXU_FLAGS, 0);
    cc_set(&m, ISA_MXU_A_ZERO, 0);
    cc_set(&m, ISA_MXU_W_ZERO, 0);
    sched_push(at->s, &m);
}

/* The newest entry of the W ring with this key that a step so far has used: it lies in a slot, so few are looked at. */
static int64_t entry_of(const attention *at, int64_t key)
{
    int64_t e = at->w.acquired - 1;
    while (e >= 0 && at->w.entries[e].key != key) {
        e--;
    }
    SY_ASSERT(e >= 0);
    return e;
}

static void emit_scores(attention *at, int64_t t)
{
    sched *s = at->s;
    const tile tl = tile_of(at, t);
    const int64_t width = at->key_blocks * s->d;
    if (t > 0) {
        sched_wait(s, ISA_UNIT_MXU, SCHED_SEM_C_FREE);
    }
    sched_ring_begin_step(s, &at->a, t);
    sched_ring_begin_step(s, &at->w, scores_step(t));
    const int64_t k_row = sched_ring_row(&at->w, entry_of(at, 2 * tl.head));
    for (int64_t b = 0; b < at->key_blocks; b++) {
        push_product(at, ISA_OP_MXU_MATMUL_T, sched_ring_row(&at->a, t), k_row + b * s->d, width, at->size_blocks, tl.n,
                     at->scores + b * tl.n);
    }
    sched_ring_end_step(s, &at->a, t);
    sched_ring_end_step(s, &at->w, scores_step(t));
    sched_post(s, ISA_UNIT_MXU, SCHED_SEM_C_FULL);
}

static void emit_results(attention *at, int64_t t)
{
    sched *s = at->s;
    const tile tl = tile_of(at, t);
    const int64_t width = at->key_blocks * s->d;
    sched_wait(s, ISA_UNIT_MXU, SCHED_SEM_P_FULL);
    sched_ring_begin_step(s, &at->w, results_step(at, t));
    const int64_t v_row = sched_ring_row(&at->w, entry_of(at, 2 * tl.head + 1));
    for (int64_t b = 0; b < at->out_blocks; b++) {
        push_product(at, ISA_OP_MXU_MATMUL, at->p_base, v_row + b * width, s->d, at->key_blocks, tl.n, at->results + b * tl.n);
    }
    sched_ring_end_step(s, &at->w, results_step(at, t));
    sched_post(s, ISA_UNIT_MXU, SCHED_SEM_C_FULL);
}

/* ---------------------------------------------------------------- the vector unit */

static cc_command begin(const attention *at, int64_t n, uint32_t b_source, const cc_chain *chain, uint32_t out)
{
    const sched *s = at->s;
    cc_command c = sched_command(s, ISA_OP_VPU_VEC);
    sched_vpu_counts(&c, (const int64_t[4]){at->key_blocks, n, 1, 1});
    cc_set(&c, ISA_VPU_TAIL, (uint32_t)(at->keys % s->d));
    cc_set(&c, ISA_VPU_CHAIN_IN,
           ISA_PUT(ISA_PUT(0, ISA_VPU_CHAIN_IN_A_SRC, ISA_VPU_CHAIN_IN_A_SRC_ACC_F32), ISA_VPU_CHAIN_IN_B_SRC, b_source));
    cc_set(&c, ISA_VPU_CHAIN_OUT, out);
    sched_chain(&c, chain);
    return c;
}

static void set_walks(cc_command *c, int64_t a, int64_t o, int64_t n)
{
    sched_walk(c, ISA_VPU_A_BASE, a, ISA_VPU_A_S0, (const int64_t[4]){n, 1, 0, 0});
    sched_walk(c, ISA_VPU_O_BASE, o, ISA_VPU_O_S0, (const int64_t[4]){n, 1, 0, 0});
}

static void set_b(cc_command *c, int64_t row, float scale)
{
    sched_walk(c, ISA_VPU_B_BASE, row, ISA_VPU_B_S0, (const int64_t[4]){0, 1, 0, 0});
    sched_set_f32(c, ISA_VPU_B_SCALE, scale);
}

static uint32_t reduction(uint32_t red, uint32_t fn)
{
    uint32_t v = ISA_PUT(0, ISA_VPU_CHAIN_OUT_OUT, ISA_VPU_CHAIN_OUT_OUT_F32);
    v = ISA_PUT(v, ISA_VPU_CHAIN_OUT_RED, red);
    v = ISA_PUT(v, ISA_VPU_CHAIN_OUT_RED_SRC, ISA_VPU_CHAIN_OUT_RED_SRC_FP);
    v = ISA_PUT(v, ISA_VPU_CHAIN_OUT_RED_LOOPS, ISA_VPU_CHAIN_OUT_RED_LOOPS_ONE);
    v = ISA_PUT(v, ISA_VPU_CHAIN_OUT_RED_LANES, ISA_VPU_CHAIN_OUT_RED_LANES_ON);
    v = ISA_PUT(v, ISA_VPU_CHAIN_OUT_RED_FN, fn);
    return ISA_PUT(v, ISA_VPU_CHAIN_OUT_RED_OUT, ISA_VPU_CHAIN_OUT_RED_OUT_F32);
}

static void set_reduced(cc_command *c, int64_t row)
{
    sched_walk(c, ISA_VPU_R_BASE, row, ISA_VPU_R_S0, (const int64_t[4]){0, 1, 0, 0});
    sched_set_f32(c, ISA_VPU_R_MUL, 1.0F);
    sched_set_f32(c, ISA_VPU_R_ADD, 0.0F);
}

/* The mask of a tile as B behind the scale. */
static void add_mask(attention *at, int64_t t, int64_t n, cc_command *c)
{
    const int64_t rows = mask_rows(at, n);
    cc_set(c, ISA_VPU_CHAIN_IN,
           ISA_PUT(ISA_PUT(0, ISA_VPU_CHAIN_IN_A_SRC, ISA_VPU_CHAIN_IN_A_SRC_ACC_F32), ISA_VPU_CHAIN_IN_B_SRC, ISA_VPU_CHAIN_IN_B_SRC_SPM));
    sched_walk(c, ISA_VPU_B_BASE, sched_ring_row(&at->r, t), ISA_VPU_B_S0, (const int64_t[4]){rows, rows > 1 ? 1 : 0, 0, 0});
    sched_set_f32(c, ISA_VPU_B_SCALE, 1.0F);
}

/* Scores times the scale, plus the mask, and their maxima; then exponentials and the reciprocals of their sums. */
static void emit_exponentials(attention *at, int64_t t)
{
    sched *s = at->s;
    const int64_t n = tile_of(at, t).n;
    const bool masked = at->p->mask != NULL;
    cc_chain scaled = {.fp = ISA_PUT(0, ISA_VPU_CHAIN_FP_MUL1, ISA_VPU_CHAIN_FP_MUL1_IMM), .mul1 = at->p->scale};
    scaled.fp = ISA_PUT(scaled.fp, ISA_VPU_CHAIN_FP_ADD2, masked ? ISA_VPU_CHAIN_FP_ADD2_B : ISA_VPU_CHAIN_FP_ADD2_NONE);
    cc_chain shifted = {.fp = ISA_PUT(0, ISA_VPU_CHAIN_FP_ADD1, ISA_VPU_CHAIN_FP_ADD1_B), .mul1 = IR_BF16_LOG2E};
    shifted.fp = ISA_PUT(shifted.fp, ISA_VPU_CHAIN_FP_MUL1, ISA_VPU_CHAIN_FP_MUL1_IMM);
    shifted.fp = ISA_PUT(shifted.fp, ISA_VPU_CHAIN_FP_FN, ISA_VPU_CHAIN_FP_FN_EXP2);
    sched_wait(s, ISA_UNIT_VPU, SCHED_SEM_C_FULL);
    cc_command c = begin(at, n, ISA_VPU_CHAIN_IN_B_SRC_NONE, &scaled,
                         reduction(ISA_VPU_CHAIN_OUT_RED_MAX, ISA_VPU_CHAIN_OUT_RED_FN_NONE));
    set_walks(&c, at->scores, at->scores, n);
    set_reduced(&c, at->most);
    if (masked) {
        sched_ring_begin_step(s, &at->r, t);
        add_mask(at, t, n, &c);
    }
    sched_push(s, &c);
    if (masked) {
        sched_ring_end_step(s, &at->r, t);
    }
    c = begin(at, n, ISA_VPU_CHAIN_IN_B_SRC_ACC_F32, &shifted,
              reduction(ISA_VPU_CHAIN_OUT_RED_SUM, ISA_VPU_CHAIN_OUT_RED_FN_RECIP));
    set_walks(&c, at->scores, at->exps, n);
    set_b(&c, at->most, -1.0F);
    set_reduced(&c, at->sums);
    sched_push(s, &c);
    if (t + 1 < at->n) {
        sched_post(s, ISA_UNIT_VPU, SCHED_SEM_C_FREE);
    }
}

static void emit_probabilities(attention *at, int64_t t)
{
    const int64_t n = tile_of(at, t).n;
    const cc_chain scaled = {.fp = ISA_PUT(0, ISA_VPU_CHAIN_FP_MUL1, ISA_VPU_CHAIN_FP_MUL1_B)};
    cc_command c = begin(at, n, ISA_VPU_CHAIN_IN_B_SRC_ACC_F32, &scaled,
                         ISA_PUT(0, ISA_VPU_CHAIN_OUT_OUT, ISA_VPU_CHAIN_OUT_OUT_SPM));
    set_walks(&c, at->exps, at->p_base, n);
    set_b(&c, at->sums, 1.0F);
    sched_push(at->s, &c);
    sched_post(at->s, ISA_UNIT_VPU, SCHED_SEM_P_FULL);
}

static void emit_output(attention *at, int64_t t)
{
    sched *s = at->s;
    const tile tl = tile_of(at, t);
    const cc_chain none = {.fp = ISA_PUT(0, ISA_VPU_CHAIN_FP_ADD1, ISA_VPU_CHAIN_FP_ADD1_IMM)}; /* a zero, as behind every product */
    sched_wait(s, ISA_UNIT_VPU, SCHED_SEM_C_FULL);
    sched_ring_begin_fill(s, &at->o);
    cc_command c = begin(at, tl.n, ISA_VPU_CHAIN_IN_B_SRC_NONE, &none,
                         ISA_PUT(0, ISA_VPU_CHAIN_OUT_OUT, ISA_VPU_CHAIN_OUT_OUT_SPM));
    sched_vpu_counts(&c, (const int64_t[4]){at->out_blocks, tl.n, 1, 1});
    cc_set(&c, ISA_VPU_TAIL, 0);
    set_walks(&c, at->results, sched_ring_row(&at->o, t), tl.n);
    sched_push(s, &c);
    sched_ring_end_fill(s, &at->o);
    sched_ring_begin_step(s, &at->o, t);
    const sched_box box = {.tensor = at->y, .block = tl.head % at->p->heads * at->out_blocks, .blocks = at->out_blocks,
                           .height = 1, .x = tl.picture * at->queries + tl.first, .width = tl.n};
    sched_store(s, &box, sched_ring_row(&at->o, t));
    sched_ring_end_step(s, &at->o, t);
}

/* ---------------------------------------------------------------- the plan */

/* Rows that a slot of `rows` rows takes in banks of its own. */
static int64_t in_banks(const sched *s, int64_t rows)
{
    return sched_round_up(rows, s->spm_bank_rows);
}

/* The rings of SPM for tiles of at->tile queries; false: they do not fit, and *needed is what would. */
static bool fits(attention *at, int64_t w_rows, int64_t *needed)
{
    const sched *s = at->s;
    const int64_t a_pitch = in_banks(s, at->size_blocks * at->tile), o_pitch = in_banks(s, at->out_blocks * at->tile);
    const int64_t p_rows = in_banks(s, at->key_blocks * at->tile), w_pitch = in_banks(s, w_rows);
    const int64_t r_pitch = at->p->mask != NULL ? in_banks(s, at->key_blocks * mask_rows(at, at->tile)) : 0;
    const int64_t others = p_rows + 2 * a_pitch + 2 * o_pitch;
    /* one slot for masks where two would leave no room for keys and values */
    const int64_t r_slots = s->spm_rows - others - 2 * r_pitch >= 2 * w_pitch ? 2 : 1;
    const int64_t fixed = others + r_slots * r_pitch;
    const int64_t slots = (s->spm_rows - fixed) / w_pitch;
    *needed = fixed + 2 * w_pitch;
    at->a = (ring){.producer = ISA_UNIT_LD, .consumer = ISA_UNIT_MXU, .full = SCHED_SEM_A_MXU_FULL, .free_ = SCHED_SEM_A_MXU_FREE,
                   .base = p_rows, .pitch = a_pitch, .slots = 2};
    at->o = (ring){.producer = ISA_UNIT_VPU, .consumer = ISA_UNIT_ST, .full = SCHED_SEM_O_FULL, .free_ = SCHED_SEM_O_FREE,
                   .base = p_rows + 2 * a_pitch, .pitch = o_pitch, .slots = 2};
    at->r = (ring){.producer = ISA_UNIT_LD, .consumer = ISA_UNIT_VPU, .full = SCHED_SEM_R_FULL, .free_ = SCHED_SEM_R_FREE,
                   .base = others, .pitch = r_pitch, .slots = r_slots};
    at->w = (ring){.producer = ISA_UNIT_LD, .consumer = ISA_UNIT_MXU, .full = SCHED_SEM_W_FULL, .free_ = SCHED_SEM_W_FREE,
                   .base = fixed, .pitch = w_pitch, .slots = sched_min(slots, sched_min(4, s->sem_most))};
    return slots >= 2;
}

/* The most queries of a tile that ACC, the loops of the machine and SPM allow. */
static bool choose(attention *at)
{
    sched *s = at->s;
    const int64_t quarter = s->config->acc_banks / 4 * s->acc_bank_rows;
    const int64_t w_rows = at->key_blocks * s->d * sched_max(at->size_blocks, at->out_blocks);
    if (quarter == 0) {
        sched_too_large(s, "scores, exponentials, results and sums in ACC banks of their own", 4 * s->acc_bank_rows, s->acc_rows);
        return false;
    }
    at->tile = sched_min(at->queries, sched_min(quarter / at->key_blocks, quarter / (at->out_blocks + 1)));
    if (at->tile < 1) {
        sched_too_large(s, "the scores of one query in a quarter of ACC", at->key_blocks, quarter);
        return false;
    }
    const int64_t widest = sched_max(at->key_blocks, sched_max(at->size_blocks, at->out_blocks));
    int64_t needed = w_rows;
    at->tile = sched_min(at->tile, SCHED_MAX_ROWS / widest);
    bool fit = at->tile >= 1 && w_rows <= SCHED_MAX_ROWS;
    while (fit && !fits(at, w_rows, &needed)) {
        fit = at->tile > 1;
        at->tile = sched_div_up(at->tile, 2);
    }
    if (!fit) {
        sched_too_large(s, "keys and values of one head with queries, mask, probabilities and results", needed, s->spm_rows);
        return false;
    }
    at->p_base = 0;
    at->scores = 0;
    at->exps = quarter;
    at->most = 2 * quarter;
    at->results = 2 * quarter + at->tile;
    at->sums = 3 * quarter;
    at->tiles = sched_div_up(at->queries, at->tile);
    at->n = at->tiles * at->p->heads * at->p->batch;
    return true;
}

/* The rings' users in the order of the MXU. */
static void touch_all(attention *at)
{
    sched *s = at->s;
    for (int64_t t = 0; t <= at->n; t++) {
        if (t < at->n) {
            sched_ring_touch(s, &at->a, t, t);
            sched_ring_touch(s, &at->o, t, t);
            if (at->p->mask != NULL) {
                sched_ring_touch(s, &at->r, t, t);
            }
            sched_ring_touch(s, &at->w, 2 * tile_of(at, t).head, scores_step(t));
        }
        if (t > 0) {
            sched_ring_touch(s, &at->w, 2 * tile_of(at, t - 1).head + 1, results_step(at, t - 1));
        }
    }
}

void sched_attention(sched *s)
{
    const cc_group *g = s->group;
    const cc_attention *p = &g->u.attention;
    attention at = {.s = s, .p = p, .x = g->x, .y = g->y};
    at.queries = g->x->w / p->batch;
    at.keys = p->k->w / p->batch;
    at.size_blocks = g->x->blocks / p->heads;
    at.out_blocks = p->v->blocks / p->heads;
    at.key_blocks = sched_div_up(at.keys, s->d);
    if (!choose(&at)) {
        return;
    }
    touch_all(&at);
    fill_until(&at, 1);
    emit_scores(&at, 0);
    for (int64_t t = 0; t < at.n && s->status == SY_OK; t++) {
        fill_until(&at, results_step(&at, t));
        emit_exponentials(&at, t);
        if (t + 1 < at.n) {
            emit_scores(&at, t + 1);
        }
        if (t > 0) {
            emit_output(&at, t - 1);
        }
        emit_probabilities(&at, t);
        emit_results(&at, t);
    }
    if (s->status == SY_OK) {
        emit_output(&at, at.n - 1);
    }
}
