/*
 * shapes.c -- shapes with free dimensions are followed through the operators that compute and use shapes; old and sparse
 * forms of operators that move data.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_run.h"

#include "systole/graph/text.h"

/* x is f32 [n, 4]; constants that the cases below use, by name. */
static base_buf graph_n4(void)
{
    static const struct {
        const char *name;
        int64_t n, values[2];
    } vectors[] = {
        {"zero", 1, {0}},   {"one", 1, {1}},     {"two", 1, {2}},          {"minus", 1, {-1}},
        {"three", 1, {3}},  {"to_end", 1, {INT64_MAX}}, {"to_start", 1, {INT64_MIN}}, {"shape", 2, {-1, 2}},
        {"pads", 2, {1, 0}},
    };
    static const int64_t dims[2] = {-1, 4};
    base_buf g = {0};
    ow_text(&g, 2, "g");
    ow_add_input(&g, "x", SY_DT_F32, 2, dims);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        ow_add_const(&g, vectors[i].name, SY_DT_I64, 1, &vectors[i].n, vectors[i].values,
                     (size_t)vectors[i].n * sizeof(int64_t));
    }
    static const int64_t first = 0;
    ow_add_const(&g, "first", SY_DT_I64, 0, NULL, &first, sizeof first);
    static const int64_t step = 1;
    ow_add_const(&g, "step", SY_DT_I64, 0, NULL, &step, sizeof step);
    ow_add_node(&g, ow_node("Shape", "x", "s"));        /* [n, 4] */
    ow_add_node(&g, ow_node("Gather", "s first", "n")); /* n, a scalar */
    ow_add_node(&g, ow_node("Gather", "s zero", "nv")); /* [n] */
    return g;
}

/* Nodes, each "Op inputs -> output", one after another; the type of the last one's result. */
typedef struct shape_case {
    const char *steps[6];
    const char *want;
} shape_case;

static const shape_case shape_cases[] = {
    {{"Slice x zero nv zero > y"}, "f32[n, 4]"},
    {{"Slice x one to_end zero > y"}, "f32[\"y#0\", 4]"}, /* there may be no row at all */
    {{"Slice x minus to_start zero minus > y"}, "f32[n, 4]"},
    {{"Slice x zero to_end zero two > y"}, "f32[ceil(n, 2), 4]"},
    {{"Concat nv one > a", "Tile x a > y"}, "f32[n*n, 4]"},
    {{"Concat two nv > a", "Tile x a > y"}, "f32[2*n, 4*n]"},
    {{"Concat nv three s > a", "ConstantOfShape a > y"}, "f32[n, 3, n, 4]"},
    {{"Equal s minus > e", "Where e two s > a", "Expand x a > y"}, "f32[n, 4]"},
    {{"Mod nv two > r", "Concat zero r zero zero > p", "Pad x p > y"}, "f32[n, n + -2*floor(n, 2) + 4]"},
    {{"Max nv one > a", "ConstantOfShape a > y"}, "f32[\"y#0\"]"}, /* n or 1 */
    {{"Add nv two > b", "Max nv b > a", "ConstantOfShape a > y"}, "f32[n + 2]"},
    {{"Range first n step > y"}, "i64[n]"},
    {{"Reshape x shape > r", "TopK r two > y"}, "f32[2*n, 2]"},
    {{"ScatterElements s zero two > a", "ConstantOfShape a > y"}, "f32[2, 4]"},
    {{"GatherElements s one > a", "ConstantOfShape a > y"}, "f32[4]"},
    {{"Concat nv nv > a", "CenterCropPad x a > y"}, "f32[n, n]"},
    {{"Unsqueeze x pads > u", "Shape u > us", "ConstantOfShape us > y"}, "f32[1, 1, n, 4]"},
};

static void add_steps(base_buf *g, const shape_case *s)
{
    for (size_t k = 0; k < sizeof s->steps / sizeof s->steps[0] && s->steps[k] != NULL; k++) {
        char text[128], *op = text, *arrow, *inputs;
        (void)snprintf(text, sizeof text, "%s", s->steps[k]);
        inputs = strchr(text, ' ');
        arrow = strstr(text, " > ");
        *inputs++ = *arrow = '\0';
        base_buf node = ow_node(op, inputs, strcmp(op, "TopK") == 0 ? "y i" : arrow + 3);
        if (strcmp(op, "Concat") == 0 || strcmp(op, "ScatterElements") == 0) {
            ow_attr_int(&node, "axis", 0);
        }
        ow_add_node(g, node);
    }
}

static void test_free_dimensions(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof shape_cases / sizeof shape_cases[0]; k++) {
        const shape_case *s = &shape_cases[k];
        base_buf g = graph_n4();
        add_steps(&g, s);
        ow_add_output(&g, "y", SY_DT_F32);
        imported i = import_model(ow_model(g, 21));
        const char *got = ir_type_text(&i.m->main->outputs[0]->use.value->type, i.arena);
        if (strcmp(got, s->want) != 0) {
            fail_msg("case %zu: expected %s, got %s", k, s->want, got);
        }
        drop(&i);
    }
}

/* ---------------------------------------------------------------- old forms */

static const int64_t dims_23[2] = {2, 3};

/* Runs on x = 0 .. 5 of shape [2,3] and compares the result. */
static void expect_run(base_buf g, int64_t opset, int32_t rank, const int64_t *dims, const float *want)
{
    static float data[6] = {0, 1, 2, 3, 4, 5};
    ir_tensor x, y;
    ow_add_output(&g, "y", SY_DT_F32);
    imported i = import_model(ow_model(g, opset));
    assert_ok(ir_tensor_init(&x, SY_DT_F32, 2, dims_23, data));
    run_reference(&i, &x, &y);
    assert_int_equal(y.rank, rank);
    assert_memory_equal(y.dims, dims, (size_t)rank * sizeof *dims);
    assert_memory_equal(y.data, want, y.size_bytes);
    rt_buffer_free(y.data);
    drop(&i);
}

static base_buf graph_23(void)
{
    base_buf g = {0};
    ow_text(&g, 2, "g");
    ow_add_input(&g, "x", SY_DT_F32, 2, dims_23);
    return g;
}

static void test_old_forms(void **state)
{
    (void)state;
    base_buf g = graph_23(), node;
    ow_add_f32(&g, "times", 2);
    ow_add_f32(&g, "axis", 1);
    ow_add_node(&g, ow_node("Tile", "x times axis", "y"));
    expect_run(g, 1, 2, (const int64_t[]){2, 6}, (const float[]){0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5});

    g = graph_23();
    node = ow_node("TopK", "x", "y i");
    ow_attr_int(&node, "k", 2);
    ow_add_node(&g, node);
    expect_run(g, 9, 2, (const int64_t[]){2, 2}, (const float[]){2, 1, 5, 4});

    g = graph_23();
    const int32_t indices[2] = {1, 0};
    const float updates[2] = {10, 20};
    const int64_t one_two[2] = {1, 2};
    ow_add_const(&g, "i", SY_DT_I32, 2, one_two, indices, sizeof indices);
    ow_add_const(&g, "u", SY_DT_F32, 2, one_two, updates, sizeof updates);
    ow_add_node(&g, ow_node("Scatter", "x i u", "y"));
    expect_run(g, 9, 2, dims_23, (const float[]){0, 20, 2, 10, 4, 5});
}

/* Operators that were experimental until ONNX 1.4. */
static void test_experimental(void **state)
{
    (void)state;
    static const int64_t one[1] = {1}, two[1] = {2}, four[1] = {4}, plane[4] = {1, 1, 2, 3}, border[4] = {1, 0, 1, 1};
    base_buf g = graph_23(), node = ow_node("Affine", "x", "y");
    ow_attr_float(&node, "alpha", 2);
    ow_attr_float(&node, "beta", -1);
    ow_add_node(&g, node);
    expect_run(g, 7, 2, dims_23, (const float[]){-1, 1, 3, 5, 7, 9});

    g = graph_23(); /* the left, right and lower border of a plane */
    ow_add_const(&g, "plane", SY_DT_I64, 1, four, plane, sizeof plane);
    ow_add_node(&g, ow_node("Reshape", "x plane", "p"));
    node = ow_node("Crop", "p", "y");
    ow_attr_ints(&node, "border", 4, border);
    ow_add_node(&g, node);
    expect_run(g, 7, 4, (const int64_t[]){1, 1, 1, 1}, (const float[]){1});

    g = graph_23();
    node = ow_node("ConstantFill", "x", "y");
    ow_attr_float(&node, "value", 3);
    ow_attr_ints(&node, "extra_shape", 1, two);
    ow_add_node(&g, node);
    expect_run(g, 7, 3, (const int64_t[]){2, 3, 2}, (const float[]){3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3});

    g = graph_23();
    ow_add_const(&g, "from", SY_DT_I64, 1, one, one, sizeof one);
    ow_add_const(&g, "to", SY_DT_I64, 1, one, two, sizeof two);
    ow_add_node(&g, ow_node("DynamicSlice", "x from to from", "y"));
    expect_run(g, 7, 2, (const int64_t[]){2, 1}, (const float[]){1, 4});
}

/* A SparseTensorProto of shape [2,3]. */
static base_buf sparse(const char *name, int rank, int64_t n, const int64_t *indices, const float *values)
{
    base_buf s = {0};
    const int64_t dims[2] = {n, 2};
    ow_message(&s, 1, ow_tensor(name, SY_DT_F32, 1, dims, values, (size_t)n * sizeof *values));
    ow_message(&s, 2, ow_tensor("at", SY_DT_I64, rank, dims, indices, (size_t)(rank == 1 ? n : 2 * n) * sizeof *indices));
    ow_int(&s, 3, 2);
    ow_int(&s, 3, 3);
    return s;
}

static void test_sparse(void **state)
{
    (void)state;
    static const int64_t pairs[4] = {0, 1, 1, 2}, flat[2] = {0, 5}, outside[2] = {0, 6};
    static const float values[2] = {10, 20};
    base_buf g = graph_23(), node = ow_node("Constant", "", "k"), value = ow_attr("sparse_value", 11);
    ow_message(&g, 15, sparse("w", 2, 2, pairs, values));
    ow_message(&value, 22, sparse("v", 1, 2, flat, values));
    ow_message(&node, 5, value);
    ow_add_node(&g, node);
    ow_add_node(&g, ow_node("Add", "x w", "a"));
    ow_add_node(&g, ow_node("Add", "a k", "y"));
    expect_run(g, 13, 2, dims_23, (const float[]){10, 11, 2, 3, 4, 45});

    g = graph_23();
    ow_message(&g, 15, sparse("w", 1, 2, outside, values));
    ow_add_node(&g, ow_node("Add", "x w", "y"));
    ow_add_output(&g, "y", SY_DT_F32);
    base_buf model = ow_model(g, 13);
    base_arena *arena = base_arena_create();
    base_diag diag = {{0}};
    ir_optable *table = NULL;
    ir_module *m = NULL;
    assert_ok(ir_optable_create(arena, &table));
    assert_int_equal(ir_import_onnx_bytes(arena, table, "t.onnx", model.data, model.n_bytes, NULL, &diag, &m),
                     SY_EFORMAT);
    assert_non_null(strstr(diag.message, "outside its dimensions"));
    base_arena_destroy(arena);
    base_buf_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_free_dimensions),
        cmocka_unit_test(test_old_forms),
        cmocka_unit_test(test_experimental),
        cmocka_unit_test(test_sparse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
