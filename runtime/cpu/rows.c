/*
 * rows.c -- broadcasting as runs of elements.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"

/* Strides in elements of t seen with y's rank; 0 where it is repeated. */
static void strides_of(const ir_tensor *t, const ir_tensor *y, int64_t *strides)
{
    int64_t stride = 1;
    for (int32_t i = y->rank - 1; i >= 0; i--) {
        const int32_t own = i - (y->rank - t->rank);
        const int64_t size = own < 0 ? 1 : t->dims[own];
        strides[i] = size == 1 ? 0 : stride;
        stride *= size;
    }
}

rt_rows rt_rows_of(const ir_tensor *a, const ir_tensor *b, const ir_tensor *y)
{
    rt_rows r = {.n = 1, .n_rows = 1};
    int64_t a_strides[IR_MAX_RANK], b_strides[IR_MAX_RANK];
    strides_of(a, y, a_strides);
    strides_of(b, y, b_strides);
    /* From the innermost axis outwards; axes of size 1 do not count. */
    int32_t n_axes = 0;
    int64_t dims[IR_MAX_RANK], sa[IR_MAX_RANK], sb[IR_MAX_RANK];
    for (int32_t i = y->rank - 1; i >= 0; i--) {
        if (y->dims[i] == 1) {
            continue;
        }
        const int32_t last = n_axes - 1;
        if (n_axes > 0 && a_strides[i] == sa[last] * dims[last] &&
            b_strides[i] == sb[last] * dims[last]) {
            dims[last] *= y->dims[i];
            continue;
        }
        dims[n_axes] = y->dims[i];
        sa[n_axes] = a_strides[i];
        sb[n_axes] = b_strides[i];
        n_axes++;
    }
    if (n_axes > 0) {
        r.n = dims[0];
        r.a_step = sa[0];
        r.b_step = sb[0];
    }
    for (int32_t i = 1; i < n_axes; i++) {
        r.dims[i - 1] = dims[i];
        r.a_strides[i - 1] = sa[i];
        r.b_strides[i - 1] = sb[i];
        r.n_rows *= dims[i];
    }
    r.rank = n_axes > 0 ? n_axes - 1 : 0;
    return r;
}

void rt_rows_at(const rt_rows *r, int64_t i, int64_t *a, int64_t *b)
{
    *a = *b = 0;
    for (int32_t k = 0; k < r->rank; k++) {
        const int64_t index = i % r->dims[k];
        i /= r->dims[k];
        *a += index * r->a_strides[k];
        *b += index * r->b_strides[k];
    }
}
