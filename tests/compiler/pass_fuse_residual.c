/*
 * pass_fuse_residual.c -- which sums become the epilogue of the product before them; no rounding
 * goes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pass_test.h"

#define CONSTANTS "const #0 = i8[2, 2, 1, 1] hex 7f8105f3\n"
#define CONV(result, x, zero)                                                                \
    "  %" result ": i8[1, 2, 3, 3] = systole::QConv(%" x                                     \
    ", %w) {x_scale = 0.0500000007, x_zero = 3, w_scale = floats[0.00999999978], y_scale = " \
    "0.100000001, y_zero = " zero "}\n"
#define ADD(result, a, b)                                                                  \
    "  %" result ": i8[1, 2, 3, 3] = systole::QAdd(%" a ", %" b                            \
    ") {a_scale = 0.100000001, a_zero = 7, b_scale = 0.0500000007, b_zero = 7, y_scale = " \
    "0.119999997, y_zero = -9}\n"
#define MAIN(outputs, body)                                    \
    CONSTANTS "func @f main (%x: i8[1, 2, 3, 3]) -> (" outputs \
              ") {\n  const %w: i8[2, 2, 1, 1] = #0\n" body "}\n"

static void check(const char *body, uint32_t fused)
{
    pass_case c = pass_parse(body);
    pass_keeps_bits(&c, pass_fuse_residual);
    assert_int_equal(pass_count(&c, IR_OP_FUSED), fused);
    pass_drop(&c);
}

static void test_fused(void **state)
{
    (void)state;
    check(MAIN("%y", CONV("c", "x", "7") ADD("y", "c", "x")), 1);
    check(MAIN("%y", CONV("c", "x", "7") ADD("y", "x", "c")), 1);
    check(MAIN("%z", CONV("c", "x", "7") ADD("y", "c", "x") CONV("d", "y", "7") ADD("z", "d", "y")),
          2);
}

/* Of two products the later one: the other has run by then. */
static void test_two_products(void **state)
{
    (void)state;
    pass_case c = pass_parse(
        MAIN("%y", CONV("c", "x", "7") CONV("d", "x", "7") ADD("y", "c", "d")));
    pass_keeps_bits(&c, pass_fuse_residual);
    assert_int_equal(pass_count(&c, IR_OP_FUSED), 1);
    assert_int_equal(pass_count(&c, IR_OP_QCONV), 1);
    assert_string_equal(ir_node_output(c.m->main->first, 0)->name, "c");
    pass_drop(&c);
}

static void test_kept(void **state)
{
    (void)state;
    /* the product's zero point is not the sum's; its value is used or given out besides; both
     * operands are one; no product */
    check(MAIN("%y", CONV("c", "x", "6") ADD("y", "c", "x")), 0);
    check(MAIN("%z", CONV("c", "x", "7") ADD("y", "c", "x") ADD("z", "y", "c")), 0);
    check(MAIN("%y, %c", CONV("c", "x", "7") ADD("y", "c", "x")), 0);
    check(MAIN("%y", CONV("c", "x", "7") ADD("y", "c", "c")), 0);
    check(MAIN("%y", ADD("y", "x", "x")), 0);
    /* a sum that is broadcast */
    check(CONSTANTS "func @f main (%x: i8[1, 2, 3, 3], %r: i8[1, 2, 1, 1]) -> (%y) {\n  const %w: "
                    "i8[2, 2, 1, 1] = #0\n" CONV("c", "x", "7") ADD("y", "c", "r") "}\n",
          0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fused),
                                       cmocka_unit_test(test_two_products),
                                       cmocka_unit_test(test_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
