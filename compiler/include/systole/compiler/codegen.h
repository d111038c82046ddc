/*
 * codegen.h -- from command lists to RV32IM + Xsystole code.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_CODEGEN_H
#define SYSTOLE_COMPILER_CODEGEN_H

#include "systole/base/arena.h"
#include "systole/base/diag.h"
#include "systole/compiler/command.h"
#include "systole/isa/config.h"
#include "systole/isa/program.h"

/*
 * Generates code for all programs (entry points) of one binary into out->text, out->data and its
 * symbols (each program's name is an entry point). DRAM segments and extra sections are the
 * caller's. Errors: SY_ERANGE, one line with the bytes needed and there, if IMEM or DMEM is too
 * small; SY_EUNSUPPORTED without LLVM; SY_EINTERNAL (LLVM's message).
 */
sy_status cc_codegen(base_arena *arena, const isa_config *config, const cc_program *programs,
                     size_t n_programs, isa_program *out, base_diag *diag);

/* Loads the part of the compiler that is linked to LLVM: SY_OK, or why there is none, as cc_codegen would say. */
sy_status cc_codegen_check(base_diag *diag);

#endif
