/*
 * tensors.c -- TensorProto and TypeProto in all their forms: typed data of every element type,
 * strings, sequences.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_run.h"

/* The constant `w` of a model whose only initializer is this tensor, fed to an operator nobody
 * knows. */
static sy_status import_tensor(base_buf t, base_diag *diag, imported *out)
{
    static const int64_t one[1] = {1};
    base_buf g = {0};
    ir_optable *table = NULL;
    ow_text(&t, 8, "w");
    ow_message(&g, 5, t);
    ow_add_input(&g, "x", SY_DT_F32, 1, one);
    base_buf node = ow_node("Opaque", "x w", "y");
    ow_text(&node, 7, "our.own");
    ow_add_node(&g, node);
    ow_add_output(&g, "y", SY_DT_F32);
    *out = (imported){.arena = base_arena_create(), .bytes = ow_model(g, 17)};
    assert_ok(ir_optable_create(out->arena, &table));
    return ir_import_onnx_bytes(out->arena, table, "test.onnx", out->bytes.data, out->bytes.n_bytes,
                                NULL, diag, &out->m);
}

static base_buf header(int dtype, int64_t size)
{
    base_buf t = {0};
    ow_int(&t, 1, size);
    ow_int(&t, 2, dtype);
    return t;
}

/* Field numbers of TensorProto. */
enum { FLOATS = 4, INT32S = 5, STRINGS = 6, INT64S = 7, DOUBLES = 10, UINT64S = 11 };

/* Two elements 1 and 2 of each type, by the field that ONNX prescribes, packed and not; what is
 * expected as bytes. */
static void test_typed_data(void **state)
{
    (void)state;
    static const struct {
        sy_dtype dtype;
        uint32_t field;
        size_t n_values; /* in the field */
        size_t n_bytes;
        const char *bytes;
    } cases[] = {
        {SY_DT_F32, FLOATS, 2, 8, "\0\0\x80\x3f\0\0\0\x40"},
        {SY_DT_F64, DOUBLES, 2, 16, "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40"},
        {SY_DT_I64, INT64S, 2, 16, "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"},
        {SY_DT_U64, UINT64S, 2, 16, "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"},
        {SY_DT_U32, UINT64S, 2, 8, "\1\0\0\0\2\0\0\0"},
        {SY_DT_I32, INT32S, 2, 8, "\1\0\0\0\2\0\0\0"},
        {SY_DT_I16, INT32S, 2, 4, "\1\0\2\0"},
        {SY_DT_U16, INT32S, 2, 4, "\1\0\2\0"},
        {SY_DT_F16, INT32S, 2, 4, "\1\0\2\0"}, /* bit patterns */
        {SY_DT_BF16, INT32S, 2, 4, "\1\0\2\0"},
        {SY_DT_I8, INT32S, 2, 2, "\1\2"},
        {SY_DT_U8, INT32S, 2, 2, "\1\2"},
        {SY_DT_BOOL, INT32S, 2, 2, "\1\2"},
        {SY_DT_F8E4M3FN, INT32S, 2, 2, "\1\2"},
        {SY_DT_U4, INT32S, 1, 1, "\1"}, /* two elements in one value */
        {SY_DT_I4, INT32S, 1, 1, "\1"},
        {SY_DT_C64, FLOATS, 4, 16, "\0\0\x80\x3f\0\0\0\x40\0\0\x80\x3f\0\0\0\x40"},
    };
    for (size_t i = 0; i < 2 * (sizeof cases / sizeof cases[0]); i++) {
        const bool packed = i % 2;
        const uint32_t field = cases[i / 2].field;
        base_buf t = header((int)cases[i / 2].dtype, 2), values = {0};
        for (size_t k = 0; k < cases[i / 2].n_values; k++) {
            const uint64_t v = 1 + k % 2;
            const float f = (float)v;
            const double d = (double)v;
            base_buf *to = packed ? &values : &t;
            if (!packed) {
                ow_raw_varint(&t, (uint64_t)field << 3 | (field == FLOATS    ? 5u
                                                          : field == DOUBLES ? 1u
                                                                             : 0u));
            }
            if (field == FLOATS) {
                base_buf_append(to, &f, sizeof f);
            } else if (field == DOUBLES) {
                base_buf_append(to, &d, sizeof d);
            } else {
                ow_raw_varint(to, v);
            }
        }
        if (packed) {
            ow_bytes(&t, field, values.data, values.n_bytes);
        }
        base_buf_free(&values);
        base_diag diag = {{0}};
        imported m;
        if (import_tensor(t, &diag, &m) != SY_OK) {
            fail_msg("%s: %s", sy_dtype_name(cases[i / 2].dtype), diag.message);
        }
        ir_const *c = ir_node_input(m.m->main->first, 1)->constant;
        const void *data = NULL;
        assert_int_equal(c->dtype, cases[i / 2].dtype);
        assert_int_equal(c->size_bytes, cases[i / 2].n_bytes);
        assert_ok(ir_const_data(m.m, c, &diag, &data));
        assert_memory_equal(data, cases[i / 2].bytes, c->size_bytes);
        drop(&m);
    }
}

static void expect_refused(base_buf t, sy_status status, const char *words)
{
    base_diag diag = {{0}};
    imported m;
    assert_int_equal(import_tensor(t, &diag, &m), status);
    if (strstr(diag.message, words) == NULL) {
        fail_msg("expected '%s', got: %s", words, diag.message);
    }
    drop(&m);
}

static void test_wrong_data(void **state)
{
    (void)state;
    base_buf t = header(SY_DT_I8, 1);
    ow_int(&t, INT32S, 128);
    expect_refused(t, SY_ERANGE, "128");

    t = header(SY_DT_U16, 1);
    ow_int(&t, INT32S, -1);
    expect_refused(t, SY_ERANGE, "-1");

    t = header(SY_DT_U32, 1);
    ow_int(&t, UINT64S, INT64_MAX);
    expect_refused(t, SY_ERANGE, "u32");

    t = header(SY_DT_F32, 2); /* the right count in the wrong field */
    ow_int(&t, INT32S, 1);
    ow_int(&t, INT32S, 2);
    expect_refused(t, SY_EFORMAT, "float_data");

    t = header(SY_DT_STRING, 2);
    ow_text(&t, STRINGS, "one");
    expect_refused(t, SY_EFORMAT, "string_data");

    t = header(77, 1);
    expect_refused(t, SY_EUNSUPPORTED, "77");

    t = header(SY_DT_F32, INT64_C(1) << 39); /* no data at all: nothing may be allocated for it */
    expect_refused(t, SY_EFORMAT, "values");

    t = header(SY_DT_F32, 1);
    base_buf segment = {0};
    ow_message(&t, 3, segment);
    expect_refused(t, SY_EUNSUPPORTED, "segments");

    t = (base_buf){0};
    for (int i = 0; i <= IR_MAX_RANK; i++) {
        ow_int(&t, 1, 1);
    }
    ow_int(&t, 2, SY_DT_F32);
    expect_refused(t, SY_ERANGE, "dimensions");
}

static void test_strings(void **state)
{
    (void)state;
    base_buf t = header(SY_DT_STRING, 2);
    ow_bytes(&t, STRINGS, "a\0b", 3);
    ow_text(&t, STRINGS, "");
    base_diag diag = {{0}};
    imported m;
    const void *data = NULL;
    assert_ok(import_tensor(t, &diag, &m));
    ir_const *c = ir_node_input(m.m->main->first, 1)->constant;
    assert_ok(ir_const_data(m.m, c, &diag, &data));
    assert_int_equal(c->size_bytes, 4 + 3 + 4);
    assert_memory_equal(data, "\3\0\0\0a\0b\0\0\0\0", 11);
    drop(&m);
}

/* sequence(map(i64, tensor f32)), optional(tensor u8 of any rank) */
static void test_types(void **state)
{
    (void)state;
    base_buf f32 = {0}, f32_type = {0}, map = {0}, map_type = {0}, seq = {0}, seq_type = {0};
    ow_int(&f32, 1, SY_DT_F32);
    ow_message(&f32_type, 1, f32);
    ow_int(&map, 1, SY_DT_I64);
    ow_message(&map, 2, f32_type);
    ow_message(&map_type, 5, map);
    ow_message(&seq, 1, map_type);
    ow_message(&seq_type, 4, seq);
    base_buf u8 = {0}, u8_type = {0}, optional = {0}, optional_type = {0};
    ow_int(&u8, 1, SY_DT_U8);
    ow_message(&u8_type, 1, u8);
    ow_message(&optional, 1, u8_type);
    ow_message(&optional_type, 9, optional);
    base_buf a = {0}, b = {0}, g = {0};
    ow_text(&a, 1, "a");
    ow_message(&a, 2, seq_type);
    ow_text(&b, 1, "b");
    ow_message(&b, 2, optional_type);
    ow_message(&g, 11, a);
    ow_message(&g, 11, b);
    base_buf node = ow_node("Opaque", "a b", "y");
    ow_text(&node, 7, "our.own");
    ow_add_node(&g, node);
    ow_add_output(&g, "y", SY_DT_I64); /* the declared type is all that is known */
    imported m = import_model(ow_model(g, 17));
    const ir_type *s = &m.m->main->inputs[0]->type, *o = &m.m->main->inputs[1]->type;
    assert_int_equal(s->kind, IR_TYPE_SEQUENCE);
    assert_int_equal(s->elem->kind, IR_TYPE_MAP);
    assert_int_equal(s->elem->dtype, SY_DT_I64);
    assert_int_equal(s->elem->elem->dtype, SY_DT_F32);
    assert_int_equal(o->kind, IR_TYPE_OPTIONAL);
    assert_false(o->elem->has_rank);
    assert_int_equal(m.m->main->first->outputs[0]->type.dtype, SY_DT_I64);
    drop(&m);
}

/* An initializer that is an input too can be fed; its declared type must fit. */
static void test_feedable(void **state)
{
    (void)state;
    static const int64_t two[1] = {2}, three[1] = {3};
    static const float w[2] = {1, 2};
    for (int wrong = 0; wrong < 2; wrong++) {
        base_buf g = {0};
        ow_add_const(&g, "w", SY_DT_F32, 1, two, w, sizeof w);
        ow_add_input(&g, "x", SY_DT_F32, 1, two);
        ow_add_input(&g, "w", SY_DT_F32, 1, wrong ? three : two);
        ow_add_node(&g, ow_node("Add", "x w", "y"));
        ow_add_output(&g, "y", SY_DT_F32);
        base_buf model = ow_model(g, 17);
        if (wrong) {
            base_diag diag = {{0}};
            base_arena *arena = base_arena_create();
            ir_optable *table = NULL;
            ir_module *m = NULL;
            assert_ok(ir_optable_create(arena, &table));
            assert_int_equal(
                ir_import_onnx_bytes(arena, table, "t", model.data, model.n_bytes, NULL, &diag, &m),
                SY_ESHAPE);
            base_arena_destroy(arena);
            base_buf_free(&model);
            continue;
        }
        imported m = import_model(model);
        assert_int_equal(m.m->main->n_inputs, 1);
        assert_true(ir_node_input(m.m->main->first, 1)->feedable);
        drop(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_typed_data), cmocka_unit_test(test_wrong_data),
        cmocka_unit_test(test_strings),    cmocka_unit_test(test_types),
        cmocka_unit_test(test_feedable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
