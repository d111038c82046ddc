/*
 * regions.c -- Scan of operator set 8, Loop without its first operands, SequenceMap, Optional without an operand.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_run.h"

#include "systole/graph/list.h"

#define MAX_IO 4

/* Runs the main graph by the reference kernels and by the fast ones; the results are the caller's (rt_buffer_free). */
static sy_status run_both(const imported *i, const ir_tensor *in, ir_tensor *out)
{
    const ir_tensor *inputs[MAX_IO];
    ir_tensor *outputs[MAX_IO];
    sy_status status = SY_OK;
    for (int reference = 0; reference < 2 && status == SY_OK; reference++) {
        const rt_cpu_options options = {.reference = reference != 0};
        base_diag diag = {{0}};
        rt_cpu *cpu = NULL;
        rt_cpu_plan *plan = NULL;
        for (uint32_t k = 0; k < MAX_IO; k++) {
            inputs[k] = in + k;
            outputs[k] = out + k;
            rt_buffer_free(reference != 0 ? out[k].data : NULL);
            out[k] = (ir_tensor){0};
        }
        assert_ok(rt_cpu_create(i->m, &options, &diag, &cpu));
        assert_ok(rt_cpu_plan_graph(cpu, i->m->main, &diag, &plan));
        status = rt_cpu_plan_run(plan, inputs, outputs, NULL, &diag);
        rt_cpu_plan_destroy(plan);
        rt_cpu_destroy(cpu);
    }
    return status;
}

static void free_all(ir_tensor *out)
{
    for (int k = 0; k < MAX_IO; k++) {
        rt_buffer_free(out[k].data);
    }
}

/* s' = s + x; scan output s'. */
static base_buf sum_body(void)
{
    base_buf g = {0};
    const int64_t dims[] = {1};
    ow_add_node(&g, ow_node("Add", "s x", "s2"));
    ow_add_node(&g, ow_node("Identity", "s2", "y"));
    ow_add_input(&g, "s", SY_DT_F32, 1, dims);
    ow_add_input(&g, "x", SY_DT_F32, 1, dims);
    ow_add_output(&g, "s2", SY_DT_F32);
    ow_add_output(&g, "y", SY_DT_F32);
    return g;
}

static void test_scan_8(void **state)
{
    (void)state;
    base_buf g = {0}, scan = ow_node("Scan", "lengths s0 x0", "S Y");
    const int64_t reverse[] = {1}, n_dims[] = {2}, s_dims[] = {2, 1}, x_dims[] = {2, 3, 1};
    ow_attr_graph(&scan, "body", sum_body());
    ow_attr_int(&scan, "num_scan_inputs", 1);
    ow_attr_ints(&scan, "directions", 1, reverse);
    ow_add_node(&g, scan);
    ow_add_input(&g, "lengths", SY_DT_I64, 1, n_dims);
    ow_add_input(&g, "s0", SY_DT_F32, 2, s_dims);
    ow_add_input(&g, "x0", SY_DT_F32, 3, x_dims);
    ow_add_output(&g, "S", SY_DT_F32);
    ow_add_output(&g, "Y", SY_DT_F32);
    imported i = import_model(ow_model(g, 8));
    int64_t lengths[] = {3, 2};
    float s0[] = {0, 10}, x0[] = {1, 2, 4, 1, 2, 4};
    ir_tensor in[MAX_IO] = {{0}}, out[MAX_IO];
    assert_ok(ir_tensor_init(&in[0], SY_DT_I64, 1, n_dims, lengths));
    assert_ok(ir_tensor_init(&in[1], SY_DT_F32, 2, s_dims, s0));
    assert_ok(ir_tensor_init(&in[2], SY_DT_F32, 3, x_dims, x0));
    assert_ok(run_both(&i, in, out));
    assert_memory_equal(out[0].data, ((float[]){7, 13}), 2 * sizeof(float));
    assert_int_equal(out[1].rank, 3);
    assert_memory_equal(out[1].data, ((float[]){4, 6, 7, 12, 13, 0}), 6 * sizeof(float));
    free_all(out);
    drop(&i);
}

/* A loop that ends itself, without trip count or condition, carrying a sequence. */
static void test_loop(void **state)
{
    (void)state;
    base_buf body = {0}, g = {0}, cast = ow_node("Cast", "number", "x");
    ow_attr_int(&cast, "to", SY_DT_F32);
    ow_add_node(&body, cast);
    ow_add_node(&body, ow_node("SequenceInsert", "q x", "q2"));
    ow_add_node(&body, ow_node("Less", "x limit", "again"));
    ow_add_input(&body, "number", SY_DT_I64, 0, NULL);
    ow_add_input(&body, "go", SY_DT_BOOL, 0, NULL);
    base_buf q = {0};
    ow_text(&q, 1, "q");
    ow_message(&body, 11, q); /* without a type */
    ow_add_output(&body, "again", SY_DT_BOOL);
    ow_add_output(&body, "q2", SY_DT_F32);
    base_buf loop = ow_node("Loop", "- - q0", "all"), join = ow_node("ConcatFromSequence", "all", "y");
    ow_attr_graph(&loop, "body", body);
    ow_attr_int(&join, "axis", 0);
    ow_attr_int(&join, "new_axis", 1);
    ow_add_node(&g, ow_node("SequenceEmpty", "", "q0"));
    ow_add_node(&g, loop);
    ow_add_node(&g, join);
    ow_add_node(&g, ow_node("SequenceLength", "all", "n"));
    ow_add_input(&g, "limit", SY_DT_F32, 0, NULL);
    ow_add_output(&g, "y", SY_DT_F32);
    ow_add_output(&g, "n", SY_DT_I64);
    imported i = import_model(ow_model(g, 13));
    float limit = 2.5f;
    ir_tensor in[MAX_IO] = {{0}}, out[MAX_IO];
    assert_ok(ir_tensor_init(&in[0], SY_DT_F32, 0, NULL, &limit));
    assert_ok(run_both(&i, in, out));
    assert_int_equal(out[0].dims[0], 4);
    assert_memory_equal(out[0].data, ((float[]){0, 1, 2, 3}), 4 * sizeof(float));
    assert_int_equal(*(int64_t *)out[1].data, 4);
    free_all(out);
    drop(&i);
}

static void test_sequence_map(void **state)
{
    (void)state;
    base_buf body = {0}, g = {0}, split = ow_node("SplitToSequence", "x", "parts"), map = ow_node("SequenceMap", "parts k", "sums shapes");
    base_buf e = {0}, f = {0};
    ow_text(&e, 1, "e");
    ow_text(&f, 1, "f");
    ow_add_node(&body, ow_node("Add", "e f", "sum"));
    ow_add_node(&body, ow_node("Shape", "e", "shape"));
    ow_message(&body, 11, e);
    ow_message(&body, 11, f);
    ow_add_output(&body, "sum", SY_DT_F32);
    ow_add_output(&body, "shape", SY_DT_I64);
    ow_attr_graph(&map, "body", body);
    ow_add_node(&g, split);
    ow_add_node(&g, map);
    const int64_t dims[] = {-1, 2};
    ow_add_input(&g, "x", SY_DT_F32, 2, dims);
    ow_add_input(&g, "k", SY_DT_F32, 0, NULL);
    ow_add_output(&g, "sums", SY_DT_F32);
    ow_add_output(&g, "shapes", SY_DT_I64);
    imported i = import_model(ow_model(g, 17));
    float x[] = {1, 2, 3, 4}, k = 10;
    ir_tensor in[MAX_IO] = {{0}}, out[MAX_IO], entry;
    assert_ok(ir_tensor_init(&in[0], SY_DT_F32, 2, (const int64_t[]){2, 2}, x));
    assert_ok(ir_tensor_init(&in[1], SY_DT_F32, 0, NULL, &k));
    assert_ok(run_both(&i, in, out));
    assert_int_equal(out[0].kind, IR_TYPE_SEQUENCE);
    assert_int_equal(ir_list_n(&out[0]), 2);
    ir_list_entry(&out[0], 1, &entry);
    assert_memory_equal(entry.data, ((float[]){13, 14}), 2 * sizeof(float));
    ir_list_entry(&out[1], 0, &entry);
    assert_memory_equal(entry.data, ((int64_t[]){1, 2}), 2 * sizeof(int64_t));
    free_all(out);
    /* no entries: a sequence of none, of the right type */
    assert_ok(ir_tensor_init(&in[0], SY_DT_F32, 2, (const int64_t[]){0, 2}, x));
    assert_ok(run_both(&i, in, out));
    assert_int_equal(ir_list_n(&out[1]), 0);
    assert_int_equal(out[1].dtype, SY_DT_I64);
    free_all(out);
    drop(&i);
}

/* Places outside a sequence are one line, not a read beyond it. */
static void test_places(void **state)
{
    (void)state;
    base_buf g = {0};
    ow_add_node(&g, ow_node("SequenceConstruct", "x x", "q"));
    ow_add_node(&g, ow_node("SequenceAt", "q p", "y"));
    const int64_t dims[] = {2};
    ow_add_input(&g, "x", SY_DT_F32, 1, dims);
    ow_add_input(&g, "p", SY_DT_I64, 0, NULL);
    ow_add_output(&g, "y", SY_DT_F32);
    imported i = import_model(ow_model(g, 11));
    float x[] = {1, 2};
    for (int64_t p = -4; p < 4; p++) {
        ir_tensor in[MAX_IO] = {{0}}, out[MAX_IO];
        assert_ok(ir_tensor_init(&in[0], SY_DT_F32, 1, dims, x));
        assert_ok(ir_tensor_init(&in[1], SY_DT_I64, 0, NULL, &p));
        assert_int_equal(run_both(&i, in, out), p >= -2 && p < 2 ? SY_OK : SY_ERANGE);
        free_all(out);
    }
    drop(&i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan_8),
        cmocka_unit_test(test_loop),
        cmocka_unit_test(test_sequence_map),
        cmocka_unit_test(test_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
