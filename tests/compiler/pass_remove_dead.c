/*
 * pass_remove_dead.c -- operators and constants without users go, in a row; what a region or the
 * caller uses stays.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pass_test.h"

static void test_removed(void **state)
{
    (void)state;
    pass_case c = pass_parse("const #0 = f32[] hex 0000003f\n"
                             "func @f main (%x: f32[4], %idle: f32[4]) -> (%y) {\n"
                             "  const %half: f32[] = #0\n"
                             "  %a: f32[4] = Mul(%x, %half)\n"
                             "  %b: f32[4] = Relu(%a)\n"
                             "  %c: f32[4] = Tanh(%b)\n"
                             "  %y: f32[4] = Relu(%x)\n"
                             "}\n");
    pass_keeps_bits(&c, pass_remove_dead);
    pass_expect(&c,
                "func @f main (%x: f32[4], %idle: f32[4]) -> (%y) {\n  %y: f32[4] = Relu(%x)\n}\n");
    pass_drop(&c);
}

static void test_kept(void **state)
{
    (void)state;
    static const char body[] =
        "func @f main (%x: f32[4], %flag: bool[]) -> (%y, %x as \"same\") {\n"
        "  %a: f32[4] = Tanh(%x)\n"
        "  %y: f32[4] = If(%flag) {then_branch = graph () -> (%m) {\n"
        "    %m: f32[4] = Abs(%a)\n"
        "  }, else_branch = graph () -> (%n) {\n"
        "    %n: f32[4] = Neg(%x)\n"
        "  }}\n"
        "}\n";
    pass_case c = pass_parse(body);
    char *before, *after;
    size_t n;
    assert_ok(ir_print(c.m, NULL, c.arena, &c.diag, &before, &n));
    pass_apply(&c, pass_remove_dead);
    assert_ok(ir_print(c.m, NULL, c.arena, &c.diag, &after, &n));
    assert_string_equal(after, before);
    pass_drop(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_removed), cmocka_unit_test(test_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
