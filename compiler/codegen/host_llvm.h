/*
 * host_llvm.h -- host kernels, inside the loadable part of code generation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_HOST_LLVM_H
#define SYSTOLE_COMPILER_HOST_LLVM_H

#include "systole/compiler/host_kernel.h"

/* As cc_host_kernel. */
sy_status cc_llvm_host_kernel(base_arena *arena, const cc_host_program *program, cc_host_code *out, base_diag *diag);

#endif
