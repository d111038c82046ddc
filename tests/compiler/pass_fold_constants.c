/*
 * pass_fold_constants.c -- what folds, what must not, and that folding changes no bit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pass_test.h"

/* 1.5, -2.25, NaN, infinity, the smallest subnormal, -0: and 3, 0.1 beside */
#define CONSTANTS                                                                 \
    "const #0 = f32[2, 3] hex 0000c03f000010c00000c07f0000807f0100000000000080\n" \
    "const #1 = f32[3] hex 00004040cdcccc3d0000803f\n"                            \
    "const #2 = i64[2] hex 03000000000000000200000000000000\n"                    \
    "const #3 = i8[4] hex 807f0503\n"                                             \
    "const #4 = i8[] hex fd\n"                                                    \
    "const #5 = f32[] hex cdcccc3d\n"                                             \
    "const #6 = i64[1] hex 0100000000000000\n"

/* One operator over constants, then Identity of it plus nothing: the reference computes what
 * folding leaves as a constant. */
static void test_operators(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "%y: ? = Add(%a, %b)",
        "%y: ? = Mul(%a, %b)",
        "%y: ? = Div(%a, %b)",
        "%y: ? = Sub(%b, %a)",
        "%y: ? = Relu(%a)",
        "%y: ? = Sigmoid(%b)",
        "%y: ? = Tanh(%b)",
        "%y: ? = Softmax(%a) {axis = 1}",
        "%y: ? = Transpose(%a) {perm = ints[1, 0]}",
        "%y: ? = Reshape(%a, %s)",
        "%y: ? = Concat(%a, %a) {axis = 0}",
        "%y: ? = Gather(%a, %i) {axis = 0}",
        "%y: ? = DequantizeLinear(%q, %k, %z)",
        "%y: ? = QuantizeLinear(%b, %k, %z)",
        "%y: ? = Cast(%b) {to = 6}",
        "%y: ? = ConstantOfShape(%s)",
        "%y: ? = Unsqueeze(%b, %i)",
        "%y: ? = MatMul(%a, %b)",
        "%y: ? = Shape(%a)",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char body[1024];
        snprintf(body, sizeof body,
                 CONSTANTS "func @f main () -> (%%z1) {\n  const %%a: f32[2, 3] = #0\n  const %%b: "
                           "f32[3] = #1\n  const %%s: i64[2] = #2\n"
                           "  const %%q: i8[4] = #3\n  const %%z: i8[] = #4\n  const %%k: f32[] = "
                           "#5\n  const %%i: i64[1] = #6\n"
                           "  %s\n  %%z1: ? = Identity(%%y)\n}\n",
                 bodies[i]);
        pass_case c = pass_parse(body);
        pass_keeps_bits(&c, pass_fold_constants);
        if (pass_count(&c, -1) != 0) {
            fail_msg("not folded: %s", bodies[i]);
        }
        pass_drop(&c);
    }
}

/* Sizes that are known vanish with all that is computed from them; the Reshape stays. */
static void test_shapes(void **state)
{
    (void)state;
    pass_case c = pass_parse("const #0 = i64[] hex 0000000000000000\n"
                             "const #1 = i64[1] hex 0000000000000000\n"
                             "const #2 = i64[1] hex ffffffffffffffff\n"
                             "func @f main (%x: f32[2, 3, 4]) -> (%y) {\n"
                             "  const %zero: i64[] = #0\n"
                             "  const %axis: i64[1] = #1\n"
                             "  const %rest: i64[1] = #2\n"
                             "  %shape: ? = Shape(%x)\n"
                             "  %n: ? = Gather(%shape, %zero)\n"
                             "  %n1: ? = Unsqueeze(%n, %axis)\n"
                             "  %to: ? = Concat(%n1, %rest) {axis = 0}\n"
                             "  %y: ? = Reshape(%x, %to)\n"
                             "}\n");
    pass_keeps_bits(&c, pass_fold_constants);
    assert_int_equal(pass_count(&c, -1), 1);
    assert_int_equal(pass_count(&c, IR_OP_RESHAPE), 1);
    pass_drop(&c);
    c = pass_parse("func @f main (%x: f32[N, 3]) -> (%y) {\n  %y: ? = Shape(%x)\n}\n");
    pass_apply(&c, pass_fold_constants);
    assert_int_equal(pass_count(&c, -1), 1); /* N is the caller's */
    pass_drop(&c);
}

/* What the caller may feed, what a run changes, and what would only fill memory stays. */
static void test_kept(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "const #0 = f32[1] hex 0000803f\nfunc @f main () -> (%y) {\n  const %a: f32[1] = #0 "
        "feedable\n  %y: ? = Relu(%a)\n}\n",
        "const #0 = i64[2] hex 00080000000000000008000000000000\nfunc @f main () -> (%y) {\n  "
        "const %s: i64[2] = #0\n  %y: ? = ConstantOfShape(%s)\n}\n",
        "func @f main (%x: f32[2]) -> (%y) {\n  %y: ? = Relu(%x)\n}\n",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        pass_case c = pass_parse(bodies[i]);
        pass_apply(&c, pass_fold_constants);
        assert_int_equal(pass_count(&c, -1), 1);
        pass_drop(&c);
    }
}

/* A kernel that refuses (Gather beyond the end) leaves its operator: the run says so, not the
 * compiler. */
static void test_refused(void **state)
{
    (void)state;
    pass_case c = pass_parse(
        "const #0 = f32[1] hex 0000803f\nconst #1 = i64[1] hex 0500000000000000\n"
        "func @f main () -> (%y) {\n  const %a: f32[1] = #0\n  const %i: i64[1] = #1\n  %y: ? = "
        "Gather(%a, %i)\n}\n");
    pass_apply(&c, pass_fold_constants);
    assert_int_equal(pass_count(&c, -1), 1);
    pass_drop(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_operators),
                                       cmocka_unit_test(test_shapes), cmocka_unit_test(test_kept),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
