/*
 * host_kernel.h -- elementwise programs as code for the processor that this runs on, by LLVM.
 *
 * Each value is one number per element; operations are single IEEE operations in the order of the list, nothing is fused,
 * reordered or approximated, so the results have the same bits as the same operations in C.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_HOST_KERNEL_H
#define SYSTOLE_COMPILER_HOST_KERNEL_H

#include "systole/base/arena.h"
#include "systole/base/diag.h"

#include <stdbool.h>
#include <stdint.h>

/* CC_HOST_MASK is the result of a comparison: it lives in registers only. Bytes hold 0 and 1, or any number. */
typedef enum cc_host_type { CC_HOST_F32, CC_HOST_I32, CC_HOST_I64, CC_HOST_BYTE, CC_HOST_MASK } cc_host_type;

typedef enum cc_host_op {
    CC_HOST_INPUT, /* the next input */
    CC_HOST_CONST, /* bits */
    CC_HOST_ADD,
    CC_HOST_SUB,
    CC_HOST_MUL,
    CC_HOST_DIV, /* f32 */
    CC_HOST_AND, /* of masks */
    CC_HOST_OR,
    CC_HOST_XOR,
    CC_HOST_SHIFT_RIGHT, /* arithmetic */
    CC_HOST_EQUAL,       /* to a mask; false with a NaN */
    CC_HOST_LESS,
    CC_HOST_LESS_EQUAL,
    CC_HOST_IS_NAN,
    CC_HOST_SELECT, /* a mask: b, else c */
    CC_HOST_NEG,    /* f32: the sign only */
    CC_HOST_ABS,
    CC_HOST_SQRT,
    CC_HOST_FLOOR,
    CC_HOST_CEIL,
    CC_HOST_ROUND,
    CC_HOST_BITS,    /* f32 from or to i32, the same bits */
    CC_HOST_CONVERT, /* between numbers; f32 to an integer towards zero, saturated, NaN to 0; bytes are unsigned */
    CC_HOST_TRUTH    /* a mask from a byte (not 0), or a byte (1 or 0) from a mask */
} cc_host_op;

typedef struct cc_host_value {
    cc_host_op op;
    cc_host_type type;
    uint16_t a, b, c; /* earlier values */
    uint32_t bits;
} cc_host_value;

#define CC_HOST_MAX_VALUES 1024

/* The last value is the result; no mask. Inputs come first. */
typedef struct cc_host_program {
    uint32_t n_inputs, n_values;
    cc_host_value values[CC_HOST_MAX_VALUES];
} cc_host_program;

/*
 * The code: n elements of each input (from[i]) to `to`, which may be one of them. Any alignment.
 *
 *     void kernel(int64_t n, const void *const *from, void *to);
 */
typedef void (*cc_host_kernel_fn)(int64_t n, const void *const *from, void *to);

/* Bytes that run wherever they lie, starting with the function's first instruction. */
typedef struct cc_host_code {
    uint8_t *bytes;
    uint32_t n_bytes;
} cc_host_code;

/*
 * Makes the code, in the arena. Loads LLVM if nobody has. Errors: SY_EUNSUPPORTED without LLVM or for another kind of
 * processor than x86-64; SY_EINTERNAL with LLVM's message; SY_ENOMEM.
 */
sy_status cc_host_kernel(base_arena *arena, const cc_host_program *program, cc_host_code *out, base_diag *diag);

#endif
