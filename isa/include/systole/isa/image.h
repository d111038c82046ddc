/*
 * image.h -- bare-metal programs of any toolchain: an ELF file as bytes at addresses, and its
 * symbols.
 *
 * Any 32-bit little-endian RISC-V executable reads; what it does with our machine is not asked here
 * (program.h reads and writes the machine's own programs).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_ISA_IMAGE_H
#define SYSTOLE_ISA_IMAGE_H

#include "systole/isa/program.h"

/*
 * Owns nothing: what it points to belongs to the arena, or the caller, that made it.
 * Zero-initialise it.
 */
typedef struct isa_image {
    const isa_segment *segments; /* disjoint, in rising order, none empty; by physical address */
    size_t n_segments;           /* at least 1 */
    const isa_symbol *symbols;   /* pc is the value, an address of anything */
    size_t n_symbols;
    uint32_t entry;
    bool compressed; /* the file says that it has compressed instructions */
} isa_image;

/*
 * Reads an ELF file from memory; name is for messages.  The image points into bytes wherever it
 * can, so they must live as long.  No length in the file is used before it is checked.
 * Errors: SY_EFORMAT, with one line; SY_ENOMEM.  *image is unchanged on error.
 */
sy_status isa_image_decode(base_arena *arena, const void *bytes, size_t n_bytes, const char *name,
                           isa_image *image, base_diag *diag);

/* Reads a file; everything is in the arena. Errors: as isa_image_decode, and SY_EIO. */
sy_status isa_image_load(base_arena *arena, const char *path, isa_image *image, base_diag *diag);

/* Appends an ELF file of the image.  Errors: SY_ERANGE if it would pass 4 GiB; SY_ENOMEM. */
sy_status isa_image_encode(const isa_image *image, base_buf *out, base_diag *diag);

/* The value of a symbol; false if there is none of that name. */
bool isa_image_find(const isa_image *image, const char *name, uint32_t *address);

#endif
