/*
 * bf16_nets.c -- small bf16 networks from the compiler, simulator and Verilog in lockstep from the first cycle to the last; and the
 * reference's bits come out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 900
#include "bf16_nets.h"

static void lockstep(base_buf net, const char *what)
{
    char path[] = "/tmp/systole-bf16-XXXXXX";
    const int fd = mkstemp(path);
    base_diag diag = {0};
    rt_model *model = NULL;
    bn_result want, got;
    const isa_config config = bn_config(4);
    const cc_options plain = {0};
    rt_session_options options = {.device = RT_DEVICE_CPU, .config = &config, .reference = true, .n_threads = 1};
    assert_ok(base_buf_status(&net));
    assert_true(fd >= 0 && write(fd, net.data, net.n_bytes) == (ssize_t)net.n_bytes);
    close(fd);
    base_buf_free(&net);
    assert_ok(rt_model_load(path, NULL, &model, &diag));
    assert_ok(rt_model_compile(model, &config, &plain, &diag));
    assert_true(bn_run(model, &options, 0, what, &want));
    options.device = RT_DEVICE_SIM;
    options.lockstep = true;
    options.stall_seed = 3;
    options.stall_max = 7;
    assert_true(bn_run(model, &options, 0, what, &got)); /* SY_EMISMATCH if they differ anywhere */
    assert_true(bn_equal(&want, &got, what));
    bn_free(&got);
    bn_free(&want);
    rt_model_free(model);
    unlink(path);
}

static void test_transformer(void **state)
{
    (void)state;
    lockstep(bn_block(1, 6, 8, 2), "a transformer block");
    lockstep(bn_masked(1, 7, 8, 2, BN_MASK_WHERE), "attention with a mask");
    lockstep(bn_gelu(3, 5, 5), "Gelu in its tanh form");
}

static void test_images(void **state)
{
    (void)state;
    lockstep(bn_mobile(1, 7, 3, 5), "a small MobileNet");
    lockstep(bn_means(), "means");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_transformer), cmocka_unit_test(test_images)};
    if (!SY_HAVE_LLVM || !SY_HAVE_VERILATOR) {
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
