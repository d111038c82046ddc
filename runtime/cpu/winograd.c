/*
 * winograd.c -- 3x3 convolutions without strides by Winograd's method, channels last.
 *
 * A tile of 6x6 (4x4) inputs becomes 36 (16) terms per input channel; for each term, tiles x channels times channels x outputs is a
 * matrix product over the channels, whose results become 4x4 (2x2) outputs: 4 (2.25) times fewer products. A task is a
 * block of tiles of one image times some panels of outputs. Sums over channels are chains in order, everything else is
 * elementwise, so the bits do not depend on the cut. Weights are transformed in double and rounded once.
 *
 * Used where it saves time, by shape alone. Errors are larger than a chain's: RT_CPU_WINOGRAD_TOLERANCE (cpu.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conv.h"

#include <string.h>

#define MAX_SIZE 6  /* inputs per axis of a tile */
#define LARGE_TILES_LEAST  40               /* tiles of 6x6 that an image must have */
#define LARGE_WEIGHT_BYTES (10 << 20)       /* most transformed weights for them: they come from memory */
#define SMALL_TILES_LEAST  40
#define FEW_TILES_LEAST    14               /* is enough where transformed weights are small */
#define FEW_WEIGHT_BYTES   (1 << 20)
#define BLOCK_FLOATS       131072           /* transformed inputs of a task */
#define LEAST_BLOCK        28               /* tiles: two tiles of rows of the product */
#define MOST_BLOCK         112
#define LEAST_TASKS        4

/* ---------------------------------------------------------------- choice */

int rt_winograd_choice(const rt_conv_state *s, const ir_node *node)
{
    const ir_type *type = &node->outputs[0]->type;
    const int64_t *strides, *dilations;
    const uint32_t n_strides = ir_node_ints(node, "strides", &strides);
    const uint32_t n_dilations = ir_node_ints(node, "dilations", &dilations);
    int64_t height = 0, width = 0;
    if (s->group != 1 || s->kernel[0] != 3 || s->kernel[1] != 3 || s->group_in % 16 != 0 ||
        s->group_out % 16 != 0 || type->kind != IR_TYPE_TENSOR || !type->has_rank ||
        type->rank != 4 || !ir_dim_is_const(type->dims[2], &height) ||
        !ir_dim_is_const(type->dims[3], &width)) {
        return 0;
    }
    for (uint32_t i = 0; i < n_strides || i < n_dilations; i++) {
        if ((i < n_strides && strides[i] != 1) || (i < n_dilations && dilations[i] != 1)) {
            return 0;
        }
    }
    const int64_t large = divided_up(height, 4) * divided_up(width, 4);
    const int64_t small = divided_up(height, 2) * divided_up(width, 2);
    const int64_t bytes = s->group_in * s->group_out * (int64_t)sizeof(float);
    if (large >= LARGE_TILES_LEAST && 36 * bytes <= LARGE_WEIGHT_BYTES) {
        return 4;
    }
    return small >= (16 * bytes <= FEW_WEIGHT_BYTES ? FEW_TILES_LEAST : SMALL_TILES_LEAST) ? 2 : 0;
}

/* ---------------------------------------------------------------- weights */

static const double g_small[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
static const double g_large[6][3] = {
    {0.25, 0, 0},
    {-1.0 / 6, -1.0 / 6, -1.0 / 6},
    {-1.0 / 6, 1.0 / 6, -1.0 / 6},
    {1.0 / 24, 1.0 / 12, 1.0 / 6},
    {1.0 / 24, -1.0 / 12, 1.0 / 6},
    {0, 0, 1},
};

/* The terms of one kernel, G w G^T. */
static void transform(int size, const float *w, double scale, double terms[MAX_SIZE * MAX_SIZE])
{
    const double(*g)[3] = size == 4 ? g_small : g_large;
    for (int r = 0; r < size; r++) {
        double row[3] = {0.0};
        for (int k = 0; k < 3; k++) {
            for (int c = 0; c < 3; c++) {
                row[c] += g[r][k] * (double)w[3 * k + c];
            }
        }
        for (int c = 0; c < size; c++) {
            terms[r * size + c] = scale *
                                  (g[c][0] * row[0] + g[c][1] * row[1] + g[c][2] * row[2]);
        }
    }
}

sy_status rt_winograd_pack(const rt_prepare_args *args, rt_conv_state *s)
{
    const float *w = args->constants[1]->data;
    const int size = s->winograd + 2, n_terms = size * size;
    const int64_t channels = s->group_in;
    float *to = rt_conv_floats(args->arena, n_terms * channels * s->n_panels * RT_PANEL_COLUMNS);
    s->zeros = rt_conv_floats(args->arena, larger(channels, RT_PANEL_COLUMNS));
    s->weights = to;
    if (to == NULL || s->zeros == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t p = 0; p < s->n_panels; p++) {
        const int64_t width = rt_conv_panel_width(s, p), first = p * RT_PANEL_COLUMNS;
        for (int64_t j = 0; j < smaller(width, s->group_out - first); j++) {
            const int64_t m = first + j;
            const double scale = s->fusion.scale != NULL ? (double)s->fusion.scale[m] : 1.0;
            for (int64_t c = 0; c < channels; c++) {
                double terms[MAX_SIZE * MAX_SIZE];
                transform(size, w + (m * channels + c) * 9, scale, terms);
                for (int i = 0; i < n_terms; i++) {
                    to[(i * channels + c) * width + j] = (float)terms[i];
                }
            }
        }
        to += n_terms * channels * width;
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- one task */

typedef struct workspace {
    float *terms;    /* [term][tile][channel] */
    float *products; /* [term][tile][column] */
    float *nowhere;  /* results beyond the border */
    int64_t n_tiles, first; /* of the block */
    int64_t image, step;    /* floats from tile to tile in terms */
} workspace;

static int64_t term_step(const rt_conv_state *s)
{
    return s->group_in % 1024 == 0 ? s->group_in + RT_ALIGNED_FLOATS : s->group_in;
}

static void transform_inputs(const rt_conv_job *j, const workspace *w)
{
    const rt_conv_state *s = j->s;
    const int out = s->winograd, size = out + 2;
    for (int64_t i = 0; i < w->n_tiles; i++) {
        const float *x[MAX_SIZE * MAX_SIZE];
        const int64_t tile = w->first + i;
        const int64_t top = tile / j->tiles_across * out - j->pad[0],
                      left = tile % j->tiles_across * out - j->pad[1];
        for (int r = 0; r < size; r++) {
            for (int c = 0; c < size; c++) {
                const int64_t h = top + r, v = left + c;
                const bool inside = h >= 0 && h < j->in.height && v >= 0 && v < j->in.width;
                x[r * size + c] = inside ? j->x + ((w->image * j->in.height + h) * j->in.width + v) *
                                                      j->x_step
                                         : s->zeros;
            }
        }
        j->simd->winograd_in[size == 6](s->group_in, x, w->terms + i * w->step,
                                        w->n_tiles * w->step);
    }
}

static void multiply(const rt_conv_job *j, const workspace *w, int64_t panel, int64_t width)
{
    const rt_conv_state *s = j->s;
    const int64_t size = s->winograd + 2, n_terms = size * size;
    const int64_t n_rows = divided_up(w->n_tiles, j->tiles->best_rows);
    const rt_run run = {0, s->group_in};
    rt_conv_tile t = {.a_step = w->step,
                      .n_runs = 1,
                      .runs = &run,
                      .start = s->zeros,
                      .columns = (int)width,
                      .c_step = width};
    rt_conv_limits(&(rt_conv_fusion){.act = RT_ACT_NONE}, &t.low, &t.high);
    for (int64_t i = 0; i < n_terms; i++) {
        t.b = s->weights + (panel * RT_PANEL_COLUMNS * n_terms + i * width) * s->group_in;
        for (int64_t r = 0; r < n_rows; r++) {
            const int64_t from = w->n_tiles * r / n_rows, to = w->n_tiles * (r + 1) / n_rows;
            t.a = w->terms + (i * w->n_tiles + from) * w->step;
            t.c = w->products + (i * w->n_tiles + from) * width;
            j->tiles->product(&t, (int)(to - from));
        }
    }
}

static void transform_results(const rt_conv_job *j, const workspace *w, int64_t panel, int64_t width)
{
    const rt_conv_state *s = j->s;
    const rt_conv_fusion *f = &s->fusion;
    const int out = s->winograd;
    const int64_t column = panel * RT_PANEL_COLUMNS;
    const bool late = !rt_conv_clamps(f->act) || (f->act_first && j->residual != NULL);
    float low, high;
    rt_conv_limits(f, &low, &high);
    for (int64_t i = 0; i < w->n_tiles; i++) {
        float *y[16];
        const float *residual[16];
        const int64_t tile = w->first + i;
        const int64_t top = tile / j->tiles_across * out, left = tile % j->tiles_across * out;
        for (int k = 0; k < out * out; k++) {
            const int64_t h = top + k / out, v = left + k % out;
            const bool inside = h < j->out.height && v < j->out.width;
            const int64_t position = (w->image * j->out.height + h) * j->out.width + v;
            y[k] = inside ? j->y + position * j->y_step + column : w->nowhere;
            residual[k] = inside && j->residual != NULL
                              ? j->residual + position * j->residual_step + column
                              : s->zeros;
        }
        j->simd->winograd_out[out == 4](width, w->products + i * width, w->n_tiles * width,
                                        s->bias + column,
                                        j->residual != NULL && !f->act_first ? residual : NULL, low,
                                        high, y);
        for (int k = 0; late && k < out * out; k++) {
            rt_conv_finish(j, 1, width, y[k], j->residual != NULL ? residual[k] : NULL);
        }
    }
}

static sy_status winograd_task(void *user, int64_t i, rt_scratch *scratch)
{
    const rt_conv_job *j = user;
    const rt_conv_state *s = j->s;
    const int64_t part = i % j->n_groups, block = i / j->n_groups % j->n_blocks;
    const int64_t n_terms = (s->winograd + 2) * (s->winograd + 2);
    workspace w = {.first = block * j->block,
                   .image = i / j->n_groups / j->n_blocks,
                   .step = term_step(s)};
    w.n_tiles = smaller(j->block, j->tiles_down * j->tiles_across - w.first);
    const int64_t terms = n_terms * w.n_tiles * w.step;
    const int64_t products = n_terms * w.n_tiles * RT_PANEL_COLUMNS;
    w.terms = rt_scratch_get(scratch, (size_t)(terms + products + RT_PANEL_COLUMNS) * sizeof(float));
    if (w.terms == NULL) {
        return SY_ENOMEM;
    }
    w.products = w.terms + terms;
    w.nowhere = w.products + products;
    transform_inputs(j, &w);
    const int64_t last = smaller(s->n_panels, (part + 1) * j->n_panels);
    for (int64_t p = part * j->n_panels; p < last; p++) {
        const int64_t width = rt_conv_panel_width(s, p);
        multiply(j, &w, p, width);
        transform_results(j, &w, p, width);
    }
    return SY_OK;
}

sy_status rt_winograd_run(rt_conv_job *j, rt_pool *pool, rt_scratch *scratch)
{
    const rt_conv_state *s = j->s;
    const int64_t n_terms = (s->winograd + 2) * (s->winograd + 2);
    j->tiles_down = divided_up(j->out.height, s->winograd);
    j->tiles_across = divided_up(j->out.width, s->winograd);
    const int64_t all = j->tiles_down * j->tiles_across;
    const int64_t fit = BLOCK_FLOATS / (n_terms * s->group_in);
    j->n_blocks = divided_up(all, larger(LEAST_BLOCK, smaller(MOST_BLOCK, fit)));
    j->block = divided_up(all, j->n_blocks);
    j->n_blocks = divided_up(all, j->block);
    const int64_t parts = divided_up(LEAST_TASKS, j->out.n * j->n_blocks);
    j->n_panels = smaller(s->n_panels, larger(2, divided_up(s->n_panels, parts)));
    j->n_groups = divided_up(s->n_panels, j->n_panels);
    return rt_pool_run(pool, j->out.n * j->n_blocks * j->n_groups, winograd_task, j, scratch);
}
