/*
 * graph_edit.c -- edits keep the graph whole: uses, order, copies, fusing; the verifier sees what is broken.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/graph/infer.h"
#include "systole/graph/text.h"
#include "systole/graph/verify.h"

typedef struct fixture {
    base_arena *arena;
    base_diag diag;
    ir_module *m;
    ir_graph *g;
} fixture;

#define HEAD "systole_ir 1\nmodule \"m\"\n"

/* x -> Relu a -> Add(a, w) b -> Sigmoid c -> Mul(c, a) d; outputs d, and b under another name */
static const char chain[] =
    HEAD "const #0 = f32[] hex 0000803f\n"
         "func @main main (%x: f32[N]) -> (%d, %b as \"middle\") {\n"
         "  const %w: f32[] = #0\n"
         "  %a: f32[N] = Relu(%x) name \"first\" number 0\n"
         "  %b: f32[N] = Add(%a, %w) number 1\n"
         "  %c: f32[N] = Sigmoid(%b) number 2\n"
         "  %d: f32[N] = Mul(%c, %a) number 3\n"
         "}\n";

static void load(fixture *f, const char *text)
{
    ir_optable *table;
    *f = (fixture){ .arena = base_arena_create() };
    assert_ok(ir_optable_create(f->arena, &table));
    if (ir_parse(f->arena, table, "t", text, strlen(text), &f->diag, &f->m) != SY_OK) {
        fail_msg("%s", base_diag_message(&f->diag));
    }
    f->g = f->m->main;
}

static void done(fixture *f)
{
    ir_module_destroy(f->m);
    base_arena_destroy(f->arena);
}

static void verify(fixture *f)
{
    if (ir_verify(f->m, &f->diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&f->diag));
    }
}

static void assert_prints(fixture *f, const char *expected)
{
    char *text;
    assert_ok(ir_print(f->m, NULL, f->arena, &f->diag, &text, NULL));
    assert_string_equal(text, expected);
}

static void test_replace_and_erase(void **state)
{
    (void)state;
    fixture f;
    load(&f, chain);
    ir_value *a = ir_graph_find_value(f.g, "a"), *x = f.g->inputs[0];
    assert_int_equal(a->n_uses, 2);
    ir_value_replace_uses(a, x);
    ir_node_erase(a->producer);
    verify(&f);
    assert_int_equal(x->n_uses, 2);
    assert_prints(&f, HEAD "const #0 = f32[] hex 0000803f\n"
                           "func @main main (%x: f32[N]) -> (%d, %b as \"middle\") {\n"
                           "  const %w: f32[] = #0\n"
                           "  %b: f32[N] = Add(%x, %w) number 1\n"
                           "  %c: f32[N] = Sigmoid(%b) number 2\n"
                           "  %d: f32[N] = Mul(%c, %x) number 3\n"
                           "}\n");
    /* an output keeps its name when a pass replaces its value */
    ir_value_replace_uses(ir_graph_find_value(f.g, "d"), ir_graph_find_value(f.g, "c"));
    assert_int_equal(ir_graph_remove_dead(f.g), 1);
    verify(&f);
    assert_string_equal(f.g->outputs[0]->name, "d");
    assert_string_equal(f.g->outputs[0]->use.value->name, "c");
    done(&f);
}

/* Operand arrays grow and move; the lists of uses follow. */
static void test_many_operands(void **state)
{
    (void)state;
    fixture f;
    load(&f, HEAD "func @main main (%x: f32[2], %y: f32[3]) -> (%z) {\n  %z: f32[2] = Concat(%x) {axis = 0}\n}\n");
    ir_node *n = f.g->first;
    for (int i = 0; i < 100; i++) {
        assert_ok(ir_node_add_input(n, f.g->inputs[i % 2]));
    }
    ir_node_set_input(n, 50, f.g->inputs[0]);
    ir_node_trim_inputs(n, 60);
    ir_value_forget_type(n->outputs[0]);
    assert_ok(ir_infer_graph(f.g, &f.diag));
    verify(&f);
    assert_int_equal(f.g->inputs[0]->n_uses + f.g->inputs[1]->n_uses, 60);
    ir_value_replace_uses(f.g->inputs[1], f.g->inputs[0]);
    ir_value_erase(f.g->inputs[1]);
    ir_value_forget_type(n->outputs[0]);
    assert_ok(ir_infer_graph(f.g, &f.diag));
    verify(&f);
    assert_string_equal(ir_type_text(&n->outputs[0]->type, f.arena), "f32[120]");
    done(&f);
}

static void test_order(void **state)
{
    (void)state;
    fixture f;
    load(&f, chain);
    ir_node *a = ir_graph_find_value(f.g, "a")->producer;
    ir_node_move(a, NULL);
    assert_int_equal(ir_graph_check_order(f.g, &f.diag), SY_EINVAL);
    assert_string_equal(base_diag_message(&f.diag), "graph 'main': node 'b' (Add) uses 'a' before it is defined");
    assert_int_equal(ir_verify(f.m, &f.diag), SY_EINVAL);
    assert_ok(ir_graph_sort(f.g, &f.diag));
    verify(&f);
    assert_prints(&f, chain); /* stable: the only order there is */
    /* b = Add(a, d): a cycle */
    ir_node_set_input(ir_graph_find_value(f.g, "b")->producer, 1, ir_graph_find_value(f.g, "d"));
    assert_int_equal(ir_graph_sort(f.g, &f.diag), SY_EINVAL);
    assert_string_equal(base_diag_message(&f.diag), "graph 'main': node 'b' (Add) depends on its own result");
    done(&f);
}

static void test_sort_minds_captures(void **state)
{
    (void)state;
    fixture f;
    load(&f, HEAD "func @main main (%c: bool[], %x: f32[N]) -> (%y) {\n"
                  "  %a: f32[N] = Relu(%x)\n"
                  "  %y: f32[N] = If(%c) {then_branch = graph () -> (%t) {\n"
                  "    %t: f32[N] = Neg(%a)\n"
                  "  }, else_branch = graph () -> (%x) {\n"
                  "  }}\n"
                  "}\n");
    ir_node_move(f.g->first, NULL);
    assert_int_equal(ir_graph_check_order(f.g, &f.diag), SY_EINVAL);
    assert_string_equal(base_diag_message(&f.diag), "graph 'main': node 't' (Neg) uses 'a' before it is defined");
    assert_ok(ir_graph_sort(f.g, &f.diag));
    verify(&f);
    ir_value **captured;
    uint32_t n;
    assert_ok(ir_region_captures(ir_node_region(f.g->last, "then_branch"), f.arena, &captured, &n));
    assert_int_equal(n, 1);
    assert_string_equal(captured[0]->name, "a");
    /* erasing the If frees what its regions held */
    ir_graph_set_output(f.g, 0, f.g->inputs[1]);
    assert_int_equal(ir_graph_remove_dead(f.g), 2);
    assert_int_equal(f.g->inputs[1]->n_uses, 1);
    verify(&f);
    done(&f);
}

static void test_fuse(void **state)
{
    (void)state;
    fixture f;
    ir_node *fused;
    load(&f, chain);
    ir_node *nodes[3];
    nodes[0] = ir_graph_find_value(f.g, "b")->producer;
    nodes[1] = ir_graph_find_value(f.g, "c")->producer;
    nodes[2] = ir_graph_find_value(f.g, "d")->producer;
    assert_ok(ir_fuse(nodes, 3, "chain", &f.diag, &fused));
    verify(&f);
    assert_prints(&f, HEAD "const #0 = f32[] hex 0000803f\n"
                           "func @main main (%x: f32[N]) -> (%d, %b as \"middle\") {\n"
                           "  const %w: f32[] = #0\n"
                           "  %a: f32[N] = Relu(%x) name \"first\" number 0\n"
                           "  %b: f32[N], %d: f32[N] = systole::Fused(%a) {kind = \"chain\", body = graph "
                           "(%a.1: f32[N]) -> (%b.1 as \"b\", %d.1 as \"d\") {\n"
                           "    %b.1: f32[N] = Add(%a.1, %w) number 1\n"
                           "    %c: f32[N] = Sigmoid(%b.1) number 2\n"
                           "    %d.1: f32[N] = Mul(%c, %a.1) number 3\n"
                           "  }} number 3\n"
                           "}\n");
    assert_ok(ir_unfuse(fused, &f.diag));
    verify(&f);
    assert_prints(&f, chain);
    /* a and c alone leave b between them */
    nodes[0] = ir_graph_find_value(f.g, "a")->producer;
    assert_int_equal(ir_fuse(nodes, 2, "torn", &f.diag, &fused), SY_EINVAL);
    assert_string_equal(base_diag_message(&f.diag),
                        "node 'first' (Relu) cannot be fused: node 'b' (Add) uses 'a' before the last of the nodes to fuse");
    assert_prints(&f, chain);
    done(&f);
}

static void test_clone(void **state)
{
    (void)state;
    fixture f;
    ir_node *copy;
    ir_graph *other;
    load(&f, chain);
    ir_node *b = ir_graph_find_value(f.g, "b")->producer;
    ir_value *inputs[2] = { f.g->inputs[0], b->inputs[1].value };
    assert_ok(ir_node_clone(b, f.g, b, inputs, &copy));
    assert_string_equal(ir_node_text(copy, f.arena), "%b.1: f32[N] = Add(%x, %w) number 1");
    assert_ok(ir_function_clone(f.g, "again", &f.diag, &other));
    verify(&f);
    assert_int_equal(other->n_nodes, f.g->n_nodes);
    assert_int_equal(ir_function_clone(f.g, "again", &f.diag, &other), SY_EINVAL);
    assert_string_equal(base_diag_message(&f.diag), "function 'again' is defined twice");
    done(&f);
}

static void test_attributes(void **state)
{
    (void)state;
    fixture f;
    load(&f, chain);
    ir_node *n = f.g->first;
    const int64_t values[2] = { 3, 4 }, *got;
    assert_ok(ir_node_set_int(n, "k", 7));
    assert_ok(ir_node_set_ints(n, "k", 2, values)); /* replaces */
    assert_int_equal(ir_node_ints(n, "k", &got), 2);
    assert_int_equal(got[1], 4);
    assert_int_equal(ir_node_int(n, "k", -1), -1);
    assert_ok(ir_node_set_string(n, "s", "a\0b", 3));
    assert_int_equal(ir_node_attr(n, "s")->u.s.n, 3);
    ir_node_remove_attr(n, "k");
    assert_null(ir_node_attr(n, "k"));
    ir_node_remove_attr(n, "s");
    verify(&f);
    done(&f);
}

static void test_unique_names(void **state)
{
    (void)state;
    fixture f;
    load(&f, chain);
    assert_string_equal(ir_name_unique(f.m, "new"), "new");
    for (int i = 1; i < 3000; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "new.%d", i);
        assert_string_equal(ir_name_unique(f.m, "new"), expected);
    }
    done(&f);
}

/* ---------------------------------------------------------------- what the verifier refuses */

static const struct {
    const char *text, *message;
} refused[] = {
    { "func @main (%x: f32[3]) -> (%y) { %y: f32[4] = Relu(%x) }",
      "node 'y' (Relu): result 'y' is declared as f32[4], inference gives f32[3]" },
    { "func @main (%x: f32[3]) -> (%y) { %y: ? = Relu(%x) }", "graph 'main': 'y' has type ?, inference gives f32[3]" },
    { "func @main (%x: f32[3]) -> (%y) { %y: f32[3] = Relu(%x) {alpha = 1.0} }",
      "graph 'main': node 'y' (Relu) has an attribute 'alpha', which the operator does not have" },
    { "func @main (%x: f32[3]) -> (%y) { %y: f32[3] = Softmax(%x) {axis = 1.0} }",
      "graph 'main': attribute 'axis' of node 'y' (Softmax) is of the wrong kind" },
    { "func @main (%x: f32[3]) -> (%y) { %y: f32[3] = Relu() }", "graph 'main': node 'y' (Relu) has 0 operands" },
    { "func @main (%x: f32[3]) -> (%y) { %y: f32[3], %z: ? = Relu(%x) }", "graph 'main': node 'y' (Relu) has 2 results" },
    { "func @main (%x: f32[3]) -> (%y) { %y: f32[3] = Add(%x, _) }", "graph 'main': operand 1 of node 'y' (Add) is missing" },
    { "func @main (%x: f32[3]) -> (%x, %x) { }", "graph 'main': two outputs are named 'x'" },
    { "func @main (%x: f32[3]) -> (%y) { %y: f32[3] = Relu @main(%x) }",
      "graph 'main': node 'y' (Relu) must not call a function" },
    { "func @main (%x: f32[3]) -> (%y) { %y: f32[3] = systole::Call(%x) }",
      "graph 'main': node 'y' (Call) must call a function" },
    { "func @main (%x: f32[3]) -> (%y) { %y: f32[3] = systole::Call @main(%x) }", "function 'main' calls itself" },
    { "func @main (%x: f32[3], %s: f32[2]) -> (%x) { state %s -> 0 }",
      "graph 'main': state 's' and its next value 'x' have different types" },
    { "const #0 = f32[2] hex 0000000000000000 func @main (%x: f32[2]) -> (%x) { state %x -> 0 = #0 }",
      "graph 'main': the initial contents of state 'x' do not have its type" },
    { "const #0 = f32[2] hex 0000000000000000 func @main () -> (%w) { const %w: f32[3] = #0 }",
      "graph 'main': constant 'w' does not have the type of its handle" },
    { "func @main (%c: bool[]) -> (%y) { %y: f32[1] = If(%c) {then_branch = graph () -> () {}, else_branch = graph () -> () {}} }",
      "node 'y' (If): has 1 results, then_branch 0, else_branch 0" },
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char text[512];
        fixture f;
        snprintf(text, sizeof text, HEAD "%s", refused[i].text);
        load(&f, text);
        assert_int_not_equal(ir_verify(f.m, &f.diag), SY_OK);
        assert_string_equal(base_diag_message(&f.diag), refused[i].message);
        done(&f);
    }
}

/* Damage that no text can bring. */
static void test_damage(void **state)
{
    (void)state;
    fixture f;
    load(&f, chain);
    ir_value *a = ir_graph_find_value(f.g, "a"), *x = f.g->inputs[0];
    ir_node *b = ir_graph_find_value(f.g, "b")->producer;

    a->n_uses = 7;
    assert_int_equal(ir_verify(f.m, &f.diag), SY_EINVAL);
    assert_string_equal(base_diag_message(&f.diag), "graph 'main': 'a' counts 7 uses and has 2");
    a->n_uses = 2;

    const char *name = a->name;
    a->name = x->name;
    assert_int_equal(ir_verify(f.m, &f.diag), SY_EINVAL);
    assert_string_equal(base_diag_message(&f.diag), "graph 'main': two values are named 'x'");
    a->name = name;

    b->inputs[0].value = x; /* past ir_node_set_input */
    assert_int_equal(ir_verify(f.m, &f.diag), SY_EINVAL);
    assert_string_equal(base_diag_message(&f.diag), "graph 'main': the list of uses of 'x' is damaged");
    b->inputs[0].value = a;

    const uint32_t n = f.g->n_consts;
    f.g->n_consts = 0;
    assert_int_equal(ir_verify(f.m, &f.diag), SY_EINVAL);
    assert_string_equal(base_diag_message(&f.diag), "graph 'main': 'b' uses 'w', which is in no graph any more");
    f.g->n_consts = n;
    verify(&f);

    ir_graph *other;
    ir_value *stranger;
    assert_ok(ir_module_add_function(f.m, "other", &f.diag, &other));
    assert_ok(ir_graph_add_input(other, "stranger", &x->type, &stranger));
    ir_node_set_input(b, 1, stranger);
    assert_int_equal(ir_verify(f.m, &f.diag), SY_EINVAL);
    assert_string_equal(base_diag_message(&f.diag),
                        "graph 'main': 'b' uses 'stranger' of graph 'other', which is not around it");
    done(&f);
}

/* ---------------------------------------------------------------- constants */

static sy_status make_ones(void *user, ir_module *m, const ir_const *c, void *out, base_diag *diag)
{
    (void)m;
    (void)diag;
    (*(int *)user)++;
    for (size_t i = 0; i < c->size_bytes / sizeof(float); i++) {
        ((float *)out)[i] = 1.0f;
    }
    return SY_OK;
}

static void test_constants(void **state)
{
    (void)state;
    fixture f;
    ir_const *derived, *file, *missing, *text;
    const void *bytes;
    const int64_t dims[1] = { 3 }, too_many[1] = { 1000000 };
    int runs = 0;
    const char *path = SY_BINARY_DIR "/graph_edit_constants.bin";
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite("\1\0\0\0\2\0\0\0\3\0\0\0\4", 1, 13, out), 13);
    assert_int_equal(fclose(out), 0);
    load(&f, chain);

    assert_ok(ir_const_derived(f.m, SY_DT_F32, 1, dims, "ones", "", NULL, 0, &f.diag, &derived));
    assert_int_equal(ir_const_data(f.m, derived, &f.diag, &bytes), SY_EUNSUPPORTED);
    assert_string_equal(base_diag_message(&f.diag), "constant #1 is derived by recipe 'ones', which nobody registered");
    assert_ok(ir_recipe_register(f.m, "ones", make_ones, &runs));
    assert_ok(ir_const_data(f.m, derived, &f.diag, &bytes));
    assert_ok(ir_const_data(f.m, derived, &f.diag, &bytes));
    assert_int_equal(runs, 1);
    assert_true(((const float *)bytes)[2] == 1.0f);

    assert_ok(ir_const_file(f.m, SY_DT_I32, 1, dims, path, 1, &f.diag, &file)); /* not aligned: copied */
    ir_tensor t;
    assert_ok(ir_const_tensor(f.m, file, &f.diag, &t));
    assert_int_equal(ir_tensor_get_i64(&t, 0), 0x02000000);
    assert_ok(ir_const_file(f.m, SY_DT_I32, 1, too_many, path, 8, &f.diag, &missing));
    assert_int_equal(ir_const_data(f.m, missing, &f.diag, &bytes), SY_EIO);
    assert_non_null(strstr(base_diag_message(&f.diag), "has 13 bytes, a constant needs bytes 8 to 4000008"));
    assert_ok(ir_const_file(f.m, SY_DT_I32, 1, dims, "/nowhere/at/all", 0, &f.diag, &missing));
    assert_int_equal(ir_const_data(f.m, missing, &f.diag, &bytes), SY_EIO);
    assert_int_equal(ir_const_inline(f.m, SY_DT_STRING, 1, dims, "\1\0\0\0a\0\0\0\0\377\0\0\0", 13, &f.diag, &text),
                     SY_EFORMAT);
    done(&f);
    remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replace_and_erase), cmocka_unit_test(test_many_operands),
        cmocka_unit_test(test_order),             cmocka_unit_test(test_sort_minds_captures),
        cmocka_unit_test(test_fuse),              cmocka_unit_test(test_clone),
        cmocka_unit_test(test_attributes),        cmocka_unit_test(test_unique_names),
        cmocka_unit_test(test_refused),           cmocka_unit_test(test_damage),
        cmocka_unit_test(test_constants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
