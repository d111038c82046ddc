/*
 * conv.c -- fp32 convolutions, channels last, without a matrix of windows.
 *
 * Weights are packed once as [32 output channels][kernel row][kernel column][input channel], so that
 * in [N][H][W][C] the operands of one kernel row are one run of memory. A task is a block of output
 * rows times some panels of 32 output channels of one image. Padded inputs are copied row by row into the task's
 * strip, so that no tile meets a border. Results are chains (conv_tile.h): how the work is cut never changes a bit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conv.h"

#include <math.h>
#include <string.h>

#define STRIP_FLOATS    98304  /* of input per task: with a panel of weights they stay in the second-level cache */
#define MIN_POSITIONS   56     /* of a task; fewer would load the weights too often */
#define MAX_POSITIONS   1024
#define TASK_PRODUCTS   400000 /* less is not worth handing over */
#define MAX_TASKS       32
#define MIN_PANELS      4      /* that share the copy of a strip */
#define LARGE_WEIGHTS   65536  /* floats; from here on tasks share them out before they share positions */
#define ALIAS_FLOATS    1024   /* positions this far apart fall into one set of the first-level cache */
#define MIN_TILE_ROWS   7      /* narrower rows are gathered */


/* ---------------------------------------------------------------- weights */

float *rt_conv_floats(base_arena *arena, int64_t n)
{
    float *data = BASE_ARENA_ARRAY(arena, float, (size_t)(n + RT_ALIGNED_FLOATS));
    if (data == NULL) {
        return NULL;
    }
    const uintptr_t past = (uintptr_t)data % (RT_ALIGNED_FLOATS * sizeof(float));
    return past == 0 ? data : data + (RT_ALIGNED_FLOATS - past / sizeof(float));
}

int64_t rt_conv_panel_width(const rt_conv_state *s, int64_t panel)
{
    return s->group_out - panel * RT_PANEL_COLUMNS > RT_PANEL_COLUMNS / 2 ? RT_PANEL_COLUMNS
                                                                          : RT_PANEL_COLUMNS / 2;
}

static float scaled(const rt_conv_state *s, int64_t m, float w)
{
    return s->fusion.scale != NULL ? w * s->fusion.scale[m] : w;
}

/* w [M, C, taps] -> panels [tap][C][width] of each group. */
static void pack_group(const rt_conv_state *s, const float *w, int64_t g, float *to)
{
    const int64_t n_taps = s->kernel[0] * s->kernel[1];
    for (int64_t p = 0; p < s->n_panels; p++) {
        const int64_t width = rt_conv_panel_width(s, p), first = p * RT_PANEL_COLUMNS,
                      n = smaller(width, s->group_out - first);
        for (int64_t j = 0; j < n; j++) {
            const int64_t m = g * s->group_out + first + j;
            const float *from = w + m * s->depth;
            for (int64_t c = 0; c < s->group_in; c++) {
                for (int64_t t = 0; t < n_taps; t++) {
                    to[(t * s->group_in + c) * width + j] = scaled(s, m, from[c * n_taps + t]);
                }
            }
        }
        to += width * s->depth;
    }
}

static sy_status pack(const rt_prepare_args *args, rt_conv_state *s)
{
    const float *w = args->constants[1]->data;
    const float *b = args->constants[2] != NULL ? args->constants[2]->data : NULL;
    const int64_t n_taps = s->kernel[0] * s->kernel[1];
    const int64_t bias_floats = s->n_panels * RT_PANEL_COLUMNS;
    s->group_floats = ((s->n_panels - 1) * RT_PANEL_COLUMNS + rt_conv_panel_width(s, s->n_panels - 1)) *
                      s->depth;
    const int64_t n_weights = s->winograd != 0 ? 0
                              : s->depthwise   ? n_taps * s->n_out
                                               : s->group * s->group_floats;
    float *weights = rt_conv_floats(args->arena, n_weights);
    float *bias = rt_conv_floats(args->arena, s->group * bias_floats);
    if (weights == NULL || bias == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t m = 0; m < s->n_out; m++) {
        const double scale = s->fusion.scale != NULL ? (double)s->fusion.scale[m] : 1.0;
        const double shift = s->fusion.shift != NULL ? (double)s->fusion.shift[m] : 0.0;
        const int64_t at = s->depthwise
                               ? m
                               : m / s->group_out * bias_floats + m % s->group_out;
        bias[at] = (float)((b != NULL ? (double)b[m] : 0.0) * scale + shift);
    }
    s->bias = bias;
    if (s->winograd != 0) {
        return rt_winograd_pack(args, s);
    }
    for (int64_t g = 0; g < s->group && !s->depthwise; g++) {
        pack_group(s, w, g, weights + g * s->group_floats);
    }
    for (int64_t m = 0; m < s->n_out && s->depthwise; m++) {
        for (int64_t t = 0; t < n_taps; t++) {
            weights[t * s->n_out + m] = scaled(s, m, w[m * n_taps + t]);
        }
    }
    s->weights = weights;
    return SY_OK;
}

static sy_status prepare_conv(const rt_prepare_args *args, void **state)
{
    const ir_tensor *w = args->constants[1];
    rt_conv_state *s = BASE_ARENA_NEW(args->arena, rt_conv_state);
    if (s == NULL) {
        return SY_ENOMEM;
    }
    s->fusion = *(const rt_conv_fusion *)*state;
    s->n_out = w->dims[0];
    s->group = ir_node_int(args->node, "group", 1);
    s->group_in = w->dims[1];
    s->group_out = s->n_out / s->group;
    s->kernel[0] = w->rank == 4 ? w->dims[2] : 1;
    s->kernel[1] = w->dims[w->rank - 1];
    s->depth = s->group_in * s->kernel[0] * s->kernel[1];
    s->depthwise = s->group_in == 1 && s->group_out == 1 && s->group > 1;
    s->n_panels = divided_up(s->group_out, RT_PANEL_COLUMNS);
    s->winograd = rt_winograd_choice(s, args->node);
    SY_TRY(pack(args, s));
    *state = s;
    return SY_OK;
}

/* ---------------------------------------------------------------- one run */


/* The inputs of one task, as tiles want them. */
typedef struct strip {
    const float *base;
    int64_t a_step, row_step;
    int64_t rows, columns;
    int64_t first; /* position in y, counted through all images */
} strip;

/* Row h of the input, columns from `w` on, `n` of them; what lies outside is zero. */
static void copy_row(const rt_conv_job *j, int64_t image, int64_t h, int64_t w, int64_t n, float *to)
{
    const int64_t channels = j->in.channels;
    const int64_t before = h < 0 || h >= j->in.height ? n : smaller(n, larger(0, -w));
    const int64_t inside = larger(0, smaller(n, j->in.width - w) - before);
    memset(to, 0, (size_t)(before * channels) * sizeof(float));
    const float *from = j->x + ((image * j->in.height + h) * j->in.width + w + before) * j->x_step;
    to += before * channels;
    if (j->x_step == channels && inside > 0) {
        memcpy(to, from, (size_t)(inside * channels) * sizeof(float));
    }
    for (int64_t i = 0; i < inside && j->x_step != channels; i++) {
        memcpy(to + i * channels, from + i * j->x_step, (size_t)channels * sizeof(float));
    }
    memset(to + inside * channels, 0, (size_t)((n - before - inside) * channels) * sizeof(float));
}

/* The window of output position p of an image. */
static void gather(const rt_conv_job *j, int64_t image, int64_t p, float *to)
{
    const rt_conv_state *s = j->s;
    const int64_t h = p / j->out.width * j->stride[0] - j->pad[0],
                  w = p % j->out.width * j->stride[1] - j->pad[1];
    for (int64_t y = 0; y < s->kernel[0]; y++) {
        if (j->dilation[1] == 1) {
            copy_row(j, image, h + y * j->dilation[0], w, s->kernel[1], to);
            to += s->kernel[1] * s->group_in;
            continue;
        }
        for (int64_t x = 0; x < s->kernel[1]; x++, to += s->group_in) {
            copy_row(j, image, h + y * j->dilation[0], w + x * j->dilation[1], 1, to);
        }
    }
}

static strip make_strip(const rt_conv_job *j, int64_t image, int64_t first, float *memory)
{
    const rt_conv_state *s = j->s;
    const int64_t plane = j->out.height * j->out.width;
    strip t = {.base = j->x, .rows = 1, .a_step = j->strip_step, .first = first};
    if (j->flat) {
        t.columns = smaller(j->block, j->out.n * plane - first);
        t.base = j->x + first * j->x_step;
        for (int64_t p = 0; p < t.columns && j->copied; p++) {
            memcpy(memory + p * j->strip_step, t.base + p * j->x_step,
                   (size_t)j->in.channels * sizeof(float));
        }
        t.base = j->copied ? memory : t.base;
        return t;
    }
    if (j->gathered) {
        t.columns = smaller(j->block, plane - first);
        for (int64_t p = 0; p < t.columns; p++) {
            gather(j, image, first + p, memory + p * j->strip_step);
        }
        t.base = memory;
        t.first = image * plane + first;
        return t;
    }
    t.rows = smaller(j->block, j->out.height - first);
    t.columns = j->out.width;
    t.first = image * plane + first * j->out.width;
    const int64_t h = first * j->stride[0] - j->pad[0];
    if (!j->copied) {
        t.base = j->x + (image * j->in.height + h) * j->in.width * j->x_step;
    } else {
        const int64_t n = (t.rows - 1) * j->stride[0] + (s->kernel[0] - 1) * j->dilation[0] + 1;
        for (int64_t r = 0; r < n; r++) {
            copy_row(j, image, h + r, -j->pad[1], j->strip_width,
                     memory + r * j->strip_width * j->in.channels);
        }
        t.base = memory;
    }
    t.a_step = j->stride[1] * j->strip_step;
    t.row_step = j->stride[0] * j->strip_width * j->strip_step;
    return t;
}

bool rt_conv_clamps(rt_act act)
{
    return act == RT_ACT_NONE || act == RT_ACT_RELU || act == RT_ACT_CLIP;
}

/* What the tile's clamp does not do, while the results are in the first-level cache. */
void rt_conv_finish(const rt_conv_job *j, int64_t rows, int64_t columns, float *c,
                   const float *residual)
{
    const rt_conv_fusion *f = &j->s->fusion;
    for (int64_t i = 0; i < rows; i++) {
        float *row = c + i * j->y_step;
        if (!rt_conv_clamps(f->act)) {
            j->simd->activate(f->act, f->a, f->b, columns, row);
        }
        if (f->act_first && residual != NULL) {
            j->simd->add_floats(columns, residual + i * j->residual_step, 1, row);
        }
    }
}

void rt_conv_limits(const rt_conv_fusion *f, float *low, float *high)
{
    *low = f->act == RT_ACT_RELU ? 0.0f : f->act == RT_ACT_CLIP ? f->a : -INFINITY;
    *high = f->act == RT_ACT_CLIP ? f->b : INFINITY;
}

/* All rows of a strip for one panel. */
static void panel_task(const rt_conv_job *j, const strip *t, int64_t group, int64_t panel)
{
    const rt_conv_state *s = j->s;
    const int64_t column = group * s->group_out + panel * RT_PANEL_COLUMNS;
    const int64_t n_tiles = divided_up(t->columns, j->tiles->best_rows);
    const bool late = !rt_conv_clamps(s->fusion.act) || (s->fusion.act_first && j->residual != NULL);
    rt_conv_tile tile = {
        .a_step = t->a_step,
        .n_runs = j->n_runs,
        .runs = j->runs,
        .b = s->weights + group * s->group_floats + panel * RT_PANEL_COLUMNS * s->depth,
        .start = s->bias + (group * s->n_panels + panel) * RT_PANEL_COLUMNS,
        .residual_step = j->residual_step,
        .columns = (int)smaller(RT_PANEL_COLUMNS, s->group_out - panel * RT_PANEL_COLUMNS),
        .c_step = j->y_step};
    rt_conv_limits(&s->fusion, &tile.low, &tile.high);
    for (int64_t r = 0; r < t->rows; r++) {
        for (int64_t i = 0; i < n_tiles; i++) {
            const int64_t from = t->columns * i / n_tiles, to = t->columns * (i + 1) / n_tiles;
            const int64_t position = t->first + r * t->columns + from;
            const float *residual = j->residual != NULL
                                        ? j->residual + position * j->residual_step + column
                                        : NULL;
            tile.a = t->base + r * t->row_step + from * t->a_step + group * s->group_in;
            tile.residual = s->fusion.act_first ? NULL : residual;
            tile.c = j->y + position * j->y_step + column;
            j->tiles->product(&tile, (int)(to - from));
            if (late) {
                rt_conv_finish(j, to - from, tile.columns, tile.c, residual);
            }
        }
    }
}

static int64_t strip_floats(const rt_conv_job *j)
{
    if (!j->copied) {
        return 0;
    }
    if (j->flat || j->gathered) {
        return j->block * j->strip_step;
    }
    const int64_t rows = (j->block - 1) * j->stride[0] +
                         (j->s->kernel[0] - 1) * j->dilation[0] + 1;
    return rows * j->strip_width * j->strip_step;
}

static sy_status conv_task(void *user, int64_t i, rt_scratch *scratch)
{
    const rt_conv_job *j = user;
    const rt_conv_state *s = j->s;
    const int64_t part = i % j->n_groups, block = i / j->n_groups % j->n_blocks,
                  image = i / j->n_groups / j->n_blocks;
    float *memory = NULL;
    if (j->copied) {
        memory = rt_scratch_get(scratch, (size_t)strip_floats(j) * sizeof(float));
        if (memory == NULL) {
            return SY_ENOMEM;
        }
    }
    const strip t = make_strip(j, image, block * j->block, memory);
    const int64_t all = s->group * s->n_panels, last = smaller(all, (part + 1) * j->n_panels);
    for (int64_t p = part * j->n_panels; p < last; p++) {
        panel_task(j, &t, p / s->n_panels, p % s->n_panels);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- depthwise */

/* Positions [from, to) of an output row, all with the taps [rows) x [columns). */
static void depth_positions(const rt_conv_job *j, rt_depth_tile *tile, rt_tap *taps, int64_t image,
                            int64_t oh, int64_t from, int64_t to, const int64_t rows[2],
                            const int64_t columns[2])
{
    const rt_conv_state *s = j->s;
    const int64_t h = oh * j->stride[0] - j->pad[0], w = from * j->stride[1] - j->pad[1];
    const int64_t position = (image * j->out.height + oh) * j->out.width + from;
    tile->n_taps = 0;
    for (int64_t y = rows[0]; y < rows[1]; y++) {
        for (int64_t x = columns[0]; x < columns[1]; x++) {
            const int64_t at = (y * j->dilation[0] * j->in.width + x * j->dilation[1]) * j->x_step;
            taps[tile->n_taps++] = (rt_tap){at, (y * s->kernel[1] + x) * s->n_out};
        }
    }
    const float *residual = j->residual != NULL ? j->residual + position * j->residual_step : NULL;
    /* The first tap that counts lies inside; the window's corner may not. */
    const int64_t corner = ((image * j->in.height + h) * j->in.width + w) * j->x_step;
    for (int64_t t = 0; t < tile->n_taps; t++) {
        taps[t].a += corner;
    }
    tile->taps = taps;
    tile->rows = to - from;
    tile->residual = s->fusion.act_first ? NULL : residual;
    tile->c = j->y + position * j->y_step;
    j->tiles->depth(tile);
    if (!rt_conv_clamps(s->fusion.act) || (s->fusion.act_first && residual != NULL)) {
        rt_conv_finish(j, tile->rows, s->n_out, tile->c, residual);
    }
}

/* The taps of output o along one axis that lie on the input. */
static void taps_of(const rt_conv_job *j, int axis, int64_t o, int64_t range[2])
{
    const int64_t size = axis == 0 ? j->in.height : j->in.width;
    const int64_t at = o * j->stride[axis] - j->pad[axis], step = j->dilation[axis];
    range[0] = at < 0 ? smaller(j->s->kernel[axis], divided_up(-at, step)) : 0;
    range[1] = size > at ? smaller(j->s->kernel[axis], divided_up(size - at, step)) : 0;
    range[1] = larger(range[0], range[1]);
}

static sy_status depth_task(void *user, int64_t i, rt_scratch *scratch)
{
    const rt_conv_job *j = user;
    const rt_conv_state *s = j->s;
    const int64_t block = i % j->n_blocks, image = i / j->n_blocks;
    const int64_t n_taps = s->kernel[0] * s->kernel[1];
    rt_tap *taps = rt_scratch_get(scratch, (size_t)n_taps * sizeof *taps);
    if (taps == NULL) {
        return SY_ENOMEM;
    }
    rt_depth_tile tile = {.a = j->x,
                          .a_step = j->stride[1] * j->x_step,
                          .b = s->weights,
                          .start = s->bias,
                          .residual_step = j->residual_step,
                          .columns = s->n_out,
                          .c_step = j->y_step};
    rt_conv_limits(&s->fusion, &tile.low, &tile.high);
    const int64_t last_row = smaller(j->out.height, (block + 1) * j->block);
    for (int64_t oh = block * j->block; oh < last_row; oh++) {
        int64_t rows[2], columns[2];
        taps_of(j, 0, oh, rows);
        for (int64_t ow = 0; ow < j->out.width;) {
            /* As far as the taps stay the same, a few at a time: their inputs stay in the cache. */
            int64_t end = ow + 1;
            taps_of(j, 1, ow, columns);
            for (; end < j->out.width && end - ow < 8; end++) {
                int64_t next[2];
                taps_of(j, 1, end, next);
                if (next[0] != columns[0] || next[1] != columns[1]) {
                    break;
                }
            }
            depth_positions(j, &tile, taps, image, oh, ow, end, rows, columns);
            ow = end;
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- the cut */

static void cut(rt_conv_job *j, double n_products)
{
    const rt_conv_state *s = j->s;
    const int64_t want = n_products < TASK_PRODUCTS * 2
                             ? 1
                             : smaller(MAX_TASKS, (int64_t)(n_products / TASK_PRODUCTS));
    const bool rows = !j->flat && !j->gathered;
    const int64_t unit = rows ? j->out.width : 1; /* positions of one step of the cut */
    const int64_t per_image = j->flat ? j->out.n * j->out.height * j->out.width
                                      : j->out.height * j->out.width;
    const int64_t n_images = j->flat ? 1 : j->out.n;
    const int64_t position_floats = j->gathered ? s->depth
                                                : j->in.channels * j->stride[0] * j->stride[1];
    const int64_t all_panels = s->group * s->n_panels;
    int64_t positions = larger(MIN_POSITIONS,
                               smaller(MAX_POSITIONS, STRIP_FLOATS / larger(1, position_floats)));
    if (s->group * s->group_floats < LARGE_WEIGHTS || all_panels == 1) {
        const int64_t shared = divided_up(per_image * n_images, want);
        positions = smaller(positions, larger(MIN_POSITIONS, shared));
    }
    int64_t steps = larger(1, positions / unit);
    if (rows && j->copied && s->kernel[0] > j->stride[0]) {
        steps = larger(steps, 4); /* neighbours copy the rows between them twice */
    }
    const int64_t n_steps = rows ? j->out.height : per_image;
    j->n_blocks = divided_up(n_steps, steps);
    j->block = divided_up(n_steps, j->n_blocks);
    j->n_blocks = divided_up(n_steps, j->block);
    const int64_t n_tasks = j->n_blocks * n_images;
    const int64_t parts = larger(1, smaller(all_panels, divided_up(want, n_tasks)));
    j->n_panels = divided_up(all_panels, parts);
    if (j->copied) { /* each task copies its strip */
        j->n_panels = smaller(all_panels, larger(j->n_panels, MIN_PANELS));
    }
    j->n_groups = divided_up(all_panels, j->n_panels);
}

/* The runs of a window in a strip. */
static sy_status make_runs(rt_conv_job *j, base_arena *scratch)
{
    const rt_conv_state *s = j->s;
    const bool whole = j->gathered || j->flat;
    const bool rows = s->group == 1 && j->dilation[1] == 1 && j->strip_step == s->group_in;
    const int64_t across = rows ? 1 : s->kernel[1];
    j->n_runs = whole ? 1 : s->kernel[0] * across;
    rt_run *runs = BASE_ARENA_ARRAY(scratch, rt_run, (size_t)j->n_runs);
    if (runs == NULL) {
        return SY_ENOMEM;
    }
    j->runs = runs;
    if (whole) {
        runs[0] = (rt_run){0, s->depth};
        return SY_OK;
    }
    for (int64_t i = 0; i < j->n_runs; i++) {
        const int64_t y = i / across, x = i % across;
        runs[i] = (rt_run){(y * j->dilation[0] * j->strip_width + x * j->dilation[1]) *
                               j->strip_step,
                           rows ? s->kernel[1] * s->group_in : s->group_in};
    }
    return SY_OK;
}

/* How the input is read. */
static void choose_way(rt_conv_job *j, bool padded)
{
    const rt_conv_state *s = j->s;
    const bool point = s->kernel[0] == 1 && s->kernel[1] == 1;
    j->flat = point && j->stride[0] == 1 && j->stride[1] == 1 && !padded;
    if (j->flat) {
        j->copied = j->x_step % ALIAS_FLOATS == 0 && s->group_out > RT_PANEL_COLUMNS;
        j->strip_step = j->copied ? j->in.channels + RT_ALIGNED_FLOATS : j->x_step;
        return;
    }
    const bool aliased = j->stride[1] * j->in.channels % ALIAS_FLOATS == 0;
    j->gathered = s->group == 1 && ((j->out.width < MIN_TILE_ROWS && j->out.height > 1) || aliased);
    if (j->gathered) {
        j->copied = true;
        j->strip_step = s->depth + (s->depth % ALIAS_FLOATS == 0 ? RT_ALIGNED_FLOATS : 0);
        return;
    }
    j->copied = padded || (s->kernel[1] > 1 && j->x_step != j->in.channels);
    j->strip_step = j->copied ? j->in.channels : j->x_step;
    j->strip_width = j->copied ? (j->out.width - 1) * j->stride[1] +
                                     (s->kernel[1] - 1) * j->dilation[1] + 1
                               : j->in.width;
}

static sy_status resolve(const ir_kernel_args *args, const rt_conv_state *s, const ir_tensor *x,
                         rt_conv_job *j, bool *padded)
{
    const int32_t spatial = x->rank - 2;
    const int64_t *extra = s->fusion.pads; /* of two axes */
    int64_t sizes[2];
    for (int32_t i = 0; i < spatial; i++) {
        const int32_t a = i + 2 - spatial;
        sizes[i] = x->dims[2 + i] + extra[a] + extra[2 + a];
    }
    ir_window win;
    SY_TRY(ir_window_resolve(args->node, spatial, sizes, s->kernel + 2 - spatial, args->diag, &win));
    *padded = false;
    for (int a = 0; a < 2; a++) {
        const int32_t i = a - (2 - spatial);
        const int64_t in = a == 0 ? j->in.height : j->in.width;
        const int64_t out = a == 0 ? j->out.height : j->out.width;
        j->stride[a] = i < 0 ? 1 : win.strides[i];
        j->dilation[a] = i < 0 ? 1 : win.dilations[i];
        j->pad[a] = i < 0 ? 0 : win.pads_begin[i] + extra[a];
        const int64_t end = (out - 1) * j->stride[a] + (s->kernel[a] - 1) * j->dilation[a] + 1;
        *padded = *padded || j->pad[a] != 0 || end - j->pad[a] > in;
    }
    return SY_OK;
}

static sy_status run_conv(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const rt_conv_state *s = state;
    const ir_tensor *x = ir_kernel_input(args, 0), *residual = ir_kernel_input(args, 3);
    ir_tensor *y = ir_kernel_output(args, 0);
    const uint32_t *in = env->step->inputs, *out = env->step->outputs;
    if (ir_tensor_n_elements(y) == 0) {
        return SY_OK;
    }
    rt_conv_job j = {.s = s,
                  .tiles = rt_conv_tiles_best(),
                  .simd = rt_simd_best(),
                  .in = rt_image_of(x),
                  .out = rt_image_of(y),
                  .x = x->data,
                  .y = y->data,
                  .residual = residual != NULL ? residual->data : NULL};
    bool padded = false;
    SY_TRY(resolve(args, s, x, &j, &padded));
    j.x_step = rt_position_step(env, in[0], j.in.channels);
    j.y_step = rt_position_step(env, out[0], j.out.channels);
    j.residual_step = residual != NULL ? rt_position_step(env, in[3], j.out.channels) : 0;
    const double n_products = (double)ir_tensor_n_elements(y) * (double)s->depth;
    rt_pool *pool = rt_pool_for(env, 2.0 * n_products);
    if (s->depthwise) {
        const int64_t want = larger(1, smaller(MAX_TASKS, (int64_t)(n_products * 8) / TASK_PRODUCTS));
        j.block = divided_up(j.out.height, want);
        j.n_blocks = divided_up(j.out.height, j.block);
        return rt_pool_run(pool, j.out.n * j.n_blocks, depth_task, &j, env->scratch);
    }
    if (s->winograd != 0) {
        return rt_winograd_run(&j, pool, env->scratch);
    }
    choose_way(&j, padded);
    SY_TRY(make_runs(&j, args->scratch));
    cut(&j, n_products);
    return rt_pool_run(pool, (j.flat ? 1 : j.out.n) * j.n_blocks * j.n_groups, conv_task, &j,
                       env->scratch);
}

const rt_kernel rt_conv_kernel = {.prepare = prepare_conv, .run = run_conv};
