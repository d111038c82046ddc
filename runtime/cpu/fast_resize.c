/*
 * fast_resize.c -- Resize of the last two axes: the nearest element of any type, linear in fp32.
 *
 * Positions and weights of an axis are worked out once, in double, as the reference does; rows of the input are stretched
 * once each, then two of them are mixed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"

#include <math.h>
#include <string.h>

#define CHUNK_ELEMENTS 65536

/* Result position o of an axis reads inputs low[o] and high[o] with these weights; nearest: low alone. */
typedef struct axis {
    int64_t in, out;
    int64_t *low, *high;
    float *low_weight, *high_weight;
} axis;

typedef struct resize {
    const char *x;
    char *y;
    size_t bytes;
    bool linear;
    int64_t n_planes, planes_per_task;
    axis rows, columns;
} resize;

/* False for a way to place the elements that is not known here. */
static bool original(const char *coord, double o, double scale, double size, double out, double *x)
{
    if (strcmp(coord, "half_pixel") == 0) {
        *x = (o + 0.5) / scale - 0.5;
    } else if (strcmp(coord, "pytorch_half_pixel") == 0) {
        *x = out == 1.0 ? 0.0 : (o + 0.5) / scale - 0.5;
    } else if (strcmp(coord, "align_corners") == 0) {
        const double length = scale * size;
        *x = length == 1.0 ? 0.0 : o * (size - 1.0) / (length - 1.0);
    } else if (strcmp(coord, "asymmetric") == 0) {
        *x = o / scale;
    } else {
        return false;
    }
    return fabs(*x) < 0x1p40;
}

/* Whether the right one of two neighbours is the nearest; a whole position is its left neighbour's right one. */
static bool takes_right(const char *nearest, double part, bool *known)
{
    *known = true;
    if (strcmp(nearest, "round_prefer_floor") == 0) {
        return part > 0.5;
    }
    if (strcmp(nearest, "round_prefer_ceil") == 0) {
        return part >= 0.5;
    }
    if (strcmp(nearest, "floor") == 0) {
        return part >= 1.0;
    }
    *known = strcmp(nearest, "ceil") == 0;
    return part > 0.0;
}

static int64_t within(int64_t i, int64_t size)
{
    return i < 0 ? 0 : i >= size ? size - 1 : i;
}

/* *known is false for what the reference kernel must do. */
static sy_status make_axis(const ir_kernel_args *args, double scale, bool linear, axis *a, bool *known)
{
    const char *coord = ir_node_string(args->node, "coordinate_transformation_mode", "half_pixel");
    const char *nearest = ir_node_string(args->node, "nearest_mode", "round_prefer_floor");
    a->low = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)(2 * a->out));
    a->low_weight = BASE_ARENA_ARRAY(args->scratch, float, (size_t)(2 * a->out));
    if (a->low == NULL || a->low_weight == NULL) {
        return SY_ENOMEM;
    }
    a->high = a->low + a->out;
    a->high_weight = a->low_weight + a->out;
    for (int64_t o = 0; o < a->out; o++) {
        double x = 0.0;
        if (!original(coord, (double)o, scale, (double)a->in, (double)a->out, &x)) {
            *known = false;
            return SY_OK;
        }
        const int64_t left = (int64_t)ceil(x) - 1;
        const double part = x - (double)left;
        a->low[o] = within(left, a->in);
        a->high[o] = within(left + 1, a->in);
        a->low_weight[o] = (float)(1.0 - part);
        a->high_weight[o] = (float)part;
        if (!linear && takes_right(nearest, part, known)) {
            a->low[o] = a->high[o];
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- planes */

static void stretch(const axis *a, const float *from, float *to)
{
    for (int64_t o = 0; o < a->out; o++) {
        to[o] = a->low_weight[o] * from[a->low[o]] + a->high_weight[o] * from[a->high[o]];
    }
}

static void linear_plane(const resize *r, const float *x, float *y, float *work)
{
    const int64_t width = r->columns.out;
    float *rows[2] = {work, work + width};
    int64_t held[2] = {-1, -1}; /* the rows of x that are stretched there */
    for (int64_t o = 0; o < r->rows.out; o++) {
        const int64_t low = r->rows.low[o], high = r->rows.high[o];
        if (held[0] != low && held[1] == low) {
            float *const row = rows[0];
            rows[0] = rows[1];
            rows[1] = row;
            held[1] = held[0];
            held[0] = low;
        }
        if (held[0] != low) {
            stretch(&r->columns, x + low * r->columns.in, rows[0]);
            held[0] = low;
        }
        if (held[1] != high && high != low) {
            stretch(&r->columns, x + high * r->columns.in, rows[1]);
            held[1] = high;
        }
        const float *above = rows[0], *below = high == low ? rows[0] : rows[1];
        const float a = r->rows.low_weight[o], b = r->rows.high_weight[o];
        for (int64_t i = 0; i < width; i++) {
            y[o * width + i] = a * above[i] + b * below[i];
        }
    }
}

#define PICK(type)                                                  \
    for (int64_t i = 0; i < a->out; i++) {                          \
        memcpy(to + (size_t)i * sizeof(type), from + (size_t)a->low[i] * sizeof(type), sizeof(type)); \
    }

static void pick(const axis *a, size_t bytes, const char *from, char *to)
{
    if (bytes == 1) {
        PICK(uint8_t)
    } else if (bytes == 2) {
        PICK(uint16_t)
    } else if (bytes == 4) {
        PICK(uint32_t)
    } else {
        PICK(uint64_t)
    }
}

static void nearest_plane(const resize *r, const char *x, char *y)
{
    const size_t in = (size_t)r->columns.in * r->bytes, out = (size_t)r->columns.out * r->bytes;
    for (int64_t o = 0; o < r->rows.out; o++) {
        char *to = y + (size_t)o * out;
        if (o > 0 && r->rows.low[o] == r->rows.low[o - 1]) {
            memcpy(to, to - out, out);
        } else {
            pick(&r->columns, r->bytes, x + (size_t)r->rows.low[o] * in, to);
        }
    }
}

static sy_status plane_task(void *user, int64_t i_task, rt_scratch *scratch)
{
    const resize *r = user;
    const int64_t first = i_task * r->planes_per_task, left = r->n_planes - first;
    const size_t in = (size_t)(r->rows.in * r->columns.in) * r->bytes, out = (size_t)(r->rows.out * r->columns.out) * r->bytes;
    float *work = rt_scratch_get(scratch, 2 * (size_t)r->columns.out * sizeof(float));
    if (work == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t p = first; p < first + (left < r->planes_per_task ? left : r->planes_per_task); p++) {
        const char *x = r->x + (size_t)p * in;
        char *y = r->y + (size_t)p * out;
        if (r->linear) {
            linear_plane(r, (const void *)x, (void *)y, work);
        } else {
            nearest_plane(r, x, y);
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- */

static bool plain(const ir_kernel_args *args, bool linear)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const uint32_t bits = sy_dtype_bits(x->dtype);
    const char *mode = ir_node_string(args->node, "mode", "nearest");
    return x->rank >= 2 && ir_tensor_n_elements(x) > 0 && ir_node_int(args->node, "antialias", 0) == 0 &&
           ir_node_int(args->node, "exclude_outside", 0) == 0 && x->dtype != SY_DT_STRING &&
           (linear ? x->dtype == SY_DT_F32 : strcmp(mode, "nearest") == 0 && (bits == 8 || bits == 16 || bits == 32 || bits == 64));
}

static sy_status try_resize(const ir_kernel_args *args, const rt_env *env, bool *known)
{
    const ir_tensor *x = ir_kernel_input(args, 0), *scales = ir_kernel_input(args, 2), *sizes = ir_kernel_input(args, 3);
    ir_tensor *y = ir_kernel_output(args, 0);
    ir_resize resolved;
    double scale[2] = {1.0, 1.0};
    resize r = {.x = x->data,
                .y = y->data,
                .bytes = sy_dtype_bits(x->dtype) / 8,
                .linear = strcmp(ir_node_string(args->node, "mode", "nearest"), "linear") == 0};
    *known = plain(args, r.linear);
    if (!*known) {
        return SY_OK;
    }
    SY_TRY(ir_resize_resolve(args->node, x->rank, x->dims, scales != NULL ? (uint32_t)ir_tensor_n_elements(scales) : 0,
                             scales != NULL ? scales->data : NULL, sizes != NULL ? (uint32_t)ir_tensor_n_elements(sizes) : 0,
                             sizes != NULL ? sizes->data : NULL, args->diag, &resolved));
    for (uint32_t i = 0; i < resolved.n_axes; i++) {
        const int32_t a = resolved.axes[i] - (x->rank - 2);
        if (a >= 0) {
            scale[a] = resolved.scale[resolved.axes[i]];
        } else if (resolved.out[resolved.axes[i]] != x->dims[resolved.axes[i]]) {
            *known = false;
            return SY_OK;
        }
    }
    r.rows = (axis){.in = x->dims[x->rank - 2], .out = y->dims[x->rank - 2]};
    r.columns = (axis){.in = x->dims[x->rank - 1], .out = y->dims[x->rank - 1]};
    SY_TRY(make_axis(args, scale[0], r.linear, &r.rows, known));
    if (*known) {
        SY_TRY(make_axis(args, scale[1], r.linear, &r.columns, known));
    }
    if (!*known) {
        return SY_OK;
    }
    const int64_t out = r.rows.out * r.columns.out;
    r.n_planes = ir_tensor_n_elements(x) / (r.rows.in * r.columns.in);
    r.planes_per_task = out < CHUNK_ELEMENTS ? CHUNK_ELEMENTS / out : 1;
    return rt_pool_run(rt_pool_for(env, 4.0 * (double)out * (double)r.n_planes),
                       (r.n_planes + r.planes_per_task - 1) / r.planes_per_task, plane_task, &r, env->scratch);
}

sy_status rt_fast_resize(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    bool known = false;
    (void)state;
    if (ir_tensor_n_elements(ir_kernel_output(args, 0)) > 0) {
        SY_TRY(try_resize(args, env, &known));
    }
    return known ? SY_OK : rt_run_reference(args);
}
