/*
 * verify.h -- the verifier: runs between passes, and on whatever comes from outside.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_VERIFY_H
#define SYSTOLE_GRAPH_VERIFY_H

#include "systole/graph/graph.h"

/*
 * Checks a whole module: definition before use, legal captures, unique names, arity, attribute kinds,
 * regions where the operator wants them, state pairing, use lists and back pointers, constants within the module,
 * and that every type is what inference gives. Changes nothing that a later pass could see.
 *
 * SY_EINVAL (or inference's own error) with one line naming graph, node and value, expected and actual.
 */
sy_status ir_verify(ir_module *m, base_diag *diag);

#endif
