/*
 * values.c -- values of the C API: strings, sequences, optionals and maps in and out of models.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "value_run.h"

/* x -> StringSplit -> words, counts; SplitToSequence of the words; a sequence's entry. */
static void test_strings_and_sequences(void **state)
{
    (void)state;
    base_buf g = {0}, split = ow_node("StringSplit", "x", "words counts"), rows = ow_node("SplitToSequence", "words", "rows");
    const int64_t dims[] = {-1};
    ow_attr_int(&rows, "keepdims", 0);
    ow_add_node(&g, split);
    ow_add_node(&g, rows);
    ow_add_input(&g, "x", SY_DT_STRING, 1, dims);
    ow_add_output(&g, "rows", SY_DT_STRING);
    ow_add_output(&g, "counts", SY_DT_I64);
    sy_model *model = NULL;
    sy_session *session = open_model(ow_model(g, 20), &model);
    sy_kind kind;
    assert_ok(sy_model_input_kind(model, 0, &kind));
    assert_int_equal(kind, SY_KIND_TENSOR);
    assert_ok(sy_model_output_kind(model, 0, &kind));
    assert_int_equal(kind, SY_KIND_SEQUENCE);
    assert_int_equal(sy_model_output_kind(model, 2, &kind), SY_EINVAL);

    sy_value *x = strings(2, (const char *[]){"one two", "three"}), *out[2] = {NULL, NULL};
    sy_message why;
    assert_ok(sy_session_run_values(session, (const sy_value *const *)&x, 1, out, 2, NULL, &why));
    assert_int_equal(sy_value_kind(out[0]), SY_KIND_SEQUENCE);
    assert_int_equal(sy_value_dtype(out[0]), SY_DT_STRING);
    assert_int_equal(sy_value_n(out[0]), 2);
    assert_null(sy_value_entry(out[0], 2));
    want_string(sy_value_entry(out[0], 0), 0, "one");
    want_string(sy_value_entry(out[0], 0), 1, "two");
    want_string(sy_value_entry(out[0], 1), 0, "three");
    want_string(sy_value_entry(out[0], 1), 1, "");
    sy_tensor view;
    assert_ok(sy_value_view(out[1], &view));
    assert_int_equal(view.rank, 1);
    assert_int_equal(((const int64_t *)view.data)[0], 2);
    assert_int_equal(sy_value_view(out[0], &view), SY_EINVAL);

    /* the form for tensors says what to do */
    sy_tensor in, results[2] = {{0}, {0}};
    assert_ok(sy_value_view(x, &in));
    assert_int_equal(sy_session_run(session, &in, 1, results, 2, NULL, &why), SY_EUNSUPPORTED);
    assert_non_null(strstr(why.text, "sy_session_run_values"));
    for (int i = 0; i < 2; i++) {
        sy_value_free(out[i]);
    }
    sy_value_free(x);
    sy_session_free(session);
    sy_model_free(model);
}

static void test_lists(void **state)
{
    (void)state;
    const int64_t two = 2;
    const float numbers[] = {1.0f, 2.0f};
    sy_tensor t;
    sy_value *keys = strings(2, (const char *[]){"a", "b"}), *values = NULL, *map = NULL, *sequence = NULL, *none = NULL, *bad = NULL;
    assert_ok(sy_tensor_init(&t, SY_DT_F32, 1, &two, (void *)(uintptr_t)numbers));
    assert_ok(sy_value_tensor(&t, &values));
    assert_ok(sy_value_list(SY_KIND_MAP, SY_DT_F32, (const sy_value *const[]){keys, values}, 2, &map));
    assert_ok(sy_value_list(SY_KIND_SEQUENCE, SY_DT_F32, (const sy_value *const[]){map, map}, 2, &sequence));
    assert_ok(sy_value_list(SY_KIND_OPTIONAL, SY_DT_F32, NULL, 0, &none));
    assert_int_equal(sy_value_n(none), 0);
    assert_int_equal(sy_value_kind(sy_value_entry(sequence, 1)), SY_KIND_MAP);
    want_string(sy_value_entry(sy_value_entry(sequence, 1), 0), 1, "b");
    assert_ok(sy_value_view(sy_value_entry(sy_value_entry(sequence, 0), 1), &t));
    assert_memory_equal(t.data, numbers, sizeof numbers);
    /* what fits no list */
    assert_int_equal(sy_value_list(SY_KIND_MAP, SY_DT_F32, (const sy_value *const[]){keys}, 1, &bad), SY_EINVAL);
    assert_int_equal(sy_value_list(SY_KIND_OPTIONAL, SY_DT_F32, (const sy_value *const[]){keys, keys}, 2, &bad), SY_EINVAL);
    assert_int_equal(sy_value_list(SY_KIND_SEQUENCE, SY_DT_F32, (const sy_value *const[]){keys, values}, 2, &bad), SY_EINVAL);
    assert_int_equal(sy_value_list(SY_KIND_TENSOR, SY_DT_F32, NULL, 0, &bad), SY_EINVAL);
    /* strings whose lengths lie */
    const unsigned char damaged[] = {9, 0, 0, 0, 'x'};
    const int64_t one = 1;
    assert_ok(sy_tensor_init(&t, SY_DT_STRING, 1, &one, (void *)(uintptr_t)damaged));
    t.size_bytes = sizeof damaged;
    assert_int_equal(sy_value_tensor(&t, &bad), SY_EINVAL);
    assert_null(bad);
    sy_value *deep = none;
    for (int i = 0; i < 64 && deep != NULL; i++) { /* lists in lists end somewhere */
        sy_value *next = NULL;
        const sy_status status = sy_value_list(SY_KIND_OPTIONAL, SY_DT_F32, (const sy_value *const *)&deep, 1, &next);
        assert_true(status == SY_OK || status == SY_ERANGE);
        sy_value_free(deep);
        deep = next;
    }
    assert_null(deep);
    sy_value_free(sequence);
    sy_value_free(map);
    sy_value_free(values);
    sy_value_free(keys);
}

/* An optional and a map as inputs. */
static void test_list_inputs(void **state)
{
    (void)state;
    base_buf g = {0}, has = ow_node("OptionalHasElement", "x", "y");
    base_buf info = {0}, type = {0}, optional = {0}, tensor_type = {0}, tensor = {0};
    ow_int(&tensor, 1, SY_DT_F32);
    ow_message(&tensor_type, 1, tensor);
    ow_message(&optional, 1, tensor_type);
    ow_message(&type, 9, optional);
    ow_text(&info, 1, "x");
    ow_message(&info, 2, type);
    ow_add_node(&g, has);
    ow_message(&g, 11, info);
    ow_add_output(&g, "y", SY_DT_BOOL);
    sy_model *model = NULL;
    sy_session *session = open_model(ow_model(g, 18), &model);
    sy_message why;
    const float number = 1.0f;
    sy_tensor t;
    sy_value *x = NULL, *full = NULL, *empty = NULL;
    assert_ok(sy_tensor_init(&t, SY_DT_F32, 0, NULL, (void *)(uintptr_t)&number));
    assert_ok(sy_value_tensor(&t, &x));
    assert_ok(sy_value_list(SY_KIND_OPTIONAL, SY_DT_F32, (const sy_value *const *)&x, 1, &full));
    assert_ok(sy_value_list(SY_KIND_OPTIONAL, SY_DT_F32, NULL, 0, &empty));
    const sy_value *const inputs[2] = {empty, full};
    for (int i = 0; i < 2; i++) {
        sy_value *out = NULL;
        assert_ok(sy_session_run_values(session, &inputs[i], 1, &out, 1, NULL, &why));
        assert_ok(sy_value_view(out, &t));
        assert_int_equal(*(const uint8_t *)t.data, i);
        sy_value_free(out);
    }
    sy_value *out = NULL;
    assert_int_equal(sy_session_run_values(session, (const sy_value *const *)&x, 1, &out, 1, NULL, &why), SY_EINVAL);
    assert_non_null(strstr(why.text, "expected an optional, got a tensor"));
    assert_int_equal(sy_session_run_values(session, NULL, 0, &out, 1, NULL, &why), SY_EINVAL);
    assert_null(out);
    sy_value_free(x);
    sy_value_free(full);
    sy_value_free(empty);
    sy_session_free(session);
    sy_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_and_sequences),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_list_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
