/*
 * passes.h -- the passes over the graph. The pipeline is passes/passes.def, from top to bottom.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_PASSES_H
#define SYSTOLE_COMPILER_PASSES_H

#include "systole/base/buf.h"
#include "systole/graph/graph.h"

typedef enum pass_pipeline { PASS_HOST, PASS_DEVICE } pass_pipeline;

/*
 * Runs a pipeline over module->main, in place, with shape inference and the verifier after each
 * pass. dump_after: the name of a pass after which the graph's text is appended to dump ("all":
 * after each); NULL: none. Errors: SY_EINVAL for an unknown name in dump_after (the message lists
 * them); what a pass, inference or the verifier reports.
 */
sy_status pass_run(ir_module *module, pass_pipeline pipeline, const char *dump_after,
                   base_buf *dump, base_diag *diag);

/* Name and one line of pass i; NULL beyond the last. */
const char *pass_name(unsigned i);
const char *pass_summary(unsigned i);

/* Each pass is one function over the module's main graph. */
sy_status pass_fold_constants(ir_module *module, base_diag *diag);
sy_status pass_fold_batchnorm(ir_module *module, base_diag *diag);
sy_status pass_remove_dead(ir_module *module, base_diag *diag);
sy_status pass_fold_tables(ir_module *module, base_diag *diag);
sy_status pass_fuse_residual(ir_module *module, base_diag *diag);
sy_status pass_fuse_table(ir_module *module, base_diag *diag);

#endif
