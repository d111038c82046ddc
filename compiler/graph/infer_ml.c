/*
 * infer_ml.c -- inference of the operators of ai.onnx.ml.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"

#include <inttypes.h>
#include <string.h>

/* Operand 0 as rows of features: [N, F], or [F] as one row. dims of what is not known are symbols of result i. */
static sy_status rows_of(const ir_infer_args *a, uint32_t i, ir_type *x, ir_dim *rows)
{
    SY_TRY(ir_infer_operand(a, 0, x));
    if (x->has_rank && (x->rank < 1 || x->rank > 2)) {
        return ir_infer_error(a, SY_ESHAPE, "operand 0 must have 1 or 2 dimensions, got %d", x->rank);
    }
    *rows = !x->has_rank ? ir_infer_fresh(a, i, 0) : x->rank == 2 ? x->dims[0] : ir_dim_const(a->module, 1);
    return SY_OK;
}

static sy_status numeric(const ir_infer_args *a, const ir_type *x)
{
    const sy_dtype_class c = sy_dtype_class_of(x->dtype);
    return c == SY_DC_STRING || c == SY_DC_COMPLEX || c == SY_DC_BOOL
               ? ir_infer_error(a, SY_EINVAL, "operand 0 must be of numbers, got %s", sy_dtype_name(x->dtype))
               : SY_OK;
}

static uint32_t n_strings(const ir_node *n, const char *name)
{
    const ir_attr *attr = ir_node_attr(n, name);
    return attr != NULL && attr->kind == IR_ATTR_STRINGS ? attr->n : 0;
}

static uint32_t n_ints(const ir_node *n, const char *name)
{
    const int64_t *values;
    return ir_node_ints(n, name, &values);
}

static uint32_t n_floats(const ir_node *n, const char *name)
{
    const float *values;
    return ir_node_floats(n, name, &values);
}

/* [rows, width] of a dtype. */
static sy_status table_result(ir_infer_args *a, uint32_t i, sy_dtype dtype, ir_dim rows, int64_t width)
{
    const ir_dim dims[2] = { rows, width >= 0 ? ir_dim_const(a->module, width) : ir_infer_fresh(a, i, 1) };
    return ir_infer_result(a, i, dtype, 2, dims);
}

/* Labels and scores of a classifier. */
static sy_status classes(ir_infer_args *a, const char *strings, int64_t width)
{
    ir_type x;
    ir_dim rows;
    SY_TRY(rows_of(a, 0, &x, &rows));
    SY_TRY(numeric(a, &x));
    SY_TRY(ir_infer_result(a, 0, n_strings(a->node, strings) > 0 ? SY_DT_STRING : SY_DT_I64, 1, &rows));
    return table_result(a, 1, SY_DT_F32, rows, width);
}

sy_status ir_infer_ml_linear_classifier(ir_infer_args *a)
{
    int64_t width = n_floats(a->node, "intercepts");
    const uint32_t n_labels = n_strings(a->node, "classlabels_strings") + n_ints(a->node, "classlabels_ints");
    int64_t features = 0;
    if (width == 0) {
        ir_type x;
        SY_TRY(ir_infer_operand(a, 0, &x));
        const bool known = x.has_rank && x.rank > 0 && ir_dim_is_const(x.dims[x.rank - 1], &features) && features > 0;
        width = known ? n_floats(a->node, "coefficients") / features : n_labels;
    }
    return classes(a, "classlabels_strings", width == 1 && n_labels == 2 ? 2 : width);
}

sy_status ir_infer_ml_linear_regressor(ir_infer_args *a)
{
    ir_type x;
    ir_dim rows;
    const int64_t targets = ir_node_int(a->node, "targets", 1);
    SY_TRY(rows_of(a, 0, &x, &rows));
    SY_TRY(numeric(a, &x));
    if (targets < 1 || targets > INT32_MAX) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'targets' is %" PRId64 ", expected at least 1", targets);
    }
    return table_result(a, 0, SY_DT_F32, rows, targets);
}

sy_status ir_infer_ml_svm_classifier(ir_infer_args *a)
{
    const int64_t *per_class;
    const uint32_t n = ir_node_ints(a->node, "vectors_per_class", &per_class);
    const uint32_t n_labels = n_strings(a->node, "classlabels_strings") + n_ints(a->node, "classlabels_ints");
    int64_t n_classes = n > 0 ? n : n_labels > 0 ? n_labels : 1, n_vectors = 0;
    for (uint32_t i = 0; i < n; i++) {
        n_vectors |= per_class[i];
    }
    if (n_vectors != 0 && n_floats(a->node, "prob_a") == 0 && n_classes > 2) {
        n_classes = n_classes * (n_classes - 1) / 2; /* scores of pairs */
    }
    return classes(a, "classlabels_strings", n_classes);
}

sy_status ir_infer_ml_svm_regressor(ir_infer_args *a)
{
    ir_type x;
    ir_dim rows;
    SY_TRY(rows_of(a, 0, &x, &rows));
    SY_TRY(numeric(a, &x));
    return table_result(a, 0, SY_DT_F32, rows, 1);
}

sy_status ir_infer_ml_tree_classifier(ir_infer_args *a)
{
    const uint32_t n = n_strings(a->node, "classlabels_strings") > 0 ? n_strings(a->node, "classlabels_strings")
                                                                     : n_ints(a->node, "classlabels_int64s");
    return classes(a, "classlabels_strings", n);
}

sy_status ir_infer_ml_tree_regressor(ir_infer_args *a)
{
    ir_type x;
    ir_dim rows;
    const int64_t targets = ir_node_int(a->node, "n_targets", 1);
    SY_TRY(rows_of(a, 0, &x, &rows));
    SY_TRY(numeric(a, &x));
    if (targets < 1 || targets > INT32_MAX) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'n_targets' is %" PRId64 ", expected at least 1", targets);
    }
    const bool same = strcmp(a->node->op_name, "TreeEnsemble") == 0;
    if (same) {
        SY_TRY(ir_infer_want_class(a, 0, x.dtype, SY_DC_FLOAT));
    }
    return table_result(a, 0, same ? x.dtype : SY_DT_F32, rows, targets);
}

/* ---------------------------------------------------------------- features */

sy_status ir_infer_ml_array_feature_extractor(ir_infer_args *a)
{
    ir_type x, places;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &places));
    SY_TRY(ir_infer_want_dtype(a, 1, places.dtype, SY_DT_I64));
    if (!x.has_rank) {
        return ir_infer_result(a, 0, x.dtype, -1, NULL);
    }
    if (x.rank == 0) {
        return ir_infer_error(a, SY_ESHAPE, "operand 0 must have 1 or more dimensions");
    }
    ir_dim dims[IR_MAX_RANK] = { ir_dim_const(a->module, 1) };
    const int32_t rank = x.rank == 1 ? 2 : x.rank;
    for (int32_t j = 0; j + 1 < x.rank; j++) {
        dims[j] = x.dims[j];
    }
    dims[rank - 1] = places.has_rank ? ir_type_n_elements(a->module, &places) : ir_infer_fresh(a, 0, rank - 1);
    return ir_infer_result(a, 0, x.dtype, rank, dims);
}

/* The operand's shape and type. */
sy_status ir_infer_ml_same(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(numeric(a, &x));
    return ir_infer_result(a, 0, x.dtype, x.has_rank ? x.rank : -1, x.dims);
}

/* The operand's shape, fp32. */
sy_status ir_infer_ml_f32(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(numeric(a, &x));
    return ir_infer_result(a, 0, SY_DT_F32, x.has_rank ? x.rank : -1, x.dims);
}

sy_status ir_infer_ml_feature_vectorizer(ir_infer_args *a)
{
    const int64_t *sizes;
    const uint32_t n_sizes = ir_node_ints(a->node, "inputdimensions", &sizes);
    ir_dim rows = NULL, width = ir_dim_const(a->module, 0);
    for (uint32_t i = 0; i < a->n_inputs; i++) {
        ir_type x;
        SY_TRY(ir_infer_operand(a, i, &x));
        if (x.has_rank && (x.rank < 1 || x.rank > 2)) {
            return ir_infer_error(a, SY_ESHAPE, "operand %u must have 1 or 2 dimensions, got %d", i, x.rank);
        }
        if (i < n_sizes && (sizes[i] < 0 || sizes[i] > INT32_MAX)) {
            return ir_infer_error(a, SY_EINVAL, "attribute 'inputdimensions' has %" PRId64, sizes[i]);
        }
        if (rows == NULL && x.has_rank) {
            rows = x.rank == 2 ? x.dims[0] : ir_dim_const(a->module, 1);
        }
        const ir_dim own = i < n_sizes ? ir_dim_const(a->module, sizes[i]) : x.has_rank ? x.dims[x.rank - 1] : NULL;
        width = own != NULL && width != NULL ? ir_dim_add(a->module, width, own) : NULL;
    }
    const ir_dim dims[2] = { rows != NULL ? rows : ir_infer_fresh(a, 0, 0), width != NULL ? width : ir_infer_fresh(a, 0, 1) };
    return ir_infer_result(a, 0, SY_DT_F32, 2, dims);
}

sy_status ir_infer_ml_one_hot_encoder(ir_infer_args *a)
{
    ir_type x;
    ir_dim dims[IR_MAX_RANK + 1];
    SY_TRY(ir_infer_operand(a, 0, &x));
    const uint32_t n = n_strings(a->node, "cats_strings") > 0 ? n_strings(a->node, "cats_strings") : n_ints(a->node, "cats_int64s");
    for (int32_t j = 0; x.has_rank && j < x.rank; j++) {
        dims[j] = x.dims[j];
    }
    dims[x.rank] = ir_dim_const(a->module, n);
    return ir_infer_result(a, 0, SY_DT_F32, x.has_rank ? x.rank + 1 : -1, dims);
}

/* ---------------------------------------------------------------- labels and maps */

sy_status ir_infer_ml_label_encoder(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(ir_infer_operand(a, 0, &x));
    const ir_const *values = ir_node_tensor(a->node, "values_tensor");
    const sy_dtype dtype = values != NULL                            ? values->dtype
                           : n_strings(a->node, "values_strings") > 0 ? SY_DT_STRING
                           : n_floats(a->node, "values_floats") > 0   ? SY_DT_F32
                                                                      : SY_DT_I64;
    return ir_infer_result(a, 0, dtype, x.has_rank ? x.rank : -1, x.dims);
}

sy_status ir_infer_ml_category_mapper(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(ir_infer_operand(a, 0, &x));
    if (x.dtype != SY_DT_NONE && x.dtype != SY_DT_STRING && x.dtype != SY_DT_I64) {
        return ir_infer_error(a, SY_EINVAL, "operand 0 must be string or i64, got %s", sy_dtype_name(x.dtype));
    }
    const sy_dtype dtype = x.dtype == SY_DT_STRING ? SY_DT_I64 : x.dtype == SY_DT_I64 ? SY_DT_STRING : SY_DT_NONE;
    return ir_infer_result(a, 0, dtype, x.has_rank ? x.rank : -1, x.dims);
}

static sy_status want_map(const ir_infer_args *a)
{
    const ir_type_kind kind = a->inputs[0].type.kind;
    return kind == IR_TYPE_MAP || kind == IR_TYPE_UNKNOWN ? SY_OK : ir_infer_error(a, SY_EINVAL, "operand 0 must be a map");
}

sy_status ir_infer_ml_cast_map(ir_infer_args *a)
{
    const char *to = ir_node_string(a->node, "cast_to", "TO_FLOAT");
    const bool sparse = strcmp(ir_node_string(a->node, "map_form", "DENSE"), "SPARSE") == 0;
    const int64_t most = ir_node_int(a->node, "max_map", 1);
    SY_TRY(want_map(a));
    if (most < 0 || most > INT32_MAX) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'max_map' is %" PRId64, most);
    }
    return table_result(a, 0, strcmp(to, "TO_STRING") == 0 ? SY_DT_STRING : strcmp(to, "TO_INT64") == 0 ? SY_DT_I64 : SY_DT_F32,
                        ir_dim_const(a->module, 1), sparse ? most : -1);
}

sy_status ir_infer_ml_dict_vectorizer(ir_infer_args *a)
{
    const ir_type *map = &a->inputs[0].type;
    SY_TRY(want_map(a));
    const bool known = map->kind == IR_TYPE_MAP && map->elem->kind == IR_TYPE_TENSOR;
    const uint32_t n = n_strings(a->node, "string_vocabulary") > 0 ? n_strings(a->node, "string_vocabulary")
                                                                   : n_ints(a->node, "int64_vocabulary");
    return table_result(a, 0, known ? map->elem->dtype : SY_DT_NONE, ir_dim_const(a->module, 1), n);
}

sy_status ir_infer_ml_zip_map(ir_infer_args *a)
{
    ir_type x, value, map, t;
    ir_dim rows;
    SY_TRY(rows_of(a, 0, &x, &rows));
    SY_TRY(ir_infer_want_dtype(a, 0, x.dtype, SY_DT_F32));
    SY_TRY(ir_type_tensor(a->module, SY_DT_F32, 0, NULL, &value));
    SY_TRY(ir_type_map(a->module, n_strings(a->node, "classlabels_strings") > 0 ? SY_DT_STRING : SY_DT_I64, &value, &map));
    SY_TRY(ir_type_sequence(a->module, &map, &t));
    ir_infer_result_type(a, 0, &t);
    return SY_OK;
}
