/*
 * values.c -- lists (sequences, optionals, maps) and strings as blocks of bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/graph/list.h"
#include "systole/graph/strings.h"

#include <stdlib.h>

static void test_list(void **state)
{
    (void)state;
    float floats[6] = {1, 2, 3, 4, 5, 6};
    int64_t number = -7;
    ir_tensor entries[3], list, outer, got;
    const int64_t dims[2] = {2, 3};
    assert_ok(ir_tensor_init(&entries[0], SY_DT_F32, 2, dims, floats));
    assert_ok(ir_tensor_init(&entries[1], SY_DT_I64, 0, NULL, &number));
    const int64_t none[1] = {0};
    assert_ok(ir_tensor_init(&entries[2], SY_DT_F32, 1, none, NULL));
    assert_ok(ir_list_init(&list, IR_TYPE_SEQUENCE, SY_DT_F32, 3, entries));
    assert_true(ir_tensor_is_list(&list));
    list.data = malloc(list.size_bytes);
    ir_list_write(&list, entries);

    /* A list of the list, in another place of memory. */
    assert_ok(ir_list_init(&outer, IR_TYPE_OPTIONAL, SY_DT_F32, 1, &list));
    outer.data = malloc(outer.size_bytes);
    ir_list_write(&outer, &list);
    free(list.data);
    assert_int_equal(ir_list_n(&outer), 1);
    ir_list_entry(&outer, 0, &got);
    assert_int_equal(got.kind, IR_TYPE_SEQUENCE);
    assert_int_equal(ir_list_n(&got), 3);
    ir_tensor inner;
    ir_list_entry(&got, 0, &inner);
    assert_int_equal(inner.rank, 2);
    assert_int_equal(inner.dims[1], 3);
    assert_memory_equal(inner.data, floats, sizeof floats);
    ir_list_entry(&got, 1, &inner);
    assert_int_equal(inner.dtype, SY_DT_I64);
    assert_memory_equal(inner.data, &number, sizeof number);
    ir_list_entry(&got, 2, &inner);
    assert_int_equal(ir_tensor_n_elements(&inner), 0);
    free(outer.data);

    entries[0].size_bytes = SIZE_MAX / 2;
    assert_int_equal(ir_list_init(&list, IR_TYPE_SEQUENCE, SY_DT_F32, 3, entries), SY_ERANGE);
    assert_int_equal(ir_list_init(&list, IR_TYPE_SEQUENCE, SY_DT_F32, -1, entries), SY_ERANGE);
}

static void test_strings(void **state)
{
    (void)state;
    base_arena *arena = base_arena_create();
    base_buf buf = {0};
    ir_strings_put(&buf, "ab", 2);
    ir_strings_put(&buf, "", 0);
    ir_strings_put(&buf, "x\0y", 3);
    assert_ok(base_buf_status(&buf));
    ir_tensor t;
    const int64_t dims[1] = {3};
    assert_ok(ir_tensor_init(&t, SY_DT_STRING, 1, dims, buf.data));
    t.size_bytes = buf.n_bytes;
    ir_text *texts = NULL;
    assert_ok(ir_strings_read(&t, arena, &texts));
    assert_int_equal(texts[1].n_bytes, 0);
    assert_memory_equal(texts[2].text, "x\0y", 3);
    /* Bytes that do not fit: too few, too many, an element that claims too much memory. */
    t.size_bytes--;
    assert_int_equal(ir_strings_read(&t, arena, &texts), SY_EINVAL);
    t.size_bytes++;
    t.dims[0] = 2;
    assert_int_equal(ir_strings_read(&t, arena, &texts), SY_EINVAL);
    t.dims[0] = INT64_C(1) << 40;
    assert_int_equal(ir_strings_read(&t, arena, &texts), SY_EINVAL);
    base_buf_free(&buf);
    base_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_list), cmocka_unit_test(test_strings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
