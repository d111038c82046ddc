/*
 * tensor.c -- tensor views.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/graph/tensor.h"

#include "ref/ref_internal.h"

#include "systole/base/assert.h"

#include <string.h>

sy_status ir_tensor_init(ir_tensor *t, sy_dtype dtype, int32_t rank, const int64_t *dims, void *data)
{
    if (rank < 0 || rank > IR_MAX_RANK) {
        return SY_ERANGE;
    }
    /* A zero anywhere does not excuse an overflow elsewhere: kernels multiply prefixes and suffixes. */
    int64_t bound = 1, n = 1;
    for (int32_t i = 0; i < rank; i++) {
        if (dims[i] < 0 || __builtin_mul_overflow(bound, dims[i] > 0 ? dims[i] : 1, &bound)) {
            return SY_ERANGE;
        }
        n *= dims[i];
    }
    size_t size_bytes = 0;
    if (dtype != SY_DT_STRING &&
        (!sy_dtype_size_bytes(dtype, bound, &size_bytes) ||
         !sy_dtype_size_bytes(dtype, n, &size_bytes))) {
        return SY_ERANGE;
    }
    memset(t, 0, sizeof *t);
    t->dtype = dtype;
    t->rank = rank;
    if (rank > 0) {
        memcpy(t->dims, dims, (size_t)rank * sizeof *dims);
    }
    t->data = data;
    t->size_bytes = size_bytes;
    return SY_OK;
}

int64_t ir_tensor_n_elements(const ir_tensor *t)
{
    int64_t n = 1;
    for (int32_t i = 0; i < t->rank; i++) {
        n *= t->dims[i];
    }
    return n;
}

int64_t ir_tensor_get_i64(const ir_tensor *t, int64_t i)
{
    switch (t->dtype) {
    case SY_DT_I64:
    case SY_DT_U64:
        return ((const int64_t *)t->data)[i];
    case SY_DT_I32:
        return ((const int32_t *)t->data)[i];
    case SY_DT_U32:
        return ((const uint32_t *)t->data)[i];
    case SY_DT_I16:
        return ((const int16_t *)t->data)[i];
    case SY_DT_U16:
        return ((const uint16_t *)t->data)[i];
    case SY_DT_I8:
        return ((const int8_t *)t->data)[i];
    case SY_DT_U8:
    case SY_DT_BOOL:
        return ((const uint8_t *)t->data)[i];
    case SY_DT_NONE:
    case SY_DT_F32:
    case SY_DT_STRING:
    case SY_DT_F16:
    case SY_DT_F64:
    case SY_DT_C64:
    case SY_DT_C128:
    case SY_DT_BF16:
    case SY_DT_F8E4M3FN:
    case SY_DT_F8E4M3FNUZ:
    case SY_DT_F8E5M2:
    case SY_DT_F8E5M2FNUZ:
    case SY_DT_U4:
    case SY_DT_I4:
    case SY_DT_F4E2M1:
    case SY_DT_F8E8M0:
    case SY_DT_U2:
    case SY_DT_I2:
        break;
    }
    SY_UNREACHABLE();
}

double ir_tensor_get_f64(const ir_tensor *t, int64_t i)
{
    const uint32_t bits = sy_dtype_bits(t->dtype);
    switch (sy_dtype_class_of(t->dtype)) {
    case SY_DC_FLOAT:
        return ir_ref_get(t, i);
    case SY_DC_INT:
    case SY_DC_UINT:
    case SY_DC_BOOL:
        if (bits < 8) {
            const uint32_t per_byte = 8 / bits;
            const uint32_t byte = ((const uint8_t *)t->data)[i / per_byte];
            const int32_t code = (int32_t)(byte >> ((uint32_t)(i % per_byte) * bits)) & ((1 << bits) - 1);
            const bool negative = sy_dtype_class_of(t->dtype) == SY_DC_INT && code >= 1 << (bits - 1);
            return (double)(negative ? code - (1 << bits) : code);
        }
        return t->dtype == SY_DT_U64 ? (double)(uint64_t)ir_tensor_get_i64(t, i) : (double)ir_tensor_get_i64(t, i);
    case SY_DC_COMPLEX:
        return bits == 64 ? (double)((const float *)t->data)[i] : ((const double *)t->data)[i];
    case SY_DC_STRING:
    case SY_DC_NONE:
        break;
    }
    return 0.0;
}
