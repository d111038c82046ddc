/*
 * list.h -- sequences, optionals and maps as values: an ir_tensor whose kind says which, and whose data is one block.
 *
 * A sequence has any number of entries, an optional none or one, a map two: its keys and its values, a sequence or
 * a tensor of as many elements. Entries are tensors or lists again.
 *
 * The block: for each entry a record of its type and of the place of its bytes in the block, then the bytes, aligned to
 * IR_LIST_ALIGN_BYTES. It holds no pointers. Blocks are made by this process alone; nothing here reads a file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_LIST_H
#define SYSTOLE_GRAPH_LIST_H

#include "systole/graph/tensor.h"

#define IR_LIST_ALIGN_BYTES 64

/* Number of entries. */
int64_t ir_list_n(const ir_tensor *list);

/* Entry i (0 <= i < ir_list_n) as a view into the list's block. */
void ir_list_entry(const ir_tensor *list, int64_t i, ir_tensor *out);

/*
 * Sets type and size_bytes (not data) of a list of these entries. SY_ERANGE if it has more bytes than memory can have.
 * `dtype` is that of the tensors in it: an empty list cannot say it itself.
 */
sy_status ir_list_init(ir_tensor *list, ir_type_kind kind, sy_dtype dtype, int64_t n,
                       const ir_tensor *entries);

/* Writes the block; list is as ir_list_init left it, with data that has room for size_bytes. */
void ir_list_write(ir_tensor *list, const ir_tensor *entries);

#endif
