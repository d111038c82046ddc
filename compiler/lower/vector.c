/*
 * vector.c -- pools, elementwise operators, padding, concatenation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "emit.h"
#include "lower.h"
#include "systole/graph/optable.h"

/* True if some output's window meets no element of an axis. */
static bool misses_input(int64_t out, int64_t size, int64_t kernel, int64_t stride,
                         int64_t dilation, int64_t pad)
{
    for (int64_t o = 0; o < out;) {
        const sched_span s = sched_span_at(o, out, kernel, stride, dilation, pad, size, size);
        if (s.tap_lo >= s.tap_hi) {
            return true;
        }
        o = s.hi;
    }
    return false;
}

sy_status cc_lower_pool(lower *l, ir_node *node, cc_group *g)
{
    cc_pool *p = &g->u.pool;
    ir_value *x = ir_node_input(node, 0);
    ir_value *y = ir_node_output(node, 0);
    g->kind = CC_GROUP_POOL;
    p->average = ir_node_is(node, IR_OP_QAVERAGEPOOL) || ir_node_is(node, IR_OP_BAVERAGEPOOL);
    SY_TRY(cc_lower_operand(l, x, LOWER_AXIS_1, NULL, &g->x));
    SY_TRY(cc_lower_result_tensor(l, y, LOWER_AXIS_1, &g->y));
    if (g->x->folded && g->x->w > 1) {
        return cc_lower_refuse(l, "pooling over images of one pixel");
    }
    cc_window *w = &p->window;
    *w = (cc_window){.kh = g->x->h,
                     .kw = g->x->w,
                     .stride_h = 1,
                     .stride_w = 1,
                     .dilation_h = 1,
                     .dilation_w = 1};
    if (!p->average || ir_node_int(node, "global", 0) == 0) {
        int64_t dims[IR_MAX_RANK];
        int32_t rank;
        SY_TRY(cc_lower_dims(l, x, &rank, dims));
        ir_window r;
        SY_TRY(ir_window_resolve(node, rank - 2, dims + 2, NULL, l->diag, &r));
        const int32_t last = r.rank - 1;
        *w = (cc_window){.kh = 1,
                         .kw = r.kernel[last],
                         .stride_h = 1,
                         .stride_w = r.strides[last],
                         .dilation_h = 1,
                         .dilation_w = r.dilations[last],
                         .pad_left = r.pads_begin[last]};
        p->pad_right = r.pads_end[last];
        if (r.rank == 2) {
            w->kh = r.kernel[0];
            w->stride_h = r.strides[0];
            w->dilation_h = r.dilations[0];
            w->pad_top = r.pads_begin[0];
            p->pad_bottom = r.pads_end[0];
        }
    }
    const int64_t out_h = g->y->folded ? 1 : g->y->h;
    const int64_t out_w = g->y->folded ? 1 : g->y->w;
    if (misses_input(out_h, g->x->h, w->kh, w->stride_h, w->dilation_h, w->pad_top) ||
        misses_input(out_w, g->x->w, w->kw, w->stride_w, w->dilation_w, w->pad_left)) {
        return cc_lower_refuse(l, "windows that lie in the padding alone");
    }
    p->is_bf16 = l->dtype == SY_DT_BF16;
    p->count_include_pad = ir_node_int(node, "count_include_pad", 0) != 0;
    p->x_zero = (int32_t)ir_node_int(node, "x_zero", 0);
    p->x_scale = ir_node_float(node, "x_scale", 1.0F);
    p->y_scale = ir_node_float(node, "y_scale", 1.0F);
    p->y = p->average ? cc_lower_requant(node) : (cc_requant){.lo = -128, .hi = 127};
    return SY_OK;
}

/* A scalar int8 limit of Clip; `fallback` where the operand is absent. */
static sy_status clip_limit(lower *l, ir_node *node, uint32_t operand, int32_t fallback,
                            int32_t *out)
{
    ir_value *v = ir_node_input(node, operand);
    *out = fallback;
    if (v == NULL) {
        return SY_OK;
    }
    ir_tensor t;
    SY_TRY(cc_lower_constant(l, v, &t));
    if (t.dtype != SY_DT_I8 || ir_tensor_n_elements(&t) != 1) {
        return cc_lower_refuse(l, "a limit that is not an int8 scalar");
    }
    *out = (int32_t)ir_tensor_get_i64(&t, 0);
    return SY_OK;
}

/*
 * A constant second operand, packed like a device tensor. Its shape is aligned with y's from the
 * right; axes of y's layout that it lacks are 1. One value for all channels fills every lane.
 */
sy_status cc_lower_pack_constant(lower *l, ir_value *v, lower_layout layout, const ir_value *y_value,
                               const cc_tensor *y, cc_stream *p)
{
    ir_tensor t;
    SY_TRY(cc_lower_constant(l, v, &t));
    int64_t dims[IR_MAX_RANK];
    int32_t rank;
    SY_TRY(cc_lower_dims(l, y_value, &rank, dims));
    if (t.dtype != l->dtype || t.rank > rank) {
        return cc_lower_refuse(
            l, "constant operand '%s' is of another type, or has more dimensions than the other", v->name);
    }
    int64_t full[IR_MAX_RANK];
    for (int32_t i = 0; i < rank; i++) {
        const int32_t k = i - (rank - t.rank);
        full[i] = k >= 0 ? t.dims[k] : 1;
        if (full[i] != 1 && full[i] != dims[i]) {
            return cc_lower_refuse(l, "constant operand '%s' makes the result larger", v->name);
        }
    }
    const int32_t channel = layout == LOWER_AXIS_1 ? 1 : rank - 1;
    cc_tensor b = {.name = v->name,
                   .n = 1,
                   .c = y->c,
                   .h = 1,
                   .w = 1,
                   .folded = y->folded,
                   .blocks = y->blocks};
    for (int32_t i = 0; i < rank; i++) {
        if (i == channel || full[i] == 1) {
            continue;
        }
        if (y->folded) { /* positions: whole, or none */
            b.w *= full[i];
        } else if (i == 0) {
            b.n = full[i];
        } else if (i == rank - 1) {
            b.w = full[i];
        } else {
            b.h = full[i];
        }
    }
    if (b.w != 1 && b.w != y->w) {
        return cc_lower_refuse(
            l, "constant operand '%s' is broadcast along some of the positions only", v->name);
    }
    b.rows = b.n * b.blocks * b.h * b.w;
    p->b_constant.n_bytes = (uint64_t)(b.rows * l->d * l->element_bytes);
    p->b_constant.bytes = base_arena_alloc(l->arena, (size_t)p->b_constant.n_bytes, 1);
    p->b = base_arena_alloc(l->arena, 1, sizeof(cc_tensor));
    if (p->b == NULL || p->b_constant.bytes == NULL) {
        return SY_ENOMEM;
    }
    *p->b = b;
    const int64_t positions = b.h * b.w;
    const int64_t c_size = full[channel];
    const uint8_t *from = t.data;
    for (int64_t row = 0; row < b.rows; row++) {
        const int64_t n = row / (b.blocks * positions), block = row / positions % b.blocks,
                      at = row % positions;
        for (int64_t lane = 0; lane < l->d && block * l->d + lane < y->c; lane++) {
            const int64_t c = c_size > 1 ? block * l->d + lane : 0;
            const int64_t index = y->folded ? at * c_size + c : (n * c_size + c) * positions + at;
            memcpy(p->b_constant.bytes + (row * l->d + lane) * l->element_bytes,
                   from + index * l->element_bytes, (size_t)l->element_bytes);
        }
    }
    return SY_OK;
}

/* The operand that has the result's shape becomes the first: the other may be a constant, or
 * broadcast. */
static uint32_t first_operand(const ir_node *node)
{
    const ir_value *a = ir_node_input(node, 0);
    const ir_value *b = ir_node_input(node, 1);
    const ir_value *y = ir_node_output(node, 0);
    if (b == NULL || a->kind == IR_VALUE_CONST) {
        return b == NULL ? 0 : 1;
    }
    if (b->kind == IR_VALUE_CONST || a->type.rank != y->type.rank) {
        return b->kind == IR_VALUE_CONST ? 0 : 1;
    }
    for (int32_t i = 0; i < y->type.rank; i++) {
        if (a->type.dims[i] != y->type.dims[i]) {
            return 1;
        }
    }
    return 0;
}

/* True if b is y's shape, or can be walked with strides of zero; or has one pixel for each image.
 */
static bool can_broadcast(const cc_tensor *b, const cc_tensor *y)
{
    if (b->folded && !y->folded) {
        return b->c == y->c && (b->w == y->n || b->w == 1);
    }
    return b->c == y->c && b->folded == y->folded && (b->n == y->n || b->n == 1) &&
           (b->h == y->h || b->h == 1) && (b->w == y->w || b->w == 1);
}

sy_status cc_lower_operands(lower *l, ir_node *node, cc_group *g, uint32_t *first_out)
{
    const uint32_t first = first_operand(node);
    cc_stream *p = &g->u.stream;
    ir_value *x = ir_node_input(node, first);
    *first_out = first;
    g->kind = CC_GROUP_STREAM;
    lower_layout layout = cc_lower_layout_of(x);
    const lower_value *info = x->info;
    if ((info == NULL || info->tensor == NULL) && ir_node_input(node, 1 - first)->kind != IR_VALUE_CONST) {
        layout = cc_lower_layout_of(ir_node_input(node, 1 - first));
    }
    SY_TRY(cc_lower_operand(l, x, layout, NULL, &g->x));
    SY_TRY(cc_lower_result_tensor(l, ir_node_output(node, 0), layout, &g->y));
    ir_value *second = ir_node_input(node, 1 - first);
    if (second->kind == IR_VALUE_CONST && !second->feedable) {
        SY_TRY(cc_lower_pack_constant(l, second, layout, ir_node_output(node, 0), g->y, p));
    } else {
        const int32_t rank = ir_node_output(node, 0)->type.rank;
        if (layout == LOWER_AXIS_1 &&
            (second->type.rank != rank || ir_node_input(node, first)->type.rank != rank)) {
            return cc_lower_refuse(l, "operands '%s' and '%s' have different numbers of dimensions",
                                   ir_node_input(node, 0)->name, ir_node_input(node, 1)->name);
        }
        SY_TRY(cc_lower_operand(l, second, layout, NULL, &p->b));
    }
    if (g->x->rows != g->y->rows || g->x->c != g->y->c || g->x->h != g->y->h ||
        g->x->w != g->y->w || !can_broadcast(p->b, g->y)) {
        return cc_lower_refuse(
            l, "neither of '%s' and '%s' has the result's shape, or one has other channels",
            ir_node_input(node, 0)->name, ir_node_input(node, 1)->name);
    }
    return SY_OK;
}

static sy_status lower_binary(lower *l, ir_node *node, cc_group *g)
{
    cc_stream *p = &g->u.stream;
    uint32_t first;
    SY_TRY(cc_lower_operands(l, node, g, &first));
    p->y = cc_lower_requant(node);
    const char *const scales[2] = {"a_scale", "b_scale"};
    const char *const zeros[2] = {"a_zero", "b_zero"};
    const float sa = ir_node_float(node, scales[first], 1.0F);
    const float sb = ir_node_float(node, scales[1 - first], 1.0F);
    const float sy = ir_node_float(node, "y_scale", 1.0F);
    p->a_zero = (int32_t)ir_node_int(node, zeros[first], 0);
    p->b_zero = (int32_t)ir_node_int(node, zeros[1 - first], 0);
    if (ir_node_is(node, IR_OP_QMUL)) {
        const float product = sa * sb;
        p->op = CC_STREAM_MUL;
        p->a_scale = product / sy;
        return SY_OK;
    }
    p->op = CC_STREAM_ADD;
    p->a_scale = sa / sy;
    p->b_scale = sb / sy;
    if (ir_node_is(node, IR_OP_QSUB)) {
        /* the second operand of the node is the negative one */
        if (first == 0) {
            p->b_scale = -p->b_scale;
        } else {
            p->a_scale = -p->a_scale;
        }
    }
    return SY_OK;
}

sy_status cc_lower_table(lower *l, ir_node *node, int32_t x_zero, cc_blob *out)
{
    ir_tensor t;
    SY_TRY(cc_lower_constant(l, ir_node_input(node, 1), &t));
    if (t.dtype != SY_DT_I8 || ir_tensor_n_elements(&t) != CC_TABLE_BYTES) {
        return cc_lower_refuse(l, "a table that is not int8 [256]");
    }
    out->n_bytes = CC_TABLE_BYTES;
    out->bytes = base_arena_alloc(l->arena, CC_TABLE_BYTES, 1);
    if (out->bytes == NULL) {
        return SY_ENOMEM;
    }
    for (int32_t i = 0; i < CC_TABLE_BYTES; i++) {
        out->bytes[(uint8_t)(i - 128 - x_zero)] = ((const uint8_t *)t.data)[i];
    }
    return SY_OK;
}

sy_status cc_lower_stream(lower *l, ir_node *node, cc_group *g)
{
    cc_stream *p = &g->u.stream;
    if (ir_node_is(node, IR_OP_QADD) || ir_node_is(node, IR_OP_QSUB) || ir_node_is(node, IR_OP_QMUL)) {
        return lower_binary(l, node, g);
    }
    ir_value *x = ir_node_input(node, 0);
    g->kind = CC_GROUP_STREAM;
    const lower_layout layout = cc_lower_layout_of(x);
    SY_TRY(cc_lower_operand(l, x, layout, NULL, &g->x));
    SY_TRY(cc_lower_result_tensor(l, ir_node_output(node, 0), layout, &g->y));
    p->y = cc_lower_requant(node);
    if (ir_node_is(node, IR_OP_CLIP)) {
        p->op = CC_STREAM_CLAMP;
        SY_TRY(clip_limit(l, node, 1, -128, &p->y.lo));
        SY_TRY(clip_limit(l, node, 2, 127, &p->y.hi));
        return p->y.lo <= p->y.hi ? SY_OK : cc_lower_refuse(l, "a lower limit above the upper one");
    }
    if (ir_node_is(node, IR_OP_RELU)) {
        p->op = CC_STREAM_CLAMP;
        p->y = (cc_requant){.lo = 0, .hi = 127};
        return SY_OK;
    }
    if (ir_node_is(node, IR_OP_QTABLE)) {
        p->op = CC_STREAM_TABLE;
        p->y.zero = 0; /* it is in the table */
        return cc_lower_table(l, node, 0, &p->table);
    }
    p->op = CC_STREAM_REQUANT;
    p->a_zero = (int32_t)ir_node_int(node, "x_zero", 0);
    p->a_scale = ir_node_float(node, "x_scale", 1.0F) / ir_node_float(node, "y_scale", 1.0F);
    return SY_OK;
}

sy_status cc_lower_pad(lower *l, ir_node *node, cc_group *g)
{
    g->kind = CC_GROUP_PAD;
    const char *mode = ir_node_string(node, "mode", "constant");
    if (mode[0] != 'c') {
        return cc_lower_refuse(l, "padding of mode %s", mode);
    }
    ir_tensor pads;
    SY_TRY(cc_lower_constant(l, ir_node_input(node, 1), &pads));
    if (ir_node_input(node, 3) != NULL) {
        return cc_lower_refuse(l, "padding of chosen axes");
    }
    int64_t dims[IR_MAX_RANK];
    int32_t rank;
    SY_TRY(cc_lower_dims(l, ir_node_input(node, 0), &rank, dims));
    if (ir_tensor_n_elements(&pads) != 2 * rank || rank < 3) {
        return cc_lower_refuse(l, "padding of a tensor with %d dimensions", (int)rank);
    }
    for (int32_t i = 0; i < 2 * rank; i++) {
        const int64_t pad = ir_tensor_get_i64(&pads, i);
        if (pad < 0 || (i % rank < 2 && pad != 0)) {
            return cc_lower_refuse(l, "padding of images or channels, or negative padding");
        }
    }
    int32_t fill = 0;
    SY_TRY(clip_limit(l, node, 2, 0, &fill));
    SY_TRY(cc_lower_operand(l, ir_node_input(node, 0), LOWER_AXIS_1, NULL, &g->x));
    SY_TRY(cc_lower_result_tensor(l, ir_node_output(node, 0), LOWER_AXIS_1, &g->y));
    if (g->x->folded && g->x->w > 1) {
        return cc_lower_refuse(l, "padding of images of one pixel");
    }
    g->u.pad = (cc_pad){.top = rank == 4 ? ir_tensor_get_i64(&pads, 2) : 0,
                        .left = ir_tensor_get_i64(&pads, rank - 1),
                        .fill = fill};
    return SY_OK;
}

sy_status cc_lower_concat(lower *l, ir_node *node, cc_group *g)
{
    cc_concat *p = &g->u.concat;
    g->kind = CC_GROUP_CONCAT;
    ir_value *y = ir_node_output(node, 0);
    int64_t dims[IR_MAX_RANK];
    int32_t rank;
    SY_TRY(cc_lower_dims(l, y, &rank, dims));
    const int64_t axis = ir_node_int(node, "axis", 0);
    const int64_t at = axis < 0 ? axis + rank : axis;
    const lower_layout layout = cc_lower_layout_of(ir_node_input(node, 0));
    if (at != (layout == LOWER_AXIS_1 ? 1 : rank - 1)) {
        return cc_lower_refuse(l, "joins another axis than the channels");
    }
    p->n_parts = node->n_inputs;
    p->parts = base_arena_alloc(l->arena, node->n_inputs, sizeof(cc_tensor *));
    if (p->parts == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        SY_TRY(cc_lower_operand(l, ir_node_input(node, i), layout, NULL, &p->parts[i]));
    }
    return cc_lower_result_tensor(l, y, layout, &g->y);
}
