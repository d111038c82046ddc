/*
 * compile.h -- from an imported graph to a program for the machine.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_COMPILE_H
#define SYSTOLE_COMPILER_COMPILE_H

#include "systole/compiler/plan.h"
#include "systole/graph/graph.h"
#include "systole/isa/config.h"
#include "systole/isa/program.h"

typedef struct cc_options {
    bool no_fallback; /* an operator on the cpu is an error, but for conversions at the graph's
                         edges */
    bool strip;       /* leave the model out of the program where no host step needs it */
    const char *dump_after; /* name of a pass: its graph is appended to `dump`; NULL: none */
    base_buf *dump;
} cc_options;

/*
 * Makes a module what it means on a machine: with bf16 elements the float operators become those of numerics.md, "bf16
 * operators", once constants are folded; initializers listed as inputs are constants then. What cc_compile does first; for whoever runs the same graph elsewhere.
 */
sy_status cc_specialise(ir_module *module, const isa_config *config, base_diag *diag);

/*
 * Compiles module->main for a configuration. The module is not changed (the compiler works on a
 * copy). `model` are the bytes of the file that it was imported from; they become part of the
 * program. Everything made is in the arena.
 *
 * Errors, each one line: SY_EUNSUPPORTED (nothing in the model runs on the accelerator: says why;
 * no_fallback; no LLVM), SY_ECONFIG (no compiled program runs on such a machine), SY_ESHAPE (a
 * dimension is not known: bind it), SY_ERANGE (IMEM, DMEM or DRAM is too small, with sizes),
 * SY_ENOMEM, SY_EINTERNAL.
 */
sy_status cc_compile(base_arena *arena, ir_module *module, const void *model, size_t model_bytes,
                     const isa_config *config, const cc_options *options, isa_program *program,
                     cc_plan *plan, base_diag *diag);

#endif
