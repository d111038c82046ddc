/*
 * infer_internal.h -- the inference functions that optable.def names, and what they share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_INFER_INTERNAL_H
#define SYSTOLE_GRAPH_INFER_INTERNAL_H

#include "systole/graph/infer.h"

/* Several rows share one function: repeated declarations are harmless. */
#define OP(id, domain, name, since, min_in, max_in, min_out, max_out, infer, props, accel, attrs, doc) \
    sy_status ir_infer_##infer(ir_infer_args *a);
#include "systole/graph/optable.def"
#undef OP

#endif
