/*
 * idx.c -- reads IDX, the format of MNIST and its kin.
 *
 * Two zero bytes, a type, the number of dimensions, each dimension as big-endian 32-bit number, the
 * data (big-endian).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/npy.h"

#include "systole/base/file.h"
#include "systole/rt/buffer.h"

#include <string.h>

#define FILE_LIMIT_BYTES (SIZE_MAX / 4)

static const struct {
    uint8_t code;
    sy_dtype dtype;
} types[] = {
    {0x08, SY_DT_U8},  {0x09, SY_DT_I8},  {0x0b, SY_DT_I16},
    {0x0c, SY_DT_I32}, {0x0d, SY_DT_F32}, {0x0e, SY_DT_F64},
};

sy_status rt_idx_parse(const char *name, const void *data, size_t n_bytes, base_diag *diag,
                       ir_tensor *out)
{
    base_cursor c = base_cursor_at(data, n_bytes);
    const uint16_t zero = base_cursor_le16(&c);
    const uint8_t code = base_cursor_u8(&c), rank = base_cursor_u8(&c);
    sy_dtype dtype = SY_DT_NONE;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        dtype = types[i].code == code ? types[i].dtype : dtype;
    }
    if (c.failed || zero != 0 || dtype == SY_DT_NONE || rank == 0) {
        return base_fail(diag, SY_EFORMAT, "%s: not an IDX file", name);
    }
    if (rank > IR_MAX_RANK) {
        return base_fail(diag, SY_EUNSUPPORTED, "%s: %u dimensions, at most %d are supported", name,
                         rank, IR_MAX_RANK);
    }
    int64_t dims[IR_MAX_RANK];
    for (int32_t i = 0; i < rank; i++) {
        const uint32_t v = base_cursor_le32(&c);
        dims[i] = (int64_t)__builtin_bswap32(v);
    }
    if (c.failed) {
        return base_fail(diag, SY_EFORMAT, "%s: the file ends inside the IDX header", name);
    }
    ir_tensor t;
    if (ir_tensor_init(&t, dtype, rank, dims, NULL) != SY_OK) {
        return base_fail(diag, SY_EFORMAT, "%s: the shape in the IDX header is too large", name);
    }
    if (t.size_bytes != base_cursor_left(&c)) {
        return base_fail(diag, SY_EFORMAT,
                         "%s: the shape asks for %zu bytes of data, the file has %zu", name,
                         t.size_bytes, base_cursor_left(&c));
    }
    const char *from = base_cursor_bytes(&c, t.size_bytes);
    t.data = rt_buffer_alloc(t.size_bytes);
    if (t.data == NULL) {
        return base_fail(diag, SY_ENOMEM, "%s: out of memory: %zu bytes", name, t.size_bytes);
    }
    const size_t size = sy_dtype_bits(dtype) / 8;
    if (size == 1 && t.size_bytes > 0) {
        memcpy(t.data, from, t.size_bytes);
    }
    for (size_t i = 0; size > 1 && i < t.size_bytes; i++) {
        ((char *)t.data)[i] = from[i - i % size + (size - 1 - i % size)];
    }
    *out = t;
    return SY_OK;
}

sy_status rt_idx_read(const char *path, base_diag *diag, ir_tensor *out)
{
    base_buf file = {0};
    sy_status status = base_file_read(diag, path, FILE_LIMIT_BYTES, &file);
    if (status == SY_OK) {
        status = rt_idx_parse(path, file.data, file.n_bytes, diag, out);
    }
    base_buf_free(&file);
    return status;
}
