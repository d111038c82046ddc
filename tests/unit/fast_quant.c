/*
 * fast_quant.c -- the fast kernels of the quantised operators give the reference's bits, whatever
 * the shape.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node_case.h"

#define N_CASES 150

static const rt_cpu_options fast = {.n_threads = 2, .blas = ""};

static int64_t between(base_rng *rng, int64_t low, int64_t high)
{
    return base_rng_range(rng, low, high);
}

/* Scales around 1 that are no powers of two, so that results are rarely exact. */
static float scale(base_rng *rng)
{
    return 0.01f + base_rng_float(rng);
}

static void random_input(node_case *c, base_rng *rng, bool constant, sy_dtype dtype, int32_t rank,
                         const int64_t *dims)
{
    ir_tensor t;
    assert_ok(ir_tensor_init(&t, dtype, rank, dims, NULL));
    void *data = base_arena_alloc(c->arena, t.size_bytes, 1);
    node_case_random(rng, dtype, data, t.size_bytes);
    for (size_t i = 0; dtype == SY_DT_I32 && i < t.size_bytes / 4 && !base_rng_one_in(rng, 8);
         i++) {
        ((int32_t *)data)[i] /= 65536; /* usual biases; sometimes any: sums wrap */
    }
    if (constant) {
        node_case_const(c, dtype, rank, dims, data);
    } else {
        node_case_input(c, dtype, rank, dims, data);
    }
}

static void output_side(base_rng *rng, ir_node *n, float y_scale)
{
    assert_ok(ir_node_set_float(n, "y_scale", y_scale));
    assert_ok(ir_node_set_int(n, "y_zero", between(rng, -128, 127)));
    if (base_rng_one_in(rng, 3)) {
        assert_ok(ir_node_set_int(n, "y_min", between(rng, -128, 0)));
        assert_ok(ir_node_set_int(n, "y_max", between(rng, 0, 127)));
    }
}

static void input_side(base_rng *rng, ir_node *n, const char *name)
{
    char attribute[16];
    (void)snprintf(attribute, sizeof attribute, "%s_scale", name);
    assert_ok(ir_node_set_float(n, attribute, scale(rng)));
    (void)snprintf(attribute, sizeof attribute, "%s_zero", name);
    assert_ok(ir_node_set_int(n, attribute, between(rng, -128, 127)));
}

static void weight_scales(base_rng *rng, ir_node *n, int64_t count)
{
    float scales[256];
    const uint32_t n_scales = base_rng_one_in(rng, 3) ? 1 : (uint32_t)count;
    for (uint32_t i = 0; i < n_scales; i++) {
        scales[i] = scale(rng);
    }
    assert_ok(ir_node_set_floats(n, "w_scale", n_scales, scales));
}

static void compare(node_case *c, uint64_t seed)
{
    const ir_tensor want = *node_case_run(c, &node_case_reference, 0);
    const ir_tensor *got = node_case_run(c, &fast, 0);
    for (size_t i = 0; i < want.size_bytes; i++) {
        const int8_t w = ((const int8_t *)want.data)[i], g = ((const int8_t *)got->data)[i];
        if (w != g) {
            fail_msg("seed %lu: element %zu of %zu: reference %d, fast %d", (unsigned long)seed, i,
                     want.size_bytes, w, g);
        }
    }
    node_case_end(c);
}

/* Kernel, strides, dilations and pads that leave at least one output. */
static void window(base_rng *rng, ir_node *n, int spatial, const int64_t *kernel,
                   const int64_t *dilation, int64_t max_pad)
{
    int64_t strides[2], pads[4];
    for (int i = 0; i < spatial; i++) {
        strides[i] = between(rng, 1, 3);
        const int64_t reach = (kernel[i] - 1) * dilation[i];
        pads[i] = between(rng, 0, reach < max_pad ? reach : max_pad);
        pads[spatial + i] = between(rng, 0, reach < max_pad ? reach : max_pad);
    }
    assert_ok(ir_node_set_ints(n, "strides", (uint32_t)spatial, strides));
    assert_ok(ir_node_set_ints(n, "pads", (uint32_t)(2 * spatial), pads));
}

static void test_qconv(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 2 * N_CASES; seed++) {
        base_rng rng = base_rng_make(seed, 1);
        node_case c = node_case_start(IR_OP_QCONV);
        const int spatial = base_rng_one_in(&rng, 5) ? 1 : 2;
        const bool depthwise = base_rng_one_in(&rng, 4);
        const int64_t group = base_rng_one_in(&rng, 3) || depthwise ? between(&rng, 1, 5) : 1;
        const int64_t group_channels = depthwise ? 1 : between(&rng, 1, 20);
        const int64_t n_out = group * between(&rng, 1, depthwise ? 3 : 35);
        int64_t x[4] = {between(&rng, 1, 3), group * group_channels},
                w[4] = {n_out, group_channels}, dilation[2];
        for (int i = 0; i < spatial; i++) {
            w[2 + i] = between(&rng, 1, 5);
            dilation[i] = between(&rng, 1, 3);
            x[2 + i] = (w[2 + i] - 1) * dilation[i] + between(&rng, 1, 40);
        }
        random_input(&c, &rng, false, SY_DT_I8, 2 + spatial, x);
        random_input(&c, &rng, true, SY_DT_I8, 2 + spatial, w);
        if (!base_rng_one_in(&rng, 4)) {
            random_input(&c, &rng, true, SY_DT_I32, 1, &n_out);
        }
        ir_node *n = node_case_node(&c, 1);
        input_side(&rng, n, "x");
        weight_scales(&rng, n, n_out);
        output_side(&rng, n, 40.0f * scale(&rng) * (float)(group_channels + 4));
        assert_ok(ir_node_set_int(n, "group", group));
        assert_ok(ir_node_set_ints(n, "dilations", (uint32_t)spatial, dilation));
        window(&rng, n, spatial, w + 2, dilation, 6);
        compare(&c, seed);
    }
}

static void test_qgemm(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < N_CASES; seed++) {
        base_rng rng = base_rng_make(seed, 2);
        node_case c = node_case_start(IR_OP_QGEMM);
        const int64_t depth = between(&rng, 1, 200), columns = between(&rng, 1, 100);
        const int64_t x[] = {between(&rng, 1, 4), between(&rng, 1, 40), depth},
                      w[] = {depth, columns};
        const int32_t rank = (int32_t)between(&rng, 1, 3);
        random_input(&c, &rng, false, SY_DT_I8, rank, x + 3 - rank);
        random_input(&c, &rng, true, SY_DT_I8, 2, w);
        if (!base_rng_one_in(&rng, 4)) {
            random_input(&c, &rng, true, SY_DT_I32, 1, &columns);
        }
        ir_node *n = node_case_node(&c, 1);
        input_side(&rng, n, "x");
        weight_scales(&rng, n, columns);
        output_side(&rng, n, 20.0f * scale(&rng) * (float)(depth / 4 + 1));
        compare(&c, seed);
    }
}

static void test_qmatmul(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < N_CASES; seed++) {
        base_rng rng = base_rng_make(seed, 3);
        node_case c = node_case_start(IR_OP_QMATMUL);
        const int64_t batch = between(&rng, 1, 3), rows = between(&rng, 1, 40),
                      depth = between(&rng, 1, 90);
        const int64_t columns = between(&rng, 1, 80);
        const int64_t a[] = {base_rng_one_in(&rng, 2) ? 1 : batch, 2, rows, depth};
        const int64_t b[] = {batch, base_rng_one_in(&rng, 2) ? 1 : 2, depth, columns};
        const int32_t rank = (int32_t)between(&rng, 2, 4);
        random_input(&c, &rng, false, SY_DT_I8, 4, a);
        random_input(&c, &rng, false, SY_DT_I8, rank, b + 4 - rank);
        ir_node *n = node_case_node(&c, 1);
        input_side(&rng, n, "a");
        input_side(&rng, n, "b");
        output_side(&rng, n, 30.0f * scale(&rng) * (float)(depth / 4 + 1));
        compare(&c, seed);
    }
}

static void test_binary(void **state)
{
    (void)state;
    const uint32_t codes[] = {IR_OP_QADD, IR_OP_QSUB, IR_OP_QMUL};
    for (uint64_t seed = 0; seed < 2 * N_CASES; seed++) {
        base_rng rng = base_rng_make(seed, 4);
        node_case c = node_case_start(codes[seed % 3]);
        const int32_t rank = (int32_t)between(&rng, 1, 4), b_rank = (int32_t)between(&rng, 0, rank);
        int64_t a[4], b[4];
        for (int i = 0; i < 4; i++) {
            a[i] = b[i] = between(&rng, 1, 9);
            a[i] = base_rng_one_in(&rng, 4) ? 1 : a[i];
            b[i] = base_rng_one_in(&rng, 4) ? 1 : b[i];
        }
        random_input(&c, &rng, false, SY_DT_I8, rank, a + 4 - rank);
        random_input(&c, &rng, false, SY_DT_I8, b_rank, b + 4 - b_rank);
        ir_node *n = node_case_node(&c, 1);
        input_side(&rng, n, "a");
        input_side(&rng, n, "b");
        output_side(&rng, n,
                    codes[seed % 3] == IR_OP_QMUL ? 60.0f * scale(&rng) : 2.0f * scale(&rng));
        compare(&c, seed);
    }
}

static void test_requantize(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < N_CASES; seed++) {
        base_rng rng = base_rng_make(seed, 5);
        node_case c = node_case_start(IR_OP_QREQUANTIZE);
        int8_t all[256];
        for (int i = 0; i < 256; i++) {
            all[i] = (int8_t)(i - 128);
        }
        node_case_input(&c, SY_DT_I8, 1, (const int64_t[]){256}, all);
        ir_node *n = node_case_node(&c, 1);
        input_side(&rng, n, "x");
        output_side(&rng, n, scale(&rng));
        compare(&c, seed);
    }
}

static void test_table(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < N_CASES; seed++) {
        base_rng rng = base_rng_make(seed, 7);
        node_case c = node_case_start(IR_OP_QTABLE);
        random_input(&c, &rng, false, SY_DT_I8, 2, (const int64_t[]){between(&rng, 1, 30), between(&rng, 1, 30)});
        random_input(&c, &rng, true, SY_DT_I8, 1, (const int64_t[]){256});
        ir_node *n = node_case_node(&c, 1);
        input_side(&rng, n, "x");
        output_side(&rng, n, scale(&rng));
        compare(&c, seed);
    }
}

static void test_average(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < N_CASES; seed++) {
        base_rng rng = base_rng_make(seed, 6);
        node_case c = node_case_start(IR_OP_QAVERAGEPOOL);
        const int spatial = base_rng_one_in(&rng, 4) ? 1 : 2;
        const int64_t x[] = {between(&rng, 1, 2), between(&rng, 1, 5), between(&rng, 5, 40),
                             between(&rng, 5, 40)};
        const int64_t kernel[] = {between(&rng, 1, 5), between(&rng, 1, 5)}, ones[] = {1, 1};
        random_input(&c, &rng, false, SY_DT_I8, 2 + spatial, x);
        ir_node *n = node_case_node(&c, 1);
        input_side(&rng, n, "x");
        output_side(&rng, n, scale(&rng));
        if (base_rng_one_in(&rng, 4)) {
            assert_ok(ir_node_set_int(n, "global", 1));
        } else {
            assert_ok(ir_node_set_ints(n, "kernel_shape", (uint32_t)spatial, kernel));
            assert_ok(ir_node_set_int(n, "count_include_pad", (int64_t)base_rng_below(&rng, 2)));
            assert_ok(ir_node_set_int(n, "ceil_mode", (int64_t)base_rng_below(&rng, 2)));
            window(&rng, n, spatial, kernel, ones,
                   kernel[0] < kernel[1] ? kernel[0] / 2 : kernel[1] / 2);
        }
        compare(&c, seed);
    }
}

/* Scales that overflow fp32 and zero points of hostile files give no crash, and the same result
 * both ways. */
static void test_extremes(void **state)
{
    (void)state;
    const float scales[] = {1e-38f, 1e38f, 3e38f, 1e-45f};
    for (uint64_t seed = 0; seed < 64; seed++) {
        base_rng rng = base_rng_make(seed, 7);
        node_case c = node_case_start(IR_OP_QADD);
        const int64_t dims[] = {50};
        random_input(&c, &rng, false, SY_DT_I8, 1, dims);
        random_input(&c, &rng, false, SY_DT_I8, 1, dims);
        ir_node *n = node_case_node(&c, 1);
        assert_ok(ir_node_set_float(n, "a_scale", scales[seed % 4]));
        assert_ok(ir_node_set_float(n, "b_scale", scales[seed / 4 % 4]));
        assert_ok(ir_node_set_float(n, "y_scale", scales[seed / 16 % 4]));
        compare(&c, seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qconv),    cmocka_unit_test(test_qgemm),
        cmocka_unit_test(test_qmatmul),  cmocka_unit_test(test_binary),
        cmocka_unit_test(test_table), cmocka_unit_test(test_average),  cmocka_unit_test(test_requantize),
        cmocka_unit_test(test_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
