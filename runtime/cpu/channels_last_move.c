/*
 * channels_last_move.c -- Concat along the channels, channel shuffles, BatchNormalization.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "channels_last.h"

#include <math.h>
#include <string.h>

#define TASK_FLOATS 32768

typedef struct move_job {
    const rt_simd *simd;
    const float *x;
    float *y;
    int64_t channels, x_step, y_step, n_positions, block;
    int64_t groups; /* shuffle: of the input's channels */
} move_job;

static sy_status copy_task(void *user, int64_t i, rt_scratch *scratch)
{
    const move_job *j = user;
    const int64_t first = i * j->block;
    const int64_t last = first + j->block < j->n_positions ? first + j->block : j->n_positions;
    (void)scratch;
    for (int64_t p = first; p < last; p++) {
        memcpy(j->y + p * j->y_step, j->x + p * j->x_step, (size_t)j->channels * sizeof(float));
    }
    return SY_OK;
}

static sy_status weave_task(void *user, int64_t i, rt_scratch *scratch)
{
    const move_job *j = user;
    const int64_t first = i * j->block;
    const int64_t last = first + j->block < j->n_positions ? first + j->block : j->n_positions;
    (void)scratch;
    for (int64_t p = first; p < last; p++) {
        j->simd->weave(j->groups, j->channels / j->groups, j->x + p * j->x_step,
                       j->y + p * j->y_step);
    }
    return SY_OK;
}

static sy_status run_job(move_job *j, rt_task_fn task, const rt_env *env)
{
    j->block = j->channels > TASK_FLOATS ? 1 : TASK_FLOATS / j->channels;
    rt_pool *pool = rt_pool_for(env, 4.0 * (double)j->channels * (double)j->n_positions);
    return rt_pool_run(pool, (j->n_positions + j->block - 1) / j->block, task, j, env->scratch);
}

/* Operands that were made in place are there already. */
static sy_status run_concat(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    const rt_image out = rt_image_of(y);
    float *to = y->data;
    (void)state;
    for (uint32_t i = 0; i < args->n_inputs; i++) {
        const ir_tensor *x = args->inputs[i];
        const int64_t channels = x->dims[1];
        move_job j = {.x = x->data,
                      .y = to,
                      .channels = channels,
                      .n_positions = out.n * out.height * out.width};
        j.x_step = rt_position_step(env, env->step->inputs[i], channels);
        j.y_step = rt_position_step(env, env->step->outputs[0], out.channels);
        to += channels;
        if (ir_tensor_n_elements(x) > 0 && j.x != j.y) {
            SY_TRY(run_job(&j, copy_task, env));
        }
    }
    return SY_OK;
}

static sy_status run_shuffle(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const rt_image in = rt_image_of(x);
    move_job j = {.simd = rt_simd_best(),
                  .x = x->data,
                  .y = ir_kernel_output(args, 0)->data,
                  .channels = in.channels,
                  .n_positions = in.n * in.height * in.width,
                  .groups = *(const int64_t *)state};
    j.x_step = rt_position_step(env, env->step->inputs[0], in.channels);
    j.y_step = rt_position_step(env, env->step->outputs[0], in.channels);
    return ir_tensor_n_elements(x) > 0 ? run_job(&j, weave_task, env) : SY_OK;
}

bool rt_concat_fits(const rt_fusion *f, const rt_step *step)
{
    const int64_t axis = ir_node_int(step->node, "axis", 0);
    const int32_t rank = rt_fuse_rank(f, step->inputs[0]);
    if (axis != 1 && axis + rank != 1) {
        return false;
    }
    for (uint32_t k = 0; k < step->n_inputs; k++) {
        if (step->inputs[k] == RT_NONE || rt_fuse_rank(f, step->inputs[k]) != rank) {
            return false;
        }
    }
    return true;
}

const rt_kernel rt_concat_last = {.run = run_concat};
const rt_kernel rt_shuffle_last = {.run = run_shuffle};

/* ---------------------------------------------------------------- BatchNormalization */

typedef struct affine_job {
    const rt_simd *simd;
    const rt_conv_fusion *f;
    float low, high;
    const float *x;
    float *y;
    int64_t channels, plane, x_step, y_step, n, block; /* n positions, or planes */
} affine_job;

static sy_status affine_task(void *user, int64_t i, rt_scratch *scratch)
{
    const affine_job *j = user;
    const int64_t first = i * j->block, last = first + j->block < j->n ? first + j->block : j->n;
    (void)scratch;
    for (int64_t p = first; p < last; p++) {
        j->simd->affine_row(j->channels, j->x + p * j->x_step, j->f->scale, j->f->shift, j->low,
                            j->high, j->y + p * j->y_step);
    }
    return SY_OK;
}

static sy_status affine_plane_task(void *user, int64_t i, rt_scratch *scratch)
{
    const affine_job *j = user;
    const int64_t first = i * j->block, last = first + j->block < j->n ? first + j->block : j->n;
    (void)scratch;
    for (int64_t p = first; p < last; p++) {
        float *y = j->y + p * j->plane;
        j->simd->axpb(j->plane, j->x + p * j->plane, j->f->scale[p % j->channels],
                      j->f->shift[p % j->channels], y);
        if (j->f->act != RT_ACT_NONE) {
            j->simd->activate(RT_ACT_CLIP, j->low, j->high, j->plane, y);
        }
    }
    return SY_OK;
}

static sy_status run_affine(const ir_kernel_args *args, const rt_env *env, const void *state,
                            bool last)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const rt_conv_fusion *f = state;
    const int64_t n = ir_tensor_n_elements(x);
    if (n == 0) {
        return SY_OK;
    }
    affine_job j = {.simd = rt_simd_best(),
                    .f = f,
                    .low = f->act == RT_ACT_RELU   ? 0.0f
                           : f->act == RT_ACT_CLIP ? f->a
                                                   : -INFINITY,
                    .high = f->act == RT_ACT_CLIP ? f->b : INFINITY,
                    .x = x->data,
                    .y = ir_kernel_output(args, 0)->data,
                    .channels = x->dims[1],
                    .plane = n / (x->dims[0] * x->dims[1])};
    j.n = n / (last ? j.channels : j.plane);
    j.x_step = rt_position_step(env, env->step->inputs[0], j.channels);
    j.y_step = rt_position_step(env, env->step->outputs[0], j.channels);
    const int64_t row = last ? j.channels : j.plane;
    j.block = row > TASK_FLOATS ? 1 : TASK_FLOATS / row;
    return rt_pool_run(rt_pool_for(env, 2.0 * (double)n), (j.n + j.block - 1) / j.block,
                       last ? affine_task : affine_plane_task, &j, env->scratch);
}

static sy_status run_affine_last(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    return run_affine(args, env, state, true);
}

static sy_status run_affine_plain(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    return run_affine(args, env, state, false);
}

const rt_kernel rt_affine_kernel = {.run = run_affine_plain};
const rt_kernel rt_affine_last = {.run = run_affine_last};

/* ---------------------------------------------------------------- the rule for shuffles */

static sy_status run_shuffle_plain(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    (void)state;
    return rt_run_parts(args, env);
}

const rt_kernel rt_shuffle_kernel = {.run = run_shuffle_plain};

static bool swaps_axes(const rt_step *step)
{
    const int64_t *perm;
    static const int64_t wanted[] = {0, 2, 1, 3, 4};
    return ir_node_ints(step->node, "perm", &perm) == 5 && memcmp(perm, wanted, sizeof wanted) == 0;
}

static bool same_dims(const rt_fusion *f, uint32_t a, uint32_t b)
{
    const ir_type *x = &f->slots.items[a].value->type, *y = &f->slots.items[b].value->type;
    for (int32_t i = 0; i < 4; i++) {
        if (x->dims[i] != y->dims[i] || x->dims[i] == NULL) {
            return false;
        }
    }
    return true;
}

/* Reshape [N, C, H, W] -> [N, g, C / g, H, W], Transpose 0 2 1 3 4, Reshape back. */
sy_status rt_fuse_shuffle(rt_fusion *f, uint32_t i_step, bool *changed)
{
    if (!rt_fuse_is(f, i_step, IR_OP_RESHAPE)) {
        return SY_OK;
    }
    const rt_step *split = &f->steps.items[i_step];
    const uint32_t x = split->inputs[0], middle = split->outputs[0];
    const uint32_t turn = rt_fuse_only_user(f, middle);
    if (f->slots.items[x].constant != NULL || rt_fuse_rank(f, x) != 4 ||
        rt_fuse_rank(f, middle) != 5 || rt_fuse_dtype(f, x) != SY_DT_F32 ||
        !rt_fuse_is(f, turn, IR_OP_TRANSPOSE) || !swaps_axes(&f->steps.items[turn])) {
        return SY_OK;
    }
    const uint32_t join = rt_fuse_only_user(f, f->steps.items[turn].outputs[0]);
    if (!rt_fuse_is(f, join, IR_OP_RESHAPE)) {
        return SY_OK;
    }
    const uint32_t y = f->steps.items[join].outputs[0];
    const int64_t groups = rt_fuse_dim(f, middle, 1), channels = rt_fuse_dim(f, x, 1);
    const ir_type *from = &f->slots.items[x].value->type, *to = &f->slots.items[middle].value->type;
    if (y == RT_NONE || rt_fuse_rank(f, y) != 4 || !same_dims(f, x, y) || groups < 1 ||
        channels < 1 || rt_fuse_dim(f, middle, 2) * groups != channels ||
        from->dims[2] != to->dims[3] || from->dims[3] != to->dims[4]) {
        return SY_OK;
    }
    int64_t *state = BASE_ARENA_NEW(f->arena, int64_t);
    if (state == NULL) {
        return SY_ENOMEM;
    }
    *state = groups;
    const uint32_t steps[] = {i_step, turn, join};
    const rt_merge merge = {.node = f->steps.items[turn].node,
                            .kernel = &rt_shuffle_kernel,
                            .state = state,
                            .n_steps = 3,
                            .steps = steps,
                            .n_inputs = 1,
                            .inputs = &x,
                            .n_outputs = 1,
                            .outputs = &y};
    *changed = true;
    return rt_fuse_merge(f, &merge);
}
