/*
 * onnx_tensor.c -- TensorProto to constants: raw, typed and external data.
 *
 * Small data are copied into the module; large raw data stay in the model file (or in the caller's
 * bytes) and external data in theirs: the constant is a handle.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_internal.h"

#include "systole/base/buf.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A tensor whose header has been checked. */
typedef struct tensor {
    onnx_import *in;
    const Onnx__TensorProto *proto;
    const char *what;
    sy_dtype dtype;
    int32_t rank;
    int64_t dims[IR_MAX_RANK];
    int64_t n_elements;
    size_t n_bytes; /* 0 for strings */
} tensor;

static sy_status check_header(onnx_import *in, const Onnx__TensorProto *p, const char *what,
                              tensor *t)
{
    *t = (tensor){.in = in, .proto = p, .what = what, .n_elements = 1};
    t->dtype = ir_onnx_dtype(p->has_data_type ? p->data_type : 0);
    if (t->dtype == SY_DT_NONE) {
        return base_fail(in->diag, SY_EUNSUPPORTED,
                         "%s: %s has element type %d, which is not known here", in->file, what,
                         p->has_data_type ? p->data_type : 0);
    }
    if (p->n_dims > IR_MAX_RANK) {
        return base_fail(in->diag, SY_ERANGE, "%s: %s has %zu dimensions, at most %d are possible",
                         in->file, what, p->n_dims, IR_MAX_RANK);
    }
    if (p->segment != NULL) {
        return base_fail(in->diag, SY_EUNSUPPORTED,
                         "%s: %s is stored in segments: save the model whole", in->file, what);
    }
    t->rank = (int32_t)p->n_dims;
    bool empty = false;
    for (int32_t i = 0; i < t->rank; i++) {
        t->dims[i] = p->dims[i];
        if (p->dims[i] < 0) {
            return base_fail(in->diag, SY_ERANGE,
                             "%s: %s has size %lld in dimension %d, expected at least 0", in->file,
                             what, (long long)p->dims[i], i);
        }
        empty = empty || p->dims[i] == 0;
    }
    for (int32_t i = 0; i < t->rank; i++) {
        if (t->dims[i] > ONNX_MAX_ELEMENTS / (t->n_elements > 0 ? t->n_elements : 1)) {
            return base_fail(in->diag, SY_ERANGE, "%s: %s has more than 2^40 elements: refused",
                             in->file, what);
        }
        t->n_elements *= t->dims[i] > 0 ? t->dims[i] : 1;
    }
    t->n_elements = empty ? 0 : t->n_elements;
    if (t->dtype != SY_DT_STRING && !sy_dtype_size_bytes(t->dtype, t->n_elements, &t->n_bytes)) {
        return base_fail(in->diag, SY_ERANGE, "%s: %s is too large", in->file, what);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- raw and external data */

static sy_status raw(const tensor *t, ir_const **out)
{
    onnx_import *in = t->in;
    onnx_place place;
    SY_ASSERT(t->proto->raw_data.len == sizeof place); /* the wire pass wrote it */
    memcpy(&place, t->proto->raw_data.data, sizeof place);
    SY_ASSERT(place.offset <= in->n_bytes && place.n_bytes <= in->n_bytes - place.offset);
    if (place.n_bytes != t->n_bytes) {
        return base_fail(in->diag, SY_EFORMAT,
                         "%s: %s holds %llu bytes of data, its type and shape need %zu", in->file,
                         t->what, (unsigned long long)place.n_bytes, t->n_bytes);
    }
    const unsigned char *data = in->data + place.offset;
    if (t->n_bytes <= ONNX_INLINE_BYTES) {
        return ir_const_inline(in->m, t->dtype, t->rank, t->dims, data, t->n_bytes, in->diag, out);
    }
    if (in->path == NULL) {
        const uint32_t unit = sy_dtype_bits(t->dtype) / 8;
        const bool aligned = unit <= 1 || (uintptr_t)data % (unit > 8 ? 8 : unit) == 0;
        return (aligned ? ir_const_borrow : ir_const_inline)(in->m, t->dtype, t->rank, t->dims,
                                                             data, t->n_bytes, in->diag, out);
    }
    return ir_const_file(in->m, t->dtype, t->rank, t->dims, in->path, place.offset, in->diag, out);
}

static sy_status parse_number(const tensor *t, const char *key, const char *text, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0) {
        return base_fail(t->in->diag, SY_EFORMAT,
                         "%s: %s: external data: %s is '%s', expected a number", t->in->file,
                         t->what, key, text);
    }
    *out = value;
    return SY_OK;
}

/* The file of that location below the model's folder; whatever leads out of the folder is refused.
 */
static sy_status external_path(const tensor *t, const char *location, const char **out)
{
    onnx_import *in = t->in;
    const char *slash = strrchr(in->path, '/');
    const char *folder = slash == NULL ? "."
                                       : base_arena_strndup(in->scratch, in->path,
                                                            (size_t)(slash - in->path) + 1);
    bool outside = location[0] == '/' || location[0] == '\0';
    for (const char *p = location; *p != '\0'; p += strspn(p, "/")) {
        const size_t n = strcspn(p, "/");
        outside = outside || (n == 2 && memcmp(p, "..", 2) == 0);
        p += n;
    }
    char *root = NULL, *file = NULL;
    const char *joined = folder != NULL ? base_arena_printf(in->scratch, "%s/%s", folder, location)
                                        : NULL;
    sy_status status = joined == NULL ? SY_ENOMEM : SY_OK;
    if (status == SY_OK && !outside) {
        root = realpath(folder, NULL);
        file = realpath(joined, NULL);
        if (root == NULL || file == NULL) {
            status = base_fail(in->diag, SY_EIO, "%s: %s: external data: cannot open '%s': %s",
                               in->file, t->what, joined, strerror(errno));
        } else {
            const size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);
            outside = strncmp(file, root, n) != 0 || file[n] != '/';
        }
    }
    if (status == SY_OK && outside) {
        status = base_fail(in->diag, SY_EINVAL,
                           "%s: %s: external data in '%s', which is not inside the model's folder: "
                           "refused; put the file beside the model",
                           in->file, t->what, location);
    }
    if (status == SY_OK) {
        *out = base_arena_strdup(in->scratch, file);
        status = *out != NULL ? SY_OK : SY_ENOMEM;
    }
    free(root);
    free(file);
    return status;
}

static sy_status external(const tensor *t, ir_const **out)
{
    onnx_import *in = t->in;
    const char *location = NULL, *path = NULL;
    uint64_t offset = 0, length = t->n_bytes;
    if (in->path == NULL || t->dtype == SY_DT_STRING) {
        return base_fail(
            in->diag, SY_EUNSUPPORTED, "%s: %s has its data in another file: %s", in->file, t->what,
            in->path == NULL ? "import the model by its path" : "strings cannot be kept there");
    }
    for (size_t i = 0; i < t->proto->n_external_data; i++) {
        const Onnx__StringStringEntryProto *e = t->proto->external_data[i];
        const char *key = e->key != NULL ? e->key : "", *value = e->value != NULL ? e->value : "";
        if (strcmp(key, "location") == 0) {
            location = value;
        } else if (strcmp(key, "offset") == 0) {
            SY_TRY(parse_number(t, key, value, &offset));
        } else if (strcmp(key, "length") == 0) {
            SY_TRY(parse_number(t, key, value, &length));
        }
    }
    if (location == NULL) {
        return base_fail(in->diag, SY_EFORMAT, "%s: %s: external data without a location", in->file,
                         t->what);
    }
    SY_TRY(external_path(t, location, &path));
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        return base_fail(in->diag, SY_EIO, "%s: %s: external data: '%s' is not a regular file",
                         in->file, t->what, path);
    }
    if (length != t->n_bytes || offset > (uint64_t)st.st_size ||
        length > (uint64_t)st.st_size - offset) {
        return base_fail(in->diag, SY_EFORMAT,
                         "%s: %s: external data: its type and shape need %zu bytes, there are %llu "
                         "at offset %llu of '%s' (%lld bytes)",
                         in->file, t->what, t->n_bytes, (unsigned long long)length,
                         (unsigned long long)offset, path, (long long)st.st_size);
    }
    return ir_const_file(in->m, t->dtype, t->rank, t->dims, path, offset, in->diag, out);
}

/* ---------------------------------------------------------------- typed data */

static sy_status wrong_count(const tensor *t, const char *field, size_t have, size_t need)
{
    return base_fail(t->in->diag, SY_EFORMAT, "%s: %s has %zu values in %s, its shape needs %zu",
                     t->in->file, t->what, have, field, need);
}

static sy_status strings(const tensor *t, ir_const **out)
{
    base_buf buf = {0};
    sy_status status = SY_OK;
    if (t->proto->n_string_data != (size_t)t->n_elements) {
        return wrong_count(t, "string_data", t->proto->n_string_data, (size_t)t->n_elements);
    }
    for (size_t i = 0; i < t->proto->n_string_data; i++) {
        const ProtobufCBinaryData *s = &t->proto->string_data[i];
        base_buf_put_le32(&buf, (uint32_t)s->len); /* protobuf's lengths are below 2 GiB */
        base_buf_append(&buf, s->data, s->len);
    }
    status = base_buf_status(&buf);
    if (status == SY_OK) {
        status = ir_const_inline(t->in->m, t->dtype, t->rank, t->dims,
                                 buf.data != NULL ? buf.data : "", buf.n_bytes, t->in->diag, out);
    }
    base_buf_free(&buf);
    return status;
}

/* Range of an integer that int32_data may hold for a narrower type. */
static void narrow_range(sy_dtype dtype, int32_t *low, int32_t *high)
{
    const uint32_t bits = sy_dtype_bits(dtype);
    const sy_dtype_class class = sy_dtype_class_of(dtype);
    if (class == SY_DC_INT && bits >= 8) {
        *low = bits >= 32 ? INT32_MIN : -(1 << (bits - 1));
        *high = bits >= 32 ? INT32_MAX : (1 << (bits - 1)) - 1;
    } else { /* bit patterns; packed types have two or four elements in a byte, some writers
                sign-extend it */
        *low = bits < 8 ? -128 : 0;
        *high = bits > 8 ? UINT16_MAX : UINT8_MAX;
    }
}

static sy_status from_int32(const tensor *t, unsigned char *bytes)
{
    const uint32_t bits = sy_dtype_bits(t->dtype);
    const size_t width = bits <= 8 ? 1 : bits / 8;
    const size_t need = t->n_bytes / width;
    int32_t low = 0, high = 0;
    if (t->proto->n_int32_data != need) {
        return wrong_count(t, "int32_data", t->proto->n_int32_data, need);
    }
    narrow_range(t->dtype, &low, &high);
    for (size_t i = 0; i < need; i++) {
        const int32_t v = t->proto->int32_data[i];
        if (v < low || v > high) {
            return base_fail(t->in->diag, SY_ERANGE,
                             "%s: %s: value %zu is %d, which does not fit %s", t->in->file, t->what,
                             i, v, sy_dtype_name(t->dtype));
        }
        memcpy(bytes + i * width, &v, width); /* little-endian, as all data here */
    }
    return SY_OK;
}

static sy_status from_uint64(const tensor *t, unsigned char *bytes)
{
    const size_t width = sy_dtype_bits(t->dtype) / 8;
    const size_t need = t->n_bytes / width;
    if (t->proto->n_uint64_data != need) {
        return wrong_count(t, "uint64_data", t->proto->n_uint64_data, need);
    }
    for (size_t i = 0; i < need; i++) {
        const uint64_t v = t->proto->uint64_data[i];
        if (width == 4 && v > UINT32_MAX) {
            return base_fail(t->in->diag, SY_ERANGE,
                             "%s: %s: value %zu is %llu, which does not fit u32", t->in->file,
                             t->what, i, (unsigned long long)v);
        }
        memcpy(bytes + i * width, &v, width);
    }
    return SY_OK;
}

static sy_status copy_field(const tensor *t, const char *field, const void *values, size_t n_values,
                            size_t width, unsigned char *bytes)
{
    if (n_values != t->n_bytes / width) {
        return wrong_count(t, field, n_values, t->n_bytes / width);
    }
    if (n_values > 0) {
        memcpy(bytes, values, t->n_bytes);
    }
    return SY_OK;
}

static sy_status fill_typed(const tensor *t, unsigned char *bytes)
{
    const Onnx__TensorProto *p = t->proto;
    switch (t->dtype) {
    case SY_DT_F32:
    case SY_DT_C64:
        return copy_field(t, "float_data", p->float_data, p->n_float_data, 4, bytes);
    case SY_DT_F64:
    case SY_DT_C128:
        return copy_field(t, "double_data", p->double_data, p->n_double_data, 8, bytes);
    case SY_DT_I64:
        return copy_field(t, "int64_data", p->int64_data, p->n_int64_data, 8, bytes);
    case SY_DT_U32:
    case SY_DT_U64:
        return from_uint64(t, bytes);
    case SY_DT_I32:
    case SY_DT_I16:
    case SY_DT_I8:
    case SY_DT_U16:
    case SY_DT_U8:
    case SY_DT_BOOL:
    case SY_DT_F16:
    case SY_DT_BF16:
    case SY_DT_F8E4M3FN:
    case SY_DT_F8E4M3FNUZ:
    case SY_DT_F8E5M2:
    case SY_DT_F8E5M2FNUZ:
    case SY_DT_F8E8M0:
    case SY_DT_U4:
    case SY_DT_I4:
    case SY_DT_F4E2M1:
    case SY_DT_U2:
    case SY_DT_I2:
        return from_int32(t, bytes);
    case SY_DT_STRING:
    case SY_DT_NONE:
        break;
    }
    SY_UNREACHABLE();
}

/* The number of values in all typed fields: nothing may be allocated for data that are not there.
 */
static size_t n_typed(const Onnx__TensorProto *p)
{
    return p->n_float_data + p->n_double_data + p->n_int32_data + p->n_int64_data +
           p->n_uint64_data;
}

sy_status ir_onnx_tensor(onnx_import *in, const Onnx__TensorProto *p, const char *what,
                         ir_const **out)
{
    tensor t;
    SY_TRY(check_header(in, p, what, &t));
    if (p->has_data_location && p->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) {
        return external(&t, out);
    }
    if (t.dtype == SY_DT_STRING) {
        return strings(&t, out);
    }
    if (p->has_raw_data && n_typed(p) > 0) {
        return base_fail(in->diag, SY_EFORMAT, "%s: %s has both raw and typed data, expected one",
                         in->file, what);
    }
    if (p->has_raw_data) {
        return raw(&t, out);
    }
    if (t.n_bytes / 16 > n_typed(p)) {
        return wrong_count(&t, "its data fields", n_typed(p), (size_t)t.n_elements);
    }
    unsigned char *bytes = base_arena_alloc(in->scratch, t.n_bytes, 1);
    if (bytes == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(fill_typed(&t, bytes));
    return ir_const_inline(in->m, t.dtype, t.rank, t.dims, bytes, t.n_bytes, in->diag, out);
}
