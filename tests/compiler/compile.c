/*
 * compile.c -- the compiler's driver: options, dumps, messages, memory that is out at every place,
 * many layers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 120
#include "test.h"

#include "net_check.h"
#include "systole/base/file.h"
#include "systole/compiler/compile.h"
#include "systole/graph/import.h"
#include "systole/graph/text.h"
#include "systole/graph/verify.h"

#define MODEL SY_SOURCE_DIR "/examples/fashion_mnist/fashion_mnist_int8.onnx"
#define FP32  SY_SOURCE_DIR "/examples/fashion_mnist/fashion_mnist_fp32.onnx"

typedef struct compiled {
    base_arena *arena;
    ir_optable *table;
    ir_module *m;
    base_buf bytes, dump;
    isa_config config;
    isa_program program;
    cc_plan plan;
    base_diag diag;
} compiled;

static compiled load(const char *path)
{
    compiled c = {.arena = base_arena_create()};
    assert_ok(ir_optable_create(c.arena, &c.table));
    if (base_file_read(&c.diag, path, 1 << 24, &c.bytes) != SY_OK ||
        ir_import_onnx_bytes(c.arena, c.table, path, c.bytes.data, c.bytes.n_bytes, NULL, &c.diag,
                             &c.m) != SY_OK) {
        fail_msg("%s", base_diag_message(&c.diag));
    }
    isa_config_default(&c.config);
    return c;
}

static sy_status compile(compiled *c, cc_options options)
{
    options.dump = &c->dump;
    c->diag.message[0] = '\0';
    return cc_compile(c->arena, c->m, c->bytes.data, c->bytes.n_bytes, &c->config, &options,
                      &c->program, &c->plan, &c->diag);
}

static void drop(compiled *c)
{
    base_buf_free(&c->dump);
    base_buf_free(&c->bytes);
    ir_module_destroy(c->m);
    base_arena_destroy(c->arena);
}

/* What a pass dumps is a module: it parses, verifies and prints the same again. */
static void test_dumps(void **state)
{
    (void)state;
    for (unsigned i = 0; pass_name(i) != NULL; i++) {
        compiled c = load(MODEL);
        ir_module *again;
        char *text;
        size_t n;
        const sy_status status = compile(&c, (cc_options){.dump_after = pass_name(i)});
        assert_true(status == SY_OK || (status == SY_EUNSUPPORTED && !SY_HAVE_LLVM));
        assert_ok(base_buf_status(&c.dump));
        if (ir_parse(c.arena, c.table, pass_name(i), c.dump.data, c.dump.n_bytes, &c.diag,
                     &again) != SY_OK ||
            ir_verify(again, &c.diag) != SY_OK) {
            fail_msg("after %s: %s", pass_name(i), base_diag_message(&c.diag));
        }
        assert_ok(ir_print(again, NULL, c.arena, &c.diag, &text, &n));
        assert_int_equal(n, c.dump.n_bytes);
        assert_memory_equal(text, c.dump.data, n);
        ir_module_destroy(again);
        drop(&c);
    }
    compiled c = load(MODEL);
    assert_int_equal(compile(&c, (cc_options){.dump_after = "fold"}), SY_EINVAL);
    assert_non_null(strstr(c.diag.message, "fold_constants"));
    drop(&c);
}

/* The demo's network has nothing but conversions on the host; strip leaves no model where the host
 * has no step. */
static void test_options(void **state)
{
    (void)state;
    if (!SY_HAVE_LLVM) {
        skip();
    }
    compiled c = load(MODEL);
    assert_ok(compile(&c, (cc_options){.no_fallback = true}));
    assert_non_null(isa_program_section(&c.program, CC_MODEL_SECTION));
    assert_ok(compile(&c, (cc_options){.strip = true}));
    bool host = false;
    for (uint32_t i = 0; i < c.plan.n_steps; i++) {
        host = host || c.plan.steps[i].entry == NULL;
    }
    assert_true(host == (isa_program_section(&c.program, CC_MODEL_SECTION) != NULL));
    drop(&c);
    c = load(FP32);
    assert_int_equal(compile(&c, (cc_options){.no_fallback = false}), SY_EUNSUPPORTED);
    assert_non_null(strstr(c.diag.message, "quantise first"));
    assert_int_equal(compile(&c, (cc_options){.no_fallback = true}), SY_EUNSUPPORTED);
    assert_non_null(strstr(c.diag.message, "quantise first"));
    drop(&c);
}

/* Weights that are listed as graph inputs too are constants all the same; the module keeps them as
 * they are. */
static void test_initializers(void **state)
{
    (void)state;
    if (!SY_HAVE_LLVM) {
        skip();
    }
    compiled c = load(SY_TEST_DATA_DIR "/zoo/init_inputs.onnx");
    assert_ok(compile(&c, (cc_options){.no_fallback = true}));
    assert_int_equal(c.plan.n_layers, 1);
    uint32_t n_feedable = 0;
    for (uint32_t i = 0; i < c.m->main->n_consts; i++) {
        n_feedable += c.m->main->consts[i]->feedable;
    }
    assert_true(n_feedable > 0);
    drop(&c);
}

/* Every placement has a unit, and those on the cpu a reason. */
static void test_report(void **state)
{
    (void)state;
    if (!SY_HAVE_LLVM) {
        skip();
    }
    compiled c = load(MODEL);
    assert_ok(compile(&c, (cc_options){.no_fallback = false}));
    assert_true(c.plan.n_placements > 5);
    for (uint32_t i = 0; i < c.plan.n_placements; i++) {
        const cc_plan_placement *p = &c.plan.placements[i];
        assert_true(p->node[0] != '\0' && p->op[0] != '\0');
        assert_int_equal(strcmp(p->unit, "cpu") == 0, p->reason[0] != '\0');
    }
    drop(&c);
}

/* Memories that are too small: one line with the sizes. */
static void test_small_machines(void **state)
{
    (void)state;
    compiled c = load(MODEL);
    c.config.dram_mib = 1;
    const sy_status status = compile(&c, (cc_options){.no_fallback = false});
    assert_true(status == SY_OK || status == SY_ERANGE ||
                (status == SY_EUNSUPPORTED && !SY_HAVE_LLVM));
    if (SY_HAVE_LLVM) {
        c.config.imem_bytes = 1024;
        assert_int_equal(compile(&c, (cc_options){.no_fallback = false}), SY_ERANGE);
        assert_non_null(strstr(c.diag.message, "1024"));
        isa_config_default(&c.config);
        c.config.sem_count = 4;
        assert_int_equal(compile(&c, (cc_options){.no_fallback = false}), SY_ECONFIG);
        assert_non_null(strstr(c.diag.message, "semaphores"));
    }
    drop(&c);
}

/* The n-th allocation fails, for every n until compilation succeeds: SY_ENOMEM and a message,
 * nothing else. */
static void test_out_of_memory(void **state)
{
    (void)state;
    size_t n = 1, done = 0;
    for (; n < 1000000 && done == 0; n += 1 + n / 16) {
        net k = new_net();
        ir_value *x = input(&k, 4, (const int64_t[4]){1, 5, 6, 6}), *y;
        const int64_t out = 5;
        ir_value *const in[3] = {x, constant(&k, SY_DT_I8, 4, (const int64_t[4]){5, 5, 3, 3}),
                                 constant(&k, SY_DT_I32, 1, &out)};
        ir_node *conv = node(&k, IR_OP_QCONV, 3, in, &y);
        assert_ok(ir_node_set_ints(conv, "pads", 4, (const int64_t[4]){1, 1, 1, 1}));
        set_scales(conv, (const char *const[]){"x", "y", NULL});
        assert_ok(ir_node_set_floats(conv, "w_scale", 1, (const float[1]){0.002F}));
        ir_value *sum, *pooled;
        ir_node *add = node(&k, IR_OP_QADD, 2, (ir_value *const[]){y, x}, &sum);
        set_scales(add, (const char *const[]){"a", "b", "y", NULL});
        assert_ok(ir_node_set_int(add, "a_zero", ir_node_int(conv, "y_zero", 0)));
        assert_ok(ir_node_set_ints(node(&k, IR_OP_MAXPOOL, 1, &sum, &pooled), "kernel_shape", 2,
                                   (const int64_t[2]){2, 2}));
        ir_value *moved;
        node(&k, IR_OP_TRANSPOSE, 1, &pooled, &moved);
        assert_ok(ir_graph_add_output(k.g, moved, "out"));
        assert_ok(ir_infer_module(k.m, &k.diag));
        isa_config config;
        isa_config_default(&config);
        isa_program program;
        cc_plan plan;
        base_arena *arena = base_arena_create();
        base_arena_fail_at(arena, n);
        const sy_status status = cc_compile(arena, k.m, "model", 5, &config, NULL, &program, &plan,
                                            &k.diag);
        if (status == SY_OK || (status == SY_EUNSUPPORTED && !SY_HAVE_LLVM)) {
            done = n;
        } else if (status != SY_ENOMEM) {
            fail_msg("allocation %zu: status %d: %s", n, (int)status, base_diag_message(&k.diag));
        }
        base_arena_destroy(arena);
        ir_module_destroy(k.m);
        base_arena_destroy(k.arena);
    }
    assert_true(done > 100);
}

/* Thousands of layers, all on the device, or in turns with the host: placed in linear memory and
 * nearly linear time. */
static void test_many_layers(void **state)
{
    (void)state;
    for (int turns = 0; turns < 2; turns++) {
        isa_config config = small_machine(16, 16, 1024, 256);
        net n = new_net();
        ir_value *v = input(&n, 4, (const int64_t[4]){1, 16, 2, 2}), *y;
        for (int i = 0; i < 5000; i++, v = y) {
            if (turns == 1 && i % 2 == 1) {
                assert_ok(ir_node_set_ints(node(&n, IR_OP_TRANSPOSE, 1, &v, &y), "perm", 4,
                                           (const int64_t[4]){0, 1, 3, 2}));
            } else {
                set_scales(node(&n, IR_OP_QREQUANTIZE, 1, &v, &y),
                           (const char *const[]){"x", "y", NULL});
            }
        }
        assert_ok(ir_graph_add_output(n.g, v, "out"));
        assert_ok(pass_run(n.m, PASS_DEVICE, NULL, NULL, &n.diag));
        placement p;
        cc_plan plan;
        uint64_t address, n_bytes;
        assert_ok(cc_place_graph(n.arena, n.m, &config, &p, &n.diag));
        assert_ok(cc_place_memory(n.arena, &config, &p, &address, &n_bytes, &n.diag));
        assert_int_equal(p.n_groups, turns == 1 ? 2500 : 5000);
        const char **entries = base_arena_alloc(n.arena, (size_t)p.n_levels + 1, sizeof *entries);
        for (int32_t level = 1; level < p.n_levels; level += 2) {
            entries[level] = "segment";
        }
        const size_t before = base_arena_bytes(n.arena);
        assert_ok(cc_place_plan(n.arena, n.m, &config, &p, entries, &plan));
        assert_true(base_arena_bytes(n.arena) - before < (size_t)8 << 20);
        assert_int_equal(plan.n_steps, turns == 1 ? 5000 : 1);
        assert_int_equal(plan.n_layers, p.n_groups);
        ir_module_destroy(n.m);
        base_arena_destroy(n.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dumps),          cmocka_unit_test(test_options),
        cmocka_unit_test(test_report),         cmocka_unit_test(test_initializers),
        cmocka_unit_test(test_small_machines), cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_many_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
