/*
 * image.h -- what ImageDecoder and libsystole-image.so, which is linked to the image libraries, agree on.
 *
 * The libraries are needed by few models, so they are loaded with the first picture.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_IMAGE_H
#define SYSTOLE_GRAPH_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_MODULE_ABI    1
#define IMAGE_MODULE_SYMBOL "systole_image_module"
#define IMAGE_MAX_PIXELS    ((uint64_t)1 << 28) /* more is refused, as if the picture were damaged */

/* A picture being decoded: 3 bytes a pixel, red, green, blue, top row first. */
typedef struct image_sink {
    uint32_t width, height;
    unsigned char *pixels;
    void *user;
    /* Memory for the pixels; NULL if there is none. It stays the owner's, also when decoding fails. */
    unsigned char *(*room)(void *user, size_t n_bytes);
} image_sink;

/* Sets width, height and pixels (uninitialised or zeros); false if the size is not allowed or memory is out. */
static inline bool image_start(image_sink *sink, uint64_t width, uint64_t height)
{
    if (width == 0 || height == 0 || width > UINT32_MAX || height > IMAGE_MAX_PIXELS / width) {
        return false;
    }
    sink->width = (uint32_t)width;
    sink->height = (uint32_t)height;
    sink->pixels = sink->room(sink->user, (size_t)(width * height) * 3);
    return sink->pixels != NULL;
}

/* True if the picture could be decoded. */
typedef bool (*image_decoder)(const unsigned char *data, size_t n_bytes, image_sink *sink);

typedef struct image_module {
    uint32_t abi;
    image_decoder jpeg, png, tiff, webp, jpeg2000; /* NULL: not in this build */
} image_module;

#endif
