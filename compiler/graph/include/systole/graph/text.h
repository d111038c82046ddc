/*
 * text.h -- the text form of the IR: prints, and parses back to the same module, exactly.
 *
 * docs/reference/ir.md has the grammar. Bytes of small constants are written in hexadecimal; large ones appear as
 * handles with hash, their bytes in a side file (ir_print_data) or in the file they were mapped from.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_TEXT_H
#define SYSTOLE_GRAPH_TEXT_H

#include "systole/graph/graph.h"

#include <stdio.h>

#define IR_PRINT_INLINE_BYTES 256 /* constants up to this size are printed whole */

typedef struct ir_print_options {
    /* Where bytes of larger inline constants and states go, from its current position on; NULL: elided, with hash. */
    FILE *data;
    const char *data_path; /* how the text names that file */
} ir_print_options;

/* The module as text, in the arena, ending in NUL. options NULL: defaults. Errors: SY_EIO (data), SY_ENOMEM. */
sy_status ir_print(ir_module *m, const ir_print_options *options, base_arena *arena, base_diag *diag, char **out,
                   size_t *out_n);

/* One node on one line (regions elided), one type: for messages and reports. NULL when memory is out. */
const char *ir_node_text(const ir_node *n, base_arena *arena);
const char *ir_type_text(const ir_type *t, base_arena *arena);
const char *ir_dim_text(ir_dim d, base_arena *arena);

/*
 * Parses n bytes of text into a new module in the arena. `file` names it in messages.
 * SY_EFORMAT with one line "file:line:column: ..." on malformed text. The result is not verified: run ir_verify.
 */
sy_status ir_parse(base_arena *arena, ir_optable *table, const char *file, const char *text, size_t n,
                   base_diag *diag, ir_module **out);

#endif
