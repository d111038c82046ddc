/*
 * ref_image.c -- ImageDecoder: finds out the format, decodes, gives colours their order.
 *
 * BMP and the portable formats are decoded here, the others by libsystole-image.so, which is looked for beside the
 * library or program that this code is in, in the tree that is installed in, and where the build put it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include "../image/image.h"
#include "systole/base/buf.h"
#include "systole/base/home.h"

#include <dlfcn.h>
#include <string.h>

#define FILE_NAME "libsystole-image.so"

/* ---------------------------------------------------------------- BMP */

typedef struct bmp {
    const unsigned char *data;
    size_t n;
    uint32_t width, height, bits, pixels, palette, n_palette, palette_entry;
    bool top_down;
    uint32_t masks[3];
} bmp;

static bool bmp_header(bmp *b)
{
    if (b->n < 26) {
        return false;
    }
    const unsigned char *d = b->data;
    const uint32_t header = base_get_le32(d + 14);
    b->pixels = base_get_le32(d + 10);
    if (header == 12) {
        b->width = base_get_le16(d + 18);
        b->height = base_get_le16(d + 20);
        b->bits = base_get_le16(d + 24);
        b->palette_entry = 3;
    } else if (header >= 40 && header <= 1024 && b->n >= 14 + (size_t)header) {
        const int32_t height = (int32_t)base_get_le32(d + 22);
        const uint32_t packing = base_get_le32(d + 30);
        b->width = base_get_le32(d + 18);
        b->top_down = height < 0;
        b->height = height < 0 ? 0u - (uint32_t)height : (uint32_t)height;
        b->bits = base_get_le16(d + 28);
        b->n_palette = base_get_le32(d + 46);
        b->palette_entry = 4;
        if (packing == 3 && b->n >= 14 + 40 + 12 && (b->bits == 16 || b->bits == 32)) {
            for (int i = 0; i < 3; i++) {
                b->masks[i] = base_get_le32(d + 54 + 4 * i);
            }
        } else if (packing != 0) {
            return false;
        }
    } else {
        return false;
    }
    b->palette = 14 + header;
    b->n_palette = b->bits > 8 ? 0 : b->n_palette == 0 || b->n_palette > 256 ? 1u << b->bits : b->n_palette;
    if (b->masks[0] == 0 && b->masks[1] == 0 && b->masks[2] == 0) {
        const uint32_t five[3] = { 0x7c00, 0x3e0, 0x1f }, eight[3] = { 0xff0000, 0xff00, 0xff };
        memcpy(b->masks, b->bits == 16 ? five : eight, sizeof b->masks);
    }
    const bool known = b->bits == 1 || b->bits == 4 || b->bits == 8 || b->bits == 16 || b->bits == 24 || b->bits == 32;
    return known && (size_t)b->palette + (size_t)b->n_palette * b->palette_entry <= b->n && b->width > 0 && b->height > 0;
}

/* The bits of v under a mask, as 8 bits. */
static unsigned char masked(uint32_t v, uint32_t mask)
{
    if (mask == 0) {
        return 0;
    }
    const int shift = __builtin_ctz(mask);
    return (unsigned char)((uint64_t)((v & mask) >> shift) * 255 / (mask >> shift));
}

static bool bmp_pixel(const bmp *b, const unsigned char *row, uint32_t x, unsigned char *rgb)
{
    if (b->bits <= 8) {
        const uint32_t per_byte = 8 / b->bits, shift = 8 - b->bits * (x % per_byte + 1);
        const uint32_t i = (uint32_t)row[x / per_byte] >> shift & ((1u << b->bits) - 1);
        const unsigned char *p = b->data + b->palette + (size_t)i * b->palette_entry;
        if (i >= b->n_palette) {
            return false;
        }
        rgb[0] = p[2];
        rgb[1] = p[1];
        rgb[2] = p[0];
        return true;
    }
    const uint32_t bytes = b->bits / 8;
    uint32_t v = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        v |= (uint32_t)row[(size_t)x * bytes + i] << (8 * i);
    }
    for (int c = 0; c < 3; c++) {
        rgb[c] = masked(v, b->masks[c]);
    }
    return true;
}

static bool decode_bmp(const unsigned char *data, size_t n_bytes, image_sink *sink)
{
    bmp b = { .data = data, .n = n_bytes };
    if (!bmp_header(&b) || b.width > IMAGE_MAX_PIXELS) {
        return false;
    }
    const uint64_t stride = ((uint64_t)b.width * b.bits + 31) / 32 * 4;
    if (b.pixels > n_bytes || (n_bytes - b.pixels) / stride < b.height || !image_start(sink, b.width, b.height)) {
        return false;
    }
    for (uint32_t y = 0; y < b.height; y++) {
        const unsigned char *row = data + b.pixels + stride * (b.top_down ? y : b.height - 1 - y);
        for (uint32_t x = 0; x < b.width; x++) {
            if (!bmp_pixel(&b, row, x, sink->pixels + ((size_t)y * b.width + x) * 3)) {
                return false;
            }
        }
    }
    return true;
}

/* ---------------------------------------------------------------- PBM, PGM, PPM */

typedef struct pnm {
    const unsigned char *data;
    size_t n, at;
} pnm;

static bool pnm_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next number of the header or of the text forms; comments run from # to the end of the line. */
static bool pnm_number(pnm *p, uint32_t *out)
{
    while (p->at < p->n && (pnm_space(p->data[p->at]) || p->data[p->at] == '#')) {
        if (p->data[p->at] == '#') {
            while (p->at < p->n && p->data[p->at] != '\n') {
                p->at++;
            }
        } else {
            p->at++;
        }
    }
    uint64_t v = 0;
    const size_t first = p->at;
    while (p->at < p->n && p->data[p->at] >= '0' && p->data[p->at] <= '9' && v <= UINT32_MAX) {
        v = v * 10 + (uint64_t)(p->data[p->at++] - '0');
    }
    *out = (uint32_t)v;
    return p->at > first && v <= UINT32_MAX;
}

/* The next sample of a row: text, bits or bytes. */
static bool pnm_sample(pnm *p, bool text, uint32_t most, uint32_t *out)
{
    if (text && most == 1) { /* bits as text need no space between them */
        while (p->at < p->n && pnm_space(p->data[p->at])) {
            p->at++;
        }
        *out = p->at < p->n ? (uint32_t)(p->data[p->at++] - '0') : 2;
        return *out <= 1;
    }
    if (text) {
        return pnm_number(p, out);
    }
    const size_t bytes = most > 255 ? 2 : 1;
    if (p->n - p->at < bytes) {
        return false;
    }
    *out = bytes == 2 ? (uint32_t)p->data[p->at] << 8 | p->data[p->at + 1] : p->data[p->at];
    p->at += bytes;
    return true;
}

static bool decode_pnm(const unsigned char *data, size_t n_bytes, image_sink *sink)
{
    pnm p = { data, n_bytes, 2 };
    const uint32_t kind = (uint32_t)(data[1] - '0'); /* 1 to 6: bits, grey, colours as text; then as bytes */
    const bool text = kind <= 3, bits = kind % 3 == 1, colour = kind % 3 == 0;
    uint32_t width, height, most = 1;
    if (!pnm_number(&p, &width) || !pnm_number(&p, &height) || (!bits && !pnm_number(&p, &most)) || most < 1 ||
        most > 65535 || p.at >= n_bytes) {
        return false;
    }
    p.at++; /* one white space */
    if ((uint64_t)width * height / 8 > n_bytes || !image_start(sink, width, height)) {
        return false;
    }
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            unsigned char *rgb = sink->pixels + ((size_t)y * width + x) * 3;
            for (int c = 0; c < (colour ? 3 : 1); c++) {
                uint32_t v = 0;
                if (bits && !text) {
                    const size_t at = p.at + ((size_t)width + 7) / 8 * y + x / 8;
                    if (at >= n_bytes) {
                        return false;
                    }
                    v = (uint32_t)data[at] >> (7 - x % 8) & 1;
                } else if (!pnm_sample(&p, text, most, &v) || v > most) {
                    return false;
                }
                v = bits ? 1 - v : v; /* a bit that is set is black */
                rgb[c] = (unsigned char)((v * 255u + most / 2) / most);
            }
            if (!colour) {
                rgb[1] = rgb[2] = rgb[0];
            }
        }
    }
    return true;
}

/* ---------------------------------------------------------------- the others */

/* The module's table; NULL if there is no such library. It stays loaded. */
static const image_module *load_module(void)
{
    base_buf path = { 0 };
    void *library = NULL;
    if (base_home_folder(&path) && base_buf_puts(&path, "/" FILE_NAME)) {
        library = dlopen(path.data, RTLD_NOW | RTLD_LOCAL);
    }
    base_buf_clear(&path);
    if (library == NULL && base_home_find(SY_IMAGE_LIBDIR "/" FILE_NAME, &path)) {
        library = dlopen(path.data, RTLD_NOW | RTLD_LOCAL);
    }
    base_buf_free(&path);
    library = library != NULL ? library : dlopen(SY_IMAGE_BUILD_FOLDER "/" FILE_NAME, RTLD_NOW | RTLD_LOCAL);
    library = library != NULL ? library : dlopen(SY_IMAGE_INSTALL_FOLDER "/" FILE_NAME, RTLD_NOW | RTLD_LOCAL);
    const image_module *module = library != NULL ? dlsym(library, IMAGE_MODULE_SYMBOL) : NULL;
    return module != NULL && module->abi == IMAGE_MODULE_ABI ? module : NULL;
}

typedef struct format {
    const char *name;
    bool own; /* decoded in this file */
    image_decoder decoder;
} format;

static bool begins(const unsigned char *data, size_t n, const char *with, size_t n_with)
{
    return n >= n_with && memcmp(data, with, n_with) == 0;
}

/* The format by its first bytes; name NULL: none that is known. */
static format format_of(const unsigned char *d, size_t n)
{
    static const image_module none;
    const bool is_pnm = n > 2 && d[0] == 'P' && d[1] >= '1' && d[1] <= '6' && (pnm_space(d[2]) || d[2] == '#');
    if (begins(d, n, "BM", 2)) {
        return (format){ "BMP", true, decode_bmp };
    }
    if (is_pnm) {
        return (format){ "PNM", true, decode_pnm };
    }
    const char *name = begins(d, n, "\xff\xd8\xff", 3)                                               ? "JPEG"
                       : begins(d, n, "\x89PNG\r\n\x1a\n", 8)                                        ? "PNG"
                       : begins(d, n, "II*\0", 4) || begins(d, n, "MM\0*", 4)                        ? "TIFF"
                       : begins(d, n, "RIFF", 4) && n >= 12 && memcmp(d + 8, "WEBP", 4) == 0         ? "WebP"
                       : begins(d, n, "\0\0\0\x0cjP  ", 8) || begins(d, n, "\xff\x4f\xff\x51", 4)    ? "JPEG 2000"
                                                                                                     : NULL;
    if (name == NULL) {
        return (format){ NULL, false, NULL };
    }
    const image_module *found = load_module(), *m = found != NULL ? found : &none;
    return (format){ name, false,
                     strcmp(name, "JPEG") == 0   ? m->jpeg
                     : strcmp(name, "PNG") == 0  ? m->png
                     : strcmp(name, "TIFF") == 0 ? m->tiff
                     : strcmp(name, "WebP") == 0 ? m->webp
                                                 : m->jpeg2000 };
}

static unsigned char *arena_room(void *user, size_t n_bytes)
{
    return base_arena_alloc(user, n_bytes, 1);
}

sy_status ir_ref_image_decoder(const ir_kernel_args *args)
{
    const ir_tensor *x = args->inputs[0];
    const char *order = ir_node_string(args->node, "pixel_format", "RGB");
    const bool grey = strcmp(order, "Grayscale") == 0, bgr = strcmp(order, "BGR") == 0;
    if (!grey && !bgr && strcmp(order, "RGB") != 0) {
        return base_fail(args->diag, SY_EINVAL, "attribute 'pixel_format' is '%s', expected RGB, BGR or Grayscale", order);
    }
    SY_TRY(ir_ref_need(args, x, x->dtype == SY_DT_U8));
    image_sink sink = { .user = args->scratch, .room = arena_room };
    const format f = format_of(x->data, x->size_bytes);
    if (f.name != NULL && f.decoder == NULL) {
        return base_fail(args->diag, SY_EUNSUPPORTED,
                         "this build cannot decode %s: install its library (scripts/packages.txt) and build again", f.name);
    }
    const bool good = f.decoder != NULL && f.decoder(x->data, x->size_bytes, &sink);
    const int64_t channels = grey ? 1 : 3; /* what cannot be decoded gives a picture without pixels */
    const int64_t dims[3] = { good ? sink.height : 0, good ? sink.width : 0, channels };
    SY_TRY(ir_kernel_result(args, 0, SY_DT_U8, 3, dims));
    const ir_tensor *y = ir_kernel_output(args, 0);
    for (int64_t i = 0; y != NULL && i < dims[0] * dims[1]; i++) {
        const unsigned char *rgb = sink.pixels + i * 3;
        unsigned char *to = (unsigned char *)y->data + i * channels;
        if (grey) { /* luma of ITU-R BT.601, in 16 bits after the point */
            to[0] = (unsigned char)((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
        } else {
            to[0] = rgb[bgr ? 2 : 0];
            to[1] = rgb[1];
            to[2] = rgb[bgr ? 0 : 2];
        }
    }
    return SY_OK;
}
