/*
 * pass_tables.c -- which operators go into a table, which tables into the product before them; no rounding goes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pass_test.h"

#define TABLE(result, x)                                                        \
    "  %" result ": i8[1, 2, 3, 3] = systole::QTable(%" x                       \
    ", %t) {x_scale = 0.100000001, x_zero = 7, y_scale = 0.0199999996, y_zero " \
    "= -3, y_min = -100}\n"
#define BINARY(op, result, a, b)                                                                        \
    "  %" result ": i8[1, 2, 3, 3] = systole::" op "(%" a ", %" b                                       \
    ") {a_scale = 0.100000001, a_zero = 7, b_scale = 0.0199999996, b_zero = -3, y_scale = 0.119999997, y_zero = -9, " \
    "y_max = 90}\n"
#define CONV(result, x)                                                                                 \
    "  %" result ": i8[1, 2, 3, 3] = systole::QConv(%" x                                                \
    ", %w) {x_scale = 0.0500000007, x_zero = 3, w_scale = floats[0.00999999978], y_scale = 0.100000001, y_zero = 7}\n"

/* The text of a graph with a table %t of no order, a number %one and a constant row %row. */
static pass_case graph(const char *inputs, const char *outputs, const char *body)
{
    char text[4096], hex[513];
    for (int i = 0; i < 256; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", (unsigned)(i * 73 + 5) & 255u);
    }
    (void)snprintf(text, sizeof text,
                   "const #0 = i8[2, 2, 1, 1] hex 7f8105f3\nconst #1 = i8[256] hex %s\nconst #2 = i8[] hex 11\n"
                   "const #3 = i8[3] hex 010203\n"
                   "func @f main (%s) -> (%s) {\n  const %%w: i8[2, 2, 1, 1] = #0\n  const %%t: i8[256] = #1\n"
                   "  const %%one: i8[] = #2\n  const %%row: i8[3] = #3\n%s}\n",
                   hex, inputs, outputs, body);
    return pass_parse(text);
}

static void check_fold(const char *inputs, const char *outputs, const char *body, uint32_t tables, uint32_t nodes)
{
    pass_case c = graph(inputs, outputs, body);
    pass_keeps_bits(&c, pass_fold_tables);
    pass_keeps_bits(&c, pass_remove_dead);
    assert_int_equal(pass_count(&c, IR_OP_QTABLE), tables);
    assert_int_equal(c.m->main->n_nodes, nodes);
    pass_drop(&c);
}

static void test_folded(void **state)
{
    (void)state;
    const char *const x = "%x: i8[1, 2, 3, 3]";
    check_fold(x, "%y", TABLE("a", "x") BINARY("QMul", "y", "x", "a"), 1, 1);
    check_fold(x, "%y", TABLE("a", "x") BINARY("QAdd", "y", "a", "x"), 1, 1);
    check_fold(x, "%y", TABLE("a", "x") BINARY("QSub", "y", "a", "a"), 1, 1);
    check_fold(x, "%y", TABLE("a", "x") BINARY("QSub", "y", "one", "a"), 1, 1);
    check_fold(x, "%y", TABLE("a", "x") TABLE("b", "a") TABLE("y", "b"), 1, 1);
    check_fold(x, "%y", TABLE("a", "x") "  %b: i8[1, 2, 3, 3] = Clip(%a, %one)\n  %y: i8[1, 2, 3, 3] = Relu(%b)\n", 1, 1);
    check_fold(x, "%y, %a", TABLE("a", "x") BINARY("QMul", "y", "x", "a"), 2, 2); /* used besides: two tables */
}

static void test_kept(void **state)
{
    (void)state;
    const char *const two = "%x: i8[1, 2, 3, 3], %z: i8[1, 2, 3, 3]";
    check_fold(two, "%y", TABLE("a", "x") BINARY("QMul", "y", "z", "a"), 1, 2);
    check_fold(two, "%y", TABLE("a", "x") TABLE("b", "z") BINARY("QMul", "y", "a", "b"), 2, 3);
    check_fold(two, "%y", TABLE("a", "x") BINARY("QMul", "y", "a", "row"), 1, 2);
    check_fold(two, "%y", BINARY("QMul", "y", "x", "x"), 0, 1);
}

static void check_fuse(const char *outputs, const char *body, uint32_t fused)
{
    pass_case c = graph("%x: i8[1, 2, 3, 3]", outputs, body);
    pass_keeps_bits(&c, pass_fuse_table);
    assert_int_equal(pass_count(&c, IR_OP_FUSED), fused);
    pass_drop(&c);
}

static void test_fused(void **state)
{
    (void)state;
    check_fuse("%y", CONV("c", "x") TABLE("y", "c"), 1);
    check_fuse("%y", CONV("c", "x") TABLE("a", "c") CONV("d", "a") TABLE("y", "d"), 2);
    check_fuse("%y, %c", CONV("c", "x") TABLE("y", "c"), 0); /* given out besides */
    check_fuse("%y", CONV("c", "x") TABLE("a", "c") BINARY("QMul", "y", "c", "a"), 0);
    check_fuse("%y", TABLE("y", "x"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_folded), cmocka_unit_test(test_kept),
                                       cmocka_unit_test(test_fused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
