/*
 * bf16.h -- float networks on a bf16 machine: which operators they become, and their functions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_BF16_H
#define SYSTOLE_GRAPH_BF16_H

#include "systole/base/diag.h"
#include "systole/graph/graph.h"

typedef enum ir_bf16_fn {
#define F(NAME, name, chain) IR_BF16_##NAME,
#include "systole/graph/bf16.def"
#undef F
    IR_BF16_N_FNS
} ir_bf16_fn;

/* The function of that name ("": none); false if there is none. */
bool ir_bf16_fn_find(const char *name, ir_bf16_fn *out);

/* The name, "" for none. */
const char *ir_bf16_fn_name(ir_bf16_fn fn);

/* Constants of the formulas, as fp32. */
#define IR_BF16_LOG2E     0x1.715476p+0f
#define IR_BF16_SQRT_HALF 0x1.6a09e6p-1f
#define IR_BF16_GELU_C2   0x1.988454p+0f  /* 2 sqrt(2 / pi) */
#define IR_BF16_GELU_C1   0x1.2444f2p-4f  /* that times 0.044715 */
#define IR_BF16_SIXTH     0x1.555556p-3f

/*
 * Makes the float operators of module->main that a bf16 machine with `lanes` lanes can run bf16 operators (numerics.md), with
 * conversions where they meet others. This is what compiling for such a machine means: the reference runs the graph after it. The
 * module must be inferred; it is inferred again. A second time does nothing. Errors: SY_ENOMEM.
 */
sy_status ir_recognise_bf16(ir_module *m, uint32_t lanes, base_diag *diag);

#endif
