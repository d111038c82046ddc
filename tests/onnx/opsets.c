/*
 * opsets.c -- operators of older operator sets come out in the operator table's form, and compute
 * what they used to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_run.h"

#include <float.h>
#include <math.h>

#define N 24

static const int64_t dims_234[3] = {2, 3, 4};

static base_buf graph_234(void)
{
    base_buf g = {0};
    ow_text(&g, 2, "g");
    ow_add_input(&g, "x", SY_DT_F32, 3, dims_234);
    return g;
}

static imported finish(base_buf g, base_buf node, int64_t opset)
{
    ow_add_node(&g, node);
    ow_add_output(&g, "y", SY_DT_F32);
    return import_model(ow_model(g, opset));
}

/* Runs on 0, 1, 2, ... and gives the result's elements. */
static int64_t run_234(const imported *i, float *out, int64_t capacity)
{
    float data[N];
    ir_tensor x, y;
    for (int k = 0; k < N; k++) {
        data[k] = (float)k;
    }
    assert_ok(ir_tensor_init(&x, SY_DT_F32, 3, dims_234, data));
    run_reference(i, &x, &y);
    const int64_t n = ir_tensor_n_elements(&y);
    assert_true(n <= capacity);
    memcpy(out, y.data, y.size_bytes);
    rt_buffer_free(y.data);
    return n;
}

static void test_axes(void **state)
{
    (void)state;
    static const int64_t axes[1] = {1}, unsqueezed[2] = {0, 4};
    float y[N];
    base_buf node = ow_node("ReduceMean", "x", "y");
    ow_attr_ints(&node, "axes", 1, axes);
    ow_attr_int(&node, "keepdims", 0);
    imported i = finish(graph_234(), node, 11);
    assert_int_equal(find_node(&i, IR_OP_REDUCEMEAN)->n_inputs, 2);
    assert_int_equal(run_234(&i, y, N), 8);
    assert_true(y[0] == 4.0f && y[7] == 19.0f);
    drop(&i);

    node = ow_node("ReduceSum", "x", "y"); /* no axes: all */
    i = finish(graph_234(), node, 12);
    assert_int_equal(run_234(&i, y, N), 1);
    assert_true(y[0] == 276.0f);
    drop(&i);

    base_buf g = graph_234();
    node = ow_node("Unsqueeze", "x", "u");
    ow_attr_ints(&node, "axes", 2, unsqueezed);
    ow_add_node(&g, node);
    node = ow_node("Squeeze", "u", "y");
    ow_attr_ints(&node, "axes", 1, unsqueezed); /* 0 */
    i = finish(g, node, 12);
    const ir_type *t = &find_node(&i, IR_OP_SQUEEZE)->outputs[0]->type;
    assert_int_equal(t->rank, 4);
    assert_int_equal(run_234(&i, y, N), N);
    drop(&i);
}

static void test_clip(void **state)
{
    (void)state;
    float y[N];
    base_buf node = ow_node("Clip", "x", "y");
    ow_attr_float(&node, "min", 3.5f);
    ow_attr_float(&node, "max", 7.0f);
    imported i = finish(graph_234(), node, 6);
    assert_int_equal(run_234(&i, y, N), N);
    assert_true(y[0] == 3.5f && y[5] == 5.0f && y[23] == 7.0f);
    drop(&i);

    i = finish(graph_234(), ow_node("Clip", "x", "y"),
               6); /* operator set 6 clips to the finite numbers */
    const ir_node *clip = find_node(&i, IR_OP_CLIP);
    const void *data = NULL;
    assert_ok(ir_const_data(i.m, ir_node_input(clip, 2)->constant, NULL, &data));
    assert_true(*(const float *)data == FLT_MAX);
    drop(&i);

    i = finish(graph_234(), ow_node("Clip", "x", "y"), 11);
    assert_int_equal(find_node(&i, IR_OP_CLIP)->n_inputs, 1);
    drop(&i);
}

static void test_pad_slice_reshape(void **state)
{
    (void)state;
    static const int64_t pads[6] = {0, 1, 0, 0, 0, 2}, starts[2] = {1, -2},
                         ends[2] = {3, INT32_MAX};
    static const int64_t axes[2] = {1, 2}, shape[2] = {4, -1};
    float y[64];
    base_buf node = ow_node("Pad", "x", "y");
    ow_attr_ints(&node, "pads", 6, pads);
    ow_attr_float(&node, "value", -1.5f);
    imported i = finish(graph_234(), node, 2);
    assert_int_equal(run_234(&i, y, 64), 2 * 4 * 6);
    assert_true(y[0] == -1.5f && y[6] == 0.0f && y[10] == -1.5f && y[12] == 4.0f);
    drop(&i);

    node = ow_node("Slice", "x", "y");
    ow_attr_ints(&node, "starts", 2, starts);
    ow_attr_ints(&node, "ends", 2, ends);
    ow_attr_ints(&node, "axes", 2, axes);
    i = finish(graph_234(), node, 1);
    assert_int_equal(run_234(&i, y, 64), 2 * 2 * 2);
    assert_true(y[0] == 6.0f && y[7] == 23.0f);
    drop(&i);

    node = ow_node("Reshape", "x", "y");
    ow_attr_ints(&node, "shape", 2, shape);
    i = finish(graph_234(), node, 1);
    int64_t dims[IR_MAX_RANK];
    assert_true(ir_type_static_dims(&find_node(&i, IR_OP_RESHAPE)->outputs[0]->type, dims));
    assert_true(dims[0] == 4 && dims[1] == 6);
    drop(&i);
}

/* broadcast = 1, axis = 1: the operand's dimensions stand below x's axis 1. */
static void test_broadcast(void **state)
{
    (void)state;
    static const float b[3] = {100, 200, 300};
    static const int64_t three[1] = {3};
    float y[N];
    base_buf g = graph_234(), node = ow_node("Add", "x b", "y");
    ow_add_const(&g, "b", SY_DT_F32, 1, three, b, sizeof b);
    ow_attr_int(&node, "broadcast", 1);
    ow_attr_int(&node, "axis", 1);
    imported i = finish(g, node, 6);
    assert_int_equal(run_234(&i, y, N), N);
    for (int k = 0; k < N; k++) {
        assert_true(y[k] == (float)k + b[k / 4 % 3]);
    }
    drop(&i);
}

/* Before 13 softmax runs over all axes from `axis` on. */
static void test_softmax(void **state)
{
    (void)state;
    float y[N];
    base_buf node = ow_node("Softmax", "x", "y");
    imported i = finish(graph_234(), node, 11); /* axis 1: rows of 12 */
    float sum = 0;
    assert_int_equal(run_234(&i, y, N), N);
    for (int k = 0; k < 12; k++) {
        sum += y[k];
    }
    assert_true(fabsf(sum - 1) < 1e-5f);
    assert_true(fabsf(y[11] / y[10] - expf(1)) < 1e-4f);
    assert_true(ir_type_equal(&find_node(&i, IR_OP_RESHAPE)->outputs[0]->type,
                              &i.m->main->inputs[0]->type));
    drop(&i);

    node = ow_node("Softmax", "x", "y");
    ow_attr_int(&node, "axis", 2); /* the last axis: nothing to flatten */
    i = finish(graph_234(), node, 11);
    assert_int_equal(n_of(&i, IR_OP_FLATTEN), 0);
    drop(&i);
}

static void test_batchnorm(void **state)
{
    (void)state;
    static const int64_t per_channel[1] = {3}, per_element[2] = {3, 4};
    static const float ones[12] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    float means[12], y[N];
    for (int k = 0; k < 12; k++) {
        means[k] = (float)k;
    }
    for (int spatial = 0; spatial < 2; spatial++) {
        base_buf g = graph_234(),
                 node = ow_node("BatchNormalization", "x s b m v", spatial ? "y m2 v2 sm sv" : "y");
        const int64_t *dims = spatial ? per_channel : per_element;
        const int rank = spatial ? 1 : 2;
        const size_t n_bytes = spatial ? 3 * sizeof(float) : 12 * sizeof(float);
        ow_add_const(&g, "s", SY_DT_F32, rank, dims, ones, n_bytes);
        ow_add_const(&g, "b", SY_DT_F32, rank, dims, ones, n_bytes);
        ow_add_const(&g, "m", SY_DT_F32, rank, dims, means, n_bytes);
        ow_add_const(&g, "v", SY_DT_F32, rank, dims, ones, n_bytes);
        ow_attr_int(&node, "spatial", spatial);
        ow_attr_float(&node, "epsilon", 0);
        imported i = finish(g, node, 7);
        assert_int_equal(run_234(&i, y, N), N);
        for (int k = 0; k < N && !spatial; k++) {
            assert_true(y[k] == (float)(k - k % 12) + 1); /* (x - mean) / 1 * 1 + 1 */
        }
        for (int c = 0; c < 3 && spatial; c++) { /* five results: training, by the batch's own mean */
            double sum = 0.0;
            for (int k = 0; k < N; k++) {
                sum += k / 4 % 3 == c ? (double)y[k] : 0.0;
            }
            assert_true(sum > 7.999 && sum < 8.001);
        }
        drop(&i);
    }
}

static void test_others(void **state)
{
    (void)state;
    static const int64_t sizes[2] = {1, 2};
    float y[N];
    base_buf node = ow_node("Cast", "x", "y");
    ow_attr_text(&node, "to", "INT32");
    imported i = finish(graph_234(), node, 5);
    assert_int_equal(find_node(&i, IR_OP_CAST)->outputs[0]->type.dtype, SY_DT_I32);
    drop(&i);

    node = ow_node("Dropout", "x", "y mask");
    i = finish(graph_234(), node, 7);
    assert_int_equal(n_of(&i, IR_OP_IDENTITY), 1); /* the mask, which nobody reads, is gone */
    assert_int_equal(i.m->main->n_nodes, 1);
    drop(&i);

    node = ow_node("Split", "x", "y z");
    ow_attr_int(&node, "axis", 1);
    ow_attr_ints(&node, "split", 2, sizes);
    i = finish(graph_234(), node, 2);
    assert_int_equal(run_234(&i, y, N), 8);
    drop(&i);

    node = ow_node("Split", "x", "y z");
    i = finish(graph_234(), node, 13);
    assert_int_equal(ir_node_int(find_node(&i, IR_OP_SPLIT), "num_outputs", 0), 2);
    drop(&i);

    node = ow_node("Concat", "x x", "y"); /* operator set 1: axis 1 by default */
    i = finish(graph_234(), node, 1);
    assert_int_equal(ir_node_int(find_node(&i, IR_OP_CONCAT), "axis", 0), 1);
    drop(&i);
}

/* What the table has no row for stays, with its attributes. */
static void test_unknown(void **state)
{
    (void)state;
    base_buf node = ow_node("NoSuchOperator", "x", "y");
    ow_attr_text(&node, "mode", "nearest");
    imported i = finish(graph_234(), node, 7);
    const ir_node *n = i.m->main->first;
    assert_null(n->op);
    assert_string_equal(n->op_name, "NoSuchOperator");
    assert_string_equal(ir_node_string(n, "mode", ""), "nearest");
    assert_int_equal(n->number, 0);
    assert_int_equal(n->loc.line, 1);
    assert_string_equal(n->loc.file, "test.onnx");
    drop(&i);
}

/* ---------------------------------------------------------------- shapes that the user gives */

static void test_shapes(void **state)
{
    (void)state;
    static const int64_t dims[3] = {-1, 3, 4};
    base_arena *arena = base_arena_create();
    base_diag diag = {{0}};
    ir_import_shape shape;
    int64_t got[IR_MAX_RANK];
    for (int k = 0; k < 3; k++) { /* the free dimension; the whole input; a size that was fixed */
        static const char *const texts[3] = {"n=8", "x=8x3x4", "x=8,3,5"};
        base_buf g = {0};
        ow_add_input(&g, "x", SY_DT_F32, 3, dims);
        ow_add_input(&g, "z", SY_DT_F32, 3, dims); /* shares the dimension */
        ow_add_node(&g, ow_node("Relu", "x", "y"));
        ow_add_output(&g, "y", SY_DT_F32);
        assert_ok(ir_import_parse_shape(arena, texts[k], &diag, &shape));
        const ir_import_options options = {.shapes = &shape, .n_shapes = 1};
        imported i = import_with(ow_model(g, 17), &options);
        assert_true(ir_type_static_dims(&i.m->main->first->outputs[0]->type, got));
        assert_true(got[0] == 8 && got[2] == (k == 2 ? 5 : 4));
        assert_true(ir_type_static_dims(&i.m->main->inputs[1]->type, got));
        assert_int_equal(got[0], 8);
        drop(&i);
    }
    static const char *const wrong[] = {
        "x", "=3", "x=", "x=3x", "x=-1", "x=3y4", "x=99999999999999999999", "x= 3"};
    for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
        const sy_status status = ir_import_parse_shape(arena, wrong[k], &diag, &shape);
        if (strcmp(wrong[k], "x=") == 0) {
            assert_ok(status); /* a scalar */
        } else {
            assert_int_equal(status, SY_EINVAL);
        }
    }
    static const char *const unmet[] = {"q=4", "q=4x4", "x=8x3"};
    for (size_t k = 0; k < sizeof unmet / sizeof unmet[0]; k++) {
        base_buf g = {0};
        ir_optable *table = NULL;
        ir_module *m = NULL;
        ow_add_input(&g, "x", SY_DT_F32, 3, dims);
        ow_add_node(&g, ow_node("Relu", "x", "y"));
        ow_add_output(&g, "y", SY_DT_F32);
        base_buf model = ow_model(g, 17);
        assert_ok(ir_import_parse_shape(arena, unmet[k], &diag, &shape));
        const ir_import_options options = {.shapes = &shape, .n_shapes = 1};
        assert_ok(ir_optable_create(arena, &table));
        assert_int_equal(
            ir_import_onnx_bytes(arena, table, "t", model.data, model.n_bytes, &options, &diag, &m),
            SY_EINVAL);
        base_buf_free(&model);
    }
    base_arena_destroy(arena);
}

/* ---------------------------------------------------------------- functions of the model */

/* f(a; k) = Flatten(a, axis = k), called with two values of k: two callees, each written once. */
static void test_functions(void **state)
{
    (void)state;
    base_buf g = graph_234();
    for (int k = 0; k < 3; k++) {
        char name[2] = {(char)('p' + k), 0};
        base_buf call = ow_node("Flat", "x", name);
        ow_text(&call, 7, "our.own");
        ow_attr_int(&call, "k", k == 2 ? 0 : k);
        ow_add_node(&g, call);
    }
    ow_add_output(&g, "p", SY_DT_F32);
    ow_add_output(&g, "q", SY_DT_F32);
    ow_add_output(&g, "r", SY_DT_F32);
    base_buf model = ow_model(g, 17), f = {0}, node = ow_node("Flatten", "a", "b"), set = {0};
    base_buf a = {0};
    ow_text(&a, 1, "axis");
    ow_text(&a, 21, "k"); /* ref_attr_name */
    ow_int(&a, 20, 2);
    ow_message(&node, 5, a);
    ow_text(&f, 1, "Flat");
    ow_text(&f, 4, "a");
    ow_text(&f, 5, "b");
    ow_text(&f, 6, "k");
    ow_message(&f, 7, node);
    ow_int(&set, 2, 13);
    ow_message(&f, 9, set);
    ow_text(&f, 10, "our.own");
    ow_message(&model, 25, f);
    imported i = import_model(model);
    assert_int_equal(i.m->n_graphs, 3); /* main, k = 0, k = 1 */
    assert_int_equal(n_of(&i, IR_OP_CALL), 3);
    const ir_node *first = i.m->main->first;
    assert_ptr_equal(first->callee, first->next->next->callee);
    assert_int_equal(ir_node_int(first->next->callee->first, "axis", -1), 1);
    drop(&i);
}

/* A FunctionProto y = Flatten(x, axis = k) of domain our.own. */
static base_buf flat_function(const char *calls)
{
    base_buf f = {0}, node = ow_node(calls, "a", "b"), a = {0};
    ow_text(&a, 1, "axis");
    ow_text(&a, 21, "k"); /* ref_attr_name */
    ow_int(&a, 20, 2);
    if (strcmp(calls, "Flatten") == 0) {
        ow_message(&node, 5, a);
    } else {
        base_buf_free(&a);
        ow_text(&node, 7, "our.own");
    }
    ow_text(&f, 1, "Flat");
    ow_text(&f, 4, "a");
    ow_text(&f, 5, "b");
    ow_message(&f, 7, node);
    ow_text(&f, 10, "our.own");
    return f;
}

static base_buf calling_model(base_buf f, const char *inputs)
{
    base_buf g = graph_234(), call = ow_node("Flat", inputs, "y");
    ow_text(&call, 7, "our.own");
    ow_add_node(&g, call);
    ow_add_output(&g, "y", SY_DT_F32);
    base_buf model = ow_model(g, 17);
    ow_message(&model, 25, f);
    return model;
}

static void expect_refused(base_buf model, const char *words)
{
    base_diag diag = {{0}};
    base_arena *arena = base_arena_create();
    ir_optable *table = NULL;
    ir_module *m = NULL;
    assert_ok(ir_optable_create(arena, &table));
    assert_int_not_equal(
        ir_import_onnx_bytes(arena, table, "t", model.data, model.n_bytes, NULL, &diag, &m), SY_OK);
    if (strstr(diag.message, words) == NULL) {
        fail_msg("expected '%s', got: %s", words, diag.message);
    }
    base_arena_destroy(arena);
    base_buf_free(&model);
}

static void test_function_details(void **state)
{
    (void)state;
    base_buf f = flat_function("Flatten"), value = ow_attr("k", 2);
    ow_int(&value, 3, 2);
    ow_message(&f, 11, value); /* attribute_proto, newer than Debian's onnx.proto: a default */
    imported i = import_model(calling_model(f, "x"));
    assert_int_equal(ir_node_int(i.m->main->first->callee->first, "axis", -1), 2);
    drop(&i);

    i = import_model(
        calling_model(flat_function("Flatten"), "x")); /* not given: Flatten's own default */
    assert_null(ir_node_attr(i.m->main->first->callee->first, "axis"));
    drop(&i);

    f = flat_function("Flatten");
    ow_text(&f, 13, "other"); /* an overload that nobody calls */
    i = import_model(calling_model(f, "x"));
    assert_null(i.m->main->first->op);
    drop(&i);

    expect_refused(calling_model(flat_function("Flat"), "x"), "calls itself");
    expect_refused(calling_model(flat_function("Flatten"), "x x"), "2 operands");
    f = flat_function("Flatten");
    ow_text(&f, 5, "missing");
    expect_refused(calling_model(f, "x"), "'missing'");
}

/* Constant nodes in all their forms. */
static void test_constants(void **state)
{
    (void)state;
    static const int64_t ints[2] = {4, -1};
    float y[N];
    base_buf g = graph_234(), node = ow_node("Constant", "", "c");
    ow_attr_ints(&node, "value_ints", 2, ints);
    ow_add_node(&g, node);
    imported i = finish(g, ow_node("Reshape", "x c", "y"), 17);
    assert_int_equal(i.m->main->n_nodes, 1);
    assert_int_equal(run_234(&i, y, N), N);
    drop(&i);

    g = graph_234();
    node = ow_node("Constant", "", "c");
    ow_attr_float(&node, "value_float", 0.5f);
    ow_add_node(&g, node);
    i = finish(g, ow_node("Mul", "x c", "y"), 17);
    assert_int_equal(run_234(&i, y, N), N);
    assert_true(y[7] == 3.5f);
    drop(&i);

    g = graph_234();
    node = ow_node("Constant", "", "c");
    ow_attr_text(&node, "value_string", "text");
    ow_add_node(&g, node);
    node = ow_node("Constant", "", "k");
    ow_attr_int(&node, "value_int", 7);
    ow_add_node(&g, node);
    i = finish(g, ow_node("Opaque", "x c k", "y"), 17);
    const ir_node *n = i.m->main->first;
    assert_int_equal(ir_node_input(n, 1)->constant->dtype, SY_DT_STRING);
    assert_int_equal(ir_node_input(n, 2)->constant->dtype, SY_DT_I64);
    drop(&i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_axes),
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_pad_slice_reshape),
        cmocka_unit_test(test_broadcast),
        cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_batchnorm),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_function_details),
        cmocka_unit_test(test_constants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
