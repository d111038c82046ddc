/*
 * tensor_proto.h -- reads the .pb files of ONNX's own test sets: one TensorProto with whole data.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_TENSOR_PROTO_H
#define SYSTOLE_TESTS_TENSOR_PROTO_H

#include "test.h"

#include "systole/base/buf.h"
#include "systole/base/file.h"
#include "systole/graph/tensor.h"
#include "systole/rt/buffer.h"

static inline uint64_t tensor_proto_varint(base_cursor *c)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        const uint8_t byte = base_cursor_u8(c);
        v |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            break;
        }
    }
    return v;
}

/* The fields that matter; a repeated number may be packed or not. */
typedef struct tensor_proto_fields {
    uint64_t data_type;
    int32_t rank;
    int64_t dims[IR_MAX_RANK];
    base_buf raw, floats, numbers; /* numbers: int64 each */
    bool strange;
} tensor_proto_fields;

static inline void tensor_proto_number(tensor_proto_fields *f, uint64_t field, uint64_t v)
{
    if (field == 1 && f->rank < IR_MAX_RANK) {
        f->dims[f->rank++] = (int64_t)v;
    } else if (field == 2) {
        f->data_type = v;
    } else if (field == 5 || field == 7 || field == 11) {
        (void)base_buf_put_le64(&f->numbers, v);
    }
}

static inline void tensor_proto_bytes(tensor_proto_fields *f, uint64_t field, const void *data,
                                      size_t n)
{
    base_cursor inner = base_cursor_at(data, n);
    if (field == 9) {
        (void)base_buf_append(&f->raw, data, n);
    } else if (field == 4 || field == 10) {
        (void)base_buf_append(field == 4 ? &f->floats : &f->raw, data, n);
    } else if (field == 1 || field == 5 || field == 7 || field == 11) {
        while (base_cursor_left(&inner) > 0) {
            tensor_proto_number(f, field, tensor_proto_varint(&inner));
        }
    } else if (field == 6) {
        f->strange = true; /* strings */
    }
}

/* False if the file is missing or holds something else than numbers; out->data is the caller's to
 * free. */
static inline bool tensor_proto_read(const char *path, ir_tensor *out)
{
    base_buf file = {0};
    tensor_proto_fields f = {0};
    base_diag diag;
    bool ok = base_file_read(&diag, path, 1u << 30, &file) == SY_OK;
    base_cursor c = base_cursor_at(file.data, file.n_bytes);
    while (ok && base_cursor_left(&c) > 0 && !c.failed) {
        const uint64_t key = tensor_proto_varint(&c);
        if ((key & 7) == 0) {
            tensor_proto_number(&f, key >> 3, tensor_proto_varint(&c));
        } else if ((key & 7) == 2) {
            const size_t n = (size_t)tensor_proto_varint(&c);
            const void *data = base_cursor_bytes(&c, n);
            if (data != NULL) {
                tensor_proto_bytes(&f, key >> 3, data, n);
            }
        } else if ((key & 7) == 5) {
            const uint32_t v = base_cursor_le32(&c);
            (void)base_buf_append(&f.floats, &v, 4);
        } else {
            f.strange = true;
            break;
        }
    }
    ok = ok && !c.failed && !f.strange && f.data_type > 0 && f.data_type < SY_DT_COUNT &&
         ir_tensor_init(out, (sy_dtype)f.data_type, f.rank, f.dims, NULL) == SY_OK &&
         f.data_type != SY_DT_STRING;
    const size_t n = ok ? (size_t)ir_tensor_n_elements(out) : 0,
                 bytes = n > 0 ? out->size_bytes / n : 0;
    const bool raw = ok && f.raw.n_bytes == out->size_bytes,
               floats = ok && f.floats.n_bytes == out->size_bytes;
    ok = ok && (n == 0 || raw || floats || f.numbers.n_bytes == n * 8);
    if (ok) {
        out->data = rt_buffer_alloc(out->size_bytes);
        assert_non_null(out->data);
        for (size_t i = 0; i < n && !raw && !floats;
             i++) { /* little-endian: the low bytes come first */
            memcpy((char *)out->data + i * bytes, f.numbers.data + i * 8, bytes);
        }
        if (n > 0 && (raw || floats)) {
            memcpy(out->data, raw ? f.raw.data : f.floats.data, out->size_bytes);
        }
    }
    base_buf_free(&file);
    base_buf_free(&f.raw);
    base_buf_free(&f.floats);
    base_buf_free(&f.numbers);
    return ok;
}

#endif
