/*
 * ref_resize.c -- Resize (and Upsample, which import makes one).
 *
 * One axis after the other, in double: those that shrink most first, so that what lies between is never
 * larger than operand and result; among equals the last axis first. Each axis has one list of taps for each
 * position, made once. The nearest elements are copied instead, all axes at once.
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

/* What resizing needs besides the taps: the axes, the one that shrinks most first. */
typedef struct resized {
    const ir_tensor *x;
    ir_tensor *y;
    uint32_t n_axes;
    int32_t axes[IR_MAX_RANK];
    axis_taps taps[IR_MAX_RANK];
    int64_t out[IR_MAX_RANK]; /* sizes of all axes */
    double fill;              /* of positions outside (tf_crop_and_resize) */
} resized;

/* True if some resized axis of this position lies outside. */
static bool outside_at(const resized *r, const int64_t *index)
{
    for (uint32_t k = 0; k < r->n_axes; k++) {
        if (r->taps[k].outside[index[r->axes[k]]]) {
            return true;
        }
    }
    return false;
}

/* y [outer, out, inner] = taps over x [outer, size, inner] */
static void along_axis(const axis_taps *t, int64_t outer, int64_t size, int64_t out, int64_t inner,
                       const double *x, double *y)
{
    for (int64_t o = 0; o < outer; o++) {
        for (int64_t p = 0; p < out; p++) {
            double *to = y + (o * out + p) * inner;
            for (int64_t j = 0; j < inner; j++) {
                to[j] = 0.0;
            }
            for (int64_t i = p * t->n; i < (p + 1) * t->n; i++) {
                const double *from = x + (o * size + t->at[i]) * inner, w = t->weights[i];
                for (int64_t j = 0; j < inner && w != 0.0; j++) {
                    to[j] += w * from[j];
                }
            }
        }
    }
}

/* Slices [dims[lead], ...] of x, one after the other, through all axes. */
static sy_status interpolate(const ir_kernel_args *args, const resized *r, int32_t lead)
{
    const ir_tensor *x = r->x;
    const int64_t n_in = ir_ref_product(x->dims, lead, x->rank);
    const int64_t n_out = ir_ref_product(r->out, lead, x->rank);
    const int64_t most = n_in > n_out ? n_in : n_out;
    double *a = BASE_ARENA_ARRAY(args->scratch, double, (size_t)most);
    double *b = BASE_ARENA_ARRAY(args->scratch, double, (size_t)most);
    if (a == NULL || b == NULL) {
        return SY_ENOMEM;
    }
    const bool is_float = ir_ref_is_float(x->dtype);
    ir_ref_walk walk;
    ir_ref_walk_start(&walk, x->rank, r->out);
    for (int64_t slice = 0; slice < ir_ref_product(x->dims, 0, lead); slice++) {
        int64_t dims[IR_MAX_RANK];
        memcpy(dims, x->dims, sizeof dims);
        for (int64_t i = 0; i < n_in; i++) {
            a[i] = is_float ? ir_ref_get(x, slice * n_in + i)
                            : (double)ir_ref_get_int(x, slice * n_in + i);
        }
        for (uint32_t k = 0; k < r->n_axes; k++) {
            const int32_t axis = r->axes[k];
            along_axis(&r->taps[k], ir_ref_product(dims, lead, axis), dims[axis], r->out[axis],
                       ir_ref_product(dims, axis + 1, x->rank), a, b);
            dims[axis] = r->out[axis];
            double *swap = a;
            a = b;
            b = swap;
        }
        for (int64_t i = 0; i < n_out; i++, ir_ref_walk_next(&walk)) {
            put_number(r->y, slice * n_out + i, outside_at(r, walk.index) ? r->fill : a[i]);
        }
    }
    return SY_OK;
}

/* The element that position p of an axis reads; -1 if exclude_outside left none. */
static int64_t nearest_at(const axis_taps *t, int64_t p)
{
    const int64_t i = p * t->n;
    if (t->weights[i] == 0.0 && t->weights[i + 1] == 0.0) {
        return -1;
    }
    return t->at[t->weights[i] != 0.0 ? i : i + 1];
}

/* offsets[p] = what position p of the axis adds to the element's place in x; -1: nothing is read. */
static int64_t *nearest_offsets(const resized *r, base_arena *arena, int32_t axis)
{
    const int64_t stride = ir_ref_product(r->x->dims, axis + 1, r->x->rank);
    int64_t *offsets = BASE_ARENA_ARRAY(arena, int64_t, (size_t)r->out[axis]);
    const axis_taps *t = NULL;
    for (uint32_t k = 0; k < r->n_axes; k++) {
        t = r->axes[k] == axis ? &r->taps[k] : t;
    }
    for (int64_t p = 0; p < r->out[axis] && offsets != NULL; p++) {
        const int64_t at = t != NULL ? nearest_at(t, p) : p;
        offsets[p] = at >= 0 ? at * stride : -1;
    }
    return offsets;
}

/* One element of any type, or the fill value, or zero. */
static void copy_one(const resized *r, int64_t i, int64_t at, bool outside, size_t bytes)
{
    char *to = (char *)r->y->data + (size_t)i * bytes;
    if (at >= 0) {
        memcpy(to, (const char *)r->x->data + (size_t)at * bytes, bytes);
    } else if (outside && (ir_ref_is_float(r->y->dtype) || ir_ref_is_integer(r->y->dtype))) {
        put_number(r->y, i, r->fill);
    } else {
        memset(to, 0, bytes);
    }
}

static sy_status copy_nearest(const ir_kernel_args *args, const resized *r)
{
    const int32_t rank = r->x->rank, last = rank - 1;
    const size_t bytes = ir_ref_element_bytes(r->x->dtype);
    int64_t *offsets[IR_MAX_RANK];
    bool crop = false;
    for (int32_t a = 0; a < rank; a++) {
        offsets[a] = nearest_offsets(r, args->scratch, a);
        if (offsets[a] == NULL) {
            return SY_ENOMEM;
        }
    }
    for (uint32_t k = 0; k < r->n_axes; k++) {
        for (int64_t p = 0; p < r->out[r->axes[k]]; p++) {
            crop = crop || r->taps[k].outside[p];
        }
    }
    ir_ref_walk walk; /* over rows */
    ir_ref_walk_start(&walk, last, r->out);
    const int64_t n_rows = ir_ref_product(r->out, 0, last), n = r->out[last];
    for (int64_t row = 0; row < n_rows; row++, ir_ref_walk_next(&walk)) {
        int64_t base = 0;
        for (int32_t a = 0; a < last; a++) {
            const int64_t step = offsets[a][walk.index[a]];
            base = base < 0 || step < 0 ? -1 : base + step;
        }
        for (int64_t i = 0; i < n; i++) {
            bool outside = false;
            if (crop) {
                walk.index[last] = i;
                outside = outside_at(r, walk.index);
            }
            const bool none = outside || base < 0 || offsets[last][i] < 0;
            copy_one(r, row * n + i, none ? -1 : base + offsets[last][i], outside, bytes);
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

/* Axis a shrinks more (or grows less) than b, or is the later one of equals. */
static bool comes_before(const ir_tensor *x, const ir_resize *r, int32_t a, int32_t b)
{
    const double ratio_a = (double)r->out[a] / (double)x->dims[a];
    const double ratio_b = (double)r->out[b] / (double)x->dims[b];
    return ratio_a < ratio_b || (ratio_a == ratio_b && a > b);
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
    resized run = {.x = x, .y = ir_kernel_output(args, 0),
                   .fill = (double)ir_node_float(args->node, "extrapolation_value", 0.0f)};
    int32_t lead = x->rank;
    memcpy(run.out, r.out, sizeof run.out);
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
        axis_taps taps;
        SY_TRY(make_taps(args, &p, r.scale[a], x->dims[a], r.out[a], roi, &taps));
        uint32_t at = run.n_axes++; /* into its place in the order */
        while (at > 0 && comes_before(x, &r, a, run.axes[at - 1])) {
            run.axes[at] = run.axes[at - 1];
            run.taps[at] = run.taps[at - 1];
            at--;
        }
        run.axes[at] = a;
        run.taps[at] = taps;
        lead = a < lead ? a : lead;
    }
    if (x->rank > 0 && p.mode == RESIZE_NEAREST) {
        return copy_nearest(args, &run);
    }
    return interpolate(args, &run, lead);
}
