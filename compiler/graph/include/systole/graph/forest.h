/*
 * forest.h -- the trees of TreeEnsembleClassifier, TreeEnsembleRegressor and TreeEnsemble, read from the attributes once.
 *
 * The reference kernel reads them in each run; device cpu when a plan is made, and runs the same walks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_FOREST_H
#define SYSTOLE_GRAPH_FOREST_H

#include "systole/graph/optable.h"

typedef struct ir_forest ir_forest;

/* The trees of a node, in the arena. SY_EINVAL with one line if its attributes do not fit each other. */
sy_status ir_forest_read(const ir_node *node, base_arena *arena, base_diag *diag, ir_forest **out);

/* Runs the node that the forest was read from. Any number of threads may at once. */
sy_status ir_forest_run(const ir_forest *forest, const ir_kernel_args *args);

#endif
