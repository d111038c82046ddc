/*
 * host.c -- host kernels: hands them to the part that is linked to LLVM.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/compiler/host_kernel.h"

#include "load.h"

sy_status cc_host_kernel(base_arena *arena, const cc_host_program *program, cc_host_code *out, base_diag *diag)
{
    const cc_module *module = NULL;
    SY_TRY(cc_load_module(&module, diag));
    return module->host_kernel(arena, program, out, diag);
}
