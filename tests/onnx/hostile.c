/*
 * hostile.c -- damaged and malicious ONNX files give one line that names the file, quickly, and
 * never more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "onnx_write.h"
#include "systole/base/file.h"
#include "systole/graph/import.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER SY_TEST_DATA_DIR "/hostile/"

static const int64_t image[4] = {1, 3, 8, 8};

static void check_line(const char *file, const char *message)
{
    if (strncmp(message, file, strlen(file)) != 0 || strchr(message, '\n') != NULL ||
        strstr(message, "(null)") != NULL) {
        fail_msg("%s: not one line that names the file: %s", file, message);
    }
}

static sy_status import_bytes(const void *data, size_t n_bytes, base_diag *diag)
{
    base_arena *arena = base_arena_create();
    ir_optable *table = NULL;
    ir_module *m = NULL;
    assert_ok(ir_optable_create(arena, &table));
    const sy_status status = ir_import_onnx_bytes(arena, table, "test.onnx", data, n_bytes, NULL,
                                                  diag, &m);
    ir_module_destroy(m);
    base_arena_destroy(arena);
    return status;
}

/* Imports a model (freed) and expects this status and these words in the message. */
static void expect(base_buf model, sy_status status, const char *words)
{
    base_diag diag = {{0}};
    assert_ok(base_buf_status(&model));
    const sy_status got = import_bytes(model.data, model.n_bytes, &diag);
    base_buf_free(&model);
    if (got != status || (words != NULL && strstr(diag.message, words) == NULL)) {
        fail_msg("expected '%s' with '%s', got '%s': %s", sy_status_text(status),
                 words != NULL ? words : "", sy_status_text(got), diag.message);
    }
    if (got != SY_OK) {
        check_line("test.onnx", diag.message);
    }
}

/* A graph with input x, to be completed. */
static base_buf graph_with_x(void)
{
    base_buf g = {0};
    ow_text(&g, 2, "g");
    ow_add_input(&g, "x", SY_DT_F32, 4, image);
    return g;
}

static base_buf finished(base_buf g)
{
    ow_add_output(&g, "y", SY_DT_F32);
    return ow_model(g, 17);
}

/* ---------------------------------------------------------------- files */

/* These are legal to import: what they ask for fails when they run. */
static bool may_pass(const char *name)
{
    static const char *const names[] = {"escape_name.onnx", "not_utf8.onnx", "unknown_domain.onnx",
                                        "unknown_op.onnx"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void test_files(void **state)
{
    (void)state;
    int n = 0;
    DIR *d = opendir(FOLDER);
    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        const char *dot = strrchr(e->d_name, '.');
        char path[600];
        base_diag diag = {{0}};
        ir_optable *table = NULL;
        ir_module *m = NULL;
        if (dot == NULL || strcmp(dot, ".onnx") != 0) {
            continue;
        }
        snprintf(path, sizeof path, FOLDER "%s", e->d_name);
        base_arena *arena = base_arena_create();
        assert_ok(ir_optable_create(arena, &table));
        const sy_status status = ir_import_onnx(arena, table, path, NULL, &diag, &m);
        if ((status == SY_OK) != may_pass(e->d_name)) {
            fail_msg("%s: %s", e->d_name, status == SY_OK ? "imported" : diag.message);
        }
        if (status != SY_OK) {
            check_line(path, diag.message);
        }
        ir_module_destroy(m);
        base_arena_destroy(arena);
        n++;
    }
    closedir(d);
    assert_true(n > 50);
}

static void test_other_formats(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *words;
    } cases[] = {
        {"", 0, "empty"},
        {"\x89PNG\r\n\x1a\n....", 12, "PNG"},
        {"\x7f"
         "ELF\2\1\1",
         7, "ELF"},
        {"PK\3\4....", 8, "zip"},
        {"\x1f\x8b\x08....", 8, "gzip"},
        {"\x89HDF\r\n\x1a\n..", 10, "HDF5"},
        {"....TFL3....", 12, "TensorFlow Lite"},
        {"{\"a\": 1}", 8, "JSON"},
        {"hello, this is no model\n", 24, "not an ONNX model"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        base_diag diag = {{0}};
        assert_int_equal(import_bytes(cases[i].bytes, cases[i].n, &diag), SY_EFORMAT);
        assert_non_null(strstr(diag.message, cases[i].words));
        check_line("test.onnx", diag.message);
    }
    base_diag diag = {{0}};
    base_arena *arena = base_arena_create();
    ir_optable *table = NULL;
    ir_module *m = NULL;
    assert_ok(ir_optable_create(arena, &table));
    assert_int_equal(ir_import_onnx(arena, table, SY_TEST_DATA_DIR, NULL, &diag, &m),
                     SY_EIO); /* a folder */
    assert_int_equal(ir_import_onnx(arena, table, FOLDER "none.onnx", NULL, &diag, &m), SY_EIO);
    base_arena_destroy(arena);
}

/* ---------------------------------------------------------------- depth and size */

/* If in If in If: `depth` regions. */
static base_buf nested(int depth)
{
    base_buf inner = {0};
    ow_add_node(&inner, ow_node("Identity", "x", "r0"));
    ow_message(&inner, 12, ow_value("r0", SY_DT_F32, -1, NULL));
    for (int i = 1; i <= depth; i++) {
        char name[32];
        base_buf other = {0}, g = {0};
        snprintf(name, sizeof name, "r%d", i);
        base_buf node = ow_node("If", "c", name);
        char alternative[32];
        snprintf(alternative, sizeof alternative, "e%d", i);
        ow_add_node(&other, ow_node("Identity", "x", alternative));
        ow_message(&other, 12, ow_value(alternative, SY_DT_F32, -1, NULL));
        ow_attr_graph(&node, "then_branch", inner);
        ow_attr_graph(&node, "else_branch", other);
        ow_add_node(&g, node);
        ow_message(&g, 12, ow_value(name, SY_DT_F32, -1, NULL));
        inner = g;
    }
    ow_add_input(&inner, "x", SY_DT_F32, 4, image);
    ow_add_input(&inner, "c", SY_DT_BOOL, 0, NULL);
    return ow_model(inner, 17);
}

static void test_depth(void **state)
{
    (void)state;
    expect(nested(100), SY_OK, NULL);
    expect(nested(256), SY_OK, NULL);
    expect(nested(257), SY_ERANGE, "256");
    expect(nested(2000), SY_ERANGE, "256");
}

/* Half a million empty nodes, two bytes each, become structures of over a hundred. */
static void test_amplification(void **state)
{
    (void)state;
    base_buf g = {0};
    for (int i = 0; i < 1500000; i++) {
        base_buf_append(&g, "\x2a\x00", 2); /* an empty TensorProto */
    }
    expect(ow_model(g, 17), SY_ERANGE, "hostile");
}

/* Cost is linear: 100,000 nodes in well under the time limit. */
static void test_many_nodes(void **state)
{
    (void)state;
    base_buf g = graph_with_x();
    char from[32] = "x", to[32];
    for (int i = 0; i < 100000; i++) {
        snprintf(to, sizeof to, i == 99999 ? "y" : "t%d", i);
        ow_add_node(&g, ow_node("Relu", from, to));
        memcpy(from, to, sizeof from);
    }
    expect(finished(g), SY_OK, NULL);
}

/* Nodes in reverse order are sorted; a cycle among them is not. */
static void test_order(void **state)
{
    (void)state;
    base_buf g = graph_with_x();
    char from[32], to[32] = "y";
    for (int i = 0; i < 20000; i++) {
        snprintf(from, sizeof from, i == 19999 ? "x" : "t%d", i);
        ow_add_node(&g, ow_node("Relu", from, to));
        memcpy(to, from, sizeof to);
    }
    expect(finished(g), SY_OK, NULL);

    g = graph_with_x();
    ow_add_node(&g, ow_node("Add", "x b", "a"));
    ow_add_node(&g, ow_node("Relu", "a", "b"));
    ow_add_node(&g, ow_node("Relu", "x", "y"));
    expect(finished(g), SY_EFORMAT, "cycle");

    g = graph_with_x(); /* a region that needs what comes later */
    base_buf then_graph = {0}, else_graph = {0}, node = ow_node("If", "c", "y");
    ow_add_node(&then_graph, ow_node("Relu", "late", "t"));
    ow_message(&then_graph, 12, ow_value("t", SY_DT_F32, -1, NULL));
    ow_add_node(&else_graph, ow_node("Relu", "x", "e"));
    ow_message(&else_graph, 12, ow_value("e", SY_DT_F32, -1, NULL));
    ow_attr_graph(&node, "then_branch", then_graph);
    ow_attr_graph(&node, "else_branch", else_graph);
    ow_add_input(&g, "c", SY_DT_BOOL, 0, NULL);
    ow_add_node(&g, node);
    ow_add_node(&g, ow_node("Relu", "x", "late"));
    expect(finished(g), SY_EFORMAT, "late");
}

/* ---------------------------------------------------------------- contents */

static void test_values(void **state)
{
    (void)state;
    base_buf g = graph_with_x();
    ow_add_node(&g, ow_node("Relu", "z", "y"));
    expect(finished(g), SY_EFORMAT, "'z'");

    g = graph_with_x(); /* a region may not hide a name */
    base_buf then_graph = {0}, else_graph = {0}, node = ow_node("If", "c", "y");
    ow_add_node(&then_graph, ow_node("Relu", "x", "x"));
    ow_message(&then_graph, 12, ow_value("x", SY_DT_F32, -1, NULL));
    ow_add_node(&else_graph, ow_node("Relu", "x", "e"));
    ow_message(&else_graph, 12, ow_value("e", SY_DT_F32, -1, NULL));
    ow_attr_graph(&node, "then_branch", then_graph);
    ow_attr_graph(&node, "else_branch", else_graph);
    ow_add_input(&g, "c", SY_DT_BOOL, 0, NULL);
    ow_add_node(&g, node);
    assert_int_not_equal(import_bytes(g.data, g.n_bytes, NULL),
                         SY_OK); /* no diag: still no crash */
    expect(finished(g), SY_EFORMAT, NULL);

    const int64_t wide[3] = {1 << 20, 1 << 20, 2};
    g = (base_buf){0};
    ow_add_input(&g, "x", SY_DT_F32, 3, wide);
    ow_add_node(&g, ow_node("Relu", "x", "y"));
    expect(finished(g), SY_ERANGE, "2^40");

    const int64_t wrap[3] = {INT64_MAX, 4, 0};
    g = graph_with_x();
    ow_add_const(&g, "w", SY_DT_F32, 2, wrap, "", 0);
    ow_add_node(&g, ow_node("Relu", "x", "y"));
    expect(finished(g), SY_ERANGE, "2^40");
}

static void test_attributes(void **state)
{
    (void)state;
    base_buf g = graph_with_x(), node = ow_node("Flatten", "x", "y");
    ow_attr_text(&node, "axis", "one");
    ow_add_node(&g, node);
    expect(finished(g), SY_EFORMAT, "expected int");

    g = graph_with_x();
    node = ow_node("Flatten", "x", "y");
    ow_attr_int(&node, "axes", 1);
    ow_add_node(&g, node);
    expect(finished(g), SY_EUNSUPPORTED, "axes");

    g = graph_with_x();
    node = ow_node("Flatten", "x", "y");
    ow_attr_int(&node, "axis", 1);
    ow_attr_int(&node, "axis", 2);
    ow_add_node(&g, node);
    expect(finished(g), SY_EFORMAT, "twice");

    g = graph_with_x();
    node = ow_node("Flatten", "x", "y");
    base_buf a = ow_attr("axis", 99);
    ow_message(&node, 5, a);
    ow_add_node(&g, node);
    expect(finished(g), SY_EUNSUPPORTED, "kind 99");
}

/* ---------------------------------------------------------------- data in other files */

/* Imports FOLDER/m.onnx, whose weights lie at `location`. */
static sy_status import_external(const char *folder, const char *location, int64_t offset,
                                 base_diag *diag, float *first)
{
    static const int64_t two[1] = {2};
    char path[300], number[24];
    base_buf g = {0}, t = {0};
    const char *const entries[4] = {"location", location, "offset", number};
    ir_optable *table = NULL;
    ir_module *m = NULL;
    base_arena *arena = base_arena_create();
    snprintf(path, sizeof path, "%s/m.onnx", folder);
    snprintf(number, sizeof number, "%lld", (long long)offset);
    ow_int(&t, 1, 2);
    ow_int(&t, 2, SY_DT_F32);
    ow_text(&t, 8, "w");
    for (int i = 0; i < 2; i++) {
        base_buf e = {0};
        ow_text(&e, 1, entries[2 * i]);
        ow_text(&e, 2, entries[2 * i + 1]);
        ow_message(&t, 13, e);
    }
    ow_int(&t, 14, 1); /* data_location EXTERNAL */
    ow_message(&g, 5, t);
    ow_add_input(&g, "x", SY_DT_F32, 1, two);
    ow_add_node(&g, ow_node("Add", "x w", "y"));
    base_buf model = finished(g);
    assert_ok(base_file_write_atomic(diag, path, model.data, model.n_bytes));
    base_buf_free(&model);
    assert_ok(ir_optable_create(arena, &table));
    const sy_status status = ir_import_onnx(arena, table, path, NULL, diag, &m);
    if (status == SY_OK) {
        const void *data = NULL;
        assert_ok(ir_const_data(m, ir_node_input(m->main->first, 1)->constant, diag, &data));
        *first = *(const float *)data;
    } else {
        check_line(path, diag->message);
    }
    ir_module_destroy(m);
    base_arena_destroy(arena);
    return status;
}

static void test_external(void **state)
{
    (void)state;
    static const float weights[3] = {1, 2, 3};
    char folder[] = "/tmp/onnx_external_XXXXXX", path[300], outside[300];
    float first = 0;
    base_diag diag = {{0}};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/in", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(outside, sizeof outside, "%s/secret.bin", folder);
    assert_ok(base_file_write_atomic(&diag, outside, weights, sizeof weights));
    snprintf(outside, sizeof outside, "%s/in/w.bin", folder);
    assert_ok(base_file_write_atomic(&diag, outside, weights, sizeof weights));
    snprintf(outside, sizeof outside, "%s/in/link.bin", folder);
    assert_int_equal(symlink("../secret.bin", outside), 0);

    assert_ok(import_external(path, "w.bin", 4, &diag, &first));
    assert_true(first == 2.0f);
    assert_ok(import_external(path, "./w.bin", 1, &diag, &first)); /* any alignment */
    assert_int_equal(import_external(path, "w.bin", 5, &diag, &first), SY_EFORMAT);
    assert_int_equal(import_external(path, "link.bin", 0, &diag, &first), SY_EINVAL);
    assert_int_equal(import_external(path, "../secret.bin", 0, &diag, &first), SY_EINVAL);
    assert_int_equal(import_external(path, "../in/w.bin", 0, &diag, &first), SY_EINVAL);
    assert_int_equal(import_external(path, "", 0, &diag, &first), SY_EINVAL);
    assert_int_equal(import_external(path, ".", 0, &diag, &first), SY_EINVAL);
    assert_int_equal(import_external(path, "/dev/zero", 0, &diag, &first), SY_EINVAL);

    static const char *const made[] = {"in/link.bin", "in/w.bin", "in/m.onnx", "secret.bin"};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        snprintf(outside, sizeof outside, "%s/%s", folder, made[i]);
        assert_int_equal(unlink(outside), 0);
    }
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* Names with control characters and format directives come out as one harmless line. */
static void test_names(void **state)
{
    (void)state;
    base_buf g = graph_with_x();
    ow_add_node(&g, ow_node("Relu", "%s%n\x1b[2J", "y"));
    expect(finished(g), SY_EFORMAT, "%s%n");
}

/* The same message of the graph given twice would be merged by protobuf. */
static void test_merge(void **state)
{
    (void)state;
    base_buf g = graph_with_x(), model;
    ow_add_node(&g, ow_node("Relu", "x", "y"));
    model = finished(g);
    base_buf second = {0};
    ow_message(&model, 7, second);
    expect(model, SY_EFORMAT, "two fields 'graph'");
}

/* Whatever allocation of the module's arena fails: an error, and nothing leaks. */
static void test_out_of_memory(void **state)
{
    (void)state;
    base_buf g = graph_with_x();
    ow_add_f32(&g, "s", 0.1f);
    ow_add_i8(&g, "z", 3);
    ow_add_node(&g, ow_node("QuantizeLinear", "x s z", "q"));
    ow_add_node(&g, ow_node("DequantizeLinear", "q s z", "d"));
    ow_add_node(&g, ow_node("GlobalAveragePool", "d", "p"));
    ow_add_node(&g, ow_node("QuantizeLinear", "p s z", "r"));
    ow_add_node(&g, ow_node("DequantizeLinear", "r s z", "y"));
    base_buf model = finished(g);
    sy_status status = SY_ENOMEM;
    for (size_t n = 1; status != SY_OK; n++) {
        base_arena *arena = base_arena_create();
        base_diag diag = {{0}};
        ir_optable *table = NULL;
        ir_module *m = NULL;
        assert_ok(ir_optable_create(arena, &table));
        base_arena_fail_at(arena, n);
        status = ir_import_onnx_bytes(arena, table, "test.onnx", model.data, model.n_bytes, NULL,
                                      &diag, &m);
        if (status != SY_OK) {
            assert_int_equal(status, SY_ENOMEM);
            assert_null(m);
        }
        ir_module_destroy(m);
        base_arena_destroy(arena);
        assert_true(n < 100000);
    }
    base_buf_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),      cmocka_unit_test(test_other_formats),
        cmocka_unit_test(test_depth),      cmocka_unit_test(test_amplification),
        cmocka_unit_test(test_many_nodes), cmocka_unit_test(test_order),
        cmocka_unit_test(test_values),     cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_names),      cmocka_unit_test(test_external),
        cmocka_unit_test(test_merge),      cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
