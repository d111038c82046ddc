/*
 * pass_test.h -- a module from text, one pass over it, and its results by the reference kernels
 * before and after.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_PASS_TEST_H
#define SYSTOLE_TESTS_PASS_TEST_H

#include "test.h"

#include "systole/base/rng.h"
#include "systole/compiler/passes.h"
#include "systole/graph/infer.h"
#include "systole/graph/optable.h"
#include "systole/graph/text.h"
#include "systole/graph/verify.h"
#include "systole/rt/buffer.h"
#include "systole/rt/cpu.h"

typedef struct pass_case {
    base_arena *arena;
    ir_optable *table;
    ir_module *m;
    base_diag diag;
} pass_case;

/* The body of a module: its constants and functions. */
static inline pass_case pass_parse(const char *body)
{
    pass_case c = {.arena = base_arena_create()};
    char *text = base_arena_printf(c.arena, "systole_ir 1\nmodule \"test\"\n%s", body);
    assert_ok(ir_optable_create(c.arena, &c.table));
    if (ir_parse(c.arena, c.table, "test", text, strlen(text), &c.diag, &c.m) != SY_OK ||
        ir_infer_module(c.m, &c.diag) != SY_OK || ir_verify(c.m, &c.diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&c.diag));
    }
    return c;
}

static inline void pass_apply(pass_case *c, sy_status (*pass)(ir_module *m, base_diag *diag))
{
    if (pass(c->m, &c->diag) != SY_OK || ir_infer_module(c->m, &c->diag) != SY_OK ||
        ir_verify(c->m, &c->diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&c->diag));
    }
}

static inline void pass_drop(pass_case *c)
{
    ir_module_destroy(c->m);
    base_arena_destroy(c->arena);
}

/* How many nodes of the main graph are this operator; -1: any. */
static inline uint32_t pass_count(const pass_case *c, int64_t code)
{
    uint32_t n = 0;
    for (const ir_node *k = c->m->main->first; k != NULL; k = k->next) {
        n += code < 0 || ir_node_is(k, (uint32_t)code);
    }
    return n;
}

/* The main graph as text is `want`, but for the names and bytes of constants. */
static inline void pass_expect(pass_case *c, const char *want)
{
    char *text;
    size_t n;
    assert_ok(ir_print(c->m, NULL, c->arena, &c->diag, &text, &n));
    assert_non_null(strstr(text, "func"));
    assert_string_equal(strstr(text, "func"), want);
}

/* Output 0 of the main graph by reference kernels, in the case's arena; inputs (fp32 or int8) are
 * functions of their number and `seed`. */
static inline ir_tensor pass_evaluate(pass_case *c, uint64_t seed)
{
    const rt_cpu_options options = {.reference = true};
    rt_cpu *cpu;
    rt_cpu_plan *plan;
    ir_tensor in[4], out[4], *outputs[4];
    const ir_tensor *inputs[4];
    const ir_graph *g = c->m->main;
    assert_true(g->n_inputs <= 4 && g->n_outputs <= 4);
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        int64_t dims[IR_MAX_RANK];
        assert_true(ir_type_static_dims(&g->inputs[i]->type, dims));
        assert_ok(
            ir_tensor_init(&in[i], g->inputs[i]->type.dtype, g->inputs[i]->type.rank, dims, NULL));
        in[i].data = base_arena_alloc(c->arena, in[i].size_bytes + 1, 1);
        for (int64_t k = 0; k < ir_tensor_n_elements(&in[i]); k++) {
            const uint64_t bits = base_rng_u64(seed, i, (uint64_t)k);
            if (in[i].dtype == SY_DT_F32) {
                ((float *)in[i].data)[k] = (float)((int)(bits % 2001) - 1000) / 250.0F;
            } else {
                ((uint8_t *)in[i].data)[k] = (uint8_t)bits;
            }
        }
        inputs[i] = &in[i];
    }
    memset(out, 0, sizeof out);
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        outputs[i] = &out[i];
    }
    if (rt_cpu_create(c->m, &options, &c->diag, &cpu) != SY_OK ||
        rt_cpu_plan_graph(cpu, c->m->main, &c->diag, &plan) != SY_OK ||
        rt_cpu_plan_run(plan, inputs, outputs, NULL, &c->diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&c->diag));
    }
    ir_tensor result = out[0];
    result.data = base_arena_memdup(c->arena, out[0].data, out[0].size_bytes, 1);
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        rt_buffer_free(out[i].data);
    }
    rt_cpu_plan_destroy(plan);
    rt_cpu_destroy(cpu);
    return result;
}

/* The pass changes no bit of output 0. */
static inline void pass_keeps_bits(pass_case *c, sy_status (*pass)(ir_module *m, base_diag *diag))
{
    ir_tensor before[3];
    for (uint64_t seed = 0; seed < 3; seed++) {
        before[seed] = pass_evaluate(c, seed);
    }
    pass_apply(c, pass);
    for (uint64_t seed = 0; seed < 3; seed++) {
        const ir_tensor after = pass_evaluate(c, seed);
        assert_int_equal(after.dtype, before[seed].dtype);
        assert_int_equal(after.size_bytes, before[seed].size_bytes);
        assert_memory_equal(after.data, before[seed].data, after.size_bytes);
    }
}

#endif
