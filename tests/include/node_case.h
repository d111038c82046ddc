/*
 * node_case.h -- a graph of one node, fed with tensors and run on the host device: for tests of
 * kernels.
 *
 *     node_case c = node_case_start(IR_OP_ADD);
 *     node_case_input(&c, SY_DT_F32, 2, (int64_t[]){ 2, 3 }, data);          an input
 *     node_case_const(&c, SY_DT_I64, 1, (int64_t[]){ 1 }, (int64_t[]){ 4 }); a constant operand
 *     ir_node_set_int(node_case_node(&c, 1), "axis", 1);                     makes the node; then
 * attributes const ir_tensor *y = node_case_run(&c, &reference, 0);                 the first
 * result node_case_end(&c);
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_NODE_CASE_H
#define SYSTOLE_TESTS_NODE_CASE_H

#include "test.h"

#include "systole/base/rng.h"
#include "systole/graph/infer.h"
#include "systole/rt/buffer.h"
#include "systole/rt/cpu.h"

#define NODE_CASE_OPERANDS 8

typedef struct node_case {
    base_arena *arena;
    ir_module *module;
    ir_node *node;
    uint32_t code, n_operands, n_inputs;
    ir_value *operands[NODE_CASE_OPERANDS];
    ir_tensor tensors[NODE_CASE_OPERANDS];    /* of inputs */
    ir_tensor results[2][NODE_CASE_OPERANDS]; /* of the last two runs: [run % 2] */
    unsigned n_runs;
    base_diag diag;
} node_case;

/* Attributes and operands are checked by the test's own results; a failed call here is a broken
 * test. */
#define NODE_CASE_OK(c, call)                                                           \
    do {                                                                                \
        const sy_status status_ = (call);                                               \
        if (status_ != SY_OK) {                                                         \
            fail_msg("%s: %s", sy_status_text(status_), base_diag_message(&(c)->diag)); \
        }                                                                               \
    } while (0)

static inline node_case node_case_start(uint32_t code)
{
    node_case c = {.arena = base_arena_create(), .code = code};
    ir_optable *table = NULL;
    ir_graph *g = NULL;
    assert_non_null(c.arena);
    NODE_CASE_OK(&c, ir_optable_create(c.arena, &table));
    NODE_CASE_OK(&c, ir_module_create(c.arena, table, "case", &c.module));
    NODE_CASE_OK(&c, ir_module_add_function(c.module, "main", &c.diag, &g));
    return c;
}

static inline void node_case_input(node_case *c, sy_dtype dtype, int32_t rank, const int64_t *dims,
                                   const void *data)
{
    ir_tensor *t = &c->tensors[c->n_inputs++];
    ir_type type;
    NODE_CASE_OK(c, ir_tensor_init(t, dtype, rank, dims, NULL));
    t->data = base_arena_memdup(c->arena, data, t->size_bytes, 1);
    NODE_CASE_OK(c, ir_type_tensor_i64(c->module, dtype, rank, dims, &type));
    NODE_CASE_OK(c,
                 ir_graph_add_input(c->module->main, NULL, &type, &c->operands[c->n_operands++]));
}

static inline void node_case_const(node_case *c, sy_dtype dtype, int32_t rank, const int64_t *dims,
                                   const void *data)
{
    ir_const *k = NULL;
    ir_tensor t;
    NODE_CASE_OK(c, ir_tensor_init(&t, dtype, rank, dims, NULL));
    NODE_CASE_OK(c,
                 ir_const_inline(c->module, dtype, rank, dims, data, t.size_bytes, &c->diag, &k));
    NODE_CASE_OK(c, ir_graph_add_const(c->module->main, NULL, k, &c->operands[c->n_operands++]));
}

static inline void node_case_absent(node_case *c)
{
    c->operands[c->n_operands++] = NULL;
}

static inline ir_node *node_case_node(node_case *c, uint32_t n_results)
{
    const ir_op *op = ir_optable_row(c->module->table, c->code);
    NODE_CASE_OK(c, ir_node_create(c->module->main, NULL, op->domain, op->name, "it", c->n_operands,
                                   c->operands, n_results, &c->node));
    for (uint32_t i = 0; i < n_results; i++) {
        NODE_CASE_OK(c, ir_graph_add_output(c->module->main, c->node->outputs[i], NULL));
    }
    return c->node;
}

/* Runs with a device of these options; the status. Results of the two latest runs stay. */
static inline sy_status node_case_try(node_case *c, const rt_cpu_options *options)
{
    rt_cpu *cpu = NULL;
    rt_cpu_plan *plan = NULL;
    const ir_tensor *inputs[NODE_CASE_OPERANDS];
    ir_tensor *outputs[NODE_CASE_OPERANDS];
    ir_tensor *results = c->results[c->n_runs++ % 2];
    for (uint32_t i = 0; i < NODE_CASE_OPERANDS; i++) {
        rt_buffer_free(results[i].data);
        results[i] = (ir_tensor){0};
        inputs[i] = &c->tensors[i];
        outputs[i] = &results[i];
    }
    sy_status status = rt_cpu_create(c->module, options, &c->diag, &cpu);
    if (status == SY_OK) {
        status = rt_cpu_plan_graph(cpu, c->module->main, &c->diag, &plan);
    }
    if (status == SY_OK) {
        status = rt_cpu_plan_run(plan, inputs, outputs, NULL, &c->diag);
    }
    rt_cpu_plan_destroy(plan);
    rt_cpu_destroy(cpu);
    return status;
}

/* The same; it must succeed. Result i. */
static inline const ir_tensor *node_case_run(node_case *c, const rt_cpu_options *options,
                                             uint32_t i)
{
    NODE_CASE_OK(c, node_case_try(c, options));
    return &c->results[(c->n_runs - 1) % 2][i];
}

static inline void node_case_end(node_case *c)
{
    for (uint32_t r = 0; r < 2; r++) {
        for (uint32_t i = 0; i < NODE_CASE_OPERANDS; i++) {
            rt_buffer_free(c->results[r][i].data);
        }
    }
    ir_module_destroy(c->module);
    base_arena_destroy(c->arena);
}

static const rt_cpu_options node_case_reference = {.reference = true};

/* Results must be these bytes, in this shape. */
static inline void node_case_expect(const ir_tensor *t, sy_dtype dtype, int32_t rank,
                                    const int64_t *dims, const void *data)
{
    ir_tensor want;
    assert_ok(ir_tensor_init(&want, dtype, rank, dims, NULL));
    assert_int_equal(t->dtype, dtype);
    assert_int_equal(t->rank, rank);
    for (int32_t i = 0; i < rank; i++) {
        assert_int_equal(t->dims[i], dims[i]);
    }
    assert_int_equal(t->size_bytes, want.size_bytes);
    assert_memory_equal(t->data, data, want.size_bytes);
}

/* Random bytes, or floats in [-1, 1). */
static inline void node_case_random(base_rng *rng, sy_dtype dtype, void *data, size_t n_bytes)
{
    for (size_t i = 0; dtype != SY_DT_F32 && i < n_bytes; i++) {
        ((uint8_t *)data)[i] = (uint8_t)base_rng_next(rng);
    }
    for (size_t i = 0; dtype == SY_DT_F32 && i < n_bytes / 4; i++) {
        ((float *)data)[i] = 2.0f * base_rng_float(rng) - 1.0f;
    }
}

#endif
