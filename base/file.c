/*
 * file.c -- reading, mapping and replacing whole files.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _DEFAULT_SOURCE /* madvise */
#define ZLIB_CONST      /* next_in points to const */

#include "systole/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define CHUNK_BYTES  ((size_t)64 << 10)
#define N_NAME_TRIES 100

static sy_status fail_errno(base_diag *diag, const char *path, const char *what)
{
    char reason[128];
    if (strerror_r(errno, reason, sizeof reason) != 0) {
        snprintf(reason, sizeof reason, "error %d", errno);
    }
    return base_fail(diag, SY_EIO, "%s: cannot %s: %s", path, what, reason);
}

static sy_status fail_limit(base_diag *diag, const char *path, size_t limit_bytes)
{
    return base_fail(diag, SY_ERANGE, "%s: larger than the limit of %zu bytes", path, limit_bytes);
}

/* Appends what fd has to out, up to limit_bytes. */
static sy_status read_all(base_diag *diag, const char *path, int fd, size_t limit_bytes,
                          base_buf *out)
{
    struct stat info;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
        if ((uintmax_t)info.st_size > limit_bytes) {
            return fail_limit(diag, path, limit_bytes);
        }
        if (!base_buf_reserve(out, (size_t)info.st_size)) {
            return base_fail(diag, SY_ENOMEM, "%s: out of memory for %jd bytes", path,
                             (intmax_t)info.st_size);
        }
    }
    for (;;) {
        unsigned char chunk[CHUNK_BYTES];
        const ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail_errno(diag, path, "read");
        }
        if (n == 0) {
            return SY_OK;
        }
        if ((size_t)n > limit_bytes - out->n_bytes) {
            return fail_limit(diag, path, limit_bytes);
        }
        if (!base_buf_append(out, chunk, (size_t)n)) {
            return base_fail(diag, SY_ENOMEM, "%s: out of memory after %zu bytes", path,
                             out->n_bytes);
        }
    }
}

sy_status base_file_read(base_diag *diag, const char *path, size_t limit_bytes, base_buf *out)
{
    base_buf_clear(out);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(diag, path, "open");
    }
    sy_status status = read_all(diag, path, fd, limit_bytes, out);
    close(fd);
    if (status == SY_OK && out->n_bytes >= 2 && (unsigned char)out->data[0] == 0x1f &&
        (unsigned char)out->data[1] == 0x8b) {
        base_buf packed = *out;
        *out = (base_buf){.limit_bytes = packed.limit_bytes};
        status = base_gzip_inflate(diag, path, packed.data, packed.n_bytes, limit_bytes, out);
        base_buf_free(&packed);
    }
    if (status != SY_OK) {
        base_buf_clear(out);
    }
    return status;
}

/* Inflates until the end of the input; the stream is set up and torn down by the caller. */
static sy_status inflate_all(base_diag *diag, const char *name, z_stream *stream,
                             const unsigned char *data, size_t n_bytes, size_t limit_bytes,
                             base_buf *out)
{
    size_t at = 0;
    bool member_done = false;
    while (!member_done || at + 1 < n_bytes) {
        if (member_done) {
            /* Another member may follow; anything else is padding, ignored as gzip does. */
            if (data[at] != 0x1f || data[at + 1] != 0x8b) {
                break;
            }
            if (inflateReset(stream) != Z_OK) {
                return base_fail(diag, SY_EINTERNAL, "%s: zlib cannot be reset", name);
            }
        }
        const size_t n_in = n_bytes - at < UINT_MAX ? n_bytes - at : UINT_MAX;
        unsigned char chunk[CHUNK_BYTES];
        stream->next_in = data + at;
        stream->avail_in = (uInt)n_in;
        stream->next_out = chunk;
        stream->avail_out = sizeof chunk;
        const int code = inflate(stream, Z_NO_FLUSH);
        const size_t n_out = sizeof chunk - stream->avail_out;
        at += n_in - stream->avail_in;
        member_done = code == Z_STREAM_END;
        if (code == Z_MEM_ERROR) {
            return base_fail(diag, SY_ENOMEM, "%s: out of memory while inflating", name);
        }
        if (code == Z_BUF_ERROR || (code == Z_OK && n_out == 0 && at == n_bytes)) {
            return base_fail(diag, SY_EFORMAT, "%s: gzip data are truncated", name);
        }
        if (code != Z_OK && !member_done) {
            return base_fail(diag, SY_EFORMAT, "%s: damaged gzip data: %s", name,
                             stream->msg == NULL ? "no details" : stream->msg);
        }
        if (n_out > limit_bytes - out->n_bytes) {
            return fail_limit(diag, name, limit_bytes);
        }
        if (!base_buf_append(out, chunk, n_out)) {
            return base_fail(diag, SY_ENOMEM, "%s: out of memory after %zu bytes", name,
                             out->n_bytes);
        }
    }
    return SY_OK;
}

sy_status base_gzip_inflate(base_diag *diag, const char *name, const void *data, size_t n_bytes,
                            size_t limit_bytes, base_buf *out)
{
    base_buf_clear(out);
    z_stream stream = {0};
    if (inflateInit2(&stream, 15 + 16) != Z_OK) { /* the largest window; gzip framing */
        return base_fail(diag, SY_ENOMEM, "%s: out of memory while inflating", name);
    }
    const sy_status status = inflate_all(diag, name, &stream, data, n_bytes, limit_bytes, out);
    inflateEnd(&stream);
    if (status != SY_OK) {
        base_buf_clear(out);
    }
    return status;
}

sy_status base_file_map(base_diag *diag, const char *path, base_map *out)
{
    static const unsigned char nothing[1];
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(diag, path, "open");
    }
    struct stat info;
    sy_status status = SY_OK;
    if (fstat(fd, &info) != 0) {
        status = fail_errno(diag, path, "examine");
    } else if (!S_ISREG(info.st_mode)) {
        status = base_fail(diag, SY_EIO, "%s: not a regular file", path);
    } else if (info.st_size == 0) {
        *out = (base_map){.data = nothing};
    } else {
        void *p = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) {
            status = fail_errno(diag, path, "map");
        } else {
            *out = (base_map){.data = p, .n_bytes = (size_t)info.st_size};
        }
    }
    close(fd);
    return status;
}

void base_file_map_drop(const base_map *map, size_t offset, size_t n_bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (offset > map->n_bytes || n_bytes > map->n_bytes - offset) {
        return;
    }
    const size_t first = (offset + page - 1) / page * page, end = (offset + n_bytes) / page * page;
    if (first < end) {
        (void)madvise((void *)(uintptr_t)(map->data + first), end - first, MADV_DONTNEED);
    }
}

void base_file_unmap(base_map *map)
{
    if (map->n_bytes > 0) {
        munmap((void *)(uintptr_t)map->data, map->n_bytes);
    }
    *map = (base_map){0};
}

static bool write_all(int fd, const unsigned char *data, size_t n_bytes)
{
    while (n_bytes > 0) {
        const ssize_t n = write(fd, data, n_bytes < INT_MAX ? n_bytes : INT_MAX);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return false;
        }
        data += n;
        n_bytes -= (size_t)n;
    }
    return true;
}

/* Opens a new file beside target, under a name that nothing has; the name is written to aside. */
static int open_aside(const char *target, mode_t mode, char *aside, size_t aside_bytes)
{
    for (int i = 0; i < N_NAME_TRIES; i++) {
        const int n = snprintf(aside, aside_bytes, "%s.%ld-%d.part", target, (long)getpid(), i);
        if (n < 0 || (size_t)n >= aside_bytes) {
            errno = ENAMETOOLONG;
            return -1;
        }
        const int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
    return -1;
}

/* Makes a renaming in the folder of path durable, on file systems that can do that. */
static void sync_folder(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return;
    }
    slash[slash == path ? 1 : 0] = '\0';
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

static sy_status write_direct(base_diag *diag, const char *path, const void *data, size_t n_bytes)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(diag, path, "open for writing");
    }
    sy_status status = write_all(fd, data, n_bytes) ? SY_OK : fail_errno(diag, path, "write");
    if (close(fd) != 0 && status == SY_OK) {
        status = fail_errno(diag, path, "write");
    }
    return status;
}

sy_status base_file_write_atomic(base_diag *diag, const char *path, const void *data,
                                 size_t n_bytes)
{
    struct stat info;
    const bool exists = stat(path, &info) == 0;
    if (exists && !S_ISREG(info.st_mode)) {
        return write_direct(diag, path, data, n_bytes);
    }
    char target[PATH_MAX];
    if (!exists || realpath(path, target) == NULL) {
        const int n = snprintf(target, sizeof target, "%s%s", strchr(path, '/') == NULL ? "./" : "",
                               path);
        if (n < 0 || (size_t)n >= sizeof target) {
            errno = ENAMETOOLONG;
            return fail_errno(diag, path, "write");
        }
    }
    char aside[PATH_MAX];
    const int fd = open_aside(target, 0666, aside, sizeof aside);
    if (fd < 0) {
        return fail_errno(diag, path, "write");
    }
    const bool written = (!exists || fchmod(fd, info.st_mode & 07777) == 0) &&
                         write_all(fd, data, n_bytes) && fsync(fd) == 0;
    const int write_errno = errno;
    const bool closed = close(fd) == 0;
    if (!written) {
        errno = write_errno;
    }
    if (!written || !closed || rename(aside, target) != 0) {
        const sy_status status = fail_errno(diag, path, "write");
        unlink(aside);
        return status;
    }
    sync_folder(target);
    return SY_OK;
}
