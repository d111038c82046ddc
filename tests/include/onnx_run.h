/*
 * onnx_run.h -- imports a model made by onnx_write.h and runs it by the reference kernels: for
 * tests of the importer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_ONNX_RUN_H
#define SYSTOLE_TESTS_ONNX_RUN_H

#include "test.h"

#include "onnx_write.h"
#include "systole/graph/import.h"
#include "systole/rt/buffer.h"
#include "systole/rt/cpu.h"

typedef struct imported {
    base_arena *arena;
    base_buf bytes;
    ir_module *m;
} imported;

/* The model is taken; a failed import fails the test. */
static inline imported import_with(base_buf model, const ir_import_options *options)
{
    imported i = {.arena = base_arena_create(), .bytes = model};
    base_diag diag = {{0}};
    ir_optable *table = NULL;
    assert_ok(base_buf_status(&model));
    assert_ok(ir_optable_create(i.arena, &table));
    if (ir_import_onnx_bytes(i.arena, table, "test.onnx", i.bytes.data, i.bytes.n_bytes, options,
                             &diag, &i.m) != SY_OK) {
        fail_msg("%s", diag.message);
    }
    return i;
}

static inline imported import_model(base_buf model)
{
    return import_with(model, NULL);
}

static inline void drop(imported *i)
{
    ir_module_destroy(i->m);
    base_arena_destroy(i->arena);
    base_buf_free(&i->bytes);
}

/* How many nodes of the main graph are this operator. */
static inline int n_of(const imported *i, uint32_t code)
{
    int n = 0;
    for (const ir_node *node = i->m->main->first; node != NULL; node = node->next) {
        n += ir_node_is(node, code);
    }
    return n;
}

/* The first of them; the test fails if there is none. */
static inline const ir_node *find_node(const imported *i, uint32_t code)
{
    const ir_node *node = i->m->main->first;
    while (node != NULL && !ir_node_is(node, code)) {
        node = node->next;
    }
    assert_non_null(node);
    return node;
}

/* Runs the main graph, which has one input and one output; out->data is the caller's to free
 * (rt_buffer_free). */
static inline void run_reference(const imported *i, const ir_tensor *in, ir_tensor *out)
{
    const rt_cpu_options options = {.reference = true};
    base_diag diag = {{0}};
    rt_cpu *cpu = NULL;
    rt_cpu_plan *plan = NULL;
    memset(out, 0, sizeof *out);
    assert_ok(rt_cpu_create(i->m, &options, &diag, &cpu));
    if (rt_cpu_plan_graph(cpu, i->m->main, &diag, &plan) != SY_OK ||
        rt_cpu_plan_run(plan, &in, &out, NULL, &diag) != SY_OK) {
        fail_msg("%s", diag.message);
    }
    rt_cpu_plan_destroy(plan);
    rt_cpu_destroy(cpu);
}

#endif
