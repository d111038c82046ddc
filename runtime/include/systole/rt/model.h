/*
 * model.h -- a loaded model: an imported graph, a program for the machine, or both.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_MODEL_H
#define SYSTOLE_RT_MODEL_H

#include <pthread.h>

#include "systole/compiler/compile.h"
#include "systole/graph/import.h"

/* Section of a program file that keeps the sizes given at import: one "NAME=DIMS" line each. */
#define RT_SHAPES_SECTION ".systole.shapes"

/* After loading it is read, never changed, but for compilation, which happens under the lock. */
typedef struct rt_model {
    base_arena *arena;
    const char *path;
    ir_optable *table;
    ir_module *module; /* the imported graph; NULL: a plain program, or a stripped one */
    bool has_program;  /* loaded from ELF, or compiled */
    bool has_plan;     /* false: a plain program */
    isa_program program;
    cc_plan plan;
    const char *const *shape_texts; /* as given at import */
    uint32_t n_shape_texts;
    pthread_mutex_t lock; /* compilation, and session making: constants of a module are read by one
                             thread at a time */
} rt_model;

typedef struct rt_model_options {
    const char *const *shapes; /* "NAME=DIMS", see ir_import_parse_shape; not for ELF files */
    uint32_t n_shapes;
} rt_model_options;

/*
 * Loads an ONNX model, a compiled model or a plain program (the last two are ELF files). options
 * may be NULL. Errors: SY_EIO, SY_EFORMAT, SY_EMISMATCH (compiled by another systole), what the
 * importer gives; one line each.
 */
sy_status rt_model_load(const char *path, const rt_model_options *options, rt_model **out,
                        base_diag *diag);
void rt_model_free(rt_model *model); /* NULL is allowed */

/*
 * Compiles the graph for a configuration, if the model has no program yet. Thread-safe.
 * Errors: as cc_compile; SY_EMISMATCH if there is a program for another configuration.
 */
sy_status rt_model_compile(rt_model *model, const isa_config *config, const cc_options *options,
                           base_diag *diag);

/* Writes the compiled model as an ELF file. SY_EINVAL if it is not compiled. */
sy_status rt_model_save(const rt_model *model, const char *path, base_diag *diag);

/* An input or output. Dimensions that are not fixed are -1; rank -1: not even the rank is known. */
typedef struct rt_model_io {
    const char *name;
    sy_dtype dtype; /* of a list: of the tensors in it, if that is known */
    int32_t rank;
    int64_t dims[IR_MAX_RANK];
    ir_type_kind kind;
} rt_model_io;

uint32_t rt_model_n_inputs(const rt_model *model);
uint32_t rt_model_n_outputs(const rt_model *model);
rt_model_io rt_model_input(const rt_model *model, uint32_t i);
rt_model_io rt_model_output(const rt_model *model, uint32_t i);

/* Name of the layer with this tag, NULL if the plan has none. */
const cc_plan_layer *rt_model_layer(const rt_model *model, uint32_t tag);

/*
 * Checks a plan against a program and its configuration: entries exist, all bytes of all tensors
 * lie in DRAM. SY_EFORMAT with one line.
 */
sy_status rt_plan_check(const cc_plan *plan, const isa_program *program, const isa_config *config,
                        base_diag *diag);

#endif
