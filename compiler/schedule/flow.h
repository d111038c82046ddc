/*
 * flow.h -- the schedule of everything that is not a matrix product: steps that load boxes, run VPU
 * commands, store boxes.
 *
 * A step loads one or two inputs (rings A and R), maybe runs the VPU into the O ring, and stores.
 * Without VPU commands the ST unit stores right from the input's slot. Loads go one step ahead,
 * stores one behind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_FLOW_H
#define SYSTOLE_COMPILER_FLOW_H

#include "ring.h"

typedef struct flow flow;

/* What the caller says about a step. `row` arguments are SPM rows of slots. */
typedef struct flow_ops {
    void (*load)(flow *f, int64_t step, int64_t row);   /* input A */
    void (*load_b)(flow *f, int64_t step, int64_t row); /* second input; NULL: none */
    void (*compute)(flow *f, int64_t step, int64_t a_row, int64_t b_row,
                    int64_t o_row); /* NULL: store from A's slot */
    void (*store)(flow *f, int64_t step, int64_t row);
} flow_ops;

struct flow {
    sched *s;
    const flow_ops *ops;
    int64_t n_steps;
    int64_t in_rows, out_rows; /* SPM rows of the largest step */
    void *user;
    ring a, b, o;
};

/*
 * Rows that one step's input and output may have: sched_flow_limits gives both for double buffers
 * if the whole SPM is shared out in proportion to the needs (in : out, in rows per unit of work).
 */
void sched_flow_limits(const sched *s, bool two_inputs, bool computes, int64_t *in_rows,
                       int64_t *out_rows);

/* sched_begin_table where the outputs of a flow will be. */
void sched_flow_begin_table(sched *s, bool two_inputs, uint64_t address);

/* Emits all steps. Fails as sched_too_large does if in_rows or out_rows exceed the limits. */
void sched_flow_run(flow *f);

#endif
