/*
 * recurrent.c -- the fast LSTM and GRU against the reference: directions, layouts, lengths, initial states, and the same bits for any
 * number of threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node_case.h"

#include <math.h>

static void random_floats(node_case *c, base_rng *rng, bool constant, int32_t rank, const int64_t *dims)
{
    ir_tensor t;
    assert_ok(ir_tensor_init(&t, SY_DT_F32, rank, dims, NULL));
    float *data = base_arena_alloc(c->arena, t.size_bytes + 4, 1);
    for (size_t i = 0; i < t.size_bytes / 4; i++) {
        data[i] = 0.5f * (base_rng_float(rng) - 0.5f);
    }
    (constant ? node_case_const : node_case_input)(c, SY_DT_F32, rank, dims, data);
}

static void build(uint64_t seed, node_case *c)
{
    base_rng rng = base_rng_make(seed, 31);
    const int64_t steps = base_rng_range(&rng, 1, 6), batch = base_rng_range(&rng, 1, 4);
    const int64_t inputs = base_rng_range(&rng, 1, 40), hidden = base_rng_range(&rng, 1, 70);
    const int direction = (int)base_rng_below(&rng, 3);
    const int64_t dirs = direction == 2 ? 2 : 1, layout = (int64_t)base_rng_below(&rng, 2);
    const int64_t x[] = {layout != 0 ? batch : steps, layout != 0 ? steps : batch, inputs};
    const int64_t state[] = {layout != 0 ? batch : dirs, layout != 0 ? dirs : batch, hidden};
    const bool constant = !base_rng_one_in(&rng, 4), gru = seed % 2 != 0;
    const int64_t gates = gru ? 3 : 4;
    *c = node_case_start(gru ? IR_OP_GRU : IR_OP_LSTM);
    random_floats(c, &rng, false, 3, x);
    random_floats(c, &rng, constant, 3, (const int64_t[]){dirs, gates * hidden, inputs});
    random_floats(c, &rng, constant, 3, (const int64_t[]){dirs, gates * hidden, hidden});
    if (base_rng_one_in(&rng, 2)) {
        random_floats(c, &rng, true, 2, (const int64_t[]){dirs, 2 * gates * hidden});
    } else {
        node_case_absent(c);
    }
    if (base_rng_one_in(&rng, 3)) {
        int32_t lengths[4];
        for (int i = 0; i < 4; i++) {
            lengths[i] = (int32_t)base_rng_range(&rng, 0, steps);
        }
        node_case_input(c, SY_DT_I32, 1, &batch, lengths);
    } else {
        node_case_absent(c);
    }
    if (base_rng_one_in(&rng, 2)) {
        random_floats(c, &rng, false, 3, state);
        if (!gru) {
            random_floats(c, &rng, false, 3, state);
        }
    }
    ir_node *n = node_case_node(c, gru ? 2 : 3);
    static const char *const directions[] = {"forward", "reverse", "bidirectional"};
    assert_ok(ir_node_set_int(n, "hidden_size", hidden));
    assert_ok(ir_node_set_int(n, "layout", layout));
    if (gru) {
        assert_ok(ir_node_set_int(n, "linear_before_reset", (int64_t)base_rng_below(&rng, 2)));
    }
    assert_ok(ir_node_set_string(n, "direction", directions[direction], strlen(directions[direction])));
}

static void test_reference(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        node_case c;
        build(seed, &c);
        for (uint32_t i = 0; i < c.node->n_outputs; i++) {
            const rt_cpu_options one = {.n_threads = 1}, three = {.n_threads = 3};
            const ir_tensor want = *node_case_run(&c, &node_case_reference, i);
            const ir_tensor *got = node_case_run(&c, &one, i);
            assert_int_equal(want.size_bytes, got->size_bytes);
            for (size_t k = 0; k < want.size_bytes / 4; k++) {
                const double w = (double)((const float *)want.data)[k], g = (double)((const float *)got->data)[k];
                if (!(fabs(w - g) <= 40.0 * RT_CPU_FLOAT_TOLERANCE)) { /* sums of at most 110 products below 1/16, a few steps */
                    fail_msg("seed %lu: result %u, element %zu: %.9g, expected %.9g", (unsigned long)seed, i, k, g, w);
                }
            }
            const ir_tensor kept = *got;
            got = node_case_run(&c, &three, i);
            assert_memory_equal(kept.data, got->data, kept.size_bytes);
        }
        node_case_end(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
