/*
 * fast_tree.c -- trees: read when the plan is made. What attributes that do not fit are like, the run says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"

#include "systole/graph/forest.h"

static sy_status prepare(const rt_prepare_args *args, void **state)
{
    ir_forest *forest = NULL;
    const sy_status status = ir_forest_read(args->node, args->arena, args->diag, &forest);
    if (status != SY_OK && status != SY_ENOMEM) {
        base_diag_clear(args->diag);
    }
    *state = status == SY_OK ? forest : NULL;
    return status == SY_ENOMEM ? status : SY_OK;
}

sy_status rt_fast_prepare_ML_TREEENSEMBLE(const rt_prepare_args *args, void **state)
{
    return prepare(args, state);
}

sy_status rt_fast_prepare_ML_TREEENSEMBLECLASSIFIER(const rt_prepare_args *args, void **state)
{
    return prepare(args, state);
}

sy_status rt_fast_prepare_ML_TREEENSEMBLEREGRESSOR(const rt_prepare_args *args, void **state)
{
    return prepare(args, state);
}

sy_status rt_fast_tree(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    (void)env;
    return state != NULL ? ir_forest_run(state, args) : rt_run_reference(args);
}
