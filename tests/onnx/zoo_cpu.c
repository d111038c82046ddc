/*
 * zoo_cpu.c -- the zoo of quantised networks on the fast kernels: the reference's bits; where
 * products stay in fp32, one step of the output at most.
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

#define ZOO        SY_TEST_DATA_DIR "/zoo/"
#define MAX_VALUES 4

typedef struct row {
    char name[64];
    double step; /* of the output */
} row;

static base_diag diag;
static unsigned n_failed;

#define REQUIRE(call, name)                                            \
    do {                                                               \
        if ((call) != SY_OK) {                                         \
            print_error("%s: %s\n", (name), base_diag_message(&diag)); \
            n_failed++;                                                \
            return;                                                    \
        }                                                              \
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
    const rt_cpu_options options = {.reference = reference, .n_threads = 2};
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

static bool same_bytes(const ir_tensor *a, const ir_tensor *b)
{
    return a->dtype == b->dtype && a->size_bytes == b->size_bytes &&
           memcmp(a->data, b->data, a->size_bytes) == 0;
}

/* Elements at most one step apart. */
static bool near(const ir_tensor *a, const ir_tensor *b, double step)
{
    if (a->dtype != b->dtype || a->size_bytes != b->size_bytes) {
        return false;
    }
    const int64_t n = ir_tensor_n_elements(a);
    for (int64_t i = 0; i < n; i++) {
        const bool is_float = a->dtype == SY_DT_F32;
        const double x = is_float ? (double)((const float *)a->data)[i]
                                  : step * (double)ir_tensor_get_i64(a, i);
        const double y = is_float ? (double)((const float *)b->data)[i]
                                  : step * (double)ir_tensor_get_i64(b, i);
        if (!(fabs(x - y) <= 1.0001 * step)) {
            return false;
        }
    }
    return true;
}

/* True if some operator computes in fp32 what the reference computes more exactly. */
static bool has_float(const ir_module *m)
{
    static const uint32_t codes[] = {IR_OP_CONV, IR_OP_GEMM, IR_OP_MATMUL, IR_OP_SOFTMAX,
                                     IR_OP_SIGMOID};
    for (const ir_node *n = m->main->first; n != NULL; n = n->next) {
        for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
            if (ir_node_is(n, codes[i])) {
                return true;
            }
        }
    }
    return false;
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
    ir_tensor inputs[MAX_VALUES] = {0}, reference[MAX_VALUES] = {0}, fast[MAX_VALUES] = {0};
    for (unsigned i = 0; i < m->main->n_inputs; i++) {
        assert_true(read_tensor(r->name, "in", i, &inputs[i]));
    }
    REQUIRE(run(m, true, inputs, reference), r->name);
    REQUIRE(run(m, false, inputs, fast), r->name);
    for (unsigned i = 0; i < m->main->n_outputs; i++) {
        if (has_float(m) ? !near(&fast[i], &reference[i], r->step)
                         : !same_bytes(&fast[i], &reference[i])) {
            print_error("%s: fast kernels differ from the reference\n", r->name);
            n_failed++;
        }
    }
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
    base_buf table = {0};
    assert_ok(base_file_read(&diag, ZOO "zoo.tsv", 1 << 20, &table));
    unsigned n = 0;
    for (char *line = strtok(table.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        row r;
        if (line[0] != '#') {
            assert_int_equal(sscanf(line, "%63s %*s %lf", r.name, &r.step), 2);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_zoo)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
