/*
 * conv.h -- what the ways to convolve share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_CONV_H
#define SYSTOLE_RT_CPU_CONV_H

#include "channels_last.h"
#include "conv_tile.h"

#define RT_ALIGNED_FLOATS 16

static inline int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline int64_t divided_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

typedef struct rt_conv_state {
    rt_conv_fusion fusion;
    int64_t n_out, group, group_in, group_out, kernel[2], depth;
    bool depthwise;
    int winograd; /* results per axis of a Winograd tile; 0: none */
    int64_t n_panels;      /* per group */
    int64_t group_floats;  /* packed weights of one group */
    const float *weights;  /* packed; depthwise: [tap][channel]; Winograd: [panel][term][channel][column] */
    const float *bias;     /* per group, padded to whole panels */
    const float *zeros;    /* Winograd: [input channels, at least a panel] */
} rt_conv_state;

typedef struct rt_conv_job {
    const rt_conv_state *s;
    const rt_conv_tiles *tiles;
    const rt_simd *simd;
    rt_image in, out;
    int64_t stride[2], dilation[2], pad[2];
    const float *x, *residual;
    float *y;
    int64_t x_step, y_step, residual_step; /* from position to position */
    bool flat;    /* 1x1 without strides: all positions of all images are one row */
    bool gathered; /* the windows of each position are laid out one after the other */
    bool copied;  /* the strip is a copy with padding */
    int64_t strip_step;  /* from position to position in a strip */
    int64_t strip_width; /* positions in a row of it */
    int64_t n_runs;
    const rt_run *runs;
    int64_t block, n_blocks; /* output rows (flat, gathered: positions) */
    int64_t n_panels, n_groups; /* panels per task, tasks side by side */
    int64_t tiles_down, tiles_across; /* Winograd; then block counts tiles */
} rt_conv_job;

/* n floats aligned to 64 bytes; NULL when memory is out. */
float *rt_conv_floats(base_arena *arena, int64_t n);

int64_t rt_conv_panel_width(const rt_conv_state *s, int64_t panel);

/* True if a tile's clamp is all of the activation; its limits; what is left to do with a tile of results. */
bool rt_conv_clamps(rt_act act);
void rt_conv_limits(const rt_conv_fusion *f, float *low, float *high);
void rt_conv_finish(const rt_conv_job *j, int64_t rows, int64_t columns, float *c,
                    const float *residual);

/* ---------------------------------------------------------------- Winograd */

/* Results per axis of the tiles for this convolution, by its shape alone; 0: none. s: shape only. */
int rt_winograd_choice(const rt_conv_state *s, const ir_node *node);

/* Packs the transformed weights. */
sy_status rt_winograd_pack(const rt_prepare_args *args, rt_conv_state *s);

/* Runs a job whose sizes and operands are set. */
sy_status rt_winograd_run(rt_conv_job *j, rt_pool *pool, rt_scratch *scratch);

#endif
