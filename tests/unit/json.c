/*
 * json.c -- the JSON writer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include <float.h>
#include <math.h>

#include "systole/base/json.h"

static void test_document(void **state)
{
    (void)state;
    base_buf buf = {0};
    base_json json = base_json_to(&buf);
    base_json_object_begin(&json);
    base_json_key_string(&json, "name", "conv \"1\"\\\n");
    base_json_key(&json, "counts");
    base_json_array_begin(&json);
    base_json_i64(&json, INT64_MIN);
    base_json_u64(&json, UINT64_MAX);
    base_json_array_end(&json);
    base_json_key(&json, "empty");
    base_json_object_begin(&json);
    base_json_object_end(&json);
    base_json_key_double(&json, "nan", NAN);
    base_json_key_bool(&json, "yes", true);
    base_json_key_string(&json, "none", NULL);
    base_json_key_i64(&json, "i", -1);
    base_json_key_u64(&json, "u", 1);
    base_json_object_end(&json);
    assert_ok(base_buf_status(&buf));
    assert_string_equal(buf.data, "{\n"
                                  "  \"name\": \"conv \\\"1\\\"\\\\\\n\",\n"
                                  "  \"counts\": [\n"
                                  "    -9223372036854775808,\n"
                                  "    18446744073709551615\n"
                                  "  ],\n"
                                  "  \"empty\": {},\n"
                                  "  \"nan\": null,\n"
                                  "  \"yes\": true,\n"
                                  "  \"none\": null,\n"
                                  "  \"i\": -1,\n"
                                  "  \"u\": 1\n"
                                  "}\n");
    base_buf_free(&buf);
}

static void expect_text(const char *text, const char *expected)
{
    base_buf buf = {0};
    base_json json = base_json_to(&buf);
    base_json_string(&json, text);
    assert_string_equal(buf.data, expected);
    base_buf_free(&buf);
}

static void test_strings(void **state)
{
    (void)state;
    expect_text("", "\"\"");
    expect_text("tab\there", "\"tab\\there\"");
    expect_text("\x01\x7f", "\"\\u0001\\u007f\"");
    expect_text("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
                "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
    expect_text("\xff", "\"\\ufffd\"");
    expect_text("\xc3", "\"\\ufffd\"");                       /* truncated */
    expect_text("\xc0\x80", "\"\\ufffd\\ufffd\"");            /* overlong NUL */
    expect_text("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""); /* surrogate */
    expect_text("\xf4\x90\x80\x80x", "\"\\ufffd\\ufffd\\ufffd\\ufffdx\"");
}

static void test_doubles_read_back(void **state)
{
    (void)state;
    const double values[] = {0.0,    -0.0,        0.1,     1.0 / 3, 1e300, DBL_MIN, DBL_MAX,
                             5e-324, 123456789.0, 2.5e-10, 1e21,    0.3,   M_PI};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        base_buf buf = {0};
        base_json json = base_json_to(&buf);
        base_json_double(&json, values[i]);
        const double back = strtod(buf.data, NULL);
        assert_memory_equal(&back, &values[i], sizeof back);
        base_buf_free(&buf);
    }
    base_buf buf = {0};
    base_json json = base_json_to(&buf);
    base_json_double(&json, 0.1);
    assert_string_equal(buf.data, "0.1");
    base_buf_free(&buf);
}

static void test_compact_and_flush(void **state)
{
    (void)state;
    base_buf buf = {0};
    base_json json = base_json_to(&buf);
    json.compact = true;
    FILE *file = tmpfile();
    assert_non_null(file);
    base_json_array_begin(&json);
    for (int i = 0; i < 3; i++) {
        base_json_object_begin(&json);
        base_json_key_i64(&json, "i", i);
        base_json_object_end(&json);
        assert_ok(base_json_flush(&json, file));
        assert_int_equal(buf.n_bytes, 0);
    }
    base_json_array_end(&json);
    assert_ok(base_json_flush(&json, file));
    rewind(file);
    char text[100] = {0};
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    assert_string_equal(text, "[{\"i\":0},{\"i\":1},{\"i\":2}]\n");
    fclose(file);
    base_buf_free(&buf);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    base_buf buf = {.limit_bytes = 10};
    base_json json = base_json_to(&buf);
    base_json_array_begin(&json);
    for (int i = 0; i < 20; i++) {
        base_json_i64(&json, i);
    }
    base_json_array_end(&json);
    assert_int_equal(base_buf_status(&buf), SY_ENOMEM);
    assert_int_equal(base_json_flush(&json, stderr), SY_ENOMEM);
    base_buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document),          cmocka_unit_test(test_strings),
        cmocka_unit_test(test_doubles_read_back), cmocka_unit_test(test_compact_and_flush),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
