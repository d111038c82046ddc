/*
 * remove_dead.c -- operators and constants that nobody uses are removed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/compiler/passes.h"

sy_status pass_remove_dead(ir_module *module, base_diag *diag)
{
    (void)diag;
    ir_graph_remove_dead(module->main);
    return SY_OK;
}
