/*
 * executor.c -- plans of the host device: memory, parts of graphs, regions, dynamic shapes,
 * threads, hooks, errors.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/graph/infer.h"
#include "systole/graph/text.h"
#include "systole/graph/verify.h"
#include "systole/rt/buffer.h"
#include "systole/rt/cpu.h"

#include <pthread.h>

#define MAX_IO 4

static base_diag diag;

#define CHECK(call)                                   \
    do {                                              \
        if ((call) != SY_OK) {                        \
            fail_msg("%s", base_diag_message(&diag)); \
        }                                             \
    } while (0)

typedef struct program {
    base_arena *arena;
    ir_module *module;
    rt_cpu *cpu;
    rt_cpu_plan *plan;
} program;

static program load(const char *body, bool reference)
{
    program p = {.arena = base_arena_create()};
    ir_optable *table = NULL;
    char text[8192];
    const int n = snprintf(text, sizeof text, "systole_ir 1 module \"t\" %s", body);
    const rt_cpu_options options = {.reference = reference, .n_threads = 2, .blas = ""};
    assert_ok(ir_optable_create(p.arena, &table));
    CHECK(ir_parse(p.arena, table, "t", text, (size_t)n, &diag, &p.module));
    CHECK(ir_infer_module(p.module, &diag));
    CHECK(rt_cpu_create(p.module, &options, &diag, &p.cpu));
    return p;
}

static program load_whole(const char *body)
{
    program p = load(body, false);
    CHECK(rt_cpu_plan_graph(p.cpu, p.module->main, &diag, &p.plan));
    return p;
}

static void unload(program *p)
{
    rt_cpu_plan_destroy(p->plan);
    rt_cpu_destroy(p->cpu);
    ir_module_destroy(p->module);
    base_arena_destroy(p->arena);
}

static ir_tensor floats(int32_t rank, const int64_t *dims, const float *data)
{
    ir_tensor t;
    assert_ok(ir_tensor_init(&t, SY_DT_F32, rank, dims, NULL));
    memcpy(&t.data, &data, sizeof data); /* inputs are never written */
    return t;
}

#define VECTOR(...)                                                        \
    floats(1, (const int64_t[]){sizeof((const float[]){__VA_ARGS__}) / 4}, \
           (const float[]){__VA_ARGS__})

static sy_status run_with(const program *p, uint32_t n, const ir_tensor *inputs, ir_tensor *outputs,
                          const rt_cpu_run_options *options)
{
    const ir_tensor *in[MAX_IO] = {NULL};
    ir_tensor *out[MAX_IO];
    for (uint32_t i = 0; i < MAX_IO; i++) {
        in[i] = i < n ? &inputs[i] : NULL;
        out[i] = &outputs[i];
    }
    return rt_cpu_plan_run(p->plan, in, out, options, &diag);
}

static void expect(ir_tensor *t, uint32_t n, const float *want)
{
    assert_int_equal(t->dtype, SY_DT_F32);
    assert_int_equal(ir_tensor_n_elements(t), n);
    for (uint32_t i = 0; i < n; i++) {
        assert_float_equal(((float *)t->data)[i], want[i], 1e-6f);
    }
    rt_buffer_free(t->data);
    *t = (ir_tensor){0};
}

#define EXPECT(t, ...) \
    expect((t), sizeof((const float[]){__VA_ARGS__}) / 4, (const float[]){__VA_ARGS__})

/* A chain needs two buffers, whatever its length; outputs that are inputs, constants, views, or
 * wanted twice. */
static void test_memory(void **state)
{
    (void)state;
    program p = load_whole(
        "func @main main (%x: f32[256]) -> (%e) { %a: ? = Softmax(%x) %b: ? = Softmax(%a) %c: ? = Softmax(%b)"
        " %d: ? = Softmax(%c) %e: ? = Softmax(%d) }");
    static const float zeros[256];
    ir_tensor x = floats(1, (const int64_t[]){256}, zeros);
    const ir_tensor *in[] = {&x};
    size_t bytes = 0;
    assert_ok(rt_cpu_plan_memory(p.plan, in, &diag, &bytes));
    assert_true(bytes >= 2 * 1024 && bytes < 3 * 1024);
    unload(&p);
}

static void test_passed_through(void **state)
{
    (void)state;
    program p = load_whole(
        "const #0 = f32[2] hex 0000803f00000040 func @main main (%x: f32[2]) -> (%x, %c, %v, %v) "
        "{ const %c: f32[2] = #0 %v: ? = Identity(%c) }");
    const ir_tensor x = VECTOR(5, 6);
    for (int again = 0; again < 2; again++) {
        ir_tensor y[MAX_IO] = {{0}};
        assert_ok(run_with(&p, 1, &x, y, NULL));
        EXPECT(&y[0], 5, 6);
        EXPECT(&y[1], 1, 2);
        EXPECT(&y[2], 1, 2);
        EXPECT(&y[3], 1, 2);
    }
    unload(&p);
}

static void test_buffers(void **state)
{
    (void)state;
    program p = load_whole("func @main main (%x: f32[2]) -> (%y) { %y: ? = Neg(%x) }");
    const ir_tensor x = VECTOR(5, 6);
    float room[2] = {0};
    ir_tensor y[MAX_IO] = {{.data = room, .size_bytes = sizeof room}};
    assert_ok(run_with(&p, 1, &x, y, NULL));
    assert_float_equal(room[1], -6, 0);
    y[0] = (ir_tensor){.data = room, .size_bytes = 4};
    assert_int_equal(run_with(&p, 1, &x, y, NULL), SY_ESHAPE);
    assert_non_null(strstr(base_diag_message(&diag), "'y' takes 8 bytes, the buffer has 4"));
    unload(&p);
}

/* The middle of a network: live-in and live-out are its own values; a constant may be replaced. */
static void test_part(void **state)
{
    (void)state;
    program p = load("const #0 = f32[2] hex 0000803f00000040 func @main main (%x: f32[2]) -> (%d) "
                     "{ const %w: f32[2] = #0 feedable "
                     "%a: ? = Neg(%x) %b: ? = Add(%a, %w) %c: ? = Mul(%b, %b) %d: ? = Neg(%c) }",
                     false);
    ir_graph *g = p.module->main;
    ir_node *nodes[] = {g->first->next, g->first->next->next};
    ir_value *a = ir_graph_find_value(g, "a"), *b = ir_graph_find_value(g, "b"),
             *c = ir_graph_find_value(g, "c");
    ir_value *w = ir_graph_find_value(g, "w");
    CHECK(rt_cpu_plan_create(p.cpu, 2, nodes, 1, &a, 2, (ir_value *[]){c, b}, &diag, &p.plan));
    const ir_tensor inputs[] = {VECTOR(3, 4), VECTOR(10, 20)};
    ir_tensor y[MAX_IO] = {{0}};
    assert_ok(run_with(&p, 1, inputs, y, NULL));
    EXPECT(&y[0], 16, 36);
    EXPECT(&y[1], 4, 6);
    rt_cpu_plan_destroy(p.plan);
    CHECK(rt_cpu_plan_create(p.cpu, 2, nodes, 2, (ir_value *[]){a, w}, 1, &c, &diag, &p.plan));
    assert_ok(run_with(&p, 2, inputs, y, NULL));
    EXPECT(&y[0], 169, 576);
    rt_cpu_plan_destroy(p.plan);
    p.plan = NULL;
    assert_int_equal(rt_cpu_plan_create(p.cpu, 2, nodes, 0, NULL, 1, &c, &diag, &p.plan),
                     SY_EINVAL);
    assert_non_null(strstr(base_diag_message(&diag), "'a'"));
    unload(&p);
}

/* Shape -> Gather -> Concat -> Reshape is computed with the layout; another shape makes another
 * layout. */
static void test_shapes(void **state)
{
    (void)state;
    program p = load_whole(
        "const #0 = i64[1] hex 0000000000000000 const #1 = i64[1] hex ffffffffffffffff func @main "
        "main (%x: f32[N, 2, 2]) -> (%y) { "
        "const %z: i64[1] = #0 const %m: i64[1] = #1 %s: ? = Shape(%x) %n: ? = Gather(%s, %z) "
        "%t: ? = Concat(%n, %m) {axis = 0} %a: ? = Neg(%x) %y: ? = Reshape(%a, %t) }");
    for (int64_t n = 1; n <= 20; n++) {
        float data[80];
        for (int64_t i = 0; i < 4 * n; i++) {
            data[i] = (float)i;
        }
        const ir_tensor x = floats(3, (const int64_t[]){n, 2, 2}, data);
        ir_tensor y[MAX_IO] = {{0}};
        assert_ok(run_with(&p, 1, &x, y, NULL));
        assert_int_equal(y[0].rank, 2);
        assert_int_equal(y[0].dims[0], n);
        assert_float_equal(((float *)y[0].data)[4 * n - 1], -(float)(4 * n - 1), 0);
        rt_buffer_free(y[0].data);
    }
    unload(&p);
}

/* The size of the result is an input's value: memory is taken node by node. */
static void test_dynamic(void **state)
{
    (void)state;
    program p = load_whole(
        "func @main main (%x: f32[1], %n: i64[1]) -> (%z) { %e: ? = Expand(%x, %n) %y: ? = Neg(%e) "
        "%v: ? = Identity(%y) %z: ? = Add(%v, %e) }");
    for (int64_t n = 1; n < 5; n++) {
        ir_tensor inputs[2] = {VECTOR(3)};
        assert_ok(ir_tensor_init(&inputs[1], SY_DT_I64, 1, (const int64_t[]){1}, &n));
        ir_tensor y[MAX_IO] = {{0}};
        assert_ok(run_with(&p, 2, inputs, y, NULL));
        assert_int_equal(y[0].dims[0], n);
        assert_float_equal(((float *)y[0].data)[n - 1], 0, 0);
        rt_buffer_free(y[0].data);
    }
    unload(&p);
}

static void test_fused(void **state)
{
    (void)state;
    program p = load_whole("func @main main (%x: f32[2]) -> (%y) { %y: ? = systole::Fused(%x) "
                           "{kind = \"k\", body = graph (%i: f32[2]) -> (%o) "
                           "{ %h: ? = Neg(%i) %o: ? = Mul(%h, %x) }} }");
    const ir_tensor x = VECTOR(5, 6);
    ir_tensor y[MAX_IO] = {{0}};
    assert_ok(run_with(&p, 1, &x, y, NULL));
    EXPECT(&y[0], -25, -36);
    unload(&p);
}

static void test_call(void **state)
{
    (void)state;
    program p = load_whole("func @twice (%i: f32[2]) -> (%o) { %o: ? = Add(%i, %i) } func @main "
                           "main (%x: f32[2]) -> (%z) { "
                           "%y: ? = systole::Call @twice(%x) %z: ? = systole::Call @twice(%y) }");
    const ir_tensor x = VECTOR(5, 6);
    ir_tensor y[MAX_IO] = {{0}};
    assert_ok(run_with(&p, 1, &x, y, NULL));
    EXPECT(&y[0], 20, 24);
    unload(&p);
}

static void test_if(void **state)
{
    (void)state;
    program p = load_whole("func @main main (%c: bool[], %x: f32[2]) -> (%z) { %a: ? = Neg(%x) %y: "
                           "? = If(%c) {then_branch = graph () -> (%t) "
                           "{ %t: ? = Add(%a, %x) }, else_branch = graph () -> (%e) { %e: ? = "
                           "Mul(%a, %x) }} %z: ? = Neg(%y) }");
    for (uint8_t yes = 0; yes < 2; yes++) {
        ir_tensor inputs[2] = {{0}, VECTOR(5, 6)};
        assert_ok(ir_tensor_init(&inputs[0], SY_DT_BOOL, 0, NULL, &yes));
        ir_tensor y[MAX_IO] = {{0}};
        assert_ok(run_with(&p, 2, inputs, y, NULL));
        if (yes) {
            EXPECT(&y[0], 0, 0);
        } else {
            EXPECT(&y[0], 25, 36);
        }
    }
    unload(&p);
}

/* v doubles each time; the history is stacked; the condition ends it before the trip count does. */
static void test_loop(void **state)
{
    (void)state;
    program p = load_whole("const #0 = f32[] hex 0000c842 func @main main (%n: i64[], %v: f32[1]) "
                           "-> (%last, %all) { const %limit: f32[] = #0 "
                           "%last: ?, %all: ? = Loop(%n, _, %v) {body = graph (%i: i64[], %go: "
                           "bool[], %c: f32[1]) -> (%more, %d, %d2) { "
                           "%d: ? = Add(%c, %c) %s: ? = Squeeze(%d) %more: ? = Less(%s, %limit) "
                           "%d2: ? = Identity(%d) }} }");
    const struct {
        int64_t n;
        float last;
        uint32_t entries;
    } cases[] = {{3, 24, 3}, {100, 192, 6}, {0, 3, 0}};
    for (size_t i = 0; i < 3; i++) {
        int64_t n = cases[i].n;
        ir_tensor inputs[2] = {{0}, VECTOR(3)};
        assert_ok(ir_tensor_init(&inputs[0], SY_DT_I64, 0, NULL, &n));
        ir_tensor y[MAX_IO] = {{0}};
        CHECK(run_with(&p, 2, inputs, y, NULL));
        expect(&y[0], 1, &cases[i].last);
        assert_int_equal(y[1].rank, 2);
        assert_int_equal(y[1].dims[0], cases[i].entries);
        rt_buffer_free(y[1].data);
    }
    unload(&p);
}

/* Running sums along the last axis, from the end. */
static void test_scan(void **state)
{
    (void)state;
    program p = load_whole("func @main main (%s: f32[2], %x: f32[2, 3]) -> (%last, %all) { %last: "
                           "?, %all: ? = Scan(%s, %x) {num_scan_inputs = 1, "
                           "scan_input_axes = ints [1], scan_input_directions = ints [1], "
                           "scan_output_axes = ints [1], "
                           "scan_output_directions = ints [1], body = graph (%a: f32[2], %b: "
                           "f32[2]) -> (%c, %d) { %c: ? = Add(%a, %b) "
                           "%d: ? = Identity(%c) }} }");
    const float data[] = {1, 2, 3, 10, 20, 30};
    const ir_tensor inputs[] = {VECTOR(0, 0), floats(2, (const int64_t[]){2, 3}, data)};
    ir_tensor y[MAX_IO] = {{0}};
    CHECK(run_with(&p, 2, inputs, y, NULL));
    EXPECT(&y[0], 6, 60);
    EXPECT(&y[1], 6, 5, 3, 60, 50, 30);
    unload(&p);
}

static sy_status count_saved(void *user, const ir_value *value, const ir_tensor *tensor)
{
    unsigned *n = user;
    assert_non_null(tensor->data);
    assert_non_null(value->name);
    (*n)++;
    return SY_OK;
}

static bool always(void *user)
{
    (void)user;
    return true;
}

static void test_hooks(void **state)
{
    (void)state;
    program p = load_whole("func @main main (%x: f32[2]) -> (%c) { %a: ? = Neg(%x) %b: ? = "
                           "Relu(%a) %c: ? = Neg(%b) }");
    const ir_tensor x = VECTOR(5, 6);
    unsigned n = 0;
    ir_tensor y[MAX_IO] = {{0}};
    const rt_cpu_run_options save = {.save = count_saved, .save_user = &n};
    assert_ok(run_with(&p, 1, &x, y, &save));
    EXPECT(&y[0], 0, 0);
    assert_int_equal(n, 4);
    const rt_cpu_run_options cancel = {.cancelled = always};
    assert_int_equal(run_with(&p, 1, &x, y, &cancel), SY_ECANCELLED);
    assert_null(y[0].data);
    unload(&p);
}

static void test_errors(void **state)
{
    (void)state;
    program p = load_whole("func @main main (%x: f32[2, N], %i: i64[1]) -> (%y) { %y: ? = "
                           "Gather(%x, %i) name \"pick\" }");
    const float data[4] = {0};
    int64_t index = 7;
    ir_tensor inputs[2] = {floats(2, (const int64_t[]){2, 2}, data)}, y[MAX_IO] = {{0}};
    assert_ok(ir_tensor_init(&inputs[1], SY_DT_I64, 1, (const int64_t[]){1}, &index));
    assert_int_equal(run_with(&p, 2, inputs, y, NULL), SY_ERANGE);
    assert_string_equal(base_diag_message(&diag),
                        "node 'pick' (Gather): index 7 is outside the axis of size 2");
    assert_null(y[0].data);
    inputs[0] = floats(2, (const int64_t[]){1, 4}, data);
    assert_int_equal(run_with(&p, 2, inputs, y, NULL), SY_ESHAPE);
    assert_string_equal(base_diag_message(&diag),
                        "input 'x': expected [2,-1] (-1: any size), got [1,4]");
    inputs[0].dtype = SY_DT_I32;
    assert_int_equal(run_with(&p, 2, inputs, y, NULL), SY_EINVAL);
    assert_string_equal(base_diag_message(&diag), "input 'x': expected f32, got i32");
    unload(&p);

    p = load("func @main main (%x: f32[2]) -> (%y) { %y: ? = nobody::Knows(%x) name \"riddle\" }",
             false);
    assert_int_equal(rt_cpu_plan_graph(p.cpu, p.module->main, &diag, &p.plan), SY_EUNSUPPORTED);
    assert_string_equal(base_diag_message(&diag),
                        "node 'riddle': operator nobody.Knows is not known");
    unload(&p);
}

/* ---------------------------------------------------------------- threads */

typedef struct worker {
    const program *program;
    float first;
    bool ok;
} worker;

static void *work(void *user)
{
    worker *w = user;
    w->ok = true;
    for (int i = 0; i < 50; i++) {
        const int64_t n = 1 + (int)w->first % 3 + i % 4;
        float data[64 * 8];
        for (int64_t k = 0; k < 64 * n; k++) {
            data[k] = w->first + (float)k;
        }
        const ir_tensor x = floats(2, (const int64_t[]){n, 64}, data);
        const ir_tensor *in[] = {&x};
        ir_tensor y = {0}, *out[] = {&y};
        base_diag own;
        w->ok = w->ok && rt_cpu_plan_run(w->program->plan, in, out, NULL, &own) == SY_OK;
        for (int64_t k = 0; w->ok && k < 64 * n; k++) {
            w->ok = ((float *)y.data)[k] == -2.0f * data[k];
        }
        rt_buffer_free(y.data);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    program p = load_whole("func @main main (%x: f32[N, 64]) -> (%c) { %a: ? = Neg(%x) %b: ? = "
                           "Add(%a, %a) %c: ? = Identity(%b) }");
    worker workers[6];
    pthread_t threads[6];
    for (int i = 0; i < 6; i++) {
        workers[i] = (worker){&p, (float)i, false};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 6; i++) {
        (void)pthread_join(threads[i], NULL);
        assert_true(workers[i].ok);
    }
    unload(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),  cmocka_unit_test(test_passed_through),
        cmocka_unit_test(test_buffers), cmocka_unit_test(test_part),
        cmocka_unit_test(test_shapes),  cmocka_unit_test(test_dynamic),
        cmocka_unit_test(test_fused),   cmocka_unit_test(test_call),
        cmocka_unit_test(test_if),      cmocka_unit_test(test_loop),
        cmocka_unit_test(test_scan),    cmocka_unit_test(test_hooks),
        cmocka_unit_test(test_errors),  cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
