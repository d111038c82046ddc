/*
 * infer_string.c -- inference of the operators on strings, of TfIdfVectorizer and ImageDecoder.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infer_internal.h"

#include <inttypes.h>
#include <string.h>

sy_status ir_infer_string_normalizer(ir_infer_args *a)
{
    ir_type x;
    int64_t rows = 1;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_want_class(a, 0, x.dtype, SY_DC_STRING));
    if (!x.has_rank) {
        return ir_infer_result(a, 0, SY_DT_STRING, -1, NULL);
    }
    if (x.rank != 1 && (x.rank != 2 || (ir_dim_is_const(x.dims[0], &rows) && rows != 1))) {
        return ir_infer_error(a, SY_ESHAPE, "operand 0 must be of shape [C] or [1, C]");
    }
    const ir_dim dims[2] = { ir_dim_const(a->module, 1), ir_infer_fresh(a, 0, x.rank - 1) };
    return ir_infer_result(a, 0, SY_DT_STRING, x.rank, dims + (2 - x.rank));
}

sy_status ir_infer_string_concat(ir_infer_args *a)
{
    ir_type x, y;
    ir_dim dims[IR_MAX_RANK];
    int32_t rank;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_operand(a, 1, &y));
    SY_TRY(ir_infer_want_class(a, 0, x.dtype, SY_DC_STRING));
    SY_TRY(ir_infer_want_class(a, 1, y.dtype, SY_DC_STRING));
    SY_TRY(ir_infer_broadcast(a, 0, &x, &y, dims, &rank));
    return ir_infer_result(a, 0, SY_DT_STRING, rank, dims);
}

sy_status ir_infer_string_split(ir_infer_args *a)
{
    ir_type x;
    ir_dim dims[IR_MAX_RANK + 1];
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_want_class(a, 0, x.dtype, SY_DC_STRING));
    SY_TRY(ir_infer_result(a, 1, SY_DT_I64, x.has_rank ? x.rank : -1, x.dims));
    for (int32_t j = 0; x.has_rank && j < x.rank; j++) {
        dims[j] = x.dims[j];
    }
    dims[x.rank] = ir_infer_fresh(a, 0, x.rank);
    return ir_infer_result(a, 0, SY_DT_STRING, x.has_rank ? x.rank + 1 : -1, dims);
}

sy_status ir_infer_regex_full_match(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_want_class(a, 0, x.dtype, SY_DC_STRING));
    return ir_infer_result(a, 0, SY_DT_BOOL, x.has_rank ? x.rank : -1, x.dims);
}

sy_status ir_infer_tfidf_vectorizer(ir_infer_args *a)
{
    ir_type x;
    const int64_t *indexes = NULL;
    int64_t most = -1;
    SY_TRY(ir_infer_operand(a, 0, &x));
    const uint32_t n = ir_node_ints(a->node, "ngram_indexes", &indexes);
    for (uint32_t i = 0; i < n; i++) {
        if (indexes[i] < 0 || indexes[i] > INT32_MAX) {
            return ir_infer_error(a, SY_EINVAL, "attribute 'ngram_indexes' has %" PRId64 ", expected 0 to %d",
                                  indexes[i], INT32_MAX);
        }
        most = indexes[i] > most ? indexes[i] : most;
    }
    if (most < 0) {
        return ir_infer_error(a, SY_EINVAL, "attribute 'ngram_indexes' is empty");
    }
    if (x.has_rank && x.rank > 2) {
        return ir_infer_error(a, SY_ESHAPE, "operand 0 must have 1 or 2 dimensions, got %d", x.rank);
    }
    const bool rows = x.has_rank && x.rank == 2;
    const ir_dim dims[2] = { rows ? x.dims[0] : NULL, ir_dim_const(a->module, most + 1) };
    return ir_infer_result(a, 0, SY_DT_F32, !x.has_rank ? -1 : rows ? 2 : 1, rows ? dims : dims + 1);
}

sy_status ir_infer_image_decoder(ir_infer_args *a)
{
    ir_type x;
    SY_TRY(ir_infer_operand(a, 0, &x));
    SY_TRY(ir_infer_want_dtype(a, 0, x.dtype, SY_DT_U8));
    SY_TRY(ir_infer_want_rank(a, 0, &x, 1));
    const int64_t channels = strcmp(ir_node_string(a->node, "pixel_format", "RGB"), "Grayscale") == 0 ? 1 : 3;
    const ir_dim dims[3] = { ir_infer_fresh(a, 0, 0), ir_infer_fresh(a, 0, 1), ir_dim_const(a->module, channels) };
    return ir_infer_result(a, 0, SY_DT_U8, 3, dims);
}
