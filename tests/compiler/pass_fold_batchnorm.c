/*
 * pass_fold_batchnorm.c -- batch normalisation goes into the convolution before it, where nobody
 * else sees the convolution's value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pass_test.h"

#include <math.h>

/* Weights 1, -2 for two channels of a 1x1 convolution; scale, shift, mean, variance; bias. */
#define CONSTANTS                                       \
    "const #0 = f32[2, 1, 1, 1] hex 0000803f000000c0\n" \
    "const #1 = f32[2] hex 0000003f00004040\n"          \
    "const #2 = f32[2] hex 0000803f000000bf\n"          \
    "const #3 = f32[2] hex cdcccc3d000080bf\n"          \
    "const #4 = f32[2] hex 0000804000001041\n"          \
    "const #5 = f32[2] hex 0000a03f000020c0\n"
#define VALUES                                                                                 \
    "  const %w: f32[2, 1, 1, 1] = #0\n  const %scale: f32[2] = #1\n  const %shift: f32[2] = " \
    "#2\n  const %mean: f32[2] = #3\n"                                                         \
    "  const %var: f32[2] = #4\n  const %b: f32[2] = #5\n"
#define NORM "BatchNormalization(%c, %scale, %shift, %mean, %var) {epsilon = 0.00999999978}\n"

static void close_enough(const ir_tensor *a, const ir_tensor *b)
{
    assert_int_equal(a->size_bytes, b->size_bytes);
    for (int64_t i = 0; i < ir_tensor_n_elements(a); i++) {
        const float x = ((const float *)a->data)[i], y = ((const float *)b->data)[i];
        /* weights, bias, product, two sums: each rounds by half an ulp of at most 32 */
        assert_true(fabsf(x - y) <= 8.0F * 32.0F * 0x1p-24F);
    }
}

static void test_folded(void **state)
{
    (void)state;
    static const char *const convs[2] = {"%c: ? = Conv(%x, %w)\n", "%c: ? = Conv(%x, %w, %b)\n"};
    for (int i = 0; i < 2; i++) {
        char body[2048];
        snprintf(body, sizeof body,
                 "%sfunc @f main (%%x: f32[1, 1, 3, 3]) -> (%%y) {\n%s  %s  %%y: ? = %s}\n",
                 CONSTANTS, VALUES, convs[i], NORM);
        pass_case c = pass_parse(body);
        const ir_tensor before = pass_evaluate(&c, 1);
        pass_apply(&c, pass_fold_batchnorm);
        const ir_tensor after = pass_evaluate(&c, 1);
        close_enough(&after, &before);
        assert_int_equal(pass_count(&c, -1), 1);
        assert_int_equal(pass_count(&c, IR_OP_CONV), 1);
        assert_string_equal(ir_node_output(c.m->main->first, 0)->name,
                            "y"); /* the name by which the model knows the value */
        pass_drop(&c);
    }
}

/* Weights that two convolutions share are not changed for the other. */
static void test_shared_weights(void **state)
{
    (void)state;
    pass_case c = pass_parse(CONSTANTS "func @f main (%x: f32[1, 1, 3, 3]) -> (%z) {\n" VALUES
                                       "  %c: ? = Conv(%x, %w)\n  %y: ? = " NORM
                                       "  %d: ? = Conv(%x, %w)\n  %z: ? = Add(%d, %y)\n}\n");
    const ir_tensor before = pass_evaluate(&c, 2);
    pass_apply(&c, pass_fold_batchnorm);
    const ir_tensor after = pass_evaluate(&c, 2);
    close_enough(&after, &before);
    assert_int_equal(pass_count(&c, IR_OP_BATCHNORM), 0);
    pass_drop(&c);
}

static void test_kept(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        /* the convolution's value is used twice, or given out; the weights come from the caller;
           training */
        CONSTANTS "func @f main (%x: f32[1, 1, 3, 3]) -> (%z) {\n" VALUES
                  "  %c: ? = Conv(%x, %w)\n  %y: ? = " NORM "  %z: ? = Add(%c, %y)\n}\n",
        CONSTANTS "func @f main (%x: f32[1, 1, 3, 3]) -> (%y, %c) {\n" VALUES
                  "  %c: ? = Conv(%x, %w)\n  %y: ? = " NORM "}\n",
        CONSTANTS "func @f main (%x: f32[1, 1, 3, 3], %v: f32[2, 1, 1, 1]) -> (%y) {\n" VALUES
                  "  %c: ? = Conv(%x, %v)\n  %y: ? = " NORM "}\n",
        CONSTANTS "func @f main (%x: f32[1, 2, 3, 3]) -> (%y) {\n" VALUES
                  "  %c: ? = Relu(%x)\n  %y: ? = " NORM "}\n",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        pass_case c = pass_parse(bodies[i]);
        pass_keeps_bits(&c, pass_fold_batchnorm);
        assert_int_equal(pass_count(&c, IR_OP_BATCHNORM), 1);
        pass_drop(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_folded),
                                       cmocka_unit_test(test_shared_weights),
                                       cmocka_unit_test(test_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
