/*
 * channels_last.h -- stretches of a plan whose values lie channels last.
 *
 * A value's dims are always logical ([N, C, H, W]); a slot with channels_last keeps [N][H][W][C] in
 * memory. Which slots do is decided when the plan is made, after the rules of fuse.h: convolutions
 * want it, operators with a row in channels_last.c follow their operand, everything else gets plain
 * values, and steps that convert are put between.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_CHANNELS_LAST_H
#define SYSTOLE_RT_CPU_CHANNELS_LAST_H

#include "epilogue.h"
#include "fast_internal.h"
#include "fuse.h"

/* Decides for all slots and adds the conversions; f is as rt_fuse left it. */
sy_status rt_channels_last(rt_fusion *f);

/* Sizes of a tensor with one or two spatial axes (one: height 1). */
typedef struct rt_image {
    int64_t n, channels, height, width;
} rt_image;

rt_image rt_image_of(const ir_tensor *t);

/* Floats from one position to the next of operand or result `slot`: its channels, or more if it is a
 * part of a larger value. */
int64_t rt_position_step(const rt_env *env, uint32_t slot, int64_t channels);

/* ---------------------------------------------------------------- convolutions */

/* What the rule for convolutions merged, for prepare. */
typedef struct rt_conv_fusion {
    const float *scale, *shift; /* per output channel, on the sum and bias; NULL: 1 and 0 */
    int64_t pads[4];            /* of a Pad before it, as the attribute pads of two axes */
    rt_act act;
    float a, b;
    bool act_first; /* y = act(sum) + residual, else act(sum + residual) */
} rt_conv_fusion;

/* Operands: x, weights, bias, residual, all but x and residual constant. */
extern const rt_kernel rt_conv_kernel;

/* ---------------------------------------------------------------- what follows them */

/* Kernels for operands and results channels last, and whether a step is one of theirs. */
extern const rt_kernel rt_max_last, rt_average_last, rt_global_average_last, rt_lrn_last,
    rt_concat_last, rt_shuffle_last, rt_affine_last;
bool rt_pool_fits(const rt_fusion *f, const rt_step *step);
bool rt_lrn_fits(const rt_fusion *f, const rt_step *step);
bool rt_concat_fits(const rt_fusion *f, const rt_step *step);

/* Of the rules for shuffles and for BatchNormalization: plain values. */
extern const rt_kernel rt_shuffle_kernel, rt_affine_kernel;

#endif
