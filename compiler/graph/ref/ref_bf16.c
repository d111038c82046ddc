/*
 * ref_bf16.c -- the bf16 operators, rounding by rounding as numerics.md writes them.
 *
 * Every `float` assignment below is one fp32 rounding. The elementary functions are those of the machine (isa/fn).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <math.h>
#include <string.h>

#include "systole/graph/bf16.h"
#include "systole/isa/fn.h"

/* ---------------------------------------------------------------- elements */

static float canonical(float v)
{
    return isnan(v) ? NAN : v;
}

static float widen(uint16_t v)
{
    const uint32_t bits = isa_bf16_to_fp(v);
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

static uint16_t narrow(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return isa_fp_to_bf16(bits);
}

static float round_bf16(float v)
{
    return widen(narrow(v));
}

static sy_status need_bf16(const ir_kernel_args *args, uint32_t n_inputs)
{
    for (uint32_t i = 0; i < n_inputs; i++) {
        const ir_tensor *t = ir_kernel_input(args, i);
        SY_TRY(ir_ref_need(args, t, t->dtype == SY_DT_BF16));
    }
    const ir_tensor *y = ir_kernel_output(args, 0);
    return ir_ref_need(args, y, y->dtype == SY_DT_BF16);
}

/* The tensor's elements as fp32, in scratch memory; NULL when that is out. */
static float *floats_of(const ir_kernel_args *args, const ir_tensor *t)
{
    const int64_t n = ir_tensor_n_elements(t);
    const uint16_t *from = t->data;
    float *out = BASE_ARENA_ARRAY(args->scratch, float, (size_t)n + 1);
    for (int64_t i = 0; out != NULL && i < n; i++) {
        out[i] = widen(from[i]);
    }
    return out;
}

/* ---------------------------------------------------------------- functions */

static const char *const fn_names[] = {
#define F(NAME, name, chain) name,
#include "systole/graph/bf16.def"
#undef F
};

bool ir_bf16_fn_find(const char *name, ir_bf16_fn *out)
{
    for (unsigned i = 0; i < IR_BF16_N_FNS; i++) {
        if (strcmp(name, fn_names[i]) == 0) {
            *out = (ir_bf16_fn)i;
            return true;
        }
    }
    return false;
}

const char *ir_bf16_fn_name(ir_bf16_fn fn)
{
    return fn_names[fn];
}

typedef struct function {
    ir_bf16_fn fn;
    float alpha, beta;
} function;

static function function_of(const ir_node *n)
{
    function f = {.alpha = ir_node_float(n, "alpha", 0.0f), .beta = ir_node_float(n, "beta", 0.0f)};
    (void)ir_bf16_fn_find(ir_node_string(n, "fn", ""), &f.fn);
    return f;
}

static float clip(float v, float low, float high)
{
    return canonical(v < low ? low : v > high ? high : v);
}

/* f(v) before it is rounded to bf16; v is a bf16. */
static float apply(const function *f, float v)
{
    float t;
    switch (f->fn) {
    case IR_BF16_NONE:
    case IR_BF16_N_FNS:
        break;
    case IR_BF16_RELU:
        return isnan(v) ? NAN : v > 0.0f ? v : 0.0f;
    case IR_BF16_CLIP:
        return clip(v, f->alpha, f->beta);
    case IR_BF16_SIGMOID:
        return isa_fn_float(ISA_FN_SIGMOID, v);
    case IR_BF16_TANH:
        return isa_fn_float(ISA_FN_TANH, v);
    case IR_BF16_ERF:
        return isa_fn_float(ISA_FN_ERF, v);
    case IR_BF16_EXP:
        t = v * IR_BF16_LOG2E;
        return isa_fn_float(ISA_FN_EXP2, t);
    case IR_BF16_SQRT:
        return isa_fn_float(ISA_FN_SQRT, v);
    case IR_BF16_RECIPROCAL:
        return isa_fn_float(ISA_FN_RECIP, v);
    case IR_BF16_ABS:
        return canonical(fabsf(v));
    case IR_BF16_SCALE:
        return canonical(v * f->alpha);
    case IR_BF16_GELU:
        t = v * IR_BF16_SQRT_HALF;
        return canonical(isa_fn_float(ISA_FN_PHI, t) * v);
    case IR_BF16_GELU_TANH:
        t = v * v; /* exact, or infinite, or below the smallest number */
        t = t * IR_BF16_GELU_C1;
        t = t + IR_BF16_GELU_C2;
        t = t * v;
        return canonical(isa_fn_float(ISA_FN_SIGMOID, t) * v);
    case IR_BF16_SILU:
        return canonical(isa_fn_float(ISA_FN_SIGMOID, v) * v);
    case IR_BF16_HARDSIGMOID:
        t = v * f->alpha;
        t = t + f->beta;
        return clip(t, 0.0f, 1.0f);
    case IR_BF16_HARDSWISH:
        t = v * IR_BF16_SIXTH;
        t = t + 0.5f;
        return canonical(clip(t, 0.0f, 1.0f) * v);
    case IR_BF16_LEAKYRELU:
        return canonical((isnan(v) ? NAN : v > 0.0f ? 1.0f : f->alpha) * v);
    }
    return v;
}

/* What follows the sum of a product: bias, residual, function. */
typedef struct epilogue {
    const float *bias;        /* NULL: none */
    const uint16_t *residual; /* NULL: none */
    function f;
} epilogue;

static epilogue epilogue_of(const ir_kernel_args *args)
{
    const ir_tensor *bias = ir_kernel_input(args, 2);
    const ir_tensor *residual = ir_kernel_input(args, 3);
    return (epilogue){.bias = bias != NULL ? bias->data : NULL,
                      .residual = residual != NULL ? residual->data : NULL,
                      .f = function_of(args->node)};
}

static uint16_t finish(const epilogue *e, float sum, int64_t channel, int64_t at)
{
    float v = sum + (e->bias != NULL ? e->bias[channel] : 0.0f);
    v = round_bf16(v);
    if (e->residual != NULL) {
        v = v + widen(e->residual[at]);
        v = round_bf16(v);
    }
    return narrow(apply(&e->f, v));
}

/* ---------------------------------------------------------------- products */

/* sum over k < n of a[k] * b[k * step], one chain. */
static float chain(float s, const float *a, const float *b, int64_t step, int64_t n)
{
    for (int64_t k = 0; k < n; k++) {
        s = canonical(fmaf(a[k], b[k * step], s));
    }
    return s;
}

/* x [c][p] of one picture in the order in which an image that became a vector lies: blocks of lanes, positions, lanes. */
static void by_blocks(const float *x, int64_t k, int64_t plane, int64_t lanes, float *out)
{
    const int64_t channels = k / plane;
    for (int64_t block = 0; block < channels; block += lanes) {
        const int64_t end = block + lanes < channels ? block + lanes : channels;
        for (int64_t p = 0; p < plane; p++) {
            for (int64_t c = block; c < end; c++) {
                *out++ = x[c * plane + p];
            }
        }
    }
}

/* Operands of a product with attribute plane > 1, reordered. */
static sy_status reorder(const ir_kernel_args *args, int64_t rows, int64_t k, int64_t n, const float **a, const float **b)
{
    const int64_t plane = ir_node_int(args->node, "plane", 1), lanes = ir_node_int(args->node, "lanes", 1);
    if (plane == 1) {
        return SY_OK;
    }
    float *x = BASE_ARENA_ARRAY(args->scratch, float, (size_t)(rows * k) + 1);
    float *w = BASE_ARENA_ARRAY(args->scratch, float, (size_t)(n * k) + 1);
    float *column = BASE_ARENA_ARRAY(args->scratch, float, 2 * (size_t)k + 1);
    if (x == NULL || w == NULL || column == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < rows; i++) {
        by_blocks(*a + i * k, k, plane, lanes, x + i * k);
    }
    for (int64_t j = 0; j < n; j++) {
        for (int64_t i = 0; i < k; i++) {
            column[i] = (*b)[i * n + j];
        }
        by_blocks(column, k, plane, lanes, column + k);
        for (int64_t i = 0; i < k; i++) {
            w[i * n + j] = column[k + i];
        }
    }
    *a = x;
    *b = w;
    return SY_OK;
}

sy_status ir_ref_blinear(const ir_kernel_args *args)
{
    SY_TRY(need_bf16(args, 2));
    const ir_tensor *x = ir_kernel_input(args, 0), *w = ir_kernel_input(args, 1);
    const int64_t k = w->dims[0], n = w->dims[1], rows = k > 0 ? ir_tensor_n_elements(x) / k : 0;
    const float *a = floats_of(args, x), *b = floats_of(args, w);
    uint16_t *y = ir_kernel_output(args, 0)->data;
    const epilogue e = epilogue_of(args);
    if (a == NULL || b == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(reorder(args, rows, k, n, &a, &b));
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < n; j++) {
            y[i * n + j] = finish(&e, chain(0.0f, a + i * k, b + j, n, k), j, i * n + j);
        }
    }
    return SY_OK;
}

sy_status ir_ref_bmatmul(const ir_kernel_args *args)
{
    SY_TRY(need_bf16(args, 2));
    const ir_tensor *a = ir_kernel_input(args, 0), *b = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    if (a->rank < 2 || b->rank < 2) {
        return base_fail(args->diag, SY_EUNSUPPORTED, "BMatMul of a vector");
    }
    const int64_t m = a->dims[a->rank - 2], k = a->dims[a->rank - 1], n = b->dims[b->rank - 1];
    const float *av = floats_of(args, a), *bv = floats_of(args, b);
    if (av == NULL || bv == NULL) {
        return SY_ENOMEM;
    }
    ir_tensor a_outer = *a, b_outer = *b;
    a_outer.rank -= 2;
    b_outer.rank -= 2;
    ir_ref_walk walk;
    ir_ref_walk_start(&walk, y->rank - 2, y->dims);
    ir_ref_broadcast_strides(&a_outer, y->rank - 2, walk.strides[0]);
    ir_ref_broadcast_strides(&b_outer, y->rank - 2, walk.strides[1]);
    uint16_t *out = y->data;
    const int64_t outer = ir_ref_product(y->dims, 0, y->rank - 2);
    for (int64_t o = 0; o < outer; o++, ir_ref_walk_next(&walk)) {
        const float *left = av + walk.offset[0] * m * k, *right = bv + walk.offset[1] * k * n;
        for (int64_t i = 0; i < m; i++) {
            for (int64_t j = 0; j < n; j++) {
                *out++ = narrow(chain(0.0f, left + i * k, right + j, n, k) + 0.0f);
            }
        }
    }
    return SY_OK;
}

/* One result of a convolution: taps in order (by_columns: columns outside, rows inside), the channels of a group within each. */
static float conv_point(const ir_window *win, const float *x, const int64_t *size, const float *w, int64_t channels,
                        const int64_t *index, bool by_columns)
{
    const int64_t plane = ir_ref_product(size, 0, win->rank), taps = ir_ref_product(win->kernel, 0, win->rank);
    const int64_t columns = win->kernel[win->rank - 1], rows = taps / columns;
    float s = 0.0f;
    for (int64_t i = 0; i < taps; i++) {
        const int64_t t = by_columns ? i % rows * columns + i / rows : i;
        int64_t rest = t, at = 0, place = 1;
        bool inside = true;
        for (int32_t a = win->rank - 1; a >= 0; a--) {
            const int64_t p = index[a] * win->strides[a] + rest % win->kernel[a] * win->dilations[a] - win->pads_begin[a];
            rest /= win->kernel[a];
            inside = inside && p >= 0 && p < size[a];
            at += p * place;
            place *= size[a];
        }
        for (int64_t c = 0; inside && c < channels; c++) {
            s = canonical(fmaf(x[c * plane + at], w[c * taps + t], s));
        }
    }
    return s;
}

sy_status ir_ref_bconv(const ir_kernel_args *args)
{
    SY_TRY(need_bf16(args, 2));
    const ir_tensor *x = ir_kernel_input(args, 0), *w = ir_kernel_input(args, 1);
    const int32_t spatial = x->rank - 2;
    ir_window win;
    SY_TRY(ir_window_resolve(args->node, spatial, x->dims + 2, w->dims + 2, args->diag, &win));
    const float *xv = floats_of(args, x), *wv = floats_of(args, w);
    if (xv == NULL || wv == NULL) {
        return SY_ENOMEM;
    }
    const epilogue e = epilogue_of(args);
    const bool by_columns = ir_node_int(args->node, "columns", 0) != 0;
    const int64_t per_group = w->dims[0] / ir_node_int(args->node, "group", 1);
    const int64_t in_plane = ir_ref_product(x->dims, 2, x->rank), out_plane = ir_ref_product(win.out, 0, spatial);
    const int64_t filter = ir_ref_product(w->dims, 1, w->rank);
    uint16_t *y = ir_kernel_output(args, 0)->data;
    int64_t i = 0;
    for (int64_t n = 0; n < x->dims[0]; n++) {
        for (int64_t m = 0; m < w->dims[0]; m++) {
            const float *from = xv + (n * x->dims[1] + m / per_group * w->dims[1]) * in_plane;
            ir_ref_walk walk;
            ir_ref_walk_start(&walk, spatial, win.out);
            for (int64_t o = 0; o < out_plane; o++, i++, ir_ref_walk_next(&walk)) {
                const float s = conv_point(&win, from, x->dims + 2, wv + m * filter, w->dims[1], walk.index, by_columns);
                y[i] = finish(&e, s, m, i);
            }
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- means over windows */

sy_status ir_ref_baveragepool(const ir_kernel_args *args)
{
    SY_TRY(need_bf16(args, 1));
    const ir_tensor *x = ir_kernel_input(args, 0);
    const int32_t spatial = x->rank - 2;
    const bool include_pad = ir_node_int(args->node, "count_include_pad", 0) != 0;
    ir_window win = {.rank = spatial};
    if (ir_node_int(args->node, "global", 0) != 0) {
        for (int32_t i = 0; i < spatial; i++) {
            win.kernel[i] = x->dims[2 + i];
            win.strides[i] = win.dilations[i] = win.out[i] = 1;
        }
    } else {
        SY_TRY(ir_window_resolve(args->node, spatial, x->dims + 2, NULL, args->diag, &win));
    }
    const float *from = floats_of(args, x);
    if (from == NULL) {
        return SY_ENOMEM;
    }
    uint16_t *y = ir_kernel_output(args, 0)->data;
    const int64_t plane = ir_ref_product(x->dims, 2, x->rank), out_plane = ir_ref_product(win.out, 0, spatial);
    const int64_t columns = x->dims[x->rank - 1];
    for (int64_t p = 0; p < x->dims[0] * x->dims[1]; p++, from += plane) {
        ir_ref_walk walk;
        ir_ref_walk_start(&walk, spatial, win.out);
        for (int64_t o = 0; o < out_plane; o++, ir_ref_walk_next(&walk)) {
            ir_ref_taps rows = {.first = 0, .last = 1, .counted = 1};
            int64_t top = 0;
            if (spatial == 2) {
                rows = ir_ref_taps_of(&win, 0, walk.index[0], x->dims[2], include_pad);
                top = walk.index[0] * win.strides[0] - win.pads_begin[0];
            }
            const int32_t last = spatial - 1;
            const ir_ref_taps taps = ir_ref_taps_of(&win, last, walk.index[last], columns, include_pad);
            const int64_t left = walk.index[last] * win.strides[last] - win.pads_begin[last];
            float s = 0.0f;
            for (int64_t r = rows.first; r < rows.last; r++) {
                for (int64_t c = taps.first; c < taps.last; c++) {
                    s = canonical(s + from[(top + r) * columns + left + c]);
                }
            }
            const int64_t counted = rows.counted * taps.counted;
            const float share = 1.0f / (float)(counted == 0 ? 1 : counted);
            y[p * out_plane + o] = narrow(s * share + 0.0f);
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- sums over channels, as the lanes do them */

static float *lanes_of(const ir_kernel_args *args, int64_t lanes)
{
    return BASE_ARENA_ARRAY(args->scratch, float, (size_t)lanes);
}

/* The lanes' own sums, then halves onto each other. */
static float lane_sum(const float *v, int64_t n, bool squares, int64_t lanes, float *lane)
{
    for (int64_t j = 0; j < lanes; j++) {
        lane[j] = 0.0f;
    }
    for (int64_t i = 0; i < n; i++) {
        const float term = squares ? v[i] * v[i] : v[i];
        lane[i % lanes] = canonical(lane[i % lanes] + canonical(term));
    }
    for (int64_t half = lanes / 2; half >= 1; half /= 2) {
        for (int64_t j = 0; j < half; j++) {
            lane[j] = canonical(lane[j] + lane[j + half]);
        }
    }
    return lane[0];
}

/* v[0..n) becomes exp2((v - max) * log2 e); returns 1 / sum. */
static float softmax_row(float *v, int64_t n, int64_t lanes, float *lane)
{
    float most = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        most = isnan(v[i]) || isnan(most) ? NAN : v[i] > most ? v[i] : most;
    }
    most = most + 0.0f;
    for (int64_t i = 0; i < n; i++) {
        float t = canonical(v[i] + canonical(most * -1.0f));
        t = canonical(t * IR_BF16_LOG2E);
        v[i] = isa_fn_float(ISA_FN_EXP2, t);
    }
    const float sum = lane_sum(v, n, false, lanes, lane) + 0.0f;
    return isa_fn_float(ISA_FN_RECIP, canonical(sum));
}

sy_status ir_ref_bsoftmax(const ir_kernel_args *args)
{
    SY_TRY(need_bf16(args, 1));
    const ir_tensor *x = ir_kernel_input(args, 0);
    const int64_t n = x->rank > 0 ? x->dims[x->rank - 1] : 1, lanes = ir_node_int(args->node, "lanes", 1);
    float *v = floats_of(args, x), *lane = lanes_of(args, lanes);
    uint16_t *y = ir_kernel_output(args, 0)->data;
    if (v == NULL || lane == NULL) {
        return SY_ENOMEM;
    }
    const int64_t rows = n > 0 ? ir_tensor_n_elements(x) / n : 0;
    for (int64_t i = 0; i < rows; i++) {
        const float r = softmax_row(v + i * n, n, lanes, lane);
        for (int64_t j = 0; j < n; j++) {
            y[i * n + j] = narrow(v[i * n + j] * r);
        }
    }
    return SY_OK;
}

sy_status ir_ref_blayernorm(const ir_kernel_args *args)
{
    SY_TRY(need_bf16(args, 1));
    const ir_tensor *x = ir_kernel_input(args, 0), *scale = ir_kernel_input(args, 1), *bias = ir_kernel_input(args, 2);
    const int64_t n = x->rank > 0 ? x->dims[x->rank - 1] : 1, lanes = ir_node_int(args->node, "lanes", 1);
    const float epsilon = ir_node_float(args->node, "epsilon", 1e-5f);
    const float share = 1.0f / (float)n;
    float *v = floats_of(args, x), *lane = lanes_of(args, lanes);
    uint16_t *y = ir_kernel_output(args, 0)->data;
    if (v == NULL || lane == NULL) {
        return SY_ENOMEM;
    }
    const int64_t rows = n > 0 ? ir_tensor_n_elements(x) / n : 0;
    for (int64_t i = 0; i < rows; i++) {
        float *row = v + i * n;
        const float mean = canonical(canonical(lane_sum(row, n, false, lanes, lane) * share) + 0.0f);
        for (int64_t j = 0; j < n; j++) {
            row[j] = canonical(row[j] + canonical(mean * -1.0f));
        }
        const float variance = canonical(canonical(lane_sum(row, n, true, lanes, lane) * share) + epsilon);
        const float r = isa_fn_float(ISA_FN_RSQRT, variance);
        for (int64_t j = 0; j < n; j++) {
            float t = canonical(row[j] * canonical(r * 1.0f));
            t = canonical(t * (scale != NULL ? ((const float *)scale->data)[j] : 1.0f));
            t = canonical(t + (bias != NULL ? ((const float *)bias->data)[j] : 0.0f));
            y[i * n + j] = narrow(t);
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- attention */

sy_status ir_ref_battention(const ir_kernel_args *args)
{
    SY_TRY(need_bf16(args, 3));
    const ir_tensor *q = ir_kernel_input(args, 0), *k = ir_kernel_input(args, 1), *v = ir_kernel_input(args, 2);
    const int64_t heads = ir_node_int(args->node, "heads", 1), lanes = ir_node_int(args->node, "lanes", 1);
    const int64_t batch = q->dims[0], s = q->dims[1], t = k->dims[1], e = q->dims[2], f = v->dims[2];
    const int64_t de = e / heads, df = f / heads;
    const float scale = ir_node_float(args->node, "scale", 1.0f);
    const float *qv = floats_of(args, q), *kv = floats_of(args, k), *vv = floats_of(args, v);
    const ir_tensor *m = ir_kernel_input(args, 3);
    const float *mask = m != NULL ? floats_of(args, m) : NULL;
    float *score = BASE_ARENA_ARRAY(args->scratch, float, (size_t)t + 1), *lane = lanes_of(args, lanes);
    uint16_t *y = ir_kernel_output(args, 0)->data;
    if (qv == NULL || kv == NULL || vv == NULL || score == NULL || lane == NULL || (m != NULL && mask == NULL)) {
        return SY_ENOMEM;
    }
    for (int64_t b = 0; b < batch; b++) {
        for (int64_t h = 0; h < heads; h++) {
            for (int64_t i = 0; i < s; i++) {
                const int64_t row = m == NULL ? 0 : (m->dims[0] > 1 ? b : 0) * m->dims[1] + (m->dims[1] > 1 ? i : 0);
                for (int64_t j = 0; j < t; j++) {
                    const float dot = chain(0.0f, qv + (b * s + i) * e + h * de, kv + (b * t + j) * e + h * de, 1, de);
                    score[j] = canonical(dot * scale);
                    score[j] = mask != NULL ? canonical(score[j] + mask[row * t + j]) : score[j];
                }
                const float r = softmax_row(score, t, lanes, lane);
                for (int64_t j = 0; j < t; j++) {
                    score[j] = round_bf16(score[j] * r);
                }
                for (int64_t c = 0; c < df; c++) {
                    y[(b * s + i) * f + h * df + c] = narrow(chain(0.0f, score, vv + b * t * f + h * df + c, f, t) + 0.0f);
                }
            }
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- elements */

sy_status ir_ref_bunary(const ir_kernel_args *args)
{
    SY_TRY(need_bf16(args, 1));
    const ir_tensor *x = ir_kernel_input(args, 0);
    const uint16_t *from = x->data;
    uint16_t *y = ir_kernel_output(args, 0)->data;
    const function f = function_of(args->node);
    const int64_t n = ir_tensor_n_elements(x);
    for (int64_t i = 0; i < n; i++) {
        y[i] = narrow(apply(&f, widen(from[i])));
    }
    return SY_OK;
}

static sy_status binary(const ir_kernel_args *args, char op)
{
    SY_TRY(need_bf16(args, 2));
    const ir_tensor *a = ir_kernel_input(args, 0), *b = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    const uint16_t *av = a->data, *bv = b->data;
    uint16_t *out = y->data;
    ir_ref_walk w;
    ir_ref_walk_start(&w, y->rank, y->dims);
    ir_ref_broadcast_strides(a, y->rank, w.strides[0]);
    ir_ref_broadcast_strides(b, y->rank, w.strides[1]);
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&w)) {
        const float l = widen(av[w.offset[0]]), r = widen(bv[w.offset[1]]);
        const float v = op == '+' ? l + r : op == '-' ? l + canonical(r * -1.0f) : l * r;
        out[i] = narrow(v);
    }
    return SY_OK;
}

sy_status ir_ref_badd(const ir_kernel_args *args)
{
    return binary(args, '+');
}

sy_status ir_ref_bsub(const ir_kernel_args *args)
{
    return binary(args, '-');
}

sy_status ir_ref_bmul(const ir_kernel_args *args)
{
    return binary(args, '*');
}
