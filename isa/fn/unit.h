/*
 * unit.h -- the piecewise-polynomial unit's common part, for its definition, its fit and its vector versions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_ISA_FN_UNIT_H
#define SYSTOLE_ISA_FN_UNIT_H

#include <stdint.h>

#include "systole/isa/fn.h"

enum {
    FN_T_BITS = 27,        /* place within the segment, bits after the point */
    FN_P_BITS = 31,        /* the polynomial's value, bits after the point */
    FN_SIGMOID_LIMIT = 15, /* from this row on sigmoid(-y) = z - z^2 with z = 2^-(k + r) */
};

/* log2(e), 37 bits after the point. */
#define FN_LOG2_E INT64_C(198282496599)

/* A segment's coefficients. */
typedef struct fn_row {
    uint32_t c0;
    int32_t c1;
    int32_t c2;
    int32_t c3;
} fn_row;

/* Segments of erf from 32 (x = 1) on hold erfc(x) times 2 to this: [1, 2), [2, 3), [3, 4). */
static inline int fn_erfc_shift(uint32_t segment)
{
    return segment < 64 ? 2 : segment < 96 ? 7 : 15;
}

/* The polynomial at t; each product is floored. Products fit 64 bits: coefficients below 2^31, t below 2^27. */
static inline int64_t fn_poly(const fn_row *row, uint32_t t)
{
    int64_t r = row->c3;
    r = row->c2 + (r * (int64_t)t >> FN_T_BITS);
    r = row->c1 + (r * (int64_t)t >> FN_T_BITS);
    return (int64_t)row->c0 + (r * (int64_t)t >> FN_T_BITS);
}

#endif
