/*
 * opsets_math.c -- functions, reductions and casts of older operator sets compute what they used to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_run.h"

#include <math.h>

#define N 24

static const int64_t dims_234[3] = {2, 3, 4};

/* One node on x [2,3,4] = first, first + 1, ... of this type. */
static imported one_node(base_buf node, sy_dtype from, sy_dtype to, int64_t opset)
{
    base_buf g = {0};
    ow_text(&g, 2, "g");
    ow_add_input(&g, "x", from, 3, dims_234);
    ow_add_node(&g, node);
    ow_add_output(&g, "y", to);
    return import_model(ow_model(g, opset));
}

/* Runs on -2, -1, 0, ...; the result's elements as they are. */
static int64_t run_floats(const imported *i, void *out, size_t capacity)
{
    float data[N];
    ir_tensor x, y;
    for (int k = 0; k < N; k++) {
        data[k] = (float)(k - 2);
    }
    assert_ok(ir_tensor_init(&x, SY_DT_F32, 3, dims_234, data));
    run_reference(i, &x, &y);
    const int64_t n = ir_tensor_n_elements(&y);
    assert_true(y.size_bytes <= capacity);
    memcpy(out, y.data, y.size_bytes);
    rt_buffer_free(y.data);
    return n;
}

/* Before 18 the axes were an attribute. */
static void test_reductions(void **state)
{
    (void)state;
    static const struct {
        const char *op;
        double first; /* of -2, -1, 0, 1 */
    } rows[] = {
        {"ReduceProd", 0.0},        {"ReduceL1", 4.0},
        {"ReduceL2", 2.449489743},  {"ReduceSumSquare", 6.0},
        {"ReduceLogSumExp", 1.440189698}, {"ReduceMax", 1.0},
    };
    static const int64_t axes[1] = {-1};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        for (int64_t opset = 11; opset <= 13; opset += 2) {
            float y[N];
            base_buf node = ow_node(rows[r].op, "x", "y");
            ow_attr_ints(&node, "axes", 1, axes);
            ow_attr_int(&node, "keepdims", 0);
            imported i = one_node(node, SY_DT_F32, SY_DT_F32, opset);
            assert_int_equal(run_floats(&i, y, sizeof y), 6);
            assert_true(fabs((double)y[0] - rows[r].first) < 1e-6);
            drop(&i);
        }
    }
}

/* Before 13 the rows were all that lies behind `axis`. */
static void test_rows(void **state)
{
    (void)state;
    float y[N];
    imported i = one_node(ow_node("Hardmax", "x", "y"), SY_DT_F32, SY_DT_F32, 11);
    assert_int_equal(run_floats(&i, y, sizeof y), N);
    for (int k = 0; k < N; k++) {
        assert_true(y[k] == (k % 12 == 11 ? 1.0f : 0.0f));
    }
    drop(&i);

    i = one_node(ow_node("LogSoftmax", "x", "y"), SY_DT_F32, SY_DT_F32, 12);
    double total = 0.0;
    assert_int_equal(run_floats(&i, y, sizeof y), N);
    for (int k = 12; k < N; k++) {
        total += exp((double)y[k]);
    }
    assert_true(fabs(total - 1.0) < 1e-6);
    drop(&i);

    i = one_node(ow_node("Hardmax", "x", "y"), SY_DT_F32, SY_DT_F32, 13);
    assert_int_equal(run_floats(&i, y, sizeof y), N);
    assert_true(y[3] == 1.0f && y[7] == 1.0f && y[11] == 1.0f);
    drop(&i);
}

static void test_constants(void **state)
{
    (void)state;
    float y[N], newer[N];
    imported i = one_node(ow_node("Selu", "x", "y"), SY_DT_F32, SY_DT_F32, 1);
    assert_int_equal(run_floats(&i, y, sizeof y), N);
    drop(&i);
    i = one_node(ow_node("Selu", "x", "y"), SY_DT_F32, SY_DT_F32, 6);
    assert_int_equal(run_floats(&i, newer, sizeof newer), N);
    drop(&i);
    assert_true(y[3] == 1.0507f && newer[3] == 1.05070102214813232421875f);
    assert_true(y[1] != newer[1]);
}

/* Until 24 floats were rounded and held in the range of 4 bits; now they are cut, and the high bits fall off. */
static void test_4_bits(void **state)
{
    (void)state;
    uint8_t y[N / 2];
    base_buf node = ow_node("Cast", "x", "y");
    ow_attr_int(&node, "to", SY_DT_I4);
    imported i = one_node(node, SY_DT_F32, SY_DT_I4, 21);
    assert_int_equal(run_floats(&i, y, sizeof y), N);
    assert_int_equal(y[0], 0xfe);
    assert_int_equal(y[5], 0x77);
    drop(&i);
    node = ow_node("Cast", "x", "y");
    ow_attr_int(&node, "to", SY_DT_I4);
    i = one_node(node, SY_DT_F32, SY_DT_I4, 25);
    assert_int_equal(run_floats(&i, y, sizeof y), N);
    assert_int_equal(y[0], 0xfe);
    assert_int_equal(y[5], 0x98);
    drop(&i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reductions),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_4_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
