/*
 * module.h -- between the compiler and its loadable part, libsystole-codegen.so, the only one that is linked to LLVM.
 *
 * Loading LLVM takes 27 ms and 50 MiB: a program that only runs binaries never does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_MODULE_H
#define SYSTOLE_COMPILER_MODULE_H

#include "ops.h"
#include "systole/base/diag.h"
#include "systole/compiler/host_kernel.h"

/* A function to make. Its parameters are terms 0 to n_parameters - 1 of its values; the counters of its own loops follow. */
typedef struct cc_function {
    const char *name; /* a legal symbol, unique */
    bool entry;       /* a global symbol; ends in HALT with exit code 0 instead of a return */
    uint32_t n_parameters;
    cc_op *first;
} cc_function;

/* Functions in the order of their addresses; offsets into text. */
typedef struct cc_code {
    uint8_t *text;
    uint32_t n_text_bytes;
    uint32_t *offsets, *sizes; /* of each cc_function */
} cc_code;

/* Changes with this header; the loader compares it, and the hash of the instruction tables. */
#define CC_MODULE_ABI    3
#define CC_MODULE_SYMBOL "sy_codegen_module"

typedef struct cc_module {
    uint32_t abi;
    uint64_t isa_hash;
    /* Makes the code of all functions, at address ISA_IMEM_BASE. Errors: SY_EINTERNAL with LLVM's message; SY_ENOMEM. */
    sy_status (*generate)(base_arena *arena, const cc_function *functions, size_t n_functions, cc_code *out, base_diag *diag);
    /* As cc_host_kernel. */
    sy_status (*host_kernel)(base_arena *arena, const cc_host_program *program, cc_host_code *out, base_diag *diag);
} cc_module;

#endif
