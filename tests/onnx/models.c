/*
 * models.c -- real fp32 networks on the host device: their own expected outputs, and accuracy on
 * data.
 *
 * The models are no part of the tree (see TEST_MODELS below); without them the test is skipped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 120
#include "test.h"

#include "tensor_proto.h"

#include "systole/graph/import.h"
#include "systole/rt/cpu.h"
#include "systole/rt/dataset.h"

#include <math.h>
#include <unistd.h>

/* A folder beside the source tree, or the one that the environment names. */
#define TEST_MODELS    "SY_TEST_MODELS"
#define DEFAULT_MODELS SY_SOURCE_DIR "/../shared/data"

static base_diag diag;

typedef struct network {
    base_arena *arena;
    ir_module *module;
    rt_cpu *cpu;
    rt_cpu_plan *plan;
} network;

static const char *models(void)
{
    const char *folder = getenv(TEST_MODELS);
    return folder != NULL ? folder : DEFAULT_MODELS;
}

static const char *path_of(const char *name)
{
    static char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", models(), name);
    return path;
}

#define CHECK(call)                                   \
    do {                                              \
        if ((call) != SY_OK) {                        \
            fail_msg("%s", base_diag_message(&diag)); \
        }                                             \
    } while (0)

static network open_network(const char *name, bool reference)
{
    network n = {.arena = base_arena_create()};
    ir_optable *table = NULL;
    const rt_cpu_options options = {.reference = reference};
    assert_ok(ir_optable_create(n.arena, &table));
    CHECK(ir_import_onnx(n.arena, table, path_of(name), NULL, &diag, &n.module));
    CHECK(rt_cpu_create(n.module, &options, &diag, &n.cpu));
    CHECK(rt_cpu_plan_graph(n.cpu, n.module->main, &diag, &n.plan));
    return n;
}

static void close_network(network *n)
{
    rt_cpu_plan_destroy(n->plan);
    rt_cpu_destroy(n->cpu);
    ir_module_destroy(n->module);
    base_arena_destroy(n->arena);
}

static void check_sets(bool reference)
{
    network n = open_network("onnx/mnist_8/model.onnx", reference);
    for (int set = 0; set < 3; set++) {
        char name[128];
        ir_tensor x, want, y = {0};
        (void)snprintf(name, sizeof name, "onnx/mnist_8/test_data_set_%d/input_0.pb", set);
        assert_true(tensor_proto_read(path_of(name), &x));
        (void)snprintf(name, sizeof name, "onnx/mnist_8/test_data_set_%d/output_0.pb", set);
        assert_true(tensor_proto_read(path_of(name), &want));
        const ir_tensor *inputs[] = {&x};
        ir_tensor *outputs[] = {&y};
        CHECK(rt_cpu_plan_run(n.plan, inputs, outputs, NULL, &diag));
        assert_int_equal(y.size_bytes, want.size_bytes);
        for (size_t i = 0; i < y.size_bytes / 4; i++) {
            const float got = ((float *)y.data)[i], expected = ((float *)want.data)[i];
            assert_true(fabsf(got - expected) <=
                        1e-3f * fabsf(expected) + 1e-2f); /* sums of thousands of 0..255 */
        }
        rt_buffer_free(x.data);
        rt_buffer_free(y.data);
        rt_buffer_free(want.data);
    }
    close_network(&n);
}

static void test_mnist_sets(void **state)
{
    (void)state;
    check_sets(true);
    check_sets(false);
}

/* How many of the first `limit` samples the network names right. */
static int64_t count_right(const char *model, const char *spec, const rt_dataset_options *options,
                           int64_t limit)
{
    network n = open_network(model, false);
    rt_dataset *data = NULL;
    CHECK(rt_dataset_open(spec, options, &diag, &data));
    int64_t dims[] = {1, rt_dataset_dims(data)[0], rt_dataset_dims(data)[1],
                      rt_dataset_dims(data)[2]};
    ir_tensor x;
    assert_ok(ir_tensor_init(&x, SY_DT_F32, 4, dims, NULL));
    x.data = rt_buffer_alloc(x.size_bytes);
    float scores[16];
    int64_t n_right = 0;
    for (int64_t i = 0; i < limit && i < rt_dataset_n(data); i++) {
        ir_tensor y = {.data = scores, .size_bytes = sizeof scores};
        const ir_tensor *inputs[] = {&x};
        ir_tensor *outputs[] = {&y};
        CHECK(rt_dataset_fetch(data, i, &diag, &x));
        CHECK(rt_cpu_plan_run(n.plan, inputs, outputs, NULL, &diag));
        int64_t best = 0;
        for (int64_t k = 1; k < ir_tensor_n_elements(&y); k++) {
            best = scores[k] > scores[best] ? k : best;
        }
        n_right += best == rt_dataset_label(data, i);
    }
    rt_buffer_free(x.data);
    rt_dataset_close(data);
    close_network(&n);
    return n_right;
}

static void test_mnist_accuracy(void **state)
{
    (void)state;
    char spec[8192];
    (void)snprintf(spec, sizeof spec,
                   "idx:%s/datasets/mnist_t10k/t10k-images-idx3-ubyte.gz,%s/datasets/mnist_t10k/%s",
                   models(), models(), "t10k-labels-idx1-ubyte.gz");
    assert_int_equal(count_right("onnx/mnist_8/model.onnx", spec, NULL, 10000), 9891);
}

static void test_resnet20_accuracy(void **state)
{
    (void)state;
    char spec[8192];
    (void)snprintf(spec, sizeof spec,
                   "npy:%s/datasets/cifar10_sample/%s,%s/datasets/cifar10_sample/%s", models(),
                   "test2000_u8_nhwc.npy", models(), "test2000_labels_u8.npy");
    const rt_dataset_options options = {
        .scale = 1.0f / 255.0f,
        .n_means = 3,
        .means = {0.485f, 0.456f, 0.406f},
        .n_stds = 3,
        .stds = {0.229f, 0.224f, 0.225f},
    };
    assert_int_equal(
        count_right("onnx/resnet20_cifar10/resnet20_export.onnx", spec, &options, 2000), 1833);
}

int main(void)
{
    if (access(path_of("onnx/mnist_8/model.onnx"), R_OK) != 0) {
        print_message("skipped: no models at %s (set " TEST_MODELS ")\n", models());
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mnist_sets),
        cmocka_unit_test(test_mnist_accuracy),
        cmocka_unit_test(test_resnet20_accuracy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
