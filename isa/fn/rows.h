/*
 * rows.h -- the vector versions of the elementary functions.
 *
 * Each does the whole vectors at the front of n elements and returns how many elements that were. Call one only where the
 * processor has what its name says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_ISA_FN_ROWS_H
#define SYSTOLE_ISA_FN_ROWS_H

#include <stddef.h>

#include "systole/isa/fn.h"

#define FN_NAN 0x7FC00000
#define FN_HALF 0x3F000000

typedef size_t isa_fn_rows_version(isa_fn fn, const float *v, float *y, size_t n);

isa_fn_rows_version isa_fn_rows_avx512; /* F, DQ, CD, VL */
isa_fn_rows_version isa_fn_rows_avx2;

#endif
