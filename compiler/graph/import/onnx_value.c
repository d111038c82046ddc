/*
 * onnx_value.c -- values from files: tensors, sequences, optionals and maps, as ONNX's test sets keep them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_internal.h"

#include "onnx_data.pb-c.h"
#include "systole/base/file.h"
#include "systole/graph/list.h"
#include "systole/graph/strings.h"

#include <string.h>

#define MAX_DEPTH 32 /* of lists in lists */

typedef struct reader {
    onnx_import in;
    base_arena *arena; /* of the result */
    uint32_t depth;
} reader;

static sy_status read_value(reader *r, ir_type_kind kind, const ProtobufCBinaryData *bytes,
                            ir_tensor *out);

static void *arena_alloc(void *arena, size_t n_bytes)
{
    return base_arena_alloc(arena, 1, n_bytes);
}

static void arena_free(void *arena, void *pointer)
{
    (void)arena;
    (void)pointer; /* goes with the arena */
}

static ProtobufCMessage *unpack(reader *r, const ProtobufCMessageDescriptor *d,
                                const ProtobufCBinaryData *bytes)
{
    ProtobufCAllocator allocator = {arena_alloc, arena_free, r->in.scratch};
    return protobuf_c_message_unpack(d, &allocator, bytes->len, bytes->data);
}

static sy_status damaged(const reader *r, const char *what)
{
    return base_fail(r->in.diag, SY_EFORMAT, "%s: not %s, or damaged (was the file copied whole?)",
                     r->in.file, what);
}

static sy_status read_tensor(reader *r, const ProtobufCBinaryData *bytes, ir_tensor *out)
{
    /* Bytes inside a message are copies of the file's; the wire pass gives places relative to where they lie now. */
    Onnx__TensorProto *proto = NULL;
    ir_const *c = NULL;
    r->in.data = bytes->data;
    r->in.n_bytes = bytes->len;
    SY_TRY(ir_onnx_unpack_tensor(r->in.scratch, r->in.file, bytes->data, 0, bytes->len, r->in.diag,
                                 &proto));
    SY_TRY(ir_onnx_tensor(&r->in, proto, "the value", &c));
    return ir_const_tensor(r->in.m, c, r->in.diag, out);
}

/* The list of these entries, in the result's arena. */
static sy_status make_list(reader *r, ir_type_kind kind, int64_t n, const ir_tensor *entries,
                           ir_tensor *out)
{
    sy_dtype dtype = SY_DT_NONE;
    for (int64_t i = 0; i < n && dtype == SY_DT_NONE; i++) {
        dtype = entries[i].dtype;
    }
    if (ir_list_init(out, kind, dtype, n, entries) != SY_OK) {
        return base_fail(r->in.diag, SY_ERANGE, "%s: the value is too large", r->in.file);
    }
    out->data = base_arena_alloc(r->arena, out->size_bytes + 1, 1);
    if (out->data == NULL) {
        return SY_ENOMEM;
    }
    ir_list_write(out, entries);
    return SY_OK;
}

static sy_status read_entries(reader *r, ir_type_kind kind, size_t n,
                              const ProtobufCBinaryData *values, ir_tensor *entries)
{
    for (size_t i = 0; i < n; i++) {
        SY_TRY(read_value(r, kind, &values[i], &entries[i]));
    }
    return SY_OK;
}

static sy_status read_sequence(reader *r, const ProtobufCBinaryData *bytes, ir_tensor *out)
{
    const SyOnnx__Sequence *s =
        (const SyOnnx__Sequence *)unpack(r, &sy_onnx__sequence__descriptor, bytes);
    if (s == NULL) {
        return damaged(r, "a sequence");
    }
    const struct {
        ir_type_kind kind;
        size_t n;
        const ProtobufCBinaryData *values;
    } parts[] = {
        {IR_TYPE_TENSOR, s->n_tensor_values, s->tensor_values},
        {IR_TYPE_SEQUENCE, s->n_sequence_values, s->sequence_values},
        {IR_TYPE_MAP, s->n_map_values, s->map_values},
        {IR_TYPE_OPTIONAL, s->n_optional_values, s->optional_values},
    };
    if (s->n_sparse_tensor_values > 0) {
        return base_fail(r->in.diag, SY_EUNSUPPORTED, "%s: sparse tensors are not supported",
                         r->in.file);
    }
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
        if (parts[k].n > 0) {
            ir_tensor *entries = base_arena_alloc(r->in.scratch, parts[k].n, sizeof *entries);
            if (entries == NULL) {
                return SY_ENOMEM;
            }
            SY_TRY(read_entries(r, parts[k].kind, parts[k].n, parts[k].values, entries));
            return make_list(r, IR_TYPE_SEQUENCE, (int64_t)parts[k].n, entries, out);
        }
    }
    return make_list(r, IR_TYPE_SEQUENCE, 0, NULL, out);
}

static sy_status read_optional(reader *r, const ProtobufCBinaryData *bytes, ir_tensor *out)
{
    const SyOnnx__Optional *o =
        (const SyOnnx__Optional *)unpack(r, &sy_onnx__optional__descriptor, bytes);
    ir_tensor entry = {0};
    if (o == NULL) {
        return damaged(r, "an optional");
    }
    if (o->has_sparse_tensor_value) {
        return base_fail(r->in.diag, SY_EUNSUPPORTED, "%s: sparse tensors are not supported",
                         r->in.file);
    }
    if (o->has_tensor_value) {
        SY_TRY(read_value(r, IR_TYPE_TENSOR, &o->tensor_value, &entry));
    } else if (o->has_sequence_value) {
        SY_TRY(read_value(r, IR_TYPE_SEQUENCE, &o->sequence_value, &entry));
    } else if (o->has_map_value) {
        SY_TRY(read_value(r, IR_TYPE_MAP, &o->map_value, &entry));
    } else if (o->has_optional_value) {
        SY_TRY(read_value(r, IR_TYPE_OPTIONAL, &o->optional_value, &entry));
    } else {
        return make_list(r, IR_TYPE_OPTIONAL, 0, NULL, out);
    }
    return make_list(r, IR_TYPE_OPTIONAL, 1, &entry, out);
}

/* Keys as a tensor: of strings, or of the integer type that the map names. */
static sy_status map_keys(reader *r, const SyOnnx__Map *m, ir_tensor *out)
{
    const bool text = m->n_string_keys > 0;
    const int64_t n = (int64_t)(text ? m->n_string_keys : m->n_keys);
    base_buf buf = {0};
    for (size_t i = 0; i < m->n_string_keys; i++) {
        ir_strings_put(&buf, (const char *)m->string_keys[i].data, m->string_keys[i].len);
    }
    for (size_t i = 0; i < m->n_keys && !text; i++) {
        (void)base_buf_put_le64(&buf, (uint64_t)m->keys[i]);
    }
    sy_status status = ir_tensor_init(out, text ? SY_DT_STRING : SY_DT_I64, 1, &n, NULL);
    out->data = base_arena_alloc(r->arena, buf.n_bytes + 1, 1);
    if (status == SY_OK && (base_buf_status(&buf) != SY_OK || out->data == NULL)) {
        status = SY_ENOMEM;
    }
    if (status == SY_OK) {
        out->size_bytes = buf.n_bytes;
        if (buf.n_bytes > 0) {
            memcpy(out->data, buf.data, buf.n_bytes);
        }
    }
    base_buf_free(&buf);
    return status;
}

static sy_status read_map(reader *r, const ProtobufCBinaryData *bytes, ir_tensor *out)
{
    const SyOnnx__Map *m = (const SyOnnx__Map *)unpack(r, &sy_onnx__map__descriptor, bytes);
    ir_tensor entries[2];
    if (m == NULL || !m->has_values) {
        return damaged(r, "a map");
    }
    SY_TRY(map_keys(r, m, &entries[0]));
    SY_TRY(read_value(r, IR_TYPE_SEQUENCE, &m->values, &entries[1]));
    if (ir_list_n(&entries[1]) != entries[0].dims[0]) {
        return damaged(r, "a map");
    }
    return make_list(r, IR_TYPE_MAP, 2, entries, out);
}

static sy_status read_value(reader *r, ir_type_kind kind, const ProtobufCBinaryData *bytes,
                            ir_tensor *out)
{
    if (r->depth >= MAX_DEPTH) {
        return base_fail(r->in.diag, SY_ERANGE, "%s: lists lie more than %d deep in each other",
                         r->in.file, MAX_DEPTH);
    }
    r->depth++;
    sy_status status = SY_OK;
    switch (kind) {
    case IR_TYPE_UNKNOWN:
    case IR_TYPE_TENSOR:
        status = read_tensor(r, bytes, out);
        break;
    case IR_TYPE_SEQUENCE:
        status = read_sequence(r, bytes, out);
        break;
    case IR_TYPE_OPTIONAL:
        status = read_optional(r, bytes, out);
        break;
    case IR_TYPE_MAP:
        status = read_map(r, bytes, out);
        break;
    }
    r->depth--;
    return status;
}

sy_status ir_import_onnx_value(base_arena *arena, const char *path, ir_type_kind kind,
                               base_diag *diag, ir_tensor *out)
{
    base_buf file = {0};
    base_diag dropped = {{0}};
    reader r = {.arena = arena, .in = {.diag = diag != NULL ? diag : &dropped}};
    SY_TRY(base_file_read(r.in.diag, path, (size_t)1 << 31, &file));
    /* The result may borrow from the bytes: they, and what is unpacked, live in its arena. */
    ProtobufCBinaryData bytes = {
        .len = file.n_bytes, .data = base_arena_memdup(arena, file.data, 1, file.n_bytes)};
    base_buf_free(&file);
    r.in.scratch = arena;
    ir_optable *table = NULL;
    sy_status status = bytes.data != NULL ? ir_optable_create(arena, &table) : SY_ENOMEM;
    if (status == SY_OK) {
        status = ir_module_create(arena, table, path, &r.in.m);
    }
    r.in.file = status == SY_OK ? ir_intern(r.in.m, path) : NULL;
    if (status == SY_OK) {
        status = r.in.file != NULL ? read_value(&r, kind, &bytes, out) : SY_ENOMEM;
    }
    return status == SY_ENOMEM ? base_fail(r.in.diag, status, "%s: out of memory", path) : status;
}
