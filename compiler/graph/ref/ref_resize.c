/*
 * ref_resize.c -- Resize (and Upsample, which import makes one).
 *
 * Each result is a sum over the cross product of one list of taps for each resized axis, in double,
 * the last axis innermost. The lists depend on the axis alone and are made once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include "systole/base/assert.h"

#include <math.h>
#include <string.h>

typedef enum resize_mode { RESIZE_NEAREST, RESIZE_LINEAR, RESIZE_CUBIC } resize_mode;

typedef enum coordinate {
    COORD_HALF_PIXEL,
    COORD_SYMMETRIC,
    COORD_PYTORCH,
    COORD_ALIGN,
    COORD_ASYMMETRIC,
    COORD_TF_NEAREST,
    COORD_TF_CROP
} coordinate;

static const char *const coordinate_names[] = {
    [COORD_HALF_PIXEL] = "half_pixel",        [COORD_SYMMETRIC] = "half_pixel_symmetric",
    [COORD_PYTORCH] = "pytorch_half_pixel",   [COORD_ALIGN] = "align_corners",
    [COORD_ASYMMETRIC] = "asymmetric",        [COORD_TF_NEAREST] = "tf_half_pixel_for_nn",
    [COORD_TF_CROP] = "tf_crop_and_resize",
};

typedef struct resize_plan {
    resize_mode mode;
    coordinate coord;
    const char *nearest;
    bool antialias, exclude_outside;
    double cubic_a;
} resize_plan;

/* One resized axis: result position o reads the n inputs at[o * n ..] with these weights. */
typedef struct axis_taps {
    int64_t n;
    int64_t *at;
    double *weights;
    bool *outside; /* tf_crop_and_resize: the position lies outside the input */
} axis_taps;

static resize_plan plan_of(const ir_node *n)
{
    const char *mode = ir_node_string(n, "mode", "nearest");
    const char *coord = ir_node_string(n, "coordinate_transformation_mode", "half_pixel");
    resize_plan p = {.mode = strcmp(mode, "nearest") == 0  ? RESIZE_NEAREST
                             : strcmp(mode, "linear") == 0 ? RESIZE_LINEAR
                                                           : RESIZE_CUBIC,
                     .nearest = ir_node_string(n, "nearest_mode", "round_prefer_floor"),
                     .antialias = ir_node_int(n, "antialias", 0) != 0,
                     .exclude_outside = ir_node_int(n, "exclude_outside", 0) != 0,
                     .cubic_a = (double)ir_node_float(n, "cubic_coeff_a", -0.75f)};
    for (int i = COORD_HALF_PIXEL; i <= COORD_TF_CROP; i++) {
        p.coord = strcmp(coord, coordinate_names[i]) == 0 ? (coordinate)i : p.coord;
    }
    return p;
}

/* Where on the input result position o lies. `length` = scale * size need not be whole. */
static double original(coordinate c, double o, double scale, double size, double out,
                       const double roi[2])
{
    const double length = scale * size;
    switch (c) {
    case COORD_HALF_PIXEL:
        return (o + 0.5) / scale - 0.5;
    case COORD_SYMMETRIC:
        return size / 2.0 * (1.0 - out / length) + (o + 0.5) / scale - 0.5;
    case COORD_PYTORCH:
        return out == 1.0 ? 0.0 : (o + 0.5) / scale - 0.5;
    case COORD_ALIGN:
        return length == 1.0 ? 0.0 : o * (size - 1.0) / (length - 1.0);
    case COORD_ASYMMETRIC:
        return o / scale;
    case COORD_TF_NEAREST:
        return (o + 0.5) / scale;
    case COORD_TF_CROP: {
        const double step = length == 1.0 ? (roi[1] - roi[0]) * (size - 1.0) / 2.0
                                          : o * (roi[1] - roi[0]) * (size - 1.0) / (length - 1.0);
        return step + roi[0] * (size - 1.0);
    }
    }
    SY_UNREACHABLE();
}

static double cubic_weight(double distance, double a)
{
    const double x = fabs(distance);
    if (x <= 1.0) {
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    }
    return x < 2.0 ? ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a : 0.0;
}

/* The weight of the tap k steps right of the left neighbour, of a point `part` right of it. */
static double weight_of(const resize_plan *p, int64_t k, double part, double scale)
{
    if (p->mode == RESIZE_LINEAR) {
        const double w = 1.0 - fabs(((double)k - part) * scale);
        return w > 0.0 ? w : 0.0;
    }
    if (p->mode == RESIZE_CUBIC) {
        return cubic_weight(((double)k - part) * scale, p->cubic_a);
    }
    bool right;
    if (strcmp(p->nearest, "round_prefer_ceil") == 0) {
        right = part >= 0.5;
    } else if (strcmp(p->nearest, "floor") == 0) {
        right = part >= 1.0; /* a whole position is its left neighbour's right one */
    } else if (strcmp(p->nearest, "simple") == 0) {
        right = part >= 1.0 || scale < 1.0;
    } else if (strcmp(p->nearest, "ceil") == 0) {
        right = part > 0.0;
    } else {
        right = part > 0.5;
    }
    return (k == 1) == right ? 1.0 : 0.0;
}

/* The taps of one position; every position of an axis has as many. */
static void fill_taps(const resize_plan *p, double x, double scale, int64_t size, int64_t n,
                      int64_t *at, double *weights)
{
    const double bounded = x > 0x1p40 ? 0x1p40 : x < -0x1p40 ? -0x1p40 : x == x ? x : 0.0;
    const double low = floor(bounded);
    /* A whole position counts as the right neighbour of the one before it. */
    const int64_t left = low == bounded ? (int64_t)low - 1 : (int64_t)low;
    const double part = bounded - (double)left;
    const double narrow = p->antialias && scale < 1.0 ? scale : 1.0;
    const int64_t first = 1 - n / 2;
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t place = left + first + i;
        const bool outside = place < 0 || place >= size;
        weights[i] = weight_of(p, first + i, part, p->mode == RESIZE_NEAREST ? scale : narrow);
        sum += weights[i];
        at[i] = place < 0 ? 0 : place >= size ? size - 1 : place;
        if (p->exclude_outside && outside) {
            sum -= weights[i];
            weights[i] = 0.0;
        }
    }
    const bool normalise = p->exclude_outside || p->antialias;
    for (int64_t i = 0; i < n && normalise && sum != 0.0; i++) {
        weights[i] /= sum;
    }
}

static sy_status make_taps(const ir_kernel_args *args, const resize_plan *p, double scale,
                           int64_t size, int64_t out, const double roi[2], axis_taps *t)
{
    const double narrow = p->antialias && scale < 1.0 ? scale : 1.0;
    const double reach = ceil((p->mode == RESIZE_CUBIC ? 2.0 : 1.0) / narrow);
    const double most = 4.0 * (double)size + 4.0; /* what lies further left or right is the edge */
    t->n = 2 * (int64_t)(reach < most ? reach : most);
    int64_t room;
    if (__builtin_mul_overflow(t->n, out, &room) || room > INT64_MAX / 16) {
        return base_fail(args->diag, SY_ERANGE, "the result is too large");
    }
    t->at = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)room);
    t->weights = BASE_ARENA_ARRAY(args->scratch, double, (size_t)room);
    t->outside = BASE_ARENA_ARRAY(args->scratch, bool, (size_t)out);
    if (t->at == NULL || t->weights == NULL || t->outside == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t o = 0; o < out; o++) {
        const double x = original(p->coord, (double)o, scale, (double)size, (double)out, roi);
        t->outside[o] = p->coord == COORD_TF_CROP && !(x >= 0.0 && x <= (double)(size - 1));
        fill_taps(p, x, scale, size, t->n, t->at + o * t->n, t->weights + o * t->n);
    }
    return SY_OK;
}

typedef struct resize_run {
    const ir_tensor *x;
    uint32_t n_axes;
    const axis_taps *taps;       /* [n_axes] */
    int64_t strides[IR_MAX_RANK]; /* of x along those axes */
} resize_run;

/* The sum over the taps of axes k, k + 1, ... */
static double weighted(const resize_run *r, uint32_t k, int64_t base, const int64_t *index)
{
    if (k == r->n_axes) {
        return ir_ref_is_float(r->x->dtype) ? ir_ref_get(r->x, base)
                                            : (double)ir_ref_get_int(r->x, base);
    }
    const axis_taps *t = &r->taps[k];
    double sum = 0.0;
    for (int64_t i = index[k] * t->n; i < (index[k] + 1) * t->n; i++) {
        if (t->weights[i] != 0.0) {
            sum += t->weights[i] * weighted(r, k + 1, base + t->at[i] * r->strides[k], index);
        }
    }
    return sum;
}

/* The one element with weight 1; -1 if exclude_outside left none. */
static int64_t picked(const resize_run *r, int64_t base, const int64_t *index)
{
    for (uint32_t k = 0; k < r->n_axes; k++) {
        const axis_taps *t = &r->taps[k];
        const int64_t i = index[k] * t->n;
        if (t->weights[i] == 0.0 && t->weights[i + 1] == 0.0) {
            return -1;
        }
        base += t->at[t->weights[i] != 0.0 ? i : i + 1] * r->strides[k];
    }
    return base;
}

static void put_number(ir_tensor *y, int64_t i, double v)
{
    if (ir_ref_is_float(y->dtype)) {
        ir_ref_put(y, i, v);
        return;
    }
    const uint32_t bits = sy_dtype_bits(y->dtype);
    const bool is_signed = sy_dtype_class_of(y->dtype) == SY_DC_INT;
    const bool is_bool = sy_dtype_class_of(y->dtype) == SY_DC_BOOL;
    const double low = is_signed ? -ldexp(1.0, (int)bits - 1) : 0.0;
    const double high = is_bool ? 1.0 : ldexp(1.0, (int)bits - (is_signed ? 1 : 0)) - 1.0;
    const double r = rint(v);
    if (r <= low || r != r) {
        ir_ref_put_int(y, i, is_signed ? (int64_t)low : 0);
    } else if (r >= high) {
        ir_ref_put_int(y, i, bits == 64 && !is_signed ? -1 : bits == 64 ? INT64_MAX : (int64_t)high);
    } else {
        ir_ref_put_int(y, i, r >= 0x1p63 ? (int64_t)(uint64_t)r : (int64_t)r);
    }
}

static sy_status resize_all(const ir_kernel_args *args, const resize_plan *p, const ir_resize *r,
                            const axis_taps *taps, const int32_t *axes, uint32_t n_axes)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    const size_t bytes = ir_ref_element_bytes(x->dtype);
    const double fill = (double)ir_node_float(args->node, "extrapolation_value", 0.0f);
    const bool number = ir_ref_is_float(x->dtype) || ir_ref_is_integer(x->dtype);
    resize_run run = {.x = x, .n_axes = n_axes, .taps = taps};
    ir_ref_walk walk;
    ir_ref_walk_start(&walk, x->rank, r->out);
    int64_t stride = 1;
    for (int32_t a = x->rank - 1; a >= 0; a--) {
        walk.strides[0][a] = stride;
        for (uint32_t k = 0; k < n_axes; k++) {
            if (axes[k] == a) { /* these go by their taps */
                run.strides[k] = stride;
                walk.strides[0][a] = 0;
            }
        }
        stride *= x->dims[a];
    }
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&walk)) {
        int64_t index[IR_MAX_RANK];
        bool outside = false;
        for (uint32_t k = 0; k < n_axes; k++) {
            index[k] = walk.index[axes[k]];
            outside = outside || taps[k].outside[index[k]];
        }
        const int64_t at = p->mode == RESIZE_NEAREST && !outside ? picked(&run, walk.offset[0], index)
                                                                 : -1;
        if (at >= 0) {
            memcpy((char *)y->data + (size_t)i * bytes, (const char *)x->data + (size_t)at * bytes,
                   bytes);
        } else if (number) {
            const double v = outside                     ? fill
                             : p->mode == RESIZE_NEAREST ? 0.0
                                                         : weighted(&run, 0, walk.offset[0], index);
            put_number(y, i, v);
        } else {
            memset((char *)y->data + (size_t)i * bytes, 0, bytes);
        }
    }
    return SY_OK;
}

/* Roi holds starts and then ends, of the axes of attribute axes or of all. */
static sy_status roi_of(const ir_kernel_args *args, uint32_t n_axes, uint32_t i, double roi[2])
{
    const ir_tensor *t = ir_kernel_input(args, 1);
    if (t == NULL || ir_tensor_n_elements(t) != 2 * (int64_t)n_axes ||
        !ir_ref_is_float(t->dtype)) {
        return base_fail(args->diag, SY_ESHAPE, "tf_crop_and_resize needs a roi of %u numbers",
                         2 * n_axes);
    }
    roi[0] = ir_ref_get(t, i);
    roi[1] = ir_ref_get(t, (int64_t)n_axes + i);
    return SY_OK;
}

sy_status ir_ref_resize(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0), *scales = ir_kernel_input(args, 2);
    const ir_tensor *sizes = ir_kernel_input(args, 3);
    const resize_plan p = plan_of(args->node);
    const bool number = ir_ref_is_float(x->dtype) || ir_ref_is_integer(x->dtype);
    ir_resize r;
    SY_TRY(ir_ref_need(args, x, number || (p.mode == RESIZE_NEAREST && ir_ref_element_bytes(x->dtype) > 0)));
    SY_TRY(ir_resize_resolve(
        args->node, x->rank, x->dims, scales != NULL ? (uint32_t)ir_tensor_n_elements(scales) : 0,
        scales != NULL ? scales->data : NULL,
        sizes != NULL ? (uint32_t)ir_tensor_n_elements(sizes) : 0,
        sizes != NULL ? sizes->data : NULL, args->diag, &r));
    if (ir_tensor_n_elements(ir_kernel_output(args, 0)) == 0) {
        return SY_OK;
    }
    axis_taps taps[IR_MAX_RANK];
    int32_t axes[IR_MAX_RANK];
    uint32_t n_axes = 0;
    for (uint32_t i = 0; i < r.n_axes; i++) {
        const int32_t a = r.axes[i];
        double roi[2] = {0.0, 1.0};
        if (p.coord == COORD_TF_CROP) {
            SY_TRY(roi_of(args, r.n_axes, i, roi));
        }
        if (x->dims[a] == 0) {
            return base_fail(args->diag, SY_ESHAPE, "dimension %d is empty", a);
        }
        if (r.scale[a] == 1.0 && r.out[a] == x->dims[a] && roi[0] == 0.0 && roi[1] == 1.0 &&
            p.coord != COORD_TF_NEAREST) {
            continue; /* every position is its own */
        }
        axes[n_axes] = a;
        SY_TRY(make_taps(args, &p, r.scale[a], x->dims[a], r.out[a], roi, &taps[n_axes]));
        n_axes++;
    }
    return resize_all(args, &p, &r, taps, axes, n_axes);
}
