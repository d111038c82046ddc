/*
 * ref_text.h -- what kernels over strings share: elements that may be strings, results of strings, lists of places.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_REF_TEXT_H
#define SYSTOLE_GRAPH_REF_TEXT_H

#include "ref_internal.h"
#include "systole/graph/list.h"
#include "systole/graph/strings.h"

/* The elements of a string tensor, in scratch. SY_EINVAL with a message if its bytes are damaged or it is none. */
sy_status ir_ref_texts(const ir_kernel_args *args, const ir_tensor *t, ir_text **out);

/* Result i, a string tensor whose type is set, gets these elements. */
sy_status ir_ref_result_texts(const ir_kernel_args *args, uint32_t i, int64_t n, const ir_text *texts);

bool ir_ref_text_equal(const ir_text *a, const ir_text *b);

/*
 * A tensor's elements as cells of one size, to be moved about: bytes of the elements, or ir_text for strings.
 * Not for types of less than a byte.
 */
typedef struct ir_ref_cells {
    sy_dtype dtype;
    size_t cell_bytes;
    char *cells;
} ir_ref_cells;

sy_status ir_ref_cells_read(const ir_kernel_args *args, const ir_tensor *t, ir_ref_cells *out);
/* n cells in scratch, to be filled. SY_ERANGE with a message if they are too many. */
sy_status ir_ref_cells_make(const ir_kernel_args *args, sy_dtype dtype, int64_t n, ir_ref_cells *out);
/* A tensor of these cells; its data lies in scratch, or is the cells themselves. */
sy_status ir_ref_cells_tensor(const ir_kernel_args *args, const ir_ref_cells *cells, int32_t rank, const int64_t *dims,
                              ir_tensor *out);

/* A table from keys to the first or last place that has them. */
typedef struct ir_ref_index {
    uint64_t mask;
    int64_t *slots; /* place + 1; 0: free */
    const int64_t *ints;
    const ir_text *texts; /* one of the two */
} ir_ref_index;

/* Of n keys, ints or texts; of equal keys the last counts if `last`, else the first. In scratch. */
sy_status ir_ref_index_make(base_arena *scratch, int64_t n, const int64_t *ints, const ir_text *texts, bool last,
                            ir_ref_index *out);
int64_t ir_ref_index_int(const ir_ref_index *index, int64_t key);          /* -1: not there */
int64_t ir_ref_index_text(const ir_ref_index *index, const ir_text *key); /* -1: not there */

/* A list of strings in an attribute, as texts in scratch; n = 0 if it is absent. */
sy_status ir_ref_attr_texts(const ir_kernel_args *args, const char *name, uint32_t *n, ir_text **out);

#endif
