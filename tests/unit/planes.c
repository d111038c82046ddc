/*
 * planes.c -- Resize, ConvTranspose, Einsum, normalisations of planes, LogSoftmax, ArgMax and sums of squares against the reference; the same
 * bits for any number of threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node_case.h"

#include <math.h>

#define N_CASES 60

/* Numbers between -1/2 and 1/2; a few equal ones. */
static void floats(node_case *c, base_rng *rng, bool constant, int32_t rank, const int64_t *dims)
{
    ir_tensor t;
    assert_ok(ir_tensor_init(&t, SY_DT_F32, rank, dims, NULL));
    float *data = base_arena_alloc(c->arena, t.size_bytes + 4, 1);
    for (size_t i = 0; i < t.size_bytes / 4; i++) {
        data[i] = base_rng_one_in(rng, 8) ? 0.25f : base_rng_float(rng) - 0.5f;
    }
    (constant ? node_case_const : node_case_input)(c, SY_DT_F32, rank, dims, data);
}

static void set_text(ir_node *n, const char *name, const char *text)
{
    assert_ok(ir_node_set_string(n, name, text, strlen(text)));
}

static double build_resize(base_rng *rng, node_case *c)
{
    static const char *const coords[] = {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"};
    static const char *const nearest[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    const int64_t dims[] = {1, base_rng_range(rng, 1, 3), base_rng_range(rng, 1, 20), base_rng_range(rng, 1, 20)}, four = 4;
    const bool linear = base_rng_one_in(rng, 2);
    *c = node_case_start(IR_OP_RESIZE);
    floats(c, rng, false, 4, dims);
    node_case_absent(c);
    if (base_rng_one_in(rng, 2)) {
        const float scales[] = {1.0f, 1.0f, 0.3f + 3.0f * base_rng_float(rng), base_rng_one_in(rng, 3) ? 2.0f : 0.3f + 3.0f * base_rng_float(rng)};
        node_case_const(c, SY_DT_F32, 1, &four, scales);
    } else {
        const int64_t sizes[] = {dims[0], dims[1], base_rng_range(rng, 1, 40), base_rng_range(rng, 1, 40)};
        node_case_absent(c);
        node_case_const(c, SY_DT_I64, 1, &four, sizes);
    }
    ir_node *n = node_case_node(c, 1);
    set_text(n, "mode", linear ? "linear" : "nearest");
    set_text(n, "coordinate_transformation_mode", coords[base_rng_below(rng, 5)]);
    set_text(n, "nearest_mode", nearest[base_rng_below(rng, 4)]);
    return linear ? 4.0 * RT_CPU_FLOAT_TOLERANCE : 0.0;
}

static double build_deconv(base_rng *rng, node_case *c)
{
    const int64_t group = base_rng_range(rng, 1, 2), inputs = base_rng_range(rng, 1, 6), outputs = base_rng_range(rng, 1, 5);
    const int32_t spatial = base_rng_one_in(rng, 4) ? 1 : 2;
    int64_t x[4] = {base_rng_range(rng, 1, 2), group * inputs}, w[4] = {group * inputs, outputs}, strides[2], dilations[2], pads[4];
    for (int i = 0; i < spatial; i++) {
        x[2 + i] = base_rng_range(rng, 2, 12);
        w[2 + i] = base_rng_range(rng, 1, 4);
        strides[i] = base_rng_range(rng, 1, 3);
        dilations[i] = base_rng_range(rng, 1, 2);
        pads[i] = base_rng_range(rng, 0, 1) * (w[2 + i] > 1);
        pads[spatial + i] = pads[i];
    }
    *c = node_case_start(IR_OP_CONVTRANSPOSE);
    floats(c, rng, false, 2 + spatial, x);
    floats(c, rng, true, 2 + spatial, w);
    if (base_rng_one_in(rng, 2)) {
        floats(c, rng, true, 1, (const int64_t[]){group * outputs});
    }
    ir_node *n = node_case_node(c, 1);
    assert_ok(ir_node_set_int(n, "group", group));
    assert_ok(ir_node_set_ints(n, "strides", (uint32_t)spatial, strides));
    assert_ok(ir_node_set_ints(n, "dilations", (uint32_t)spatial, dilations));
    assert_ok(ir_node_set_ints(n, "pads", 2 * (uint32_t)spatial, pads));
    return RT_CPU_FLOAT_TOLERANCE * 25.0; /* at most 6 * 16 products below 1/4, and a bias */
}

static double build_norm(base_rng *rng, node_case *c)
{
    const bool groups = base_rng_one_in(rng, 2);
    const int64_t n_groups = base_rng_range(rng, 1, 3), channels = n_groups * base_rng_range(rng, 1, 4);
    const int64_t x[] = {base_rng_range(rng, 1, 3), channels, base_rng_range(rng, 2, 20), base_rng_range(rng, 2, 20)};
    *c = node_case_start(groups ? IR_OP_GROUPNORM : IR_OP_INSTANCENORM);
    floats(c, rng, false, 4, x);
    floats(c, rng, true, 1, &channels);
    floats(c, rng, true, 1, &channels);
    ir_node *n = node_case_node(c, 1);
    if (groups) {
        assert_ok(ir_node_set_int(n, "num_groups", n_groups));
    }
    return RT_CPU_FLOAT_TOLERANCE * 64.0; /* a plane of four elements may vary little */
}

static double build_rows(base_rng *rng, node_case *c)
{
    const uint32_t codes[] = {IR_OP_LOGSOFTMAX, IR_OP_ARGMAX, IR_OP_ARGMIN, IR_OP_REDUCEL2, IR_OP_REDUCESUMSQUARE};
    const uint32_t code = codes[base_rng_below(rng, 5)];
    const int64_t x[] = {base_rng_range(rng, 1, 9), base_rng_range(rng, 1, 200), base_rng_range(rng, 1, 9)};
    const int64_t axis = base_rng_range(rng, 0, 2), one = 1;
    *c = node_case_start(code);
    floats(c, rng, false, 3, x);
    if (code == IR_OP_REDUCEL2 || code == IR_OP_REDUCESUMSQUARE) {
        node_case_const(c, SY_DT_I64, 1, &one, &axis);
    }
    ir_node *n = node_case_node(c, 1);
    if (code == IR_OP_ARGMAX || code == IR_OP_ARGMIN) {
        assert_ok(ir_node_set_int(n, "axis", axis));
        assert_ok(ir_node_set_int(n, "select_last_index", (int64_t)base_rng_below(rng, 2)));
        return 0.0;
    }
    return RT_CPU_FLOAT_TOLERANCE * (code == IR_OP_LOGSOFTMAX ? 8.0 : 50.0);
}

/* Random labels in random order: of the batch, of rows, of columns, summed over. */
static double build_einsum(base_rng *rng, node_case *c)
{
    static const char letters[] = "abcdefgh";
    char text[3][9] = {"", "", ""}, equation[32];
    int64_t sizes[8], dims[2][8], terms = 1;
    int32_t n[3] = {0, 0, 0};
    for (int i = 0; i < 6; i++) {
        const uint32_t kind = (uint32_t)base_rng_below(rng, 4); /* which of the three has not got it; 3: all have it */
        sizes[i] = base_rng_range(rng, 1, 5);
        terms *= kind == 2 ? sizes[i] : 1;
        for (uint32_t o = 0; o < 3; o++) {
            if (o == kind) {
                continue;
            }
            const int32_t at = (int32_t)base_rng_range(rng, 0, n[o]);
            memmove(text[o] + at + 1, text[o] + at, (size_t)(n[o] - at));
            text[o][at] = letters[i];
            n[o]++;
        }
    }
    *c = node_case_start(IR_OP_EINSUM);
    for (int o = 0; o < 2; o++) {
        for (int32_t i = 0; i < n[o]; i++) {
            dims[o][i] = sizes[text[o][i] - 'a'];
        }
        floats(c, rng, false, n[o], dims[o]);
    }
    (void)snprintf(equation, sizeof equation, "%s, %s -> %s", text[0], text[1], text[2]);
    set_text(node_case_node(c, 1), "equation", equation);
    return RT_CPU_FLOAT_TOLERANCE * 0.25 * (double)terms;
}

static void check(double (*build)(base_rng *, node_case *), uint64_t stream)
{
    for (uint64_t seed = 0; seed < N_CASES; seed++) {
        base_rng rng = base_rng_make(seed, stream);
        node_case c;
        const double limit = build(&rng, &c);
        const rt_cpu_options one = {.n_threads = 1}, three = {.n_threads = 3};
        const ir_tensor want = *node_case_run(&c, &node_case_reference, 0);
        const ir_tensor got = *node_case_run(&c, &one, 0);
        assert_int_equal(want.size_bytes, got.size_bytes);
        if (limit == 0.0) {
            assert_memory_equal(want.data, got.data, want.size_bytes);
        }
        for (size_t i = 0; limit > 0.0 && i < want.size_bytes / 4; i++) {
            const double w = (double)((const float *)want.data)[i], g = (double)((const float *)got.data)[i];
            if (!(fabs(w - g) <= limit)) {
                fail_msg("seed %lu: %s: element %zu: %.9g, expected %.9g", (unsigned long)seed, c.node->op_name, i, g, w);
            }
        }
        const ir_tensor *again = node_case_run(&c, &three, 0);
        assert_memory_equal(got.data, again->data, got.size_bytes);
        node_case_end(&c);
    }
}

static void test_resize(void **state)
{
    (void)state;
    check(build_resize, 71);
}

static void test_deconv(void **state)
{
    (void)state;
    check(build_deconv, 72);
}

static void test_einsum(void **state)
{
    (void)state;
    check(build_einsum, 75);
}

static void test_norm(void **state)
{
    (void)state;
    check(build_norm, 73);
}

static void test_rows(void **state)
{
    (void)state;
    check(build_rows, 74);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_deconv),
        cmocka_unit_test(test_einsum),
        cmocka_unit_test(test_norm),
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
