/*
 * ref_window.c -- the reference kernels of windows, resampling, normalisation and integer products, against cases
 * worked out by hand; hostile attributes are refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node_case.h"

#include <math.h>

#define DIMS(...)     \
    (const int64_t[]) \
    {                 \
        __VA_ARGS__   \
    }
#define F32(...)    \
    (const float[]) \
    {               \
        __VA_ARGS__ \
    }
#define U8(...)       \
    (const uint8_t[]) \
    {                 \
        __VA_ARGS__   \
    }
#define I8(...)      \
    (const int8_t[]) \
    {                \
        __VA_ARGS__  \
    }
#define I32(...)      \
    (const int32_t[]) \
    {                 \
        __VA_ARGS__   \
    }

/* One result on the reference kernels. */
#define EXPECT(c, dtype, rank, dims, data) \
    node_case_expect(node_case_run(&(c), &node_case_reference, 0), dtype, rank, dims, data)

static void set_text(ir_node *n, const char *name, const char *value)
{
    assert_ok(ir_node_set_string(n, name, value, strlen(value)));
}

/* ---------------------------------------------------------------- windows */

static node_case transposed(ir_node **n)
{
    node_case c = node_case_start(IR_OP_CONVTRANSPOSE);
    node_case_input(&c, SY_DT_F32, 3, DIMS(1, 1, 3), F32(1, 2, 3));
    node_case_input(&c, SY_DT_F32, 3, DIMS(1, 1, 2), F32(1, 10));
    node_case_input(&c, SY_DT_F32, 1, DIMS(1), F32(0.5f));
    *n = node_case_node(&c, 1);
    assert_ok(ir_node_set_ints(*n, "strides", 1, DIMS(2)));
    return c;
}

static void test_transposed(void **state)
{
    (void)state;
    ir_node *n = NULL;
    node_case c = transposed(&n);
    assert_ok(ir_node_set_ints(n, "output_padding", 1, DIMS(1)));
    EXPECT(c, SY_DT_F32, 3, DIMS(1, 1, 7), F32(1.5f, 10.5f, 2.5f, 20.5f, 3.5f, 30.5f, 0.5f));
    node_case_end(&c);

    c = transposed(&n); /* one too many of six: cut off in front */
    assert_ok(ir_node_set_ints(n, "output_shape", 1, DIMS(5)));
    EXPECT(c, SY_DT_F32, 3, DIMS(1, 1, 5), F32(10.5f, 2.5f, 20.5f, 3.5f, 30.5f));
    node_case_end(&c);

    c = transposed(&n); /* and behind */
    assert_ok(ir_node_set_ints(n, "output_shape", 1, DIMS(5)));
    set_text(n, "auto_pad", "SAME_UPPER");
    EXPECT(c, SY_DT_F32, 3, DIMS(1, 1, 5), F32(1.5f, 10.5f, 2.5f, 20.5f, 3.5f));
    node_case_end(&c);
}

static void test_deformed(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_DEFORMCONV);
    node_case_input(&c, SY_DT_F32, 4, DIMS(1, 1, 2, 2), F32(1, 2, 3, 4));
    node_case_input(&c, SY_DT_F32, 4, DIMS(1, 1, 1, 1), F32(10));
    /* down and right by a half; one pixel up: outside */
    node_case_input(&c, SY_DT_F32, 4, DIMS(1, 2, 2, 2), F32(0.5f, -1, 0, 0, 0.5f, 0, 0, 0));
    node_case_input(&c, SY_DT_F32, 1, DIMS(1), F32(1));
    node_case_input(&c, SY_DT_F32, 4, DIMS(1, 1, 2, 2), F32(1, 1, 0.5f, 1));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_F32, 4, DIMS(1, 1, 2, 2), F32(26, 1, 16, 41));
    node_case_end(&c);
}

static void test_unpool_and_columns(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_MAXUNPOOL);
    node_case_input(&c, SY_DT_F32, 3, DIMS(1, 1, 2), F32(5, 7));
    node_case_input(&c, SY_DT_I64, 3, DIMS(1, 1, 2), DIMS(1, 2));
    node_case_input(&c, SY_DT_I64, 1, DIMS(3), DIMS(1, 1, 5));
    ir_node *n = node_case_node(&c, 1);
    assert_ok(ir_node_set_ints(n, "kernel_shape", 1, DIMS(2)));
    assert_ok(ir_node_set_ints(n, "strides", 1, DIMS(2)));
    EXPECT(c, SY_DT_F32, 3, DIMS(1, 1, 5), F32(0, 5, 7, 0, 0));
    node_case_end(&c);

    c = node_case_start(IR_OP_COL2IM); /* blocks of two with a step of one: the middle is covered twice */
    node_case_input(&c, SY_DT_I32, 3, DIMS(1, 2, 2), I32(1, 2, 10, 20));
    node_case_input(&c, SY_DT_I64, 1, DIMS(1), DIMS(3));
    node_case_input(&c, SY_DT_I64, 1, DIMS(1), DIMS(2));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_I32, 3, DIMS(1, 1, 3), I32(1, 12, 20));
    node_case_end(&c);
}

static void test_causal(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_CAUSALCONV);
    node_case_input(&c, SY_DT_F32, 3, DIMS(1, 1, 3), F32(1, 2, 3));
    node_case_input(&c, SY_DT_F32, 3, DIMS(1, 1, 3), F32(100, 10, 1));
    node_case_absent(&c);
    node_case_input(&c, SY_DT_F32, 3, DIMS(1, 1, 2), F32(8, 9));
    (void)node_case_node(&c, 2);
    EXPECT(c, SY_DT_F32, 3, DIMS(1, 1, 3), F32(891, 912, 123));
    node_case_expect(&c.results[0][1], SY_DT_F32, 3, DIMS(1, 1, 2), F32(2, 3));
    node_case_end(&c);
}

/* ---------------------------------------------------------------- resampling */

static void resized(const char *mode, const char *coordinates, int antialias, int32_t size, const float *x,
                    int32_t want_size, const float *want)
{
    node_case c = node_case_start(IR_OP_RESIZE);
    node_case_input(&c, SY_DT_F32, 1, DIMS(size), x);
    node_case_absent(&c);
    node_case_absent(&c);
    node_case_const(&c, SY_DT_I64, 1, DIMS(1), DIMS(want_size));
    ir_node *n = node_case_node(&c, 1);
    set_text(n, "mode", mode);
    set_text(n, "coordinate_transformation_mode", coordinates);
    assert_ok(ir_node_set_int(n, "antialias", antialias));
    EXPECT(c, SY_DT_F32, 1, DIMS(want_size), want);
    node_case_end(&c);
}

static void test_resize(void **state)
{
    (void)state;
    resized("linear", "half_pixel", 0, 2, F32(0, 4), 4, F32(0, 1, 3, 4));
    resized("linear", "align_corners", 0, 2, F32(0, 6), 4, F32(0, 2, 4, 6));
    resized("linear", "asymmetric", 0, 2, F32(0, 4), 4, F32(0, 2, 4, 4));
    resized("nearest", "half_pixel", 0, 2, F32(1, 2), 4, F32(1, 1, 2, 2));
    resized("nearest", "tf_half_pixel_for_nn", 0, 3, F32(1, 2, 3), 2, F32(2, 3));
    /* a triangle of twice the width: weights 1, 3, 3, 1, of eight, what lies outside on the edge */
    resized("linear", "half_pixel", 1, 4, F32(0, 8, 16, 24), 2, F32(5, 19));
    /* Keys' kernel with -3/4 between the second and the third: -3/32, 19/32, 19/32, -3/32 */
    resized("cubic", "half_pixel", 0, 4, F32(32, 64, 0, 32), 1, F32(-3 + 38 - 3));
}

static void test_resize_keeps_aspect(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_RESIZE);
    node_case_input(&c, SY_DT_U8, 3, DIMS(1, 2, 4), U8(1, 2, 3, 4, 5, 6, 7, 8));
    node_case_absent(&c);
    node_case_absent(&c);
    node_case_const(&c, SY_DT_I64, 1, DIMS(2), DIMS(8, 3));
    ir_node *n = node_case_node(&c, 1);
    assert_ok(ir_node_set_ints(n, "axes", 2, DIMS(-1, 1)));
    set_text(n, "keep_aspect_ratio_policy", "not_larger"); /* 3/2, not 2 */
    EXPECT(c, SY_DT_U8, 3, DIMS(1, 3, 6), U8(1, 1, 2, 3, 3, 4, 1, 1, 2, 3, 3, 4, 5, 5, 6, 7, 7, 8));
    node_case_end(&c);
}

static void test_grids(void **state)
{
    (void)state;
    static const char *const modes[3] = {"zeros", "border", "reflection"};
    const float outside[3] = {0, 3, 4};
    for (int k = 0; k < 3; k++) {
        node_case c = node_case_start(IR_OP_GRIDSAMPLE);
        node_case_input(&c, SY_DT_F32, 4, DIMS(1, 1, 2, 2), F32(1, 2, 3, 4));
        node_case_input(&c, SY_DT_F32, 4, DIMS(1, 1, 3, 2), F32(0, 0, 1, -1, -3, 1));
        ir_node *n = node_case_node(&c, 1);
        assert_ok(ir_node_set_int(n, "align_corners", 1));
        set_text(n, "padding_mode", modes[k]);
        EXPECT(c, SY_DT_F32, 4, DIMS(1, 1, 1, 3), F32(2.5f, 2, outside[k]));
        node_case_end(&c);
    }
    node_case c = node_case_start(IR_OP_AFFINEGRID);
    node_case_input(&c, SY_DT_F32, 3, DIMS(1, 2, 3), F32(1, 0, 0.25f, 0, 2, 0));
    node_case_const(&c, SY_DT_I64, 1, DIMS(4), DIMS(1, 1, 2, 2));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_F32, 4, DIMS(1, 2, 2, 2), F32(-0.25f, -1, 0.75f, -1, -0.25f, 1, 0.75f, 1));
    node_case_end(&c);
}

static void test_regions(void **state)
{
    (void)state;
    const float plane[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    node_case c = node_case_start(IR_OP_MAXROIPOOL);
    node_case_input(&c, SY_DT_F32, 4, DIMS(1, 1, 3, 3), plane);
    node_case_input(&c, SY_DT_F32, 2, DIMS(1, 5), F32(0, 0, 1, 1, 2));
    ir_node *n = node_case_node(&c, 1);
    assert_ok(ir_node_set_ints(n, "pooled_shape", 2, DIMS(2, 1)));
    EXPECT(c, SY_DT_F32, 4, DIMS(1, 1, 2, 1), F32(5, 8));
    node_case_end(&c);

    c = node_case_start(IR_OP_ROIALIGN); /* one sample in the middle of the region: row 1.5, column 1 */
    node_case_input(&c, SY_DT_F32, 4, DIMS(1, 1, 3, 3), plane);
    node_case_input(&c, SY_DT_F32, 2, DIMS(1, 4), F32(1, 1, 2, 3));
    node_case_input(&c, SY_DT_I64, 1, DIMS(1), DIMS(0));
    n = node_case_node(&c, 1);
    assert_ok(ir_node_set_int(n, "sampling_ratio", 1));
    EXPECT(c, SY_DT_F32, 4, DIMS(1, 1, 1, 1), F32(6.5f));
    node_case_end(&c);
}

/* ---------------------------------------------------------------- normalisation */

static void test_normalisations(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_RMSNORM);
    node_case_input(&c, SY_DT_F32, 2, DIMS(1, 2), F32(3, 4)); /* root of 25/2 */
    node_case_input(&c, SY_DT_F32, 1, DIMS(2), F32(5, 10));
    ir_node *n = node_case_node(&c, 1);
    assert_ok(ir_node_set_float(n, "epsilon", 0));
    const float unit = (float)(1.0 / sqrt(12.5));
    const ir_tensor *y = node_case_run(&c, &node_case_reference, 0);
    assert_true(fabsf(((const float *)y->data)[0] - 15 * unit) < 1e-5f);
    assert_true(fabsf(((const float *)y->data)[1] - 40 * unit) < 1e-5f);
    node_case_end(&c);

    for (int k = 0; k < 2; k++) { /* a scale for each channel, or one for each group */
        c = node_case_start(IR_OP_GROUPNORM);
        node_case_input(&c, SY_DT_F32, 3, DIMS(1, 4, 1), F32(1, 3, 10, 30));
        node_case_input(&c, SY_DT_F32, 1, DIMS(k == 0 ? 4 : 2), k == 0 ? F32(2, 2, 3, 3) : F32(2, 3));
        node_case_input(&c, SY_DT_F32, 1, DIMS(k == 0 ? 4 : 2), k == 0 ? F32(1, 1, 0, 0) : F32(1, 0));
        n = node_case_node(&c, 1);
        assert_ok(ir_node_set_int(n, "num_groups", 2));
        assert_ok(ir_node_set_float(n, "epsilon", 0));
        EXPECT(c, SY_DT_F32, 3, DIMS(1, 4, 1), F32(-1, 3, -3, 3));
        node_case_end(&c);
    }
}

/* ---------------------------------------------------------------- integers */

static void test_integer_products(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_MATMULINTEGER); /* a zero point for each row, one for each column */
    node_case_input(&c, SY_DT_U8, 2, DIMS(2, 2), U8(1, 2, 13, 14));
    node_case_input(&c, SY_DT_I8, 2, DIMS(2, 2), I8(1, -2, 3, 4));
    node_case_input(&c, SY_DT_U8, 1, DIMS(2), U8(0, 10));
    node_case_input(&c, SY_DT_I8, 1, DIMS(2), I8(1, 0));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_I32, 2, DIMS(2, 2), I32(0 + 4, -2 + 8, 0 + 8, -6 + 16));
    node_case_end(&c);

    c = node_case_start(IR_OP_QLINEARMATMUL); /* 2.5 rounds to even; 200 is cut off */
    node_case_input(&c, SY_DT_I8, 2, DIMS(2, 1), I8(5, 100));
    node_case_input(&c, SY_DT_F32, 0, NULL, F32(0.5f));
    node_case_input(&c, SY_DT_I8, 0, NULL, I8(0));
    node_case_input(&c, SY_DT_I8, 2, DIMS(1, 1), I8(4));
    node_case_input(&c, SY_DT_F32, 0, NULL, F32(1));
    node_case_input(&c, SY_DT_I8, 0, NULL, I8(0));
    node_case_input(&c, SY_DT_F32, 0, NULL, F32(4));
    node_case_input(&c, SY_DT_I8, 0, NULL, I8(100));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_I8, 2, DIMS(2, 1), I8(102, 127));
    node_case_end(&c);

    c = node_case_start(IR_OP_CONVINTEGER); /* padding is x's zero point */
    node_case_input(&c, SY_DT_U8, 3, DIMS(1, 1, 2), U8(11, 13));
    node_case_input(&c, SY_DT_U8, 3, DIMS(1, 1, 2), U8(6, 7));
    node_case_input(&c, SY_DT_U8, 0, NULL, U8(10));
    node_case_input(&c, SY_DT_U8, 1, DIMS(1), U8(5));
    ir_node *n = node_case_node(&c, 1);
    assert_ok(ir_node_set_ints(n, "pads", 2, DIMS(1, 1)));
    EXPECT(c, SY_DT_I32, 3, DIMS(1, 1, 3), I32(2, 7, 3));
    node_case_end(&c);
}

static void test_quantisation(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_DEQUANTIZELINEAR); /* i4: 1 -2 3 -8 in blocks of two */
    node_case_input(&c, SY_DT_I4, 2, DIMS(1, 4), U8(0xe1, 0x83));
    node_case_input(&c, SY_DT_F32, 2, DIMS(1, 2), F32(0.5f, 2));
    node_case_input(&c, SY_DT_I4, 2, DIMS(1, 2), U8(0x01));
    ir_node *n = node_case_node(&c, 1);
    assert_ok(ir_node_set_int(n, "block_size", 2));
    EXPECT(c, SY_DT_F32, 2, DIMS(1, 4), F32(0, -1.5f, 6, -16));
    node_case_end(&c);

    c = node_case_start(IR_OP_QUANTIZELINEAR); /* 0.3 -> 0.5, 5 lies between 4 and 6, -7 is beyond -6 */
    node_case_input(&c, SY_DT_F32, 1, DIMS(4), F32(0.3f, 5, -7, 1));
    node_case_input(&c, SY_DT_F32, 0, NULL, F32(1));
    n = node_case_node(&c, 1);
    assert_ok(ir_node_set_int(n, "output_dtype", SY_DT_F4E2M1));
    EXPECT(c, SY_DT_F4E2M1, 1, DIMS(4), U8(0x61, 0x2f));
    node_case_end(&c);

    c = node_case_start(IR_OP_QUANTIZELINEAR); /* blocks on the first axis, the last one short */
    node_case_input(&c, SY_DT_F32, 2, DIMS(3, 1), F32(1, 2, 3));
    node_case_input(&c, SY_DT_F32, 2, DIMS(2, 1), F32(1, 0.5f));
    n = node_case_node(&c, 1);
    assert_ok(ir_node_set_int(n, "block_size", 2));
    assert_ok(ir_node_set_int(n, "axis", 0));
    assert_ok(ir_node_set_int(n, "output_dtype", SY_DT_U2));
    EXPECT(c, SY_DT_U2, 2, DIMS(3, 1), U8(1 | 2 << 2 | 3 << 4));
    node_case_end(&c);

    c = node_case_start(IR_OP_DYNAMICQUANTIZE); /* the example of ONNX's own text */
    node_case_input(&c, SY_DT_F32, 1, DIMS(6), F32(0, 2, -3, -2.5f, 1.34f, 0.5f));
    (void)node_case_node(&c, 3);
    EXPECT(c, SY_DT_U8, 1, DIMS(6), U8(153, 255, 0, 26, 221, 179));
    node_case_expect(&c.results[0][2], SY_DT_U8, 0, NULL, U8(153));
    node_case_end(&c);
}

/* ---------------------------------------------------------------- refusals */

static void refused(node_case *c)
{
    const sy_status status = node_case_try(c, &node_case_reference);
    assert_true(status == SY_EINVAL || status == SY_ESHAPE || status == SY_ERANGE || status == SY_EUNSUPPORTED);
    assert_true(base_diag_message(&c->diag)[0] != '\0');
    assert_null(strchr(base_diag_message(&c->diag), '\n'));
    node_case_end(c);
}

static void test_hostile(void **state)
{
    (void)state;
    static const int64_t bad[] = {0, -1, INT64_C(1) << 62, INT64_MIN, INT64_MAX};
    static const char *const names[] = {"strides", "dilations", "output_padding", "pads", "output_shape"};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            if (bad[k] == 0 && i >= 2) {
                continue; /* no pads and no elements are nothing strange */
            }
            ir_node *n = NULL;
            node_case c = transposed(&n);
            const int64_t values[2] = {bad[k], bad[k]};
            assert_ok(ir_node_set_ints(n, names[i], i == 3 ? 2 : 1, values));
            refused(&c);
        }
        node_case c = node_case_start(IR_OP_RESIZE);
        node_case_input(&c, SY_DT_F32, 1, DIMS(2), F32(1, 2));
        node_case_absent(&c);
        node_case_input(&c, SY_DT_F32, 1, DIMS(1), F32(k == 0 ? 0 : k == 1 ? -1 : k == 2 ? NAN : 1e30f));
        (void)node_case_node(&c, 1);
        refused(&c);
        c = node_case_start(IR_OP_ROIALIGN);
        node_case_input(&c, SY_DT_F32, 4, DIMS(1, 1, 1, 1), F32(1));
        node_case_input(&c, SY_DT_F32, 2, DIMS(1, 4), F32(0, 0, 1e30f, NAN));
        node_case_input(&c, SY_DT_I64, 1, DIMS(1), DIMS(bad[k] == 0 ? 1 : bad[k]));
        (void)node_case_node(&c, 1);
        refused(&c);
        c = node_case_start(IR_OP_MAXUNPOOL);
        node_case_input(&c, SY_DT_F32, 3, DIMS(1, 1, 1), F32(1));
        node_case_input(&c, SY_DT_I64, 3, DIMS(1, 1, 1), DIMS(bad[k] == 0 ? 2 : bad[k]));
        ir_node *n = node_case_node(&c, 1);
        assert_ok(ir_node_set_ints(n, "kernel_shape", 1, DIMS(2)));
        refused(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transposed),      cmocka_unit_test(test_deformed),
        cmocka_unit_test(test_unpool_and_columns), cmocka_unit_test(test_causal),
        cmocka_unit_test(test_resize),          cmocka_unit_test(test_resize_keeps_aspect),
        cmocka_unit_test(test_grids),           cmocka_unit_test(test_regions),
        cmocka_unit_test(test_normalisations),  cmocka_unit_test(test_integer_products),
        cmocka_unit_test(test_quantisation),    cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
