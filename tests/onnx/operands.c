/*
 * operands.c -- what stands between DequantizeLinear and an operator: clamps, moves, transposed
 * weights, odd biases.
 *
 * The judge is the same network with a Q and DQ of the input's parameters behind each step, which
 * changes nothing (the steps are exact) and leaves no step to be looked through.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_run.h"

static const int64_t plane[4] = {1, 1, 16, 16}; /* one of each int8 value */

static base_buf start(sy_dtype dtype, float scale, int zero)
{
    static const int64_t pads[8] = {0, 0, 1, 2, 0, 0, 0, 3}, eight[1] = {8};
    base_buf g = {0};
    ow_text(&g, 2, "g");
    ow_add_input(&g, "x", dtype, 4, plane);
    ow_add_f32(&g, "s", scale);
    if (dtype == SY_DT_U8) {
        ow_add_u8(&g, "z", zero);
    } else {
        ow_add_i8(&g, "z", zero);
    }
    ow_add_f32(&g, "ys", scale * 0.37f);
    ow_add_i8(&g, "yz", -3);
    ow_add_f32(&g, "on_low", scale * -20.0f);
    ow_add_f32(&g, "on_high", scale * 50.0f);
    ow_add_f32(&g, "off_low", scale * -20.5f);
    ow_add_f32(&g, "far_low", scale * -1000.5f);
    ow_add_f32(&g, "fill", scale * 7.0f);
    ow_add_f32(&g, "off_fill", scale * 7.3f);
    ow_add_const(&g, "pads", SY_DT_I64, 1, eight, pads, sizeof pads);
    ow_add_node(&g, ow_node("DequantizeLinear", "x s z", "d"));
    return g;
}

typedef struct step {
    const char *op, *more; /* further operands */
    bool exact;
} step;

static const step steps[] = {
    {"Relu", "", true},
    {"Clip", " on_low on_high", true},
    {"Clip", " far_low on_high", true},
    {"Clip", " off_low on_high", false},
    {"Pad", " pads", true},
    {"Pad", " pads fill", true},
    {"Pad", " pads off_fill", false},
    {"MaxPool", "", true},
    {"GlobalMaxPool", "", true},
    {"Concat", " d", true},
    {"Identity", "", true},
    {"Transpose", "", true},
};

/* x -> DQ -> step -> (Q -> DQ) -> GlobalAveragePool -> Q */
static base_buf one_step(const step *s, sy_dtype dtype, bool with_pair)
{
    static const int64_t kernel[2] = {3, 2};
    base_buf g = start(dtype, 0.125f, dtype == SY_DT_U8 ? 100 : -5);
    char inputs[64];
    snprintf(inputs, sizeof inputs, "d%s", s->more);
    base_buf node = ow_node(s->op, inputs, "v");
    if (strcmp(s->op, "MaxPool") == 0) {
        ow_attr_ints(&node, "kernel_shape", 2, kernel);
    } else if (strcmp(s->op, "Concat") == 0) {
        ow_attr_int(&node, "axis", 2);
    }
    ow_add_node(&g, node);
    if (with_pair) {
        ow_add_node(&g, ow_node("QuantizeLinear", "v s z", "q"));
        ow_add_node(&g, ow_node("DequantizeLinear", "q s z", "w"));
    }
    ow_add_node(&g, ow_node("GlobalAveragePool", with_pair ? "w" : "v", "p"));
    ow_add_node(&g, ow_node("QuantizeLinear", "p ys yz", "y"));
    ow_add_output(&g, "y", SY_DT_I8);
    return ow_model(g, 17);
}

static void run_all_values(const imported *i, sy_dtype dtype, ir_tensor *out)
{
    uint8_t data[256];
    ir_tensor x;
    for (int k = 0; k < 256; k++) {
        data[k] = (uint8_t)(k * 37 + 11);
    }
    assert_ok(ir_tensor_init(&x, dtype, 4, plane, data));
    run_reference(i, &x, out);
}

static void check_equal(base_buf a, base_buf b, sy_dtype dtype, const char *what)
{
    imported ia = import_model(a), ib = import_model(b);
    ir_tensor ya, yb;
    run_all_values(&ia, dtype, &ya);
    run_all_values(&ib, dtype, &yb);
    if (ya.size_bytes != yb.size_bytes || memcmp(ya.data, yb.data, ya.size_bytes) != 0) {
        fail_msg("%s: differs from the network with Q and DQ between", what);
    }
    rt_buffer_free(ya.data);
    rt_buffer_free(yb.data);
    drop(&ia);
    drop(&ib);
}

static void test_steps(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2 * (sizeof steps / sizeof steps[0]); k++) {
        const step *s = &steps[k / 2];
        const sy_dtype dtype = k % 2 ? SY_DT_U8 : SY_DT_I8;
        imported i = import_model(one_step(s, dtype, false));
        assert_int_equal(n_of(&i, IR_OP_QAVERAGEPOOL), s->exact);
        if (!s->exact) {
            assert_non_null(strstr(ir_import_note(i.m, 1), "between two steps"));
        }
        drop(&i);
        if (s->exact) {
            check_equal(one_step(s, dtype, false), one_step(s, dtype, true), dtype, s->op);
        }
    }
}

/* ---------------------------------------------------------------- weights and biases of products
 */

/* x -> DQ -> Reshape [16,16] -> MatMul or Gemm by w [16,4] -> Q, in several ways to say the same.
 */
typedef enum form {
    PLAIN,      /* MatMul, w [16,4] */
    TRANSPOSED, /* w [4,16] through DQ and Transpose */
    GEMM_TRANS, /* w [4,16], transB */
    BIAS_ROW,   /* Gemm, bias [1,4] of zeros */
    BIAS_ONE,   /* Gemm, bias scalar 0 */
    N_FORMS
} form;

static base_buf product(form f)
{
    static const int64_t shape[2] = {16, 16}, two[1] = {2}, wide[2] = {16, 4}, tall[2] = {4, 16};
    static const int64_t four[1] = {4}, row[2] = {1, 4};
    static const float scales[4] = {0.1f, 0.2f, 0.3f, 0.4f};
    static const int32_t zeros[4] = {0, 0, 0, 0};
    float products[4];
    int8_t w[64], turned[64];
    for (int k = 0; k < 64; k++) {
        w[k] = (int8_t)(k * 29 - 100);
        turned[k % 4 * 16 + k / 4] = w[k];
    }
    for (int k = 0; k < 4; k++) {
        products[k] = 0.125f * scales[k];
    }
    const bool is_tall = f == TRANSPOSED || f == GEMM_TRANS;
    base_buf g = start(SY_DT_I8, 0.125f, -5), node;
    ow_add_const(&g, "shape", SY_DT_I64, 1, two, shape, sizeof shape);
    ow_add_const(&g, "w", SY_DT_I8, 2, is_tall ? tall : wide, is_tall ? turned : w, sizeof w);
    ow_add_const(&g, "ws", SY_DT_F32, 1, four, scales, sizeof scales);
    ow_add_const(&g, "wz", SY_DT_I8, 1, four, zeros, 4);
    ow_add_const(&g, "bs", SY_DT_F32, 1, four, products, sizeof products);
    ow_add_f32(&g, "big", 9.0f);
    ow_add_node(&g, ow_node("Reshape", "d shape", "m"));
    node = ow_node("DequantizeLinear", "w ws wz", "dw");
    ow_attr_int(&node, "axis", is_tall ? 0 : -1);
    ow_add_node(&g, node);
    if (f == TRANSPOSED) {
        ow_add_node(&g, ow_node("Transpose", "dw", "t"));
    }
    if (f == BIAS_ROW) {
        ow_add_const(&g, "b", SY_DT_I32, 2, row, zeros, sizeof zeros);
        node = ow_node("DequantizeLinear", "b bs", "db");
        ow_attr_int(&node, "axis", 1);
        ow_add_node(&g, node);
    } else if (f == BIAS_ONE) {
        ow_add_const(&g, "b", SY_DT_I32, 0, NULL, zeros, sizeof zeros[0]);
        ow_add_f32(&g, "b1", products[0]);
        ow_add_node(&g, ow_node("DequantizeLinear", "b b1", "db"));
    }
    node = f == PLAIN        ? ow_node("MatMul", "m dw", "v")
           : f == TRANSPOSED ? ow_node("MatMul", "m t", "v")
           : f == GEMM_TRANS ? ow_node("Gemm", "m dw", "v")
                             : ow_node("Gemm", "m dw db", "v");
    if (f == GEMM_TRANS) {
        ow_attr_int(&node, "transB", 1);
    }
    ow_add_node(&g, node);
    ow_add_node(&g, ow_node("QuantizeLinear", "v big yz", "y"));
    ow_add_output(&g, "y", SY_DT_I8);
    return ow_model(g, 17);
}

static void test_products(void **state)
{
    (void)state;
    for (int f = 0; f < N_FORMS; f++) {
        imported i = import_model(product((form)f));
        /* one scalar cannot be the bias of four channels with four scales */
        assert_int_equal(n_of(&i, IR_OP_QGEMM), f != BIAS_ONE);
        assert_int_equal(n_of(&i, IR_OP_TRANSPOSE), 0);
        drop(&i);
        if (f != PLAIN && f != BIAS_ONE) {
            check_equal(product((form)f), product(PLAIN), SY_DT_I8, "product");
        }
    }
}

/* An activation that is a uint8 constant becomes an int8 constant. */
static void test_constant_operand(void **state)
{
    (void)state;
    static const uint8_t c[2] = {0, 200};
    static const int64_t two[4] = {2, 1, 1, 1};
    base_buf g = start(SY_DT_U8, 0.5f, 100);
    ow_add_const(&g, "c", SY_DT_U8, 4, two, c, sizeof c);
    ow_add_node(&g, ow_node("DequantizeLinear", "c s z", "dc"));
    ow_add_node(&g, ow_node("Sub", "d dc", "v"));
    ow_add_node(&g, ow_node("QuantizeLinear", "v ys yz", "y"));
    ow_add_output(&g, "y", SY_DT_I8);
    imported i = import_model(ow_model(g, 17));
    const ir_node *sub = find_node(&i, IR_OP_QSUB);
    const void *data = NULL;
    assert_ok(ir_const_data(i.m, ir_node_input(sub, 1)->constant, NULL, &data));
    assert_int_equal(((const int8_t *)data)[0], -128);
    assert_int_equal(((const int8_t *)data)[1], 72);
    assert_int_equal(ir_node_int(sub, "b_zero", 0), -28);
    drop(&i);
}

/* ---------------------------------------------------------------- refusals */

static void expect_note(base_buf g, const char *v, uint32_t number, const char *words)
{
    char inputs[64];
    snprintf(inputs, sizeof inputs, "%s ys yz", v);
    ow_add_node(&g, ow_node("QuantizeLinear", inputs, "y"));
    ow_add_output(&g, "y", SY_DT_I8);
    imported i = import_model(ow_model(g, 19));
    const char *note = ir_import_note(i.m, number);
    if (note == NULL || strstr(note, words) == NULL) {
        fail_msg("expected '%s', got '%s'", words, note != NULL ? note : "no note");
    }
    drop(&i);
}

static void test_refusals(void **state)
{
    (void)state;
    static const int64_t kernel[2] = {2, 2}, dilations[2] = {2, 1}, axes[1] = {1}, one[1] = {1};
    base_buf g = start(SY_DT_I8, 0.5f, 0), node = ow_node("AveragePool", "d", "v");
    ow_attr_ints(&node, "kernel_shape", 2, kernel);
    ow_attr_ints(&node, "dilations", 2, dilations);
    ow_add_node(&g, node);
    expect_note(g, "v", 1, "dilated");

    g = start(SY_DT_I8, 0.5f, 0);
    ow_add_input(&g, "w", SY_DT_I8, 4, plane);
    ow_add_node(&g, ow_node("DequantizeLinear", "w s z", "e"));
    ow_add_node(&g, ow_node("Sum", "d d e", "v"));
    expect_note(g, "v", 2, "sum of two");

    g = start(SY_DT_I8, 0.5f, 0);
    ow_add_const(&g, "axes", SY_DT_I64, 1, one, axes, sizeof axes);
    ow_add_node(&g, ow_node("ReduceMean", "d axes", "v"));
    expect_note(g, "v", 1, "spatial axes");

    g = start(SY_DT_I8, 0.5f, 0);
    static const int64_t wide[1] = {16};
    static const float row[16] = {1};
    ow_add_const(&g, "row", SY_DT_F32, 1, wide, row, sizeof row);
    ow_add_node(&g, ow_node("Add", "d row", "v")); /* float constants */
    expect_note(g, "v", 1, "second operand");

    g = start(SY_DT_I8, 0.5f, 0);
    ow_add_node(&g, ow_node("Clip", "d on_high on_low", "c")); /* limits the wrong way round */
    ow_add_node(&g, ow_node("GlobalAveragePool", "c", "v"));
    expect_note(g, "v", 1, "no number between");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_constant_operand),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
