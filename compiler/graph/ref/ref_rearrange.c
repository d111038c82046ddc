/*
 * ref_rearrange.c -- Tile, ReverseSequence, Trilu, EyeLike, DepthToSpace, SpaceToDepth.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_moved.h"

#include <string.h>

/* ---------------------------------------------------------------- Tile */

/* Each axis of y as two: the repeats, along which x stands still, and x's own. */
static sy_status tile(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    int64_t of_x[IR_MAX_RANK], of_y[IR_MAX_RANK];
    int64_t dims[IR_REF_BOX_RANK], from[IR_REF_BOX_RANK], to[IR_REF_BOX_RANK];
    if (ir_tensor_n_elements(y) == 0) {
        return SY_OK;
    }
    ir_ref_own_strides(x, of_x);
    ir_ref_own_strides(y, of_y);
    for (int32_t a = 0; a < x->rank; a++) {
        dims[2 * a] = y->dims[a] / x->dims[a];
        from[2 * a] = 0;
        to[2 * a] = of_y[a] * x->dims[a];
        dims[2 * a + 1] = x->dims[a];
        from[2 * a + 1] = of_x[a];
        to[2 * a + 1] = of_y[a];
    }
    ir_ref_copy_box(2 * x->rank, dims, y->data, to, x->data, from, ir_ref_element_bytes(x->dtype));
    return SY_OK;
}

sy_status ir_ref_tile(const ir_kernel_args *args)
{
    return ir_ref_moved(args, 1u, tile);
}

/* ---------------------------------------------------------------- ReverseSequence */

static sy_status reverse_sequence(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *lengths = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    const bool time_first = ir_node_int(args->node, "time_axis", 0) == 0;
    const int64_t n_time = x->dims[time_first ? 0 : 1], n_batch = x->dims[time_first ? 1 : 0];
    const size_t part = (size_t)ir_ref_product(x->dims, 2, x->rank) * ir_ref_element_bytes(x->dtype);
    if (lengths->rank != 1 || lengths->dims[0] != n_batch) {
        return base_fail(args->diag, SY_ESHAPE, "there must be %lld lengths of sequences",
                         (long long)n_batch);
    }
    for (int64_t b = 0; b < n_batch; b++) {
        const int64_t length = ir_ref_get_int(lengths, b);
        if (length < 0 || length > n_time) {
            return base_fail(args->diag, SY_ERANGE, "sequence %lld of length %lld in %lld steps",
                             (long long)b, (long long)length, (long long)n_time);
        }
        for (int64_t t = 0; t < n_time && part > 0; t++) {
            const int64_t s = t < length ? length - 1 - t : t;
            const int64_t to = time_first ? t * n_batch + b : b * n_time + t;
            const int64_t from = time_first ? s * n_batch + b : b * n_time + s;
            memcpy((char *)y->data + (size_t)to * part, (const char *)x->data + (size_t)from * part,
                   part);
        }
    }
    return SY_OK;
}

sy_status ir_ref_reversesequence(const ir_kernel_args *args)
{
    return ir_ref_moved(args, 1u, reverse_sequence);
}

/* ---------------------------------------------------------------- diagonals */

static sy_status trilu(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *diagonal = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    const bool upper = ir_node_int(args->node, "upper", 1) != 0;
    if (diagonal != NULL && ir_tensor_n_elements(diagonal) != 1) {
        return base_fail(args->diag, SY_ESHAPE, "k must be one number");
    }
    const int64_t k = diagonal != NULL ? ir_ref_get_int(diagonal, 0) : 0;
    const int64_t rows = x->dims[x->rank - 2], cols = x->dims[x->rank - 1];
    const int64_t n = ir_ref_product(x->dims, 0, x->rank - 2) * rows;
    const size_t bytes = ir_ref_element_bytes(x->dtype);
    if (y->size_bytes == 0) {
        return SY_OK;
    }
    memset(y->data, 0, y->size_bytes);
    for (int64_t i = 0; i < n; i++) {
        /* the columns that stay are those from, or up to, row + k */
        const int64_t row = i % rows;
        int64_t diag = k < -row ? -1 : k > cols ? cols : row + k;
        int64_t first = upper ? diag : 0, end = upper ? cols : diag + 1;
        first = first < 0 ? 0 : first;
        end = end > cols ? cols : end;
        if (first < end) {
            memcpy(ir_ref_at(y, i * cols + first, bytes), ir_ref_at(x, i * cols + first, bytes),
                   (size_t)(end - first) * bytes);
        }
    }
    return SY_OK;
}

sy_status ir_ref_trilu(const ir_kernel_args *args)
{
    return ir_ref_moved(args, 1u, trilu);
}

sy_status ir_ref_eyelike(const ir_kernel_args *args)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    const int64_t k = ir_node_int(args->node, "k", 0), rows = y->dims[0], cols = y->dims[1];
    const bool is_float = ir_ref_is_float(y->dtype);
    SY_TRY(ir_ref_need(args, y, is_float || ir_ref_is_integer(y->dtype)));
    if (y->size_bytes > 0) {
        memset(y->data, 0, y->size_bytes);
    }
    for (int64_t i = 0; i < rows && k > -rows && k < cols; i++) {
        if (i + k < 0 || i + k >= cols) {
            continue;
        }
        if (is_float) {
            ir_ref_put(y, i * cols + i + k, 1.0);
        } else {
            ir_ref_put_int(y, i * cols + i + k, 1);
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- blocks of the plane */

/* y's axes in order, each from this axis of x; both as `dims` says of x. */
static void permute(const ir_tensor *x, ir_tensor *y, const int64_t dims[6], const int perm[6])
{
    int64_t of_x[6], of_y[6], from[6], box[6], stride = 1;
    for (int i = 5; i >= 0; i--) {
        of_x[i] = stride;
        stride *= dims[i];
    }
    stride = 1;
    for (int i = 5; i >= 0; i--) {
        box[i] = dims[perm[i]];
        from[i] = of_x[perm[i]];
        of_y[i] = stride;
        stride *= box[i];
    }
    ir_ref_copy_box(6, box, y->data, of_y, x->data, from, ir_ref_element_bytes(x->dtype));
}

static bool columns_first(const ir_kernel_args *args)
{
    return strcmp(ir_node_string(args->node, "mode", "DCR"), "CRD") == 0;
}

static sy_status depth_to_space(const ir_kernel_args *args)
{
    static const int dcr[6] = {0, 3, 4, 1, 5, 2}, crd[6] = {0, 1, 4, 2, 5, 3};
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    const int64_t b = ir_node_int(args->node, "blocksize", 1);
    const int64_t depth = x->dims[1] / (b * b), h = x->dims[2], w = x->dims[3];
    if (columns_first(args)) {
        permute(x, y, (int64_t[6]){x->dims[0], depth, b, b, h, w}, crd);
    } else {
        permute(x, y, (int64_t[6]){x->dims[0], b, b, depth, h, w}, dcr);
    }
    return SY_OK;
}

sy_status ir_ref_depthtospace(const ir_kernel_args *args)
{
    return ir_ref_moved(args, 1u, depth_to_space);
}

static sy_status space_to_depth(const ir_kernel_args *args)
{
    static const int dcr[6] = {0, 3, 5, 1, 2, 4}, crd[6] = {0, 1, 3, 5, 2, 4};
    const ir_tensor *x = ir_kernel_input(args, 0);
    const int64_t b = ir_node_int(args->node, "blocksize", 1);
    permute(x, ir_kernel_output(args, 0),
            (int64_t[6]){x->dims[0], x->dims[1], x->dims[2] / b, b, x->dims[3] / b, b},
            columns_first(args) ? crd : dcr);
    return SY_OK;
}

sy_status ir_ref_spacetodepth(const ir_kernel_args *args)
{
    return ir_ref_moved(args, 1u, space_to_depth);
}
