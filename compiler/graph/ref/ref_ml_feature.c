/*
 * ref_ml_feature.c -- ArrayFeatureExtractor, Binarizer, FeatureVectorizer, Imputer, Normalizer, Scaler, OneHotEncoder.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_ml.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static sy_status need_numbers(const ir_kernel_args *args, const ir_tensor *x)
{
    return ir_ref_need(args, x, ir_ref_is_float(x->dtype) || ir_ref_is_integer(x->dtype));
}

/* Stores a number in a float or integer tensor. */
static void put_number(ir_tensor *t, int64_t i, double v)
{
    if (ir_ref_is_float(t->dtype)) {
        ir_ref_put(t, i, v);
    } else {
        ir_ref_put_int(t, i, (int64_t)v);
    }
}

sy_status ir_ref_ml_array_feature_extractor(const ir_kernel_args *args)
{
    const ir_tensor *x = args->inputs[0], *places = args->inputs[1];
    ir_tensor *y = ir_kernel_output(args, 0), whole;
    ir_ref_cells from, to;
    if (y == NULL) {
        return SY_OK;
    }
    const int64_t width = x->dims[x->rank - 1], n = ir_tensor_n_elements(places);
    const int64_t n_rows = ir_ref_product(x->dims, 0, x->rank - 1);
    SY_TRY(ir_ref_need(args, places, places->dtype == SY_DT_I64));
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = ((const int64_t *)places->data)[i];
        if (at < 0 || at >= width) {
            return base_fail(args->diag, SY_ERANGE, "index %" PRId64 " of %" PRId64 " features", at, width);
        }
    }
    SY_TRY(ir_ref_cells_read(args, x, &from));
    SY_TRY(ir_ref_cells_make(args, x->dtype, n_rows * n, &to));
    for (int64_t r = 0; r < n_rows; r++) {
        for (int64_t i = 0; i < n; i++) {
            memcpy(to.cells + (size_t)(r * n + i) * to.cell_bytes,
                   from.cells + (size_t)(r * width + ((const int64_t *)places->data)[i]) * to.cell_bytes, to.cell_bytes);
        }
    }
    SY_TRY(ir_ref_cells_tensor(args, &to, y->rank, y->dims, &whole));
    if (x->dtype == SY_DT_STRING) {
        SY_TRY(ir_kernel_room(args, 0, whole.size_bytes));
    }
    if (whole.size_bytes > 0) {
        memcpy(y->data, whole.data, whole.size_bytes);
    }
    return SY_OK;
}

sy_status ir_ref_ml_binarizer(const ir_kernel_args *args)
{
    const ir_tensor *x = args->inputs[0];
    ir_tensor *y = ir_kernel_output(args, 0);
    const double threshold = (double)ir_node_float(args->node, "threshold", 0.0f);
    SY_TRY(need_numbers(args, x));
    for (int64_t i = 0; y != NULL && i < ir_tensor_n_elements(x); i++) {
        put_number(y, i, ir_ml_number(x, i) > threshold ? 1.0 : 0.0);
    }
    return SY_OK;
}

sy_status ir_ref_ml_feature_vectorizer(const ir_kernel_args *args)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    const int64_t *sizes = NULL;
    const uint32_t n_sizes = ir_node_ints(args->node, "inputdimensions", &sizes);
    int64_t at = 0;
    if (y == NULL) {
        return SY_OK;
    }
    memset(y->data, 0, y->size_bytes);
    const int64_t n = y->dims[0], width = y->dims[1];
    for (uint32_t k = 0; k < args->n_inputs; k++) {
        const ir_tensor *x = args->inputs[k];
        SY_TRY(need_numbers(args, x));
        const int64_t have = x->dims[x->rank - 1], room = k < n_sizes ? sizes[k] : have;
        if ((x->rank == 2 ? x->dims[0] : 1) != n || room > width - at) {
            return base_fail(args->diag, SY_ESHAPE, "operand %u does not have as many rows as operand 0", k);
        }
        for (int64_t r = 0; r < n; r++) {
            for (int64_t i = 0; i < have && i < room; i++) {
                ir_ref_put(y, r * width + at + i, ir_ml_number(x, r * have + i));
            }
        }
        at += room;
    }
    return SY_OK;
}

sy_status ir_ref_ml_imputer(const ir_kernel_args *args)
{
    const ir_tensor *x = args->inputs[0];
    ir_tensor *y = ir_kernel_output(args, 0);
    const float *floats = NULL;
    const int64_t *ints = NULL;
    SY_TRY(need_numbers(args, x));
    const bool is_float = ir_ref_is_float(x->dtype);
    const uint32_t n_floats = ir_node_floats(args->node, "imputed_value_floats", &floats);
    const uint32_t n_ints = ir_node_ints(args->node, "imputed_value_int64s", &ints);
    const bool by_floats = is_float ? n_floats > 0 : n_ints == 0;
    const int64_t n_values = by_floats ? n_floats : n_ints, width = x->rank > 0 ? x->dims[x->rank - 1] : 1;
    const double replaced = by_floats ? (double)ir_node_float(args->node, "replaced_value_float", 0.0f)
                                      : (double)ir_node_int(args->node, "replaced_value_int64", 0);
    if (n_values != 1 && (n_values == 0 || n_values != width)) {
        return base_fail(args->diag, SY_ESHAPE, "%" PRId64 " imputed values for %" PRId64 " features", n_values, width);
    }
    for (int64_t i = 0; y != NULL && i < ir_tensor_n_elements(x); i++) {
        const double v = ir_ml_number(x, i);
        const bool hit = is_float || by_floats ? v == replaced || (isnan(v) && isnan(replaced))
                                               : ir_ref_get_int(x, i) == ir_node_int(args->node, "replaced_value_int64", 0);
        const int64_t k = n_values == 1 ? 0 : i % width;
        if (!is_float) {
            ir_ref_put_int(y, i, !hit ? ir_ref_get_int(x, i) : by_floats ? (int64_t)floats[k] : ints[k]);
        } else {
            ir_ref_put(y, i, !hit ? v : by_floats ? (double)floats[k] : (double)ints[k]);
        }
    }
    return SY_OK;
}

typedef enum norm_kind { NORM_MAX, NORM_L1, NORM_L2 } norm_kind;

/* The n numbers from `first` on at this distance, divided by their norm. */
static void normalise(const ir_tensor *x, ir_tensor *y, norm_kind kind, int64_t first, int64_t n, int64_t step)
{
    double norm = 0.0;
    for (int64_t i = 0; i < n; i++) {
        const double v = ir_ml_number(x, first + i * step);
        switch (kind) {
        case NORM_MAX:
            norm = i == 0 || v > norm ? v : norm;
            break;
        case NORM_L1:
            norm += fabs(v);
            break;
        case NORM_L2:
            norm += v * v;
            break;
        }
    }
    norm = kind == NORM_L2 ? sqrt(norm) : norm;
    for (int64_t i = 0; i < n; i++) {
        const double v = ir_ml_number(x, first + i * step);
        ir_ref_put(y, first + i * step, norm != 0.0 ? v / norm : v);
    }
}

sy_status ir_ref_ml_normalizer(const ir_kernel_args *args)
{
    const ir_tensor *x = args->inputs[0];
    ir_tensor *y = ir_kernel_output(args, 0);
    const char *name = ir_node_string(args->node, "norm", "MAX");
    const norm_kind kind = strcmp(name, "L1") == 0 ? NORM_L1 : strcmp(name, "L2") == 0 ? NORM_L2 : NORM_MAX;
    if (kind == NORM_MAX && strcmp(name, "MAX") != 0) {
        return base_fail(args->diag, SY_EINVAL, "attribute 'norm' is '%s', expected MAX, L1 or L2", name);
    }
    SY_TRY(need_numbers(args, x));
    if (y == NULL || x->rank == 0) {
        return y == NULL ? SY_OK : base_fail(args->diag, SY_ESHAPE, "operand 0 must have 1 or more dimensions");
    }
    const int32_t axis = x->rank > 1 ? 1 : 0;
    const int64_t n = x->dims[axis], n_outer = axis > 0 ? x->dims[0] : 1, n_inner = ir_ref_product(x->dims, axis + 1, x->rank);
    for (int64_t o = 0; o < n_outer; o++) {
        for (int64_t i = 0; i < n_inner; i++) {
            normalise(x, y, kind, o * n * n_inner + i, n, n_inner);
        }
    }
    return SY_OK;
}

sy_status ir_ref_ml_scaler(const ir_kernel_args *args)
{
    const ir_tensor *x = args->inputs[0];
    ir_tensor *y = ir_kernel_output(args, 0);
    const float *scales = NULL, *offsets = NULL;
    const uint32_t n_scales = ir_node_floats(args->node, "scale", &scales);
    const uint32_t n_offsets = ir_node_floats(args->node, "offset", &offsets);
    const int64_t width = x->rank > 0 ? x->dims[x->rank - 1] : 1;
    SY_TRY(need_numbers(args, x));
    if ((n_scales > 1 && n_scales != width) || (n_offsets > 1 && n_offsets != width)) {
        return base_fail(args->diag, SY_ESHAPE, "%u scales and %u offsets for %" PRId64 " features", n_scales, n_offsets,
                         width);
    }
    for (int64_t i = 0; y != NULL && i < ir_tensor_n_elements(x); i++) {
        const double offset = n_offsets == 0 ? 0.0 : (double)offsets[n_offsets == 1 ? 0 : i % width];
        const double scale = n_scales == 0 ? 1.0 : (double)scales[n_scales == 1 ? 0 : i % width];
        ir_ref_put(y, i, (ir_ml_number(x, i) - offset) * scale);
    }
    return SY_OK;
}

sy_status ir_ref_ml_one_hot_encoder(const ir_kernel_args *args)
{
    const ir_tensor *x = args->inputs[0];
    ir_tensor *y = ir_kernel_output(args, 0);
    const bool strings = x->dtype == SY_DT_STRING;
    ir_ml_labels cats;
    ir_ref_index index;
    ir_text *texts = NULL;
    SY_TRY(ir_ml_labels_read(args, "cats_int64s", "cats_strings", &cats));
    if (cats.strings != strings) {
        return base_fail(args->diag, SY_EINVAL, "the categories are not of the operand's type");
    }
    SY_TRY(strings ? ir_ref_texts(args, x, &texts) : need_numbers(args, x));
    SY_TRY(ir_ref_index_make(args->scratch, cats.n, cats.ints, cats.texts, true, &index));
    if (y == NULL) {
        return SY_OK;
    }
    memset(y->data, 0, y->size_bytes);
    for (int64_t i = 0; i < ir_tensor_n_elements(x); i++) {
        const double v = strings ? 0.0 : ir_ml_number(x, i);
        const bool fits = strings || ir_ref_is_integer(x->dtype) || (v > -0x1p63 && v < 0x1p63);
        const int64_t key = strings || !fits ? 0 : ir_ref_is_integer(x->dtype) ? ir_ref_get_int(x, i) : (int64_t)v;
        const int64_t at = !fits ? -1 : strings ? ir_ref_index_text(&index, &texts[i]) : ir_ref_index_int(&index, key);
        if (at >= 0) {
            ((float *)y->data)[i * cats.n + at] = 1.0f;
        } else if (ir_node_int(args->node, "zeros", 1) == 0) {
            return base_fail(args->diag, SY_ERANGE, "element %" PRId64 " is in no category, and zeros = 0", i);
        }
    }
    return SY_OK;
}
