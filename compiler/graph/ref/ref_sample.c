/*
 * ref_sample.c -- GridSample, AffineGrid, RoiAlign, MaxRoiPool.
 *
 * Coordinates are rounded to fp32 after each step (unless the type is f64), as ONNX's definition
 * and its peers do: the step to the next sample hangs on them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <math.h>
#include <string.h>

#define MAX_AXES 6

/* v in the precision of coordinates. */
static double fl(bool wide, double v)
{
    return wide ? v : (double)(float)v;
}

/* A position as an integer; what is far away or NaN stays far away. */
static int64_t whole(double v)
{
    return v >= 0x1p40 ? INT64_C(1) << 40 : v > -0x1p40 ? (int64_t)v : -(INT64_C(1) << 40);
}

/* ---------------------------------------------------------------- GridSample */

typedef enum sample_mode { SAMPLE_LINEAR, SAMPLE_NEAREST, SAMPLE_CUBIC } sample_mode;
typedef enum sample_pad { SAMPLE_ZEROS, SAMPLE_BORDER, SAMPLE_REFLECTION } sample_pad;

typedef struct sampler {
    const ir_tensor *x;
    sample_mode mode;
    sample_pad pad;
    bool align, wide;
    int32_t rank;
    int64_t size[MAX_AXES];
} sampler;

/* Folds v into [low, high]. */
static double reflect(double v, double low, double high)
{
    const double range = high - low;
    if (!(range > 0.0) || isinf(v)) {
        return low;
    }
    if (v >= low && v <= high) {
        return v;
    }
    const double r = fmod(v < low ? low - v : v - high, 2.0 * range);
    const double inward = r < range ? r : 2.0 * range - r;
    return v < low ? low + inward : high - inward;
}

static double reflect_on_axis(const sampler *s, int32_t axis, double v)
{
    const double low = s->align ? 0.0 : -0.5;
    return reflect(v, low, (double)s->size[axis] - 1.0 - low);
}

/* The grid's number as a position on axis `axis`. */
static double position(const sampler *s, int32_t axis, double g)
{
    const double size = (double)s->size[axis];
    double v;
    if (s->align) {
        v = fl(s->wide, fl(s->wide, fl(s->wide, g + 1.0) / 2.0) * (size - 1.0));
    } else {
        v = fl(s->wide, fl(s->wide, fl(s->wide, fl(s->wide, g + 1.0) * size) - 1.0) / 2.0);
    }
    if (s->mode == SAMPLE_NEAREST) {
        v = rint(v);
    }
    const double low = s->align ? 0.0 : -0.5, high = size - 1.0 - low;
    /* cubic sampling pads each neighbour, not the point, as PyTorch and ONNX Runtime do */
    if (s->mode != SAMPLE_CUBIC && (v < low || v > high)) {
        if (s->pad == SAMPLE_BORDER) {
            v = v < 0.0 ? 0.0 : size - 1.0;
        } else if (s->pad == SAMPLE_REFLECTION) {
            v = fl(s->wide, reflect_on_axis(s, axis, v));
        }
    }
    return v;
}

/* The element that stands for position i of an axis; -1: zero. */
static int64_t element_on_axis(const sampler *s, int32_t axis, int64_t i)
{
    const int64_t size = s->size[axis];
    if (i >= 0 && i < size) {
        return i;
    }
    if (s->pad == SAMPLE_ZEROS) {
        return -1;
    }
    if (s->pad == SAMPLE_REFLECTION) {
        i = whole(reflect_on_axis(s, axis, (double)i));
    }
    return i < 0 ? 0 : i >= size ? size - 1 : i;
}

static double keys(double distance)
{
    const double a = -0.75, x = fabs(distance);
    if (x <= 1.0) {
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    }
    return ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a;
}

/* The sum over the neighbours along axes `axis`, axis + 1, ... */
static double neighbours(const sampler *s, int32_t axis, int64_t base, const double *point)
{
    if (axis == s->rank) {
        return ir_ref_is_float(s->x->dtype) ? ir_ref_get(s->x, base)
                                            : (double)ir_ref_get_int(s->x, base);
    }
    const double low = floor(point[axis]), part = point[axis] - low;
    const int64_t first = s->mode == SAMPLE_CUBIC ? -1 : 0, last = s->mode == SAMPLE_CUBIC ? 2 : 1;
    double sum = 0.0;
    for (int64_t k = first; k <= last; k++) {
        const int64_t at = element_on_axis(s, axis, whole(low) + k);
        if (at >= 0) {
            const double w = s->mode == SAMPLE_CUBIC ? keys((double)k - part)
                             : k == 0                ? 1.0 - part
                                                     : part;
            sum += w * neighbours(s, axis + 1, base * s->size[axis] + at, point);
        }
    }
    return sum;
}

static void sample_point(const sampler *s, int64_t plane, const double *point, ir_tensor *y, int64_t i)
{
    if (s->mode != SAMPLE_NEAREST) {
        const double v = neighbours(s, 0, plane, point);
        if (ir_ref_is_float(y->dtype)) {
            ir_ref_put(y, i, v);
        } else {
            ir_ref_put_int(y, i, whole(rint(v)));
        }
        return;
    }
    const size_t bytes = ir_ref_element_bytes(y->dtype);
    int64_t at = plane;
    bool inside = true;
    for (int32_t a = 0; a < s->rank && inside; a++) {
        const int64_t k = element_on_axis(s, a, whole(point[a]));
        inside = k >= 0;
        at = at * s->size[a] + k;
    }
    if (inside) {
        memcpy((char *)y->data + (size_t)i * bytes, (const char *)s->x->data + (size_t)at * bytes,
               bytes);
    } else {
        memset((char *)y->data + (size_t)i * bytes, 0, bytes);
    }
}

sy_status ir_ref_gridsample(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0), *grid = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    const char *mode = ir_node_string(args->node, "mode", "linear");
    const char *pad = ir_node_string(args->node, "padding_mode", "zeros");
    sampler s = {.x = x,
                 .mode = strcmp(mode, "nearest") == 0  ? SAMPLE_NEAREST
                         : strstr(mode, "cubic") != NULL ? SAMPLE_CUBIC
                                                         : SAMPLE_LINEAR,
                 .pad = strcmp(pad, "border") == 0       ? SAMPLE_BORDER
                        : strcmp(pad, "reflection") == 0 ? SAMPLE_REFLECTION
                                                         : SAMPLE_ZEROS,
                 .align = ir_node_int(args->node, "align_corners", 0) != 0,
                 .wide = grid->dtype == SY_DT_F64,
                 .rank = x->rank - 2};
    const bool number = ir_ref_is_float(x->dtype) || ir_ref_is_integer(x->dtype);
    SY_TRY(ir_ref_need(args, x,
                       number || (s.mode == SAMPLE_NEAREST && ir_ref_element_bytes(x->dtype) > 0)));
    for (int32_t a = 0; a < s.rank; a++) {
        s.size[a] = x->dims[2 + a];
        if (s.size[a] == 0 && ir_tensor_n_elements(y) > 0) {
            return base_fail(args->diag, SY_ESHAPE, "dimension %d is empty", a + 2);
        }
    }
    const int64_t points = ir_ref_product(grid->dims, 1, grid->rank - 1);
    for (int64_t p = 0; p < x->dims[0] * x->dims[1]; p++) {
        for (int64_t i = 0; i < points; i++) {
            double point[MAX_AXES];
            const int64_t at = (p / x->dims[1] * points + i) * s.rank;
            for (int32_t a = 0; a < s.rank; a++) { /* the grid names the last axis first */
                point[a] = position(&s, a, ir_ref_get(grid, at + s.rank - 1 - a));
            }
            sample_point(&s, p, point, y, p * points + i);
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- AffineGrid */

/* Coordinate of element i of n in [-1, 1]. */
static double base_coordinate(int64_t i, int64_t n, bool align)
{
    if (align) {
        return n == 1 ? -1.0 : -1.0 + (double)i * (2.0 / (double)(n - 1));
    }
    return -1.0 + 1.0 / (double)n + (double)i * (2.0 / (double)n);
}

sy_status ir_ref_affinegrid(const ir_kernel_args *args)
{
    const ir_tensor *theta = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, theta, ir_ref_is_float(theta->dtype)));
    const bool align = ir_node_int(args->node, "align_corners", 0) != 0;
    const int32_t rank = y->rank - 2;
    ir_ref_walk walk;
    ir_ref_walk_start(&walk, rank + 1, y->dims);
    const int64_t n = ir_ref_product(y->dims, 0, rank + 1);
    for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&walk)) {
        for (int32_t row = 0; row < rank; row++) {
            const int64_t base = (walk.index[0] * rank + row) * (rank + 1);
            double v = 0.0;
            for (int32_t k = 0; k < rank; k++) { /* x, y, z: the last axis first */
                const int32_t axis = rank - 1 - k;
                v += ir_ref_get(theta, base + k) *
                     base_coordinate(walk.index[1 + axis], y->dims[1 + axis], align);
            }
            ir_ref_put(y, i * rank + row, v + ir_ref_get(theta, base + rank));
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- RoiAlign */

#define MAX_GRID 65536.0 /* samples per bin along one axis */

typedef struct roi_axis {
    double start, bin;
    int64_t grid; /* samples in one bin */
    int64_t size;
} roi_axis;

/* Neighbours and weights of one sample on one axis; false: outside the plane. */
typedef struct roi_tap {
    int64_t low, high;
    double part;
} roi_tap;

static bool roi_tap_of(const roi_axis *r, bool wide, int64_t bin, int64_t i, roi_tap *t)
{
    const double inner = fl(wide, fl(wide, ((double)i + 0.5) * r->bin) / (double)r->grid);
    double v = fl(wide, fl(wide, r->start + fl(wide, (double)bin * r->bin)) + inner);
    if (!(v >= -1.0 && v <= (double)r->size)) {
        return false;
    }
    v = v < 0.0 ? 0.0 : v;
    t->low = (int64_t)v;
    if (t->low >= r->size - 1) {
        t->low = t->high = r->size - 1;
        t->part = 0.0;
    } else {
        t->high = t->low + 1;
        t->part = v - (double)t->low;
    }
    return true;
}

static sy_status roi_axis_of(const ir_kernel_args *args, double low, double high, double scale,
                             int64_t size, int64_t pooled, bool half_pixel, bool wide, roi_axis *r)
{
    const int64_t ratio = ir_node_int(args->node, "sampling_ratio", 0);
    const double offset = half_pixel ? 0.5 : 0.0;
    r->start = fl(wide, fl(wide, low * scale) - offset);
    double length = fl(wide, fl(wide, fl(wide, high * scale) - offset) - r->start);
    length = !half_pixel && length < 1.0 ? 1.0 : length;
    r->bin = fl(wide, length / (double)pooled);
    r->size = size;
    const double grid = ratio > 0 ? (double)ratio : ceil(r->bin);
    if (!(grid <= MAX_GRID)) {
        return base_fail(args->diag, SY_ERANGE, "a region takes %g samples per bin, at most %g",
                         grid, MAX_GRID);
    }
    r->grid = grid > 0.0 ? (int64_t)grid : 0;
    return SY_OK;
}

/* Mean, or maximum, of the samples of one bin. */
static double roi_bin(const ir_tensor *x, int64_t plane, const roi_axis axes[2], bool wide,
                      int64_t ph, int64_t pw, bool mean)
{
    double sum = 0.0, best = 0.0;
    bool any = false;
    for (int64_t iy = 0; iy < axes[0].grid; iy++) {
        for (int64_t ix = 0; ix < axes[1].grid; ix++) {
            roi_tap y, z;
            double v[4] = {0.0, 0.0, 0.0, 0.0};
            if (roi_tap_of(&axes[0], wide, ph, iy, &y) && roi_tap_of(&axes[1], wide, pw, ix, &z)) {
                const int64_t top = (plane * axes[0].size + y.low) * axes[1].size;
                const int64_t bottom = (plane * axes[0].size + y.high) * axes[1].size;
                v[0] = (1.0 - y.part) * (1.0 - z.part) * ir_ref_get(x, top + z.low);
                v[1] = (1.0 - y.part) * z.part * ir_ref_get(x, top + z.high);
                v[2] = y.part * (1.0 - z.part) * ir_ref_get(x, bottom + z.low);
                v[3] = y.part * z.part * ir_ref_get(x, bottom + z.high);
            }
            for (int k = 0; k < 4; k++) {
                sum += v[k];
                best = !any || v[k] > best ? v[k] : best;
                any = true;
            }
        }
    }
    const int64_t count = axes[0].grid * axes[1].grid;
    return mean ? sum / (double)(count > 1 ? count : 1) : best;
}

sy_status ir_ref_roialign(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0), *rois = ir_kernel_input(args, 1);
    const ir_tensor *batch = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    const bool mean = strcmp(ir_node_string(args->node, "mode", "avg"), "avg") == 0;
    const bool half_pixel =
        strcmp(ir_node_string(args->node, "coordinate_transformation_mode", "half_pixel"),
               "half_pixel") == 0;
    const double scale = (double)ir_node_float(args->node, "spatial_scale", 1.0f);
    const bool wide = x->dtype == SY_DT_F64;
    const int64_t channels = x->dims[1], height = y->dims[2], width = y->dims[3];
    int64_t o = 0;
    for (int64_t r = 0; r < y->dims[0]; r++) {
        const int64_t n = ir_ref_get_int(batch, r);
        roi_axis axes[2];
        for (int a = 0; a < 2; a++) { /* x1, y1, x2, y2 */
            SY_TRY(roi_axis_of(args, ir_ref_get(rois, r * 4 + 1 - a), ir_ref_get(rois, r * 4 + 3 - a),
                               scale, x->dims[2 + a], y->dims[2 + a], half_pixel, wide, &axes[a]));
        }
        if (n < 0 || n >= x->dims[0] || x->dims[2] == 0 || x->dims[3] == 0) {
            return base_fail(args->diag, SY_EINVAL, "region %lld is in image %lld of %lld",
                             (long long)r, (long long)n, (long long)x->dims[0]);
        }
        for (int64_t c = 0; c < channels; c++) {
            for (int64_t i = 0; i < height * width; i++, o++) {
                ir_ref_put(y, o, roi_bin(x, n * channels + c, axes, wide, i / width, i % width, mean));
            }
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- MaxRoiPool */

static int64_t clamped(double v, int64_t size)
{
    return v < 0.0 ? 0 : v < (double)size ? (int64_t)v : size;
}

/* Coordinates round half away from zero; a bin covers whole elements, an empty one gives 0. */
sy_status ir_ref_maxroipool(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0), *rois = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    const double scale = (double)ir_node_float(args->node, "spatial_scale", 1.0f);
    const bool wide = x->dtype == SY_DT_F64;
    int64_t o = 0;
    for (int64_t r = 0; r < y->dims[0]; r++) {
        const double image = ir_ref_get(rois, r * 5);
        double start[2], bin[2];
        if (!(image >= 0.0 && image < (double)x->dims[0])) {
            return base_fail(args->diag, SY_EINVAL, "region %lld is in image %g of %lld",
                             (long long)r, image, (long long)x->dims[0]);
        }
        for (int a = 0; a < 2; a++) {
            start[a] = round(fl(wide, ir_ref_get(rois, r * 5 + 2 - a) * scale));
            const double end = round(fl(wide, ir_ref_get(rois, r * 5 + 4 - a) * scale));
            const double length = end - start[a] + 1.0;
            bin[a] = fl(wide, (length > 1.0 ? length : 1.0) / (double)y->dims[2 + a]);
        }
        for (int64_t i = 0; i < x->dims[1] * y->dims[2] * y->dims[3]; i++, o++) {
            const int64_t c = i / (y->dims[2] * y->dims[3]);
            const int64_t place[2] = {i / y->dims[3] % y->dims[2], i % y->dims[3]};
            int64_t from[2], to[2];
            for (int a = 0; a < 2; a++) {
                from[a] = clamped(floor(fl(wide, (double)place[a] * bin[a])) + start[a], x->dims[2 + a]);
                to[a] = clamped(ceil(fl(wide, (double)(place[a] + 1) * bin[a])) + start[a],
                                x->dims[2 + a]);
            }
            const int64_t plane = (int64_t)image * x->dims[1] + c;
            double best = 0.0;
            bool any = false;
            for (int64_t h = from[0]; h < to[0]; h++) {
                for (int64_t w = from[1]; w < to[1]; w++) {
                    const double v = ir_ref_get(x, (plane * x->dims[2] + h) * x->dims[3] + w);
                    best = !any || v > best ? v : best;
                    any = true;
                }
            }
            ir_ref_put(y, o, best);
        }
    }
    return SY_OK;
}
