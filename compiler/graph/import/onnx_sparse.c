/*
 * onnx_sparse.c -- sparse initializers and values: written out as dense constants.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_internal.h"

#include <string.h>

/* The few bytes of a sparse tensor may ask for many: more than this is refused. */
#define MAX_DENSE_BYTES ((size_t)1 << 31)

typedef struct sparse {
    onnx_import *in;
    const char *what;
    int32_t rank;
    int64_t dims[IR_MAX_RANK];
    ir_tensor values, indices;
} sparse;

static sy_status bad(const sparse *s, const char *why)
{
    return base_fail(s->in->diag, SY_EFORMAT, "%s: %s, which is sparse, %s", s->in->file, s->what, why);
}

/* A vector of values, and for each an index into the flat tensor, or one for each dimension. */
static sy_status read_parts(sparse *s, const Onnx__SparseTensorProto *p)
{
    ir_const *c = NULL;
    if (p->values == NULL || p->indices == NULL) {
        return bad(s, "has no values or no indices");
    }
    SY_TRY(ir_onnx_tensor(s->in, p->values, s->what, &c));
    SY_TRY(ir_const_tensor(s->in->m, c, s->in->diag, &s->values));
    SY_TRY(ir_onnx_tensor(s->in, p->indices, s->what, &c));
    SY_TRY(ir_const_tensor(s->in->m, c, s->in->diag, &s->indices));
    const ir_tensor *v = &s->values, *i = &s->indices;
    if (sy_dtype_bits(v->dtype) < 8) {
        return base_fail(s->in->diag, SY_EUNSUPPORTED, "%s: %s is sparse with elements of type %s", s->in->file,
                         s->what, sy_dtype_name(v->dtype));
    }
    const bool fits = v->rank == 1 && i->dtype == SY_DT_I64 && (i->rank == 1 || i->rank == 2) &&
                      i->dims[0] == v->dims[0] && (i->rank == 1 || i->dims[1] == s->rank);
    return fits ? SY_OK : bad(s, "must have a vector of values and as many int64 indices");
}

/* The flat place of value k; -1 if it is outside. */
static int64_t place(const sparse *s, int64_t k)
{
    const int64_t *indices = s->indices.data;
    int64_t at = 0, n = 1;
    for (int32_t d = 0; d < s->rank; d++) {
        n *= s->dims[d];
        if (s->indices.rank == 2) {
            const int64_t index = indices[k * s->rank + d];
            if (index < 0 || index >= s->dims[d]) {
                return -1;
            }
            at = at * s->dims[d] + index;
        }
    }
    at = s->indices.rank == 1 ? indices[k] : at;
    return at >= 0 && at < n ? at : -1;
}

sy_status ir_onnx_sparse(onnx_import *in, const Onnx__SparseTensorProto *p, const char *what, ir_const **out)
{
    sparse s = {.in = in, .what = what, .rank = (int32_t)(p->n_dims <= IR_MAX_RANK ? p->n_dims : 0)};
    ir_tensor dense;
    if (p->n_dims > IR_MAX_RANK) {
        return bad(&s, "has too many dimensions");
    }
    for (int32_t i = 0; i < s.rank; i++) {
        s.dims[i] = p->dims[i];
    }
    SY_TRY(read_parts(&s, p));
    if (ir_tensor_init(&dense, s.values.dtype, s.rank, s.dims, NULL) != SY_OK ||
        dense.size_bytes > MAX_DENSE_BYTES) {
        return base_fail(in->diag, SY_ERANGE, "%s: %s is sparse and would have more than 2^31 bytes", in->file, what);
    }
    const size_t bytes = sy_dtype_bits(dense.dtype) / 8;
    char *data = base_arena_alloc(in->scratch, dense.size_bytes + 1, 1);
    if (data == NULL) {
        return SY_ENOMEM;
    }
    memset(data, 0, dense.size_bytes);
    for (int64_t k = 0; k < s.values.dims[0]; k++) {
        const int64_t at = place(&s, k);
        if (at < 0) {
            return bad(&s, "has an index outside its dimensions");
        }
        memcpy(data + (size_t)at * bytes, (const char *)s.values.data + (size_t)k * bytes, bytes);
    }
    return ir_const_inline(in->m, dense.dtype, s.rank, s.dims, data, dense.size_bytes, in->diag, out);
}
