/*
 * networks.c -- whole networks of the usual sizes, from their first to their last cycle on Verilog and simulator: a ResNet-50 and a
 * MobileNetV2 of random int8 weights for 224 x 224 images on `edge`, about 16 and 2 million cycles.
 *
 *     ctest -L slow -R networks; `networks resnet50 FILE` and `networks mobilenetv2 FILE` write the models
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// label: slow
// timeout: 3600
#include "test.h"

#include <math.h>
#include <unistd.h>

#include "onnx_write.h"
#include "systole/base/file.h"
#include "systole/base/rng.h"
#include "systole/rt/buffer.h"
#include "systole/rt/cosim.h"
#include "systole/rt/session.h"
#include "systole/rt/tensors.h"

typedef struct net {
    base_buf graph;
    base_rng rng;
    unsigned n;      /* names so far */
    char at[16];     /* the newest value */
    int64_t c, size; /* its channels, and its height and width */
} net;

static void name_next(net *n)
{
    (void)snprintf(n->at, sizeof n->at, "v%u", n->n++);
}

static void random_const(net *n, const char *name, int rank, const int64_t *dims)
{
    int64_t bytes = 1;
    for (int i = 0; i < rank; i++) {
        bytes *= dims[i];
    }
    int8_t *data = malloc((size_t)bytes);
    assert_non_null(data);
    for (int64_t i = 0; i < bytes; i++) {
        data[i] = (int8_t)base_rng_range(&n->rng, -127, 127);
    }
    ow_add_const(&n->graph, name, SY_DT_I8, rank, dims, data, (size_t)bytes);
    free(data);
}

/* QLinearConv from n->at, activation scale 1; results lie around the middle of int8, or, with relu, from -128 on. */
static void conv(net *n, int64_t filters, int64_t kernel, int64_t stride, int64_t group, bool relu)
{
    char w[16], scale[16], inputs[128], from[16];
    const int64_t dims[4] = {filters, n->c / group, kernel, kernel}, pad = kernel / 2;
    const int64_t pads[4] = {pad, pad, pad, pad}, strides[2] = {stride, stride};
    (void)snprintf(w, sizeof w, "w%u", n->n);
    (void)snprintf(scale, sizeof scale, "s%u", n->n);
    memcpy(from, n->at, sizeof from);
    random_const(n, w, 4, dims);
    ow_add_f32(&n->graph, scale, 73.0F * sqrtf((float)(n->c / group * kernel * kernel)));
    name_next(n);
    (void)snprintf(inputs, sizeof inputs, "%s one zero %s one zero %s %s", from, w, scale, relu ? "low" : "zero");
    base_buf node = ow_node("QLinearConv", inputs, n->at);
    ow_attr_ints(&node, "pads", 4, pads);
    ow_attr_ints(&node, "strides", 2, strides);
    ow_attr_int(&node, "group", group);
    ow_add_node(&n->graph, node);
    /* the next layer reads it with scale 1 and zero point 0: a requantisation by name alone, which keeps the bytes */
    n->c = filters;
    n->size = (n->size + stride - 1) / stride;
}

/* An operator on floats between DequantizeLinear and QuantizeLinear, all of scale 1. */
static void quantised(net *n, const char *op, const char *a, const char *b)
{
    char x[24], y[24], z[24], inputs[64];
    (void)snprintf(x, sizeof x, "%s.f%u", a, n->n);
    (void)snprintf(z, sizeof z, "r%u", n->n);
    (void)snprintf(inputs, sizeof inputs, "%s one zero", a);
    ow_add_node(&n->graph, ow_node("DequantizeLinear", inputs, x));
    if (b != NULL) {
        (void)snprintf(y, sizeof y, "%s.g%u", b, n->n);
        (void)snprintf(inputs, sizeof inputs, "%s one zero", b);
        ow_add_node(&n->graph, ow_node("DequantizeLinear", inputs, y));
        (void)snprintf(inputs, sizeof inputs, "%s %s", x, y);
    } else {
        (void)snprintf(inputs, sizeof inputs, "%s", x);
    }
    ow_add_node(&n->graph, ow_node(op, inputs, z));
    name_next(n);
    (void)snprintf(inputs, sizeof inputs, "%s one zero", z);
    ow_add_node(&n->graph, ow_node("QuantizeLinear", inputs, n->at));
}

static void add(net *n, const char *other)
{
    char a[16];
    memcpy(a, n->at, sizeof a);
    quantised(n, "Add", a, other);
}

static net begin(void)
{
    static const int64_t image[4] = {1, 3, 224, 224};
    net n = {.rng = base_rng_make(7, 1), .at = "x", .c = 3, .size = 224};
    ow_text(&n.graph, 2, "network");
    ow_add_input(&n.graph, "x", SY_DT_I8, 4, image);
    ow_add_f32(&n.graph, "one", 1.0F);
    ow_add_i8(&n.graph, "zero", 0);
    ow_add_i8(&n.graph, "low", -64);
    return n;
}

static void finish(net *n, const char *path)
{
    char from[16], inputs[64];
    memcpy(from, n->at, sizeof from);
    quantised(n, "GlobalAveragePool", from, NULL);
    memcpy(from, n->at, sizeof from);
    name_next(n);
    ow_add_node(&n->graph, ow_node("Flatten", from, n->at));
    memcpy(from, n->at, sizeof from);
    random_const(n, "fc", 2, (const int64_t[2]){n->c, 1000});
    ow_add_f32(&n->graph, "fc_scale", 73.0F * sqrtf((float)n->c));
    (void)snprintf(inputs, sizeof inputs, "%s one zero fc one zero fc_scale zero", from);
    ow_add_node(&n->graph, ow_node("QLinearMatMul", inputs, "y"));
    ow_add_output(&n->graph, "y", SY_DT_I8);
    base_buf model = ow_model(n->graph, 13);
    base_diag diag = {0};
    assert_ok(base_file_write_atomic(&diag, path, model.data, model.n_bytes));
    base_buf_free(&model);
}

static void write_resnet50(const char *path)
{
    static const struct {
        int64_t width, blocks;
    } stages[] = {{64, 3}, {128, 4}, {256, 6}, {512, 3}};
    net n = begin();
    conv(&n, 64, 7, 2, 1, true);
    char from[16], left[16], inputs[16];
    (void)snprintf(inputs, sizeof inputs, "%s", n.at);
    name_next(&n);
    base_buf pool = ow_node("MaxPool", inputs, n.at);
    ow_attr_ints(&pool, "kernel_shape", 2, (const int64_t[2]){3, 3});
    ow_attr_ints(&pool, "strides", 2, (const int64_t[2]){2, 2});
    ow_attr_ints(&pool, "pads", 4, (const int64_t[4]){1, 1, 1, 1});
    ow_add_node(&n.graph, pool);
    n.size /= 2;
    for (size_t s = 0; s < sizeof stages / sizeof stages[0]; s++) {
        for (int64_t b = 0; b < stages[s].blocks; b++) {
            const int64_t c = n.c, size = n.size, stride = b == 0 && s > 0 ? 2 : 1;
            memcpy(from, n.at, sizeof from);
            memcpy(left, n.at, sizeof left);
            if (b == 0) {
                conv(&n, 4 * stages[s].width, 1, stride, 1, false);
                memcpy(left, n.at, sizeof left);
            }
            memcpy(n.at, from, sizeof n.at);
            n.c = c;
            n.size = size;
            conv(&n, stages[s].width, 1, 1, 1, true);
            conv(&n, stages[s].width, 3, stride, 1, true);
            conv(&n, 4 * stages[s].width, 1, 1, 1, false);
            add(&n, left);
        }
    }
    finish(&n, path);
}

static void write_mobilenetv2(const char *path)
{
    static const struct {
        int64_t expand, c, times, stride;
    } rows[] = {{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    net n = begin();
    conv(&n, 32, 3, 2, 1, true);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        for (int64_t i = 0; i < rows[r].times; i++) {
            char from[16];
            const int64_t stride = i == 0 ? rows[r].stride : 1, c = n.c;
            memcpy(from, n.at, sizeof from);
            if (rows[r].expand > 1) {
                conv(&n, c * rows[r].expand, 1, 1, 1, true);
            }
            conv(&n, n.c, 3, stride, n.c, true);
            conv(&n, rows[r].c, 1, 1, 1, false);
            if (stride == 1 && c == rows[r].c) {
                add(&n, from);
            }
        }
    }
    conv(&n, 1280, 1, 1, 1, true);
    finish(&n, path);
}

static void run_in_lockstep(const char *name, void (*write)(const char *path))
{
    char path[64];
    base_diag diag = {0};
    isa_config config;
    rt_model *model = NULL;
    rt_session *session = NULL;
    (void)snprintf(path, sizeof path, "/tmp/systole-%s-%ld.onnx", name, (long)getpid());
    write(path);
    assert_ok(isa_config_find("edge", &config, &diag));
    if (rt_model_load(path, NULL, &model, &diag) != SY_OK || rt_model_compile(model, &config, NULL, &diag) != SY_OK) {
        fail_msg("%s: %s", name, base_diag_message(&diag));
    }
    const rt_session_options options = {.device = RT_DEVICE_SIM, .lockstep = true};
    if (rt_session_create(model, &options, &session, &diag) != SY_OK) {
        fail_msg("%s: %s", name, base_diag_message(&diag));
    }
    const rt_model_io in = rt_model_input(model, 0);
    ir_tensor x = {0}, y = {0}, z = {0};
    assert_ok(rt_tensor_random(&in, 5, 0, &x, &diag));
    const ir_tensor *inputs[1] = {&x};
    ir_tensor *outputs[1] = {&y};
    const sy_status status = rt_session_run(session, inputs, outputs, NULL, &diag);
    const rt_cosim_result *result = rt_session_lockstep(session);
    if (status != SY_OK || !result->equal) {
        fail_msg("%s: %s", name, base_diag_message(&diag));
    }
    print_message("%s: difference 0, %llu cycles, %llu commands\n", name, (unsigned long long)result->n_cycles,
                  (unsigned long long)result->n_commands);
    rt_session_free(session);
    /* and what came out is what the reference gives */
    const rt_session_options reference = {.device = RT_DEVICE_CPU, .reference = true};
    ir_tensor *wanted[1] = {&z};
    assert_ok(rt_session_create(model, &reference, &session, &diag));
    assert_ok(rt_session_run(session, inputs, wanted, NULL, &diag));
    assert_int_equal(y.size_bytes, z.size_bytes);
    assert_memory_equal(y.data, z.data, z.size_bytes);
    rt_session_free(session);
    rt_buffer_free(x.data);
    rt_buffer_free(y.data);
    rt_buffer_free(z.data);
    rt_model_free(model);
    (void)unlink(path);
}

static void test_resnet50(void **state)
{
    (void)state;
    run_in_lockstep("resnet50", write_resnet50);
}

static void test_mobilenetv2(void **state)
{
    (void)state;
    run_in_lockstep("mobilenetv2", write_mobilenetv2);
}

int main(int argc, char **argv)
{
    if (argc == 3) { /* the models alone: networks resnet50 FILE */
        (strcmp(argv[1], "resnet50") == 0 ? write_resnet50 : write_mobilenetv2)(argv[2]);
        return 0;
    }
    if (!SY_HAVE_LLVM || !SY_HAVE_VERILATOR) {
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mobilenetv2), cmocka_unit_test(test_resnet50)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
