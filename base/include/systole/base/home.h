/*
 * home.h -- where this program or library lies, for what is installed with it.
 *
 * An installed tree may be moved, and may be installed elsewhere than it was configured for; so its
 * files are looked for from the program itself before the folders that the build knows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_BASE_HOME_H
#define SYSTOLE_BASE_HOME_H

#include <stdbool.h>

#include "systole/base/buf.h"

/* Appends the folder of the program or shared library that holds this code, links followed; false,
 * and out untouched, if it cannot be told. */
bool base_home_folder(base_buf *out);

/*
 * Appends the path of a file or folder of the tree that this code is installed in; relative is its
 * path below the prefix, such as "share/systole/configs". The prefix is one folder above the
 * program's (PREFIX/bin), or two above a library's (PREFIX/lib/x86_64-linux-gnu). False, and out
 * untouched, if there is none: nothing is installed, as in a build folder.
 */
bool base_home_find(const char *relative, base_buf *out);

#endif
