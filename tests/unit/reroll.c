/*
 * reroll.c -- loops found in command lists: expanding the tree gives the list back, and what has loops gets small.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "../../compiler/codegen/reroll.h"
#include "systole/base/rng.h"

typedef struct list {
    cc_command *items;
    size_t n, capacity;
} list;

static void push(list *l, const cc_command *c)
{
    if (l->n == l->capacity) {
        l->capacity = l->capacity > 0 ? 2 * l->capacity : 1024;
        l->items = realloc(l->items, l->capacity * sizeof *c);
        assert_non_null(l->items);
    }
    l->items[l->n++] = *c;
}

static cc_command random_command(base_rng *rng)
{
    cc_command c;
    memset(&c, 0, sizeof c);
    c.unit = (uint8_t)base_rng_below(rng, 4);
    c.funct7 = (uint8_t)(1 + base_rng_below(rng, 3));
    c.payload = (uint32_t)base_rng_below(rng, 32);
    if (c.funct7 == 3) {
        c.funct7 = 0x10;
        c.mask = base_rng_next(rng) & base_rng_next(rng) & (((uint64_t)1 << 20) - 1);
        for (unsigned r = 0; r < 20; r++) {
            c.regs[r] = c.mask >> r & 1 ? (uint32_t)base_rng_below(rng, 100) : 0;
        }
    }
    return c;
}

/* Adds step * i to the values of the commands from `from` on. */
static void advance(list *l, size_t from, size_t n, const uint32_t (*steps)[21], uint32_t i)
{
    for (size_t k = 0; k < n; k++) {
        cc_command *c = &l->items[from + k];
        c->payload += steps[k][0] * i;
        for (unsigned r = 0; r < 20; r++) {
            c->regs[r] += c->mask >> r & 1 ? steps[k][r + 1] * i : 0;
        }
    }
}

/* A random nest of loops, written out. */
static void add_nest(list *l, base_rng *rng, unsigned depth)
{
    const size_t n_items = 1 + base_rng_below(rng, 4);
    for (size_t i = 0; i < n_items; i++) {
        if (depth == 0 || base_rng_one_in(rng, 2)) {
            const cc_command c = random_command(rng);
            push(l, &c);
            continue;
        }
        const size_t from = l->n;
        add_nest(l, rng, depth - 1);
        const size_t n = l->n - from;
        const uint32_t count = (uint32_t)(2 + base_rng_below(rng, 5));
        uint32_t(*steps)[21] = calloc(n, sizeof *steps);
        assert_non_null(steps);
        for (size_t k = 0; k < n; k++) {
            for (unsigned r = 0; r < 21; r++) {
                steps[k][r] = base_rng_one_in(rng, 4) ? (uint32_t)base_rng_range(rng, -50, 50) : 0;
            }
        }
        for (uint32_t it = 1; it < count; it++) {
            for (size_t k = 0; k < n; k++) {
                const cc_command c = l->items[from + k];
                push(l, &c);
            }
            advance(l, l->n - n, n, (const uint32_t(*)[21])steps, it);
        }
        free(steps);
    }
}

/* Re-rolls, expands, compares; returns the number of nodes at the top. */
static size_t check(const list *l, uint64_t seed)
{
    base_arena *arena = base_arena_create();
    cc_forest forest;
    assert_ok(cc_leaves(arena, l->items, l->n, &forest));
    assert_ok(cc_reroll(arena, &forest));
    const size_t n_top = forest.n;
    if (cc_forest_length(&forest) != l->n) {
        fail_msg("seed %llu: expected %zu commands, got %zu", (unsigned long long)seed, l->n, cc_forest_length(&forest));
    }
    cc_command *again = calloc(l->n + 1, sizeof *again);
    assert_non_null(again);
    cc_forest_expand(&forest, again);
    for (size_t i = 0; i < l->n; i++) {
        if (memcmp(&again[i], &l->items[i], sizeof *again) != 0) {
            fail_msg("seed %llu: command %zu differs", (unsigned long long)seed, i);
        }
    }
    free(again);
    base_arena_destroy(arena);
    return n_top;
}

static void test_random_nests(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        base_rng rng = base_rng_make(seed, 1);
        list l = {0};
        add_nest(&l, &rng, (unsigned)base_rng_below(&rng, 4));
        check(&l, seed);
        for (unsigned k = 0; k < 3; k++) { /* and with something in the way */
            cc_command *c = &l.items[base_rng_below(&rng, l.n)];
            c->payload += 1;
            check(&l, seed);
        }
        free(l.items);
    }
}

/* A perfect nest of three loops becomes one node. */
static void test_nest_becomes_one(void **state)
{
    (void)state;
    list l = {0};
    for (uint32_t i = 0; i < 7; i++) {
        for (uint32_t j = 0; j < 5; j++) {
            cc_command wait = {.unit = 1, .funct7 = 1, .payload = 3};
            push(&l, &wait);
            for (uint32_t k = 0; k < 9; k++) {
                cc_command c = {.unit = 0, .funct7 = 0x10, .payload = 7, .mask = 3};
                c.regs[0] = 1000 * i + 10 * j - 3 * k;
                c.regs[1] = 5 - i;
                push(&l, &c);
            }
        }
    }
    assert_int_equal(check(&l, 0), 1);
    free(l.items);
}

/* A long list, with loops and without, takes no more than seconds. */
static void test_long_lists(void **state)
{
    (void)state;
    for (unsigned random = 0; random < 2; random++) {
        base_rng rng = base_rng_make(5, random);
        list l = {0};
        for (uint32_t i = 0; i < 20000; i++) {
            for (uint32_t k = 0; k < 9; k++) {
                cc_command c = {.unit = 0, .funct7 = 0x10, .payload = 7, .mask = 7};
                c.regs[0] = 16 * i + k * k;
                c.regs[1] = random ? (uint32_t)base_rng_below(&rng, 1000) : 4 * k;
                push(&l, &c);
            }
        }
        const size_t n = check(&l, random);
        if (!random) {
            assert_int_equal(n, 1);
        }
        free(l.items);
    }
}

static void test_empty(void **state)
{
    (void)state;
    const list l = {0};
    assert_int_equal(check(&l, 0), 0);
}

static void test_no_memory(void **state)
{
    (void)state;
    list l = {0};
    for (uint32_t i = 0; i < 40; i++) {
        const cc_command c = {.unit = 0, .funct7 = 0x10, .payload = i, .mask = 1};
        push(&l, &c);
    }
    base_arena *arena = base_arena_create();
    sy_status status = SY_ENOMEM;
    for (size_t n = 1; status != SY_OK; n++) {
        cc_forest forest;
        base_arena_fail_at(arena, n);
        status = cc_leaves(arena, l.items, l.n, &forest);
        if (status == SY_OK) {
            status = cc_reroll(arena, &forest);
        }
        assert_true(status == SY_OK || status == SY_ENOMEM);
        assert_true(n < 1000);
    }
    base_arena_destroy(arena);
    free(l.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_nests), cmocka_unit_test(test_nest_becomes_one), cmocka_unit_test(test_long_lists),
        cmocka_unit_test(test_empty),        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
