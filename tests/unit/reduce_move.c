/*
 * reduce_move.c -- fast reductions and movement against the reference, the same bits for any number of threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node_case.h"

#include <math.h>

#define N_CASES 300

static void random_shape(base_rng *rng, int32_t *rank, int64_t dims[5])
{
    *rank = (int32_t)base_rng_range(rng, 1, 5);
    for (int i = 0; i < 5; i++) {
        dims[i] = base_rng_one_in(rng, 4) ? 1 : base_rng_range(rng, 1, base_rng_one_in(rng, 6) ? 90 : 9);
    }
}

static const ir_tensor *random_floats(node_case *c, base_rng *rng, int32_t rank, const int64_t *dims)
{
    ir_tensor t;
    assert_ok(ir_tensor_init(&t, SY_DT_F32, rank, dims, NULL));
    float *data = base_arena_alloc(c->arena, t.size_bytes + 4, 1);
    for (size_t i = 0; i < t.size_bytes / 4; i++) {
        data[i] = base_rng_float(rng) - 0.5f;
        if (base_rng_one_in(rng, 500)) {
            data[i] = base_rng_one_in(rng, 2) ? NAN : INFINITY;
        }
    }
    node_case_input(c, SY_DT_F32, rank, dims, data);
    return &c->tensors[c->n_inputs - 1];
}

/* All elements of x are at most 1/2 but for infinities: so are the terms of a sum. */
static void compare(const ir_tensor *want, const ir_tensor *got, double limit, uint64_t seed)
{
    assert_int_equal(want->size_bytes, got->size_bytes);
    for (size_t i = 0; i < want->size_bytes / 4; i++) {
        const double w = (double)((const float *)want->data)[i], g = (double)((const float *)got->data)[i];
        const bool same = (isnan(w) && isnan(g)) || w == g;
        if (!same && !(fabs(w - g) <= limit)) {
            fail_msg("seed %lu: element %zu: %.9g, expected %.9g", (unsigned long)seed, i, g, w);
        }
    }
}

static void test_reductions(void **state)
{
    (void)state;
    const uint32_t codes[] = {IR_OP_REDUCESUM, IR_OP_REDUCEMEAN, IR_OP_REDUCEMAX, IR_OP_REDUCEMIN, IR_OP_GLOBALMAXPOOL};
    for (uint64_t seed = 0; seed < N_CASES; seed++) {
        base_rng rng = base_rng_make(seed, 41);
        const uint32_t code = codes[seed % 5];
        int32_t rank;
        int64_t dims[5], axes[5], n_axes = 0;
        node_case c = node_case_start(code);
        random_shape(&rng, &rank, dims);
        rank = code == IR_OP_GLOBALMAXPOOL && rank < 3 ? 3 : rank;
        const ir_tensor *x = random_floats(&c, &rng, rank, dims);
        for (int32_t a = 0; a < rank; a++) {
            if (base_rng_one_in(&rng, 2)) {
                axes[n_axes++] = base_rng_one_in(&rng, 2) ? a : a - rank;
            }
        }
        if (code != IR_OP_GLOBALMAXPOOL && n_axes > 0) {
            node_case_const(&c, SY_DT_I64, 1, &n_axes, axes);
        }
        ir_node *n = node_case_node(&c, 1);
        if (code != IR_OP_GLOBALMAXPOOL) {
            assert_ok(ir_node_set_int(n, "keepdims", (int64_t)base_rng_below(&rng, 2)));
        }
        const rt_cpu_options one = {.n_threads = 1}, three = {.n_threads = 3};
        const ir_tensor want = *node_case_run(&c, &node_case_reference, 0);
        ir_tensor got = *node_case_run(&c, &one, 0);
        const bool sums = code == IR_OP_REDUCESUM || code == IR_OP_REDUCEMEAN;
        const double terms = (double)x->size_bytes / 4.0 / (want.size_bytes > 0 ? (double)want.size_bytes / 4.0 : 1.0);
        const double scale = code == IR_OP_REDUCEMEAN ? 1.0 : terms;
        compare(&want, &got, sums ? RT_CPU_FLOAT_TOLERANCE * sqrt(terms) * 0.5 * scale : 0.0, seed);
        const ir_tensor *again = node_case_run(&c, &three, 0);
        assert_memory_equal(got.data, again->data, got.size_bytes);
        node_case_end(&c);
    }
}

/* More elements than one task or one row of partial sums takes. */
static void test_large(void **state)
{
    (void)state;
    const int64_t shapes[][3] = {{3, 1, 400000}, {1, 300000, 4}, {200, 70, 90}};
    for (uint64_t seed = 0; seed < 6; seed++) {
        base_rng rng = base_rng_make(seed, 42);
        node_case c = node_case_start(IR_OP_REDUCESUM);
        const int64_t *dims = shapes[seed % 3], axis = seed % 3 == 0 ? 2 : 1, one_axis = 1;
        ir_tensor t;
        assert_ok(ir_tensor_init(&t, SY_DT_F32, 3, dims, NULL));
        float *data = base_arena_alloc(c.arena, t.size_bytes, 1);
        for (size_t i = 0; i < t.size_bytes / 4; i++) {
            data[i] = base_rng_float(&rng) - 0.5f;
        }
        node_case_input(&c, SY_DT_F32, 3, dims, data);
        node_case_const(&c, SY_DT_I64, 1, &one_axis, &axis);
        (void)node_case_node(&c, 1);
        const rt_cpu_options one = {.n_threads = 1}, three = {.n_threads = 3};
        const ir_tensor want = *node_case_run(&c, &node_case_reference, 0);
        const ir_tensor got = *node_case_run(&c, &one, 0);
        const double terms = (double)dims[axis];
        compare(&want, &got, RT_CPU_FLOAT_TOLERANCE * sqrt(terms) * 0.5 * terms, seed);
        const ir_tensor *again = node_case_run(&c, &three, 0);
        assert_memory_equal(got.data, again->data, got.size_bytes);
        node_case_end(&c);
    }
}

static void test_transpose(void **state)
{
    (void)state;
    const sy_dtype types[] = {SY_DT_I8, SY_DT_F16, SY_DT_F32, SY_DT_I64, SY_DT_BOOL};
    for (uint64_t seed = 0; seed < N_CASES; seed++) {
        base_rng rng = base_rng_make(seed, 43);
        const sy_dtype dtype = types[seed % 5];
        int32_t rank;
        int64_t dims[5], perm[5];
        ir_tensor t;
        node_case c = node_case_start(IR_OP_TRANSPOSE);
        random_shape(&rng, &rank, dims);
        assert_ok(ir_tensor_init(&t, dtype, rank, dims, NULL));
        uint8_t *data = base_arena_alloc(c.arena, t.size_bytes + 1, 1);
        for (size_t i = 0; i < t.size_bytes; i++) {
            data[i] = (uint8_t)base_rng_next(&rng) & (dtype == SY_DT_BOOL ? 1u : 255u);
        }
        node_case_input(&c, dtype, rank, dims, data);
        for (int32_t a = 0; a < rank; a++) {
            const int32_t other = (int32_t)base_rng_range(&rng, 0, a);
            perm[a] = perm[other];
            perm[other] = a;
        }
        ir_node *n = node_case_node(&c, 1);
        if (!base_rng_one_in(&rng, 4)) {
            assert_ok(ir_node_set_ints(n, "perm", (uint32_t)rank, perm));
        }
        const rt_cpu_options fast = {.n_threads = 2};
        const ir_tensor want = *node_case_run(&c, &node_case_reference, 0);
        const ir_tensor *got = node_case_run(&c, &fast, 0);
        if (memcmp(want.data, got->data, want.size_bytes) != 0) {
            fail_msg("seed %lu: rank %d of %s", (unsigned long)seed, (int)rank, sy_dtype_name(dtype));
        }
        node_case_end(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reductions),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_transpose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
