/*
 * mixed.c -- whole models whose graphs are unusual: device and host in turns, values that several
 * sides use, several outputs, views at the edges. The simulator's outputs are the reference's, bit
 * for bit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 120
#include "test.h"

#include <unistd.h>

#include "onnx_write.h"
#include "systole/base/rng.h"
#include "systole/systole.h"

#define MAX_BYTES 65536
#define MAX_OUT   4

static uint64_t draw;

static uint8_t random_byte(void)
{
    return (uint8_t)base_rng_u64(20261120, 9, draw++);
}

/* ---------------------------------------------------------------- pieces of models */

/* A graph whose int8 tensors all have scale "s" and zero point "z". */
static base_buf begin(void)
{
    base_buf g = {0};
    ow_text(&g, 2, "g");
    ow_add_f32(&g, "s", 0.05f);
    ow_add_i8(&g, "z", 3);
    ow_add_f32(&g, "ws", 0.004f);
    ow_add_i8(&g, "wz", 0);
    return g;
}

static void add_input(base_buf *g, const char *name, int64_t n, int64_t c, int64_t h, int64_t w)
{
    ow_add_input(g, name, SY_DT_I8, 4, (const int64_t[4]){n, c, h, w});
}

/* y = conv(x), k x k with `pad` on all sides; its weights are named after y. */
static void add_conv(base_buf *g, const char *x, const char *y, int64_t cin, int64_t cout,
                     int64_t k, int64_t pad)
{
    char text[128], weights[64];
    uint8_t data[4096];
    const size_t n = (size_t)(cin * cout * k * k);
    assert_true(n <= sizeof data);
    for (size_t i = 0; i < n; i++) {
        data[i] = random_byte();
    }
    snprintf(weights, sizeof weights, "%s_w", y);
    ow_add_const(g, weights, SY_DT_I8, 4, (const int64_t[4]){cout, cin, k, k}, data, n);
    snprintf(text, sizeof text, "%s s z %s ws wz s z", x, weights);
    base_buf node = ow_node("QLinearConv", text, y);
    ow_attr_ints(&node, "pads", 4, (const int64_t[4]){pad, pad, pad, pad});
    ow_add_node(g, node);
}

static void add_sum(base_buf *g, const char *a, const char *b, const char *y)
{
    char text[128];
    snprintf(text, sizeof text, "%s s z %s s z s z", a, b);
    base_buf node = ow_node("QLinearAdd", text, y);
    ow_text(&node, 7, "com.microsoft");
    ow_add_node(g, node);
}

/* Rows and columns change places: work for the host. */
static void add_host(base_buf *g, const char *x, const char *y)
{
    base_buf node = ow_node("Transpose", x, y);
    ow_attr_ints(&node, "perm", 4, (const int64_t[4]){0, 1, 3, 2});
    ow_add_node(g, node);
}

static void add_flatten(base_buf *g, const char *x, const char *y, int64_t axis)
{
    base_buf node = ow_node("Flatten", x, y);
    ow_attr_int(&node, "axis", axis);
    ow_add_node(g, node);
}

/* y = x * weights [k, n] */
static void add_product(base_buf *g, const char *x, const char *y, int64_t k, int64_t n)
{
    char text[128], weights[64];
    uint8_t data[4096];
    assert_true((size_t)(k * n) <= sizeof data);
    for (int64_t i = 0; i < k * n; i++) {
        data[i] = random_byte();
    }
    snprintf(weights, sizeof weights, "%s_w", y);
    ow_add_const(g, weights, SY_DT_I8, 2, (const int64_t[2]){k, n}, data, (size_t)(k * n));
    snprintf(text, sizeof text, "%s s z %s ws wz s z", x, weights);
    ow_add_node(g, ow_node("QLinearMatMul", text, y));
}

static base_buf finish(base_buf g, const char *outputs)
{
    char text[128];
    base_buf m = {0}, own = {0}, microsoft = {0};
    snprintf(text, sizeof text, "%s", outputs);
    for (char *p = strtok(text, " "); p != NULL; p = strtok(NULL, " ")) {
        ow_add_output(&g, p, SY_DT_I8);
    }
    ow_int(&m, 1, 8);
    ow_int(&own, 2, 17);
    ow_message(&m, 8, own);
    ow_text(&microsoft, 1, "com.microsoft");
    ow_int(&microsoft, 2, 1);
    ow_message(&m, 8, microsoft);
    ow_message(&m, 7, g);
    return m;
}

/* ---------------------------------------------------------------- runs */

typedef struct outcome {
    uint32_t n;
    size_t bytes[MAX_OUT];
    uint8_t data[MAX_OUT][MAX_BYTES];
} outcome;

/* The model on a device; inputs are functions of their number alone. */
static void run(const char *path, sy_device device, const char *config, outcome *out)
{
    static uint8_t buffers[MAX_OUT][MAX_BYTES];
    sy_model *model;
    sy_session *session;
    sy_message why = {.text = ""};
    sy_tensor in[MAX_OUT], results[MAX_OUT];
    const sy_session_options options = {
        .struct_size = sizeof options, .device = device, .config = config, .reference = true};
    if (sy_model_load(path, NULL, &model, &why) != SY_OK ||
        sy_session_create(model, &options, &session, &why) != SY_OK) {
        fail_msg("%s", why.text);
    }
    if (sy_session_device(session) != device) {
        fail_msg("nothing runs on the simulator: %s", sy_session_note(session));
    }
    const uint32_t n_inputs = sy_model_n_inputs(model);
    for (uint32_t i = 0; i < n_inputs; i++) {
        sy_io io;
        assert_ok(sy_model_input(model, i, &io));
        for (uint32_t k = 0; k < MAX_BYTES; k++) {
            buffers[i][k] = (uint8_t)base_rng_u64(5, i, k);
        }
        assert_ok(sy_tensor_init(&in[i], SY_DT_I8, io.rank, io.dims, buffers[i]));
    }
    out->n = sy_model_n_outputs(model);
    assert_true(out->n <= MAX_OUT);
    memset(results, 0, sizeof results);
    for (uint32_t i = 0; i < out->n; i++) {
        results[i].data = out->data[i];
        results[i].size_bytes = MAX_BYTES;
    }
    if (sy_session_run(session, in, n_inputs, results, out->n, NULL, &why) != SY_OK) {
        fail_msg("%s", why.text);
    }
    for (uint32_t i = 0; i < out->n; i++) {
        out->bytes[i] = results[i].size_bytes;
    }
    sy_session_free(session);
    sy_model_free(model);
}

/* Takes the model. */
static void check(base_buf model, const char *what)
{
    static const char *const configs[2] = {"tiny", "edge"};
    static outcome want, got;
    char path[] = "/tmp/systole-mixed-XXXXXX";
    const int fd = mkstemp(path);
    assert_ok(base_buf_status(&model));
    assert_true(fd >= 0);
    assert_int_equal(write(fd, model.data, model.n_bytes), (ssize_t)model.n_bytes);
    close(fd);
    base_buf_free(&model);
    run(path, SY_DEVICE_CPU, NULL, &want);
    for (int i = 0; i < 2 && SY_HAVE_LLVM; i++) {
        run(path, SY_DEVICE_SIM, configs[i], &got);
        for (uint32_t k = 0; k < want.n; k++) {
            assert_int_equal(got.bytes[k], want.bytes[k]);
            if (memcmp(got.data[k], want.data[k], want.bytes[k]) != 0) {
                fail_msg("%s on %s: output %u differs from the reference", what, configs[i], k);
            }
        }
    }
    unlink(path);
}

/* ---------------------------------------------------------------- graphs */

static void test_turns(void **state)
{
    (void)state;
    base_buf g = begin();
    add_input(&g, "x", 2, 5, 6, 6);
    add_conv(&g, "x", "a", 5, 7, 3, 1);
    add_host(&g, "a", "b");
    add_conv(&g, "b", "c", 7, 7, 3, 1);
    add_host(&g, "c", "d");
    add_sum(&g, "c", "d", "e");
    check(finish(g, "e"), "device, host, device, host, device");

    g = begin();
    add_input(&g, "x", 1, 6, 5, 5);
    add_conv(&g, "x", "a", 6, 6, 3, 1);
    add_host(&g, "x", "r");
    add_sum(&g, "a", "r", "y");
    check(finish(g, "y"), "a residual that the host makes before");

    g = begin();
    add_input(&g, "x", 1, 6, 5, 5);
    add_conv(&g, "x", "a", 6, 6, 3, 1);
    add_host(&g, "a", "r");
    add_conv(&g, "a", "b", 6, 6, 1, 0);
    add_sum(&g, "b", "r", "y");
    check(finish(g, "y"), "a residual that the host makes of an earlier layer");
}

static void test_outputs(void **state)
{
    (void)state;
    base_buf g = begin();
    add_input(&g, "x", 1, 4, 6, 6);
    add_conv(&g, "x", "a", 4, 9, 3, 1);
    add_conv(&g, "a", "b", 9, 4, 3, 1);
    add_sum(&g, "b", "x", "c");
    check(finish(g, "x a b c"), "input and inner values are outputs");

    g = begin();
    add_input(&g, "x", 2, 4, 3, 3);
    add_conv(&g, "x", "a", 4, 9, 3, 1);
    add_flatten(&g, "a", "f", 1);
    add_product(&g, "f", "p", 81, 10);
    add_flatten(&g, "x", "g", 1);
    check(finish(g, "f p g a"), "views are outputs, of a layer and of the input");

    g = begin();
    add_input(&g, "x", 1, 4, 5, 5);
    add_conv(&g, "x", "a", 4, 4, 3, 1);
    add_conv(&g, "x", "unused", 4, 4, 3, 1);
    ow_add_node(&g, ow_node("Identity", "a", "b"));
    check(finish(g, "a b"), "one value is two outputs, another is none");

    g = begin();
    add_input(&g, "x", 1, 4, 5, 5);
    add_input(&g, "idle", 1, 2, 2, 2);
    add_conv(&g, "x", "a", 4, 4, 3, 1);
    const int8_t seven = 7;
    ow_add_const(&g, "k", SY_DT_I8, 0, NULL, &seven, 1);
    check(finish(g, "k a"), "a constant is an output, an input is idle");
}

/* First layers of few channels, whose windows LD gathers if nobody else reads the image. */
static void test_images(void **state)
{
    (void)state;
    base_buf g = begin();
    add_input(&g, "x", 2, 1, 12, 12);
    add_conv(&g, "x", "a", 1, 20, 5, 2);
    check(finish(g, "a"), "a packed image");

    g = begin();
    add_input(&g, "x", 2, 1, 12, 12);
    add_conv(&g, "x", "a", 1, 20, 5, 2);
    check(finish(g, "a x"), "and it is an output");

    g = begin();
    add_input(&g, "x", 2, 1, 12, 12);
    add_conv(&g, "x", "a", 1, 20, 5, 2);
    add_host(&g, "x", "t");
    check(finish(g, "a t"), "and the host reads it");

    g = begin();
    add_input(&g, "x", 2, 1, 12, 12);
    add_host(&g, "x", "t");
    add_conv(&g, "t", "a", 1, 20, 5, 2);
    add_conv(&g, "x", "b", 1, 20, 5, 2);
    add_conv(&g, "x", "c", 1, 20, 1, 0);
    add_sum(&g, "a", "b", "d");
    add_sum(&g, "d", "c", "e");
    check(finish(g, "e"), "two of three convolutions share it, one has the host's");

    g = begin();
    add_input(&g, "x", 1, 1, 12, 12);
    add_conv(&g, "x", "a", 1, 1, 7, 3);
    add_sum(&g, "a", "x", "y");
    check(finish(g, "y"), "and it is the residual");
}

static void test_views(void **state)
{
    (void)state;
    static const int64_t axes[4] = {0, 2, 3, -2};
    for (int i = 0; i < 4; i++) {
        base_buf g = begin();
        add_input(&g, "x", 2, 3, 4, 5);
        add_conv(&g, "x", "a", 3, 3, 3, 1);
        add_flatten(&g, "a", "f", axes[i]);
        check(finish(g, "f"), "Flatten at another axis");
    }
    base_buf g = begin();
    add_input(&g, "x", 3, 2, 4, 3);
    add_conv(&g, "x", "a", 2, 5, 3, 1);
    add_flatten(&g, "a", "f", 1);
    add_product(&g, "f", "p", 60, 8);
    add_sum(&g, "f", "f", "q");
    check(finish(g, "p q"), "a flattened image has another user");

    g = begin();
    add_input(&g, "x", 3, 6, 1, 1);
    add_conv(&g, "x", "a", 6, 20, 1, 0);
    add_flatten(&g, "a", "f", 1);
    add_product(&g, "f", "p", 20, 9);
    add_sum(&g, "p", "p", "q");
    check(finish(g, "q"), "images of one pixel");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_views),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
