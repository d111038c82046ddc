/*
 * parse_internal.h -- the pieces of the text form's parser.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_PARSE_INTERNAL_H
#define SYSTOLE_GRAPH_PARSE_INTERNAL_H

#include "internal.h"
#include "lex.h"

#define IR_PARSE_DEPTH 64 /* nested regions, types, expressions: deeper is refused, so recursion is bounded */

/* A word or string as an interned name. */
sy_status ir_parse_name(ir_lexer *l, ir_module *m, const char **out);

/* A string without NUL, interned. */
sy_status ir_parse_text(ir_lexer *l, ir_module *m, const char **out);

/* An integer in [low, high]; `what` names it in the message. */
sy_status ir_parse_int(ir_lexer *l, const char *what, int64_t low, int64_t high, int64_t *out);

/* A float: with point or exponent, or by its bits (f0x7fc00000). */
bool ir_parse_is_float(const ir_lexer *l);
sy_status ir_parse_float(ir_lexer *l, float *out);

sy_status ir_parse_dim(ir_lexer *l, ir_module *m, int depth, ir_dim *out);
sy_status ir_parse_type(ir_lexer *l, ir_module *m, int depth, ir_type *out);

/* `dtype[1, 2, 3]` with constant sizes. */
sy_status ir_parse_const_shape(ir_lexer *l, sy_dtype *dtype, int32_t *rank, int64_t dims[IR_MAX_RANK]);

#endif
