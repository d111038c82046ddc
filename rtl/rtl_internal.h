/*
 * rtl_internal.h -- what rtl_build.c and rtl_machine.c share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RTL_INTERNAL_H
#define SYSTOLE_RTL_INTERNAL_H

#include "systole/isa/isa.h"
#include "systole/rtl/rtl.h"

/* RTL_SOURCE_DIR, RTL_INSTALL_DIR: roots of the sources, from rtl/CMakeLists.txt. */

#endif
