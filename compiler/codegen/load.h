/*
 * load.h -- the loadable part of code generation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_LOAD_H
#define SYSTOLE_COMPILER_LOAD_H

#include "module.h"

/*
 * Loads libsystole-codegen.so; it stays loaded.
 * Errors: SY_EUNSUPPORTED if it, or LLVM, is not there; SY_EMISMATCH if it is from another build; each with one line that says what to do.
 */
sy_status cc_load_module(const cc_module **out, base_diag *diag);

#endif
