/*
 * rom.h -- where each function's coefficients lie in the ROM: all rows of rom.def, one after the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_ISA_FN_ROM_H
#define SYSTOLE_ISA_FN_ROM_H

#include "unit.h"

enum {
#define R(function, segment, c0, c1, c2, c3) FN_ROW_##function##_##segment,
#include "rom.def"
#undef R
    FN_ROM_N,
    FN_ROM_EXP2 = FN_ROW_EXP2_0,
    FN_ROM_LOG2 = FN_ROW_LOG2_0,
    FN_ROM_RECIP = FN_ROW_RECIP_0,
    FN_ROM_RSQRT = FN_ROW_RSQRT_0,
    FN_ROM_SQRT = FN_ROW_SQRT_0,
    FN_ROM_TANH = FN_ROW_TANH_0,
    FN_ROM_SIGMOID = FN_ROW_SIGMOID_0,
    FN_ROM_ERF = FN_ROW_ERF_0,
};

extern const fn_row isa_fn_rom[FN_ROM_N];

#endif
