/*
 * einsum.h -- the equation of Einsum, read for operands of known ranks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_EINSUM_H
#define SYSTOLE_GRAPH_EINSUM_H

#include "systole/base/arena.h"
#include "systole/graph/types.h"

/* Labels: A..Z, a..z, then the dimensions of the ellipsis counted from the last one. */
#define IR_EINSUM_ELLIPSIS 52
#define IR_EINSUM_LABELS   (IR_EINSUM_ELLIPSIS + IR_MAX_RANK)

typedef struct ir_einsum {
    uint32_t n_operands;
    uint8_t (*labels)[IR_MAX_RANK]; /* [n_operands]: of each dimension of each operand */
    int32_t rank;                   /* of the result */
    uint8_t result[IR_MAX_RANK];
} ir_einsum;

/*
 * Without "->", the result has the ellipsis, then the letters that occur once, in the order of the alphabet.
 * SY_EINVAL with a message for an equation that does not fit the operands, SY_ERANGE for a result of too many dimensions.
 */
sy_status ir_einsum_parse(base_arena *arena, const char *equation, size_t n_bytes, uint32_t n_operands,
                          const int32_t *ranks, base_diag *diag, ir_einsum *out);

#endif
