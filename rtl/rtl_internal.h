/*
 * rtl_internal.h -- what rtl_build.c and rtl_machine.c share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RTL_INTERNAL_H
#define SYSTOLE_RTL_INTERNAL_H

#include "systole/isa/isa.h"
#include "systole/rtl/rtl.h"

/* Where machines write which of their lines have run: SYSTOLE_RTL_COVERAGE (scripts/coverage.sh), or NULL: nowhere. */
const char *rtl_coverage_folder(void);

/* RTL_SOURCE_DIR, RTL_INSTALL_DIR: roots of the sources, from rtl/CMakeLists.txt. */

#endif
