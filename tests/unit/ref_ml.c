/*
 * ref_ml.c -- ai.onnx.ml on the reference kernels: small models with results by hand, and attributes that lie.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node_case.h"

#include <math.h>

static const rt_cpu_options reference = {.reference = true};

#define INTS(node, name, ...)                                                                             \
    do {                                                                                                  \
        const int64_t v_[] = {__VA_ARGS__};                                                               \
        assert_ok(ir_node_set_ints((node), (name), (uint32_t)(sizeof v_ / sizeof v_[0]), v_));            \
    } while (0)
#define FLOATS(node, name, ...)                                                                           \
    do {                                                                                                  \
        const float v_[] = {__VA_ARGS__};                                                                 \
        assert_ok(ir_node_set_floats((node), (name), (uint32_t)(sizeof v_ / sizeof v_[0]), v_));          \
    } while (0)

static void texts(ir_node *node, const char *name, uint32_t n, const char *const *words)
{
    ir_str strings[8];
    for (uint32_t i = 0; i < n; i++) {
        strings[i] = (ir_str){words[i], strlen(words[i])};
    }
    assert_ok(ir_node_set_strings(node, name, n, strings));
}

static node_case features(uint32_t code, int64_t n, int64_t width, const float *x)
{
    node_case c = node_case_start(code);
    node_case_input(&c, SY_DT_F32, 2, (int64_t[]){n, width}, x);
    return c;
}

static void want_floats(const node_case *c, const ir_tensor *t, int64_t n, const float *want)
{
    (void)c;
    assert_int_equal(t->dtype, SY_DT_F32);
    assert_int_equal(ir_tensor_n_elements(t), n);
    for (int64_t i = 0; i < n; i++) {
        assert_true(fabsf(((const float *)t->data)[i] - want[i]) <= 1e-6f);
    }
}

/* One tree: x0 <= 0 ? leaf 1 : (x1 > 2 ? leaf 3 : leaf 4), NaN goes to the true side of node 0. */
static ir_node *one_tree(node_case *c, uint32_t n_results)
{
    ir_node *n = node_case_node(c, n_results);
    INTS(n, "nodes_treeids", 0, 0, 0, 0, 0);
    INTS(n, "nodes_nodeids", 0, 1, 2, 3, 4);
    INTS(n, "nodes_featureids", 0, 0, 1, 0, 0);
    INTS(n, "nodes_truenodeids", 1, 0, 3, 0, 0);
    INTS(n, "nodes_falsenodeids", 2, 0, 4, 0, 0);
    INTS(n, "nodes_missing_value_tracks_true", 1, 0, 0, 0, 0);
    FLOATS(n, "nodes_values", 0, 0, 2, 0, 0);
    texts(n, "nodes_modes", 5, (const char *[]){"BRANCH_LEQ", "LEAF", "BRANCH_GT", "LEAF", "LEAF"});
    return n;
}

static const float rows[] = {-1, 0, 1, 3, 1, 2, NAN, 9};

static ir_node *one_regressor(node_case *c)
{
    ir_node *n = one_tree(c, 1);
    INTS(n, "target_treeids", 0, 0, 0);
    INTS(n, "target_nodeids", 1, 3, 4);
    INTS(n, "target_ids", 0, 0, 0);
    FLOATS(n, "target_weights", 10, 20, 30);
    return n;
}

static void test_tree_regressor(void **state)
{
    (void)state;
    node_case c = features(IR_OP_ML_TREEENSEMBLEREGRESSOR, 4, 2, rows);
    ir_node *n = one_regressor(&c);
    FLOATS(n, "base_values", 0.5f);
    want_floats(&c, node_case_run(&c, &reference, 0), 4, (float[]){10.5f, 20.5f, 30.5f, 10.5f});
    node_case_end(&c);
}

static void test_tree_classifier(void **state)
{
    (void)state;
    node_case c = features(IR_OP_ML_TREEENSEMBLECLASSIFIER, 4, 2, rows);
    ir_node *n = one_tree(&c, 2);
    INTS(n, "class_treeids", 0, 0, 0);
    INTS(n, "class_nodeids", 1, 3, 4);
    INTS(n, "class_ids", 0, 1, 2);
    FLOATS(n, "class_weights", 1, 2, 3);
    INTS(n, "classlabels_int64s", 7, 8, 9);
    const ir_tensor *labels = node_case_run(&c, &reference, 0);
    assert_int_equal(labels->dtype, SY_DT_I64);
    assert_memory_equal(labels->data, ((int64_t[]){7, 8, 9, 7}), 4 * sizeof(int64_t));
    want_floats(&c, node_case_run(&c, &reference, 1), 12, (float[]){1, 0, 0, 0, 2, 0, 0, 0, 3, 1, 0, 0});
    node_case_end(&c);
}

/* Whatever the links say, there is an answer or one line, and no end of time. */
static void test_tree_lies(void **state)
{
    (void)state;
    static const struct {
        const char *attribute;
        int64_t values[5];
        const char *why;
    } lies[] = {
        {"nodes_falsenodeids", {0, 0, 4, 0, 0}, "lead back"},
        {"nodes_falsenodeids", {2, 0, 0, 0, 0}, "lead back"},
        {"nodes_falsenodeids", {77, 0, 4, 0, 0}, "not there"},
        {"nodes_featureids", {2, 0, 1, 0, 0}, "feature 2 of 2"},
        {"nodes_featureids", {-1, 0, 1, 0, 0}, "feature -1 of 2"},
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        node_case c = features(IR_OP_ML_TREEENSEMBLEREGRESSOR, 4, 2, rows);
        ir_node *n = one_regressor(&c);
        assert_ok(ir_node_set_ints(n, lies[i].attribute, 5, lies[i].values));
        assert_int_not_equal(node_case_try(&c, &reference), SY_OK);
        assert_non_null(strstr(base_diag_message(&c.diag), lies[i].why));
        node_case_end(&c);
    }
    node_case c = features(IR_OP_ML_TREEENSEMBLEREGRESSOR, 4, 2, rows);
    ir_node *n = one_regressor(&c);
    INTS(n, "target_ids", 0, 5, 0);
    assert_int_not_equal(node_case_try(&c, &reference), SY_OK);
    INTS(n, "target_ids", 0, 0);
    assert_int_not_equal(node_case_try(&c, &reference), SY_OK);
    assert_non_null(strstr(base_diag_message(&c.diag), "'target_ids' has 2 entries, expected 3"));
    node_case_end(&c);
}

static void test_linear(void **state)
{
    (void)state;
    const float x[] = {1, 2, -1, 0.5f};
    node_case c = features(IR_OP_ML_LINEARCLASSIFIER, 2, 2, x);
    ir_node *n = node_case_node(&c, 2);
    FLOATS(n, "coefficients", 1, 0, 0, 1, -1, -1);
    FLOATS(n, "intercepts", 0, 0, 0.25f);
    INTS(n, "classlabels_ints", 5, 6, 7);
    assert_memory_equal(node_case_run(&c, &reference, 0)->data, ((int64_t[]){6, 7}), 2 * sizeof(int64_t));
    want_floats(&c, node_case_run(&c, &reference, 1), 6, (float[]){1, 2, -2.75f, -1, 0.5f, 0.75f});
    node_case_end(&c);
    c = features(IR_OP_ML_LINEARREGRESSOR, 2, 2, x);
    n = node_case_node(&c, 1);
    FLOATS(n, "coefficients", 1, 2, 3); /* for two features */
    assert_int_equal(node_case_try(&c, &reference), SY_ESHAPE);
    node_case_end(&c);
}

static void test_svm(void **state)
{
    (void)state;
    const float x[] = {1, 0, 0, 2};
    node_case c = features(IR_OP_ML_SVMREGRESSOR, 2, 2, x);
    ir_node *n = node_case_node(&c, 1);
    FLOATS(n, "support_vectors", 1, 0, 0, 1);
    FLOATS(n, "coefficients", 2, -1);
    FLOATS(n, "rho", 0.5f);
    FLOATS(n, "kernel_params", 1, 1, 2);
    assert_ok(ir_node_set_int(n, "n_supports", 2));
    assert_ok(ir_node_set_string(n, "kernel_type", "POLY", 4));
    want_floats(&c, node_case_run(&c, &reference, 0), 2, (float[]){2 * 4 - 1 + 0.5f, 2 * 1 - 9 + 0.5f});
    assert_ok(ir_node_set_int(n, "n_supports", INT64_C(1) << 62));
    assert_int_equal(node_case_try(&c, &reference), SY_ESHAPE);
    node_case_end(&c);
}

static void test_labels(void **state)
{
    (void)state;
    const float x[] = {1.5f, NAN, 4, -0.0f};
    node_case c = features(IR_OP_ML_LABELENCODER, 1, 4, x);
    ir_node *n = node_case_node(&c, 1);
    FLOATS(n, "keys_floats", 1.5f, NAN, 0, 1.5f);
    INTS(n, "values_int64s", 1, 2, 3, 4);
    assert_memory_equal(node_case_run(&c, &reference, 0)->data, ((int64_t[]){4, 2, -1, 3}), 4 * sizeof(int64_t));
    node_case_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_regressor), cmocka_unit_test(test_tree_classifier), cmocka_unit_test(test_tree_lies),
        cmocka_unit_test(test_linear),         cmocka_unit_test(test_svm),             cmocka_unit_test(test_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
