/*
 * fast_qconv.c -- QConv: weights times panels of 32 positions, four k at a time, exact modulo 2^32.
 *
 * The tile wants unsigned bytes on one side: x + 128 = x ^ 0x80. With x^ = x - zx,
 *
 *     sum x^ w + b = sum (x + 128) w + b - (128 + zx) sum w,
 *
 * and what is behind the plus is known beforehand. Padding is the byte of zx. Results come out row
 * by row of one output channel, as NCHW has them: nothing is transposed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"

#include <math.h>
#include <string.h>

typedef struct qconv_state {
    int64_t n_out, group, group_channels, n_taps, depth, n_quads;
    const int8_t *weights;    /* [n_out][4 * n_quads], zeros at the end */
    const int32_t *start;     /* [n_out] */
    const float *multipliers; /* [n_out] */
    rt_requant requant;
    uint8_t fill;
} qconv_state;

/* One convolution of one image. */
typedef struct qconv_job {
    const qconv_state *s;
    const rt_simd *simd;
    rt_window2 w;
    const int8_t *x; /* the image */
    int8_t *y;
    uint8_t *planes; /* of all channels, taken apart */
    const int64_t
        *offsets; /* [4 * n_quads], of one group's first channel on; depthwise: [n_taps] */
    int64_t n_panels;
} qconv_job;

bool rt_tame(float v)
{
    return isfinite(v) && fabsf(v) < 1e28f;
}

rt_requant rt_requant_of(const ir_node *n, float *y_scale)
{
    const rt_requant r = {
        .zero = (int32_t)ir_node_int(n, "y_zero", 0),
        .low = (int32_t)ir_node_int(n, "y_min", -128),
        .high = (int32_t)ir_node_int(n, "y_max", 127),
    };
    *y_scale = ir_node_float(n, "y_scale", 1.0f);
    return r;
}

bool rt_zeros_fit(const ir_node *n)
{
    static const char *const names[] = {"x_zero", "a_zero", "b_zero", "y_zero", "y_min", "y_max"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const int64_t v = ir_node_int(n, names[i], 0);
        if (v < -128 || v > 127) {
            return false;
        }
    }
    return true;
}

static sy_status fill_state(const rt_prepare_args *args, const ir_tensor *w, const ir_tensor *b,
                            qconv_state *s, bool *tame)
{
    const ir_node *n = args->node;
    const float x_scale = ir_node_float(n, "x_scale", 1.0f);
    const int32_t x_zero = (int32_t)ir_node_int(n, "x_zero", 0);
    const float *w_scale = NULL;
    const uint32_t n_scales = ir_node_floats(n, "w_scale", &w_scale);
    float y_scale;
    s->requant = rt_requant_of(n, &y_scale);
    s->fill = (uint8_t)((uint8_t)x_zero ^ 0x80u);
    int8_t *weights = BASE_ARENA_ARRAY(args->arena, int8_t, (size_t)(s->n_out * 4 * s->n_quads));
    int32_t *start = BASE_ARENA_ARRAY(args->arena, int32_t, (size_t)s->n_out);
    float *multipliers = BASE_ARENA_ARRAY(args->arena, float, (size_t)s->n_out);
    if (weights == NULL || start == NULL || multipliers == NULL) {
        return SY_ENOMEM;
    }
    *tame = n_scales == 1 || n_scales == s->n_out;
    for (int64_t m = 0; m < s->n_out && *tame; m++) {
        const int8_t *row = (const int8_t *)w->data + m * s->depth;
        memcpy(weights + m * 4 * s->n_quads, row, (size_t)s->depth);
        int32_t sum = 0;
        for (int64_t k = 0; k < s->depth; k++) {
            sum += row[k];
        }
        const uint32_t bias = b != NULL ? ((const uint32_t *)b->data)[m] : 0;
        const uint32_t first = bias - (uint32_t)(128 + x_zero) * (uint32_t)sum;
        memcpy(&start[m], &first, sizeof first);
        const float scale_product = x_scale * w_scale[n_scales == 1 ? 0 : m];
        multipliers[m] = scale_product / y_scale;
        *tame = rt_tame(multipliers[m]);
    }
    s->weights = weights;
    s->start = start;
    s->multipliers = multipliers;
    return SY_OK;
}

sy_status rt_fast_prepare_QCONV(const rt_prepare_args *args, void **state)
{
    const ir_tensor *w = args->n_inputs > 1 ? args->constants[1] : NULL;
    const ir_tensor *b = args->n_inputs > 2 ? args->constants[2] : NULL;
    const bool bias_open = args->n_inputs > 2 && b == NULL && args->node->inputs[2].value != NULL;
    if (w == NULL || bias_open || w->dtype != SY_DT_I8 || w->rank < 3 || w->rank > 4) {
        return SY_OK;
    }
    qconv_state *s = BASE_ARENA_NEW(args->arena, qconv_state);
    if (s == NULL) {
        return SY_ENOMEM;
    }
    s->n_out = w->dims[0];
    s->group = ir_node_int(args->node, "group", 1);
    s->group_channels = w->dims[1];
    s->n_taps = w->dims[2] * (w->rank == 4 ? w->dims[3] : 1);
    s->depth = s->group_channels * s->n_taps;
    s->n_quads = (s->depth + 3) / 4;
    bool tame = s->depth > 0 && rt_zeros_fit(args->node);
    if (tame) {
        SY_TRY(fill_state(args, w, b, s, &tame));
    }
    *state = tame ? s : NULL;
    return SY_OK;
}

/* ---------------------------------------------------------------- running */

static sy_status split_task(void *user, int64_t channel, rt_scratch *scratch)
{
    const qconv_job *j = user;
    (void)scratch;
    rt_window2_bytes(&j->w, (const uint8_t *)j->x + channel * j->w.in[0] * j->w.in[1], 0x80,
                     j->s->fill, j->planes + channel * j->w.plane);
    return SY_OK;
}

/* Stores the useful ones of n results for positions p, p + 1, ... of one channel. */
static void store_row(const rt_window2 *w, int64_t p, int64_t n, const int8_t *results, int8_t *y)
{
    int64_t row = p / w->phase_columns, column = p % w->phase_columns;
    while (n > 0 && row < w->out[0]) {
        const int64_t left = w->phase_columns - column < n ? w->phase_columns - column : n;
        const int64_t useful = w->out[1] - column < left ? w->out[1] - column : left;
        if (useful > 0) {
            memcpy(y + row * w->out[1] + column, results, (size_t)useful);
        }
        results += left;
        n -= left;
        column = 0;
        row++;
    }
}

/* The same for a tile of positions p, p + 1, ... */
static void store_tile(const rt_window2 *w, int64_t p, int rows, const int8_t *results, int8_t *y)
{
    const int64_t row = p / w->phase_columns, column = p % w->phase_columns,
                  out_plane = w->out[0] * w->out[1];
    const bool gapless = w->phase_columns == w->out[1] && p + RT_QTILE_COLUMNS <= out_plane;
    const bool one_run = column + RT_QTILE_COLUMNS <= w->out[1] && row < w->out[0];
    for (int r = 0; r < rows; r++) {
        if (gapless || one_run) { /* by far the most: a copy of known size */
            memcpy(y + r * out_plane + row * w->out[1] + column, results + r * RT_QTILE_COLUMNS,
                   RT_QTILE_COLUMNS);
        } else {
            store_row(w, p, RT_QTILE_COLUMNS, results + r * RT_QTILE_COLUMNS, y + r * out_plane);
        }
    }
}

static sy_status panel_task(void *user, int64_t i, rt_scratch *scratch)
{
    const qconv_job *j = user;
    const qconv_state *s = j->s;
    const int64_t group = i / j->n_panels, p = i % j->n_panels * RT_QTILE_COLUMNS;
    const int64_t per_group = s->n_out / s->group, out_plane = j->w.out[0] * j->w.out[1];
    uint8_t *panel = rt_scratch_get(scratch, (size_t)(s->n_quads * RT_QUAD_BYTES));
    if (panel == NULL) {
        return SY_ENOMEM;
    }
    j->simd->pack_panel(s->n_quads, j->planes + group * s->group_channels * j->w.plane + p,
                        j->offsets, 0, panel);

    const int64_t n_tiles = (per_group + RT_QTILE_ROWS - 1) / RT_QTILE_ROWS;
    const int64_t height = (per_group + n_tiles - 1) / n_tiles; /* rows evened out over the tiles */
    for (int64_t m = 0; m < per_group; m += height) {
        const int rows = (int)(per_group - m < height ? per_group - m : height);
        const int64_t channel = group * per_group + m;
        int32_t sums[RT_QTILE_ROWS * RT_QTILE_COLUMNS];
        j->simd->qtile(rows, s->n_quads, s->weights + channel * 4 * s->n_quads, 4 * s->n_quads,
                       panel, s->start + channel, NULL, sums);
        int8_t results[RT_QTILE_ROWS * RT_QTILE_COLUMNS];
        j->simd->requantise_tile(rows, sums, s->multipliers + channel, &s->requant, results);
        store_tile(&j->w, p, rows, results, j->y + channel * out_plane);
    }
    return SY_OK;
}

#define DEPTHWISE_BLOCK 512 /* positions; a multiple of RT_TAPS_BLOCK */

/* One input channel and the output channels that it alone makes. */
static sy_status depthwise_task(void *user, int64_t channel, rt_scratch *scratch)
{
    const qconv_job *j = user;
    const qconv_state *s = j->s;
    const int64_t per_group = s->n_out / s->group, out_plane = j->w.out[0] * j->w.out[1];
    uint8_t *plane = rt_scratch_get(scratch, (size_t)j->w.plane + RT_TAPS_BLOCK);
    if (plane == NULL) {
        return SY_ENOMEM;
    }
    rt_window2_bytes(&j->w, (const uint8_t *)j->x + channel * j->w.in[0] * j->w.in[1], 0x80,
                     s->fill, plane);
    for (int64_t m = channel * per_group; m < (channel + 1) * per_group; m++) {
        for (int64_t p = 0; p < j->w.n_positions; p += DEPTHWISE_BLOCK) {
            const int64_t left = j->w.n_positions - p,
                          n = left < DEPTHWISE_BLOCK ? left : DEPTHWISE_BLOCK;
            int32_t sums[DEPTHWISE_BLOCK];
            int8_t results[DEPTHWISE_BLOCK];
            j->simd->qtaps(n, s->n_taps, s->weights + m * 4 * s->n_quads, plane + p, j->offsets,
                           s->start[m], sums);
            j->simd->requantise(n, sums, s->multipliers[m], &s->requant, results);
            store_row(&j->w, p, n, results, j->y + m * out_plane);
        }
    }
    return SY_OK;
}

static sy_status run_image(qconv_job *j, const rt_env *env, rt_pool *pool, bool depthwise,
                           int64_t n_channels)
{
    if (depthwise) {
        return rt_pool_run(pool, n_channels, depthwise_task, j, env->scratch);
    }
    SY_TRY(rt_pool_run(pool, n_channels, split_task, j, env->scratch));
    return rt_pool_run(pool, j->s->group * j->n_panels, panel_task, j, env->scratch);
}

sy_status rt_fast_qconv(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    const qconv_state *s = state;
    if (s == NULL || x->dtype != SY_DT_I8) {
        return rt_run_reference(args);
    }
    qconv_job j = {.s = s, .simd = rt_simd_best()};
    bool ok;
    SY_TRY(rt_window2_of(args, x, ir_kernel_input(args, 1)->dims + 2, &j.w, &ok));
    if (!ok) {
        return rt_run_reference(args);
    }
    const bool depthwise = s->group_channels == 1 && s->group > 1;
    const int64_t n_channels = x->dims[1];
    /* Panels read up to 31 positions beyond the last. */
    const size_t slack = RT_QTILE_COLUMNS;
    int64_t *tap_offsets = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)s->n_taps);
    int64_t *offsets = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)(4 * s->n_quads));
    j.planes = depthwise
                   ? NULL
                   : base_arena_alloc(args->scratch, (size_t)(n_channels * j.w.plane) + slack, 1);
    if (tap_offsets == NULL || offsets == NULL || (!depthwise && j.planes == NULL)) {
        return SY_ENOMEM;
    }
    rt_window2_offsets(&j.w, tap_offsets);
    for (int64_t k = 0; k < s->depth; k++) {
        offsets[k] = k / s->n_taps * j.w.plane +
                     tap_offsets[k % s->n_taps]; /* beyond the depth: weights are 0 */
    }
    j.offsets = offsets;
    j.n_panels = (j.w.n_positions + RT_QTILE_COLUMNS - 1) / RT_QTILE_COLUMNS;
    const int64_t out_plane = j.w.out[0] * j.w.out[1];
    rt_pool *pool = rt_pool_for(env, 2.0 * (double)s->depth * (double)s->n_out * (double)out_plane);
    for (int64_t n = 0; n < x->dims[0] && out_plane > 0; n++) {
        j.x = (const int8_t *)x->data + n * n_channels * j.w.in[0] * j.w.in[1];
        j.y = (int8_t *)y->data + n * s->n_out * out_plane;
        SY_TRY(run_image(&j, env, pool, depthwise, n_channels));
    }
    return SY_OK;
}
