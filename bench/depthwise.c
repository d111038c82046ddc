/*
 * depthwise.c -- MobileNetV2's depthwise convolutions: the vector unit's window against diagonal weights on the array.
 *
 *     bench/depthwise [CONFIG]          (default edge; needs LLVM)
 *
 * Each layer is compiled twice, as a depthwise convolution and as one of groups of two channels whose cross weights are zero
 * (which the array runs, in the planes that a diagonal would take), and both run on the simulator without data: whole layers,
 * with their loads and stores. Cycles are exact; nothing here is timed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "systole/compiler/compile.h"
#include "systole/graph/infer.h"
#include "systole/graph/optable.h"
#include "systole/rt/machine.h"

/* Channels, input height and width, stride, how often: width multiplier 1, 224 x 224. */
static const struct {
    int64_t c, size, stride;
    unsigned times;
} layers[] = {{32, 112, 1, 1}, {96, 112, 2, 1}, {144, 56, 1, 1}, {144, 56, 2, 1}, {192, 28, 1, 2}, {192, 28, 2, 1},
              {384, 14, 1, 4}, {576, 14, 1, 2}, {576, 14, 2, 1}, {960, 7, 1, 3}};

static sy_status constant(ir_module *m, base_arena *arena, sy_dtype dtype, int32_t rank, const int64_t *dims, base_diag *diag,
                          ir_value **out)
{
    int64_t n = dtype == SY_DT_I32 ? 4 : 1;
    for (int32_t i = 0; i < rank; i++) {
        n *= dims[i];
    }
    void *zeros = base_arena_alloc(arena, (size_t)n, 1);
    ir_const *c = NULL;
    if (zeros == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(ir_const_borrow(m, dtype, rank, dims, zeros, (size_t)n, diag, &c));
    return ir_graph_add_const(m->main, NULL, c, out);
}

/* A 3 x 3 convolution of `per_group` channels a group. */
static sy_status make_layer(base_arena *arena, ir_optable *table, int64_t c, int64_t size, int64_t stride, int64_t per_group,
                            base_diag *diag, ir_module **out)
{
    const int64_t x_dims[4] = {1, c, size, size}, w_dims[4] = {c, per_group, 3, 3};
    const int64_t pads[4] = {1, 1, 1, 1}, strides[2] = {stride, stride};
    ir_graph *g = NULL;
    ir_type type;
    ir_value *in[3] = {NULL}, *y = NULL;
    ir_node *node = NULL;
    SY_TRY(ir_module_create(arena, table, "depthwise", out));
    SY_TRY(ir_module_add_function(*out, "main", diag, &g));
    SY_TRY(ir_type_tensor_i64(*out, SY_DT_I8, 4, x_dims, &type));
    SY_TRY(ir_graph_add_input(g, "x", &type, &in[0]));
    SY_TRY(constant(*out, arena, SY_DT_I8, 4, w_dims, diag, &in[1]));
    SY_TRY(constant(*out, arena, SY_DT_I32, 1, &c, diag, &in[2]));
    SY_TRY(ir_node_create_op(g, NULL, IR_OP_QCONV, 3, in, &node, &y));
    SY_TRY(ir_node_set_float(node, "x_scale", 1.0F));
    SY_TRY(ir_node_set_float(node, "y_scale", 1.0F));
    SY_TRY(ir_node_set_floats(node, "w_scale", 1, &(float){1.0F}));
    SY_TRY(ir_node_set_ints(node, "pads", 4, pads));
    SY_TRY(ir_node_set_ints(node, "strides", 2, strides));
    SY_TRY(ir_node_set_int(node, "group", c / per_group));
    SY_TRY(ir_graph_add_output(g, y, "y"));
    return ir_infer_module(*out, diag);
}

static sy_status count_cycles(const isa_config *config, int64_t c, int64_t size, int64_t stride, int64_t per_group, uint64_t *cycles,
                              base_diag *diag)
{
    base_arena *arena = base_arena_create();
    ir_optable *table = NULL;
    ir_module *m = NULL;
    isa_program program = {0};
    cc_plan plan;
    sim_machine *machine = NULL;
    const rt_machine_options options = {.timing_only = true};
    const cc_options strip = {.strip = true};
    sim_run_options run = {0};
    sim_result result = {0};
    sy_status status = arena != NULL ? ir_optable_create(arena, &table) : SY_ENOMEM;
    status = status == SY_OK ? make_layer(arena, table, c, size, stride, per_group, diag, &m) : status;
    status = status == SY_OK ? cc_compile(arena, m, "", 0, config, &strip, &program, &plan, diag) : status;
    status = status == SY_OK ? rt_machine_create(RT_MACHINE_SIM, config, &options, &machine, diag) : status;
    status = status == SY_OK ? rt_machine_load(machine, &program, diag) : status;
    if (status == SY_OK && !isa_program_find(&program, plan.steps[0].entry, &run.entry)) {
        status = base_fail(diag, SY_EINTERNAL, "no entry point");
    }
    status = status == SY_OK ? sim_machine_run(machine, &run, &result, diag) : status;
    status = status == SY_OK ? rt_end_status(&result) : status;
    *cycles = result.cycles;
    sim_machine_destroy(machine);
    ir_module_destroy(m);
    base_arena_destroy(arena);
    return status;
}

int main(int argc, char **argv)
{
    base_diag diag = {0};
    isa_config config;
    uint64_t window_sum = 0, array_sum = 0;
    if (isa_config_find(argc > 1 ? argv[1] : "edge", &config, &diag) != SY_OK) {
        fprintf(stderr, "%s\n", base_diag_message(&diag));
        return 1;
    }
    printf("%-22s %6s %12s %12s %8s\n", "layer", "times", "window", "array", "array / window");
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        uint64_t window = 0, array = 0;
        if (count_cycles(&config, layers[i].c, layers[i].size, layers[i].stride, 1, &window, &diag) != SY_OK ||
            count_cycles(&config, layers[i].c, layers[i].size, layers[i].stride, 2, &array, &diag) != SY_OK) {
            fprintf(stderr, "depthwise: %s\n", base_diag_message(&diag));
            return 1;
        }
        window_sum += layers[i].times * window;
        array_sum += layers[i].times * array;
        printf("%4lld x %3lld x %3lld, s %lld   %6u %12llu %12llu %8.2f\n", (long long)layers[i].c, (long long)layers[i].size,
               (long long)layers[i].size, (long long)layers[i].stride, layers[i].times, (unsigned long long)window,
               (unsigned long long)array, (double)array / (double)window);
    }
    printf("%-22s %6s %12llu %12llu %8.2f\n", "sum", "", (unsigned long long)window_sum, (unsigned long long)array_sum,
           (double)array_sum / (double)window_sum);
    return 0;
}
