/*
 * image.c -- libsystole-image.so: pictures through the libraries of their formats.
 *
 * The bytes come from anywhere: each library's own checks are relied on, sizes are limited before memory is taken, and
 * the libraries' messages go nowhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#if SY_HAVE_JPEG
#include <jpeglib.h>

typedef struct jpeg_state {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    jmp_buf back;
} jpeg_state;

static void jpeg_stop(j_common_ptr info)
{
    longjmp(((jpeg_state *)info->client_data)->back, 1);
}

static void jpeg_silent(j_common_ptr info)
{
    (void)info;
}

/* A row of CMYK, inverted as Adobe writes it, in place of its first three quarters. */
static void from_cmyk(const unsigned char *cmyk, unsigned char *rgb, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t c = 0; c < 3; c++) {
            rgb[i * 3 + c] = (unsigned char)(cmyk[i * 4 + c] * cmyk[i * 4 + 3] / 255);
        }
    }
}

static bool jpeg_rows(jpeg_state *s, image_sink *sink)
{
    const bool cmyk = s->info.out_color_space == JCS_CMYK;
    unsigned char *wide = NULL;
    if (!image_start(sink, s->info.output_width, s->info.output_height)) {
        return false;
    }
    if (cmyk) {
        wide = sink->room(sink->user, (size_t)sink->width * 4);
        if (wide == NULL) {
            return false;
        }
    }
    while (s->info.output_scanline < s->info.output_height) {
        unsigned char *row = sink->pixels + (size_t)s->info.output_scanline * sink->width * 3;
        JSAMPROW rows[1] = { cmyk ? wide : row };
        if (jpeg_read_scanlines(&s->info, rows, 1) != 1) {
            return false;
        }
        if (cmyk) {
            from_cmyk(wide, row, sink->width);
        }
    }
    return true;
}

static bool decode_jpeg(const unsigned char *data, size_t n_bytes, image_sink *sink)
{
    jpeg_state s;
    memset(&s, 0, sizeof s);
    s.info.err = jpeg_std_error(&s.errors);
    s.info.client_data = &s;
    s.errors.error_exit = jpeg_stop;
    s.errors.output_message = jpeg_silent;
    if (setjmp(s.back) != 0) {
        jpeg_destroy_decompress(&s.info);
        return false;
    }
    jpeg_create_decompress(&s.info);
    s.info.client_data = &s;
    jpeg_mem_src(&s.info, data, n_bytes);
    (void)jpeg_read_header(&s.info, TRUE);
    const bool four = s.info.jpeg_color_space == JCS_CMYK || s.info.jpeg_color_space == JCS_YCCK;
    s.info.out_color_space = four ? JCS_CMYK : JCS_RGB;
    (void)jpeg_start_decompress(&s.info);
    const bool good = jpeg_rows(&s, sink);
    jpeg_destroy_decompress(&s.info);
    return good;
}
#else
#define decode_jpeg NULL
#endif

#if SY_HAVE_PNG
#include <png.h>

typedef struct png_source {
    const unsigned char *data;
    size_t left;
} png_source;

static void png_take(png_structp png, png_bytep out, png_size_t n)
{
    png_source *s = png_get_io_ptr(png);
    if (n > s->left) {
        png_error(png, "the end is missing");
    }
    memcpy(out, s->data, n);
    s->data += n;
    s->left -= n;
}

static void png_stop(png_structp png, png_const_charp text)
{
    (void)text;
    png_longjmp(png, 1);
}

static void png_silent(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

/* Reads all; errors jump over it. */
static bool png_read(png_structp png, png_infop info, image_sink *sink)
{
    png_read_info(png, info);
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
    const int n_passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (!image_start(sink, png_get_image_width(png, info), png_get_image_height(png, info)) ||
        png_get_rowbytes(png, info) != (png_size_t)sink->width * 3) {
        return false;
    }
    for (int pass = 0; pass < n_passes; pass++) {
        for (uint32_t y = 0; y < sink->height; y++) {
            png_read_row(png, sink->pixels + (size_t)y * sink->width * 3, NULL);
        }
    }
    return true;
}

static bool decode_png(const unsigned char *data, size_t n_bytes, image_sink *sink)
{
    png_source source = { data, n_bytes };
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, png_stop, png_silent);
    png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
    volatile bool good = false;
    if (info != NULL && setjmp(png_jmpbuf(png)) == 0) {
        png_set_read_fn(png, &source, png_take);
        good = png_read(png, info, sink);
    }
    png_destroy_read_struct(&png, &info, NULL);
    return good;
}
#else
#define decode_png NULL
#endif

#if SY_HAVE_TIFF
#include <tiffio.h>

typedef struct tiff_source {
    const unsigned char *data;
    size_t n, at;
} tiff_source;

static tmsize_t tiff_take(thandle_t handle, void *out, tmsize_t n)
{
    tiff_source *s = handle;
    const size_t left = s->at < s->n ? s->n - s->at : 0, take = (size_t)n < left ? (size_t)n : left;
    memcpy(out, s->data + (take > 0 ? s->at : 0), take);
    s->at += take;
    return (tmsize_t)take;
}

static tmsize_t tiff_put(thandle_t handle, void *data, tmsize_t n)
{
    (void)handle;
    (void)data;
    (void)n;
    return 0;
}

static toff_t tiff_seek(thandle_t handle, toff_t offset, int whence)
{
    tiff_source *s = handle;
    const size_t from = whence == SEEK_CUR ? s->at : whence == SEEK_END ? s->n : 0;
    s->at = from + (size_t)offset;
    return s->at;
}

static int tiff_close(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t tiff_size(thandle_t handle)
{
    return ((tiff_source *)handle)->n;
}

static bool decode_tiff(const unsigned char *data, size_t n_bytes, image_sink *sink)
{
    tiff_source source = { data, n_bytes, 0 };
    uint32_t width = 0, height = 0;
    (void)TIFFSetErrorHandler(NULL);
    (void)TIFFSetWarningHandler(NULL);
    TIFF *tiff = TIFFClientOpen("memory", "rm", &source, tiff_take, tiff_put, tiff_seek, tiff_close, tiff_size, NULL, NULL);
    if (tiff == NULL) {
        return false;
    }
    bool good = TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width) == 1 &&
                TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height) == 1 && image_start(sink, width, height);
    uint32_t *raster = good ? (uint32_t *)(void *)sink->room(sink->user, (size_t)width * height * sizeof(uint32_t)) : NULL;
    good = raster != NULL && TIFFReadRGBAImageOriented(tiff, width, height, raster, ORIENTATION_TOPLEFT, 1) == 1;
    for (size_t i = 0; good && i < (size_t)width * height; i++) {
        sink->pixels[i * 3] = (unsigned char)TIFFGetR(raster[i]);
        sink->pixels[i * 3 + 1] = (unsigned char)TIFFGetG(raster[i]);
        sink->pixels[i * 3 + 2] = (unsigned char)TIFFGetB(raster[i]);
    }
    TIFFClose(tiff);
    return good;
}
#else
#define decode_tiff NULL
#endif

#if SY_HAVE_WEBP
#include <webp/decode.h>

static bool decode_webp(const unsigned char *data, size_t n_bytes, image_sink *sink)
{
    int width = 0, height = 0;
    if (!WebPGetInfo(data, n_bytes, &width, &height) || width < 1 || height < 1 ||
        !image_start(sink, (uint64_t)width, (uint64_t)height)) {
        return false;
    }
    return WebPDecodeRGBInto(data, n_bytes, sink->pixels, (size_t)width * (size_t)height * 3, width * 3) != NULL;
}
#else
#define decode_webp NULL
#endif

#if SY_HAVE_JPEG2000
#include <openjpeg.h>

typedef struct j2k_source {
    const unsigned char *data;
    size_t n, at;
} j2k_source;

static OPJ_SIZE_T j2k_take(void *out, OPJ_SIZE_T n, void *user)
{
    j2k_source *s = user;
    const size_t left = s->n - s->at, take = n < left ? n : left;
    if (take == 0) {
        return (OPJ_SIZE_T)-1;
    }
    memcpy(out, s->data + s->at, take);
    s->at += take;
    return take;
}

static OPJ_OFF_T j2k_skip(OPJ_OFF_T n, void *user)
{
    j2k_source *s = user;
    if (n < 0 || (uint64_t)n > s->n - s->at) {
        return -1;
    }
    s->at += (size_t)n;
    return n;
}

static OPJ_BOOL j2k_seek(OPJ_OFF_T to, void *user)
{
    j2k_source *s = user;
    if (to < 0 || (uint64_t)to > s->n) {
        return OPJ_FALSE;
    }
    s->at = (size_t)to;
    return OPJ_TRUE;
}

/* Sample of a component at a pixel of the picture, in 8 bits. */
static unsigned char j2k_sample(const opj_image_comp_t *c, uint32_t x, uint32_t y)
{
    uint32_t cx = x / c->dx, cy = y / c->dy;
    cx = cx < c->w ? cx : c->w - 1;
    cy = cy < c->h ? cy : c->h - 1;
    int64_t v = c->data[(size_t)cy * c->w + cx];
    v += c->sgnd ? (int64_t)1 << (c->prec - 1) : 0;
    v = c->prec > 8 ? v >> (c->prec - 8) : c->prec < 8 ? v * 255 / (((int64_t)1 << c->prec) - 1) : v;
    return (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static bool j2k_pixels(const opj_image_t *image, image_sink *sink)
{
    if (image->numcomps < 1 || image->x1 <= image->x0 || image->y1 <= image->y0) {
        return false;
    }
    const uint32_t n = image->numcomps >= 3 ? 3 : 1;
    for (uint32_t c = 0; c < n; c++) {
        const opj_image_comp_t *comp = &image->comps[c];
        if (comp->data == NULL || comp->w == 0 || comp->h == 0 || comp->prec < 1 || comp->prec > 31 || comp->dx == 0 ||
            comp->dy == 0) {
            return false;
        }
    }
    if (!image_start(sink, image->x1 - image->x0, image->y1 - image->y0)) {
        return false;
    }
    for (uint32_t y = 0; y < sink->height; y++) {
        for (uint32_t x = 0; x < sink->width; x++) {
            unsigned char *p = sink->pixels + ((size_t)y * sink->width + x) * 3;
            for (uint32_t c = 0; c < 3; c++) {
                p[c] = j2k_sample(&image->comps[n == 3 ? c : 0], x, y);
            }
        }
    }
    return true;
}

static bool decode_jpeg2000(const unsigned char *data, size_t n_bytes, image_sink *sink)
{
    j2k_source source = { data, n_bytes, 0 };
    opj_dparameters_t parameters;
    opj_image_t *image = NULL;
    opj_codec_t *codec = opj_create_decompress(n_bytes > 0 && data[0] == 0xff ? OPJ_CODEC_J2K : OPJ_CODEC_JP2);
    opj_stream_t *stream = opj_stream_create(64 * 1024, OPJ_TRUE);
    bool good = codec != NULL && stream != NULL;
    opj_set_default_decoder_parameters(&parameters);
    if (good) {
        opj_stream_set_user_data(stream, &source, NULL);
        opj_stream_set_user_data_length(stream, n_bytes);
        opj_stream_set_read_function(stream, j2k_take);
        opj_stream_set_skip_function(stream, j2k_skip);
        opj_stream_set_seek_function(stream, j2k_seek);
    }
    good = good && opj_setup_decoder(codec, &parameters) && opj_read_header(stream, codec, &image);
    /* the header tells the size: before memory is taken for samples */
    good = good && image != NULL && image->x1 > image->x0 && image->y1 > image->y0 &&
           (uint64_t)(image->x1 - image->x0) * (image->y1 - image->y0) <= IMAGE_MAX_PIXELS;
    good = good && opj_decode(codec, stream, image) && opj_end_decompress(codec, stream) && j2k_pixels(image, sink);
    opj_image_destroy(image);
    opj_stream_destroy(stream);
    opj_destroy_codec(codec);
    return good;
}
#else
#define decode_jpeg2000 NULL
#endif

__attribute__((visibility("default"))) extern const image_module systole_image_module;

const image_module systole_image_module = {
    .abi = IMAGE_MODULE_ABI,
    .jpeg = decode_jpeg,
    .png = decode_png,
    .tiff = decode_tiff,
    .webp = decode_webp,
    .jpeg2000 = decode_jpeg2000,
};
