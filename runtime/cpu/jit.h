/*
 * jit.h -- elementwise programs as machine code, kept on disk.
 *
 * The same operations in the same order as the loops of element_ops.def, so the same bits; only the loads and stores
 * between them are saved. Without LLVM, or where anything is missing, the loops do the work.
 *
 * Code is kept in $SYSTOLE_CACHE, else $XDG_CACHE_HOME/systole, else ~/.cache/systole, one file per program and kind of
 * processor. A file that does not hold what its name and its own sums say is made again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_JIT_H
#define SYSTOLE_RT_CPU_JIT_H

#include "chain.h"

#include "systole/compiler/host_kernel.h"

typedef struct rt_jit rt_jit;

/* NULL when memory is out. */
rt_jit *rt_jit_create(rt_jit_mode mode);
void rt_jit_destroy(rt_jit *jit); /* after all plans; NULL is allowed */

/*
 * The code of a program, from this device, from disk, or made now; NULL if there is none. n_elements: of the result, -1 if
 * not known; few are not worth it.
 */
cc_host_kernel_fn rt_jit_get(rt_jit *jit, const rt_chain *c, int64_t n_elements);

/* A program in operations of host_kernel.h; false if it has instructions that are not known there. */
bool rt_jit_lower(const rt_chain *c, cc_host_program *p);

#endif
