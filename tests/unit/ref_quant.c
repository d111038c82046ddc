/*
 * ref_quant.c -- the reference kernels of the quantised operators, against cases worked out by
 * hand.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node_case.h"

#define DIMS(...)     \
    (const int64_t[]) \
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

static void scales(ir_node *n, const char *x, float x_scale, int64_t x_zero, float y_scale,
                   int64_t y_zero)
{
    char name[16];
    (void)snprintf(name, sizeof name, "%s_scale", x);
    assert_ok(ir_node_set_float(n, name, x_scale));
    (void)snprintf(name, sizeof name, "%s_zero", x);
    assert_ok(ir_node_set_int(n, name, x_zero));
    assert_ok(ir_node_set_float(n, "y_scale", y_scale));
    assert_ok(ir_node_set_int(n, "y_zero", y_zero));
}

/* 2x2 window of ones over 3x3, zero point 1, bias per channel; multipliers 0.5 and 0.25. */
static void test_qconv(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_QCONV);
    node_case_input(&c, SY_DT_I8, 4, DIMS(1, 1, 3, 3), I8(1, 2, 3, 4, 5, 6, 7, 8, 9));
    node_case_const(&c, SY_DT_I8, 4, DIMS(2, 1, 2, 2), I8(1, 1, 1, 1, 1, -1, 1, -1));
    node_case_const(&c, SY_DT_I32, 1, DIMS(2), I32(1, -4));
    ir_node *n = node_case_node(&c, 1);
    scales(n, "x", 0.5f, 1, 1.0f, -3);
    assert_ok(ir_node_set_floats(n, "w_scale", 2, (const float[]){1.0f, 0.5f}));
    /* sums of x - 1: 8 12 20 24; + 1 -> 9 13 21 25; halves 4.5 6.5 10.5 12.5 to even: 4 6 10 12;
       - 3. differences are -2 everywhere; - 4 -> -6; quarter -1.5 -> -2; - 3. */
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I8, 4, DIMS(1, 2, 2, 2),
                     I8(1, 3, 7, 9, -5, -5, -5, -5));
    node_case_end(&c);
}

/* Padding reads as the zero point; stride 2, dilation 2, group 2. */
static void test_qconv_window(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_QCONV);
    node_case_input(&c, SY_DT_I8, 3, DIMS(1, 2, 4), I8(10, 20, 30, 40, 1, 2, 3, 4));
    node_case_const(&c, SY_DT_I8, 3, DIMS(2, 1, 2), I8(1, 2, 3, 1));
    ir_node *n = node_case_node(&c, 1);
    scales(n, "x", 1.0f, 5, 1.0f, 0);
    assert_ok(ir_node_set_floats(n, "w_scale", 1, (const float[]){1.0f}));
    assert_ok(ir_node_set_int(n, "group", 2));
    assert_ok(ir_node_set_ints(n, "strides", 1, DIMS(2)));
    assert_ok(ir_node_set_ints(n, "dilations", 1, DIMS(2)));
    assert_ok(ir_node_set_ints(n, "pads", 2, DIMS(1, 1)));
    /* x^ = 5 15 25 35 | -4 -3 -2 -1; taps at -1, 1 and at 1, 3: 2*15; 15 + 2*35 | -3; 3*-3 - 1 */
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I8, 3, DIMS(1, 2, 2),
                     I8(30, 85, -3, -10));
    node_case_end(&c);
}

static void test_qgemm(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_QGEMM);
    node_case_input(&c, SY_DT_I8, 2, DIMS(2, 3), I8(1, 2, 3, 127, 127, -128));
    node_case_const(&c, SY_DT_I8, 2, DIMS(3, 2), I8(1, 127, 1, 127, 1, -128));
    node_case_const(&c, SY_DT_I32, 1, DIMS(2), I32(0, 10));
    ir_node *n = node_case_node(&c, 1);
    scales(n, "x", 1.0f, 0, 1.0f, 1);
    assert_ok(ir_node_set_floats(n, "w_scale", 2, (const float[]){1.0f, 1.0f}));
    assert_ok(ir_node_set_int(n, "y_min", 1));
    assert_ok(ir_node_set_int(n, "y_max", 100));
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I8, 2, DIMS(2, 2),
                     I8(7, 8, 100, 100));
    node_case_end(&c);
}

/* Sums wrap modulo 2^32, and the bias is added before the conversion. */
static void test_wrap(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_QGEMM);
    node_case_input(&c, SY_DT_I8, 2, DIMS(1, 1), I8(1));
    node_case_const(&c, SY_DT_I8, 2, DIMS(1, 2), I8(1, -1));
    node_case_const(&c, SY_DT_I32, 1, DIMS(2), I32(INT32_MAX, INT32_MIN));
    ir_node *n = node_case_node(&c, 1);
    scales(n, "x", 1.0f, 0, 1.0f, 0);
    assert_ok(ir_node_set_floats(n, "w_scale", 1, (const float[]){1.0f}));
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I8, 2, DIMS(1, 2),
                     I8(-128, 127));
    node_case_end(&c);
}

/* Entry x + 128, then the clamp. */
static void test_qtable(void **state)
{
    (void)state;
    int8_t table[256];
    for (int i = 0; i < 256; i++) {
        table[i] = (int8_t)(127 - i);
    }
    node_case c = node_case_start(IR_OP_QTABLE);
    node_case_input(&c, SY_DT_I8, 2, DIMS(2, 3), I8(-128, 0, 127, -1, 1, 100));
    node_case_const(&c, SY_DT_I8, 1, DIMS(256), table);
    ir_node *n = node_case_node(&c, 1);
    scales(n, "x", 1.0f, 9, 1.0f, -9);
    assert_ok(ir_node_set_int(n, "y_min", -100));
    assert_ok(ir_node_set_int(n, "y_max", 126));
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I8, 2, DIMS(2, 3),
                     I8(126, -1, -100, 0, -2, -100));
    node_case_end(&c);
}

static void test_qmatmul(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_QMATMUL);
    node_case_input(&c, SY_DT_I8, 3, DIMS(2, 1, 2), I8(1, 2, 3, 4));
    node_case_input(&c, SY_DT_I8, 2, DIMS(2, 1), I8(4, 5));
    ir_node *n = node_case_node(&c, 1);
    scales(n, "a", 1.0f, 1, 2.0f, 0);
    assert_ok(ir_node_set_float(n, "b_scale", 1.0f));
    assert_ok(ir_node_set_int(n, "b_zero", 2));
    /* (0 1) (2 3)' = 3; (2 3) (2 3)' = 13; halved: 1.5 -> 2, 6.5 -> 6 */
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I8, 3, DIMS(2, 1, 1),
                     I8(2, 6));
    node_case_end(&c);
}

static void binary(uint32_t code, const int8_t *want)
{
    node_case c = node_case_start(code);
    node_case_input(&c, SY_DT_I8, 2, DIMS(2, 2), I8(2, 4, -100, 127));
    node_case_input(&c, SY_DT_I8, 1, DIMS(2), I8(1, 3));
    ir_node *n = node_case_node(&c, 1);
    scales(n, "a", 0.5f, 1, 1.0f, 10);
    assert_ok(ir_node_set_float(n, "b_scale", 1.0f));
    assert_ok(ir_node_set_int(n, "b_zero", 0));
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I8, 2, DIMS(2, 2), want);
    node_case_end(&c);
}

static void test_binary(void **state)
{
    (void)state;
    /* a: 0.5 1.5 -50.5 63; b: 1 3 1 3 */
    binary(IR_OP_QADD, I8(12, 14, -40, 76));  /* 1.5 -> 2, 4.5 -> 4, -49.5 -> -50, 66 */
    binary(IR_OP_QSUB, I8(10, 8, -42, 70));   /* -0.5 -> -0, -1.5 -> -2, -51.5 -> -52, 60 */
    binary(IR_OP_QMUL, I8(10, 14, -40, 127)); /* 0.5 -> 0, 4.5 -> 4, -50.5 -> -50, 189 saturates */
}

static void test_requantize(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_QREQUANTIZE);
    node_case_input(&c, SY_DT_I8, 1, DIMS(5), I8(-128, -1, 0, 1, 127));
    ir_node *n = node_case_node(&c, 1);
    scales(n, "x", 0.5f, 0, 1.0f, -1);
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I8, 1, DIMS(5),
                     I8(-65, -1, -1, -1, 63));
    node_case_end(&c);
}

/* 3 wide, window 2, padding 1 on both sides. */
static void average(int64_t include_pad, const int8_t *want)
{
    node_case c = node_case_start(IR_OP_QAVERAGEPOOL);
    node_case_input(&c, SY_DT_I8, 3, DIMS(1, 1, 3), I8(12, 22, 42));
    ir_node *n = node_case_node(&c, 1);
    scales(n, "x", 1.0f, 2, 1.0f, 0);
    assert_ok(ir_node_set_ints(n, "kernel_shape", 1, DIMS(2)));
    assert_ok(ir_node_set_ints(n, "pads", 2, DIMS(1, 1)));
    assert_ok(ir_node_set_int(n, "count_include_pad", include_pad));
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I8, 3, DIMS(1, 1, 4), want);
    node_case_end(&c);
}

static void test_average(void **state)
{
    (void)state;
    average(0, I8(10, 15, 30, 40));
    average(1, I8(5, 15, 30, 20));
}

static void test_global(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_QAVERAGEPOOL);
    node_case_input(&c, SY_DT_I8, 4, DIMS(1, 2, 2, 2), I8(1, 2, 3, 4, -1, -2, -3, -4));
    ir_node *n = node_case_node(&c, 1);
    scales(n, "x", 2.0f, 0, 1.0f, 0);
    assert_ok(ir_node_set_int(n, "global", 1));
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I8, 4, DIMS(1, 2, 1, 1),
                     I8(5, -5));
    node_case_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qconv),      cmocka_unit_test(test_qconv_window),
        cmocka_unit_test(test_qgemm),      cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_qtable),
        cmocka_unit_test(test_qmatmul),    cmocka_unit_test(test_binary),
        cmocka_unit_test(test_requantize), cmocka_unit_test(test_average),
        cmocka_unit_test(test_global),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
