/*
 * npy.c -- reads and writes .npy.
 *
 * A file is "\x93NUMPY", version, length of the header, the header, the data. The header is a
 * Python dictionary of three entries, of which only the forms that NumPy writes are understood:
 * nothing is evaluated.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/npy.h"

#include "systole/base/file.h"
#include "systole/rt/buffer.h"

#include <inttypes.h>
#include <string.h>

#define FILE_LIMIT_BYTES (SIZE_MAX / 4)

/* NumPy's kind letter and size of each type that it has. */
static const struct {
    sy_dtype dtype;
    char kind;
    int size;
} types[] = {
    {SY_DT_BOOL, 'b', 1}, {SY_DT_I8, 'i', 1},    {SY_DT_I16, 'i', 2}, {SY_DT_I32, 'i', 4},
    {SY_DT_I64, 'i', 8},  {SY_DT_U8, 'u', 1},    {SY_DT_U16, 'u', 2}, {SY_DT_U32, 'u', 4},
    {SY_DT_U64, 'u', 8},  {SY_DT_F16, 'f', 2},   {SY_DT_F32, 'f', 4}, {SY_DT_F64, 'f', 8},
    {SY_DT_C64, 'c', 8},  {SY_DT_C128, 'c', 16},
};
#define N_TYPES (sizeof types / sizeof types[0])

/* ---------------------------------------------------------------- the header */

typedef struct header {
    const char *at, *end;
    const char *name; /* for messages */
    base_diag *diag;
    sy_dtype dtype;
    bool big_endian, fortran;
    bool has_descr, has_order, has_shape;
    int32_t rank;
    int64_t dims[IR_MAX_RANK];
} header;

static void skip_space(header *h)
{
    while (h->at < h->end &&
           (*h->at == ' ' || *h->at == '\n' || *h->at == '\t' || *h->at == '\r')) {
        h->at++;
    }
}

/* True if the next character is c, which is then taken. */
static bool take(header *h, char c)
{
    skip_space(h);
    if (h->at < h->end && *h->at == c) {
        h->at++;
        return true;
    }
    return false;
}

static bool take_word(header *h, const char *word)
{
    skip_space(h);
    const size_t n = strlen(word);
    if ((size_t)(h->end - h->at) < n || memcmp(h->at, word, n) != 0) {
        return false;
    }
    h->at += n;
    return true;
}

static sy_status malformed(const header *h, const char *what)
{
    return base_fail(h->diag, SY_EFORMAT, "%s: damaged .npy header: %s", h->name, what);
}

/* A string without escapes, in place. */
static sy_status take_string(header *h, const char **text, size_t *n)
{
    skip_space(h);
    if (h->at >= h->end || (*h->at != '\'' && *h->at != '"')) {
        return malformed(h, "expected a string");
    }
    const char quote = *h->at++;
    *text = h->at;
    while (h->at < h->end && *h->at != quote && *h->at != '\\' && *h->at != '\n') {
        h->at++;
    }
    if (h->at >= h->end || *h->at != quote) {
        return malformed(h, "a string has no end");
    }
    *n = (size_t)(h->at - *text);
    h->at++;
    return SY_OK;
}

static sy_status take_descr(header *h)
{
    const char *text;
    size_t n;
    skip_space(h);
    if (h->at < h->end && *h->at == '[') {
        return base_fail(h->diag, SY_EUNSUPPORTED,
                         "%s: elements are structures; expected plain numbers", h->name);
    }
    SY_TRY(take_string(h, &text, &n));
    char order = '|';
    if (n > 0 && strchr("<>|=", text[0]) != NULL) {
        order = text[0];
        text++;
        n--;
    }
    int size = 0;
    for (size_t i = 1; i < n && i <= 4; i++) {
        size = text[i] >= '0' && text[i] <= '9' ? size * 10 + (text[i] - '0') : -1000000;
    }
    for (size_t i = 0; i < N_TYPES && n >= 2 && n <= 4; i++) {
        if (types[i].kind == text[0] && types[i].size == size) {
            h->dtype = types[i].dtype;
            h->big_endian = order == '>';
            h->has_descr = true;
            return SY_OK;
        }
    }
    return base_fail(h->diag, SY_EUNSUPPORTED, "%s: element type '%.*s' is not supported", h->name,
                     (int)(n < 20 ? n : 20), text);
}

static sy_status take_order(header *h)
{
    if (take_word(h, "True")) {
        h->fortran = true;
    } else if (!take_word(h, "False")) {
        return malformed(h, "fortran_order is neither True nor False");
    }
    h->has_order = true;
    return SY_OK;
}

static sy_status take_size(header *h, int64_t *out)
{
    skip_space(h);
    const char *start = h->at;
    int64_t value = 0;
    while (h->at < h->end && *h->at >= '0' && *h->at <= '9') {
        const int digit = *h->at++ - '0';
        if (value > (INT64_MAX - digit) / 10) {
            return malformed(h, "a dimension is too large");
        }
        value = value * 10 + digit;
    }
    if (h->at == start) {
        return malformed(h, "a dimension is not a number");
    }
    if (h->at < h->end && *h->at == 'L') { /* Python 2 wrote long integers so */
        h->at++;
    }
    *out = value;
    return SY_OK;
}

static sy_status take_shape(header *h)
{
    if (!take(h, '(')) {
        return malformed(h, "the shape is no tuple");
    }
    h->rank = 0;
    while (!take(h, ')')) {
        int64_t size = 0;
        SY_TRY(take_size(h, &size));
        if (h->rank == IR_MAX_RANK) {
            return base_fail(h->diag, SY_EUNSUPPORTED, "%s: more than %d dimensions", h->name,
                             IR_MAX_RANK);
        }
        h->dims[h->rank++] = size;
        if (!take(h, ',')) {
            if (!take(h, ')')) {
                return malformed(h, "the shape has no end");
            }
            break;
        }
    }
    h->has_shape = true;
    return SY_OK;
}

static sy_status parse_header(header *h)
{
    if (!take(h, '{')) {
        return malformed(h, "it is no dictionary");
    }
    while (!take(h, '}')) {
        const char *key;
        size_t n;
        SY_TRY(take_string(h, &key, &n));
        if (!take(h, ':')) {
            return malformed(h, "expected ':' after a key");
        }
        if (n == 5 && memcmp(key, "descr", n) == 0) {
            SY_TRY(take_descr(h));
        } else if (n == 13 && memcmp(key, "fortran_order", n) == 0) {
            SY_TRY(take_order(h));
        } else if (n == 5 && memcmp(key, "shape", n) == 0) {
            SY_TRY(take_shape(h));
        } else {
            return malformed(h, "unknown key");
        }
        if (!take(h, ',')) {
            if (!take(h, '}')) {
                return malformed(h, "expected ',' or '}'");
            }
            break;
        }
    }
    skip_space(h);
    if (h->at != h->end) {
        return malformed(h, "something follows the dictionary");
    }
    return h->has_descr && h->has_order && h->has_shape
               ? SY_OK
               : malformed(h, "descr, fortran_order and shape must all be there");
}

/* ---------------------------------------------------------------- the data */

/* Copies n elements of `size` bytes, the bytes of each `part` (complex numbers have two) reversed.
 */
static void copy_reversed(char *to, const char *from, size_t n_bytes, size_t part)
{
    for (size_t i = 0; i < n_bytes; i += part) {
        for (size_t k = 0; k < part; k++) {
            to[i + k] = from[i + part - 1 - k];
        }
    }
}

/* From Fortran order (first index fastest) to C order. */
static void copy_transposed(const ir_tensor *t, const char *from)
{
    const size_t bytes = sy_dtype_bits(t->dtype) / 8;
    int64_t index[IR_MAX_RANK] = {0};
    const int64_t n = ir_tensor_n_elements(t);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = 0;
        for (int32_t a = t->rank - 1; a >= 0; a--) {
            at = at * t->dims[a] + index[a];
        }
        memcpy((char *)t->data + (size_t)i * bytes, from + (size_t)at * bytes, bytes);
        for (int32_t a = t->rank - 1; a >= 0; a--) {
            if (++index[a] < t->dims[a]) {
                break;
            }
            index[a] = 0;
        }
    }
}

static sy_status take_data(const header *h, const char *data, size_t n_bytes, ir_tensor *out)
{
    ir_tensor t;
    if (ir_tensor_init(&t, h->dtype, h->rank, h->dims, NULL) != SY_OK) {
        return base_fail(h->diag, SY_EFORMAT, "%s: the shape in the .npy header is too large",
                         h->name);
    }
    if (t.size_bytes != n_bytes) {
        return base_fail(h->diag, SY_EFORMAT,
                         "%s: the shape asks for %zu bytes of data, the file has %zu", h->name,
                         t.size_bytes, n_bytes);
    }
    t.data = rt_buffer_alloc(n_bytes);
    char *swapped = h->big_endian && h->fortran ? rt_buffer_alloc(n_bytes) : NULL;
    if (t.data == NULL || (h->big_endian && h->fortran && swapped == NULL)) {
        rt_buffer_free(t.data);
        rt_buffer_free(swapped);
        return base_fail(h->diag, SY_ENOMEM, "%s: out of memory: %zu bytes", h->name, n_bytes);
    }
    const bool complex = sy_dtype_class_of(h->dtype) == SY_DC_COMPLEX;
    const size_t part = sy_dtype_bits(h->dtype) / (complex ? 16 : 8);
    if (h->big_endian) {
        copy_reversed(swapped != NULL ? swapped : t.data, data, n_bytes, part);
    }
    if (h->fortran) {
        copy_transposed(&t, swapped != NULL ? swapped : data);
    } else if (!h->big_endian && n_bytes > 0) {
        memcpy(t.data, data, n_bytes);
    }
    for (size_t i = 0; h->dtype == SY_DT_BOOL && i < n_bytes; i++) {
        ((uint8_t *)t.data)[i] = ((uint8_t *)t.data)[i] != 0;
    }
    rt_buffer_free(swapped);
    *out = t;
    return SY_OK;
}

sy_status rt_npy_parse(const char *name, const void *data, size_t n_bytes, base_diag *diag,
                       ir_tensor *out)
{
    base_cursor c = base_cursor_at(data, n_bytes);
    const unsigned char *magic = base_cursor_bytes(&c, 6);
    if (magic == NULL || memcmp(magic, "\x93NUMPY", 6) != 0) {
        return base_fail(diag, SY_EFORMAT, "%s: not a .npy file", name);
    }
    const uint8_t major = base_cursor_u8(&c);
    (void)base_cursor_u8(&c); /* minor */
    const size_t length = major == 1 ? base_cursor_le16(&c) : base_cursor_le32(&c);
    const char *text = base_cursor_bytes(&c, length);
    if (!c.failed && (major < 1 || major > 3)) {
        return base_fail(diag, SY_EFORMAT, "%s: .npy format %u is not known; expected 1, 2 or 3",
                         name, major);
    }
    if (text == NULL) {
        return base_fail(diag, SY_EFORMAT, "%s: the file ends inside the .npy header", name);
    }
    header h = {.at = text, .end = text + length, .name = name, .diag = diag};
    SY_TRY(parse_header(&h));
    const size_t left = base_cursor_left(&c);
    return take_data(&h, base_cursor_bytes(&c, left), left, out);
}

sy_status rt_npy_read(const char *path, base_diag *diag, ir_tensor *out)
{
    base_buf file = {0};
    sy_status status = base_file_read(diag, path, FILE_LIMIT_BYTES, &file);
    if (status == SY_OK) {
        status = rt_npy_parse(path, file.data, file.n_bytes, diag, out);
    }
    base_buf_free(&file);
    return status;
}

sy_status rt_npy_write(const char *path, const ir_tensor *tensor, base_diag *diag)
{
    size_t type = 0;
    while (type < N_TYPES && types[type].dtype != tensor->dtype) {
        type++;
    }
    if (type == N_TYPES) {
        return base_fail(diag, SY_EUNSUPPORTED, "%s: NumPy has no type for %s", path,
                         sy_dtype_name(tensor->dtype));
    }
    base_buf text = {0}, file = {0};
    (void)base_buf_printf(&text, "{'descr': '%c%c%d', 'fortran_order': False, 'shape': (",
                          types[type].size == 1 ? '|' : '<', types[type].kind, types[type].size);
    for (int32_t i = 0; i < tensor->rank; i++) {
        (void)base_buf_printf(&text, "%" PRId64 "%s", tensor->dims[i],
                              tensor->rank == 1      ? ","
                              : i + 1 < tensor->rank ? ", "
                                                     : "");
    }
    (void)base_buf_puts(&text, "), }");
    /* Magic, version, length and header together fill a multiple of 64 bytes and end with a line
     * feed. */
    while ((text.n_bytes + 11) % 64 != 0 && base_buf_putc(&text, ' ')) {
    }
    (void)base_buf_putc(&text, '\n');
    (void)base_buf_append(&file, "\x93NUMPY\x01", 8);
    (void)base_buf_put_le16(&file, (uint16_t)text.n_bytes);
    (void)base_buf_append(&file, text.data, text.n_bytes);
    (void)base_buf_append(&file, tensor->data, tensor->size_bytes);
    sy_status status = SY_ENOMEM;
    if (base_buf_status(&text) != SY_OK || base_buf_status(&file) != SY_OK) {
        (void)base_fail(diag, status, "%s: out of memory", path);
    } else {
        status = base_file_write_atomic(diag, path, file.data, file.n_bytes);
    }
    base_buf_free(&text);
    base_buf_free(&file);
    return status;
}
