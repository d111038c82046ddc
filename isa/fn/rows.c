/*
 * rows.c -- the elementary functions of arrays.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/isa/fn.h"

void isa_fn_rows(isa_fn fn, const float *v, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = isa_fn_float(fn, v[i]);
    }
}
