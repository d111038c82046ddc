/*
 * schedule_graphs.c -- random graphs: values with several users, products with residuals, joins and
 * pools in any order, several outputs. What shares memory, and what is fused, must not show.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 120
#include "net_check.h"

#define MAX_VALUES 16

/* A product that keeps [n, c, h, w]. */
static ir_value *product(net *n, ir_value *x, const int64_t *dims)
{
    const int64_t k = pick(0, 1) == 1 ? 3 : 1;
    const int64_t pads[4] = {k / 2, k / 2, k / 2, k / 2};
    ir_value *const in[2] = {x,
                             constant(n, SY_DT_I8, 4, (const int64_t[4]){dims[1], dims[1], k, k})};
    ir_value *y;
    ir_node *node_of = node(n, IR_OP_QCONV, 2, in, &y);
    assert_int_equal(ir_node_set_ints(node_of, "pads", 4, pads), SY_OK);
    set_scales(node_of, (const char *const[]){"x", "y", NULL});
    assert_int_equal(ir_node_set_floats(node_of, "w_scale", 1, (const float[1]){0.002F}), SY_OK);
    return y;
}

/* The sum, difference or product of two values; zero points as in real networks most of the time.
 */
static ir_value *pair(net *n, ir_value *a, ir_value *b)
{
    static const uint32_t codes[4] = {IR_OP_QADD, IR_OP_QADD, IR_OP_QSUB, IR_OP_QMUL};
    ir_value *const in[2] = {a, b};
    ir_value *y;
    ir_node *k = node(n, codes[pick(0, 3)], 2, in, &y);
    set_scales(k, (const char *const[]){"a", "b", "y", NULL});
    for (uint32_t i = 0; i < 2 && pick(0, 4) > 0; i++) {
        if (in[i]->producer != NULL && ir_node_is(in[i]->producer, IR_OP_QCONV)) {
            const int64_t zero = ir_node_int(in[i]->producer, "y_zero", 0);
            assert_int_equal(ir_node_set_int(k, i == 0 ? "a_zero" : "b_zero", zero), SY_OK);
        }
    }
    return y;
}

/* Two values side by side, and a product that takes the channels back to c. */
static ir_value *join(net *n, ir_value *a, ir_value *b, const int64_t *dims)
{
    ir_value *joined, *y;
    ir_node *k = node(n, IR_OP_CONCAT, 2, (ir_value *const[]){a, b}, &joined);
    assert_int_equal(ir_node_set_int(k, "axis", 1), SY_OK);
    ir_value *const in[2] = {
        joined, constant(n, SY_DT_I8, 4, (const int64_t[4]){dims[1], 2 * dims[1], 1, 1})};
    k = node(n, IR_OP_QCONV, 2, in, &y);
    set_scales(k, (const char *const[]){"x", "y", NULL});
    assert_int_equal(ir_node_set_floats(k, "w_scale", 1, (const float[1]){0.002F}), SY_OK);
    return y;
}

static ir_value *pooled(net *n, ir_value *x)
{
    ir_value *y;
    ir_node *k = node(n, IR_OP_MAXPOOL, 1, &x, &y);
    assert_int_equal(ir_node_set_ints(k, "kernel_shape", 2, (const int64_t[2]){3, 3}), SY_OK);
    assert_int_equal(ir_node_set_ints(k, "pads", 4, (const int64_t[4]){1, 1, 1, 1}), SY_OK);
    return y;
}

static void random_graphs(void **state)
{
    (void)state;
    for (int trial = 0; trial < 300; trial++) {
        isa_config config = pick_machine();
        config.dram_mib = 1;
        config.dram_latency = pick(0, 1) == 1 ? 4 : 100;
        net n = new_net();
        const int64_t dims[4] = {pick(1, 2), pick(1, 20), pick(2, 8), pick(2, 8)};
        ir_value *values[MAX_VALUES + 1];
        uint32_t n_values = 0;
        values[n_values++] = input(&n, 4, dims);
        const uint32_t wanted = (uint32_t)pick(3, MAX_VALUES);
        while (n_values < wanted) {
            const int64_t last = n_values - 1;
            ir_value *a = values[pick(0, last)], *b = values[pick(last > 2 ? last - 2 : 0, last)];
            const int64_t op = pick(0, 6);
            values[n_values++] = op < 3    ? product(&n, b, dims)
                                 : op == 3 ? pooled(&n, a)
                                 : op == 4 ? join(&n, a, b, dims)
                                           : pair(&n, a, b);
        }
        assert_int_equal(ir_graph_add_output(n.g, values[n_values - 1], "out"), SY_OK);
        if (pick(0, 1) == 1) {
            const int64_t which = pick(1, (int64_t)n_values - 1);
            assert_int_equal(ir_graph_add_output(n.g, values[which], "other"), SY_OK);
        }
        if (!check_net(&n, &config)) {
            fail_msg("refused: %s", base_diag_message(&n.diag));
        }
        ir_module_destroy(n.m);
        base_arena_destroy(n.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_graphs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
