/*
 * onnx_wire.c -- bytes of an ONNX file, checked and unpacked by protobuf-c, without its weights.
 *
 * protobuf-c copies every byte field and recurses as deep as the file tells it to. So a first pass
 * walks the wire format along protobuf-c's own descriptors: it checks lengths, wire types and
 * depth, and writes a skeleton of the message in which raw_data is replaced by its place in the
 * file. Only the skeleton is unpacked, into an arena: the weights are never copied, and the memory
 * is bounded by a multiple of the file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_internal.h"

#include "systole/base/buf.h"

#include <limits.h>
#include <string.h>

/* A region inside a region is three messages deeper: attribute, graph, node. Types and entries add
 * a few. */
#define MAX_DEPTH (3 * ONNX_MAX_REGION_DEPTH + 24)

/* A message of two bytes becomes a structure of a few hundred: bound what a file of empty messages
 * may take. */
#define ALLOWED_BASE_BYTES ((size_t)64 << 20)
#define ALLOWED_FACTOR     48

typedef enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 } wire_type;

typedef struct wire {
    base_diag *diag;
    const char *file;
    const unsigned char *data; /* of the whole file: for offsets */
    base_buf out;
} wire;

static sy_status damaged(wire *w, const unsigned char *at, const ProtobufCMessageDescriptor *d,
                         const char *what)
{
    return base_fail(
        w->diag, SY_EFORMAT,
        "%s: not an ONNX model, or damaged: %s in %s at byte %zu (was the file copied whole?)",
        w->file, what, d->short_name, (size_t)(at - w->data));
}

/* Reads a varint; NULL if it does not end in time. */
static const unsigned char *read_varint(const unsigned char *p, const unsigned char *end,
                                        uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && p < end; shift += 7) {
        const unsigned char byte = *p++;
        if (shift < 64) {
            value |= (uint64_t)(byte & 0x7fu) << shift;
        }
        if ((byte & 0x80u) == 0) {
            *out = value;
            return p;
        }
    }
    return NULL;
}

/* The wire type that a field of this type has when it is not packed. */
static wire_type natural_type(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        return WIRE_VARINT;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_64;
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_32;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_BYTES;
    }
    SY_UNREACHABLE();
}

/* The five-byte form of a length: longer than needed, so that it can be written before the length
 * is known. */
static void put_length(unsigned char *at, size_t length)
{
    for (int i = 0; i < 5; i++) {
        at[i] = (unsigned char)((length & 0x7fu) | (i < 4 ? 0x80u : 0));
        length >>= 7;
    }
}

static bool put_tag(base_buf *out, uint32_t tag)
{
    uint64_t v = (uint64_t)tag << 3 | WIRE_BYTES;
    for (; v >= 0x80; v >>= 7) {
        base_buf_put_u8(out, (uint8_t)(v | 0x80));
    }
    return base_buf_put_u8(out, (uint8_t)v);
}

static sy_status scan(wire *w, const ProtobufCMessageDescriptor *d, const unsigned char *p,
                      const unsigned char *end, uint32_t depth);

static sy_status scan_submessage(wire *w, const ProtobufCMessageDescriptor *d, uint32_t tag,
                                 const unsigned char *p, const unsigned char *end, uint32_t depth)
{
    if (depth >= MAX_DEPTH) {
        return base_fail(w->diag, SY_ERANGE,
                         "%s: messages nested deeper than %d (at byte %zu): more than %d regions "
                         "inside each other "
                         "are refused",
                         w->file, MAX_DEPTH, (size_t)(p - w->data), ONNX_MAX_REGION_DEPTH);
    }
    put_tag(&w->out, tag);
    const size_t at = w->out.n_bytes;
    base_buf_zeros(&w->out, 5);
    SY_TRY(scan(w, d, p, end, depth + 1));
    SY_TRY(base_buf_status(&w->out));
    const size_t length = w->out.n_bytes - at - 5;
    if (length > INT_MAX) {
        return base_fail(w->diag, SY_ERANGE, "%s: larger than 2 GiB without its weights", w->file);
    }
    put_length((unsigned char *)w->out.data + at, length);
    return SY_OK;
}

/* Fields that Debian's onnx.proto is too old for, and that change what the model means. */
static bool keep_unknown(const ProtobufCMessageDescriptor *d, uint32_t tag)
{
    return (d == &onnx__node_proto__descriptor && tag == ONNX_FIELD_NODE_OVERLOAD) ||
           (d == &onnx__function_proto__descriptor && tag == ONNX_FIELD_FUNCTION_OVERLOAD);
}

/* One length-delimited field: [p, end) are its bytes, [start, end) with its tag and length. */
static sy_status scan_bytes(wire *w, const ProtobufCMessageDescriptor *d,
                            const ProtobufCFieldDescriptor *f, uint32_t tag,
                            const unsigned char *start, const unsigned char *p,
                            const unsigned char *end, uint32_t depth)
{
    if (d == &onnx__function_proto__descriptor && tag == ONNX_FIELD_FUNCTION_ATTRIBUTE) {
        return scan_submessage(w, &onnx__attribute_proto__descriptor, tag, p, end, depth);
    }
    if (f == NULL) {
        if (keep_unknown(d, tag)) {
            base_buf_append(&w->out, start, (size_t)(end - start));
        }
        return SY_OK;
    }
    if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        return scan_submessage(w, f->descriptor, tag, p, end, depth);
    }
    if (d == &onnx__tensor_proto__descriptor && strcmp(f->name, "raw_data") == 0) {
        const onnx_place place = {(uint64_t)(p - w->data), (uint64_t)(end - p)};
        put_tag(&w->out, tag);
        base_buf_put_u8(&w->out, sizeof place);
        base_buf_append(&w->out, &place, sizeof place);
        return SY_OK;
    }
    if (strcmp(f->name, "doc_string") != 0) {
        base_buf_append(&w->out, start, (size_t)(end - start));
    }
    return SY_OK;
}

static sy_status check_field(wire *w, const ProtobufCMessageDescriptor *d,
                             const ProtobufCFieldDescriptor *f, unsigned type, uint32_t *seen,
                             const unsigned char *at)
{
    if (f == NULL) {
        return SY_OK;
    }
    const wire_type natural = natural_type(f->type);
    const bool packed = f->label == PROTOBUF_C_LABEL_REPEATED && natural != WIRE_BYTES;
    if (type != (unsigned)natural && !(packed && type == WIRE_BYTES)) {
        return base_fail(w->diag, SY_EFORMAT,
                         "%s: not an ONNX model, or damaged: field '%s' of %s at byte %zu has wire "
                         "type %u, expected %d",
                         w->file, f->name, d->short_name, (size_t)(at - w->data), type,
                         (int)natural);
    }
    /* protobuf would merge the two; no ONNX writer makes such files, and the merge has a history of
     * bugs */
    const uint32_t bit = UINT32_C(1) << ((uint32_t)(f - d->fields) & 31u);
    if (f->type == PROTOBUF_C_TYPE_MESSAGE && f->label != PROTOBUF_C_LABEL_REPEATED) {
        if ((*seen & bit) != 0) {
            return base_fail(w->diag, SY_EFORMAT,
                             "%s: %s at byte %zu has two fields '%s', expected one", w->file,
                             d->short_name, (size_t)(at - w->data), f->name);
        }
        *seen |= bit;
    }
    return SY_OK;
}

static sy_status scan(wire *w, const ProtobufCMessageDescriptor *d, const unsigned char *p,
                      const unsigned char *end, uint32_t depth)
{
    uint32_t seen = 0;
    SY_ASSERT(d->n_fields <= 32);
    while (p < end) {
        const unsigned char *start = p;
        uint64_t key = 0, value = 0;
        p = read_varint(p, end, &key);
        if (p == NULL || key >> 3 == 0 || key >> 3 >= UINT32_C(1) << 29) {
            return damaged(w, start, d, "a malformed field number");
        }
        const uint32_t tag = (uint32_t)(key >> 3);
        const unsigned type = (unsigned)(key & 7u);
        const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(d, tag);
        SY_TRY(check_field(w, d, f, type, &seen, start));
        const size_t left = (size_t)(end - p);
        switch (type) {
        case WIRE_VARINT:
            p = read_varint(p, end, &value);
            break;
        case WIRE_64:
            p = left >= 8 ? p + 8 : NULL;
            break;
        case WIRE_32:
            p = left >= 4 ? p + 4 : NULL;
            break;
        case WIRE_BYTES: {
            p = read_varint(p, end, &value);
            if (p != NULL && value > (uint64_t)(end - p)) {
                p = NULL;
            }
            if (p != NULL) {
                SY_TRY(scan_bytes(w, d, f, tag, start, p, p + value, depth));
                p += value;
            }
            break;
        }
        default:
            return damaged(w, start, d, "an unknown wire type");
        }
        if (p == NULL) {
            return damaged(w, start, d, "a field that goes beyond its end");
        }
        if (type != WIRE_BYTES && f != NULL) {
            base_buf_append(&w->out, start, (size_t)(p - start));
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- what else a file may be */

static const struct {
    size_t offset, n;
    const char *bytes;
    const char *what;
} signatures[] = {
    {0, 8, "\x89PNG\r\n\x1a\n", "a PNG image"},
    {0, 4,
     "\x7f"
     "ELF",
     "an ELF file (run it, or give 'compile' the model it was made from)"},
    {0, 3, "\xff\xd8\xff", "a JPEG image"},
    {0, 2, "\x1f\x8b", "a gzip file (unpack it first)"},
    {0, 4, "PK\x03\x04", "a zip archive (a PyTorch checkpoint or .npz? export it to ONNX first)"},
    {0, 8, "\x89HDF\r\n\x1a\n", "an HDF5 file (a Keras model? export it to ONNX first)"},
    {4, 4, "TFL3", "a TensorFlow Lite model (convert it to ONNX first)"},
    {4, 4, "ORTM", "an ONNX Runtime format model (use the .onnx it was made from)"},
    {0, 6, "\x93NUMPY", "a NumPy array"},
    {0, 4, "GGUF", "a GGUF file"},
    {0, 5, "%PDF-", "a PDF document"},
    {0, 8, "version ", "a text file (a Git LFS pointer? fetch the file itself)"},
    {0, 1, "{", "a JSON or other text file"},
    {0, 1, "<", "an XML or HTML file (was the download redirected?)"},
};

static sy_status check_signature(const char *file, const unsigned char *data, size_t n_bytes,
                                 base_diag *diag)
{
    if (n_bytes == 0) {
        return base_fail(diag, SY_EFORMAT, "%s: not an ONNX model: the file is empty", file);
    }
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        if (n_bytes >= signatures[i].offset + signatures[i].n &&
            memcmp(data + signatures[i].offset, signatures[i].bytes, signatures[i].n) == 0) {
            return base_fail(diag, SY_EFORMAT, "%s: not an ONNX model but %s", file,
                             signatures[i].what);
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- unpacking */

typedef struct bounded_arena {
    base_arena *arena;
    size_t left_bytes;
    bool too_large;
} bounded_arena;

static void *bounded_alloc(void *data, size_t size)
{
    bounded_arena *b = data;
    if (size > b->left_bytes) {
        b->too_large = true;
        return NULL;
    }
    b->left_bytes -= size;
    return base_arena_alloc(b->arena, 1, size);
}

static void bounded_free(void *data, void *pointer)
{
    (void)data;
    (void)pointer; /* the arena goes as a whole */
}

static sy_status unpack_skeleton(base_arena *arena, wire *w, const ProtobufCMessageDescriptor *d,
                                 size_t file_bytes, ProtobufCMessage **out)
{
    bounded_arena bounded = {arena, ALLOWED_BASE_BYTES, false};
    bounded.left_bytes += file_bytes > (SIZE_MAX - ALLOWED_BASE_BYTES) / ALLOWED_FACTOR
                              ? SIZE_MAX - ALLOWED_BASE_BYTES
                              : file_bytes * ALLOWED_FACTOR;
    ProtobufCAllocator allocator = {bounded_alloc, bounded_free, &bounded};
    const uint8_t *bytes = w->out.data != NULL ? (const uint8_t *)w->out.data : (const uint8_t *)"";
    ProtobufCMessage *message = protobuf_c_message_unpack(d, &allocator, w->out.n_bytes, bytes);
    if (bounded.too_large) {
        return base_fail(
            w->diag, SY_ERANGE,
            "%s: its messages take more than %d times their size in memory: refused as hostile",
            w->file, ALLOWED_FACTOR);
    }
    if (message == NULL) {
        return base_fail(w->diag, SY_EFORMAT,
                         "%s: not an ONNX model, or damaged: protobuf cannot unpack it", w->file);
    }
    *out = message;
    return SY_OK;
}

static sy_status unpack(base_arena *arena, const char *file, const void *data, size_t offset,
                        size_t n_bytes, const ProtobufCMessageDescriptor *d, base_diag *diag,
                        ProtobufCMessage **out)
{
    wire w = {.diag = diag, .file = file, .data = data};
    const unsigned char *bytes = w.data + offset;
    sy_status status = scan(&w, d, bytes, bytes + n_bytes, 0);
    if (status == SY_OK) {
        status = base_buf_status(&w.out);
    }
    if (status == SY_OK) {
        status = unpack_skeleton(arena, &w, d, n_bytes, out);
    }
    base_buf_free(&w.out);
    return status;
}

sy_status ir_onnx_unpack(base_arena *arena, const char *file, const void *data, size_t n_bytes,
                         base_diag *diag, Onnx__ModelProto **out)
{
    ProtobufCMessage *message = NULL;
    SY_TRY(check_signature(file, data, n_bytes, diag));
    SY_TRY(unpack(arena, file, data, 0, n_bytes, &onnx__model_proto__descriptor, diag, &message));
    *out = (Onnx__ModelProto *)message;
    return SY_OK;
}

sy_status ir_onnx_unpack_tensor(base_arena *arena, const char *file, const void *data,
                                size_t offset, size_t n_bytes, base_diag *diag,
                                Onnx__TensorProto **out)
{
    ProtobufCMessage *message = NULL;
    SY_TRY(unpack(arena, file, data, offset, n_bytes, &onnx__tensor_proto__descriptor, diag,
                  &message));
    *out = (Onnx__TensorProto *)message;
    return SY_OK;
}

/* ---------------------------------------------------------------- fields newer than onnx.proto */

const char *ir_onnx_unknown_text(base_arena *arena, const ProtobufCMessage *message, uint32_t tag)
{
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *f = &message->unknown_fields[i];
        uint64_t length = 0;
        if (f->tag == tag && (int)f->wire_type == WIRE_BYTES) {
            /* protobuf-c keeps the length in front of the bytes */
            const unsigned char *p = read_varint(f->data, f->data + f->len, &length);
            if (p != NULL && length == (uint64_t)(f->data + f->len - p)) {
                return base_arena_strndup(arena, (const char *)p, (size_t)length);
            }
        }
    }
    return "";
}

sy_status ir_onnx_unknown_attributes(base_arena *arena, const ProtobufCMessage *message,
                                     uint32_t tag, Onnx__AttributeProto ***out, uint32_t *n_out)
{
    Onnx__AttributeProto **attrs = BASE_ARENA_ARRAY(arena, Onnx__AttributeProto *,
                                                    message->n_unknown_fields);
    uint32_t n = 0;
    bounded_arena bounded = {arena, SIZE_MAX, false}; /* the model's own unpacking was bounded */
    ProtobufCAllocator allocator = {bounded_alloc, bounded_free, &bounded};
    if (attrs == NULL) {
        return SY_ENOMEM;
    }
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *f = &message->unknown_fields[i];
        uint64_t length = 0;
        if (f->tag != tag || (int)f->wire_type != WIRE_BYTES) {
            continue;
        }
        const unsigned char *p = read_varint(f->data, f->data + f->len, &length);
        if (p == NULL || length != (uint64_t)(f->data + f->len - p)) {
            return SY_EFORMAT;
        }
        attrs[n] = onnx__attribute_proto__unpack(&allocator, (size_t)length, p);
        if (attrs[n++] == NULL) {
            return SY_EFORMAT;
        }
    }
    *out = attrs;
    *n_out = n;
    return SY_OK;
}
