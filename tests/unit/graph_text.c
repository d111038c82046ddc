/*
 * graph_text.c -- the text form of the IR: hand-written modules parse, verify and print back byte for byte; broken text
 * gives one line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/base/file.h"
#include "systole/graph/optable.h"
#include "systole/graph/text.h"
#include "systole/graph/verify.h"

static const char *const files[] = { "if", "lstm", "batchnorm_state", "loop" };
#define N_FILES (sizeof files / sizeof files[0])

static void read_text(const char *name, base_buf *out)
{
    char path[512];
    base_diag diag = { "" };
    snprintf(path, sizeof path, SY_TEST_DATA_DIR "/graph/%s.ir", name);
    *out = (base_buf){ 0 };
    if (base_file_read(&diag, path, 1 << 20, out) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FILES; i++) {
        base_buf text;
        read_text(files[i], &text);
        base_arena *arena = base_arena_create();
        base_diag diag = { "" };
        ir_optable *table;
        ir_module *m;
        char *printed;
        size_t n;
        assert_ok(ir_optable_create(arena, &table));
        if (ir_parse(arena, table, files[i], text.data, text.n_bytes, &diag, &m) != SY_OK) {
            fail_msg("%s", base_diag_message(&diag));
        }
        if (ir_verify(m, &diag) != SY_OK) {
            fail_msg("%s: %s", files[i], base_diag_message(&diag));
        }
        assert_ok(ir_print(m, NULL, arena, &diag, &printed, &n));
        assert_string_equal(printed, text.data);
        assert_int_equal(n, text.n_bytes);

        ir_module *copy;
        assert_ok(ir_module_clone(arena, m, &copy));
        assert_ok(ir_verify(copy, &diag));
        assert_ok(ir_print(copy, NULL, arena, &diag, &printed, &n));
        assert_string_equal(printed, text.data);
        ir_module_destroy(copy);
        ir_module_destroy(m);
        base_arena_destroy(arena);
        base_buf_free(&text);
    }
}

/* Whatever the text: SY_OK, or a status with one line; then printing and verifying must not crash either. */
static void feed(const char *text, size_t n)
{
    base_arena *arena = base_arena_create();
    base_diag diag = { "" };
    ir_optable *table;
    ir_module *m;
    assert_ok(ir_optable_create(arena, &table));
    const sy_status status = ir_parse(arena, table, "t", text, n, &diag, &m);
    if (status == SY_OK) {
        char *printed;
        if (ir_verify(m, &diag) != SY_OK) {
            assert_true(base_diag_message(&diag)[0] != '\0');
        }
        assert_ok(ir_print(m, NULL, arena, &diag, &printed, NULL));
        ir_module_destroy(m);
    } else {
        assert_true(strncmp(base_diag_message(&diag), "t:", 2) == 0);
        assert_null(strchr(base_diag_message(&diag), '\n'));
    }
    base_arena_destroy(arena);
}

static void test_truncated_everywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FILES; i++) {
        base_buf text;
        read_text(files[i], &text);
        for (size_t n = 0; n < text.n_bytes; n++) {
            char *part = malloc(n + 1); /* its own block, so that a read beyond the end is seen */
            assert_non_null(part);
            memcpy(part, text.data, n);
            feed(part, n);
            free(part);
        }
        base_buf_free(&text);
    }
}

static void test_random_damage(void **state)
{
    (void)state;
    static const char bytes[] = "0123456789abcxyz()[]{}<>,:=%@#+*?-\"\\_. \n\x01\xff";
    uint64_t random = 88172645463325252u; /* xorshift64; the seed is the article's */
    for (int round = 0; round < 6000; round++) {
        base_buf text;
        read_text(files[round % (int)N_FILES], &text);
        for (int k = 0; k < 1 + round % 3; k++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            text.data[random % text.n_bytes] = bytes[(random >> 32) % (sizeof bytes - 1)];
        }
        feed(text.data, text.n_bytes);
        base_buf_free(&text);
    }
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FILES; i++) {
        base_buf text;
        read_text(files[i], &text);
        base_arena *tables = base_arena_create();
        ir_optable *table;
        assert_ok(ir_optable_create(tables, &table));
        bool done = false;
        for (size_t nth = 1; !done; nth++) {
            base_arena *arena = base_arena_create();
            base_diag diag = { "" };
            ir_module *m = NULL, *copy = NULL;
            char *printed;
            base_arena_fail_at(arena, nth);
            sy_status status = ir_parse(arena, table, "t", text.data, text.n_bytes, &diag, &m);
            if (status == SY_OK) {
                status = ir_print(m, NULL, arena, &diag, &printed, NULL);
            }
            if (status == SY_OK) {
                status = ir_module_clone(arena, m, &copy);
            }
            done = status == SY_OK;
            assert_true(done || status == SY_ENOMEM);
            base_arena_destroy(arena);
        }
        base_arena_destroy(tables);
        base_buf_free(&text);
    }
}

typedef struct bad {
    const char *text, *message;
} bad;

static const bad broken[] = {
    { "", "t:1:1: expected 'systole_ir', got the end of the text" },
    { "systole_ir 2", "t:1:12: expected a version of the text form from 1 to 1, got 2" },
    { "systole_ir 1 module \"m\" func @f () -> (%y) {}", "t:1:41: 'y' is not defined here" },
    { "systole_ir 1 module \"m\" func @f (%x: f99[]) -> () {}", "t:1:38: expected an element type, got 'f99'" },
    { "systole_ir 1 module \"m\" func @f (%x: f32[3 4]) -> () {}", "t:1:44: expected ']', got 4" },
    { "systole_ir 1 module \"m\" func @f (%x: f32[-3]) -> () {}", "t:1:44: dimension 0 is negative" },
    { "systole_ir 1 module \"m\" func @f (%x: f32[floor(N, 0)]) -> () {}",
      "t:1:52: in this dimension: a dimension is divided by zero" },
    { "systole_ir 1 module \"m\" func @f (%x: ?, %x: ?) -> () {}", "t:1:46: 'x' is defined twice" },
    { "systole_ir 1 module \"m\" func @f (%x: ?) -> () {%y: ? = Relu(%z)}", "t:1:62: 'z' is not defined here" },
    { "systole_ir 1 module \"m\" func @f () -> () {() = systole::Call @g()}", "t:1:63: there is no function 'g'" },
    { "systole_ir 1 module \"m\" const #1 = f32[] hex 00000000", "t:1:32: expected constant #0, got #1" },
    { "systole_ir 1 module \"m\" const #0 = f32[2] hex 00000000",
      "t:1:25: a constant of type f32 takes 8 bytes, got 4" },
    { "systole_ir 1 module \"m\" const #0 = f32[] hex 000", "t:1:42: an odd number of hexadecimal digits (3)" },
    { "systole_ir 1 module \"m\" const #0 = f32[99999999999, 99999999999, 99999999999] elided 0x0",
      "t:1:25: a constant of rank 3 has impossible dimensions" },
    { "systole_ir 1 module \"m\" func @f (%x: ?) -> (%x) {state %x -> 3}",
      "t:1:56: graph 'f': state 'x' is paired with output 3 of 1" },
    { "systole_ir 1 module \"m\" func @f () -> () {%y: ? = A() {a = 1, a = 2}}",
      "t:1:65: attribute 'a' is given twice" },
    { "systole_ir 1 module \"a\nb\"", "t:1:21: a control character stands in this string" },
    { "systole_ir 1 module \"m", "t:1:21: this string has no end" },
    { "systole_ir 1 module \"m\" func @f (%x: f32[9223372036854775808]) -> () {}",
      "t:1:42: the number 9223372036854775808 leaves 64 bits" },
};

static void test_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        base_arena *arena = base_arena_create();
        base_diag diag = { "" };
        ir_optable *table;
        ir_module *m;
        assert_ok(ir_optable_create(arena, &table));
        assert_int_equal(ir_parse(arena, table, "t", broken[i].text, strlen(broken[i].text), &diag, &m), SY_EFORMAT);
        assert_string_equal(base_diag_message(&diag), broken[i].message);
        base_arena_destroy(arena);
    }
}

/* Nesting is bounded, whatever the text asks for. */
static void test_deep_nesting(void **state)
{
    (void)state;
    static const struct {
        const char *head, *repeat;
    } cases[] = {
        { "systole_ir 1 module \"m\" func @f (%x: f32[", "(" },
        { "systole_ir 1 module \"m\" func @f (%x: f32[", "floor(" },
        { "systole_ir 1 module \"m\" func @f (%x: ", "sequence<" },
        { "systole_ir 1 module \"m\" func @f () -> () {", "() = A() {r = graph () -> () {" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        base_buf text = { 0 };
        base_buf_puts(&text, cases[i].head);
        for (int k = 0; k < 20000; k++) {
            base_buf_puts(&text, cases[i].repeat);
        }
        feed(text.data, text.n_bytes);
        base_buf_free(&text);
    }
}

/* The example of docs/reference/ir.md is what that page says it is. */
static void test_documented_example(void **state)
{
    (void)state;
    base_buf page = { 0 };
    base_arena *arena = base_arena_create();
    base_diag diag = { "" };
    ir_optable *table;
    ir_module *m;
    assert_ok(base_file_read(&diag, SY_SOURCE_DIR "/docs/reference/ir.md", 1 << 20, &page));
    const char *begin = strstr(page.data, "    systole_ir 1\n"), *end = begin != NULL ? strstr(begin, "\n\n") : NULL;
    assert_non_null(end);
    assert_ok(ir_optable_create(arena, &table));
    assert_ok(ir_parse(arena, table, "ir.md", begin, (size_t)(end - begin), &diag, &m));
    assert_int_equal(ir_verify(m, &diag), SY_EINVAL);
    assert_string_equal(base_diag_message(&diag),
                        "graph 'main': state 'total' and its next value 'next' have different types");
    base_arena_destroy(arena);
    base_buf_free(&page);
}

/* Larger constants go into a side file and come back from there. */
static void test_side_file(void **state)
{
    (void)state;
    base_arena *arena = base_arena_create();
    base_diag diag = { "" };
    ir_optable *table;
    ir_module *m, *again;
    ir_graph *g;
    ir_const *c;
    ir_value *v;
    char *text;
    size_t n;
    uint64_t hash, hash_again;
    float data[200];
    const int64_t dims[1] = { 200 };
    const char *path = SY_BINARY_DIR "/graph_text_side.bin";
    for (int i = 0; i < 200; i++) {
        data[i] = (float)i;
    }
    assert_ok(ir_optable_create(arena, &table));
    assert_ok(ir_module_create(arena, table, "m", &m));
    assert_ok(ir_module_add_function(m, "main", &diag, &g));
    assert_ok(ir_const_state(m, SY_DT_F32, 1, dims, data, &diag, &c));
    assert_ok(ir_const_inline(m, SY_DT_F32, 1, dims, data, sizeof data, &diag, &c));
    assert_ok(ir_graph_add_const(g, "w", c, &v));
    const ir_print_options options = { fopen(path, "wb"), path };
    assert_non_null(options.data);
    fputs("header", options.data);
    assert_ok(ir_print(m, &options, arena, &diag, &text, &n));
    assert_int_equal(fclose(options.data), 0);
    assert_ok(ir_parse(arena, table, "t", text, n, &diag, &again));
    assert_ok(ir_verify(again, &diag));
    assert_ok(ir_const_hash(m, c, &diag, &hash));
    assert_ok(ir_const_hash(again, again->consts[1], &diag, &hash_again));
    assert_true(hash == hash_again);
    const void *bytes;
    assert_ok(ir_const_data(again, again->consts[0], &diag, &bytes));
    assert_memory_equal(bytes, data, sizeof data);
    ir_module_destroy(again);
    ir_module_destroy(m);
    base_arena_destroy(arena);
    remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_truncated_everywhere),
        cmocka_unit_test(test_random_damage), cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_messages),     cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_side_file),    cmocka_unit_test(test_documented_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
