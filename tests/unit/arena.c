/*
 * arena.c -- arenas, vectors in them, and the sweep over allocations that fail.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/base/arena.h"
#include "systole/base/vec.h"
#include "systole/status.h"

static int set_up(void **state)
{
    *state = base_arena_create();
    return *state == NULL;
}

static int tear_down(void **state)
{
    base_arena_destroy(*state);
    return 0;
}

static void test_alignment_and_zeros(void **state)
{
    base_arena *arena = *state;
    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < 3000; size = size * 3 / 2 + 1) {
            for (size_t n = 0; n < 40; n += 13) {
                unsigned char *p = base_arena_alloc(arena, n, size);
                assert_non_null(p);
                assert_int_equal((uintptr_t)p % (n * size >= 64 ? 64 : 16), 0);
                for (size_t i = 0; i < n * size; i++) {
                    assert_int_equal(p[i], 0);
                }
                if (n * size > 0) {
                    memset(p, 0xa5, n * size);
                }
            }
        }
        base_arena_reset(arena);
        assert_int_equal(base_arena_bytes(arena), 0);
    }
}

/* No two live allocations overlap, whatever the mixture of small and large. */
static void test_disjoint(void **state)
{
    base_arena *arena = *state;
    enum { N = 400 };
    unsigned char *objects[N];
    size_t sizes[N];
    size_t n_total = 0;
    for (size_t i = 0; i < N; i++) {
        sizes[i] = i % 17 == 0 ? 100000 + i : i % 5 == 0 ? 5000 : i % 90;
        objects[i] = base_arena_alloc(arena, 1, sizes[i]);
        assert_non_null(objects[i]);
        memset(objects[i], (int)(i & 0xff), sizes[i]);
        n_total += sizes[i];
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < sizes[i]; j++) {
            assert_int_equal(objects[i][j], i & 0xff);
        }
    }
    assert_true(base_arena_bytes(arena) >= n_total);
    assert_true(base_arena_bytes(arena) <= n_total + N * 64);
}

static void test_overflow(void **state)
{
    base_arena *arena = *state;
    assert_null(base_arena_alloc(arena, SIZE_MAX / 2, 3));
    assert_null(base_arena_alloc(arena, 2, SIZE_MAX / 2 + 1));
    assert_null(base_arena_alloc(arena, SIZE_MAX, 1));
    assert_null(base_arena_alloc(arena, SIZE_MAX / 2 - 8, 1));
    assert_non_null(base_arena_alloc(arena, 1, 1));
}

static void test_text(void **state)
{
    base_arena *arena = *state;
    assert_string_equal(base_arena_strdup(arena, ""), "");
    assert_string_equal(base_arena_strdup(arena, "systole"), "systole");
    assert_string_equal(base_arena_strndup(arena, "systole", 3), "sys");
    assert_string_equal(base_arena_strndup(arena, "systole", 100), "systole");
    const char no_nul[3] = {'a', 'b', 'c'};
    assert_string_equal(base_arena_strndup(arena, no_nul, 3), "abc");
    assert_string_equal(base_arena_printf(arena, "%s %d", "node", 17), "node 17");
    char *padded = base_arena_printf(arena, "%50000d", 1);
    assert_int_equal(strlen(padded), 50000);
    const int numbers[3] = {1, 2, 3};
    int *copy = base_arena_memdup(arena, numbers, 3, sizeof numbers[0]);
    assert_memory_equal(copy, numbers, sizeof numbers);
    assert_non_null(base_arena_memdup(arena, NULL, 0, 4));
}

static void test_reset_keeps_memory(void **state)
{
    base_arena *arena = *state;
    void *first = base_arena_alloc(arena, 1, 100);
    base_arena_reset(arena);
    assert_ptr_equal(base_arena_alloc(arena, 1, 100), first);
}

typedef BASE_VEC(int) int_vec;
typedef struct named_pair {
    const char *name;
    int value;
} named_pair;

static void test_vec(void **state)
{
    base_arena *arena = *state;
    int_vec v = {0};
    for (int i = 0; i < 10000; i++) {
        assert_true(base_vec_push(arena, &v, i * i));
    }
    assert_int_equal(v.n, 10000);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(v.items[i], i * i);
    }
    int *before = v.items;
    assert_true(base_vec_reserve(arena, &v, v.capacity));
    assert_ptr_equal(v.items, before);
    assert_false(base_vec_reserve(arena, &v, SIZE_MAX / 2));
    assert_ptr_equal(v.items, before);
    assert_int_equal(v.n, 10000);

    BASE_VEC(named_pair) pairs = {0};
    assert_true(base_vec_push(arena, &pairs, (named_pair){"a", 1}));
    assert_true(base_vec_push(arena, &pairs, (named_pair){.name = "b", .value = 2}));
    assert_string_equal(pairs.items[1].name, "b");
}

/* Something with many allocations: names in a growing list. */
static sy_status make_names(base_arena *arena, size_t n, size_t *n_made)
{
    BASE_VEC(char *) names = {0};
    for (size_t i = 0; i < n; i++) {
        char *name = base_arena_printf(arena, "name %zu", i);
        char *copy = name == NULL ? NULL : base_arena_strdup(arena, name);
        if (copy == NULL || !base_vec_push(arena, &names, copy)) {
            return SY_ENOMEM;
        }
    }
    *n_made = names.n;
    return SY_OK;
}

static void test_oom_sweep(void **state)
{
    base_arena *arena = *state;
    const size_t n_names = 50;
    size_t n_failures = 0;
    for (size_t n = 1;; n++) {
        size_t n_made = 0;
        base_arena_reset(arena);
        base_arena_fail_at(arena, n);
        if (make_names(arena, n_names, &n_made) == SY_OK) {
            assert_int_equal(n_made, n_names);
            break;
        }
        n_failures++;
        assert_int_equal(n_made, 0);
        assert_null(base_arena_alloc(arena, 1, 1)); /* once memory is out, it stays out */
        base_arena_fail_at(arena, 0);
        assert_non_null(base_arena_alloc(arena, 1, 1));
    }
    /* Two allocations a name, and the list at 8, 16, 32 and 64 names. */
    assert_int_equal(n_failures, 2 * n_names + 4);
}

static void test_destroy_null(void **state)
{
    (void)state;
    base_arena_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_alignment_and_zeros, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_disjoint, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_overflow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reset_keeps_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_vec, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_oom_sweep, set_up, tear_down),
        cmocka_unit_test(test_destroy_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
