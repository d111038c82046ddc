/*
 * bf16.c -- float networks on bf16 machines: every operator that the machine has runs there, the simulator gives the reference's
 * bits, and what the compiler made is clean under every check, whatever the memories held before.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 300
#include "bf16_nets.h"

/* All networks of a test are tried before it fails. */
static void all_good(void)
{
    const int bad = bn_bad;
    bn_bad = 0;
    assert_int_equal(bad, 0);
}

/* ---------------------------------------------------------------- attention */

static void test_heads(void **state)
{
    (void)state;
    check(bn_head(32, 32, 16), "a head", "Unsqueeze");
    check(bn_head(33, 47, 16), "a head with odd lengths", "Unsqueeze");
    check_from(8, bn_head(128, 128, 64), "a head of 128 x 64", "Unsqueeze"); /* its keys and values are too large for D = 4 */
    check(bn_head(1, 5, 16), "one query", "Unsqueeze");
    check(bn_heads(2, 16, 16, 32, 2, BN_SCALE_DIV), "two heads, a batch of two", NULL);
    check(bn_heads(1, 19, 19, 64, 4, BN_SCALE_MUL), "four heads, keys that are no multiple of D", NULL);
    check(bn_heads(1, 12, 21, 48, 3, BN_SCALE_ON_BOTH), "cross attention, scales on q and k", NULL);
    all_good();
}

static void test_masks(void **state)
{
    (void)state;
    for (int mask = 0; mask < BN_MASKS; mask++) {
        char what[64];
        snprintf(what, sizeof what, "attention with a mask of kind %d", mask);
        check(bn_masked(2, 32, 32, 2, (bn_mask)mask), what, "Reshape");
        check(bn_masked(1, 21, 16, 1, (bn_mask)mask), what, "Reshape");
    }
    all_good();
}

static void test_block(void **state)
{
    (void)state;
    check(bn_block(1, 24, 32, 2), "a transformer block", NULL);
    check(bn_joined(2, 16, 32, 2), "queries, keys and values of one product, a mask of ones and zeros", "Unsqueeze");
    check_sized(4, bn_native(), "a network in bf16, batch of three", NULL, "n=3");
    check(bn_block(2, 16, 64, 4), "a transformer block, batch of two", NULL);
    all_good();
}

/* ---------------------------------------------------------------- norms and functions */

static void test_norms(void **state)
{
    (void)state;
    for (int form = 0; form < BN_NORM_FORMS; form++) {
        char what[64];
        snprintf(what, sizeof what, "layer normalisation, form %d", form);
        check(bn_norm(3, 13, form % 2 ? 24 : 37, form), what, NULL);
    }
    check(bn_softmax(7, 50), "softmax of 50", NULL);
    check(bn_softmax(40, 16), "softmax of 16", NULL);
    check(bn_softmax(1, 3), "softmax of 3", NULL);
    all_good();
}

static void test_functions(void **state)
{
    (void)state;
    for (int form = 0; form < BN_GELU_FORMS; form++) {
        char what[64];
        snprintf(what, sizeof what, "Gelu, form %d", form);
        check(bn_gelu(11, 21, form), what, NULL);
    }
    static const char *const names[] = {"Sigmoid", "Tanh", "Erf", "Exp", "Sqrt", "Abs", "Relu", "LeakyRelu", "HardSigmoid", "HardSwish", "Neg"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        check(bn_function(names[i], 5, 13, false), names[i], NULL);
        check(bn_function(names[i], 5, 13, true), names[i], NULL);
    }
    check(bn_silu(9, 10), "SiLU", NULL);
    check(bn_clip(9, 10), "Clip", NULL);
    check(bn_binary("Add"), "Add", NULL);
    check(bn_binary("Sub"), "Sub", NULL);
    check(bn_binary("Mul"), "Mul", NULL);
    all_good();
}

/* ---------------------------------------------------------------- convolutions */

static void test_images(void **state)
{
    (void)state;
    check(bn_mobile(1, 16, 3, 13), "a small MobileNet", NULL);
    check(bn_mobile(2, 15, 5, 8), "a small MobileNet, batch of two", NULL);
    check(bn_pools(), "pools and channels joined", NULL);
    check(bn_means(), "means and Gemm", NULL);
    check(bn_flat(), "an image that becomes a vector", NULL);
    all_good();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads), cmocka_unit_test(test_masks), cmocka_unit_test(test_block),  cmocka_unit_test(test_norms),
        cmocka_unit_test(test_functions), cmocka_unit_test(test_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
