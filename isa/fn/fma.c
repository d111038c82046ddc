/*
 * fma.c -- fused multiply-add and the bf16 conversions: the host's IEEE arithmetic with one NaN.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <string.h>

#include "systole/isa/fn.h"

static float to_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint32_t isa_fp_fma(uint32_t a, uint32_t b, uint32_t c)
{
    const float value = fmaf(to_float(a), to_float(b), to_float(c));
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return isnan(value) ? 0x7FC00000u : bits;
}

uint32_t isa_bf16_fma(uint16_t a, uint16_t w, uint32_t c)
{
    return isa_fp_fma(isa_bf16_to_fp(a), isa_bf16_to_fp(w), c);
}

uint16_t isa_fp_to_bf16(uint32_t v)
{
    if ((v & 0x7FFFFFFFu) > 0x7F800000u) {
        return 0x7FC0;
    }
    return (uint16_t)((v + 0x7FFFu + (v >> 16 & 1)) >> 16);
}
