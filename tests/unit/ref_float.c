/*
 * ref_float.c -- the reference kernels of the ordinary operators, against cases worked out by hand.
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
#define I64(...)      \
    (const int64_t[]) \
    {                 \
        __VA_ARGS__   \
    }
#define I32(...)      \
    (const int32_t[]) \
    {                 \
        __VA_ARGS__   \
    }
#define I8(...)      \
    (const int8_t[]) \
    {                \
        __VA_ARGS__  \
    }
#define U8(...)       \
    (const uint8_t[]) \
    {                 \
        __VA_ARGS__   \
    }

/* One result on the reference kernels. */
#define EXPECT(c, dtype, rank, dims, data) \
    node_case_expect(node_case_run(&(c), &node_case_reference, 0), dtype, rank, dims, data)

static void test_conv(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_CONV);
    node_case_input(&c, SY_DT_F32, 4, DIMS(1, 1, 3, 3), F32(1, 2, 3, 4, 5, 6, 7, 8, 9));
    node_case_input(&c, SY_DT_F32, 4, DIMS(1, 1, 2, 2), F32(1, 10, 100, 1000));
    node_case_input(&c, SY_DT_F32, 1, DIMS(1), F32(0.5f));
    ir_node *n = node_case_node(&c, 1);
    assert_ok(ir_node_set_string(n, "auto_pad", "SAME_UPPER", 10));
    assert_ok(ir_node_set_ints(n, "strides", 2, DIMS(2, 2)));
    /* windows at (0,0) (0,2) (2,0) (2,2); what lies beyond the edge is 0 */
    EXPECT(c, SY_DT_F32, 4, DIMS(1, 1, 2, 2),
           F32(1 + 20 + 400 + 5000 + 0.5f, 3 + 600 + 0.5f, 7 + 80 + 0.5f, 9.5f));
    node_case_end(&c);
}

static void test_gemm(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_GEMM);
    node_case_input(&c, SY_DT_F32, 2, DIMS(2, 1), F32(1, 2));
    node_case_input(&c, SY_DT_F32, 2, DIMS(3, 2), F32(1, 2, 3, 4, 5, 6));
    node_case_input(&c, SY_DT_F32, 1, DIMS(3), F32(10, 20, 30));
    ir_node *n = node_case_node(&c, 1);
    assert_ok(ir_node_set_int(n, "transA", 1));
    assert_ok(ir_node_set_int(n, "transB", 1));
    assert_ok(ir_node_set_float(n, "alpha", 2));
    assert_ok(ir_node_set_float(n, "beta", 0.5f));
    EXPECT(c, SY_DT_F32, 2, DIMS(1, 3), F32(15, 32, 49));
    node_case_end(&c);
}

static void test_matmul(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_MATMUL);
    node_case_input(&c, SY_DT_F32, 1, DIMS(2), F32(1, 2));
    node_case_input(&c, SY_DT_F32, 3, DIMS(2, 2, 1), F32(1, 2, 3, 4));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_F32, 2, DIMS(2, 1), F32(5, 11));
    node_case_end(&c);
}

/* Sums are rounded once: in fp32 steps, the ones would be lost beside 2^24. */
static void test_one_rounding(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_REDUCESUM);
    node_case_input(&c, SY_DT_F32, 1, DIMS(4), F32(16777216, 1, 1, 1));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_F32, 1, DIMS(1), F32(16777220)); /* 2^24 + 3, to even */
    node_case_end(&c);
}

static void test_pools(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_MAXPOOL);
    node_case_input(&c, SY_DT_I8, 3, DIMS(1, 1, 5), I8(-3, -1, -2, -8, -5));
    ir_node *n = node_case_node(&c, 2);
    assert_ok(ir_node_set_ints(n, "kernel_shape", 1, DIMS(2)));
    assert_ok(ir_node_set_ints(n, "strides", 1, DIMS(2)));
    assert_ok(ir_node_set_int(n, "ceil_mode", 1));
    EXPECT(c, SY_DT_I8, 3, DIMS(1, 1, 3), I8(-1, -2, -5));
    node_case_expect(&c.results[0][1], SY_DT_I64, 3, DIMS(1, 1, 3), I64(1, 2, 4));
    node_case_end(&c);

    c = node_case_start(IR_OP_AVERAGEPOOL);
    node_case_input(&c, SY_DT_F32, 3, DIMS(1, 1, 3), F32(1, 2, 6));
    n = node_case_node(&c, 1);
    assert_ok(ir_node_set_ints(n, "kernel_shape", 1, DIMS(3)));
    assert_ok(ir_node_set_ints(n, "pads", 2, DIMS(1, 1)));
    EXPECT(c, SY_DT_F32, 3, DIMS(1, 1, 3), F32(1.5f, 3, 4));
    assert_ok(ir_node_set_int(n, "count_include_pad", 1));
    EXPECT(c, SY_DT_F32, 3, DIMS(1, 1, 3), F32(1, 3, 8.0f / 3));
    node_case_end(&c);

    c = node_case_start(IR_OP_GLOBALAVERAGEPOOL);
    node_case_input(&c, SY_DT_F32, 4, DIMS(1, 2, 1, 2), F32(1, 2, 3, 6));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_F32, 4, DIMS(1, 2, 1, 1), F32(1.5f, 4.5f));
    node_case_end(&c);
}

static void test_reduce(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_REDUCEMEAN);
    node_case_input(&c, SY_DT_F32, 3, DIMS(2, 2, 2), F32(1, 2, 3, 4, 5, 6, 7, 8));
    node_case_const(&c, SY_DT_I64, 1, DIMS(2), I64(0, -1));
    assert_ok(ir_node_set_int(node_case_node(&c, 1), "keepdims", 0));
    EXPECT(c, SY_DT_F32, 1, DIMS(2), F32(3.5f, 5.5f));
    node_case_end(&c);

    c = node_case_start(IR_OP_REDUCEMAX);
    node_case_input(&c, SY_DT_F32, 2, DIMS(2, 2), F32(1, -2, -INFINITY, -3));
    node_case_const(&c, SY_DT_I64, 1, DIMS(1), I64(1));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_F32, 2, DIMS(2, 1), F32(1, -3));
    node_case_end(&c);
}

static void integers(uint32_t code, const int32_t *want)
{
    node_case c = node_case_start(code);
    node_case_input(&c, SY_DT_I32, 1, DIMS(4), I32(7, -7, INT32_MIN, 100000));
    node_case_input(&c, SY_DT_I32, 1, DIMS(4), I32(2, 2, -1, 100000));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_I32, 1, DIMS(4), want);
    node_case_end(&c);
}

static void test_integers(void **state)
{
    (void)state;
    integers(IR_OP_ADD, I32(9, -5, INT32_MAX, 200000));
    integers(IR_OP_SUB, I32(5, -9, -INT32_MAX, 0));
    integers(IR_OP_MUL, I32(14, -14, INT32_MIN, 1410065408));
    integers(IR_OP_DIV, I32(3, -3, INT32_MIN, 1));
    integers(IR_OP_MIN, I32(2, -7, INT32_MIN, 100000));
    integers(IR_OP_MAX, I32(7, 2, -1, 100000));
    node_case c = node_case_start(IR_OP_DIV);
    node_case_input(&c, SY_DT_I32, 1, DIMS(1), I32(1));
    node_case_input(&c, SY_DT_I32, 1, DIMS(1), I32(0));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_I32, 1, DIMS(1), I32(0));
    node_case_end(&c);
}

static void test_cast(void **state)
{
    (void)state;
    const struct {
        int64_t to;
        const void *want;
    } cases[] = {
        {SY_DT_I8, I8(0, -1, 0, 0, 0)}, /* towards zero, the low bits, NaN is 0 */
        {SY_DT_U8, U8(0, 255, 0, 0, 0)},
        {SY_DT_BOOL, U8(1, 1, 1, 1, 0)},
        {SY_DT_F16, ((const uint16_t[]){0x3a66, 0xbf33, 0x7c00, 0xfc00, 0x7e00})},
        {SY_DT_BF16, ((const uint16_t[]){0x3f4d, 0xbfe6, 0x4a80, 0xca80, 0x7fc0})},
        {SY_DT_F8E4M3FN, U8(0x35, 0xbe, 0x7e, 0xfe, 0x7f)}, /* the last is 0 / 0: NaN */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        node_case c = node_case_start(IR_OP_CAST);
        node_case_input(
            &c, SY_DT_F32, 1, DIMS(5),
            F32(0.8f, -1.8f, 4194304, -4194304, cases[i].to == SY_DT_BOOL ? 0.0f : NAN));
        assert_ok(ir_node_set_int(node_case_node(&c, 1), "to", cases[i].to));
        EXPECT(c, (sy_dtype)cases[i].to, 1, DIMS(5), cases[i].want);
        node_case_end(&c);
    }
}

static void test_quantize(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_QUANTIZELINEAR);
    node_case_input(&c, SY_DT_F32, 2, DIMS(2, 3), F32(0.25f, 0.75f, 1e9f, 1, 3, -1e9f));
    node_case_const(&c, SY_DT_F32, 1, DIMS(2), F32(0.5f, 2));
    node_case_const(&c, SY_DT_U8, 1, DIMS(2), U8(3, 10));
    assert_ok(ir_node_set_int(node_case_node(&c, 1), "axis", 0));
    EXPECT(c, SY_DT_U8, 2, DIMS(2, 3),
           U8(3, 5, 255, 10, 12, 0)); /* ties: 0.5 -> 0, 1.5 -> 2, 0.5 -> 0, 1.5 -> 2 */
    node_case_end(&c);

    c = node_case_start(IR_OP_DEQUANTIZELINEAR);
    node_case_input(&c, SY_DT_I32, 1, DIMS(2), I32(16777217, -2));
    node_case_const(&c, SY_DT_F32, 0, NULL, F32(0.5f));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_F32, 1, DIMS(2), F32(8388608, -1));
    node_case_end(&c);
}

static void test_softmax(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_SOFTMAX);
    node_case_input(&c, SY_DT_F32, 2, DIMS(2, 2), F32(1000, 0, 1000, 0.69314718f));
    assert_ok(ir_node_set_int(node_case_node(&c, 1), "axis", 0));
    const float *y = node_case_run(&c, &node_case_reference, 0)->data;
    assert_float_equal(y[0], 0.5f, 0);
    assert_float_equal(y[1], 1.0f / 3, 1e-7f);
    assert_float_equal(y[3], 2.0f / 3, 1e-7f);
    node_case_end(&c);
}

static void test_batchnorm(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_BATCHNORM);
    node_case_input(&c, SY_DT_F32, 2, DIMS(2, 1), F32(1, 3));
    node_case_input(&c, SY_DT_F32, 1, DIMS(1), F32(2));
    node_case_input(&c, SY_DT_F32, 1, DIMS(1), F32(10));
    node_case_input(&c, SY_DT_F32, 1, DIMS(1), F32(4));
    node_case_input(&c, SY_DT_F32, 1, DIMS(1), F32(8));
    ir_node *n = node_case_node(&c, 3);
    assert_ok(ir_node_set_int(n, "training_mode", 1));
    assert_ok(ir_node_set_float(n, "epsilon", 0));
    assert_ok(ir_node_set_float(n, "momentum", 0.75f));
    EXPECT(c, SY_DT_F32, 2, DIMS(2, 1), F32(8, 12));                      /* mean 2, variance 1 */
    node_case_expect(&c.results[0][1], SY_DT_F32, 1, DIMS(1), F32(3.5f)); /* 4 * 0.75 + 2 * 0.25 */
    node_case_expect(&c.results[0][2], SY_DT_F32, 1, DIMS(1), F32(6.25f));
    node_case_end(&c);
}

static void test_choices(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_WHERE);
    node_case_input(&c, SY_DT_BOOL, 2, DIMS(2, 1), U8(1, 0));
    node_case_input(&c, SY_DT_I64, 1, DIMS(2), I64(1, 2));
    node_case_input(&c, SY_DT_I64, 0, NULL, I64(9));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_I64, 2, DIMS(2, 2), I64(1, 2, 9, 9));
    node_case_end(&c);

    c = node_case_start(IR_OP_CLIP);
    node_case_input(&c, SY_DT_I8, 1, DIMS(3), I8(-100, 0, 100));
    node_case_absent(&c);
    node_case_const(&c, SY_DT_I8, 0, NULL, I8(50));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_I8, 1, DIMS(3), I8(-100, 0, 50));
    node_case_end(&c);

    c = node_case_start(IR_OP_GREATER);
    node_case_input(&c, SY_DT_F32, 1, DIMS(3), F32(1, NAN, 3));
    node_case_input(&c, SY_DT_F32, 1, DIMS(1), F32(2));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_BOOL, 1, DIMS(3), U8(0, 0, 1));
    node_case_end(&c);
}

static void test_moves(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_TRANSPOSE);
    node_case_input(&c, SY_DT_I8, 3, DIMS(1, 2, 3), I8(1, 2, 3, 4, 5, 6));
    assert_ok(ir_node_set_ints(node_case_node(&c, 1), "perm", 3, DIMS(2, 0, 1)));
    EXPECT(c, SY_DT_I8, 3, DIMS(3, 1, 2), I8(1, 4, 2, 5, 3, 6));
    node_case_end(&c);

    c = node_case_start(IR_OP_CONCAT);
    node_case_input(&c, SY_DT_I8, 2, DIMS(2, 1), I8(1, 4));
    node_case_input(&c, SY_DT_I8, 2, DIMS(2, 2), I8(2, 3, 5, 6));
    assert_ok(ir_node_set_int(node_case_node(&c, 1), "axis", -1));
    EXPECT(c, SY_DT_I8, 2, DIMS(2, 3), I8(1, 2, 3, 4, 5, 6));
    node_case_end(&c);

    c = node_case_start(IR_OP_SPLIT);
    node_case_input(&c, SY_DT_I8, 2, DIMS(2, 3), I8(1, 2, 3, 4, 5, 6));
    node_case_const(&c, SY_DT_I64, 1, DIMS(2), I64(1, 2));
    assert_ok(ir_node_set_int(node_case_node(&c, 2), "axis", 1));
    EXPECT(c, SY_DT_I8, 2, DIMS(2, 1), I8(1, 4));
    node_case_expect(&c.results[0][1], SY_DT_I8, 2, DIMS(2, 2), I8(2, 3, 5, 6));
    node_case_end(&c);

    c = node_case_start(IR_OP_SLICE);
    node_case_input(&c, SY_DT_I8, 1, DIMS(6), I8(0, 1, 2, 3, 4, 5));
    node_case_const(&c, SY_DT_I64, 1, DIMS(1), I64(-2));
    node_case_const(&c, SY_DT_I64, 1, DIMS(1), I64(INT64_MIN));
    node_case_const(&c, SY_DT_I64, 1, DIMS(1), I64(0));
    node_case_const(&c, SY_DT_I64, 1, DIMS(1), I64(-3));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_I8, 1, DIMS(2), I8(4, 1));
    node_case_end(&c);

    c = node_case_start(IR_OP_GATHER);
    node_case_input(&c, SY_DT_I8, 2, DIMS(2, 3), I8(1, 2, 3, 4, 5, 6));
    node_case_input(&c, SY_DT_I32, 1, DIMS(2), I32(-1, 0));
    assert_ok(ir_node_set_int(node_case_node(&c, 1), "axis", 1));
    EXPECT(c, SY_DT_I8, 2, DIMS(2, 2), I8(3, 1, 6, 4));
    node_case_end(&c);

    c = node_case_start(IR_OP_EXPAND);
    node_case_input(&c, SY_DT_I8, 2, DIMS(2, 1), I8(1, 2));
    node_case_const(&c, SY_DT_I64, 1, DIMS(2), I64(1, 2));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_I8, 2, DIMS(2, 2), I8(1, 1, 2, 2));
    node_case_end(&c);
}

static void pad(const char *mode, const int8_t *want)
{
    node_case c = node_case_start(IR_OP_PAD);
    node_case_input(&c, SY_DT_I8, 1, DIMS(3), I8(1, 2, 3));
    node_case_const(&c, SY_DT_I64, 1, DIMS(2), I64(2, 1));
    node_case_const(&c, SY_DT_I8, 0, NULL, I8(-9));
    assert_ok(ir_node_set_string(node_case_node(&c, 1), "mode", mode, strlen(mode)));
    EXPECT(c, SY_DT_I8, 1, DIMS(6), want);
    node_case_end(&c);
}

static void test_pad(void **state)
{
    (void)state;
    pad("constant", I8(-9, -9, 1, 2, 3, -9));
    pad("edge", I8(1, 1, 1, 2, 3, 3));
    pad("reflect", I8(3, 2, 1, 2, 3, 2));
    pad("wrap", I8(2, 3, 1, 2, 3, 1));
}

static void test_shapes(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_SHAPE);
    node_case_input(&c, SY_DT_I8, 3, DIMS(1, 2, 3), I8(0, 0, 0, 0, 0, 0));
    assert_ok(ir_node_set_int(node_case_node(&c, 1), "start", -2));
    EXPECT(c, SY_DT_I64, 1, DIMS(2), I64(2, 3));
    node_case_end(&c);

    c = node_case_start(IR_OP_RANGE);
    node_case_const(&c, SY_DT_I64, 0, NULL, I64(5));
    node_case_const(&c, SY_DT_I64, 0, NULL, I64(0));
    node_case_const(&c, SY_DT_I64, 0, NULL, I64(-2));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_I64, 1, DIMS(3), I64(5, 3, 1));
    node_case_end(&c);

    c = node_case_start(IR_OP_CONSTANTOFSHAPE);
    node_case_const(&c, SY_DT_I64, 1, DIMS(2), I64(1, 2));
    (void)node_case_node(&c, 1);
    EXPECT(c, SY_DT_F32, 2, DIMS(1, 2), F32(0, 0));
    node_case_end(&c);
}

/* The whole grid of f16 survives a cast there and back; so do all bytes of the 8-bit floats. */
static void test_small_floats(void **state)
{
    (void)state;
    const sy_dtype types[] = {SY_DT_F16,        SY_DT_BF16,   SY_DT_F8E4M3FN,
                              SY_DT_F8E4M3FNUZ, SY_DT_F8E5M2, SY_DT_F8E5M2FNUZ};
    for (size_t t = 0; t < 6; t++) {
        const int64_t n = sy_dtype_bits(types[t]) == 16 ? 65536 : 256;
        static uint8_t codes[2 * 65536];
        const size_t bytes = n == 256 ? 1 : 2;
        for (size_t i = 0; i < (size_t)n; i++) {
            const uint16_t code = (uint16_t)i;
            memcpy(codes + i * bytes, &code, bytes); /* little-endian */
        }
        node_case wide = node_case_start(IR_OP_CAST), narrow = node_case_start(IR_OP_CAST);
        node_case_input(&wide, types[t], 1, &n, codes);
        assert_ok(ir_node_set_int(node_case_node(&wide, 1), "to", SY_DT_F32));
        const ir_tensor *values = node_case_run(&wide, &node_case_reference, 0);
        node_case_input(&narrow, SY_DT_F32, 1, &n, values->data);
        ir_node *node = node_case_node(&narrow, 1);
        assert_ok(ir_node_set_int(node, "to", types[t]));
        assert_ok(ir_node_set_int(node, "saturate", 0));
        const ir_tensor *back = node_case_run(&narrow, &node_case_reference, 0);
        for (int64_t i = 0; i < n; i++) {
            const size_t at = (size_t)i * bytes;
            const bool same = memcmp((char *)back->data + at, codes + at, bytes) == 0;
            assert_true(same || isnan(((float *)values->data)[i]));
        }
        node_case_end(&wide);
        node_case_end(&narrow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),      cmocka_unit_test(test_gemm),
        cmocka_unit_test(test_matmul),    cmocka_unit_test(test_pools),
        cmocka_unit_test(test_reduce),    cmocka_unit_test(test_one_rounding),
        cmocka_unit_test(test_integers),  cmocka_unit_test(test_cast),
        cmocka_unit_test(test_quantize),  cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_batchnorm), cmocka_unit_test(test_choices),
        cmocka_unit_test(test_moves),     cmocka_unit_test(test_pad),
        cmocka_unit_test(test_shapes),    cmocka_unit_test(test_small_floats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
