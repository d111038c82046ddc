/*
 * matmul.c -- convolutions and matrix products: geometry, packed weights, biases and scales.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "emit.h"
#include "lower.h"

static const cc_window no_window = {
    .kh = 1, .kw = 1, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1};

/* M[c] = fl(fl(sx * sw[c]) / sy) */
static float requant_scale(float x_scale, float w_scale, float y_scale)
{
    const float product = x_scale * w_scale;
    return product / y_scale;
}

/* Allocates out blocks, weights (rows of D x D planes) and constants (2 x 4 D bytes per out block).
 * planes: of all out blocks. */
static sy_status reserve(lower *l, cc_matmul *m, int64_t blocks, int64_t planes)
{
    const int64_t d = l->d;
    const int64_t plane_bytes = d * d * l->element_bytes;
    const int64_t there = (int64_t)isa_config_dram_bytes(l->config);
    if (planes > there / plane_bytes) {
        return cc_lower_refuse(l, "its packed weights do not fit into %lld bytes of DRAM",
                               (long long)there);
    }
    m->out_blocks = base_arena_alloc(l->arena, (size_t)blocks, sizeof(cc_out_block));
    m->constants.n_bytes = (uint64_t)(blocks * 8 * d);
    m->constants.bytes = base_arena_alloc(l->arena, (size_t)m->constants.n_bytes, 1);
    m->weights.n_bytes = (uint64_t)(planes * plane_bytes);
    m->weights.bytes = planes > 0 ? base_arena_alloc(l->arena, (size_t)m->weights.n_bytes, 1)
                                  : NULL;
    if (m->out_blocks == NULL || m->constants.bytes == NULL ||
        (planes > 0 && m->weights.bytes == NULL)) {
        return base_fail(l->diag, SY_ENOMEM, "no memory for %lld bytes of packed weights",
                         (long long)m->weights.n_bytes);
    }
    return SY_OK;
}

/* Element i of `from` becomes element `at` of `to`. */
static void put_element(const lower *l, uint8_t *to, int64_t at, const void *from, int64_t i)
{
    memcpy(to + at * l->element_bytes, (const uint8_t *)from + i * l->element_bytes, (size_t)l->element_bytes);
}

/* Bias and scale of output channel c of out block b; lanes beyond the last channel keep zeros, so
 * they become the zero point. */
static void put_constants(lower *l, cc_matmul *m, int64_t channel, int32_t bias, float scale)
{
    const int64_t block = channel / l->d;
    const int64_t lane = channel % l->d;
    uint8_t *at = m->constants.bytes + m->out_blocks[block].constants;
    cc_lower_put32(at + 4 * lane, (uint32_t)bias);
    cc_lower_put_float(at + 4 * (l->d + lane), scale);
}

static sy_status put_all_constants(lower *l, const ir_node *node, cc_matmul *m, int64_t channels,
                                   ir_value *bias)
{
    const float *w_scale;
    const uint32_t n_scales = ir_node_floats(node, "w_scale", &w_scale);
    if (n_scales != 1 && (int64_t)n_scales != channels) {
        return cc_lower_refuse(l, "%u weight scales for %lld channels", n_scales,
                               (long long)channels);
    }
    ir_tensor b = {.data = NULL};
    if (bias != NULL) {
        SY_TRY(cc_lower_constant(l, bias, &b));
        if (b.dtype != SY_DT_I32 || ir_tensor_n_elements(&b) != channels) {
            return cc_lower_refuse(l, "the bias is not int32 [%lld]", (long long)channels);
        }
    }
    const float x_scale = ir_node_float(node, "x_scale", 1.0F);
    const float y_scale = ir_node_float(node, "y_scale", 1.0F);
    for (int64_t c = 0; c < channels; c++) {
        const int32_t value = b.data != NULL ? (int32_t)ir_tensor_get_i64(&b, c) : 0;
        put_constants(l, m, c, value,
                      requant_scale(x_scale, w_scale[n_scales == 1 ? 0 : c], y_scale));
    }
    m->y = cc_lower_requant(node);
    m->x_zero = (int32_t)ir_node_int(node, "x_zero", 0);
    return SY_OK;
}

/* ---------------------------------------------------------------- convolution */

typedef struct conv {
    int64_t m, c, kh, kw;  /* output channels, channels of a group, kernel */
    int64_t groups, c_out; /* output channels of a group */
    const void *w;
} conv;

/* Input channel blocks that the output channels of an out block use. */
static void block_range(const lower *l, const conv *cv, int64_t block, int64_t *first,
                        int64_t *count)
{
    const int64_t last_m = (block + 1) * l->d < cv->m ? (block + 1) * l->d - 1 : cv->m - 1;
    const int64_t lo = block * l->d / cv->c_out * cv->c;
    const int64_t hi = (last_m / cv->c_out + 1) * cv->c;
    *first = lo / l->d;
    *count = (hi - 1) / l->d - *first + 1;
}

/* One out block: [input block][tap][D channels in][D channels out]. */
static void pack_block(const lower *l, const conv *cv, const cc_out_block *ob, int64_t block,
                       uint8_t *to)
{
    const int64_t d = l->d;
    const int64_t taps = cv->kh * cv->kw;
    for (int64_t j = 0; j < d && block * d + j < cv->m; j++) {
        const int64_t m = block * d + j;
        const int64_t base = m / cv->c_out * cv->c;
        for (int64_t c = 0; c < cv->c; c++) {
            const int64_t in = base + c - ob->first_block * d;
            for (int64_t t = 0; t < taps; t++) {
                put_element(l, to, ((in / d * taps + t) * d + in % d) * d + j, cv->w, (m * cv->c + c) * taps + t);
            }
        }
    }
}

/* Products over valid inputs: output positions that meet each tap, summed. */
static int64_t axis_products(int64_t out, int64_t size, int64_t kernel, int64_t stride,
                             int64_t dilation, int64_t pad)
{
    int64_t sum = 0;
    for (int64_t o = 0; o < out;) {
        const sched_span s = sched_span_at(o, out, kernel, stride, dilation, pad, size, size);
        sum += s.tap_hi > s.tap_lo ? (s.hi - s.lo) * (s.tap_hi - s.tap_lo) : 0;
        o = s.hi;
    }
    return sum;
}

static sy_status conv_window(lower *l, ir_node *node, const ir_value *x, const ir_tensor *w,
                             cc_window *win)
{
    int64_t dims[IR_MAX_RANK];
    int32_t rank;
    SY_TRY(cc_lower_dims(l, x, &rank, dims));
    ir_window r;
    SY_TRY(
        ir_window_resolve(node, rank - 2, dims + 2, w != NULL ? w->dims + 2 : NULL, l->diag, &r));
    if (r.rank > 2) {
        return cc_lower_refuse(l, "a window in %d dimensions", (int)r.rank);
    }
    const int32_t h = r.rank == 2 ? 0 : -1; /* one spatial axis: it is the columns */
    const int32_t v = r.rank == 2 ? 1 : 0;
    *win = (cc_window){.kh = 1, .stride_h = 1, .dilation_h = 1};
    if (h >= 0) {
        win->kh = r.kernel[h];
        win->stride_h = r.strides[h];
        win->dilation_h = r.dilations[h];
        win->pad_top = r.pads_begin[h];
    }
    win->kw = r.kernel[v];
    win->stride_w = r.strides[v];
    win->dilation_w = r.dilations[v];
    win->pad_left = r.pads_begin[v];
    if (win->pad_top < 0 || win->pad_left < 0) {
        return cc_lower_refuse(l, "negative padding");
    }
    return SY_OK;
}

/*
 * A first layer with few channels would use few lanes of the array. Its windows are packed instead,
 * if the host writes the image (densely then) for this convolution alone and gathering is faster:
 * rows of the array, against what LD needs for a window or the packed rows. In a fused operator the
 * image may be the residual too.
 */
static bool pays_to_pack(const lower *l, const ir_node *node, const ir_value *x, const conv *cv,
                         const cc_window *win, const cc_tensor *y)
{
    const lower_value *info = x->info;
    if (cv->groups != 1 || win->dilation_w != 1 || x->n_uses != 1 ||
        ir_node_input(node, 0)->n_uses != 1 || (info != NULL && info->tensor != NULL) ||
        y->folded || ir_node_output(node, 0)->type.rank != x->type.rank) {
        return false;
    }
    const double taps = (double)(cv->kh * cv->kw);
    const double blocks = (double)y->blocks;
    const double plain = taps * (double)((cv->c + l->d - 1) / l->d) * blocks;
    const double rows = (double)((cv->kh * cv->kw * cv->c + l->d - 1) / l->d) * blocks;
    const double gather = sched_patch_cycles(l->config, win, cv->c);
    return (rows > gather ? rows : gather) < 0.75 * plain;
}

/* Weights by the order in which LD gathers a window: (ky, kx, channel). */
static void pack_windows(const lower *l, const conv *cv, cc_matmul *m)
{
    const int64_t d = l->d;
    const int64_t taps = cv->kh * cv->kw;
    for (int64_t o = 0; o < cv->m; o++) {
        uint8_t *to = m->weights.bytes + m->out_blocks[o / d].weights;
        for (int64_t k = 0; k < taps * cv->c; k++) {
            const int64_t tap = k / cv->c, c = k % cv->c;
            put_element(l, to, k * d + o % d, cv->w, (o * cv->c + c) * taps + tap);
        }
    }
}

/* What packed and plain convolutions have in common: products to count, biases, scales. */
static sy_status finish_conv(lower *l, ir_node *node, const conv *cv, cc_group *g)
{
    cc_matmul *m = &g->u.matmul;
    const cc_window *win = &m->window;
    const bool to_pixels = g->y->folded && !g->x->folded; /* then y's positions are images */
    const int64_t out_h = to_pixels ? 1 : g->y->h;
    const int64_t out_w = to_pixels ? 1 : g->y->w;
    g->macs = (uint64_t)(g->x->n * cv->m * cv->c *
                         axis_products(out_h, g->x->h, cv->kh, win->stride_h, win->dilation_h,
                                       win->pad_top) *
                         axis_products(out_w, g->x->w, cv->kw, win->stride_w, win->dilation_w,
                                       win->pad_left));
    return m->is_bf16 ? cc_lower_epilogue(l, node, ir_node_output(node, 0), g)
                      : put_all_constants(l, node, m, cv->m, ir_node_input(node, 2));
}

sy_status cc_lower_conv(lower *l, ir_node *node, ir_value *x, ir_value *y, cc_group *g)
{
    cc_matmul *m = &g->u.matmul;
    g->kind = CC_GROUP_MATMUL;
    m->batch = 1;
    ir_tensor w;
    SY_TRY(cc_lower_constant(l, ir_node_input(node, 1), &w));
    if (w.dtype != l->dtype || w.rank < 3 || w.rank > 4) {
        return cc_lower_refuse(l, "weights with %d dimensions of %s", (int)w.rank,
                               sy_dtype_name(w.dtype));
    }
    SY_TRY(conv_window(l, node, x, &w, &m->window));
    conv cv = {.m = w.dims[0], .c = w.dims[1], .kh = m->window.kh, .kw = m->window.kw, .w = w.data};
    cv.groups = ir_node_int(node, "group", 1);
    cv.c_out = cv.m / cv.groups;
    SY_TRY(cc_lower_result_tensor(l, y, LOWER_AXIS_1, &g->y));
    m->is_bf16 = l->dtype == SY_DT_BF16;
    m->packed = pays_to_pack(l, node, x, &cv, &m->window, g->y);
    SY_TRY(cc_lower_operand(l, x, LOWER_AXIS_1, NULL, &g->x));
    if (g->x->folded && g->x->w > 1) {
        if (cv.kh > 1 || cv.kw > 1 || m->window.pad_top > 0 || m->window.pad_left > 0 ||
            !g->y->folded) {
            return cc_lower_refuse(l, "a window over several images of one pixel");
        }
        m->window = no_window; /* images lie along the columns: no stride between them */
    }
    const bool by_columns = ir_node_int(node, "columns", 0) != 0;
    if ((by_columns || !m->is_bf16) && ir_node_input(node, 3) == NULL &&
        cc_lower_is_depthwise(l, &m->window, cv.groups, cv.c, cv.m, g->x, g->y)) {
        const cc_window window = m->window;
        g->macs = (uint64_t)(g->x->n * cv.m *
                             axis_products(g->y->h, g->x->h, cv.kh, window.stride_h, window.dilation_h, window.pad_top) *
                             axis_products(g->y->w, g->x->w, cv.kw, window.stride_w, window.dilation_w, window.pad_left));
        g->u.depthwise = (cc_depthwise){.window = window};
        return cc_lower_depthwise(l, node, &w, g);
    }
    if (by_columns) {
        return cc_lower_refuse(l, "a depthwise convolution whose window cannot run here");
    }
    if (m->packed) {
        const int64_t rows = (cv.kh * cv.kw * cv.c + l->d - 1) / l->d;
        SY_TRY(reserve(l, m, g->y->blocks, g->y->blocks * rows));
        for (int64_t b = 0; b < g->y->blocks; b++) {
            m->out_blocks[b] = (cc_out_block){.n_blocks = rows,
                                              .weights = (uint64_t)(b * rows * l->d * l->d * l->element_bytes),
                                              .constants = (uint64_t)(b * 8 * l->d)};
        }
        pack_windows(l, &cv, m);
        g->x->dense = true;
        g->x->folded = false;
        g->x->rows = g->x->n * g->x->h * g->x->w;
        return finish_conv(l, node, &cv, g);
    }
    int64_t planes = 0;
    const int64_t taps = cv.kh * cv.kw;
    for (int64_t b = 0; b < g->y->blocks; b++) {
        int64_t first, count;
        block_range(l, &cv, b, &first, &count);
        planes += count * taps;
    }
    SY_TRY(reserve(l, m, g->y->blocks, planes));
    uint64_t at = 0;
    for (int64_t b = 0; b < g->y->blocks; b++) {
        cc_out_block *ob = &m->out_blocks[b];
        block_range(l, &cv, b, &ob->first_block, &ob->n_blocks);
        ob->weights = at;
        ob->constants = (uint64_t)(b * 8 * l->d);
        pack_block(l, &cv, ob, b, m->weights.bytes + at);
        at += (uint64_t)(ob->n_blocks * taps * l->d * l->d * l->element_bytes);
    }
    return finish_conv(l, node, &cv, g);
}

/* ---------------------------------------------------------------- products */

/* Where row k of the weights goes: its input block and lane. A flat operand's k is (c, h, w), its
 * blocks are [c / D][h][w]. */
static void weight_row(const lower *l, const cc_group *g, int64_t k, int64_t *block, int64_t *lane)
{
    if (!g->u.matmul.flat) {
        *block = k / l->d;
        *lane = k % l->d;
        return;
    }
    const int64_t plane = g->x->h * g->x->w;
    const int64_t c = k / plane;
    *block = c / l->d * plane + k % plane;
    *lane = c % l->d;
}

sy_status cc_lower_gemm(lower *l, ir_node *node, ir_value *x, ir_value *y, cc_group *g)
{
    cc_matmul *m = &g->u.matmul;
    g->kind = CC_GROUP_MATMUL;
    m->window = no_window;
    m->batch = 1;
    ir_tensor w;
    SY_TRY(cc_lower_constant(l, ir_node_input(node, 1), &w));
    if (w.dtype != l->dtype || w.rank != 2) {
        return cc_lower_refuse(l, "weights with %d dimensions of %s", (int)w.rank,
                               sy_dtype_name(w.dtype));
    }
    SY_TRY(cc_lower_operand(l, x, LOWER_AXIS_LAST, &m->flat, &g->x));
    SY_TRY(cc_lower_result_tensor(l, y, LOWER_AXIS_LAST, &g->y));
    const int64_t k_size = w.dims[0];
    const int64_t n_size = w.dims[1];
    const bool by_blocks = ir_node_int(node, "plane", 1) > 1; /* the order of a bf16 sum is part of its meaning */
    if (l->dtype == SY_DT_BF16 && m->flat != by_blocks) {
        return cc_lower_refuse(l, "a product of a flattened image, summed in another order");
    }
    if (by_blocks) {
        SY_TRY(cc_lower_check_lanes(l, node));
    }
    if (l->dtype == SY_DT_BF16 && by_blocks) {
        SY_TRY(cc_lower_check_lanes(l, node));
    }
    const int64_t in_blocks = m->flat ? g->x->blocks * g->x->h * g->x->w : g->x->blocks;
    SY_TRY(reserve(l, m, g->y->blocks, g->y->blocks * in_blocks));
    const int64_t d = l->d;
    for (int64_t b = 0; b < g->y->blocks; b++) {
        m->out_blocks[b] = (cc_out_block){.n_blocks = in_blocks,
                                          .weights = (uint64_t)(b * in_blocks * d * d * l->element_bytes),
                                          .constants = (uint64_t)(b * 8 * d)};
    }
    for (int64_t k = 0; k < k_size; k++) {
        int64_t block, lane;
        weight_row(l, g, k, &block, &lane);
        for (int64_t n = 0; n < n_size; n++) {
            put_element(l, m->weights.bytes, ((n / d * in_blocks + block) * d + lane) * d + n % d, w.data, k * n_size + n);
        }
    }
    g->macs = (uint64_t)(g->y->w * k_size * n_size);
    m->is_bf16 = l->dtype == SY_DT_BF16;
    return m->is_bf16 ? cc_lower_epilogue(l, node, y, g) : put_all_constants(l, node, m, n_size, ir_node_input(node, 2));
}

sy_status cc_lower_matmul(lower *l, ir_node *node, ir_value *a, ir_value *b, ir_value *y,
                          cc_group *g)
{
    cc_matmul *m = &g->u.matmul;
    g->kind = CC_GROUP_MATMUL;
    m->window = no_window;
    m->w_activation = true;
    int64_t da[IR_MAX_RANK], db[IR_MAX_RANK];
    int32_t ra, rb;
    SY_TRY(cc_lower_dims(l, a, &ra, da));
    SY_TRY(cc_lower_dims(l, b, &rb, db));
    if (ra < 2 || rb < 2) {
        return cc_lower_refuse(l, "a product with a vector");
    }
    const int64_t k = da[ra - 1];
    m->batch = 1;
    for (int32_t i = 0; i + 2 < rb; i++) {
        m->batch *= db[i];
        if (ra != rb || da[i] != db[i]) {
            return cc_lower_refuse(l, "batch dimensions that are broadcast");
        }
    }
    if (k % l->d != 0) {
        return cc_lower_refuse(l, "two activations with an inner size of %lld, no multiple of %lld",
                               (long long)k, (long long)l->d);
    }
    SY_TRY(cc_lower_operand(l, a, LOWER_AXIS_LAST, NULL, &g->x));
    SY_TRY(cc_lower_operand(l, b, LOWER_AXIS_LAST, NULL, &m->w));
    SY_TRY(cc_lower_result_tensor(l, y, LOWER_AXIS_LAST, &g->y));
    SY_TRY(reserve(l, m, g->y->blocks, 0));
    for (int64_t i = 0; i < g->y->blocks; i++) {
        m->out_blocks[i] = (cc_out_block){.n_blocks = g->x->blocks,
                                          .constants = (uint64_t)(i * 8 * l->d)};
    }
    g->macs = (uint64_t)(g->y->w * k * g->y->c);
    m->is_bf16 = l->dtype == SY_DT_BF16;
    if (m->is_bf16) {
        return cc_lower_epilogue(l, node, y, g);
    }
    const float scale = requant_scale(ir_node_float(node, "a_scale", 1.0F),
                                      ir_node_float(node, "b_scale", 1.0F),
                                      ir_node_float(node, "y_scale", 1.0F));
    for (int64_t c = 0; c < g->y->c; c++) {
        put_constants(l, m, c, 0, scale);
    }
    m->y = cc_lower_requant(node);
    m->x_zero = (int32_t)ir_node_int(node, "a_zero", 0);
    m->w_zero = (int32_t)ir_node_int(node, "b_zero", 0);
    return SY_OK;
}
