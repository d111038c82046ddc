/*
 * home.c -- where this program or library lies.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* dladdr */

#include "systole/base/home.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool base_home_folder(base_buf *out)
{
    static const char marker = 0;
    Dl_info info;
    char path[PATH_MAX];
    const char *name = NULL;
    if (dladdr(&marker, &info) != 0 && info.dli_fname != NULL) {
        name = info.dli_fname;
    }
    /* a program that was found through PATH is known by its bare name only */
    if (name == NULL || strchr(name, '/') == NULL) {
        name = "/proc/self/exe";
    }
    if (realpath(name, path) == NULL) {
        return false;
    }
    return base_buf_append(out, path, (size_t)(strrchr(path, '/') - path));
}

bool base_home_find(const char *relative, base_buf *out)
{
    static const char *const above[] = {"/..", "/../.."};
    base_buf path = {0};
    char real[PATH_MAX];
    bool found = false;
    for (size_t i = 0; i < sizeof above / sizeof above[0] && !found; i++) {
        base_buf_clear(&path);
        found = base_home_folder(&path) && base_buf_puts(&path, above[i]) &&
                base_buf_putc(&path, '/') && base_buf_puts(&path, relative) &&
                realpath(path.data, real) != NULL && base_buf_puts(out, real);
    }
    base_buf_free(&path);
    return found;
}
