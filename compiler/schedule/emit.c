/*
 * emit.c -- see emit.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "emit.h"

#include <string.h>

#include "systole/base/assert.h"

int64_t sched_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t sched_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t sched_div_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

int64_t sched_round_up(int64_t a, int64_t b)
{
    return sched_div_up(a, b) * b;
}

void sched_wait(sched *s, isa_unit unit, uint32_t semaphore)
{
    if (s->status == SY_OK) {
        s->status = cc_program_wait(s->arena, s->program, (uint8_t)unit, semaphore);
    }
}

void sched_post(sched *s, isa_unit unit, uint32_t semaphore)
{
    if (s->status == SY_OK) {
        s->status = cc_program_post(s->arena, s->program, (uint8_t)unit, semaphore);
    }
}

void sched_push(sched *s, const cc_command *command)
{
    cc_command c = *command;
    const bool is_vec = c.unit == ISA_UNIT_VPU && c.funct7 == ISA_F7_VPU_VEC;
    if (is_vec && s->element_bytes > 1 && (c.mask >> ISA_VPU_TAIL & 1) == 0) {
        cc_set(&c, ISA_VPU_TAIL, 0); /* norms of a bf16 machine leave another */
    }
    if (s->status == SY_OK) {
        s->status = cc_program_add(s->arena, s->program, &c);
    }
}

cc_command sched_command(const sched *s, isa_op op)
{
    const isa_op_info *info = isa_op_describe(op);
    cc_command c;
    memset(&c, 0, sizeof c);
    c.unit = info->unit;
    c.funct7 = info->funct7;
    c.payload = s->group->tag;
    return c;
}

/* ---------------------------------------------------------------- DRAM and rows */

/* One loop of a byte walk: indices [lo, hi) are valid. */
typedef struct byte_loop {
    int64_t count, stride, lo, hi;
} byte_loop;

/* Registers of LD and ST are the same in number and order (a test holds them together). */
static void set_byte_walk(cc_command *c, uint64_t address, const byte_loop loops[4])
{
    static const unsigned counts[4] = {ISA_LD_N0, ISA_LD_N1, ISA_LD_N2, ISA_LD_N3};
    static const unsigned strides[4] = {0, ISA_LD_S1, ISA_LD_S2, ISA_LD_S3};
    static const unsigned lows[4] = {ISA_LD_LO0, ISA_LD_LO1, ISA_LD_LO2, ISA_LD_LO3};
    static const unsigned highs[4] = {ISA_LD_HI0, ISA_LD_HI1, ISA_LD_HI2, ISA_LD_HI3};
    cc_set(c, ISA_LD_ADDR_LO, (uint32_t)address);
    cc_set(c, ISA_LD_ADDR_HI, (uint32_t)(address >> 32) & 0xFF);
    for (int i = 0; i < 4; i++) {
        cc_set(c, counts[i], (uint32_t)loops[i].count);
        cc_set(c, lows[i], (uint32_t)loops[i].lo);
        cc_set(c, highs[i], (uint32_t)loops[i].hi);
        if (i > 0) {
            cc_set(c, strides[i], (uint32_t)loops[i].stride);
        }
    }
}

/* Rows in one contiguous run; the row walk has more loops only where a count would be too large. */
static void set_row_run(cc_command *c, int64_t row, int64_t rows)
{
    int64_t inner = rows;
    int64_t outer = 1;
    while (inner > 65535) {
        SY_ASSERT(inner % 2 == 0);
        inner /= 2;
        outer *= 2;
    }
    cc_set(c, ISA_LD_ROW_BASE, (uint32_t)row);
    cc_set(c, ISA_LD_M0, (uint32_t)inner);
    cc_set(c, ISA_LD_M1, (uint32_t)outer);
    cc_set(c, ISA_LD_M2, 1);
    cc_set(c, ISA_LD_M3, 1);
    cc_set(c, ISA_LD_T0, 1);
    cc_set(c, ISA_LD_T1, (uint32_t)inner);
    cc_set(c, ISA_LD_T2, 0);
    cc_set(c, ISA_LD_T3, 0);
}

/* The byte walk of a box: the longest run first, three outer loops. */
static uint64_t box_loops(const sched *s, const sched_box *box, byte_loop loops[4])
{
    const cc_tensor *t = box->tensor;
    const int64_t d = s->row_bytes;
    const byte_loop one = {.count = 1, .stride = 0, .lo = 0, .hi = 1};
    if (box->flat) {
        /* positions are images; a position's channel blocks lie together */
        const int64_t image = t->blocks * t->h * t->w * d;
        loops[0] = (byte_loop){.count = d, .lo = 0, .hi = d};
        loops[1] = (byte_loop){.count = box->width, .stride = image, .lo = 0, .hi = box->width};
        loops[2] = (byte_loop){.count = box->blocks, .stride = d, .lo = 0, .hi = box->blocks};
        loops[3] = one;
        if (box->width == 1) { /* then all blocks are one run */
            loops[0] = (byte_loop){.count = box->blocks * d, .lo = 0, .hi = box->blocks * d};
            loops[1] = loops[2] = one;
        }
        return t->address + (uint64_t)(box->x * image + box->block * d);
    }
    const int64_t x_lo = sched_max(0, -box->x);
    const int64_t x_hi = sched_min(box->width, t->w - box->x);
    const int64_t y_lo = sched_max(0, -box->y);
    const int64_t y_hi = sched_min(box->height, t->h - box->y);
    const int64_t plane = t->h * t->w * d;
    loops[0] = (byte_loop){.count = box->width * d, .lo = x_lo * d, .hi = x_hi * d};
    loops[1] = (byte_loop){.count = box->height, .stride = t->w * d, .lo = y_lo, .hi = y_hi};
    loops[2] = (byte_loop){.count = box->blocks, .stride = plane, .lo = 0, .hi = box->blocks};
    loops[3] = one;
    const bool whole_rows = box->x == 0 && box->width == t->w && box->y >= 0 &&
                            box->y + box->height <= t->h;
    if (whole_rows) {
        int64_t run = box->width * box->height * d;
        const bool whole_planes = box->height == t->h;
        if (whole_planes) {
            run *= box->blocks;
            loops[2] = one;
        }
        loops[0] = (byte_loop){.count = run, .lo = 0, .hi = run};
        loops[1] = one;
    }
    const int64_t offset = ((box->n * t->blocks + box->block) * t->h + box->y) * t->w + box->x;
    return t->address + (uint64_t)(offset * d);
}

void sched_load(sched *s, const sched_box *box, int64_t row, int32_t fill)
{
    byte_loop loops[4];
    cc_command c = sched_command(s, ISA_OP_LD_LOAD);
    const uint64_t address = box_loops(s, box, loops);
    set_byte_walk(&c, address, loops);
    cc_set(&c, ISA_LD_FLAGS, 0);
    cc_set(&c, ISA_LD_FILL, (uint32_t)fill & 0xFF);
    set_row_run(&c, row, box->blocks * box->height * box->width);
    sched_push(s, &c);
}

void sched_store(sched *s, const sched_box *box, int64_t row)
{
    byte_loop loops[4];
    cc_command c = sched_command(s, ISA_OP_ST_STORE);
    const uint64_t address = box_loops(s, box, loops);
    set_byte_walk(&c, address, loops);
    cc_set(&c, ISA_ST_FLAGS, 0);
    set_row_run(&c, row, box->blocks * box->height * box->width);
    sched_push(s, &c);
}

static void move_bytes(sched *s, isa_op op, uint64_t address, int64_t n_bytes, int64_t row)
{
    const byte_loop one = {.count = 1, .stride = 0, .lo = 0, .hi = 1};
    const byte_loop loops[4] = {{.count = n_bytes, .lo = 0, .hi = n_bytes}, one, one, one};
    cc_command c = sched_command(s, op);
    set_byte_walk(&c, address, loops);
    cc_set(&c, ISA_LD_FLAGS, 0);
    if (op == ISA_OP_LD_LOAD) {
        cc_set(&c, ISA_LD_FILL, 0);
    }
    set_row_run(&c, row, sched_div_up(n_bytes, s->row_bytes));
    sched_push(s, &c);
}

void sched_load_bytes(sched *s, uint64_t address, int64_t n_bytes, int64_t row)
{
    move_bytes(s, ISA_OP_LD_LOAD, address, n_bytes, row);
}

void sched_store_bytes(sched *s, uint64_t address, int64_t n_bytes, int64_t row)
{
    move_bytes(s, ISA_OP_ST_STORE, address, n_bytes, row);
}

void sched_store_lanes(sched *s, uint64_t address, int64_t rows, int64_t lo, int64_t hi,
                       int64_t row)
{
    const byte_loop one = {.count = 1, .stride = 0, .lo = 0, .hi = 1};
    const byte_loop loops[4] = {{.count = s->row_bytes, .lo = lo * s->element_bytes, .hi = hi * s->element_bytes},
                                {.count = rows, .stride = s->row_bytes, .lo = 0, .hi = rows},
                                one,
                                one};
    cc_command c = sched_command(s, ISA_OP_ST_STORE);
    set_byte_walk(&c, address, loops);
    cc_set(&c, ISA_ST_FLAGS, 0);
    set_row_run(&c, row, rows);
    sched_push(s, &c);
}

/* ---------------------------------------------------------------- windows */

/* How many of `kernel` taps lie before a distance. */
static int64_t taps_before(int64_t distance, int64_t dilation, int64_t kernel)
{
    return distance <= 0 ? 0 : sched_min(kernel, sched_div_up(distance, dilation));
}

sched_span sched_span_at(int64_t o, int64_t end, int64_t kernel, int64_t stride, int64_t dilation,
                         int64_t pad, int64_t size, int64_t padded_end)
{
    sched_span sp = {.lo = o, .hi = o, .tap_lo = 0, .tap_hi = 0, .counted = 0};
    for (int64_t at = o; at < end; at++) {
        const int64_t from = pad - at * stride; /* tap k meets input k * dilation - from */
        int64_t lo = taps_before(from, dilation, kernel);
        int64_t hi = taps_before(from + size, dilation, kernel);
        const int64_t counted = taps_before(from + padded_end, dilation, kernel);
        if (lo >= hi) {
            lo = kernel;
            hi = 0;
        }
        if (at == o) {
            sp.tap_lo = lo;
            sp.tap_hi = hi;
            sp.counted = counted;
        } else if (lo != sp.tap_lo || hi != sp.tap_hi || counted != sp.counted) {
            break;
        }
        sp.hi = at + 1;
    }
    return sp;
}

double sched_patch_cycles(const isa_config *config, const cc_window *w, int64_t c)
{
    const double run = (double)(w->kw * c) * isa_config_spm_row_bytes(config) / config->d; /* bytes */
    const double beats = 1.0 + run / (double)config->dram_width;
    const double rows = run / (double)isa_config_spm_row_bytes(config);
    const double bursts = 1.0 + run / (double)config->dram_burst_bytes;
    const double pieces = (double)w->kh * (beats + rows);
    /* Short bursts: each waits for its answer, and takes an access of DRAM however few its bytes are. */
    const double waiting = (double)w->kh * bursts * (double)isa_config_dram_wait(config) /
                           (double)config->dram_outstanding;
    const double accesses = (double)w->kh * bursts * isa_config_dram_access(config);
    const double worst = waiting > accesses ? waiting : accesses;
    return pieces > worst ? pieces : worst;
}

/* The windows of one rectangle of outputs, all of which meet the same taps. */
static void load_rectangle(sched *s, const sched_patch *p, const sched_span *y, const sched_span *x,
                           int64_t row, int32_t fill)
{
    const cc_tensor *t = p->tensor;
    const cc_window *w = p->window;
    const int64_t pixel = t->c * s->element_bytes;
    const bool any = y->tap_lo < y->tap_hi && x->tap_lo < x->tap_hi;
    const byte_loop loops[4] = {
        {.count = w->kw * pixel, .lo = any ? x->tap_lo * pixel : 0, .hi = any ? x->tap_hi * pixel : 0},
        {.count = w->kh,
         .stride = w->dilation_h * t->w * pixel,
         .lo = any ? y->tap_lo : 0,
         .hi = any ? y->tap_hi : 0},
        {.count = x->hi - x->lo, .stride = w->stride_w * pixel, .lo = 0, .hi = x->hi - x->lo},
        {.count = y->hi - y->lo,
         .stride = w->stride_h * t->w * pixel,
         .lo = 0,
         .hi = y->hi - y->lo}};
    const int64_t at = ((p->n * t->h + y->lo * w->stride_h - w->pad_top) * t->w +
                        x->lo * w->stride_w - w->pad_left) *
                       pixel;
    cc_command c = sched_command(s, ISA_OP_LD_LOAD);
    set_byte_walk(&c, t->address + (uint64_t)at, loops);
    cc_set(&c, ISA_LD_FLAGS, ISA_PUT(0, ISA_LD_FLAGS_CLOSE, 1));
    cc_set(&c, ISA_LD_FILL, (uint32_t)fill & 0xFF);
    cc_set(&c, ISA_LD_ROW_BASE,
           (uint32_t)(row + ((y->lo - p->y) * p->width + (x->lo - p->x)) * p->window_rows));
    cc_set(&c, ISA_LD_M0, (uint32_t)p->window_rows);
    cc_set(&c, ISA_LD_M1, (uint32_t)(x->hi - x->lo));
    cc_set(&c, ISA_LD_M2, (uint32_t)(y->hi - y->lo));
    cc_set(&c, ISA_LD_M3, 1);
    cc_set(&c, ISA_LD_T0, 1);
    cc_set(&c, ISA_LD_T1, (uint32_t)p->window_rows);
    cc_set(&c, ISA_LD_T2, (uint32_t)(p->width * p->window_rows));
    cc_set(&c, ISA_LD_T3, 0);
    sched_push(s, &c);
}

void sched_load_patch(sched *s, const sched_patch *p, int64_t row, int32_t fill)
{
    const cc_tensor *t = p->tensor;
    const cc_window *w = p->window;
    for (int64_t oy = p->y; oy < p->y + p->height;) {
        const sched_span y = sched_span_at(oy, p->y + p->height, w->kh, w->stride_h, w->dilation_h,
                                           w->pad_top, t->h, t->h);
        for (int64_t ox = p->x; ox < p->x + p->width;) {
            const sched_span x = sched_span_at(ox, p->x + p->width, w->kw, w->stride_w,
                                               w->dilation_w, w->pad_left, t->w, t->w);
            load_rectangle(s, p, &y, &x, row, fill);
            ox = x.hi;
        }
        oy = y.hi;
    }
}

/* ---------------------------------------------------------------- the VPU */

void sched_vpu_counts(cc_command *c, const int64_t counts[4])
{
    for (unsigned i = 0; i < 4; i++) {
        cc_set(c, ISA_VPU_N0 + i, (uint32_t)counts[i]);
    }
}

void sched_walk(cc_command *c, unsigned base_register, int64_t base, unsigned stride_register,
                const int64_t strides[4])
{
    cc_set(c, base_register, (uint32_t)base);
    for (unsigned i = 0; i < 4; i++) {
        cc_set(c, stride_register + i, (uint32_t)strides[i]);
    }
}

void sched_set_f32(cc_command *c, unsigned reg, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    cc_set(c, reg, bits);
}

void sched_chain(cc_command *c, const cc_chain *chain)
{
    cc_set(c, ISA_VPU_CHAIN_FP, chain->fp);
    if (ISA_GET(chain->fp, ISA_VPU_CHAIN_FP_ADD1) == ISA_VPU_CHAIN_FP_ADD1_IMM) {
        sched_set_f32(c, ISA_VPU_ADD1_IMM, chain->add1);
    }
    if (ISA_GET(chain->fp, ISA_VPU_CHAIN_FP_MUL1) == ISA_VPU_CHAIN_FP_MUL1_IMM) {
        sched_set_f32(c, ISA_VPU_MUL1_IMM, chain->mul1);
    }
    if (ISA_GET(chain->fp, ISA_VPU_CHAIN_FP_MUL2) == ISA_VPU_CHAIN_FP_MUL2_IMM) {
        sched_set_f32(c, ISA_VPU_MUL2_IMM, chain->mul2);
    }
    if (ISA_GET(chain->fp, ISA_VPU_CHAIN_FP_ADD2) == ISA_VPU_CHAIN_FP_ADD2_IMM) {
        sched_set_f32(c, ISA_VPU_ADD2_IMM, chain->add2);
    }
    const uint32_t fn = ISA_GET(chain->fp, ISA_VPU_CHAIN_FP_FN);
    if (fn == ISA_VPU_CHAIN_FP_FN_CLIP || fn == ISA_VPU_CHAIN_FP_FN_STEP) {
        sched_set_f32(c, ISA_VPU_CLIP_LO, chain->clip_lo);
        sched_set_f32(c, ISA_VPU_CLIP_HI, chain->clip_hi);
    }
}

void sched_begin_table(sched *s, uint64_t address, int64_t row, int64_t rows)
{
    const bool in_place = CC_TABLE_BYTES / s->row_bytes <= rows;
    const int64_t at = in_place ? row : 0;
    sched_load_bytes(s, address, CC_TABLE_BYTES, at);
    sched_post(s, ISA_UNIT_LD, SCHED_SEM_A_VPU_FULL);
    sched_wait(s, ISA_UNIT_VPU, SCHED_SEM_A_VPU_FULL);
    cc_command c = sched_command(s, ISA_OP_VPU_TABLE);
    cc_set(&c, ISA_VPU_A_BASE, (uint32_t)at);
    sched_push(s, &c);
    if (!in_place) {
        sched_post(s, ISA_UNIT_VPU, SCHED_SEM_A_VPU_FREE);
        sched_wait(s, ISA_UNIT_LD, SCHED_SEM_A_VPU_FREE);
    }
}

uint32_t sched_set_table(cc_command *c, uint32_t fp, const cc_requant *product)
{
    cc_set(c, ISA_VPU_MID_LO, (uint32_t)(product->lo - product->zero));
    cc_set(c, ISA_VPU_MID_HI, (uint32_t)(product->hi - product->zero));
    fp = ISA_PUT(fp, ISA_VPU_CHAIN_FP_MID, ISA_VPU_CHAIN_FP_MID_CLAMP);
    return ISA_PUT(fp, ISA_VPU_CHAIN_FP_FN, ISA_VPU_CHAIN_FP_FN_TABLE);
}

int64_t sched_constant_rows(const sched *s)
{
    return 8 * s->d / s->row_bytes;
}

void sched_zero_acc(sched *s, int64_t row, int64_t rows)
{
    cc_command c = sched_command(s, ISA_OP_VPU_VEC);
    uint32_t out = 0;
    out = ISA_PUT(out, ISA_VPU_CHAIN_OUT_OUT, ISA_VPU_CHAIN_OUT_OUT_RAW);
    cc_set(&c, ISA_VPU_CHAIN_IN, 0);
    cc_set(&c, ISA_VPU_CHAIN_FP, 0);
    cc_set(&c, ISA_VPU_CHAIN_OUT, out);
    cc_set(&c, ISA_VPU_A_ZERO, 0);
    sched_vpu_counts(&c, (const int64_t[4]){rows, 1, 1, 1});
    sched_walk(&c, ISA_VPU_O_BASE, row, ISA_VPU_O_S0, (const int64_t[4]){1, 0, 0, 0});
    sched_push(s, &c);
}

/* ---------------------------------------------------------------- groups */

void sched_too_large(sched *s, const char *what, int64_t needed_rows, int64_t there_rows)
{
    if (s->status == SY_OK) {
        s->status = base_fail(
            s->diag, SY_ERANGE,
            "'%s': %s needs %lld rows, this configuration has %lld (use a larger memory)",
            s->group->name, what, (long long)needed_rows, (long long)there_rows);
    }
}

sy_status sched_check_config(const isa_config *config, base_diag *diag)
{
    if (config->sem_count < SCHED_N_SEMS) {
        return base_fail(diag, SY_ECONFIG,
                         "compiled programs need %d semaphores, configuration '%s' has %u: raise "
                         "[semaphore] count",
                         (int)SCHED_N_SEMS, config->name, (unsigned)config->sem_count);
    }
    if (config->sem_bits < 2) {
        return base_fail(diag, SY_ECONFIG,
                         "compiled programs need semaphores of at least 2 bits, those of "
                         "configuration '%s' have %u: raise [semaphore] bits",
                         config->name, (unsigned)config->sem_bits);
    }
    return SY_OK;
}

sy_status sched_group(base_arena *arena, const isa_config *config, const cc_group *group,
                      cc_program *program, base_diag *diag)
{
    const int64_t d = config->d;
    sched s = {
        .arena = arena, .config = config, .group = group, .program = program, .diag = diag, .d = d};
    s.row_bytes = isa_config_spm_row_bytes(config);
    s.element_bytes = s.row_bytes / d;
    s.spm_rows = isa_config_spm_rows(config);
    s.spm_bank_rows = isa_config_spm_bank_rows(config);
    s.acc_rows = (int64_t)config->acc_banks * config->acc_bank_bytes / (4 * d);
    s.acc_bank_rows = (int64_t)config->acc_bank_bytes / (4 * d);
    SY_TRY(cc_program_begin_layer(arena, program, group->name));
    SY_TRY(sched_check_config(config, diag));
    s.sem_most = ((int64_t)1 << config->sem_bits) - 1;
    if (program->n_layers > CC_MAX_LAYERS) {
        return base_fail(diag, SY_ERANGE, "more than %d layers in one program: split the model",
                         CC_MAX_LAYERS);
    }
    if (program->n_layers > 1) {
        sched_wait(&s, ISA_UNIT_LD,
                   SCHED_SEM_DONE); /* what the layer before has stored, and its SPM */
    }
    switch (group->kind) {
    case CC_GROUP_MATMUL:
        sched_matmul(&s);
        break;
    case CC_GROUP_POOL:
        sched_pool(&s);
        break;
    case CC_GROUP_STREAM:
        sched_stream(&s);
        break;
    case CC_GROUP_PAD:
        sched_pad(&s);
        break;
    case CC_GROUP_CONCAT:
        sched_concat(&s);
        break;
    case CC_GROUP_DEPTHWISE:
        sched_depthwise(&s);
        break;
    case CC_GROUP_NORM:
        sched_norm(&s);
        break;
    case CC_GROUP_ATTENTION:
        sched_attention(&s);
        break;
    }
    sched_post(&s, ISA_UNIT_ST, SCHED_SEM_DONE);
    return s.status;
}

sy_status sched_finish(base_arena *arena, cc_program *program)
{
    /* takes the last layer's DONE, so that every semaphore is zero at the end */
    return program->n_layers > 0 ? cc_program_wait(arena, program, ISA_UNIT_LD, SCHED_SEM_DONE)
                                 : SY_OK;
}
