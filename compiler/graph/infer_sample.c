/*
 * infer_sample.c -- inference of what reads between elements: Resize, GridSample, AffineGrid, RoiAlign, MaxRoiPool.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"
#include "internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SIZE_LIMIT INT64_C(0x7fffffff) /* of one axis of a result */
#define ROI_LIMIT  65536               /* of an axis whose size is an attribute alone: no network pools to more */

/* ---------------------------------------------------------------- Resize */

/* The axes that are resized: all, or attribute axes. */
static sy_status resized_axes(const ir_node *n, int32_t rank, base_diag *diag, int32_t *axes, uint32_t *count)
{
    const int64_t *values;
    uint32_t seen = 0;
    *count = ir_node_ints(n, "axes", &values);
    if (*count > (uint32_t)rank) {
        return base_fail(diag, SY_EINVAL, IR_NODE_FMT ": attribute 'axes' has more entries than there are dimensions",
                         IR_NODE_ARGS(n));
    }
    for (uint32_t i = 0; i < *count; i++) {
        const int64_t axis = values[i] < 0 && values[i] >= -(int64_t)rank ? values[i] + rank : values[i];
        if (axis < 0 || axis >= rank || (seen >> axis & 1u) != 0) {
            return base_fail(diag, SY_EINVAL, IR_NODE_FMT ": attribute 'axes' has a bad or repeated entry %" PRId64,
                             IR_NODE_ARGS(n), values[i]);
        }
        seen |= 1u << axis;
        axes[i] = (int32_t)axis;
    }
    if (*count == 0) {
        *count = (uint32_t)rank;
        for (int32_t i = 0; i < rank; i++) {
            axes[i] = i;
        }
    }
    return SY_OK;
}

static sy_status by_scales(const ir_node *n, const float *scales, uint32_t count, const int32_t *axes,
                           const int64_t *dims, base_diag *diag, ir_resize *r)
{
    for (uint32_t i = 0; i < count; i++) {
        const float size = (float)dims[axes[i]] * scales[i]; /* in fp32, as ONNX's own inference and ONNX Runtime */
        if (!(scales[i] > 0.0f) || !isfinite(scales[i]) || !(size <= (float)SIZE_LIMIT)) {
            return base_fail(diag, SY_EINVAL, IR_NODE_FMT ": scale %g of dimension %d is out of range", IR_NODE_ARGS(n),
                             (double)scales[i], axes[i]);
        }
        r->scale[axes[i]] = (double)scales[i];
        r->out[axes[i]] = (int64_t)floorf(size);
    }
    return SY_OK;
}

static sy_status by_sizes(const ir_node *n, const int64_t *sizes, uint32_t count, const int32_t *axes,
                          const int64_t *dims, base_diag *diag, ir_resize *r)
{
    const char *policy = ir_node_string(n, "keep_aspect_ratio_policy", "stretch");
    const bool larger = strcmp(policy, "not_smaller") == 0, smaller = strcmp(policy, "not_larger") == 0;
    if (!larger && !smaller && strcmp(policy, "stretch") != 0) {
        return base_fail(diag, SY_EINVAL, IR_NODE_FMT ": attribute 'keep_aspect_ratio_policy' is none of stretch, "
                         "not_larger, not_smaller", IR_NODE_ARGS(n));
    }
    double common = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        const int32_t k = axes[i];
        if (sizes[i] < 0 || sizes[i] > SIZE_LIMIT || (dims[k] == 0 && sizes[i] > 0)) {
            return base_fail(diag, SY_EINVAL, IR_NODE_FMT ": size %" PRId64 " of dimension %d is out of range",
                             IR_NODE_ARGS(n), sizes[i], k);
        }
        r->out[k] = sizes[i];
        r->scale[k] = dims[k] == 0 ? 1.0 : (double)sizes[i] / (double)dims[k];
        common = i == 0 || (larger ? r->scale[k] > common : r->scale[k] < common) ? r->scale[k] : common;
    }
    for (uint32_t i = 0; i < count && (larger || smaller); i++) {
        const double size = floor(common * (double)dims[axes[i]] + 0.5);
        if (!(size <= (double)SIZE_LIMIT)) {
            return base_fail(diag, SY_ERANGE, IR_NODE_FMT ": dimension %d becomes too large", IR_NODE_ARGS(n), axes[i]);
        }
        r->scale[axes[i]] = common;
        r->out[axes[i]] = (int64_t)size;
    }
    return SY_OK;
}

sy_status ir_resize_resolve(const ir_node *n, int32_t rank, const int64_t *dims, uint32_t n_scales, const float *scales,
                            uint32_t n_sizes, const int64_t *sizes, base_diag *diag, ir_resize *out)
{
    uint32_t count;
    SY_TRY(resized_axes(n, rank, diag, out->axes, &count));
    out->n_axes = count;
    for (int32_t i = 0; i < rank; i++) {
        out->scale[i] = 1.0;
        out->out[i] = dims[i];
    }
    if ((n_scales != 0) == (n_sizes != 0)) {
        return rank == 0 ? SY_OK : base_fail(diag, SY_EINVAL, IR_NODE_FMT ": needs either scales or sizes", IR_NODE_ARGS(n));
    }
    if (n_scales + n_sizes != count) {
        return base_fail(diag, SY_ESHAPE, IR_NODE_FMT ": needs %u scales or sizes, got %u", IR_NODE_ARGS(n), count,
                         n_scales + n_sizes);
    }
    return n_scales > 0 ? by_scales(n, scales, count, out->axes, dims, diag, out)
                        : by_sizes(n, sizes, count, out->axes, dims, diag, out);
}

/* True if operand i is there and has (or may have) elements. */
static bool has_elements(const ir_infer_args *a, uint32_t i)
{
    int64_t n;
    if (!ir_infer_has(a, i)) {
        return false;
    }
    const ir_type *t = &a->inputs[i].type;
    return !(t->kind == IR_TYPE_TENSOR && t->has_rank && t->rank == 1 && ir_dim_is_const(t->dims[0], &n) && n == 0);
}

/* True if the value is one of the words, each with a space on either side. */
static bool one_of(const char *value, const char *words)
{
    char word[64];
    (void)snprintf(word, sizeof word, " %s ", value);
    return strstr(words, word) != NULL;
}

static sy_status check_resize_attributes(const ir_infer_args *a)
{
    static const struct {
        const char *name, *fallback, *values;
    } attrs[] = {
        { "mode", "nearest", " nearest linear cubic " },
        { "coordinate_transformation_mode", "half_pixel",
          " half_pixel half_pixel_symmetric pytorch_half_pixel align_corners asymmetric tf_half_pixel_for_nn "
          "tf_crop_and_resize " },
        { "nearest_mode", "round_prefer_floor", " round_prefer_floor round_prefer_ceil floor ceil simple " },
    };
    for (size_t i = 0; i < sizeof attrs / sizeof attrs[0]; i++) {
        if (!one_of(ir_node_string(a->node, attrs[i].name, attrs[i].fallback), attrs[i].values)) {
            return ir_infer_error(a, SY_EINVAL, "attribute '%s' is none of%s", attrs[i].name, attrs[i].values);
        }
    }
    const bool nearest = strcmp(ir_node_string(a->node, "mode", "nearest"), "nearest") == 0;
    if (nearest && ir_node_int(a->node, "antialias", 0) != 0) {
        return ir_infer_error(a, SY_EINVAL, "mode nearest has no antialias");
    }
    return SY_OK;
}

/* The size of one axis by a scale where the input's is not known. */
static ir_dim scaled_dim(const ir_infer_args *a, ir_dim size, float scale, int32_t axis)
{
    if (scale >= 1.0f && scale <= 1048576.0f && floorf(scale) == scale) {
        return ir_dim_mul(a->module, size, ir_dim_const(a->module, (int64_t)scale));
    }
    return ir_infer_fresh(a, 0, axis);
}

/* The result's dims when not everything is known. */
static sy_status open_resize(ir_infer_args *a, const ir_type *x, const ir_tensor *scales, const ir_elements *sizes,
                             ir_dim *dims)
{
    int32_t axes[IR_MAX_RANK];
    uint32_t count;
    const char *policy = ir_node_string(a->node, "keep_aspect_ratio_policy", "stretch");
    const bool stretch = strcmp(policy, "stretch") == 0;
    SY_TRY(resized_axes(a->node, x->rank, a->diag, axes, &count));
    for (int32_t i = 0; i < x->rank; i++) {
        dims[i] = x->dims[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        const int32_t k = axes[i];
        if (sizes->elements != NULL && sizes->n == count && stretch) {
            dims[k] = sizes->elements[i];
        } else if (scales->data != NULL && ir_tensor_n_elements(scales) == (int64_t)count) {
            int64_t size;
            const float scale = ((const float *)scales->data)[i];
            const bool whole = ir_dim_is_const(x->dims[k], &size) && scale > 0.0f &&
                               (float)size * scale <= (float)SIZE_LIMIT;
            dims[k] = whole ? ir_dim_const(a->module, (int64_t)floorf((float)size * scale))
                            : scaled_dim(a, x->dims[k], scale, k);
        } else {
            dims[k] = ir_infer_fresh(a, 0, k);
        }
    }
    return SY_OK;
}

/* x, roi, scales, sizes */
sy_status ir_infer_resize(ir_infer_args *a)
{
    ir_type x, t;
    ir_tensor scales = { .data = NULL }, sizes = { .data = NULL };
    ir_dim dims[IR_MAX_RANK];
    int64_t known[IR_MAX_RANK];
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(check_resize_attributes(a));
    const bool use_scales = has_elements(a, 2), use_sizes = has_elements(a, 3);
    if (use_scales) {
        SY_TRY(ir_infer_operand(a, 2, &t));
        SY_TRY(ir_infer_want_dtype(a, 2, t.dtype, SY_DT_F32));
        SY_TRY(ir_infer_want_rank(a, 2, &t, 1));
        SY_TRY(ir_infer_data(a, 2, &scales));
    }
    if (use_sizes) {
        SY_TRY(ir_infer_operand(a, 3, &t));
        SY_TRY(ir_infer_want_dtype(a, 3, t.dtype, SY_DT_I64));
        SY_TRY(ir_infer_want_rank(a, 3, &t, 1));
        SY_TRY(ir_infer_data(a, 3, &sizes));
    }
    if (!use_scales && !use_sizes) {
        return ir_infer_error(a, SY_EINVAL, "needs either scales or sizes");
    }
    if (!x.has_rank) {
        return ir_infer_result(a, 0, x.dtype, -1, NULL);
    }
    const bool all = (!use_scales || scales.data != NULL) && (!use_sizes || sizes.data != NULL);
    if (all && ir_type_static_dims(&x, known)) {
        ir_resize r;
        SY_TRY(ir_resize_resolve(a->node, x.rank, known, use_scales ? (uint32_t)ir_tensor_n_elements(&scales) : 0,
                                 scales.data, use_sizes ? (uint32_t)ir_tensor_n_elements(&sizes) : 0, sizes.data,
                                 a->diag, &r));
        for (int32_t i = 0; i < x.rank; i++) {
            dims[i] = ir_dim_const(a->module, r.out[i]);
        }
    } else {
        const ir_elements e = use_sizes ? ir_infer_elements(a, 3) : (ir_elements){ NULL, 0 };
        SY_TRY(open_resize(a, &x, &scales, &e, dims));
    }
    return ir_infer_result(a, 0, x.dtype, x.rank, dims);
}

/* ---------------------------------------------------------------- GridSample, AffineGrid */

/* x [N, C, D1 .. Dr], grid [N, D1' .. Dr', r] -> [N, C, D1' .. Dr'] */
sy_status ir_infer_gridsample(ir_infer_args *a)
{
    ir_type x, grid;
    ir_dim dims[IR_MAX_RANK];
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &grid));
    SY_TRY(ir_infer_want_class(a, 1, grid.dtype, SY_DC_FLOAT));
    if (!one_of(ir_node_string(a->node, "mode", "linear"), " linear bilinear nearest cubic bicubic ") ||
        !one_of(ir_node_string(a->node, "padding_mode", "zeros"), " zeros border reflection ")) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'mode' or 'padding_mode' is unknown");
    }
    if (!x.has_rank || !grid.has_rank) {
        return ir_infer_result(a, 0, x.dtype, -1, NULL);
    }
    if (x.rank < 3 || x.rank > 8) { /* a point has 4^r cubic neighbours */
        return ir_infer_error(a, SY_ESHAPE, "operand 0 must have 3 to 8 dimensions, got %d", x.rank);
    }
    SY_TRY(ir_infer_want_rank(a, 1, &grid, x.rank));
    SY_TRY(ir_infer_want_dim(a, 1, &grid, 0, x.dims[0]));
    SY_TRY(ir_infer_want_dim(a, 1, &grid, x.rank - 1, ir_dim_const(a->module, x.rank - 2)));
    for (int32_t i = 0; i < x.rank; i++) {
        dims[i] = i < 2 ? x.dims[i] : grid.dims[i - 1];
    }
    return ir_infer_result(a, 0, x.dtype, x.rank, dims);
}

/* theta [N, r, r + 1], size [r + 2] = N, C, D1 .. Dr -> [N, D1 .. Dr, r], r = 2 or 3 */
sy_status ir_infer_affinegrid(ir_infer_args *a)
{
    ir_type theta, size;
    ir_dim dims[5];
    int64_t n = -1;
    SY_TRY(ir_infer_operand(a, 0, &theta));
    SY_TRY(ir_infer_operand(a, 1, &size));
    SY_TRY(ir_infer_want_class(a, 0, theta.dtype, SY_DC_FLOAT));
    SY_TRY(ir_infer_want_rank(a, 0, &theta, 3));
    SY_TRY(ir_infer_want_dtype(a, 1, size.dtype, SY_DT_I64));
    SY_TRY(ir_infer_want_rank(a, 1, &size, 1));
    if (!size.has_rank || !ir_dim_is_const(size.dims[0], &n)) {
        return ir_infer_result(a, 0, theta.dtype, -1, NULL);
    }
    if (n != 4 && n != 5) {
        return ir_infer_error(a, SY_ESHAPE, "operand 1 must have 4 or 5 entries, got %" PRId64, n);
    }
    const ir_elements e = ir_infer_elements(a, 1);
    const int32_t r = (int32_t)n - 2;
    for (int32_t i = 0; i < r + 1; i++) {
        dims[i] = e.elements != NULL ? e.elements[i == 0 ? 0 : i + 1] : ir_infer_fresh(a, 0, i);
    }
    dims[r + 1] = ir_dim_const(a->module, r);
    if (theta.has_rank) {
        SY_TRY(ir_infer_want_dim(a, 0, &theta, 1, ir_dim_const(a->module, r)));
        SY_TRY(ir_infer_want_dim(a, 0, &theta, 2, ir_dim_const(a->module, r + 1)));
        if (e.elements != NULL) {
            SY_TRY(ir_infer_want_dim(a, 0, &theta, 0, dims[0]));
        }
    }
    return ir_infer_result(a, 0, theta.dtype, r + 2, dims);
}

/* ---------------------------------------------------------------- regions of interest */

/* Result [R, C, height, width]; rois [R, columns]. */
static sy_status roi_result(ir_infer_args *a, int64_t columns, int64_t height, int64_t width)
{
    ir_type x, rois;
    sy_dtype dtype;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &rois));
    SY_TRY(ir_infer_same_dtype(a, 0, x.dtype, 1, rois.dtype, &dtype));
    SY_TRY(ir_infer_want_class(a, 0, dtype, SY_DC_FLOAT));
    SY_TRY(ir_infer_want_rank(a, 0, &x, 4));
    SY_TRY(ir_infer_want_rank(a, 1, &rois, 2));
    if (height < 1 || height > ROI_LIMIT || width < 1 || width > ROI_LIMIT) {
        return ir_infer_error(a, SY_EINVAL, "the result's height and width must lie in 1 to %d, got %" PRId64 ", %" PRId64,
                              ROI_LIMIT, height, width);
    }
    if (rois.has_rank) {
        SY_TRY(ir_infer_want_dim(a, 1, &rois, 1, ir_dim_const(a->module, columns)));
    }
    const ir_dim dims[4] = { rois.has_rank ? rois.dims[0] : ir_infer_fresh(a, 0, 0),
                             x.has_rank ? x.dims[1] : ir_infer_fresh(a, 0, 1), ir_dim_const(a->module, height),
                             ir_dim_const(a->module, width) };
    return ir_infer_result(a, 0, dtype, 4, dims);
}

/* x, rois, batch_indices */
sy_status ir_infer_roialign(ir_infer_args *a)
{
    ir_type batch, rois;
    SY_TRY(ir_infer_operand(a, 2, &batch));
    SY_TRY(ir_infer_operand(a, 1, &rois));
    SY_TRY(ir_infer_want_dtype(a, 2, batch.dtype, SY_DT_I64));
    SY_TRY(ir_infer_want_rank(a, 2, &batch, 1));
    if (!one_of(ir_node_string(a->node, "mode", "avg"), " avg max ") ||
        !one_of(ir_node_string(a->node, "coordinate_transformation_mode", "half_pixel"),
                " half_pixel output_half_pixel ")) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'mode' or 'coordinate_transformation_mode' is unknown");
    }
    if (batch.has_rank && rois.has_rank && rois.rank == 2) {
        SY_TRY(ir_infer_want_dim(a, 2, &batch, 0, rois.dims[0]));
    }
    return roi_result(a, 4, ir_node_int(a->node, "output_height", 1), ir_node_int(a->node, "output_width", 1));
}

/* x, rois */
sy_status ir_infer_maxroipool(ir_infer_args *a)
{
    const int64_t *shape;
    if (ir_node_ints(a->node, "pooled_shape", &shape) != 2) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'pooled_shape' must have 2 entries");
    }
    return roi_result(a, 5, shape[0], shape[1]);
}
