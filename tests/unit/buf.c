/*
 * buf.c -- the growable buffer, the cursor over untrusted bytes, and error messages.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/base/buf.h"
#include "systole/base/diag.h"

static void test_text(void **state)
{
    (void)state;
    base_buf buf = {0};
    assert_true(base_buf_puts(&buf, ""));
    assert_string_equal(buf.data, "");
    for (int i = 0; i < 500; i++) {
        assert_true(base_buf_printf(&buf, "%03d,", i));
        assert_int_equal(buf.n_bytes, 4 * (i + 1));
        assert_int_equal(strlen(buf.data), buf.n_bytes);
    }
    assert_memory_equal(buf.data + 4 * 321, "321,", 4);
    base_buf_clear(&buf);
    assert_string_equal(buf.data, "");
    assert_true(base_buf_putc(&buf, 'x'));
    assert_string_equal(buf.data, "x");
    assert_ok(base_buf_status(&buf));
    base_buf_free(&buf);
    assert_null(buf.data);
}

static void test_little_endian(void **state)
{
    (void)state;
    base_buf buf = {0};
    base_buf_put_u8(&buf, 0x01);
    base_buf_put_le16(&buf, 0x0302);
    base_buf_put_le32(&buf, 0x07060504);
    base_buf_put_le64(&buf, UINT64_C(0xff0e0d0c0b0a0908));
    assert_ok(base_buf_status(&buf));
    const unsigned char expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255};
    assert_int_equal(buf.n_bytes, sizeof expected);
    assert_memory_equal(buf.data, expected, sizeof expected);

    base_cursor cursor = base_cursor_at(buf.data, buf.n_bytes);
    assert_int_equal(base_cursor_u8(&cursor), 0x01);
    assert_int_equal(base_cursor_le16(&cursor), 0x0302);
    assert_int_equal(base_cursor_le32(&cursor), 0x07060504);
    assert_true(base_cursor_le64(&cursor) == UINT64_C(0xff0e0d0c0b0a0908));
    assert_int_equal(base_cursor_left(&cursor), 0);
    assert_false(cursor.failed);

    assert_true(base_buf_align(&buf, 16));
    assert_int_equal(buf.n_bytes, 16);
    assert_true(base_buf_align(&buf, 16));
    assert_int_equal(buf.n_bytes, 16);
    assert_int_equal(buf.data[15], 0);
    base_set_le32(buf.data + 3, 0x89abcdef);
    assert_int_equal(base_get_le32(buf.data + 3), 0x89abcdef);
    assert_int_equal(base_get_le16(buf.data + 3), 0xcdef);
    base_buf_free(&buf);
}

/* At every limit, what was appended before the failure is a prefix, and nothing follows it. */
static void test_failed_writes_stick(void **state)
{
    (void)state;
    for (size_t limit = 1; limit < 40; limit++) {
        base_buf buf = {.limit_bytes = limit};
        size_t n_before = 0;
        bool ok = true;
        for (int i = 0; i < 10; i++) {
            const bool appended = base_buf_puts(&buf, "abcde");
            assert_true(ok || !appended);
            ok = appended;
            n_before += appended ? 5 : 0;
        }
        assert_int_equal(buf.n_bytes, n_before);
        assert_int_equal(buf.n_bytes, limit / 5 * 5);
        assert_int_equal(base_buf_status(&buf), SY_ENOMEM);
        assert_false(base_buf_putc(&buf, 'x'));
        assert_false(base_buf_zeros(&buf, 0));
        assert_false(base_buf_printf(&buf, "%d", 1));
        base_buf_clear(&buf);
        assert_ok(base_buf_status(&buf));
        base_buf_free(&buf);
    }
    base_buf buf = {0};
    assert_false(base_buf_reserve(&buf, SIZE_MAX));
    assert_false(base_buf_putc(&buf, 'x'));
    base_buf_free(&buf);
}

static void test_cursor_bounds(void **state)
{
    (void)state;
    const unsigned char data[] = {'a', 'b', 0, 'c', 'd'};
    base_cursor cursor = base_cursor_at(data, sizeof data);
    assert_string_equal(base_cursor_string(&cursor), "ab");
    assert_null(base_cursor_string(&cursor)); /* no NUL ends "cd" */
    assert_true(cursor.failed);
    assert_int_equal(base_cursor_u8(&cursor), 0);
    assert_int_equal(base_cursor_left(&cursor), 0);
    assert_false(base_cursor_seek(&cursor, 0));

    for (size_t n = 0; n < 8; n++) {
        const unsigned char bytes[8] = {1, 1, 1, 1, 1, 1, 1, 1};
        cursor = base_cursor_at(bytes, n);
        assert_int_equal(base_cursor_le64(&cursor), 0);
        assert_true(cursor.failed);
    }
    cursor = base_cursor_at(data, sizeof data);
    assert_true(base_cursor_seek(&cursor, 5));
    assert_non_null(base_cursor_bytes(&cursor, 0));
    assert_null(base_cursor_bytes(&cursor, 1));
    cursor = base_cursor_at(data, sizeof data);
    assert_false(base_cursor_seek(&cursor, 6));
    cursor = base_cursor_at(data, sizeof data);
    assert_null(base_cursor_bytes(&cursor, SIZE_MAX));
    cursor = base_cursor_at(NULL, 0);
    assert_non_null(base_cursor_bytes(&cursor, 0));
    assert_null(base_cursor_string(&cursor));
}

static void test_diag(void **state)
{
    (void)state;
    base_diag diag = {0};
    assert_string_equal(base_diag_message(&diag), "");
    assert_int_equal(base_fail(&diag, SY_ESHAPE, "expected %d, got %d", 4, 3), SY_ESHAPE);
    assert_string_equal(base_diag_message(&diag), "expected 4, got 3");
    base_fail(&diag, SY_ESHAPE, "node '%s': %s", "conv1", base_diag_message(&diag));
    assert_string_equal(base_diag_message(&diag), "node 'conv1': expected 4, got 3");
    base_fail(&diag, SY_EFORMAT, "name '%s'", "two\nlines\x1b[31m");
    assert_string_equal(base_diag_message(&diag), "name 'two?lines?[31m'");
    base_fail(&diag, SY_EFORMAT, "%5000d", 1);
    assert_int_equal(strlen(base_diag_message(&diag)), BASE_DIAG_BYTES - 1);
    assert_string_equal(base_diag_message(&diag) + BASE_DIAG_BYTES - 4, "...");
    base_diag_clear(&diag);
    assert_string_equal(base_diag_message(&diag), "");
    assert_int_equal(base_fail(NULL, SY_EIO, "dropped"), SY_EIO);
    assert_string_equal(base_diag_message(NULL), "");
    base_diag_clear(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_little_endian),
        cmocka_unit_test(test_failed_writes_stick),
        cmocka_unit_test(test_cursor_bounds),
        cmocka_unit_test(test_diag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
