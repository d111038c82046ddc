/*
 * infer_window.h -- attributes of windows, for the inference functions of all operators that have one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_INFER_WINDOW_H
#define SYSTOLE_GRAPH_INFER_WINDOW_H

#include "infer_internal.h"

#define IR_WINDOW_LIMIT INT64_C(0x7fffffff) /* no kernel, stride, dilation or pad beyond this: products stay in 64 bits */

typedef enum ir_auto_pad { IR_PAD_GIVEN, IR_PAD_SAME_UPPER, IR_PAD_SAME_LOWER, IR_PAD_VALID } ir_auto_pad;

/* The attributes of a window with defaults; sizes apart. */
typedef struct ir_window_attrs {
    int32_t rank;
    bool has_kernel;
    int64_t kernel[3], strides[3], dilations[3], begin[3], end[3];
    ir_auto_pad pad;
    bool ceil;
} ir_window_attrs;

/* Fails with one line if an attribute is malformed or out of range. */
sy_status ir_window_read(const ir_node *n, int32_t rank, base_diag *diag, ir_window_attrs *w);

/* n_wanted numbers in [least, IR_WINDOW_LIMIT] from an attribute; `fallback` for all if it is absent. */
sy_status ir_window_ints(const ir_node *n, const char *name, uint32_t n_wanted, int64_t least, int64_t fallback,
                         base_diag *diag, int64_t *out);

/* Operand i has 1 to 3 spatial dimensions behind N and C, or an unknown rank. */
sy_status ir_window_want_spatial(const ir_infer_args *a, uint32_t i, const ir_type *x);

/* Result 0 of a convolution of operand ix with weights iw and, if it is there, bias ib. */
sy_status ir_window_conv(ir_infer_args *a, uint32_t ix, uint32_t iw, uint32_t ib, sy_dtype dtype);

#endif
