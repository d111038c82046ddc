/*
 * plan_overhead.c -- what an operator costs besides its work: a chain of 1,000 operators on a few elements.
 *
 *     build/release/bench/plan_overhead
 *
 * Prints nanoseconds per operator of the executor, plan and layout made before; then what making the plan took.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "systole/graph/infer.h"
#include "systole/rt/buffer.h"
#include "systole/rt/cpu.h"

#define N_NODES    1000
#define N_ELEMENTS 16
#define SECONDS    0.3

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void check(sy_status status, const base_diag *diag)
{
    if (status != SY_OK) {
        (void)fprintf(stderr, "plan_overhead: %s\n", base_diag_message(diag));
        exit(1);
    }
}

/* Each operator on the result of the one before; `second`: and on the input. Elementwise ones are merged. */
static void time_chain(const char *name, uint32_t code, bool second)
{
    base_arena *arena = base_arena_create();
    base_diag diag = {""};
    ir_optable *table = NULL;
    ir_module *m = NULL;
    ir_graph *g = NULL;
    ir_type type;
    const int64_t dims[] = {4, N_ELEMENTS / 4};
    float data[N_ELEMENTS] = {0.0f};
    ir_tensor x, y = {0};
    check(ir_optable_create(arena, &table), &diag);
    check(ir_module_create(arena, table, "bench", &m), &diag);
    check(ir_module_add_function(m, "main", &diag, &g), &diag);
    check(ir_tensor_init(&x, SY_DT_F32, 2, dims, data), &diag);
    check(ir_type_tensor_i64(m, SY_DT_F32, 2, dims, &type), &diag);
    ir_value *input = NULL, *last = NULL;
    check(ir_graph_add_input(g, "x", &type, &input), &diag);
    last = input;
    for (int i = 0; i < N_NODES; i++) {
        ir_value *operands[] = {last, input};
        ir_node *n = NULL;
        check(ir_node_create_op(g, NULL, code, second ? 2 : 1, operands, &n, &last), &diag);
    }
    check(ir_graph_add_output(g, last, "y"), &diag);
    check(ir_infer_module(m, &diag), &diag);
    const rt_cpu_options options = {.n_threads = 1};
    rt_cpu *cpu = NULL;
    rt_cpu_plan *plan = NULL;
    const ir_tensor *inputs[] = {&x};
    ir_tensor *outputs[] = {&y};
    check(rt_cpu_create(m, &options, &diag, &cpu), &diag);
    const double start = now();
    check(rt_cpu_plan_graph(cpu, g, &diag, &plan), &diag);
    check(rt_cpu_plan_run(plan, inputs, outputs, NULL, &diag), &diag);
    const double made = now() - start;
    double best = INFINITY;
    for (const double end = now() + SECONDS; now() < end;) {
        const double begin = now();
        check(rt_cpu_plan_run(plan, inputs, outputs, NULL, &diag), &diag);
        best = fmin(best, now() - begin);
    }
    (void)printf("%-12s %8.0f ns   plan and first run %8.2f ms\n", name, 1e9 * best / N_NODES, 1e3 * made);
    rt_buffer_free(y.data);
    rt_cpu_plan_destroy(plan);
    rt_cpu_destroy(cpu);
    ir_module_destroy(m);
    base_arena_destroy(arena);
}

int main(void)
{
    (void)printf("per operator, %d operators on %d elements\n", N_NODES, N_ELEMENTS);
    time_chain("Add", IR_OP_ADD, true);
    time_chain("Relu", IR_OP_RELU, false);
    time_chain("MatMul", IR_OP_MATMUL, true);
    time_chain("Transpose", IR_OP_TRANSPOSE, false);
    return 0;
}
