/*
 * jit.c -- elementwise programs as machine code have the bits of the loops; what is on disk may be damaged, or all there is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node_case.h"

#include "systole/base/buf.h"
#include "systole/base/file.h"
#include "systole/compiler/codegen.h"

#include <dirent.h>
#include <math.h>
#include <unistd.h>

#define N_CASES    60
#define N_ELEMENTS 1037 /* blocks, vectors and single elements */

static char folder[] = "/tmp/systole_jit_XXXXXX";

static const rt_cpu_options loops = {.n_threads = 1, .jit = RT_JIT_OFF}, code = {.n_threads = 1, .jit = RT_JIT_ALWAYS};

static ir_value *put(node_case *c, uint32_t op, uint32_t n, ir_value *const *operands, ir_node **node)
{
    ir_value *y = NULL;
    NODE_CASE_OK(c, ir_node_create_op(c->module->main, NULL, op, n, operands, node, &y));
    return y;
}

/* A random chain over fp32, with comparisons, choices and conversions, with every instruction that becomes code. */
static void build(node_case *c, uint64_t seed)
{
    const uint32_t binary[] = {IR_OP_ADD, IR_OP_SUB, IR_OP_MUL, IR_OP_DIV, IR_OP_MIN, IR_OP_MAX, IR_OP_PRELU};
    const uint32_t unary[] = {IR_OP_NEG,     IR_OP_ABS,  IR_OP_SQRT,      IR_OP_FLOOR,       IR_OP_CEIL,      IR_OP_ROUND, IR_OP_RECIPROCAL,
                              IR_OP_RELU,    IR_OP_EXP,  IR_OP_LEAKYRELU, IR_OP_HARDSIGMOID, IR_OP_HARDSWISH, IR_OP_TANH,  IR_OP_SIGMOID};
    const uint32_t tests[] = {IR_OP_GREATER, IR_OP_LESS, IR_OP_EQUAL, IR_OP_GREATEROREQUAL, IR_OP_LESSOREQUAL};
    static float data[N_ELEMENTS];
    base_rng rng = base_rng_make(seed, 51);
    ir_value *values[64], *flags[64];
    uint32_t n_values = 0, n_flags = 0;
    ir_node *n = NULL;
    *c = node_case_start(IR_OP_ADD);
    for (int k = 0; k < 3; k++) {
        for (size_t i = 0; i < N_ELEMENTS; i++) {
            uint32_t bits = (uint32_t)base_rng_next(&rng);
            bits = base_rng_one_in(&rng, 3) ? bits : (bits & 0x807fffffu) | ((100u + bits % 35u) << 23);
            memcpy(&data[i], &bits, 4);
        }
        node_case_input(c, SY_DT_F32, 1, (const int64_t[]){k == 2 ? 1 : N_ELEMENTS}, data);
        values[n_values++] = c->operands[k];
    }
    for (uint32_t i = 0; i < 4 + seed % 20; i++) {
        ir_value *a = values[base_rng_one_in(&rng, 2) ? n_values - 1 : base_rng_below(&rng, n_values)];
        ir_value *b = values[base_rng_below(&rng, n_values)];
        ir_value *two[] = {a, b};
        const uint32_t kind = (uint32_t)base_rng_below(&rng, 10);
        if (kind < 3) {
            values[n_values++] = put(c, binary[base_rng_below(&rng, 7)], 2, two, &n);
        } else if (kind < 7) {
            values[n_values++] = put(c, unary[(seed + i) % 14], 1, &a, &n);
        } else if (kind == 7 || n_flags == 0) {
            flags[n_flags++] = put(c, tests[base_rng_below(&rng, 5)], 2, two, &n);
        } else if (kind == 8) {
            ir_value *three[] = {flags[n_flags - 1], a, b};
            values[n_values++] = put(c, IR_OP_WHERE, 3, three, &n);
        } else {
            const int64_t types[] = {6, 7, 9}; /* i32, i64, bool and back */
            ir_value *whole = put(c, IR_OP_CAST, 1, &a, &n);
            assert_ok(ir_node_set_int(n, "to", types[base_rng_below(&rng, 2)]));
            values[n_values++] = put(c, IR_OP_CAST, 1, &whole, &n);
            assert_ok(ir_node_set_int(n, "to", 1));
        }
    }
    /* All that was made last, and a value of full size, so that the chain is long. */
    ir_value *last[] = {values[n_values - 1], values[0]};
    ir_value *y = put(c, IR_OP_ADD, 2, last, &n);
    NODE_CASE_OK(c, ir_graph_add_output(c->module->main, y, NULL));
    NODE_CASE_OK(c, ir_infer_module(c->module, &c->diag));
}

/* Bit for bit, but for which NaN it is. */
static void check(node_case *c, uint64_t seed)
{
    const ir_tensor want = *node_case_run(c, &loops, 0);
    const ir_tensor *got = node_case_run(c, &code, 0);
    assert_int_equal(want.size_bytes, got->size_bytes);
    for (size_t i = 0; i < want.size_bytes / 4; i++) {
        float w, g;
        memcpy(&w, (const char *)want.data + 4 * i, 4);
        memcpy(&g, (const char *)got->data + 4 * i, 4);
        if (memcmp(&w, &g, 4) != 0 && !(isnan(w) && isnan(g))) {
            fail_msg("seed %lu: element %zu: %.9g, the loops give %.9g", (unsigned long)seed, i, (double)g, (double)w);
        }
    }
}

static void test_bits(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < N_CASES; seed++) {
        node_case c;
        build(&c, seed);
        check(&c, seed);
        node_case_end(&c);
    }
}

/* Calls f on each file of the cache; how many there are. */
static size_t each_file(void (*f)(const char *path))
{
    size_t n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char path[600];
        if (e->d_name[0] != '.') {
            (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
            f(path);
            n++;
        }
    }
    (void)closedir(d);
    return n;
}

static unsigned how;

static void damage(const char *path)
{
    base_buf bytes = {0};
    assert_ok(base_file_read(NULL, path, (size_t)1 << 20, &bytes));
    if (how == 0) {
        bytes.data[bytes.n_bytes / 2] ^= 0x40;
    } else if (how == 1) {
        bytes.n_bytes /= 2;
    } else {
        memset(bytes.data, 0xcc, bytes.n_bytes);
    }
    assert_ok(base_file_write_atomic(NULL, path, bytes.data, bytes.n_bytes));
    base_buf_free(&bytes);
}

static void forget(const char *path)
{
    (void)unlink(path);
}

static void test_cache(void **state)
{
    (void)state;
    node_case c;
    build(&c, 3);
    (void)each_file(forget);
    check(&c, 3);
    const size_t n = each_file(damage);
    assert_true(n > 0);
    for (how = 0; how < 3; how++) {
        (void)each_file(damage);
        check(&c, 3);
        assert_int_equal(each_file(damage), n);
        check(&c, 3);
    }
    /* Without LLVM: from the disk, and without the disk by the loops. */
    (void)setenv("SYSTOLE_CODEGEN", "/nowhere.so", 1);
    check(&c, 3);
    assert_int_equal(each_file(forget), n);
    check(&c, 3);
    assert_int_equal(each_file(forget), 0);
    (void)unsetenv("SYSTOLE_CODEGEN");
    /* Without a place for files. */
    (void)setenv("SYSTOLE_CACHE", "/dev/null", 1);
    check(&c, 3);
    (void)setenv("SYSTOLE_CACHE", folder, 1);
    node_case_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_cache),
    };
    if (cc_codegen_check(NULL) != SY_OK) {
        return TEST_SKIPPED;
    }
    if (mkdtemp(folder) == NULL || setenv("SYSTOLE_CACHE", folder, 1) != 0) {
        return 1;
    }
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)each_file(forget);
    (void)rmdir(folder);
    return failed;
}
