/*
 * zoo.c -- every network of tests/data/zoo is imported and run by the reference kernels: bit for
 * bit what zoo.tsv promises.
 *
 * Also, for networks that the importer is to understand whole, that nothing is left in float, and
 * for the others that a reason is noted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/graph/import.h"
#include "systole/graph/text.h"
#include "systole/graph/verify.h"
#include "systole/rt/buffer.h"
#include "systole/rt/cpu.h"
#include "systole/rt/npy.h"

#include <math.h>
#include <unistd.h>

#define ZOO         SY_TEST_DATA_DIR "/zoo/"
#define MAX_TENSORS 4

typedef struct entry {
    char name[64], class[16], exact[8];
    double lsb;
} entry;

typedef struct tensors {
    uint32_t n;
    ir_tensor items[MAX_TENSORS];
} tensors;

static void fail_with(const char *name, const char *what)
{
    fail_msg("%s: %s", name, what);
}

/* NAME.part.npy, or NAME.part0.npy, NAME.part1.npy, ... */
static void load(const char *name, const char *part, tensors *out)
{
    char path[512];
    base_diag diag = {{0}};
    out->n = 0;
    snprintf(path, sizeof path, ZOO "%s.%s.npy", name, part);
    if (access(path, R_OK) == 0) {
        assert_ok(rt_npy_read(path, &diag, &out->items[out->n++]));
        return;
    }
    for (int i = 0; i < MAX_TENSORS; i++) {
        snprintf(path, sizeof path, ZOO "%s.%s%d.npy", name, part, i);
        if (access(path, R_OK) != 0) {
            break;
        }
        assert_ok(rt_npy_read(path, &diag, &out->items[out->n++]));
    }
    if (out->n == 0) {
        fail_with(name, part);
    }
}

static void release(tensors *t)
{
    for (uint32_t i = 0; i < t->n; i++) {
        rt_buffer_free(t->items[i].data);
    }
}

static void run(const char *name, ir_module *m, const tensors *in, tensors *out)
{
    const rt_cpu_options options = {.reference = true};
    const ir_tensor *inputs[MAX_TENSORS] = {NULL};
    ir_tensor *outputs[MAX_TENSORS] = {NULL};
    base_diag diag = {{0}};
    rt_cpu *cpu = NULL;
    rt_cpu_plan *plan = NULL;
    assert_ok(rt_cpu_create(m, &options, &diag, &cpu));
    if (rt_cpu_plan_graph(cpu, m->main, &diag, &plan) != SY_OK) {
        fail_with(name, diag.message);
    }
    assert_int_equal(m->main->n_inputs, in->n);
    out->n = m->main->n_outputs;
    memset(out->items, 0, sizeof out->items);
    for (uint32_t i = 0; i < in->n; i++) {
        inputs[i] = &in->items[i];
    }
    for (uint32_t i = 0; i < out->n; i++) {
        outputs[i] = &out->items[i];
    }
    if (rt_cpu_plan_run(plan, inputs, outputs, NULL, &diag) != SY_OK) {
        fail_with(name, diag.message);
    }
    rt_cpu_plan_destroy(plan);
    rt_cpu_destroy(cpu);
}

/* The largest difference, in fp32 relative to the largest expected value, in integers as it is. */
static double difference(const ir_tensor *a, const ir_tensor *b)
{
    double most = 0, largest = 0;
    for (int64_t i = 0; i < ir_tensor_n_elements(a); i++) {
        double x, y;
        if (a->dtype == SY_DT_F32) {
            x = (double)((const float *)a->data)[i];
            y = (double)((const float *)b->data)[i];
        } else {
            x = (double)ir_tensor_get_i64(a, i);
            y = (double)ir_tensor_get_i64(b, i);
        }
        most = fmax(most, fabs(x - y));
        largest = fmax(largest, fabs(y));
    }
    return a->dtype == SY_DT_F32 && largest > 0 ? most / largest : most;
}

static int compare(const entry *e, const tensors *got, const tensors *want)
{
    int n_bad = 0;
    assert_int_equal(got->n, want->n);
    for (uint32_t i = 0; i < got->n; i++) {
        const ir_tensor *a = &got->items[i], *b = &want->items[i];
        assert_int_equal(a->dtype, b->dtype);
        assert_int_equal(a->size_bytes, b->size_bytes);
        if (e->exact[0] != '-' ? memcmp(a->data, b->data, a->size_bytes) != 0
                               : strcmp(e->class, "float") == 0 && difference(a, b) > 1e-4) {
            print_error("%s: output %u differs (class %s), by %g\n", e->name, i, e->class,
                        difference(a, b));
            n_bad++;
        }
    }
    return n_bad;
}

/* Operators on float data other than the two at the edges, without a note that says why. */
static int unexplained(const entry *e, const ir_module *m)
{
    int n = 0;
    for (const ir_node *node = m->main->first; node != NULL; node = node->next) {
        const ir_value *x = ir_node_input(node, 0);
        const bool in_float = ir_node_is(node, IR_OP_CONV) || ir_node_is(node, IR_OP_GEMM) ||
                              ir_node_is(node, IR_OP_MATMUL) || ir_node_is(node, IR_OP_AVERAGEPOOL);
        if (in_float && x->producer != NULL && ir_node_is(x->producer, IR_OP_DEQUANTIZELINEAR) &&
            ir_import_note(m, node->number) == NULL) {
            print_error("%s: %s stays in float and no note says why\n", e->name, node->op_name);
            n++;
        }
    }
    return n;
}

/* What is imported prints, and parses back to the same text. */
static void check_text(const char *name, ir_module *m, base_arena *arena, ir_optable *table)
{
    char *text = NULL, *again = NULL;
    size_t n = 0, n_again = 0;
    ir_module *parsed = NULL;
    base_diag diag = {{0}};
    assert_ok(ir_print(m, NULL, arena, &diag, &text, &n));
    if (ir_parse(arena, table, name, text, n, &diag, &parsed) != SY_OK) {
        fail_with(name, diag.message);
    }
    assert_ok(ir_print(parsed, NULL, arena, &diag, &again, &n_again));
    assert_string_equal(text, again);
    ir_module_destroy(parsed);
}

static int check_entry(const entry *e)
{
    char path[512];
    base_diag diag = {{0}};
    base_arena *arena = base_arena_create();
    ir_optable *table = NULL;
    ir_module *m = NULL;
    tensors in, out, want;
    snprintf(path, sizeof path, ZOO "%s.onnx", e->name);
    assert_ok(ir_optable_create(arena, &table));
    if (ir_import_onnx(arena, table, path, NULL, &diag, &m) != SY_OK) {
        fail_with(e->name, diag.message);
    }
    int n_bad = unexplained(e, m);
    check_text(e->name, m, arena, table);
    for (const ir_node *n = m->main->first; n != NULL; n = n->next) {
        if (n->op == NULL) { /* the network has an operator without a kernel */
            ir_module_destroy(m);
            base_arena_destroy(arena);
            return n_bad;
        }
    }
    load(e->name, "in", &in);
    load(e->name, strcmp(e->exact, "ref") == 0 ? "ref" : "ort", &want);
    run(e->name, m, &in, &out);
    n_bad += compare(e, &out, &want);
    release(&in);
    release(&out);
    release(&want);
    ir_module_destroy(m);
    base_arena_destroy(arena);
    return n_bad;
}

static void test_zoo(void **state)
{
    (void)state;
    char line[512];
    int n = 0, n_bad = 0;
    FILE *f = fopen(ZOO "zoo.tsv", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        entry e = {{0}, {0}, {0}, 0};
        char lsb[32];
        if (line[0] == '#' ||
            sscanf(line, "%63[^\t]\t%15[^\t]\t%31[^\t]\t%*[^\t]\t%*[^\t]\t%*[^\t]\t%7[^\t]", e.name,
                   e.class, lsb, e.exact) != 4) {
            continue;
        }
        n_bad += check_entry(&e);
        n++;
    }
    fclose(f);
    assert_true(n > 100);
    assert_int_equal(n_bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_zoo)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
