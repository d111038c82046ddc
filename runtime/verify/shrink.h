/*
 * shrink.h -- a program that shows a fault, cut down to one that still shows it.
 *
 * What shows the fault is asked of a function; it is given ever smaller programs. Instructions are
 * removed in halves, quarters, ... down to single ones (branches keep their targets), then what is
 * left is made simpler: no stalls, no data, registers x0 or shared, small constants.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RUNTIME_SHRINK_H
#define SYSTOLE_RUNTIME_SHRINK_H

#include "systole/base/arena.h"
#include "systole/base/buf.h"
#include "systole/base/diag.h"
#include "systole/isa/program.h"

/* A program in words: what is shrunk. */
typedef struct shrink_case {
    uint32_t *text;
    size_t n_text;
    size_t entry; /* word */
    uint32_t *data;
    size_t n_data;
    uint32_t *dram; /* one segment */
    size_t n_dram;
    uint32_t dram_at; /* address */
    uint32_t stall_max;
} shrink_case;

/* Whether a program shows the fault. */
typedef bool (*shrink_test)(void *user, const shrink_case *candidate);

/* The program as words, in the arena; of DRAM its first segment. SY_ENOMEM. */
sy_status rt_shrink_from(base_arena *arena, const isa_program *program, uint32_t stall_max,
                         shrink_case *out, base_diag *diag);

/* The same as a program that can be loaded; arrays in the arena. SY_ENOMEM. */
sy_status rt_shrink_program(base_arena *arena, const shrink_case *c, const isa_config *config,
                            isa_program *out, base_diag *diag);

/*
 * Shrinks *c in place, with at most max_tests questions; *c shows the fault before and after.
 * Returns the number of questions; 0 when memory is out (*c is unchanged then). Equal answers give
 * equal results.
 */
size_t rt_shrink(base_arena *arena, shrink_case *c, shrink_test test, void *user, size_t max_tests);

/* Appends assembly that gives the program. */
void rt_shrink_print(const shrink_case *c, base_buf *out);

#endif
