/*
 * fn.h -- the elementary functions of the vector unit, and the fused multiply-adds, to the bit.
 *
 * What they compute: isa/spec/numerics.md, "Elementary functions". Maximum errors: docs/reference/isa-tables.md.
 * A result that is a NaN is 0x7FC00000. Verilog twins: rtl/vpu/fn_unit.v, rtl/vpu/fp_fma.v, rtl/vpu/fp_to_bf16.v,
 * rtl/mxu/bf16_fma.v.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_ISA_FN_H
#define SYSTOLE_ISA_FN_H

#include <stddef.h>
#include <stdint.h>

/* ISA_FN_EXP2, ISA_FN_LOG2, ISA_FN_RECIP, ...: the rows of functions.def. */
typedef enum isa_fn {
#define FN(NAME, name, ulp, at, range, summary) ISA_FN_##NAME,
#include "systole/isa/functions.def"
#undef FN
} isa_fn;

enum { ISA_FN_N = ISA_FN_PHI + 1 };

/* "exp2", ... */
const char *isa_fn_name(isa_fn fn);

/* The largest distance from the exact value, in units of the last place, over the range that functions.def gives. */
double isa_fn_max_ulp(isa_fn fn);

/* The function of fp32 bits, as fp32 bits. */
uint32_t isa_fn_bits(isa_fn fn, uint32_t v);

/* The same by value. */
float isa_fn_float(isa_fn fn, float v);

/*
 * The function of each element: y[i] = fn(v[i]), the same bits as isa_fn_bits. y may be v; otherwise they do not
 * overlap. Uses the host's vector unit where it has one that helps.
 */
void isa_fn_rows(isa_fn fn, const float *v, float *y, size_t n);

/* a * b + c with one rounding to nearest even. */
uint32_t isa_fp_fma(uint32_t a, uint32_t b, uint32_t c);

/* The same for a and w in bf16, as the matrix unit's cells do it; their product is exact, also far below fp32's range. */
uint32_t isa_bf16_fma(uint16_t a, uint16_t w, uint32_t c);

/* fp32 to bf16, to nearest even; a NaN gives 0x7FC0. */
uint16_t isa_fp_to_bf16(uint32_t v);

/* bf16 to fp32: exact, a NaN keeps its bits. */
static inline uint32_t isa_bf16_to_fp(uint16_t v)
{
    return (uint32_t)v << 16;
}

#endif
