/*
 * zoo_cpu.c -- the zoo of quantised networks on the host device: bit-equal to what ONNX Runtime or exact arithmetic gave, and
 * the fast kernels bit-equal to the reference.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 120
#include "test.h"

#include "systole/base/buf.h"
#include "systole/base/file.h"
#include "systole/graph/import.h"
#include "systole/rt/buffer.h"
#include "systole/rt/cpu.h"
#include "systole/rt/npy.h"

#include <math.h>
#include <unistd.h>

#define ZOO SY_TEST_DATA_DIR "/zoo/"
#define MAX_VALUES 4
#define FLOAT_SHARE 1e-4 /* of the largest output: what class "float" promises */

typedef struct row {
    char name[64], class[16], exact[16];
} row;

static base_diag diag;
static unsigned n_failed;

#define REQUIRE(call, name)                                                             \
    do {                                                                                \
        if ((call) != SY_OK) {                                                          \
            print_error("%s: %s\n", (name), base_diag_message(&diag));                  \
            n_failed++;                                                                 \
            return;                                                                     \
        }                                                                               \
    } while (0)

/* NAME.kind.npy, or NAME.kind<i>.npy where there are several; false if there is none. */
static bool read_tensor(const char *name, const char *kind, unsigned i, ir_tensor *out)
{
    char path[512];
    (void)snprintf(path, sizeof path, ZOO "%s.%s%u.npy", name, kind, i);
    if (access(path, R_OK) != 0) {
        (void)snprintf(path, sizeof path, ZOO "%s.%s.npy", name, kind);
        if (i > 0 || access(path, R_OK) != 0) {
            return false;
        }
    }
    if (rt_npy_read(path, &diag, out) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    return true;
}

/* Runs the whole graph; outputs are the caller's to free. */
static sy_status run(ir_module *m, bool reference, const ir_tensor *inputs, ir_tensor *outputs)
{
    const rt_cpu_options options = { .reference = reference, .n_threads = 2 };
    rt_cpu *cpu = NULL;
    rt_cpu_plan *plan = NULL;
    const ir_tensor *in[MAX_VALUES];
    ir_tensor *out[MAX_VALUES];
    for (unsigned i = 0; i < MAX_VALUES; i++) {
        in[i] = &inputs[i];
        out[i] = &outputs[i];
    }
    sy_status status = rt_cpu_create(m, &options, &diag, &cpu);
    if (status == SY_OK) {
        status = rt_cpu_plan_graph(cpu, m->main, &diag, &plan);
    }
    if (status == SY_OK) {
        status = rt_cpu_plan_run(plan, in, out, NULL, &diag);
    }
    rt_cpu_plan_destroy(plan);
    rt_cpu_destroy(cpu);
    return status;
}

static void differ(const char *name, const char *what)
{
    print_error("%s: %s\n", name, what);
    n_failed++;
}

static bool same_bytes(const ir_tensor *a, const ir_tensor *b)
{
    return a->dtype == b->dtype && a->size_bytes == b->size_bytes && memcmp(a->data, b->data, a->size_bytes) == 0;
}

static bool near(const ir_tensor *a, const ir_tensor *b)
{
    if (a->dtype != SY_DT_F32 || b->dtype != SY_DT_F32 || a->size_bytes != b->size_bytes) {
        return same_bytes(a, b);
    }
    double largest = 0.0, distance = 0.0;
    for (size_t i = 0; i < a->size_bytes / 4; i++) {
        const double x = (double)((const float *)a->data)[i], y = (double)((const float *)b->data)[i];
        largest = fmax(largest, fabs(y));
        distance = fmax(distance, fabs(x - y));
    }
    return distance <= FLOAT_SHARE * largest;
}

static void check_outputs(const row *r, const ir_module *m, const ir_tensor *reference, const ir_tensor *fast)
{
    const bool is_float = strcmp(r->class, "float") == 0;
    for (unsigned i = 0; i < m->main->n_outputs; i++) {
        ir_tensor want = { 0 };
        if (is_float ? !near(&fast[i], &reference[i]) : !same_bytes(&fast[i], &reference[i])) {
            differ(r->name, "fast kernels differ from the reference");
        }
        if (strcmp(r->exact, "-") != 0 && !read_tensor(r->name, r->exact, i, &want)) {
            differ(r->name, "the file with the exact result is missing");
        } else if (want.data != NULL && !same_bytes(&reference[i], &want)) {
            differ(r->name, "the reference differs from the exact result");
        }
        rt_buffer_free(want.data);
        want = (ir_tensor){ 0 };
        if (is_float && read_tensor(r->name, "ort", i, &want)) {
            if (!near(&reference[i], &want)) {
                differ(r->name, "the reference is not near ONNX Runtime");
            }
            rt_buffer_free(want.data);
        }
    }
}

static void check_network(const row *r)
{
    base_arena *arena = base_arena_create();
    ir_optable *table = NULL;
    ir_module *m = NULL;
    char path[512];
    (void)snprintf(path, sizeof path, ZOO "%s.onnx", r->name);
    assert_non_null(arena);
    assert_ok(ir_optable_create(arena, &table));
    REQUIRE(ir_import_onnx(arena, table, path, NULL, &diag, &m), r->name);
    if (m->main->n_inputs > MAX_VALUES || m->main->n_outputs > MAX_VALUES) {
        fail_msg("%s has too many inputs or outputs for this test", r->name);
    }
    ir_tensor inputs[MAX_VALUES] = { 0 }, reference[MAX_VALUES] = { 0 }, fast[MAX_VALUES] = { 0 };
    for (unsigned i = 0; i < m->main->n_inputs; i++) {
        assert_true(read_tensor(r->name, "in", i, &inputs[i]));
    }
    REQUIRE(run(m, true, inputs, reference), r->name);
    REQUIRE(run(m, false, inputs, fast), r->name);
    check_outputs(r, m, reference, fast);
    for (unsigned i = 0; i < MAX_VALUES; i++) {
        rt_buffer_free(inputs[i].data);
        rt_buffer_free(reference[i].data);
        rt_buffer_free(fast[i].data);
    }
    ir_module_destroy(m);
    base_arena_destroy(arena);
}

static void test_zoo(void **state)
{
    (void)state;
    base_buf table = { 0 };
    assert_ok(base_file_read(&diag, ZOO "zoo.tsv", 1 << 20, &table));
    unsigned n = 0;
    for (char *line = strtok(table.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        row r;
        if (line[0] != '#') {
            assert_int_equal(sscanf(line, "%63s %15s %*s %*s %*s %*s %15s", r.name, r.class, r.exact), 3);
            check_network(&r);
            n++;
        }
    }
    base_buf_free(&table);
    assert_true(n > 100);
    if (n_failed > 0) {
        fail_msg("%u failures in %u networks", n_failed, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_zoo) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
