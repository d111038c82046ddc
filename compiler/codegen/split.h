/*
 * split.h -- cuts the ops of a program into functions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_SPLIT_H
#define SYSTOLE_COMPILER_SPLIT_H

#include "module.h"
#include "systole/base/vec.h"

typedef BASE_VEC(cc_function) cc_function_vec;

/*
 * Makes *first a list that no single function is too large for: LLVM's time grows faster than a function's size. What is too much becomes functions of their own,
 * appended to `functions` and called; a loop whose body is too large keeps its loop and calls the parts of its body. `name` is the base of their names.
 * Errors: SY_ENOMEM.
 */
sy_status cc_split(base_arena *arena, const char *name, cc_op **first, uint32_t depth, cc_function_vec *functions);

#endif
