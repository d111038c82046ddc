/*
 * chain.h -- elementwise programs: made from nodes (chain_build.c), run in one pass over the result (chain.c).
 *
 * A program's values are numbered: its inputs first, then the result of each instruction. The last instruction's
 * result is the program's. Every input is broadcast to the result's shape.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_CHAIN_H
#define SYSTOLE_RT_CPU_CHAIN_H

#include "fast_internal.h"

#define RT_CHAIN_INPUTS 16
#define RT_CHAIN_CODE   32
#define RT_CHAIN_VALUES (RT_CHAIN_INPUTS + RT_CHAIN_CODE)

typedef struct rt_instruction {
    uint16_t op;     /* rt_element_op */
    uint8_t from[3]; /* values; those that the op does not have are 0 */
    uint8_t buffer;  /* of the result; set by rt_chain_finish */
    float p, q;
} rt_instruction;

typedef struct rt_chain {
    uint32_t n_inputs, n_code, n_buffers;
    sy_dtype dtypes[RT_CHAIN_VALUES];
    rt_instruction code[RT_CHAIN_CODE];
    double cost; /* operations for one element, for the decision about threads */
    void (*compiled)(int64_t n, const void *const *from, void *to); /* all of it at once (jit.h); NULL: none */
} rt_chain;

/* Adds an input; false if there is no room. *value: its number. Inputs come before all instructions. */
bool rt_chain_input(rt_chain *c, sy_dtype dtype, uint8_t *value);

/*
 * Adds what a node does to values `from` (one for each of the node's operands that is there; those beyond
 * n_data operands of the operator, such as Clip's limits, are read from `constants`, NULL where not known).
 * False if no program can do it: unknown operator, types, attributes, or no room; the program is then as it was.
 */
bool rt_chain_node(rt_chain *c, const ir_node *n, uint32_t n_operands, const uint8_t *from,
                   const ir_tensor *const *constants, sy_dtype result, uint8_t *value);

/* True for the operators that rt_chain_node knows. */
bool rt_chain_knows(const ir_node *n);

/* Shares buffers between the values of instructions; after the last rt_chain_node. */
void rt_chain_finish(rt_chain *c);

/* Runs the program. The result may lie in the memory of an input that is not broadcast. */
sy_status rt_chain_run(const rt_chain *c, const ir_tensor *const *inputs, ir_tensor *y, const rt_env *env);

#endif
