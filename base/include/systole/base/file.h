/*
 * file.h -- whole files in, whole files out.
 *
 * Messages name the path and the system's reason.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_BASE_FILE_H
#define SYSTOLE_BASE_FILE_H

#include <stddef.h>

#include "systole/base/buf.h"
#include "systole/base/diag.h"
#include "systole/status.h"

/*
 * Reads a whole file into out (which it empties first); one that begins with gzip's signature,
 * 1f 8b, is inflated.  limit_bytes bounds what out may hold, before and after inflating.
 *
 * Errors: SY_EIO if it cannot be opened or read; SY_ERANGE if it is larger than the limit;
 * SY_EFORMAT if gzip data are damaged or truncated; SY_ENOMEM.  out is empty on error.
 */
sy_status base_file_read(base_diag *diag, const char *path, size_t limit_bytes, base_buf *out);

/* Inflates gzip data, all members of it, as base_file_read does; name is for the messages. */
sy_status base_gzip_inflate(base_diag *diag, const char *name, const void *data, size_t n_bytes,
                            size_t limit_bytes, base_buf *out);

/* A file's bytes in memory, read-only, without reading them: release with base_file_unmap. */
typedef struct base_map {
    const unsigned char *data; /* never NULL after success, even for an empty file */
    size_t n_bytes;
} base_map;

/*
 * Maps a regular file.  SY_EIO if it cannot be opened or mapped or is not a regular file; out
 * untouched then.  Who truncates the file meanwhile takes the pages away: for files that another
 * program may be writing, base_file_read is the safe way.
 */
sy_status base_file_map(base_diag *diag, const char *path, base_map *out);

/*
 * Gives the memory of the whole pages in bytes [offset, offset + n_bytes) back; they are read again from the file when they
 * are used. For what has been copied or packed.
 */
void base_file_map_drop(const base_map *map, size_t offset, size_t n_bytes);

/* Releases a map and zeroes it; a zeroed map is allowed. */
void base_file_unmap(base_map *map);

/*
 * Writes a whole file: aside, flushed to the disk, then renamed over path, so that path holds
 * either what it held before or the new contents, whatever fails when.  Symbolic links are
 * followed; an existing file keeps its mode.  A path that is not a regular file (a pipe, a
 * terminal) is written to directly.
 *
 * Errors: SY_EIO, and path is as it was.
 */
sy_status base_file_write_atomic(base_diag *diag, const char *path, const void *data,
                                 size_t n_bytes);

#endif
